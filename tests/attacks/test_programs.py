"""A hostile repository: no program that its configuration, attributes, hooks or folder name is run by reading it.

The same programs are shown to run under stock git, so that a test which sees none of them has seen something.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.planted import SETTINGS, VARIABLES, Planted
from tests.world import World, git, invoke, sh

READING = (
    ["verify"], ["verify", "--level", "presence"], ["verify", "--level", "fixity"], ["verify", "--cross-check", "all"],
    ["list"], ["search", "project=churn"], ["show", "baseline"], ["log"], ["log", "baseline"],
    ["diff", "baseline", "wide"], ["lineage", "baseline"], ["audit-report", "--base", "HEAD~1"],
    ["audit-report", "--level", "fixity"], ["check", "--worktree"], ["check", "--staged"], ["check", "--rev", "HEAD"],
    ["policy", "show"], ["policy", "diff"], ["explain", "tag-type"], ["hooks", "status"],
)  # fmt: skip
FEW = (READING[2], READING[6], READING[9], READING[12], READING[13], READING[14], READING[17])
"""One command for each way in which the repository is read."""


@pytest.fixture
def planted(world: World) -> Planted:
    return Planted(world.root)


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_reading_commands_run_no_program_that_the_repository_names(
    world: World, planted: Planted, command: list[str]
) -> None:
    planted.everything(world.work)
    invoke(world.work, *command, code=None)
    assert planted.ran == set()


@pytest.mark.parametrize("name", SETTINGS)
def test_no_setting_alone_makes_reading_run_its_program(world: World, planted: Planted, name: str) -> None:
    """Alone: where several are set, the failure of one could keep another from being reached."""
    planted.setting(world.work, name)
    planted.attributes(world.work)
    for command in FEW:
        invoke(world.work, *command, code=None)
    assert planted.ran == set()


@pytest.mark.parametrize("through_setting", [True, False])
def test_no_hook_is_run_by_reading(world: World, planted: Planted, *, through_setting: bool) -> None:
    planted.hooks(world.work, through_setting=through_setting)
    for command in READING:
        invoke(world.work, *command, code=None)
    assert planted.ran == set()


@pytest.mark.parametrize("name", VARIABLES)
def test_no_variable_makes_reading_run_its_program(
    world: World, planted: Planted, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, planted.program(name))
    for command in FEW:
        invoke(world.work, *command, code=None)
    assert planted.ran == set()


ASTRAY = {
    "GIT_DIR": "nowhere", "GIT_WORK_TREE": "nowhere", "GIT_INDEX_FILE": "nowhere", "GIT_OBJECT_DIRECTORY": "nowhere",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES": "nowhere", "GIT_COMMON_DIR": "nowhere", "GIT_NAMESPACE": "other",
    "GIT_REPLACE_REF_BASE": "refs/tags", "GIT_GRAFT_FILE": "nowhere", "GIT_SHALLOW_FILE": "nowhere",
    "GIT_CEILING_DIRECTORIES": "/", "GIT_DEFAULT_HASH": "sha256", "GIT_LITERAL_PATHSPECS": "1", "GIT_ICASE_PATHSPECS": "1",
    "GIT_QUARANTINE_PATH": "nowhere", "GIT_EXEC_PATH": "nowhere", "GIT_TRACE": "1", "GIT_CONFIG_PARAMETERS": "'core.bare=true'",
    "GIT_CONFIG": "nowhere", "GIT_INTERNAL_SUPER_PREFIX": "x/", "GNUPGHOME": "nowhere", "LC_ALL": "de_DE.UTF-8", "LANG": "tr_TR.UTF-8", "LANGUAGE": "de",
}  # fmt: skip
"""Variables that lead git, GnuPG or a locale somewhere else."""


@pytest.mark.parametrize("name", ASTRAY)
def test_no_variable_changes_what_is_found(world: World, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [invoke(world.work, *command, code=None) for command in FEW]
    monkeypatch.setenv(name, ASTRAY[name].replace("nowhere", str(world.root / "nowhere")))
    assert [invoke(world.work, *command, code=None) for command in FEW] == before


def test_settings_from_the_environment_run_no_program_either(
    world: World, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(SETTINGS)))
    for number, name in enumerate(SETTINGS):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", planted.program(name))
    planted.attributes(world.work)
    for command in READING:
        invoke(world.work, *command, code=None)
    assert planted.ran == set()


ARCGIT = str(Path(sys.executable).parent / "arcgit")


@pytest.mark.parametrize("words", [["verify"], ["list"], ["verify", "--level", "fixity"], ["--version"]], ids=" ".join)
def test_no_module_in_the_folder_is_imported(world: World, planted: Planted, words: list[str]) -> None:
    """The command is typed in the hostile folder, as one does."""
    planted.modules(world.work)
    subprocess.run([ARCGIT, *words], cwd=world.work, capture_output=True, check=True)
    assert planted.ran == set()


def test_python_dash_m_imports_nothing_from_the_folder_but_a_module_of_its_own_name(
    world: World, planted: Planted
) -> None:
    """`python -m arcgit` puts the folder first on Python's path; with the name `arcgit` there, Python itself is misled."""
    planted.modules(world.work)
    (world.work / "arcgit.py").unlink()
    subprocess.run([sys.executable, "-m", "arcgit", "verify"], cwd=world.work, capture_output=True, check=True)
    assert planted.ran == set()


def test_the_commit_hook_imports_nothing_from_the_folder(world: World, planted: Planted) -> None:
    planted.modules(world.work)
    (world.work / "params.yaml").write_text("lr: 2\nepochs: 3\n")
    git(world.work, "add", "params.yaml")
    subprocess.run(["git", "commit", "-m", "x"], cwd=world.work, capture_output=True, check=False)
    assert planted.ran == set()


