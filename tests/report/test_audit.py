"""The renderings of the audit report: the first lines decide, data is never markup, a comment is never too long."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
import yaml
from markdown_it import MarkdownIt
from rich.console import Console

from arcgit.cli.app import build, run
from arcgit.model.finding import Finding, Place, Verdict, error, unknown, warning
from arcgit.report import audit_markdown, audit_text
from arcgit.report.audit import Entry, Report, Signer, Splits
from arcgit.report.audit_json import document
from arcgit.report.audit_markdown import code
from arcgit.rules.changes import Changes, FileChange
from arcgit.rules.values import compare_values
from tests.world import World, next_experiment

EVIL = (
    "\x1b]0;x\x07\u202e\u200b\n::error::forged\r\n##[add-mask]z <script>alert(1)</script> | a \\| b `tick` ``two`` "
    "@ada #1 GH-2 https://evil.example www.evil.example ada@evil.example ![i](https://evil.example/i.png) "
    "[l](javascript:x) <!-- --> </details> &lt;b&gt; *b* _i_ ~s~ $m$ :bug:\x85\ud800"
)
SCOPE: dict[str, Any] = {
    "archive": "0b5a5e8e-6f6b-4b0a-9c2e-1d2f3a4b5c6d", "level": "signatures", "fail_on": "error", "head": "1" * 40,
    "base": {"rev": "main", "commit": "2" * 40, "merge_base": "2" * 40}, "ledger_ref": "refs/notes/arcgit",
    "ledger_tip": "3" * 40, "events": 3, "policy_version": 1, "policy_digest": "4" * 64, "records_checked": 1,
    "tags_skipped": 0, "records_reported": 1, "manifests": 1, "experiments_unchanged": 0, "waivers": [], "tool": "arcgit 0",
    "survival": {"days": 90, "day": "2026-05-06", "remotes": {}},
}  # fmt: skip


def on_terminal(report: Report, width: int) -> str:
    return "\n".join(piece.plain for piece in audit_text.render(report, width))


def row(number: int = 1, text: str = "plain") -> dict[str, Any]:
    """A record as `show` has it, with `text` in every place that a person or a file fills."""
    fact = {
        "path": text,
        "role": "dataset",
        "kind": "file",
        "size": 1,
        "sha256": "a" * 64,
        "split": text,
        "version": text,
    }
    event = {
        "schema": "arcgit/event/v1",
        "seq": 3,
        "type": "reviewed",
        "actor": text,
        "time": text,
        "data": {"outcome": text},
    }
    return {
        "tag": f"exp/churn/run{number}/0123456789ab", "project": "churn", "experiment": f"run{number}",
        "run_id": "0123456789ab", "commit": "5" * 40, "owner": text, "status": "recorded", "time": text, "purpose": text,
        "retention": text, "params": {text: text}, "metrics": {text: 0.5}, "tag_oid": "6" * 40, "tagger": text,
        "recorded_by": "ada", "proven": [], "amended": {"owner": text}, "archive": SCOPE["archive"], "tree": "7" * 40,
        "manifest": {"path": text, "sha256": "8" * 64}, "artifacts": {"train": fact},
        "lineage": {"stages": [{"name": text}]}, "environment": {"recorded_with": {"python": text}},
        "known": {"read": ["content.params"]}, "findings": [], "events": [event],
        "waivers": [{"code": "split-overlap", "reason": text, "owner": text, "expires": text, "subject": text}],
    }  # fmt: skip


def entry(number: int = 1, text: str = "plain") -> Entry:
    values = [
        compare_values({text: {text: before}}, {text: {text: after}}) for before, after in ((1, 2.5), (text, "x"))
    ]
    changes = Changes(
        f"exp/churn/run{number}/ba9876543210",
        (FileChange("changed", "train", "dataset", text),),
        values[1],
        values[0],
        stages=(("changed", text),),
        unknown=(text,),
    )
    return Entry(
        f"churn/run{number}", "changed", text, row(number, text), Signer("ada", text, text, ("recorder",)),
        base=changes, previous=replace(changes, tag=f"exp/churn/run{number}/bbbbbbbbbbbb"),
        splits=Splits((text, "train"), (), (text,)),
    )  # fmt: skip


def made(*entries: Entry, findings: tuple[Finding, ...] = (), rev: str = "main", **scope: Any) -> Report:
    base = {**SCOPE["base"], "rev": rev}
    return Report(Verdict.FAIL, findings, {**SCOPE, "base": base, **scope}, entries)


def hostile() -> Report:
    found = tuple(
        make("object-missing", EVIL, EVIL, expected=EVIL, found=EVIL, hint=EVIL, place=Place(EVIL))
        for make in (error, unknown, warning)
    )
    waiver = {"manifest": EVIL, "code": EVIL, "subject": EVIL, "owner": EVIL, "expires": EVIL, "reason": EVIL}
    same = replace(entry(2, EVIL), base=Changes(EVIL, (), (), ()), previous=None)
    return made(entry(1, EVIL), same, findings=found, rev=EVIL, waivers=[waiver])


@pytest.mark.parametrize("width", [40, 80, 100, 10_000])
@pytest.mark.parametrize("report", [hostile(), made(entry(1), entry(2, "long " * 40))], ids=["hostile", "long"])
def test_what_goes_into_a_pipe_is_what_rich_prints_there(report: Report, width: int) -> None:
    out = io.StringIO()
    screen = Console(file=out, markup=False, highlight=False, emoji=False, soft_wrap=True, width=width)
    for piece in audit_text.render(report, width):
        screen.print(piece)
    assert out.getvalue() == "".join(f"{piece}\n" for piece in audit_text.plain(report, width))


class Tags(HTMLParser):
    """The elements of a page, and its text outside of code."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: list[str] = []
        self.plain = ""
        self._code = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += [str(value) for _, value in attrs]
        self._code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"

    def handle_data(self, data: str) -> None:
        self.plain += data if not self._code else ""


