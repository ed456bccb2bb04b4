"""The survival clock: when data was last proven, by whose word, in `show` and in the audit report."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stdout
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from arcgit.cli import report_commands
from arcgit.cli.app import run
from arcgit.cli.clock import now
from arcgit.rules.proof import Proof, Standing
from arcgit.rules.survival import Clocks, Held
from tests.attacks.test_data import change
from tests.world import World

NOW = datetime(2026, 11, 28, 23, 59, tzinfo=timezone.utc)
LONG_AGO, LATELY = "2026-01-01T00:00:00Z", "2026-11-01T00:00:00Z"


def proof(time: str, seq: int = 9, by: str = "ada", outcome: str = "pass") -> Proof:
    return Proof(seq=seq, time=time, by=by, kind="verified", outcome=outcome)


def held(whole: Proof | None = None, *, failed: Proof | None = None, name: str = "a", remote: str = "storage") -> Held:
    """A record with one content of two objects and ten bytes."""
    return Held(remote, {name * 64: (2, 10)}, Standing(whole, [], failed))


def clock(*rows: tuple[str, Held]) -> dict[str, Any]:
    """The clock of the only remote, over records with the times that they claim."""
    clocks = Clocks(NOW)
    for recorded, one in rows:
        clocks.add(recorded, [one])
    found: dict[str, Any] = clocks.to_dict()["remotes"]["storage"]
    return found


def amount(records: int, contents: int) -> dict[str, int]:
    return {"records": records, "objects": 2 * contents, "bytes": 10 * contents}


def test_what_was_proven_lately_is_counted_with_its_bytes_and_its_people() -> None:
    found = clock(
        (LONG_AGO, held(proof(LATELY))), (LONG_AGO, held(proof(LONG_AGO, 5, "bob"), name="b")), (LATELY, held(name="c"))
    )
    assert (found["total"], found["proven"], found["never_proven"]) == (amount(3, 3), amount(1, 1), amount(1, 1))
    assert found["by"] == ["ada"]
    assert found["oldest_proof"] == {"event": 5, "type": "verified", "by": "bob", "time": LONG_AGO}


def test_what_several_records_hold_is_counted_once_and_proven_by_any_of_them() -> None:
    found = clock((LONG_AGO, held()), (LONG_AGO, held(proof(LATELY))), (LONG_AGO, held()))
    assert (found["total"], found["proven"], found["never_proven"]) == (amount(3, 1), amount(1, 1), amount(2, 0))


def test_a_failure_since_takes_the_proof_away() -> None:
    found = clock((LONG_AGO, held(proof(LATELY), failed=proof(LATELY, 10, "bob", "fail"))))
    assert (found["proven"], found["failed_since"], found["overdue"]) == (amount(0, 0), amount(1, 1), True)


@pytest.mark.parametrize(
    ("recorded", "whole", "overdue"),
    [
        (LONG_AGO, None, True),
        (LONG_AGO, proof(LONG_AGO), True),
        (LONG_AGO, proof("2027-11-01T00:00:00Z"), True),
        (LONG_AGO, proof(LATELY), False),
        (LATELY, None, False),
    ],
)
def test_it_is_overdue_where_nothing_old_was_proven_lately(
    recorded: str, whole: Proof | None, *, overdue: bool
) -> None:
    assert clock((recorded, held(whole)))["overdue"] is overdue


def report(world: World, *arguments: str) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        run(["-C", str(world.work), "audit-report", *arguments])
    return out.getvalue()


def test_nothing_is_said_at_the_top_of_a_report_on_what_is_new(world: World) -> None:
    assert "Nobody has proven" not in report(world)
    document = json.loads(report(world, "--format", "json"))
    survival = document["scope"]["survival"]
    assert survival["days"] == 90
    assert survival["remotes"]["storage"]["never_proven"]["records"] == 3
    assert "3 records not proven since sealed" in report(world)


def clocks(world: World) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(report(world, "--format", "json"))["scope"]["survival"]["remotes"]
    return found


def test_one_changed_object_takes_the_proof_of_its_own_record_away_in_its_own_remote(world: World) -> None:
    """All of the others were read whole, by the same run, and it says so."""
    world.verify("--level", "fixity", "--log", code=0)
    change(world.object_path("model.pkl"), b"changed")
    world.verify("--level", "fixity", "--log", code=1)
    found = clocks(world)
    assert [found["git"][name]["records"] for name in ("proven", "failed_since")] == [3, 0]
    assert [found["storage"][name]["records"] for name in ("proven", "failed_since")] == [2, 1]
    assert world.verify("--level", "fixity", "--since", "90d", code=1) == ["object-corrupt"]
    assert world.last["scope"]["objects_checked"] == 1


def test_a_run_that_could_not_look_everywhere_proves_what_it_read_whole(world: World) -> None:
    """A first run, of which one object cannot be read."""
    path = world.object_path("model.pkl")
    path.unlink()
    path.mkdir()
    world.verify("--level", "fixity", "--log", code=3)
    found = clocks(world)
    assert (found["git"]["proven"]["records"], found["storage"]["proven"]["records"]) == (3, 2)
    path.rmdir()
    shutil.copy(world.work / "model.pkl", path)
    world.object_path("data/train").unlink()
    world.verify("--level", "fixity", "--log", code=1)
    found = clocks(world)
    assert [found["storage"][name]["records"] for name in ("proven", "failed_since")] == [0, 2]


@pytest.mark.parametrize("form", ["text", "md"])
def test_a_report_begins_with_it_where_nobody_proved_anything_for_long(
    world: World, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(report_commands, "now", lambda: now() + timedelta(days=120))
    head = "\n".join(report(world, "--format", form).splitlines()[:8])
    assert "Nobody has proven within 90 days that the data in storage is whole: arcgit verify --level fixity" in head


@pytest.mark.parametrize("form", ["text", "md", "json"])
def test_a_proof_is_told_with_its_author_everywhere(world: World, form: str) -> None:
    world.verify("deep", "--level", "fixity", "--log", code=0)
    said = report(world, "--format", form)
    if form == "json":
        storage = json.loads(said)["scope"]["survival"]["remotes"]["storage"]
        assert (storage["proven"]["records"], storage["total"]["records"], storage["by"]) == (1, 3, ["ada"])
    else:
        assert "1 of 3 records" in said
        assert "by the word of ada" in said
        assert "by ada (event 6)" in said


def test_show_and_log_tell_when_it_was_last_proven(world: World) -> None:
    def said(*arguments: str) -> str:
        out = io.StringIO()
        with redirect_stdout(out):
            run(["-C", str(world.work), *arguments])
        return out.getvalue()

    assert "last proven" not in said("show", "deep")
    world.verify("deep", "--level", "fixity", "--log", code=0)
    assert "by ada (event 6)" in said("show", "deep")
    assert "pass at level fixity: " in said("log", "deep")
    assert "in git, storage" in said("log", "deep")
    rows = {row["remote"]: row for row in world.arcgit("show", "deep")["record"]["proven"]}
    assert rows["storage"]["proven"]["by"] == "ada"
    change(world.object_path("model.pkl"), b"short")
    world.verify("deep", "--level", "fixity", "--log", code=1)
    assert "failed" in said("show", "deep")
    assert world.arcgit("show", "deep")["record"]["proven"][1]["failed_since"]["event"] == 7
