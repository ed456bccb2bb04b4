"""proven.json: proven lists, and every rule that one can break."""

from __future__ import annotations

from arcgit.model import canonical, proven
from arcgit.model.proven import ProvenObject
from tests.vectors.make.cases import Case, good, newer, refused

A, B = "a" * 64, "b" * 64
SOUND: tuple[tuple[str, str, list[ProvenObject]], ...] = (
    ("empty", "Where nothing was proven there is the first line alone.", []),
    ("one object", "sha256, size, remote.", [ProvenObject(A, 3, "storage")]),
    ("the same bytes in two remotes", "Each remote has a line of its own.", [ProvenObject(A, 3, "git"), ProvenObject(A, 3, "storage")]),
    ("in order of the lines' bytes", "Not of the numbers in them.", [ProvenObject(A, 10, "s"), ProvenObject(A, 9, "s"), ProvenObject(B, 1, "a")]),
    ("a remote that JSON escapes", "A name is a canonical JSON string.", [ProvenObject(A, 1, 'quo"te')]),
    ("the largest size", "A size has at most 19 digits.", [ProvenObject(A, 9999999999999999999, "s")]),
)  # fmt: skip
FAULTS: tuple[tuple[str, str, str, str], ...] = (
    ("nothing", "The first line says what this is.", "not an arcgit/proven/v1 list", ""),
    ("a fixity list", "The first line says what this is.", "not an arcgit/proven/v1 list", "arcgit/fixity/v1\n"),
    ("no final newline", "Every line ends with one.", "not an arcgit/proven/v1 list", f'arcgit/proven/v1\n{A} 1 "s"'),
    ("carriage returns", "Lines end with a newline alone.", "not an arcgit/proven/v1 list", f'arcgit/proven/v1\r\n{A} 1 "s"\r\n'),
    ("an empty line", "Every line is an object.", "line 2 is malformed", f'arcgit/proven/v1\n\n{A} 1 "s"\n'),
    ("out of order", "Lines are in order of their bytes.", "line 3: out of order", f'arcgit/proven/v1\n{B} 1 "s"\n{A} 1 "s"\n'),
    ("a line twice", "No line says what another does.", "line 3: out of order", f'arcgit/proven/v1\n{A} 1 "s"\n{A} 1 "s"\n'),
    ("a digest in capitals", "Digests are small.", "line 2 is malformed", f'arcgit/proven/v1\n{A.upper()} 1 "s"\n'),
    ("a short digest", "A sha256 has 64 digits.", "line 2 is malformed", f'arcgit/proven/v1\n{A[:63]} 1 "s"\n'),
    ("a negative size", "A size is not below nought.", "line 2 is malformed", f'arcgit/proven/v1\n{A} -1 "s"\n'),
    ("a size with a nought in front", "A size has one spelling.", "line 2 is malformed", f'arcgit/proven/v1\n{A} 01 "s"\n'),
    ("a size of twenty digits", "A size has at most 19.", "line 2 is malformed", f'arcgit/proven/v1\n{A} {"1" * 20} "s"\n'),
    ("a remote without quotation marks", "A name is a JSON string.", "line 2 is malformed", f"arcgit/proven/v1\n{A} 1 s\n"),
    ("an escape that is not needed", "A name is a canonical JSON string.", "not canonical", f'arcgit/proven/v1\n{A} 1 "\\u0073"\n'),
    ("half a surrogate pair", "A name is Unicode text.", "the remote is malformed", f'arcgit/proven/v1\n{A} 1 "\\ud800"\n'),
    ("no remote", "sha256, size, remote.", "line 2 is malformed", f"arcgit/proven/v1\n{A} 1\n"),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases = []
    for name, why, entries in SOUND:
        data = proven.serialise(entries)
        listed = [list(entry) for entry in proven.parse(data)]
        cases.append(good(name, why, entries=listed, list=data.decode(), sha256=canonical.sha256(data)))
    cases += [refused(name, why, fault, list=text) for name, why, fault, text in FAULTS]
    why = "A newer list is not wrong, only not readable."
    cases.append(newer("a newer list", why, "unknown version", list="arcgit/proven/v2\nanything\n"))
    return {"about": "list: its text; entries: sha256, size and remote of each object; sha256: the name of the list.", "cases": cases}  # fmt: skip
