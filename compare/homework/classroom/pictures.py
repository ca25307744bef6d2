"""The pictures of hand-ins as a class shows them: decoded and drawn anew, so that no byte of a stranger's file is kept,
and no text in it tells which of two pictures is which."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from compare.homework.classroom.content import PictureId
from generate.files import PictureError, encode_png, pixels_sha256
from generate.settings import MAX_SIDE

PICTURES = "pictures"
#: Pixels, the longest side: twice what a small picture is shown at, and what a phone can show of a ballot.
THUMBNAIL, ON_BALLOT = 384, 640
#: Of all pictures of one hand-in together: 12 concepts with 8 seeds of 1024 x 1024 have 200 million.
MAX_PIXELS = 500_000_000

_NO_PICTURE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


@dataclass(frozen=True)
class ShownPicture:
    """A picture as a class shows it, by its name; `files` has it by the names of files, small and whole."""

    id: PictureId
    width: int
    height: int
    files: dict[str, bytes]
    on_ballot: bytes


def file_of(picture: PictureId) -> str:
    """The file of a whole picture, seen from the page of the class."""
    return f"{PICTURES}/{picture}.png"


def small_file_of(picture: PictureId, width: int, height: int) -> str:
    """The file of a picture for a small place: of a small picture itself."""
    return f"{PICTURES}/{picture}.small.webp" if max(width, height) > THUMBNAIL else file_of(picture)


def require_few_pixels(files: Iterable[Path]) -> None:
    """Looks at the sizes of pictures alone, before anybody decodes one. Raises `PictureError` for more pixels than a
    homework has. What is no picture is let pass: that is found when it is looked at."""
    total = 0
    for file in files:
        try:
            with Image.open(file, formats=("PNG", "WEBP")) as image:
                frames = max(1, getattr(image, "n_frames", 1))
                total += image.width * image.height * min(frames, 1000)
        except _NO_PICTURE:
            continue
        if total > MAX_PIXELS:
            raise PictureError(
                "its pictures have more than {most:,} pixels in all",
                hint="hand in fewer concepts at once, or smaller pictures",
                most=MAX_PIXELS,
            )


def shown_picture(content: bytes, name: str) -> ShownPicture:
    """The PNG with those bytes, drawn anew. Raises `PictureError`, which calls it `name`."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            if max(image.size) > MAX_SIDE:
                raise _no_picture(name)
            pixels = image.convert("RGB")
    except _NO_PICTURE as error:
        raise _no_picture(name) from error
    picture = pixels_sha256(pixels)[:16]
    files = {file_of(picture): encode_png(pixels, {})}
    small = small_file_of(picture, *pixels.size)
    if small not in files:
        files[small] = _webp(pixels, THUMBNAIL)
    return ShownPicture(picture, *pixels.size, files, _webp(pixels, ON_BALLOT))


def _webp(image: Image.Image, longest: int) -> bytes:
    copy = image.copy()
    copy.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    copy.save(buffer, format="WEBP", quality=90)
    return buffer.getvalue()


def _no_picture(name: str) -> PictureError:
    return PictureError(
        "{name} is no picture that can be shown", hint="copy the run again from where it was made", name=name
    )
