"""Presets, performance levels and aspect ratios: the tables, a person's own, and how they go together."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from itertools import product
from math import log, prod
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generate.choices import (
    PRESETS,
    NegativePart,
    all_families,
    all_performance,
    apply_styles,
    aspect_ratio_problems,
    chosen_styles,
    combined_settings,
    find_performance,
    find_preset,
    find_style,
    match_aspect_ratio,
    negative_parts,
    performance_problems,
    preset_adapters,
    preset_problems,
    style_problems,
    with_preset,
)
from generate.choices.sizes import TOLERANCE
from generate.schedulers.table import FLOW_SCHEDULERS, SCHEDULERS
from generate.settings import RenderSettings, SettingsError
from ideation import AdapterMention

Own = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Own:
    """Writes a person's file into one of their folders, which are empty otherwise."""
    for kind in ("styles", "presets", "performance", "aspect_ratios"):
        (tmp_path / kind).mkdir()
        monkeypatch.setenv(f"TWINSEED_{kind.upper()}", str(tmp_path / kind))

    def write(file: str, content: str) -> Path:
        (tmp_path / file).write_text(content, encoding="utf-8")
        return tmp_path / file

    return write


def test_the_examples_in_the_documentation(own: Own) -> None:
    text = (Path(__file__).parents[3] / "docs" / "rendering" / "styles.md").read_text(encoding="utf-8")
    style, preset, sizes = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    half, ten = re.findall(r"`(\{name: (?:half|ten).*?\})`", text)
    own("styles/a.yaml", style)
    own("presets/a.yaml", preset)
    own("performance/a.yaml", f"- {half}\n- {ten}\n")
    own("aspect_ratios/a.yaml", sizes)
    assert find_style("fog").zh == "霧"
    assert combined_settings(find_preset("class of 2026"), "half")["num_inference_steps"] == 12
    assert find_performance("ten").scheduler == "UniPC"
    assert match_aspect_ratio("5:4", 512).size == (640, 512)
    assert not (*style_problems(), *preset_problems(), *performance_problems(), *aspect_ratio_problems())


# Presets.


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_used(name: str) -> None:
    preset = PRESETS[name]
    assert find_preset(name.upper()) is preset
    settings = RenderSettings(**combined_settings(preset))
    # What the LCM LoRA needs; with TCD it may be missing from the table.
    assert settings.scheduler in {*SCHEDULERS, *FLOW_SCHEDULERS, "LCM", "TCD"}
    assert set(preset.settings) <= {
        "model",
        "scheduler",
        "num_inference_steps",
        "guidance_scale",
        "width",
        "height",
    }
    assert re.search(r"[\u4e00-\u9fff]", preset.zh)
    assert preset.description
    assert preset.source == "built in"
    assert [style.name for style in chosen_styles(preset)] == list(preset.styles)
    # Of a distilled model, itself and not by a LoRA.
    distilled = name.endswith(("turbo", "klein", "schnell", "sprint", "distilled"))
    assert preset.fixed_steps == (bool(preset.loras) or distilled)
    # Guidance of 1 or less turns the negative prompt off: nothing may be promised there.
    assert settings.guidance_scale > 1 or not preset.negative
    assert json.loads(json.dumps(asdict(preset)))["name"] == name


def test_the_names_that_people_know() -> None:
    ours, fooocus = "seedling laptop wander sdxl", "initial default realistic anime sai lightning lcm"
    transformers = "z-image-turbo z-image flux2-klein flux flux-schnell qwen-image sd35 chroma "
    transformers += "flux2 flux2-klein-base sana sana-sprint lumina2 pixart kandinsky5 cogview4 "
    transformers += "qwen-image-2.1 ernie-image hunyuan-image hunyuan-image-distilled"
    assert set(PRESETS) == {*ours.split(), *fooocus.split(), *transformers.split()}
    assert next(iter(PRESETS)) == "seedling"
    assert len(PRESETS) == 31
    assert preset_problems() == ()


def test_initial_is_what_settings_begin_with() -> None:
    assert RenderSettings(**find_preset("initial").settings) == RenderSettings()


@pytest.mark.parametrize(
    ("name", "model", "lora"),
    [
        ("sai", "stabilityai/stable-diffusion-xl-base-1.0", None),
        ("lightning", "stabilityai/stable-diffusion-xl-base-1.0", "ByteDance/SDXL-Lightning"),
        ("lcm", "stable-diffusion-v1-5/stable-diffusion-v1-5", "latent-consistency/lcm-lora-sdv1-5"),
    ],
)
def test_models_by_their_public_names(name: str, model: str, lora: str | None) -> None:
    preset = find_preset(name)
    assert preset.settings["model"] == model
    assert [one.name for one in preset.loras] == ([lora] if lora else [])


