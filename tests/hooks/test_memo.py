"""The hook that looks again only when there is news: it must never let pass what a full check refuses."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from arcgit import hook
from arcgit.git import memo
from arcgit.model.manifest import FILE_NAME
from arcgit.model.names import LEDGER_REF
from tests.hooks.staging import Counted, commit, counted, mend, remark, spoil
from tests.hooks.test_install import put
from tests.world import World, git, sh

Damage = Callable[[bytes], bytes]


def settle(work: Path) -> Path:
    """Commit until the hook remembers; the memo. Files as new as a test's copy are not relied upon at once."""
    path = Path(git(work, "rev-parse", "--absolute-git-dir")) / memo.NAME
    path.unlink(missing_ok=True)
    for _ in range(20):
        assert commit(work, "--allow-empty").returncode == 0
        if path.exists():
            return path
    raise AssertionError("the hook never remembered")


@pytest.fixture
def started(world: World, tmp_path: Path) -> Counted:
    """A world whose hook remembers, and how often it has started Python."""
    counter = counted(world.work, tmp_path)
    settle(world.work)
    counter.log.unlink()
    return counter


def run_hook(work: Path, **env: str) -> subprocess.CompletedProcess[str]:
    place = work / git(work, "rev-parse", "--git-common-dir") / "hooks" / "pre-commit"
    return subprocess.run([place], cwd=work, capture_output=True, text=True, check=False, env={**os.environ, **env})


def test_the_names_that_the_hook_keeps_by_itself_are_the_right_ones() -> None:
    assert hook.MANIFEST == FILE_NAME
    assert memo.LEDGER_REF == LEDGER_REF


def test_a_commit_that_touches_nothing_of_an_experiment_starts_no_python(world: World, started: Counted) -> None:
    for name in ("notes.txt", "docs/page.md", "src/other.py", "data/train.txt"):
        (world.work / name).parent.mkdir(exist_ok=True)
        (world.work / name).write_text("x\n")
        git(world.work, "add", "--force", name)
        assert commit(world.work).returncode == 0
    git(world.work, "rm", "--quiet", "notes.txt")
    assert commit(world.work).returncode == 0
    assert commit(world.work, "--amend").returncode == 0
    git(world.work, "checkout", "--quiet", "-b", "other")
    assert commit(world.work, "--allow-empty").returncode == 0
    assert int(started) == 0


def test_a_repository_without_experiments_starts_no_python_the_second_time(world: World, started: Counted) -> None:
    git(world.work, "rm", "--quiet", "arcgit.yaml")
    assert commit(world.work).returncode == 0
    assert int(started) == 1
    git(world.work, "rm", "--quiet", "dvc.yaml", "params.yaml")
    assert commit(world.work).returncode == 0
    assert int(started) == 1
    (world.work / "deep" / "er").mkdir(parents=True)
    (world.work / "deep" / "er" / "arcgit.yaml").write_text("{}\n")
    git(world.work, "add", "--all")
    assert commit(world.work).returncode == 1


@pytest.mark.parametrize(
    "name",
    [
        "arcgit.yaml", "dvc.yaml", "params.yaml", "requirements.txt", "data/raw.csv.dvc", "new/arcgit.yaml", "new/dvc.yaml",
        "new/dvc.lock", "new.dvc", ".arcgit.d/x.dvc", "new/deep/y.dvc",
    ],
)  # fmt: skip
def test_whatever_the_check_would_read_makes_it_look_again(world: World, started: Counted, name: str) -> None:
    path = world.work / name
    path.parent.mkdir(parents=True, exist_ok=True)
    remark(world.work, name) if path.exists() else path.write_text("{}\n")
    git(world.work, "add", "--force", name)
    run_hook(world.work)
    assert int(started) == 1


@pytest.mark.parametrize("change", ["mode", "link", "submodule", "gone"])
def test_a_file_that_becomes_something_else_makes_it_look_again(world: World, started: Counted, change: str) -> None:
    if change == "mode":
        git(world.work, "update-index", "--chmod=+x", "src/train.py")
    elif change == "gone":
        git(world.work, "rm", "--quiet", "--cached", "requirements.txt")
    else:
        oid = git(world.work, "rev-parse", "HEAD" if change == "submodule" else "HEAD:requirements.txt")
        mode = {"link": "120000", "submodule": "160000"}[change]
        git(world.work, "rm", "--quiet", "--cached", "requirements.txt")
        git(world.work, "update-index", "--add", "--cacheinfo", f"{mode},{oid},requirements.txt")
        git(world.work, "config", "diff.ignoreSubmodules", "all")
    run_hook(world.work)
    assert int(started) == 1


