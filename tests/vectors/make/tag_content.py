"""Tags in the right form: sound ones, and those whose signature, name, record or place in the ledger is wrong."""

from __future__ import annotations

from arcgit.model import canonical, gitobject, record, tagmessage
from arcgit.model.gitobject import object_id
from arcgit.model.names import RecordName
from tests import samples
from tests.samples import statement
from tests.vectors.make import spoil
from tests.vectors.make.chain import People
from tests.vectors.make.tag_bench import MODEL, TAGGER, Bench, sub


def fill(bench: Bench) -> None:
    """The cases that are found wrong."""
    for part in (_signatures, _names, _records, _ledger):
        part(bench)


# A case a line reads as a table.
# fmt: off
def sound(bench: Bench) -> None:
    """The cases in which nothing is wrong."""
    add, tag = bench.add, bench.tag
    add("signed with SSH", "A record by a recorder.", tag())
    add("signed with OpenPGP", "A record by a recorder.", tag(by=bench.people.ada))
    add("the second record of one content", "The name and the title have its number, the record has not.", tag(number=2))
    add("a whole record", "Data in a directory, metrics in git, lineage.", tag(statement()))
    add("text of the world", "The message is UTF-8; what does not show is escaped in the readable part.", tag(statement(MODEL, owner="Zoë \u202e日本", purpose="-----BEGIN PGP SIGNATURE-----\n")))
    add("a tagger who is not the signer", "The tagger is a claim; the key tells who signed.", tag(unsigned=sub("Bob Byte <bob@example.org>", "Eve <eve@example.org>")))
    add("a tagger without an address", "Git writes such taggers.", tag(unsigned=sub("<bob@example.org>", "<>")))
    add("fields of a later writer", "Unknown fields of a record survive.", tag(statement(MODEL, mood="good")))


def _signatures(bench: Bench) -> None:
    who, bad = bench.people, "signature-bad"
    plain = bench.tag(signed=lambda raw: raw[: raw.index(b"-----BEGIN")])
    bench.add("no signature", "A record is signed.", plain, "signature-missing", fault="not signed")
    edited = bench.tag(signed=sub(TAGGER, TAGGER.replace("Bob", "Eve")))
    bench.add("another tagger", "The signature is over everything before it.", edited, bad, fault="does not fit")
    bench.add("signed for another purpose", "Tags are signed under the namespace git.", bench.tag(namespace="file"), bad, fault="namespace")
    bench.add("signed by a stranger", "Only the policy's keys count.", bench.tag(by=who.mallory), "signer-unknown", fault="not one of the keys")
    bench.add("signed by an auditor", "Recorders seal.", bench.tag(by=who.carol), "signer-role", fault="may not do this")
    pgp = "-----BEGIN PGP SIGNATURE-----\n"
    for name, why, change, fault in (
        ("a comment in the armor", "There are no headers.", sub(pgp, f"{pgp}Comment: x\n"), "headers"),
        ("a version in the armor", "There are no headers.", sub(pgp, f"{pgp}Version: GnuPG v2\n"), "headers"),
        ("another frame", "A frame says what is inside.", sub(pgp, "-----BEGIN PGP MESSAGE-----\n"), "neither an OpenPGP nor an SSH"),
        ("spaces in the armor", "It is base64 alone.", sub("\n\ni", "\n\n i"), "length"),
    ):
        bench.add(name, why, bench.tag(by=who.ada, signed=change), bad, fault=fault)
    sha1 = bench.tag(by=who.ada, signed=lambda raw: _weak(raw, who))
    bench.add("a weak digest", "Collisions are known.", sha1, "signature-weak", fault="SHA-1")
    bench.add("a commit's signature", "The signature is over this tag.", bench.tag(signed=lambda raw: _foreign(raw, who)), bad, fault="does not fit")


