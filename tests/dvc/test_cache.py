"""DVC's cache without DVC: the folder is the one that DVC itself would use, and a list counts only by its md5."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from dvc.repo import Repo

from arcgit.dvc import cache
from arcgit.errors import RefusedError
from tests.world import dvc, git

ENTRIES = [{"md5": "0" * 32, "relpath": "a.csv"}, {"md5": "1" * 32, "relpath": "b/c.csv"}]


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DVC repository, with system and global configuration folders of its own."""
    for level in ("SYSTEM", "GLOBAL"):
        (tmp_path / level).mkdir()
        monkeypatch.setenv(f"DVC_{level}_CONFIG_DIR", str(tmp_path / level))
    git(tmp_path, "init", "--quiet", "work")
    dvc(tmp_path / "work", "init", "--quiet")
    return tmp_path / "work"


def of_dvc(repo: Path) -> Path:
    with Repo(str(repo)) as opened:
        return Path(opened.cache.local.path).parent.parent


def ours(repo: Path) -> Path | None:
    folder = cache.cache_folder(str(repo / ".dvc"), os.environ)
    return None if folder is None else Path(folder)


LEVELS = {
    "nothing": [],
    "the repository": [("config", "[cache]\n    dir = ../../shared\n")],
    "with an option before it": [
        ("config", "[core]\n    remote = x\n[cache]\n    type = copy\n    dir = ../c # shared\n")
    ],
    "with quotes": [("config", "['remote \"s\"']\n    url = ../store\n[cache]\n    dir = '../../with space'\n")],
    "the local file wins": [("config", "[cache]\ndir = ../a\n"), ("config.local", "[cache]\ndir = ../b\n")],
    "the person": [("../../GLOBAL/config", "[cache]\ndir = mine\n")],
    "the person's home": [("../../GLOBAL/config", "[cache]\ndir = ~/dvc-cache\n")],
    "the machine": [("../../SYSTEM/config", "[cache]\ndir = /srv/dvc\n")],
    "the repository over the person over the machine": [
        ("../../SYSTEM/config", "[cache]\ndir = /srv/dvc\n"),
        ("../../GLOBAL/config", "[cache]\ndir = /home/dvc\n"),
        ("config", "[cache]\ndir = ../own\n"),
    ],
    "a section that is none of it": [
        ("config", "[core]\n    autostage = true\n['remote \"cache\"']\n    url = ../x\n")
    ],
}


@pytest.mark.parametrize("case", LEVELS)
def test_the_folder_is_the_one_that_dvc_uses(repo: Path, case: str) -> None:
    for name, text in LEVELS[case]:
        (repo / ".dvc" / name).write_text(text)
    found = ours(repo)
    assert found is not None
    assert os.path.realpath(found) == os.path.realpath(of_dvc(repo))


def test_what_dvc_writes_itself_is_read(repo: Path, tmp_path: Path) -> None:
    for arguments in (["--local", str(tmp_path / "l")], [str(tmp_path / "it's #1")], ["../rel"]):
        dvc(repo, "cache", "dir", *arguments)
        found = ours(repo)
        assert found is not None
        assert os.path.realpath(found) == os.path.realpath(of_dvc(repo))


@pytest.mark.parametrize("named", ["s3://bucket/cache", "ssh://host/cache"])
def test_a_cache_that_is_not_on_this_machine_is_no_folder(repo: Path, named: str) -> None:
    (repo / ".dvc" / "config").write_text(f"[cache]\ndir = {named}\n")
    assert ours(repo) is None


def store(folder: Path, data: bytes, *, name: str | None = None, legacy: bool = False) -> str:
    digest = name or hashlib.md5(data, usedforsecurity=False).hexdigest()
    path = folder / ("" if legacy else "files/md5") / digest[:2] / f"{digest[2:]}.dir"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return f"{digest}.dir"


@pytest.mark.parametrize("legacy", [False, True])
def test_a_list_is_read_from_both_layouts(tmp_path: Path, legacy: bool) -> None:  # noqa: FBT001
    oid = store(tmp_path, json.dumps(ENTRIES).encode(), legacy=legacy)
    entries = cache.read_list(str(tmp_path), oid)
    assert entries is not None
    assert [(entry.md5, entry.relpath) for entry in entries] == [("0" * 32, "a.csv"), ("1" * 32, "b/c.csv")]


def test_a_list_with_other_bytes_than_its_name_says_does_not_count(tmp_path: Path) -> None:
    assert cache.read_list(str(tmp_path), store(tmp_path, json.dumps(ENTRIES).encode(), name="a" * 32)) is None


def test_a_list_that_is_absent_a_folder_a_fifo_or_too_large_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache.read_list(str(tmp_path), f"{'a' * 32}.dir") is None
    place = tmp_path / "files" / "md5" / "aa"
    (place / f"{'a' * 30}.dir").mkdir(parents=True)
    assert cache.read_list(str(tmp_path), f"{'a' * 32}.dir") is None
    os.mkfifo(place / f"{'b' * 30}.dir")
    assert cache.read_list(str(tmp_path), f"aa{'b' * 30}.dir") is None
    oid = store(tmp_path / "other", json.dumps(ENTRIES).encode())
    monkeypatch.setattr(cache, "MAX_LIST_BYTES", 10)
    assert cache.read_list(str(tmp_path / "other"), oid) is None


@pytest.mark.parametrize("relpath", ["../x", "/x", ".git/config", "a\\b", "CON", "a\nb"])
def test_a_list_with_an_unsafe_path_is_refused(tmp_path: Path, relpath: str) -> None:
    oid = store(tmp_path, json.dumps([{"md5": "0" * 32, "relpath": relpath}]).encode())
    with pytest.raises(RefusedError) as caught:
        cache.read_list(str(tmp_path), oid)
    assert caught.value.code == "path-unsafe"
