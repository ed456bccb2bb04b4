"""Reading the archive without judging it: the same answers as a judgement gives, from the objects or from the index."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import ledger, standing
from arcgit.archive.context import Context, open_context
from arcgit.archive.judge import ClaimReader, SignatureJudge
from arcgit.archive.kept.index import NAME, Index
from arcgit.archive.ledger import LedgerView
from arcgit.git.repository import Repository
from arcgit.model import canonical, gitobject
from arcgit.model.names import LEDGER_REF
from arcgit.rules.chain import replay
from arcgit.rules.packed import Records
from arcgit.signing.signer import signer_from_config
from bench.archive import make
from tests.compat.test_compat import CASES, unpacked
from tests.world import Person, World, git, invoke, sh


def both(context: Context) -> tuple[LedgerView, LedgerView]:
    """The ledger as it is judged, and as it is read."""
    judged, seen = ledger.in_force(context), ledger.in_force(context, ClaimReader())
    assert judged is not None
    assert seen is not None
    return judged, seen


@pytest.mark.parametrize(("version", "name"), CASES)
def test_a_ledger_that_holds_is_read_as_it_is_judged(
    version: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every released archive, and every attack on one: up to where the judgement goes, reading says the same."""
    context = open_context(unpacked(version, name, tmp_path, monkeypatch), state_dir=tmp_path)
    if ledger.in_force(context) is None:
        return
    judged, seen = both(context)
    if not judged.findings:
        assert seen.findings == []
        assert standing.of_view(seen) == standing.of_view(judged)
    assert seen.ledger.events[: len(judged.ledger.events)] == judged.ledger.events
    assert seen.ledger.archive == judged.ledger.archive


@pytest.mark.parametrize("seed", range(4))
def test_any_honest_history_is_read_as_it_is_judged(seed: int, tmp_path: Path) -> None:
    """Every prefix of a history of records, reviews, holds, amendments and retirements."""
    made = make(tmp_path / "made", 60 + 40 * seed, params=2, artifacts=1)
    context = open_context(made.work, state_dir=made.state)
    entries = ledger.entries_of(context.repo, context.repo.ref(LEDGER_REF) or "")
    for length in random.Random(seed).sample(range(2, len(entries) + 1), 5):  # noqa: S311
        judged = replay(entries[:length], SignatureJudge())
        seen = replay(entries[:length], ClaimReader(), rendered=False)
        assert judged[1] == seen[1] == []
        assert standing.of_view(LedgerView("x", seen[0])) == standing.of_view(LedgerView("x", judged[0]))


@pytest.mark.parametrize("odd", [0, 1, 5])
def test_records_in_short_stand_as_whole_ones_do_also_where_some_cannot_be_packed(odd: int, tmp_path: Path) -> None:
    made = make(tmp_path / "made", 60, params=2, artifacts=1)
    context = open_context(made.work, state_dir=made.state)
    entries = ledger.entries_of(context.repo, context.repo.ref(LEDGER_REF) or "")
    whole = replay(entries, ClaimReader(), rendered=False)[0]
    short = replay(entries, ClaimReader(), rendered=False, remember="standing")[0]
    assert isinstance(short.records, Records)
    for name in list(short.records)[:odd]:
        short.records._odd[name] = short.records[name]
        assert isinstance(short.records._packed, dict)
        del short.records._packed[name.removeprefix("refs/tags/exp/").encode()]
    said = standing.of_view(LedgerView("x", short))
    assert said == standing.of_view(LedgerView("x", whole))
    assert standing.decode(standing.encode(said)) == said
    assert [name for name, _ in said] == sorted(whole.records)


def test_an_unsigned_event_does_not_count(world: World) -> None:
    """An event is only a claim, but one by nobody is not even that."""
    raw = git(world.work, "cat-file", "commit", LEDGER_REF).encode() + b"\n"
    parsed = gitobject.parse_commit(raw)
    assert parsed.signature is not None
    unsigned = git(world.work, "hash-object", "-t", "commit", "-w", "--stdin", stdin=parsed.payload.decode())
    git(world.work, "update-ref", LEDGER_REF, unsigned)
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    statuses = {row["experiment"]: row["status"] for row in world.arcgit("list")["records"]}
    assert statuses == {"baseline": "recorded", "wide": "recorded", "deep": "unrecorded"}


