"""Unknown words: what of the idea the model, or else its judge, has never learnt, so that no number can judge it; and
what was added in vain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from generate.families import own_clips
from generate.models import vocabulary_of
from ideation import PromptPair, Vocabulary
from ideation.english import content_stems
from ideation.faithfulness import requirements_of
from ideation.files import StrictModel
from ideation.prompt import spoken

Reader = Literal["model", "judge"]

#: So many are named in a sentence.
_MOST_NAMED = 6


class UnknownRecord(StrictModel):
    """The `words` of the simple prompt that the model has never learnt (what is done is named as a whole) or, where it
    has learnt all, its judge; `core` is whether the idea cannot be judged for it: where one of them belongs to the
    subject or the action (to what is left of the idea without its details, and where it has no action, as in "a cat on
    skis", to the details as well), or where they are more than half of all that it says."""

    to: Reader
    words: tuple[str, ...]
    core: bool


def unknown_in(simple: str, model: Vocabulary | None, judge: Vocabulary | None) -> UnknownRecord | None:
    """What is unknown of a simple prompt to a model and a judge of these vocabularies, None where all is known. The
    vocabulary of one that knows any word is None.

    >>> from ideation import seedling_vocabulary
    >>> unknown_in("a cat skiing, flat illustration style", seedling_vocabulary(), None)
    UnknownRecord(to='model', words=('skiing',), core=True)
    >>> unknown_in("a fluffy cat driving a car", None, seedling_vocabulary())
    UnknownRecord(to='judge', words=('fluffy',), core=False)
    """
    text = spoken(simple)
    readers: tuple[tuple[Reader, Vocabulary | None], ...] = (("model", model), ("judge", judge))
    for to, vocabulary in readers:
        words = () if vocabulary is None else tuple(vocabulary.unknown_phrases(text))
        if words:
            core = _core(text)
            hit = not core or any(core.intersection(content_stems(word)) for word in words)
            hit = hit or 2 * sum(len(content_stems(word)) for word in words) > len(set(content_stems(text)))
            return UnknownRecord(to=to, words=words, core=hit)
    return None


def unknown_to(simple: str, model: str, clip: str | None) -> UnknownRecord | None:
    """`unknown_in` for the model and the CLIP of these names."""
    return unknown_in(simple, vocabulary_of(model), judge_vocabulary(clip))


def judge_vocabulary(clip: str | None) -> Vocabulary | None:
    """All words of the CLIP of this name. They are known where a family brings it."""
    return vocabulary_of(clip) if clip is not None and clip in own_clips() else None


def undrawn_in(prompts: PromptPair, model: str) -> tuple[str, ...]:
    """What the expanded prompt has besides, if the model of that name draws nothing of it. Empty for a model that knows
    any word."""
    vocabulary = vocabulary_of(model)
    return () if vocabulary is None else vocabulary.undrawn(spoken(prompts.simple), spoken(prompts.expanded))


def _core(text: str) -> set[str]:
    """The stems of the words of subject and action, or of subject and details."""
    asked = [one.name.partition(": ") for one in requirements_of(text)]
    second = "action" if any(kind == "action" for kind, _, _ in asked) else "detail"
    return {stem for kind, _, what in asked if kind in ("subject", second) for stem in content_stems(what)}


def unknown_text(unknown: UnknownRecord, t: dict[str, Any]) -> str:
    """What cannot be judged for it, as a sentence; `t` is the report's table of sentences."""
    key = f"{'core' if unknown.core else 'part'}_unknown_to_{unknown.to}"
    return str(t["verdict"][key]).format(words=named(unknown.words, t))


def named(words: Sequence[str], t: dict[str, Any]) -> str:
    """The first of the words in quotation marks, and how many more there are."""
    said, more = t["verdict"], len(words) - _MOST_NAMED
    told: str = t["joint"].join(said["quoted"].format(word=word) for word in words[:_MOST_NAMED])
    return told + said["and_more"].format(number=more) if more > 0 else told
