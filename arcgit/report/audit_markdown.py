"""The audit report as Markdown, to be posted as a comment on a pull request.

Whatever came from data stands in a code span, where GitHub and GitLab know no HTML, no mention, no link and no image;
backticks cannot end it, and a pipe cannot end a table's cell. The whole fits into a comment on GitHub.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from arcgit.model.finding import Finding, Severity, Verdict
from arcgit.model.text import count, escape, shorten, size, without_ci_commands
from arcgit.report import audit_changes, audit_scope, copies, eventwords
from arcgit.report import audit_words as words
from arcgit.report.audit import RECORDED, Entry, Report
from arcgit.report.audit_facts import facts
from arcgit.report.findings import place_of

LIMIT = 65_536
"""The longest comment on GitHub. Bytes are counted, which are never fewer than its characters."""
MARK = "<!-- arcgit audit-report -->"
"""The first line, by which a job finds the comment that it made before."""
MAX_TOP = 8
MAX_TEXT = 300
MAX_ITEM = 100
_FINDINGS, _ENTRIES, _REST, _WAIVERS = 10_000, 32_000, 8_000, 3_000
"""How many bytes the parts get at most; one finding and one experiment always stand there."""
_VERDICTS = {Verdict.PASS: "✅ PASS", Verdict.FAIL: "❌ FAIL", Verdict.CANNOT_VERIFY: "❔ CANNOT-VERIFY"}
_SEVERITIES = {Severity.ERROR: "❌ error", Severity.UNKNOWN: "❔ unknown", Severity.WARNING: "⚠️ warning"}


def code(text: str, limit: int = MAX_TEXT) -> str:
    """Text from data as a code span: one line, nothing in it is read as Markdown or HTML."""
    shown = without_ci_commands(shorten(escape(text), limit).replace("|", "\\x7c"))
    if not shown.strip():
        return ""
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    edge = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{edge}{shown}{edge}{fence}"


def render(report: Report) -> str:
    """The report, at most `LIMIT` bytes of UTF-8."""
    shown, _ = _fitting(map(_finding_row, report.findings[:MAX_TOP]), _FINDINGS)
    rest = report.findings[len(shown) :]
    top = [*_opening(report), *_table(shown, ("", "finding", "what", "next step")), *_more(len(rest), "finding")]
    first = report.entries[:MAX_TOP]
    entries, _ = _fitting(("\n".join(_entry(report, entry)) for entry in first), _ENTRIES)
    top += [*entries, *_more(len(report.entries) - len(entries), "experiment")]
    end = [*_rest_of_findings(report, rest), *_scope(report)]
    room = LIMIT - sum(map(_bytes, (*top, *end))) - 1_000
    recorded = (entry for entry in report.entries if entry.record is not None)
    evidence, left = _fitting(("\n".join(_evidence(report, entry)) for entry in recorded), room, least=0)
    if left:
        told = f"The evidence of {count(left, 'experiment')} is left out here"
        evidence.append(f"\n{told}; this shows it: {code(words.command(report), MAX_ITEM)}\n")
    legend = ["", words.HOW_KNOWN, ""] if evidence else []
    return "\n".join([*top, *legend, *evidence, *end]) + "\n"


def _bytes(text: str) -> int:
    return len(text.encode()) + 1


def _fitting(parts: Iterable[str], room: int, least: int = 1) -> tuple[list[str], int]:
    """The first parts that fit into `room` bytes, `least` of them in any case, and how many are left."""
    kept: list[str] = []
    left = 0
    for part in parts:
        room -= _bytes(part)
        if left or (room < 0 and len(kept) >= least):
            left += 1
        else:
            kept.append(part)
    return kept, left


def _opening(report: Report) -> Iterator[str]:
    about = f"Since {code(report.base, MAX_ITEM)}" if report.base is not None else "The whole archive"
    yield MARK
    yield f"## {_VERDICTS[report.verdict]}: {words.summary_of(report)}"
    yield ""
    yield f"{about}: {words.opening(report)}. {words.depth(report)}"
    if overdue := audit_scope.overdue(report):
        yield from ("", f"⚠️ {code(overdue)}")


def _table(rows: Iterable[str], titles: Iterable[str]) -> Iterator[str]:
    names = list(titles)
    shown = list(rows)
    if shown:
        yield from ("", f"| {' | '.join(names)} |", f"|{'---|' * len(names)}", *shown, "")


def _more(number: int, noun: str) -> Iterator[str]:
    if number > 0:
        yield from ("", f"and {count(number, f'more {noun}')} below", "")


def _finding_row(finding: Finding) -> str:
    where = place_of(finding)
    cells = (
        _SEVERITIES[finding.severity],
        code(finding.code),
        "<br>".join([code(where, MAX_ITEM), code(finding.message), *_compared(finding)]),
        code(finding.hint),
    )
    return f"| {' | '.join(cells)} |"


def _compared(finding: Finding) -> Iterator[str]:
    for label, told in (("expected", finding.expected), ("found", finding.found)):
        if told:
            yield f"{label} {code(told, MAX_ITEM)}"


def _entry(report: Report, entry: Entry) -> Iterator[str]:
    name = f"**{code(entry.label)}** {code(entry.short_id)}".rstrip()
    became = f" {code(words.became(entry))}" if entry.was else f" {entry.change}"
    yield ""
    yield f"### {name}{became.rstrip()}: {entry.state}"
    yield ""
    if entry.record is not None:
        review = words.review(entry)
        plain = entry.review is None or not (entry.review.approved or entry.review.rejected)
        yield f"Signed by {code(words.signer(entry))}; review {review if plain else code(review)}"
        if after := words.superseded(entry):
            yield f"Superseded by {code(after)}"
        yield ""
    elif not entry.hidden and entry.change != "deleted":
        yield from (f"Signed by {words.signer(entry)}.", "")
    if told := words.runs(entry):
        yield from (f"{told[0].upper()}{told[1:]}.", "")
    yield from _changes(report, entry)


def _differences(group: audit_changes.Since, topic: str, items: Sequence[str]) -> str:
    if items:
        return "<br>".join(code(item, MAX_ITEM) for item in audit_changes.capped(items))
    same = group.same(topic)
    return f"the same: {code(same, MAX_ITEM)}" if same else "the same"


def _changes(report: Report, entry: Entry) -> Iterator[str]:
    groups = audit_changes.since(report, entry)
    if not groups:
        yield f"{audit_changes.first(entry).capitalize()}."
    for group in groups:
        rows = (f"| {topic} | {_differences(group, topic, items)} |" for topic, items in group.rows)
        yield from (f"{code(group.title, 2 * MAX_ITEM)}:", *_table(rows, ("", "what changed")))


def _evidence(report: Report, entry: Entry) -> Iterator[str]:
    """What is known of one record and how, folded."""
    if entry.record is None:
        return
    yield from (f"<details><summary>Evidence: {entry.label} {entry.short_id}</summary>", "")
    rows = []
    if entry.signer is not None:
        told = f"{entry.signer.name} <{entry.signer.email}>, in the policy: {', '.join(entry.signer.roles)}"
        rows.append(f"| signed by | {RECORDED} | checked | {code(told)} |")
    for fact in facts(entry, report.scope):
        state = fact.state if fact.state == RECORDED else f"*{fact.state}*"
        rows.append(f"| {fact.topic} | {state} | {fact.how} | {code(fact.detail)} |")
    yield from _table(rows, ("fact", "state", "how it is known", "what it says"))
    yield from _table(_artifacts(entry.record["artifacts"]), ("artifact", "role", "path", "size", "sha256"))
    yield from _waivers("Waivers, as sealed:", entry.record["waivers"])
    if entry.record["events"]:
        yield from ("", "Ledger:", "")
        for event in entry.record["events"]:
            said = code(eventwords.told(event), MAX_ITEM)
            line = f"- event {event['seq']}, {code(event['time'])}: {code(event['type'])} by {code(event['actor'])}"
            yield f"{line}: {said}" if said else line
    yield from ("", "</details>", "")


def _artifacts(artifacts: Mapping[str, Any]) -> Iterator[str]:
    for name, fact in sorted(artifacts.items(), key=lambda item: (item[1]["role"], item[0])):
        split = f" {code('split ' + fact['split'])}" if fact.get("split") else ""
        cells = (code(name), fact["role"] + split, code(fact["path"], 160), size(fact["size"]), code(fact["sha256"]))
        yield f"| {' | '.join(cells)} |"


def _waivers(title: str, waivers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    rows = (
        f"- {code(row['code'])} {code(row.get('subject') or '', MAX_ITEM)} by {code(row['owner'], MAX_ITEM)}"
        f" until {code(row['expires'], MAX_ITEM)}{' (ended)' if row.get('expired') else ''}: {code(row['reason'])}"
        for row in waivers
    )
    shown, left = _fitting(rows, _WAIVERS)
    if shown:
        yield from ("", title, "", *shown, *([f"- and {left} more"] if left else []))


def _scope(report: Report) -> Iterator[str]:
    yield "<details><summary>Scope: what was judged, by what, how deep</summary>"
    yield from _table((f"| {label} | {code(told)} |" for label, told in audit_scope.scope_lines(report)), ("", ""))
    rows, left = _fitting((f"| {code(tag)} | {code(told)} |" for tag, told in copies.short(report.held)), _WAIVERS, 0)
    yield from _table(rows, ("fewer copies than asked for", "proven in"))
    yield from ([f"and {left} more"] if left else [])
    yield from _waivers("Waivers in force at HEAD:", report.scope["waivers"])
    yield from ("", "</details>")


def _rest_of_findings(report: Report, rest: Sequence[Finding]) -> Iterator[str]:
    if not rest:
        return
    rows, left = _fitting(map(_finding_row, rest), _REST)
    yield f"<details><summary>{count(len(rest), 'more finding')}</summary>"
    yield from _table(rows, ("", "finding", "what", "next step"))
    if left:
        yield f"{left} are left out here; this shows them: {code(words.command(report), MAX_ITEM)}"
    yield from ("", "</details>", "")
