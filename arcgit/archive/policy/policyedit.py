"""Changing the policy proposal in the work tree as a person would: what is not meant stays as they wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.archive.policy import lockout, policyfile, policywords
from arcgit.archive.policy.policytext import PolicyText
from arcgit.errors import RefusedError, UsageError
from arcgit.git import worktree
from arcgit.model import policy as policies
from arcgit.model.policy import Policy
from arcgit.signing.keys import PublicKey, parse_public_key


class ProposalEdit:
    """The proposal, opened for changes. Nothing is written before `save`."""

    def __init__(self, context: Context, view: LedgerView) -> None:
        context.require_work_tree()
        self.root = context.root
        self.present = view.ledger.require_policy()
        found = policyfile.proposal(self.root)
        if found is None:
            hint = f"arcgit policy reset writes {policyfile.FOLDER}/ as it is in force"
            raise UsageError("policy-missing", f"there is no {policyfile.POLICY_FILE}", hint)
        _require_fit(self.present, found)
        self.before = found
        data = worktree.read(self.root, policyfile.POLICY_FILE, policies.MAX_POLICY_BYTES) or b""
        self._text = PolicyText(data.decode())
        self._text.set_version(self.present.version + 1)
        self._files = dict(_key_files(self.root))
        self._writes: dict[str, str] = {}
        self._removed: set[str] = set()

    def add_person(self, slug: str, name: str, email: str, roles: Iterable[str]) -> None:
        """One more person, without a key yet."""
        self._text.add_person(slug, name, email, roles)

    def grant(self, slug: str, roles: Iterable[str]) -> None:
        """Give a person roles that they do not hold yet."""
        held = self.before.people[slug].roles
        self._text.change_list(slug, "roles", add=[role for role in dict.fromkeys(roles) if role not in held])

    def add_key(self, slug: str, key: PublicKey) -> None:
        """List a key with a person, or put its certificate in the place of an older one."""
        if self.before.person_of(key.fingerprint) is None:
            self._text.change_list(slug, "keys", add=[key.fingerprint])
        self.write_key(key)

    def write_key(self, key: PublicKey) -> None:
        """Put a public key beside the proposal."""
        plain = policyfile.key_file(policies.Key(type=key.kind, fingerprint=key.fingerprint, public_key=key.text))
        path = self._files.get(key.fingerprint, f"{policyfile.KEYS_FOLDER}/{plain}")
        self._writes[path] = key.text.rstrip("\n") + "\n"
        self._removed.discard(path)

    def remove_key(self, slug: str, fingerprint: str) -> None:
        """Take a key from a person."""
        self._text.change_list(slug, "keys", remove=[fingerprint])
        if path := self._files.get(fingerprint):
            self._removed.add(path)

    def remove_roles(self, slug: str) -> None:
        """Take all roles from a person."""
        self._text.change_list(slug, "roles", remove=self.before.people[slug].roles)

    def declare(self, fingerprint: str, since: int, reason: str) -> None:
        """Declare a key compromised from an event on."""
        self._text.add_compromised(fingerprint, since, reason)

    def save(self, now: datetime) -> tuple[Policy, list[str]]:
        """Write what was changed; returns the proposal and the paths. Raises RefusedError before anything is written.

        Where all of it stands there already nothing is written, and there are no paths: a version without a change is none.
        """
        data = self._text.text.encode()
        kept = {path: text for path, text in _key_texts(self.root).items() if path not in self._removed}
        proposed = policyfile.parse_proposal(data, list({**kept, **self._writes}.values()))
        if replace(proposed, version=self.before.version) == self.before:
            return self.before, []
        policywords.require_clean(proposed, self.present)
        lockout.require_open(self.present, proposed, now)
        for path, text in self._writes.items():
            worktree.write(self.root, path, text.encode())
        worktree.write(self.root, policyfile.POLICY_FILE, data)
        for path in sorted(self._removed - self._writes.keys()):
            (self.root / path).unlink(missing_ok=True)
        return proposed, sorted({policyfile.POLICY_FILE, *self._writes, *self._removed})


def _require_fit(present: Policy, found: Policy) -> None:
    if found.archive != present.archive:
        message = f"{policyfile.POLICY_FILE} is of archive {found.archive}, this is {present.archive}"
        raise RefusedError("wrong-archive", message, f"set `archive: {present.archive}`")
    if found.version < present.version or found.version > present.version + 1:
        message = f"{policyfile.POLICY_FILE} has version {found.version}, and version {present.version} is in force"
        hint = "git pull, if somebody committed it; arcgit policy reset writes what is in force"
        raise RefusedError("policy-chain", message, hint)


def _key_texts(root: Path) -> dict[str, str]:
    found = {}
    for path in sorted((root / policyfile.KEYS_FOLDER).glob("*"))[: policyfile.MAX_KEY_FILES]:
        name = f"{policyfile.KEYS_FOLDER}/{path.name}"
        found[name] = (worktree.read(root, name, policyfile.MAX_KEY_BYTES) or b"").decode()
    return found


def _key_files(root: Path) -> Iterable[tuple[str, str]]:
    """Fingerprint and path of every key beside the proposal."""
    return ((parse_public_key(text).fingerprint, path) for path, text in _key_texts(root).items())
