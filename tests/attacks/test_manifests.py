"""Hostile manifests, DVC files and paths, through `arcgit check` and the commit hook, with bounded time and memory.

Each case runs in a process of its own that may use a few seconds of processor time and a bounded address space: what
needs more is killed, and the case fails.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.world import MANIFEST, World, git, invoke

GOOD = MANIFEST.format(experiment="deep")
SECONDS = 20
BYTES = 1 << 30


def bounded() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))


def judged(work: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and findings of `arcgit check` in a bounded process."""
    done = subprocess.run(
        [sys.executable, "-m", "arcgit", "check", *arguments, "--json"],
        cwd=work, capture_output=True, text=True, check=False, preexec_fn=bounded, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode in {0, 1, 3}, f"{done.returncode}\n{done.stdout[:2000]}\n{done.stderr[-2000:]}"
    return done.returncode, json.loads(done.stdout)["findings"]


def hooked(work: Path) -> tuple[int, str]:
    """Exit code and words of the commit hook in a bounded process."""
    done = subprocess.run(
        [sys.executable, "-I", "-m", "arcgit.hook", "pre-commit"],
        cwd=work, capture_output=True, text=True, check=False, preexec_fn=bounded, env=dict(os.environ),
    )  # fmt: skip
    return done.returncode, done.stderr


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    return "\n".join([*lines, *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, levels))])


def merge_bomb(levels: int) -> str:
    return "\n".join(["a0: &a0 {x: 1}", *(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, levels))])


def with_path(path: str) -> str:
    return GOOD.replace("path: requirements.txt", f"path: {json.dumps(path)}")


