"""The only place that asks what time it is; everything below takes the time as a parameter."""

from __future__ import annotations

import datetime as dt


def now() -> dt.datetime:
    """The present moment, aware, in UTC."""
    return dt.datetime.now(dt.timezone.utc)  # noqa: TID251
