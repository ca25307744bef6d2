"""Sentences for people, in their language, made from the numbers of a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

import templates
from compare.findings import (
    CardRecord,
    DistanceRecord,
    LadderRecord,
    MorphRecord,
    PhraseRecord,
    PlaceboRecord,
    RulerRecord,
    SweepRowRecord,
)
from compare.record import Record

Language = Literal["en", "zh-TW"]
LANGUAGES: tuple[Language, ...] = ("en", "zh-TW")
LOCALE_FOLDER = Path(templates.__file__).parent / "locale"

Measure = Literal["clip", "mean_absolute_difference"]

#: Two arms whose fits agree to the tenth of a point that is printed are called equal; so are distances within 5 %.
_SAME_POINTS = 0.05
_SAME_TIMES = 0.05


@lru_cache
def sentences(language: Language) -> dict[str, Any]:
    """The table of sentences in `language`, by room: `sentences("en")["report"]`."""
    content: dict[str, Any] = yaml.safe_load((LOCALE_FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return content


def verdict_text(record: Record, language: Language = "en") -> str:
    """The verdict of `record` in one to three sentences, for the command line and the report; "" if it has none."""
    verdict = None if record.findings is None else record.findings.verdict
    if verdict is None:
        return ""
    t = sentences(language)["report"]["verdict"]
    changed = [score.mean_absolute_difference for score in record.scores.values()]
    said: str = t[verdict.kind.replace(" ", "_")].format(
        seeds=verdict.seeds,
        difference=f"{100 * sum(changed) / len(changed):.1f}",
        gain="" if verdict.gain is None else points(abs(verdict.gain.mean)),
    )
    if record.certificate.holds:
        return said
    return said + ("" if language == "zh-TW" else " ") + str(t["not_words"])


def points(cosine: float) -> str:
    """A cosine (or a difference of two) in hundredths, as the report prints it."""
    return f"{100 * cosine:.1f}"


def measure_of(distances: Iterable[DistanceRecord]) -> Measure:
    """What all `distances` have: CLIP's, or else that of pixels."""
    return "clip" if all(distance.clip is not None for distance in distances) else "mean_absolute_difference"


def amount(distance: DistanceRecord, measure: Measure) -> float:
    """The distance in hundredths of `measure`, never below zero (a cosine can exceed 1 by a rounding)."""
    found = distance.clip if measure == "clip" else distance.mean_absolute_difference
    return max(0.0, 100 * (found or 0.0))


def distance_text(distance: DistanceRecord, measure: Measure, t: dict[str, Any]) -> str:
    """The distance with its unit; `t` is the report's table of sentences."""
    return str(t["measure"][measure]).format(number=f"{amount(distance, measure):.1f}")


def audit_text(phrases: Sequence[PhraseRecord], t: dict[str, Any]) -> str:
    """How many phrases were drawn, ignored and so on; or that nobody could look."""
    own = [phrase for phrase in phrases if phrase.mark != "shared"]
    marks = [mark for mark in t["audit"]["marks"] if mark != "shared"]
    counts = {mark: sum(mark_key(phrase) == mark for phrase in own) for mark in marks}
    if any(phrase.mark is None for phrase in own):
        return str(t["audit"]["no_clip"])
    named = [
        t["audit"]["count"].format(name=t["audit"]["marks"][mark], number=number)
        for mark, number in counts.items()
        if number
    ]
    return str(t["audit"]["lead"]).format(phrases=len(own), counts=t["joint"].join(named)) if named else ""


def mark_key(phrase: PhraseRecord) -> str:
    """The phrase's mark as the tables of sentences and styles name it; "none" where no CLIP could look."""
    return "none" if phrase.mark is None else phrase.mark.replace(" ", "_")


def mean_card(cards: Sequence[CardRecord]) -> CardRecord:
    """The mean of the score cards of several seeds; what one of them lacks, the mean lacks."""
    means: dict[str, float | None] = {}
    for name in CardRecord.model_fields:
        values: list[float | None] = [getattr(card, name) for card in cards]
        known = [value for value in values if value is not None]
        means[name] = sum(known) / len(known) if len(known) == len(values) else None
    return CardRecord.model_validate(means)