def test_what_a_preset_adds_to_the_negative_prompt_can_be_shown() -> None:
    preset = find_preset("realistic")
    styles = chosen_styles(preset)
    parts = negative_parts("blurry", preset, styles)
    assert parts == (
        NegativePart("prompt", "blurry"),
        NegativePart("preset realistic", preset.negative),
        NegativePart("style photograph", styles[0].negative),
    )
    styled = apply_styles(styles, "a dog", "a red dog", with_preset("blurry", preset))
    assert styled.negative == ", ".join(part.text for part in parts), "all of it is shown, and nothing else"
    assert negative_parts("", None, ()) == ()
    assert with_preset("", preset) == preset.negative
    assert with_preset("blurry", None) == "blurry"


def test_styles_that_are_named_take_the_place_of_the_presets() -> None:
    preset = find_preset("anime")
    assert [style.name for style in chosen_styles(preset)] == ["anime"]
    assert [style.name for style in chosen_styles(preset, ["Neon", "watercolor"])] == ["neon", "watercolor"]
    assert chosen_styles(None) == ()


def test_a_preset_of_ones_own(own: Own) -> None:
    file = own(
        "presets/mine.yaml",
        "name: My Class\n"
        "settings: {scheduler: euler A, num_inference_steps: 12, guidance_scale: 6, width: 768, height: 512}\n"
        "styles: [neon]\n"
        "negative: |\n  ugly,\n  blurry\n"
        "loras: [{name: felt, weight: 0.7}]\n"
        "performance: quality\n",
    )
    preset = find_preset("my-class")
    assert preset is PRESETS["My Class"]
    assert list(PRESETS)[-1] == "My Class"
    assert (preset.source, preset.negative, preset.loras[0].weight) == (str(file), "ugly, blurry", 0.7)
    assert combined_settings(preset) == {
        "scheduler": "Euler a",
        "num_inference_steps": 24,
        "guidance_scale": 6.0,
        "width": 768,
        "height": 512,
    }


LIGHTNING = "ByteDance/SDXL-Lightning/sdxl_lightning_4step_lora.safetensors"
LCM = "latent-consistency/lcm-lora-sdv1-5/pytorch_lora_weights.safetensors"


@pytest.mark.parametrize(
    ("preset", "files", "name"),
    [
        ("lightning", [], LIGHTNING),
        ("lightning", ["sdxl_lightning_2step_lora", "SDXL-Lightning"], LIGHTNING),
        ("lightning", ["sdxl_lightning_4step_lora"], "sdxl_lightning_4step_lora"),
        ("lightning", ["xl/sdxl_lightning_4step_lora"], "sdxl_lightning_4step_lora"),
        ("lcm", ["pytorch_lora_weights"], LCM),  # of whichever LoRA it may be
        ("lcm", ["lcm-lora-sdv1-5"], "lcm-lora-sdv1-5"),
        ("felted", [], "felt"),
        ("felted", ["felt"], "felt"),
        ("named", [], "owner/name"),
        ("named", ["name"], "name"),
    ],
)
def test_a_presets_lora_is_the_one_that_is_there(
    own: Own, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, preset: str, files: list[str], name: str
) -> None:
    own("presets/mine.yaml", "- {name: felted, loras: [{name: felt}]}\n- {name: named, loras: [{name: owner/name}]}")
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path / "models"))
    for file in files:
        path = tmp_path / "models" / "loras" / f"{file}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({"unet.x.lora_A.weight": torch.zeros(2, 4)}, path)
    assert preset_adapters(find_preset(preset)) == (AdapterMention(name, 1.0, 1.0),)
    assert preset_adapters(find_preset("laptop")) == preset_adapters(None) == ()


