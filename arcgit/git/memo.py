"""The state of the repository that the commit hook passed last, so that it looks again only when there is news.

The memo is one file in the git folder of the work tree, `arcgit/passed`: a checksum, the tree that passed, the files that
the judgement hangs on besides, a line `--`, and pathspecs that cover what was looked at. A later tree that agrees with it
on these is judged the same, by the same arcgit, policy and ledger, on the same day. hooks/pre-commit reads the memo without
Python: its `describe` and the one here must say the same of the same state, byte for byte.

Whatever this cannot tell goes to the full check. A memo that is missing, garbled or of another time is no pass.
"""

from __future__ import annotations

import os
import sys

from arcgit.git import plumbing
from arcgit.git.witness import FILE, FOLDER, NOTHING, OTHER, Witness, kind_of
from arcgit.model.oid import object_id

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` and `collections` cost a hook that has nothing to do a fifth of its time
    from collections.abc import Mapping, Sequence

NAME = "arcgit/passed"
LEDGER_REF = "refs/notes/arcgit"
VARIABLES = ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "DVC_SYSTEM_CONFIG_DIR", "DVC_GLOBAL_CONFIG_DIR")
"""Where DVC's own settings lie hangs on these."""
JUDGES = frozenset({"arcgit", "msgspec", "pyyaml"})
MAX_BYTES = 64 * 1024
MAX_LINES = 1000
MAX_FILE_BYTES = 8 * 1024 * 1024
_SETTLED_NS = 50_000_000
_PLACES = ("--show-toplevel", "--git-dir", "--git-common-dir")


class State:
    """Where a commit is about to be made, as git prints it; `tip` is empty where there is no ledger.

    `today` is the day in UTC.
    """

    def __init__(
        self, *, python: str, root: str, git_dir: str, common_dir: str, tip: str, tree: str, today: str
    ) -> None:
        self.python = python
        self.root = root
        self.git_dir = git_dir
        self.common_dir = common_dir
        self.tip = tip
        self.tree = tree
        self.today = today


def ask(python: str, today: str, extra: Mapping[str, str]) -> State:
    """The state in the current folder, for a hook that was told nothing. Raises PlumbingError."""
    child = plumbing.start(["rev-parse", *_PLACES, "--verify", "--quiet", LEDGER_REF], extra=extra)
    lines = os.fsdecode(child.output()).splitlines()
    if len(lines) < len(_PLACES):
        plumbing.run(["rev-parse", *_PLACES], cwd=".", extra=extra)
    if len(lines) not in {len(_PLACES), len(_PLACES) + 1}:
        raise plumbing.PlumbingError("git-failed", "the path of the git folder has a line break in it", "move it")
    root, git_dir, common_dir, *tip = lines
    tree = _staged_tree(git_dir, extra)
    return State(
        python=python, root=root, git_dir=git_dir, common_dir=common_dir, tip="".join(tip), tree=tree, today=today
    )


def _staged_tree(git_dir: str, extra: Mapping[str, str]) -> str:
    child = plumbing.start(plumbing.WRITE_TREE, extra=extra)
    out = child.output().decode().strip()
    return out if child.code == 0 else _tree_of_copy(git_dir, extra)


def _tree_of_copy(git_dir: str, extra: Mapping[str, str]) -> str:
    """As an editor that asks for the status all the time may hold the lock that git wants for this."""
    import shutil  # noqa: PLC0415

    copy = f"{git_dir}/arcgit-index.{os.getpid()}"
    try:
        shutil.copyfile(extra.get("GIT_INDEX_FILE", f"{git_dir}/index"), copy)
        code, out, err = plumbing.try_run(plumbing.WRITE_TREE, cwd=".", extra={**extra, "GIT_INDEX_FILE": copy})
    finally:
        if os.path.lexists(copy):
            os.unlink(copy)
    if code != 0:
        fault = plumbing.failure(plumbing.WRITE_TREE, err)
        fault.hint = fault.hint or "git status"
        raise fault
    return out.decode().strip()


def unchanged(state: State, *, extra: Mapping[str, str]) -> bool:
    """True if what the hook passed last differs from this state in nothing that it hung on."""
    try:
        with open(f"{state.git_dir}/{NAME}", "rb") as file:
            lines = os.fsdecode(file.read(2 * MAX_BYTES)).split("\n")
    except OSError:
        return False
    if lines.pop() or "--" not in lines[2:-1]:
        return False
    checksum, passed, *rest = lines
    middle = rest.index("--")
    if checksum != object_id("blob", _describe(state, lines[1:], rest[:middle], look_at_python(state))):
        return False
    command = ["diff-tree", "-r", "--quiet", "--no-renames", "--ignore-submodules=none", passed, state.tree]
    child = plumbing.start([*command, *rest[middle:]], extra=extra)
    child.output()
    return child.code == 0


def look_at_python(state: State) -> bytes:
    """What tells the Python that judges from another one at the same place, as hooks/pre-commit has it from `stat`."""
    try:
        seen = os.stat(state.python)
    except OSError:
        return b""
    times = seen.st_mtime_ns // 1_000_000_000, seen.st_ctime_ns // 1_000_000_000
    return b"%d %d %d %d %d %d\n" % (seen.st_size, seen.st_ino, *times, seen.st_uid, seen.st_gid)


def remember(state: State, pathspecs: Sequence[str], witness: Witness, python: bytes, *, before_ns: int) -> None:
    """Write down that `state` passed, having looked at `pathspecs` and at what `witness` saw since `before_ns`.

    `python` was looked at before all that.
    Nothing is written where the memo could not be relied upon, or cannot be written: the next check is a full one.
    """
    files = _files(witness, before_ns) if witness.knows_all else None
    if files is None:
        return
    lines = [state.tree, *files, "--", *pathspecs]
    body = os.fsencode("".join(f"{line}\n" for line in lines))
    if len(body) > MAX_BYTES or len(lines) > MAX_LINES or body.count(b"\n") != len(lines):
        return
    path = f"{state.git_dir}/{NAME}"
    temporary = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(object_id("blob", _describe(state, lines, files, python)).encode() + b"\n" + body)
        os.replace(temporary, path)
    except OSError:
        return


def _describe(state: State, lines: Sequence[str], files: Sequence[str], python: bytes) -> bytes:
    """Everything that the judgement hangs on besides the tree; `lines` is the memo after its checksum."""
    around = [os.environ.get(name, "unset") for name in VARIABLES]
    said = [os.fsencode(f"{line}\n") for line in (state.python, state.root, state.tip, state.today, *around, *lines)]
    held = []
    kinds = [kind_of(name) for name in files]
    for name, kind in zip(files, list(kinds), strict=True):
        try:
            if kind == FILE:
                with open(name, "rb") as file:
                    held.append(file.read())
        except OSError:
            kinds.append("x")
    return b"".join([*said, python, *held, "".join(kinds).encode(), b"\n"])


def _files(witness: Witness, before_ns: int) -> list[str] | None:
    """What was read, the modules of arcgit that ran and what is installed beneath them; None where that is unsure."""
    modules = [module for name, module in sys.modules.items() if name.partition(".")[0] == "arcgit"]
    sources = sorted({str(getattr(module, "__file__", None)) for module in modules})
    records = [path for folder in sys.path for path in _records(folder)]
    if {_project(path) for path in records} != JUDGES:
        return None
    expected = {**witness.files, **dict.fromkeys([*sources, *records], FILE)}
    if all(_settled(path, kind, before_ns) for path, kind in expected.items()):
        return [*sorted(witness.files), *sources, *records]
    return None


def _settled(path: str, kind: str, before_ns: int) -> bool:
    """A file that came, went or changed while the check ran may say something else than what was read."""
    if kind_of(path) != kind or kind == OTHER:
        return False
    if kind == NOTHING:
        return True
    status = os.stat(path)
    small = kind == FOLDER or status.st_size <= MAX_FILE_BYTES
    return small and status.st_ctime_ns < before_ns - _SETTLED_NS


def _records(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    found = [name for name in names if name.endswith(".dist-info") and _distribution(name) in JUDGES]
    return [f"{folder}/{name}/RECORD" for name in found]


def _project(record: str) -> str:
    return _distribution(record.split("/")[-2])


def _distribution(name: str) -> str:
    return name.partition("-")[0].lower()
