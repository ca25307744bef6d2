"""Other programs' settings, one file for each program: text in, `PictureParameters` out. Nothing is executed."""

from __future__ import annotations

from generate.files.foreign.automatic1111 import infotext_of, parameters_of_infotext
from generate.files.foreign.flat_settings import loras_of_prompt
from generate.files.foreign.reader import KEYWORDS, Texts, read_foreign
from generate.files.foreign.settings import shown

__all__ = [
    "KEYWORDS",
    "Texts",
    "infotext_of",
    "loras_of_prompt",
    "parameters_of_infotext",
    "read_foreign",
    "shown",
]
