"""Many writers at once: every event is there, in one chain, and nothing was forced."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arcgit.git import exchange
from tests.crashes.scenes import EVENTS, LEDGER, half, require_clean
from tests.world import MANIFEST, Person, World, git, invoke

ROOT = Path(__file__).parents[2]


def together(*commands: list[str], states: list[Path] | None = None) -> list[str]:
    """What each of the commands, run at the same time, had to say; all must succeed. `states` makes them other people's."""
    children = [
        subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **({"XDG_STATE_HOME": str(states[n])} if states else {})},
        )
        for n, command in enumerate(commands)
    ]
    ends = [(*child.communicate(), child.returncode) for child in children]
    assert [code for _, _, code in ends] == [0] * len(commands), ends
    return [out for out, _, _ in ends]


def purposes(place: Path) -> list[str]:
    """What the `amended` events of a ledger say, in order; the events must be numbered without a gap."""
    bodies = git(place, "log", "--format=%B", "--reverse", LEDGER).splitlines()
    prefix = "Arcgit-Event: "
    events = [json.loads(line.removeprefix(prefix)) for line in bodies if line.startswith(prefix)]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    return [event["data"]["purpose"] for event in events if event["type"] == "amended"]


def require_linear(place: Path) -> None:
    assert set(git(place, "log", "--format=%P", LEDGER).split("\n")) - {""} == set(
        git(place, "log", "--format=%H", f"{LEDGER}~1").split("\n")
    )


def test_eight_recorders_of_one_repository_lose_nothing(world: World) -> None:
    """Eight work trees of one repository seal and push an experiment each, at the same time."""
    trees = []
    for n in range(8):
        tree = world.root / f"tree{n}"
        git(world.work, "worktree", "add", "--quiet", "-b", f"b{n}", str(tree))
        shutil.copytree(world.work / ".dvc", tree / ".dvc", dirs_exist_ok=True)
        (tree / "arcgit.yaml").write_text(MANIFEST.format(experiment=f"e{n}"))
        git(tree, "commit", "--quiet", "--no-verify", "-am", f"e{n}")
        trees.append(tree)
    said = together(*(["arcgit", "-C", str(tree), "record", "--json"] for tree in trees))
    made = {json.loads(out)["tag"] for out in said}
    assert len(made) == 8
    assert all(json.loads(out)["created"] for out in said)
    assert made < set(git(world.hub, "tag", "-l").splitlines())
    for place in (world.work, world.hub):
        assert git(place, "rev-list", "--count", LEDGER) == str(EVENTS + 8)
        require_linear(place)
        assert half(place) == []
    assert git(world.work, "rev-parse", LEDGER) == git(world.hub, "rev-parse", LEDGER)
    assert world.verify(code=0) == []
    require_clean(world)


def test_eight_writers_of_one_repository_lose_nothing(world: World) -> None:
    """Without a remote in between: only the ledger's own compare-and-swap, ten events each."""
    tag = world.tag()
    together(*(["tests.crashes.worker", str(world.work), tag, "10", f"w{n}", "0"] for n in range(8)))
    said = purposes(world.work)
    assert sorted(said) == sorted(f"w{n} {i}" for n in range(8) for i in range(10))
    for n in range(8):
        assert [text for text in said if text.startswith(f"w{n} ")] == [f"w{n} {i}" for i in range(10)]
    require_linear(world.work)
    assert world.verify(code=0) == []
    world.arcgit("sync")
    require_clean(world)


def test_a_pin_that_another_clone_has_moved_on_is_no_rollback(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clones of one person share what that person has seen: here the other pushes just after this one has looked."""
    clone = world.clone("other")
    git(clone, "config", "user.signingKey", git(world.work, "config", "user.signingKey"))
    invoke(clone, "init")
    true, tag, rest = exchange.list_remote, world.tag(), ["one", "two"]

    def list_remote(root: Path, *arguments: Any) -> dict[str, str]:
        found = true(root, *arguments)
        if rest and root == world.work:
            invoke(clone, "amend", tag, "--purpose", rest.pop(), "--reason", "In between.")
        return found

    monkeypatch.setattr(exchange, "list_remote", list_remote)
    world.arcgit("amend", tag, "--purpose", "three", "--reason", "After all.")
    assert purposes(world.hub) == ["two", "one", "three"]
    monkeypatch.undo()
    git(world.hub, "update-ref", LEDGER, f"{LEDGER}~1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(world.state))
        assert world.arcgit("sync", code=1)["error"]["code"] == "ledger-rollback"


def test_four_clones_against_one_remote_lose_nothing_and_force_nothing(
    world: World, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """200 events, pushed five at a time; `make stress` pushes each of them."""
    git(world.hub, "config", "receive.denyNonFastForwards", "true")
    git(world.hub, "config", "core.logAllRefUpdates", "always")
    before = git(world.hub, "rev-parse", LEDGER)
    clones, states = [], []
    for n in range(4):
        clone = world.clone(f"c{n}")
        states.append(shutil.copytree(world.state, world.root / f"state{n}"))
        ada.sign_as(clone)
        invoke(clone, "init")
        clones.append(clone)
    tag = world.tag()
    workers = [["tests.crashes.worker", str(clone), tag, "50", f"c{n}", "5"] for n, clone in enumerate(clones)]
    together(*workers, states=states)
    said = purposes(world.hub)
    assert sorted(said) == sorted(f"c{n} {i}" for n in range(4) for i in range(50))
    for n in range(4):
        assert [text for text in said if text.startswith(f"c{n} ")] == [f"c{n} {i}" for i in range(50)]
    require_linear(world.hub)
    assert git(world.hub, "rev-list", "--count", f"{before}..{LEDGER}") == "200"
    moves = [line.split()[:2] for line in (world.hub / "logs" / LEDGER).read_text().splitlines()]
    for old, new in moves:
        git(world.hub, "merge-base", "--is-ancestor", old, new)
    assert moves[-1][1] == git(world.hub, "rev-parse", LEDGER)
    fresh = world.clone("fresh")
    git(fresh, "fetch", "--quiet", "origin", f"+{LEDGER}:refs/notes/origin/arcgit")
    assert invoke(fresh, "verify", code=0)["findings"] == []
    assert world.arcgit("sync")["resigned"] == []
    require_clean(world)
