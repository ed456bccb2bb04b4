"""Attacks and accidents between two repositories: what others push, and two who write at once."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arcgit.git import exchange
from arcgit.model import canonical
from tests.attacks.test_ledger import chain, forget_pin
from tests.world import Person, World, git, invoke, next_experiment

LEDGER = "refs/notes/arcgit"
FIXITY = "refs/arcgit/fixity"


def sealed_here(world: World, experiment: str = "own", params: str = "lr: 7\nepochs: 9\n") -> str:
    """The tag of a record that was sealed and not pushed."""
    next_experiment(world.work, experiment, params)
    tag: str = world.arcgit("record", "--no-push")["tag"]
    return tag


def second_recorder(world: World, command: str) -> Path:
    """A GnuPG that lets somebody else run `command` in the moment before it signs for the first time."""
    program, done = world.root / "slow-gpg", world.root / "done"
    program.write_text(
        "#!/bin/sh\n"
        f'case " $* " in *" --detach-sign "*|*" -bsau "*) if [ ! -e {done} ]; then touch {done}; ({command}) >&2; fi;; esac\n'
        f'exec {shutil.which("gpg")} "$@"\n'
    )
    program.chmod(0o755)
    return program


def test_two_recorders_of_one_clone_lose_nothing(world: World) -> None:
    """The second does not wait for its turn, and seals and finishes while the first is signing."""
    other = world.root / "other"
    next_experiment(world.work, "first", "lr: 7\nepochs: 9\n")
    git(world.work, "worktree", "add", "--quiet", "-b", "second", str(other))
    shutil.copytree(world.work / ".dvc", other / ".dvc", dirs_exist_ok=True)
    git(other, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", "second")
    manifest = other / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace("experiment: first", "experiment: second"))
    git(other, "commit", "--quiet", "--no-verify", "-am", "second")
    program = "from arcgit.archive import turn; from arcgit.__main__ import main; turn.SECONDS = 0.1; main()"
    record = f"{sys.executable} -c '{program}' -C {other} record --no-push"
    slow = second_recorder(
        world, f"env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=gpg.program GIT_CONFIG_VALUE_0=gpg {record}"
    )
    git(world.work, "config", "gpg.program", str(slow))
    first = world.arcgit("record", "--no-push")["tag"]
    git(world.work, "config", "--unset", "gpg.program")
    assert (world.root / "done").exists()
    listed = {row["tag"]: row["status"] for row in world.arcgit("list")["records"]}
    assert listed[first] == "recorded"
    assert sorted(tag.split("/")[2] for tag in listed) == ["baseline", "deep", "first", "second", "wide"]
    assert world.verify(code=0) == []


def test_a_name_is_not_yielded_to_a_tag_that_anybody_pushed(world: World) -> None:
    """A pusher without a role takes the name of a record that is sealed and not pushed yet."""
    tag = sealed_here(world)
    ours = git(world.work, "rev-parse", f"refs/tags/{tag}")
    git(world.hub, "update-ref", f"refs/tags/{tag}", "main")
    refused = world.arcgit("sync", code=1)
    assert refused["error"]["code"] == "unrecorded-tag"
    assert git(world.work, "rev-parse", f"refs/tags/{tag}") == ours
    git(world.hub, "update-ref", "-d", f"refs/tags/{tag}")
    assert f"refs/tags/{tag}" in world.arcgit("sync")["pushed"]
    assert world.verify(code=0) == []


def test_a_recorded_tag_that_the_remote_moved_is_named(world: World) -> None:
    git(world.hub, "update-ref", f"refs/tags/{world.tag()}", "main")
    refused = world.arcgit("sync", code=1)
    assert refused["error"]["code"] == "tag-not-as-recorded"


def test_a_ledger_that_was_refused_is_not_pinned(world: World) -> None:
    """A pin of it would make the ledger that stays here look like one that went back, with nobody having done that."""
    before = git(world.work, "rev-parse", LEDGER)
    world.arcgit("retire", "wide", "--reason", "No longer in use")
    for ref in (LEDGER, "refs/notes/origin/arcgit"):
        git(world.work, "update-ref", ref, before)
    forget_pin(world)
    assert world.verify("--trust-root", before_all(world), code=0) == []
    git(world.hub, "update-ref", f"refs/tags/{world.tag()}", "main")
    assert world.arcgit("sync", code=1)["error"]["code"] == "tag-not-as-recorded"
    assert world.verify(code=0) == []
    git(world.hub, "update-ref", f"refs/tags/{world.tag()}", git(world.work, "rev-parse", f"refs/tags/{world.tag()}"))
    world.arcgit("sync")
    assert git(world.work, "rev-parse", "refs/notes/origin/arcgit") != before
    git(world.work, "update-ref", "refs/notes/origin/arcgit", before)
    git(world.work, "update-ref", LEDGER, before)
    assert world.verify(code=1) == ["ledger-rollback"], "what was taken in is pinned"


def before_all(world: World) -> str:
    """The genesis."""
    return git(world.work, "rev-list", "--reverse", LEDGER).split()[0]


def test_a_ledger_that_does_not_hold_is_fetched_and_not_taken_in(world: World) -> None:
    """What a remote says takes the place of what was judged before only when it has been judged itself."""
    before = git(world.work, "for-each-ref")
    git(world.hub, "update-ref", f"refs/tags/{world.tag()}2", world.tag())
    tree = git(world.hub, "rev-parse", f"{LEDGER}^{{tree}}")
    git(world.hub, "update-ref", LEDGER, git(world.hub, "commit-tree", "-p", LEDGER, "-m", "looks good", tree))
    assert world.arcgit("sync", code=1)["error"]["code"] == "ledger-foreign-commit"
    assert world.verify(code=0) == []
    after = git(world.work, "for-each-ref")
    assert [line for line in after.splitlines() if "refs/arcgit/incoming/" not in line] == before.splitlines()
    git(world.hub, "update-ref", LEDGER, f"{LEDGER}~1")
    git(world.hub, "update-ref", "-d", f"refs/tags/{world.tag()}2")
    world.arcgit("sync")
    assert git(world.work, "for-each-ref") == before


def test_what_stands_beside_its_place_from_a_run_that_died_becomes_no_tag(world: World) -> None:
    stray = "exp/churn/stray/0123456789ab"
    git(world.work, "update-ref", f"refs/arcgit/incoming/{stray}", world.tag())
    git(world.work, "update-ref", "refs/arcgit/incoming/ledger", f"{LEDGER}~2")
    world.arcgit("sync")
    assert git(world.work, "for-each-ref", "refs/arcgit/incoming", f"refs/tags/{stray}") == ""
    assert world.verify(code=0) == []


def test_a_ledger_that_is_newer_than_the_list_of_tags_is_looked_at_again(
    world: World, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody records between the moment in which the refs are listed and the one in which they are fetched."""
    clone = world.clone("other")
    ada.sign_as(clone)
    invoke(clone, "init")
    shutil.copytree(world.work / ".dvc" / "cache", clone / ".dvc" / "cache", dirs_exist_ok=True)
    invoke(clone, "amend", world.tag(), "--purpose", "News.", "--reason", "So that there is something to fetch.")
    (clone / "arcgit.yaml").write_text((clone / "arcgit.yaml").read_text().replace(": baseline", ": between"))
    git(clone, "commit", "--quiet", "--no-verify", "-am", "between")
    true, waiting = exchange.fetch, [("record",)]

    def fetch(root: Path, *given: Any) -> None:
        while root == world.work and waiting:
            invoke(clone, *waiting.pop())
        true(root, *given)

    monkeypatch.setattr(exchange, "fetch", fetch)
    assert world.arcgit("sync")["missing"] == []
    assert world.tag("between")
    assert world.verify(code=0) == []


