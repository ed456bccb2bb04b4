"""The small forms that every written format shares: object names, digests, archive ids, moments."""

from __future__ import annotations

import re
from datetime import datetime

_OID = re.compile("[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHA256 = re.compile("[0-9a-f]{64}")
_ARCHIVE = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def is_oid(text: str) -> bool:
    """True for a full object name of git, SHA-1 or SHA-256, in lower-case hex."""
    return _OID.fullmatch(text) is not None


def is_sha256(text: str) -> bool:
    """True for a sha256 in lower-case hex."""
    return _SHA256.fullmatch(text) is not None


def is_archive_id(text: str) -> bool:
    """True for a UUID in lower-case hex."""
    return _ARCHIVE.fullmatch(text) is not None


def is_time(text: str) -> bool:
    """True for a moment of the calendar, UTC, written `YYYY-MM-DDTHH:MM:SSZ`."""
    return _TIME.fullmatch(text) is not None and _is_in_the_calendar(text[:-1])


def is_day(text: str) -> bool:
    """True for a day of the calendar, written `YYYY-MM-DD`."""
    return _DAY.fullmatch(text) is not None and _is_in_the_calendar(text)


def _is_in_the_calendar(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
