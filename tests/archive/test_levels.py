"""How closely `verify` looks: samples, what was not proven for long, events about it, and going on after an interruption."""

from __future__ import annotations

import io
import json
import os
import signal
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from arcgit.cli.app import run
from arcgit.model import canonical, proven
from tests import zygote
from tests.attacks.test_data import change
from tests.world import Person, World, git

FIXITY = ("--level", "fixity")


def fixity(world: World, *arguments: str, code: int = 0) -> dict[str, Any]:
    """The document of a run at level fixity, which is put on the ledger unless it says otherwise."""
    log = [] if "--no-log" in arguments else ["--log"]
    world.verify(*FIXITY, *log, *arguments, code=code)
    return dict(world.last)


def last_event(world: World) -> dict[str, Any]:
    """The newest event of the ledger."""
    return dict(world.arcgit("log")["events"][-1])


def text(world: World, *arguments: str) -> str:
    """What a person reads."""
    out = io.StringIO()
    with redirect_stdout(out):
        run(["-C", str(world.work), "verify", *FIXITY, *arguments])
    return out.getvalue()


def refs(world: World) -> str:
    return git(world.work, "for-each-ref") + git(world.hub, "for-each-ref")


def test_a_pass_is_put_on_the_ledger_with_all_that_was_read(world: World) -> None:
    done = fixity(world)
    event = last_event(world)
    assert (event["seq"], event["type"], event["actor"]) == (done["event"]["seq"], "verified", "ada")
    total = done["scope"]["objects"]
    assert {key: event["data"][key] for key in ("level", "outcome", "remotes", "objects")} == {
        "level": "fixity",
        "outcome": "pass",
        "remotes": ["git", "storage"],
        "objects": total,
    }
    assert event["data"]["bytes"] == done["scope"]["bytes_read"] > 0
    assert sorted(event["data"]["records"]) == sorted(done["records"])
    assert event["data"].keys().isdisjoint({"proven", "sample", "seed", "within", "earlier"})
    assert git(world.hub, "rev-parse", "refs/notes/arcgit") == done["event"]["oid"]
    assert world.verify(code=0) == []


def test_one_record_is_the_subject_of_its_event(world: World) -> None:
    fixity(world, "deep")
    event = last_event(world)
    assert event["subject"]["refname"].endswith(world.tag("deep"))
    assert "records" not in event["data"]


def test_presence_is_put_on_the_ledger_as_presence(world: World) -> None:
    world.verify("--level", "presence", "--log", code=0)
    assert last_event(world)["data"]["level"] == "presence"
    assert "proven" not in last_event(world)["data"]


@pytest.mark.parametrize("arguments", [(), FIXITY, ("--level", "presence"), ("--no-log", *FIXITY)])
def test_nothing_is_written_where_nobody_asked_for_it(world: World, arguments: tuple[str, ...]) -> None:
    """Judging must be safe in a clone whose git settings are an attacker's."""
    before = refs(world)
    assert world.verify(*arguments, code=0) == []
    assert refs(world) == before


def test_somebody_without_a_key_of_the_policy_gets_the_same_verdict_and_hears_why_it_is_not_logged(
    world: World, mallory: Person
) -> None:
    mallory.sign_as(world.work)
    before = refs(world)
    done = fixity(world)
    assert "is not in the archive's policy" in done["unlogged"]
    assert (done["verdict"], done["event"]) == ("pass", None)
    assert [found["code"] for found in done["findings"]] == ["verify-unlogged"]
    assert "Not logged: your key" in text(world, "--log")
    assert refs(world) == before


def test_without_any_signing_key_the_verdict_is_the_same(world: World) -> None:
    git(world.work, "config", "user.signingKey", "0" * 40)
    done = fixity(world)
    assert done["event"] is None
    assert done["unlogged"]


