"""Commands that are killed, each with a world in which it has everything to do, and how that world looks when it is done."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from arcgit import crash, durable
from tests import zygote
from tests.world import World, copy_world, dvc, git, invoke, next_experiment

LEDGER = "refs/notes/arcgit"
EVENTS = 5
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Scene:
    """One command. `events` are the types that the ledger ends with; `points` how often each is reached when it is not killed."""

    arguments: tuple[str, ...]
    prepare: Callable[[World], None]
    events: tuple[str, ...]
    points: dict[str, int]


def _record(world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")


def _review(world: World) -> None:
    git(world.work, "config", "user.name", "Bob Byte")
    git(world.work, "config", "user.email", "bob@example.org")
    git(world.work, "config", "gpg.format", "ssh")
    git(world.work, "config", "user.signingKey", str(Path.home() / "bob.pub"))


def _adopt(world: World) -> None:
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 1", "version: 2").replace("[recorder, reviewer]", "[reviewer]"))


def _sync(world: World) -> None:
    """Events here that the remote does not have, and the other way round; one content is sealed on both sides."""
    next_experiment(world.work, "both", "lr: 0.5\nepochs: 1\n")
    git(world.work, "push", "--quiet", "origin", "HEAD:main")
    clone = world.clone("other")
    invoke(clone, "init")
    shutil.copytree(world.work / ".dvc" / "cache", clone / ".dvc" / "cache", dirs_exist_ok=True)
    world.arcgit("record", "--no-push")
    next_experiment(world.work, "mine", "lr: 0.25\nepochs: 1\n")
    world.arcgit("record", "--no-push")
    world.arcgit("amend", world.tag(), "--purpose", "Said anew.", "--reason", "It was wrong.", "--no-push")
    _review(World(world.root, world.state))
    for name in ("user.name", "user.email", "gpg.format", "user.signingKey"):
        git(clone, "config", name, git(world.work, "config", name))
        git(world.work, "config", "--unset", name)
    invoke(clone, "record")


def _replicate(world: World) -> None:
    """A second remote beside the first."""
    (world.root / "offline").mkdir()
    dvc(world.work, "remote", "add", "--quiet", "offline", "../offline")
    world.commit("a second remote")


RECORD = {
    "file-written": 3,
    "file-placed": 3,
    "data-written": 1,
    "data-placed": 1,
    "data-pushed": 1,
    "data-proven": 1,
    "objects-held": 1,
    "refs-moved": 2,
    "objects-released": 1,
    "pushed": 1,
}
EVENT = {
    "objects-held": 1,
    "refs-moved": 1,
    "objects-released": 1,
    "file-written": 2,
    "file-placed": 2,
    "pushed": 1,
}
SYNC = {
    "fetched": 1,
    "refs-moved": 3,
    "objects-held": 1,
    "objects-released": 1,
    "pushed": 1,
    "file-written": 1,
    "file-placed": 1,
}
REPLICATE = {
    **EVENT,
    "replica-staged": 12,
    "replica-placed": 12,
    "replica-copied": 1,
    "replica-proven": 1,
}
SCENES = {
    "record": Scene(("record",), _record, ("recorded",), RECORD),
    "review": Scene(("review", "TAG", "--approve", "-m", "Checked."), _review, ("reviewed",), EVENT),
    "policy adopt": Scene(("policy", "adopt"), _adopt, ("policy",), EVENT),
    "sync": Scene(("sync",), _sync, ("recorded", "recorded", "amended"), SYNC),
    "replicate": Scene(("replicate", "offline", "-j", "1"), _replicate, ("replicated",), REPLICATE),
}


@dataclass
class Killable:
    """Runs arcgit in processes that may be killed. `points` are those that the last run reached if it was traced."""

    points: list[str] = field(default_factory=list)

    def run(self, world: World, *arguments: str, trace: bool = False, crash_at: str = "") -> int:
        """The exit code, negative for a signal."""
        env = {**os.environ, **({crash.VARIABLE: crash_at} if crash_at else {})}
        command = ["-C", str(world.work), *arguments]
        ended = zygote.shared().run("arcgit", command, cwd=ROOT, env=env, trace=trace)
        self.points = ended.points
        return ended.code


def arguments(scene: Scene, world: World) -> list[str]:
    """The command line, with the tag of a record in the place of TAG."""
    return [world.tag() if word == "TAG" else word for word in scene.arguments]


def types(place: Path) -> list[str]:
    """The event types on a ledger, oldest first."""
    bodies = git(place, "log", "--format=%B", "--reverse", LEDGER).splitlines()
    prefix = "Arcgit-Event: "
    return [json.loads(line.removeprefix(prefix))["type"] for line in bodies if line.startswith(prefix)]


def half(place: Path) -> list[str]:
    """Records that one side alone knows of, the ledger or the tags."""
    bodies = git(place, "log", "--format=%B", LEDGER).splitlines()
    events = [json.loads(line.removeprefix("Arcgit-Event: ")) for line in bodies if line.startswith("Arcgit-Event: ")]
    recorded = {(e["subject"]["refname"], e["subject"]["oid"]) for e in events if e["type"] == "recorded"}
    rows = git(place, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags/exp").splitlines()
    tags = {(name, oid) for name, oid in (row.split() for row in rows)}
    return sorted(name for name, _ in recorded ^ tags)


def require_clean(world: World) -> None:
    """Nothing that a dead run left: no temporary file, no lock of git, no kept pack, no waiting record, no loose end."""
    everything = [path for top in (world.root, world.state) for path in top.rglob("*")]
    left = [path for path in everything if path.name.startswith(durable.PREFIX) or path.suffix == ".keep"]
    locks = [path for path in everything if path.suffix == ".lock" and path.name != "dvc.lock"]
    ours = ("writing.lock", "exchanging.lock", "hooks.lock")
    foreign = [
        path for path in locks if path.name not in ours and path.parent.name != "pins" and ".dvc" not in path.parts
    ]
    assert not left + foreign, [str(path) for path in left + foreign]
    for place in (world.work, world.hub):
        git(place, "fsck", "--strict", "--no-dangling")
        assert git(place, "for-each-ref", "refs/arcgit/unpushed") == ""


def require_done(world: World, scene: Scene) -> None:
    """The end of the command, reached once: every event there, in one chain, the same on both sides."""
    found = types(world.work)
    assert sorted(found[EVENTS:]) == sorted(scene.events)
    assert git(world.work, "rev-parse", LEDGER) == git(world.hub, "rev-parse", LEDGER)
    assert git(world.work, "rev-list", "--count", "--merges", LEDGER) == "0"
    assert half(world.work) == half(world.hub) == []
    assert world.verify(code=0) == []
    assert invoke(world.hub, "verify", code=0)["findings"] == []
    require_clean(world)


def build(template: Path, place: Path) -> dict[str, Path]:
    """A world for each scene; `place / name / world` with its state beside it."""
    made = {}
    before = os.environ.get("XDG_STATE_HOME")
    for name, scene in SCENES.items():
        folder = place / name.replace(" ", "-")
        world = copy_world(template, folder / "world", folder / "state")
        os.environ["XDG_STATE_HOME"] = str(world.state)
        scene.prepare(world)
        made[name] = world.root
    if before is None:
        del os.environ["XDG_STATE_HOME"]
    else:
        os.environ["XDG_STATE_HOME"] = before
    return made
