"""Makes of adapters, as the programs that people train with write them: each adds what its own program adds."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generate.models import ModelError, OpenModel, known_models
from generate.models.adapters import original_unet_name
from generate.render.pair import render_pair
from generate.settings import RenderSettings
from ideation import PromptPair, TokenCount

Tensors = dict[str, torch.Tensor]
PROMPTS = PromptPair("a dog", "en", "a dog", "a red dog", "blurry", "given", None, (), (), TokenCount(77, 4, 5))

LINEAR = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v"
CONVOLUTION = "down_blocks.0.resnets.0.conv1"
NORM = "down_blocks.0.attentions.0.transformer_blocks.0.norm1"
WORDS = "text_model.encoder.layers.0.mlp.fc1"

#: Two of LyCORIS' kinds of modules, by their places in it, which are dealt with in their own ways.
FULL, NORMS = "full.FullModule", "norms.NormModule"


@pytest.fixture
def model(seedling: OpenModel) -> Iterator[OpenModel]:
    yield seedling
    seedling.unload()


@pytest.fixture
def loras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models" / "loras"
    folder.mkdir(parents=True)
    monkeypatch.setenv("TWINSEED_MODELS", str(folder.parent))
    return folder


def layer(model: OpenModel, name: str) -> torch.nn.Module:
    """The layer with that name, of the U-Net or of the text encoder."""
    modules = dict(model.pipeline.unet.named_modules()) | dict(model.pipeline.text_encoder.named_modules())
    return modules.get(name) or modules[name.removeprefix("text_model.")]


def trained(kind: str, like: torch.nn.Module, **how: Any) -> tuple[Tensors, torch.nn.Module]:
    """What LyCORIS writes of a module of its `kind` around a layer, and a copy of that layer which it works on.

    LyCORIS is loaded here: it takes a second, which all processes that only collect the tests would take too."""
    torch.manual_seed(0)
    own = copy.deepcopy(like)
    place, _, name = kind.partition(".")
    made = getattr(import_module(f"lycoris.modules.{place}"), name)
    adapter = made("x", own, **({} if kind == NORMS else {"lora_dim": 4, "alpha": 1.5}) | how)
    ours = {id(parameter) for parameter in own.parameters()}
    with torch.no_grad():
        for parameter in adapter.parameters():
            if id(parameter) not in ours:
                parameter += torch.randn_like(parameter) / 8
    if kind == FULL:
        written = {"diff": adapter.weight, "diff_b": adapter.bias}
    else:
        whole = {name: one for name, one in adapter.state_dict().items() if "org" not in name}
        written = adapter.custom_state_dict() or whole
    written = {name: one.detach().clone() for name, one in written.items() if one is not None}
    adapter.apply_to()
    return written, own


def kohya(name: str, tensors: Tensors) -> Tensors:
    prefix = "lora_te_" if name == WORDS else "lora_unet_"
    return {f"{prefix}{name.replace('.', '_')}.{part}": tensor for part, tensor in tensors.items()}


MAKES = [
    ("LoRA", "locon.LoConModule", {}),
    ("LoRA", "locon.LoConModule", {"use_tucker": True}),
    ("LoRA", "locon.LoConModule", {"rs_lora": True}),
    ("DoRA", "locon.LoConModule", {"weight_decompose": True}),
    ("DoRA", "locon.LoConModule", {"weight_decompose": True, "wd_on_out": False}),
    ("LoHa", "loha.LohaModule", {}),
    ("LoHa", "loha.LohaModule", {"use_tucker": True}),
    ("LoHa with DoRA", "loha.LohaModule", {"weight_decompose": True}),
    ("LoKr", "lokr.LokrModule", {}),
    ("LoKr", "lokr.LokrModule", {"use_tucker": True}),
    ("LoKr", "lokr.LokrModule", {"decompose_both": True, "factor": 8, "lora_dim": 2}),
    ("LoKr", "lokr.LokrModule", {"full_matrix": True}),
    ("LoKr with DoRA", "lokr.LokrModule", {"weight_decompose": True}),
    ("(IA)3", "ia3.IA3Module", {}),
    ("(IA)3", "ia3.IA3Module", {"train_on_input": True}),
    ("differences", FULL, {}),
    ("norms", NORMS, {}),
]


@pytest.mark.parametrize(("make", "kind", "how"), MAKES)
def test_layers_do_what_lycoris_makes_them_do(
    make: str, kind: str, how: dict[str, Any], model: OpenModel, loras: Path
) -> None:
    tensors, wanted = Tensors(), {}
    for name in (NORM,) if kind == NORMS else (LINEAR, CONVOLUTION, WORDS):
        written, wanted[name] = trained(kind, layer(model, name), **how)
        tensors |= kohya(name, written)
    save_file(tensors, loras / "one.safetensors")
    assert [one.kind for one in known_models()[1:]] == ["lora"]
    before = {name: {key: one.clone() for key, one in layer(model, name).state_dict().items()} for name in wanted}
    model.load([("one", 1, 1)])
    assert model.adapters[0].make == make
    for name, theirs in wanted.items():
        weight = before[name]["weight"]
        given = torch.randn(2, *weight.shape[1:2] or weight.shape, *(5, 5) * (weight.ndim == 4))
        with torch.no_grad():
            assert torch.allclose(layer(model, name)(given), theirs(given), atol=1e-4), name
        assert not layer(model, name).weight.equal(weight)
    model.load([("one", 0, 0)])
    for name, parts in before.items():
        assert all(layer(model, name).state_dict()[key].equal(one) for key, one in parts.items()), (
            "0 is the model as it was"
        )


def low_rank(model: OpenModel, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Factors for a layer: (down, up)."""
    random, weight = torch.Generator().manual_seed(1), layer(model, name).weight
    return torch.randn(4, weight.shape[1], generator=random) / 8, torch.randn(weight.shape[0], 4, generator=random) / 8


