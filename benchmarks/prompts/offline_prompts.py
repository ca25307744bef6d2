"""Reads a file of prompts through the offline expander and reports what fails, contradicts or repeats itself.

    python benchmarks/prompts/offline_prompts.py PartiPrompts.tsv [--read 100 --sample 1]

The file is a table with a column "Prompt" (PartiPrompts.tsv of google-research/parti), or one prompt a line. Each is
expanded for a large model and for Seedling. Contradictions are looked for by the rules below, which know nothing of
the expander's own tables; what no rule sees has to be read: `--read N` prints N prompts, drawn with `--sample`.
"""

from __future__ import annotations

import argparse
import csv
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from ideation import DraftRequest, OfflineExpander, TwinseedError, seedling_vocabulary, typed_concept
from ideation.english import content_stems

#: Groups of which a picture shows only one; the words of each as a pattern.
_ONE_OF = {
    "time": {
        "day": r"midday|noon|daytime|daylight|morning sun|sunny day",
        "night": r"at night|midnight|moonlight|moonbeams|starlight|night sky|starry",
        "sunset": r"sunset|sundown|dusk|twilight|golden-hour|half-set sun",
        "sunrise": r"sunrise|dawn|daybreak",
    },
    "weather": {
        "rain": r"\brain\b|rainy|monsoon|downpour",
        "snow": r"\bsnow\b|snowy|snowfall|snowstorm|blizzard|snowflakes",
        "fog": r"\bfog\b|foggy|\bmist\b|misty",
        "sun": r"sunny|bright midday sun|sunshine|cloudless|sun-drenched",
    },
    "season": {
        "winter": r"winter|snow|icicles|christmas",
        "spring": r"spring light|cherry tree|blossom",
        "summer": r"\bsummer\b",
        "autumn": r"autumn|\bfall (?:landscape|leaves)|fallen leaves",
    },
    "realm": {
        "indoors": r"\b(?:kitchen|living room|library|classroom|office|bathroom|lecture hall|studio|bedroom|armchair"
        r"|gym|workshop|museum|closet|lobby|fireplace|laboratory|waiting room|supermarket|boxing ring|laundromat|cafe"
        r"|diner|bakery|garage)\b",
        "outdoors": r"\b(?:on|in|at|beside|along|between|over|among|through) (?:an? |the )?(?:[\w-]+ ){0,2}(?:beach"
        r"|shore|meadow|field|forest|jungle|street|road|mountains?|desert|savanna|river|lake|park|garden|farmyard|highway"
        r"|hilltop|clearing|canyon)\b",
        "under water": r"\b(?:underwater|under the sea|coral reef|sea floor|seabed|kelp|bottom of the ocean)\b",
        "space": r"\b(?:outer space|in orbit|on the moon|on mars|asteroids|nebula|galaxy|moon's surface)\b",
    },
}
#: What is missing may not come back, by another name either.
_WITHOUT = re.compile(r"\b(?:without|no)\s+(?:any |a |an |the |its |pairs of )*([\w-]+)", re.IGNORECASE)
_ANOTHER_NAME = {
    "water": r"beach|sea\b|river|lake|pond|rain|waves?\b|puddles?",
    "fans": r"audience|crowds?\b|spectators",
    "people": r"audience|crowds?\b|passers-by|figures?\b",
    "students": r"pupils|crowds?\b|listeners",
    "vehicles": r"\bcars?\b|bus\b|bicycles?|traffic|taxi",
    "cars": r"traffic|taxi",
    "boats": r"ships?\b|sails?\b|masts",
    "leaves": r"foliage|canopy",
    "books": r"pages|volumes",
    "clothes": r"shirts|dresses|coats",
}
_PLACE = re.compile(
    r"^\s*(?!(?:at|in) (?:noon|sunset|night|the (?:rain|snow|fog))\b)(?:in|on|at|beside|along|between|over|among"
    r"|beneath|under|against|above|inside|by|off|far out|high above|through|up)\b"
)
_PLACED = re.compile(
    r"\b(?:in|inside|on|at|under|beneath|near|above|over|across|through|among|between|behind|along|around|next to"
    r"|in front of|by|off|surrounded by) (?:a|an|the|some|his|her|its|their|two|[A-Z])",
)


