"""Every fuzz target reads its seeds, and every input that a reader once stumbled over; `make fuzz` goes on from there."""

from __future__ import annotations

import random
import sys

import pytest

from tests.fuzz.targets import FOUND, TARGETS, found_inputs

INPUTS = [(name, at) for name in TARGETS for at in range(len(found_inputs(name)))]


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_takes_or_refuses_every_seed_and_nothing_else_happens(name: str) -> None:
    seeds = TARGETS[name].seeds()
    assert seeds
    for seed in seeds:
        TARGETS[name](seed)


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_takes_or_refuses_seeds_with_damaged_bytes(name: str) -> None:
    """A little of what `make fuzz` does, the same every time."""
    chance = random.Random(name)  # noqa: S311  nothing secret
    seeds = TARGETS[name].seeds()
    for _ in range(300):
        data = bytearray(chance.choice(seeds)[:4096]) or bytearray(b"\0")
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.choice((0, 10, 32, 34, 92, 127, 128, 255, chance.randrange(256)))
        TARGETS[name](bytes(data))


@pytest.mark.parametrize(("name", "at"), INPUTS)
def test_what_a_reader_once_stumbled_over_is_taken_or_refused(name: str, at: int) -> None:
    TARGETS[name](found_inputs(name)[at])


def test_every_found_input_belongs_to_a_target() -> None:
    assert [path.name for path in FOUND.iterdir() if path.name.rpartition("-")[0] not in TARGETS] == []


def test_the_targets_do_without_the_fuzzer() -> None:
    """So that the seeds are read on every machine, whether atheris is installed or not."""
    assert "atheris" not in sys.modules
