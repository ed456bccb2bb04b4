"""The options of `verify` that say how deep to look, and at which objects."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Annotated

import typer

from arcgit.archive.looking.selection import Choice
from arcgit.errors import UsageError
from arcgit.rules.proof import parse_since
from arcgit.rules.sampling import parse_sample

MAX_SEED = 200


class Level(str, Enum):
    """How deep to look."""

    signatures = "signatures"
    presence = "presence"
    fixity = "fixity"


Depth = Annotated[
    Level,
    typer.Option(
        help="signatures: no network. presence: the data is in its remote. fixity: every byte of it is hashed."
    ),
]
Remote = Annotated[
    str | None,
    typer.Option("--remote", metavar="NAME", help="Look at the data in this DVC remote, as in a replica."),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, max=64, help="How many objects are read at a time.", show_default=False),
]
Sample = Annotated[
    str | None, typer.Option(metavar="N|N%", help="Only so many objects, chosen at random.", show_default=False)
]
Seed = Annotated[str, typer.Option(help="Draw the sample that was drawn with this seed.", show_default=False)]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="90d|DATE",
        help="Only what no event on the ledger says was proven since, oldest proof first.",
        show_default=False,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a fixity run that was interrupted.")]
Log = Annotated[
    bool | None,
    typer.Option(
        "--log/--no-log",
        help="Put a signed `verified` event on the ledger, for presence and fixity.",
        show_default=False,
    ),
]


def choice(
    level: str, sample: str | None, seed: str, since: str | None, *, resume: bool, log: bool | None, now: datetime
) -> Choice:
    """What the options ask for. Raises UsageError for what is in no form or does not go together."""
    if level != "fixity":
        given = [name for name, there in (("--since", since is not None), ("--resume", resume)) if there]
        given += ["--sample"] if sample is not None and level == "signatures" else []
        given += ["--log"] if log and level == "signatures" else []
        if given:
            message = f"{given[0]} is about reading data, which level {level} does not do"
            raise UsageError("usage", message, f"arcgit verify --level fixity {given[0]}")
    if seed and sample is None:
        raise UsageError("usage", "--seed chooses a sample, and none was asked for", "--sample 50 --seed SEED")
    if len(seed) > MAX_SEED:
        raise UsageError("usage", f"a seed has at most {MAX_SEED} characters", "--seed 3f9c0a")
    chosen = parse_sample(sample) if sample is not None else None
    if sample is not None and chosen is None:
        message = f"--sample takes a number from 1 or a share up to 100%, not `{sample}`"
        raise UsageError("usage", message, "arcgit verify --level fixity --sample 5%")
    start = parse_since(since, now) if since is not None else None
    if since is not None and (start is None or start > now):
        message = f"--since takes days or weeks back, or a date that is over, not `{since}`"
        raise UsageError("usage", message, "arcgit verify --level fixity --since 90d")
    return Choice(chosen, seed, start, now)
