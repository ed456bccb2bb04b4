"""`python -m tests.crashes.worker CLONE TAG COUNT NAME EVERY`: writes events one after the other with whole commands.

Every so many of them are pushed together, none if that is 0.
"""

from __future__ import annotations

import contextlib
import io
import sys

from arcgit.cli.app import run


def main() -> int:
    """The first exit code that is not 0, with what was said about it."""
    clone, tag, number, name, every = sys.argv[1:]
    for n in range(int(number)):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            said = ["amend", tag, "--purpose", f"{name} {n}", "--reason", "Counting."]
            pushes = int(every) and (n + 1) % int(every) == 0
            code = run(["-C", clone, *said, *([] if pushes else ["--no-push"]), "--json"])
        if code:
            sys.stdout.write(f"{name} {n}: {out.getvalue()}\n")
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
