"""Is an experiment complete enough to be committed and sealed? Each rule is one function from facts to findings.

To add a rule: write a function `Experiment, Demands -> findings`, put it into `RULES`, and describe its code in
`templates/findings/`, where `arcgit explain` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date

import msgspec
from msgspec.structs import replace

from arcgit.model.experiment import Experiment, Stored
from arcgit.model.finding import Finding, Place, Severity, error, warning
from arcgit.model.manifest import PLACEHOLDERS, Artifact
from arcgit.model.policy import MAX_WAIVER_DAYS, Policy
from arcgit.model.text import word
from arcgit.rules import secrets, waivers

UNSAFE = frozenset({"manifest-invalid", "path-unsafe", "yaml-unsafe"})
"""What could not be read, or must not be followed: no policy makes less of it."""


class Demands(msgspec.Struct, frozen=True):
    """What is asked of a manifest: the built-in rules, or those of a policy."""

    required: tuple[str, ...] = ("owner", "purpose", "retention")
    retention: frozenset[str] | None = None
    severities: Mapping[str, str] | None = None
    waiver_days: int = MAX_WAIVER_DAYS

    @classmethod
    def of(cls, policy: Policy | None) -> Demands:
        """The demands of a policy; without one, the built-in ones, which know no list of retention classes."""
        if policy is None:
            return cls()
        days = policy.waivers.max_days if policy.waivers else MAX_WAIVER_DAYS
        return cls(tuple(policy.required), frozenset(policy.retention), dict(policy.severities), days)


def judge(experiment: Experiment, demands: Demands, today: date) -> list[Finding]:
    """Every finding about one experiment, with the severities of the policy, less what is waived; no secret in any."""
    leaks = secrets.search(experiment)
    found = [finding for rule in RULES for finding in rule(experiment, demands)]
    found = secrets.redact([*experiment.findings, *found, *secrets.findings(leaks)], leaks)
    return settle(experiment, found, demands, today)


def settle(experiment: Experiment, found: Iterable[Finding], demands: Demands, today: date) -> list[Finding]:
    """The findings with the severities of the policy, less what is waived."""
    judged = list(weighed(found, demands.severities or {}))
    return waivers.apply(experiment, judged, today=today, max_days=demands.waiver_days)


def weighed(findings: Iterable[Finding], severities: Mapping[str, str]) -> Iterator[Finding]:
    """The findings with the severities that a policy gives them by code; `off` leaves one out."""
    for finding in findings:
        asked = severities.get(finding.code)
        if asked is None or finding.code in UNSAFE or finding.severity is Severity.UNKNOWN:
            yield finding
        elif asked != "off":
            yield replace(finding, severity=Severity(asked))


def _people(experiment: Experiment, demands: Demands) -> Iterator[Finding]:
    manifest = experiment.manifest
    for field, code, example in (
        ("owner", "owner-missing", "owner: Team Churn <churn@example.org> (a role address or a pseudonym will do)"),
        ("purpose", "purpose-missing", "purpose: what this experiment is for, in one sentence"),
        ("retention", "retention-class-unknown", "retention: standard"),
    ):
        value = getattr(manifest, field)
        if field in demands.required and (value is None or value.strip().lower() in {"", *PLACEHOLDERS}):
            hint = f"add to {experiment.manifest_path}: {example}"
            place = experiment.at(field)
            yield error(code, experiment.manifest_path, f"`{field}` is not filled in", hint=hint, place=place)


def _retention(experiment: Experiment, demands: Demands) -> Iterator[Finding]:
    chosen = experiment.manifest.retention
    if not chosen or chosen.strip().lower() in PLACEHOLDERS or demands.retention is None:
        return
    if chosen not in demands.retention:
        yield error(
            "retention-class-unknown",
            experiment.manifest_path,
            "the policy has no such retention class",
            expected=", ".join(sorted(demands.retention)),
            found=chosen,
            hint="choose one of the policy's classes",
            place=experiment.at("retention"),
        )


def _tracked(experiment: Experiment, _: Demands) -> Iterator[Finding]:
    for name, artifact, stored in _artifacts(experiment):
        subject = f"{experiment.manifest_path}: {name}"
        path = experiment.folder + artifact.path
        place = experiment.at("artifacts", name, "path")
        if stored is None and path in experiment.left_to_git:
            message = f"{path} is an out that DVC leaves to git, and it is not staged"
            yield error("artifact-untracked", subject, message, hint=f"git add {word(path)}", place=place)
        elif stored is None and path in experiment.produced:
            message = f"{path} is an out of a stage that dvc.lock does not have yet"
            yield error("artifact-missing", subject, message, hint="dvc repro && git add dvc.lock", place=place)
        elif stored is None:
            command = "git add" if artifact.role in {"code", "config", "environment"} else "dvc add"
            message = f"nothing tracks {path}, or it is not staged"
            yield error("artifact-untracked", subject, message, hint=f"{command} {word(path)}", place=place)
        elif stored.by == "git" and artifact.role == "dataset":
            message = f"the dataset {path} is in git, so it has no DVC version"
            hint = f"git rm --cached -r {word(path)} && dvc add {word(path)}"
            if not stored.oid:
                message, hint = f"nothing tracks the dataset {path}", f"dvc add {word(path)}"
            yield error("dataset-version-missing", subject, message, hint=hint, place=place)
        elif stored.by == "git" and artifact.role == "model":
            message = f"the model {path} is in git, not in DVC"
            hint = f"git rm --cached -r {word(path)} && dvc add {word(path)}"
            if not stored.oid:
                message, hint = f"nothing tracks the model {path}", f"dvc add {word(path)}"
            yield error("artifact-untracked", subject, message, hint=hint, place=place)


def _kinds(experiment: Experiment, _: Demands) -> Iterator[Finding]:
    roles = {artifact.role for artifact in experiment.manifest.artifacts.values()}
    for role, code, example in (
        ("model", "model-missing", "model: {role: model, path: model.pkl}"),
        ("dataset", "dataset-version-missing", "train: {role: dataset, path: data/train, split: train}"),
        ("metrics", "metrics-missing", "metrics: {role: metrics, path: metrics.json}"),
        ("environment", "environment-missing", "environment: {role: environment, path: requirements.txt}"),
    ):
        if role == "dataset" and role not in roles and (shared := _shared_data(experiment)):
            # A manifest names what lies below its folder; data beside it is known by DVC's version alone.
            message = f"no artifact has the role `dataset`; the lineage names {shared} by DVC's version"
            hint = f"move {experiment.manifest_path} to a folder above {shared} to have every byte of it sealed"
            yield warning(code, experiment.manifest_path, message, hint=hint, place=experiment.at("artifacts"))
        elif role not in roles:
            hint = f"add to {experiment.manifest_path} under artifacts: {example}; or run arcgit draft"
            place = experiment.at("artifacts")
            yield error(code, experiment.manifest_path, f"no artifact has the role `{role}`", hint=hint, place=place)


def _shared_data(experiment: Experiment) -> str:
    """A path outside of the manifest's folder that DVC keeps and the experiment was made from, or an empty string."""
    if not experiment.folder:
        return ""
    outside = (stored.path for stored in experiment.stored if not stored.path.startswith(experiment.folder))
    return next(outside, "")


