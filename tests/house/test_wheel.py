"""The wheel: what is in it, and that it is enough, outside the checkout. `make wheel` does the same with all that pip
installs, in an environment made for it."""

from __future__ import annotations

import os
import subprocess
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

builders = pytest.importorskip("hatchling.builders.wheel", reason="hatchling, of the extra dev, is not here")

ROOT = Path(__file__).parents[2]
OURS = ("commands", "compare", "generate", "ideation", "templates")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip builds it, without the isolation."""
    (built,) = builders.WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")))
    return Path(built)


def wanted() -> Iterator[str]:
    for package in OURS:
        for file in (ROOT / package).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts and "training" not in file.parts:
                yield file.relative_to(ROOT).as_posix()


def test_the_wheel_has_all_that_is_ours_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        entry_points = opened.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
        metadata = opened.read(next(name for name in names if name.endswith("METADATA"))).decode()
    files = {name for name in names if ".dist-info/" not in name}
    assert files == {*wanted(), "twinseed.py"}
    for file in (
        "generate/seedling/model/unet/diffusion_pytorch_model.safetensors",
        "generate/seedling/clip/model.safetensors",
        "templates/reports/card/card.html.j2",
        "templates/locale/zh-TW.yaml",
        "ideation/draw/lists/topics.yaml",
        "compare/homework/bundle.schema.json",
        "ideation/py.typed",
    ):
        assert file in files
    kept = {name.partition(".dist-info/")[2] for name in names - files}
    assert kept == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "licenses/NOTICE"}
    assert "twinseed = twinseed:main" in entry_points
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for extra in extras:
        assert f"Provides-Extra: {extra}\n" in metadata
    assert wheel.stat().st_size < 45_000_000


def test_it_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own, with the libraries of this one: what is not told by it is whether the dependencies
    that the wheel names are all."""
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    (packages,) = (tmp_path / "env").rglob("site-packages")
    (packages / "libraries.pth").write_text(str(Path(yaml.__file__).parents[1]), encoding="utf-8")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(packages)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    code = (
        "import sys, twinseed, templates, compare.notebook; print(twinseed.__file__, templates.__file__); "
        "print(twinseed.expand('一隻貓在開車').simple); twinseed.main()"
    )
    done = subprocess.run(
        [python, "-c", code, "list", "styles"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    places, simple, *styles = done.stdout.splitlines()
    assert str(ROOT) not in places
    assert places.count(str(packages)) == 2
    assert simple == "a cat driving a car"
    assert len(styles) > 5
