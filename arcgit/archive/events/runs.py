"""`arcgit runs`: runs that failed, or that nobody sealed, are signed for as well, so that a report can count them.

A run is one event: a commit, an experiment and how it ended. No data is hashed or pushed for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from arcgit.archive import read
from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Exchange, append
from arcgit.archive.ledger import LedgerView
from arcgit.archive.record import choose_manifest
from arcgit.errors import RefusedError, UndeterminedError, UsageError
from arcgit.git import snapshot
from arcgit.model import manifest as manifests
from arcgit.model import names
from arcgit.model.event import Event
from arcgit.model.finding import Severity
from arcgit.model.manifest import FILE_NAME, MAX_MANIFEST_BYTES
from arcgit.rules.history import Histories
from arcgit.rules.runs import Key, RunCount, experiment_of
from arcgit.signing.signer import Signer

Outcome = Literal["succeeded", "failed"]


@dataclass(frozen=True)
class Logged:
    """The event that was written, what it is of, and what the runs of that experiment add up to now."""

    event: Appended
    experiment: Key
    commit: str
    runs: RunCount


@dataclass(frozen=True)
class Asked:
    """What a person says of a run. Without `experiment` it is the one of the manifest at `rev`."""

    outcome: Outcome = "failed"
    comment: str = ""
    rev: str = "HEAD"
    manifest: str | None = None
    folder: str = ""
    experiment: str | None = None


def log(
    context: Context, get_signer: Callable[[], Signer], asked: Asked, *, exchange: Exchange, now: datetime
) -> Logged:
    """Write a `run` event. Raises ArcgitError; nothing is written then."""
    commit = context.repo.commit_of(asked.rev)
    sealed_at = None if asked.experiment is not None else _at(context, commit, asked)
    about: list[tuple[Key, LedgerView]] = []

    def decide(view: LedgerView) -> tuple[None, dict[str, str]]:
        key = sealed_at or _named(view, asked.experiment or "")
        about[:] = [(key, view)]
        comment = {"comment": asked.comment} if asked.comment else {}
        return None, {"commit": commit, "outcome": asked.outcome, "project": key[0], "experiment": key[1], **comment}

    done = append(context, get_signer, kind="run", decide=decide, exchange=exchange, now=now)
    key, view = about[0]
    return Logged(done, key, commit, Histories(view.ledger).runs_of(*key))


def _named(view: LedgerView, experiment: str) -> Key:
    project, _, name = experiment.rpartition("/")
    key = project or view.ledger.require_policy().project, name
    if not all(map(names.is_slug, key)):
        message = f"`{experiment}` is not the name of an experiment"
        raise UsageError("usage", message, "--experiment NAME, or PROJECT/NAME, in small letters")
    return key


def _at(context: Context, commit: str, asked: Asked) -> Key:
    with snapshot.of_commit(context.root, commit) as files:
        path = choose_manifest(files.named(FILE_NAME), asked.manifest, asked.folder)
        found, faults = manifests.parse(files.read(path, MAX_MANIFEST_BYTES) or b"", path)
    if found is None or not all(map(names.is_slug, (found.project, found.experiment))):
        fault = faults[0]
        kind = UndeterminedError if fault.severity is Severity.UNKNOWN else RefusedError
        raise kind(fault.code, f"{fault.subject}: {fault.message}", "arcgit check, or name it: --experiment NAME")
    return found.project, found.experiment


@dataclass(frozen=True)
class Listed:
    """The runs of one experiment: how many, and the events that logged them with the oids of their commits."""

    experiment: Key
    runs: RunCount
    logged: list[tuple[str, Event]]


def listed(context: Context, wanted: str | None) -> list[Listed]:
    """The runs of every experiment, or of those that `wanted` names; read, not judged.

    Raises UsageError for an experiment that the ledger does not know.
    """
    known = read.claimed(context).ledger
    found: dict[Key, list[tuple[str, Event]]] = {
        (state.name.project, state.name.experiment): [] for state in known.records.values()
    }
    for oid, event in known.events:
        if event.type == "run" and (key := experiment_of(event)) is not None:
            found.setdefault(key, []).append((oid, event))
    chosen = [key for key in sorted(found) if wanted is None or wanted in {"/".join(key), key[1]}]
    if wanted is not None and not chosen:
        raise UsageError("experiment-unknown", f"the ledger has no experiment `{wanted}`", "arcgit runs list")
    histories = Histories(known)
    return [Listed(key, histories.runs_of(*key), found[key]) for key in chosen]
