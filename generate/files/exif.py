"""EXIF text: the settings that programs write into JPEG and WebP pictures, found without decoding a pixel."""

from __future__ import annotations

import struct
import warnings

from PIL import Image

from generate.files.infotext import PictureError

_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286
_DAMAGED = "copy the picture again from where it was made"


def read_user_comment(content: bytes, name: str) -> str | None:
    """The UserComment of a JPEG or WebP picture. Errors call it `name`. Raises `PictureError` for what is neither."""
    if content.startswith(b"\xff\xd8\xff"):
        block = _in_jpeg(content, name)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        block = _in_webp(content, name)
    else:
        raise PictureError(
            "{name} is not a PNG, JPEG or WebP picture", hint="give the file as its program saved it", name=name
        )
    if block is None:
        return None
    exif = Image.Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow reads on where a block is cut off, and only says so
            exif.load(block)
            # Its place is the EXIF directory; Fooocus writes it beside.
            comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT) or exif.get(_USER_COMMENT)
    except Exception as error:  # whatever Pillow makes of a damaged or hostile block
        raise PictureError(
            "the EXIF part of {name} is damaged: {name_2}",
            hint="{damaged}",
            name=name,
            name_2=type(error).__name__,
            damaged=_DAMAGED,
        ) from error
    return _decoded(comment, name) if isinstance(comment, bytes) else comment if isinstance(comment, str) else None


def _in_jpeg(content: bytes, name: str) -> bytes | None:
    """The EXIF segment (ITU-T T.81, annex B): segments come first, and each says how long it is."""
    position = 2
    while position + 4 <= len(content) and content[position] == 0xFF and content[position + 1] != 0xDA:
        length = int.from_bytes(content[position + 2 : position + 4])
        segment = content[position + 4 : position + 2 + length]
        if length < 2 or position + 2 + length > len(content):
            break
        if content[position + 1] == 0xE1 and segment.startswith(b"Exif\0\0"):
            return segment
        position += 2 + length
    else:
        if content[position : position + 2] == b"\xff\xda":  # the pixels begin
            return None
    raise PictureError("{name} is cut off or damaged", hint="{damaged}", name=name, damaged=_DAMAGED)


def _in_webp(content: bytes, name: str) -> bytes | None:
    """The EXIF chunk (https://developers.google.com/speed/webp/docs/riff_container)."""
    position = 12
    while position + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, position)
        if position + 8 + length > len(content):
            raise PictureError("{name} is cut off or damaged", hint="{damaged}", name=name, damaged=_DAMAGED)
        if kind == b"EXIF":
            return content[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    return None


def _decoded(comment: bytes, name: str) -> str:
    """EXIF 2.3 puts eight bytes before the text that name its encoding, but not the order of UTF-16's bytes."""
    encoding, text = comment[:8], comment[8:]
    try:
        if encoding == b"UNICODE\0":
            if text.startswith((b"\xff\xfe", b"\xfe\xff")):
                return text.decode("utf-16")
            # In Latin letters, of which settings always have some, every other byte is zero.
            return text.decode("utf-16-be" if text[::2].count(0) >= text[1::2].count(0) else "utf-16-le")
        return (text if encoding in (b"ASCII\0\0\0", bytes(8)) else comment).decode()
    except UnicodeDecodeError as error:
        raise PictureError(
            "the EXIF comment of {name} is damaged", hint="{damaged}", name=name, damaged=_DAMAGED
        ) from error
