"""What a push asks for, and what its names alone forbid. Pure: a line of a push in, findings out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from arcgit.model.finding import Finding, error
from arcgit.model.names import FIXITY_REF, LEDGER_REF, RECORD_PREFIX, RecordName
from arcgit.model.text import word

ZERO = "0" * 40
_OID = re.compile("[0-9a-f]{40}")
_OWN = (LEDGER_REF, FIXITY_REF)
_REPLACE = "refs/replace/"
_PRIVATE = "refs/arcgit/"
_NOTES = "refs/notes/"
_HEADS = "refs/heads/"
_GUESSED = ("refs/heads/", "refs/tags/", "refs/remotes/", "refs/")
"""What git puts before a name that it does not find as it stands."""


class PushError(ValueError):
    """The lines are not what git tells a hook."""


class Command(NamedTuple):
    """One line of a push: a full refname of the remote, what it is now and what it shall be, `ZERO` for nothing."""

    old: str
    new: str
    ref: str

    @property
    def deletes(self) -> bool:
        return self.new == ZERO

    @property
    def creates(self) -> bool:
        return self.old == ZERO


class Sort(Enum):
    """What a ref is to arcgit."""

    RECORD = "record"
    LEDGER = "ledger"
    FIXITY = "fixity"
    BRANCH = "branch"
    OTHER = "other"


def parse_received(line: bytes) -> Command:
    """A line of `pre-receive`: old oid, new oid, refname. Raises PushError."""
    return _command(line.decode(errors="surrogateescape").split(" ", 2), line)


def parse_pushed(line: bytes) -> Command:
    """A line of `pre-push`: local ref, local oid, remote ref, remote oid. Raises PushError."""
    # A local name may be any rev, with blanks in it; the other three cannot have any.
    words = line.decode(errors="surrogateescape").rsplit(" ", 3)
    return _command([words[3], words[1], words[2]] if len(words) == 4 else [], line)


def _command(words: list[str], line: bytes) -> Command:
    if len(words) != 3 or not words[2].startswith("refs/"):
        raise PushError(f"git said {line[:200]!r}, which is no line of a push")
    if any(len(oid) == 64 for oid in words[:2]):
        raise PushError("the repository uses sha256 object names, which arcgit cannot seal or check yet")
    if not all(_OID.fullmatch(oid) for oid in words[:2]):
        raise PushError(f"git said {line[:200]!r}, which has no object names in it")
    return Command(*words)


def sort_of(ref: str) -> Sort:
    """What a refname is, by its name alone."""
    if ref.startswith(RECORD_PREFIX):
        return Sort.RECORD
    if ref in _OWN:
        return Sort.LEDGER if ref == LEDGER_REF else Sort.FIXITY
    return Sort.BRANCH if ref.startswith(_HEADS) else Sort.OTHER


def concerns(commands: Iterable[Command]) -> bool:
    """False where no name is any of arcgit's, so that nothing but branches is left to look at."""
    return any(
        sort_of(command.ref) in {Sort.RECORD, Sort.LEDGER, Sort.FIXITY} or list(name_findings(command))
        for command in commands
    )


def name_findings(command: Command) -> Iterable[Finding]:
    """What forbids a line whatever it brings. What should not be there may always be deleted."""
    ref = command.ref
    if command.deletes and ref == LEDGER_REF:
        yield error("ledger-rollback", ref, "the ledger may not be deleted", hint="take that line out of the push")
    if command.deletes and ref == FIXITY_REF:
        yield error("fixity-list", ref, "the fixity lists may not be deleted", hint="take that line out of the push")
    if command.deletes or ref in _OWN:
        return
    if ref.startswith(RECORD_PREFIX):
        if RecordName.parse(ref) is None:
            message = "tags below exp/ are records, and this is not the name of one"
            yield error("foreign-tag", ref, message, hint="give the tag a name outside of exp/")
        return
    if ref.startswith(_REPLACE):
        message = "a replace ref makes git show something else than what was signed"
        yield error("replace-refs-present", ref, message, hint=f"git push REMOTE {word(f':{ref}')} takes one away")
        return
    if reason := _in_the_way(ref):
        yield error("bad-ref-name", ref, reason, hint="choose another name")


def _in_the_way(ref: str) -> str:
    """Why a name that is not arcgit's own would stand in the way of one that is, or an empty string."""
    for own in (*_OWN, RECORD_PREFIX.rstrip("/")):
        if own.startswith(f"{ref}/") or ref == own or (own in _OWN and ref.startswith(f"{own}/")):
            return f"git cannot hold this ref beside {own}"
    if ref.startswith(_PRIVATE):
        return "refs/arcgit/ is for arcgit's own, and this is what a clone keeps for itself"
    folded = ref.casefold()
    if folded.startswith(_NOTES) and folded.endswith("/arcgit") and folded not in _OWN:
        return "a mirror of the repository would take it for the ledger that it last fetched"
    if folded in _OWN or folded.startswith((RECORD_PREFIX, _PRIVATE)):
        return "it differs from arcgit's own refs in capital letters only, and some file systems take both for one"
    for prefix in _GUESSED:
        if ref.startswith(prefix) and (ref[len(prefix) :] in _OWN or ref[len(prefix) :].startswith(RECORD_PREFIX)):
            return f"git would take it for {ref[len(prefix) :]}"
    if ref.startswith(_HEADS) and RecordName.parse(f"refs/tags/{ref[len(_HEADS) :]}") is not None:
        return "a branch with the name of a record would be taken for it"
    return ""
