"""The push hook, installed and run by real git: every line that git gives it, quick where nothing is arcgit's, beside others."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.attacks.test_exchange import sealed_here
from tests.attacks.test_ledger import chain
from tests.hooks.pushing import Done, refs
from tests.hooks.staging import BIN, Counted, spoil
from tests.world import World, dvc, git, invoke, sh

LEDGER, LISTS = "refs/notes/arcgit", "refs/arcgit/fixity:refs/arcgit/fixity"


def push(work: Path, *arguments: str, to: str = "origin", **env: str) -> Done:
    """`git push` as a person types it, with arcgit and dvc on PATH."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["git", "push", to, *arguments],
        cwd=work, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path, **env},
    )  # fmt: skip


def refused(world: World, *arguments: str, code: str = "", **env: str) -> str:
    """Push, and expect that the client's own hook lets nothing go."""
    before = refs(world.hub)
    done = push(world.work, *arguments, **env)
    assert done.returncode != 0, done.stderr
    assert refs(world.hub) == before
    assert f": {code}: " in done.stderr or not code, done.stderr
    assert "arcgit: nothing was pushed" in done.stderr, done.stderr
    assert "git push --no-verify" in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def pushed(world: World, *arguments: str, **env: str) -> str:
    done = push(world.work, *arguments, **env)
    assert done.returncode == 0, done.stderr
    return done.stderr


def counted(work: Path, folder: Path) -> Counted:
    """Put a Python that leaves a mark in the place of the push hook's own."""
    log, python, hook = folder / "started", folder / "python", work / ".git" / "hooks" / "pre-push"
    python.write_text(f"#!/bin/sh\necho started >> '{log}'\nexec '{sys.executable}' \"$@\"\n")
    python.chmod(0o755)
    lines = hook.read_text().splitlines()
    hook.write_text("\n".join(f"python='{python}'" if line.startswith("python=") else line for line in lines) + "\n")
    return Counted(log)


def test_every_line_is_read_however_git_is_told_to_push(world: World) -> None:
    """A new tag on an old commit, several refs with one bad, deletion, move, and notes."""
    work, tag = world.work, f"refs/tags/{world.tag()}"
    git(work, "tag", "exp/churn/forged/0123456789ab", "HEAD~1")
    refused(world, "refs/tags/exp/churn/forged/0123456789ab", code="tag-type")
    refused(world, "HEAD:refs/heads/fine", "refs/tags/exp/churn/forged/0123456789ab", code="tag-type")
    refused(world, "--tags", code="tag-type")
    git(work, "tag", "-d", "exp/churn/forged/0123456789ab")
    refused(world, f":{tag}", code="recorded-tag-missing")
    refused(world, "--delete", tag, code="recorded-tag-missing")
    refused(world, "--force", f"refs/tags/{world.tag('wide')}:{tag}", code="tag-not-as-recorded")
    refused(world, "--force", f"{chain(work)[1]}:{LEDGER}", code="ledger-rollback")
    refused(world, f":{LEDGER}", code="ledger-rollback")
    git(work, "notes", "--ref=arcgit", "append", "-m", "x", "HEAD")
    refused(world, LEDGER, code="ledger-foreign-commit")


def test_a_record_is_pushed_with_its_event_or_not_at_all(world: World) -> None:
    tag = f"refs/tags/{sealed_here(world)}"
    refused(world, tag, code="unrecorded-tag")
    refused(world, LEDGER, code="recorded-tag-missing")
    assert refused(world, "--tags", code="unrecorded-tag").count("exp/churn/own") == 1
    assert pushed(world, tag, LEDGER, LISTS)
    assert world.verify(code=0) == []


def test_the_data_of_a_record_must_be_in_its_remote(world: World) -> None:
    tag = f"refs/tags/{sealed_here(world)}"
    model = world.object_path("model.pkl")
    good = model.read_bytes()
    model.chmod(0o644)
    model.write_bytes(good[:-1])
    refused(world, tag, LEDGER, LISTS, code="object-corrupt")
    model.unlink()
    said = refused(world, tag, LEDGER, LISTS, code="object-missing")
    typed = re.search(r"arcgit (replicate storage \S+)", said)
    assert typed is not None
    world.arcgit(*typed[1].split())
    assert model.read_bytes() == good
    assert world.verify("--level", "fixity", code=0) == []


