"""How a case of a signed file is read: signatures, tags, commits, ledgers."""

from __future__ import annotations

from typing import Any

from arcgit.archive.judge import SignatureJudge
from arcgit.model import canonical, gitobject
from arcgit.model.finding import Severity, judge
from arcgit.rules.chain import Entry, replay
from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import Keyring
from tests.vectors.cases import Case, padded, raw, refused
from tests.vectors.make.tag_bench import judged


def check_signature(_: Case, case: Case) -> None:
    kind: Any = "ssh" if case["fingerprint"].startswith("SHA256:") else "openpgp"
    ring = Keyring([PublicKey(kind, case["fingerprint"], case["public_key"])])
    found = ring.verify(case["payload"].encode(), padded(case, "signature", "A").encode(), case["namespace"])
    assert found.status.value == case["status"]
    if case["status"] == "good":
        assert (found.fingerprint, found.signing_key) == (case["fingerprint"], case["signing_key"])
    else:
        assert case["fault"]
        assert case["fault"] in found.detail


def check_commit(_: Case, case: Case) -> None:
    data = raw(case, "commit")
    if "error" in case:
        refused(case, lambda: gitobject.parse_commit(data), gitobject.GitObjectError)
        return
    found = gitobject.parse_commit(data)
    assert (gitobject.object_id("commit", data), canonical.sha256(data)) == (case["oid"], case["sha256"])
    assert {part: getattr(found, part) for part in ("tree", "parent", "author", "message")} == {
        part: case[part] for part in ("tree", "parent", "author", "message")
    }
    assert (found.signature.decode() if found.signature else None) == case["signature"]
    assert canonical.sha256(found.payload) == case["payload_sha256"]


def check_tag(whole: Case, case: Case) -> None:
    found = judged(case, raw(case, "tag"), whole["policy"])
    assert _codes(found) == case["codes"]
    if case["codes"]:
        assert case["fault"]
        assert any(case["fault"] in row.message for row in found)


def check_ledger(whole: Case, case: Case) -> None:
    chain = [whole["commits"][label].encode() for label in case["commits"]]
    ledger, found = replay([Entry(gitobject.object_id("commit", data), data) for data in chain], SignatureJudge())
    assert _codes(found) == case["codes"]
    assert judge(found, checked=1).value == case["verdict"]
    assert (ledger.seq, ledger.policy.version if ledger.policy else None) == (case["valid"], case["policy"])
    assert {
        refname: {"status": state.status, "holds": sorted(state.holds), "events": [e.seq for e in state.events]}
        for refname, state in ledger.records.items()
    } == case["records"]
    if case["codes"]:
        assert case["fault"]
        assert any(case["fault"] in row.message for row in found)
    else:
        assert (ledger.archive, ledger.founder) == (whole["archive"], whole["founder"])


def _codes(found: list[Any]) -> list[str]:
    return [("?" if row.severity is Severity.UNKNOWN else "") + row.code for row in found]
