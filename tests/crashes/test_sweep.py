"""Every step of record, review, sync and policy adoption is killed with SIGKILL; the next run ends in the right state."""

from __future__ import annotations

import ast
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from arcgit import crash, durable
from tests.crashes.scenes import SCENES, Killable, arguments, half, require_done, types
from tests.world import World, git, invoke

ROOT = Path(__file__).parents[2]
CASES = [
    (name, point, n)
    for name, scene in SCENES.items()
    for point, most in scene.points.items()
    for n in range(1, most + 1)
]
SceneWorld = Callable[[str], World]


@pytest.mark.parametrize("name", SCENES)
def test_a_command_reaches_just_the_points_that_are_swept(scene: SceneWorld, killable: Killable, name: str) -> None:
    """A step that is added fails here until it is swept."""
    world = scene(name)
    assert killable.run(world, *arguments(SCENES[name], world), trace=True) == 0
    assert Counter(killable.points) == SCENES[name].points
    require_done(world, SCENES[name])


def test_every_point_there_is_is_swept() -> None:
    # A fixity run, which writes nothing of the archive, is killed in `tests/archive/test_levels.py`, and a push of very many
    # tags in `tests/attacks/test_many_tags.py`.
    assert {point for _, point, _ in CASES} == set(crash.POINTS) - {"reading-kept", "tags-laid-out"}
    calls = [
        ast.literal_eval(node.args[0])
        for path in (ROOT / "arcgit").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "crash.point"
    ]
    assert sorted(calls) == sorted(crash.POINTS), "each point stands in one place"


def test_what_outlives_a_process_is_only_done_where_a_point_follows() -> None:
    """Renaming, linking, moving refs, fetching and pushing go through the functions that have fault points."""
    effects = re.compile(
        r"os\.(replace|rename|link)\(|\.(rename|hardlink_to)\(|mkstemp|\"update-ref\"|\"index-pack\"|\[\"push\"|\"fetch\", \"--|\.write\(self|put_file"
    )
    found = {
        str(path.relative_to(ROOT / "arcgit"))
        for path in (ROOT / "arcgit").rglob("*.py")
        if effects.search(path.read_text())
    }
    with_points = {
        "durable.py",
        "dvc/uploads.py",
        "dvc/streams.py",
        "git/exchange.py",
        "git/outgoing.py",
        "git/repository.py",
    }
    # Hooks are put in place by `arcgit hooks install`, and a hook's memo and the demonstration are not the archive's.
    without = {"archive/hooks/hooks.py", "git/memo.py", "cli/demo_command.py"}
    # Doctor works in a scratch repository, `keys` edits a proposal, and restoring is killed in a test of its own.
    without |= {
        "archive/doctor.py",
        "archive/scratch.py",
        "archive/policy/policyedit.py",
        "archive/placing/destination.py",
    }
    # What grows there has no name before one of the functions with points gives it one.
    without |= {"staging.py"}
    # What an interrupted fixity run leaves lies outside the repository, and a run is killed while it writes that.
    without |= {"archive/looking/checkpoint.py"}
    # A file without a name is gone with its process.
    without |= {"spool.py"}
    assert found <= with_points | without


@pytest.mark.parametrize(("name", "point", "n"), CASES)
def test_a_command_that_is_killed_is_finished_or_rolled_back(
    scene: SceneWorld, killable: Killable, name: str, point: str, n: int
) -> None:
    world, chosen = scene(name), SCENES[name]
    command = arguments(chosen, world)
    assert killable.run(world, *command, crash_at=f"{point}:{n}") == -9
    world.verify()
    passed = world.last["verdict"] == "pass"
    assert not (passed and half(world.work)), "half a record never passes"
    codes = {finding["code"] for finding in world.last["findings"]}
    assert not codes or name == "sync"
    assert not codes & {"recorded-tag-missing", "tag-not-as-recorded"}, "no ledger that names what is not here"
    assert "ledger-rollback" not in codes, "a pin of what was not taken in yet looks like a ledger that went back"
    assert half(world.hub) == []
    if n % 2 == 0:
        assert killable.run(world, "sync") == 0
    assert killable.run(world, *command) == 0
    require_done(world, chosen)


def test_an_unknown_point_is_refused(scene: SceneWorld, killable: Killable) -> None:
    world = scene("review")
    before = types(world.work)
    for wrong in ("nowhere", "pushed:", "pushed:x", "pushed:-1"):
        assert killable.run(world, *arguments(SCENES["review"], world), crash_at=wrong) == 2, wrong
    assert types(world.work) == before


@pytest.mark.parametrize("at", ["file-placed:1", "file-placed:2", "objects-held", "refs-moved"])
def test_an_archive_whose_founding_was_killed_is_founded_by_the_next_run(
    world: World, killable: Killable, at: str
) -> None:
    shutil.rmtree(world.work / ".arcgit")
    world.commit()
    git(world.work, "remote", "remove", "origin")
    for ref in git(world.work, "for-each-ref", "--format=%(refname)", "refs/notes", "refs/tags", "refs/arcgit").split():
        git(world.work, "update-ref", "-d", ref)
    assert killable.run(world, "init", crash_at=at) == -9
    assert world.verify("--allow-empty") in (["ledger-missing"], ["trust-root-unknown"], ["nothing-checked"], [])
    invoke(world.work, "init")
    assert types(world.work) == ["genesis", "policy"]
    assert world.verify("--allow-empty", code=0) == []
    assert not list(world.root.rglob(f"{durable.PREFIX}*"))