@pytest.mark.parametrize("who", ["mallory", "ada"])
def test_an_event_that_names_a_key_without_standing_does_not_count(
    world: World, who: str, request: pytest.FixtureRequest
) -> None:
    """Somebody whom no policy knows, and somebody of the policy who is not the event's actor."""
    person: Person = request.getfixturevalue(who)
    tip = git(world.work, "cat-file", "commit", LEDGER_REF).encode() + b"\n"
    payload = gitobject.parse_commit(tip).payload
    signed = gitobject.sign_commit(payload, signature_of(person, payload, world))
    oid = sh(world.work, "git", "hash-object", "-t", "commit", "-w", "--stdin", stdin=signed.decode()).strip()
    git(world.work, "update-ref", LEDGER_REF, oid)
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    row = next(row for row in world.arcgit("list")["records"] if row["experiment"] == "deep")
    assert row["status"] == "unrecorded"


def test_a_foreign_commit_on_the_ledger_does_not_count_nor_what_follows_it(world: World) -> None:
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    git(world.work, "notes", "--ref=arcgit", "add", "-f", "-m", "retired", "HEAD")
    assert {row["status"] for row in world.arcgit("list")["records"]} == {"recorded"}
    assert [event["type"] for event in world.arcgit("log")["events"]][-1] == "recorded"


def spoiled(world: World, experiment: str) -> None:
    """The signature of one record's event is made for other bytes, and all after it is signed anew by nobody."""
    context = open_context(world.work, state_dir=world.state)
    entries = ledger.entries_of(context.repo, context.repo.ref(LEDGER_REF) or "")
    old = next(entry for entry in entries if f"/{experiment}/".encode() in entry.raw)
    other = gitobject.parse_commit(entries[1].raw).signature
    assert other is not None
    payload = gitobject.parse_commit(old.raw).payload
    oid = context.repo.write("commit", gitobject.sign_commit(payload, other))
    git(world.work, "update-ref", LEDGER_REF, oid)
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")


def test_show_checks_the_signatures_of_the_record_that_it_shows(world: World) -> None:
    spoiled(world, "wide")
    shown = world.arcgit("show", "wide")["record"]
    assert "signature-bad" in {finding["code"] for finding in shown["findings"]}
    assert shown["status"] == "unrecorded"
    assert world.arcgit("show", "baseline")["record"]["status"] == "recorded"


def test_show_checks_the_policies_that_a_record_hangs_on(tmp_path: Path) -> None:
    """The policy's signature is the genesis's; the record on top of it is signed by the right person."""
    made = make(tmp_path / "made", 1)
    context = open_context(made.work, state_dir=made.state)
    genesis, adopted, recorded = ledger.entries_of(context.repo, context.repo.ref(LEDGER_REF) or "")
    other = gitobject.parse_commit(genesis.raw).signature
    assert other is not None
    bad = gitobject.sign_commit(gitobject.parse_commit(adopted.raw).payload, other)
    parent = context.repo.write("commit", bad)
    payload = gitobject.parse_commit(recorded.raw).payload
    payload = payload.replace(adopted.oid.encode(), parent.encode())
    payload = payload.replace(canonical.sha256(adopted.raw).encode(), canonical.sha256(bad).encode())
    signer = signer_from_config({"gpg.format": "ssh", "user.signingkey": f"{made.key}.pub"}, email="")
    tip = context.repo.write("commit", gitobject.sign_commit(payload, signer.sign(payload)))
    git(made.work, "update-ref", LEDGER_REF, tip)
    (row,) = invoke(made.work, "list")["records"]
    assert row["status"] == "recorded"
    shown = invoke(made.work, "show", row["run_id"])["record"]
    assert shown["status"] == "unrecorded"


