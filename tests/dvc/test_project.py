"""A DVC project that is opened without DVC's `Repo`: the same remotes and the same cache, and nothing made for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dvc.exceptions import DvcException
from dvc.repo import Repo

from arcgit.dvc.opening import open_remote
from arcgit.dvc.project import Project, project
from arcgit.errors import UndeterminedError
from tests.world import dvc, git

STORE = "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../store\n"
CONFIGS = {
    "a folder": {"config": STORE},
    "a folder whose address the person has": {
        "config": "[core]\n    remote = store\n",
        "config.local": "['remote \"store\"']\n    url = /srv/store\n",
    },
    "the person's settings over the repository's": {
        "config": STORE,
        "config.local": "['remote \"store\"']\n    verify = true\n    shared = group\n",
    },
    "a remote based on another": {
        "config": "[core]\n    remote = part\n['remote \"base\"']\n    url = s3://bucket/top\n    endpointurl = http://h:1\n"
        "['remote \"part\"']\n    url = remote://base/below\n"
    },
    "cloud-versioned": {
        "config": "[core]\n    remote = v\n['remote \"v\"']\n    url = s3://bucket/x\n    version_aware = true\n"
    },
    "a worktree remote": {
        "config": "[core]\n    remote = v\n['remote \"v\"']\n    url = s3://bucket/x\n    worktree = true\n"
    },
    "over the web": {"config": "[core]\n    remote = w\n['remote \"w\"']\n    url = https://example.org/data\n"},
    "a cache elsewhere": {"config": STORE + "[cache]\n    dir = ../../shared\n    type = hardlink\n"},
    "a cache that another remote is": {
        "config": STORE + "['remote \"c\"']\n    url = ../../there\n[cache]\n    local = c\n"
    },
    "no remote at all": {"config": ""},
    "a default that is not there": {"config": "[core]\n    remote = gone\n"},
    "no configuration": {"config": "[core\n"},
    "a setting that DVC does not know": {"config": STORE + "    frob = 1\n"},
}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for level in ("SYSTEM", "GLOBAL"):
        (tmp_path / level).mkdir()
        monkeypatch.setenv(f"DVC_{level}_CONFIG_DIR", str(tmp_path / level))
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    git(tmp_path, "init", "--quiet", "work")
    dvc(tmp_path / "work", "init", "--quiet")
    return tmp_path / "work"


def facts(opened: Any) -> dict[str, Any]:
    """Everything that is asked of a project."""
    try:
        config = dict(opened.config)
        remote = opened.cloud.get_remote(None, "push")
        odbs = (remote.odb, remote.legacy_odb, opened.cache.local, opened.cache.legacy)
    except DvcException as fault:
        return {"fault": type(fault), "words": str(fault).replace(repr(opened), str(opened))}
    return {
        "config": config,
        "remote": (remote.name, remote.path, remote.worktree, remote.fs.protocol, remote.fs.fs_args),
        "versioned": getattr(remote.fs, "version_aware", False),
        "objects": [odb.oid_to_path("0" * 32) for odb in odbs],
        "modes": [(odb.hash_name, odb.verify, odb.cache_types) for odb in odbs],
    }


@pytest.mark.parametrize("case", CONFIGS)
def test_remotes_and_cache_are_those_of_dvc(repo: Path, case: str) -> None:
    for name, text in CONFIGS[case].items():
        (repo / ".dvc" / name).write_text(text)
    try:
        theirs = facts(Repo(str(repo)))
    except DvcException as fault:
        theirs = {"fault": type(fault), "words": str(fault)}
    assert isinstance(project(repo), Project)
    assert facts(project(repo)) == theirs


def test_a_folder_inside_of_a_project_is_the_project_that_dvc_finds(repo: Path) -> None:
    (repo / ".dvc" / "config").write_text(STORE)
    (repo / "below").mkdir()
    assert open_remote(repo / "below", None).path is not None
    assert open_remote(repo / "below", None).root == open_remote(repo, None).root


def test_a_folder_without_a_project_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(UndeterminedError, match="no DVC configuration"):
        open_remote(tmp_path, None)


def test_what_another_dvc_asks_for_beyond_that_is_answered_by_dvc_itself(repo: Path) -> None:
    assert project(repo).tmp_dir == str(repo / ".dvc" / "tmp")
    with pytest.raises(AttributeError):
        _ = project(repo).there_is_no_such_thing


def test_opening_a_remote_makes_and_changes_nothing(repo: Path, tmp_path: Path) -> None:
    (repo / ".dvc" / "config").write_text(STORE)
    (repo / ".dvc" / ".gitignore").unlink()
    before = sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts)
    open_remote(repo, None)
    assert sorted(path for path in tmp_path.rglob("*") if ".git" not in path.parts) == before


def test_opening_a_folder_imports_none_of_the_commands_of_dvc(repo: Path) -> None:
    (repo / ".dvc" / "config").write_text(STORE)
    code = (
        "import sys; from pathlib import Path; from arcgit.dvc.opening import open_remote; open_remote(Path('.'), None);"
        "print(sorted({'dvc.repo', 'dvc.stage', 'dulwich', 'scmrepo.git', 'sqltrie', 'networkx'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=repo, env=dict(os.environ), check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
