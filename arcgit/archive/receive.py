"""What a push would make of an archive, judged before any ref is moved: the use case of the server's hooks and of pre-push.

All lines are judged together, by what the refs would be afterwards: a record's tag without its event, or an event without
its tag, is refused, whichever of them was pushed first. Only what is new is judged, on top of a ledger that was judged
before (`arcgit.archive.judged`). Nothing is asked of the network, and no data is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from msgspec.structs import replace

from arcgit.archive import fixityline
from arcgit.archive.atcommit import commit_findings
from arcgit.archive.judge import SignatureJudge
from arcgit.archive.judged import Judged
from arcgit.archive.keptparts import BrokenError, require_enough
from arcgit.errors import ArcgitError, RefusedError
from arcgit.git import plumbing
from arcgit.git.objects import Objects
from arcgit.model import canonical
from arcgit.model.event import Event
from arcgit.model.finding import Finding, Severity, error, unknown, worst_first
from arcgit.model.names import FIXITY_REF, LEDGER_REF, RecordName
from arcgit.model.record import Record
from arcgit.rules import clock
from arcgit.rules.chain import Entry, Ledger, extend, replay
from arcgit.rules.pushes import Command, Sort, name_findings, sort_of
from arcgit.rules.sealed import judge_tag

_AHEAD = 400


@dataclass
class Push:
    """A push and the place where it is judged.

    `tip` is the ledger's present tip on the receiving side, None where it has none. `present` tells which of the given
    tags are there and what they are; `folder` is where what was judged may be kept. `whole` is False where git shows one
    line at a time, so that a tag's event may be among what another line brings. `now` (aware) is what the new events may
    not be ahead of, where that is asked.
    """

    commands: Sequence[Command]
    extra: Mapping[str, str]
    tip: str | None
    present: Callable[[Sequence[str]], Mapping[str, str]]
    folder: str
    trust_root: str = ""
    whole: bool = True
    now: datetime | None = None

    def __post_init__(self) -> None:
        self.objects = Objects(self.extra)
        self.by_ref = {command.ref: command for command in self.commands}
        self.records = {
            name: command
            for command in self.commands
            if sort_of(command.ref) is Sort.RECORD and (name := RecordName.parse(command.ref)) is not None
        }


@dataclass
class Received:
    """The ledger as it would be, what forbids the push, and the tags of records that it brings, judged."""

    ledger: Ledger | None = None
    findings: list[Finding] = field(default_factory=list)
    records: list[tuple[RecordName, Record]] = field(default_factory=list)

    @property
    def faults(self) -> list[Finding]:
        return [found for found in self.findings if found.severity is not Severity.WARNING]


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
        return Received(judgement.before(), judgement.findings)
    finally:
        judgement.kept.close()


class _Judgement:
    """`anew` takes nothing that was kept: every event is read again, and all of the ledger is held at once."""

    def __init__(self, push: Push, *, anew: bool = False) -> None:
        self.push = push
        self.anew = anew
        self.kept = Judged(push.folder)
        if anew:
            self.kept.forget()
        self.verify = SignatureJudge()
        self.findings: list[Finding] = []
        self.mends = False

    def result(self) -> Received:
        push = self.push
        self.findings += [found for command in push.commands for found in name_findings(command)]
        result = Received(None, self.findings)
        line, lists = push.by_ref.get(LEDGER_REF), push.by_ref.get(FIXITY_REF)
        if lists is not None and not lists.deletes:
            self.findings += fixityline.judge(lists, push.objects, push.extra)
        if line is not None or push.records:
            result.ledger = self.before()
            if not self.findings:
                self._bring(result, line)
        result.findings = worst_first(self.findings)
        self.kept.close()
        return result

    def before(self) -> Ledger:
        """The ledger that is there; what is wrong with it is in the findings."""
        ledger = self._kept()
        if ledger is None:
            ledger = self._replayed()
        self._rooted(ledger)
        return ledger if self.push.whole or LEDGER_REF in self.push.by_ref else self._ahead(ledger)

    def _ahead(self, ledger: Ledger) -> Ledger:
        """For a tag that is shown alone: the ledger as a line before it in the same push was judged to make it."""
        head = self.kept.ahead()
        if head is None or head.seq <= ledger.seq or self.push.objects.kind(head.tip) != "commit":
            return ledger
        between = self._between(ledger.tip, head.tip)
        if not between or (_parent_of(self.push.objects.read(between[0], "commit")) or None) != ledger.tip:
            return ledger
        return self.kept.ledger(head, self.push.objects.read, ahead=True) or ledger

    def _kept(self) -> Ledger | None:
        tip = self.push.tip
        head = self.kept.head(tip) if tip else None
        ledger = self.kept.ledger(head, self.push.objects.read) if head else None
        if ledger is None or head is None or tip is None or head.tip == tip:
            return ledger
        # Somebody else's push, or one whose judgement was lost, lies between.
        if self.push.objects.kind(head.tip) != "commit":
            return None
        between = self._between(head.tip, tip)
        for entry in self._entries(between):
            require_enough(ledger, entry.raw)
            if extend(ledger, entry, self.verify):
                return None
        if ledger.tip != tip:
            return None
        self.kept.keep(ledger, settled=True)
        return ledger

    def _replayed(self) -> Ledger:
        tip = self.push.tip
        if tip is None:
            return Ledger()
        ledger, faults = replay(self._entries(self._between(None, tip)), self.verify)
        line = self.push.by_ref.get(LEDGER_REF)
        if faults and faults[0].code == "ledger-foreign-commit" and line is not None and line.new == ledger.tip:
            # What is taken off its end is no event: that is how a stray note of stock git is put right.
            self.mends = True
            return ledger
        if faults:
            hint = "whoever runs the server: arcgit verify there tells more"
            first = faults[0]
            message = f"the ledger that is there does not hold: {first.subject}: {first.message}"
            self.findings.append(unknown(first.code, LEDGER_REF, message, hint=first.hint or hint))
            return ledger
        self.kept.keep(ledger, settled=True)
        if self.anew:
            return ledger
        head = self.kept.head(tip)
        # From now on only what is asked for is held, and only what is new is written.
        return (self.kept.ledger(head, self.push.objects.read) if head and head.tip == tip else None) or ledger

    def _rooted(self, ledger: Ledger) -> None:
        wanted = self.push.trust_root.replace(" ", "").removeprefix("0x")
        known = (ledger.founder, ledger.genesis)
        spelled = {wanted, wanted.upper(), wanted.lower()}
        if not wanted or not ledger.genesis or self.findings or not spelled.isdisjoint(known):
            return
        message = "the archive does not begin with the trust root that this server was told"
        found = f"genesis {ledger.genesis} signed by {ledger.founder}"
        hint = "push to the right server; whoever runs it sets: git config arcgit.trustRoot KEY"
        self.findings.append(error("trust-root-unknown", LEDGER_REF, message, expected=wanted, found=found, hint=hint))

    def _bring(self, result: Received, line: Command | None) -> None:
        ledger = result.ledger or Ledger()
        known = len(ledger.events)
        if line is not None:
            ledger = result.ledger = self._extended(ledger, line)
            self.findings += self._ahead_of_time(ledger.events[known:])
            if self.findings:
                return
        fresh = {
            event.subject.refname: event
            for _, event in ledger.events[known:]
            if event.type == "recorded" and event.subject is not None
        }
        self._tags(result, ledger, fresh)
        if line is not None and not result.faults:
            self.kept.keep(ledger, settled=False)

    def _extended(self, ledger: Ledger, line: Command) -> Ledger:
        """The ledger with the events that a line brings."""
        tip = self.push.tip
        if line.creates != (tip is None) or (tip is not None and line.old != tip):
            message = "the ledger has moved on since this push was made"
            self.findings.append(error("ref-moved", LEDGER_REF, message, hint="arcgit sync"))
            return ledger
        if self.mends:
            return ledger
        oids = self._between(tip, line.new)
        if tip is None:
            ledger, faults = replay(self._entries(oids), self.verify)
            self.findings += faults
            self._rooted(ledger)
            return ledger
        if not oids:
            message = "the push takes events off the end of the ledger"
            self._rewrites("ledger-rollback", message, line)
            return ledger
        entries = self._entries(oids)
        first = next(entries)
        if _parent_of(first.raw) != tip:
            self._rewrites("ledger-fork", "the push would replace events of the ledger with others", line)
            return ledger
        for entry in (first, *entries):
            require_enough(ledger, entry.raw)
            if faults := extend(ledger, entry, self.verify):
                self.findings += faults
                break
        return ledger

    def _ahead_of_time(self, events: Sequence[tuple[str, Event]]) -> Iterator[Finding]:
        """An event from the future would fail every verification until then, and it could not be taken back."""
        hint = f"set that clock, then write it again: git update-ref {LEDGER_REF} {self.push.tip or 'OID'}, arcgit sync"
        for found in clock.findings(events, self.push.now) if self.push.now is not None else ():
            if found.severity is Severity.ERROR:
                yield replace(found, subject=LEDGER_REF, hint=hint)

    def _rewrites(self, code: str, message: str, line: Command) -> None:
        hint = "the ledger only grows: arcgit sync puts your events on top of it"
        self.findings.append(error(code, LEDGER_REF, message, expected=f"after {line.old}", found=line.new, hint=hint))

    def _tags(self, result: Received, ledger: Ledger, fresh: Mapping[str, Event]) -> None:
        """Every tag that a line or an event is about, as it would be after the push."""
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
                self._absent(ledger, name, deleted=refname in lines)
            else:
                sound += self._tag(ledger, name, after[refname], fresh.get(refname))
        trees = [part for _, record in sound for part in (record.predicate.commit.oid, record.predicate.commit.tree)]
        push.objects.prefetch(trees)
        hint = "push the commit as well: git push --tags brings it"
        for name, record in sound:
            self.findings += commit_findings(push.objects, name.tag, record, shallow=False, hint=hint)
        result.records = [(name, record) for name, record in sound if name.refname in lines]

    def _absent(self, ledger: Ledger, name: RecordName, *, deleted: bool) -> None:
        known = ledger.records.get(name.refname)
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

    def _tag(
        self, ledger: Ledger, name: RecordName, oid: str, event: Event | None
    ) -> Iterator[tuple[RecordName, Record]]:
        objects = self.push.objects
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

    def _between(self, old: str | None, new: str) -> list[str]:
        """The ledger's commits after `old` up to `new`, oldest first."""
        arguments = ["rev-list", "--first-parent", "--reverse", "--end-of-options", new, *([f"^{old}"] if old else [])]
        if self.push.objects.kind(new) != "commit":
            raise RefusedError("ledger-chain", f"{LEDGER_REF} would be no commit", "arcgit sync")
        child = plumbing.start(arguments, extra=self.push.extra)
        out = child.output().decode().split()
        if child.code != 0:
            raise plumbing.PlumbingError("git-failed", "git cannot list the ledger's commits", "git fetch, then again")
        return out

    def _entries(self, oids: Sequence[str]) -> Iterator[Entry]:
        objects = self.push.objects
        for start in range(0, len(oids), _AHEAD):
            part = oids[start : start + _AHEAD]
            objects.prefetch(part)
            for oid in part:
                yield Entry(oid, objects.read(oid, "commit"))


def _parent_of(raw: bytes) -> str:
    """The first parent in a raw commit, or an empty string."""
    head = raw.partition(b"\n\n")[0]
    _, found, rest = head.partition(b"\nparent ")
    return rest[:40].decode(errors="replace") if found else ""


def as_finding(fault: ArcgitError, subject: str) -> Finding:
    """An error that came in the way of judging, among the findings."""
    make: Callable[..., Finding] = error if isinstance(fault, RefusedError) else unknown
    return make(fault.code, subject, fault.message, hint=fault.hint)


def refused(findings: Iterable[Finding]) -> bool:
    """True where anything but warnings was found."""
    return any(found.severity is not Severity.WARNING for found in findings)
