"""Trying again after somebody else was faster: how often, and how long to wait in between."""

from __future__ import annotations

import random
import time

ATTEMPTS = 12
REMOTE_ATTEMPTS = 40
"""Other clones do not take turns with this one: with three that push all the time, one attempt in four comes through."""
REMOTE_LOCKED = 6
"""How often a lock on the remote may be somebody at work rather than left behind."""
LOCAL_SECONDS = 0.1
REMOTE_SECONDS = 0.2
MOST_SECONDS = 1.5


def wait(attempt: int, longest: float) -> None:
    """Wait at random, so that two do not meet again: at most `longest` seconds, doubled with every attempt from 0.

    Never more than `MOST_SECONDS`: whoever lost often must not be the one who tries least.
    """
    time.sleep(random.uniform(0.1, 1) * min(longest * 2**attempt, MOST_SECONDS))  # noqa: S311  not for secrets