def test_a_preset_of_ones_own_wins(own: Own) -> None:
    own("presets/mine.yml", "- {name: laptop, settings: {num_inference_steps: 4}}\n- {name: other}\n")
    assert find_preset("laptop").settings == {"num_inference_steps": 4}
    assert list(PRESETS)[1] == "laptop"
    assert find_preset("other").settings == {}


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("name: x\nsteps: 3", "line 1: 'steps': Extra inputs", "a preset has name"),
        ("name: x\nsettings: {seed: 3}", "'settings.seed': Extra inputs", "width, height"),
        ("name: x\nsettings: {num_inference_steps: 2.5}", "'settings.num_inference_steps': Input should", "a preset"),
        ("name: x\nsettings: {num_inference_steps: 0}", "line 1: steps is 0", "from 1 to 1000"),
        ("name: x\nsettings: {width: 500}", "line 1: width is 500 pixels", "multiple of 8"),
        ("name: x\nsettings: {guidance_scale: .nan}", "line 1: guidance is nan", "from 0 to 100"),
        ("name: x\nsettings: {scheduler: Oiler}", "line 1: unknown scheduler 'Oiler'", "did you mean 'Euler'"),
        ("name: x\nstyles: neon", "'styles': Input should be a valid list", "a preset"),
        ("name: x\nloras: [{name: ../x}]", "'loras.0.name': String should match", "a preset"),
        ("name: x\nloras: [{name: /etc/x}]", "'loras.0.name': String should match", "a preset"),
        ("name: x\nloras: [{name: a/b, file: ../c.safetensors}]", "'loras.0.file': String should", "a preset"),
        ("name: x\nloras: [{name: a/b, file: c.ckpt}]", "'loras.0.file': String should match", "a preset"),
        ("name: x\nloras: [{name: a, weight: .inf}]", "'loras.0.weight': Input should be less", "a preset"),
        ("name: [x\n", "unknown preset 'x'", "mine.yaml, line 2: this is not YAML"),
    ],
)
def test_what_is_wrong_with_a_preset(own: Own, content: str, message: str, hint: str) -> None:
    own("presets/mine.yaml", content)
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        find_preset("x")
    assert hint in caught.value.hint
    assert "x" not in PRESETS
    assert find_preset("laptop").settings["scheduler"] == "UniPC"
    assert len(preset_problems()) == 1


def test_what_a_preset_names_and_is_not_there(own: Own) -> None:
    own("presets/mine.yaml", "- {name: x, styles: [watercolour]}\n- {name: y, performance: qualty}\n")
    with pytest.raises(SettingsError, match=r"the preset x \(.*mine.yaml\): unknown style 'watercolour'") as caught:
        chosen_styles(find_preset("x"))
    assert caught.value.hint == "did you mean 'watercolor'? All of them: `twinseed list styles`"
    with pytest.raises(SettingsError, match=r"the preset y \(.*\): unknown performance level 'qualty'") as caught:
        combined_settings(find_preset("y"))
    assert caught.value.hint == "did you mean 'quality'?"


# Performance levels.


@pytest.mark.parametrize(
    ("preset", "performance", "named", "expected"),
    [
        (None, None, {}, {}),
        (None, "quality", {}, {"num_inference_steps": 40}),
        (None, "Extreme-Speed", {}, {"num_inference_steps": 8, "scheduler": "Euler"}),
        ("default", "quality", {}, {"num_inference_steps": 50, "scheduler": "DPM++ 2M Karras", "guidance_scale": 7.5}),
        ("default", "speed", {}, {"num_inference_steps": 25, "scheduler": "DPM++ 2M Karras", "guidance_scale": 7.5}),
        ("default", "extreme speed", {}, {"num_inference_steps": 8, "scheduler": "Euler", "guidance_scale": 7.5}),
        (
            "default",
            "extreme_speed",
            {"scheduler": "DEIS"},
            {"num_inference_steps": 8, "scheduler": "DEIS", "guidance_scale": 7.5},
        ),
        ("wander", "quality", {"num_inference_steps": 5}, {"num_inference_steps": 5, "scheduler": "Euler a"}),
        (
            "wander",
            None,
            {"guidance_scale": 3.0},
            {"num_inference_steps": 20, "scheduler": "Euler a", "guidance_scale": 3.0},
        ),
    ],
)
def test_preset_then_level_then_what_is_named(
    preset: str | None, performance: str | None, named: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert combined_settings(find_preset(preset) if preset else None, performance, named) == expected


def test_a_level_that_is_named_takes_the_place_of_the_presets(own: Own) -> None:
    own("presets/mine.yaml", "name: x\nperformance: extreme speed\nsettings: {num_inference_steps: 30}\n")
    assert combined_settings(find_preset("x")) == {"num_inference_steps": 8, "scheduler": "Euler"}
    assert combined_settings(find_preset("x"), "quality") == {"num_inference_steps": 60}


@pytest.mark.parametrize("level", ["quality", "extreme speed"])
@pytest.mark.parametrize("preset", ["lightning", "lcm"])
def test_weights_that_are_made_for_their_steps(preset: str, level: str) -> None:
    with pytest.raises(SettingsError, match=f"the preset {preset} is made for [48] steps") as caught:
        combined_settings(find_preset(preset), level)
    assert "--steps still sets" in caught.value.hint
    assert combined_settings(find_preset(preset), "speed") == find_preset(preset).settings
    assert combined_settings(find_preset(preset), None, {"num_inference_steps": 6})["num_inference_steps"] == 6


def test_levels_are_named_and_in_order() -> None:
    levels = all_performance()
    assert list(levels) == ["quality", "speed", "extreme speed"]
    assert performance_problems() == ()
    steps = [level.overrides(25)["num_inference_steps"] for level in levels.values()]
    assert steps == [50, 25, 8]
    assert all(level.zh != name and level.description for name, level in levels.items())


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("{name: x}", "give either num_inference_steps or steps_factor", "steps_factor: 0.5"),
        ("{name: x, steps_factor: 2, num_inference_steps: 3}", "give either", "steps_factor: 0.5"),
        ("{name: x, steps_factor: 0}", "'steps_factor': Input should be greater", "a level has"),
        ("{name: x, num_inference_steps: 1001}", "'num_inference_steps': Input should be less", "a level has"),
        ("{name: x, steps_factor: 1, scheduler: UniPCC}", "unknown scheduler 'UniPCC'", "did you mean 'UniPC'"),
        (
            "{name: y, steps_factor: 1}",
            "unknown performance level 'x'",
            "known names: quality, speed, extreme speed, y",
        ),
    ],
)
def test_what_is_wrong_with_a_level(own: Own, content: str, message: str, hint: str) -> None:
    own("performance/mine.yaml", content)
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        find_performance("x")
    assert hint in caught.value.hint


