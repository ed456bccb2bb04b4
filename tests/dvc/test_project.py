"""A project opened without DVC's `Repo` leads to the same remotes, caches and credentials as one opened with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.repo import Repo

from arcgit.dvc import opening, project
from arcgit.dvc.remote import DataRemote
from arcgit.errors import UndeterminedError
from tests.world import World, dvc, git

CASES = {
    "a folder": {"config": "[core]\n remote = s\n['remote \"s\"']\n url = ../../store\n"},
    "the local file wins": {
        "config": "[core]\n remote = s\n['remote \"s\"']\n url = ../../store\n",
        "config.local": "['remote \"s\"']\n url = ../../other\n",
    },
    "the person's default": {"../../GLOBAL/config": "[core]\n remote = s\n['remote \"s\"']\n url = /srv/store\n"},
    "based on another": {
        "config": "[core]\n remote = b\n['remote \"a\"']\n url = s3://bucket/top\n endpointurl = http://127.0.0.1:9\n"
        " access_key_id = k\n secret_access_key = v\n['remote \"b\"']\n url = remote://a/below\n"
    },
    "a versioned bucket": {"config": "[core]\n remote = s\n['remote \"s\"']\n url = s3://b/p\n version_aware = true\n"},
    "a work tree in a bucket": {"config": "[core]\n remote = s\n['remote \"s\"']\n url = s3://b/p\n worktree = true\n"},
    "a web server": {
        "config": "[core]\n remote = s\n['remote \"s\"']\n url = https://host.invalid/p\n auth = custom\n custom_auth_header = X-Token\n",
        "config.local": "['remote \"s\"']\n password = secret\n",
    },
    "WebDAV": {"config": "[core]\n remote = s\n['remote \"s\"']\n url = webdav://host.invalid/p\n"},
    "SSH": {"config": "[core]\n remote = s\n['remote \"s\"']\n url = ssh://me@host.invalid:2222/srv\n"},
    "a cache elsewhere": {
        "config": "[core]\n remote = s\n[cache]\n dir = ../../shared\n type = copy\n['remote \"s\"']\n url = ../../store\n"
    },
    "jobs and a cache for a cloud": {
        "config": "[core]\n remote = s\n checksum_jobs = 3\n[cache]\n s3 = c\n['remote \"s\"']\n url = ../../store\n"
        "['remote \"c\"']\n url = s3://b/cache\n"
    },
}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DVC repository, with system and global configuration folders of its own."""
    for level in ("SYSTEM", "GLOBAL"):
        (tmp_path / level).mkdir()
        monkeypatch.setenv(f"DVC_{level}_CONFIG_DIR", str(tmp_path / level))
    git(tmp_path, "init", "--quiet", "work")
    dvc(tmp_path / "work", "init", "--quiet")
    return tmp_path / "work"


def told(opened: Any) -> list[Any]:
    """All that arcgit asks of a project and its default remote."""
    remote = opened.cloud.get_remote(None, "push")
    found = DataRemote(remote.name, "", opened, remote)
    places = [(odb.fs.protocol, odb.path, odb.oid_to_path("ab" * 16)) for odb in (remote.odb, remote.legacy_odb)]
    caches = [
        (odb.fs.protocol, odb.path, odb.oid_to_path("ab" * 16)) for odb in (opened.cache.local, opened.cache.legacy)
    ]
    return [
        remote.name, remote.path, remote.worktree, remote.fs.protocol, remote.fs.fs_args, places, caches,
        found.versioned, found.site, found.root, dict(opened.config), opened.config.load_one("repo"), opened.root_dir,
        opening._settings(opened, None),
    ]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_it_leads_where_dvc_leads(root: Path, case: str) -> None:
    for name, text in CASES[case].items():
        (root / ".dvc" / name).write_text(text)
    ours = project.opened(root)
    assert isinstance(ours, project.Project)
    with Repo(str(root)) as theirs:
        assert told(ours) == told(theirs)


@pytest.mark.parametrize("text", ["[core\n", "[core]\n remote = gone\n", "", "[nonsense]\n a = 1\n"])
def test_what_dvc_refuses_is_refused_in_its_words(root: Path, text: str) -> None:
    (root / ".dvc" / "config").write_text(text)
    with pytest.raises(DvcException) as theirs:
        Repo(str(root)).cloud.get_remote(None, "push")
    with pytest.raises(type(theirs.value)) as ours:
        project.opened(root).cloud.get_remote(None, "push")
    assert str(ours.value) == str(theirs.value)
    with pytest.raises(UndeterminedError) as caught:
        opening.open_remote(root, None)
    assert caught.value.code == "remote-missing"


def test_a_folder_below_a_project_is_opened_as_dvc_opens_it(root: Path) -> None:
    (root / "deep").mkdir()
    assert project.opened(root / "deep").root_dir == str(root)
    with pytest.raises(NotDvcRepoError):
        project.opened(root.parent)


def test_what_it_has_no_name_for_is_asked_of_dvc_itself(root: Path) -> None:
    ours = project.opened(root)
    assert ours.tmp_dir == str(root / ".dvc" / "tmp")
    with pytest.raises(AttributeError):
        _ = ours.there_is_no_such_thing


def test_opening_a_remote_writes_nothing(world: World) -> None:
    before = sorted(world.work.rglob("*"))
    site = Path.home() / "dvc-site"
    seen = sorted(site.rglob("*"))
    opening.open_remote(world.work, None)
    assert sorted(world.work.rglob("*")) == before
    assert sorted(site.rglob("*")) == seen
