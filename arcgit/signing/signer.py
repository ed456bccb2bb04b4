"""Signing as the person's git is set up to: user.signingKey, gpg.format and the programs that git would run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from arcgit.errors import UndeterminedError, UsageError
from arcgit.signing.keys import PublicKey


class Signer(Protocol):
    """Something that can sign: the person's GnuPG or their ssh-keygen."""

    @property
    def public_key(self) -> PublicKey:
        """The key that the signatures will be verified with."""

    def sign(self, payload: bytes, namespace: str = "git") -> bytes:
        """An armored detached signature, ended by one newline. Raises UndeterminedError `signing-failed`."""


def signer_from_config(config: Mapping[str, str], *, email: str) -> Signer:
    """The signer that git would use under this configuration (lower-cased names).

    Raises UndeterminedError where there is no key or it cannot be used, UsageError for x509.
    """
    kind = config.get("gpg.format", "openpgp")
    if kind == "ssh":
        from arcgit.signing.ssh import SshSigner  # noqa: PLC0415

        return SshSigner.from_config(config)
    if kind == "openpgp":
        from arcgit.signing.openpgp import OpenPgpSigner  # noqa: PLC0415

        return OpenPgpSigner.from_config(config, email=email)
    message = f"gpg.format is `{kind}`, and arcgit signs with openpgp or ssh"
    raise UsageError("signing-format-unsupported", message, "git config gpg.format ssh")


def no_key(message: str) -> UndeterminedError:
    """The error for a person without a signing key: how to make one of either kind."""
    hint = (
        "with ssh: ssh-keygen -t ed25519 -f ~/.ssh/id_arcgit && git config gpg.format ssh"
        " && git config user.signingKey ~/.ssh/id_arcgit.pub"
        " -- with GnuPG: gpg --quick-generate-key you@example.org ed25519 sign"
        " && git config user.signingKey you@example.org"
    )
    return UndeterminedError("signing-key-missing", message, hint)
