"""Pictures in memory: pairs of our own, and files as other programs and ill-wishers make them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sample_run import PROMPTS, drawing, sample_certificate

from generate.files import encode_png, texts_of_pair
from generate.picture import ARMS, Arm, Picture, PicturePair
from generate.settings import RenderSettings
from ideation import PromptPair

IMAGE = drawing("simple", 7, (64, 48))
DIGEST = "ab" * 32


def pair_of_pictures(
    settings: RenderSettings, *, size: tuple[int, int] = (64, 48), **of_certificate: Any
) -> PicturePair:
    """Two drawings for each seed; `of_certificate` are fields of the certificate."""
    noise = {seed: dict.fromkeys(ARMS, "3f" * 32) for seed in settings.seeds}
    proof = sample_certificate(noise, **{"model_digest": DIGEST, "libraries": {}} | of_certificate)
    pictures = [Picture(arm, seed, drawing(arm, seed, size), 1.25) for seed in settings.seeds for arm in ARMS]
    return PicturePair(settings, tuple(pictures), proof)


def own_picture(
    settings: RenderSettings, prompts: PromptPair = PROMPTS, *, arm: Arm = "simple", **of_certificate: Any
) -> bytes:
    """The file of one of our own pictures."""
    pair = pair_of_pictures(settings, **of_certificate)
    return encode_png(IMAGE, texts_of_pair(prompts, pair)[arm, settings.seed])


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
