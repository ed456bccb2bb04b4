"""Records and events as pages and tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from arcgit.model import canonical
from arcgit.model.policy import Policy
from arcgit.model.text import count, escape, shorten, size
from arcgit.report import eventwords
from arcgit.rules.runs import RunCount

_STATUS = {
    "recorded": "green",
    "held": "cyan",
    "unsynced": "yellow",
    "unrecorded": "red",
    "altered": "bold red",
    "malformed": "bold red",
    "tainted": "bold red",
    "retired": "dim",
    "purged": "dim",
}
_WORDS = {
    "title": "bold",
    "dim": "dim",
    "subject": "cyan",
    "approved": "green",
    "rejected": "bold red",
    "failed": "red",
    "purged": "red",
    "evaluated": "magenta",
    "amended": "yellow",
    "policy": "yellow",
    "released": "cyan",
    "retired": "yellow",
}
"""Beside the statuses: titles, and words of events, where these stand for more than a status."""


def style(word: str, *, event: bool = False) -> str:
    """The style of a status, of a word of an event, or of a title."""
    return _WORDS.get(word, _STATUS.get(word, "")) if event else _STATUS.get(word, "bold" if word == "title" else "")


def status(word: str) -> Text:
    """A record's status in its colour."""
    return Text(word, style(word))


def opening(text: str) -> str:
    """Text at the start of a line, where `::` would be a command to some CI systems."""
    return safe_start(escape(text))


def safe_start(shown: str) -> str:
    """As `opening`, for what was escaped already."""
    return f"\\x3a{shown[1:]}" if shown.lstrip().startswith("::") else shown


def value(item: Any) -> str:
    """A parameter or metric on one line."""
    return escape(item if isinstance(item, str) else canonical.dumps(item).decode())


def record_page(page: Mapping[str, Any]) -> Text:
    """Everything about one record, in the order in which a reviewer asks."""
    text = Text()
    text.append(f"{page['project']}/{page['experiment']} ", "bold")
    text.append(str(page["tag"]).rpartition("/")[2], "bold cyan")
    text.append("  ").append(status(page["status"])).append("\n")
    text.append(f"{opening(page['purpose'])}\n\n" if page["purpose"] else "\n", "italic")
    rows = [
        ("owner", escape(page["owner"])),
        ("recorded by", f"{escape(page['recorded_by'] or 'nobody on the ledger')}"),
        *_became(page),
        ("sealed", f"{page['time']} (claimed)"),
        ("commit", page["commit"]),
        ("manifest", f"{escape(page['manifest']['path'])}  sha256 {page['manifest']['sha256'][:16]}…"),
        ("retention", escape(page["retention"])),
        ("tag object", page["tag_oid"]),
        *_proven(page.get("proven", ())),
    ]
    for label, content in rows:
        text.append(f"  {label:<12}", "dim").append(f"{content}\n")
    for name, said in sorted(page["amended"].items()):
        text.append(f"  {name:<12}", "dim").append(f"{escape(said)}").append("  (amended since)\n", "yellow")
    _artifacts(text, page["artifacts"])
    _values(text, "Parameters", page["params"])
    _metrics(text, page)
    _lineage(text, page["lineage"])
    _waivers(text, page.get("waivers", ()))
    _events(text, page["events"])
    return text


