"""Cloud-versioned remotes: DVC keeps plain files there, and a record finds each by the version that DVC's files name."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest
import yaml

from arcgit.dvc.objects import ObjectId
from arcgit.dvc.opening import open_remote
from arcgit.dvc.versioned import Version
from tests.attacks.test_data import WANG_A, WANG_B
from tests.remotes.between import Change, Exchange, between
from tests.remotes.versions import Versions, sealed
from tests.world import MANIFEST, World, dvc, git, invoke, next_experiment

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed client session"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
NUMBERS = iter(range(10**6))
LEVELS = ("presence", "fixity")


BOTH = pytest.mark.parametrize("bucket", ["version_aware", "worktree"], indirect=True)
"""What DVC does when it pushes is another way with `worktree`; what it writes down is the same."""


@pytest.fixture
def bucket(request: pytest.FixtureRequest, world: World, endpoint: str) -> Versions:
    made = Versions(world, f"versions-{next(NUMBERS)}", endpoint)
    made.mode = getattr(request, "param", "version_aware")
    made.use()
    (world.work / "arcgit.yaml").write_text(MANIFEST.format(experiment="versions"))
    return made


def shown(world: World, name: str = "versions") -> dict[str, Any]:
    text = git(world.work, "cat-file", "tag", f"refs/tags/{world.tag(name)}")
    line = next(line for line in text.splitlines() if line.startswith("Arcgit-Record: "))
    facts: dict[str, Any] = json.loads(line.removeprefix("Arcgit-Record: "))["predicate"]["artifacts"]
    return facts


def codes(document: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in document["findings"]}


@BOTH
def test_record_says_that_dvc_must_push_first_and_seals_nothing(bucket: Versions, world: World) -> None:
    world.commit("settings")
    before = git(world.work, "for-each-ref")
    refused = world.arcgit("record", code=3)["error"]
    assert refused["code"] == "not-pushed"
    assert "dvc push" in refused["hint"]
    assert git(world.work, "for-each-ref") == before
    assert git(world.work, "status", "--porcelain") == ""


@BOTH
def test_a_versioned_record_is_verified_and_restored_from_the_remote_alone(bucket: Versions, world: World) -> None:
    assert sealed(world)["created"] is True
    assert git(world.work, "status", "--porcelain") == ""
    for level in LEVELS:
        assert world.verify("versions", "--level", level, code=0) == []
    assert world.last["scope"]["objects_checked"] >= 7
    facts = shown(world)
    assert facts["model"]["dvc"]["version"] == bucket.versions("model.pkl")[0]
    assert len(facts["train"]["dvc"]["versions"]) == 64
    clone = world.clone()
    shutil.copy(world.work / ".dvc" / "config.local", clone / ".dvc" / "config.local")
    invoke(clone, "sync")
    for level in LEVELS:
        assert world.verify("versions", "--level", level, cwd=clone, code=0) == []
    out = world.root / "out"
    document = invoke(clone, "restore", "versions", "--to", str(out))
    assert {row["source"] for row in document["files"]} == {"git", "storage"}
    for name in ("model.pkl", "data/train/1.csv", "data/test/0.csv"):
        assert (out / name).read_bytes() == (world.work / name).read_bytes()


def test_newer_versions_and_delete_markers_on_top_change_nothing(bucket: Versions, world: World) -> None:
    sealed(world)
    bucket.write("model.pkl", b"newer")
    bucket.write("data/train/0.csv", b"newer")
    bucket.remove("data/test/0.csv")
    bucket.remove("model.pkl")
    for level in LEVELS:
        assert world.verify("versions", "--level", level, code=0) == []
    shutil.rmtree(world.work / ".dvc" / "cache")
    assert world.arcgit("restore", "versions", "--to", str(world.root / "out"))["findings"] == []


@BOTH
def test_a_version_that_was_destroyed_is_missing_and_each_is_named(bucket: Versions, world: World) -> None:
    """Newer versions of the same bytes do not stand in for the one that was sealed."""
    sealed(world)
    for path in ("model.pkl", "data/train/0.csv", "data/train/2.csv"):
        data = bucket.read(path)
        (version,) = bucket.versions(path)
        bucket.write(path, data)
        bucket.destroy(path, version)
    tag = world.tag("versions")
    for level in LEVELS:
        assert set(world.verify("versions", "--level", level, code=1)) == {"object-missing"}
        named = {finding["subject"] for finding in world.last["findings"]}
        assert named == {f"{tag}: model", f"{tag}: train/0.csv", f"{tag}: train/2.csv"}
    shutil.rmtree(world.work / ".dvc" / "cache")
    done = world.arcgit("restore", "versions", "--to", str(world.root / "out"), code=1)
    assert codes(done) == {"object-missing"}
    assert (world.root / "out" / "data" / "train" / "1.csv").is_file()
    # A plain replica has the same objects by their hashes.
    with (world.work / ".dvc" / "config").open("a") as config:
        config.write("['remote \"replica\"']\n    url = ../../store\n")
    done = world.arcgit("restore", "versions", "--to", str(world.root / "out"))
    assert {row["source"] for row in done["files"]} <= {"git", "storage", "replica", None}
    assert (world.root / "out" / "model.pkl").read_bytes() == (world.work / "model.pkl").read_bytes()


def test_versions_swapped_in_dvcs_own_files_are_refused(bucket: Versions, world: World) -> None:
    """Somebody lets DVC's files name the version of other bytes: what is read back is not what was hashed."""
    dvc(world.work, "push", "--quiet")
    lock = world.work / "dvc.lock"
    good = bucket.versions("model.pkl")[0]
    bucket.write("model.pkl", b"x" * len(bucket.read("model.pkl")))
    lock.write_text(lock.read_text().replace(good, bucket.versions("model.pkl")[0]))
    world.commit("another version")
    assert world.arcgit("record", code=1)["error"]["code"] == "object-corrupt"
    lock.write_text(lock.read_text().replace(bucket.versions("model.pkl")[0], "f" * 32))
    world.commit("a version that there is not")
    missing = world.arcgit("record", code=3)["error"]
    assert missing["code"] == "object-missing"
    assert "cloud:" in missing["hint"]


