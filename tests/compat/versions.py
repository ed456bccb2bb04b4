"""`python -m tests.compat.versions FOLDER` writes an archive whose newest record is of a cloud-versioned remote.

It needs the S3 server. As for `make.py`: keys and times are new each time, and what was released is never written again.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from arcgit.archive import ledger
from arcgit.archive.context import open_context
from tests.home import openpgp_person, own_home, ssh_person
from tests.remotes.versions import Versions, sealed
from tests.servers import s3_server
from tests.world import MANIFEST, World, build_template, git

NAME = "versions.bundle"


def main(folder: Path) -> None:
    """Write the bundle, and what must be said of it into expected.json."""
    with own_home() as place, s3_server(place / "s3") as endpoint:
        os.environ["XDG_STATE_HOME"] = str(place / "state")
        ada = openpgp_person(place, "Ada Lovelace", "ada@example.org")
        bob = ssh_person(place, "Bob Byte", "bob@example.org")
        world = World(place / "world", place / "state")
        build_template(world.root, ada, bob)
        Versions(world, "versions", endpoint).use()
        (world.work / "arcgit.yaml").write_text(MANIFEST.format(experiment="versions"))
        sealed(world)
        git(world.root, "clone", "--quiet", "--mirror", "hub.git", "whole.git")
        git(world.root / "whole.git", "bundle", "create", "--quiet", str(folder / NAME), "--all")
        path = folder / "expected.json"
        expected = json.loads(path.read_text())
        view = ledger.require(open_context(world.work, state_dir=world.state / "arcgit"))
        known = view.ledger
        facts = {"genesis": known.genesis, "founder": known.founder, "ledger_tip": known.tip}
        policy = {"policy_version": known.require_policy().version, "records": sorted(known.records)}
        expected["archives"][NAME] = {**facts, **policy}
        expected["cases"][NAME] = {"archive": NAME, "verdict": "pass", "codes": []}
        path.write_text(json.dumps(expected, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
