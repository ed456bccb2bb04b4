"""`policy show`, `diff`, `sign`, `adopt`, `reset`; `amend`: signed events by people with the role."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from arcgit.archive.events.amend import amend as run_amend
from arcgit.archive.policy import policychange, policyfile, policyhistory
from arcgit.archive.policy.policychange import Proposal
from arcgit.cli import output
from arcgit.cli.app import opened
from arcgit.cli.clock import now
from arcgit.cli.events import event_facts, exchange_of, say_pushed, signer_of
from arcgit.cli.options import Json, NonAtomic, NoPush, Record, TrustRoot
from arcgit.model.text import escape
from arcgit.report import pages
from arcgit.report.keys import history_text, loosened_text

policy_app = typer.Typer(
    help="Who may do what: what is in force, what is proposed, and its adoption.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.add_typer(policy_app, name="policy")
    app.command(epilog="Example: arcgit amend 3f9c0a --purpose 'Baseline, corrected' --reason 'Typo'")(amend)


@policy_app.command(epilog="Example: arcgit policy show")
def show(context: typer.Context, json: Json = False) -> None:
    """Show the policy in force: people, roles, keys, thresholds, retention classes."""
    view = policychange.in_force(opened(context))
    known = view.ledger
    policy = known.require_policy()
    history = [one.to_dict() for one in policyhistory.versions(known)]
    if json:
        body = {"digest": known.policy_digest, "event": known.policy_seq, "policy": msgspec.to_builtins(policy)}
        output.emit({"schema": "arcgit/policy-show/v1", **body, "history": history})
        return
    output.say(pages.policy_page(policy, known.policy_digest, known.policy_seq))
    output.say(history_text(history))


@policy_app.command(epilog="Example: arcgit policy diff")
def diff(context: typer.Context, json: Json = False) -> None:
    """Show what .arcgit/policy.yaml would change, and who has approved it."""
    repo = opened(context)
    found = policychange.proposal(repo, policychange.in_force(repo))
    if json:
        output.emit({"schema": "arcgit/policy-diff/v1", **proposal_facts(found)})
        return
    say_proposal(found)


@policy_app.command(epilog="Example: arcgit policy reset && git diff .arcgit")
def reset(context: typer.Context, json: Json = False) -> None:
    """Write .arcgit/ as it is in force; a proposal that stands there is gone, and so are comments in it."""
    repo = opened(context)
    repo.require_work_tree()
    paths = policyfile.reset(repo.root, policychange.in_force(repo).ledger.require_policy())
    if json:
        output.emit({"schema": "arcgit/policy-reset/v1", "paths": paths})
        return
    output.say(*[f"Wrote {escape(path)}" for path in paths] or ["The proposal is what is in force."])


@policy_app.command(epilog="Example: arcgit policy sign && git add .arcgit && git commit")
def sign(context: typer.Context, json: Json = False) -> None:
    """Approve the proposed policy: writes a signed file below .arcgit/approvals/ to commit."""
    repo = opened(context)
    path, found = policychange.sign(repo, signer_of(repo)())
    if json:
        output.emit({"schema": "arcgit/policy-sign/v1", "path": path, **proposal_facts(found)})
        return
    say_proposal(found)
    output.say(f"Wrote {path}. Next: git add {policyfile.FOLDER} && git commit")


@policy_app.command(epilog="Example: arcgit policy adopt")
def adopt(
    context: typer.Context,
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Put the proposed policy on the ledger: from then on it is in force."""
    repo = opened(context)
    exchange = exchange_of(no_push, non_atomic, trust_root)
    done, found = policychange.adopt(repo, signer_of(repo), exchange=exchange, now=now())
    if json:
        output.emit({"schema": "arcgit/policy-adopt/v1", **event_facts(done), **proposal_facts(found)})
        return
    already = "" if done.created else " already"
    output.say(f"Policy {found.policy.version} is in force{already} from event {done.seq} on.")
    say_pushed(repo, done)


def amend(
    context: typer.Context,
    record: Record,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; it stays on the ledger.")],
    owner: Annotated[str | None, typer.Option(help="Who answers for it now.")] = None,
    purpose: Annotated[str | None, typer.Option(help="Why the experiment was run.")] = None,
    retention: Annotated[str | None, typer.Option(help="A retention class of the policy.")] = None,
    no_push: NoPush = False,
    non_atomic: NonAtomic = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Say owner, purpose or retention of a record anew; the record stays as it was sealed."""
    repo = opened(context)
    said = {"owner": owner, "purpose": purpose, "retention": retention}
    exchange = exchange_of(no_push, non_atomic, trust_root)
    done = run_amend(repo, signer_of(repo), record, said=said, reason=reason, exchange=exchange, now=now())
    if json:
        output.emit({"schema": "arcgit/amend/v1", **event_facts(done)})
        return
    output.say(f"Amended {escape(record)} with event {done.seq}.")
    say_pushed(repo, done)


def proposal_facts(found: Proposal) -> dict[str, Any]:
    """A proposal, for JSON."""
    rows = [{"place": change.place, "before": change.before, "after": change.after} for change in found.changes]
    loosened = [{"place": one.place, "message": one.message} for one in found.loosened]
    body = {"version": found.policy.version, "digest": found.digest, "changes": rows, "loosened": loosened}
    return {**body, "approved": found.approved, "needed": found.needed}


def say_proposal(found: Proposal) -> None:
    """Say what a proposal changes, what it loosens, and who approved it."""
    if not found.changes:
        output.say("The proposal is what is in force.")
        return
    output.say(pages.changes_text([(change.place, change.before, change.after) for change in found.changes]))
    output.say(loosened_text(found.loosened))
    approved = ", ".join(found.approved) or "nobody yet"
    output.say(f"Approved by {approved}; {found.needed} needed. Digest {found.digest[:16]}…")