def test_two_contents_with_one_md5_are_told_apart_by_sha256(bucket: Versions, world: World) -> None:
    (world.work / "weights.bin").write_bytes(WANG_A)
    dvc(world.work, "add", "--quiet", "weights.bin")
    manifest = world.work / "arcgit.yaml"
    manifest.write_text(manifest.read_text() + "  weights: {role: other, path: weights.bin}\n")
    dvc(world.work, "push", "--quiet")
    good = bucket.versions("weights.bin")[0]
    bucket.write("weights.bin", WANG_B)
    file = world.work / "weights.bin.dvc"
    file.write_text(file.read_text().replace(good, bucket.versions("weights.bin")[0]))
    world.commit("a colliding version")
    assert world.arcgit("record", code=1)["error"]["code"] == "md5-collision"


def test_the_same_bytes_pushed_again_are_the_record_that_there_is(bucket: Versions, world: World) -> None:
    first = sealed(world)
    bucket.write("model.pkl", bucket.read("model.pkl"))
    lock = world.work / "dvc.lock"
    newer, older = bucket.versions("model.pkl")
    lock.write_text(lock.read_text().replace(older, newer))
    world.commit("another version of the same bytes")
    again = world.arcgit("record")
    assert (again["created"], again["tag"]) == (False, first["tag"])


def test_without_the_version_list_nobody_can_tell(bucket: Versions, world: World) -> None:
    sealed(world)
    clone = world.clone()
    shutil.copy(world.work / ".dvc" / "config.local", clone / ".dvc" / "config.local")
    git(clone, "fetch", "--quiet", "origin", "+refs/notes/arcgit:refs/notes/origin/arcgit")
    assert set(world.verify("versions", "--level", "presence", cwd=clone, code=3)) == {"fixity-list"}


def test_what_records_need_is_listed_with_its_versions(bucket: Versions, world: World) -> None:
    """A record of a versioned remote, beside those before, whose objects are only in DVC's cache."""
    sealed(world)
    listed = world.arcgit("protected")
    rows = {row["path"]: row for row in listed["objects"]}
    versions = [row for row in listed["objects"] if row["path"] == "model.pkl" and "versions" in row]
    assert [row["versions"] for row in versions] == [
        [{"remote": "storage", "path": "model.pkl", "id": bucket.versions("model.pkl")[0]}]
    ]
    assert rows["data/train/0.csv"]["versions"][0]["id"] == bucket.versions("data/train/0.csv")[0]
    refused = world.arcgit("gc", "--workspace", "--cloud", "--force", code=3)
    assert refused["error"]["code"] == "gc-failed"
    assert refused["error"]["hint"] == "arcgit gc without --cloud"
    assert bucket.versions("model.pkl")


