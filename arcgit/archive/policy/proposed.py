"""Says of a change that edits `.arcgit/` what it does: nothing, until somebody with the role adopts it on the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from arcgit.archive.ledger import LedgerView
from arcgit.archive.policy import policyfile
from arcgit.archive.policy.policychange import changes
from arcgit.errors import RefusedError
from arcgit.git.snapshot import Snapshot
from arcgit.model.finding import Finding, Place, warning
from arcgit.model.policy import MAX_POLICY_BYTES, Policy
from arcgit.model.text import count

MAX_SHOWN = 4


def edited(view: LedgerView, before: Snapshot, after: Snapshot) -> Iterator[Finding]:
    """A finding where the policy proposal differs between two revs and is not what is in force by now."""
    paths = set(before.below(policyfile.FOLDER)) | set(after.below(policyfile.FOLDER))
    touched = sorted(path for path in paths if before.entries.get(path) != after.entries.get(path))
    policy = view.ledger.policy
    if not touched or (policy is not None and _in_force(policy, after)):
        return
    shown = ", ".join(touched[:MAX_SHOWN])
    more = f" and {count(len(touched) - MAX_SHOWN, 'other')}" if len(touched) > MAX_SHOWN else ""
    message = f"this edits {shown}{more}: it changes nothing until an admin adopts it on the ledger"
    hint = "arcgit policy diff, then arcgit policy adopt"
    subject = policyfile.POLICY_FILE if policyfile.POLICY_FILE in touched else touched[0]
    yield warning("policy-not-adopted", subject, message, hint=hint, place=Place(subject))


def _in_force(policy: Policy, files: Snapshot) -> bool:
    paths = files.below(policyfile.KEYS_FOLDER)
    if len(paths) > policyfile.MAX_KEY_FILES:
        return False
    try:
        data = files.read(policyfile.POLICY_FILE, MAX_POLICY_BYTES)
        keys = [(files.read(path, policyfile.MAX_KEY_BYTES) or b"").decode(errors="replace") for path in paths]
        proposal = policyfile.parse_proposal(data or b"", keys)
    except RefusedError:
        return False
    return proposal.version == policy.version and not list(changes(policy, proposal))
