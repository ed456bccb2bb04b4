"""A ledger's state in few bytes, for replays of very many events: what is asked of it is unpacked when it is asked for.

A record as Python keeps it, with its names, digests and events, takes some three thousand bytes; as bytes it takes less
than three hundred. What is unpacked is a copy: whoever changes a record puts it back.
"""

from __future__ import annotations

from array import array
from collections.abc import ItemsView, Iterator, MutableMapping, Sequence, ValuesView
from typing import Any, Literal, overload

import msgspec

from arcgit.model import event as events
from arcgit.model.event import Event, Subject
from arcgit.model.laid import Laid
from arcgit.model.names import RECORD_PREFIX, RecordName
from arcgit.model.policy import Policy
from arcgit.rules.state import RecordState

Remember = Literal["everything", "records", "standing"]
"""What a replay keeps: every event; those of records with their records; or only those that say where a record stands."""
OF_STANDING = frozenset({"amended", "reviewed", "evaluated", "held", "released", "purged", "retired"})
"""Events that say more than a record's state keeps of them."""
_NOTHING: dict[str, Any] = {}
_TIME, _OID = 20, 40
"""Characters of a time as every event has it, and of an object name."""
_ODD = (TypeError, ValueError, OverflowError, msgspec.MsgspecError)
"""What packing raises for values that are not in the usual form, which are kept as they are."""


class Events(Sequence[tuple[str, Event]]):
    """Events in short, with their oids: where each stands, its type, by whom, and when as claimed. `oids` has the oids."""

    def __init__(self, oids: Sequence[str]) -> None:
        self._oids = oids
        self._said: dict[tuple[str, str], int] = {}
        self._words: list[tuple[str, str]] = []
        self._which = array("I")
        self._times = bytearray()

    def append(self, item: tuple[str, Event]) -> None:
        """The next event; its oid is the last one."""
        event = item[1]
        said = event.type, event.actor
        place = self._said.get(said)
        if place is None:
            place = self._said[said] = len(self._words)
            self._words.append(said)
        self._which.append(place)
        self._times += event.time.encode()

    def __len__(self) -> int:
        return len(self._which)

    @overload
    def __getitem__(self, place: int) -> tuple[str, Event]: ...
    @overload
    def __getitem__(self, place: slice) -> list[tuple[str, Event]]: ...
    def __getitem__(self, place: int | slice) -> tuple[str, Event] | list[tuple[str, Event]]:
        if isinstance(place, slice):
            return [self._at(number) for number in range(*place.indices(len(self)))]
        return self._at(range(len(self))[place])

    def __iter__(self) -> Iterator[tuple[str, Event]]:
        return map(self._at, range(len(self)))

    def _at(self, place: int) -> tuple[str, Event]:
        kind, actor = self._words[self._which[place]]
        event = Event(
            schema=events.SCHEMA,
            archive="",
            seq=place + 1,
            type=kind,
            actor=actor,
            time=self._times[place * _TIME : (place + 1) * _TIME].decode(),
            previous=None,
            subject=None,
            data=_NOTHING,
        )
        return self._oids[place], event


class _Event(msgspec.Struct, array_like=True, gc=False):
    """An event of a record without what the record says as well; `data` is None where it says no more than that."""

    seq: int
    type: str
    actor: str
    time: str
    previous: bytes | None
    about: bool
    data: dict[str, Any] | None


class _Record(msgspec.Struct, array_like=True, gc=False):
    digests: bytes
    recorder: int
    policy: int
    seq: int
    status: int
    holds: tuple[str, ...]
    doubted: tuple[int, ...]
    events: tuple[_Event, ...]


_ENCODE, _DECODE = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(_Record).decode


