"""Attention: the recorder tells what the U-Net itself computes, finds the words, and leaves the picture as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0
from PIL import Image

from benchmarks.findings import attention as benchmark
from generate.models import OpenModel
from generate.picture import PicturePair
from generate.render.attention.cross_attention import (
    AttentionError,
    AttentionRecorder,
    PromptTokens,
    moved,
    read_tokens,
)
from generate.render.attention.figure import movement, spotlight
from generate.render.conditioning import encode_pair
from generate.render.memory import MemoryPlan, applied
from generate.render.pair import render_pair
from generate.settings import RenderSettings, SettingsError
from generate.training.scenes.sprites import FONT_FILES
from ideation import PromptPair, TokenCount

SETTINGS = RenderSettings(seed=5, num_inference_steps=2, guidance_scale=5.0)
SMALL = replace(SETTINGS, width=64, height=64)
CHUNKS = replace(SETTINGS, long_prompts="chunk")
SIMPLE = "a dog riding a bicycle"
EXPANDED = "a (red:1.3) dog riding a bicycle on a beach at sunset"
LONG = ", ".join(["a red dog riding a bicycle on a beach at sunset"] * 12)
MODELS = ("seedling", "tiny", "tiny_xl")

needs_font = pytest.mark.skipif(
    not any(Path(file).is_file() for file in FONT_FILES),
    reason="the training scenes need the font Noto Color Emoji (Debian: fonts-noto-color-emoji)",
)


def recorded(
    model: OpenModel, simple: str, expanded: str, settings: RenderSettings, negative: str = ""
) -> tuple[PicturePair, AttentionRecorder]:
    recorder = AttentionRecorder(model, [read_tokens(model, prompt, settings) for prompt in (simple, expanded)])
    return render_pair(prompts(simple, expanded, negative), settings, model, watchers=[recorder]), recorder


def prompts(simple: str, expanded: str, negative: str = "") -> PromptPair:
    return PromptPair(simple, "en", simple, expanded, negative, "given", None, (), (), TokenCount(77, 9, 9))


@contextmanager
def processor(model: OpenModel, kind: Any) -> Iterator[None]:
    before = dict(model.pipeline.unet.attn_processors)
    model.pipeline.unet.set_attn_processor(kind)
    yield
    model.pipeline.unet.set_attn_processor(before)


def bytes_of(pair: PicturePair) -> list[bytes]:
    return [render.image.tobytes() for render in pair.pictures]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", [AttnProcessor, AttnProcessor2_0])
@pytest.mark.parametrize(
    ("expanded", "settings"),
    [
        (EXPANDED, SMALL),
        (EXPANDED, replace(SMALL, guidance_scale=1.0)),
        (LONG, replace(SMALL, long_prompts="chunk")),
        (LONG, replace(SMALL, long_prompts="chunk", guidance_scale=1.0)),
    ],
    ids=["guided", "unguided", "chunked", "chunked, unguided"],
)
def test_pictures_are_the_same_to_the_last_bit(
    name: str, kind: Any, expanded: str, settings: RenderSettings, request: pytest.FixtureRequest
) -> None:
    model = request.getfixturevalue(name)
    with processor(model, kind()):
        alone = render_pair(prompts(SIMPLE, expanded, "blurry"), settings, model)
        watched, recorder = recorded(model, SIMPLE, expanded, settings, "blurry")
        assert bytes_of(watched) == bytes_of(alone)
    for attention in recorder.maps:
        assert attention.shares.shape[0] == len(attention.tokens.spans)
        assert attention.shares.sum(0) == pytest.approx(1, abs=1e-4), "each place has one attention to give"
    assert not any(module._forward_pre_hooks for module in model.pipeline.unet.modules()), "nothing is left behind"


class Witness(AttnProcessor):  # type: ignore[misc]
    """diffusers' own plain computation, with what it computed kept: (rows x heads, places, tokens) for each call."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, torch.Tensor]] = []

    def __call__(self, attn: Any, *arguments: Any, **keywords: Any) -> Any:
        scores = attn.get_attention_scores

        def kept(*given: Any) -> torch.Tensor:
            probabilities: torch.Tensor = scores(*given)
            self.seen.append((attn.heads, probabilities))
            return probabilities

        attn.get_attention_scores = kept
        try:
            return super().__call__(attn, *arguments, **keywords)
        finally:
            del attn.get_attention_scores


