"""Hostile and damaged pictures are refused, in a sentence and at once; what nobody asked for is left alone."""

from __future__ import annotations

import json
import random
import re
import time
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from picture_bytes import png, with_exif, with_texts
from test_foreign_pictures import A1111, COMFYUI, COMFYUI_CUSTOM, FOOOCUS, INVOKEAI, OTHERS, node

from generate.files import PictureError, parse_picture, read_picture
from generate.files.picture_file import MAX_FILE
from ideation import TwinseedError


def a1111(**changes: str) -> bytes:
    values = {"Steps": "20", "Sampler": "Euler", "CFG scale": "7", "Seed": "1", "Size": "512x512"} | changes
    return with_texts(parameters="a dog\n" + ", ".join(f"{key}: {value}" for key, value in values.items()))


@cache
def bomb(size: int) -> bytes:
    return zlib.compress(bytes(size), 9)


def comfyui(**changes: Any) -> bytes:
    return with_texts(prompt=json.dumps(COMFYUI | changes))


def cut(content: bytes, share: float) -> bytes:
    return content[: int(len(content) * share)]


WHOLE = with_texts(parameters=A1111)


NESTED = "[" * 100_000 + "]" * 100_000
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a PNG of 50,000 x 50,000 pixels": (
        lambda: png(size=(50_000, 50_000)),
        "50,000 x 50,000 pixels; at most 100,000,000",
    ),
    "a zTXt bomb": (lambda: png((b"zTXt", b"parameters\0\0" + bomb(60_000_000))), "a text; at most 1,048,576 bytes"),
    "an iTXt bomb": (
        lambda: png((b"iTXt", b"parameters\0\1\0\0\0" + bomb(60_000_000))),
        "a text; at most 1,048,576 bytes",
    ),
    "a chunk of 50 MB": (
        lambda: png((b"tEXt", b"parameters\0" + bytes(50_000_000))),
        "50,000,011 bytes that is not pixels",
    ),
    "a chunk of 50 MB that nobody asked for": (
        lambda: png((b"iTXt", b"x\0" + bytes(50_000_000))),
        "not pixels; at most",
    ),
    "a text of 5 MB": (lambda: png((b"tEXt", b"parameters\0" + b"x" * 5_000_000)), "a text; at most 1,048,576 bytes"),
    "a million chunks": (lambda: png(*[(b"tEXt", b"k\0")] * 70_000), "consists of too many parts"),
    "cut off in its text": (lambda: cut(WHOLE, 0.2), "is cut off"),
    "only a signature": (lambda: WHOLE[:8], "is cut off"),
    "a bit turned": (lambda: WHOLE.replace(b"Steps: 25", b"Steps: 26"), "is damaged"),
    "no header": (lambda: WHOLE[:8] + WHOLE[33:], "does not begin as a PNG"),
    "a second, short header": (lambda: png((b"IHDR", b"\0")), "does not begin as a PNG picture does, or begins twice"),
    "a second header of another size": (lambda: png((b"IHDR", WHOLE[16:29])), "or begins twice"),
    "a chunk longer than the file": (lambda: WHOLE[:33] + b"\x7f\xff\xff\xffIDAT" + WHOLE[41:], "is cut off"),
    "text called .png": (lambda: b"hello, I am a picture", "is not a PNG, JPEG or WebP picture"),
    "nothing": (lambda: b"", "is not a PNG, JPEG or WebP picture"),
    "a text without keyword": (lambda: png((b"tEXt", b"parameters")), "not in PNG's format"),
    "a zTXt that is not deflated": (lambda: png((b"zTXt", b"parameters\0\0hello")), "not in PNG's format"),
    "a zTXt that is cut off": (lambda: png((b"zTXt", b"parameters\0\0" + bomb(50)[:-4])), "not in PNG's format"),
    "an iTXt that is cut off": (lambda: png((b"iTXt", b"parameters\0\0")), "not in PNG's format"),
    "an iTXt that is not UTF-8": (lambda: png((b"iTXt", b"parameters\0\0\0\0\0\xff")), "not in PNG's format"),
    "a picture without settings": (lambda: png(), "does not say how it was made"),
    "a prompt only": (lambda: with_texts(parameters="a dog"), "names no settings"),
    "a seed of 1e400": (lambda: a1111(Seed="1e400"), r"say Seed = '1e400'"),
    "a negative seed": (lambda: a1111(Seed="-1"), r"say Seed = '-1'"),
    "a seed of letters": (lambda: a1111(Seed="12ab"), r"say Seed = '12ab'"),
    "a seed of other digits": (lambda: a1111(Seed="１２"), "say Seed = "),
    "a seed of many digits": (lambda: a1111(Seed="9" * 5000), "say Seed = '9999.*[.]{3}"),
    "a seed past 64 bits": (lambda: a1111(Seed=str(2**64)), r"less than 2\*\*64"),
    "steps that are code": (lambda: a1111(Steps="__import__('os')"), 'say Steps = "__import__'),
    "a guidance of 1e999": (lambda: a1111(**{"CFG scale": "1e999"}), "say CFG scale"),
    "a size of code": (lambda: a1111(Size="(lambda: 1)()"), "say Size = "),
    "a terminal escape": (lambda: a1111(Seed="\x1b[2J"), r"say Seed = '\\x1b\[2J'"),
    "JSON nested 100,000 deep": (lambda: with_texts(parameters="{" + NESTED), "program's settings .* are not JSON"),
    "a ComfyUI graph nested 100,000 deep": (
        lambda: with_texts(prompt=NESTED),
        "ComfyUI settings .* are not JSON: recursion",
    ),
    "InvokeAI nested 100,000 deep": (lambda: with_texts(invokeai_metadata=NESTED), "InvokeAI settings .* are not JSON"),
    "a list for an object": (lambda: with_texts(prompt="[1]"), "not a JSON object, but \\[1\\]"),
    "Fooocus' resolution as code": (
        lambda: with_texts(parameters=json.dumps(FOOOCUS | {"resolution": "__import__('os').getcwd()"})),
        "say resolution = ",
    ),
    "Fooocus' seed as a float": (
        lambda: with_texts(parameters=json.dumps(FOOOCUS | {"seed": 1e300})),
        "say seed = 1e\\+300",
    ),
    "InvokeAI's seed as an infinity": (
        lambda: with_texts(invokeai_metadata=json.dumps(INVOKEAI | {"seed": 1}).replace('"seed": 1', '"seed": 1e400')),
        "say seed = inf",
    ),
    "InvokeAI's steps as true": (
        lambda: with_texts(invokeai_metadata=json.dumps(INVOKEAI | {"steps": True})),
        "say steps",
    ),
    "half a character": (lambda: with_texts(prompt='{"a": "\\ud800"}'), "are not JSON"),
    "a graph without sampler": (
        lambda: with_texts(prompt=json.dumps({"1": node("SaveImage")})),
        "has no sampler that is known",
    ),
    "a graph of 2,001 nodes": (
        lambda: with_texts(prompt=json.dumps({str(n): node("KSampler") for n in range(2001)})),
        "2,001 nodes; 2,000 are read",
    ),
    "a node that is none": (lambda: with_texts(prompt=json.dumps({"1": 5})), "a node that is not a JSON object"),
    "a node without class": (lambda: with_texts(prompt=json.dumps({"1": {}})), "say class_type"),
    "a seed of a graph as text": (lambda: comfyui(**{"3": node("KSampler", seed="5; rm -rf /")}), "say seed = '5; rm"),
    "a link that leads nowhere": (
        lambda: comfyui(**{"3": node("KSampler", seed=["99", 0])}),
        "say seed = \\['99', 0\\]",
    ),
    "a JPEG cut off": (lambda: cut(with_exif("JPEG", b"ASCII\0\0\0x"), 0.05), "is cut off or damaged"),
    "a WebP cut off": (lambda: cut(with_exif("WEBP", b"ASCII\0\0\0x"), 0.6), "is cut off or damaged"),
    "an EXIF part of noise": (
        lambda: b"\xff\xd8\xff\xe1\0\x20Exif\0\0" + b"\xff" * 24 + b"\xff\xda",
        "EXIF part of .* damaged",
    ),
    "an EXIF comment that is no text": (lambda: with_exif("JPEG", b"UNICODE\0\0a\xd8"), "EXIF comment .* damaged"),
    "a JPEG without EXIF": (lambda: b"\xff\xd8\xff\xe0\0\4ab\xff\xda", "does not say how it was made"),
}


