"""EXIF text: the settings that programs write into JPEG and WebP pictures, found without decoding a pixel."""

from __future__ import annotations

import re
import struct
import warnings

from PIL import Image

from generate.files.infotext import PictureError, require_readable

_EXIF_IFD, _USER_COMMENT, _XP_COMMENT = 0x8769, 0x9286, 0x9C9C
#: Make and Model, into which texts are written under names of their own, and those that are texts themselves.
_CAMERA = (0x010F, 0x0110)
_NAMED = {0x010E: "ImageDescription", _XP_COMMENT: "XPComment"}
_MOST_OF_XMP = 2**18
_DAMAGED = "copy the picture again from where it was made"


def read_exif_texts(content: bytes, name: str) -> dict[str, str | PictureError]:
    """The texts in a JPEG or WebP picture, by what they are called there; in the place of one that cannot be read
    stands why. Errors call the picture `name`. Raises `PictureError` for what is neither, and for what is cut off.
    """
    if content.startswith(b"\xff\xd8\xff"):
        blocks = _in_jpeg(content, name)
    elif content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        blocks = _in_webp(content, name)
    else:
        raise PictureError(
            "{name} is not a PNG, JPEG or WebP picture", hint="give the file as its program saved it", name=name
        )
    texts: dict[str, str | PictureError] = {}
    if "exif" in blocks:
        texts |= texts_of_exif(blocks["exif"], name)
    if "xmp" in blocks and (comment := comment_in_xmp(blocks["xmp"].decode(errors="replace"))):
        texts["exif:UserComment"] = comment
    if "comment" in blocks:
        texts["comment"] = blocks["comment"].decode(errors="replace").strip("\0")
    return texts


def texts_of_exif(block: bytes, name: str) -> dict[str, str | PictureError]:
    """The texts in a block of EXIF: the comment of the user, the description, and what ComfyUI's extensions write under
    the keys of camera makers, as "Prompt: {...}"."""
    exif = Image.Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow reads on where a block is cut off, and only says so
            exif.load(block)
            # Its place is the EXIF directory; Fooocus writes it beside.
            comment = exif.get_ifd(_EXIF_IFD).get(_USER_COMMENT) or exif.get(_USER_COMMENT)
            tags = {tag: exif.get(tag) for tag in (*_CAMERA, *_NAMED)}
    except Exception as error:  # noqa: BLE001 - whatever Pillow makes of a damaged or hostile block
        problem = PictureError(
            "the EXIF part of {name} is damaged: {name_2}",
            hint="{damaged}",
            name=name,
            name_2=type(error).__name__,
            damaged=_DAMAGED,
        )
        return {"UserComment": problem}
    texts: dict[str, str | PictureError] = {}
    for tag, value in tags.items():
        text = _xp(value) if tag == _XP_COMMENT else value
        if not isinstance(text, str):
            continue
        labelled = re.match(r"\s*(prompt|parameters|workflow)\s*:\s*(?=\S)", text, re.IGNORECASE)
        if labelled is not None:
            texts[labelled[1].casefold()] = text[labelled.end() :].strip("\0 ")
        elif tag in _NAMED:
            texts[_NAMED[tag]] = text
    try:
        if isinstance(comment, bytes | str):
            texts["UserComment"] = _decoded(comment, name) if isinstance(comment, bytes) else comment.strip("\0")
    except PictureError as problem:
        texts["UserComment"] = problem
    for keyword, text in texts.items():
        try:
            require_readable(text if isinstance(text, str) else "")
        except PictureError as problem:
            texts[keyword] = problem
    return texts


def comment_in_xmp(packet: str) -> str | None:
    """The comment of the user in XMP, where Draw Things has its settings. The XML is not parsed, only this is cut out.

    >>> comment_in_xmp("<exif:UserComment><rdf:Alt><rdf:li>{&quot;c&quot;:1}</rdf:li></rdf:Alt></exif:UserComment>")
    '{"c":1}'
    """
    start = packet.find("<exif:UserComment>")
    end = packet.find("</exif:UserComment>", start)
    if start < 0 or end < 0:
        return None
    inner = re.sub(r"<[^<>]{0,200}>", "", packet[start:end][:_MOST_OF_XMP]).strip()
    for entity, character in (
        ("&quot;", '"'),
        ("&apos;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#xA;", "\n"),
        ("&amp;", "&"),
    ):
        inner = inner.replace(entity, character)
    return inner or None


def _xp(value: object) -> object:
    """Windows' comment: UTF-16 as bytes, or as a row of numbers."""
    if isinstance(value, tuple) and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        value = bytes(value)
    return value.decode("utf-16-le", errors="replace").strip("\0") if isinstance(value, bytes) else value


def _in_jpeg(content: bytes, name: str) -> dict[str, bytes]:
    """The segments that hold texts (ITU-T T.81, annex B): segments come first, and each says how long it is."""
    blocks: dict[str, bytes] = {}
    position = 2
    while position + 4 <= len(content) and content[position] == 0xFF and content[position + 1] != 0xDA:
        length = int.from_bytes(content[position + 2 : position + 4])
        segment = content[position + 4 : position + 2 + length]
        if length < 2 or position + 2 + length > len(content):
            break
        kind = content[position + 1]
        if kind == 0xE1 and segment.startswith(b"Exif\0\0"):
            blocks.setdefault("exif", segment)
        elif kind == 0xE1 and segment.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
            blocks.setdefault("xmp", segment)
        elif kind == 0xFE:
            blocks.setdefault("comment", segment)
        position += 2 + length
    else:
        if content[position : position + 2] == b"\xff\xda":  # the pixels begin
            return blocks
    raise PictureError("{name} is cut off or damaged", hint="{damaged}", name=name, damaged=_DAMAGED)


def _in_webp(content: bytes, name: str) -> dict[str, bytes]:
    """The chunks that hold texts (https://developers.google.com/speed/webp/docs/riff_container)."""
    blocks: dict[str, bytes] = {}
    position = 12
    while position + 8 <= len(content):
        kind, length = struct.unpack_from("<4sI", content, position)
        if position + 8 + length > len(content):
            raise PictureError("{name} is cut off or damaged", hint="{damaged}", name=name, damaged=_DAMAGED)
        if kind in (b"EXIF", b"XMP "):
            blocks[kind.decode().strip().casefold()] = content[position + 8 : position + 8 + length]
        position += 8 + length + length % 2
    return blocks


def _decoded(comment: bytes, name: str) -> str:
    """EXIF 2.3 puts eight bytes before the text that name its encoding, but not the order of UTF-16's bytes."""
    encoding, text = comment[:8], comment[8:]
    try:
        if encoding.upper() == b"UNICODE\0":
            if 0 not in text:
                return text.decode()  # named UTF-16, and UTF-8: settings always have Latin letters
            if text.startswith((b"\xff\xfe", b"\xfe\xff")):
                return text.decode("utf-16").strip("\0")
            # In Latin letters, of which settings always have some, every other byte is zero.
            order = "utf-16-be" if text[::2].count(0) >= text[1::2].count(0) else "utf-16-le"
            return text.decode(order).strip("\0")
        return (text if encoding in (b"ASCII\0\0\0", bytes(8)) else comment).decode().strip("\0")
    except UnicodeDecodeError as error:
        raise PictureError(
            "the EXIF comment of {name} is damaged", hint="{damaged}", name=name, damaged=_DAMAGED
        ) from error
