"""Numerics: how a graphics card's libraries compute while pictures are drawn, and what the certificate says of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

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
