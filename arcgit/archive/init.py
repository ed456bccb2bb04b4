"""`arcgit init`: found an archive in this repository, or join the one that a remote has."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from arcgit.archive import belonging, demands, ledger, newevent, pin, trust
from arcgit.archive.context import Context
from arcgit.archive.hooks import hooks
from arcgit.archive.hooks.hooks import HookState
from arcgit.archive.judge import SignatureJudge
from arcgit.archive.ledger import LedgerView
from arcgit.archive.policy import policyfile, policywords
from arcgit.archive.workspace import projects
from arcgit.dvc import pinned
from arcgit.dvc.opening import settings_of
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError, UsageError
from arcgit.git import exchange, snapshot
from arcgit.git.repository import ZERO, RefUpdate
from arcgit.model import canonical
from arcgit.model import event as events
from arcgit.model import policy as policies
from arcgit.model.event import Event
from arcgit.model.finding import Finding
from arcgit.model.names import LEDGER_REF, is_slug, slugify, tracking_ref
from arcgit.model.notetree import EMPTY_TREE, RawObject
from arcgit.model.policy import Policy
from arcgit.rules.chain import Entry, Ledger, replay
from arcgit.signing.signer import Signer, signer_from_config


@dataclass
class InitResult:
    """What init did. `outcome` is `founded`, `joined` or `unchanged`; `changes` lists everything it wrote.

    `keyless` says why this person has no signing key, where that is so.
    """

    outcome: str
    archive: str
    founder: str
    genesis: str
    person: str | None
    changes: list[str] = field(default_factory=list)
    hooks: list[HookState] = field(default_factory=list)
    keyless: str = ""


def init(
    context: Context,
    *,
    project: str | None,
    new_archive: bool,
    trust_root: str | None,
    ask: trust.Ask | None,
    now: datetime,
) -> InitResult:
    """Found or join; idempotent. Raises ArcgitError before anything is written where it cannot be done whole."""
    _require_fit(context, project)
    view = ledger.in_force(context)
    outcome = "unchanged"
    changes: list[str] = []
    if view is None:
        remote = _remote_with_ledger(context, new_archive=new_archive)
        if remote is None:
            _require_new(context, new_archive=new_archive)
            view, changes = _found(context, project, now)
            outcome = "founded"
        else:
            context = Context(context.repo, context.settings, remote, context.state_dir)
            if context.settings.remote() is None and context.settings.set("arcgit.remote", remote):
                changes.append(f"arcgit.remote {remote}")
            exchange.fetch(context.root, remote, [f"+{LEDGER_REF}:{tracking_ref(remote)}"])
            view = ledger.require(context)
            outcome = "joined"
    elif view.faults:
        view = ledger.require(context)
    signer, reason = _signer(context)
    if signer is not None and _founded_here(context, view, signer):
        # Killed before the pin was written: the person's own key began this ledger, and it never left this clone.
        trust.remember(context, view)
    if outcome != "founded":
        trust.require(context, view, trust_root=trust_root, ask=ask)
    if context.repo.ref(LEDGER_REF) is None and view.ledger.tip is not None:
        context.repo.update_refs([RefUpdate(LEDGER_REF, view.ledger.tip, ZERO)])
        changes.append(LEDGER_REF)
        outcome = "joined"
    trust.remember(context, view)
    demands.remember(context.repo.common_dir, view.ledger)
    changes += _settings(context)
    changes += _settled(context, view.ledger.archive)
    states = hooks.install(context)
    changes += [f"{state.name} hook" for state in states if state.outcome == "installed"]
    founded = view.ledger
    person = founded.require_policy().person_of(signer.public_key.fingerprint) if signer is not None else None
    result = InitResult(outcome, founded.archive, founded.founder, founded.genesis, person, changes, states)
    result.keyless = reason
    return result


def _require_fit(context: Context, project: str | None) -> None:
    context.require_work_tree()
    for remote in context.settings.remotes():
        exchange.require_remote_name(remote)
    if project is not None and not is_slug(project):
        hint = f"for example: --project {slugify(project)}"
        raise UsageError("project-name", f"`{project}` does not match [a-z0-9][a-z0-9_-]{{0,62}}", hint)
    if not (context.root / ".dvc").is_dir() and not _has_project(context):
        raise UsageError("not-a-dvc-repository", "there is no .dvc folder here", "dvc init")


def _has_project(context: Context) -> bool:
    """True where `dvc init --subdir` made a project somewhere below the root."""
    with snapshot.of_worktree(context.root) as files:
        return bool(projects(files))


def _remote_with_ledger(context: Context, *, new_archive: bool) -> str | None:
    for remote in context.settings.remotes():
        try:
            found = exchange.list_remote(context.root, remote, LEDGER_REF)
        except UndeterminedError as fault:
            if new_archive:
                continue
            hint = f"{fault.hint}; or, if it holds no archive: arcgit init --new-archive"
            raise UndeterminedError(fault.code, f"{fault.message}. It may hold an archive to join", hint) from fault
        if found:
            if new_archive:
                message = f"`{remote}` holds an archive already"
                raise RefusedError("archive-exists", message, "arcgit init (without --new-archive) joins it")
            return remote
    return None


def _require_new(context: Context, *, new_archive: bool) -> None:
    """Refuse to begin a second ledger for an archive that begins elsewhere. Raises RefusedError, UndeterminedError."""
    policy = policyfile.proposal(context.root)
    if policy is None:
        return
    known = pin.load(context.state_dir, policy.archive)
    hint = "in the clone where `arcgit init` was run: arcgit sync; then run arcgit init here again"
    if known is not None:
        message = f"archive {policy.archive} has a ledger already (genesis {known.genesis}), and no remote here has it"
        raise RefusedError("archive-exists", message, hint)
    if not new_archive and exchange.is_committed(context.root, policyfile.POLICY_FILE):
        message = f"{policyfile.POLICY_FILE} at HEAD names archive {policy.archive}, and no remote here has its ledger"
        raise UndeterminedError("ledger-missing", message, f"{hint}; if there is none yet: arcgit init --new-archive")


def _found(context: Context, project: str | None, now: datetime) -> tuple[LedgerView, list[str]]:
    name, email = context.settings.identity()
    signer = signer_from_config(context.settings.flat(), email=email)
    policy = policyfile.proposal(context.root) or policyfile.first_policy(
        archive=str(uuid4()),
        project=project or slugify(context.root.name),
        name=name,
        email=email,
        key=signer.public_key,
        remotes=_pins(context),
    )
    policywords.require_clean(policy)
    view, objects, tip = found_ledger(policy, signer, time=newevent.timestamp(now), identity=(name, email))
    # The files first: killed in between, the next run finds the same proposal and founds the same archive.
    written = policyfile.write(context.root, policy)
    written += _settled(context, policy.archive)
    with context.repo.held(objects):
        context.repo.update_refs([RefUpdate(LEDGER_REF, tip, ZERO)])
    return view, [LEDGER_REF, *written]


def _pins(context: Context) -> dict[str, str]:
    """The default DVC remote as it stands, if the repository itself says where it is."""
    if not (context.root / ".dvc").is_dir():
        return {}
    remote = settings_of(context.root)
    if remote is None or "url" not in remote.tracked or pinned.PROGRAMS & remote.tracked:
        return {}
    return pinned.to_pin(remote, str(context.root))


def found_ledger(
    policy: Policy, signer: Signer, *, time: str, identity: tuple[str, str]
) -> tuple[LedgerView, list[RawObject], str]:
    """A new ledger in memory: genesis and first policy. Returns its view, the objects to write and the tip's oid."""
    text = policies.serialise(policy)
    digest = policies.digest(text)
    actor = policy.person_of(signer.public_key.fingerprint)
    if actor is None:
        message = f"{policyfile.POLICY_FILE} is there, but your key {signer.public_key.fingerprint} is not in it"
        raise RefusedError("signer-unknown", message, f"add the key, or remove {policyfile.FOLDER}/ and run init again")
    if policy.version != 1:
        message = f"{policyfile.POLICY_FILE}: the first policy of an archive has version 1, not {policy.version}"
        raise RefusedError("policy-invalid", message, f"set `version: 1` in {policyfile.POLICY_FILE}")
    payload = policies.approval_payload(archive=policy.archive, version=policy.version, previous=None, policy=digest)
    approval = {
        "fingerprint": signer.public_key.fingerprint,
        "person": actor,
        "signature": signer.sign(payload, policies.NAMESPACE).decode(),
    }
    view = LedgerView(LEDGER_REF, Ledger(), [], SignatureJudge())
    common: dict[str, Any] = {"schema": events.SCHEMA, "archive": policy.archive, "actor": actor, "time": time}
    genesis = Event(seq=1, type="genesis", previous=None, subject=None, data={"policy": digest}, **common)
    first = newevent.sign_event(genesis, signer, tree=EMPTY_TREE, parent=None, identity=identity)
    adopted = Event(
        seq=2,
        type="policy",
        previous=canonical.sha256(first.raw),
        subject=None,
        data={"version": 1, "digest": digest, "previous": None, "policy": text, "approvals": [approval]},
        **common,
    )
    second = newevent.sign_event(adopted, signer, tree=EMPTY_TREE, parent=first.oid, identity=identity)
    faults = _replayed(view, [Entry(first.oid, first.raw), Entry(second.oid, second.raw)])
    if faults:
        raise RefusedError(faults[0].code, f"the new ledger does not hold: {faults[0].message}", faults[0].hint)
    return view, [RawObject("tree", EMPTY_TREE, b""), first, second], second.oid


