"""The two native libraries that verify in process, and what is done where one of them cannot be imported.

Without pysequoia, OpenPGP signatures are checked by gpgv; without cryptography, SSH signatures by ssh-keygen. The rules
are the same and the verdicts are held to be; it only takes longer. A report says which of them was used.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Literal

from arcgit.signing import packets, sshsig
from arcgit.signing.faults import MalformedError

Kind = Literal["openpgp", "ssh"]
_LIBRARIES: dict[Kind, tuple[str, str]] = {
    "openpgp": ("pysequoia", "pysequoia.packet"),
    "ssh": ("cryptography", "cryptography.hazmat.primitives.asymmetric.ec"),
}
TOOLS: dict[Kind, str] = {"openpgp": "gpgv", "ssh": "ssh-keygen"}


def library(kind: Kind) -> str | None:
    """The library for one kind of signature with its version, None where it cannot be imported."""
    name, module = _LIBRARIES[kind]
    try:
        import_module(module)
    except ImportError:
        return None
    return _with_version(name)


@cache
def _with_version(name: str) -> str:
    from importlib import metadata  # noqa: PLC0415  takes longer than all the rest of this module

    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return name


def incomplete() -> bool:
    """True where a library is not installed. Nothing is imported to tell."""
    return any(find_spec(name) is None for name, _ in _LIBRARIES.values())


def require_ssh_key(blob: bytes, kind: str) -> None:
    """Refuse what is no SSH public key of that type. Raises MalformedError, WeakError, UnsupportedError."""
    try:
        from arcgit.signing.sshmath import load_key  # noqa: PLC0415  a commit hook does without
    except ImportError:
        sshsig.parse_key(blob, kind)
    else:
        load_key(blob, kind)


def openpgp_fingerprint(data: bytes, primary: packets.Packet) -> str:
    """The fingerprint of a certificate, in capital hex; `primary` is its first packet. Raises MalformedError."""
    try:
        from pysequoia import Cert
    except ImportError:
        return packets.handles(primary.body)[0]
    try:
        return str(Cert.from_bytes(data).fingerprint).upper()
    except Exception as error:
        # The library's words end in a backtrace that names the paths of this machine.
        reason = str(error).partition("\n")[0]
        raise MalformedError(f"the OpenPGP key cannot be read: {reason}") from error
