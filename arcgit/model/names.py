"""Names: projects, experiments, run ids, and the refs that arcgit owns.

Round trip: `RecordName.parse(name.refname) == name` for every valid name, and `parse(ref).refname == ref` for every ref
that parses.
"""

from __future__ import annotations

import functools
import re

import msgspec

LEDGER_REF = "refs/notes/arcgit"
FIXITY_REF = "refs/arcgit/fixity"
UNPUSHED_PREFIX = "refs/arcgit/unpushed/"
WAITING_PREFIX = "refs/arcgit/waiting/"
LOST_PREFIX = "refs/arcgit/lost/"
INCOMING_PREFIX = "refs/arcgit/incoming/"
OUTGOING_PREFIX = "refs/arcgit/outgoing/"
TAG_PREFIX = "refs/tags/"
RECORD_PREFIX = "refs/tags/exp/"

SLUG = r"[a-z0-9][a-z0-9_-]{0,62}"
_WHOLE_SLUG = re.compile(SLUG)
_RECORD_RE = re.compile(rf"refs/tags/exp/({SLUG})/({SLUG})/([0-9a-f]{{12}})(?:\.([1-9][0-9]{{0,5}}))?")


def tracking_ref(remote: str) -> str:
    """Where fetch puts a remote's ledger, as it does for branches."""
    return f"refs/notes/{remote}/arcgit"


def fixity_tracking_ref(remote: str) -> str:
    """Where fetch puts a remote's fixity lists."""
    return f"refs/arcgit/remotes/{remote}/fixity"


def is_slug(text: str) -> bool:
    """True for a valid project, experiment, artifact or person name."""
    return _WHOLE_SLUG.fullmatch(text) is not None


def slugify(text: str) -> str:
    """The nearest valid name, for suggestions: lower case, other characters become `-`. Never empty."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:63].strip("-_")
    return slug or "experiment"


class RecordName(msgspec.Struct, frozen=True, order=True):
    """The name of one record: `exp/<project>/<experiment>/<run-id>[.N]`, N from 2."""

    project: str
    experiment: str
    run_id: str
    number: int = 1

    @property
    def tag(self) -> str:
        return self.refname.removeprefix(TAG_PREFIX)

    @property
    def refname(self) -> str:
        return f"{RECORD_PREFIX}{self.project}/{self.experiment}/{self.short_id}"

    @property
    def short_id(self) -> str:
        """The run id, with `.N` where there are several records of the same content."""
        return self.run_id if self.number == 1 else f"{self.run_id}.{self.number}"

    @property
    def unpushed_ref(self) -> str:
        return f"{UNPUSHED_PREFIX}{self.short_id}"

    @classmethod
    def parse(cls, refname: str) -> RecordName | None:
        """The name behind a full refname, or None where the ref is not arcgit's."""
        return _parse(refname)


@functools.lru_cache(maxsize=256)
def _parse(refname: str) -> RecordName | None:
    # The steps that judge one event or one tag ask for its name several times in a row.
    match = _RECORD_RE.fullmatch(refname)
    if match is None or match[4] == "1":
        return None
    return RecordName(match[1], match[2], match[3], int(match[4] or 1))
