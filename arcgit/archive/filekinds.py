"""What file names tell: endings and words by which models, data, code, reports and environments are known."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

# Locked versions say more than a list of names, so they come first.
ENVIRONMENT = (
    "uv.lock",
    "poetry.lock",
    "pixi.lock",
    "pdm.lock",
    "Pipfile.lock",
    "pylock.toml",
    "pylock.*.toml",
    "conda-lock.yml",
    "conda-linux-64.lock",
    "requirements.lock",
    "requirements.txt",
    "requirements-*.txt",
    "requirements_*.txt",
    "environment.yml",
    "environment.yaml",
    "environment-*.yml",
    "conda.yml",
    "conda.yaml",
    "renv.lock",
    "Manifest.toml",
    "Pipfile",
    "pixi.toml",
    "pyproject.toml",
    "setup.py",
)
CONTAINER = ("Dockerfile", "Containerfile", "Dockerfile.*", "*.Dockerfile")
CODE = (
    ".py",
    ".r",
    ".R",
    ".Rmd",
    ".qmd",
    ".jl",
    ".sh",
    ".ipynb",
    ".scala",
    ".sql",
    ".cpp",
    ".c",
    ".rs",
    ".go",
    ".js",
    ".m",
)
CONFIG = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".conf")
METRICS = ("metrics.json", "metrics.yaml", "metrics.yml", "metrics.toml", "dvclive/metrics.json", "scores.json")
MODEL_ENDINGS = (
    ".pkl",
    ".pickle",
    ".joblib",
    ".onnx",
    ".pt",
    ".pth",
    ".ckpt",
    ".h5",
    ".hdf5",
    ".keras",
    ".safetensors",
    ".cbm",
    ".bst",
    ".gguf",
    ".pb",
    ".tflite",
    ".mlmodel",
    ".rds",
    ".pmml",
    ".ubj",
)
WEIGHTS = (".onnx", ".ckpt", ".keras", ".safetensors", ".gguf", ".tflite", ".mlmodel", ".pmml")
DATA_ENDINGS = (
    ".csv",
    ".tsv",
    ".parquet",
    ".feather",
    ".arrow",
    ".jsonl",
    ".ndjson",
    ".npy",
    ".npz",
    ".tfrecord",
    ".tfrecords",
    ".xml",
    ".zip",
    ".tar",
    ".gz",
    ".tgz",
    ".bz2",
    ".xz",
    ".zst",
    ".txt",
    ".db",
    ".sqlite",
    ".xlsx",
    ".avro",
    ".orc",
    ".lmdb",
    ".wav",
)
TABLES = (".csv", ".tsv", ".parquet", ".feather", ".arrow", ".jsonl", ".ndjson", ".xlsx", ".avro", ".orc")
LOG_ENDINGS = (".log", ".out", ".err")
REPORT_ENDINGS = (".html", ".md", ".pdf", ".png", ".svg", ".jpg", ".jpeg", ".gif")
MODEL = re.compile(
    r"(?i)(?:^|[/_. -])(?:models?|checkpoints?|ckpts?|weights|classifiers?|regressors?|estimators?|net|network|encoder)"
    r"(?:[/_. -]|$)"
)
DATA = re.compile(
    r"(?i)(?:^|/)(?:data|datasets?|raw|interim|processed|prepared|features?|external|corpus|images)(?:[/_.-]|$)"
)
LOG = re.compile(r"(?i)(?:^|/)logs?(?:/|$)")
REPORT = re.compile(r"(?i)(?:^|/)(?:plots?|figures?|reports?)(?:[/_.-]|$)")
TRAINS = re.compile(r"(?i)(?:^|[_@.-])(?:train|fit|finetune|fine-tune|training|learn|build-model)(?:[_@.-]|$)")
_VALUES = (".json", ".yaml", ".yml", ".toml")
_SPLITS = re.compile(r"(?i)(?:^|[/_. -])(train|training|test|testing|val|valid|validation|dev|holdout)(?:[/_. -]|$)")
_SPLIT_NAMES = {"training": "train", "testing": "test", "val": "validation", "valid": "validation", "dev": "validation"}


def split_of(path: str) -> str | None:
    """The split that a path is named after: `train`, `test`, `validation` or `holdout`."""
    matches = _SPLITS.findall(path)
    word = matches[-1].lower() if matches else None
    return _SPLIT_NAMES.get(word, word) if word else None


def metrics_in(paths: Iterable[str], known: Collection[str]) -> list[str]:
    """The metrics files among the files of a folder: those that are `known` as such, else those named like some."""
    listed = [path for path in paths if path.endswith(_VALUES)]
    said = [path for path in listed if path in known]
    return said or [path for path in listed if path.rpartition("/")[2] in METRICS]
