"""The policy proposal in the work tree: `.arcgit/policy.yaml` and the public keys beside it.

It has no force until `arcgit policy adopt` (for the first version: `arcgit init`) puts it on the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arcgit.archive.policy import lockout
from arcgit.errors import RefusedError
from arcgit.git import worktree
from arcgit.model import policy as policies
from arcgit.model import yaml
from arcgit.model.names import slugify
from arcgit.model.policy import Policy
from arcgit.model.text import word
from arcgit.resources import resource
from arcgit.signing.keys import PublicKey, parse_public_key

FOLDER = ".arcgit"
POLICY_FILE = ".arcgit/policy.yaml"
KEYS_FOLDER = ".arcgit/keys"
SCHEMA_FILE = ".arcgit/policy-v1.schema.json"
MAX_KEY_FILES = 1000
MAX_KEY_BYTES = 256 * 1024


def first_policy(
    *, archive: str, project: str, name: str, email: str, key: PublicKey, remotes: Mapping[str, str]
) -> Policy:
    """Version 1, with one person who may do everything. `remotes` are the pins of DVC remotes, by name or name.setting."""
    person = policies.Person(
        name=name,
        email=email,
        roles=policies.ALL_ROLES,
        keys=(policies.Key(type=key.kind, fingerprint=key.fingerprint, public_key=key.text),),
    )
    return Policy(
        schema=policies.SCHEMA,
        archive=archive,
        version=1,
        project=project,
        people={slugify(email.partition("@")[0]): person},
        retention={
            "short": policies.RetentionClass(keep="P1Y"),
            "standard": policies.RetentionClass(keep="P10Y"),
            "permanent": policies.RetentionClass(keep="forever"),
        },
        remotes={place: policies.Remote(url=value) for place, value in remotes.items()},
    )


def render(policy: Policy) -> str:
    """The text of `.arcgit/policy.yaml`."""
    lines = [
        f"# yaml-language-server: $schema={SCHEMA_FILE.rpartition('/')[2]}",
        "# Who may do what in this archive, what must be present, how long it is kept.",
        "# A change here has no force until `arcgit policy adopt` puts it on the ledger.",
        f"schema: {policy.schema}",
        f"archive: {policy.archive}",
        f"version: {policy.version}",
        f"project: {policy.project}",
        "people:",
    ]
    for slug, person in policy.people.items():
        lines += [
            f"  {slug}:",
            f"    name: {quote(person.name)}",
            f"    email: {quote(person.email)}",
            f"    roles: [{', '.join(person.roles)}]",
            f"    keys:{'' if person.keys else ' []'}  # full fingerprints; the public keys lie in .arcgit/keys/",
            *(f"      - {quote(key.fingerprint)}" for key in person.keys),
        ]
    lines += [
        "thresholds:  # how many persons must agree",
        f"  policy: {policy.thresholds.policy}",
        f"  review: {policy.thresholds.review}",
        f"required: [{', '.join(policy.required)}]",
        "severities:  # for example: {metrics-missing: warning}",
        f"  {{{', '.join(f'{code}: {value}' for code, value in policy.severities.items())}}}",
        "retention:  # ISO 8601 durations, or `forever`",
        *(f"  {name}: {{keep: {entry.keep}{_copies(entry)}}}" for name, entry in policy.retention.items()),
    ]
    if policy.copies is not None:
        lines.append(f"copies: {policy.copies}  # in how many remotes the data of a record must have been proven")
    if policy.waivers:
        lines += ["waivers:  # how many days ahead a waiver may end", f"  max_days: {policy.waivers.max_days}"]
    if policy.compromised:
        lines.append("compromised:  # what these keys signed from event `since` on does not count")
        for fingerprint, entry in policy.compromised.items():
            why = f", reason: {quote(entry.reason)}" if entry.reason else ""
            lines.append(f"  {quote(fingerprint)}: {{since: {entry.since}{why}}}")
    if policy.remotes:
        lines += ["remotes:  # where DVC remotes must lie; NAME.SETTING pins more than the address"]
        lines += [f"  {quote(name)}: {{url: {quote(remote.url)}}}" for name, remote in policy.remotes.items()]
    return "\n".join(lines) + "\n"


def _copies(entry: policies.RetentionClass) -> str:
    return f", copies: {entry.copies}" if entry.copies is not None else ""


def quote(text: str) -> str:
    """A double-quoted YAML scalar; JSON's form is one."""
    import json  # noqa: PLC0415

    return json.dumps(text, ensure_ascii=False)


def key_file(key: policies.Key) -> str:
    """The file name of a public key: its fingerprint, without the characters that paths do not take."""
    stem = key.fingerprint.removeprefix("SHA256:").replace("/", "_").replace("+", "-")
    return f"{stem}.{'asc' if key.type == 'openpgp' else 'pub'}"


def key_files(policy: Policy) -> dict[str, str]:
    """The files of all public keys, by name; also the revoked certificates of keys that were declared compromised."""
    revoked = [
        policies.Key(type="openpgp", fingerprint=fingerprint, public_key=entry.public_key)
        for fingerprint, entry in policy.compromised.items()
        if entry.public_key
    ]
    return {key_file(key): key.public_key.rstrip("\n") + "\n" for key in (*policy.all_keys(), *revoked)}


