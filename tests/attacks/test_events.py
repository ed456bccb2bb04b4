"""Attacks with events of a person who may write some: without the role, counted twice, replayed, about what never was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from arcgit.archive import ledger, newevent
from arcgit.archive.context import open_context
from arcgit.archive.events import saying
from arcgit.archive.policy import policyfile
from arcgit.cli.app import run
from arcgit.model import event as events
from arcgit.model import gitobject
from arcgit.model import policy as policies
from arcgit.model.canonical import sha256
from arcgit.model.event import Subject
from arcgit.rules.chain import note_target
from arcgit.signing.keys import parse_public_key
from arcgit.signing.signer import signer_from_config
from tests.attacks.test_ledger import LEDGER, chain, raw_commit, set_ledger, signed_event, write_commit
from tests.home import ssh_person
from tests.world import Person, World, git, invoke, next_experiment


def subject(world: World, experiment: str, **changes: str) -> Subject:
    """The record of an experiment as events name it."""
    found = world.arcgit("log", world.tag(experiment))["events"][0]["subject"]
    return Subject(**{**found, **changes})


def fields(subject: Subject) -> dict[str, Any]:
    value: dict[str, Any] = msgspec.to_builtins(subject)
    return value


RUN = {"outcome": "failed", "project": "churn", "experiment": "deep"}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("retired", {"reason": "x"}),
        ("purged", {"reason": "x"}),
        ("held", {"hold": "case", "reason": "x"}),
        ("amended", {"owner": "Bob"}),
    ],
)
def test_who_may_record_and_review_may_not_end_or_amend_a_record(
    world: World, bob: Person, kind: str, data: dict[str, Any]
) -> None:
    signed_event(world, bob, type=kind, actor="bob", subject=subject(world, "baseline"), data=data)
    assert world.verify(code=1)[0] == "signer-role"


@pytest.mark.parametrize(
    ("kind", "data"), [("evaluated", {"outcome": "reproduced"}), ("run", RUN), ("reviewed", {"outcome": "approved"})]
)
def test_a_stranger_and_nobody_at_all_write_no_event(
    world: World, bob: Person, mallory: Person, kind: str, data: dict[str, Any]
) -> None:
    if kind == "run":
        data = {**data, "commit": git(world.work, "rev-parse", "HEAD")}
    about = None if kind == "run" else subject(world, "baseline")
    before = git(world.work, "rev-parse", LEDGER)
    signed_event(world, mallory, type=kind, actor="bob", subject=about, data=data)
    assert world.verify(code=1)[0] == "signer-unknown"
    set_ledger(world.work, before)
    signed_event(world, bob, type=kind, actor="bob", subject=about, data=data)
    raw = raw_commit(world.work, git(world.work, "rev-parse", LEDGER))
    set_ledger(world.work, write_commit(world.work, gitobject.parse_commit(raw).payload))
    assert world.verify(code=1)[0] == "signature-missing"


def noted_event(world: World, person: Person, text: bytes = b"", **changes: Any) -> None:
    """One more event about a record by anybody, past every rule but with the notes as they must be; `text` for "TEXT"."""
    context = open_context(world.work, state_dir=world.state / "arcgit")
    view = ledger.in_force(context)
    assert view is not None
    last = view.ledger.events[-1][1]
    fields = {"seq": last.seq + 1, "previous": view.ledger.tip_sha256, **changes}
    new = msgspec.structs.replace(last, **fields)
    target = note_target(view.ledger, new)
    assert target is not None
    planned = view.ledger.tree.preview(target, new)
    message = events.message(new)
    with context.repo.held(planned):
        author = "Bob Byte <bob@example.org> 1795531866 +0000"
        payload = gitobject.commit_payload(tree=planned[-1].oid, parent=view.ledger.tip, author=author, message=message)
        payload = payload.replace(b'"TEXT"', text)
        config = {"gpg.format": person.format, "user.signingkey": person.key}
        signature = signer_from_config(config, email=person.email).sign(payload)
        set_ledger(world.work, write_commit(world.work, gitobject.sign_commit(payload, signature)))


def test_an_event_about_a_record_that_only_a_newer_arcgit_knows_is_no_bug_and_no_pass(
    world: World, bob: Person
) -> None:
    noted_event(world, bob, type="frobnicated", actor="bob", subject=subject(world, "baseline"), data={"x": 1})
    assert world.verify(code=3) == ["ledger-event-invalid"]
    for command in ("list", "log", "show baseline", "search owner~ada"):
        world.arcgit(*command.split(), code=0)
    world.arcgit("audit-report", "--format", "json", code=3)


@pytest.mark.parametrize("text", [b"[" * 50_000 + b"]" * 50_000, b'{"a":' * 50_000 + b"1" + b"}" * 50_000])
def test_an_event_that_is_nested_without_end_is_refused_and_no_bug(world: World, bob: Person, text: bytes) -> None:
    data = {"level": "fixity", "outcome": "pass", "x": "TEXT"}
    noted_event(world, bob, text, type="verified", actor="bob", subject=subject(world, "baseline"), data=data)
    assert "ledger-event-invalid" in world.verify(code=1)
    world.arcgit("list", code=0)


@dataclass
class Strict:
    """An archive in which two must review, and Bob has two keys."""

    world: World
    second: Person
    eve: Person
    tag: str


@pytest.fixture
def strict(world: World, isolated_home: Path, tmp_path: Path, ada: Person, bob: Person) -> Strict:
    folder = tmp_path / "keys"
    folder.mkdir()
    second = ssh_person(folder, "Bob Byte", "second@example.org")
    eve = ssh_person(folder, "Eve", "eve@example.org")
    found = policies.parse(world.arcgit("log", "--type", "policy")["events"][-1]["data"]["policy"])
    key = parse_public_key(second.public())
    keys = (*found.people["bob"].keys, policies.Key(type=key.kind, fingerprint=key.fingerprint, public_key=key.text))
    third = parse_public_key(eve.public())
    people = {
        **found.people,
        "bob": msgspec.structs.replace(found.people["bob"], keys=keys),
        "eve": policies.Person(
            name="Eve", email=eve.email, roles=("reviewer",),
            keys=(policies.Key(type=third.kind, fingerprint=third.fingerprint, public_key=third.text),),
        ),
    }  # fmt: skip
    thresholds = msgspec.structs.replace(found.thresholds, review=2)
    proposal = msgspec.structs.replace(found, people=people, thresholds=thresholds, version=found.version + 1)
    (world.work / ".arcgit" / "policy.yaml").unlink()
    policyfile.write(world.work, proposal)
    world.arcgit("policy", "adopt")
    ada.sign_as(world.work)
    next_experiment(world.work, "strict", "lr: 5\nepochs: 3\n")
    return Strict(world, second, eve, world.arcgit("record")["tag"])


def review(strict: Strict, who: Person, code: int = 0) -> Any:
    who.sign_as(strict.world.work)
    return strict.world.arcgit("review", strict.tag, "--approve", "--no-push", "-m", "Looked at.", code=code)


def test_two_keys_of_one_person_are_one_review(strict: Strict, bob: Person) -> None:
    assert review(strict, bob)["standing"] == "open"
    again = review(strict, strict.second)
    assert (again["standing"], again["approved"], again["needed"]) == ("open", ["bob"], 2)
    assert review(strict, strict.eve)["standing"] == "approved"
    assert strict.world.verify(code=0) == []
    assert strict.world.arcgit("show", strict.tag)["record"]["review"]["approved"] == ["bob", "eve"]


def test_a_record_reviewed_by_too_few_is_open_in_list_show_and_report(
    strict: Strict, bob: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    review(strict, bob)
    found = strict.world.arcgit("search", "review=open experiment=strict")["records"]
    assert [row["tag"] for row in found] == [strict.tag]
    for asked in (["show", strict.tag], ["audit-report", "--base", "HEAD~1"]):
        assert run(["-C", str(strict.world.work), *asked]) == 0
        assert "2 must approve" in capsys.readouterr().out


def test_the_recorders_own_approval_counts_nowhere_even_where_it_is_on_the_ledger(
    strict: Strict, ada: Person, bob: Person
) -> None:
    """Past `arcgit review`, which refuses it: the event is valid, and its word weighs nothing."""
    world = strict.world
    review(strict, bob)
    ada.sign_as(world.work)
    about = subject(world, "strict")
    notes = git(world.work, "rev-parse", f"{LEDGER}^{{tree}}")
    build_event(world, ada, "reviewed", about, {"outcome": "approved"})
    assert git(world.work, "rev-parse", f"{LEDGER}^{{tree}}") != notes
    # The event claims a time before the others, which is no fault.
    assert world.verify(code=0) == ["time-backwards"]
    standing = world.arcgit("show", strict.tag)["record"]["review"]
    assert standing == {"standing": "open", "approved": ["bob"], "rejected": [], "needed": 2}


def build_event(world: World, person: Person, kind: str, about: Subject | None, data: dict[str, Any]) -> None:
    """An event as arcgit builds it, past the checks of its command."""
    from arcgit.archive import ledger  # noqa: PLC0415
    from arcgit.archive.context import open_context  # noqa: PLC0415
    from arcgit.signing.signer import signer_from_config  # noqa: PLC0415

    context = open_context(world.work, state_dir=world.state / "arcgit")
    view = ledger.require(context)
    signer = signer_from_config({"gpg.format": person.format, "user.signingkey": person.key}, email=person.email)
    new = newevent.build(
        view, signer, kind=kind, subject=about, data=data, time="2026-01-02T03:04:05Z", identity=("x", "x@example.org")
    )
    for item in new.objects:
        context.repo.write(item.kind, item.raw)
    set_ledger(world.work, new.oid)


def test_an_event_copied_behind_the_ledger_does_not_follow_on_it(world: World, bob: Person) -> None:
    bob.sign_as(world.work)
    world.arcgit("review", "baseline", "--approve", "-m", "x")
    raw = raw_commit(world.work, git(world.work, "rev-parse", LEDGER))
    parent = git(world.work, "rev-parse", LEDGER)
    again = raw.replace(gitobject.parse_commit(raw).parent.encode(), parent.encode(), 1)  # type: ignore[union-attr]
    set_ledger(world.work, write_commit(world.work, again))
    assert world.verify(code=1)[0] == "ledger-chain"


def test_an_approval_turned_towards_another_experiment_loses_its_signature(world: World, bob: Person) -> None:
    bob.sign_as(world.work)
    world.arcgit("review", "baseline", "--approve", "-m", "x")
    one, other = subject(world, "baseline"), subject(world, "wide")
    raw = raw_commit(world.work, git(world.work, "rev-parse", LEDGER))
    for old, new in ((one.refname, other.refname), (one.oid, other.oid), (one.sha256, other.sha256)):
        raw = raw.replace(old.encode(), new.encode())
    ids = [name.refname.rpartition("/")[2] for name in (one, other)]
    raw = raw.replace(f"baseline {ids[0]}".encode(), f"wide {ids[1]}".encode())
    set_ledger(world.work, write_commit(world.work, raw))
    assert world.verify(code=1)[0] == "signature-bad"


@pytest.mark.parametrize("part", ["oid", "sha256"])
def test_an_approval_of_other_bytes_under_the_same_name_is_impossible(world: World, bob: Person, part: str) -> None:
    other = getattr(subject(world, "wide"), part)
    about = subject(world, "baseline", **{part: other})
    signed_event(world, bob, type="reviewed", actor="bob", subject=about, data={"outcome": "approved"})
    assert world.verify(code=1)[0] == "ledger-state"


def test_an_approval_of_another_archive_is_refused(world: World, bob: Person) -> None:
    signed_event(
        world, bob, type="reviewed", actor="bob", archive="11111111-1111-1111-1111-111111111111",
        subject=subject(world, "baseline"), data={"outcome": "approved"},
    )  # fmt: skip
    assert world.verify(code=1)[0] == "wrong-archive"


def test_a_place_taken_by_what_was_never_recorded_is_impossible(world: World, ada: Person) -> None:
    one, two = subject(world, "baseline"), subject(world, "wide")
    never = f"{two.refname.rpartition('/')[0]}/{'0' * 12}"
    before = git(world.work, "rev-parse", LEDGER)
    for named, code in (
        ({**fields(two), "refname": never}, "ledger-state"),
        ({**fields(two), "oid": one.oid}, "ledger-state"),
        (fields(one), "ledger-state"),
        ("refs/tags/exp/churn/wide", "ledger-event-invalid"),
    ):
        set_ledger(world.work, before)
        signed_event(world, ada, type="retired", actor="ada", subject=one, data={"reason": "x", "superseded_by": named})
        assert world.verify(code=1)[0] == code, named


@pytest.mark.parametrize("metrics", [[], {"auc": "high"}, {"auc": True}, {"auc": {"$gt": 0}}])
def test_an_evaluation_with_other_metrics_than_numbers_is_no_event(world: World, bob: Person, metrics: Any) -> None:
    signed_event(
        world, bob, type="evaluated", actor="bob", subject=subject(world, "baseline"),
        data={"outcome": "fine", "metrics": metrics},
    )  # fmt: skip
    assert world.verify(code=1)[0] == "ledger-event-invalid"


def test_runs_that_nobody_signed_for_are_not_counted_by_show(world: World) -> None:
    """`show` reads the whole ledger and checks only the signatures that it relies on: those of the runs are among them."""
    for _ in range(2):
        world.arcgit("runs", "log", "--no-push", "-m", "Diverged.")
    assert world.arcgit("show", "deep")["record"]["runs"]["failed"] == 2
    tip, before, *_ = git(world.work, "rev-list", LEDGER).split()
    good = gitobject.parse_commit(raw_commit(world.work, before))
    assert good.signature is not None
    forged = gitobject.sign_commit(gitobject.parse_commit(raw_commit(world.work, tip)).payload, good.signature)
    set_ledger(world.work, write_commit(world.work, forged))
    record = world.arcgit("show", "deep")["record"]
    assert record["runs"]["failed"] == 1
    assert "signature-bad" in {finding["code"] for finding in record["findings"]}


def test_a_successor_that_nobody_signed_for_is_not_told_by_show(world: World) -> None:
    world.arcgit("retire", "baseline", "--superseded-by", "wide", "--no-push", "-m", "x")
    tip = raw_commit(world.work, git(world.work, "rev-parse", LEDGER))
    old = gitobject.parse_commit(raw_commit(world.work, chain(world.work)[2])).signature
    assert old is not None
    set_ledger(world.work, write_commit(world.work, gitobject.sign_commit(gitobject.parse_commit(tip).payload, old)))
    assert world.arcgit("show", "wide")["record"]["supersedes"] == []
    assert world.arcgit("show", "baseline")["record"]["superseded_by"] == []


def resealed(world: World, person: Person, experiment: str, old: str, new: str) -> str:
    """The ref of a record whose tag was edited and signed anew by a person of the policy."""
    from arcgit.signing.signer import signer_from_config  # noqa: PLC0415

    refname = f"refs/tags/{world.tag(experiment)}"
    raw = git(world.work, "cat-file", "tag", refname) + "\n"
    payload = raw.partition("-----BEGIN ")[0]
    assert old in payload
    changed = payload.replace(old, new).encode()
    signer = signer_from_config({"gpg.format": person.format, "user.signingkey": person.key}, email=person.email)
    text = (changed + signer.sign(changed, "git")).decode()
    oid = git(world.work, "hash-object", "-t", "tag", "-w", "--stdin", "--literally", stdin=text)
    git(world.work, "update-ref", refname, oid)
    return refname


def recorded_as_it_is(world: World, person: Person, refname: str) -> None:
    """Bob's event in which he records whatever lies under the ref, in the place of the one that was there."""
    oid = git(world.work, "rev-parse", refname)
    oids = chain(world.work)
    raw = raw_commit(world.work, oids[-1])
    last = events.parse_message(gitobject.parse_commit(raw).message)
    assert last.subject is not None
    assert last.subject.refname == refname
    body = git(world.work, "cat-file", "tag", oid) + "\n"
    line = next(row for row in body.splitlines() if row.startswith("Arcgit-Record: ")).removeprefix("Arcgit-Record: ")
    set_ledger(world.work, oids[-2])
    about = Subject(refname=refname, oid=oid, sha256=sha256(body.encode()))
    build_event(world, person, "recorded", about, {**last.data, "record": sha256(line.encode())})


