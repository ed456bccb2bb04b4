"""What the commit hook asks of a manifest: the policy in force, kept at hand so that a commit need not replay the ledger.

The copy in `.git/arcgit/` is a cache and no evidence: it is used only while the ledger's tip is the one it was made for,
and CI and servers judge by the ledger itself.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import msgspec

from arcgit.git.snapshot import Snapshot
from arcgit.model import policy as policies
from arcgit.model import yaml
from arcgit.model.finding import Finding, unknown, warning
from arcgit.model.names import LEDGER_REF
from arcgit.rules.completeness import Demands

if TYPE_CHECKING:
    from pathlib import Path

    from arcgit.rules.chain import Ledger  # the hook only reads what `remember` wrote

CACHE = "arcgit/demands.json"
POLICY_FILE = ".arcgit/policy.yaml"


class _Cached(msgspec.Struct):
    tip: str
    version: int
    required: tuple[str, ...]
    retention: tuple[str, ...]
    severities: dict[str, str]
    waiver_days: int = policies.MAX_WAIVER_DAYS


class _Asked(msgspec.Struct):
    required: tuple[str, ...] = ("owner", "purpose", "retention")
    severities: dict[str, str] = {}
    retention: dict[str, policies.RetentionClass] = {}
    waivers: policies.WaiverRules = policies.WaiverRules()


def remember(common_dir: Path, ledger: Ledger) -> None:
    """Keep the demands of a replayed ledger for the commit hook."""
    from arcgit import durable  # noqa: PLC0415  the hook only reads

    policy = ledger.require_policy()
    asked = Demands.of(policy)
    cached = _Cached(
        str(ledger.tip),
        policy.version,
        asked.required,
        tuple(policy.retention),
        dict(policy.severities),
        asked.waiver_days,
    )
    path = common_dir / CACHE
    # A cache; whoever may not write it reads the ledger again.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, msgspec.json.encode(cached), mode=0o644)


def recall(common_dir: str, tip: str) -> tuple[Demands, str] | None:
    """The kept demands and where they come from, if they are those of the ledger's present tip; else None."""
    try:
        # Opened in every case, so that the hook's memo knows of it; a pipe in its place is not waited for.
        with os.fdopen(os.open(f"{common_dir}/{CACHE}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            cached = msgspec.json.decode(file.read(), type=_Cached)
    except (OSError, ValueError, msgspec.DecodeError, RecursionError):
        return None
    if not tip or cached.tip != tip:
        return None
    found = Demands(cached.required, frozenset(cached.retention), cached.severities, cached.waiver_days)
    return found, f"policy {cached.version} on the ledger"


def of_proposal(snapshot: Snapshot, *, strict: bool) -> tuple[Demands, str, list[Finding]]:
    """Without a ledger: what `.arcgit/policy.yaml` asks for, else the built-in rules; says so in a finding.

    A commit hook must let people work and warns; where the answer counts (`strict`: CI, servers) it is no pass.
    """
    message = "there is no ledger in this clone, so nothing says which policy is in force"
    make = unknown if strict else warning
    notes = [make("notes-missing", LEDGER_REF, message, hint="arcgit init founds or joins an archive")]
    data = snapshot.read(POLICY_FILE, policies.MAX_POLICY_BYTES)
    if data is None:
        return Demands(), "built-in rules", notes
    try:
        return _asked(data), "proposed policy", notes
    except ValueError as fault:
        message = f"the proposed policy cannot be read ({fault}); the built-in rules are used"
        notes.append(warning("policy-invalid", POLICY_FILE, message, hint=f"mend {POLICY_FILE}"))
        return Demands(), "built-in rules", notes


def _asked(data: bytes) -> Demands:
    value = yaml.load(data, max_bytes=policies.MAX_POLICY_BYTES).value
    if not isinstance(value, dict):
        raise policies.PolicyError("it is not a mapping")
    raw = {name: value[name] for name in ("required", "severities", "retention", "waivers") if value.get(name)}
    try:
        asked = msgspec.convert(raw, _Asked)
    except msgspec.ValidationError as error:
        raise policies.PolicyError(str(error)) from error
    classes = frozenset(asked.retention) or None
    return Demands(asked.required, classes, dict(asked.severities), asked.waivers.max_days)
