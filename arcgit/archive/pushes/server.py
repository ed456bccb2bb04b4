"""The hooks of a server: whether the lines of a push may be taken.

Everything is read through git's plumbing under the environment that git gave the hook, so that objects in quarantine are
seen. Settings come from the configuration of the repository that is pushed to, which only its keeper writes:
`arcgit.trustRoot` (a fingerprint or genesis oid; without it the first push decides) and `arcgit.protectedBranch` (patterns;
without it the branch that HEAD names, main and master).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from arcgit.archive.pushes import receive
from arcgit.archive.pushes.push import Push, Received
from arcgit.errors import UndeterminedError
from arcgit.git import plumbing
from arcgit.model.finding import Finding, worst_first
from arcgit.model.names import LEDGER_REF
from arcgit.rules import hiding, pushes
from arcgit.rules.pushes import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arcgit.git.snapshot import Snapshot
    from arcgit.rules.completeness import Demands

ALWAYS_PROTECTED = ("main", "master")
MAX_LINES = 100_000
MAX_NAMES = 200
"""More names than these would not fit into a command line, so git is asked for all that it has."""


@dataclass(frozen=True)
class Place:
    """The repository that is pushed to: its git folder, its settings of arcgit by lower-cased name, and what it hides."""

    common_dir: str
    settings: Mapping[str, tuple[str, ...]]
    hide_rules: tuple[str, ...] = ()

    @property
    def trust_root(self) -> str:
        return (self.settings.get("arcgit.trustroot") or ("",))[-1]


def received(data: bytes, environment: Mapping[str, str], now: datetime, *, whole: bool = True) -> list[Finding]:
    """What forbids the push that these lines of `pre-receive` describe, worst first. Raises ArcgitError.

    Without `whole` there is one line, as `update` is told it, and others of the same push may be on their way.
    """
    if environment.get("GIT_NAMESPACE"):
        message = "refs below a namespace (GIT_NAMESPACE) cannot be judged"
        raise UndeterminedError("repository-unsupported", message, "push to a repository of its own")
    commands = lines_of(data, pushes.parse_received)
    if not commands:
        raise UndeterminedError("git-failed", "git told this hook of no ref", "git runs it by itself, for each push")
    extra = {name: value for name, value in environment.items() if name in plumbing.HOOK_VARIABLES}
    commands = _followed(commands, extra)
    place = place_of(extra)
    branches = [line for line in commands if pushes.sort_of(line.ref) is pushes.Sort.BRANCH]
    if not branches and not pushes.concerns(commands):
        return []
    push = Push(
        commands,
        extra,
        tip=ref_of(LEDGER_REF, extra),
        present=lambda names: _present(names, extra),
        folder=f"{place.common_dir}/arcgit",
        trust_root=place.trust_root,
        whole=whole,
        now=now,
    )
    result = receive.judge(push)
    findings = [*hiding.findings(commands, place.hide_rules), *result.findings]
    if branches:
        findings += _branches(push, result, branches, place, now.date())
    return worst_first(findings)


def _followed(commands: Sequence[Command], extra: Mapping[str, str]) -> list[Command]:
    """The lines by the refs that git will write: a symbolic ref of the server (`trunk` for `main`) is only another name."""
    names = [line.ref for line in commands if pushes.sort_of(line.ref) in {pushes.Sort.BRANCH, pushes.Sort.OTHER}]
    if not names:
        return list(commands)
    asked = names if len(names) < MAX_NAMES else []
    out = plumbing.run(["for-each-ref", "--format=%(refname) %(symref)", *asked], cwd=".", extra=extra)
    rows = (line.split(" ", 1) for line in out.decode(errors="surrogateescape").split("\n") if line)
    meant = {name: target for name, target in rows if target}
    followed = [line._replace(ref=meant.get(line.ref, line.ref)) if line.ref in names else line for line in commands]
    return _once(followed)


def _once(commands: list[Command]) -> list[Command]:
    if len({command.ref for command in commands}) < len(commands):
        # git moves refs one after the other, so what it does first might stay although only the last was judged.
        raise UndeterminedError("git-failed", "the push names a ref twice", "push it once")
    return commands


def lines_of(data: bytes, parse: Callable[[bytes], Command]) -> list[Command]:
    """The lines that git told a hook. Raises UndeterminedError for anything else."""
    lines = [line for line in data.split(b"\n") if line]
    if len(lines) > MAX_LINES:
        raise UndeterminedError("git-failed", f"a push of {len(lines)} refs is not judged", "push them in parts")
    try:
        commands = [parse(line) for line in lines]
    except pushes.PushError as fault:
        code = "object-format-unsupported" if "sha256" in str(fault) else "git-failed"
        raise UndeterminedError(code, str(fault), "git --version") from fault
    return _once(commands)


def place_of(extra: Mapping[str, str]) -> Place:
    """The repository that a hook runs in. Raises UndeterminedError for one whose objects have sha256 names."""
    out = plumbing.run(["rev-parse", "--show-object-format", "--git-common-dir"], cwd=".", extra=extra)
    kind, _, common = out.decode(errors="surrogateescape").rstrip("\n").partition("\n")
    if kind != "sha1":
        message = f"the repository uses {kind} object names, which arcgit cannot seal or check yet"
        raise UndeterminedError("object-format-unsupported", message, "git init --object-format=sha1 makes another")
    settings: dict[str, tuple[str, ...]] = {}
    rules: list[str] = []
    for name, value in settings_of(r"^(arcgit\.|(receive|transfer)\.hiderefs$)", ".", extra):
        if name.startswith("arcgit."):
            settings[name] = (*settings.get(name, ()), value)
        else:
            rules.append(value)
    return Place(common, settings, tuple(rules))


def settings_of(pattern: str, folder: Path | str, extra: Mapping[str, str]) -> list[tuple[str, str]]:
    """The settings of a repository whose lower-cased names fit, in git's order."""
    _, listed, _ = plumbing.try_run(["config", "--null", "--get-regexp", pattern], cwd=folder, extra=extra)
    items = [item.partition("\n") for item in listed.decode(errors="surrogateescape").split("\0") if item]
    return [(name, value) for name, _, value in items]