UNSAFE_YAML: dict[str, str | bytes] = {
    "an anchor": GOOD.replace("project: churn", "project: &p churn"),
    "an alias": GOOD.replace("experiment: deep", "experiment: *p"),
    "a merge key": GOOD.replace("model: {role", "model: {<<: {role: other}, role"),
    "a tag": GOOD.replace("project: churn", "project: !!python/object/apply:os.system [id]"),
    "a harmless tag": GOOD.replace("project: churn", "project: !!str churn"),
    "a repeated key": GOOD + "owner: Eve\n",
    "a repeated artifact": GOOD + "  model: {role: other, path: x}\n",
    "a key that is a list": "? [1, 2]\n: 3\n" + GOOD,
    "two documents": GOOD + "---\n" + GOOD,
    "a byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "UTF-16": GOOD.encode("utf-16"),
    "Latin-1": GOOD.replace("Ada", "Adé").encode("latin-1"),
    "a tab for an indent": GOOD.replace("  train-code", "\ttrain-code"),
    "a NUL": GOOD.replace("purpose: Base", 'purpose: "\x00"'),
    "a C1 control": GOOD.replace("purpose: Base", "purpose: \x9bBase"),
    "a lone surrogate": GOOD.replace("purpose: Base", 'purpose: "\\ud800"#'),
    "a day that there is not": GOOD.replace("purpose: Base", "purpose: 2026-02-30 #"),
    "billion laughs": bomb(9),
    "a merge bomb": merge_bomb(24),
    "deep nesting": "[" * 100_000,
    "deep nesting in a field": GOOD.replace("purpose: Base", "purpose: " + "[" * 60 + "]" * 60 + " #"),
    "an integer of a million digits": GOOD + "extensions: {x: " + "9" * 1_000_000 + "}\n",
    "more than a MiB": GOOD + "#" * (1 << 20),
    "a quarter of a million items": GOOD + "extensions: {x: [" + "x," * 250_000 + "]}\n",
    "no YAML": "}{",
}
INVALID: dict[str, str] = {
    "an empty file": "",
    "a list": "- a\n",
    "a scalar": "churn\n",
    "a missing field": GOOD.replace("project: churn\n", ""),
    "an unknown field": GOOD + "colour: blue\n",
    "an unknown field of an artifact": GOOD.replace("role: code,", "role: code, md5: x,"),
    "a role that there is not": GOOD.replace("role: code", "role: script"),
    "a number for a path": GOOD.replace("path: model.pkl", "path: 1234"),
    "a truth value for a name": GOOD.replace("project: churn", "project: true"),
    "a number for a name": GOOD.replace("project: churn", "project: 0755"),
    "an upper-case name": GOOD.replace("project: churn", "project: Churn"),
    "a name with a slash": GOOD.replace("project: churn", "project: a/b"),
    "a name of 64 characters": GOOD.replace("project: churn", f"project: {'a' * 64}"),
    "a name with a line break": GOOD.replace("project: churn", 'project: "churn\\n"'),
    "an artifact's name with a dot": GOOD.replace("  train-code:", "  ../x:"),
    "an artifact's name that is a number": GOOD.replace("  train-code:", "  1:"),
    "a list of artifacts": "schema: arcgit/manifest/v1\nproject: a\nexperiment: b\nartifacts: [a]\n",
    "two artifacts with one path": GOOD.replace("path: src/train.py", "path: model.pkl"),
    "a thousand and one artifacts": GOOD + "".join(f"  a{n}: {{role: other, path: a{n}}}\n" for n in range(1001)),
    "forty thousand artifacts": "artifacts:\n" + "".join(f"  a{n}: {{}}\n" for n in range(40_000)),
    "another schema": GOOD.replace("arcgit/manifest/v1", "dvc/v1"),
    "params that are no list": GOOD.replace("params: [params.yaml]", "params: params.yaml"),
    "a date for an owner": GOOD.replace("owner: Ada Lovelace <ada@example.org>", "owner: 2026-05-01"),
    "an extension that no record can hold": GOOD + "extensions: {x: 0x" + "f" * 5000 + "}\n",
}
PATHS = (
    "../x", "a/../../x", "/etc/passwd", "C:\\x", "c:/x", "\\\\srv\\share", "a\\..\\b", "a\0b", "a\nb", "a\x1b[31mb", ".git/hooks/x",
    ".GIT/config", "a/.git/config", "git~1/x", ".git /x", ".git./x", ".g\u200cit/config", "a/", "a//b", "./a", "a/.", ".", "..", "",
    "CON", "aux.txt", "a/nul", "com1.csv", "file.txt:ads", "trailing.", "trailing ", "a./b",
)  # fmt: skip
DVC_FILES: dict[str, tuple[str, str | bytes]] = {
    "billion laughs in dvc.yaml": ("dvc.yaml", bomb(9)),
    "a merge bomb in dvc.lock": ("dvc.lock", merge_bomb(24)),
    "deep nesting in a .dvc file": ("raw.csv.dvc", "[" * 100_000),
    "a tag in dvc.lock": ("dvc.lock", "schema: !!python/name:os.system 2.0\n"),
    "a repeated key in dvc.yaml": ("dvc.yaml", "stages: {}\nstages: {}\n"),
    "a list for a dvc.yaml": ("dvc.yaml", "- a\n"),
    "a malformed md5": ("raw.csv.dvc", "outs: [{md5: ../../x, path: raw.csv}]\n"),
    "UTF-16 in dvc.yaml": ("dvc.yaml", "stages: {}\n".encode("utf-16")),
}
VALUES: dict[str, tuple[str, str]] = {
    "a YAML bomb": ("params.yaml", bomb(9)),
    "nested JSON": ("params.json", "[" * 100_000),
    "JSON with a lone surrogate": ("params.json", '{"a": "\\ud800"}'),
    "JSON with a repeated key": ("params.json", '{"a": 1, "a": 2}'),
    "nested TOML": ("params.toml", "a = " + "[" * 50_000),
    "TOML that is nested as deep as TOML goes": ("params.toml", "a = " + "[" * 90 + "]" * 90),
    "TOML with a time of day": ("params.toml", "a = 12:30:45\n"),
    "an integer without end": ("params.json", '{"a": ' + "9" * 100_000 + "}"),
    "five MiB": ("params.json", '{"a": "' + "x" * (5 << 20) + '"}'),
}


def place(world: World, name: str, text: str | bytes) -> None:
    path = world.work / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def refused(world: World, code: str, files: dict[str, str | bytes], wanted: dict[str, str] | None = None) -> None:
    """The check on disk and as staged, and the hook, all refuse each file with the code, pointing to it.

    The files of all cases are judged in one run: each would be refused alone, and the bounds hold for all together.
    `wanted` names the case of each path that must be found; by default the files themselves.
    """
    for name, text in files.items():
        place(world, name, text)
    paths = set(wanted if wanted is not None else files)
    for arguments in ([], ["--staged"]):
        if arguments:
            git(world.work, "add", "--all", "--force")
        exit_code, findings = judged(world.work, *arguments)
        assert exit_code == 1
        # All cases but the broken fields are one experiment; that they share its name must not pass for their fault.
        hits = [f for f in findings if f["code"] == code and "have the same project" not in f["message"]]
        found = {finding.get("path") for finding in hits}
        assert paths <= found, {(wanted or {}).get(path, path) for path in paths - found}
        assert all(finding["hint"] for finding in hits)
    exit_code, words = hooked(world.work)
    assert exit_code == 1, words
    assert all(f"{code}  {path}" in words for path in paths)
    assert "Traceback" not in words


