"""From a repository that a team has to a verified clone: draft, check, commit through the hook, record, clone, verify."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from arcgit.model.names import FIXITY_REF, fixity_tracking_ref
from tests.dvc.shapes import draft, take
from tests.world import Person, dvc, git, invoke

TRAIN = """\
model=$1 metrics=$2
mkdir -p "$(dirname "$model")" "$(dirname "$metrics")"
echo "weights $*" > "$model"
echo '{"auc": 0.91}' > "$metrics"
"""


STAGE = """\
stages:
  train:
    cmd: sh train.sh model.pkl metrics.json
    deps: [{deps}, train.sh]
    params: [lr]
    outs: [model.pkl]
    metrics:
      - metrics.json: {{cache: false}}
"""


def keep_in(project: Path, url: str) -> None:
    """Make a folder the default remote, as `dvc remote add --default` writes it; relative to the file."""
    (project / ".dvc" / "config").write_text(f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {url}\n")


class Team:
    """A repository with a hub, and what its people do to it."""

    def __init__(self, root: Path, person: Person) -> None:
        self.root = root
        self.work = root / "work"
        git(root, "init", "--quiet", "--bare", "hub.git")
        git(root, "init", "--quiet", "work")
        git(self.work, "remote", "add", "origin", "../hub.git")
        person.sign_as(self.work)

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def project(self, folder: str = "", store: str = "store") -> Path:
        """A DVC project with what a stage needs."""
        place = self.work / folder
        place.mkdir(exist_ok=True)
        dvc(place, "init", "--quiet", *(["--subdir"] if folder else []))
        keep_in(place, f"{'../' if folder else ''}../../{store}")
        files = {"data/raw.csv": f"1\n2\n{folder}\n", "params.yaml": "lr: 1e-3\n", "requirements.txt": "numpy\n"}
        self.write(
            {f"{folder}/{name}" if folder else name: text for name, text in {**files, "train.sh": TRAIN}.items()}
        )
        return place

    def seal(self, *folders: str) -> list[dict[str, Any]]:
        """Everything from `arcgit init` to a pushed record of each manifest."""
        invoke(self.work, "init", "--project", "shapes")
        for folder in folders or ("",):
            draft(self.work, folder)
        git(self.work, "add", "--all")
        git(self.work, "commit", "--quiet", "-m", "Turn arcgit on")
        git(self.work, "push", "--quiet", "origin", "main")
        assert invoke(self.work, "check")["findings"] == []
        return [
            invoke(self.work, "record", "--manifest", f"{folder}/arcgit.yaml".lstrip("/"))
            for folder in folders or ("",)
        ]

    def verify(self, code: int = 0) -> list[str]:
        """What a fresh clone finds when it looks at every byte."""
        clone = self.root / f"clone-{code}"
        git(self.root, "clone", "--quiet", "hub.git", clone.name)
        invoke(clone, "init")
        if git(clone, "ls-remote", "origin", FIXITY_REF):
            git(clone, "fetch", "--quiet", "origin", f"+{FIXITY_REF}:{fixity_tracking_ref('origin')}")
        document = invoke(clone, "verify", "--level", "fixity", code=code)
        return [finding["code"] for finding in document["findings"]]


@pytest.fixture
def team(tmp_path: Path, bob: Person, monkeypatch: pytest.MonkeyPatch) -> Team:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Team(tmp_path, bob)


def sealed(team: Team, tag: str) -> Any:
    message = git(team.work, "for-each-ref", "--format=%(contents:body)", f"refs/tags/{tag}")
    return json.loads(message.rpartition("Arcgit-Record: ")[2])["predicate"]


def test_a_matrix_is_sealed_with_every_item(team: Team) -> None:
    place = team.project()
    team.write({
        "dvc.yaml": "stages:\n  train:\n    matrix: {size: [1, 2], deep: [true, false]}\n"
        "    cmd: sh train.sh models/${key}.pkl metrics/${key}.json ${item.size}\n"
        '    deps: [data/raw.csv, train.sh]\n    params: [lr]\n    outs: ["models/${key}.pkl"]\n'
        "    metrics:\n      - metrics/${key}.json: {cache: false}\n"
    })  # fmt: skip
    dvc(place, "add", "--quiet", "data/raw.csv")
    dvc(place, "repro", "--quiet")
    (made,) = team.seal()
    record = sealed(team, made["tag"])
    assert [stage["name"] for stage in record["content"]["lineage"]["stages"]] == [
        f"train@{size}-{deep}" for size in (1, 2) for deep in ("false", "true")
    ]
    assert len(record["content"]["metrics"]) == 4
    assert team.verify() == []


def test_subprojects_keep_their_data_in_their_own_remotes(team: Team) -> None:
    for folder in ("left", "right"):
        place = team.project(folder, f"store-{folder}")
        dvc(place, "add", "--quiet", "data/raw.csv")
        (place / "dvc.yaml").write_text(STAGE.format(deps="data/raw.csv"))
        dvc(place, "repro", "--quiet")
    made = team.seal("left", "right")
    assert [sealed(team, row["tag"])["artifacts"]["raw"]["dvc"]["project"] for row in made] == ["left", "right"]
    assert team.verify() == []
    shutil.rmtree(team.root / "store-right")
    clone = team.root / "clone-0"
    [finding] = invoke(clone, "verify", "--level", "presence", code=3)["findings"]
    assert (finding["code"], finding["subject"]) == ("remote-unreachable", "remote storage")
    assert finding["message"].endswith("store-right")


def source_of(team: Team) -> Path:
    """Another team's DVC repository, with its own store."""
    source = team.root / "source"
    git(team.root, "init", "--quiet", "source")
    dvc(source, "init", "--quiet")
    keep_in(source, "../../their-store")
    (source / "parts").mkdir()
    for name in ("a", "b"):
        (source / "parts" / f"{name}.csv").write_text(f"{name}\n")
    (source / "kept.csv").write_text("kept\n")
    dvc(source, "add", "--quiet", "parts", "kept.csv")
    dvc(source, "push", "--quiet")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "-m", "Data")
    return source


