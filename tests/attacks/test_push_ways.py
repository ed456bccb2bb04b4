"""The same pushes to servers with one of the two hooks alone, or with the shipped folder of hooks as it lies there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import archive as large
from tests.attacks.test_exchange import FIXITY, LEDGER, sealed_here
from tests.attacks.test_ledger import chain, raw_commit, write_commit
from tests.attacks.test_tags import raw_tag, write_tag
from tests.hooks.pushing import push, refs, taken
from tests.hooks.staging import BIN, spoil
from tests.world import Person, World, copy_world, git, invoke

SHIPPED = Path(__file__).parent.parent.parent / "hooks"
WAYS = {"pre-receive": ["pre-receive"], "update": ["update"], "the folder": [path.name for path in SHIPPED.iterdir()]}
FORGED = "refs/tags/exp/churn/forged/0123456789ab"


def put_hooks(hub: Path, way: str) -> None:
    """Copy hooks by hand, as they are shipped."""
    (hub / "hooks").mkdir(exist_ok=True)
    for name in WAYS[way]:
        shutil.copy(SHIPPED / name, hub / "hooks" / name)
        (hub / "hooks" / name).chmod(0o755)


@pytest.fixture(scope="module")
def prepared(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive with its branch pushed, and one record that is sealed and not pushed; made once."""
    root = tmp_path_factory.mktemp("ways")
    with pytest.MonkeyPatch.context() as patch:
        world = copy_world(template, root / "world", root / "state")
        patch.setenv("XDG_STATE_HOME", str(world.state))
        git(world.work, "push", "--quiet", "--no-verify", "origin", "main")
        sealed_here(world)
    return root / "world"


