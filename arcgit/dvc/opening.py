"""Remotes as DVC's configuration names them, opened with the credentials that DVC would use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from arcgit.dvc import answering, certificates, faults, hostkeys, patience, redirects, resuming, versioned, wholes
from arcgit.dvc.pinned import RemoteSettings
from arcgit.dvc.project import project
from arcgit.dvc.remote import DataRemote
from arcgit.errors import ArcgitError, UndeterminedError

Require = Callable[[RemoteSettings], None]


def open_remote(
    root: Path, name: str | None, require: Require = lambda settings: None, *, pinned: bool = False
) -> DataRemote:
    """The DVC remote of that name, or the default one. Raises UndeterminedError where it cannot be used.

    `require` is called with its settings before anything is made of them, and raises where they may not be used. A
    `pinned` one is talked to where its address leads, and nowhere else.
    """
    from dvc.config import ConfigError
    from dvc.exceptions import DvcException, NotDvcRepoError

    try:
        repo = project(root)
        if (settings := _settings(repo, name)) is not None:
            require(settings)
            certificates.require_usable(settings.name, settings.settings)
        remote = repo.cloud.get_remote(name, "push")
        url = str(repo.config["remote"].get(remote.name, {}).get("url", remote.path))
        versioned.require_supported(remote)
        if remote.fs.protocol == "ssh":
            hostkeys.hold_to_known(remote.fs)
            patience.end_silence(remote.fs)
            answering.hold_to_answers(remote.fs)
        if remote.fs.protocol == "s3":
            wholes.hold_to_few(remote.fs)
        redirects.hold_to_server(remote.fs, pinned=pinned)
        resuming.hold_to_few(remote.fs)
        found = DataRemote(remote.name, url, repo, remote)
        found.unchecked = settings is not None and certificates.unchecked(settings.settings)
    except ArcgitError:
        raise
    except NotDvcRepoError as error:
        message = f"{root} has no DVC configuration, so nothing says where the data lies"
        raise UndeterminedError("remote-missing", message, "use a clone with its branch checked out") from error
    except (ConfigError, DvcException) as error:
        hint = "dvc remote add -d storage PATH_OR_URL"
        raise UndeterminedError("remote-missing", faults.words(error).partition(" Create")[0], hint) from error
    except Exception as error:
        raise UndeterminedError(
            "remote-unreachable", f"the DVC remote cannot be opened: {faults.words(error)}"
        ) from error
    return found


def load() -> None:
    """Import what `open_remote` needs, ahead of time: it takes longer than all the rest of a short command."""
    import dvc.cachemgr
    import dvc.data_cloud  # noqa: F401


def remote_names(root: Path) -> list[str]:
    """The remotes that DVC has in its configuration, in its order; none where there is no DVC repository."""
    from dvc.exceptions import DvcException

    try:
        return [str(name) for name in project(root).config["remote"]]
    except DvcException:
        return []


def settings_of(root: Path) -> RemoteSettings | None:
    """The settings of a project's default remote, None where there is none or DVC cannot read them."""
    from dvc.exceptions import DvcException

    try:
        return _settings(project(root), None)
    except DvcException:
        return None


def _settings(repo: Any, name: str | None) -> RemoteSettings | None:
    """What DVC would open for a remote, through all its configurations and the remotes that it is based on."""
    from dvc.fs import get_fs_config

    default = repo.config["core"].get("remote")
    wanted = (name or default or "").lower()
    if not wanted:
        return None
    settings = {key: _text(value) for key, value in get_fs_config(repo.config, name=wanted).items()}
    levels = repo.config.load_one("repo")["remote"]
    tracked: set[str] = set()
    link = wanted
    for _ in repo.config["remote"]:
        own = {key: _text(value) for key, value in levels.get(link, {}).items()}
        tracked |= {key for key, value in own.items() if key == "url" or settings.get(key, "").lower() == value.lower()}
        scheme, _, rest = str(repo.config["remote"].get(link, {}).get("url", "")).partition("://")
        if scheme != "remote":
            break
        link = rest.partition("/")[0].lower()
    return RemoteSettings(wanted, wanted == (default or "").lower(), settings, frozenset(tracked))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
