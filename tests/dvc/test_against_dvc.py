"""Differential tests: what arcgit reads without DVC is what DVC itself reads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from dvc.fs import LocalFileSystem
from dvc.ignore import DvcIgnoreFilter
from dvc.utils.serialize import parse_py
from dvc_data.hashfile.hash import file_md5
from dvc_data.hashfile.tree import Tree
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from arcgit.archive.workspace import parse_values
from arcgit.dvc import lockstep, pyparams
from arcgit.dvc.files import Member, listing_oid
from arcgit.dvc.ignore import Ignore

SLOW = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


def flat(value: Any) -> Any:
    """A value of DVC's as YAML would hold it: tuples as lists, sets in order, what it has no form for as text."""
    if isinstance(value, dict):
        return {key: flat(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((flat(item) for item in value), key=repr)
    if isinstance(value, list | tuple):
        return [flat(item) for item in value]
    return repr(value) if isinstance(value, bytes | complex) or value is ... else value


def python_agrees(source: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = flat(parse_py(source, "params.py"))
        except TypeError:
            return
        assert pyparams.parse(source.encode()) == expected


@pytest.mark.parametrize(
    "source",
    [
        "", "x = 1", "x: int = 1", "x: int", "x = y = 1", "x, y = 1, 2", "x = -1", "x = 1 + 2", "x = 1 + 2j", "x = 'a' 'b'",
        "x = [1, [2, 'a']]", "x = (1, 2)", "x = {1, 2}", "x = {'a': 1, 2: None, True: (1,)}", "x = {'a': y}", "x = {**{}}",
        "x = [*a]", "x = f'{1}'", "x = None", "x = b'z'", "x = ...", "x += 1", "x = 1; x = 2", "x[0] = 1", "a.b = 1",
        "self.x = 1", "class A: pass", "class A:\n    X = 1\n    y: float = 2.5\n    z: str",
        "class A:\n    class B:\n        C = {'d': 1}",
        "class A:\n    def __init__(self):\n        self.x = 1\n        y = 2\n        self.z: int = 3\n        other.w = 4",
        "class A:\n    X = 1\n    def __init__(self):\n        self.X = 2",
        "class A:\n    def run(self):\n        self.x = 1", "def __init__(self):\n    self.x = 1", "def f():\n    x = 1",
        "async def __init__(self):\n    self.x = 1", "if True:\n    x = 1", "A = 1\nclass A:\n    x = 2",
        "class A:\n    def __init__(self):\n        class B:\n            c = 1", "x = True and False", "x = not True",
        "x = 'a' if y else 'b'", "x = int('1')", "x = '\\d'", "x: 'int' = 10_000", "x = 0x1F", "(x) = 1", "(x): int = 1",
        "@d\nclass A(B):\n    x = 1",
    ],
)  # fmt: skip
def test_python_parameters_are_those_of_dvc(source: str) -> None:
    python_agrees(source)


IDENTIFIERS = st.sampled_from(["x", "Y", "self.z", "a.b", "x[0]", "x, y"])
LITERALS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5)),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
).map(repr)  # fmt: skip
EXPRESSIONS = st.one_of(LITERALS, st.sampled_from(["y", "1 + 2", "f(1)", "[y]", "{'k': y}", "-2", "{1, 2}", "(1,)"]))
LINES = st.one_of(
    st.builds("{} = {}".format, IDENTIFIERS, EXPRESSIONS),
    st.builds("{}: int = {}".format, st.sampled_from(["x", "self.z"]), EXPRESSIONS),
    st.just("pass"),
)


def indented(lines: list[str], depth: int) -> list[str]:
    return [" " * depth + line for line in lines]


BLOCKS = st.recursive(
    st.lists(LINES, min_size=1, max_size=3),
    lambda inner: st.builds(
        lambda head, body, rest: [head, *indented(body, 2), *rest],
        st.sampled_from(["class A:", "def __init__(self):", "def other(self):", "if x:"]),
        inner,
        st.lists(LINES, max_size=2),
    ),
    max_leaves=4,
)


@SLOW
@given(BLOCKS)
def test_parameters_of_any_python_file_are_those_of_dvc(lines: list[str]) -> None:
    python_agrees("\n".join(lines))


