"""Files that were made small, and tensors that say how a model was trained: applied, or refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler
from original_layout import original_layout
from safetensors.torch import save_file

import generate.families
from generate.models import ModelError, OpenModel, open_model, require_model
from generate.models.architecture import require_known_training
from generate.models.opening.single_file import scheduler_of
from generate.models.weights.left_over import left_over, require_told_noise
from generate.models.weights.quantization import unscaled
from generate.models.weights.tensors import left_in_folder
from generate.seedling import SEEDLING_FOLDER
from ideation import Clause

Tensors = dict[str, torch.Tensor]
PATH = Path("x.safetensors")
FLOAT8 = torch.float8_e4m3fn


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def checkpoint(seedling: OpenModel) -> Tensors:
    return original_layout(seedling.pipeline)


def told(settings: dict[str, object]) -> torch.Tensor:
    """ComfyUI's settings of a layer: JSON as bytes."""
    return torch.tensor(list(json.dumps(settings).encode()), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("ending", "rows", "kind", "more"),
    [
        ("scale_weight", 1, FLOAT8, {"scaled_fp8": torch.zeros(2, dtype=FLOAT8), "a.scale_input": torch.ones(1)}),
        ("scale_weight", 1, torch.float8_e5m2, {"model.diffusion_model.scaled_fp8": torch.zeros(0)}),
        (
            "weight_scale",
            1,
            FLOAT8,
            {"a.comfy_quant": told({"format": "float8_e4m3fn", "full_precision_matrix_mult": True})},
        ),
        ("weight_scale", 1, FLOAT8, {"a.input_scale": torch.ones(())}),
        ("weight_scale", 8, FLOAT8, {}),
        ("weight_scale", 8, torch.int8, {"a.comfy_quant": told({"format": "int8_tensorwise"})}),
        ("SCB", 8, torch.int8, {"a.weight_format": torch.zeros((), dtype=torch.uint8)}),
    ],
)
def test_scales_are_applied(ending: str, rows: int, kind: torch.dtype, more: Tensors) -> None:
    """The weight is its numbers times the scale: of all of it or of each row; in bitsandbytes' steps of a 127th."""
    torch.manual_seed(0)
    weight = torch.randn(8, 4, 3, 3)
    most = weight.flatten(1).abs().amax(1) if rows > 1 else weight.abs().max()
    steps = 127 if kind is torch.int8 else 100
    small = weight / most.reshape(-1, 1, 1, 1) * steps
    scale = most if ending == "SCB" else most / steps
    quantized = small.round().to(kind) if kind is torch.int8 else small.to(kind)
    plain = unscaled(PATH, {"a.weight": quantized, f"a.{ending}": scale, "b": torch.ones(1), **more}, {})
    assert sorted(plain) == ["a.weight", "b"]
    assert plain["a.weight"].dtype == torch.float32
    assert (plain["a.weight"] - weight).abs().max() < weight.abs().max() / (8 if kind is torch.float8_e5m2 else 15)
    assert torch.allclose(
        plain["a.weight"], quantized.float() * scale.reshape(-1, 1, 1, 1) / (127 if ending == "SCB" else 1)
    )


