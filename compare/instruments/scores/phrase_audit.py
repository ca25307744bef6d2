"""The phrase audit: in which pictures each phrase of the expanded prompt can be seen.

CLIP's cosines say little by themselves: some phrases fit every picture a little. So each phrase is held against a bank
of phrases that have nothing to do with the prompts, on the same picture, and what it has in common with all of them,
its cosine with their mean, is taken off first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from compare.instruments.context import Context, Scorer
from compare.instruments.scores.unknown_words import judge_vocabulary
from compare.report.blocks import Audited, Block, Chart, Legend, Section, Stretch, Table, Text
from compare.report.charts import MOST_LETTERS, Dumbbell, dumbbells, shortened
from ideation import Vocabulary, built_in_words
from ideation.english import content_stems, same, words_of
from ideation.expanders.offline import built_in_details
from ideation.files import Count, Share, StrictModel
from ideation.prompt import ARTICLES, phrases_of

Mark = Literal["shared", "never seen", "drawn", "there already", "ignored", "unclear"]

#: A phrase fits from here on, and does not up to there; between the two it is too close to call. Measured: see
#: `benchmarks/findings/phrases.py` and docs/comparison/numbers.md.
FITS, FITS_NOT = 0.93, 0.85

#: What the simple pictures show already has to fit better still: a picture without a style fits some painters a little.
FITS_WELL = 0.97

#: So many phrases of the bank at least, or nothing is said; and so many at most, for larger CLIPs take their time.
_FEWEST, _MOST = 40, 600

#: The signs of the marks behind a phrase, which say the same without colour.
SIGNS = {"drawn": "●", "there_already": "◐", "ignored": "○", "never_seen": "✕", "shared": "=", "unclear": "?"}
#: The same in per cent, for the legend.
_LIMITS = {"fits": f"{100 * FITS:.0f}", "fits_not": f"{100 * FITS_NOT:.0f}", "fits_well": f"{100 * FITS_WELL:.0f}"}
_MOST_ROWS = 24  # of the chart; the strip of phrases above it has them all


class PhraseRecord(StrictModel):
    """One phrase of the expanded prompt, its characters `start` to `end`.

    `mark`: "shared" is in the simple prompt, too; "never seen" fell off the encoder's end; "drawn" is in the expanded
    pictures and not in the simple ones; "there already" is in both; "ignored" is not in the expanded ones; "unclear"
    where the pictures are too few or too close to call, or the CLIP takes a wolf for a dog; None where no CLIP could
    look. `on_simple` and `on_expanded` are how well the phrase fits the pictures of either arm, averaged over the
    seeds: the share of unrelated phrases that fit worse (0..1, 0.5 is chance).
    """

    text: str
    start: Count
    end: Count
    mark: Mark | None
    on_simple: Share | None = None
    on_expanded: Share | None = None

    @property
    def key(self) -> str:
        """The mark as the tables of sentences and styles name it; "none" where no CLIP could look."""
        return "none" if self.mark is None else self.mark.replace(" ", "_")


def audit(context: Context) -> tuple[PhraseRecord, ...]:
    """A record of every phrase of the expanded prompt, as `PhraseRecord` has it.

    Of a phrase that shares words with the simple prompt, only its new words are looked for: of "a red dog", "red".
    Costs one CLIP vector per phrase and per picture, and once as many as the bank has phrases.
    """
    expanded, simple = context.prompts.expanded, context.prompts.simple
    budget = context.budget
    fits = _Fits(context, context.clip) if context.clip is not None else None
    records = []
    said_by_simple, is_over = _said(simple), False
    for text, start, end in phrases_of(expanded):
        on_simple = on_expanded = None
        mark: Mark | None = None
        if (said := _said(text)).strip() and said in said_by_simple:
            mark = "shared"
        elif is_over or (not budget.chunked and budget.count(expanded[:start]) >= budget.limit):
            mark, is_over = "never seen", True
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
    old = _stems_of(simple)
    words = [(word.key, set(content_stems(word.key))) for word in words_of(phrase)]
    if not any(stems & old for _, stems in words):
        return phrase
    return " ".join(key for key, stems in words if stems - old) or phrase


def bank_of(vocabulary: Vocabulary | None) -> tuple[str, ...]:
    """Reference phrases that a model's pictures may be held against: what it has learnt, if it has a `vocabulary`, else
    the subjects, actions, styles, places, lights and moods of the built-in lists, evenly thinned."""
    if vocabulary is not None:
        return tuple(phrase for terms in vocabulary.terms.values() for term in terms for phrase in term.phrases)
    words, details = built_in_words(), built_in_details()
    phrases = [word.en for word in (*words.topics, *words.actions, *words.styles)]
    phrases += [phrase for scene in details.scenes.values() for phrase in (*scene.places, *scene.details)]
    phrases += [phrase for light in details.lights.values() for phrase in (*light.light, *light.sign)]
    phrases += [phrase for moods in details.moods.values() for phrase in moods]
    unique = list(dict.fromkeys(phrases))
    return tuple(unique[:: -(-len(unique) // _MOST)])


class _Fits:
    """How well phrases fit the pictures of a pair, by its CLIP."""

    def __init__(self, context: Context, clip: Scorer) -> None:
        self._clip, self._judge = clip, judge_vocabulary(clip.name)
        bank = bank_of(context.vocabulary)
        vectors = self._clip.text_vectors(bank)
        self._middle = vectors.mean(0)
        both = f"{context.prompts.simple} {context.prompts.expanded}"
        said = {other for word in content_stems(both) for other in same(word)}
        if context.vocabulary is not None:  # a model with one draws a puppy as it draws a dog
            terms = context.vocabulary.find(both).values()
            said |= {word for term in terms for phrase in term.phrases for word in content_stems(phrase)}
        stems = [frozenset(content_stems(phrase)) for phrase in bank]
        unrelated = [k for k, words in enumerate(stems) if said.isdisjoint(words)]
        self._stems = [stems[k] for k in unrelated]
        self._pictures = {
            arm: self._clip.image_vectors([context.pictures[arm, seed] for seed in context.seeds]) - self._middle
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
        if self._judge is not None and any(one.near for one in self._judge.named(phrase)):
            return None  # it has learnt to see a dog where a wolf is asked for, and cannot tell them apart
        (vector,) = self._clip.text_vectors([phrase])
        return (
            _share_below(self._references["simple"][:, compared], self._pictures["simple"] @ vector),
            _share_below(self._references["expanded"][:, compared], self._pictures["expanded"] @ vector),
        )


def _share_below(references: NDArray[np.float32], own: NDArray[np.float32]) -> float:
    """(seeds, references) and (seeds,): the share of references below the own value, equal ones by half."""
    below = (references < own[:, None]).mean(1) + (references == own[:, None]).mean(1) / 2
    return round(float(below.mean()), 4)


def _said(text: str) -> str:
    """The words of a text, articles apart, each between spaces: what says another, word for word, has that within."""
    return f" {' '.join(word.key for word in words_of(text) if word.key not in ARTICLES)} "


@lru_cache(maxsize=4)
def _stems_of(prompt: str) -> frozenset[str]:
    """Kept, as it is asked for with every phrase."""
    return frozenset(content_stems(prompt))


def audit_section(
    phrases: Sequence[PhraseRecord],
    expanded: str,
    t: dict[str, Any],
    *,
    seeds: int = 1,
    glosses: Mapping[str, str] = MappingProxyType({}),
) -> Section | None:
    """The expanded prompt, each phrase marked by what became of it. The shares of a single seed stand in a table, those
    of several in a chart; `glosses` are phrases in the reader's language."""
    if not phrases:
        return None
    audit = t["audit"]
    stretches = audited_prompt(expanded, phrases)
    there = {stretch.mark for stretch in stretches}
    legend = tuple(
        Legend(mark, sign, audit["marks"][mark], audit["mark_about"][mark].format(**_LIMITS))
        for mark, sign in SIGNS.items()
        if mark in there
    )
    said = audit_text(phrases, t)
    blocks: list[Block] = [Text(said, "lead")] if said else []
    blocks.append(Audited(tuple(stretches), legend))
    scored = [
        (phrase, Dumbbell(_marked_label(phrase, audit, glosses), 100 * phrase.on_simple, 100 * phrase.on_expanded))
        for phrase in phrases
        if phrase.mark != "shared" and phrase.on_simple is not None and phrase.on_expanded is not None
    ]
    if scored and seeds == 1:
        blocks += [_table(scored, t, glosses), Text(audit["chart"])]
    elif scored:
        blocks.append(_chart([row for _, row in scored[:_MOST_ROWS]], t))
    return Section("audit", audit["title"], (audit["about"],), tuple(blocks))


