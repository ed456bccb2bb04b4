"""What a policy says stays on the ledger for ever, as what is sealed does: likely secrets in it are refused unsigned."""

from __future__ import annotations

from collections.abc import Iterator

from arcgit.errors import RefusedError
from arcgit.model.policy import Policy
from arcgit.rules import secrets


def require_clean(proposed: Policy, present: Policy | None = None) -> None:
    """Raises RefusedError for a text that looks like it has a secret in it, which is shown masked.

    What the policy in force says already cannot be unsaid, and stands in nobody's way.
    """
    said = {text for _, text in _texts(present)} if present is not None else set()
    for place, text in _texts(proposed):
        hits = secrets.hits_in(text) if text not in said else ()
        if hits:
            what = f"{hits[0].what}: {secrets.mask(hits[0].secret)}"
            message = f"`{place}` of the policy looks like {what}; a policy stays on the ledger for ever"
            raise RefusedError("secret-found", message, _way_on(place))


def _way_on(place: str) -> str:
    if place.startswith("remotes."):
        return "pin the address without it, and keep it where only you read: dvc remote modify --local REMOTE …"
    return "say it without the secret, and change it where it is used"


def _texts(policy: Policy) -> Iterator[tuple[str, str]]:
    """Every text that a person wrote, with its place; public keys and fingerprints are none."""
    for slug, person in policy.people.items():
        yield f"people.{slug}.name", person.name
        yield f"people.{slug}.email", person.email
    for name, remote in policy.remotes.items():
        yield f"remotes.{name}", remote.url
    for fingerprint, entry in policy.compromised.items():
        yield f"compromised.{fingerprint}.reason", entry.reason
