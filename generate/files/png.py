"""PNG files: pictures with texts in them, read without trust and without decoding a pixel.

Pillow would do for reading pictures of one's own. It reads whole chunks before it looks at their size, though, and
reports hostile ones in half a dozen ways (https://www.w3.org/TR/png-3/#11textinfo has the format).
"""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generate.files.infotext import MAX_TEXT, PictureError
from ideation import Clause

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PIXELS = 100_000_000
MAX_CHUNK = 2**24  # bytes, of what is not pixels
MAX_CHUNKS = 2**16
#: The keyword of XMP, an XML format that says who made a picture. It is written here and never parsed.
XMP = "XML:com.adobe.xmp"
_TEXT = (b"tEXt", b"zTXt", b"iTXt")
_SUSPICIOUS = "it was made to do harm, or it is damaged; use the picture as its program saved it"


def pixels_sha256(image: Image.Image) -> str:
    """SHA-256 of the RGB bytes, row by row, as in the record of a run."""
    return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()


def encode_png(image: Image.Image, texts: Mapping[str, str]) -> bytes:
    """The picture as PNG with those texts, Latin-1 as tEXt and all else as iTXt: equal input, equal bytes.

    Raises `PictureError` for a text that no chunk can hold.
    """
    chunks = PngInfo()
    for keyword, text in texts.items():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise _unwritable(
                keyword, Clause("half a character, {character!r}", character=text[error.start])
            ) from error
        if "\0" in text:
            raise _unwritable(keyword, Clause("the character U+0000"))
        if keyword == XMP or _is_ambiguous(text):  # XMP, Latin-1 or not, is looked for in this kind of chunk only
            chunks.add_itxt(keyword, text)
        else:
            chunks.add_text(keyword, text)
    file = io.BytesIO()
    image.save(file, format="PNG", pnginfo=chunks)
    return file.getvalue()


def _is_ambiguous(text: str) -> bool:
    """Whether the text as Latin-1, which PNG's plain texts are by their standard, could be another one in UTF-8, which
    many programs write into them."""
    try:
        plain = text.encode("latin-1")
        return not plain.isascii() and plain.decode() != text
    except UnicodeError:
        return False


@dataclass(frozen=True)
class PngTexts:
    """The texts of a PNG by keyword; in the place of one that cannot be read stands why. `exif` is the block of EXIF.
    `is_whole` is False where the file ends within its pixels: what is before them is whole."""

    texts: dict[str, str | PictureError]
    exif: bytes | None = None
    is_whole: bool = True


def read_texts(png: bytes, name: str, wanted: Collection[str]) -> PngTexts:
    """The texts under the keywords `wanted`; the others are left alone.

    Of several chunks with one keyword the last counts. Errors call the picture `name`. Raises `PictureError` for what
    is no PNG, cut off before its pixels or damaged, and for what is larger than a picture with its settings can be.
    """
    if not png.startswith(SIGNATURE):
        raise PictureError("{name} is not a PNG picture", hint="give the file as its program saved it", name=name)
    texts: dict[str, str | PictureError] = {}
    exif, position, seen, kind = None, len(SIGNATURE), 0, b""
    while kind != b"IEND":
        if len(png) < position + 12:
            if kind == b"IDAT":
                return PngTexts(texts, exif, is_whole=False)
            raise _cut_off(name)
        length, kind = struct.unpack_from(">I4s", png, position)
        if (kind == b"IHDR") != (seen == 0) or (kind == b"IHDR" and length != 13):
            raise PictureError(
                "{name} does not begin as a PNG picture does, or begins twice",
                hint="{suspicious}",
                name=name,
                suspicious=_SUSPICIOUS,
            )
        if kind != b"IDAT" and length > MAX_CHUNK:
            raise _too_large(name, Clause("a part of {length:,} bytes that is not pixels", length=length), MAX_CHUNK)
        if len(png) < position + 12 + length:
            if kind == b"IDAT":
                return PngTexts(texts, exif, is_whole=False)
            raise _cut_off(name)
        if seen == MAX_CHUNKS:
            raise PictureError(
                "{name} consists of too many parts", hint="{suspicious}", name=name, suspicious=_SUSPICIOUS
            )
        data = memoryview(png)[position + 8 : position + 8 + length]
        if zlib.crc32(data, zlib.crc32(kind)) != int.from_bytes(png[position + 8 + length : position + 12 + length]):
            raise PictureError("{name} is damaged", hint="copy the picture again from where it was made", name=name)
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", data)
            if width * height > MAX_PIXELS:
                raise _too_large(name, Clause("{width:,} x {height:,} pixels", width=width, height=height), MAX_PIXELS)
        elif kind in _TEXT:
            keyword, zero, rest = bytes(data).partition(b"\0")
            if not zero or not 1 <= len(keyword) <= 79:
                raise _malformed(name)
            key = keyword.decode("latin-1")
            if key in wanted:
                try:
                    texts[key] = _text(kind, rest, name)
                except PictureError as problem:
                    texts[key] = problem
        elif kind == b"eXIf":
            exif = bytes(data)
        position += 12 + length
        seen += 1
    return PngTexts(texts, exif)


def _text(kind: bytes, rest: bytes, name: str) -> str:
    if kind in (b"tEXt", b"zTXt"):
        text = _within_limit(rest, name) if kind == b"tEXt" else _inflated(rest[1:], name)
        try:
            return text.decode()  # Latin-1 by the standard, UTF-8 in practice: few texts could be both
        except UnicodeDecodeError:
            return text.decode("latin-1")
    compressed = rest[:1] == b"\1"
    parts = rest[2:].split(b"\0", 2)  # language, translated keyword, text
    if len(parts) < 3:
        raise _malformed(name)
    text = _inflated(parts[2], name) if compressed else _within_limit(parts[2], name)
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise _malformed(name) from error


def _inflated(data: bytes, name: str) -> bytes:
    inflate = zlib.decompressobj()
    try:
        text = inflate.decompress(data, MAX_TEXT + 1)
    except zlib.error as error:
        raise _malformed(name) from error
    if len(text) <= MAX_TEXT and not inflate.eof:
        raise _malformed(name)
    return _within_limit(text, name)


def _within_limit(text: bytes, name: str) -> bytes:
    if len(text) > MAX_TEXT:
        raise PictureError(
            "{name} has a text; at most {most:,} bytes are read",
            hint="{suspicious}",
            name=name,
            most=MAX_TEXT,
            suspicious=_SUSPICIOUS,
        )
    return text


def _unwritable(keyword: str, what: Clause) -> PictureError:
    return PictureError(
        "the picture's text {keyword!r} contains {what}", hint="take it out of the prompt", keyword=keyword, what=what
    )


def _too_large(name: str, what: Clause, most: int) -> PictureError:
    return PictureError(
        "{name} has {what}; at most {most:,} are read",
        hint="{suspicious}",
        name=name,
        what=what,
        most=most,
        suspicious=_SUSPICIOUS,
    )


def _cut_off(name: str) -> PictureError:
    return PictureError("{name} is cut off", hint="copy the picture again from where it was made", name=name)


def _malformed(name: str) -> PictureError:
    return PictureError(
        "{name} has a text that is not in PNG's format", hint="{suspicious}", name=name, suspicious=_SUSPICIOUS
    )
