"""Rollback, freeze, teleport, omission and two histories for two people: what a pin sees, and what only comparing shows."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from arcgit.cli import clock, verify_command
from arcgit.cli.app import run
from tests import world as worlds
from tests.attacks.test_keys import subject_of, written
from tests.attacks.test_ledger import LEDGER, chain, forget_pin, set_ledger
from tests.world import Person, World, git, invoke, propose, sh

REVIEW = {"outcome": "approved"}


def refs(work: Path) -> str:
    """Every ref and everything that fetching could leave behind."""
    marks = [str(path.relative_to(work)) for path in sorted((work / ".git").glob("*HEAD*"))]
    objects = sum(1 for path in (work / ".git" / "objects").rglob("*") if path.is_file())
    return f"{git(work, 'for-each-ref')}\n{marks}\n{objects}\n{git(work, 'status', '--porcelain')}"


def two_histories(world: World, ada: Person, bob: Person) -> Path:
    """A second hub in which event 6 is Bob's review, while in the first it is Ada's."""
    git(world.root, "clone", "--quiet", "--mirror", "hub.git", "mirror.git")
    written(world, bob, "reviewed", subject_of(world, "wide"), REVIEW)
    git(world.work, "push", "--quiet", "../mirror.git", LEDGER)
    for place in (world.hub, world.work):
        git(place, "update-ref", LEDGER, chain(world.work)[4])
    git(world.work, "update-ref", "refs/notes/origin/arcgit", LEDGER)
    for path in (world.state / "arcgit" / "pins").glob("*.json"):
        path.unlink()
    written(world, ada, "reviewed", subject_of(world, "deep"), REVIEW, trust_root=chain(world.work)[0])
    return world.root / "mirror.git"


def test_equal_ahead_and_behind_are_told_and_no_ref_changes(world: World, bob: Person, ada: Person) -> None:
    before = refs(world.work)
    assert compared(world, "origin") == ("equal", None)
    assert refs(world.work) == before
    git(world.root, "clone", "--quiet", "--mirror", "hub.git", "mirror.git")
    written(world, bob, "reviewed", subject_of(world, "wide"), REVIEW)
    before = refs(world.work)
    assert compared(world, "../mirror.git") == ("ahead", None)
    assert (world.last["scope"]["ours"]["events"], world.last["scope"]["theirs"]["events"]) == (6, 5)
    assert refs(world.work) == before
    clone = world.clone()
    set_ledger(world.work, chain(world.work)[4])
    before = refs(world.work)
    assert compared(world, "origin") == ("behind", None)
    assert compared(world, str(clone), code=3) == ("missing", None)
    assert refs(world.work) == before


def compared(world: World, remote: str, code: int = 0) -> tuple[str, int | None]:
    world.last = world.arcgit("compare", remote, code=code)
    scope = world.last["scope"]
    return scope["relation"], scope["fork_at"]


def test_two_histories_for_two_people_part_at_an_event(world: World, ada: Person, bob: Person) -> None:
    """Each copy is sound in itself; whoever has seen only one of them is told nothing by verify."""
    mirror = two_histories(world, ada, bob)
    assert compared(world, str(mirror), code=1) == ("fork", 6)
    finding = world.last["findings"][0]
    assert (finding["code"], world.last["verdict"]) == ("ledger-fork", "fail")
    assert finding["expected"].startswith("here reviewed by ada")
    assert finding["found"].startswith("there reviewed by bob")
    assert run(["-C", str(world.work), "compare", str(mirror)]) == 1


def test_work_that_was_never_pushed_is_no_second_history(world: World, ada: Person, bob: Person) -> None:
    """Ada works offline, Bob pushes in the meantime: sync puts them in order, and nobody was shown a false history."""
    git(world.work, "remote", "set-url", "origin", "../nowhere.git")
    written(world, ada, "reviewed", subject_of(world, "deep"), REVIEW, push=False)
    git(world.work, "remote", "set-url", "origin", "../hub.git")
    clone = world.clone()
    invoke(clone, "sync")
    bob.sign_as(clone)
    invoke(clone, "review", world.tag("wide"), "--approve", "-m", "fine")
    assert compared(world, "origin") == ("unsynced", None)
    assert world.last["findings"][0]["hint"] == "arcgit sync"
    ada.sign_as(world.work)
    world.arcgit("sync")
    assert compared(world, "origin") == ("equal", None)


def test_a_copy_of_another_archive_is_called_that(world: World, tmp_path: Path, ada: Person, bob: Person) -> None:
    twin = tmp_path / "twin"
    git(tmp_path, "clone", "--quiet", "--no-tags", str(world.hub), str(twin))
    git(twin, "remote", "remove", "origin")
    ada.sign_as(twin)
    for path in (twin / ".arcgit").rglob("*.yaml"):
        path.write_text(path.read_text().replace("0b5a5e8e-", "ffffffff-"))
    invoke(twin, "init", "--new-archive")
    assert compared(world, str(twin), code=1) == ("other-archive", 1)
    again = tmp_path / "again"
    git(tmp_path, "clone", "--quiet", "--no-tags", str(world.hub), str(again))
    git(again, "remote", "remove", "origin")
    ada.sign_as(again)
    propose(again, ada, bob)
    for path in (world.state / "arcgit" / "pins").glob("*.json"):
        path.unlink()
    invoke(again, "init", "--new-archive")
    assert compared(world, str(again), code=1) == ("fork", 1)


@pytest.mark.parametrize("how", ["edited", "foreign"])
def test_a_copy_that_does_not_hold_is_never_called_equal(world: World, how: str) -> None:
    clone = world.clone()
    git(clone, "fetch", "--quiet", "origin", f"{LEDGER}:{LEDGER}")
    if how == "foreign":
        git(clone, "notes", "--ref=arcgit", "add", "-f", "-m", "looks good", "HEAD")
    else:
        tip = git(clone, "cat-file", "commit", LEDGER) + "\n"
        broken = tip.replace('"actor":"bob"', '"actor":"ada"').replace(" by bob", " by ada")
        oid = git(clone, "hash-object", "-t", "commit", "-w", "--stdin", stdin=broken)
        git(clone, "update-ref", LEDGER, oid)
    world.last = world.arcgit("compare", str(clone), code=1)
    assert world.last["scope"]["relation"] in {"unknown", "fork"}
    assert {finding["severity"] for finding in world.last["findings"]} == {"error"}


@pytest.mark.parametrize("remote", ["../nothing.git", "no-such-remote", "ext::sh -c 'touch pwned'", "file:///nowhere"])
def test_a_remote_that_cannot_be_asked_is_undetermined(world: World, remote: str) -> None:
    before = refs(world.work)
    assert world.arcgit("compare", remote, code=3)["error"]["code"] == "remote-unreachable"
    assert refs(world.work) == before
    assert not (world.work / "pwned").exists()


@pytest.mark.parametrize("remote", ["-x", "--upload-pack=touch pwned"])
def test_a_remote_that_looks_like_an_option_is_none(
    world: World, remote: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", str(world.work), "compare", "--", remote]) == 2
    assert "is no remote" in capsys.readouterr().err
    assert not (world.work / "pwned").exists()


def test_a_password_in_an_address_is_not_said_back(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    address = "http://bob:" + "only-on-loopback" + "@127.0.0.1:1/x.git"
    assert run(["-C", str(world.work), "compare", address]) == 3
    assert run(["-C", str(world.work), "compare", address, "--json"]) == 3
    shown = capsys.readouterr()
    assert "only-on-loopback" not in shown.out + shown.err
    assert "http://bob:***@127.0.0.1:1/x.git" in shown.out + shown.err


def test_without_a_ledger_there_is_nothing_to_compare(world: World, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "bare-of-it")
    assert invoke(tmp_path / "bare-of-it", "compare", str(world.hub), code=3)["error"]["code"] == "ledger-missing"


def test_settings_of_the_clone_that_fetch_and_prune_by_themselves_write_nothing(world: World, bob: Person) -> None:
    """A refspec for the ledger, pruning and all tags are what `init` and people set."""
    for key, value in (
        ("fetch.prune", "true"),
        ("remote.origin.prune", "true"),
        ("remote.origin.tagOpt", "--tags"),
        ("fetch.writeCommitGraph", "true"),
    ):
        git(world.work, "config", key, value)
    clone = world.clone()
    invoke(clone, "sync")
    bob.sign_as(clone)
    invoke(clone, "review", world.tag("wide"), "--approve", "-m", "fine")
    git(clone, "tag", "later")
    git(clone, "push", "--quiet", "origin", "later")
    before = refs(world.work)
    assert compared(world, "origin") == ("behind", None)
    assert refs(world.work) == before


def test_first_sight_is_stated_and_only_then(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    options = forget_pin(world)
    world.verify(*options, code=0)
    assert (world.last["scope"]["trust"], world.last["scope"]["first_sight"]) == ("trust-root", True)
    world.verify(code=0)
    assert (world.last["scope"]["trust"], world.last["scope"]["first_sight"]) == ("pin", False)
    forget_pin(world)
    assert run(["-C", str(world.work), "verify", *options]) == 0
    assert "First sight of this archive here" in capsys.readouterr().out
    assert run(["-C", str(world.work), "verify"]) == 0
    assert "First sight" not in capsys.readouterr().out
    forget_pin(world)
    assert run(["-C", str(world.work), "audit-report", *options]) == 0
    assert "first sight here" in capsys.readouterr().out


def test_the_first_sync_states_it_too(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    options = forget_pin(world)
    clone = world.clone()
    assert run(["-C", str(clone), "sync", *options]) == 0
    assert "First sight of this archive here" in capsys.readouterr().out
    assert run(["-C", str(clone), "sync"]) == 0
    assert "First sight" not in capsys.readouterr().out


def test_another_archive_of_the_same_founder_in_its_place_is_noticed(world: World, tmp_path: Path, ada: Person) -> None:
    """The founder's fingerprint alone would let it pass, and no pin is under its id."""
    twin = tmp_path / "twin"
    git(tmp_path, "clone", "--quiet", "--no-tags", str(world.hub), str(twin))
    git(twin, "remote", "remove", "origin")
    ada.sign_as(twin)
    policy = twin / ".arcgit" / "policy.yaml"
    policy.write_text(policy.read_text().replace("0b5a5e8e-", "ffffffff-"))
    invoke(twin, "init", "--new-archive")
    genesis = chain(world.work)[0]
    git(world.work, "fetch", "--quiet", str(twin), f"+{LEDGER}:refs/notes/origin/arcgit")
    assert "ledger-fork" in world.verify("--trust-root", ada.key, code=1)
    fresh = world.clone()
    git(fresh, "fetch", "--quiet", str(twin), f"+{LEDGER}:refs/notes/origin/arcgit")
    assert "trust-root-unknown" in world.verify("--trust-root", genesis, cwd=fresh, code=1)


