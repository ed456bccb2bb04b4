"""Trying again after somebody else was faster: how often, and how long to wait in between."""

from __future__ import annotations

import random
import time

ATTEMPTS = 8
LOCAL_SECONDS = 0.1
REMOTE_SECONDS = 0.2


def wait(attempt: int, longest: float) -> None:
    """Wait at random, so that two do not meet again: at most `longest` seconds, doubled with every attempt from 0."""
    time.sleep(random.uniform(longest / 4, longest) * 2**attempt)  # noqa: S311  not for secrets