def test_a_level_of_ones_own(own: Own) -> None:
    own("performance/mine.yaml", "{name: half, steps_factor: 0.5, scheduler: unipc}")
    assert combined_settings(find_preset("default"), "half")["num_inference_steps"] == 12
    assert find_performance("half").overrides(1) == {"num_inference_steps": 1, "scheduler": "UniPC"}


# Aspect ratios.

COURSE = {"1:1": (512, 512), "4:3": (680, 512), "3:2": (768, 512), "16:9": (912, 512)}


@pytest.mark.parametrize(("ratio", "size"), COURSE.items())
def test_the_sizes_of_the_course(ratio: str, size: tuple[int, int]) -> None:
    assert match_aspect_ratio(ratio, 512).size == match_aspect_ratio(ratio, "sd1").size == size
    assert match_aspect_ratio(":".join(reversed(ratio.split(":"))), (512, 512)).size == size[::-1]
    assert match_aspect_ratio(ratio, 512).note == ""


@pytest.mark.parametrize("name", all_families())
def test_what_every_listed_size_is(name: str) -> None:
    family = all_families()[name]
    labels = [size.ratio for size in family.sizes]
    assert len(set(labels)) == len(labels)
    assert {":".join(reversed(label.split(":"))) for label in labels} >= {"1:1", "9:16", "2:3"} or name == "sdxl"
    for size in family.sizes:
        wide, high = map(int, size.ratio.split(":"))
        assert abs(log(size.width / size.height * high / wide)) <= TOLERANCE
        assert size.width % (unit := 64 if name == "sdxl" else family.multiple) == size.height % unit == 0
        # The course's sizes and Seedling's keep the short side; all others keep the area.
        most = 1.8 if name in ("sd1", "seedling") else 1.06
        assert 0.84 <= prod((size.width, size.height)) / family.native**2 <= most
    assert aspect_ratio_problems() == ()


def test_the_sizes_of_stable_diffusion_xl() -> None:
    sizes = {(size.width, size.height) for size in all_families()["sdxl"].sizes}
    assert len(sizes) == 26
    assert {(1024, 1024), (1152, 896), (1216, 832), (1344, 768), (1536, 640), (832, 1216)} <= sizes


