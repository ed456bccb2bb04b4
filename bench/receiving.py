"""The hook of a server: a push of new records onto very many, beside what git does for it and bare signature checks."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from arcgit.archive.hooks import hooks
from bench.child import Spent, spent
from bench.place import PYTHON, Archive, Pair, Place, run

NEW = 100
LEDGER = "refs/notes/arcgit"
CHECK = """\
import subprocess, sys, time
from arcgit.model import event, gitobject, policy
from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import Keyring
oids = sys.argv[2:]
def read(oid):
    kind = subprocess.check_output(["git", "cat-file", "-t", oid], cwd=sys.argv[1]).decode().strip()
    return kind, subprocess.check_output(["git", "cat-file", kind, oid], cwd=sys.argv[1])
root = subprocess.check_output(["git", "rev-list", "--reverse", "refs/notes/arcgit"], cwd=sys.argv[1]).split()[1].decode()
first = policy.parse(event.parse_message(gitobject.parse_commit(read(root)[1]).message).data["policy"])
keyring = Keyring([PublicKey(key.type, key.fingerprint, key.public_key) for key in first.all_keys()])
parts = []
for oid in oids:
    kind, raw = read(oid)
    found = gitobject.parse_tag(raw) if kind == "tag" else gitobject.parse_commit(raw)
    parts.append((found.payload, found.signature))
keyring.verify(*parts[0])
start = time.perf_counter()
assert all(keyring.verify(*part).status.value == "good" for part in parts)
print(time.perf_counter() - start)
"""


@dataclass(frozen=True)
class _Hub:
    """A bare repository with the hook, a quarantine with what a push brought, and the lines that git tells the hook."""

    hub: Path
    quarantine: Path
    lines: Path
    new: list[str]
    checks: float

    @property
    def environment(self) -> list[str]:
        return [
            "env", "GIT_DIR=.", f"GIT_QUARANTINE_PATH={self.quarantine}", f"GIT_OBJECT_DIRECTORY={self.quarantine}",
            f"GIT_ALTERNATE_OBJECT_DIRECTORIES={self.hub / 'objects'}",
        ]  # fmt: skip


def server_hook(place: Place) -> Pair:
    """As git runs it: the hook from its shell on, the new objects in quarantine, the ledger judged by a push before."""
    made = _hub(place)
    hook = [*made.environment, "sh", "-c", f"hooks/pre-receive < {made.lines}"]
    # The first push judges the whole ledger once; what is measured is every push after it.
    run(made.hub, *hook)
    wanted = made.lines.with_name("new")
    wanted.write_text("".join(f"{oid}\n" for oid in made.new))
    listing = [
        *made.environment, "sh", "-c", f"git rev-list --objects --stdin --not --all < {wanted}",
    ]  # fmt: skip

    def theirs() -> Spent:
        git = spent(listing, made.hub)
        return Spent(git.seconds + made.checks, git.peak_kib)

    note = f"{NEW} records and their events; signature checks {made.checks * 1000:.0f} ms, in process"
    return Pair(lambda: spent(hook, made.hub), theirs, note=note)


def _hub(place: Place) -> _Hub:
    mine = Archive(place.archive(place.sizes.records + NEW).folder)
    folder = place.once("receiving", lambda path: path.mkdir())
    hub, work = folder / "hub.git", mine.work
    events = run(work, "git", "log", "--reverse", "--first-parent", "--format=%H %s", LEDGER).splitlines()
    recorded = [line.split(" ") for line in events if line.split(" ")[1] == "recorded"]
    base = recorded[place.sizes.records - 1][0]
    tags = [f"refs/tags/exp/{row[2]}/{row[3]}" for row in recorded[place.sizes.records :]]
    oids = run(work, "git", "rev-parse", *tags).split()
    tip = run(work, "git", "rev-parse", LEDGER).strip()
    shutil.copytree(work / ".git", hub)
    run(hub, "git", "config", "core.bare", "true")
    drop = "".join(f"delete {tag}\n" for tag in tags)
    subprocess.run(["git", "update-ref", "--stdin"], cwd=hub, input=drop.encode(), check=True)
    run(hub, "git", "update-ref", LEDGER, base)
    run(hub, "git", "update-ref", "-d", "refs/heads/main")
    (hub / "index").unlink(missing_ok=True)
    shutil.rmtree(hub / "logs", ignore_errors=True)
    run(hub, "git", "pack-refs", "--all")
    run(hub, "git", "repack", "-a", "-d", "-q")
    run(hub, "git", "prune", "--expire=now")
    (hub / "hooks").mkdir(exist_ok=True)
    (hub / "hooks" / "pre-receive").write_text(hooks.script("pre-receive"))
    (hub / "hooks" / "pre-receive").chmod(0o755)
    quarantine = folder / "quarantine"
    (quarantine / "pack").mkdir(parents=True)
    asked = "".join(f"{oid}\n" for oid in (*oids, tip))
    have = subprocess.run(["git", "for-each-ref", "--format=%(objectname)"], cwd=hub, capture_output=True, check=True)
    revs = asked.encode() + b"--not\n" + have.stdout
    pack = subprocess.run(
        ["git", "pack-objects", "--revs", "--thin", "--stdout", "-q"],
        cwd=work,
        input=revs,
        capture_output=True,
        check=True,
    )
    made = {"GIT_OBJECT_DIRECTORY": str(quarantine), "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(hub / "objects")}
    subprocess.run(
        ["git", "index-pack", "--stdin", "--fix-thin"], cwd=hub, input=pack.stdout, check=True, capture_output=True,
        env={**os.environ, **made},
    )  # fmt: skip
    lines = folder / "lines"
    zero = "0" * 40
    created = "".join(f"{zero} {oid} {tag}\n" for tag, oid in zip(tags, oids, strict=True))
    lines.write_text(f"{created}{base} {tip} {LEDGER}\n")
    new = run(work, "git", "rev-list", "--first-parent", f"{base}..{tip}").split()
    script = folder / "check.py"
    script.write_text(CHECK)
    python = ["env", f"PYTHONPATH={Path(__file__).parent.parent}", PYTHON, str(script)]
    checks = min(float(run(folder, *python, str(work), *oids, *new)) for _ in range(3))
    return _Hub(hub, quarantine, lines, [*oids, tip], checks)
