"""The placebo: the simple prompt, padded with words that say nothing. Better words, or only more words?"""

from __future__ import annotations

from itertools import cycle

from compare.instruments.context import Bench, mean_distance
from compare.instruments.results import PlaceboRecord
from generate.models.embedding_names import token_budget
from generate.render.series import Frame
from ideation.english.words import words_of
from ideation.token_budget import TokenBudget

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


def placebo(bench: Bench) -> PlaceboRecord | None:
    """Draws the simple prompt, padded to the expanded one's length, under every seed of the pair.

    The padding has no word of either prompt and never goes beyond what the encoder reads. None where the expanded
    prompt is no longer than the simple one, so that there is nothing to pad. The cosines are empty without a CLIP.
    Raises what rendering raises.
    """
    model, prompts, seeds = bench.model, bench.prompts, bench.seeds
    budget = token_budget(model.tokenizer_file, model.token_limit, chunked=bench.settings.long_prompts == "chunk")
    prompt = padded(prompts.simple, prompts.expanded, budget)
    if prompt is None:
        return None
    images = [made.image for made in bench.render([Frame(prompt, seed) for seed in seeds])]
    files = {
        seed: bench.keep(f"placebo-{seed}.png", image, prompt, seed) for seed, image in zip(seeds, images, strict=True)
    }
    on_simple: dict[int, float] = {}
    on_expanded: dict[int, float] = {}
    if bench.clip is not None:
        fits = bench.clip.image_vectors(images) @ bench.clip.text_vectors([prompts.simple, prompts.expanded]).T
        on_simple = {seed: round(float(fit[0]), 6) for seed, fit in zip(seeds, fits, strict=True)}
        on_expanded = {seed: round(float(fit[1]), 6) for seed, fit in zip(seeds, fits, strict=True)}
    simple = [bench.pictures["simple", seed] for seed in seeds]
    expanded = [bench.pictures["expanded", seed] for seed in seeds]
    return PlaceboRecord(
        prompt=prompt,
        tokens=budget.count(prompt),
        files=files,
        on_simple=on_simple,
        on_expanded=on_expanded,
        moved=mean_distance([bench.distance(*two) for two in zip(simple, images, strict=True)]),
        words_moved=mean_distance([bench.distance(*two) for two in zip(simple, expanded, strict=True)]),
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
