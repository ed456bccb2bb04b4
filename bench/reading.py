"""Reading many records: beside git itself, GTO and MLflow at the same number of things."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench.child import spent
from bench.place import PYTHON, NotHereError, Pair, Place, run

LIST = ("list",)
SEARCH = ("search", "metrics.auc>0.9")
CONTENTS = ("git", "for-each-ref", "--format=%(refname) %(objectname) %(contents)", "refs/tags/exp")
GTO = (PYTHON, "-m", "gto.cli", "show")
ARTIFACTS = 10
MLFLOW_LOG = """\
import sys
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
client = MlflowClient()
experiment = client.create_experiment("bench")
for number in range(int(sys.argv[1])):
    run = client.create_run(experiment)
    params = [Param(f"p{i}", str(number * i)) for i in range(8)]
    metrics = [Metric("auc", number % 100 / 100, 0, 0), Metric("loss", 1.0, 0, 0)]
    client.log_batch(run.info.run_id, metrics, params)
    client.set_terminated(run.info.run_id)
"""
MLFLOW_SEARCH = """\
import sys
from mlflow import MlflowClient
client = MlflowClient()
experiment = client.get_experiment_by_name("bench").experiment_id
token = None
while True:
    page = client.search_runs([experiment], sys.argv[1], max_results=1000, page_token=token)
    token = page.token
    if not token:
        break
"""


def listing(place: Place) -> Pair:
    mine = place.archive(place.sizes.records)
    return Pair(lambda: mine.cold(*LIST), lambda: spent(CONTENTS, mine.work))


def listing_again(place: Place) -> Pair:
    mine = place.archive(place.sizes.records)
    mine.warm(*LIST)
    return Pair(lambda: mine.warm(*LIST), lambda: spent(CONTENTS, mine.work))


def search(place: Place) -> Pair:
    mine = place.archive(place.sizes.records)
    return Pair(lambda: mine.cold(*SEARCH), lambda: spent(CONTENTS, mine.work))


def list_gto(place: Place) -> Pair:
    mine = place.archive(place.sizes.tags)
    theirs = place.once(f"gto-{place.sizes.tags}", lambda folder: _gto(folder, place.sizes.tags))
    return Pair(lambda: mine.cold(*LIST), lambda: spent(GTO, theirs))


def list_mlflow(place: Place) -> Pair:
    return _beside_mlflow(place, LIST, "")


def search_mlflow(place: Place) -> Pair:
    return _beside_mlflow(place, SEARCH, "metrics.auc > 0.9")


def _beside_mlflow(place: Place, command: tuple[str, ...], query: str) -> Pair:
    mine = place.archive(place.sizes.tags)
    theirs = place.once(f"mlflow-{place.sizes.tags}", lambda folder: _mlflow(place, folder))
    find = [*_mlflow_command(place, theirs), MLFLOW_SEARCH, query]
    note = "both with the start of their Python"
    return Pair(lambda: mine.cold(*command), lambda: spent(find, theirs), note=note)


def _gto(folder: Path, tags: int) -> None:
    """A repository of registered versions, ten artifacts in turn, each version on a commit of its own."""
    run(folder.parent, "git", "init", "--quiet", str(folder))
    person, lines = "Bench <bench@example.org>", []
    for number in range(tags):
        at = f"{1_700_000_000 + number} +0000"
        lines += [f"commit refs/heads/main\nmark :{number + 1}\ncommitter {person} {at}\ndata 1\nx"]
        name = f"model{number % ARTIFACTS}@v0.0.{number // ARTIFACTS + 1}"
        text = f"Registering artifact {name.replace('@', ' version ')}"
        lines += [f"tag {name}\nfrom :{number + 1}\ntagger {person} {at}\ndata {len(text)}\n{text}"]
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, check=True, input="\n".join(lines).encode() + b"\n")
    run(folder, "git", "reset", "--quiet", "--hard", "main")


def _mlflow(place: Place, folder: Path) -> None:
    """A tracking store with as many runs, in SQLite."""
    probe = subprocess.run([place.mlflow, "-c", "import mlflow, sqlalchemy"], check=False, capture_output=True)
    if probe.returncode:
        raise NotHereError("no MLflow: install it in an environment of its own and give --mlflow ITS_PYTHON")
    folder.mkdir()
    run(folder, *_mlflow_command(place, folder), MLFLOW_LOG, str(place.sizes.tags))


def _mlflow_command(place: Place, folder: Path) -> list[str]:
    store = f"MLFLOW_TRACKING_URI=sqlite:///{folder / 'runs.db'}"
    return ["env", store, "MLFLOW_DISABLE_TELEMETRY=true", place.mlflow, "-W", "ignore", "-c"]
