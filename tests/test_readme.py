"""The README says what the program says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _run(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "twinseed", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_help_text_is_the_programs() -> None:
    (block,) = re.findall(r"```text\n(Usage: twinseed.*?)```", README, flags=re.DOTALL)
    assert block.split() == _run("--help").replace("python -m twinseed", "twinseed").split()


def test_every_command_that_the_readme_names_is_there() -> None:
    named = set(re.findall(r"^(?:\S*/)?twinseed ([a-z]+)", README, flags=re.MULTILINE))
    assert named >= {"ideas", "expand", "pair", "page", "doctor"}
    assert named <= set(re.findall(r"^  ([a-z]+)  ", _run("--help"), flags=re.MULTILINE))


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_every_local_link_leads_somewhere(link: str) -> None:
    assert link.startswith("http") or (ROOT / link).exists()