def test_a_record_that_both_sides_have_lost_is_named_by_sync(world: World) -> None:
    tag = world.tag()
    for place in (world.work, world.hub):
        git(place, "update-ref", "-d", f"refs/tags/{tag}")
    assert world.arcgit("sync", code=1)["missing"] == [tag]


def test_a_remote_without_any_archive_is_not_called_in_step(world: World, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "empty.git")
    git(tmp_path, "clone", "--quiet", "empty.git", "lost")
    assert invoke(tmp_path / "lost", "sync", code=3)["error"]["code"] == "ledger-missing"


def endless(repo: Path, blob: str) -> str:
    """A tree of a few objects that stands for more files than anybody can list."""
    tree = git(repo, "mktree", stdin=f"100644 blob {blob}\t{'0' * 62}\n")
    for _ in range(12):
        tree = git(repo, "mktree", stdin="".join(f"040000 tree {tree}\t{number:02x}\n" for number in range(10)))
    return tree


@pytest.mark.parametrize("wrecked", ["emptied", "other blobs", "odd names", "a blob", "endless", "one for many"])
def test_what_others_push_as_fixity_lists_takes_nothing_away(world: World, wrecked: str) -> None:
    lists = git(world.work, "ls-tree", "-r", FIXITY).splitlines()
    tip = git(world.hub, "rev-parse", FIXITY)
    blob = git(world.hub, "hash-object", "-w", "--stdin", stdin="arcgit/fixity/v1\n")
    if wrecked == "emptied":
        empty = git(world.hub, "mktree", stdin="")
        bad = git(world.hub, "commit-tree", "-p", tip, "-m", "x", empty)
    elif wrecked == "other blobs":
        rows = [row.split("\t")[1] for row in lists]
        folders: dict[str, list[str]] = {}
        for path in rows:
            folders.setdefault(path[:2], []).append(f"100644 blob {blob}\t{path[3:]}\n")
        trees = {name: git(world.hub, "mktree", stdin="".join(entries)) for name, entries in folders.items()}
        root = git(world.hub, "mktree", stdin="".join(f"040000 tree {oid}\t{name}\n" for name, oid in trees.items()))
        bad = git(world.hub, "commit-tree", "-m", "x", root)
    elif wrecked == "odd names":
        bad = git(
            world.hub, "commit-tree", "-p", tip, "-m", "x", git(world.hub, "mktree", stdin=f"100644 blob {blob}\tab\n")
        )
    elif wrecked == "endless":
        bad = git(world.hub, "commit-tree", "-m", "x", endless(world.hub, blob))
    elif wrecked == "one for many":
        (world.root / "large").write_bytes(bytes(16 * 1024 * 1024))
        large = git(world.hub, "hash-object", "-w", str(world.root / "large"))
        many = "".join(f"100644 blob {large}\t{number:062x}\n" for number in range(3000))
        root = git(world.hub, "mktree", stdin=f"040000 tree {git(world.hub, 'mktree', stdin=many)}\t00\n")
        bad = git(world.hub, "commit-tree", "-p", tip, "-m", "x", root)
    else:
        bad = blob
    git(world.hub, "update-ref", FIXITY, bad)
    world.arcgit("sync")
    assert git(world.work, "ls-tree", "-r", FIXITY).splitlines() == lists
    assert world.verify("--level", "fixity", code=0) == []
    sealed_here(world)
    world.arcgit("sync")
    assert world.verify("--level", "fixity", code=0) == []


