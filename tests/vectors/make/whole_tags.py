"""Vectors of whole archives: tags, the records and manifests in them, and the keys that signed them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from arcgit.model.names import RecordName
from arcgit.signing.armor import dearmor
from tests.compat import spoil
from tests.compat.archive import signer_of
from tests.compat.spoil import write
from tests.vectors.make.spoil import PGP, joined
from tests.vectors.make.whole_bench import Copy, Vector, gpg, seal
from tests.world import git

Edit = Callable[[bytes], bytes]


def form(name: str, why: str, edit: Edit) -> Vector:
    """A tag object of another form, under the ref of the first."""
    return Vector(name, "tags", why, lambda copy: spoil.retag(edit)(copy.work, copy))


def moved(copy: Copy) -> None:
    """The signer of the tag has signed another one of the same name, of the commit before."""
    payload = copy.raw_tag().partition(b"-----BEGIN")[0]
    commit = git(copy.work, "rev-parse", f"{copy.refname('deep')}^{{commit}}")
    other = payload.replace(commit.encode(), git(copy.work, "rev-parse", f"{commit}~1").encode())
    git(copy.work, "update-ref", copy.refname("deep"), write(copy.work, "tag", other + signer_of(copy.bob).sign(other)))


def again(copy: Copy) -> None:
    """The same record once more, at another time."""
    payload = re.sub(rb"> (\d+) \+0000\n\n", rb"> 1\1 +0000\n\n", copy.raw_tag().partition(b"-----BEGIN")[0], count=1)
    git(
        copy.work,
        "update-ref",
        copy.refname("deep"),
        write(copy.work, "tag", payload + signer_of(copy.bob).sign(payload)),
    )


def nested(copy: Copy) -> None:
    """A tag of a tag."""
    target = git(copy.work, "rev-parse", copy.refname("deep")).encode()
    tag = b"object %s\ntype tag\ntag exp/churn/odd/0123456789ab\ntagger A <a@b> 1 +0000\n\nodd\n" % target
    git(copy.work, "update-ref", "refs/tags/exp/churn/odd/0123456789ab", write(copy.work, "tag", tag))


def of_tree(copy: Copy) -> None:
    """A ref to a tree."""
    git(copy.work, "update-ref", "refs/tags/exp/churn/odd/0123456789ab", git(copy.work, "rev-parse", "main^{tree}"))


def set_in(*keys: str, to: Any) -> Callable[[dict[str, Any]], None]:
    """Change one value of a record; None takes it away."""

    def change(value: dict[str, Any]) -> None:
        for key in keys[:-1]:
            value = value[key]
        if to is None:
            del value[keys[-1]]
        else:
            value[keys[-1]] = to

    return change


def record(name: str, why: str, *keys: str, to: Any, family: str = "records", verdict: str = "fail") -> Vector:
    """A record with one value changed, signed by Bob and recorded by him."""
    return Vector(name, family, why, lambda copy: seal(copy, copy.bob, set_in("predicate", *keys, to=to)), verdict)


def renumbered(name: RecordName) -> RecordName:
    """The name of other content."""
    return msgspec.structs.replace(name, run_id="0123456789ab")


def two_signatures(copy: Copy) -> Edit:
    """A good signature and one by a stranger, in one block."""

    def sign(payload: bytes) -> bytes:
        one = signer_of(copy.ada).sign(payload)
        other = gpg(copy.ada)(payload + b"x")
        return joined([dearmor(one, PGP), dearmor(other, PGP)]).encode()

    return sign


def ssh_file(copy: Copy) -> Edit:
    """A signature that was made for files."""
    return lambda payload: signer_of(copy.bob).sign(payload, "file")


def of_the_armor(edit: Callable[[bytes, int], bytes]) -> Edit:
    """An edit that is told where the signature begins."""
    return lambda data: edit(data, data.index(b"-----BEGIN"))


def stolen(copy: Copy) -> Edit:
    """The signature of another tag by the same person."""
    tag = copy.raw_tag()
    return lambda _: tag[tag.index(b"-----BEGIN") :]


TAGS = (
    Vector("renamed-tag_fail", "tags", "A signed tag says under which name it was made; here its object stands under another name.", lambda copy: spoil.renamed(copy.work, copy)),
    Vector("lightweight-tag_fail", "tags", "The ref names the commit itself, so nothing is signed.", lambda copy: spoil.lightweight(copy.work, copy)),
    Vector("deleted-tag_fail", "tags", "The ledger has recorded a tag that is gone.", lambda copy: git(copy.work, "update-ref", "-d", copy.refname("deep"))),
    Vector("moved-tag_fail", "tags", "The same person has signed a tag of that name on another commit.", moved),
    Vector("resigned-tag_fail", "tags", "The same person has signed the same record again; the ledger names the first object.", again),
    Vector("nested-tag_fail", "tags", "A tag of a tag; stock git follows it.", nested),
    Vector("tag-of-a-tree_fail", "tags", "A record is a tag of a commit.", of_tree),
    form("edited-tag_fail", "A word of the readable part was changed.", lambda data: data.replace(b"owner: Ada", b"owner: Eve", 1)),
    form("text-behind-the-signature_fail", "The signature ends the object; stock git shows what follows and verifies.", lambda data: data + b"and this too\n"),
    form("rewrapped-signature_fail", "The signature is good in lines of another length; the object is not the recorded one.", spoil.rewrapped),
    form("armor-header_fail", "Armor has no headers; stock git verifies with one.", lambda data: data.replace(b"SIGNATURE-----\n", b"SIGNATURE-----\nComment: hello\n\n", 1)),
    form("carriage-return_fail", "Lines end with a newline alone.", lambda data: data.replace(b"\nowner", b"\r\nowner", 1)),
    form("nul-in-the-message_fail", "Git shows nothing behind a NUL.", lambda data: data.replace(b"\n\nchurn/", b"\n\n\0churn/", 1)),
    form("signature-twice_fail", "There is one signature block.", of_the_armor(lambda data, at: data + data[at:])),
    form("extra-header_fail", "The headers are these four.", lambda data: data.replace(b"\ntagger ", b"\nencoding latin-1\ntagger ", 1)),
    form("tagger-twice_fail", "Each header stands once.", lambda data: data.replace(b"\n\n", b"\ntagger Eve <eve@example.org> 1 +0000\n\n", 1)),
    form("unsigned-tag_fail", "The signature was cut off.", of_the_armor(lambda data, at: data[:at])),
    form("no-last-newline_fail", "The signature ends with a newline.", lambda data: data[:-1]),
    Vector("unrecorded-tag_fail", "tags", "Sealed by a recorder, and the ledger does not know it.", lambda copy: seal(copy, copy.bob, recorded=False)),
    Vector("readable-part-differs_fail", "records", "The signer signed a readable part that does not say what the record says.", lambda copy: seal(copy, copy.bob, message=lambda text: text.replace("owner: Ada", "owner: Eve", 1))),
    Vector("record-under-another-name_fail", "records", "The run id in the tag's name is not that of the content.", lambda copy: seal(copy, copy.bob, name=renumbered)),
    record("record-of-another-archive_fail", "Sealed by the same people for another archive.", "archive", to="ffffffff-6f6b-4b0a-9c2e-1d2f3a4b5c6d"),
    record("record-of-another-commit_fail", "The record is of another commit than the one that is tagged.", "commit", to={"oid": "1" * 40, "tree": "2" * 40}),
    record("record-of-another-tree_fail", "The commit has another tree than the record says.", "commit", "tree", to="2" * 40),
    record("record-without-owner_fail", "A required field is missing.", "owner", to=None),
    record("path-out-of-the-repository_fail", "A path of the record leads outside.", "artifacts", "model", "path", to="../../outside"),
    record("digest-in-capitals_fail", "Digests are lower-case.", "artifacts", "model", "sha256", to="A" * 64),
    record("newer-record_fail", "A reader of version 1 is too old to judge a record of version 2.", "schema", to="arcgit/record/v2", verdict="cannot-verify"),
    record("other-manifest_fail", "The manifest at the commit has other bytes than the record says.", "manifest", "sha256", to="0" * 64, family="manifest"),
    record("no-manifest_fail", "There is no manifest at the path that the record says.", "manifest", "path", to="nowhere/arcgit.yaml", family="manifest"),
    record("manifest-path-outside_fail", "The path of the manifest leads outside.", "manifest", "path", to="../arcgit.yaml", family="manifest"),
    Vector("signed-by-a-stranger_fail", "keys", "A good signature by a key that no policy names; the recorder took it for a record.", lambda copy: seal(copy, copy.mallory)),
    Vector("signed-for-files_fail", "keys", "An SSH signature of another namespace.", lambda copy: seal(copy, copy.bob, sign=ssh_file(copy))),
    Vector("sha1-signature_fail", "keys", "SHA-1 is too weak for a signature.", lambda copy: seal(copy, copy.ada, sign=gpg(copy.ada, "--digest-algo", "SHA1", "--allow-weak-digest-algos"))),
    Vector("two-signatures-in-one-block_fail", "keys", "Readers differ in which of several signatures counts, so there is one.", lambda copy: seal(copy, copy.ada, sign=two_signatures(copy))),
    Vector("signature-of-another-tag_fail", "keys", "A good signature by the right person, of something else.", lambda copy: seal(copy, copy.bob, sign=stolen(copy))),
)  # fmt: skip
