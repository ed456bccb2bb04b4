"""Sentences of the audit report that text and Markdown share; not escaped yet, which the renderings do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from arcgit.model.finding import Finding, Severity
from arcgit.model.text import count, shorten, word
from arcgit.report import eventwords, pages
from arcgit.report.audit import NOT_RECORDED, RECORDED, Entry, Report
from arcgit.report.findings import place_of, summary

MAX_SAID = 300
HOW_KNOWN = (
    "How a fact is known: captured by arcgit when it sealed; read from a file at that commit; asserted by a person."
)
EXPLAIN = "arcgit explain "
_DEPTH = {
    "signatures": "Signatures were checked, not the bytes of the data; --level fixity does both.",
    "presence": "Signatures were checked, and that the remotes have the data; --level fixity checks its bytes too.",
    "fixity": "Signatures were checked, and every byte of the data.",
}
_ON_THE_LEDGER = frozenset({RECORDED, "held", "retired", "purged"})


def opening(report: Report) -> str:
    """How many experiments the report is about, and how many of them have a record."""
    met = Counter(RECORDED if entry.state in _ON_THE_LEDGER else entry.state for entry in report.entries)
    told = ", ".join(f"{number} {word}" for word, number in sorted(met.items(), key=lambda item: item[0] != RECORDED))
    if report.base is None:
        unread = report.scope.get("records_unread", 0)
        if not unread:
            return told or "nothing recorded"
        counted = count(unread, "more record" if told else "record")
        left = f"the ledger has {counted}, whose {'tag' if unread == 1 else 'tags'} cannot be read here"
        return f"{told}; {left}" if told else left
    words = {entry.change for entry in report.entries}
    which = words.pop() if len(words) == 1 else "new or changed"
    return f"{count(len(report.entries), 'experiment')} {which}{f', {told}' if told else ''}"


def depth(report: Report) -> str:
    """What was looked at, in a sentence."""
    return _DEPTH[str(report.scope["level"])] if report.scope["records_checked"] else "No record was checked."


def review(entry: Entry) -> str:
    """The last word of each reviewer that counts, or that none is recorded."""
    found = entry.review
    if found is None:
        return NOT_RECORDED
    if not (found.approved or found.rejected):
        asked = f"{count(found.needed, 'person')} must approve" if found.needed else "the policy asks for none"
        return f"{NOT_RECORDED}, {asked.replace('persons', 'people')}"
    both = (("rejected", found.rejected), ("approved", found.approved))
    said = "; ".join(f"{word} by {', '.join(people)}" for word, people in both if people)
    return f"{said}, and {found.needed} must approve" if found.word == "open" else said


def runs(entry: Entry) -> str:
    """`7 runs, 1 sealed: 5 failed`, or nothing where no run was logged."""
    found = entry.runs
    return pages.runs_words(found) if found.logged else ""


def superseded(entry: Entry) -> str:
    """The tag that took its place, or nothing."""
    after = entry.record.get("superseded_by") if entry.record is not None else None
    return str(after[0]).removeprefix("exp/") if after else ""


def event_line(event: Mapping[str, Any]) -> str:
    """One event on one line, such as `#6  2026-05-06T11:02:00Z  reviewed by bob: approved: Looked at`."""
    said = eventwords.told(event)
    head = f"#{event['seq']}  {event['time']}  {event['type']} by {event['actor']}"
    return f"{head}: {shorten(said, MAX_SAID)}" if said else head


def signer(entry: Entry) -> str:
    """`Ada Lovelace (ada) as recorder`, or that nobody can be named."""
    if entry.record is None:
        return "nobody: what HEAD has was not recorded"
    found = entry.signer
    if found is None:
        return "nobody whom the ledger can name"
    return f"{found.name} ({found.person}) as recorder"


def became(entry: Entry) -> str:
    """What the change did to the experiment, in a word or two."""
    return f"renamed from {entry.was}" if entry.was else entry.change


def summary_of(report: Report) -> str:
    """`2 errors`, and how many findings are not about an experiment of this report."""
    told = summary(report.findings)
    if report.base is None:
        return told
    inside = sum(any(_about(finding, entry) for entry in report.entries) for finding in report.findings)
    if inside == len(report.findings) or not report.entries:
        return told
    outside = len(report.findings) - inside
    return f"{told}: {inside or 'none'} about what changed here, {outside} about the rest of the archive"


def _about(finding: Finding, entry: Entry) -> bool:
    subject = finding.subject.removeprefix("refs/tags/").partition(": ")[0]
    named = {entry.label, entry.manifest, str(entry.record["tag"]) if entry.record else ""}
    return subject in named or (finding.place is not None and finding.place.path == entry.manifest)


def together(findings: Sequence[Finding]) -> list[Finding]:
    """The findings with one subject as one: the first of them, that says what else was found and what to do about it."""
    by_subject: dict[tuple[Severity, str], list[Finding]] = {}
    for finding in findings:
        by_subject.setdefault((finding.severity, place_of(finding)), []).append(finding)
    return [_one_of(group) for group in by_subject.values()]


def _one_of(group: Sequence[Finding]) -> Finding:
    if len(group) == 1:
        return group[0]
    # A command that mends something is worth more than one that explains.
    told = max(group, key=lambda finding: (bool(finding.hint), not finding.hint.startswith(EXPLAIN)))
    others = [finding for finding in group if finding is not told]
    return replace(told, message=f"{told.message} (also {codes(others)})")


def codes(findings: Sequence[Finding]) -> str:
    """`3 signature-missing, object-corrupt`: what there is of findings that are not shown."""
    met = Counter(finding.code for finding in findings)
    return ", ".join(f"{number} {code}" if number > 1 else code for code, number in met.items())


def command(report: Report) -> str:
    """What shows the whole report in a terminal."""
    return f"arcgit audit-report --base {word(report.base)}" if report.base is not None else "arcgit audit-report"
