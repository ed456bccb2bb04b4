"""`.dvc/config`, as far as arcgit must know it without importing DVC: which remotes there are and which is the default."""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from arcgit.dvc.files import DvcFileError

CONFIG_FILE = ".dvc/config"
_REMOTE = re.compile(r"""'?remote "(.+)"'?""")


@dataclass(frozen=True)
class DvcConfig:
    """Urls by remote name as they are written down, and the default remote's name."""

    urls: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None


def parse_config(data: bytes, path: str = CONFIG_FILE) -> DvcConfig:
    """The configuration in `data`. Raises DvcFileError."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(data.decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        raise DvcFileError(path, " ".join(str(error).split())) from error
    urls = {
        match[1]: parser.get(section, "url", fallback="")
        for section in parser.sections()
        if (match := _REMOTE.fullmatch(section))
    }
    return DvcConfig(urls, parser.get("core", "remote", fallback=None))
