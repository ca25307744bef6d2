"""Evaluates a grown Seedling: `python -m generate.training.evaluate FOLDER`.

The judge, trained on drawn scenes alone, looks at generated pictures and says how often each attribute of the prompt is
there. Its own accuracy on drawn scenes that it has never seen stands beside it.
"""

from __future__ import annotations

import itertools
import json
import logging
import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from PIL import Image
from transformers import CLIPModel, CLIPTokenizer

from generate.models import OpenModel, open_model
from generate.render.pair import render_pair
from generate.schedulers.table import build_scheduler
from generate.seedling import SEEDLING_CLIP_FOLDER, SEEDLING_FOLDER
from generate.settings import RenderSettings
from generate.training.networks.clip import retrieval
from generate.training.networks.judge import Judge, train_judge
from generate.training.scenes.captions import ASPECTS, attribute_labels, caption, strangers
from generate.training.scenes.dataset import SIZE, DataSet, joined, make_data_set, squashed
from generate.training.scenes.drawing import draw
from generate.training.scenes.figure import stages_of
from generate.training.scenes.scene import OBLONG, SQUARE, UNLEARNT, Scene, draw_scene, held_out
from ideation import OfflineExpander, TokenBudget, expand, seedling_vocabulary, seedling_words
from ideation import draw as draw_concept

log = logging.getLogger(__name__)

#: Pictures that are drawn at once.
_BATCH = {"cpu": 16, "cuda": 125}


