"""How often the faithfulness gate is right, on the pairs of faithfulness_cases.yaml that people wrote by hand.

python benchmarks/prompts/faithfulness.py [--half development|held-out|both] [--show]
"""

from __future__ import annotations

import argparse
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ideation import typed_concept
from ideation.faithfulness import check
from templates import own_yaml

CASES = Path(__file__).parents[2] / "tests" / "ideation" / "faithfulness_cases.yaml"
HALVES = ("development", "held-out")


@dataclass(frozen=True)
class Case:
    """A concept and its two prompts; `broken` says what was done to the expanded one, "" where it is intact."""

    concept: str
    simple: str
    expanded: str
    broken: str
    late: bool = False

    @property
    def kind(self) -> str:
        """The kind of thing that was lost, by the gate's own name: "colour" of "colour moved"."""
        return self.broken.split(" ")[0]

    @property
    def half(self) -> str:
        """By a hash of the concept, so that what was learnt from a concept is never tested on it again.

        What was written late, after the gate had been mended by the development half, is all held out.
        """
        return "held-out" if self.late else HALVES[hashlib.sha256(self.concept.encode()).digest()[0] % 2]


@dataclass(frozen=True)
class Score:
    """`found` of `broken` pairs were seen; `alarms` more were raised where nothing of that kind was wrong."""

    broken: int
    found: int
    alarms: int

    @property
    def recall(self) -> float:
        return self.found / self.broken if self.broken else 1.0

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.alarms) if self.found + self.alarms else 1.0


def read_cases(path: Path = CASES) -> list[Case]:
    cases = []
    for entry in own_yaml(path):
        concept, late = entry["concept"], entry.get("late", False)
        simple = entry.get("simple", concept)
        cases += [Case(concept, simple, expanded, "", late) for expanded in entry["intact"]]
        for broken in entry["broken"]:
            cases += [Case(concept, simple, expanded, what, late) for what, expanded in broken.items()]
    return cases


def named(case: Case) -> set[str]:
    """The kinds of things that the gate says were lost."""
    return {name.split(":")[0] for name in check(typed_concept(case.concept), case.simple, case.expanded).lost}


def measure(cases: Sequence[Case]) -> dict[str, Score]:
    """A score for each kind, for each way of losing it, and "any": whether the gate raised an alarm at all.

    A loss counts as found in its kind only where the gate names that kind: a lost subject that is called a detail
    is a miss. A way of losing something ("count changed") has a recall only, for the gate names no ways.
    """
    broken, found, alarms = Counter[str](), Counter[str](), Counter[str]()
    for case in cases:
        said = named(case)
        if case.broken:
            broken.update((case.kind, case.broken, "any"))
            found.update({case.kind, case.broken} if case.kind in said else ())
            found["any"] += bool(said)
        else:
            alarms["any"] += bool(said)
        alarms.update(said - {case.kind})
    names = sorted(broken | alarms, key=lambda name: (name == "any", name))
    return {name: Score(broken[name], found[name], alarms[name]) for name in names}


def table(scores: dict[str, Score]) -> str:
    lines = [f"{'lost':<18}{'pairs':>6}{'found':>7}{'false':>7}{'recall':>9}{'precision':>11}"]
    for name, score in scores.items():
        recall = f"{score.recall:9.3f}" if score.broken else f"{'-':>9}"
        false, precision = f"{score.alarms:>7}", f"{score.precision:>11.3f}"
        if " " in name:
            false, precision = f"{'':>7}", ""
        lines.append(f"{name:<18}{score.broken:>6}{score.found:>7}{false}{recall}{precision}".rstrip())
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=(*HALVES, "both"), help="only this part (all three, one after another)")
    parser.add_argument("--show", action="store_true", help="also each pair that the gate got wrong")
    options = parser.parse_args()
    everything = read_cases()
    for half in [options.half] if options.half else [*HALVES, "both"]:
        cases = [case for case in everything if half in ("both", case.half)]
        intact = sum(not case.broken for case in cases)
        print(f"{half}: {len(cases)} pairs, {intact} intact, {len(cases) - intact} broken in one way")
        print(table(measure(cases)) + "\n")
        for case in cases if options.show else ():
            if (said := named(case)) != ({case.kind} if case.broken else set()):
                lost = ", ".join(check(typed_concept(case.concept), case.simple, case.expanded).lost) or "nothing"
                print(f"- {case.concept}\n  {case.expanded}\n  {case.broken or 'intact'}; the gate: {lost}", said)


if __name__ == "__main__":
    main()
