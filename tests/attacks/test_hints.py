"""Rare damage: what happened, to which thing, and a next command that helps when it is typed. Never a wrong cause."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from arcgit.cli.app import run
from arcgit.git import exchange
from arcgit.git.obstacles import obstacle
from tests.attacks.test_exchange import FIXITY, LEDGER, sealed_here
from tests.world import MANIFEST, World, dvc, git, invoke, next_experiment

POLICY = ".arcgit/policy.yaml"


def typed(command: str, cwd: Path) -> None:
    """What a person types after reading a hint."""
    subprocess.run(["sh", "-c", command], cwd=cwd, check=True, capture_output=True)


def with_new_lists(world: World) -> None:
    """An experiment whose folders no list knows yet."""
    (world.work / "data" / "raw.csv").unlink()
    (world.work / "data" / "raw.csv").write_text("\n".join(map(str, range(7, 107))))
    dvc(world.work, "add", "--quiet", "data/raw.csv")
    next_experiment(world.work, "own", "lr: 7\nepochs: 9\n")


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_lists_on_top_of_what_is_no_commit_are_not_begun(world: World, kind: str) -> None:
    """A commit with a blob for its parent would be kept here, and no server would take it."""
    there = {"blob": "HEAD:arcgit.yaml", "tree": "HEAD^{tree}", "tag": f"refs/tags/{world.tag()}"}[kind]
    git(world.work, "update-ref", FIXITY, git(world.work, "rev-parse", there))
    with_new_lists(world)
    before = git(world.work, "for-each-ref")
    told = [world.arcgit(*command, code=1)["error"] for command in (["record"], ["record", "--no-push"], ["sync"])]
    assert [one["code"] for one in told] == ["fixity-list"] * 3
    assert all(one["message"].startswith(f"{FIXITY} points to a {kind} ") for one in told)
    assert git(world.work, "for-each-ref") == before
    typed(told[0]["hint"].partition(" takes that away")[0], world.work)
    world.arcgit("sync")
    world.arcgit("record")
    assert world.verify("--level", "fixity", code=0) == []
    assert git(world.work, "rev-parse", FIXITY) == git(world.hub, "rev-parse", FIXITY)


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_lists_that_a_remote_has_no_place_for_are_said_not_to_be_pushed(world: World, kind: str) -> None:
    """Whoever may push there must not stop everybody else, but a record without its lists is no whole one."""
    there = {"blob": "HEAD:arcgit.yaml", "tree": "HEAD^{tree}", "tag": f"refs/tags/{world.tag()}"}[kind]
    oid = git(world.work, "rev-parse", there)
    git(world.hub, "fetch", "--quiet", str(world.work), "+refs/heads/*:refs/heads/kept-*")
    git(world.hub, "update-ref", FIXITY, oid)
    with_new_lists(world)
    made = world.arcgit("record")
    said = [one for one in made["warnings"] if one["code"] == "fixity-list"]
    assert [one["message"].partition(":")[0] for one in said] == [
        f"`origin` has a {kind} in the place of the lists of files"
    ]
    assert [one["code"] for one in world.arcgit("sync")["warnings"]] == ["fixity-list"]
    command = said[0]["hint"].partition(": ")[2].partition(";")[0]
    typed(command, world.work)
    assert world.arcgit("sync")["warnings"] == []
    assert git(world.work, "rev-parse", FIXITY) == git(world.hub, "rev-parse", FIXITY)
    clone = world.clone("fresh")
    git(clone, "fetch", "--quiet", "--tags", "origin", f"{LEDGER}:{LEDGER}", f"{FIXITY}:{FIXITY}")
    dvc(clone, "pull", "--quiet")
    assert world.verify("--level", "fixity", cwd=clone, code=0) == []


@pytest.mark.parametrize("filled", [b"\n" * 70_000, b"\xff" * 70_000, b"[" * 70_000])
def test_an_approval_that_is_too_long_to_be_one_is_named_with_the_way_on(world: World, filled: bytes) -> None:
    policy = world.work / POLICY
    text = policy.read_text().replace("[recorder, reviewer]", "[reviewer]")
    policy.write_text(text.replace("\nversion: 1\n", "\nversion: 2\n"))
    world.arcgit("policy", "sign")
    path = next((world.work / ".arcgit" / "approvals").iterdir())
    path.write_bytes(path.read_bytes() + filled)
    told = [world.arcgit("policy", command, code=1)["error"] for command in ("diff", "adopt", "sign")]
    assert [one["code"] for one in told] == ["file-too-large"] * 3
    assert all(one["message"].startswith(f".arcgit/approvals/{path.name} has ") for one in told)
    typed(told[0]["hint"].partition(": ")[2].partition(";")[0], world.work)
    world.arcgit("policy", "sign")
    world.arcgit("policy", "adopt")
    assert world.verify(code=0) == []


def with_index_of_packs(repository: Path) -> Path:
    """The index of all packs of a repository that has two."""
    git(repository, "repack", "-q", "-d")
    git(repository, "update-ref", "refs/heads/more", git(repository, "commit-tree", "-m", "x", "HEAD^{tree}"))
    git(repository, "repack", "-q", "-d")
    git(repository, "multi-pack-index", "write")
    found = Path(git(repository, "rev-parse", "--path-format=absolute", "--git-path", "objects/pack/multi-pack-index"))
    found.chmod(0o644)
    return found


@pytest.mark.parametrize(
    "command",
    [
        ["verify"], ["list"], ["show", "TAG"], ["sync"], ["record"], ["audit-report"], ["check", "--rev", "HEAD"],
        ["doctor", "--no-probes"],
    ],
    ids=lambda command: command[0],
)  # fmt: skip
def test_a_damaged_index_of_all_packs_is_no_ledger_that_is_gone(world: World, command: list[str]) -> None:
    tag = world.tag()
    index = with_index_of_packs(world.work)
    index.write_bytes(bytes(len(index.read_bytes())))
    told = world.arcgit(*(tag if word == "TAG" else word for word in command), code=3)["error"]
    assert told["code"] == "git-failed"
    assert "objects/pack/multi-pack-index" in told["message"]
    typed(told["hint"].partition(" leaves every object")[0], world.work)
    assert world.verify(code=0) == []


def test_what_needs_no_index_of_all_packs_finds_the_ledger_without(world: World) -> None:
    index = with_index_of_packs(world.work)
    index.write_bytes(bytes(len(index.read_bytes())))
    assert len(world.arcgit("log")["events"]) == 5
    assert world.arcgit("init")["outcome"] == "unchanged"


@pytest.mark.parametrize("half", ["truncated", "empty"])
def test_an_index_of_all_packs_that_git_does_without_is_no_fault(world: World, half: str) -> None:
    index = with_index_of_packs(world.work)
    data = index.read_bytes()
    index.write_bytes(data[: len(data) // 2] if half == "truncated" else b"")
    assert world.verify(code=0) == []
    assert len(world.arcgit("list")["records"]) == 3


def test_a_damaged_index_of_all_packs_on_the_server_is_no_address_that_is_wrong(world: World) -> None:
    index = with_index_of_packs(world.hub)
    index.write_bytes(bytes(len(index.read_bytes())))
    tag = sealed_here(world)
    told = world.arcgit("sync", code=3)["error"]
    assert told["code"] == "remote-unreachable"
    assert "its index of all packs" in told["message"]
    typed(told["hint"].partition("there: ")[2].partition(" leaves every object")[0], world.hub)
    assert f"refs/tags/{tag}" in world.arcgit("sync")["pushed"]
    assert invoke(world.work, "verify")["verdict"] == "pass"


def test_a_gnupg_that_cannot_look_is_no_key_that_is_missing(
    world: World, isolated_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a home of GnuPG on a full or read-only disk: its agent cannot be reached. A new key would mend nothing."""
    place = Path(tempfile.mkdtemp(prefix="g", dir=isolated_home))
    shutil.copy(isolated_home / "g" / "pubring.kbx", place)
    (place / "gpg.conf").write_text("no-autostart\n")
    monkeypatch.setenv("GNUPGHOME", str(place))
    told = world.arcgit("retire", world.tag(), "--reason", "Old.", code=3)["error"]
    assert told["code"] == "signing-failed"
    assert "agent" in told["message"]
    assert "gpg --list-secret-keys" in told["hint"]
    git(world.work, "config", "user.signingKey", "F" * 40)
    monkeypatch.setenv("GNUPGHOME", str(isolated_home / "g"))
    told = world.arcgit("retire", world.tag(), "--reason", "Old.", code=3)["error"]
    assert told["code"] == "signing-key-missing"


