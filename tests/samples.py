"""Small valid records, events and policies as JSON values, for tests and for whoever makes the vectors.

Nothing here is signed and no tool is run. Each function takes what shall be otherwise as keywords.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from arcgit.model import canonical, record
from arcgit.model.names import RecordName

ARCHIVE = "0b5a5e8e-6f6b-4b0a-9c2e-1d2f3a4b5c6d"
COMMIT = "1" * 40
TREE = "2" * 40
TIME = "2026-01-02T03:04:05Z"


def artifact(path: str, role: str = "model", /, **changes: Any) -> dict[str, Any]:
    """One file that DVC keeps."""
    fact = {"path": path, "role": role, "kind": "file", "size": 219, "sha256": "a" * 64}
    return {**fact, "dvc": {"md5": "b" * 32, "remote": "storage", "hash": "md5"}, **changes}


def folder(path: str, role: str = "dataset", /, **changes: Any) -> dict[str, Any]:
    """One directory that DVC keeps."""
    dvc = {"md5": f"{'c' * 32}.dir", "remote": "storage", "hash": "md5"}
    return artifact(path, role, **{"kind": "directory", "files": 3, "sha256": "d" * 64, "dvc": dvc, **changes})


def in_git(path: str, role: str = "code", /, **changes: Any) -> dict[str, Any]:
    """One file that git keeps."""
    fact = {**artifact(path, role, sha256="e" * 64), "git": "3" * 40, **changes}
    del fact["dvc"]
    return fact


ARTIFACTS: Mapping[str, dict[str, Any]] = {
    "model": artifact("model.pkl"),
    "train": folder("data/train", split="train"),
    "metrics": in_git("metrics.json", "metrics"),
}
LINEAGE: Mapping[str, Any] = {
    "sources": [{"path": "data/train", "md5": f"{'c' * 32}.dir", "size": 227, "files": 3}],
    "stages": [
        {
            "file": "dvc.yaml",
            "name": "train",
            "cmd": "python train.py",
            "deps": [{"path": "data/train", "md5": f"{'c' * 32}.dir", "size": 227, "files": 3}],
            "params": {"params.yaml": {"lr": 0.001}},
            "outs": [{"path": "model.pkl", "md5": "b" * 32, "size": 219}],
        }
    ],
}


def content(facts: Mapping[str, dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """What the run id is made of."""
    rows = [{key: fact[key] for key in ("path", "role", "sha256")} for fact in facts.values()]
    base: dict[str, Any] = {
        "artifacts": sorted(rows, key=lambda row: (row["path"], row["role"], row["sha256"])),
        "experiment": "baseline",
        "lineage": LINEAGE,
        "metrics": {"metrics.json": {"auc": 0.91}},
        "params": {"params.yaml": {"lr": 0.001}},
        "project": "churn",
    }
    return {**base, **changes}


def statement(
    artifacts: Mapping[str, dict[str, Any]] = ARTIFACTS,
    inside: Mapping[str, Any] | None = None,
    subject: list[dict[str, Any]] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """A record; `inside` changes its content, `changes` its predicate."""
    facts = copied(artifacts)
    inner = content(facts, **(inside or {}))
    named = next(iter(facts.values()), {"path": "none", "sha256": "0" * 64})
    predicate = {
        "schema": record.SCHEMA,
        "archive": ARCHIVE,
        "run_id": record.run_id(canonical.dumps(inner)),
        "content": inner,
        "artifacts": facts,
        "commit": {"oid": COMMIT, "tree": TREE},
        "manifest": {"path": "arcgit.yaml", "sha256": "f" * 64},
        "owner": "Ada Lovelace <ada@example.org>",
        "purpose": "Baseline.",
        "retention": "standard",
        "time": TIME,
        "environment": {},
        "known": {},
    }
    return {
        "_type": record.STATEMENT_TYPE,
        "predicateType": record.PREDICATE_TYPE,
        "subject": subject or [{"name": named["path"], "digest": {"sha256": named["sha256"]}}],
        "predicate": {**predicate, **changes},
    }


def event(kind: str, seq: int = 3, name: RecordName | None = None, **changes: Any) -> dict[str, Any]:
    """An event, about the record of that name if there is one."""
    subject = {"refname": name.refname, "oid": "4" * 40, "sha256": "5" * 64} if name else None
    base = {
        "schema": "arcgit/event/v1",
        "archive": ARCHIVE,
        "seq": seq,
        "type": kind,
        "actor": "ada",
        "time": TIME,
        "previous": "6" * 64 if seq > 1 else None,
        "subject": subject,
        "data": {},
    }
    return {**base, **changes}


def copied(value: Any) -> Any:
    """A deep copy of a JSON value."""
    return json.loads(json.dumps(value))
