"""Flat settings: one row of names with their values, as most programs write them, each with names of its own.

SwarmUI, Fooocus and those after it, Easy Diffusion, Draw Things, Stability Matrix, Civitai, Tensor.Art write them as
JSON, AUTOMATIC1111 as a line of text. Which program it was is told by keys that only it has.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from generate.files.foreign.settings import (
    Decimal,
    ForeignModel,
    Size,
    Whole,
    beyond_of,
    checked,
    folded,
    is_number,
    plain,
    says_nothing,
    shown,
)
from generate.files.infotext import QUOTED, PictureError, unquoted
from generate.files.parameters import TWINSEED, LoraUse, PictureParameters
from generate.files.sampler_names import scheduler_named, words_for
from ideation import Clause, marks_in

_NUMBER = r"[+-]?[0-9]{1,10}(?:\.[0-9]{1,20})?(?:e-?[0-9]{1,3})?"
#: One weight, or the text encoder's and the U-Net's, as in a tag.
_WEIGHTS = re.compile(rf"(?:({_NUMBER}):)?({_NUMBER})")
#: What the settings are called, folded, by the name that they have in `FlatSettings`.
_NAMES = {
    "prompt": ("prompt", "positiveprompt", "positive", "c"),
    "negative": ("negativeprompt", "negative", "uc"),
    "seed": ("seed",),
    "steps": ("steps", "numinferencesteps", "samplingsteps"),
    "guidance": ("cfgscale", "cfg", "guidancescale", "guidance", "scale"),
    "sampler": ("sampler", "samplername", "samplermethod", "samplingmethod", "comfyuisampler", "ksamplername"),
    "schedule": ("scheduletype", "scheduler", "noiseschedule", "schedule", "comfyuischeduler"),
    "width": ("width",),
    "height": ("height",),
    "size": ("size", "resolution"),
    "model": ("model", "basemodel", "basemodelname", "modelname", "checkpoint", "usestablediffusionmodel"),
    "hash": ("modelhash", "basemodelhash"),
    "vae": ("vae", "vaename", "sdvae", "usevaemodel"),
    "clip_skip": ("clipskip", "clipstopatlayer", "cliplastlayer"),
    "loras": ("loras", "lora", "uselora", "useloramodel"),
    "lora_weights": ("loraweights", "loraalpha", "loraalphas"),
    "lora_text_encoder_weights": ("loratencweights",),
    "lora_hashes": ("lorahashes",),
    "ti_hashes": ("tihashes",),
    "rng": ("rng",),
    "version": ("version",),
}
_NUMBERS = ("seed", "steps", "guidance", "width", "height", "size", "clip_skip")
#: Keys that a program alone has, folded.
_PROGRAMS = (
    ("SwarmUI", {"swarmversion", "negativeprompt,cfgscale,model,images"}),
    ("Fooocus", {"metadatascheme", "admguidance", "fooocusv2expansion"}),
    ("Easy Diffusion", {"usestablediffusionmodel", "numinferencesteps,guidancescale"}),
    ("Draw Things", {"c,uc", "seedmode", "c,sampler"}),
    ("Tensor.Art", {"ksamplername", "samplername,basemodel"}),
    ("Stability Matrix", {"positiveprompt,modelname"}),
    ("Civitai", {"workflowid", "cfgscale,negativeprompt,resources"}),
)
#: What says who the program is, which is heard, and is no setting.
_WHO = {"software", "swarmversion", "metadatascheme", "app", "fooocusscheme"}
_OWN_VAE = {"automatic", "default", "default(model)", "defaultmodel", "baked vae", "bakedvae", "builtin", "sameasmodel"}
#: What a program needs not be told by: a word for it and settings beside it.
_LEAST_NAMES = 2


class FlatSettings(ForeignModel):
    prompt: str | None = None
    negative: str | None = None
    seed: Whole | None = None
    steps: Whole | None = None
    guidance: Decimal | None = None
    sampler: str | None = None
    schedule: str | None = None
    width: Whole | None = None
    height: Whole | None = None
    size: Size | None = None
    model: str | None = None
    hash: str | None = None
    vae: str | None = None
    clip_skip: Decimal | bool | None = None
    loras: JsonValue = None
    lora_weights: JsonValue = None
    lora_text_encoder_weights: JsonValue = None
    lora_hashes: str | None = None
    ti_hashes: str | None = None
    rng: str | None = None
    version: JsonValue = None


def program_of(values: Mapping[str, object]) -> str | None:
    """The program that has keys such as these, or None where they are no settings that are known here."""
    software = values.get("software")
    if isinstance(software, str) and software.strip():
        return plain(software)
    keys = {folded(key) for key in values}
    for name, signs in _PROGRAMS:
        if any(set(sign.split(",")) <= keys for sign in signs):
            return name
    told = [name for name, called in _NAMES.items() if not keys.isdisjoint(called)]
    return "Unknown program" if "prompt" in told and len(told) > _LEAST_NAMES else None


def read_flat_settings(values: Mapping[str, object], tool: str | None = None) -> PictureParameters:
    """The parameters in a JSON object. Raises `PictureError`, also for one of which nobody knows what it is."""
    tool = tool or program_of(values)
    if tool is None:
        raise PictureError(
            "the JSON in the picture has no settings that are known here: {keys}",
            hint="set the values by hand",
            keys=shown(", ".join(list(values)[:8])),
        )
    return parameters_of_values(values, tool, rng="CPU" if tool == "SwarmUI" else None)


def parameters_of_values(values: Mapping[str, object], tool: str, *, rng: str | None = None) -> PictureParameters:
    """The parameters in named values: those that mean something here, and what the others say. `rng` is where the noise
    comes from unless the values say it. Raises `PictureError` for a value that is not what it should be.
    """
    is_ours = tool == TWINSEED  # then every value stands for itself
    found, left, notes = _named(values, tool, is_ours=is_ours)
    width, height = found.size or (None, None)
    sampler, schedule = found.sampler, found.schedule
    scheduler = None if sampler is None else scheduler_named(sampler, schedule)
    prompt = found.prompt or ""
    beyond, unread = beyond_of(
        {key: value for key, value in left.items() if not _names_a_lora(key) and folded(key) not in _WHO}
    )
    return PictureParameters(
        prompt=prompt,
        negative_prompt=found.negative or "",
        seed=found.seed,
        num_inference_steps=found.steps,
        guidance_scale=found.guidance,
        scheduler=scheduler,
        foreign_scheduler=None if scheduler else words_for(sampler, schedule),
        width=found.width if width is None else width,
        height=found.height if height is None else height,
        model=found.model if is_ours else _without_hash(found.model),
        model_hash=found.hash,
        vae=None if found.vae is None or (folded(found.vae) in _OWN_VAE and not is_ours) else found.vae,
        clip_skip=_left_out(found.clip_skip),
        loras=_loras(found, values, prompt),
        embeddings=dict(listed(found.ti_hashes or "")),
        tool=tool,
        rng=found.rng or rng,
        without_prompt=None if prompt.strip() else Clause("its prompt is empty"),
        beyond=beyond,
        notes=tuple(notes),
        unread=unread,
    )


def _named(
    values: Mapping[str, object], tool: str, *, is_ours: bool
) -> tuple[FlatSettings, dict[str, object], list[Clause]]:
    """The settings by our names, the values that are none of them and say something, and notes about those that should
    say something and do not."""
    by_key: dict[str, str] = {}
    for key in values:
        by_key.setdefault(folded(key), key)
    settings, keys, silent = dict[str, object](), dict[str, str](), set[str]()
    notes = []
    for name, called in _NAMES.items():
        there = [by_key[one] for one in called if one in by_key]
        said = [key for key in there if name in ("prompt", "negative") or is_ours or not says_nothing(values[key])]
        silent.update(set(there) - set(said))
        if said:
            settings[name], keys[name] = _value(name, values[said[0]]), said[0]
        elif there and name in _NUMBERS and values[there[0]] not in (None, ""):
            key, value = plain(there[0]), plain(values[there[0]])
            notes.append(Clause("It says {key}: {value}, which says nothing.", key=key, value=value))
    left = {
        key: value
        for key, value in values.items()
        if key not in silent and key not in keys.values() and value not in (None, "", False, [], {})
    }
    return checked(FlatSettings, settings, tool, keys), left, notes


def _value(name: str, value: object) -> object:
    """A model may be an object that has a name; Easy Diffusion's PNG have True and False as text."""
    if name == "clip_skip" and value in ("True", "False"):
        return value == "True"
    if isinstance(value, dict):
        return next((value[key] for key in ("name", "modelFileName", "model_name", "label") if key in value), value)
    return value


