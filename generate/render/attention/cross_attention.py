"""Attention: which words each place of a picture looked at, recorded from the U-Net's cross-attention.

The idea is DAAM's (Tang et al. 2022, "What the DAAM: Interpreting Stable Diffusion Using Cross Attention").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from generate.models.catalog import embedding_pattern
from generate.models.opening.model import OpenModel
from generate.render.conditioning import prompt_chunks
from generate.render.input_check import named_inputs
from generate.settings import RenderSettings
from ideation import TwinseedError, parse_prompt
from ideation.english import as_written, words_of

#: Layers whose maps have fewer places a side than this are left out, unless the model has no finer ones: one place of
#: theirs is much of the picture, and what a word is about comes out smeared (docs/comparison/attention.md has the
#: figures).
COARSEST = 8
#: Probabilities are computed for so many bytes at a time: next to what the denoiser itself takes, nothing.
_BYTES_AT_ONCE = 32 * 2**20


class AttentionError(TwinseedError):
    """Words that there is no map of."""


@dataclass(frozen=True)
class PromptTokens:
    """What the context of a prompt is made of. `text` is the prompt as it is spoken, without weights, brackets and
    adapters; `spans` has, for each place of the context, where in `text` its token stands, or None for the start, the
    end and the padding of a chunk. Characters that the encoder never saw are in no span."""

    text: str
    spans: tuple[tuple[int, int] | None, ...]

    @cached_property
    def content(self) -> tuple[int, ...]:
        """The places of the context that hold words or punctuation."""
        return tuple(place for place, span in enumerate(self.spans) if span is not None)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the prompt that the encoder saw, in order and once each, as they are first written."""
        words: dict[str, str] = {}
        for word in as_written(words_of(self.text)):
            if self.between(word.start, word.end):
                words.setdefault(word.key, word.text)
        return tuple(words.values())

    def between(self, begin: int, end: int) -> tuple[int, ...]:
        """The places whose tokens have a part in `text[begin:end]`."""
        return tuple(place for place in self.content if self.spans[place][0] < end and self.spans[place][1] > begin)  # type: ignore[index]

    def of(self, phrase: str) -> tuple[int, ...]:
        """The places of a word or phrase, wherever it stands in the prompt as whole words, in upper or lower case.

        Raises `AttentionError` where it does not, or where it does but was cut off.
        """
        words = phrase.split()
        pattern = r"\s+".join(map(re.escape, words))
        if words and words[0][0].isascii():  # Chinese and Japanese put no space between words
            pattern = rf"(?<!\w){pattern}"
        if words and words[-1][-1].isascii():
            pattern = rf"{pattern}(?!\w)"
        found = [match.span() for match in re.finditer(pattern, self.text, re.IGNORECASE)] if words else []
        if not found:
            raise AttentionError(
                "the prompt does not say {phrase!r}",
                hint="its words are: {words}" if self.words else "it has no words",
                phrase=phrase,
                words=", ".join(self.words),
            )
        places = [place for span in found for place in self.between(*span)]
        if not places:
            raise AttentionError(
                "the encoder never saw {phrase!r}: the prompt is cut before it",
                hint="shorten the prompt, or read it in chunks with --tokens chunk",
                phrase=phrase,
            )
        return tuple(places)


def read_tokens(model: OpenModel, prompt: str, settings: RenderSettings) -> PromptTokens:
    """The tokens of a prompt, chunk by chunk as `encode_pair` has them encoded. Raises what that raises."""
    tokenizer = model.text_encoders[0][0]
    parsed = parse_prompt(prompt)
    text, tokens = "", list[tuple[int, tuple[int, int]]]()
    for number, section in enumerate(parsed.sections):
        text += " " if number else ""
        for stretch in section:
            tokens += _tokens_of(model, tokenizer, stretch.text, len(text))
            text += stretch.text
    spans: list[tuple[int, int] | None] = []
    for chunk in prompt_chunks(model, tokenizer, parsed, chunked=settings.long_prompts == "chunk"):
        held, limit = int(chunk.mask.sum()) - 2, chunk.ids.shape[1]
        taken, tokens = tokens[:held], tokens[held:]
        if [token for token, _ in taken] != chunk.ids[0, 1 : 1 + held].tolist():
            raise AssertionError(f"{prompt!r} was tokenised in two ways")
        spans += [None, *(span for _, span in taken), *[None] * (limit - 1 - held)]
    return PromptTokens(text, tuple(spans))