def test_a_push_that_is_refused_leaves_no_event_behind(world: World) -> None:
    hook = world.hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    before = git(world.work, "rev-parse", "refs/notes/arcgit")
    assert "refused the push" in fixity(world)["unlogged"]
    assert git(world.work, "rev-parse", "refs/notes/arcgit") == before


@pytest.mark.parametrize(
    ("weight", "code", "codes"), [("error", 1, ["verify-unlogged"]), ("warning", 0, ["verify-unlogged"])]
)
def test_a_policy_may_want_every_check_on_the_ledger(world: World, weight: str, code: int, codes: list[str]) -> None:
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(
        path.read_text().replace("version: 1", "version: 2").replace("  {}\n", f"  {{verify-unlogged: {weight}}}\n")
    )
    world.commit("Every check is logged")
    world.arcgit("policy", "adopt")
    assert fixity(world)["findings"] == []
    for arguments in ((), ("--no-log",)):
        assert world.verify(*FIXITY, *arguments, code=code) == codes


def test_a_failure_names_on_the_ledger_what_was_good_all_the_same(world: World) -> None:
    bad = world.object_path("model.pkl")
    size = bad.stat().st_size
    sealed = canonical.sha256(bad.read_bytes())
    change(bad, b"x" * size)
    done = fixity(world, code=1)
    event = last_event(world)
    assert event["data"]["outcome"] == "fail"
    digest = event["data"]["proven"]
    blob = git(world.hub, "cat-file", "blob", f"refs/arcgit/fixity:{digest[:2]}/{digest[2:]}") + "\n"
    listed = proven.parse(blob.encode())
    assert canonical.sha256(blob.encode()) == digest
    assert sealed not in {entry.sha256 for entry in listed}
    assert len(listed) == done["scope"]["objects"] - 1


def test_a_sample_never_reads_as_the_whole(world: World) -> None:
    done = fixity(world, "--sample", "4", "--seed", "tuesday")
    scope = done["scope"]
    assert (done["verdict"], scope["objects_checked"]) == ("pass", 4)
    assert scope["objects_skipped"] == scope["objects"] - 4
    assert scope["sample"] == {"objects": 4, "of": scope["objects"], "seed": "tuesday"}
    data = last_event(world)["data"]
    assert (data["sample"], data["seed"], data["objects"]) == (4, "tuesday", 4)
    assert len(data["proven"]) == 64
    words = text(world, "--sample", "4", "--seed", "tuesday", "--no-log")
    assert f"a sample of 4 of {scope['objects']} objects" in words
    assert "--seed tuesday" in words


def test_the_same_seed_draws_the_same_sample_and_a_larger_one_holds_it(world: World) -> None:
    def drawn(*arguments: str) -> set[str]:
        fixity(world, *arguments)
        digest = last_event(world)["data"]["proven"]
        blob = git(world.work, "cat-file", "blob", f"refs/arcgit/fixity:{digest[:2]}/{digest[2:]}") + "\n"
        return {f"{entry.remote} {entry.sha256}" for entry in proven.parse(blob.encode())}

    four = drawn("--sample", "4", "--seed", "a")
    assert drawn("--sample", "4", "--seed", "a", "-j", "1") == four
    assert four < drawn("--sample", "8", "--seed", "a")
    assert drawn("--sample", "4", "--seed", "b") != four


def test_a_seed_that_nobody_chose_is_said(world: World) -> None:
    first, second = (fixity(world, "--sample", "2", "--no-log")["scope"]["sample"]["seed"] for _ in range(2))
    assert len(first) == 16
    assert first != second


def test_a_share_of_all_objects_is_rounded_up(world: World) -> None:
    scope = fixity(world, "--sample", "1%", "--no-log")["scope"]
    assert scope["objects_checked"] == 1
    assert fixity(world, "--sample", "100%", "--no-log")["scope"]["objects_skipped"] == 0


