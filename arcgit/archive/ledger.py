"""The ledger of this repository: which ref is in force, its replayed state, and new events on top."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from arcgit.archive.context import Context
from arcgit.archive.judge import ClaimReader, SignatureJudge
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git.repository import HistoryBrokenError, MissingObjectError, Repository, WrongKindError
from arcgit.model.event import Event
from arcgit.model.finding import Finding, Severity, error, unknown, warning
from arcgit.model.names import LEDGER_REF, tracking_ref
from arcgit.model.text import quoted, word
from arcgit.rules.chain import Elsewhere, Entry, Ledger, replay
from arcgit.rules.packed import Remember
from arcgit.rules.signature import Verifier
from arcgit.signing import native

READS = 5
"""How often a ledger is read anew that somebody writes to at the same time."""


class Other(NamedTuple):
    """A ledger of this clone that is not in force, and which of its events wait there; None for all that are not shared."""

    view: LedgerView
    events: frozenset[str] | None


@dataclass
class LedgerView:
    """The ledger in force: the ref it was read from, its state, and everything found wrong with it.

    `local` is what the local ref was when this was read: the next event may only be put on top of that. `parted` where
    it has events that this ledger does not have. `others` are the other ledgers of this clone, once they were asked for.
    """

    ref: str
    ledger: Ledger
    findings: list[Finding] = field(default_factory=list)
    judge: SignatureJudge = field(default_factory=SignatureJudge)
    local: str | None = None
    parted: bool = False
    others: list[Other] | None = None

    @property
    def faults(self) -> list[Finding]:
        """The findings that keep the ledger from being relied upon."""
        return [found for found in self.findings if found.severity is not Severity.WARNING]


def entries_of(repo: Repository, tip: str) -> list[Entry]:
    """The ledger commits up to `tip`, oldest first. Raises MissingObjectError for a ledger that is not all there."""
    try:
        return [Entry(oid, raw) for oid, raw in repo.first_parents(tip)][::-1]
    except WrongKindError as fault:
        if fault.oid != tip or fault.kind == "commit":
            raise
        way = (
            "git update-ref REF 'REF^{commit}' there"
            if fault.kind == "tag"
            else f"git fetch REMOTE '+{LEDGER_REF}:REF'"
        )
        message = f"a ref of the ledger names {tip}, which is a {fault.kind} and no commit"
        hint = f"git for-each-ref refs/notes tells which REF it is; {way} mends it"
        raise RefusedError("ledger-chain", message, hint) from fault


def _replayed(
    repo: Repository, tip: str, verify: Verifier, *, rendered: bool | Elsewhere, remember: Remember
) -> tuple[Ledger, list[Finding]]:
    try:
        return replay(map(Entry._make, repo.history(tip)), verify, rendered=rendered, remember=remember)
    except HistoryBrokenError:
        return replay(entries_of(repo, tip), verify, rendered=rendered, remember=remember)


def believed(repo: Repository, tip: str) -> Ledger:
    """The ledger up to `tip`, which was judged before: no signature is checked again, and the notes are left out."""
    return _replayed(repo, tip, ClaimReader(), rendered=False, remember="everything")[0]


def read(
    context: Context,
    ref: str,
    claims: ClaimReader | None = None,
    *,
    remember: Remember = "everything",
    elsewhere: Elsewhere | None = None,
) -> LedgerView | None:
    """Replay the ledger at one ref, or None where the ref does not exist.

    With `claims` it is only read: neither signatures nor trees are checked, and nothing may be built on it. What is
    checked `elsewhere` is believed here. `remember` is as in `replay`.
    """
    tip = context.repo.ref(ref)
    if tip is None:
        return None
    view = LedgerView(ref, Ledger())
    try:
        if claims is None and elsewhere is None and native.incomplete():
            # Which key must have signed an event hangs on the events before it, so they are first read on trust.
            believed = ClaimReader(keep=True)
            _replayed(context.repo, tip, believed, rendered=False, remember="standing")
            view.judge.ask_ahead(believed.believed)
        by, rendered = claims or elsewhere or view.judge, elsewhere or claims is None
        view.ledger, view.findings = _replayed(context.repo, tip, by, rendered=rendered, remember=remember)
    except MissingObjectError as fault:
        hint = fetch_command(context)
        view.findings.append(unknown("notes-missing", ref, f"the ledger is not complete: {fault.message}", hint=hint))
        return view
    except RefusedError as fault:
        view.findings.append(error("ledger-chain", ref, fault.message, hint=fault.hint or "git fsck"))
        return view
    if ref != LEDGER_REF:
        view.findings = [_on_remote(context, found, view.ledger.tip, tip) for found in view.findings]
    return view


def read_once(context: Context, ref: str, known: LedgerView | None) -> LedgerView | None:
    """As `read`, but `known` where that is the ledger at the ref: its replay came to the very tip, without a fault.

    The state is the same one then, not a copy: whoever puts an event on top of it changes it for both.
    """
    tip = context.repo.ref(ref)
    if known is None or tip is None or known.ledger.tip != tip or known.faults:
        return read(context, ref)
    return dataclasses.replace(known, ref=ref, others=None)


def _on_remote(context: Context, found: Finding, good: str | None, bad: str) -> Finding:
    """A foreign commit that was pushed can only be taken away at the remote, by somebody who may force a ref there."""
    if found.code != "ledger-foreign-commit" or good is None:
        return found
    remote = context.remote or "origin"
    command = f"git push --force-with-lease={LEDGER_REF}:{bad} {word(remote)} {good}:{LEDGER_REF}"
    return replace(
        found, hint=f"it was pushed to `{remote}`; this takes it away there and leaves every event: {command}"
    )


def fetch_command(context: Context) -> str:
    """What brings the ledger into a clone that has none."""
    remote = context.remote or "origin"
    return f"git fetch {word(remote)} {quoted(f'+{LEDGER_REF}:{tracking_ref(remote)}')}"


def in_force(
    context: Context,
    claims: ClaimReader | None = None,
    *,
    remember: Remember = "everything",
    elsewhere: Elsewhere | None = None,
    known: LedgerView | None = None,
) -> LedgerView | None:
    """The local ledger if it equals or extends what was last fetched, else what was last fetched; None without any.

    The options are those of `read`; `known` is as in `read_once`.
    """
    for _ in range(READS):
        local = context.repo.ref(LEDGER_REF)
        view = _again(context, local, known)
        view = view or _chosen(context, local, claims, remember=remember, elsewhere=elsewhere)
        if view is None:
            return None
        view.local = local
        if view.ref != LEDGER_REF or view.ledger.tip is None or view.faults or view.ledger.tip == local:
            return view
    raise UndeterminedError("ref-moved", "the ledger changed while it was read", "run the command again")


def _again(context: Context, local: str | None, known: LedgerView | None) -> LedgerView | None:
    """`known` where both this clone and the remote, as last fetched, have that ledger; None where it is to be read."""
    fetched = context.repo.ref(tracking_ref(context.remote)) if context.remote else None
    if known is None or known.parted or local is None or fetched not in {None, local} or known.ledger.tip != local:
        return None
    return read_once(context, LEDGER_REF, known)


def _chosen(
    context: Context, local: str | None, claims: ClaimReader | None, *, remember: Remember, elsewhere: Elsewhere | None
) -> LedgerView | None:
    repo = context.repo
    tracking = repo.ref(tracking_ref(context.remote)) if context.remote else None
    if tracking is None or local == tracking:
        return read(context, LEDGER_REF, claims, remember=remember, elsewhere=elsewhere)
    fetched = tracking_ref(context.remote or "")
    if local is None or _is_ancestor(repo, local, tracking):
        return read(context, fetched, claims, remember=remember, elsewhere=elsewhere)
    if _is_ancestor(repo, tracking, local):
        return read(context, LEDGER_REF, claims, remember=remember, elsewhere=elsewhere)
    view = read(context, fetched, claims, remember=remember, elsewhere=elsewhere)
    ours = read(context, LEDGER_REF, claims, remember=remember, elsewhere=elsewhere)
    if view is None or ours is None:  # pragma: no cover  both refs were there a moment ago
        raise UndeterminedError("ref-moved", "the ledger's refs changed while they were read", "run the command again")
    view.parted = True
    if ours.ledger.genesis and view.ledger.genesis and ours.ledger.genesis != view.ledger.genesis:
        message = f"{context.remote} holds another archive than this clone has had so far"
        hint = "ask whoever runs the remote; or choose another: git config arcgit.remote NAME"
        here, there = (f"{one.ledger.archive} from {one.ledger.genesis}" for one in (ours, view))
        view.findings.append(error("ledger-fork", fetched, message, expected=here, found=there, hint=hint))
    elif ours.faults:
        view.findings += [
            error("ledger-fork", LEDGER_REF, f"the local ledger differs from {fetched} and is not valid"),
            *ours.faults,
        ]
    else:
        message = f"the local ledger has events that {context.remote} does not have, and the other way round"
        view.findings.append(warning("ledger-unsynced", LEDGER_REF, message, hint="arcgit sync"))
    return view


def _is_ancestor(repo: Repository, ancestor: str, descendant: str) -> bool:
    try:
        return repo.is_ancestor(ancestor, descendant)
    except UndeterminedError:
        return False


def require(context: Context, known: LedgerView | None = None) -> LedgerView:
    """The ledger in force, valid. Raises UndeterminedError without one, RefusedError where it does not hold.

    `known` is as in `read_once`.
    """
    view = in_force(context, known=known)
    if view is None:
        hint = f"arcgit init (or, in a clone of an archive: {fetch_command(context)})"
        raise UndeterminedError("ledger-missing", "this repository has no arcgit ledger", hint)
    if view.faults:
        found = view.faults[0]
        message = f"the ledger does not hold: {found.subject}: {found.message}"
        kind = RefusedError if found.severity is Severity.ERROR else UndeterminedError
        raise kind(found.code, message, found.hint or "arcgit verify")
    return view


def require_joined(view: LedgerView) -> None:
    """Refuse an event on a ledger that lacks what waits on the local one, which would be lost. Raises RefusedError."""
    if view.parted:
        message = f"the local ledger has events that {view.ref} does not have, and the other way round"
        raise RefusedError("ledger-unsynced", message, "arcgit sync puts yours on top of the others; then again")


def to_dict(event: Event) -> dict[str, Any]:
    """The event as JSON output shows it."""
    value: dict[str, Any] = msgspec.to_builtins(event)
    return value
