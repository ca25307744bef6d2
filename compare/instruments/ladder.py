"""The ladder: from the simple to the expanded prompt phrase by phrase, and the expanded one without each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Annotated, Any

from pydantic import Field

from compare.instruments.context import Context, Instrument, NoOptions
from compare.instruments.distance import DistanceRecord, Measure, amount, distance_text, measure_of
from compare.instruments.scores.phrase_audit import PhraseRecord
from compare.report.blocks import Block, Section, Shot, Strip, Text
from compare.report.charts import Bar, bar_chart
from compare.report.sentences import sentences
from generate.settings import RenderSettings
from ideation import PromptPair, marks_in
from ideation.english import content_stems, diff, indefinite_article, same, words_of
from ideation.files import FileName, Seed, StrictModel
from ideation.prompt import phrases_of

#: Beyond so many additions the smallest neighbours are put on one rung.
MOST_ADDITIONS = 10
#: The part of the largest effect from which on it is worth a word that the audit sees nothing of a phrase.
_NOTABLE = 1 / 4

_Span = tuple[int, int]

_SEPARATORS = ",;|，、；"
_WEIGHT = r"(?::\s*[+-]?[\d.]+)?"


class RungRecord(StrictModel):
    """One picture on the ladder: its prompt, the phrase that was added to the one before (empty for the first), and
    how far it moved from the one before and from the simple picture."""

    prompt: str
    phrase: str
    file: FileName
    moved: DistanceRecord
    from_simple: DistanceRecord


class WithoutRecord(StrictModel):
    """The expanded prompt without one phrase, and how far its picture is from the expanded one."""

    prompt: str
    phrase: str
    file: FileName
    moved: DistanceRecord


class EffectRecord(StrictModel):
    """How much a phrase moves the picture: the mean of the distances by which it does when it comes in and when it is
    left out, by `measure`. The phrase is empty for the rewording, which only comes in."""

    phrase: str
    moved: Annotated[float, Field(ge=0)]
    measure: Measure

    @property
    def hundredths(self) -> float:
        return 100 * self.moved


class LadderRecord(StrictModel):
    """From the simple to the expanded prompt one phrase at a time, and the expanded one with each phrase left out.
    Where the expanded prompt words the simple one anew, the second rung does that and has no phrase. `most` is what
    moved the picture most, None where nothing did, and in runs from before it was kept."""

    seed: Seed
    rungs: tuple[RungRecord, ...]
    without: tuple[WithoutRecord, ...]
    most: EffectRecord | None = None


@dataclass(frozen=True)
class Addition:
    """What one rung adds: stretches of the expanded prompt, and their words for people."""

    phrase: str
    spans: tuple[_Span, ...]


@dataclass(frozen=True)
class Plan:
    """The prompts of a ladder. `rungs` are (prompt, phrase), from the simple to the expanded prompt; a rung behind the
    first with no phrase rewords. `without` are (prompt, phrase), the expanded prompt without that one."""

    rungs: tuple[tuple[str, str], ...]
    without: tuple[tuple[str, str], ...]

    def between(self, simple: str, expanded: str) -> list[str]:
        """The prompts that are neither the simple nor the expanded one, each once."""
        prompts = dict.fromkeys(prompt for prompt, _ in (*self.rungs, *self.without))
        return [prompt for prompt in prompts if prompt not in (simple, expanded)]


def ladder(context: Context, _: NoOptions) -> LadderRecord:
    """Climbs from the simple to the expanded prompt under the pair's first seed, then leaves out each addition once.

    The first and the last picture are the pair's own; prompts that come up twice are drawn once. Raises what rendering
    raises.
    """
    from generate.render import Frame

    seed, prompts = context.seeds[0], context.prompts
    plan = plan_ladder(prompts.simple, prompts.expanded)
    images = {
        prompts.simple: context.pictures["simple", seed],
        prompts.expanded: context.pictures["expanded", seed],
    }
    frames = [Frame(prompt, seed) for prompt in plan.between(prompts.simple, prompts.expanded)]
    images |= {made.frame.prompt: made.image for made in context.render(frames)}
    first, last = images[prompts.simple], images[prompts.expanded]
    below = [prompts.simple, *(prompt for prompt, _ in plan.rungs)]
    rungs = tuple(
        RungRecord(
            prompt=prompt,
            phrase=phrase,
            file=context.keep(f"ladder-{number}.png", images[prompt], prompt, seed),
            moved=context.distance(images[before], images[prompt]),
            from_simple=context.distance(first, images[prompt]),
        )
        for number, (before, (prompt, phrase)) in enumerate(zip(below, plan.rungs, strict=False))
    )
    without = tuple(
        WithoutRecord(
            prompt=prompt,
            phrase=phrase,
            file=context.keep(f"without-{number}.png", images[prompt], prompt, seed),
            moved=context.distance(last, images[prompt]),
        )
        for number, (prompt, phrase) in enumerate(plan.without, start=1)
    )
    found = LadderRecord(seed=seed, rungs=rungs, without=without)
    return found.model_copy(update={"most": most_of(effects_of(found))})


def effects_of(ladder: LadderRecord) -> tuple[EffectRecord, ...]:
    """What each rung above the first does, in their order, all by one measure."""
    measure = measure_of([*(rung.moved for rung in ladder.rungs), *(one.moved for one in ladder.without)])
    left_out = {one.phrase: one.moved for one in ladder.without}
    effects = []
    for rung in ladder.rungs[1:]:
        both = [rung.moved, *([left_out[rung.phrase]] if rung.phrase in left_out else [])]
        mean = sum(amount(one, measure) for one in both) / len(both)
        effects.append(EffectRecord(phrase=rung.phrase, moved=round(mean / 100, 6), measure=measure))
    return tuple(effects)


def most_of(effects: Sequence[EffectRecord]) -> EffectRecord | None:
    """What moves the picture most; None where nothing moves it."""
    return max((one for one in effects if one.moved > 0), key=lambda one: one.moved, default=None)


def plan_ladder(simple: str, expanded: str) -> Plan:
    """The prompts of the ladder from `simple` to `expanded`; additions come in the expanded prompt's own order.

    Where the expanded prompt without all additions is not the simple one, upper and lower case apart, it is a rung of
    its own, so that no addition answers for the rewording.
    """
    if simple == expanded:
        return Plan(((simple, ""),), ())
    additions = _merged(_additions(simple, expanded), expanded)
    core = _left(expanded, additions)
    if additions and not _says(core):  # nothing is kept: the first phrase is where the expanded prompt begins
        additions = additions[1:]
        core = _left(expanded, additions)
    rungs = [(simple, "")]
    if not additions or _folded(core) != _folded(simple):
        rungs.append((core if additions else expanded, ""))
    rungs += [
        (_left(expanded, additions[number:]), addition.phrase) for number, addition in enumerate(additions, start=1)
    ]
    return Plan(tuple(rungs), tuple((_left(expanded, [addition]), addition.phrase) for addition in additions))


def _additions(simple: str, expanded: str) -> list[Addition]:
    """What the expanded prompt says more than the simple one, phrase by phrase.

    A phrase without a word of the simple prompt is an addition as a whole; in one with such words, each run of new ones
    is, unless it stands where the simple prompt had another word for it ("riding a bicycle" for "on a bike").
    """
    new, replacing, lost = _new_words(simple, expanded)
    additions = []
    for _, start, end in phrases_of(expanded):
        inside = [word for word in new if start <= word[0] < end]
        runs = [list(run) for is_new, run in groupby(inside, key=lambda word: new[word]) if is_new]
        kept = [word for word in inside if not new[word]]
        whole = not _says(" ".join(expanded[a:b] for a, b in kept))
        for run in [inside] if whole else runs:
            a, b = (start, end) if whole else (run[0][0], run[-1][1])
            reworded = lost & set(content_stems(expanded[a:b])) or (not whole and run[0] in replacing)
            if _says(expanded[a:b]) and not reworded:
                additions.append(Addition(expanded[a:b], ((a, b),)))
    return additions


def _new_words(simple: str, expanded: str) -> tuple[dict[_Span, bool], set[_Span], set[str]]:
    """The words of the expanded prompt by their places, and whether each is new; the new ones that stand where the
    simple prompt had other words; and the stems, synonyms among them, of the simple prompt's words that are gone."""
    # "a cat" and "an old cat" have the article in common.
    before, after = (re.sub(r"\b([Aa])n\b", r"\1", prompt) for prompt in (simple, expanded))
    fate: list[bool] = []
    first_behind_a_loss: set[int] = set()
    gone = ""
    lost: set[str] = set()
    for piece in diff(before, after):
        if piece.kind == "removed":
            gone = piece.simple
            lost |= {form for stem in content_stems(gone) for form in same(stem)}
            continue
        if piece.kind == "added" and _says(gone):
            first_behind_a_loss.add(len(fate))
        fate += [piece.kind == "added"] * len(words_of(piece.expanded))
        gone = ""
    # Marks between words that are digits or capitals, yet no words.
    syntax = marks_in(expanded).spans("weight", "adapter", "tag", "break")
    new: dict[_Span, bool] = {}
    replacing: set[_Span] = set()
    for number, word in enumerate(words_of(expanded)):
        if not any(a <= word.start < b for a, b in syntax):
            new[word.start, word.end] = fate[number]
            if number in first_behind_a_loss:
                replacing.add((word.start, word.end))
    return new, replacing, lost


