"""Does a record describe what a rev has? Decided by hashes alone: no bytes of data are needed.

A record matches an experiment at a rev if project and experiment, every artifact (path, role, and the hash under which
DVC or git keeps it), the parameters and the lineage are the same, and the metrics where the rev shows them. Owner,
purpose and retention are outside, as they are outside the run id.
"""

from __future__ import annotations

from typing import Any

from arcgit.model import canonical
from arcgit.model.experiment import Experiment, Stored
from arcgit.model.record import ArtifactFact, Record


def matches(sealed: Record, found: Experiment) -> bool:
    """True where the record is of what the experiment is at its rev."""
    content = sealed.content
    if (content.project, content.experiment) != (found.manifest.project, found.manifest.experiment):
        return False
    if _recorded(sealed) != _present(found) or not _same(content.params, dict(found.params)):
        return False
    known = {path: value for path, value in content.metrics.items() if path in found.metrics}
    if not _same(known, dict(found.metrics)):
        return False
    lineage = dict(found.lineage)
    return _same(content.lineage, lineage) or content.lineage == {"sha256": canonical.sha256(canonical.dumps(lineage))}


def same_content(one: Experiment, other: Experiment) -> bool:
    """True where two revs have the same of an experiment: what one record matches, it matches at the other as well."""
    names = [(found.manifest.project, found.manifest.experiment) for found in (one, other)]
    values = [[dict(found.params), dict(found.metrics), dict(found.lineage)] for found in (one, other)]
    return names[0] == names[1] and _present(one) == _present(other) and _same(*values)


def _same(one: Any, other: Any) -> bool:
    """True for one JSON value. Python alone takes true for 1, which the run id does not."""
    return bool(one == other) and canonical.dumps(one) == canonical.dumps(other)


def _recorded(sealed: Record) -> set[tuple[str, str, str]]:
    return {(fact.path, fact.role, kept_as(fact)) for fact in sealed.predicate.artifacts.values()}


def kept_as(fact: ArtifactFact) -> str:
    """The hash under which DVC or git keeps what a record has, with its name; comparable with `stored_as`."""
    return f"{fact.dvc.hash}:{fact.dvc.md5}" if fact.dvc is not None else f"git:{fact.git}"


def _present(found: Experiment) -> set[tuple[str, str, str]]:
    return {
        (found.folder + artifact.path, artifact.role, stored_as(found.artifacts.get(name)))
        for name, artifact in found.manifest.artifacts.items()
    }


def stored_as(stored: Stored | None) -> str:
    """The hash under which DVC or git keeps what a rev has, with its name."""
    return f"{stored.hash_name}:{stored.oid}" if stored is not None else "nothing"
