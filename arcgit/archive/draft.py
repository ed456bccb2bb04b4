"""`arcgit draft`: write or refresh `arcgit.yaml` from what DVC and git know, and keep what a person wrote.

Only what a person must decide is left to fill in. The file is refreshed by appending what is new under `artifacts` and
`params`; lines that are there already are never touched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from arcgit.archive.context import Context
from arcgit.archive.experiment import Reader
from arcgit.dvc.files import DEFAULT_PARAMS
from arcgit.errors import RefusedError, UsageError
from arcgit.git import snapshot
from arcgit.model import manifest, yaml
from arcgit.model.manifest import FILE_NAME, SCHEMA, Manifest
from arcgit.model.names import is_slug, slugify
from arcgit.resources import resource

SCHEMA_FILE = ".arcgit/manifest-v1.schema.json"
_ENVIRONMENT = (
    "requirements.txt", "pylock.toml", "uv.lock", "poetry.lock", "pixi.lock", "environment.yml", "environment.yaml",
    "conda.yml", "conda.yaml", "Pipfile.lock", "requirements.lock", "Dockerfile",
)  # fmt: skip
_CODE = (".py", ".r", ".R", ".jl", ".sh", ".ipynb", ".scala", ".sql")
_MODEL = re.compile(r"(?i)(?:^|[/_.-])(?:model|models|checkpoint|weights|classifier|estimator|net)(?:[/_.-]|$)")
_MODEL_ENDINGS = (
    ".pkl", ".joblib", ".onnx", ".pt", ".pth", ".ckpt", ".h5", ".hdf5", ".keras", ".safetensors", ".cbm", ".bst", ".gguf",
)  # fmt: skip
_SPLITS = re.compile(r"(?i)(?:^|[/_.-])(train|training|test|testing|val|valid|validation|dev|holdout)(?:[/_.-]|$)")
_SPLIT_NAMES = {"training": "train", "testing": "test", "val": "validation", "valid": "validation", "dev": "validation"}


@dataclass(frozen=True)
class Suggestion:
    """One artifact that the repository seems to have."""

    role: str
    path: str
    split: str | None = None
    version: str | None = None

    @property
    def name(self) -> str:
        stem = self.path.rpartition("/")[2].partition(".")[0] or self.path.strip(".").partition("/")[0]
        if self.role == "code":
            return slugify(f"{stem}-code")
        if self.role in {"metrics", "environment"}:
            return slugify(stem if self.role == "metrics" else "environment")
        return slugify(self.split or stem)

    def line(self, name: str) -> str:
        parts = [f"role: {self.role}", f"path: {_plain(self.path)}"]
        parts += [f"split: {self.split}"] if self.split else []
        parts += [f"version: {_plain(self.version)}"] if self.version else []
        return f"  {name}: {{{', '.join(parts)}}}"


@dataclass
class DraftResult:
    """What was written. `outcome` is `created`, `refreshed` or `unchanged`; `open` lists what is left to a person."""

    path: str
    outcome: str
    added: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)


def draft(context: Context, *, experiment: str | None, project: str | None, folder: str = "") -> DraftResult:
    """Write or refresh the manifest in `folder` (repository-relative, empty for the root). Raises ArcgitError."""
    if experiment is not None and not is_slug(experiment):
        hint = f"for example: --experiment {slugify(experiment)}"
        raise UsageError("experiment-name", f"`{experiment}` does not match [a-z0-9][a-z0-9_-]{{0,62}}", hint)
    path = f"{folder}/{FILE_NAME}" if folder else FILE_NAME
    target = context.root / path
    with snapshot.of_worktree(context.root) as files:
        reader = Reader(files)
        if reader.faults:
            raise RefusedError("yaml-unsafe", f"{reader.faults[0].subject}: {reader.faults[0].message}")
        suggestions, params = suggest(reader, folder)
    if target.exists():
        return _refresh(target, path, suggestions, params, experiment)
    name, email = context.settings.get("user.name"), context.settings.get("user.email")
    text = render(
        project=project or slugify(context.root.name),
        experiment=experiment or slugify((folder or "baseline").rpartition("/")[2]),
        owner=f"{name} <{email}>" if name and email else "",
        suggestions=suggestions,
        params=params,
        folder=f"{folder}/" if folder else "",
    )
    target.write_text(text)
    schema = context.root / SCHEMA_FILE
    if not schema.exists():
        schema.parent.mkdir(exist_ok=True)
        schema.write_bytes(resource("templates/schemas/manifest-v1.schema.json").read_bytes())
    return DraftResult(path, "created", [item.path for item in suggestions], ["purpose", "owner", "retention"])


def suggest(reader: Reader, folder: str) -> tuple[list[Suggestion], list[str]]:
    """Artifacts and params files that the files below `folder` speak of, in a stable order."""
    prefix = f"{folder}/" if folder else ""
    found: dict[str, Suggestion] = {}

    def add(role: str, path: str, version: str | None = None) -> None:
        if path.startswith(prefix) and path not in found:
            split = _split(path) if role == "dataset" else None
            found[path] = Suggestion(role, path[len(prefix) :], split, version)

    metrics = {name for pipeline in reader.pipelines for name in pipeline.metrics}
    metrics |= {name for stage in reader.stages.values() for name in stage.metrics}
    for pipeline in reader.pipelines:
        for artifact in pipeline.artifacts.values():
            kind = str(artifact.get("type") or "")
            version = artifact.get("version")
            add("dataset" if kind == "dataset" else "model", str(artifact["path"]), str(version) if version else None)
    for path, out in sorted(reader.outs.items()):
        if path in metrics or not out.cached or out.outside:
            continue
        add("model" if _looks_like_model(path) else "dataset", path)
    params: dict[str, None] = {}
    for stage in reader.stages.values():
        for dep in stage.deps:
            if dep.endswith(_CODE) and dep in reader.snapshot:
                add("code", dep)
        params |= dict.fromkeys(name for name in stage.params if name in reader.snapshot)
    for pipeline in reader.pipelines:
        params |= dict.fromkeys(name for name in pipeline.params if name in reader.snapshot)
    if not params and f"{prefix}{DEFAULT_PARAMS}" in reader.snapshot:
        params[f"{prefix}{DEFAULT_PARAMS}"] = None
    for path in sorted(metrics) or [
        p for p in (f"{prefix}metrics.json", f"{prefix}metrics.yaml") if p in reader.snapshot
    ]:
        add("metrics", path)
    for name in _ENVIRONMENT:
        if prefix + name in reader.snapshot:
            add("environment", prefix + name)
            break
    order = ["model", "dataset", "code", "metrics", "environment"]
    ranked = sorted(found.values(), key=lambda item: order.index(item.role))
    return ranked, [name[len(prefix) :] for name in params if name.startswith(prefix)]


def _looks_like_model(path: str) -> bool:
    return path.endswith(_MODEL_ENDINGS) or _MODEL.search(path) is not None


def _split(path: str) -> str | None:
    matches = _SPLITS.findall(path)
    word = matches[-1].lower() if matches else None
    return _SPLIT_NAMES.get(word, word) if word else None


def render(
    *, project: str, experiment: str, owner: str, suggestions: list[Suggestion], params: list[str], folder: str = ""
) -> str:
    """The text of a new manifest. `folder` has a final slash, or is empty for the root."""
    lines = [
        f"# yaml-language-server: $schema={'../' * folder.count('/')}{SCHEMA_FILE}",
        f"schema: {SCHEMA}",
        f"project: {project}",
        f"experiment: {experiment}",
        'purpose: ""  # why this experiment is run, in one sentence',
        f"owner: {_plain(owner)}  # stays in the record for ever: a pseudonym or a role address will do",
        "retention: standard  # a class of the policy: arcgit policy show",
        f"params: [{', '.join(map(_plain, params))}]",
        "artifacts:",
        *named_lines(suggestions, set()),
    ]
    return "\n".join(lines if suggestions else [*lines[:-1], "artifacts: {}"]) + "\n"


def named_lines(suggestions: list[Suggestion], taken: set[str]) -> list[str]:
    """One line an artifact, with names that are not taken yet."""
    lines, used = [], set(taken)
    for item in suggestions:
        name = next(name for name in _names(item) if name not in used and _is_text(name))
        used.add(name)
        lines.append(item.line(name))
    return lines


def _is_text(name: str) -> bool:
    """False for a name that YAML would take for a number, a truth value or nothing."""
    return isinstance(yaml.load(name.encode()).value, str)


def _names(item: Suggestion) -> list[str]:
    whole = slugify(item.path.replace("/", "-").replace(".", "-"))
    return [item.name, whole, *(f"{item.name[:59]}-{number}" for number in range(2, 1000))]


def _plain(text: str) -> str:
    """A YAML scalar: plain where that is safe, else double-quoted."""
    if re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./ -]*(?: <[A-Za-z0-9_.+@-]+>)?", text) and not text.endswith(" "):
        try:
            if yaml.load(text.encode()).value == text and not text.endswith(":"):
                return text
        except yaml.YamlError:
            pass
    import json  # noqa: PLC0415

    return json.dumps(text, ensure_ascii=False)


def _refresh(
    target: Path, path: str, suggestions: list[Suggestion], params: list[str], experiment: str | None
) -> DraftResult:
    text = target.read_text()
    found, faults = manifest.parse(text.encode(), path)
    if found is None:
        raise RefusedError(faults[0].code, f"{faults[0].subject}: {faults[0].message}", faults[0].hint)
    if experiment is not None and experiment != found.experiment:
        message = f"{path} is the manifest of `{found.experiment}`"
        raise UsageError("experiment-name", message, "another experiment needs a folder of its own")
    known = {artifact.path for artifact in found.artifacts.values()}
    new = [item for item in suggestions if item.path not in known]
    result = DraftResult(path, "unchanged", [item.path for item in new], _open_fields(found))
    missing = [name for name in params if name not in found.params] if not found.params else []
    if new or missing:
        target.write_text(_with_params(_with_artifacts(text, new, set(found.artifacts)), missing))
        result.outcome = "refreshed"
    return result


def _open_fields(found: Manifest) -> list[str]:
    return [name for name in ("purpose", "owner", "retention") if not getattr(found, name)]


def _with_artifacts(text: str, new: list[Suggestion], taken: set[str]) -> str:
    if not new:
        return text
    lines = text.rstrip("\n").split("\n")
    start = next((n for n, line in enumerate(lines) if re.match(r"artifacts:\s*(\{\s*\})?\s*(#.*)?$", line)), None)
    if start is None:
        if any(line.startswith("artifacts:") for line in lines):
            message = "the artifacts are written in one line; arcgit adds to a list of lines only"
            raise RefusedError("manifest-invalid", message, "write `artifacts:` with one line for each artifact")
        return "\n".join([*lines, "artifacts:", *named_lines(new, taken)]) + "\n"
    lines[start] = re.sub(r"\{\s*\}", "", lines[start]).rstrip()
    end = start + 1
    while end < len(lines) and (lines[end].startswith((" ", "\t", "#")) or not lines[end].strip()):
        end += 1
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return "\n".join([*lines[:end], *named_lines(new, taken), *lines[end:]]) + "\n"


def _with_params(text: str, missing: list[str]) -> str:
    if not missing:
        return text
    value = f"params: [{', '.join(map(_plain, missing))}]"
    if re.search(r"(?m)^params:\s*(\[\s*\])?\s*(#.*)?$", text):
        return re.sub(r"(?m)^params:\s*(\[\s*\])?", value, text, count=1)
    return f"{text.rstrip()}\n{value}\n"
