"""Bundles that are handed in: the zip file, what it says of itself, and who hands it in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from hostile_zips import with_entries
from sample_run import write_sample

from benchmarks.hardening.readers.reader import Reader, plain
from compare.homework import open_bundle, student_of, write_bundle
from compare.homework.bundle import BUNDLE_FILE
from compare.runs import Gallery, text_without_folders


@cache
def _good() -> bytes:
    """A bundle of one run."""
    with tempfile.TemporaryDirectory() as folder:
        run = write_sample(Gallery(Path(folder, "runs")))
        path = Path(folder, "good.zip")
        write_bundle(path, [run], student=None, language="en", created=datetime(2026, 1, 1, tzinfo=UTC))
        return path.read_bytes()


def _read(path: Path) -> None:
    with open_bundle(path) as bundle:
        for _, run in bundle.runs():
            str(run)
        str(bundle.report)


def _zip_file(folder: Path) -> Callable[[bytes], Any]:
    path = folder / "hand-in.zip"

    def read(content: bytes) -> None:
        path.write_bytes(content)
        _read(path)

    return read


def _entry(folder: Path, entry: Callable[[str], tuple[str, bytes]], without: tuple[str, ...]) -> Callable[[str], Any]:
    """A good bundle with one entry made of the text."""
    path = folder / "hand-in.zip"

    def read(text: str) -> None:
        name, content = entry(text)
        path.write_bytes(with_entries(_good(), [(name, content, {})], without=without))
        _read(path)

    return read


def _said(folder: Path) -> Callable[[str], Any]:
    return _entry(folder, lambda text: (BUNDLE_FILE, text.encode("utf-8", "surrogatepass")), (BUNDLE_FILE,))


def _named(folder: Path) -> Callable[[str], Any]:
    def entry(text: str) -> tuple[str, bytes]:
        return text.encode("utf-8", "replace").decode()[:20_000], b"x"

    return _entry(folder, entry, ())


BUNDLES: tuple[Reader, ...] = (
    Reader("what a bundle says of itself", _said, ('{"version": 1, "student": null, "runs": []}',)),
    Reader("the name of a file in a bundle", _named, ("runs/20261123-142530-a-dog-7/simple-7.png",)),
    plain("the name of a student", lambda text: student_of(text, text), "林美玲", "O'Brien <b>"),
    plain("paths in a note", text_without_folders, "of /home/me/models/mine.ckpt and C:\\Users\\me\\x: no"),
)


ZIP_FILES: tuple[Reader, ...] = (Reader("bundles, as zip files", _zip_file, (_good(),)),)
