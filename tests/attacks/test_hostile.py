"""Hostile names, revs and texts. What a repository must not run is in test_programs.py."""

from __future__ import annotations

import pytest

from arcgit.cli.app import run
from tests.world import World, git, invoke


def test_control_characters_from_data_never_reach_the_terminal(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    path = world.work / "arcgit.yaml"
    path.write_text(path.read_text().replace("retention: standard", r'retention: "\e]0;owned\a\u202e\u200b"'))
    run(["-C", str(world.work), "check"])
    shown = capsys.readouterr()
    assert not set(shown.out + shown.err) & set("\x1b\x07\u202e\u200b")
    assert r"\x1b]0;owned\x07\u{202e}\u{200b}" in shown.out


@pytest.mark.parametrize(
    "name", ["--upload-pack=touch x", "-x", "a b", "$(touch x)", "exp/../../x", "\u202eexp", "x" * 5000]
)
@pytest.mark.parametrize("command", ["show", "verify", "log"])
def test_a_record_name_that_is_no_name_is_a_usage_error(world: World, command: str, name: str) -> None:
    assert run(["-C", str(world.work), command, "--", name]) == 2
    assert not (world.work / "x").exists()


@pytest.mark.parametrize("rev", ["--all", "nowhere", "HEAD^{tree}", "HEAD:dvc.yaml", ":/x", "$(id)"])
def test_a_rev_that_is_no_commit_is_an_error_and_no_option(world: World, rev: str) -> None:
    refused = invoke(world.work, "check", f"--rev={rev}", code=3)
    assert refused["error"]["code"] == "rev-unknown"


def test_a_remote_whose_address_would_run_a_program_is_not_followed(world: World) -> None:
    marker = world.root / "marker"
    git(world.work, "config", "remote.origin.url", f"ext::sh -c 'touch {marker}'")
    refused = invoke(world.work, "sync", code=3)
    assert refused["error"]["code"] == "remote-unreachable"
    assert not marker.exists()
