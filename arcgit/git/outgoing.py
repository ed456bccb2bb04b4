"""Very many tags pushed at once: under one pattern, because git holds every refspec that is spelled out against every ref.

They stand for a moment below refs/arcgit/outgoing/, exactly those that are to go; a run that dies leaves them to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from arcgit import crash
from arcgit.git import plumbing
from arcgit.model.names import OUTGOING_PREFIX, RECORD_PREFIX, TAG_PREFIX

MANY = 200
"""From so many tags on it is worth it; ten times as many would not fit into every system's command line."""
# Nothing hangs on these refs: whoever loses them to a crash pushes again.
_UPDATE = ("-c", "core.fsync=none", "update-ref", "--no-deref", "--stdin")


@contextmanager
def refspecs(root: Path, goes: Mapping[str, str]) -> Iterator[list[str]]:
    """The refspecs for `goes`, refs with the oids that they shall have. One process of a repository at a time."""
    tags = [name for name in goes if name.startswith(RECORD_PREFIX)]
    if len(tags) < MANY or not _put(root, {_place(name): goes[name] for name in tags}):
        yield [f"{oid}:{name}" for name, oid in goes.items()]
        return
    try:
        rest = [f"{oid}:{name}" for name, oid in goes.items() if not name.startswith(RECORD_PREFIX)]
        yield [*rest, f"{OUTGOING_PREFIX}*:{TAG_PREFIX}*"]
    finally:
        _put(root, {})


def _put(root: Path, refs: Mapping[str, str]) -> bool:
    """Have exactly these refs below the prefix; False where they cannot be written."""
    code, out, _ = plumbing.try_run(["for-each-ref", "--format=%(refname)", OUTGOING_PREFIX], cwd=root)
    if code != 0:
        return False
    left = [name for name in out.decode(errors="surrogateescape").splitlines() if name not in refs]
    lines = [*(f"delete {name}" for name in left), *(f"update {name} {oid}" for name, oid in refs.items())]
    script = "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")
    done = not lines or plumbing.try_run([*_UPDATE], cwd=root, stdin=script)[0] == 0
    if done and lines:
        crash.point("tags-laid-out")
    return done


def _place(name: str) -> str:
    return f"{OUTGOING_PREFIX}{name.removeprefix(TAG_PREFIX)}"
