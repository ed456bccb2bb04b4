"""`-o FILE`: the whole document, or what was there before."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from arcgit.cli import output
from arcgit.errors import UndeterminedError
from tests.world import World

ARCGIT = (sys.executable, "-m", "arcgit")
OLD = "the report of yesterday\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A report that is there already."""
    path = tmp_path / "reports" / "report.md"
    path.parent.mkdir()
    path.write_text(OLD)
    return path


def audit(world: World, to: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = [*ARCGIT, "audit-report", "--format", "md", "-o", str(to)]
    return subprocess.run(
        command, cwd=world.work, check=False, capture_output=True, text=True, env={**os.environ, **env}
    )


def test_a_run_that_is_killed_leaves_the_old_report_and_the_next_one_tidies_up(world: World, file: Path) -> None:
    assert audit(world, file, ARCGIT_CRASH_AT="file-written").returncode == -9
    assert file.read_text() == OLD
    assert len(list(file.parent.iterdir())) == 2, "what was written lies beside it"
    assert audit(world, file).returncode == 0
    assert file.read_text().startswith("<!-- arcgit audit-report -->")
    assert list(file.parent.iterdir()) == [file]


def test_a_report_that_breaks_off_leaves_the_old_one(file: Path) -> None:
    def pieces() -> Iterator[str]:
        yield "half of a "
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        output.write(file, pieces())
    assert file.read_text() == OLD
    assert list(file.parent.iterdir()) == [file]


def test_a_full_disk_leaves_the_old_report(file: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(UndeterminedError) as refused:
            output.write(file, ["x" * 600 for _ in range(1000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert refused.value.code == "output-unwritable"
    assert str(file) in refused.value.message
    assert file.read_text() == OLD
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_the_mode_stays_and_a_new_file_gets_the_usual_one(file: Path, mode: int) -> None:
    file.chmod(mode)
    output.write(file, ["new"])
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("new", mode)
    plain, made = file.with_name("plain"), file.with_name("made")
    plain.touch()
    output.write(made, ["new"])
    assert made.stat().st_mode == plain.stat().st_mode


def test_a_link_is_followed_and_stays(file: Path) -> None:
    link = file.with_name("latest.md")
    link.symlink_to(file.name)
    output.write(link, ["new"])
    assert link.is_symlink()
    assert file.read_text() == "new"


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    output.write(pipe, ["through ", "it"])
    assert os.read(reader, 100) == b"through it"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_standard_output_by_name_is_written_to_where_it_leads(tmp_path: Path) -> None:
    code = "import pathlib, sys; from arcgit.cli import output; output.write(pathlib.Path('/dev/stdout'), ['said'])"
    where = tmp_path / "kept"
    with where.open("w") as kept:
        subprocess.run([sys.executable, "-c", code], check=True, stdout=kept)
    assert where.read_text() == "said"


def test_what_is_no_utf8_is_written_as_text(file: Path) -> None:
    output.write(file, ["a\udcff"])
    assert file.read_text() == "a\\udcff"