@pytest.mark.parametrize(
    ("tensors", "metadata", "message"),
    [
        ({"a.weight_scale_2": torch.ones(1)}, {}, "is not read: NVFP4 or MXFP8"),
        ({"a.weight.quant_state.bitsandbytes__nf4": torch.ones(1)}, {}, "is not read: bitsandbytes in four bits"),
        ({"a.qweight": torch.ones(1)}, {}, "is not read: GPTQ or AWQ"),
        ({"a.weight._data": torch.ones(1)}, {}, "is not read: quanto"),
        ({"a.weight_scale_inv": torch.ones(1)}, {}, "is not read: blocks of float8"),
        ({"a.weight_zero_point": torch.ones(1)}, {}, "is not read: whole numbers with an offset"),
        ({"a.comfy_quant": told({"format": "mxfp8"})}, {}, "is not read: mxfp8"),
        ({"a.comfy_quant": told({"format": "int8_tensorwise", "convrot": True})}, {}, "int8_tensorwise with convrot"),
        ({"a.comfy_quant": torch.zeros(3, dtype=torch.uint8)}, {}, "is not read"),
        ({}, {"_quantization_metadata": '{"layers": {"a": {"format": "nvfp4"}}}'}, "is not read: nvfp4"),
        ({}, {"_quantization_metadata": "?"}, r"is not read: \?"),
        ({"a.scale_weight": torch.ones(1)}, {}, r"its scale a\.scale_weight fits no weight"),
        (
            {"a.weight": torch.ones(4, 4), "a.weight_scale": torch.ones(3)},
            {},
            r"its scale a\.weight_scale fits no weight",
        ),
    ],
)
def test_other_quantizations_are_refused_by_name(tensors: Tensors, metadata: dict[str, str], message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        unscaled(PATH, tensors, metadata)
    assert "not quantized" in caught.value.hint


def test_a_checkpoint_in_scaled_float8_is_the_model(checkpoint: Tensors, seedling: OpenModel, models: Path) -> None:
    """And what is of no use beside the weights is passed over, in a note where it could be of some."""
    tensors = {**checkpoint, "cond_stage_model.logit_scale": torch.ones(()), "model_ema.decay": torch.ones(2)}
    layer = "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_v"
    tensors[f"{layer}.weight"] = (checkpoint[f"{layer}.weight"] / 0.01).to(FLOAT8)
    tensors[f"{layer}.scale_weight"] = torch.tensor(0.01)
    tensors["model.diffusion_model.scaled_fp8"] = torch.zeros(2, dtype=FLOAT8)
    tensors["alphas_cumprod"] = seedling.pipeline.scheduler.alphas_cumprod.half()
    tensors["scale_factor"] = torch.tensor(seedling.pipeline.vae.config.scaling_factor)
    save_file(tensors, models / "small.safetensors")
    small = open_model("small", device="cpu", dtype="float32")
    assert small.notes == ("of small.safetensors, what no part of the model takes was left unread: model_ema (1)",)
    name = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_v.weight"
    ours, theirs = (dict(model.pipeline.unet.named_parameters()) for model in (small, seedling))
    assert torch.equal(ours[name], tensors[f"{layer}.weight"].float() * 0.01)
    assert (ours[name] - theirs[name]).abs().max() < theirs[name].abs().max() / 15
    assert all(one.equal(theirs[key]) for key, one in ours.items() if key != name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edm_mean": torch.zeros(1, 4, 1, 1), "edm_std": torch.ones(1, 4, 1, 1)}, "EDM .* edm_mean"),
        ({"edm_vpred.sigma_max": torch.tensor(120.0)}, r"EDM formulation, as its tensor edm_vpred\."),
        ({"model.diffusion_model.out.2.bias": torch.ones(48).to(torch.int8)}, "to whole numbers in conv_out.bias"),
        (
            {"model.diffusion_model.time_embed.cond_proj.weight": torch.ones(2)},
            "1 tensors that no Stable Diffusion",
        ),
    ],
)
def test_what_says_that_it_is_another_model(change: Tensors, message: str, checkpoint: Tensors, models: Path) -> None:
    save_file(checkpoint | change, models / "small.safetensors")
    with pytest.raises(ModelError, match=message) as caught:
        open_model("small", device="cpu")
    assert len(caught.value.hint) > 10
    if "EDM" in message:
        with pytest.raises(ModelError, match=message):
            require_model("small")


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (
            {"control_model.input_blocks.0.0.weight": 2},
            "has 1 tensors that no Stable Diffusion has: control_",
        ),
        ({"first_stage_model.decoder.time_conv.weight": 2}, "no Stable Diffusion has: first_stage_model.decoder.time"),
        ({"cond_stage_model.transformer.text_model.embeddings.position_ids": 77, "v_pred": 1, "betas": 9}, None),
        ({"model_ema.decay": 1, "model_ema.x": 2, "junk": 3}, "was left unread: model_ema (2), junk (1)"),
    ],
)
def test_what_is_left_over(tensors: dict[str, int], said: str | None) -> None:
    left = {name: torch.ones(count) for name, count in tensors.items()}
    taken = torch.ones(3)
    if said is not None and "no Stable Diffusion" in said:
        with pytest.raises(ModelError, match=said):
            left_over(PATH, left | {"model.diffusion_model.out": taken}, {taken.data_ptr()})
        left_over(PATH, left, set(), passed_over=tuple(left))
    else:
        notes = left_over(PATH, left | {"model.diffusion_model.out": taken}, {taken.data_ptr()})
        assert [note.endswith(said or "?") for note in notes] == ([] if said is None else [True])


