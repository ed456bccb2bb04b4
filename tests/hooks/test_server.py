"""The server's hooks as they are installed and run: beside others, from quarantine, with what they keep, and when they cannot."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from arcgit.archive.kept import judged
from arcgit.rules.chain import Ledger
from tests.attacks.test_exchange import sealed_here
from tests.attacks.test_ledger import chain
from tests.hooks.pushing import push, refs, refused, taken
from tests.hooks.staging import BIN, spoil
from tests.world import World, git, invoke

ROOT = Path(__file__).parent.parent.parent
LEDGER, LISTS = "refs/notes/arcgit", "refs/arcgit/fixity:refs/arcgit/fixity"


@pytest.fixture
def hub(world: World) -> World:
    """The archive with the server's hook in its hub."""
    assert install(world)["outcome"] == "installed"
    return world


def install(world: World, *arguments: str, code: int = 0) -> dict[str, str]:
    state: dict[str, str] = world.arcgit("hooks", "install", "--server", str(world.hub), *arguments, code=code)[
        "hooks"
    ][0]
    return state


def hook(world: World, name: str = "pre-receive") -> Path:
    return world.hub / "hooks" / name


def kept(world: World) -> Path:
    return world.hub / "arcgit" / judged.NAME


def whole(world: World) -> str:
    return str(world.arcgit("retire", "wide", "--reason", "Replaced.")["pushed"][0])


def test_it_is_installed_by_path_or_here_and_taken_out_again(world: World) -> None:
    assert install(world)["outcome"] == "installed"
    assert install(world)["outcome"] == "unchanged"
    assert invoke(world.hub, "hooks", "status", "--server", "here")["hooks"][0]["outcome"] == "active"
    assert invoke(world.hub, "hooks", "uninstall", "--server", "here")["hooks"][0]["outcome"] == "removed"
    assert not hook(world).exists()


def test_a_hook_of_somebody_else_is_given_the_same_lines_and_its_word_counts(world: World) -> None:
    hook(world).write_text(
        "#!/bin/sh\ncat > lines\nwhile read -r old new ref; do [ $ref != refs/heads/no ] || exit 1; done < lines\n"
    )
    hook(world).chmod(0o755)
    assert install(world)["chained"].endswith("pre-receive.before-arcgit")
    taken(world, "HEAD:refs/heads/yes", "HEAD:refs/heads/other")
    lines = (world.hub / "lines").read_text().splitlines()
    assert sorted(line.split()[2] for line in lines) == ["refs/heads/other", "refs/heads/yes"]
    assert push(world.work, "HEAD:refs/heads/no").returncode != 0
    refused(world, f":refs/tags/{world.tag()}")
    assert refs(world.hub).keys() >= {"refs/heads/yes"}