def test_nothing_is_written_through_a_symbolic_ref_in_the_place_of_one_of_arcgits(world: World) -> None:
    """It stands for a branch, which stays where it is; the ref is a plain one afterwards."""
    for name in (FIXITY, LEDGER):
        none = git(world.work, "commit-tree", "-m", "none", git(world.work, "mktree", stdin=""))
        kept = none if name == FIXITY else git(world.work, "rev-parse", name)
        git(world.work, "update-ref", "refs/heads/kept", kept)
        git(world.work, "symbolic-ref", name, "refs/heads/kept")
        sealed_here(world, name.rpartition("/")[2])
        assert git(world.work, "rev-parse", "refs/heads/kept") == kept
        world.arcgit("sync")
        git(world.work, "symbolic-ref", "--quiet", name, code=1)
        assert git(world.work, "rev-parse", name) == git(world.hub, "rev-parse", name) != kept
    assert world.verify("--level", "fixity", code=0) == []


def test_a_tag_named_like_the_ledger_is_not_taken_for_it(world: World) -> None:
    options = forget_pin(world)
    git(world.hub, "update-ref", f"refs/tags/{LEDGER}", LEDGER)
    clone = world.clone()
    git(clone, "fetch", "--quiet", "--tags")
    assert world.verify(*options, cwd=clone, code=3) == ["notes-missing"]


