"""Waivers: what is waived is shown with its reason, and nothing is waived for ever, by accident or for safety."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from arcgit.archive.policy import policyfile
from arcgit.cli.app import run
from arcgit.model import policy as policies
from arcgit.model.experiment import Experiment
from arcgit.model.finding import Finding, error, unknown, warning
from arcgit.model.manifest import SCHEMA, WAIVABLE, Manifest, Waiver
from arcgit.rules.waivers import covers, has_ended
from tests.world import World, git, invoke

TODAY = date.today()  # noqa: DTZ011  the program is run for real, so its day is today's
SOON = TODAY + timedelta(days=30)


def waive(world: World, *rows: dict[str, Any]) -> None:
    """Write waivers into the manifest."""
    path = world.work / "arcgit.yaml"
    lines = ["waivers:"]
    for row in rows:
        full = {"reason": "Found in review.", "owner": "Ada Lovelace <ada@example.org>", "expires": SOON, **row}
        body = ", ".join(
            f'{key}: "{value}"' if key != "expires" else f"expires: {value}" for key, value in full.items()
        )
        lines.append(f"  - {{{body}}}")
    path.write_text(path.read_text() + "\n".join(lines) + "\n")


def drop(world: World, word: str) -> None:
    path = world.work / "arcgit.yaml"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if word not in line) + "\n")


def check(world: World, *arguments: str, code: int) -> dict[str, str]:
    """Severity by code of what a check finds."""
    world.last = invoke(world.work, "check", *arguments, code=code)
    return {finding["code"]: finding["severity"] for finding in world.last["findings"]}


def test_a_waived_finding_is_a_warning_that_says_who_until_when_and_why(world: World) -> None:
    drop(world, "role: environment")
    assert check(world, code=1) == {"environment-missing": "error"}
    waive(world, {"code": "environment-missing"})
    assert check(world, code=0) == {"environment-missing": "warning"}
    message = world.last["findings"][0]["message"]
    assert message.endswith(f"(waived by Ada Lovelace <ada@example.org> until {SOON}: Found in review.)")
    assert world.last["scope"]["waivers"] == [
        {
            "manifest": "arcgit.yaml",
            "code": "environment-missing",
            "subject": "",
            "owner": "Ada Lovelace <ada@example.org>",
            "expires": SOON.isoformat(),
            "reason": "Found in review.",
        }
    ]


def test_the_commit_hook_lets_a_waived_finding_pass_and_refuses_it_when_the_waiver_has_ended(world: World) -> None:
    drop(world, "role: environment")
    before = (world.work / "arcgit.yaml").read_text()
    waive(world, {"code": "environment-missing", "expires": TODAY - timedelta(days=2)})
    git(world.work, "commit", "--quiet", "-am", "ended", code=1)
    (world.work / "arcgit.yaml").write_text(before)
    waive(world, {"code": "environment-missing"})
    git(world.work, "commit", "--quiet", "-am", "waived")


def test_the_text_lists_the_waivers_in_force(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    drop(world, "role: environment")
    waive(world, {"code": "environment-missing", "reason": "a\\u202eb"})
    assert run(["-C", str(world.work), "check"]) == 0
    shown = capsys.readouterr().out
    assert f"  waiver  environment-missing waived by Ada Lovelace <ada@example.org> until {SOON}: a" in shown
    assert "\u202e" not in shown


def test_a_waiver_counts_on_its_last_day_and_not_a_day_longer(world: World) -> None:
    drop(world, "role: environment")
    before = (world.work / "arcgit.yaml").read_text()
    waive(world, {"code": "environment-missing", "expires": TODAY + timedelta(days=1)})
    assert check(world, code=0) == {"environment-missing": "warning"}
    (world.work / "arcgit.yaml").write_text(before)
    waive(world, {"code": "environment-missing", "expires": TODAY - timedelta(days=1)})
    assert check(world, code=1) == {"environment-missing": "error", "waiver-expired": "warning"}
    assert world.last["scope"]["waivers"] == []


def test_a_waiver_that_matches_nothing_is_named_with_its_line(world: World) -> None:
    waive(world, {"code": "environment-missing"}, {"code": "split-overlap", "subject": "test"})
    assert check(world, code=0) == {"waiver-unused": "warning"}
    lines = (world.work / "arcgit.yaml").read_text().splitlines()
    for finding in world.last["findings"]:
        assert "code: " in lines[finding["line"] - 1]


UNWAIVABLE: dict[str, Callable[[World], object]] = {
    "owner-missing": lambda world: drop(world, "owner:"),
    "retention-class-unknown": lambda world: drop(world, "retention:"),
    "artifact-untracked": lambda world: _replace(world, "path: requirements.txt", "path: missing.txt"),
    "artifact-missing": lambda world: (world.work / "dvc.lock").unlink(),
    "path-unsafe": lambda world: _replace(world, "path: requirements.txt", "path: ../x"),
    "manifest-invalid": lambda world: _replace(world, "role: code", "role: script"),
    "yaml-unsafe": lambda world: (world.work / "dvc.yaml").write_text("stages: ["),
}


def _replace(world: World, old: str, new: str) -> None:
    path = world.work / "arcgit.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize("code", UNWAIVABLE)
def test_what_is_unsafe_or_leaves_nothing_to_seal_cannot_be_waived(world: World, code: str) -> None:
    UNWAIVABLE[code](world)
    waive(world, {"code": code})
    found = check(world, code=1)
    assert found[code] == "error"
    assert code not in WAIVABLE
    if code not in {"path-unsafe", "manifest-invalid"}:
        assert found["waiver-invalid"] == "error"


@pytest.mark.parametrize("code", ["signature-bad", "nonsense", "notes-missing", "waiver-expired", "*"])
def test_a_waiver_of_something_else_than_a_finding_of_the_manifest_is_refused(world: World, code: str) -> None:
    waive(world, {"code": code})
    assert check(world, code=1) == {"waiver-invalid": "error"}


def test_a_waiver_may_not_end_more_than_a_year_ahead(world: World) -> None:
    drop(world, "role: environment")
    before = (world.work / "arcgit.yaml").read_text()
    waive(world, {"code": "environment-missing", "expires": TODAY + timedelta(days=368)})
    assert check(world, code=1) == {"environment-missing": "error", "waiver-invalid": "error"}
    (world.work / "arcgit.yaml").write_text(before)
    waive(world, {"code": "environment-missing", "expires": TODAY + timedelta(days=365)})
    assert check(world, code=0) == {"environment-missing": "warning"}


@pytest.mark.parametrize(("days", "code"), [(0, 1), (10, 1), (60, 0)])
def test_the_policy_says_how_far_ahead_a_waiver_may_end(world: World, days: int, code: int) -> None:
    """Judged by the proposal, in a clone without a ledger: its missing is the only other finding."""
    clone = world.clone()
    policy = clone / ".arcgit" / "policy.yaml"
    policy.write_text(f"{policy.read_text()}waivers: {{max_days: {days}}}\n")
    path = clone / "arcgit.yaml"
    row = f"{{code: environment-missing, reason: r, owner: o, expires: {SOON}}}"
    kept = [line for line in path.read_text().splitlines() if "role: environment" not in line]
    path.write_text("\n".join([*kept, f"waivers: [{row}]"]) + "\n")
    document = invoke(clone, "check", code=3 if code == 0 else 1)
    found = {finding["code"]: finding["severity"] for finding in document["findings"]}
    assert found["environment-missing"] == ("error" if code else "warning")
    assert ("waiver-invalid" in found) is bool(code)


@pytest.mark.parametrize(
    "row",
    [
        {"reason": " "},
        {"owner": ""},
        {"expires": "soon"},
        {"expires": "2026-05-01T10:00:00"},
        {"expires": "20260501"},
        {"severity": "off"},
    ],
    ids=str,
)
def test_a_waiver_of_another_form_is_refused(world: World, row: dict[str, Any]) -> None:
    waive(world, {"code": "environment-missing", **row})
    assert check(world, code=1) == {"manifest-invalid": "error"}


@pytest.mark.parametrize("missing", ["reason", "owner", "expires", "code"])
def test_a_waiver_without_reason_owner_day_or_code_is_refused(world: World, missing: str) -> None:
    row = {"code": "environment-missing", "reason": "r", "owner": "o", "expires": str(SOON)}
    del row[missing]
    path = world.work / "arcgit.yaml"
    path.write_text(f"{path.read_text()}waivers: [{{{', '.join(f'{k}: {v}' for k, v in row.items())}}}]\n")
    assert check(world, code=1) == {"manifest-invalid": "error"}


def test_a_secret_is_waived_by_its_exact_place_only(world: World) -> None:
    secret = "AK" + "IA" + "ABCDEFGHIJKLMNOP"
    (world.work / "params.yaml").write_text(f"lr: 1e-3\nepochs: 9\naws: {secret}\nother: {secret}\n")
    before = (world.work / "arcgit.yaml").read_text()
    for subject in (None, "params.yaml", "aws", "params.yaml: a"):
        (world.work / "arcgit.yaml").write_text(before)
        waive(world, {"code": "secret-found", **({"subject": subject} if subject else {})})
        assert check(world, code=1)["secret-found"] == "error", subject
    (world.work / "arcgit.yaml").write_text(before)
    waive(world, {"code": "secret-found", "subject": "params.yaml: aws"})
    check(world, code=1)
    severities = {f["subject"]: f["severity"] for f in world.last["findings"] if f["code"] == "secret-found"}
    assert severities == {"params.yaml: aws": "warning", "params.yaml: other": "error"}
    assert secret not in str(world.last)


@pytest.mark.parametrize("subject", ["train-code", "src/train.py", "arcgit.yaml: train-code"])
def test_a_subject_is_a_name_a_path_or_a_place(world: World, subject: str) -> None:
    for name in ("dvc.yaml", "dvc.lock"):
        (world.work / name).unlink()
    _replace(world, "train-code: {role: code, path: src/train.py}", "train-code: {role: dataset, path: src/train.py}")
    waive(world, {"code": "dataset-version-missing", "subject": subject})
    check(world, code=1)
    severities = {f["subject"]: f["severity"] for f in world.last["findings"] if f["code"] == "dataset-version-missing"}
    assert severities["arcgit.yaml: train-code"] == "warning"


def test_another_artifact_than_the_waived_one_still_counts(world: World) -> None:
    _replace(world, "train-code: {role: code,", "train-code: {role: dataset,")
    waive(world, {"code": "dataset-version-missing", "subject": "test"})
    found = check(world, code=1)
    assert found["dataset-version-missing"] == "error"
    assert found["waiver-unused"] == "warning"


def test_what_could_not_be_checked_is_never_waived(world: World) -> None:
    _replace(world, "schema: arcgit/manifest/v1", "schema: arcgit/manifest/v9")
    waive(world, {"code": "manifest-invalid"})
    assert check(world, code=3) == {"manifest-invalid": "unknown"}


@pytest.mark.parametrize(("make", "covered"), [(error, True), (warning, True), (unknown, False)])
def test_a_waiver_covers_what_was_found_and_not_what_is_unknown(make: Callable[..., Finding], covered: bool) -> None:  # noqa: FBT001
    empty = Manifest(schema=SCHEMA, project="churn", experiment="baseline")
    found = Experiment("arcgit.yaml", "0" * 64, empty, artifacts={}, params={}, metrics={}, lineage={})
    waiver = Waiver(code="lineage-broken", reason="r", owner="o", expires=SOON)
    assert covers(found, waiver, make("lineage-broken", "arcgit.yaml", "m")) is covered


def test_the_record_seals_the_waivers_that_counted_and_show_prints_them(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    _replace(world, "experiment: deep", "experiment: waived")
    drop(world, "role: environment")
    waive(
        world,
        {"code": "environment-missing", "reason": "The image is built elsewhere."},
        {"code": "lineage-broken", "reason": "Idle."},
    )
    world.commit()
    made = world.arcgit("record")
    shown = world.arcgit("show", made["run_id"])["record"]
    assert shown["waivers"] == [
        {
            "code": "environment-missing",
            "reason": "The image is built elsewhere.",
            "owner": "Ada Lovelace <ada@example.org>",
            "expires": SOON.isoformat(),
        }
    ]
    assert "waivers" in shown["known"]["asserted"]
    assert world.verify(code=0) == []
    assert run(["-C", str(world.work), "show", made["run_id"]]) == 0
    assert f"environment-missing waived by Ada Lovelace <ada@example.org> until {SOON}" in capsys.readouterr().out


def test_a_record_without_waivers_says_nothing_of_them(world: World) -> None:
    body = git(world.work, "cat-file", "tag", world.tag("baseline"))
    assert "waiver" not in body
    assert world.arcgit("show", "baseline")["record"]["waivers"] == []


def test_the_rule_on_waivers_is_left_out_of_a_policy_that_has_none() -> None:
    person = policies.Person(name="Ada", email="ada@example.org", roles=policies.ALL_ROLES, keys=())
    plain = policies.Policy(schema=policies.SCHEMA, archive="a", version=1, project="churn", people={"ada": person})
    assert "waivers" not in policies.serialise(plain)
    assert "waivers" not in policyfile.render(plain)


@pytest.mark.parametrize("days", [-1, 36_601, 10**30])
def test_a_policy_with_a_nonsensical_rule_on_waivers_is_refused(world: World, days: int) -> None:
    text = (world.work / ".arcgit" / "policy.yaml").read_text() + f"waivers: {{max_days: {days}}}\n"
    keys = [path.read_text() for path in sorted((world.work / ".arcgit" / "keys").iterdir())]
    with pytest.raises(Exception, match=r"waivers|max_days|out of range"):
        policyfile.parse_proposal(text.encode(), keys)


@pytest.mark.parametrize("severity", ["off", "warning"])
def test_no_policy_makes_less_of_what_is_unsafe(world: World, severity: str) -> None:
    clone = world.clone()
    policy = clone / ".arcgit" / "policy.yaml"
    rule = f"{{yaml-unsafe: {severity}, metrics-missing: {severity}}}"
    policy.write_text(policy.read_text().replace("  {}\n", f"  {rule}\n"))
    assert rule in policy.read_text()
    (clone / "dvc.yaml").write_text("stages: [")
    found = {f["code"]: f["severity"] for f in invoke(clone, "check", code=1)["findings"]}
    assert found["yaml-unsafe"] == "error"


@pytest.fixture
def outlived(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """The tag of a record sealed a hundred days ago, under a waiver that ended eighty days ago."""
    then = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=timezone.utc) - timedelta(days=100)
    _replace(world, "experiment: deep", "experiment: waived")
    drop(world, "role: environment")
    waive(world, {"code": "environment-missing", "expires": then.date() + timedelta(days=20)})
    world.commit()
    monkeypatch.setattr("arcgit.cli.archive_commands.now", lambda: then)
    return str(world.arcgit("record")["tag"])


def test_a_waiver_that_ended_since_it_was_sealed_is_marked_wherever_the_record_is_judged_or_shown(
    world: World, outlived: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is a warning: the record is what was sealed, and somebody answered for it then."""
    record = world.arcgit("show", outlived)["record"]
    assert [(row["code"], row["expired"]) for row in record["waivers"]] == [("environment-missing", True)]
    for asked in (["verify"], ["audit-report"], ["audit-report", "--base", "HEAD~1"]):
        document = invoke(world.work, *asked, code=0 if asked == ["verify"] else 1)
        found = [row for row in document["findings"] if row["subject"] == outlived]
        assert [(row["code"], row["severity"]) for row in found] == [("waiver-expired", "warning")], asked
        assert "environment-missing" in found[0]["message"]
        assert "arcgit retire" in found[0]["hint"]
    assert [row["code"] for row in record["findings"]] == ["waiver-expired"]
    ended = str(TODAY - timedelta(days=80))
    for asked in (["show", outlived], ["audit-report"], ["audit-report", "--format", "md"]):
        run(["-C", str(world.work), *asked])
        text = capsys.readouterr().out.replace("`", "")
        assert f"until {ended} (ended)" in text, asked
        assert text.count("(ended)") == 1


def test_a_waiver_of_a_record_that_is_no_longer_in_use_warns_nobody(world: World, outlived: str) -> None:
    world.arcgit("retire", outlived, "--superseded-by", "wide", "-m", "Sealed with its environment.")
    # It was sealed in another year, and the events that came before it were not.
    assert world.verify(code=0) == ["time-backwards"]
    assert world.arcgit("show", outlived)["record"]["findings"] == []
    assert outlived not in {row["subject"] for row in world.arcgit("audit-report", code=1)["findings"]}


@pytest.mark.parametrize(
    ("text", "over"), [("2026-01-02", False), ("2026-01-01", True), ("2026-02-30", True), ("never", True), ("", True)]
)
def test_the_last_day_still_counts_and_what_is_no_day_is_over(text: str, over: object) -> None:
    assert has_ended(text, date(2026, 1, 2)) is over
