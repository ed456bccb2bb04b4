"""The user's git configuration, as git itself resolves it, and the few settings that `init` writes."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from arcgit.errors import UndeterminedError, UsageError
from arcgit.git import gitpython, person
from arcgit.git.obstacles import obstacle
from arcgit.model.names import LEDGER_REF, tracking_ref


class Settings:
    """Configuration of one repository. Names are lower-cased as git prints them; the last value wins."""

    def __init__(self, root: Path) -> None:
        self.root = root
        out = _listed(root)
        self._values: dict[str, list[str]] = {}
        for item in out.split("\0"):
            name, _, value = item.partition("\n")
            if name:
                self._values.setdefault(name, []).append(value)

    def get(self, name: str, default: str = "") -> str:
        """The value in force of one name, such as `user.email`."""
        return self._values.get(name, [default])[-1]

    def all(self, name: str) -> list[str]:
        """Every value of a multi-valued name."""
        return list(self._values.get(name, []))

    def hooks_folder(self) -> Path:
        """Where git looks for hooks, `core.hooksPath` and its `~` resolved."""
        return self.root / _git(self.root, "rev-parse", "--git-path", "hooks")

    def scope_of(self, name: str) -> str:
        """Which configuration the value in force comes from: `system`, `global`, `local`, `worktree` or `command`."""
        return _git(self.root, "config", "--show-scope", "--get", name).partition("\t")[0]

    def flat(self) -> Mapping[str, str]:
        """Every name with the value in force."""
        return {name: values[-1] for name, values in self._values.items()}

    def identity(self) -> tuple[str, str]:
        """Name and e-mail address of the person. Raises UndeterminedError where git does not know them."""
        name, email = self.get("user.name"), self.get("user.email")
        if not name or not email:
            hint = 'git config user.name "Your Name" && git config user.email you@example.org'
            raise UndeterminedError("identity-missing", "git does not know who you are", hint)
        return name, email

    def remotes(self) -> list[str]:
        """The names of the configured remotes, sorted."""
        found = {name[len("remote.") : -len(".url")] for name in self._values if _is_remote_url(name)}
        return sorted(found)

    def remote(self) -> str | None:
        """The remote that the archive is exchanged with: `arcgit.remote`, else `origin`, else the only one."""
        remotes = self.remotes()
        chosen = self.get("arcgit.remote")
        if chosen:
            if chosen not in remotes:
                raise UsageError(
                    "remote-unknown", f"arcgit.remote names `{chosen}`, which is not a remote", "git remote"
                )
            return chosen
        if "origin" in remotes:
            return "origin"
        return remotes[0] if len(remotes) == 1 else None

    def add_once(self, name: str, value: str) -> bool:
        """Add a value to a multi-valued local name unless it is there; True where it was added."""
        if value in self.all(name):
            return False
        _git(self.root, "config", "--local", "--add", name, value)
        self._values.setdefault(name, []).append(value)
        return True

    def set(self, name: str, value: str) -> bool:
        """Set a local name; True where that changed anything."""
        if self.get(name) == value:
            return False
        _git(self.root, "config", "--local", name, value)
        self._values[name] = [value]
        return True

    def fetch_ledger_from(self, remote: str) -> bool:
        """Make `git fetch` bring the ledger and all tags; True where that changed anything.

        There is never a refspec for tags: pruning would delete records that are not pushed yet.
        """
        tags = self.set(f"remote.{remote}.tagopt", "--tags")
        return self.add_once(f"remote.{remote}.fetch", f"+{LEDGER_REF}:{tracking_ref(remote)}") or tags


def _is_remote_url(name: str) -> bool:
    return name.startswith("remote.") and name.endswith(".url")


def _listed(root: Path) -> str:
    """All settings. Every command reads them, and importing GitPython takes longer than most commands do."""
    command = ["git", "config", "--list", "-z"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, check=False, env=person.environment())
    except FileNotFoundError as error:
        raise UndeterminedError("git-missing", "git is not installed or not on PATH", "install git") from error
    if done.returncode != 0:
        raise _failed("config", done.stderr.decode(errors="replace"))
    return done.stdout.decode(errors="surrogateescape")


def _git(root: Path, *arguments: str) -> str:
    code, out, err = gitpython.run(root, arguments)
    if code != 0:
        raise obstacle(err, root) or _failed(arguments[0], err)
    return out


def _failed(command: str, err: str) -> UndeterminedError:
    return UndeterminedError("git-failed", f"git {command} failed: {' '.join(err.split())}")
