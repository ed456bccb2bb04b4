"""The templates for hosts without server hooks: safe as they are written, and made of commands that work."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.attacks.test_ledger import chain
from tests.hooks import hostforms
from tests.hooks.staging import BIN, spoil
from tests.world import World, git

ROOT = Path(__file__).parent.parent.parent
HOSTS = ROOT / "templates" / "hosts"
WORKFLOWS = sorted([*HOSTS.glob("github-workflow*.yml"), *ROOT.glob(".github/workflows/*.yml")])
BRING = "git fetch --prune --no-tags origin '+refs/notes/arcgit:refs/notes/origin/arcgit' '+refs/tags/exp/*:refs/tags/exp/*'"


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
    assert not re.search(r"dvc (repro|pull|exp|import)|make |python (?!-I -m pip)", text)


@pytest.mark.parametrize("name", ["github-workflow.yml", "gitlab-ci.yml"])
def test_the_installation_imports_nothing_of_the_tree_under_test(world: World, name: str) -> None:
    """Python looks for a module that it is told to run in the present folder first, and a pull request can have one."""
    clone = world.clone()
    for module in ("pip", "typing", "site", "sitecustomize"):
        (clone / f"{module}.py").write_text(f"open({str(world.root / 'ran')!r}, 'w').close()\n")
    step = next(command for command in commands(HOSTS / name) if "pip install" in command)
    env = {"PATH": f"{BIN}:/usr/bin:/bin", "ARCGIT_SOURCE": f"file://{world.root}/nothing", "HOME": str(world.root)}
    done = subprocess.run(["sh", "-c", step], cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "nothing" in done.stderr + done.stdout
    assert not (world.root / "ran").exists()


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


@pytest.mark.parametrize("name", ["github-workflow.yml", "gitlab-ci.yml"])
def test_a_workspace_that_an_earlier_job_left_hides_nothing_that_is_gone(world: World, name: str) -> None:
    """A runner keeps the clone of the job before and fetches into it; a record that was deleted since is still there."""
    root = chain(world.work)[0]
    assert job(world, "kept", name, root) == [0, 0, 0]
    git(world.hub, "update-ref", "-d", f"refs/tags/{world.tag('wide')}")
    assert job(world, "kept", name, root) == [0, 0, 1]
    assert loaded(HOSTS / "gitlab-ci.yml")["arcgit"]["variables"]["GIT_STRATEGY"] == "clone"


def job(world: World, folder: str, name: str, root: str) -> list[int]:
    """The exit code of each command of a job, in the workspace of the job before if there was one."""
    clone = world.root / folder if (world.root / folder).exists() else world.clone(folder)
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


# What the hosts take, as far as that can be told without them.


def document(name: str) -> Any:
    return json.loads((HOSTS / name).read_text()) if name.endswith(".json") else loaded(HOSTS / name)


FORMS = {
    "github-ruleset-records.json": hostforms.RULESET,
    "github-ruleset-branches.json": hostforms.RULESET,
    "github-workflow.yml": hostforms.WORKFLOW,
    "gitlab-ci.yml": hostforms.closed({"arcgit": hostforms.GITLAB_JOB}),
    "gitlab-protected-tags.json": hostforms.PROTECTED_TAG,
}


def faults(name: str, value: Any) -> list[str]:
    jsonschema.Draft202012Validator.check_schema(FORMS[name])
    return [fault.message for fault in jsonschema.Draft202012Validator(FORMS[name]).iter_errors(value)]


@pytest.mark.parametrize(
    ("name", "schema", "more"),
    [
        ("github-workflow.yml", "vendor.github-workflows", []),
        ("github-workflow.yml", "custom.github-workflows-require-timeout", []),
        ("gitlab-ci.yml", "vendor.gitlab-ci", ["--data-transform", "gitlab-ci"]),
    ],
)
def test_a_template_holds_to_the_schema_that_its_host_publishes(
    name: str, schema: str, more: list[str], tmp_path: Path
) -> None:
    """By check-jsonschema, which brings the schemas along: nothing is asked of any network."""

    def held(path: Path) -> int:
        words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *more, str(path)]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, check=False).returncode

    assert held(HOSTS / name) == 0
    (tmp_path / name).write_text((HOSTS / name).read_text().replace("timeout", "time-out"))
    assert held(tmp_path / name) == 1


def test_every_template_has_the_form_that_its_host_takes() -> None:
    assert sorted(FORMS) == sorted(path.name for path in HOSTS.iterdir())
    for name in FORMS:
        assert faults(name, document(name)) == [], name


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("github-ruleset-records.json", ("target",), "tags"),
        ("github-ruleset-records.json", ("enforcement",), "on"),
        ("github-ruleset-records.json", ("rules", 0, "type"), "delete"),
        ("github-ruleset-records.json", ("rules", 0, "parameters"), {}),
        ("github-ruleset-records.json", ("conditions", "ref_name", "include", 0), "exp/*"),
        ("github-ruleset-records.json", ("conditions", "ref_name", "include", 0), "refs/tags/[^a]*"),
        ("github-ruleset-records.json", ("conditions", "ref"), {}),
        ("github-ruleset-branches.json", ("rules", 2, "parameters", "strict_required_status_checks_policy"), "yes"),
        ("github-ruleset-branches.json", ("rules", 2, "parameters", "required_status_checks", 0), "arcgit"),
        ("github-workflow.yml", ("on", "pull_request_target"), ""),
        ("github-workflow.yml", ("on", "push", "tag"), ["exp/**"]),
        ("github-workflow.yml", ("on", "schedule", 0, "cron"), "17 5 * *"),
        ("github-workflow.yml", ("jobs", "arcgit", "timeout"), "15"),
        ("github-workflow.yml", ("jobs", "arcgit", "steps", 0, "run"), "true"),
        ("github-workflow.yml", ("permissions", "contents"), "all"),
        ("gitlab-ci.yml", ("arcgit", "timeout"), "15"),
        ("gitlab-ci.yml", ("arcgit", "rules", 0), "$CI_COMMIT_TAG"),
        ("gitlab-ci.yml", ("arcgit", "steps"), []),
        ("gitlab-protected-tags.json", ("create_access_level",), "developer"),
        ("gitlab-protected-tags.json", ("tag",), "exp/*"),
    ],
)
def test_a_template_with_a_slip_would_be_noticed(name: str, place: tuple[str | int, ...], value: Any) -> None:
    whole = document(name)
    inner = whole
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert faults(name, whole) != []


RECORDS = ("exp/churn/baseline/0123456789ab", "exp/churn/baseline/0123456789ab.2", "exp/a/b-c_d/ffffffffffff")
OTHERS = ("v1.0", "exp", "experiment/churn/x/0123456789ab", "other/exp/churn/x/0123456789ab")


def test_the_patterns_of_the_hosts_meet_every_record_and_no_other_tag() -> None:
    """Each host reads stars in its own way: with the wrong one a record two folders down would go without protection."""
    ruleset = document("github-ruleset-records.json")["conditions"]["ref_name"]["include"][0]
    workflow = document("github-workflow.yml")["on"]["push"]["tags"][0]
    protected = document("gitlab-protected-tags.json")["name"]
    met: list[Callable[[str], bool]] = [
        lambda tag: hostforms.fnmatch(ruleset, f"refs/tags/{tag}"),
        lambda tag: hostforms.filter_matches(workflow, tag),
        lambda tag: hostforms.wildcard_matches(protected, tag),
    ]
    assert all(meets(tag) for tag in RECORDS for meets in met)
    assert not any(meets(tag) for tag in OTHERS for meets in met)
    assert not hostforms.fnmatch("refs/tags/exp/*", f"refs/tags/{RECORDS[0]}")
    assert hostforms.fnmatch(ruleset, "refs/tags/exp/one")
