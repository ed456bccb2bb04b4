"""`arcgit record`: seal one experiment.

In this order: judge what HEAD says, hash the data, push it and read it back, sign the tag, sign the ledger event, write
all refs in one transaction, push them as one. Killed anywhere, the next run finishes or finds nothing half done: before
the transaction no ref exists, after it the record is whole and `refs/arcgit/unpushed/` remembers that it must be pushed.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime
from threading import Thread
from typing import TYPE_CHECKING, Any

from arcgit.archive import data, demands, experiment, known, ledger, places, retry, splits, trust
from arcgit.archive.context import Context
from arcgit.archive.data import Gathered
from arcgit.archive.exchanging import sync
from arcgit.archive.exchanging.recover import recover
from arcgit.archive.holders import Remotes
from arcgit.archive.kept.hashed import Hashed
from arcgit.archive.ledger import LedgerView
from arcgit.archive.seal import RecordResult, seal
from arcgit.archive.sealedbefore import SealedBefore
from arcgit.archive.turn import WRITING, turn
from arcgit.dvc import opening
from arcgit.errors import RefusedError, UndeterminedError, UsageError
from arcgit.git import exchange, snapshot
from arcgit.git.repository import RefMovedError
from arcgit.git.snapshot import Snapshot
from arcgit.model import canonical
from arcgit.model import record as records
from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, Severity, worst_first
from arcgit.model.manifest import FILE_NAME
from arcgit.model.names import LEDGER_REF, RECORD_PREFIX, tracking_ref
from arcgit.model.text import word
from arcgit.rules import completeness, waivers
from arcgit.rules.completeness import Demands
from arcgit.rules.state import RecordState
from arcgit.signing.signer import Signer

if TYPE_CHECKING:
    from mmap import mmap

Progress = Callable[[str, int, int], None]


class IncompleteError(RefusedError):
    """The experiment is not complete; `findings` say what is missing."""

    def __init__(self, label: str, findings: list[Finding]) -> None:
        count = sum(found.severity is not Severity.WARNING for found in findings)
        super().__init__("incomplete", f"{label} cannot be sealed: {count} things are missing or wrong", "arcgit check")
        self.findings = findings


def record(
    context: Context,
    get_signer: Callable[[], Signer],
    *,
    manifest_path: str | None,
    folder: str,
    push: bool,
    atomic: bool,
    trust_root: str | None,
    ask: trust.Ask | None,
    now: datetime,
    progress: Progress,
) -> RecordResult:
    """Seal the experiment of one manifest at HEAD. Raises ArcgitError; nothing is half done then."""
    context.require_work_tree()
    context.require_chosen_remote()
    with_remote = push and context.remote is not None
    view, seen, pulled = _in_step(context, get_signer, with_remote=with_remote, trust_root=trust_root, ask=ask)
    commit = context.repo.commit_of("HEAD")
    with snapshot.of_commit(context.root, commit) as head:
        path = choose_manifest(head.named(FILE_NAME), manifest_path, folder)
        found, warnings = _complete(context, head, view, path, now.date())
        again = known.matching(context, view, found)
        if again is not None:
            result = _found_again(context, again, found)
            return _pushed(context, get_signer, result, warnings, with_remote, trust_root, ask, atomic, pulled, view)
        # Whoever may not record learns it before the hashing, not after.
        ledger.person_of(view, get_signer())
        remotes = Remotes(context, view.ledger.require_policy())
        proven = SealedBefore(context, view)
        with closing(Hashed(context.state_dir, proven)) as hashed:
            gathered = data.gather(head, found, remotes, hashed, progress)
        warnings = _apart(found, gathered, view, warnings, now.date())
        if unread := data.cached_metrics(found, gathered, remotes):
            found = experiment.with_metrics(found, unread)
    content, blobs = _content(found, gathered)
    existing = _existing(context, view, found, content)
    if existing is None:
        receipt = data.push_and_read_back(gathered, remotes, proven, progress, now)
        receipt.unread = hashed.unread

        def put(present: LedgerView) -> RecordResult:
            return seal(context, present, get_signer(), found, gathered, content, blobs, commit, receipt, now)

        result = _sealed(context, found, content, put, view, seen)
    else:
        result = _found_again(context, existing, found)
    return _pushed(context, get_signer, result, warnings, with_remote, trust_root, ask, atomic, pulled, view)


def _in_step(
    context: Context,
    get_signer: Callable[[], Signer],
    *,
    with_remote: bool,
    trust_root: str | None,
    ask: trust.Ask | None,
) -> tuple[LedgerView, list[str | None], bool]:
    """The ledger to build on, the refs as they stood before it was read, and whether anything was pulled for it."""
    pulled, judged = False, None
    if with_remote:
        # DVC is needed later on; its import fits into the time that is spent on waiting for the remote.
        Thread(target=opening.load, daemon=True).start()
        # What was fetched has been judged, and the local ledger extends it; since then the pin may have seen more.
        done = sync.pull(context, get_signer, trust_root=trust_root, ask=ask)
        pulled, judged = done.fetched > 0, done.judged
    else:
        recover(context)
    seen = _tips(context)
    view = ledger.require(context, judged)
    ledger.require_joined(view)
    if not pulled:
        trust.require(context, view, trust_root=trust_root, ask=ask)
    demands.remember(context.repo.common_dir, view.ledger)
    return view, seen, pulled


def _tips(context: Context) -> list[str | None]:
    """Where the refs stand that the ledger in force is read from."""
    return [context.repo.ref(name) for name in (LEDGER_REF, tracking_ref(context.remote or ""))]


def _sealed(
    context: Context,
    found: Experiment,
    content: bytes,
    put: Callable[[LedgerView], RecordResult],
    view: LedgerView,
    seen: list[str | None],
) -> RecordResult:
    """What `put` seals on top of the present ledger, or what another recorder has sealed of the same content by now.

    That is `view` where the refs stand where it was read, at `seen`; each attempt to put something on top changes it.
    """
    for attempt in range(retry.ATTEMPTS):
        try:
            with turn(context, WRITING):
                view = view if not attempt and _tips(context) == seen else ledger.require(context)
                existing = _existing(context, view, found, content)
                return put(view) if existing is None else _found_again(context, existing, found)
        except RefMovedError:
            # Somebody who did not wait was faster: judge and sign again on top of what they wrote.
            if attempt == retry.ATTEMPTS - 1:
                raise
            retry.wait(attempt, retry.LOCAL_SECONDS)
    raise AssertionError("unreachable")  # pragma: no cover


def _pushed(
    context: Context,
    get_signer: Callable[[], Signer],
    result: RecordResult,
    warnings: list[Finding],
    with_remote: bool,  # noqa: FBT001
    trust_root: str | None,
    ask: trust.Ask | None,
    atomic: bool,  # noqa: FBT001
    pulled: bool,  # noqa: FBT001
    view: LedgerView,
) -> RecordResult:
    """The result, after what is unpushed was pushed: a record found again may still wait for its push."""
    result.warnings = warnings
    if with_remote:
        done = sync.sync(context, get_signer, trust_root=trust_root, ask=ask, atomic=atomic, pulled=pulled, known=view)
        result.pushed = done.pushed
        result.warnings = [*warnings, *done.warnings]
    return result


def choose_manifest(paths: list[str], wanted: str | None, folder: str = "") -> str:
    """The manifest that is meant by somebody in `folder`. Raises UsageError where there is none, or several to choose from.

    A path is relative to the folder, as paths are for git, or to the root.
    """
    if wanted is None and posixpath.join(folder, FILE_NAME) in paths and folder:
        return posixpath.join(folder, FILE_NAME)
    if wanted is not None:
        starts = [posixpath.normpath(posixpath.join(start, wanted)) for start in (folder, "")]
        candidates = [name for start in starts for name in (start, posixpath.normpath(f"{start}/{FILE_NAME}"))]
        chosen = next((candidate for candidate in candidates if candidate in paths), None)
        if chosen is None:
            there = ", ".join(paths) or "none"
            raise UsageError(
                "manifest-missing", f"HEAD has no manifest {wanted} (there is: {there})", "git add, git commit"
            )
        return chosen
    if not paths:
        hint = "arcgit draft, then git add arcgit.yaml && git commit"
        raise UsageError("manifest-missing", f"HEAD has no {FILE_NAME}", hint)
    if len(paths) > 1:
        hint = f"arcgit record --manifest {word(paths[0])}"
        raise UsageError("manifest-ambiguous", f"there are several manifests: {', '.join(paths)}", hint)
    return paths[0]


def _complete(
    context: Context, head: Snapshot, view: LedgerView, path: str, today: date
) -> tuple[Experiment, list[Finding]]:
    """The experiment at HEAD, if it is complete, free of secrets and committed as it lies in the work tree."""
    found, faults = experiment.read(head, path)
    if found is None:
        raise IncompleteError(path, worst_first(faults))
    found = splits.looked_at(found, head, str(context.root))
    judged = completeness.judge(found, Demands.of(view.ledger.policy), today)
    findings = places.located(head, worst_first(judged))
    if any(finding.severity is not Severity.WARNING for finding in findings):
        raise IncompleteError(found.label, findings)
    # Data that DVC keeps is judged by its hash in the committed files; only what git keeps can be dirty.
    dirty = exchange.changed_paths(context.root, sorted(found.touches))
    if dirty:
        shown = ", ".join(dirty[:8]) + (f" and {len(dirty) - 8} more" if len(dirty) > 8 else "")
        message = f"files of {found.label} differ from HEAD: {shown}"
        hint = (
            f"git add {shlex.join(dirty)} && git commit" if len(dirty) <= 8 else "git status; git add them; git commit"
        )
        raise RefusedError("unstaged-change", message, hint)
    return waivers.only_used(found, findings), findings


def _apart(
    found: Experiment, gathered: Gathered, view: LedgerView, warnings: list[Finding], today: date
) -> list[Finding]:
    """The warnings, with the splits judged by what is about to be sealed. Raises IncompleteError where they overlap."""
    settled = completeness.settle(found, splits.sealed(found, gathered), Demands.of(view.ledger.policy), today)
    shared = [finding for finding in settled if finding.code == "split-overlap"]
    if any(finding.severity is not Severity.WARNING for finding in shared):
        raise IncompleteError(found.label, shared)
    kept = [finding for finding in warnings if not finding.code.startswith("split-overlap")]
    return worst_first([*kept, *shared])


def _content(found: Experiment, gathered: Gathered) -> tuple[bytes, list[bytes | mmap]]:
    """The bytes behind the run id, and the blobs that the record refers to."""
    lineage: dict[str, Any] = dict(found.lineage)
    blobs = list(gathered.blobs)
    raw = canonical.dumps(lineage)
    if len(raw) > records.MAX_LINEAGE_BYTES:
        blobs.append(raw)
        lineage = {"sha256": canonical.sha256(raw)}
    content = records.content_bytes(
        project=found.manifest.project,
        experiment=found.manifest.experiment,
        artifacts=gathered.facts.values(),
        params=found.params,
        metrics=found.metrics,
        lineage=lineage,
    )
    return content, blobs


def _existing(context: Context, view: LedgerView, found: Experiment, content: bytes) -> RecordState | None:
    run_id = records.run_id(content)
    same = [
        state
        for state in view.ledger.records.values()
        if (state.name.project, state.name.experiment, state.name.run_id)
        == (found.manifest.project, found.manifest.experiment, run_id)
    ]
    living = [state for state in same if not state.ended]
    present = context.repo.ref(living[0].name.refname) if living else None
    if living and present is not None and present != living[0].subject.oid:
        message = f"the tag {living[0].name.tag} is not the one that the ledger recorded"
        raise RefusedError("tag-not-as-recorded", message, "arcgit verify")
    if living and present is None:
        hint = f"arcgit sync, or: git fetch {word(context.remote or 'origin')} '{RECORD_PREFIX}*:{RECORD_PREFIX}*'"
        message = f"the ledger has a record of this content, {living[0].name.tag}, and its tag is not here"
        raise UndeterminedError("tags-missing", message, hint)
    if living and bytes(known.sealed(context, living[0]).predicate.content) != content:
        # 48 bits name a run; whoever makes two contents meet there must not pass one off as the other.
        message = f"{living[0].name.tag} has the same run id and other content"
        raise RefusedError("run-id-collision", message, "arcgit show it; then change anything in the experiment")
    return living[0] if living else None


def _found_again(context: Context, state: RecordState, found: Experiment) -> RecordResult:
    """The record that exists, if it says the same; owner, purpose and retention are outside the run id."""
    differing = known.differing(context, state, found)
    if differing:
        said = "; ".join(f"{name}: recorded {old!r}, manifest {new!r}" for name, old, new in differing)
        message = f"{state.name.tag} has the same content, but {said}"
        hint = f"a custodian can say it anew: arcgit amend {state.name.short_id} --help"
        raise RefusedError("record-differs", message, hint)
    return RecordResult(state.name, state.subject.oid, state.commit, created=False)
