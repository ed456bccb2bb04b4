"""The text forms of names, git objects, events, records, notes and fixity lists: round trips, and git as second opinion."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arcgit.model import canonical, fixity, gitobject, paths, text
from arcgit.model import event as events
from arcgit.model.event import Event, Subject
from arcgit.model.fixity import FixityEntry
from arcgit.model.names import RecordName, is_slug, slugify
from arcgit.model.notetree import EMPTY_TREE, MAX_LINES, NoteTree, RawObject
from tests.world import git

slugs = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True)
run_ids = st.from_regex(r"[0-9a-f]{12}", fullmatch=True)
names = st.builds(RecordName, slugs, slugs, run_ids, st.integers(1, 99))
printable = st.text(st.characters(codec="utf-8"), max_size=30)


def make_event(seq: int, name: RecordName | None = None, **changes: object) -> Event:
    subject = Subject(refname=name.refname, oid="a" * 40, sha256="b" * 64) if name else None
    fields: dict[str, object] = {
        "schema": events.SCHEMA,
        "archive": "0b5a5e8e-6f6b-4b0a-9c2e-1d2f3a4b5c6d",
        "seq": seq,
        "type": "reviewed",
        "actor": "ada",
        "time": "2026-01-02T03:04:05Z",
        "previous": "c" * 64 if seq > 1 else None,
        "subject": subject,
        "data": {},
    }
    return Event(**{**fields, **changes})  # type: ignore[arg-type]


@given(names)
def test_a_record_name_is_read_back_from_its_ref(name: RecordName) -> None:
    assert RecordName.parse(name.refname) == name


@pytest.mark.parametrize(
    "refname",
    [
        "refs/tags/exp/a/b/0123456789ab.1",
        "refs/tags/exp/a/b/0123456789ab.02",
        "refs/tags/exp/a/b/0123456789AB",
        "refs/tags/exp/a/b/0123456789a",
        "refs/tags/exp/a/b/0123456789ab/c",
        "refs/tags/exp/a/0123456789ab",
        "refs/tags/exp/-a/b/0123456789ab",
        "refs/heads/exp/a/b/0123456789ab",
        "refs/tags/exp/a/b/0123456789ab\n",
    ],
)
def test_other_refs_are_not_records(refname: str) -> None:
    assert RecordName.parse(refname) is None


@given(printable)
def test_every_suggested_name_is_valid(words: str) -> None:
    assert is_slug(slugify(words))


@given(printable)
def test_escaped_text_has_no_character_that_acts(words: str) -> None:
    safe = text.escape(words)
    assert not any(char in safe for char in "\n\r\t\x1b\x00\u202e\u200b\u2028\x85\ufeff")


@given(st.text(st.characters(codec="ascii")), st.text(st.characters(codec="ascii")))
def test_escaping_never_makes_two_texts_one(one: str, other: str) -> None:
    assert (text.escape(one) == text.escape(other)) == (one == other)


def test_a_tag_is_read_back_and_git_gives_it_the_same_name(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    person = "Ada <ada@example.org> 1700000000 +0000"
    payload = gitobject.tag_payload(target="a" * 40, name="exp/a/b/c", tagger=person, message="title\n\nbody\n")
    raw = payload + b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"
    tag = gitobject.parse_tag(raw)
    assert (tag.payload, tag.message, tag.name, tag.tagger) == (payload, "title\n\nbody\n", "exp/a/b/c", person)
    command = ["git", "hash-object", "-t", "tag", "--stdin", "--literally"]
    done = subprocess.run(command, cwd=tmp_path, input=raw, capture_output=True, check=True)
    assert done.stdout.decode().strip() == gitobject.object_id("tag", raw)


def test_a_signature_word_inside_a_line_does_not_end_the_message() -> None:
    message = 'x\n\nArcgit-Record: {"purpose":"-----BEGIN PGP SIGNATURE-----"}\n'
    payload = gitobject.tag_payload(target="a" * 40, name="n", tagger="A <a> 1 +0000", message=message)
    assert gitobject.parse_tag(payload).message == message


@given(st.binary(max_size=200))
def test_hostile_bytes_are_refused_and_never_crash(data: bytes) -> None:
    for parse in (gitobject.parse_tag, gitobject.parse_commit):
        with pytest.raises(gitobject.GitObjectError):
            parse(data)


def test_a_signed_commit_is_taken_apart_as_git_takes_it_apart() -> None:
    author = "Ada <ada@example.org> 1700000000 +0000"
    payload = gitobject.commit_payload(tree=EMPTY_TREE, parent="b" * 40, author=author, message="m\n\nbody\n")
    signature = b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n=BBBB\n-----END PGP SIGNATURE-----\n"
    commit = gitobject.parse_commit(gitobject.sign_commit(payload, signature))
    assert (commit.payload, commit.signature, commit.parent) == (payload, signature, "b" * 40)


@given(names, st.integers(1, 10**6), st.dictionaries(printable, printable, max_size=3))
def test_an_event_is_read_back_from_its_message(name: RecordName, seq: int, data: dict[str, str]) -> None:
    made = make_event(seq, name, data=data)
    assert events.parse_message(events.message(made)) == made


@pytest.mark.parametrize(
    "spoil",
    [
        lambda message: message.replace("reviewed a/b", "purged a/b", 1),
        lambda message: message + "\n",
        lambda message: message[:-1],
        lambda message: message.replace("\n\nArcgit-Event", "\n\nmore\n\nArcgit-Event"),
        lambda message: message.replace('{"actor"', '{ "actor"'),
        lambda message: message.replace('"seq":7', '"seq":"7"'),
        lambda message: message.replace('"seq":7', '"seq":0'),
        lambda message: message.replace("2026-01-02T", "2026-01-02 "),
    ],
)
def test_a_message_in_any_other_form_is_refused(spoil: object) -> None:
    message = events.message(make_event(7, RecordName("a", "b", "0" * 12)))
    assert callable(spoil)
    with pytest.raises(events.EventError):
        events.parse_message(spoil(message))


def test_unknown_fields_of_an_event_do_not_keep_it_from_being_read() -> None:
    message = events.message(make_event(7))
    newer = message.replace('{"actor"', '{"aaa":1,"actor"')
    assert events.parse_message(newer).seq == 7


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b"])), min_size=1, max_size=12))
def test_the_rendered_tree_is_the_tree_that_git_makes_of_the_notes(rows: list[tuple[int, str]]) -> None:
    tree = NoteTree()
    written: dict[str, bytes] = {}
    for seq, (number, experiment) in enumerate(rows, 1):
        commit = f"{number:x}" * 40
        made = make_event(seq, RecordName("p", experiment, "0" * 12))
        planned = tree.preview(commit, made)
        tree.take(commit, planned)
        written |= {item.oid: item.raw for item in planned}
        assert all(gitobject.object_id(item.kind, item.raw) == item.oid for item in planned)
        assert tree.oid == planned[-1].oid


def test_stock_git_shows_the_rendered_notes(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "commit", "--quiet", "--allow-empty", "-m", "x")
    head = git(tmp_path, "rev-parse", "HEAD")
    tree = NoteTree()
    objects: tuple[RawObject, ...] = ()
    for seq in range(1, MAX_LINES + 4):
        made = make_event(seq, RecordName("p", "e", "0" * 12))
        objects = planned = tree.preview(head, made)
        tree.take(head, planned)
    for item in objects:
        command = ["git", "hash-object", "-t", item.kind, "-w", "--stdin"]
        done = subprocess.run(command, cwd=tmp_path, input=item.raw, capture_output=True, check=True)
        assert done.stdout.decode().strip() == item.oid
    commit = git(tmp_path, "commit-tree", "-m", "x", tree.oid)
    git(tmp_path, "update-ref", "refs/notes/arcgit", commit)
    shown = git(tmp_path, "notes", "--ref=arcgit", "show", head).splitlines()
    assert shown[0] == "(3 earlier: arcgit log)"
    assert shown[-1] == f"#{MAX_LINES + 3} 2026-01-02T03:04:05Z reviewed p/e 000000000000 by ada"
    assert len(shown) == MAX_LINES + 1
    assert git(tmp_path, "fsck", "--strict") == ""


safe_paths = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=3).map("/".join)
entries = st.lists(
    st.builds(FixityEntry, st.from_regex(r"[0-9a-f]{64}", fullmatch=True), st.integers(0, 10**15), safe_paths),
    max_size=8,
    unique_by=lambda entry: paths.twin_key(entry.path),
).filter(lambda listed: not any(a.path.startswith(f"{b.path}/") for a in listed for b in listed))


@given(entries)
def test_a_fixity_list_is_read_back_in_path_order(listed: list[FixityEntry]) -> None:
    named = {entry.path for entry in listed}
    inside = {path for path in named for other in named if path.startswith(f"{other}/")}
    safe = [entry for entry in listed if not paths.unsafe_reason(entry.path) and entry.path not in inside]
    data = fixity.serialise(safe)
    assert list(fixity.parse(data)) == sorted(safe, key=lambda entry: entry.path.encode())
    assert fixity.serialise(reversed(fixity.parse(data))) == data


HEX = "a" * 64


@pytest.mark.parametrize(
    "body",
    [
        f'{HEX} 1 "b"\n{HEX} 1 "a"\n',
        f'{HEX} 1 "a"\n{HEX} 1 "a"\n',
        f'{HEX} 1 "a"\n{HEX} 1 "A"\n',
        f'{HEX} 01 "a"\n',
        f'{HEX.upper()} 1 "a"\n',
        f'{HEX} 1 "../a"\n',
        f'{HEX} 1 "/a"\n',
        f'{HEX} 1 "\\u0061"\n',
        f'{HEX} 1 "a"',
        f'{HEX} -1 "a"\n',
        "\n",
    ],
)
def test_a_fixity_list_in_any_other_form_is_refused(body: str) -> None:
    with pytest.raises(fixity.FixityError):
        fixity.parse(fixity.HEADER + body.encode())


UNSAFE = [
    "", "../x", "/abs", "a/../../x", "a//b", "./a", "a/", "C:\\x", "\\\\srv\\s", "a\\..\\b", "a\0b", "a\nb", "x:ads",
    ".git/hooks/x", ".GIT/config", "git~1/x", "a/.git ", "a/.git.", "con", "aux.txt", "a/NUL.tar.gz", "a ", "a.",
    ".g\u200cit/x",
]  # fmt: skip


@pytest.mark.parametrize("path", UNSAFE)
def test_paths_that_some_system_would_misread_are_unsafe(path: str) -> None:
    assert paths.unsafe_reason(path)


@pytest.mark.parametrize(
    "path", ["a", "data/train/0001.png", ".github/x", "ünïcode/ß", "con-fig.txt", "gitlab/.gitignore"]
)
def test_ordinary_paths_are_safe(path: str) -> None:
    assert paths.unsafe_reason(path) == ""


@pytest.mark.parametrize(("one", "other"), [("A", "a"), ("ß", "SS"), ("K", "\u212a"), ("e\u0301", "\u00e9")])
def test_names_that_fold_into_one_are_twins(one: str, other: str) -> None:
    assert paths.twins([one, other]) == [(one, other)]


def test_digests_are_those_of_stock_tools() -> None:
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert canonical.sha256(b"abc") == expected
