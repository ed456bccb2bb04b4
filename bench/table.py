"""The rows of the speed table: what is measured, beside what, and what it may cost. A new row is a line in ROWS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

from bench import hooks, reading, receiving, replicating, restoring, starting, storing, verifying
from bench.place import Pair, Place, Sizes


@dataclass(frozen=True)
class Target:
    """A bound on a ratio: `most` bounds ours / theirs, `least` bounds theirs / ours. Neither: only for information."""

    most: float | None = None
    least: float | None = None

    def ratio(self, ours: float, theirs: float) -> float:
        return ours / theirs if self.most is not None else theirs / ours

    def met(self, ratio: float) -> bool | None:
        """None where there is nothing to meet."""
        if self.most is not None:
            return ratio <= self.most
        return ratio >= self.least if self.least is not None else None

    def __str__(self) -> str:
        if self.most is not None:
            return f"ours / theirs at most {self.most:g}"
        return "theirs / ours" if self.least is None else f"theirs / ours at least {self.least:g}"


@dataclass(frozen=True)
class Row:
    """One line of the table. `measure` is None where nothing exists yet to be measured; `needs` names a command."""

    name: str
    ours: str
    theirs: str
    target: Target
    measure: Callable[[Place], Pair] | None
    needs: str | None = None
    unit: Literal["seconds", "peak_kib"] = "seconds"

    def words(self, sizes: Sizes) -> dict[str, str]:
        """What stands on both sides, with the sizes in it."""
        numbers = {name: f"{value:,}" for name, value in asdict(sizes).items()}
        return {"ours": self.ours.format_map(numbers), "theirs": self.theirs.format_map(numbers)}


KIB: Literal["peak_kib"] = "peak_kib"
ANY, TWICE, FIVE_TIMES = Target(), Target(most=2), Target(most=5)
RATE, RECORD, FLAT = Target(least=0.9), Target(most=1.3), Target(most=1.1)
GIT, OPENSSL, BY_HAND = "git for-each-ref, contents", "openssl dgst -sha256", "dvc push, git tag -s, git push"
ROWS = (
    Row("version", "arcgit --version", "python -c pass", TWICE, starting.version),
    Row("show", "arcgit show, of one record", "python -c pass", TWICE, starting.show),
    Row("show-dvc", "arcgit show, of one record", "dvc status", Target(most=0.5), starting.show_beside_dvc),
    Row("hook-idle", "commit hook, no experiment", "python -c pass", TWICE, hooks.idle),
    Row("hook-check", "commit hook, 10 stages judged", "import yaml", TWICE, hooks.check),
    Row("hook-check-dvc", "commit hook, 10 stages judged", "dvc status", Target(least=5), hooks.check_beside_dvc),
    Row("pre-commit", "the hook through pre-commit", "python -c pass so", Target(most=1.2), hooks.through_pre_commit),
    Row("pre-commit-true", "the hook through pre-commit", "true so", Target(most=1.2), hooks.through_pre_commit_true),
    Row("verify", "arcgit verify, {records} records", "git verify-tag, -commit", Target(least=40), verifying.verify),
    Row("verify-openpgp", "the same, by OpenPGP", "git verify-tag, -commit", Target(least=40), verifying.verify_openpgp),
    Row("list", "arcgit list, {records} records, cold", GIT, FIVE_TIMES, reading.listing),
    Row("list-again", "the same, once more", GIT, ANY, reading.listing_again),
    Row("list-gto", "arcgit list, {tags} records", "gto show, {tags} tags", ANY, reading.list_gto),
    Row("list-mlflow", "arcgit list, {tags} records", "mlflow, {tags} runs", ANY, reading.list_mlflow),
    Row("search", "arcgit search, {records} records, cold", GIT, FIVE_TIMES, reading.search, "search"),
    Row("search-mlflow", "arcgit search, {tags} records", "mlflow, {tags} runs", ANY, reading.search_mlflow, "search"),
    Row("fixity-big", "verify --level fixity, {mib} MiB", OPENSSL, RATE, storing.fixity_big),
    Row("rate-big", "of that, beyond 1 MiB", OPENSSL, RATE, storing.rate_big),
    Row("fixity-many", "verify --level fixity, {files} files", OPENSSL, RATE, storing.fixity_many),
    Row("rate-many", "the same, {files} files more", OPENSSL, RATE, storing.rate_many),
    Row("memory", "verify --level fixity, {mib} MiB", "the same, 1 MiB", FLAT, storing.memory, unit=KIB),
    Row("memory-many", "verify --level fixity, {files} files", "1 file", ANY, storing.memory_many, unit=KIB),
    Row("restore-big", "arcgit restore, {mib} MiB", "cp", ANY, restoring.big),
    Row("restore-big-dvc", "arcgit restore, {mib} MiB", "dvc fetch", ANY, restoring.big_dvc),
    Row("restore-many", "arcgit restore, {files} files", "cp", ANY, restoring.many),
    Row("restore-many-dvc", "arcgit restore, {files} files", "dvc fetch", ANY, restoring.many_dvc),
    Row("restore-memory", "arcgit restore, {mib} MiB", "the same, 1 MiB", FLAT, restoring.memory_big, unit=KIB),
    Row("restore-memory-many", "arcgit restore, {files} files", "1 file", ANY, restoring.memory_many, unit=KIB),
    Row("replicate-big", "arcgit replicate, {mib} MiB", "cp", ANY, replicating.big),
    Row("replicate-many", "arcgit replicate, {files} files", "cp", ANY, replicating.many),
    Row("replicate-memory", "arcgit replicate, {mib} MiB", "1 MiB", FLAT, replicating.memory_big, unit=KIB),
    Row("replicate-memory-many", "arcgit replicate, {files} files", "1 file", ANY, replicating.memory_many, unit=KIB),
    Row("record-big", "arcgit record, same {mib} MiB", BY_HAND, RECORD, storing.record_big),
    Row("record-many", "arcgit record, same {files} files", BY_HAND, RECORD, storing.record_many),
    Row("record-memory", "arcgit record, same {mib} MiB", "the same, 1 MiB", FLAT, storing.record_memory, unit=KIB),
    Row("record-memory-many", "arcgit record, same {files} files", "1 file", ANY, storing.record_memory_many, unit=KIB),
    Row("server-hook", "server hook, 100 onto {records}", "git rev-list and signatures", TWICE, receiving.server_hook),
)  # fmt: skip