def _without_hash(model: str | None) -> str | None:
    """The model's name as older versions wrote it: "name.ckpt [1234abcd]"."""
    return None if model is None else re.sub(r"(?<!\s)\s*+\[[0-9a-fA-F]{6,64}\]\Z", "", model.rstrip()).strip() or None


def _left_out(clip_skip: float | bool | None) -> int | None:
    """How many layers are left out: other programs count from the end, ComfyUI in negative numbers."""
    if clip_skip is None or isinstance(clip_skip, bool):
        return None if clip_skip is None else int(clip_skip)
    return max(0, int(abs(clip_skip)) - 1)


# ---- LoRAs, which every program names in its own way


def _loras(found: FlatSettings, values: Mapping[str, object], prompt: str) -> tuple[LoraUse, ...]:
    """Those with weights of their own, then those named in the prompt, then those of which only the hash is written."""
    hashes = dict(listed(found.lora_hashes or ""))
    hashes = {name: digest for name, digest in hashes.items() if digest}
    uses = list(_uses(found.loras, found.lora_weights, found.lora_text_encoder_weights))
    if found.loras is None and isinstance(found.lora_weights, str):
        uses += [use for name, said in listed(found.lora_weights) if (use := _use(name, said))]
    by_key = {folded(key): value for key, value in values.items()}
    uses += [use for key, value in values.items() if _names_a_lora(key) for use in _alone(key, value, by_key)]
    said = {use.name for use in uses}
    tags = [use for use in loras_of_prompt(prompt) if use.name not in said]
    uses += tags
    known = {_short(use.name) for use in uses}
    # A tag may have the name that is written in the LoRA's file, and the hash that of the file itself.
    nameless = [] if len(hashes) == len(tags) else [name for name in hashes if _short(name) not in known]
    uses += [LoraUse(name, None) for name in nameless]
    unique = {use.name: use for use in reversed(uses)}
    return tuple(
        LoraUse(use.name, use.weight, use.hash or hashes.get(use.name), use.text_encoder)
        for use in reversed(unique.values())
    )