def _splits(experiment: Experiment, demands: Demands) -> Iterator[Finding]:
    for name, artifact, _ in _artifacts(experiment):
        if "split" in demands.required and artifact.role == "dataset" and not (artifact.split or "").strip():
            subject = f"{experiment.manifest_path}: {name}"
            hint = "add to the artifact: split: train, test, validation, or raw for data that is none"
            place = experiment.at("artifacts", name)
            yield error("split-missing", subject, "the dataset does not say which split it is", hint=hint, place=place)


def _values(experiment: Experiment, _: Demands) -> Iterator[Finding]:
    path = experiment.manifest_path
    if not any(experiment.params.values()) and not _stage_params(experiment):
        hint = f"name the file that has them in {path}: params: [params.yaml]"
        place = experiment.at("params")
        yield error("hyperparameters-missing", path, "there are no hyperparameters", hint=hint, place=place)
    # A metrics file that is not there at all has been named by then.
    there = {name for name, stored in experiment.artifacts.items() if stored is not None}
    declared = [name for name, one in experiment.manifest.artifacts.items() if one.role == "metrics" and name in there]
    if declared and not any(experiment.metrics.values()) and not _unread_metrics(experiment):
        place = experiment.at("artifacts", declared[0])
        yield error("metrics-missing", path, "the metrics files hold no values", hint="dvc repro", place=place)


