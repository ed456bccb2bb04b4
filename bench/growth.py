"""How reading and judging grow with the number of records, in time and in the memory of all processes together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Any

from bench.place import Place
from bench.reading import LIST, SEARCH

RUNS = 3
MOST_KIB = 1.0
"""What one more record may cost in memory."""
STEADY = 1000
"""From so many records on each command has all of its processes; the step to there is none that a record costs."""
COMMANDS: dict[str, tuple[str, ...]] = {
    "list": LIST,
    "list, again": LIST,
    "search": SEARCH,
    "verify": ("verify",),
    "audit-report": ("audit-report",),
}


def measure(place: Place, sizes: Sequence[int], missing: set[str]) -> Iterator[dict[str, Any]]:
    """One line for each command and size. `missing` names the commands that do not exist."""
    for name, command in COMMANDS.items():
        if command[0] in missing:
            continue
        for records in sizes:
            mine = place.archive(records)
            again = name.endswith("again")
            times = range(min(RUNS, place.sizes.runs))
            seconds = median((mine.warm if again else mine.cold)(*command).seconds for _ in times)
            peak = 0
            for _ in times:
                if not again:
                    mine.forget()
                peak = max(peak, mine.held(*command).peak_kib)
            yield {"command": name, "records": records, "seconds": round(seconds, 4), "peak_kib": peak}


def slopes(lines: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """What one more record costs up to the largest archive, from the smallest that is `STEADY`, or else the smallest."""
    for name in COMMANDS:
        mine = [line for line in lines if line["command"] == name]
        if len(mine) < 2:
            continue
        first = next((line for line in mine[:-1] if line["records"] >= STEADY), mine[0])
        last = mine[-1]
        more = last["records"] - first["records"]
        kib, ms = (last["peak_kib"] - first["peak_kib"]) / more, (last["seconds"] - first["seconds"]) * 1000 / more
        yield {"command": name, "kib_a_record": round(kib, 3), "ms_a_record": round(ms, 4), "met": kib <= MOST_KIB}
