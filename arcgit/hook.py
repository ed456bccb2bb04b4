"""The fast way in for git hooks: `arcgit hooks run NAME`, `python -I -m arcgit.hook NAME`, or the files in hooks/.

No Typer, no pygit2, no DVC: what is staged is read through git's plumbing, under the environment that git gave the hook,
so that a partial commit is judged by the index it is made from. What only a commit with experiments needs is imported late.
"""

from __future__ import annotations

import gc
import os
import sys
import time

from arcgit.errors import ArcgitError
from arcgit.git import memo, plumbing
from arcgit.git.memo import State
from arcgit.git.witness import Witness

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` and `collections` cost a hook that has nothing to do a fifth of its time
    from collections.abc import Mapping, Sequence

    from arcgit.git.snapshot import Snapshot
    from arcgit.model.finding import Finding

HOOKS = ("pre-commit", "pre-merge-commit")
PUSHES = {"pre-push": "pushed", "pre-receive": "taken", "update": "taken"}
"""The hooks that are told of a push, and what does not happen where one of them refuses."""
_WAY_ROUND = "; to push all the same: git push --no-verify"
MAX_TOLD = 12
MAX_TEXT = 400
MANIFEST = "arcgit.yaml"
FACTS = ("python", "root", "git_dir", "common_dir", "tip", "tree")
INTERRUPTED = 130
JUDGED = 100
"""Added to the exit code that hooks/pre-commit gets, so that no other program's success is taken for a pass."""


def main(arguments: list[str], facts: list[str] | None = None) -> int:
    """Run one hook; returns its exit code. Whatever goes wrong, the hook fails closed with one clear line."""
    what = arguments[0] if arguments else ""
    try:
        if arguments[:1] and arguments[0] in HOOKS:
            return pre_commit(dict(os.environ), facts or [], time.time_ns())
        if arguments[:1] and arguments[0] in PUSHES:
            return _push(arguments[0], [*arguments[1:], *(facts or [])], dict(os.environ), time.time())
        name = " ".join(arguments[:1]) or "(none)"
        return _complain(f"there is no hook named {name}", f"arcgit hooks run {HOOKS[0]}", 2)
    except ArcgitError as error:
        return _unchecked(what, error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except ImportError as error:
        message = f"{sys.executable} lacks a part of arcgit ({error})"
        return _unchecked(what, message, f"{sys.executable} -m pip install --force-reinstall arcgit", 4)
    except Exception as error:  # noqa: BLE001  a hook never lets a commit pass because it broke
        if isinstance(error, OSError | MemoryError):
            from arcgit.cli import systemfault  # noqa: PLC0415  only where something is full or forbidden

            if (fault := systemfault.told(error)) is not None:
                return _unchecked(what, fault.message, fault.hint, fault.exit_code)
        hint = "this is a bug in arcgit" if what in PUSHES else "arcgit check --staged (this is a bug in arcgit)"
        return _unchecked(what, f"{type(error).__name__}: {error}", hint, 4)


def native(arguments: list[str]) -> None:
    """The way in of hooks/pre-commit: the hook's name, then what it has asked git already. Never returns."""
    # Looking for cycles among what is imported would find none, and this process ends soon.
    gc.disable()
    code = main(arguments[:1], arguments[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking the interpreter down in good order costs as much time as judging a small experiment.
    os._exit(code if code == INTERRUPTED else JUDGED + code)


def pre_commit(environment: Mapping[str, str], facts: Sequence[str], now_ns: int) -> int:
    """Judge the manifests that are staged, unless nothing changed since they passed.

    `facts` is what hooks/pre-commit knows: nothing, its python, or all the FACTS, with which the memo was asked in vain.
    """
    extra = {name: value for name, value in environment.items() if name in plumbing.HOOK_VARIABLES}
    today = time.strftime("%Y-%m-%d", time.gmtime(now_ns // 1_000_000_000))
    if len(facts) > 1:
        state = State(**dict(zip(FACTS, facts, strict=True)), today=today)
    else:
        state = memo.ask(facts[0] if facts else sys.executable, today, extra)
        if memo.unchanged(state, extra=extra):
            return 0
    listing = plumbing.list_tree(state.tree, extra=extra)
    python = memo.look_at_python(state)
    from arcgit.git import snapshot  # noqa: PLC0415

    witness = Witness()
    with snapshot.of_tree(state.tree, extra=extra, listing=listing) as staged:
        code = _judge(staged, state)
        witness.stop()
        if code == 0:
            memo.remember(state, staged.trace.pathspecs(), witness, python, before_ns=now_ns)
    return code


def _judge(staged: Snapshot, state: State) -> int:
    if not staged.named(MANIFEST):
        return 0
    staged.prepare()
    # Only a commit in a repository with experiments pays for these.
    from arcgit import lean  # noqa: PLC0415

    lean.prepare()
    from datetime import date  # noqa: PLC0415

    from arcgit.archive import check, demands  # noqa: PLC0415
    from arcgit.model.finding import Severity, Verdict  # noqa: PLC0415

    kept = demands.recall(state.common_dir, state.tip)
    asked, source, notes = (*kept, []) if kept else demands.of_proposal(staged, strict=False)
    result = check.check(
        staged, root=state.root, demands=asked, source=source, today=date.fromisoformat(state.today), before=notes
    )
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


def _push(name: str, arguments: list[str], environment: Mapping[str, str], now: float) -> int:
    """Judge what a push would make of the refs, as git tells it: on standard input, or `update` in its arguments."""
    from arcgit import lean  # noqa: PLC0415

    lean.prepare()
    from datetime import datetime, timezone  # noqa: PLC0415

    moment = datetime.fromtimestamp(now, timezone.utc)
    if name == "pre-push":
        from arcgit.archive.pushes import prepush  # noqa: PLC0415

        # git names the remote in the arguments; pre-commit gives none, and tells in variables what it has read itself.
        told = None if arguments else prepush.of_framework(environment)
        given = sys.stdin.buffer.read() if told is None else told
        return _answer(name, prepush.pushed(given, arguments, environment, moment))
    from arcgit.archive.pushes import server  # noqa: PLC0415

    if name == "pre-receive":
        return _answer(name, server.received(sys.stdin.buffer.read(), environment, moment))
    if len(arguments) != 3:
        return _complain("`update` is told a ref, its old and its new oid", "git runs it by itself", 2)
    ref, old, new = arguments
    line = os.fsencode(f"{old} {new} {ref}\n")
    return _answer(name, server.received(line, environment, moment, whole=False))


def _answer(name: str, findings: Sequence[Finding]) -> int:
    from arcgit.model.finding import Verdict, judge  # noqa: PLC0415
    from arcgit.model.text import escape  # noqa: PLC0415

    verdict = judge(findings, checked=1)
    faults = [found for found in findings if found.severity.value != "warning"]
    # A person at a terminal is told of warnings by `arcgit check`; whoever pushes, only of what stood in the way.
    for found in (faults or findings if name != "pre-push" else faults)[:MAX_TOLD]:
        said = f"{found.severity.value}: {found.code}: {found.subject}: {found.message}"
        details = [f"{word} {value}" for word, value in (("expected", found.expected), ("found", found.found)) if value]
        print(f"arcgit: {_cut(escape(said))}", file=sys.stderr)
        if details:
            print(f"  {_cut(escape(', '.join(details)))}", file=sys.stderr)
        if found.next_step:
            print(f"  next: {_cut(escape(found.next_step))}", file=sys.stderr)
    if verdict is Verdict.PASS:
        return 0
    more = f" ({len(faults)} findings, the first {MAX_TOLD} are shown)" if len(faults) > MAX_TOLD else ""
    return _complain(
        f"nothing was {PUSHES[name]}{more}{_WAY_ROUND if name == 'pre-push' else ''}", "", verdict.exit_code
    )


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} …"


def _unchecked(name: str, message: str, hint: str, code: int) -> int:
    """What could not be checked is no pass."""
    if name not in PUSHES:
        return _complain(f"the commit could not be checked: {message}", hint, code)
    _complain(f"the push could not be checked: {_cut(message)}", hint, code)
    return _complain(f"nothing was {PUSHES[name]}{_WAY_ROUND if name == 'pre-push' else ''}", "", code)


def _complain(message: str, hint: str, code: int) -> int:
    print(f"arcgit: {message}" + (f"\n  next: {hint}" if hint else ""), file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