def elsewhere(world: World, tmp_path: Path, ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch) -> World:
    """Another sound archive of the same people, which this person knows too."""
    text = "11111111-6f6b-4b0a-9c2e-1d2f3a4b5c6d"

    def with_other_id(work: Path, *people: Person) -> None:
        propose(work, *people)
        policy = work / ".arcgit" / "policy.yaml"
        policy.write_text(policy.read_text().replace("0b5a5e8e-6f6b-4b0a-9c2e-1d2f3a4b5c6d", text))

    monkeypatch.setattr(worlds, "propose", with_other_id)
    worlds.build_template(tmp_path / "other", ada, bob)
    made = World(tmp_path / "other", world.state)
    assert made.verify("--level", "fixity", code=0) == []
    return made


def put_in_place(clone: Path, other: World) -> None:
    """Every ref of arcgit, and all that it needs, as the other archive has it."""
    for tag in git(clone, "tag").split():
        git(clone, "tag", "--delete", tag)
    specs = ("tags/*:refs/tags/*", "notes/*:refs/notes/*", "arcgit/*:refs/arcgit/*")
    git(clone, "fetch", "--quiet", "--no-tags", str(other.work), *(f"+refs/{spec}" for spec in specs))


def test_a_whole_archive_in_the_place_of_another_is_noticed_although_both_are_known(
    world: World, tmp_path: Path, ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same people, same founder, a pin for each: tags, their commits and the ledger are sound, and belong elsewhere."""
    other = elsewhere(world, tmp_path, ada, bob, monkeypatch)
    put_in_place(world.work, other)
    assert world.verify(code=1) == ["wrong-archive"]
    assert world.verify("--trust-root", ada.key, "--level", "presence", code=1) == ["wrong-archive"]
    found = world.last["findings"][0]
    assert found["expected"].startswith("0b5a5e8e-")
    assert found["found"].startswith("11111111-")
    assert "another archive" in world.arcgit("sync", code=1)["error"]["message"]
    for tag in git(world.work, "tag").split():
        git(world.work, "tag", "--delete", tag)
    sh(world.work, "sh", "-c", found["hint"].partition(" brings back")[0])
    assert world.verify(code=0) == []


def test_a_clone_that_was_never_told_goes_by_the_proposal_at_head(
    world: World, tmp_path: Path, ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = elsewhere(world, tmp_path, ada, bob, monkeypatch)
    fresh = world.clone()
    put_in_place(fresh, other)
    assert world.verify("--trust-root", ada.key, cwd=fresh, code=1) == ["wrong-archive"]
    for place in (other.hub, world.hub):
        git(other.work, "push", "--quiet", "--no-verify", "--force", str(place), "refs/tags/*:refs/tags/*", LEDGER)
    assert (
        world.arcgit("sync", "--trust-root", ada.key, cwd=world.clone("late"), code=1)["error"]["code"]
        == "wrong-archive"
    )
    bare = world.clone("copy.git", "--bare")
    git(bare, "fetch", "--quiet", "origin", f"+{LEDGER}:{LEDGER}")
    assert world.verify("--trust-root", ada.key, cwd=bare, code=1) == ["wrong-archive"]


def test_who_names_the_very_archive_or_says_that_it_is_the_right_one_is_believed(
    world: World, tmp_path: Path, ada: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = elsewhere(world, tmp_path, ada, bob, monkeypatch)
    put_in_place(world.work, other)
    assert world.verify("--trust-root", chain(other.work)[0], code=0) == []
    assert world.verify("--trust-root", chain(other.work)[0][:39], code=1) == [
        "trust-root-unknown",
        "wrong-archive",
    ]
    world.verify(code=1)
    sh(world.work, "sh", "-c", world.last["findings"][0]["hint"].partition("if that is right: ")[2])
    assert world.verify(code=0) == []


def test_an_init_or_a_sync_remembers_the_archive_and_verify_writes_nothing(world: World) -> None:
    assert git(world.work, "config", "arcgit.archive").startswith("0b5a5e8e-")
    fresh = world.clone()
    git(fresh, "fetch", "--quiet", "origin", f"+{LEDGER}:{LEDGER}")
    assert world.verify(cwd=fresh, code=0) == []
    git(fresh, "config", "arcgit.archive", code=1)
    invoke(fresh, "sync")
    assert git(fresh, "config", "arcgit.archive").startswith("0b5a5e8e-")


@pytest.mark.parametrize(
    "text", ["", "archive: nothing\n", "archive: [\n", "\0", "# archive: ffffffff-6f6b-4b0a-9c2e-1d2f3a4b5c6d\n"]
)
def test_a_proposal_that_names_no_archive_accuses_nobody(world: World, text: str) -> None:
    git(world.work, "config", "--unset", "arcgit.archive")
    (world.work / ".arcgit" / "policy.yaml").write_text(text)
    world.commit()
    assert world.verify(code=0) == []


def test_without_pin_or_trust_root_nothing_passes(world: World) -> None:
    forget_pin(world)
    assert world.verify(code=3) == ["trust-root-unknown"]


@pytest.mark.parametrize("root", ["fingerprint", "genesis", "spaced", "small"])
def test_a_trust_root_is_the_full_fingerprint_or_the_genesis(world: World, root: str) -> None:
    founder = forget_pin(world)[1]
    spelled = {
        "fingerprint": founder,
        "genesis": chain(world.work)[0],
        "spaced": " ".join(founder[n : n + 4] for n in range(0, 40, 4)),
        "small": founder.lower(),
    }
    assert world.verify("--trust-root", spelled[root], code=0) == []


@pytest.mark.parametrize("root", ["", "short", "bob", "another", "tip"])
def test_any_other_trust_root_fails(world: World, root: str, bob: Person) -> None:
    founder = forget_pin(world)[1]
    given = {"": "", "short": founder[-16:], "bob": bob.key, "another": "0" * 40, "tip": chain(world.work)[-1]}[root]
    assert world.verify("--trust-root", given, code=1) == ["trust-root-unknown"]
    assert list((world.state / "arcgit" / "pins").glob("*.json")) == []


def test_events_and_tag_that_a_host_holds_back_are_missed_only_by_whoever_saw_them(world: World) -> None:
    """Meta-data without the last record is a sound archive. The report says that nothing proves it to be all."""
    tip = chain(world.work)[-1]
    git(world.work, "tag", "-d", world.tag("deep"))
    set_ledger(world.work, chain(world.work)[-2])
    assert world.verify(code=1) == ["ledger-rollback"]
    options = forget_pin(world)
    assert world.verify(*options, code=0) == []
    assert world.last["scope"]["first_sight"] is True
    assert compared(world, "origin") == ("behind", None)
    assert world.last["scope"]["theirs"]["tip"] == tip


def test_a_host_that_shows_an_old_state_for_ever_is_not_believed_longer_than_asked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert world.verify("--max-age", "1", code=0) == []
    monkeypatch.setattr(verify_command, "now", lambda: clock.now() + timedelta(days=31))
    assert world.verify("--max-age", "30", code=3) == ["ledger-stale"]
    assert world.verify("--max-age", "32", code=0) == []
    assert world.verify(code=0) == []


def test_where_a_branch_points_plays_no_part(world: World) -> None:
    git(world.work, "reset", "--quiet", "--hard", "HEAD~2")
    git(world.work, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", "unreviewed")
    assert world.verify(code=0) == []
    git(world.work, "tag", "-f", world.tag("deep"), "HEAD")
    assert "tag-type" in world.verify(code=1)
