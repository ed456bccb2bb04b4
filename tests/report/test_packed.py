"""A packed record reads as the record that was packed."""

from __future__ import annotations

from arcgit.report.audit import Packed

RECORD = {
    "tag": "exp/churn/deep/0123456789ab",
    "params": {"lr": 1e-3, "note": "ünïcode \u202e"},
    "files": None,
    "n": [1, 2.5],
}


def test_it_reads_as_what_was_packed() -> None:
    assert dict(Packed(RECORD)) == RECORD
    assert {**Packed(RECORD)} == RECORD
    assert len(Packed(RECORD)) == len(RECORD)


def test_two_records_are_not_taken_for_each_other() -> None:
    many = [Packed({"tag": str(number)}) for number in range(9)]
    assert [one["tag"] for one in many] == [str(number) for number in range(9)]
    assert [one["tag"] for one in reversed(many)] == [str(number) for number in reversed(range(9))]
