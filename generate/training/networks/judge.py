"""The judge: a small classifier, trained on drawn scenes alone, that says what a picture shows."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.nn import functional

from generate.training.scenes.captions import ASPECTS, aspect_names, attribute_labels
from generate.training.scenes.dataset import SIZE, DataSet
from ideation import seedling_vocabulary

log = logging.getLogger(__name__)


class _Block(nn.Module):
    def __init__(self, inward: int, outward: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inward, outward, 3, stride=2, padding=1)
        self.second = nn.Conv2d(outward, outward, 3, padding=1)
        self.norms = nn.ModuleList([nn.GroupNorm(8, outward), nn.GroupNorm(8, outward)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        half = functional.silu(self.norms[0](self.first(x)))
        return half + functional.silu(self.norms[1](self.second(half)))


class Judge(nn.Module):
    """(n, 3, 128, 128) in -1..1 to one tensor of logits per aspect; the last class of each is "neutral"."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 24, 48, 96, 160, 224)
        self.blocks = nn.Sequential(*(_Block(a, b) for a, b in itertools.pairwise(widths)))
        classes = [len(names) + 1 for names in aspect_names(seedling_vocabulary()).values()]
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(widths[-1] * 16, count)) for count in classes
        )

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        seen = self.blocks(pictures)
        return [head(seen) for head in self.heads]

    def features(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """What its first three blocks see, at a half, a quarter and an eighth of the size, which may be any."""
        seen = [pictures]
        for block in list(self.blocks)[:3]:
            seen.append(block(seen[-1]))
        return seen[1:]

    def answers(self, pictures: list[Image.Image]) -> NDArray[np.int64]:
        """(n, 9): for each picture, of whatever shape, the class of each aspect, in the order of `ASPECTS`."""
        answers = np.stack([aspect.argmax(1) for aspect in self.shares(pictures)], 1)
        # A flat illustration and a picture of no style look the same: the answer is the one that has a name.
        styles, column = seedling_vocabulary().names("style"), ASPECTS.index("style")
        answers[answers[:, column] == len(styles), column] = styles.index("flat illustration")
        return answers

    @torch.no_grad()
    def shares(self, pictures: list[Image.Image]) -> list[NDArray[np.float32]]:
        """For each aspect (n, classes): how much it takes each picture for each class, together 1."""
        self.eval()
        sized = [picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.LANCZOS) for picture in pictures]
        chunks = [
            self(_as_input(np.stack([np.asarray(p) for p in sized[k : k + 64]]))) for k in range(0, len(sized), 64)
        ]
        return [torch.cat(aspect).softmax(1).numpy() for aspect in zip(*chunks, strict=True)]


def _as_input(pixels: NDArray[np.uint8]) -> torch.Tensor:
    return (
        torch.from_numpy(pixels)
        .permute(0, 3, 1, 2)
        .float()
        .div(127.5)
        .sub(1)
        .contiguous(memory_format=torch.channels_last)
    )


def train_judge(data: DataSet, checkpoint: Path, *, pictures: int, batch: int = 64, device: str = "cpu") -> Judge:
    """Trains on drawn scenes, or loads the checkpoint if it is there. A little blur and noise in training keeps the
    judge from hanging on details that no decoder draws. It comes back on the CPU."""
    judge = Judge()
    if checkpoint.is_file():
        judge.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True))
        return judge.to(memory_format=torch.channels_last).eval()  # type: ignore[call-overload]  # missing in the stubs
    judge.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    vocabulary = seedling_vocabulary()
    labels = torch.tensor([attribute_labels(scene, vocabulary) for scene in data.scenes]).to(device)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.02)
    steps, numbers = pictures // batch, np.random.default_rng(9)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 2e-3 * min(1.0, step / 50, 1.6 * (1 - step / steps) + 0.01)
        pick = np.sort(numbers.integers(0, len(data), batch))
        pixels = _as_input(data.pixels[pick]).to(device)
        if step % 2:
            pixels = functional.interpolate(functional.avg_pool2d(pixels, 2), scale_factor=2, mode="bilinear")
            pixels = pixels + 0.08 * torch.randn_like(pixels)
        with torch.autocast(device, torch.bfloat16):
            answers = judge(pixels)
        loss = torch.stack(
            [functional.cross_entropy(answer.float(), labels[pick, k]) for k, answer in enumerate(answers)]
        ).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        optimizer.step()
        if step % 50 == 49:
            log.info("judge: %d of %d pictures, loss %.3f", (step + 1) * batch, pictures, loss.item())
    torch.save(judge.state_dict(), checkpoint)
    return judge.to("cpu").eval()
