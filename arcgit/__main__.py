"""The way in for people. What needs no Typer is answered before Typer is imported."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] == ["--version"]:
        from arcgit import __version__  # noqa: PLC0415

        print(f"arcgit {__version__}")
        return
    if sys.argv[1:3] == ["hooks", "run"] and sys.argv[3:] and not sys.argv[3].startswith("-"):
        from arcgit.hook import main as run_hook  # noqa: PLC0415

        sys.exit(run_hook(sys.argv[3:]))
    # What is imported stays until the end, and hides no cycles that could be freed.
    gc.disable()
    try:
        from arcgit import lean  # noqa: PLC0415
        from arcgit.cli.app import run  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)
    code = run()
    lean.end()
    sys.exit(code)


def _leave_the_folder_out() -> None:
    """`python -m` looks for modules in the present folder first, and that may be a stranger's repository."""
    here = os.getcwd()
    if sys.path[:1] == [here] and os.path.dirname(os.path.dirname(os.path.abspath(__file__))) != here:
        del sys.path[0]


if __name__ == "__main__":
    _leave_the_folder_out()
    main()
