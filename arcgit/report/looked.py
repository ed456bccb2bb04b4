"""What a verdict covers, in words: how much was looked at, and by whose word some of it was not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from arcgit.model.text import count, size

_TOOLS = frozenset({"gpgv", "ssh-keygen"})
MAX_EVENTS = 5
Scope = Mapping[str, Any]


def scope_words(scope: Scope) -> str:
    """What stands beside the verdict."""
    parts = [count(int(scope["records_checked"]), "record"), count(int(scope["events"]), "event")]
    if scope["policy_version"] is not None:
        parts.append(f"policy {scope['policy_version']} ({str(scope['policy_digest'])[:12]})")
    parts.append(f"level {scope['level']}")
    if "objects_checked" in scope:
        parts.append(objects(scope))
        if scope["remotes"] == "not pinned":
            parts.append("remotes not pinned by the policy")
    verifiers = scope.get("verifiers")
    if isinstance(verifiers, dict) and not _TOOLS.isdisjoint(verifiers.values()):
        parts.append(f"signatures by {' and '.join(verifiers.values())}")
    if "cross_checked" in scope:
        parts.append(f"{scope['cross_checked']} of {count(int(scope['signatures']), 'signature')} cross-checked")
    if scope["ledger_tip"]:
        parts.append(f"ledger {str(scope['ledger_tip'])[:12]}")
    return ", ".join(parts)


def objects(scope: Scope) -> str:
    """`10,004 objects`, or what of them was looked at: a part never reads as the whole."""
    seen = scope["objects_checked"] + scope.get("objects_earlier", 0)
    total = scope["objects"]
    if "sample" in scope:
        return f"a sample of {seen:,} of {total:,} objects"
    return counted(total) if seen == total else f"{seen:,} of {total:,} objects"


def left_out(scope: Scope) -> Iterator[str]:
    """What was not read in this run, each in a sentence."""
    if "sample" in scope:
        yield f"The others were not looked at. To draw the same sample again: --seed {scope['sample']['seed']}"
    if (since := scope.get("since")) is not None:
        yield _since(since)
    if "earlier_run" in scope:
        then = str(scope["earlier_run"]).replace("T", " ")[:16]
        now, before = counted(scope["objects_checked"]), f"{scope['objects_earlier']:,}"
        yield f"{now} read in this run, {before} in one of {then} UTC that was interrupted; those did not change since."
    if scope.get("objects_hidden"):
        yield f"{counted(scope['objects_hidden'])} could not be looked at."


def counted(number: int) -> str:
    """`10,004 objects`."""
    return f"{number:,} object" if number == 1 else f"{number:,} objects"


def bytes_read(scope: Scope) -> str:
    """How many bytes were read in this run."""
    return size(int(scope["bytes_read"]))


def _since(since: Mapping[str, Any]) -> str:
    start = str(since["time"]).replace("T", " ")[:16]
    if not since["objects_proven"]:
        return f"No event says that anything was proven since {start} UTC."
    events = since["by_events"]
    named = ", ".join(f"event {one['event']} by {one['by']}" for one in events[-MAX_EVENTS:])
    more = f", and {len(events) - MAX_EVENTS} more" if len(events) > MAX_EVENTS else ""
    return f"{counted(since['objects_proven'])} not read: proven since {start} UTC, by the word of {named}{more}."
