"""`arcgit doctor`: what is installed and set here, and which events of a push the hooks really see.

Nothing is believed of the hooks: probes are pushed to a scratch bare repository in a temporary folder, each by its road
alone, and what counts is whether the push went through. Nothing is written into the repository, and no remote is asked
unless that is wanted.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from arcgit import __version__
from arcgit.archive import gc, ledger, pin, scratch
from arcgit.archive.context import Context
from arcgit.archive.gc import Risk
from arcgit.archive.hooks import hooks
from arcgit.archive.hooks.hookfile import Kind, look
from arcgit.archive.hooks.hooks import HookState
from arcgit.archive.judge import ClaimReader
from arcgit.archive.pushes import server
from arcgit.archive.scratch import Scratch
from arcgit.errors import ArcgitError
from arcgit.model.names import FIXITY_REF, LEDGER_REF, RECORD_PREFIX, tracking_ref
from arcgit.rules import hiding

PACKAGES = ("dvc", "pygit2", "gitpython", "msgspec", "cryptography", "pysequoia", "python-gnupg", "pre-commit")
PROGRAMS = {"git": ["git", "--version"], "gpg": ["gpg", "--version"], "ssh": ["ssh", "-V"]}
FRAMEWORK = """\
repos:
  - repo: local
    hooks:
      - {id: mark, name: mark, language: system, entry: sh -c 'touch "$MARK"', always_run: true, pass_filenames: false}
"""
SEEN, UNSEEN, PASSES, REFUSED, UNASKED = "seen", "unseen", "passes", "refused", "not asked"


@dataclass(frozen=True)
class Probe:
    """One event of a push, and on each road whether the hook there saw it: `seen`, `unseen`, `not asked`.

    What is whole `passes`, or is `refused` by a hook that cannot run.
    """

    event: str
    pre_push: str
    server: str
    pre_commit: str


@dataclass
class Examination:
    """What was found. `advice` has a command for whatever should be otherwise."""

    tools: dict[str, str] = field(default_factory=dict)
    hooks: list[HookState] = field(default_factory=list)
    fetch: list[dict[str, Any]] = field(default_factory=list)
    pins: list[dict[str, Any]] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    gc: list[Risk] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)


def examine(
    context: Context, now: datetime, *, folder: Path, probes: bool = True, network: bool = False
) -> Examination:
    """Look at this clone, or at this bare repository. Raises ArcgitError where no probe can be made.

    `folder` is where a person stands, for DVC; with `network` remotes are asked what `dvc gc` would delete there.
    """
    found = Examination(tools=_tools())
    names = (*hooks.SERVER, *hooks.ONLY_UPDATE) if context.repo.bare else hooks.NAMES
    found.hooks = hooks.status(context, names)
    found.advice += _inactive(found.hooks, bare=context.repo.bare)
    if context.repo.bare:
        own = (LEDGER_REF, FIXITY_REF, RECORD_PREFIX.rstrip("/"))
        hidden = server.hidden(context.root, own)
        found.advice += [f"{ref} is hidden from whoever pushes: {hiding.WAY_ON}" for ref in hidden]
    else:
        _fetching(context, found)
    _pinned(context, found)
    found.gc = gc.survey(context, folder, network=network) if not context.repo.bare else []
    if probes:
        with tempfile.TemporaryDirectory(prefix="arcgit-doctor-") as place:
            found.probes = _probe(context, scratch.make(Path(place), now), found.hooks)
        found.advice += [
            f"{probe.event}: {_amiss(probe)}; arcgit hooks install" + (" --server here" if context.repo.bare else "")
            for probe in found.probes
            if {UNSEEN, REFUSED} & {probe.pre_push, probe.server}
        ]
    return found


def _inactive(states: list[HookState], *, bare: bool) -> list[str]:
    """What is to be done about hooks that do not run: on a server, one of the two does."""
    active = {state.name for state in states if state.outcome == "active"}
    if bare and active == set(hooks.ONLY_UPDATE):
        return ["update judges each ref alone; where the host allows pre-receive: arcgit hooks install --server here"]
    needed = [state for state in states if not bare or state.name in hooks.SERVER]
    return [f"{state.name}: {state.hint}" for state in needed if state.name not in active and state.hint]


def _amiss(probe: Probe) -> str:
    refused = REFUSED in {probe.pre_push, probe.server}
    return "the installed hook refuses it" if refused else "the installed hook did not see it"


def _tools() -> dict[str, str]:
    tools = {"arcgit": __version__, "python": sys.version.partition(" ")[0]}
    for name, command in PROGRAMS.items():
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
            lines = (done.stdout or done.stderr).splitlines()
            tools[name] = lines[0].strip() if lines else "says nothing"
        except OSError:
            tools[name] = "not here"
    for name in PACKAGES:
        try:
            tools[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            tools[name] = "not here"
    return tools


def _fetching(context: Context, found: Examination) -> None:
    for remote in context.settings.remotes():
        refspec = f"+{LEDGER_REF}:{tracking_ref(remote)}"
        row = {
            "remote": remote,
            "ledger": refspec in context.settings.all(f"remote.{remote}.fetch"),
            "tags": context.settings.get(f"remote.{remote}.tagopt") == "--tags",
        }
        found.fetch.append(row)
        # Before the first exchange there is nothing to bring.
        founded = context.repo.ref(tracking_ref(remote)) is None and context.repo.ref(LEDGER_REF) is not None
        if remote == context.remote and not founded and not (row["ledger"] and row["tags"]):
            found.advice.append(f"git fetch does not bring the whole archive from `{remote}`: arcgit init")


def _pinned(context: Context, found: Examination) -> None:
    view = ledger.in_force(context, ClaimReader())
    if view is None or not view.ledger.archive:
        return
    try:
        known = pin.load(context.state_dir, view.ledger.archive)
    except ArcgitError as fault:
        found.advice.append(f"{fault.message}: {fault.hint}")
        return
    if known is not None:
        path = str(pin.path_of(context.state_dir, known.archive))
        found.pins.append(
            {"archive": known.archive, "founder": known.founder, "seq": known.seq, "tip": known.tip, "path": path}
        )
    elif not context.repo.bare:
        found.advice.append(f"archive {view.ledger.archive} is not pinned: arcgit verify --trust-root FINGERPRINT")


def _probe(context: Context, made: Scratch, states: list[HookState]) -> list[Probe]:
    client = _installed(states, ["pre-push"]) if not context.repo.bare else {}
    shipped = {name: hooks.script(name) for name in hooks.SERVER}
    server = _installed(states, [*hooks.SERVER, *hooks.ONLY_UPDATE]) if context.repo.bare else shipped
    framework = _framework(made)
    rows = []
    for event, arguments in _events(made).items():
        wanted = SEEN if event != _CONTROL else PASSES
        rows.append(
            Probe(
                event,
                UNASKED if context.repo.bare else _seen(made, wanted, arguments, client=client),
                _seen(made, wanted, arguments, server=server),
                framework(arguments) if framework else UNASKED,
            )
        )
    return rows


_CONTROL = "a whole record with its event"


def _events(made: Scratch) -> dict[str, list[str]]:
    tag, forged = made.record.refname, "refs/tags/exp/probe/forged/0123456789ab"
    return {
        _CONTROL: [LEDGER_REF, tag],
        "a branch with an incomplete manifest": [f"{made.bad}:refs/heads/main"],
        "a new tag on an old commit": [f"{made.good}:{forged}"],
        "several refs, one of them bad": [f"{made.good}:refs/heads/fine", f"{made.good}:{forged}"],
        "a record deleted": [f":{tag}"],
        "a record moved": ["--force", f"{made.good}:{tag}"],
        "the ledger deleted": [f":{LEDGER_REF}"],
        "the ledger taken back": ["--force", f"{LEDGER_REF}~1:{LEDGER_REF}"],
        "a note by stock git on the ledger": [f"{made.noted}:{LEDGER_REF}"],
    }


def _installed(states: list[HookState], names: Sequence[str]) -> dict[str, str]:
    """The texts of those hooks that git runs here and that run arcgit."""
    texts: dict[str, str] = {}
    for state in states:
        if state.name in names and state.outcome == "active":
            there = look(Path(state.path))
            # A hook of somebody else may do anything, so only its call of arcgit is made.
            texts[state.name] = there.content.decode() if there.kind is Kind.OURS else hooks.script(state.name)
    return texts


def _seen(
    made: Scratch,
    wanted: str,
    arguments: list[str],
    *,
    client: Mapping[str, str] = MappingProxyType({}),
    server: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Push by one road: refused is seen. Each push goes to a fresh copy, so that none follows from another."""
    with _copies(made, empty=wanted == PASSES) as (work, hub):
        for folder, texts in ((work / ".git", client), (hub, server)):
            for name, text in texts.items():
                path = folder / "hooks" / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
                path.chmod(0o755)
        done = _push(work, hub, arguments, skip=not client and bool(server))
    if wanted == PASSES:
        return PASSES if done.returncode == 0 else REFUSED
    return SEEN if done.returncode != 0 and "arcgit: nothing was " in done.stderr else UNSEEN


