"""The phrase audit: in which pictures each phrase of the expanded prompt can be seen.

CLIP's cosines say little by themselves: some phrases fit every picture a little. So each phrase is held against a bank
of phrases that have nothing to do with the prompts, on the same picture, and what it has in common with all of them,
its cosine with their mean, is taken off first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from compare.instruments.context import Bench, Scorer
from compare.instruments.results import PhraseRecord
from generate.models.embedding_names import token_budget
from ideation.draw.word_lists import built_in_words
from ideation.english.phrases import ARTICLES, phrases_of
from ideation.english.stems import content_stems, same
from ideation.english.words import words_of
from ideation.expanders.offline.details import built_in_details
from ideation.vocabulary import seedling_vocabulary

Mark = Literal["shared", "never seen", "drawn", "there already", "ignored", "unclear"]


#: A phrase fits from here on, and does not up to there; between the two it is too close to call. Measured: see
#: `benchmarks/phrases.py` and docs/comparison.md.
FITS, FITS_NOT = 0.93, 0.85

#: What the simple pictures show already has to fit better still: a picture without a style fits some painters a little.
FITS_WELL = 0.97

#: So many phrases of the bank at least, or nothing is said; and so many at most, for larger CLIPs take their time.
_FEWEST, _MOST = 40, 600


def audit(bench: Bench) -> tuple[PhraseRecord, ...]:
    """A record of every phrase of the expanded prompt, as `PhraseRecord` has it.

    Of a phrase that shares words with the simple prompt, only its new words are looked for: of "a red dog", "red".
    Costs one CLIP vector per phrase and per picture, and once as many as the bank has phrases.
    """
    expanded, simple = bench.prompts.expanded, bench.prompts.simple
    budget = token_budget(bench.model.tokenizer_file, bench.model.token_limit)
    chunked = bench.settings.long_prompts == "chunk"
    fits = _Fits(bench, bench.clip) if bench.clip is not None else None
    records = []
    for text, start, end in phrases_of(expanded):
        on_simple = on_expanded = None
        mark: Mark | None = None
        if _is_in(text, simple):
            mark = "shared"
        elif not chunked and budget.count(expanded[:start]) >= budget.limit:
            mark = "never seen"
        elif fits is not None:
            found = fits.of(new_words(text, simple))
            mark = "unclear"
            if found is not None:
                on_simple, on_expanded = found
                mark = mark_of(on_simple, on_expanded)
        records.append(
            PhraseRecord(text=text, start=start, end=end, mark=mark, on_simple=on_simple, on_expanded=on_expanded)
        )
    return tuple(records)


def mark_of(on_simple: float, on_expanded: float) -> Mark:
    """What the two shares say of a phrase."""
    if on_expanded <= FITS_NOT:
        return "ignored"
    if on_expanded >= FITS and on_simple <= FITS_NOT:
        return "drawn"
    if on_expanded >= FITS and on_simple >= FITS_WELL:
        return "there already"
    return "unclear"


def new_words(phrase: str, simple: str) -> str:
    """The words of a phrase that the simple prompt has not, if it has some of them; else the phrase."""
    old = set(content_stems(simple))
    words = [(word.key, set(content_stems(word.key))) for word in words_of(phrase)]
    if not any(stems & old for _, stems in words):
        return phrase
    return " ".join(key for key, stems in words if stems - old) or phrase


def bank_of(model: str) -> tuple[str, ...]:
    """Reference phrases that the pictures of `model` may be held against: what Seedling has learnt for Seedling, else
    the subjects, actions, styles, places, lights and moods of the built-in lists, evenly thinned."""
    if model == "seedling":
        return tuple(
            phrase for terms in seedling_vocabulary().terms.values() for term in terms for phrase in term.phrases
        )
    words, details = built_in_words(), built_in_details()
    phrases = [word.en for word in (*words.topics, *words.actions, *words.styles)]
    phrases += [phrase for scene in details.scenes.values() for phrase in (*scene.places, *scene.details)]
    phrases += [phrase for light in details.lights.values() for phrase in (*light.light, *light.sign)]
    phrases += [phrase for moods in details.moods.values() for phrase in moods]
    unique = list(dict.fromkeys(phrases))
    return tuple(unique[:: -(-len(unique) // _MOST)])


class _Fits:
    """How well phrases fit the pictures of a bench, by its CLIP."""

    def __init__(self, bench: Bench, clip: Scorer) -> None:
        self._clip = clip
        bank = bank_of(bench.settings.model)
        vectors = self._clip.text_vectors(bank)
        self._middle = vectors.mean(0)
        both = f"{bench.prompts.simple} {bench.prompts.expanded}"
        said = {other for word in content_stems(both) for other in same(word)}
        if bench.settings.model == "seedling":  # it draws a puppy as it draws a dog
            terms = seedling_vocabulary().find(both).values()
            said |= {word for term in terms for phrase in term.phrases for word in content_stems(phrase)}
        stems = [frozenset(content_stems(phrase)) for phrase in bank]
        unrelated = [k for k, words in enumerate(stems) if said.isdisjoint(words)]
        self._stems = [stems[k] for k in unrelated]
        self._pictures = {
            arm: self._clip.image_vectors([bench.pictures[arm, seed] for seed in bench.seeds]) - self._middle
            for arm in ("simple", "expanded")
        }
        self._references = {arm: pictures @ vectors[unrelated].T for arm, pictures in self._pictures.items()}

    def of(self, phrase: str) -> tuple[float, float] | None:
        """The share of unrelated phrases that fit worse, on the simple and on the expanded pictures, averaged over the
        seeds; None where too few phrases are unrelated."""
        own = {other for word in content_stems(phrase) for other in same(word)}
        compared = [k for k, words in enumerate(self._stems) if own.isdisjoint(words)]
        if len(compared) < _FEWEST:
            return None
        (vector,) = self._clip.text_vectors([phrase])
        return (
            _share_below(self._references["simple"][:, compared], self._pictures["simple"] @ vector),
            _share_below(self._references["expanded"][:, compared], self._pictures["expanded"] @ vector),
        )


def _share_below(references: NDArray[np.float32], own: NDArray[np.float32]) -> float:
    """(seeds, references) and (seeds,): the share of references below the own value, equal ones by half."""
    below = (references < own[:, None]).mean(1) + (references == own[:, None]).mean(1) / 2
    return round(float(below.mean()), 4)


def _is_in(phrase: str, simple: str) -> bool:
    """Whether the simple prompt says the phrase, word for word, articles apart."""
    said, old = _spoken(phrase), _spoken(simple)
    return bool(said) and any(old[k : k + len(said)] == said for k in range(len(old) - len(said) + 1))


def _spoken(text: str) -> Sequence[str]:
    return [word.key for word in words_of(text) if word.key not in ARTICLES]
