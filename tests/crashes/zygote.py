"""`python -m tests.crashes.zygote`: runs arcgit in children that may be killed, without importing everything each time.

One JSON line in (`arguments`, `env`, `trace`), one out (`code`, `points`). A fork of a process without threads is a fresh
process; what a kill leaves behind is what it would leave behind anywhere.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from importlib import import_module

PRELOADED = (
    "arcgit.cli.app",
    "dvc.repo",
    "dvc.config",
    "git",
    "pygit2",
    "pysequoia",
    "cryptography",
    "gnupg",
    "filelock",
)


def main() -> None:
    """Serve until the input ends."""
    for name in PRELOADED:
        import_module(name)
    import_module("arcgit.cli.app").build()
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as points:
            child = os.fork()
            if child == 0:
                _run(request, points.fileno())
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            points.seek(0)
            sys.stdout.write(json.dumps({"code": code, "points": points.read().decode().split()}) + "\n")
            sys.stdout.flush()


def void(_: object) -> None:
    """Nothing."""


def _run(request: dict[str, object], points: int) -> None:
    app, crash = import_module("arcgit.cli.app"), import_module("arcgit.crash")
    os.setsid()
    os.environ.clear()
    os.environ.update(dict(request["env"]))  # type: ignore[call-overload]
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in range(3):
        os.dup2(null, descriptor)
    if request["trace"]:
        crash.watch(lambda name: void(os.write(points, f"{name}\n".encode())))
    os._exit(app.run(list(request["arguments"])))  # type: ignore[call-overload]


if __name__ == "__main__":
    main()
