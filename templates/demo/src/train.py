"""Fit a logistic regression to the training rows."""

import csv
import pickle
from pathlib import Path

import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

params = yaml.safe_load(Path("params.yaml").read_text())["train"]
with Path("data/train/rows.csv").open(newline="") as file:
    rows = [[float(cell) for cell in row] for row in csv.reader(file)]
model = make_pipeline(StandardScaler(), LogisticRegression(C=params["c"], max_iter=params["max_iter"]))
model.fit([row[:-1] for row in rows], [int(row[-1]) for row in rows])
Path("model.pkl").write_bytes(pickle.dumps(model))
