"""What a user gets: the wheel and the editable install both have the hooks and the templates."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from arcgit import __version__
from arcgit.resources import resource

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the build backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"import hatchling.build as b; print(b.build_wheel({str(folder)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return folder / done.stdout.split()[-1]


def test_the_wheel_has_the_package_its_types_its_hooks_and_its_templates(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {"arcgit/py.typed", "arcgit/hook.py"}
    for folder in ("hooks", "templates"):
        wanted |= {
            f"arcgit/_resources/{p.relative_to(ROOT).as_posix()}" for p in (ROOT / folder).rglob("*") if p.is_file()
        }
    assert wanted <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "hooks/", "templates/"))]


def test_resources_are_found_in_the_unpacked_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import arcgit.resources as r;"
        "print(r.__file__); print(r.resource('hooks/pre-commit').read_text()[:9]); r.resource('templates/demo/params.yaml')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env={**os.environ}
    )
    assert done.stdout.splitlines() == [str(tmp_path / "arcgit" / "resources.py"), "#!/bin/sh"]


def test_resources_are_found_in_the_checkout() -> None:
    assert resource("hooks/pre-commit") == ROOT / "hooks" / "pre-commit"
    with pytest.raises(FileNotFoundError):
        resource("hooks/nothing")


def test_the_version_is_the_same_everywhere() -> None:
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text()
