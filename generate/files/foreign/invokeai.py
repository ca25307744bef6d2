"""InvokeAI's settings: a JSON object under `invokeai_metadata`; until version 2 under `sd-metadata`, and as the words
of a command line under `Dream`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from pydantic import JsonValue

from generate.files.foreign.settings import (
    Decimal,
    ForeignModel,
    Whole,
    beyond_of,
    checked,
    from_another_picture,
    json_object,
    plain,
)
from generate.files.infotext import PictureError
from generate.files.parameters import LoraUse, PictureParameters
from generate.files.sampler_names import scheduler_named
from ideation import Clause

#: Those that draw no noise on the way, as none of ours of that name.
_OTHERS = ("dpmpp_2s", "dpmpp_3m", "dpmpp_2s_k", "dpmpp_3m_k")
#: The letters of its command line.
_DREAM = {"s": "steps", "S": "seed", "W": "width", "H": "height", "C": "cfg_scale", "A": "sampler"}
#: Its own marks of weight: `(word)1.3`, `word++`.
_WEIGHTS = re.compile(r"\)(?:[0-9]++(?:\.[0-9]++)?|\.[0-9]++)|[\w)](\+{1,9}|-{2,9})(?=[\s,.)]|\Z)")


class _Model(ForeignModel):
    """Until version 3 with model_name, then with name and hash."""

    name: str | None = None
    model_name: str | None = None
    hash: str | None = None


class _Lora(ForeignModel):
    model: _Model | None = None
    lora: _Model | None = None
    weight: Decimal = 1.0


class _Settings(ForeignModel):
    positive_prompt: str | None = None
    negative_prompt: str | None = None
    positive_style_prompt: str | None = None
    negative_style_prompt: str | None = None
    seed: Whole | None = None
    steps: Whole | None = None
    cfg_scale: Decimal | None = None
    scheduler: str | None = None
    width: Whole | None = None
    height: Whole | None = None
    rand_device: str | None = None
    clip_skip: Whole | None = None
    model: _Model | None = None
    vae: _Model | None = None
    loras: list[_Lora] | None = None
    app_version: str | None = None
    generation_mode: str | None = None


class _OldImage(ForeignModel):
    prompt: JsonValue = None
    seed: Whole | None = None
    steps: Whole | None = None
    cfg_scale: Decimal | None = None
    sampler: str | None = None
    width: Whole | None = None
    height: Whole | None = None
    type: str | None = None
    hires_fix: bool | None = None
    strength: Decimal | None = None


class _OldSettings(ForeignModel):
    image: _OldImage
    model: str | None = None
    model_weights: str | None = None
    model_hash: str | None = None
    app_id: str | None = None
    app_version: str | None = None


def read_invokeai(text: str) -> PictureParameters:
    """The parameters in InvokeAI's JSON. Raises `PictureError`."""
    found = checked(_Settings, json_object(text, "InvokeAI"), "InvokeAI")
    name = found.scheduler or ""
    scheduler = _scheduler(name.removesuffix("_k"), "Karras" if name.endswith("_k") else None)
    model, vae = found.model or _Model(), found.vae or _Model()
    uses = [(lora.model or lora.lora or _Model(), lora.weight) for lora in found.loras or ()]
    beyond, unread = _beyond(found.unread, found.generation_mode or "")
    notes = [
        Clause(
            "It had another prompt for the second text encoder, {prompt!r}: one is taken for both.", prompt=style[:200]
        )
        for style, prompt in (
            (found.positive_style_prompt, found.positive_prompt),
            (found.negative_style_prompt, found.negative_prompt),
        )
        if style and style != prompt
    ]
    return _with_own_weights(
        PictureParameters(
            prompt=found.positive_prompt or "",
            negative_prompt=found.negative_prompt or "",
            seed=found.seed,
            num_inference_steps=found.steps,
            guidance_scale=found.cfg_scale,
            scheduler=scheduler,
            foreign_scheduler=None if scheduler else found.scheduler,
            width=found.width,
            height=found.height,
            model=model.name or model.model_name,
            model_hash=model.hash,
            vae=vae.name or vae.model_name,
            clip_skip=found.clip_skip,
            loras=tuple(LoraUse(lora.name or lora.model_name or "", weight, lora.hash) for lora, weight in uses),
            tool="InvokeAI",
            rng=found.rand_device and found.rand_device.upper(),
            beyond=beyond,
            notes=tuple(notes),
            unread=unread,
        )
    )


