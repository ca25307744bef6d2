"""A run that needs no model: two drawn pictures per seed, a certificate of the right form, and all findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from compare.instruments.distance import score
from compare.instruments.results import Findings
from compare.request import PairRequest
from compare.runs.gallery import Gallery
from compare.runs.record import Record, checked_record
from compare.runs.run import Run, hashes_of, picture_entry, picture_file
from compare.view import render_report
from generate.files import encode_png, texts_of_pair
from generate.picture import ARMS, Arm, Certificate, Picture, PicturePair, SchedulerUse
from generate.settings import RenderSettings
from ideation import Concept, PromptPair, TokenCount, Word

#: Runs that were made when records were of version 1: of all their records, and the one that has its pictures.
OLD_RUNS = sorted((Path(__file__).parent / "runs_of_version_1").iterdir())
(OLD_RUN,) = (folder for folder in OLD_RUNS if (folder / "simple-7.png").is_file())

SIMPLE = "a dog riding a bicycle, watercolor style"
EXPANDED = "A brown dog riding a bicycle on a beach at sunset, soft light, watercolor style"
SECONDS = 1.25

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


def sample_certificate(latents: Mapping[int, Mapping[Arm, str]] | None = None, **changes: Any) -> Certificate:
    """The certificate of the seeds in `latents`, of seed 7 alone if there are none; `changes` are others of its
    fields."""
    noise = latents if latents is not None else {7: dict.fromkeys(ARMS, "3f" * 32)}
    fields = {
        "same_seed": True,
        "differs": (),
        "latents_sha256": {seed: dict(both) for seed, both in noise.items()},
        "scheduler": SchedulerUse(
            "DPMSolverMultistepScheduler",
            {"beta_end": 0.012, "lambda_min_clipped": "-inf", "betas": [1, 2], "thresholding": False},
        ),
        "evaluations": 20,
        "batch_shape": (4, 4, 16, 16),
        "device": "cpu",
        "dtype": "float32",
        "model_digest": "ab" * 32,
        "libraries": {"torch": "2.13.0", "diffusers": "0.42.1"},
    }
    return Certificate(**fields | changes)


def drawing(arm: str, seed: int, size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, "#f3ead6" if arm == "simple" else "#f4b183")
    ImageDraw.Draw(image).ellipse((8 + seed % 7, 8, size[0] - 8, size[1] - 8), fill="#8a5a33")
    return image


def sample_record(
    seed: int = 7,
    images: int = 1,
    size: tuple[int, int] = (32, 32),
    files: Mapping[str, bytes] | None = None,
    **changes: Any,
) -> tuple[Record, dict[str, bytes]]:
    """The record of a run with `images` seeds, and its picture files; `files` are those of the findings, `changes`
    are other fields of the record."""
    usual = RenderSettings(seed=seed, images=images, width=size[0], height=size[1], device="cpu", dtype="float32")
    settings: RenderSettings = changes.get("settings", usual)
    drawn = {(arm, one): drawing(arm, one, size) for one in settings.seeds for arm in ARMS}
    fields: dict[str, Any] = {
        "concept": CONCEPT,
        "prompts": PROMPTS,
        "settings": settings,
        "certificate": sample_certificate({one: dict.fromkeys(ARMS, "3f" * 32) for one in settings.seeds}),
        "scores": {one: score(drawn["simple", one], drawn["expanded", one]) for one in settings.seeds},
        "created": datetime(2026, 11, 23, 14, 25, 30, tzinfo=UTC),
    } | changes
    fields.setdefault("request", PairRequest(fields["concept"], settings, expander="offline"))
    pictures = tuple(Picture(arm, one, image, SECONDS) for (arm, one), image in drawn.items())
    texts = texts_of_pair(fields["prompts"], PicturePair(settings, pictures, fields["certificate"]))
    content = {picture_file(arm, one): encode_png(image, texts[arm, one]) for (arm, one), image in drawn.items()}
    fields.setdefault(
        "renders", tuple(picture_entry(arm, one, SECONDS, content[picture_file(arm, one)]) for arm, one in drawn)
    )
    if fields.get("findings") is not None:
        named = {name: sha256 for name, sha256 in hashes_of(files or {}).items() if name in fields["findings"].files}
        fields["findings"] = fields["findings"].model_copy(update={"sha256": named})
    return checked_record(**fields), content | dict(files or {})


def write_sample(gallery: Gallery, *args: Any, **changes: Any) -> Run:
    """A run in the gallery, of the record and the files that `sample_record` makes of the rest."""
    record, files = sample_record(*args, **changes)
    return gallery.write(record, files, render_report(record, files))


PHRASES = (
    ("A brown dog", "there already", 0.98, 0.93),
    ("riding a bicycle", "shared", 0.91, 0.88),
    ("on a beach", "drawn", 0.22, 0.95),
    ("at sunset", "drawn", 0.38, 0.97),
    ("soft light", "ignored", 0.41, 0.37),
    ("watercolor style", "shared", 0.83, 0.85),
)


def png(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def distance(mean: float, clip: float | None = None) -> dict[str, Any]:
    return {"mean_absolute_difference": mean, "ssim": 1 - 2 * mean, "clip": clip}


def measured(seed: int, size: tuple[int, int]) -> dict[str, Any]:
    """How far apart the drawings of a seed are, and a CLIP's distance that nobody measured."""
    pixels = score(drawing("simple", seed, size), drawing("expanded", seed, size))
    return {**asdict(pixels), "clip": 0.31}


