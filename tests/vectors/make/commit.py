"""commit.json: ledger commits as objects, and what else git would take for a commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arcgit.model import canonical, gitobject
from tests import samples
from tests.vectors.make.cases import Case, good, refused
from tests.vectors.make.chain import AUTHOR, BASE, Link, People, link, policy_of, recorded_data, text_or_base64

Change = Callable[[str], str]
PARENT = "8" * 40


def sub(old: str, new: str) -> Change:
    """Replace the first place of a text that must be there."""

    def change(raw: str) -> str:
        if old not in raw:
            raise ValueError(f"there is no {old!r}")
        return raw.replace(old, new, 1)

    return change


HEADERS = "the headers are not exactly"
FAULTS: tuple[tuple[str, str, str, Change], ...] = (
    ("a merge", "There is one parent.", HEADERS, sub("\nauthor ", f"\nparent {PARENT}\nauthor ")),
    ("an encoding", "The message is UTF-8.", HEADERS, sub("\ngpgsig ", "\nencoding ISO-8859-1\ngpgsig ")),
    ("a merged tag", "There are five headers.", HEADERS, sub("\ngpgsig ", "\nmergetag object x\ngpgsig ")),
    ("an unknown header", "There are five headers.", HEADERS, sub("\ngpgsig ", "\nchange-id x\ngpgsig ")),
    ("a header behind the signature", "The signature is the last header.", HEADERS, sub("\n\nrecorded", "\nchange-id x\n\nrecorded")),
    ("a signature for SHA-256 names", "There is one signature.", HEADERS, sub("\ngpgsig ", "\ngpgsig-sha256 x\ngpgsig ")),
    ("two signatures", "There is one signature.", HEADERS, sub("\n\nrecorded", "\ngpgsig x\n\nrecorded")),
    ("a signature before the author", "The signature is the last header.", HEADERS, sub("\nauthor ", "\ngpgsig x\nauthor ")),
    ("a line of the signature without its space", "Every further line of a header begins with a space.", HEADERS, sub("\n -----END", "\n-----END")),
    ("no committer", "There are five headers.", HEADERS, sub(f"\ncommitter {AUTHOR}", "")),
    ("no author", "There are five headers.", HEADERS, sub(f"\nauthor {AUTHOR}", "")),
    ("no tree", "There are five headers.", HEADERS, lambda raw: raw.partition("\n")[2]),
    ("committer before author", "Their order is fixed.", HEADERS, lambda raw: raw.replace("\nauthor", "\n%").replace("\ncommitter", "\nauthor").replace("\n%", "\ncommitter")),
    ("the parent before the tree", "Their order is fixed.", HEADERS, lambda raw: "\n".join([*raw.split("\n")[:2][::-1], *raw.split("\n")[2:]])),
    ("another committer", "Author and committer are one.", "author and committer differ", sub("committer Ada", "committer Eve")),
    ("another time of committing", "Author and committer are one.", "author and committer differ", lambda raw: raw[::-1].replace(AUTHOR[::-1], AUTHOR.replace("045", "046")[::-1], 1)[::-1]),
    ("a short tree", "An oid has 40 or 64 digits.", HEADERS, lambda raw: raw[:44] + raw[45:]),
    ("a tree in capitals", "Digits are small.", HEADERS, lambda raw: raw[:5] + "A" * 40 + raw[45:]),
    ("a short parent", "An oid has 40 or 64 digits.", HEADERS, lambda raw: raw[:92] + raw[93:]),
    ("a parent of 41 digits", "An oid has 40 or 64 digits.", HEADERS, sub("\nparent ", "\nparent 1")),
    ("an author without a time", "An author has name, address, time and zone.", HEADERS, lambda raw: raw.replace(" 1767323045 +0000", "")),
    ("an author without a name", "An author has name, address, time and zone.", HEADERS, lambda raw: raw.replace("Ada Lovelace ", "")),
    ("a time before 1970", "The time is digits.", HEADERS, lambda raw: raw.replace(" 1767323045", " -1")),
    ("no empty line", "It separates headers and message.", HEADERS, sub("\n\nrecorded", "\nrecorded")),
    ("a NUL in a header", "Git would end the header there.", HEADERS, lambda raw: raw.replace("Ada Lovelace", "Ada\0Lovelace")),
    ("a NUL in the signature", "Git would end the header there.", HEADERS, sub("\n -----END", "\n \0-----END")),
    ("a carriage return in the author", "It hides what stands before it.", "NUL or carriage return", lambda raw: raw.replace("Ada Lovelace", "Ada\rLovelace")),
    ("a NUL in the message", "Git shows nothing behind it.", "NUL or carriage return", sub("\n\nrecorded", "\n\n\0recorded")),
    ("a carriage return in the message", "Lines end with a newline alone.", "NUL or carriage return", sub("\n\nArcgit", "\r\n\r\nArcgit")),
    ("carriage returns everywhere", "Lines end with a newline alone.", HEADERS, lambda raw: raw.replace("\n", "\r\n")),
    ("a byte order mark", "It begins with the tree.", HEADERS, lambda raw: "\ufeff" + raw),
    ("nothing", "It has headers.", HEADERS, lambda raw: ""),
    ("a tag", "It is a commit.", HEADERS, lambda raw: f"object {PARENT}\ntype commit\ntag x\ntagger {AUTHOR}\n\nx\n"),
)  # fmt: skip


def document(people: People) -> Case:
    """The file."""
    data = {"policy": canonical.sha256(policy_of(people.roles).encode())}
    genesis = link(None, "genesis", "genesis", people.ada, data=data)
    fields: dict[str, Any] = {"name": BASE, "data": recorded_data(BASE)}
    later = link(genesis, "recorded", "recorded", people.bob, **fields)
    bare = link(genesis, "unsigned", "recorded", None, **fields)
    cases = [
        _sound("a genesis", "It has no parent; its signature is OpenPGP.", genesis.raw),
        _sound("an event", "One parent; its signature is SSH.", later.raw),
        _sound("not signed", "It is well formed; that it is not signed is found when it is judged.", bare.raw),
        _sound("SHA-256 names", "An oid has 40 or 64 digits.", _sha256(bare)),
        _sound("a message that is no event", "What the message says is judged later.", bare.raw.partition(b"\n\n")[0] + b"\n\nNotes added by 'git notes add'\n"),
    ]  # fmt: skip
    raw = later.raw.decode()
    cases += [
        refused(name, why, fault, **text_or_base64("commit", change(raw).encode()))
        for name, why, fault, change in FAULTS
    ]
    latin = later.raw.replace(b"\n\nrecorded", b"\n\n\xe9recorded", 1)
    cases.append(refused("another encoding", "Messages are UTF-8.", "not UTF-8", **text_or_base64("commit", latin)))
    about = (
        "commit: a raw commit object (commit_base64 where it is not UTF-8); its parts; payload_sha256: of what the"
        " signature is over, the object without its gpgsig header."
    )
    return {"about": about, "cases": cases}


def _sound(name: str, why: str, raw: bytes) -> Case:
    found = gitobject.parse_commit(raw)
    parts = {"tree": found.tree, "parent": found.parent, "author": found.author, "message": found.message}
    names = {"oid": gitobject.object_id("commit", raw), "sha256": canonical.sha256(raw)}
    signature = found.signature.decode() if found.signature else None
    digest = canonical.sha256(found.payload)
    return good(name, why, commit=raw.decode(), **names, **parts, signature=signature, payload_sha256=digest)


def _sha256(bare: Link) -> bytes:
    raw = bare.raw.decode()
    return (
        (raw[:5] + "4" * 64 + raw[45:]).replace(f"parent {raw[53:93]}", f"parent {samples.COMMIT}{'1' * 24}").encode()
    )
