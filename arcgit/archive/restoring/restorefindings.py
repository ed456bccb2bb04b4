"""What is to be said of files on their way out of the archive, and of what stands in their place."""

from __future__ import annotations

from collections.abc import Sequence

from arcgit.archive.sources import Fault
from arcgit.model.finding import Finding, error, unknown, warning
from arcgit.model.fixity import FixityEntry


def occupied(path: str, what: str) -> Finding:
    """Something else stands under the file's name."""
    hint = "move it away, restore into another folder, or replace it: --force"
    return error("destination-occupied", path, f"it was not written: {what}", hint=hint)


def nowhere(subject: str, what: str, entry: FixityEntry, faults: Sequence[Fault]) -> Finding:
    """No place had good bytes: the finding says of each what it had instead."""
    kinds = {fault.kind for fault in faults}
    each = "; ".join(dict.fromkeys(f"{fault.source}: {fault.words}" for fault in faults)) or "nothing names a place"
    message = f"no place has {what}: {each}"
    found = next((fault.found for fault in faults if fault.found), "")
    if "unreadable" in kinds or not faults:
        hint = "look at address, access and credentials: dvc remote list"
        return unknown("object-unreadable", subject, message, expected=entry.sha256, found=found, hint=hint)
    if kinds == {"missing"}:
        hint = "from a clone that still has the data: dvc push"
        return error("object-missing", subject, message, expected=entry.sha256, hint=hint)
    code = "md5-collision" if "collision" in kinds else "object-corrupt"
    hint = "find a replica or clone with good bytes; never dvc push over it"
    return error(code, subject, message, expected=entry.sha256, found=found, hint=hint)


def passed_over(subject: str, fault: Fault, entry: FixityEntry | None) -> Finding:
    """A place did not give a file, or with no `entry` a directory's listing; another may have."""
    what = f"the object {fault.oid}" if fault.oid else "it"
    message = f"{what} in `{fault.source}` was passed over: {fault.words}"
    expected = entry.sha256 if entry is not None and fault.found else ""
    hint = "repair it from a good copy; never dvc push over it" if fault.kind in {"corrupt", "collision"} else ""
    return warning(fault.code, subject, message, expected=expected, found=fault.found, hint=hint)
