"""What DVC clones for imports goes away again, also where there was nothing to clone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from arcgit.dvc.source import ImportSource
from arcgit.errors import UndeterminedError
from tests.world import git, sh


def test_a_source_that_cannot_be_cloned_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    origin = {"url": f"file://{tmp_path}/nowhere.git", "rev_lock": "0" * 40, "path": "a"}
    for _ in range(2):
        with pytest.raises(UndeterminedError, match="cannot be read"), ImportSource(tmp_path, origin).open():
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_was_cloned_is_gone_when_the_process_ends(tmp_path: Path) -> None:
    source, temporary = tmp_path / "source", tmp_path / "t"
    temporary.mkdir()
    git(tmp_path, "init", "--quiet", "source")
    (source / "a").write_text("imported")
    git(source, "add", "a")
    git(source, "commit", "--quiet", "-m", "a")
    origin = {"url": f"file://{source}", "rev_lock": git(source, "rev-parse", "HEAD"), "path": "a"}
    code = f"""
import os, pathlib
from arcgit.dvc.source import ImportSource
for _ in range(2):
    with ImportSource(pathlib.Path.cwd(), {origin!r}).open() as stream:
        assert stream.read() == b"imported"
print(len([name for name in os.listdir({str(temporary)!r}) if name.endswith("dvc-clone")]))
"""
    assert sh(tmp_path, sys.executable, "-c", code, TMPDIR=str(temporary)).strip() == "1"
    assert list(temporary.iterdir()) == []