def _tokens_of(model: OpenModel, tokenizer: Any, text: str, offset: int) -> list[tuple[int, tuple[int, int]]]:
    """The ids of a stretch and where each stands, counted from `offset`. All tokens of a textual inversion stand where
    its name does."""
    names = [one.name for one in model.embeddings]
    cuts = [0, *(cut for match in embedding_pattern(names).finditer(text) for cut in match.span())] if names else [0]
    tokens: list[tuple[int, tuple[int, int]]] = []
    for number, (cut, next_cut) in enumerate(pairwise([*cuts, len(text)])):
        piece = text[cut:next_cut]
        read = model.pipeline.maybe_convert_prompt(piece, tokenizer) if number % 2 else piece
        encoded = tokenizer(
            read, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False
        )
        for token, (begin, end) in zip(encoded.input_ids, encoded.offset_mapping, strict=True):
            span = (offset, offset + len(piece)) if number % 2 else (offset + begin, offset + end)
            tokens.append((token, span))
        offset += len(piece)
    return tokens


@dataclass(frozen=True)
class PromptAttention:
    """What one picture's places looked at. `shares` is (places of the context, height, width) float32, the mean over
    heads, layers and steps of the attention probabilities: at each place of the picture they add up to 1, of which the
    start of the prompt and its padding take the larger part."""

    tokens: PromptTokens
    shares: NDArray[np.float32] = field(repr=False)

    def map_of(self, phrase: str) -> NDArray[np.float32]:
        """(height, width): which share of its attention each place of the picture gave to the phrase, 0..1.

        The plain share is what lies best on the thing that is named. Divided by what all words together get, or with
        their mean taken off, it says which word is strongest where there is little to say, and tells fillers and
        backgrounds apart rather than figures; docs/comparison/attention.md has both measured. Raises `AttentionError`
        for words that are not in the prompt.
        """
        mapped: NDArray[np.float32] = self.shares[list(self.tokens.of(phrase))].sum(0)
        return mapped


def moved(simple: PromptAttention, expanded: PromptAttention, phrase: str) -> NDArray[np.float32]:
    """(height, width): where a phrase of both prompts got more (above 0) and less (below 0) in the expanded picture.

    Each map is first brought to a mean of 1: more words share the same attention, so every word's share falls when a
    prompt grows, and the plain difference would say nothing but that. 1 means as much more as the word gets on average.
    """
    before, after = (one.map_of(phrase) for one in (simple, expanded))
    difference: NDArray[np.float32] = after / after.mean() - before / before.mean()
    return difference