def html(text: str) -> Tags:
    return Tags(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


def test_nothing_from_data_is_markdown_or_html() -> None:
    found = html(audit_markdown.render(hostile()))
    allowed = {
        "h2",
        "h3",
        "p",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "code",
        "details",
        "summary",
        "strong",
        "em",
        "br",
        "ul",
        "li",
    }
    assert found.names <= allowed
    assert found.attributes == []
    for word in ("evil", "forged", "script", "@ada", "javascript", "tick", "https"):
        assert word not in found.plain


def test_hostile_data_adds_no_cell_and_no_row_to_a_table() -> None:
    def shape(report: Report) -> list[int]:
        lines = audit_markdown.render(report).splitlines()
        return [len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")]

    same = replace(entry(2, "x"), base=Changes("x", (), (), ()), previous=None)
    tame = made(
        entry(1, "x"),
        same,
        findings=tuple(
            msgspec.structs.replace(f, subject="x", message="x", hint="x", place=None) for f in hostile().findings
        ),
    )
    assert shape(hostile()) == shape(tame)


def test_no_line_of_any_rendering_begins_with_a_command_for_ci_or_has_control_characters() -> None:
    report = hostile()
    for text in (
        on_terminal(report, 80),
        on_terminal(report, 10_000),
        audit_markdown.render(report),
    ):
        assert not [line for line in text.splitlines() if line.lstrip().startswith(("::", "##["))]
        assert not set(text) & set("\x1b\x07\u202e\u200b\r\x85\ud800")
        text.encode()


@pytest.mark.parametrize(
    "text", ["", " ", "`", "``", "a`", "` `", "|", "\\|", "a\nb", "```\n# x", "x" * 5000, " lead", "&amp;"]
)
def test_a_code_span_is_one_span_whatever_is_in_it(text: str) -> None:
    shown = code(text)
    assert "\n" not in shown
    found = html(f"| a | b |\n|---|---|\n| {shown} | end |")
    assert found.names <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert found.plain.split() == ["a", "b", "end"]
    assert len(shown) < 500


@pytest.mark.parametrize("number", [1, 30, 300])
@pytest.mark.parametrize("text", ["plain", EVIL, "é\U0001f600" * 3000])
def test_a_comment_is_never_longer_than_github_takes(number: int, text: str) -> None:
    findings = tuple(error("object-missing", f"{text}{n}", text, hint=text) for n in range(number * 3))
    report = made(*(entry(n, text) for n in range(number)), findings=findings, rev=text)
    shown = audit_markdown.render(report)
    assert len(shown.encode()) <= audit_markdown.LIMIT
    assert "Scope: what was judged" in shown
    lines = shown.splitlines()
    assert len([line for line in lines if line.startswith("<details>")]) == lines.count("</details>") > 0


def test_what_is_left_out_of_a_comment_is_counted_and_its_command_is_named() -> None:
    shown = audit_markdown.render(made(*(entry(n) for n in range(100))))
    whole = shown.count("<summary>Evidence")
    assert f"The evidence of {100 - whole} experiments is left out here" in shown
    assert "`arcgit audit-report --base main`" in shown


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("number", [1, 2, 3, 40])
@pytest.mark.parametrize("faults", [0, 1, 3, 50])
def test_the_first_25_lines_have_verdict_failures_with_next_steps_signer_and_changes(
    width: int, number: int, faults: int
) -> None:
    findings = tuple(
        error("object-missing", f"thing {n}", "it is not there " * 9, hint="arcgit sync") for n in range(faults)
    )
    report = made(*(entry(n) for n in range(number)), findings=findings)
    lines = on_terminal(report, width).splitlines()
    shown, used = [], 0
    for line in lines:
        used += max(1, -(-len(line) // width))
        if used > audit_text.HEAD_LINES:
            break
        shown.append(line)
    top = "\n".join(shown)
    assert shown[0].startswith("FAIL")
    assert "signed by plain (ada) as recorder" in top
    assert "plain 1 → 2.5" in top
    assert "since main" in top
    assert bool(faults) is ("arcgit sync" in top)
    if number == 40:
        assert "more below" in top
    if faults == 50:
        assert "object-missing" in top.partition("more below: ")[2]


def test_two_columns_of_80_and_a_pipe_show_the_same_words() -> None:
    report = made(entry(), findings=(error("object-missing", "model.pkl", "it is gone", hint="dvc push"),))
    narrow, piped = on_terminal(report, 80), on_terminal(report, 10_000)
    assert narrow.split() == piped.split()
    assert max(map(len, narrow.splitlines())) <= 80


@pytest.mark.parametrize("form", ["text", "md", "json"])
def test_no_rendering_says_compliant(world: World, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", str(world.work), "audit-report", "--format", form]) == 0
    shown = capsys.readouterr().out
    assert "complian" not in shown.lower()
    assert "recorded" in shown
    assert "not applicable" in shown


def test_every_rendering_has_the_same_verdict_and_the_same_findings(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    next_experiment(world.work, "deep", "lr: 3\nepochs: 3\n")
    shown = {}
    for form in ("text", "md", "json"):
        assert run(["-C", str(world.work), "audit-report", "--base", "HEAD~1", "--format", form]) == 1
        shown[form] = capsys.readouterr().out
    assert shown["text"].startswith("FAIL")
    assert shown["md"].splitlines()[0] == audit_markdown.MARK
    assert "FAIL" in shown["md"].splitlines()[1]
    assert json.loads(shown["json"])["verdict"] == "fail"
    for text in shown.values():
        assert "unrecorded-experiment" in text
        assert "arcgit record" in text


@pytest.mark.parametrize("form", ["text", "md", "json"])
def test_a_report_into_a_file_is_what_is_shown_and_stdout_stays_empty(
    world: World, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report"
    path.write_text("old")
    assert run(["-C", str(world.work), "audit-report", "--format", form, "-o", str(path)]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("PASS")
    assert "\x1b" not in path.read_text()
    run(["-C", str(world.work), "audit-report", "--format", form])
    assert path.read_text().split() == capsys.readouterr().out.split()


def test_a_file_that_cannot_be_written_is_said_and_is_no_pass(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-C", str(world.work), "audit-report", "-o", str(world.root / "no" / "where.md")]) == 3
    assert "cannot be written" in capsys.readouterr().err


def test_the_json_document_of_hostile_data_is_one_document_with_the_data_as_it_is() -> None:
    value = json.loads(json.dumps(document(hostile())))
    assert value["findings"][0]["message"] == EVIL
    assert value["scope"]["base"]["rev"] == EVIL


def test_the_jobs_of_the_docs_are_yaml_with_options_that_there_are_and_give_a_fork_nothing() -> None:
    page = (Path(__file__).parent.parent.parent / "docs" / "audit-report.md").read_text()
    jobs = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    assert len(jobs) == 2
    assert "pull_request_target" not in page
    command = typer.main.get_command(build())
    known = {name for option in command.commands["audit-report"].params for name in option.opts}  # type: ignore[attr-defined]
    named = set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", " ".join(re.findall(r"arcgit audit-report( .*)", page))))
    assert {"--base", "--trust-root", "--format"} <= named <= known


def test_what_is_not_known_is_never_told_among_what_changed() -> None:
    nothing = Changes("exp/churn/run1/ba9876543210", (), (), (), unknown=("files of train", "files of train"))
    one = replace(entry(1), base=None, previous=nothing)
    shown = on_terminal(made(one, replace(one, label="churn/other"), *map(entry, range(9))), 80)
    words = " ".join(shown.split())
    assert "since the previous record: nothing known to have changed; not known: files of train" in words
    assert "files of train, files of train" not in shown


def test_what_is_wrong_with_one_thing_is_one_line_at_the_top_and_whole_below() -> None:
    """A tag that was moved is one event, though six checks notice it."""
    moved = tuple(
        error(code, "exp/churn/wide/0123456789ab", f"it is so: {code}", expected="this", found="that", hint=hint)
        for code, hint in (("commit-mismatch", ""), ("tag-name-mismatch", ""), ("tag-not-as-recorded", "git fetch it"))
    )
    text = on_terminal(made(entry(), findings=moved), 100)
    top = text.split("All findings")[0]
    assert top.count("exp/churn/wide") == 1
    assert "it is so: tag-not-as-recorded (also commit-mismatch, tag-name-mismatch)" in top
    assert "git fetch it" in top
    assert text.split("All findings")[1].count("expected this") == 3


def test_the_first_line_tells_what_is_wrong_here_from_what_is_wrong_elsewhere() -> None:
    found = entry()
    assert found.record is not None
    here = error("object-missing", f"{found.record['tag']}: model", "it is gone")
    place = error("lineage-broken", "whatever", "it is broken", place=Place(found.manifest, (), 3))
    elsewhere = error("commit-mismatch", "exp/churn/wide/0123456789ab", "another commit")
    first = on_terminal(made(found, findings=(here, place, elsewhere)), 100).splitlines()[0]
    assert first == "FAIL  3 errors: 2 about what changed here, 1 about the rest of the archive"
    assert on_terminal(made(found, findings=(here,)), 100).splitlines()[0] == "FAIL  1 error"


def test_a_new_model_with_the_old_metrics_is_asked_about() -> None:
    """Metrics that nobody measured again look like metrics that did not change."""
    model = FileChange("changed", "model", "model", "model.pkl")
    report = made(replace(entry(), base=Changes("exp/churn/deep/0123456789ab", (model,), (), ()), previous=None))
    assert "were they measured again?" in on_terminal(report, 100)
    assert "were they measured again?" in audit_markdown.render(report)
    same = made(replace(entry(), base=Changes("exp/churn/deep/0123456789ab", (), (), ()), previous=None))
    assert "were they measured again?" not in on_terminal(same, 100)


def test_markdown_shows_what_was_expected_and_what_was_found() -> None:
    report = made(entry(), findings=(error("tag-name-mismatch", "x", "another name", expected="exp/a", found="exp/b"),))
    assert "expected `exp/a`<br>found `exp/b`" in audit_markdown.render(report)


def test_metrics_that_did_not_change_are_told_all_the_same() -> None:
    found = entry()
    assert found.record is not None
    record = {**found.record, "metrics": {"m.json": {"auc": 0.91, "loss": 0.2, "f1": 0.8, "b": 1, "z": 2}}}
    report = made(replace(found, record=record, base=Changes("exp/churn/deep/0123456789ab", (), (), ()), previous=None))
    told = "the same: auc 0.91, b 1, f1 0.8, loss 0.2, and 1 more"
    assert told in on_terminal(report, 100)
    assert told.replace(": ", ": `", 1) + "`" in audit_markdown.render(report)


def test_the_words_for_how_a_fact_is_known_are_explained_once() -> None:
    report = made(entry(1), entry(2))
    for page in (on_terminal(report, 200), audit_markdown.render(report)):
        assert page.count("asserted by a person") == 1
    assert "asserted by a person" not in on_terminal(made(replace(entry(), record=None)), 200)
