"""`python -m bench.archive FOLDER RECORDS [openpgp]` makes an archive of any size that `arcgit verify` passes.

Everything is made in this process by arcgit's own functions and written as one pack: ten thousand records in about a
minute. FOLDER gets `work` (the repository), `key` and `key.pub` (its signing key) and `state` (for XDG_STATE_HOME). The
data behind the records does not exist, so only the level `signatures` passes.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec

from arcgit.archive import newevent
from arcgit.archive.init import found_ledger
from arcgit.archive.ledger import LedgerView
from arcgit.archive.policy import policyfile
from arcgit.archive.seal import KNOWN
from arcgit.model import canonical, gitobject, tagmessage
from arcgit.model import record as records
from arcgit.model.event import Subject
from arcgit.model.record import ArtifactFact, DvcRef
from bench.pack import Objects, write_refs
from bench.pgpkey import PgpKey
from bench.sshkey import SshKey

ID = "0b5a5e8e-6f6b-4b0a-9c2e-1d2f3a4b5c6d"
BEGIN = datetime(2025, 1, 1, tzinfo=timezone.utc)
IDENTITY = ("Ada Lovelace", "ada@example.org")
PROJECTS = ("churn", "credit", "demand", "fraud", "vision")
OWNERS = ("Ada Lovelace <ada@example.org>", "Bob Byte <bob@example.org>", "Data Team <data@example.org>")
LATER: dict[int, tuple[str, dict[str, Any]]] = {
    20: ("reviewed", {"outcome": "approved"}),
    50: ("held", {"hold": "case-7", "reason": "A request of the legal department."}),
    75: ("amended", {"owner": OWNERS[2], "reason": "The owner has left."}),
    90: ("retired", {"reason": "Replaced by a later model."}),
}
"""What happens to every n-th record after it was recorded."""


@dataclass(frozen=True)
class Made:
    """An archive on disk. `trust_root` is the fingerprint that it began with."""

    folder: Path
    trust_root: str
    records: int
    events: int

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def state(self) -> Path:
        return self.folder / "state"


class _Maker:
    def __init__(self, view: LedgerView, signer: SshKey | PgpKey, objects: Objects, step: timedelta) -> None:
        self.step = step
        self.view, self.signer, self.objects = view, signer, objects
        self.refs: dict[str, tuple[str, str | None]] = {}
        self.commit: str | None = None

    def add(self, number: int, params: int, artifacts: int) -> None:
        """One more experiment on a commit of its own, recorded, and whatever happens to it later."""
        now = BEGIN + self.step * number
        project = PROJECTS[number % len(PROJECTS)]
        manifest = f"schema: arcgit/manifest/v1\nproject: {project}\nexperiment: run-{number // 20}\n".encode()
        blob = self.objects.add("blob", manifest)
        tree = self.objects.add("tree", b"100644 arcgit.yaml\0" + bytes.fromhex(blob))
        person = newevent.person_line(IDENTITY, now)
        message = f"Experiment {number}\n"
        self.commit = self.objects.add(
            "commit", gitobject.commit_payload(tree=tree, parent=self.commit, author=person, message=message)
        )
        facts = _facts(number, artifacts)
        content = records.content_bytes(
            project=project,
            experiment=f"run-{number // 20}",
            artifacts=facts.values(),
            params={"params.yaml": {"lr": round(10 ** -(1 + number % 4), 5), "seed": number, **_more(number, params)}},
            metrics={"metrics.json": {"auc": round(0.5 + number * 7919 % 5000 / 10_000, 4), "loss": number % 97 / 97}},
            lineage=_lineage(facts),
        )
        self._seal(number, facts, content, (tree, canonical.sha256(manifest)), now)

    def leave(self, now: datetime) -> str:
        """A last commit without any file: what is at HEAD is not what is measured."""
        tree = self.objects.add("tree", b"")
        person = newevent.person_line(IDENTITY, now)
        payload = gitobject.commit_payload(tree=tree, parent=self.commit, author=person, message="The records stay\n")
        return self.objects.add("commit", payload)

    def _seal(
        self, number: int, facts: dict[str, ArtifactFact], content: bytes, sealed: tuple[str, str], now: datetime
    ) -> None:
        time, commit = newevent.timestamp(now), self.commit or ""
        statement = {
            "_type": records.STATEMENT_TYPE,
            "subject": records.subjects(facts.values(), frozenset()),
            "predicateType": records.PREDICATE_TYPE,
            "predicate": {
                "schema": records.SCHEMA,
                "archive": ID,
                "run_id": records.run_id(content),
                "content": msgspec.json.decode(content),
                "artifacts": msgspec.to_builtins(facts),
                "commit": {"oid": commit, "tree": sealed[0]},
                "manifest": {"path": "arcgit.yaml", "sha256": sealed[1]},
                "owner": OWNERS[number % 2],
                "purpose": f"Try {number} of the call-centre features.",
                "retention": "standard",
                "time": time,
                "environment": {"recorded_with": {"arcgit": "0.1.0", "machine": "x86_64", "python": "3.11.7"}},
                "known": KNOWN,
                "extensions": {},
            },
        }
        record = records.parse(canonical.dumps(statement))
        name = records.name_of(record)
        payload = gitobject.tag_payload(
            target=commit,
            name=name.tag,
            tagger=newevent.person_line(IDENTITY, now),
            message=tagmessage.message(record, name),
        )
        raw = payload + self.signer.sign(payload)
        oid = self.objects.add("tag", raw)
        self.refs[name.refname] = (oid, commit)
        subject = Subject(refname=name.refname, oid=oid, sha256=canonical.sha256(raw))
        stated = {"commit": commit, "record": canonical.sha256(record.raw), "run_id": name.run_id}
        self._event("recorded", subject, stated, time)
        for every, (kind, data) in LATER.items():
            if number % every == every - 1:
                self._event(kind, subject, data, time)

    def _event(self, kind: str, subject: Subject, data: dict[str, Any], time: str) -> None:
        new = newevent.build(
            self.view, self.signer, kind=kind, subject=subject, data=data, time=time, identity=IDENTITY
        )
        for item in new.objects:
            self.objects.add(item.kind, item.raw)


def make(folder: Path, records: int, *, params: int = 8, artifacts: int = 5, openpgp: bool = False) -> Made:
    """Make an archive of `records` records in `folder`, which must not exist; each has that many params and artifacts."""
    work = folder / "work"
    work.mkdir(parents=True)
    signer = PgpKey(*IDENTITY) if openpgp else SshKey()
    signer.save(folder / "key")
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main"], cwd=work, check=True)
    name, email = IDENTITY
    settings = {"user.name": name, "user.email": email, "gpg.format": signer.public_key.kind}
    settings["user.signingKey"] = signer.public_key.fingerprint if openpgp else f"{folder}/key.pub"
    for setting, value in settings.items():
        subprocess.run(["git", "config", setting, value], cwd=work, check=True)
    policy = policyfile.first_policy(
        archive=ID, project="churn", name=name, email=email, key=signer.public_key, remotes={}
    )
    view, first, _ = found_ledger(policy, signer, time=newevent.timestamp(BEGIN), identity=IDENTITY)
    objects = Objects()
    for item in first:
        objects.add(item.kind, item.raw)
    # All of it within a year of the beginning: a time that is yet to come is an error.
    step = min(timedelta(minutes=30), timedelta(days=365) / max(1, records))
    maker = _Maker(view, signer, objects, step)
    for number in range(records):
        maker.add(number, params, artifacts)
    head = maker.leave(BEGIN) if records else None
    objects.write(work)
    tips = {"refs/heads/main": (head, None), view.ref: (view.ledger.tip, None)}
    write_refs(work / ".git", maker.refs | {ref: (oid, peeled) for ref, (oid, peeled) in tips.items() if oid})
    # With deltas, as in a clone: only so the objects cost what they cost there.
    subprocess.run(["git", "repack", "-a", "-d", "-f", "-q"], cwd=work, check=True)
    if records:
        subprocess.run(["git", "reset", "--quiet", "--hard"], cwd=work, check=True)
    return Made(folder, view.ledger.founder, records, view.ledger.seq)


def _more(number: int, count: int) -> dict[str, Any]:
    return {f"layer{n}": {"units": 2 ** (4 + (number + n) % 6), "act": "relu"} for n in range(max(0, (count - 2) // 2))}


def _facts(number: int, count: int) -> dict[str, ArtifactFact]:
    roles = ("model", "dataset", "metrics", "environment", "code")
    facts = {}
    for n in range(max(1, count)):
        role = roles[n % len(roles)]
        digest = hashlib.sha256(f"{number} {n}".encode()).hexdigest()
        folder = role == "dataset"
        facts[f"{role}-{n}"] = ArtifactFact(
            path=f"{role}/{n}" if folder else f"{role}/{n}.bin",
            role=role,
            kind="directory" if folder else "file",
            size=1000 * (number + 1) * (n + 1),
            sha256=digest,
            files=3 if folder else None,
            dvc=DvcRef(md5=digest[:32] + (".dir" if folder else ""), remote="storage"),
            split=("train", "test")[n // len(roles) % 2] if folder else None,
        )
    return facts


def _lineage(facts: dict[str, ArtifactFact]) -> dict[str, Any]:
    rows = [
        {"path": fact.path, "md5": fact.dvc.md5 if fact.dvc else None, "size": fact.size} for fact in facts.values()
    ]
    stage = {
        "file": "dvc.yaml",
        "name": "train",
        "cmd": "python src/train.py --epochs 3",
        "deps": rows[1:],
        "outs": rows[:1],
        "params": {"params.yaml": {"lr": 0.001}},
    }
    return {"sources": rows[1:2], "stages": [stage]}


if __name__ == "__main__":
    made = make(Path(sys.argv[1]).resolve(), int(sys.argv[2]), openpgp="openpgp" in sys.argv[3:])
    print(f"{made.work}: {made.records} records, {made.events} events, begun by {made.trust_root}")
