"""`demo`: the whole story on a throw-away project, with the commands a person would type and their real output."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from arcgit.cli import output
from arcgit.errors import RefusedError, UndeterminedError, UsageError
from arcgit.resources import resource

FILES = ("src/prepare.py", "src/train.py", "src/evaluate.py", "params.yaml", "requirements.txt")
PERSON = "Ada Lovelace <ada@example.org>"
STAGES = (
    (
        "dvc stage add -q -n prepare -d data/cells.csv -d src/prepare.py -p prepare.test_every"
        " -o data/train -o data/test python src/prepare.py"
    ),
    "dvc stage add -q -n train -d data/train -d src/train.py -p train.c,train.max_iter -o model.pkl python src/train.py",
    "dvc stage add -q -n evaluate -d data/test -d model.pkl -d src/evaluate.py -M metrics.json python src/evaluate.py",
)


def register(app: typer.Typer) -> None:
    """Put the command into the application."""
    app.command(epilog="Example: arcgit demo --keep /tmp/arcgit-demo")(demo)


def demo(
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the project and its remotes in DIR.", show_default=False)
    ] = None,
) -> None:
    """Train, seal, clone and verify a real model in a throw-away project; then damage it and watch."""
    _require()
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise UsageError("folder-not-empty", f"{keep} is not empty", "choose a new folder")
    with _place(keep) as (folder, home):
        story = Story(folder, _environment(home))
        try:
            _tell(story)
        finally:
            story.quietly("gpgconf", "--kill", "all")
    if keep is not None:
        output.say(f"\nEverything is in {keep}: work/, clone/, hub.git and store/.")


def _require() -> None:
    for tool in ("git", "gpg"):
        if shutil.which(tool) is None:
            raise UndeterminedError("tool-missing", f"the demo needs {tool}", f"install {tool}")
    if find_spec("sklearn") is None:
        hint = f"{shlex.quote(sys.executable)} -m pip install scikit-learn"
        raise UndeterminedError("tool-missing", "the demo trains a model with scikit-learn, which is not here", hint)


@contextmanager
def _place(keep: Path | None) -> Iterator[tuple[Path, Path]]:
    """The project's folder and a home of its own. The home is short-lived and short: it holds the agent's socket."""
    home = Path(tempfile.mkdtemp(prefix="ag"))
    folder = keep.resolve() if keep is not None else home / "demo"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder, home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _environment(home: Path) -> dict[str, str]:
    """Nobody's real keyring, git configuration or home is touched."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GIT_", "DVC_", "SSH_", "GPG_", "XDG_", "ARCGIT_", "PYTHONPATH"))
    }
    gnupg = home / "g"
    gnupg.mkdir(mode=0o700)
    return kept | {
        "HOME": str(home),
        "GNUPGHOME": str(gnupg),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "DVC_SITE_CACHE_DIR": str(home / "site"),
        "DVC_NO_ANALYTICS": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }


