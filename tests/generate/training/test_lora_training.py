"""Training a LoRA for Seedling: a very short run, whose result is loaded as any other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from generate.models import OpenModel
from generate.models.weights.weight_file import read_weight_file
from generate.render.pair import render_pair
from generate.settings import RenderSettings
from generate.training.lora import STYLES, lora, train_lora
from generate.training.scenes.drawing import draw
from generate.training.scenes.scene import Scene
from ideation import PromptPair, TokenCount


@pytest.fixture
def base(seedling: OpenModel) -> Iterator[OpenModel]:
    yield seedling
    seedling.unload()


def test_a_short_run_is_loaded_as_any_other(base: OpenModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    out = tmp_path / "loras" / "heat.safetensors"
    lora(out, style="thermal camera", pictures=16, scenes=8, rank=2, threads=torch.get_num_threads())
    told = read_weight_file(out)
    assert (told.kind, told.family, list(tmp_path.rglob("*.partial"))) == ("lora", "seedling", [])
    assert {name.partition(".")[0] for name in load_file(out)} == {"unet", "text_encoder"}

    prompts = PromptPair(
        "a dog", "en", "a dog", "a dog, thermal camera", "", "given", None, (), (), TokenCount(77, 4, 6)
    )
    settings = RenderSettings(seed=5, num_inference_steps=2, width=64, height=64)

    def pictures(weight: float) -> list[bytes]:
        base.load([("heat", weight, weight)])
        return [render.image.tobytes() for render in render_pair(prompts, settings, base).pictures]

    without = pictures(0)
    assert all(one != other for one, other in zip(pictures(1), without, strict=True)), "both arms change"
    assert pictures(0) == without


def test_training_repeats() -> None:
    """The same numbers again, bit for bit, and other ones with more steps."""
    one, same, more = (train_lora("mosaic", pictures=count, scenes=4, rank=1, batch=2) for count in (2, 2, 6))
    assert one.keys() == more.keys()
    assert all(tensor.equal(same[name]) for name, tensor in one.items())
    assert any(not tensor.equal(more[name]) for name, tensor in one.items())


@pytest.mark.parametrize("style", STYLES)
def test_styles_are_filters_of_the_drawing(style: str) -> None:
    drawing = draw(Scene("fox", "reading a book"), Random(3))
    filtered = STYLES[style](drawing)
    assert (filtered.size, filtered.mode) == (drawing.picture.size, "RGB")
    pixels, figure = np.asarray(filtered, dtype=float), np.asarray(drawing.figure) > 250
    assert np.abs(pixels - np.asarray(drawing.picture)).mean() > 20
    if style == "thermal camera":
        assert pixels[figure].mean() > pixels[~figure].mean() + 50, "what is alive is hot"


@pytest.mark.parametrize("options", [{"style": "cubism"}, {"out": Path("x.ckpt")}])
def test_options_that_cannot_be(options: dict[str, object], tmp_path: Path) -> None:
    from typer import BadParameter

    given = {"out": tmp_path / "x.safetensors", "style": "mosaic"} | options
    with pytest.raises(BadParameter):
        lora(**given)  # type: ignore[arg-type]