def _table(scored: Sequence[tuple[PhraseRecord, Dumbbell]], t: dict[str, Any], glosses: Mapping[str, str]) -> Table:
    audit, arms = t["audit"], t["card"]["pictures"]
    rows = [
        (
            _glossed(phrase, glosses),
            *(audit["share"].format(number=f"{share:.0f}") for share in (row.simple, row.expanded)),
            audit["marks"][phrase.key],
        )
        for phrase, row in scored
    ]
    return Table((audit["head"]["phrase"], arms["simple"], arms["expanded"], audit["head"]["found"]), tuple(rows))


def _chart(rows: Sequence[Dumbbell], t: dict[str, Any]) -> Chart:
    audit = t["audit"]
    svg = dumbbells(rows, t["short_arm"]["simple"], t["short_arm"]["expanded"], (0, 100), chance=50)
    alt = "; ".join(
        audit["chart_row"].format(label=row.label, simple=f"{row.simple:.0f}", expanded=f"{row.expanded:.0f}")
        for row in rows
    )
    return Chart("phrases", svg, alt, audit["chart"])


def audited_prompt(prompt: str, phrases: Sequence[PhraseRecord]) -> list[Stretch]:
    """`prompt` cut up at its `phrases`; joining the texts gives it back. A phrase that lies outside it is left out."""
    stretches: list[Stretch] = []
    position = 0
    for phrase in sorted(phrases, key=lambda phrase: phrase.start):
        if position <= phrase.start < phrase.end <= len(prompt):
            stretches += [
                Stretch(prompt[position : phrase.start]),
                Stretch(prompt[phrase.start : phrase.end], phrase.key),
            ]
            position = phrase.end
    return [stretch for stretch in (*stretches, Stretch(prompt[position:])) if stretch.text]


