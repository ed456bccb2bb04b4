"""Likely secrets: real-looking files give none, planted ones are all found and never shown whole.

The planted ones are put together when the tests run, so that no scanner complains about this repository.
"""

from __future__ import annotations

import base64
import json
import os
import random
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from arcgit.archive.workspace import parse_values
from arcgit.model.experiment import Experiment
from arcgit.model.finding import error
from arcgit.model.manifest import SCHEMA, Artifact, Manifest
from arcgit.rules import secrets
from arcgit.rules.patterns import harmless, marks, named
from tests.world import World, git, invoke

CLEAN = Path(__file__).parent.parent / "corpus" / "clean"


def experiment(**fields: Any) -> Experiment:
    """An experiment that says nothing but what is given."""
    empty = Manifest(schema=SCHEMA, project="churn", experiment="baseline")
    bare = Experiment("arcgit.yaml", "0" * 64, empty, artifacts={}, params={}, metrics={}, lineage={})
    return replace(bare, **fields)


def stage(cmd: Any, params: dict[str, Any] | None = None) -> dict[str, Any]:
    made = {"file": "dvc.yaml", "name": "train", "cmd": cmd, "deps": [], "outs": [], "params": params or {}}
    return {"stages": [made], "sources": []}


def places(found: Experiment) -> list[str]:
    return [leak.subject for leak in secrets.search(found)]


@pytest.mark.parametrize("name", sorted(path.name for path in CLEAN.iterdir()))
def test_a_clean_file_gives_no_finding(name: str) -> None:
    data = (CLEAN / name).read_bytes()
    if name == "commands.txt":
        assert places(experiment(lineage=stage(data.decode().splitlines()))) == []
        return
    values = parse_values(data, name)
    if values is not None:
        assert places(experiment(params={name: values})) == []
        assert places(experiment(metrics={name: values})) == []
    assert places(experiment(environment={name: data.decode()})) == []


def random_text(alphabet: str, length: int, seed: int = 7) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))  # noqa: S311  made to look like a secret


ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
B64 = base64.b64encode(bytes(range(60, 100))).decode()
JWT = ".".join(("ey" + "J" + random_text(ALNUM, 20), "ey" + "J" + random_text(ALNUM, 40), random_text(ALNUM, 43)))

MARKED: dict[str, str] = {
    "an AWS key": "AK" + "IA" + "ABCDEFGHIJKLMNOP",
    "a temporary AWS key": "AS" + "IA" + "ABCDEFGHIJKLMNOP",
    "a GitHub token": "gh" + "p_" + random_text(ALNUM, 36),
    "a GitHub app token": "gh" + "s_" + random_text(ALNUM, 36),
    "a fine-grained GitHub token": "github" + "_pat_" + random_text(ALNUM, 60),
    "a GitLab token": "gl" + "pat-" + random_text(ALNUM, 20),
    "a Slack token": "xo" + "xb-" + random_text(string.digits, 12) + "-" + random_text(ALNUM, 24),
    "a Slack webhook": "https://hooks.slack" + ".com/services/T0000/B0000/" + random_text(ALNUM, 24),
    "a Hugging Face token": "h" + "f_" + random_text(ALNUM, 34),
    "an OpenAI key": "s" + "k-proj-" + random_text(ALNUM, 48),
    "an Anthropic key": "s" + "k-ant-api03-" + random_text(ALNUM, 80),
    "a Google key": "AI" + "za" + random_text(ALNUM, 35),
    "a Stripe key": "sk_" + "live_" + random_text(ALNUM, 24),
    "a SendGrid key": "S" + "G." + random_text(ALNUM, 22) + "." + random_text(ALNUM, 43),
    "an npm token": "np" + "m_" + random_text(ALNUM, 36),
    "a PyPI token": "py" + "pi-AgE" + random_text(ALNUM, 60),
    "a Databricks token": "da" + "pi" + random_text(HEX, 32),
    "an Azure connection string": "DefaultEndpointsProtocol=https;Account" + "Key=" + random_text(ALNUM, 86) + "==",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
    "an OpenPGP private key": "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----",
    "a JSON web token": JWT,
    "a password in an address": "postgresql://ada:" + "tr0ub4dor" + "@db.example.org/features",
    "a token in an address": "https://" + random_text(ALNUM, 40, seed=1) + "@dev.example.org/org/_git/repo",
    "an address signed by AWS": "https://b.s3.amazonaws.com/x?X-Amz-Sig" + "nature=" + random_text(HEX, 64),
    "an address signed by Azure": "https://a.blob.core.windows.net/c/x?sv=2022&sig=" + random_text(ALNUM, 43) + "%3D",
    "an authorization header": "Author" + "ization: Bearer " + random_text(ALNUM, 40),
}
NAMED: dict[str, tuple[str, str]] = {
    "a password": ("db.password", "hunter" + "2hunter2"),
    "a short password": ("password", "s3cr" + "3t"),
    "a camel-case key": ("awsSecretAccessKey", random_text(ALNUM + "+/", 40)),
    "an API key in hex": ("wandb.api_key", random_text(HEX, 40)),
    "a client secret": ("client_secret", random_text(ALNUM, 32)),
    "an auth token": ("auth-token", random_text(ALNUM, 24)),
    "a token that no word could be": ("token", random_text(ALNUM, 32)),
    "a token in hex": ("service.token", random_text(HEX, 40)),
    "credentials": ("credentials", "ada:" + "tr0ub4dor"),
    "a secret key that begins with a slash": ("secret_key", "/" + random_text(ALNUM + "/", 39, seed=3) + "+"),
}
COMMANDS: dict[str, str] = {
    "an option": "python train.py --password hunter" + "2hunter2 --lr 1e-3",
    "an option with an equals sign": "python train.py --api-key=" + random_text(ALNUM, 32),
    "a variable": "WANDB_API_KEY=" + random_text(HEX, 40) + " python train.py",
    "an exported variable": "export AWS_SECRET_ACCESS_KEY='" + random_text(ALNUM, 40) + "'; python train.py",
    "curl's user": "curl -u ada:" + "tr0ub4dor https://example.org/x.csv -o x.csv",
    "a header": "curl -H 'Author" + "ization: Bearer " + random_text(ALNUM, 40) + "' https://example.org",
    "an override": "python train.py trainer.logger.api_key=" + random_text(HEX, 40),
    "JSON in an option": 'python train.py --config \'{"password": "hunter' + "2hunter2\"}'",
}