def _merged(additions: Sequence[Addition], expanded: str) -> list[Addition]:
    """At most `MOST_ADDITIONS`: again and again the two neighbours with the fewest words become one."""
    merged = list(additions)
    while len(merged) > MOST_ADDITIONS:
        sizes = [len(one.phrase.split()) + len(other.phrase.split()) for one, other in pairwise(merged)]
        at = sizes.index(min(sizes))
        one, other = merged[at : at + 2]
        gap = expanded[one.spans[-1][1] : other.spans[0][0]]
        together = one.phrase + (gap if not re.search(r"\w", gap) else ", ") + other.phrase
        merged[at : at + 2] = [Addition(together, one.spans + other.spans)]
    return merged


def _left(expanded: str, additions: Iterable[Addition]) -> str:
    """The expanded prompt without the additions, with commas, spaces, brackets and articles as if it had never had
    them; with nothing taken out, it is the expanded prompt to the letter."""
    text, taken = expanded, False
    for start, end in sorted((span for addition in additions for span in addition.spans), reverse=True):
        text, taken = text[:start] + "\0" + text[end:], True
    if not taken:
        return expanded
    text = re.sub(r"\b([Aa])n?(\s+)\0\s*(?=(\w[\w'-]*))", _article, text)
    text = text.replace("\0", " ")
    for pattern, instead in (
        (rf"[(\[][\s,]*{_WEIGHT}\s*[)\]]", " "),  # brackets around what is gone
        (rf"([(\[])[\s{_SEPARATORS}]+", r"\1"),
        (rf"[\s{_SEPARATORS}]+({_WEIGHT}[)\]])", r"\1"),
        (r"\.(?:\s+\.)+", "."),
        (r"\s+([,.;，、；。])", r"\1"),
        (rf"([{_SEPARATORS}])(?:\s*[{_SEPARATORS}])+", r"\1"),
        (rf"[{_SEPARATORS}]+(?=[.。])", ""),
        (rf"^[\s.{_SEPARATORS}]+|[\s{_SEPARATORS}]+$", ""),
        (r"\s{2,}", " "),
    ):
        text = re.sub(pattern, instead, text)
    return text


