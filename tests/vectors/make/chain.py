"""Ledgers made link by link, past every rule of arcgit's own."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from arcgit.model import canonical, gitobject, policy
from arcgit.model import event as events
from arcgit.model.event import Event
from arcgit.model.names import RecordName
from arcgit.model.notetree import NoteTree
from tests import samples
from tests.vectors.make.people import Home, Person

AUTHOR = "Ada Lovelace <ada@example.org> 1767323045 +0000"
BASE = RecordName("churn", "baseline", "0123456789ab")
WIDE = RecordName("churn", "wide", "ba9876543210")


def second(name: RecordName, number: int = 2) -> RecordName:
    """The same content again."""
    return RecordName(name.project, name.experiment, name.run_id, number)


@dataclass(frozen=True)
class Link:
    """One ledger commit, with those before it."""

    label: str
    raw: bytes
    event: dict[str, Any]
    before: Link | None = None

    @property
    def oid(self) -> str:
        return gitobject.object_id("commit", self.raw)

    @property
    def links(self) -> list[Link]:
        """The whole ledger, oldest first."""
        return [*(self.before.links if self.before else []), self]


class People:
    """Who signs: Ada with OpenPGP, the others with SSH. Mallory is in no policy."""

    def __init__(self, home: Home) -> None:
        home.openpgp_key("ada")
        self.home = home
        for name in ("bob", "carol", "dave", "erin", "mallory"):
            home.ssh_key(name)
        self.ada = Person(home, "ada", "openpgp")
        self.bob, self.carol, self.dave, self.erin, self.mallory = (
            Person(home, name) for name in ("bob", "carol", "dave", "erin", "mallory")
        )

    @cached_property
    def roles(self) -> dict[str, tuple[Person, list[str]]]:
        """Whom the first policy names."""
        return {
            "ada": (self.ada, ["admin", "recorder", "custodian"]),
            "bob": (self.bob, ["recorder", "reviewer"]),
            "carol": (self.carol, ["admin", "auditor"]),
            "dave": (self.dave, ["custodian"]),
        }


def policy_of(people: dict[str, tuple[Person, list[str]]], version: int = 1, **changes: Any) -> str:
    """A policy's text."""
    rows = {}
    for name, (person, roles) in people.items():
        key = {"type": person.key.kind, "fingerprint": person.key.fingerprint, "public_key": person.key.text}
        rows[name] = {"name": name.title(), "email": f"{name}@example.org", "roles": roles, "keys": [key]}
    base = {"schema": policy.SCHEMA, "archive": samples.ARCHIVE, "version": version, "project": "churn", "people": rows}
    return canonical.dumps({**base, **changes}).decode()


def approval(person: Person, text: str, previous: str | None, version: int, /, **changes: Any) -> dict[str, str]:
    """What a person says to a policy."""
    namespace = changes.pop("namespace", "arcgit-policy")
    stated = {"archive": samples.ARCHIVE, "version": version, "previous": previous, "policy": policy.digest(text)}
    payload = policy.approval_payload(**{**stated, **{key: changes.pop(key) for key in list(changes) if key in stated}})
    signed = person.sign(payload, namespace)
    return {"fingerprint": person.key.fingerprint, "person": person.name, "signature": signed, **changes}


def policy_data(text: str, previous: str | None, approvals: list[Any], version: int = 1) -> dict[str, Any]:
    """The data of a policy event."""
    digest = policy.digest(text)
    return {"version": version, "digest": digest, "previous": previous, "policy": text, "approvals": approvals}


def subject_of(name: RecordName, **changes: str) -> dict[str, str]:
    """A subject; the tag objects of these ledgers are not at hand."""
    seed = canonical.sha256(name.refname.encode())
    return {"refname": name.refname, "oid": seed[:40], "sha256": seed, **changes}


def recorded_data(name: RecordName, commit: str = samples.COMMIT, /, **changes: Any) -> dict[str, Any]:
    """The data of a recorded event."""
    return {"commit": commit, "record": "7" * 64, "run_id": name.run_id, **changes}


def link(
    before: Link | None,
    label: str,
    kind: str,
    signer: Person | None,
    *,
    name: RecordName | None = None,
    tree: str | None = None,
    parent: str | None = "",
    namespace: str = "git",
    **fields: Any,
) -> Link:
    """One more commit. `fields` are the event's; a tree, a parent or a namespace may be given in place of the right one."""
    value = {
        **samples.event(kind, len(before.links) + 1 if before else 1),
        "actor": signer.name if signer else "ada",
        "previous": canonical.sha256(before.raw) if before else None,
        "subject": subject_of(name) if name else None,
        **fields,
    }
    message = message_of(value)
    payload = gitobject.commit_payload(
        tree=tree or tree_of(before, value),
        parent=(before.oid if before else None) if parent == "" else parent,
        author=AUTHOR,
        message=message,
    )
    if signer is None:
        return Link(label, payload, value, before)
    return Link(label, gitobject.sign_commit(payload, signer.sign(payload, namespace).encode()), value, before)


def message_of(value: dict[str, Any]) -> str:
    """The message of an event that may say anything."""
    made = msgspec.convert(value, Event)
    return f"{events.title(made)}\n\n{events.TRAILER}{canonical.dumps(value).decode()}\n"


def tree_of(before: Link | None, value: dict[str, Any]) -> str:
    """The tree that the next commit must have, if the event counts."""
    tree, commits = NoteTree(), {}
    for row in [*(item.event for item in (before.links if before else [])), value]:
        subject = row["subject"]
        if row["type"] == "recorded" and subject:
            commits[subject["refname"]] = row["data"].get("commit")
        named = row["data"].get("commit") if row["type"] == "run" else None
        target = named or (commits.get(subject["refname"]) if subject else None)
        if isinstance(target, str) and len(target) == 40:
            found = msgspec.convert(row, Event)
            tree.take(target, tree.preview(target, found))
    return tree.oid


def unsigned(whole: Link, label: str, old: str, new: str) -> Link:
    """A commit changed after it was signed."""
    raw = whole.raw.decode()
    if raw.count(old) < 1:
        raise ValueError(f"{label}: there is no {old!r}")
    return Link(label, raw.replace(old, new).encode(), whole.event, whole.before)


def text_or_base64(field: str, raw: bytes) -> dict[str, str]:
    """Bytes as a field of a case: text where they are UTF-8."""
    try:
        return {field: raw.decode()}
    except UnicodeDecodeError:
        return {f"{field}_base64": base64.b64encode(raw).decode()}
