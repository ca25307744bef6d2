"""DPM++ 3M SDE: diffusers' multistep solver, with the third-order update of the stochastic kind as it was published."""

from __future__ import annotations

from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler


class DPMPP3MSDEScheduler(DPMSolverMultistepScheduler):
    """`DPMSolverMultistepScheduler` whose third-order update for "sde-dpmsolver++" is that of k-diffusion's
    `sample_dpmpp_3m_sde` (Katherine Crowson) at eta = 1.

    diffusers 0.42.1 has such an update, too, but with one sign wrong: the weight of the second difference is near -1
    there instead of near 0, so the error falls like that of a first-order method. Everything else is inherited. To be
    as published throughout, `solver_type` must be "heun" (for the second step) and `lower_order_final` off.
    """

    def multistep_dpm_solver_third_order_update(
        self,
        model_output_list: list[torch.Tensor],
        *args: Any,
        sample: torch.Tensor | None = None,
        noise: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        """The sample at the next noise level, from the last three predicted pictures, the latest at the end.

        With lambda = log(alpha / sigma), h the step in lambda, H = 2 h, and the pictures' divided differences d1 and d2
        in units of h:

            x_next = sigma_next/sigma e^-h x + alpha_next ((1 - e^-H) D + phi2 d1 - phi3 d2)
                     + sigma_next sqrt(1 - e^-H) noise,
            phi2 = (e^-H - 1)/H + 1,   phi3 = phi2/H - 1/2.
        """
        if self.config.algorithm_type != "sde-dpmsolver++":
            moved: torch.Tensor = super().multistep_dpm_solver_third_order_update(
                model_output_list, *args, sample=sample, noise=noise, **kwargs
            )
            return moved
        if sample is None or noise is None:
            raise ValueError("a stochastic step needs both the sample and noise")
        # Step k goes from the level of index k to that of k + 1; the pictures were predicted at k, k - 1 and k - 2.
        here = self.step_index
        pairs = [self._sigma_to_alpha_sigma_t(self.sigmas[i]) for i in (here + 1, here, here - 1, here - 2)]
        (alpha_next, sigma_next), (_, sigma), *_ = pairs
        after, now, before, long_before = [torch.log(a) - torch.log(s) for a, s in pairs]
        h = after - now
        r0, r1 = (now - before) / h, (before - long_before) / h

        latest, previous, oldest = model_output_list[-1], model_output_list[-2], model_output_list[-3]
        first, second = (latest - previous) / r0, (previous - oldest) / r1
        d2 = (first - second) / (r0 + r1)
        d1 = first + r0 * d2

        decayed = torch.exp(-2 * h)
        phi2 = (decayed - 1) / (2 * h) + 1
        phi3 = phi2 / (2 * h) - 0.5
        kept: torch.Tensor = sigma_next / sigma * torch.exp(-h) * sample
        drawn: torch.Tensor = alpha_next * ((1 - decayed) * latest + phi2 * d1 - phi3 * d2)
        added: torch.Tensor = sigma_next * torch.sqrt(1 - decayed) * noise
        return kept + drawn + added
