"""README and docs say what the program says, and every command in them is one that it understands."""

from __future__ import annotations

import importlib.util
import re
import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import typer

from commands.program import app

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "README.zh-TW.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "generate" / "seedling" / "MODEL_CARD.md",
]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def commands_in(page: Path) -> list[str]:
    """The lines of the page's shell examples, and what stands in its text as `twinseed ...` or `python -m ...`."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:sh|shell|bash)\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    plain = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    inline = re.findall(r"`((?:twinseed|python -m|python benchmarks|make) [^`\n]*)`", plain)
    return [line for line in (*lines, *inline) if line and not line.startswith("#")]


def problem_of(line: str) -> str | None:
    """Why nobody could run the line; None if it is a command of ours that is understood, or none of ours."""
    words = shlex.split(line, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    match [Path(words[0]).name if words else "", *words[1:]]:
        case ["twinseed", *arguments]:
            return _problem_of_twinseed(arguments)
        case ["make", *targets]:
            unknown = [target for target in targets if "=" not in target and target not in TARGETS]
            return f"the Makefile has no {unknown[0]}" if unknown else None
        case ["python" | "python3", "-m", module, *_] if module.split(".")[0] in {"generate", "ideation", "compare"}:
            return None if importlib.util.find_spec(module) else f"there is no module {module}"
        case ["python" | "python3", script, *_] if script.endswith(".py"):
            return None if (ROOT / script).is_file() else f"there is no {script}"
    return None


@lru_cache(maxsize=1)
def program() -> Any:
    """Typer's program, which takes a moment to build."""
    return typer.main.get_command(app)


def _problem_of_twinseed(arguments: list[str]) -> str | None:
    group = program()
    if not arguments or arguments[0] in ("--help", "COMMAND", "X"):
        return None
    if arguments[0].startswith("--"):
        known = any(arguments[0] in option.opts for option in group.params)
        return None if known else f"there is no option {arguments[0]}"
    command = group.commands.get(arguments[0])
    if command is None:
        return f"there is no command {arguments[0]}"
    if "..." in arguments or "--help" in arguments:
        return None
    try:
        command.make_context(arguments[0], [one for one in arguments[1:] if one not in "[]|"])
    except Exception as error:  # noqa: BLE001 - typer's usage errors have no public base class
        return str(getattr(error, "message", None) or error) or f"{arguments[0]} lacks an argument"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_understood(page: Path) -> None:
    problems = {line: problem for line in commands_in(page) if (problem := problem_of(line)) is not None}
    assert not problems


def test_the_pages_have_commands_and_wrong_ones_are_found() -> None:
    assert sum(len(commands_in(page)) for page in PAGES) > 60
    assert "no command paint" in str(problem_of("twinseed paint"))
    assert "--colour" in str(problem_of("twinseed pair 'a dog' --colour red"))
    assert "no module" in str(problem_of("python -m generate.gardening"))
    assert "no benchmarks/nothing.py" in str(problem_of("python benchmarks/nothing.py"))
    assert "no dance" in str(problem_of("make dance"))


def test_every_local_link_leads_somewhere() -> None:
    links = {
        f"{page.name}: {link}": page.parent / link
        for page in PAGES
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if not re.match(r"https?:|mailto:", link)
    }
    assert len(links) > 20
    broken = [name for name, target in links.items() if not target.exists()]
    assert not broken


def test_every_page_can_be_found_from_the_map() -> None:
    """From docs/index.md itself, not by way of another page."""
    mapped = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    linked = {Path(link).name for link in re.findall(r"\]\(([^)#\s]+)", mapped)}
    there = {page.name for page in (ROOT / "docs").iterdir() if page.suffix in (".md", ".ipynb")} - {"index.md"}
    assert there <= linked
