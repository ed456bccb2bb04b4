"""The templates for hosts without server hooks: safe as they are written, and made of commands that work."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.attacks.test_ledger import chain
from tests.hooks.staging import BIN, spoil
from tests.world import World, git

ROOT = Path(__file__).parent.parent.parent
HOSTS = ROOT / "templates" / "hosts"
WORKFLOWS = sorted([*HOSTS.glob("github-workflow*.yml"), *ROOT.glob(".github/workflows/*.yml")])
BRING = "git fetch --no-tags origin '+refs/notes/arcgit:refs/notes/origin/arcgit' '+refs/tags/exp/*:refs/tags/exp/*'"


def loaded(path: Path) -> Any:
    # BaseLoader: `on` is a word here, not a truth value.
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506


def commands(path: Path) -> list[str]:
    document = loaded(path)
    if path.name.startswith("gitlab"):
        return list(document["arcgit"]["script"])
    return [step["run"] for step in document["jobs"]["arcgit"]["steps"] if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_gives_the_code_of_a_fork_nothing(path: Path) -> None:
    text, document = path.read_text(), loaded(path)
    assert "pull_request" in document["on"]
    assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(document["on"])
    assert document["permissions"] == {"contents": "read"}
    assert not re.search(r"\bsecrets\b\s*[.\[]|GITHUB_TOKEN|github\.token|\$\{\{", text)
    for job in document["jobs"].values():
        assert not {"permissions", "secrets", "environment"} & set(job)
        for step in job["steps"]:
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step.get("uses", f"a@{'0' * 40}")), step
            if step.get("uses", "").startswith("actions/checkout@"):
                assert (step["with"]["persist-credentials"], step["with"]["fetch-depth"]) == ("false", "0")
                assert "ref" not in step["with"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_whole_commit_that_says_its_version(path: Path) -> None:
    """A tag of somebody else's can be moved to other code; a short oid can be made to fit it."""
    uses = re.findall(r"(?m)^.*\buses:.*$", path.read_text())
    assert uses
    for line in uses:
        assert re.fullmatch(r"\s*-?\s*uses: [\w.-]+(/[\w.-]+)+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("name", ["github-workflow.yml", "gitlab-ci.yml"])
def test_arcgit_comes_from_where_the_tree_under_test_cannot_say(name: str) -> None:
    text = (HOSTS / name).read_text()
    assert "ARCGIT_SOURCE: git+https://" in text
    assert not re.search(r"pip install (-e|--editable|\.|-r)", text)
    assert not re.search(r"dvc (repro|pull|exp|import)|make |python (?!-m pip)", text)


def test_the_ruleset_holds_every_record_and_nobody_passes_it_by() -> None:
    records = json.loads((HOSTS / "github-ruleset-records.json").read_text())
    assert (records["target"], records["enforcement"], records["bypass_actors"]) == ("tag", "active", [])
    assert records["conditions"]["ref_name"] == {"include": ["refs/tags/exp/**/*"], "exclude": []}
    assert {rule["type"] for rule in records["rules"]} == {"deletion", "non_fast_forward", "update"}
    branches = json.loads((HOSTS / "github-ruleset-branches.json").read_text())
    checks = next(rule for rule in branches["rules"] if rule["type"] == "required_status_checks")
    job = loaded(HOSTS / "github-workflow.yml")["jobs"]["arcgit"]["name"]
    assert checks["parameters"]["required_status_checks"] == [{"context": job}]
    assert json.loads((HOSTS / "gitlab-protected-tags.json").read_text())["name"] == "exp/*"


@pytest.mark.parametrize("name", ["github-workflow.yml", "gitlab-ci.yml"])
def test_the_job_passes_a_good_archive_and_fails_what_a_hook_would_refuse(world: World, name: str) -> None:
    """Its own commands, in a clone as a runner makes it; only the installation is done already."""
    git(world.work, "push", "--quiet", "--no-verify", "origin", "main")
    root = chain(world.work)[0]
    assert job(world, "good", name, root) == [0, 0, 0]
    git(world.hub, "update-ref", "-d", f"refs/tags/{world.tag('wide')}")
    assert job(world, "deleted", name, root) == [0, 0, 1]
    git(world.hub, "update-ref", "-d", "refs/notes/arcgit")
    codes = job(world, "hidden", name, root)
    assert codes[0] != 0
    spoil(world.work)
    git(world.work, "commit", "--quiet", "--no-verify", "-am", "x")
    git(world.work, "push", "--quiet", "--no-verify", "origin", "main", "refs/notes/arcgit")
    assert job(world, "incomplete", name, root)[1] == 1


def job(world: World, folder: str, name: str, root: str) -> list[int]:
    """The exit code of each command of a job."""
    clone = world.clone(folder)
    steps = [command for command in commands(HOSTS / name) if "pip install" not in command]
    assert steps[0] == BRING
    env = {
        "PATH": f"{BIN}:/usr/bin:/bin",
        "ARCGIT_TRUST_ROOT": root,
        "HOME": str(world.root),
        "XDG_STATE_HOME": str(world.root / folder),
    }
    return [
        subprocess.run(["sh", "-c", step], cwd=clone, env=env, capture_output=True, check=False).returncode
        for step in steps
    ]


def test_the_commands_that_are_named_exist() -> None:
    for name in ("github-workflow.yml", "gitlab-ci.yml"):
        for command in commands(HOSTS / name):
            words = shlex.split(command)
            if words[0] == "arcgit":
                done = subprocess.run(
                    [sys.executable, "-m", "arcgit", words[1], "--help"], capture_output=True, text=True, check=False
                )
                assert all(word.partition("=")[0] in done.stdout for word in words if word.startswith("--"))
