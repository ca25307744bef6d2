"""Every reader of what strangers write: long texts take their time by their length or are refused, odd ones end in our
errors. The whole of it, with all shapes and minutes for each reader, is in benchmarks/hardening."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from benchmarks.hardening.fixtures.readers import TEXTS
from benchmarks.hardening.fixtures.readers.inputs import inputs
from benchmarks.hardening.fuzz import Trials
from benchmarks.hardening.linear import SHAPES, Time, timed

Doors = dict[str, Callable[[Any], Any]]

#: Shapes that kept some readers busy for minutes.
SLOW = ("spaces", "'2::' and '1' again and again", "settings", "curly quotes", "square brackets, not closed")
#: The shape that kept one of them busy, and no other.
SLOW_FOR = {"the prompt of NovelAI": "digits"}
SIZES = (1_000, 10_000, 100_000)
#: What takes long enough at 10,000 characters is not made to read more here.
LONG_S = 0.02
#: What takes some milliseconds for any text.
HEAVY = ("a report", "a search for runs", "what is kept of a concept", "the offline expander", "what an LLM is told")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {reader.name: tmp_path_factory.mktemp("reader") for reader in TEXTS}


@pytest.fixture(scope="module")
def times(folders: dict[str, Path]) -> dict[tuple[str, str], list[Time]]:
    """Of each reader with one of the shapes, one reader after the other."""
    found = {}
    for number, reader in enumerate(TEXTS):
        shape = SLOW_FOR.get(reader.name, SLOW[number % len(SLOW)])
        read = reader.build(folders[reader.name])
        timed(read, "words", 100)  # whatever is loaded when it is first needed
        of_reader = [timed(read, shape, size) for size in SIZES[:2]]
        if of_reader[-1].seconds < LONG_S:
            of_reader.append(timed(read, shape, SIZES[2]))
        found[reader.name, shape] = of_reader
    return found


def test_long_texts(times: dict[tuple[str, str], list[Time]], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print("\nmilliseconds for 1,000, 10,000 and 100,000 characters (- where it was refused)")
        for (name, shape), of_reader in times.items():
            cells = "".join(f"{'-' if one.refused else f'{1000 * one.seconds:.1f}':>9}" for one in of_reader)
            print(f"{name:38}{cells:27}  {shape}")
    for (name, shape), of_reader in times.items():
        assert not any(one.crashed for one in of_reader), (name, of_reader)
        assert of_reader[-1].seconds < 3, (name, shape, of_reader)


@pytest.mark.parametrize("shape", SLOW)
def test_shapes_are_as_long_as_they_are_asked_for(shape: str) -> None:
    assert abs(len(SHAPES[shape](1_000)) - 1_000) < 10


def test_odd_texts(folders: dict[str, Path]) -> None:
    """What is thought of for one reader is given to all."""
    readers = [reader for reader in TEXTS if reader.name not in HEAVY]
    trials = {reader.name: Trials(reader, folders[reader.name]) for reader in readers}

    @hypothesis.settings(max_examples=20, phases=[hypothesis.Phase.generate])
    @hypothesis.given(st.sampled_from(readers).flatmap(inputs))
    def run(text: str) -> None:
        for one in trials.values():
            one(text)

    run()
    assert {name: one.found.lost for name, one in trials.items() if one.found.lost} == {}