def each(cases: dict[str, Any], name: str = "arcgit.yaml") -> dict[str, Any]:
    """Each case in a folder of its own."""
    return {f"case-{number}/{name}": text for number, text in enumerate(cases.values())}


def names(cases: dict[str, Any], name: str = "arcgit.yaml") -> dict[str, str]:
    """The case behind each of those paths."""
    return {f"case-{number}/{name}": case for number, case in enumerate(cases)}


def test_each_manifest_that_cannot_be_read_safely_is_refused(world: World) -> None:
    refused(world, "yaml-unsafe", each(UNSAFE_YAML), names(UNSAFE_YAML))


def test_each_manifest_of_another_form_is_refused(world: World) -> None:
    refused(world, "manifest-invalid", each(INVALID), names(INVALID))


def test_each_unsafe_path_of_an_artifact_is_refused_with_its_line(world: World) -> None:
    cases = {path: with_path(path) for path in PATHS}
    refused(world, "path-unsafe", each(cases), names(cases))
    line = next(n for n, text in enumerate(GOOD.splitlines(), 1) if "role: environment" in text)
    findings = [finding for finding in judged(world.work)[1] if finding["code"] == "path-unsafe"]
    assert {finding["line"] for finding in findings} == {line}


def test_each_unsafe_path_of_a_params_file_is_refused(world: World) -> None:
    cases = {path: GOOD.replace("params: [params.yaml]", f"params: [{json.dumps(path)}]") for path in PATHS}
    refused(world, "path-unsafe", each(cases), names(cases))


def test_each_pair_of_twin_paths_is_refused(world: World) -> None:
    """What some file system takes for one file would overwrite the other when restored."""
    pairs = (("A.csv", "a.csv"), ("\u00e9.csv", "e\u0301.csv"), ("stra\u00dfe", "strasse"), ("\u212a", "k"))
    extra = "  one: {{role: other, path: {}}}\n  two: {{role: other, path: {}}}\n"
    cases = {one: GOOD + extra.format(json.dumps(one), json.dumps(other)) for one, other in pairs}
    refused(world, "path-unsafe", each(cases), names(cases))


def test_each_hostile_file_of_dvc_is_refused(world: World) -> None:
    files = {f"case-{n}/{name}": text for n, (name, text) in enumerate(DVC_FILES.values())}
    refused(world, "yaml-unsafe", files)


def test_each_hostile_params_file_is_refused(world: World) -> None:
    files: dict[str, str | bytes] = {}
    for number, (name, text) in enumerate(VALUES.values()):
        files[f"case-{number}/{name}"] = text
        manifest = GOOD.replace("params: [params.yaml]", f"params: [{name}]")
        place(world, f"case-{number}/arcgit.yaml", manifest)
    refused(world, "manifest-invalid", files)


def large(count: int) -> str:
    return "stages:\n" + "".join(f"  x{n}:\n    cmd: run {n}\n    outs: [gen/{n}]\n" for n in range(count))


LOOPS = "stages:\n" + "".join(
    f"  loop{n}:\n    matrix: {{a: [{', '.join(map(str, range(99)))}], b: [{', '.join(map(str, range(99)))}]}}\n    do: x\n    cmd: run\n"
    for n in range(40)
)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("dvc.yaml", large(200_000), "`stages` has more than 20000 entries (in "),
        ("dvc.yaml", LOOPS, "it stands for more than 20000 stages (in "),
        ("dvc.lock", 'schema: "2.0"\n' + large(30_000), "`stages` has more than 20000 entries (in "),
    ],
    ids=["stages", "loops", "lock"],
)
def test_a_pipeline_of_more_stages_than_are_read_is_refused_soon_with_its_size(
    world: World, name: str, text: str, said: str
) -> None:
    """A machine that writes the file need not be hostile; whoever commits waits for it all the same."""
    (world.work / name).write_text(text)
    git(world.work, "add", "--all")
    code, findings = judged(world.work, "--staged")
    found = next(one for one in findings if one["code"] == "yaml-unsafe")
    assert code == 1
    assert said in found["message"]
    assert f"git log -- {name}" in found["hint"]
    code, words = hooked(world.work)
    assert (code, "nothing was committed" in words) == (1, True)


