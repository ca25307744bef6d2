"""Marks and text: a sentence becomes a prompt that says it to the letter, and both arms get the same marks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ideation import PromptSyntaxError, parse_prompt, self_contained
from ideation.prompt import (
    MarkedText,
    ParsedPrompt,
    Stretch,
    as_prompt,
    carry_marks,
    concept_as_prompt,
    concept_sentence,
    plain_answer,
)


def weighed(prompt: str) -> dict[str, float]:
    """The words of a prompt that do not weigh 1."""
    stretches = [stretch for section in parse_prompt(prompt).sections for stretch in section]
    return {one.text.strip(): round(one.weight, 4) for one in stretches if one.weight != 1 and one.text.strip()}


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab ()[]\\:.|,<>15狗-", max_size=30))
def test_any_text_can_be_said_to_the_letter(text: str) -> None:
    assert parse_prompt(as_prompt(text)) == ParsedPrompt(((Stretch(text),),) if text else ((),))


def test_a_concept_is_a_sentence_with_few_marks() -> None:
    for concept, prompt in (
        ("a dog riding a bicycle", "a dog riding a bicycle"),
        ("a clock (10:30)", r"a clock \(10:30\)"),
        ("a photo (16:9) of a dog", r"a photo \(16:9\) of a dog"),
        ("a film still (2.39:1)", r"a film still \(2.39:1\)"),
        ("a station (golden hour, 18:30)", r"a station \(golden hour, 18:30\)"),
        ("room [10:30]", r"room \[10:30\]"),
        ("hatsune miku (vocaloid) singing", r"hatsune miku \(vocaloid\) singing"),
        (r"artist \(fate\)", r"artist \(fate\)"),
        ("a sad :( dog", r"a sad :\( dog"),
        ("a smiling :) dog", "a smiling :) dog"),
        ('a sign "[OPEN|CLOSED]"', r'a sign "\[OPEN|CLOSED\]"'),
        ('a sign "(open:1.2)"', r'a sign "\(open:1.2\)"'),
        ('a sign "TEA BREAK"', 'a sign "TEA break"'),
        ("a (red:1.4) dog", "a (red:1.4) dog"),
        ("a ((red)) dog", "a ((red)) dog"),
        ("(a (red:1.2) dog:1.1) <lora:ink:0.7>", "(a (red:1.2) dog:1.1) <lora:ink:0.7>"),
        ("a dog BREAK a cat", "a dog BREAK a cat"),
        ("[a dog:a cat:0.5]", "[a dog:a cat:0.5]"),
        ("[[a cat]:a dog:0.5]", "[[a cat]:a dog:0.5]"),
    ):
        assert concept_as_prompt(concept).text == prompt, concept
        assert concept_as_prompt(concept).taken == (), concept
    assert concept_as_prompt("a (room:101) door").taken == ("(room:101)",)
    assert concept_sentence("a (red:1.4) clock (10:30) <lora:ink:0.7>, <hypernet:x:1>") == "a red clock (10:30)"


def test_what_an_llm_answers_is_text() -> None:
    for answer, text in (
        ("a dog (golden hour, 18:30)", "a dog (golden hour, 18:30)"),
        ("a dog (aspect ratio 16:9)", "a dog (aspect ratio 16:9)"),
        ("a dog (x:9999)", "a dog (x:9999)"),
        ("a [dog|cat]", "a [dog|cat]"),
        ("a [dog:cat:0.5]", "a [dog:cat:0.5]"),
        ("a (red:1.3) dog, (masterpiece:1.2)", "a red dog, masterpiece"),
        ("((masterpiece)), a [[[dog]]]", "masterpiece, a dog"),
        ("a dog, <lora:ink:0.7>, night <LORA:x>", "a dog, night"),
        ("<lyco:a:1> a dog <hypernet:b:1>", "a dog"),
        ("a dog BREAK a beach", "a dog, a beach"),
        ("embedding:ink, a dog", "ink, a dog"),
        (r"miku \(vocaloid\)", "miku (vocaloid)"),
        ("(((a dog", "(((a dog"),
    ):
        found = plain_answer(answer)
        assert found.text == text, answer
        assert parse_prompt(as_prompt(found.text)) == ParsedPrompt(((Stretch(text),),)), answer
        assert found.taken or answer in (r"miku \(vocaloid\)", "(((a dog"), answer


@pytest.mark.parametrize(
    ("source", "text", "prompt"),
    [
        (
            r"a (red:1.4) dog, artist \(fate\)",
            "a red dog, artist (fate), night",
            r"a (red:1.4) dog, artist \(fate\), night",
        ),
        ("((red) dog:1.5)", "red dog on a beach", "((red) dog:1.5) on a beach"),
        ("((red) dog:1.5)", "a red fluffy dog", "a ((red):1.5) fluffy (dog:1.5)"),
        (
            r"(dog \(shiba\):1.3) and a (cat!)",
            "dog (shiba) and a cat! Night",
            r"(dog \(shiba\):1.3) and a (cat!) Night",
        ),
        ("a [red] dog", "a red dog at night", "a [red] dog at night"),
        ("a [[red]] (dog)", "a red dog", "a [[red]] (dog)"),
        ("(a red dog", "a red dog at night", "(a red dog) at night"),
        ("a (red:1.2) dog and a (blue:0.8) cat", "a red dog and a blue cat", "a (red:1.2) dog and a (blue:0.8) cat"),
        ("a dog, (watercolor:1.3)", "watercolor of a dog", "(watercolor:1.3) of a dog"),
        ("two (dogs:1.2)", "two dogs, and dogs far away", "two (dogs:1.2), and dogs far away"),
        ("a dog <lora:ink:0.7>", "a dog at night", "a dog at night <lora:ink:0.7>"),
        ("a embedding:ink dog", "an ink dog", "an embedding:ink dog"),
        ("a dog BREAK a beach", "a dog, on a wide beach", "a dog, BREAK on a wide beach"),
        ("a dog BREAK (a beach:1.2)", "a dog, a beach at night", "a dog, BREAK (a beach:1.2) at night"),
        ("(狗:1.2)", "狗在海灘上", "(狗:1.2)在海灘上"),
        ("a dog", r"a dog (10:30) [a|b] \o/", r"a dog \(10:30\) \[a|b\] \o/"),
    ],
)
def test_marks_are_carried_to_the_same_words(source: str, text: str, prompt: str) -> None:
    carried = carry_marks(MarkedText.of(source), text)
    assert carried.prompts == (prompt,)
    assert carried.missing == ()
    assert {word: weighed(source)[word] for word in weighed(source) if word in weighed(prompt)} == {
        word: weight for word, weight in weighed(prompt).items() if word in weighed(source)
    }


def test_both_arms_are_marked_or_neither() -> None:
    marked = MarkedText.of("a (red:1.4) (big dog:1.2)")
    carried = carry_marks(marked, "a red big dog", "a big crimson dog at night")
    assert carried.prompts == ("a red (big dog:1.2)", "a (big:1.2) crimson (dog:1.2) at night")
    assert carried.missing == ("red",)
    assert carry_marks(MarkedText.of("embedding:sub/ink"), "sub dog").prompts == ("sub dog",), "half a name is none"
    assert carry_marks(MarkedText.of("a dog BREAK a beach"), "a beach with a dog").missing == ("BREAK",)
    with pytest.raises(PromptSyntaxError, match="out of range"):
        MarkedText.of("a (red:99) dog")


def test_a_bracket_does_not_reach_over_what_is_written_behind_it() -> None:
    for prompt in ("a ((red) dog", "a dog) :1.3)", "[a (red dog", "a dog (x) [y]"):
        alone = weighed(self_contained(prompt))
        assert alone == weighed(prompt)
        assert weighed(f"{self_contained(prompt)}, fog") == alone
        assert weighed(f"({self_contained(prompt)}, fog:1.0)") == alone