@pytest.mark.parametrize(
    ("text", "native", "size", "note"),
    [
        ("square", 256, (256, 256), ""),
        (" Portrait ", 512, (512, 768), ""),
        ("landscape", 768, (960, 640), ""),
        ("wide", 512, (912, 512), ""),
        ("直向", 512, (512, 768), ""),
        ("16：9", 512, (912, 512), ""),
        ("32 : 18", 512, (912, 512), ""),
        ("1/1", 768, (768, 768), ""),
        ("16:9", 256, (448, 256), ""),
        ("16:9", 1024, (1344, 768), "1344x768 is the listed size nearest to 16:9"),
        ("portrait", 1024, (832, 1216), "832x1216 is the listed size nearest to 2:3"),
        ("2.39:1", 1024, (1536, 640), "1536x640 is the listed size nearest to 2.39:1"),
        ("21:9", 512, (784, 336), "no size is listed for 21:9 at 512x512; 784x336 has about that area and ratio"),
        ("21:9", 256, (384, 160), "no size is listed for 21:9 at 256x256; 384x160 has about that area and ratio"),
        ("16:9", 128, (168, 96), "no size is listed for 16:9 at 128x128; 168x96 has about that area and ratio"),
        ("square", 64, (64, 64), ""),
        ("3:2", (768, 512), (768, 512), ""),
    ],
)
def test_a_size_for_a_ratio(text: str, native: Any, size: tuple[int, int], note: str) -> None:
    found = match_aspect_ratio(text, native)
    assert (found.size, found.note) == (size, note)
    assert match_aspect_ratio(text, native).size == size


def test_every_size_can_be_rendered_and_is_about_right() -> None:
    ratios = ("1:1", "5:4", "7:5", "9:16", "1.85:1", "4:1", "1:4", "100:99")
    for text, unit, native in product(ratios, (8, 16, 64), (64, 200, 256, 512, 640, 768, 1024)):
        width, height = match_aspect_ratio(text, native, unit=unit).size
        assert width % unit == height % unit == 0, (text, unit, native)
        RenderSettings(width=width, height=height)
        wide, high = map(float, text.split(":"))
        # A side is off by less than one unit, so a coarse unit leaves a coarse ratio.
        off = abs(log(width / height * high / wide))
        assert off <= max(TOLERANCE, 2 * unit / min(width, height)), (text, unit, native)


@pytest.mark.parametrize(
    ("text", "model", "message", "hint"),
    [
        ("", 512, "unknown aspect ratio ''", "a ratio such as 16:9, or one of square, landscape, portrait"),
        ("16-9", 512, "unknown aspect ratio '16-9'", "such as 16:9"),
        ("16:9:1", 512, "unknown aspect ratio", "such as 16:9"),
        ("-4:3", 512, "unknown aspect ratio '-4:3'", "such as 16:9"),
        ("1e3:1", 512, "unknown aspect ratio", "such as 16:9"),
        ("680x512", 512, "'680x512' is a size", "--size"),
        ("0:3", 512, "the aspect ratio is 0:3", "from 1:4 to 4:1"),
        ("9:1", 512, "the aspect ratio is 9:1", "from 1:4 to 4:1"),
        ("99999:1", 512, "the aspect ratio is 99999:1", "from 1:4 to 4:1"),
        ("16:9", "sdx", "unknown model family 'sdx'", "did you mean 'sdxl'"),
    ],
)
def test_ratios_that_cannot_be(text: str, model: Any, message: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        match_aspect_ratio(text, model)
    assert hint in caught.value.hint


def test_sizes_of_ones_own_come_first(own: Own) -> None:
    own(
        "aspect_ratios/mine.yaml",
        "- name: mine\n  native: 512\n  sizes:\n"
        '  - {ratio: "3:2", width: 672, height: 448}\n'
        '  - {ratio: "5:4", width: 640, height: 512}\n'
        '- {name: small, native: 320, multiple: 64, sizes: [{ratio: "1:1", width: 320, height: 320}]}\n',
    )
    assert match_aspect_ratio("3:2", 512).size == (672, 448)
    assert match_aspect_ratio("5:4", "mine").size == (640, 512)
    assert match_aspect_ratio("16:9", 512).size == (912, 512)
    assert match_aspect_ratio("16:9", 320).size == (448, 256)


@pytest.mark.parametrize(
    ("size", "message", "hint"),
    [
        ("{ratio: 16:9, width: 912, height: 512}", "'sizes.0.ratio': Input should be a valid", "ratios in quotes"),
        ('{ratio: "16:9", width: 912, height: 500}', "'sizes.0.height': Input should be a multiple", "write"),
        ('{ratio: "16:9", width: 912, height: 912}', "912x912 is not 16:9", "it is 1:1"),
        ('{ratio: "wide enough", width: 912, height: 512}', "unknown aspect ratio 'wide enough'", "such as 16:9"),
    ],
)
def test_what_is_wrong_with_a_size(own: Own, size: str, message: str, hint: str) -> None:
    own("aspect_ratios/mine.yaml", f"name: mine\nnative: 512\nsizes: [{size}]\n")
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        match_aspect_ratio("1:1", "mine")
    assert hint in caught.value.hint
    assert match_aspect_ratio("16:9", 512).size == (912, 512)
