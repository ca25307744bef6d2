"""Pictures of other programs are read; hostile ones are refused, in a sentence and at once."""

from __future__ import annotations

import json
import random
import re
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from picture_bytes import png, with_exif, with_texts

from generate.files import (
    LoraUse,
    PictureError,
    PictureParameters,
    likeness_of,
    parse_picture,
    read_mark,
    read_picture,
)
from generate.files.picture_file import MAX_FILE
from generate.files.sampler_names import scheduler_named
from generate.settings import RenderSettings, SettingsError
from ideation import TwinseedError

A1111 = (
    "a dog, <lora:detail:0.7>\nNegative prompt: blurry\nSteps: 25, Sampler: DPM++ 2M, Schedule type: Karras, "
    "CFG scale: 7, Seed: 965400086, Size: 512x768, Model hash: 45dee52b, Model: v1-5, Clip skip: 2, "
    'Lora hashes: "detail: 9ac2"'
)
FOOOCUS = {
    "adm_guidance": "(1.5, 0.8, 0.3)",
    "base_model": "juggernautXL",
    "base_model_hash": "aeb7e9e689",
    "full_prompt": ["x"],
    "guidance_scale": 4.0,
    "lora_combined_1": "offset : 0.1",
    "loras": [["offset", 0.1, "4852686128"]],
    "metadata_scheme": "fooocus",
    "negative_prompt": "blurry",
    "prompt": "a dog",
    "resolution": "(896, 1152)",
    "sampler": "dpmpp_2m_sde_gpu",
    "scheduler": "karras",
    "seed": "4159895726312427221",
    "steps": 30,
    "styles": "['Fooocus V2']",
    "version": "Fooocus v2.5.5",
}
INVOKEAI = {
    "app_version": "4.2.0",
    "generation_mode": "txt2img",
    "positive_prompt": "a dog",
    "negative_prompt": "blurry",
    "width": 768,
    "height": 432,
    "seed": 356120443,
    "rand_device": "cpu",
    "cfg_scale": 7.5,
    "steps": 50,
    "scheduler": "dpmpp_2m_k",
    "clip_skip": 0,
    "controlnets": [],
    "model": {"key": "k", "hash": "blake3:1", "name": "dreamshaper", "base": "sd-1", "type": "main"},
    "loras": [{"model": {"key": "k", "name": "detail"}, "weight": 0.75}],
}
NOVELAI = {
    "prompt": "a dog",
    "uc": "blurry",
    "steps": 28,
    "height": 1216,
    "width": 832,
    "scale": 5.0,
    "seed": 3071474384,
    "sampler": "k_euler_ancestral",
    "noise_schedule": "native",
    "n_samples": 1,
}


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


