"""What a person says in an event stays for ever, as what is sealed does: likely secrets are refused before it is signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arcgit.errors import RefusedError
from arcgit.rules import secrets

TEXTS = ("comment", "reason", "outcome", "owner", "purpose")


def require_clean(data: Mapping[str, Any]) -> None:
    """Raises RefusedError for a text that looks like it has a secret in it, which is shown masked."""
    for name in TEXTS:
        text = data.get(name)
        hits = secrets.hits_in(text) if isinstance(text, str) else ()
        if hits:
            what = f"{hits[0].what}: {secrets.mask(hits[0].secret)}"
            message = f"what is said looks like {what}; an event stays on the ledger for ever"
            raise RefusedError("secret-found", message, "say it without the secret, and change it where it is used")
