"""Does the attention map of a word lie on the thing that the word names? Measured where that is known, on Seedling.

python benchmarks/findings/attention.py                            # prints the tables: two minutes or so of a core
python benchmarks/findings/attention.py --write docs/comparison/attention.md  # and puts them between the markers there
python benchmarks/findings/attention.py --scenes 16 --steps 8      # a quick look

The scenes that Seedling learnt from are drawn, so it is known which pixels are the subject and which its prop.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

# Before torch: whatever is of `generate` tells threads to sleep while they wait, which torch reads when it is imported.
from generate.settings import RenderSettings

# isort: split

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import rankdata

from generate.models import OpenModel, open_model
from generate.render.attention.cross_attention import COARSEST, AttentionRecorder, PromptAttention, read_tokens
from generate.training.evaluate import generate_pictures
from generate.training.networks.latents import PatchCode
from generate.training.networks.unet import NOISE_SCHEDULE
from generate.training.scenes.canvas import UNIT, Canvas
from generate.training.scenes.drawing import draw
from generate.training.scenes.figure import ACTIONS, draw_figure
from generate.training.scenes.scene import Scene, draw_scene
from ideation import TwinseedError, seedling_vocabulary

PATCH_CODE = Path(__file__).parents[2] / "generate" / "training" / "networks" / "patch_code.safetensors"
SCHEDULER, GUIDANCE = "DPM++ 2M Karras", 5.0
MIDDLE = 500  # the timestep up to which drawn scenes are noised, of 1000
ASIDE = 32  # by how many pixels the figures of the second experiment stand aside: two patches of the latents
SIZE, BATCH = 128, 16
BEGIN, END = "<!-- attention: begin -->", "<!-- attention: end -->"
HEAD = (
    "| map of | should lie on | share of it there | share of the picture | highest point there | area under the curve |"
)

Mask = NDArray[np.bool_]  # (128, 128)
Map = NDArray[np.floating[Any]]  # (height, width)


@dataclass(frozen=True)
class Case:
    """A scene with its prompt, one filler word of which says nothing about the picture."""

    scene: Scene
    prompt: str
    filler: str
    number: int

    @property
    def words(self) -> dict[str, str]:
        named = self.scene.named()
        return {kind: named[kind] for kind in ("subject", "action", "setting")} | {"filler": self.filler}


def make_cases(count: int, seed: int) -> list[Case]:
    """Random scenes of a subject, an action and a setting, in natural colours and no style."""
    random, vocabulary = Random(seed), seedling_vocabulary()
    cases: list[Case] = []
    while len(cases) < count:
        full = draw_scene(random, vocabulary, richness=1.0, include_held_out=True)
        if full.setting is not None:
            scene, filler = Scene(full.subject, full.action, setting=full.setting), random.choice(vocabulary.filler)
            article = "an" if scene.subject in ("alien", "elephant", "octopus", "owl") else "a"
            prompt = f"{article} {scene.subject} {scene.action} {full.setting}, {filler}"
            cases.append(Case(scene, prompt, filler, len(cases)))
    return cases


class PartOfFigure(Canvas):
    """A canvas on which nothing but the prop of a scene can be drawn, or everything but it."""

    def __init__(self, scene: Scene, *, prop: bool) -> None:
        super().__init__(SIZE / UNIT * 2, Random(0), clear=True)
        self._glyph, self._prop = ACTIONS[scene.action].prop, prop
        if prop:  # the pen draws bodies, and strings, which are too thin to count
            self.pen = Canvas(SIZE / UNIT * 2, Random(0)).pen

    def stamp(self, glyph: str, *where: Any, **how: Any) -> None:
        if (glyph == self._glyph) == self._prop:
            super().stamp(glyph, *where, **how)


def draw_case(case: Case) -> tuple[Image.Image, dict[str, Mask]]:
    """The picture of the case's scene, and the masks of its `figure`, and of `subject` and `prop` as far as each can be
    seen. The two are drawn once more, each by itself, and turned as the whole is."""
    drawing = draw(case.scene, Random(case.number))
    parts = {}
    for part in ("subject", "prop"):
        canvas = PartOfFigure(case.scene, prop=part == "prop")
        draw_figure(canvas, case.scene, Random(0), 0.0)
        parts[part] = _inside(canvas.image.getchannel("A").reduce(2))
    figure, covered = _inside(drawing.figure), parts["subject"] | parts["prop"]
    if (figure ^ covered[:, ::-1]).sum() < (figure ^ covered).sum():
        parts = {part: mask[:, ::-1] for part, mask in parts.items()}
    front, back = ("prop", "subject") if ACTIONS[case.scene.action].front else ("subject", "prop")
    return drawing.picture, {"figure": figure, front: parts[front], back: parts[back] & ~parts[front]}


def _inside(alpha: Image.Image) -> Mask:
    return np.asarray(alpha) > 127


def stand_aside(picture: Image.Image, masks: dict[str, Mask], by: int) -> tuple[Image.Image, dict[str, Mask]]:
    """All of it moved to the right by pixels; what leaves on one side comes in on the other."""
    moved = {part: np.roll(mask, by, axis=1) for part, mask in masks.items()}
    usual = {USUAL: masks["subject"] & ~moved["subject"]}
    return Image.fromarray(np.roll(np.asarray(picture), by, axis=1)), {**moved, **usual}


def drawn_attention(
    model: OpenModel, cases: Sequence[Case], pictures: Sequence[Image.Image], coarsest: int
) -> list[PromptAttention]:
    """Drawn scenes, noised up to the middle timestep, as the U-Net sees them with their prompts."""
    from diffusers import DDPMScheduler

    keys = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule")
    schedule = DDPMScheduler(**{key: NOISE_SCHEDULE[key] for key in keys})
    code, maps = PatchCode.load(PATCH_CODE), list[PromptAttention]()
    for k in range(0, len(cases), BATCH):
        some = cases[k : k + BATCH]
        pixels = torch.from_numpy(np.stack([np.asarray(one) for one in pictures[k : k + BATCH]]))
        clean = code.encode(pixels)
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(k))
        timesteps = torch.full((len(some),), MIDDLE)
        recorder = _recorder(model, some, coarsest)
        with torch.no_grad(), recorder:
            context, _ = model.pipeline.encode_prompt([one.prompt for one in some], "cpu", 1, False)
            model.pipeline.unet(schedule.add_noise(clean, noise, timesteps), timesteps, encoder_hidden_states=context)
        maps += recorder.maps
    return maps


def generated_attention(model: OpenModel, cases: Sequence[Case], steps: int) -> list[PromptAttention]:
    """The cases' pictures as Seedling makes them, one seed each."""
    maps: list[PromptAttention] = []
    for k in range(0, len(cases), BATCH):
        some = cases[k : k + BATCH]
        recorder = _recorder(model, some, COARSEST)
        with recorder:
            generate_pictures(model, [one.prompt for one in some], SCHEDULER, steps, GUIDANCE, first_seed=k)
        maps += recorder.maps
    return maps


