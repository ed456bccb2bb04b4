"""Several threads that go through pieces of work: one end for all of them, one count of bytes, one list of findings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Event as Flag
from threading import Lock
from typing import TypeVar

from msgspec.structs import replace

from arcgit import several
from arcgit.model.finding import Finding

T = TypeVar("T")
Progress = Callable[[str, int, int], None]
"""Is told what is being done, how many bytes of it are, and of how many."""
REPORT_EVERY = 256 * 1024
MAX_WARNINGS = 50
"""Of one kind from one source; how many more there were is said as well."""


class StoppedError(Exception):
    """The run ends early; what was being read is let go."""


class Crew:
    """`jobs` threads. Who tells anybody of what they do holds `lock`, as the count does; `stop` ends the run early."""

    def __init__(self, jobs: int, progress: Progress) -> None:
        self.lock, self.stop = Lock(), Flag()
        self._jobs = max(1, jobs)
        self._progress = progress
        self._what = ""
        self._total = self._done = self._shown = 0

    def begin(self, what: str, total: int) -> None:
        """Count anew, up to `total` bytes."""
        self._what, self._total, self._done, self._shown = what, total, 0, 0
        if total:
            self._progress(what, 0, total)

    def each(
        self, items: Iterable[T], work: Callable[[T], None], left: Callable[[T], None] = lambda item: None
    ) -> None:
        """Do `work` on every item, and once the run is to end `left` on each that nobody began.

        What one of them raises ends the run and is raised again.
        """
        coming = iter(items)
        several.each(coming, work, self._jobs, stop=self.stop)
        for item in coming:
            left(item)

    def count(self, number: int) -> None:
        """Add bytes to those that are done; they may be taken back."""
        with self.lock:
            self._done += number
            if abs(self._done - self._shown) >= REPORT_EVERY:
                self._shown = self._done
                self._progress(self._what, self._done, max(self._total, self._done))

    def go_on(self, number: int) -> None:
        """Count bytes in the middle of an object. Raises StoppedError where the run is to end."""
        if self.stop.is_set():
            raise StoppedError
        self.count(number)


class Counted:
    """The bytes of one object as they come from a source, which are taken back where they are no good."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._bytes = 0

    def __call__(self, number: int) -> None:
        self._bytes += number
        self._crew.go_on(number)

    def take_back(self) -> None:
        self._crew.count(-self._bytes)


class Noticed:
    """What several threads have found. Of the sources that were passed over, a few of each kind are said one by one."""

    def __init__(self) -> None:
        self.said: list[Finding] = []
        self._alike: dict[tuple[str, str], tuple[int, Finding]] = {}
        self._lock = Lock()

    def say(self, finding: Finding) -> None:
        with self._lock:
            self.said.append(finding)

    def passed_over(self, source: str, finding: Finding) -> None:
        """A source did not give what it should have."""
        with self._lock:
            number = self._alike.get((finding.code, source), (0, finding))[0] + 1
            self._alike[finding.code, source] = (number, finding)
            if number <= MAX_WARNINGS:
                self.said.append(finding)

    def more(self, subject: str = "") -> list[Finding]:
        """How many more there were of each kind, about `subject` where that is given."""
        found = []
        for (_, source), (number, last) in self._alike.items():
            if (more := number - MAX_WARNINGS) > 0:
                message = f"{more} more objects in `{source}` were passed over like those named"
                found.append(replace(last, subject=subject or last.subject, message=message, expected="", found=""))
        return found
