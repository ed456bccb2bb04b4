"""The scenes, built once, and what runs commands which are killed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.crashes import scenes
from tests.crashes.scenes import Killable
from tests.world import World, copy_world


@pytest.fixture(scope="session")
def built(template: Path) -> dict[str, Path]:
    """A world for each scene, ready for its command."""
    return scenes.build(template, template.parents[1] / "scenes")


@pytest.fixture
def scene(built: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], World]:
    """A copy of a scene's world that may be damaged."""

    def copy(name: str) -> World:
        made = copy_world(built[name], tmp_path / "world", tmp_path / "state")
        monkeypatch.setenv("XDG_STATE_HOME", str(made.state))
        return made

    return copy


@pytest.fixture
def killable() -> Killable:
    """Runs arcgit where it can be killed."""
    return Killable()
