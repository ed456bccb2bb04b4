"""event.json: the messages of ledger commits, and every rule that one can break."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from arcgit.model import canonical
from arcgit.model import event as events
from arcgit.model.event import Event
from arcgit.model.names import RecordName
from tests import samples
from tests.samples import event
from tests.vectors.make import absent
from tests.vectors.make.cases import Case, good, newer, refused

NAME = RecordName("churn", "baseline", "0123456789ab")
SECOND = RecordName("churn", "baseline", "0123456789ab", 2)
SUBJECT = event("reviewed", name=NAME)["subject"]
RECORDED = {"commit": samples.COMMIT, "record": "7" * 64, "run_id": NAME.run_id}
SOUND: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("genesis", "It has number 1, nothing before it, and the archive in its title.", event("genesis", 1, data={"policy": "8" * 64})),
    ("policy", "Its title has the version.", event("policy", 2, data={"version": 1})),
    ("recorded", "It is about a record, and its title names it.", event("recorded", 3, NAME, data=RECORDED)),
    ("about the second record of one content", "The title has the number.", event("reviewed", 9, SECOND, data={"outcome": "approved"})),
    ("run", "About no record: the title has the event's number.", event("run", 4, data={"commit": samples.COMMIT, "outcome": "failed"})),
    ("about several records", "The subject is null, and the data name them.", event("verified", 5, data={"level": "fixity", "outcome": "pass", "records": [NAME.refname]})),
    ("a type of a later writer", "It is well formed; what it means is not known.", event("blessed\u200b", 6, NAME, data={"by": "x"})),
    ("fields of a later writer", "Unknown fields survive.", {**event("reviewed", 7, NAME, data={"outcome": "approved", "mood": "good"}), "machine": "x"}),
)  # fmt: skip
FIELD_FAULTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("another schema", "The schema is arcgit's.", "`schema`", {"schema": "arcgit/record/v1"}),
    ("an archive in capitals", "An archive id is a UUID in small letters.", "`archive`", {"archive": samples.ARCHIVE.upper()}),
    ("seq is nought", "Events are counted from 1.", "`seq`", {"seq": 0}),
    ("seq is negative", "Events are counted from 1.", "`seq`", {"seq": -3}),
    ("seq is a text", "It is an integer.", "Expected `int`, got `str`", {"seq": "3"}),
    ("seq has a fraction", "It is an integer.", "Expected `int`, got `float`", {"seq": 3.5}),
    ("seq is a truth value", "It is an integer.", "Expected `int`, got `bool`", {"seq": True}),
    ("seq is beyond 2^53-1", "Every reader must hold it exactly.", "Expected `int`, got `float`", {"seq": 1e20}),
    ("no type", "An event has a type.", "`type`", {"type": ""}),
    ("an actor in capitals", "An actor is a name.", "`actor`", {"actor": "Ada"}),
    ("an actor with an address", "An actor is a name of the policy.", "`actor`", {"actor": "ada@example.org"}),
    ("no actor", "Somebody acted.", "Expected `str`, got `null`", {"actor": None}),
    ("a time with a zone", "Times are UTC and end in Z.", "`time`", {"time": "2026-01-02T03:04:05+01:00"}),
    ("a time without seconds", "Times are in whole seconds.", "`time`", {"time": "2026-01-02T03:04Z"}),
    ("a day that there is not", "Times are moments of the calendar.", "`time`", {"time": "2026-02-29T03:04:05Z"}),
    ("a time as a number", "Times are texts.", "Expected `str`, got `int`", {"time": 1767322800}),
    ("nothing before event 3", "Only the genesis has nothing before it.", "`previous`", {"previous": None}),
    ("something before event 1", "The genesis has nothing before it.", "`previous`", {"seq": 1}),
    ("previous by a git oid", "It is the sha256 of the raw commit.", "`previous`", {"previous": "6" * 40}),
    ("previous in capitals", "Digests are small.", "`previous`", {"previous": "A" * 64}),
    ("a subject by a short oid", "An oid has 40 or 64 digits.", "`subject`", {"subject": {**SUBJECT, "oid": "4" * 7}}),
    ("a subject by a short digest", "A sha256 has 64 digits.", "`subject`", {"subject": {**SUBJECT, "sha256": "5" * 40}}),
    ("a subject without its digest", "A subject has refname, oid and sha256.", "missing required field `sha256`", {"subject": {"refname": NAME.refname, "oid": "4" * 40}}),
    ("a subject that is a refname", "A subject has refname, oid and sha256.", "Expected `object | null`, got `str`", {"subject": NAME.refname}),
    ("two subjects", "Several records are named in the data.", "Expected `object | null`, got `array`", {"subject": [SUBJECT, SUBJECT]}),
    ("data that are null", "Data are a mapping, if only an empty one.", "Expected `object`, got `null`", {"data": None}),
    ("data that are a list", "Data are a mapping.", "Expected `object`, got `array`", {"data": []}),
)  # fmt: skip
SPELLINGS: tuple[tuple[str, str, str, Callable[[str], str]], ...] = (
    ("the title says another type", "The title follows from the event.", "the title", lambda text: text.replace("reviewed churn", "purged churn", 1)),
    ("the title says another record", "The title follows from the event.", "the title", lambda text: text.replace("0123456789ab\n", "0123456789ab.2\n", 1)),
    ("a space behind the title", "The title follows from the event.", "the title", lambda text: text.replace("\n", " \n", 1)),
    ("no title", "The title follows from the event.", "a title and one", lambda text: text.partition("\n\n")[2]),
    ("another paragraph", "There is a title and the event.", "a title and one", lambda text: text.replace("\n\n", "\n\nmore\n\n", 1)),
    ("a second line of title", "There is a title and the event.", "a title and one", lambda text: text.replace("\n\n", "\nmore\n\n", 1)),
    ("no empty line", "An empty line follows the title.", "a title and one", lambda text: text.replace("\n\n", "\n", 1)),
    ("two empty lines", "One empty line follows the title.", "a title and one", lambda text: text.replace("\n\n", "\n\n\n", 1)),
    ("a line after the event", "The event ends the message.", "a title and one", lambda text: text + "Signed-off-by: Ada\n"),
    ("no final newline", "The message ends with a newline.", "a title and one", lambda text: text[:-1]),
    ("two final newlines", "The message ends with one newline.", "a title and one", lambda text: text + "\n"),
    ("another trailer", "The trailer is Arcgit-Event.", "a title and one", lambda text: text.replace("Arcgit-Event", "Arcgit-Record", 1)),
    ("a letter before the event", "Only a space stands between colon and event.", "not JSON", lambda text: text.replace("Event: ", "Event: x", 1)),
    ("a space in the JSON", "An event is canonical JSON.", "not in canonical form", lambda text: text.replace('{"actor"', '{ "actor"', 1)),
    ("a key twice", "An event is canonical JSON.", "not in canonical form", lambda text: text.replace('{"actor"', '{"actor":"eve","actor"', 1)),
    ("keys out of order", "An event is canonical JSON.", "not in canonical form", lambda text: text.replace('"seq":3,', "", 1).replace('{"actor"', '{"seq":3,"actor"', 1)),
    ("a list of one event", "An event is a mapping.", "Expected `object`, got `array`", lambda text: text.replace("Event: ", "Event: [", 1).replace("}\n", "}]\n", 1)),
)  # fmt: skip


def document() -> Case:
    """The file."""
    cases = []
    for name, why, value in SOUND:
        message = events.message(msgspec.convert(value, Event))
        if "machine" in value:  # a writer of today has no such field
            message = f"{message.partition(events.TRAILER)[0]}{events.TRAILER}{canonical.dumps(value).decode()}\n"
        cases.append(good(name, why, message=message, event=value))
    plain = events.message(msgspec.convert(event("reviewed", 3, NAME, data={"outcome": "approved"}), Event))
    title = plain.partition("\n")[0]
    for name, why, fault, changes in FIELD_FAULTS:
        body = canonical.dumps({**event("reviewed", 3, NAME), **changes}).decode()
        cases.append(refused(name, why, fault, message=f"{title}\n\n{events.TRAILER}{body}\n"))
    whole = event("reviewed", 3, NAME)
    fields = (
        "schema",
        "archive",
        "seq",
        "type",
        "actor",
        "time",
        "previous",
        "subject",
        "data",
        "subject/refname",
        "subject/oid",
    )
    rows = [
        *absent.missing(whole, *fields),
        *absent.null(whole, "archive", "type", "time", "subject/refname", "subject/oid", "subject/sha256", kind="str"),
    ]
    for name, why, fault, value in [*rows, *absent.null(whole, "seq", kind="int")]:
        cases.append(
            refused(name, why, fault, message=f"{title}\n\n{events.TRAILER}{canonical.dumps(value).decode()}\n")
        )
    for version in ("arcgit/event/v2", "arcgit/event/v1.1"):
        body = canonical.dumps({"schema": version, "seq": 3}).decode()
        why = "A newer event is not wrong, only not readable; the version is looked at before anything else."
        message = f"{title}\n\n{events.TRAILER}{body}\n"
        cases.append(newer(f"schema {version}", why, "unknown event schema", message=message))
    cases += [refused(name, why, fault, message=spoil(plain)) for name, why, fault, spoil in SPELLINGS]
    return {"about": "message: the whole message of a ledger commit; event: what it says.", "cases": cases}