def audit_text(phrases: Sequence[PhraseRecord], t: dict[str, Any]) -> str:
    """How many phrases were drawn, ignored and so on; or that nobody could look."""
    own = [phrase for phrase in phrases if phrase.mark != "shared"]
    marks = [mark for mark in t["audit"]["marks"] if mark != "shared"]
    counts = {mark: sum(phrase.key == mark for phrase in own) for mark in marks}
    if any(phrase.mark is None for phrase in own):
        return str(t["audit"]["no_clip"])
    named = [
        t["audit"]["count"].format(name=t["audit"]["marks"][mark], number=number)
        for mark, number in counts.items()
        if number
    ]
    return str(t["audit"]["lead"]).format(phrases=len(own), counts=t["joint"].join(named)) if named else ""


def _glossed(phrase: PhraseRecord, glosses: Mapping[str, str]) -> str:
    return " ".join(filter(None, (phrase.text, glosses.get(phrase.text.casefold()))))


def _marked_label(phrase: PhraseRecord, audit: dict[str, Any], glosses: Mapping[str, str]) -> str:
    """The phrase with its mark's name: rings and dots are the pictures' in this chart."""
    if phrase.key not in audit["marks"]:
        return phrase.text
    text = shortened(_glossed(phrase, glosses), MOST_LETTERS - 16)  # so that the chart does not cut the mark off
    return str(audit["chart_label"]).format(phrase=text, mark=audit["marks"][phrase.key])
