"""The published good signatures, put before gpgv and ssh-keygen."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from arcgit.signing.armor import dearmor
from arcgit.signing.keys import parse_public_key
from tests.vectors.cases import document

GOOD = [case for case in document("signature")["cases"] if case["status"] == "good"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in GOOD])
def test_stock_tools_take_every_good_signature(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "payload").write_text(case["payload"])
    (tmp_path / "signature").write_text(case["signature"])
    key = parse_public_key(case["public_key"])
    assert key.fingerprint == case["fingerprint"]
    if key.kind == "openpgp":
        # Of a key that expired or was retired later gpgv says so, and that the signature is valid; so exit codes differ.
        (tmp_path / "key").write_bytes(dearmor(key.text.encode(), "PGP PUBLIC KEY BLOCK"))
        command = ["gpgv", "--status-fd", "1", "--keyring", str(tmp_path / "key"), "signature", "payload"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert f" {case['fingerprint']}\n" in done.stdout, done.stderr
        assert "VALIDSIG" in done.stdout
        return
    (tmp_path / "allowed").write_text(f"x {key.text}\n")
    signer = ("-I", "x", "-n", case["namespace"])
    command = ["ssh-keygen", "-Y", "verify", "-f", "allowed", *signer, "-s", "signature"]
    stdin = case["payload"].encode()
    assert subprocess.run(command, cwd=tmp_path, input=stdin, capture_output=True, check=False).returncode == 0
