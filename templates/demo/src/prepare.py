"""Split the table into training and test rows."""

import csv
from pathlib import Path

import yaml

params = yaml.safe_load(Path("params.yaml").read_text())["prepare"]
with Path("data/cells.csv").open(newline="") as file:
    _, *rows = csv.reader(file)
every = params["test_every"]
for name, part in (
    ("train", [row for number, row in enumerate(rows) if number % every]),
    ("test", [row for number, row in enumerate(rows) if number % every == 0]),
):
    folder = Path("data") / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows(part)
    print(f"{name}: {len(part)} rows")