def _names(bench: Bench) -> None:
    name, differ = "tag-name-mismatch", "made under another name"
    made = bench.tag()
    two = RecordName(made[0].project, made[0].experiment, made[0].run_id, 2).refname
    for title, why, refname in (
        ("under another experiment", "A tag has one name.", made[0].refname.replace("baseline", "wide")),
        ("under another project", "A tag has one name.", made[0].refname.replace("churn", "sales")),
        ("under another run id", "A tag has one name.", made[0].refname[:-12] + "0" * 12),
    ):
        bench.add(title, why, made, name, "tag-not-canonical", name, fault=differ, refname=refname)
    bench.add("under the second name of its content", "The number is part of the name, and of the title.", made, name, "tag-not-canonical", fault=differ, refname=two)
    moved = bench.tag(unsigned=sub("\ntag exp/churn/baseline/", "\ntag exp/churn/wide/"))
    bench.add("another name inside", "Name inside and ref are the same.", moved, name, fault=differ)
    short = bench.tag(unsigned=lambda raw: raw.replace(b"\ntag exp/", b"\ntag ", 1))
    bench.add("a name without exp/ inside", "The name inside is the whole tag name.", short, name, fault=differ)
    full = bench.tag(unsigned=lambda raw: raw.replace(b"\ntag exp/", b"\ntag refs/tags/exp/", 1))
    bench.add("a refname inside", "The name inside is without refs/tags/.", full, name, fault=differ)
    odd = bench.tag(unsigned=lambda raw: raw.replace(b"/baseline/", b"/other/", 1).replace(b"churn/baseline ", b"churn/other ", 1))
    wanted = made[0].refname.replace("baseline", "other")
    bench.add("another name all around the record", "The record says what it is of.", odd, name, fault="belongs under another name", refname=wanted)


def _records(bench: Bench) -> None:
    canon, malformed = "tag-not-canonical", "record-malformed"
    differs, ends = "does not say what the record says", "does not end in one"
    for title, why, change in (
        ("another owner above the record", "The readable part follows from the record.", sub("\nowner: Ada", "\nowner: Eve")),
        ("a metric rounded", "The readable part follows from the record.", sub("auc=0.91", "auc=0.9")),
        ("a line more", "The readable part follows from the record.", sub("\nowner", "\nreviewed: yes\nowner")),
        ("a line less", "The readable part follows from the record.", sub("metrics: auc=0.91\n", "")),
        ("another title", "The readable part follows from the record.", sub("\n\nchurn/baseline", "\n\nchurn/best")),
        ("a space at the end of a line", "It is compared byte for byte.", sub("0.91\n", "0.91 \n")),
    ):
        bench.add(title, why, bench.tag(unsigned=change), canon, fault=differs)
    for title, why, change in (
        ("no record", "The message ends in the record.", lambda raw: raw[: raw.index(b"\n\nArcgit-Record")] + b"\n"),
        ("another trailer", "The message ends in the record.", sub("Arcgit-Record: ", "Arcgit-Event: ")),
        ("a line behind the record", "The record is the last line.", lambda raw: raw + b"Signed-off-by: Eve\n"),
        ("an empty line behind the record", "The record is the last line.", lambda raw: raw + b"\n"),
        ("no empty line before the record", "The record is a paragraph of its own.", sub("\n\nArcgit-Record", "\nArcgit-Record")),
        ("two records", "There is one.", lambda raw: raw + raw[raw.index(b"Arcgit-Record") :]),
    ):
        bench.add(title, why, bench.tag(unsigned=change), malformed, fault=ends)
    edited = bench.tag(unsigned=sub('"auc":0.91', '"auc":0.99'))
    bench.add("a metric changed in the record", "The run id is that of the content.", edited, malformed, fault="run id is not that of the content")
    space = bench.tag(unsigned=sub('{"_type"', '{ "_type"'))
    bench.add("a record with a space", "A record is canonical JSON.", space, malformed, fault="not in canonical form")
    newer = bench.tag(unsigned=sub("arcgit/record/v1", "arcgit/record/v2"))
    bench.add("a newer record", "It is not wrong, only not readable.", newer, f"?{malformed}", fault="unknown record schema")
    newer = bench.tag(unsigned=sub("urn:arcgit:experiment:v1", "urn:arcgit:experiment:v2"))
    bench.add("a newer predicate", "It is not wrong, only not readable.", newer, f"?{malformed}", fault="unknown predicate type")
    room = record.MAX_RECORD_BYTES - len(canonical.dumps(statement(MODEL, purpose=""))) + 1
    large = _large(bench, room)
    bench.add("a record above 1 MiB", "It is refused unread.", large, "record-too-large", fault="bytes", pad=room)
    far = bench.tag(statement(MODEL, archive=samples.ARCHIVE.replace("0", "f")))
    bench.add("a record of another archive", "A record is sealed for one archive.", far, "wrong-archive", fault="another archive")
    other = bench.tag(unsigned=lambda raw: raw.replace(samples.COMMIT.encode(), b"7" * 40, 1))
    bench.add("a tag of another commit", "Tag, record and ledger name one commit.", other, "commit-mismatch", "commit-mismatch", fault="another commit than the tag")


