"""Signing as the person's git is set up to: user.signingKey, gpg.format and the programs that git would run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from arcgit.errors import UndeterminedError, UsageError
from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import Keyring, SignatureStatus

_YES, _NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})
"""How git spells a switch."""


class Signer(Protocol):
    """Something that can sign: the person's GnuPG or their ssh-keygen."""

    @property
    def public_key(self) -> PublicKey:
        """The key that the signatures are verified with."""

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """An armored detached signature, ended by one newline. Raises UndeterminedError `signing-failed`."""


def signer_from_config(config: Mapping[str, str], *, email: str) -> Signer:
    """The signer that git would use under `config`, git settings by lower-cased name.

    `email` finds an OpenPGP key where user.signingKey is unset. A key in hardware is asked a few times only; where nothing
    tells that it is one, `arcgit.hardwareKey` does. Raises UndeterminedError `signing-key-missing` or `signing-failed`,
    and UsageError `signing-format-unsupported`.
    """
    kind = config.get("gpg.format") or "openpgp"
    said = config.get("arcgit.hardwarekey", "").lower()
    if kind == "ssh":
        from arcgit.signing.ssh import SshSigner  # noqa: PLC0415

        by_ssh = SshSigner.from_config(config)
        return _bounded(by_ssh, said, known=by_ssh.in_token)
    if kind == "openpgp":
        from arcgit.signing.openpgp import OpenPgpSigner  # noqa: PLC0415

        by_gpg = OpenPgpSigner.from_config(config, email=email)
        return _bounded(by_gpg, said, known=by_gpg.on_card)
    message = f"gpg.format is `{kind}`, and arcgit signs with openpgp or ssh"
    raise UsageError("signing-format-unsupported", message, "git config gpg.format ssh")


def _bounded(signer: Signer, said: str, *, known: bool) -> Signer:
    """The signer, bounded if its key is in hardware as git's settings say, or else as is `known` of the key."""
    from arcgit.signing.bound import BoundedSigner  # noqa: PLC0415

    hardware = known if said not in _YES | _NO else said in _YES
    return BoundedSigner(signer) if hardware else signer


def no_key(message: str) -> UndeterminedError:
    """The error for a person without a signing key: how to make one of either kind."""
    hint = (
        "with ssh: ssh-keygen -t ed25519 -f ~/.ssh/id_arcgit && git config gpg.format ssh"
        " && git config user.signingKey ~/.ssh/id_arcgit.pub"
        " -- or with GnuPG: gpg --quick-generate-key you@example.org ed25519 sign never"
        " && git config gpg.format openpgp && git config user.signingKey you@example.org"
    )
    return UndeterminedError("signing-key-missing", message, hint)


def no_program(program: str, error: OSError | ValueError) -> UndeterminedError:
    """The error for a signing program that cannot be run."""
    hint = "install GnuPG or OpenSSH, or correct gpg.program or gpg.ssh.program in the git configuration"
    return UndeterminedError("signing-failed", f"`{program}` cannot be run: {error}", hint)


def require_good(key: PublicKey, payload: bytes, signature: bytes, namespace: str) -> bytes:
    """`signature`, if it is one that every reader will accept: settings of the program may have made it another."""
    checked = Keyring([key]).verify(payload, signature, namespace)
    if checked.status is SignatureStatus.GOOD:
        return signature
    message = f"the signature that was made does not verify with {key.fingerprint}: {checked.detail}"
    hint = (
        "look for local-user, digest-algo and textmode in gpg.conf, and for a key that is expired (gpg --list-keys)"
        if key.kind == "openpgp"
        else "is the .pub file the public half of the key that user.signingKey names? ssh-keygen -y -f KEY prints it"
    )
    raise UndeterminedError("signing-failed", message, hint)