@pytest.mark.parametrize("name", ["pre-receive", "update"])
def test_a_hook_that_was_copied_by_hand_runs_the_arcgit_on_the_path(world: World, name: str) -> None:
    shutil.copy(ROOT / "hooks" / name, hook(world, name))
    refused_by_hand = push(world.work, f":refs/tags/{world.tag()}")
    assert "recorded-tag-missing" in refused_by_hand.stderr
    taken(world, "HEAD:refs/heads/y")
    bare = os.pathsep.join(
        part for part in os.environ["PATH"].split(os.pathsep) if not (Path(part) / "arcgit").exists()
    )
    done = subprocess.run(
        ["git", "push", "--no-verify", "origin", "HEAD:refs/heads/x"],
        cwd=world.work, env={**os.environ, "PATH": bare}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "nothing was taken: this server cannot check what is pushed: arcgit is not on its PATH" in done.stderr


@pytest.mark.parametrize("name", ["pre-receive", "update"])
@pytest.mark.parametrize(
    ("code", "said"),
    [
        (None, "is gone"), ("exit 0", "exit code 0"), ("exit 1", "exit code 1"), ("kill -SEGV $$", "exit code 139"),
        ('exec "$real" -I -S -c "$4" "" pre-receive', "exit code 99"),
    ],
)  # fmt: skip
def test_a_server_that_cannot_judge_takes_nothing_and_says_what_to_do(
    world: World, tmp_path: Path, name: str, code: str | None, said: str
) -> None:
    install(world, *(["--only-update"] if name == "update" else []))
    python = tmp_path / "python"
    if code is not None:
        python.write_text(f"#!/bin/sh\nreal='{sys.executable}'\n{code}\n")
        python.chmod(0o755)
    text = hook(world, name).read_text().splitlines()
    hook(world, name).write_text(
        "\n".join(f"python='{python}'" if line.startswith("python=") else line for line in text) + "\n"
    )
    before = refs(world.hub)
    done = push(world.work, "HEAD:refs/heads/x")
    assert (done.returncode != 0, refs(world.hub)) == (True, before)
    assert "arcgit: nothing was taken: this server cannot check what is pushed: " in done.stderr
    assert said in done.stderr
    assert "arcgit hooks install --server" in done.stderr


def without(hub: World, folder: Path, part: str) -> None:
    """Let the hook's Python be one in which a module cannot be imported."""
    python = folder / "python"
    python.write_text(
        f"#!/bin/sh\nshift 3; c=$1; shift\nexec '{sys.executable}' -I -c \"import sys; sys.modules['{part}'] = None; $c\" \"$@\"\n"
    )
    python.chmod(0o755)
    text = hook(hub).read_text().splitlines()
    hook(hub).write_text(
        "\n".join(f"python='{python}'" if line.startswith("python=") else line for line in text) + "\n"
    )


@pytest.mark.parametrize("part", ["arcgit.archive.pushes.receive", "msgspec"])
def test_a_part_of_arcgit_that_is_missing_on_the_server_is_named(hub: World, tmp_path: Path, part: str) -> None:
    without(hub, tmp_path, part)
    assert part in refused(hub, f":refs/tags/{hub.tag('wide')}", "HEAD:refs/tags/exp/churn/x/0123456789ab")


def test_a_server_without_the_library_for_signatures_judges_by_the_stock_tool(hub: World, tmp_path: Path) -> None:
    without(hub, tmp_path, "cryptography")
    assert "recorded-tag-missing" in refused(hub, f":refs/tags/{hub.tag('wide')}")


def test_a_repository_with_sha256_names_is_refused_by_the_hook_and_by_its_installation(
    world: World, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "--bare", "hub.git")
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "work")
    git(tmp_path / "work", "remote", "add", "origin", "../hub.git")
    document = world.arcgit("hooks", "install", "--server", str(tmp_path / "hub.git"), code=3)
    assert document["error"]["code"] == "object-format-unsupported"
    shutil.copy(ROOT / "hooks" / "pre-receive", tmp_path / "hub.git" / "hooks" / "pre-receive")
    (tmp_path / "work" / "x").write_text("x")
    git(tmp_path / "work", "add", "x")
    git(tmp_path / "work", "commit", "--quiet", "-m", "x")
    done = push(tmp_path / "work", "HEAD:refs/heads/main")
    assert done.returncode != 0
    assert "sha256 object names, which arcgit cannot seal or check yet" in done.stderr


