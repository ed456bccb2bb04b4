"""`arcgit draft`: write or refresh `arcgit.yaml` from what DVC and git know, and keep what a person wrote.

Only what a person must decide is left to fill in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from arcgit.archive.context import Context
from arcgit.archive.drafting import manifesttext
from arcgit.archive.drafting.manifesttext import artifact_line, named, plain
from arcgit.archive.drafting.suggest import Suggestion, suggest
from arcgit.archive.workspace import Workspace
from arcgit.errors import RefusedError, UsageError
from arcgit.git import snapshot, worktree
from arcgit.model import manifest
from arcgit.model.manifest import FILE_NAME, SCHEMA, Manifest
from arcgit.model.names import is_slug, slugify
from arcgit.model.text import word
from arcgit.resources import resource

SCHEMA_FILE = ".arcgit/manifest-v1.schema.json"
AskRole = Callable[[str, str], str]
"""Asked with a path and the role that is guessed; returns the role. Only given where there is a terminal."""


@dataclass
class DraftResult:
    """What was written. `outcome` is `created`, `refreshed` or `unchanged`; `open` lists what is left to a person.

    `guessed` lists paths whose role is a guess, `gone` artifacts of the manifest that nothing tracks any more.
    """

    path: str
    outcome: str
    added: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    guessed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def draft(
    context: Context,
    *,
    experiment: str | None,
    project: str | None,
    required: tuple[str, ...],
    folder: str = "",
    ask: AskRole | None = None,
) -> DraftResult:
    """Write or refresh the manifest in `folder` (repository-relative, empty for the root). Raises ArcgitError.

    `required` are the fields that the policy asks for.
    """
    if experiment is not None and not is_slug(experiment):
        hint = f"for example: --experiment {slugify(experiment)}"
        raise UsageError("experiment-name", f"`{experiment}` does not match [a-z0-9][a-z0-9_-]{{0,62}}", hint)
    path = f"{folder}/{FILE_NAME}" if folder else FILE_NAME
    present_text = worktree.read(context.root, path, manifest.MAX_MANIFEST_BYTES)
    known = _known(present_text, path, experiment)
    with snapshot.of_worktree(context.root) as files:
        workspace = Workspace(files)
        if workspace.faults:
            fault = workspace.faults[0]
            raise RefusedError("yaml-unsafe", f"{fault.subject}: {fault.message}", fault.hint)
        suggestions, params = suggest(workspace, folder)
        gone = _gone(workspace, known, f"{folder}/" if folder else "")
    present = {artifact.path for artifact in known.artifacts.values()} if known else set()
    suggestions = [item for item in suggestions if item.path not in present]
    if len(present) + len(suggestions) > manifest.MAX_ARTIFACTS:
        raise _too_many(workspace, folder, len(present) + len(suggestions))
    fresh = [_decided(item, ask) for item in suggestions]
    if known is not None:
        missing = [name for name in params if name not in known.params]
        return _refresh(context.root, path, present_text or b"", known, fresh, missing, required, gone)
    left = _create(context, fresh, params, experiment=experiment, project=project, folder=folder)
    opened = [name for name in required if name in left]
    return DraftResult(path, "created", [item.path for item in fresh], opened, _guessed(fresh))


def _create(
    context: Context,
    fresh: list[Suggestion],
    params: list[str],
    *,
    experiment: str | None,
    project: str | None,
    folder: str,
) -> set[str]:
    """Write a new manifest, and its schema for editors; returns the fields that are left to a person."""
    name, email = context.settings.get("user.name"), context.settings.get("user.email")
    owner = f"{name} <{email}>" if name and email else ""
    prefix = f"{folder}/" if folder else ""
    text = render(
        project=project or slugify(context.root.name),
        experiment=experiment or slugify((folder or "baseline").rpartition("/")[2]),
        owner=owner,
        suggestions=fresh,
        params=params,
        folder=prefix,
    )
    worktree.write(context.root, prefix + FILE_NAME, text.encode())
    if not (context.root / SCHEMA_FILE).exists():
        schema = resource("templates/schemas/manifest-v1.schema.json").read_bytes()
        worktree.write(context.root, SCHEMA_FILE, schema)
    return {"purpose"} if owner else {"purpose", "owner"}


def _too_many(workspace: Workspace, folder: str, count: int) -> RefusedError:
    """Several experiments in one: the folder of a dvc.yaml further down is the place for a manifest."""
    message = f"DVC's files here speak of {count} artifacts; a manifest holds {manifest.MAX_ARTIFACTS} at most"
    prefix = f"{folder}/" if folder else ""
    inner = (pipeline.path.rpartition("/")[0] for pipeline in workspace.pipelines if pipeline.path.startswith(prefix))
    example = next((name for name in inner if name != folder), "FOLDER")
    hint = f"draft one experiment at a time, in its own folder: arcgit -C {word(example)} draft"
    return RefusedError("manifest-invalid", message, hint)


def _known(data: bytes | None, path: str, experiment: str | None) -> Manifest | None:
    """The manifest that is there, None where there is none."""
    if data is None:
        return None
    found, faults = manifest.parse(data, path)
    if found is None:
        raise RefusedError(
            faults[0].code, f"{faults[0].subject}: {faults[0].message}", f"mend {path}, then draft again"
        )
    if experiment is not None and experiment != found.experiment:
        message = f"{path} is the manifest of `{found.experiment}`"
        hint = f"to rename it, change `experiment:` in {path}; a second experiment needs a folder of its own"
        raise UsageError("experiment-name", message, hint)
    return found


def _decided(item: Suggestion, ask: AskRole | None) -> Suggestion:
    """The suggestion with the role that a person gave it, where it was a guess and there is somebody to ask."""
    return replace(item, role=ask(item.path, item.role), guessed=False) if item.guessed and ask is not None else item


def _guessed(items: list[Suggestion]) -> list[str]:
    return [item.path for item in items if item.guessed]


def _gone(workspace: Workspace, known: Manifest | None, prefix: str) -> list[str]:
    files = workspace.snapshot
    paths = [artifact.path for artifact in known.artifacts.values()] if known else []
    return [
        path
        for path in paths
        if prefix + path not in workspace.outs and prefix + path not in files and not files.below(prefix + path)
    ]


def render(
    *, project: str, experiment: str, owner: str, suggestions: list[Suggestion], params: list[str], folder: str = ""
) -> str:
    """The text of a new manifest. `folder` has a final slash, or is empty for the root."""
    lines = [
        f"# yaml-language-server: $schema={'../' * folder.count('/')}{SCHEMA_FILE}",
        f"schema: {SCHEMA}",
        f"project: {plain(project)}",
        f"experiment: {plain(experiment)}",
        'purpose: ""  # why this experiment is run, in one sentence',
        f"owner: {plain(owner)}  # stays in the record for ever: a pseudonym or a role address will do",
        "retention: standard  # a class of .arcgit/policy.yaml",
        f"params: [{', '.join(map(plain, params))}]",
        "artifacts:",
        *(artifact_line(name, item) for name, item in named(suggestions, set())),
    ]
    return "\n".join(lines if suggestions else [*lines[:-1], "artifacts: {}"]) + "\n"


def _refresh(
    root: Path,
    path: str,
    present: bytes,
    known: Manifest,
    fresh: list[Suggestion],
    missing: list[str],
    required: tuple[str, ...],
    gone: list[str],
) -> DraftResult:
    opened = [name for name in required if not getattr(known, name)]
    result = DraftResult(path, "unchanged", [item.path for item in fresh], opened, _guessed(fresh), gone)
    if fresh or missing:
        text = manifesttext.extend(present.decode(), named(fresh, set(known.artifacts)), missing, path)
        worktree.write(root, path, text.encode())
        result.outcome = "refreshed"
    return result