@pytest.mark.parametrize("which", HOSTILE)
def test_hostile_pictures_are_refused(tmp_path: Path, which: str) -> None:
    make, message = HOSTILE[which]
    (tmp_path / "evil.png").write_bytes(make())
    began = time.process_time()
    with pytest.raises(TwinseedError, match=message) as caught:
        read_picture(tmp_path / "evil.png")
    assert time.process_time() - began < 2
    assert caught.value.hint
    assert str(tmp_path / "evil.png") in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 500 + len(str(tmp_path))


def test_links_in_a_circle_and_links_that_multiply() -> None:
    circle = {
        "3": node(
            "KSampler",
            seed=["a", 0],
            steps=4,
            positive=["a", 0],
            negative=["b", 0],
            model=["a", 0],
            latent_image=["3", 0],
        ),
        "a": node("Reroute", conditioning=["b", 0], model=["b", 0], samples=["b", 0]),
        "b": node("Reroute", conditioning=["a", 0], model=["a", 0], samples=["a", 0]),
    }
    found = parse_picture(with_texts(prompt=json.dumps(circle)))
    assert (found.prompt, found.seed, found.num_inference_steps, found.model) == ("", None, 4, None)
    deep = {
        str(n): node("Both", conditioning=[str(n + 1), 0], positive=[str(n + 1), 0], conditioning_1=[str(n + 2), 0])
        for n in range(1500)
    } | {"1500": node("CLIPTextEncode", text="far away"), "k": node("KSampler", steps=4, positive=["0", 0])}
    began = time.process_time()
    assert parse_picture(with_texts(prompt=json.dumps(deep))).prompt == "far away"
    assert time.process_time() - began < 2, "each node is seen once, not 2**750 times"