def _proven(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Where anybody signed for it: when the data was last proven in each remote."""
    if any(row["proven"] or row["in_part"] or row["failed_since"] for row in rows):
        yield "last proven", escape("; ".join(map(eventwords.last_proven, rows)) + " (claimed)")


def _artifacts(text: Text, artifacts: Mapping[str, Any]) -> None:
    text.append("\nArtifacts\n", "bold")
    width = max((len(name) for name in artifacts), default=0)
    for name, fact in sorted(artifacts.items(), key=lambda item: (item[1]["role"], item[0])):
        notes = [f"split {escape(fact['split'])}"] if fact.get("split") else []
        notes += [f"version {escape(fact['version'])}"] if fact.get("version") else []
        notes += [count(fact["files"], "file")] if fact.get("files") is not None else []
        notes += [size(fact["size"]), "DVC" if fact.get("dvc") else "git"]
        text.append(f"  {name:<{width}}  ").append(f"{fact['role']:<13}", "cyan").append(escape(fact["path"]))
        text.append(f"  {', '.join(notes)}  sha256 {fact['sha256'][:16]}…\n", "dim")


def _values(text: Text, title: str, values: Mapping[str, Any]) -> None:
    if not values:
        return
    text.append(f"\n{title}\n", "bold")
    width = min(max(len(key) for key in values), 40)
    for key, item in sorted(values.items()):
        text.append(f"  {opening(key):<{width}}  ").append(f"{shorten(value(item), 120)}\n", "cyan")


def _became(page: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Reviews, what took its place, and the runs of its experiment."""
    if page.get("review") is not None:
        yield "review", review_words(page["review"])
    if page.get("superseded_by"):
        yield "superseded", f"by {', and that by '.join(page['superseded_by'])}"
    if page.get("supersedes"):
        yield "supersedes", ", ".join(page["supersedes"])
    if runs := page.get("runs"):
        found = RunCount(**runs)
        if found.logged:
            yield "runs", runs_words(found)


def runs_words(found: RunCount) -> str:
    """`7 runs, 1 sealed: 5 failed, 1 succeeded and was not sealed`."""
    return f"{found.words}{f': {found.rest}' if found.rest else ''}"


def review_words(review: Mapping[str, Any]) -> str:
    """`approved by bob`, `open: approved by bob, 2 needed`, `none`."""
    said = [f"{word} by {', '.join(review[word])}" for word in ("rejected", "approved") if review[word]]
    missing = [f"{review['needed']} must approve"] if review["standing"] == "open" else []
    return escape("; ".join([*said, *missing]) if said else f"none; {review['needed']} must approve")


def _metrics(text: Text, page: Mapping[str, Any]) -> None:
    """The sealed metrics, and beside each what was measured again since."""
    sealed: Mapping[str, Any] = page["metrics"]
    evaluations = [event for event in page["events"] if event["type"] == "evaluated"]
    names = sorted({*sealed, *(name for event in evaluations for name in eventwords.metrics(event["data"]))})
    if names:
        text.append("\nMetrics\n", "bold")
    width = min(max(map(len, names), default=0), 40)
    for name in names:
        shown = shorten(value(sealed[name]), 120) if name in sealed else "not sealed"
        text.append(f"  {opening(name):<{width}}  ").append(shown, "cyan" if name in sealed else "dim")
        for event in evaluations:
            found = eventwords.metrics(event["data"])
            if name in found:
                text.append(f"  {escape(event['actor'])} measured {shorten(value(found[name]), 40)}", "magenta")
                difference = eventwords.delta(sealed.get(name), found[name])
                text.append(f" ({difference})" if difference else "", "magenta")
        text.append("\n")


def _lineage(text: Text, lineage: Mapping[str, Any]) -> None:
    if lineage.get("sha256"):
        text.append("\nLineage\n", "bold").append(f"  kept on refs/arcgit/fixity as {lineage['sha256']}\n")
        return
    if not lineage.get("stages"):
        return
    text.append("\nLineage\n", "bold")
    for stage in lineage["stages"]:
        command = stage["cmd"] if isinstance(stage["cmd"], str) else " && ".join(map(str, stage["cmd"]))
        text.append(f"  {escape(stage['name'])}", "cyan").append(f"  {escape(shorten(command, 100))}\n", "dim")
        text.append(f"    from {', '.join(escape(dep['path']) for dep in stage['deps']) or 'nothing'}\n")
        text.append(f"    to   {', '.join(escape(out['path']) for out in stage['outs']) or 'nothing'}\n")


def _waivers(text: Text, waivers: Sequence[Mapping[str, Any]]) -> None:
    if waivers:
        text.append("\nWaivers\n", "bold")
    for waiver in waivers:
        text.append(f"  {waiver_line(waiver)}\n")


def waiver_line(waiver: Mapping[str, Any]) -> str:
    """`split-overlap (test): by Ada until 2027-01-31: reason`."""
    about = f" ({escape(waiver['subject'])})" if waiver.get("subject") else ""
    who = f"by {escape(waiver['owner'])} until {escape(waiver['expires'])}"
    over = " (ended)" if waiver.get("expired") else ""
    return f"{escape(waiver['code'])}{about} waived {who}{over}: {escape(waiver['reason'])}"


def _events(text: Text, events: Sequence[Mapping[str, Any]]) -> None:
    if events:
        text.append("\nLedger\n", "bold")
    for event in events:
        text.append(f"  #{event['seq']}  {event['time']}  {escape(event['type'])} by {escape(event['actor'])}\n")
        if said := eventwords.told(event):
            text.append(f"      {opening(said)}\n", "dim")


def policy_page(policy: Policy, digest: str, seq: int) -> Text:
    """The policy in force, for people."""
    text = Text()
    text.append(f"Policy {policy.version} ", "bold").append(f"of archive {policy.archive}\n")
    text.append(f"  in force since event {seq}, sha256 {digest}\n", "dim")
    text.append("\nPeople\n", "bold")
    width = max((len(name) for name in policy.people), default=0)
    for name, person in sorted(policy.people.items()):
        text.append(f"  {name:<{width}}  ", "cyan").append(f"{escape(person.name)} <{escape(person.email)}>")
        text.append(f"  {', '.join(person.roles) or 'no role'}\n", "dim")
        for key in person.keys:
            text.append(f"  {'':<{width}}  {key.type} {key.fingerprint}\n", "dim")
    text.append("\nRules\n", "bold")
    text.append(
        f"  {policy.thresholds.policy} of the admins must approve a policy, {policy.thresholds.review} a review\n"
    )
    text.append(f"  required: {', '.join(policy.required) or 'nothing'}\n")
    for code, severity in sorted(policy.severities.items()):
        text.append(f"  {escape(code)}: {severity}\n")
    if policy.waivers is not None:
        text.append(f"  a waiver may end at most {count(policy.waivers.max_days, 'day')} ahead\n")
    text.append("\nRetention\n", "bold")
    for name, retention in sorted(policy.retention.items()):
        copies = f", proven in {count(retention.copies, 'remote')}" if retention.copies is not None else ""
        text.append(f"  {name}: {retention.keep}{copies}\n")
    if policy.copies is not None:
        text.append(f"  proven in {count(policy.copies, 'remote')} where a class says nothing\n")
    text.append("\nPinned remotes\n", "bold")
    for name, remote in sorted(policy.remotes.items()):
        text.append(f"  {opening(name)}: {escape(remote.url)}\n")
    text.append("" if policy.remotes else "  none\n", "dim")
    text.append("\nCompromised\n" if policy.compromised else "", "bold red")
    for fingerprint, entry in sorted(policy.compromised.items()):
        why = f": {escape(entry.reason)}" if entry.reason else ""
        text.append(f"  {fingerprint}  from event {entry.since} on{why}\n")
    return text


def changes_text(rows: Sequence[tuple[str, Any, Any]]) -> Text:
    """One line a change: what goes in red, what comes in green."""
    text = Text()
    for place, before, after in rows:
        text.append(f"  {opening(place)}\n", "bold")
        for mark, item, style in (("-", before, "red"), ("+", after, "green")):
            if item is not None:
                text.append(f"    {mark} {value(item)}\n", style)
    return text
