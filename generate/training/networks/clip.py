"""The small CLIP: stock `CLIPModel`, whose towers learn together which caption belongs to which picture.

It comes first: its text tower is what the U-Net's text encoder begins with, as it is with Stable Diffusion, and both
towers together score pictures against words. Radford et al. 2021, arXiv 2103.00020.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from transformers import CLIPConfig, CLIPModel, CLIPTextConfig, CLIPTokenizer, CLIPVisionConfig

from generate.training.networks.checkpoint import load_checkpoint, save_checkpoint
from generate.training.networks.text_encoder import WIDTH, text_configuration
from generate.training.networks.tokenizer import LIMIT
from generate.training.scenes.captions import ASPECTS, aspect_names, attribute_labels, caption
from generate.training.scenes.dataset import PATCH, SIZE, DataSet
from generate.training.scenes.scene import Scene
from ideation import seedling_vocabulary

log = logging.getLogger(__name__)

#: What pictures are normalised with: of scenes drawn by us, -1..1 is as good as any.
MEAN = STD = (0.5, 0.5, 0.5)


def new_clip(tokenizer: CLIPTokenizer) -> CLIPModel:
    text: CLIPTextConfig = text_configuration(tokenizer)
    vision = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=3 * WIDTH,
        num_hidden_layers=4,
        num_attention_heads=WIDTH // 32,
        image_size=SIZE,
        patch_size=PATCH,
        projection_dim=WIDTH,
    )
    model = CLIPModel(CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=WIDTH))
    model.set_attn_implementation("eager")  # on CPUs faster than flash attention's backward pass
    return model


@torch.no_grad()
def enlarged_clip(smaller: CLIPModel) -> CLIPModel:
    """The same CLIP for pictures of twice the size: it sees each of them as the mean of its 2 x 2 pixels."""
    config = copy.deepcopy(smaller.config)
    config.vision_config.image_size *= 2
    config.vision_config.patch_size *= 2
    larger, known = CLIPModel(config), smaller.state_dict()
    patches = "vision_model.embeddings.patch_embedding.weight"
    known[patches] = known[patches].repeat_interleave(2, 2).repeat_interleave(2, 3) / 4
    larger.load_state_dict(known)
    return larger.eval()


def train_clip(
    data: DataSet,
    tokenizer: CLIPTokenizer,
    checkpoint: Path,
    *,
    pictures: int,
    batch: int = 96,
    rate: float = 1e-3,
    device: str = "cpu",
) -> CLIPModel:
    """Trains for `pictures` pictures in all, going on from the checkpoint.

    Each picture comes with two captions: one that is true and one with a single attribute exchanged, so that a red dog
    and a blue dog are told apart, not only a dog on a beach and a robot in space. Whatever caption of the batch is true
    of a picture counts as its own. Two sets of linear heads that name each attribute help along and are thrown away.
    """
    vocabulary = seedling_vocabulary()
    labels = torch.tensor([attribute_labels(scene, vocabulary) for scene in data.scenes])
    neutral = torch.tensor([len(names) for names in aspect_names(vocabulary).values()])
    style = ASPECTS.index("style")  # a picture of no style is a flat illustration
    labels[labels[:, style] == neutral[style], style] = vocabulary.names("style").index("flat illustration")
    model = new_clip(tokenizer).to(device)
    image_heads, text_heads = (
        nn.ModuleList(nn.Linear(WIDTH, int(n) + 1) for n in neutral).to(device) for _ in range(2)
    )
    optimizer = torch.optim.AdamW(
        [*model.parameters(), *image_heads.parameters(), *text_heads.parameters()],
        lr=rate,
        betas=(0.9, 0.98),
        weight_decay=0.05,
        fused=True,
    )
    parts = {"model": model, "image heads": image_heads, "text heads": text_heads, "optimizer": optimizer}
    steps, done, began, smooth = pictures // batch, load_checkpoint(checkpoint, parts, device), time.monotonic(), 0.0
    model.train()
    for step in range(done, steps):
        optimizer.param_groups[0]["lr"] = rate * min(1.0, step / 150, 2 * (1 - step / steps) + 0.01)
        numbers, random = np.random.default_rng((5, step)), Random(f"clip/{step}")
        pick = np.sort(numbers.choice(len(data), batch, replace=False))
        shown = labels[pick]
        told = [_partly(data.scenes[k], random) for k in pick]
        told += [(_exchanged(scene, kinds, random), kinds) for scene, kinds in told]
        texts = [_text(scene, kinds, random) for scene, kinds in told]
        said = torch.stack([_said(scene, kinds, neutral) for scene, kinds in told])
        true = ((said[None] == neutral) | (said[None] == shown[:, None])).all(2).float().to(device)

        ids = tokenizer(texts, padding="longest", max_length=LIMIT, truncation=True, return_tensors="pt").input_ids
        pixels = _roughened(data.pixels[pick], numbers).to(device)
        with torch.autocast(device, torch.bfloat16):
            image = model.vision_model(pixels).pooler_output
            text = model.text_model(ids.to(device)).pooler_output
            image_vector = functional.normalize(model.visual_projection(image).float(), dim=1)
            text_vector = functional.normalize(model.text_projection(text).float(), dim=1)
        logits = model.logit_scale.exp() * image_vector @ text_vector.T
        loss = _contrast(logits, true) + _contrast(logits.T[:batch], true.T[:batch])
        for tower, pooled, wanted in ((image_heads, image, shown), (text_heads, text, said)):
            for k, head in enumerate(tower):
                loss = loss + 0.15 * functional.cross_entropy(head(pooled.float()), wanted[:, k].to(device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.logit_scale.data.clamp_(max=4.6)
        right = true[torch.arange(batch), logits.argmax(1)].mean().item()
        smooth = right if step == done else 0.95 * smooth + 0.05 * right
        if step % 50 == 49 or step == steps - 1:
            pace = (step + 1 - done) * batch / (time.monotonic() - began)
            log.info(
                "clip: %d of %d pictures, loss %.3f, %.3f right among %d, %.1f a second",
                (step + 1) * batch,
                pictures,
                loss.item(),
                smooth,
                2 * batch,
                pace,
            )
        if step % 200 == 199 or step == steps - 1:
            save_checkpoint(checkpoint, parts, step + 1)
    return model.eval()


@torch.no_grad()
def retrieval(
    model: CLIPModel, tokenizer: CLIPTokenizer, pixels: NDArray[np.uint8], texts: Sequence[str], among: int = 32
) -> NDArray[np.bool_]:
    """For each picture whether its own text is the nearest of `among` texts, its own and its neighbours'.

    (n,) bool, n a multiple of `among`; what is left over is not asked.
    """
    right = []
    for first in range(0, len(texts) - among + 1, among):
        ids = tokenizer(
            list(texts[first : first + among]),
            padding="longest",
            max_length=LIMIT,
            truncation=True,
            return_tensors="pt",
        )
        logits = model(pixel_values=as_pixel_values(pixels[first : first + among]), **ids).logits_per_image
        right.append((logits.argmax(1) == torch.arange(among)).numpy())
    return np.concatenate(right)


def as_pixel_values(pixels: NDArray[np.uint8]) -> torch.Tensor:
    """(n, side, side, 3) uint8 to (n, 3, side, side) in -1..1."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float().div(127.5).sub(1)