def _article(match: re.Match[str]) -> str:
    article = indefinite_article(match[3])
    return (article.capitalize() if match[1].isupper() else article) + match[2]


def _says(text: str) -> bool:
    """Whether there is more in it than words of grammar. Stems are English; every word of another script counts."""
    return bool(content_stems(text)) or any(c.isalpha() and not c.isascii() for c in text)


def _folded(prompt: str) -> str:
    """The text encoders of Stable Diffusion read no upper case and no second space."""
    return " ".join(prompt.casefold().split())


def _section(ladder: LadderRecord, said: dict[str, Any], t: dict[str, Any]) -> Section:
    """What each phrase does, then the pictures of each coming in and of each left out."""
    effects = effects_of(ladder)
    measure = effects[0].measure if effects else "mean_absolute_difference"
    names = [
        said["shot"].format(number=number, phrase=rung.phrase or said["reworded" if number else "start"])
        for number, rung in enumerate(ladder.rungs)
    ]
    lead = ladder_text(ladder, said, t)
    blocks: list[Block] = [Text(lead, "lead")] if lead else []
    if effects:
        bars = [
            Bar(one.phrase or said["reworded"], one.hundredths, _moved(one, t), one == most_of(effects))
            for one in effects
        ]
        blocks.append(bar_chart("ladder", bars, said["effect"]))
    climbed = tuple(
        _shot(one, ladder.seed, name, measure if number else None, said, t)
        for number, (one, name) in enumerate(zip(ladder.rungs, names, strict=True))
    )
    blocks += [Text(said["climb"], "heading"), Strip(climbed)]
    if ladder.without:
        left_out = tuple(
            _shot(one, ladder.seed, said["without_shot"].format(phrase=one.phrase), measure, said, t)
            for one in ladder.without
        )
        blocks += [Text(said["without"], "heading"), Text(said["without_about"]), Strip(left_out)]
    return Section("ladder", said["title"], (said["about"], t["measure"][f"{measure}_about"]), tuple(blocks))


