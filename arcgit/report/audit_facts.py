"""The evidence of one record in the audit report, line by line: whether a thing is recorded, and how it is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from arcgit.model.text import count, size
from arcgit.report import copies as copies_part
from arcgit.report import eventwords
from arcgit.report.audit import NOT_RECORDED, RECORDED, Entry, Splits
from arcgit.rules.runs import RunCount

NOT_APPLICABLE = "not applicable"
CHECKED, NOT_CHECKED = "checked", "not checked"
_LOOKED_AT = {
    "presence": "its remote has every object; their bytes were not read: --level fixity does",
    "fixity": "every byte was read from its remote and hashed",
}


class Fact(NamedTuple):
    """A line of a record's evidence: whether it is recorded, how it is known, and what it says."""

    topic: str
    state: str
    how: str
    detail: str


def facts(entry: Entry, scope: Mapping[str, Any]) -> Iterator[Fact]:
    """The evidence of one record, in the order in which a reviewer asks for it; nothing without a record."""
    record = entry.record
    if record is None:
        return
    yield Fact("commit", RECORDED, _how(record, "commit"), f"{record['commit']}, {record['manifest']['path']}")
    yield _files(record, "data", ("dataset",))
    yield _splits(entry.splits)
    yield _files(record, "model", ("model",))
    yield _files(record, "code", ("code", "config"))
    yield _values(record, "parameters", "params")
    yield _values(record, "metrics", "metrics")
    yield _lineage(record)
    yield _environment(record)
    yield from _said(record)
    yield _events(record, "review", "reviewed", NOT_RECORDED)
    yield _evaluations(record)
    yield _runs(entry.runs)
    yield from _successors(record)
    yield _holds(record)
    if entry.copies is not None and copies_part.worth_telling(entry.copies):
        yield Fact(*copies_part.fact(entry.copies))
    yield _bytes(record, str(scope["level"]))
    yield _proven(record)


def _bytes(record: Mapping[str, Any], level: str) -> Fact:
    """Whether the data was looked at. What was found wrong with a record keeps its data from being looked at."""
    if record["status"] == "purged":
        return Fact("data bytes", NOT_APPLICABLE, "", "purged")
    if level not in _LOOKED_AT:
        return Fact("data bytes", NOT_CHECKED, "", "--level presence or fixity looks at them")
    if any(finding["severity"] != "warning" for finding in record["findings"]):
        return Fact("data bytes", NOT_CHECKED, "", "not all of them: see the findings")
    return Fact("data bytes", CHECKED, "", _LOOKED_AT[level])


def _proven(record: Mapping[str, Any]) -> Fact:
    """When its data was last proven before this report, as signers claim."""
    if record["status"] == "purged":
        return Fact("last proven", NOT_APPLICABLE, "", "purged")
    told = "; ".join(eventwords.last_proven(row) for row in record["proven"])
    known = any(row["proven"] for row in record["proven"])
    return Fact("last proven", RECORDED if known else NOT_RECORDED, "on the ledger" if known else "", told)


def _how(record: Mapping[str, Any], *fields: str) -> str:
    """How the record says that a group of fields is known."""
    known = record["known"]
    words = [word for word in ("captured", "read", "asserted") if set(fields) & set(known.get(word, ()))]
    return ", ".join(words) or "not said"


def _files(record: Mapping[str, Any], topic: str, roles: tuple[str, ...]) -> Fact:
    found = [fact for fact in record["artifacts"].values() if fact["role"] in roles]
    if not found:
        return Fact(topic, NOT_RECORDED, "", f"no artifact has the role {' or '.join(roles)}")
    files = sum(fact.get("files") or 1 for fact in found)
    total = size(sum(fact["size"] for fact in found))
    imported = sum("origin" in (fact.get("dvc") or {}) for fact in found)
    paths = ", ".join(sorted(fact["path"] for fact in found))
    more = f"; {imported} imported" if imported else ""
    return Fact(topic, RECORDED, _how(record, "artifacts"), f"{paths}: {count(files, 'file')}, {total}{more}")


def _splits(splits: Splits | None) -> Fact:
    if splits is None or len(splits.names) < 2:
        return Fact("splits", NOT_APPLICABLE, "", "fewer than two splits are named")
    named = ", ".join(splits.names)
    if splits.shared:
        pairs = "; ".join(f"{one} and {other} share {count(number, 'file')}" for one, other, number in splits.shared)
        return Fact("splits", RECORDED, "computed", f"{named}: {pairs}")
    if splits.unread:
        what = ", ".join(splits.unread)
        return Fact("splits", RECORDED, "", f"{named}: overlap is not known, the list of {what} is not in this clone")
    return Fact("splits", RECORDED, "computed", f"{named}: no file in two of them, by sha256")


