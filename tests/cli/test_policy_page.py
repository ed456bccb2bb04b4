"""The commands of the page about policy and keys are run as they stand there, in the order in which they stand."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.home import ssh_person
from tests.keys import export
from tests.pages import DOCS, commands, typed
from tests.world import Person, World, sh

PAGE = DOCS / "policy-and-keys.md"


def test_the_page_works_as_written(
    world: World, isolated_home: Path, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key"]
    sh(isolated_home, *quiet, "Carol Cole <carol@example.org>", "ed25519", "sign", "1y")
    listing = sh(isolated_home, "gpg", "--batch", "--list-keys", "--with-colons", "carol@example.org")
    carol = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
    sh(isolated_home, *quiet, "Carol Cole <carol-new@example.org>", "ed25519", "sign", "never")
    (world.work / "carol-new.asc").write_text(export("carol-new@example.org"))
    erin = ssh_person(isolated_home, "Erin Eck", "erin-of-the-page@example.org")
    (world.work / "erin.pub").write_text(erin.public())
    deep = world.tag("deep").rpartition("/")[2]
    founder = json.loads(next((world.state / "arcgit" / "pins").glob("*.json")).read_text())["founder"]
    codes = []
    lines = commands(PAGE.read_text())
    assert len(lines) == 29
    for written in lines:
        line = written.replace("RECORD", deep)
        if line.startswith("arcgit sync"):
            monkeypatch.setenv("XDG_STATE_HOME", str(world.root / "ci"))
        line = line.replace("FINGERPRINT", carol if line.startswith("gpg") else founder)
        (erin if line == "arcgit policy sign" else ada).sign_as(world.work)
        done = typed(world.work, line)
        if line == "arcgit verify":
            codes.append(done.returncode)
            assert "key-compromised" in done.stdout
        else:
            assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert codes == [1, 0]
    assert world.verify(code=0) == ["key-compromised"]
    assert world.arcgit("policy", "show")["policy"]["people"]["carol"]["roles"] == ["auditor"]


def test_every_role_of_the_policy_is_in_the_table() -> None:
    from arcgit.model.policy import ALL_ROLES  # noqa: PLC0415

    assert (
        tuple(
            re.findall(r"^\| (\w+) \| ", PAGE.read_text().partition("| role |")[2].partition("\n\n")[0], re.MULTILINE)
        )
        == ALL_ROLES
    )
