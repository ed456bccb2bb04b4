"""What is to be said of objects on their way into a replica, and of what stands there."""

from __future__ import annotations

from collections.abc import Sequence

from arcgit.archive import repair
from arcgit.archive.replicas.replicaobjects import Wanted
from arcgit.archive.replicas.replicaplace import Digests
from arcgit.archive.sources import Fault
from arcgit.model.finding import Finding, error, unknown, warning

_LEFT_ALONE = "it was not repaired: find out how it came there, then move it away and run this again"


def in_the_way(place: str, wanted: Wanted, why: str) -> Finding:
    """Something else stands under the object's name."""
    message = f"something else stands in `{place}` for the object {wanted.oid.value}: {why}"
    return error("object-corrupt", wanted.subject, message, hint=_LEFT_ALONE)


def lost(place: str, wanted: Wanted) -> Finding:
    """What was put there is not there."""
    message = f"the object {wanted.oid.value} is not in `{place}`, though it was put there"
    hint = "ask whoever runs that storage: it does not keep what it takes"
    return error("object-missing", wanted.subject, message, hint=hint)


def mismatch(place: str, wanted: Wanted, found: Digests) -> Finding | None:
    """An object that was read back and is not what it must be; None where it is."""
    named = wanted.oid.hash_name != "md5" or found.md5 == wanted.oid.value.removesuffix(".dir")
    if (wanted.sha256 is None and named) or (found.sha256 == wanted.sha256 and found.size == wanted.size):
        return None
    same = wanted.sha256 is not None and wanted.oid.hash_name == "md5" and named
    code = "md5-collision" if same else "object-corrupt"
    why = (
        "it has the right md5 and the wrong sha256"
        if same
        else "its bytes are not those that were sealed"
        if wanted.sha256 is not None
        else "it has other bytes than its name says"
    )
    message = f"the object {wanted.oid.value} in `{place}` is not what it must be: {why}"
    expected = wanted.sha256 or wanted.oid.value
    shown = found.sha256 if wanted.sha256 else found.md5
    return error(code, wanted.subject, message, expected=expected, found=shown, hint=_LEFT_ALONE)


def nowhere(wanted: Wanted, seen: Sequence[Fault]) -> Finding:
    """No place had good bytes: the finding says of each what it had instead."""
    kinds = {fault.kind for fault in seen}
    each = "; ".join(dict.fromkeys(f"{fault.source}: {fault.words}" for fault in seen)) or "nothing names a place"
    subject, message = wanted.subject, f"no place has good bytes of {wanted.oid.value}: {each}"
    found = next((fault.found for fault in seen if fault.found), "")
    if not wanted.sealed:
        beside = f"what DVC keeps beside the record was not copied: {message}"
        return warning("object-missing", subject, beside)
    if "unreadable" in kinds or not seen:
        hint = "look at address, access and credentials: dvc remote list"
        return unknown("object-unreadable", subject, message, hint=hint)
    if kinds == {"missing"}:
        return error("object-missing", subject, message, hint=repair.HERE_TOO)
    code = "md5-collision" if "collision" in kinds else "object-corrupt"
    hint = f"{repair.HERE_TOO}; never dvc push over it"
    return error(code, subject, message, expected=wanted.sha256 or "", found=found, hint=hint)


def passed_over(wanted: Wanted, fault: Fault) -> Finding:
    """A place did not give what it should have, and another one did."""
    message = f"the object {fault.oid} in `{fault.source}` was passed over: {fault.words}"
    hint = "repair it from a good copy; never dvc push over it" if fault.kind in {"corrupt", "collision"} else ""
    return warning(fault.code, wanted.subject, message, found=fault.found, hint=hint)