COMFYUI = {
    "3": node(
        "KSampler",
        seed=156680208700286,
        steps=20,
        cfg=8.0,
        sampler_name="dpmpp_2m",
        scheduler="karras",
        denoise=1,
        model=["10", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["5", 0],
    ),
    "4": node("CheckpointLoaderSimple", ckpt_name="v1-5.safetensors"),
    "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
    "6": node("CLIPTextEncode", text="a dog", clip=["10", 1]),
    "7": node("CLIPTextEncode", text="blurry", clip=["10", 1]),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
    "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
    "10": node(
        "LoraLoader", lora_name="detail.safetensors", strength_model=0.5, strength_clip=1, model=["4", 0], clip=["4", 1]
    ),
}
COMFYUI_INDIRECT = COMFYUI | {
    "3": node(
        "KSampler",
        seed=["20", 0],
        steps=["22", 0],
        cfg=8.0,
        sampler_name="euler",
        scheduler="sgm_uniform",
        model=["4", 0],
        positive=["21", 0],
        negative=["23", 0],
        latent_image=["5", 0],
    ),
    "20": node("PrimitiveInt", value=5),
    "21": node("ControlNetApplyAdvanced", positive=["24", 0], negative=["7", 0], strength=1),
    "22": node("Reroute", anything=["26", 0]),
    "23": node("ConditioningZeroOut", conditioning=["6", 0]),
    "24": node("CLIPTextEncode", text=["25", 0], clip=["4", 1]),
    "25": node("Text Multiline", text="a linked dog"),
    "26": node("Steps", int=12),
    "30": node(
        "KSampler",
        seed=6,
        steps=9,
        cfg=1.0,
        sampler_name="euler",
        scheduler="normal",
        denoise=0.5,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["31", 0],
    ),
    "31": node("LatentUpscale", samples=["3", 0], width=1024, height=1536),
}
COMFYUI_CUSTOM = {
    "1": node(
        "SamplerCustomAdvanced",
        noise=["2", 0],
        guider=["3", 0],
        sampler=["4", 0],
        sigmas=["5", 0],
        latent_image=["6", 0],
    ),
    "2": node("RandomNoise", noise_seed=2**64 - 1),
    "3": node("CFGGuider", cfg=3.5, model=["7", 0], positive=["8", 0], negative=["9", 0]),
    "4": node("KSamplerSelect", sampler_name="euler_ancestral"),
    "5": node("BasicScheduler", scheduler="normal", steps=28, model=["7", 0]),
    "6": node("EmptySD3LatentImage", width=1024, height=1024),
    "7": node("UNETLoader", unet_name="flux1"),
    "8": node("FluxGuidance", guidance=3.5, conditioning=["10", 0]),
    "9": node("CLIPTextEncode", text="blurry"),
    "10": node("CLIPTextEncodeSDXL", text_g="a dog", text_l="a dog"),
}
ON_GPU = "AUTOMATIC1111 draws its noise on the graphics card unless RNG: CPU is written, which it is not"

OTHERS: dict[str, tuple[bytes, dict[str, object]]] = {
    "AUTOMATIC1111": (
        with_texts(parameters=A1111),
        {
            "prompt": "a dog, <lora:detail:0.7>",
            "negative_prompt": "blurry",
            "seed": 965400086,
            "num_inference_steps": 25,
            "guidance_scale": 7.0,
            "scheduler": "DPM++ 2M Karras",
            "foreign_scheduler": None,
            "width": 512,
            "height": 768,
            "model": "v1-5",
            "model_hash": "45dee52b",
            "loras": (LoraUse("detail", 0.7, "9ac2"),),
            "tool": "AUTOMATIC1111",
            "rng": None,
            "clip_skip": 1,
            "unread": (),
        },
    ),
    "AUTOMATIC1111 in JPEG": (
        with_exif("JPEG", b"UNICODE\0" + A1111.replace("a dog", "一隻狗").encode("utf-16-be")),
        {"prompt": "一隻狗, <lora:detail:0.7>", "seed": 965400086, "tool": "AUTOMATIC1111", "width": 512},
    ),
    "AUTOMATIC1111 in WebP, the other byte order": (
        with_exif("WEBP", b"UNICODE\0" + A1111.encode("utf-16-le")),
        {"seed": 965400086, "negative_prompt": "blurry"},
    ),
    "with a byte order mark": (
        with_exif("WEBP", b"UNICODE\0" + A1111.encode("utf-16")),
        {"seed": 965400086, "prompt": "a dog, <lora:detail:0.7>"},
    ),
    "in ASCII": (with_exif("JPEG", b"ASCII\0\0\0" + A1111.encode()), {"seed": 965400086}),
    "before version 1.9": (
        with_texts(
            parameters="a dog\nSteps: 20, Sampler: DPM++ SDE Karras, CFG scale: 7, Seed: 1, Size: 512x512, RNG: NV"
        ),
        {"scheduler": "DPM++ SDE Karras", "rng": "NV"},
    ),
    "Forge": (
        with_texts(
            parameters="a dog\nSteps: 20, Sampler: DPM++ 3M SDE, Schedule type: Beta, Seed: 1, Version: f2.0.1v1.10.1"
        ),
        {"scheduler": None, "foreign_scheduler": "DPM++ 3M SDE Beta", "tool": "Forge"},
    ),
    "Fooocus": (
        with_texts(parameters=json.dumps(FOOOCUS), fooocus_scheme="fooocus"),
        {
            "prompt": "a dog",
            "negative_prompt": "blurry",
            "seed": 4159895726312427221,
            "num_inference_steps": 30,
            "guidance_scale": 4.0,
            "scheduler": "DPM++ 2M SDE Karras",
            "width": 896,
            "height": 1152,
            "model": "juggernautXL",
            "model_hash": "aeb7e9e689",
            "loras": (LoraUse("offset", 0.1, "4852686128"),),
            "tool": "Fooocus",
            "rng": None,
            "unread": ("adm_guidance", "full_prompt", "styles"),
        },
    ),
    "Fooocus in JPEG": (
        with_exif("JPEG", json.dumps(FOOOCUS), beside=True),
        {"seed": 4159895726312427221, "tool": "Fooocus"},
    ),
    "ComfyUI": (
        with_texts(prompt=json.dumps(COMFYUI), workflow="{}"),
        {
            "prompt": "a dog",
            "negative_prompt": "blurry",
            "seed": 156680208700286,
            "num_inference_steps": 20,
            "guidance_scale": 8.0,
            "scheduler": "DPM++ 2M Karras",
            "width": 512,
            "height": 768,
            "model": "v1-5.safetensors",
            "loras": (LoraUse("detail.safetensors", 0.5, None, 1.0),),
            "tool": "ComfyUI",
            "rng": "CPU",
            "unread": (),
        },
    ),
    "ComfyUI, by links and with a second sampler": (
        with_texts(prompt=json.dumps(COMFYUI_INDIRECT | {"99": node("Other", changed=[float("nan")])})),
        {
            "prompt": "a linked dog",
            "negative_prompt": "",
            "seed": 5,
            "num_inference_steps": 12,
            "scheduler": "Euler SGM Uniform",
            "width": 512,
            "height": 768,
        },
    ),
    "ComfyUI, with both prompts through one node": (
        with_texts(
            prompt=json.dumps(
                COMFYUI
                | {
                    "3": node("KSampler", positive=["21", 0], negative=["21", 1]),
                    "21": node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0]),
                }
            )
        ),
        {"prompt": "a dog", "negative_prompt": "blurry"},
    ),
    "ComfyUI, assembled": (
        with_texts(prompt=json.dumps(COMFYUI_CUSTOM)),
        {
            "prompt": "a dog",
            "negative_prompt": "blurry",
            "seed": 2**64 - 1,
            "num_inference_steps": 28,
            "guidance_scale": 3.5,
            "scheduler": "Euler a",
            "width": 1024,
            "model": "flux1",
            "unread": ("FluxGuidance",),
        },
    ),
    "InvokeAI": (
        with_texts(invokeai_metadata=json.dumps(INVOKEAI)),
        {
            "prompt": "a dog",
            "negative_prompt": "blurry",
            "seed": 356120443,
            "num_inference_steps": 50,
            "guidance_scale": 7.5,
            "scheduler": "DPM++ 2M Karras",
            "width": 768,
            "height": 432,
            "model": "dreamshaper",
            "model_hash": "blake3:1",
            "loras": (LoraUse("detail", 0.75),),
            "tool": "InvokeAI",
            "rng": "CPU",
            "clip_skip": 0,
            "unread": (),
        },
    ),
    "NovelAI": (
        with_texts(Software="NovelAI", Source="Stable Diffusion XL 7BCCAA2C", Comment=json.dumps(NOVELAI)),
        {
            "prompt": "a dog",
            "negative_prompt": "blurry",
            "seed": 3071474384,
            "num_inference_steps": 28,
            "guidance_scale": 5.0,
            "scheduler": "Euler a",
            "width": 832,
            "height": 1216,
            "tool": "NovelAI",
            "rng": None,
            "model": "Stable Diffusion XL 7BCCAA2C",
            "unread": ("n_samples",),
        },
    ),
}


