"""Hidden text: settings in the lowest bits of a picture's alpha channel, which survive where texts are removed.

NovelAI and an extension of AUTOMATIC1111 write them, column by column: a name of 15 letters, the number of bits that
follow in 32, then the text, plain or in gzip. It takes decoding the pixels, so it is the last resort.
"""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from generate.files.infotext import MAX_TEXT

MAX_HIDDEN_PIXELS = 2**24
_PLAIN, _COMPRESSED = b"stealth_pnginfo", b"stealth_pngcomp"
_RGBA = b"\x08\x06"


def hidden_text_in(png: bytes) -> str | None:
    """The text in the alpha channel of a PNG, or None where there is none: of other kinds, of pictures of more than
    `MAX_HIDDEN_PIXELS`, and of what is longer than the texts that are read."""
    width, height = struct.unpack_from(">II", png, 16)
    if png[24:26] != _RGBA or width * height > MAX_HIDDEN_PIXELS:
        return None
    try:
        with Image.open(io.BytesIO(png)) as image:
            alpha = np.asarray(image.getchannel("A"))
    except Exception:  # noqa: BLE001 - whatever Pillow makes of damaged or hostile pixels: nothing is lost by it
        return None
    bits = (alpha.T & 1).reshape(-1)
    head = np.packbits(bits[: 8 * 19]).tobytes()
    if head[:15] not in (_PLAIN, _COMPRESSED) or len(head) < 19:
        return None
    length = int.from_bytes(head[15:19])
    if length > 8 * MAX_TEXT or 8 * 19 + length > len(bits):
        return None
    data = np.packbits(bits[8 * 19 : 8 * 19 + length]).tobytes()
    try:
        return (_unpacked(data) if head[:15] == _COMPRESSED else data).decode()
    except (zlib.error, UnicodeDecodeError):
        return None


def _unpacked(data: bytes) -> bytes:
    """What gzip has packed, as far as texts are read."""
    return zlib.decompressobj(wbits=31).decompress(data, MAX_TEXT)
