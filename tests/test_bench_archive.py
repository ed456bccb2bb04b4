"""The archive that the benchmarks measure is a real one: arcgit's own judge and stock tools pass it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.archive import make
from tests.world import git, invoke


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_a_made_archive_is_whole_and_valid(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(tmp_path / "made", 100, openpgp=kind == "openpgp")
    monkeypatch.setenv("XDG_STATE_HOME", str(made.state))
    found = invoke(made.work, "verify", "--trust-root", made.trust_root)
    assert (found["verdict"], found["scope"]["records_checked"]) == ("pass", 100)
    assert {row["status"] for row in invoke(made.work, "list")["records"]} == {"recorded", "held", "retired"}
    git(made.work, "fsck", "--strict")


def test_stock_git_verifies_a_tag_that_was_signed_in_process(tmp_path: Path) -> None:
    made = make(tmp_path / "made", 1)
    (made.folder / "allowed").write_text(f"ada@example.org {made.key.with_suffix('.pub').read_text()}")
    tag = git(made.work, "for-each-ref", "--format=%(refname:strip=2)", "refs/tags/exp")
    git(made.work, "-c", f"gpg.ssh.allowedSignersFile={made.folder / 'allowed'}", "verify-tag", tag)
