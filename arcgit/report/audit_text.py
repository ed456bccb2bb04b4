"""The audit report for a terminal. Its first 25 lines are enough to decide; the evidence follows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from rich.text import Text

from arcgit.model.finding import Finding
from arcgit.model.text import escape, shorten, size
from arcgit.report import audit_changes, audit_scope, copies, pages
from arcgit.report import audit_words as words
from arcgit.report.audit import NOT_RECORDED, RECORDED, Entry, Report
from arcgit.report.audit_facts import CHECKED, facts
from arcgit.report.findings import SEVERITY_STYLES, place_of, verdict_line
from arcgit.report.layout import CUT, PIPE, columns, elided, padded, wrapped
from arcgit.report.line import Line, plain_of, text_of

HEAD_LINES = 25
PROSE = 110
_LABEL = 12
_BRIEFER = ((3, 60), (2, 40), (1, 40), (1, 24), (1, 16))
"""The same on one line: how many, and how long each may be."""
_WIDEST = 28
"""The widest column of labels; a longer label has a line of its own."""
_CAPS = (audit_changes.MAX_ROWS, 3, 2, 1)
"""How many differences of a topic are told, where there is room for more and where there is not."""
_STATES = {RECORDED: "green", CHECKED: "green", NOT_RECORDED: "yellow"}
_REVIEWS = {"approved": "green", "rejected": "bold red", "open": "yellow"}


def render(report: Report, width: int) -> Iterator[Text]:
    """The report in pieces, each some whole lines, for a terminal of `width` columns.

    A very large width means a pipe, where nothing is wrapped.
    """
    return map(text_of, _pieces(report, width))


def plain(report: Report, width: int) -> Iterator[str]:
    """The characters of the same pieces, for where there is no colour: many times as fast."""
    return map(plain_of, _pieces(report, width))


def _pieces(report: Report, width: int) -> Iterator[list[Line]]:
    top = head(report, width)
    yield top.lines
    if not top.all_findings:
        yield [*_title("All findings", width), *_findings(report.findings, width)]
    if any(entry.record is not None for entry in report.entries):
        yield [Line(""), *_wrapped(words.HOW_KNOWN, "", width)]
    for entry in report.entries:
        if entry.record is not None or not top.all_changes:
            yield _record(report, entry, width, changes=not top.all_changes)
    if short := list(copies.short(report.held)):
        yield [*_title("Fewer copies than asked for", width), *(row for one in short for row in _copies(one, width))]
    if waivers := report.scope["waivers"]:
        yield [*_title("Waivers in force at HEAD", width), *_waivers(waivers, width)]
    scope = audit_scope.scope_lines(report)
    column = _column(label for label, _ in scope)
    yield _title("Scope", width) + [row for label, told in scope for row in _row(label, told, width, column=column)]


class Head(NamedTuple):
    """The first lines, at most 25 of a terminal, and whether they have everything about findings and changes."""

    lines: list[Line]
    all_findings: bool
    all_changes: bool


def head(report: Report, width: int) -> Head:
    """What is enough to decide."""
    about = f"Since {escape(report.base)}" if report.base is not None else "The whole archive"
    lines = [Line.of(verdict_line(report.verdict, words.summary_of(report))), Line(f"{about}: {words.opening(report)}")]
    lines += [Line(words.depth(report), "dim")]
    lines += [Line(escape(overdue), "yellow")] if (overdue := audit_scope.overdue(report)) else []
    lines += [Line("")]
    room = HEAD_LINES - _height(lines, width) - 1
    # Findings and changes get half each, and what the other does not need.
    needed = _height(_findings(words.together(report.findings), width), width)
    entries, whole = _entries(report, width, room - min(room // 2, needed))
    brief = words.together(report.findings)
    findings, shown = _fitting(brief, room - _height(entries, width), width)
    lines += [*findings, *([Line("")] if findings and entries else []), *entries]
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
            return [*lines, Line(f"          and {shorten(rest_of, max(min(width, PROSE) - 14, 30))}", "dim")], number
        lines += block
    return lines, len(findings)


def _findings(findings: Iterable[Finding], width: int) -> list[Line]:
    return [line for finding in findings for line in _finding(finding, width, brief=False)]


def _finding(finding: Finding, width: int, *, brief: bool) -> list[Line]:
    indent = " " * 10
    lines = [
        Line.assemble(
            (f"{finding.severity.value:<10}", SEVERITY_STYLES[finding.severity]),
            (finding.code, "bold"),
            f"  {escape(place_of(finding))}",
        )
    ]
    message = escape(finding.message)
    lines += _wrapped(shorten(message, 2 * max(width - 10, 40)) if brief else message, indent, width)
    if not brief:
        for label, told in (("expected", finding.expected), ("found", finding.found)):
            lines += [Line.assemble(indent, (f"{label:<9}", "dim"), escape(told))] if told else []
    if finding.hint:
        lines.append(Line.assemble(indent, ("next     ", "dim"), (escape(finding.hint), "cyan")))
    return lines


def _entries(report: Report, width: int, room: int) -> tuple[list[Line], bool]:
    """What each experiment is, who signed it and what changed; where that does not fit, in short, and False."""
    for cap in _CAPS:
        lines: list[Line] = []
        for entry in report.entries:
            lines += [*_signed(entry, width), *_changes(report, entry, width, cap)]
            if _height(lines, width) > room:
                break
        else:
            return lines, cap == audit_changes.MAX_ROWS
    lines = []
    for number, entry in enumerate(report.entries):
        block = [*_signed(entry, width), *_in_short(report, entry, width)]
        left = len(report.entries) - number
        if number and _height([*lines, *block], width) + (left > 1) > room:
            return [*lines, Line(f"and {left} more below", "dim")], False
        lines += block
    return lines, False


def _in_short(report: Report, entry: Entry, width: int) -> list[Line]:
    """At most two lines for each record to compare with."""
    lines = [line for group in audit_changes.since(report, entry) for line in _group_in_short(group, width)]
    return lines or _wrapped(audit_changes.first(entry), "  ", width)


def _group_in_short(group: audit_changes.Since, width: int) -> list[Line]:
    """As many differences of each topic as fit, and one of each at least, as far as it can be cut."""
    block: list[Line] = []
    for cap, longest in _BRIEFER:
        told = audit_changes.in_short(group, cap, partial(_item, longest=longest))
        block = _wrapped(told, "  ", width)
        if len(block) <= 2:
            return block
    return [block[0], Line(f"{shorten(block[1].plain, max(width, 40) - 2)} {CUT}")]


def _item(item: str, *, longest: int) -> str:
    return elided(escape(item), longest)


def _signed(entry: Entry, width: int) -> list[Line]:
    return [row for line in _signers(entry) for row in line.broken(width, 4)]


def _signers(entry: Entry) -> list[Line]:
    text = Line.assemble((entry.label, "bold"), ("  " if entry.short_id else "", ""), (entry.short_id, "bold cyan"))
    text.append(f"  {escape(words.became(entry))}" if entry.change else "")
    text.append("  ").append(entry.state, _STATES.get(entry.state) or pages.status(entry.state).style)
    if entry.record is None:
        if entry.hidden or entry.change == "deleted":
            return [text, *_runs(entry)]
        return [text, Line.assemble(("  signed by ", "dim"), words.signer(entry)), *_runs(entry)]
    review = words.review(entry)
    style = _REVIEWS[entry.review.word if entry.review else "open"]
    signed = Line.assemble(
        ("  signed by ", "dim"), escape(words.signer(entry)), ("; review ", "dim"), (escape(review), style)
    )
    if after := words.superseded(entry):
        text.append(f", superseded by {escape(after)}")
    return [text, signed, *_runs(entry)]


def _runs(entry: Entry) -> list[Line]:
    told = words.runs(entry)
    return [Line(f"  {told}", "dim")] if told else []


def _changes(report: Report, entry: Entry, width: int, cap: int = audit_changes.MAX_ROWS) -> list[Line]:
    groups = audit_changes.since(report, entry)
    if not groups:
        return _wrapped(audit_changes.first(entry), "  ", width)
    lines: list[Line] = []
    for group in groups:
        lines += Line(f"  {escape(group.title)}", "dim").broken(width, 4)
        for topic, items in group.rows:
            same = f"the same: {escape(group.same(topic))}" if group.same(topic) else "the same"
            room = _room(width) - 1
            told = ", ".join(elided(escape(item), room) for item in audit_changes.capped(items, cap)) or same
            lines += _row(topic, told, width, style="" if items else "dim", escaped=True)
    return lines


def _room(width: int, column: int = _LABEL) -> int:
    """How many columns there are beside a label."""
    return max(min(width, PROSE) - column - 2, 30) if width < PIPE else width


def _column(labels: Iterable[str]) -> int:
    """The width of a column of labels: for most of them the usual one, and never half of a terminal."""
    return min(max((columns(escape(label)) + 2 for label in labels), default=0), _WIDEST)


def _row(
    label: str, told: str, width: int, *, style: str = "", escaped: bool = False, column: int = _LABEL
) -> list[Line]:
    """A label and what it says beside it; a label that is longer than its column has a line of its own."""
    column = max(column, _LABEL)
    name, parts = escape(label), wrapped(told if escaped else escape(told), _room(width, column))
    margin = " " * (column + 2)
    rest = [Line.assemble(margin, (part, style)) for part in parts[1:]]
    if columns(name) < column:
        return [Line.assemble("  ", (padded(name, column), "dim"), (parts[0], style)), *rest]
    return [Line.assemble("  ", (name, "dim")), Line.assemble(margin, (parts[0], style)), *rest]


def _wrapped(body: str, indent: str, width: int) -> list[Line]:
    room = max((min(width, PROSE) if width < PIPE else width) - len(indent), 30)
    return [Line(indent + part) for part in wrapped(body, room)]


def _title(title: str, width: int) -> list[Line]:
    return [Line(""), Line.assemble((f"{title} ", "bold"), ("─" * (min(width, 80) - len(title) - 1), "dim")), Line("")]


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
    lines += [Line(""), *_changes(report, entry, width)] if changes else []
    if entry.record is None:
        return lines
    lines += _artifacts(entry.record["artifacts"], width)
    for title, rows in _lists(entry.record, width):
        lines += [Line(""), Line(f"  {title}", "bold"), *rows]
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
    lines = [Line(""), Line("  Artifacts", "bold")]
    column = _column(artifacts)
    for name, fact in sorted(artifacts.items(), key=lambda item: (item[1]["role"], item[0])):
        more = [f"split {fact['split']}"] if fact.get("split") else []
        more += [f"version {fact['version']}"] if fact.get("version") else []
        where = "DVC" if fact.get("dvc") else "git"
        told = f"{fact['role']}, {', '.join([*more, size(fact['size'])])}, in {where}, sha256 {fact['sha256'][:16]}…"
        lines += _row(name, f"{fact['path']}  {told}", width, column=column)
    return lines


def _lists(record: Mapping[str, Any], width: int) -> list[tuple[str, list[Line]]]:
    """Waivers and ledger events of a record."""
    events = [words.event_line(event) for event in record["events"]]
    found = [("Waivers, as sealed", _waivers(record["waivers"], width))] if record["waivers"] else []
    return [*found, ("Ledger", _hanging(map(escape, events), width))] if events else found


def _waivers(waivers: Iterable[Mapping[str, Any]], width: int) -> list[Line]:
    return _hanging(map(pages.waiver_line, waivers), width)


def _hanging(texts: Iterable[str], width: int) -> list[Line]:
    """Entries of a list, of which the lines after the first one stand further in."""
    return [
        line for text in texts for line in Line(f"    {text}").broken(min(width, PROSE) if width < PIPE else width, 8)
    ]
