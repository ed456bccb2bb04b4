"""`arcgit keys add`, `rotate`, `retire`, `revoke`: changes of the policy proposal that concern one key or person.

They write below `.arcgit/` and nothing else. What they write has no force until it is adopted, as any other proposal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from arcgit.archive import ledger
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.archive.policy import policychange
from arcgit.archive.policy.policychange import Proposal
from arcgit.archive.policy.policyedit import ProposalEdit
from arcgit.errors import RefusedError, UsageError
from arcgit.model import names
from arcgit.model.policy import Policy, Role
from arcgit.model.text import escape, word
from arcgit.signing.keyfacts import certificate, user_ids, with_revocation
from arcgit.signing.keys import PublicKey, parse_public_key

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class KeyChange:
    """What was written: the person and the keys that it is about, the paths, and the proposal as it stands now.

    `verb` is `added`, `renewed`, `rotated`, `retired` or `revoked`; `unchanged`, without paths, where all of it was there.
    `judged` is the ledger that it was held against.
    """

    verb: str
    person: str
    keys: tuple[str, ...]
    paths: list[str]
    proposal: Proposal
    judged: LedgerView


@dataclass(frozen=True)
class Newcomer:
    """Who a new person is; nothing of it is needed for somebody whom the proposal names already."""

    name: str = ""
    email: str = ""
    roles: Sequence[str] = ()


def add(
    context: Context, person: str, key: PublicKey, newcomer: Newcomer, now: datetime, *, again: bool = False
) -> KeyChange:
    """List a key with a person, who may be new; a key that is listed already gets the newer certificate.

    `again`, here and below, where somebody goes on from it: a change that stands there already is no fault then.
    """
    view, edit = _open(context)
    _require_usable(key, edit.before, now)
    owner = edit.before.person_of(key.fingerprint)
    if owner is not None and owner != person:
        message = f"the key {key.fingerprint} is {owner}'s; a key tells who signed, so it has one person"
        raise RefusedError(
            "key-listed", message, f"arcgit keys retire {key.fingerprint}, or let {word(person)} make an own key"
        )
    unknown = [role for role in newcomer.roles if role not in get_args(Role)]
    if unknown:
        hint = f"one of: {', '.join(get_args(Role))}"
        raise UsageError("usage", f"`{unknown[0]}` is no role", hint)
    if person not in edit.before.people:
        _add_person(edit, person, newcomer)
    else:
        edit.grant(person, newcomer.roles)
    text = next((one.public_key for one in edit.before.all_keys() if one.fingerprint == key.fingerprint), None)
    if text == key.text and not newcomer.roles and not again:
        message = f"the key {key.fingerprint} of {person} is listed already, with the same certificate"
        raise RefusedError("key-listed", message, "arcgit policy diff shows what is proposed")
    edit.add_key(person, key)
    return _saved(context, view, edit, "added" if owner is None else "renewed", person, (key.fingerprint,), now)


def _add_person(edit: ProposalEdit, person: str, newcomer: Newcomer) -> None:
    if not names.is_slug(person):
        hint = f"for example: arcgit keys add {names.slugify(person)} …"
        raise UsageError("usage", f"`{person}` is no short name for a person: small letters, digits, - and _", hint)
    missing = [f"--{field}" for field in ("name", "email") if not getattr(newcomer, field)]
    missing += [] if newcomer.roles else ["--role"]
    if missing:
        known = ", ".join(sorted(edit.before.people))
        message = f"`{person}` is not in the policy ({known}); a new person needs {', '.join(missing)}"
        raise UsageError("usage", message, "arcgit keys add --help")
    edit.add_person(person, newcomer.name, newcomer.email, newcomer.roles)


def rotate(context: Context, old: str, key: PublicKey, now: datetime, *, again: bool = False) -> KeyChange:
    """Put a new key in the place of an old one, in one version of the policy."""
    view, edit = _open(context)
    owner = edit.before.person_of(key.fingerprint)
    if again and owner is not None and _gone(view, edit.before, old, besides=key.fingerprint) == owner:
        return _unchanged(context, view, owner, (key.fingerprint,))
    person, fingerprints = find(edit.before, old)
    if len(fingerprints) != 1:
        message = f"{person} has {len(fingerprints)} keys in the proposal"
        raise UsageError("usage", message, f"name the key that goes: {', '.join(fingerprints) or 'arcgit keys list'}")
    _require_usable(key, edit.before, now)
    if key.fingerprint in {one.fingerprint for one in edit.before.all_keys()}:
        message = f"the key {key.fingerprint} is listed already"
        hint = f"make a new one; a newer certificate of the same key: arcgit keys add {word(person)} KEY"
        raise RefusedError("key-listed", message, hint)
    edit.add_key(person, key)
    edit.remove_key(person, fingerprints[0])
    return _saved(context, view, edit, "rotated", person, (fingerprints[0], key.fingerprint), now)


def retire(context: Context, wanted: str, now: datetime, *, again: bool = False) -> KeyChange:
    """Take a key, or all keys and roles of a person, out of the policy. What they signed before stands."""
    view, edit = _open(context)
    gone = _gone(view, edit.before, wanted) if again else None
    if gone is not None and not (gone == wanted and edit.before.people[gone].roles):
        return _unchanged(context, view, gone, ())
    person, fingerprints = find(edit.before, wanted)
    if not fingerprints and not edit.before.people[person].roles:
        raise RefusedError(
            "policy-unchanged", f"{person} has neither keys nor roles in the proposal", "arcgit keys list"
        )
    for fingerprint in fingerprints:
        edit.remove_key(person, fingerprint)
    if wanted == person:
        edit.remove_roles(person)
    return _saved(context, view, edit, "retired", person, fingerprints, now)


def revoke(
    context: Context, wanted: str, *, since: int, reason: str, certificate_text: str | None, now: datetime
) -> KeyChange:
    """Declare a key compromised: what it signed from event `since` on does not count any more.

    `certificate_text` is an OpenPGP revocation, which goes into the policy with the key.
    """
    view, edit = _open(context)
    fingerprint, person, key = _declared(view, edit.before, wanted)
    if since < 1 or since > view.ledger.seq + 1:
        hint = "arcgit log shows the events; leave --since out to doubt all of them"
        raise UsageError("usage", f"the ledger has events 1 to {view.ledger.seq}, and --since says {since}", hint)
    if edit.before.person_of(fingerprint) is not None:
        edit.remove_key(person, fingerprint)
    edit.declare(fingerprint, since, reason)
    if certificate_text is not None:
        try:
            edit.write_key(with_revocation(key, certificate_text))
        except ValueError as fault:
            hint = f"gpg --output revoked.asc --gen-revoke {fingerprint}"
            raise RefusedError("revocation-invalid", str(fault), hint) from fault
    return _saved(context, view, edit, "revoked", person, (fingerprint,), now)


def find(policy: Policy, wanted: str) -> tuple[str, tuple[str, ...]]:
    """The person and the keys that a person or a full fingerprint names. Raises UsageError."""
    if wanted in policy.people:
        return wanted, tuple(key.fingerprint for key in policy.people[wanted].keys)
    fingerprint = normal(wanted)
    person = policy.person_of(fingerprint)
    if person is None:
        known = ", ".join(sorted(policy.people))
        message = f"`{wanted}` is neither a person of the proposal ({known}) nor a full fingerprint in it"
        raise UsageError("key-unknown", message, "arcgit keys list")
    return person, (fingerprint,)


def normal(fingerprint: str) -> str:
    """A fingerprint as policies spell it, from what GnuPG or a person may have printed."""
    if fingerprint.startswith("SHA256:"):
        return fingerprint
    return fingerprint.replace(" ", "").removeprefix("0x").upper()


def _gone(view: LedgerView, proposed: Policy, wanted: str, besides: str = "") -> str | None:
    """The person of the proposal whose key, or all of whose keys but one, is not in it any more; None for any other."""
    if wanted in proposed.people:
        left = {key.fingerprint for key in proposed.people[wanted].keys} - {besides}
        return None if left else wanted
    fingerprint = normal(wanted)
    if proposed.person_of(fingerprint) is not None:
        return None
    known = (one.policy.person_of(fingerprint) for one in reversed(view.ledger.adopted))
    person = next((one for one in known if one is not None), None)
    return person if person in proposed.people else None


def _declared(view: LedgerView, proposed: Policy, wanted: str) -> tuple[str, str, PublicKey]:
    """The key that is meant, its person and its text: one that is listed now, or was in an earlier policy."""
    policies = [proposed, *(one.policy for one in reversed(view.ledger.adopted))]
    if wanted in proposed.people:
        # An earlier run may have taken the key out of the proposal, and its adoption on the ledger out of the policy.
        found = next((keys for one in policies if (keys := _keys_of(one, wanted))), ())
        if len(found) != 1:
            message = f"{wanted} has {len(found)} keys in the archive"
            raise UsageError("usage", message, f"name the key: {', '.join(found) or 'arcgit keys list --all'}")
        wanted = found[0]
    fingerprint = normal(wanted)
    for policy in policies:
        person = policy.person_of(fingerprint)
        if person is not None:
            key = next(one for one in policy.people[person].keys if one.fingerprint == fingerprint)
            return fingerprint, person, PublicKey(key.type, key.fingerprint, key.public_key)
    message = f"`{wanted}` is no key that any policy of this archive has listed"
    raise UsageError("key-unknown", message, "arcgit keys list --all")


def _keys_of(policy: Policy, person: str) -> tuple[str, ...]:
    return tuple(key.fingerprint for key in policy.people[person].keys) if person in policy.people else ()


def _open(context: Context) -> tuple[LedgerView, ProposalEdit]:
    view = ledger.require(context)
    return view, ProposalEdit(context, view)


def _require_usable(key: PublicKey, policy: Policy, now: datetime) -> None:
    if key.fingerprint in policy.compromised:
        message = f"the key {key.fingerprint} is declared compromised"
        raise RefusedError("key-compromised", message, "make a new key")
    if odd := next((name for name in user_ids(key) if _CONTROL.search(name)), None):
        message = f"the key {key.fingerprint} has a user id with control characters: {escape(odd)}"
        raise RefusedError("key-unusable", message, f"make a new key, or take it out: gpg --edit-key {key.fingerprint}")
    if trouble := certificate(key).trouble(now):
        hint = "make a new key, or put its end off (gpg --quick-set-expire FINGERPRINT 2y) and export it again"
        raise RefusedError("key-unusable", f"the key {key.fingerprint} cannot sign: {trouble}", hint)


def _saved(
    context: Context, view: LedgerView, edit: ProposalEdit, verb: str, person: str, keys: tuple[str, ...], now: datetime
) -> KeyChange:
    _, paths = edit.save(now)
    return KeyChange(verb if paths else "unchanged", person, keys, paths, policychange.proposal(context, view), view)


def _unchanged(context: Context, view: LedgerView, person: str, keys: tuple[str, ...]) -> KeyChange:
    return KeyChange("unchanged", person, keys, [], policychange.proposal(context, view), view)


def read_key(text: str, source: str) -> PublicKey:
    """The public key in a text that a person gave. Raises RefusedError."""
    try:
        return parse_public_key(text)
    except ValueError as fault:
        hint = "gpg --armor --export FINGERPRINT > key.asc, or the .pub file that ssh-keygen wrote"
        raise RefusedError("key-unusable", f"{source}: {fault}", hint) from fault
