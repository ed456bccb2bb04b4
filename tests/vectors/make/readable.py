"""readable.json: the part of a tag message for people, and the ways to get it wrong."""

from __future__ import annotations

from typing import Any, NamedTuple

from arcgit.model import canonical, record, tagmessage
from arcgit.model.names import RecordName
from tests import samples
from tests.vectors.make.cases import Case, good, wrong

SHA = "a" * 64
SIZES = (0, 1023, 1024, 1280, 1536, 1792, 1048575, 1048576, 2**30, 2**40, 2**50, 2**53 - 1)


class Row(NamedTuple):
    """One record, why it is here, and mistakes as (name, why, what stands there, what a mistaken reader writes)."""

    name: str
    why: str
    statement: dict[str, Any]
    mistakes: tuple[tuple[str, str, str, str], ...] = ()
    number: int = 1


def metrics(*values: Any, **changes: Any) -> dict[str, Any]:
    """A record with one model and these metrics files, named `0.json`, `1.json` and so on."""
    inside = {"metrics": {f"{place}.json": value for place, value in enumerate(values)}}
    return samples.statement({"model": samples.artifact("m")}, inside=inside, **changes)


def many(role: str, count: int) -> dict[str, Any]:
    """A record with so many artifacts of one role."""
    return samples.statement({f"a{n}": samples.artifact(f"f{n:02}", role) for n in range(count)})


