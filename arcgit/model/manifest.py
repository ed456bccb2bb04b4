"""The manifest, `arcgit.yaml`: what an experiment is and what must be kept.

`parse` is lenient about what a person has yet to fill in (completeness is a rule, not a matter of form) and strict
about everything else. It reports every fault of form at once, each with its line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from arcgit.model import canonical, names, paths, yaml
from arcgit.model.finding import Finding, Place, error, unknown

SCHEMA = "arcgit/manifest/v1"
FILE_NAME = "arcgit.yaml"
MAX_MANIFEST_BYTES = 1024 * 1024
MAX_ARTIFACTS = 1000
MAX_WAIVERS = 100
PLACEHOLDERS = ("todo", "tbd", "fixme", "?", "-", "none", "n/a")
"""What a person writes, in any case of letters, where a field is yet to be filled in."""
_UNKNOWN_FIELD = re.compile("unknown field `(.+)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[([0-9]+)\]")

WAIVABLE = frozenset(
    {
        "dataset-version-missing",
        "environment-missing",
        "hyperparameters-missing",
        "lineage-broken",
        "lock-out-of-date",
        "metrics-missing",
        "model-missing",
        "purpose-missing",
        "secret-found",
        "split-missing",
        "split-overlap",
        "split-overlap-unchecked",
    }
)
"""An allow-list: a new code cannot be waived until somebody decides that it may be."""

Role = Literal["model", "dataset", "code", "config", "metrics", "environment", "report", "other"]


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that must be kept. `path` is relative to the manifest's folder."""

    role: Role
    path: str
    split: str | None = None
    version: str | None = None
    description: str | None = None


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A finding that a person answers for until a day. `subject` narrows it to an artifact, a path or a place."""

    code: str
    reason: str
    owner: str
    expires: date
    subject: str | None = None


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
    waivers: list[Waiver] = []
    extensions: dict[str, Any] = {}


class Parsed(msgspec.Struct, frozen=True):
    """A manifest (None where there is no telling what it means), the faults of its form, and the line of each key."""

    manifest: Manifest | None
    faults: list[Finding]
    lines: Mapping[yaml.Key, int]


def parse(data: bytes, path: str) -> tuple[Manifest | None, list[Finding]]:
    """The manifest in `data` and the faults of its form; None where there is no telling what it means."""
    found = read(data, path)
    return found.manifest, found.faults


def read(data: bytes, path: str) -> Parsed:
    """As `parse`, with the line of each key."""
    try:
        document = yaml.load(data, max_bytes=MAX_MANIFEST_BYTES)
    except yaml.YamlError as fault:
        return Parsed(None, [unsafe(path, fault.reason, fault.line or 0)], {})
    reader = _Reader(path, document.lines)
    if not isinstance(document.value, dict):
        return Parsed(None, [reader.invalid((), "it is not a mapping")], document.lines)
    schema = document.value.get("schema")
    if isinstance(schema, str) and schema != SCHEMA and schema.startswith("arcgit/manifest/"):
        hint = "use a version of arcgit that knows this schema"
        place = reader.place(("schema",))
        message = "unknown schema version"
        newer = unknown("manifest-invalid", path, message, expected=SCHEMA, found=schema, hint=hint, place=place)
        return Parsed(None, [newer], document.lines)
    return Parsed(*reader.manifest(document.value), document.lines)


def unsafe(path: str, reason: str, line: int = 0) -> Finding:
    """The finding for a manifest that cannot be read safely."""
    place = Place(path, (), line)
    hint = "write plain YAML 1.2: one document, no tags, anchors, aliases or repeated keys"
    return error("yaml-unsafe", str(place), f"it cannot be read safely: {reason}", hint=hint, place=place)


def _located(fault: str) -> tuple[str, yaml.Key]:
    """The message without its path, and that path as a key."""
    reason, _, path = fault.partition(" - at `$")
    path = path.removesuffix("`")
    if match := _UNKNOWN_FIELD.search(reason):
        path += f".{match[1]}"
    return reason, tuple(int(n) if n else name for name, n in _STEP.findall(path))


class _Reader:
    """Collects the faults of one document."""

    def __init__(self, path: str, lines: Mapping[tuple[str | int, ...], int]) -> None:
        self.path = path
        self.lines = lines
        self.faults: list[Finding] = []

    def place(self, key: yaml.Key) -> Place:
        return Place(self.path, key, yaml.nearest(self.lines, key))

    def invalid(self, key: yaml.Key, message: str, code: str = "manifest-invalid") -> Finding:
        hint = "see docs/formats/manifest.md, or run `arcgit draft` to write a valid one"
        place = self.place(key)
        return error(code, str(place), message, hint=hint, place=place)

    def manifest(self, raw: dict[str, Any]) -> tuple[Manifest | None, list[Finding]]:
        fields = {field.name: field for field in msgspec.structs.fields(Manifest)}
        for name in raw.keys() - fields.keys():
            self.faults.append(self.invalid((str(name),), f"unknown field `{name}`"))
        values: dict[str, Any] = {}
        for name, field in fields.items():
            if name in raw and name not in {"artifacts", "waivers"} and not self._blank(name, raw[name]):
                values[name] = self._convert((name,), raw[name], field.type)
        values["artifacts"] = self._artifacts(raw.get("artifacts"))
        values["waivers"] = self._waivers(raw.get("waivers"))
        if values.get("extensions"):
            values["extensions"] = self._json(("extensions",), values["extensions"])
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

    def _json(self, key: yaml.Key, value: object) -> Any:
        """A free value as it will stand in the record."""
        try:
            return canonical.normalise(yaml.to_json_value(value))
        except ValueError as fault:
            self.faults.append(self.invalid(key, f"`{key[0]}` cannot be kept in a record: {fault}"))
            return {}

    def _waivers(self, raw: object) -> list[Waiver]:
        if raw is None:
            return []
        if not isinstance(raw, list) or len(raw) > MAX_WAIVERS:
            self.faults.append(self.invalid(("waivers",), f"`waivers` is not a list of at most {MAX_WAIVERS}"))
            return []
        found = []
        for number, value in enumerate(raw):
            if isinstance(value, dict) and isinstance(value.get("expires"), datetime):
                message = f"`waivers.{number}`: `expires` is a day, such as 2027-01-31, without a time"
                self.faults.append(self.invalid(("waivers", number, "expires"), message))
                continue
            waiver = self._convert(("waivers", number), value, Waiver)
            if waiver is not None and not (waiver.reason.strip() and waiver.owner.strip()):
                message = f"`waivers.{number}`: a waiver names its reason and its owner"
                self.faults.append(self.invalid(("waivers", number), message))
            found.append(waiver)
        return found

    def _convert(self, key: yaml.Key, value: object, kind: Any) -> Any:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as fault:
            reason, inner = _located(str(fault))
            whole = (*key, *inner)
            self.faults.append(self.invalid(whole, f"`{'.'.join(map(str, whole))}`: {reason}"))
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
                self.faults.append(self.invalid(("artifacts", str(name)), f"`{name}` is not a valid artifact name"))
        return {str(name): self._convert(("artifacts", name), value, Artifact) for name, value in raw.items()}

    def _check(self, manifest: Manifest) -> None:
        if manifest.schema != SCHEMA:
            self.faults.append(self.invalid(("schema",), f"the schema must be {SCHEMA}"))
        for field in ("project", "experiment"):
            if not names.is_slug(getattr(manifest, field)):
                message = f"`{field}` must match [a-z0-9][a-z0-9_-]{{0,62}}"
                self.faults.append(self.invalid((field,), message))
        located: list[tuple[yaml.Key, str]] = [
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
