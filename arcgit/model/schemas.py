"""JSON Schemas for editors: what a YAML server completes and complains about in the manifest and the policy proposal.

Draft 07, which the YAML server of VS Code understands whole. They say as much of the form as a schema can; repeated
keys, twin paths and what the repository has are for `arcgit check`. `templates/schemas/` ships them.
"""

from __future__ import annotations

from typing import Any, get_args

from arcgit.model import manifest as manifests
from arcgit.model import policy as policies

DRAFT = "http://json-schema.org/draft-07/schema#"
SLUG = "^[a-z0-9][a-z0-9_-]{0,62}$"
_DEVICES = ("con", "prn", "aux", "nul", "com[0-9]", "lpt[0-9]")
_ROLES = {
    "model": "What was trained; DVC keeps it.",
    "dataset": "Data that it was trained or tested on; DVC keeps it. Name its split.",
    "code": "A script that makes it.",
    "config": "Configuration that is no parameter.",
    "metrics": "Results, as JSON, YAML or TOML.",
    "environment": "What installs the libraries, such as requirements.txt or a lock file.",
    "report": "Plots, tables, texts about the result.",
    "other": "Anything else that must be kept.",
}


def _any_case(word: str) -> str:
    """A pattern for a word in capitals or not; the expressions of editors have no flag for it."""
    return "".join(f"[{char}{char.upper()}]" if char.isalpha() else char for char in word)


def _literal(word: str) -> str:
    """A pattern for a placeholder; `re.escape` would escape `-`, which the expressions of editors refuse."""
    return _any_case(word).replace("?", r"\?")


PATH = (
    r"^(?![\s\S]*[\\:\u0000-\u001f\u007f-\u009f])"
    r"(?!.*(?:^|/)(?:\.{0,2})(?:/|$))"
    r"(?!.*[. ](?:/|$))"
    rf"(?!.*(?:^|/)(?:\.{_any_case('git')}|{_any_case('git')}~[0-9]+)[. ]*(?:/|$))"
    rf"(?!.*(?:^|/)(?:{'|'.join(map(_any_case, _DEVICES))})(?:\.[^/]*)?(?:/|$))"
)
FILLED_IN = rf"^(?!\s*(?:{'|'.join(map(_literal, (*manifests.PLACEHOLDERS, '')))})\s*$)"
DAY = "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$"
FINGERPRINT = "^(?:[0-9A-F]{40}|[0-9A-F]{64}|SHA256:[A-Za-z0-9+/]{43})$"
KEEP = "^(?:forever|P(?=[0-9])(?:[0-9]{1,3}Y)?(?:[0-9]{1,4}M)?(?:[0-9]{1,5}D)?)$"
NOT_BLANK = r"\S"
MESSAGES = {
    SLUG: "Lower-case letters, digits, - and _, at most 63 of them, beginning with a letter or digit.",
    PATH: "A path inside this repository, with / between its parts: not absolute, no .., no backslash, colon or .git.",
    FILLED_IN: "Still to be filled in.",
    NOT_BLANK: "Still to be filled in.",
    DAY: "A day, such as 2027-01-31.",
    FINGERPRINT: "A full fingerprint: 40 or 64 capital hex digits, or SHA256: and 43 characters.",
    KEEP: "A duration such as P10Y, P6M or P1Y6M, or forever.",
}


def manifest() -> dict[str, Any]:
    """The JSON Schema of a manifest with everything filled in that the first policy asks for."""
    return {
        "$schema": DRAFT,
        "title": "arcgit manifest, version 1",
        "description": "What this experiment is and what must be kept of it.",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema", "project", "experiment", "purpose", "owner", "retention", "artifacts"],
        "properties": {
            "schema": {"const": manifests.SCHEMA, "description": "The form of this file."},
            "project": _text("Name of the project in record names.", ["churn"], SLUG),
            "experiment": _text("Name of the experiment in record names.", ["baseline"], SLUG),
            "purpose": _text(
                "Why this experiment is run, in one sentence.", ["Baseline before the call-centre features."], FILLED_IN
            ),
            "owner": _text(
                "Who answers for it. It stays in the record for ever: a role address or a pseudonym will do.",
                ["Team Churn <churn@example.org>"],
                FILLED_IN,
            ),
            "retention": _text("A retention class of the archive's policy.", ["standard"], SLUG),
            "params": {
                "type": "array",
                "description": "Files with the hyperparameters (YAML, JSON or TOML, in git), relative to this file.",
                "items": {"type": "string", **_matching(PATH)},
                "examples": [["params.yaml"]],
            },
            "artifacts": _artifacts(),
            "waivers": _waivers(),
            "extensions": {"type": "object", "description": "Anything of your own that belongs into the record."},
        },
        "definitions": {"artifact": _artifact(), "waiver": _waiver()},
    }


