"""Every bit of a tag, of a ledger event, of the genesis and of a policy event, flipped one at a time: none may pass.

The attacker writes the changed object under its new name and lets the ref, or the commits behind it, point to it, as anybody
with push access can. The verifier knows the founder's fingerprint and nothing else, so it is never a pin that notices.
One bit of every byte here; every bit with `make sweep`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import ledger
from arcgit.archive.context import open_context
from arcgit.archive.judge import SignatureJudge
from arcgit.archive.verify import verify
from arcgit.errors import ArcgitError
from arcgit.git.refs import Ref, Refs
from arcgit.git.repository import Repository
from arcgit.model import canonical
from arcgit.model.event import Subject
from arcgit.model.finding import Verdict, judge
from arcgit.model.gitobject import MAX_OBJECT_BYTES, object_id
from arcgit.model.names import LEDGER_REF, RecordName
from arcgit.rules.sealed import judge_tag
from tests.attacks.test_ledger import chain, forget_pin, raw_commit
from tests.attacks.test_tags import raw_tag, write_tag
from tests.compat.spoil import write
from tests.world import World

EVERY_BIT = os.environ.get("SWEEP") == "every-bit"
PARTS = 8
"""The sweep of one object is shared out, so that several processes can take part."""


class Held(Repository):
    """A repository whose refs are held in memory, and to which objects can be added without writing them."""

    def __init__(self, real: Repository) -> None:
        vars(self).update(vars(real))
        self.real = real
        self.kept = {ref.name: ref for ref in real.refs()}
        self.objects: dict[str, tuple[str, bytes]] = {}

    def add(self, kind: str, raw: bytes) -> str:
        oid = object_id(kind, raw)
        self.objects[oid] = kind, raw
        return oid

    def point(self, oid: str, kind: str, *names: str) -> None:
        self.kept |= {name: Ref(name, oid, kind) for name in names}

    def refs(self, *prefixes: str) -> Refs:
        found = [ref for name, ref in sorted(self.kept.items()) if name.startswith(prefixes)]
        return Refs(b"".join(b"%s %s %s\n" % (ref.oid.encode(), ref.kind.encode(), ref.name.encode()) for ref in found))

    def ref(self, name: str) -> str | None:
        return self.kept[name].oid if name in self.kept else None

    def read(self, oid: str, kind: str, limit: int = MAX_OBJECT_BYTES) -> bytes:
        if oid not in self.objects:
            self.objects[oid] = kind, self.real.read(oid, kind, limit)
        assert self.objects[oid][0] == kind
        return self.objects[oid][1]

    def history(self, tip: str) -> Iterator[tuple[str, bytes]]:
        """As `first_parents`, from the other end: however the ledger is read, it is read from here."""
        yield from list(self.first_parents(tip))[::-1]

    def batch(self) -> Any:
        return Handing(self.read)


class Handing:
    """Many objects, one after the other; None where one is not simply handed over."""

    def __init__(self, read: Callable[[str, str], bytes]) -> None:
        self._read = read

    def stream(self, oids: Sequence[str], kind: str) -> Iterator[bytes | None]:
        for oid in oids:
            try:
                yield self._read(oid, kind)
            except (ArcgitError, AssertionError):
                yield None

    def close(self) -> None:
        """There is nothing to close."""


class Sweep:
    """The archive, and whether a changed copy of it is taken for good."""

    def __init__(self, world: World, state: Path) -> None:
        self.context = open_context(world.work, state_dir=state)
        view = ledger.require(self.context)
        self.view, self.founder = view, view.ledger.founder
        self.chain = [self.context.repo.read(oid, "commit") for oid, _ in view.ledger.events]
        self.kept = Held(self.context.repo)

    def passes(self) -> bool:
        """True where the archive as it is held now passes. An ArcgitError is an answer; anything else is a bug."""
        try:
            found = verify(replace(self.context, repo=self.kept), trust_root=self.founder, allow_empty=True)
        except ArcgitError as fault:
            assert fault.exit_code in {1, 2, 3}  # noqa: PT017
            return False
        return found.verdict is Verdict.PASS

    def tag_passes(self, refname: str, raw: bytes) -> bool:
        """The ledger is the same each time and was read when the sweep was made."""
        self.kept.point(self.kept.add("tag", raw), "tag", refname)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ledger, "in_force", lambda *_, **__: self.view)
            return self.passes()

    def ledger_passes(self, *commits: bytes) -> bool:
        """A ledger of these commits; those behind a changed one are linked to it, and nothing is signed again."""
        parent = ""
        for raw in commits:
            sound = raw in self.chain
            linked = raw[:46] + b"parent " + parent.encode() + raw[93:] if parent and sound else raw
            parent = self.kept.add("commit", linked)
        self.kept.point(parent, "commit", LEDGER_REF, "refs/notes/origin/arcgit")
        return self.passes()

    def without_records(self) -> None:
        for name in [name for name in self.kept.kept if name.startswith("refs/tags/exp/")]:
            del self.kept.kept[name]


@pytest.fixture
def sweep(world: World, tmp_path: Path) -> Sweep:
    made = Sweep(world, tmp_path / "unused")
    control = Sweep(world, tmp_path / "control")
    assert control.passes()
    assert control.ledger_passes(*control.chain), "what is linked again as it was is the same"
    return made


def flips(raw: bytes, part: int) -> Iterator[bytes]:
    """`raw` with one bit flipped: every bit of a share of its bytes, or one bit of each."""
    for at in range(part, len(raw), PARTS):
        for bit in range(8) if EVERY_BIT else [(at // PARTS) % 8]:
            yield raw[:at] + bytes([raw[at] ^ (1 << bit)]) + raw[at + 1 :]


def survivors(raw: bytes, part: int, passes: Callable[[bytes], bool]) -> list[bytes]:
    found = [changed for changed in flips(raw, part) if passes(changed)]
    return found or [cut for cut in map(raw.__getitem__, map(slice, range(part, len(raw), PARTS * 4))) if passes(cut)]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bit_of_a_tag_can_be_flipped(world: World, sweep: Sweep, part: int) -> None:
    tag = world.tag("deep")
    raw = raw_tag(world.work, tag)
    assert sweep.tag_passes(f"refs/tags/{tag}", raw)
    assert survivors(raw, part, lambda changed: sweep.tag_passes(f"refs/tags/{tag}", changed)) == []


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("experiment", ["baseline", "deep"], ids=["OpenPGP", "SSH"])
def test_no_bit_of_a_tag_can_be_flipped_although_the_ledger_has_recorded_it_so(
    world: World, sweep: Sweep, experiment: str, part: int
) -> None:
    """The signature alone notices, for whoever could make the ledger name the changed object."""
    tag = world.tag(experiment)
    name, known = RecordName.parse(f"refs/tags/{tag}"), sweep.view.ledger.records[f"refs/tags/{tag}"]
    assert name is not None
    verifier = SignatureJudge()

    def passes(raw: bytes) -> bool:
        subject = Subject(refname=known.subject.refname, oid=object_id("tag", raw), sha256=canonical.sha256(raw))
        recorded = replace(known, subject=subject)
        archive = sweep.view.ledger.archive
        found = judge_tag(name, raw, archive=archive, policy=known.policy, known=recorded, verify=verifier)[1]
        return judge(found, checked=1) is Verdict.PASS

    raw = raw_tag(world.work, tag)
    assert passes(raw)
    assert survivors(raw, part, passes) == []


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bit_of_the_last_event_can_be_flipped(sweep: Sweep, part: int) -> None:
    *before, last = sweep.chain
    assert survivors(last, part, lambda changed: sweep.ledger_passes(*before, changed)) == []


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bit_of_an_event_in_the_middle_can_be_flipped(sweep: Sweep, part: int) -> None:
    """Those behind it are linked to the changed one."""
    first, policy, third, *rest = sweep.chain
    assert survivors(third, part, lambda changed: sweep.ledger_passes(first, policy, changed, *rest)) == []


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bit_of_a_policy_event_can_be_flipped(sweep: Sweep, part: int) -> None:
    """In an archive that has no more than its policy, so that nothing behind it can notice."""
    sweep.without_records()
    first, policy, *_ = sweep.chain
    assert survivors(policy, part, lambda changed: sweep.ledger_passes(first, changed)) == []


@pytest.mark.parametrize("part", range(PARTS))
def test_no_bit_of_the_genesis_can_be_flipped(sweep: Sweep, part: int) -> None:
    sweep.without_records()
    first, policy, *_ = sweep.chain
    assert survivors(first, part, lambda changed: sweep.ledger_passes(changed, policy)) == []


def test_an_archive_of_nothing_but_its_policy_passes(world: World, tmp_path: Path) -> None:
    """Otherwise the sweeps of policy and genesis would prove nothing."""
    sweep = Sweep(world, tmp_path / "control")
    sweep.without_records()
    assert sweep.ledger_passes(*sweep.chain[:2])


@pytest.mark.parametrize("share", [0.05, 0.3, 0.55, 0.8, 0.97])
@pytest.mark.parametrize("what", ["tag", "event"])
def test_a_bit_flipped_in_the_repository_itself_is_found_by_the_command(world: World, what: str, share: float) -> None:
    """The same with real objects and refs, through the command line."""
    tag, tip = world.tag("deep"), chain(world.work)[-1]
    raw = raw_tag(world.work, tag) if what == "tag" else raw_commit(world.work, tip)
    at = int(len(raw) * share)
    changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
    if what == "tag":
        write_tag(world.work, changed, f"refs/tags/{tag}")
    else:
        # Written past git, which would refuse some of them.
        for name in (LEDGER_REF, "refs/notes/origin/arcgit"):
            (world.work / ".git" / name).write_text(write(world.work, "commit", changed) + "\n")
    world.verify(*forget_pin(world))
    assert world.last["verdict"] in {"fail", "cannot-verify"}
