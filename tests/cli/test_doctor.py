"""`arcgit doctor`: what it says of the hooks is what they do, seen by pushes to a scratch repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from arcgit.cli.app import run
from tests import zygote
from tests.hooks.pushing import refs
from tests.world import World, git, invoke

BAD = 8


def probes(document: Any, road: str) -> dict[str, str]:
    return {row["event"]: row[road] for row in document["probes"]}


def test_with_our_hooks_every_bad_push_is_seen_and_pre_commit_misses_most(world: World) -> None:
    before, head = refs(world.hub), refs(world.work)
    document = world.arcgit("doctor")
    assert document["schema"] == "arcgit/doctor/v1"
    for road in ("pre_push", "server"):
        said = list(probes(document, road).values())
        assert (said.count("seen"), said.count("passes")) == (BAD, 1)
    missed = {event for event, said in probes(document, "pre_commit").items() if said == "unseen"}
    assert missed >= {
        "a new tag on an old commit",
        "a record deleted",
        "the ledger deleted",
        "several refs, one of them bad",
    }
    assert document["tools"]["git"].startswith("git version")
    assert [row["outcome"] for row in document["hooks"]] == ["active"] * 3
    assert document["fetch"] == [{"remote": "origin", "ledger": True, "tags": True}]
    assert document["pins"][0]["seq"] == 5
    assert document["advice"] == []
    assert (refs(world.hub), refs(world.work)) == (before, head)


def test_a_hook_that_lets_everything_through_is_found_out(world: World) -> None:
    """It is not asked what it is, but what it does."""
    hook = world.work / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\n# arcgit-hook 1\nexit 0\n")
    document = world.arcgit("doctor", code=1)
    assert set(probes(document, "pre_push").values()) == {"unseen", "passes"}
    assert any("a record deleted" in line and "arcgit hooks install" in line for line in document["advice"])


def test_without_hooks_and_settings_it_names_what_to_type(world: World) -> None:
    world.arcgit("hooks", "uninstall")
    git(world.work, "config", "--unset", "remote.origin.tagOpt")
    document = world.arcgit("doctor", "--no-probes", code=1)
    assert document["probes"] == []
    assert [row["outcome"] for row in document["hooks"]] == ["inactive"] * 3
    assert "pre-push: arcgit hooks install" in document["advice"]
    assert any(line.endswith("arcgit init") for line in document["advice"])


def test_in_a_bare_repository_it_tries_the_hook_that_is_installed_there(world: World) -> None:
    invoke(world.hub, "hooks", "install", "--server", "here")
    document = invoke(world.hub, "doctor")
    assert set(probes(document, "pre_push").values()) == {"not asked"}
    assert list(probes(document, "server").values()).count("seen") == BAD
    invoke(world.hub, "hooks", "uninstall", "--server", "here")
    assert (
        "pre-receive: arcgit hooks install --server here"
        in invoke(world.hub, "doctor", "--no-probes", code=1)["advice"]
    )


@pytest.mark.parametrize("where", ["work", "hub"])
def test_the_page_is_for_people(world: World, capsys: pytest.CaptureFixture[str], where: str) -> None:
    from arcgit.cli.app import run  # noqa: PLC0415

    folder: Path = getattr(world, where if where == "hub" else "work")
    run(["-C", str(folder), "doctor", "--no-probes"])
    shown = capsys.readouterr().out
    assert "Tools" in shown
    assert "Hooks" in shown


def told(document: Any) -> dict[str, str]:
    return {row["flags"]: row["outcome"] for row in document["gc"]}


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def test_it_says_what_each_usual_dvc_gc_would_destroy_and_destroys_nothing(world: World) -> None:
    before = everything(world.store) | everything(world.work / ".dvc" / "cache")
    document = world.arcgit("doctor", "--no-probes")
    assert told(document) == {
        "--workspace": "harmless",
        "--all-branches": "harmless",
        "--all-tags": "harmless",
        "--all-commits": "harmless",
        "--workspace --cloud": "destroys",
        "--all-branches --cloud": "destroys",
        "--all-tags --cloud": "harmless",
        "--all-commits --cloud": "harmless",
    }
    rows = {row["flags"]: row for row in document["gc"]}
    assert rows["--workspace --cloud"]["records"] == [world.tag("baseline"), world.tag("wide")]
    assert rows["--workspace --cloud"]["objects"] == 2
    assert document["advice"] == [], "a plain dvc gc is no fault of what is here"
    assert everything(world.store) | everything(world.work / ".dvc" / "cache") == before


@pytest.mark.parametrize("arguments", [["doctor", "--no-probes"], ["gc", "--workspace", "--dry"]])
def test_dvc_says_nothing_in_between_of_objects_that_it_removed(world: World, arguments: list[str]) -> None:
    """It logs to standard output what it thinks it did, and there is one document there."""
    done = zygote.command("arcgit", *arguments, "--json", cwd=world.work)
    assert done.returncode == 0
    assert json.loads(done.stdout)
    assert "Removed" not in done.stdout + done.stderr


def test_what_only_the_cache_has_is_destroyed_by_a_dvc_gc_without_cloud(world: World) -> None:
    world.object_path("model.pkl").unlink()
    git(world.work, "checkout", "--quiet", "HEAD~1")
    rows = {row["flags"]: row for row in world.arcgit("doctor", "--no-probes")["gc"]}
    assert rows["--workspace"]["outcome"] == "destroys"
    assert rows["--workspace"]["records"] == [world.tag("deep")]


def test_a_remote_elsewhere_is_not_asked_unless_that_is_wanted(world: World) -> None:
    from tests.servers import http_server  # noqa: PLC0415

    asked: list[str] = []

    def answer(method: str, path: str, before: int) -> tuple[int, bytes, int | None] | None:
        asked.append(path)
        return 404, b"", None

    with http_server(answer) as url:
        config = world.work / ".dvc" / "config"
        config.write_text(f"[core]\n    remote = storage\n['remote \"storage\"']\n    url = {url}/store\n")
        document = world.arcgit("doctor", "--no-probes")
        assert asked == []
        assert {said for flags, said in told(document).items() if "cloud" in flags} == {"not known"}
        assert all("was not asked" in row["reason"] for row in document["gc"] if "cloud" in row["flags"])
        world.arcgit("doctor", "--no-probes", "--network")
        assert asked


def test_listings_that_the_cache_lacks_are_not_brought_for_a_look(world: World) -> None:
    """To bring one would be to write, and without it DVC takes a directory's files for unused."""
    clone = world.clone()
    invoke(clone, "init")
    document = invoke(clone, "doctor", "--no-probes", code=None)
    rows = {row["flags"]: row for row in document["gc"]}
    assert rows["--all-tags --cloud"]["outcome"] == "not known"
    assert "not in DVC's cache" in rows["--all-tags --cloud"]["reason"]
    assert not list((clone / ".dvc").rglob("*.dir"))


def test_the_page_of_a_bare_repository_has_the_one_road_that_leads_there(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.arcgit("hooks", "install", "--server", "here", cwd=world.hub)
    assert run(["-C", str(world.hub), "doctor"]) == 0
    out = capsys.readouterr().out
    assert "Pushed to a scratch repository          server\n" in out
    assert "server: pre-receive and update, as far as they are installed here." in out
    assert "pre-push" not in out
    assert "not asked" not in out
    assert "that arcgit ships" not in out