def evaluate(
    folder: Annotated[Path, typer.Argument(help="The folder that grow.py worked in; the judge is kept there.")],
    prompts: Annotated[int, typer.Option(help="Short, long and held-out prompts: so many of each.")] = 500,
    others: Annotated[
        int,
        typer.Option(help="Of other shapes, of several of a kind, of a side and the like: half or a quarter of it."),
    ] = 500,
    pairs: Annotated[int, typer.Option(help="How many pairs are drawn to see whether added words are in them.")] = 200,
    steps: Annotated[int, typer.Option()] = 20,
    guidance: Annotated[float, typer.Option()] = 5.0,
    scheduler: Annotated[str, typer.Option()] = "DPM++ 2M Karras",
    threads: Annotated[int, typer.Option()] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON, and grids beside it.")] = None,
) -> None:
    """Prints accuracy per attribute, with 95 % Wilson intervals, and the variety between seeds."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(threads)
    vocabulary = seedling_vocabulary()
    judge = _judge_of(folder, device)
    unseen = _unseen(folder, SIZE)
    began = time.monotonic()
    model = open_model("seedling", device=device)
    loading = time.monotonic() - began
    figures: dict[str, object] = {"prompts": prompts, "steps": steps, "guidance": guidance, "scheduler": scheduler}
    weights = sum(
        file.stat().st_size for folder in (SEEDLING_FOLDER, SEEDLING_CLIP_FOLDER) for file in folder.rglob("*")
    )
    figures["megabytes"], figures["seconds to load"] = round(weights / 1e6, 1), round(loading, 2)

    drawn = [unseen, *(_unseen_of(folder, grid) for grid in OBLONG)]
    figures["drawn scenes"] = {
        "{}x{}".format(*data.scenes[0].grid): _accuracy(data.scenes, _answers(judge, data.scenes, _pictures_of(data)))
        for data in drawn
    }

    random = Random(2026)
    sets: dict[str, tuple[list[Scene], bool]] = {
        "short": ([_short(random) for _ in range(prompts)], False),
        "long": ([_long(random, combination_held_out=False) for _ in range(prompts)], True),
        "held out": ([_long(random, combination_held_out=True) for _ in range(prompts)], True),
    }
    for name, (scenes, wordy) in sets.items():
        texts = [caption(scene, random, vocabulary, keep=1.0, chattering=wordy, relatives=False) for scene in scenes]
        began = time.monotonic()
        pictures = generate_pictures(model, texts, scheduler, steps, guidance)
        figures[name] = _accuracy(scenes, judge.answers(pictures)) | {
            "seconds a picture": round((time.monotonic() - began) / len(texts), 3)
        }
        log.info("%s: %s", name, figures[name])
        if out is not None:
            grid(pictures[:36]).save(out.with_name(f"{out.stem}-{name.replace(' ', '-')}.png"))
            lines = [
                json.dumps({"prompt": text, **asdict(scene)}) for text, scene in zip(texts[:36], scenes, strict=False)
            ]
            out.with_name(f"{out.stem}-{name.replace(' ', '-')}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    figures |= _new_things(model, judge, others, scheduler, steps, guidance)
    log.info("new things measured")
    figures["added words"] = _added_words(model, judge, min(prompts, pairs), steps, guidance, scheduler)
    figures["retrieval among 32"] = _retrieval(folder)
    figures["variety"] = _variety(model, judge, scheduler, steps, guidance)
    figures["sharpness"] = _sharpness(model, scheduler, steps, guidance)
    figures["settling"] = _settling(model, judge, min(others // 4, 50), guidance)
    text = json.dumps(figures, indent=2)
    print(text)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")


def _judge_of(folder: Path, device: str) -> Judge:
    """The judge that is kept in `folder`, or a new one.

    Unlike Seedling it learns from scenes of every combination: one that has never seen a koala on a boat names even the
    drawn one wrongly, and its mistakes would pass for those of the pictures.
    """
    sets = [make_data_set(folder / "judge", 24_576, seed=33, richness=0.95, held_out=True, varied=True)]
    for grid in OBLONG:
        name, seed = "judge-{}x{}".format(*grid), 100 * grid[0] + grid[1] + 33
        sets.append(make_data_set(folder / name, 2_048, seed=seed, richness=0.8, held_out=True, varied=True, grid=grid))
    seen = joined(*(squashed(data) for data in sets))
    return train_judge(seen, folder / "judge" / "judge.pt", pictures=120_000, device=device)


def _unseen(folder: Path, size: int) -> DataSet:
    name = "unseen" if size == SIZE else f"unseen-{size}"
    return make_data_set(folder / name, 2_048, seed=77, richness=0.8, held_out=True, varied=True, size=size)


def _unseen_of(folder: Path, grid: tuple[int, int]) -> DataSet:
    name = "unseen-{}x{}".format(*grid)
    return make_data_set(
        folder / name, 512, seed=100 * grid[0] + grid[1] + 77, richness=0.8, held_out=True, varied=True, grid=grid
    )


def _pictures_of(data: DataSet) -> list[Image.Image]:
    return [Image.fromarray(pixels) for pixels in data.pixels]


def _answers(judge: Judge, scenes: Sequence[Scene], pictures: Sequence[Image.Image]) -> NDArray[np.int64]:
    """What the judge says of pictures that were asked for as `scenes`, all of one shape.

    Of a picture that is not square it sees the whole, made square, and names the subject and what it does in the square
    in which it should stand, of two in that of which it is surer: made narrow, even drawn figures are named rightly in
    0.84 to 0.89 alone.
    """
    answers = judge.answers(list(pictures))
    if scenes[0].grid != SQUARE:
        places = zip(*(stages_of(*both) for both in zip(pictures, scenes, strict=True)), strict=True)
        subjects, actions = zip(*(judge.shares(list(place))[:2] for place in places), strict=True)
        surest = np.argmax([a.max(1) * b.max(1) for a, b in zip(subjects, actions, strict=True)], 0)
        for column, aspect in enumerate((subjects, actions)):
            answers[:, column] = np.stack(aspect)[surest, np.arange(len(scenes))].argmax(1)
    return answers


def generate_pictures(
    model: OpenModel,
    texts: Sequence[str],
    scheduler: str,
    steps: int,
    guidance: float,
    first_seed: int = 0,
    grid: tuple[int, int] = SQUARE,
) -> list[Image.Image]:
    """One picture per prompt, with the seeds `first_seed`, `first_seed + 1`, ...; `grid` is their shape."""
    pictures: list[Image.Image] = []
    cell, at_once = model.pipeline.vae_scale_factor, _BATCH[model.pipeline.device.type]
    for k in range(0, len(texts), at_once):
        batch = list(texts[k : k + at_once])
        seeds = [first_seed + k + number for number in range(len(batch))]
        model.pipeline.scheduler = build_scheduler(scheduler, model.scheduler_config, seeds)
        pictures += model.pipeline(
            batch,
            width=grid[0] * cell,
            height=grid[1] * cell,
            num_inference_steps=steps,
            guidance_scale=guidance,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        ).images
    return pictures


def grid(pictures: Sequence[Image.Image], columns: int = 6, gap: int = 4) -> Image.Image:
    """The pictures, all of one size, on a white sheet."""
    width, height = pictures[0].size
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * (width + gap) - gap, rows * (height + gap) - gap), "white")
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number % columns * (width + gap), number // columns * (height + gap)))
    return sheet


def _short(random: Random) -> Scene:
    scene = draw_scene(random, seedling_vocabulary(), richness=1.0)
    return Scene(scene.subject, scene.action, style=random.choice(seedling_vocabulary().names("style")))


def _long(random: Random, *, combination_held_out: bool) -> Scene:
    vocabulary = seedling_vocabulary()
    while True:
        scene = draw_scene(random, vocabulary, richness=1.0, include_held_out=combination_held_out)
        if scene.setting and held_out(scene.subject, scene.action, vocabulary) == combination_held_out:
            return scene


def _new_things(
    model: OpenModel, judge: Judge, prompts: int, scheduler: str, steps: int, guidance: float
) -> dict[str, object]:
    """What these weights learnt last: other shapes, several of a kind, a side, nobody doing anything, relatives, and
    words that were never learnt nor seen in training."""
    random, vocabulary = Random(2031), seedling_vocabulary()

    def measured(scenes: list[Scene], texts: list[str] | None = None) -> dict[str, object]:
        told = texts or [caption(scene, random, vocabulary, keep=1.0, relatives=False) for scene in scenes]
        pictures = generate_pictures(model, told, scheduler, steps, guidance, grid=scenes[0].grid)
        return _accuracy(scenes, _answers(judge, scenes, pictures))

    def some(number: int, **changes: Any) -> list[Scene]:
        return [replace(_long(random, combination_held_out=False), **changes) for _ in range(number)]

    figures: dict[str, object] = {}
    for grid in OBLONG:
        figures["{}x{}".format(*grid)] = measured(some(prompts // 2, grid=grid))
    for count in (2, 3):
        figures[f"{count} of a kind"] = measured(some(prompts // 2, count=count))
        figures[f"{count} of a kind, no style or place"] = measured(
            some(prompts // 4, count=count, style=None, setting=None, time=None, weather=None)
        )
    for side in ("left", "right"):
        figures[f"on the {side}"] = measured(some(prompts // 4, side=side))
        figures[f"on the {side}, 3:2"] = measured(some(prompts // 4, side=side, grid=(12, 8)))
    figures["no action"] = measured(some(prompts // 2, action=None))
    figures["neither action nor style nor place"] = measured(
        some(prompts // 4, action=None, style=None, setting=None, time=None, weather=None, colour=None)
    )
    for kind in ("subject", "action"):
        scenes, texts = some(prompts // 2, **{kind: UNLEARNT}), []
        for scene in scenes:
            stranger = random.choice(strangers().kept_back[kind])
            subject = stranger if kind == "subject" else scene.subject
            action = stranger if kind == "action" else scene.action
            colour = "" if scene.colour is None else f"{scene.colour} "
            around = " ".join(filter(None, (scene.setting, scene.time, scene.weather)))
            texts.append(f"a {colour}{subject} {action} {around}" + (f", {scene.style} style" if scene.style else ""))
        figures[f"a {kind} never learnt"] = measured(scenes, texts)
    for kind in ("subject", "action"):
        scenes, texts = some(prompts // 2), []
        for scene in scenes:
            term = next(term for term in vocabulary.terms[kind] if term.name == getattr(scene, kind))
            told = replace(scene, colour=None)
            text = caption(told, random, vocabulary, keep=1.0, chattering=False, relatives=False)
            known = next((phrase for phrase in term.phrases if phrase in text), term.name)
            texts.append(text.replace(known, random.choice(term.near or (known,))))
        figures[f"relatives of a {kind}"] = measured([replace(scene, colour=None) for scene in scenes], texts)
    return figures


def _accuracy(scenes: Iterable[Scene], answers: NDArray[np.int64]) -> dict[str, object]:
    """Per aspect, over the scenes that name it: share right, the 95 % interval, and how many there were. A subject that
    does nothing is right where nothing is done."""
    vocabulary, scenes = seedling_vocabulary(), list(scenes)
    right = answers == np.array([attribute_labels(scene, vocabulary) for scene in scenes])
    figures: dict[str, object] = {}
    for k, kind in enumerate(ASPECTS):
        named = np.array([kind == "action" or getattr(scene, kind) not in (None, 1) for scene in scenes])
        if named.any():
            figures[kind] = _share(right[named, k])
    figures["subject and action"] = _share(right[:, 0] & right[:, 1])
    return figures


def _share(right: NDArray[np.bool_]) -> dict[str, float | int | list[float]]:
    """Wilson's interval for a share, which stays inside 0..1."""
    count, p, z = len(right), float(right.mean()), 1.96
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    reach = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return {"right": round(p, 3), "interval": [round(middle - reach, 3), round(middle + reach, 3)], "of": count}


