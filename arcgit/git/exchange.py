"""Fetch and push through the user's own git: their credentials, ssh settings, proxies and hooks apply."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from arcgit import crash
from arcgit.errors import ArcgitError, RefusedError, UndeterminedError, UsageError
from arcgit.git import gitpython, outgoing, person
from arcgit.git.obstacles import LockHeldError, obstacle, old_of
from arcgit.git.plumbing import PACKS_AGAIN
from arcgit.model.names import FIXITY_REF, LEDGER_REF, RECORD_PREFIX
from arcgit.model.text import without_password, word

_LOCK = re.compile(r"Unable to create '([^']+\.lock)': File exists")
# Git on the other side is this machine's own there, with the configuration and the hooks of whoever had the disk.
_HARDENED = (
    "git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.alternateRefsCommand=true"
    " -c receive.autogc=false -c gc.auto=0 -c maintenance.auto=false"
)
_SHOWN = 3
_STATUS = re.compile(r"^([ +*=!-])\t[^\t]*:([^\t:]+)\t\[?([^\]\n]*)\]?(?: \((.*)\))?$", re.MULTILINE)
_SYMBOLIC = "ref: "
_MOVED = re.compile(r"^remote: arcgit: error: ref-moved: ", re.MULTILINE)
"""What arcgit's hook says where somebody else was faster: git itself finds that out only after the hook."""
_THROUGH = re.compile(r"(?:cannot update ref|through dangling symref) '([^']+)'")
HIDDEN = "deny updating a hidden ref"
"""git's word for a ref that `receive.hideRefs` or `transfer.hideRefs` covers. It takes the rest, atomic or not."""
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,100}")


class BusyError(RefusedError):
    """Somebody else is exchanging refs at this moment: try again."""


class PushRejectedError(BusyError):
    """The remote has something that we do not: fetch and try again."""


class PartlyTakenError(RefusedError):
    """The remote took some of the refs that were pushed as one, `took`, and refused others."""

    def __init__(self, remote: str, took: Collection[str], refused: Mapping[str, str]) -> None:
        self.took = frozenset(took)
        words = ", ".join(f"{name} ({why})" for name, why in sorted(refused.items())[:_SHOWN])
        have = ", ".join(sorted(self.took)[:_SHOWN]) + (
            f" and {len(self.took) - _SHOWN} more" if len(took) > _SHOWN else ""
        )
        message = f"`{remote}` took {have}, but refused {words}, although all were pushed as one"
        super().__init__("push-partly-taken", message, _allow(refused))


class RemoteLockedError(BusyError):
    """Somebody is writing the remote's refs, or died while doing so."""


def is_path(remote: str) -> bool:
    """True for the folder of a repository, which may lie on a disk that others had in their hands."""
    return remote.startswith("/")


def require_remote_name(remote: str) -> str:
    """`remote`, if refs can be tracked under it without a clash. Raises UsageError."""
    if not _REMOTE.fullmatch(remote) or remote.startswith("arcgit"):
        hint = f"git remote rename {word(remote)} origin"
        message = f"a remote named `{remote}` would clash with arcgit's own refs below refs/notes/"
        raise UsageError("remote-name", message, hint)
    return remote


class Listed(dict[str, str]):
    """Refs of a remote with their oids. `symbolic` has those that only stand for another ref, as far as the remote says."""

    symbolic: Mapping[str, str] = {}


def list_remote(root: Path, remote: str, *patterns: str) -> Listed:
    """The refs of a remote that match the patterns. Raises UndeterminedError where it is silent."""
    where = [f"--upload-pack={_HARDENED} upload-pack", remote] if is_path(remote) else [require_remote_name(remote)]
    code, out, err = gitpython.run(root, ["ls-remote", "--symref", *where, *patterns])
    if code != 0:
        raise unreachable(remote, err)
    rows = [line.split("\t", 1) for line in out.split("\n") if "\t" in line]
    found = Listed((name, oid) for oid, name in rows if not name.endswith("^{}") and not oid.startswith(_SYMBOLIC))
    found.symbolic = {name: to.removeprefix(_SYMBOLIC) for to, name in rows if to.startswith(_SYMBOLIC)}
    return found


