"""The fast way in for git hooks: `python -I -m arcgit.hook pre-commit`.

No Typer, no pygit2, no DVC: what is staged is read through git's plumbing, under the environment that git gave the hook,
so that a partial commit is judged by the index it is made from.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from arcgit.errors import ArcgitError
from arcgit.git import plumbing, snapshot
from arcgit.model.finding import Severity, Verdict
from arcgit.model.manifest import FILE_NAME


def main(arguments: list[str]) -> int:
    """Run one hook; returns its exit code. Whatever goes wrong, the hook fails closed with one clear line."""
    try:
        return pre_commit(Path.cwd(), dict(os.environ)) if arguments[:1] == ["pre-commit"] else _unknown(arguments)
    except ArcgitError as error:
        print(f"arcgit: the commit could not be checked: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"  next: {error.hint}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001  a hook never lets a commit pass because it broke
        print(f"arcgit: the commit could not be checked: {type(error).__name__}: {error}", file=sys.stderr)
        return 4


def _unknown(arguments: list[str]) -> int:
    print(f"arcgit: there is no hook named {' '.join(arguments[:1]) or '(none)'}", file=sys.stderr)
    return 2


def pre_commit(folder: Path, environment: dict[str, str]) -> int:
    """Judge the manifests that are staged."""
    extra = {name: value for name, value in environment.items() if name in plumbing.HOOK_VARIABLES}
    top = plumbing.run(["rev-parse", "--show-toplevel"], cwd=folder, extra=extra)
    root = Path(os.fsdecode(top.rstrip(b"\n")))
    with snapshot.of_index(root, extra) as staged:
        if not staged.named(FILE_NAME):
            return 0
        # Only a commit in a repository with experiments pays for these.
        from arcgit.archive import check, demands  # noqa: PLC0415
        from arcgit.cli.clock import now  # noqa: PLC0415

        kept = demands.recall(root, extra)
        asked, source, notes = (*kept, []) if kept else demands.of_proposal(staged, strict=False)
        today = now().date()
        result = check.check(staged, root=root, demands=asked, source=source, today=today, before=notes)
    if any(found.severity is not Severity.WARNING for found in result.findings):
        _say(result)
    return 0 if result.verdict is Verdict.PASS else result.verdict.exit_code


def _say(result: object) -> None:
    from arcgit.archive.check import CheckResult  # noqa: PLC0415
    from arcgit.cli import output  # noqa: PLC0415
    from arcgit.report import findings  # noqa: PLC0415

    if isinstance(result, CheckResult):
        out = output.console(stderr=True)
        out.print(findings.findings_text(result.findings), end="")
        out.print(findings.verdict_line(result.verdict, f"{findings.summary(result.findings)}; nothing was committed"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
