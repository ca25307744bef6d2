"""Hostile pictures."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from benchmarks.hardening.hostile.case import Hostile, Knock
from generate.files import read_picture


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(min(height, 64) * (1 + 3 * min(width, 64))))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def pictures() -> Iterator[Hostile]:
    squeezed = zlib.compress(b"a" * 600_000_000, 9)
    infotext = b"parameters\0" + b"Steps: 9, Sampler: Euler, Size: 99999999999x99999999999, Seed: " + b"9" * 5_000
    deep = b"prompt\0" + b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    cycle = (
        b"prompt\0"
        + json.dumps(
            {
                "1": {"class_type": "KSampler", "inputs": {"positive": ["2", 0], "negative": ["2", 0], "seed": 1}},
                "2": {
                    "class_type": "ConditioningCombine",
                    "inputs": {"conditioning_1": ["2", 0], "conditioning_2": ["2", 0]},
                },
            }
        ).encode()
    )
    jpeg = io.BytesIO()
    Image.new("RGB", (8, 8)).save(jpeg, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(60))
    contents = {
        "a text of 600 MB, squeezed": png(8, 8, chunk(b"zTXt", b"parameters\0\0" + squeezed)),
        "an international text of 600 MB": png(8, 8, chunk(b"iTXt", b"parameters\0\1\0\0\0" + squeezed)),
        "a chunk of 4 GB": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 2**32 - 1) + b"tEXtparameters\0x",
        "100,000 texts": png(8, 8, *[chunk(b"tEXt", b"x%d\0y" % n) for n in range(100_000)]),
        "a wrong checksum": png(8, 8)[:-4] + b"abcd",
        "a number of 5,000 digits": png(8, 8, chunk(b"tEXt", infotext)),
        "JSON 100,000 deep": png(8, 8, chunk(b"tEXt", deep)),
        "an SVG called PNG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "a web page called PNG": b"<html><script>alert(1)</script></html>",
        "a zip behind a PNG": png(8, 8) + b"PK\x03\x04" + bytes(100),
        "a header and nothing more": b"\x89PNG\r\n\x1a\n",
        "a GIF called PNG": b"GIF89a" + bytes(20),
        "a PDF called PNG": b"%PDF-1.7\n" + bytes(20),
        "a JPEG whose EXIF leads in a circle": jpeg.getvalue(),
        "a WebP cut off": b"RIFF\xff\xff\xff\xffWEBPEXIF\xff\xff\xff\x7f",
        "an EXIF chunk of rubbish": png(8, 8, chunk(b"eXIf", b"II*\0" + b"\xff" * 60)),
        "10^9 pixels": png(2**31 - 1, 2**31 - 1),
        "control codes": png(8, 8, chunk(b"tEXt", b"parameters\0a \x1b]0;owned\x07 dog\nSteps: \x1b[2J")),
        "Python in Fooocus's settings": png(
            8, 8, chunk(b"tEXt", b"parameters\0{\"prompt\": __import__('os').mkdir('RAN')}")
        ),
        "nothing": b"",
    }
    for name, content in contents.items():

        def build(folder: Path, content: bytes = content) -> Knock:
            (folder / "evil.png").write_bytes(content)
            return lambda: read_picture(folder / "evil.png")

        yield Hostile("pictures", name, build, "evil.png")

    def circle(folder: Path) -> Knock:
        (folder / "evil.png").write_bytes(png(8, 8, chunk(b"tEXt", cycle)))
        return lambda: "no prompt was found" in str(read_picture(folder / "evil.png").without_prompt)

    yield Hostile("pictures that tell nothing but that", "a graph that runs in a circle", circle, "")
