"""Single files: a checkpoint in the original layout is the same model as the folder that it was made of."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import init_empty_weights
from diffusers import AutoencoderKL, StableDiffusionPipeline, StableDiffusionXLPipeline, UNet2DConditionModel
from original_layout import original_layout, original_unet, original_vae
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

import generate.families
from generate.families import FAMILIES
from generate.models import (
    ModelError,
    OpenModel,
    digest_of_weights,
    find_model,
    find_tokenizer,
    known_models,
    open_model,
    require_model,
)
from generate.models.architecture import configuration, prediction_type
from generate.models.clip_tokenizer import CLIP_ENTRIES
from generate.models.opening.single_file import open_single_file, scheduler_of
from generate.models.weights.weight_file import read_weight_file
from generate.render.pair import render_pair
from generate.seedling import SEEDLING_FOLDER, SEEDLING_TOKENIZER
from generate.settings import RenderSettings
from ideation import PromptPair, TokenCount

PROMPTS = PromptPair(
    "a dog", "en", "a dog", "a red dog in the snow", "blurry", "given", None, (), (), TokenCount(77, 4, 8)
)
SETTINGS = RenderSettings(seed=5, num_inference_steps=3, width=128, height=128)
SHIPPED = Path(generate.families.__file__).parent / "architectures"


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("TWINSEED_MODELS", str(folder))
    return folder


def pictures(model: OpenModel, settings: RenderSettings = SETTINGS) -> list[bytes]:
    return [render.image.tobytes() for render in render_pair(PROMPTS, settings, model).pictures]


def configuration_of(folder: Path, to: Path) -> None:
    """The small files of a model, without its weights."""
    shutil.copytree(folder, to, ignore=shutil.ignore_patterns("*.safetensors"))


def test_seedling_as_a_single_file_draws_the_same_pictures(seedling: OpenModel, models: Path) -> None:
    file = models / "grown.safetensors"
    save_file(original_layout(seedling.pipeline), file)
    assert [(one.name, one.kind, one.family) for one in known_models()][1:] == [(file.name, "checkpoint", "seedling")]
    for name in ("grown", "grown.safetensors", str(file)):
        assert find_model(name).path == file
        assert require_model(name) is FAMILIES["seedling"]
    single = open_model("grown", device="cpu", dtype="float32")
    assert single.tokenizer_file == find_tokenizer("grown") == SEEDLING_TOKENIZER
    assert (single.native_size, single.size_unit) == (seedling.native_size, seedling.size_unit)
    assert single.scheduler_config == seedling.scheduler_config
    assert pictures(single) == pictures(seedling)
    assert single.digest == hashlib.sha256(file.read_bytes()).hexdigest() != seedling.digest


@pytest.mark.parametrize("ending", [".safetensors", ".ckpt"])
def test_a_model_of_other_sizes_brings_its_configuration(ending: str, tiny_folder: Path, models: Path) -> None:
    folder_model = open_model(str(tiny_folder), device="cpu")
    tensors = original_layout(folder_model.pipeline)
    file = models / f"small{ending}"
    if ending == ".safetensors":
        save_file(tensors, file)
    else:
        torch.save({"state_dict": tensors, "global_step": 7}, file)
    with pytest.raises(ModelError, match=r"is not shaped like Stable Diffusion|no tokenizer") as caught:
        open_model("small", device="cpu", allow_pickle=True)
    assert str(models) in caught.value.hint
    configuration_of(tiny_folder, models / "small")
    listed = [(one.name, one.kind) for one in known_models()][1:]
    assert listed == [(file.name, "checkpoint" if ending == ".safetensors" else "pickle")], (
        "its folder is no other model"
    )
    single = open_model("small", device="cpu", allow_pickle=True)
    assert single.tokenizer_file == find_tokenizer("small", allow_pickle=True)
    assert pictures(single) == pictures(folder_model)


def tiny_sd2() -> Any:
    text = CLIPTextModel(CLIPTextConfig(**TEXT, hidden_act="gelu"))
    return StableDiffusionPipeline(
        **common(text, 32), safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )


def tiny_xl() -> Any:
    second = CLIPTextModelWithProjection(CLIPTextConfig(**TEXT | {"hidden_size": 48}, hidden_act="gelu"))
    embedding = {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "transformer_layers_per_block": (1, 2),
        "projection_class_embeddings_input_dim": 6 * 8 + 48,
    }
    parts = common(CLIPTextModel(CLIPTextConfig(**TEXT)), 80, **embedding)
    return StableDiffusionXLPipeline(**parts, text_encoder_2=second, tokenizer_2=tokenizer("!"))


TEXT: dict[str, Any] = {
    "vocab_size": 2677,
    "hidden_size": 32,
    "intermediate_size": 37,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "bos_token_id": 2675,
    "eos_token_id": 2676,
    "projection_dim": 48,
    "pad_token_id": 2676,
}


def tokenizer(padding: str) -> Any:
    found = CLIPTokenizer.from_pretrained(SEEDLING_FOLDER / "tokenizer")
    found.pad_token = padding
    return found


def common(text_encoder: Any, width: int, **unet: Any) -> dict[str, Any]:
    torch.manual_seed(3)
    from diffusers import EulerDiscreteScheduler

    return {
        "unet": UNet2DConditionModel(
            sample_size=8,
            block_out_channels=(32, 64),
            layers_per_block=2,
            norm_num_groups=8,
            cross_attention_dim=width,
            attention_head_dim=(4, 8),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            use_linear_projection=True,
            **unet,
        ),
        "vae": AutoencoderKL(
            block_out_channels=(8, 16),
            norm_num_groups=4,
            layers_per_block=1,
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
        ),
        "text_encoder": text_encoder,
        "tokenizer": tokenizer("<|endoftext|>"),
        "scheduler": EulerDiscreteScheduler(beta_schedule="scaled_linear", prediction_type="v_prediction"),
    }


@pytest.mark.parametrize("make", [tiny_sd2, tiny_xl])
def test_openclip_and_two_encoders(make: Callable[[], Any], models: Path) -> None:
    """2.x and XL have OpenCLIP's layout: joined projections, a transposed one."""
    pipeline = make()
    pipeline.save_pretrained(models / "whole")
    save_file(original_layout(pipeline), models / "single.safetensors")
    configuration_of(models / "whole", models / "single")
    whole, single = (open_model(name, device="cpu") for name in ("whole", "single"))
    # Two pixels to a latent: at Seedling's size it would be 4096 places that all look at each other.
    small = replace(SETTINGS, width=32, height=32)
    assert pictures(single, small) == pictures(whole, small)


