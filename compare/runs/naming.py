"""What somebody calls a run by: its name, its folder, or `last` for the newest."""

from __future__ import annotations

import os
from pathlib import Path

from compare.runs.errors import GalleryError
from compare.runs.gallery import Gallery
from ideation import Clause

LAST = "last"


def run_named(given: str | os.PathLike[str], gallery: Gallery) -> tuple[Gallery, str, tuple[Clause, ...]]:
    """The gallery that the run is in, its name there, and notes: `LAST` is the newest run of `gallery`, whatever else
    lies about under that name, and what does is told. Whether there is a run of that name is found when it is opened.

    Raises `GalleryError` where there is no run at all that could be the newest.
    """
    if given == LAST:
        return _newest(gallery)
    if os.path.isdir(given):
        folder = Path(os.path.abspath(given))
        folder = folder.resolve() if folder.is_symlink() else folder
        return Gallery(folder.parent), folder.name, ()
    return gallery, os.fspath(given), ()


def _newest(gallery: Gallery) -> tuple[Gallery, str, tuple[Clause, ...]]:
    newest = gallery.runs(limit=1)
    also = [path for path in (os.path.join(os.curdir, LAST), str(gallery.root / LAST)) if os.path.exists(path)]
    if not newest:
        raise GalleryError(
            "there is no run in {folder} yet",
            hint=Clause("what is called last here is {path}: give it so", path=also[0])
            if also
            else "make one first, as with twinseed pair",
            folder=gallery.root,
        )
    name = newest[0].name
    notes = [
        Clause("last is the newest run, {name}; what is called last here is {path}", name=name, path=path)
        for path in also[:1]
        if not os.path.samefile(path, gallery.root / name)
    ]
    return gallery, name, tuple(notes)
