"""Attention of transformers: what computes it, what carries it on, and where each word looks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from diffusers.models.attention import AttentionModuleMixin
from diffusers.models.attention_processor import Attention
from tiny_families import BUILDERS
from tiny_in_turn import LONG, SHORT, Opened, few_tokens, pixels, prompts_of, settings_of

from generate import RenderSettings
from generate.render import RenderError, attention_recorder, render_pair
from generate.render.input_check import named_inputs
from generate.settings import SettingsError

pytest_plugins = ["tiny_in_turn"]


def test_a_fast_pair_carries_attention_on_by_the_number_of_the_step(opened: Opened) -> None:
    model = opened("flux")
    prompts, settings = prompts_of(model), settings_of(model, num_inference_steps=10)
    usual = render_pair(prompts, settings, model)
    fast = render_pair(prompts, replace(settings, fast=True), model)
    assert fast.certificate.holds
    rule = {"cache_interval": 3, "disable_cache_before_step": 3, "disable_cache_after_step": 8, "max_order": 1}
    assert fast.certificate.arguments == usual.certificate.arguments | rule
    alone = replace(prompts, simple=prompts.expanded, expanded=prompts.simple)
    turned = [one.image.tobytes() for one in render_pair(alone, replace(settings, fast=True), model).pictures]
    assert [one.image.tobytes() for one in fast.pictures] == turned[::-1], "nothing is carried on from the other arm"
    assert fast.pictures[0].image.tobytes() != usual.pictures[0].image.tobytes()
    few = replace(settings, num_inference_steps=4)
    plain, quick = (render_pair(prompts, one, model) for one in (few, replace(few, fast=True)))
    assert quick.pictures[0].image.tobytes() == plain.pictures[0].image.tobytes(), "of few steps all are computed"


@pytest.mark.parametrize("name", BUILDERS)
def test_attention_is_computed_by_what_was_asked_for(name: str, opened: Opened) -> None:
    model = opened(name)
    settings, prompts = settings_of(model, num_inference_steps=1, **few_tokens(model)), prompts_of(model)
    takes = {hasattr(layer.processor, "_attention_backend") for layer in attention_layers(model.denoiser)}
    assert model.family.in_turn is not None
    assert model.family.in_turn.takes_backends == (True in takes)
    if True not in takes:
        with pytest.raises(SettingsError, match="take no other attention than torch's"):
            render_pair(prompts, replace(settings, attention_backend="_native_math"), model)
        return
    usual = render_pair(prompts, settings, model)
    other = render_pair(prompts, replace(settings, attention_backend="_native_math"), model)
    assert other.certificate.holds
    assert other.certificate.arguments["attention_backend"] == "_native_math"
    assert "attention_backend" not in usual.certificate.arguments
    for one, same in zip(usual.pictures, other.pictures, strict=True):
        assert np.abs(pixels(one.image) - pixels(same.image)).max() <= 1
    with pytest.raises(RenderError, match="No viable backend") as caught:  # on a CPU
        render_pair(prompts, replace(settings, attention_backend="_native_cudnn"), model)
    assert "--attention-backend" in caught.value.hint
    again = render_pair(prompts, settings, model)
    assert [one.image.tobytes() for one in again.pictures] == [one.image.tobytes() for one in usual.pictures]


def attention_layers(denoiser: Any) -> list[Any]:
    return [part for part in denoiser.modules() if isinstance(part, (Attention, AttentionModuleMixin))]


def test_backends_that_are_none(opened: Opened) -> None:
    with pytest.raises(SettingsError, match="no attention backend 'flash_hub'") as caught:
        RenderSettings(attention_backend="flash_hub")
    assert "sage" in caught.value.hint
    model = opened("flux")
    told = settings_of(model, attention_backend="sage")
    with pytest.raises(SettingsError, match="nobody can look on"):
        attention_recorder(model, (SHORT, SHORT), told)


#: How many places a picture of 64 by 128 pixels has, where they are not squares of 16.
PLACES = {"sana": (16, 32), "sana-sprint": (16, 32), "hunyuan-image": (8, 16), "hunyuan-image-distilled": (8, 16)}
#: What denoisers call the words that they are given.
WORDS_OF = ("cap_feats", "text_bth", "encoder_hidden_states")


@pytest.mark.parametrize(("name", "words"), [*((name, SHORT) for name in BUILDERS), ("hunyuan-image", "a red 'cat'")])
def test_each_word_is_where_the_picture_looks_for_it(
    name: str, words: str, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(name)
    prompts = replace(prompts_of(model), simple=words, expanded=f"{words} {LONG}")
    settings = settings_of(model, num_inference_steps=1, width=128, **few_tokens(model))
    if name == "kandinsky5":  # which draws its own sizes alone
        monkeypatch.setattr(model.pipeline, "resolutions", [(64, 128), (128, 64)])
    plain = render_pair(prompts, settings, model)

    def seen() -> tuple[list[bytes], Any, Any]:
        recorder = attention_recorder(model, (prompts.simple, prompts.expanded), settings)
        pair = render_pair(prompts, settings, model, watchers=(recorder,))
        return [one.image.tobytes() for one in pair.pictures], *recorder.maps

    pictures, simple, expanded = seen()
    assert pictures == [one.image.tobytes() for one in plain.pictures], "looking on changes nothing"
    assert simple.tokens.words == ("a", "red", "cat")
    assert {"lighthouse", "valley"} <= {*expanded.tokens.words}
    assert simple.shares.shape[1:] == PLACES.get(name, (4, 8))
    assert (simple.shares >= 0).all()
    assert simple.shares.sum(0).max() <= 1.0001, "shares of all that a place looks at"
    place = simple.tokens.of("cat")[-1]

    def louder(_: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        told = named_inputs(model.denoiser, arguments, keywords)
        for row in next(told[name] for name in WORDS_OF if name in told):  # the prompt's among them
            row[place] *= -4
        return None

    def louder_behind(_: Any, _arguments: Any, read: Any) -> Any:
        read[:, place - simple.tokens.content[0]] *= -4  # letters to be drawn stand before them
        return None

    if name.startswith("hunyuan"):  # which has its words mix in the text refiner: behind that they are apart
        hook = model.denoiser.context_embedder.register_forward_hook(louder_behind)
    else:
        hook = model.denoiser.register_forward_pre_hook(louder, with_kwargs=True)
    try:
        _, changed, _ = seen()
    finally:
        hook.remove()
    moved = np.abs(changed.shares - simple.shares).sum((1, 2))
    assert moved.argmax() == place, "the word whose vector was changed"
