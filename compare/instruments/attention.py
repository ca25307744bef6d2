"""Attention maps: where the picture looked at each word, and how that moved from one arm to the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from compare.instruments.context import Context, Instrument, NoOptions
from compare.report.blocks import Block, Section, Shot, Strip, Text
from generate.picture import ARMS, Arm
from generate.settings import RenderSettings
from ideation import PromptPair
from ideation.files import FileName, Seed, Share, StrictModel

if TYPE_CHECKING:  # brings torch along
    from generate.render import PromptAttention

#: The most words of each prompt that are shown: those that were looked at most.
MOST_WORDS = 8
_LITTLE = frozenset(
    "a an the of in on at by to for from with without and or is are was were be it its this that these those as into "
    "onto over under up down out off near one style".split()
)


class WordMapRecord(StrictModel):
    """Where the picture looked at one word of its prompt while it was drawn. `file` lights the picture as its map is.
    `weight` is the word's share of all attention that the prompt's words got; `new` words are in this prompt alone."""

    arm: Arm
    word: str
    new: bool
    weight: Share
    file: FileName


class SharedWordRecord(StrictModel):
    """A word of both prompts: `file` shows the expanded map minus the simple one, `overlap` (0..1) is what they share,
    1 for equal maps."""

    word: str
    overlap: Share
    file: FileName


class AttentionRecord(StrictModel):
    """The maps of the words that were looked at most."""

    seed: Seed
    words: tuple[WordMapRecord, ...]
    shared: tuple[SharedWordRecord, ...]


def attention(context: Context, _: NoOptions, most: int = MOST_WORDS) -> AttentionRecord:
    """Renders the pair of the first seed once more with a recorder looking on, and keeps the maps of each prompt's
    words, `most` of them at most.

    Raises `RenderError` where the pictures did not come out as they were.
    """
    from generate.render import moved, movement, spotlight

    seed = context.seeds[0]
    simple, expanded = recorded = context.attention(seed)
    shared = _shared(simple, expanded)
    words = [
        WordMapRecord(
            arm=arm,
            word=word,
            new=word.casefold() not in shared,
            weight=round(_weight(maps, word), 4),
            file=context.keep_figure(
                f"attention-{arm}-{number}.png", spotlight(context.pictures[arm, seed], maps.map_of(word))
            ),
        )
        for arm, maps in zip(ARMS, recorded, strict=True)
        for number, word in enumerate(_weightiest(maps, most))
    ]
    differences = [
        SharedWordRecord(
            word=word,
            overlap=round(_overlap(simple.map_of(word), expanded.map_of(word)), 4),
            file=context.keep_figure(
                f"attention-both-{number}.png",
                movement(
                    moved(simple, expanded, word),
                    context.pictures["expanded", seed].size,
                    context.pictures["expanded", seed],
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


def _section(attention: AttentionRecord, said: dict[str, Any], t: dict[str, Any]) -> Section:
    """Where each word was looked at, and how that differs for the words of both prompts."""
    blocks: list[Block] = []
    for arm in ARMS:
        shots = tuple(
            Shot(
                word.file,
                said["alt"].format(word=word.word, arm=t["short_arm"][arm], seed=attention.seed),
                word.word,
                said["new" if word.new else "share"].format(share=f"{100 * word.weight:.0f}"),
            )
            for word in attention.words
            if word.arm == arm
        )
        if shots:
            blocks += [Text(said[arm], "heading"), Strip(shots)]
    if attention.shared:
        both = tuple(
            Shot(
                word.file,
                said["shared_alt"].format(word=word.word, seed=attention.seed),
                word.word,
                said["overlap"].format(share=f"{100 * word.overlap:.0f}"),
            )
            for word in attention.shared
        )
        blocks += [Text(said["shared"], "heading"), Text(said["shared_about"]), Strip(both)]
    return Section("attention", said["title"], (said["about"],), tuple(blocks))


def _steps(_: NoOptions, __: PromptPair, settings: RenderSettings) -> int:
    return settings.num_inference_steps


ATTENTION = Instrument(
    name="attention",
    question="where did each word look while the picture was drawn?",
    options=NoOptions,
    result=AttentionRecord,
    measure=attention,
    section=_section,
    steps=_steps,
    looks_inside=True,
)
