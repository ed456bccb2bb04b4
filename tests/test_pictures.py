"""The README's pictures are sound, load nothing from anywhere, and show what the commands print today."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.pictures import FOLDER, PICTURES, Picture

ROOT = Path(__file__).parent.parent
FILES = sorted(FOLDER.glob("*"))
SVG = "{http://www.w3.org/2000/svg}"


def parsed(path: Path) -> ET.Element:
    return ET.parse(path).getroot()  # noqa: S314  what was drawn here


def texts(path: Path) -> str:
    """What a person reads, without what differs between versions of Python and scikit-learn: ids, sizes and figures."""
    shown = "\n".join(node.text or "" for node in parsed(path).iter(f"{SVG}text"))
    return re.sub(r"(?<=md5/)[0-9a-f]{2}(?=/)|[0-9a-f]{8,}|[0-9.]+", "#", shown.replace("\xa0", " "))


def test_every_picture_of_the_list_is_there_and_no_other() -> None:
    assert [path.name for path in FILES] == sorted(f"{picture.name}.svg" for picture in PICTURES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_picture_is_sound_and_loads_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tags = {node.tag.removeprefix(SVG) for node in parsed(path).iter()}
    assert tags <= {"svg", "title", "style", "defs", "clipPath", "rect", "g", "circle", "text"}
    assert re.findall(r"https?:[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert "href" not in text
    assert "@import" not in text


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_fits_its_columns_and_names_itself(picture: Picture) -> None:
    root = parsed(FOLDER / f"{picture.name}.svg")
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == picture.lines[0]
    assert max(len(node.text or "") for node in root.iter(f"{SVG}text")) <= picture.columns


def test_every_picture_in_the_documents_exists() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        page.parent / name for page in pages for name in re.findall(r"!\[[^]]*\]\(([^)]+\.svg)\)", page.read_text())
    }
    assert [str(path) for path in named if not path.is_file()] == []


def test_the_pictures_show_what_the_commands_print_now(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.pictures", str(tmp_path)], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    old = {path.name: texts(path) for path in FILES}
    assert {path.name: texts(path) for path in tmp_path.iterdir()} == old, "run: make pictures"