def test_a_bucket_that_is_down_or_does_not_let_in_is_no_missing_version(bucket: Versions, world: World) -> None:
    sealed(world)
    bucket.forget_password()
    assert set(world.verify("versions", "--level", "presence", code=3)) <= {"object-unreadable", "remote-unreachable"}
    bucket.unplug()
    assert world.verify("versions", "--level", "fixity", code=3) == ["remote-unreachable"]


def test_dvc_writes_what_arcgit_reads(bucket: Versions, world: World) -> None:
    """The version ids of DVC's own files, so that a change of DVC is noticed."""
    dvc(world.work, "push", "--quiet")
    lock = yaml.safe_load((world.work / "dvc.lock").read_text())
    train = next(out for out in lock["stages"]["prepare"]["outs"] if out["path"] == "data/train")
    assert {row["relpath"]: row["cloud"]["storage"]["version_id"] for row in train["files"]} == {
        f"{number}.csv": bucket.versions(f"data/train/{number}.csv")[0] for number in range(3)
    }


def test_a_setting_that_was_taken_away_makes_no_version_missing(bucket: Versions, world: World) -> None:
    """Nobody looks for versions then; what was pushed by its hash since is found all the same."""
    sealed(world)
    bucket.configure({bucket.mode: "false"})
    for level in LEVELS:
        assert set(world.verify("versions", "--level", level, code=3)) == {"object-unreadable"}
        assert all("version_aware true" in finding["message"] for finding in world.last["findings"])
    shutil.copytree(world.work / ".dvc" / "cache", world.root / "kept")
    shutil.rmtree(world.work / ".dvc" / "cache")
    assert codes(world.arcgit("restore", "versions", "--to", str(world.root / "out"), code=3)) == {"object-unreadable"}
    for path in (world.root / "kept" / "files").rglob("*"):
        if path.is_file():
            bucket.write(path.relative_to(world.root / "kept").as_posix(), path.read_bytes())
    for level in LEVELS:
        assert world.verify("versions", "--level", level, code=0) == []


def by_hash(world: World, bucket: Versions) -> None:
    """What was pushed before the remote was cloud-versioned: every object of the world by its hash, in the same bucket."""
    for path in (world.work / ".dvc" / "cache" / "files").rglob("*"):
        if path.is_file():
            bucket.write(path.relative_to(world.work / ".dvc" / "cache").as_posix(), path.read_bytes())


def test_what_was_pushed_before_there_were_versions_is_found_by_its_hash(bucket: Versions, world: World) -> None:
    """The remote of older records was made cloud-versioned later; their objects lie where they lay."""
    by_hash(world, bucket)
    sealed(world)
    for level in LEVELS:
        assert world.verify("--level", level, code=0) == []
    md5 = world.object_path("model.pkl")
    key = f"files/md5/{md5.parent.name}/{md5.name}"
    shutil.rmtree(world.work / ".dvc" / "cache")
    out = world.root / "out"
    assert world.arcgit("restore", "deep", "--to", str(out))["findings"] == []
    assert (out / "model.pkl").read_bytes() == (world.work / "model.pkl").read_bytes()
    bucket.write(key, b"x" * len(bucket.read(key)))
    assert world.verify("--level", "fixity", code=1) == ["object-corrupt"]
    bucket.remove(key)
    assert world.verify("--level", "presence", code=1) == ["object-missing"]
    (found,) = world.last["findings"]
    assert found["subject"] == f"{world.tag('deep')}: model"
    assert "arcgit restore" in found["hint"]


def test_a_cloud_versioned_remote_takes_no_copies_and_says_so_at_once(bucket: Versions, world: World) -> None:
    """Whether it is the remote of the record or another one; no next step leads there."""
    sealed(world)
    for arguments in (("versions",), ("versions", "--dry-run"), ("deep",), ()):
        refused = world.arcgit("replicate", "storage", *arguments, code=3)["error"]
        assert refused["code"] == "remote-unsupported"
        assert "version_aware" in refused["hint"]
    world.verify("--level", "presence", code=1)
    assert not any("arcgit replicate storage" in finding["hint"] for finding in world.last["findings"])
    bucket.destroy("model.pkl", bucket.versions("model.pkl")[0])
    shutil.rmtree(world.work / ".dvc" / "cache")
    done = world.arcgit("restore", "versions", "--to", str(world.root / "out"), code=1)
    assert not any("arcgit replicate storage" in finding["hint"] for finding in done["findings"])