def test_a_pipeline_of_very_many_stages_is_read(world: World) -> None:
    with (world.work / "dvc.yaml").open("a") as file:
        file.write(large(15_000).removeprefix("stages:\n"))
    git(world.work, "add", "--all")
    assert hooked(world.work) == (0, "")


def test_a_file_that_is_too_large_does_not_make_the_next_one_misread(world: World) -> None:
    """What git still sends of the large one must not be taken for the answer about the next."""
    for folder in ("a", "b"):
        place(world, f"{folder}/arcgit.yaml", GOOD.replace("experiment: deep", f"experiment: {folder}"))
    place(world, "a/arcgit.yaml", GOOD + "#" * (1 << 20))
    git(world.work, "add", "--all")
    _, findings = judged(world.work, "--staged")
    assert {f["path"] for f in findings if f["code"] == "yaml-unsafe"} == {"a/arcgit.yaml"}
    assert {f["path"] for f in findings if f["code"] == "artifact-untracked"} == {"b/arcgit.yaml"}
    assert "manifest-invalid" not in {f["code"] for f in findings}


def swap(make: Callable[[Path], object]) -> Callable[[World], None]:
    def apply(world: World) -> None:
        path = world.work / "arcgit.yaml"
        path.unlink()
        make(path)

    return apply


@pytest.mark.parametrize("target", ["/etc/passwd", "params.yaml", "nowhere", "arcgit.yaml"])
def test_a_manifest_that_is_a_link_is_not_followed(world: World, target: str) -> None:
    swap(lambda path: path.symlink_to(target))(world)
    refused(world, "manifest-missing", {}, {"arcgit.yaml": target})


def test_a_manifest_that_is_a_folder_or_a_fifo_is_no_manifest(world: World) -> None:
    swap(lambda path: path.mkdir())(world)
    assert judged(world.work)[1][0]["code"] == "manifest-missing"
    (world.work / "arcgit.yaml").rmdir()
    os.mkfifo(world.work / "arcgit.yaml")
    assert judged(world.work)[1][0]["code"] == "manifest-missing"


def test_a_params_file_that_is_a_link_is_not_followed(world: World) -> None:
    (world.work / "params.yaml").unlink()
    (world.work / "params.yaml").symlink_to("/etc/passwd")
    git(world.work, "add", "--all")
    for arguments in ([], ["--staged"]):
        exit_code, findings = judged(world.work, *arguments)
        assert exit_code == 1
        assert "hyperparameters-missing" in {finding["code"] for finding in findings}


def test_values_that_only_look_like_text_stay_what_they_are(world: World) -> None:
    """`NO` is a string, `1e-3` a number and 0755 no permission: as DVC's own reader has it."""
    place(world, "arcgit.yaml", GOOD.replace("purpose: Baseline before the call-centre features.", "purpose: NO"))
    exit_code, findings = judged(world.work)
    assert (exit_code, [(f["code"], f["found"]) for f in findings]) == (1, [("record-differs", "NO")])
    place(world, "arcgit.yaml", GOOD.replace('version: "2026-05"', "version: 2026-05-01"))
    exit_code, findings = judged(world.work)
    assert (exit_code, {finding["code"] for finding in findings}) == (1, {"manifest-invalid"})


def test_a_manifest_in_a_folder_whose_name_is_not_utf_8_is_judged_and_printed(world: World) -> None:
    place(world, os.fsdecode(b"f\xff/arcgit.yaml"), "}{")
    exit_code, findings = judged(world.work)
    assert exit_code == 1
    assert "yaml-unsafe" in {finding["code"] for finding in findings}
    for form in ("text", "github", "sarif"):
        done = subprocess.run(
            [sys.executable, "-m", "arcgit", "check", "--format", form],
            cwd=world.work,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert b"yaml-unsafe" in done.stdout


def test_the_untouched_experiment_passes_within_the_same_bounds(world: World) -> None:
    assert judged(world.work) == (0, [])
    assert hooked(world.work) == (0, "")
    assert invoke(world.work, "check", "--rev", "HEAD")["verdict"] == "pass"
