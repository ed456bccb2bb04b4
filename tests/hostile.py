"""Records that a trusted signer sealed in earnest and that say what no arcgit would have sealed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from arcgit.archive import fixity as fixity_ref
from arcgit.archive import ledger
from arcgit.archive.context import open_context
from arcgit.git.repository import ZERO, RefUpdate
from arcgit.model import canonical, gitobject, tagmessage
from arcgit.model import record as records
from arcgit.model.event import Subject
from arcgit.model.fixity import FixityEntry, serialise
from arcgit.model.names import RecordName
from arcgit.signing.signer import signer_from_config
from tests.world import Person, World, git

Artifacts = dict[str, dict[str, Any]]


def statement_of(world: World, experiment: str = "deep") -> dict[str, Any]:
    """The statement that the tag of an experiment holds."""
    raw = subprocess.run(
        ["git", "cat-file", "tag", world.tag(experiment)], cwd=world.work, capture_output=True, check=True
    ).stdout
    value: dict[str, Any] = json.loads(tagmessage.split_message(gitobject.parse_tag(raw).message)[1])
    return value


def reseal(world: World, person: Person, change: Callable[[Artifacts], None], *, blobs: tuple[bytes, ...] = ()) -> str:
    """Seal the record of `deep` with other artifacts, signed by `person` and recorded on the ledger; returns its tag."""
    context = open_context(world.work, state_dir=world.state / "arcgit")
    view = ledger.require(context)
    statement = statement_of(world)
    predicate = statement["predicate"]
    facts: Artifacts = predicate["artifacts"]
    change(facts)
    rows = sorted((fact["path"], fact["role"], fact["sha256"]) for fact in facts.values())
    content = predicate["content"]
    content["artifacts"] = [{"path": path, "role": role, "sha256": sha} for path, role, sha in rows]
    predicate["run_id"] = records.run_id(canonical.dumps(content))
    statement["subject"] = [{"name": rows[0][0], "digest": {"sha256": rows[0][2]}}]
    sealed = records.parse(canonical.dumps(statement))
    name: RecordName = records.name_of(sealed)
    signer = signer_from_config({"gpg.format": person.format, "user.signingkey": person.key}, email=person.email)
    now = datetime.now(timezone.utc)  # noqa: TID251
    identity = (person.name, person.email)
    payload = gitobject.tag_payload(
        target=sealed.predicate.commit.oid,
        name=name.tag,
        tagger=ledger.person_line(identity, now),
        message=tagmessage.message(sealed, name),
    )
    raw = payload + signer.sign(payload, "git")
    oid = context.repo.write("tag", raw)
    subject = Subject(refname=name.refname, oid=oid, sha256=canonical.sha256(raw))
    data = {"commit": sealed.predicate.commit.oid, "record": canonical.sha256(sealed.raw), "run_id": name.run_id}
    event = ledger.build(
        view, signer, kind="recorded", subject=subject, data=data, time=ledger.timestamp(now), identity=identity
    )
    for item in event.objects:
        context.repo.write(item.kind, item.raw)
    lists = fixity_ref.add(context.repo, list(blobs))
    updates = [RefUpdate(name.refname, oid, ZERO), RefUpdate("refs/notes/arcgit", event.oid, view.local or ZERO)]
    if lists is not None:
        blobs_and_list, update = lists
        for one in blobs_and_list:
            context.repo.write(one.kind, one.raw[:])
        updates.append(update)
    context.repo.update_refs(updates)
    assert git(world.work, "verify-tag", name.tag) == ""
    return name.tag


def folder_of(*files: tuple[str, bytes]) -> tuple[bytes, dict[str, Any]]:
    """A fixity list with any names at all, and the fields that point to it."""
    rows = [FixityEntry(canonical.sha256(data), len(data), path) for path, data in files]
    blob = serialise(rows)
    return blob, {"sha256": canonical.sha256(blob), "files": len(rows), "size": sum(row.size for row in rows)}
