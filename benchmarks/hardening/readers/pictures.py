"""Pictures: the texts in them, of our own and of other programs."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from picture_bytes import own_picture
from test_foreign_pictures import A1111, COMFYUI, FOOOCUS, INVOKEAI, NOVELAI, OTHERS, node

from benchmarks.hardening.readers.reader import Reader, plain
from generate.files import likeness_of, mark_in, parse_picture
from generate.files.exif import comment_in_xmp
from generate.files.foreign import parameters_of_infotext, read_foreign
from generate.files.infotext import parse_infotext
from generate.settings import RenderSettings
from ideation import TwinseedError


def _graph(text: str) -> str:
    """A graph in which the text is the prompt, by way of nodes that put texts together and show them."""
    joined = node("Text Concatenate", text_a=["21", 0], text_b=text)
    nodes = {"6": node("CLIPTextEncode", text=["20", 0]), "20": joined, "21": node("ShowText|pysssss", text=text)}
    return json.dumps(COMFYUI | nodes)


def _infotext(text: str) -> None:
    likeness_of(parameters_of_infotext(parse_infotext(text)), RenderSettings())


def _nodes(text: str) -> str:
    """A graph whose nodes stand one behind the other, or each feeds all before it; the text says how many."""
    count = len(text) // 60
    nodes = {"6": node("CLIPTextEncode", text=["100", 0])}
    for number in range(100, 100 + count):
        links = {f"text_{part}": [str(number + part + 1), 0] for part in range(3)}
        nodes[str(number)] = node("Text Concatenate", **links)
    return json.dumps(COMFYUI | nodes | {str(100 + count + part): node("Text", text=text) for part in range(4)})


def _keys_of_loader(text: str) -> str:
    """A loader with LoRAs by number, and some with one number and many names; the text says how many."""
    count = len(text) // 40
    numbered = {f"lora_{number}": f"x{number}" for number in range(count)}
    named = {f"lora_name{number:b}".replace("0", "a").replace("1", "b"): f"y{number}" for number in range(count)}
    return json.dumps(COMFYUI | {"10": node("LoraLoader", **numbered, **named, model=["4", 0], clip=["4", 1])})


def _keys(text: str) -> str:
    """Settings of extensions, as many as the text has letters by thirty."""
    keys = {f"AddNet Model {number}": f"x{number}(1234)" for number in range(len(text) // 30)}
    return json.dumps({"prompt": "a dog", "steps": 20, "seed": 7, "sampler": "Euler"} | keys)


def _texts(**texts: str) -> None:
    found = read_foreign(texts)
    if found is not None:
        likeness_of(found, RenderSettings())


def _within(sample: Mapping[str, Any], *keys: str) -> Callable[[str], str]:
    """The sample as JSON, with a text in the place of these keys' values."""
    return lambda text: json.dumps({**sample} | dict.fromkeys(keys, text))


PICTURES: tuple[Reader, ...] = (
    plain("infotext", _infotext, A1111),
    plain("a prompt in infotext", lambda text: _infotext(text + A1111.partition("a dog")[2]), "a dog"),
    plain("a line of infotext", lambda text: _infotext(A1111 + text), ", Hires upscale: 2", "\nTemplate: a"),
    *(
        plain(f"the text {name}", lambda text, name=name: _texts(**{name: text}), *samples)
        for name, samples in {
            "parameters": (json.dumps(FOOOCUS), A1111),
            "UserComment": (json.dumps(INVOKEAI),),
            "invokeai_metadata": (json.dumps(INVOKEAI),),
            "sd-metadata": (json.dumps({"app_version": "2", "model": "x", "image": {"prompt": "a dog", "seed": 7}}),),
            "Dream": ('"a dog [blurry]" -s 50 -S 7 -W 512 -H 512 -C 7.5 -A k_lms',),
            "prompt": (json.dumps(COMFYUI),),
            "Comment": (json.dumps(NOVELAI),),
        }.items()
    ),
    plain("the prompt of Fooocus", lambda text: _texts(parameters=_within(FOOOCUS, "prompt", "styles")(text)), "a dog"),
    plain(
        "the prompt of InvokeAI",
        lambda text: _texts(invokeai_metadata=_within(INVOKEAI, "positive_prompt", "scheduler")(text)),
        "a dog",
    ),
    plain(
        "the prompt of NovelAI",
        lambda text: _texts(Software="NovelAI", Comment=_within(NOVELAI, "prompt", "uc", "sampler")(text)),
        "a dog",
    ),
    plain(
        "the prompt of Easy Diffusion",
        lambda text: _texts(prompt=text, num_inference_steps="20", use_lora_model=text, lora_alpha=text),
        "a dog",
    ),
    plain("the prompt of ComfyUI", lambda text: _texts(prompt=_graph(text)), "a dog"),
    plain("as many nodes of ComfyUI", lambda text: _texts(prompt=_nodes(text)), "a dog" * 300),
    plain("as many LoRAs of ComfyUI", lambda text: _texts(prompt=_keys_of_loader(text)), "a dog" * 300),
    plain("as many settings", lambda text: _texts(parameters=_keys(text)), "a dog" * 300),
    plain("XMP", lambda text: comment_in_xmp(f"<exif:UserComment>{text}</exif:UserComment>"), "<a>&quot;b"),
)


def _png(content: bytes) -> None:
    for one in (content, _with_sums(content)):
        for read in (parse_picture, mark_in):
            with suppress(TwinseedError):
                read(one)


def _with_sums(content: bytes) -> bytes:
    """A PNG whose chunks have the right sums, as whoever means harm would write them."""
    out, position = content[:8], 8
    while position + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, position)
        body = content[position + 4 : position + 8 + length]
        out += struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body))
        position += 12 + length
    return out


_THEIRS = [content for content, _ in OTHERS.values()]
_PNGS = (own_picture(RenderSettings(seed=7)), *(one for one in _THEIRS if one.startswith(b"\x89PNG")))

PICTURE_FILES = (
    plain("PNG pictures", _png, *_PNGS),
    plain("JPEG and WebP pictures", parse_picture, *(one for one in _THEIRS if not one.startswith(b"\x89PNG"))),
)
