"""Repositories that are damaged, somebody else's, incomplete, or made to mislead git itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest

from arcgit.cli.app import run
from arcgit.git import objects, plumbing
from arcgit.git.objects import Objects
from arcgit.git.repository import Repository
from tests.attacks.planted import Planted
from tests.world import World, git, invoke, sh

NAMES = (
    "--upload-pack=touch x", "--output=x", "-x", "--", "-C", "--exec=touch x", "ext::sh -c touch x", "$(touch x)", "`touch x`",
    ";touch x", "a\nb", "\u202ex", "exp/../x", ":(exclude)x", "HEAD^{/x}", "@{-1}", "x" * 5000,
)  # fmt: skip
TAKING = (
    ["show"], ["log"], ["verify"], ["lineage"], ["diff", "baseline"], ["check", "--rev"], ["audit-report", "--base"],
    ["search"], ["explain"],
)  # fmt: skip


@pytest.mark.parametrize("command", TAKING, ids=" ".join)
def test_no_argument_is_ever_an_option_or_a_command(world: World, command: list[str]) -> None:
    """Names, revs and queries are data for git, however they begin."""
    before = sorted(path.name for path in world.work.iterdir())
    for name in NAMES:
        words = [f"{command[0]}", f"{command[1]}={name}"] if command[-1].startswith("--") else [*command, "--", name]
        assert run(["-C", str(world.work), *words]) in {0, 2, 3}, name
    assert sorted(path.name for path in world.work.iterdir()) == before
    assert not Path("x").exists()


REFS = (
    "refs/tags/--upload-pack=x", "refs/tags/exp/-x", "refs/heads/-x", "refs/tags/exp/\u202eevil", "refs/tags/exp/a'b",
    "refs/tags/exp/$(touch x)".replace(" ", ""), "refs/tags/exp/%s", "refs/heads/refs/tags/exp/x", "refs/tags/HEAD",
)  # fmt: skip


@pytest.mark.parametrize("refname", REFS)
def test_no_name_of_a_ref_leads_a_command_astray(world: World, refname: str) -> None:
    before = {row["tag"] for row in invoke(world.work, "list")["records"]}
    git(world.work, "update-ref", refname, "HEAD")
    codes = world.verify(code=0)
    assert codes == (["foreign-tag"] if refname.startswith("refs/tags/exp/") else [])
    assert {row["tag"] for row in invoke(world.work, "list")["records"]} == before
    for command in (["show", "baseline"], ["log"], ["audit-report", "--base", "HEAD~1"], ["diff", "baseline", "wide"]):
        assert "error" not in invoke(world.work, *command, code=None)


def test_a_branch_of_a_records_name_is_not_the_record(world: World) -> None:
    """git would take the short name for either."""
    tag = world.tag("baseline")
    shown = invoke(world.work, "show", tag)
    git(world.work, "branch", tag, "HEAD~1")
    git(world.work, "update-ref", f"refs/{tag}", "HEAD~1")
    assert invoke(world.work, "show", tag) == shown
    assert world.verify(code=0) == []


@pytest.mark.parametrize("what", ["tag", "commit", "tree", "blob", "event"])
def test_what_git_is_told_to_put_in_an_objects_place_is_not_read(world: World, what: str) -> None:
    tag, other = world.tag("baseline"), world.tag("wide")
    pairs = {
        "tag": (f"refs/tags/{tag}", f"refs/tags/{other}"),
        "commit": (f"{tag}^{{commit}}", "HEAD"),
        "tree": (f"{tag}^{{tree}}", "HEAD^{tree}"),
        "blob": (f"{tag}^{{commit}}:arcgit.yaml", "HEAD:arcgit.yaml"),
        "event": ("refs/notes/arcgit", "refs/notes/arcgit~1"),
    }
    before = invoke(world.work, "show", "baseline")
    git(world.work, "replace", *(git(world.work, "rev-parse", rev) for rev in pairs[what]))
    assert world.verify(code=0) == ["replace-refs-present"]
    assert invoke(world.work, "show", "baseline") == before


def test_grafts_and_alternates_change_no_verdict(world: World) -> None:
    """A graft gives a commit other parents; an alternate adds objects, which still must be what they are named."""
    tip = git(world.work, "rev-parse", "refs/notes/arcgit")
    (world.work / ".git" / "info" / "grafts").write_text(f"{tip}\n")
    assert world.verify(code=0) == []
    loose = world.loose(git(world.work, "rev-parse", f"refs/tags/{world.tag('deep')}"))
    other = world.root / "other"
    shutil.copytree(world.work / ".git" / "objects", other)
    shutil.rmtree(world.work / ".git" / "objects")
    (world.work / ".git" / "objects" / "info").mkdir(parents=True)
    (world.work / ".git" / "objects" / "info" / "alternates").write_text(f"{other}\n")
    assert world.verify(code=0) == []
    path = other / loose.relative_to(world.work / ".git" / "objects")
    assert path.is_file()
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-3] + b"xxx")
    assert world.verify(code=1) == ["object-corrupt"]


@pytest.mark.parametrize(
    ("rev", "kind", "code"),
    [
        ("refs/tags/BASELINE^{commit}:arcgit.yaml", "blob", "manifest-digest"),
        ("refs/tags/BASELINE", "tag", "tag-not-as-recorded"),
        ("refs/notes/arcgit~2", "commit", "ledger-chain"),
    ],
)
def test_other_bytes_under_the_same_object_name_fail_by_sha256(
    world: World, rev: str, kind: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a collision of SHA-1: the reader is made to hand out other bytes for the name, and to find nothing wrong."""
    oid = git(world.work, "rev-parse", rev.replace("BASELINE", world.tag("baseline")))
    honest, honest_batch, honest_history = Repository.read, Objects.stream, objects.history

    def colliding(self: Repository, wanted: str, *rest: object, **named: object) -> bytes:
        return other(wanted, honest(self, wanted, *rest, **named))  # type: ignore[arg-type]

    def colliding_batch(self: Objects, wanted: Sequence[str], kind: str) -> Iterator[bytes | None]:
        for one, data in zip(wanted, honest_batch(self, wanted, kind), strict=True):
            yield other(one, data) if data is not None else None

    def colliding_history(folder: str, tip: str) -> Generator[tuple[str, bytes | None], None, None]:
        for one, data in honest_history(folder, tip):
            yield one, other(one, data) if data is not None else None

    def other(wanted: str, data: bytes) -> bytes:
        if wanted != oid:
            return data
        swapped = {
            "blob": (b"purpose", b"Purpose"),
            "tag": (b"churn/baseline", b"churn/Baseline"),
            "commit": (b'"seq":', b'"seq":1'),
        }
        return data.replace(*swapped[kind], 1)

    monkeypatch.setattr(Repository, "read", colliding)
    monkeypatch.setattr(Objects, "stream", colliding_batch)
    monkeypatch.setattr(objects, "history", colliding_history)
    monkeypatch.setattr("arcgit.rules.sealed.object_id", lambda kind, raw: oid)
    assert code in world.verify(code=1)


