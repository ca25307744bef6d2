"""Export: the trained parts as one pipeline folder, in half precision, as `from_pretrained` wants it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from generate.seedling.training.unet import NOISE_SCHEDULE


def export(
    folder: Path, tokenizer: Path, text_encoder: CLIPTextModel, unet: UNet2DConditionModel, autoencoder: AutoencoderKL
) -> None:
    """Writes the model to `folder`, replacing what is there. `tokenizer` is the folder that `train_tokenizer` wrote."""
    schedule = {key: value for key, value in NOISE_SCHEDULE.items() if key not in ("clip_sample", "set_alpha_to_one")}
    scheduler = DPMSolverMultistepScheduler(**schedule, use_karras_sigmas=True)
    pipeline = StableDiffusionPipeline(
        vae=autoencoder, text_encoder=text_encoder, tokenizer=CLIPTokenizer.from_pretrained(tokenizer), unet=unet,
        scheduler=scheduler, safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    pipeline.to(dtype=torch.float16).save_pretrained(partial, safe_serialization=True)
    # transformers writes tokenizer.json alone; other programs look for the vocabulary and the merges.
    for file in tokenizer.iterdir():
        shutil.copyfile(file, partial / "tokenizer" / file.name)
    # Not arguments of this scheduler, but others are built from its configuration and DDIM needs them.
    _amend(partial / "scheduler" / "scheduler_config.json", clip_sample=False, set_alpha_to_one=False)
    # Or transformers would compute in half precision while diffusers takes float32, unless told otherwise.
    _amend(partial / "text_encoder" / "config.json", dtype="float32")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _amend(file: Path, **settings: object) -> None:
    content = {**json.loads(file.read_text(encoding="utf-8")), **settings}
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
