from pathlib import Path
from tests.world import World
import json


def test_x(world: World, tmp_path: Path) -> None:
    d = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"), "-m", "look")
    d2 = world.arcgit("restore", "deep", "--to", str(tmp_path / "out"))
    print(json.dumps(d, indent=1))
    print(json.dumps(d2["counts"]), d2["event"])
    from arcgit.cli.app import run
    import shutil

    shutil.rmtree(world.work / ".dvc" / "cache")
    run(["-C", str(world.work), "restore", "deep", "--dry-run"])
    run(["-C", str(world.work), "restore", "deep", "--to", str(tmp_path / "o2")])
    run(
        ["-C", str(world.work), "restore", "deep", "--only", "data/train/*1.csv", "model", "--to", str(tmp_path / "o3")]
    )
    import subprocess

    print(
        subprocess.run(
            ["find", str(tmp_path / "out"), str(tmp_path / "o2"), str(tmp_path / "o3")], capture_output=True, text=True
        ).stdout
    )
    assert 0