def sample_findings(
    seeds: tuple[int, ...] = (7,), size: tuple[int, int] = (32, 32), **changes: Any
) -> tuple[Findings, dict[str, bytes]]:
    """Findings of every instrument, with their pictures by file name; `changes` replace instruments by name."""
    files: dict[str, bytes] = {}

    def draw(name: str, part: float, seed: int = 7) -> str:
        start, end = (drawing(arm, seed, size) for arm in ("simple", "expanded"))
        files[name] = png(Image.blend(start, end, part))
        return name

    added = ("on a beach", "at sunset", "soft light")
    rungs = [
        SIMPLE,
        "a dog riding a bicycle on a beach, watercolor style",
        "a dog riding a bicycle on a beach at sunset, watercolor style",
        EXPANDED,
    ]
    frames = [draw(f"morph-{at}.png", at / 4) for at in range(5)]
    files["morph.webp"] = png(
        Image.open(BytesIO(files["morph-0.png"])),
        "WEBP",
        save_all=True,
        duration=200,
        append_images=[Image.open(BytesIO(files[name])) for name in frames[1:]],
    )
    cards = {
        seed: {
            "simple_on_simple": 0.281 + 0.002 * at,
            "expanded_on_simple": 0.276 + 0.004 * at,
            "simple_on_expanded": 0.262,
            "expanded_on_expanded": 0.301 + 0.003 * at,
        }
        for at, seed in enumerate(seeds)
    }
    many = len(seeds) > 1
    content: dict[str, Any] = {
        "clip": {"name": "seedling-clip", "digest": "cd" * 32, "limit": 77, "expanded_cut": ("watercolor", "style")},
        "distances": {seed: measured(seed, size) for seed in seeds},
        "cards": cards,
        "phrases": tuple(
            {
                "text": text,
                "start": EXPANDED.index(text),
                "end": EXPANDED.index(text) + len(text),
                "mark": mark,
                "on_simple": simple,
                "on_expanded": expanded,
            }
            for text, mark, simple, expanded in PHRASES
        ),
        "verdict": {
            "kind": ("one pair", "cannot tell", "helped")[min(len(seeds), 3) - 1],
            "seeds": len(seeds),
            "intent": {"mean": -0.003, "low": -0.012, "high": 0.006} if many else None,
            "gain": {"mean": 0.039, "low": 0.028, "high": 0.05} if many else None,
        },
        "ruler": {
            "files": {str(seed): draw(f"ruler-{seed}.png", 0, seed) for seed in (1001, 1002, 1003)},
            "words": distance(0.13, 0.34),
            "other_seed": distance(0.08, 0.16),
            "times": 2.125,
            "measure": "clip",
        },
        "ladder": {
            "seed": seeds[0],
            "rungs": tuple(
                {
                    "prompt": prompt,
                    "phrase": phrase,
                    "file": draw(f"ladder-{at}.png", at / 3),
                    "moved": distance(moved, 2 * moved),
                    "from_simple": distance(at * 0.04, at * 0.1),
                }
                for at, (prompt, phrase, moved) in enumerate(
                    zip(rungs, ("", *added), (0, 0.09, 0.14, 0.01), strict=True)
                )
            ),
            "without": tuple(
                {
                    "prompt": EXPANDED.replace(f" {phrase}", ""),
                    "phrase": phrase,
                    "file": draw(f"without-{at}.png", 0.5),
                    "moved": distance(0.03 * at, 0.05 * at),
                }
                for at, phrase in enumerate(added, start=1)
            ),
        },
        "morph": {
            "seed": seeds[0],
            "animation": "morph.webp",
            "frames": tuple(
                {"part": at / 4, "file": name, "moved": distance(moved, 2 * moved)}
                for at, (name, moved) in enumerate(zip(frames, (0, 0.01, 0.06, 0.03, 0.01), strict=True))
            ),
        },
        "attention": {
            "seed": seeds[0],
            "words": tuple(
                {
                    "arm": arm,
                    "word": word,
                    "new": word in ("beach", "sunset"),
                    "weight": weight,
                    "file": draw(f"attention-{arm}-{word}.png", 0.5),
                }
                for arm, word, weight in (
                    ("simple", "dog", 0.31),
                    ("simple", "bicycle", 0.22),
                    ("expanded", "dog", 0.2),
                    ("expanded", "beach", 0.17),
                    ("expanded", "sunset", 0.12),
                )
            ),
            "shared": ({"word": "dog", "overlap": 0.81, "file": draw("attention-shared-dog.png", 0.5)},),
        },
        "sweep": {
            "seed": seeds[0],
            "noise_floor": 0.0,
            "rows": tuple(
                {
                    "scheduler": name,
                    "settles": settles,
                    "settled": settles,
                    "recommended_steps": 20 if settles else None,
                    "cells": tuple(
                        {
                            "num_inference_steps": steps,
                            "unet_evaluations": steps,
                            "seconds": steps / 10,
                            "simple_file": draw(f"sweep-{row}-{steps}-simple.png", 0),
                            "expanded_file": draw(f"sweep-{row}-{steps}-expanded.png", 1),
                            "moved": None if at == 0 else distance(moved[at], 2 * moved[at]),
                            "changed": None if at == 0 else moved[at],
                        }
                        for at, steps in enumerate((5, 10, 20, 40))
                    ),
                }
                for row, (name, settles, moved) in enumerate(
                    (("DPM++ 2M Karras", True, (0, 0.12, 0.03, 0.008)), ("Euler a", False, (0, 0.13, 0.12, 0.11)))
                )
            ),
        },
        "placebo": {
            "prompt": f"{SIMPLE}, this is a picture of a thing",
            "tokens": 19,
            "files": {seed: draw(f"placebo-{seed}.png", 0.2) for seed in seeds},
            "on_simple": dict.fromkeys(seeds, 0.279),
            "on_expanded": dict.fromkeys(seeds, 0.264),
            "moved": distance(0.04, 0.09),
            "words_moved": distance(0.13, 0.34),
        },
        "blind": {
            "expander": "gemini",
            "llm_model": "gemini-3.5-flash",
            "seed": seeds[0],
            "first": "expanded",
            "simple": "A brown dog on a pale ground.",
            "expanded": "A brown dog before a warm orange sky.",
            "differences": ("The sky of A is orange.", "B has no background."),
        },
        "notes": ("attention: the model has no map for words that its tokenizer splits off",),
    }
    return Findings.model_validate(content | changes), files


def full_record(images: int = 1, size: tuple[int, int] = (32, 32), **changes: Any) -> tuple[Record, dict[str, bytes]]:
    """A record with findings of every instrument and with observations; `changes` as in `sample_record`."""
    findings, files = sample_findings(tuple(7 + at for at in range(images)), size)
    whole = {
        "findings": findings,
        "files": files,
        "observations": "The sky is warmer,\nand the dog looks happier.",
    }
    return sample_record(images=images, size=size, **whole | changes)
