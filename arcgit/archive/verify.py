"""`arcgit verify`: judge the ledger, every record, and as far as asked the data behind them.

Evidence-preserving: it writes nothing into the repository or a remote, and never repairs, deletes or pulls into place.
Only the keys of the policy on the ledger count. Refs are read once; all later work is by oid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from arcgit import __version__
from arcgit.archive import crosscheck, ledger, shares, trust
from arcgit.archive.context import Context
from arcgit.archive.judgeref import foreign_tag
from arcgit.archive.ledger import LedgerView
from arcgit.archive.looking.selection import Choice
from arcgit.errors import ArcgitError
from arcgit.git.refs import Refs
from arcgit.model.finding import Finding, Verdict, error, judge, unknown, warning, worst_first
from arcgit.model.names import LEDGER_REF, RECORD_PREFIX, RecordName, tracking_ref
from arcgit.model.policy import Policy
from arcgit.model.record import Record
from arcgit.model.text import word
from arcgit.rules import clock, doubt
from arcgit.rules.chain import Ledger
from arcgit.rules.state import RecordState

if TYPE_CHECKING:  # what looks at data takes a while to import, and signatures need none of it
    from arcgit.archive.looking.examine import Examined, Request

Level = Literal["signatures", "presence", "fixity"]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass(frozen=True)
class SecondOpinion:
    """How many signatures, chosen at random, are put before gpgv and ssh-keygen as well; None for all."""

    count: int | None = None


class Times(NamedTuple):
    """What times are held to: the present, and how many days old the newest claim may be; with `waivers` these too."""

    now: datetime
    max_age: int | None = None
    waivers: bool = False


@dataclass
class VerifyResult:
    """The verdict with its findings (worst first) and the scope it covers.

    `sound` has those of the records asked for by name that have no fault, as they were judged, and `view` the ledger;
    `examined` is what was found of the data, where a level asked for that.
    """

    verdict: Verdict
    findings: list[Finding]
    scope: dict[str, Any]
    records: Sequence[str] = ()
    view: LedgerView | None = None
    sound: list[tuple[RecordName, Record]] = field(default_factory=list)
    examined: Examined | None = None


def verify(
    context: Context,
    wanted: Sequence[str] = (),
    *,
    level: Level = "signatures",
    data: Request | None = None,
    allow_empty: bool = False,
    trust_root: str | None = None,
    ask: trust.Ask | None = None,
    times: Times | None = None,
    progress: Progress = lambda what, done, total: None,
    second_opinion: SecondOpinion | None = None,
) -> VerifyResult:
    """Judge the records that `wanted` names, or all of them. Raises UsageError for a name that no record has.

    `data` says how the data is looked at. Claimed times are looked at where there are `times` to hold them to, and with
    `waivers` there is a warning for each waiver that has ended inside a record in force.
    """
    today = times.now.date() if times is not None and times.waivers else None
    keep = bool(wanted) or level != "signatures"
    before, judged, lost = _settled(context, wanted, keep=keep, progress=progress, today=today)
    refs = before.below(RECORD_PREFIX)
    view, tags = judged.view, judged.tags
    findings = _repository(context)
    if view is None:
        findings.append(_no_ledger(context, has_tags=bool(refs)))
        return _result(findings, None, level, 0, 0, allow_empty=False)
    findings += view.findings
    if view.ledger.policy is None:
        return _result(findings, view, level, 0, len(refs), allow_empty=False)
    root = trust.judge(context, view, trust_root=trust_root, ask=ask)
    findings += root.findings
    known = view.ledger
    findings += doubt.about_events(known.events, known.doubts, known.adopted)
    findings += clock.findings(known.events, times.now, times.max_age) if times is not None else []
    findings += _missing(context, lost, judged.chosen)
    findings += judged.findings
    if not wanted and len(tags) < len(refs):
        findings += [foreign_tag(ref) for ref in refs if RecordName.parse(ref.name) is None]
    extra: dict[str, Any] = {"trust": root.how, "first_sight": root.first_sight}
    extra["verifiers"] = dict(sorted((judged.verifiers | view.judge.verifiers).items()))
    if second_opinion is not None:
        crossed = crosscheck.cross_check(context, view, tags, wanted=second_opinion.count)
        findings += crossed.findings
        extra |= {"signatures": crossed.total, "cross_checked": crossed.checked}
    checked: Examined | None = None
    if level != "signatures":
        from arcgit.archive.looking import examine  # noqa: PLC0415

        remote = data.remote if data is not None else None
        sound = [(name, record) for name, record in judged.sound if not _purged(view, name)]
        if remote is not None:
            _require_other(context, view.ledger.policy, remote, [record for _, record in sound])
        living = [(name, _in(remote, record)) for name, record in sound]
        checked = examine.examine(context, view.ledger, living, level=level, progress=progress, asked=data)
        findings += checked.findings
        extra |= {"remote": remote} if remote is not None else {}
        extra |= {**looked_at(checked, data), "remotes": "pinned" if view.ledger.policy.remotes else "not pinned"}
    findings += _moved(context, before)
    skipped = len(refs) - len(tags)
    result = _result(findings, view, level, len(tags), skipped, allow_empty=allow_empty, extra=extra, tags=tags)
    result.view, result.sound, result.examined = view, judged.sound if wanted else [], checked
    return result


def looked_at(checked: Examined, asked: Request | None) -> dict[str, Any]:
    """How much of the data was looked at, and by whose word some of it was not."""
    scope: dict[str, Any] = {
        "objects": checked.total,
        "objects_checked": checked.objects,
        "objects_skipped": checked.skipped,
        "objects_hidden": checked.targets.hidden,
        "bytes_read": checked.bytes_read,
        "remotes_looked_at": sorted({store.name for store in checked.targets.stores}),
    }
    if checked.started:
        scope |= {"objects_earlier": checked.earlier, "earlier_run": checked.started}
    choice = asked.choice if asked is not None else Choice()
    if choice.sample is not None:
        scope["sample"] = {"objects": checked.chosen.count, "of": checked.total, "seed": checked.seed}
    if choice.since is not None:
        said = [{"event": one.seq, "by": one.by, "time": one.time} for _, one in sorted(checked.chosen.proofs.items())]
        since = choice.since.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        scope["since"] = {"time": since, "objects_proven": checked.chosen.proven, "by_events": said}
    return scope


def _settled(
    context: Context, wanted: Sequence[str], *, keep: bool, progress: Progress, today: date | None
) -> tuple[Refs, shares.Judged, list[RecordState]]:
    """Ledger and tags judged, the refs as they stood before, and the records that have no tag among them.

    A record's refs move one after the other, so what looks like half of one may be one that is being written this moment:
    then all of it is judged anew.
    """
    for attempt in range(1, ledger.READS + 1):
        before = _refs(context)
        refs = before.below(RECORD_PREFIX)
        judged = shares.judge(context, refs, wanted, keep=keep, progress=progress, today=today)
        lost = _lost(judged.view, refs) if judged.view is not None else []
        sound = not judged.findings and not lost
        if sound or attempt == ledger.READS or _refs(context) == before:
            return before, judged, lost
    raise AssertionError("unreachable")  # pragma: no cover


def _refs(context: Context) -> Refs:
    """Everything that is judged, read at once."""
    tracking = [tracking_ref(context.remote)] if context.remote else []
    return context.repo.refs("refs/tags/exp", LEDGER_REF, *tracking)


def _moved(context: Context, before: Refs) -> list[Finding]:
    """What was judged must still be there at the end. What has come since was not judged and is no matter."""
    after = _refs(context)
    if after == before:
        return []
    for name, oid, _ in before:
        found = after.find(name)
        now = found.oid if found is not None else None
        if now == oid or (not name.startswith(RECORD_PREFIX) and now and context.repo.is_ancestor(oid, now)):
            continue
        message = "refs changed while they were being judged"
        return [
            unknown("ref-moved", name, message, expected=oid, found=now or "nothing", hint="run arcgit verify again")
        ]
    return []


def _repository(context: Context) -> list[Finding]:
    findings = []
    if context.repo.refs("refs/replace"):
        message = "the repository has replace refs; arcgit ignores them, `git show` does not"
        hint = "git replace -l, then git replace -d OID"
        findings.append(warning("replace-refs-present", "refs/replace", message, hint=hint))
    if context.repo.shallow:
        message = "this is a shallow clone: commits and tags may be missing"
        findings.append(warning("shallow-clone", "repository", message, hint=context.repo.fetch_hint()))
    return findings


def _no_ledger(context: Context, *, has_tags: bool) -> Finding:
    if context.remote or has_tags:
        message = "the ledger is not in this clone (git does not fetch notes by default)"
        return unknown("notes-missing", "refs/notes/arcgit", message, hint=ledger.fetch_command(context))
    message = "there is no ledger here and no remote to fetch one from"
    return unknown("ledger-missing", "refs/notes/arcgit", message, hint="arcgit init")


def _missing(context: Context, records: list[RecordState], chosen: set[RecordName] | None) -> list[Finding]:
    """What is said of records of the ledger that have no tag here: taken away, or never fetched."""
    lost = [record for record in records if chosen is None or record.name in chosen]
    if not lost:
        return []
    remote = context.remote or "origin"
    hint = f"git fetch {word(remote)} '{RECORD_PREFIX}*:{RECORD_PREFIX}*'"
    if context.repo.shallow or _without_tags(context):
        message = f"this clone was made without all tags; the ledger names {len(lost)} that are not here"
        return [unknown("tags-missing", "refs/tags/exp", message, hint=hint)]
    return [
        error(
            "recorded-tag-missing",
            record.name.tag,
            "the ledger recorded this tag, and it is not here",
            expected=record.subject.oid,
            found="no tag",
            hint=f"{hint}; if the remote does not have it either, it was deleted",
        )
        for record in lost
    ]


def _lost(view: LedgerView, refs: Refs) -> list[RecordState]:
    records = view.ledger.records
    if sum(ref.name in records for ref in refs) == len(records):
        return []
    return [record for name, record in records.items() if refs.find(name) is None]


def _without_tags(context: Context) -> bool:
    """Whether git was told to bring no tags, or, as by `git clone --single-branch`, only those of some branches."""
    if not context.remote:
        return False
    told = context.settings.get(f"remote.{context.remote}.tagopt")
    heads = [spec for spec in context.settings.all(f"remote.{context.remote}.fetch") if "refs/heads/" in spec]
    return told == "--no-tags" or (not told and bool(heads) and not any("*" in spec for spec in heads))


def _require_other(context: Context, policy: Policy, remote: str, records: Sequence[Record]) -> None:
    """Raise RefusedError where a remote is the one that records name, by another name: it would count as a copy."""
    from arcgit.archive.apart import require_apart  # noqa: PLC0415
    from arcgit.archive.holders import Remotes  # noqa: PLC0415

    facts = [fact.dvc for record in records for fact in record.predicate.artifacts.values() if fact.dvc is not None]
    if remote.lower() in {(fact.remote or "").lower() for fact in facts}:
        return
    remotes = Remotes(context, policy)
    for project in sorted({fact.project or "" for fact in facts}):
        try:
            target = remotes.get((project, remote))
        except ArcgitError:
            # What cannot be opened is told of when it is looked at.
            continue
        require_apart(context, remotes, records, project, target)


def _in(remote: str | None, record: Record) -> Record:
    """The record as if its data lay in that remote. Imports are looked at where they came from."""
    from msgspec.structs import replace  # noqa: PLC0415  only where it is asked for

    if remote is None:
        return record
    moved = {
        name: replace(fact, dvc=replace(fact.dvc, remote=remote)) if fact.dvc and fact.dvc.origin is None else fact
        for name, fact in record.predicate.artifacts.items()
    }
    statement = record.statement
    return replace(record, statement=replace(statement, predicate=replace(statement.predicate, artifacts=moved)))


def _purged(view: LedgerView, name: RecordName) -> bool:
    known = view.ledger.records.get(name.refname)
    return known is not None and known.status == "purged"


def _result(
    findings: list[Finding],
    view: LedgerView | None,
    level: Level,
    checked: int,
    skipped: int,
    *,
    allow_empty: bool,
    extra: dict[str, Any] | None = None,
    tags: Refs | None = None,
) -> VerifyResult:
    known = view.ledger if view else Ledger()
    policy: Policy | None = known.policy
    scope = {
        "archive": known.archive,
        "level": level,
        "ledger_ref": view.ref if view else None,
        "ledger_tip": known.tip,
        "events": known.seq,
        "policy_version": policy.version if policy else None,
        "policy_digest": known.policy_digest or None,
        "records_checked": checked,
        "tags_skipped": skipped,
        "tool": f"arcgit {__version__}",
        **(extra or {}),
    }
    lacking = any(found.code == "tags-missing" for found in findings)
    if checked == 0 and not allow_empty and not lacking and view is not None and view.ledger.policy is not None:
        hint = "arcgit record seals an experiment; --allow-empty accepts an empty archive"
        findings = [*findings, unknown("nothing-checked", "records", "there was no record to check", hint=hint)]
    verdict = judge(findings, checked=checked, allow_empty=allow_empty)
    return VerifyResult(verdict, worst_first(findings), scope, tags.names() if tags is not None else ())
