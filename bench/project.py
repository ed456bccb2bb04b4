"""Projects to measure on: git, DVC, an archive, a hub and a store beside them, all real and all new."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.place import ARCGIT, DVC, PYTHON, Place, run

STAGES = 10
SPARSE_FROM = 1 << 30
"""Bytes of a file that are random; the rest is a hole, which is hashed and copied like any other bytes."""
MANIFEST = """\
schema: arcgit/manifest/v1
project: bench
experiment: {experiment}
purpose: Something to measure.
owner: Bench <bench@example.org>
retention: standard
params: [params.yaml]
artifacts:
  model: {{role: model, path: {model}}}
  data: {{role: dataset, path: {data}}}
  code: {{role: code, path: src}}
  metrics: {{role: metrics, path: metrics.json}}
  environment: {{role: environment, path: requirements.txt}}
"""
SCRIPT = """\
import json, pathlib, sys
source, out = map(pathlib.Path, sys.argv[1:])
out.write_text(source.read_text() + out.name)
json.dump({"auc": 0.9}, open("metrics.json", "w"))
"""


def pipeline(place: Place) -> Path:
    """A recorded project with ten stages in a row, run and committed."""
    return place.once("pipeline", lambda folder: _pipeline(place, folder)) / "work"


def data(place: Place, name: str, files: int, size: int) -> Path:
    """A recorded project whose dataset is that many files of that many bytes."""
    return place.once(name, lambda folder: _data(place, folder, files, size)) / "work"


def experiment(work: Path, name: str) -> None:
    """The same data under another experiment's name, committed and pushed: a new record is due, and no new data."""
    path = work / "arcgit.yaml"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f"experiment: {name}" if row.startswith("experiment:") else row for row in lines) + "\n")
    _commit(work, name)


def _pipeline(place: Place, folder: Path) -> None:
    source = "data/raw.csv"
    stages: dict[str, dict[str, Any]] = {}
    files = {"data/raw.csv": "1\n" * 50}
    for number in range(STAGES):
        script, out = f"src/stage{number}.py", f"out{number}.txt"
        files[script] = SCRIPT
        stages[f"stage{number}"] = {
            "cmd": f"{PYTHON} {script} {source} {out}",
            "deps": [source, script],
            "params": [f"stage{number}.lr", f"stage{number}.epochs"],
            "outs": [out],
        }
        source = out
    stages["stage9"]["metrics"] = [{"metrics.json": {"cache": False}}]
    files["dvc.yaml"] = json.dumps({"stages": stages}, indent=1)
    files["params.yaml"] = json.dumps({name: {"lr": 0.1, "epochs": 3} for name in stages})
    files["arcgit.yaml"] = MANIFEST.format(experiment="ten-stages", model=source, data="data/raw.csv")
    work = _begin(place, folder, files)
    run(work, *DVC, "add", "--quiet", "data/raw.csv")
    run(work, *DVC, "repro", "--quiet")
    _seal(work)


def _data(place: Place, folder: Path, files: int, size: int) -> None:
    texts = {
        "src/train.py": "pass\n",
        "params.yaml": "lr: 0.1\n",
        "metrics.json": '{"auc": 0.9}\n',
        "model.bin": "model",
        "arcgit.yaml": MANIFEST.format(experiment="first", model="model.bin", data="data"),
    }
    work = _begin(place, folder, texts)
    # Links instead of copies: the bytes lie once in the project and once in the store.
    run(work, *DVC, "config", "--quiet", "cache.type", "hardlink,copy")
    (work / "data").mkdir()
    chance = random.Random(files)  # noqa: S311  bytes to hash, no secret
    for number in range(files):
        with (work / "data" / f"{number:06}.bin").open("wb") as file:
            for start in range(0, min(size, SPARSE_FROM), 1 << 20):
                file.write(chance.randbytes(min(1 << 20, size - start)))
            file.truncate(size)
    run(work, *DVC, "add", "--quiet", "data", "model.bin")
    _seal(work)


def _begin(place: Place, folder: Path, files: Mapping[str, str]) -> Path:
    work = folder / "work"
    folder.mkdir()
    run(folder, "git", "init", "--quiet", "--bare", "hub.git")
    run(folder, "git", "init", "--quiet", "work")
    run(work, "git", "remote", "add", "origin", "../hub.git")
    place.person.sign_as(work)
    run(work, *DVC, "init", "--quiet")
    run(work, *DVC, "remote", "add", "--quiet", "--default", "storage", "../store")
    for name, text in {"requirements.txt": "pyyaml\n", **files}.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(text)
    return work


def _seal(work: Path) -> None:
    run(work, *ARCGIT, "init", "--project", "bench")
    _commit(work, "Begin")
    run(work, *ARCGIT, "record")


def _commit(work: Path, message: str) -> None:
    run(work, "git", "add", "--all")
    run(work, "git", "commit", "--quiet", "--no-verify", "-m", message)
    run(work, "git", "push", "--quiet", "origin", "HEAD")
