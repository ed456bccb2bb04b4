"""Random histories: two people in two clones record, review, amend, retire, exchange, are killed and are tampered with.

A simple model says what each of them must see. Whatever happened: `verify` passes exactly what the model knows and `list`
shows it; what was tampered with is never a pass, and is named; a command that was killed is finished by the next one.
A few histories, the same every time; many new ones with `make stateful`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from arcgit.git import gitpython, person, plumbing
from tests.attacks.test_ledger import chain, raw_commit, set_ledger, write_commit
from tests.world import MANIFEST, Person, copy_world, git, invoke

MANY = os.environ.get("STATEFUL_EXAMPLES")
HISTORIES = settings(
    max_examples=int(MANY or 8),
    stateful_step_count=30 if MANY else 12,
    derandomize=MANY is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LEDGER = "refs/notes/arcgit"
TRACKING = "refs/notes/origin/arcgit"
FIRST = (("recorded", "baseline"), ("recorded", "wide"), ("recorded", "deep"))
BOBS_FIRST = "deep"


class Killed(BaseException):
    """Stands for a kill: nothing in the code under test may catch it."""


@contextmanager
def killed_at(number: int) -> Iterator[None]:
    """The process is killed in place of the so-manieth child that it starts."""
    count = itertools.count(1)
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((plumbing, "try_run"), (person, "run"), (gitpython, "run")):
            real = getattr(module, name)

            def run(*arguments: Any, real: Any = real, **named: Any) -> Any:
                if next(count) >= number:
                    raise Killed
                return real(*arguments, **named)

            patch.setattr(module, name, run)
        yield


Event = tuple[str, str]
"""What happened, to the record of which experiment."""


@dataclass
class Clone:
    """A person's clone as the model has it: what they have seen of the hub, and what is only theirs."""

    person: Person
    work: Path
    state: Path
    seen: list[Event] = field(default_factory=list)
    own: list[Event] = field(default_factory=list)

    @property
    def known(self) -> list[Event]:
        return [*self.seen, *self.own]

    def run(self, *arguments: str, code: int | None = 0) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_STATE_HOME", str(self.state))
            return invoke(self.work, *arguments, code=code)

    def tags(self) -> dict[str, str]:
        """The tag of each experiment."""
        names = git(self.work, "for-each-ref", "--format=%(refname:strip=2)", "refs/tags/exp/churn").split()
        return {name.split("/")[2]: name for name in names}