class Records(MutableMapping[str, RecordState]):
    """Records by refname. Their events are kept as well, all of them or those `OF_STANDING`."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._packed: dict[bytes, bytes] | Laid = {}
        self._odd: dict[str, RecordState] = {}
        self._words: list[str] = []
        self._policies: list[Policy] = []
        self._archive = ""

    def __getitem__(self, refname: str) -> RecordState:
        packed = self._packed.get(_key(refname)) if refname not in self._odd else None
        return self._unpacked(refname, packed) if packed is not None else self._odd[refname]

    def get(self, refname: str, default: Any = None) -> Any:
        if refname in self._odd:
            return self._odd[refname]
        packed = self._packed.get(_key(refname))
        return self._unpacked(refname, packed) if packed is not None else default

    def __setitem__(self, refname: str, state: RecordState) -> None:
        key = _key(refname)
        if isinstance(self._packed, Laid):
            self._packed = dict(self._packed)
        try:
            self._packed[key] = self._pack(refname, state)
            self._odd.pop(refname, None)
        except _ODD:
            self._odd[refname] = state

    def __delitem__(self, refname: str) -> None:
        raise TypeError("a record stays on the ledger")

    def __contains__(self, refname: object) -> bool:
        return isinstance(refname, str) and (_key(refname) in self._packed or refname in self._odd)

    def items(self) -> ItemsView[str, RecordState]:
        return _Items(self)

    def values(self) -> ValuesView[RecordState]:
        return _Values(self)

    def unpacked(self) -> Iterator[tuple[str, RecordState]]:
        """All records with their refnames, none of them looked up."""
        for key, packed in self._packed.items():
            refname = RECORD_PREFIX + key.decode()
            if refname not in self._odd:
                yield refname, self._unpacked(refname, packed)
        yield from self._odd.items()

    def alike(self) -> Iterator[tuple[str, str, tuple[int, int, int] | None]]:
        """Each refname with the oid of its tag, and what it shares with records of which no more is said, or None.

        They come in the order of their names, but for those that could not be packed, which are the last.
        """
        for key in sorted(self._packed):
            refname = RECORD_PREFIX + key.decode()
            if refname not in self._odd:
                found = _DECODE(self._packed[key])
                more = found.events or found.holds or found.doubted
                shared = None if more else (found.recorder, found.policy, found.status)
                yield refname, found.digests[84:].hex(), shared
        yield from ((refname, state.subject.oid, None) for refname, state in self._odd.items())

    def __iter__(self) -> Iterator[str]:
        for key in self._packed:
            yield RECORD_PREFIX + key.decode()
        yield from (name for name in self._odd if _key(name) not in self._packed)

    def __len__(self) -> int:
        return len(self._packed) + sum(_key(name) not in self._packed for name in self._odd)

    def lay(self) -> None:
        """Keep them as other processes can share them, until one is changed."""
        self._packed = Laid(self._packed.items())

    def _pack(self, refname: str, state: RecordState) -> bytes:
        subject = state.subject
        if not refname.startswith(RECORD_PREFIX) or subject.refname != refname or len(state.commit) != _OID:
            raise ValueError(refname)
        events_of = state.events
        kept = [event for event in events_of if self._whole or event.type in OF_STANDING] if events_of else ()
        packed = _Record(
            _bytes(subject.sha256 + state.content + state.commit + subject.oid),
            self._word(state.recorder),
            self._policy(state.policy),
            state.seq,
            self._word(state.status),
            tuple(sorted(state.holds)) if state.holds else (),
            tuple(sorted(state.doubted)) if state.doubted else (),
            tuple([self._pack_event(state, event) for event in kept]) if kept else (),
        )
        return _ENCODE(packed)

    def _pack_event(self, state: RecordState, event: Event) -> _Event:
        self._archive = self._archive or event.archive
        about = event.subject is not None
        if (
            event.archive != self._archive
            or event.schema != events.SCHEMA
            or (about and event.subject != state.subject)
        ):
            raise ValueError(event.archive)
        previous = _bytes(event.previous) if event.previous is not None else None
        data = None if event.type == "recorded" and event.data == _recorded(state) else event.data
        return _Event(event.seq, event.type, event.actor, event.time, previous, about, data)

    def _unpacked(self, refname: str, packed: bytes) -> RecordState:
        found = _DECODE(packed)
        name, digests = RecordName.parse(refname), found.digests.hex()
        if name is None:  # pragma: no cover  `_pack` has seen that its name is that of a record
            raise KeyError(refname)
        state = RecordState(
            name,
            Subject(refname=refname, oid=digests[168:], sha256=digests[:64]),
            digests[128:168],
            self._words[found.recorder],
            self._policies[found.policy],
            found.seq,
            self._words[found.status],
            set(found.holds),
        )
        state.content = digests[64:128]
        if found.doubted:
            state.doubted = frozenset(found.doubted)
        if found.events:
            state.events = [self._unpacked_event(state, event) for event in found.events]
        return state

    def _unpacked_event(self, state: RecordState, packed: _Event) -> Event:
        return Event(
            schema=events.SCHEMA,
            archive=self._archive,
            seq=packed.seq,
            type=packed.type,
            actor=packed.actor,
            time=packed.time,
            previous=packed.previous.hex() if packed.previous is not None else None,
            subject=state.subject if packed.about else None,
            data=packed.data if packed.data is not None else _recorded(state),
        )

    def _word(self, word: str) -> int:
        try:
            return self._words.index(word)
        except ValueError:
            self._words.append(word)
            return len(self._words) - 1

    def _policy(self, policy: Policy) -> int:
        for number in range(len(self._policies) - 1, -1, -1):
            if self._policies[number] is policy:
                return number
        self._policies.append(policy)
        return len(self._policies) - 1


class _Items(ItemsView[str, RecordState]):
    _mapping: Records

    def __iter__(self) -> Iterator[tuple[str, RecordState]]:
        return self._mapping.unpacked()


class _Values(ValuesView[RecordState]):
    _mapping: Records

    def __iter__(self) -> Iterator[RecordState]:
        return (state for _, state in self._mapping.unpacked())


def _recorded(state: RecordState) -> dict[str, Any]:
    """What the event that recorded it says."""
    return {"commit": state.commit, "record": state.content, "run_id": state.name.run_id}


def _key(refname: str) -> bytes:
    return refname.removeprefix(RECORD_PREFIX).encode(errors="surrogatepass")


def _bytes(digits: str) -> bytes:
    """The bytes that `digits` spells in the usual way, lower case and nothing else."""
    data = bytes.fromhex(digits)
    if data.hex() != digits:
        raise ValueError(digits)
    return data
