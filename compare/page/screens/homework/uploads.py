"""Uploads as files: what reads tables and bundles reads them from the disk, with all its limits."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from streamlit.runtime.uploaded_file_manager import UploadedFile

MOST_MEGABYTES = 512


@contextmanager
def on_disk(uploads: Sequence[UploadedFile]) -> Iterator[list[Path]]:
    """The uploads in a folder of their own, each under the plain part of its name; gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="twinseed-") as folder:
        files = []
        for number, upload in enumerate(uploads):
            plain = re.sub(r"[^\w .()+-]", "_", Path(upload.name).name).lstrip(".") or "file"
            place = Path(folder, str(number) if len(uploads) > 1 else "")
            place.mkdir(exist_ok=True)
            files.append(place / plain[-120:])
            files[-1].write_bytes(upload.getbuffer())
        yield files
