"""Attacks on tags: what stock git lets anybody with push access do, and what verify must answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from arcgit.cli.app import run
from tests.world import Person, World, dvc, git, invoke, propose


def write_tag(work: Path, raw: bytes, refname: str) -> None:
    """Put raw bytes under a ref as a tag object, past what git itself would refuse to write."""
    command = ["git", "hash-object", "-t", "tag", "-w", "--stdin", "--literally"]
    done = subprocess.run(command, cwd=work, input=raw, capture_output=True, check=True)
    (work / ".git" / refname).parent.mkdir(parents=True, exist_ok=True)
    (work / ".git" / refname).write_bytes(done.stdout)


def raw_tag(work: Path, tag: str) -> bytes:
    return subprocess.run(["git", "cat-file", "tag", tag], cwd=work, capture_output=True, check=True).stdout


def test_the_untouched_archive_passes(world: World) -> None:
    assert world.verify(code=0) == []
    assert world.last["verdict"] == "pass"
    assert world.last["scope"]["records_checked"] == 3


def test_a_tag_object_put_under_another_name_fails(world: World) -> None:
    other = world.tag("baseline").replace("baseline", "copied")
    git(world.work, "update-ref", f"refs/tags/{other}", f"refs/tags/{world.tag('baseline')}")
    codes = world.verify(code=1)
    assert "tag-name-mismatch" in codes
    assert "unrecorded-tag" in codes


def test_a_tag_moved_and_signed_again_by_the_same_person_fails(world: World, ada: Person) -> None:
    tag = world.tag("baseline")
    message = git(world.work, "for-each-ref", "--format=%(contents:subject)", f"refs/tags/{tag}")
    git(world.work, "tag", "-f", "-s", "-m", message, tag, "HEAD")
    assert "tag-not-as-recorded" in world.verify(code=1)


def test_a_deleted_tag_is_missed(world: World) -> None:
    tag = world.tag("wide")
    git(world.work, "update-ref", "-d", f"refs/tags/{tag}")
    assert world.verify(code=1) == ["recorded-tag-missing"]
    assert world.last["findings"][0]["subject"] == tag


def test_a_tag_deleted_and_made_again_with_the_same_bytes_passes(world: World) -> None:
    tag = world.tag("wide")
    oid = git(world.work, "rev-parse", f"refs/tags/{tag}")
    git(world.work, "update-ref", "-d", f"refs/tags/{tag}")
    git(world.work, "update-ref", f"refs/tags/{tag}", oid)
    assert world.verify(code=0) == []


def test_all_tags_deleted_in_a_full_clone_is_a_failure_not_a_gap(world: World) -> None:
    for name in ("baseline", "wide", "deep"):
        git(world.work, "update-ref", "-d", f"refs/tags/{world.tag(name)}")
    assert world.verify(code=1)[:3] == ["recorded-tag-missing"] * 3


@pytest.mark.parametrize("kind", ["lightweight", "tree", "blob", "nested"])
def test_a_ref_that_is_no_tag_of_a_commit_fails(world: World, kind: str) -> None:
    refname = "refs/tags/exp/churn/odd/0123456789ab"
    if kind == "nested":
        target = git(world.work, "rev-parse", f"refs/tags/{world.tag()}")
        raw = raw_tag(world.work, world.tag()).split(b"\n", 4)
        body = (
            b"object " + target.encode() + b"\ntype tag\n" + b"tag exp/churn/odd/0123456789ab\n" + b"\n".join(raw[3:])
        )
        write_tag(world.work, body, refname)
    else:
        rev = {"lightweight": "HEAD", "tree": "HEAD^{tree}", "blob": "HEAD:dvc.yaml"}[kind]
        git(world.work, "update-ref", refname, git(world.work, "rev-parse", rev))
    assert "tag-type" in world.verify(code=1)


MALFORMED = {
    "text behind the signature": lambda raw: raw + b"and this too\n",
    "a second signature block": lambda raw: raw + raw[raw.index(b"-----BEGIN") :],
    "an armor comment": lambda raw: raw.replace(b"SIGNATURE-----\n\n", b"SIGNATURE-----\nComment: hello\n\n", 1),
    "a NUL in the message": lambda raw: raw.replace(b"\n\nchurn/", b"\n\n\0churn/", 1),
    "carriage returns": lambda raw: raw.replace(b"\n", b"\r\n"),
    "an extra header": lambda raw: raw.replace(b"\ntagger ", b"\nencoding latin-1\ntagger ", 1),
    "a header twice": lambda raw: raw.replace(b"\ntype commit\n", b"\ntype commit\ntype commit\n", 1),
    "no signature": lambda raw: raw[: raw.index(b"-----BEGIN")],
    "no newline at the end": lambda raw: raw[:-1],
}


@pytest.mark.parametrize("how", MALFORMED)
def test_a_tag_object_in_any_other_form_fails(world: World, how: str) -> None:
    tag = world.tag("baseline")
    write_tag(world.work, MALFORMED[how](raw_tag(world.work, tag)), f"refs/tags/{tag}")
    codes = world.verify(code=1)
    assert "tag-not-as-recorded" in codes
    assert {"tag-not-canonical", "signature-missing", "signature-bad"} & set(codes)


def test_the_readable_part_must_say_what_the_record_says(world: World) -> None:
    tag = world.tag("baseline")
    write_tag(world.work, raw_tag(world.work, tag).replace(b"owner: Ada", b"owner: Eve", 1), f"refs/tags/{tag}")
    assert {"tag-not-canonical", "signature-bad"} <= set(world.verify(code=1))


def test_a_replaced_manifest_or_commit_does_not_change_the_verdict(world: World) -> None:
    blob = git(world.work, "hash-object", "-w", "--stdin", stdin="schema: other\n")
    git(world.work, "replace", git(world.work, "rev-parse", "HEAD:arcgit.yaml"), blob)
    git(world.work, "replace", git(world.work, "rev-parse", "HEAD"), git(world.work, "rev-parse", "HEAD~1"))
    assert world.verify(code=0) == ["replace-refs-present"]


@pytest.mark.parametrize(
    "name", ["exp/notes", "exp/churn/baseline/extra", "exp/churn/x/0123456789ab.1", "exp/A/b/0123456789ab"]
)
def test_other_tags_below_exp_are_named_and_left_alone(world: World, name: str) -> None:
    git(world.work, "tag", name)
    assert world.verify(code=0) == ["foreign-tag"]


def test_a_ref_that_looks_like_an_option_is_only_a_name(world: World) -> None:
    git(world.work, "update-ref", "refs/tags/exp/--upload-pack=x", "HEAD")
    assert world.verify(code=0) == ["foreign-tag"]


def test_a_tag_signed_by_a_stranger_fails_even_if_git_trusts_the_key(world: World, mallory: Person) -> None:
    tag = "exp/churn/baseline/0123456789ab"
    mallory.sign_as(world.work)
    git(world.work, "tag", "-s", "-m", "churn/baseline 0123456789ab", tag)
    codes = world.verify(code=1)
    assert "signer-unknown" in codes
    assert "unrecorded-tag" in codes


def test_a_record_of_another_archive_is_refused(world: World, tmp_path: Path, ada: Person, bob: Person) -> None:
    """The other archive is a twin: same people, same keys, same names, another archive id."""
    twin = tmp_path / "twin"
    git(tmp_path, "clone", "--quiet", "--no-tags", str(world.hub), str(twin))
    git(twin, "remote", "remove", "origin")
    ada.sign_as(twin)
    propose(twin, ada, bob)
    policy = twin / ".arcgit" / "policy.yaml"
    policy.write_text(policy.read_text().replace("0b5a5e8e", "ffffffff"))
    invoke(twin, "init", "--new-archive")
    dvc(twin, "remote", "add", "-q", "-f", "--local", "storage", str(world.store))
    record = invoke(twin, "record")
    git(world.work, "fetch", "--quiet", "--no-tags", str(twin), f"+refs/tags/{record['tag']}:refs/tags/{record['tag']}")
    assert "wrong-archive" in world.verify(code=1)


@pytest.mark.parametrize("how", ["lightweight", "renamed", "unsigned", "edited"])
def test_every_refusal_has_a_next_step_that_works_when_typed(
    world: World, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the text of `verify` as in its JSON."""
    tag = world.tag()
    raw = raw_tag(world.work, tag)
    if how == "lightweight":
        git(world.work, "update-ref", f"refs/tags/{tag}", "HEAD")
    elif how == "renamed":
        git(world.work, "update-ref", f"refs/tags/{tag.replace('baseline', 'other')}", f"refs/tags/{tag}")
    elif how == "unsigned":
        write_tag(world.work, raw.partition(b"-----BEGIN")[0], f"refs/tags/{tag}")
    else:
        write_tag(world.work, raw.replace(b"auc=0.91", b"auc=0.99"), f"refs/tags/{tag}")
    world.verify(code=1)
    findings = world.last["findings"]
    assert all(finding["hint"] for finding in findings)
    for finding in findings:
        if finding["hint"].startswith("arcgit explain "):
            told = invoke(world.work, *finding["hint"].split()[1:])
            assert [entry["code"] for entry in told["codes"]] == [finding["code"]]
    assert run(["-C", str(world.work), "verify"]) == 1
    assert capsys.readouterr().out.count("          next     ") == len(findings)
