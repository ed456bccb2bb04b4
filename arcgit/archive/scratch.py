"""A small archive on a throw-away repository, with a key of its own: what `arcgit doctor` pushes its probes from."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from arcgit.archive import newevent
from arcgit.archive.init import found_ledger
from arcgit.archive.policy import policyfile
from arcgit.archive.seal import KNOWN
from arcgit.errors import UndeterminedError
from arcgit.git.person import environment
from arcgit.git.repository import Repository
from arcgit.model import canonical, gitobject, tagmessage
from arcgit.model import record as records
from arcgit.model.event import Subject
from arcgit.model.names import LEDGER_REF, RecordName
from arcgit.model.record import ArtifactFact
from arcgit.signing.keys import parse_public_key
from arcgit.signing.ssh import SshSigner

ARCHIVE = "5c7a7c11-0000-4000-8000-000000000000"
IDENTITY = ("Probe", "probe@example.invalid")
MANIFEST = "schema: arcgit/manifest/v1\nproject: probe\nexperiment: probe\n"
"""A manifest that no rules find complete."""


@dataclass(frozen=True)
class Scratch:
    """The repository and its empty remote, the record in it, and a commit whose manifest is incomplete."""

    work: Path
    hub: Path
    record: RecordName
    good: str
    bad: str
    noted: str


def git(folder: Path, *arguments: str, stdin: str = "") -> str:
    """What git prints, with the settings of nobody. Raises UndeterminedError."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, input=stdin, capture_output=True, text=True, check=False, env=plain(folder)
    )
    if done.returncode:
        raise UndeterminedError("git-failed", f"git {arguments[0]} failed in a scratch repository: {done.stderr[:300]}")
    return done.stdout.strip()


def plain(folder: Path) -> dict[str, str]:
    """An environment for git without anybody's settings."""
    kept = {name: value for name, value in environment().items() if not name.startswith(("GIT_", "PRE_COMMIT"))}
    fixed = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    name, email = IDENTITY
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", name), ("EMAIL", email))
    }
    return kept | fixed | who | {"HOME": str(folder)}


def make(folder: Path, now: datetime) -> Scratch:
    """Make it below `folder`: one record by one person, and the events that found the archive and record it."""
    work, hub = folder / "work", folder / "hub.git"
    git(folder, "init", "--quiet", "--bare", str(hub))
    git(folder, "init", "--quiet", str(work))
    git(work, "symbolic-ref", "HEAD", "refs/heads/main")
    git(work, "remote", "add", "origin", str(hub))
    signer = _signer(folder)
    repo = Repository(work)
    first, tree = _commit(work, {"model.bin": "weights\n", "card/arcgit.yaml": MANIFEST.replace("probe", "sealed")})
    policy = policyfile.first_policy(
        archive=ARCHIVE, project="probe", name=IDENTITY[0], email=IDENTITY[1], key=signer.public_key, remotes={}
    )
    time = newevent.timestamp(now)
    view, objects, _ = found_ledger(policy, signer, time=time, identity=IDENTITY)
    name, raw, digest = _tag(first, tree, signer, now)
    subject = Subject(refname=name.refname, oid=gitobject.object_id("tag", raw), sha256=canonical.sha256(raw))
    data = {"commit": first, "record": digest, "run_id": name.run_id}
    new = newevent.build(view, signer, kind="recorded", subject=subject, data=data, time=time, identity=IDENTITY)
    for item in (*objects, *new.objects):
        repo.write(item.kind, item.raw)
    repo.write("tag", raw)
    git(work, "update-ref", name.refname, subject.oid)
    git(work, "update-ref", LEDGER_REF, new.oid)
    good, _ = _commit(work, {"notes.txt": "nothing of an experiment\n"})
    git(work, "update-ref", "refs/heads/main", good)
    git(work, "push", "--quiet", "origin", "main", LEDGER_REF, name.refname)
    bad, _ = _commit(work, {"arcgit.yaml": MANIFEST}, good)
    git(work, "update-ref", "refs/notes/other", new.oid)
    git(work, "notes", "--ref=other", "append", "-m", "a remark", good)
    noted = git(work, "rev-parse", "refs/notes/other")
    git(work, "update-ref", "-d", "refs/notes/other")
    return Scratch(work, hub, name, good, bad, noted)


def _signer(folder: Path) -> SshSigner:
    path = folder / "key"
    try:
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as fault:
        hint = "install OpenSSH's client; arcgit doctor --no-probes does without"
        raise UndeterminedError("signing-failed", "ssh-keygen made no key for the probes", hint) from fault
    return SshSigner("ssh-keygen", parse_public_key(path.with_suffix(".pub").read_text()), path)


def _commit(work: Path, files: dict[str, str], *parents: str) -> tuple[str, str]:
    """The oids of a commit with these files, and of its tree."""
    rows: dict[str, list[str]] = {"": []}
    for path, text in files.items():
        folder, _, name = path.rpartition("/")
        blob = git(work, "hash-object", "-w", "--stdin", stdin=text)
        rows.setdefault(folder, []).append(f"100644 blob {blob}\t{name}")
    for folder in filter(None, list(rows)):
        tree = git(work, "mktree", stdin="\n".join([*rows[folder], ""]))
        rows[""].append(f"040000 tree {tree}\t{folder}")
    tree = git(work, "mktree", stdin="\n".join([*rows[""], ""]))
    given = [part for parent in parents for part in ("-p", parent)]
    return git(work, "commit-tree", *given, "-m", "probe", tree), tree


def _tag(commit: str, tree: str, signer: SshSigner, now: datetime) -> tuple[RecordName, bytes, str]:
    """A record's name, its raw tag, and the sha256 of its text."""
    model = b"weights\n"
    oid = gitobject.object_id("blob", model)
    fact = ArtifactFact(
        path="model.bin", role="model", kind="file", size=len(model), sha256=canonical.sha256(model), git=oid
    )
    content = records.content_bytes(
        project="probe",
        experiment="probe",
        artifacts=[fact],
        params={},
        metrics={},
        lineage={"sources": [], "stages": []},
    )
    manifest = MANIFEST.replace("probe", "sealed").encode()
    statement = {
        "_type": records.STATEMENT_TYPE,
        "subject": records.subjects([fact], frozenset()),
        "predicateType": records.PREDICATE_TYPE,
        "predicate": {
            "schema": records.SCHEMA,
            "archive": ARCHIVE,
            "run_id": records.run_id(content),
            "content": msgspec.json.decode(content),
            "artifacts": {"model": msgspec.to_builtins(fact)},
            "commit": {"oid": commit, "tree": tree},
            "manifest": {"path": "card/arcgit.yaml", "sha256": canonical.sha256(manifest)},
            "owner": "Probe",
            "purpose": "A probe.",
            "retention": "standard",
            "time": newevent.timestamp(now),
            "environment": {},
            "known": KNOWN,
        },
    }
    sealed = records.parse(canonical.dumps(statement))
    name = records.name_of(sealed)
    payload = gitobject.tag_payload(
        target=commit,
        name=name.tag,
        tagger=newevent.person_line(IDENTITY, now),
        message=tagmessage.message(sealed, name),
    )
    return name, payload + signer.sign(payload, "git"), canonical.sha256(sealed.raw)
