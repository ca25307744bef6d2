"""The experiments: each does something with Seedling, in the worker's thread, and returns pictures with what is to be
said of them. What needs torch is imported when one is made."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from generate.settings import RenderSettings

if TYPE_CHECKING:  # torch comes along with a model, and the page is up long before it
    from numpy.typing import NDArray

    from compare.instruments.context import Scorer
    from compare.session import Progress
    from generate.models import OpenModel

MODEL = "seedling"
SEED = 7
STEPS = 12
#: What words are held against: a picture of each.
SUBJECTS = (
    "a dog riding a bicycle",
    "a cat reading a book",
    "an owl wearing a crown",
    "a robot playing the guitar",
    "a penguin eating ice cream",
    "a fox driving a car",
    "a bear flying a kite",
    "a dragon blowing a trumpet",
    "a rabbit in the snow",
    "a frog in the rain",
    "a ghost at night",
    "a pig on a beach",
)
GUIDANCES = (1.0, 3.0, 5.0, 8.0, 14.0)


@dataclass(frozen=True)
class Panel:
    """One picture, as PNG, and the values of the sentence below it. `said` names the sentence, None for none; `row` is
    where it stands, from 0."""

    png: bytes
    said: str | None = None
    values: Mapping[str, object] | None = None
    row: int = 0


@dataclass(frozen=True)
class Experiment:
    """`first` is what its widgets hold at first, but for words, which the reader's language has (`learn` in the
    locale). `make` gets the model, what the widgets hold, and who hears of steps; it yields what is to be seen."""

    name: str
    first: Mapping[str, Any]
    make: Callable[[Bench, Mapping[str, Any]], Iterator[Panel]]


@dataclass
class Tools:
    """Seedling and its CLIP, open, and the twelve pictures once they are made."""

    model: OpenModel
    clip: Scorer | None
    twelve: Sequence[Image.Image] = ()


@dataclass(frozen=True)
class Bench:
    """The tools, and who hears how far an experiment is; he may raise `RenderCancelled`."""

    tools: Tools
    on_progress: Callable[[Progress], None]

    @property
    def model(self) -> OpenModel:
        return self.tools.model

    def pictures(self, prompts: Sequence[str], *, seeds: Sequence[int] = (SEED,), **settings: Any) -> list[Image.Image]:
        """A picture of each prompt from each seed, all else the same."""
        from compare.session import Progress
        from generate.render import Frame, render_series
        from ideation import given_pair

        pair = given_pair("", prompts[0], prompts[-1], "", self.model.budget())
        wanted = RenderSettings(**{"model": MODEL, "num_inference_steps": STEPS, **settings})
        frames = [Frame(prompt, seed) for prompt in prompts for seed in seeds]
        series = render_series(
            frames, pair, wanted, self.model, on_step=lambda step: self.on_progress(Progress("render", step=step))
        )
        return [made.image for made in series]


@lru_cache(maxsize=1)
def open_tools() -> Tools:
    """The tools of this server, opened once for everybody who learns here."""
    from compare.instruments import Examination, open_scorer
    from generate.models import open_model

    model = open_model(MODEL, device="auto", dtype="auto")
    return Tools(model, open_scorer(Examination(), model, {})[0])


def _clip(bench: Bench, held: Mapping[str, Any]) -> Iterator[Panel]:
    """The twelve pictures, the one that fits the words best first."""
    tools = bench.tools
    if not tools.twelve:
        tools.twelve = bench.pictures(SUBJECTS, num_inference_steps=8)
    pictures = tools.twelve
    if tools.clip is None:
        return
    scores = tools.clip.image_vectors(pictures) @ tools.clip.text_vectors([held["words"]])[0]
    for place in sorted(range(len(pictures)), key=lambda place: -scores[place]):
        yield Panel(_png(pictures[place]), "score", {"score": f"{100 * scores[place]:.1f}"})


def _vae(bench: Bench, held: Mapping[str, Any]) -> Iterator[Panel]:
    """A picture, its latents, and what comes back of them with noise added."""
    import torch

    (picture,) = bench.pictures([held["prompt"]])
    vae = bench.model.pipeline.vae
    with torch.inference_mode():
        pixels = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 127.5 - 1).permute(2, 0, 1)[None]
        latents = vae.encode(pixels.to(vae.device, vae.dtype)).latent_dist.mode()
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(SEED)).to(latents)
        back = vae.decode(latents + held["noise"] * latents.std() * noise).sample
        small = latents[0].float().cpu().numpy()
    yield Panel(_png(picture), "before", {"numbers": f"{picture.width * picture.height * 3:,}"})
    yield Panel(_png(_tiled(small)), "latents", {"numbers": f"{small.size:,}", "layers": small.shape[0]})
    shown = ((back[0].float().clamp(-1, 1) + 1) * 127.5).round().byte().permute(1, 2, 0).cpu().numpy()
    yield Panel(_png(Image.fromarray(shown)), "after", {"noise": f"{100 * held['noise']:.0f}"})


def _attention(bench: Bench, held: Mapping[str, Any]) -> Iterator[Panel]:
    """A picture, and where each word of its prompt looked."""
    from compare.session import Progress
    from generate.render import AttentionRecorder, read_tokens, render_pair, spotlight
    from ideation import given_pair

    prompt = held["prompt"]
    settings = RenderSettings(model=MODEL, num_inference_steps=STEPS, seed=SEED)
    tokens = read_tokens(bench.model, prompt, settings)
    recorder = AttentionRecorder(bench.model, [tokens, tokens])
    pair = render_pair(
        given_pair("", prompt, prompt, "", bench.model.budget()),
        settings,
        bench.model,
        on_step=lambda step: bench.on_progress(Progress("render", step=step)),
        watchers=(recorder,),
    )
    picture, maps = pair.pictures[0].image, recorder.maps[0]
    yield Panel(_png(picture), "picture")
    for word in [word for word in tokens.words if len(word) > 2][:8]:
        yield Panel(_png(spotlight(picture, maps.map_of(word))), "word", {"word": word})


def _guidance(bench: Bench, held: Mapping[str, Any]) -> Iterator[Panel]:
    """The same seed at the guidance that was chosen, between others."""
    for guidance in sorted({*GUIDANCES, float(held["guidance"])}):
        (picture,) = bench.pictures([held["prompt"]], guidance_scale=guidance)
        said = "chosen" if guidance == float(held["guidance"]) else "guidance"
        yield Panel(_png(picture), said, {"guidance": f"{guidance:g}"})


def _schedulers(bench: Bench, held: Mapping[str, Any]) -> Iterator[Panel]:
    """One seed at some steps, at twice and at four times as many: a scheduler that settles moves less each time."""
    from compare.instruments import score

    for row, name in enumerate(("DPM++ 2M Karras", "Euler a")):
        before: Image.Image | None = None
        for steps in (held["steps"], 2 * held["steps"], 4 * held["steps"]):
            (picture,) = bench.pictures([held["prompt"]], scheduler=name, num_inference_steps=steps)
            told = {"scheduler": name, "steps": steps}
            if before is None:
                yield Panel(_png(picture), "steps", told, row)
            else:
                moved = 100 * score(before, picture).mean_absolute_difference
                yield Panel(_png(picture), "moved", {**told, "moved": f"{moved:.1f}"}, row)
            before = picture


def _lora(bench: Bench, held: Mapping[str, Any]) -> Iterator[Panel]:
    """The same seed with a LoRA at several weights."""
    try:
        for weight in sorted({0.0, 0.5, 1.0, 1.5, float(held["weight"])}):
            bench.model.load([(held["lora"], weight, weight)])
            (picture,) = bench.pictures([held["prompt"]])
            said = "chosen" if weight == float(held["weight"]) else "weight"
            yield Panel(_png(picture), said, {"weight": f"{weight:g}"})
    finally:
        bench.model.unload()


def _tiled(layers: NDArray[np.float32]) -> Image.Image:
    """The layers of a stack of numbers as grey pictures, in rows of a square."""
    low, high = float(layers.min()), float(layers.max())
    count, height, width = layers.shape
    side = math.ceil(math.sqrt(count))
    canvas = np.zeros((math.ceil(count / side) * (height + 1), side * (width + 1)), dtype=np.uint8)
    for number, layer in enumerate(layers):
        row, column = divmod(number, side)
        top, left = row * (height + 1), column * (width + 1)
        canvas[top : top + height, left : left + width] = 255 * (layer - low) / max(high - low, 1e-9)
    return Image.fromarray(canvas).resize((canvas.shape[1] * 4, canvas.shape[0] * 4), Image.Resampling.NEAREST)


def _png(picture: Image.Image) -> bytes:
    stored = BytesIO()
    picture.save(stored, "PNG")
    return stored.getvalue()


#: In the order of the lecture.
EXPERIMENTS = {
    one.name: one
    for one in (
        Experiment("clip", {"words": ""}, _clip),
        Experiment("vae", {"prompt": "", "noise": 0.3}, _vae),
        Experiment("attention", {"prompt": ""}, _attention),
        Experiment("guidance", {"prompt": "", "guidance": 6.0}, _guidance),
        Experiment("schedulers", {"prompt": "", "steps": 8}, _schedulers),
        Experiment("lora", {"prompt": "", "lora": "", "weight": 0.75}, _lora),
    )
}