# The numbers of parameters that were published with the models.
PARAMETERS = {
    "sd1": (859_520_964, 83_653_863, 123_060_480),
    "sd2": (865_910_724, 83_653_863, 340_387_840),
    "sd2-base": (865_910_724, 83_653_863, 340_387_840),
    "sdxl": (2_567_463_684, 83_653_863, 123_060_480, 694_659_840),
}


class Empty:
    """The published architecture in `folder`, without memory for its weights."""

    def __init__(self, folder: Path) -> None:
        with init_empty_weights():
            self.unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder / "unet"))
            self.vae = AutoencoderKL.from_config(AutoencoderKL.load_config(folder / "vae"))
            self.text_encoder = CLIPTextModel(CLIPTextConfig.from_pretrained(folder / "text_encoder"))
            self.text_encoder_2 = None
            if (second := folder / "text_encoder_2").is_dir():
                self.text_encoder_2 = CLIPTextModelWithProjection(CLIPTextConfig.from_pretrained(second))

    def parameters(self) -> tuple[int, ...]:
        modules = (self.unet, self.vae, self.text_encoder, self.text_encoder_2)
        return tuple(sum(one.numel() for one in module.parameters()) for module in modules if module is not None)


def write_zeros(file: Path, shapes: dict[str, tuple[int, ...]], metadata: dict[str, str] | None = None) -> None:
    """A .safetensors file of half-precision zeros that takes no room on the disk, whatever its length."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    with file.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        stream.truncate(8 + len(text) + end)


@pytest.mark.parametrize("name", PARAMETERS)
def test_published_architectures(name: str, models: Path) -> None:
    """The shipped configurations have the published sizes, and a file of these sizes is told to be of that family."""
    empty = Empty(SHIPPED / name)
    assert empty.parameters() == PARAMETERS[name]
    shapes = {key: tuple(tensor.shape) for key, tensor in original_layout(empty).items()}
    told = {"modelspec.prediction_type": "epsilon"} if name == "sd2-base" else {}
    write_zeros(models / "large.safetensors", shapes, told)
    family = name.removesuffix("-base")
    (_, listed) = known_models()
    assert (listed.kind, listed.family, listed.size > 2e9) == ("checkpoint", family, True)
    header = read_weight_file(models / "large.safetensors")
    assert configuration(header.path, header.shapes, header.metadata) == SHIPPED / name
    with pytest.raises(ModelError, match=f"none with {CLIP_ENTRIES} entries is on this machine") as caught:
        require_model("large")
    assert (
        f"put vocab.json and merges.txt of openai/clip-vit-large-patch14 into {models / 'tokenizer'}"
        in caught.value.hint
    )


def test_the_way_back_agrees_with_diffusers() -> None:
    """All tensors of the published U-Nets and VAEs are found again, by diffusers' own converters, under their names."""
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint

    for name in ("sd1", "sdxl"):
        empty = Empty(SHIPPED / name)
        back = convert_ldm_unet_checkpoint(
            {f"model.diffusion_model.{key}": tensor for key, tensor in original_unet(empty.unet).items()},
            empty.unet.config,
        )
        assert {key: tensor.shape for key, tensor in back.items()} == {
            key: tensor.shape for key, tensor in empty.unet.state_dict().items()
        }
        back = convert_ldm_vae_checkpoint(original_vae(empty.vae), empty.vae.config)
        assert {key: tensor.shape for key, tensor in back.items()} == {
            key: tensor.shape for key, tensor in empty.vae.state_dict().items()
        }