def test_a_sample_at_level_presence_looks_at_so_many(world: World) -> None:
    world.verify("--level", "presence", "--sample", "3", "--no-log", code=0)
    assert world.last["scope"]["objects_checked"] == 3


@pytest.mark.parametrize(
    "arguments",
    [
        (*FIXITY, "--sample", "0"),
        (*FIXITY, "--sample", "-1"),
        (*FIXITY, "--sample", "101%"),
        (*FIXITY, "--sample", "0%"),
        (*FIXITY, "--sample", "some"),
        (*FIXITY, "--sample", "1.5"),
        (*FIXITY, "--sample", "²"),
        (*FIXITY, "--seed", "a"),
        (*FIXITY, "--sample", "1", "--seed", "a" * 201),
        (*FIXITY, "--since", "soon"),
        (*FIXITY, "--since", "2999-01-01"),
        ("--since", "90d"),
        ("--level", "presence", "--since", "90d"),
        ("--sample", "3"),
        ("--resume",),
        ("--log",),
        (*FIXITY, "-j", "0"),
    ],
)
def test_what_cannot_be_meant_is_a_question_of_usage(world: World, arguments: tuple[str, ...]) -> None:
    with redirect_stdout(io.StringIO()):
        assert run(["-C", str(world.work), "verify", *arguments]) == 2


def test_what_was_proven_since_is_not_read_again_and_by_whose_word_is_said(world: World) -> None:
    first = fixity(world)
    change(world.object_path("model.pkl"), b"x" * world.object_path("model.pkl").stat().st_size)
    done = fixity(world, "--since", "90d", "--no-log")
    scope = done["scope"]
    assert (done["verdict"], scope["objects_checked"], scope["objects_skipped"]) == ("pass", 0, scope["objects"])
    since = scope["since"]
    assert since["objects_proven"] == scope["objects"]
    assert [(one["event"], one["by"]) for one in since["by_events"]] == [(first["event"]["seq"], "ada")]
    assert f"by the word of event {first['event']['seq']} by ada" in text(world, "--since", "90d", "--no-log")
    assert fixity(world, code=1)["findings"]


def test_what_nobody_proved_is_read_with_since(world: World) -> None:
    scope = fixity(world, "--since", "90d", "--no-log")["scope"]
    assert scope["objects_checked"] == scope["objects"]
    assert scope["since"]["by_events"] == []


def test_a_sample_counts_for_its_objects_alone_and_the_next_takes_others(world: World) -> None:
    total = fixity(world, "--sample", "5", "--since", "90d")["scope"]["objects"]
    assert fixity(world, "--since", "90d", "--no-log")["scope"]["objects_checked"] == total - 5
    fixity(world, "--sample", "5", "--since", "90d")
    assert fixity(world, "--since", "90d", "--no-log")["scope"]["objects_checked"] == total - 10
    assert fixity(world, "--since", "90d")["scope"]["objects_skipped"] == 10
    assert fixity(world, "--since", "90d", "--no-log")["scope"]["objects_checked"] == 0


def test_proofs_before_a_failure_do_not_count_save_for_what_it_found_good(world: World) -> None:
    fixity(world)
    path = world.object_path("model.pkl")
    good = path.read_bytes()
    change(path, b"x" * len(good))
    fixity(world, code=1)
    scope = fixity(world, "--since", "90d", "--no-log", code=1)["scope"]
    assert (scope["objects_checked"], scope["objects_skipped"]) == (1, scope["objects"] - 1)
    change(path, good)
    assert fixity(world, "--since", "90d", code=0)["scope"]["objects_checked"] == 1
    assert fixity(world, "--since", "90d", "--no-log")["scope"]["objects_checked"] == 0


def test_a_list_that_is_not_here_or_was_edited_proves_nothing(world: World) -> None:
    total = fixity(world, "--sample", "5")["scope"]["objects"]
    for ref in git(
        world.work, "for-each-ref", "--format=%(refname)", "refs/arcgit/fixity", "refs/arcgit/remotes"
    ).split():
        git(world.work, "update-ref", "-d", ref)
    codes = world.verify(*FIXITY, "--since", "90d", "--no-log", code=3)
    assert set(codes) == {"fixity-list"}
    assert total