def _stage_params(experiment: Experiment) -> bool:
    return any(stage.get("params") for stage in experiment.lineage.get("stages", ()))


def _unread_metrics(experiment: Experiment) -> bool:
    """Metrics that DVC caches are not at hand at commit time; sealing reads them."""
    return any(
        artifact.role == "metrics" and stored is not None and stored.by == "dvc"
        for _, artifact, stored in _artifacts(experiment)
    )


def _lineage(experiment: Experiment, _: Demands) -> Iterator[Finding]:
    models = [
        (name, experiment.folder + artifact.path)
        for name, artifact in experiment.manifest.artifacts.items()
        if artifact.role == "model" and experiment.artifacts.get(name) is not None
    ]
    path = experiment.manifest_path
    if not experiment.has_pipeline:
        if models:
            message = "there is no pipeline: which data and code made the model is only what the manifest asserts"
            place = experiment.at("artifacts", models[0][0])
            hint = "dvc stage add records how the model is made"
            yield warning("lineage-broken", path, message, hint=hint, place=place)
        return
    stages = experiment.lineage.get("stages", ())
    made_here = any(_covers(out["path"], model) for _, model in models for stage in stages for out in stage["outs"])
    for name, model in models:
        maker = next((stage for stage in stages if any(_covers(out["path"], model) for out in stage["outs"])), None)
        subject = f"{path}: {name}"
        place = experiment.at("artifacts", name)
        if maker is None and made_here and _added(experiment, model):
            message = f"{model} was added as it is: who made it, and from what, is only what the manifest asserts"
            hint = "say in its `description` where it is from, or give it the role `other`"
            yield warning("lineage-broken", subject, message, hint=hint, place=place)
        elif maker is None:
            message = f"no stage makes {model}"
            hint = f"dvc stage add -o {word(model)} …, then dvc repro"
            yield error("lineage-broken", subject, message, hint=hint, place=place)
        elif not maker["deps"]:
            message = f"the stage {maker['name']} that makes {model} names no script and no data"
            place = Place(maker["file"], ("stages", maker["name"].partition("@")[0]))
            hint = f"add deps to {maker['file']}, then dvc repro"
            yield error("lineage-broken", subject, message, hint=hint, place=place)
    used = {dep["path"] for stage in stages for dep in stage["deps"]} | {
        source["path"] for source in experiment.lineage.get("sources", ())
    }
    made = {out["path"] for stage in stages for out in stage["outs"]}
    datasets = [experiment.folder + a.path for a in experiment.manifest.artifacts.values() if a.role == "dataset"]
    if models and stages and datasets and not any(_touches(data, used | made) for data in datasets):
        message = "the model's lineage reaches none of the declared datasets"
        hint = "declare the data that the stages depend on, or add the dataset to a stage's deps"
        place = experiment.at("artifacts")
        yield error("lineage-broken", path, message, expected=", ".join(datasets), hint=hint, place=place)


def _added(experiment: Experiment, path: str) -> bool:
    """True for what somebody put under DVC by itself, as a model that was trained elsewhere."""
    return any(_covers(source["path"], path) for source in experiment.lineage.get("sources", ()))


def _covers(out: str, path: str) -> bool:
    return path == out or path.startswith(f"{out}/")


def _touches(data: str, paths: set[str]) -> bool:
    return any(_covers(path, data) or _covers(data, path) for path in paths)


def _artifacts(experiment: Experiment) -> Iterator[tuple[str, Artifact, Stored | None]]:
    for name, artifact in experiment.manifest.artifacts.items():
        yield name, artifact, experiment.artifacts.get(name)


Rule = Callable[[Experiment, Demands], Iterable[Finding]]
RULES: tuple[Rule, ...] = (_people, _retention, _tracked, _kinds, _splits, _values, _lineage)
