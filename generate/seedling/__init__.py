"""Seedling: the miniature Stable Diffusion that is shipped with the program."""

from __future__ import annotations

from pathlib import Path

#: The model in diffusers' folder layout, as `StableDiffusionPipeline.from_pretrained` reads it.
SEEDLING_FOLDER = Path(__file__).parent / "model"

#: The small CLIP that was grown on the same scenes, as `CLIPModel.from_pretrained` reads it.
SEEDLING_CLIP_FOLDER = Path(__file__).parent / "clip"

#: Its tokenizer for the Rust library `tokenizers`, which counts tokens without loading torch.
SEEDLING_TOKENIZER = SEEDLING_FOLDER / "tokenizer" / "tokenizer.json"

#: The widths and heights in pixels that it was grown on; the same are listed in `templates/aspect_ratios/`.
SEEDLING_SIZES = ((256, 256), (352, 256), (256, 352), (384, 256), (256, 384), (448, 256), (256, 448))

#: The weights that were shipped before, by their digest, with the side of their pictures in pixels. When other weights
#: are shipped, those that they replace get a line here: so it can be said why a picture of theirs is not drawn again.
EARLIER_SEEDLINGS = {
    "c054213cb57cb1798d111b96c151d61a7f4fcf4f4585ca8a76428ffd13635e6f": 128,
    "ded8762357028a00f731de2cb30765a5804168b9cb0607407db4af8f53620965": 128,
    "bd696fe9c2cb88d68587606f73020ba9d1bc33b05365845655f494a3a98f1b8d": 256,
    "77d8ed458a15405573311a82d58a877cbe5ede346501efaf58d55ab612d8cd4d": 128,
}

#: The digests of the CLIPs that were shipped before.
EARLIER_SEEDLING_CLIPS = frozenset[str]()

__all__ = [
    "EARLIER_SEEDLINGS",
    "EARLIER_SEEDLING_CLIPS",
    "SEEDLING_CLIP_FOLDER",
    "SEEDLING_FOLDER",
    "SEEDLING_SIZES",
    "SEEDLING_TOKENIZER",
]
