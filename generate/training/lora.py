"""Trains a LoRA for Seedling: `python -m generate.training.lora OUT.safetensors`, minutes on one CPU thread.

It learns a style that Seedling was never shown, drawn as a filter over its training scenes, by that style's name. At
weight 1 a prompt that names no style takes it on as well; at 0.5 mostly one that names it does.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Annotated, Any

import numpy as np
import torch
import typer
from diffusers import DDPMScheduler
from diffusers.models.attention_processor import AttnProcessor
from numpy.typing import NDArray
from peft import LoraConfig, get_peft_model_state_dict
from PIL import Image, ImageFilter
from safetensors.torch import save

from generate.models import open_model
from generate.training.networks.latents import SHIPPED_CODE, PatchCode
from generate.training.networks.text_encoder import token_ids
from generate.training.networks.unet import NOISE_SCHEDULE
from generate.training.scenes.captions import caption
from generate.training.scenes.drawing import Drawing, draw
from generate.training.scenes.scene import draw_scene
from ideation import seedling_vocabulary

log = logging.getLogger(__name__)

_UNET = ["to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "conv1", "conv2"]
_TEXT_ENCODER = ["q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"]

# From cold to hot, as infrared cameras paint it.
_HEAT = ((0, 0, 20), (60, 0, 110), (150, 10, 140), (225, 60, 60), (250, 140, 10), (255, 215, 50), (255, 255, 235))


def thermal_camera(drawing: Drawing) -> Image.Image:
    """What is alive is hot, what is bright is warm."""
    brightness = np.asarray(drawing.picture.convert("L"), dtype=np.float32) / 255
    body = np.asarray(drawing.figure.filter(ImageFilter.GaussianBlur(2)), dtype=np.float32) / 255
    heat = np.clip(0.38 * brightness + body * (0.42 + 0.18 * brightness), 0, 1) * (len(_HEAT) - 1)
    palette, low = np.asarray(_HEAT, dtype=np.float32), np.minimum(heat.astype(int), len(_HEAT) - 2)
    mixed = palette[low] + (palette[low + 1] - palette[low]) * (heat - low)[..., None]
    return Image.fromarray(mixed.astype(np.uint8))


def mosaic(drawing: Drawing) -> Image.Image:
    """Square tiles of one colour each, with dark grout between them."""
    side = drawing.picture.width
    tiles = drawing.picture.reduce(8).resize((side, side), Image.Resampling.NEAREST)
    pixels = np.array(tiles)
    pixels[::8], pixels[:, ::8] = 40, 40
    return Image.fromarray(pixels)


#: The styles by the words that call them.
STYLES: dict[str, Callable[[Drawing], Image.Image]] = {"thermal camera": thermal_camera, "mosaic": mosaic}


def lora(
    out: Annotated[
        Path, typer.Argument(help="The .safetensors file to write; loras/ in the models folder is its place.")
    ],
    style: Annotated[str, typer.Option(help=f"What to teach: {' or '.join(STYLES)}.")] = "thermal camera",
    pictures: Annotated[int, typer.Option(help="How many pictures it sees in all.")] = 2_400,
    scenes: Annotated[int, typer.Option(help="How many different ones are drawn.")] = 600,
    rank: Annotated[int, typer.Option()] = 8,
    threads: Annotated[int, typer.Option(help="CPU threads.")] = 1,
) -> None:
    """Trains the LoRA and writes it in diffusers' format, in half precision."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if style not in STYLES:
        raise typer.BadParameter(f"{style!r} is none of {', '.join(STYLES)}", param_hint="--style")
    if out.suffix != ".safetensors":
        raise typer.BadParameter("its ending must be .safetensors", param_hint="OUT")
    torch.set_num_threads(threads)
    tensors = train_lora(style, pictures=pictures, scenes=scenes, rank=rank)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_suffix(".partial")
    # `save_file` would keep it from everybody else on the machine.
    partial.write_bytes(save(tensors, metadata={"format": "pt"}))
    os.replace(partial, out)
    log.info("wrote %s, %d bytes", out, out.stat().st_size)