def _added_words(
    model: OpenModel, judge: Judge, concepts: int, steps: int, guidance: float, scheduler: str
) -> dict[str, object]:
    """Random concepts through the whole of `twinseed pair` with the offline expander: how often what the expansion
    added (setting, time, weather, colour) is in the expanded picture, word by word and all of a concept's at once."""
    vocabulary = seedling_vocabulary()
    budget = TokenBudget(model.tokenizer_file, model.token_limit, vectors={})
    words: list[bool] = []
    whole: list[bool] = []
    for index in range(concepts):
        concept = draw_concept(seedling_words(vocabulary), seed=2027, index=index)
        prompts = expand(concept, OfflineExpander(), budget, seed=index, vocabulary=vocabulary)
        before, after = vocabulary.find(prompts.simple), vocabulary.find(prompts.expanded)
        added = {
            kind: after[kind] for kind in ("setting", "time", "weather", "colour") if kind in after.keys() - before
        }
        if not added:
            continue
        settings = RenderSettings(seed=index, num_inference_steps=steps, guidance_scale=guidance, scheduler=scheduler)
        picture = render_pair(prompts, settings, model).pictures[1].image
        (answer,) = judge.answers([picture])
        shown = [answer[ASPECTS.index(kind)] == vocabulary.names(kind).index(term.name) for kind, term in added.items()]
        words += shown
        whole.append(all(shown))
    return {"each word": _share(np.array(words)), "all words of a concept": _share(np.array(whole))}


