"""A small world for tests: a hub, a DVC store, a working clone, and people with real keys.

`build_template` makes one valid archive with real tools: three experiments by two signers (OpenPGP and SSH). Tests work
on copies of it, with paths that stay valid because every remote is relative.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import yaml

from arcgit.archive.policy import policyfile
from arcgit.cli.app import run
from arcgit.model import policy as policies
from arcgit.signing.keys import parse_public_key
from tests import reproduced, zygote

PIPELINE = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps: [data/raw.csv, src/prepare.py]
    outs: [data/train, data/test]
  train:
    cmd: python src/train.py
    deps: [data/train, src/train.py]
    params: [lr, epochs]
    outs: [model.pkl]
    metrics:
      - metrics.json: {cache: false}
"""
PREPARE = """\
import pathlib
rows = pathlib.Path("data/raw.csv").read_text().split()
for name, part in (("train", rows[:80]), ("test", rows[80:])):
    folder = pathlib.Path("data") / name
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(3):
        (folder / f"{i}.csv").write_text("\\n".join(part[i::3]))
"""
TRAIN = """\
import json, pathlib
params = pathlib.Path("params.yaml").read_text()
total = sum(int(x) for f in pathlib.Path("data/train").iterdir() for x in f.read_text().split())
pathlib.Path("model.pkl").write_text(params + str(total) * 50)
json.dump({"auc": 0.91, "rows": 80, "loss": len(params) / 1000}, open("metrics.json", "w"))
"""
MANIFEST = """\
schema: arcgit/manifest/v1
project: churn
experiment: {experiment}
purpose: Baseline before the call-centre features.
owner: Ada Lovelace <ada@example.org>
retention: standard
params: [params.yaml]
artifacts:
  model: {{role: model, path: model.pkl}}
  train: {{role: dataset, path: data/train, split: train}}
  test: {{role: dataset, path: data/test, split: test, version: "2026-05"}}
  train-code: {{role: code, path: src/train.py}}
  metrics: {{role: metrics, path: metrics.json}}
  environment: {{role: environment, path: requirements.txt}}
"""


@dataclass(frozen=True)
class Person:
    """Somebody with a git identity and a signing key."""

    name: str
    email: str
    format: str
    key: str

    def sign_as(self, clone: Path) -> None:
        """Make this person's identity the clone's own."""
        for key, value in (
            ("user.name", self.name),
            ("user.email", self.email),
            ("gpg.format", self.format),
            ("user.signingKey", self.key),
        ):
            git(clone, "config", key, value)

    def public(self) -> str:
        """The public key as text."""
        if self.format == "ssh":
            return Path(self.key).read_text()
        return sh(Path.home(), "gpg", "--batch", "--armor", "--export-options", "export-minimal", "--export", self.key)


def sh(cwd: Path, *arguments: str, code: int = 0, stdin: str | None = None, **env: str) -> str:
    """Standard output of a real command that must end with `code`."""
    done = subprocess.run(
        arguments, cwd=cwd, check=False, capture_output=True, text=True, input=stdin, env={**os.environ, **env}
    )
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def git(cwd: Path, *arguments: str, code: int = 0, stdin: str | None = None, **env: str) -> str:
    """Standard output of stock git."""
    return sh(cwd, "git", *arguments, code=code, stdin=stdin, **env).strip()


def dvc(cwd: Path, *arguments: str) -> str:
    """Standard output of the real DVC."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = zygote.command("dvc", *arguments, cwd=cwd, PATH=path)
    assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@dataclass
class World:
    """One copy of the archive and its surroundings."""

    root: Path
    state: Path

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def hub(self) -> Path:
        return self.root / "hub.git"

    @property
    def store(self) -> Path:
        return self.root / "store"

    def arcgit(self, *arguments: str, code: int = 0, cwd: Path | None = None) -> Any:
        """Run a command with --json in process and return its document."""
        return invoke(cwd or self.work, *arguments, code=code)

    def verify(self, *arguments: str, cwd: Path | None = None, code: int | None = None) -> list[str]:
        """The finding codes of `arcgit verify`, worst first; `code` is the expected exit code if given."""
        document = invoke(cwd or self.work, "verify", *arguments, code=code)
        self.last = document
        return [finding["code"] for finding in document["findings"]]

    def clone(self, name: str = "clone", *arguments: str) -> Path:
        """A fresh clone of the hub."""
        git(self.root, "clone", "--quiet", *arguments, "hub.git", name)
        return self.root / name

    def tag(self, experiment: str = "baseline") -> str:
        """The tag name of an experiment's record."""
        return git(
            self.work, "for-each-ref", "--format=%(refname:strip=2)", f"refs/tags/exp/churn/{experiment}"
        ).split()[0]

    def object_path(self, path: str) -> Path:
        """Where the DVC store keeps the object of one out of dvc.lock at HEAD."""
        lock = yaml.safe_load((self.work / "dvc.lock").read_text())
        outs = [out for stage in lock["stages"].values() for out in stage["outs"]]
        md5 = next(str(out["md5"]) for out in outs if out["path"] == path)
        return self.store / "files" / "md5" / md5[:2] / md5[2:]

    def loose(self, oid: str) -> Path:
        """The file of one git object in the working clone, out of whatever pack it was in."""
        objects = self.work / ".git" / "objects"
        for pack in objects.glob("pack/*.pack"):
            data = pack.read_bytes()
            for path in pack.parent.glob(f"{pack.stem}.*"):
                path.unlink()
            subprocess.run(["git", "unpack-objects", "-q"], cwd=self.work, input=data, check=True)
        return objects / oid[:2] / oid[2:]

    def commit(self, message: str = "change") -> None:
        """Commit everything, past the hook."""
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "--no-verify", "--allow-empty", "-m", message)


