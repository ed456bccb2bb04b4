"""Heavy libraries stay inside the layer that needs them, seen from the modules that a fresh interpreter has loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.world import World

HEAVY = {
    "dvc",
    "dvc_data",
    "git",
    "pygit2",
    "gnupg",
    "pysequoia",
    "cryptography",
    "typer",
    "rich",
    "pydantic",
    "sklearn",
}


def loaded_by(code: str, cwd: str | None = None, **env: str) -> set[str]:
    """The top-level modules that are loaded after `code` ran in a fresh interpreter."""
    program = f"import sys\n{code}\nimport json; sys.stderr.write('@@' + json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **env}
    )
    return set(json.loads(done.stderr.rpartition("@@")[2]))


@pytest.mark.parametrize(
    "module",
    [
        "arcgit", "arcgit.__main__", "arcgit.hook", "arcgit.model.record", "arcgit.rules.chain", "arcgit.git.snapshot",
        "arcgit.git.exchange", "arcgit.dvc.files", "arcgit.dvc.pipeline", "arcgit.dvc.remote", "arcgit.signing.keys", "arcgit.signing.signer",
        "arcgit.archive.check",
    ],
)  # fmt: skip
def test_importing_a_module_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(f"import {module}") & HEAVY


def test_the_version_needs_no_typer() -> None:
    code = "sys.argv = ['arcgit', '--version']\nimport arcgit.__main__ as m\nm.main()"
    assert not loaded_by(code) & HEAVY


def test_a_commit_hook_that_passes_loads_nothing_heavy(world: World) -> None:
    code = "import arcgit.hook as h\nassert h.main(['pre-commit']) == 0"
    assert not loaded_by(code, cwd=str(world.work)) & HEAVY


def test_reading_the_archive_needs_no_dvc(world: World) -> None:
    for command in ("verify", "list", "show deep", "log", "check", "audit-report"):
        code = f"from arcgit.cli.app import run\nassert run({command.split()!r}) == 0"
        assert not loaded_by(code, cwd=str(world.work)) & {"dvc", "dvc_data", "gnupg", "sklearn"}