def loras_of_prompt(prompt: str) -> list[LoraUse]:
    """The LoRAs that a prompt mentions with tags."""
    tags = [mark.value.partition(":")[::2] for mark in marks_in(prompt).all if mark.kind == "adapter"]
    return [use for name, said in tags if (use := _use(name.strip(), said or "1"))]


def _use(name: str, said: str, digest: str | None = None) -> LoraUse | None:
    weights = _WEIGHTS.fullmatch(said.strip())
    if weights is None:
        return None
    text_encoder = None if weights[1] in (None, weights[2]) else float(weights[1])
    return LoraUse(name, float(weights[2]), digest, text_encoder)


def _uses(loras: JsonValue, weights: JsonValue, text_encoder_weights: JsonValue) -> Iterator[LoraUse]:
    """The LoRAs of a list, whose weights may stand beside it."""
    beside, text_encoder = _list(weights), _list(text_encoder_weights)
    for place, lora in enumerate(_list(loras)):
        match lora:
            case [str() as digest, str() as said] if found := re.fullmatch(rf"({_NUMBER}) - (.+)", said):
                yield LoraUse(found[2], float(found[1]), digest or None)  # RuinedFooocus
            case [str() as name, int() | float() as weight, *rest]:
                yield LoraUse(name, _float(weight), next((one for one in rest if isinstance(one, str)), None))
            case dict():
                yield from _of_object(lora)
            case str() if lora.strip():
                tag = re.fullmatch(r"(?:Loras:)?\s*<(?:lora:)?(.+):([^:<>]+)>", lora.strip())
                if tag is not None:
                    yield from filter(None, [_use(tag[1], tag[2])])
                elif not says_nothing(lora) and not lora.startswith("Loras:"):
                    unet = _float(beside[place]) if place < len(beside) else 1.0
                    clip = _float(text_encoder[place]) if place < len(text_encoder) else None
                    yield LoraUse(lora.strip(), unet, None, None if clip == unet else clip)


