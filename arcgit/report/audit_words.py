"""Sentences of the audit report that text and Markdown share. Nothing here is escaped yet: the renderings do that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec.structs import replace

from arcgit.model import canonical, tagmessage
from arcgit.model.finding import Finding, Severity
from arcgit.model.text import count, escape, shorten, size
from arcgit.report import copies, eventwords, pages
from arcgit.report.audit import NOT_RECORDED, RECORDED, Entry, Report
from arcgit.report.findings import place_of, summary
from arcgit.rules.changes import Changes, FileChange
from arcgit.rules.proof import GIT
from arcgit.rules.values import ValueChange

MAX_ROWS = 6
MAX_VALUE = 60
MAX_SAID = 300
MAX_POLICIES = 10
MAX_SAME = 4
HOW_KNOWN = (
    "How a fact is known: captured by arcgit when it sealed; read from a file at that commit; asserted by a person."
)
EXPLAIN = "arcgit explain "
_UNKNOWN = "not known"
_DOUBT_IN_SHORT = "the same, although the model changed"
_DOUBT = (f"{_DOUBT_IN_SHORT}: were they measured again?",)


class Since(NamedTuple):
    """What changed since an earlier record: `title` says which; a row is a topic and what differs, item by item.

    `measured` are the metrics, which a reader wants to see even where none of them differs.
    """

    title: str
    short: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    measured: tuple[str, ...] = ()

    def same(self, topic: str) -> str:
        """The values of a topic without differences, where a reader wants them; else nothing."""
        return ", ".join(capped(self.measured, MAX_SAME)) if topic == "metrics" else ""


_DEPTH = {
    "signatures": "Signatures were checked, not the bytes of the data; --level fixity does both.",
    "presence": "Signatures were checked, and that the remotes have the data; --level fixity checks its bytes too.",
    "fixity": "Signatures were checked, and every byte of the data.",
}


_ON_THE_LEDGER = frozenset({RECORDED, "held", "retired", "purged"})


def opening(report: Report) -> str:
    """How many experiments the report is about, and how many of them have a record."""
    met = Counter(RECORDED if entry.state in _ON_THE_LEDGER else entry.state for entry in report.entries)
    told = ", ".join(f"{number} {word}" for word, number in sorted(met.items(), key=lambda item: item[0] != RECORDED))
    if report.base is None:
        return told or "nothing recorded"
    words = {entry.change for entry in report.entries}
    which = words.pop() if len(words) == 1 else "new or changed"
    return f"{count(len(report.entries), 'experiment')} {which}{f', {told}' if told else ''}"


def depth(report: Report) -> str:
    """What was looked at, in a sentence."""
    return _DEPTH[str(report.scope["level"])] if report.scope["records_checked"] else "No record was checked."


def review(entry: Entry) -> str:
    """The last word of each reviewer that counts, or that none is recorded."""
    found = entry.review
    if found is None:
        return NOT_RECORDED
    if not (found.approved or found.rejected):
        asked = f"{count(found.needed, 'person')} must approve" if found.needed else "the policy asks for none"
        return f"{NOT_RECORDED}, {asked.replace('persons', 'people')}"
    both = (("rejected", found.rejected), ("approved", found.approved))
    said = "; ".join(f"{word} by {', '.join(people)}" for word, people in both if people)
    return f"{said}, and {found.needed} must approve" if found.word == "open" else said


def runs(entry: Entry) -> str:
    """`7 runs, 1 sealed: 5 failed`, or nothing where no run was logged."""
    found = entry.runs
    return pages.runs_words(found) if found.logged else ""


def superseded(entry: Entry) -> str:
    """The tag that took its place, or nothing."""
    after = entry.record.get("superseded_by") if entry.record is not None else None
    return str(after[0]).removeprefix("exp/") if after else ""


def event_line(event: Mapping[str, Any]) -> str:
    """One event on one line, such as `#6  2026-05-06T11:02:00Z  reviewed by bob: approved: Looked at`."""
    said = eventwords.told(event)
    head = f"#{event['seq']}  {event['time']}  {event['type']} by {event['actor']}"
    return f"{head}: {shorten(said, MAX_SAID)}" if said else head


def signer(entry: Entry) -> str:
    """`Ada Lovelace (ada) as recorder`, or that nobody can be named."""
    if entry.record is None:
        return "nobody: what HEAD has was not recorded"
    found = entry.signer
    if found is None:
        return "nobody whom the ledger can name"
    return f"{found.name} ({found.person}) as recorder"


def became(entry: Entry) -> str:
    """What the change did to the experiment, in a word or two."""
    return f"renamed from {entry.was}" if entry.was else entry.change


def since(report: Report, entry: Entry) -> list[Since]:
    """What changed against the base and against the previous record; once, where these are one and the same."""
    base, previous = entry.base, entry.previous
    groups: list[Since] = []
    measured = _measured(entry)
    one = base is not None and previous is not None and base.tag == previous.tag
    if base is not None:
        which = ", which is the previous record" if one else ""
        groups.append(Since(f"since {report.base}{which}, {_id(base)}", f"since {report.base}", _rows(base), measured))
    if previous is not None and not one:
        groups.append(
            Since(f"since the previous record, {_id(previous)}", "since the previous record", _rows(previous), measured)
        )
    return groups


def _id(changes: Changes) -> str:
    return changes.tag.removeprefix("exp/")


def first(entry: Entry) -> str:
    """What stands in the place of changes where there is nothing to compare with."""
    if entry.change == "deleted":
        return "its manifest is no longer at HEAD; a record stays in the archive"
    return "the first of this experiment: there is no earlier record to compare with"


def _rows(changes: Changes) -> tuple[tuple[str, tuple[str, ...]], ...]:
    rows = [
        ("data", tuple(map(_file, changes.data))),
        ("params", tuple(map(value_change, _known_first(changes.params)))),
        (
            "metrics",
            tuple(value_change(row) + _delta(row) for row in _known_first(changes.metrics)) or _doubtful(changes),
        ),
    ]
    rows += [("other files", tuple(map(_file, changes.others)))] if changes.others else []
    rows += [("stages", tuple(f"{name} {change}" for change, name in changes.stages))] if changes.stages else []
    rows += [("sealed on", tuple(map(value_change, changes.environment)))] if changes.environment else []
    rows += [(_UNKNOWN, tuple(dict.fromkeys(changes.unknown)))] if changes.unknown else []
    return tuple(rows)


def _known_first(rows: Iterable[ValueChange]) -> list[ValueChange]:
    """Short names before long ones and those that lie deep: where not all are shown, a person set those by hand."""
    return sorted(rows, key=lambda row: (row.key.count("."), len(row.key), row.key, row.file))


def _doubtful(changes: Changes) -> tuple[str, ...]:
    """What a reviewer should ask where a model was trained otherwise and nothing was measured otherwise."""
    model = any(row.role == "model" and row.change == "changed" for row in changes.artifacts)
    return _DOUBT if model else ()


def _measured(entry: Entry) -> tuple[str, ...]:
    metrics = tagmessage.flatten(entry.record["metrics"]) if entry.record is not None else {}
    return tuple(f"{key} {value(item)}" for key, item in sorted(metrics.items()))


def _file(row: FileChange) -> str:
    said = [f"{field.key} {value(field.before)} → {value(field.after)}" for field in row.fields if field.key != "kept"]
    told = f"{row.path} {'the same content' if row.change == 'same' else row.change}"
    if row.files is not None:
        files = row.files
        parts = (
            (files.changed, "changed"),
            (files.added, "added"),
            (files.removed, "removed"),
            (files.renamed, "renamed"),
        )
        told = f"{row.path}: {', '.join(f'{len(part)} {word}' for part, word in parts if part)}"
        told += f" of {count(len(files.changed) + len(files.removed) + len(files.renamed) + files.same, 'file')}"
    return f"{told} ({', '.join(said)})" if said else told


def value_change(row: ValueChange) -> str:
    """`lr 0.001 → 0.01`, `depth added: 3`."""
    key = row.key or row.file
    if row.change == "added":
        return f"{key} added: {value(row.after)}"
    if row.change == "removed":
        return f"{key} removed: {value(row.before)}"
    return f"{key} {value(row.before)} → {value(row.after)}"


def _delta(row: ValueChange) -> str:
    return f" ({row.delta:+.4g})" if row.delta is not None else ""


def value(item: Any) -> str:
    """A value on one line, cut where it is long."""
    return shorten(item if isinstance(item, str) else canonical.dumps(item).decode(), MAX_VALUE)


def capped(items: Sequence[str], limit: int = MAX_ROWS) -> list[str]:
    """At most `limit` items, and how many more there are."""
    return [*items[:limit], *([f"and {len(items) - limit} more"] if len(items) > limit else [])]


def in_short(group: Since, cap: int, shown: Callable[[str], str]) -> str:
    """What changed on one line: of each topic at most `cap` differences, as `shown` writes them.."""
    told = []
    for topic, items in group.rows:
        if items and topic != _UNKNOWN:
            few = _DOUBT_IN_SHORT if items == _DOUBT else ", ".join(map(shown, items[:cap]))
            told.append(f"{topic} {few}{f' and {len(items) - cap} more' if len(items) > cap else ''}")
    unknown = [
        f"{_UNKNOWN}: {', '.join(map(shown, capped(items, 3)))}" for topic, items in group.rows if topic == _UNKNOWN
    ]
    nothing = "nothing known to have changed" if unknown else "nothing changed"
    return f"{escape(shorten(group.short, MAX_VALUE))}: {'; '.join([*(told or [nothing]), *unknown])}"


def scope_lines(report: Report) -> list[tuple[str, str]]:
    """What was judged, by what, and how deep."""
    scope, base = report.scope, report.scope["base"]
    policy = (
        "none" if scope["policy_version"] is None else f"version {scope['policy_version']}, {scope['policy_digest']}"
    )
    rows = [("HEAD", str(scope["head"]))]
    if base is not None:
        rows += [("base", f"{base['rev']} = {base['commit']}"), ("merge base", base["merge_base"] or "not known")]
    counted = f"{scope['records_checked']} checked, {count(scope['tags_skipped'], 'tag')} skipped"
    unchanged = f", {scope['experiments_unchanged']} unchanged since the base" if base is not None else ""
    objects = f", {count(scope['objects_checked'], 'object')}" if "objects_checked" in scope else ""
    objects += ", remotes not pinned by the policy" if scope.get("remotes") == "not pinned" else ""
    rows += [
        ("archive", scope["archive"] or "none"),
        ("root", _root(scope)),
        ("policy", policy),
        *_loosened(scope),
        ("ledger", f"{scope['ledger_tip'] or 'none'}, {count(scope['events'], 'event')}"),
        ("records", f"{counted}, {scope['records_reported']} in this report"),
        ("manifests", f"{scope['manifests']} checked at HEAD{unchanged}"),
        *([("copies", copies.summary(scope["copies"]))] if scope.get("copies") else []),
        ("level", f"{scope['level']}{objects}"),
        *survival_lines(scope["survival"]),
        ("fails on", scope["fail_on"]),
        ("tool", f"{scope['tool']}{_by_tools(scope)}"),
    ]
    return rows


def survival_lines(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """For each remote how much of the data was proven of late, by whose word."""
    for name, clock in found["remotes"].items():
        total, recent, never, failed = (clock[key] for key in ("total", "proven", "never_proven", "failed_since"))
        told = f"{recent['records']} of {count(total['records'], 'record')} ({_amount(recent)} of {_amount(total)})"
        told = f"{told} within {found['days']} days of {found['day']}"
        told += f", by the word of {', '.join(clock['by'])}" if clock["by"] else ""
        oldest = clock["oldest_proof"]
        told += f"; oldest proof {oldest['time'][:10]} by {oldest['by']} (event {oldest['event']})" if oldest else ""
        told += f"; {count(never['records'], 'record')} not proven since sealed" if never["records"] else ""
        told += f"; of {count(failed['records'], 'record')} a check failed since" if failed["records"] else ""
        yield f"proven in {name}", told


def overdue(report: Report) -> str:
    """The sentence about remotes of which nothing was proven for long, or nothing where there is none."""
    found = report.scope["survival"]
    names = [name for name, clock in found["remotes"].items() if clock["overdue"] and name != GIT]
    if not names:
        return ""
    where = ", ".join(names)
    return (
        f"Nobody has proven within {found['days']} days that the data in {where} is whole: arcgit verify --level fixity"
    )


def _amount(amount: Mapping[str, int]) -> str:
    return f"{count(amount['objects'], 'object')}, {size(amount['bytes'])}"


def summary_of(report: Report) -> str:
    """`2 errors`, and how many findings are not about an experiment of this report."""
    told = summary(report.findings)
    if report.base is None:
        return told
    inside = sum(any(_about(finding, entry) for entry in report.entries) for finding in report.findings)
    if inside == len(report.findings) or not report.entries:
        return told
    outside = len(report.findings) - inside
    return f"{told}: {inside or 'none'} about what changed here, {outside} about the rest of the archive"


def _about(finding: Finding, entry: Entry) -> bool:
    subject = finding.subject.removeprefix("refs/tags/").partition(": ")[0]
    named = {entry.label, entry.manifest, str(entry.record["tag"]) if entry.record else ""}
    return subject in named or (finding.place is not None and finding.place.path == entry.manifest)


def together(findings: Sequence[Finding]) -> list[Finding]:
    """The findings with one subject as one: the first of them, that says what else was found and what to do about it."""
    by_subject: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        by_subject.setdefault((finding.severity, place_of(finding)), []).append(finding)
    return [_one_of(group) for group in by_subject.values()]


def _one_of(group: Sequence[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    # A command that mends something is worth more than one that explains.
    told = max(group, key=lambda finding: (bool(finding.hint), not finding.hint.startswith(EXPLAIN)))
    others = [finding for finding in group if finding is not told]
    return replace(told, message=f"{told.message} (also {codes(others)})")


def _by_tools(scope: Mapping[str, Any]) -> str:
    """Which stock tools have checked the signatures, where a library is missing."""
    tools = [name for name in scope.get("verifiers", {}).values() if " " not in name]
    return f"; signatures checked by {' and '.join(tools)}" if tools else ""


def _root(scope: Mapping[str, Any]) -> str:
    """How the beginning of the archive is known."""
    known = {"pin": "as this person has seen it before", "trust-root": "the trust root that was given"}
    how = known.get(str(scope.get("trust")), "the person who was asked" if scope.get("trust") else "not known")
    seen = "; first sight here: whether something was taken away before today is not known"
    return f"{how}{seen if scope.get('first_sight') else ''}"


def _loosened(scope: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The policies that allowed what the one before did not, the last ones last."""
    rows = [one for one in scope.get("policies") or () if one["loosened"]]
    for one in rows[-MAX_POLICIES:]:
        told = "; ".join(item["message"] for item in one["loosened"])
        yield f"policy {one['version']}", f"by {one['actor']} with event {one['event']} allows more: {told}"


def codes(findings: Sequence[Finding]) -> str:
    """`3 signature-missing, object-corrupt`: what there is of findings that are not shown."""
    met = Counter(finding.code for finding in findings)
    return ", ".join(f"{number} {code}" if number > 1 else code for code, number in met.items())


def command(report: Report) -> str:
    """What shows the whole report in a terminal."""
    return f"arcgit audit-report --base {report.base}" if report.base is not None else "arcgit audit-report"
