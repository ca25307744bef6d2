"""Export: the trained parts as one pipeline folder, as `from_pretrained` wants it."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import nn
from transformers import CLIPModel, CLIPTextModel, CLIPTokenizer

from generate.training.networks.clip import MEAN, STD
from generate.training.networks.unet import NOISE_SCHEDULE


def export(
    folder: Path, tokenizer: Path, text_encoder: CLIPTextModel, unet: UNet2DConditionModel, autoencoder: AutoencoderKL
) -> None:
    """Writes the model to `folder`, replacing what is there. `tokenizer` is the folder that `train_tokenizer` wrote.

    Half precision, but for the weights of the U-Net's blocks: these are in 8 bits, float8 E4M3, which `from_pretrained`
    turns into whatever is asked for. The card says what the rounding costs.
    """
    schedule = {key: value for key, value in NOISE_SCHEDULE.items() if key not in ("clip_sample", "set_alpha_to_one")}
    scheduler = DPMSolverMultistepScheduler(**schedule, use_karras_sigmas=True)
    # Copies: halving the precision of a model that is still being trained would end its training.
    pipeline = StableDiffusionPipeline(
        vae=copy.deepcopy(autoencoder),
        text_encoder=copy.deepcopy(text_encoder),
        unet=copy.deepcopy(unet),
        tokenizer=CLIPTokenizer.from_pretrained(tokenizer),
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    pipeline.to(dtype=torch.float16)
    for block in (*pipeline.unet.down_blocks, pipeline.unet.mid_block, *pipeline.unet.up_blocks):
        for layer in block.modules():
            if isinstance(layer, nn.Linear | nn.Conv2d):
                layer.weight.data = layer.weight.data.to(torch.float8_e4m3fn)
    pipeline.save_pretrained(partial, safe_serialization=True)
    # transformers writes tokenizer.json alone; other programs look for the vocabulary and the merges.
    for file in tokenizer.iterdir():
        shutil.copyfile(file, partial / "tokenizer" / file.name)
    for part in ("unet", "vae"):  # where a part was read from is nobody's business
        _amend(partial / part / "config.json", _name_or_path="seedling")
    # Not arguments of this scheduler, but others are built from its configuration and DDIM needs them.
    _amend(partial / "scheduler" / "scheduler_config.json", clip_sample=False, set_alpha_to_one=False)
    # Or transformers would compute in half precision while diffusers takes float32, unless told otherwise.
    _amend(partial / "text_encoder" / "config.json", dtype="float32")
    _put(partial, folder)


def export_clip(folder: Path, tokenizer: Path, clip: CLIPModel) -> None:
    """Writes the CLIP to `folder`, replacing what is there, as `CLIPModel.from_pretrained` and `CLIPProcessor` read
    it."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    copy.deepcopy(clip).to(dtype=torch.float16).save_pretrained(partial, safe_serialization=True)
    _amend(partial / "config.json", dtype="float32")
    for file in tokenizer.iterdir():
        shutil.copyfile(file, partial / file.name)
    side = clip.config.vision_config.image_size
    preparation = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"height": side, "width": side},
        "resample": 1,
        "do_center_crop": False,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(MEAN),
        "image_std": list(STD),
    }
    (partial / "preprocessor_config.json").write_text(json.dumps(preparation, indent=2) + "\n", encoding="utf-8")
    _put(partial, folder)


def _put(partial: Path, folder: Path) -> None:
    """Puts the finished `partial` where `folder` is or will be."""
    for weights in partial.rglob("*.safetensors"):
        shutil.copymode(weights.with_name("config.json"), weights)  # they were written for their owner's eyes only
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _amend(file: Path, **settings: object) -> None:
    content = {**json.loads(file.read_text(encoding="utf-8")), **settings}
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
