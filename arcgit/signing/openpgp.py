"""Signing with the person's GnuPG, through python-gnupg."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from arcgit.errors import UndeterminedError
from arcgit.signing.keys import PublicKey, parse_public_key
from arcgit.signing.signer import no_key
from arcgit.signing.verify import Keyring, SignatureStatus

# What a gpg.conf may put into the armor would make one signature have many spellings.
_PLAIN = ["--no-comments", "--no-emit-version", "--no-throw-keyids"]
_ARMOR_HEADER = re.compile(rb"^(?:Comment|Version|Hash|MessageID|Charset): [^\n]*\n", re.MULTILINE)


class OpenPgpSigner:
    """Signs with one secret key of the person's keyring."""

    def __init__(self, gpg: Any, key_id: str) -> None:
        self._gpg = gpg
        self._key_id = key_id
        exported = gpg.export_keys([key_id.rstrip("!")], minimal=True)
        if not exported:
            raise no_key(f"GnuPG cannot export the public key {key_id}")
        try:
            self._public_key = parse_public_key(_ARMOR_HEADER.sub(b"", exported.encode()).decode())
        except ValueError as error:
            raise no_key(f"the OpenPGP key {key_id} cannot be used: {error}") from error
        self._keyring = Keyring([self._public_key])

    @classmethod
    def from_config(cls, config: Mapping[str, str], *, email: str) -> OpenPgpSigner:
        """The signer for user.signingKey, or for the secret key that has `email`, as git chooses it."""
        import gnupg

        program = config.get("gpg.openpgp.program") or config.get("gpg.program") or "gpg"
        try:
            gpg = gnupg.GPG(gpgbinary=program)
        except (OSError, ValueError) as error:
            message = f"the OpenPGP program `{program}` cannot be run: {error}"
            raise UndeterminedError("signing-program-missing", message, "install GnuPG, or set gpg.program") from error
        gpg.encoding = "utf-8"
        wanted = config.get("user.signingkey", "")
        asked = wanted or (f"<{email}>" if email else "")
        if not asked:
            raise no_key("user.signingKey is not set, and git knows no e-mail address of yours")
        found = gpg.list_keys(True, keys=[asked.rstrip("!")])
        if not found:
            raise no_key(f"GnuPG has no secret key for {asked}")
        return cls(gpg, wanted if wanted.endswith("!") else found[0]["fingerprint"])

    @property
    def public_key(self) -> PublicKey:
        return self._public_key

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:  # noqa: ARG002  OpenPGP has no namespaces
        """An armored detached signature over `payload`, checked before it is given out."""
        made = self._gpg.sign(
            payload, keyid=self._key_id, detach=True, clearsign=False, binary=False, extra_args=_PLAIN
        )
        armored = bytes(made.data).replace(b"\r\n", b"\n")
        if not armored:
            words = " ".join(line for line in str(made.stderr).splitlines() if line.startswith("gpg: "))
            hint = "check with: echo test | gpg --sign --local-user KEY >/dev/null (GPG_TTY=$(tty) may be missing)"
            raise UndeterminedError("signing-failed", f"GnuPG did not sign: {words or made.status}", hint)
        checked = self._keyring.verify(payload, armored)
        if checked.status is not SignatureStatus.GOOD:
            message = f"the signature that GnuPG made does not verify: {checked.detail}"
            hint = (
                "update the key's expiry or its policy: gpg --list-keys; DSA, SHA-1 and RSA below 2048 bits are refused"
            )
            raise UndeterminedError("signing-failed", message, hint)
        return armored
