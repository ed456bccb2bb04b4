"""Hardened calls of git's plumbing, for reading repositories that may be hostile.

Only commands that run no program named by configuration, attributes or hooks are called through here; the settings that
could still start one are overridden, replace refs are ignored, and nothing is fetched lazily. What must honour the
user's own set-up (fetch, push, config, status) is in `arcgit.git.exchange` and `arcgit.git.settings`.
"""

from __future__ import annotations

import os

from arcgit.errors import UndeterminedError, UsageError
from arcgit.git.child import Child

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` and `collections` cost a hook that has nothing to do a fifth of its time
    from collections.abc import Mapping, Sequence
    from mmap import mmap
    from pathlib import Path

# The person's home stays: safe.directory in the global configuration is their own decision to trust a folder.
_KEPT = frozenset(
    {"PATH", "HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "SYSTEMROOT", "TMPDIR", "TZ"}
)
HOOK_VARIABLES = frozenset(
    {"GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES"}
    | {"GIT_QUARANTINE_PATH", "GIT_COMMON_DIR", "GIT_NAMESPACE"}
)
"""What git sets for the hooks it runs; kept only where arcgit itself runs as a hook."""

_FIXED = {
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_OVERRIDES = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "protocol.allow=never",
    "core.fsync=committed,pack-metadata,reference",
    "core.commitGraph=false",
)


BOUND_KIB, BOUND_SECONDS = 512 * 1024, 20
# Data alone: packs that are mapped into memory do not count.
_BOUND = ("sh", "-c", f'ulimit -d {BOUND_KIB} 2>/dev/null; ulimit -t {BOUND_SECONDS} 2>/dev/null; exec "$@"', "sh")


WRITE_TREE = ("write-tree", "--missing-ok")
"""Prints what is staged as a tree: exactly what a commit gets, so without paths that are only intended to be added."""


class PlumbingError(UndeterminedError):
    """git could not do it; the message has git's own words."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a hardened call: an allow-list of the present one, and `extra`."""
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    return kept | _FIXED | dict(extra or {})


def command(arguments: Sequence[str]) -> list[str]:
    """The argument list of a hardened call."""
    return ["git", "--no-replace-objects", *(part for item in _OVERRIDES for part in ("-c", item)), *arguments]


def run(
    arguments: Sequence[str],
    *,
    cwd: Path | str,
    stdin: bytes = b"",
    extra: Mapping[str, str] | None = None,
    bounded: bool = False,
) -> bytes:
    """The standard output of `git <arguments>`. Raises PlumbingError with git's own words where it fails.

    `bounded` is as in `try_run`.
    """
    code, out, err = try_run(arguments, cwd=cwd, stdin=stdin, extra=extra, bounded=bounded)
    if code != 0:
        raise failure(arguments, err)
    return out


def try_run(
    arguments: Sequence[str],
    *,
    cwd: Path | str,
    stdin: bytes | mmap = b"",
    extra: Mapping[str, str] | None = None,
    bounded: bool = False,
) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of `git <arguments>`.

    `bounded` for what git gathers before it says anything: a few trees that name each other stand for more changed files
    than any memory holds. Git then fails where it would need more than `BOUND_KIB` or `BOUND_SECONDS` of a processor.
    """
    import subprocess  # noqa: PLC0415  a commit hook that passes does without

    try:
        done = subprocess.run(
            [*(_BOUND if bounded else ()), *command(arguments)],
            cwd=cwd,
            input=stdin,
            capture_output=True,
            check=False,
            env=environment(extra),
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        if not os.path.isdir(cwd) or not isinstance(error, FileNotFoundError):
            raise UsageError("no-such-folder", f"there is no folder {cwd} that can be entered") from error
        raise UndeterminedError("git-missing", "git is not installed or not on PATH", "install git") from error
    if done.returncode != 0 and b"multi-pack-index" in done.stderr:
        # Else a ref that cannot be looked up would be taken for one that is not there.
        raise failure(arguments, done.stderr)
    return done.returncode, done.stdout, done.stderr


def start(arguments: Sequence[str], *, folder: str = "", extra: Mapping[str, str] | None = None) -> Child:
    """`git <arguments>` as a running child; `folder` is where it runs, by default here."""
    placed = ["-C", folder, *arguments] if folder else arguments
    return Child(command(placed), environment(extra))


def list_tree(tree: str, *, folder: str = "", extra: Mapping[str, str] | None = None) -> Child:
    """A child that writes mode, kind, oid and path of every file of a tree or commit oid, each ended by a zero byte."""
    arguments = ["ls-tree", "-r", "-z", "--full-tree", "--end-of-options", tree]
    return start(arguments, folder=folder, extra=extra)


PACKS_AGAIN = 'rm "$(git rev-parse --git-path objects/pack/multi-pack-index)" leaves every object; then run it again'
"""The way on where git's index of all packs is damaged: each pack has one of its own."""


def failure(arguments: Sequence[str], err: bytes) -> PlumbingError:
    """The error for a git command that failed, with the next step where git's words tell it."""
    lines = [line for line in err.decode(errors="replace").splitlines() if not line.startswith("hint:")]
    words = " ".join(" ".join(lines).split()) or "no message"
    if "dubious ownership" in words:
        hint = "if you trust it: git config --global --add safe.directory <path>"
        return PlumbingError("repository-untrusted", "the repository belongs to another user", hint)
    if "not a git repository" in words:
        return PlumbingError("not-a-repository", "this is not a git repository", "cd into one, or use -C DIR")
    if "multi-pack-index" in words:
        message = f"git cannot read its index of all packs (objects/pack/multi-pack-index): {words}"
        return PlumbingError("git-failed", message, PACKS_AGAIN)
    if "must be run in a work tree" in words:
        return PlumbingError(
            "not-a-repository", "this is inside of a git folder", "cd into the work tree, or use -C DIR"
        )
    return PlumbingError("git-failed", f"git {arguments[0]} failed: {words}")