@pytest.mark.parametrize(("guidance", "latents"), [(5.0, (8, 8)), (1.0, (6, 10))])
def test_the_maps_are_what_the_layers_computed(guidance: float, latents: tuple[int, int], seedling: OpenModel) -> None:
    width, height = (side * seedling.size_unit for side in latents)
    settings = replace(CHUNKS, guidance_scale=guidance, width=width, height=height)
    unet, witness = seedling.pipeline.unet, Witness()
    finest = {f"{block}.attn2.processor" for block in _finest_blocks(unet)}
    with processor(seedling, {n: witness if n in finest else AttnProcessor() for n in unet.attn_processors}):
        _, recorder = recorded(seedling, SIMPLE, LONG, settings)
    assert len(witness.seen) == len(finest) * settings.num_inference_steps
    for arm, attention in enumerate(recorder.maps):
        length = len(attention.tokens.spans)
        total = np.zeros((length, attention.shares[0].size))
        for heads, probabilities in witness.seen:
            rows = probabilities.unflatten(0, (-1, heads)).mean(1)[-2:]  # without the unconditional ones
            folded = rows[arm].unflatten(-1, (-1, length)).sum(1)  # a context that is repeated
            total += folded.T.numpy()
        wanted = (total / len(witness.seen)).reshape(attention.shares.shape)
        assert attention.shares.shape[1:] == latents[::-1]
        assert attention.shares == pytest.approx(wanted, abs=1e-5)


def _finest_blocks(unet: Any) -> list[str]:
    """Seedling's layers at the size of the latents; the others are half as fine."""
    return [
        name.removesuffix(".attn2")
        for name, _ in unet.named_modules()
        if name.endswith(".attn2") and name.startswith(("down_blocks.0", "up_blocks.1"))
    ]


def test_coarse_layers_count_when_asked_or_when_there_are_no_others(tiny: OpenModel, seedling: OpenModel) -> None:
    _, recorder = recorded(tiny, SIMPLE, EXPANDED, replace(SETTINGS, width=64, height=64))
    assert recorder.maps[0].shares.shape == (77, 2, 2)
    tokens = [read_tokens(seedling, prompt, SETTINGS) for prompt in (SIMPLE, EXPANDED)]
    every, fine = AttentionRecorder(seedling, tokens, coarsest=1), AttentionRecorder(seedling, tokens)
    render_pair(prompts(SIMPLE, EXPANDED), SETTINGS, seedling, watchers=[every, fine])
    assert every.maps[0].shares.shape == fine.maps[0].shares.shape == (77, 8, 8)
    assert np.abs(every.maps[0].shares - fine.maps[0].shares).max() > 0.01


@pytest.mark.parametrize("rows", [2, 1])
def test_a_batch_in_slices_is_recorded_as_a_whole(rows: int, seedling: OpenModel) -> None:
    _, whole = recorded(seedling, SIMPLE, EXPANDED, SMALL)
    with applied(MemoryPlan(denoiser_batch=rows), seedling):
        _, sliced = recorded(seedling, SIMPLE, EXPANDED, SMALL)
    for one, other in zip(whole.maps, sliced.maps, strict=True):
        assert one.shares == pytest.approx(other.shares, abs=1e-4)


def test_of_a_broken_render_nothing_is_kept(seedling: OpenModel) -> None:
    tokens = [read_tokens(seedling, SIMPLE, SMALL)] * 2
    recorder, fresh = (AttentionRecorder(seedling, tokens) for _ in range(2))

    def stop(_step: Any) -> None:
        raise SettingsError("enough", hint="none")

    with pytest.raises(SettingsError, match="enough"):
        render_pair(prompts(SIMPLE, SIMPLE), SMALL, seedling, on_step=stop, watchers=[recorder])
    with pytest.raises(AttentionError, match="no render was recorded"):
        _ = recorder.maps
    render_pair(prompts(SIMPLE, SIMPLE), SMALL, seedling, watchers=[recorder, fresh])
    assert np.array_equal(recorder.maps[0].shares, fresh.maps[0].shares)