def _retrieval(folder: Path) -> dict[str, object]:
    """How often the shipped CLIP finds a drawn scene's own full caption among 32, on scenes that it has never seen."""
    random, vocabulary = Random(32), seedling_vocabulary()
    clip = CLIPModel.from_pretrained(SEEDLING_CLIP_FOLDER).eval()
    data = _unseen(folder, clip.config.vision_config.image_size)
    texts = [caption(scene, random, vocabulary, keep=1.0, chattering=False) for scene in data.scenes]
    return dict(_share(retrieval(clip, CLIPTokenizer.from_pretrained(SEEDLING_CLIP_FOLDER), data.pixels, texts)))


def _variety(model: OpenModel, judge: Judge, scheduler: str, steps: int, guidance: float) -> dict[str, object]:
    """A short and a long prompt, 16 seeds each: mean distance between the pictures (0..1), the same for drawn scenes,
    and how many of the pictures show the subject."""
    vocabulary = seedling_vocabulary()
    prompts = {
        "a dog riding a bicycle": Scene("dog", "riding a bicycle"),
        "a panda driving a car in a city at night, pop art style": Scene(
            "panda", "driving a car", style="pop art", setting="in a city", time="at night"
        ),
    }
    figures: dict[str, object] = {}
    for prompt, scene in prompts.items():
        pictures = generate_pictures(model, [prompt] * 16, scheduler, steps, guidance, first_seed=100)
        drawn = [draw(scene, Random(seed), size=SIZE, jitter=0.0).picture for seed in range(16)]
        named = judge.answers(pictures)[:, 0] == attribute_labels(scene, vocabulary)[0]
        figures[prompt] = {
            "distance": _apart(pictures),
            "drawn scenes": _apart(drawn),
            "subject right": round(float(named.mean()), 3),
        }
    return figures


