"""The placebo: the simple prompt, padded with words that say nothing. Better words, or only more words?"""

from __future__ import annotations

from itertools import cycle
from typing import Annotated, Any

from pydantic import Field

from compare.instruments.context import Context, Instrument, NoOptions
from compare.instruments.distance import (
    BY_SEED,
    Cosine,
    DistanceRecord,
    amount,
    distance_text,
    mean_distance,
    measure_of,
)
from compare.report.blocks import Section, Shot, Strip, Text, Words
from compare.report.charts import Bar, bar_chart
from compare.report.sentences import points, times
from generate.settings import RenderSettings
from ideation import PromptPair, TokenBudget
from ideation.english import words_of
from ideation.files import Count, FileName, Seed, StrictModel

#: What a placebo moves by less than this, in points or in percent, is nothing to divide by.
_ALMOST_NOTHING = 0.5

#: Words that only join what others say. None names a thing, a look, a place, a mood or a quality. The usual padding
#: ("highly detailed, masterpiece, best quality") would be no placebo: captions on the web use those words of a certain
#: kind of picture, and models have learnt which. Words for the picture itself ("image", "photo") say what it is made
#: of, and nonsense syllables are names to a text encoder. Short words and long ones, so that any length can be met.
NEUTRAL_WORDS = (
    "namely",
    "also",
    "hence",
    "likewise",
    "thus",
    "moreover",
    "too",
    "therefore",
    "thereby",
    "furthermore",
    "so",
    "accordingly",
    "such",
    "whereby",
    "as",
    "nevertheless",
    "then",
    "otherwise",
    "hereby",
    "nonetheless",
    "whereas",
    "consequently",
    "albeit",
    "thereof",
    "it",
    "that",
    "is",
    "which",
    "be",
    "or",
)


class PlaceboRecord(StrictModel):
    """The simple prompt, padded with words that say nothing to about as many tokens as the expanded one has.

    By seed: the picture's file, and its CLIP cosines with the simple and the expanded prompt. `moved` is the mean
    distance from the simple pictures, to be held against that of the expanded ones, `words_moved`.
    """

    prompt: str
    tokens: Count
    files: Annotated[dict[Seed, FileName], Field(json_schema_extra=BY_SEED)]
    on_simple: Annotated[dict[Seed, Cosine], Field(json_schema_extra=BY_SEED)]
    on_expanded: Annotated[dict[Seed, Cosine], Field(json_schema_extra=BY_SEED)]
    moved: DistanceRecord
    words_moved: DistanceRecord


def placebo(context: Context, _: NoOptions) -> PlaceboRecord | None:
    """Draws the simple prompt, padded to the expanded one's length, under every seed of the pair.

    The padding has no word of either prompt and never goes beyond what the encoder reads. None where the expanded
    prompt is no longer than the simple one, so that there is nothing to pad. The cosines are empty without a CLIP.
    Raises what rendering raises.
    """
    from generate.render import Frame

    prompts, seeds, budget = context.prompts, context.seeds, context.budget
    prompt = padded(prompts.simple, prompts.expanded, budget)
    if prompt is None:
        return None
    images = [made.image for made in context.render([Frame(prompt, seed) for seed in seeds])]
    files = {
        seed: context.keep(f"placebo-{seed}.png", image, prompt, seed)
        for seed, image in zip(seeds, images, strict=True)
    }
    on_simple: dict[int, float] = {}
    on_expanded: dict[int, float] = {}
    if context.clip is not None:
        fits = context.clip.image_vectors(images) @ context.clip.text_vectors([prompts.simple, prompts.expanded]).T
        on_simple = {seed: round(float(fit[0]), 6) for seed, fit in zip(seeds, fits, strict=True)}
        on_expanded = {seed: round(float(fit[1]), 6) for seed, fit in zip(seeds, fits, strict=True)}
    simple = [context.pictures["simple", seed] for seed in seeds]
    return PlaceboRecord(
        prompt=prompt,
        tokens=budget.count(prompt),
        files=files,
        on_simple=on_simple,
        on_expanded=on_expanded,
        moved=mean_distance([context.distance(*two) for two in zip(simple, images, strict=True)]),
        words_moved=mean_distance(list(context.distances().values())),
    )


def padded(simple: str, expanded: str, budget: TokenBudget) -> str | None:
    """`simple` with neutral words behind it, up to the tokens of `expanded` or of the encoder, whichever are fewer, or
    one or two below; None where no word fits in."""
    target = budget.count(expanded) if budget.chunked else min(budget.count(expanded), budget.limit)
    said = {word.key for prompt in (simple, expanded) for word in words_of(prompt)}
    words = [word for word in NEUTRAL_WORDS if word not in said]
    prompt, passed_over = simple.rstrip(" ,.;"), 0
    begun = prompt
    for word in cycle(words):
        longer = next((p for p in (f"{prompt}, {word}", f"{prompt} {word}") if budget.count(p) <= target), None)
        prompt, passed_over = (prompt, passed_over + 1) if longer is None else (longer, 0)
        if passed_over == len(words) or budget.count(prompt) == target:
            break
    return prompt if prompt != begun else None


def _section(placebo: PlaceboRecord, said: dict[str, Any], t: dict[str, Any]) -> Section:
    """Better words, or only more of them?"""
    measure = measure_of((placebo.moved, placebo.words_moved))
    rows = [
        Bar(said[name], amount(one, measure), distance_text(one, measure, t), strong)
        for name, one, strong in (("words", placebo.words_moved, True), ("placebo", placebo.moved, False))
    ]
    shots = tuple(
        Shot(
            file,
            said["alt"].format(seed=seed),
            said["shot"].format(seed=seed),
            said["fits"].format(simple=points(placebo.on_simple[seed]), expanded=points(placebo.on_expanded[seed]))
            if seed in placebo.on_simple and seed in placebo.on_expanded
            else "",
        )
        for seed, file in placebo.files.items()
    )
    blocks = (
        Text(placebo_text(placebo, said, t), "lead"),
        bar_chart("placebo", rows),
        Words(placebo.prompt, said["prompt"]),
        Strip(shots),
    )
    about = (said["about"].format(tokens=placebo.tokens), t["measure"][f"{measure}_about"])
    return Section("placebo", said["title"], about, blocks)


def placebo_text(placebo: PlaceboRecord, said: dict[str, Any], t: dict[str, Any]) -> str:
    """Did empty words move the picture as far as the real ones?"""
    measure = measure_of((placebo.moved, placebo.words_moved))
    filler, real = amount(placebo.moved, measure), amount(placebo.words_moved, measure)
    if max(filler, real) < _ALMOST_NOTHING:
        how = "none"
    elif filler < _ALMOST_NOTHING:
        how = "almost_nothing"
    else:
        how = "more" if real > filler else "less"
    return str(said[how]).format(
        placebo=distance_text(placebo.moved, measure, t),
        words=distance_text(placebo.words_moved, measure, t),
        times=times(real / max(filler, _ALMOST_NOTHING)),
        tokens=placebo.tokens,
    )


def _steps(_: NoOptions, __: PromptPair, settings: RenderSettings) -> int:
    return -(-settings.images // 2) * settings.num_inference_steps


PLACEBO = Instrument(
    name="placebo",
    question="better words, or only more words? the simple prompt with words that say nothing",
    options=NoOptions,
    result=PlaceboRecord,
    measure=placebo,
    section=_section,
    steps=_steps,
)
