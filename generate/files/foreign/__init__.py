"""Other programs' settings, one file for each program: text in, `PictureParameters` out. Nothing is executed."""

from __future__ import annotations

from generate.files.foreign.automatic1111 import infotext_of, parameters_of_infotext
from generate.files.foreign.comfyui import read_comfyui
from generate.files.foreign.fooocus import read_fooocus
from generate.files.foreign.invokeai import read_invokeai
from generate.files.foreign.novelai import read_novelai
from generate.files.foreign.settings import shown

__all__ = [
    "infotext_of",
    "parameters_of_infotext",
    "read_comfyui",
    "read_fooocus",
    "read_invokeai",
    "read_novelai",
    "shown",
]