def _replayed(view: LedgerView, entries: list[Entry]) -> list[Finding]:
    view.ledger, faults = replay(entries, view.judge)
    return faults


def _settings(context: Context) -> list[str]:
    # Only where a ledger is there to be brought: `git fetch` and `git pull` fail for a ref that the remote does not have.
    remotes = [name for name in context.settings.remotes() if context.repo.ref(tracking_ref(name)) is not None]
    return [f"fetch settings of {name}" for name in remotes if context.settings.fetch_ledger_from(name)]


def _settled(context: Context, archive: str) -> list[str]:
    return [f"{belonging.SETTING} {archive}"] if belonging.settle(context, archive) else []


def _founded_here(context: Context, view: LedgerView, signer: Signer) -> bool:
    fetched = context.repo.ref(tracking_ref(context.remote)) if context.remote else None
    own = view.ref == LEDGER_REF and context.repo.ref(LEDGER_REF) is not None
    return own and fetched is None and signer.public_key.fingerprint == view.ledger.founder


def _signer(context: Context) -> tuple[Signer | None, str]:
    """The person's signer, or why there is none: reading an archive needs no key."""
    try:
        return signer_from_config(context.settings.flat(), email=context.settings.get("user.email")), ""
    except ArcgitError as fault:
        return None, fault.message
