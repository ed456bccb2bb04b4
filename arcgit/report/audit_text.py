"""The audit report for a terminal. Its first 25 lines are enough to decide; the evidence follows."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rich.text import Text

from arcgit.model.finding import Finding
from arcgit.model.text import escape, shorten, size
from arcgit.report import audit_words as words
from arcgit.report import copies, pages
from arcgit.report.audit import NOT_RECORDED, RECORDED, Entry, Report
from arcgit.report.audit_facts import CHECKED, facts
from arcgit.report.findings import SEVERITY_STYLES, place_of, verdict_line

HEAD_LINES = 25
PROSE = 110
_LABEL = 12
_STATES = {RECORDED: "green", CHECKED: "green", NOT_RECORDED: "yellow"}
_REVIEWS = {"approved": "green", "rejected": "bold red", "open": "yellow"}
Line = Text


def render(report: Report, width: int) -> Iterator[Text]:
    """The report in pieces, each some whole lines, for a terminal of `width` columns.

    A very large width means a pipe, where nothing is wrapped.
    """
    return (Text("\n").join(lines) for lines in _pieces(report, width))


def _pieces(report: Report, width: int) -> Iterator[list[Line]]:
    top = head(report, width)
    yield top.lines
    if not top.all_findings:
        yield [*_title("All findings", width), *_findings(report.findings, width)]
    if any(entry.record is not None for entry in report.entries):
        yield [Text(""), *_wrapped(words.HOW_KNOWN, "", width)]
    for entry in report.entries:
        if entry.record is not None or not top.all_changes:
            yield _record(report, entry, width, changes=not top.all_changes)
    if short := list(copies.short(report.held)):
        yield [*_title("Fewer copies than asked for", width), *(row for one in short for row in _copies(one, width))]
    if waivers := report.scope["waivers"]:
        yield [*_title("Waivers in force at HEAD", width), *_waivers(waivers)]
    yield _title("Scope", width) + [
        row for label, told in words.scope_lines(report) for row in _row(label, told, width)
    ]


class Head(NamedTuple):
    """The first lines, at most 25 of a terminal, and whether they have everything about findings and changes."""

    lines: list[Line]
    all_findings: bool
    all_changes: bool


def head(report: Report, width: int) -> Head:
    """What is enough to decide."""
    about = f"Since {escape(report.base)}" if report.base is not None else "Over all"
    lines = [verdict_line(report.verdict, words.summary_of(report)), Text(f"{about}: {words.opening(report)}")]
    lines += [Text(words.depth(report), "dim")]
    lines += [Text(escape(overdue), "yellow")] if (overdue := words.overdue(report)) else []
    lines += [Text("")]
    room = HEAD_LINES - _height(lines, width) - 1
    # Findings and changes get half each, and what the other does not need.
    needed = _height(_findings(words.together(report.findings), width), width)
    entries, whole = _entries(report, width, room - min(room // 2, needed))
    brief = words.together(report.findings)
    findings, shown = _fitting(brief, room - _height(entries, width), width)
    lines += [*findings, *([Text("")] if findings and entries else []), *entries]
    return Head(lines, shown == len(report.findings) == len(brief), whole)


def _height(lines: Iterable[Line], width: int) -> int:
    return sum(max(1, -(-line.cell_len // width)) for line in lines)


def _fitting(findings: Sequence[Finding], room: int, width: int) -> tuple[list[Line], int]:
    """The first findings that fit, at least one."""
    lines: list[Line] = []
    for number, finding in enumerate(findings):
        block = _finding(finding, width, brief=True)
        rest = 1 if number + 1 < len(findings) else 0
        if number and _height([*lines, *block], width) + rest > room:
            rest_of = f"{len(findings) - number} more below: {words.codes(findings[number:])}"
            return [*lines, Text(f"          and {shorten(rest_of, max(min(width, PROSE) - 14, 30))}", "dim")], number
        lines += block
    return lines, len(findings)


def _findings(findings: Iterable[Finding], width: int) -> list[Line]:
    return [line for finding in findings for line in _finding(finding, width, brief=False)]


def _finding(finding: Finding, width: int, *, brief: bool) -> list[Line]:
    indent = " " * 10
    lines = [
        Text.assemble(
            (f"{finding.severity.value:<10}", SEVERITY_STYLES[finding.severity]),
            (finding.code, "bold"),
            f"  {escape(place_of(finding))}",
        )
    ]
    message = escape(finding.message)
    lines += _wrapped(shorten(message, 2 * max(width - 10, 40)) if brief else message, indent, width)
    if not brief:
        for label, told in (("expected", finding.expected), ("found", finding.found)):
            lines += [Text.assemble(indent, (f"{label:<9}", "dim"), escape(told))] if told else []
    if finding.hint:
        lines.append(Text.assemble(indent, ("next     ", "dim"), (escape(finding.hint), "cyan")))
    return lines


def _entries(report: Report, width: int, room: int) -> tuple[list[Line], bool]:
    """What each experiment is, who signed it and what changed; where that does not fit, in short, and False."""
    lines: list[Line] = []
    for entry in report.entries:
        lines += [*_signed(entry), *_changes(report, entry, width)]
        if _height(lines, width) > room:
            break
    else:
        return lines, True
    lines = []
    for number, entry in enumerate(report.entries):
        told = [words.in_short(group) for group in words.since(report, entry)] or [words.first(entry)]
        block = [*_signed(entry), *(line for one in told for line in _short(one, width))]
        left = len(report.entries) - number
        if number and _height([*lines, *block], width) + (left > 1) > room:
            return [*lines, Text(f"and {left} more below", "dim")], False
        lines += block
    return lines, False


def _short(told: str, width: int) -> list[Line]:
    """At most two lines."""
    lines = _wrapped(escape(told), "  ", width)
    return lines if len(lines) < 3 else [lines[0], Text(f"{shorten(lines[1].plain, max(width, 40) - 2)} …")]


def _signed(entry: Entry) -> list[Line]:
    text = Text.assemble((entry.label, "bold"), ("  " if entry.short_id else "", ""), (entry.short_id, "bold cyan"))
    text.append(f"  {escape(words.became(entry))}" if entry.change else "")
    text.append("  ").append(entry.state, _STATES.get(entry.state) or pages.status(entry.state).style)
    if entry.record is None:
        if entry.hidden or entry.change == "deleted":
            return [text, *_runs(entry)]
        return [text, Text.assemble(("  signed by ", "dim"), words.signer(entry)), *_runs(entry)]
    review = words.review(entry)
    style = _REVIEWS[entry.review.word if entry.review else "open"]
    signed = Text.assemble(
        ("  signed by ", "dim"), escape(words.signer(entry)), ("; review ", "dim"), (escape(review), style)
    )
    if after := words.superseded(entry):
        text.append(f", superseded by {escape(after)}")
    return [text, signed, *_runs(entry)]


def _runs(entry: Entry) -> list[Line]:
    told = words.runs(entry)
    return [Text(f"  {told}", "dim")] if told else []


def _changes(report: Report, entry: Entry, width: int) -> list[Line]:
    groups = words.since(report, entry)
    if not groups:
        return _wrapped(words.first(entry), "  ", width)
    lines = []
    for group in groups:
        lines.append(Text(f"  {escape(group.title)}", "dim"))
        for topic, items in group.rows:
            same = f"the same: {escape(group.same(topic))}" if group.same(topic) else "the same"
            told = ", ".join(escape(item) for item in words.capped(items)) or same
            lines += _row(topic, told, width, style="" if items else "dim", escaped=True)
    return lines


def _row(label: str, told: str, width: int, *, style: str = "", escaped: bool = False) -> list[Line]:
    body = told if escaped else escape(told)
    room = min(width, PROSE) - _LABEL - 2 if width < 1000 else width
    parts = textwrap.wrap(body, max(room, 30), break_long_words=False, break_on_hyphens=False) or [""]
    first = Text.assemble("  ", (f"{label:<{_LABEL}}", "dim"), (parts[0], style))
    return [first, *(Text.assemble(" " * (_LABEL + 2), (part, style)) for part in parts[1:])]


def _wrapped(body: str, indent: str, width: int) -> list[Line]:
    room = max((min(width, PROSE) if width < 1000 else width) - len(indent), 30)
    return [Text(indent + part) for part in textwrap.wrap(body, room, break_long_words=False, break_on_hyphens=False)]


def _title(title: str, width: int) -> list[Line]:
    return [Text(""), Text.assemble((f"{title} ", "bold"), ("─" * (min(width, 80) - len(title) - 1), "dim")), Text("")]


def _record(report: Report, entry: Entry, width: int, *, changes: bool) -> list[Line]:
    lines = _title(f"{entry.label} {entry.short_id}".rstrip(), width)
    lines += _row("manifest", f"{entry.manifest} at HEAD", width) if entry.manifest else []
    if entry.signer is not None:
        signer = entry.signer
        told = (
            f"{signer.name} <{signer.email}> as recorder, in the policy as {signer.person}: {', '.join(signer.roles)}"
        )
        lines += _row("signed by", told, width)
    lines += _evidence(report, entry, width) if entry.record is not None else []
    lines += [Text(""), *_changes(report, entry, width)] if changes else []
    if entry.record is None:
        return lines
    lines += _artifacts(entry.record["artifacts"], width)
    lines += [line for title, rows in _lists(entry.record) for line in [Text(""), Text(f"  {title}", "bold"), *rows]]
    return lines


def _evidence(report: Report, entry: Entry, width: int) -> list[Line]:
    lines = []
    for fact in facts(entry, report.scope):
        how = f" ({fact.how})" if fact.how else ""
        state = f"{fact.state}{how}"
        rows = _row(fact.topic, f"{state}{': ' if fact.detail else ''}{fact.detail}", width)
        rows[0].stylize(_STATES.get(fact.state, "dim"), _LABEL + 2, _LABEL + 2 + len(fact.state))
        lines += rows
    return lines


def _copies(one: tuple[str, str], width: int) -> list[Line]:
    tag, told = one
    return _wrapped(f"{escape(tag)}: {escape(told)}", "  ", width)


def _artifacts(artifacts: Mapping[str, Any], width: int) -> list[Line]:
    lines = [Text(""), Text("  Artifacts", "bold")]
    for name, fact in sorted(artifacts.items(), key=lambda item: (item[1]["role"], item[0])):
        more = [f"split {fact['split']}"] if fact.get("split") else []
        more += [f"version {fact['version']}"] if fact.get("version") else []
        where = "DVC" if fact.get("dvc") else "git"
        told = f"{fact['role']}, {', '.join([*more, size(fact['size'])])}, in {where}, sha256 {fact['sha256'][:16]}…"
        lines += _row(name, f"{fact['path']}  {told}", width)
    return lines


def _lists(record: Mapping[str, Any]) -> list[tuple[str, list[Line]]]:
    """Waivers and ledger events of a record."""
    events = [words.event_line(event) for event in record["events"]]
    found = [("Waivers, as sealed", _waivers(record["waivers"]))] if record["waivers"] else []
    return [*found, ("Ledger", [Text(f"    {escape(event)}") for event in events])] if events else found


def _waivers(waivers: Iterable[Mapping[str, Any]]) -> list[Line]:
    return [Text(f"    {pages.waiver_line(waiver)}") for waiver in waivers]