def hidden(folder: Path, own: Iterable[str]) -> Iterator[str]:
    """Those refs that the repository in a folder hides from whoever pushes."""
    rules = [value for _, value in settings_of(r"^(receive|transfer)\.hiderefs$", folder, {})]
    yield from (ref for ref in own if hiding.hides(rules, ref))


def ref_of(name: str, extra: Mapping[str, str]) -> str | None:
    """The oid of one full refname; a ref of another name that git would take it for does not count."""
    code, out, _ = plumbing.try_run(["show-ref", "--verify", "--hash", "--", name], cwd=".", extra=extra)
    return out.decode().strip() if code == 0 else None


def _present(names: Sequence[str], extra: Mapping[str, str]) -> dict[str, str]:
    """The oids of those of the refs that are there."""
    if not names:
        return {}
    asked = list(names) if len(names) < MAX_NAMES else ["refs/tags/exp"]
    out = plumbing.run(["for-each-ref", "--format=%(objectname) %(refname)", *asked], cwd=".", extra=extra)
    rows = (line.split(" ", 1) for line in out.decode(errors="surrogateescape").split("\n") if line)
    wanted = frozenset(names)
    return {name: oid for oid, name in rows if name in wanted}


def _branches(push: Push, result: Received, lines: Sequence[Command], place: Place, today: date) -> list[Finding]:
    from arcgit.archive import demands  # noqa: PLC0415  few pushes bring manifests
    from arcgit.archive.pushes import branches  # noqa: PLC0415  few pushes bring manifests
    from arcgit.rules.completeness import Demands  # noqa: PLC0415

    told = [pattern.removeprefix(branches.HEADS) for pattern in place.settings.get("arcgit.protectedbranch", ())]
    patterns = told or (*ALWAYS_PROTECTED, *_head(push.extra))
    chosen = branches.protected(lines, patterns)
    gone = [line for line in lines if line.deletes]
    if not chosen and not gone:
        return []
    out = plumbing.run(["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads"], cwd=".", extra=push.extra)
    rows = [line.split(" ", 1) for line in out.decode(errors="surrogateescape").split("\n") if line]
    there = branches.protected([Command(pushes.ZERO, oid, name) for oid, name in rows], patterns)
    found = list(branches.last_of(there, gone)) if not chosen else []

    def asked(files: Snapshot) -> tuple[Demands, str, list[Finding]]:
        known = result if result.ledger is not None else receive.standing(push)
        found.extend(known.faults if known is not result else ())
        policy = known.ledger.policy if known.ledger else None
        if policy is not None:
            return Demands.of(policy), f"policy {policy.version} on the ledger", []
        if known.faults:
            return Demands(), "built-in rules", []
        # Before the first ledger comes there is nothing to judge by but what is proposed; unless one must be here.
        return demands.of_proposal(files, strict=bool(push.trust_root))

    tips = [line.new for line in there]
    found += branches.judge(
        chosen, extra=push.extra, known=tips, asked=asked, today=today, root=place.common_dir, each=True
    )
    return found


def _head(extra: Mapping[str, str]) -> tuple[str, ...]:
    """The branch that HEAD names, as a pattern for exactly itself."""
    code, out, _ = plumbing.try_run(["symbolic-ref", "--quiet", "HEAD"], cwd=".", extra=extra)
    name = out.decode(errors="surrogateescape").strip().removeprefix("refs/heads/")
    return (name,) if code == 0 and not set(name) & set("*?[") else ()
