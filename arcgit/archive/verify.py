"""`arcgit verify`: judge the ledger, every record, and as far as asked the data behind them.

Evidence-preserving: it writes nothing into the repository or a remote, and never repairs, deletes or pulls into place.
Only the keys of the policy on the ledger count. Refs are read once; all later work is by oid.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from arcgit import __version__
from arcgit.archive import examine, ledger, trust
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.archive.select import select
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git.repository import Ref
from arcgit.model import canonical
from arcgit.model.finding import Finding, Verdict, error, judge, unknown, warning, worst_first
from arcgit.model.gitobject import GitObjectError, parse_tree
from arcgit.model.manifest import MAX_MANIFEST_BYTES
from arcgit.model.names import RECORD_PREFIX, RecordName
from arcgit.model.policy import Policy
from arcgit.model.record import Record
from arcgit.rules.chain import Ledger
from arcgit.rules.sealed import judge_tag
from arcgit.rules.state import RecordState

Level = Literal["signatures", "presence", "fixity"]
Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


@dataclass
class VerifyResult:
    """The verdict with its findings (worst first) and the scope it covers."""

    verdict: Verdict
    findings: list[Finding]
    scope: dict[str, Any]
    records: list[str] = field(default_factory=list)


def verify(
    context: Context,
    wanted: Sequence[str] = (),
    *,
    level: Level = "signatures",
    allow_empty: bool = False,
    trust_root: str | None = None,
    ask: trust.Ask | None = None,
    progress: Progress = lambda what, done, total: None,
) -> VerifyResult:
    """Judge the records that `wanted` names, or all of them. Raises UsageError for a name that no record has."""
    view = ledger.in_force(context)
    refs = context.repo.refs("refs/tags/exp")
    findings = _repository(context)
    if view is None:
        findings.append(_no_ledger(context, has_tags=bool(refs)))
        return _result(findings, None, level, 0, 0, allow_empty=False)
    findings += view.findings
    if view.ledger.policy is None:
        return _result(findings, view, level, 0, len(refs), allow_empty=False)
    findings += trust.judge(context, view, trust_root=trust_root, ask=ask).findings
    chosen = select(view, refs, wanted)
    findings += _missing(context, view, refs, chosen, everything=not wanted)
    sound: list[tuple[RecordName, Record]] = []
    tags = [ref for ref in refs if (name := RecordName.parse(ref.name)) is not None and name in chosen]
    for done, ref in enumerate(tags):
        if done % 256 == 0:
            progress("signatures", done, len(tags))
        record, faults = judge_ref(context, view, ref)
        findings += faults
        name = RecordName.parse(ref.name)
        if level != "signatures" and record is not None and name is not None and not faults:
            sound.append((name, record))
    progress("signatures", len(tags), len(tags))
    if not wanted:
        findings += [_foreign(ref) for ref in refs if RecordName.parse(ref.name) is None]
    extra: dict[str, Any] = {}
    if level != "signatures":
        living = [(name, record) for name, record in sound if not _purged(view, name)]
        checked = examine.examine(context, living, level=level, progress=progress)
        findings += checked.findings
        extra = {"objects_checked": checked.objects, "bytes_read": checked.bytes_read}
    if [ref for ref in context.repo.refs("refs/tags/exp") if ref in refs] != refs:
        message = "refs changed while they were being judged"
        findings.append(unknown("ref-moved", "refs/tags/exp", message, hint="run arcgit verify again"))
    skipped = len(refs) - len(tags)
    return _result(findings, view, level, len(tags), skipped, allow_empty=allow_empty, extra=extra, tags=tags)


def judge_ref(context: Context, view: LedgerView, ref: Ref) -> tuple[Record | None, list[Finding]]:
    """One record under its ref: the tag against the ledger, then the commit and manifest that it names."""
    name = RecordName.parse(ref.name)
    if name is None:
        return None, [_foreign(ref)]
    if ref.kind != "tag":
        message = f"the ref points to a {ref.kind}, not to an annotated tag"
        return None, [error("tag-type", name.tag, message, expected="tag", found=ref.kind)]
    known = view.ledger.records.get(ref.name)
    try:
        raw = context.repo.read(ref.oid, "tag")
    except (RefusedError, UndeterminedError) as fault:
        make = error if isinstance(fault, RefusedError) else unknown
        return None, [make("object-corrupt" if make is error else "tags-missing", name.tag, fault.message)]
    policy = known.policy if known else view.ledger.require_policy()
    record, findings = judge_tag(name, raw, archive=view.ledger.archive, policy=policy, known=known, verify=view.judge)
    if known is None and view.ledger.unread:
        # The unread rest of the ledger may have recorded it, under another policy than the last one that was read.
        message = "the part of the ledger that could be read does not know this tag"
        findings = [unknown("unrecorded-tag", name.tag, message, hint="use a version of arcgit that reads the ledger")]
    if record is not None:
        findings += _commit(context, name, record)
        if known is not None:
            findings += _event(name, record, known)
    return record, findings


def _event(name: RecordName, record: Record, known: RecordState) -> list[Finding]:
    stated = known.events[0].data.get("record")
    found = canonical.sha256(record.raw)
    if stated == found:
        return []
    message = "the ledger recorded other content under this name"
    return [error("tag-not-as-recorded", name.tag, message, expected=str(stated), found=found)]


def _commit(context: Context, name: RecordName, record: Record) -> list[Finding]:
    """The commit's tree and the manifest's bytes, against what the record says of them."""
    stated = record.predicate
    try:
        tree = context.repo.tree_of(stated.commit.oid)
        if tree != stated.commit.tree:
            message = "the commit has another tree than the record says"
            return [error("commit-mismatch", name.tag, message, expected=stated.commit.tree, found=tree)]
        oid = _blob_at(context, tree, stated.manifest.path)
        if oid is None:
            message = f"the commit has no {stated.manifest.path}"
            return [error("manifest-digest", name.tag, message)]
        digest = canonical.sha256(context.repo.read(oid, "blob", MAX_MANIFEST_BYTES))
    except UndeterminedError as fault:
        code = "shallow-clone" if context.repo.shallow else "commit-missing"
        return [unknown(code, name.tag, fault.message, hint=context.repo.fetch_hint())]
    except RefusedError as fault:
        return [error(fault.code, name.tag, fault.message, hint=fault.hint)]
    except GitObjectError as fault:
        return [error("object-corrupt", name.tag, str(fault), hint="git fsck")]
    if digest == stated.manifest.sha256:
        return []
    message = f"{stated.manifest.path} at the commit has other bytes than the record says"
    return [error("manifest-digest", name.tag, message, expected=stated.manifest.sha256, found=digest)]


def _blob_at(context: Context, tree: str, path: str) -> str | None:
    """The oid at `path` below a tree, walking re-hashed tree objects; None where there is no such entry."""
    oid: str | None = tree
    for part in path.split("/"):
        entries = parse_tree(context.repo.read(oid or "", "tree"))
        oid = next((found for _, name, found in entries if name == part), None)
        if oid is None:
            return None
    return oid


def _repository(context: Context) -> list[Finding]:
    findings = []
    if context.repo.refs("refs/replace"):
        message = "the repository has replace refs; arcgit ignores them, `git show` does not"
        hint = "git replace -l, then git replace -d OID"
        findings.append(warning("replace-refs-present", "refs/replace", message, hint=hint))
    if context.repo.shallow:
        message = "this is a shallow clone: commits and tags may be missing"
        findings.append(warning("shallow-clone", "repository", message, hint=context.repo.fetch_hint()))
    return findings


def _no_ledger(context: Context, *, has_tags: bool) -> Finding:
    if context.remote or has_tags:
        message = "the ledger is not in this clone (git does not fetch notes by default)"
        return unknown("notes-missing", "refs/notes/arcgit", message, hint=ledger.fetch_command(context))
    message = "there is no ledger here and no remote to fetch one from"
    return unknown("ledger-missing", "refs/notes/arcgit", message, hint="arcgit init")


def _missing(
    context: Context, view: LedgerView, refs: list[Ref], chosen: set[RecordName], *, everything: bool
) -> list[Finding]:
    """Records of the ledger that have no tag here: taken away, or never fetched."""
    present = {ref.name for ref in refs}
    lost = [record for name, record in view.ledger.records.items() if name not in present]
    lost = [record for record in lost if everything or record.name in chosen]
    if not lost:
        return []
    remote = context.remote or "origin"
    hint = f"git fetch {remote} '{RECORD_PREFIX}*:{RECORD_PREFIX}*'"
    if context.repo.shallow or _without_tags(context):
        message = f"this clone was made without all tags; the ledger names {len(lost)} that are not here"
        return [unknown("tags-missing", "refs/tags/exp", message, hint=hint)]
    return [
        error(
            "recorded-tag-missing",
            record.name.tag,
            "the ledger recorded this tag, and it is not here",
            expected=record.subject.oid,
            found="no tag",
            hint=f"{hint}; if the remote does not have it either, it was deleted",
        )
        for record in lost
    ]


def _without_tags(context: Context) -> bool:
    return bool(context.remote) and context.settings.get(f"remote.{context.remote}.tagopt") == "--no-tags"


def _purged(view: LedgerView, name: RecordName) -> bool:
    known = view.ledger.records.get(name.refname)
    return known is not None and known.status == "purged"


def _foreign(ref: Ref) -> Finding:
    message = "the tag lies below exp/ but is not named like a record"
    return warning("foreign-tag", ref.name, message, hint="arcgit leaves it alone; rename it if it is yours")


def _result(
    findings: list[Finding],
    view: LedgerView | None,
    level: Level,
    checked: int,
    skipped: int,
    *,
    allow_empty: bool,
    extra: dict[str, Any] | None = None,
    tags: Sequence[Ref] = (),
) -> VerifyResult:
    known = view.ledger if view else Ledger()
    policy: Policy | None = known.policy
    scope = {
        "archive": known.archive,
        "level": level,
        "ledger_ref": view.ref if view else None,
        "ledger_tip": known.tip,
        "events": known.seq,
        "policy_version": policy.version if policy else None,
        "policy_digest": known.policy_digest or None,
        "records_checked": checked,
        "tags_skipped": skipped,
        "tool": f"arcgit {__version__}",
        **(extra or {}),
    }
    if checked == 0 and not allow_empty and view is not None and view.ledger.policy is not None:
        hint = "arcgit record seals an experiment; --allow-empty accepts an empty archive"
        findings = [*findings, unknown("nothing-checked", "records", "there was no record to check", hint=hint)]
    verdict = judge(findings, checked=checked, allow_empty=allow_empty)
    return VerifyResult(verdict, worst_first(findings), scope, [ref.name for ref in tags])
