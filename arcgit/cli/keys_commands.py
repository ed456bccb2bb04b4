"""`keys list`, `show`, `add`, `rotate`, `retire`, `revoke`: whose signatures count."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from arcgit.archive.context import Context
from arcgit.archive.events.append import Appended
from arcgit.archive.policy import keychange, keylist, policychange, policyfile
from arcgit.archive.policy.keychange import KeyChange, Newcomer
from arcgit.archive.policy.keylist import KeyRow
from arcgit.archive.policy.policychange import Proposal
from arcgit.cli import output
from arcgit.cli.app import Globals, opened
from arcgit.cli.clock import now
from arcgit.cli.events import event_facts, exchange_of, say_pushed, signer_of
from arcgit.cli.ledger_commands import proposal_facts, say_proposal
from arcgit.cli.options import Json, NoPush, TrustRoot
from arcgit.errors import RefusedError, UsageError
from arcgit.model.text import escape
from arcgit.report import keys as pages
from arcgit.signing.keys import MAX_KEY_CHARACTERS, PublicKey

keys_app = typer.Typer(
    help="Whose signatures count: list keys; propose that one is added, rotated, retired or revoked.",
    no_args_is_help=True,
)

Who = Annotated[
    str, typer.Argument(metavar="PERSON|FINGERPRINT", help="A person of the policy, or a full fingerprint.")
]
KeyFile = Annotated[
    str | None,
    typer.Argument(metavar="[KEY]", help="A file with the public key, or - for standard input. Default: your own key."),
]
Adopt = Annotated[
    bool, typer.Option("--adopt", help="Put the proposal on the ledger at once, where your approval is enough.")
]


def register(app: typer.Typer) -> None:
    """Put the commands into the application."""
    app.add_typer(keys_app, name="keys")


@keys_app.command("list", epilog="Example: arcgit keys list --all")
def list_keys(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also the keys that no longer count.")] = False,
    json: Json = False,
) -> None:
    """List the keys of the policy in force: whose they are, how long they can sign, how much they have signed."""
    rows = keylist.rows(opened(context), now())
    shown = rows if everything else [row for row in rows if row.until is None]
    if json:
        output.emit({"schema": "arcgit/keys/v1", "keys": [row.to_dict() for row in shown]})
        return
    output.say(pages.keys_table([row.to_dict() for row in shown]))
    if len(shown) < len(rows):
        output.aside(f"{len(rows) - len(shown)} that no longer count: arcgit keys list --all")


@keys_app.command(epilog="Example: arcgit keys show ada")
def show(context: typer.Context, who: Who, json: Json = False) -> None:
    """Show one key or those of a person: state, subkeys, events signed, and the public key itself."""
    rows = keylist.show(opened(context), who, now())
    if json:
        output.emit({"schema": "arcgit/keys/v1", "keys": [_with_text(row) for row in rows]})
        return
    for row in rows:
        output.say(pages.key_page(_with_text(row)))


def _with_text(row: KeyRow) -> dict[str, Any]:
    return {**row.to_dict(), "public_key": row.key.public_key}


@keys_app.command(epilog="Example: arcgit keys add carol carol.asc --name 'Carol Cole' --email c@x.org --role recorder")
def add(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The person's short name in the policy.")],
    key: KeyFile = None,
    name: Annotated[str, typer.Option(help="Of a new person. Default with your own key: as in git.")] = "",
    email: Annotated[str, typer.Option(help="Of a new person. Default with your own key: as in git.")] = "",
    role: Annotated[list[str] | None, typer.Option(help="What they may do; may be given several times.")] = None,
    adopt: Adopt = False,
    no_push: NoPush = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Propose a key of a new or known person, or a newer certificate of a key (a subkey, a later expiry)."""
    repo = opened(context)
    given = _key(context, repo, key)
    if key is None:
        own = repo.settings.identity()
        name, email = name or own[0], email or own[1]
    done = keychange.add(repo, person, given, Newcomer(name, email, role or ()), now(), again=adopt)
    _finish(repo, done, adopt, no_push, trust_root, json)


