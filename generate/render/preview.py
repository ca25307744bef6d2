"""Previews: what the picture will be, as the U-Net sees it in the middle of the way."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import torch
from PIL import Image

from generate.models.open import OpenModel

#: A decoder with fewer parameters than this is quick enough to draw every preview itself.
_SMALL_DECODER = 20_000_000

_factors: WeakKeyDictionary[Any, tuple[torch.Tensor, torch.Tensor]] = WeakKeyDictionary()


class Preview:
    """Watches the U-Net during one render and draws, when asked, the pictures that it predicts at that step.

    Nothing is computed before somebody asks. The prediction is the clean picture of the usual algebra (Ho et al. 2020,
    Salimans and Ho 2022), with guidance; large models turn it into colours by a linear map of their latents, which
    shows one pixel per latent and costs next to nothing.
    """

    def __init__(self, model: OpenModel, guidance_scale: float, arms: int) -> None:
        self._model, self._guidance, self._arms = model, guidance_scale, arms
        self._seen: tuple[torch.Tensor, Any, torch.Tensor] | None = None

    def watch(self, _module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> None:
        """A forward hook with keywords."""
        sample = arguments[0] if arguments else keywords["sample"]
        timestep = arguments[1] if len(arguments) > 1 else keywords["timestep"]
        self._seen = (sample, timestep, output[0])

    @torch.no_grad()
    def pictures(self) -> list[Image.Image]:
        """One picture per arm; empty before the first step."""
        if self._seen is None:
            return []
        sample, timestep, output = self._seen
        if len(output) == 2 * self._arms:  # guidance: the unconditional half comes first
            untold, told = output.chunk(2)
            output = untold + self._guidance * (told - untold)
        return self._drawn(self._clean(sample[-self._arms :].float(), timestep, output.float()))

    def _clean(self, sample: torch.Tensor, timestep: Any, output: torch.Tensor) -> torch.Tensor:
        """The clean latents. Whatever the scheduler's own scale, the U-Net is given unit variance and a timestep."""
        scheduler = self._model.pipeline.scheduler
        signal = scheduler.alphas_cumprod.to(sample)
        time = torch.as_tensor(timestep, dtype=torch.float32).flatten()[0].clamp(0, len(signal) - 1)
        below = int(time)
        above = min(below + 1, len(signal) - 1)
        level = torch.lerp(signal[below], signal[above], (time - below).to(sample))
        match scheduler.config.prediction_type:
            case "v_prediction":
                return level.sqrt() * sample - (1 - level).sqrt() * output
            case "sample":
                return output
        return (sample - (1 - level).sqrt() * output) / level.sqrt()

    def _drawn(self, latents: torch.Tensor) -> list[Image.Image]:
        pipeline = self._model.pipeline
        vae = pipeline.vae
        if sum(weight.numel() for weight in vae.decoder.parameters()) < _SMALL_DECODER:
            pixels = vae.decode((latents / vae.config.scaling_factor).to(vae.dtype)).sample
            return list(pipeline.image_processor.postprocess(pixels.float(), output_type="pil"))
        base, factors = _linear(vae)
        colours = base.view(1, 3, 1, 1) + torch.einsum("nchw,cd->ndhw", latents.cpu(), factors)
        return list(pipeline.image_processor.postprocess(colours, output_type="pil"))


def _linear(vae: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(3,) the colour of zero latents and (channels, 3) what one unit of each channel adds, measured once a model."""
    if vae not in _factors:
        channels = vae.config.latent_channels
        probes = torch.zeros(channels + 1, channels, 8, 8)
        probes[torch.arange(channels) + 1, torch.arange(channels)] = 1.0
        scaled = (probes / vae.config.scaling_factor).to(vae.device, vae.dtype)
        colours = torch.cat([vae.decode(one[None]).sample.float().mean((2, 3)).cpu() for one in scaled])
        _factors[vae] = (colours[0], colours[1:] - colours[0])
    return _factors[vae]
