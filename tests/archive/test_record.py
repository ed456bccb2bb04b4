"""`arcgit record` and `arcgit sync`: what is sealed, when, and what happens to it on the way."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import readback
from arcgit.archive import record as recording
from arcgit.archive import seal as sealing
from arcgit.cli.app import run
from tests.world import MANIFEST, Person, World, dvc, git, invoke, next_experiment

LEDGER = "refs/notes/arcgit"


def sealed(work: Path, tag: str) -> dict[str, object]:
    """The record's JSON as stock git shows it."""
    message = git(work, "for-each-ref", "--format=%(contents:body)", f"refs/tags/{tag}")
    document: dict[str, object] = json.loads(message.rpartition("Arcgit-Record: ")[2])
    return document


def test_stock_git_shows_the_record_and_verifies_its_signature(world: World) -> None:
    git(world.work, "verify-tag", world.tag("baseline"))
    allowed = world.root / "allowed"
    allowed.write_text(f"bob@example.org {(Path.home() / 'bob.pub').read_text()}")
    git(world.work, "-c", f"gpg.ssh.allowedSignersFile={allowed}", "verify-tag", world.tag("deep"))
    shown = git(world.work, "show", "--no-patch", world.tag("baseline"))
    assert "\nmodel: model.pkl, " in shown
    assert "\nmetrics: auc=0.91, " in shown


def test_the_record_is_an_in_toto_statement_over_every_output(world: World) -> None:
    record = sealed(world.work, world.tag("baseline"))
    assert record["_type"] == "https://in-toto.io/Statement/v1"
    assert record["predicateType"] == "urn:arcgit:experiment:v1"
    subjects = record["subject"]
    assert isinstance(subjects, list)
    assert {subject["name"] for subject in subjects} == {"model.pkl", "metrics.json", "data/train", "data/test"}


def test_digests_in_the_record_are_those_of_sha256sum(world: World) -> None:
    record = sealed(world.work, world.tag("deep"))
    predicate = record["predicate"]
    assert isinstance(predicate, dict)
    for name in ("model", "metrics", "train-code", "environment"):
        fact = predicate["artifacts"][name]
        done = subprocess.run(["sha256sum", fact["path"]], cwd=world.work, capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == fact["sha256"]


def test_the_fixity_list_names_every_file_with_its_digest(world: World) -> None:
    record = sealed(world.work, world.tag("deep"))
    predicate = record["predicate"]
    assert isinstance(predicate, dict)
    digest = predicate["artifacts"]["train"]["sha256"]
    listing = git(world.work, "show", f"refs/arcgit/fixity:{digest[:2]}/{digest[2:]}").splitlines()
    assert listing[0] == "arcgit/fixity/v1"
    for line in listing[1:]:
        sha, size, path = line.split(" ", 2)
        file = world.work / "data" / "train" / json.loads(path)
        assert file.stat().st_size == int(size)
        done = subprocess.run(["sha256sum", str(file)], capture_output=True, text=True, check=True)
        assert done.stdout.split()[0] == sha


def test_recording_again_finds_the_record(world: World) -> None:
    before = git(world.work, "for-each-ref")
    again = world.arcgit("record")
    assert (again["created"], again["tag"]) == (False, world.tag("deep"))
    assert git(world.work, "for-each-ref") == before


def test_a_second_commit_with_the_same_content_finds_the_record(world: World) -> None:
    """As after a squash merge: other commit, same run."""
    git(world.work, "commit", "--quiet", "--allow-empty", "-m", "squashed")
    assert world.arcgit("record")["tag"] == world.tag("deep")


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("owner", "Ada Lovelace <ada@example.org>", "Eve <eve@example.org>"),
        ("purpose", "Baseline before", "Something else before"),
        ("retention", "retention: standard", "retention: short"),
    ],
)
def test_the_same_content_with_another_statement_about_it_is_refused(
    world: World, field: str, old: str, new: str
) -> None:
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace(old, new))
    world.commit()
    refused = world.arcgit("record", code=1)
    assert refused["error"]["code"] == "record-differs"
    assert field in refused["error"]["message"]


def test_a_dirty_tree_that_touches_the_experiment_is_refused_with_the_list(world: World) -> None:
    (world.work / "src" / "train.py").write_text("print('not what ran')\n")
    refused = world.arcgit("record", code=1)
    assert refused["error"]["code"] == "unstaged-change"
    assert "src/train.py" in refused["error"]["message"]


