"""The way in for people. What needs no Typer is answered before Typer is imported."""

from __future__ import annotations

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
    try:
        from arcgit.cli.app import run  # noqa: PLC0415
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(run())


if __name__ == "__main__":
    main()
