"""What the commit hooks cost on a pipeline of ten stages: with news of an experiment, without, and through pre-commit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

STAGES = 10
MANIFEST = """\
schema: arcgit/manifest/v1
project: bench
experiment: ten-stages
purpose: A pipeline to measure.
owner: Bench <bench@example.org>
retention: standard
params: [params.yaml]
artifacts:
  model: {role: model, path: out9.txt}
  raw: {role: dataset, path: data/raw.csv}
  code: {role: code, path: src}
  metrics: {role: metrics, path: metrics.json}
  environment: {role: environment, path: requirements.txt}
"""
SCRIPT = """\
import json, pathlib, sys
source, out = map(pathlib.Path, sys.argv[1:])
out.write_text(source.read_text() + out.name)
json.dump({"auc": 0.9}, open("metrics.json", "w"))
"""

Row = tuple[float, str]
Ratio = Callable[[Sequence[str], Sequence[str], Path], float]


def run(cwd: Path, *command: str) -> None:
    subprocess.run(command, cwd=cwd, check=True, stdout=subprocess.DEVNULL)


def pipeline(work: Path) -> None:
    """A DVC repository with ten stages in a row, run and committed."""
    dvc = [sys.executable, "-m", "dvc"]
    work.mkdir()
    run(work, "git", "init", "--quiet")
    run(work, *dvc, "init", "--quiet")
    source, stages = "data/raw.csv", {}
    files = {"data/raw.csv": "1\n" * 50, "requirements.txt": "pyyaml\n", "arcgit.yaml": MANIFEST}
    for number in range(STAGES):
        script, out = f"src/stage{number}.py", f"out{number}.txt"
        files[script] = SCRIPT
        stages[f"stage{number}"] = {
            "cmd": f"{sys.executable} {script} {source} {out}",
            "deps": [source, script],
            "params": [f"stage{number}.lr", f"stage{number}.epochs"],
            "outs": [out],
        }
        source = out
    stages["stage9"]["metrics"] = [{"metrics.json": {"cache": False}}]
    files["dvc.yaml"] = json.dumps({"stages": stages}, indent=1)
    files["params.yaml"] = json.dumps({name: {"lr": 0.1, "epochs": 3} for name in stages})
    for name, text in files.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(text)
    run(work, *dvc, "add", "--quiet", "data/raw.csv")
    run(work, *dvc, "repro", "--quiet")
    run(work, sys.executable, "-m", "arcgit", "hooks", "install")
    run(work, "git", "add", "--all")
    run(
        work,
        "git",
        "-c",
        "user.name=Bench",
        "-c",
        "user.email=bench@example.org",
        "commit",
        "--quiet",
        "-m",
        "Pipeline",
    )


def framework(work: Path, name: str, entry: str) -> list[str]:
    """The command that runs one hook through pre-commit."""
    hook = {"id": name, "name": name, "entry": entry, "language": "system", "always_run": True, "pass_filenames": False}
    path = work.parent / f"{name}.yaml"
    path.write_text(json.dumps({"repos": [{"repo": "local", "hooks": [hook]}]}))
    return [sys.executable, "-m", "pre_commit", "run", "--config", str(path)]


def rows(folder: Path, ratio: Ratio) -> dict[str, Row]:
    """Each ratio with its target; `folder` is a place for the repository."""
    work = folder / "pipeline"
    pipeline(work)
    os.environ["PRE_COMMIT_HOME"] = str(folder / "pre-commit")
    hook = str(work / ".git" / "hooks" / "pre-commit")
    python = sys.executable
    anew = ["sh", "-c", 'rm -f .git/arcgit/passed; exec "$0"', hook]
    fast = framework(work, "arcgit", f"{python} -I -m arcgit.hook pre-commit")
    found: dict[str, Row] = {
        "hook, experiment checked / import yaml": (ratio(anew, [python, "-c", "import yaml"], work), "at most 2"),
        "dvc status / hook, experiment checked": (ratio([python, "-m", "dvc", "status"], anew, work), "at least 5"),
    }
    for _ in range(2):
        run(work, hook)
    (work / "notes.txt").write_text("Nothing of an experiment.\n")
    run(work, "git", "add", "notes.txt")
    found["hook, nothing of one / python -c pass"] = (ratio([hook], [python, "-c", "pass"], work), "at most 2")
    for _ in range(2):
        run(work, *fast)
    idle = {"python -c pass": f"{python} -c pass", "true": "true"}
    for name, entry in idle.items():
        command = framework(work, f"idle-{name.partition(' ')[0]}", entry)
        found[f"through pre-commit / {name}"] = (ratio(fast, command, work), "at most 1.2")
    return found
