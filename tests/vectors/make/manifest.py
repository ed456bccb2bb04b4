"""manifest.json: manifests, and every rule of form that one can break."""

from __future__ import annotations

from typing import Any

from tests.vectors.make.cases import Case

HEAD = "schema: arcgit/manifest/v1\nproject: churn\nexperiment: baseline\n"
MODEL = "artifacts:\n  model: {role: model, path: model.pkl}\n"
WHOLE = """\
schema: arcgit/manifest/v1
project: churn
experiment: baseline
purpose: Baseline before the call-centre features.
owner: Ada Lovelace <ada@example.org>
retention: standard
params: [params.yaml, conf/train.toml]
artifacts:
  model: {role: model, path: model.pkl}
  test:
    role: dataset
    path: data/test
    split: test
    version: "2026-05"
    description: The second half of May.
extensions: {ticket: 17, nested: {list: [1, 1.0, yes, null]}}
"""
ARTIFACT: dict[str, Any] = {"split": None, "version": None, "description": None}
SOUND: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("every field", "YAML 1.2: yes is a text, 1.0 a number.", WHOLE, {
        "purpose": "Baseline before the call-centre features.", "owner": "Ada Lovelace <ada@example.org>",
        "retention": "standard", "params": ["params.yaml", "conf/train.toml"],
        "artifacts": {
            "model": {**ARTIFACT, "role": "model", "path": "model.pkl"},
            "test": {"role": "dataset", "path": "data/test", "split": "test", "version": "2026-05", "description": "The second half of May."},
        },
        "extensions": {"ticket": 17, "nested": {"list": [1, 1.0, "yes", None]}},
    }),
    ("the least", "What a person has yet to fill in may be left out; whether it must be there is the policy's choice.", HEAD, {"purpose": None, "owner": None, "artifacts": {}, "params": []}),
    ("fields yet to be filled in", "A key with nothing behind it is such a field.", f"{HEAD}purpose:\nowner:\nretention:\nparams:\n{MODEL}", {"purpose": None, "owner": None, "retention": None, "params": []}),
    ("waivers", "A day is a day of YAML or a text.", f'{HEAD}waivers:\n  - {{code: split-overlap, subject: test, reason: A smoke test., owner: Ada, expires: 2026-12-31}}\n  - {{code: metrics-missing, reason: None yet., owner: Ada, expires: "2027-01-31"}}\n', {"waivers": [
        {"code": "split-overlap", "subject": "test", "reason": "A smoke test.", "owner": "Ada", "expires": "2026-12-31"},
        {"code": "metrics-missing", "subject": None, "reason": "None yet.", "owner": "Ada", "expires": "2027-01-31"},
    ]}),
    ("JSON", "It is YAML too.", '{"schema": "arcgit/manifest/v1", "project": "p", "experiment": "e"}', {"project": "p", "experiment": "e"}),
    ("every role", "There are eight.", HEAD + "artifacts:\n" + "".join(f"  {role}: {{role: {role}, path: {role}}}\n" for role in ("model", "dataset", "code", "config", "metrics", "environment", "report", "other")), {"project": "churn"}),
)  # fmt: skip


def artifact(text: str) -> str:
    """A manifest with one artifact."""
    return f"{HEAD}artifacts:\n  model: {text}\n"


def waiver(text: str) -> str:
    """A manifest with one waiver."""
    return f"{HEAD}waivers:\n  - {text}\n"