def _ledger(bench: Bench) -> None:
    made, moved = bench.tag(), "moved or made anew"
    bench.add("not recorded", "The ledger lists every record.", made, "unrecorded-tag", fault="does not know this tag", recorded=None)
    bench.add("another object was recorded", "The ledger has the object's name.", made, "tag-not-as-recorded", fault=moved, recorded={"oid": "0" * 40})
    bench.add("other bytes were recorded", "The ledger has the sha256 too, so SHA-1 alone decides nothing.", made, "tag-not-as-recorded", fault=moved, recorded={"sha256": "0" * 64})
    bench.add("recorded on another commit", "Tag, record and ledger name one commit.", made, "commit-mismatch", fault="ledger recorded it on another commit", recorded={"commit": "0" * 40})
    ada = bench.tag(by=bench.people.ada)
    known = {"oid": object_id("tag", ada[1]), "sha256": canonical.sha256(ada[1])}
    cut = ada[1].index(b"-----BEGIN")
    data = spoil.binary(ada[1][cut:].decode(), spoil.PGP)
    for title, text in (
        ("the signature in lines of another length", spoil.armored(data, spoil.PGP, width=76)),
        ("the signature without its checksum", spoil.armored(data, spoil.PGP, checksum=False)),
        ("the signature in another framing", spoil.PgpParts(ada[1][cut:].decode()).packed()),
    ):
        why = "The signature is good; the ledger's digests hold the bytes."
        bench.add(title, why, (ada[0], ada[1][:cut] + text.encode()), "tag-not-as-recorded", fault=moved, recorded=known)
    anew = bench.tag(unsigned=sub("1767323045", "1767323046"))
    why = "A record is sealed once, even by the same person with the same content."
    old = {"oid": object_id("tag", made[1]), "sha256": canonical.sha256(made[1])}
    bench.add("sealed a second later", why, anew, "tag-not-as-recorded", fault=moved, recorded=old)


def _weak(raw: bytes, people: People) -> bytes:
    payload = raw[: raw.index(b"-----BEGIN")]
    options = ("--digest-algo", "SHA1", "--allow-weak-digest-algos")
    return payload + people.home.openpgp_sign("ada", payload, *options).encode()


def _foreign(raw: bytes, people: People) -> bytes:
    return raw[: raw.index(b"-----BEGIN")] + people.bob.sign(b"tree 0\n").encode()


def _large(bench: Bench, room: int) -> tuple[RecordName, bytes]:
    """A tag with a purpose that is as long as the pad will be; signed as it then stands."""
    value = statement(MODEL, purpose="{pad}")
    sealed = record.parse(canonical.dumps(value))
    name = record.name_of(sealed)
    message = tagmessage.message(sealed, name)
    payload = gitobject.tag_payload(target=samples.COMMIT, name=name.tag, tagger=TAGGER, message=message)
    signature = bench.people.bob.sign(payload.replace(b"{pad}", b"x" * room))
    return name, payload + signature.encode()