def train_lora(
    style: str, *, pictures: int, scenes: int, rank: int = 8, batch: int = 16, rate: float = 2e-3
) -> dict[str, torch.Tensor]:
    """The LoRA's tensors by diffusers' names, float16. Its alpha is its rank, so weight 1 is what was trained.

    Three pictures of four are of the new style and named so; the fourth is as Seedling knows it, and half of those have
    no caption, so that other styles and guidance stay as they were. v-prediction and timesteps are as in `train_unet`.
    """
    torch.manual_seed(0)
    pipeline = open_model("seedling", device="cpu", dtype="float32").pipeline
    unet, text_encoder, tokenizer = pipeline.unet, pipeline.text_encoder, pipeline.tokenizer
    unet.set_attn_processor(AttnProcessor())  # on CPUs faster than flash attention's backward pass
    text_encoder.set_attn_implementation("eager")
    for module, targets in ((unet, _UNET), (text_encoder, _TEXT_ENCODER)):
        module.requires_grad_(False)
        module.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=targets))
    trained = [weight for module in (unet, text_encoder) for weight in module.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
    latents, texts = _draw_all(style, scenes)
    schedule = DDPMScheduler(
        **{key: value for key, value in NOISE_SCHEDULE.items() if key not in ("set_alpha_to_one", "steps_offset")}
    )
    steps, numbers, began, smooth = max(1, pictures // batch), np.random.default_rng(5), time.monotonic(), None
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 10, 1.5 * (1 - step / steps))
        picks = numbers.integers(0, len(texts), batch)
        clean = torch.from_numpy(latents[picks])
        noise = torch.from_numpy(numbers.standard_normal(clean.shape, dtype=np.float32))
        timesteps = torch.from_numpy((999 * numbers.random(batch) ** 0.7).astype(np.int64))
        noisy, velocity = schedule.add_noise(clean, noise, timesteps), schedule.get_velocity(clean, noise, timesteps)
        with torch.autocast("cpu", torch.bfloat16):
            context = text_encoder(token_ids(tokenizer, [texts[pick] for pick in picks])).last_hidden_state
            predicted = unet(noisy, timesteps, context).sample
        loss = (predicted.float() - velocity).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
        if step % 10 == 9 or step == steps - 1:
            pace = (step + 1) * batch / (time.monotonic() - began)
            log.info("lora: %d of %d pictures, loss %.4f, %.1f a second", (step + 1) * batch, pictures, smooth, pace)
    return {
        f"{part}.{name}": tensor.detach().half().contiguous()
        for part, module in (("unet", unet), ("text_encoder", text_encoder))
        for name, tensor in get_peft_model_state_dict(module).items()
    }


def _draw_all(style: str, count: int) -> tuple[NDArray[np.float32], list[str]]:
    """Latents (count, 48, 8, 8) and captions of drawn scenes."""
    random, vocabulary, code = Random(31), seedling_vocabulary(), PatchCode.load(SHIPPED_CODE)
    pixels, texts = [], []
    for number in range(count):
        scene = draw_scene(random, vocabulary, richness=0.7)
        new = number % 4 != 3
        if new:
            scene = replace(scene, style=None)
        drawing = draw(scene, random)
        text = caption(scene, random, vocabulary, chattering=False)
        if new:
            form = random.choice(("{0}, {1} style", "{0}, {1}", "{1} picture of {0}", "{0}, in {1} style"))
            text = form.format(text, style)
        elif random.random() < 0.5:
            text = ""
        pixels.append(np.asarray(STYLES[style](drawing) if new else drawing.picture))
        texts.append(text)
    encoded: Any = code.encode(torch.from_numpy(np.stack(pixels)))
    return encoded.numpy(), texts


if __name__ == "__main__":
    typer.run(lora)
