"""A lineage for Graphviz and for Mermaid. Text from the record can only ever be the text of a label."""

from __future__ import annotations

import re

from arcgit.model.text import shorten
from arcgit.report.lineage import details, title
from arcgit.rules.provenance import Graph, Node

MAX_LINES = 4
MAX_LABEL = 60
FILLS = {
    "record": "#e8e8ec",
    "model": "#cdeccf",
    "data": "#d3e4fa",
    "code": "#ecd9f5",
    "environment": "#e6e2d8",
    "file": "#f1f1f3",
    "stage": "#fff3c9",
    "params": "#fde2cc",
    "import": "#b9d3f3",
    "machine": "#e6e2d8",
}
"""The colour of each kind of node, the same in every drawing."""
_DOT_SHAPES = {"stage": "box", "params": "note", "record": "tab", "import": "folder", "machine": "component"}
_SPECIAL = re.compile(r"[^A-Za-z0-9 _.,/=()\u00a1-\u1fff\u2030-\ud7ff\uf900-\ufdcf\U00010000-\U000cffff]")
_LATE = re.compile(r"(?<=:)(?=\w)|(?<=\$)(?=\$)")


def label_lines(node: Node) -> list[str]:
    """The lines of a label: kind and name, then a few details, each short."""
    shown = details(node)
    said = node.kind == "record" or "artifact" in node.facts
    lines = [title(node), *([] if said else [node.kind]), *shown[:MAX_LINES]]
    more = len(shown) - MAX_LINES
    return [shorten(line, MAX_LABEL) for line in lines] + ([f"{more} more"] if more > 0 else [])


def dot(graph: Graph) -> str:
    """The lineage in the DOT language of Graphviz, left to right."""
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [shape=box, style="filled,rounded", fontname="sans-serif"];']
    for node in graph.nodes:
        label = r"\n".join(_dot_text(line) for line in label_lines(node))
        shape = _DOT_SHAPES.get(node.kind, "box")
        style = "filled,rounded" if shape == "box" and node.kind != "stage" else "filled"
        lines.append(f'  {node.id} [label="{label}", shape={shape}, style="{style}", fillcolor="{FILLS[node.kind]}"];')
    lines += [f"  {start} -> {end};" for start, end in graph.edges]
    return "\n".join([*lines, "}", ""])


def _dot_text(text: str) -> str:
    """Text inside a quoted label, where Graphviz reads backslashes, quotes and HTML entities."""
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')


def mermaid(graph: Graph) -> str:
    """The lineage as a Mermaid flowchart, left to right."""
    lines = ["flowchart LR"]
    for node in graph.nodes:
        label = "<br/>".join(_mermaid_text(line) for line in label_lines(node))
        opening, closing = ("[[", "]]") if node.kind == "stage" else ("[", "]")
        lines.append(f'  {node.id}{opening}"{label}"{closing}:::{node.kind}')
    lines += [f"  {start} --> {end}" for start, end in graph.edges]
    lines += [
        f"  classDef {kind} fill:{FILLS[kind]},stroke:#57606a,color:#1f2328"
        for kind in sorted({node.kind for node in graph.nodes})
    ]
    return "\n".join([*lines, ""])


def _mermaid_text(text: str) -> str:
    """Text inside a quoted label: everything that Mermaid, Markdown or HTML could read becomes a code of Mermaid's.

    Icons (`fa:fa-car`) and formulas (`$$x$$`) are looked for after the codes are resolved, so those are taken apart.
    """
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", _LATE.sub("\u200b", text))