@pytest.fixture(params=WAYS)
def hub(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> World:
    """A copy of it whose hub has hooks in one of the ways."""
    made = copy_world(prepared, tmp_path / "world", tmp_path / "state")
    monkeypatch.setenv("XDG_STATE_HOME", str(made.state))
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    put_hooks(made.hub, str(request.param))
    return made


def bad_pushes(world: World, mallory: Person) -> Iterator[tuple[str, list[str]]]:
    """Each with the code that has to be named, and what to push."""
    work, tag, own = world.work, f"refs/tags/{world.tag()}", f"refs/tags/{world.tag('own')}"
    raw = raw_tag(work, world.tag())
    # Tags.
    yield "recorded-tag-missing", [f":{tag}"]
    yield "tag-type", ["--force", f"HEAD:{tag}"]
    yield "tag-not-as-recorded", ["--force", f"refs/tags/{world.tag('wide')}:{tag}"]
    write_tag(work, raw.replace(b"tagger Ada Lovelace", b"tagger Ada Byron"), "refs/tags/again")
    yield "tag-not-as-recorded", ["--force", f"refs/tags/again:{tag}"]
    write_tag(work, raw[: raw.index(b"-----BEGIN")], "refs/tags/bare")
    yield "signature-missing", ["--force", f"refs/tags/bare:{tag}"]
    write_tag(work, raw[:200], "refs/tags/torn")
    yield "record-malformed", ["--force", f"refs/tags/torn:{tag}"]
    yield "unrecorded-tag", [f"{own}:{own}"]
    yield "tag-type", [f"HEAD:{FORGED}"]
    git(work, "tag", "-a", "-m", "forged", "forged")
    yield "unrecorded-tag", [f"refs/tags/forged:{FORGED}"]
    mallory.sign_as(work)
    git(work, "tag", "-s", "-m", "forged", "foreign")
    yield "signer-unknown", [f"refs/tags/foreign:{FORGED}"]
    yield "foreign-tag", ["HEAD:refs/tags/exp/mine"]
    # The ledger, to which anybody else's key is foreign too.
    tips = chain(work)
    yield "ledger-rollback", [f":{LEDGER}"]
    yield "ledger-rollback", ["--force", f"{tips[-3]}:{LEDGER}"]
    other = write_commit(work, raw_commit(work, tips[-2]).replace(b" +0000\n", b" +0100\n"))
    yield "ledger-fork", ["--force", f"{other}:{LEDGER}"]
    noted = git(work, "commit-tree", "-p", tips[-2], "-m", "looks good", f"{tips[-2]}^{{tree}}")
    yield "ledger-foreign-commit", [f"{noted}:{LEDGER}"]
    unsigned = raw_commit(work, tips[-1]).partition(b"\n\n")
    bare = write_commit(work, unsigned[0].split(b"\ngpgsig ")[0] + b"\n\n" + unsigned[2])
    yield "signature-missing", [f"{bare}:{LEDGER}"]
    # Lists, names, branches.
    yield "fixity-list", [f":{FIXITY}"]
    yield "fixity-list", ["--force", f"HEAD:{FIXITY}"]
    yield "replace-refs-present", [f"HEAD:refs/replace/{tips[-1]}"]
    yield "bad-ref-name", [f"HEAD:refs/heads/{LEDGER}"]
    spoil(work)
    git(work, "commit", "--quiet", "--no-verify", "-am", "x")
    yield "owner-missing", ["HEAD:main"]


def test_a_bad_push_is_refused_in_every_way_and_names_why(hub: World, mallory: Person) -> None:
    before = refs(hub.hub)
    missed = []
    for code, arguments in bad_pushes(hub, mallory):
        done = push(hub.work, *arguments)
        assert done.returncode != 0, (arguments, done.stderr)
        assert refs(hub.hub) == before, arguments
        assert "Traceback" not in done.stderr
        if f": {code}: " not in done.stderr:
            missed.append((code, arguments, done.stderr))
    assert missed == []


def test_honest_pushes_of_stock_git_and_of_arcgit_are_taken_in_every_way(hub: World) -> None:
    own = f"refs/tags/{hub.tag('own')}"
    taken(hub, "HEAD:refs/heads/topic", "HEAD:refs/tags/v1")
    # As the ledger goes first where each ref is shown alone.
    taken(hub, LEDGER, f"{own}:{own}", f"{FIXITY}:{FIXITY}")
    assert hub.arcgit("sync")["pushed"] == []
    git(hub.work, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", "more")
    assert hub.arcgit("amend", hub.tag("own"), "--purpose", "More.", "--reason", "So.")["pushed"] == [LEDGER]
    taken(hub, "main")
    taken(hub, ":refs/heads/topic", ":refs/tags/v1")
    assert hub.verify(code=0) == []


def somebody_is_faster(world: World, way: str) -> None:
    """Before the server's hook looks for the first time, an event of somebody else comes onto the ledger there."""
    tip = git(world.hub, "rev-parse", LEDGER)
    other = world.clone("other")
    git(other, "config", "user.signingKey", git(world.work, "config", "user.signingKey"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(world.root / "state of another"))
        invoke(other, "sync", "--trust-root", git(world.work, "rev-list", "--max-parents=0", LEDGER))
        invoke(other, "runs", "log", "-m", "Diverged")
    theirs = git(world.hub, "rev-parse", LEDGER)
    git(world.hub, "update-ref", "refs/kept/theirs", theirs)
    git(world.hub, "update-ref", LEDGER, tip)
    name = "update" if way == "update" else "pre-receive"
    (world.hub / "hooks" / name).rename(world.hub / "hooks" / "own")
    (world.hub / "hooks" / name).write_text(
        f"#!/bin/sh\n[ -e raced ] || env -u GIT_QUARANTINE_PATH git update-ref {LEDGER} {theirs}\n"
        'touch raced\nexec hooks/own "$@"\n'
    )
    (world.hub / "hooks" / name).chmod(0o755)


def test_whoever_loses_a_race_in_front_of_a_server_that_judges_comes_after_the_other(
    hub: World, request: pytest.FixtureRequest
) -> None:
    """The hook looks before git does, so it is the one that says that somebody else was faster."""
    before = len(chain(hub.work))
    somebody_is_faster(hub, request.node.callspec.params["hub"])
    assert hub.arcgit("runs", "log", "-m", "Diverged as well")["pushed"] != []
    assert (hub.hub / "raced").exists()
    events = chain(hub.hub)
    assert git(hub.hub, "rev-parse", "refs/kept/theirs") in events
    assert len(events) == before + 2
    assert hub.verify(code=0) == []


@pytest.fixture(scope="module")
def hundred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive of 110 records."""
    return large.make(tmp_path_factory.mktemp("hundred") / "made", 110, params=2, artifacts=2).folder


@pytest.mark.parametrize(("way", "count"), [("pre-receive", 100), ("update", 12)])
def test_very_many_records_in_one_push_are_taken_and_one_bad_one_among_them_is_not(
    hundred: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, count: int
) -> None:
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    shutil.copytree(hundred, tmp_path / "made")
    work, hub = tmp_path / "made" / "work", tmp_path / "hub.git"
    rows = git(work, "log", "--reverse", "--first-parent", "--format=%H %s", LEDGER).splitlines()
    recorded = [row.split() for row in rows if row.split()[1] == "recorded"]
    place = rows.index(" ".join(recorded[-count]))
    base, tags = rows[place - 1].split()[0], [f"refs/tags/exp/{row[2]}/{row[3]}" for row in recorded[-count:]]
    git(tmp_path, "init", "--quiet", "--bare", "hub.git")
    git(work, "push", "--quiet", str(hub), "main", f"{base}:{LEDGER}")
    early = [f"refs/tags/exp/{row[2]}/{row[3]}" for row in recorded[:-count]]
    git(work, "push", "--quiet", str(hub), *early)
    put_hooks(hub, way)
    before = refs(hub)
    bad = [LEDGER, *(f"{tag}:{tag}" for tag in tags[1:]), f"{tags[1]}:{tags[0]}"]
    done = push(work, "--atomic", *bad, to=str(hub))
    assert done.returncode != 0
    # Shown alone, the event is seen first: the tag that it records is not in the push.
    assert f": {'recorded-tag-missing' if way == 'update' else 'tag-not-as-recorded'}: " in done.stderr
    assert refs(hub) == before
    done = push(work, "--atomic", LEDGER, *tags, to=str(hub))
    assert done.returncode == 0, done.stderr
    assert refs(hub).keys() >= set(tags)
    root = git(hub, "rev-list", "--max-parents=0", LEDGER)
    assert invoke(hub, "verify", "--trust-root", root)["scope"]["records_checked"] == 110


def test_doctor_on_the_server_says_which_hooks_judge_and_what_one_alone_means(hub: World) -> None:
    way = "update" if not (hub.hub / "hooks" / "pre-receive").exists() else "both or the first"
    found = invoke(hub.hub, "doctor", code=1 if way == "update" else 0)
    active = {row["name"] for row in found["hooks"] if row["outcome"] == "active"}
    assert active == {name for name in ("pre-receive", "update") if (hub.hub / "hooks" / name).exists()}
    seen = {row["event"]: row["server"] for row in found["probes"]}
    assert seen.pop("a whole record with its event") == "passes"
    assert set(seen.values()) == {"seen"}
    assert [line for line in found["advice"] if "alone" in line] == (
        ["update judges each ref alone; where the host allows pre-receive: arcgit hooks install --server here"]
        if way == "update"
        else []
    )
