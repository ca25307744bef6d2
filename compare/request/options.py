"""The options of a pair, as somebody gave them, and what each of them says."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from compare.instruments import Examination
from generate.choices.sizes import match_aspect_ratio
from generate.schedulers.table import find_scheduler
from ideation import AdapterMention, TokenMode, TwinseedError, parse_prompt
from templates import Language


class RequestError(TwinseedError):
    """Options that do not go together, or a value that cannot be read."""


@dataclass(frozen=True)
class PairOptions:
    """The options of `twinseed pair` by their names, as somebody gave them; None where they said nothing.

    `size` is "WxH" in pixels or "native", the model's own, `lora` a list of "NAME:WEIGHT" or
    "NAME:TEXT_ENCODER:UNET", `drawn` "INDEX@SEED", the place of a drawn concept; `style` is ["none"] for no style where
    a preset has some; `set_options` is a list of "INSTRUMENT.OPTION=VALUE".
    """

    concept: str | None = None
    _: KW_ONLY
    drawn: str | None = None
    seed: int | str | None = None
    images: int = 1
    model: str | None = None
    scheduler: str | None = None
    steps: int | None = None
    guidance: float | None = None
    size: str | None = None
    aspect: str | None = None
    preset: str | None = None
    performance: str | None = None
    like: Path | None = None
    style: Sequence[str] = ()
    enhance: bool = False
    simple: str | None = None
    expanded: str | None = None
    negative: str | None = None
    expander: str = "auto"
    llm_model: str | None = None
    template: str | None = None
    tokens: TokenMode = "fit"
    no_cache: bool = False
    clip_skip: int | None = None
    lora: Sequence[str] = ()
    vae: str | None = None
    fast: bool = False
    compiled: bool = False
    max_sequence_length: int | None = None
    memory: str | None = None
    batch: int | None = None
    attention_backend: str | None = None
    allow_pickle: bool = False
    noise_floor: bool = False
    device: str = "auto"
    dtype: str = "auto"
    instruments: Sequence[str] = ()
    set_options: Sequence[str] = ()
    clip: str = "auto"
    language: Language | None = None


def named_settings(options: PairOptions) -> dict[str, Any]:
    """The fields of RenderSettings that were named, and no others: a preset may still have a say in the rest. `aspect`
    is only checked, as the model decides on its size."""
    named: dict[str, Any] = {
        "model": options.model,
        "scheduler": find_scheduler(options.scheduler).name if options.scheduler is not None else None,
        "num_inference_steps": options.steps,
        "guidance_scale": options.guidance,
        "long_prompts": "chunk" if options.tokens == "chunk" else None,
        "clip_skip": options.clip_skip,
        "vae": options.vae,
        "fast": options.fast or None,
        "compiled": options.compiled or None,
        "max_sequence_length": options.max_sequence_length,
        "memory": options.memory,
        "attention_backend": options.attention_backend,
        "device": options.device if options.device != "auto" else None,
        "dtype": options.dtype if options.dtype != "auto" else None,
        "adapters": tuple(map(_adapter_named, options.lora)) or None,
    }
    found = {name: value for name, value in named.items() if value is not None}
    if options.batch is not None:  # 1 as well: `like` may have another
        found["pairs_per_batch"] = None if options.batch == 1 else options.batch
    if options.size is not None:
        found["width"], found["height"] = _size(options.size)
    if options.aspect is not None:
        if options.size is not None:
            raise RequestError("--size and --aspect were both given", hint="a ratio is for finding a size: give one")
        match_aspect_ratio(options.aspect, 512)  # a slip is told before the model is opened, whose size decides
        found["width"] = found["height"] = None
    return found


def _adapter_named(given: str) -> AdapterMention:
    """A LoRA by option, as it would be mentioned in a prompt."""
    if not re.fullmatch(r"[^<>]+", given):
        raise RequestError(
            "--lora is {given!r}", hint="give NAME:WEIGHT, as in --lora watercolor:0.7", given=given[:60]
        )
    return parse_prompt(f"<lora:{given}>").adapters[0]


def _size(given: str) -> tuple[int | None, int | None]:
    """Width and height in pixels; None for the model's own, of a side that is left out, or of both ("native")."""
    if given.strip().casefold() == "native":
        return None, None
    match = re.fullmatch(r"([0-9]{0,5})\s*[xX×]\s*([0-9]{0,5})", given.strip())
    if match is None or not any(match.groups()):
        raise RequestError(
            "size is {given!r}", hint="give width and height in pixels, as in --size 512x512", given=given[:40]
        )
    return int(match[1]) if match[1] else None, int(match[2]) if match[2] else None


def examination_of(
    clip: str, instruments: Sequence[str], set_options: Sequence[str], expander: str, llm_model: str | None
) -> Examination:
    """The examination that options name: `instruments` each once, with commas between them if you like,
    `set_options` as "INSTRUMENT.OPTION=VALUE". Whoever writes the prompts also describes the pictures, unless another
    is named there.

    Raises `RequestError` and `SettingsError`.
    """
    names = tuple(dict.fromkeys(name.strip() for one in instruments for name in one.split(",")))
    found: dict[str, dict[str, JsonValue]] = {}
    if "blind" in names:
        describer = {"expander": expander, "llm_model": llm_model}
        found["blind"] = {name: value for name, value in describer.items() if value not in ("auto", None)}
    for given in set_options:
        match = re.fullmatch(r"(\w+)\.(\w+)=(.*)", given.strip(), re.DOTALL)
        if match is None:
            raise RequestError(
                "--set is {given!r}",
                hint="give INSTRUMENT.OPTION=VALUE, as in --set sweep.steps=5,10,20",
                given=given[:60],
            )
        found.setdefault(match[1], {})[match[2]] = _value(match[3])
    return Examination(clip, names, {name: values for name, values in found.items() if values})


def _value(text: str) -> JsonValue:
    """JSON as it is; else a list where there are commas; else text."""
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return [_value(part.strip()) for part in text.split(",")] if "," in text else text
    return value