def test_a_remote_that_went_back_is_noticed_although_this_clone_has_the_rest(world: World) -> None:
    git(world.hub, "update-ref", LEDGER, chain(world.work)[-2])
    git(world.work, "fetch", "--quiet", "origin", f"+{LEDGER}:refs/notes/origin/arcgit")
    assert "ledger-rollback" in world.verify(code=1)


def test_a_foreign_note_that_was_pushed_names_the_command_that_takes_it_away(world: World) -> None:
    clone = world.clone()
    git(clone, "fetch", "--quiet", "origin", f"{LEDGER}:{LEDGER}")
    git(clone, "notes", "--ref=arcgit", "add", "-f", "-m", "looks good", "HEAD")
    git(clone, "push", "--quiet", "origin", LEDGER)
    refused = world.arcgit("sync", code=1)
    assert refused["error"]["code"] == "ledger-foreign-commit"
    command = refused["error"]["hint"].rpartition(": ")[2]
    subprocess.run(command.split(), cwd=world.work, check=True, capture_output=True)
    world.arcgit("sync")
    assert world.verify(code=0) == []


def test_a_second_ledger_for_the_same_archive_is_not_begun(world: World, tmp_path: Path) -> None:
    """The founder has committed the policy and not shared the ledger yet; a colleague runs init in a clone."""
    git(world.hub, "update-ref", "-d", LEDGER)
    clone = world.clone()
    assert invoke(clone, "init", code=1)["error"]["code"] == "archive-exists"
    forget_pin(world)
    refused = invoke(clone, "init", code=3)
    assert refused["error"]["code"] == "ledger-missing"
    assert "arcgit sync" in refused["error"]["hint"]


def test_a_forged_tag_is_not_listed_as_recorded(world: World) -> None:
    tag = world.tag()
    raw = subprocess.run(["git", "cat-file", "tag", tag], cwd=world.work, capture_output=True, check=True).stdout
    forged = raw.replace(b'"owner":"Ada Lovelace <ada@example.org>"', b'"owner":"Mallory <mallory@example.org>"')
    command = ["git", "hash-object", "-t", "tag", "-w", "--stdin"]
    oid = subprocess.run(command, cwd=world.work, input=forged, capture_output=True, check=True).stdout.decode().strip()
    git(world.work, "update-ref", f"refs/tags/{tag}", oid)
    rows = {row["tag"]: row for row in world.arcgit("list")["records"]}
    assert (rows[tag]["owner"], rows[tag]["status"]) == ("Mallory <mallory@example.org>", "altered")


def test_a_pre_push_hook_that_says_no_is_a_refusal(world: World) -> None:
    sealed_here(world)
    hook = world.work / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert world.arcgit("sync", code=1)["error"]["code"] == "push-refused"


def test_somebody_without_a_role_learns_it_before_anything_is_hashed(world: World, mallory: Person) -> None:
    mallory.sign_as(world.work)
    next_experiment(world.work, "own", "lr: 7\nepochs: 9\n")
    shutil.rmtree(world.work / ".dvc" / "cache")
    refused = world.arcgit("record", code=1)
    assert refused["error"]["code"] == "signer-unknown"
    assert "(ada)" in refused["error"]["hint"]