HASHES = st.sampled_from(["0" * 32, "1" * 32, "ab" * 16])
PARTS = st.text(st.sampled_from("aAzé漢 .-_!~0🙂"), min_size=1, max_size=3).filter(lambda text: text not in {".", ".."})
PATHS = st.lists(PARTS, min_size=1, max_size=3).map("/".join)


@SLOW
@example({"a-b/x": "0" * 32, "a/y": "1" * 32, "a.csv": "ab" * 16})
@given(st.dictionaries(PATHS, HASHES, max_size=6))
def test_a_listing_has_the_name_that_dvc_gives_it(files: dict[str, str]) -> None:
    tree = Tree.from_list([{"relpath": path, "md5": md5} for path, md5 in files.items()], hash_name="md5")
    tree.digest()
    assert listing_oid(Member(path, md5, None) for path, md5 in files.items()) == tree.oid


@SLOW
@given(
    st.lists(st.sampled_from([b"a", b"\r\n", b"\n", b"\r", b"\0", "é".encode(), b"\xff" * 9]), max_size=12).map(
        b"".join
    )
)
def test_hashes_of_files_are_those_of_dvc(data: bytes) -> None:
    fs = LocalFileSystem()
    path = Path.home() / "hashed"
    path.write_bytes(data)
    legacy = lockstep.md5s(data, "md5-dos2unix")
    assert lockstep.md5s(data, "md5") == [file_md5(str(path), fs, name="md5")]
    assert (legacy[-1] if lockstep.is_text(data) else legacy[0]) == file_md5(str(path), fs, name="md5-dos2unix")


RULES = st.lists(
    st.sampled_from(
        [
            "a", "a/", "/a", "/a/", "*.dvc", "!x.dvc", "!a/x.dvc", "!a/", "a/*", "a/**", "**/b", "**/b/", "b/x.dvc", "*",
            "!*/", "# a", "", "  ", r"\!a", r"\#a", "x.*", "[ab]/", "?", "a/*/x.dvc", "!/a/b", "c.dvc ", "/**/x.dvc",
        ]
    ),
    max_size=4,
)  # fmt: skip
FILES = [
    f"{folder}{name}" for folder in ("", "a/", "a/b/", "b/", "b/a/", "#a/") for name in ("x.dvc", "c.dvc", "a.txt")
]


@SLOW
@given(root=RULES, inner=RULES, deep=RULES)
def test_dvcignore_hides_what_it_hides_from_dvc(
    root: list[str], inner: list[str], deep: list[str], tmp_path: Path
) -> None:
    rules = {"": root, "a/": inner, "a/b/": deep}
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    for folder, lines in rules.items():
        (tmp_path / folder / ".dvcignore").write_text("\n".join(lines))
    reference = DvcIgnoreFilter(LocalFileSystem(), str(tmp_path))
    seen = {Path(path).relative_to(tmp_path).as_posix() for path in reference.find(LocalFileSystem(), str(tmp_path))}
    found = Ignore(rules)
    assert {file for file in FILES if not found.hides(file)} == seen & set(FILES)


@pytest.mark.parametrize(
    "key", ["a.b.0", "a.b.-1", "a.b.1.c", "a.*", "a.b.*", "*.b", "a.x?", "a.[xy]1", "q", "a.b.9", "a.q.z"]
)
def test_a_parameter_is_looked_up_as_dvc_does(key: str) -> None:
    import dpath  # noqa: PLC0415

    values: dict[str, Any] = {"a": {"b": [1, {"c": 2}], "x1": 3}, "d": None}
    try:
        expected = dpath.get(values, key, separator=".")
    except (KeyError, ValueError):
        assert lockstep.lookup(values, key) not in [1, 2, 3, None]
    else:
        assert lockstep.lookup(values, key) == expected


def test_values_of_every_ending_are_read_as_dvc_reads_them() -> None:
    assert parse_values(b"AUC: 0.9\n", "metrics/cv.metric") == {"AUC": 0.9}
    assert parse_values(b"just text", "notes.txt") is None
    assert parse_values(b"a: [", "notes.txt") is None
    with pytest.raises(ValueError, match="line"):
        parse_values(b"a: [", "params.yaml")