@pytest.mark.parametrize(
    "line",
    [
        b"x", b"0 1 refs/heads/x", b" ".join([b"0" * 40, b"1" * 40]), b"0" * 40 + b" " + b"g" * 40 + b" refs/heads/x",
        b"0" * 40 + b" " + b"1" * 40 + b" HEAD", b"0" * 64 + b" " + b"1" * 64 + b" refs/tags/exp/x", b"\0", b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_line_of_a_push_is_no_pass(hub: World, line: bytes) -> None:
    done = subprocess.run(
        [hook(hub)],
        cwd=hub.hub,
        input=line + b"\n",
        capture_output=True,
        check=False,
        env={**os.environ, "GIT_DIR": "."},
    )
    assert done.returncode != 0
    assert b"arcgit: nothing was taken" in done.stderr
    assert b"Traceback" not in done.stderr


def told(world: World, *lines: str) -> subprocess.CompletedProcess[str]:
    """What the hook says of lines that no stock git would send."""
    return subprocess.run(
        [hook(world)], cwd=world.hub, input="".join(f"{line}\n" for line in lines), capture_output=True, text=True, check=False,
        env={**os.environ, "GIT_DIR": "."},
    )  # fmt: skip


def test_lines_are_judged_by_what_they_would_make_of_the_refs_whatever_a_client_says_of_before(hub: World) -> None:
    """A hostile client writes its own lines: an old oid that is not there, a ref twice, nothing at all."""
    there, zero = refs(hub.hub), "0" * 40
    tag, tip = f"refs/tags/{hub.tag()}", there[LEDGER]
    first, head = chain(hub.work)[0], there["refs/heads/main"]
    git(hub.hub, "update-ref", "refs/heads/kept", head)
    table: dict[tuple[str, ...], str] = {
        (f"{zero} {head} refs/heads/x",): "",
        (f"{zero} {there[tag]} {tag}",): "",
        (f"{there[tag]} {zero} {tag}",): "recorded-tag-missing",
        (f"{zero} {zero} {tag}",): "recorded-tag-missing",
        (f"{zero} {head} {tag}",): "tag-type",
        (f"{head} {there[tag]} refs/tags/exp/churn/other/0123456789ab",): "tag-name-mismatch",
        (f"{zero} {tip} {LEDGER}",): "ref-moved",
        (f"{first} {tip} {LEDGER}",): "ref-moved",
        (f"{tip} {first} {LEDGER}",): "ledger-rollback",
        (f"{zero} {first} {LEDGER}",): "ref-moved",
        (f"{tip} {zero} {LEDGER}",): "ledger-rollback",
        (f"{zero} {head} refs/tags/exp/churn/x/0123456789ab", f"{zero} {there[tag]} {tag}"): "tag-type",
        (f"{zero} {head} {tag}", f"{head} {there[tag]} {tag}"): "names a ref twice",
        (f"{zero} {'1' * 40} {tag}",): "tag-type",
        (): "no ref",
    }
    for lines, code in table.items():
        done = told(hub, *lines)
        assert (done.returncode == 0) == (code == ""), (lines, done.stderr)
        assert code in done.stderr, (lines, done.stderr)
        assert "Traceback" not in done.stderr


def test_refs_below_a_namespace_are_not_judged_by_those_of_another(hub: World) -> None:
    done = push(hub.work, "HEAD:refs/heads/x", GIT_NAMESPACE="team")
    assert done.returncode != 0
    assert "GIT_NAMESPACE" in done.stderr


# What is kept of a ledger.


def test_only_what_is_new_is_judged_on_top_of_what_was_judged(hub: World) -> None:
    assert whole(hub) == LEDGER
    assert kept(hub).exists()
    with sqlite3.connect(kept(hub)) as connection:
        places = [row[0] for row in connection.execute("SELECT place FROM heads ORDER BY place")]
    assert places == ["ahead", "settled"]
    tag = sealed_here(hub)
    assert f"refs/tags/{tag}" in hub.arcgit("sync")["pushed"]
    refused(hub, f":refs/tags/{tag}", codes=["recorded-tag-missing"])
    assert hub.verify(code=0) == []


Spoiler = Callable[[Path], object]


@pytest.mark.parametrize(
    "spoiler",
    [
        lambda path: path.unlink(), lambda path: path.write_bytes(b"x" * 5000), lambda path: path.write_bytes(b""),
        lambda path: (path.unlink(), path.mkdir()), lambda path: path.write_bytes(path.read_bytes()[:9000]),
        lambda path: _execute(path, "UPDATE made SET by = '0'"), lambda path: _execute(path, "DELETE FROM heads"),
        lambda path: _execute(path, "DELETE FROM policies"), lambda path: _execute(path, "UPDATE heads SET head = x'00'"),
        lambda path: _execute(path, "UPDATE records SET record = x'00'"), lambda path: _execute(path, "DROP TABLE ahead"),
        lambda path: _execute(path, "CREATE VIEW v AS SELECT 1"),
    ],
)  # fmt: skip
def test_what_is_kept_may_be_lost_or_damaged_at_any_time(hub: World, spoiler: Spoiler) -> None:
    whole(hub)
    spoiler(kept(hub))
    refused(hub, f":refs/tags/{hub.tag()}", codes=["recorded-tag-missing"])
    assert hub.arcgit("amend", "wide", "--owner", "Team <team@example.org>", "--reason", "x")["pushed"] == [LEDGER]
    assert hub.verify(code=0) == []


def _execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_a_push_that_was_judged_and_did_not_come_is_not_taken_for_the_ledger(world: World) -> None:
    """A second hook says no after ours has kept what the push would have made."""
    hook(world).write_text("#!/bin/sh\n! grep -q arcgit\n")
    hook(world).chmod(0o755)
    install(world)
    tip = refs(world.hub)[LEDGER]
    world.arcgit("retire", "wide", "--reason", "Replaced.", code=1)
    assert refs(world.hub)[LEDGER] == tip
    hook(world, "pre-receive.before-arcgit").unlink()
    git(world.work, "update-ref", LEDGER, tip)
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    assert world.arcgit("retire", "deep", "--reason", "Replaced.")["pushed"] == [LEDGER]
    assert {row["experiment"]: row["status"] for row in world.arcgit("list")["records"]}["wide"] == "recorded"
    refused(world, "--force", f"{chain(world.work)[-2]}:{LEDGER}", codes=["ledger-rollback"])


def test_a_ledger_that_went_on_past_the_hook_is_caught_up_with(hub: World) -> None:
    whole(hub)
    hook(hub).rename(hook(hub, "away"))
    hub.arcgit("retire", "deep", "--reason", "Replaced.")
    hook(hub, "away").rename(hook(hub))
    assert hub.arcgit("amend", "baseline", "--owner", "Team <team@example.org>", "--reason", "x")["pushed"] == [LEDGER]
    refused(hub, f":refs/tags/{hub.tag('deep')}", codes=["recorded-tag-missing"])


def test_a_ledger_that_was_spoilt_past_the_hook_takes_nothing_more(hub: World) -> None:
    whole(hub)
    git(hub.hub, "notes", "--ref=arcgit", "add", "-f", "-m", "x", "main")
    done = push(hub.work, f":refs/tags/{hub.tag()}")
    assert done.returncode != 0
    assert "ledger-foreign-commit" in done.stderr
    assert "the ledger that is there does not hold" in done.stderr


def test_what_is_no_event_may_be_taken_off_the_end_of_the_ledger_and_nothing_else(hub: World) -> None:
    """A note of stock git that came before the hook did is put right by the push that `arcgit sync` names."""
    tip = refs(hub.hub)[LEDGER]
    git(hub.hub, "notes", "--ref=arcgit", "add", "-f", "-m", "x", "main")
    refused(hub, "--force", f"{tip}~1:{LEDGER}", codes=["ledger-foreign-commit"])
    taken(hub, "--force", f"{tip}:{LEDGER}")
    assert hub.verify(code=0) == []
    assert whole(hub) == LEDGER


def test_a_push_while_another_is_writing_does_without_and_leaves_the_file_alone(hub: World) -> None:
    whole(hub)
    before = kept(hub).stat().st_ino
    connection = sqlite3.connect(kept(hub))
    connection.execute("BEGIN EXCLUSIVE")
    assert hub.arcgit("retire", "deep", "--reason", "Replaced.")["pushed"] == [LEDGER]
    refused(hub, f":refs/tags/{hub.tag()}", codes=["recorded-tag-missing"])
    connection.close()
    assert kept(hub).stat().st_ino == before
    assert hub.arcgit("retire", "baseline", "--reason", "Replaced.")["pushed"] == [LEDGER]


def test_a_folder_that_cannot_be_written_only_costs_time(hub: World) -> None:
    shutil.rmtree(hub.hub / "arcgit")
    (hub.hub / "arcgit").write_text("in the way")
    assert whole(hub) == LEDGER
    refused(hub, f":refs/tags/{hub.tag()}", codes=["recorded-tag-missing"])


def test_a_ledger_with_parts_that_are_not_kept_is_judged_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever gives the ledger's state a new part must keep it too, or nothing is kept."""
    assert judged.understood()
    monkeypatch.setitem(Ledger.__dataclass_fields__, "more", Ledger.__dataclass_fields__["seq"])
    monkeypatch.setattr(Ledger.__dataclass_fields__["seq"], "name", "more")
    assert not judged.understood()


# Hosts with less.


def test_with_update_alone_arcgit_pushes_and_attacks_fail(world: World) -> None:
    install(world, "--only-update")
    assert not hook(world).exists()
    tag = f"refs/tags/{sealed_here(world)}"
    done = push(world.work, f"{tag}:{tag}")
    assert "unrecorded-tag" in done.stderr
    assert tag in world.arcgit("sync")["pushed"]
    for arguments in (
        (f":{tag}",),
        ("--force", f"HEAD:{tag}"),
        (f":{LEDGER}",),
        ("--force", f"{chain(world.work)[1]}:{LEDGER}"),
    ):
        before = refs(world.hub)
        assert push(world.work, *arguments).returncode != 0
        assert refs(world.hub) == before
    spoil(world.work)
    git(world.work, "commit", "--quiet", "--no-verify", "-am", "x")
    assert "owner-missing" in push(world.work, "main").stderr
    assert world.verify(code=0) == []


@pytest.mark.parametrize("only", [[], ["--only-update"]])
def test_a_server_without_atomic_pushes_is_told_of_both_in_one_push(world: World, only: list[str]) -> None:
    install(world, *only)
    git(world.hub, "config", "receive.advertiseAtomic", "false")
    tag = f"refs/tags/{sealed_here(world)}"
    assert world.arcgit("sync", code=3)["error"]["code"] == "push-not-atomic"
    assert {tag, LEDGER} <= set(world.arcgit("sync", "--non-atomic")["pushed"])
    assert refs(world.hub)[tag]
    assert world.verify(code=0) == []


def test_both_hooks_together_take_what_arcgit_pushes(world: World) -> None:
    install(world)
    install(world, "--only-update")
    tag = f"refs/tags/{sealed_here(world)}"
    assert tag in world.arcgit("sync")["pushed"]
    refused(world, f":{tag}", codes=["recorded-tag-missing"])


def test_the_programs_that_run_are_those_of_the_server_and_not_of_the_repository(hub: World) -> None:
    marker = hub.root / "marker"
    for name in ("arcgit.py", "msgspec.py", "json.py", "sitecustomize.py"):
        (hub.hub / name).write_text(f"open({str(marker)!r}, 'w')\n")
    refused(hub, f":refs/tags/{hub.tag()}", PYTHONPATH=str(hub.hub))
    assert not marker.exists()
    assert BIN.exists()
