"""matching.json: does a record describe what a rev has?"""

from __future__ import annotations

from typing import Any

from arcgit.model import canonical
from tests import samples
from tests.samples import copied, statement
from tests.vectors.make.cases import Case

DIGEST = canonical.sha256(canonical.dumps(samples.LINEAGE))
RECORDS = {
    "sealed": statement(),
    "lineage by digest": statement(inside={"lineage": {"sha256": DIGEST}}),
    "large number": statement(inside={"metrics": {"metrics.json": {"flops": 1.2345678901234568e20}}}),
    "truth": statement(inside={"params": {"params.yaml": {"shuffle": True}}}),
    "sealed twice": statement(owner="Eve", purpose="Again.", retention="short", time="2027-01-02T03:04:05Z"),
}
REV: dict[str, Any] = {
    "project": "churn",
    "experiment": "baseline",
    "artifacts": [
        {"path": "model.pkl", "role": "model", "dvc": "b" * 32, "hash": "md5"},
        {"path": "data/train", "role": "dataset", "dvc": f"{'c' * 32}.dir", "hash": "md5"},
        {"path": "metrics.json", "role": "metrics", "git": "3" * 40},
    ],
    "params": {"params.yaml": {"lr": 0.001}},
    "metrics": {"metrics.json": {"auc": 0.91}},
    "lineage": samples.LINEAGE,
}


def rows(place: int, **changes: str) -> list[dict[str, str]]:
    """The rev's artifacts, one of them otherwise."""
    made: list[dict[str, str]] = copied(REV["artifacts"])
    made[place] |= changes
    return made


def lineage(**changes: Any) -> dict[str, Any]:
    """The rev's lineage, its stage otherwise."""
    made: dict[str, Any] = copied(samples.LINEAGE)
    made["stages"][0] |= changes
    return made


MATCHES: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("the experiment's own commit", "Everything is the same.", "sealed", {}),
    ("artifacts in another order", "Their order and names do not count.", "sealed", {"artifacts": REV["artifacts"][::-1]}),
    ("another owner, purpose, class and time", "They are outside.", "sealed twice", {}),
    ("metrics that the rev does not show", "Metrics that DVC keeps are not in the rev; the artifact's hash stands for them.", "sealed", {"metrics": {}}),
    ("the lineage by its digest", "The digest of the rev's lineage is compared.", "lineage by digest", {}),
    ("a truth value", "true is true.", "truth", {"params": {"params.yaml": {"shuffle": True}}}),
    ("a large double", "Numbers are compared as doubles.", "large number", {"metrics": {"metrics.json": {"flops": 1.2345678901234568e20}}}),
)  # fmt: skip
DIFFERS: tuple[tuple[str, str, str, str, Any], ...] = (
    ("another project", "The project counts.", "sealed", "project", "sales"),
    ("another experiment", "The experiment counts.", "sealed", "experiment", "wide"),
    ("other data", "DVC's hash counts.", "sealed", "artifacts", rows(1, dvc=f"{'0' * 32}.dir")),
    ("another hash of the same digits", "The name of the hash counts.", "sealed", "artifacts", rows(0, hash="etag")),
    ("other content in git", "Git's oid counts.", "sealed", "artifacts", rows(2, git="4" * 40)),
    ("another path", "The path counts.", "sealed", "artifacts", rows(0, path="model.bin")),
    ("another role", "The role counts.", "sealed", "artifacts", rows(2, role="report")),
    ("one artifact less", "All of them count.", "sealed", "artifacts", REV["artifacts"][:2]),
    ("one artifact more", "All of them count.", "sealed", "artifacts", [*REV["artifacts"], {"path": "r", "role": "report", "git": "5" * 40}]),
    ("an artifact that nothing tracks", "What nobody keeps has no hash.", "sealed", "artifacts", [*REV["artifacts"][:2], {"path": "metrics.json", "role": "metrics"}]),
    ("another parameter", "Every value counts.", "sealed", "params", {"params.yaml": {"lr": 0.002}}),
    ("a parameter that is a text", "A text is no number.", "sealed", "params", {"params.yaml": {"lr": "0.001"}}),
    ("a number for a truth value", "1 is not true.", "truth", "params", {"params.yaml": {"shuffle": 1}}),
    ("one parameter more", "Every value counts.", "sealed", "params", {"params.yaml": {"lr": 0.001, "epochs": 3}}),
    ("another params file", "The file counts.", "sealed", "params", {"other.yaml": {"lr": 0.001}}),
    ("no parameters", "Every value counts.", "sealed", "params", {}),
    ("another metric", "Where the rev shows a metrics file, it counts.", "sealed", "metrics", {"metrics.json": {"auc": 0.92}}),
    ("a metric more", "Where the rev shows a metrics file, the whole of it counts.", "sealed", "metrics", {"metrics.json": {"auc": 0.91, "f1": 0.5}}),
    ("a metrics file that the record has not", "The rev shows more than was sealed.", "sealed", "metrics", {"metrics.json": {"auc": 0.91}, "more.json": {}}),
    ("another command", "The lineage counts.", "sealed", "lineage", lineage(cmd="python -O train.py")),
    ("another parameter of a stage", "The lineage counts.", "sealed", "lineage", lineage(params={})),
    ("no lineage", "The lineage counts.", "sealed", "lineage", {"sources": [], "stages": []}),
    ("another lineage, by its digest", "The digest of the rev's lineage is compared.", "lineage by digest", "lineage", lineage(name="fit")),
    ("the digest in place of the lineage", "The rev has the lineage itself.", "lineage by digest", "lineage", {"sha256": "0" * 64}),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases: list[Case] = [
        {"name": name, "why": why, "record": sealed, "rev": {**REV, **changes}, "matches": True}
        for name, why, sealed, changes in MATCHES
    ]
    for name, why, sealed, field, value in DIFFERS:
        row = {"name": name, "why": why, "record": sealed, "rev": {**REV, field: value}, "matches": False}
        same = {"params.yaml": {"shuffle": True}} if sealed == "truth" else REV[field]
        cases.append({**row, "differs": field, "same": same})
    about = (
        "rev: what a manifest and DVC's files at a rev say, artifacts with git's blob or tree oid or DVC's hash, metrics by"
        " file where git has the file; differs: the field that alone is otherwise, same: what it would be to match."
    )
    records = {name: canonical.dumps(value).decode() for name, value in RECORDS.items()}
    return {"about": about, "records": records, "cases": cases}