class Histories(RuleBasedStateMachine):
    """The machine; `place` and `template` are set by the test."""

    template: Path
    place: Path
    ada: Person
    bob: Person
    numbers = itertools.count()

    @initialize()
    def found(self) -> None:
        root = self.place / str(next(self.numbers))
        self.world = copy_world(self.template, root / "world", root / "ada")
        other = self.world.clone("other")
        self.bob.sign_as(other)
        genesis = chain(self.world.work)[0]
        self.damaged = False
        self.hub: list[Event] = list(FIRST)
        self.by: dict[str, str] = {"baseline": "ada", "wide": "ada", BOBS_FIRST: "bob"}
        self.clones = {
            "ada": Clone(self.ada, self.world.work, root / "ada", list(FIRST)),
            "bob": Clone(self.bob, other, root / "bob", list(FIRST)),
        }
        self.clones["bob"].run("sync", "--trust-root", genesis)
        git(self.world.work, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        git(other, "pull", "--quiet", "--ff-only")

    # What people do.

    def write(self, who: str, event: Event, *, push: bool) -> None:
        """An event of somebody's, as the model has it."""
        clone = self.clones[who]
        if push:
            self.exchange(who)
            self.hub.append(event)
            clone.seen = list(self.hub)
        else:
            clone.own.append(event)

    def exchange(self, who: str) -> None:
        clone = self.clones[who]
        self.hub += clone.own
        clone.own, clone.seen = [], list(self.hub)

    def next_experiment(self, who: str) -> str:
        clone = self.clones[who]
        name = f"e{len(self.by)}-{who}"
        (clone.work / "arcgit.yaml").write_text(MANIFEST.format(experiment=name))
        git(clone.work, "add", "--all")
        git(clone.work, "commit", "--quiet", "--no-verify", "-m", name)
        self.by[name] = who
        return name

    @rule(who=st.sampled_from(["ada", "bob"]), push=st.booleans())
    def record(self, who: str, push: bool) -> None:  # noqa: FBT001
        name = self.next_experiment(who)
        assert self.clones[who].run("record", *([] if push else ["--no-push"]))["created"] is True
        self.write(who, ("recorded", name), push=push)
        self.agree(who)

    @rule(at=st.integers(0, 99), push=st.booleans(), outcome=st.sampled_from(["--approve", "--reject"]))
    def review(self, at: int, push: bool, outcome: str) -> None:  # noqa: FBT001
        """Bob reviews; what he recorded himself he may not."""
        clone = self.clones["bob"]
        names = [name for kind, name in clone.known if kind == "recorded"]
        name = names[at % len(names)]
        arguments = ("review", clone.tags()[name], outcome, "-m", "looked at", *([] if push else ["--no-push"]))
        if self.by[name] == "bob":
            assert clone.run(*arguments, code=1)["error"]["code"] == "review-own"
            if push:
                # What was refused may have been decided on what the hub has now.
                clone.run("sync")
                self.exchange("bob")
        else:
            clone.run(*arguments)
            self.write("bob", ("reviewed", name), push=push)
        self.agree("bob")

    @rule(at=st.integers(0, 99), push=st.booleans(), kind=st.sampled_from(["amended", "retired"]))
    def amend_or_retire(self, at: int, push: bool, kind: str) -> None:  # noqa: FBT001
        """Ada is custodian. What is retired cannot be retired again."""
        clone = self.clones["ada"]
        names = [name for what, name in clone.known if what == "recorded"]
        name = names[at % len(names)]
        words = {"amended": ("amend", "--owner", "Eve <eve@example.org>"), "retired": ("retire",)}[kind]
        arguments = (words[0], clone.tags()[name], *words[1:], "--reason", "so", *([] if push else ["--no-push"]))
        if kind == "retired" and ("retired", name) in clone.known:
            assert clone.run(*arguments, code=1)["error"]["code"] == "ledger-state"
            if push:
                clone.run("sync")
                self.exchange("ada")
        else:
            clone.run(*arguments)
            self.write("ada", (kind, name), push=push)
        self.agree("ada")

    @rule(who=st.sampled_from(["ada", "bob"]))
    def record_in_vain(self, who: str) -> None:
        """Recording the same once more finds what is there, and exchanges what is not."""
        clone = self.clones[who]
        name = git(clone.work, "show", "HEAD:arcgit.yaml").partition("experiment: ")[2].partition("\n")[0]
        if ("recorded", name) in clone.known and ("retired", name) not in self.hub + self.clones["ada"].own:
            assert clone.run("record")["created"] is False
            self.exchange(who)
            self.agree(who)

    @rule(who=st.sampled_from(["ada", "bob"]))
    def sync(self, who: str) -> None:
        self.clones[who].run("sync")
        self.exchange(who)
        self.agree(who)
        assert self.clones[who].run("sync")["pushed"] == []

    # What happens to them.

    @rule(who=st.sampled_from(["ada", "bob"]), number=st.integers(1, 60))
    def record_and_be_killed(self, who: str, number: int) -> None:
        """Nothing is half done, and the next run finishes.

        Between the fetch of the ledger and that of the tags, tags are missed that the hub has: an alarm, never a pass.
        """
        name = self.next_experiment(who)
        clone = self.clones[who]
        try:
            with killed_at(number):
                clone.run("record")
        except Killed:
            faults = [row for row in clone.run("verify", code=None)["findings"] if row["severity"] != "warning"]
            fresh = {name for kind, name in self.hub if kind == "recorded"} - {name for _, name in clone.seen}
            assert {row["code"] for row in faults} <= {"recorded-tag-missing"}
            assert {row["subject"].split("/")[2] for row in faults} <= fresh
        clone.run("record")
        self.write(who, ("recorded", name), push=True)
        self.agree(who)

    @rule(
        who=st.sampled_from(["ada", "bob"]),
        at=st.integers(0, 99),
        how=st.sampled_from(["deleted", "moved", "lightweight"]),
    )
    def tag_is_tampered_with(self, who: str, at: int, how: str) -> None:
        clone = self.clones[who]
        tags = clone.tags()
        name, other = sorted(tags)[at % len(tags)], sorted(tags)[(at + 1) % len(tags)]
        refname = f"refs/tags/{tags[name]}"
        with self.restored(clone):
            if how == "deleted":
                git(clone.work, "update-ref", "-d", refname)
            else:
                rev = f"refs/tags/{tags[other]}" if how == "moved" else "HEAD"
                git(clone.work, "update-ref", refname, rev)
            code = {"deleted": "recorded-tag-missing", "moved": "tag-not-as-recorded", "lightweight": "tag-type"}[how]
            found = clone.run("verify", code=1)["findings"]
            assert (code, tags[name]) in {(row["code"], row["subject"]) for row in found}
            status = {row["experiment"]: row["status"] for row in clone.run("list")["records"]}
            assert status.get(name) not in {"recorded", "retired"}
        self.agree(who)

    @rule(who=st.sampled_from(["ada", "bob"]), how=st.sampled_from(["edited", "note", "swapped"]))
    def ledger_is_tampered_with(self, who: str, how: str) -> None:
        clone = self.clones[who]
        oids = chain(clone.work)
        with self.restored(clone):
            if how == "note":
                git(clone.work, "notes", "--ref=arcgit", "add", "-f", "-m", "looks good", "HEAD")
            elif how == "edited":
                set_ledger(clone.work, write_commit(clone.work, raw_commit(clone.work, oids[-1])[:-3] + b" }\n"))
            else:
                raw = raw_commit(clone.work, oids[-1]).replace(oids[-2].encode(), oids[-3].encode())
                set_ledger(clone.work, write_commit(clone.work, raw))
            found = clone.run("verify", code=1)["findings"]
            expected = {"note": {"ledger-foreign-commit"}, "edited": {"signature-bad", "ledger-event-invalid"}}
            assert {row["code"] for row in found} & expected.get(how, {"ledger-chain", "signature-bad"})
        self.agree(who)

    @precondition(lambda self: any(not clone.own for clone in self.clones.values()))
    @rule(events=st.integers(1, 3))
    def events_are_taken_away(self, events: int) -> None:
        """Whoever has seen them notices, in the clone and at the hub."""
        who = next(name for name, clone in self.clones.items() if not clone.own)
        self.sync(who)
        clone = self.clones[who]
        before = git(clone.work, "rev-parse", LEDGER)
        with self.restored(clone):
            set_ledger(clone.work, f"{before}~{events}")
            assert "ledger-rollback" in {row["code"] for row in clone.run("verify", code=1)["findings"]}
        git(self.world.hub, "update-ref", LEDGER, f"{before}~{events}")
        assert clone.run("sync", code=1)["error"]["code"] == "ledger-rollback"
        git(self.world.hub, "update-ref", LEDGER, before)
        clone.run("sync")
        self.agree(who)

    @rule(who=st.sampled_from(["ada", "bob"]), at=st.integers(0, 99))
    def hub_loses_a_tag(self, who: str, at: int) -> None:
        """Whoever has it gives it back."""
        clone = self.clones[who]
        self.sync(who)
        tags = sorted(clone.tags().values())
        refname = f"refs/tags/{tags[at % len(tags)]}"
        oid = git(self.world.hub, "rev-parse", refname)
        git(self.world.hub, "update-ref", "-d", refname)
        assert refname in clone.run("sync")["pushed"]
        assert git(self.world.hub, "rev-parse", refname) == oid

    @precondition(lambda self: not self.damaged)
    @rule(at=st.integers(0, 10_000))
    def bytes_are_damaged(self, at: int) -> None:
        """One bit of the model, which every record of these has or has not."""
        self.damaged = True
        path = self.world.object_path("model.pkl")
        data = path.read_bytes()
        path.chmod(0o644)
        try:
            at %= len(data)
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            found = self.clones["ada"].run("verify", "--level", "fixity", code=1)["findings"]
            assert {row["code"] for row in found} == {"object-corrupt"}
        finally:
            path.write_bytes(data)
            path.chmod(0o444)

    # What must hold.

    @contextmanager
    def restored(self, clone: Clone) -> Iterator[None]:
        """The refs and the pin are put back afterwards."""
        refs = git(clone.work, "for-each-ref", "--format=%(refname) %(objectname)", "refs/tags", "refs/notes")
        yield
        for line in refs.splitlines():
            git(clone.work, "update-ref", *line.split())

    def agree(self, who: str) -> None:
        """The archive is what the model says."""
        clone = self.clones[who]
        found = clone.run("verify")
        recorded = [name for kind, name in clone.known if kind == "recorded"]
        assert [row for row in found["findings"] if row["code"] != "ledger-unsynced"] == []
        assert (found["verdict"], found["scope"]["records_checked"]) == ("pass", len(recorded))
        retired = {name for kind, name in clone.known if kind == "retired"}
        shown = {row["experiment"]: row["status"] for row in clone.run("list")["records"]}
        assert shown == {name: "retired" if name in retired else "recorded" for name in recorded}
        said = [(event["type"], event["subject"]) for event in clone.run("log")["events"] if event["subject"]]
        assert [(kind, subject["refname"].split("/")[4]) for kind, subject in said] == clone.known

    def teardown(self) -> None:
        """In the end both have the same, and so has somebody who comes new."""
        if not hasattr(self, "clones"):
            return
        for who in ("ada", "bob", "ada"):
            self.clones[who].run("sync")
            self.exchange(who)
        for who in self.clones:
            self.agree(who)
        fresh = Clone(
            self.bob, self.world.clone("fresh"), self.place / "fresh" / str(next(self.numbers)), list(self.hub)
        )
        fresh.run("sync", "--trust-root", chain(self.world.work)[0])
        git(fresh.work, "fetch", "--quiet", "--tags")
        assert fresh.run("verify", "--level", "presence")["scope"]["records_checked"] == len(self.by)


def test_whatever_happens_in_whatever_order_the_archive_is_what_a_simple_model_says(
    template: Path, ada: Person, bob: Person, tmp_path: Path
) -> None:
    machine = type("Machine", (Histories,), {"template": template, "place": tmp_path, "ada": ada, "bob": bob})
    run_state_machine_as_test(machine, settings=HISTORIES)