def test_an_empty_file_that_turns_into_an_intention_makes_it_look_again(world: World, started: Counted) -> None:
    """Both have the same line in the index, but only one of them is in the commit."""
    (world.work / "requirements.txt").write_text("")
    git(world.work, "add", "requirements.txt")
    assert commit(world.work).returncode == 0
    settle(world.work)
    git(world.work, "rm", "--quiet", "--cached", "requirements.txt")
    git(world.work, "add", "--intent-to-add", "requirements.txt")
    assert run_hook(world.work).returncode == 1


def test_another_tip_of_the_ledger_makes_it_look_again(world: World, started: Counted) -> None:
    git(world.work, "update-ref", LEDGER_REF, f"{LEDGER_REF}~1")
    run_hook(world.work)
    assert int(started) == 1


@pytest.mark.parametrize("change", ["edit", "remove", "folder", "pipe", "device"])
def test_another_kept_policy_makes_it_look_again(world: World, started: Counted, change: str) -> None:
    path = world.work / ".git" / "arcgit" / "demands.json"
    if change == "edit":
        path.write_text(path.read_text().replace('"owner"', '"purpose"'))
    else:
        path.unlink()
    if change == "folder":
        path.mkdir()
    elif change == "pipe":
        os.mkfifo(path)
    elif change == "device":
        path.symlink_to("/dev/null")
    run_hook(world.work)
    assert int(started) == 1


def test_a_file_that_was_missed_and_comes_even_if_it_is_empty_makes_it_look_again(
    world: World, started: Counted
) -> None:
    (world.work / ".git" / "arcgit" / "demands.json").unlink()
    settle(world.work)
    before = int(started)
    (world.work / ".git" / "arcgit" / "demands.json").touch()
    run_hook(world.work)
    assert int(started) == before + 1


def test_a_new_file_in_a_folder_that_is_an_artifact_makes_it_look_again(world: World, started: Counted) -> None:
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  code: {role: code, path: src}\n")
    git(world.work, "add", "--all")
    settle(world.work)
    before = int(started)
    (world.work / "src" / "new.py").write_text("x = 1\n")
    git(world.work, "add", "--all")
    run_hook(world.work)
    assert int(started) == before + 1


@pytest.mark.parametrize("change", ["list", "setting", "personal", "nested"])
def test_whatever_was_read_of_dvcs_cache_makes_it_look_again(world: World, started: Counted, change: str) -> None:
    """Whether two splits share files is told from lists that lie outside of git."""
    assert (world.work / "arcgit.yaml").read_text().count("split: ") == 2
    assert commit(world.work, "--allow-empty").returncode == 0
    assert int(started) == 0
    personal = Path(os.environ["XDG_CONFIG_HOME"]) / "dvc"
    if change == "list":
        for path in (world.work / ".dvc" / "cache").rglob("*.dir"):
            path.unlink()
    elif change == "setting":
        (world.work / ".dvc" / "config.local").write_text("[cache]\n    dir = /elsewhere\n")
    elif change == "personal":
        personal.mkdir(parents=True)
        (personal / "config").write_text("[cache]\n    dir = /elsewhere\n")
    else:
        (world.work / "data" / ".dvc").mkdir(parents=True)
    run_hook(world.work)
    shutil.rmtree(personal, ignore_errors=True)
    assert int(started) == 1


@pytest.mark.parametrize("folder", ["src", "data/train"])
def test_run_by_hand_from_another_folder_it_judges_and_remembers_the_same(
    world: World, started: Counted, folder: str
) -> None:
    place = world.work / ".git" / "hooks" / "pre-commit"
    sh(world.work / folder, str(place))
    spoil(world.work)
    git(world.work, "add", "--all")
    sh(world.work / folder, str(place), code=1)
    mend(world.work)
    remark(world.work)
    git(world.work, "add", "--all")
    for _ in range(3):
        sh(world.work / folder, str(place))
    assert commit(world.work).returncode == 0


