"""The audit report as one value, which text, Markdown and JSON render: what is judged, what is known and how.

It says recorded, not recorded or not applicable. What that is worth under a law or a standard, it does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from arcgit.model.finding import Finding, Verdict
from arcgit.model.text import count, size
from arcgit.report import copies as copies_part
from arcgit.report import eventwords
from arcgit.report.copies import Held
from arcgit.rules.changes import Changes
from arcgit.rules.copies import Copies
from arcgit.rules.history import NO_RUNS
from arcgit.rules.reviews import Standing
from arcgit.rules.runs import RunCount

SCHEMA = "arcgit/audit-report/v1"
RECORDED, NOT_RECORDED, NOT_APPLICABLE = "recorded", "not recorded", "not applicable"
NOT_KNOWN = "not known"
CHECKED, NOT_CHECKED = "checked", "not checked"
_LOOKED_AT = {
    "presence": "its remote has every object; their bytes were not read: --level fixity does",
    "fixity": "every byte was read from its remote and hashed",
}


@dataclass(frozen=True)
class Signer:
    """Who sealed a record: a person of the policy that was in force then, with the roles held then."""

    person: str
    name: str
    email: str
    roles: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"person": self.person, "name": self.name, "email": self.email, "roles": list(self.roles)}


@dataclass(frozen=True)
class Splits:
    """The splits of a record's datasets: which pairs share files, and whose lists of files are not at hand."""

    names: tuple[str, ...]
    shared: tuple[tuple[str, str, int], ...]
    unread: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        shared = [{"one": one, "other": other, "contents": number} for one, other, number in self.shared]
        return {"names": list(self.names), "shared": shared, "unread": list(self.unread)}


@dataclass(frozen=True)
class Entry:
    """One experiment of the report, with its record as `show --json` has it, or None.

    `change` is `new`, `changed`, `renamed`, `unchanged` or `deleted` since the base, empty where there is no base.
    `manifest` is its path at HEAD, empty where HEAD has none of this record; `was` is the name before. `hidden` where
    this clone does not show what the ledger says of it. `review` is what the reviews of its record add up to, `runs` are
    those of the experiment, `remarks` what the day makes of the record, `copies` where its data is proven to lie.
    """

    label: str
    change: str
    manifest: str
    record: Mapping[str, Any] | None
    signer: Signer | None = None
    base: Changes | None = None
    previous: Changes | None = None
    splits: Splits | None = None
    was: str = ""
    hidden: bool = False
    review: Standing | None = None
    runs: RunCount = NO_RUNS
    remarks: tuple[Finding, ...] = ()
    copies: Copies | None = None

    @property
    def state(self) -> str:
        if self.hidden:
            return NOT_KNOWN
        return str(self.record["status"]) if self.record is not None else NOT_RECORDED

    @property
    def short_id(self) -> str:
        """The run id as the tag has it, or nothing."""
        return str(self.record["tag"]).rpartition("/")[2] if self.record else ""


@dataclass(frozen=True)
class Report:
    """The verdict, its findings worst first, its scope, and the experiments, those without a record first."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    scope: Mapping[str, Any]
    entries: Sequence[Entry]

    @property
    def held(self) -> Iterator[Held]:
        """The copies of each record of the report."""
        for entry in self.entries if self.scope.get("copies") else ():
            if entry.record is not None and entry.copies is not None:
                yield Held(str(entry.record["tag"]), entry.copies)

    @property
    def base(self) -> str | None:
        """The rev that was asked for as base, as it was given."""
        return str(self.scope["base"]["rev"]) if self.scope["base"] else None


class Fact(NamedTuple):
    """A line of a record's evidence: whether it is recorded, how it is known, and what it says."""

    topic: str
    state: str
    how: str
    detail: str


def document(report: Report) -> dict[str, Any]:
    """The JSON document `arcgit/audit-report/v1`."""
    return {**_head(report), "experiments": list(_experiments(report)), "records": list(_records(report))}


def pieces(report: Report, shown: Callable[[Any], str]) -> Iterator[str]:
    """The text of `document` in pieces, each of them a part that `shown` writes, indented by two; it may be very long."""
    yield shown(_head(report)).removesuffix("\n}")
    for key, rows in (("experiments", _experiments(report)), ("records", _records(report))):
        yield f',\n  "{key}": ['
        number = -1
        for number, row in enumerate(rows):
            text = shown(row).replace("\n", "\n    ")
            yield f"{',' if number else ''}\n    {text}"
        yield "\n  ]" if number >= 0 else "]"
    yield "\n}\n"


def _head(report: Report) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "verdict": report.verdict.value,
        "scope": dict(report.scope),
        "findings": [finding.to_dict() for finding in report.findings],
    }


def _experiments(report: Report) -> Iterator[dict[str, Any]]:
    for entry in report.entries:
        yield {
            "experiment": entry.label,
            "manifest": entry.manifest or None,
            "change": entry.change or None,
            "was": entry.was or None,
            "record": entry.record["tag"] if entry.record else None,
            "state": entry.state,
            "runs": entry.runs.to_dict(),
            "since_base": entry.base.to_dict() if entry.base else None,
            "since_previous": entry.previous.to_dict() if entry.previous else None,
        }


def _records(report: Report) -> Iterator[dict[str, Any]]:
    for entry in report.entries:
        if entry.record is not None:
            yield {
                **entry.record,
                "signer": entry.signer.to_dict() if entry.signer else None,
                "splits": entry.splits.to_dict() if entry.splits else None,
                "copies": copies_part.to_dict(entry.copies),
                "evidence": [fact._asdict() for fact in facts(entry, report.scope)],
            }


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