def _text(description: str, examples: list[str], pattern: str) -> dict[str, Any]:
    return {"type": "string", "description": description, **_matching(pattern), "examples": examples}


def _matching(pattern: str) -> dict[str, str]:
    """A pattern with the words that the YAML server shows instead of it."""
    return {"pattern": pattern, "patternErrorMessage": MESSAGES[pattern]}


def _artifacts() -> dict[str, Any]:
    snippets = (
        ("model", {"model": {"role": "model", "path": "${1:model.pkl}"}}),
        ("dataset", {"${1:train}": {"role": "dataset", "path": "${2:data/train}", "split": "${1:train}"}}),
        ("metrics", {"metrics": {"role": "metrics", "path": "${1:metrics.json}"}}),
        ("environment", {"environment": {"role": "environment", "path": "${1:requirements.txt}"}}),
        ("code", {"${1:train-code}": {"role": "code", "path": "${2:src/train.py}"}}),
    )
    return {
        "type": "object",
        "description": "What must be kept, by a name of your own.",
        "minProperties": 1,
        "maxProperties": manifests.MAX_ARTIFACTS,
        "propertyNames": _matching(SLUG),
        "additionalProperties": {"$ref": "#/definitions/artifact"},
        "defaultSnippets": [
            {"label": label, "description": f"An artifact with the role {label}.", "body": body}
            for label, body in snippets
        ],
    }


def _artifact() -> dict[str, Any]:
    optional = {"type": ["string", "null"]}
    return {
        "type": "object",
        "description": "One thing that must be kept.",
        "additionalProperties": False,
        "required": ["role", "path"],
        "properties": {
            "role": {
                "enum": list(get_args(manifests.Role)),
                "enumDescriptions": [_ROLES[role] for role in get_args(manifests.Role)],
                "description": "What it is to the experiment.",
            },
            "path": _text("A file or folder that DVC or git tracks, relative to this file.", ["data/train"], PATH),
            "split": {
                **optional,
                "description": "Which split a dataset is.",
                "examples": ["train", "validation", "test"],
            },
            "version": {**optional, "description": "A label of your own, in quotes.", "examples": ["2026-05"]},
            "description": {**optional, "description": "A sentence about it."},
        },
    }


def _waivers() -> dict[str, Any]:
    body = {"code": "$1", "reason": "$2", "owner": "$3", "expires": "${4:2027-01-31}"}
    return {
        "type": ["array", "null"],
        "description": "Findings that somebody answers for until a day. They become warnings and are sealed.",
        "maxItems": manifests.MAX_WAIVERS,
        "items": {"$ref": "#/definitions/waiver"},
        "defaultSnippets": [{"label": "waiver", "description": "A finding that somebody answers for.", "body": [body]}],
    }


def _waiver() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "One finding, or all of one code.",
        "additionalProperties": False,
        "required": ["code", "reason", "owner", "expires"],
        "properties": {
            "code": {"enum": sorted(manifests.WAIVABLE), "description": "Code of the finding: arcgit explain CODE."},
            "reason": _text("Why it does not matter, or not yet.", ["The image is built elsewhere."], NOT_BLANK),
            "owner": _text("Who answers for it.", ["Ada Lovelace <ada@example.org>"], NOT_BLANK),
            "expires": _text("The last day on which it counts, at most a year ahead.", ["2027-01-31"], DAY),
            "subject": {
                "type": ["string", "null"],
                "description": "An artifact, a path or a place as the finding names it; for secret-found the exact place.",
                "examples": ["test", "params.yaml: db.password"],
            },
        },
        "if": {"properties": {"code": {"const": "secret-found"}}, "required": ["code"]},
        "then": {"required": ["subject"], "properties": {"subject": {"type": "string"}}},
    }


