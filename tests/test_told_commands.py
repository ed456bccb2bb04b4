"""What a person is told to type: whatever comes from a repository or from what they typed stands there as one word."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import arcgit

COMMAND = re.compile(
    r"(?:^|[\s;:(&`'])(?:git (?:add|checkout|clone|config|fetch|for-each-ref|log|ls-remote|push|rebase|remote|rm|tag|update-ref)"
    r"|arcgit (?:-C|amend|compare|diff|draft|evaluate|explain|gc|keys|list|log|policy|record|replicate|restore|retire|review"
    r"|runs|search|show|sync|verify|audit-report)"
    r"|dvc (?:add|commit|fetch|gc|pull|push|remote|repro|stage|unfreeze)|rm|mv|cp|chmod|mkdir|df|ls|gpg|ssh-keygen) "
)
QUOTES = {"word", "quoted", "quote"}
SAFE = {
    # Of a form that has been checked: names of records, people and codes, object names, numbers, fingerprints.
    "agreed.flags", "bad", "commit[:12]", "doubt.code", "error.code", "event.actor", "fingerprint", "found.code", "good",
    "key.fingerprint", "ledger.founder", "name.refname", "name.short_id", "name.tag", "names.slugify(person)", "near[0]",
    "numbers", "oid.value", "options", "plan.flags", "record.name.short_id", "replace(flags, cloud=False, remote=None)",
    "result.flags", "self.code", "self.push.tip or 'OID'", "state.name.short_id", "tag", "waited[0]", "waits.recorder", "who",
    # arcgit's own words.
    "FIXITY_REF", "HOOKS[0]", "LEDGER_REF", "LOST_PREFIX", "RECORD_PREFIX", "SETTING", "WAITING_PREFIX", "PERSON", "PACKS_AGAIN",
    "_GIVEN.get(name, '')", "given[0]", "policyfile.FOLDER", "step", "verb", "where", "whole", "server", "count(len(plan.doomed), 'object')",
    # Commands and words that were put together with `word` elsewhere.
    "away", "fetch_command(context)", "found[0]", "found[1]", "hint", "inside", "ledger.fetch_command(context)", "part", "shown",
    "specs", "way", "f'--cd {word(project)} ' if project else ''", "word(place) if place else f'. {word(_temporary())}'",
    "done.code",
}  # fmt: skip

HERE_ALONE = {
    "archive/exchanging/signagain.py: person",
    "archive/unsynced.py: person",
    "archive/doctor.py: remote",
    "archive/gc.py: count(len(paths), 'object')",
    "archive/gc.py: more",
    "archive/gc.py: names",
    "archive/gc.py: place",
    "archive/replicas/replicarefs.py: remote",
    "cli/setup_commands.py: remote",
}
"""People of a policy that was read; and what tells of a command and asks nobody to type it."""


def unquoted(path: Path) -> Iterator[tuple[int, str]]:
    """Line and expression of all that stands in a command, or behind it, and is not made one word."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.JoinedStr):
            continue
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
        begin = COMMAND.search(text)
        place = 0
        for part in node.values if begin else ():
            if isinstance(part, ast.FormattedValue):
                if begin is not None and place >= begin.start() and not _quotes(part.value):
                    yield node.lineno, ast.unparse(part.value)
                place += 1
            elif isinstance(part, ast.Constant):
                place += len(str(part.value))


def _quotes(value: ast.expr) -> bool:
    called = value.func if isinstance(value, ast.Call) else None
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    if name == "join" and isinstance(called, ast.Attribute) and isinstance(value, ast.Call):
        return ast.unparse(called.value) == "shlex" or ast.unparse(value.args[0]).startswith("map(word,")
    return name in QUOTES


def test_nothing_stands_in_a_command_that_is_told_unless_it_is_one_word() -> None:
    """A new hint takes `word` of arcgit/model/text.py for what it names, or says in `SAFE` why it need not."""
    root = Path(arcgit.__file__).parent
    found = [
        f"{path.relative_to(root)}:{line}: {expression}"
        for path in sorted(root.rglob("*.py"))
        for line, expression in unquoted(path)
        if expression not in SAFE and f"{path.relative_to(root)}: {expression}" not in HERE_ALONE
    ]
    assert not found, "\n".join(found)