def read_old_invokeai(text: str) -> PictureParameters:
    """The parameters in the JSON of its version 2. Raises `PictureError`."""
    found = checked(_OldSettings, json_object(text, "InvokeAI"), "InvokeAI")
    image = found.image
    prompts = image.prompt if isinstance(image.prompt, list) else [image.prompt]
    texts = [one.get("prompt") if isinstance(one, dict) else one for one in prompts]
    said = [one for one in texts if isinstance(one, str)]
    unread = {**found.unread, **image.unread}
    if image.strength is not None:
        unread["strength"] = image.strength
    if image.hires_fix:
        unread["hires_fix"] = True
    beyond, left = _beyond(unread, image.type or "")
    if len(said) > 1:
        beyond += (Clause("It put {count} prompts together: they are joined by commas here.", count=len(said)),)
    return _old(image, ", ".join(said), found.model_weights or found.model, found.model_hash, beyond, left)


def read_dream(text: str) -> PictureParameters:
    """The parameters in the command line of its versions 1 and 2. Raises `PictureError`."""
    line = re.fullmatch(r'\s*(?:dream>\s*)?"(.*)"\s*((?:-.*)?)', text, re.DOTALL)
    if line is None:
        raise PictureError("the command line of InvokeAI in the picture cannot be read", hint="set the values by hand")
    values: dict[str, object] = {}
    words = line[2].split()
    for place, word in enumerate(words):
        if not re.match(r"--?[A-Za-z]", word):
            continue
        name, _, value = word[2:].partition("=") if word.startswith("--") else (word[1], "", word[2:])
        after = words[place + 1] if place + 1 < len(words) else "-"
        if not value and not re.match(r"--?[A-Za-z]", after) and after != "-":
            value = after
        values[_DREAM.get(name, name)] = value or "on"
    image = checked(_OldImage, values, "InvokeAI")
    names = {
        "I": "init_img",
        "f": "strength",
        "M": "init_mask",
        "G": "gfpgan_strength",
        "U": "upscale",
        "V": "variations",
    }
    unread = {names.get(key, key): value for key, value in image.unread.items()}
    if image.strength is not None:
        unread["strength"] = image.strength
    beyond, left = _beyond(unread, "inpaint" if "init_mask" in unread else "img2img" if "init_img" in unread else "")
    return _old(image, line[1], None, None, beyond, left)


def _old(
    image: _OldImage,
    prompt: str,
    model: str | None,
    digest: str | None,
    beyond: tuple[Clause, ...],
    unread: tuple[str, ...],
) -> PictureParameters:
    """What stands in brackets there is the negative prompt."""
    negative = ", ".join(one.strip(" ,") for one in re.findall(r"(?<!\\)\[([^\[\]]*)\]", prompt))
    positive = re.sub(r"\s{2,}", " ", re.sub(r"(?<!\\)\[[^\[\]]*\]", " ", prompt)).strip()
    scheduler = _scheduler(image.sampler or "", None)
    return _with_own_weights(
        PictureParameters(
            prompt=positive,
            negative_prompt=negative,
            seed=image.seed,
            num_inference_steps=image.steps,
            guidance_scale=image.cfg_scale,
            scheduler=scheduler,
            foreign_scheduler=None if scheduler else image.sampler,
            width=image.width,
            height=image.height,
            model=model,
            model_hash=digest,
            tool="InvokeAI",
            rng=None,
            beyond=beyond,
            unread=unread,
        )
    )


def _scheduler(sampler: str, schedule: str | None) -> str | None:
    return None if not sampler or sampler in _OTHERS else scheduler_named(sampler, schedule)


def _beyond(unread: dict[str, object], mode: str) -> tuple[tuple[Clause, ...], tuple[str, ...]]:
    """What had a part in the picture, of which the mode may tell as well, and what means nothing here."""
    beyond, left = beyond_of(unread)
    told = any("img2img" in one.key or "inpainting" in one.key for one in beyond)
    if re.search("img2img|inpaint|outpaint", mode) and not told:
        beyond = (from_another_picture(plain(mode), in_part="img2img" not in mode), *beyond)
    return beyond, left


def _with_own_weights(parameters: PictureParameters) -> PictureParameters:
    notes = list[Clause]()
    if any(map(_WEIGHTS.search, _prompts(parameters))):
        notes.append(
            Clause(
                "{tool} weighs words by marks of its own, which are read as they stand: mend them in the prompts.",
                tool="InvokeAI",
            )
        )
    without = None if parameters.prompt.strip() else Clause("its prompt is empty")
    return replace(parameters, notes=(*parameters.notes, *notes), without_prompt=without)


def _prompts(parameters: PictureParameters) -> Iterable[str]:
    return parameters.prompt, parameters.negative_prompt