def test_links_in_a_folder_that_git_keeps_are_refused_rather_than_sealed_empty(world: World) -> None:
    (world.work / "lib").mkdir()
    (world.work / "lib" / "a.py").write_text("pass\n")
    (world.work / "lib" / "b.py").symlink_to("a.py")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace("artifacts:\n", "artifacts:\n  lib: {role: code, path: lib}\n"))
    world.commit()
    codes = [finding["code"] for finding in world.arcgit("check", "--rev", "HEAD", code=1)["findings"]]
    assert codes == ["path-unsafe"]
    assert world.arcgit("record", code=1)["error"]["code"] == "incomplete"


def test_a_forgotten_metrics_file_is_named_with_the_command_that_helps(world: World) -> None:
    """dvc repro would say that everything is up to date."""
    git(world.work, "rm", "--quiet", "--cached", "metrics.json")
    found = world.arcgit("check", "--staged", code=1)["findings"]
    assert [(finding["code"], finding["hint"]) for finding in found if finding["severity"] == "error"] == [
        ("artifact-untracked", "git add metrics.json")
    ]


def test_what_nothing_tracks_is_not_said_to_be_in_git(world: World) -> None:
    (world.work / "extra.csv").write_text("1\n")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  extra: {role: dataset, path: extra.csv}\n")
    found = world.arcgit("check", "--worktree", code=1)["findings"]
    assert [(finding["code"], finding["hint"]) for finding in found if finding["severity"] == "error"] == [
        ("dataset-version-missing", "dvc add extra.csv")
    ]


def test_params_that_no_record_can_hold_are_refused_at_the_commit(world: World) -> None:
    (world.work / "params.yaml").write_text(
        "lr: 1e-3\nepochs: 9\n" + "".join(f"k{n}: {'x' * 200}\n" for n in range(4000))
    )
    world.commit()
    codes = [finding["code"] for finding in world.arcgit("check", "--rev", "HEAD", code=1)["findings"]]
    assert codes == ["record-too-large"]


def test_the_manifest_of_the_folder_where_one_stands_is_meant(world: World) -> None:
    folder = world.work / "other"
    folder.mkdir()
    text = (world.work / "arcgit.yaml").read_text().replace("experiment: deep", "experiment: there")
    (folder / "arcgit.yaml").write_text(text)
    world.commit()
    refused = invoke(folder, "record", code=1)
    assert refused["error"]["message"].startswith("churn/there")
    assert invoke(folder, "record", "--manifest", "../arcgit.yaml")["tag"] == world.tag("deep")
    assert world.arcgit("record", "--manifest", "./arcgit.yaml")["tag"] == world.tag("deep")


@pytest.mark.parametrize("kind", ["fifo", "folder", "dangling link"])
@pytest.mark.parametrize("path", [".arcgit/policy.yaml", "arcgit.yaml"])
def test_what_is_no_plain_file_is_neither_read_nor_replaced(world: World, kind: str, path: str) -> None:
    """Otherwise init would found a second archive, and draft write through a link to the outside."""
    git(world.work, "update-ref", "-d", LEDGER)
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    git(world.work, "remote", "remove", "origin")
    target, outside = world.work / path, world.root / "outside"
    target.unlink()
    if kind == "fifo":
        os.mkfifo(target)
    elif kind == "folder":
        target.mkdir()
    else:
        target.symlink_to(outside)
    command = ["init", "--new-archive"] if path.endswith("policy.yaml") else ["draft"]
    assert world.arcgit(*command, code=1)["error"]["code"] == "path-unsafe"
    assert not outside.exists()


def test_init_killed_before_its_pin_is_finished_by_the_next_run(world: World) -> None:
    """The founder's own key began the ledger, so nobody needs to vouch for it."""
    git(world.work, "remote", "remove", "origin")
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    forget_pin(world)
    assert world.arcgit("init")["outcome"] == "unchanged"
    assert world.verify(code=0) == []


