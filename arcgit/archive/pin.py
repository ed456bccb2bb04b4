"""The pin: what this person last saw of an archive, kept outside the repository.

It makes rollback, forks and a replaced archive visible. Only what a remote has (or, without a remote, the local ledger)
is pinned, so that events which are signed again on top of a newer ledger raise no alarm.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from arcgit import durable
from arcgit.archive.turn import held
from arcgit.errors import UndeterminedError
from arcgit.model import canonical
from arcgit.model.finding import Finding, error
from arcgit.model.text import word

SCHEMA = "arcgit/pin/v1"
MAX_PIN_BYTES = 64 * 1024
LOCK_SECONDS = 20.0
_ARCHIVE_ID = re.compile(r"[0-9a-f-]{36}")


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """Oid of the genesis, key that signed it, and the last seen tip with its sequence number."""

    schema: str
    archive: str
    genesis: str
    founder: str
    tip: str
    seq: int


def path_of(state_dir: Path, archive: str) -> Path:
    """Where the pin of an archive lies. Raises UndeterminedError for an id that is no UUID."""
    if not _ARCHIVE_ID.fullmatch(archive):
        raise UndeterminedError("ledger-event-invalid", f"`{archive}` is not an archive id")
    return state_dir / "pins" / f"{archive}.json"


def load(state_dir: Path, archive: str) -> Pin | None:
    """The pin, or None at first sight. A damaged pin is an error, never a first sight."""
    path = path_of(state_dir, archive)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as fault:
        if not (leading := _leads_nowhere(path)):
            return None
        message = f"the pin {path} cannot be read: {leading} is a link to nothing"
        raise UndeterminedError(
            "pin-unreadable", message, f"mount what it leads to; or, if you know why: rm {word(str(leading))}"
        ) from fault
    except OSError as fault:
        message = f"the pin {path} cannot be read: {fault.strerror}"
        raise UndeterminedError("pin-unreadable", message, "set XDG_STATE_HOME to a folder of yours") from fault
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UndeterminedError("pin-unreadable", f"the pin {path} is no plain file", f"move {path} away")
        data = os.read(descriptor, MAX_PIN_BYTES)
    finally:
        os.close(descriptor)
    hint = f"if you know why: rm {word(str(path))}, then verify with --trust-root"
    try:
        pin = msgspec.json.decode(data, type=Pin)
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        raise UndeterminedError("pin-unreadable", f"the pin {path} is damaged: {fault}", hint) from fault
    if pin.schema != SCHEMA or pin.archive != archive or pin.seq < 1:
        raise UndeterminedError("pin-unreadable", f"the pin {path} is of another version or archive", hint)
    return pin


def _leads_nowhere(path: Path) -> Path | None:
    """A link to nothing on the way to `path`, such as to a disk that is not mounted: what was seen is then not known."""
    return next((part for part in (path, *path.parents) if part.is_symlink() and not part.exists()), None)


def save(state_dir: Path, pin: Pin) -> None:
    """Write the pin, unless one is there that has seen more. Locked against other arcgit processes. Raises OSError."""
    path = path_of(state_dir, pin.archive)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with held(path.with_suffix(".lock"), seconds=LOCK_SECONDS):
        known = load(state_dir, pin.archive)
        if known is not None and (known.genesis != pin.genesis or known.seq >= pin.seq):
            return
        durable.replace(path, canonical.dumps(msgspec.to_builtins(pin)) + b"\n")


def compare(pin: Pin, *, genesis: str, oids: Sequence[str] | None) -> list[Finding]:
    """What contradicts the pin in a ledger of these commit oids, oldest first; None compares the genesis alone."""
    if genesis != pin.genesis:
        message = "this is another ledger than the one seen before under the same archive id"
        return [error("ledger-fork", "ledger", message, expected=f"genesis {pin.genesis}", found=f"genesis {genesis}")]
    if oids is None:
        return []
    if len(oids) < pin.seq:
        message = "the ledger is shorter than when it was last seen: events were taken away"
        hint = "git fetch (another clone of yours may have seen more); if it stays short, ask whoever runs the remote"
        return [_differs("ledger-rollback", message, pin, oids[-1] if oids else "nothing", len(oids), hint)]
    if oids[pin.seq - 1] != pin.tip:
        message = "the ledger was rewritten: the event seen before is not in it"
        hint = "arcgit sync (another clone of yours may have pushed); if it stays, compare with a colleague's clone"
        return [_differs("ledger-fork", message, pin, oids[pin.seq - 1], pin.seq, hint)]
    return []


def _differs(code: str, message: str, pin: Pin, oid: str, seq: int, hint: str) -> Finding:
    return error(
        code, "ledger", message, expected=f"event {pin.seq} is {pin.tip}", found=f"event {seq} is {oid}", hint=hint
    )