def test_the_next_step_for_a_dirty_tree_leaves_nothing_dirty(world: World) -> None:
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace("path: src/train.py", "path: src"))
    names = [f"src/more of it {number}.py" for number in range(6)]
    for text in ("what was committed", "what ran"):
        for name in names:
            (world.work / name).write_text(f"print({text!r})\n")
        if text == "what was committed":
            world.commit()
    refused = world.arcgit("record", code=1)
    assert refused["error"]["code"] == "unstaged-change"
    assert all(name in refused["error"]["message"] for name in names)
    command = f"{refused['error']['hint']} --quiet --no-verify --message 'what ran'"
    subprocess.run(command, shell=True, cwd=world.work, check=True)  # noqa: S602  as a person would type it
    assert world.arcgit("record")["created"] is True


def test_a_dirty_file_that_has_nothing_to_do_with_it_is_no_matter(world: World) -> None:
    (world.work / "notes.txt").write_text("lunch at noon\n")
    assert world.arcgit("record")["created"] is False


def test_an_incomplete_experiment_is_not_sealed(world: World) -> None:
    manifest = world.work / "arcgit.yaml"
    manifest.write_text("\n".join(line for line in manifest.read_text().splitlines() if "role: dataset" not in line))
    world.commit()
    before = git(world.work, "for-each-ref")
    assert world.arcgit("record", code=1)["error"]["code"] == "incomplete"
    assert git(world.work, "for-each-ref") == before


def test_a_likely_secret_stops_the_seal_and_is_not_printed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    secret = "AKIA" + "ABCDEFGHIJKLMNOP"
    (world.work / "params.yaml").write_text(f"lr: 1e-3\nepochs: 9\naws: {secret}\n")
    world.commit()
    assert run(["-C", str(world.work), "record"]) == 1
    shown = capsys.readouterr()
    assert "secret-found" in shown.err
    assert secret not in shown.err + shown.out


def test_a_person_without_the_role_cannot_record(world: World, mallory: Person) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    mallory.sign_as(world.work)
    before = git(world.work, "for-each-ref")
    assert world.arcgit("record", code=1)["error"]["code"] == "signer-unknown"
    assert git(world.work, "for-each-ref") == before