RUN = """
import os, sys
from arcgit.archive.looking import checkpoint, pieces
checkpoint.EVERY_SECONDS = checkpoint.SETTLED_SECONDS = 0.0
pieces.CHUNK = 1
from arcgit.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def child(world: World, *arguments: str, code: int, **env: str) -> dict[str, Any]:
    """A run in a process of its own that keeps what it reads after each object."""
    command = ["-C", str(world.work), "verify", *FIXITY, "--no-log", "--json", *arguments]
    done = zygote.command("python", RUN, *command, cwd=world.root, **env)
    assert done.returncode == code, done.stderr + done.stdout
    found: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
    return {**found, "said": done.stderr}


def kept(world: World) -> list[Path]:
    return list((world.state / "arcgit" / "fixity").glob("*.jsonl")) if (world.state / "arcgit").exists() else []


@pytest.fixture
def killed(world: World) -> World:
    """A run that was killed after it had kept what it read for the fifth time."""
    child(world, code=-signal.SIGKILL, ARCGIT_CRASH_AT="reading-kept:5")
    assert len(kept(world)) == 1
    assert kept(world)[0].stat().st_mode & 0o077 == 0
    return world


def test_a_killed_run_goes_on_where_it_was_and_leaves_nothing(killed: World) -> None:
    done = child(killed, "--resume", code=0)
    scope = done["scope"]
    assert scope["objects_earlier"] >= 4
    assert scope["objects_checked"] + scope["objects_earlier"] == scope["objects"]
    assert "going on with a run of" in done["said"]
    assert f"{scope['objects_earlier']} of {scope['objects']} objects were read then" in done["said"]
    assert kept(killed) == []


def test_a_run_that_was_not_asked_to_go_on_reads_everything_and_says_that_it_could_have(killed: World) -> None:
    done = child(killed, code=0)
    assert done["scope"]["objects_checked"] == done["scope"]["objects"]
    assert "objects_earlier" not in done["scope"]
    assert "--resume goes on with it" in done["said"]
    assert kept(killed) == []


def read_so_far(world: World) -> list[Path]:
    """The objects of the store that the killed run found good."""
    rows = [json.loads(line) for line in kept(world)[0].read_text().splitlines()[1:]]
    return [world.store / "files" / "md5" / oid[:2] / oid[2:] for _, oid, *_ in rows]


def test_a_flip_made_between_the_runs_is_found(killed: World) -> None:
    for path in read_so_far(killed):
        data = bytearray(path.read_bytes())
        times = path.stat()
        data[0] ^= 1
        change(path, bytes(data))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    done = child(killed, "--resume", code=1)
    assert len({found["expected"] for found in done["findings"]}) == len(read_so_far_before(done))
    assert done["scope"]["objects_earlier"] == 0


def read_so_far_before(done: dict[str, Any]) -> set[str]:
    return {found["expected"] for found in done["findings"] if found["code"] == "object-corrupt"}


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_an_object_that_went_away_between_the_runs_is_found(killed: World, how: str) -> None:
    path = read_so_far(killed)[0]
    data = path.read_bytes()
    path.unlink()
    if how == "replaced":
        path.write_bytes(b"x" * len(data))
    child(killed, "--resume", code=1)


def forged(world: World, **changes: str) -> Path:
    """The file of a run as somebody would forge it who wants bad bytes to pass: everything read, everything good."""
    path = kept(world)[0]
    bad = world.object_path("model.pkl")
    change(bad, b"x" * bad.stat().st_size)
    header, *_ = path.read_text().splitlines()
    header = json.dumps({**json.loads(header), **changes})
    place = json.loads(path.read_text().splitlines()[1])[0]
    status, sealed = bad.stat(), next(found for found in child(world, code=1)["findings"])["expected"]
    oid = bad.parent.name + bad.name
    row = [place, oid, sealed, status.st_size, [status.st_mtime_ns, status.st_ctime_ns, status.st_ino]]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{header}\n{json.dumps(row)}\n")
    path.chmod(0o600)
    return path


def test_what_somebody_else_could_have_written_is_not_gone_on_with(killed: World) -> None:
    """Proves first that the forgery would work were it in the person's own file."""
    path = forged(killed)
    text = path.read_text()
    assert child(killed, "--resume", code=0)["scope"]["objects_earlier"] == 1
    for mode in (0o660, 0o606, 0o644):
        path.write_text(text)
        path.chmod(mode)
        assert child(killed, "--resume", code=1)["findings"]
        path.unlink(missing_ok=True)


