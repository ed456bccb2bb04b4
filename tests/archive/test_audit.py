"""The audit report on real archives: what is new, what has no record, what may not be passed over."""

from __future__ import annotations

import json
import re
import shlex
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from arcgit.archive.context import open_context
from arcgit.archive.events.append import Exchange, append, subject_of
from arcgit.cli.app import run
from arcgit.cli.clock import now
from arcgit.cli.events import signer_of
from arcgit.resources import resource
from tests.attacks.test_data import change
from tests.attacks.test_ledger import chain, forget_pin, raw_commit, set_ledger, write_commit
from tests.world import MANIFEST, Person, World, dvc, git, invoke, next_experiment

SCHEMA = json.loads(resource("templates/schemas/audit-report-v1.schema.json").read_text())
NOW = datetime(2026, 11, 24, 12, tzinfo=timezone.utc)


def report(cwd: Path, *arguments: str, code: int | None = None) -> Any:
    """The JSON report, held to its published schema unless it is an error."""
    document = invoke(cwd, "audit-report", *arguments, code=code)
    if document["schema"] != "arcgit/error/v1":
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return document


def codes(document: Any) -> list[str]:
    return [finding["code"] for finding in document["findings"]]


def finding(document: Any, code: str) -> Any:
    return next(row for row in document["findings"] if row["code"] == code)


def start(world: World) -> None:
    """A branch where `main` is."""
    git(world.work, "push", "--quiet", "origin", "main")
    git(world.work, "checkout", "--quiet", "-b", "pr")


def branch(world: World) -> None:
    """A branch with another run of an experiment, committed and not recorded."""
    start(world)
    next_experiment(world.work, "deep", "lr: 1e-2\nepochs: 12\n")


def write_event(world: World, kind: str, wanted: str, data: dict[str, Any]) -> None:
    """A signed event about a record, by whoever the clone's signing key belongs to."""
    context = open_context(world.work, state_dir=world.state / "arcgit")
    append(
        context,
        signer_of(context),
        kind=kind,
        decide=lambda view: (subject_of(context, view, wanted), data),
        exchange=Exchange(),
        now=NOW,
    )


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_whole_archive_passes_with_every_record_and_its_signer(world: World) -> None:
    document = report(world.work, code=0)
    assert document["verdict"] == "pass"
    assert document["scope"]["base"] is None
    people = {row["experiment"]: (row["signer"]["name"], row["signer"]["person"]) for row in document["records"]}
    assert people == {
        "deep": ("Bob Byte", "bob"),
        "wide": ("Ada Lovelace", "ada"),
        "baseline": ("Ada Lovelace", "ada"),
    }
    assert [row["experiment"] for row in document["records"]] == ["deep", "wide", "baseline"]


def test_records_have_the_fields_of_show(world: World) -> None:
    shown = world.arcgit("show", world.tag("deep"))["record"]
    row = report(world.work)["records"][0]
    assert {key: row[key] for key in shown} == shown


def test_a_recorded_change_passes_and_says_what_changed_since_base_and_previous_record(world: World) -> None:
    branch(world)
    world.arcgit("record")
    document = report(world.work, "--base", "origin/main", code=0)
    (row,) = document["experiments"]
    assert (row["experiment"], row["change"]) == ("churn/deep", "changed")
    assert {change["key"] for change in row["since_base"]["params"]} == {"lr", "epochs"}
    assert row["since_previous"] == row["since_base"]
    assert [change["path"] for change in row["since_base"]["artifacts"]] == ["metrics.json", "model.pkl"]


def test_base_and_previous_record_may_be_two(world: World) -> None:
    branch(world)
    world.arcgit("record")
    next_experiment(world.work, "deep", "lr: 0.5\nepochs: 12\n")
    world.arcgit("record")
    (row,) = report(world.work, "--base", "origin/main", code=0)["experiments"]
    assert {change["key"] for change in row["since_base"]["params"]} == {"lr", "epochs"}
    assert [change["key"] for change in row["since_previous"]["params"]] == ["lr"]


def test_a_retired_record_is_not_the_previous_one_as_for_diff(world: World) -> None:
    branch(world)
    middle = world.arcgit("record")["tag"]
    next_experiment(world.work, "deep", "lr: 0.5\nepochs: 12\n")
    last = world.arcgit("record")["tag"]
    write_event(world, "retired", middle, {"reason": "leaked labels"})
    (row,) = report(world.work, "--base", "origin/main", code=0)["experiments"]
    assert row["since_previous"]["tag"] == world.arcgit("diff", last)["before"]["tag"] != middle


