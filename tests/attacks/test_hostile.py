"""A hostile repository: no program that its configuration, attributes or environment names may run."""

from __future__ import annotations

from pathlib import Path

import pytest

from arcgit.cli.app import run
from tests.world import World, git, invoke

PROGRAM_SETTINGS = (
    "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass", "gpg.program", "gpg.ssh.program",
    "gpg.openpgp.program", "gpg.ssh.defaultKeyCommand", "diff.external", "diff.evil.textconv", "diff.evil.command",
    "filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "alias.rev-parse", "alias.for-each-ref",
    "uploadpack.packObjectsHook", "credential.helper", "interactive.diffFilter", "pager.log", "sequence.editor",
)  # fmt: skip
READING = (
    ["verify"], ["verify", "--level", "fixity"], ["list"], ["show", "baseline"], ["log"], ["check", "--worktree"],
    ["check", "--staged"], ["check", "--rev", "HEAD"], ["audit-report", "--base", "HEAD~1"],
)  # fmt: skip


def plant(world: World) -> Path:
    """Programs in every place that git knows, each of which leaves a marker when it runs."""
    marker = world.root / "marker"
    program = world.root / "evil"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {marker}\nexit 1\n')
    program.chmod(0o755)
    for name in PROGRAM_SETTINGS:
        git(world.work, "config", name, str(program))
    hooks = world.work / "evil-hooks"
    hooks.mkdir()
    for name in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
    git(world.work, "config", "core.hooksPath", str(hooks))
    (world.work / ".gitattributes").write_text("* filter=evil diff=evil\n")
    return marker


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_commands_run_no_program_that_the_repository_names(world: World, command: list[str]) -> None:
    marker = plant(world)
    invoke(world.work, *command, code=None)
    assert not marker.exists(), marker.read_text()


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_the_environment_does_not_lead_the_commands_astray(
    world: World, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Variables that a hostile shell profile or CI job could set."""
    expected = invoke(world.work, *command, code=None)
    marker = world.root / "marker"
    program = world.root / "evil"
    program.write_text(f"#!/bin/sh\necho ran >> {marker}\nexit 1\n")
    program.chmod(0o755)
    for name in ("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER", "GIT_EDITOR", "GIT_ASKPASS", "GIT_PROXY_COMMAND"):
        monkeypatch.setenv(name, str(program))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(world.root / "nowhere"))
    monkeypatch.setenv("GIT_NAMESPACE", "other")
    monkeypatch.setenv("GIT_REPLACE_REF_BASE", "refs/tags")
    monkeypatch.setenv("GNUPGHOME", str(world.root / "nowhere"))
    found = invoke(world.work, *command, code=None)
    assert found == expected
    assert not marker.exists()


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