@keys_app.command(epilog="Example: arcgit keys rotate ada new-key.asc")
def rotate(
    context: typer.Context,
    who: Who,
    key: KeyFile = None,
    adopt: Adopt = False,
    no_push: NoPush = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Propose a new key in the place of an old one. What the old one signed before stands."""
    repo = opened(context)
    done = keychange.rotate(repo, who, _key(context, repo, key), now(), again=adopt)
    _finish(repo, done, adopt, no_push, trust_root, json)


@keys_app.command(epilog="Example: arcgit keys retire bob")
def retire(
    context: typer.Context,
    who: Who,
    adopt: Adopt = False,
    no_push: NoPush = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Propose that a key, or a person with all keys and roles, signs nothing more. What was signed before stands."""
    repo = opened(context)
    done = keychange.retire(repo, who, now(), again=adopt)
    _finish(repo, done, adopt, no_push, trust_root, json)


@keys_app.command(epilog="Example: arcgit keys revoke bob --since 42 --reason 'Laptop stolen'")
def revoke(
    context: typer.Context,
    who: Who,
    since: Annotated[
        int, typer.Option(metavar="SEQ", help="The first ledger event that may be forged. Default: all that it signed.")
    ] = 1,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; it stays on the ledger.")] = "",
    certificate: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="An OpenPGP revocation certificate, as gpg --gen-revoke writes it."),
    ] = None,
    adopt: Adopt = False,
    no_push: NoPush = False,
    trust_root: TrustRoot = None,
    json: Json = False,
) -> None:
    """Propose that a key counts as compromised: what it signed from an event on is doubted by everybody who verifies."""
    repo = opened(context)
    text = _read(context, certificate) if certificate is not None else None
    done = keychange.revoke(repo, who, since=since, reason=reason, certificate_text=text, now=now())
    _finish(repo, done, adopt, no_push, trust_root, json)


def _key(context: typer.Context, repo: Context, source: str | None) -> PublicKey:
    if source is None:
        return signer_of(repo)().public_key
    return keychange.read_key(_read(context, source), "standard input" if source == "-" else source)


def _read(context: typer.Context, source: str) -> str:
    if source == "-":
        return sys.stdin.read(MAX_KEY_CHARACTERS + 1)
    options: Globals = context.obj
    try:
        with (options.folder / Path(source)).open(encoding="utf-8") as file:
            return file.read(MAX_KEY_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError) as fault:
        hint = "gpg --armor --export FINGERPRINT > key.asc; for SSH the .pub file; - for standard input"
        why = fault.strerror if isinstance(fault, OSError) else "it is no text"
        raise UsageError("key-unreadable", f"{source} cannot be read: {why}", hint) from fault


def _finish(
    repo: Context,
    done: KeyChange,
    adopt: bool,
    no_push: bool,
    trust_root: str | None,
    json: bool,
) -> None:
    adopted: Appended | None = None
    found = done.proposal
    if adopt:
        exchange = exchange_of(no_push, False, trust_root)
        try:
            adopted, found = policychange.adopt(repo, signer_of(repo), exchange=exchange, now=now(), known=done.judged)
        except RefusedError as fault:
            if done.paths or fault.code != "policy-unchanged":
                raise
    if json:
        body = {"done": done.verb, "person": done.person, "keys": list(done.keys), "paths": done.paths}
        extra = event_facts(adopted) if adopted is not None else {}
        output.emit(
            {
                "schema": "arcgit/keys-change/v1",
                **body,
                **proposal_facts(found),
                "adopted": adopted is not None,
                **extra,
            }
        )
        return
    if done.paths or found.changes:
        say_proposal(found)
    if adopted is not None:
        already = "" if adopted.created else " already"
        output.say(f"Policy {found.policy.version} is in force{already} from event {adopted.seq} on.")
        output.say(f"Next: git add --all {policyfile.FOLDER} && git commit")
        own = signer_of(repo)().public_key.fingerprint
        if found.policy.person_of(own) is None:
            output.say(f"Your key {own} signs nothing more: git config user.signingKey KEY")
        say_pushed(repo, adopted)
    elif not found.changes:
        output.say(f"Nothing to do: that is in force already, in policy {found.policy.version}.")
    else:
        _say_proposed(done, found)


def _say_proposed(done: KeyChange, found: Proposal) -> None:
    written = f"Proposed in {', '.join(map(escape, done.paths))}." if done.paths else "That is proposed already."
    output.say(f"{written} It changes nothing yet.")
    step = (
        "arcgit policy adopt"
        if found.needed == 1
        else f"{found.needed} admins: arcgit policy sign; then arcgit policy adopt"
    )
    output.say(f"Next: git add --all {policyfile.FOLDER} && git commit, let it be reviewed; then {step}")
