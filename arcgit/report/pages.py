"""Records and events as pages and tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from arcgit.model import canonical
from arcgit.model.policy import Policy
from arcgit.model.text import count, escape, shorten, size

_STATUS = {
    "recorded": "green",
    "held": "cyan",
    "unrecorded": "red",
    "altered": "bold red",
    "tainted": "bold red",
    "retired": "dim",
    "purged": "dim",
}


def style(word: str) -> str:
    """The style of a status, or of a title."""
    return "bold" if word == "title" else _STATUS.get(word, "")


def status(word: str) -> Text:
    """A record's status in its colour."""
    return Text(word, style(word))


def opening(text: str) -> str:
    """Text at the start of a line, where `::` would be a command to some CI systems."""
    shown = escape(text)
    return f"\\x3a{shown[1:]}" if shown.lstrip().startswith("::") else shown


def value(item: Any) -> str:
    """A parameter or metric on one line."""
    return escape(item if isinstance(item, str) else canonical.dumps(item).decode())


def events_table(rows: Sequence[tuple[int, str, str, str, str, str]]) -> Table:
    """One line an event: seq, claimed time, type, what it is about, actor, commit."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title, justify in (("#", "right"), ("CLAIMED TIME", "left"), ("EVENT", "left"), ("ABOUT", "left")):
        table.add_column(title, justify="right" if justify == "right" else "left", no_wrap=True)
    table.add_column("BY", no_wrap=True)
    table.add_column("COMMIT", no_wrap=True)
    for seq, time, kind, about, actor, oid in rows:
        table.add_row(
            str(seq), time, Text(escape(kind)), Text(escape(about)), Text(escape(actor)), Text(oid[:10], "dim")
        )
    return table


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
        ("sealed", f"{page['time']} (claimed)"),
        ("commit", page["commit"]),
        ("manifest", f"{escape(page['manifest']['path'])}  sha256 {page['manifest']['sha256'][:16]}…"),
        ("retention", escape(page["retention"])),
        ("tag object", page["tag_oid"]),
    ]
    for label, content in rows:
        text.append(f"  {label:<12}", "dim").append(f"{content}\n")
    for name, said in sorted(page["amended"].items()):
        text.append(f"  {name:<12}", "dim").append(f"{escape(said)}").append("  (amended since)\n", "yellow")
    _artifacts(text, page["artifacts"])
    _values(text, "Parameters", page["params"])
    _values(text, "Metrics", page["metrics"])
    _lineage(text, page["lineage"])
    _waivers(text, page.get("waivers", ()))
    _events(text, page["events"])
    return text


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
    return f"{escape(waiver['code'])}{about} waived {who}: {escape(waiver['reason'])}"


def _events(text: Text, events: Sequence[Mapping[str, Any]]) -> None:
    if events:
        text.append("\nLedger\n", "bold")
    for event in events:
        text.append(f"  #{event['seq']}  {event['time']}  {escape(event['type'])} by {escape(event['actor'])}\n")


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
        text.append(f"  {name}: {retention.keep}\n")
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
