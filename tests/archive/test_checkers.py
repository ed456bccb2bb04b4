"""What was believed while the ledger was read is checked, by whichever process; nothing is passed over."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from arcgit.archive import checkers, ledger
from arcgit.archive.checkers import Checkers, Found
from arcgit.archive.context import open_context
from arcgit.archive.judge import ClaimReader, Question
from arcgit.model.event import Event
from bench.archive import make


@pytest.fixture(params=["ssh", "openpgp"])
def questions(request: pytest.FixtureRequest, tmp_path: Path) -> list[Question]:
    """What a ledger of a few records asks of whoever checks signatures."""
    made = make(tmp_path / "made", 6, params=2, artifacts=1, openpgp=request.param == "openpgp")
    claims = ClaimReader(keep=True)
    assert ledger.in_force(open_context(made.work, state_dir=made.state), claims) is not None
    return claims.believed


Note = tuple["str | None", Event, str]


class Believing(ClaimReader):
    """Believes everything, and keeps what it was told of notes."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[Note] = []

    def note(self, target: str | None, current: Event, tree: str) -> None:
        self.notes.append((target, current, tree))


@pytest.fixture
def notes(tmp_path: Path) -> list[Note]:
    """The notes of a ledger of a few records, with the tree after each."""
    made = make(tmp_path / "noted", 60, params=2, artifacts=1)
    believing = Believing()
    view = ledger.in_force(open_context(made.work, state_dir=made.state), elsewhere=believing)
    assert view is not None
    assert len(believing.notes) == view.ledger.seq > 60
    return believing.notes


def noted(notes: list[Note], number: int, before: list[Question]) -> Found:
    several = Checkers(number)
    try:
        for place, note in enumerate(notes):
            several.note(*note)
            for question in before[place : place + 1]:
                several(*question)
        return several.found()
    finally:
        several.drop()


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_tree_that_shows_another_note_than_the_event_is_found_wherever_it_stands(
    notes: list[Note], questions: list[Question], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkers, "NOTES", 3)
    monkeypatch.setattr(checkers, "MOST_NOTES", 40)
    monkeypatch.setattr(checkers, "AT_ONCE", 2)
    assert noted(notes, number, questions).sound
    for place in (0, 1, 2, 7, 8, 30, len(notes) - 1):
        target, current, tree = notes[place]
        another = (target, current, notes[place - 1][2] if place > 2 else "0" * 40)
        assert not noted([*notes[:place], another, *notes[place + 1 :]], number, questions).sound
        missed = (None, current, tree)
        assert noted([*notes[:place], missed, *notes[place + 1 :]], number, questions).sound == (target is None)


def test_notes_that_a_lost_process_was_to_check_are_no_good(notes: list[Note]) -> None:
    several = Checkers(1)
    try:
        os.kill(several._others[0]._child, signal.SIGKILL)
        for note in notes:
            several.note(*note)
        assert not several.found().sound
    finally:
        several.drop()


def asked(questions: list[Question], number: int) -> Found:
    several = Checkers(number)
    try:
        for question in questions:
            several(*question)
        return several.found()
    finally:
        several.drop()


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("at_once", [1, 3, 16])
def test_one_spoilt_signature_among_good_ones_is_found_wherever_it_stands(
    questions: list[Question], number: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkers, "AT_ONCE", at_once)
    assert asked(questions, number).sound
    for place, (policy, payload, signature, namespace) in enumerate(questions):
        spoilt = [*questions[:place], (policy, payload + b" ", signature, namespace), *questions[place + 1 :]]
        assert not asked(spoilt, number).sound


def test_a_signature_that_names_no_key_of_the_policy_is_no_good(questions: list[Question]) -> None:
    policy, payload, _, namespace = questions[0]
    assert not asked([*questions, (policy, payload, b"nobody", namespace)], 1).sound


def test_a_good_signature_by_another_key_than_was_believed_is_no_good(questions: list[Question]) -> None:
    policy, payload, signature, namespace = questions[0]
    for believed, good in ((policy.all_keys()[0].fingerprint, True), ("SHA256:another", False)):
        checking = checkers._Checking()
        asked_of = checkers._Question(0, payload, signature, namespace, believed)
        checking.take(checkers._Piece({0: checkers._plain(policy)}, [asked_of]))
        assert checking.found().sound == good


def test_what_a_lost_process_was_asked_is_no_good(questions: list[Question]) -> None:
    several = Checkers(1)
    try:
        os.kill(several._others[0]._child, signal.SIGKILL)
        for question in questions * 40:
            several(*question)
        assert not several.found().sound
    finally:
        several.drop()


def test_where_no_process_can_be_had_everything_is_checked_here(
    questions: list[Question], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none() -> int:
        raise BlockingIOError(11, "no more processes")

    monkeypatch.setattr(os, "fork", none)
    assert asked(questions, 2).sound
    policy, payload, signature, namespace = questions[-1]
    assert not asked([*questions[:-1], (policy, payload + b" ", signature, namespace)], 2).sound


@pytest.mark.parametrize("to_the_end", [True, False])
def test_no_process_is_left_and_no_end_of_a_pipe(questions: list[Question], *, to_the_end: bool) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    several = Checkers(3)
    children = [other._child for other in several._others]
    several(*questions[0])
    if to_the_end:
        several.found()
    several.drop()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_more_than_the_processes_have_time_for_is_checked_as_well(questions: list[Question]) -> None:
    """Thousands of questions, the last of them spoilt: whoever gets it says so."""
    policy, payload, signature, namespace = questions[-1]
    many = questions * 200
    assert asked(many, 1).sound
    assert not asked([*many, (policy, payload + b" ", signature, namespace)], 1).sound