def test_without_push_the_record_waits_for_sync(world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    made = world.arcgit("record", "--no-push")
    unpushed = f"refs/arcgit/unpushed/{made['run_id']}"
    assert git(world.work, "rev-parse", unpushed) == made["tag_oid"]
    assert git(world.hub, "for-each-ref", f"refs/tags/{made['tag']}") == ""
    assert world.verify(code=0) == []
    git(world.work, "tag", "-d", made["tag"])
    assert world.arcgit("sync")["restored"] == [made["tag"]], "a pruned tag of an unpushed record comes back"
    assert git(world.hub, "rev-parse", f"refs/tags/{made['tag']}") == made["tag_oid"]
    assert git(world.work, "for-each-ref", unpushed) == ""
    assert git(world.work, "rev-parse", LEDGER) == git(world.hub, "rev-parse", LEDGER)


def test_two_clones_that_recorded_at_once_both_keep_their_record(world: World, bob: Person) -> None:
    clone = world.clone()
    bob.sign_as(clone)
    invoke(clone, "init")
    dvc(clone, "pull", "--quiet")
    next_experiment(world.work, "mine", "lr: 0.5\nepochs: 1\n")
    next_experiment(clone, "theirs", "lr: 0.25\nepochs: 2\n")
    mine = world.arcgit("record", "--no-push")
    theirs = invoke(clone, "record")
    synced = world.arcgit("sync")
    assert synced["resigned"] == ["recorded"]
    invoke(clone, "sync")
    for place in (world.work, clone):
        assert invoke(place, "verify")["scope"]["records_checked"] == 5
        tags = git(place, "tag", "-l").splitlines()
        assert {mine["tag"], theirs["tag"]} <= set(tags)
    assert git(world.work, "rev-list", "--count", "--merges", LEDGER) == "0"
    assert git(world.work, "rev-list", "--count", LEDGER) == "7"


def test_two_clones_that_sealed_the_same_content_end_with_one_record(world: World, bob: Person) -> None:
    clone = world.clone()
    bob.sign_as(clone)
    invoke(clone, "init")
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    git(world.work, "push", "--quiet", "origin", "HEAD:main")
    git(clone, "pull", "--quiet")
    shutil.copytree(world.work / ".dvc" / "cache", clone / ".dvc" / "cache", dirs_exist_ok=True)
    mine = world.arcgit("record", "--no-push")
    theirs = invoke(clone, "record")
    assert mine["tag"] == theirs["tag"]
    assert mine["tag_oid"] != theirs["tag_oid"]
    synced = world.arcgit("sync")
    assert synced["dropped"] == [mine["tag"]]
    assert git(world.work, "rev-parse", f"refs/tags/{mine['tag']}") == theirs["tag_oid"]
    assert git(world.work, "rev-parse", f"refs/arcgit/lost/{mine['tag_oid']}") == mine["tag_oid"]
    assert world.verify(code=0) == []


def test_an_unpushed_event_of_somebody_else_is_never_signed_again(
    world: World, bob: Person, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = world.clone()
    bob.sign_as(clone)
    shutil.copytree(world.state, world.root / "bob")
    monkeypatch.setenv("XDG_STATE_HOME", str(world.root / "bob"))
    invoke(clone, "init")
    shutil.copytree(world.work / ".dvc" / "cache", clone / ".dvc" / "cache", dirs_exist_ok=True)
    (clone / "arcgit.yaml").write_text(MANIFEST.format(experiment="theirs"))
    git(clone, "commit", "--quiet", "-am", "theirs")
    invoke(clone, "record")
    monkeypatch.setenv("XDG_STATE_HOME", str(world.state))
    (world.work / "arcgit.yaml").write_text(MANIFEST.format(experiment="mine"))
    world.commit()
    bob.sign_as(world.work)
    world.arcgit("record", "--no-push")
    ada.sign_as(world.work)
    refused = world.arcgit("sync", code=1)
    assert refused["error"]["code"] == "ledger-unsynced"
    assert "bob" in refused["error"]["message"]


def test_a_remote_ledger_that_vanished_is_a_rollback(world: World) -> None:
    git(world.hub, "update-ref", "-d", LEDGER)
    assert world.arcgit("sync", code=1)["error"]["code"] == "ledger-rollback"


def test_a_tag_in_the_way_is_named_before_anything_is_written(world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    git(world.work, "tag", "exp/churn/fresh")
    before = git(world.work, "for-each-ref")
    refused = world.arcgit("record", "--no-push", code=1)
    assert refused["error"]["code"] == "bad-ref-name"
    assert git(world.work, "for-each-ref") == before


def test_data_that_is_nowhere_is_not_sealed(world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    shutil.rmtree(world.work / ".dvc" / "cache")
    assert world.arcgit("record", code=3)["error"]["code"] == "object-missing"


def test_bytes_that_are_only_in_the_remote_are_hashed_from_there(world: World) -> None:
    (world.work / "arcgit.yaml").write_text(MANIFEST.format(experiment="again"))
    world.commit()
    shutil.rmtree(world.work / ".dvc" / "cache")
    made = world.arcgit("record")
    assert made["created"]
    assert world.verify("--level", "fixity", code=0) == []


def test_a_ledger_that_grew_while_data_was_looked_at_is_read_anew_before_anything_is_signed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the record would be signed for a ledger that is no more, refused, and signed once more: a touch for nothing."""
    next_experiment(world.work, "late", "lr: 1e-1\nepochs: 2\n")
    looked, put = readback.push_and_read_back, sealing.seal
    sealed: list[int] = []

    def while_looking(*given: Any, **named: Any) -> Any:
        world.arcgit("review", world.tag("deep"), "--approve", "--no-push", "-m", "Seen.")
        return looked(*given, **named)

    def seal(context: Any, view: Any, *given: Any, **named: Any) -> Any:
        sealed.append(view.ledger.seq)
        return put(context, view, *given, **named)

    monkeypatch.setattr(readback, "push_and_read_back", while_looking)
    monkeypatch.setattr(recording, "seal", seal)
    before = len(git(world.work, "rev-list", LEDGER).split())
    world.arcgit("record")
    assert sealed == [before + 1]
    assert len(git(world.work, "rev-list", LEDGER).split()) == before + 2


@pytest.mark.parametrize("names", [("A", "a"), ("new\nline",), ("e\u0301", "\u00e9")])
def test_a_directory_with_names_that_are_not_safe_is_said_by_its_own(world: World, names: tuple[str, ...]) -> None:
    """An experiment may have many of them, and DVC's listing is not called anything that a person knows."""
    (world.work / "odd").mkdir()
    for name in names:
        (world.work / "odd" / name).write_text(name)
    dvc(world.work, "add", "--quiet", "odd")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  odd: {role: other, path: odd}\n")
    world.commit("odd")
    refused = world.arcgit("record", code=1)["error"]
    assert refused["code"] == "path-unsafe"
    assert refused["message"].startswith("odd: ")
