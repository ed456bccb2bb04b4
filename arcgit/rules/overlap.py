"""Do the splits of an experiment share files? Decided by content hashes alone: names do not matter, bytes do.

Any two splits of different names are held against each other: what was tested on must not have been trained on, and a
validation set that is a part of the test set says little. Empty files are all alike and are not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations

import msgspec

from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, error, warning
from arcgit.model.text import count, word

MAX_EXAMPLES = 5
EMPTY = frozenset(
    {
        "d41d8cd98f00b204e9800998ecf8427e",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    }
)
"""The md5 and the sha256 of no bytes."""
_SAME = {
    "training": "train",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "eval": "evaluation",
}


class Contents(msgspec.Struct, frozen=True):
    """The files of one artifact: content hash by path. A single file has its own path."""

    name: str
    path: str
    split: str
    files: Mapping[str, str]


class Unread(msgspec.Struct, frozen=True):
    """An artifact whose list of files is not at hand; `oid` is what DVC calls the list."""

    name: str
    path: str
    split: str
    oid: str


def split_of(experiment: Experiment, name: str) -> str:
    """The split of a dataset by its usual name, empty where the artifact is no dataset or names none."""
    artifact = experiment.manifest.artifacts[name]
    return usual_name(artifact.split) if artifact.role == "dataset" else ""


def usual_name(split: str | None) -> str:
    """A split as most people call it: `val` and `dev` are `validation`. Empty where there is none."""
    label = (split or "").strip().lower()
    return _SAME.get(label, label)


def shared(known: Iterable[Contents]) -> Iterator[tuple[Contents, Contents, int]]:
    """The pairs of different splits that have contents in common, with the number of these."""
    for one, other in combinations(known, 2):
        common = set(one.files.values()) & set(other.files.values()) - EMPTY
        if one.split != other.split and common:
            yield one, other, len(common)


def judge(experiment: Experiment, known: Iterable[Contents], unread: Iterable[Unread] = ()) -> Iterator[Finding]:
    """Shared files between splits, and the splits that could not be compared."""
    present = list(known)
    missing = list(unread)
    for one, other in combinations(present, 2):
        if one.split != other.split:
            yield from _compare(experiment, one, other)
    for first, second in combinations(missing, 2):
        if first.split != second.split and first.oid == second.oid:
            yield _alike(experiment, first, second)
    if len({item.split for item in present} | {item.split for item in missing}) > 1:
        yield from _unchecked(experiment, missing)


def _compare(experiment: Experiment, one: Contents, other: Contents) -> Iterator[Finding]:
    # The finding is about the split that is held out.
    held, base = (one, other) if other.split == "train" else (other, one)
    by_hash = {digest: path for path, digest in base.files.items()}
    shared = {digest: path for path, digest in held.files.items() if digest in by_hash}
    empty = len([digest for digest in shared if digest in EMPTY])
    pairs = [(path, by_hash[digest]) for digest, path in shared.items() if digest not in EMPTY]
    if not pairs:
        return
    shown = [path if path == same else f"{path} (there {same})" for path, same in sorted(pairs)[:MAX_EXAMPLES]]
    more = f" and {len(pairs) - len(shown)} more" if len(pairs) > len(shown) else ""
    aside = "; empty files are not counted" if empty else ""
    message = (
        f"{count(len(pairs), 'file')} of {held.path} (split {held.split}) is also in {base.path} (split {base.split})"
        if len(pairs) == 1
        else f"{len(pairs)} files of {held.path} (split {held.split}) are also in {base.path} (split {base.split})"
    )
    yield error(
        "split-overlap",
        f"{experiment.manifest_path}: {held.name}",
        f"{message}: {', '.join(shown)}{more}{aside}",
        expected="no file in both",
        found=f"{count(len(pairs), 'content')} in both, of {count(len(held.files), 'file')}",
        hint="take them out of one split and run the pipeline again: dvc repro",
        place=experiment.at("artifacts", held.name),
    )


def _alike(experiment: Experiment, one: Unread, other: Unread) -> Finding:
    message = f"{other.path} (split {other.split}) is file by file {one.path} (split {one.split})"
    return error(
        "split-overlap",
        f"{experiment.manifest_path}: {other.name}",
        message,
        expected="no file in both",
        found=other.oid,
        hint="take them out of one split and run the pipeline again: dvc repro",
        place=experiment.at("artifacts", other.name),
    )


def _unchecked(experiment: Experiment, items: list[Unread]) -> Iterator[Finding]:
    """One finding for all of them: what helps is the same."""
    if not items:
        return
    first = items[0]
    more = f" and {count(len(items) - 1, 'other')}" if len(items) > 1 else ""
    shown = " ".join(word(item.path) for item in items[:MAX_EXAMPLES])
    yield warning(
        "split-overlap-unchecked",
        f"{experiment.manifest_path}: {first.name}",
        f"whether {first.path} (split {first.split}){more} shares files with another split was not checked: the"
        " list of its files is not in DVC's cache",
        hint=f"dvc fetch {shown}; arcgit record judges it again with every byte at hand",
        place=experiment.at("artifacts", first.name),
    )