def test_damaged_at_random() -> None:
    """Whatever is changed in a picture, or in the text of one that is whole: a sentence, never a traceback."""
    rng = random.Random(11)
    refused = 0
    for content, _ in OTHERS.values():
        for _ in range(150):
            damaged = bytearray(content)
            for _ in range(rng.randrange(1, 4)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            refused += is_refused(bytes(damaged))
    assert refused > 1000
    words = [
        json.dumps(value).encode() for value in ([], {}, None, True, -1, 0.5, "", "x", [["3", 0]], 2**70, {"3": 1})
    ]
    for keyword, text in [
        *(
            (b"parameters", json.dumps(FOOOCUS)),
            (b"prompt", json.dumps(COMFYUI)),
            (b"prompt", json.dumps(COMFYUI_CUSTOM)),
        ),
        *((b"invokeai_metadata", json.dumps(INVOKEAI)), (b"parameters", A1111)),
    ]:
        parts = re.split(rb'("[^"]*"|[0-9.]+|, )', text.encode())
        for _ in range(300):
            changed = list(parts)
            for _ in range(rng.randrange(1, 3)):
                changed[rng.randrange(len(changed))] = rng.choice(words)
            refused += is_refused(png((b"tEXt", keyword + b"\0" + b"".join(changed))))
    assert refused > 2000


def is_refused(content: bytes) -> bool:
    try:
        parse_picture(content)
    except TwinseedError:
        return True
    return False


def test_xmp_is_never_parsed() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{entities}]><x:xmpmeta>&e9;</x:xmpmeta>'
    found = parse_picture(with_texts(**{"XML:com.adobe.xmp": bomb, "parameters": A1111}))
    assert found == parse_picture(WHOLE)


def test_texts_that_nobody_asked_for_are_left_alone() -> None:
    """A workflow of some megabytes is nothing bad, and a bomb that is not opened does not go off."""
    chunks = [(b"tEXt", b"workflow\0" + b"x" * 5_000_000), (b"zTXt", b"other\0\0" + bomb(60_000_000))]
    assert parse_picture(png(*chunks, (b"tEXt", b"parameters\0" + A1111.encode()))).seed == 965400086


@pytest.mark.parametrize("name", ["nothing.png", "", "a\0b"])
def test_no_picture_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(PictureError, match=r"no picture at|cannot read"):
        read_picture(tmp_path / name)


def test_a_file_too_large(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(MAX_FILE + 1)  # a hole: it takes no room
    with pytest.raises(PictureError, match="134,217,729 bytes"):
        read_picture(tmp_path / "a.png")
