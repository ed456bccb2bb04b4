"""The audit report as Markdown, to be posted as a comment on a pull request.

Whatever came from data stands in a code span, where GitHub and GitLab know no HTML, no mention, no link and no image;
backticks cannot end it, and a pipe cannot end a table's cell. The whole fits into a comment on GitHub.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from arcgit.model.finding import Finding, Severity, Verdict
from arcgit.model.text import count, escape, shorten, size
from arcgit.report import audit_words as words
from arcgit.report.audit import NOT_RECORDED, RECORDED, Entry, Report, facts
from arcgit.report.findings import place_of, summary

LIMIT = 65_536
"""The longest comment on GitHub. Bytes are counted, which are never fewer than its characters."""
MARK = "<!-- arcgit audit-report -->"
"""The first line, by which a job finds the comment that it made before."""
MAX_TOP = 8
MAX_TEXT = 400
_VERDICTS = {Verdict.PASS: "✅ PASS", Verdict.FAIL: "❌ FAIL", Verdict.CANNOT_VERIFY: "❔ CANNOT-VERIFY"}
_SEVERITIES = {Severity.ERROR: "❌ error", Severity.UNKNOWN: "❔ unknown", Severity.WARNING: "⚠️ warning"}


def code(text: str, limit: int = MAX_TEXT) -> str:
    """Text from data as a code span: one line, nothing in it is read as Markdown or HTML."""
    shown = shorten(escape(text), limit).replace("|", "\\x7c")
    if not shown.strip():
        return ""
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    edge = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{edge}{shown}{edge}{fence}"


def render(report: Report) -> str:
    """The report, at most `LIMIT` bytes of UTF-8."""
    top, end = "\n".join(_top(report)), "\n".join(_end(report))
    room = LIMIT - _bytes(top) - _bytes(end) - 1_000
    parts: list[str] = []
    for number, entry in enumerate(report.entries):
        part = "\n".join(_details(report, entry))
        if _bytes(part) + 1 > room:
            left = count(len(report.entries) - number, "experiment")
            parts.append(f"\nThe evidence of {left} is left out here; this shows it: {code(words.command(report))}\n")
            break
        parts.append(part)
        room -= _bytes(part) + 1
    return "\n".join([top, *parts, end]) + "\n"


def _bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _top(report: Report) -> Iterator[str]:
    yield MARK
    yield f"## {_VERDICTS[report.verdict]}: {summary(report.findings)}"
    yield ""
    about = f"Since {code(report.base)}" if report.base is not None else "Over all"
    yield f"{about}: {words.opening(report)}. {words.depth(report)}"
    yield ""
    if report.findings:
        yield from ("| | finding | what | next step |", "|---|---|---|---|")
        yield from map(_finding_row, report.findings[:MAX_TOP])
        yield from _more(len(report.findings) - MAX_TOP, "finding")
        yield ""
    for entry in report.entries[:MAX_TOP]:
        yield from _entry(report, entry)
    yield from _more(len(report.entries) - MAX_TOP, "experiment")


def _more(number: int, noun: str) -> Iterator[str]:
    if number > 0:
        yield from ("", f"and {count(number, noun)} more below", "")


def _finding_row(finding: Finding) -> str:
    where = place_of(finding)
    cells = (
        _SEVERITIES[finding.severity],
        code(finding.code),
        f"{code(where, 120)} {code(finding.message)}",
        code(finding.hint),
    )
    return f"| {' | '.join(cells)} |"


def _entry(report: Report, entry: Entry) -> Iterator[str]:
    name = f"**{code(entry.label)}** {code(entry.short_id)}".rstrip()
    became = f" {code(words.became(entry))}" if entry.was else f" {entry.change}"
    yield ""
    yield f"### {name}{became.rstrip()}: {entry.state}"
    yield ""
    if entry.record is not None:
        review = words.review(entry)
        yield f"Signed by {code(words.signer(entry))}; review {review if review == NOT_RECORDED else code(review)}"
        yield ""
    yield from _changes(report, entry)


def _changes(report: Report, entry: Entry) -> Iterator[str]:
    groups = words.since(report, entry)
    if not groups:
        yield f"{words.first(entry).capitalize()}."
    for group in groups:
        yield from (f"{code(group.title)}:", "", "| | what changed |", "|---|---|")
        for topic, items in group.rows:
            told = "<br>".join(code(item, 160) for item in words.capped(items)) or "the same"
            yield f"| {topic} | {told} |"
        yield ""


def _details(report: Report, entry: Entry) -> Iterator[str]:
    """The evidence of one experiment, folded."""
    if entry.record is None:
        return
    yield f"<details><summary>Evidence: {entry.label} {entry.short_id}</summary>"
    yield ""
    yield from ("| fact | | known | |", "|---|---|---|---|")
    for fact in facts(entry, report.scope):
        state = fact.state if fact.state == RECORDED else f"*{fact.state}*"
        yield f"| {fact.topic} | {state} | {fact.how} | {code(fact.detail)} |"
    yield ""
    yield from ("| artifact | role | path | size | sha256 |", "|---|---|---|---|---|")
    yield from _artifacts(entry.record["artifacts"])
    yield from _waivers("Waivers, as sealed:", entry.record["waivers"])
    if entry.record["events"]:
        yield from ("", "Ledger:", "")
        yield from (
            f"- {event['seq']}. {code(event['time'])} {code(event['type'])} by {code(event['actor'])}"
            for event in entry.record["events"]
        )
    yield from ("", "</details>", "")


def _artifacts(artifacts: Mapping[str, Any]) -> Iterator[str]:
    for name, fact in sorted(artifacts.items(), key=lambda item: (item[1]["role"], item[0])):
        split = f" {code('split ' + fact['split'])}" if fact.get("split") else ""
        cells = (code(name), fact["role"] + split, code(fact["path"], 160), size(fact["size"]), code(fact["sha256"]))
        yield f"| {' | '.join(cells)} |"


def _waivers(title: str, waivers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    rows = [
        f"- {code(row['code'])} {code(row.get('subject') or '')} by {code(row['owner'])}"
        f" until {code(row['expires'])}: {code(row['reason'])}"
        for row in waivers
    ]
    if rows:
        yield from ("", title, "", *rows[:MAX_TOP])
        yield from _more(len(rows) - MAX_TOP, "waiver")


def _end(report: Report) -> Iterator[str]:
    yield from _rest_of_findings(report)
    yield "<details><summary>Scope: what was judged, by what, how deep</summary>"
    yield ""
    yield from ("| | |", "|---|---|")
    yield from (f"| {label} | {code(told)} |" for label, told in words.scope_lines(report))
    yield from _waivers("Waivers in force at HEAD:", report.scope["waivers"])
    yield from ("", "</details>")


def _rest_of_findings(report: Report) -> Iterator[str]:
    rest = report.findings[MAX_TOP:]
    if not rest:
        return
    rows, room = [], 20_000
    for finding in rest:
        row = _finding_row(finding)
        room -= _bytes(row) + 1
        if room < 0:
            break
        rows.append(row)
    yield f"<details><summary>{count(len(rest), 'more finding')}</summary>"
    yield from ("", "| | finding | what | next step |", "|---|---|---|---|", *rows)
    if len(rows) < len(rest):
        yield f"\n{len(rest) - len(rows)} are left out here; this shows them: {code(words.command(report))}"
    yield from ("", "</details>", "")
