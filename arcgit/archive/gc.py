"""`arcgit gc`: `dvc gc` with a look at the records first. What a record needs is never deleted.

An object in a remote that a record needs stays there, whatever other copies there are. One in DVC's cache may go where the
record's remote has the object, which is read there from beginning to end.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.crew import Progress
from arcgit.archive.gccopies import SAFE, Copies, Held
from arcgit.archive.holders import Remotes
from arcgit.archive.protected import Need, Protected, protected
from arcgit.dvc import cache
from arcgit.dvc import gc as dvcgc
from arcgit.dvc.gc import Doomed, Flags
from arcgit.dvc.objects import ObjectId
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError
from arcgit.git import exchange
from arcgit.git.refs import Ref
from arcgit.model.finding import Finding, Severity, Verdict, error, judge, unknown, worst_first
from arcgit.model.names import LEDGER_REF, RECORD_PREFIX, tracking_ref
from arcgit.model.text import count, escape, word

SHOWN = 5


@dataclass
class GcPlan:
    """What would go. `endangered` are those that records need, `copies` those that only lose a local copy.

    `held` says of each object in the cache that a record needs what its remote has of it. `unclaimed` are those in a place
    that other repositories may share which no commit of this one names.
    """

    flags: Flags
    doomed: list[Doomed]
    needed: Protected
    bring: dvcgc.Bring
    endangered: list[tuple[Doomed, Need]] = field(default_factory=list)
    copies: list[tuple[Doomed, Need]] = field(default_factory=list)
    held: dict[Doomed, Held] = field(default_factory=dict)
    lacking: dict[Doomed, set[str]] = field(default_factory=dict)
    unclaimed: list[Doomed] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    known: frozenset[Ref] = frozenset()

    @property
    def verdict(self) -> Verdict:
        """Pass where nothing that a record needs would be lost, and everything about it is known."""
        return judge(self.findings, checked=1)


def plan(
    context: Context,
    folder: Path,
    flags: Flags,
    *,
    trust_sizes: bool = False,
    shared: bool = True,
    progress: Progress = lambda what, done, total: None,
) -> GcPlan:
    """What `dvc gc` with these flags would delete, and which records it would hurt. Raises ArcgitError.

    What the remotes have of copies in the cache is read, or with `trust_sizes` told by name and size. Unless somebody says
    that no place is `shared`, what no commit here names may be another repository's.
    """
    known = _known(context)
    needed = protected(context)
    remotes, project = needed.remotes, _project(context, folder)
    if remotes is None:
        message = "the ledger cannot be read in this clone, so nobody knows here what records need"
        raise UndeterminedError("ledger-missing", message, ledger.fetch_command(context))
    if flags.cloud or flags.not_in_remote:
        # A remote that is not as the policy pins it is not talked to, so DVC may not either.
        remotes.get((project, flags.remote))
    if flags.cloud:
        needed.findings += _unseen(context)
    bring = _bringing(remotes, project)
    result = GcPlan(flags, dvcgc.doomed(folder, flags, bring), needed, bring, known=known)
    wanted = [(item, need) for item in result.doomed if (need := needed.objects.get(item.oid)) is not None]
    in_cache = [(item, need) for item, need in wanted if item.remote is None]
    copies = Copies(remotes, trust_sizes=trust_sizes, progress=progress)
    result.held, result.lacking = copies.held(in_cache), copies.lacking
    for item, need in wanted:
        safe = result.held.get(item) in SAFE
        (result.copies if safe else result.endangered).append((item, need))
    findings = [found for found in needed.findings if found.severity is not Severity.WARNING]
    if shared and not findings:
        # Where something is not known here, that is to be mended first: much is named by nobody until then.
        result.unclaimed = _unclaimed(context, folder, project, result)
    result.findings = worst_first([*findings, *_by_record(result), *_by_place(result)])
    return result


def _known(context: Context) -> frozenset[Ref]:
    """The refs that tell which records there are."""
    return frozenset(ref for prefix in (RECORD_PREFIX, LEDGER_REF) for ref in context.repo.refs(prefix))


def _unclaimed(context: Context, folder: Path, project: str, result: GcPlan) -> list[Doomed]:
    """What would go from a remote, or from a cache outside of this repository, and nothing here ever named."""
    here = cache.cache_folder(str(context.root / project / ".dvc"), os.environ)
    own = here is not None and Path(here).resolve().is_relative_to(context.root.resolve())
    asked = [item for item in result.doomed if item.oid not in result.needed.objects and (item.remote or not own)]
    if not asked:
        return []
    claimed = dvcgc.claimed(folder, result.bring)
    return [item for item in asked if item.oid not in claimed]


def _by_place(result: GcPlan) -> list[Finding]:
    places: dict[str, int] = {}
    for item in result.unclaimed:
        place = f"remote {item.remote}" if item.remote is not None else "DVC's cache"
        places[place] = places.get(place, 0) + 1
    found = []
    for place, number in places.items():
        message = f"no commit of this DVC project names {count(number, 'object')} that would go: another may need them"
        hint = f"if no other repository or project keeps data there: arcgit gc {result.flags} --not-shared"
        found.append(unknown("gc-unclaimed", place, message, hint=hint))
    return found


def _unseen(context: Context) -> list[Finding]:
    """What other clones have recorded and this one does not know: their data lies in the remote that would be cleaned.

    Raises UndeterminedError where the git remote does not answer.
    """
    context.require_chosen_remote()
    if context.remote is None:
        return []
    repo = context.repo
    there = exchange.list_remote(context.root, context.remote, LEDGER_REF, f"{RECORD_PREFIX}*")
    tip = there.pop(LEDGER_REF, None)
    here = [repo.ref(name) for name in (LEDGER_REF, tracking_ref(context.remote))]
    known = tip is None or any(
        mine == tip or (repo.kind_and_size(tip) is not None and repo.is_ancestor(tip, mine)) for mine in here if mine
    )
    local = {ref.name for ref in repo.refs(RECORD_PREFIX)}
    if known and local.issuperset(there):
        return []
    message = f"`{context.remote}` has records that this clone does not know, so nobody knows here what they need"
    return [unknown("notes-missing", "ledger", message, hint="arcgit sync")]


class Risk(NamedTuple):
    """What one way to call `dvc gc` would do here. `records` are the tags of those that would lose data.

    `outcome` is `harmless`, `destroys` or `not known`, and `reason` says more.
    """

    flags: str
    outcome: str
    records: tuple[str, ...]
    objects: int
    reason: str


_WAYS = (Flags(workspace=True), Flags(all_branches=True), Flags(all_tags=True), Flags(all_commits=True))
USUAL = (*_WAYS, *(replace(way, cloud=True) for way in _WAYS))
"""The ways in which people call `dvc gc`."""


def survey(context: Context, folder: Path, *, network: bool = False) -> list[Risk]:
    """What each usual way to call `dvc gc` would destroy. Deletes nothing; without `network` it also writes nothing.

    Empty where there is no ledger, so that no record is known.
    """
    view = ledger.in_force(context)
    if view is None or view.ledger.policy is None or not view.ledger.records:
        return []
    needed = protected(context, network=network, known=view)
    return [_risk(context, folder, flags, needed, network=network) for flags in USUAL]


def _risk(context: Context, folder: Path, flags: Flags, needed: Protected, *, network: bool) -> Risk:
    asked: list[str] = []

    def refuse(oid: ObjectId, remote: str | None) -> None:
        del remote
        # To bring a listing into the cache would be to write.
        asked.append(oid.value)
        raise UndeterminedError("object-missing", f"{oid.value} is not in DVC's cache")

    try:
        remotes, project = needed.remotes, _project(context, folder)
        if remotes is None:
            raise UndeterminedError("ledger-missing", "the ledger cannot be read in this clone")
        if flags.cloud:
            remotes.get((project, None))
        bring = _bringing(remotes, project) if network else refuse
        doomed = dvcgc.doomed(folder, flags, bring, network=network)
    except ArcgitError as fault:
        return Risk(str(flags), "not known", (), 0, fault.message)
    wanted = [(item, need) for item in doomed if (need := needed.objects.get(item.oid)) is not None]
    held = Copies(remotes, trust_sizes=True).held([one for one in wanted if one[0].remote is None])
    hurt = [item for item, _ in wanted if held.get(item) not in SAFE]
    records = sorted({tag for item in hurt for tag in needed.objects[item.oid].records})
    if asked:
        return Risk(str(flags), "not known", (), 0, f"{count(len(asked), 'listing')} not in DVC's cache")
    untold = [found for found in needed.findings if found.severity is not Severity.WARNING]
    if hurt:
        return Risk(str(flags), "destroys", tuple(records), len(hurt), "records need them")
    if untold:
        return Risk(str(flags), "not known", (), 0, f"{untold[0].subject}: {untold[0].message}")
    return Risk(str(flags), "harmless", (), 0, f"{count(len(doomed), 'object')} would go that no record needs alone")


def collect(context: Context, folder: Path, agreed: GcPlan) -> int:
    """Delete what the plan shows, and nothing else; returns how many objects went. Only for a plan that passes.

    Raises RefusedError where there are other records by now than when it was made: somebody may have thought it over long.
    """
    if agreed.verdict is not Verdict.PASS:
        raise ValueError("a plan that hurts a record is not carried out")
    if _known(context) != agreed.known or (agreed.flags.cloud and _unseen(context)):
        message = "there are other records by now, and nobody looked at what they need: nothing was deleted"
        raise RefusedError("gc-changed", message, f"arcgit gc {agreed.flags}")
    return dvcgc.delete(folder, agreed.flags, set(agreed.doomed), agreed.bring)


def _project(context: Context, folder: Path) -> str:
    """The folder of the DVC project that somebody stands in, relative to the repository."""
    here, root = folder.resolve(), context.root.resolve()
    for place in (here, *here.parents):
        if place.is_relative_to(root) and (place / ".dvc").is_dir():
            return "" if place == root else place.relative_to(root).as_posix()
    return ""


def _bringing(remotes: Remotes, project: str) -> dvcgc.Bring:
    return lambda oid, remote: remotes.get((project, remote)).fetch(oid)


_HELD: dict[Held | None, str] = {
    "missing": "DVC's cache, which has the only copy in the places that this record names",
    "corrupt": "DVC's cache, while the record's remote has other bytes under that name",
    "unreadable": "DVC's cache, while what the record's remote has cannot be read",
    "itself": "DVC's cache, to which the record's remote only leads back",
}


def _by_record(result: GcPlan) -> list[Finding]:
    hurt: dict[tuple[str, str], list[str]] = {}
    ways: dict[tuple[str, str], str] = {}
    for item, need in result.endangered:
        place = _HELD[result.held.get(item)] if item.remote is None else f"the remote `{item.remote}`"
        losing = result.lacking[item] if item.remote is None else need.records.keys()
        for tag, path in ((tag, path) for tag, path in need.records.items() if tag in losing):
            hurt.setdefault((tag, place), []).append(path)
            ways[tag, place] = _way_out(result.flags, item, need, tag)
    found = []
    for (tag, place), paths in hurt.items():
        names = ", ".join(escape(path) for path in sorted(paths)[:SHOWN])
        more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
        message = (
            f"`dvc gc {result.flags}` would delete {count(len(paths), 'object')} of it from {place}: {names}{more}"
        )
        found.append(error("protected-object", tag, message, hint=ways[tag, place]))
    return found


def _way_out(flags: Flags, item: Doomed, need: Need, tag: str) -> str:
    """What to type instead. DVC counts nothing as used that was imported, whichever commits it looks at."""
    if not (flags.all_tags or flags.all_commits):
        return "keep what tags use as well: arcgit gc --all-tags, or --all-commits"
    if item.remote is None:
        remote = next(name for _, name in need.homes) or "REMOTE"
        return f"put a copy there first: arcgit replicate {word(remote)} {tag} --imports"
    return f"leave what is there: arcgit gc {replace(flags, cloud=False, remote=None)}"
