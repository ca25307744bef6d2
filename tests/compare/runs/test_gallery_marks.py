"""Stars, tags, shelves and votes: kept beside the record, found in the index, lost without harm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sample_run import PROMPTS, write_sample

from compare.runs import MARKS_FILE, Gallery, GalleryError, Marks, Wanted


def marked(gallery: Gallery, name: str, **marks: object) -> None:
    gallery.mark(name, lambda before: Marks.model_validate({**before.model_dump(), **marks}))


def test_runs_are_found_by_their_marks_and_by_what_made_them(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    first, second, third = (
        write_sample(gallery, seed=seed, prompts=replace(PROMPTS, expander=expander)).name
        for seed, expander in ((1, "offline"), (2, "gemini"), (3, "offline"))
    )

    def names(**wanted: object) -> set[str]:
        return {row.name for row in gallery.listing(wanted=Wanted(**wanted)).rows}  # type: ignore[arg-type]

    marked(gallery, first, star=True, tags=("holiday", "one's own %"))
    marked(gallery, second, tags=("holiday",), shelf="a" * 32)
    assert names(star=True) == {first}
    assert names(tag="holiday") == {first, second}
    assert names(tag="one's own %") == {first}
    assert names(tag="holiday", expander="gemini") == {second}
    assert names(shelf="a" * 32) == {second}
    assert names(query="holiday dog") == {first, second}, "a tag is a word to be searched, too"
    assert names(model="'; DROP TABLE runs; --") == set()
    listing = gallery.listing(1, wanted=Wanted(expander="offline"), offset=1)
    assert (listing.total, [row.name for row in listing.rows]) == (2, [first])
    assert listing.choices["tag"] == ("holiday", "one's own %")
    assert listing.choices["expander"] == ("gemini", "offline")
    (row,) = gallery.listing(wanted=Wanted(star=True)).rows
    assert (row.star, row.tags) == (True, ("holiday", "one's own %"))

    marked(gallery, first, star=False)
    assert names(star=True) == set()
    (tmp_path / third / MARKS_FILE).write_text('{"version": 1, "star": true}')
    assert names(star=True) == {third}, "written by hand, or copied here"
    (tmp_path / third / MARKS_FILE).write_text("{")
    assert names(star=True) == set()
    assert names() == {first, second, third}, "a lost star takes nothing from a run"
    assert list(gallery.open(first).faults()) == []
    with pytest.raises(GalleryError, match="there is no run"):
        marked(gallery, "nothing", star=True)


def test_what_was_deleted_can_be_had_back(tmp_path: Path) -> None:
    gallery = Gallery(tmp_path)
    name = write_sample(gallery).name
    marked(gallery, name, star=True)
    assert gallery.trashed() == []
    gone = gallery.delete(name).name
    assert (gallery.trashed(), gallery.runs()) == ([gone], [])
    again = write_sample(gallery).name
    assert again == name
    back = gallery.restore(gone)
    assert back == f"{name}-2", "another has taken its name"
    assert {row.name: row.star for row in gallery.runs()} == {name: False, back: True}
    for wrong in (gone, "../..", "", f"../{name}"):
        with pytest.raises(GalleryError, match="there is no run"):
            gallery.restore(wrong)
