"""`arcgit init`: found, join, and change nothing the second time."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from arcgit.cli.app import run
from tests.world import Person, World, dvc, git, invoke


def make_repo(root: Path, person: Person | None) -> Path:
    git(root, "init", "--quiet", "repo")
    repo = root / "repo"
    if person is not None:
        person.sign_as(repo)
    dvc(repo, "init", "--quiet")
    return repo


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.mark.parametrize("kind", ["openpgp", "ssh"])
def test_init_founds_an_archive_with_either_kind_of_key(
    tmp_path: Path, state: Path, ada: Person, bob: Person, kind: str
) -> None:
    person = {"openpgp": ada, "ssh": bob}[kind]
    repo = make_repo(tmp_path, person)
    made = invoke(repo, "init", "--project", "churn")
    assert (made["outcome"], made["person"]) == ("founded", person.email.partition("@")[0])
    assert (repo / ".arcgit" / "policy.yaml").is_file()
    assert len(list((repo / ".arcgit" / "keys").iterdir())) == 1
    assert (repo / ".git" / "hooks" / "pre-commit").stat().st_mode & 0o111
    assert len(list((state / "arcgit" / "pins").glob("*.json"))) == 1
    verdict = invoke(repo, "verify", "--allow-empty")
    assert (verdict["verdict"], verdict["scope"]["events"]) == ("pass", 2)
    assert invoke(repo, "verify", code=3)["findings"][0]["code"] == "nothing-checked"


def test_init_a_second_time_changes_nothing(world: World) -> None:
    before = (
        git(world.work, "for-each-ref"),
        git(world.work, "config", "--list", "--local"),
        git(world.work, "status", "-s"),
    )
    made = world.arcgit("init")
    assert (made["outcome"], made["changes"]) == ("unchanged", [])
    after = (
        git(world.work, "for-each-ref"),
        git(world.work, "config", "--list", "--local"),
        git(world.work, "status", "-s"),
    )
    assert after == before


def test_init_in_a_clone_joins_the_archive_and_pins_it(world: World) -> None:
    clone = world.clone()
    made = invoke(clone, "init")
    assert made["outcome"] == "joined"
    assert git(clone, "rev-parse", "refs/notes/arcgit") == git(world.hub, "rev-parse", "refs/notes/arcgit")
    fetches = git(clone, "config", "--get-all", "remote.origin.fetch").splitlines()
    assert "+refs/notes/arcgit:refs/notes/origin/arcgit" in fetches
    assert not [line for line in fetches if "refs/tags" in line], "pruning must not delete unpushed records"
    assert git(clone, "config", "remote.origin.tagopt") == "--tags"
    assert invoke(clone, "verify")["verdict"] == "pass"


def test_git_fetch_and_pull_work_between_founding_and_the_first_exchange_and_after_it(
    tmp_path: Path, state: Path, ada: Person
) -> None:
    """`git fetch` fails for a ref that it is told to bring and that the remote does not have."""
    repo = make_repo(tmp_path, ada)
    for name in ("origin", "mirror"):
        git(tmp_path, "init", "--quiet", "--bare", f"{name}.git")
        git(repo, "remote", "add", name, f"../{name}.git")
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(repo, "push", "--quiet", "--set-upstream", "origin", "HEAD")
    invoke(repo, "init")
    git(repo, "pull", "--quiet")
    git(repo, "fetch", "--quiet", "--all")
    assert not [line for line in invoke(repo, "doctor", "--no-probes", code=None)["advice"] if "git fetch" in line]
    invoke(repo, "sync")
    git(repo, "pull", "--quiet")
    git(repo, "fetch", "--quiet", "--all")
    assert "+refs/notes/arcgit:refs/notes/origin/arcgit" in git(repo, "config", "--get-all", "remote.origin.fetch")
    assert git(repo, "config", "remote.origin.tagopt") == "--tags"


def test_where_any_of_several_remotes_may_have_the_archive_nothing_is_written(world: World, tmp_path: Path) -> None:
    """What was written would be pinned as if it had been exchanged, and be called a fork as soon as it is."""
    git(world.work, "remote", "rename", "origin", "one")
    git(world.work, "remote", "add", "two", "../two.git")
    before = git(world.work, "for-each-ref")
    for command in (["record"], ["record", "--no-push"], ["retire", "wide", "--reason", "x"], ["sync"]):
        fault = world.arcgit(*command, code=3)["error"]
        assert fault["code"] == "remote-missing"
        assert "one, two" in fault["message"]
        assert fault["hint"] == "git config arcgit.remote one"
    assert git(world.work, "for-each-ref") == before
    assert world.verify(code=0) == []
    git(world.work, "config", "arcgit.remote", "one")
    world.arcgit("sync")


def test_a_clone_with_several_remotes_joins_the_one_that_has_an_archive(world: World) -> None:
    clone = world.clone()
    git(clone, "remote", "rename", "origin", "upstream")
    git(world.root, "init", "--quiet", "--bare", "fork.git")
    git(clone, "remote", "add", "fork", "../fork.git")
    assert "arcgit.remote upstream" in invoke(clone, "init")["changes"]
    assert invoke(clone, "sync")["remote"] == "upstream"


def test_joining_an_archive_never_seen_needs_its_trust_root(world: World) -> None:
    founder = json.loads(next((world.state / "arcgit" / "pins").glob("*.json")).read_text())["founder"]
    for path in (world.state / "arcgit" / "pins").iterdir():
        path.unlink()
    clone = world.clone()
    refused = invoke(clone, "init", code=3)
    assert refused["error"]["code"] == "trust-root-unknown"
    assert founder in refused["error"]["message"]
    assert invoke(clone, "init", "--trust-root", founder)["outcome"] == "joined"


def test_an_unreachable_remote_may_hold_an_archive(tmp_path: Path, state: Path, bob: Person) -> None:
    repo = make_repo(tmp_path, bob)
    git(repo, "remote", "add", "origin", str(tmp_path / "nowhere.git"))
    assert invoke(repo, "init", code=3)["error"]["code"] == "remote-unreachable"
    assert git(repo, "for-each-ref") == ""
    assert not (repo / ".arcgit").exists()
    assert invoke(repo, "init", "--new-archive")["outcome"] == "founded"


def test_a_remote_whose_name_would_clash_is_refused(tmp_path: Path, state: Path, bob: Person) -> None:
    repo = make_repo(tmp_path, bob)
    git(repo, "remote", "add", "arcgit", str(tmp_path))
    refused = invoke(repo, "init", code=2)
    assert refused["error"]["code"] == "remote-name"
    assert "git remote rename" in refused["error"]["hint"]


def test_without_a_key_init_says_how_to_make_one(tmp_path: Path, state: Path) -> None:
    repo = make_repo(tmp_path, None)
    git(repo, "config", "gpg.format", "ssh")
    refused = invoke(repo, "init", code=3)
    assert refused["error"]["code"] == "signing-key-missing"
    assert "ssh-keygen" in refused["error"]["hint"]
    assert git(repo, "for-each-ref") == ""


def test_x509_is_refused_as_unsupported(tmp_path: Path, state: Path, bob: Person) -> None:
    repo = make_repo(tmp_path, bob)
    git(repo, "config", "gpg.format", "x509")
    assert invoke(repo, "init", code=2)["error"]["code"] == "signing-format-unsupported"


def test_a_repository_without_dvc_is_refused(tmp_path: Path, state: Path) -> None:
    git(tmp_path, "init", "--quiet", "repo")
    assert invoke(tmp_path / "repo", "init", code=2)["error"]["hint"] == "dvc init"


def test_outside_a_repository_the_error_says_so(tmp_path: Path, state: Path) -> None:
    assert invoke(tmp_path, "init", code=3)["error"]["code"] == "not-a-repository"


def test_inside_of_a_git_folder_the_way_out_is_said(world: World) -> None:
    refused = invoke(world.work / ".git", "list", code=3)["error"]
    assert (refused["code"], refused["message"]) == ("not-a-repository", "this is inside of a git folder")
    assert "work tree" in refused["hint"]


def test_a_foreign_hook_is_kept_and_runs_after_ours(tmp_path: Path, state: Path, bob: Person) -> None:
    repo = make_repo(tmp_path, bob)
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 7\n")
    hook.chmod(0o755)
    made = invoke(repo, "init")
    aside = hook.with_name("pre-commit.before-arcgit")
    assert aside.read_text() == "#!/bin/sh\nexit 7\n"
    assert made["hooks"][0] == {
        "name": "pre-commit", "outcome": "installed", "path": str(hook), "chained": str(aside), "reason": "", "hint": "",
    }  # fmt: skip
    git(repo, "commit", "--quiet", "--allow-empty", "-m", "x", code=1)
    assert subprocess.run([hook], cwd=repo, check=False).returncode == 7


def test_hooks_are_removed_only_if_they_are_ours(world: World) -> None:
    hook = world.work / ".git" / "hooks" / "pre-commit"
    assert hook.is_file()
    assert run(["-C", str(world.work), "hooks", "uninstall"]) == 0
    assert not hook.exists()
    hook.write_text("#!/bin/sh\n")
    assert run(["-C", str(world.work), "hooks", "uninstall"]) == 0
    assert hook.is_file()