def test_the_cache_keeps_what_another_records_version_does_not_stand_in_for(bucket: Versions, world: World) -> None:
    """The same bytes in two records: one names a version, and the other one has nothing in the remote."""
    sealed(world)
    next_experiment(world.work, "next", "lr: 0.9\nepochs: 4\n")
    dvc(world.work, "push", "--quiet")
    world.commit("next")
    planned = world.arcgit("gc", "--workspace", "--dry", code=1)
    shared = next(row for row in planned["objects"] if world.tag("versions") in row["records"])
    assert shared["records"] == [world.tag("deep"), world.tag("versions")]
    assert shared["held"] == "missing"
    named = {finding["subject"] for finding in planned["findings"] if finding["code"] == "protected-object"}
    assert world.tag("deep") in named
    assert world.tag("versions") not in named
    by_hash(world, bucket)
    planned = world.arcgit("gc", "--workspace", "--dry")
    assert {row["held"] for row in planned["objects"] if row["records"]} == {"proven"}


def test_a_bucket_that_keeps_no_versions_seals_nothing(bucket: Versions, world: World) -> None:
    """What is put there next would take the place of what the record points to."""
    dvc(world.work, "push", "--quiet")
    suspended = {"Bucket": bucket.name, "VersioningConfiguration": {"Status": "Suspended"}}
    bucket.fs.call_s3("put_bucket_versioning", **suspended)
    kept = bucket.versions("model.pkl")[0]
    bucket.write("model.pkl", bucket.read("model.pkl"))
    assert "null" in bucket.versions("model.pkl")
    lock = world.work / "dvc.lock"
    lock.write_text(lock.read_text().replace(kept, "'null'"))
    world.commit("suspended")
    before = git(world.work, "for-each-ref")
    refused = world.arcgit("record", code=1)["error"]
    assert refused["code"] == "version-not-kept"
    assert git(world.work, "for-each-ref") == before


def test_the_version_of_one_remote_is_not_asked_of_another(bucket: Versions, world: World) -> None:
    """Each storage has ids of its own; the same id may name anything elsewhere."""
    config = world.work / ".dvc" / "config"
    config.write_text(f"{config.read_text()}['remote \"other\"']\n    url = s3://elsewhere\n    version_aware = true\n")
    oid = ObjectId("md5", "ab" * 16, Version("storage", "model.pkl", "v1"))
    assert "versionId=v1" in open_remote(world.work, "storage").path(oid)
    assert open_remote(world.work, "other").path(oid) == f"elsewhere/files/md5/ab/{'ab' * 15}"


LIES: dict[str, Change] = {
    "the newest version in the place of the one that was asked for": lambda exchange: exchange.replace(b"x"),
    "a delete marker": lambda exchange: exchange.answer(
        405, b"<Error><Code>MethodNotAllowed</Code></Error>", "text/xml"
    ),
    "no such version": lambda exchange: exchange.answer(404, b"<Error><Code>NoSuchVersion</Code></Error>", "text/xml"),
}
FOUND = {
    "the newest version in the place of the one that was asked for": (1, "object-corrupt"),
    "a delete marker": (3, "object-unreadable"),
    "no such version": (1, "object-missing"),
}


@pytest.mark.parametrize("what", LIES)
def test_a_server_that_gives_another_answer_for_a_version_proves_nothing(
    what: str, bucket: Versions, world: World, endpoint: str
) -> None:
    sealed(world)

    def lie(exchange: Exchange) -> None:
        if exchange.asks("GET", "model.pkl") and "versionId" in exchange.path:
            LIES[what](exchange)

    with between(endpoint) as liar:
        liar.lie = lie
        bucket.answered_by(liar.url)
        bucket.configure({})
        code, found = FOUND[what]
        assert world.verify("versions", "--level", "fixity", code=code) == [found]
        shutil.rmtree(world.work / ".dvc" / "cache")
        done = world.arcgit("restore", "versions", "--to", str(world.root / "out"), code=code)
        assert codes(done) == {found}
        assert not (world.root / "out" / "model.pkl").exists()
