"""Sentences for people, in their language, made from the numbers of a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

import templates
from compare.instruments.results import (
    CardRecord,
    DistanceRecord,
    LadderRecord,
    MorphRecord,
    PhraseRecord,
    PlaceboRecord,
    RulerRecord,
    SweepRowRecord,
    VerdictRecord,
)
from compare.runs.record import Record
from templates import LANGUAGES as LANGUAGES
from templates import Language as Language

LOCALE_FOLDER = Path(templates.__file__).parent / "locale"

Measure = Literal["clip", "mean_absolute_difference"]

#: Two arms whose fits agree to the tenth of a point that is printed are called equal; so are distances within 5 %.
_SAME_POINTS = 0.05
_SAME_TIMES = 0.05
#: Fewer seeds than this and a verdict on them comes with a warning.
_FEW_SEEDS = 4
#: A loss below so many points is slight; a price is small where it is no more than this part of the gain.
_SLIGHT_POINTS = 5
_SMALL_PRICE = 1 / 3
#: A lead over the rivals of which so much is kept is as clear as before, as `compare.instruments.verdict` has it, too.
_CLEAR = 2 / 3
#: What a placebo moves by less than this, in points or in percent, is nothing to divide by.
_ALMOST_NOTHING = 0.5


@lru_cache
def sentences(language: Language) -> dict[str, Any]:
    """The table of sentences in `language`, by room: `sentences("en")["report"]`."""
    content: dict[str, Any] = yaml.safe_load((LOCALE_FOLDER / f"{language}.yaml").read_text(encoding="utf-8"))
    return content


def verdict_text(record: Record, language: Language = "en") -> str:
    """The verdict of `record` in one to four sentences, for the command line and the report; "" if it has none."""
    verdict = None if record.findings is None else record.findings.verdict
    if verdict is None:
        return ""
    t = sentences(language)["report"]["verdict"]
    changed = [score.mean_absolute_difference for score in record.scores.values()]
    said = [
        t[_verdict_key(verdict)].format(
            seeds=verdict.seeds,
            difference=f"{100 * sum(changed) / len(changed):.1f}",
            gain="" if verdict.gain is None else points(abs(verdict.gain.mean)),
            loss="" if verdict.intent is None else points(abs(verdict.intent.mean)),
        )
    ]
    if 1 < verdict.seeds < _FEW_SEEDS and verdict.kind != "no clip":
        said.append(t["few_seeds"].format(seeds=verdict.seeds))
    if not record.certificate.holds:
        said.append(t["not_words"])
    return ("" if language == "zh-TW" else " ").join(said)


def _verdict_key(verdict: VerdictRecord) -> str:
    """The name of the verdict's sentence. "helped" names its price where the loss of the idea is as real as the gain:
    the lead over the rivals is kept, and still the simple prompt fits less well."""
    intent, gain = verdict.intent, verdict.gain
    if verdict.kind == "helped" and intent is not None and gain is not None and intent.high < 0:
        return "helped_small_price" if -intent.mean <= _SMALL_PRICE * gain.mean else "helped_price"
    return verdict.kind.replace(" ", "_")


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
        simple = mean.simple_on_simple - mean.simple_on_rivals
        expanded = mean.expanded_on_simple - mean.expanded_on_rivals
        clear = simple > 0 and expanded >= _CLEAR * simple
        lead = sentence["rivals"].format(simple=points(simple), expanded=points(expanded))
        said.append(t["pause"].join((lead, sentence["rivals_clear" if clear else "rivals_dim"])))
    if len(cards) == 1:
        return [*said, sentence["one_seed"]]
    losses = [100 * (card.simple_on_simple - card.expanded_on_simple) for card in cards]
    losses = [loss for loss in losses if loss >= _SAME_POINTS]
    many = "idea_none" if not losses else "idea_all" if len(losses) == len(cards) else "idea_some"
    slightly = "_slightly" if losses and sum(losses) < _SLIGHT_POINTS * len(losses) else ""
    gained = sum(100 * (card.expanded_on_expanded - card.simple_on_expanded) > _SAME_POINTS for card in cards)
    return [
        *said,
        sentence[f"{many}{slightly}"].format(number=len(losses), seeds=len(cards)),
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
    filler, real = amount(placebo.moved, measure), amount(placebo.words_moved, measure)
    if max(filler, real) < _ALMOST_NOTHING:
        said = "none"
    elif filler < _ALMOST_NOTHING:
        said = "almost_nothing"
    else:
        said = "more" if real > filler else "less"
    return str(t["placebo"][said]).format(
        placebo=distance_text(placebo.moved, measure, t),
        words=distance_text(placebo.words_moved, measure, t),
        times=_times(real / max(filler, _ALMOST_NOTHING)),
        tokens=placebo.tokens,
    )


def ladder_texts(ladder: LadderRecord, measure: Measure, t: dict[str, Any]) -> tuple[str, str]:
    """What moved the picture most on the way up, and what it can least do without, both in the first where they are two
    phrases; the second alone again. Or "".
    """
    rungs = [rung for rung in ladder.rungs[1:] if amount(rung.moved, measure) > 0]
    without = [one for one in ladder.without if amount(one.moved, measure) > 0]
    up = max(rungs, key=lambda rung: amount(rung.moved, measure), default=None)
    down = max(without, key=lambda one: amount(one.moved, measure), default=None)
    differ = up is not None and down is not None and up.phrase != down.phrase
    return (
        ""
        if up is None
        else str(t["ladder"]["lead_two" if differ else "lead"]).format(
            seed=ladder.seed,
            phrase=up.phrase or t["ladder"]["reworded"],
            distance=distance_text(up.moved, measure, t),
            left_out="" if down is None else down.phrase,
            left_out_distance="" if down is None else distance_text(down.moved, measure, t),
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
