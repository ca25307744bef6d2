"""How often the verdict is right about the intent, on drawn scenes: details added, or the subject or action exchanged.

python benchmarks/findings/verdict.py [--scenes 40] [--seeds 4]

The expanded prompt always says what its picture shows, so the gain is real each time; what the verdict has to find out
is whether the subject and the action of the simple prompt are still there. Also prints what the expanded pictures keep
of the lead over the rivals, and by how much of that lead their fit with the simple prompt changed: the thresholds in
`compare/instruments/scores/verdict.py` were chosen by these.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import replace
from random import Random

# Before torch: whatever is of `generate` tells threads to sleep while they wait, which torch reads when it is imported.
from generate.settings import RenderSettings

# isort: split

import numpy as np
import torch

from compare.instruments.context import Context
from compare.instruments.scores.score_card import cards_of
from compare.instruments.scores.verdict import verdict_of
from generate.clip import open_clip
from generate.models import open_model
from generate.seedling import SEEDLING_SIZES
from generate.training.scenes.captions import caption
from generate.training.scenes.drawing import draw
from generate.training.scenes.scene import Scene, draw_scene
from ideation import TokenBudget, given_pair, seedling_vocabulary

WAYS = ("details added", "and another subject", "and another action")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=4)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    model, clip, vocabulary = open_model("seedling", device="cpu"), open_clip("seedling", "cpu"), seedling_vocabulary()
    budget, random = TokenBudget(model.tokenizer_file, vectors={}), Random("verdict")
    kinds: dict[str, Counter[str]] = {way: Counter() for way in WAYS}
    kept: dict[str, list[float]] = {way: [] for way in WAYS}
    changed: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(arguments.scenes):
        rich = draw_scene(random, vocabulary, richness=1.0)
        while len(rich.named()) == 2:  # a scene without a detail
            rich = draw_scene(random, vocabulary, richness=1.0)
        plain = Scene(rich.subject, rich.action)
        others = {
            kind: random.choice([name for name in vocabulary.names(kind) if name != getattr(rich, kind)])
            for kind in ("subject", "action")
        }
        scenes = (rich, *(replace(rich, **{kind: name}) for kind, name in others.items()))
        simple = f"{'an' if rich.subject[0] in 'aeio' else 'a'} {rich.subject} {rich.action}"
        for way, scene in zip(WAYS, scenes, strict=True):
            expanded = caption(scene, random, vocabulary, keep=1.0, chattering=False)
            pair = given_pair(simple, simple, expanded, "", budget)
            pictures = {
                (arm, seed): draw(shown, Random(seed), size=SEEDLING_SIZES[0][0]).picture
                for seed in range(number * arguments.seeds, (number + 1) * arguments.seeds)
                for arm, shown in (("simple", plain), ("expanded", scene))
            }
            context = Context(pair, RenderSettings(images=arguments.seeds), model, pictures, clip)
            cards = cards_of(context)
            kinds[way][verdict_of(pair, context.distances(), cards).kind] += 1
            for card in cards.values():
                lead = card.simple_on_simple - (card.simple_on_rivals or 0)
                kept[way].append((card.expanded_on_simple - (card.expanded_on_rivals or 0)) / lead)
                changed[way].append((card.expanded_on_simple - card.simple_on_simple) / lead)
    print(f"{arguments.scenes} scenes, {arguments.seeds} seeds each")
    for way in WAYS:
        print(f"{way:<22}" + ", ".join(f"{kind} {count}" for kind, count in kinds[way].most_common()))
        for what, shares in (("lead kept", kept[way]), ("fit changed, in leads", changed[way])):
            at = " ".join(f"{share:.2f}" for share in np.quantile(shares, [0.05, 0.25, 0.5, 0.75, 0.95]))
            print(f"{'':<22}{what}, at 5 25 50 75 95 % of the pictures: {at}")


if __name__ == "__main__":
    main()
