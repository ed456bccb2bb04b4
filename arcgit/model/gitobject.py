"""Raw git tag and commit objects: written byte for byte, read strictly.

A record's tag has exactly the headers object, type, tag, tagger, then a message and one signature block that ends the
object. A ledger commit has exactly tree, at most one parent, author, committer and gpgsig. Anything else git would
accept (further headers, text behind the signature, a second signature) is refused here, because two readers could take
it for two different things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from arcgit.model import oid

object_id = oid.object_id
MAX_OBJECT_BYTES = 8 * 1024 * 1024
"""Tags and ledger commits above this size are refused unread."""

_OID = rb"[0-9a-f]{40}(?:[0-9a-f]{24})?"
_PERSON = rb"[^\x00<>\n]+ <[^\x00<>\n]*> [0-9]{1,12} [+-][0-9]{4}"
_TAG_RE = re.compile(
    rb"object (" + _OID + rb")\ntype ([a-z]+)\ntag ([^\x00\n]+)\ntagger (" + _PERSON + rb")\n\n(.*)", re.DOTALL
)
_COMMIT_RE = re.compile(
    rb"(tree ("
    + _OID
    + rb")\n(?:parent ("
    + _OID
    + rb")\n)?author ("
    + _PERSON
    + rb")\ncommitter ("
    + _PERSON
    + rb")\n)"
    rb"(?:gpgsig ((?:[^\x00\n]*\n)(?: [^\x00\n]*\n)*))?\n(.*)",
    re.DOTALL,
)
_BEGIN = b"\n-----BEGIN "
_END = re.compile(rb"\n-----END [A-Z ]+-----\n")


class GitObjectError(ValueError):
    """The object is not written the way arcgit writes it."""


class TagObject(msgspec.Struct, frozen=True):
    """A parsed tag. `payload` is what the signature covers; `signature` is None where there is none."""

    target: str
    target_type: str
    name: str
    tagger: str
    message: str
    payload: bytes
    signature: bytes | None


class CommitObject(msgspec.Struct, frozen=True):
    """A parsed ledger commit. `payload` is what the signature covers; `signature` is None where there is none."""

    tree: str
    parent: str | None
    author: str
    message: str
    payload: bytes
    signature: bytes | None


def tag_payload(*, target: str, name: str, tagger: str, message: str) -> bytes:
    """The bytes of an annotated tag on a commit, up to where its signature goes. `message` ends with a newline."""
    return f"object {target}\ntype commit\ntag {name}\ntagger {tagger}\n\n{message}".encode()


def parse_tag(raw: bytes) -> TagObject:
    """The parts of a raw tag object. Raises GitObjectError with the reason."""
    match = _TAG_RE.fullmatch(raw)
    if match is None:
        raise GitObjectError("the headers are not exactly object, type, tag and tagger")
    target, kind, name, tagger, body = match.groups()
    cut = 0 if body.startswith(_BEGIN[1:]) else body.find(_BEGIN) + 1 or len(body)
    if body.find(_BEGIN, cut) != -1:
        raise GitObjectError("there is more than one signature block")
    signature = body[cut:] or None
    if signature is not None and not _END.fullmatch(signature[max(0, signature.rfind(b"\n-----END ")) :]):
        raise GitObjectError("the signature block does not end the object")
    return TagObject(
        target=target.decode(),
        target_type=kind.decode(),
        name=_text(name),
        tagger=_text(tagger),
        message=_text(body[:cut]),
        payload=raw[: len(raw) - len(signature or b"")],
        signature=signature,
    )


def commit_payload(*, tree: str, parent: str | None, author: str, message: str) -> bytes:
    """The bytes of a commit without its signature; author and committer are the same. `message` ends with a newline."""
    parents = f"parent {parent}\n" if parent else ""
    return f"tree {tree}\n{parents}author {author}\ncommitter {author}\n\n{message}".encode()


def sign_commit(payload: bytes, signature: bytes) -> bytes:
    """The raw commit: `payload` with `signature` (armored, ending in a newline) as its last header."""
    head, _, body = payload.partition(b"\n\n")
    return head + b"\ngpgsig " + signature.rstrip(b"\n").replace(b"\n", b"\n ") + b"\n\n" + body


def parse_commit(raw: bytes) -> CommitObject:
    """The parts of a raw ledger commit. Raises GitObjectError with the reason."""
    match = _COMMIT_RE.fullmatch(raw)
    if match is None:
        raise GitObjectError("the headers are not exactly tree, one parent, author, committer and gpgsig")
    head, tree, parent, author, committer, signature, message = match.groups()
    if author != committer:
        raise GitObjectError("author and committer differ")
    return CommitObject(
        tree=tree.decode(),
        parent=parent.decode() if parent else None,
        author=_text(author),
        message=_text(message),
        payload=head + b"\n" + message,
        signature=signature.replace(b"\n ", b"\n") if signature else None,
    )


def parse_tree(raw: bytes) -> Iterator[tuple[str, str, str]]:
    """Mode, name and oid of the entries of a raw tree object. Raises GitObjectError."""
    at = 0
    while at < len(raw):
        space, zero = raw.find(b" ", at), raw.find(b"\0", at)
        if not at < space < zero or zero + 21 > len(raw):
            raise GitObjectError("the tree is malformed")
        name = raw[space + 1 : zero].decode(errors="surrogateescape")
        yield raw[at:space].decode(errors="replace"), name, raw[zero + 1 : zero + 21].hex()
        at = zero + 21


def _text(data: bytes) -> str:
    if b"\x00" in data or b"\r" in data:
        raise GitObjectError("it contains NUL or carriage return characters")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise GitObjectError("it is not UTF-8") from error
