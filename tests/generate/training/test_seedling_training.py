"""Seedling's training data and its growth: what is drawn, what is said of it, and that the stages fit together."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from transformers import CLIPModel

from generate.seedling import SEEDLING_CLIP_FOLDER
from generate.training.evaluate import _edge_slope
from generate.training.networks.autoencoder import PictureSet, enlarged, new_autoencoder, train_autoencoder
from generate.training.networks.clip import enlarged_clip
from generate.training.networks.judge import Judge
from generate.training.networks.latents import CHANNELS, SHIPPED_CODE, PatchCode
from generate.training.scenes.captions import ASPECTS, aspect_names, attribute_labels, caption, strangers
from generate.training.scenes.dataset import CAPTIONS, joined, make_data_set, squashed
from generate.training.scenes.drawing import draw
from generate.training.scenes.figure import ACTIONS, SUBJECTS, stages_of
from generate.training.scenes.painting import STYLES, _cells, paint
from generate.training.scenes.scene import OBLONG, SKYLESS, UNLEARNT, Scene, draw_scene, held_out
from generate.training.scenes.sprites import FONT_FILES
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
    for number in range(600):
        scene = draw_scene(random, VOCABULARY, richness=1.0, varied=number % 2 == 0)
        text = caption(scene, random, VOCABULARY, keep=1.0, chattering=False)
        named = {kind: name for kind, name in scene.named().items() if name != UNLEARNT}
        assert {kind: term.name for kind, term in VOCABULARY.find(text).items()} == named, text
        assert (f" {scene.side}" in text) == (scene.side is not None), text


def test_several_of_a_kind_are_told_by_their_number_and_a_plural() -> None:
    random = Random(8)
    told = {caption(Scene("mouse", count=2), random, VOCABULARY, chattering=False) for _ in range(200)}
    assert {"two mice", "a pair of mice", "2 mice"} <= told
    assert not any("mouse" in text for text in told)


def test_words_of_the_vocabulary_are_never_strangers_and_those_kept_back_are_never_told() -> None:
    for kind, names in strangers().names.items():
        back = strangers().kept_back[kind]
        assert not [name for name in (*names, *back) if VOCABULARY.find(name)]
        assert not set(names) & set(back)
        assert len(back) > 30
    random = Random(9)
    told = " | ".join(caption(Scene(UNLEARNT, UNLEARNT), random, VOCABULARY, chattering=False) for _ in range(3000))
    assert "giraffe" in told
    assert not [name for name in strangers().kept_back["action"] if f" {name} |" in told]


def test_what_a_picture_shows_has_a_class_of_its_own() -> None:
    scene = Scene(UNLEARNT, count=3, side="left")
    classes = dict(zip(ASPECTS, attribute_labels(scene, VOCABULARY), strict=True))
    names = aspect_names(VOCABULARY)
    assert names["subject"][classes["subject"]] == UNLEARNT
    assert classes["action"] == len(names["action"]), "standing there is the neutral action"
    assert (names["count"][classes["count"]], names["side"][classes["side"]]) == ("three", "left")


@needs_font
def test_the_same_random_state_draws_the_same_picture_and_another_draws_another() -> None:
    scene = Scene("dog", "riding a bicycle", style="watercolor", setting="on a beach", time="at sunset")
    first, again, other = (np.asarray(draw(scene, Random(seed)).picture) for seed in (1, 1, 2))
    assert first.shape == (128, 128, 3)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@needs_font
@pytest.mark.parametrize("grid", OBLONG)
def test_a_longer_picture_shows_more_around_the_same_figure(grid: tuple[int, int]) -> None:
    drawing = draw(Scene("owl", "reading a book", setting="in a forest", grid=grid), Random(1))
    assert drawing.picture.size == (16 * grid[0], 16 * grid[1])
    square = draw(Scene("owl", "reading a book", setting="in a forest"), Random(1))
    covered, usual = (np.asarray(one.figure, dtype=float).sum() for one in (drawing, square))
    assert covered == pytest.approx(usual, rel=0.01)
    edges = np.asarray(drawing.picture)[:, [0, -1]].reshape(-1, 3)
    assert len(np.unique(edges, axis=0)) > 20, "the wood goes on to both edges"


@needs_font
@pytest.mark.parametrize("seed", range(4))  # some of them turned over
def test_a_side_is_the_side_on_which_the_figure_stands(seed: int) -> None:
    for side in ("left", "right"):
        figure = draw(Scene("koala", side=side, grid=(12, 8)), Random(seed)).figure
        left, _, right, _ = figure.getbbox() or (0, 0, 0, 0)
        assert (left + right < figure.width) == (side == "left")


@needs_font
@pytest.mark.parametrize("count", [1, 2, 3])
def test_so_many_as_are_told_stand_side_by_side(count: int) -> None:
    from scipy import ndimage

    figure = draw(Scene("penguin", count=count, grid=(14, 8)), Random(1)).figure
    heads = np.asarray(figure)[70] > 128  # a row through their bodies
    assert ndimage.label(heads)[1] == count


@needs_font
def test_a_box_stands_for_what_was_never_learnt() -> None:
    known, unknown, beside = (
        np.asarray(draw(scene, Random(3)).picture, dtype=float)
        for scene in (Scene("cat"), Scene(UNLEARNT), Scene("cat", UNLEARNT))
    )
    assert np.abs(unknown - known)[20:90, 30:98].mean() > 20
    assert np.array_equal(beside[:, :64], known[:, :64])
    assert np.abs(beside - known)[85:118, 86:126].mean() > 20


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
    other = np.asarray(draw(scene, Random(6)).picture, dtype=float)
    assert np.abs(halved - pixels).mean() < 0.75 * np.abs(other - pixels).mean()
    assert np.abs(np.asarray(large.figure.reduce(2), dtype=float) - np.asarray(small.figure)).mean() < 4


@needs_font
def test_a_set_of_wide_pictures_keeps_their_shape_and_can_be_squashed(tmp_path: Path) -> None:
    wide = make_data_set(tmp_path, 5, seed=1, richness=1.0, varied=True, grid=(12, 8), workers=1)
    assert (wide.pixels.shape, wide.coverage.shape) == ((5, 128, 192, 3), (5, 8, 12))
    assert {scene.grid for scene in wide.scenes} == {(12, 8)}
    assert [len(captions) for captions in wide.captions] == [CAPTIONS] * 5
    code = PatchCode.load(SHIPPED_CODE)
    assert code.encode(torch.from_numpy(np.array(wide.pixels))).shape == (5, CHANNELS, 8, 12)
    assert squashed(wide).pixels.shape == (5, 128, 128, 3)


@needs_font
@pytest.mark.parametrize("grid", OBLONG)
@pytest.mark.parametrize("side", [None, "left", "right"])
def test_the_square_that_the_judge_looks_at_has_the_figure_where_a_square_picture_has_it(
    grid: tuple[int, int], side: str | None
) -> None:
    scene = Scene("fox", "playing a guitar", side=side, grid=grid)
    square = Scene("fox", "playing a guitar", side=side)
    for seed in range(4):  # some of these are turned over
        there = np.asarray(draw(square, Random(seed)).figure, dtype=float)
        seen = [np.asarray(stage, dtype=float) for stage in stages_of(draw(scene, Random(seed)).figure, scene)]
        assert {stage.shape for stage in seen} == {(128, 128)}
        assert min(np.abs(stage - there).mean() for stage in seen) < 1 < there.mean()


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


def _painted(style: str, width: int, height: int) -> np.ndarray:
    plain = Image.new("RGB", (width, height), (120, 170, 220))
    return np.asarray(paint(plain, Image.new("L", plain.size), style, Random(1)), dtype=int)


@pytest.mark.parametrize("style", STYLES)
def test_a_longer_picture_is_more_of_the_same_painting(style: str) -> None:
    square, wide, upright = _painted(style, 128, 128), _painted(style, 224, 128), _painted(style, 128, 224)
    assert (wide.shape, upright.shape) == ((128, 224, 3), (224, 128, 3))
    if style == "stained glass":  # other cells, as large
        panes = [len(np.unique(_cells(128, width, 1)[0])) / width for width in (128, 176, 192, 224)]
        assert max(panes) < 1.15 * min(panes)
    else:
        assert np.abs(wide[:, :64] - square[:, :64]).max() <= 1
        assert np.abs(upright[:64] - square[:64]).max() <= 1


@pytest.mark.parametrize(
    ("style", "mark"),
    {
        "watercolor": np.s_[-4:, -4:],  # paper
        "ink wash": np.s_[-18:-5, -18:-5],  # the seal
        "ukiyo-e": np.s_[8:33, -17:-8],  # the cartouche
        "Joan Miro": np.s_[9:16, -16:-9],  # a disc
    }.items(),
)
def test_what_belongs_to_a_corner_stays_there(style: str, mark: tuple[slice, slice]) -> None:
    square, *longer = (_painted(style, *size)[mark] for size in ((128, 128), (192, 128), (128, 176)))
    assert all(np.array_equal(square, one) for one in longer)


def test_pixel_art_has_square_blocks_in_every_shape() -> None:
    scattered = np.random.default_rng(1).integers(0, 256, (256, 352, 3), dtype=np.uint8)
    for picture in (Image.fromarray(scattered), Image.fromarray(scattered.transpose(1, 0, 2))):
        blocks = np.asarray(paint(picture, Image.new("L", picture.size), "pixel art", Random(1)))
        assert np.array_equal(blocks, blocks[::8, ::8].repeat(8, 0).repeat(8, 1))
        assert all((blocks[8::8] != blocks[:-8:8]).any(axis=(1, 2)))


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
    wide = np.random.default_rng(1).integers(0, 256, (2, 256, 384, 3), dtype=np.uint8)
    latents_of_wide = torch.randn(2, CHANNELS, 8, 12)
    sets = [
        PictureSet(
            shown, told.numpy().astype(np.float16), np.full((2, *told.shape[2:]), 255, np.uint8), np.array([0.5, 0.5])
        )
        for shown, told in ((pixels, latents), (wide, latents_of_wide))
    ]
    before = {name: value.clone() for name, value in larger.state_dict().items()}
    for pictures in (2, 4):  # stops, and goes on from its checkpoint
        train_autoencoder(
            larger,
            sets,
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
        tune_pictures=2_400,
        decoder_pictures=1_200,
        polish_pictures=600,
        clip_pictures=9_600,
        rich=2_048,
        plain=1_536,
        oblong=256,
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
