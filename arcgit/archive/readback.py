"""The objects of a record that is being made, put into its remotes and read back from there.

What another record has read back there before is looked for and not read again. Nothing here deletes or repairs anything.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from arcgit import crash, several
from arcgit.archive.data import Gathered
from arcgit.archive.holders import Remotes
from arcgit.archive.needed import Needed, Proven
from arcgit.dvc.objects import ObjectProblem, Presence
from arcgit.dvc.remote import DataRemote
from arcgit.errors import RefusedError, UndeterminedError

Progress = Callable[[str, int, int], None]


@dataclass
class Receipt:
    """What is proven about the remote after recording: objects there, objects hashed there, and their bytes.

    `unread` counts the files whose bytes were not read anew, since they are those of an earlier record.
    """

    objects: int = 0
    unread: int = 0
    pushed: int = 0
    read_back: int = 0
    bytes: int = 0


def push_and_read_back(
    gathered: Gathered, remotes: Remotes, proven: Container[str], progress: Progress, now: datetime
) -> Receipt:
    """Put what is missing into the remotes; hash there every object whose sha256 is not in `proven` by a record before.

    Raises RefusedError where the remote has other bytes, UndeterminedError where it cannot be read.
    """
    receipt = Receipt()
    for (place, _), objects in gathered.objects.items():
        remote = remotes.get(place)
        copied, states = remote.push(objects, now, partial(progress, "pushing"))
        receipt.pushed += sum(copied)
        receipt.objects += len(objects)
        unread = array("I")
        for number, (wanted, state) in enumerate(zip(objects.all_proven(), states, strict=True)):
            _require_present(remote, wanted, state)
            oid, _, sha256 = wanted
            # The same bytes may have another version, which nobody has read yet. Lists of directories are in no record.
            if sha256 is not None and (
                copied[number] or oid.version or oid.value.endswith(".dir") or sha256 not in proven
            ):
                unread.append(number)
        _read_back(remote, objects, unread, receipt, progress)
    crash.point("data-proven")
    return receipt


def _read_back(
    remote: DataRemote, objects: Needed, numbers: Sequence[int], receipt: Receipt, progress: Progress
) -> None:
    done = 0

    def count(_: int, size: int) -> None:
        nonlocal done
        done += 1
        receipt.read_back += 1
        receipt.bytes += size
        progress("reading back", done, len(numbers))

    if numbers:
        progress("reading back", 0, len(numbers))
    # Small files of this machine are faster one after the other.
    jobs = 1 if remote.local else max(1, min(several.NETWORK, len(numbers)))
    several.each(numbers, lambda number: _require_bytes(remote, objects.proven(number)), jobs, count)


def _require_present(remote: DataRemote, wanted: Proven, state: Presence) -> None:
    oid = wanted.oid
    if isinstance(state, int) and (wanted.size is None or wanted.size == state):
        return
    if isinstance(state, int):
        message = f"object {oid.value} in `{remote.name}` has {state} bytes instead of {wanted.size}"
        raise RefusedError(
            "object-corrupt", message, "repair the remote from a good copy; arcgit never overwrites there"
        )
    if state is None and oid.version is not None:
        message = f"`{remote.name}` has no version {oid.version.id} of {oid.version.path}, which DVC's files name"
        hint = "take its `cloud:` entry out of dvc.lock or the .dvc file, then dvc push, git commit, arcgit record"
        raise UndeterminedError("object-missing", message, hint)
    if isinstance(state, ObjectProblem):
        message = f"object {oid.value} in `{remote.name}`: {state.reason}"
        raise UndeterminedError("object-unreadable", message, remote.hint(oid))
    message = f"object {oid.value} in `{remote.name}`: it is not there after the push"
    raise UndeterminedError("object-missing", message, "dvc push")


def _require_bytes(remote: DataRemote, wanted: Proven) -> int:
    oid = wanted.oid
    sha, size = remote.sha256(oid)
    if sha != wanted.sha256:
        message = f"object {oid.value} in `{remote.name}` has other bytes than the ones recorded here"
        hint = "if the remote is damaged, repair it from a good copy; two contents with one md5 cannot both live there"
        again, md5, _ = remote.hash(oid)
        same_md5 = oid.hash_name == "md5" and md5 == oid.value and again == sha
        raise RefusedError("md5-collision" if same_md5 else "object-corrupt", message, hint)
    return size
