"""What somebody calls a run by: one meaning each, and a note where there could have been two."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_run import write_sample

from compare.runs import Gallery, GalleryError, run_named


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """With two runs, seen from the folder that its folder is in."""
    monkeypatch.chdir(tmp_path)
    gallery = Gallery(Path("runs"))
    for seed in (1, 2):
        write_sample(gallery, seed=seed, size=(64, 64))
    return gallery


def newest(gallery: Gallery) -> str:
    return gallery.runs(limit=1)[0].name


def test_a_name_a_folder_and_the_newest(gallery: Gallery, tmp_path: Path) -> None:
    older = gallery.runs()[1].name
    assert run_named(older, gallery) == (gallery, older, ())
    assert run_named("last", gallery) == (gallery, newest(gallery), ())
    (tmp_path / "link").symlink_to(gallery.root.resolve() / older)
    for folder in (f"runs/{older}", Path("runs", older), f"runs/{older}/", "link"):
        found, name, notes = run_named(folder, Gallery(tmp_path / "elsewhere"))
        assert (found.root, name, notes) == (tmp_path / "runs", older, ())
        assert found.open(name).name == older


@pytest.mark.parametrize("also", ["last", "runs/last"])
def test_what_is_called_last_besides_is_told(also: str, gallery: Gallery) -> None:
    path = also if "/" in also else f"./{also}"
    Path(also).mkdir()
    _, name, notes = run_named("last", gallery)
    assert name == newest(gallery)
    assert notes == (f"last is the newest run, {name}; what is called last here is {path}",)
    found, name, notes = run_named(path, gallery)
    assert ((found.root / name).resolve(), notes) == (Path(also).resolve(), ())


def test_a_file_is_told_of_too(gallery: Gallery) -> None:
    Path("last").write_text("what somebody kept of a terminal")
    _, name, (note,) = run_named("last", gallery)
    assert name == newest(gallery)
    assert note.endswith("./last")


def test_no_run_is_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GalleryError, match="there is no run in runs yet") as error:
        run_named("last", Gallery(Path("runs")))
    assert error.value.hint == "make one first, as with twinseed pair"
    Path("last").mkdir()
    with pytest.raises(GalleryError, match="there is no run in runs yet") as error:
        run_named("last", Gallery(Path("runs")))
    assert error.value.hint == "what is called last here is ./last: give it so"


def test_the_newest_run_may_be_called_so(gallery: Gallery) -> None:
    (gallery.root / newest(gallery)).rename(gallery.root / "last")
    assert run_named("last", gallery) == (gallery, "last", ())


def test_only_runs_are_thought_of_where_a_name_is_wrong(gallery: Gallery) -> None:
    """No file beside them, however much it is called like that."""
    (gallery.root / "dog.txt").write_text("a note")
    with pytest.raises(GalleryError) as error:
        gallery.open("dog")
    assert error.value.hint == f"did you mean one of these? {', '.join(row.name for row in gallery.runs())}"