def _roughened(pixels: NDArray[np.uint8], numbers: np.random.Generator) -> torch.Tensor:
    """Half of the pictures blurred and noisy: generated pictures are not as clean as drawn ones."""
    values = as_pixel_values(pixels)
    some = torch.from_numpy(numbers.random(len(values)) < 0.5)
    soft = functional.interpolate(functional.avg_pool2d(values[some], 2), scale_factor=2, mode="bilinear")
    noise = torch.from_numpy(numbers.standard_normal(soft.shape, dtype=np.float32))
    values[some] = soft + 0.1 * noise
    return values


def _partly(scene: Scene, random: Random) -> tuple[Scene, frozenset[str]]:
    """The scene and the kinds of it that its caption is to name: all of them, or a few, or one."""
    named = list(scene.named())
    if random.random() < 0.5:
        return scene, frozenset(named)
    return scene, frozenset(random.sample(named, random.randint(1, len(named))))


def _exchanged(scene: Scene, kinds: frozenset[str], random: Random) -> Scene:
    """The scene with one thing that its caption says replaced by another of its kind."""
    choices = sorted(kinds)
    if "subject" in kinds:
        choices += ["count"] * (scene.count > 1) + ["side"] * (scene.side is not None)
    kind = random.choice(choices)
    if kind == "count":
        return replace(scene, count=5 - scene.count)
    others: list[Any] = [name for name in aspect_names(seedling_vocabulary())[kind] if name != getattr(scene, kind)]
    return replace(scene, **{kind: random.choice(others)})


def _text(scene: Scene, kinds: frozenset[str], random: Random) -> str:
    return caption(scene, random, seedling_vocabulary(), keep=1.0, kinds=kinds)


def _said(scene: Scene, kinds: frozenset[str], neutral: torch.Tensor) -> torch.Tensor:
    """(9,) the class of each aspect that the caption names, and "neutral" for each that it does not."""
    labels = torch.tensor(attribute_labels(scene, seedling_vocabulary()))
    said = kinds | {"count", "side"} if "subject" in kinds else kinds
    return torch.where(torch.tensor([aspect in said for aspect in ASPECTS]), labels, neutral)


def _contrast(logits: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    """Cross entropy of each row against all that is true of it, in equal shares."""
    shares = true / true.sum(1, keepdim=True).clamp_min(1)
    return -(shares * functional.log_softmax(logits, 1)).sum(1).mean()
