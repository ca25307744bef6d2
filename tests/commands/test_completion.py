"""Completion: each shell gets its script, and asked by it the program names what can follow, without torch."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Twinseed

from commands.terminal.completion import VARIABLE
from generate.choices import find_performance, find_preset, find_style
from generate.schedulers.table import find_scheduler
from generate.seedling import SEEDLING_FOLDER

ROOT = Path(__file__).parents[2]
BASH = shutil.which("bash") or ""
PROGRAM = """
import sys
from commands.terminal import completion as c
assert all(one("") for one in (c.styles, c.presets, c.performance_levels, c.schedulers, c.models, c.expanders))
assert not {"torch", "diffusers", "transformers", "numpy"} & set(sys.modules)
"""


Completed = Callable[[str], list[str]]


@pytest.fixture
def completed(twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch) -> Completed:
    """What bash is offered for the last of the words typed after `twinseed`."""

    def offered(typed: str) -> list[str]:
        monkeypatch.setenv(VARIABLE, "complete_bash")
        words = ["twinseed", *typed.split(" ")]
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        done = twinseed()
        assert (done.code, done.err) == (0, "")
        return done.out.splitlines()

    return offered


def test_names(completed: Completed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert completed("ex") == ["expand", "examine"]
    assert "--scheduler" in completed("pair --s")
    for option, part, find in (
        ("--style", "oil", find_style),
        ("--preset", "", find_preset),
        ("--performance", "ext", find_performance),
        ("--scheduler", "dpm", find_scheduler),
    ):
        names = completed(f"pair {option} {part}")
        assert names
        for name in names:
            assert shlex.split(name) == [name], "no quotation marks are needed"
            assert find(name).name
    assert completed("pair --model see") == ["seedling"]
    assert completed("expand --expander off") == ["offline"]
    assert completed("pair --with ladder,att") == ["ladder,attention"]
    assert completed("pair --with lad") == ["ladder"]
    for name in ("20260102-000000-a-cat-1", "20260101-000000-a-dog-7"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").touch()
    monkeypatch.setenv("TWINSEED_RUNS", str(tmp_path))
    assert completed("report ") == ["last", "20260102-000000-a-cat-1", "20260101-000000-a-dog-7"]
    assert completed("verify 20260101") == ["20260101-000000-a-dog-7"]


def test_a_model_with_a_space(completed: Completed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(SEEDLING_FOLDER, tmp_path / "my model")
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    assert completed("pair --model my") == ["my\\ model"]


def test_nothing_heavy_is_loaded() -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_scripts(shell: str, twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("--show-completion", shell)
    assert (done.code, done.err) == (0, "")
    assert VARIABLE in done.out
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(done.out)
        subprocess.run([shell, "-n", str(script)], check=True, timeout=60)


@pytest.mark.skipif(not BASH, reason="no bash here")
def test_in_bash(twinseed: Twinseed, tmp_path: Path) -> None:
    """From the script to the words, as bash does it."""
    (tmp_path / "twinseed").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT / "twinseed.py"}" "$@"\n')
    (tmp_path / "twinseed").chmod(0o700)
    script = (
        f'PATH="{tmp_path}:$PATH"\n{twinseed("--show-completion", "bash").out}'
        'COMP_WORDS=(twinseed pair --style oil) COMP_CWORD=3\n_twinseed_completion twinseed\necho "${COMPREPLY[*]}"'
    )
    done = subprocess.run([BASH, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["oil-painting"]


def test_another_shell(twinseed: Twinseed) -> None:
    done = twinseed("--show-completion", "tcsh")
    assert done.code == 2
    assert "'tcsh' is not one of" in done.err
