"""An interpreter without the native libraries that verify signatures, or with no tools on its path."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LIBRARIES = {
    "openpgp": ("pysequoia", "pysequoia.packet"),
    "ssh": ("cryptography", "cryptography.hazmat.primitives.asymmetric.ec", "arcgit.signing.sshmath"),
}


@contextmanager
def without_libraries(*kinds: str) -> Iterator[None]:
    """Importing the libraries of these kinds of signature (of both by default) fails, as where they are not installed."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in kinds or LIBRARIES:
            for name in LIBRARIES[kind]:
                patch.setitem(sys.modules, name, None)
        yield


def path_without(folder: Path, *missing: str) -> str:
    """A PATH on which everything is found but these programs."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in sorted(Path(place).iterdir()) if Path(place).is_dir() else ():
            link = folder / program.name
            if program.name not in missing and not link.exists() and shutil.which(program.name):
                link.symlink_to(program)
    return str(folder)