def symbolic_ref(remote: str, names: Sequence[str], to: str) -> RefusedError:
    """The error for a symbolic ref of the remote, one of these: what is pushed there would move another ref."""
    named = " or ".join(names[:_SHOWN]) + (f" or {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    message = f"`{remote}` has a symbolic ref in the place of {named}: it stands for {to}, which a push would write"
    which = "" if len(names) == 1 else "git symbolic-ref NAME tells which it is, "
    name = names[0] if len(names) == 1 else "NAME"
    hint = f"whoever runs the server, there: {which}git symbolic-ref --delete {name} ends it; then arcgit sync"
    return RefusedError("ref-symbolic", message, hint)


def fetch(root: Path, remote: str, refspecs: Sequence[str]) -> None:
    """Fetch exactly `refspecs`. Raises UndeterminedError where the remote cannot be read."""
    # As one pack, which git keeps from garbage collection until the refs have moved; loose objects it does not. Without a
    # refmap git would also move the refs that the settings of the remote name.
    arguments = ["-c", "fetch.unpackLimit=1", "fetch", "--no-tags", "--no-write-fetch-head", "--refmap="]
    code, _, err = gitpython.run(root, [*arguments, require_remote_name(remote), *refspecs])
    if code != 0:
        own = "\n".join(line for line in err.splitlines() if not line.startswith("remote: "))
        found = obstacle(own, root)
        if "unable to rename temporary" in own or "unable to write file" in own:
            raise BusyError("git-write-failed", f"git could not keep what it fetched: {one_line(own)}", "arcgit sync")
        if "cannot lock ref" in own and (found is None or (isinstance(found, LockHeldError) and found.busy)):
            if found is not None:
                raise BusyError(found.code, found.message, found.hint)
            raise BusyError("ref-moved", f"refs were being written while fetching: {one_line(own)}", "arcgit sync")
        if found is not None:
            raise found
        raise unreachable(remote, err)
    crash.point("fetched")


def list_named(root: Path, remote: str, names: Collection[str]) -> Listed:
    """Those of these refs that the remote shows, or more of arcgit's. Raises UndeterminedError where it is silent."""
    few = len(names) < outgoing.MANY
    return list_remote(root, remote, *(names if few else (LEDGER_REF, FIXITY_REF, f"{RECORD_PREFIX}*")))


def push(
    root: Path, remote: str, goes: Mapping[str, str], *, atomic: bool = True, present: Collection[str] = ()
) -> None:
    """Push refs with the oids that they shall have, all or none. Never forces.

    `present` are the refs that the remote is known to have. One process of a repository pushes at a time.

    Raises PushRejectedError where the remote has moved on, UndeterminedError where it cannot be reached or cannot
    push atomically, RefusedError where a hook says no.
    """
    where = [f"--receive-pack={_HARDENED} receive-pack", remote] if is_path(remote) else [require_remote_name(remote)]
    with outgoing.refspecs(root, goes) as refspecs:
        arguments = ["push", *(["--atomic"] if atomic else []), "--porcelain", *where, *refspecs]
        # What is pushed here was judged here, so the hook pre-push need not do it once more.
        code, out, err = gitpython.run(root, arguments, {"ARCGIT_SYNC": "1"})
    status = {name: (flag, why or said) for flag, name, said, why in _STATUS.findall(out)}
    if code == 0:
        _require_named(remote, goes, status)
        crash.point("pushed")
        return
    took = [name for name, (flag, _) in status.items() if flag in " +*"]
    refused = {name: why for name, (flag, why) in status.items() if flag == "!"}
    if atomic and took and refused:
        raise PartlyTakenError(remote, took, refused)
    if hidden := [name for name, why in refused.items() if why == HIDDEN]:
        message = f"`{remote}` lets nobody push {hidden[0]}: {HIDDEN}"
        raise RefusedError("ref-hidden", message, _allow(refused))
    words = f"{out}\n{err}"
    if "does not support --atomic" in words:
        message = f"the server behind `{remote}` cannot push several refs as one"
        hint = "repeat with --non-atomic: tags go first, then the ledger"
        raise UndeterminedError("push-not-atomic", message, hint)
    if re.search(r"^!.*\[rejected\].*(fetch first|non-fast-forward|stale info|already exists)", words, re.MULTILINE):
        raise PushRejectedError("push-rejected", f"`{remote}` has news: {one_line(err)}", "arcgit sync")
    if (through := _THROUGH.search(words)) and through[1] not in status:
        # git names only what the symbolic ref stands for. One that stands for nothing is not among those that are there.
        raise symbolic_ref(remote, [name for name in refused if name not in present] or list(refused), through[1])
    if re.search(r"\[remote rejected\]|pre-receive hook declined|pre-push", words):
        if lock := _LOCK.search(words):
            message = f"a lock file on `{remote}` is in the way: {lock[1]}{old_of(lock[1])}"
            hint = f"when no git is at work there, whoever runs it removes it: rm {word(lock[1])}; then arcgit sync"
            raise RemoteLockedError("lock-held", message, hint)
        if "cannot lock ref" in words or "failed to update ref" in words:
            raise PushRejectedError("push-rejected", f"`{remote}` was being written to: {one_line(err)}", "arcgit sync")
        if _MOVED.search(words):
            raise PushRejectedError("push-rejected", f"`{remote}` has news: {_of_hook(words)}", "arcgit sync")
        raise RefusedError("push-refused", f"`{remote}` refused the push: {_of_hook(words) or one_line(words)}")
    if "failed to push some refs" in words:
        hint = "your own pre-push hook may have said no: git push shows it"
        raise RefusedError("push-refused", f"the push to `{remote}` was refused: {one_line(words)}", hint)
    raise unreachable(remote, err)


def _require_named(remote: str, wanted: Collection[str], status: Mapping[str, tuple[str, str]]) -> None:
    """A server may take a ref under another name (a proc-receive hook does that); git calls that done."""
    other = sorted(set(status) - set(wanted))
    if status and other and (lacking := [name for name in wanted if name not in status]):
        message = f"`{remote}` took {lacking[0]} under another name: {other[0]}"
        hint = "whoever runs the server: git config --get-all receive.procReceiveRefs; then arcgit sync"
        raise RefusedError("push-renamed", message, hint)


def not_kept(
    remote: str, pushed: Mapping[str, str], before: Mapping[str, str], now: Mapping[str, str]
) -> ArcgitError | None:
    """The error for refs that the remote said it took and does not show; None where it shows all of them as pushed.

    A ref that is neither as it was nor as it was pushed has been moved on by somebody who was faster: BusyError.
    """
    lacking = sorted(name for name, oid in pushed.items() if now.get(name) != oid)
    if not lacking:
        return None
    if all(name in now and now[name] != before.get(name) for name in lacking):
        return PushRejectedError("push-rejected", f"`{remote}` has news: {lacking[0]} has moved on", "arcgit sync")
    words = ", ".join(lacking[:_SHOWN]) + (f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else "")
    message = f"`{remote}` says that it took {words}, and does not show that to whoever fetches; all of it is kept here"
    hint = "whoever runs the server looks at uploadpack.hideRefs and at its hook proc-receive; then arcgit sync"
    return UndeterminedError("push-not-kept", message, hint)


def _allow(refused: Mapping[str, str]) -> str:
    """The way on where the remote refused some refs: what whoever runs it does."""
    if HIDDEN in refused.values():
        return "whoever runs the server: git config --show-origin --get-regexp hiderefs tells where; then arcgit sync"
    return "whoever runs the server lets these be pushed; then arcgit sync brings the rest"


def changed_paths(root: Path, paths: Sequence[str]) -> list[str]:
    """Those of `paths` that git calls changed: different from HEAD in the index or the work tree, or untracked."""
    if not paths:
        return []
    arguments = ["status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--"]
    code, out, err = person.run(root, [*arguments, *(f":(top,literal){path}" for path in paths)])
    if code != 0:
        raise UndeterminedError("git-failed", f"git status failed: {one_line(err)}")
    return sorted({item[3:] for item in out.split("\0") if item})


def is_committed(root: Path, path: str) -> bool:
    """True where HEAD has a file at `path`."""
    return person.run(root, ["cat-file", "-e", f"HEAD:{path}"])[0] == 0


def is_sparse(root: Path) -> bool:
    """True where this work tree is a sparse checkout."""
    return person.run(root, ["config", "--type=bool", "--get", "core.sparseCheckout"])[1].strip() == "true"


_NOT_KEPT = "fatal: fetch-pack: invalid index-pack output"


def unreachable(remote: str, err: str) -> UndeterminedError:
    """The error for a remote that git could not talk to, with git's own words."""
    remote = without_password(remote)
    if "multi-pack-index" in err:
        message = f"`{remote}` cannot read its index of all packs: {one_line(err)}"
        return UndeterminedError("remote-unreachable", message, f"whoever runs the server, there: {PACKS_AGAIN}")
    hint = f"check the address and your access: git ls-remote {word(remote)}"
    if one_line(err) == _NOT_KEPT:
        # What writes the pack has ended without a word, as it does where the system allows no such file.
        message = f"what came from `{remote}` could not be kept: {_NOT_KEPT}"
        return UndeterminedError("git-write-failed", message, "look at space and limits: df . ; ulimit -f; git fsck")
    return UndeterminedError("remote-unreachable", f"`{remote}` cannot be reached: {one_line(err)}", hint)


def _of_hook(words: str) -> str:
    """What arcgit's hook on the other side gave as its reasons, or an empty string."""
    lines = [line.removeprefix("remote: ").strip() for line in words.splitlines() if line.startswith("remote: ")]
    return " / ".join(lines)[:400] if any(line.startswith("arcgit: ") for line in lines) else ""


def one_line(words: str) -> str:
    """What git said, on one line."""
    lines = [
        line.strip() for line in words.splitlines() if line.strip() and not line.startswith(("To ", "Done", "hint:"))
    ]
    return " / ".join(lines)[:400] or "no message"
