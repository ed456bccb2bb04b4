"""One change of a whole archive for each attack that a reader of its format must notice."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from arcgit.model import canonical, gitobject
from arcgit.model import event as events
from tests.compat.archive import Archive, signer_of
from tests.world import Person, git

LEDGER = "refs/notes/arcgit"
Change = Callable[[Path, Archive], None]


def raw(repo: Path, kind: str, rev: str) -> bytes:
    """The bytes of an object."""
    return subprocess.run(["git", "cat-file", kind, rev], cwd=repo, capture_output=True, check=True).stdout


def write(repo: Path, kind: str, data: bytes) -> str:
    """Write an object past what git itself would refuse."""
    command = ["git", "hash-object", "-t", kind, "-w", "--stdin", "--literally"]
    return subprocess.run(command, cwd=repo, input=data, capture_output=True, check=True).stdout.decode().strip()


def retag(change: Callable[[bytes], bytes]) -> Change:
    """Another tag object under the first record's ref."""

    def spoil(repo: Path, archive: Archive) -> None:
        refname = archive.refname("deep")
        git(repo, "update-ref", refname, write(repo, "tag", change(raw(repo, "tag", refname))))

    return spoil


def renamed(repo: Path, archive: Archive) -> None:
    """A tag under another name."""
    refname = archive.refname("deep")
    git(repo, "update-ref", refname.replace("/deep/", "/copied/"), refname)


def lightweight(repo: Path, archive: Archive) -> None:
    """A ref to the commit, without a tag object."""
    git(repo, "update-ref", archive.refname("deep"), f"{archive.refname('deep')}^{{commit}}")


def recommit(place: int, change: Callable[[bytes], bytes]) -> Change:
    """Another ledger commit in the place of one counted from the end; those behind it follow without new signatures."""

    def spoil(repo: Path, archive: Archive) -> None:
        del archive
        oids = git(repo, "rev-list", "--first-parent", f"--max-count={place}", LEDGER).split()[::-1]
        parent = git(repo, "rev-parse", f"{oids[0]}^")
        for number, oid in enumerate(oids):
            data = raw(repo, "commit", oid)
            if number == 0:
                data, before = change(data), data
                if data == before:
                    raise ValueError("nothing was changed")
            parent = write(repo, "commit", b"%s\nparent %s\n%s" % (data[:45], parent.encode(), data[94:]))
        git(repo, "update-ref", LEDGER, parent)

    return spoil


def dropped(repo: Path, archive: Archive) -> None:
    """The newest event and the one before it, taken away."""
    del archive
    git(repo, "update-ref", LEDGER, f"{LEDGER}~2")


def signed(person: Callable[[Archive], Person], **changes: Any) -> Change:
    """One more event by anybody, past every rule; its tree is that of the event before."""

    def spoil(repo: Path, archive: Archive) -> None:
        tip = git(repo, "rev-parse", LEDGER)
        before = raw(repo, "commit", tip)
        last = gitobject.parse_commit(before)
        event = events.parse_message(last.message)
        about = changes.get("about")
        subject = archive.view().ledger.records[archive.refname(about)].subject if about else None
        fields = {key: value for key, value in changes.items() if key != "about"}
        links = {"seq": event.seq + 1, "previous": canonical.sha256(before), "subject": subject}
        new = msgspec.structs.replace(event, **links, **fields)
        message = events.message(new)
        payload = gitobject.commit_payload(tree=last.tree, parent=tip, author=last.author, message=message)
        signature = signer_of(person(archive)).sign(payload)
        git(repo, "update-ref", LEDGER, write(repo, "commit", gitobject.sign_commit(payload, signature)))

    return spoil


def weak_policy(repo: Path, archive: Archive) -> None:
    """A policy that only one of two needed admins has approved."""
    ledger = archive.view().ledger
    events_of = [event for _, event in ledger.events if event.type == "policy"]
    data = {**events_of[-1].data, "approvals": events_of[-1].data["approvals"][:1]}
    value = {**json.loads(data["policy"]), "version": 4}
    text = canonical.dumps(value).decode()
    digest = canonical.sha256(text.encode())
    data |= {"version": 4, "previous": ledger.policy_digest, "policy": text, "digest": digest}
    signed(lambda archive: archive.ada, type="policy", actor="ada", data=data)(repo, archive)


def annotated(repo: Path, archive: Archive) -> None:
    """A note by stock git."""
    del archive
    git(repo, "notes", "--ref=arcgit", "add", "-f", "-m", "looks good", "HEAD")


def _delete(repo: Path, refname: str) -> None:
    git(repo, "update-ref", "-d", refname)


def rewrapped(data: bytes) -> bytes:
    """The signature in lines of another length: it stays good, the object does not stay the recorded one."""
    cut = data.index(b"-----BEGIN")
    first, *lines, last = data[cut:].decode().strip().split("\n")
    body = "".join(lines)
    wrapped = [body[at : at + 64] for at in range(0, len(body), 64)]
    return data[:cut] + "\n".join([first, *wrapped, last, ""]).encode()


PURGE = {"reason": "Space."}
ATTACKS: Mapping[str, tuple[str, Change]] = {
    "renamed-tag": ("fail", renamed),
    "lightweight-tag": ("fail", lightweight),
    "deleted-tag": ("fail", lambda repo, archive: _delete(repo, archive.refname("deep"))),
    "edited-tag": ("fail", retag(lambda data: data.replace(b"owner: Ada", b"owner: Eve", 1))),
    "commented-tag": ("fail", retag(lambda data: data + b"Comment\n")),
    "rewrapped-tag": ("fail", retag(rewrapped)),
    "no-ledger": ("unknown", lambda repo, archive: _delete(repo, LEDGER)),
    "edited-event": ("fail", recommit(1, lambda data: data.replace(b'"outcome":"failed"', b'"outcome":"succeeded"'))),
    "edited-policy": ("fail", recommit(9, lambda data: data.replace(rb'\"policy\":2', rb'\"policy\":1'))),
    "dropped-event": ("fail", dropped),
    "newer-event": ("unknown", signed(lambda archive: archive.bob, schema="arcgit/event/v2")),
    "unknown-type": ("unknown", signed(lambda archive: archive.bob, type="blessed", data={})),
    "purged-on-hold": ("fail", signed(lambda archive: archive.carol, type="purged", actor="carol", about="deep", data=PURGE)),
    "purged-by-recorder": ("fail", signed(lambda archive: archive.bob, type="purged", about="long", data=PURGE)),
    "reviewed-without-role": ("fail", signed(lambda archive: archive.bob, type="reviewed", about="long", data={"outcome": "approved"})),
    "notes-without-line": ("fail", signed(lambda archive: archive.carol, type="verified", actor="carol", about="long", data={"level": "fixity", "outcome": "pass"})),
    "policy-by-one": ("fail", weak_policy),
    "stock-note": ("fail", annotated),
}  # fmt: skip
