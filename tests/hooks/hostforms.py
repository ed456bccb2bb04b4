"""What the hosts take, as far as the templates use it: written from their published schemas and references.

GitHub: the REST reference of rulesets (rules, parameters, fnmatch with FNM_PATHNAME) and the workflow schema of SchemaStore.
GitLab: the reference of the protected tags API and of the keywords of a job. What a template does not use is left out, so
that anything new in one has to be looked up first.
"""

from __future__ import annotations

import re
from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
GLOBS: Schema = {"type": "array", "items": TEXT, "minItems": 1}


def closed(required: dict[str, Schema], optional: dict[str, Schema] | None = None) -> Schema:
    """An object with these properties and no other."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": sorted(required),
        "additionalProperties": False,
    }


CHECKS = closed(
    {
        "required_status_checks": {
            "type": "array",
            "minItems": 1,
            "items": closed({"context": TEXT}, {"integration_id": {"type": "integer"}}),
        },
        "strict_required_status_checks_policy": {"type": "boolean"},
    },
    {"do_not_enforce_on_create": {"type": "boolean"}},
)
RULE: Schema = {
    "oneOf": [
        closed({"type": {"enum": ["creation", "deletion", "non_fast_forward", "required_signatures"]}}),
        # Its one parameter is about forks that follow their source.
        closed(
            {"type": {"const": "update"}},
            {"parameters": closed({"update_allows_fetch_and_merge": {"type": "boolean"}})},
        ),
        closed({"type": {"const": "required_status_checks"}, "parameters": CHECKS}),
    ]
}
# Of a branch or a tag; neither a backslash nor a complement is understood in a pattern.
PATTERN: Schema = {"type": "string", "pattern": r"^(~ALL|~DEFAULT_BRANCH|refs/(heads|tags)/[^\\^{}]+)$"}
RULESET = closed(
    {"name": TEXT, "target": {"enum": ["branch", "tag"]}, "enforcement": {"enum": ["active", "disabled", "evaluate"]}},
    {
        "bypass_actors": {"type": "array", "maxItems": 0},
        "conditions": closed(
            {
                "ref_name": closed(
                    {"include": {"type": "array", "items": PATTERN}, "exclude": {"type": "array", "items": PATTERN}}
                )
            }
        ),
        "rules": {"type": "array", "items": RULE},
    },
)

ENV: Schema = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "minProperties": 1}
FILTERS = closed({}, dict.fromkeys(("branches", "tags", "paths"), GLOBS))
CRON: Schema = {"type": "string", "pattern": r"^(\S+ ){4}\S+$"}
STEP: Schema = {
    "oneOf": [
        closed({"uses": TEXT}, {"name": TEXT, "with": {"type": "object"}}),
        closed({"run": TEXT}, {"name": TEXT, "env": ENV}),
    ]
}
JOB = closed(
    {"runs-on": TEXT, "steps": {"type": "array", "items": STEP, "minItems": 1}},
    {"name": TEXT, "timeout-minutes": {"type": "string", "pattern": r"^\d+$"}, "env": ENV},
)
WORKFLOW = closed(
    {
        "on": closed(
            {},
            {
                "push": FILTERS,
                "pull_request": {"oneOf": [{"const": ""}, FILTERS]},
                "schedule": {"type": "array", "items": closed({"cron": CRON}), "minItems": 1},
                "workflow_dispatch": {"const": ""},
            },
        ),
        "jobs": {
            "type": "object",
            "patternProperties": {"^[_a-zA-Z][a-zA-Z0-9_-]*$": JOB},
            "additionalProperties": False,
            "minProperties": 1,
        },
    },
    {"name": TEXT, "permissions": closed({}, {"contents": {"enum": ["read", "write", "none"]}}), "env": ENV},
)

# 0 is nobody, 30 a developer, 40 a maintainer, which is what it is where nothing is said.
PROTECTED_TAG = closed({"name": TEXT}, {"create_access_level": {"enum": [0, 30, 40]}})
GITLAB_JOB = closed(
    {"script": {"type": "array", "items": TEXT, "minItems": 1}},
    {
        "stage": TEXT,
        "image": TEXT,
        "timeout": {"type": "string", "pattern": r"^\d+ (minutes|hours)$"},
        "variables": {"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean"]}},
        "rules": {"type": "array", "items": closed({"if": TEXT}), "minItems": 1},
    },
)


def fnmatch(pattern: str, name: str) -> bool:
    """As File.fnmatch of Ruby with FNM_PATHNAME: `*` stops at a slash, `**/` is any number of folders, none of them too."""
    parts = re.split(r"(\*\*/|\*|\?)", pattern)
    words = {"**/": r"(?:[^/.][^/]*/)*", "*": r"[^/]*", "?": r"[^/]"}
    return re.fullmatch("".join(words.get(part, re.escape(part)) for part in parts), name) is not None


def filter_matches(pattern: str, name: str) -> bool:
    """As filters of a workflow: `**` goes over slashes, `*` does not."""
    parts = re.split(r"(\*\*|\*)", pattern)
    words = {"**": r".*", "*": r"[^/]*"}
    return re.fullmatch("".join(words.get(part, re.escape(part)) for part in parts), name) is not None


def wildcard_matches(pattern: str, name: str) -> bool:
    """As names of protected tags: `*` is anything, slashes too."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), name) is not None