def shown(found: Experiment) -> str:
    return json.dumps([finding.to_dict() for finding in secrets.findings(secrets.search(found))])


@pytest.mark.parametrize("what", MARKED)
def test_a_marked_secret_is_found_wherever_it_would_be_sealed_and_is_not_shown(what: str) -> None:
    secret = MARKED[what]
    artifact = Artifact(role="model", path="model.pkl", description=f"see {secret}")
    manifest = Manifest(schema=SCHEMA, project="churn", experiment="baseline", purpose=f"with {secret} inside")
    everywhere = {
        "params.yaml: a.b": experiment(params={"params.yaml": {"a": {"b": secret}}}),
        "params.yaml: a.1": experiment(params={"params.yaml": {"a": ["x", secret]}}),
        "metrics.json: note": experiment(metrics={"metrics.json": {"note": secret}}),
        "dvc.yaml: train: cmd": experiment(lineage=stage(f"python train.py {secret}")),
        "dvc.yaml: train: cmd.1": experiment(lineage=stage(["true", f"python train.py {secret}"])),
        "arcgit.yaml: purpose": experiment(manifest=manifest),
        "arcgit.yaml: artifacts.model.description": experiment(
            manifest=Manifest(schema=SCHEMA, project="churn", experiment="baseline", artifacts={"model": artifact})
        ),
        "arcgit.yaml: extensions.x": experiment(
            manifest=Manifest(schema=SCHEMA, project="churn", experiment="baseline", extensions={"x": secret})
        ),
        "data/raw: url": experiment(
            lineage={"stages": [], "sources": [{"path": "data/raw", "origin": {"url": secret}}]}
        ),
        "requirements.txt: line 2": experiment(environment={"requirements.txt": f"numpy\n--index-url {secret}\n"}),
    }
    for place, found in everywhere.items():
        assert places(found) == [place]
        for hit in secrets.search(found)[0].hits:
            assert hit.secret not in shown(found)


@pytest.mark.parametrize("what", NAMED)
def test_a_value_under_a_telling_name_is_found_and_not_shown(what: str) -> None:
    name, secret = NAMED[what]
    found = experiment(params={"params.yaml": {name: secret}})
    assert places(found) == [f"params.yaml: {name}"]
    assert secret not in shown(found)


@pytest.mark.parametrize("what", COMMANDS)
def test_a_secret_on_a_command_line_is_found_and_not_shown(what: str) -> None:
    found = experiment(lineage=stage(COMMANDS[what]))
    assert places(found) == ["dvc.yaml: train: cmd"]
    for hit in secrets.search(found)[0].hits:
        assert len(hit.secret) >= 8
        assert hit.secret not in shown(found)


