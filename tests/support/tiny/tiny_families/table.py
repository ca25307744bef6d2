"""All tiny models, by the names of their families."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_families.gemma import lumina2, sana
from tiny_families.glm import cogview4
from tiny_families.mistral import ernie_image, flux2
from tiny_families.qwen import flux2_klein, hunyuan_image, kandinsky5, krea2, qwen_image, qwen_image_2_1, z_image
from tiny_families.t5 import chroma, flux, pixart, sd3

BUILDERS: dict[str, Callable[[], Any]] = {
    "z-image": z_image,
    "flux2-klein": lambda: flux2_klein(True),
    "flux2-klein-base": lambda: flux2_klein(False),
    "flux": lambda: flux(True),
    "flux-schnell": lambda: flux(False),
    "qwen-image": qwen_image,
    "qwen-image-2.1": qwen_image_2_1,
    "sd3": sd3,
    "chroma": chroma,
    "krea2": lambda: krea2(False),
    "krea2-turbo": lambda: krea2(True),
    "sana": lambda: sana(False),
    "sana-sprint": lambda: sana(True),
    "flux2": flux2,
    "ernie-image": ernie_image,
    "pixart": pixart,
    "kandinsky5": kandinsky5,
    "hunyuan-image": lambda: hunyuan_image(False),
    "hunyuan-image-distilled": lambda: hunyuan_image(True),
    "lumina2": lumina2,
    "cogview4": cogview4,
}

#: What the makers' model_index.json says of parts in whose place a tokenizer was saved.
_NAMED: dict[str, dict[str, list[str]]] = {
    "flux2": {"tokenizer": ["transformers", "PixtralProcessor"]},
    "kandinsky5": {"tokenizer": ["transformers", "Qwen2_5_VLProcessor"]},
    "qwen-image-2.1": {"processor": ["transformers", "Qwen3VLProcessor"]},
}


def save_tiny(family: str, folder: Path) -> Path:
    """The tiny model of the family in that folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BUILDERS[family]().save_pretrained(folder)
    for part, named in _NAMED.get(family, {}).items():
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        (folder / "model_index.json").write_text(json.dumps(index | {part: named}), encoding="utf-8")
    return folder
