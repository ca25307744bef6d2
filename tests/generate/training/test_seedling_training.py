"""Seedling's training data and its growth: what is drawn, what is said of it, and that the stages fit together."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import CLIPModel

from generate.seedling import SEEDLING_CLIP_FOLDER
from generate.training.autoencoder import enlarged, new_autoencoder, train_autoencoder
from generate.training.captions import caption
from generate.training.clip import enlarged_clip
from generate.training.dataset import DataSet, joined, make_data_set
from generate.training.drawing import draw
from generate.training.evaluate import _edge_slope
from generate.training.figure import ACTIONS, SUBJECTS
from generate.training.judge import Judge
from generate.training.latents import CHANNELS
from generate.training.painting import STYLES
from generate.training.scene import SKYLESS, Scene, draw_scene, held_out
from generate.training.sprites import FONT_FILES
from ideation import seedling_vocabulary

VOCABULARY = seedling_vocabulary()
needs_font = pytest.mark.skipif(
    not any(Path(file).is_file() for file in FONT_FILES),
    reason="the training scenes need the font Noto Color Emoji (Debian: fonts-noto-color-emoji)",
)


def test_everything_in_the_vocabulary_can_be_drawn() -> None:
    assert set(SUBJECTS) == set(VOCABULARY.names("subject"))
    assert set(ACTIONS) == set(VOCABULARY.names("action"))
    assert {"flat illustration", *STYLES} == set(VOCABULARY.names("style"))


def test_a_scene_never_puts_weather_where_there_is_no_sky() -> None:
    random = Random(1)
    scenes = [draw_scene(random, VOCABULARY, richness=1.0) for _ in range(2000)]
    assert {scene.setting for scene in scenes} >= set(SKYLESS)
    assert not [scene for scene in scenes if scene.setting in SKYLESS and (scene.time or scene.weather)]
    assert not [scene for scene in scenes if held_out(scene.subject, scene.action, VOCABULARY)]


def test_one_combination_in_sixteen_is_held_out_of_training() -> None:
    pairs = [(s, a) for s in VOCABULARY.names("subject") for a in VOCABULARY.names("action")]
    share = sum(held_out(s, a, VOCABULARY) for s, a in pairs) / len(pairs)
    assert share == pytest.approx(1 / 16, abs=0.01)
    assert all(
        any(not held_out(s, a, VOCABULARY) for a in VOCABULARY.names("action")) for s in VOCABULARY.names("subject")
    )


def test_a_full_caption_names_exactly_what_the_scene_shows() -> None:
    random = Random(2)
    for _ in range(500):
        scene = draw_scene(random, VOCABULARY, richness=1.0)
        text = caption(scene, random, VOCABULARY, keep=1.0, chattering=False)
        assert {kind: term.name for kind, term in VOCABULARY.find(text).items()} == scene.named(), text


@needs_font
def test_the_same_random_state_draws_the_same_picture_and_another_draws_another() -> None:
    scene = Scene("dog", "riding a bicycle", style="watercolor", setting="on a beach", time="at sunset")
    first, again, other = (np.asarray(draw(scene, Random(seed)).picture) for seed in (1, 1, 2))
    assert first.shape == (128, 128, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@needs_font
@pytest.mark.parametrize("weather", VOCABULARY.names("weather"))
def test_weather_shows_where_no_setting_is_named(weather: str) -> None:
    plain, wet = (
        np.asarray(draw(Scene("cat", "kicking a ball", weather=name), Random(3)).picture, dtype=float)
        for name in (None, weather)
    )
    assert np.abs(wet - plain).mean() > 10


@needs_font
@pytest.mark.parametrize("style", VOCABULARY.names("style"))
def test_a_larger_picture_shows_the_same_scene_with_finer_edges(style: str) -> None:
    scene = Scene("lion", "flying a kite", style=style, setting="in a city", time="at noon")
    small, large = (draw(scene, Random(4), size=size) for size in (128, 256))
    assert large.picture.size == (256, 256)
    halved, pixels = (np.asarray(picture, dtype=float) for picture in (large.picture.reduce(2), small.picture))
    other = np.asarray(draw(scene, Random(5)).picture, dtype=float)
    assert np.abs(halved - pixels).mean() < 0.75 * np.abs(other - pixels).mean()
    assert np.abs(np.asarray(large.figure.reduce(2), dtype=float) - np.asarray(small.figure)).mean() < 4


@needs_font
def test_sets_of_two_sizes_show_the_same_scenes_and_can_be_joined(tmp_path: Path) -> None:
    small = make_data_set(tmp_path / "small", 12, seed=1, richness=1.0, workers=1)
    large = make_data_set(tmp_path / "large", 12, seed=1, richness=1.0, size=256, workers=1)
    assert small.scenes == large.scenes
    assert (small.pixels.shape, large.pixels.shape) == ((12, 128, 128, 3), (12, 256, 256, 3))
    assert np.abs(small.coverage.astype(float) - large.coverage).mean() < 4
    both = joined(large, make_data_set(tmp_path / "plain", 4, seed=2, richness=0.0, size=256, workers=1))
    assert len(both) == len(both.pixels) == len(both.coverage) == 16


def test_captions_leave_a_style_unnamed_once_in_a_hundred() -> None:
    random = Random(6)
    scene = Scene("owl", "reading a book", style="neon", setting="on a beach", time="at night")
    told = [VOCABULARY.find(caption(scene, random, VOCABULARY, chattering=False)) for _ in range(3000)]
    for kind in ("style", "setting", "time"):
        assert 0.98 < sum(kind in found for found in told) / len(told) < 1


def test_an_enlarged_autoencoder_draws_what_the_smaller_one_drew_and_then_learns(tmp_path: Path) -> None:
    torch.manual_seed(0)
    smaller = new_autoencoder().eval()
    larger = enlarged(smaller).eval()
    latents = torch.randn(2, CHANNELS, 8, 8)
    with torch.no_grad():
        doubled = functional.interpolate(smaller.decode(latents).sample, scale_factor=2)
        difference = (larger.decode(latents).sample - doubled).abs().mean()
    assert larger.config.sample_size == 256
    assert difference < 0.3 * doubled.std()

    pixels = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    scenes = [Scene("owl", "reading a book")] * 2
    before = {name: value.clone() for name, value in larger.state_dict().items()}
    for pictures in (2, 4):  # stops, and goes on from its checkpoint
        train_autoencoder(
            larger,
            DataSet(pixels, scenes, np.zeros((2, 8, 8), dtype=np.uint8)),
            latents.numpy().astype(np.float16),
            tmp_path / "vae.pt",
            pictures=pictures,
            batch=1,
            judge=Judge(),
            criticised=0.5,
        )
    assert all(value.isfinite().all() for value in larger.state_dict().values())
    assert not torch.equal(before["decoder.conv_out.weight"], larger.decoder.conv_out.weight)


def test_an_enlarged_clip_sees_a_large_picture_as_its_half() -> None:
    smaller = CLIPModel.from_pretrained(SEEDLING_CLIP_FOLDER, local_files_only=True).eval()
    larger, side = enlarged_clip(smaller), smaller.config.vision_config.image_size
    picture = torch.rand(2, 3, 2 * side, 2 * side) * 2 - 1
    with torch.no_grad():
        seen = larger.get_image_features(picture).pooler_output
        halved = smaller.get_image_features(functional.avg_pool2d(picture, 2)).pooler_output
    assert torch.allclose(seen, halved, atol=1e-4)
    assert (larger.config.vision_config.image_size, smaller.config.vision_config.image_size) == (2 * side, side)


@needs_font
@pytest.mark.parametrize("kind", ["style", "setting", "time", "weather", "colour"])
def test_each_name_of_a_kind_looks_unlike_the_others(kind: str) -> None:
    pictures = {
        name: np.asarray(draw(Scene("cat", "kicking a ball", **{kind: name}), Random(3)).picture, dtype=float)
        for name in VOCABULARY.names(kind)
    }
    names = list(pictures)
    for number, one in enumerate(names):
        for other in names[:number]:
            assert np.abs(pictures[one] - pictures[other]).mean() > 2, f"{one} looks like {other}"


@needs_font
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not os.environ.get("TWINSEED_SLOW_TESTS"), reason="opt-in: set TWINSEED_SLOW_TESTS=1 (15 minutes)")
def test_a_smaller_seedling_grows_from_nothing_and_opens(tmp_path: Path) -> None:
    from diffusers import StableDiffusionPipeline

    from generate.training.grow import grow

    grow(
        tmp_path,
        pictures=9_600,
        tune_pictures=1_200,
        decoder_pictures=1_200,
        polish_pictures=600,
        clip_pictures=9_600,
        rich=2_048,
        plain=1_536,
        size=256,
        threads=2,
        export_to=tmp_path / "model",
    )
    pipeline = StableDiffusionPipeline.from_pretrained(tmp_path / "model", local_files_only=True)
    assert pipeline.vae.config.sample_size == 256
    red, blue = pipeline(["a red frog kicking a ball", "a blue frog kicking a ball"], num_inference_steps=10).images
    assert red.size == (256, 256)
    CLIPModel.from_pretrained(tmp_path / "clip", local_files_only=True)
    red_mean, blue_mean = np.asarray(red).mean((0, 1)), np.asarray(blue).mean((0, 1))
    assert red_mean[0] - red_mean[2] > blue_mean[0] - blue_mean[2]


def test_sharp_edges_are_told_from_soft_ones() -> None:
    scene = Scene("cat", "riding a bicycle", style="flat illustration")
    sharp = draw(scene, Random(1), size=256).picture
    assert _edge_slope([sharp]) > 1.2 * _edge_slope([sharp.reduce(2)])
