"""A run that needs no model: two drawn pictures per seed, and a certificate of the right form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

from compare.record import Record
from compare.run import Run, picture_file, record_of
from generate.settings import RenderSettings
from ideation.concept import Concept, Word
from ideation.prompt_pair import PromptPair, TokenCount

SIMPLE = "a dog riding a bicycle, watercolor style"
EXPANDED = "A brown dog riding a bicycle on a beach at sunset, soft light, watercolor style"


@dataclass(frozen=True)
class Picture:
    arm: str
    seed: int
    image: Image.Image
    seconds: float = 1.25


@dataclass(frozen=True)
class Proof:
    latents_sha256: Mapping[int, Mapping[str, str]]
    same_seed: bool = True
    differs: tuple[str, ...] = ()
    scheduler: Mapping[str, Any] = field(
        default_factory=lambda: {
            "class_name": "DPMSolverMultistepScheduler",
            "config": {"beta_end": 0.012, "lambda_min_clipped": float("-inf"), "betas": (1, 2), "thresholding": False},
        }
    )
    unet_evaluations: int = 20
    batch_shape: tuple[int, ...] = (4, 4, 16, 16)
    device: str = "cpu"
    dtype: str = "float32"
    model_digest: str = "ab" * 32
    libraries: Mapping[str, str] = field(default_factory=lambda: {"torch": "2.13.0", "diffusers": "0.42.1"})


CONCEPT = Concept(
    text=SIMPLE,
    language="en",
    topic=Word("dog", "狗", "隻"),
    action=Word("riding a bicycle", "騎腳踏車"),
    style=Word("watercolor", "水彩"),
    index=12,
    seed=2**60,
)
PROMPTS = PromptPair(
    source=SIMPLE,
    language="en",
    simple=SIMPLE,
    expanded=EXPANDED,
    negative="blurry",
    expander="offline",
    llm_model=None,
    kept=("dog", "riding a bicycle", "watercolor"),
    lost=(),
    tokens=TokenCount(limit=77, simple=11, expanded=19),
)


def drawing(arm: str, seed: int, size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, "#f3ead6" if arm == "simple" else "#f4b183")
    ImageDraw.Draw(image).ellipse((8 + seed % 7, 8, size[0] - 8, size[1] - 8), fill="#8a5a33")
    return image


def sample_run(seed: int = 7, images: int = 1, size: tuple[int, int] = (32, 32), **changes: Any) -> Run:
    """A run with `images` seeds; `changes` replace fields of the `Run`."""
    settings = RenderSettings(seed=seed, images=images, width=size[0], height=size[1], device="cpu", dtype="float32")
    run = Run(
        concept=CONCEPT,
        prompts=PROMPTS,
        settings=settings,
        renders=[Picture(arm, s, drawing(arm, s, size)) for s in settings.seeds for arm in ("simple", "expanded")],
        certificate=Proof({s: {"simple": "3f" * 32, "expanded": "3f" * 32} for s in settings.seeds}),
        created=datetime(2026, 11, 23, 14, 25, 30, tzinfo=UTC),
    )
    return replace(run, **changes)


def png_files(run: Run) -> dict[str, bytes]:
    files = {}
    for render in run.renders:
        buffer = BytesIO()
        render.image.save(buffer, format="PNG")
        files[picture_file(render)] = buffer.getvalue()
    return files


def sample_record(**changes: Any) -> tuple[Record, dict[str, bytes]]:
    run = sample_run(**changes)
    files = png_files(run)
    return record_of(run, files), files
