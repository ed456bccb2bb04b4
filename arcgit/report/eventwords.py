"""Ledger events in words, which `log`, `show` and the report share. Nothing here is escaped yet: the renderings do that.

Only the data that an event type must have is sure to be in its form; everything else may be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from arcgit.model import canonical
from arcgit.model.names import RecordName
from arcgit.model.text import count, shorten
from arcgit.rules.eventdata import AMENDABLE

MAX_METRICS = 6
MAX_VALUE = 40
Data = Mapping[str, Any]


def about(event: Mapping[str, Any]) -> str:
    """What an event is about: a record, several, a commit of an experiment, or the archive."""
    data = event["data"]
    if event["subject"] is not None:
        name = RecordName.parse(event["subject"]["refname"])
        return f"{name.project}/{name.experiment} {name.short_id}" if name else str(event["subject"]["refname"])
    if event["type"] == "run":
        experiment = f"{data['project']}/{data['experiment']} " if "experiment" in data else ""
        return f"{experiment}at {str(data.get('commit'))[:10]}"
    if event["type"] == "genesis":
        return f"archive {event['archive']}"
    if event["type"] == "policy":
        return f"version {data.get('version')}"
    records = data.get("records")
    return count(len(records), "record") if isinstance(records, list) else ""


def told(event: Mapping[str, Any]) -> str:
    """What an event says, in a sentence or none: outcome, reason, what was said anew."""
    say = _SAYING.get(event["type"])
    return say(event["data"]) if say is not None else _text(event["data"].get("comment"))


def beside(event: Mapping[str, Any], sealed: Mapping[str, Any]) -> Iterator[str]:
    """The metrics of an evaluation beside the sealed ones: `auc 0.9 (sealed 0.91, -0.01)`."""
    for name, item in metrics(event["data"]).items():
        if name not in sealed:
            yield f"{name} {value(item)} (not sealed)"
            continue
        difference = delta(sealed[name], item)
        yield f"{name} {value(item)} (sealed {value(sealed[name])}{f', {difference}' if difference else ''})"


def metrics(data: Data) -> dict[str, Any]:
    """The metrics that an evaluation names."""
    found = data.get("metrics")
    return found if isinstance(found, dict) else {}


def delta(before: Any, after: Any) -> str:
    """`+0.024`, `the same`, or nothing where one of them is no number."""
    if not (_is_number(before) and _is_number(after)):
        return ""
    return "the same" if before == after else f"{after - before:+.4g}"


def value(item: Any) -> str:
    """A value on one line, cut where it is long."""
    return shorten(item if isinstance(item, str) else canonical.dumps(item).decode(), MAX_VALUE)


def _is_number(item: Any) -> bool:
    return isinstance(item, (int, float)) and not isinstance(item, bool)


def _text(item: Any) -> str:
    return item.strip() if isinstance(item, str) else ""


def _with(lead: str, item: Any) -> str:
    """`lead: text`, or the lead alone."""
    text = _text(item)
    return f"{lead}: {text}" if text else lead


def _policy(data: Data) -> str:
    approvals = data.get("approvals")
    rows = approvals if isinstance(approvals, list) else []
    people = dict.fromkeys(str(row["person"]) for row in rows[:100] if isinstance(row, dict) and "person" in row)
    return f"approved by {', '.join(people)}" if people else ""


def _amended(data: Data) -> str:
    said = "; ".join(f"{name}: {_text(data[name])}" for name in AMENDABLE if name in data)
    return f"{said} ({_text(data.get('reason'))})" if _text(data.get("reason")) else said


def _evaluated(data: Data) -> str:
    found = metrics(data)
    rows = [f"{name} {value(item)}" for name, item in list(found.items())[:MAX_METRICS]]
    rows += [f"and {len(found) - MAX_METRICS} more"] if len(found) > MAX_METRICS else []
    lead = ", ".join([_text(data.get("outcome")), *rows])
    return _with(lead, data.get("comment"))


def _retired(data: Data) -> str:
    named = data.get("superseded_by")
    tag = str(named.get("refname")).removeprefix("refs/tags/exp/") if isinstance(named, dict) else ""
    return _with(f"superseded by {tag}", data.get("reason")) if tag else _text(data.get("reason"))


def last_proven(row: Mapping[str, Any]) -> str:
    """`storage 2026-11-28 by ada (event 9)`: a claim of its signer, and what speaks against it since."""
    proven, failed = row["proven"], row["failed_since"]
    told = f"{proven['time'][:10]} by {proven['by']} (event {proven['event']})" if proven else "not since it was sealed"
    told += f", {count(row['in_part'], 'time')} in part{' since' if proven else ''}" if row["in_part"] else ""
    told += f", failed {failed['time'][:10]} (event {failed['event']})" if failed else ""
    return f"{row['remote']} {told}"


def _verified(data: Data) -> str:
    told = f"{data.get('outcome')} at level {data.get('level')}"
    remotes, objects = data.get("remotes"), data.get("objects")
    if not isinstance(remotes, list) or objects is None:
        return told
    number = f"{objects} object" if objects == 1 else f"{objects} objects"
    lead = "a sample of " if "sample" in data else ""
    return f"{told}: {lead}{number} in {', '.join(map(str, remotes)) or 'no remote'}"


_SAYING: Mapping[str, Callable[[Data], str]] = {
    "genesis": lambda data: "",
    "policy": _policy,
    "recorded": lambda data: "",
    "run": lambda data: _with(str(data.get("outcome")), data.get("comment")),
    "amended": _amended,
    "reviewed": lambda data: _with(str(data.get("outcome")), data.get("comment")),
    "evaluated": _evaluated,
    "held": lambda data: _with(str(data.get("hold")), data.get("reason")),
    "released": lambda data: _with(str(data.get("hold")), data.get("reason")),
    "replicated": lambda data: f"to {data.get('remote')}",
    "restored": lambda data: _text(data.get("to")),
    "verified": _verified,
    "purged": lambda data: _text(data.get("reason")),
    "retired": _retired,
}