def test_the_files_of_changed_data_are_named(world: World) -> None:
    branch(world)
    (world.work / "data" / "raw.csv").write_text("\n".join(map(str, range(0, 160, 2))))
    dvc(world.work, "add", "--quiet", "data/raw.csv")
    next_experiment(world.work, "deep", "lr: 1e-3\nepochs: 9\n")
    world.arcgit("record")
    (row,) = report(world.work, "--base", "main", code=0)["experiments"]
    files = {change["path"]: change["files"] for change in row["since_base"]["artifacts"]}
    assert files["data/train"]["changed"] == ["0.csv", "1.csv", "2.csv"]


def test_a_change_without_a_record_fails_with_the_next_step_and_still_says_what_changed(world: World) -> None:
    branch(world)
    document = report(world.work, "--base", "origin/main", code=1)
    found = finding(document, "unrecorded-experiment")
    assert (found["severity"], found["subject"], found["path"]) == ("error", "churn/deep", "arcgit.yaml")
    assert found["hint"].startswith("arcgit record")
    assert document["records"] == []
    (row,) = document["experiments"]
    assert {change["key"] for change in row["since_base"]["params"]} == {"lr", "epochs"}
    assert "model.pkl" in {change["path"] for change in row["since_previous"]["artifacts"]}


def test_the_policy_may_weigh_a_missing_record_otherwise(world: World) -> None:
    path = world.work / ".arcgit" / "policy.yaml"
    text = path.read_text().replace("version: 1", "version: 2")
    path.write_text(text.replace("  {}\n", "  {unrecorded-experiment: warning}\n"))
    world.commit()
    world.arcgit("policy", "adopt")
    branch(world)
    document = report(world.work, "--base", "main", code=0)
    assert finding(document, "unrecorded-experiment")["severity"] == "warning"
    assert report(world.work, "--base", "main", "--fail-on", "warning", code=1)["verdict"] == "fail"


def test_an_old_experiment_without_a_record_is_a_warning_and_in_a_full_report_an_error(world: World) -> None:
    next_experiment(world.work, "deep", "lr: 7\nepochs: 7\n")
    git(world.work, "push", "--quiet", "--no-verify", "origin", "main")
    git(world.work, "checkout", "--quiet", "-b", "pr")
    (world.work / "notes.txt").write_text("nothing of an experiment")
    world.commit()
    document = report(world.work, "--base", "main", "--allow-empty", code=0)
    assert finding(document, "unrecorded-experiment")["severity"] == "warning"
    assert document["experiments"] == []
    assert finding(report(world.work, code=1), "unrecorded-experiment")["severity"] == "error"


def test_nothing_new_is_no_pass_unless_that_is_allowed(world: World) -> None:
    for base in ("HEAD", "main"):
        document = report(world.work, "--base", base, code=3)
        assert codes(document) == ["nothing-checked"]
    assert report(world.work, "--base", "HEAD", "--allow-empty", code=0)["verdict"] == "pass"


def test_an_empty_archive_is_no_pass_unless_that_is_allowed(world: World) -> None:
    git(world.work, "rm", "--quiet", "arcgit.yaml")
    world.commit()
    oids = chain(world.work)
    options = forget_pin(world)
    set_ledger(world.work, oids[1])
    for name in ("baseline", "wide", "deep"):
        git(world.work, "tag", "-d", world.tag(name))
    assert codes(report(world.work, *options, code=3)) == ["nothing-checked"]
    assert report(world.work, *options, "--allow-empty", code=0)["records"] == []


def test_a_base_that_is_no_commit_is_a_usage_error(world: World) -> None:
    for base in ("nowhere", "--all", "HEAD^{tree}", "$(id)", "\x1b]0;x\x07"):
        refused = report(world.work, f"--base={base}", code=2)
        assert refused["error"]["code"] == "rev-unknown"
        assert refused["error"]["hint"]


def test_a_branch_without_a_commit_cannot_be_reported_on(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "plain")
    assert report(tmp_path / "plain", code=3)["error"]["code"] == "rev-unknown"


def test_without_a_common_ancestor_everything_is_new_and_it_is_no_pass(world: World) -> None:
    git(world.work, "checkout", "--quiet", "--orphan", "other")
    world.commit()
    document = report(world.work, "--base", "main", code=3)
    assert codes(document) == ["merge-base-missing"]
    assert document["scope"]["base"]["merge_base"] is None
    assert [row["change"] for row in document["experiments"]] == ["new"]