def test_run_by_hand_from_another_folder_it_finds_the_cache_of_the_repository(world: World, started: Counted) -> None:
    """Looked for from there, the lists of the splits would not be at hand, and what they share not be seen."""
    lock = yaml.safe_load((world.work / "dvc.lock").read_text())
    train, test = sorted(lock["stages"]["prepare"]["outs"], key=lambda out: out["path"], reverse=True)
    cache = world.work / ".dvc" / "cache" / "files" / "md5"
    entries = json.loads((cache / train["md5"][:2] / train["md5"][2:]).read_text())
    shared = json.dumps([{**entries[0], "relpath": "other.csv"}]).encode()
    test["md5"] = f"{hashlib.md5(shared, usedforsecurity=False).hexdigest()}.dir"
    put(cache / test["md5"][:2] / test["md5"][2:], shared)
    (world.work / "dvc.lock").write_text(yaml.safe_dump(lock))
    git(world.work, "add", "--all")
    place = world.work / ".git" / "hooks" / "pre-commit"
    for folder in ("src", "."):
        done = subprocess.run([place], cwd=world.work / folder, capture_output=True, text=True, check=False)
        assert (done.returncode, "split-overlap " in done.stderr) == (1, True), done.stderr


def test_without_a_ledger_the_proposal_is_part_of_what_was_looked_at(world: World, started: Counted) -> None:
    git(world.work, "update-ref", "-d", LEDGER_REF)
    settle(world.work)
    policy = world.work / ".arcgit" / "policy.yaml"
    policy.write_text(policy.read_text().replace("required: [owner", "required: [metrics, owner"))
    git(world.work, "add", "--all")
    before = int(started)
    run_hook(world.work)
    assert int(started) == before + 1


def test_the_next_day_it_looks_again(world: World, started: Counted, tmp_path: Path) -> None:
    """What a person waived until today is not waived tomorrow."""
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "date").write_text("#!/bin/sh\necho 2999-01-01\n")
    (fake / "date").chmod(0o755)
    run_hook(world.work, PATH=f"{fake}:{os.environ['PATH']}")
    assert int(started) == 1


@pytest.mark.parametrize("name", memo.VARIABLES)
def test_other_places_for_settings_of_dvc_make_it_look_again(world: World, started: Counted, name: str) -> None:
    value = {"HOME": os.environ["HOME"] + "/"}.get(name, "/elsewhere")
    run_hook(world.work, **{name: value})
    assert int(started) == 1


