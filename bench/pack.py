"""Writing very many git objects and refs at once: one pack, one packed-refs file."""

from __future__ import annotations

import hashlib
import subprocess
import zlib
from collections.abc import Mapping
from pathlib import Path

from arcgit.model.gitobject import object_id

KINDS = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}


class Objects:
    """Objects to be written, each once."""

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}

    def add(self, kind: str, raw: bytes) -> str:
        """Take one object; returns its oid."""
        oid = object_id(kind, raw)
        if oid not in self._packed:
            self._packed[oid] = _head(KINDS[kind], len(raw)) + zlib.compress(raw, 1)
        return oid

    def write(self, repo: Path) -> None:
        """Put all of them into the repository as one pack, each whole."""
        body = b"".join([b"PACK", (2).to_bytes(4, "big"), len(self._packed).to_bytes(4, "big"), *self._packed.values()])
        pack = body + hashlib.sha1(body, usedforsecurity=False).digest()
        subprocess.run(["git", "index-pack", "--stdin"], cwd=repo, input=pack, check=True, stdout=subprocess.DEVNULL)


def _head(kind: int, size: int) -> bytes:
    """Type and size of an object in a pack: four bits, then seven a byte, lowest first."""
    byte, size = kind << 4 | size & 0x0F, size >> 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    return bytes([*head, byte])


def write_refs(git_dir: Path, refs: Mapping[str, tuple[str, str | None]]) -> None:
    """Write packed-refs: by refname the oid, and the commit behind it where the ref is an annotated tag."""
    lines = ["# pack-refs with: peeled fully-peeled sorted "]
    for name, (oid, peeled) in sorted(refs.items()):
        lines += [f"{oid} {name}", *([f"^{peeled}"] if peeled else [])]
    (git_dir / "packed-refs").write_text("\n".join([*lines, ""]))
