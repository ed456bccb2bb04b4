"""Records and events as pages and tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from arcgit.model import canonical
from arcgit.model.policy import Policy
from arcgit.model.text import count, escape, shorten, size
from arcgit.report import eventwords
from arcgit.report.layout import PIPE, broken, elided, padded, safe_start
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


def value(item: Any) -> str:
    """A parameter or metric on one line."""
    return escape(item if isinstance(item, str) else canonical.dumps(item).decode())


def record_page(page: Mapping[str, Any], width: int = PIPE) -> Text:
    """Everything about one record, in the order in which a reviewer asks, for a terminal of `width` columns."""
    lines = [*_headed(page, width), *_artifacts(page["artifacts"], width)]
    lines += _values("Parameters", page["params"], width)
    lines += _metrics(page, width)
    lines += _lineage(page["lineage"], width)
    lines += _waivers(page.get("waivers", ()), width)
    lines += _events(page["events"], width)
    return Text("\n").join([*lines, Text("")])


def _headed(page: Mapping[str, Any], width: int) -> Iterator[Text]:
    name = Text.assemble((f"{page['project']}/{page['experiment']} ", "bold"))
    name.append(str(page["tag"]).rpartition("/")[2], "bold cyan")
    yield from broken(name.append("  ").append(status(page["status"])), width, 2)
    yield from broken(Text(opening(page["purpose"]), "italic"), width, 0) if page["purpose"] else ()
    yield Text("")
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
        yield from broken(Text.assemble((f"  {label:<12}", "dim"), content), width, 14)
    for label, said in sorted(page["amended"].items()):
        line = Text.assemble((f"  {label:<12}", "dim"), escape(said), ("  (amended since)", "yellow"))
        yield from broken(line, width, 14)


def _proven(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Where anybody signed for it: when the data was last proven in each remote."""
    if any(row["proven"] or row["in_part"] or row["failed_since"] for row in rows):
        yield "last proven", escape("; ".join(map(eventwords.last_proven, rows)) + " (claimed)")


def _titled(title: str) -> list[Text]:
    return [Text(""), Text(title, "bold")]


_DIGITS = (16, 12, 8)


def _artifacts(artifacts: Mapping[str, Any], width: int) -> Iterator[Text]:
    """A line each; where one is too long for the terminal, all have what is not the path on a second one."""
    yield from _titled("Artifacts")
    column = min(max((cell_len(escape(name)) for name in artifacts), default=0), 40, width // 3)
    paths = min(max((cell_len(escape(fact["path"])) for fact in artifacts.values()), default=0), 40)
    pairs = []
    for name, fact in sorted(artifacts.items(), key=lambda item: (item[1]["role"], item[0])):
        notes = [f"split {escape(fact['split'])}"] if fact.get("split") else []
        notes += [f"version {escape(fact['version'])}"] if fact.get("version") else []
        notes += [count(fact["files"], "file")] if fact.get("files") is not None else []
        notes += [size(fact["size"]), "DVC" if fact.get("dvc") else "git"]
        line = Text.assemble(f"  {padded(escape(name), column)}  ", (f"{fact['role']:<13}", "cyan"))
        line.append(padded(escape(fact["path"]), paths))
        pairs.append((line, fact["sha256"], ", ".join(notes)))
    # As many digits as there is room for; whoever needs all of them asks for JSON.
    room = width - max((line.cell_len + cell_len(told) + 12 for line, _, told in pairs), default=0)
    digits = next((number for number in _DIGITS if number <= room), 0)
    for line, sha256, told in pairs:
        rest = Text(f"sha256 {sha256[: digits or _DIGITS[0]]}…  {told}", "dim")
        if digits:
            yield line.append("  ").append(rest)
        else:
            line.rstrip()
            yield from broken(line, width, column + 4)
            yield from broken(Text(" " * (column + 4)).append(rest), width, column + 4)


def _values(title: str, values: Mapping[str, Any], width: int) -> Iterator[Text]:
    if not values:
        return
    yield from _titled(title)
    column = _names(values, width)
    for key, item in sorted(values.items()):
        name = elided(opening(key), column)
        room = max(min(120, width - column - 4), 16)
        yield Text(f"  {padded(name, column)}  ").append(shorten(value(item), room), "cyan")


def _names(names: Iterable[str], width: int) -> int:
    """The width of a column of names; half of a terminal at most, and in a pipe as wide as the longest."""
    longest = max((cell_len(opening(name)) for name in names), default=0)
    return min(longest, width // 2)


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


def _metrics(page: Mapping[str, Any], width: int) -> Iterator[Text]:
    """The sealed metrics, and beside each what was measured again since."""
    sealed: Mapping[str, Any] = page["metrics"]
    evaluations = [event for event in page["events"] if event["type"] == "evaluated"]
    names = sorted({*sealed, *(name for event in evaluations for name in eventwords.metrics(event["data"]))})
    if names:
        yield from _titled("Metrics")
    column = _names(names, width)
    for name in names:
        room = max(min(120, width - column - 4), 16)
        shown = shorten(value(sealed[name]), room) if name in sealed else "not sealed"
        line = Text(f"  {padded(elided(opening(name), column), column)}  ")
        line.append(shown, "cyan" if name in sealed else "dim")
        for event in evaluations:
            found = eventwords.metrics(event["data"])
            if name in found:
                line.append(f"  {escape(event['actor'])} measured {shorten(value(found[name]), 40)}", "magenta")
                difference = eventwords.delta(sealed.get(name), found[name])
                line.append(f" ({difference})" if difference else "", "magenta")
        yield from broken(line, width, column + 4)


def _lineage(lineage: Mapping[str, Any], width: int) -> Iterator[Text]:
    if lineage.get("sha256"):
        yield from _titled("Lineage")
        yield from broken(Text(f"  kept on refs/arcgit/fixity as {lineage['sha256']}"), width, 4)
        return
    if not lineage.get("stages"):
        return
    yield from _titled("Lineage")
    for stage in lineage["stages"]:
        command = stage["cmd"] if isinstance(stage["cmd"], str) else " && ".join(map(str, stage["cmd"]))
        line = Text.assemble((f"  {escape(stage['name'])}", "cyan"), (f"  {escape(shorten(command, 100))}", "dim"))
        yield from broken(line, width, 9)
        for word, items in (("from", stage["deps"]), ("to", stage["outs"])):
            paths = ", ".join(escape(item["path"]) for item in items) or "nothing"
            yield from broken(Text(f"    {word:<4} {paths}"), width, 9)


def _waivers(waivers: Sequence[Mapping[str, Any]], width: int) -> Iterator[Text]:
    if waivers:
        yield from _titled("Waivers")
    for waiver in waivers:
        yield from broken(Text(f"  {waiver_line(waiver)}"), width, 4)


def waiver_line(waiver: Mapping[str, Any]) -> str:
    """`split-overlap (test): by Ada until 2027-01-31: reason`."""
    about = f" ({escape(waiver['subject'])})" if waiver.get("subject") else ""
    who = f"by {escape(waiver['owner'])} until {escape(waiver['expires'])}"
    over = " (ended)" if waiver.get("expired") else ""
    return f"{escape(waiver['code'])}{about} waived {who}{over}: {escape(waiver['reason'])}"


def _events(events: Sequence[Mapping[str, Any]], width: int) -> Iterator[Text]:
    if events:
        yield from _titled("Ledger")
    for event in events:
        yield Text(f"  #{event['seq']}  {event['time']}  {escape(event['type'])} by {escape(event['actor'])}")
        if said := eventwords.told(event):
            yield from broken(Text(f"      {opening(said)}", "dim"), width, 6)


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