def _values(record: Mapping[str, Any], topic: str, field: str) -> Fact:
    number = len(record[field])
    if not number:
        return Fact(topic, NOT_RECORDED, "", "")
    return Fact(topic, RECORDED, _how(record, f"content.{field}"), count(number, "value"))


def _lineage(record: Mapping[str, Any]) -> Fact:
    lineage = record["lineage"]
    how = _how(record, "content.lineage")
    if lineage.get("sha256"):
        return Fact("lineage", RECORDED, how, f"kept on refs/arcgit/fixity as {lineage['sha256'][:16]}…")
    stages = [str(stage["name"]) for stage in lineage.get("stages") or ()]
    if not stages:
        return Fact("lineage", NOT_RECORDED, "", "there was no pipeline")
    return Fact("lineage", RECORDED, how, f"{count(len(stages), 'stage')}: {', '.join(stages)}")


def _environment(record: Mapping[str, Any]) -> Fact:
    files = sorted(fact["path"] for fact in record["artifacts"].values() if fact["role"] == "environment")
    machine = record["environment"].get("recorded_with")
    sealed = f"sealed with Python {machine.get('python')}" if isinstance(machine, dict) else ""
    told = ", ".join([*files, *([sealed] if sealed else [])])
    if not files:
        return Fact("environment", NOT_RECORDED, "", f"of the training; {sealed}" if sealed else "")
    return Fact("environment", RECORDED, _how(record, "environment"), told)


def _said(record: Mapping[str, Any]) -> Iterator[Fact]:
    for field in ("owner", "purpose", "retention"):
        if field in record["amended"]:
            detail = f"{record['amended'][field]} (amended since; sealed as: {record[field] or 'nothing'})"
            yield Fact(field, RECORDED, "asserted", detail)
        else:
            yield Fact(field, RECORDED if record[field] else NOT_RECORDED, _how(record, field), record[field])


def _events(record: Mapping[str, Any], topic: str, kind: str, otherwise: str) -> Fact:
    found = [event for event in record["events"] if event["type"] == kind]
    if not found:
        return Fact(topic, otherwise, "", "")
    told = "; ".join(f"{event['data'].get('outcome')} by {event['actor']}" for event in found)
    return Fact(topic, RECORDED, "on the ledger", told)


def _evaluations(record: Mapping[str, Any]) -> Fact:
    """What was measured again beside what was sealed, and whether its author is who recorded it."""
    found = [event for event in record["events"] if event["type"] == "evaluated"]
    if not found:
        return Fact("evaluation", NOT_RECORDED, "", "")
    told = []
    for event in found:
        own = ", who recorded it" if event["actor"] == record["recorded_by"] else ""
        beside = ", ".join(eventwords.beside(event, record["metrics"]))
        told.append(f"{event['data'].get('outcome')} by {event['actor']}{own}{f': {beside}' if beside else ''}")
    return Fact("evaluation", RECORDED, "on the ledger", "; ".join(told))


def _runs(runs: RunCount) -> Fact:
    if not runs.logged:
        return Fact("runs", NOT_RECORDED, "", f"none was logged; {count(runs.sealed, 'run')} sealed")
    rest = f": {runs.rest}" if runs.rest else ""
    return Fact("runs", RECORDED, "on the ledger", f"{runs.words}{rest}, as far as they were logged")


def _successors(record: Mapping[str, Any]) -> Iterator[Fact]:
    """Both ways, and only where there is something: most records take nobody's place."""
    if after := record.get("superseded_by"):
        yield Fact("superseded", RECORDED, "on the ledger", f"by {', and that by '.join(after)}")
    if before := record.get("supersedes"):
        yield Fact("supersedes", RECORDED, "on the ledger", ", ".join(before))


def _holds(record: Mapping[str, Any]) -> Fact:
    held: dict[str, str] = {}
    for event in record["events"]:
        if event["type"] == "held":
            held[event["data"]["hold"]] = f"{event['data']['hold']} by {event['actor']}: {event['data']['reason']}"
        elif event["type"] == "released":
            held.pop(event["data"]["hold"], None)
    return (
        Fact("hold", RECORDED, "on the ledger", "; ".join(held.values()))
        if held
        else Fact("hold", NOT_APPLICABLE, "", "")
    )