def policy() -> dict[str, Any]:
    """The JSON Schema of `.arcgit/policy.yaml`, the proposal with keys named by fingerprint."""
    by_name = {"type": "object", "propertyNames": _matching(SLUG)}
    return {
        "$schema": DRAFT,
        "title": "arcgit policy, version 1",
        "description": "Who may do what, what must be present, how long it is kept. No force until it is adopted.",
        "type": "object",
        "additionalProperties": False,
        "required": ["schema", "archive", "version", "project", "people"],
        "properties": {
            "schema": {"const": policies.SCHEMA, "description": "The form of this file."},
            "archive": {"type": "string", "description": "The archive's id; it never changes."},
            "version": {"type": "integer", "minimum": 1, "description": "One more than the version in force."},
            "project": _text("Name that `arcgit draft` uses.", ["churn"], SLUG),
            "people": {
                **by_name,
                "description": "Persons and role addresses, by a short name.",
                "minProperties": 1,
                "additionalProperties": {"$ref": "#/definitions/person"},
            },
            "thresholds": _thresholds(),
            **_rules(by_name),
        },
        "definitions": {"person": _person(), "retention": _retention()},
    }


def _rules(by_name: dict[str, Any]) -> dict[str, Any]:
    """What is asked of manifests and records, without the people."""
    return {
        "required": {
            "type": "array",
            "description": "What a manifest must say.",
            "items": {"enum": list(get_args(policies.Required))},
            "examples": [["owner", "purpose", "retention"]],
        },
        "severities": {
            "type": "object",
            "description": "Finding codes that weigh otherwise here: arcgit explain lists them.",
            "additionalProperties": {"enum": ["error", "warning", "off"]},
            "examples": [{"environment-missing": "warning"}],
        },
        "retention": {
            **by_name,
            "description": "Retention classes.",
            "additionalProperties": {"$ref": "#/definitions/retention"},
            "defaultSnippets": [{"label": "class", "body": {"${1:standard}": {"keep": "${2:P10Y}"}}}],
        },
        "copies": _copies(),
        "remotes": {
            "type": "object",
            "description": "DVC remotes that records may point to, by name.",
            "additionalProperties": _closed({"url": {"type": "string", "description": "As in .dvc/config."}}),
        },
        "waivers": {
            **_closed({"max_days": {"type": "integer", "minimum": 0, "maximum": 36_600}}, required=False),
            "description": "How many days ahead a waiver may end; 0 allows none. 366 where nothing is said.",
        },
        "compromised": {
            "type": "object",
            "description": "Keys that others may have used, by full fingerprint: arcgit keys revoke writes them.",
            "propertyNames": _matching(FINGERPRINT),
            "additionalProperties": _compromise(),
        },
    }


def _closed(properties: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    wanted = {"required": list(properties)} if required else {}
    return {"type": "object", "additionalProperties": False, **wanted, "properties": properties}


def _thresholds() -> dict[str, Any]:
    number = {"type": "integer", "minimum": 1}
    fields = {
        "policy": {**number, "description": "How many admins must agree to a change of the policy."},
        "review": {**number, "description": "How many persons must have reviewed a record."},
    }
    return {**_closed(fields, required=False), "description": "How many persons must agree; keys do not count."}


def _person() -> dict[str, Any]:
    roles = list(get_args(policies.Role))
    return _closed(
        {
            "name": {"type": "string", "description": "As in git."},
            "email": {"type": "string", "description": "As in git."},
            "roles": {"type": "array", "items": {"enum": roles}, "description": "What this person may do."},
            "keys": {
                "type": "array",
                "description": "Full fingerprints; the public keys lie in .arcgit/keys/.",
                "items": {"type": "string", **_matching(FINGERPRINT)},
            },
        }
    )


def _compromise() -> dict[str, Any]:
    since = {
        "type": "integer",
        "minimum": 1,
        "description": "The first ledger event that is doubted; 1 where left out.",
    }
    return _closed({"since": since, "reason": {"type": "string", "description": "Why."}}, required=False)


def _retention() -> dict[str, Any]:
    keep = _text("An ISO 8601 duration in years, months and days, or `forever`.", ["P10Y", "P6M", "forever"], KEEP)
    return {**_closed({"keep": keep, "copies": _copies()}), "required": ["keep"]}


def _copies() -> dict[str, Any]:
    return {
        "type": "integer",
        "minimum": 1,
        "maximum": policies.MAX_COPIES,
        "description": "In how many remotes the data of a record must have been proven: arcgit replicate makes copies.",
    }