@pytest.mark.parametrize(
    ("prompt", "phrase", "places"),
    [
        ("a red dog", "dog", (3,)),
        ("a red dog", "Red  DOG", (2, 3)),
        ("a (red:1.3) dog", "red", (2,)),
        ("a ((red dog))", "red dog", (2, 3)),
        ("a red\\) dog", "dog", (4,)),
        ("a dog and a dog", "dog", (2, 5)),
        ("a hotdog, a dog", "dog", (7,)),
        ("a red dog BREAK a cat", "cat", (77 + 2,)),
        ("a red dog, <lora:paint:0.7> a cat", "cat", (6,)),
        ("一隻狗", "狗", (7, 8, 9)),
        ("a dog 🚲", "🚲", (3, 4, 5, 6)),
    ],
)
def test_words_are_found(prompt: str, phrase: str, places: tuple[int, ...], seedling: OpenModel) -> None:
    tokens = read_tokens(seedling, prompt, CHUNKS)
    assert tokens.of(phrase) == places
    said = {tokens.text[slice(*tokens.spans[place])].casefold() for place in places}  # type: ignore[misc]
    assert said == set(phrase.casefold().split())
    context = encode_pair(seedling, prompts(prompt, prompt), CHUNKS).arguments["prompt_embeds"]
    assert len(tokens.spans) == context.shape[1]


@pytest.mark.parametrize(
    ("prompt", "phrase", "message", "hint"),
    [
        ("a red dog", "cat", "the prompt does not say 'cat'", "its words are: a, red, dog"),
        ("a hotdog", "dog", "the prompt does not say 'dog'", "its words are: a, hotdog"),
        ("", "dog", "does not say 'dog'", "it has no words"),
        ("a dog", " ", "does not say ' '", "its words are: a, dog"),
        (LONG + ", a castle", "castle", "the encoder never saw 'castle'", "--tokens chunk"),
    ],
)
def test_words_that_have_no_map(prompt: str, phrase: str, message: str, hint: str, seedling: OpenModel) -> None:
    with pytest.raises(AttentionError, match=message) as caught:
        read_tokens(seedling, prompt, SETTINGS).of(phrase)
    assert hint in caught.value.hint


def test_all_places_of_long_prompts_have_their_words(seedling: OpenModel) -> None:
    tokens = read_tokens(seedling, LONG + ", a castle", CHUNKS)
    assert len(tokens.spans) == 154
    assert tokens.spans[0] is tokens.spans[77] is None, "each chunk has its start"
    assert len(tokens.of("dog")) == 12
    assert tokens.of("castle")[0] > 77
    said = "".join(tokens.text[slice(*tokens.spans[place])] for place in tokens.content)  # type: ignore[misc]
    assert said == tokens.text.replace(" ", "")
    assert tokens.words == ("a", "red", "dog", "riding", "bicycle", "on", "beach", "at", "sunset", "castle")
    assert "castle" not in read_tokens(seedling, LONG + ", a castle", SETTINGS).words


