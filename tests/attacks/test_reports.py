"""Text that a signer chose, in everything that prints it: a terminal, a log of CI, Markdown, HTML. It stays text.

The record is sealed and recorded by somebody who may, so only its words are hostile. The renderings of the audit report
alone are held to more of this in `tests/report/test_audit.py`.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from arcgit.cli.app import run
from tests.world import MANIFEST, World, git

EVIL = (
    "\x1b]0;owned\x07\u202e\u200b\n::error::forged\r\n::set-output name=x::y\n##[add-mask]z ##vso[task.setvariable]x "
    "<script>alert(1)</script><img src=x onerror=alert(1)> | a `tick` ``` [l](javascript:alert(1)) ![i](https://evil.example/i) =cmd() \x85"
)
TEXT = (
    ["list"], ["list", "--columns", "owner,purpose"], ["show", "evil"], ["log"], ["log", "evil"], ["verify"], ["search", "owner~owned"],
    ["diff", "evil", "baseline"], ["lineage", "evil"], ["lineage", "evil", "--format", "mermaid"], ["lineage", "evil", "--format", "dot"],
    ["lineage", "evil", "--format", "svg"], ["audit-report", "--base", "HEAD~1"], ["audit-report"], ["audit-report", "--format", "md"],
    ["check", "--worktree"], ["check", "--worktree", "--format", "sarif"], ["policy", "show"],
)  # fmt: skip
FORBIDDEN = frozenset(chr(code) for code in (*range(9), *range(11, 32), *range(0x7F, 0xA0), 0x200B, 0x202E))


@pytest.fixture
def evil(world: World) -> World:
    """One more record: every text that a person or a file fills says the worst."""
    text = MANIFEST.format(experiment="evil")
    text = text.replace("purpose: Baseline before the call-centre features.", f"purpose: {json.dumps(EVIL)}")
    text = text.replace("owner: Ada Lovelace <ada@example.org>", f"owner: {json.dumps(EVIL)}")
    text = text.replace('version: "2026-05"', f"version: {json.dumps(EVIL)}")
    (world.work / "arcgit.yaml").write_text(text)
    (world.work / "metrics.json").write_text(json.dumps({EVIL: 0.9, "auc": EVIL}))
    (world.work / "params.yaml").write_text(json.dumps({"lr": 0.001, "epochs": 9, EVIL: EVIL}))
    pipeline = world.work / "dvc.yaml"
    pipeline.write_text(
        pipeline.read_text().replace(
            "  train:\n    cmd: python src/train.py\n", "  train:\n    cmd: python src/train.py\n    desc: x\n"
        )
    )
    lock = world.work / "dvc.lock"
    md5 = __import__("hashlib").md5((world.work / "metrics.json").read_bytes(), usedforsecurity=False).hexdigest()
    kept = lock.read_text()
    old = re.search(r"path: metrics.json\n\s+hash: md5\n\s+md5: ([0-9a-f]{32})\n\s+size: (\d+)", kept)
    assert old is not None
    size = (world.work / "metrics.json").stat().st_size
    lock.write_text(kept.replace(old[0], old[0].replace(old[1], md5).replace(f"size: {old[2]}", f"size: {size}")))
    git(world.work, "config", "user.name", "Eve \x1b[31m##[error]")
    world.commit("evil ::error::x ##[error]")
    world.arcgit("record")
    return world


def shown(world: World, command: list[str]) -> str:
    """What a command prints, on both streams."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        run(["-C", str(world.work), *command])
    return out.getvalue() + err.getvalue()


def test_nothing_that_is_printed_of_a_hostile_record_is_more_than_text(evil: World) -> None:
    for command in TEXT:
        text = shown(evil, command)
        assert text, command
        assert not set(text) & FORBIDDEN, command
        lines = text.splitlines()
        assert [line for line in lines if line.lstrip().startswith("::") or re.search(r"##(\[|vso\[)", line)] == [], (
            command
        )


def test_annotations_for_github_are_those_of_arcgit_alone(evil: World) -> None:
    """Each begins with the one command that arcgit writes, and nothing in it begins another."""
    (evil.work / "params.yaml").unlink()
    lines = shown(evil, ["check", "--worktree", "--format", "github"]).splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"::(error|warning) file=[^:]*,title=[a-z-]+::.*", line)] == []
    assert [line for line in lines if re.search(r"##(\[|vso\[)", line)] == []


def test_markdown_of_a_hostile_record_has_no_html_link_or_image_of_its_own(evil: World) -> None:
    """As GitHub would render the comment."""
    found: set[str] = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.add(tag)
            assert attrs == []

    text = shown(evil, ["audit-report", "--format", "md"])
    Tags().feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))
    assert found
    assert not found & {"script", "a", "img", "iframe", "style", "svg"}


def test_a_drawing_of_a_hostile_record_has_no_script_and_loads_nothing(evil: World, tmp_path: Path) -> None:
    found: list[tuple[str, list[tuple[str, str | None]]]] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append((tag, attrs))

    Tags().feed(shown(evil, ["lineage", "evil", "--format", "svg"]))
    assert {tag for tag, _ in found} <= {
        "svg",
        "g",
        "rect",
        "path",
        "text",
        "tspan",
        "title",
        "desc",
        "style",
        "polygon",
        "defs",
        "marker",
    }
    assert [name for _, attrs in found for name, _ in attrs if name.startswith("on") or "href" in name] == []


def test_json_of_a_hostile_record_is_one_document_that_no_runner_reads_a_command_in(evil: World) -> None:
    """The data is there as it is; the spelling is what a log can bear."""
    for command in (["list"], ["show", "evil"], ["verify"], ["log"], ["audit-report"], ["diff", "evil", "baseline"]):
        text = shown(evil, [*command, "--json"])
        assert json.loads(text)["schema"].startswith("arcgit/"), command
        assert not re.search(r"##(\[|vso\[)", text), command
        assert not any(line.lstrip().startswith("::") for line in text.splitlines()), command
    assert json.loads(shown(evil, ["show", "evil", "--json"]))["record"]["purpose"] == EVIL


@pytest.mark.parametrize("where", ["a name of a record", "a name of a file", "a query", "a rev"])
def test_what_a_person_typed_is_said_back_as_text(world: World, where: str) -> None:
    text = "x\x1b[31m\u202e::error::x ##[error]"
    command = {
        "a name of a record": ["show", text],
        "a name of a file": ["-C", text, "list"],
        "a query": ["search", f"owner='{text}"],
        "a rev": ["audit-report", "--base", text],
    }[where]
    said = shown(world, command)
    assert said
    assert not set(said) & FORBIDDEN
    assert "##[" not in said