def write_clip_vocabulary(folder: Path) -> None:
    """A tokenizer as large as CLIP's: Seedling's words, then words that nobody types."""
    words = json.loads((SEEDLING_FOLDER / "tokenizer" / "vocab.json").read_text(encoding="utf-8"))
    ends = [words.pop(end) and end for end in ("<|startoftext|>", "<|endoftext|>")]
    ordered = [*sorted(words, key=words.__getitem__)]
    ordered += [f"unused{number}</w>" for number in range(CLIP_ENTRIES - 2 - len(ordered))]
    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate([*ordered, *ends])}))
    shutil.copy(SEEDLING_FOLDER / "tokenizer" / "merges.txt", folder)


@pytest.mark.parametrize("where", ["large/tokenizer", "tokenizer", "another model/tokenizer", "hub"])
def test_where_the_tokenizer_is_looked_for(where: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    shapes = {
        "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (CLIP_ENTRIES, 768),
        "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
        "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
    }
    write_zeros(models / "large.safetensors", shapes)
    folder = models / where
    if where == "hub":
        cache = models.parent / "hub"
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
        repository = cache / "models--openai--clip-vit-large-patch14"
        folder = repository / "snapshots" / "0123"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text("0123")
    write_clip_vocabulary(folder)
    found = find_tokenizer("large")
    from ideation import TokenBudget

    assert TokenBudget(found, vectors={}).count("a dog riding a bicycle") == TokenBudget(
        SEEDLING_TOKENIZER, vectors={}
    ).count("a dog riding a bicycle")


def test_a_tokenizer_of_another_model_is_refused(models: Path) -> None:
    file = models / "one.safetensors"
    write_zeros(
        file,
        {
            "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (CLIP_ENTRIES, 768),
            "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
            "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
        },
    )
    shutil.copytree(SEEDLING_FOLDER / "tokenizer", models / "one" / "tokenizer")
    with pytest.raises(ModelError, match=r"has 2677 entries, the text encoder in one\.safetensors has 49408"):
        require_model("one")


@pytest.mark.parametrize(
    ("shapes", "metadata", "original", "expected"),
    [
        ({}, {}, None, None),
        ({}, {"modelspec.prediction_type": "v"}, None, "v_prediction"),
        ({}, {"modelspec.prediction_type": "epsilon"}, "model: {params: {parameterization: v}}", "epsilon"),
        ({"v_pred": ()}, {}, None, "v_prediction"),
        ({}, {}, "model: {params: {parameterization: v}}", "v_prediction"),
        ({}, {}, "model: {params: {timesteps: 1000}}", "epsilon"),
    ],
)
def test_what_the_model_predicts(
    shapes: dict[str, tuple[int, ...]],
    metadata: dict[str, str],
    original: str | None,
    expected: str | None,
    tmp_path: Path,
) -> None:
    if original is not None:
        (tmp_path / "x.yaml").write_text(original)
    assert prediction_type(tmp_path / "x.safetensors", shapes, metadata) == expected


def test_what_the_model_predicts_is_the_schedulers_business(tmp_path: Path) -> None:
    """A checkpoint of XL that says so is rendered with v-prediction, from pure noise if it was trained from there."""
    told = [
        (config.prediction_type, config.get("rescale_betas_zero_snr", False))
        for shapes in ({}, {"v_pred": (0,)}, {"v_pred": (0,), "ztsnr": (0,)})
        for config in [scheduler_of(SHIPPED / "sdxl", tmp_path / "x.safetensors", shapes, {}).config]
    ]
    assert told == [("epsilon", False), ("v_prediction", False), ("v_prediction", True)]


@pytest.mark.parametrize("original", ["", "[1]", "model: 3", "!!python/object/apply:os.system ['true']", "a: [" * 3000])
def test_originals_that_cannot_be_read(original: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(original)
    with pytest.raises(ModelError, match=r"x\.yaml cannot be read"):
        prediction_type(tmp_path / "x.safetensors", {}, {})


def without(part: str) -> Callable[[dict[str, torch.Tensor]], None]:
    def drop(tensors: dict[str, torch.Tensor]) -> None:
        for name in [name for name in tensors if re.search(part, name)]:
            del tensors[name]

    return drop


def cut(name: str) -> Callable[[dict[str, torch.Tensor]], None]:
    return lambda tensors: tensors.update({name: tensors[name][:-1].clone()}) or None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without("^cond_stage_model"), "has no text encoder in it"),
        (without("^first_stage_model"), "the VAE in grown.safetensors is not whole: 0 tensors of [0-9]+ are there"),
        (without("decoder.conv_in.bias"), "the VAE in grown.safetensors is not whole"),
        (without("diffusion_model.out.2.bias"), "the U-Net in grown.safetensors is not whole: [0-9]+ tensors"),
        (without("layers.1.mlp.fc1.bias"), "the text encoder in grown.safetensors is not whole"),
        (cut("model.diffusion_model.out.2.bias"), "the U-Net in grown.safetensors has other sizes: conv_out.bias is"),
    ],
)
def test_checkpoints_that_are_not_whole(
    damage: Callable[[dict[str, torch.Tensor]], None], message: str, seedling: OpenModel, models: Path
) -> None:
    tensors = original_layout(seedling.pipeline)
    damage(tensors)
    save_file(tensors, models / "grown.safetensors")
    with pytest.raises(ModelError, match=message) as caught:
        open_model("grown", device="cpu")
    assert len(caught.value.hint) > 10