# (name, why, code, a part of what is said, manifest)
FAULTS: tuple[tuple[str, str, str, str, str], ...] = (
    ("no schema", "It says what this is.", "manifest-invalid", "`schema` is missing", "project: churn\nexperiment: baseline\n"),
    ("another schema", "It says what this is.", "manifest-invalid", "the schema must be", HEAD.replace("manifest", "policy")),
    ("no project", "Record names need it.", "manifest-invalid", "`project` is missing", HEAD.replace("project: churn\n", "")),
    ("no experiment", "Record names need it.", "manifest-invalid", "`experiment` is missing", HEAD.replace("experiment: baseline\n", "")),
    ("a project in capitals", "A project is a name.", "manifest-invalid", "`project` must match", HEAD.replace("churn", "Churn")),
    ("an experiment with a dot", "An experiment is a name.", "manifest-invalid", "`experiment` must match", HEAD.replace("baseline", "v1.0")),
    ("an experiment that is a number", "A name is a text.", "manifest-invalid", "`experiment`: Expected `str`", HEAD.replace("baseline", "17")),
    ("an unknown field", "What is not understood must not be skipped.", "manifest-invalid", "unknown field `keep`", f"{HEAD}keep: P10Y\n"),
    ("an unknown field of an artifact", "What is not understood must not be skipped.", "manifest-invalid", "unknown field `sha256`", artifact("{role: model, path: m, sha256: x}")),
    ("an unknown role", "There are eight.", "manifest-invalid", "Invalid enum value 'weights'", artifact("{role: weights, path: m}")),
    ("an artifact without a role", "It has role and path.", "manifest-invalid", "missing required field `role`", artifact("{path: m}")),
    ("an artifact without a path", "It has role and path.", "manifest-invalid", "missing required field `path`", artifact("{role: model}")),
    ("an artifact that is a path", "It has role and path.", "manifest-invalid", "Expected `object`, got `str`", artifact("model.pkl")),
    ("artifacts as a list", "Artifacts are by name.", "manifest-invalid", "is not a mapping of names", f"{HEAD}artifacts: [model.pkl]\n"),
    ("an artifact's name in capitals", "It is a name.", "manifest-invalid", "not a valid artifact name", f"{HEAD}artifacts:\n  Model: {{role: model, path: m}}\n"),
    ("two artifacts with one path", "A path is one artifact.", "manifest-invalid", "two artifacts have the same path", f"{HEAD}artifacts:\n  a: {{role: model, path: m}}\n  b: {{role: other, path: m}}\n"),
    ("params as a text", "It is a list of files.", "manifest-invalid", "`params`: Expected `array`", f"{HEAD}params: params.yaml\n"),
    ("a version that is a number", "Labels are texts, so that 2026.10 is not 2026.1.", "manifest-invalid", "Expected `str | null`, got `float`", artifact("{role: model, path: m, version: 2026.10}")),
    ("waivers by code", "They are a list.", "manifest-invalid", "`waivers` is not a list", f"{HEAD}waivers: {{split-overlap: forever}}\n"),
    ("a waiver without end", "A waiver ends on a day.", "manifest-invalid", "missing required field `expires`", waiver("{code: split-overlap, reason: r, owner: o}")),
    ("a waiver without owner", "Somebody answers for it.", "manifest-invalid", "missing required field `owner`", waiver("{code: split-overlap, reason: r, expires: 2026-12-31}")),
    ("a waiver with a blank reason", "It says why.", "manifest-invalid", "names its reason and its owner", waiver('{code: split-overlap, reason: " ", owner: o, expires: 2026-12-31}')),
    ("a waiver that ends at a time", "It ends on a day.", "manifest-invalid", "without a time", waiver("{code: split-overlap, reason: r, owner: o, expires: 2026-12-31T00:00:00Z}")),
    ("a waiver that ends on no day", "Days are of the calendar.", "manifest-invalid", "`waivers.0.expires`", waiver('{code: split-overlap, reason: r, owner: o, expires: "2026-02-30"}')),
    ("an unknown field of a waiver", "What is not understood must not be skipped.", "manifest-invalid", "unknown field `until`", waiver("{code: split-overlap, reason: r, owner: o, expires: 2026-12-31, until: 2027}")),
    ("101 waivers", "There are at most 100.", "manifest-invalid", "`waivers` is not a list of at most 100", f"{HEAD}waivers:\n" + "  - {code: split-overlap, reason: r, owner: o, expires: 2026-12-31}\n" * 101),
    ("a schema that is null", "It says what this is.", "manifest-invalid", "schema", HEAD.replace("arcgit/manifest/v1", "")),
    ("a project that is null", "Record names need it.", "manifest-invalid", "`project`", HEAD.replace("churn", "")),
    ("a project as a list", "A project is a name.", "manifest-invalid", "`project`", HEAD.replace("churn", "[churn]")),
    ("a project of 64 characters", "A name has at most 63.", "manifest-invalid", "`project` must match", HEAD.replace("churn", "c" * 64)),
    ("a project with a space", "A project is a name.", "manifest-invalid", "`project` must match", HEAD.replace("churn", "churn model")),
    ("an experiment with a slash", "An experiment is a name.", "manifest-invalid", "`experiment` must match", HEAD.replace("baseline", "a/b")),
    ("an experiment with a hyphen in front", "A name begins with a letter or digit.", "manifest-invalid", "`experiment` must match", HEAD.replace("baseline", "-rf")),
    ("an owner as a list", "An owner is a text.", "manifest-invalid", "`owner`", f"{HEAD}owner: [Ada, Bob]\n"),
    ("an owner that is a number", "An owner is a text.", "manifest-invalid", "`owner`", f"{HEAD}owner: 17\n"),
    ("a purpose as a mapping", "A purpose is a text.", "manifest-invalid", "`purpose`", f"{HEAD}purpose: {{why: x}}\n"),
    ("a retention that is a number", "A class is a name.", "manifest-invalid", "`retention`", f"{HEAD}retention: 10\n"),
    ("params by name", "It is a list of files.", "manifest-invalid", "`params`", f"{HEAD}params: {{a: params.yaml}}\n"),
    ("params of numbers", "It is a list of files.", "manifest-invalid", "`params", f"{HEAD}params: [17]\n"),
    ("extensions as a list", "Extensions are by name.", "manifest-invalid", "`extensions`", f"{HEAD}extensions: [a]\n"),
    ("a role that is null", "It has role and path.", "manifest-invalid", "role", artifact("{role: , path: m}")),
    ("a path that is null", "It has role and path.", "manifest-invalid", "path", artifact("{role: model, path: }")),
    ("a path that is a number", "A path is a text.", "manifest-invalid", "path", artifact("{role: model, path: 17}")),
    ("an artifact that is null", "It has role and path.", "manifest-invalid", "artifacts", f"{HEAD}artifacts:\n  model:\n"),
    ("a waiver without code", "It names what it waives.", "manifest-invalid", "missing required field `code`", waiver("{reason: r, owner: o, expires: 2026-12-31}")),
    ("a waiver without reason", "It says why.", "manifest-invalid", "missing required field `reason`", waiver("{code: split-overlap, owner: o, expires: 2026-12-31}")),
    ("a list", "A manifest is a mapping.", "manifest-invalid", "it is not a mapping", "- schema: arcgit/manifest/v1\n"),
    ("nothing", "A manifest is a mapping.", "manifest-invalid", "it is not a mapping", ""),
    ("an absolute path", "Paths are relative to the manifest.", "path-unsafe", "it is absolute", artifact("{role: model, path: /m}")),
    ("a path through the parent", "Paths stay below the manifest's folder.", "path-unsafe", "leaves its folder", artifact("{role: model, path: ../m}")),
    ("git's folder", "Written back, it would be run.", "path-unsafe", "git's own folder", artifact("{role: code, path: .git/hooks/x}")),
    ("a params file outside", "Paths stay below the manifest's folder.", "path-unsafe", "leaves its folder", f"{HEAD}params: [../params.yaml]\n"),
    ("two paths that some file system takes for one", "Both could not be restored there.", "path-unsafe", "for one file", f"{HEAD}artifacts:\n  a: {{role: model, path: M/a}}\n  b: {{role: other, path: m/b}}\n"),
    ("a path with a backslash", "On some systems it separates folders.", "path-unsafe", "a backslash", artifact("{role: model, path: 'a\\b'}")),
    ("a path with a drive", "On some systems it names a drive.", "path-unsafe", "a colon", artifact("{role: model, path: 'C:m'}")),
    ("a path that is a device", "Some systems take it for a device.", "path-unsafe", "device name", artifact("{role: model, path: con}")),
    ("a path that ends with a dot", "Some file systems drop it.", "path-unsafe", "ends with a dot", artifact("{role: model, path: 'm.'}")),
    ("a path with a newline", "Control characters are refused.", "path-unsafe", "control characters", artifact('{role: model, path: "a\\nb"}')),
    ("a key twice in an artifact", "Two readers could take either.", "yaml-unsafe", "is there twice", artifact("{role: model, path: a, path: b}")),
    ("a text that does not end", "It is no YAML.", "yaml-unsafe", "unexpected end of stream", f'{HEAD}owner: "Ada\n'),
    ("a mapping that does not end", "It is no YAML.", "yaml-unsafe", "did not find expected", f"{HEAD}extensions: {{a: 1\n"),
    ("a tag of Python", "There are none.", "yaml-unsafe", "the tag", f"{HEAD}owner: !!python/object/apply:os.system [id]\n"),
    ("a binary text", "There are none.", "yaml-unsafe", "the tag", f"{HEAD}owner: !!binary QWRh\n"),
    ("a key that is a list", "Keys are texts.", "yaml-unsafe", "a key must be a plain value", f"{HEAD}? [a, b]\n: c\n"),
    ("nesting without end", "Depth is bounded.", "yaml-unsafe", "deep", f"{HEAD}extensions: {{a: {'[' * 60}{']' * 60}}}\n"),
    ("an alias", "There are none.", "yaml-unsafe", "aliases are not allowed", f"{HEAD}owner: *who\n"),
    ("a NUL", "There are none.", "yaml-unsafe", "the character U+0000", f"{HEAD}owner: A\0da\n"),
    ("a byte order mark in the middle", "There are none.", "yaml-unsafe", "the character U+FEFF", f"{HEAD}owner: A\ufeffda\n"),
    ("a key twice", "Two readers could take either.", "yaml-unsafe", "the key `owner` is there twice", f"{HEAD}owner: Ada\nowner: Eve\n"),
    ("an anchor", "There are none.", "yaml-unsafe", "anchors are not allowed", f"{HEAD}owner: &who Ada\n"),
    ("a merge key", "There are none.", "yaml-unsafe", "merge keys are not allowed", f"{HEAD}extensions: {{<<: {{a: 1}}}}\n"),
    ("a tag", "There are none.", "yaml-unsafe", "the tag", f"{HEAD}owner: !!str Ada\n"),
    ("two documents", "There is one.", "yaml-unsafe", "more than one document", f"{HEAD}---\n{HEAD}"),
    ("a tab", "It is no YAML.", "yaml-unsafe", "found a tab character", f"{HEAD}\towner: Ada\n"),
    ("a control character", "There are none.", "yaml-unsafe", "the character U+001B", f'{HEAD}owner: "A\x1bda"\n'),
)  # fmt: skip
NEWER = "schema: arcgit/manifest/v2\nanything: {goes: here}\n"


def document() -> Case:
    """The file."""
    cases: list[Case] = [
        {"name": name, "why": why, "text": text, "manifest": fields} for name, why, text, fields in SOUND
    ]
    cases += [
        {"name": name, "why": why, "text": text, "error": "invalid", "code": code, "fault": fault}
        for name, why, code, fault, text in FAULTS
    ]
    why = "A newer manifest is not wrong, only not readable."
    row = {"name": "a newer schema", "why": why, "text": NEWER, "error": "unknown version"}
    cases.append({**row, "code": "manifest-invalid", "fault": "unknown schema version"})
    about = "text: a manifest; manifest: some of what it says, fields that it leaves out with their default; code: the finding."
    return {"about": about, "cases": cases}
