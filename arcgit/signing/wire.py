"""Reading length-prefixed bytes that may be hostile."""

from __future__ import annotations

from arcgit.signing.faults import MalformedError


class Reader:
    """A cursor over `data`. Whatever reaches past the end is a MalformedError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        end = self._at + count
        if end > len(self._data):
            raise MalformedError("it ends too early")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def number(self, width: int) -> int:
        """A big-endian number of `width` bytes."""
        return int.from_bytes(self.take(width), "big")

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    @property
    def at_end(self) -> bool:
        return self._at == len(self._data)

    def end(self) -> None:
        """Raises MalformedError where something is left."""
        if not self.at_end:
            raise MalformedError("there are bytes behind its end")

    def string(self) -> bytes:
        """A `string` of RFC 4251, section 5."""
        start = self._at + 4
        end = start + int.from_bytes(self._data[self._at : start], "big")
        if end > len(self._data):
            raise MalformedError("it ends too early")
        self._at = end
        return self._data[start:end]

    def mpint(self) -> int:
        """A positive `mpint` of RFC 4251, section 5, in its shortest form."""
        raw = self.string()
        if raw and (raw[0] & 0x80 or (raw[0] == 0 and (len(raw) == 1 or not raw[1] & 0x80))):
            raise MalformedError("a number is not in its shortest form")
        return int.from_bytes(raw, "big")
