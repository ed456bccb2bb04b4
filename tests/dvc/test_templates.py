"""Differential test: the templates of dvc.yaml come out as DVC's own resolver has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dvc.exceptions import DvcException
from dvc.fs import LocalFileSystem
from dvc.parsing import DataResolver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arcgit.dvc.pipeline import parse_pipeline
from arcgit.dvc.templates import is_templated
from arcgit.model import yaml

SLOW = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


def theirs(folder: Path, document: Mapping[str, Any], parsing: Mapping[str, str]) -> dict[str, Any]:
    """What DVC makes of each entry of `stages`: its stages, or None where it refuses."""
    repo = SimpleNamespace(fs=LocalFileSystem(), config={"parsing": dict(parsing)})
    found: dict[str, Any] = {}
    for name, body in document["stages"].items():
        try:
            one = {**document, "stages": {name: body}}
            resolver = DataResolver(repo, str(folder), deepcopy(one))
            found[name] = {key: resolver.resolve_one(key)[key] for key in resolver.get_keys()}
        except (DvcException, TypeError):
            found[name] = None
        except AssertionError:
            # DVC itself breaks on a loop item whose name is empty.
            continue
    return found


def ours(folder: Path, document: Mapping[str, Any], parsing: Mapping[str, str]) -> dict[str, Any]:
    def load(path: str) -> Any:
        file = folder / path
        return yaml.load(file.read_bytes()).value if file.is_file() else None

    found: dict[str, Any] = {name: {} for name in document["stages"]}
    for stage in parse_pipeline(json.dumps(document).encode(), "dvc.yaml", load, parsing).stages:
        entry = stage.name if stage.name in found else stage.name.rpartition("@")[0]
        if stage.unresolved:
            found[entry] = None
        elif found[entry] is not None:
            found[entry][stage.name] = {"cmd": stage.cmd, "deps": list(stage.deps)}
    return found


def agree(folder: Path, params: Any, document: Mapping[str, Any], parsing: Mapping[str, str]) -> None:
    (folder / "params.yaml").write_text(json.dumps(params))
    expected = theirs(folder, document, parsing)
    for name, stages in expected.items():
        if stages is not None:
            expected[name] = {
                key: {"cmd": body["cmd"], "deps": [str(dep) for dep in body.get("deps", [])]}
                for key, body in stages.items()
            }
    found = ours(folder, document, parsing)
    for name, body in document["stages"].items():
        # Where DVC refuses the whole file, a stage without expressions is still plain.
        if name in expected and (expected[name] is not None or is_templated(body)):
            assert found[name] == expected[name]


PARAMS = {
    "a": 1,
    "name": "gbm",
    "text": "it's two words",
    "yes": True,
    "nothing": None,
    "rate": 1e-05,
    "list": [1, "b", True],
    "maps": [{"x": 1}, {"x": 2}],
    "map": {"u": {"v": 1}, "w": "z"},
    "args": {"fast": True, "slow": False, "n": [1, "a b"], "deep": {"k": 1.5, "q": None}, "none": [], "empty": {}},
    "nest": {"n": [[1]]},
    "2": "two",
}


def run(cmd: Any, **more: Any) -> dict[str, Any]:
    return {"stages": {"s": {"cmd": cmd, **more}}}


TABLE: list[dict[str, Any]] = [
    run("x ${a} ${name} ${text} ${yes} ${nothing} ${rate} ${list[1]} ${list.2} ${map.u.v} ${maps[1].x}"),
    run("${a}"),
    run(["${yes}", "y ${list[-1]}"]),
    run("x ${args}"),
    run("${args}"),
    run("x ${nest}"),
    run("x ${list}"),
    run("x ${map}", deps=["${map}"]),
    run("x", deps=["${name}/d", "${a}"]),
    run("x", deps=["${list}"]),
    run("${missing}"),
    run("${map.u.v.w}"),
    run("${list[9]}"),
    run("${list[x]}"),
    run("${}"),
    run("${a..b}"),
    run("${ a } ${a }"),
    run("${a[0]}"),
    run("${2}"),
    run(r"echo \${HOME} ${a}"),
    run(r"\${HOME}"),
    run("${a}}"),
    run("${a} ${name}"),
    run("$${a}"),
    run("${item}"),
    {"vars": [{"b": 2}], **run("x ${b}")},
    {"vars": [{"a": 2}], **run("x ${a}")},
    {"vars": [{"map": {"u": {"n": 5}}}], **run("x ${map.u.n} ${map.u.v}")},
    {"vars": ["params.yaml"], **run("x ${a}")},
    {"vars": ["params.yaml", "params.yaml"], **run("x ${a}")},
    {"vars": ["params.yaml:a"], **run("x ${a}")},
    {"vars": ["more.yaml:m"], **run("x ${m}")},
    {"vars": ["more.yaml:m", "more.yaml:n"], **run("x ${m} ${n}")},
    {"vars": ["more.yaml:m", "more.yaml:m"], **run("x ${m}")},
    {"vars": ["more.yaml:m", "more.yaml"], **run("x ${m}")},
    {"vars": ["more.yaml", "more.yaml"], **run("x ${m}")},
    {"vars": ["more.yaml:absent"], **run("x ${m}")},
    {"vars": ["absent.yaml"], **run("x ${a}")},
    {"vars": ["more.yaml"], **run("x ${m} ${k}", vars=["more.yaml", {"k": 1}])},
    run("x ${k}", vars=[{"k": 1}]),
    run("x ${a}", vars=[{"a": 5}]),
    run("x ${m}", vars=["more.yaml"]),
    run("x ${m}", vars=["more.yaml:m,n"]),
    {"stages": {"s": {"foreach": [1, "b", True, None], "do": {"cmd": "x ${item}"}}}},
    {"stages": {"s": {"foreach": [1, 1, "1"], "do": {"cmd": "x ${item}"}}}},
    {"stages": {"s": {"foreach": ["a", {"k": 1}], "do": {"cmd": "x ${item}"}}}},
    {"stages": {"s": {"foreach": {"k": 1, "l": {"z": 2}}, "do": {"cmd": "x ${key} ${item}"}}}},
    {"stages": {"s": {"foreach": "${list}", "do": {"cmd": "x ${item}"}}}},
    {"stages": {"s": {"foreach": "${maps}", "do": {"cmd": "x ${item.x}"}}}},
    {"stages": {"s": {"foreach": "${maps}", "do": {"cmd": "x ${key}"}}}},
    {"stages": {"s": {"foreach": "${map}", "do": {"cmd": "x ${key} ${item}"}}}},
    {"stages": {"s": {"foreach": "${a}", "do": {"cmd": "x"}}}},
    {"stages": {"s": {"foreach": "${missing}", "do": {"cmd": "x"}}}},
    {"stages": {"s": {"foreach": ["${name}", "c"], "do": {"cmd": "x ${item}"}}}},
    {"stages": {"s": {"foreach": [1], "do": {"cmd": "x ${item}", "vars": [{"item": 2}]}}}},
    {"stages": {"s": {"foreach": [1], "do": {"cmd": "x ${item}", "vars": [{"other": 2}]}}}},
    {"stages": {"s": {"foreach": [], "do": {"cmd": "x"}}}},
    {"stages": {"s": {"matrix": {"p": [1, 2.5], "q": ["u", True]}, "cmd": "x ${item.p} ${item.q} ${key}"}}},
    {"stages": {"s": {"matrix": {"p": "${maps}", "q": "${list}"}, "cmd": "x ${item.p.x} ${item.q} ${key}"}}},
    {"stages": {"s": {"matrix": {"p": [[1], {"k": 2}]}, "cmd": "x ${item.p} ${key}"}}},
    {"stages": {"s": {"matrix": {"p": [], "q": [1]}, "cmd": "x"}}},
    {"stages": {"s": {"matrix": {"p": ["${name}", "c"]}, "cmd": "x ${item.p}"}}},
]


@pytest.mark.parametrize("parsing", [{}, {"bool": "boolean_optional", "list": "append"}])
@pytest.mark.parametrize("document", TABLE, ids=json.dumps)
def test_templates_come_out_as_from_dvc(document: dict[str, Any], parsing: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text("m: 7\nn: [1, 2]\n1: one\n")
    agree(tmp_path, PARAMS, document, parsing)


WORDS = st.sampled_from(["a", "b", "c", "item", "key"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-99, 99),
    st.sampled_from([0.5, 1e-05, 2.0, 1e20]),
    st.sampled_from(["", "x", "a b", "it's", "--f", "ü", "1", "true"]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=6
)
NAMES = st.lists(st.one_of(WORDS, st.sampled_from(["0", "1", "-1"])), min_size=1, max_size=3).map(".".join)
TEXTS = st.lists(
    st.one_of(NAMES.map("${{{}}}".format), st.sampled_from([" ", "run", r"\${a}", "$", "}", "${a[0]}", "${b[1].c}"])),
    min_size=1,
    max_size=4,
).map("".join)
BODIES = st.fixed_dictionaries({"cmd": st.one_of(TEXTS, st.lists(TEXTS, min_size=1, max_size=2))}, optional={
    "vars": st.lists(st.dictionaries(WORDS, VALUES, min_size=1, max_size=2), min_size=1, max_size=2),
})  # fmt: skip
LISTS = st.one_of(NAMES.map("${{{}}}".format), st.lists(st.one_of(TEXTS, VALUES), max_size=3))
LOOPS = st.one_of(
    st.fixed_dictionaries(
        {"foreach": st.one_of(LISTS, st.dictionaries(WORDS, VALUES, min_size=1, max_size=3)), "do": BODIES}
    ),
    st.builds(
        lambda matrix, body: {"matrix": matrix, **body},
        st.dictionaries(WORDS, st.lists(VALUES, max_size=2), min_size=1, max_size=2),
        BODIES,
    ),
)
DOCUMENTS = st.fixed_dictionaries(
    {"stages": st.dictionaries(st.sampled_from(["s", "t"]), st.one_of(BODIES, LOOPS), min_size=1, max_size=2)},
    optional={"vars": st.lists(st.dictionaries(WORDS, VALUES, min_size=1, max_size=2), min_size=1, max_size=2)},
)


@SLOW
@given(params=st.dictionaries(WORDS, VALUES, max_size=3), document=DOCUMENTS)
def test_templates_of_any_document_come_out_as_from_dvc(params: Any, document: Any, tmp_path: Path) -> None:
    agree(tmp_path, params, document, {})
