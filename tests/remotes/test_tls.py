"""Storage behind TLS: a certificate that the person's settings vouch for is good, and any other is a server that is not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.certificates import certificate
from tests.remotes.conftest import made
from tests.remotes.storages import OverTls, Storage, WebDavs
from tests.world import World, dvc, git, invoke, next_experiment

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed client session"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
KINDS = ("webdavs", "https", "s3 over TLS")
LEVELS = ("presence", "fixity")


@pytest.fixture(params=KINDS)
def behind_tls(request: pytest.FixtureRequest, world: World) -> Storage:
    found = made(request.param, world, request)
    found.use()
    return found


def test_with_the_authority_named_what_is_recorded_is_verified_and_restored(behind_tls: Storage, world: World) -> None:
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    before = behind_tls.objects()
    assert world.arcgit("record")["created"] is True
    assert len(behind_tls.objects() - before) == 1
    for level in LEVELS:
        assert world.verify("--level", level, code=0) == []
    good = (world.work / "model.pkl").read_bytes()
    shutil.rmtree(world.work / ".dvc" / "cache")
    out = world.root / "out"
    restored = world.arcgit("restore", "fresh", "--to", str(out))
    assert {row["source"] for row in restored["files"]} == {"git", "storage"}
    assert (out / "model.pkl").read_bytes() == good


def require_not_there(world: World) -> None:
    """Nothing is called missing, nothing passes, nothing is sealed or written; the reason is said once."""
    for level in LEVELS:
        assert world.verify("--level", level, code=3) == ["remote-unreachable"]
        assert "certificate" in world.last["findings"][0]["message"].lower()
        assert "certificate" in world.last["findings"][0]["hint"] or "authority" in world.last["findings"][0]["hint"]
    next_experiment(world.work, "fresh", "lr: 0.5\nepochs: 1\n")
    refs = git(world.work, "for-each-ref")
    assert world.arcgit("record", code=3)["error"]["code"] == "remote-unreachable"
    assert git(world.work, "for-each-ref") == refs
    shutil.rmtree(world.work / ".dvc" / "cache")
    out = world.root / "out"
    restored = world.arcgit("restore", "deep", "--only", "model", "--to", str(out), code=3)
    assert {finding["code"] for finding in restored["findings"]} == {"object-unreadable"}
    assert not (out / "model.pkl").exists()


def test_with_an_authority_that_is_not_the_servers_nothing_is_known(
    behind_tls: Storage, world: World, tmp_path: Path
) -> None:
    before = {key: behind_tls.read(key) for key in behind_tls.objects()}
    behind_tls.configure({"ssl_verify": str(certificate(tmp_path / "strange").authority)})
    require_not_there(world)
    assert {key: behind_tls.read(key) for key in behind_tls.objects()} == before


def test_with_the_systems_authorities_alone_nothing_is_known(behind_tls: Storage, world: World) -> None:
    """What DVC does where nobody set anything: the certificate is of an authority that no system has."""
    settings = behind_tls.settings()
    del settings["ssl_verify"]
    behind_tls.settings = lambda: settings  # type: ignore[method-assign]
    behind_tls.configure({})
    require_not_there(world)


@pytest.mark.parametrize("what", ["no file", "no certificates", "a folder"])
def test_a_file_of_authorities_that_has_none_is_said_once_and_by_its_name(
    behind_tls: Storage, what: str, world: World, tmp_path: Path
) -> None:
    """Each library would say it of every object, as if that were the file that is not there."""
    named = tmp_path / "authority.pem"
    if what == "no certificates":
        named.write_text("-----BEGIN\n")
    elif what == "a folder" and not isinstance(behind_tls, WebDavs):
        named.mkdir()
    behind_tls.configure({"ssl_verify": str(named)})
    for level in LEVELS:
        assert world.verify("--level", level, code=3) == ["remote-unreachable"]
        (found,) = world.last["findings"]
        assert str(named) in found["message"]
        assert found["hint"].startswith("dvc remote modify --local storage ssl_verify")
    shutil.rmtree(world.work / ".dvc" / "cache")
    done = world.arcgit("restore", "deep", "--only", "model", "--to", str(world.root / "out"), code=3)
    assert str(named) in done["findings"][0]["message"]


def test_a_server_whose_certificate_nobody_looks_at_is_not_passed_over_in_silence(
    behind_tls: Storage, world: World
) -> None:
    """The person's own setting says so; it is said with every verdict that rests on it."""
    behind_tls.configure({"ssl_verify": "false"})
    for level in LEVELS:
        assert world.verify("--level", level, code=0) == ["certificate-unchecked"]
    report = invoke(world.work, "audit-report", "--level", "presence", "--format", "json", code=None)
    assert "certificate-unchecked" in {finding["code"] for finding in report["findings"]}
    dvc(world.work, "remote", "add", "--quiet", "--default", "home", str(world.root / "home"))
    done = world.arcgit("replicate", "storage", "deep")
    assert "certificate-unchecked" in {finding["code"] for finding in done["findings"]}


@pytest.mark.parametrize("shown", ["of another host", "ended"])
@pytest.mark.parametrize("kind", ["webdavs", "https"])
def test_a_certificate_of_another_host_or_that_has_ended_is_no_server(
    kind: str, shown: str, world: World, request: pytest.FixtureRequest
) -> None:
    storage = made(kind, world, request)
    assert isinstance(storage, OverTls)
    storage.use()
    storage.shown = shown
    storage.configure({})
    require_not_there(world)


@pytest.mark.parametrize("kind", KINDS)
def test_a_replica_behind_an_unknown_certificate_gets_nothing_and_no_event(
    kind: str, world: World, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    storage = made(kind, world, request)
    settings = {**storage.settings(), "ssl_verify": str(certificate(tmp_path / "strange").authority)}
    dvc(world.work, "remote", "add", "--quiet", "mirror", settings.pop("url"))
    for key, value in settings.items():
        dvc(world.work, "remote", "modify", "--quiet", "--local", "mirror", key, value)
    done = world.arcgit("replicate", "mirror", "deep", code=3)
    assert {finding["code"] for finding in done["findings"]} == {"replica-unwritable"}
    assert done["event"] is None
    assert storage.objects() == set()
    dvc(world.work, "remote", "modify", "--quiet", "--local", "mirror", "ssl_verify", storage.settings()["ssl_verify"])
    assert world.arcgit("replicate", "mirror", "deep")["event"] is not None
    assert world.verify("deep", "--level", "fixity", "--remote", "mirror", code=0) == []
