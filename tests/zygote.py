"""arcgit and DVC as processes of their own that need not import everything each time.

`python -m tests.zygote` has imported it once and forks a child for each command. A fork of a process without threads is a
fresh process: it has its own folder, environment and output, may be killed, and what that leaves behind is what it would
leave behind anywhere. One JSON line in (`program`, `arguments`, `cwd`, `env`, `trace`), one out (`code`, `out`, `err`,
`points`). How the programs start, and what that imports, is tested with real starts.
"""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

PRELOADED = (
    "arcgit.cli.app",
    "arcgit.signing.openpgp",
    "arcgit.signing.pgpkeys",
    "arcgit.signing.sshkeys",
    "configobj",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "dulwich.ignore",
    "dulwich.index",
    "dulwich.worktree",
    "dvc.cachemgr",
    "dvc.cli.parser",
    "dvc.config",
    "dvc.data_cloud",
    "dvc.dependency.db",
    "dvc.dirs",
    "dvc.lock",
    "dvc.repo",
    "dvc.repo.add",
    "dvc.repo.artifacts",
    "dvc.repo.brancher",
    "dvc.repo.commit",
    "dvc.repo.datasets",
    "dvc.repo.graph",
    "dvc.repo.index",
    "dvc.repo.init",
    "dvc.repo.metrics",
    "dvc.repo.open_repo",
    "dvc.repo.params",
    "dvc.repo.plots",
    "dvc.repo.push",
    "dvc.repo.reproduce",
    "dvc.repo.scm_context",
    "dvc.repo.stage",
    "dvc.repo.trie",
    "dvc.repo.worktree",
    "dvc.rwlock",
    "dvc.stage.run",
    "dvc.utils.strictyaml",
    "dvc_data.hashfile.build",
    "dvc_data.hashfile.db.index",
    "dvc_data.hashfile.db.local",
    "dvc_data.hashfile.status",
    "dvc_data.index.push",
    "dvc_render",
    "dvc_render.vega",
    "filelock",
    "flufl.lock",
    "fsspec.implementations.memory",
    "git",
    "gnupg",
    "networkx",
    "psutil",
    "pygit2",
    "pysequoia",
    "rfc8785",
    "rich.status",
    "ruamel.yaml",
    "s3fs",
    "sshfs",
    "typer._click.decorators",
    "zc.lockfile",
)
"""What commands of DVC and arcgit import. Left out, one is imported by each child anew."""
READ_AT_IMPORT = ("HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_SYSTEM")
"""Variables that libgit2 reads when it is loaded."""


@dataclass(frozen=True)
class Ended:
    """How a command ended; `code` is negative for a signal, `points` are the fault points that it reached if it was traced."""

    code: int
    out: str
    err: str
    points: list[str]


class Zygote:
    """The process that runs commands in children, from when it is needed first until `close`."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.zygote"]
        root = Path(__file__).parents[1]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root)
        self._turn = threading.Lock()

    def run(
        self, program: str, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], trace: bool = False
    ) -> Ended:
        """Run `arcgit`, `dvc`, or code for `python`, with these arguments, there and with just this environment."""
        request = {"program": program, "arguments": arguments, "cwd": str(cwd), "env": dict(env), "trace": trace}
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with self._turn:
            self._child.stdin.write(json.dumps(request) + "\n")
            self._child.stdin.flush()
            answer: dict[str, Any] = json.loads(self._child.stdout.readline())
        return Ended(**answer)

    def close(self) -> None:
        """End the process."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()


_running: dict[tuple[str | None, ...], Zygote] = {}


def shared() -> Zygote:
    """The one process of this home; the first call starts it."""
    key = tuple(os.environ.get(name) for name in READ_AT_IMPORT)
    if key not in _running:
        _running[key] = Zygote()
    return _running[key]


def command(program: str, *arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """What `subprocess.run` would give for the program there, with these variables as well."""
    assert not [name for name in env if name.startswith("PYTHON")], "read where Python starts, which it does not here"
    ended = shared().run(program, arguments, cwd=cwd, env={**os.environ, **env})
    return subprocess.CompletedProcess([program, *arguments], ended.code, ended.out, ended.err)


@atexit.register
def end() -> None:
    """End those that were started."""
    while _running:
        _running.popitem()[1].close()


def read_versions_once() -> None:
    """A report names the libraries that checked signatures; to read which they are takes longer than to check some."""
    metadata.version = functools.cache(metadata.version)
    for name in ("pysequoia", "cryptography"):
        metadata.version(name)


def main() -> None:
    """Serve until the input ends."""
    for name in PRELOADED:
        import_module(name)
    import_module("arcgit.cli.app").build()
    import_module("dvc.cli.parser").get_main_parser()
    read_versions_once()
    assert threading.active_count() == 1
    # A collection in a child would look at everything that was imported, and so have it copied.
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as points:
            child = os.fork()
            if child == 0:
                _leave(_run(request, out, err, points))
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            said = [_text(file) for file in (out, err, points)]
        answer = {"code": code, "out": said[0], "err": said[1], "points": said[2].split()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


def _run(request: dict[str, Any], out: BinaryIO, err: BinaryIO, points: BinaryIO) -> int:
    os.setsid()
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    with Path(os.devnull).open("rb") as null:
        for number, file in enumerate((null, out, err)):
            os.dup2(file.fileno(), number)
    sys.argv = [request["program"], *request["arguments"]]
    if request["trace"]:
        import_module("arcgit.crash").watch(functools.partial(_note, points.fileno()))
    programs: dict[str, Callable[[list[str]], int]] = {
        "arcgit": import_module("arcgit.cli.app").run,
        "dvc": import_module("dvc.cli").main,
        "python": _execute,
    }
    try:
        return programs[request["program"]](request["arguments"])
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0


def _execute(arguments: list[str]) -> int:
    """As `python -c`."""
    sys.argv = ["-c", *arguments[1:]]
    exec(arguments[0], {"__name__": "__main__"})  # noqa: S102  the tests' own code
    return 0


def _note(points: int, name: str) -> None:
    os.write(points, f"{name}\n".encode())


def _leave(code: int) -> NoReturn:
    """What Python does when a program ends, but for taking apart every module, which takes longer than most commands."""
    import_module("threading")._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
