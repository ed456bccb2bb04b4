"""What the replay makes of a policy event, with a verifier that finds every signature good."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from arcgit.model import canonical, gitobject, policy
from arcgit.model import event as events
from arcgit.model.event import Subject
from arcgit.model.names import RecordName
from arcgit.model.notetree import EMPTY_TREE
from arcgit.rules.chain import Entry, replay
from arcgit.rules.signature import Checked
from arcgit.rules.state import RecordState, record_fault
from tests import samples

FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
SIGNATURE = b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"


def first_policy(name: str) -> str:
    key = {"type": "openpgp", "fingerprint": FINGERPRINT, "public_key": "not read here"}
    ada = {"name": name, "email": "ada@example.org", "roles": ["admin"], "keys": [key]}
    fields = {"schema": policy.SCHEMA, "archive": samples.ARCHIVE, "version": 1, "project": "p", "people": {"ada": ada}}
    return canonical.dumps(fields).decode()


def founded(text: str, **changes: Any) -> list[str]:
    """What is found in a ledger of a genesis and this policy."""
    approval = {"fingerprint": FINGERPRINT, "person": "ada", "signature": SIGNATURE.decode()}
    digest = policy.digest(text)
    data = {"version": 1, "digest": digest, "previous": None, "policy": text, "approvals": [approval], **changes}
    entries: list[Entry] = []
    for value in (samples.event("genesis", 1, data={"policy": digest}), samples.event("policy", 2, data=data)):
        before = entries[-1] if entries else None
        made = msgspec.convert({**value, "previous": canonical.sha256(before.raw) if before else None}, events.Event)
        payload = gitobject.commit_payload(
            tree=EMPTY_TREE,
            parent=before.oid if before else None,
            author="Ada <ada@example.org> 1767323045 +0000",
            message=events.message(made),
        )
        raw = gitobject.sign_commit(payload, SIGNATURE)
        entries.append(Entry(gitobject.object_id("commit", raw), raw))
    findings = replay(entries, lambda policy, payload, signature, namespace: Checked(FINGERPRINT))[1]
    return [f"{found.code}: {found.message}" for found in findings]


def test_a_policy_takes_force() -> None:
    assert founded(first_policy("Ada")) == []


@pytest.mark.parametrize("version", [True, 1.5, "1", None, 2])
def test_a_version_is_the_number_that_the_policy_has(version: object) -> None:
    """Python takes true for 1; other readers do not."""
    assert founded(first_policy("Ada"), version=version)[0].startswith("policy-chain: a policy must raise")


def test_the_limit_of_a_policy_is_in_bytes() -> None:
    """So that readers in every language have the same."""
    letters = policy.MAX_POLICY_BYTES - len(first_policy("").encode())
    assert founded(first_policy("a" * letters)) == []
    assert founded(first_policy("a" * (letters - 1) + "\u00e9")) == ["policy-chain: the event carries no policy"]


def test_a_policy_is_about_no_record() -> None:
    """Else its line would stand on the note of the record's commit, and policies leave the notes alone."""
    known = RecordName("p", "e", "0" * 12)
    subject = Subject(refname=known.refname, oid="1" * 40, sha256="2" * 64)
    text = policy.parse(first_policy("Ada"))
    records = {known.refname: RecordState(known, subject, samples.COMMIT, "ada", text, 3)}
    for kind in ("policy", "genesis"):
        made = msgspec.convert({**samples.event(kind, 4), "subject": msgspec.to_builtins(subject)}, events.Event)
        assert record_fault(records, made) == "it is about the archive and names a record"
