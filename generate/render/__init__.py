"""Rendering a pair: both arms from one seed, with the proof that only the prompt differs.

What needs torch is imported when it is first asked for: all but the drawing of attention.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from generate.render.attention.figure import movement, spotlight

if TYPE_CHECKING:
    from generate.render.attention.cross_attention import (
        AttentionError,
        AttentionRecorder,
        PromptAttention,
        moved,
        read_tokens,
    )
    from generate.render.attention.joint_attention import attention_recorder
    from generate.render.batch import RenderCancelled, RenderError, Step
    from generate.render.libraries import library_versions
    from generate.render.pair import RenderInterrupted, render_pair, resolve_settings
    from generate.render.series import Frame, FramePicture, render_series

_WITH_TORCH = {
    "AttentionError": "generate.render.attention.cross_attention",
    "AttentionRecorder": "generate.render.attention.cross_attention",
    "Frame": "generate.render.series",
    "FramePicture": "generate.render.series",
    "PromptAttention": "generate.render.attention.cross_attention",
    "RenderCancelled": "generate.render.batch",
    "RenderError": "generate.render.batch",
    "RenderInterrupted": "generate.render.pair",
    "Step": "generate.render.batch",
    "attention_recorder": "generate.render.attention.joint_attention",
    "library_versions": "generate.render.libraries",
    "moved": "generate.render.attention.cross_attention",
    "read_tokens": "generate.render.attention.cross_attention",
    "render_pair": "generate.render.pair",
    "render_series": "generate.render.series",
    "resolve_settings": "generate.render.pair",
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WITH_TORCH[name]), name)


__all__ = [
    "AttentionError",
    "AttentionRecorder",
    "Frame",
    "FramePicture",
    "PromptAttention",
    "RenderCancelled",
    "RenderError",
    "RenderInterrupted",
    "Step",
    "attention_recorder",
    "library_versions",
    "moved",
    "movement",
    "read_tokens",
    "render_pair",
    "render_series",
    "resolve_settings",
    "spotlight",
]
