"""The ladder: from the simple to the expanded prompt phrase by phrase, and the expanded one without each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from compare.instruments.context import Bench
from compare.instruments.results import LadderRecord, RungRecord, WithoutRecord
from generate.render.series import Frame
from ideation.english.diff import diff
from ideation.english.grammar import indefinite_article
from ideation.english.phrases import phrases_of
from ideation.english.stems import content_stems, same
from ideation.english.words import words_of
from ideation.prompt_syntax import marks_in

#: Beyond so many additions the smallest neighbours are put on one rung.
MOST_ADDITIONS = 10

_Span = tuple[int, int]

_SEPARATORS = ",;|，、；"
_WEIGHT = r"(?::\s*[+-]?[\d.]+)?"


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


def ladder(bench: Bench) -> LadderRecord:
    """Climbs from the simple to the expanded prompt under the pair's first seed, then leaves out each addition once.

    The first and the last picture are the pair's own; prompts that come up twice are drawn once. Raises what rendering
    raises.
    """
    seed, prompts = bench.seeds[0], bench.prompts
    plan = plan_ladder(prompts.simple, prompts.expanded)
    images = {
        prompts.simple: bench.pictures["simple", seed],
        prompts.expanded: bench.pictures["expanded", seed],
    }
    wanted = dict.fromkeys(prompt for prompt, _ in (*plan.rungs, *plan.without))
    frames = [Frame(prompt, seed) for prompt in wanted if prompt not in images]
    images |= {made.frame.prompt: made.image for made in bench.render(frames)}
    first, last = images[prompts.simple], images[prompts.expanded]
    below = [prompts.simple, *(prompt for prompt, _ in plan.rungs)]
    rungs = tuple(
        RungRecord(
            prompt=prompt,
            phrase=phrase,
            file=bench.keep(f"ladder-{number}.png", images[prompt], prompt, seed),
            moved=bench.distance(images[before], images[prompt]),
            from_simple=bench.distance(first, images[prompt]),
        )
        for number, (before, (prompt, phrase)) in enumerate(zip(below, plan.rungs, strict=False))
    )
    without = tuple(
        WithoutRecord(
            prompt=prompt,
            phrase=phrase,
            file=bench.keep(f"without-{number}.png", images[prompt], prompt, seed),
            moved=bench.distance(last, images[prompt]),
        )
        for number, (prompt, phrase) in enumerate(plan.without, start=1)
    )
    return LadderRecord(seed=seed, rungs=rungs, without=without)


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
    syntax = marks_in(expanded).spans("weight", "adapter", "break")
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
