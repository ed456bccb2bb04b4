"""Installing the hooks, and taking them out again as if they had never been there.

A hook of somebody else is never overwritten or lost: it is moved aside to `<name>.before-arcgit` and run after ours, and
uninstalling moves it back. Only the git folder is written to. Hooks that lie elsewhere (`core.hooksPath`) belong to a team
or to several repositories; there we say which line to add. docs/adr/0008 has the reasons.
"""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from arcgit.archive.context import Context
from arcgit.archive.hooks.hookfile import HookFile, Kind, checksum, look
from arcgit.archive.hooks.hookplace import Place, place_of
from arcgit.errors import UndeterminedError
from arcgit.model.text import word
from arcgit.resources import resource

NAMES = ("pre-commit", "pre-merge-commit", "pre-push")
SERVER, ONLY_UPDATE = ("pre-receive",), ("update",)
"""What a repository that is pushed to gets; the second where a host allows no other hook."""
_GIVEN = {"pre-push": ' "$@"', "update": ' "$@"'}
_FILES = {"pre-merge-commit": "pre-commit"}
ASIDE = ".before-arcgit"
_NEEDED = "import arcgit.hook, msgspec, rfc8785, yaml._yaml, cryptography, pysequoia"
_PATH = "import sys; print(*sys.path, sep='\\n')"
LEGACY = ".legacy"
"""Where the pre-commit framework moves the hook that it finds; it goes on running it."""


@dataclass(frozen=True)
class HookState:
    """What became of one hook, or how it stands.

    Installing: `installed`, `unchanged` or `skipped`. Uninstalling: `removed`, `restored`, `absent` or `kept`. Asked for:
    `active` or `inactive`. `chained` is the path of a hook that runs after ours. `reason` and `hint` say why and what to
    do, where there is something to do.
    """

    name: str
    outcome: str
    path: str = ""
    chained: str = ""
    reason: str = ""
    hint: str = ""


def install(context: Context, names: Sequence[str] = NAMES) -> list[HookState]:
    """Install every client hook, or those of `names`; idempotent. What cannot be installed is reported as skipped."""
    place = place_of(context)
    return [_guarded(context, place, name, _install) for name in names]


def uninstall(context: Context, names: Sequence[str] = NAMES) -> list[HookState]:
    """Remove our hooks and put back what was there before; idempotent."""
    # Hooks that were installed before core.hooksPath was set lie in the default folder.
    default = Place(context.repo.common_dir / "hooks")
    place = place_of(context)
    places = [default] if place.refusal or place.folder == default.folder else [default, place]
    states = [_guarded(context, where, name, _uninstall) for where in places for name in names]
    return [state for state in states if state.outcome != "absent"] or states[: len(names)]


def status(context: Context, names: Sequence[str] = NAMES) -> list[HookState]:
    """How every client hook stands: `active` where git runs arcgit, else `inactive`. Writes nothing."""
    place = place_of(context)
    return [_status(place, name) for name in names]


def script(name: str) -> str:
    """The hook's text with this interpreter in it. Raises UndeterminedError where that cannot run arcgit."""
    python = sys.executable
    sites = _sites(python)
    if sites is None:
        hint = "install arcgit with pipx, uv tool or into a virtual environment, then run `arcgit hooks install`"
        raise UndeterminedError("hook-interpreter", f"{python} -I cannot import arcgit", hint)
    text = resource(f"hooks/{_FILES.get(name, name)}").read_text()
    for mark, said in (("@HOOK@", name), ("@PYTHON@", shlex.quote(python)), ("@SITES@", shlex.quote(sites))):
        text = text.replace(mark, said)
    return text.replace("@SUM@", checksum(text.encode().split(b"\n", 2)[2]), 1)


