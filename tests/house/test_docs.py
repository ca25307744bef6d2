"""README and docs say what the program says, and every command in them is one that it understands."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import typer

from commands.program import app

ROOT = Path(__file__).parents[2]
#: What the notebook makes where it lies, a dataset's card among it, is no page of the docs.
MADE_BY_THE_NOTEBOOK = {ROOT / "docs" / "runs", ROOT / "docs" / "study"}
DOCS = [page for page in sorted((ROOT / "docs").rglob("*.md")) if MADE_BY_THE_NOTEBOOK.isdisjoint(page.parents)]
PAGES = [
    ROOT / "README.md",
    ROOT / "README.zh-TW.md",
    ROOT / "CONTRIBUTING.md",
    *DOCS,
    ROOT / "generate" / "seedling" / "MODEL_CARD.md",
]
NOTEBOOK = ROOT / "docs" / "twinseed.ipynb"
#: Whatever has links to follow.
LINKING = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "SECURITY.md", NOTEBOOK]
#: What else speaks of pages of the docs by their path: code and its comments, and what is said in other languages.
SPEAKING = [
    path
    for room in ("benchmarks", "commands", "compare", "generate", "ideation", "templates", "tests")
    for path in sorted((ROOT / room).rglob("*"))
    if path.suffix in (".py", ".md", ".yaml", ".j2", ".html", ".js")
]
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def in_repository(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose_of(page: Path) -> str:
    """The page as Markdown; of a notebook, its cells of words."""
    text = page.read_text(encoding="utf-8")
    if page.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def links_of(page: Path) -> list[tuple[Path, str]]:
    """Where its links to files lead, each with the heading behind "#", or "" for the file itself."""
    links = re.findall(r"\]\(([^)\s]+)[^)]*\)", prose_of(page))
    parts = [link.partition("#") for link in links if not re.match(r"https?:|mailto:", link)]
    return [((page.parent / path).resolve() if path else page, heading) for path, _, heading in parts]


def anchors_of(page: Path) -> set[str]:
    """What GitHub calls the headings of a page in an address."""
    plain = re.sub(r"```.*?```", "", prose_of(page), flags=re.DOTALL)
    heads = re.findall(r"^#+ +(.*?) *$", plain, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


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


@pytest.mark.parametrize("page", PAGES, ids=in_repository)
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
    links = [(in_repository(page), target, heading) for page in LINKING for target, heading in links_of(page)]
    assert {"README.md", "docs/twinseed.ipynb", "generate/seedling/MODEL_CARD.md"} < {page for page, _, _ in links}
    broken = [(page, target) for page, target, _ in links if not target.exists()]
    assert not broken
    into_pages = [one for one in links if one[2]]
    assert len(into_pages) > 10
    lost = [(page, target, heading) for page, target, heading in into_pages if heading not in anchors_of(target)]
    assert not lost


def test_every_page_that_is_spoken_of_is_there() -> None:
    spoken = {
        (in_repository(one), name)
        for one in (*SPEAKING, *LINKING, ROOT / "Makefile", ROOT / "pyproject.toml")
        for name in re.findall(
            r"(?<![\w/.-])docs/[\w./-]+\.(?:md|ipynb|webp|svg|png)\b", one.read_text(encoding="utf-8")
        )
    }
    assert len({name for _, name in spoken}) > 15
    assert not [(one, name) for one, name in sorted(spoken) if not (ROOT / name).is_file()]


def test_every_page_can_be_found_from_the_map() -> None:
    """From docs/README.md itself, not by way of another page."""
    the_map = ROOT / "docs" / "README.md"
    there = {*DOCS, NOTEBOOK} - {the_map}
    assert len(there) > 20
    assert not there - {target for target, _ in links_of(the_map)}


def test_every_room_is_on_the_map_of_the_house() -> None:
    house = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for package in ("templates", "ideation", "generate", "compare", "commands"):
        (row,) = re.findall(rf"^\| `{package}/` \|.*", house, flags=re.MULTILINE)
        named = {ROOT / package / name for name in re.findall(r"`([a-z_]+(?:/|\.py))`", row.split("|")[3])}
        folders = {one.parent for one in (ROOT / package).glob("*/*.*") if one.parent.name != "__pycache__"}
        assert named == folders | {one for one in (ROOT / package).glob("*.py") if one.name != "__init__.py"}
