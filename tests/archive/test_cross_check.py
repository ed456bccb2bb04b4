"""`arcgit verify --cross-check`: a second opinion by gpgv and ssh-keygen, and what is said where there is none."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import crosscheck
from tests.attacks.test_tags import raw_tag, write_tag
from tests.libraries import path_without, without_libraries
from tests.world import World, invoke

SIGNATURES = 3 + 5 + 1
"""Three tags, five events, one approval of the first policy."""


def replaced(folder: Path, name: str, script: str) -> str:
    """A PATH on which another program stands in a tool's place."""
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def test_all_signatures_of_records_events_and_approvals_are_put_before_the_tools(world: World) -> None:
    assert world.verify("--cross-check", "all", code=0) == []
    scope = world.last["scope"]
    assert (scope["signatures"], scope["cross_checked"]) == (SIGNATURES, SIGNATURES)


@pytest.mark.parametrize(("wanted", "checked"), [("1", 1), ("4", 4), ("1000000", SIGNATURES)])
def test_a_number_takes_so_many_of_them_at_random(world: World, wanted: str, checked: int) -> None:
    assert world.verify("--cross-check", wanted, code=0) == []
    assert (world.last["scope"]["cross_checked"], world.last["scope"]["signatures"]) == (checked, SIGNATURES)


@pytest.mark.parametrize("wanted", ["0", "-1", "some", "1.5", "", "٣"])
def test_what_is_no_number_is_a_usage_error(world: World, wanted: str) -> None:
    refused = invoke(world.work, "verify", f"--cross-check={wanted}", code=2)
    assert refused["error"]["code"] == "usage"


def test_every_signature_is_chosen_as_often_as_any_other() -> None:
    counts = Counter[object]()
    questions: Any = range(10)
    for _ in range(600):
        counts.update(crosscheck._sample(questions, 3))
    # 180 each; further than nine standard deviations away is no accident.
    assert len(counts) == 10
    assert all(80 < count < 280 for count in counts.values()), counts


@pytest.mark.parametrize(
    ("tool", "script"),
    [
        ("gpgv", 'printf "[GNUPG:] NEWSIG\\n[GNUPG:] BADSIG 0 x\\n" > /proc/self/fd/$6; exit 1'),
        ("ssh-keygen", 'test "$1" = -l || exit 255'),
    ],
)
def test_a_tool_that_says_no_to_a_good_signature_is_a_disagreement_and_a_failure(
    world: World, tool: str, script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", replaced(tmp_path / "bin", tool, script))
    assert set(world.verify("--cross-check", "all", code=1)) == {"verifier-disagreement"}
    found = world.last["findings"]
    signed_by_bob = [row for row in found if row["subject"] == world.tag("deep")]
    assert len(signed_by_bob) == (tool == "ssh-keygen")
    assert all("good, by " in row["expected"] and "signature-bad" in row["found"] for row in found)


def test_a_tool_that_says_yes_to_a_bad_signature_is_a_disagreement(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = world.tag("deep")
    write_tag(world.work, raw_tag(world.work, tag).replace(b"owner: Ada", b"owner: Eve", 1), f"refs/tags/{tag}")
    before = world.verify(code=1)
    assert world.verify("--cross-check", "all", code=1) == before
    key = (Path.home() / "bob.pub").read_text().split()[1]
    script = f"""test "$1" = -l && exit 0
    fingerprint=$(echo 'ssh-ed25519 {key}' | {shutil.which("ssh-keygen")} -l -f - | cut -d' ' -f2)
    echo "Good \\"git\\" signature for signer with ED25519 key $fingerprint"
    """
    monkeypatch.setenv("PATH", replaced(tmp_path / "bin", "ssh-keygen", script))
    assert "verifier-disagreement" in world.verify("--cross-check", "all", code=1)
    row = next(row for row in world.last["findings"] if row["code"] == "verifier-disagreement")
    assert (row["subject"], row["found"].partition(",")[0]) == (tag, "good")


@pytest.mark.parametrize("tool", ["gpgv", "ssh-keygen"])
def test_a_tool_that_is_missing_is_no_pass(
    world: World, tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_without(tmp_path / "bin", tool))
    assert world.verify(code=0) == []
    assert world.verify("--cross-check", "all", code=3) == ["verifier-unavailable"]
    assert tool in world.last["findings"][0]["message"]


@pytest.mark.parametrize(("kind", "tool"), [("openpgp", "gpgv"), ("ssh", "ssh-keygen")])
def test_without_a_library_there_is_no_second_opinion_but_there_is_a_first(world: World, kind: str, tool: str) -> None:
    with without_libraries(kind):
        assert world.verify(code=0) == []
        assert world.last["scope"]["verifiers"][kind] == tool
        assert world.verify("--cross-check", "all", code=3) == ["verifier-unavailable"]


@pytest.mark.parametrize(("kind", "tool"), [("openpgp", "gpgv"), ("ssh", "ssh-keygen")])
def test_without_library_and_tool_nothing_is_known(
    world: World, kind: str, tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", path_without(tmp_path / "bin", tool))
    with without_libraries(kind):
        assert "verifier-unavailable" in world.verify(code=3)
        assert world.last["verdict"] == "cannot-verify"


def test_the_archive_can_be_written_to_without_the_libraries(world: World) -> None:
    with without_libraries():
        made = invoke(world.work, "retire", world.tag("wide"), "--reason", "Replaced.")
        assert world.verify(code=0) == []
    assert made["seq"] == 6
    assert world.verify("--cross-check", "all", code=0) == []


def test_the_report_says_by_what_the_signatures_were_checked(world: World) -> None:
    with without_libraries("openpgp"):
        found = invoke(world.work, "audit-report", "--format", "json", code=None)
    assert found["scope"]["verifiers"]["openpgp"] == "gpgv"
    assert found["scope"]["verifiers"]["ssh"].startswith("cryptography ")


def test_the_tools_get_an_empty_home_and_leave_nothing_behind(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the person's keyring nor any setting of theirs, and no variable of the environment but a few."""
    seen = tmp_path / "seen"
    script = f'env >> {seen}; ls -lAd "$GNUPGHOME" >> {seen}; ls -A "$GNUPGHOME" >> {seen}; exit 2'
    monkeypatch.setenv("PATH", replaced(tmp_path / "bin", "gpgv", script))
    monkeypatch.setenv("GNUPGHOME", str(world.root / "nowhere"))
    monkeypatch.setenv("LD_LIBRARY_PATH", str(world.root))
    before = set(Path(tempfile.gettempdir()).glob("arcgit-*"))
    world.verify("--cross-check", "all")
    told = seen.read_text()
    names = {line.partition("=")[0] for line in told.splitlines() if "=" in line}
    assert names <= {"PATH", "HOME", "GNUPGHOME", "LC_ALL", "TZ", "PWD", "SHLVL", "_", "OLDPWD"}
    assert stat.filemode(stat.S_IFDIR | 0o700) in told
    assert "nowhere" not in told
    assert set(Path(tempfile.gettempdir()).glob("arcgit-*")) <= before
