"""What must start quickly loads nothing heavy, and what a package exports is there."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from sample_run import OLD_RUN

from generate.models.devices import nothing_but_a_cpu

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = sorted((REPOSITORY / "benchmarks").glob("*/*.py"))
HEAVY = {"torch", "transformers", "diffusers", "streamlit", "openai", "google.generativeai", "scipy", "lindera"}
#: Runs each of the commands, and says after each what is loaded by then.
PROGRAM = """
import json, sys
import twinseed
for words in json.loads(sys.argv[1]):
    sys.argv = ["twinseed", *words]
    try:
        twinseed.main()
    except SystemExit as end:
        print(json.dumps({"words": words, "code": end.code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""
LIGHT_COMMANDS = (
    ("--help",),
    ("pair", "--help"),
    ("ideas", "-n", "3"),
    ("ideas", "--language", "zh-TW", "--json"),
    ("expand", "a dog riding a bicycle", "--expander", "offline"),
    ("list", "schedulers"),
    ("list", "models"),
    ("list", "expanders"),
    ("list", "instruments"),
    ("verify", str(OLD_RUN), "--no-render"),
    ("pair", "a dog", "--scheduler", "Oiler"),
    ("doctor",),  # which models are here is told without opening any
)


def test_light_commands_load_nothing_heavy() -> None:
    """One after the other in one process: the first after which something heavy is there has loaded it."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(LIGHT_COMMANDS)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith('{"words"')]
    assert [tuple(one["words"]) for one in told] == list(LIGHT_COMMANDS), done.stderr
    for one in told:
        assert one["code"] == (1 if "Oiler" in one["words"] else 0), done.stderr
        # Where there may be a graphics card, torch has to be asked what it is.
        may = {"torch"} if one["words"] == ["doctor"] and not nothing_but_a_cpu() else set()
        assert (HEAVY - may).isdisjoint(one["modules"]), one["words"]


#: What light commands may load of all that is installed, by the names that are imported.
LIGHT = set(
    "_cffi_backend _yaml annotated_doc annotated_types filelock jinja2 markupsafe numpy PIL platformdirs pydantic "
    "pydantic_core pygments rich shellingham tenacity tokenizers typer typing_extensions typing_inspection yaml".split()
)
ONE_PROCESS = """
import json, sys
before = set(sys.modules)  # what the environment itself loads
from commands.program import app
for words in json.loads(sys.argv[1]):
    app(words, standalone_mode=False)
    print(json.dumps([words, sorted({name.partition(".")[0] for name in set(sys.modules) - before})]), file=sys.stderr)
"""


def test_light_commands_load_what_they_are_known_to_load(tmp_path: Path) -> None:
    """One after the other in one process, those that may load the most last."""
    shutil.copytree(OLD_RUN, tmp_path / OLD_RUN.name)
    commands = {
        ("ideas", "-n", "2"): set(),
        ("list", "styles"): set(),
        ("expand", "a dog", "--expander", "offline"): set(),
        ("verify", str(OLD_RUN), "--no-render"): set(),
        # Of a single seed, a report has no chart: `pair` writes it without what draws them.
        ("report", str(tmp_path / OLD_RUN.name)): set(),
    }
    done = subprocess.run(
        [sys.executable, "-c", ONE_PROCESS, json.dumps(list(commands))],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    ours = {"commands", "compare", "generate", "ideation", "templates", "twinseed", "__main__"}
    installed = set(packages_distributions()) - ours
    told = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("[[")]
    assert [tuple(words) for words, _ in told] == list(commands)
    for words, modules in told:
        more = set(modules) & installed - LIGHT - commands[tuple(words)]
        assert not more, f"{words} loads {more}"


def test_packages_load_nothing_heavy() -> None:
    """One after the other in one process, as above."""
    packages = "templates ideation ideation.expanders.offline ideation.expanders.llm generate compare".split()
    code = "import importlib, json, sys\n"
    code += f"for name in {packages}: importlib.import_module(name); print(json.dumps([name, sorted(sys.modules)]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    told = dict(json.loads(line) for line in done.stdout.splitlines())
    assert list(told) == packages
    assert [name for name, modules in told.items() if not HEAVY.isdisjoint(modules)] == []


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_threads_are_told_to_sleep_before_torch_is_imported(file: Path) -> None:
    """Importing anything of `generate` does it."""
    imported: list[str] = []
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            imported.append(str(node.module).partition(".")[0])
        elif isinstance(node, ast.Import):
            imported += [alias.name.partition(".")[0] for alias in node.names]
    ours = [place for place, name in enumerate(imported) if name in ("generate", "compare")]
    torchs = [place for place, name in enumerate(imported) if name in ("torch", "diffusers", "transformers", "peft")]
    assert not torchs or min(ours, default=999) < min(torchs)


DOORS = "generate generate.families generate.models generate.render generate.schedulers compare compare.session".split()


@pytest.mark.parametrize("package", DOORS)
def test_what_is_imported_is_exported(package: str) -> None:
    """And what a package only imports when it is asked for is there, too."""
    module = importlib.import_module(package)
    imported = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and not inspect.ismodule(value)
        and name not in ("annotations", "import_module", "Any", "TYPE_CHECKING")
    }
    lazy = set(vars(module).get("_WITH_TORCH", ()))
    assert imported | lazy == set(module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = module.nothing
