"""A lineage as an SVG drawing, left to right: no scripts, nothing from elsewhere, readable on light and dark ground."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from rich.cells import cell_len, set_cell_size

from arcgit.errors import UsageError
from arcgit.model.text import count, without_ci_commands
from arcgit.report.graphs import FILLS, label_lines
from arcgit.report.lineage import details, title
from arcgit.rules.provenance import Graph, Node

MAX_NODES = 300
MAX_EDGES = 1000
_CELLS = 32
_CELL = 7.25
"""Width of a character of the monospaced fonts below at 12 px."""
_LINE = 16
_PAD = 10
_WIDTH = _CELLS * _CELL + 2 * _PAD
_GAP = 80
_SPACE = 18
_MARGIN = 24
_NO_XML = re.compile("[\ufffe\uffff]")

Point = tuple[float, float]

_STYLE = """\
text{font:12px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;fill:#1f2328}
.t{font-weight:bold}.d{fill:#57606a}
.g{fill:#ffffff}.b{stroke:#8c959f;stroke-width:1}.e{fill:none;stroke:#8c959f;stroke-width:1.4}.a{fill:#8c959f}
@media (prefers-color-scheme:dark){.g{fill:#0d1117}.e{stroke:#6e7681}.a{fill:#6e7681}}"""


@dataclass(frozen=True)
class _Box:
    """A node in its place; `x` and `y` are its left upper corner in pixels."""

    node: Node
    lines: list[str]
    x: float
    y: float

    @property
    def height(self) -> float:
        return _height(self.lines)

    @property
    def left(self) -> Point:
        return self.x, self.y + self.height / 2

    @property
    def right(self) -> Point:
        return self.x + _WIDTH, self.y + self.height / 2


def svg(graph: Graph) -> str:
    """The drawing. Raises UsageError where the lineage is too large to be looked at."""
    if len(graph.nodes) > MAX_NODES or len(graph.edges) > MAX_EDGES:
        has = f"{count(len(graph.nodes), 'node')} and {count(len(graph.edges), 'edge')}"
        message = f"a lineage of {has} is too large for a drawing: {MAX_NODES} and {MAX_EDGES} at most"
        raise UsageError("lineage-too-large", message, "--format text shows all of it, --format dot is for Graphviz")
    boxes, ways = _laid_out(graph)
    width = max(box.x + _WIDTH for box in boxes.values()) + _MARGIN
    height = max([*(box.y + box.height for box in boxes.values()), *(y for way in ways for _, y in way)]) + _MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}"'
    name = f"Lineage of {title(graph.nodes[0])} {details(graph.nodes[0])[0]}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {size} role="img">',
            f"<title>{_text(name)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect class="g" {size}/>',
            *(_edge(way) for way in ways),
            *(_node(box) for box in boxes.values()),
            "</svg>",
            "",
        ]
    )


def _text(text: str) -> str:
    shown = html.escape(_NO_XML.sub(lambda match: f"\\u{{{ord(match[0]):x}}}", text))
    return without_ci_commands(shown, "&#35;")


def _height(lines: Sequence[str]) -> float:
    return len(lines) * _LINE + 2 * _PAD - 4


def _node(box: _Box) -> str:
    rows = [
        f'<text class="{"t" if index == 0 else "d"}" x="{box.x + _PAD:.1f}" y="{box.y + _PAD + 9 + index * _LINE:.1f}"'
        f' xml:space="preserve">{_text(_fitted(line))}</text>'
        for index, line in enumerate(box.lines)
    ]
    radius = 3 if box.node.kind == "stage" else 10
    whole = "\n".join([title(box.node), *details(box.node)])
    frame = (
        f'<rect class="b" x="{box.x:.1f}" y="{box.y:.1f}" width="{_WIDTH:.1f}" height="{box.height:.1f}" rx="{radius}"'
        f' fill="{FILLS[box.node.kind]}"/>'
    )
    return "\n".join([f"<g><title>{_text(whole)}</title>", frame, *rows, "</g>"])


def _fitted(line: str) -> str:
    return line if cell_len(line) <= _CELLS else set_cell_size(line, _CELLS - 1).rstrip() + "\u2026"


def _edge(way: Sequence[Point]) -> str:
    """A smooth line through the points with an arrow head at its end."""
    parts = [f"M{way[0][0]:.1f} {way[0][1]:.1f}"]
    for (x, y), (nx, ny) in pairwise(way):
        bend = (nx - x) / 2
        parts.append(f"C{x + bend:.1f} {y:.1f} {nx - bend:.1f} {ny:.1f} {nx:.1f} {ny:.1f}")
    x, y = way[-1]
    head = f'<path class="a" d="M{x:.1f} {y:.1f}l-8 -4v8z"/>'
    return f'<path class="e" d="{"".join(parts)}"/>{head}'


def _laid_out(graph: Graph) -> tuple[dict[str, _Box], list[list[Point]]]:
    """Boxes by node id, and the points that each edge goes through.

    grandalf lays out from the top down and starts with the record, so that everything stands right before its first
    use; turning its x into our y and its depth into our distance from the right edge makes it left to right.
    """
    lines = {node.id: label_lines(node) for node in graph.nodes}
    places, bends = _sugiyama(graph, lines)
    deepest = max(depth for _, depth in places.values())
    top = min(middle - _height(lines[node]) / 2 for node, (middle, _) in places.items())
    boxes = {
        node.id: _Box(
            node,
            lines[node.id],
            _MARGIN + deepest - places[node.id][1],
            _MARGIN + places[node.id][0] - _height(lines[node.id]) / 2 - top,
        )
        for node in graph.nodes
    }
    ways = []
    for start, end in graph.edges:
        between: list[Point] = []
        for middle, depth in bends.get((start, end), ()):
            x = _MARGIN + deepest - depth
            between += [(x, _MARGIN + middle - top), (x + _WIDTH, _MARGIN + middle - top)]
        ways.append([boxes[start].right, *between, boxes[end].left])
    return boxes, ways


def _sugiyama(graph: Graph, lines: dict[str, list[str]]) -> tuple[dict[str, Point], dict[tuple[str, str], list[Point]]]:
    """Where grandalf puts the middle of each node (across, depth), and the bends of each edge from its start on."""
    from grandalf.graphs import Edge, Vertex  # noqa: PLC0415  only a drawing needs it
    from grandalf.graphs import Graph as Layered  # noqa: PLC0415
    from grandalf.layouts import SugiyamaLayout, VertexViewer  # noqa: PLC0415

    vertices = {node.id: Vertex(node.id) for node in graph.nodes}
    for name, vertex in vertices.items():
        vertex.view = VertexViewer(w=_height(lines[name]), h=_WIDTH)
    edges = {(start, end): Edge(vertices[end], vertices[start]) for start, end in _without_circles(graph)}
    layered = Layered(list(vertices.values()), list(edges.values()))
    places: dict[str, Point] = {}
    bends: dict[tuple[str, str], list[Point]] = {}
    offset = 0.0
    for part in layered.C:
        layout = SugiyamaLayout(part)
        layout.xspace, layout.yspace, layout.dw, layout.dh = _SPACE, _GAP, _SPACE, _WIDTH
        layout.init_all(roots=[vertex for vertex in part.sV if not vertex.e_in()], inverted_edges=[])
        layout.draw(10)
        left = min(vertex.view.xy[0] - vertex.view.w / 2 for vertex in part.sV)
        shift = offset - left
        for vertex in part.sV:
            across, depth = vertex.view.xy
            places[vertex.data] = (across + shift, depth)
            offset = max(offset, across + shift + vertex.view.w / 2 + _SPACE)
        for pair, edge in edges.items():
            if edge in layout.ctrls:
                ranks = sorted(layout.ctrls[edge].items(), reverse=True)
                dummies = [control for _, control in ranks if control not in (edge.v[0], edge.v[1])]
                bends[pair] = [(control.view.xy[0] + shift, control.view.xy[1]) for control in dummies]
    return places, bends


def _without_circles(graph: Graph) -> list[tuple[str, str]]:
    """The edges less those that close a circle: a sealed lineage may say anything."""
    edges = [edge for edge in graph.edges if edge[0] != edge[1]]
    while True:
        needs: dict[str, list[str]] = {node.id: [] for node in graph.nodes}
        for start, end in edges:
            needs[end].append(start)
        try:
            TopologicalSorter(needs).prepare()
        except CycleError as error:
            circle = error.args[1]
            edges.remove((circle[0], circle[1]))
        else:
            return edges
