"""`python -m tests.fuzz.run TARGET [LIBFUZZER OPTIONS] CORPUS...` fuzzes one target in this process until it ends."""

from __future__ import annotations

import sys


def main(arguments: list[str]) -> None:
    """Hand the process over to libFuzzer, which ends it."""
    import atheris  # noqa: PLC0415  only for those who fuzz

    with atheris.instrument_imports(include=["arcgit"]):
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415  what is imported here is what is measured
    target = TARGETS[arguments[0]]
    atheris.Setup(["fuzz", *arguments[1:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
