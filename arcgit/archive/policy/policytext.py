"""Writing into a policy that a person has written: only what is meant changes, everything else stays to the byte.

YAML's own parser tells where things stand; the new text is put there, in the style that is there already.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yaml import SafeLoader, compose
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from arcgit.archive.policy.policyfile import quote


class PolicyText:
    """The text of a policy proposal that was read as one before, so that its form is known."""

    def __init__(self, text: str) -> None:
        self.text = text if text.endswith("\n") else f"{text}\n"

    def set_version(self, version: int) -> None:
        """Put another number into `version`."""
        node = self._at("version")
        self._splice(node.start_mark.index, node.end_mark.index, str(version))

    def add_person(self, slug: str, name: str, email: str, roles: Iterable[str]) -> None:
        """One more person at the end of `people`, without keys."""
        fields = [f"name: {quote(name)}", f"email: {quote(email)}", f"roles: [{', '.join(roles)}]", "keys: []"]
        self._add_entry(self._at("people"), slug, fields)

    def change_list(self, slug: str, field: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> None:
        """Take texts out of a person's `roles` or `keys`, and put others behind the rest."""
        shown = quote if field == "keys" else str
        for gone in remove:
            self._remove_item(slug, field, gone)
        for new in add:
            self._add_item(slug, field, shown(new))

    def add_compromised(self, fingerprint: str, since: int, reason: str) -> None:
        """One more entry of `compromised`; an entry of the same key is put in its place."""
        value = f"since: {since}" + (f", reason: {quote(reason)}" if reason else "")
        found = self._find("compromised")
        if found is None:
            comment = "  # what these keys signed from event `since` on does not count"
            self.text += f"compromised:{comment}\n  {quote(fingerprint)}: {{{value}}}\n"
            return
        known = self._find("compromised", fingerprint)
        if known is not None:
            start = known.start_mark.index
            self._splice(start, self._end_of(known), f"{{{value}}}")
        else:
            self._add_entry(found, quote(fingerprint), [f"{{{value}}}"], whole=True)

    def _add_entry(self, parent: Node, key: str, fields: Sequence[str], *, whole: bool = False) -> None:
        inside = fields[0] if whole else f"{{{', '.join(fields)}}}"
        if not isinstance(parent, MappingNode):  # `people:` with nothing in it is no policy
            raise TypeError("the parent is no mapping")
        if parent.flow_style:
            separator = ", " if parent.value else ""
            close = parent.end_mark.index - 1
            self._splice(close, close, f"{separator}{key}: {inside}")
            return
        indent = " " * parent.value[0][0].start_mark.column
        step = indent + "  "
        lines = [f"{indent}{key}: {inside}"] if whole else [f"{indent}{key}:", *(f"{step}{line}" for line in fields)]
        at = self._line_end(self._end_of(parent))
        self._splice(at, at, "".join(f"{line}\n" for line in lines))

    def _add_item(self, slug: str, field: str, shown: str) -> None:
        node = self._list(slug, field)
        if node.flow_style:
            close = node.end_mark.index - 1
            self._splice(close, close, f"{', ' if node.value else ''}{shown}")
            return
        last = node.value[-1]
        indent = " " * node.start_mark.column
        at = self._line_end(last.end_mark.index)
        self._splice(at, at, f"{indent}- {shown}\n")

    def _remove_item(self, slug: str, field: str, gone: str) -> None:
        node = self._list(slug, field)
        place = next(n for n, item in enumerate(node.value) if isinstance(item, ScalarNode) and item.value == gone)
        item = node.value[place]
        if node.flow_style:
            start, end = item.start_mark.index, item.end_mark.index
            if place + 1 < len(node.value):
                end = node.value[place + 1].start_mark.index
            elif place:
                start = node.value[place - 1].end_mark.index
            self._splice(start, end, "")
            return
        start = self.text.rfind("\n", 0, item.start_mark.index) + 1
        self._splice(start, self._line_end(item.end_mark.index), "")
        if len(node.value) == 1:
            colon = self.text.index(":", self._key(slug, field).end_mark.index) + 1
            self._splice(colon, colon, " []")

    def _list(self, slug: str, field: str) -> SequenceNode:
        node = self._at("people", slug, field)
        if not isinstance(node, SequenceNode):
            raise TypeError("a list was read here before")
        return node

    def _at(self, *path: str) -> Node:
        found = self._find(*path)
        if found is None:
            raise KeyError(".".join(path))
        return found

    def _find(self, *path: str) -> Node | None:
        pair = self._pair(*path)
        return pair[1] if pair is not None else None

    def _key(self, slug: str, field: str) -> Node:
        pair = self._pair("people", slug, field)
        if pair is None:
            raise KeyError(field)
        return pair[0]

    def _pair(self, *path: str) -> tuple[Node, Node] | None:
        node: Node | None = compose(self.text, Loader=SafeLoader)
        pair: tuple[Node, Node] | None = None
        for part in path:
            if not isinstance(node, MappingNode):
                return None
            pair = next((one for one in node.value if isinstance(one[0], ScalarNode) and one[0].value == part), None)
            if pair is None:
                return None
            node = pair[1]
        return pair

    def _end_of(self, node: Node) -> int:
        """Where a node's own text ends; what a block is followed by (comments, blank lines) is no part of it."""
        if isinstance(node, MappingNode) and not node.flow_style and node.value:
            return self._end_of(node.value[-1][1])
        if isinstance(node, SequenceNode) and not node.flow_style and node.value:
            return self._end_of(node.value[-1])
        return node.end_mark.index

    def _line_end(self, index: int) -> int:
        """The beginning of the next line."""
        if index and self.text[index - 1] == "\n":
            return index
        return self.text.index("\n", index) + 1

    def _splice(self, start: int, end: int, text: str) -> None:
        self.text = self.text[:start] + text + self.text[end:]