def test_imported_data_is_looked_at_where_it_came_from(team: Team) -> None:
    source = source_of(team)
    place = team.project()
    dvc(place, "import", "--quiet", "../source", "parts", "-o", "data/parts")
    dvc(place, "import", "--quiet", "../source", "kept.csv", "-o", "data/kept.csv")
    (place / "data" / "raw.csv").unlink()
    (place / "dvc.yaml").write_text(STAGE.format(deps="data/parts, data/kept.csv"))
    dvc(place, "repro", "--quiet")
    (made,) = team.seal()
    rev = git(source, "rev-parse", "HEAD")
    assert sealed(team, made["tag"])["artifacts"]["parts"]["dvc"]["origin"]["rev_lock"] == rev
    assert team.verify() == []
    md5 = hashlib.md5(b"a\n", usedforsecurity=False).hexdigest()
    for store in (team.root / "their-store", source / ".dvc" / "cache"):
        path = store / "files" / "md5" / md5[:2] / md5[2:]
        path.chmod(0o644)
        path.write_text("z\n")
    assert team.verify(code=1) == ["object-corrupt"]
    shutil.rmtree(source)
    assert set(team.verify(code=3)) == {"source-unreadable"}


def legacy(store: Path, content: bytes, name: bytes | None = None, suffix: str = "") -> str:
    """An object as DVC 2 keeps it: below two digits of its hash, which is over text with the line ends of Unix."""
    oid = hashlib.md5(content if name is None else name, usedforsecurity=False).hexdigest()
    path = store / oid[:2] / f"{oid[2:]}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return oid


def test_objects_of_dvc_2_are_found_under_their_old_names(team: Team) -> None:
    take("dvc2", team.root / "fixture")
    shutil.rmtree(team.root / "fixture" / ".git")
    shutil.copytree(team.root / "fixture", team.work, dirs_exist_ok=True)
    keep_in(team.work, "../../store")
    text = b"id,label\r\n1,0\r\n"
    for store in (team.root / "store", team.work / ".dvc" / "cache"):
        oid = legacy(store, text, text.replace(b"\r\n", b"\n"))
        listing = json.dumps([{"md5": oid, "relpath": "a.csv"}]).encode()
        legacy(store, listing, suffix=".dir")
        legacy(store, b"weights model.pkl metrics.json\n")
    (made,) = team.seal()
    facts = sealed(team, made["tag"])["artifacts"]
    assert {facts[name]["dvc"]["hash"] for name in ("model", "raw", "train")} == {"md5-dos2unix"}
    assert facts["raw"]["sha256"] == hashlib.sha256(text).hexdigest()
    assert team.verify() == []


def test_a_repository_with_data_and_no_pipeline_is_sealed_with_a_warning(team: Team) -> None:
    place = team.project()
    team.write({"models/model.onnx": "weights\n", "data/train/a.csv": "1\n", "metrics.json": '{"auc": 0.9}\n'})
    (place / "data" / "raw.csv").rename(place / "data" / "train" / "raw.csv")
    dvc(place, "add", "--quiet", "data/train", "models/model.onnx")
    invoke(team.work, "init", "--project", "shapes")
    draft(team.work)
    git(team.work, "commit", "--quiet", "-m", "Turn arcgit on")
    git(team.work, "push", "--quiet", "origin", "main")
    found = invoke(team.work, "check")
    assert [(row["severity"], row["code"]) for row in found["findings"]] == [("warning", "lineage-broken")]
    invoke(team.work, "record")
    assert team.verify() == []


def test_each_manifest_in_its_folder_is_an_experiment(team: Team) -> None:
    """With metrics inside a directory that DVC keeps."""
    place = team.project()
    (place / "data" / "raw.csv").unlink()
    pipeline = (
        "stages:\n  train:\n    cmd: sh train.sh model.pkl eval/metrics.json\n"
        "    deps: [data/raw.csv, train.sh]\n    params: [lr]\n    outs: [model.pkl, eval]\n"
        "metrics: [eval/metrics.json]\n"
    )
    files = {"params.yaml": "lr: 1e-3\n", "requirements.txt": "numpy\n", "train.sh": TRAIN, "dvc.yaml": pipeline}
    for name in ("small", "large"):
        team.write({f"{name}/{file}": text for file, text in {**files, "data/raw.csv": name}.items()})
        dvc(place, "add", "--quiet", f"{name}/data/raw.csv")
    dvc(place, "repro", "--quiet", "--all-pipelines")
    made = team.seal("small", "large")
    record = sealed(team, made[0]["tag"])
    assert record["content"]["metrics"] == {"small/eval/metrics.json": {"auc": 0.91}}
    assert record["artifacts"]["eval"]["role"] == "metrics"
    again = invoke(team.work, "record", "--manifest", "small")
    assert (again["created"], again["tag"]) == (False, made[0]["tag"])
    assert team.verify() == []