def test_a_tag_that_is_not_the_recorded_one_is_altered_and_shown_with_its_findings(world: World) -> None:
    raw = git(world.work, "cat-file", "tag", world.tag("wide")) + "\n"
    oid = git(
        world.work, "hash-object", "-t", "tag", "-w", "--stdin", stdin=raw.replace("Ada Lovelace <", "Eva Lovelace <")
    )
    git(world.work, "update-ref", f"refs/tags/{world.tag('wide')}", oid)
    row = next(row for row in world.arcgit("list")["records"] if row["experiment"] == "wide")
    assert (row["status"], row["owner"]) == ("altered", "Eva Lovelace <ada@example.org>")
    codes = {finding["code"] for finding in world.arcgit("show", "wide")["record"]["findings"]}
    assert {"tag-not-as-recorded", "signature-bad"} <= codes


def path_of(world: World) -> Path:
    return world.work / ".git" / "arcgit" / NAME


def signature_of(person: Person, payload: bytes, world: World) -> bytes:
    signer = signer_from_config({"gpg.format": person.format, "user.signingkey": person.key}, email=person.email)
    return signer.sign(payload, "git")


def never(*_: object) -> bytes:
    raise AssertionError("an object was read")


def test_what_is_in_the_index_is_not_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.arcgit("list")
    assert path_of(world).is_file()
    monkeypatch.setattr(Repository, "read", never)
    assert world.arcgit("list") == first


def garbled(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 40)


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