def contradictions(concept: str, expanded: str) -> list[str]:
    """What the words that were added say against the concept or against each other."""
    added = _added(concept, expanded)
    found: list[str] = []
    for group, members in _ONE_OF.items():
        asked = {name for name, pattern in members.items() if re.search(pattern, concept, re.IGNORECASE)}
        given = {name for name, pattern in members.items() if re.search(pattern, added, re.IGNORECASE)}
        if (asked and given - asked) or len(given) > 1:
            found.append(f"{group}: {', '.join(sorted(asked)) or 'nothing'} against {', '.join(sorted(given))}")
    for thing in _WITHOUT.findall(concept):
        single = re.escape(thing.casefold().removesuffix("s"))
        pattern = rf"\b{single}s?\b|{_ANOTHER_NAME.get(thing.casefold(), '(?!)')}"
        if re.search(pattern, added, re.IGNORECASE):
            found.append(f"without {thing}, and yet {added.strip(' ,')}")
    if _PLACE.match(added) and _PLACED.search(concept):
        found.append(f"a second place: {added.split(',')[0].strip()}")
    return found


def repetitions(concept: str, expanded: str) -> list[str]:
    """Words that are added although they stand there, and words that are added twice."""
    added = [stem for stem in content_stems(_added(concept, expanded)) if len(stem) > 3]
    there = set(content_stems(concept))
    return sorted(
        {stem for stem in added if stem in there} | {stem for stem, count in Counter(added).items() if count > 1}
    )


def _added(concept: str, expanded: str) -> str:
    head = concept.rstrip(" .,;:")
    if expanded.startswith(head):
        return expanded[len(head) :]
    shared = next((n for n, (a, b) in enumerate(zip(head, expanded, strict=False)) if a != b), len(head))
    return expanded[shared:].replace(head[shared:].strip(), "", 1)


def read_prompts(file: Path) -> list[str]:
    text = file.read_text(encoding="utf-8")
    if text.startswith("Prompt"):
        rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row["Prompt"].strip() for row in rows]
    return [line.strip() for line in text.splitlines() if line.strip()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, help="PartiPrompts.tsv, or a prompt a line")
    parser.add_argument("--read", type=int, default=0, metavar="N", help="print so many, to be read")
    parser.add_argument("--sample", type=int, default=1, metavar="S", help="which ones: a seed")
    parser.add_argument("--seed", type=int, default=0, help="the first prompt's seed; each next one has the next")
    asked = parser.parse_args()
    prompts = read_prompts(asked.file)
    chosen = set(random.Random(asked.sample).sample(range(len(prompts)), min(asked.read, len(prompts))))
    expander = OfflineExpander()
    for name, vocabulary in (("a large model", None), ("Seedling", seedling_vocabulary())):
        failed: list[str] = []
        wrong: list[str] = []
        twice: list[str] = []
        openings: Counter[str] = Counter()
        began = time.perf_counter()
        for number, prompt in enumerate(prompts):
            try:
                draft = expander.draft(DraftRequest(typed_concept(prompt), asked.seed + number, 77, vocabulary))
            except TwinseedError as problem:
                failed.append(f"{prompt}: {problem.message}")
                continue
            if draft.expanded.split()[:3] != draft.simple.split()[:3] and len(draft.simple.split()) > 3:
                failed.append(f"{prompt}: does not come first in {draft.expanded}")
            added = _added(draft.simple, draft.expanded)
            openings[added.strip(" ,").split(",")[0]] += 1
            wrong += [f"{draft.expanded}\n    {what}" for what in contradictions(draft.simple, draft.expanded)]
            if words := repetitions(draft.simple, draft.expanded):
                twice.append(f"{draft.expanded}\n    {', '.join(words)}")
            if number in chosen:
                print(f"{number}. {draft.simple}\n    +{added}")
        seconds = time.perf_counter() - began
        for title, lines in (("failed", failed), ("contradictions", wrong), ("repetitions", twice)):
            print(f"\n{name}, {title}: {len(lines)} of {len(prompts)}")
            print("\n".join(lines[:40]))
        print(f"\n{name}: {1000 * seconds / len(prompts):.2f} ms a prompt; most frequent: {openings.most_common(3)}")


if __name__ == "__main__":
    main()
