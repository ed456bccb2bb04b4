"""Remotes that are not as the policy pins them: nothing is sent, whichever configuration says otherwise."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dvc.config_schema import REMOTE_SCHEMAS

from arcgit.archive.policy import policyfile
from arcgit.dvc import pinned
from arcgit.dvc.pinned import RemoteSettings
from arcgit.model import policy as policies
from arcgit.model.policy import Remote
from tests.world import World, dvc, git, invoke

SECRET = "hunter2"


@dataclass
class Listener:
    """A server on loopback that remembers who came, and serves a folder."""

    url: str = ""
    seen: list[str] = field(default_factory=list)


@contextmanager
def listening(folder: Path) -> Iterator[Listener]:
    found = Listener()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Nothing."""

        def answer(self) -> None:
            found.seen.append(f"{self.command} {self.path} {self.headers.get('Authorization', '')}")
            place = folder / self.path.lstrip("/")
            data = place.read_bytes() if place.is_file() else b""
            self.send_response(200 if place.is_file() else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = answer  # noqa: N815  names of the library

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pin(world: World, remotes: dict[str, str]) -> None:
    """Adopt a policy with these pins."""
    proposed = policyfile.proposal(world.work)
    assert proposed is not None
    rows = {name: Remote(url=value) for name, value in remotes.items()}
    text = policyfile.render(msgspec.structs.replace(proposed, version=proposed.version + 1, remotes=rows))
    (world.work / policyfile.POLICY_FILE).write_text(text)
    world.commit("pins")
    git(world.work, "push", "--quiet", "origin", "main")
    invoke(world.work, "policy", "adopt")


def by_pull_request(world: World, url: str) -> None:
    """The tracked file, as anybody with a fork can change it."""
    dvc(world.work, "remote", "modify", "storage", "url", url)


def by_local(world: World, url: str) -> None:
    dvc(world.work, "remote", "modify", "--local", "storage", "url", url)


def by_global(world: World, url: str) -> None:
    """The person's own configuration also gives no leave: the policy speaks for all. The tracked file must not say it."""
    dvc(world.work, "remote", "add", "--global", "--force", "storage", url)
    path = world.work / ".dvc" / "config"
    path.write_text("[core]\n    remote = storage\n")


def by_another_default(world: World, url: str) -> None:
    dvc(world.work, "remote", "add", "--default", "evil", url)


def by_reference(world: World, url: str) -> None:
    dvc(world.work, "remote", "add", "base", url)
    dvc(world.work, "remote", "modify", "storage", "url", "remote://base/")


WAYS = [by_pull_request, by_local, by_global, by_reference]


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person's own configuration of DVC for each test: some of them write into it."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    with listening(tmp_path) as found:
        yield found


@pytest.fixture
def pinned_world(world: World) -> World:
    """The archive with its remote pinned where it is."""
    pin(world, {"storage": "../store"})
    return world


def credentials(world: World) -> None:
    """What a CI job has beside the tracked file."""
    for key, value in (("auth", "basic"), ("user", "ci"), ("password", SECRET)):
        path = world.work / ".dvc" / "config.local"
        if not path.exists():
            path.write_text("['remote \"storage\"']\n")
        path.write_text(f"{path.read_text()}    {key} = {value}\n")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("level", ["presence", "fixity"])
def test_a_remote_with_another_address_gets_no_request(
    pinned_world: World, listener: Listener, way: Callable[[World, str], None], level: str
) -> None:
    world = pinned_world
    way(world, listener.url)
    codes = world.verify("--level", level, code=1)
    assert set(codes) == {"remote-not-pinned"}
    assert listener.seen == []
    assert any(listener.url in row["message"] and "../store" in row["message"] for row in world.last["findings"])


@pytest.mark.parametrize("way", [*WAYS, by_another_default])
def test_nothing_is_recorded_into_a_remote_with_another_address(
    pinned_world: World, listener: Listener, way: Callable[[World, str], None]
) -> None:
    world = pinned_world
    (world.work / "params.yaml").write_text("lr: 1e-5\nepochs: 4\n")
    dvc(world.work, "repro", "--quiet")
    way(world, listener.url)
    world.commit("new run")
    refused = invoke(world.work, "record", code=1)
    assert refused["error"]["code"] == "remote-not-pinned"
    assert listener.seen == []
    assert git(world.work, "for-each-ref", "refs/arcgit/unpushed") == ""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # DVC calls aiohttp as it was
def test_credentials_go_to_no_address_but_the_pinned_one(world: World, listener: Listener, tmp_path: Path) -> None:
    """The pull request changes the url alone, and the job's own credentials would go along."""
    store = f"{listener.url}/world/store"
    by_pull_request(world, store)
    credentials(world)
    pin(world, {"storage": store, "storage.auth": "basic"})
    assert world.verify("--level", "fixity", code=0) == []
    basic = base64.b64encode(f"ci:{SECRET}".encode()).decode()
    assert listener.seen
    assert all(row.endswith(f"Basic {basic}") for row in listener.seen)
    with listening(tmp_path) as other:
        by_pull_request(world, f"{other.url}/world/store")
        before = len(listener.seen)
        codes = world.verify("--level", "fixity", code=1)
        assert set(codes) == {"remote-not-pinned"}
        assert (other.seen, len(listener.seen)) == ([], before)
    assert SECRET not in str(world.last)


def test_without_pins_a_changed_address_is_talked_to_and_the_scope_says_that_nothing_pins_it(
    world: World, listener: Listener
) -> None:
    """So that the listener is known to see what there is to see, and old archives go on working."""
    by_pull_request(world, f"{listener.url}/world/store")
    assert world.verify("--level", "fixity", code=0) == []
    assert world.last["scope"]["remotes"] == "not pinned"
    assert listener.seen


def test_the_pinned_remote_is_read_and_written(pinned_world: World) -> None:
    world = pinned_world
    assert world.verify("--level", "fixity", code=0) == []
    assert world.last["scope"]["remotes"] == "pinned"
    (world.work / "params.yaml").write_text("lr: 1e-5\nepochs: 4\n")
    dvc(world.work, "repro", "--quiet")
    world.commit("new run")
    assert invoke(world.work, "record")["created"] is True


def test_a_clone_in_another_place_has_the_same_pins(pinned_world: World) -> None:
    """A relative path is pinned from the top of the repository, wherever that lies."""
    clone = pinned_world.clone()
    invoke(clone, "sync", code=0)
    assert pinned_world.verify("--level", "presence", cwd=clone, code=0) == []


def test_signatures_are_judged_without_any_remote(pinned_world: World, listener: Listener) -> None:
    by_pull_request(pinned_world, listener.url)
    assert pinned_world.verify(code=0) == []
    assert listener.seen == []


def test_what_a_pull_request_proposes_as_policy_gives_no_leave(pinned_world: World, listener: Listener) -> None:
    """Only the policy on the ledger counts, not the file beside the changed configuration."""
    world = pinned_world
    path = world.work / policyfile.POLICY_FILE
    path.write_text(path.read_text().replace("../store", listener.url))
    by_pull_request(world, listener.url)
    world.commit("both")
    assert set(world.verify("--level", "presence", code=1)) == {"remote-not-pinned"}
    assert listener.seen == []


def test_a_program_that_the_repository_names_for_a_remote_does_not_run(world: World) -> None:
    """With or without pins: a token command in the tracked file would be a program of the repository."""
    marker = world.root / "marker"
    path = world.work / ".dvc" / "config"
    path.write_text(
        "[core]\n    remote = storage\n['remote \"storage\"']\n    url = webdavs://127.0.0.1:9/x\n"
        f"    bearer_token_command = touch {marker}\n"
    )
    assert set(world.verify("--level", "presence", code=1)) == {"remote-not-pinned"}
    assert "bearer_token_command" in world.last["findings"][0]["message"]
    assert not marker.exists()


def test_init_pins_the_default_remote_that_the_repository_names(tmp_path: Path, world: World) -> None:
    fresh = tmp_path / "fresh"
    git(tmp_path, "init", "--quiet", "fresh")
    dvc(fresh, "init", "--quiet")
    dvc(fresh, "remote", "add", "--default", "storage", "s3://bucket/store")
    dvc(fresh, "remote", "modify", "storage", "endpointurl", "https://minio.example.org")
    dvc(fresh, "remote", "modify", "--local", "storage", "profile", "mine")
    for key in ("user.signingKey", "gpg.format", "user.name", "user.email"):
        git(fresh, "config", key, git(world.work, "config", key))
    invoke(fresh, "init")
    proposed = policyfile.proposal(fresh)
    assert proposed is not None
    assert {name: remote.url for name, remote in proposed.remotes.items()} == {
        "storage": "s3://bucket/store",
        "storage.endpointurl": "https://minio.example.org",
    }
    shown = invoke(fresh, "policy", "show")
    assert shown["policy"]["remotes"]["storage"] == {"url": "s3://bucket/store"}
    assert policies.parse(policies.serialise(proposed)) == proposed


S3 = {"url": "s3://bucket/store", "endpointurl": "https://minio.example.org", "use_ssl": "true", "verify": "false"}
S3_PINS = {"storage": "s3://bucket/store", "storage.endpointurl": "https://minio.example.org"}
CHANGES: dict[str, tuple[dict[str, str], bool]] = {
    "nothing": ({}, True),
    "another bucket": ({"url": "s3://evil/store"}, False),
    "another endpoint": ({"endpointurl": "https://evil.example.org"}, False),
    "an endpoint that only begins alike": ({"endpointurl": "https://minio.example.org.evil.example.org"}, False),
    "no TLS": ({"use_ssl": "false"}, False),
    "no check of the certificate": ({"ssl_verify": "false"}, False),
    "certificates of somebody else": ({"ssl_verify": "/evil/ca.pem"}, False),
    "another region": ({"region": "xx-evil-1"}, False),
    "no login": ({"allow_anonymous_login": "true"}, False),
    "everybody may read it": ({"acl": "public-read"}, False),
    "somebody else may read it": ({"grant_read": "id=1"}, False),
    "a key of somebody else": ({"sse_kms_key_id": "arn:evil"}, False),
    "a setting that nobody knows yet": ({"proxy": "http://evil.example.org"}, False),
    "a configuration of the repository's": ({"configpath": "evil.ini"}, False),
    "credentials of the repository's": ({"credentialpath": "evil.ini"}, False),
    "more jobs": ({"jobs": "9", "read_timeout": "3", "verify": "true"}, True),
    "the person's key": ({"access_key_id": "a", "secret_access_key": "b"}, True),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_setting_that_leads_traffic_elsewhere_must_be_the_pinned_one(change: str) -> None:
    settings, fine = CHANGES[change]
    remote = RemoteSettings("storage", True, {**S3, **settings}, frozenset({**S3, **settings}))
    found = pinned.faults(remote, S3_PINS, root="/repo", environ={})
    assert (found == []) == fine, found
    assert all(key in " ".join(found) for key in settings) or fine


@pytest.mark.parametrize("key", sorted(pinned.PERSONAL))
def test_who_asks_is_everybodys_own_but_not_the_repositorys(key: str) -> None:
    mine = RemoteSettings("storage", True, {**S3, key: "x"}, frozenset(S3))
    theirs = RemoteSettings("storage", True, {**S3, key: "x"}, frozenset({*S3, key}))
    assert pinned.faults(mine, S3_PINS, root="/repo", environ={}) == []
    assert pinned.faults(theirs, S3_PINS, root="/repo", environ={})
    assert pinned.faults(theirs, {**S3_PINS, f"storage.{key}": "x"}, root="/repo", environ={}) == []
    assert pinned.faults(mine, {**S3_PINS, f"storage.{key}": "y"}, root="/repo", environ={})


@pytest.mark.parametrize(
    ("url", "variable", "value"),
    [
        ("s3://bucket/store", "AWS_ENDPOINT_URL", "https://evil.example.org"),
        ("s3://bucket/store", "AWS_ENDPOINT_URL_S3", "https://evil.example.org"),
        ("gs://bucket/store", "STORAGE_EMULATOR_HOST", "http://evil.example.org"),
        ("oss://bucket/store", "OSS_ENDPOINT", "evil.example.org"),
    ],
)
def test_an_address_from_the_environment_counts_like_one_in_a_file(url: str, variable: str, value: str) -> None:
    remote = RemoteSettings("storage", True, {"url": url}, frozenset({"url"}))
    pins = {"storage": url}
    assert pinned.faults(remote, pins, root="/repo", environ={}) == []
    assert value in pinned.faults(remote, pins, root="/repo", environ={variable: value})[0]


def test_every_setting_that_dvc_knows_is_placed() -> None:
    """A new one in DVC's schema counts as one that leads elsewhere, until somebody has looked at it."""
    known = {str(key) for schema in REMOTE_SCHEMAS.values() for key in schema if not isinstance(key, type)}
    leading = {
        "url", "endpointurl", "region", "use_ssl", "ssl_verify", "allow_anonymous_login", "sse", "sse_kms_key_id",
        "sse_customer_algorithm", "acl", "grant_read", "grant_read_acp", "grant_write_acp", "grant_full_control", "port",
        "auth", "custom_auth_header", "method", "proxy_to", "data_proxy_target", "use_https", "replication",
        "account_name", "oss_endpoint",
    }  # fmt: skip
    assert known - pinned.FREE - pinned.SECRET - pinned.PERSONAL == leading
    assert not (pinned.FREE & pinned.SECRET) | (pinned.FREE & pinned.PERSONAL) | (pinned.SECRET & pinned.PERSONAL)


@pytest.mark.parametrize(
    ("pins", "default", "fine"),
    [
        ({"default": "s3://bucket/store"}, True, True),
        ({"default": "s3://bucket/store"}, False, False),
        ({"default": "s3://other/store"}, True, False),
        ({"storage": "s3://bucket/store/"}, False, True),
        ({"other": "s3://bucket/store"}, True, False),
        ({}, True, True),
    ],
)
def test_a_pin_is_by_name_or_for_the_default_remote(
    pins: dict[str, str],
    default: bool,  # noqa: FBT001
    fine: bool,  # noqa: FBT001
) -> None:
    remote = RemoteSettings("storage", default, {"url": "s3://bucket/store"}, frozenset({"url"}))
    assert (pinned.faults(remote, pins, root="/repo", environ={}) == []) == fine


def test_no_password_of_an_address_is_shown() -> None:
    settings = {"url": f"https://ci:{SECRET}@evil.example.org/", "connection_string": SECRET}
    remote = RemoteSettings("storage", True, settings, frozenset(settings))
    said = pinned.faults(remote, {"storage": "https://example.org/"}, root="/repo", environ=dict(os.environ))
    assert SECRET not in " ".join(said)
    assert len(said) == 2