@pytest.mark.parametrize(
    ("name", "tensor", "what"),
    [
        ("alphas_cumprod", torch.linspace(1, 0, 1000), "the noise that it was trained with"),
        ("alphas_cumprod", torch.linspace(1, 0, 7), "the noise that it was trained with"),
        ("denoiser.sigmas", torch.linspace(0, 80, 1000), "the noise that it was trained with"),
        ("scale_factor", torch.tensor(0.13025), "the scale of its latents"),
    ],
)
def test_tables_that_came_with_the_weights(name: str, tensor: torch.Tensor, what: str, seedling: OpenModel) -> None:
    scheduler, vae = seedling.pipeline.scheduler, seedling.pipeline.vae
    with pytest.raises(ModelError, match=f"x.safetensors says with its tensor {name} that {what} is another"):
        require_told_noise(PATH, {name: tensor}, scheduler, vae)
    signal = scheduler.alphas_cumprod
    sigmas = ((1 - signal) / signal).sqrt().flip(0)
    right = {"alphas_cumprod": signal.half(), "denoiser.sigmas": sigmas, "scale_factor": vae.config.scaling_factor}
    require_told_noise(PATH, right, scheduler, vae)


def test_what_a_model_predicts_is_said_once(models: Path) -> None:
    """A tensor `v_pred` against a configuration of one's own; pure noise; a header that says what nobody here does."""
    file, xl = models / "x.safetensors", Path(generate.families.__file__).parent / "architectures" / "sdxl"
    with pytest.raises(ModelError, match=r"has a tensor ztsnr, .* but predicts noise"):
        scheduler_of(xl, file, {"ztsnr": (1,)}, {})
    pure = scheduler_of(SEEDLING_FOLDER, file, {"ztsnr": (1,)}, {})
    assert pure.config.prediction_type == "v_prediction", "as Seedling does anyhow"
    assert pure.config.rescale_betas_zero_snr
    for key, value in (("prediction_type", "v"), ("predict_key", "v"), ("predict_key", "eps")):
        found = scheduler_of(xl, file, {}, {f"modelspec.{key}": value})
        assert found.config.prediction_type == {"v": "v_prediction", "eps": "epsilon"}[value]
    with pytest.raises(ModelError, match=r"predicts flow, going by modelspec\.predict_key"):
        scheduler_of(xl, file, {}, {"modelspec.predict_key": "flow"})
    shutil.copytree(xl, models / "x")
    with pytest.raises(ModelError, match=r"says that it predicts v_prediction, and its configuration in .* epsilon"):
        scheduler_of(models / "x", file, {"v_pred": (0,)}, {})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"_class_name": "EDMEulerScheduler"}, "was trained for EDMEulerScheduler"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "was trained for FlowMatch"),
        ({"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": True}, "was trained for UniPC"),
        ({"_class_name": "DDIMScheduler", "prediction_type": "flow_prediction"}, "predicts flow_prediction"),
    ],
)
def test_trainings_that_no_scheduler_follows(config: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        require_known_training(config, Path("x"))
    require_known_training(DDIMScheduler().config, Path("x"))


def test_what_is_left_in_a_folder(tmp_path: Path) -> None:
    """diffusers and transformers pass over what they have no place for, and say so in their logs only."""
    layer, what = torch.nn.Linear(2, 2), Clause("part of the model")
    own = {name: one.detach().clone() for name, one in layer.state_dict().items()}
    for more, said in (
        ({}, None),
        ({"x.position_ids": 1}, None),
        ({"junk.a": 1, "junk.b": 2}, "left unread: junk (2)"),
    ):
        save_file(own | {name: torch.ones(count) for name, count in more.items()}, tmp_path / "a.safetensors")
        notes = left_in_folder(layer, what, tmp_path)
        assert [note.endswith(said or "?") for note in notes] == ([] if said is None else [True])
    save_file(own | {"weight_scale": torch.ones(1), "a.weight_scale": torch.ones(1)}, tmp_path / "a.safetensors")
    with pytest.raises(
        ModelError, match=r"the part of the model is quantized, and a\.weight_scale would be passed over"
    ):
        left_in_folder(layer, what, tmp_path)