@pytest.mark.parametrize("which", OTHERS)
def test_other_programs(tmp_path: Path, which: str) -> None:
    content, expected = OTHERS[which]
    (tmp_path / "picture").write_bytes(content)
    found = read_picture(tmp_path / "picture")
    assert {name: getattr(found, name) for name in expected} == expected
    assert notes_of(content), "nobody is left to expect the same picture"
    assert read_mark(tmp_path / "picture") is None


@pytest.mark.parametrize(
    ("which", "note"),
    [
        ("AUTOMATIC1111", "draws its noise on the graphics card unless RNG: CPU is written, which it is not"),
        ("before version 1.9", "drew its noise with RNG: NV, Twinseed draws it on the CPU"),
        ("ComfyUI", "begins with the same noise, but not all that made the picture is taken over"),
        ("Forge", "Twinseed has no scheduler that is the same as 'DPM++ 3M SDE Beta'"),
        ("ComfyUI, by links and with a second sampler", "The graph has 2 samplers"),
    ],
)
def test_why_it_will_not_be_the_same_picture(which: str, note: str) -> None:
    assert note in " ".join(notes_of(OTHERS[which][0]))


def notes_of(content: bytes) -> tuple[str, ...]:
    """What is said of a picture where its model is not here."""
    return likeness_of(replace(parse_picture(content), seed=7), RenderSettings()).notes


