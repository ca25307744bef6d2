"""Picture files as other programs and ill-wishers make them, in memory."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sample_run import drawing

IMAGE = drawing("simple", 7, (64, 48))


def png(*chunks: tuple[bytes, bytes], size: tuple[int, int] = (1, 1)) -> bytes:
    """A PNG of grey pixels with `chunks` before them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*each) for each in chunks) + pixels + chunk(b"IEND", b"")


def with_texts(**texts: str) -> bytes:
    chunks, file = PngInfo(), BytesIO()
    for keyword, text in texts.items():
        chunks.add_text(keyword, text)
    IMAGE.save(file, format="PNG", pnginfo=chunks)
    return file.getvalue()


def with_exif(kind: str, comment: bytes | str, *, beside: bool = False) -> bytes:
    exif, file = Image.Exif(), BytesIO()
    (exif if beside else exif.get_ifd(0x8769))[0x9286] = comment
    IMAGE.save(file, format=kind, exif=exif)
    return file.getvalue()
