"""Version lists: what is written is read again, and whatever is no such list is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arcgit.model import canonical, paths, versions
from arcgit.model.versions import FileVersion

MD5 = "a" * 32
ROW = {"md5": MD5, "version": "v1"}


def listed(**changes: Any) -> bytes:
    return canonical.dumps({"schema": "arcgit/versions/v1", "files": {"a/b.csv": ROW}, **changes})


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20).filter(lambda path: not paths.unsafe_reason(path)),
        st.builds(FileVersion, st.just(MD5), st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)),
        max_size=5,
    )
)
def test_a_list_is_read_as_it_was_written(files: dict[str, FileVersion]) -> None:
    assert versions.parse(versions.serialise(files)) == files


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"arcgit/fixity/v1\n",
        b"[" * 100_000,
        b"\xff",
        listed(files=[]),
        listed(files={"a": {"md5": MD5}}),
        listed(files={"a": {"md5": MD5.upper(), "version": "v"}}),
        listed(files={"a": {"md5": f"{MD5}.dir", "version": "v"}}),
        listed(files={"a": {"md5": MD5, "version": ""}}),
        listed(files={"a": {"md5": MD5, "version": "a b"}}),
        listed(files={"a": {"md5": MD5, "version": "v\n"}}),
        listed(files={"a": {"md5": MD5, "version": "v" * 1025}}),
        listed(files={"a": {"md5": MD5, "version": 1}}),
        listed(files={"../a": ROW}),
        listed(files={"/a": ROW}),
        listed(files={".git/hooks/x": ROW}),
        listed(schema="other"),
        listed() + b"\n",
        json.dumps(json.loads(listed())).encode(),
    ],
)
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(versions.VersionsError):
        versions.parse(data)


def test_a_newer_list_is_not_called_wrong() -> None:
    with pytest.raises(versions.UnknownVersionsVersionError):
        versions.parse(listed(schema="arcgit/versions/v2"))
