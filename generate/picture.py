"""Pictures as values: a rendered picture, a pair of them, and the certificate that the pair is fair. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Literal

from PIL import Image
from pydantic import ConfigDict, Field, JsonValue

from generate.settings import MAX_PAIRS_PER_BATCH, RenderSettings
from ideation.files import STRICT, Count, Seed, Sha256, Share

Arm = Literal["simple", "expanded"]

#: The two sides of a pair, in the order in which they are rendered and shown.
ARMS: tuple[Arm, Arm] = ("simple", "expanded")


@dataclass(frozen=True)
class Picture:
    """One rendered picture; `seconds` is its half of the pair's wall time."""

    arm: Arm
    seed: int
    image: Image.Image
    seconds: float


@dataclass(frozen=True)
class SchedulerUse:
    """The scheduler that both arms used: its class in diffusers and its whole configuration, as JSON has it (infinite
    numbers are the strings "inf" and "-inf")."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    class_name: str
    config: dict[str, JsonValue]


@dataclass(frozen=True)
class NoiseFloor:
    """How far the simple picture of a seed moves when nothing changes but the shape of the batch: on average (0..1),
    and at its furthest byte (0..255)."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    mean_absolute_difference: Share
    largest_difference: Count


@dataclass(frozen=True)
class Certificate:
    """Proof that the two pictures of each seed differ in the prompt alone.

    `differs` names what was not equal between the arms: "prompt" alone is what it should hold, or nothing where both
    prompts are the same; the others are "initial noise", "negative prompt", "noise on the way", "size conditioning",
    and of arms that were drawn in turn "scheduler", "guidance", "evaluations", "rewritten prompt", and what the text
    encoder was told or the denoiser was given by other names.
    `same_seed`: neither noise differs. `latents_sha256` maps each seed to the hash of the noise that either arm began
    with. `evaluations` counts how often the denoiser (U-Net or transformer) ran for one pair, both arms and guidance in
    one batch. `adapters` maps the LoRAs and textual inversions that were in the model, for both arms, to the SHA-256 of
    their files, `makes` to what they are ("LoRA", "LoHa", "DoRA, norms", "textual inversion"); `context` says how many
    tokens of context each prompt took before all were brought to one length; `given_up` maps a seed to what had to be
    given up for it, both arms alike, where memory or number formats ran short.

    `batches` says of each seed which seeds were drawn in one batch with it, itself included, in their order: empty
    where each pair had a batch of its own. `batch_shape` is that of the first batch.

    Where the arms were drawn in turn, `inputs` has for each seed the SHA-256 of every tensor that the denoiser was
    given at the first step of either arm, by the names of its arguments, and `arguments` what the pipeline was given
    for both besides prompts and noise, in its own words; `evaluations` are those of both arms.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    same_seed: bool
    differs: tuple[str, ...]
    latents_sha256: dict[Seed, dict[Arm, Sha256]]
    scheduler: SchedulerUse
    evaluations: Count
    batch_shape: tuple[Count, ...]
    device: str
    dtype: str
    model_digest: str
    libraries: dict[str, str]
    context: dict[str, Count] = field(default_factory=dict)
    adapters: dict[str, Sha256] = field(default_factory=dict)
    makes: dict[str, str] = field(default_factory=dict)
    given_up: dict[Seed, tuple[str, ...]] = field(default_factory=dict)
    noise_floor: dict[Seed, NoiseFloor] = field(default_factory=dict)
    inputs: dict[Seed, dict[str, dict[Arm, Sha256]]] = field(default_factory=dict)
    arguments: dict[str, JsonValue] = field(default_factory=dict)
    batches: dict[Seed, Annotated[tuple[Seed, ...], Field(max_length=MAX_PAIRS_PER_BATCH)]] = field(
        default_factory=dict
    )

    @property
    def offences(self) -> tuple[str, ...]:
        """What differs between the arms although only the prompt may."""
        return tuple(name for name in self.differs if name != "prompt")

    @property
    def holds(self) -> bool:
        """Nothing but the prompt differs."""
        return self.same_seed and not self.offences

    def batch_of(self, seed: int) -> tuple[int, ...]:
        """The seeds whose pairs were drawn in one batch, that one among them."""
        seeds = self.batches.get(seed, ())
        return seeds if seed in seeds else (seed,)

    def joined(self, later: Certificate) -> Certificate:
        """The certificate of both runs' seeds, where `later` goes on with the same settings, model and libraries."""
        return replace(
            self,
            same_seed=self.same_seed and later.same_seed,
            differs=tuple(sorted({*self.differs, *later.differs})),
            latents_sha256=self.latents_sha256 | later.latents_sha256,
            given_up=self.given_up | later.given_up,
            noise_floor=self.noise_floor | later.noise_floor,
            inputs=self.inputs | later.inputs,
            batches=self.batches | later.batches,
        )


@dataclass(frozen=True)
class PicturePair:
    """All pictures of one run, seed by seed, simple before expanded; `settings` with nothing left open."""

    settings: RenderSettings
    pictures: tuple[Picture, ...]
    certificate: Certificate
