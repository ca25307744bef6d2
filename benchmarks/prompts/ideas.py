"""How long 100,000 concepts take, here and in dynamicprompts, from the same lists in one run.

    python benchmarks/prompts/ideas.py

dynamicprompts is no dependency of Twinseed; the benchmark says how to install it where it is missing.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from ideation import PatternPlan, built_in_wildcards, built_in_words, draw_many

PATTERN = "a __topics__ __actions__, __styles__ style"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--count", type=int, default=100_000, help="how many concepts [default: 100000]")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        from dynamicprompts.generators import RandomPromptGenerator
        from dynamicprompts.wildcards import WildcardManager
    except ImportError:
        print(
            "dynamicprompts is not here. Into a virtual environment of its own, with this project:\n"
            "  python -m venv /tmp/benchmark\n"
            "  /tmp/benchmark/bin/pip install dynamicprompts pydantic pyyaml\n"
            "  /tmp/benchmark/bin/python benchmarks/prompts/ideas.py",
            file=sys.stderr,
        )
        sys.exit(1)

    logging.disable()
    words = built_in_words()
    lists = {"topics": words.topics, "actions": words.actions, "styles": words.styles}
    manager = WildcardManager(root_map={"": [{name: [word.en for word in part] for name, part in lists.items()}]})
    theirs = RandomPromptGenerator(manager, seed=options.seed, unlink_seed_from_prompt=True)
    plan = PatternPlan(PATTERN, built_in_wildcards(words))

    print(f"{options.count:,} of {words.size:,} concepts, Python {sys.version.split()[0]}")
    draws: dict[str, Callable[[], Iterable[str]]] = {
        "twinseed, draw": lambda: (one.text for one in draw_many(words, options.seed, 0, options.count)),
        "twinseed, pattern": lambda: plan.draw(options.seed, 0, options.count),
        f"dynamicprompts {version('dynamicprompts')}": lambda: theirs.generate(PATTERN, options.count),
    }
    seconds: dict[str, float] = {}
    for name, draw in draws.items():
        # Processor time: other programs on the machine do not count.
        started = time.process_time()
        texts = list(draw())
        seconds[name] = time.process_time() - started
        print(f"{name:<22} {seconds[name]:7.2f} s  {len(texts) - len(set(texts)):6,} repeats")
    ours, pattern, other = seconds.values()
    print(f"ratio: the draw is {other / ours:.1f} times as fast, a pattern {other / pattern:.1f} times")


if __name__ == "__main__":
    main()
