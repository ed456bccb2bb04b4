"""Measure the model on the test rows."""

import csv
import json
import pickle
from pathlib import Path

from sklearn.metrics import accuracy_score, roc_auc_score

with Path("data/test/rows.csv").open(newline="") as file:
    rows = [[float(cell) for cell in row] for row in csv.reader(file)]
# The file was written by the stage before, on this machine: never unpickle what somebody else sent.
model = pickle.loads(Path("model.pkl").read_bytes())  # noqa: S301
inputs, truth = [row[:-1] for row in rows], [int(row[-1]) for row in rows]
metrics = {
    "accuracy": round(float(accuracy_score(truth, model.predict(inputs))), 4),
    "auc": round(float(roc_auc_score(truth, model.predict_proba(inputs)[:, 1])), 4),
}
Path("metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
print(metrics)
