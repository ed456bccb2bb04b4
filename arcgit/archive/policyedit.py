"""Changing the policy proposal in the work tree as a person would: what is not meant stays as they wrote it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString as Quoted

from arcgit.archive import lockout, policyfile
from arcgit.archive.context import Context
from arcgit.archive.ledger import LedgerView
from arcgit.errors import RefusedError, UsageError
from arcgit.git import worktree
from arcgit.model import policy as policies
from arcgit.model.policy import Policy
from arcgit.signing.keys import PublicKey, parse_public_key


class ProposalEdit:
    """The proposal, opened for changes. Nothing is written before `save`."""

    def __init__(self, context: Context, view: LedgerView) -> None:
        self.root = context.root
        self.present = view.ledger.require_policy()
        found = policyfile.proposal(self.root)
        if found is None:
            hint = f"arcgit policy reset writes {policyfile.FOLDER}/ as it is in force"
            raise UsageError("policy-missing", f"there is no {policyfile.POLICY_FILE}", hint)
        _require_fit(self.present, found)
        self.before = found
        self._text = (worktree.read(self.root, policyfile.POLICY_FILE, policies.MAX_POLICY_BYTES) or b"").decode()
        self._document = _yaml(self._text).load(self._text)
        self._document["version"] = self.present.version + 1
        self._files = dict(_key_files(self.root))
        self._writes: dict[str, str] = {}
        self._removed: set[str] = set()

    @property
    def people(self) -> Any:
        """The `people` mapping of the document."""
        return self._document["people"]

    def add_person(self, slug: str, name: str, email: str, roles: Iterable[str]) -> None:
        """One more person, without a key yet."""
        held = CommentedSeq(roles)
        held.fa.set_flow_style()
        self.people[slug] = CommentedMap(name=Quoted(name), email=Quoted(email), roles=held, keys=CommentedSeq())

    def grant(self, slug: str, roles: Iterable[str]) -> None:
        """Give a person roles that they do not hold yet."""
        held = self.people[slug]["roles"]
        held.extend(role for role in roles if role not in held)

    def add_key(self, slug: str, key: PublicKey) -> None:
        """List a key with a person, or put its certificate in the place of an older one."""
        listed = self.people[slug]["keys"]
        if key.fingerprint not in listed:
            listed.append(Quoted(key.fingerprint))
        self.write_key(key)

    def write_key(self, key: PublicKey) -> None:
        """Put a public key beside the proposal."""
        plain = policyfile.key_file(policies.Key(type=key.kind, fingerprint=key.fingerprint, public_key=key.text))
        path = self._files.get(key.fingerprint, f"{policyfile.KEYS_FOLDER}/{plain}")
        self._writes[path] = key.text.rstrip("\n") + "\n"
        self._removed.discard(path)

    def remove_key(self, slug: str, fingerprint: str) -> None:
        """Take a key from a person."""
        listed = self.people[slug]["keys"]
        listed.remove(fingerprint)
        if path := self._files.get(fingerprint):
            self._removed.add(path)

    def remove_roles(self, slug: str) -> None:
        """Take all roles from a person."""
        self.people[slug]["roles"].clear()

    def declare(self, fingerprint: str, since: int, reason: str) -> None:
        """Declare a key compromised from an event on."""
        entry = CommentedMap(since=since)
        if reason:
            entry["reason"] = Quoted(reason)
        if self._document.get("compromised") is None:
            self._document["compromised"] = CommentedMap()
        self._document["compromised"][Quoted(fingerprint)] = entry

    def save(self, now: datetime) -> tuple[Policy, list[str]]:
        """Write what was changed; returns the proposal and the paths. Raises RefusedError before anything is written."""
        out = io.StringIO()
        _yaml(self._text).dump(self._document, out)
        kept = {path: text for path, text in _key_texts(self.root).items() if path not in self._removed}
        proposed = policyfile.parse_proposal(out.getvalue().encode(), list({**kept, **self._writes}.values()))
        lockout.require_open(self.present, proposed, now)
        for path, text in self._writes.items():
            worktree.write(self.root, path, text.encode())
        worktree.write(self.root, policyfile.POLICY_FILE, out.getvalue().encode())
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


def _yaml(text: str) -> Any:
    loader = YAML()
    loader.preserve_quotes = True
    loader.width = 1 << 20
    lists = re.search(r"^( *)keys:[^\n\[]*\n( *)- ", text, re.MULTILINE)
    offset = len(lists[2]) - len(lists[1]) if lists else 2
    loader.indent(mapping=2, sequence=2 + offset, offset=offset)
    return loader


def _key_texts(root: Path) -> dict[str, str]:
    found = {}
    for path in sorted((root / policyfile.KEYS_FOLDER).glob("*"))[: policyfile.MAX_KEY_FILES]:
        name = f"{policyfile.KEYS_FOLDER}/{path.name}"
        found[name] = (worktree.read(root, name, policyfile.MAX_KEY_BYTES) or b"").decode()
    return found


def _key_files(root: Path) -> Iterable[tuple[str, str]]:
    """Fingerprint and path of every key beside the proposal."""
    return ((parse_public_key(text).fingerprint, path) for path, text in _key_texts(root).items())
