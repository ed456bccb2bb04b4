"""Which archive a clone belongs to: what stands in place of its ledger must not be somebody's other one.

A pin is kept under the id of its archive, and a founder's fingerprint stands for all that were begun with the key. To both,
the refs of one sound archive look right in a clone of another; only the clone itself can tell.
"""

from __future__ import annotations

import re
from contextlib import suppress

from arcgit.archive.context import Context
from arcgit.archive.demands import POLICY_FILE
from arcgit.errors import ArcgitError
from arcgit.git import plumbing
from arcgit.model.finding import Finding, error
from arcgit.model.names import LEDGER_REF, RECORD_PREFIX
from arcgit.model.policy import MAX_POLICY_BYTES
from arcgit.model.text import word

SETTING = "arcgit.archive"
"""The setting of a clone that names its archive. `init` and whatever exchanges with a remote write it; reading does not."""
_CLAIM = re.compile(
    rb"^archive:[ ]*[\"']?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[\"']?[ ]*(?:#.*)?\r?$", re.MULTILINE
)


def faults(context: Context, archive: str) -> list[Finding]:
    """An error where this clone belongs to another archive than the one whose ledger is here.

    The setting tells; where there is none, what HEAD has as the proposal of a policy.
    """
    if known := context.settings.get(SETTING):
        return [] if known == archive or not archive else [_another(context, "this clone belongs to", known, archive)]
    claimed = _claimed(context)
    if not archive or claimed in {None, archive}:
        return []
    return [_another(context, f"{POLICY_FILE} at HEAD is of", str(claimed), archive)]


def settle(context: Context, archive: str) -> bool:
    """Remember the archive that this clone belongs to from now on; True where that changed anything.

    Where the setting cannot be written, as by two commands at once, the next one does.
    """
    with suppress(ArcgitError):
        return context.settings.set(SETTING, archive)
    return False


def _claimed(context: Context) -> str | None:
    """The archive that the policy proposed at HEAD names, None where nothing is named that can be read."""
    code, out, _ = plumbing.try_run(["rev-parse", "--verify", "--quiet", f"HEAD:{POLICY_FILE}"], cwd=context.root)
    if code != 0:
        return None
    with suppress(ArcgitError):
        found = _CLAIM.search(context.repo.read(out.decode().strip(), "blob", MAX_POLICY_BYTES))
        return found[1].decode() if found else None
    return None


def _another(context: Context, whose: str, known: str, archive: str) -> Finding:
    message = f"{whose} archive {known}, and the ledger here is that of another, {archive}"
    hint = f"if that is right: git config {SETTING} {word(archive)}"
    if context.remote:
        specs = f"'+{LEDGER_REF}:{LEDGER_REF}' '+{RECORD_PREFIX}*:{RECORD_PREFIX}*'"
        hint = f"git fetch {word(context.remote)} {specs} brings back what the remote has; {hint}"
    return error("wrong-archive", "ledger", message, expected=known, found=archive, hint=hint)