def status(world: World, experiment: str) -> str:
    rows = world.arcgit("list")["records"]
    return str(next(row["status"] for row in rows if row["experiment"] == experiment))


def test_a_record_that_its_own_recorder_sealed_wrongly_is_marked_in_lists(world: World, bob: Person) -> None:
    """Other parameters than the run id is of, signed and recorded by somebody who may."""
    refname = resealed(world, bob, "deep", '"epochs":9', '"epochs":8')
    recorded_as_it_is(world, bob, refname)
    assert "record-malformed" in {finding["code"] for finding in invoke(world.work, "verify", code=1)["findings"]}
    assert status(world, "deep") == "malformed"
    found = world.arcgit("search", "status=malformed")["records"]
    assert [row["experiment"] for row in found] == ["deep"]


def test_a_record_under_another_ones_name_is_marked_in_lists(world: World) -> None:
    oid = git(world.work, "rev-parse", f"refs/tags/{world.tag('wide')}")
    git(world.work, "update-ref", "refs/tags/exp/churn/other/0123456789ab", oid)
    assert status(world, "other") == "malformed"
    assert {status(world, name) for name in ("baseline", "wide", "deep")} == {"recorded"}


def test_a_tag_that_nobody_recorded_is_malformed_if_verify_calls_it_so_else_unrecorded(
    world: World, bob: Person
) -> None:
    before = git(world.work, "rev-parse", f"{LEDGER}~1")
    set_ledger(world.work, before)
    assert status(world, "deep") == "unrecorded"
    resealed(world, bob, "deep", '"retention":"standard"', '"retention":"standard" ')
    assert status(world, "deep") == "malformed"
    codes = {finding["code"] for finding in invoke(world.work, "verify", code=1)["findings"]}
    assert {"record-malformed", "unrecorded-tag"} <= codes


