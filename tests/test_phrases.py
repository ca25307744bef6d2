from __future__ import annotations

import time
from random import Random

import pytest

from compare.phrases import phrases_of


@pytest.mark.parametrize(
    ("prompt", "phrases"),
    [
        ("", []),
        (" ,, () . ", []),
        ("dog", ["dog"]),
        ("a dog riding a bicycle on a snowy beach at sunset, playful mood",
         ["a dog riding a bicycle", "on a snowy beach", "at sunset", "playful mood"]),
        ("A bear sailing a boat in a forest at night in the fog, pixel art style.",
         ["A bear sailing a boat", "in a forest", "at night", "in the fog", "pixel art style"]),
        ("a robot cycling at sunset under an umbrella", ["a robot cycling", "at sunset", "under an umbrella"]),
        ("a fox deep in a mossy gorge with a red scarf", ["a fox", "deep in a mossy gorge", "with a red scarf"]),
        # What clings to the word before it stays there.
        ("oil on canvas of a cat flying on a rocket in outer space",
         ["oil on canvas of a cat flying on a rocket", "in outer space"]),
        ("a cat dressed in red looking at the camera, a castle in the background, dew on its fur",
         ["a cat dressed in red looking at the camera", "a castle in the background", "dew on its fur"]),
        ("soft light, cool starlight with one lantern", ["soft light", "cool starlight with one lantern"]),
        # Sentences, numbers and quotes.
        ("The fox sits. Dew, 1,000 drops! Shot by Dr. No at 8.5 mm", ["The fox sits", "Dew", "1,000 drops",
                                                                      "Shot by Dr. No", "at 8.5 mm"]),
        ('a sign saying "hello, on a world" above a door', ['a sign saying "hello, on a world"', "above a door"]),
        ("一隻狗，在海灘上、日落。", ["一隻狗", "在海灘上", "日落"]),
        # Weights, brackets, BREAK and adapters.
        ("(a red dog:1.3) riding a bicycle, [neon]", ["(a red dog:1.3) riding a bicycle", "[neon]"]),
        ("(masterpiece, best quality:1.2), cat BREAK oil <lora:on a, b:0.7> neon",
         ["masterpiece", "best quality", "cat", "oil", "neon"]),
        ("a dog (on a beach at night:1.2)", ["a dog", "on a beach", "at night"]),
        ("a dog (on a beach:1.2), x", ["a dog", "(on a beach:1.2)", "x"]),
        ("(((neon))), ((a cat) in (a box:1.4))", ["(((neon)))", "(a cat)", "in (a box:1.4)"]),
        ("a dog (unclosed, cat] odd:1.2) end", ["a dog", "unclosed", "cat", "odd", "end"]),
        (r"a \(happy\) face: smiling, ratio 1:2", [r"a \(happy\) face", "smiling", "ratio 1:2"]),
    ],
)  # fmt: skip
def test_a_prompt_is_cut_into_its_phrases(prompt: str, phrases: list[str]) -> None:
    found = phrases_of(prompt)
    assert [text for text, _, _ in found] == phrases
    assert [prompt[start:end] for _, start, end in found] == phrases


def test_phrases_never_overlap_and_lose_no_letter_whatever_comes() -> None:
    random = Random(6)
    parts = [
        "a dog",
        " on ",
        "in",
        "(",
        ")",
        ":1.2)",
        "[",
        "]",
        ", ",
        ". ",
        "BREAK",
        "<lora:x:1>",
        '"',
        "狗",
        "，",
        "the ",
    ]
    for _ in range(500):
        prompt = "".join(random.choice(parts) for _ in range(random.randint(1, 30)))
        found = phrases_of(prompt)
        places = [place for _, start, end in found for place in (start, end)]
        assert places == sorted(places), prompt
        assert all(prompt[start:end] == text != "" for text, start, end in found)
        outside = list(prompt)
        for _, start, end in found:
            outside[start:end] = " " * (end - start)
        assert "dog" not in "".join(outside)
        assert "狗" not in "".join(outside)


def test_a_hostile_prompt_takes_no_longer_than_a_blink() -> None:
    began = time.monotonic()
    for hostile in ("(" * 5000, "a (b " * 1000, ", on in " * 1000, ":1." * 2000, '"a' * 3000, "x" * 50_000):
        phrases_of(hostile)
    assert time.monotonic() - began < 3