@pytest.mark.parametrize("name", ["x\u2028y", "x\u0085y", "x\u2029y"])
def test_a_ref_with_an_odd_line_end_in_its_name_stops_nobody(world: World, name: str) -> None:
    git(world.work, "update-ref", f"refs/tags/exp/{name}", "HEAD")
    assert world.verify(code=0) == ["foreign-tag"]
    assert len(world.arcgit("list")["records"]) == 3


def test_a_ref_whose_name_is_no_utf8_is_still_one_json_document(world: World) -> None:
    subprocess.run([b"git", b"update-ref", b"refs/tags/exp/x\xff", b"HEAD"], cwd=world.work, check=True)
    done = subprocess.run(
        [sys.executable, "-m", "arcgit", "verify", "--json"], cwd=world.work, capture_output=True, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["findings"][0]["code"] == "foreign-tag"


@pytest.mark.parametrize("arguments", [["verify", "--json"], ["verify"], ["log", "--json"]])
@pytest.mark.parametrize("where", ["full", "closed"])
def test_output_that_nobody_can_take_is_no_verdict_and_no_traceback(
    world: World, arguments: list[str], where: str
) -> None:
    redirect = ">/dev/full" if where == "full" else ">&-"
    command = f"{sys.executable} -m arcgit {' '.join(arguments)} {redirect}"
    done = subprocess.run(["sh", "-c", command], cwd=world.work, capture_output=True, text=True, check=False)
    assert done.returncode == (3 if where == "full" else 0)
    assert "Traceback" not in done.stderr


def test_a_state_folder_that_cannot_be_written_does_not_stop_an_auditor(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = forget_pin(world)
    monkeypatch.setenv("XDG_STATE_HOME", "/proc/1")
    codes = world.verify(*options, code=0)
    assert codes == ["pin-unwritten"]


@pytest.mark.parametrize("text", [b'{"seq": -5}', b'{"archive":"\xff"}', b"", b"[1]"])
def test_a_damaged_pin_is_never_a_first_sight(world: World, text: bytes) -> None:
    path = next((world.state / "arcgit" / "pins").glob("*.json"))
    known = json.loads(path.read_text())
    path.write_bytes(canonical.dumps({**known, "seq": -5}) if b"seq" in text else text)
    done = world.arcgit("verify", code=3)
    assert done["error"]["code"] == "pin-unreadable"


def test_a_pin_that_is_no_file_does_not_hang(world: World) -> None:
    path = next((world.state / "arcgit" / "pins").glob("*.json"))
    path.unlink()
    os.mkfifo(path)
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert world.arcgit("verify", code=3)["error"]["code"] == "pin-unreadable"


@pytest.mark.parametrize(
    "name", ["GIT_DIR", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY"]
)
def test_the_environment_does_not_point_arcgit_at_another_repository(
    world: World, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(world.root, "init", "--quiet", "elsewhere")
    git(world.root / "elsewhere", "config", "arcgit.remote", "zz")
    git(world.work, "config", "gpg.program", "gpg")
    monkeypatch.setenv(name, str(world.root / "elsewhere" / ".git"))
    monkeypatch.setenv("GIT_PYTHON_GIT_EXECUTABLE", "/nonexistent")
    assert world.verify(code=0) == []
    assert world.arcgit("sync")["pushed"] == []


@pytest.mark.parametrize("text", ['{"lr": "\\ud800"}', '{"\\udfff": 1}'])
def test_half_a_surrogate_pair_in_a_params_file_is_a_finding(world: World, text: str) -> None:
    (world.work / "more.json").write_text(text)
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace("params: [params.yaml]", "params: [params.yaml, more.json]"))
    world.commit()
    codes = [finding["code"] for finding in world.arcgit("check", "--rev", "HEAD", code=1)["findings"]]
    assert codes == ["manifest-invalid"]
