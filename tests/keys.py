"""People with new keys, and changes of a policy, for tests of who may sign."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.home import openpgp_person, ssh_person
from tests.world import Person, World, sh


def newcomer(home: Path, slug: str, kind: str = "ssh") -> Person:
    """Somebody with a key of the given kind, who is in no policy yet; the address makes them one of a kind."""
    unique = f"{slug}-{time.monotonic_ns()}@example.org"
    make = ssh_person if kind == "ssh" else openpgp_person
    return make(home, slug.capitalize(), unique)


def key_file(folder: Path, person: Person) -> str:
    """The path of a file with the person's public key."""
    path = folder / f"{person.email}.key"
    path.write_text(person.public())
    return str(path)


def add(world: World, slug: str, person: Person, roles: Sequence[str], *more: str, code: int = 0) -> Any:
    """`arcgit keys add` of a new person."""
    said = [part for role in roles for part in ("--role", role)]
    file = key_file(world.root, person)
    options = ["--name", person.name, "--email", person.email, *said, *more]
    return world.arcgit("keys", "add", slug, file, *options, code=code)


def export(fingerprint: str) -> str:
    """The public key as GnuPG has it now."""
    return sh(Path.home(), "gpg", "--batch", "--armor", "--export-options", "export-minimal", "--export", fingerprint)


def fingerprint_of(person: Person) -> str:
    """The full fingerprint of somebody's key, as policies spell it."""
    if person.format == "openpgp":
        return person.key
    return sh(Path.home(), "ssh-keygen", "-lf", person.key).split()[1]
