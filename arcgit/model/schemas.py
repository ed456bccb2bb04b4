"""JSON Schemas for editors: what the YAML server completes and complains about in manifest and policy."""

from __future__ import annotations

from typing import Any

import msgspec

from arcgit.model.manifest import SCHEMA, Manifest


def manifest() -> dict[str, Any]:
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
