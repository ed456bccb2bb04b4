"""What commands that write an event have in common: who signs it, how it is exchanged, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended, Exchange
from arcgit.cli import output
from arcgit.signing import bound
from arcgit.signing.signer import Signer, signer_from_config


def signer_of(repo: Context, signatures: int | None = None) -> Callable[[], Signer]:
    """The person's signer, made when it is first needed and asked for once.

    `signatures` is how often a key may be asked that needs a touch or a PIN, where that is not as ever.
    """
    made: list[Signer] = []

    def get() -> Signer:
        if not made:
            made.append(signer_from_config(repo.settings.flat(), email=repo.settings.get("user.email")))
            if signatures is not None:
                bound.allow(made[0], signatures)
        return made[0]

    return get


def exchange_of(no_push: bool, non_atomic: bool, trust_root: str | None) -> Exchange:
    """How the options of a command say that its event is exchanged."""
    return Exchange(push=not no_push, atomic=not non_atomic, trust_root=trust_root, ask=output.ask())


def event_facts(done: Appended) -> dict[str, Any]:
    """An event that was written, for JSON."""
    return {"seq": done.seq, "oid": done.oid, "pushed": done.pushed}


def say_pushed(repo: Context, done: Appended) -> None:
    """Say where an event still is not."""
    if done.here and repo.remote is not None:
        output.say("It is only here until arcgit sync.")