def objects_of(world: World) -> dict[str, str]:
    """One object of each kind that a verdict on `deep` hangs on."""
    tag = world.tag("deep")
    revs = {
        "tag": f"refs/tags/{tag}", "commit": f"{tag}^{{commit}}", "tree": f"{tag}^{{tree}}",
        "blob": f"{tag}^{{commit}}:arcgit.yaml", "event": "refs/notes/arcgit",
    }  # fmt: skip
    return {name: git(world.work, "rev-parse", rev) for name, rev in revs.items()}


@pytest.mark.parametrize("kind", ["tag", "commit", "tree", "blob", "event"])
@pytest.mark.parametrize("how", ["flipped", "cut off", "empty", "another object"])
def test_a_damaged_loose_object_is_no_pass(world: World, kind: str, how: str) -> None:
    oids = objects_of(world)
    path = world.loose(oids[kind])
    data = path.read_bytes()
    other = oids["tree" if kind == "blob" else "blob"]
    spoiled = {
        "flipped": data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
        "cut off": data[: len(data) // 2],
        "empty": b"",
        "another object": world.loose(other).read_bytes(),
    }
    path.chmod(0o644)
    path.write_bytes(spoiled[how])
    document = invoke(world.work, "verify", code=None)
    assert document.get("verdict") in {"fail", "cannot-verify"} or document["error"]["code"] != "internal", document


@pytest.mark.parametrize("how", ["gone", "empty"])
def test_an_object_that_is_gone_hides_no_other_fault(world: World, how: str) -> None:
    """git lists no ref with its type where one names an object that is not there: not a way to keep all from being judged."""
    path = world.loose(git(world.work, "rev-parse", f"refs/tags/{world.tag('deep')}"))
    git(world.work, "update-ref", f"refs/tags/{world.tag('baseline')}", f"refs/tags/{world.tag('wide')}")
    path.unlink()
    if how == "empty":
        path.touch()
    codes = world.verify(code=1)
    assert "tag-not-as-recorded" in codes
    assert ("tags-missing" if how == "gone" else "object-corrupt") in codes
    assert len(invoke(world.work, "list")["records"]) >= 1


def test_a_ledger_whose_tip_is_gone_is_a_missing_ledger(world: World) -> None:
    world.loose(git(world.work, "rev-parse", "refs/notes/arcgit")).unlink()
    assert world.verify(code=3) == ["notes-missing"]


@pytest.mark.parametrize("kind", ["tag", "commit", "tree", "blob", "event"])
def test_a_damaged_object_in_a_pack_is_no_pass(world: World, kind: str) -> None:
    oid = objects_of(world)[kind]
    git(world.work, "repack", "-a", "-d", "-q")
    pack = min((world.work / ".git" / "objects" / "pack").glob("*.pack"))
    rows = [line.split() for line in git(world.work, "verify-pack", "-v", str(pack.with_suffix(".idx"))).splitlines()]
    size, offset = next((int(row[3]), int(row[4])) for row in rows if row[0] == oid)
    data = bytearray(pack.read_bytes())
    data[offset + size - 3] ^= 1
    pack.chmod(0o644)
    pack.write_bytes(data)
    document = invoke(world.work, "verify", code=None)
    assert document.get("verdict") in {"fail", "cannot-verify"}, document


@pytest.mark.parametrize("name", ["index", "packed-refs", "HEAD", "pack index"])
def test_a_damaged_file_of_git_is_an_error_and_no_bug(world: World, name: str) -> None:
    git(world.work, "repack", "-a", "-d", "-q")
    git(world.work, "pack-refs", "--all")
    folder = world.work / ".git"
    path = min((folder / "objects" / "pack").glob("*.idx")) if name == "pack index" else folder / name
    path.chmod(0o644)
    path.write_bytes(b"\0" * len(path.read_bytes()))
    for command in (["verify"], ["check", "--staged"], ["list"], ["show", "baseline"]):
        document = invoke(world.work, *command, code=None)
        assert document.get("error", {}).get("code") != "internal", document
        if command == ["verify"] and name != "index":
            assert document.get("verdict") != "pass"


def test_the_repository_of_somebody_else_is_not_read_and_never_declared_safe(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git refuses it, and says how its owner's decision is made; arcgit does not make that decision."""
    if os.geteuid() == 0:
        for path in (world.work, world.work / ".git"):
            os.chown(path, 65534, 65534)
    else:
        monkeypatch.setattr(plumbing, "_KEPT", plumbing._KEPT | {"GIT_TEST_ASSUME_DIFFERENT_OWNER"})
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    config = Path(os.environ["GIT_CONFIG_GLOBAL"]).read_text()
    for command in (["verify"], ["list"], ["show", "baseline"], ["check", "--worktree"], ["audit-report"]):
        refused = invoke(world.work, *command, code=3)
        assert refused["error"]["code"] == "repository-untrusted"
        assert "safe.directory" in refused["error"]["hint"]
    assert Path(os.environ["GIT_CONFIG_GLOBAL"]).read_text() == config


def test_a_bare_repository_that_lies_in_the_tree_runs_nothing_and_is_no_archive(world: World) -> None:
    """git takes a folder that looks like one for a repository, with its own configuration."""
    planted = Planted(world.root)
    inner = world.work / "vendor"
    git(world.work, "init", "--quiet", "--bare", "vendor")
    git(inner, "config", "core.fsmonitor", planted.program("core.fsmonitor"))
    git(inner, "config", "core.bare", "false")
    git(inner, "config", "core.worktree", "..")
    git(inner, "config", "gpg.program", planted.program("gpg.program"))
    for command in (["verify"], ["list"], ["check", "--worktree"], ["check", "--staged"], ["audit-report"]):
        document = invoke(inner, *command, code=None)
        assert document.get("verdict") != "pass" or command[0] == "check"
    assert world.verify(code=0) == []
    assert planted.ran == set()


@pytest.mark.parametrize("how", [("--filter=blob:none",), ("--filter=tree:0",), ("--single-branch", "--no-tags")])
def test_a_clone_that_lacks_something_is_told_what_to_fetch_and_fetches_nothing(
    world: World, how: tuple[str, ...]
) -> None:
    git(world.hub, "config", "uploadpack.allowFilter", "true")
    git(world.root, "clone", "--quiet", *how, f"file://{world.hub}", "clone")
    clone = world.root / "clone"
    count = git(clone, "count-objects", "-v")
    found = invoke(clone, "verify", code=3)
    told = found["error"]["hint"] if "error" in found else " ".join(row["hint"] for row in found["findings"])
    assert "git fetch" in told or "git clone" in told
    assert git(clone, "count-objects", "-v") == count


@pytest.mark.parametrize("how", ["blob:none", "tree:0"])
def test_what_a_partial_clone_is_told_to_fetch_is_enough(world: World, how: str) -> None:
    """A plain fetch of such a clone brings nothing of what it left out."""
    git(world.hub, "config", "uploadpack.allowFilter", "true")
    thin = ("--no-checkout", "--config=gc.auto=0", f"--filter={how}")
    git(world.root, "clone", "--quiet", *thin, f"file://{world.hub}", "clone")
    clone = world.root / "clone"
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    assert set(world.verify(cwd=clone, code=3)) == {"commit-missing"}
    told = {row["hint"] for row in world.last["findings"]}
    assert len(told) == 1
    git(clone, *told.pop().split()[1:])
    assert world.verify(cwd=clone, code=0) == []
    git(clone, "checkout", "--quiet", "main")
    for _ in range(2):
        document = invoke(clone, "verify", "--level", "fixity", code=None)
        if document["verdict"] == "pass":
            break
        assert {row["code"] for row in document["findings"]} == {"fixity-list"}
        sh(clone, "sh", "-c", document["findings"][0]["hint"])
    assert world.verify("--level", "fixity", cwd=clone, code=0) == []


@pytest.mark.parametrize("how", ["blob:none", "tree:0"])
def test_lists_of_files_that_a_partial_clone_left_out_are_named_with_what_brings_them(world: World, how: str) -> None:
    """Fetching all branches and tags anew does not: the lists lie on a ref of their own."""
    git(world.hub, "config", "uploadpack.allowFilter", "true")
    # git's own housekeeping in the background takes folders away under the next fetch.
    git(world.root, "clone", "--quiet", "--config=gc.auto=0", f"--filter={how}", f"file://{world.hub}", "clone")
    clone = world.root / "clone"
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    git(clone, "fetch", "--quiet", "--refetch", "--no-filter", "--tags")
    git(clone, "fetch", "--quiet", "--filter=" + how, "origin", "+refs/arcgit/fixity:refs/arcgit/remotes/origin/fixity")
    document = invoke(clone, "verify", "--level", "fixity", code=3)
    told = document["error"] if "error" in document else document["findings"][0]
    sh(clone, "sh", "-c", told["hint"])
    assert world.verify("--level", "fixity", cwd=clone, code=0) == []


@pytest.mark.parametrize("command", ["init", "check", "record", "verify", "list", "sync", "doctor"])
def test_a_repository_with_sha256_names_is_refused_by_every_command_with_a_way_to_one_without(
    tmp_path: Path, command: str
) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "other")
    other = tmp_path / "other"
    (other / "file").write_text("x\n")
    git(other, "add", "file")
    git(other, "commit", "--quiet", "-m", "First")
    git(other, "tag", "--annotate", "-m", "x", "v1")
    told = invoke(other, command, code=3)["error"]
    assert told["code"] == "object-format-unsupported"
    sh(other, "sh", "-c", told["hint"].partition(": ")[2].replace("COPY", "../copy"))
    assert git(tmp_path / "copy", "show", "v1^{commit}:file") == "x"
    assert len(git(tmp_path / "copy", "rev-parse", "v1")) == 40
