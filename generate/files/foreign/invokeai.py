"""InvokeAI's settings: a JSON object under `invokeai_metadata`."""

from __future__ import annotations

from generate.files.foreign.settings import Decimal, ForeignModel, Whole, checked, json_object, with_notes
from generate.files.parameters import LoraUse, PictureParameters
from generate.files.sampler_names import scheduler_named

#: With "_k" at the end, Karras. Its dpmpp_2s and dpmpp_3m draw no noise on the way: we have none such.
_SAMPLERS = {
    "ddim": "DDIM",
    "deis": "DEIS",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_sde": "DPM++ SDE",
    "euler": "Euler",
    "euler_a": "Euler a",
    "heun": "Heun",
    "kdpm_2": "DPM2",
    "kdpm_2_a": "DPM2 a",
    "lcm": "LCM",
    "lms": "LMS",
    "pndm": "PLMS",
    "tcd": "TCD",
    "unipc": "UniPC",
}


class _Model(ForeignModel):
    """Until version 3 with model_name, then with name and hash."""

    name: str | None = None
    model_name: str | None = None
    hash: str | None = None


class _Lora(ForeignModel):
    model: _Model | None = None
    lora: _Model | None = None
    weight: Decimal = 1.0


class _Settings(ForeignModel):
    positive_prompt: str = ""
    negative_prompt: str = ""
    seed: Whole | None = None
    steps: Whole | None = None
    cfg_scale: Decimal | None = None
    scheduler: str | None = None
    width: Whole | None = None
    height: Whole | None = None
    rand_device: str | None = None
    model: _Model | None = None
    loras: list[_Lora] | None = None
    app_version: str = ""
    generation_mode: str = ""


def read_invokeai(text: str) -> PictureParameters:
    """The parameters in InvokeAI's JSON. Raises `PictureError`."""
    found = checked(_Settings, json_object(text, "InvokeAI"), "InvokeAI")
    name = found.scheduler or ""
    sampler = _SAMPLERS.get(name.removesuffix("_k"))
    scheduler = scheduler_named(sampler, "Karras" if name.endswith("_k") else "Normal") if sampler else None
    model = found.model or _Model()
    uses = [(lora.model or lora.lora or _Model(), lora.weight) for lora in found.loras or ()]
    return with_notes(
        PictureParameters(
            prompt=found.positive_prompt,
            negative_prompt=found.negative_prompt,
            seed=found.seed,
            num_inference_steps=found.steps,
            guidance_scale=found.cfg_scale,
            scheduler=scheduler,
            foreign_scheduler=None if scheduler else found.scheduler,
            width=found.width,
            height=found.height,
            model=model.name or model.model_name,
            model_hash=model.hash,
            loras=tuple(LoraUse(lora.name or lora.model_name or "", weight, lora.hash) for lora, weight in uses),
            tool="InvokeAI",
            rng=found.rand_device and found.rand_device.upper(),
            unread=found.unread,
        )
    )
