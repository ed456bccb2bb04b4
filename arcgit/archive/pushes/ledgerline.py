"""A push to the ledger: events that go on top of those that are there, and nothing else.

Only what is new is judged, on top of a ledger that was judged before (`arcgit.archive.kept.judged`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from arcgit.archive.judge import SignatureJudge
from arcgit.archive.kept.judged import Judged
from arcgit.archive.kept.keptparts import require_enough
from arcgit.archive.pushes.push import Push
from arcgit.errors import RefusedError
from arcgit.git import plumbing
from arcgit.model.event import Event
from arcgit.model.finding import Finding, Severity, error, unknown
from arcgit.model.names import LEDGER_REF
from arcgit.rules import clock
from arcgit.rules.chain import Entry, Ledger, extend, replay
from arcgit.rules.pushes import Command

_AHEAD = 400


class LedgerLine:
    """The ledger as it is on the receiving side, and as a line would make it. What is wrong goes to `findings`.

    `anew` takes nothing that was kept: every event is read again, and all of the ledger is held at once.
    """

    def __init__(self, push: Push, verify: SignatureJudge, findings: list[Finding], *, anew: bool = False) -> None:
        self.push = push
        self.verify = verify
        self.findings = findings
        self.anew = anew
        self.kept = Judged(push.folder)
        if anew:
            self.kept.forget()
        self.mends = False

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

    def extended(self, ledger: Ledger, line: Command) -> Ledger:
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

    def ahead_of_time(self, events: Sequence[tuple[str, Event]]) -> Iterator[Finding]:
        """An event from the future would fail every verification until then, and it could not be taken back."""
        hint = f"set that clock, then write it again: git update-ref {LEDGER_REF} {self.push.tip or 'OID'}, arcgit sync"
        for found in clock.findings(events, self.push.now) if self.push.now is not None else ():
            if found.severity is Severity.ERROR:
                yield replace(found, subject=LEDGER_REF, hint=hint)

    def _rewrites(self, code: str, message: str, line: Command) -> None:
        hint = "the ledger only grows: arcgit sync puts your events on top of it"
        self.findings.append(error(code, LEDGER_REF, message, expected=f"after {line.old}", found=line.new, hint=hint))

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
