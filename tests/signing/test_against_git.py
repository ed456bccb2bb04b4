"""The same signed tags before `git verify-tag`: where git says yes and arcgit no, the reason stands in the table.

git's answers are asserted as well, so that this table says what git does and not what somebody once believed.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from arcgit.model import gitobject
from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import Keyring, SignatureStatus
from tests.vectors.make import spoil
from tests.vectors.make.people import Home, home

START, EARLY, MIDDLE, LATE = "20200101T000000", "20200601T000000", "20210101T000000", "20220601T000000"
WEAKER = {
    "text behind the signature": "gpg stops reading where the block ends, and git shows the text as part of the message",
    "a comment in the armor": "gpg passes over headers, which nobody has signed",
    "an SSH key outside of its time": "git compares with the date in the tag, which the signer chooses",
}
"""What git takes and arcgit does not."""
STRICTER = {
    "before the key expired": "gpg looks at today; arcgit at when the signature was made, and then at its place in the ledger",
    "before the key was retired": "the same",
}
"""What arcgit takes and git does not."""


@pytest.fixture(scope="module")
def made() -> Iterator[Home]:
    with home() as place:
        place.run("git", "init", "--quiet", "repo")
        for name in ("ed", "other"):
            place.openpgp_key(name)
        place.ssh_key("ssh")
        yield place


def payload(name: str) -> bytes:
    head = f"object {'0' * 39}1\ntype commit\ntag {name}\ntagger x <x@example.org> 1767323045 +0000\n\nA tag.\n"
    return head.encode()


def git_says(made: Home, raw: bytes, *settings: str, name: str = "v1") -> bool:
    """Whether `git verify-tag` takes the tag object, with everybody's keys in its keyring."""
    repo = made.folder / "repo"
    write = ["git", "hash-object", "-t", "tag", "-w", "--stdin", "--literally"]
    oid = subprocess.run(write, cwd=repo, input=raw, capture_output=True, check=True).stdout
    (repo / ".git" / "refs" / "tags" / name).write_bytes(oid)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(made.folder), "GNUPGHOME": str(made.folder)}
    done = subprocess.run(["git", *settings, "verify-tag", name], cwd=repo, capture_output=True, check=False, env=env)
    return done.returncode == 0


def arcgit_says(keys: list[PublicKey], raw: bytes) -> bool:
    try:
        tag = gitobject.parse_tag(raw)
    except gitobject.GitObjectError:
        return False
    found = [Keyring(keys, by_tools=way).verify(tag.payload, tag.signature or b"", "git") for way in (False, True)]
    assert found[0].status is found[1].status
    return found[0].status is SignatureStatus.GOOD


def joined(one: bytes, other: bytes) -> bytes:
    cut = one.index(b"-----BEGIN")
    parts = [spoil.PgpParts(raw[raw.index(b"-----BEGIN") :].decode()).data for raw in (one, other)]
    return one[:cut] + spoil.joined(parts).encode()


FORMS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "as it was made": lambda raw, other: raw,
    "text behind the signature": lambda raw, other: raw + b"and this too\n",
    "a comment in the armor": lambda raw, other: raw.replace(
        b"SIGNATURE-----\n\n", b"SIGNATURE-----\nComment: x\n\n", 1
    ),
    "another text": lambda raw, other: raw.replace(b"A tag.", b"A tug.", 1),
    "a stranger's signature behind it": joined,
    "a second signature of its own": lambda raw, other: joined(raw, raw),
}


@pytest.mark.parametrize("how", FORMS)
def test_git_takes_what_arcgit_takes_and_more_only_where_it_is_known(made: Home, how: str) -> None:
    text = payload("v1")
    one, other = (text + made.openpgp_sign(name, text).encode() for name in ("ed", "other"))
    raw = FORMS[how](one, other)
    ours, gits = arcgit_says([made.openpgp("ed")], raw), git_says(made, raw)
    assert (ours, gits) == (how == "as it was made", how == "as it was made" or how in WEAKER)


def test_git_looks_at_today_where_arcgit_looks_at_when_it_was_signed(made: Home) -> None:
    text = payload("v1")
    made.openpgp_key("old", expires=MIDDLE, at=START)
    made.openpgp_key("retired", at=START)
    signed = {name: text + made.openpgp_sign(name, text, at=EARLY).encode() for name in ("old", "retired")}
    late = text + made.openpgp_sign("retired", text, at=LATE).encode()
    made.revoke("retired", "retired", MIDDLE)
    for name, raw in signed.items():
        assert (arcgit_says([made.openpgp(name)], raw), git_says(made, raw)) == (True, False), STRICTER
    assert (arcgit_says([made.openpgp("retired")], late), git_says(made, late)) == (False, False)


def test_a_signature_by_ssh_is_taken_by_all_three(made: Home, tmp_path: Path) -> None:
    """And git's notion of a key's time is the signer's: `arcgit` has none but the place in the ledger."""
    text = payload("v1")
    raw = text + made.ssh_sign("ssh", text).encode()
    allowed = tmp_path / "allowed"
    allowed.write_text(f"x@example.org {made.ssh_text('ssh')}\n")
    settings = ("-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={allowed}")
    assert (arcgit_says([made.ssh("ssh")], raw), git_says(made, raw, *settings)) == (True, True)
    changed = raw.replace(b"A tag.", b"A tug.", 1)
    assert (arcgit_says([made.ssh("ssh")], changed), git_says(made, changed, *settings)) == (False, False)
    other = text + made.ssh_sign("ssh", text, namespace="file").encode()
    assert (arcgit_says([made.ssh("ssh")], other), git_says(made, other, *settings)) == (False, False)
    allowed.write_text(f'x@example.org valid-before="20200101" {made.ssh_text("ssh")}\n')
    backdated = text.replace(b"1767323045", b"1546300800")
    raw = backdated + made.ssh_sign("ssh", backdated).encode()
    assert git_says(made, raw, *settings), WEAKER


def test_git_verifies_a_tag_under_any_name(made: Home) -> None:
    """arcgit compares the name inside with the ref, see tests/attacks/test_tags.py."""
    text = payload("v1")
    raw = text + made.openpgp_sign("ed", text).encode()
    assert git_says(made, raw, name="v2")
