"""A gallery of Seedling: `python -m generate.training.gallery OUT.png`, 36 random prompts with fixed seeds."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from PIL import Image, ImageDraw, ImageFont

from generate.models import open_model
from generate.training.evaluate import generate_pictures
from generate.training.scenes.captions import caption
from generate.training.scenes.scene import draw_scene
from ideation import seedling_vocabulary

_COLUMNS, _SIDE, _LABEL, _GAP = 6, 256, 64, 14


def gallery(
    out: Annotated[Path, typer.Argument(help="The picture to write, .png or .webp.")],
    seed: Annotated[int, typer.Option(help="Of the prompts; the pictures have the seeds 0 to 35.")] = 36,
    model: Annotated[str, typer.Option()] = "seedling",
    guidance: Annotated[float, typer.Option()] = 5.0,
) -> None:
    """Draws 36 prompts at random, some plain and some rich, none of them chosen, and renders them."""
    random, vocabulary = Random(seed), seedling_vocabulary()
    scenes = [draw_scene(random, vocabulary, richness=0.8) for _ in range(36)]
    prompts = [caption(scene, random, vocabulary, keep=1.0, chattering=False, relatives=False) for scene in scenes]
    pictures = generate_pictures(open_model(model), prompts, "DPM++ 2M Karras", 20, guidance)
    labelled(pictures, prompts).save(out, optimize=True, quality=80, method=6)


def labelled(pictures: Sequence[Image.Image], labels: Sequence[str]) -> Image.Image:
    """The pictures in rows of six on a white sheet, each with its prompt under it."""
    rows = -(-len(pictures) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * (_SIDE + _GAP) + _GAP, rows * (_SIDE + _LABEL + _GAP) + _GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        x, y = _GAP + number % _COLUMNS * (_SIDE + _GAP), _GAP + number // _COLUMNS * (_SIDE + _LABEL + _GAP)
        sheet.paste(picture, (x, y))
        pen.multiline_text(
            (x, y + _SIDE + 5), "\n".join(textwrap.wrap(label, 34)[:3]), fill=(60, 60, 60), font=font, spacing=3
        )
    return sheet


if __name__ == "__main__":
    typer.run(gallery)
