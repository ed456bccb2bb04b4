"""Heavy libraries stay inside the layer that needs them, seen from the modules that a fresh interpreter has loaded."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.world import World, git

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
    return {name.split(".")[0] for name in modules_of(code, cwd, **env)}


def modules_of(code: str, cwd: str | None = None, **env: str) -> set[str]:
    """All modules that are loaded after `code` ran in a fresh interpreter."""
    program = f"import sys\n{code}\nseen = sorted(sys.modules); import json; sys.stderr.write('@@' + json.dumps(seen))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **env}
    )
    return set(json.loads(done.stderr.rpartition("@@")[2]))


@pytest.mark.parametrize(
    "module",
    [
        "arcgit", "arcgit.__main__", "arcgit.hook", "arcgit.model.record", "arcgit.rules.chain", "arcgit.git.snapshot",
        "arcgit.git.exchange", "arcgit.dvc.files", "arcgit.dvc.pipeline", "arcgit.dvc.opening", "arcgit.dvc.remote", "arcgit.signing.keys", "arcgit.signing.signer",
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


@pytest.mark.skipif(sys.version_info < (3, 11), reason="there msgspec needs `inspect`, and with it come all of these")
def test_a_commit_hook_that_judges_does_without_what_costs_it_most(world: World) -> None:
    code = "import arcgit.hook as h\nassert h.main(['pre-commit']) == 0"
    (world.work / ".git" / "arcgit" / "passed").unlink(missing_ok=True)
    loaded = modules_of(code, cwd=str(world.work))
    assert {"yaml", "arcgit.rules.completeness"} <= loaded
    assert not loaded & {"ast", "configparser", "pathlib", "subprocess", "urllib", "ssl", "json", "decimal", "_hashlib"}
    assert not loaded & {"arcgit.model.record", "arcgit.rules.chain", "arcgit.archive.places"}


def test_what_a_short_process_puts_off_works_when_it_is_asked_for() -> None:
    code = """
from arcgit import lean
lean.prepare()
import base64, decimal, hashlib, inspect, re, uuid, platform, textwrap
for name in ("md5", "sha1", "sha256", "sha512", "blake2b"):
    assert getattr(hashlib, name)(b"").hexdigest() == hashlib.new(name, b"").hexdigest()
assert hashlib.sha256(b"", usedforsecurity=False).hexdigest().startswith("e3b0c442")
assert decimal.Decimal("1.10") * 2 == decimal.Decimal("2.20") and base64.b64encode(b"a") == b"YQ=="
import msgspec
assert msgspec.json.schema(int) == {"type": "integer"} and msgspec.msgpack.decode(msgspec.msgpack.encode([1])) == [1]
pattern = re.compile(r"(a)(b)?", re.IGNORECASE)
assert pattern.fullmatch("AB")[2] == "B" and pattern.search("xa") and pattern.groups == 2
assert inspect.signature(lean.prepare) and uuid.uuid4() and platform.machine() and textwrap.dedent(" x") == "x"
"""
    assert "msgspec" in loaded_by(code)


def test_reading_the_archive_needs_no_dvc(world: World) -> None:
    for command in ("verify", "list", "show deep", "log", "check", "audit-report"):
        code = f"from arcgit.cli.app import run\nassert run({command.split()!r}) == 0"
        assert not loaded_by(code, cwd=str(world.work)) & {"dvc", "dvc_data", "gnupg", "sklearn"}


def test_signatures_are_judged_without_what_looks_at_data(world: World) -> None:
    loaded = modules_of("from arcgit.cli.app import run\nassert run(['verify']) == 0", cwd=str(world.work))
    assert "arcgit.archive.verify" in loaded
    assert not loaded & {"arcgit.archive.looking.examine", "arcgit.dvc.remote", "asyncio"}


def test_a_record_of_unchanged_data_opens_the_remote_without_the_rest_of_dvc(
    world: World,
) -> None:
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text().replace("experiment: deep", "experiment: once-more"))
    git(world.work, "commit", "--quiet", "--no-verify", "--all", "--message", "Once more")
    git(world.work, "push", "--quiet", "origin", "HEAD")
    loaded = modules_of("from arcgit.cli.app import run\nassert run(['record']) == 0", cwd=str(world.work))
    assert "dvc.data_cloud" in loaded
    assert not loaded & {"dvc.repo", "dvc.scm", "dulwich", "sqltrie", "pydantic"}


def test_every_room_of_the_archive_is_on_the_map_with_the_doors_that_it_has() -> None:
    root = Path(__file__).parent.parent
    table = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", (root / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    rooms = {room: re.findall(r"`(\w+)`", doors) for room, doors in table}
    archive = root / "arcgit" / "archive"
    assert set(rooms) == {path.parent.name for path in archive.glob("*/__init__.py")}
    assert all((archive / room / f"{door}.py").is_file() for room, doors in rooms.items() for door in doors)
