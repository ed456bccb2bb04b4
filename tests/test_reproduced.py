"""What a run made of the same files is put there again, to the letter; other files are run."""

from __future__ import annotations

import os
from pathlib import Path

from tests import reproduced


def made(work: Path, data: str, runs: list[Path]) -> dict[str, tuple[int, bytes | str]]:
    """The tree that is left in a new folder with that data; a run that really happens is noted."""
    (work / ".git").mkdir(parents=True)
    (work / ".git" / "HEAD").write_text(str(work))
    (work / "arcgit.yaml").write_text(str(work))
    (work / "data").write_text(data)
    (work / "old").write_text("goes")

    def run() -> None:
        runs.append(work)
        (work / "out").mkdir()
        (work / "out" / "model").write_text(data.upper())
        (work / "out" / "model").chmod(0o444)
        (work / "link").symlink_to("out/model")
        (work / "old").unlink()

    reproduced.once(work, run)
    found = [Path(folder) / name for folder, _, names in os.walk(work) for name in names]
    return {
        str(path.relative_to(work)): (
            path.lstat().st_mode,
            str(path.readlink()) if path.is_symlink() else path.read_bytes(),
        )
        for path in found
        if ".git" not in path.parts and path.name != "arcgit.yaml"
    }


def test_the_same_files_are_run_once_and_left_alike(tmp_path: Path) -> None:
    runs: list[Path] = []
    first, second = made(tmp_path / "a", f"{tmp_path}", runs), made(tmp_path / "b", f"{tmp_path}", runs)
    assert second == first
    assert "old" not in second
    assert runs == [tmp_path / "a"]


def test_other_files_are_run(tmp_path: Path) -> None:
    runs: list[Path] = []
    made(tmp_path / "a", f"{tmp_path}", runs)
    other = made(tmp_path / "b", f"{tmp_path}, changed", runs)
    assert runs == [tmp_path / "a", tmp_path / "b"]
    assert other["out/model"][1] == f"{tmp_path}, changed".upper().encode()
