"""A transformer that comes alone: what it lacks is lent by another model, or named."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Twinseed
from makers_layout import makers_layout
from safetensors.torch import load_file, save_file
from tiny_in_turn import SHORT, Folders, Opened, pixels, prompts_of, settings_of

from generate.families import FAMILIES
from generate.models import ModelError, family_of, known_models, open_model
from generate.models.weights.weight_file import digest_of_file
from generate.render import Frame, render_pair, render_series
from ideation import TwinseedError

pytest_plugins = ["tiny_in_turn"]


@pytest.mark.parametrize(
    ("tensors", "title"),
    [
        (
            (
                "model.diffusion_model.double_blocks.0.img_attn.qkv.weight",
                "model.diffusion_model.single_blocks.0.linear1.weight",
            ),
            "FLUX.1",
        ),
        (("noise_refiner.0.attention.qkv.weight", "x_pad_token"), "Z-Image"),
        (("transformer_blocks.0.img_mod.1.weight",), "Qwen-Image"),
        (("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight",), "Stable Diffusion 3"),
    ],
)
def test_a_lone_transformer_wants_the_rest_of_its_model(
    tensors: tuple[str, ...], title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    save_file({name: torch.zeros(2, 2) for name in tensors}, tmp_path / "made.safetensors")
    (listed,) = (model for model in known_models() if model.name == "made.safetensors")
    assert (listed.kind, FAMILIES[listed.family].title) == ("transformer", title)
    with pytest.raises(ModelError, match=f"is a transformer of {title} without text encoders and VAE$") as caught:
        open_model("made")
    assert str(tmp_path / "made") in str(caught.value.hint)


def taken_out(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of the transformer in the folder, as its makers call them; the file is taken away."""
    (own,) = (folder / "transformer").glob("*.safetensors")
    tensors = makers_layout(folder.name, load_file(own))
    own.unlink()
    return tensors


def test_a_transformer_in_its_makers_layout_is_read_from_its_file(
    folders: Folders, opened: Opened, tmp_path: Path
) -> None:
    folder = tmp_path / "z-image"
    shutil.copytree(folders("z-image"), folder)
    tensors = taken_out(folder)
    file = folder / "transformer" / "made_bf16.safetensors"
    save_file(tensors, file)
    plain, settings = opened("z-image"), settings_of(opened("z-image"), num_inference_steps=1)
    with open_model(str(folder), device="cpu") as model:
        assert any(digest_of_file(file) in str(note) for note in model.notes), "the file is named with its hash"
        pair = render_pair(prompts_of(model), settings, model)
    same = render_pair(prompts_of(plain), settings, plain)
    assert [one.image.tobytes() for one in pair.pictures] == [one.image.tobytes() for one in same.pictures]
    more = {f"{part}.x.weight": torch.ones(3) for part in ("text_encoders.qwen3_4b.transformer", "vae.decoder")}
    save_file(tensors | more, file)
    with open_model(str(folder), device="cpu") as model:
        told = set(map(str, model.notes))
        whole = render_pair(prompts_of(model), settings, model)
    assert [one.image.tobytes() for one in whole.pictures] == [one.image.tobytes() for one in same.pictures]
    assert told >= {
        "the file's own text encoders are not read: those of the model's folder are used",
        "the file's own VAE is not read: that of the model's folder is used",
        "of made_bf16.safetensors, 6 numbers were left unread",
    }
    other = folder / "transformer" / "other.safetensors"
    save_file({"x": torch.zeros(1)}, other)
    with pytest.raises(ModelError, match="which of them is the transformer cannot be told"):
        open_model(str(folder), device="cpu")
    other.unlink()
    scale = "layers.0.attention.out.scale_weight"
    save_file(tensors | {scale: torch.ones(1)}, file)
    with pytest.raises(ModelError, match=f"quantized, and {scale} would be passed over"):
        open_model(str(folder), device="cpu")
    del tensors["layers.0.attention.out.weight"]
    save_file(tensors, file)
    with pytest.raises(ModelError, match="is not whole: tensors are missing that ZImageTransformer2DModel has"):
        open_model(str(folder), device="cpu")


def test_a_lone_transformer_is_lent_the_rest(
    folders: Folders, opened: Opened, tmp_path: Path, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    whole, file = tmp_path / "z-image", tmp_path / "lone.safetensors"
    shutil.copytree(folders("z-image"), whole)
    save_file(taken_out(whole), file)
    (listed,) = (one for one in known_models() if one.name == file.name)
    assert (listed.kind, listed.family, listed.rest, listed.renders) == ("transformer", "z-image", whole, True)
    plain = opened("z-image")
    settings = settings_of(plain, num_inference_steps=1)
    with open_model("lone", device="cpu", memory="2GB") as model:
        assert "text encoders and VAE are those of z-image" in map(str, model.notes)
        assert model.digest != plain.digest
        pair = render_pair(prompts_of(model), settings, model)
    same = render_pair(prompts_of(plain), settings, plain)
    assert [one.image.tobytes() for one in pair.pictures] == [one.image.tobytes() for one in same.pictures]
    runs = ("--runs", str(tmp_path / "runs"))
    usual = ("--model", str(file), "--size", "64x64", "--steps", "1", "--clip", "none", *runs)
    done = twinseed("pair", SHORT, *usual, "--expander", "offline", "--json")
    assert done.code == 0, done.err
    assert twinseed("verify", "last", *runs).code == 0
    another = tmp_path / "another"
    shutil.copytree(whole, another)
    with pytest.raises(ModelError, match="which folder has them cannot be told") as caught:
        open_model("lone")
    assert str(caught.value.hint).endswith("another, z-image")
    another.rename(tmp_path / "lone")
    assert family_of("lone") is FAMILIES["z-image"], "what lies beside it goes first"


@pytest.mark.parametrize("name", ["sd3", "flux2-klein"])
def test_a_lone_transformer_of_other_makers(name: str, folders: Folders, opened: Opened, tmp_path: Path) -> None:
    whole, file = tmp_path / name, tmp_path / f"{name}.safetensors"
    shutil.copytree(folders(name), whole)
    save_file(taken_out(whole), file)
    plain = opened(name)
    frames, prompts = [Frame(SHORT, 5)], prompts_of(plain)
    with open_model(str(file), device="cpu") as model:
        assert model.family is FAMILIES[name]
        (lone,) = render_series(frames, prompts, settings_of(model, num_inference_steps=1), model)
    (same,) = render_series(frames, prompts, settings_of(plain, num_inference_steps=1), plain)
    assert np.abs(pixels(lone.image) - pixels(same.image)).max() <= 1, "weights that lie otherwise in memory round so"


@pytest.mark.parametrize(
    ("name", "missing", "message"),
    [
        ("flux", "text_encoder_2", "is not whole: its text_encoder_2 is missing"),
        ("sd3", "vae", "is not whole: its vae is missing"),
        ("z-image", "transformer", "transformer/config.json in .* cannot be read"),
        ("qwen-image", "text_encoder/model.safetensors", "cannot be loaded from .*no file named model.safetensors"),
        ("z-image", "tokenizer", "tokenizer"),
        ("z-image", "scheduler", "scheduler"),
    ],
)
def test_a_part_that_is_missing_is_named(
    name: str, missing: str, message: str, folders: Folders, tmp_path: Path
) -> None:
    lame = shutil.copytree(folders(name), tmp_path / name)
    gone = lame / missing
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    with pytest.raises(TwinseedError, match=message) as caught:
        open_model(str(lame), device="cpu")
    assert caught.value.hint
