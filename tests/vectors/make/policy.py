"""policy.json: policies as they stand on the ledger, what approves them, and every rule that one can break."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from arcgit.model import canonical, policy
from tests import samples
from tests.vectors.make import absent
from tests.vectors.make.cases import Case, good, newer, refused, wrong

PGP = {"type": "openpgp", "fingerprint": "0123456789ABCDEF0123456789ABCDEF01234567", "public_key": "not read here"}
SSH = {"type": "ssh", "fingerprint": f"SHA256:{'A' * 42}E", "public_key": "ssh-ed25519 AAAA"}
ADA = {"name": "Ada Lovelace", "email": "ada@example.org", "roles": ["admin", "recorder"], "keys": [PGP]}
BOB = {"name": "Bob Byte", "email": "bob@example.org", "roles": ["reviewer"], "keys": [SSH]}
LEAST = {"schema": policy.SCHEMA, "archive": samples.ARCHIVE, "version": 1, "project": "churn", "people": {"ada": ADA}}
WHOLE = {
    **LEAST,
    "people": {"ada": ADA, "bob": BOB},
    "thresholds": {"policy": 1, "review": 2},
    "required": ["owner", "purpose", "retention"],
    "severities": {"metrics-missing": "warning", "owner-missing": "off"},
    "retention": {"short": {"keep": "P1Y6M"}, "long": {"keep": "P10Y2M20D"}, "permanent": {"keep": "forever"}},
    "remotes": {"default": {"url": "s3://bucket/store"}},
}
SOUND: tuple[tuple[str, str, dict[str, Any], str | None], ...] = (
    ("the least", "Fields with a default may be left out; the digest is over the bytes as they stand.", LEAST, None),
    ("every field", "Severities, classes and remotes are by name.", WHOLE, None),
    ("version 2", "It names the digest of the one before when it is approved.", {**WHOLE, "version": 2}, "8" * 64),
    ("two admins of two", "The threshold counts persons with the role and a key.", {**WHOLE, "people": {"ada": ADA, "bob": {**BOB, "roles": ["admin"]}}, "thresholds": {"policy": 2}}, "8" * 64),
    ("a person without a key", "A key may be taken away from somebody who stays named.", {**LEAST, "people": {"ada": ADA, "bob": {**BOB, "keys": []}}}, None),
    ("a SHA-256 fingerprint", "OpenPGP keys of version 6 have 64 digits.", {**LEAST, "people": {"ada": {**ADA, "keys": [{**PGP, "fingerprint": "AB" * 32}]}}}, None),
    ("no waivers", "With 0 days no waiver counts.", {**LEAST, "waivers": {"max_days": 0}}, None),
    ("waivers for a hundred years", "36600 days at most.", {**LEAST, "waivers": {"max_days": 36_600}}, None),
    ("nothing required", "The policy's choice.", {**LEAST, "required": []}, None),
    ("a compromised key", "What it signed from event 7 on is in doubt.", {**LEAST, "compromised": {SSH["fingerprint"]: {"since": 7, "reason": "stolen", "public_key": "not read here"}}}, "8" * 64),
    ("a compromised key of which nothing is said", "All that it signed is in doubt.", {**LEAST, "compromised": {SSH["fingerprint"]: {}}}, "8" * 64),
)  # fmt: skip


def with_key(**changes: Any) -> dict[str, Any]:
    """A policy whose one key is otherwise."""
    return {**LEAST, "people": {"ada": {**ADA, "keys": [{**PGP, **changes}]}}}


def with_ada(**changes: Any) -> dict[str, Any]:
    """A policy whose one person is otherwise."""
    return {**LEAST, "people": {"ada": {**ADA, **changes}}}


def keep(duration: Any) -> dict[str, Any]:
    """A policy with one retention class."""
    return {**LEAST, "retention": {"standard": {"keep": duration}}}


NOT_UNDERSTOOD = "A rule that is not understood must not be skipped."
FIELD_FAULTS: tuple[tuple[str, str, str, Any], ...] = (
    ("another schema", "The schema is arcgit's.", "the schema must be", {**LEAST, "schema": "arcgit/pin/v1"}),
    ("no schema", "The schema is arcgit's.", "missing required field `schema`", {k: v for k, v in LEAST.items() if k != "schema"}),
    ("an unknown field", NOT_UNDERSTOOD, "unknown field `quorum`", {**LEAST, "quorum": 2}),
    ("an unknown field of a person", NOT_UNDERSTOOD, "unknown field `until`", with_ada(until="2030-01-01")),
    ("an unknown field of a key", NOT_UNDERSTOOD, "unknown field `until`", with_key(until="2030-01-01")),
    ("an unknown threshold", NOT_UNDERSTOOD, "unknown field `purge`", {**LEAST, "thresholds": {"purge": 2}}),
    ("an unknown field of a class", NOT_UNDERSTOOD, "unknown field `then`", {**LEAST, "retention": {"standard": {"keep": "P1Y", "then": "destroy"}}}),
    ("an unknown field of a remote", NOT_UNDERSTOOD, "unknown field `region`", {**LEAST, "remotes": {"r": {"url": "s3://b", "region": "x"}}}),
    ("an unknown role", NOT_UNDERSTOOD, "Invalid enum value 'owner'", with_ada(roles=["admin", "owner"])),
    ("an unknown kind of key", NOT_UNDERSTOOD, "Invalid enum value 'x509'", with_key(type="x509")),
    ("an unknown severity", NOT_UNDERSTOOD, "Invalid enum value 'info'", {**LEAST, "severities": {"metrics-missing": "info"}}),
    ("an unknown demand", NOT_UNDERSTOOD, "Invalid enum value 'licence'", {**LEAST, "required": ["licence"]}),
    ("an archive in capitals", "An archive id is a UUID in small letters.", "`archive`", {**LEAST, "archive": samples.ARCHIVE.upper()}),
    ("a project in capitals", "A project is a name.", "`project`", {**LEAST, "project": "Churn"}),
    ("version nought", "Versions are counted from 1.", "at least 1", {**LEAST, "version": 0}),
    ("a version that is a text", "It is an integer.", "Expected `int`, got `str`", {**LEAST, "version": "1"}),
    ("a threshold of nought", "Somebody must agree.", "at least 1", {**LEAST, "thresholds": {"policy": 0}}),
    ("a review by nobody", "Somebody must agree.", "at least 1", {**LEAST, "thresholds": {"review": 0}}),
    ("nobody", "There is an admin.", "there are 0 with a key", {**LEAST, "people": {}}),
    ("no admin", "There is an admin.", "there are 0 with a key", with_ada(roles=["recorder"])),
    ("an admin without a key", "An admin who cannot sign does not count.", "there are 0 with a key", with_ada(keys=[])),
    ("a threshold that the admins cannot meet", "The policy could never be changed again.", "there are 1 with a key", {**LEAST, "thresholds": {"policy": 2}}),
    ("two keys of one admin for a threshold of two", "Persons are counted, not keys.", "there are 1 with a key", {**with_ada(keys=[PGP, SSH]), "thresholds": {"policy": 2}}),
    ("one key of two persons", "A key tells who signed.", "one key is listed twice", {**LEAST, "people": {"ada": ADA, "bob": {**BOB, "keys": [PGP]}}}),
    ("one key twice", "A key is listed once.", "one key is listed twice", with_ada(keys=[PGP, PGP])),
    ("a person in capitals", "A person is a name.", "`Ada` is not a valid name", {**LEAST, "people": {"Ada": ADA}}),
    ("a person without an e-mail address", "Name, address, roles and keys are all there.", "missing required field `email`", {**LEAST, "people": {"ada": {k: v for k, v in ADA.items() if k != "email"}}}),
    ("a key without its public key", "The policy holds the keys themselves.", "missing required field `public_key`", with_ada(keys=[{k: v for k, v in PGP.items() if k != "public_key"}])),
    ("a key id", "A fingerprint is whole.", "not a full fingerprint", with_key(fingerprint="0123456789ABCDEF")),
    ("a fingerprint in small letters", "It has one spelling.", "not a full fingerprint", with_key(fingerprint=PGP["fingerprint"].lower())),
    ("a fingerprint with spaces", "It has one spelling.", "not a full fingerprint", with_key(fingerprint="0123 4567 89AB CDEF 0123  4567 89AB CDEF 0123 4567")),
    ("an SSH fingerprint of an OpenPGP key", "Each kind has its own.", "not a full fingerprint", with_key(fingerprint=SSH["fingerprint"])),
    ("an SSH fingerprint with padding", "As ssh-keygen prints it.", "not a full fingerprint", with_key(**{**SSH, "fingerprint": f"{SSH['fingerprint']}="})),
    ("an SSH fingerprint by MD5", "It is over SHA-256.", "not a full fingerprint", with_key(**{**SSH, "fingerprint": "MD5:" + ":".join(["00"] * 16)})),
    ("a class in capitals", "A class is a name.", "`Standard` is not a valid name", {**LEAST, "retention": {"Standard": {"keep": "P1Y"}}}),
    ("an empty duration", "It is longer than nought.", "neither a duration", keep("P")),
    ("a duration of nought", "It is longer than nought.", "neither a duration", keep("P0Y0D")),
    ("a duration in hours", "Years, months, days.", "neither a duration", keep("PT8760H")),
    ("a duration in weeks", "Years, months, days.", "neither a duration", keep("P52W")),
    ("a duration in another order", "Years, months, days.", "neither a duration", keep("P6M1Y")),
    ("a duration with a fraction", "Whole numbers.", "neither a duration", keep("P1.5Y")),
    ("a thousand years", "At most 999 years, 9999 months, 99999 days.", "neither a duration", keep("P1000Y")),
    ("forever in capitals", "It is in small letters.", "neither a duration", keep("Forever")),
    ("days as a number", "It is a text.", "Expected `str`, got `int`", keep(3650)),
    ("a remote as a text", "A remote has its url.", "Expected `object`, got `str`", {**LEAST, "remotes": {"default": "s3://bucket"}}),
    ("waivers for longer", "36600 days at most.", "`waivers.max_days`", {**LEAST, "waivers": {"max_days": 36_601}}),
    ("waivers that end before they begin", "It is not below nought.", "`waivers.max_days`", {**LEAST, "waivers": {"max_days": -1}}),
    ("days of waivers as a text", "It is an integer.", "Expected `int`, got `str`", {**LEAST, "waivers": {"max_days": "366"}}),
    ("an unknown field of waivers", "What is not understood must not be skipped.", "unknown field `days`", {**LEAST, "waivers": {"days": 366}}),
    ("a compromised key that is listed", "Nobody may sign with it any more.", "still listed", {**LEAST, "compromised": {PGP["fingerprint"]: {}}}),
    ("a compromised key id", "A fingerprint is whole.", "not a full fingerprint", {**LEAST, "compromised": {"01234567": {}}}),
    ("a compromised key since event nought", "Events are counted from 1.", "`since`", {**LEAST, "compromised": {SSH["fingerprint"]: {"since": 0}}}),
    ("an unknown field of a compromised key", NOT_UNDERSTOOD, "unknown field `until`", {**LEAST, "compromised": {SSH["fingerprint"]: {"until": 9}}}),
    ("compromised keys as a list", "They are by fingerprint.", "Expected `object`, got `array`", {**LEAST, "compromised": [SSH["fingerprint"]]}),
    ("a list", "A policy is a mapping.", "Expected `object`, got `array`", [LEAST]),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases = []
    for name, why, value, previous in SOUND:
        text = _text(value)
        payload = _approval(value, text, previous)
        cases.append(
            good(name, why, policy=text, digest=policy.digest(text), previous=previous, approval_payload=payload)
        )
    cases += [refused(name, why, fault, policy=_text(value)) for name, why, fault, value in FIELD_FAULTS]
    cases += [refused(name, why, fault, policy=_text(value)) for name, why, fault, value in _absent()]
    why = "A newer policy cannot be followed, so nothing that it rules over can be verified."
    cases.append(newer("a newer schema", why, "unknown policy schema", policy=_text({"schema": "arcgit/policy/v2"})))
    plain = _text(LEAST)
    why = "A policy on the ledger is canonical JSON."
    cases.append(refused("a space", why, "not in canonical form", policy=plain.replace(":", ": ", 1)))
    cases.append(refused("a newline at the end", why, "not in canonical form", policy=f"{plain}\n"))
    cases.append(refused("YAML", why, "not JSON", policy="schema: arcgit/policy/v1\n"))
    return {"about": "policy: its text on the ledger; previous: the digest before it; approval_payload: what is signed.", "cases": cases + _mistakes()}  # fmt: skip


def _absent() -> Iterator[absent.Row]:
    """A policy of which one part is missing, null, or something else."""
    key = "people/ada/keys/0"
    yield from absent.missing(
        WHOLE,
        "archive",
        "version",
        "project",
        "people",
        "people/ada/name",
        "people/ada/roles",
        f"{key}/type",
        f"{key}/fingerprint",
    )
    yield from absent.missing(WHOLE, "retention/short/keep", "remotes/default/url")
    yield from absent.null(
        WHOLE,
        "archive",
        "project",
        "people/ada/name",
        "people/ada/email",
        f"{key}/fingerprint",
        f"{key}/public_key",
        kind="str",
    )
    yield from absent.null(WHOLE, "version", "thresholds/policy", "thresholds/review", kind="int")
    yield from absent.null(
        WHOLE,
        "people",
        "people/ada",
        "thresholds",
        "severities",
        "retention",
        "retention/short",
        "remotes",
        kind="object",
    )
    yield from absent.null(WHOLE, "people/ada/roles", "people/ada/keys", "required", kind="array")
    yield absent.other(WHOLE, "people", [], "Expected `object`, got `array`", "People are by name.")
    yield absent.other(WHOLE, "people/ada/roles", "admin", "Expected `array`, got `str`", "Roles are a list.")
    yield absent.other(WHOLE, "required", "owner", "Expected `array`, got `str`", "What is required is a list.")
    yield absent.other(WHOLE, "version", 1.5, "Expected `int`, got `float`", "Versions are whole numbers.")
    yield absent.other(WHOLE, "thresholds/policy", True, "Expected `int`, got `bool`", "A threshold is a number.")


def _mistakes() -> list[Case]:
    """Payloads that an approval must not be made over."""
    value = SOUND[2][2]
    text, previous = _text(value), "8" * 64
    right = _approval(value, text, previous)
    rows = (
        ("without the namespace", "OpenPGP has no namespace of its own, so the payload says what it is for.", '"namespace":"arcgit-policy",', ""),
        ("without the digest before", "An approval is of a policy in its place.", f'"previous":"{previous}"', '"previous":null'),
        ("with another version", "An approval is of one version.", '"version":2', '"version":3'),
        ("for another archive", "An approval is for one archive.", samples.ARCHIVE, samples.ARCHIVE.replace("0", "f")),
        ("over the policy itself", "The payload has its digest.", policy.digest(text), "{}"),
        ("with a newline", "The payload is the canonical bytes alone.", '"version":2}', '"version":2}\n'),
    )  # fmt: skip
    common = {"policy": text, "digest": policy.digest(text), "previous": previous, "right": right}
    return [wrong(name, why, **common, approval_payload=right.replace(old, new, 1)) for name, why, old, new in rows]


def _approval(value: dict[str, Any], text: str, previous: str | None) -> str:
    return policy.approval_payload(
        archive=value["archive"], version=value["version"], previous=previous, policy=policy.digest(text)
    ).decode()


def _text(value: Any) -> str:
    return canonical.dumps(value).decode()
