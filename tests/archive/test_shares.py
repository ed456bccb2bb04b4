"""Several processes that judge an archive together say what one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from arcgit.archive import aside, shares, verify
from arcgit.archive.checkers import Checkers, Found
from arcgit.archive.context import open_context
from arcgit.archive.verify import VerifyResult
from arcgit.model.finding import Verdict
from bench.archive import make
from tests.compat.test_compat import CASES, unpacked
from tests.world import git


def judged(folder: Path, state: Path, monkeypatch: pytest.MonkeyPatch, *, parts: int) -> VerifyResult:
    monkeypatch.setattr(shares, "MANY", 1)
    monkeypatch.setattr(shares, "processors", lambda: parts)
    monkeypatch.setattr(aside, "processors", lambda: parts)
    return verify.verify(open_context(folder, state_dir=state))


@pytest.mark.parametrize("parts", [2, 3])
@pytest.mark.parametrize(("version", "name"), CASES)
def test_every_released_archive_and_every_attack_on_it_is_judged_the_same(
    version: str, name: str, parts: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpacked(version, name, tmp_path, monkeypatch)
    one = judged(folder, tmp_path / "state", monkeypatch, parts=1)
    several = judged(folder, tmp_path / "state", monkeypatch, parts=parts)
    assert (several.verdict, several.findings, several.scope) == (one.verdict, one.findings, one.scope)


def test_every_tag_is_judged_by_some_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the tags is spoilt in turn; no share passes over it."""
    made = make(tmp_path / "made", 7, params=2, artifacts=1)
    refs = git(made.work, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags/exp").splitlines()
    names = [line.split()[0] for line in refs]
    for name, other in zip(names, names[1:] + names[:1], strict=True):
        oid = git(made.work, "rev-parse", name).strip()
        git(made.work, "update-ref", name, git(made.work, "rev-parse", other).strip())
        found = {finding.subject for finding in judged(made.work, made.state, monkeypatch, parts=3).findings}
        assert name.removeprefix("refs/tags/") in found
        git(made.work, "update-ref", name, oid)


def alone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Filled as often as one process judges everything."""
    asked: list[int] = []
    whole = shares._all

    def counted(*arguments: object, **options: object) -> object:
        asked.append(1)
        return whole(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(shares, "_all", counted)
    return asked


def test_where_one_signature_of_the_ledger_is_not_good_one_process_judges_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(tmp_path / "made", 7, params=2, artifacts=1)
    asked = alone(monkeypatch)
    judged(made.work, made.state, monkeypatch, parts=2)
    assert asked == []

    def spoilt(self: Checkers) -> Found:
        return Found(sound=False)

    monkeypatch.setattr(Checkers, "found", spoilt)
    judged(made.work, made.state, monkeypatch, parts=2)
    assert asked == [1]


@pytest.mark.parametrize(("ends", "by_one"), [("2024-12-31T00:00:00Z", 1), ("2035-01-01T00:00:00Z", 0)])
def test_a_key_that_ended_before_an_event_of_its_is_judged_by_one_process(
    ends: str, by_one: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(tmp_path / "made", 7, params=2, artifacts=1)
    asked = alone(monkeypatch)
    found = Checkers.found

    def with_an_end(self: Checkers) -> Found:
        said = found(self)
        said.ends = {made.trust_root: ends}
        return said

    monkeypatch.setattr(Checkers, "found", with_an_end)
    judged(made.work, made.state, monkeypatch, parts=2)
    assert len(asked) == by_one


def test_an_honest_archive_passes_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path / "made", 5, params=2, artifacts=1)
    monkeypatch.setattr(shares, "MANY", 1)
    monkeypatch.setattr(shares, "processors", lambda: 2)
    founder = verify.verify(open_context(made.work, state_dir=tmp_path), ask=lambda _: True)
    assert (founder.verdict, founder.scope["records_checked"]) == (Verdict.PASS, 5)