class _copies:  # noqa: N801  reads as the statement that it is
    def __init__(self, made: Scratch, *, empty: bool) -> None:
        self.made, self.empty = made, empty

    def __enter__(self) -> tuple[Path, Path]:
        self.folder = Path(tempfile.mkdtemp(prefix="probe-", dir=self.made.work.parent))
        work, hub = self.folder / "work", self.folder / "hub.git"
        shutil.copytree(self.made.work, work, symlinks=True)
        shutil.copytree(self.made.hub, hub, symlinks=True)
        scratch.git(work, "config", "remote.origin.url", str(hub))
        if self.empty:
            for ref in (LEDGER_REF, self.made.record.refname):
                scratch.git(hub, "update-ref", "-d", ref)
        return work, hub

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _push(work: Path, hub: Path, arguments: list[str], *, skip: bool, **extra: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "push", *(["--no-verify"] if skip else []), "origin", *arguments]
    return subprocess.run(
        command, cwd=work, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env={**scratch.plain(hub.parent), **extra},
    )  # fmt: skip


def _framework(made: Scratch) -> Callable[[list[str]], str] | None:
    """A push through pre-commit with a hook that leaves a mark; None where pre-commit is not here."""
    beside = Path(sys.executable).with_name("pre-commit")
    program = str(beside) if beside.exists() else shutil.which("pre-commit")
    if program is None:
        return None

    def push(arguments: list[str]) -> str:
        with _copies(made, empty=False) as (work, hub):
            mark = work.parent / "mark"
            (work / ".pre-commit-config.yaml").write_text(FRAMEWORK)
            env = {**scratch.plain(hub.parent), "PRE_COMMIT_HOME": str(work.parent / "home")}
            command = [program, "install", "-t", "pre-push"]
            scratch.git(work, "add", ".pre-commit-config.yaml")
            done = subprocess.run(command, cwd=work, capture_output=True, check=False, env=env)
            if done.returncode:
                return UNASKED
            _push(work, hub, arguments, skip=False, MARK=str(mark), PRE_COMMIT_HOME=env["PRE_COMMIT_HOME"])
            return SEEN if mark.exists() else UNSEEN

    return push