def _sharpness(model: OpenModel, scheduler: str, steps: int, guidance: float) -> dict[str, float]:
    """The 90th percentile of the slopes at edges, of generated flat pictures and of the same scenes as they are drawn.

    In shares of the whole range from black to white per pixel, all at 256 px; a model of 128 px is enlarged.
    """
    random, vocabulary = Random(256), seedling_vocabulary()
    scenes = [Scene(one.subject, one.action, style="flat illustration") for one in (_short(random) for _ in range(48))]
    texts = [caption(scene, random, vocabulary, keep=1.0, chattering=False) for scene in scenes]
    drawn = [draw(scene, Random(seed), size=256).picture for seed, scene in enumerate(scenes)]
    figures = {
        "generated": _edge_slope(generate_pictures(model, texts, scheduler, steps, guidance)),
        "drawn": _edge_slope(drawn),
        "drawn at 128 px, enlarged": _edge_slope([picture.reduce(2) for picture in drawn]),
    }
    return figures | {"share of drawn": round(figures["generated"] / figures["drawn"], 3)}


def _edge_slope(pictures: Sequence[Image.Image], side: int = 256) -> float:
    sized = [picture.convert("L").resize((side, side), Image.Resampling.LANCZOS) for picture in pictures]
    gray = np.stack([np.asarray(picture, dtype=np.float32) for picture in sized]) / 255
    slopes = np.hypot(np.diff(gray, axis=1)[:, :, :-1], np.diff(gray, axis=2)[:, :-1])
    return round(float(np.percentile(slopes[slopes > 0.04], 90)), 3)


def _settling(model: OpenModel, judge: Judge, prompts: int, guidance: float) -> dict[str, object]:
    """Prompts that name no style, drawn by four schedulers that converge, in 20, 30 and 50 steps: how many keep
    their subject and style in all twelve pictures, and how many of these pictures are flat illustrations."""
    random, vocabulary = Random(50), seedling_vocabulary()
    texts = [
        caption(replace(_long(random, combination_held_out=False), style=None), random, vocabulary, keep=1.0)
        for _ in range(prompts)
    ]
    columns = [ASPECTS.index("subject"), ASPECTS.index("style")]
    seen = np.stack(
        [
            judge.answers(generate_pictures(model, texts, scheduler, steps, guidance))[:, columns]
            for scheduler in ("DPM++ 2M Karras", "UniPC", "Euler", "DDIM")
            for steps in (20, 30, 50)
        ]
    )
    flat = seen[..., 1] == vocabulary.names("style").index("flat illustration")
    return {"same subject and style": _share((seen == seen[:1]).all((0, 2))), "flat": _share(flat.reshape(-1))}


def _apart(pictures: Sequence[Image.Image]) -> float:
    pixels = [np.asarray(picture.convert("RGB"), dtype=np.float32) / 255 for picture in pictures]
    return round(float(np.mean([np.abs(a - b).mean() for a, b in itertools.combinations(pixels, 2)])), 3)


if __name__ == "__main__":
    typer.run(evaluate)