@pytest.mark.parametrize(
    ("sampler", "schedule", "scheduler"),
    [
        ("DPM++ 2M", "Automatic", "DPM++ 2M Karras"),
        ("DPM++ 2M", None, "DPM++ 2M"),
        ("DPM++ 2M", "Uniform", "DPM++ 2M"),
        ("DPM++ 2M", "Exponential", None),
        ("Euler a", "Automatic", "Euler a"),
        ("euler A", "Normal", "Euler a"),
        ("PLMS", "Automatic", "PNDM"),
        ("DDIM", "ddim_uniform", "DDIM"),
        ("DPM adaptive", "Karras", None),
    ],
)
def test_what_other_programs_call_our_schedulers(sampler: str, schedule: str | None, scheduler: str | None) -> None:
    assert scheduler_named(sampler, schedule) == scheduler


def test_starting_from_a_picture() -> None:
    base = RenderSettings(seed=3, images=2, scheduler="UniPC", device="cpu", num_inference_steps=9)
    like = likeness_of(parse_picture(OTHERS["AUTOMATIC1111"][0]), base)
    assert like.settings == replace(
        base,
        seed=965400086,
        num_inference_steps=25,
        guidance_scale=7.0,
        scheduler="DPM++ 2M Karras",
        width=512,
        height=768,
        clip_skip=1,
    ), "its model is not on this machine, so the base's stays"
    assert (like.simple, like.expanded, like.negative) == ("a dog, ", None, "blurry"), "a LoRA goes with its model"
    assert like.notes[1:] == (
        "The model v1-5 is not taken over: unknown model 'v1-5'. seedling takes its place.",
        "The LoRA detail is not taken over: it goes with that model.",
    )
    assert likeness_of(PictureParameters(prompt="a dog", tool="x"), base).settings == base
    assert likeness_of(parse_picture(OTHERS["Forge"][0]), base).settings.scheduler == "UniPC"
    unread = likeness_of(parse_picture(OTHERS["Fooocus"][0]), base).notes
    assert "It says more that means nothing here: adm_guidance, full_prompt, styles." in unread
    with pytest.raises(SettingsError, match="seed is 18446744073709551615"):
        likeness_of(parse_picture(OTHERS["ComfyUI, assembled"][0]), base)
    with pytest.raises(SettingsError, match="width is 500 pixels"):
        likeness_of(PictureParameters(prompt="", width=500), base)


# ---- hostile input


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