def card_texts(cards: Sequence[CardRecord], t: dict[str, Any]) -> list[str]:
    """Was the idea kept, were the details gained: by the mean of the seeds, then by how many of them."""
    mean, sentence = mean_card(cards), t["card"]
    said = []
    for what, simple, expanded in (
        ("idea", mean.simple_on_simple, mean.expanded_on_simple),
        ("details", mean.simple_on_expanded, mean.expanded_on_expanded),
    ):
        change = 100 * (expanded - simple)
        how = "same" if abs(change) < _SAME_POINTS else "better" if change > 0 else "worse"
        said.append(sentence[f"{what}_{how}"].format(simple=points(simple), expanded=points(expanded)))
    if mean.simple_on_rivals is not None and mean.expanded_on_rivals is not None:
        lead = sentence["rivals"].format(
            simple=points(mean.simple_on_simple - mean.simple_on_rivals),
            expanded=points(mean.expanded_on_simple - mean.expanded_on_rivals),
        )
        said.append(lead)
    if len(cards) == 1:
        return [*said, sentence["one_seed"]]
    kept = sum(100 * (card.expanded_on_simple - card.simple_on_simple) > -_SAME_POINTS for card in cards)
    gained = sum(100 * (card.expanded_on_expanded - card.simple_on_expanded) > _SAME_POINTS for card in cards)
    return [
        *said,
        sentence["idea_count"].format(number=kept, seeds=len(cards)),
        sentence["details_count"].format(number=gained, seeds=len(cards)),
    ]


def ruler_text(ruler: RulerRecord, t: dict[str, Any]) -> str:
    """How many times as much as another seed the words changed the picture."""
    if amount(ruler.words, ruler.measure) < 0.005:
        return str(t["ruler"]["none"])
    how = "same" if abs(ruler.times - 1) <= _SAME_TIMES else "more" if ruler.times > 1 else "less"
    return str(t["ruler"][how]).format(times=_times(ruler.times))


def placebo_text(placebo: PlaceboRecord, t: dict[str, Any]) -> str:
    """Did empty words move the picture as far as the real ones?"""
    measure = measure_of((placebo.moved, placebo.words_moved))
    empty, real = amount(placebo.moved, measure), amount(placebo.words_moved, measure)
    if max(empty, real) < 0.005:
        return str(t["placebo"]["none"])
    if real > empty:
        # An empty word that moved nothing would make the ratio endless; a thousand says as much.
        return str(t["placebo"]["more"]).format(times=_times(min(real / empty, 1000) if empty else 1000))
    return str(t["placebo"]["less"]).format(times=_times(min(empty / real, 1000) if real else 1000))


def ladder_texts(ladder: LadderRecord, measure: Measure, t: dict[str, Any]) -> tuple[str, str]:
    """The phrase that moved the picture most on the way up, and the one that it can least do without; or ""."""
    rungs = [rung for rung in ladder.rungs[1:] if amount(rung.moved, measure) > 0]
    without = [one for one in ladder.without if amount(one.moved, measure) > 0]
    up = max(rungs, key=lambda rung: amount(rung.moved, measure), default=None)
    down = max(without, key=lambda one: amount(one.moved, measure), default=None)
    return (
        ""
        if up is None
        else str(t["ladder"]["lead"]).format(
            phrase=up.phrase or t["ladder"]["reworded"], distance=distance_text(up.moved, measure, t)
        ),
        ""
        if down is None
        else str(t["ladder"]["without_lead"]).format(
            phrase=down.phrase, distance=distance_text(down.moved, measure, t)
        ),
    )


def morph_text(morph: MorphRecord, measure: Measure, t: dict[str, Any]) -> str:
    """Between which two frames the picture turns most."""
    steps = list(zip(morph.frames, morph.frames[1:], strict=False))
    before, after = max(steps, key=lambda step: amount(step[1].moved, measure), default=(None, None))
    if before is None or after is None or amount(after.moved, measure) == 0:
        return str(t["morph"]["still"])
    return str(t["morph"]["lead"]).format(before=f"{100 * before.part:.0f}", after=f"{100 * after.part:.0f}")


def sweep_text(row: SweepRowRecord, t: dict[str, Any]) -> str:
    """Does this scheduler settle, and after how many steps? One that draws new noise at every step may stand still for
    a prompt that leaves it no choice, and is not said to settle for that."""
    if row.recommended_steps is not None:
        said, steps = "recommended" if row.settles else "stood_still", row.recommended_steps
    else:
        said = "short" if row.settled is None else "not_yet" if row.settles else "wanders"
        steps = max((cell.num_inference_steps for cell in row.cells), default=0)
    return str(t["sweep"][said]).format(scheduler=row.scheduler, steps=steps)


def _times(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