def _recorder(model: OpenModel, cases: Sequence[Case], coarsest: int) -> AttentionRecorder:
    settings = RenderSettings()
    return AttentionRecorder(model, [read_tokens(model, case.prompt, settings) for case in cases], coarsest=coarsest)


@dataclass(frozen=True)
class Measured:
    """Of one map against one mask: which share of the map is inside, which share of the pixels, whether its highest
    pixel is, and how often a pixel inside is higher than one outside (0.5 is chance)."""

    mass: float
    area: float
    pointed: bool
    auc: float


def measure(attention: Map, mask: Mask) -> Measured:
    """The map is spread over the pixels first."""
    image = Image.fromarray(attention.astype(np.float32)).resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    values, inside = np.asarray(image).ravel(), mask.ravel()
    ranks, within = rankdata(values), int(inside.sum())
    above = ranks[inside].sum() - within * (within + 1) / 2
    return Measured(
        mass=float(values[inside].sum() / values.sum()),
        area=float(inside.mean()),
        pointed=bool(inside[values.argmax()]),
        auc=float(above / (within * (len(inside) - within))),
    )


def mean_of(values: Sequence[float], digits: int) -> str:
    """The mean with its 95 % interval; scenes are independent of one another."""
    reach = 1.96 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return f"{np.mean(values):.{digits}f} ± {reach:.{digits}f}"


def share_of(hits: Sequence[bool]) -> str:
    """The share with Wilson's 95 % interval, which stays inside 0..1."""
    count, p, z = len(hits), float(np.mean(hits)), 1.96
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    reach = z * math.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return f"{100 * p:.0f} % ({100 * (middle - reach):.0f} to {100 * (middle + reach):.0f})"


OTHER, USUAL = "another scene's subject", "where it usually stands"
#: What is measured: the kind of word, and what its map is held against.
ROWS = (
    ("subject", "subject"),
    ("subject", "figure"),
    ("subject", OTHER),
    ("action", "prop"),
    ("action", "figure"),
    ("setting", "figure"),
    ("filler", "figure"),
    ("filler", "subject"),
)
ROWS_ASIDE = (("subject", "subject"), ("subject", USUAL), ("action", "prop"), ("filler", "subject"))
WAYS = (("subject", "subject"), ("action", "prop"), ("setting", "figure"), ("filler", "figure"))


def measure_all(
    cases: Sequence[Case],
    maps: Sequence[PromptAttention],
    masks: Sequence[dict[str, Mask]],
    rows: Sequence[tuple[str, str]],
    way: Callable[[PromptAttention, str], Map] = PromptAttention.map_of,
) -> dict[tuple[str, str], list[Measured]]:
    """For each of `rows` one measurement a scene."""
    measured: dict[tuple[str, str], list[Measured]] = {row: [] for row in rows}
    for k, (case, attention) in enumerate(zip(cases, maps, strict=True)):
        for kind, part in rows:
            mask = masks[k - 1]["subject"] if part == OTHER else masks[k][part]
            measured[kind, part].append(measure(way(attention, case.words[kind]), mask))
    return measured


