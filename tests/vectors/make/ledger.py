"""ledger.json: whole ledgers, what counts of them, and what is found wrong."""

from __future__ import annotations

from arcgit.archive.judge import SignatureJudge
from arcgit.model import policy
from arcgit.model.finding import judge
from arcgit.rules.chain import Entry, replay
from tests import samples
from tests.vectors.make import ledger_chain, ledger_policy, ledger_state
from tests.vectors.make.cases import Case
from tests.vectors.make.chain import BASE, Link, People, approval, link, policy_data, policy_of, recorded_data


class Book:
    """The cases, and the commits that they are made of."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.commits: dict[str, str] = {}
        self.cases: list[Case] = []
        self.text = policy_of(people.roles)
        self.genesis = link(None, "genesis", "genesis", people.ada, data={"policy": policy.digest(self.text)})
        self.founded = link(
            self.genesis,
            "policy 1",
            "policy",
            people.ada,
            data=policy_data(self.text, None, [approval(people.ada, self.text, None, 1)]),
        )
        self.recorded = link(self.founded, "recorded", "recorded", people.bob, name=BASE, data=recorded_data(BASE))

    def add(self, name: str, why: str, links: list[Link] | Link, *codes: str, fault: str = "") -> None:
        """One case, held to what it claims; `codes` stand with `?` in front where they only cannot be verified."""
        chain = links if isinstance(links, list) else links.links
        for item in chain:
            if self.commits.setdefault(item.label, item.raw.decode()) != item.raw.decode():
                raise ValueError(f"two commits are called {item.label}")
        found, findings = replay([Entry(item.oid, item.raw) for item in chain], SignatureJudge())
        seen = [("?" if row.severity.value == "unknown" else "") + row.code for row in findings]
        if seen != list(codes) or not any(fault in row.message for row in findings) == bool(codes):
            raise ValueError(f"{name}: {[(row.code, row.message) for row in findings]}")
        records = {
            refname: {"status": state.status, "holds": sorted(state.holds), "events": [e.seq for e in state.events]}
            for refname, state in found.records.items()
        }
        case = {
            "name": name,
            "why": why,
            "commits": [item.label for item in chain],
            "valid": found.seq,
            "policy": found.policy.version if found.policy else None,
            "records": records,
            "codes": seen,
            "verdict": judge(findings, checked=1).value,
        }
        self.cases.append({**case, "fault": fault} if codes else case)


def document(people: People) -> Case:
    """The file."""
    book = Book(people)
    ledger_chain.fill(book)
    ledger_state.fill(book)
    ledger_policy.fill(book)
    about = (
        "commits: raw ledger commits by label; a case lists them oldest first; valid: how many events count; policy: the"
        " version in force after them; records: their state; codes: what is found at the first event that does not hold, ? in front where it only cannot be verified."
    )
    archive = {"archive": samples.ARCHIVE, "founder": people.ada.key.fingerprint}
    return {"about": about, **archive, "commits": book.commits, "cases": book.cases}
