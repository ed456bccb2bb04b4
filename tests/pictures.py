"""`make pictures`: the README's pictures, drawn from what the real commands print on a terminal.

The project is the demo's. Key, clock and archive id stand still, so that a picture changes when what it shows does; other
versions of Python or scikit-learn still make other ids.
"""

from __future__ import annotations

import fcntl
import html
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from arcgit.cli.demo_command import FILES, STAGES, _copy_data
from arcgit.resources import resource
from tests.home import own_home
from tests.world import Person, dvc, git, sh

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
COMMAND = f"""\
#!{sys.executable}
import datetime, os, uuid
from arcgit.cli import clock
clock.now = lambda: datetime.datetime.fromisoformat(os.environ["GIT_COMMITTER_DATE"])
uuid.uuid4 = lambda: uuid.UUID("0b5a5e8e-6f6b-4b0a-9c2e-1d2f3a4b5c6d")
from arcgit.__main__ import main
main()
"""
"""The arcgit that is drawn: the real one, with a clock and an archive id that stand still."""


class Story:
    """The project as it goes on. `here` is where the next command is typed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.here = root / "work"
        self.day(4)

    def day(self, day: int) -> None:
        for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
            os.environ[name] = f"2026-05-{day:02}T09:30:00+00:00"

    def edit(self, name: str, pattern: str, new: str) -> None:
        path = self.here / name
        text, count = re.subn(pattern, new, path.read_text(), flags=re.MULTILINE)
        assert count, f"{name} has no {pattern}"
        path.write_text(text)

    def commit(self, message: str) -> None:
        git(self.here, "add", "--all")
        git(self.here, "commit", "--quiet", "-m", message)
        git(self.here, "push", "--quiet", "origin", "main")


def new(story: Story) -> None:
    """A project with a pipeline that has run, as the demo makes it."""
    git(story.root, "init", "--quiet", "--bare", "hub.git")
    git(story.root, "init", "--quiet", "work")
    ada = _person(story.root)
    ada.sign_as(story.here)
    git(story.here, "remote", "add", "origin", "../hub.git")
    dvc(story.here, "init", "--quiet")
    dvc(story.here, "remote", "add", "--quiet", "--default", "storage", "../store")
    for name in FILES:
        (story.here / name).parent.mkdir(exist_ok=True)
        (story.here / name).write_text(resource(f"templates/demo/{name}").read_text())
    _copy_data(story.here / "data" / "cells.csv")
    dvc(story.here, "add", "--quiet", "data/cells.csv")
    for line in STAGES:
        sh(story.here, "bash", "-c", line)
    dvc(story.here, "repro", "--quiet")


def described(story: Story) -> None:
    """The manifest filled in, committed and pushed."""
    story.edit("arcgit.yaml", '^purpose: ""', "purpose: Baseline on the plain table.")
    story.commit("Baseline")


def archived(story: Story) -> None:
    """Two more experiments."""
    for day, name, strength in ((6, "weaker-penalty", "10"), (8, "stronger-penalty", "0.001")):
        story.day(day)
        story.edit("params.yaml", r"^  c: .*", f"  c: {strength}")
        story.edit("arcgit.yaml", "^experiment: .*", f"experiment: {name}")
        story.edit("arcgit.yaml", "^purpose: .*", f"purpose: {name.capitalize().replace('-', ' ')} of the weights.")
        dvc(story.here, "repro", "--quiet")
        story.commit(name)
        sh(story.here, "arcgit", "record")


def told(story: Story) -> None:
    """Attempts that failed, a model that was measured again, and one that another took the place of."""
    for day, words in (
        (
            9,
            "runs log --experiment baseline -m 'Diverged after three epochs: the learning rate was ten times too high'",
        ),
        (9, "runs log --experiment baseline --outcome succeeded -m 'No better than the sealed one'"),
        (12, "evaluate baseline --outcome reproduced --metric accuracy=0.95 -m 'On the new machine'"),
        (14, "retire stronger-penalty --superseded-by baseline -m 'Too strong for this table'"),
    ):
        story.day(day)
        sh(story.here, "bash", "-c", f"arcgit {words}")


def damaged(story: Story) -> None:
    """One bit of the stored model flips."""
    lock = (story.here / "dvc.lock").read_text()
    found = re.search(r"path: model\.pkl\n\s+hash: md5\n\s+md5: ([0-9a-f]{2})([0-9a-f]{30})", lock)
    assert found, lock
    path = story.root / "store" / "files" / "md5" / found[1] / found[2]
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def incomplete(story: Story) -> None:
    """Somebody takes the owner and the metrics out of the manifest."""
    story.edit("arcgit.yaml", r"^(owner:.*|.*role: metrics.*)\n", "")
    git(story.here, "add", "arcgit.yaml")


@dataclass(frozen=True)
class Picture:
    """What is typed after which part of the story. A new picture is one line in PICTURES."""

    name: str
    after: Callable[[Story], None]
    lines: tuple[str, ...]
    columns: int = 100


PARTS = (new, described, archived, told, damaged, incomplete)
PICTURES = (
    Picture("init", new, ("arcgit init --project cells", "arcgit draft --experiment baseline")),
    Picture("record", described, ("arcgit record",)),
    Picture("show", archived, ("arcgit show baseline",), columns=104),
    Picture("list", archived, ("arcgit list",)),
    Picture("search", archived, ("arcgit search 'metrics.accuracy>0.9 owner~ada'",)),
    Picture("lineage", archived, ("arcgit lineage baseline",)),
    Picture("diff", archived, ("arcgit diff baseline weaker-penalty",)),
    Picture("report", archived, ("arcgit audit-report --base HEAD~1",), columns=104),
    Picture("verify", archived, ("arcgit verify --level fixity", "echo $?")),
    Picture("log", told, ("arcgit log",), columns=80),
    Picture("verify-fails", damaged, ("arcgit verify --level fixity", "echo $?"), columns=114),
    Picture("hook-refuses", incomplete, ("git commit -m 'Tidy up the manifest'", "echo $?"), columns=120),
)


def draw(folder: Path) -> list[Path]:
    """Tell the story in an isolated home that is set up already, and write one SVG a picture."""
    root = Path.home() / "story"
    command = root / "bin" / "arcgit"
    command.parent.mkdir(parents=True)
    command.write_text(COMMAND)
    command.chmod(0o755)
    path = os.pathsep.join([str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    os.environ.update(PATH=path, TERM="xterm-256color", GIT_PAGER="cat")
    os.environ.pop("NO_COLOR", None)
    story, drawn = Story(root), []
    for part in PARTS:
        part(story)
        for picture in PICTURES:
            if picture.after is part:
                drawn.append(folder / f"{picture.name}.svg")
                drawn[-1].write_text(_svg(picture, _screen(story.here, picture)), encoding="utf-8")
    return drawn


def _person(root: Path) -> Person:
    """Ada with a key that is the same every time, and that only signs pictures."""
    key = Ed25519PrivateKey.from_private_bytes(b"a key to draw pictures, no more.")
    path = root / "key"
    path.touch(mode=0o600)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(*form))
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b" ada@example.org\n")
    return Person("Ada Lovelace", "ada@example.org", "ssh", f"{path}.pub")


def _screen(cwd: Path, picture: Picture) -> str:
    """What a terminal shows when the lines are typed, with its colours."""
    shown, code = [], 0
    for line in picture.lines:
        text, code = _typed(cwd, f"(exit {code}); {line}", picture.columns)
        shown.append(f"\x1b[1;32m$\x1b[0m {line}\n{text}")
    return "\n".join(part.rstrip("\n") for part in shown)


def _typed(cwd: Path, line: str, columns: int) -> tuple[str, int]:
    """Output and exit code. Standard error is no terminal, so that nothing draws bars on it; it comes last."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    with tempfile.TemporaryFile() as errors, os.fdopen(ours, "rb", buffering=0) as screen:
        child = subprocess.Popen(
            ["bash", "-c", line], cwd=cwd, env={**os.environ, "COLUMNS": str(columns)}, stdin=subprocess.DEVNULL,
            stdout=theirs, stderr=errors,
        )  # fmt: skip
        os.close(theirs)
        said = b""
        try:
            while part := screen.read(65536):
                said += part
        except OSError:
            pass  # how Linux says that nobody writes to the terminal any more
        code = child.wait()
        errors.seek(0)
        return (said + errors.read()).decode().replace("\r\n", "\n"), code


def _svg(picture: Picture, screen: str) -> str:
    """The screen as a picture that loads nothing from anywhere: rich would fetch its font."""
    columns = picture.columns
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, highlight=False)
    for line in Text.from_ansi(screen).split():
        # As a terminal breaks it: at the last column, not between words.
        for row in line.divide(range(columns, len(line), columns)) if len(line) > columns else [line]:
            console.print(row, no_wrap=True, overflow="ignore", crop=False)
    title = html.escape(picture.lines[0])
    form = re.sub(r"    @font-face \{\{.*?\}\}\n|    <!--.*?-->\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    form = form.replace("    <style>", f'    <title id="{picture.name}-title">{title}</title>\n    <style>', 1)
    return console.export_svg(title=picture.lines[0], code_format=form, unique_id=picture.name)


def main() -> None:
    """Draw all pictures anew, in an empty home, into the folder that is given or where they belong."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    with own_home():
        for path in draw(folder):
            print(path)  # noqa: T201


if __name__ == "__main__":
    main()
