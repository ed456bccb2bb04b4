"""The tags of records in a push, each as it would be afterwards, whether a line or an event of the ledger is about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arcgit.archive.atcommit import commit_findings
from arcgit.archive.judge import SignatureJudge
from arcgit.archive.pushes.push import Push
from arcgit.model import canonical
from arcgit.model.event import Event
from arcgit.model.finding import Finding, error, unknown
from arcgit.model.names import LEDGER_REF, RecordName
from arcgit.model.record import Record
from arcgit.rules.chain import Ledger
from arcgit.rules.sealed import judge_tag


class RecordLines:
    """The tags by the `ledger` that the push would make. What is wrong with one goes to `findings`."""

    def __init__(self, push: Push, ledger: Ledger, verify: SignatureJudge, findings: list[Finding]) -> None:
        self.push = push
        self.ledger = ledger
        self.verify = verify
        self.findings = findings

    def judge(self, fresh: Mapping[str, Event]) -> list[tuple[RecordName, Record]]:
        """Every tag that a line, or one of the `fresh` events by refname, is about. The records of the lines that hold."""
        push = self.push
        lines = {name.refname: command for name, command in push.records.items()}
        there = push.present([refname for refname in fresh if refname not in lines]) if push.whole else {}
        after = {name: line.new for name, line in lines.items() if not line.deletes} | dict(there)
        push.objects.prefetch([*after.values(), *(str(event.data.get("commit")) for event in fresh.values())])
        sound: list[tuple[RecordName, Record]] = []
        for refname in dict.fromkeys([*lines, *fresh]):
            name = RecordName.parse(refname)
            if name is None:
                continue
            if refname not in after:
                self._absent(name, deleted=refname in lines)
            else:
                sound += self._tag(name, after[refname], fresh.get(refname))
        trees = [part for _, record in sound for part in (record.predicate.commit.oid, record.predicate.commit.tree)]
        push.objects.prefetch(trees)
        for name, record in sound:
            self.findings += commit_findings(push.objects, name.tag, record, shallow=False, hint=_push_commit)
        return [(name, record) for name, record in sound if name.refname in lines]

    def _absent(self, name: RecordName, *, deleted: bool) -> None:
        known = self.ledger.records.get(name.refname)
        if known is None:
            if deleted and self.push.tip is None and LEDGER_REF not in self.push.by_ref:
                message = "there is no ledger here that could tell whether this is a record"
                self.findings.append(unknown("ledger-missing", name.tag, message, hint="arcgit sync brings the ledger"))
            return
        # The tag may have a line of its own, which this hook is not shown; its object must have come with the push.
        if not deleted and not self.push.whole and self.push.objects.kind(known.subject.oid) == "tag":
            return
        oid = known.subject.oid
        if deleted:
            message, hint = "the ledger recorded this tag, so it may not be deleted", "take that line out of the push"
        else:
            message, hint = "an event records this tag, and the push does not bring it", "arcgit sync brings both"
        self.findings.append(error("recorded-tag-missing", name.tag, message, expected=oid, found="no tag", hint=hint))

    def _tag(self, name: RecordName, oid: str, event: Event | None) -> Iterator[tuple[RecordName, Record]]:
        objects, ledger = self.push.objects, self.ledger
        if (kind := objects.kind(oid)) != "tag":
            message = f"the ref would point to a {kind}, not to an annotated tag"
            self.findings.append(error("tag-type", name.tag, message, expected="tag", found=str(kind)))
            return
        known = ledger.records.get(name.refname)
        if ledger.policy is None:
            message = "there is no ledger here that records this tag"
            hint = "arcgit sync pushes tags and ledger together"
            self.findings.append(error("unrecorded-tag", name.tag, message, hint=hint))
            return
        policy = known.policy if known else ledger.policy
        raw = objects.read(oid, "tag")
        record, faults = judge_tag(name, raw, archive=ledger.archive, policy=policy, known=known, verify=self.verify)
        if record is not None and event is not None and event.data.get("record") != canonical.sha256(record.raw):
            message = "the ledger would record other content under this name"
            faults.append(error("tag-not-as-recorded", name.tag, message, expected=str(event.data.get("record"))))
        self.findings += faults
        if record is not None and not faults:
            yield name, record


def _push_commit() -> str:
    return "push the commit as well: git push --tags brings it"
