"""Grows Seedling from nothing: `python -m generate.training.grow FOLDER`.

Every stage keeps its result in FOLDER and is skipped when it is there, so that the same command goes on wherever it
was stopped. The stages: scenes, tokenizer, CLIP, patch code, decoder, U-Net, the U-Net's tuning on hard scenes of all
shapes, the decoder's polish (where it may learn to draw twice as large), export.
"""

from __future__ import annotations

import logging
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from diffusers import StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPModel, CLIPTokenizer

from generate.seedling import SEEDLING_CLIP_FOLDER, SEEDLING_FOLDER
from generate.training.networks.autoencoder import enlarged, new_autoencoder, picture_set, train_autoencoder
from generate.training.networks.clip import enlarged_clip, train_clip
from generate.training.networks.export import export, export_clip
from generate.training.networks.judge import train_judge
from generate.training.networks.latents import SHIPPED_CODE, PatchCode, encode_all, find_patch_code
from generate.training.networks.text_encoder import text_encoder_of
from generate.training.networks.tokenizer import train_tokenizer
from generate.training.networks.unet import (
    LatentSet,
    drawn_by,
    latent_set,
    new_unet,
    train_unet,
)
from generate.training.scenes.dataset import CHUNK, SIZE, DataSet, joined, make_data_set, squashed
from generate.training.scenes.scene import OBLONG, SQUARE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scenes:
    """The sets that Seedling learns from, each drawn into a folder of its own when it is first asked for.

    `rich` and `plain` are how many square ones there are, `oblong` how many of each other shape; a third of them are
    drawn large too, which is enough for edges.
    """

    folder: Path
    rich_count: int
    plain_count: int
    oblong_count: int
    size: int
    workers: int

    def rich(self) -> DataSet:
        return self._set("rich", self.rich_count, seed=22, richness=0.95)

    def plain(self) -> DataSet:
        return self._set("plain", self.plain_count, seed=21, richness=0.0)

    def oblong(self) -> list[DataSet]:
        return [self._oblong(grid, self.oblong_count, SIZE) for grid in OBLONG if self.oblong_count]

    def large(self) -> list[DataSet]:
        """The first third of each of the others, at the full size, in the order of `all`."""
        oblong = [self._oblong(grid, _third(self.oblong_count), self.size) for grid in OBLONG if self.oblong_count]
        return [
            self._set("rich", _third(self.rich_count), seed=22, richness=0.95, size=self.size),
            self._set("plain", _third(self.plain_count), seed=21, richness=0.0, size=self.size),
            *oblong,
        ]

    def all(self) -> list[DataSet]:
        return [self.rich(), self.plain(), *self.oblong()]

    def _oblong(self, grid: tuple[int, int], count: int, size: int) -> DataSet:
        name = "x".join(map(str, grid))
        return self._set(name, count, seed=100 * grid[0] + grid[1], richness=0.8, grid=grid, size=size)

    def _set(
        self,
        name: str,
        count: int,
        *,
        seed: int,
        richness: float,
        size: int = SIZE,
        grid: tuple[int, int] = SQUARE,
    ) -> DataSet:
        folder = self.folder / (name if size == SIZE else f"{name}-{size}")
        return make_data_set(
            folder, count, seed=seed, richness=richness, varied=True, size=size, grid=grid, workers=self.workers
        )