def _shot(
    one: RungRecord | WithoutRecord,
    seed: int,
    name: str,
    measure: Measure | None,
    said: dict[str, Any],
    t: dict[str, Any],
) -> Shot:
    moved = "" if measure is None else said["moved"].format(distance=distance_text(one.moved, measure, t))
    return Shot(one.file, said["alt"].format(seed=seed, prompt=one.prompt), name, moved)


def _moved(effect: EffectRecord, t: dict[str, Any]) -> str:
    return str(t["measure"][effect.measure]).format(number=f"{effect.hundredths:.1f}")


def ladder_text(ladder: LadderRecord, said: dict[str, Any], t: dict[str, Any]) -> str:
    """What moved the picture most, in report and terminal alike; "" where nothing did."""
    most = most_of(effects_of(ladder))
    if most is None:
        return ""
    return str(said["lead"]).format(seed=ladder.seed, phrase=most.phrase or said["reworded"], distance=_moved(most, t))


def unseen_but_moving(
    ladder: LadderRecord, phrases: Sequence[PhraseRecord], said: dict[str, Any], t: dict[str, Any]
) -> str:
    """How phrase audit and ladder differ, where a phrase that cannot be made out in the pictures has moved them all the
    same: by a quarter of what did most, or more. "" where they do not."""
    effects = effects_of(ladder)
    most = most_of(effects)
    unseen = {" ".join(phrase.text.casefold().split()) for phrase in phrases if phrase.mark == "ignored"}
    moving = [
        said["unseen_phrase"].format(phrase=one.phrase, distance=_moved(one, t))
        for one in effects
        if most is not None
        and one.moved >= _NOTABLE * most.moved
        and any(phrase in " ".join(one.phrase.casefold().split()) for phrase in unseen)
    ]
    return str(said["unseen"]).format(phrases=t["joint"].join(moving)) if moving else ""


def _lines(ladder: LadderRecord) -> list[str]:
    """What did most, as the report says it, and what each phrase does."""
    told = sentences("en")
    said, t = told["instruments"]["ladder"], told["report"]
    lead = ladder_text(ladder, said, t)
    return [
        *([lead] if lead else []),
        *(f"{_moved(one, t):>12}  {one.phrase or said['reworded']}" for one in effects_of(ladder)),
    ]


def _steps(_: NoOptions, prompts: PromptPair, settings: RenderSettings) -> int:
    between = plan_ladder(prompts.simple, prompts.expanded).between(prompts.simple, prompts.expanded)
    return -(-len(between) // 2) * settings.num_inference_steps


LADDER = Instrument(
    name="ladder",
    question="which phrase moved the picture? one more at a time, and each left out",
    options=NoOptions,
    result=LadderRecord,
    measure=ladder,
    section=_section,
    steps=_steps,
    lines=_lines,
)
