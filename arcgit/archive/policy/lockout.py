"""Refusing a policy that would lock everybody out: what is on the ledger can only be changed by those whom it names."""

from __future__ import annotations

from datetime import datetime

from arcgit.errors import RefusedError
from arcgit.model.policy import Person, Policy
from arcgit.model.text import count
from arcgit.signing.keyfacts import certificate
from arcgit.signing.keys import PublicKey

HINT = "first give somebody the role and a key: arcgit keys add PERSON KEY --role admin; or lower thresholds.policy"


def require_open(present: Policy, proposed: Policy, now: datetime) -> None:
    """Refuse a policy that nobody could change any more, or by which nothing could be approved. Raises RefusedError."""
    for person, key in ((name, key) for name, entry in proposed.people.items() for key in entry.keys):
        if certificate(PublicKey(key.type, key.fingerprint, key.public_key)).parts[0].revoked:
            message = f"the key {key.fingerprint} of {person} is revoked and still listed"
            raise RefusedError("key-revoked", message, f"arcgit keys retire {key.fingerprint}")
    admins = [name for name, person in proposed.people.items() if "admin" in person.roles and _signs(person, now)]
    if len(admins) < proposed.thresholds.policy:
        message = (
            f"that would leave {count(len(admins), 'admin')} with a key that can sign, and {proposed.thresholds.policy}"
            " must agree to a policy: nobody could change it any more"
        )
        raise RefusedError("policy-lockout", message, HINT)
    reviewers, wanted = _reviewers(proposed), proposed.thresholds.review
    if reviewers < wanted and _reviewers(present) >= present.thresholds.review:
        message = f"that would leave {count(reviewers, 'reviewer')} with a key, and {wanted} must approve a record"
        raise RefusedError(
            "policy-lockout", message, "first arcgit keys add another reviewer, or lower thresholds.review"
        )


def _signs(person: Person, now: datetime) -> bool:
    keys = (PublicKey(key.type, key.fingerprint, key.public_key) for key in person.keys)
    return any(certificate(key).can_sign(now) for key in keys)


def _reviewers(policy: Policy) -> int:
    return sum("reviewer" in person.roles and bool(person.keys) for person in policy.people.values())
