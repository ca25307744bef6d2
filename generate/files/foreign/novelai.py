"""NovelAI's settings: a JSON object under `Comment`, beside `Software: NovelAI`; in WebP all of it in one object."""

from __future__ import annotations

import re

from generate.files.foreign.settings import Decimal, ForeignModel, Whole, beyond_of, checked, json_object
from generate.files.parameters import PictureParameters
from generate.files.sampler_names import scheduler_named, words_for
from ideation import Clause

#: Its own marks of weight: `{word}`, `[word]`, `1.3::word::`.
_WEIGHTS = re.compile(r"[{}\[\]]|(?<![0-9.])[0-9.]++::")


class _Caption(ForeignModel):
    base_caption: str = ""


class _Prompt(ForeignModel):
    caption: _Caption | None = None


class _Settings(ForeignModel):
    """Versions before 2 had no `prompt` here. From version 4 on, `v4_prompt` has the people's prompts as well."""

    prompt: str | None = None
    uc: str | None = None
    v4_prompt: _Prompt | None = None
    v4_negative_prompt: _Prompt | None = None
    seed: Whole | None = None
    steps: Whole | None = None
    scale: Decimal | None = None
    sampler: str | None = None
    noise_schedule: str | None = None
    width: Whole | None = None
    height: Whole | None = None


def read_novelai(text: str, source: str | None, description: str | None = None) -> PictureParameters:
    """The parameters in NovelAI's JSON; `source` names its model, and `description` is the prompt where the JSON does
    not have it. Raises `PictureError`."""
    found = checked(_Settings, json_object(text, "NovelAI"), "NovelAI")
    scheduler = scheduler_named(found.sampler, found.noise_schedule) if found.sampler else None
    captions = [
        one.caption or _Caption() for one in (found.v4_prompt or _Prompt(), found.v4_negative_prompt or _Prompt())
    ]
    prompt = found.prompt or captions[0].base_caption or description or ""
    negative = found.uc or captions[1].base_caption
    beyond, unread = beyond_of(found.unread)
    notes = list[Clause]()
    if any((one.model_extra or {}).get("char_captions") for one in captions):
        beyond += (
            Clause("Each character in it had a prompt of its own, which is not done here: one prompt is taken."),
        )
    if _WEIGHTS.search(prompt) or _WEIGHTS.search(negative):
        notes.append(
            Clause(
                "{tool} weighs words by marks of its own, which are read as they stand: mend them in the prompts.",
                tool="NovelAI",
            )
        )
    return PictureParameters(
        prompt=prompt,
        negative_prompt=negative,
        seed=found.seed,
        num_inference_steps=found.steps,
        guidance_scale=found.scale,
        scheduler=scheduler,
        foreign_scheduler=None if scheduler else words_for(found.sampler, found.noise_schedule),
        width=found.width,
        height=found.height,
        model=source,
        tool="NovelAI",
        rng=None,
        without_prompt=None if prompt.strip() else Clause("its prompt is empty"),
        beyond=beyond,
        notes=tuple(notes),
        unread=unread,
    )