def test_all_vectors_of_an_embedding_stand_where_its_name_does(
    seedling: OpenModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import save_file

    (tmp_path / "embeddings").mkdir()
    width = seedling.pipeline.text_encoder.config.hidden_size
    save_file({"emb_params": torch.randn(3, width)}, tmp_path / "embeddings" / "mybike.safetensors")
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    seedling.load(embeddings=["mybike"])
    try:
        tokens = read_tokens(seedling, "a dog on (MyBike:1.2), red", SETTINGS)
        assert tokens.of("mybike") == (4, 5, 6)
        assert tokens.of("red") == (8,)
    finally:
        seedling.unload()


def test_the_subject_is_where_its_word_is(seedling: OpenModel) -> None:
    """Seedling's dog stands in the middle column, its bicycle under it; the docs have the figures over many scenes."""
    pair, recorder = recorded(seedling, SIMPLE, EXPANDED, replace(SETTINGS, num_inference_steps=8))
    for attention in recorder.maps:
        dog, bicycle = (attention.map_of(word) for word in ("dog", "bicycle"))
        assert dog[:, 2:6].sum() > 0.8 * dog.sum()
        rows = np.arange(8)
        assert (bicycle.sum(1) @ rows) / bicycle.sum() > (dog.sum(1) @ rows) / dog.sum() + 1
    simple, expanded = recorder.maps
    difference = moved(simple, expanded, "dog")
    assert difference.mean() == pytest.approx(0, abs=1e-5)
    assert np.abs(difference).max() > 0.1
    assert not moved(simple, simple, "dog").any()
    with pytest.raises(AttentionError, match="does not say 'beach'"):
        moved(simple, expanded, "beach")
    lit = spotlight(pair.pictures[0].image, simple.map_of("dog"))
    assert lit.size == pair.pictures[0].image.size


def test_a_spotlight_keeps_what_is_lit_and_darkens_the_rest() -> None:
    picture = Image.new("RGB", (64, 32), (200, 120, 40))
    values = np.zeros((4, 8))
    values[:, 6:] = 0.2
    lit = np.asarray(spotlight(picture, values), dtype=int)
    assert tuple(lit[16, 63]) == (200, 120, 40)
    assert lit[16, 0].sum() < 0.5 * lit[16, 63].sum()
    assert np.ptp(lit[16, 0]) < np.ptp(lit[16, 63]), "paler, too"
    steps = np.asarray(spotlight(Image.new("L", (80, 10), 255), np.linspace(0, 1, 9)[None]), dtype=int)[5, 5:75, 0]
    assert (np.diff(steps) >= 0).all()
    halves = steps[35] - steps[0], steps[-1] - steps[35]
    assert 0.7 < halves[0] / halves[1] < 1.4, "half of the map is half of the lightness"
    dim = np.asarray(spotlight(picture, values, full=0.4), dtype=int)
    assert lit[16, 0].sum() < dim[16, 63].sum() < lit[16, 63].sum()
    assert np.asarray(spotlight(picture, np.zeros((2, 2)))).max() < 120, "a word without attention lights nothing"


def test_movement_is_light_where_there_is_more_and_dark_where_there_is_less() -> None:
    drawn = np.asarray(movement(np.array([[-2.0, 0.0, 1.0]]), (90, 30)).convert("L"), dtype=int)
    less, same, more = drawn[15, 5], drawn[15, 45], drawn[15, 85]
    assert less < same - 40
    assert more > same + 20
    assert np.unique(np.asarray(movement(np.zeros((2, 2)), (8, 8)))).tolist() == [128]
    traced = movement(np.zeros((2, 2)), (8, 8), Image.linear_gradient("L"))
    assert len(np.unique(np.asarray(traced))) > 4


def test_empty_prompts_have_maps_and_no_words(seedling: OpenModel) -> None:
    _, recorder = recorded(seedling, "", SIMPLE, SETTINGS)
    assert recorder.maps[0].tokens == PromptTokens("", (None,) * 77)


@pytest.mark.parametrize(
    ("attention", "mass", "pointed", "auc"),
    [
        (np.array([[1.0, 0.0]]), 0.9, True, 1.0),
        (np.array([[0.0, 1.0]]), 0.1, False, 0.0),
        (np.array([[1.0, 1.0]]), 0.5, True, 0.5),
    ],
    ids=["on it", "beside it", "everywhere"],
)
def test_the_benchmark_measures_maps_of_known_worth(attention: Any, mass: float, pointed: bool, auc: float) -> None:
    left = np.zeros((128, 128), dtype=bool)
    left[:, :64] = True
    measured = benchmark.measure(attention, left)
    assert measured.mass == pytest.approx(mass, abs=0.03)
    assert (measured.area, measured.pointed) == (0.5, pointed)
    assert measured.auc == pytest.approx(auc, abs=1e-6)


@needs_font
def test_the_benchmark_knows_where_subject_and_prop_are() -> None:
    for case in benchmark.make_cases(12, seed=1):
        picture, masks = benchmark.draw_case(case)
        assert not (masks["subject"] & masks["prop"]).any()
        apart = masks["figure"] ^ (masks["subject"] | masks["prop"])
        assert apart.mean() < 0.01, "but for the string of a kite, and half-covered pixels"
        assert masks["subject"].mean() > 0.04
        moved, aside = benchmark.stand_aside(picture, masks, 32)
        assert np.array_equal(np.asarray(moved)[:, 32:], np.asarray(picture)[:, :-32])
        assert not (aside["subject"] & aside[benchmark.USUAL]).any()


@needs_font
def test_the_benchmark_writes_its_tables_between_the_markers(seedling: OpenModel) -> None:
    lines = benchmark.experiments(seedling, benchmark.make_cases(2, seed=1), steps=2)
    page = f"before\n{benchmark.BEGIN}\nold\n{benchmark.END}\nafter\n"
    written = benchmark.put(page, lines)
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "old" not in written
    assert written.count("| the subject's word | the subject |") == 3
    assert benchmark.put(written, lines) == written
    with pytest.raises(ValueError, match="no <!-- attention: begin -->"):
        benchmark.put("no markers", lines)
