"""Signatures and notes checked in processes beside the one that reads the ledger.

Which key must have signed an event hangs on the events before it. So the ledger is read on trust, and whatever was believed
is checked meanwhile. Only where every signature is good, and by the key that it names, and each tree shows what the events
say, was the trust right. The notes all go to one process, the first, since each tree is the one before with one more line.
"""

from __future__ import annotations

import os
import select
import signal
from contextlib import suppress

import msgspec

from arcgit.archive.judge import ClaimReader, keys_of, outcome
from arcgit.model.event import Event
from arcgit.model.notetree import NoteTree, note_line
from arcgit.model.policy import Policy
from arcgit.rules.signature import Checked
from arcgit.signing.keys import PublicKey
from arcgit.signing.native import Kind
from arcgit.signing.verify import Keyring

AT_ONCE = 16
"""Signatures in one piece of work."""
AHEAD = 2
"""Pieces that a process may have before it. They fit into a pipe, so that whoever hands them over need not wait."""
NOTES, MOST_NOTES = 64, 1024
"""Notes in one piece with questions, and so many that they are handed over even if somebody has to wait."""
_DONE = b"."
_WIDTH = 4


class _Question(msgspec.Struct, array_like=True, gc=False):
    """A signature, by whom it says that it is, and which policy's keys count."""

    policy: int
    payload: bytes
    signature: bytes
    namespace: str
    believed: str


class _Note(msgspec.Struct, array_like=True, gc=False):
    """The line that an event puts below a commit, or none, and the tree that the ledger has then."""

    commit: str | None
    line: str
    tree: str


class _Piece(msgspec.Struct, array_like=True):
    """Questions, and type, fingerprint and text of the keys of those policies that were not told of before; and notes."""

    keys: dict[int, list[tuple[Kind, str, str]]]
    questions: list[_Question]
    notes: list[_Note] = []


class Found(msgspec.Struct):
    """What checking came to: whether all was good, what checked signatures, and the keys that end, with the moment.

    The moment is in UTC, as events write it. `sound` is False too where a key was given up.
    """

    sound: bool = True
    verifiers: dict[str, str] = {}
    ends: dict[str, str] = {}

    def add(self, other: Found) -> None:
        """Take in what another process found."""
        self.sound = self.sound and other.sound
        self.verifiers |= other.verifiers
        for key, moment in other.ends.items():
            self.ends[key] = min(moment, self.ends.get(key, moment))


class Checkers:
    """Believes, and has other processes check; what they have no time for is checked here."""

    def __init__(self, number: int) -> None:
        """Begin `number` of processes. Nobody may have started a thread before."""
        self._claims = ClaimReader()
        self._policies: list[Policy] = []
        self._coming: list[_Question] = []
        self._notes: list[_Note] = []
        self._here = _Checking()
        self._told: set[int] = set()
        self._sound = True
        self._others: list[_Other] = []
        with suppress(OSError):  # Where no more processes can be had, the others do it all.
            for _ in range(number):
                self._others.append(_Other(self._others))

    def __call__(self, policy: Policy, payload: bytes, signature: bytes, namespace: str) -> Checked:
        believed = self._claims(policy, payload, signature, namespace)
        if believed.code:
            # What names no key may still be by one of them; nobody is asked, and one process judges everything.
            self._sound = False
            return believed
        self._coming.append(_Question(self._number(policy), payload, signature, namespace, believed.fingerprint))
        if len(self._coming) == AT_ONCE:
            self._hand_over()
        return believed

    def note(self, target: str | None, current: Event, tree: str) -> None:
        """Have it checked that the ledger has `tree` after an event that puts a line below the commit `target`, or none."""
        self._notes.append(_Note(target, note_line(current) if target else "", tree))
        if len(self._notes) == MOST_NOTES:
            self._hand_over_notes()

    def found(self) -> Found:
        """Wait for the processes. What they found, of all that was asked."""
        if self._coming:
            self._hand_over()
        self._hand_over_notes()
        found = self._here.found()
        found.sound = found.sound and self._sound
        for other in self._others:
            found.add(other.found())
        return found

    def drop(self) -> None:
        """End the processes that are still there."""
        for other in self._others:
            other.drop()

    def _number(self, policy: Policy) -> int:
        for number in range(len(self._policies) - 1, -1, -1):
            if self._policies[number] is policy:
                return number
        self._policies.append(policy)
        return len(self._policies) - 1

    def _hand_over_notes(self) -> None:
        piece, self._notes = _Piece({}, [], self._notes), []
        (self._others[0] if self._others else self._here).take(piece)

    def _hand_over(self) -> None:
        questions, self._coming = self._coming, []
        if not self._sound:
            return
        other = next((other for other in self._others if other.has_time()), None)
        told = other.told if other is not None else self._told
        keys = {one.policy: _plain(self._policies[one.policy]) for one in questions if one.policy not in told}
        told.update(keys)
        piece = _Piece(keys, questions)
        if self._others and other is self._others[0]:
            piece.notes, self._notes = self._notes[:NOTES], self._notes[NOTES:]
        if other is None:
            self._here.take(piece)
        else:
            other.take(piece)


