"""What is fuzzed: every reader of bytes that somebody else may have written, and the law that holds for what it takes.

A reader takes the bytes, or refuses them with one of its own errors. Anything else (another exception, a hang, more memory
than it is given) is a fault, and so is a value that breaks the law of its text form.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import functools
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arcgit.archive import pin
from arcgit.archive.policy import policyfile
from arcgit.dvc import pyparams
from arcgit.dvc.files import DvcFileError, parse_dvcfile
from arcgit.dvc.ignore import Ignore
from arcgit.dvc.listing import parse_dir_listing
from arcgit.dvc.lock import parse_lock
from arcgit.dvc.pipeline import parse_pipeline
from arcgit.errors import ArcgitError
from arcgit.model import (
    canonical,
    fixity,
    gitobject,
    manifest,
    paths,
    policy,
    proven,
    record,
    tagmessage,
    versions,
    yaml,
)
from arcgit.model import event as events
from arcgit.model.names import RecordName
from arcgit.rules import query
from arcgit.signing.claimed import ClaimedKeys
from arcgit.signing.faults import MalformedError, UnsupportedError, WeakError
from arcgit.signing.keys import PublicKey, parse_public_key
from arcgit.signing.verify import Keyring, SignatureStatus
from tests.vectors.cases import document, padded, raw

FOUND = Path(__file__).parent / "found"
FIXTURES = Path(__file__).parent.parent / "dvc" / "fixtures"
NOBODY_SIGNED = b"a payload that nobody has signed\n"


class BrokenLawError(AssertionError):
    """A reader took bytes and then broke its own law."""


@dataclass(frozen=True)
class Target:
    """`read` takes bytes, `refusals` are its own errors, `seeds` gives bytes to begin with."""

    read: Callable[[bytes], object]
    refusals: tuple[type[Exception], ...]
    seeds: Callable[[], list[bytes]]

    def __call__(self, data: bytes) -> bool:
        """True where the bytes were taken, False where they were refused."""
        try:
            self.read(data)
        except self.refusals:
            return False
        return True


def law(holds: object, words: str) -> None:
    """What must be so, also under `python -O`."""
    if not holds:
        raise BrokenLawError(words)


def _tag(data: bytes) -> None:
    tag = gitobject.parse_tag(data)
    law(tag.payload + (tag.signature or b"") == data, "a tag is its payload and its signature")
    law(gitobject.parse_tag(tag.payload).message == tag.message, "the signature adds nothing to the message")
    readable, inner = tagmessage.split_message(tag.message)
    sealed, name = record.parse(inner), RecordName.parse(f"refs/tags/{tag.name}")
    if name is not None and readable == tagmessage.readable(sealed, name):
        law(tagmessage.message(sealed, name) == tag.message, "a record has one message")


def _commit(data: bytes) -> None:
    commit = gitobject.parse_commit(data)
    if commit.signature is not None:
        law(gitobject.sign_commit(commit.payload, commit.signature) == data, "a commit is payload and signature")
    found = events.parse_message(commit.message)
    again = events.parse_message(events.message(found))
    law(again == found, "an event that is written and read is the same event")


def _record(data: bytes) -> None:
    sealed = record.parse(data)
    law(canonical.dumps(canonical.parse(data)) == data, "a record is canonical")
    tagmessage.readable(sealed, record.name_of(sealed))


def _canonical(data: bytes) -> None:
    law(canonical.dumps(canonical.parse(data)) == data, "canonical JSON has one form")


def _policy(data: bytes) -> None:
    found = policy.parse(data.decode())
    law(policy.parse(policy.serialise(found)) == found, "a policy that is written and read is the same policy")


def _manifest(data: bytes) -> None:
    found, faults = manifest.parse(data, "arcgit.yaml")
    law((found is None) == bool(faults), "a manifest is read, or it is said why not")


def _yaml(data: bytes) -> None:
    value = yaml.load(data, aliases=True).value
    yaml.require_bounded(yaml.to_json_value(value))
    with contextlib.suppress(yaml.YamlError):
        law(repr(yaml.load(data).value) == repr(value), "what is read strictly is read loosely, and as the same")


def _proven(data: bytes) -> None:
    law(proven.serialise(proven.parse(data)) == data, "a proven list has one form")


def _fixity(data: bytes) -> None:
    found = fixity.parse(data)
    law(fixity.serialise(found) == data, "a fixity list has one form")
    law(not any(paths.unsafe_reason(row.path) for row in found), "no path of a fixity list leads outside")


def _versions(data: bytes) -> None:
    found = versions.parse(data)
    law(versions.parse(versions.serialise(found)) == found, "a version list that is written and read is the same list")
    law(not any(paths.unsafe_reason(path) for path in found), "no path of a version list leads outside")
    law(all(versions.is_id(row.version) for row in found.values()), "what goes into requests is a version id")


def _listing(data: bytes) -> None:
    for row in parse_dir_listing(data):
        law(paths.stays_inside(row.relpath), "no path of a listing leads outside")


def _refname(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    name = RecordName.parse(text)
    law(name is None or name.refname == text, "a name that is read and written is the same name")


def _query(data: bytes) -> None:
    query.parse(data.decode(errors="surrogateescape")).matches(lambda field: ["0.91", 0.91, None, [1, {"a": "NaN"}]])


def _key(data: bytes) -> None:
    key = parse_public_key(data.decode())
    law(parse_public_key(key.text) == key, "a key has one form")


@functools.cache
def _rings() -> tuple[Keyring, ClaimedKeys, frozenset[bytes]]:
    cases = document("signature")["cases"]
    keys = {case["fingerprint"]: case["public_key"] for case in cases if case["status"] == "good"}
    known = [PublicKey("ssh" if print_[:7] == "SHA256:" else "openpgp", print_, text) for print_, text in keys.items()]
    return Keyring(known), ClaimedKeys(known), frozenset(case["payload"].encode() for case in cases)


def _signature(data: bytes) -> None:
    ring, claims, payloads = _rings()
    law(ring.verify(NOBODY_SIGNED, data).status is not SignatureStatus.GOOD, "no signature is good for anything")
    for payload in payloads:
        found = ring.verify(payload, data)
        if found.status is SignatureStatus.GOOD:
            law(claims.fingerprint(data, "git") == found.fingerprint, "who has signed is who is said to have")
    claims.fingerprint(data, "git")


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ag"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


ARCHIVE = "0b5a5e8e-6f6b-4b0a-9c2e-1d2f3a4b5c6d"


def _pin(data: bytes) -> None:
    path = pin.path_of(_folder(), ARCHIVE)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    found = pin.load(_folder(), ARCHIVE)
    law(found is not None, "a pin that is there is never a first sight")
    if found is not None:
        pin.compare(found, genesis=found.genesis, oids=[found.genesis])


def _ignore(data: bytes) -> None:
    rules = Ignore({"": data.decode().splitlines()})
    for path in ("a", "a/b.csv", "data/train/0.csv", ".dvcignore"):
        rules.hides(path)


def _inside(name: str, field: str) -> Callable[[], list[bytes]]:
    """The bytes of every case of a file of vectors."""

    def seeds() -> list[bytes]:
        letter = "A" if name == "signature" else "x"
        return [
            raw(case, field) if f"{field}_base64" in case else padded({**case, "pad": min(case.get("pad", 0), 999)}, field, letter).encode()
            for case in document(name)["cases"]
            if field in case or f"{field}_base64" in case
        ]  # fmt: skip

    return seeds


def _fixtures(*patterns: str) -> Callable[[], list[bytes]]:
    """Files that DVC itself has written."""
    return lambda: sorted(
        {path.read_bytes() for pattern in patterns for path in FIXTURES.rglob(pattern) if path.is_file()}
    )


def _json_seeds() -> list[bytes]:
    rows = [case.get("text") or case.get("canonical") for case in document("canonical")["cases"]]
    return [row.encode() for row in rows if row]


def _listing_seeds() -> list[bytes]:
    rows: list[Any] = [[], [{"md5": "a" * 32, "relpath": "0.csv"}, {"md5": "b" * 32, "relpath": "a/1.csv"}]]
    rows += [[{"md5": "a" * 32, "relpath": path}] for path in ("../x", "/x", "a\\b", ".git/x", "x\0", "con", "é")]
    return [json.dumps(row).encode() for row in rows]


def _key_seeds() -> list[bytes]:
    return sorted({case["public_key"].encode() for case in document("signature")["cases"]})


def _proposal_seeds() -> list[bytes]:
    return [*_inside("policy", "policy")(), b"schema: arcgit/policy/v1\nversion: 1\npeople: {ada: {keys: [x]}}\n"]


def _query_seeds() -> list[bytes]:
    texts = (
        "project=churn metrics.auc>0.9 owner~ada", "not (a or b) and c", 'params."a b"=x', "artifacts.*.size>=1GiB",
        "time>=2026-01-31T12:30:45Z", "purpose~'call centre'", "params.lr=*", "metrics.loss=NaN", "((", '"', "a=", "size<1kB",
    )  # fmt: skip
    return [text.encode() for text in texts]


CANNOT_DECODE = UnicodeDecodeError
_SIGNING = (MalformedError, UnsupportedError, WeakError)
TARGETS: Mapping[str, Target] = {
    "canonical": Target(_canonical, (canonical.CanonicalError,), _json_seeds),
    "commit": Target(_commit, (gitobject.GitObjectError, events.EventError), _inside("commit", "commit")),
    "dvc-file": Target(lambda data: parse_dvcfile(data, "data/x.dvc"), (DvcFileError,), _fixtures("*.dvc")),
    "dvc-ignore": Target(_ignore, (CANNOT_DECODE,), _fixtures(".dvcignore")),
    "dvc-lock": Target(lambda data: parse_lock(data, "dvc.lock", None), (DvcFileError,), _fixtures("dvc.lock")),
    "dvc-pipeline": Target(lambda data: parse_pipeline(data, "dvc.yaml"), (DvcFileError,), _fixtures("dvc.yaml")),
    "event": Target(lambda data: events.parse_message(data.decode()), (events.EventError, CANNOT_DECODE), _inside("event", "message")),
    "fixity": Target(_fixity, (fixity.FixityError,), _inside("fixity", "list")),
    "json": Target(yaml.load_json, (yaml.YamlError,), _json_seeds),
    "key": Target(_key, (*_SIGNING, CANNOT_DECODE), _key_seeds),
    "listing": Target(_listing, (ArcgitError,), _listing_seeds),
    "manifest": Target(_manifest, (), _inside("manifest", "text")),
    "pin": Target(_pin, (ArcgitError,), _inside("pin", "file")),
    "policy": Target(_policy, (policy.PolicyError, CANNOT_DECODE), _inside("policy", "policy")),
    "proven": Target(_proven, (proven.ProvenError,), _inside("proven", "list")),
    "proposal": Target(lambda data: policyfile.parse_proposal(data, []), (ArcgitError,), _proposal_seeds),
    "py-params": Target(pyparams.parse, (ValueError,), lambda: [b"lr = 1e-3\nclass A:\n    def __init__(self):\n        self.x = [1, (2,)]\n"]),
    "query": Target(_query, (query.QueryError,), _query_seeds),
    "record": Target(_record, (record.RecordError,), _inside("record", "record")),
    "refname": Target(_refname, (), _inside("refname", "refname")),
    "signature": Target(_signature, (), _inside("signature", "signature")),
    "tag": Target(_tag, (gitobject.GitObjectError, record.RecordError), _inside("tag", "tag")),
    "tree": Target(lambda data: list(gitobject.parse_tree(data)), (gitobject.GitObjectError,), lambda: [b"100644 a\0" + b"\1" * 20, b"40000 b\0" + b"\2" * 20]),
    "versions": Target(_versions, (versions.VersionsError,), _inside("versions", "list")),
    "yaml": Target(_yaml, (yaml.YamlError,), _inside("manifest", "text")),
}  # fmt: skip
"""Every target by its name."""


def found_inputs(name: str) -> list[bytes]:
    """Inputs that a reader once stumbled over."""
    return [base64.b64decode(path.read_text()) for path in sorted(FOUND.glob(f"{name}-*.b64"))]
