"""Sentences of the audit report that text and Markdown share. Nothing here is escaped yet: the renderings do that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from arcgit.model import canonical
from arcgit.model.finding import Finding
from arcgit.model.text import count, shorten
from arcgit.report.audit import NOT_RECORDED, RECORDED, Entry, Report
from arcgit.rules.changes import Changes, FileChange
from arcgit.rules.values import ValueChange

MAX_ROWS = 6
MAX_VALUE = 60
MAX_POLICIES = 10
_UNKNOWN = "not known"


class Since(NamedTuple):
    """What changed since an earlier record: `title` says which; a row is a topic and what differs, item by item."""

    title: str
    short: str
    rows: tuple[tuple[str, tuple[str, ...]], ...]


_DEPTH = {
    "signatures": "Signatures were checked, the bytes of the data were not (--level fixity does).",
    "presence": "Signatures were checked, and that the remotes have the data; its bytes were not (--level fixity does).",
    "fixity": "Signatures were checked, and every byte of the data.",
}


_ON_THE_LEDGER = frozenset({RECORDED, "held", "retired", "purged"})


def opening(report: Report) -> str:
    """How many experiments the report is about, and how many of them have a record."""
    met = Counter(RECORDED if entry.state in _ON_THE_LEDGER else entry.state for entry in report.entries)
    told = "; ".join(f"{number} {word}" for word, number in sorted(met.items(), key=lambda item: item[0] != RECORDED))
    if report.base is None:
        return f"the whole archive: {told or 'nothing recorded'}"
    return f"{count(len(report.entries), 'experiment')} new or changed{f': {told}' if told else ''}"


def depth(report: Report) -> str:
    """What was looked at, in a sentence."""
    return _DEPTH[str(report.scope["level"])] if report.scope["records_checked"] else "No record was checked."


def review(entry: Entry) -> str:
    """The last word of each reviewer that counts, or that none is recorded."""
    found = entry.review
    if found is None or not (found.approved or found.rejected):
        return NOT_RECORDED
    both = (("rejected", found.rejected), ("approved", found.approved))
    said = "; ".join(f"{word} by {', '.join(people)}" for word, people in both if people)
    return f"{said}, and {found.needed} must approve" if found.word == "open" else said


def signer(entry: Entry) -> str:
    """`Ada Lovelace (ada) as recorder`, or that nobody can be named."""
    if entry.record is None:
        return ""
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
    one = base is not None and previous is not None and base.tag == previous.tag
    if base is not None:
        which = ", which is the previous record" if one else ""
        groups.append(Since(f"since {report.base}{which}, {_id(base)}", f"since {report.base}", _rows(base)))
    if previous is not None and not one:
        groups.append(
            Since(f"since the previous record, {_id(previous)}", "since the previous record", _rows(previous))
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
        ("params", tuple(map(value_change, changes.params))),
        ("metrics", tuple(value_change(row) + _delta(row) for row in changes.metrics)),
    ]
    rows += [("other files", tuple(map(_file, changes.others)))] if changes.others else []
    rows += [("stages", tuple(f"{name} {change}" for change, name in changes.stages))] if changes.stages else []
    rows += [("sealed on", tuple(map(value_change, changes.environment)))] if changes.environment else []
    rows += [(_UNKNOWN, tuple(dict.fromkeys(changes.unknown)))] if changes.unknown else []
    return tuple(rows)


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


def in_short(group: Since) -> str:
    """What changed on one line; what is the same is left out."""
    told = [item for topic, items in group.rows if topic != _UNKNOWN for item in capped(items, 3)]
    unknown = [f"{_UNKNOWN}: {', '.join(capped(items, 3))}" for topic, items in group.rows if topic == _UNKNOWN]
    nothing = "nothing known to have changed" if unknown else "nothing changed"
    return f"{group.short}: {'; '.join([', '.join(told) or nothing, *unknown])}"


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
    rows += [
        ("archive", scope["archive"] or "none"),
        ("root", _root(scope)),
        ("policy", policy),
        *_loosened(scope),
        ("ledger", f"{scope['ledger_tip'] or 'none'}, {count(scope['events'], 'event')}"),
        ("records", f"{counted}, {scope['records_reported']} in this report"),
        ("manifests", f"{scope['manifests']} checked at HEAD{unchanged}"),
        ("level", f"{scope['level']}{objects}"),
        ("fails on", scope["fail_on"]),
        ("tool", scope["tool"]),
    ]
    return rows


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
