"""Tags whose headers, ends or bytes are not as a record's are."""

from __future__ import annotations

from tests import samples
from tests.vectors.make.tag_bench import TAGGER, Bench, Change, sub


def fill(bench: Bench) -> None:
    """The cases."""
    _headers(bench)
    _ends(bench)


# A case a line reads as a table.
# fmt: off
def _headers(bench: Bench) -> None:
    headers = "the headers are not exactly"
    commit = samples.COMMIT
    rows: tuple[tuple[str, str, Change], ...] = (
        ("an extra header", "There are four headers.", sub("\ntagger ", "\nencoding UTF-8\ntagger ")),
        ("an extra header at the end", "There are four headers.", sub("+0000\n\n", "+0000\nencoding UTF-8\n\n")),
        ("a header twice", "There are four headers.", sub("\ntype commit\n", "\ntype commit\ntype commit\n")),
        ("two objects", "There are four headers.", sub("\ntype", f"\nobject {commit}\ntype")),
        ("headers in another order", "Their order is fixed.", sub(f"object {commit}\ntype commit\n", f"type commit\nobject {commit}\n")),
        ("no tagger", "There are four headers.", sub(f"\ntagger {TAGGER}", "")),
        ("a tagger without a time", "A tagger has name, address, time and zone.", sub(" 1767323045 +0000", "")),
        ("a tagger without a name", "A tagger has name, address, time and zone.", sub("Bob Byte ", "")),
        ("a tagger with two addresses", "A tagger has name, address, time and zone.", sub("<bob", "<eve> <bob")),
        ("a time before 1970", "The time is digits.", sub(" 1767323045", " -1")),
        ("a zone by name", "The zone has a sign and four digits.", sub("+0000", "UTC")),
        ("a short object", "An oid has 40 or 64 digits.", sub(commit, commit[:39])),
        ("an object in capitals", "Digits are small.", sub(commit, "A" * 40)),
        ("a type in capitals", "The type is commit.", sub("type commit", "type Commit")),
        ("a colon behind the key", "Git's headers have none.", sub("\ntag ", "\ntag: ")),
        ("two spaces", "One space stands behind the key.", sub("type commit", "type  commit")),
        ("a folded header", "No header has a second line.", sub("\n\n", "\n folded\n\n")),
        ("no empty line", "It separates headers and message.", sub("+0000\n\n", "+0000\n")),
        ("a NUL in a header", "Git would end the header there.", sub("Bob Byte", "Bob\0Byte")),
        ("SHA-256 signature header", "A signature stands in one place.", sub("\ntag ", "\ngpgsig-sha256 x\ntag ")),
    )  # fmt: skip
    for name, why, change in rows:
        bench.add(f"headers: {name}", why, bench.tag(unsigned=change), "tag-not-canonical", fault=headers)
    other = bench.tag(unsigned=sub("Bob Byte", "Bob\rByte"))
    bench.add("headers: a carriage return", "It hides what stands before it.", other, "tag-not-canonical", fault="NUL or carriage return")
    for kind in ("tree", "blob", "tag"):
        made = bench.tag(unsigned=sub("type commit", f"type {kind}"))
        bench.add(f"a tag of a {kind}", "A record is of a commit.", made, "tag-type", fault=f"points to a {kind}")


def _ends(bench: Bench) -> None:
    name = bench.tag()[0]
    for kind, raw in (("commit", f"tree {samples.TREE}\nauthor {TAGGER}\ncommitter {TAGGER}\n\nBaseline\n".encode()), ("blob", b"no tag\n"), ("tree", b"")):
        bench.add(f"a ref to a {kind}", "A record is an annotated tag; git calls this one lightweight.", (name, raw), "tag-type", fault=f"points to a {kind}", kind=kind)
    canon = "tag-not-canonical"
    tail, many = "does not end the object", "more than one signature block"
    bench.add("text behind the signature", "The signature ends the object.", bench.tag(signed=lambda raw: raw + b"and this\n"), canon, fault=tail)
    bench.add("an empty line behind the signature", "The signature ends the object.", bench.tag(signed=lambda raw: raw + b"\n"), canon, fault=tail)
    bench.add("NUL bytes behind the signature", "The signature ends the object.", bench.tag(signed=lambda raw: raw + b"\0\0"), canon, fault=tail)
    bench.add("no newline at the end", "The signature ends with a newline.", bench.tag(signed=lambda raw: raw[:-1]), canon, fault=tail)
    bench.add("cut off in the signature", "The signature is whole.", bench.tag(signed=lambda raw: raw[:-60]), canon, fault=tail)
    cut = bench.tag(signed=lambda raw: raw[: raw.index(b"-----BEGIN") - 200])
    bench.add("cut off in the record", "Nothing of it counts.", cut, "signature-missing", "record-malformed", fault="does not end in one")
    cut = bench.tag(signed=lambda raw: raw[:60])
    bench.add("cut off in the headers", "Nothing of it counts.", cut, canon, fault="the headers are not exactly")
    bench.add("nothing", "It has headers.", bench.tag(signed=lambda raw: b""), canon, fault="the headers are not exactly")
    twice = bench.tag(signed=lambda raw: raw + raw[raw.index(b"-----BEGIN") :])
    bench.add("the signature twice", "There is one.", twice, canon, fault=many)
    own = bench.tag()
    more = bench.people.ada.sign(own[1][: own[1].index(b"-----BEGIN")]).encode()
    bench.add("a second signature by somebody else", "There is one.", (own[0], own[1] + more), canon, fault=many)
    begin = bench.tag(unsigned=sub("\n\nArcgit", "\n-----BEGIN NOTHING-----\n\nArcgit"))
    bench.add("a line like a signature's in the message", "Readers could disagree where the signature begins.", begin, canon, fault=many)
    crlf = bench.tag(unsigned=lambda raw: raw.replace(b"\n", b"\r\n"))
    bench.add("carriage returns everywhere", "Lines end with a newline alone.", crlf, canon, fault="the headers are not exactly")
    crlf = bench.tag(unsigned=sub("\nowner", "\r\nowner"))
    bench.add("a carriage return in the message", "It hides what stands before it.", crlf, canon, fault="NUL or carriage return")
    nul = bench.tag(unsigned=sub("\nowner", "\n\0owner"))
    bench.add("a NUL in the message", "Git shows nothing behind it.", nul, canon, fault="NUL or carriage return")
    latin = bench.tag(unsigned=lambda raw: raw.replace(b"Ada", b"\xc4da", 1))
    bench.add("another encoding", "Messages are UTF-8.", latin, canon, fault="not UTF-8")
