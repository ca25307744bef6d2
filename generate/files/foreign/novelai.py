"""NovelAI's settings: a JSON object under `Comment`, beside `Software: NovelAI`."""

from __future__ import annotations

from generate.files.foreign.settings import Decimal, ForeignModel, Whole, checked, json_object, with_notes
from generate.files.parameters import PictureParameters
from generate.files.sampler_names import K_DIFFUSION, scheduler_named, words_for


class _Settings(ForeignModel):
    prompt: str = ""
    uc: str = ""
    seed: Whole | None = None
    steps: Whole | None = None
    scale: Decimal | None = None
    sampler: str | None = None
    noise_schedule: str | None = None
    width: Whole | None = None
    height: Whole | None = None


def read_novelai(text: str, source: str | None) -> PictureParameters:
    """The parameters in NovelAI's JSON; `source` names its model. Raises `PictureError`."""
    found = checked(_Settings, json_object(text, "NovelAI"), "NovelAI")
    schedule = None if found.noise_schedule == "native" else found.noise_schedule
    sampler = found.sampler and K_DIFFUSION.get(found.sampler.removeprefix("k_"))
    scheduler = scheduler_named(sampler, schedule) if sampler else None
    return with_notes(
        PictureParameters(
            prompt=found.prompt,
            negative_prompt=found.uc,
            seed=found.seed,
            num_inference_steps=found.steps,
            guidance_scale=found.scale,
            scheduler=scheduler,
            foreign_scheduler=None if scheduler else words_for(found.sampler, schedule),
            width=found.width,
            height=found.height,
            model=source,
            tool="NovelAI",
            rng=None,
            unread=found.unread,
        )
    )
