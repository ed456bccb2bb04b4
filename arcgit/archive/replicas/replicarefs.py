"""Records, ledger and fixity lists in a second place: another git remote, or a bare repository beside data on a disk.

What stands there is never moved or replaced, only continued. What was pushed is read back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.turn import EXCHANGING, turn
from arcgit.dvc.remote import DataRemote
from arcgit.errors import RefusedError, UndeterminedError, UsageError
from arcgit.git import exchange, plumbing
from arcgit.model.finding import Finding, error, unknown
from arcgit.model.names import FIXITY_REF, LEDGER_REF, RECORD_PREFIX
from arcgit.model.text import word


@dataclass
class RefsCopied:
    """Where the refs went: how many are there now as they are here, and those that were pushed by this run."""

    place: str
    there: int = 0
    pushed: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def require_remote(context: Context, remote: str) -> None:
    """Raise UsageError for a git remote that is not there, or that the archive is exchanged with anyhow."""
    if remote not in context.settings.remotes() or exchange.is_path(remote):
        message = f"there is no git remote `{remote}`"
        raise UsageError("remote-missing", message, f"git remote add {word(remote)} URL")
    exchange.require_remote_name(remote)
    if remote == context.remote:
        message = f"`{remote}` is the remote that the archive is exchanged with, so it is no second place"
        raise UsageError("usage", message, "name another one: --git-remote NAME")


def beside(data: DataRemote) -> Path:
    """The bare repository beside the folder of a DVC remote. Raises UsageError, RefusedError where there can be none."""
    if not data.local:
        message = f"`{data.name}` is no folder of this machine, so no repository can lie beside its data"
        raise UsageError("usage", message, "push the refs to a git remote: --git-remote NAME")
    folder = Path(data.root)
    if folder.parent.stat().st_dev != folder.stat().st_dev:
        message = f"{folder} is the top of a disk, so what lies beside it would be on another one"
        hint = (
            f"give the data a folder of its own there: dvc remote modify {word(data.name)} url {word(f'{folder}/data')}"
        )
        raise RefusedError("replica-unwritable", message, hint)
    return folder.with_name(f"{folder.name}.git")


def prepared(place: Path) -> str:
    """A bare repository at `place`, made where there is none. Raises RefusedError where something else stands there."""
    if not place.is_symlink() and not place.exists():
        plumbing.run(["init", "--quiet", "--bare", "--template=", str(place)], cwd=place.parent)
    bare = b""
    if not place.is_symlink() and place.is_dir():
        _, bare, _ = plumbing.try_run(["--git-dir", str(place), "rev-parse", "--is-bare-repository"], cwd=place)
    if bare.strip() != b"true":
        message = f"{place} is no bare repository, so the refs cannot go there"
        raise RefusedError("destination-occupied", message, "find out what it is, and move it away")
    return str(place)


def copy(context: Context, place: str, *, atomic: bool) -> RefsCopied:
    """Push the archive's refs to a git remote, or to a bare repository by its path, and look whether they are there.

    Raises ArcgitError.
    """
    view = ledger.require(context)
    found = RefsCopied(place)
    recorded = {name: record.subject.oid for name, record in view.ledger.records.items()}
    ours = {ref.name: ref.oid for ref in context.repo.refs(RECORD_PREFIX) if recorded.get(ref.name) == ref.oid}
    lists = context.repo.ref(FIXITY_REF)
    ours = {LEDGER_REF: view.ledger.tip or "", **({FIXITY_REF: lists} if lists else {}), **ours}
    there = _listed(context, place)
    goes = {name: oid for name, oid in ours.items() if there.get(name) != oid}
    found.findings = [fault for name in list(goes) if (fault := _clash(context, place, name, goes[name], there))]
    if not found.findings and goes:
        with turn(context, EXCHANGING):
            exchange.push(context.root, place, goes, atomic=atomic)
        found.pushed = list(goes)
        there = _listed(context, place)
        if wrong := [name for name, oid in ours.items() if there.get(name) != oid]:
            message = f"`{place}` took {wrong[0]} and does not have it now"
            raise UndeterminedError("push-rejected", message, f"git ls-remote {word(place)}")
    found.there = sum(there.get(name) == oid for name, oid in ours.items())
    return found


def _listed(context: Context, place: str) -> dict[str, str]:
    return exchange.list_remote(context.root, place, LEDGER_REF, FIXITY_REF, f"{RECORD_PREFIX}*")


def _clash(context: Context, place: str, name: str, oid: str, there: dict[str, str]) -> Finding | None:
    """What keeps a ref from going there, if anything."""
    standing = there.get(name)
    if standing is None:
        return None
    hint = f"nothing was pushed there; ask whoever runs it: git ls-remote {word(place)}"
    if name.startswith(RECORD_PREFIX):
        message = f"`{place}` has another object under this name"
        return error("tag-not-as-recorded", name, message, expected=oid, found=standing, hint=hint)
    if context.repo.kind_and_size(standing) is not None and context.repo.is_ancestor(standing, oid):
        return None
    if name == LEDGER_REF:
        message = f"`{place}` has a ledger that this one does not continue"
        return error("ledger-fork", place, message, expected=oid, found=standing, hint=f"arcgit compare {word(place)}")
    message = f"`{place}` has other fixity lists than those that these continue"
    return unknown("fixity-list", place, message, expected=oid, found=standing, hint=hint)