def test_a_remote_that_cannot_be_asked_is_no_pass_and_the_way_round_is_named(world: World) -> None:
    tag = f"refs/tags/{sealed_here(world)}"
    dvc(world.work, "remote", "remove", "--quiet", "storage")
    assert "arcgit: unknown: " in refused(world, tag, LEDGER, LISTS)
    assert pushed(world, "--no-verify", tag, LEDGER, LISTS)


def test_what_arcgit_pushes_itself_is_not_judged_twice(world: World, tmp_path: Path) -> None:
    counter = counted(world.work, tmp_path)
    tag = f"refs/tags/{sealed_here(world)}"
    assert tag in world.arcgit("sync")["pushed"]
    assert int(counter) == 0


def test_a_push_of_nothing_of_arcgits_starts_no_python(world: World, tmp_path: Path) -> None:
    counter = counted(world.work, tmp_path)
    git(world.work, "checkout", "--quiet", "--orphan", "plain")
    git(world.work, "rm", "-r", "--quiet", "--cached", ".")
    git(world.work, "add", "src")
    git(world.work, "commit", "--quiet", "--no-verify", "-m", "plain")
    git(world.work, "tag", "v1")
    git(world.work, "tag", "exposed")
    pushed(world, "plain", "v1", "exposed", "plain:refs/heads/caf\u00e9")
    pushed(world, ":plain", ":refs/heads/caf\u00e9")
    assert int(counter) == 0
    pushed(world, "main:refs/heads/other")
    assert int(counter) == 1


def test_an_incomplete_manifest_is_refused_on_every_branch_and_an_old_one_is_not_held_against_a_push(
    world: World,
) -> None:
    pushed(world, "main")
    spoil(world.work)
    git(world.work, "commit", "--quiet", "--no-verify", "-am", "spoilt")
    assert "next: add to arcgit.yaml: owner: " in refused(world, "main", code="owner-missing")
    refused(world, "main:feature", code="owner-missing")
    pushed(world, "--no-verify", "main")
    git(world.work, "fetch", "--quiet", "origin")
    (world.work / "notes.txt").write_text("x\n")
    git(world.work, "add", "notes.txt")
    git(world.work, "commit", "--quiet", "--no-verify", "-m", "notes")
    pushed(world, "main", "main:feature")


def test_a_repository_without_an_archive_is_pushed_as_ever(world: World, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "hub.git")
    git(tmp_path, "init", "--quiet", "plain")
    plain = tmp_path / "plain"
    git(plain, "remote", "add", "origin", "../hub.git")
    (plain / "x").write_text("x")
    git(plain, "add", "x")
    git(plain, "commit", "--quiet", "-m", "x")
    invoke(plain, "hooks", "install")
    for arguments in (["HEAD:refs/heads/main"], ["HEAD:refs/notes/commits"], [":refs/notes/commits"]):
        assert push(plain, *arguments).returncode == 0
    assert push(plain, "HEAD:refs/heads/main").returncode == 0
    assert push(plain, "HEAD:refs/tags/exp/x").returncode != 0


@pytest.mark.parametrize("to", ["../hub.git", "origin"])
def test_a_remote_by_its_address_is_judged_as_one_by_its_name(world: World, to: str) -> None:
    tag = f"refs/tags/{world.tag()}"
    done = push(world.work, "--force", f"{tag}^{{}}:{tag}", to=to)
    assert done.returncode != 0
    assert "tag-type" in done.stderr
    assert push(world.work, "HEAD:refs/heads/x", to=to).returncode == 0


