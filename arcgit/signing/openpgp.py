"""Signing with the person's GnuPG, through python-gnupg."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arcgit.errors import UndeterminedError
from arcgit.signing.keys import PublicKey, parse_public_key
from arcgit.signing.signer import no_key, no_program, require_good

# A gpg.conf must not give one signature many spellings, nor a date after which it no longer holds.
_PLAIN = (
    "--no-comments",
    "--no-emit-version",
    "--no-textmode",
    "--no-ask-sig-expire",
    "--default-sig-expire",
    "0",
)
_LISTING = re.compile(r"^\[GNUPG:\] ERROR keylist\.getkey (\d+)", re.MULTILINE)
_NO_SUCH_KEY = {9, 17}
"""libgpg-error's codes for a public or secret key that is not there; the upper bits of a code say who reports it."""


class OpenPgpSigner:
    """Signs with `key_id`, a full fingerprint or, with `!` at its end, one subkey, of the person's keyring."""

    def __init__(self, gpg: Any, key_id: str, *, on_card: bool = False) -> None:
        self._gpg = gpg
        self._key_id = key_id
        self.on_card = on_card
        exported = gpg.export_keys([key_id.rstrip("!")], minimal=True)
        try:
            self._public_key = parse_public_key(exported)
        except ValueError as error:
            raise no_key(f"the OpenPGP key {key_id} cannot be used: {error}") from error

    @classmethod
    def from_config(cls, config: Mapping[str, str], *, email: str) -> OpenPgpSigner:
        """The signer for user.signingKey, or for the secret key that has `email`."""
        import gnupg

        # It prints tracebacks of its own where a program ends early; what went wrong is said by us.
        logging.getLogger().addHandler(logging.NullHandler())
        program = config.get("gpg.openpgp.program") or config.get("gpg.program") or "gpg"
        try:
            gpg = gnupg.GPG(gpgbinary=str(Path(program).expanduser()))
        except (OSError, ValueError) as error:
            raise no_program(program, error) from error
        gpg.encoding = "utf-8"
        wanted = config.get("user.signingkey", "")
        if not (wanted or email):
            raise no_key("user.signingKey is not set, and git knows no e-mail address of yours")
        asked = wanted.rstrip("!") or f"<{email}>"
        if asked.startswith("-"):
            raise no_key(f"user.signingKey is `{wanted}`, which is no name of a key")
        # Capital letters stand for what the whole key can do now, so an expired or revoked key is passed over.
        rows = gpg.list_keys(secret=True, keys=[asked])
        if not rows and (words := _unlooked(str(rows.stderr), rows.returncode)):
            message = f"GnuPG could not look for {asked}: {words}"
            hint = "gpg --list-secret-keys shows it; look at space and rights: df -h ~/.gnupg; ls -ld ~/.gnupg"
            raise UndeterminedError("signing-failed", message, hint)
        able = [row for row in rows if "S" in row["cap"]]
        found = [row["fingerprint"] for row in able]
        if not found:
            ended = {"e": "expired", "r": "was revoked"}
            reasons = [f"; {row['fingerprint']} {ended[row['trust']]}" for row in rows if row.get("trust") in ended]
            raise no_key(f"GnuPG has no secret key for {asked} that can sign{''.join(reasons)}")
        return cls(gpg, wanted if wanted.endswith("!") else found[0], on_card=_on_card(able[0]))

    @property
    def public_key(self) -> PublicKey:
        return self._public_key

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """An armored detached signature over `payload`, checked before it is given out."""
        chosen = ["--local-user", self._key_id, *_PLAIN]
        try:
            made = self._gpg.sign(payload, detach=True, clearsign=False, extra_args=chosen)
        except Exception as error:
            # Whatever stands behind gpg.program may say anything; the library trips over some of it.
            message = f"GnuPG did not sign: {type(error).__name__}: {error}"
            raise UndeterminedError(
                "signing-failed", message, "check gpg.program: echo test | gpg --clearsign"
            ) from error
        if not made.data:
            said = [line.removeprefix("gpg: ") for line in str(made.stderr).splitlines() if line.startswith("gpg: ")]
            message = f"GnuPG did not sign: {'; '.join(said) or made.status or 'it said nothing'}"
            hint = "see whether it can: echo test | gpg --clearsign (over ssh or in tmux: export GPG_TTY=$(tty) first)"
            raise UndeterminedError("signing-failed", message, hint)
        return require_good(self._public_key, payload, bytes(made.data), namespace)


def _unlooked(said: str, code: int | None) -> str:
    """GnuPG's words where something kept it from looking, such as a full disk; empty where it only found no such key."""
    if code is not None and code < 0:
        return f"it was ended by signal {-code}"
    found = _LISTING.search(said)
    if found is None or int(found[1]) & 0xFFFF in _NO_SUCH_KEY:
        return ""
    lines = [line.removeprefix("gpg: ") for line in said.splitlines() if line.startswith("gpg: ")]
    return "; ".join(lines)[:400] or "it said nothing"


def _on_card(row: Mapping[str, Any]) -> bool:
    """True where a card has a part of the key that can sign: GnuPG then lists its serial number, else `+` or `#`."""
    parts = [row, *row.get("subkey_info", {}).values()]
    return any("s" in part["cap"] and part["token"].strip("+#") for part in parts)
