"""Keys as a table and a page for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from arcgit.model.text import count, escape

_STATES = {"in force": "green", "retired": "dim", "compromised": "bold red", "expired": "yellow", "revoked": "red"}


def keys_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One line a key."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("PERSON", "STATE", "FINGERPRINT", "KIND", "EVENTS", "NOTE"):
        table.add_column(title, justify="right" if title == "EVENTS" else "left", no_wrap=title != "NOTE")
    for row in rows:
        signed = str(row["events_signed"]) + (f" ({row['events_doubted']} doubted)" if row["events_doubted"] else "")
        table.add_row(
            row["person"],
            Text(row["state"], _STATES.get(row["state"], "red")),
            row["fingerprint"],
            escape(row["algorithm"] or row["type"]),
            signed,
            Text(escape(row["note"]), "dim"),
        )
    return table


def key_page(row: Mapping[str, Any]) -> Text:
    """Everything about one key."""
    text = Text()
    text.append(f"{row['fingerprint']}  ", "bold").append(f"{row['state']}\n", _STATES.get(row["state"], "red"))
    until = f" to {row['until_event']}" if row["until_event"] is not None else " on"
    doubted = f", {row['events_doubted']} of them in doubt" if row["events_doubted"] else ""
    lines = [
        ("person", row["person"]),
        ("kind", f"{row['type']}, {escape(row['algorithm'] or 'not readable')}"),
        ("in policy", f"from event {row['since_event']}{until}"),
        ("signed", f"{count(row['events_signed'], 'event')}{doubted}"),
    ]
    lines += [("note", escape(row["note"]))] if row["note"] else []
    for part in row["signing_keys"]:
        end = "revoked" if part["revoked"] else f"until {part['expires']}" if part["expires"] else "no end"
        lines.append(("signs with", f"{part['fingerprint']}  {end}"))
    for label, told in lines:
        text.append(f"  {label:<12}", "dim").append(f"{told}\n")
    return text.append(f"\n{row['public_key'].rstrip()}\n", "dim")


def loosened_text(rows: Sequence[tuple[str, str]]) -> Text:
    """What a policy allows that the one before did not."""
    text = Text()
    if rows:
        text.append("  It allows what is not allowed today:\n", "bold yellow")
    for _, message in rows:
        text.append(f"    ! {escape(message)}\n", "yellow")
    return text


def history_text(rows: Sequence[Mapping[str, Any]]) -> Text:
    """Every version of the policy: where it took force, who put it there, and what it loosened."""
    text = Text()
    text.append("\nVersions\n", "bold")
    for row in rows:
        doubted = "  in doubt" if row["doubted"] else ""
        approved = ", ".join(row["approved"]) or "nobody whose key counts"
        text.append(f"  {row['version']}  ", "cyan").append(
            f"event {row['event']}, by {row['actor']}, approved by {approved}"
        )
        text.append(f"{doubted}\n", "bold red")
        for one in row["loosened"]:
            text.append(f"     ! {escape(one['message'])}\n", "yellow")
    return text