def test_a_clone_without_notes_names_the_command_that_brings_them(world: World) -> None:
    clone = world.clone()
    document = report(clone, code=3)
    assert codes(document) == ["notes-missing", "split-overlap-unchecked"]
    assert {row["state"] for row in document["experiments"]} == {"not known"}
    assert [row["signer"] for row in document["records"]] == [None] * 3
    git(clone, *shlex.split(document["findings"][0]["hint"])[1:])
    assert report(clone, code=None)["scope"]["records_checked"] == 3


def test_a_clone_without_tags_does_not_call_the_experiment_unrecorded_for_sure(world: World) -> None:
    git(world.work, "push", "--quiet", "origin", "main")
    clone = world.clone("clone", "--no-tags")
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    document = report(clone, code=3)
    assert "tags-missing" in codes(document)
    assert finding(document, "unrecorded-experiment")["severity"] == "unknown"


def test_a_shallow_clone_is_no_pass(world: World) -> None:
    branch(world)
    world.arcgit("record")
    git(world.work, "push", "--quiet", "origin", "pr")
    git(world.root, "clone", "--quiet", "--depth", "1", "--branch", "pr", f"file://{world.hub}", "clone")
    clone = world.root / "clone"
    git(clone, "fetch", "--quiet", "--depth", "1", "origin", "main:refs/remotes/origin/main")
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    document = report(clone, "--base", "origin/main", code=3)
    assert {"merge-base-missing", "shallow-clone"} <= set(codes(document))
    assert finding(document, "merge-base-missing")["hint"] == "git fetch --unshallow --tags"


def test_an_archive_never_seen_needs_its_trust_root(world: World) -> None:
    options = forget_pin(world)
    document = report(world.work, code=3)
    assert codes(document) == ["trust-root-unknown"]
    assert report(world.work, *options, code=0)["findings"] == []


def test_a_deleted_manifest_is_told_and_its_record_stays(world: World) -> None:
    start(world)
    git(world.work, "rm", "--quiet", "arcgit.yaml")
    world.commit()
    (row,) = report(world.work, "--base", "main", code=0)["experiments"]
    assert (row["change"], row["manifest"], row["record"]) == ("deleted", None, world.tag("deep"))


def test_a_renamed_experiment_is_compared_with_what_it_was(world: World) -> None:
    document = report(world.work, "--base", "HEAD~1", code=0)
    (row,) = document["experiments"]
    assert (row["experiment"], row["change"], row["was"]) == ("churn/deep", "renamed", "churn/wide")
    assert row["since_base"]["tag"] == world.tag("wide")
    assert row["since_previous"] is None


def test_two_manifests_are_two_experiments(world: World) -> None:
    start(world)
    other = world.work / "other"
    other.mkdir()
    (other / "arcgit.yaml").write_text(MANIFEST.format(experiment="other"))
    world.commit()
    document = report(world.work, "--base", "main", code=1)
    assert [(row["experiment"], row["change"]) for row in document["experiments"]] == [("churn/other", "new")]
    assert document["scope"]["experiments_unchanged"] == 1
    assert document["scope"]["manifests"] == 2


def test_a_manifest_that_cannot_be_read_is_no_deletion(world: World) -> None:
    start(world)
    (world.work / "arcgit.yaml").write_text("a: &a [*a, *a]\n")
    world.commit()
    document = report(world.work, "--base", "main", code=1)
    assert document["experiments"] == []
    assert "yaml-unsafe" in codes(document)


def test_a_record_that_is_not_pushed_is_a_warning_here_and_missing_elsewhere(world: World) -> None:
    branch(world)
    world.arcgit("record", "--no-push")
    git(world.work, "push", "--quiet", "origin", "pr")
    document = report(world.work, "--base", "main", code=0)
    assert codes(document) == ["record-unpushed"]
    clone = world.clone("clone", "--branch", "pr")
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    assert finding(report(clone, "--base", "origin/main", code=1), "unrecorded-experiment")["severity"] == "error"


