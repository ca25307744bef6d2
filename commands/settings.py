"""The render settings that options name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from commands.console import say
from commands.options import OptionError, Tokens, size_of

if TYPE_CHECKING:
    from generate.choices import Preset, Style


def named_settings(
    *,
    model: str | None = None,
    scheduler: str | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    size: str | None = None,
    aspect: str | None = None,
    tokens: Tokens = Tokens.fit,
    clip_skip: int | None = None,
    lora: Sequence[str] | None = None,
    vae: str | None = None,
    fast: bool = False,
) -> dict[str, Any]:
    """The fields of RenderSettings that were named, and no others: a preset may still have a say in the rest. `aspect`
    is only checked, as the model decides on its size. Raises OptionError, and what the names' own readers raise."""
    from generate.choices import match_aspect_ratio
    from generate.schedulers.table import find_scheduler
    from ideation.prompt_syntax import parse_prompt

    named: dict[str, Any] = {
        "model": model,
        "scheduler": find_scheduler(scheduler).name if scheduler is not None else None,
        "num_inference_steps": steps,
        "guidance_scale": guidance,
        "long_prompts": "chunk" if tokens is Tokens.chunk else None,
        "clip_skip": clip_skip,
        "vae": vae,
        "fast": fast or None,
        "adapters": tuple(parse_prompt(f"<lora:{one}>").adapters[0] for one in lora) if lora else None,
    }
    if size is not None:
        named["width"], named["height"] = size_of(size)
    if aspect is not None:
        if size is not None:
            raise OptionError("--size and --aspect were both given", hint="a ratio is for finding a size: give one")
        match_aspect_ratio(aspect, 512)  # a slip is told before the model is opened, whose size decides
    return {name: value for name, value in named.items() if value is not None}


def say_negative_parts(negative: str | None, preset: Preset | None, styles: Sequence[Style]) -> None:
    """Says what a preset and the styles add to the negative prompt: nobody typed it, and it changes both pictures."""
    from generate.choices import negative_parts

    if preset is not None or styles:
        for part in negative_parts(negative or "", preset, styles):
            if part.origin != "prompt":
                say(f"negative prompt, from {part.origin}: {part.text}")
