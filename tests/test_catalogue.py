"""The catalogue has every code that the source emits, and none that nobody emits; the page in docs/ is the catalogue."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from arcgit.archive import catalogue
from arcgit.cli.app import build
from arcgit.model.catalogue import AREAS, CatalogueError, parse
from arcgit.model.manifest import WAIVABLE
from arcgit.report import catalogue as pages
from tests.emitted import emitted

ROOT = Path(__file__).parent.parent
KNOWN = catalogue.load()
FOUND, UNFOLLOWED = emitted()
SOON = {"amend"}
"""Commands of docs/design.md that a fix names before they are there."""


def test_every_code_can_be_told_from_the_source() -> None:
    assert UNFOLLOWED == []


def test_every_code_that_is_emitted_is_in_the_catalogue() -> None:
    assert {f"{item.code} ({item.where})" for item in FOUND if item.code not in KNOWN} == set()


def test_every_code_of_the_catalogue_is_emitted_or_planned() -> None:
    emitted_codes = {item.code for item in FOUND}
    assert {code for code, entry in KNOWN.items() if code not in emitted_codes and not entry.planned} == set()
    assert {code for code, entry in KNOWN.items() if code in emitted_codes and entry.planned} == set()


def test_severities_and_exit_codes_are_those_of_the_source() -> None:
    kinds: dict[str, set[str | int | None]] = {}
    for item in FOUND:
        kinds.setdefault(item.code, set()).add(item.as_)
    for code, entry in KNOWN.items():
        if entry.planned:
            continue
        exits = {kind for kind in kinds[code] if isinstance(kind, int)}
        severities = {kind for kind in kinds[code] if isinstance(kind, str)}
        assert (entry.exit is None) == (not exits), code
        assert entry.exit is None or entry.exit in exits, code
        # An error that is caught becomes a finding; whether it counts as error or unknown goes by its class.
        carried = {"error" if kind == 1 else "unknown" for kind in exits} | (
            {entry.severity} if None in kinds[code] else set()
        )
        assert entry.severity is None or entry.severity in severities | carried, code
        assert entry.severity is not None or not severities, code


def test_no_code_is_there_twice_and_no_area_is_forgotten() -> None:
    areas = catalogue.by_area()
    assert list(areas) == [area for area, _ in AREAS]
    assert sum(map(len, areas.values())) == len(KNOWN)
    shipped = {path.stem for path in (ROOT / "templates" / "findings").iterdir()}
    assert shipped == set(areas)


def test_the_core_codes_of_the_design_are_there() -> None:
    core = """manifest-invalid manifest-missing yaml-unsafe path-unsafe artifact-untracked artifact-missing
        dataset-version-missing hyperparameters-missing metrics-missing environment-missing owner-missing lineage-broken
        lock-out-of-date retention-class-unknown secret-found split-overlap unstaged-change unrecorded-experiment
        record-differs tag-name-mismatch tag-not-canonical tag-type bad-ref-name foreign-tag signature-bad
        signature-missing signer-unknown signer-role signature-weak wrong-archive record-malformed record-too-large
        manifest-digest commit-mismatch recorded-tag-missing tag-not-as-recorded unrecorded-tag replace-refs-present
        ledger-missing ledger-chain ledger-event-invalid ledger-foreign-commit ledger-state ledger-rollback ledger-fork
        ledger-unsynced notes-differ policy-chain threshold-not-met trust-root-unknown object-missing object-corrupt
        object-unreadable md5-collision fixity-list remote-not-pinned retention-unproven shallow-clone tags-missing
        notes-missing"""
    assert set(core.split()) <= set(KNOWN)


def test_what_may_be_waived_is_what_the_rule_lets_through() -> None:
    assert {code for code, entry in KNOWN.items() if entry.waivable} == WAIVABLE


def test_every_fix_names_commands_that_there_are() -> None:
    there = set(getattr(typer.main.get_command(build()), "commands", {}))
    for code, entry in KNOWN.items():
        for name in re.findall(r"`(?:ARCGIT_DEBUG=1 )?arcgit ([a-z]+)", " ".join([*entry.fix, entry.means])):
            assert name in there | SOON, f"{code}: arcgit {name}"
        for source in entry.by:
            name = source.partition("arcgit ")[2].partition(" ")[0]
            assert not name or name in there or entry.planned, f"{code}: {source}"


@pytest.mark.parametrize("code", KNOWN)
def test_an_entry_says_enough_in_sentences(code: str) -> None:
    entry = KNOWN[code]
    assert not entry.title.endswith(".")
    assert len(entry.title) <= 60
    for text in (entry.means, entry.matters, *entry.fix):
        assert text.endswith((".", "`"))
        assert text.count("`") % 2 == 0
    assert not re.search(r"\bcompliant\b", f"{entry.means}{entry.matters}")


def test_the_page_in_the_docs_is_the_catalogue() -> None:
    """`make docs` writes it."""
    assert (ROOT / "docs" / "findings.md").read_text() == pages.markdown(catalogue.by_area())


@pytest.mark.parametrize(
    "text",
    [
        "- a\n",
        "x: {}\n",
        "X y: {title: t, means: m, matters: m, fix: [f], by: [b], severity: error}\n",
        "x: {title: t, means: m, matters: m, fix: [], by: [b], severity: error}\n",
        "x: {title: t, means: m, matters: m, fix: [f], by: [b]}\n",
        "x: {title: t, means: m, matters: m, fix: [f], by: [b], severity: fatal}\n",
        "x: {title: t, means: m, matters: m, fix: [f], by: [b], severity: error, colour: red}\n",
    ],
)
def test_a_malformed_catalogue_is_refused(text: str) -> None:
    with pytest.raises(CatalogueError):
        parse(text.encode())
