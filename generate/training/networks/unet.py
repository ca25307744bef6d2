"""The U-Net: stock `UNet2DConditionModel` on 8x8x48 latents, v-prediction, trained together with the text encoder."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from numpy.typing import NDArray
from torch import nn
from transformers import CLIPTextModel, CLIPTokenizer

from generate.training.networks.autoencoder import Roughen
from generate.training.networks.checkpoint import load_checkpoint, save_checkpoint
from generate.training.networks.latents import CHANNELS
from generate.training.networks.text_encoder import WIDTH, token_ids
from generate.training.networks.tokenizer import LIMIT
from generate.training.scenes.captions import chatter
from generate.training.scenes.dataset import DataSet
from generate.training.scenes.scene import UNLEARNT, Scene
from ideation import seedling_vocabulary

log = logging.getLogger(__name__)

_SAVE_EVERY = 60.0  # seconds

#: The noise schedule. `clip_sample` and `set_alpha_to_one` matter to DDIM, which would draw mush without them.
NOISE_SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


def new_unet() -> UNet2DConditionModel:
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        block_out_channels=(160, 256),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=(5, 8),
        cross_attention_dim=WIDTH,
        use_linear_projection=True,
        norm_num_groups=16,
    )
    unet.set_attn_processor(AttnProcessor())  # on CPUs faster than flash attention's backward pass
    return unet


@dataclass(frozen=True)
class LatentSet:
    """What the U-Net learns from: `latents` (n, 48, rows, columns) float16 of scenes of one shape, the tokens of six
    `captions` of each, (n, 6, 77) int32, how much of each patch the figure covers, (n, rows, columns) uint8, and how
    often each scene comes up, `odds` (n,), which need not add up to 1."""

    latents: torch.Tensor
    captions: torch.Tensor
    coverage: torch.Tensor
    odds: NDArray[np.float64]

    def to(self, device: str) -> LatentSet:
        return LatentSet(self.latents.to(device), self.captions.to(device), self.coverage.to(device), self.odds)

    def pick(self, numbers: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of `count` scenes, drawn with their odds: latents float32, token ids (count, 77) int64 and coverage 0..1."""
        edges = np.cumsum(self.odds)
        chosen = torch.from_numpy(np.searchsorted(edges, numbers.random(count) * edges[-1])).to(self.latents.device)
        told = torch.from_numpy(numbers.integers(0, self.captions.shape[1], count)).to(self.latents.device)
        coverage = self.coverage[chosen].float().div(255)
        return self.latents[chosen].float(), self.captions[chosen, told].long(), coverage


def latent_set(
    data: DataSet, latents: NDArray[np.float16], tokenizer: CLIPTokenizer, *, hard: bool = False
) -> LatentSet:
    """The set of a data set; with `hard`, the scenes that are learnt last come up more often."""
    texts = [text for captions in data.captions for text in captions]
    ids = token_ids(tokenizer, texts).to(torch.int32).view(len(data), -1, LIMIT)
    odds = np.array([_hardness(scene) if hard else 1 for scene in data.scenes], dtype=np.float64)
    return LatentSet(torch.from_numpy(np.array(latents)), ids, torch.from_numpy(np.array(data.coverage)), odds)


#: Styles whose few colours leave light and time of day to a shade.
FEW_COLOURS = ("blueprint", "ink wash", "pencil sketch")


def _hardness(scene: Scene) -> int:
    """How often a scene comes up among the hard ones: light and weather, most of all in styles of few colours, the
    styles that are taken for one another, no style at all, several of a kind and what was never learnt."""
    return (
        1
        + (scene.time is not None) * (3 if scene.style in FEW_COLOURS else 1)
        + 2 * (scene.weather is not None)
        + 2 * (scene.style == "Van Gogh")
        + 2 * (scene.style is None)
        + (scene.style in ("pixel art", "oil painting", "flat illustration"))
        + 2 * (scene.count > 1)
        + 2 * (UNLEARNT in (scene.subject, scene.action))
    )


