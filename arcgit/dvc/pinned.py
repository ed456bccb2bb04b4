"""The settings of a DVC remote against those that the archive's policy pins.

`.dvc/config` is a file of the repository: whoever may change it could send data and credentials elsewhere. So what decides
where a remote's traffic goes must be what the policy says, whichever configuration it comes from. What only says who
somebody is may stay in their own configuration, but not come from the repository unasked.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

FREE = frozenset(
    {"jobs", "checksum_jobs", "verify", "timeout", "read_timeout", "connect_timeout", "connection_timeout"}
    | {
        "no_traverse",
        "shared",
        "type",
        "protected",
        "slow_link_warning",
        "cache_regions",
        "max_sessions",
        "listobjects",
    }
    | {"worktree", "version_aware", "gdrive_trash_only", "gdrive_acknowledge_abuse"}
)
"""What says neither where a remote is nor who asks it."""
SECRET = frozenset(
    {"password", "passphrase", "token", "access_key_id", "secret_access_key", "session_token", "sse_customer_key"}
    | {"sas_token", "account_key", "client_secret", "gdrive_client_secret", "oss_key_id", "oss_key_secret"}
)
"""Credentials themselves: they go where the other settings say, and nobody writes them into a policy."""
PERSONAL = frozenset(
    {"user", "profile", "credentialpath", "configpath", "keyfile", "cert_path", "key_path", "kerb_ticket"}
    | {"ask_password", "ask_passphrase", "allow_agent", "gss_auth", "tenant_id", "client_id", "projectname"}
    | {"exclude_environment_credential", "exclude_visual_studio_code_credential"}
    | {"exclude_shared_token_cache_credential", "exclude_managed_identity_credential"}
    | {"kerberos", "kerberos_principal", "gdrive_client_id", "gdrive_use_service_account", "connection_string"}
    | {"gdrive_user_credentials_file", "gdrive_service_account_user_email", "gdrive_service_account_json_file_path"}
    | {"bearer_token_command"}
)
"""Who asks: everybody's own, unless the repository says it."""
PROGRAMS = frozenset({"bearer_token_command"})
"""Settings that name a program. From the repository it does not run, with or without pins."""
DEFAULTS = {"use_ssl": "true", "allow_anonymous_login": "false", "ssl_verify": "true"}
"""What DVC fills in: to say it is to say nothing."""
_ENVIRONMENT: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "s3": {"endpointurl": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")},
    "gs": {"endpointurl": ("STORAGE_EMULATOR_HOST",)},
    "oss": {"oss_endpoint": ("OSS_ENDPOINT",)},
}
_SCHEME = re.compile(r"([A-Za-z0-9_+.-]+)://")


@dataclass(frozen=True)
class RemoteSettings:
    """One remote as DVC would use it. `settings` are resolved over all configurations, addresses of folders made absolute.

    `tracked` are the names of those that the repository's own configuration decides.
    """

    name: str
    default: bool
    settings: Mapping[str, str]
    tracked: frozenset[str]


def pins_of(remote: RemoteSettings, pins: Mapping[str, str]) -> dict[str, str]:
    """What the policy pins for a remote, by setting; empty where it does not name it.

    In a policy `NAME` stands for the address of the remote and `NAME.SETTING` for another setting of it; the NAME
    `default` is that of a project's default remote.
    """
    names = [remote.name, *(["default"] if remote.default else [])]
    chosen = next((name for name in names if name in pins), None)
    if chosen is None:
        return {}
    found = {"url": pins[chosen]}
    return found | {key[len(chosen) + 1 :]: value for key, value in pins.items() if key.startswith(f"{chosen}.")}


def faults(
    remote: RemoteSettings, pins: Mapping[str, str], *, root: str, environ: Mapping[str, str] | None = None
) -> list[str]:
    """What keeps a remote from being talked to, in words without any secret; empty where nothing does.

    Without pins only programs that the repository names are refused. `root` is what pinned relative paths start from.
    """
    if not pins:
        named = sorted(PROGRAMS & remote.tracked)
        return [f"{key} is set by the repository itself, and would run a program" for key in named]
    pinned = pins_of(remote, pins)
    if not pinned:
        return ["the policy pins other remotes and not this one"]
    present = _with_environment(remote.settings, os.environ if environ is None else environ)
    found = []
    for key in sorted(pinned.keys() | present.keys()):
        has, wanted = present.get(key), pinned.get(key)
        if has == wanted or key in FREE | SECRET or (wanted is None and has == DEFAULTS.get(key)):
            continue
        if wanted is None and key in PERSONAL and key not in remote.tracked:
            continue
        if key == "url" and _address(has or "", root) == _address(wanted or "", root):
            continue
        found.append(f"{key} is {_shown(key, has)}, and the policy pins {_shown(key, wanted)}")
    return found


def to_pin(remote: RemoteSettings, root: str) -> dict[str, str]:
    """The pins for a remote as it stands: its address, and what else must be pinned of it."""
    url = remote.settings["url"]
    rows = {remote.name: url if _SCHEME.match(url) else os.path.relpath(url, root)}
    for key, value in sorted(remote.settings.items()):
        tracked = key not in PERSONAL or key in remote.tracked
        if key != "url" and tracked and key not in FREE | SECRET and value != DEFAULTS.get(key):
            rows[f"{remote.name}.{key}"] = value
    return rows


def _with_environment(settings: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The settings, with the addresses that a storage library would take from the environment."""
    match = _SCHEME.match(settings.get("url", ""))
    named = _ENVIRONMENT.get(match[1] if match else "", {})
    extra = {key: environ[name] for key, names in named.items() for name in reversed(names) if environ.get(name)}
    return {**extra, **settings}


def _address(url: str, root: str) -> str:
    """An address for comparison: a folder's is absolute, from the top of the repository."""
    if _SCHEME.match(url):
        return url.rstrip("/")
    return os.path.abspath(os.path.join(root, os.path.expanduser(url)))


def _shown(key: str, value: str | None) -> str:
    if value is None:
        return "not set"
    if key == "connection_string":
        return "set"
    # A password inside an address is not shown.
    return re.sub(r"(://[^/:@]*):[^/@]*@", r"\1:***@", value)
