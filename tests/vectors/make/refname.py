"""refname.json: which refs are records, and what their names say."""

from __future__ import annotations

from arcgit.model.names import RECORD_PREFIX, RecordName
from tests.vectors.make.cases import Case, good

RUN = "0123456789ab"
NAMES = (
    ("the least", "One letter each.", RecordName("p", "e", RUN)),
    ("all characters", "Small letters, digits, hyphen, underscore.", RecordName("0-a_b", "9_z-", "f" * 12)),
    ("the longest", "A name has at most 63 characters.", RecordName("p" * 63, "e" * 63, RUN)),
    ("the second record", "N begins at 2.", RecordName("churn", "baseline", RUN, 2)),
    ("the largest number", "N has at most six digits.", RecordName("churn", "baseline", RUN, 999999)),
)
# (name, why, refname, the nearest one that is a record's)
FOREIGN = (
    ("a branch", "Records are tags.", f"refs/heads/exp/p/e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("a tag name alone", "Refnames are full.", f"exp/p/e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("another folder", "Records lie below exp/.", f"refs/tags/experiments/p/e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("no experiment", "There are three parts.", f"refs/tags/exp/p/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("one part more", "There are three parts.", f"refs/tags/exp/p/e/{RUN}/x", f"refs/tags/exp/p/e/{RUN}"),
    ("a branch's folder", "Records are tags.", f"refs/remotes/exp/p/e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("the folder in capitals", "It is exp.", f"refs/tags/EXP/p/e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("a space in a name", "Names have none.", f"refs/tags/exp/p x/e/{RUN}", f"refs/tags/exp/px/e/{RUN}"),
    ("a space behind it", "The whole text counts.", f"refs/tags/exp/p/e/{RUN} ", f"refs/tags/exp/p/e/{RUN}"),
    ("a digit that is none", "Digits are hexadecimal.", f"refs/tags/exp/p/e/{RUN[:11]}g", f"refs/tags/exp/p/e/{RUN}"),
    ("a number with a sign", "A number has one spelling.", f"refs/tags/exp/p/e/{RUN}.+2", f"refs/tags/exp/p/e/{RUN}.2"),
    ("a parent folder", "It is no refname.", f"refs/tags/exp/p/../e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("something in front", "The whole text counts.", f"x/refs/tags/exp/p/e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("eleven digits", "There are twelve.", f"refs/tags/exp/p/e/{RUN[:11]}", f"refs/tags/exp/p/e/{RUN}"),
    ("thirteen digits", "There are twelve.", f"refs/tags/exp/p/e/{RUN}c", f"refs/tags/exp/p/e/{RUN}"),
    ("capital digits", "Digits are small.", f"refs/tags/exp/p/e/{RUN.upper()}", f"refs/tags/exp/p/e/{RUN}"),
    ("a capital letter", "Names are in small letters.", f"refs/tags/exp/P/e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("a hyphen in front", "A name begins with a letter or digit.", f"refs/tags/exp/-p/e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("an underscore in front", "A name begins with a letter or digit.", f"refs/tags/exp/p/_e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("a dot in a name", "Dots separate the number alone.", f"refs/tags/exp/p.x/e/{RUN}", f"refs/tags/exp/p-x/e/{RUN}"),
    ("64 characters", "A name has at most 63.", f"refs/tags/exp/{'p' * 64}/e/{RUN}", f"refs/tags/exp/{'p' * 63}/e/{RUN}"),
    ("a letter that is no ASCII", "Names are ASCII.", f"refs/tags/exp/p/\u00e9/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("digits of another script", "Digits are ASCII.", f"refs/tags/exp/p/\u0661/{RUN}", f"refs/tags/exp/p/1/{RUN}"),
    ("number one", "The first record has no number.", f"refs/tags/exp/p/e/{RUN}.1", f"refs/tags/exp/p/e/{RUN}"),
    ("number nought", "N begins at 2.", f"refs/tags/exp/p/e/{RUN}.0", f"refs/tags/exp/p/e/{RUN}.2"),
    ("a nought in front", "A number has one spelling.", f"refs/tags/exp/p/e/{RUN}.02", f"refs/tags/exp/p/e/{RUN}.2"),
    ("seven digits of number", "N has at most six.", f"refs/tags/exp/p/e/{RUN}.1000000", f"refs/tags/exp/p/e/{RUN}.100000"),
    ("a dot and nothing", "The number follows the dot.", f"refs/tags/exp/p/e/{RUN}.", f"refs/tags/exp/p/e/{RUN}"),
    ("two numbers", "There is one.", f"refs/tags/exp/p/e/{RUN}.2.3", f"refs/tags/exp/p/e/{RUN}.2"),
    ("a newline behind it", "The whole text counts.", f"refs/tags/exp/p/e/{RUN}\n", f"refs/tags/exp/p/e/{RUN}"),
    ("an empty part", "A name has a character.", f"refs/tags/exp//e/{RUN}", f"refs/tags/exp/p/e/{RUN}"),
    ("git's peeled spelling", "It is no refname.", f"refs/tags/exp/p/e/{RUN}^{{}}", f"refs/tags/exp/p/e/{RUN}"),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases = []
    for name, why, found in NAMES:
        parts = {
            "project": found.project,
            "experiment": found.experiment,
            "run_id": found.run_id,
            "number": found.number,
        }
        shown = {"tag": found.tag, "id": found.short_id, "unpushed": found.unpushed_ref}
        cases.append(good(name, why, refname=found.refname, **parts, **shown))
    for name, why, refname, nearest in FOREIGN:
        code = "foreign-tag" if refname.startswith(RECORD_PREFIX) else None
        cases.append(
            {"name": name, "why": why, "refname": refname, "error": "foreign", "code": code, "nearest": nearest}
        )
    about = (
        "A refname with its parts, or one that is no record's: then the code that it gets, and the nearest that is one."
    )
    return {"about": about, "cases": cases}