def test_a_secret_that_is_a_key_is_found_and_not_shown() -> None:
    secret = MARKED["an AWS key"]
    found = experiment(params={"params.yaml": {secret: {"lr": "AK" + "IA" + "QRSTUVWXYZABCDEF"}}})
    assert len(places(found)) == 2
    assert secret not in shown(found)


def test_the_locked_value_and_the_present_one_have_one_place_for_a_waiver() -> None:
    secret = "hunter" + "2hunter2"
    found = experiment(
        params={"params.yaml": {"db": {"password": secret}}},
        lineage=stage("python train.py", {"params.yaml": {"db.password": secret}}),
    )
    assert set(places(found)) == {"params.yaml: db.password"}


def test_no_other_finding_shows_a_secret_that_was_found() -> None:
    """A drift between dvc.lock and params.yaml would print both values."""
    old, new = "hunter" + "2hunter2", "hunter" + "3hunter3"
    found = experiment(
        params={"params.yaml": {"password": new}}, lineage=stage("true", {"params.yaml": {"password": old}})
    )
    drift = error("lock-out-of-date", "dvc.yaml: train", f"password is {new}", expected=repr(old), found=repr(new))
    redacted = secrets.redact([drift], secrets.search(found))[0]
    assert old not in str(redacted)
    assert new not in str(redacted)


@given(st.text(max_size=40), st.text(max_size=60))
def test_no_text_breaks_the_search(name: str, value: str) -> None:
    found = experiment(params={"params.yaml": {name: [value, {name: value}]}}, lineage=stage(value))
    for leak in secrets.search(found):
        assert all(hit.secret in value or hit.secret in name for hit in leak.hits)


@pytest.mark.parametrize(
    "value", ["", "***", "None", "${X}", "$X", "<token>", "{{ x }}", "env:X", "1.5", "~/.x", "a.pem"]
)
def test_placeholders_and_references_are_no_secrets(value: str) -> None:
    assert harmless(value)
    assert not list(named("password", value))


LONG = """\
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
from arcgit.rules import patterns
size = 1 << 20
texts = ["a" * size + " ://@", "://" * (size // 3) + "@", "://" + "a:" * (size // 2), "curl " * (size // 5), "-a " * (size // 3),
    "password=" * (size // 9), "a.b-c_" * (size // 6) + "key", "eyJ-" * (size // 4), "sk-" * (size // 3), "AKIA" * (size // 4),
    "token " * (size // 6), "?sig=" * (size // 5), "authorization: " * (size // 15), "PRIVATE KEY-----BEGIN " * (size // 22)]
for text in texts:
    list(patterns.marks(text)); list(patterns.in_command(text)); list(patterns.named("password", text))
"""


def test_no_long_text_takes_long_or_much_memory() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LONG], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr


def test_check_and_the_commit_hook_judge_secrets_and_show_none(world: World) -> None:
    secret = MARKED["an AWS key"]
    (world.work / "params.yaml").write_text(f"lr: 1e-3\nepochs: 9\naws: {secret}\n")
    document = invoke(world.work, "check", code=1)
    finding = next(finding for finding in document["findings"] if finding["code"] == "secret-found")
    assert (finding["subject"], finding["path"], finding["line"]) == ("params.yaml: aws", "params.yaml", 3)
    assert secret not in json.dumps(document)
    done = subprocess.run(["git", "commit", "-am", "x"], cwd=world.work, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "secret-found" in done.stderr
    assert secret not in done.stderr


def test_a_package_index_with_a_password_is_refused_with_its_line(world: World) -> None:
    password = "tr0ub4" + "dor-and-3"
    (world.work / "requirements.txt").write_text(f"pyyaml\n--index-url https://ci:{password}@pypi.example.org/simple\n")
    document = invoke(world.work, "check", code=1)
    assert [(f["code"], f["path"], f["line"]) for f in document["findings"]] == [
        ("secret-found", "requirements.txt", 2)
    ]
    assert password not in json.dumps(document)


def test_the_repository_itself_carries_no_marked_secret() -> None:
    root = Path(__file__).parent.parent.parent
    for name in git(root, "ls-files", "tests", "docs", "arcgit", "templates").splitlines():
        if name.endswith((".py", ".md", ".yaml", ".txt", ".json", ".toml")) and "signing" not in name:
            hits = {hit.secret for hit in marks((root / name).read_text())}
            assert not {hit for hit in hits if not harmless(hit)} - KNOWN_SAMPLES.get(name, set()), name


KNOWN_SAMPLES: dict[str, set[str]] = {
    # A public key under the label of a private one, which no reader may take for either.
    "tests/vectors/signature.json": {"-----BEGIN PGP " + "PRIVATE KEY BLOCK-----"},
}
