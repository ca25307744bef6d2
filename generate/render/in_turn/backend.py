"""Attention backends: whose kernels compute the attention of a transformer, for both arms alike."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diffusers.models.attention_dispatch import attention_backend

from generate.settings import ATTENTION_BACKENDS, RenderSettings


def how_attended(settings: RenderSettings) -> dict[str, Any]:
    """The backend by diffusers' name and the version of its package, for the certificate; nothing where torch
    chooses."""
    backend = settings.attention_backend
    if backend is None:
        return {}
    package = ATTENTION_BACKENDS[backend]
    if package is None:
        return {"attention_backend": backend}
    named = importlib.metadata.packages_distributions().get(package, [package])[0]
    return {"attention_backend": backend, "attention_backend_version": importlib.metadata.version(named)}


@contextmanager
def attended_by(settings: RenderSettings) -> Iterator[None]:
    """Inside the block, the layers that leave it open are computed by the backend that was asked for."""
    if settings.attention_backend is None:
        yield
        return
    with attention_backend(settings.attention_backend):
        yield
