"""The policy: who may do what, what must be present, how long it is kept.

On the ledger a policy is a text of canonical JSON with the public keys inside, so that its digest is over stored bytes.
`.arcgit/policy.yaml` is a proposal of the same content with keys named by fingerprint.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from arcgit.model import canonical, forms, names

SCHEMA = "arcgit/policy/v1"
NAMESPACE = "arcgit-policy"
MAX_POLICY_BYTES = 1024 * 1024
MAX_WAIVER_DAYS = 366
MAX_COPIES = 100

Role = Literal["admin", "recorder", "reviewer", "custodian", "auditor"]
ALL_ROLES: tuple[Role, ...] = ("admin", "recorder", "reviewer", "custodian", "auditor")
Required = Literal["owner", "purpose", "retention", "split"]
_FINGERPRINT = {"openpgp": re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}"), "ssh": re.compile(r"SHA256:[A-Za-z0-9+/]{43}")}
_KEEP = re.compile(r"forever|P(?:[0-9]{1,3}Y)?(?:[0-9]{1,4}M)?(?:[0-9]{1,5}D)?")


class PolicyError(ValueError):
    """The policy is malformed. It is never half used."""


class PolicyLockedError(PolicyError):
    """By this policy too few admins could sign for anybody ever to change it again."""


class UnknownPolicyVersionError(PolicyError):
    """The policy has a major version that this arcgit does not know."""


class Key(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A signing key by its full fingerprint, with the public key itself."""

    type: Literal["openpgp", "ssh"]
    fingerprint: str
    public_key: str


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person or a role address. Thresholds count persons, never keys."""

    name: str
    email: str
    roles: tuple[Role, ...]
    keys: tuple[Key, ...]


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many persons must agree."""

    policy: int = 1
    review: int = 1