def older(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE made SET by = '0 0.0.1'")


def endless(path: Path) -> None:
    """A view in the place of a table, which never comes to an end."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE summaries")
        connection.execute(
            "CREATE VIEW summaries AS WITH RECURSIVE n(oid) AS (SELECT 1 UNION ALL SELECT oid + 1 FROM n)"
            " SELECT oid, x'00' AS summary FROM n"
        )


def nonsense(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE summaries SET summary = x'7b226d6574726963730a'")
        connection.execute("UPDATE standings SET standing = 'text'")


def of_other_types(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE summaries SET summary = 3")
        connection.execute("UPDATE standings SET standing = x'80'")


def a_link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "x").touch()


def nothing(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "spoil",
    [garbled, torn, older, endless, nonsense, of_other_types, a_link, a_pipe, a_folder, nothing],
    ids=lambda spoil: spoil.__name__,
)
def test_an_index_that_is_not_ours_changes_nothing(world: World, spoil: Callable[[Path], None]) -> None:
    first = world.arcgit("list")
    spoil(path_of(world))
    assert world.arcgit("list") == first
    assert world.arcgit("search", "signer=bob")["scope"]["matched"] == 1
    assert world.verify() == []


def test_an_index_that_cannot_be_written_changes_nothing(world: World) -> None:
    first = world.arcgit("list")
    for path in (path_of(world), path_of(world).parent):
        sh(world.work, "rm", "-rf", str(path))
        path.parent.mkdir(exist_ok=True)
    path_of(world).parent.touch()
    assert world.arcgit("list") == first


def test_an_index_that_another_process_writes_is_not_waited_for(world: World) -> None:
    first = world.arcgit("list")
    with sqlite3.connect(path_of(world)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert world.arcgit("list") == first


def test_a_link_in_the_place_of_the_index_is_not_followed(world: World, tmp_path: Path) -> None:
    world.arcgit("list")
    path_of(world).unlink()
    other = tmp_path / "precious"
    other.write_text("mine")
    path_of(world).symlink_to(other)
    world.arcgit("list")
    assert other.read_text() == "mine"


def test_the_index_of_another_place_is_not_written(world: World, tmp_path: Path) -> None:
    world.arcgit("list")
    other = tmp_path / "other"
    path_of(world).rename(other)
    path_of(world).symlink_to(other)
    before = other.read_bytes()
    world.arcgit("amend", "wide", "--purpose", "Another one.", "--reason", "It was wrong.", "--no-push")
    world.arcgit("list")
    assert other.read_bytes() == before


def test_the_index_is_no_evidence(world: World) -> None:
    """Whatever somebody writes into it, `show` and `verify` look at the objects."""
    world.arcgit("list")
    with sqlite3.connect(path_of(world)) as connection:
        (data,) = connection.execute("SELECT standing FROM standings").fetchone()
        connection.execute("UPDATE standings SET standing = ?", (data.replace(b"recorded", b"retired\0")[:-1],))
        connection.execute("UPDATE summaries SET summary = replace(CAST(summary AS TEXT), 'Ada', 'Eve')")
    git(world.work, "update-ref", f"refs/tags/{world.tag('wide')}", git(world.work, "rev-parse", world.tag("deep")))
    assert "tag-not-as-recorded" in world.verify(code=1)
    assert world.arcgit("show", "baseline")["record"]["owner"] == "Ada Lovelace <ada@example.org>"


def test_new_events_are_seen_at_once(world: World) -> None:
    before = world.arcgit("list")["scope"]["ledger_tip"]
    world.arcgit("amend", "wide", "--purpose", "Another one.", "--reason", "It was wrong.", "--no-push")
    after = world.arcgit("search", "amended.purpose=*")
    assert [row["experiment"] for row in after["records"]] == ["wide"]
    assert after["scope"]["ledger_tip"] != before


def test_a_ledger_that_does_not_hold_is_read_anew_each_time(world: World) -> None:
    spoiled_tip = git(world.work, "commit-tree", "-m", "x", "-p", LEDGER_REF, f"{LEDGER_REF}^{{tree}}")
    git(world.work, "update-ref", LEDGER_REF, spoiled_tip)
    git(world.work, "update-ref", "-d", "refs/notes/origin/arcgit")
    world.arcgit("list")
    index = Index(world.work / ".git" / "arcgit")
    assert index.standing(f"{spoiled_tip} None") is None
    index.close()


HOSTILE = "\x1b]0;pwned\x07 \u202e<script>::error::|\n"


def test_hostile_text_in_a_record_is_escaped_where_it_is_listed(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    """A tag of nobody, whose record says what its maker likes."""
    from arcgit.cli.app import run  # noqa: PLC0415

    raw = git(world.work, "cat-file", "tag", world.tag("wide")) + "\n"
    quoted = HOSTILE.replace("\n", "\\n").replace("\x1b", "\\u001b").replace("\x07", "\\u0007")
    raw = raw.replace('"owner":"Ada', f'"owner":"{quoted}Ada').replace('"auc":0.91', f'"{quoted}":"{quoted}"')
    oid = git(world.work, "hash-object", "-t", "tag", "-w", "--stdin", stdin=raw)
    git(world.work, "update-ref", f"refs/tags/{world.tag('wide')}", oid)
    for arguments in (["list"], ["list", "--columns", "owner,params.lr"], ["search", "pwned", "--columns", "owner"]):
        assert run(["-C", str(world.work), *arguments]) == 0
        shown = capfd.readouterr().out
        assert len(shown.splitlines()) == (2 if "pwned" in arguments else 4)
        assert not {"\x1b", "\x07", "\u202e"} & set(shown)
    found: Any = invoke(world.work, "search", "pwned")
    assert found["records"][0]["owner"].startswith(HOSTILE)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"schema":"arcgit/record/v1"', '"schema":"arcgit/record/v9"', "unknown record schema"),
        ('"owner":"Ada', '"owner":7,"o":"Ada', "Expected `str`"),
        ("Arcgit-Record: {", "Arcgit-Record: [", "Expected `object`"),
        ("Arcgit-Record:", "Arcgit-Rekord:", "does not end in one"),
        ('"params":{"params.yaml":{', '"params":{"params.yaml":{"d":' + "[" * 5000 + "]" * 5000 + ",", "recursion"),
    ],
)
def test_a_tag_that_cannot_be_read_is_named_and_stops_nothing(world: World, old: str, new: str, said: str) -> None:
    raw = git(world.work, "cat-file", "tag", world.tag("wide")) + "\n"
    assert old in raw
    oid = git(world.work, "hash-object", "-t", "tag", "-w", "--stdin", stdin=raw.replace(old, new))
    git(world.work, "update-ref", f"refs/tags/{world.tag('wide')}", oid)
    for _ in range(2):
        document = world.arcgit("list")
        assert len(document["records"]) == 2
        (entry,) = document["unreadable"]
        assert entry["tag"] == world.tag("wide")
        assert said in entry["reason"]
