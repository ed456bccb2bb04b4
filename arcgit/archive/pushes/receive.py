"""What a push would make of an archive, judged before any ref is moved: the use case of the server's hooks and of pre-push.

All lines are judged together, by what the refs would be afterwards: a record's tag without its event, or an event without
its tag, is refused, whichever of them was pushed first. Only what is new is judged, on top of a ledger that was judged
before (`arcgit.archive.kept.judged`). Nothing is asked of the network, and no data is looked at.
"""

from __future__ import annotations

from arcgit.archive.judge import SignatureJudge
from arcgit.archive.kept.keptparts import BrokenError
from arcgit.archive.pushes import fixityline
from arcgit.archive.pushes.ledgerline import LedgerLine
from arcgit.archive.pushes.push import Push, Received
from arcgit.archive.pushes.recordlines import RecordLines
from arcgit.errors import RefusedError
from arcgit.model.finding import Finding, as_finding, worst_first
from arcgit.model.names import FIXITY_REF, LEDGER_REF
from arcgit.rules.chain import Ledger
from arcgit.rules.pushes import Command, name_findings


def judge(push: Push) -> Received:
    """Judge the names, the ledger and the tags of a push. Raises ArcgitError where it cannot be judged."""
    try:
        try:
            return _Judgement(push).result()
        except BrokenError:
            return _Judgement(push, anew=True).result()
    except RefusedError as fault:
        return Received(findings=[as_finding(fault, LEDGER_REF)])
    finally:
        push.objects.close()


def standing(push: Push) -> Received:
    """The receiving side's ledger as it is, for a push that brings nothing of it. Raises ArcgitError."""
    try:
        return _standing(_Judgement(push))
    except BrokenError:
        return _standing(_Judgement(push, anew=True))


def _standing(judgement: _Judgement) -> Received:
    try:
        return Received(judgement.ledger.before(), judgement.findings)
    finally:
        judgement.ledger.kept.close()


class _Judgement:
    def __init__(self, push: Push, *, anew: bool = False) -> None:
        self.push = push
        self.verify = SignatureJudge()
        self.findings: list[Finding] = []
        self.ledger = LedgerLine(push, self.verify, self.findings, anew=anew)

    def result(self) -> Received:
        push = self.push
        self.findings += [found for command in push.commands for found in name_findings(command)]
        result = Received(None, self.findings)
        line, lists = push.by_ref.get(LEDGER_REF), push.by_ref.get(FIXITY_REF)
        if lists is not None and not lists.deletes:
            self.findings += fixityline.judge(lists, push.objects, push.extra)
        if line is not None or push.records:
            result.ledger = self.ledger.before()
            if not self.findings:
                self._bring(result, line)
        result.findings = worst_first(self.findings)
        self.ledger.kept.close()
        return result

    def _bring(self, result: Received, line: Command | None) -> None:
        ledger = result.ledger or Ledger()
        known = len(ledger.events)
        if line is not None:
            ledger = result.ledger = self.ledger.extended(ledger, line)
            self.findings += self.ledger.ahead_of_time(ledger.events[known:])
            if self.findings:
                return
        fresh = {
            event.subject.refname: event
            for _, event in ledger.events[known:]
            if event.type == "recorded" and event.subject is not None
        }
        result.records = RecordLines(self.push, ledger, self.verify, self.findings).judge(fresh)
        if line is not None and not result.faults:
            self.ledger.kept.keep(ledger, settled=False)
