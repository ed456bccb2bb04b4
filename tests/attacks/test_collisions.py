"""Two contents under one SHA-1 name: whoever could make such a pair still cannot change what verifies.

No such pair is at hand for these objects, so the repository is read through a stand-in that gives other bytes for the
same name, past the check that git and arcgit make of it. What notices is the sha256 in the ledger and in the record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from arcgit.archive.context import open_context
from arcgit.archive.verify import Level, verify
from arcgit.model.finding import Verdict
from tests.attacks.test_ledger import chain
from tests.attacks.test_sweep import Held
from tests.compat.spoil import rewrapped
from tests.world import World, git


def judged(
    world: World, state: Path, oid: str, kind: str, change: Callable[[bytes], bytes], level: Level = "signatures"
) -> tuple[Verdict, set[str]]:
    """What is said of an archive in which an object has other bytes under its own name."""
    context = open_context(world.work, state_dir=state)
    held = Held(context.repo)
    data = context.repo.read(oid, kind)
    assert change(data) != data
    held.objects[oid] = kind, change(data)
    root = chain(world.work)[0]
    found = verify(replace(context, repo=held), level=level, trust_root=root)
    return found.verdict, {row.code for row in found.findings}


def test_a_tag_with_other_bytes_under_its_name_is_not_the_recorded_one(world: World, tmp_path: Path) -> None:
    """Its signature would be good in lines of another length."""
    oid = git(world.work, "rev-parse", f"refs/tags/{world.tag('deep')}")
    verdict, codes = judged(world, tmp_path, oid, "tag", rewrapped)
    assert verdict is Verdict.FAIL
    assert "tag-not-as-recorded" in codes


def test_a_manifest_with_other_bytes_under_its_name_is_noticed(world: World, tmp_path: Path) -> None:
    oid = git(world.work, "rev-parse", f"{world.tag('deep')}^{{commit}}:arcgit.yaml")
    verdict, codes = judged(world, tmp_path, oid, "blob", lambda data: data.replace(b"Ada", b"Eve"))
    assert (verdict, codes) == (Verdict.FAIL, {"manifest-digest"})


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_an_event_with_other_bytes_under_its_name_breaks_the_chain(world: World, tmp_path: Path, at: int) -> None:
    """The next event names the sha256 of the commit before it; its own signature would have noticed too."""
    verdict, codes = judged(world, tmp_path, chain(world.work)[at], "commit", lambda data: data.replace(b"T", b"S", 1))
    assert verdict is Verdict.FAIL
    assert codes & {"ledger-chain", "signature-bad", "ledger-event-invalid", "policy-chain"}


def test_code_with_other_bytes_under_its_name_is_noticed_where_bytes_are_judged(world: World, tmp_path: Path) -> None:
    oid = git(world.work, "rev-parse", "HEAD:src/train.py")
    verdict, codes = judged(world, tmp_path, oid, "blob", lambda data: data + b"\n", level="fixity")
    assert (verdict, codes) == (Verdict.FAIL, {"object-corrupt"})


def test_the_stand_in_changes_nothing_by_itself(world: World, tmp_path: Path) -> None:
    """Otherwise the rest would prove nothing."""
    context = open_context(world.work, state_dir=tmp_path)
    found = verify(replace(context, repo=Held(context.repo)), level="fixity", trust_root=chain(world.work)[0])
    assert (found.verdict, found.findings) == (Verdict.PASS, [])