@pytest.mark.parametrize("change", ["arcgit", "python", "moved"])
def test_another_arcgit_or_another_python_makes_it_look_again(world: World, tmp_path: Path, change: str) -> None:
    package = tmp_path / "lib" / "arcgit"
    shutil.copytree(Path(hook.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    code = f'shift 3; code="import sys; sys.path.insert(0, {str(package.parent)!r}); $1"; shift\nexec "$real" -I -c "$code" "$@"'
    counter = counted(world.work, tmp_path, code)
    path = settle(world.work)
    assert f"{package}/rules/completeness.py" in path.read_text()
    before = int(counter)
    assert run_hook(world.work).returncode == 0
    assert int(counter) == before
    if change == "arcgit":
        remark(package, "rules/completeness.py")
    elif change == "moved":
        package.rename(tmp_path / "lib" / "other")
    else:
        remark(tmp_path, "python")
    run_hook(world.work)
    assert int(counter) == before + 1


def test_another_python_of_the_same_size_and_date_makes_it_look_again(
    world: World, started: Counted, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    before, seen = int(started), python.stat()
    assert run_hook(world.work).returncode == 0
    assert int(started) == before
    shutil.copy2(python, tmp_path / "other")
    (tmp_path / "other").replace(python)
    assert python.stat().st_mtime_ns == seen.st_mtime_ns
    run_hook(world.work)
    assert int(started) == before + 1


def lines_gone(content: bytes) -> list[bytes]:
    lines = content.splitlines(keepends=True)
    return [b"".join(lines[:n] + lines[n + 1 :]) for n in range(0, len(lines), 5)]


def test_a_memo_that_was_damaged_lets_nothing_pass(world: World, started: Counted, tmp_path: Path) -> None:
    """Every damage is tried on a commit that is bad, with a memo of the good one before."""
    path = world.work / ".git" / memo.NAME
    good = path.read_bytes()
    spoil(world.work)
    git(world.work, "add", "--all")
    bad_tree = git(world.work, "write-tree").encode()
    good_tree = good.splitlines()[1]
    middle = good.index(b"\n--\n")
    damaged = [
        b"", b"\n", b"\0" * 100, good[:middle], good[: middle + 4], good[:-1], good[: len(good) // 2], good + b"x\n",
        good.replace(good_tree, bad_tree), good.replace(b":(top,glob)**/arcgit.yaml\n", b""),
        good.replace(b":(top,literal)arcgit.yaml\n", b"").replace(b"**/arcgit.yaml", b"**/other.yaml"),
        good.replace(b"\n", b"\r\n"), b"\n".join(good.split(b"\n")[::-1]), os.urandom(2000), b"-- " * 5000,
        *lines_gone(good),
    ]  # fmt: skip
    for content in damaged:
        path.write_bytes(content)
        assert run_hook(world.work).returncode == 1, content
    path.unlink()
    for make in (
        path.mkdir,
        path.rmdir,
        lambda: path.symlink_to("/dev/null"),
        path.unlink,
        lambda: path.symlink_to(path.name),
    ):
        make()
        assert run_hook(world.work).returncode == 1
    path.unlink()
    path.write_bytes(good)
    assert run_hook(world.work).returncode == 1


@pytest.mark.parametrize(
    "name", ["GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"]
)
def test_variables_that_give_pathspecs_another_meaning_hide_nothing(world: World, started: Counted, name: str) -> None:
    (world.work / "new").mkdir()
    (world.work / "new" / "arcgit.yaml").write_text("schema: arcgit/manifest/v1\n")
    git(world.work, "add", "--all")
    assert run_hook(world.work, **{name: "1"}).returncode == 1


def test_a_replaced_tree_hides_nothing(world: World, started: Counted) -> None:
    """With a replace ref the tree of the bad commit would read as the one that passed."""
    good = git(world.work, "write-tree")
    spoil(world.work)
    git(world.work, "add", "--all")
    git(world.work, "replace", git(world.work, "write-tree"), good)
    assert run_hook(world.work).returncode == 1


def test_the_memo_of_one_worktree_says_nothing_about_another(world: World, started: Counted) -> None:
    git(world.work, "worktree", "add", "--quiet", "../linked")
    linked = world.root / "linked"
    spoil(linked)
    assert commit(linked, "-a").returncode == 1
    mend(linked)
    assert settle(linked).parent.parent == world.work / ".git" / "worktrees" / "linked"
    before = int(started)
    assert commit(linked, "--allow-empty").returncode == 0
    assert commit(world.work, "--allow-empty").returncode == 0
    assert int(started) == before


def test_hooks_that_run_at_once_leave_a_whole_memo(world: World, started: Counted) -> None:
    path = world.work / ".git" / memo.NAME
    path.unlink()
    place = world.work / ".git" / "hooks" / "pre-commit"
    running = [subprocess.Popen([place], cwd=world.work) for _ in range(6)]
    assert [process.wait() for process in running] == [0] * 6
    assert sorted(item.name for item in path.parent.glob("passed*")) == ["passed"]
    before = int(started)
    assert run_hook(world.work).returncode == 0
    assert int(started) == before


def test_a_memo_that_cannot_be_written_stops_nothing(world: World, started: Counted) -> None:
    shutil.rmtree(world.work / ".git" / "arcgit")
    (world.work / ".git" / "arcgit").write_text("in the way")
    done = run_hook(world.work)
    assert (done.returncode, done.stderr) == (0, "")
    spoil(world.work)
    assert commit(world.work, "-a").returncode == 1


SHELLS = [name for name in ("sh", "dash", "bash", "bash --posix", "busybox sh") if shutil.which(name.partition(" ")[0])]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_reads_the_memo_alike(world: World, started: Counted, shell: str) -> None:
    """The hook's first line asks for sh, which is another program on every system."""
    place = str(world.work / ".git" / "hooks" / "pre-commit")
    sh(world.work, *shell.split(), place)
    assert int(started) == 0
    spoil(world.work)
    git(world.work, "add", "--all")
    sh(world.work, *shell.split(), place, code=1)
    assert int(started) == 1


def test_a_path_with_a_line_break_is_never_remembered(world: World, started: Counted) -> None:
    """The memo has a path a line; one that does not fit is judged each time."""
    (world.work / "a\nb.dvc").write_text("outs: []\n")
    git(world.work, "add", "--all")
    for _ in range(3):
        assert commit(world.work, "--allow-empty").returncode == 0
    assert int(started) == 3


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("pass", True), ("open('/etc/hostname').close()", True),
        ("import contextlib\nwith contextlib.suppress(OSError): open('nowhere')", True),
        ("import contextlib\nwith contextlib.suppress(OSError): open('.dvc')", True),
        ("import os; os.close(os.open('/dev/zero', os.O_RDONLY))", False),
        ("import os; os.utime('.git/arcgit/demands.json')", False), ("import os; os.listdir('.')", False), ("import os; list(os.scandir('.'))", False),
        ("import subprocess; subprocess.run(['true'])", False), ("import os; os.system('true')", False),
        ("import socket; socket.socket().close()", False), ("import os; os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)", False),
        ("import os; os.close(os.open('.', os.O_RDONLY))", True),
    ],
)  # fmt: skip
def test_a_check_that_looked_where_nobody_sees_is_not_remembered(world: World, code: str, *, kept: bool) -> None:
    """A rule added later may look anywhere; it need not remember to say so."""
    (world.work / ".git" / memo.NAME).unlink(missing_ok=True)
    git(world.work, "update-index", "--refresh")
    program = (
        "import sys, arcgit.hook as hook, arcgit.archive.check as check\n"
        "judge = check.check\n"
        f"def spying(*a, **k):\n    exec({code!r}, {{}})\n    return judge(*a, **k)\n"
        "check.check = spying\n"
        "sys.exit(hook.main(['pre-commit']))\n"
    )
    for _ in range(2):
        sh(world.work, sys.executable, "-I", "-c", program)
    path = world.work / ".git" / memo.NAME
    assert path.exists() == kept
    if "hostname" in code:
        assert "/etc/hostname" in path.read_text().splitlines()


def changes(work: Path) -> list[Callable[[], object]]:
    def write(name: str, text: str) -> None:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text(text)

    def move(old: str, new: str) -> None:
        if (work / old).exists() and not (work / new).exists():
            (work / old).rename(work / new)

    return [
        lambda: spoil(work), lambda: mend(work), lambda: remark(work), lambda: write("notes.txt", str(os.urandom(4))),
        lambda: move("src", "code"), lambda: move("code", "src"), lambda: move("params.yaml", "p.yaml"),
        lambda: move("p.yaml", "params.yaml"), lambda: write("sub/arcgit.yaml", "schema: arcgit/manifest/v1\n"),
        lambda: (work / "sub" / "arcgit.yaml").unlink(missing_ok=True), lambda: write("sub/x.dvc", "outs: [\n"),
        lambda: (work / "sub" / "x.dvc").unlink(missing_ok=True), lambda: remark(work, "requirements.txt"),
        lambda: git(work, "reset", "--quiet", "--hard"),
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_with_and_without_a_memo_the_answer_is_the_same(
    world: World, started: Counted, tmp_path: Path, seed: int
) -> None:
    """A walk through good and bad states, committed past the hook or not, on three branches."""
    chance = random.Random(seed)  # noqa: S311
    ways = changes(world.work)
    path = world.work / ".git" / memo.NAME
    answers = set()
    for _ in range(25):
        chance.choice(ways)()
        if chance.random() < 0.9:
            git(world.work, "add", "--all")
        with_memo = run_hook(world.work).returncode
        kept = path.read_bytes() if path.exists() else None
        path.unlink(missing_ok=True)
        assert run_hook(world.work).returncode == with_memo
        if kept is not None:
            path.write_bytes(kept)
        answers.add(with_memo)
        if chance.random() < 0.3:
            git(world.work, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", "x")
    assert answers == {0, 1}
    assert int(started) < 75


def test_python_and_the_shell_read_one_memo_alike(world: World, started: Counted) -> None:
    """What one of them wrote, the other relies upon."""
    settle(world.work)
    before = int(started)
    code = "import os, sys, arcgit.git.memo as m; s = m.ask(sys.argv[1], sys.argv[2], {}); sys.exit(0 if m.unchanged(s, extra={}) else 9)"
    today = sh(world.work, "date", "-u", "+%Y-%m-%d").strip()
    python = str(started.log.with_name("python"))
    sh(world.work, sys.executable, "-c", code, python, today)
    spoil(world.work)
    git(world.work, "add", "--all")
    sh(world.work, sys.executable, "-c", code, python, today, code=9)
    assert int(started) == before
