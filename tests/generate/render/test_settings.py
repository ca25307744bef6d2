"""Render settings: what cannot be rendered is refused when they are made."""

from __future__ import annotations

import re
from dataclasses import asdict, fields, replace
from typing import Any

import pytest

from generate.choices import PRESETS, all_styles, find_preset, find_style
from generate.schedulers import find_scheduler
from generate.settings import MAX_SEED, RenderSettings, SettingsError
from ideation import AdapterMention


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("num_inference_steps", 0, "steps is 0"),
        ("num_inference_steps", -1, "steps is -1"),
        ("num_inference_steps", 1001, "steps is 1001"),
        ("images", 0, "images is 0"),
        ("images", 10**30, "images is 1000000"),
        ("seed", -1, "seed is -1"),
        ("seed", MAX_SEED, "seed is 9223372036854775807"),
        ("guidance_scale", float("nan"), "guidance is nan"),
        ("guidance_scale", float("inf"), "guidance is inf"),
        ("guidance_scale", -0.5, "guidance is -0.5"),
        ("guidance_scale", 100.5, "guidance is 100.5"),
        ("width", 0, "width is 0 pixels"),
        ("width", 100, "width is 100 pixels"),
        ("height", -8, "height is -8 pixels"),
        ("height", 99_999, "height is 99999 pixels"),
    ],
)
def test_what_cannot_be_rendered(field: str, value: Any, message: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        RenderSettings(**{field: value})
    assert caught.value.hint.startswith("give a")


def test_the_limits_themselves_are_accepted() -> None:
    RenderSettings(num_inference_steps=1, images=1, seed=0, guidance_scale=0, width=8, height=8)
    most = RenderSettings(num_inference_steps=1000, images=1000, seed=MAX_SEED - 1000, guidance_scale=100)
    assert most.seeds[-1] == MAX_SEED - 1, "torch takes every seed that is counted up to"


def test_seeds_count_up() -> None:
    assert RenderSettings(seed=7, images=3).seeds == [7, 8, 9]


def test_the_digest_changes_with_every_field() -> None:
    usual = RenderSettings()
    adapters = (AdapterMention("loud", 0.5, 0.8),)
    other = RenderSettings(
        "m",
        "Euler",
        3,
        1.5,
        64,
        72,
        5,
        2,
        "cpu",
        "float32",
        "chunk",
        1,
        "another",
        adapters,
        True,
        True,
        64,
        "8GB",
        2,
        "sage",
    )
    digests = {
        usual.digest,
        *(replace(usual, **{field.name: getattr(other, field.name)}).digest for field in fields(other)),
    }
    assert len(digests) == 1 + len(asdict(other)), "no two settings that differ share a digest"
    assert RenderSettings().digest == usual.digest
    assert re.fullmatch("[0-9a-f]{64}", usual.digest)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_rendered(name: str) -> None:
    preset = find_preset(f" {name.upper()} ")
    assert preset.name == name
    scheduler = RenderSettings(**preset.settings).scheduler
    assert find_scheduler(scheduler).name == scheduler


def test_styles_have_a_place_for_the_prompt() -> None:
    assert len(all_styles()) >= 20
    for name, style in all_styles().items():
        assert find_style(name.upper()) is style
        assert style.positive.count("{prompt}") == 1, name
        assert "a {prompt} dog" in style.wrap("a {prompt} dog"), "what the prompt says is not a place"
        assert re.search(r"[\u4e00-\u9fff]", style.zh), name


@pytest.mark.parametrize(
    ("find", "name", "hint"),
    [
        (find_preset, "laptpo", "did you mean 'laptop'?"),
        (find_preset, "", "known names: seedling"),
        (find_style, "water color", "did you mean 'watercolor'?"),
        (find_style, "qqqq", "known names: flat illustration"),
    ],
)
def test_unknown_names_suggest_the_nearest(find: Any, name: str, hint: str) -> None:
    with pytest.raises(SettingsError, match="unknown") as caught:
        find(name)
    assert hint in caught.value.hint
