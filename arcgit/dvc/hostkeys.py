"""The key of an SSH host: DVC takes whatever answers, so that passwords and data could go to somebody in between.

A host that the person's own known_hosts names must have the key that stands there, as for ssh. One that it does not name is
talked to as DVC does: what is read is proven by its sha256 anyway.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

DEFAULT_PORT = 22


def hold_to_known(fs: Any) -> None:
    """Make an SSH file system of DVC that is not connected yet ask for the key that known_hosts names for its host."""
    path = Path.home() / ".ssh" / "known_hosts"
    if not path.is_file():
        return
    import asyncssh  # noqa: PLC0415  only with an SSH remote

    arguments = fs.fs_args
    named = asyncssh.match_known_hosts(
        asyncssh.read_known_hosts(str(path)), arguments["host"], "", int(arguments.get("port") or DEFAULT_PORT)
    )
    if any(named):
        arguments["known_hosts"] = str(path)
