"""Transformers whose words are read by a language model, from Gemma to Qwen: one file a family."""

from __future__ import annotations

from generate.families.llm.cogview4 import COGVIEW4
from generate.families.llm.ernie_image import ERNIE_IMAGE
from generate.families.llm.flux2 import FLUX2, FLUX2_KLEIN, FLUX2_KLEIN_BASE
from generate.families.llm.hunyuan_image import HUNYUAN_IMAGE, HUNYUAN_IMAGE_DISTILLED
from generate.families.llm.kandinsky5 import KANDINSKY5
from generate.families.llm.krea2 import KREA2, KREA2_TURBO
from generate.families.llm.lumina2 import LUMINA2
from generate.families.llm.qwen_image import QWEN_IMAGE
from generate.families.llm.qwen_image_2_1 import QWEN_IMAGE_2_1
from generate.families.llm.sana import SANA, SANA_SPRINT
from generate.families.llm.z_image import Z_IMAGE

__all__ = [
    "COGVIEW4",
    "ERNIE_IMAGE",
    "FLUX2",
    "FLUX2_KLEIN",
    "FLUX2_KLEIN_BASE",
    "HUNYUAN_IMAGE",
    "HUNYUAN_IMAGE_DISTILLED",
    "KANDINSKY5",
    "KREA2",
    "KREA2_TURBO",
    "LUMINA2",
    "QWEN_IMAGE",
    "QWEN_IMAGE_2_1",
    "SANA",
    "SANA_SPRINT",
    "Z_IMAGE",
]
