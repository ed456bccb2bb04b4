"""What was released is verified for ever: whole archives of each format version, with the verdicts that they must get.

Files here are only ever added to.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from arcgit.model import canonical, gitobject, record, tagmessage
from tests.world import git, invoke

FOLDER = Path(__file__).parent
CASES = [
    (version.name, name)
    for version in sorted(FOLDER.glob("v*"))
    for name in json.loads((version / "expected.json").read_text())["cases"]
]


def unpacked(version: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, Any]]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    expected: dict[str, Any] = json.loads((FOLDER / version / "expected.json").read_text())
    git(tmp_path, "clone", "--quiet", "--mirror", str(FOLDER / version / name), "repo.git")
    return tmp_path / "repo.git", expected


@pytest.mark.parametrize(("version", "name"), CASES)
def test_every_released_archive_gets_its_verdict(
    version: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, expected = unpacked(version, name, tmp_path, monkeypatch)
    case = expected["cases"][name]
    for root in (expected["genesis"], expected["founder"]):
        found = invoke(repo, "verify", "--trust-root", root, code=None)
        assert found["verdict"] == case["verdict"]
        assert set(case["codes"]) <= {finding["code"] for finding in found["findings"]}
    assert name.endswith("_fail.bundle") == (case["verdict"] != "pass")


@pytest.mark.parametrize("version", sorted({version for version, _ in CASES}))
def test_the_records_of_a_released_archive_are_read_and_written_as_they_stand(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readable part, the run id and the canonical form are the same today as when they were sealed."""
    repo, expected = unpacked(version, "archive.bundle", tmp_path, monkeypatch)
    found = invoke(repo, "verify", "--trust-root", expected["genesis"])
    assert (found["findings"], found["scope"]["ledger_tip"]) == ([], expected["ledger_tip"])
    assert sorted(found["records"]) == expected["records"]
    for refname in expected["records"]:
        raw = git(repo, "cat-file", "tag", refname).encode() + b"\n"
        readable, data = tagmessage.split_message(gitobject.parse_tag(raw).message)
        sealed = record.parse(data)
        assert readable == tagmessage.readable(sealed, record.name_of(sealed))
        assert canonical.dumps(json.loads(data)) == data
        assert refname.endswith(canonical.sha256(bytes(sealed.predicate.content))[:12])


def test_stock_git_verifies_the_openpgp_records_of_the_first_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing but the public keys that the policy on the ledger holds."""
    repo, expected = unpacked("v1", "archive.bundle", tmp_path, monkeypatch)
    policy = git(repo, "show", "-s", "--format=%B", f"{expected['ledger_tip']}~3").rpartition("Arcgit-Event: ")[2]
    people = json.loads(json.loads(policy)["data"]["policy"])["people"]
    # Short, because the agent's socket path may not exceed 107 bytes.
    home = tempfile.mkdtemp(prefix="ag")
    monkeypatch.setenv("GNUPGHOME", home)
    (tmp_path / "ada.asc").write_text(people["ada"]["keys"][0]["public_key"])
    (tmp_path / "allowed").write_text(f"bob@example.org {people['bob']['keys'][0]['public_key']}\n")
    subprocess.run(
        ["gpg", "--batch", "--quiet", "--import", str(tmp_path / "ada.asc")], check=True, capture_output=True
    )
    for refname in expected["records"]:
        git(
            repo,
            "-c",
            f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}",
            "verify-tag",
            refname.removeprefix("refs/tags/"),
        )
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
    shutil.rmtree(home)
