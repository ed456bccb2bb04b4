"""The hook `pre-push`: whether the remote is whole after a push, and the data of the records in it is there.

The rules for names, ledger and tags are the server's own (`arcgit.archive.pushes.receive`), so what passes here is taken
there. git tells what the remote has of each ref that is pushed; of the others this clone knows what it fetched last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from arcgit.archive.pushes import receive
from arcgit.archive.pushes.push import Push, Received
from arcgit.archive.pushes.server import lines_of, place_of, ref_of
from arcgit.git import plumbing
from arcgit.model.finding import Finding, worst_first
from arcgit.model.names import LEDGER_REF, RECORD_PREFIX, UNPUSHED_PREFIX, RecordName, tracking_ref
from arcgit.rules import pushes
from arcgit.rules.pushes import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from arcgit.git.snapshot import Snapshot
    from arcgit.rules.completeness import Demands

OWN = "ARCGIT_SYNC"
"""Set where arcgit itself pushes what it has judged, pushed the data of, and read back."""


def of_framework(environment: Mapping[str, str]) -> bytes | None:
    """The one line that pre-commit makes of a push, which it tells in variables; None where pre-commit does not run this.

    It is empty where pre-commit saw nothing to push.
    """
    if not environment.get("PRE_COMMIT"):
        return None
    ref, new = environment.get("PRE_COMMIT_REMOTE_BRANCH", ""), environment.get("PRE_COMMIT_TO_REF", "")
    local = environment.get("PRE_COMMIT_LOCAL_BRANCH", "")
    if not ref.startswith("refs/") or not (new or local):
        return b""
    if not new:
        # It names no commit where the whole history is new to the remote.
        new = plumbing.run(["rev-parse", "--verify", "--end-of-options", local], cwd=".").decode().strip()
    # What it calls FROM is the parent of the first new commit where the branch is new: enough to tell what changes.
    old = environment.get("PRE_COMMIT_FROM_REF") or pushes.ZERO
    return f"{local or 'HEAD'} {new} {ref} {old}\n".encode(errors="surrogateescape")


def pushed(data: bytes, arguments: Sequence[str], environment: Mapping[str, str], now: datetime) -> list[Finding]:
    """What forbids the push that these lines describe, worst first. `arguments` are the remote's name and url.

    Raises ArcgitError where that cannot be told.
    """
    if environment.get(OWN):
        return []
    commands = lines_of(data, pushes.parse_pushed)
    if not commands:
        return []
    extra = {name: value for name, value in environment.items() if name in plumbing.HOOK_VARIABLES}
    place = place_of(extra)
    remote = arguments[0] if arguments else environment.get("PRE_COMMIT_REMOTE_NAME", "")
    findings: list[Finding] = []
    if pushes.concerns(commands):
        push = Push(
            commands,
            extra,
            tip=_tip(commands, remote, extra),
            present=lambda names: _present(names, extra),
            folder=f"{place.common_dir}/arcgit",
            now=now,
        )
        result = receive.judge(push)
        findings += result.findings
        if not result.faults:
            findings += _data(result)
    branches = [line for line in commands if pushes.sort_of(line.ref) is pushes.Sort.BRANCH and not line.deletes]
    if branches:
        findings += _branches(branches, remote, extra, place.common_dir, now.date())
    return worst_first(findings)


def _tip(commands: Sequence[Command], remote: str, extra: Mapping[str, str]) -> str | None:
    """The remote's ledger: as git says where it is pushed, else as it was fetched last."""
    line = next((command for command in commands if command.ref == LEDGER_REF), None)
    if line is not None:
        return None if line.creates else line.old
    return ref_of(tracking_ref(remote), extra) if remote else None


def _present(names: Sequence[str], extra: Mapping[str, str]) -> dict[str, str]:
    """Those of the tags that this clone has and does not remember as unpushed: the remote has them."""
    prefixes = [RECORD_PREFIX.rstrip("/"), UNPUSHED_PREFIX.rstrip("/")]
    out = plumbing.run(["for-each-ref", "--format=%(objectname) %(refname)", *prefixes], cwd=".", extra=extra)
    rows = [line.split(" ", 1) for line in out.decode(errors="surrogateescape").split("\n") if line]
    waiting = {(name, oid) for oid, name in rows if name.startswith(UNPUSHED_PREFIX)}
    found = {}
    for oid, name in rows:
        record = RecordName.parse(name)
        if name in names and record is not None and (record.unpushed_ref, oid) not in waiting:
            found[name] = oid
    return found


def _data(result: Received) -> list[Finding]:
    """Whether the data of the records that are pushed lies in their remotes. Nothing is downloaded but lists of files."""
    known = result.ledger.records if result.ledger else {}
    wanted = [(name, record) for name, record in result.records if known[name.refname].status != "purged"]
    if not wanted or result.ledger is None:
        return []
    from pathlib import Path  # noqa: PLC0415  with it come git's settings and DVC, for a push of records only

    from arcgit.archive.context import open_context  # noqa: PLC0415
    from arcgit.archive.looking.examine import examine  # noqa: PLC0415

    context = open_context(Path(), state_dir=Path("/nonexistent"), only_read=True)
    return examine(context, result.ledger, wanted, level="presence", progress=lambda what, done, total: None).findings


def _branches(
    lines: Sequence[Command], remote: str, extra: Mapping[str, str], common_dir: str, today: date
) -> list[Finding]:
    from arcgit.archive import demands  # noqa: PLC0415
    from arcgit.archive.pushes import branches  # noqa: PLC0415

    kept = demands.recall(common_dir, ref_of(LEDGER_REF, extra) or "")

    def asked(files: Snapshot) -> tuple[Demands, str, list[Finding]]:
        return (*kept, []) if kept else demands.of_proposal(files, strict=False)

    known = [f"--remotes={remote}"] if remote and "/" not in remote and "*" not in remote else []
    return list(branches.judge(lines, extra=extra, known=known, asked=asked, today=today, root="."))
