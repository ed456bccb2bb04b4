"""The pages about the formats: their examples are real and parse, and every file of vectors is named on one."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from arcgit.archive import pin
from arcgit.model import canonical, fixity, gitobject, manifest, notetree, policy, record, tagmessage
from arcgit.model import event as events
from arcgit.model.names import RecordName
from arcgit.signing.keys import PublicKey
from arcgit.signing.verify import Keyring, SignatureStatus
from tests.compat.test_compat import FOLDER as ARCHIVES
from tests.vectors.cases import FOLDER as VECTORS
from tests.vectors.cases import document
from tests.world import World, git, invoke

ROOT = Path(__file__).parent.parent
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "formats").glob("*.md")}
BLOCK = re.compile(r"^```([a-z- ]+)\n(.*?\n)```$", re.DOTALL | re.MULTILINE)
BLOCKS = {word: text for page in PAGES.values() for word, text in BLOCK.findall(page)}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, isolated_home: Path) -> Path:
    """The archive of the first version, whose objects the pages show."""
    folder = tmp_path_factory.mktemp("docs")
    git(folder, "clone", "--quiet", "--mirror", str(ARCHIVES / "v1" / "archive.bundle"), "repo.git")
    return folder / "repo.git"


def has(repo: Path, kind: str, text: str) -> bool:
    """True where the archive has an object of these bytes."""
    return git(repo, "cat-file", "-t", gitobject.object_id(kind, text.encode())) == kind


def test_every_page_names_its_vectors() -> None:
    named = {
        page: set(re.findall(r"`([a-z-]+)\.json`", text.rpartition("Vectors: ")[2])) for page, text in PAGES.items()
    }
    pages = set(PAGES) - {"README", "json-output"}
    assert [page for page in pages if not PAGES[page].rpartition("\n\n")[2].startswith("Vectors: ")] == []
    files = {path.stem for path in VECTORS.glob("*.json")}
    assert set().union(*(named[page] for page in pages)) == files
    assert set(re.findall(r"^\| `([a-z-]+)\.json`", PAGES["README"], re.MULTILINE)) == files


def test_every_page_is_in_the_table() -> None:
    assert set(re.findall(r"^\| \[([a-zA-Z-]+)\.md\]", PAGES["README"], re.MULTILINE)) == set(PAGES) - {"README"}


def test_the_record_and_its_tag(archive: Path) -> None:
    tag = gitobject.parse_tag(BLOCKS["tag"].encode())
    assert has(archive, "tag", BLOCKS["tag"])
    readable, data = tagmessage.split_message(tag.message)
    sealed, name = record.parse(data), RecordName.parse(f"refs/tags/{tag.name}")
    assert name is not None
    assert readable == tagmessage.readable(sealed, name)
    assert canonical.dumps(json.loads(BLOCKS["record"])) == data


def test_the_ledger_commit(archive: Path) -> None:
    found = gitobject.parse_commit(BLOCKS["commit"].encode())
    assert has(archive, "commit", BLOCKS["commit"])
    event = events.parse_message(found.message)
    assert events.message(event) == found.message
    assert notetree.note_line(event) in BLOCKS["note"].splitlines()


def test_the_note(archive: Path) -> None:
    assert has(archive, "blob", BLOCKS["note"])


def test_the_fixity_list(archive: Path) -> None:
    data = BLOCKS["fixity"].encode()
    digest = canonical.sha256(data)
    assert fixity.serialise(fixity.parse(data)) == data
    assert has(archive, "blob", BLOCKS["fixity"])
    assert digest in BLOCKS["record"]
    assert f"refs/arcgit/fixity:{digest[:2]}/{digest[2:]} > list" in PAGES["fixity"]


def test_the_policy_and_its_approval() -> None:
    text = canonical.dumps(json.loads(BLOCKS["policy"])).decode()
    found, approval = policy.parse(text), json.loads(BLOCKS["approval"])
    payload = BLOCKS["payload"].rstrip("\n").encode()
    stated = canonical.parse(payload)
    assert payload == policy.approval_payload(
        archive=found.archive, version=found.version, previous=stated["previous"], policy=policy.digest(text)
    )
    key = next(key for key in found.people[approval["person"]].keys if key.fingerprint == approval["fingerprint"])
    ring = Keyring([PublicKey(key.type, key.fingerprint, key.public_key)])
    checked = ring.verify(payload, approval["signature"].encode(), policy.NAMESPACE)
    assert checked.status is SignatureStatus.GOOD


def test_the_signature_is_one_of_the_vectors() -> None:
    shown = [case for case in document("signature")["cases"] if case["signature"] == BLOCKS["ssh-signature"]]
    assert shown[0]["status"] == "good"
    assert shown[0]["payload"].replace("\n", "\\n") in PAGES["signatures"]


def test_the_rev_matches() -> None:
    revs = [case["rev"] for case in document("matching")["cases"] if case["matches"]]
    assert json.loads(BLOCKS["rev"]) in revs


def test_the_small_examples(tmp_path: Path) -> None:
    assert canonical.parse(BLOCKS["canonical"].rstrip("\n").encode())
    assert manifest.parse(BLOCKS["manifest"].encode(), "arcgit.yaml")[1] == []
    value = json.loads(BLOCKS["pin"])
    path = pin.path_of(tmp_path, value["archive"])
    path.parent.mkdir()
    path.write_text(BLOCKS["pin"])
    assert pin.load(tmp_path, value["archive"]) is not None
    assert canonical.dumps(value).decode() + "\n" == BLOCKS["pin"]


def test_the_table_of_what_is_escaped_is_the_codes() -> None:
    """Every range of the table, and nothing beside it."""
    table = PAGES["tag"].rpartition("| code points | |")[2]
    rows = [line.split("|")[1] for line in table.splitlines()[2:] if line.startswith("|")]
    ranges = re.findall(r"([0-9A-F]+)(?:\u2013([0-9A-F]+))?", " ".join(rows))
    listed = {code for first, last in ranges for code in range(int(first, 16), int(last or first, 16) + 1)} | {0x5C}
    from arcgit.model.text import escape  # noqa: PLC0415

    assert {code for code in range(0x110000) if escape(chr(code)) != chr(code)} == listed


def test_every_code_of_the_table_of_faults_is_one_of_arcgits() -> None:
    """And every code of the vectors is in the table."""
    source = "".join(path.read_text() for path in (ROOT / "arcgit").rglob("*.py"))
    rows = [line.split("|")[2] for line in PAGES["faults"].splitlines() if line.startswith("| ")]
    codes = {code for row in rows for code in re.findall(r"`([a-z0-9-]+)`", row)}
    assert [code for code in codes if f'"{code}"' not in source] == []
    found = {
        code.lstrip("?") for name in ("tag", "ledger") for case in document(name)["cases"] for code in case["codes"]
    }
    assert found - codes == {"signature-bad", "signature-weak", "signer-unknown"}
    assert all(f"`{code}`" in PAGES["signatures"] for code in found - codes)


def shape(value: Any) -> Any:
    """The keys of a document, of the first item where there is a list."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in {"params", "metrics", "data"}}
    return [shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


def test_documents_are_as_they_are_shown(world: World) -> None:
    """Real output of every command has the fields of its example."""
    shown = {word.partition(" ")[2]: json.loads(text) for word, text in BLOCKS.items() if word.startswith("json ")}
    found = {
        "verify": world.arcgit("verify", "--level", "fixity", "--cross-check", "all"),
        "list": world.arcgit("list"),
        "log": world.arcgit("log"),
        "record": world.arcgit("record"),
        "draft": world.arcgit("draft"),
        "sync": world.arcgit("sync"),
        "init": world.arcgit("init"),
        "error": invoke(world.root, "list", code=None),
    }
    (world.work / "arcgit.yaml").write_text("schema: arcgit/manifest/v1\nproject: p\nexperiment: e\n")
    found["check"] = world.arcgit("check", code=1)
    assert shown.keys() == found.keys()
    for name, value in found.items():
        for part in ("hooks", "findings", "unreadable"):
            if not value.get(part):
                value.pop(part, None)
                shown[name].pop(part, None)
        assert shape(value) == shape(shown[name]), name
        assert value["schema"] == shown[name]["schema"]


def test_show_has_the_fields_that_are_named(world: World) -> None:
    row = set(world.arcgit("list")["records"][0])
    more = set(world.arcgit("show", world.tag())["record"]) - row
    said = PAGES["json-output"].partition("`show` has the fields")[2].partition("\n\n")[0]
    assert more == set(re.findall(r"`([a-z_]+)`", said))