@cache
def _sites(python: str) -> str | None:
    """The folders, with colons between, that a Python without `site` needs to run the hook; None where none can run it.

    Empty where only `site` finds all that the hook imports, as with some editable installations.
    """
    # -I keeps the repository's own files from being imported in the place of arcgit's.
    with_site = _path_of([python, "-I", "-c", f"{_NEEDED}; {_PATH}"])
    if with_site is None:
        return None
    without = _path_of([python, "-I", "-S", "-c", _PATH]) or []
    folders = [folder for folder in with_site if folder not in without]
    if any(":" in folder for folder in folders):
        return ""
    sites = ":".join(folders)
    alone = _path_of([python, "-I", "-S", "-c", f"import sys; sys.path += sys.argv[1].split(':'); {_NEEDED}", sites])
    return "" if alone is None else sites


def _path_of(command: list[str]) -> list[str] | None:
    """The lines that a command prints; None where it fails."""
    done = subprocess.run(command, capture_output=True, check=False)
    return os.fsdecode(done.stdout).splitlines() if done.returncode == 0 else None


def call(name: str) -> str:
    """The line that runs arcgit from a hook of somebody else."""
    return f"arcgit hooks run {name}{_GIVEN.get(name, '')} || exit $?"


def _guarded(context: Context, place: Place, name: str, work: Callable[[Place, str, str], HookState]) -> HookState:
    from filelock import FileLock  # noqa: PLC0415

    text = script(name)
    lock = context.repo.private_dir / "hooks.lock"
    path = place.folder / name
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock):
            return work(place, name, text)
    except OSError as fault:
        reason = f"{fault.filename or path} cannot be changed: {fault.strerror}"
        verb = "install" if work is _install else "uninstall"
        full = fault.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        way = (
            f"df -h {word(str(place.folder))}; ulimit -f"
            if full
            else f"make {place.folder} a folder that you may write to"
        )
        hint = f"{way}, then: arcgit hooks {verb}"
        return HookState(name, "skipped" if work is _install else "kept", str(path), reason=reason, hint=hint)


def _install(place: Place, name: str, text: str) -> HookState:
    there = look(place.file(name) if place.refusal else place.folder / name)
    if there.kind is Kind.FRAMEWORK:
        # Where pre-commit itself puts a hook that it finds, and runs it first: so the order of installing is no matter.
        there = look(place.folder / (name + LEGACY))
    if there.kind is Kind.CALLER:
        return HookState(name, "unchanged", str(there.path), reason=f"{there.path} runs arcgit")
    if place.refusal:
        return _elsewhere(place, name, "skipped")
    if reason := _unfit(there):
        hint = f"add this line to it: {call(name)}"
        if there.kind is Kind.EDITED:
            away = f"rm {word(str(there.path))} && arcgit hooks install"
            hint = f"move your lines to {there.path}{ASIDE} (chmod +x), then: {away}"
        elif there.kind is Kind.FOLDER:
            hint = f"move it away, then: arcgit hooks install ({there.path} must be a file)"
        return HookState(name, "skipped", str(there.path), reason=reason, hint=hint)
    if there.foreign:
        _put_aside(there, place.folder / (name + ASIDE))
    return _written(there, name, text)


def _elsewhere(place: Place, name: str, outcome: str) -> HookState:
    path = place.file(name)
    hint = place.instead or f"add this line to {path}: {call(name)}"
    return HookState(name, outcome, str(path), reason=place.refusal, hint=hint)


def _unfit(there: HookFile) -> str:
    """Why what lies there cannot be run after ours, or an empty string."""
    if there.kind is Kind.EDITED:
        return f"{there.path} is arcgit's hook with changes by hand"
    if there.kind is Kind.FOLDER:
        return f"{there.path} is a folder"
    if there.asks_own_name:
        return f"{there.path} is there already and goes by its own file name, so it cannot be moved aside"
    return ""


def _put_aside(there: HookFile, aside: Path) -> None:
    older = look(aside)
    if older.kind is not Kind.ABSENT:
        if _same(there, older):
            return
        number = next(n for n in range(1, 1000) if not os.path.lexists(f"{aside}.{n}"))
        aside.rename(f"{aside}.{number}")
    # A second name first, so that the hook is never gone, whenever this is interrupted.
    os.link(there.path, aside, follow_symlinks=False)


