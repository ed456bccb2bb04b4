"""The manifest, `arcgit.yaml`: what an experiment is and what must be kept.

`parse` is lenient about what a person has yet to fill in (completeness is a rule, not a matter of form) and strict
about everything else. It reports every fault of form at once, each with its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from arcgit.model import names, paths, yaml
from arcgit.model.finding import Finding, error, unknown

SCHEMA = "arcgit/manifest/v1"
FILE_NAME = "arcgit.yaml"
MAX_MANIFEST_BYTES = 1024 * 1024
MAX_ARTIFACTS = 1000

Role = Literal["model", "dataset", "code", "config", "metrics", "environment", "report", "other"]


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that must be kept. `path` is relative to the manifest's folder."""

    role: Role
    path: str
    split: str | None = None
    version: str | None = None
    description: str | None = None


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The parsed manifest. Fields that a person must still fill in are None or empty."""

    schema: str
    project: str
    experiment: str
    purpose: str | None = None
    owner: str | None = None
    retention: str | None = None
    params: list[str] = []
    artifacts: dict[str, Artifact] = {}
    extensions: dict[str, Any] = {}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a complete manifest, for editors. `templates/schemas/` ships it."""
    schema = msgspec.json.schema(Manifest)
    body = schema["$defs"]["Manifest"]
    artifact = schema["$defs"]["Artifact"]
    slug = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$"}
    body["properties"] |= {
        "schema": {"const": SCHEMA},
        "project": {**slug, "description": "Name of the project in record names."},
        "experiment": {**slug, "description": "Name of the experiment in record names."},
        "purpose": {"type": "string", "minLength": 1, "description": "Why this experiment is run, in one sentence."},
        "owner": {"type": "string", "minLength": 1, "description": "Who answers for it; stays in the record for ever."},
        "retention": {**slug, "description": "A retention class of the archive's policy."},
    }
    body["properties"]["params"]["description"] = "Files with the hyperparameters, relative to this file."
    body["properties"]["artifacts"] |= {"propertyNames": {"pattern": slug["pattern"]}, "minProperties": 1}
    body["required"] = ["schema", "project", "experiment", "purpose", "owner", "retention", "artifacts"]
    artifact["properties"]["path"]["description"] = "Relative to this file; what DVC or git tracks."
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "arcgit manifest, version 1",
        **body,
        "$defs": {"Artifact": artifact},
    }


def parse(data: bytes, path: str) -> tuple[Manifest | None, list[Finding]]:
    """The manifest in `data` and the faults of its form; None where there is no telling what it means."""
    try:
        document = yaml.load(data, max_bytes=MAX_MANIFEST_BYTES)
    except yaml.YamlError as fault:
        place = f"{path}:{fault.line}" if fault.line else path
        hint = "write plain YAML 1.2: one document, no tags, anchors, aliases or repeated keys"
        return None, [error("yaml-unsafe", place, f"it cannot be read safely: {fault.reason}", hint=hint)]
    reader = _Reader(path, document.lines)
    if not isinstance(document.value, dict):
        return None, [reader.invalid((), "it is not a mapping")]
    schema = document.value.get("schema")
    if isinstance(schema, str) and schema != SCHEMA and schema.startswith("arcgit/manifest/"):
        hint = "use a version of arcgit that knows this schema"
        newer = unknown("manifest-invalid", path, "unknown schema version", expected=SCHEMA, found=schema, hint=hint)
        return None, [newer]
    return reader.manifest(document.value)


class _Reader:
    """Collects the faults of one document."""

    def __init__(self, path: str, lines: Mapping[tuple[str | int, ...], int]) -> None:
        self.path = path
        self.lines = lines
        self.faults: list[Finding] = []

    def place(self, key: tuple[str | int, ...]) -> str:
        line = next((self.lines[key[:n]] for n in range(len(key), -1, -1) if key[:n] in self.lines), None)
        return f"{self.path}:{line}" if line else self.path

    def invalid(self, key: tuple[str | int, ...], message: str, code: str = "manifest-invalid") -> Finding:
        hint = "see docs/formats/manifest.md, or run `arcgit draft` to write a valid one"
        return error(code, self.place(key), message, hint=hint)

    def manifest(self, raw: dict[str, Any]) -> tuple[Manifest | None, list[Finding]]:
        fields = {field.name: field for field in msgspec.structs.fields(Manifest)}
        for name in raw.keys() - fields.keys():
            self.faults.append(self.invalid((name,), f"unknown field `{name}`"))
        values: dict[str, Any] = {}
        for name, field in fields.items():
            if name in raw and name != "artifacts" and not self._blank(name, raw[name]):
                values[name] = self._convert((name,), raw[name], field.type)
        values["artifacts"] = self._artifacts(raw.get("artifacts"))
        for name in ("schema", "project", "experiment"):
            if name not in values:
                self.faults.append(self.invalid((), f"`{name}` is missing"))
        if self.faults:
            return None, self.faults
        manifest = Manifest(**values)
        self._check(manifest)
        return (None if self.faults else manifest), self.faults

    @staticmethod
    def _blank(name: str, value: object) -> bool:
        """A key with nothing behind it is a field still to be filled in."""
        return value is None and name in {"purpose", "owner", "retention", "params", "extensions"}

    def _convert(self, key: tuple[str | int, ...], value: object, kind: Any) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as fault:
            self.faults.append(self.invalid(key, f"`{'.'.join(map(str, key))}`: {fault}"))
            return None

    def _artifacts(self, raw: object) -> dict[str, Artifact]:
        if raw is None:
            return {}
        if not isinstance(raw, dict):
            self.faults.append(self.invalid(("artifacts",), "`artifacts` is not a mapping of names"))
            return {}
        if len(raw) > MAX_ARTIFACTS:
            self.faults.append(self.invalid(("artifacts",), f"more than {MAX_ARTIFACTS} artifacts"))
            return {}
        for name in raw:
            if not isinstance(name, str) or not names.is_slug(name):
                self.faults.append(self.invalid(("artifacts", name), f"`{name}` is not a valid artifact name"))
        return {str(name): self._convert(("artifacts", name), value, Artifact) for name, value in raw.items()}

    def _check(self, manifest: Manifest) -> None:
        if manifest.schema != SCHEMA:
            self.faults.append(self.invalid(("schema",), f"the schema must be {SCHEMA}"))
        for field in ("project", "experiment"):
            if not names.is_slug(getattr(manifest, field)):
                message = f"`{field}` must match [a-z0-9][a-z0-9_-]{{0,62}}"
                self.faults.append(self.invalid((field,), message))
        located: list[tuple[tuple[str | int, ...], str]] = [
            *((("artifacts", name, "path"), artifact.path) for name, artifact in manifest.artifacts.items()),
            *((("params", place), path) for place, path in enumerate(manifest.params)),
        ]
        for key, path in located:
            if reason := paths.unsafe_reason(path):
                self.faults.append(self.invalid(key, f"the path is unsafe: {reason}", "path-unsafe"))
        by_path = {artifact.path: name for name, artifact in manifest.artifacts.items()}
        if len(by_path) < len(manifest.artifacts):
            self.faults.append(self.invalid(("artifacts",), "two artifacts have the same path"))
        for first, second in paths.twins(by_path):
            message = f"some file systems take `{first}` and `{second}` for one file"
            self.faults.append(self.invalid(("artifacts", by_path[second], "path"), message, "path-unsafe"))
