"""Bundles of a class that need no model: drawn pictures, true records, and reports that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sample_run import CONCEPT, PROMPTS, measured, write_sample

from compare.homework import Student, write_bundle
from compare.homework.classroom import Class, ClassOptions, merge_class
from compare.homework.classroom.ballot import drawn, left_of
from compare.instruments import Findings
from compare.runs import Gallery, Run
from templates import Language

CREATED = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
#: By CLIP, the expanded picture fits the simple prompt better with seeds that are even.
BETTER, WORSE = 0.31, 0.24


def sample_pair(gallery: Gallery, topic: str, seed: int, observations: str | None = None, **changes: Any) -> Run:
    """A run of "a TOPIC riding a bicycle, watercolor style" with a score card."""
    simple = f"a {topic} riding a bicycle, watercolor style"
    prompts = replace(PROMPTS, source=simple, simple=simple, expanded=PROMPTS.expanded.replace("dog", topic))
    concept = replace(CONCEPT, text=simple, topic=None, action=None, index=None, seed=None)
    on_simple = WORSE if seed % 2 else BETTER
    card = {
        "simple_on_simple": 0.28,
        "expanded_on_simple": on_simple,
        "simple_on_expanded": 0.26,
        "expanded_on_expanded": 0.3,
    }
    findings = Findings.model_validate(
        {
            "clip": {"name": "seedling", "digest": "cd" * 32, "limit": 77},
            "distances": {seed: measured(seed, (32, 32))},
            "cards": {seed: card},
            "verdict": {"kind": "one pair", "seeds": 1},
        }
    )
    usual: dict[str, Any] = {"findings": findings, "files": {}, "concept": concept, "prompts": prompts}
    return write_sample(gallery, seed=seed, observations=observations, **usual | changes)


def sample_bundle(
    path: Path, runs: Sequence[Run], name: str | None, number: str | None, language: Language = "en"
) -> Path:
    """The runs as somebody hands them in."""
    student = Student(name=name, number=number) if name or number else None
    write_bundle(path, runs, student=student, language=language, created=CREATED)
    return path


def sample_class(folder: Path) -> list[Path]:
    """Four hand-ins of two pairs each: a name that would be HTML, a Chinese one, a number alone, and nobody's. The last
    has a pair that the first has, too."""
    gallery = Gallery(folder / "runs")
    runs = [
        sample_pair(gallery, topic, seed, observations)
        for topic, seed, observations in (
            ("dog", 10, "=1+1 The sky is warmer."),
            ("cat", 21, None),
            ("fox", 32, "天空比較暖"),
            ("owl", 43, "Ana <img src=x onerror=alert(1)> sees nothing."),
            ("hen", 54, None),
            ("cow", 65, None),
            ("pig", 76, "Warmer."),
        )
    ]
    hand_ins = (
        ("ana.zip", [runs[0], runs[1]], "Ana </script><b>Ruiz", None),
        ("lin.zip", [runs[2], runs[3]], "林小美", "B11201001"),
        ("four.zip", [runs[4], runs[5]], None, "B11201004"),
        ("nobody.zip", [runs[6], runs[0]], None, None),
    )
    return [sample_bundle(folder / file, pairs, name, number) for file, pairs, name, number in hand_ins]


def merged(hand_ins: Sequence[Path], folder: Path, language: Language = "en") -> Path:
    """The class of these bundles in `folder`."""
    merge_class(hand_ins, folder, ClassOptions(language=language), created=CREATED)
    return folder


def ballot_of(
    room: Class, voter: str, choose: Callable[[str, Any], str], most: int | None = None
) -> tuple[dict[str, Any], str]:
    """What the page makes of a voter's choices: the file and the code. `choose` says an arm or "tie"."""
    answers = []
    for key, (_, pair) in sorted(room.on_ballot().items())[:most]:
        both = (pair.seeds[0].simple, pair.seeds[0].expanded)
        left, arm = left_of(voter, key, both), choose(key, pair)
        choice = "tie" if arm == "tie" else "left" if left == both[arm == "expanded"] else "right"
        answers.append({"pair": key, "left": left, "choice": choice})
    body = "".join(f"{one['pair']}{one['choice'][0]}" for one in answers)
    code = f"TWB1.{voter}.{body}.{drawn(f'TWB1.{voter}.{body}'):08x}."
    file = {
        "kind": "twinseed ballot",
        "version": 1,
        "voter": voter,
        "saved": "2026-11-25T10:00:00Z",
        "answers": answers,
    }
    return file, code