def test_the_hook_from_before_gets_the_same_lines_and_words_after_ours(world: World) -> None:
    work = world.work
    world.arcgit("hooks", "uninstall")
    hook = work / ".git" / "hooks" / "pre-push"
    hook.write_text('#!/bin/sh\necho "$@" > .git/words\ncat > .git/lines\n! grep -q refs/heads/no .git/lines\n')
    hook.chmod(0o755)
    before = hook.read_bytes()
    world.arcgit("hooks", "install")
    pushed(world, "HEAD:refs/heads/a", "main:refs/heads/b")
    first, second = (work / ".git" / "lines").read_text().splitlines()
    oid = git(work, "rev-parse", "HEAD")
    assert (first, second.split()[1:3]) == (f"HEAD {oid} refs/heads/a {'0' * 40}", [oid, "refs/heads/b"])
    assert (work / ".git" / "words").read_text() == "origin ../hub.git\n"
    assert push(work, "HEAD:refs/heads/no").returncode != 0
    (work / ".git" / "lines").unlink()
    refused(world, f":refs/tags/{world.tag()}")
    assert not (work / ".git" / "lines").exists()
    pushed(world, "HEAD:refs/heads/a")
    assert (work / ".git" / "lines").read_bytes() == b""
    world.arcgit("hooks", "uninstall")
    assert hook.read_bytes() == before


def test_dvcs_own_push_hook_runs_after_ours(world: World, tmp_path: Path) -> None:
    world.arcgit("hooks", "uninstall")
    dvc(world.work, "install")
    world.arcgit("hooks", "install")
    fake = tmp_path / "dvc"
    fake.write_text('#!/bin/sh\necho "dvc $*" >> .git/ran\ncat >> .git/ran\n')
    fake.chmod(0o755)
    done = subprocess.run(
        ["git", "push", "origin", "HEAD:refs/heads/x"], cwd=world.work, capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    first, second = (world.work / ".git" / "ran").read_text().splitlines()
    assert first.startswith("dvc git-hook pre-push")
    assert second.split()[2] == "refs/heads/x"


@pytest.mark.parametrize("code", ["exit 0", "exit 1", "kill -SEGV $$", None])
def test_a_push_hook_that_cannot_run_fails_closed(world: World, tmp_path: Path, code: str | None) -> None:
    counted(world.work, tmp_path)
    python = tmp_path / "python"
    if code is None:
        python.unlink()
    else:
        python.write_text(f"#!/bin/sh\n{code}\n")
    done = push(world.work, f":refs/tags/{world.tag()}")
    assert done.returncode != 0
    assert "Run: arcgit hooks install" in done.stderr or "then run: arcgit hooks install" in done.stderr
    assert f"refs/tags/{world.tag()}" in refs(world.hub)


def test_the_line_for_hooks_that_others_manage_judges_the_same(world: World) -> None:
    world.arcgit("hooks", "uninstall")
    hook = world.work / ".git" / "hooks" / "pre-push"
    hook.write_text('#!/bin/sh\narcgit hooks run pre-push "$@" || exit $?\n')
    hook.chmod(0o755)
    assert [row["outcome"] for row in world.arcgit("hooks", "install")["hooks"]] == [
        "installed",
        "installed",
        "unchanged",
    ]
    refused(world, f":refs/tags/{world.tag()}", code="recorded-tag-missing")
    pushed(world, "HEAD:refs/heads/x")


def test_a_push_from_a_linked_worktree_and_by_git_dir_is_judged(world: World) -> None:
    git(world.work, "worktree", "add", "--quiet", "-b", "side", "../linked")
    tag = f"refs/tags/{world.tag()}"
    for cwd, env in ((world.root / "linked", {}), (world.root, {"GIT_DIR": str(world.work / ".git")})):
        done = push(cwd, f":{tag}", to=str(world.hub), **env)
        assert (done.returncode != 0, "recorded-tag-missing" in done.stderr or "ledger-missing" in done.stderr) == (
            True,
            True,
        )


def test_replaced_objects_and_files_of_the_repository_change_no_answer(world: World) -> None:
    marker = world.root / "marker"
    for name in ("yaml.py", "arcgit.py", "json.py", "sitecustomize.py"):
        (world.work / name).write_text(f"open({str(marker)!r}, 'w')\nraise SystemExit(0)\n")
    git(world.work, "replace", world.tag(), world.tag("wide"))
    refused(world, f":refs/tags/{world.tag()}", code="recorded-tag-missing", PYTHONPATH=str(world.work))
    assert not marker.exists()
    refused(world, "refs/replace/*:refs/replace/*", code="replace-refs-present")
    assert sh(world.work, "git", "status", "--short")
