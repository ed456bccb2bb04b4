"""What DVC's settings say of the certificates of a server, said as a person can act on it.

Each library has an error of its own for a file that has no certificates, and tells it of whichever object was asked for.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

from arcgit.errors import UndeterminedError

SETTING = "ssl_verify"
_SAID = {"true", "false"}
_UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})
"""What OpenSSL says of a certificate that no known authority has signed."""


def require_usable(name: str, settings: Mapping[str, str]) -> None:
    """Raise UndeterminedError where a remote's settings name a file of authorities, and it has none."""
    named = settings.get(SETTING, "true")
    # Only WebDAV takes a folder of them.
    if named in _SAID or (Path(named).is_dir() and settings.get("url", "").startswith("webdav")):
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(named)
    except (OSError, ValueError) as error:
        why = (
            "there are none in it"
            if isinstance(error, ssl.SSLError)
            else getattr(error, "strerror", None) or str(error)
        )
        message = f"the DVC remote `{name}`: {SETTING} is to name a file of certificates, {named}: {why}"
        raise UndeterminedError("remote-unreachable", message, how(name)) from error


def unchecked(settings: Mapping[str, str]) -> bool:
    """True where the settings say that whoever answers over TLS is taken for the server."""
    url = (
        settings.get("endpointurl", "https://")
        if settings.get("url", "").startswith("s3://")
        else settings.get("url", "")
    )
    return settings.get(SETTING) == "false" and url.startswith(("https://", "webdavs://"))


def how(name: str) -> str:
    """The command that names the authority of a server."""
    return f"dvc remote modify --local {name} {SETTING} /path/to/authority.pem"


def hint(name: str, chain: Iterator[BaseException]) -> str | None:
    """The next step where one of these errors is about a certificate, else None."""
    # aiohttp has an error that is of this kind by name alone, and knows nothing.
    found = [error for error in chain if isinstance(error, ssl.SSLCertVerificationError)]
    codes = {getattr(error, "verify_code", 0) for error in found}
    if not found:
        return None
    if codes & _UNKNOWN_AUTHORITY:
        return f"if you know whose it is, name the authority of its certificate: {how(name)}"
    return f"ask whoever runs that server for a good certificate; dvc remote list says where `{name}` is"