def invoke(cwd: Path, *arguments: str, code: int | None = 0) -> Any:
    """Run arcgit in process with --json; asserts the exit code and that stdout is one document."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        found = run(["-C", str(cwd), *arguments, "--json"])
    assert code is None or found == code, f"{arguments}: exit code {found}\n{out.getvalue()}"
    return json.loads(out.getvalue())


def build_template(root: Path, ada: Person, bob: Person) -> None:
    """Make the archive: Ada founds it with Bob in the policy, records two experiments, Bob records the third."""
    root.mkdir(parents=True)
    git(root, "init", "--quiet", "--bare", "hub.git")
    (root / "store").mkdir()
    git(root, "init", "--quiet", "work")
    work = root / "work"
    git(work, "remote", "add", "origin", "../hub.git")
    ada.sign_as(work)
    dvc(work, "init", "--quiet")
    dvc(work, "remote", "add", "--quiet", "--default", "storage", "../store")
    files = {
        "data/raw.csv": "\n".join(map(str, range(100))),
        "src/prepare.py": PREPARE,
        "src/train.py": TRAIN,
        "dvc.yaml": PIPELINE,
        "params.yaml": "lr: 1e-3\nepochs: 3\n",
        "requirements.txt": "pyyaml\n",
        "arcgit.yaml": MANIFEST.format(experiment="baseline"),
    }
    for name, text in files.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    dvc(work, "add", "--quiet", "data/raw.csv")
    dvc(work, "repro", "--quiet")
    propose(work, ada, bob)
    invoke(work, "init")
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "-m", "Baseline")
    git(work, "push", "--quiet", "origin", "main")
    invoke(work, "record")
    next_experiment(work, "wide", "lr: 1e-2\nepochs: 3\n")
    invoke(work, "record")
    bob.sign_as(work)
    next_experiment(work, "deep", "lr: 1e-3\nepochs: 9\n")
    invoke(work, "record")
    ada.sign_as(work)


def propose(work: Path, ada: Person, bob: Person) -> None:
    """Write a policy proposal with two people: Ada may do everything, Bob may record and review."""
    key = parse_public_key(ada.public())
    first = policyfile.first_policy(
        archive="0b5a5e8e-6f6b-4b0a-9c2e-1d2f3a4b5c6d",
        project="churn",
        name=ada.name,
        email=ada.email,
        key=key,
        remotes={},
    )
    other = parse_public_key(bob.public())
    person = policies.Person(
        name=bob.name,
        email=bob.email,
        roles=("recorder", "reviewer"),
        keys=(policies.Key(type=other.kind, fingerprint=other.fingerprint, public_key=other.text),),
    )
    policyfile.write(work, msgspec.structs.replace(first, people={**first.people, "bob": person}))


def next_experiment(work: Path, experiment: str, params: str) -> None:
    """Another experiment in the same manifest, run and committed."""
    (work / "arcgit.yaml").write_text(MANIFEST.format(experiment=experiment))
    (work / "params.yaml").write_text(params)
    reproduced.once(work, lambda: dvc(work, "repro", "--quiet"))
    git(work, "add", "--all")
    # The hook has judged the template's first commit, and tests of its own.
    git(work, "commit", "--quiet", "--no-verify", "-m", experiment)


def copy_world(template: Path, target: Path, state: Path) -> World:
    """A copy that a test may damage; the pin is copied with it."""
    shutil.copytree(template, target, symlinks=True)
    shutil.copytree(template.parent / "state", state)
    return World(target, state)
