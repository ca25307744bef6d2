"""Seedling: the miniature Stable Diffusion that is shipped with the program."""

from __future__ import annotations

from pathlib import Path

#: The model in diffusers' folder layout, as `StableDiffusionPipeline.from_pretrained` reads it.
SEEDLING_FOLDER = Path(__file__).parent / "model"

#: The small CLIP that was grown on the same scenes, as `CLIPModel.from_pretrained` reads it.
SEEDLING_CLIP_FOLDER = Path(__file__).parent / "clip"

#: Its tokenizer for the Rust library `tokenizers`, which counts tokens without loading torch.
SEEDLING_TOKENIZER = SEEDLING_FOLDER / "tokenizer" / "tokenizer.json"

__all__ = ["SEEDLING_CLIP_FOLDER", "SEEDLING_FOLDER", "SEEDLING_TOKENIZER"]