def test_completion_runs_nothing(world: World, planted: Planted) -> None:
    planted.everything(world.work)
    env = {**os.environ, "_ARCGIT_COMPLETE": "complete_bash", "COMP_WORDS": "arcgit show ", "COMP_CWORD": "2"}
    subprocess.run([ARCGIT], cwd=world.work, capture_output=True, check=False, env=env)
    assert planted.ran == set()


def test_no_command_of_a_pipeline_is_run(world: World, planted: Planted) -> None:
    planted.pipeline(world.work)
    for command in READING:
        invoke(world.work, *command, code=None)
    invoke(world.work, "draft", code=None)
    world.commit("pipeline")
    invoke(world.work, "check", "--rev", "HEAD", code=None)
    invoke(world.work, "record", code=None)
    assert planted.ran == set()


STOCK = {
    "core.fsmonitor": ["git status"],
    "filter.evil.clean": ["git add params.yaml"],
    "filter.evil.process": ["git add params.yaml"],
    "filter.evil.smudge": ["git checkout-index --force params.yaml"],
    "diff.external": ["git diff"],
    "diff.evil.command": ["git diff"],
    "diff.evil.textconv": ["git diff"],
    "gpg.program": ["git verify-tag BASELINE"],
    "gpg.openpgp.program": ["git verify-tag BASELINE"],
    "gpg.ssh.program": ["git -c gpg.ssh.allowedSignersFile=/dev/null verify-tag DEEP"],
    "core.sshCommand": ["git ls-remote ssh://127.0.0.1:9/x"],
    "core.editor": ["git commit --allow-empty --no-verify"],
    "remote.origin.uploadpack": ["git ls-remote origin"],
    "remote.origin.receivepack": ["git push origin HEAD:refs/heads/x"],
}


@pytest.mark.parametrize("name", STOCK)
def test_stock_git_runs_what_was_planted(world: World, planted: Planted, name: str) -> None:
    """So that the plants above are known to be alive."""
    (world.work / "params.yaml").write_text("lr: 2\nepochs: 3\n")
    planted.setting(world.work, name)
    planted.attributes(world.work)
    for command in STOCK[name]:
        tags = {"BASELINE": world.tag("baseline"), "DEEP": world.tag("deep")}
        words = [tags.get(word, word) for word in command.split()]
        subprocess.run(words, cwd=world.work, capture_output=True, check=False)
    assert planted.ran == {name}


def test_stock_git_and_python_run_hooks_includes_and_modules_that_were_planted(world: World, planted: Planted) -> None:
    planted.hooks(world.work, through_setting=True)
    planted.included(world.work)
    planted.modules(world.work)
    subprocess.run(["git", "update-ref", "refs/heads/x", "HEAD"], cwd=world.work, check=False)
    assert "hook reference-transaction" in planted.ran
    subprocess.run(["git", "status"], cwd=world.work, capture_output=True, check=False)
    assert {name for name in planted.ran if name.endswith("core.fsmonitor")}
    subprocess.run([sys.executable, "-c", "import yaml"], cwd=world.work, capture_output=True, check=False)
    assert "module yaml" in planted.ran


OWN_CHOICE = {
    "core.fsmonitor", "core.sshCommand", "core.askPass", "credential.helper", "remote.origin.uploadpack",
    "remote.origin.receivepack", "core.gitProxy", "core.alternateRefsCommand", "uploadpack.packObjectsHook",
    "hook reference-transaction", "hook pre-push", "hook pre-auto-gc", "hook post-index-change",
    "filter.evil.clean", "filter.evil.process", "gpg.program", "gpg.openpgp.program", "gpg.ssh.program", "gpg.ssh.defaultKeyCommand",
}  # fmt: skip
"""What fetching, pushing and signing with the person's own git honours, so that `sync`, `record` and `init` do too."""


def test_what_writes_runs_what_the_persons_own_git_would_run_and_nothing_else(world: World, planted: Planted) -> None:
    """Fetching, pushing and signing are git's and GnuPG's own work, under the settings of the clone."""
    planted.everything(world.work)
    for name in ("remote.origin.uploadpack", "remote.origin.receivepack"):
        git(world.work, "config", "--unset", name)
    for command in ("sync", "record", "init"):
        invoke(world.work, command, code=None)
    assert planted.ran
    assert planted.ran - {name for name in planted.ran if name.startswith("include")} <= OWN_CHOICE


def test_an_address_that_is_a_command_is_not_followed_even_where_the_repository_allows_it(
    world: World, planted: Planted
) -> None:
    marker = world.root / "marker"
    git(world.work, "config", "protocol.ext.allow", "always")
    git(world.work, "config", "protocol.allow", "always")
    git(world.work, "config", "remote.origin.url", f"ext::sh -c touch% {marker}")
    sh(world.work, "git", "ls-remote", "origin", code=128)
    assert marker.exists(), "stock git follows it"
    marker.unlink()
    for command in (["sync"], ["record"], ["init"], *READING):
        invoke(world.work, *command, code=None)
    assert not marker.exists()


def test_reading_never_leaves_the_machine(world: World, planted: Planted) -> None:
    """Below the level of presence nothing is asked of any remote, git's or DVC's."""
    git(world.work, "config", "remote.origin.url", str(world.root / "gone"))
    world.store.rename(world.root / "store-gone")
    for command in READING:
        if "presence" in command or "fixity" in command:
            continue
        found = invoke(world.work, *command, code=None)
        assert "error" not in found, found
    assert planted.ran == set()
