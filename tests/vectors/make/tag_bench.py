"""Making tags of records, and judging them as the cases of tag.json say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arcgit.archive.judge import SignatureJudge
from arcgit.archive.judgeref import judge_ref
from arcgit.git.refs import Ref
from arcgit.model import canonical, gitobject, policy, record, tagmessage
from arcgit.model.event import Subject
from arcgit.model.gitobject import object_id
from arcgit.model.names import RecordName
from arcgit.rules.sealed import judge_tag
from arcgit.rules.state import RecordState
from tests import samples
from tests.samples import statement
from tests.vectors.make.cases import Case
from tests.vectors.make.chain import People, policy_of, text_or_base64
from tests.vectors.make.people import Person

TAGGER = "Bob Byte <bob@example.org> 1767323045 +0000"
MODEL = {"model": samples.artifact("m")}
Change = Callable[[bytes], bytes]


def sub(old: str, new: str) -> Change:
    """Replace the first place of a text that must be there."""

    def change(raw: bytes) -> bytes:
        if old.encode() not in raw:
            raise ValueError(f"there is no {old!r}")
        return raw.replace(old.encode(), new.encode(), 1)

    return change


class Bench:
    """Tags, and the cases about them."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.policy = policy_of(people.roles)
        self.cases: list[Case] = []

    def tag(
        self,
        value: dict[str, Any] | None = None,
        *,
        by: Person | None = None,
        number: int = 1,
        unsigned: Change = bytes,
        signed: Change = bytes,
        namespace: str = "git",
    ) -> tuple[RecordName, bytes]:
        """A record's name and tag. `unsigned` changes what is then signed, `signed` what has been signed."""
        sealed = record.parse(canonical.dumps(value or statement(MODEL)))
        first = record.name_of(sealed)
        name = RecordName(first.project, first.experiment, first.run_id, number)
        payload = unsigned(
            gitobject.tag_payload(
                target=sealed.predicate.commit.oid,
                name=name.tag,
                tagger=TAGGER,
                message=tagmessage.message(sealed, name),
            )
        )
        signer = by or self.people.bob
        return name, signed(payload + signer.sign(payload, namespace).encode())

    def add(
        self,
        name: str,
        why: str,
        made: tuple[RecordName, bytes],
        *codes: str,
        fault: str = "",
        refname: str = "",
        recorded: dict[str, str] | bool | None = True,
        pad: int = 0,
        kind: str = "tag",
    ) -> None:
        """One case, held to what it claims. `recorded` is what the ledger has, by default this very object."""
        short = made[1]
        raw = short.replace(b"{pad}", b"x" * pad)
        known = {"oid": object_id(kind, raw), "sha256": canonical.sha256(raw), "commit": samples.COMMIT}
        stated = known if recorded is True else {**known, **recorded} if isinstance(recorded, dict) else None
        case: Case = {"name": name, "why": why, "refname": refname or made[0].refname, **text_or_base64("tag", short)}
        case |= {"recorded": stated, "codes": list(codes)} | ({"pad": pad} if pad else {})
        case |= {"kind": kind} if kind != "tag" else {}
        findings = judged(case, raw, self.policy)
        seen = [("?" if row.severity.value == "unknown" else "") + row.code for row in findings]
        if seen != list(codes) or not any(fault in row.message for row in findings) == bool(codes):
            raise ValueError(f"{name}: {[(row.code, row.message) for row in findings]}")
        self.cases.append({**case, "fault": fault} if codes else case)


def judged(case: Case, raw: bytes, text: str) -> list[Any]:
    """The findings about a case."""
    parsed = policy.parse(text)
    name = RecordName.parse(case["refname"])
    if name is None:
        raise ValueError(case["refname"])
    if (kind := case.get("kind", "tag")) != "tag":
        # Such a ref is refused before anything is read, so neither repository nor ledger is needed.
        nothing: Any = None
        return judge_ref(nothing, nothing, Ref(case["refname"], object_id(kind, raw), kind))[1]
    known = None
    if case["recorded"] is not None:
        subject = Subject(refname=case["refname"], oid=case["recorded"]["oid"], sha256=case["recorded"]["sha256"])
        known = RecordState(name, subject, case["recorded"]["commit"], "bob", parsed, 3)
    return judge_tag(name, raw, archive=samples.ARCHIVE, policy=parsed, known=known, verify=SignatureJudge())[1]
