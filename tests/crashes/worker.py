"""`python -m tests.crashes.worker CLONE TAG COUNT NAME`: writes events one after the other, each with a whole `arcgit amend`."""

from __future__ import annotations

import contextlib
import io
import sys

from arcgit.cli.app import run


def main() -> int:
    """The first exit code that is not 0, with what was said about it."""
    clone, tag, number, name = sys.argv[1:5]
    for n in range(int(number)):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            said = ["amend", tag, "--purpose", f"{name} {n}", "--reason", "Counting."]
            code = run(["-C", clone, *said, *sys.argv[5:], "--json"])
        if code:
            sys.stdout.write(f"{name} {n}: {out.getvalue()}\n")
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
