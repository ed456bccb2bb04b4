"""What the rules need to know about one signature, and the findings it gives.

The cryptography is elsewhere; the rules are handed a `Verifier`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from arcgit.model.finding import Finding, error, unknown
from arcgit.model.policy import Policy

UNDETERMINED = frozenset({"signature-unsupported", "verifier-unavailable"})
"""Codes of signatures that could not be checked; every other code is a no."""


class Checked(msgspec.Struct, frozen=True):
    """The outcome for one signature. `code` is empty where it is good; then `fingerprint` is the policy's key.

    `expires` is when the policy's certificate lets the key that signed end (UTC, as events write it), or empty;
    `revoked` where it says that the key was given up, which leaves only what was signed before.
    """

    fingerprint: str = ""
    code: str = ""
    detail: str = ""
    expires: str = ""
    revoked: bool = False


Verifier = Callable[[Policy, bytes, bytes, str], Checked]
"""Called with the policy whose keys count, the payload, the armored signature and the namespace."""


def signer_findings(
    checked: Checked, policy: Policy, roles: frozenset[str], subject: str
) -> tuple[str | None, list[Finding]]:
    """The person who signed, or None, and what is wrong with the signature or with the person's roles."""
    if checked.code:
        make = unknown if checked.code in UNDETERMINED else error
        hint = "install what is missing, and run it again" if checked.code == "verifier-unavailable" else ""
        return None, [make(checked.code, subject, checked.detail, hint=hint)]
    person = policy.person_of(checked.fingerprint)
    if person is None:
        return None, [
            error("signer-unknown", subject, "no person of the policy has this key", found=checked.fingerprint)
        ]
    if not policy.has_role(person, roles):
        wanted = " or ".join(sorted(roles))
        held = ", ".join(policy.people[person].roles) or "no role"
        message = f"{person} may not do this: it takes the role {wanted}, and {person} has {held}"
        hint = (
            f"an admin can grant it: add a role to `people.{person}` in .arcgit/policy.yaml, then `arcgit policy adopt`"
        )
        return person, [error("signer-role", subject, message, expected=wanted, found=held, hint=hint)]
    return person, []