def _same(one: HookFile, other: HookFile) -> bool:
    """True for two files that are the same in bytes, mode and, for links, target."""
    if one.path.is_symlink() or other.path.is_symlink():
        both = one.path.is_symlink() and other.path.is_symlink()
        return both and one.path.readlink() == other.path.readlink()
    return one.content == other.content and one.path.stat().st_mode == other.path.stat().st_mode


def _written(there: HookFile, name: str, text: str) -> HookState:
    path = there.path
    chained = _chained(path.with_name(name + ASIDE))
    if there.kind is Kind.OURS and there.content == text.encode() and os.access(path, os.X_OK):
        return HookState(name, "unchanged", str(path), chained)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{name}.{os.getpid()}")
    try:
        temporary.write_text(text)
        temporary.chmod(0o755)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return HookState(name, "installed", str(path), chained)


def _chained(aside: Path) -> str:
    return str(aside) if look(aside).foreign and os.access(aside, os.X_OK) else ""


def _status(place: Place, name: str) -> HookState:
    there = look(place.file(name) if place.refusal else place.folder / name)
    where = there
    if there.kind is Kind.FRAMEWORK:
        where = look(place.folder / (name + LEGACY))
    path = str(where.path)
    if where.kind is Kind.CALLER:
        return HookState(name, "active", path, reason=f"{path} runs arcgit")
    if place.refusal:
        return _elsewhere(place, name, "inactive")
    if where.kind in {Kind.OURS, Kind.EDITED}:
        fresh = where.content == script(name).encode()
        reason = "pre-commit runs it" if where is not there else ""
        hint = "" if fresh else "arcgit hooks install (it was written for another Python or another version)"
        return HookState(name, "active", path, _chained(where.path.with_name(name + ASIDE)), reason, hint)
    reason = "not installed" if there.kind is Kind.ABSENT else f"{there.path} is a hook of {there.kind.value}"
    server = " --server here" if name in SERVER + ONLY_UPDATE else ""
    return HookState(name, "inactive", str(there.path), reason=reason, hint=f"arcgit hooks install{server}")


def _uninstall(place: Place, name: str, text: str) -> HookState:  # noqa: ARG001  as for installing
    there = look(place.folder / name)
    legacy = look(place.folder / (name + LEGACY))
    aside = look(place.folder / (name + ASIDE))
    path = str(there.path)
    if there.kind is Kind.EDITED:
        reason = f"{path} is arcgit's hook with changes by hand"
        return HookState(name, "kept", path, reason=reason, hint=f"keep what is yours in it, then: rm {word(path)}")
    ours = [file for file in (there, legacy) if file.kind is Kind.OURS]
    if not ours and aside.kind is Kind.ABSENT:
        return HookState(name, "absent", path)
    if there.kind in {Kind.OURS, Kind.ABSENT}:
        heir = there.path
    elif there.kind is Kind.FRAMEWORK and legacy.kind is Kind.OURS:
        heir = legacy.path
    else:
        return _left(there, ours, aside, name)
    for file in ours:
        if file.path != heir or aside.kind is Kind.ABSENT:
            file.path.unlink()
    if aside.kind is Kind.ABSENT:
        return HookState(name, "removed", path)
    aside.path.replace(heir)
    return HookState(name, "restored", str(heir))


def _left(there: HookFile, ours: list[HookFile], aside: HookFile, name: str) -> HookState:
    """A hook was installed over ours: it stays, and so does the older one unless it is the same."""
    for file in ours:
        file.path.unlink()
    if aside.kind is Kind.ABSENT:
        return HookState(name, "removed", str(there.path))
    if _same(there, aside):
        aside.path.unlink()
        return HookState(name, "restored", str(there.path))
    reason = f"{there.path} was installed after arcgit and stays; the hook from before is {aside.path}"
    return HookState(
        name, "kept", str(there.path), reason=reason, hint=f"rm {word(str(aside.path))}, or move it where you want it"
    )
