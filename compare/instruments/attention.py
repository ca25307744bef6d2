"""Attention maps: where the picture looked at each word, and how that moved from one arm to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from compare.instruments.context import Bench
from compare.instruments.results import Arm, AttentionRecord, SharedWordRecord, WordMapRecord
from generate.render.attention import AttentionRecorder, PromptAttention, moved, read_tokens
from generate.render.attention_figure import movement, spotlight
from generate.render.batch import RenderError
from generate.render.pair import render_pair

#: The most words of each prompt that are shown: those that were looked at most.
MOST_WORDS = 8
_ARMS: tuple[Arm, Arm] = ("simple", "expanded")
_LITTLE = frozenset(
    "a an the of in on at by to for from with without and or is are was were be it its this that these those as into "
    "onto over under up down out off near one style".split()
)


def attention(bench: Bench, most: int = MOST_WORDS) -> AttentionRecord:
    """Renders the pair of the first seed once more with a recorder looking on, which changes not a bit of it, and keeps
    the maps of each prompt's words.

    Raises `RenderError` where the pictures did not come out as they were: then the maps would be of others.
    """
    seed = bench.seeds[0]
    prompts = (bench.prompts.simple, bench.prompts.expanded)
    recorder = AttentionRecorder(bench.model, [read_tokens(bench.model, prompt, bench.settings) for prompt in prompts])
    again = render_pair(
        bench.prompts,
        replace(bench.settings, seed=seed, images=1),
        bench.model,
        on_step=bench.on_step,
        watchers=(recorder,),
    )
    for render in again.pictures:
        if render.image.tobytes() != bench.pictures[render.arm, seed].tobytes():
            raise RenderError(
                f"the {render.arm} picture of seed {seed} came out differently",
                hint="attention is recorded on the machine and with the libraries that made the run",
            )
    simple, expanded = recorder.maps
    shared = _shared(simple, expanded)
    words = [
        WordMapRecord(
            arm=arm,
            word=word,
            new=word.casefold() not in shared,
            weight=round(_weight(maps, word), 4),
            file=bench.keep_figure(
                f"attention-{arm}-{number}.png", spotlight(bench.pictures[arm, seed], maps.map_of(word))
            ),
        )
        for arm, maps in zip(_ARMS, recorder.maps, strict=True)
        for number, word in enumerate(_weightiest(maps, most))
    ]
    differences = [
        SharedWordRecord(
            word=word,
            overlap=round(_overlap(simple.map_of(word), expanded.map_of(word)), 4),
            file=bench.keep_figure(
                f"attention-both-{number}.png",
                movement(
                    moved(simple, expanded, word),
                    bench.pictures["expanded", seed].size,
                    bench.pictures["expanded", seed],
                ),
            ),
        )
        for number, word in enumerate(word for word in _weightiest(simple, most) if word.casefold() in shared)
    ]
    return AttentionRecord(seed=seed, words=tuple(words), shared=tuple(differences))


def _shared(simple: PromptAttention, expanded: PromptAttention) -> set[str]:
    return {word.casefold() for word in simple.tokens.words} & {word.casefold() for word in expanded.tokens.words}


def _weightiest(maps: PromptAttention, most: int) -> Sequence[str]:
    """The words that say something and were looked at most, in the order in which the prompt has them."""
    telling = [word for word in maps.tokens.words if word.casefold() not in _LITTLE and len(word) > 1]
    chosen = set(sorted(telling, key=lambda word: -_weight(maps, word))[:most])
    return [word for word in telling if word in chosen]


def _weight(maps: PromptAttention, word: str) -> float:
    return float(maps.map_of(word).sum() / maps.shares[list(maps.tokens.content)].sum())


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """What two maps of a sum of 1 have in common: 1 where they are equal, 0 where they are apart."""
    return min(1.0, float(np.minimum(one / one.sum(), other / other.sum()).sum()))
