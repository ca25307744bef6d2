"""Picture files: what stands in them, of our own and of other programs, and what a new pair takes over from it.

>>> from generate.settings import RenderSettings
>>> texts = plain_picture_texts("a dog", "blurry", RenderSettings(seed=7), 7, (128, 128), "ab" * 32)
>>> print(texts["parameters"].splitlines()[1])
Negative prompt: blurry
"""

from __future__ import annotations

from generate.files.infotext import PictureError
from generate.files.likeness import Likeness, likeness_of
from generate.files.mark import TwinseedMark, pair_of, settings_of_seed, settings_without_folders, without_folder
from generate.files.parameters import LoraUse, PictureParameters
from generate.files.picture_file import (
    XMP_PACKET,
    mark_in,
    parse_picture,
    plain_picture_texts,
    read_mark,
    read_picture,
    texts_of_pair,
)
from generate.files.png import encode_png, pixels_sha256

__all__ = [
    "XMP_PACKET",
    "Likeness",
    "LoraUse",
    "PictureError",
    "PictureParameters",
    "TwinseedMark",
    "encode_png",
    "likeness_of",
    "mark_in",
    "pair_of",
    "parse_picture",
    "pixels_sha256",
    "plain_picture_texts",
    "read_mark",
    "read_picture",
    "settings_of_seed",
    "settings_without_folders",
    "texts_of_pair",
    "without_folder",
]
