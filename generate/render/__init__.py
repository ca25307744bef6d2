"""Rendering a pair: both arms from one seed, with the proof that only the prompt differs. Loads torch."""

from __future__ import annotations

from generate.render.attention import (
    AttentionError,
    AttentionRecorder,
    PromptAttention,
    PromptTokens,
    moved,
    movement,
    read_tokens,
    spotlight,
)
from generate.render.batch import RenderCancelled, RenderError, Step
from generate.render.conditioning import encode_pair
from generate.render.input_check import library_versions
from generate.render.pair import RenderInterrupted, render_pair, resolve_settings
from generate.render.series import Frame, FramePicture, render_series

__all__ = [
    "AttentionError",
    "AttentionRecorder",
    "Frame",
    "FramePicture",
    "PromptAttention",
    "PromptTokens",
    "RenderCancelled",
    "RenderError",
    "RenderInterrupted",
    "Step",
    "encode_pair",
    "library_versions",
    "moved",
    "movement",
    "read_tokens",
    "render_pair",
    "render_series",
    "resolve_settings",
    "spotlight",
]
