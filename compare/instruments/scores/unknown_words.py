"""Unknown words: what of the idea the model, or else its judge, has never learnt, so that no number can judge it."""

from __future__ import annotations

from typing import Any, Literal

from generate.families import own_clips
from generate.models import vocabulary_of
from ideation import Vocabulary
from ideation.english import content_stems
from ideation.faithfulness import requirements_of
from ideation.prompt_syntax import spoken
from ideation.values import StrictModel

Reader = Literal["model", "judge"]

#: So many are named in a sentence.
_MOST_NAMED = 6


class UnknownRecord(StrictModel):
    """The `words` of the simple prompt that the model has never learnt, or, where it has learnt all, its judge; `core`
    is whether the idea cannot be judged for it: where one of them belongs to the subject or the action (to what is left
    of the idea without its details, and where it has no action, as in "a cat on skis", to the details as well), or
    where they are more than half of all that it says."""

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
        words = () if vocabulary is None else tuple(vocabulary.unknown_words(text))
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


def _core(text: str) -> set[str]:
    """The stems of the words of subject and action, or of subject and details."""
    asked = [one.name.partition(": ") for one in requirements_of(text)]
    second = "action" if any(kind == "action" for kind, _, _ in asked) else "detail"
    return {stem for kind, _, what in asked if kind in ("subject", second) for stem in content_stems(what)}


def unknown_text(unknown: UnknownRecord, t: dict[str, Any]) -> str:
    """What cannot be judged for it, as a sentence; `t` is the report's table of sentences."""
    said = t["verdict"]
    named = t["joint"].join(said["quoted"].format(word=word) for word in unknown.words[:_MOST_NAMED])
    if more := len(unknown.words) - _MOST_NAMED:
        named += said["and_more"].format(number=more) if more > 0 else ""
    key = f"{'core' if unknown.core else 'part'}_unknown_to_{unknown.to}"
    return str(said[key]).format(words=named)
