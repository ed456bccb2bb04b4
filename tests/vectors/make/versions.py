"""versions.json: version lists of cloud-versioned remotes, and every rule that one can break."""

from __future__ import annotations

from typing import Any

from arcgit.model import canonical, versions
from arcgit.model.versions import MAX_ID, FileVersion
from tests.vectors.make.cases import Case, good, newer, refused

A, B = "a" * 32, "b" * 32
ONE = {"md5": A, "version": "v1"}
SOUND: tuple[tuple[str, str, dict[str, FileVersion]], ...] = (
    ("empty", "A directory may be empty.", {}),
    ("one file", "The md5 in DVC and the storage's own name for the version.", {"0.csv": FileVersion(A, "6713e9008f8dbfd7351f1b74d2953583")}),
    ("in canonical order", "Members are in order of UTF-16, as in all canonical JSON.", {path: FileVersion(A, "v") for path in ("b", "a.d/b", "a-b", "a", "Z", "\u00e9", "\ufb33", "\U0001f600")}),
    ("a path that JSON escapes", "A path is a canonical JSON string.", {'quo"te.txt': FileVersion(A, "v")}),
    ("two files with the same bytes", "Each has a version of its own.", {"a": FileVersion(A, "v1"), "b": FileVersion(A, "v2")}),
    ("ids as storages have them", "S3, Google Cloud, Azure, and one of an object from before there were versions.", {"a": FileVersion(A, "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo"), "b": FileVersion(A, "1360887759327000"), "c": FileVersion(A, "2026-05-04T08:01:10.3000000Z"), "d": FileVersion(A, "null")}),
    ("an id of any printable character", "Quotation mark and backslash are escaped as in any string.", {"a": FileVersion(A, "".join(chr(code) for code in range(0x21, 0x7F)))}),
    ("the longest id", "1024 characters are what S3 allows itself.", {"a": FileVersion(A, "v" * MAX_ID)}),
)  # fmt: skip
PATHS: tuple[tuple[str, str, str, str], ...] = (
    ("an empty path", "A path names a file.", "it is empty", ""),
    ("an absolute path", "Paths are relative to the directory.", "it is absolute", "/a"),
    ("a parent folder", "No path leaves the directory.", "leaves its folder", "a/../b"),
    ("a dot part", "A path has one spelling.", "an empty component", "./a"),
    ("a backslash", "On some systems it separates folders.", "a backslash", "a\\b"),
    ("a drive", "On some systems it names a drive.", "a colon", "C:/data"),
    ("a newline", "Control characters are refused.", "control characters", "a\nb"),
    ("a NUL", "Control characters are refused.", "control characters", "a\0b"),
    ("git's folder", "Written back, it would be run.", "git's own folder", ".git/hooks/x"),
    ("git's folder in capitals", "Some file systems do not tell them apart.", "git's own folder", "a/.GIT/x"),
    ("a space at the end", "Some file systems drop it.", "ends with a dot or a space", "a "),
    ("a device name", "Some systems take it for a device.", "device name", "a/Aux.txt"),
)  # fmt: skip
ROWS: tuple[tuple[str, str, str, Any], ...] = (
    ("an md5 in capitals", "Digests are small.", "malformed md5 or version", {**ONE, "md5": A.upper()}),
    ("a short md5", "An md5 has 32 digits.", "malformed md5 or version", {**ONE, "md5": A[:31]}),
    ("an md5 that is none", "Digits are hexadecimal.", "malformed md5 or version", {**ONE, "md5": "g" * 32}),
    ("a sha256", "A file is named as DVC names it.", "malformed md5 or version", {**ONE, "md5": A + B}),
    ("a listing", "A version is one of a file, never of a directory.", "malformed md5 or version", {**ONE, "md5": f"{A}.dir"}),
    ("an empty id", "Without an id there is no version.", "malformed md5 or version", {**ONE, "version": ""}),
    ("an id with a blank", "It goes into requests as it stands.", "malformed md5 or version", {**ONE, "version": "a b"}),
    ("an id with a newline", "It goes into requests as it stands.", "malformed md5 or version", {**ONE, "version": "v\n"}),
    ("an id with a control character", "It goes into requests as it stands.", "malformed md5 or version", {**ONE, "version": "v\x7f"}),
    ("an id beyond ASCII", "No storage has such.", "malformed md5 or version", {**ONE, "version": "v\u00e9"}),
    ("an id that is too long", "1024 characters are the most.", "malformed md5 or version", {**ONE, "version": "v" * (MAX_ID + 1)}),
    ("an id that is a number", "Ids are strings, also those that look like numbers.", "it is no version list", {**ONE, "version": 1360887759327}),
    ("an id that is null", "A file without a version is none of such a remote.", "it is no version list", {**ONE, "version": None}),
    ("no id", "md5 and version are both there.", "it is no version list", {"md5": A}),
    ("no md5", "md5 and version are both there.", "it is no version list", {"version": "v1"}),
    ("a file that is a string", "A file is an object.", "it is no version list", "v1"),
    ("a file that is a list", "A file is an object.", "it is no version list", [A, "v1"]),
)  # fmt: skip
WHOLE: tuple[tuple[str, str, str, str], ...] = (
    ("nothing", "A list says what it is.", "it is no version list", ""),
    ("an empty object", "A list says what it is.", "it is no version list", "{}"),
    ("a fixity list", "A list says what it is.", "it is no version list", "arcgit/fixity/v1\n"),
    ("no schema", "A list says what it is.", "it is no version list", '{"files":{}}'),
    ("no files", "Empty it has them too.", "it is no version list", '{"schema":"arcgit/versions/v1"}'),
    ("files in an array", "They are members by their path.", "it is no version list", '{"files":[],"schema":"arcgit/versions/v1"}'),
    ("another schema", "A list says what it is.", "it is no arcgit/versions/v1", '{"files":{},"schema":"arcgit/fixity/v1"}'),
    ("a schema in capitals", "A list says what it is.", "it is no arcgit/versions/v1", '{"files":{},"schema":"ARCGIT/versions/v1"}'),
    ("a newline at the end", "Canonical JSON has none.", "it is no version list", '{"files":{},"schema":"arcgit/versions/v1"}\n'),
    ("blanks", "Canonical JSON has none.", "it is no version list", '{"files": {}, "schema": "arcgit/versions/v1"}'),
    ("another order", "Members are in order.", "it is no version list", '{"schema":"arcgit/versions/v1","files":{}}'),
    ("a path twice", "A path is one file.", "it is no version list", f'{{"files":{{"a":{{"md5":"{A}","version":"1"}},"a":{{"md5":"{B}","version":"2"}}}},"schema":"arcgit/versions/v1"}}'),
    ("an escape that is not needed", "A string has one spelling.", "it is no version list", f'{{"files":{{"\\u0061":{{"md5":"{A}","version":"1"}}}},"schema":"arcgit/versions/v1"}}'),
    ("half a surrogate pair", "A path is Unicode text.", "it is no version list", f'{{"files":{{"\\ud800":{{"md5":"{A}","version":"1"}}}},"schema":"arcgit/versions/v1"}}'),
    ("a byte order mark", "Canonical JSON has none.", "it is no version list", '\ufeff{"files":{},"schema":"arcgit/versions/v1"}'),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases = []
    for name, why, files in SOUND:
        data = versions.serialise(files)
        listed = {path: list(row) for path, row in sorted(files.items())}
        cases.append(good(name, why, entries=listed, list=data.decode(), sha256=canonical.sha256(data)))
    more = {"files": {"a": {**ONE, "etag": "e"}}, "note": "x", "schema": versions.SCHEMA}
    why = "Later versions of the format may add them; what is known is read."
    data = canonical.dumps(more)
    cases.append(
        good("fields that are not known", why, entries={"a": list(ONE.values())}, list=data.decode(), sha256=canonical.sha256(data), more=True)
    )  # fmt: skip
    cases += [refused(name, why, fault, list=_listed({path: ONE})) for name, why, fault, path in PATHS]
    cases += [refused(name, why, fault, list=_listed({"a": row})) for name, why, fault, row in ROWS]
    cases += [refused(name, why, fault, list=text) for name, why, fault, text in WHOLE]
    why = "A newer list is not wrong, only not readable."
    for name, text in (
        ("a newer list", '{"schema":"arcgit/versions/v2"}'),
        ("a newer list with other files", '{"files":[1],"schema":"arcgit/versions/v10"}'),
    ):
        cases.append(newer(name, why, "unknown version", list=text))
    about = (
        "list: its text; entries: md5 and version of each file by its path; sha256: the name of the list; more: it has "
        "fields that are not known, so writing the entries gives another list."
    )
    return {"about": about, "cases": cases}


def _listed(files: dict[str, Any]) -> str:
    return canonical.dumps({"files": files, "schema": versions.SCHEMA}).decode()
