"""Numerics: how a graphics card's libraries compute while pictures are drawn, and what the certificate says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

CARD, CUDNN = "graphics card", "cuDNN"


@contextmanager
def exact_numbers(device: str, *, fast: bool) -> Iterator[None]:
    """Inside the block, float32 on CUDA is float32 in convolutions too, which cuDNN would round to the ten bits of
    TF32, and no kernel is taken that gives other bits each time. `fast` lets numbers be rounded, of products of
    matrices too. Elsewhere nothing changes."""
    if not device.startswith("cuda"):
        yield
        return
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32)
    try:
        cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32 = fast, True, False, fast
        yield
    finally:
        cudnn.allow_tf32, cudnn.deterministic, cudnn.benchmark, matmul.allow_tf32 = before


def numerics_of(device: str, *, fast: bool) -> dict[str, str]:
    """What pictures depend on besides the libraries' versions: the card, and how its libraries are told to compute.

    >>> numerics_of("cpu", fast=False)
    {}
    """
    if not device.startswith("cuda"):
        return {}
    how = f"deterministic, {'with' if fast else 'without'} TF32"
    return {CARD: torch.cuda.get_device_name(device), CUDNN: f"{torch.backends.cudnn.version()}, {how}"}


class NoiseInFloat32(TorchFunctionMode):
    """Inside its block, noise for a number format of two bytes is drawn in float32 and rounded, as for U-Nets, too; if
    it is drawn in that format, it is another one with some versions of torch."""

    def __torch_function__(
        self, function: Any, _types: Any, arguments: tuple[Any, ...] = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        given = keywords or {}
        if function is torch.randn and given.get("dtype") in (torch.float16, torch.bfloat16):
            return function(*arguments, **{**given, "dtype": torch.float32}).to(given["dtype"])
        return function(*arguments, **given)


def drawing_in_float32(draw: Callable[..., Any]) -> Callable[..., Any]:
    """`draw`, with noise as `NoiseInFloat32` has it."""

    @wraps(draw)
    def drawn(*arguments: Any, **keywords: Any) -> Any:
        with NoiseInFloat32():
            return draw(*arguments, **keywords)

    return drawn