def test_a_mirror_says_nothing_of_a_remote_that_it_has_not_asked(world: World) -> None:
    """It has every ref under its own name, and none that tells what was fetched."""
    git(world.work, "push", "--quiet", "--no-verify", "origin", "main")
    mirror = world.clone("mirror.git", "--mirror")
    found = finding(report(mirror, code=0), "record-unpushed")
    assert "has never fetched the ledger of the remote" in found["message"]
    assert found["hint"] == "arcgit sync"
    invoke(mirror, "sync", "--trust-root", git(world.work, "rev-list", "--max-parents=0", "refs/notes/arcgit"))
    assert "record-unpushed" not in codes(report(mirror, code=0))


def test_a_change_of_the_policy_has_no_force_and_the_report_says_so(world: World, mallory: Person) -> None:
    """The change adds a signer and has a tag by that signer; neither counts."""
    branch(world)
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(
        path.read_text().replace("version: 1", "version: 2").replace("[recorder, reviewer]", "[admin, recorder]")
    )
    (world.work / ".arcgit" / "keys" / "mallory.pub").write_text(mallory.public())
    world.commit()
    document = report(world.work, "--base", "main", code=1)
    found = finding(document, "policy-not-adopted")
    assert found["severity"] == "warning"
    assert ".arcgit/keys/mallory.pub" in found["message"]
    assert document["scope"]["policy_version"] == 1


def test_a_policy_that_was_adopted_already_is_not_called_a_proposal(world: World) -> None:
    start(world)
    path = world.work / ".arcgit" / "policy.yaml"
    path.write_text(path.read_text().replace("version: 1", "version: 2").replace("P1Y", "P2Y"))
    world.commit()
    world.arcgit("policy", "adopt")
    assert codes(report(world.work, "--base", "main", "--allow-empty", code=0)) == []


def test_a_forged_tag_does_not_make_an_experiment_recorded(world: World, mallory: Person) -> None:
    branch(world)
    world.arcgit("record", "--no-push")
    tags = git(world.work, "for-each-ref", "--format=%(refname:strip=2)", "refs/tags/exp/churn/deep").split()
    new = next(tag for tag in tags if tag not in git(world.work, "ls-remote", "--tags", "origin"))
    message = git(world.work, "for-each-ref", "--format=%(contents:subject)%0a%0a%(contents:body)", f"refs/tags/{new}")
    git(world.work, "update-ref", "refs/notes/arcgit", "refs/notes/origin/arcgit")
    git(world.work, "tag", "-d", new)
    mallory.sign_as(world.work)
    git(world.work, "tag", "-s", "-m", message, new, "HEAD")
    document = report(world.work, "--base", "main", code=1)
    assert finding(document, "unrecorded-experiment")["severity"] == "error"
    assert "unrecorded-tag" in codes(document)
    whole = next(row for row in report(world.work, code=1)["records"] if row["tag"] == new)
    assert (whole["status"], whole["signer"]) == ("unrecorded", None)


def test_every_error_has_a_next_step(world: World, mallory: Person) -> None:
    """Also a finding for which there is no command: it is explained."""
    tag = world.tag("baseline")
    mallory.sign_as(world.work)
    git(world.work, "tag", "--force", "--annotate", "-m", "no record", tag, f"{tag}^{{commit}}")
    document = report(world.work, code=1)
    assert all(row["hint"] for row in document["findings"] if row["severity"] != "warning")
    assert finding(document, "signature-missing")["hint"] == "arcgit explain signature-missing"


def test_the_first_record_of_a_whole_report_is_one_that_is_wrong(world: World) -> None:
    """The one that was recorded first stands last otherwise."""
    oldest, lock = world.tag("baseline"), yaml.safe_load(git(world.work, "show", f"{world.tag('baseline')}:dvc.lock"))
    md5 = next(out["md5"] for out in lock["stages"]["train"]["outs"] if out["path"] == "model.pkl")
    assert report(world.work)["experiments"][-1]["record"] == oldest
    (world.store / "files" / "md5" / md5[:2] / md5[2:]).unlink()
    document = report(world.work, "--level", "presence", code=1)
    tags = [row["record"] for row in document["experiments"]]
    assert tags == [oldest, *(world.tag(name) for name in ("deep", "wide"))]


def test_a_tag_made_anew_with_the_same_record_is_not_the_one_that_was_recorded(world: World, mallory: Person) -> None:
    tag = world.tag("deep")
    message = git(world.work, "for-each-ref", "--format=%(contents:subject)%0a%0a%(contents:body)", f"refs/tags/{tag}")
    mallory.sign_as(world.work)
    git(world.work, "tag", "-f", "-s", "-m", message, tag, "HEAD")
    document = report(world.work, "--base", "HEAD~1", code=1)
    assert "tag-not-as-recorded" in codes(document)
    assert [(row["state"], row["record"]) for row in document["experiments"]] == [("not known", None)]


