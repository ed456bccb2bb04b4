"""`python -m bench.stress [SECONDS] [SEED]`: kills, races and garbage collection without mercy, for as long as asked.

Commands are killed with SIGKILL, together with the git that they run, at any moment of real time; what they say to do about
locks that this leaves behind is done; then the archive must be whole. Last, four clones push 200 events, each by itself.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.crashes import scenes
from tests.crashes.scenes import LEDGER, SCENES, arguments, half, require_done, types
from tests.home import openpgp_person, own_home, ssh_person
from tests.world import World, build_template, copy_world, git, invoke

ROOT = Path(__file__).parents[1]


def killed(world: World, command: list[str], after: float) -> bool:
    """Run a command and kill it and its children after a time; True where it was not done by then."""
    whole = [sys.executable, "-m", "arcgit", "-C", str(world.work), *command]
    child = subprocess.Popen(whole, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        child.wait(timeout=after)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return True
    return False


def settled(world: World, command: list[str]) -> int:
    """Run the command again until it is done, removing the locks that it names; returns how many these were."""
    for locks in range(20):
        answer = invoke(world.work, *command, code=None)
        error = answer.get("error")
        if error is None:
            return locks
        assert error["code"] == "lock-held", answer
        told = error["hint"].rpartition(": rm ")[2].removesuffix("; then arcgit sync")
        Path(shlex.split(told)[0]).unlink()
    raise AssertionError("the locks do not come to an end")


def kills(built: dict[str, Path], folder: Path, seconds: float, chance: random.Random) -> dict[str, int]:
    """Kill for so many seconds; returns what was counted."""
    counted = {"runs": 0, "killed": 0, "locks": 0}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        name = chance.choice(list(SCENES))
        place = folder / str(counted["runs"])
        world = copy_world(built[name], place / "world", place / "state")
        os.environ["XDG_STATE_HOME"] = str(world.state)
        command = arguments(SCENES[name], world)
        for _ in range(chance.randint(1, 3)):
            counted["killed"] += killed(world, command, chance.uniform(0.2, 2.5))
            world.verify()
            assert not (world.last["verdict"] == "pass" and half(world.work)), f"half a record passes: {world.root}"
            if lost := half(world.hub):
                raise AssertionError(f"the remote has half of {lost}")
        counted["locks"] += settled(world, command)
        for place_of_git in (world.work, world.hub):
            # What git leaves where it is killed itself is git's to clear away: temporary files and packs without index.
            for left in (*place_of_git.rglob("objects/**/tmp_*"), *place_of_git.rglob("objects/pack/*.keep")):
                left.unlink()
        require_done(world, SCENES[name])
        counted["runs"] += 1
        subprocess.run(["rm", "-rf", str(place)], check=True)
    return counted


def race(template: Path, folder: Path, clones: int = 4, each: int = 50) -> float:
    """Let clones push events one by one at the same time; returns the seconds that took."""
    world = copy_world(template, folder / "race" / "world", folder / "race" / "state")
    os.environ["XDG_STATE_HOME"] = str(world.state)
    git(world.hub, "config", "receive.denyNonFastForwards", "true")
    places = [world.clone(f"c{n}") for n in range(clones)]
    for place in places:
        git(place, "config", "user.signingKey", git(world.work, "config", "user.signingKey"))
        invoke(place, "init")
    began = time.monotonic()
    worker = [sys.executable, "-m", "tests.crashes.worker"]
    children = [
        subprocess.Popen([*worker, str(place), world.tag(), str(each), f"c{n}", "1"], cwd=ROOT)
        for n, place in enumerate(places)
    ]
    assert [child.wait() for child in children] == [0] * clones
    took = time.monotonic() - began
    assert types(world.hub).count("amended") == clones * each
    assert git(world.hub, "rev-list", "--count", "--merges", LEDGER) == "0"
    world.arcgit("sync")
    assert world.verify(code=0) == []
    return took


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 120.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)  # noqa: S311
    print(f"seed {seed}", flush=True)
    with own_home() as home:
        ada = openpgp_person(home, "Ada Lovelace", "ada@example.org")
        bob = ssh_person(home, "Bob Byte", "bob@example.org")
        template = home / "template" / "world"
        os.environ["XDG_STATE_HOME"] = str(template.parent / "state")
        build_template(template, ada, bob)
        built = scenes.build(template, home / "scenes")
        print(json.dumps(kills(built, home / "kills", seconds, random.Random(seed))), flush=True)  # noqa: S311
        print(f"200 events of 4 clones, each pushed by itself: {race(template, home):.0f} s")


if __name__ == "__main__":
    main()