def write(root: Path, policy: Policy) -> list[str]:
    """Write the proposal and its keys; returns the paths. Files that are there already are left alone."""
    written = set()
    files = {
        POLICY_FILE: render(policy),
        SCHEMA_FILE: resource("templates/schemas/policy-v1.schema.json").read_text(),
    }
    files |= {f"{KEYS_FOLDER}/{name}": text for name, text in key_files(policy).items()}
    # The policy is the last: without the keys that it names, one that a killed run left would stop the next one.
    for name in reversed(files):
        if worktree.read(root, name, policies.MAX_POLICY_BYTES) is None:
            worktree.write(root, name, files[name].encode())
            written.add(name)
    return [name for name in files if name in written]


def reset(root: Path, present: Policy) -> list[str]:
    """Write the proposal as it is in force, with its keys; returns the paths that changed. Other files stay."""
    files = {POLICY_FILE: render(present)}
    files |= {f"{KEYS_FOLDER}/{name}": text for name, text in key_files(present).items()}
    changed = []
    for path, text in files.items():
        if not _holds(root, path, text.encode()):
            worktree.write(root, path, text.encode())
            changed.append(path)
    return changed


def _holds(root: Path, path: str, data: bytes) -> bool:
    try:
        return worktree.read(root, path, len(data)) == data
    except RefusedError as fault:
        if fault.code != "file-too-large":
            raise
        return False


def proposal(root: Path) -> Policy | None:
    """The proposal in the work tree with its keys, None where there is none. Raises RefusedError."""
    way_on = "arcgit policy reset writes it as it is in force"
    data = worktree.read(root, POLICY_FILE, policies.MAX_POLICY_BYTES, way_on=way_on)
    if data is None:
        return None
    texts = []
    names = sorted(path.name for path in (root / KEYS_FOLDER).glob("*"))[:MAX_KEY_FILES]
    for name in names:
        path = f"{KEYS_FOLDER}/{name}"
        try:
            way_on = f"no public key is as long: rm {word(path)}; then export it again"
            texts.append((worktree.read(root, path, MAX_KEY_BYTES, way_on=way_on) or b"").decode())
            parse_public_key(texts[-1])
        except UnicodeDecodeError as error:
            hint = f"put an armored OpenPGP key or a line of ssh-keygen's .pub file into {path}"
            raise RefusedError("policy-invalid", f"{path} is not text", hint) from error
        except ValueError as error:
            hint = f"rm {word(path)}; if it was a key of somebody: arcgit policy reset, or arcgit keys add PERSON KEY"
            raise RefusedError("policy-invalid", f"{path}: {error}", hint) from error
    return parse_proposal(data, texts)


def parse_proposal(data: bytes, key_texts: list[str]) -> Policy:
    """The proposal as a policy with its keys inside. Raises RefusedError `policy-invalid`."""
    hint = f"mend {POLICY_FILE}; docs/formats/policy.md describes it"
    try:
        value = yaml.load(data, max_bytes=policies.MAX_POLICY_BYTES).value
        keys = {key.fingerprint: key for key in map(_beside, key_texts)}
        return policies.convert(_with_keys(value, keys))
    except policies.PolicyLockedError as error:
        raise RefusedError("policy-lockout", f"{POLICY_FILE}: {error}", lockout.HINT) from error
    except ValueError as error:
        raise RefusedError("policy-invalid", f"{POLICY_FILE}: {error}", hint) from error


def _beside(text: str) -> PublicKey:
    try:
        return parse_public_key(text)
    except ValueError as fault:
        raise policies.PolicyError(f"a file in {KEYS_FOLDER}/ beside it is no key: {fault}") from fault


def _with_keys(value: Any, keys: dict[str, PublicKey]) -> Any:
    people = value.get("people") if isinstance(value, dict) else None
    if not isinstance(people, dict):
        raise policies.PolicyError("`people` is missing")
    filled = {}
    for slug, person in people.items():
        listed = person.get("keys") if isinstance(person, dict) else None
        if not isinstance(listed, list) or not all(isinstance(key, str) for key in listed):
            raise policies.PolicyError(f"`people.{slug}` has no list of key fingerprints")
        missing = [fingerprint for fingerprint in person["keys"] if fingerprint not in keys]
        if missing:
            raise policies.PolicyError(f"the public key {missing[0]} of `{slug}` is not in {KEYS_FOLDER}/")
        found = [keys[fingerprint] for fingerprint in person["keys"]]
        rows = [{"type": key.kind, "fingerprint": key.fingerprint, "public_key": key.text} for key in found]
        filled[slug] = {**person, "keys": rows}
    compromised = value.get("compromised")
    if not isinstance(compromised, dict):
        return {**value, "people": filled}
    declared = {
        fingerprint: {**entry, "public_key": keys[fingerprint].text}
        if isinstance(entry, dict) and fingerprint in keys
        else entry
        for fingerprint, entry in compromised.items()
    }
    return {**value, "people": filled, "compromised": declared}
