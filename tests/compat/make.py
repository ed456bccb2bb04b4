"""`python -m tests.compat.make FOLDER` writes the archives of one format version, with the verdicts that they must get.

Keys and times are new each time. After a release its folder is never written again; the next version gets one of its own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.compat.archive import Archive, live
from tests.compat.spoil import ATTACKS
from tests.home import openpgp_person, own_home, ssh_person
from tests.world import git, invoke

VERDICTS = {"pass": "pass", "fail": "fail", "unknown": "cannot-verify"}


def _case(bundle: Path, verdict: str, trust_root: str, scratch: Path) -> dict[str, Any]:
    """What `verify` says of a bundle to somebody who knows nothing but the trust root."""
    os.environ["XDG_STATE_HOME"] = str(scratch / "state")
    git(scratch, "clone", "--quiet", "--mirror", str(bundle), "repo.git")
    found = invoke(scratch / "repo.git", "verify", "--trust-root", trust_root, code=None)
    if found["verdict"] != verdict:
        raise ValueError(f"{bundle.name}: {found['verdict']}, {found['findings']}")
    codes = sorted({finding["code"] for finding in found["findings"]})
    return {"archive": "archive.bundle", "verdict": verdict, "codes": codes}


def main(folder: Path) -> None:
    """Write the bundles and expected.json, which keeps what it says of archives that are not made here."""
    expected_path = folder / "expected.json"
    expected = json.loads(expected_path.read_text()) if expected_path.exists() else {"archives": {}, "cases": {}}
    with own_home() as place:
        ada = openpgp_person(place, "Ada Lovelace", "ada@example.org")
        bob, carol = (
            ssh_person(place, *who) for who in (("Bob Byte", "bob@example.org"), ("Carol Cole", "carol@example.org"))
        )
        archive = Archive(place / "world", ada, bob, carol)
        live(archive)
        ledger = archive.view().ledger
        facts = {"genesis": ledger.genesis, "founder": ledger.founder, "ledger_tip": ledger.tip}
        policy = {"policy_version": ledger.require_policy().version, "records": sorted(ledger.records)}
        expected["archives"]["archive.bundle"] = {**facts, **policy}
        for name, (verdict, change) in {"archive": ("pass", None), **ATTACKS}.items():
            file = f"{name}_{verdict}.bundle" if change else f"{name}.bundle"
            scratch = Path(tempfile.mkdtemp(dir=place))
            git(scratch, "clone", "--quiet", "--mirror", str(archive.hub), "spoiled.git")
            if change:
                change(scratch / "spoiled.git", archive)
            git(scratch / "spoiled.git", "bundle", "create", "--quiet", str(folder / file), "--all")
            expected["cases"][file] = _case(folder / file, VERDICTS[verdict], ledger.genesis, scratch)
    expected_path.write_text(json.dumps(expected, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