def test_the_mark_is_the_same_from_the_index_and_without_it(world: World) -> None:
    oid = git(world.work, "rev-parse", f"refs/tags/{world.tag('wide')}")
    git(world.work, "update-ref", "refs/tags/exp/churn/other/0123456789ab", oid)
    first = json.dumps(world.arcgit("list"))
    assert (world.work / ".git" / "arcgit" / "index.sqlite").is_file()
    assert json.dumps(world.arcgit("list")) == first
    (world.work / ".git" / "arcgit" / "index.sqlite").unlink()
    assert json.dumps(world.arcgit("list")) == first


@pytest.mark.parametrize(
    "asked",
    [
        ["runs", "log", "-m", "{}"],
        ["retire", "baseline", "-m", "{}"],
        ["evaluate", "wide", "--outcome", "{}"],
        ["evaluate", "wide", "--outcome", "fine", "-m", "{}"],
        ["amend", "baseline", "--purpose", "{}", "--reason", "x"],
        ["review", "deep", "--approve", "-m", "{}"],
    ],
    ids=" ".join,
)
def test_a_secret_is_not_put_on_the_ledger_in_anybodys_words(
    world: World, capsys: pytest.CaptureFixture[str], asked: list[str]
) -> None:
    secret = "ghp_" + "a1B2" * 9
    before = git(world.work, "rev-parse", LEDGER)
    words = [word.format(f"It ran with {secret} on the cluster") for word in asked]
    assert run(["-C", str(world.work), *words, "--no-push"]) == 1
    said = capsys.readouterr()
    assert "a GitHub token" in said.err
    assert secret not in said.out + said.err
    assert git(world.work, "rev-parse", LEDGER) == before


@pytest.mark.parametrize(
    "words",
    [
        "Diverged after three epochs: the learning rate was ten times too high",
        "see https://ci.example.org/jobs/7f3a9c0a2b1d4e5f6a7b8c9d0e1f2a3b4c5d6e7f",
        "The key metrics and the token counts were checked (auc=0.91)",
        "passwords of the test users are not in the data any more",
        "Ersetzt durch 7c2800d1c02d, siehe Protokoll vom 3.5.",
    ],
)
def test_what_people_usually_say_is_no_secret(words: str) -> None:
    saying.require_clean({"comment": words, "reason": words, "more": 7})