class AttentionRecorder(AbstractContextManager["AttentionRecorder"]):
    """Looks on while a batch is rendered: `with recorder: pipeline(...)`, and then `recorder.maps`.

    `prompts` are the tokens of each picture's prompt, in the order of the batch. The rows with the prompts are told
    from the unconditional ones, also where the denoiser takes its batch in slices. Contexts may be
    repeated to a common length: the probabilities of a repeated token add up to what it has alone, so its first
    appearance is enough. The probabilities are computed beside the layer's own work, from the same hidden states and
    weights; nothing that the picture is made of is touched, and it stays the same to the last bit.

    Memory: one running sum for each size of layer, and 32 MB of probabilities at a time. Entered again, it begins anew;
    of a render that was broken off nothing is kept.
    """

    def __init__(self, model: OpenModel, prompts: Sequence[PromptTokens], *, coarsest: int = COARSEST) -> None:
        self._denoiser, self._prompts, self._coarsest = model.denoiser, tuple(prompts), coarsest
        self._guided = model.family.guided_rows
        self._maps: tuple[PromptAttention, ...] = ()
        self._forget()

    @property
    def maps(self) -> tuple[PromptAttention, ...]:
        """One for each prompt. Raises `AttentionError` before a render has been seen to its end."""
        if not self._maps:
            raise AttentionError("no render was recorded", hint="render something with the recorder looking on")
        return self._maps

    def __enter__(self) -> AttentionRecorder:
        self._forget()
        self._maps = ()
        self._hooks = ExitStack()
        layers = [layer for name, layer in self._denoiser.named_modules() if name.split(".")[-1] == "attn2"]
        hooks = [self._denoiser.register_forward_pre_hook(self._begin, with_kwargs=True)]
        hooks += [layer.register_forward_pre_hook(self._watch, with_kwargs=True) for layer in layers]
        for hook in hooks:
            self._hooks.callback(hook.remove)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._hooks.close()
        if kind is None and self._sums:
            self._maps = tuple(
                PromptAttention(tokens, self._mean(arm, len(tokens.spans))) for arm, tokens in enumerate(self._prompts)
            )
        self._forget()

    def _forget(self) -> None:
        # By the size of a layer's map: for each prompt the sum of its probabilities, (tokens, height * width).
        self._sums: dict[tuple[int, int], list[torch.Tensor]] = {}
        self._counts: dict[tuple[int, int], int] = {}
        self._seen: dict[Any, int] = {}

    def _begin(self, denoiser: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """A forward pre-hook of the denoiser: which batch its layers are about to see."""
        sample = named_inputs(denoiser, arguments, keywords)["sample"]
        guided = len(sample) > len(self._prompts)
        self._first = self._guided.index("prompt") * len(self._prompts) if guided else 0
        self._size = (int(sample.shape[-2]), int(sample.shape[-1]))
        self._seen = {}

    @torch.no_grad()
    def _watch(self, layer: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """A forward pre-hook of an `attn2` layer."""
        hidden = arguments[0] if arguments else keywords["hidden_states"]
        context = arguments[1] if len(arguments) > 1 else keywords["encoder_hidden_states"]
        begin = self._seen.get(layer, 0)
        self._seen[layer] = begin + len(hidden)
        size = _layer_size(self._size, hidden.shape[1])
        if min(size) < self._coarsest and any(seen > size for seen in self._sums):  # the finest come first
            return
        for row in range(len(hidden)):
            arm = begin + row - self._first
            if 0 <= arm < len(self._prompts):
                length = len(self._prompts[arm].spans)
                self._add(size, arm, _probabilities(layer, hidden[row : row + 1], context[row : row + 1, :length]))

    def _add(self, size: tuple[int, int], arm: int, probabilities: torch.Tensor) -> None:
        if size not in self._sums:
            self._sums[size] = [
                probabilities.new_zeros(len(tokens.spans), probabilities.shape[1]) for tokens in self._prompts
            ]
            self._counts[size] = 0
        self._sums[size][arm] += probabilities
        self._counts[size] += arm == 0

    def _mean(self, arm: int, length: int) -> NDArray[np.float32]:
        """(tokens, height, width): the mean over layers and steps, on the grid of the finest layer."""
        finest = max(self._sums)
        total = torch.zeros(length, *finest)
        for size, sums in self._sums.items():
            maps = sums[arm].cpu().view(1, length, *size)
            total += functional.interpolate(maps, finest, mode="bilinear", align_corners=False)[0]
        mean: NDArray[np.float32] = (total / sum(self._counts.values())).numpy()
        return mean


def _probabilities(layer: Any, hidden: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
    """(tokens, places) float32, the mean over the heads of what the layer is about to compute for one row."""
    if layer.group_norm is not None:
        hidden = layer.group_norm(hidden.transpose(1, 2)).transpose(1, 2)
    if layer.norm_cross:
        context = layer.norm_encoder_hidden_states(context)
    query = layer.to_q(hidden).unflatten(-1, (layer.heads, -1))[0].transpose(0, 1)
    key = layer.to_k(context).unflatten(-1, (layer.heads, -1))[0].transpose(0, 1)
    query, key = (part if norm is None else norm(part) for part, norm in ((query, layer.norm_q), (key, layer.norm_k)))
    at_once = max(1, _BYTES_AT_ONCE // (4 * query.shape[1] * key.shape[1]))
    total = query.new_zeros(query.shape[1], key.shape[1], dtype=torch.float32)
    for some in range(0, layer.heads, at_once):
        heads = slice(some, some + at_once)
        scores = torch.bmm(query[heads].float(), key[heads].float().transpose(1, 2)) * layer.scale
        total += scores.softmax(-1).sum(0)
    mean: torch.Tensor = total.T / layer.heads
    return mean


def _layer_size(size: tuple[int, int], places: int) -> tuple[int, int]:
    """Height and width of a layer of so many places, in a U-Net that halves `size` on the way down, rounding up."""
    height, width = size
    while height * width > places:
        height, width = (height + 1) // 2, (width + 1) // 2
    if height * width != places:
        raise AttentionError(
            "the model has a layer of {places} places, which is no half of {size}x{size_2}",
            hint="its maps cannot be recorded: take a Stable Diffusion model",
            places=places,
            size=size[0],
            size_2=size[1],
        )
    return height, width