def _third(count: int) -> int:
    """A third of a number of scenes, in whole chunks, so that it shows the first of them."""
    return max(count // 3 // CHUNK * CHUNK, min(count, CHUNK))


def grow(
    folder: Annotated[
        Path, typer.Argument(help="Where data and checkpoints are kept: outside the repository: 14 GB, 6 for 128 px.")
    ],
    pictures: Annotated[int, typer.Option(help="How many pictures the U-Net sees in all.")] = 170_000,
    tune_pictures: Annotated[
        int, typer.Option(help="How many pictures it sees after that, of all shapes, most of them hard to learn.")
    ] = 110_000,
    decoder_pictures: Annotated[int, typer.Option(help="How many pictures the decoder sees in all.")] = 24_000,
    polish_pictures: Annotated[
        int, typer.Option(help="How many pictures drawn by the U-Net the decoder sees.")
    ] = 24_000,
    clip_pictures: Annotated[
        int, typer.Option(help="How many pictures the CLIP sees in all; 0: it stays as it is.")
    ] = 120_000,
    rich: Annotated[int, typer.Option(help="Scenes with settings, styles and weather to draw.")] = 40_960,
    plain: Annotated[int, typer.Option(help="Scenes of a subject and an action alone to draw.")] = 8_192,
    oblong: Annotated[int, typer.Option(help="Scenes to draw of each shape that is not square.")] = 4_096,
    size: Annotated[
        int, typer.Option(help="Side of the pictures: 128, or 256 for a decoder that draws the same latents larger.")
    ] = 256,
    unet_seconds: Annotated[
        float, typer.Option(help="At most so long for `pictures`; the rate falls in time.")
    ] = math.inf,
    tune_seconds: Annotated[float, typer.Option(help="At most so long for `tune-pictures`.")] = math.inf,
    polish_seconds: Annotated[float, typer.Option(help="At most so long for `polish-pictures`.")] = math.inf,
    batch: Annotated[int, typer.Option(help="Pictures that the U-Net learns from at once; 768 suits a GPU.")] = 48,
    threads: Annotated[int, typer.Option(help="CPU threads; two spin-waiting threads suffer on a busy machine.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes that draw scenes.")] = 2,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    export_to: Annotated[
        Path, typer.Option(help="The model folder to write; the shipped one by default. The CLIP goes beside it.")
    ] = SEEDLING_FOLDER,
    go_on: Annotated[bool, typer.Option(help="Begin with the shipped weights, not from nothing.")] = False,
    draw_only: Annotated[
        bool, typer.Option(help="Only draw the scenes. A second process that grows meanwhile waits for what it needs.")
    ] = False,
    clip_only: Annotated[bool, typer.Option(help="Only grow the CLIP.")] = False,
) -> None:
    """Grows Seedling, or goes on with it, and exports the averaged weights."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    scenes = Scenes(folder, rich, plain, oblong, size, workers)
    if draw_only:
        scenes.all()
        if size > SIZE:
            scenes.large()
        return

    # The tokenizer first: everything else reads by it. What is shipped is taken on as it is.
    code_file = folder / "code.safetensors"
    if go_on:
        shutil.copyfile(SHIPPED_CODE, code_file)
        shutil.copytree(SEEDLING_FOLDER / "tokenizer", folder / "tokenizer", dirs_exist_ok=True)
    if not (folder / "tokenizer" / "tokenizer.json").is_file():
        train_tokenizer(folder / "tokenizer")
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    if clip_only:
        _grow_clip(scenes, tokenizer, folder, clip_pictures, device)
        return

    if not code_file.is_file():
        find_patch_code(scenes.rich()).save(code_file)
    code = PatchCode.load(code_file)
    if go_on:
        shipped = StableDiffusionPipeline.from_pretrained(SEEDLING_FOLDER, dtype=torch.float32)
        autoencoder, text_encoder, unet = shipped.vae, shipped.text_encoder, shipped.unet
        if device == "cpu":  # there faster than flash attention's backward pass
            unet.set_attn_processor(AttnProcessor())
            text_encoder.set_attn_implementation("eager")
    else:
        clip = _grow_clip(scenes, tokenizer, folder, clip_pictures, device)
        text_encoder, unet = text_encoder_of(clip), new_unet()
        rich_scenes = scenes.rich()
        rich_latents = encode_all(rich_scenes, code, folder / "rich-latents.npy")
        autoencoder = train_autoencoder(
            new_autoencoder(),
            [picture_set(rich_scenes, rich_latents)],
            folder / "vae.pt",
            pictures=decoder_pictures,
            device=device,
        )

    def latents_of(data: DataSet, name: str, *, hard: bool = False) -> LatentSet:
        return latent_set(data, encode_all(data, code, folder / f"{name}-latents.npy"), tokenizer, hard=hard)

    plain_set = latents_of(scenes.plain(), "plain")
    average = train_unet(
        plain_set,
        latents_of(scenes.rich(), "rich"),
        unet,
        text_encoder,
        tokenizer,
        folder / "unet.pt",
        pictures=pictures,
        plain_first=0.3 if go_on else 1.0,
        batch=batch,
        rate=8e-4 * (batch / 48) ** 0.125,
        seconds=unet_seconds,
        device=device,
    )
    unet.load_state_dict(average.modules["unet"].state_dict())
    text_encoder.load_state_dict(average.modules["text_encoder"].state_dict())
    hard_set = latents_of(scenes.rich(), "rich", hard=True)
    oblong_sets = [latents_of(data, "x".join(map(str, data.scenes[0].grid)), hard=True) for data in scenes.oblong()]
    average = train_unet(
        plain_set,
        hard_set,
        unet,
        text_encoder,
        tokenizer,
        folder / "tune.pt",
        pictures=tune_pictures,
        oblong=oblong_sets,
        plain_first=0.15,
        figure_weight=2.0,
        batch=batch,
        rate=6e-4 * (batch / 48) ** 0.125,
        seconds=tune_seconds,
        device=device,
    )
    unet, text_encoder = average.modules["unet"], average.modules["text_encoder"]

    eye = None
    shown, told = scenes.all(), [hard_set, plain_set, *oblong_sets]
    if size > SIZE:
        shown = scenes.large()
        # Not the judge of evaluate.py: what is measured with must not be what was learnt from.
        eye = train_judge(scenes.rich(), folder / "eye.pt", pictures=9_600, device=device)
    while autoencoder.config.sample_size < size:
        autoencoder = enlarged(autoencoder)
    train_autoencoder(
        autoencoder,
        [picture_set(data, one.latents[: len(data)].numpy()) for data, one in zip(shown, told, strict=True)],
        folder / "polish.pt",
        pictures=polish_pictures,
        judge=eye,
        criticised=0.0 if eye is None else 0.3,
        batch=6 if device == "cpu" else 96,
        rate=8e-4,
        seconds=polish_seconds,
        device=device,
        roughen=drawn_by(unet, text_encoder, tokenizer, *told),
    )
    clip = _grow_clip(scenes, tokenizer, folder, clip_pictures, device)
    while clip.config.vision_config.image_size < size:
        clip = enlarged_clip(clip)
    export_clip(export_to.with_name("clip"), folder / "tokenizer", clip)
    export(export_to, folder / "tokenizer", text_encoder.cpu(), unet.cpu(), autoencoder.cpu().eval())
    log.info("exported to %s", export_to)


def _grow_clip(scenes: Scenes, tokenizer: CLIPTokenizer, folder: Path, pictures: int, device: str) -> CLIPModel:
    """The CLIP, which looks at pictures of every shape as if they were square; for 0 pictures, the shipped one."""
    if pictures == 0:
        return CLIPModel.from_pretrained(SEEDLING_CLIP_FOLDER).eval()
    seen = joined(*(squashed(data) for data in scenes.all()))
    return train_clip(seen, tokenizer, folder / "clip.pt", pictures=pictures, device=device).cpu()


if __name__ == "__main__":
    typer.run(grow)
