"""A lineage as a tree for a terminal: what was made on top, under it what it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text

from arcgit.model.text import count, escape, shorten, size
from arcgit.report.pages import opening, value
from arcgit.rules.provenance import Graph, Node, used_by

MAX_DEPTH = 10
MAX_PARAMS = 20
COLOURS = {
    "record": "bold",
    "model": "bold green",
    "stage": "cyan",
    "data": "blue",
    "code": "magenta",
    "params": "yellow",
    "import": "bold blue",
}
_MAX_TEXT = 300


def title(node: Node) -> str:
    """The name of a node, escaped."""
    return shorten(escape(node.title), _MAX_TEXT) or node.kind


def details(node: Node) -> list[str]:
    """What there is to say about a node, most important first, each escaped."""
    facts = node.facts
    match node.kind:
        case "record":
            return _record(facts)
        case "stage":
            command = facts["cmd"] if isinstance(facts["cmd"], str) else value(facts["cmd"])
            return [shorten(escape(command), _MAX_TEXT)]
        case "params":
            shown = [f"{escape(key)}={value(item)}" for key, item in sorted(facts["values"].items())]
            more = len(shown) - MAX_PARAMS
            return [shorten(part, _MAX_TEXT) for part in shown[:MAX_PARAMS]] + ([f"{more} more"] if more > 0 else [])
        case "import":
            return [shorten(escape(f"{key} {item}"), _MAX_TEXT) for key, item in _origin(facts["origin"])]
        case "machine":
            return _machine(facts["environment"])
        case _:
            return _path(facts)


def _record(facts: Mapping[str, Any]) -> list[str]:
    run = str(facts["tag"]).rpartition("/")[2]
    if "commit" in facts:
        return [run, f"commit {facts['commit'][:12]}", escape(facts["owner"])]
    return [run, facts["status"], f"made {escape(facts['made'])}"]


def _origin(origin: Mapping[str, str]) -> list[tuple[str, str]]:
    shown = [(key, item[:12] if key == "rev_lock" else item) for key, item in sorted(origin.items()) if key != "url"]
    return shown if "url" in origin else [pair for pair in shown if pair[0] != "path"]


def _machine(environment: Any) -> list[str]:
    if not isinstance(environment, dict):
        return []
    names = ("arcgit", "python", "system", "machine")
    return [f"{name} {value(environment[name])}" for name in names if name in environment]


def _path(facts: Mapping[str, Any]) -> list[str]:
    parts = [f"{facts['role']} `{facts['artifact']}`"] if "artifact" in facts else []
    parts += [f"{word} {escape(facts[word])}" for word in ("split", "version") if word in facts]
    amount = [count(facts["files"], "file")] if "files" in facts else []
    amount += [size(facts["size"])] if "size" in facts else []
    parts += [", ".join(amount)] if amount else []
    if "sha256" in facts:
        parts.append(f"sha256 {facts['sha256'][:12]}")
    elif "md5" in facts:
        parts.append(f"md5 {escape(facts['md5'])[:12]}")
    return parts


def lineage_tree(graph: Graph, width: int) -> Text:
    """The tree. A line is cut at `width` cells; what was shown before, or lies too deep, is shown once, further below."""
    text = Text()
    tree = _Tree(used_by(graph), width, text)
    for node in graph.nodes:
        if node.id not in tree.shown:
            tree.show(node)
    return text


class _Tree:
    def __init__(self, parts: Mapping[str, Sequence[Node]], width: int, text: Text) -> None:
        self.shown: set[str] = set()
        self._parts = parts
        self._width = width
        self._text = text

    def show(self, root: Node) -> None:
        """A node and all below it; branches that go too deep begin again at the margin."""
        deeper = [root]
        while deeper:
            top = deeper.pop(0)
            if top.id in self.shown:
                continue
            if self.shown:
                self._text.append("\n")
            waiting = [(top, "", "", 0)]
            while waiting:
                node, lead, mark, depth = waiting.pop()
                again = node.id in self.shown
                below = self._parts.get(node.id, ())
                deep = depth >= MAX_DEPTH and bool(below) and not again
                self._line(node, lead + mark, "  (see above)" if again and below else "  (see below)" if deep else "")
                if deep:
                    deeper.append(node)
                elif not again:
                    self.shown.add(node.id)
                    stem = lead + {"": "", "├── ": "│   ", "└── ": "    "}[mark]
                    marks = ["├── "] * (len(below) - 1) + ["└── "] if below else []
                    rows = [(part, stem, sign, depth + 1) for part, sign in zip(below, marks, strict=True)]
                    waiting += reversed(rows)

    def _line(self, node: Node, lead: str, rest: str) -> None:
        line = Text.assemble((lead, "dim"), (title(node) if lead else opening(title(node)), COLOURS.get(node.kind, "")))
        kind = "" if node.kind == "record" or "artifact" in node.facts else f"{node.kind}: "
        shown = "" if rest else kind + ", ".join(details(node))
        line.append(rest or f"  {shown.removesuffix(': ')}", "dim")
        line.truncate(self._width, overflow="ellipsis")
        self._text.append(line).append("\n")
