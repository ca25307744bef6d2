"""Joint attention: which words each place of a picture looked at in a transformer, for arms that go in turn.

A U-Net's layers for words have a name of their own; in a transformer picture and words mostly stand in one row, and
look at each other in layers of many makes. So it is looked at where all of them pass: torch's own attention.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from generate.families import Family
from generate.models.opening.model import OpenModel
from generate.models.suitability import check_looked_at
from generate.render.attention.cross_attention import (
    AttentionError,
    AttentionRecorder,
    PromptAttention,
    PromptTokens,
    read_tokens,
)
from generate.settings import RenderSettings

#: Probabilities are computed for so many bytes at a time.
_BYTES_AT_ONCE = 32 * 2**20
#: What layers are called in which the picture looks at words alone.
_FOR_WORDS = ("attn2", "cross_attention")
#: The arguments of torch's attention, in order.
_GIVEN = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale")


def attention_recorder(
    model: OpenModel, prompts: Sequence[str], settings: RenderSettings
) -> AttentionRecorder | JointRecorder:
    """What looks on while pictures of these prompts are drawn. Raises as `read_tokens` and
    `check_looked_at` do."""
    if model.family.in_turn is None:
        return AttentionRecorder(model, [read_tokens(model, prompt, settings) for prompt in prompts])
    check_looked_at(settings)
    return JointRecorder(model, [tokens_in_turn(model, prompt, settings) for prompt in prompts], settings)


def tokens_in_turn(model: OpenModel, prompt: str, settings: RenderSettings) -> PromptTokens:
    """The tokens of a prompt, as they stand in what the transformer is given of words."""
    in_turn = model.family.in_turn
    assert in_turn is not None  # noqa: S101 - for the type checker
    spans = list[tuple[int, int] | None]()
    for number, (part, places) in enumerate(in_turn.context):
        reader = in_turn.reader_of(settings.max_sequence_length) if number + 1 == len(in_turn.context) else None
        before, behind = reader.template_tokens if reader is not None else (0, 0)
        limit = reader.limit if reader is not None else places
        said = reader.before() if reader is not None and reader.before is not None else ""
        read = getattr(model.pipeline, part)(
            said + prompt,
            truncation=True,
            max_length=limit - before - behind,
            return_offsets_mapping=True,
            verbose=False,
        )
        stands = [(begin - len(said), end - len(said)) for begin, end in read.offset_mapping]
        if reader is not None and in_turn.words_from is not None:
            before = in_turn.words_from(model.pipeline, prompt, len(stands), limit)
        own = [None] * before + [span if span[1] > max(span[0], 0) else None for span in stands]
        spans += own + [None] * (places - len(own))
    return PromptTokens(prompt, tuple(spans))


class JointRecorder(AbstractContextManager["JointRecorder"]):
    """Looks on while arms are drawn in turn: it is entered for each, in the order of `prompts`, their tokens.

    The probabilities are computed beside the layer's own work, from the same numbers, over all that the layer looks at,
    the picture itself among it; nothing that the picture is made of is touched. Of a guided render the evaluations
    for the prompt count. Memory: one running sum, and 32 MB of probabilities at a time.
    """

    def __init__(self, model: OpenModel, prompts: Sequence[PromptTokens], settings: RenderSettings) -> None:
        self._model, self._prompts, self._places = model, tuple(prompts), _places_of(model, settings)
        self._guided = model.family.in_turn is not None and model.family.in_turn.guided(settings.guidance_scale)
        self._made: list[PromptAttention] = []

    @property
    def maps(self) -> tuple[PromptAttention, ...]:
        """One for each prompt. Raises `AttentionError` before all of them have been seen to the end."""
        if len(self._made) < len(self._prompts):
            raise AttentionError("no render was recorded", hint="render something with the recorder looking on")
        return tuple(self._made)

    def __enter__(self) -> JointRecorder:
        if len(self._made) == len(self._prompts):  # it begins anew
            self._made = []
        tokens = self._prompts[len(self._made)]
        self._look = _Look(self._model.family, len(tokens.spans), self._places, guided=self._guided)
        self._hooks = ExitStack()
        denoiser = self._model.denoiser
        self._hooks.callback(denoiser.register_forward_pre_hook(self._look.count).remove)
        for part in self._look.parts_of(denoiser):
            self._hooks.callback(part.register_forward_pre_hook(self._look.begin).remove)
            self._hooks.callback(part.register_forward_hook(self._look.end, always_call=True).remove)
        self._hooks.enter_context(self._look)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._hooks.close()
        if kind is not None:
            self._made = []
        elif self._look.sums:
            shares = self._look.mean().reshape(-1, *self._places).cpu().numpy().astype(np.float32)
            self._made.append(PromptAttention(self._prompts[len(self._made)], shares))


def _places_of(model: OpenModel, settings: RenderSettings) -> tuple[int, int]:
    """Height and width of the picture in tokens of the transformer."""
    assert model.family.in_turn is not None  # noqa: S101 - for the type checker
    width, height = (
        given or own for given, own in zip((settings.width, settings.height), model.native_size, strict=True)
    )
    unit, a_side = model.size_unit, model.family.in_turn.places_a_side
    return height // unit * a_side, width // unit * a_side


class _Look(TorchFunctionMode):
    """Sees each call of torch's attention, and adds up the shares that the picture's places give to the first `words`
    places of the context. `sums` are by how long the rows were: the longest are those of picture and words, shorter
    ones of either by itself."""

    def __init__(self, family: Family, words: int, places: tuple[int, int], *, guided: bool) -> None:
        super().__init__()
        in_turn = family.in_turn
        assert in_turn is not None  # noqa: S101 - for the type checker
        self._attends, self._words, self._pixels = in_turn.attends, words, places[0] * places[1]
        self._held = -(-self._pixels // in_turn.picture_in) * in_turn.picture_in
        calls = in_turn.guided_calls if guided else ()
        self._calls, self._call = calls or ("prompt",), -1
        self._rows = family.guided_rows if guided and not calls else ("prompt",)
        self._inside = False
        self.sums: dict[int, tuple[torch.Tensor, int]] = {}

    def parts_of(self, denoiser: Any) -> list[Any]:
        """The parts inside of which it looks: the denoiser, or where words are apart, its layers for them."""
        if self._attends != "words apart":
            return [denoiser]
        return [layer for name, layer in denoiser.named_modules() if name.rpartition(".")[2] in _FOR_WORDS]

    def count(self, *_: Any) -> None:
        """A forward pre-hook of the denoiser."""
        self._call += 1

    def begin(self, *_: Any) -> None:
        """A forward pre-hook of a part."""
        self._inside = self._calls[self._call % len(self._calls)] == "prompt"

    def end(self, *_: Any) -> None:
        """A forward hook of a part."""
        self._inside = False

    def mean(self) -> torch.Tensor:
        """(places of words, places of the picture): the mean over layers and steps."""
        unpadded = self._words + self._held  # with a small picture, longer rows may be of words alone
        total, count = self.sums[unpadded if unpadded in self.sums else max(self.sums)]
        return total / count

    def __torch_function__(
        self, function: Any, _types: Any, arguments: tuple[Any, ...] = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        keywords = keywords or {}
        if self._inside and function is functional.scaled_dot_product_attention:
            self._see({**dict(zip(_GIVEN, arguments, strict=False)), **keywords})
        return function(*arguments, **keywords)

    @torch.no_grad()
    def _see(self, given: dict[str, Any]) -> None:
        """What asks and what is looked at are (rows, heads, places, numbers); of rows, the prompt's is meant."""
        query, key, attn_mask = given["query"], given["key"], given.get("attn_mask")
        asked, looked_at, apart = query.shape[-2], key.shape[-2], self._attends == "words apart"
        if not apart and (looked_at <= self._held or asked not in (looked_at, self._pixels)):
            return
        first = self._held if self._attends == "picture first" else 0
        begin = asked - self._pixels if self._attends == "words first" else 0
        row = self._rows.index("prompt") if len(query) == len(self._rows) else 0
        asking, told = query[row, :, begin : begin + self._pixels], key[row]
        if len(told) < len(asking):  # heads that share what is looked at
            told = told.repeat_interleave(len(asking) // len(told), 0)
        words = slice(first, first + self._words)
        if looked_at < words.stop:
            return
        mask = None
        if attn_mask is not None:
            mask = attn_mask.expand(len(query), query.shape[1], asked, looked_at)[row]
        scale = given.get("scale") or asking.shape[-1] ** -0.5
        total = asking.new_zeros(self._words, self._pixels, dtype=torch.float32)
        for some in range(0, self._pixels, at_once := max(1, _BYTES_AT_ONCE // (4 * len(asking) * looked_at))):
            few = slice(some, min(some + at_once, self._pixels))
            scores = asking[:, few].float() @ told.float().transpose(1, 2) * scale
            if mask is not None:
                rows = mask[:, begin + few.start : begin + few.stop]
                scores = scores.masked_fill(~rows, -torch.inf) if rows.dtype == torch.bool else scores + rows.float()
            total[:, few] = scores.softmax(-1)[..., words].mean(0).T
        before, count = self.sums.get(looked_at, (0, 0))
        self.sums[looked_at] = (before + total, count + 1)