def _of_object(lora: Mapping[str, JsonValue]) -> Iterator[LoraUse]:
    by_key = {folded(key): value for key, value in lora.items()}
    inner = by_key.get("model") if isinstance(by_key.get("model"), dict) else by_key.get("lora")
    if isinstance(inner, dict):
        by_key = {folded(key): value for key, value in inner.items()} | {
            key: value for key, value in by_key.items() if key not in ("model", "lora")
        }
    names = ("name", "modelname", "file", "modelfilename", "filename", "model", "lora", "label")
    name = next((one for key in names if isinstance(one := by_key.get(key), str) and one), None)
    weights = (by_key.get(key) for key in ("weight", "strength", "multiplier", "scale", "alpha"))
    weight = next((one for value in weights if (one := _float(value)) is not None), None)
    digest = by_key.get("hash")
    if name is not None and by_key.get("isenabled", True) is not False and by_key.get("enabled", True) is not False:
        yield LoraUse(name, weight, digest if isinstance(digest, str) else None)


def _names_a_lora(key: str) -> bool:
    """Whether a key, among those that mean nothing by themselves, is of LoRAs."""
    return (
        re.fullmatch(r"lora[0-9]+|loracombined[0-9]+|addnet.*|(civitai)?resources|models|hashes", folded(key))
        is not None
    )


def _alone(key: str, value: object, by_key: Mapping[str, object]) -> Iterator[LoraUse]:
    """The LoRAs that a key like "LoRA 1", "AddNet Model 1" or "Civitai resources" names; `by_key` has all values by
    their folded keys."""
    name = folded(key)
    if (re.fullmatch(r"lora[0-9]+", name) and isinstance(value, str)) or (
        name.startswith("loracombined") and isinstance(value, str) and not by_key.get("loras")
    ):
        file, _, weight = value.rpartition(":")
        if file.strip() and re.fullmatch(_NUMBER, weight.strip()):
            yield LoraUse(file.strip(), float(weight))
    elif (number := re.fullmatch(r"addnetmodel([0-9]+)", name)) and isinstance(value, str):
        if by_key.get("addnetenabled") in ("False", False) or by_key.get(f"addnetmodule{number[1]}", "LoRA") != "LoRA":
            return
        said = re.fullmatch(r"(.+?)(?:\(([0-9a-fA-F]+)\))?", value.strip())
        unet = _float(by_key.get(f"addnetweighta{number[1]}", by_key.get(f"addnetweight{number[1]}")))
        text_encoder = _float(by_key.get(f"addnetweightb{number[1]}"))
        if said is not None and not says_nothing(value):
            yield LoraUse(said[1], unet, said[2], None if text_encoder == unet else text_encoder)
    elif name in ("civitairesources", "resources", "models"):
        for one in _list(value):
            if isinstance(one, dict) and str(one.get("type")).casefold() in ("lora", "locon", "lycoris", "dora"):
                yield from _of_object(one)
    elif name == "hashes" and isinstance(value, dict):
        for one, digest in value.items():
            if one.startswith("lora:") and isinstance(digest, str):
                yield LoraUse(one.removeprefix("lora:"), None, digest)


def _short(name: str) -> str:
    return re.split(r"[\\/]", name)[-1].removesuffix(".safetensors").casefold()


def _float(value: object) -> float | None:
    if isinstance(value, str) and re.fullmatch(_NUMBER, value.strip()):
        return float(value)
    return float(value) if is_number(value) else None  # type: ignore[arg-type]


def _list(value: object) -> list[JsonValue]:
    """A list as it is; a text with commas as a list."""
    if isinstance(value, str):
        return [one.strip() for one in value.split(",")]
    return value if isinstance(value, list) else [] if value is None else [value]  # type: ignore[list-item]


def listed(text: str) -> list[tuple[str, str]]:
    """The pairs of `name: value, name: value`, in which a name may be quoted."""
    pairs = []
    position = 0
    while position < len(text):
        in_quotes = QUOTED.match(text, position)
        comma = text.find(",", in_quotes.end() if in_quotes else position)
        end = len(text) if comma < 0 else comma
        colon = text.find(":", in_quotes.end() if in_quotes else position, end)
        if colon >= 0:
            pairs.append((unquoted(text[position:colon].strip()), text[colon + 1 : end].strip()))
        position = end + 1
        while text[position : position + 1] == " ":
            position += 1
    return pairs
