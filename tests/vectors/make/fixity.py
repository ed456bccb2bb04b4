"""fixity.json: fixity lists, and every rule that one can break."""

from __future__ import annotations

from arcgit.model import canonical, fixity
from arcgit.model.fixity import FixityEntry
from tests.vectors.make.cases import Case, good, newer, refused

A, B = "a" * 64, "b" * 64
SOUND: tuple[tuple[str, str, list[FixityEntry]], ...] = (
    ("empty", "An empty directory has the first line alone.", []),
    ("one file", "sha256, size, path.", [FixityEntry(A, 3, "a/part-0.csv")]),
    ("in order of the path's UTF-8 bytes", "Whole paths are compared as bytes, whatever their folders.", [FixityEntry(A, 0, path) for path in ("Z", "a", "a-b", "a.d/b", "b", "\u00e9", "\ufb33", "\U0001f600")]),
    ("a path that JSON escapes", "A path is a canonical JSON string.", [FixityEntry(A, 1, 'quo"te.txt')]),
    ("names that some file systems take for one", "The list says what is there; restoring judges what can lie side by side.", [FixityEntry(A, 1, "README"), FixityEntry(B, 1, "readme"), FixityEntry(A, 1, "e\u0301"), FixityEntry(B, 1, "\u00e9")]),
    ("names that look unsafe and are not", "Dots in front, words that only begin like a device, letters of the world.", [FixityEntry(A, 1, path) for path in (".gitignore", "..a", "aux-1", "com10", "con-fig", "git~x", "\u00fcn\u00ef/\u00df")]),
    ("the largest size", "A size has at most 19 digits.", [FixityEntry(A, 9999999999999999999, "big")]),
)  # fmt: skip
PATH_FAULTS: tuple[tuple[str, str, str, str], ...] = (
    ("an empty path", "A path names a file.", "it is empty", ""),
    ("an absolute path", "Paths are relative to the directory.", "it is absolute", "/a"),
    ("a parent folder", "No path leaves the directory.", "leaves its folder", "a/../b"),
    ("a dot part", "A path has one spelling.", "an empty component", "./a"),
    ("an empty part", "A path has one spelling.", "an empty component", "a//b"),
    ("a slash at the end", "A path names a file.", "an empty component", "a/"),
    ("a backslash", "On some systems it separates folders.", "a backslash", "a\\b"),
    ("a colon", "On some systems it names a drive or a stream.", "a colon", "a:b"),
    ("a newline", "Control characters are refused.", "control characters", "a\nb"),
    ("a C1 control character", "Control characters are refused.", "control characters", "a\u0085b"),
    ("git's folder", "Written back, it would be run.", "git's own folder", ".git/hooks/x"),
    ("git's folder in capitals", "Some file systems do not tell them apart.", "git's own folder", "a/.GIT/x"),
    ("git's folder by its short name", "It is .git on some file systems.", "git's own folder", "git~1/x"),
    ("git's folder with characters that are not seen", "Some file systems ignore them.", "git's own folder", ".g\u200cit/x"),
    ("git's folder with a dot behind", "Some file systems drop it.", "git's own folder", ".git./x"),
    ("a dot at the end", "Some file systems drop it.", "ends with a dot or a space", "a./b"),
    ("a space at the end", "Some file systems drop it.", "ends with a dot or a space", "a "),
    ("a device name", "Some systems take it for a device.", "device name", "con"),
    ("a device name with an ending", "Some systems take it for a device.", "device name", "a/Aux.txt"),
    ("a NUL", "Control characters are refused.", "control characters", "a\0b"),
    ("a character for deleting", "Control characters are refused.", "control characters", "a\x7fb"),
    ("the nothing device", "Some systems take it for a device.", "device name", "NUL"),
    ("a printer", "Some systems take it for a device.", "device name", "data/prn.csv"),
    ("a drive", "On some systems it names a drive.", "a colon", "C:/data"),
    ("nothing but a parent folder", "No path leaves the directory.", "leaves its folder", ".."),
    ("a port", "Some systems take it for a device.", "device name", "lpt1.csv"),
)  # fmt: skip
LIST_FAULTS: tuple[tuple[str, str, str, str], ...] = (
    ("no first line", "It says what this is.", "not an arcgit/fixity/v1 list", f'{A} 1 "a"\n'),
    ("nothing", "It says what this is.", "not an arcgit/fixity/v1 list", ""),
    ("no final newline", "Every line ends with one.", "not an arcgit/fixity/v1 list", f'arcgit/fixity/v1\n{A} 1 "a"'),
    ("carriage returns", "Lines end with a newline alone.", "not an arcgit/fixity/v1 list", f'arcgit/fixity/v1\r\n{A} 1 "a"\r\n'),
    ("a carriage return in a line", "Lines end with a newline alone.", "line 2 is malformed", f'arcgit/fixity/v1\n{A} 1 "a"\r\n'),
    ("an empty line", "Every line is a file.", "line 2 is malformed", f'arcgit/fixity/v1\n\n{A} 1 "a"\n'),
    ("an empty line at the end", "Every line is a file.", "line 3 is malformed", f'arcgit/fixity/v1\n{A} 1 "a"\n\n'),
    ("out of order", "Lines are in order of the path's bytes.", "line 3: out of order", f'arcgit/fixity/v1\n{A} 1 "b"\n{A} 1 "a"\n'),
    ("in order of UTF-16", "Bytes of UTF-8 decide.", "line 3: out of order", f'arcgit/fixity/v1\n{A} 1 "\U0001f600"\n{A} 1 "\ufb33"\n'),
    ("a path twice", "A path is one file.", "line 3: out of order", f'arcgit/fixity/v1\n{A} 1 "a"\n{B} 2 "a"\n'),
    ("a file inside a file", "No directory has both.", "a/b lies inside a file", f'arcgit/fixity/v1\n{A} 1 "a"\n{A} 1 "a/b"\n'),
    ("a digest in capitals", "Digests are small.", "line 2 is malformed", f'arcgit/fixity/v1\n{A.upper()} 1 "a"\n'),
    ("a short digest", "A sha256 has 64 digits.", "line 2 is malformed", f'arcgit/fixity/v1\n{A[:63]} 1 "a"\n'),
    ("a negative size", "A size is not below nought.", "line 2 is malformed", f'arcgit/fixity/v1\n{A} -1 "a"\n'),
    ("a size with a nought in front", "A size has one spelling.", "line 2 is malformed", f'arcgit/fixity/v1\n{A} 01 "a"\n'),
    ("a size of twenty digits", "A size has at most 19.", "line 2 is malformed", f'arcgit/fixity/v1\n{A} {"1" * 20} "a"\n'),
    ("two spaces", "One space separates the parts.", "line 2 is malformed", f'arcgit/fixity/v1\n{A}  1 "a"\n'),
    ("a path without quotation marks", "A path is a JSON string.", "line 2 is malformed", f"arcgit/fixity/v1\n{A} 1 a\n"),
    ("an escape that is not needed", "A path is a canonical JSON string.", "not canonical", f'arcgit/fixity/v1\n{A} 1 "\\u0061"\n'),
    ("two paths in a line", "A line is one file.", "the path is malformed", f'arcgit/fixity/v1\n{A} 1 "a" "b"\n'),
    ("a digest that is none", "Digits are hexadecimal.", "line 2 is malformed", f'arcgit/fixity/v1\n{"g" * 64} 1 "a"\n'),
    ("no digest", "sha256, size, path.", "line 2 is malformed", 'arcgit/fixity/v1\n1 "a"\n'),
    ("no size", "sha256, size, path.", "line 2 is malformed", f'arcgit/fixity/v1\n{A} "a"\n'),
    ("no path", "sha256, size, path.", "line 2 is malformed", f"arcgit/fixity/v1\n{A} 1\n"),
    ("a size with a fraction", "Bytes are whole.", "line 2 is malformed", f'arcgit/fixity/v1\n{A} 1.5 "a"\n'),
    ("a size with a plus sign", "A size has one spelling.", "line 2 is malformed", f'arcgit/fixity/v1\n{A} +1 "a"\n'),
    ("a space behind the path", "A line is sha256, size, path.", "the path is malformed", f'arcgit/fixity/v1\n{A} 1 "a" "\n'),
    ("a tab between the parts", "One space separates the parts.", "line 2 is malformed", f'arcgit/fixity/v1\n{A}\t1 "a"\n'),
    ("a path that is a number", "A path is a JSON string.", "line 2 is malformed", f"arcgit/fixity/v1\n{A} 1 17\n"),
    ("a first line in capitals", "It says what this is.", "not an arcgit/fixity/v1 list", f'ARCGIT/fixity/v1\n{A} 1 "a"\n'),
    ("a byte order mark", "It says what this is.", "not an arcgit/fixity/v1 list", f'\ufeffarcgit/fixity/v1\n{A} 1 "a"\n'),
    ("half a surrogate pair", "A path is Unicode text.", "the path is malformed", f'arcgit/fixity/v1\n{A} 1 "\\ud800"\n'),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases = []
    for name, why, entries in SOUND:
        data = fixity.serialise(entries)
        listed = [list(entry) for entry in fixity.parse(data)]
        cases.append(good(name, why, entries=listed, list=data.decode(), sha256=canonical.sha256(data)))
    for name, why, fault, path in PATH_FAULTS:
        text = f"arcgit/fixity/v1\n{A} 1 {canonical.dumps(path).decode()}\n"
        cases.append(refused(name, why, fault, list=text))
    cases += [refused(name, why, fault, list=text) for name, why, fault, text in LIST_FAULTS]
    why = "A newer list is not wrong, only not readable."
    cases.append(newer("a newer list", why, "unknown version", list="arcgit/fixity/v2\nanything\n"))
    return {"about": "list: its text; entries: sha256, size and path of each file; sha256: the name of the list.", "cases": cases}  # fmt: skip
