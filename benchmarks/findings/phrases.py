"""How often the phrase audit is right, on Seedling: where it is known what is in the pictures.

python benchmarks/findings/phrases.py [--scenes 60] [--prompts 30] [--seeds 2] [--judge judge.pt] [--show]

On drawn scenes the truth is certain: the picture was drawn with a thing or without it. Generated pictures are looked at
by the judge, a classifier that `python -m generate.training.evaluate FOLDER` leaves in its folder; without it
only the drawn scenes are measured. What the judge sees with one seed and not with another is left out. Phrases that
Seedling has never learnt are in no picture: their truth is "ignored".
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

# Before torch: whatever is of `generate` tells threads to sleep while they wait, which torch reads when it is imported.
from generate.settings import RenderSettings

# isort: split

import torch
from PIL import Image

from compare.instruments.context import Context
from compare.instruments.scores.phrase_audit import audit
from generate.clip import Clip, open_clip
from generate.models import OpenModel, open_model
from generate.picture import ARMS
from generate.render.pair import render_pair
from generate.seedling import SEEDLING_SIZES
from generate.training.networks.judge import Judge
from generate.training.scenes.drawing import draw
from generate.training.scenes.scene import SKYLESS, Scene, draw_scene
from ideation import KINDS, PromptPair, TokenBudget, built_in_words, given_pair, seedling_vocabulary

TRUTHS = ("drawn", "there already", "ignored: never learnt", "ignored: learnt, not drawn")
MARKS = ("drawn", "there already", "ignored", "unclear")

#: Phrases that nobody taught Seedling, as language models like to write them; the rest is from the word lists.
_STRANGE = (
    "brutalist architecture",
    "volumetric god rays",
    "shot on 35mm film",
    "made of liquid chrome",
    "with freckles",
    "knitted from wool",
    "autumn leaves",
    "holographic sushi",
    "polished marble",
    "lens flare",
    "a grumpy accountant",
)


@dataclass(frozen=True)
class Case:
    """An expanded prompt; `added` are its phrases beyond the simple one, each with its kind and name, None if unlearnt;
    `there` is what the simple picture shows unasked."""

    simple: str
    expanded: str
    scene: Scene
    added: tuple[tuple[str, str | None, str], ...]
    there: str | None


def cases(number: int, seed: int, *, missing: bool) -> list[Case]:
    """With `missing`, some phrases name what the scene has not, and some what its simple picture shows unasked."""
    random, vocabulary = Random(f"phrases/{seed}"), seedling_vocabulary()
    unlearnt = [
        word.en
        for words in (built_in_words().topics, built_in_words().styles)
        for word in words
        if not vocabulary.find(word.en)
    ]
    found: list[Case] = []
    while len(found) < number:
        scene = draw_scene(random, vocabulary, richness=1.0)
        kinds = [kind for kind in ("setting", "time", "weather", "style") if getattr(scene, kind)]
        if not kinds or scene.style == "flat illustration":  # which is what a picture without a style looks like
            continue
        there = random.choice(kinds) if missing and len(kinds) > 1 and random.random() < 0.5 else None
        added: list[tuple[str, str | None, str]] = [(kind, getattr(scene, kind), "") for kind in kinds]
        if missing:
            for kind in ("setting", "weather", "style"):
                others = [n for n in vocabulary.names(kind) if n not in (getattr(scene, kind), "flat illustration")]
                if random.random() < 0.4 and not (kind == "weather" and scene.setting in SKYLESS):
                    added.append((kind, random.choice(others), ""))
        phrases: list[tuple[str, str | None, str]] = []
        for kind, name, _ in added:
            term = next(term for term in vocabulary.terms[kind] if term.name == name)
            said = random.choice(term.phrases)
            phrases.append((kind, name, f"{said} style" if kind == "style" and random.random() < 0.5 else said))
        phrases += [("", None, random.choice(unlearnt)), ("", None, random.choice(_STRANGE))]
        random.shuffle(phrases)
        simple = f"{'an' if scene.subject[0] in 'aeio' else 'a'} {scene.subject} {scene.action}"
        expanded = ", ".join([simple, *(said for _, _, said in phrases)])
        found.append(Case(simple, expanded, replace(scene, colour=None), tuple(phrases), there))
    return found


def drawn(case: Case, number: int, seeds: int, pair: PromptPair, model: OpenModel, clip: Clip) -> Context:
    kept = {case.there: getattr(case.scene, case.there)} if case.there else {}
    plain = Scene(case.scene.subject, case.scene.action, **kept)
    pictures: dict[tuple[str, int], Image.Image] = {}
    for seed in range(number * seeds, (number + 1) * seeds):
        pictures["simple", seed] = draw(plain, Random(seed), size=SEEDLING_SIZES[0][0]).picture
        pictures["expanded", seed] = draw(case.scene, Random(seed), size=SEEDLING_SIZES[0][0]).picture
    return Context(pair, RenderSettings(seed=number * seeds, images=seeds), model, pictures, clip)


def drawn_truth(case: Case, kind: str, name: str | None) -> str:
    if name is None:
        return TRUTHS[2]
    if getattr(case.scene, kind) != name:
        return TRUTHS[3]
    return TRUTHS[1] if kind == case.there else TRUTHS[0]


def judged_truth(context: Context, judge: Judge, kind: str, name: str | None) -> str | None:
    if name is None:
        return TRUTHS[2]
    place, column = seedling_vocabulary().names(kind).index(name), KINDS.index(kind)
    pictures = {arm: [context.pictures[arm, seed] for seed in context.seeds] for arm in ARMS}
    seen = {arm: {bool(answer[column] == place) for answer in judge.answers(pictures[arm])} for arm in ARMS}
    return {
        (False, True): TRUTHS[0],
        (True, True): TRUTHS[1],
        (False, False): TRUTHS[3],
        (True, False): TRUTHS[3],
    }.get((seen["simple"].pop(), seen["expanded"].pop()) if all(len(s) == 1 for s in seen.values()) else ())


def results(arguments: argparse.Namespace, judge: Judge | None) -> Iterator[tuple[str, str, str, str, str]]:
    """Source, truth, mark, phrase and shares of each phrase of all cases."""
    model, clip = open_model("seedling", device="cpu"), open_clip("seedling", "cpu")
    budget = TokenBudget(model.tokenizer_file, vectors={})
    sources = [("drawn scenes", arguments.scenes, 1), (f"drawn scenes, {arguments.seeds} seeds", arguments.scenes, 2)]
    if judge is not None:
        sources.append((f"generated pictures, {arguments.seeds} seeds", arguments.prompts, 3))
    for source, number, which in sources:
        seeds = 1 if which == 1 else arguments.seeds
        for k, case in enumerate(cases(number, 10 * arguments.set + which, missing=which != 3)):
            pair = given_pair(case.simple, case.simple, case.expanded, "", budget)
            if which != 3:
                context = drawn(case, k, seeds, pair, model, clip)
            else:
                made = render_pair(pair, RenderSettings(seed=k * seeds, images=seeds), model)
                pictures = {(render.arm, render.seed): render.image for render in made.pictures}
                context = Context(pair, made.settings, model, pictures, clip)
            records = {record.text: record for record in audit(context)}
            for kind, name, said in case.added:
                truth = drawn_truth(case, kind, name) if which != 3 else judged_truth(context, judge, kind, name)  # type: ignore[arg-type]
                # A phrase that the cutter takes for two is no phrase of this measurement.
                if (record := records.get(said)) is not None and record.mark in MARKS and truth is not None:
                    shares = f"{record.on_simple:.2f} -> {record.on_expanded:.2f}"
                    yield source, truth, str(record.mark), said, shares


def wilson(right: int, of: int) -> str:
    """A share with its 95 % interval by Wilson."""
    if not of:
        return "-"
    p, z = right / of, 1.96
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    reach = z * math.sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return f"{p:.2f} ({middle - reach:.2f}-{middle + reach:.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=60, help="drawn scenes, once with one seed, once with several")
    parser.add_argument("--prompts", type=int, default=30, help="generated pairs; needs --judge")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--judge", type=Path, help="judge/judge.pt of a folder that evaluate.py worked in")
    parser.add_argument("--set", type=int, default=1, help="which random cases; the thresholds were chosen on set 0")
    parser.add_argument("--show", action="store_true", help="also each phrase that was called something else")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    judge = None
    if arguments.judge is not None:
        judge = Judge()
        judge.load_state_dict(torch.load(arguments.judge, map_location="cpu", weights_only=True))
    found = list(results(arguments, judge))
    print(f"{len(found)} phrases")
    for source in dict.fromkeys(row[0] for row in found):
        counts = Counter((truth, mark) for where, truth, mark, _, _ in found if where == source)
        print(f"\n{source}\n{'truth':<28}" + "".join(f"{mark:>15}" for mark in MARKS) + "   right, of those called")
        for truth in TRUTHS:
            row = [counts[truth, mark] for mark in MARKS]
            right = counts[truth, truth.partition(":")[0]]
            if sum(row):
                rest = f"   {wilson(right, sum(row[:3]))}, unclear {row[3] / sum(row):.2f}"
                print(f"{truth:<28}" + "".join(f"{n:>15}" for n in row) + rest)
    if arguments.show:
        for source, truth, mark, said, shares in found:
            if not truth.startswith(mark):
                print(f"{source}: {said!r} is {truth}, called {mark} ({shares})")


if __name__ == "__main__":
    main()
