"""Previews: what the picture will be, as the denoiser sees it in the middle of the way."""

from __future__ import annotations

from typing import Any

import torch
from PIL import Image

from generate.models.open import OpenModel
from generate.render.input_check import named_inputs

#: A decoder with fewer parameters than this is quick enough to draw every preview itself.
_SMALL_DECODER = 20_000_000


class Preview:
    """Watches the denoiser during one render and draws, when asked, the pictures that it predicts at that step.

    Nothing is computed before somebody asks. The prediction is the clean picture of the usual algebra (Ho et al. 2020,
    Salimans and Ho 2022), with guidance; large models turn it into colours by a linear map of their latents, which
    shows one pixel per latent and costs next to nothing.
    """

    def __init__(self, model: OpenModel, guidance_scale: float, arms: int) -> None:
        self._model, self._guidance, self._arms = model, guidance_scale, arms
        self._seen: tuple[torch.Tensor, Any, torch.Tensor] | None = None

    def watch(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> None:
        """A forward hook with keywords."""
        named = named_inputs(module, arguments, keywords)
        self._seen = (named["sample"], named["timestep"], output[0])

    @torch.no_grad()
    def pictures(self) -> list[Image.Image]:
        """One picture per arm; empty before the first step."""
        if self._seen is None:
            return []
        sample, timestep, output = self._seen
        if len(output) == 2 * self._arms:
            half = dict(zip(self._model.family.guided_rows, output.chunk(2), strict=True))
            output = half["negative prompt"] + self._guidance * (half["prompt"] - half["negative prompt"])
        return self._drawn(self._clean(sample[-self._arms :].float(), timestep, output.float()))

    def _clean(self, sample: torch.Tensor, timestep: Any, output: torch.Tensor) -> torch.Tensor:
        """The clean latents. Whatever the scheduler's own scale, the denoiser is given unit variance and a timestep."""
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
        base, factors = self._model.latent_colours
        colours = base.view(1, 3, 1, 1) + torch.einsum("nchw,cd->ndhw", latents.cpu(), factors)
        return list(pipeline.image_processor.postprocess(colours, output_type="pil"))
