"""What arcgit can see of the machine at the moment of sealing. It says nothing about where the training ran."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import Any

from arcgit import __version__

_TOOLS = ("dvc", "gitpython", "pygit2")


def describe() -> dict[str, Any]:
    """Interpreter, platform and tool versions of the machine that seals: no host name, no user name."""
    return {
        "recorded_with": {
            "arcgit": __version__,
            "machine": platform.machine(),
            "python": ".".join(map(str, sys.version_info[:3])),
            "system": platform.system(),
            "tools": {name: metadata.version(name) for name in _TOOLS},
        }
    }