class Average:
    """The exponential moving average of some modules' weights: what is shipped."""

    def __init__(self, modules: dict[str, nn.Module]) -> None:
        self.modules = {name: copy.deepcopy(module).eval().requires_grad_(False) for name, module in modules.items()}

    @torch.no_grad()
    def update(self, modules: dict[str, nn.Module], decay: float) -> None:
        for name, module in modules.items():
            torch._foreach_lerp_(list(self.modules[name].parameters()), list(module.parameters()), 1 - decay)

    def state_dict(self) -> dict[str, dict[str, torch.Tensor]]:
        return {name: module.state_dict() for name, module in self.modules.items()}

    def load_state_dict(self, state: dict[str, dict[str, torch.Tensor]]) -> None:
        for name, module in self.modules.items():
            module.load_state_dict(state[name])


def train_unet(
    plain: LatentSet,
    rich: LatentSet,
    unet: UNet2DConditionModel,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    checkpoint: Path,
    *,
    pictures: int,
    oblong: Sequence[LatentSet] = (),
    plain_first: float = 1.0,
    figure_weight: float = 3.0,
    frozen: Sequence[str] = (),
    batch: int = 48,
    rate: float = 8e-4,
    seconds: float = math.inf,
    device: str = "cpu",
) -> Average:
    """Trains for `pictures` pictures in all or for so many `seconds`, whichever is over first, going on from the
    checkpoint, and returns the averaged weights.

    Plain scenes first, a share of `plain_first` falling to 15 % at 45 % of the run; where there are `oblong` sets, two
    batches in five are of one of them; one caption in ten is empty or says nothing, for classifier-free guidance and
    for negative prompts; timesteps lean to high noise, where the content is decided; patches of the figure count up to
    `figure_weight` times as much as the background, which does not move the optimum but gets there sooner; the rate is
    constant for 70 % of the run and then falls to nothing. Parameters of the U-Net whose names start with one of
    `frozen` keep their values.
    """
    steps = pictures // batch
    modules: dict[str, nn.Module] = {
        "unet": unet.to(device, memory_format=torch.channels_last),
        "text_encoder": text_encoder.to(device),
    }
    average = Average(modules)
    for name, parameter in unet.named_parameters():
        parameter.requires_grad_(not name.startswith(tuple(frozen)))
    learning = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        [{"params": learning, "lr": rate}, {"params": text_encoder.parameters(), "lr": 0.3 * rate}],
        betas=(0.9, 0.98),
        weight_decay=0.01,
        fused=True,
    )

    parts = {**modules, "optimizer": optimizer, "average": average}
    done, began, smooth = load_checkpoint(checkpoint, parts, device), time.monotonic(), None
    noise_schedule, saved = _schedule(), began
    plain, rich, wide = plain.to(device), rich.to(device), [one.to(device) for one in oblong]
    nothing = _nothing(tokenizer).to(device)
    unet.train()
    text_encoder.train()
    for step in range(done, steps):
        progress = max(step / steps, (time.monotonic() - began) / seconds)
        if progress >= 1:
            break
        fallen = min(1.0, step / 200) * (
            1.0 if progress < 0.7 else 0.5 + 0.5 * math.cos(math.pi * (progress - 0.7) / 0.3)
        )
        for group, share in zip(optimizer.param_groups, (1.0, 0.3), strict=True):
            group["lr"] = rate * share * fallen
        numbers = np.random.default_rng((3, step))
        if wide and numbers.random() < 0.4:
            clean, ids, covered = wide[numbers.integers(len(wide))].pick(numbers, batch)
        else:
            plain_share = max(0.15, plain_first - (plain_first - 0.15) * progress / 0.45)
            count = int(numbers.binomial(batch, plain_share))
            both = zip(plain.pick(numbers, count), rich.pick(numbers, batch - count), strict=True)
            clean, ids, covered = (torch.cat(pair) for pair in both)
        untold = torch.from_numpy(numbers.random(batch) < 0.1).to(device)
        unsaid = nothing[torch.from_numpy(numbers.integers(len(nothing), size=batch)).to(device)]
        ids = torch.where(untold[:, None], unsaid, ids)
        chance = torch.Generator(device).manual_seed(step)
        noise = torch.randn(clean.shape, generator=chance, device=device)
        timesteps = (999 * torch.rand(batch, generator=chance, device=device) ** 0.7).long()
        noisy = noise_schedule.add_noise(clean, noise, timesteps).contiguous(memory_format=torch.channels_last)
        velocity = noise_schedule.get_velocity(clean, noise, timesteps)
        with torch.autocast(device, torch.bfloat16):
            context = text_encoder(ids).last_hidden_state
            predicted = unet(noisy, timesteps, context).sample
        weight = 1 + (figure_weight - 1) * covered[:, None]
        loss = ((predicted.float() - velocity).square() * (weight / weight.mean())).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([*learning, *text_encoder.parameters()], 1.0)
        optimizer.step()
        average.update(modules, min(0.998, (step + 1) / (step + 10)))
        smooth = loss.detach() if smooth is None else smooth.lerp(loss.detach(), 0.01)
        if step % 25 == 24 or step == steps - 1:
            pace = (step + 1 - done) * batch / (time.monotonic() - began)
            log.info("unet: %d of %d pictures, loss %.4f, %.1f a second", (step + 1) * batch, pictures, smooth, pace)
        if time.monotonic() - saved > _SAVE_EVERY:
            save_checkpoint(checkpoint, parts, step + 1)
            saved = time.monotonic()
    if done < steps:
        save_checkpoint(checkpoint, parts, steps)
    return average


