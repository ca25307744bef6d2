"""How many everyday concepts in Chinese come out right without a language model, and how long it takes.

    python benchmarks/prompts/chinese.py            # the two sets of the tests
    python benchmarks/prompts/chinese.py --show     # and every concept with its English, wrong ones marked
    python benchmarks/prompts/chinese.py FILE.yaml  # another file in the same form

A concept counts as right when its English has one of the words that were written down for its subject, and one of those
for its action; "all" when it has what was written down besides, too: how many, which colour, where, in which style.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import yaml

from ideation import TwinseedError, translate

SETS = ("chinese_concepts.yaml", "chinese_concepts_2.yaml")
FOLDER = Path(__file__).parents[2] / "tests" / "ideation" / "chinese"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="*", type=Path, default=[FOLDER / name for name in SETS])
    parser.add_argument("--show", action="store_true", help="print every concept with its English")
    options = parser.parse_args()
    for file in options.file:
        cases = yaml.safe_load(file.read_text(encoding="utf-8"))
        translate("狗")  # loads the lists
        began, right, all_right, looked_up = time.perf_counter(), 0, 0, 0
        for case in cases:
            try:
                translation = translate(case["zh"])
                english, looked_up = translation.english, looked_up + bool(translation.lookups)
            except TwinseedError as problem:
                english = f"({problem.message})"
            core = _says(english, case["subject"]) and _says(english, case["action"])
            whole = core and all(_says(english, words) for words in case.get("also", []))
            right, all_right = right + core, all_right + whole
            if options.show:
                print(f"{' ' if whole else '~' if core else 'X'} {case['zh']}: {english}")
        seconds = time.perf_counter() - began
        print(
            f"{file.name}: subject and action right in {right} of {len(cases)}, all in {all_right}; {looked_up} with "
            f"words from the dictionary; {1000 * seconds / len(cases):.1f} ms each"
        )


def _says(english: str, words: list[str]) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(word)}", english, re.IGNORECASE) for word in words)


if __name__ == "__main__":
    main()