def test_a_link_or_a_folder_of_others_is_not_gone_on_with(killed: World, tmp_path: Path) -> None:
    path = forged(killed)
    text = path.read_text()
    real = tmp_path / "elsewhere"
    real.write_text(text)
    real.chmod(0o600)
    path.unlink()
    path.symlink_to(real)
    assert child(killed, "--resume", code=1)["findings"]
    assert real.read_text() == text
    path.unlink(missing_ok=True)
    os.link(real, path)
    assert child(killed, "--resume", code=1)["findings"]
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    path.parent.chmod(0o777)
    assert child(killed, "--resume", code=1)["findings"]


def test_a_file_that_came_with_a_hostile_repository_is_never_looked_at(killed: World) -> None:
    path = forged(killed)
    for folder in (".git/arcgit", ".git/arcgit/fixity", ".arcgit", ".arcgit/fixity", "arcgit/fixity"):
        place = killed.work / folder
        place.mkdir(parents=True, exist_ok=True)
        (place / path.name).write_text(path.read_text())
        (place / path.name).chmod(0o600)
    path.unlink()
    assert child(killed, "--resume", code=1)["findings"]


@pytest.mark.parametrize(
    "changes",
    [
        {"started": "2020-01-01T00:00:00Z"},
        {"started": "2999-01-01T00:00:00Z"},
        {"started": "soon"},
        {"key": "0" * 64},
        {"schema": "arcgit/fixity-run/v2"},
    ],
)
def test_an_old_run_or_one_of_something_else_is_not_gone_on_with(killed: World, changes: dict[str, str]) -> None:
    forged(killed, **changes)
    done = child(killed, "--resume", code=1)
    assert "no interrupted run to go on with" in done["said"]
    assert "objects_earlier" not in done["scope"]


def test_a_line_that_was_being_written_when_the_run_died_is_dropped(killed: World) -> None:
    path = kept(killed)[0]
    whole = len(path.read_text().splitlines()) - 1
    path.write_text(path.read_text() + '["0000')
    assert child(killed, "--resume", code=0)["scope"]["objects_earlier"] == whole


@pytest.mark.parametrize("end", ["x", "[]\n", "\n", '["a", "b", "c", "d", []]\n'])
def test_a_damaged_file_is_read_as_none(killed: World, end: str) -> None:
    path = kept(killed)[0]
    path.write_text(path.read_text() + end + "\n")
    assert "no interrupted run to go on with" in child(killed, "--resume", code=0)["said"]


def test_another_set_of_records_is_another_run(killed: World) -> None:
    done = child(killed, "--resume", "deep", code=0)
    assert "no interrupted run to go on with" in done["said"]
    assert len(kept(killed)) == 1


def test_a_run_that_went_on_says_so_on_the_ledger(killed: World) -> None:
    done = fixity(killed, "--resume")
    assert last_event(killed)["data"]["earlier"] == done["scope"]["objects_earlier"] > 0
    assert "proven" not in last_event(killed)["data"]
    assert done["scope"]["earlier_run"]
