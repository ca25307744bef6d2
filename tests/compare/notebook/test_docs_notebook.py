"""The notebook of the docs: kept without outputs, and run from top to bottom on Seedling, with few steps."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[3]
NOTEBOOK = ROOT / "docs" / "twinseed.ipynb"

#: What fetches gigabytes where there is a graphics card: there is none for the cells that are run here.
LARGE = {"sd15": "gpu, hub", "z-image": "gpu, hub"}
SETTINGS = "seed, steps, images = 7, 1, 1"
#: Stopped by somebody while the picture is rendered.
INTERRUPTED = """
def stop(**_): raise KeyboardInterrupt
twinseed.Session().work(stop, "en")
"""


@pytest.fixture
def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


def run(notebook: Any, folder: Path) -> None:
    """Puts into the notebook what its cells put out. Raises `CellExecutionError` when one fails."""
    settings = os.environ | {
        "PYTHONPATH": str(ROOT),
        "TWINSEED_RUNS": str(folder / "runs"),
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    client = NotebookClient(notebook, timeout=200, kernel_name="python3", resources={"metadata": {"path": folder}})
    client.execute(env=settings)


def test_it_is_kept_without_outputs_and_says_what_each_cell_needs(notebook: Any) -> None:
    nbformat.validate(notebook)
    names = [cell.id for cell in notebook.cells]
    assert len(names) == len(set(names))
    tagged = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)
            tagged[cell.id] = ", ".join(tag for tag in cell.metadata.get("tags", ()) if tag != "parameters")
        elif cell.source.startswith("#"):
            assert re.search(r"^#+ .* · .*[\u4e00-\u9fff]", cell.source), "a heading in both languages"
            paragraphs = [one for one in cell.source.split("\n\n")[1:] if not one.startswith("[![")]
            assert any(re.search("[\u4e00-\u9fff]{6}", one) for one in paragraphs)
            assert any(not re.search("[\u4e00-\u9fff]{6}", one) for one in paragraphs)
    assert {name: tags for name, tags in tagged.items() if tags} == LARGE


@pytest.mark.long
def test_it_runs_from_top_to_bottom(notebook: Any, tmp_path: Path) -> None:
    (settings,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ()))
    assert {line.split(" ")[0] for line in settings.source.splitlines()} == {"seed", "steps", "images"}
    settings.source = SETTINGS
    # And some more, which fail in a line or two; the last one ends it.
    failing = [
        nbformat.v4.new_code_cell(line, metadata={"tags": ["raises-exception"]})
        for line in ("twinseed.open_run(3)", "%twinseed list styls", "%twinseed verify nowhere.zip", INTERRUPTED)
    ]
    notebook.cells += [*failing, nbformat.v4.new_code_cell("twinseed.ideas(n=-1)")]
    with pytest.raises(CellExecutionError, match=r"-1 concepts were asked for"):
        run(notebook, tmp_path)
    told = [cell.outputs[-1].traceback for cell in failing]
    assert told[0] == ["error: run is 3", "hint: give the name of a run, its folder, or 'last' for the newest"]
    assert "'styls' is not one of" in told[1][0]
    assert told[2][0].startswith("error: cannot read nowhere.zip")
    assert [len(lines) for lines in told] == [2, 2, 2, 1]
    shown = {cell.id: cell for cell in notebook.cells if cell.cell_type == "code"}
    page = "".join(one.data["text/html"] for one in shown["pair"].outputs if "text/html" in one.get("data", {}))
    assert "a dog riding a bicycle" in page
    assert page.count("<img") >= 2
    assert any("image/png" in one.get("data", {}) for one in shown["prompts"].outputs)
    assert any("<iframe" in one.data.get("text/html", "") for one in shown["ladder"].outputs if "data" in one)
    assert "device:" in "".join(one.get("text", "") for one in shown["doctor"].outputs)
    with zipfile.ZipFile(tmp_path / "homework.zip") as bundle:
        assert sum(name.endswith("record.json") for name in bundle.namelist()) == 3
        assert '"Lin Mei"' in bundle.read("bundle.json").decode()
    texts = {name: "".join(one.get("text", "") for one in cell.outputs) for name, cell in shown.items()}
    assert "everything holds" in texts["verify"]
    for name, said in {"sd15": "skipped", "z-image": "skipped", "page": "skipped", "page-end": "no page was"}.items():
        assert said in texts[name]
        assert re.search("[\u4e00-\u9fff]", texts[name])
    assert str(tmp_path / "homework.zip") in texts["download"]
    assert not any(one.get("name") == "stderr" for cell in shown.values() for one in cell.outputs), "a red box"
    if where := os.environ.get("TWINSEED_NOTEBOOK_OUT"):  # to look at what it shows
        nbformat.write(notebook, where)