def test_the_padding_is_that_of_the_text_encoder(tmp_path: Path, models: Path) -> None:
    """A tokenizer that was found elsewhere pads as that model does; 2.x and XL pad with an exclamation mark."""
    pipeline = tiny_sd2()
    pipeline.text_encoder.config.pad_token_id = 0
    pipeline.save_pretrained(models / "whole")
    file = models / "single.safetensors"
    save_file(original_layout(pipeline), file)
    configuration_of(models / "whole", models / "single")
    shutil.rmtree(models / "single" / "tokenizer")
    opened, _, found, _ = open_single_file(file, torch.float32)
    assert found == SEEDLING_TOKENIZER.parent
    ids = opened.tokenizer("a dog", padding="max_length").input_ids
    assert (len(ids), set(ids[-60:])) == (77, {0})


@pytest.mark.parametrize("form", ["diffusers", "original", "prefixed", "folder", "model", "ckpt", "hub"])
def test_another_vae(form: str, seedling: OpenModel, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vae = AutoencoderKL.from_pretrained(SEEDLING_FOLDER / "vae", low_cpu_mem_usage=False)
    with torch.no_grad():
        vae.decoder.conv_out.bias += 0.5
    tensors = {name: tensor.clone() for name, tensor in vae.state_dict().items()}
    name = "vae/paler.safetensors" if form != "ckpt" else "paler.ckpt"
    (models / "vae").mkdir()
    if form == "diffusers":
        save_file(tensors, models / name)
    elif form in ("original", "prefixed"):
        prefix = "first_stage_model." if form == "prefixed" else ""
        save_file({f"{prefix}{key}": value.contiguous() for key, value in original_vae(vae).items()}, models / name)
    elif form == "ckpt":
        torch.save({"state_dict": original_vae(vae)}, models / name)
    elif form == "hub":
        import huggingface_hub.constants

        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(models.parent))
        repository = models.parent / "models--owner--vae"
        vae.save_pretrained(repository / "snapshots" / ("0" * 40))
        (repository / "refs").mkdir()
        (repository / "refs" / "main").write_text("0" * 40)
    else:
        vae.save_pretrained(models / "paler" / ("vae" if form == "model" else ""))
    asked = {"folder": str(models / "paler"), "model": str(models / "paler"), "hub": "owner/vae"}.get(form, "paler")
    if form == "model":
        shutil.copy(SEEDLING_FOLDER / "model_index.json", models / "paler")
    opened = open_model("seedling", device="cpu", dtype="float32", vae=asked, allow_pickle=True)
    assert opened.digest != seedling.digest
    assert opened.vae_path is not None
    assert opened.vae_path.is_relative_to(models.parent)
    assert opened.digest == digest_of_weights(SEEDLING_FOLDER, opened.vae_path), "the digest is that of the files"
    with torch.no_grad():
        latents = torch.ones(1, 48, 2, 2)
        there, own = (model.pipeline.vae.decode(latents).sample for model in (opened, seedling))
    assert torch.allclose(there, own + 0.5, atol=1e-5)


