"""DPM++ 2S a: the single-step second-order DPM-Solver++ with ancestral noise, which diffusers does not have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import ConfigMixin, EulerDiscreteScheduler, SchedulerMixin
from diffusers.configuration_utils import register_to_config
from diffusers.schedulers.scheduling_utils import KarrasDiffusionSchedulers
from diffusers.utils import BaseOutput
from diffusers.utils.torch_utils import randn_tensor


@dataclass
class DPMPP2SAncestralOutput(BaseOutput):
    """`prev_sample` goes into the next step; `pred_original_sample` is the picture (latents) as predicted now."""

    prev_sample: torch.Tensor
    pred_original_sample: torch.Tensor


class DPMPP2SAncestralScheduler(SchedulerMixin, ConfigMixin):
    """DPM-Solver++(2S) with r = 1/2 (Lu et al. 2022, arXiv 2211.01095, algorithm 1), followed by an ancestral step
    (Song et al. 2021), as `sample_dpmpp_2s_ancestral` of k-diffusion (Katherine Crowson) puts the two together.

    A sample here is the picture plus noise of standard deviation sigma. Between two noise levels, sigma and sigma_next,

        up^2 = eta^2 sigma_next^2 (sigma^2 - sigma_next^2) / sigma^2,   down^2 = sigma_next^2 - up^2,
        middle = sqrt(sigma down),
        x_middle = middle/sigma x + (1 - middle/sigma) D(x, sigma),
        x_next = down/sigma x + (1 - down/sigma) D(x_middle, middle) + up noise,

    where D is the predicted picture: two evaluations. (At eta 1 the middle is sigma_next itself.) The last step, to no
    noise, takes D itself: N steps cost 2N-1 evaluations. `timesteps` has one entry for each of them, in turn a level
    and the middle after it, so any pipeline drives it as it drives the other schedulers of order 2.

    The arguments are those of `EulerDiscreteScheduler`, which makes the noise levels. `eta` scales the fresh noise: 1
    is the algorithm of that name, 0 is DPM++ 2S, which draws none. (It is not an argument of `step`, where diffusers'
    pipelines would set it to 0.)
    """

    _compatibles = [one.name for one in KarrasDiffusionSchedulers]  # noqa: RUF012 - the name is diffusers'
    order = 2

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        num_train_timesteps: int = 1000,
        beta_start: float = 0.0001,
        beta_end: float = 0.02,
        beta_schedule: str = "linear",
        trained_betas: Sequence[float] | None = None,
        prediction_type: str = "epsilon",
        use_karras_sigmas: bool = False,
        use_exponential_sigmas: bool = False,
        use_beta_sigmas: bool = False,
        timestep_spacing: str = "linspace",
        steps_offset: int = 0,
        rescale_betas_zero_snr: bool = False,
        eta: float = 1.0,
    ) -> None:
        if prediction_type not in ("epsilon", "v_prediction", "sample"):
            raise ValueError(f"prediction_type is {prediction_type!r}; it must be epsilon, v_prediction or sample")
        if not 0 <= eta <= 1:
            raise ValueError(f"eta is {eta}; it must be from 0 to 1")
        self._levels = EulerDiscreteScheduler(
            num_train_timesteps=num_train_timesteps,
            beta_start=beta_start,
            beta_end=beta_end,
            beta_schedule=beta_schedule,
            trained_betas=trained_betas,
            prediction_type=prediction_type,
            use_karras_sigmas=use_karras_sigmas,
            use_exponential_sigmas=use_exponential_sigmas,
            use_beta_sigmas=use_beta_sigmas,
            timestep_spacing=timestep_spacing,
            steps_offset=steps_offset,
            rescale_betas_zero_snr=rescale_betas_zero_snr,
        )
        self.betas, self.alphas = self._levels.betas, self._levels.alphas
        self.alphas_cumprod = self._levels.alphas_cumprod
        self.num_inference_steps: int | None = None
        self._step_index: int | None = None
        self._begin_index: int | None = None
        self._before: torch.Tensor | None = None  # the sample at the level that the coming middle belongs to
        self.set_timesteps(num_train_timesteps)
        self.num_inference_steps = None  # so far nobody has asked for any

    @property
    def init_noise_sigma(self) -> float:
        """The standard deviation of the noise that the first sample must have."""
        return float(self._levels.init_noise_sigma)

    @property
    def step_index(self) -> int | None:
        """Which evaluation comes next, from 0; None before the first."""
        return self._step_index

    @property
    def begin_index(self) -> int | None:
        return self._begin_index

    def set_begin_index(self, begin_index: int = 0) -> None:
        """Where to begin, as img2img does: an index into `timesteps`, even, for a step begins at its own level."""
        self._begin_index = begin_index

    def set_timesteps(self, num_inference_steps: int, device: str | torch.device | None = None) -> None:
        """Lays out `num_inference_steps` steps: `timesteps` (2N-1) on `device`, `sigmas` (2N, the last one 0)."""
        self.num_inference_steps = num_inference_steps
        self._levels.set_timesteps(num_inference_steps)
        levels = self._levels.sigmas.double()  # N levels and 0
        self._down, self._up = _ancestral(levels[:-1], levels[1:], self.config.eta)
        middles = (levels[:-2] * self._down[:-1]).sqrt()
        noise = torch.cat([torch.stack([levels[:-2], middles], dim=1).flatten(), levels[-2:]])
        self.sigmas = noise.float()
        # The U-Net is told the timestep, whole or not, that has the noise; log sigma is linear between whole ones.
        kept = self.alphas_cumprod.double()
        timesteps = np.interp(noise[:-1].log(), ((1 - kept) / kept).log() / 2, np.arange(len(kept)))
        self.timesteps = torch.from_numpy(timesteps).to(device=device, dtype=torch.float32)
        self._before = self._step_index = self._begin_index = None

    def scale_model_input(self, sample: torch.Tensor, timestep: float | torch.Tensor) -> torch.Tensor:
        """The sample as the U-Net has learnt to see it, of variance 1: divided by sqrt(sigma^2 + 1)."""
        sigma = self.sigmas[self._find_step(timestep)].item()
        return sample / math.hypot(sigma, 1)

    def step(
        self,
        model_output: torch.Tensor,
        timestep: float | torch.Tensor,
        sample: torch.Tensor,
        generator: torch.Generator | list[torch.Generator] | None = None,
        return_dict: bool = True,
    ) -> DPMPP2SAncestralOutput | tuple[torch.Tensor, torch.Tensor]:
        """One evaluation further: from a level to its middle, or from a middle to the next level.

        All tensors are (pictures, channels, height, width). The noise comes from `generator`, one for each picture
        where it is a list. `sample` must be what the last step gave. Computes in float32 or better, returns the type of
        `model_output`. Raises `ValueError` where a run begins in the middle of a step.
        """
        index = self._find_step(timestep)
        number, in_the_middle = divmod(index, 2)
        precise = torch.promote_types(sample.dtype, torch.float32)
        sample, sigma = sample.to(precise), self.sigmas[index].item()
        predicted = self._predicted(model_output.to(precise), sample, sigma)
        if in_the_middle:
            if self._before is None:
                raise ValueError(f"timestep {float(timestep)} is the middle of a step; begin with the one before it")
            kept = self._down[number].item() / self.sigmas[index - 1].item()
            moved = kept * self._before + (1 - kept) * predicted
            self._before = None
            if self.config.eta:
                noise = randn_tensor(
                    model_output.shape, dtype=model_output.dtype, device=model_output.device, generator=generator
                )
                moved = moved + self._up[number].item() * noise
        elif index == len(self.sigmas) - 2:
            moved = predicted
        else:
            self._before = sample
            kept = self.sigmas[index + 1].item() / sigma
            moved = kept * sample + (1 - kept) * predicted
        self._step_index = index + 1
        moved, predicted = moved.to(model_output.dtype), predicted.to(model_output.dtype)
        return DPMPP2SAncestralOutput(moved, predicted) if return_dict else (moved, predicted)

    def add_noise(self, original_samples: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Pictures with the noise of these timesteps, one for each picture; of a run that has begun, of where it is."""
        if self._step_index is not None:
            indices = [self._step_index] * len(timesteps)
        elif self._begin_index is not None:
            indices = [self._begin_index] * len(timesteps)
        else:
            indices = [self._index_of(timestep) for timestep in timesteps]
        sigmas = self.sigmas[indices].to(original_samples.device, original_samples.dtype)
        return original_samples + noise * sigmas.reshape(-1, *[1] * (original_samples.dim() - 1))

    def __len__(self) -> int:
        return int(self.config.num_train_timesteps)

    def _find_step(self, timestep: float | torch.Tensor) -> int:
        if self._step_index is None:
            self._step_index = self._index_of(timestep) if self._begin_index is None else self._begin_index
        return self._step_index

    def _index_of(self, timestep: float | torch.Tensor) -> int:
        found = (self.timesteps == torch.as_tensor(timestep).to(self.timesteps)).nonzero()
        if not len(found):
            raise ValueError(f"{float(timestep)} is none of the timesteps")
        return int(found[-1])  # at eta 1 a middle may have the very timestep of the level that comes after it

    def _predicted(self, output: torch.Tensor, sample: torch.Tensor, sigma: float) -> torch.Tensor:
        """The picture that the model's output stands for."""
        kind = self.config.prediction_type
        if kind == "epsilon":
            return sample - sigma * output
        if kind == "v_prediction":
            return sample / (sigma**2 + 1) - sigma / math.hypot(sigma, 1) * output
        return output


def _ancestral(sigma: torch.Tensor, sigma_next: torch.Tensor, eta: float) -> tuple[torch.Tensor, torch.Tensor]:
    """How far down each step goes, and how much fresh noise takes it up again to `sigma_next`."""
    up = (eta * sigma_next / sigma * (sigma**2 - sigma_next**2).clamp(min=0).sqrt()).minimum(sigma_next)
    return (sigma_next**2 - up**2).clamp(min=0).sqrt(), up
