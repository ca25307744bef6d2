"""Transformers in less memory: chosen by what they take, the same for both arms, and said."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.quantizers.bitsandbytes import BnB4BitDiffusersQuantizer, BnB8BitDiffusersQuantizer
from safetensors.torch import save_file
from tiny_in_turn import Folders, Opened, prompts_of, settings_of

from generate.families import FAMILIES
from generate.models import ModelError, open_model
from generate.models.opening import memory_mode
from generate.models.opening.memory_mode import MODE_WORDS, PartSizes, choose_mode, sizes_of
from generate.models.weights.tensors import left_in_folder, require_whole
from generate.render import render_pair
from generate.render.memory import MemoryPlan
from generate.settings import SettingsError
from ideation import Clause

pytest_plugins = ["tiny_in_turn"]


def test_memory_that_runs_short(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened("z-image")
    decode = type(model.pipeline.vae).decode

    def limited(self: Any, *given: Any, **keywords: Any) -> Any:
        if not self.use_tiling:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return decode(self, *given, **keywords)

    monkeypatch.setattr(type(model.pipeline.vae), "decode", limited)
    certificate = render_pair(prompts_of(model), settings_of(model), model).certificate
    assert certificate.given_up == {5: ("VAE in tiles",)}
    assert certificate.holds
    ways = []
    plan: MemoryPlan | None = MemoryPlan.first(model)
    while plan is not None:
        ways.append(plan.given_up)
        plan = plan.smaller("cuda", in_turn=True)
    assert ways == [
        (),
        ("VAE in tiles",),
        ("VAE in tiles", "parts of the model moved to the CPU in turn"),
        ("VAE in tiles", "layers of the model moved to the CPU in turn"),
    ]


def test_memory_modes_draw_the_same_or_say_so(folders: Folders, opened: Opened) -> None:
    folder, whole = str(folders("z-image")), opened("z-image")
    prompts, settings = prompts_of(whole), settings_of(whole, num_inference_steps=1)
    plain = render_pair(prompts, settings, whole)
    for mode, words in MODE_WORDS.items():
        if mode in ("8-bit", "4-bit"):
            with pytest.raises(SettingsError, match=f"--memory {mode} goes with CUDA alone, and this is cpu"):
                open_model(folder, device="cpu", memory=mode)
            continue
        with open_model(folder, device="cpu", memory=mode) as model:
            pair = render_pair(prompts, replace(settings, memory=mode), model)
            assert pair.certificate.holds
            assert pair.certificate.given_up == {5: (words,)}
            for drawn, usual in zip(pair.pictures, plain.pictures, strict=True):
                assert (drawn.image.tobytes() == usual.image.tobytes()) == (mode != "float8"), mode
            with pytest.raises(ModelError, match="weights of so few bits" if mode == "float8" else "unknown lora"):
                model.load([("ink", 1.0, 1.0)])


def test_memory_is_chosen_by_what_a_model_takes(folders: Folders) -> None:
    sizes = PartSizes({"transformer": 12 * 10**9, "text_encoder": 5 * 10**9}, "transformer", ("text_encoder",))
    asked = {"40GB": "whole", "27GB": "model-offload", "8GB": "group-offload"}
    for size, mode in asked.items():
        assert choose_mode(size, sizes, device="cuda", dtype="bfloat16", waiting=64 * 10**9) == mode, size
    assert choose_mode("24GB", sizes, device="cuda", dtype="bfloat16", waiting=10**9) == "float8", "nowhere to wait"
    assert choose_mode("24GB", sizes, device="cpu", dtype="bfloat16") == "float8", "on a CPU nothing waits elsewhere"
    with pytest.raises(SettingsError, match=r"does not fit into 8GB on cuda; the least that it takes here is 23.5GB"):
        choose_mode("8GB", sizes, device="cuda", dtype="bfloat16", waiting=10**9)
    if find_spec("bitsandbytes") is None:
        with pytest.raises(SettingsError, match="--memory 8-bit takes bitsandbytes, which is not installed") as caught:
            choose_mode("8-bit", sizes, device="cuda", dtype="bfloat16")
        assert "twinseed[quant]" in str(caught.value.hint)
    for mode in ("8-bit", "4-bit"):
        (told,) = memory_mode.loading(mode, FAMILIES["sd3"], torch.bfloat16).values()
        assert told.quant_backend == f"bitsandbytes_{mode[0]}bit"
        assert set(told.components_to_quantize) == {"transformer", *(one for one, _ in FAMILIES["sd3"].text_encoders)}
    tiny = sizes_of(folders("z-image"), FAMILIES["z-image"])
    assert tiny.weights.keys() == {"transformer", "text_encoder", "vae"}
    assert choose_mode("2GB", tiny, device="cpu", dtype="float32") == "whole"


def test_bits_that_bitsandbytes_keeps_beside_weights_are_no_part_of_the_files(tmp_path: Path) -> None:
    class Quantized(torch.nn.Linear):  # as it saves its layers of four and of eight bits
        def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
            super()._save_to_state_dict(destination, prefix, keep_vars)
            for name in ("weight.absmax", "weight.nested_absmax", "weight.quant_map", "SCB", "weight_format"):
                destination[prefix + name] = torch.ones(1)
            destination[f"{prefix}weight.quant_state.bitsandbytes__nf4"] = torch.ones(1)

    layers, what = torch.nn.Sequential(Quantized(2, 2), Quantized(2, 2)), Clause("the part")
    names = ["0.weight", "0.bias", "1.weight", "1.bias"]
    save_file({name: torch.ones(2) for name in names}, tmp_path / "model.safetensors")
    require_whole(layers, what, tmp_path)
    assert left_in_folder(layers, what, tmp_path) == ()
    save_file({name: torch.ones(2) for name in [*names, "2.bias"]}, tmp_path / "model.safetensors")
    assert "left unread: 2 (1)" in str(left_in_folder(layers, what, tmp_path)[0])
    save_file({name: torch.ones(2) for name in names[1:]}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="3 tensors of 4 are there"):
        require_whole(layers, what, tmp_path)


@pytest.mark.parametrize("mode", ["4-bit", "8-bit"])
def test_fewer_bits_are_the_same_for_both_arms(
    mode: str, folders: Folders, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("bitsandbytes")  # which computes on a CPU, too; diffusers asks for a graphics card first
    for kind in (BnB4BitDiffusersQuantizer, BnB8BitDiffusersQuantizer):
        monkeypatch.setattr(kind, "validate_environment", lambda *_, **__: None)
        monkeypatch.setattr(kind, "update_device_map", lambda *_: {"": "cpu"})
    # Its kernel for AVX-512 takes no layers as small as these.
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: False)
    monkeypatch.setattr(memory_mode, "_require", lambda *_: None)
    whole = opened("z-image")
    prompts, settings = prompts_of(whole), settings_of(whole, num_inference_steps=1, memory=mode)
    with open_model(str(folders("z-image")), device="cpu", memory=mode) as model:
        assert any("bit" in type(layer).__name__ for layer in model.denoiser.modules())
        pair = render_pair(prompts, settings, model)
        turned = replace(prompts, simple=prompts.expanded, expanded=prompts.simple)
        again = render_pair(turned, settings, model)
        with pytest.raises(ModelError, match="weights of so few bits"):
            model.load([("ink", 1.0, 1.0)])
    assert pair.certificate.holds
    assert pair.certificate.given_up == {5: (MODE_WORDS[mode],)}
    assert [one.image.tobytes() for one in pair.pictures] == [one.image.tobytes() for one in again.pictures][::-1]
    plain = render_pair(prompts, replace(settings, memory=None), whole)
    assert pair.pictures[0].image.tobytes() != plain.pictures[0].image.tobytes()
