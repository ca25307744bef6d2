"""LoRAs for transformers: what they add is what diffusers adds, in the names of other programs, too."""

from __future__ import annotations

from pathlib import Path

import diffusers
import pytest
import torch
from safetensors.torch import save_file
from tiny_families import BUILDERS
from tiny_in_turn import Opened, prompts_of, settings_of

from generate.families import FAMILIES
from generate.models import ModelError
from generate.render import render_pair

pytest_plugins = ["tiny_in_turn"]


@pytest.mark.parametrize(
    "names",
    ["transformer.{}.lora_A.weight", "diffusion_model.{}.lora_down.weight", "lora_unet_{}.lora_down.weight"],
)
def test_loras_go_in_and_out(names: str, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    (tmp_path / "loras").mkdir()
    generator = torch.Generator().manual_seed(1)
    down, up = torch.randn(2, 32, generator=generator), torch.randn(32, 2, generator=generator)
    layer = "layers.0.attention.to_q"
    down_name = names.format(layer.replace(".", "_") if "unet" in names else layer)
    up_name = down_name.replace("lora_A", "lora_B").replace("down", "up")
    save_file({down_name: down, up_name: up}, tmp_path / "loras" / "ink.safetensors")
    save_file(
        {"transformer.nowhere.lora_A.weight": down, "transformer.nowhere.lora_B.weight": up},
        tmp_path / "loras" / "foreign.safetensors",
    )
    model = opened("z-image")
    weight = model.denoiser.layers[0].attention.to_q.weight
    before, plain = weight.clone(), render_pair(prompts_of(model), settings_of(model), model)
    try:
        model.load([("ink", 1.0, 0.5)])
        assert torch.allclose(weight, before + 0.5 * up @ down, atol=1e-5)
        pair = render_pair(prompts_of(model), settings_of(model), model)
        assert pair.certificate.holds
        assert list(pair.certificate.adapters) == ["ink"]
        assert pair.pictures[0].image.tobytes() != plain.pictures[0].image.tobytes()
        with pytest.raises(ModelError, match=r"does not fit the model .*nowhere, which this model does not have"):
            model.load([("foreign", 1.0, 1.0)])
    finally:
        model.unload()
    assert torch.equal(weight, before)


@pytest.mark.parametrize(
    "name", [one for one in BUILDERS if hasattr(getattr(diffusers, FAMILIES[one].pipeline), "load_lora_weights")]
)
def test_a_lora_is_added_as_diffusers_adds_it(
    name: str, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    (tmp_path / "loras").mkdir()
    model = opened(name)
    pipeline, generator = model.pipeline, torch.Generator().manual_seed(1)
    layers = {
        f"{part}.{layer}": module
        for part in pipeline._lora_loadable_modules
        for layer, module in getattr(pipeline, part).named_modules()
        if layer.endswith((".to_q", ".to_query", ".q_proj"))
    }
    tensors = {}
    for layer, module in layers.items():
        tensors[f"{layer}.lora_A.weight"] = torch.randn(2, module.in_features, generator=generator)
        tensors[f"{layer}.lora_B.weight"] = torch.randn(module.out_features, 2, generator=generator)
    save_file(tensors, tmp_path / "loras" / "ink.safetensors")
    before = {layer: module.weight.detach().clone() for layer, module in layers.items()}
    model.load([("ink", 0.5, 0.5)])
    ours = {layer: module.weight.detach().clone() for layer, module in layers.items()}
    model.unload()
    try:
        pipeline.load_lora_weights(dict(tensors))
        pipeline.fuse_lora(components=pipeline._lora_loadable_modules, lora_scale=0.5)
        pipeline.unload_lora_weights()
        for layer in layers:
            part, _, inside = layer.partition(".")
            theirs = getattr(pipeline, part).get_submodule(inside)
            assert torch.allclose(theirs.weight, ours[layer], atol=1e-5), layer
            assert not torch.equal(ours[layer], before[layer])
    finally:
        with torch.no_grad():
            for layer, weight in before.items():
                part, _, inside = layer.partition(".")
                getattr(pipeline, part).get_submodule(inside).weight.copy_(weight)


def test_a_lora_in_the_names_of_other_programs(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    (tmp_path / "loras").mkdir()
    generator = torch.Generator().manual_seed(1)
    layer, down, up = (
        "lora_unet_double_blocks_0_img_attn_proj",
        torch.randn(2, 32, generator=generator),
        torch.randn(32, 2, generator=generator),
    )
    tensors = {f"{layer}.lora_down.weight": down, f"{layer}.lora_up.weight": up, f"{layer}.alpha": torch.tensor(1.0)}
    save_file(tensors, tmp_path / "loras" / "kohya.safetensors")
    save_file(tensors | {f"{layer}.dora_scale": torch.ones(32, 1)}, tmp_path / "loras" / "dora.safetensors")
    model = opened("flux")
    weight = model.denoiser.transformer_blocks[0].attn.to_out[0].weight
    before = weight.clone()
    try:
        model.load([("kohya", 1.0, 1.0)])
        assert torch.allclose(weight, before + 0.5 * up @ down, atol=1e-5), "alpha / rank is a half"
        with pytest.raises(ModelError, match="the LoRA dora does not fit"):
            model.load([("dora", 1.0, 1.0)])
    finally:
        model.unload()
    assert torch.equal(weight, before)
