"""What the vectors of whole archives are made with: a copy of a sound archive, and ways to write into it past every rule."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arcgit.archive import newevent
from arcgit.archive.context import open_context
from arcgit.model import canonical, gitobject, record, tagmessage
from arcgit.model.event import Subject
from arcgit.model.names import RecordName
from tests.compat.archive import Archive, signer_of
from tests.compat.spoil import LEDGER, raw, write
from tests.world import Person, git


class Copy(Archive):
    """A copy of an archive, to be spoiled: a bare repository, and the DVC store beside it."""

    def __init__(self, whole: Archive, folder: Path, mallory: Person) -> None:
        git(folder, "clone", "--quiet", "--mirror", str(whole.hub), "repo.git")
        self.work = self.hub = folder / "repo.git"
        self.state = folder / "made"
        self.store = folder / "store"
        self.ada, self.bob, self.carol, self.mallory = whole.ada, whole.bob, whole.carol, mallory
        self.clock = whole.clock
        self.pin: dict[str, Any] | None = None

    def share(self, person: Person) -> None:
        """What is written stays here."""

    def raw_tag(self, experiment: str = "deep") -> bytes:
        """The tag object of an experiment's first record."""
        return raw(self.work, "tag", self.refname(experiment))

    def sealed(self, experiment: str = "deep") -> dict[str, Any]:
        """The record of an experiment as a JSON value."""
        data = tagmessage.split_message(gitobject.parse_tag(self.raw_tag(experiment)).message)[1]
        value: dict[str, Any] = json.loads(data)
        return value


Change = Callable[[Copy], object]


@dataclass(frozen=True)
class Vector:
    """One vector. `change` spoils a copy; `options` go to verify behind the trust root, unless `alone`."""

    name: str
    family: str
    why: str
    change: Change
    verdict: str = "fail"
    base: str = "short"
    options: Sequence[str] = ()
    alone: bool = False
    store: bool = False


def seal(
    copy: Copy,
    person: Person,
    change: Callable[[dict[str, Any]], None] = lambda value: None,
    *,
    experiment: str = "forged",
    message: Callable[[str], str] = str,
    name: Callable[[RecordName], RecordName] = lambda name: name,
    sign: Callable[[bytes], bytes] | None = None,
    recorded: bool = True,
) -> RecordName:
    """A record like that of `deep`, changed, signed by anybody, and by default recorded on the ledger by Bob."""
    value = copy.sealed()
    value["predicate"]["content"]["experiment"] = experiment
    change(value)
    value["predicate"]["run_id"] = record.run_id(canonical.dumps(value["predicate"]["content"]))
    data = canonical.dumps(value)
    content = value["predicate"]["content"]
    called = name(RecordName(content["project"], content["experiment"], value["predicate"]["run_id"]))
    target = git(copy.work, "rev-parse", f"{copy.refname('deep')}^{{commit}}")
    payload = gitobject.tag_payload(
        target=target,
        name=called.tag,
        tagger=gitobject.parse_tag(copy.raw_tag()).tagger,
        message=message(_message(data, called)),
    )
    signer = signer_of(person)
    tag = payload + (sign(payload) if sign else signer.sign(payload))
    oid = write(copy.work, "tag", tag)
    git(copy.work, "update-ref", called.refname, oid)
    if recorded:
        subject = Subject(refname=called.refname, oid=oid, sha256=canonical.sha256(tag))
        data_of = {"commit": target, "record": canonical.sha256(data), "run_id": called.run_id}
        _append(copy, copy.bob, subject, data_of)
    return called


def _message(data: bytes, name: RecordName) -> str:
    """The message of a record that may be malformed; then the readable part is that of nothing."""
    try:
        return tagmessage.message(record.parse(data), name)
    except record.RecordError:
        return f"{name.project}/{name.experiment} {name.short_id}\n\n{tagmessage.TRAILER}{data.decode()}\n"


def _append(copy: Copy, person: Person, subject: Subject, data: dict[str, Any]) -> None:
    context, view = open_context(copy.work, state_dir=copy.state), copy.view()
    new = newevent.build(
        view,
        signer_of(person),
        kind="recorded",
        subject=subject,
        data=data,
        time=newevent.timestamp(copy.clock),
        identity=(person.name, person.email),
    )
    for item in new.objects:
        context.repo.write(item.kind, item.raw)
    git(copy.work, "update-ref", LEDGER, new.oid)


def commits(copy: Copy) -> list[bytes]:
    """The ledger's commits, oldest first."""
    return [raw(copy.work, "commit", oid) for oid in git(copy.work, "rev-list", "--reverse", LEDGER).split()]


def relink(copy: Copy, chain: list[bytes]) -> None:
    """Make these the ledger: each gets the one before it as parent, and nothing is signed again."""
    parent = None
    for data in chain:
        head, _, rest = data.partition(b"\n\n")
        lines = [line for line in head.split(b"\n") if not line.startswith(b"parent ")]
        lines[1:1] = [b"parent " + parent.encode()] if parent else []
        parent = write(copy.work, "commit", b"\n".join(lines) + b"\n\n" + rest)
    git(copy.work, "update-ref", LEDGER, str(parent))


def gpg(person: Person, *options: str) -> Callable[[bytes], bytes]:
    """A signature by GnuPG with options that arcgit would not give it."""

    def sign(payload: bytes) -> bytes:
        command = ["gpg", "--batch", "--armor", "--detach-sign", "--local-user", person.key, *options]
        return subprocess.run(command, input=payload, capture_output=True, check=True).stdout

    return sign