def table(measured: dict[tuple[str, str], list[Measured]]) -> list[str]:
    names = {"subject": "the subject's word", "action": "the action's words", "setting": "the setting's words"}
    rows = []
    for (kind, part), ones in measured.items():
        cells = [
            names.get(kind, "a filler word"),
            {"figure": "subject and prop", "subject": "the subject", "prop": "the prop"}.get(part, part),
            mean_of([one.mass for one in ones], 2),
            f"{np.mean([one.area for one in ones]):.2f}",
            share_of([one.pointed for one in ones]),
            mean_of([one.auc for one in ones], 3),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return [HEAD, re.sub(r"[^|]+", "---", HEAD), *rows]


def among_words(attention: PromptAttention, phrase: str) -> Map:
    """The phrase's share of what all words get, without start and padding."""
    total: Map = attention.shares[list(attention.tokens.content)].sum(0)
    return attention.map_of(phrase) / total


def above_mean(attention: PromptAttention, phrase: str) -> Map:
    """How much more a token of the phrase gets than one of the prompt does on average."""
    mean: Map = attention.shares[list(attention.tokens.content)].mean(0)
    return attention.map_of(phrase) / len(attention.tokens.of(phrase)) - mean


def ways_table(measured: dict[str, dict[tuple[str, str], list[Measured]]]) -> list[str]:
    head = "| way | subject's word, subject | action's words, prop | setting's words, figure | filler, figure |"
    lines = [head, re.sub(r"[^|]+", "---", head)]
    for way, results in measured.items():
        lines.append(f"| {way} | {' | '.join(mean_of([one.auc for one in results[row]], 3) for row in WAYS)} |")
    return lines


def experiments(model: OpenModel, cases: Sequence[Case], steps: int) -> list[str]:
    """All tables, as lines of Markdown."""
    drawn = [draw_case(case) for case in cases]
    pictures, masks = [picture for picture, _ in drawn], [mask for _, mask in drawn]
    straight = drawn_attention(model, cases, pictures, COARSEST)
    every = drawn_attention(model, cases, pictures, 1)
    ways = {
        "share of all attention (ours)": measure_all(cases, straight, masks, WAYS),
        "the same with the coarse layers": measure_all(cases, every, masks, WAYS),
        "share among the words": measure_all(cases, straight, masks, WAYS, among_words),
        "above the words' mean": measure_all(cases, straight, masks, WAYS, above_mean),
    }
    moved = [stand_aside(*one, ASIDE if case.number % 2 else -ASIDE) for case, one in zip(cases, drawn, strict=True)]
    aside, masks_aside = [picture for picture, _ in moved], [mask for _, mask in moved]
    aside_maps = drawn_attention(model, cases, aside, COARSEST)
    generated = generated_attention(model, cases, steps)
    union = [{part: mask | mask[:, ::-1] for part, mask in one.items()} for one in masks]
    return [
        f"Model `{model.name}` (weights {model.digest[:8]}), {len(cases)} scenes; means with 95 % intervals.",
        *("", f"**Generated pictures**, {steps} steps of {SCHEDULER}, guidance {GUIDANCE:g}:", ""),
        *table(measure_all(cases, generated, union, ROWS)),
        *("", f"**Drawn scenes**, noised to timestep {MIDDLE} of 1000:", ""),
        *table(measure_all(cases, straight, masks, ROWS)),
        *("", f"**The same scenes, moved** by {ASIDE} pixels to the left or the right:", ""),
        *table(measure_all(cases, aside_maps, masks_aside, ROWS_ASIDE)),
        *("", "**Other ways to make a map** of the drawn scenes, by the area under the curve:", ""),
        *ways_table(ways),
    ]


def put(document: str, lines: Sequence[str]) -> str:
    """The document with the lines between its markers. Raises `ValueError` where those are missing."""
    if BEGIN not in document or END not in document.partition(BEGIN)[2]:
        raise ValueError(f"no {BEGIN} ... {END} in there")
    before, _, rest = document.partition(BEGIN)
    return "\n".join([f"{before}{BEGIN}", *lines, f"{END}{rest.partition(END)[2]}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=128, metavar="N", help="how many, 2 or more [default: 128]")
    parser.add_argument("--seed", type=int, default=2026, help="of the scenes [default: 2026]")
    parser.add_argument("--steps", type=int, default=20, help="of the generated pictures [default: 20]")
    parser.add_argument("--write", type=Path, metavar="FILE", help="a Markdown file with the markers")
    options = parser.parse_args()
    if options.scenes < 2:
        parser.error("--scenes must be 2 or more: there are no intervals of one")
    began = time.process_time()
    try:
        if options.write:  # whatever is wrong with the file is found before the minutes of rendering
            put(options.write.read_text(encoding="utf-8"), ())
        model = open_model("seedling", device="cpu", dtype="float32")
        lines = experiments(model, make_cases(options.scenes, options.seed), options.steps)
    except TwinseedError as error:
        sys.exit(f"error: {error.message}\nhint: {error.hint}")
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print("\n".join(lines))
    if options.write:
        options.write.write_text(put(options.write.read_text(encoding="utf-8"), lines), encoding="utf-8")
    print(f"\n{time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
