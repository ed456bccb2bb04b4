"""The name that git gives to bytes; apart, because a commit hook needs it and nothing else of git's objects."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mmap import mmap


def object_id(kind: str, raw: bytes | mmap) -> str:
    """The SHA-1 name that git gives these bytes, in hex."""
    import hashlib  # noqa: PLC0415  which the commit hook loads in its own way

    name = hashlib.sha1(b"%s %d\x00" % (kind.encode(), len(raw)), usedforsecurity=False)
    name.update(raw)
    return name.hexdigest()
