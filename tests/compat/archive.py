"""A whole archive with a long history, made with real git, DVC, GnuPG and ssh-keygen."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from arcgit.archive import ledger, newevent
from arcgit.archive.context import open_context
from arcgit.archive.ledger import LedgerView
from arcgit.model import policy as policies
from arcgit.model.event import Subject
from arcgit.model.policy import Key, Policy
from arcgit.signing.keys import parse_public_key
from arcgit.signing.signer import Signer, signer_from_config
from tests.world import MANIFEST, PIPELINE, Person, build_template, dvc, git, invoke

COMMENT = "a long command line "


class Archive:
    """The archive under `root`, and the people who write to it."""

    def __init__(self, root: Path, ada: Person, bob: Person, carol: Person) -> None:
        self.work = root / "work"
        self.hub = root / "hub.git"
        self.state = root.parent / "state"
        self.ada, self.bob, self.carol = ada, bob, carol
        build_template(root, ada, bob)
        self.clock = datetime.now(timezone.utc)  # noqa: TID251  claimed times go on from now

    def view(self) -> LedgerView:
        """The ledger in force."""
        return ledger.require(open_context(self.work, state_dir=self.state))

    def refname(self, experiment: str, number: int = 0) -> str:
        """The refname of a record of an experiment."""
        pattern = f"refs/tags/exp/churn/{experiment}"
        return sorted(git(self.work, "for-each-ref", "--format=%(refname)", pattern).split())[number]

    def event(self, person: Person, kind: str, about: str | None = None, **data: Any) -> None:
        """One more event, judged as any writer judges it, and pushed."""
        self.clock += timedelta(seconds=60)
        context, view = open_context(self.work, state_dir=self.state), self.view()
        subject: Subject | None = view.ledger.records[about].subject if about else None
        new = newevent.build(
            view,
            signer_of(person),
            kind=kind,
            subject=subject,
            data=data,
            time=newevent.timestamp(self.clock),
            identity=(person.name, person.email),
        )
        for item in new.objects:
            context.repo.write(item.kind, item.raw)
        git(self.work, "update-ref", "refs/notes/arcgit", new.oid)
        self.share(person)

    def share(self, person: Person) -> None:
        """Push what was written."""
        person.sign_as(self.work)
        invoke(self.work, "sync")

    def adopt(self, changed: Policy, *approving: Person) -> None:
        """The next policy, signed by Ada, approved by these."""
        before = self.view().ledger
        text = policies.serialise(changed)
        digest = policies.digest(text)
        payload = policies.approval_payload(
            archive=before.archive, version=changed.version, previous=before.policy_digest, policy=digest
        )
        approvals = [approval(person, payload, before.require_policy()) for person in approving]
        self.event(
            self.ada,
            "policy",
            version=changed.version,
            digest=digest,
            previous=before.policy_digest,
            policy=text,
            approvals=approvals,
        )

    def record(self, person: Person, experiment: str, *, files: dict[str, str], kept: str = "") -> None:
        """One more experiment, run, committed and recorded; `kept` are further artifacts of the manifest."""
        person.sign_as(self.work)
        text = MANIFEST.format(experiment=experiment)
        for name, content in {**files, "arcgit.yaml": text + kept}.items():
            (self.work / name).write_text(content)
        dvc(self.work, "repro", "--quiet")
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "-m", experiment)
        git(self.work, "push", "--quiet", "origin", "main")
        invoke(self.work, "record")


def signer_of(person: Person) -> Signer:
    """The signer of a person."""
    return signer_from_config({"gpg.format": person.format, "user.signingkey": person.key}, email=person.email)


def approval(person: Person, payload: bytes, judge: Policy) -> dict[str, str]:
    """What a person says to a policy."""
    key = parse_public_key(person.public())
    signed = signer_of(person).sign(payload, policies.NAMESPACE).decode()
    return {"fingerprint": key.fingerprint, "person": str(judge.person_of(key.fingerprint)), "signature": signed}


def person_of(person: Person, *roles: policies.Role) -> policies.Person:
    """A person as a policy has them."""
    key = parse_public_key(person.public())
    held = Key(type=key.kind, fingerprint=key.fingerprint, public_key=key.text)
    return policies.Person(name=person.name, email=person.email, roles=roles, keys=(held,))


def live(archive: Archive) -> None:
    """Everything that can happen to an archive, on top of three records."""
    ada, bob, carol = archive.ada, archive.bob, archive.carol
    baseline, wide, deep = (archive.refname(name) for name in ("baseline", "wide", "deep"))
    archive.event(bob, "reviewed", baseline, outcome="approved", message="As good as it says.")
    archive.event(ada, "evaluated", baseline, outcome="equal")
    archive.event(ada, "amended", wide, owner="Data Team <data@example.org>", reason="Ada has left the project.")
    archive.event(ada, "held", deep, hold="case-7", reason="A request of the legal department.")
    archive.event(ada, "held", wide, hold="audit", reason="The yearly audit.")
    archive.event(ada, "released", wide, hold="audit")
    first = archive.view().ledger.require_policy()
    people = {**first.people, "carol": person_of(carol, "admin", "custodian", "auditor")}
    two = policies.Thresholds(policy=2)
    second = msgspec.structs.replace(first, version=2, people=people, thresholds=two)
    archive.adopt(second, ada)
    less = msgspec.structs.replace(people["bob"], roles=("recorder",))
    archive.adopt(msgspec.structs.replace(second, version=3, people={**people, "bob": less}), ada, carol)
    archive.event(carol, "verified", None, level="fixity", outcome="pass", records=[baseline, wide, deep])
    archive.event(carol, "retired", baseline, reason="Replaced by a later model.")
    archive.event(carol, "purged", wide, reason="Its class has run out.")
    git(archive.work, "checkout", "--quiet", git(archive.work, "rev-parse", f"{baseline}^{{commit}}"))
    bob.sign_as(archive.work)
    dvc(archive.work, "checkout", "--quiet")
    invoke(archive.work, "record")
    git(archive.work, "checkout", "--quiet", "main")
    dvc(archive.work, "checkout", "--quiet")
    code = "  code: {role: code, path: src}\n"
    archive.record(bob, "folder", files={"params.yaml": "lr: 1e-4\nepochs: 3\n"}, kept=code)
    long = f'cmd: "python src/train.py # {COMMENT * 1800}"'
    pipeline = PIPELINE.replace("cmd: python src/train.py", long)
    archive.record(bob, "long", files={"params.yaml": "lr: 1e-5\nepochs: 3\n", "dvc.yaml": pipeline})
    archive.event(bob, "run", None, commit=git(archive.work, "rev-parse", "HEAD"), outcome="failed")
