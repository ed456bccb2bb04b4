"""Adding to a manifest keeps every line that a person wrote, to the byte, however it was written."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from arcgit.archive.drafting import manifesttext
from arcgit.archive.drafting.suggest import Suggestion

REMARKS = ["# größer 🙂", "#", "# old: {role: x, path: y}", "  # in the middle", "      # far in", "\t", "   ", ""]
ARTIFACTS = {
    "model": {"role": "model", "path": "model.pkl"},
    "train": {"role": "dataset", "path": "data/trän", "split": "train"},
    "notes": {"role": "other", "path": "a, b.txt", "description": "one: two # three"},
}
NEW = [
    ("fresh", Suggestion("dataset", "data/new", split="test", version="2026-05")),
    ("odd", Suggestion("model", "odd: [name].bin", guessed=True)),
]
HEAD = [
    "schema: arcgit/manifest/v1",
    "project: churn",
    'experiment: "baseline"  # quoted',
    "purpose: |",
    "  Two",
    "  lines",
]


def flow(value: dict[str, str]) -> str:
    return (
        "{"
        + ", ".join(f"{key}: {yaml.safe_dump(item, default_style=chr(34)).strip()}" for key, item in value.items())
        + "}"
    )


def block(rows: dict[str, dict[str, str]], indent: int) -> list[str]:
    """Artifacts as one writes them by hand, each over several lines."""
    pad, inner = " " * indent, " " * (indent * 2)
    lines = ["artifacts:"]
    for name, row in rows.items():
        lines += [
            f"{pad}{name}:",
            *(f"{inner}{key}: {flow({key: item})[len(key) + 3 : -1]}" for key, item in row.items()),
        ]
    return lines


def artifacts_in(style: str, rows: dict[str, dict[str, str]], indent: int) -> list[str]:
    entries = [f"{name}: {flow(row)}" for name, row in rows.items()]
    pad = " " * indent
    if style == "absent":
        return []
    if style.startswith("empty "):
        return [f"artifacts:{style[6:]}  # none yet"]
    if style == "block":
        return block(rows, indent)
    if style == "rows":
        return ["artifacts:  # mine", *(f"{pad}{entry}  # {number}" for number, entry in enumerate(entries))]
    if style == "line":
        return [f"artifacts: {{{', '.join(entries)}}}  # all in one"]
    if style == "line, comma":
        return [f"artifacts: {{ {', '.join(entries)}, }}"]
    if style == "braces":
        return ["artifacts: {", *(f"{pad}{entry}," for entry in entries[:-1]), f"{pad}{entries[-1]}  # last", "}"]
    if style == "braces, comma":
        return ["artifacts: {", *(f"{pad}{entry},  # each" for entry in entries), "  }  # done"]
    return [f"artifacts: {{ {', '.join(entries[:-1])}" + ("," if entries[:-1] else ""), f"{pad}{entries[-1]} }}"]


def params_in(style: str) -> list[str]:
    return {
        "absent": [],
        "none": ["params:"],
        "null": ["params: ~  # later"],
        "brackets": ["params: []"],
        "line": ["params: [params.yaml, 'a b.yaml']  # both"],
        "line, comma": ["params: [params.yaml, ]"],
        "over lines": ["params: [", "  params.yaml,  # one", "  conf.json", "]"],
        "dashes": ["params:", "- params.yaml  # one", "# two", "- conf.json"],
        "indented": ["params:", "    -   params.yaml", "    -   conf.json"],
    }[style]


BLOCKS = ["block", "rows"]
EMPTY = ["absent", "empty ", "empty  {}", "empty  ~", "empty  null"]
FLOWS = ["line", "line, comma", "braces", "braces, comma", "half"]
PARAMS = ["absent", "none", "null", "brackets", "line", "line, comma", "over lines", "dashes", "indented"]


@st.composite
def manifests(draw: st.DrawFn) -> tuple[str, str, str]:
    """A manifest by hand, with how its artifacts and its params are written."""
    style, params = draw(st.sampled_from([*BLOCKS, *EMPTY, *FLOWS])), draw(st.sampled_from(PARAMS))
    rows = dict(itertools.islice(ARTIFACTS.items(), draw(st.integers(1, 3))))
    parts = [HEAD, artifacts_in(style, rows, draw(st.sampled_from([1, 2, 3, 4, 8]))), params_in(params), ["owner: Ädä"]]
    order = draw(st.permutations(parts[1:]))
    lines = [*parts[0], *itertools.chain.from_iterable(order)]
    for _ in range(draw(st.integers(0, 4))):
        remark = draw(st.sampled_from(REMARKS))
        # White space alone would be text inside the block scalar; a remark would end it.
        lines.insert(draw(st.integers(len(HEAD), len(lines))), remark)
    pad = " " * draw(st.sampled_from([0, 2]))
    lines = [pad + line if line.strip() else line for line in lines]
    break_ = draw(st.sampled_from(["\n", "\r\n"]))
    return break_.join(lines) + draw(st.sampled_from(["", break_, break_ * 3])), style, params


def is_within(old: str, new: str) -> bool:
    """True where `new` is `old` with something put in."""
    rest = iter(new)
    return all(character in rest for character in old)


def check(text: str, style: str, params: str, rows: list[tuple[str, Suggestion]], names: list[str]) -> None:
    new = manifesttext.extend(text, rows, names, "arcgit.yaml")
    found = yaml.safe_load(new)
    added = (
        [row["path"] for row in (found.get("artifacts") or {}).values()][len(found["artifacts"]) - len(rows) :]
        if rows
        else []
    )
    assert added == [item.path for _, item in rows]
    assert not names or found["params"][-len(names) :] == names
    if style in EMPTY[1:] or params in {"null", "brackets"}:
        return
    assert is_within(text, new)
    if (style in [*BLOCKS, "absent"] or not rows) and (params in {"absent", "dashes", "indented"} or not names):
        rest = iter(new.split("\n"))
        missing = [
            line
            for line in text.split("\n")
            if line.strip() and line.rstrip("\r") not in (one.rstrip("\r") for one in rest)
        ]
        assert missing == []
    assert manifesttext.extend(new, [], [], "arcgit.yaml") == new


def _is_yaml(text: str) -> bool:
    """False where a tab stands where YAML has none, or the pieces do not fit together."""
    try:
        return isinstance(yaml.safe_load(text), dict)
    except yaml.YAMLError:
        return False


@settings(deadline=None)
@example(("artifacts: {}", "empty  {}", "absent"))
@given(manifests())
def test_every_line_of_a_person_stays(written: tuple[str, str, str]) -> None:
    text, style, params = written
    assume(_is_yaml(text))
    check(text, style, params, NEW, [])
    check(text, style, params, [], ["new.yaml", "odd: name.json"])
    check(text, style, params, NEW, ["new.yaml"])


@pytest.mark.parametrize("style", [*BLOCKS, *FLOWS])
@pytest.mark.parametrize("params", PARAMS)
def test_each_way_of_writing_is_added_to(style: str, params: str) -> None:
    lines = [*HEAD, *params_in(params), *artifacts_in(style, ARTIFACTS, 2), "owner: Ada"]
    check("\n".join(lines) + "\n", style, params, NEW, ["new.yaml"])


def test_new_lines_stand_where_a_person_would_put_them() -> None:
    text = "artifacts:\n    a: {role: code, path: a.py}  # first\n    # b: {role: code, path: b.py}\n\n# about params\nparams: [p.yaml]\n"
    found = manifesttext.extend(text, [("c", Suggestion("code", "c.py"))], ["q.yaml"], "arcgit.yaml")
    assert found == text.replace("b.py}\n", "b.py}\n    c: {role: code, path: c.py}\n").replace(
        "p.yaml", "p.yaml, q.yaml"
    )


def test_a_manifest_as_json_stays_json_in_its_shape() -> None:
    text = '{\n  "schema": "arcgit/manifest/v1",\n  "artifacts": {\n    "a": {"role": "code", "path": "a.py"}\n  }\n}\n'
    found: Any = yaml.safe_load(manifesttext.extend(text, NEW, ["p.yaml"], "arcgit.yaml"))
    assert (list(found["artifacts"]), found["params"]) == (["a", "fresh", "odd"], ["p.yaml"])


def test_a_guess_is_remarked_upon_where_there_is_room_for_it() -> None:
    for style, remarked in (("rows", True), ("braces", True), ("line", False)):
        text = "\n".join(artifacts_in(style, ARTIFACTS, 2)) + "\n"
        assert ("role guessed" in manifesttext.extend(text, NEW, [], "arcgit.yaml")) is remarked