def original(name: str) -> str:
    return original_unet_name(name, 1, frozenset({0, 1, 2}))


UNET_NAMES = {
    "kohya": f"lora_unet_{LINEAR.replace('.', '_')}.lora_{{}}.weight",
    "kohya for XL": f"lora_unet_{original(LINEAR).replace('.', '_')}.lora_{{}}.weight",
    "lycoris": f"lycoris_{LINEAR.replace('.', '_')}.lora_{{}}.weight",
    "diffusers": f"unet.{LINEAR}.lora_{{AB}}.weight",
    "diffusers' own name of it": f"unet.{LINEAR}.lora_{{AB}}.default_0.weight",
    "original names in diffusers' style": f"unet.{original(LINEAR)}.lora_{{AB}}.weight",
    "diffusers of 2023": f"unet.{LINEAR.removesuffix('.to_v')}.processor.to_v_lora.{{}}.weight",
    "comfy": f"diffusion_model.{original(LINEAR)}.lora_{{}}.weight",
    "comfy, whole": f"model.diffusion_model.{original(LINEAR)}.lora_{{}}.weight",
    "comfy, bare": f"{LINEAR}.lora_{{AB}}.weight",
    "peft": f"base_model.model.{LINEAR}.lora_{{AB}}.weight",
    "peft in training": f"base_model.model.{LINEAR}.lora_{{AB}}.mine.weight",
}
WORD_NAMES = {
    "kohya": f"lora_te_{WORDS.replace('.', '_')}.lora_{{}}.weight",
    "onetrainer": f"lora_te1_{WORDS.replace('.', '_')}.lora_{{}}.weight",
    "diffusers": f"text_encoder.{WORDS}.lora_{{AB}}.weight",
    "diffusers of 2023": f"text_encoder.{WORDS}.lora_linear_layer.{{}}.weight",
    "comfy": f"text_encoders.clip_l.transformer.{WORDS}.lora_{{}}.weight",
    "peft": f"base_model.model.{WORDS}.lora_{{AB}}.weight",
}


def test_every_name_of_a_layer(model: OpenModel, loras: Path) -> None:
    for name, names in ((LINEAR, UNET_NAMES), (WORDS, WORD_NAMES)):
        down, up = low_rank(model, name)
        wanted = layer(model, name).weight.detach() + up @ down
        for program, tensor in names.items():
            one, other = (tensor.format(way, AB=letter) for way, letter in (("down", "A"), ("up", "B")))
            save_file({one: down, other: up}, loras / f"{program}.safetensors")
            model.load([(program, 1, 1)])
            assert torch.allclose(layer(model, name).weight, wanted, atol=1e-6), program
    down, up = low_rank(model, LINEAR)
    both = {UNET_NAMES["comfy"].format("down"): down, UNET_NAMES["kohya"].format("down"): down}
    both |= {name.replace("down.weight", "up.weight"): up for name in both}
    both = {name: one.clone() for name, one in both.items()}
    save_file(both, loras / "both.safetensors")
    with pytest.raises(ModelError, match=r"both holds two adapters: .* change the same"):
        model.load([("both", 1, 1)])


