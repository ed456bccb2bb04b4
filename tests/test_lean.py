"""Looking for cycles: never in a process that only shows something, rarely in one that works, as ever in somebody else's."""

from __future__ import annotations

import gc
import subprocess
import sys

from tests.world import World, invoke

_MAIN = """
import gc, sys
sys.argv = ["arcgit", *{arguments!r}]
import arcgit.__main__ as entry
looked = []
gc.callbacks.append(lambda phase, info: looked.append(phase))
{before}
try:
    entry.main()
except SystemExit as leaving:
    assert not leaving.code, leaving.code
"""


def ran(world: World, arguments: list[str], before: str, after: str) -> None:
    """Run the command line as its entry point does, in a process of its own, with `after` behind it."""
    code = _MAIN.format(arguments=arguments, before=before) + after
    done = subprocess.run([sys.executable, "-c", code], cwd=world.work, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_command_that_shows_something_looks_for_no_cycles_and_its_end_for_none(world: World) -> None:
    for command in (["show", "deep"], ["list"]):
        ran(
            world,
            command,
            "",
            "assert not looked, looked\nassert not gc.isenabled()\nassert gc.get_freeze_count() > 10_000",
        )


def test_a_command_that_may_last_looks_for_cycles_in_what_is_new(world: World) -> None:
    before = """
gc.disable()
from arcgit.cli import verify_command
real, seen = verify_command.run_verify, []
def verify(*given, **named):
    seen.append((gc.isenabled(), gc.get_freeze_count() > 10_000, gc.get_threshold()[0]))
    return real(*given, **named)
verify_command.run_verify = verify
"""
    ran(world, ["verify"], before, "assert seen == [(True, True, 50_000)], seen")


def test_who_calls_the_command_line_in_process_keeps_what_is_set(world: World) -> None:
    before = gc.isenabled(), gc.get_threshold()
    frozen = gc.get_freeze_count()
    for command in (["list"], ["verify"]):
        invoke(world.work, *command)
    assert (gc.isenabled(), gc.get_threshold()) == before
    # What was frozen before may have been freed since.
    assert gc.get_freeze_count() <= frozen
