"""Drawings of lineages: text from a record is never more than text, whatever the format could make of it."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from typing import Any

import pydot
import pytest
from rich.cells import cell_len

from arcgit.errors import UsageError
from arcgit.report import drawing, graphs
from arcgit.report.lineage import MAX_DEPTH, lineage_tree
from arcgit.rules.provenance import Graph
from tests.rules.test_provenance import drawn, item, sealed, stage

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    'a"b', "x\ny", "--> n1", "</text><script>alert(1)</script>", 'click n0 "javascript:alert(1)"', "\\", '"]:::x', "end",
    "#quot;&amp;&lt;", "1. one", "- item", "`code` **b**", "\x1b[31mred", "\u202ertl", "%%{init: {}}%%", "日本語" * 30,
    "subgraph x", "\\N\\G\\l", "$$x$$", "fa:fa-car", "\ufffe", "]]>", "<!--", "&#x3c;script&#x3e;", "::error::x", "\x85",
    'x" onload="alert(1)', "<title>", "a;b", "x\\", 'x\\"', "é\u0301",
]  # fmt: skip


def parsed(text: str) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  our own output


def hostile(name: str) -> Graph:
    """A graph in which every free text is `name`."""
    safe = name.replace("/", "").replace("\0", "")
    origin = {"url": name, "rev_lock": name, "path": name}
    made = stage(name, [safe, f"in/{safe}"], ["model.pkl", f"out/{safe}"], cmd=name, params={name: {name: name}})
    return drawn(sealed(made, sources=[item(safe, origin=origin)]))


def plain(count: int) -> Graph:
    """A chain of `count` stages."""
    stages = [stage(f"s{i}", [f"d{i}"], [f"d{i + 1}"]) for i in range(count)]
    return drawn(sealed(*stages, stage("train", [f"d{count}"], ["model.pkl"]), sources=[item("d0")]))


def shape(graph: Graph) -> tuple[int, int]:
    return len(graph.nodes), len(graph.edges)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_svg_is_sound_xml_with_nothing_but_shapes_and_text(name: str) -> None:
    graph = hostile(name)
    root = parsed(drawing.svg(graph))
    assert {node.tag.removeprefix(SVG) for node in root.iter()} == {
        "svg",
        "title",
        "style",
        "rect",
        "path",
        "g",
        "text",
    }
    attributes = {key for node in root.iter() for key in node.attrib}
    assert not {key for key in attributes if key.startswith("on") or key.endswith("href")}
    assert "url(" not in drawing.svg(graph).partition("</style>")[0]
    assert len(root.findall(f"{SVG}g")) == len(graph.nodes)
    assert len([node for node in root.iter(f"{SVG}path") if node.get("class") == "e"]) == len(graph.edges)


def as_graphviz_reads(label: str) -> list[str]:
    """The lines of a quoted label: escapes first, then HTML entities."""
    text = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], label)
    return [html.unescape(line) for line in text.split("\n")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pydot's own parser
@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_dot_is_read_back_with_the_same_nodes_and_edges(name: str) -> None:
    graph = hostile(name)
    (read,) = pydot.graph_from_dot_data(graphs.dot(graph)) or []
    nodes = {node.get_name() for node in read.get_nodes()} - {"node", '"\\n"'}
    assert nodes == {node.id for node in graph.nodes}
    assert [(edge.get_source(), edge.get_destination()) for edge in read.get_edges()] == list(graph.edges)
    known = {"label", "shape", "style", "fillcolor", "fontname"}
    assert not {key for node in read.get_nodes() for key in node.get_attributes()} - known
    labels = {node.get_name(): node.get_attributes().get("label", '""')[1:-1] for node in read.get_nodes()}
    assert {node.id: as_graphviz_reads(labels[node.id]) for node in graph.nodes} == {
        node.id: graphs.label_lines(node) for node in graph.nodes
    }


_LABEL = r"(?:[A-Za-z0-9 _.,/=()\u00a1-\U000cffff]|#[0-9]+;|<br/>)*"
_MERMAID = re.compile(
    rf'flowchart LR|  n[0-9]+(?:\["{_LABEL}"\]|\[\["{_LABEL}"\]\]):::[a-z]+|  n[0-9]+ --> n[0-9]+'
    r"|  classDef [a-z]+ fill:#[0-9a-f]{6},stroke:#57606a,color:#1f2328"
)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_mermaid_has_no_line_but_its_own(name: str) -> None:
    """Every line is one that we write, and inside of a label stand only codes and characters without a meaning."""
    graph = hostile(name)
    lines = graphs.mermaid(graph).split("\n")[:-1]
    assert [line for line in lines if not _MERMAID.fullmatch(line)] == []
    assert len(lines) == 1 + sum(shape(graph)) + len({node.kind for node in graph.nodes})


@pytest.mark.parametrize("late", ["fa:fa-car", "$$x$$"])
def test_what_mermaid_looks_for_after_the_codes_is_taken_apart(late: str) -> None:
    resolved = re.sub(r"#(\d+);", lambda match: chr(int(match[1])), graphs.mermaid(hostile(late)))
    assert late not in resolved
    assert late in resolved.replace("\u200b", "")


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_the_tree_has_one_line_a_node_and_no_control_characters(name: str) -> None:
    text = lineage_tree(hostile(name), 80).plain
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert not re.search(r"^\s*::", text, re.MULTILINE)
    assert max(map(cell_len, text.splitlines())) <= 80


def test_no_line_of_the_tree_begins_with_a_command_of_a_ci_system() -> None:
    """What nothing uses stands at the margin."""
    text = lineage_tree(drawn(sealed(stage("a", [], ["::error::x"]))), 80).plain
    assert "error::x" in text
    assert not re.search(r"^::", text, re.MULTILINE)


def test_the_tree_of_a_long_chain_stays_within_80_columns() -> None:
    text = lineage_tree(plain(60), 80).plain
    assert max(map(cell_len, text.splitlines())) <= 80
    assert all(f" s{i}  stage" in text or f"\ns{i}  stage" in text for i in range(60))
    assert max(len(line) - len(line.lstrip("│ ├└─")) for line in text.splitlines()) <= 4 * MAX_DEPTH


def test_what_was_shown_is_pointed_to_and_circles_end() -> None:
    graph = drawn(sealed(stage("a", ["x"], ["y"]), stage("b", ["y"], ["x", "model.pkl"])))
    text = lineage_tree(graph, 80).plain
    assert text.count("(see above)") >= 1
    assert text.count("python a.py") == 1


def boxes(text: str) -> list[tuple[float, float, float, float]]:
    found = [node for node in parsed(text).iter(f"{SVG}rect") if node.get("class") == "b"]
    sides = ("x", "y", "width", "height")
    return [tuple(float(node.get(side, "")) for side in sides) for node in found]  # type: ignore[misc]


def sixty() -> Graph:
    """Twelve ways of preparing, four of features, one model."""
    prepare = [stage(f"p{i}", [f"raw/{i}", "p.py"], [f"clean/{i}"]) for i in range(12)]
    feature = [
        stage(f"f{j}", [f"clean/{(3 * j + k) % 12}" for k in range(4)], [f"feat/{j}"], params={"p": {"f": j}})
        for j in range(4)
    ]
    train = stage("train", [f"feat/{j}" for j in range(4)], ["model.pkl"])
    evaluate = stage("evaluate", ["model.pkl", "clean/3", "data/train"], ["metrics.json"])
    return drawn(sealed(*prepare, *feature, train, evaluate, sources=[item(f"raw/{i}") for i in range(12)]))


@pytest.mark.parametrize("graph", [plain(1), plain(40), sixty()], ids=["small", "chain", "sixty"])
def test_no_box_of_a_drawing_lies_on_another_or_outside(graph: Graph) -> None:
    text = drawing.svg(graph)
    root = parsed(text)
    found = boxes(text)
    assert len(found) == len(graph.nodes)
    for index, (x, y, width, height) in enumerate(found):
        assert x >= 0
        assert y >= 0
        assert x + width <= float(root.get("width", ""))
        assert y + height <= float(root.get("height", ""))
        for ox, oy, owidth, oheight in found[index + 1 :]:
            assert x + width <= ox or ox + owidth <= x or y + height <= oy or oy + oheight <= y


def test_everything_stands_left_of_what_was_made_from_it() -> None:
    graph = sixty()
    left = {node.id: box[0] for node, box in zip(graph.nodes, boxes(drawing.svg(graph)), strict=True)}
    assert all(left[start] < left[end] for start, end in graph.edges)


def test_the_same_graph_is_drawn_the_same() -> None:
    assert drawing.svg(sixty()) == drawing.svg(sixty())


def test_a_lineage_of_circles_is_drawn() -> None:
    circles: list[Any] = [
        stage("a", ["x", "model.pkl"], ["y"]),
        stage("b", ["y"], ["x"]),
        stage("c", ["x"], ["model.pkl"]),
    ]
    graph = drawn(sealed(*circles, stage("self", ["z"], ["z"])))
    root = parsed(drawing.svg(graph))
    assert len([node for node in root.iter(f"{SVG}path") if node.get("class") == "e"]) == len(graph.edges)


@pytest.mark.parametrize(
    "graph",
    [
        plain(drawing.MAX_NODES),
        drawn(sealed(*(stage(f"s{i}", [f"d{k}" for k in range(60)], [f"o{i}"]) for i in range(30)))),
    ],
    ids=["nodes", "edges"],
)
def test_a_lineage_that_is_too_large_is_refused_before_it_is_laid_out(graph: Graph) -> None:
    with pytest.raises(UsageError, match="too large for a drawing"):
        drawing.svg(graph)