class _Checking:
    """Whoever checks: here, or in another process."""

    def __init__(self) -> None:
        self._rings: dict[int, Keyring] = {}
        self._tree = NoteTree()
        self._found = Found()

    def take(self, piece: _Piece) -> None:
        for number, keys in piece.keys.items():
            self._rings[number] = Keyring(PublicKey(*key) for key in keys)
        for asked in piece.questions if self._found.sound else ():
            check = outcome(self._rings[asked.policy].verify(asked.payload, asked.signature, asked.namespace))
            ends = {check.fingerprint: check.expires} if check.expires else {}
            good = not check.code and not check.revoked and check.fingerprint == asked.believed
            if ends or not good:
                self._found.add(Found(good, {}, ends))
        for note in piece.notes if self._found.sound else ():
            if note.commit is not None:
                self._tree.take(note.commit, self._tree.with_line(note.commit, note.line.encode()))
            self._found.sound = self._found.sound and note.tree == self._tree.oid

    def found(self) -> Found:
        for ring in self._rings.values():
            self._found.verifiers.update(ring.verifiers.items())
        return self._found


class _Other:
    """Another process that checks. Where it is lost, nothing that it was asked counts as good."""

    def __init__(self, others: list[_Other]) -> None:
        """Begin it. Raises OSError where none can be had."""
        self.told: set[int] = set()
        self._before = 0
        self._lost = False
        theirs, mine = os.pipe()
        answers, back = os.pipe()
        try:
            self._child = os.fork()
        except OSError:
            for fd in (theirs, mine, answers, back):
                os.close(fd)
            raise
        self.ends = [mine, answers]
        if self._child == 0:
            # An end that another process holds open would keep a third one waiting for ever.
            for fd in (*self.ends, *(fd for one in others for fd in one.ends)):
                os.close(fd)
            _serve(theirs, back)
        os.close(theirs)
        os.close(back)

    def has_time(self) -> bool:
        """True where it can take one more piece and nobody waits."""
        while self._before and not self._lost and select.select([self.ends[1]], [], [], 0)[0]:
            done = len(os.read(self.ends[1], AHEAD))
            self._before -= done
            self._lost = not done
        return self._before < AHEAD and not self._lost

    def take(self, piece: _Piece) -> None:
        self._before += 1
        try:
            data = msgspec.msgpack.encode(piece)
            _write(self.ends[0], len(data).to_bytes(_WIDTH, "big") + data)
        except (OSError, UnicodeError):
            self._lost = True

    def found(self) -> Found:
        """Wait for its end, and for what it found."""
        mine, answers = self.ends
        self.ends = []
        os.close(mine)
        with os.fdopen(answers, "rb") as back:
            data = back.read()
        self._lost = self._ended() != 0 or self._lost
        return Found(sound=False) if self._lost else msgspec.msgpack.decode(data[self._before :], type=Found)

    def drop(self) -> None:
        """It is not wanted any more."""
        for fd in self.ends:
            os.close(fd)
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            self._ended()
        self.ends = []

    def _ended(self) -> int:
        child, self._child = self._child, 0
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _serve(questions: int, answers: int) -> None:
    """The whole life of another process."""
    code = 1
    try:
        checking = _Checking()
        with os.fdopen(questions, "rb") as coming:
            while size := coming.read(_WIDTH):
                checking.take(msgspec.msgpack.decode(coming.read(int.from_bytes(size, "big")), type=_Piece))
                os.write(answers, _DONE)
        _write(answers, msgspec.msgpack.encode(checking.found()))
        code = 0
    finally:
        os._exit(code)


def _write(fd: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def _plain(policy: Policy) -> list[tuple[Kind, str, str]]:
    return [(key.kind, key.fingerprint, key.text) for key in keys_of(policy)]