PLAIN = (
    Row("a model", "Every line there can be, but data.", metrics({"auc": 0.91}), (
        ("a title without the run id", "The title ends with the run id.", "baseline ", "baseline"),
        ("the project alone", "The title names project and experiment.", "churn/baseline ", "churn "),
        ("no line between title and lines", "An empty line follows the title.", "\n\nmodel", "\nmodel"),
        ("an equals sign", "A colon and a space follow the key.", "model: ", "model= "),
        ("the artifact's name", "The path stands there, not the artifact's name.", "model: m,", "model: model,"),
        ("the digest shortened", "The whole sha256 stands there.", SHA, SHA[:12]),
        ("md5 instead of sha256", "Evidence is sha256.", f"sha256 {SHA}", f"md5 {'b' * 32}"),
        ("two spaces", "Nothing is aligned.", "owner: ", "owner:  "),
        ("the commit shortened", "The whole oid stands there.", samples.COMMIT, samples.COMMIT[:12]),
        ("no final newline", "Every line ends with a newline.", f"{samples.COMMIT}\n", samples.COMMIT),
        ("an empty line at the end", "The readable part ends with the commit's line.", f"{samples.COMMIT}\n", f"{samples.COMMIT}\n\n"),
        ("the owner before the metrics", "The order of the lines is fixed.", "metrics: auc=0.91\nowner: Ada Lovelace <ada@example.org>\n", "owner: Ada Lovelace <ada@example.org>\nmetrics: auc=0.91\n"),
    )),
    Row("a directory with split and version", "After the path: split, version, files, size, sha256.", samples.statement({"train": samples.folder("data", split="train", version="2026-05", size=227)}), (
        ("the version before the split", "The split comes first.", "split train, version 2026-05", "version 2026-05, split train"),
        ("no word before the split", "Each label has its word.", "split train", "train"),
        ("a line dataset", "The line of a dataset is `data`.", "data: ", "dataset: "),
        ("the size before the files", "The files come first.", "3 files, 227 B", "227 B, 3 files"),
        ("without the files", "A directory says how many files it has.", "3 files, ", ""),
    )),
    Row("one file in a directory", "One is singular.", samples.statement({"train": samples.folder("data", files=1)}), (
        ("one in the plural", "One is singular.", "1 file,", "1 files,"),
    )),
    Row("no file in a directory", "Nought is plural, and stands there.", samples.statement({"train": samples.folder("data", files=0, size=0)}), (
        ("nought left out", "Nought files are said.", "0 files, ", ""),
    )),
    Row("a file has no count", "Only directories count files; an empty label is no label.", samples.statement({"test": samples.artifact("t.csv", "dataset", split="", version="")}), (
        ("a file counted", "Only directories count files.", "t.csv, 219 B", "t.csv, 1 file, 219 B"),
        ("an empty split", "An empty label is left out.", "t.csv, 219 B", "t.csv, split , 219 B"),
    )),
    Row("roles that are not shown", "Only models and datasets have lines.", samples.statement({"model": samples.artifact("m"), "code": samples.in_git("c.py"), "r": samples.artifact("r.html", "report")}), (
        ("code shown", "Only models and datasets have lines.", "metrics: ", f"code: c.py, 219 B, sha256 {'e' * 64}\nmetrics: "),
        ("a report shown", "Only models and datasets have lines.", "metrics: ", f"report: r.html, 219 B, sha256 {SHA}\nmetrics: "),
    )),
    Row("nothing but owner and commit", "A line without anything to say is left out.", samples.statement({"code": samples.in_git("c.py")}, inside={"metrics": {}}), (
        ("an empty model line", "It is left out.", "\n\nowner", "\n\nmodel: \nowner"),
        ("an empty metrics line", "It is left out.", "\n\nowner", "\n\nmetrics: \nowner"),
    )),
    Row("no owner", "The owner's line is always there, and then ends with its space.", metrics({}, owner=""), (
        ("no owner's line", "It is always there.", "owner: \n", ""),
        ("no space at the end", "The key is followed by a colon and a space.", "owner: \n", "owner:\n"),
        ("null", "An owner that is not known is an empty text.", "owner: \n", "owner: null\n"),
    )),
    Row("the second record of one content", "The title has the tag's `.N`; it is the one thing that is not in the record.", metrics({"auc": 0.91}), (
        ("without its number", "The title has the tag's `.N`.", ".2\n", "\n"),
    ), 2),
    Row("a commit of a SHA-256 repository", "An oid has 40 or 64 digits.", metrics({}, commit={"oid": "1" * 64, "tree": "2" * 64}), (
        ("cut to 40", "The whole oid stands there.", "1" * 64, "1" * 40),
    )),
    Row("order of the artifacts", "By path in order of code points, whatever their names.", samples.statement({"a": samples.artifact("z"), "b": samples.artifact("B"), "c": samples.artifact("a/b"), "d": samples.artifact("a-b")}), (
        ("order of the names", "The path decides.", f"model: B, 219 B, sha256 {SHA}\nmodel: a-b", f"model: z, 219 B, sha256 {SHA}\nmodel: a-b"),
        ("a folder at a time", "The slash is a character like any other, and the hyphen stands before it.", f"model: a-b, 219 B, sha256 {SHA}\nmodel: a/b", f"model: a/b, 219 B, sha256 {SHA}\nmodel: a-b"),
    )),
)  # fmt: skip
LIMITS = (
    Row("sizes", "Bytes below 1024, else one decimal of the exact quotient, a tie to the even digit; TiB is the largest unit.", samples.statement({f"a{n}": samples.artifact(f"s{n:02}", size=size) for n, size in enumerate(SIZES)}), (
        ("decimal units", "Units are binary.", "1.0 KiB", "1.0 kB"),
        ("bytes with a decimal", "Bytes have none.", "1023 B", "1023.0 B"),
        ("a tie rounded up", "1280 B are 1.25 KiB; the even digit wins.", "1.2 KiB", "1.3 KiB"),
        ("a tie rounded down", "1792 B are 1.75 KiB; the even digit wins.", "1.8 KiB", "1.7 KiB"),
        ("the next unit too early", "1048575 B are below 1 MiB.", "1024.0 KiB", "1.0 MiB"),
        ("a larger unit", "TiB is the largest.", "1024.0 TiB", "1.0 PiB"),
        ("nought without a unit", "Nought has its unit.", "0 B", "0"),
    )),
    Row("twenty models", "All of them are shown.", many("model", 20), (
        ("a line about none", "It is there only where something is left out.", "metrics: ", "model: (+0 more)\nmetrics: "),
    )),
    Row("twenty-two models", "Twenty are shown, and one line says how many more there are.", many("model", 22), (
        ("all of them", "Twenty are shown.", "model: (+2 more)", f"model: f20, 219 B, sha256 {SHA}\nmodel: f21, 219 B, sha256 {SHA}"),
        ("nothing about the rest", "A line says how many more there are.", "model: (+2 more)\n", ""),
        ("another wording", "The line is fixed.", "(+2 more)", "(2 more)"),
    )),
    Row("twenty-one datasets", "The line about the rest has the key of the lines above it.", many("dataset", 21), (
        ("dataset", "The key is `data`.", "data: (+1", "dataset: (+1"),
        ("models and datasets counted as one", "Each kind has its own twenty.", "data: (+1 more)", "(+1 more)"),
    )),
    Row("twenty-two metrics", "Twenty are shown, then how many more there are.", metrics({f"m{n:02}": n for n in range(22)}), (
        ("a comma before the rest", "Only a space stands before it.", "m19=19 (+2", "m19=19, (+2"),
        ("a line of its own", "It ends the line of the metrics.", " (+2 more)", "\nmetrics: (+2 more)"),
        ("all of them", "Twenty are shown.", " (+2 more)", ", m20=20, m21=21"),
    )),
    Row("twenty metrics", "All of them are shown.", metrics({f"m{n:02}": n for n in range(20)})),
)  # fmt: skip
METRICS = (
    Row("nested metrics", "Keys are joined by a dot, then sorted as wholes by code points.", metrics({"b": {"d": 1, "c": {"x": 2}}, "a": 3, "B": 4, "b-a": 5}), (
        ("a slash", "Keys are joined by a dot.", "b.c.x", "b/c/x"),
        ("sorted without regard to case", "Capital letters stand first.", "B=4, a=3, b-a=5", "a=3, b-a=5, B=4"),
        ("sorted before joining", "Whole keys are sorted, and the hyphen stands before the dot.", "b-a=5, b.c.x=2, b.d=1", "b.c.x=2, b.d=1, b-a=5"),
    )),
    Row("values that are no numbers", "Texts stand as they are, everything else as canonical JSON.", metrics({"a": [1, "x", {"y": None}], "b": {}, "c": None, "d": True, "e": "good, really", "f": "NaN", "g": 1e-7, "h": 1e17, "i": [], "j": ""}), (
        ("an array taken apart", "An array is one value.", 'a=[1,"x",{"y":null}]', "a.0=1, a.1=x, a.2.y=null"),
        ("an empty mapping left out", "It is a value.", "b={}, ", ""),
        ("a quoted text", "Texts stand as they are.", "e=good, really", 'e="good, really"'),
        ("None", "Literals are JSON's.", "c=null, d=true", "c=None, d=True"),
        ("a space in the array", "It is canonical JSON.", '[1,"x"', '[1, "x"'),
        ("a quoted number", "A large double is a number.", "h=100000000000000000", 'h="100000000000000000"'),
        ("an exponent", "Numbers are canonical JSON.", "h=100000000000000000", "h=1e+17"),
    )),
    Row("two files with one key", "The first file by name has the key, later ones put their name before it.", metrics({"auc": 1}, {"auc": 2, "f1": 3}, {"auc": 4}), (
        ("the later file wins", "The first one has the bare key.", "auc=1, f1=3", "auc=4, f1=3"),
        ("every file named", "A file is named only where its key is taken.", "auc=1", "0.json:auc=1"),
        ("a dot", "A colon stands between file and key.", "1.json:auc", "1.json.auc"),
        ("in order of the files", "The whole shown key is sorted, file and all.", "1.json:auc=2, 2.json:auc=4, auc=1, f1=3", "auc=1, 1.json:auc=2, f1=3, 2.json:auc=4"),
    )),
    Row("keys that meet within one file", "They are treated as if another file had the later one; what meets even then is replaced.", metrics({"a": {"b": {"c": 1}}, "a.b": {"c": 2}, "a.b.c": 3}), (
        ("the first of the later ones", "The last one stays.", "0.json:a.b.c=3", "0.json:a.b.c=2"),
    )),
    Row("an empty key", "It leaves nothing before the dot, and an empty mapping there nothing at all.", metrics({"": {"a": 1}, "b": {"": 2}}, {"": {}}), (
        ("a dot before it", "There is none.", "a=1", ".a=1"),
    )),
    Row("keys beyond the first plane", "By code points, so U+1F600 stands behind U+FB33; in the record it is the other way round.", metrics({"\ufb33": 1, "\U0001f600": 2}), (
        ("by UTF-16", "That is the order of the record, not of this line.", "\ufb33=1, \U0001f600=2", "\U0001f600=2, \ufb33=1"),
    )),
    Row("what must not act", "Paths, labels, keys, texts and the owner are escaped.", samples.statement({"model": samples.artifact("a\u202eb"), "train": samples.folder("d", split="x\\y", version="1\n2")}, inside={"metrics": {"m.json": {"k\u200b": "v\x1b[31m", "n\nowner": 1}}}, owner="Ada\nowner: Eve\t\u00a0"), (
        ("a raw override", "It would turn the line round.", "a\\u{202e}b", "a\u202eb"),
        ("a raw newline", "It would be a second owner.", "Ada\\x0aowner", "Ada\nowner"),
        ("a newline the short way", "Every character below U+0100 is \\xNN.", "1\\x0a2", "1\\n2"),
        ("a single backslash", "A backslash is written twice.", "x\\\\y", "x\\y"),
        ("four digits for a small character", "Below U+0100 it is \\xNN.", "\\x1b", "\\u{1b}"),
        ("a raw escape", "A terminal would act on it.", "\\x1b", "\x1b"),
    )),
)  # fmt: skip


def document() -> Case:
    """The file."""
    records, cases = {}, []
    for row in (*PLAIN, *LIMITS, *METRICS):
        raw = canonical.dumps(row.statement)
        sealed = record.parse(raw)
        name = record.name_of(sealed)
        tag = RecordName(name.project, name.experiment, name.run_id, row.number)
        right = tagmessage.readable(sealed, tag)
        records[row.name] = raw.decode()
        common = {"record": row.name, "refname": tag.refname}
        cases.append(good(row.name, row.why, **common, readable=right))
        for title, why, old, new in row.mistakes:
            if right.count(old) < 1:
                raise ValueError(f"{row.name}, {title}: there is no {old!r} in\n{right}")
            cases.append(wrong(f"{row.name}: {title}", why, **common, readable=right.replace(old, new, 1)))
    return {"about": "records: canonical records by name; readable: what stands before them.", "records": records, "cases": cases}  # fmt: skip