@pytest.mark.parametrize(
    "words",
    [
        "cannot update ref 'refs/x/y': couldn't write '/a/.git/refs/x/y.lock'",
        "cannot lock ref 'refs/x/y': unable to create directory for .git/refs/x/y.lock",
    ],
)
def test_a_ref_that_finds_no_room_is_told_without_gits_advice_about_other_things(tmp_path: Path, words: str) -> None:
    """Of a full disk git says only that it could not write the lock, behind advice about grafts."""
    advice = 'hint: Turn this message off by running\nhint: "git config advice.graftFileDeprecated false"\n'
    found = obstacle(f"{advice}fatal: prepare: {words}\n", tmp_path)
    assert found is not None
    assert (found.code, found.exit_code) == ("git-write-failed", 3)
    assert "y.lock" in found.message
    assert "hint" not in found.message


@pytest.mark.parametrize(("number", "word"), [(errno.ENOSPC, "df -h"), (errno.EROFS, "may write to")])
def test_hooks_that_find_no_room_are_not_told_to_mend_rights(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, word: str
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("arcgit.archive.hooks.hooks.look", refused)
    states = invoke(world.work, "hooks", "install", code=1)["hooks"]
    assert [word in state["hint"] for state in states] == [True] * len(states)


@pytest.mark.parametrize(
    "text", ["ssh-ed25519 AAAA x\n", "# About these keys\n", "", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"]
)
@pytest.mark.parametrize("name", ["README.md", "carol.pub"])
def test_a_file_among_the_keys_that_is_none_is_named_and_can_be_taken_away(world: World, name: str, text: str) -> None:
    """It used to be called a fault of the policy, which a person then looks through in vain."""
    (world.work / ".arcgit" / "keys" / name).write_text(text)
    told = world.arcgit("policy", "diff", code=1)["error"]
    assert f".arcgit/keys/{name}" in told["message"]
    typed(told["hint"].partition(";")[0], world.work)
    world.arcgit("policy", "diff")


@pytest.mark.parametrize("what", ["policy", "key"])
def test_a_proposal_that_is_too_long_to_be_one_is_written_anew_as_the_hint_says(world: World, what: str) -> None:
    path = world.work / POLICY
    if what == "key":
        path = next((world.work / ".arcgit" / "keys").iterdir())
    path.write_bytes(bytes(2 << 20))
    told = world.arcgit("policy", "diff", code=1)["error"]
    assert told["code"] == "file-too-large"
    if what == "policy":
        assert told["hint"].startswith("arcgit policy reset")
    world.arcgit("policy", "reset")
    assert world.arcgit("policy", "diff")["changes"] == []


NAMES = [
    "a; touch ran;",
    "$(touch ran)",
    "`touch ran`",
    "a && touch ran",
    "a'; touch ran; '",
    '"; touch ran; "',
    "-rf",
    "a | touch ran",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_a_pull_request_becomes_a_command_where_a_person_is_told_what_to_type(
    world: World, name: str
) -> None:
    """A reviewer pastes what stands behind `next`; there a name of a file, a folder or a stage is one word and no more."""
    quoted = json.dumps(name)
    manifest = MANIFEST.format(experiment="baseline").replace("[params.yaml]", f"[{json.dumps(name + '.yaml')}]")
    for role, path in (("model", "model.pkl"), ("code", "src/train.py"), ("dataset", "data/train")):
        manifest = manifest.replace(f"{{role: {role}, path: {path}", f'{{role: {role}, path: {quoted[:-1]}{role}"')
    (world.work / "arcgit.yaml").write_text(manifest)
    (world.work / f"{name}dataset").write_text("rows")
    git(world.work, "add", "--all")
    hints = [found["hint"] for found in invoke(world.work, "check", "--staged", code=None)["findings"]]
    told = [hint for hint in hints if name in hint or "ran" in hint]
    assert len(told) >= 3
    for hint in told:
        words = shlex.split(hint)
        assert not [word for word in words if word in {"touch", "ran", "ran;", "-rf"}], hint
        with_programs = {"PATH": "/usr/bin:/bin"}
        subprocess.run(
            ["sh", "-c", hint.replace("&&", ";")], cwd=world.root, env=with_programs, capture_output=True, check=False
        )
    assert not list(world.root.rglob("ran"))


@pytest.mark.parametrize("name", NAMES)
def test_no_file_among_the_keys_becomes_a_command_either(world: World, name: str) -> None:
    (world.work / ".arcgit" / "keys" / name.lstrip("-").replace("/", "_")).write_text("no key")
    hint = world.arcgit("policy", "diff", code=1)["error"]["hint"]
    typed(hint.partition("; if")[0], world.work)
    assert not list(world.work.rglob("ran"))
    world.arcgit("policy", "diff")


def test_no_name_of_a_remote_in_a_repository_of_somebody_else_becomes_a_command(world: World, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--origin", "$(touch${IFS}ran)", str(world.hub), "clone")
    found = invoke(clone, "verify", code=3)["findings"]
    hint = next(row["hint"] for row in found if row["code"] == "notes-missing")
    assert "touch" in hint
    typed(hint.partition("; ")[0], clone)
    assert not list(clone.rglob("ran"))


def test_a_gnupg_that_the_system_ends_is_no_key_that_is_missing(world: World) -> None:
    """With no file allowed to grow, GnuPG dies of a signal before it has looked."""
    tag = world.tag()
    words = [sys.executable, "-m", "arcgit", "retire", tag, "--reason", "Old.", "--no-push", "--json"]
    command = f"ulimit -f 0; exec {shlex.join(words)}"
    done = subprocess.run(["sh", "-c", command], cwd=world.work, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)["error"]
    assert done.returncode == 3
    assert told["code"] != "signing-key-missing"
    assert "quick-generate" not in told["hint"]


def test_a_fetch_that_finds_no_room_blames_no_address() -> None:
    found = exchange.unreachable("origin", "fatal: fetch-pack: invalid index-pack output\n")
    assert found.code == "git-write-failed"
    assert "df" in found.hint
    said = "error: inflate: data stream error\nfatal: fetch-pack: invalid index-pack output\n"
    assert exchange.unreachable("origin", said).code == "remote-unreachable"


TYPED = [
    ["review", "NAME", "-m", "why"], ["review", "NAME", "--approve", "-m", " "], ["review", "NAME", "--approve", "-m", "why"],
    ["evaluate", "NAME", "--outcome", " "], ["evaluate", "NAME", "--outcome", "NAME"], ["amend", "NAME", "--reason", "why"],
    ["retire", "NAME", "--reason", " "], ["retire", "TAG", "--reason", "why", "--superseded-by", "NAME"],
    ["restore", "NAME", "--to", "there"], ["restore", "TAG", "--only", "NAME", "--to", "there"], ["restore", "NAME"],
    ["verify", "--remote", "NAME"], ["verify", "NAME"], ["verify", "--level", "fixity", "--remote", "NAME"],
    ["verify", "--level", "fixity", "--sample", "NAME"], ["verify", "--trust-root", "NAME"], ["record", "--manifest", "NAME"],
    ["show", "NAME"], ["diff", "NAME", "NAME"], ["log", "NAME"], ["log", "--since", "NAME"], ["search", "NAME"],
    ["search", "NAME=NAME"], ["lineage", "NAME"], ["compare", "NAME"], ["replicate", "NAME"],
    ["replicate", "NAME", "--git-remote", "NAME"], ["gc", "--workspace", "--cloud", "--remote", "NAME"], ["gc", "--rev", "NAME"],
    ["keys", "add", "NAME"], ["keys", "add", "NAME", "NAME"], ["keys", "add", "carol", "NAME"], ["keys", "retire", "NAME"],
    ["keys", "rotate", "NAME", "NAME"], ["keys", "revoke", "NAME"], ["hold", "place", "NAME", "--id", "NAME", "--reason", "why"],
    ["audit-report", "--base", "NAME"], ["check", "--rev", "NAME"], ["explain", "NAME"], ["runs", "log", "NAME", "-m", "why"],
    ["draft", "--experiment", "NAME"], ["sync", "--wait-for", "NAME"], ["sync", "--give-up", "NAME"], ["hooks", "run", "NAME"],
    ["NAME"], ["policy", "NAME"],
]  # fmt: skip


@pytest.mark.parametrize("name", ["$(touch ran)", "a'; touch ran; '", "*;touch ran", "-x;touch ran", "`touch ran` b"])
def test_nothing_that_a_person_typed_becomes_a_command_in_the_next_one(world: World, name: str) -> None:
    """Names are pasted from chats and pull requests, and what stands behind `next` is pasted once more."""
    tag, told = world.tag(), []
    for command in TYPED:
        given = [
            name if word == "NAME" else tag if word == "TAG" else name + word[4:] if "NAME" in word else word
            for word in command
        ]
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = run(["-C", str(world.work), *given, "--json"])
        assert code in {0, 1, 2, 3}, (given, out.getvalue())
        told += [(given, hint) for hint in hints_of(out.getvalue())]
    assert len([hint for _, hint in told if "touch" in hint]) >= 3
    for given, hint in told:
        subprocess.run(
            ["sh", "-c", hint], cwd=world.root, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False
        )
        assert not (world.root / "ran").exists(), (given, hint)


def hints_of(printed: str) -> list[str]:
    """Every `hint` in a document, and what stands behind `next` where a person is told."""
    try:
        document = json.loads(printed)
    except ValueError:
        return [line.partition("next: ")[2] for line in printed.splitlines() if "next: " in line]
    rows = [document.get("error", {}), *document.get("findings", ())]
    return [row["hint"] for row in rows if row.get("hint")]