def test_behind_a_broken_event_nothing_is_called_unrecorded(world: World) -> None:
    """Bob's event is edited, so what it recorded is not known any more; what came before stays as it is."""
    raw = raw_commit(world.work, chain(world.work)[-1]).replace(b"recorded by bob", b"recorded by b0b")
    raw = raw.replace(b'"actor":"bob"', b'"actor":"ada"')
    set_ledger(world.work, write_commit(world.work, raw))
    document = report(world.work, *forget_pin(world), code=1)
    states = {row["experiment"]: row["state"] for row in document["experiments"]}
    assert states == {"churn/deep": "not known", "churn/wide": "recorded", "churn/baseline": "recorded"}
    assert finding(document, "unrecorded-experiment")["severity"] == "unknown"


def test_a_tampered_record_elsewhere_fails_the_report_of_a_change_too(world: World) -> None:
    branch(world)
    world.arcgit("record")
    git(world.work, "tag", "-f", "-s", "-m", "other", world.tag("baseline"), "HEAD")
    document = report(world.work, "--base", "main", code=1)
    assert "tag-not-as-recorded" in codes(document)
    assert [row["experiment"] for row in document["experiments"]] == ["churn/deep"]


def test_a_moved_tag_of_the_experiment_has_no_signer(world: World) -> None:
    tag, other = world.tag("deep"), world.tag("wide")
    git(world.work, "update-ref", f"refs/tags/{tag}", f"refs/tags/{other}")
    document = report(world.work, code=1)
    row = next(row for row in document["records"] if row["tag"] == tag)
    assert (row["status"], row["signer"]) == ("altered", None)


def test_a_record_amended_since_says_both(world: World) -> None:
    world.arcgit("amend", world.tag("deep"), "--retention", "permanent", "-m", "asked for")
    document = report(world.work, code=1)
    assert codes(document) == ["record-differs"]
    row = next(row for row in document["records"] if row["experiment"] == "deep")
    fact = next(fact for fact in row["evidence"] if fact["topic"] == "retention")
    assert fact["detail"] == "permanent (amended since; sealed as: standard)"


def test_a_retired_record_is_no_record_of_what_head_has(world: World) -> None:
    write_event(world, "retired", "deep", {"reason": "leaked labels"})
    document = report(world.work, code=1)
    assert "was retired" in finding(document, "unrecorded-experiment")["message"]
    assert "retired" in {row["status"] for row in document["records"]}


def test_holds_and_reviews_are_shown_as_they_stand(world: World) -> None:
    write_event(world, "held", "deep", {"hold": "case-1", "reason": "asked for by the court"})
    write_event(world, "held", "deep", {"hold": "case-2", "reason": "the same"})
    write_event(world, "released", "deep", {"hold": "case-2"})
    write_event(world, "reviewed", "deep", {"outcome": "rejected"})
    row = next(row for row in report(world.work, code=0)["records"] if row["experiment"] == "deep")
    told = {fact["topic"]: (fact["state"], fact["detail"]) for fact in row["evidence"]}
    assert row["status"] == "held"
    assert told["hold"] == ("recorded", "case-1 by ada: asked for by the court")
    assert told["review"] == ("recorded", "rejected by ada")
    assert told["evaluation"] == ("not recorded", "")


def test_waivers_in_force_and_expired_are_told(world: World) -> None:
    start(world)
    day = (now() + timedelta(days=30)).date().isoformat()
    rows = [("environment-missing", day), ("metrics-missing", "2026-01-31")]
    lines = [f"  - {{code: {code}, reason: later, owner: Ada, expires: {until}}}" for code, until in rows]
    path = world.work / "arcgit.yaml"
    text = re.sub(r"  environment: .*\n", "", path.read_text())
    path.write_text(text + "waivers:\n" + "\n".join(lines) + "\n")
    world.commit()
    document = report(world.work, "--base", "main", code=1)
    assert [waiver["code"] for waiver in document["scope"]["waivers"]] == ["environment-missing"]
    assert finding(document, "environment-missing")["severity"] == "warning"
    assert finding(document, "waiver-expired")["severity"] == "warning"


