"""Pictures of other programs are read, and what of them a new pair takes over."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from picture_bytes import with_exif, with_texts

from generate.files import LoraUse, PictureParameters, likeness_of, parse_picture, read_mark, read_picture
from generate.files.sampler_names import scheduler_named
from generate.settings import RenderSettings, SettingsError

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
