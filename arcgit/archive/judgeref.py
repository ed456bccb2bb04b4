"""Judging one record under its ref: the tag against the ledger, then the commit and the manifest that it names."""

from __future__ import annotations

from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.errors import RefusedError, UndeterminedError
from arcgit.git.repository import Ref
from arcgit.model import canonical
from arcgit.model.finding import Finding, error, unknown, warning
from arcgit.model.gitobject import GitObjectError, parse_tree
from arcgit.model.manifest import MAX_MANIFEST_BYTES
from arcgit.model.names import RecordName
from arcgit.model.record import Record
from arcgit.rules.sealed import judge_tag
from arcgit.rules.state import RecordState


def judge_ref(
    context: Context, view: LedgerView, ref: Ref, raw: bytes | None = None
) -> tuple[Record | None, list[Finding]]:
    """One record under its ref: the tag against the ledger, then the commit and manifest that it names.

    `raw` is the tag object where it was read already.
    """
    name = RecordName.parse(ref.name)
    if name is None:
        return None, [foreign_tag(ref)]
    if ref.kind != "tag":
        message = f"the ref points to a {ref.kind}, not to an annotated tag"
        return None, [error("tag-type", name.tag, message, expected="tag", found=ref.kind)]
    known = view.ledger.records.get(ref.name)
    try:
        raw = raw if raw is not None else context.repo.read(ref.oid, "tag")
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
    found = canonical.sha256(record.raw)
    if known.content == found:
        return []
    message = "the ledger recorded other content under this name"
    return [error("tag-not-as-recorded", name.tag, message, expected=known.content, found=found)]


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


def foreign_tag(ref: Ref) -> Finding:
    """The finding for a tag below exp/ that is nobody's record."""
    message = "the tag lies below exp/ but is not named like a record"
    return warning("foreign-tag", ref.name, message, hint="arcgit leaves it alone; rename it if it is yours")
