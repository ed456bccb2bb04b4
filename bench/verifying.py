"""Judging signatures: all of an archive in process, beside stock git, which starts a program for each."""

from __future__ import annotations

from pathlib import Path

from bench.archive import IDENTITY
from bench.child import Spent, spent
from bench.place import Archive, Pair, Place, run


def verify(place: Place) -> Pair:
    """Stock git is given a sample of the same tags and ledger commits, each kind in one call, which is its fastest way."""
    mine = place.archive(place.sizes.records)
    _trust(mine)
    return _beside_git(place, mine)


def verify_openpgp(place: Place) -> Pair:
    """The same of an archive that was signed with OpenPGP, where stock git starts GnuPG for each object."""
    mine = place.archive(place.sizes.records, "openpgp")
    run(mine.work, "gpg", "--batch", "--quiet", "--import", str(mine.folder / "key.pub"))
    return _beside_git(place, mine)


def _beside_git(place: Place, mine: Archive) -> Pair:
    work = mine.work
    tags = _lines(work, "git", "for-each-ref", "--format=%(refname:strip=2)", "refs/tags/exp")
    commits = _lines(work, "git", "rev-list", "refs/notes/arcgit")
    step = max(1, len(tags) // place.sizes.sample)
    sample, events = tags[::step], commits[::step]

    def theirs() -> Spent:
        first = spent(["git", "verify-tag", *sample], work)
        second = spent(["git", "verify-commit", *events], work)
        return Spent(first.seconds + second.seconds, max(first.peak_kib, second.peak_kib))

    whole, part = len(tags) + len(commits), len(sample) + len(events)
    note = f"git: {part} of the {whole} objects, times {whole / part:.3g}"
    return Pair(lambda: mine.cold("verify"), theirs, scale=whole / part, note=note)


def _lines(work: Path, *command: str) -> list[str]:
    return run(work, *command).split()


def _trust(mine: Archive) -> None:
    """Give stock git the archive's one key, as its user would have it."""
    key = (mine.folder / "key.pub").read_text()
    allowed = mine.folder / "allowed-signers"
    allowed.write_text(f"{IDENTITY[1]} {key}")
    run(mine.work, "git", "config", "gpg.ssh.allowedSignersFile", str(allowed))
