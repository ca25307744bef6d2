"""Grows Seedling from nothing: `python -m generate.training.grow FOLDER`.

Every stage keeps its result in FOLDER and is skipped when it is there, so that the same command goes on wherever it
was stopped. The stages: scenes, tokenizer, CLIP, patch code, decoder, U-Net, the U-Net's tuning on hard scenes, the
decoder's polish (where it may learn to draw twice as large), export.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from diffusers import StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPModel, CLIPTokenizer

from generate.seedling import SEEDLING_CLIP_FOLDER, SEEDLING_FOLDER
from generate.training.autoencoder import enlarged, new_autoencoder, train_autoencoder
from generate.training.clip import enlarged_clip, train_clip
from generate.training.dataset import SIZE, joined, make_data_set
from generate.training.export import export, export_clip
from generate.training.judge import train_judge
from generate.training.latents import PatchCode, encode_all, find_patch_code
from generate.training.text_encoder import text_encoder_of
from generate.training.tokenizer import train_tokenizer
from generate.training.unet import (
    COARSE_LAYERS,
    Average,
    LatentSet,
    drawn_by,
    hard_scenes,
    new_unet,
    train_unet,
)

log = logging.getLogger(__name__)

#: The code that the shipped weights were trained with.
SHIPPED_CODE = Path(__file__).with_name("patch_code.safetensors")


def grow(
    folder: Annotated[
        Path, typer.Argument(help="Where data and checkpoints are kept: outside the repository, 4 GB; 8 GB for 256 px.")
    ],
    pictures: Annotated[int, typer.Option(help="How many pictures the U-Net sees in all.")] = 170_000,
    tune_pictures: Annotated[
        int, typer.Option(help="How many pictures its finer layers see after that, of scenes that are hard to learn.")
    ] = 110_000,
    decoder_pictures: Annotated[int, typer.Option(help="How many pictures the decoder sees in all.")] = 24_000,
    polish_pictures: Annotated[
        int, typer.Option(help="How many pictures drawn by the U-Net the decoder sees.")
    ] = 24_000,
    clip_pictures: Annotated[int, typer.Option(help="How many pictures the CLIP sees in all.")] = 120_000,
    rich: Annotated[int, typer.Option(help="Scenes with settings, styles and weather to draw.")] = 40_960,
    plain: Annotated[int, typer.Option(help="Scenes of a subject and an action alone to draw.")] = 8_192,
    size: Annotated[
        int, typer.Option(help="Side of the pictures: 128, or 256 for a decoder that draws the same latents larger.")
    ] = SIZE,
    compiled: Annotated[
        bool, typer.Option(help="Compile the decoder while it learns: faster, needs a C++ compiler.")
    ] = False,
    threads: Annotated[int, typer.Option(help="CPU threads; two spin-waiting threads suffer on a busy machine.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    export_to: Annotated[
        Path, typer.Option(help="The model folder to write; the shipped one by default. The CLIP goes beside it.")
    ] = SEEDLING_FOLDER,
    go_on: Annotated[bool, typer.Option(help="Begin with the shipped weights, not from nothing.")] = False,
    export_often: Annotated[bool, typer.Option(help="Also export at every checkpoint, to look at it.")] = False,
) -> None:
    """Grows Seedling, or goes on with it, and exports the averaged weights."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    rich_scenes = make_data_set(folder / "rich", rich, seed=22, richness=0.95)
    plain_scenes = make_data_set(folder / "plain", plain, seed=21, richness=0.0)

    code_file = folder / "code.safetensors"
    if go_on:
        shutil.copyfile(SHIPPED_CODE, code_file)
        shutil.copytree(SEEDLING_FOLDER / "tokenizer", folder / "tokenizer", dirs_exist_ok=True)
    if not (folder / "tokenizer" / "tokenizer.json").is_file():
        train_tokenizer(folder / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    if not code_file.is_file():
        find_patch_code(rich_scenes).save(code_file)
    code = PatchCode.load(code_file)
    rich_latents = encode_all(rich_scenes, code, folder / "rich-latents.npy")
    plain_latents = encode_all(plain_scenes, code, folder / "plain-latents.npy")
    if go_on:
        clip = CLIPModel.from_pretrained(SEEDLING_CLIP_FOLDER).eval()
    else:
        clip = train_clip(rich_scenes, tokenizer, folder / "clip.pt", pictures=clip_pictures, device=device)
    while clip.config.vision_config.image_size < size:
        clip = enlarged_clip(clip)
    export_clip(export_to.with_name("clip"), folder / "tokenizer", clip)
    if go_on:
        shipped = StableDiffusionPipeline.from_pretrained(SEEDLING_FOLDER, dtype=torch.float32)
        autoencoder, text_encoder, unet = shipped.vae, shipped.text_encoder, shipped.unet
        unet.set_attn_processor(AttnProcessor())
        text_encoder.set_attn_implementation("eager")
    else:
        autoencoder = train_autoencoder(
            new_autoencoder(),
            rich_scenes,
            rich_latents,
            folder / "vae.pt",
            pictures=decoder_pictures,
            compiled=compiled,
            device=device,
        )
        text_encoder, unet = text_encoder_of(clip), new_unet()

    def write(_steps: int, average: Average) -> None:
        export(
            export_to,
            folder / "tokenizer",
            average.modules["text_encoder"],
            average.modules["unet"],
            autoencoder.eval(),
        )
        log.info("exported to %s", export_to)

    plain_set = LatentSet(np.asarray(plain_latents), plain_scenes.scenes, plain_scenes.coverage)
    rich_set = LatentSet(np.asarray(rich_latents), rich_scenes.scenes, rich_scenes.coverage)
    on_save = write if export_often else None
    average = train_unet(
        plain_set,
        rich_set,
        unet,
        text_encoder,
        tokenizer,
        folder / "unet.pt",
        pictures=pictures,
        plain_first=0.3 if go_on else 1.0,
        device=device,
        on_save=on_save,
    )
    unet.load_state_dict(average.modules["unet"].state_dict())
    text_encoder.load_state_dict(average.modules["text_encoder"].state_dict())
    average = train_unet(
        plain_set,
        hard_scenes(rich_set),
        unet,
        text_encoder,
        tokenizer,
        folder / "tune.pt",
        pictures=tune_pictures,
        plain_first=0.15,
        figure_weight=2.0,
        frozen=COARSE_LAYERS,
        rate=4e-4,
        device=device,
        on_save=on_save,
    )
    while autoencoder.config.sample_size < size:
        autoencoder = enlarged(autoencoder)
    side = autoencoder.config.sample_size
    shown, shown_latents, eye = rich_scenes, rich_latents, None
    if side > SIZE:
        # A third of the scenes is enough for edges: they are drawn large, in the same order as those of the latents.
        some_rich, some_plain = rich // 3 // 512 * 512, plain // 3 // 512 * 512
        shown = joined(
            make_data_set(folder / f"rich-{side}", some_rich, seed=22, richness=0.95, size=side),
            make_data_set(folder / f"plain-{side}", some_plain, seed=21, richness=0.0, size=side),
        )
        shown_latents = np.concatenate([rich_latents[:some_rich], plain_latents[:some_plain]])
        # Not the judge of evaluate.py: what is measured with must not be what was learnt from.
        eye = train_judge(rich_scenes, folder / "eye.pt", pictures=9_600)
    train_autoencoder(
        autoencoder,
        shown,
        shown_latents,
        folder / "polish.pt",
        pictures=polish_pictures,
        judge=eye,
        criticised=0.0 if eye is None else 0.3,
        rate=8e-4,
        compiled=compiled,
        device=device,
        roughen=drawn_by(average.modules["unet"], average.modules["text_encoder"], tokenizer, shown.scenes),
    )
    write(pictures, average)


if __name__ == "__main__":
    typer.run(grow)
