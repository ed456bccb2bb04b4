"""What was released is verified for ever: whole archives of each format version, with the verdicts that they must get.

This asks whether a newer reader still gives the old verdict. Whether a reader notices everything that it must notice is
asked by the folders in `tests/vectors/`.

Files here are only ever added to. `make.py` writes the archives of one version; `small.bundle` is an earlier one, whose
ledger is as short as it can be.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive.context import open_context
from arcgit.archive.ledger import read
from arcgit.model import canonical, gitobject, record, tagmessage
from arcgit.model.names import RecordName
from tests.world import git, invoke

FOLDER = Path(__file__).parent
EXPECTED = {path.parent.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("v*/expected.json"))}
CASES = [(version, name) for version, expected in EXPECTED.items() for name in expected["cases"]]
ARCHIVES = [(version, name) for version, expected in EXPECTED.items() for name in expected["archives"]]
SUFFIXES = {"pass": "", "fail": "_fail", "cannot-verify": "_unknown"}


def unpacked(version: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bare clone of a bundle, for somebody who has never seen the archive."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    git(tmp_path, "clone", "--quiet", "--mirror", str(FOLDER / version / name), "repo.git")
    return tmp_path / "repo.git"


@pytest.mark.parametrize(("version", "name"), CASES)
def test_every_released_archive_gets_its_verdict(
    version: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly these codes: one more would be a false alarm for everybody who has such an archive."""
    repo = unpacked(version, name, tmp_path, monkeypatch)
    case = EXPECTED[version]["cases"][name]
    archive = EXPECTED[version]["archives"][case["archive"]]
    for root in (archive["genesis"], archive["founder"]):
        found = invoke(repo, "verify", "--trust-root", root, code=None)
        assert found["verdict"] == case["verdict"]
        assert sorted({finding["code"] for finding in found["findings"]}) == case["codes"]
    assert (name.endswith("_fail.bundle"), name.endswith("_unknown.bundle")) == (
        case["verdict"] == "fail",
        case["verdict"] == "cannot-verify",
    )


@pytest.mark.parametrize("version", EXPECTED)
def test_every_bundle_has_its_verdict(version: str) -> None:
    assert sorted(EXPECTED[version]["cases"]) == sorted(path.name for path in (FOLDER / version).glob("*.bundle"))


@pytest.mark.parametrize(("version", "name"), ARCHIVES)
def test_the_records_of_a_released_archive_are_read_and_written_as_they_stand(
    version: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The readable part, the run id and the canonical form are the same today as when they were sealed."""
    repo, expected = unpacked(version, name, tmp_path, monkeypatch), EXPECTED[version]["archives"][name]
    found = invoke(repo, "verify", "--trust-root", expected["genesis"])
    assert (found["findings"], found["scope"]["ledger_tip"]) == ([], expected["ledger_tip"])
    assert found["scope"]["policy_version"] == expected["policy_version"]
    assert sorted(found["records"]) == expected["records"]
    for refname in expected["records"]:
        raw = git(repo, "cat-file", "tag", refname).encode() + b"\n"
        readable, data = tagmessage.split_message(gitobject.parse_tag(raw).message)
        sealed, called = record.parse(data), RecordName.parse(refname)
        assert called is not None
        assert readable == tagmessage.readable(sealed, called)
        assert canonical.dumps(json.loads(data)) == data
        assert called.run_id == canonical.sha256(bytes(sealed.predicate.content))[:12]


def test_the_archive_of_the_first_version_holds_every_thing_of_its_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a reader who passes has read all of it."""
    repo = unpacked("v1", "archive.bundle", tmp_path, monkeypatch)
    view = read(open_context(repo, state_dir=tmp_path / "state"), "refs/notes/arcgit")
    assert view is not None
    types = {event.type for _, event in view.ledger.events}
    assert {"policy", "reviewed", "evaluated", "amended", "held", "released"} <= types
    assert {"run", "verified", "retired", "purged"} <= types
    assert any(event.data.get("records") for _, event in view.ledger.events)
    states = view.ledger.records
    assert {state.status for state in states.values()} == {"recorded", "retired", "purged"}
    assert any(state.holds for state in states.values())
    assert any(state.name.number == 2 for state in states.values())
    texts = [git(repo, "cat-file", "tag", refname) for refname in states]
    assert any('"git":"' in text and '"kind":"directory"' in text.partition('"git":"')[2] for text in texts)
    referred = [text.partition('"lineage":{"sha256":"')[2][:64] for text in texts]
    digest = next(digest for digest in referred if digest)
    blob = subprocess.run(
        ["git", "cat-file", "blob", f"refs/arcgit/fixity:{digest[:2]}/{digest[2:]}"],
        cwd=repo,
        capture_output=True,
        check=True,
    ).stdout
    assert (canonical.sha256(blob), len(blob) > record.MAX_LINEAGE_BYTES) == (digest, True)


@pytest.mark.parametrize(("version", "name"), ARCHIVES)
def test_stock_git_verifies_every_record(
    version: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing but the public keys that the policies on the ledger hold."""
    repo, expected = unpacked(version, name, tmp_path, monkeypatch), EXPECTED[version]["archives"][name]
    context = open_context(repo, state_dir=tmp_path / "state")
    view = read(context, "refs/notes/arcgit")
    assert view is not None
    keys = {key.public_key: key.type for key in view.ledger.require_policy().all_keys()}
    # Short, because the agent's socket path may not exceed 107 bytes.
    home = tempfile.mkdtemp(prefix="ag")
    monkeypatch.setenv("GNUPGHOME", home)
    for number, (text, kind) in enumerate(keys.items()):
        if kind == "openpgp":
            (tmp_path / f"{number}.asc").write_text(text)
            command = ["gpg", "--batch", "--quiet", "--import", str(tmp_path / f"{number}.asc")]
            subprocess.run(command, check=True, capture_output=True)
    allowed = "".join(f"x@example.org {text}\n" for text, kind in keys.items() if kind == "ssh")
    (tmp_path / "allowed").write_text(allowed)
    signers: dict[str, Any] = {"gpg.ssh.allowedSignersFile": str(tmp_path / "allowed")}
    settings = [part for key, value in signers.items() for part in ("-c", f"{key}={value}")]
    for refname in expected["records"]:
        git(repo, *settings, "verify-tag", refname.removeprefix("refs/tags/"))
    subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
    shutil.rmtree(home)
