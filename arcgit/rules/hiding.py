"""Which refs a server hides from whoever pushes: git's `receive.hideRefs` and `transfer.hideRefs`. Pure.

git refuses each hidden ref alone and takes the rest of the push, `--atomic` or not: a record could come without its ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arcgit.model.finding import Finding, error
from arcgit.rules.pushes import Command, Sort, sort_of

WAY_ON = "git config --show-origin --get-regexp hiderefs tells where that is set"


def hides(rules: Sequence[str], ref: str) -> bool:
    """True where the last of the rules that fit a full refname does not begin with `!`."""
    for rule in reversed(rules):
        begin = rule.removeprefix("!").removeprefix("^").rstrip("/")
        if ref == begin or ref.startswith(f"{begin}/"):
            return not rule.startswith("!")
    return False


def findings(commands: Iterable[Command], rules: Sequence[str]) -> Iterable[Finding]:
    """What forbids a push because git would refuse some of arcgit's refs in it and take the others."""
    for command in commands:
        if sort_of(command.ref) in {Sort.RECORD, Sort.LEDGER, Sort.FIXITY} and hides(rules, command.ref):
            message = (
                "this server hides the ref from whoever pushes, and git would take the rest of the push without it"
            )
            yield error("ref-hidden", command.ref, message, hint=f"whoever runs the server: {WAY_ON}; then arcgit sync")
