"""Hooks of others: chained or refused with the next step, never lost, and put back byte for byte."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive.hooks import hooks
from arcgit.cli.app import run
from tests.hooks.staging import commit, remark, spoil
from tests.world import World, git, sh

STAMP = 'echo "$0 [$*]" >> "$(git rev-parse --git-dir)/ran"\n'
FOREIGN = {
    "shell": b"#!/bin/sh\n" + STAMP.encode(),
    "python": f"#!{sys.executable}\nimport sys\nopen('.git/ran', 'a').write('py\\n')\n".encode(),
    "no-shebang": b": a shell script all the same\necho x >> .git/ran\n",
    "bytes": b"#!/bin/sh\n: \xff\xfe\necho x >> .git/ran\nexit 0\n\0\0",
}

State = dict[str, tuple[int, bytes]]


def hook_folder(work: Path) -> Path:
    return work / ".git" / "hooks"


def contents(folder: Path) -> State:
    """Names, modes, link targets and bytes of a folder."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        data = os.fsencode(path.readlink()) if path.is_symlink() else b"" if path.is_dir() else path.read_bytes()
        found[path.name] = (path.lstat().st_mode, data)
    return found


def put(path: Path, data: bytes, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return path


def ran(work: Path) -> int:
    log = work / ".git" / "ran"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def bare(world: World) -> World:
    """A world as it was before arcgit's hooks came."""
    world.arcgit("hooks", "uninstall")
    assert not list(hook_folder(world.work).glob("pre-*commit"))
    return world


def outcomes(world: World, verb: str, code: int = 0) -> list[str]:
    return [state["outcome"] for state in told(world, verb, code)]


def told(world: World, verb: str, code: int = 0) -> list[dict[str, Any]]:
    document = world.arcgit("hooks", verb, code=code)
    assert document["schema"] == "arcgit/hooks/v1"
    states: list[dict[str, Any]] = document["hooks"]
    return states


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_hook_of_somebody_else_runs_after_ours_and_comes_back_byte_for_byte(bare: World, kind: str) -> None:
    put(hook_folder(bare.work) / "pre-commit", FOREIGN[kind], 0o754)
    before = contents(hook_folder(bare.work))
    assert outcomes(bare, "install") == ["installed"] * 3
    remark(bare.work)
    assert commit(bare.work, "-a").returncode == 0
    assert ran(bare.work) == 1
    spoil(bare.work)
    assert commit(bare.work, "-a").returncode == 1
    assert ran(bare.work) == 1
    assert outcomes(bare, "uninstall") == ["restored", "removed", "removed"]
    assert contents(hook_folder(bare.work)) == before
    assert commit(bare.work, "-a").returncode == 0
    assert ran(bare.work) == 2


def test_its_exit_code_arguments_input_and_environment_are_its_own(bare: World) -> None:
    script = b'#!/bin/sh\n[ "$*" = "one two  three" ] && [ "$(cat)" = input ] && [ "$hook$python$code" = abc ] && exit 42\nexit 1\n'
    put(hook_folder(bare.work) / "pre-commit", script)
    bare.arcgit("hooks", "install")
    place = hook_folder(bare.work) / "pre-commit"
    done = subprocess.run(
        [place, "one", "two  three"],
        cwd=bare.work,
        input=b"input",
        check=False,
        env={**os.environ, "hook": "a", "python": "b", "code": "c"},
    )
    assert done.returncode == 42


def test_a_hook_that_was_not_executable_stays_unrun_as_git_left_it(bare: World) -> None:
    put(hook_folder(bare.work) / "pre-commit", b"#!/bin/sh\nexit 1\n", 0o644)
    before = contents(hook_folder(bare.work))
    bare.arcgit("hooks", "install")
    remark(bare.work)
    assert commit(bare.work, "-a").returncode == 0
    bare.arcgit("hooks", "uninstall")
    assert contents(hook_folder(bare.work)) == before


@pytest.mark.parametrize("target", ["../../src/check.sh", "nowhere", "/bin/true"])
def test_a_link_is_moved_as_a_link(bare: World, target: str) -> None:
    put(bare.work / "src" / "check.sh", FOREIGN["shell"])
    (hook_folder(bare.work) / "pre-commit").symlink_to(target)
    before = contents(hook_folder(bare.work))
    bare.arcgit("hooks", "install")
    remark(bare.work)
    assert commit(bare.work, "-a").returncode == 0
    assert ran(bare.work) == ("check" in target)
    bare.arcgit("hooks", "uninstall")
    assert contents(hook_folder(bare.work)) == before


def test_installing_and_uninstalling_twice_changes_nothing(bare: World) -> None:
    folder = hook_folder(bare.work)
    put(folder / "pre-commit", FOREIGN["shell"])
    before = contents(folder)
    bare.arcgit("hooks", "install")
    installed = contents(folder)
    assert outcomes(bare, "install") == ["unchanged"] * 3
    assert contents(folder) == installed
    bare.arcgit("hooks", "uninstall")
    assert outcomes(bare, "uninstall") == ["absent"] * 3
    assert contents(folder) == before


@pytest.mark.parametrize(
    "script",
    [
        '#!/bin/sh\nname=$(basename "$0")\n', '#!/bin/bash\nhook="${0##*/}"\n', "#!/usr/bin/env ruby\nputs File.basename($0)\n",
        "#!/usr/bin/env python3\nimport os, sys\nprint(os.path.basename(sys.argv[0]))\n",
        "#!/usr/bin/env python3\nfrom pathlib import Path\nprint(Path(__file__).name)\n",
        "#!/usr/bin/env node\nconst n = path.basename(process.argv[1])\n",
    ],
)  # fmt: skip
def test_a_hook_that_goes_by_its_own_name_is_not_moved(bare: World, script: str) -> None:
    """overcommit, old husky and other dispatchers ask under which name they run."""
    put(hook_folder(bare.work) / "pre-commit", script.encode())
    before = contents(hook_folder(bare.work))
    state = told(bare, "install", code=1)[0]
    assert state["outcome"] == "skipped"
    assert "arcgit hooks run pre-commit || exit $?" in state["hint"]
    assert contents(hook_folder(bare.work)).items() >= before.items()
    assert told(bare, "status", code=1)[0]["outcome"] == "inactive"
    put(hook_folder(bare.work) / "pre-commit", b"#!/bin/sh\narcgit hooks run pre-commit || exit $?\n" + script.encode())
    assert outcomes(bare, "install") == ["unchanged"] * 3
    assert outcomes(bare, "status") == ["active"] * 3
    spoil(bare.work)
    assert commit(bare.work, "-a").returncode == 1


@pytest.mark.parametrize(
    "line", ["# arcgit hooks run pre-commit", "echo 'add: arcgit hooks run pre-commit'", "farcgit check"]
)
def test_a_hook_that_only_speaks_of_arcgit_does_not_run_it(bare: World, line: str) -> None:
    put(hook_folder(bare.work) / "pre-commit", f"#!/bin/sh\n{line}\nexit 0\n".encode())
    assert outcomes(bare, "install")[0] == "installed"


def test_changes_by_hand_in_our_hook_are_kept(bare: World) -> None:
    bare.arcgit("hooks", "install")
    place = hook_folder(bare.work) / "pre-commit"
    put(place, place.read_bytes() + b"make lint\n")
    for verb, outcome in (("install", "skipped"), ("uninstall", "kept")):
        state = told(bare, verb, code=1)[0]
        assert (state["outcome"], str(place) in state["hint"]) == (outcome, True)
        assert place.read_bytes().endswith(b"make lint\n")


def test_a_hook_of_another_python_or_version_is_renewed(bare: World) -> None:
    place = hook_folder(bare.work) / "pre-commit"
    put(place, b"#!/bin/sh\n# arcgit-hook 1\nexit 0\n")
    assert "arcgit hooks install" in told(bare, "status", code=1)[0]["hint"]
    assert outcomes(bare, "install") == ["installed"] * 3
    assert [state["hint"] for state in told(bare, "status")] == [""] * 3
    spoil(bare.work)
    assert commit(bare.work, "-a").returncode == 1


REINSTALLED: dict[str, Callable[[Path], object]] = {
    "same": lambda path: put(path, FOREIGN["shell"]),
    "other": lambda path: put(path, FOREIGN["python"]),
    "none": lambda path: path.unlink(),
}


@pytest.mark.parametrize("how", REINSTALLED)
def test_a_foreign_tool_that_installs_itself_over_us_loses_nothing(bare: World, how: str) -> None:
    folder = hook_folder(bare.work)
    place = put(folder / "pre-commit", FOREIGN["shell"])
    before = contents(folder)
    bare.arcgit("hooks", "install")
    REINSTALLED[how](place)
    assert told(bare, "status", code=1)[0]["outcome"] == "inactive"
    state = told(bare, "uninstall", code=1 if how == "other" else 0)[0]
    if how == "other":
        assert state["outcome"] == "kept"
        assert f"rm {place}.before-arcgit" in state["hint"]
        assert place.read_bytes() == FOREIGN["python"]
        assert Path(f"{place}.before-arcgit").read_bytes() == FOREIGN["shell"]
    else:
        assert contents(folder) == before


def test_installing_again_over_a_foreign_tool_keeps_both_its_hooks(bare: World) -> None:
    place = put(hook_folder(bare.work) / "pre-commit", FOREIGN["shell"])
    bare.arcgit("hooks", "install")
    put(place, FOREIGN["python"])
    assert outcomes(bare, "install")[0] == "installed"
    assert Path(f"{place}.before-arcgit").read_bytes() == FOREIGN["python"]
    assert Path(f"{place}.before-arcgit.1").read_bytes() == FOREIGN["shell"]
    bare.arcgit("hooks", "uninstall")
    assert place.read_bytes() == FOREIGN["python"]
    assert Path(f"{place}.before-arcgit.1").read_bytes() == FOREIGN["shell"]


def test_the_hook_from_before_may_change_while_it_is_aside(bare: World) -> None:
    place = put(hook_folder(bare.work) / "pre-commit", FOREIGN["shell"])
    bare.arcgit("hooks", "install")
    put(Path(f"{place}.before-arcgit"), FOREIGN["python"], 0o700)
    bare.arcgit("hooks", "uninstall")
    assert (place.read_bytes(), stat.S_IMODE(place.stat().st_mode)) == (FOREIGN["python"], 0o700)


def test_hooks_that_call_each_other_come_to_an_end(bare: World) -> None:
    """Somebody's hook runs whatever is installed as pre-commit, which is us by now."""
    script = b'#!/bin/sh\necho x >> .git/ran\nexec .git/hooks/pre-commit "$@"\n'
    place = put(hook_folder(bare.work) / "pre-commit", b"#!/bin/sh\nexit 0\n")
    bare.arcgit("hooks", "install")
    put(Path(f"{place}.before-arcgit"), script)
    remark(bare.work)
    assert commit(bare.work, "-a").returncode == 0
    assert ran(bare.work) == 1
    spoil(bare.work)
    assert commit(bare.work, "-a").returncode == 1


def test_a_hook_that_commits_elsewhere_is_judged_there_too(bare: World, tmp_path: Path) -> None:
    """The guard against loops must not carry over into another repository."""
    shutil.copytree(bare.work, tmp_path / "second")
    second = tmp_path / "second"
    spoil(second)
    place = put(
        hook_folder(bare.work) / "pre-commit",
        f"#!/bin/sh\nunset GIT_INDEX_FILE GIT_DIR\nexec git -C {second} commit -qam nested\n".encode(),
    )
    put(hook_folder(second) / "pre-commit", FOREIGN["shell"])
    bare.arcgit("hooks", "install")
    bare.arcgit("hooks", "install", cwd=second)
    remark(bare.work)
    done = commit(bare.work, "-a")
    assert (done.returncode, "owner-missing" in done.stderr) == (1, True)
    git(second, "checkout", "--quiet", "--", ".")
    remark(second)
    assert commit(bare.work, "-a").returncode == 0
    assert ran(second) == 1
    assert place.exists()


@pytest.mark.parametrize(
    "value", [".githooks", "{work}/.githooks", ".husky/_", "{home}/hooks", "~/hooks", "/dev/null", "gone"]
)
@pytest.mark.parametrize("scope", ["--local", "--global"])
def test_hooks_that_lie_elsewhere_are_not_written_to(bare: World, tmp_path: Path, value: str, scope: str) -> None:
    home = tmp_path / "home"
    (home / "hooks").mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        git(bare.work, "config", scope, "core.hooksPath", value.format(work=bare.work, home=home))
        for folder in (".githooks", ".husky/_"):
            put(bare.work / folder / "pre-commit", FOREIGN["shell"])
        everything = [contents(path) for path in (bare.work / ".githooks", bare.work / ".husky", home / "hooks")]
        before = [contents(bare.work / ".husky" / "_"), *everything, contents(hook_folder(bare.work))]
        states = told(bare, "install", code=1)
        assert {state["outcome"] for state in states} == {"skipped"}
        assert all(state["hint"] for state in states)
        after = [contents(path) for path in (bare.work / ".githooks", bare.work / ".husky", home / "hooks")]
        assert [contents(bare.work / ".husky" / "_"), *after, contents(hook_folder(bare.work))] == before
        assert {state["outcome"] for state in told(bare, "status", code=1)} == {"inactive"}
        assert outcomes(bare, "uninstall") == ["absent"] * 3


@pytest.mark.parametrize(("value", "file"), [(".githooks", ".githooks"), (".husky/_", ".husky")])
def test_the_line_that_is_named_works_where_a_team_keeps_its_hooks(bare: World, value: str, file: str) -> None:
    git(bare.work, "config", "core.hooksPath", value)
    if value.endswith("_"):
        shim = b'#!/bin/sh\nexec sh -e "$(dirname "$(dirname "$0")")/$(basename "$0")" "$@"\n'
        put(bare.work / value / "pre-commit", shim)
    put(bare.work / file / "pre-commit", b"#!/bin/sh\n")
    hint = told(bare, "install", code=1)[0]["hint"]
    assert f"{bare.work / file / 'pre-commit'}: " in hint
    line = hint.partition(": ")[2]
    put(bare.work / file / "pre-commit", f"#!/bin/sh\n{line}\nexit 0\n".encode())
    put(bare.work / file / "pre-merge-commit", f"#!/bin/sh\n{line}\nexit 0\n".encode())
    put(bare.work / file / "pre-push", b'#!/bin/sh\narcgit hooks run pre-push "$@" || exit $?\nexit 0\n')
    assert outcomes(bare, "install") == ["unchanged"] * 3
    assert outcomes(bare, "status") == ["active"] * 3
    spoil(bare.work)
    assert commit(bare.work, "-a").returncode == 1


@pytest.mark.parametrize("value", ["{work}/.git/hooks", ".git/hooks", ".git/my/hooks"])
def test_a_hooks_path_inside_the_git_folder_is_installed_to(bare: World, value: str) -> None:
    git(bare.work, "config", "core.hooksPath", value.format(work=bare.work))
    assert outcomes(bare, "install") == ["installed"] * 3
    spoil(bare.work)
    assert commit(bare.work, "-a").returncode == 1
    assert outcomes(bare, "uninstall") == ["removed"] * 3
    assert commit(bare.work, "-a").returncode == 0


def test_uninstalling_finds_our_hooks_after_the_hooks_path_was_set(bare: World) -> None:
    bare.arcgit("hooks", "install")
    git(bare.work, "config", "core.hooksPath", ".githooks")
    assert outcomes(bare, "uninstall") == ["removed"] * 3


def test_a_missing_hooks_folder_is_made(bare: World) -> None:
    shutil.rmtree(hook_folder(bare.work))
    assert outcomes(bare, "install") == ["installed"] * 3
    spoil(bare.work)
    assert commit(bare.work, "-a").returncode == 1


def test_a_file_or_a_link_in_the_place_of_the_hooks_folder_is_named(bare: World) -> None:
    shutil.rmtree(hook_folder(bare.work))
    hook_folder(bare.work).write_text("in the way")
    state = told(bare, "install", code=1)[0]
    assert state["outcome"] == "skipped"
    assert "arcgit hooks install" in state["hint"]
    assert hook_folder(bare.work).read_text() == "in the way"


def test_a_folder_in_the_place_of_a_hook_is_named(bare: World) -> None:
    (hook_folder(bare.work) / "pre-commit").mkdir()
    assert "is a folder" in told(bare, "install", code=1)[0]["reason"]


def test_a_hooks_folder_that_may_not_be_written_to_is_named(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not bind root, who runs these tests in containers: the system call itself says no."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(hook_folder(bare.work)))

    place = put(hook_folder(bare.work) / "pre-commit", FOREIGN["shell"])
    monkeypatch.setattr(os, "link", refuse)
    state = told(bare, "install", code=1)[0]
    assert state["outcome"] == "skipped"
    assert "Permission denied" in state["reason"]
    assert place.read_bytes() == FOREIGN["shell"]


def test_an_interrupted_installation_never_leaves_the_place_empty(bare: World, monkeypatch: pytest.MonkeyPatch) -> None:
    place = put(hook_folder(bare.work) / "pre-commit", FOREIGN["shell"])

    before = contents(place.parent)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        assert run(["-C", str(bare.work), "hooks", "install"]) == 130
    assert sorted(contents(place.parent)) == sorted({*before, "pre-commit.before-arcgit"})
    assert place.read_bytes() == FOREIGN["shell"]
    assert outcomes(bare, "install")[0] == "installed"
    bare.arcgit("hooks", "uninstall")
    assert place.read_bytes() == FOREIGN["shell"]


def test_in_a_linked_worktree_the_hooks_are_those_of_the_repository(bare: World) -> None:
    git(bare.work, "worktree", "add", "--quiet", "../linked")
    linked = bare.root / "linked"
    bare.arcgit("hooks", "install", cwd=linked)
    assert {path.name for path in hook_folder(bare.work).glob("pre-*")} >= set(hooks.NAMES)
    spoil(bare.work)
    assert commit(bare.work, "-a").returncode == 1


def test_in_a_submodule_the_hooks_are_its_own(bare: World, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "super")
    git(tmp_path / "super", "submodule", "--quiet", "add", str(bare.work), "sub")
    bare.arcgit("hooks", "install", cwd=tmp_path / "super" / "sub")
    module = tmp_path / "super" / ".git" / "modules" / "sub" / "hooks"
    assert (module / "pre-commit").exists()
    assert not (tmp_path / "super" / ".git" / "hooks" / "pre-commit").exists()


def test_the_words_of_the_commands_name_what_happened_and_what_runs_next(bare: World) -> None:
    place = put(hook_folder(bare.work) / "pre-commit", FOREIGN["shell"])
    arcgit = [sys.executable, "-m", "arcgit", "hooks"]
    assert f"pre-commit: installed\n  then: {place}.before-arcgit\n" in sh(bare.work, *arcgit, "install")
    assert f"pre-commit: active\n  then: {place}.before-arcgit\n" in sh(bare.work, *arcgit, "status")
    assert "pre-commit: restored\n" in sh(bare.work, *arcgit, "uninstall")
    assert "pre-commit: inactive" in sh(bare.work, *arcgit, "status", code=1)


def test_a_python_that_finds_arcgit_only_with_its_site_is_asked_with_it(tmp_path: Path) -> None:
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\ncase "$*" in *-S*) exit 1 ;; esac\nexec {sys.executable} "$@"\n')
    wrapper.chmod(0o755)
    assert hooks._sites(str(wrapper)) == ""
    assert hooks._sites(sys.executable)
    assert hooks._sites("/bin/false") is None