class RetentionClass(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """`keep` is an ISO 8601 duration in years, months and days, such as `P10Y`, or `forever`.

    `copies` is in how many remotes the data of a record must have been proven, None where the policy's own number counts.
    """

    keep: str
    copies: int | None = None


class Remote(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A DVC remote pinned by its url."""

    url: str


class WaiverRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How many days ahead a waiver may end; 0 allows none."""

    max_days: int = MAX_WAIVER_DAYS


class Compromise(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A key that somebody else may have used: what it signed from event `since` on does not count any more.

    `public_key` is its certificate with the revocation in it, where there is one.
    """

    since: int = 1
    reason: str = ""
    public_key: str = ""


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of the policy. Unknown fields are refused: a rule that is not understood must not be skipped."""

    schema: str
    archive: str
    version: int
    project: str
    people: dict[str, Person]
    thresholds: Thresholds = Thresholds()
    required: tuple[Required, ...] = ("owner", "purpose", "retention")
    severities: dict[str, Literal["error", "warning", "off"]] = {}
    retention: dict[str, RetentionClass] = {}
    remotes: dict[str, Remote] = {}
    waivers: WaiverRules | None = None
    compromised: dict[str, Compromise] = {}
    copies: int | None = None

    def copies_of(self, retention: str) -> int:
        """In how many remotes the data of a record of this retention class must have been proven; 0 asks for none."""
        own = self.retention[retention].copies if retention in self.retention else None
        return (own if own is not None else self.copies) or 0

    def person_of(self, fingerprint: str) -> str | None:
        """The id of the person whose key has this full fingerprint."""
        return next(
            (name for name, person in self.people.items() if any(k.fingerprint == fingerprint for k in person.keys)),
            None,
        )

    def has_role(self, person: str, roles: frozenset[str]) -> bool:
        """True where the person holds one of `roles`."""
        found = self.people.get(person)
        return found is not None and not roles.isdisjoint(found.roles)

    def all_keys(self) -> tuple[Key, ...]:
        """Every key of every person."""
        return tuple(key for person in self.people.values() for key in person.keys)


def serialise(policy: Policy) -> str:
    """The text that goes on the ledger. What came after the first release is left out where it says nothing."""
    value = msgspec.to_builtins(policy)
    if policy.waivers is None:
        del value["waivers"]
    if not policy.compromised:
        del value["compromised"]
    if policy.copies is None:
        del value["copies"]
    return canonical.dumps(value).decode()


def digest(text: str) -> str:
    """The sha256 that names a policy text."""
    return canonical.sha256(text.encode())


def parse(text: str) -> Policy:
    """The policy behind a ledger text. Raises PolicyError, UnknownPolicyVersionError."""
    try:
        return convert(canonical.parse(text.encode()))
    except canonical.CanonicalError as error:
        raise PolicyError(str(error)) from error


def convert(value: Any) -> Policy:
    """The policy in a decoded document. Raises PolicyError, UnknownPolicyVersionError."""
    schema = value.get("schema") if isinstance(value, dict) else None
    if isinstance(schema, str) and schema.startswith("arcgit/policy/") and schema != SCHEMA:
        raise UnknownPolicyVersionError(f"unknown policy schema {schema}")
    try:
        policy = msgspec.convert(value, Policy)
    except msgspec.ValidationError as error:
        raise PolicyError(str(error)) from error
    if fault := _fault(policy):
        raise PolicyError(fault)
    if fault := _admins_fault(policy):
        raise PolicyLockedError(fault)
    return policy


def approval_payload(*, archive: str, version: int, previous: str | None, policy: str) -> bytes:
    """What a person signs to approve a policy, under the namespace `arcgit-policy`. Digests are sha256 in hex."""
    return canonical.dumps(
        {"archive": archive, "namespace": NAMESPACE, "policy": policy, "previous": previous, "version": version}
    )


def _fault(policy: Policy) -> str:
    return _form_fault(policy) or _people_fault(policy) or _compromise_fault(policy) or _retention_fault(policy)


def _form_fault(policy: Policy) -> str:
    if policy.schema != SCHEMA:
        return f"the schema must be {SCHEMA}"
    if policy.version < 1 or policy.thresholds.policy < 1 or policy.thresholds.review < 1:
        return "version and thresholds must be at least 1"
    if not forms.is_archive_id(policy.archive):
        return "`archive` is not an archive id"
    if not names.is_slug(policy.project):
        return "`project` is not a valid name"
    for slug in (*policy.people, *policy.retention):
        if not names.is_slug(slug):
            return f"`{slug}` is not a valid name"
    if policy.waivers is not None and not 0 <= policy.waivers.max_days <= 36_600:
        return "`waivers.max_days` must be between 0 and 36600"
    if not all(1 <= number <= MAX_COPIES for number in _copies(policy)):
        return f"`copies` must be between 1 and {MAX_COPIES}"
    return ""


def _copies(policy: Policy) -> list[int]:
    given = [policy.copies, *(retention.copies for retention in policy.retention.values())]
    return [number for number in given if number is not None]


def _people_fault(policy: Policy) -> str:
    keys = policy.all_keys()
    for key in keys:
        if not _FINGERPRINT[key.type].fullmatch(key.fingerprint):
            return f"`{key.fingerprint}` is not a full fingerprint of an {key.type} key"
    if len({key.fingerprint for key in keys}) < len(keys):
        return "one key is listed twice"
    return ""


def _admins_fault(policy: Policy) -> str:
    admins = [person for person in policy.people.values() if "admin" in person.roles and person.keys]
    if len(admins) < policy.thresholds.policy:
        return f"{policy.thresholds.policy} admins must approve a change, but there are {len(admins)} with a key"
    return ""


def _compromise_fault(policy: Policy) -> str:
    listed = {key.fingerprint for key in policy.all_keys()}
    for fingerprint, entry in policy.compromised.items():
        if not any(form.fullmatch(fingerprint) for form in _FINGERPRINT.values()):
            return f"`compromised`: `{fingerprint}` is not a full fingerprint"
        if fingerprint in listed:
            return f"the key {fingerprint} is declared compromised and still listed with a person"
        if entry.since < 1:
            return "`compromised`: `since` is the number of an event, from 1 on"
    return ""


def _retention_fault(policy: Policy) -> str:
    for name, retention in policy.retention.items():
        if not _KEEP.fullmatch(retention.keep) or not re.search("forever|[1-9]", retention.keep):
            return f"retention class `{name}`: `{retention.keep}` is neither a duration such as P10Y nor `forever`"
    return ""