def test_overlap_of_splits_is_computed_from_the_sealed_lists(world: World) -> None:
    row = report(world.work)["records"][0]
    assert row["splits"] == {"names": ["test", "train"], "shared": [], "unread": []}
    git(world.work, "update-ref", "-d", "refs/arcgit/fixity")
    git(world.work, "update-ref", "-d", "refs/arcgit/remotes/origin/fixity")
    assert report(world.work)["records"][0]["splits"]["unread"] == ["test", "train"]


def test_a_deeper_level_looks_at_the_data_of_the_report_alone(world: World) -> None:
    branch(world)
    world.arcgit("record")
    path = world.object_path("model.pkl")
    change(path, b"x" * path.stat().st_size)
    assert report(world.work, "--base", "main", code=0)["scope"]["level"] == "signatures"
    document = report(world.work, "--base", "main", "--level", "fixity", code=1)
    assert "object-corrupt" in codes(document)
    evidence = {fact["topic"]: fact["state"] for fact in document["records"][0]["evidence"]}
    assert evidence["data bytes"] == "not checked"
    path.unlink()
    assert "object-missing" in codes(report(world.work, "--base", "main", "--level", "presence", code=1))
    git(world.work, "checkout", "--quiet", "main")
    assert report(world.work, "--base", "HEAD~1", "--level", "fixity", code=0)["scope"]["bytes_read"] > 0


@pytest.mark.parametrize(("fail_on", "code"), [("error", 3), ("unknown", 1), ("warning", 1)])
def test_fail_on_makes_a_verdict_harder_and_never_milder(world: World, fail_on: str, code: int) -> None:
    document = report(world.work, "--base", "HEAD", "--fail-on", fail_on, code=code)
    assert document["verdict"] == ("cannot-verify" if code == 3 else "fail")


def test_the_report_writes_nothing_into_the_repository(world: World) -> None:
    before = (
        git(world.work, "for-each-ref"),
        git(world.work, "count-objects", "-v"),
        git(world.work, "status", "--short"),
    )
    report(world.work, "--base", "HEAD~1")
    after = (
        git(world.work, "for-each-ref"),
        git(world.work, "count-objects", "-v"),
        git(world.work, "status", "--short"),
    )
    assert after == before


def test_the_same_from_a_bare_repository(world: World) -> None:
    git(world.work, "push", "--quiet", "origin", "main")
    assert report(world.hub, "--base", "main~1", code=0)["experiments"][0]["experiment"] == "churn/deep"


def test_a_review_counts_as_the_policy_says_and_the_recorders_own_never(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.arcgit("review", world.tag("deep"), "--approve", "-m", "Looked at.")
    write_event(world, "reviewed", "wide", {"outcome": "approved"})
    capsys.readouterr()
    assert run(["-C", str(world.work), "audit-report"]) == 0
    lines = capsys.readouterr().out.splitlines()
    signed = {line.split()[0]: after for line, after in pairwise(lines) if "; review" in after}
    assert signed["churn/deep"].endswith("; review approved by ada")
    assert signed["churn/wide"].endswith("; review not recorded, 1 person must approve")


@pytest.mark.parametrize("how", ["deleted", "lightweight", "a blob", "not there"])
def test_a_record_whose_tag_cannot_be_read_is_counted_all_the_same(
    world: World, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads how many there are must not take those that are left for all of them."""
    ref = f"refs/tags/{world.tag('deep')}"
    if how == "deleted":
        git(world.work, "update-ref", "-d", ref)
    elif how == "lightweight":
        git(world.work, "update-ref", ref, "HEAD")
    elif how == "a blob":
        git(world.work, "update-ref", ref, git(world.work, "hash-object", "-w", "arcgit.yaml").strip())
    else:
        (world.work / ".git" / ref).write_text(f"{'1' * 40}\n")
    document = report(world.work, code=1 if how != "not there" else None)
    assert (document["scope"]["records_unread"], document["scope"]["records_reported"]) == (1, 2)
    capsys.readouterr()
    run(["-C", str(world.work), "audit-report"])
    told = "The whole archive: 2 recorded, 1 not known; the ledger has 1 more record, whose tag cannot be read here\n"
    assert told in capsys.readouterr().out


def test_of_a_whole_archive_no_record_is_unread(world: World) -> None:
    assert report(world.work)["scope"]["records_unread"] == 0
    assert "records_unread" not in report(world.work, "--base", "HEAD", "--allow-empty")["scope"]
