"""A second opinion on signatures: those of records, events and approvals, put before gpgv and ssh-keygen as well.

What the two say must be the same, also where both say no. A tool that is missing, or that cannot check a kind of key,
leaves the question open, and an open question is no pass.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.judge import ClaimReader, Question, SignatureJudge
from arcgit.archive.ledger import LedgerView
from arcgit.errors import ArcgitError
from arcgit.git.refs import Ref
from arcgit.model import gitobject
from arcgit.model.finding import Finding, error, unknown
from arcgit.rules.chain import replay
from arcgit.rules.signature import UNDETERMINED, Checked
from arcgit.signing import native
from arcgit.signing.native import TOOLS
from arcgit.signing.verify import kind_of

BATCH = 256
_EVENT = re.compile(rb'^Arcgit-Event: .*"seq":([0-9]{1,12})[,}]', re.MULTILINE)
_TAG = re.compile(rb"\Aobject [0-9a-f]{40}\ntype [a-z]+\ntag ([^\n]+)\n")


@dataclass
class CrossChecked:
    """How many signatures were put before a stock tool, of how many, and what came of it."""

    findings: list[Finding] = field(default_factory=list)
    checked: int = 0
    total: int = 0


def tag_questions(context: Context, view: LedgerView, tags: Iterable[Ref]) -> Iterator[Question]:
    """What is asked of the signatures of records' tags; a tag that cannot be read asks nothing."""
    for ref in tags:
        try:
            tag = gitobject.parse_tag(context.repo.read(ref.oid, "tag"))
        except (ArcgitError, gitobject.GitObjectError):
            continue
        known = view.ledger.records.get(ref.name)
        if tag.signature is not None:
            yield known.policy if known else view.ledger.require_policy(), tag.payload, tag.signature, "git"


def cross_check(context: Context, view: LedgerView, tags: Sequence[Ref], *, wanted: int | None) -> CrossChecked:
    """Compare both verifiers over `wanted` signatures chosen at random, or over all of them."""
    result = CrossChecked()
    questions = _counted(_questions(context, view, tags), result)
    chosen = questions if wanted is None else iter(_sample(questions, wanted))
    judge = SignatureJudge(by_tools=True)
    batch: list[Question] = []
    for question in chosen:
        batch.append(question)
        if len(batch) == BATCH:
            _compare(view, judge, batch, result)
            batch = []
    _compare(view, judge, batch, result)
    return result


def _questions(context: Context, view: LedgerView, tags: Sequence[Ref]) -> Iterator[Question]:
    yield from tag_questions(context, view, tags)
    tip = context.repo.ref(view.ref)
    if tip is not None:
        believed = ClaimReader(keep=True)
        replay(ledger.entries_of(context.repo, tip), believed, rendered=False)
        yield from believed.believed


def _counted(questions: Iterable[Question], result: CrossChecked) -> Iterator[Question]:
    for question in questions:
        result.total += 1
        yield question


def _sample(questions: Iterable[Question], wanted: int) -> list[Question]:
    """That many of them, each as likely as any other, without keeping the rest (Vitter's algorithm R)."""
    # Nobody who prepares an archive shall be able to tell which ones it will be.
    draw = random.SystemRandom()
    kept: list[Question] = []
    for number, question in enumerate(questions):
        place = number if number < wanted else draw.randrange(number + 1)
        if place < len(kept):
            kept[place] = question
        elif place < wanted:
            kept.append(question)
    return kept


def _compare(view: LedgerView, judge: SignatureJudge, batch: list[Question], result: CrossChecked) -> None:
    judge.ask_ahead(batch)
    for question in batch:
        kind = kind_of(question[2])
        if kind is None:
            continue
        result.checked += 1
        if native.library(kind) is None:
            message = f"{TOOLS[kind]} has checked it already, for want of a library, and there is no second opinion"
            _once(result, unknown("verifier-unavailable", f"{kind} signatures", message, hint="install arcgit anew"))
            continue
        ours, theirs = view.judge(*question), judge(*question)
        if (ours.code, ours.fingerprint) == (theirs.code, theirs.fingerprint):
            continue
        if theirs.code in UNDETERMINED or ours.code in UNDETERMINED:
            hint = f"install {TOOLS[kind]}, or a newer one, and run it again"
            _once(
                result, unknown("verifier-unavailable", f"{kind} signatures", theirs.detail or ours.detail, hint=hint)
            )
            continue
        message = f"{native.library(kind)} and {TOOLS[kind]} do not agree on the signature"
        hint = "rely on neither until it is known why; tell the authors of arcgit"
        result.findings.append(
            error(
                "verifier-disagreement",
                _subject(question),
                message,
                expected=_said(ours),
                found=_said(theirs),
                hint=hint,
            )
        )


def _once(result: CrossChecked, finding: Finding) -> None:
    if finding not in result.findings:
        result.findings.append(finding)


def _said(checked: Checked) -> str:
    return f"{checked.code}: {checked.detail}" if checked.code else f"good, by {checked.fingerprint}"


def _subject(question: Question) -> str:
    payload = question[1]
    if match := _TAG.search(payload):
        return match[1].decode(errors="replace")
    if match := _EVENT.search(payload):
        return f"event {match[1].decode()}"
    return "an approval of a policy"
