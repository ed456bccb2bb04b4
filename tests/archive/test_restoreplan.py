"""Names that cannot stand beside each other: held to a look at all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from arcgit.archive.restoring import restoreplan
from arcgit.archive.restoring.restoreplan import Part
from arcgit.errors import RefusedError
from arcgit.model import fixity
from arcgit.model.fixity import FixityEntry
from arcgit.model.record import ArtifactFact

names = st.lists(st.sampled_from(["a", "A", "b", "ab", "a-", "é", "É", "e\u0301", "ß", "ss"]), min_size=1, max_size=3)
paths = names.map("/".join)
artifact = st.tuples(paths, st.one_of(st.integers(0, 1), st.dictionaries(paths, st.integers(0, 1), max_size=6)))


def part_of(name: str, path: str, content: int | dict[str, int]) -> Part | None:
    """An artifact: a file of these bytes, or a directory of such files; None for a directory that cannot be sealed."""
    if isinstance(content, int):
        fact = ArtifactFact(path=path, role="dataset", kind="file", size=content, sha256=f"{content:064x}")
        entries: Sequence[FixityEntry] = (FixityEntry(fact.sha256, content, ""),)
        return Part(name, fact, entries, entries)
    rows = [FixityEntry(f"{size:064x}", size, inside) for inside, size in content.items()]
    try:
        entries = fixity.parse(fixity.serialise(rows))
    except fixity.FixityError:
        return None
    fact = ArtifactFact(path=path, role="dataset", kind="directory", size=0, sha256="0" * 64, files=len(rows))
    return Part(name, fact, entries, entries)


def words(parts: Sequence[Part], *, at_once: bool) -> str:
    try:
        if at_once:
            restoreplan._require_apart(parts, [(part, entry) for part in parts for entry in part.entries])
        else:
            restoreplan._require_safe(parts)
    except RefusedError as fault:
        return fault.message
    return ""


@given(st.lists(artifact, max_size=5))
@example([("a", {"x": 1}), ("A", {"y": 1})])
@example([("a", {"b/x": 1}), ("a/b", {"x": 1})])
@example([("a", {"b/x": 1}), ("a/b", {"x": 0})])
@example([("a", {"b": 1}), ("a/b", {"x": 0})])
@example([("a/b", {"x": 0}), ("a", {"b": 1})])
@example([("a", {}), ("a", 1)])
@example([("a", {"A/x": 1, "a/y": 1})])
def test_names_are_refused_as_by_a_look_at_all_of_them_at_once(
    artifacts: list[tuple[str, int | dict[str, int]]],
) -> None:
    made = [part_of(f"p{number}", *one) for number, one in enumerate(artifacts)]
    parts = [part for part in made if part is not None]
    assert words(parts, at_once=False) == words(parts, at_once=True)


def test_names_of_one_folder_in_several_artifacts_need_no_closer_look() -> None:
    made = [part_of("a", "data/train", {"x/1": 1, "x/2": 1, "y": 0}), part_of("b", "data/test", {"x/1": 1})]
    parts = [part for part in made if part is not None]
    assert len(parts) == 2
    assert not restoreplan._twice(parts)