def test_biases_and_factors_of_a_byte(model: OpenModel, loras: Path) -> None:
    """What ComfyUI takes out of a finetune: factors, and a difference for each bias; peft's bias beside a factor."""
    down, up = low_rank(model, WORDS)
    bias, added = layer(model, WORDS).bias.detach().clone(), torch.randn(len(up)) / 8
    name = f"lora_te_{WORDS.replace('.', '_')}"
    factors = {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": torch.tensor(2)}
    for ending, by in (("diff_b", 1.0), ("lora_B.bias", 0.5)):
        save_file(factors | {f"{name}.{ending}": added}, loras / "one.safetensors")
        model.load([("one", 1, 1)])
        assert torch.allclose(layer(model, WORDS).bias, bias + by * added, atol=1e-6), ending
    model.unload()
    weight = layer(model, WORDS).weight.detach().clone()
    for format_of_a_byte in (torch.float8_e4m3fn, torch.float8_e5m2):
        rounded = {key: one.to(format_of_a_byte) for key, one in factors.items()}
        save_file(rounded, loras / "byte.safetensors")
        model.load([("byte", 1, 1)])
        down, up = (rounded[f"{name}.lora_{way}.weight"].float() for way in ("down", "up"))
        assert torch.allclose(layer(model, WORDS).weight, weight + 0.5 * up @ down, atol=1e-6)
    save_file({key: (one * 100).to(torch.int8) for key, one in factors.items()}, loras / "whole.safetensors")
    with pytest.raises(ModelError, match=r"whole is quantized to whole numbers in lora_te_.*down.weight, and no scale"):
        model.load([("whole", 1, 1)])


def test_adapters_are_certified_by_file_and_make(model: OpenModel, loras: Path) -> None:
    settings = RenderSettings(seed=5, num_inference_steps=1, width=64, height=64)
    plain = render_pair(PROMPTS, settings, model)
    tensors = kohya(LINEAR, trained("loha.LohaModule", layer(model, LINEAR))[0])
    tensors |= kohya(NORM, trained(NORMS, layer(model, NORM))[0])
    word = {"bundle_emb.<inkstyle>.emb_params": torch.zeros(2, 192)}
    save_file(tensors | word, loras / "ink.safetensors")
    model.load([("ink", 1, 1)])
    pair = render_pair(PROMPTS, settings, model)
    assert pair.certificate.makes == {"ink": "LoHa, norms, words"}
    assert pair.certificate.adapters == {"ink": model.adapters[0].digest}
    assert [*model.notes] == ["the LoRA ink brings words with it (<inkstyle>), which are read as plain words here"]
    for one, other in zip(pair.pictures, plain.pictures, strict=True):
        assert one.image.tobytes() != other.image.tobytes(), "both arms change"
    model.load([("ink", 0, 0)])
    again = render_pair(PROMPTS, settings, model)
    assert [one.image.tobytes() for one in again.pictures] == [one.image.tobytes() for one in plain.pictures]


OTHERS = {
    "OFT or BOFT": lambda model: kohya(LINEAR, trained("diag_oft.DiagOFTModule", layer(model, LINEAR))[0]),
    "GLoRA": lambda model: kohya(LINEAR, trained("glora.GLoRAModule", layer(model, LINEAR))[0]),
    "VeRA": lambda _: {"base_model.model.x.vera_lambda_b": torch.zeros(4)},
    "a LoRA of the words": lambda _: {
        "text_encoder.x.lora_embedding_A": torch.zeros(4, 4),
        **kohya("x", {"diff": NONE}),
    },
    "ControlNet-LLLite": lambda _: {"lllite_unet_x.down.0.weight": torch.zeros(4, 4)},
    "IP-Adapter": lambda _: kohya("x.to_k_ip", {"lora_down.weight": NONE}),
    "AnimateDiff": lambda _: {"x.motion_modules.0.attn.lora_down.weight": NONE},
    "weights that take the place of the model's": lambda _: {"diffusion_model.x.set_weight": NONE},
    "AdaLoRA": lambda _: {"base_model.model.x.lora_E": NONE},
}
NONE = torch.zeros(1, 1)


@pytest.mark.parametrize("make", OTHERS)
def test_other_makes_are_refused_by_name(make: str, model: OpenModel, loras: Path) -> None:
    save_file(OTHERS[make](model), loras / "odd.safetensors")
    with pytest.raises(ModelError, match=f"odd is an adapter of a make that is not read: {re.escape(make)}, by its"):
        model.load([("odd", 1, 1)])


@pytest.mark.parametrize(
    ("tensor", "model_of"),
    [
        ("lora_unet_double_blocks_0_img_attn_qkv", "Flux"),
        ("transformer.single_transformer_blocks.0.attn.to_q", "Flux"),
        ("diffusion_model.joint_blocks.0.x_block.attn.qkv", "Stable Diffusion 3"),
        ("diffusion_model.blocks.0.cross_attn.q", "a transformer"),
    ],
)
def test_adapters_for_other_models_say_which(tensor: str, model_of: str, model: OpenModel, loras: Path) -> None:
    save_file(
        {f"{tensor}.lora_A.weight": torch.zeros(1, 4), f"{tensor}.lora_B.weight": torch.zeros(4, 1)},
        loras / "odd.safetensors",
    )
    with pytest.raises(ModelError, match=r"it changes .*, which this model does not have") as caught:
        model.load([("odd", 1, 1)])
    assert caught.value.hint.endswith(f"this one is for {model_of}")