class Story:
    """Runs commands and shows them as a person would have typed them."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.here = folder
        self.environment = environment

    def chapter(self, title: str) -> None:
        """A headline."""
        output.say("")
        output.console().print(title, style="bold")

    def run(self, line: str, *, expect: int = 0, shown: str | None = None) -> None:
        """Run one command line without a shell; another exit code than `expect` ends the demo."""
        out = output.console()
        out.print(f"$ {shown or line}", style="cyan")
        arguments = shlex.split(line)
        done = subprocess.run(
            arguments, cwd=self.here, env=dict(self.environment), check=False, capture_output=True, text=True
        )
        for text in (done.stdout, done.stderr):
            for row in text.splitlines():
                out.print(f"  {row}")
        if done.returncode != expect:
            message = f"`{line}` ended with exit code {done.returncode}, not {expect}"
            raise RefusedError("demo-failed", message, "arcgit demo --keep DIR keeps the project to look at")
        if expect:
            out.print(f"  (exit code {done.returncode}, as it should be)", style="dim")

    def quietly(self, *arguments: str) -> str:
        """Run something that is not part of the story."""
        done = subprocess.run(
            arguments, cwd=self.here, env=dict(self.environment), check=False, capture_output=True, text=True
        )
        return done.stdout

    def write(self, name: str, text: str) -> None:
        """Put a file into the present folder."""
        path = self.here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _tell(story: Story) -> None:
    _key(story)
    _project(story)
    _seal(story)
    _audit(story)
    _damage(story)
    _forget(story)
    output.say("")
    output.console().print("That is the whole of it: capture, seal, prove, and refuse.", style="bold green")


def _key(story: Story) -> None:
    story.chapter("1. A signing key and a git identity, as every git user can have them")
    story.run(f"gpg --batch --quiet --passphrase '' --quick-generate-key '{PERSON}' ed25519 sign never")
    story.run("git config --global user.name 'Ada Lovelace'")
    story.run("git config --global user.email ada@example.org")
    story.quietly("git", "config", "--global", "init.defaultBranch", "main")


def _project(story: Story) -> None:
    story.chapter("2. A project with a DVC pipeline: prepare, train, evaluate")
    story.run("git init --quiet --bare hub.git")
    story.run("git init --quiet work")
    story.here = story.folder / "work"
    story.run("git remote add origin ../hub.git")
    story.run("dvc init --quiet")
    story.run("dvc remote add --quiet --default storage ../store")
    for name in FILES:
        story.write(name, resource(f"templates/demo/{name}").read_text())
    _copy_data(story.here / "data" / "cells.csv")
    story.run("dvc add --quiet data/cells.csv")
    for line in STAGES:
        story.run(line)
    story.run("dvc repro --quiet")


def _copy_data(target: Path) -> None:
    """The Wisconsin breast cancer table (569 rows), which ships with scikit-learn."""
    from importlib.resources import files  # noqa: PLC0415

    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(files("sklearn.datasets.data").joinpath("breast_cancer.csv").read_bytes())


def _seal(story: Story) -> None:
    story.chapter("3. Turn arcgit on, describe the experiment, commit through the hook, seal")
    story.run("arcgit init --project cells")
    story.run("arcgit draft --experiment baseline")
    manifest = story.here / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace('purpose: ""', "purpose: Baseline on the plain table.", 1))
    story.run("cat arcgit.yaml")
    story.run("git add --all")
    story.run("git commit --quiet --message 'Baseline'")
    story.run("git push --quiet origin main")
    story.run("arcgit record")
    story.run("arcgit show baseline")


def _audit(story: Story) -> None:
    story.chapter("4. Somebody else, with nothing but a clone and the key's fingerprint")
    fingerprint = next(
        row.split(":")[9]
        for row in story.quietly("gpg", "--list-keys", "--with-colons").splitlines()
        if row[:3] == "fpr"
    )
    story.here = story.folder
    story.run("git clone --quiet hub.git clone")
    story.here = story.folder / "clone"
    # The auditor is another person: no pin yet, and no key of ours.
    story.environment = {
        **story.environment,
        "XDG_STATE_HOME": f"{story.environment['XDG_STATE_HOME']}-auditor",
        "GNUPGHOME": f"{story.environment['GNUPGHOME']}-auditor",
    }
    story.run(f"arcgit sync --trust-root {fingerprint}")
    story.run("arcgit verify --level fixity")


def _damage(story: Story) -> None:
    story.chapter("5. One bit of the model in the remote flips")
    lock = (story.here / "dvc.lock").read_text()
    md5 = re.search(r"path: model\.pkl\n\s+hash: md5\n\s+md5: ([0-9a-f]{32})", lock)
    if md5 is None:
        raise RefusedError("demo-failed", "dvc.lock does not name model.pkl", "arcgit demo --keep DIR")
    where = f"../store/files/md5/{md5[1][:2]}/{md5[1][2:]}"
    flip = "f = open('{}', 'r+b'); f.seek(100); old = f.read(1)[0]; f.seek(100); f.write(bytes([old ^ 1]))"
    story.run(f"chmod u+w {where}")
    story.run(f'python -c "{flip.format(where)}"')
    story.run(f"chmod u-w {where}")
    story.run("arcgit verify --level fixity", expect=1)


def _forget(story: Story) -> None:
    story.chapter("6. An incomplete manifest does not get into a commit")
    story.here = story.folder / "work"
    manifest = story.here / "arcgit.yaml"
    kept = [row for row in manifest.read_text().splitlines() if "role: metrics" not in row and "owner:" not in row]
    manifest.write_text("\n".join(kept) + "\n")
    story.run("git add arcgit.yaml")
    story.run("git commit --quiet --message 'Forget the owner and the metrics'", expect=1)
