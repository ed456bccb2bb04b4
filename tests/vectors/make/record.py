"""record.json: records with the messages around them, and every rule that a record can break."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from arcgit.model import canonical, record, tagmessage
from tests import samples
from tests.samples import ARTIFACTS, artifact, folder, in_git, statement
from tests.vectors.make import absent
from tests.vectors.make.cases import Case, good, newer, refused

OTHER = "9" * 64
LEFT_OUT = "A field that is not known is left out, so that there is one spelling."
WAIVER = {"code": "split-overlap", "reason": "A smoke test.", "owner": "Ada", "expires": "2026-12-31"}
MODEL = {"model": artifact("m")}


def with_model(**changes: Any) -> dict[str, Any]:
    """A record whose one model is otherwise."""
    return statement({"model": artifact("m", **changes)})


def without(fact: dict[str, Any], *fields: str) -> dict[str, Any]:
    """The artifact without some of its fields."""
    return {key: value for key, value in fact.items() if key not in fields}


def put(place: str, value: Any) -> dict[str, Any]:
    """A record with one value put in afterwards: nothing else follows it."""
    made = statement()
    *folders, last = place.split("/")
    inner: Any = made
    for name in folders:
        inner = inner[name]
    inner[last] = value
    return made


def drop(place: str) -> dict[str, Any]:
    """A record without one of its fields."""
    made = statement()
    *folders, last = place.split("/")
    inner: Any = made
    for name in folders:
        inner = inner[name]
    del inner[last]
    return made


SOUND: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("a record", "A model, a dataset in a directory, metrics in git, and the lineage.", statement()),
    ("the least", "One artifact; what is not known is an empty text or mapping.", statement(MODEL, inside={"lineage": {"sources": [], "stages": []}, "metrics": {}, "params": {}}, owner="", purpose="", retention="")),
    ("fields of a later writer", "Unknown fields survive, inside and outside of the content.", statement(MODEL, inside={"seed": 7}, reviewed_in={"tool": "x"})),
    ("a lineage by its digest", "A lineage above 32 KiB is named by the sha256 of its canonical bytes.", statement(MODEL, inside={"lineage": {"sha256": OTHER}})),
    ("a directory in git", "A tree oid; the sha256 is that of its fixity list.", statement({"code": without(folder("src", "code", git="3" * 40), "dvc")})),
    ("object names of a SHA-256 repository", "An oid has 40 or 64 digits.", statement(MODEL, commit={"oid": "1" * 64, "tree": "2" * 64})),
    ("a remote that is not known", "It may be null, or be left out.", with_model(dvc={"md5": "b" * 32, "remote": None})),
    ("a DVC project in a folder", "Where an import was taken from stands with it.", with_model(dvc={"md5": "b" * 32, "project": "models", "origin": {"url": "https://example.org/data.git", "rev_lock": "7" * 40}})),
    ("a version in a cloud-versioned remote", "Of a file its id, whatever the storage calls it.", with_model(dvc={"md5": "b" * 32, "remote": "storage", "version": "L4kqtJlcpXroDTDmpUMLUo+/=~1"})),
    ("versions of a directory", "The sha256 of a version list, which lies beside the fixity lists.", statement({"d": folder("d", dvc={"md5": f"{'c' * 32}.dir", "remote": "storage", "versions": OTHER})})),
    ("a role of a later writer", "A role is a name; the manifest's list of roles may grow.", with_model(role="tokenizer")),
    ("an imported source", "Where an import was taken from stands in its origin.", statement(MODEL, inside={"lineage": {"sources": [{"path": "raw", "md5": "c" * 32, "size": 1, "origin": {"url": "https://example.org/data.git", "rev_lock": "7" * 40}}], "stages": []}})),
    ("waivers", "Findings that somebody answered for; a subject narrows one, and the last day may have gone by since.", statement(MODEL, waivers=[WAIVER, {**WAIVER, "subject": "test", "expires": "2025-01-31"}])),
)  # fmt: skip
ARTIFACT_FAULTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("a name in capitals", "An artifact's name is a name like any other.", "`name` of artifact `Model`", statement({"Model": artifact("m")})),
    ("a role that is no name", "A role is a name.", "`role` of artifact", with_model(role="Model!")),
    ("an absolute path", "No reader may follow a path out of its folder.", "`path` of artifact", with_model(path="/etc/passwd")),
    ("a path through the parent", "No reader may follow a path out of its folder.", "`path` of artifact", with_model(path="a/../../m")),
    ("a path with an empty part", "A path has one spelling.", "`path` of artifact", with_model(path="a//m")),
    ("a path with a dot part", "A path has one spelling.", "`path` of artifact", with_model(path="./m")),
    ("a path with a backslash", "On some systems it leaves the folder.", "`path` of artifact", with_model(path="a\\..\\m")),
    ("a path with a newline", "A path has no control characters.", "`path` of artifact", with_model(path="a\nb")),
    ("an empty path", "A path names something.", "`path` of artifact", with_model(path="")),
    ("a negative size", "A size is not below nought.", "`size` of artifact", with_model(size=-1)),
    ("a size that is a text", "A size is an integer.", "Expected `int`, got `str`", with_model(size="219")),
    ("a size with a fraction", "A size is an integer.", "Expected `int`, got `float`", with_model(size=1.5)),
    ("a size beyond 2^53-1", "Every reader must hold it exactly.", "`size` of artifact", with_model(size=float(2**53))),
    ("files of a file", "Only a directory counts files.", "`size` of artifact", with_model(files=1)),
    ("a directory without files", "A directory counts its files.", "`size` of artifact", statement({"d": without(folder("d"), "files")})),
    ("a negative number of files", "It is not below nought.", "`size` of artifact", statement({"d": folder("d", files=-1)})),
    ("a digest in capitals", "Digests are small.", "`sha256` of artifact", with_model(sha256="A" * 64)),
    ("a short digest", "A sha256 has 64 digits.", "`sha256` of artifact", with_model(sha256="a" * 63)),
    ("kept by nobody", "An artifact is DVC's or git's.", "`dvc` of artifact", statement({"m": without(artifact("m"), "dvc")})),
    ("kept by both", "An artifact is DVC's or git's.", "`dvc` of artifact", with_model(git="3" * 40)),
    ("a file's md5 with .dir", "Only a directory's ends in .dir.", "`dvc.md5` of artifact", with_model(dvc={"md5": f"{'b' * 32}.dir"})),
    ("a directory's md5 without .dir", "A directory's ends in .dir.", "`dvc.md5` of artifact", statement({"d": folder("d", dvc={"md5": "c" * 32})})),
    ("an md5 in capitals", "Digests are small.", "`dvc.md5` of artifact", with_model(dvc={"md5": "B" * 32})),
    ("a short oid", "An oid has 40 or 64 digits.", "`git` of artifact", statement({"c": in_git("c.py", git="3" * 39)})),
    ("a split that is null", LEFT_OUT, "`split` of artifact", with_model(split=None)),
    ("files that are null", LEFT_OUT, "`files` of artifact", with_model(files=None)),
    ("a version that is null", LEFT_OUT, "`version` of artifact", with_model(version=None)),
    ("an oid that is null", LEFT_OUT, "`git` of artifact", with_model(git=None)),
    ("kept by DVC, which is null", LEFT_OUT, "`dvc` of artifact", with_model(dvc=None, git="3" * 40)),
    ("an origin that is null", LEFT_OUT, "`origin` of artifact", with_model(dvc={"md5": "b" * 32, "origin": None})),
    ("a DVC project that is null", LEFT_OUT, "`project` of artifact", with_model(dvc={"md5": "b" * 32, "project": None})),
    ("a version in a remote that is null", LEFT_OUT, "`version` of artifact", with_model(dvc={"md5": "b" * 32, "remote": "storage", "version": None})),
    ("a version that is empty", "A version has a name.", "`dvc.version` of artifact", with_model(dvc={"md5": "b" * 32, "remote": "storage", "version": ""})),
    ("a version with a blank", "A version is printable ASCII without blanks.", "`dvc.version` of artifact", with_model(dvc={"md5": "b" * 32, "remote": "storage", "version": "a b"})),
    ("a version of 1025 characters", "A version has at most 1024.", "`dvc.version` of artifact", with_model(dvc={"md5": "b" * 32, "remote": "storage", "version": "v" * 1025})),
    ("a version in no remote", "A version id is one remote's own.", "`dvc.version` of artifact", with_model(dvc={"md5": "b" * 32, "version": "v"})),
    ("a version of a directory", "Each of its files has one.", "`dvc.version` of artifact", statement({"d": folder("d", dvc={"md5": f"{'c' * 32}.dir", "remote": "storage", "version": "v"})})),
    ("versions of a file", "A file has one.", "`dvc.versions` of artifact", with_model(dvc={"md5": "b" * 32, "remote": "storage", "versions": OTHER})),
    ("versions that are no digest", "A list is named by its sha256.", "`dvc.versions` of artifact", statement({"d": folder("d", dvc={"md5": f"{'c' * 32}.dir", "remote": "storage", "versions": "9" * 40})})),
    ("a DVC project outside", "No reader may follow a path out of its folder.", "`dvc.project` of artifact", with_model(dvc={"md5": "b" * 32, "project": "../other"})),
    ("another kind", "There are files and directories.", "Invalid enum value 'link'", with_model(kind="link")),
    ("two artifacts with one path", "A path names one artifact.", "two artifacts have the same path", statement({"a": artifact("m"), "b": artifact("m")})),
    ("no artifact", "A record has one at least.", "`artifacts` is not in its form", statement({})),
)  # fmt: skip
CONTENT_FAULTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("a project in capitals", "A project is a name.", "`project`", statement(inside={"project": "Churn"})),
    ("an experiment with a dot", "An experiment is a name.", "`experiment`", statement(inside={"experiment": "v1.0"})),
    ("an artifact less in the content", "Content and artifacts list the same files.", "different files", statement(inside={"artifacts": []})),
    ("another digest in the content", "Content and artifacts list the same files.", "different files", statement(MODEL, inside={"artifacts": [{"path": "m", "role": "model", "sha256": OTHER}]})),
    ("the content's artifacts out of order", "They are sorted by path, role, sha256.", "different files", statement(inside={"artifacts": samples.content(ARTIFACTS)["artifacts"][::-1]})),
    ("a parameter changed afterwards", "The run id is that of the bytes of the content.", "the run id is not that of the content", put("predicate/content/params", {"params.yaml": {"lr": 1}})),
    ("another run id", "The run id is that of the bytes of the content.", "the run id is not that of the content", put("predicate/run_id", "0" * 12)),
    ("the whole digest", "The run id has 12 digits.", "the run id is not that of the content", put("predicate/run_id", canonical.sha256(canonical.dumps(samples.content(ARTIFACTS))))),
    ("params without a file", "Parameters are by file.", "Expected `object`", statement(inside={"params": {"lr": 0.001}})),
    ("metrics that are a list", "Metrics are by file.", "Expected `object`", statement(inside={"metrics": {"metrics.json": [0.91]}})),
    ("no lineage", "It is there, if only with nothing in it.", "`lineage` is not in its form", statement(inside={"lineage": {}})),
    ("a lineage by a short digest", "A sha256 has 64 digits.", "`lineage.sha256`", statement(inside={"lineage": {"sha256": "9" * 12}})),
    ("a stage without its command", "A stage is what dvc.lock has.", "missing required field `cmd`", statement(inside={"lineage": {"sources": [], "stages": [without(samples.LINEAGE["stages"][0], "cmd")]}})),
    ("a dep that is a text", "Deps have a path and hashes.", "`lineage` is not in its form", statement(inside={"lineage": {"sources": ["data"], "stages": []}})),
    ("a source without a path", "Deps have a path and hashes.", "missing required field `path`", statement(inside={"lineage": {"sources": [{"md5": "c" * 32}], "stages": []}})),
)  # fmt: skip
PREDICATE_FAULTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("an archive in capitals", "An archive id is a UUID in small letters.", "`archive`", statement(archive=samples.ARCHIVE.upper())),
    ("an archive without hyphens", "An archive id is a UUID with its hyphens.", "`archive`", statement(archive="0" * 32)),
    ("a short commit", "An oid has 40 or 64 digits.", "`commit`", statement(commit={"oid": "1" * 7, "tree": samples.TREE})),
    ("a short tree", "An oid has 40 or 64 digits.", "`commit`", statement(commit={"oid": samples.COMMIT, "tree": "2" * 41})),
    ("no commit", "A record is of a commit.", "missing required field `commit`", drop("predicate/commit")),
    ("a manifest outside", "No reader may follow a path out of its folder.", "`manifest.path`", statement(manifest={"path": "../arcgit.yaml", "sha256": OTHER})),
    ("a manifest by a git oid", "The manifest is named by the sha256 of its bytes.", "`manifest.sha256`", statement(manifest={"path": "arcgit.yaml", "sha256": "3" * 40})),
    ("a time with a zone", "Times are UTC and end in Z.", "`time`", statement(time="2026-01-02T03:04:05+00:00")),
    ("a time with a fraction", "Times are in whole seconds.", "`time`", statement(time="2026-01-02T03:04:05.5Z")),
    ("a time with a space", "A T stands between date and time.", "`time`", statement(time="2026-01-02 03:04:05Z")),
    ("a day that there is not", "Times are moments of the calendar.", "`time`", statement(time="2026-02-30T03:04:05Z")),
    ("a leap second", "Seconds go up to 59.", "`time`", statement(time="2016-12-31T23:59:60Z")),
    ("the year nought", "Years begin with 0001.", "`time`", statement(time="0000-01-01T00:00:00Z")),
    ("an owner that is null", "An owner that is not known is an empty text.", "Expected `str`, got `null`", statement(owner=None)),
    ("no purpose", "It is there, if only as an empty text.", "missing required field `purpose`", drop("predicate/purpose")),
    ("no environment", "It is there, if only as an empty mapping.", "missing required field `environment`", drop("predicate/environment")),
    ("known as a text", "Each way of knowing has a list of fields.", "Expected `array`, got `str`", statement(known={"read": "content.params"})),
    ("a waiver without end", "A waiver ends on a day.", "missing required field `expires`", statement(waivers=[without(WAIVER, "expires")])),
    ("a waiver without owner", "Somebody answers for it.", "missing required field `owner`", statement(waivers=[without(WAIVER, "owner")])),
    ("a waiver without reason", "It says why.", "missing required field `reason`", statement(waivers=[without(WAIVER, "reason")])),
    ("a waiver that ends at a time", "It ends on a day.", "`waivers.expires`", statement(waivers=[{**WAIVER, "expires": "2026-12-31T00:00:00Z"}])),
    ("a waiver that ends on no day", "Days are of the calendar.", "`waivers.expires`", statement(waivers=[{**WAIVER, "expires": "2026-02-30"}])),
    ("a waiver whose subject is null", LEFT_OUT, "`waivers.subject`", statement(waivers=[{**WAIVER, "subject": None}])),
    ("waivers by code", "They are a list.", "Expected `array`, got `object`", statement(waivers={"split-overlap": WAIVER})),
    ("another schema", "The schema is arcgit's.", "the schema is not arcgit/record/v1", statement(schema="arcgit/event/v1")),
    ("no predicate", "A statement has its predicate.", "missing required field `predicate`", drop("predicate")),
    ("no subject", "A statement is about something.", "`subject`", put("subject", [])),
    ("a subject that is no artifact", "A subject is one of the artifacts, by its path.", "a subject is not among the artifacts", statement(MODEL, subject=[{"name": "model", "digest": {"sha256": "a" * 64}}])),
    ("a subject with another digest", "Its sha256 is the artifact's.", "has another digest", statement(MODEL, subject=[{"name": "m", "digest": {"sha256": OTHER}}])),
    ("a subject without sha256", "DVC's md5 is no evidence.", "has another digest", statement(MODEL, subject=[{"name": "m", "digest": {"md5": "b" * 32}}])),
    ("a subject with another md5", "Its md5 is the artifact's.", "another md5", statement(MODEL, subject=[{"name": "m", "digest": {"sha256": "a" * 64, "md5": "0" * 32}}])),
    ("a subject's md5 with .dir", "The ending is not part of the md5.", "another md5", statement({"d": folder("d")}, subject=[{"name": "d", "digest": {"sha256": "d" * 64, "md5": f"{'c' * 32}.dir"}}])),
    ("an md5 of what git keeps", "Git keeps no md5.", "another md5", statement({"c": in_git("c.py")}, subject=[{"name": "c.py", "digest": {"sha256": "e" * 64, "md5": "b" * 32}}])),
    ("another statement type", "It is an in-toto Statement v1.", "not an in-toto Statement v1", put("_type", "https://in-toto.io/Statement/v0.1")),
    ("a foreign predicate type", "The predicate is arcgit's.", "not an in-toto Statement v1", put("predicateType", "https://slsa.dev/provenance/v1")),
)  # fmt: skip
NEWER: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("a newer predicate type", "What a newer arcgit sealed is not wrong, only not readable.", "unknown predicate type", put("predicateType", "urn:arcgit:experiment:v2")),
    ("a newer schema", "What a newer arcgit sealed is not wrong, only not readable.", "unknown record schema", statement(schema="arcgit/record/v2")),
    ("a newer schema of another form", "The version is looked at before anything else.", "unknown record schema", {"predicate": {"schema": "arcgit/record/v2"}}),
)  # fmt: skip
SPELLINGS: tuple[tuple[str, str, str, Callable[[str], str]], ...] = (
    ("a space after a colon", "A record is canonical JSON.", "not in canonical form", lambda text: text.replace('":', '": ', 1)),
    ("a newline at the end", "The newline is the message's.", "not in canonical form", lambda text: text + "\n"),
    ("a key twice", "A record is canonical JSON.", "not in canonical form", lambda text: text.replace('{"_type"', '{"_type":"x","_type"', 1)),
    ("keys out of order", "A record is canonical JSON.", "not in canonical form", lambda text: text.replace('"oid":"' + "1" * 40 + '","tree":"' + "2" * 40 + '"', '"tree":"' + "2" * 40 + '","oid":"' + "1" * 40 + '"', 1)),
    ("an escape that is not needed", "A record is canonical JSON.", "not in canonical form", lambda text: text.replace("Ada", "\\u0041da", 1)),
    ("an array", "A record is a mapping.", "Expected `object`, got `array`", lambda text: f"[{text}]"),
    ("a text", "A record is a mapping.", "Expected `object`, got `str`", lambda text: '"record"'),
    ("nothing", "A record is a mapping.", "not JSON", lambda text: ""),
    ("cut off", "A record is whole.", "not JSON", lambda text: text[:-1]),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases = [_sound(name, why, value) for name, why, value in SOUND]
    limit = record.MAX_RECORD_BYTES
    padded = canonical.dumps(statement(MODEL, purpose="{pad}")).decode()
    room = limit - len(padded) + len("{pad}")
    cases.append(good("1 MiB", "A record has at most 1048576 bytes.", record=padded, pad=room))
    for rows in (ARTIFACT_FAULTS, CONTENT_FAULTS, PREDICATE_FAULTS):
        cases += [refused(name, why, fault, record=_text(value)) for name, why, fault, value in rows]
    cases += [refused(name, why, fault, record=_text(value)) for name, why, fault, value in _absent()]
    cases += [newer(name, why, fault, record=_text(value)) for name, why, fault, value in NEWER]
    plain = _text(statement())
    cases += [refused(name, why, fault, record=spoil(plain)) for name, why, fault, spoil in SPELLINGS]
    cases.append(refused("a byte more than 1 MiB", "It is refused unread.", "larger than", record=padded, pad=room + 1))
    about = (
        "record: its bytes, in which {pad} stands for `pad` letters x; message: the whole message of the tag `refname`."
    )
    return {"about": about, "cases": cases}


def _absent() -> Iterator[absent.Row]:
    """A record of which one part is missing, or null."""
    whole = statement(MODEL)
    fact, inside = "predicate/artifacts/model", "predicate/content"
    known = [
        f"predicate/{name}"
        for name in (
            "schema",
            "archive",
            "run_id",
            "content",
            "artifacts",
            "manifest",
            "owner",
            "retention",
            "time",
            "known",
        )
    ]
    texts = [f"predicate/{name}" for name in ("archive", "run_id", "purpose", "retention", "time")]
    parts = ["predicate/commit/oid", "predicate/commit/tree", "predicate/manifest/path", "predicate/manifest/sha256"]
    facts = [f"{fact}/{name}" for name in ("path", "role", "sha256")]
    content = [f"{inside}/{name}" for name in ("experiment", "project")]
    yield from absent.missing(
        whole, "_type", "predicateType", "subject", "subject/0/name", "subject/0/digest", *known, *parts, *facts
    )
    yield from absent.missing(whole, *(f"{fact}/{name}" for name in ("kind", "size", "dvc/md5")), *content)
    yield from absent.missing(whole, *(f"{inside}/{name}" for name in ("artifacts", "lineage", "metrics", "params")))
    yield from absent.null(whole, "subject/0/name", *texts, *parts, *facts, *content, kind="str")
    yield from absent.null(whole, f"{fact}/size", kind="int")
    objects = (
        "content",
        "artifacts",
        "commit",
        "manifest",
        "environment",
        "known",
        "content/params",
        "content/metrics",
    )
    yield from absent.null(
        whole, "predicate", "subject/0/digest", *(f"predicate/{name}" for name in objects), kind="object"
    )


def _sound(name: str, why: str, value: dict[str, Any]) -> Case:
    text = _text(value)
    sealed = record.parse(text.encode())
    named = record.name_of(sealed)
    content = bytes(sealed.predicate.content).decode()
    shown = {"refname": named.refname, "message": tagmessage.message(sealed, named)}
    return good(name, why, record=text, run_id=named.run_id, content=content, **shown)


def _text(value: dict[str, Any]) -> str:
    return canonical.dumps(value).decode()