def test_a_vae_of_another_make_is_refused(tiny_folder: Path, models: Path) -> None:
    shutil.copytree(tiny_folder / "vae", models / "other")
    with pytest.raises(ModelError, match="decodes latents of 4 channels, the model draws 48") as caught:
        open_model("seedling", device="cpu", vae=str(models / "other"))
    assert "made for this model" in caught.value.hint
    tensors = load_file(models / "other" / "diffusion_pytorch_model.safetensors")
    save_file(tensors, models / "flat.safetensors")
    with pytest.raises(ModelError, match=r"the VAE in flat\.safetensors has other sizes|is not whole"):
        open_model("seedling", device="cpu", vae="flat")
    with pytest.raises(ModelError, match="unknown VAE 'nothing'"):
        open_model("seedling", device="cpu", vae="nothing")


def test_revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two revisions of one model in the hub's cache on this machine, which is asked for without network."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--owner--name"
    (repository / "refs").mkdir(parents=True)
    for number, branch in enumerate(("main", "older")):
        commit = str(number) * 40
        (repository / "refs" / branch).write_text(commit)
        shutil.copytree(SEEDLING_FOLDER, repository / "snapshots" / commit)
        if branch == "older":
            (repository / "snapshots" / commit / "tokenizer" / "tokenizer.json").write_text("{}")
    assert find_model("owner/name@older").revision == find_model("owner/name", revision="older").revision == "older"
    assert find_model("owner/name").revision is None
    assert require_model("owner/name") is FAMILIES["seedling"]
    assert find_tokenizer("owner/name").parent.parent.name == "0" * 40
    assert find_tokenizer("owner/name@older").read_text() == "{}"
    assert open_model("owner/name", device="cpu").folder.name == "0" * 40
    with pytest.raises(ModelError, match="owner/name@never is not on this machine"):
        require_model("owner/name@never")
    for name, revision, message in (
        ("seedling", "main", "seedling is here and has no revisions"),
        ("owner/name@../x", None, "unknown model"),
        ("owner/name@a@b", None, "unknown model"),
        ("owner/name@a", "b", "unknown model"),
    ):
        with pytest.raises(ModelError, match=re.escape(message)):
            find_model(name, revision=revision)