def drawn_by(
    unet: UNet2DConditionModel, text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer, *told: LatentSet
) -> Roughen:
    """Latents as the U-Net would finish them from a noisy state: what the decoder will have to draw from.

    `told` are the sets of scenes that the decoder learns, one for each shape. A third of the latents keep their own
    values; the others get noise of up to 400 of the 1000 timesteps, which the U-Net takes out again in one go, guided
    by the scene's caption as strongly as in use.
    """
    schedule = _schedule()
    untold_ids = token_ids(tokenizer, [""])

    @torch.no_grad()
    def roughen(latents: torch.Tensor, which: int, pick: torch.Tensor) -> torch.Tensor:
        device = latents.device
        some = torch.rand(len(latents)) < 2 / 3
        if not some.any():
            return latents
        clean, count = latents[some.to(device)], int(some.sum())
        timesteps = torch.randint(40, 400, (count,), device=device)
        noisy = schedule.add_noise(clean, torch.randn_like(clean), timesteps)
        captions = told[which].captions
        ids = captions[pick.cpu()[some], torch.randint(captions.shape[1], (count,))].long().to(device)
        with torch.autocast(device.type, torch.bfloat16):
            context = text_encoder(torch.cat([ids, untold_ids.to(device).expand_as(ids)])).last_hidden_state
            said, unsaid = unet(noisy.repeat(2, 1, 1, 1), timesteps.repeat(2), context).sample.float().chunk(2)
        velocity = unsaid + (1 + 4 * torch.rand(count, 1, 1, 1, device=device)) * (said - unsaid)
        signal = schedule.alphas_cumprod.to(device)[timesteps].view(-1, 1, 1, 1)
        finished = latents.clone()
        finished[some.to(device)] = signal.sqrt() * noisy - (1 - signal).sqrt() * velocity
        return finished

    return roughen


def _schedule() -> DDPMScheduler:
    return DDPMScheduler(**{k: v for k, v in NOISE_SCHEDULE.items() if k not in ("set_alpha_to_one", "steps_offset")})


def _nothing(tokenizer: CLIPTokenizer) -> torch.Tensor:
    """(512, 77) token ids of texts that say nothing: seven in ten are empty."""
    vocabulary, random = seedling_vocabulary(), Random("nothing")
    texts = [
        "" if random.random() < 0.7 else ", ".join(chatter(random, vocabulary) for _ in range(random.randint(1, 5)))
        for _ in range(512)
    ]
    return token_ids(tokenizer, texts)
