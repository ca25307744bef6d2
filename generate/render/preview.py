"""Previews: what the picture will be, as the denoiser sees it in the middle of the way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import torch
from PIL import Image

from generate.models.opening.model import OpenModel
from generate.render.input_check import named_inputs
from generate.settings import RenderSettings

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
        """One picture per arm, of the first pair where several share a batch; empty before the first step."""
        if self._seen is None:
            return []
        sample, timestep, output = self._seen
        if len(output) == 2 * self._arms:
            half = dict(zip(self._model.family.guided_rows, output.chunk(2), strict=True))
            output = half["negative prompt"] + self._guidance * (half["prompt"] - half["negative prompt"])
        return _drawn(self._model, self._clean(sample[-self._arms :].float(), timestep, output.float())[:2])

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


class TurnPreview:
    """The same for arms that go in turn: each picture as it was predicted last."""

    def __init__(self, model: OpenModel, settings: RenderSettings) -> None:
        self._model, self._settings = model, settings
        self._seen: dict[int, Callable[[], torch.Tensor]] = {}

    def watching(self, scheduler: Any, place: int) -> Any:
        """The scheduler, whose steps are those of the picture at that place."""
        step = scheduler.step

        @wraps(step)
        def watched(model_output: Any, timestep: Any, sample: Any, *rest: Any, **keywords: Any) -> Any:
            moved = step(model_output, timestep, sample, *rest, **keywords)
            self._seen[place] = partial(_predicted, scheduler, scheduler.step_index - 1, sample, model_output)
            return moved

        scheduler.step = watched
        return scheduler

    @torch.no_grad()
    def pictures(self) -> list[Image.Image]:
        """One picture for each arm that was begun."""
        drawn = []
        for predicted in self._seen.values():
            in_turn = self._model.family.in_turn
            assert in_turn is not None  # noqa: S101 - for the type checker
            height, width = self._settings.height or 0, self._settings.width or 0
            drawn += _drawn(self._model, in_turn.unpacked(self._model.pipeline, predicted(), height, width))
        return drawn


def _predicted(scheduler: Any, step: int, sample: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """The clean latents that the output of a step speaks of. Flow matching leads straight from the noise to the picture
    (Lipman et al. 2022): they are where the way would end. Consistency models go by an arc (Lu and Song 2024)."""
    sample, output, config = sample.float(), output.float(), scheduler.config
    if config.get("prediction_type") == "trigflow":
        angle: torch.Tensor = scheduler.timesteps[step].to(sample.device)
        return (sample * angle.cos() - output * angle.sin()) / float(config.sigma_data)
    sigma: torch.Tensor = scheduler.sigmas[step].to(sample.device)
    if config.get("prediction_type") == "epsilon":  # the sample has the variance of its data
        return (1 + sigma**2).sqrt() * sample - sigma * output
    return sample - sigma * output


def _drawn(model: OpenModel, latents: torch.Tensor) -> list[Image.Image]:
    pipeline = model.pipeline
    if sum(weight.numel() for weight in pipeline.vae.decoder.parameters()) < _SMALL_DECODER:
        return list(pipeline.image_processor.postprocess(model.decoded(latents).float(), output_type="pil"))
    base, factors = model.latent_colours
    colours = base.view(1, 3, 1, 1) + torch.einsum("nchw,cd->ndhw", latents.cpu(), factors)
    return list(pipeline.image_processor.postprocess(colours, output_type="pil"))
