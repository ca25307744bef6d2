"""Picture parameters: what made a picture, whichever program it was, in Twinseed's words as far as there are any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generate.files.mark import TwinseedMark
from generate.settings import RenderSettings
from ideation import AdapterMention, Clause

TWINSEED = "Twinseed"


@dataclass(frozen=True)
class LoraUse:
    """A LoRA by its name, with its weight (1 is full strength) and its hash where these were written.

    `text_encoder` is the weight for the text encoder where it is not the same as `weight`, which is the U-Net's.
    """

    name: str
    weight: float | None
    hash: str | None = None
    text_encoder: float | None = None

    def mention(self, name: str) -> AdapterMention:
        """The LoRA as a prompt would mention it, under the `name` that it has here."""
        weight = 1.0 if self.weight is None else self.weight
        return AdapterMention(name, weight if self.text_encoder is None else self.text_encoder, weight)


@dataclass(frozen=True)
class PictureParameters:
    """What made a picture; None where it does not say.

    `scheduler` is a name of `generate.schedulers.table`, or None where there is none for what the other program calls
    `foreign_scheduler`. `clip_skip` counts as ours does: 1 leaves one layer out. `embeddings` are textual inversions,
    by name with their hashes. `rng` is where the noise was drawn: "CPU" as here, "GPU", "NV". `mark` is our own text,
    where the picture has it; what it says is said by the other fields as well, as far as they go.

    `without_prompt` says why there is no prompt, where there is none. `beyond` are sentences about what had a part in
    the picture and has no counterpart here, as another picture that it began with; `notes` are the other sentences
    about what was not read as it stands there; `unread` are the keys that were there and mean nothing here.
    """

    prompt: str
    negative_prompt: str = ""
    seed: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    foreign_scheduler: str | None = None
    width: int | None = None
    height: int | None = None
    model: str | None = None
    model_hash: str | None = None
    vae: str | None = None
    clip_skip: int | None = None
    loras: tuple[LoraUse, ...] = ()
    embeddings: Mapping[str, str] = field(default_factory=dict)
    tool: str = TWINSEED
    rng: str | None = "CPU"
    mark: TwinseedMark | None = None
    without_prompt: Clause | None = None
    beyond: tuple[Clause, ...] = ()
    notes: tuple[Clause, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def settings(self) -> RenderSettings | None:
        """All settings of an own picture; None where a picture tells only some."""
        return None if self.mark is None else self.mark.settings

    @property
    def is_ours(self) -> bool:
        return self.tool == TWINSEED


def parameters_of_settings(
    prompt: str, negative: str, settings: RenderSettings, model_digest: str, adapters: Mapping[str, str]
) -> PictureParameters:
    """What an own picture says in the words that other programs have too. `adapters` maps the LoRAs and textual
    inversions to the SHA-256 of their files."""
    loras = {one.name for one in settings.adapters}
    return PictureParameters(
        prompt=prompt,
        negative_prompt=negative,
        seed=settings.seed,
        num_inference_steps=settings.num_inference_steps,
        guidance_scale=settings.guidance_scale,
        scheduler=settings.scheduler,
        width=settings.width,
        height=settings.height,
        model=settings.model,
        # As many digits as other programs show. With another VAE the digest is of both, and no model's.
        model_hash=model_digest[:10] if settings.vae is None else None,
        vae=settings.vae,
        clip_skip=settings.clip_skip or None,
        loras=tuple(
            LoraUse(
                one.name,
                one.unet,
                adapters.get(one.name),
                None if one.text_encoder == one.unet else one.text_encoder,
            )
            for one in settings.adapters
        ),
        embeddings={name: digest for name, digest in adapters.items() if name not in loras},
    )
