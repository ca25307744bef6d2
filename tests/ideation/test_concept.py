"""Concepts that people type: what is accepted, what is not, and which language it seems to be."""

from __future__ import annotations

import pytest

from ideation import ConceptError, guess_language, typed_concept
from ideation.concept import MAX_CONCEPT_CHARACTERS


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("a dog riding a bicycle, Joan Miro style", "en"),
        ("penguin", "en"),
        ("a bear in la la land", "en"),
        ("Don Quixote", "en"),
        ("a mummy doing yoga, ukiyo-e style", "en"),
        ("a fox, Leonardo da Vinci style", "en"),
        ("cats dancing, Van Gogh style", "en"),
        ("Hund auf Fahrrad im Regen", "de"),
        ("O menino da praia", "pt"),
        ("l'homme d'un village", "fr"),
        ("一隻狗在騎腳踏車，米羅風格", "zh-TW"),
        ("自転車に乗る犬", "ja"),
        ("자전거를 타는 개", "ko"),
        ("un chien à vélo", "fr"),
        ("ein Hund auf dem Fahrrad", "de"),
        ("un perro con una bicicleta en la playa", "es"),
        ("собака на велосипеде", "und"),
    ],
)
def test_the_language_is_guessed(text: str, language: str) -> None:
    assert guess_language(text) == language
    assert typed_concept(text).language == language


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the concept is empty"),
        (" \t\n ", "the concept is empty"),
        ("?!...", "has no words"),
        ("x" * (MAX_CONCEPT_CHARACTERS + 1), "5,001 characters"),
        ("dog " * 25_000, "99,999 characters"),
        ("dog\x00cat", r"U\+0000"),
    ],
)
def test_what_cannot_be_a_concept_is_refused_with_a_hint(text: str, complaint: str) -> None:
    with pytest.raises(ConceptError, match=complaint) as refused:
        typed_concept(text)
    assert refused.value.hint


def test_white_space_is_folded_and_nothing_else_is_changed() -> None:
    assert typed_concept("  a  Dog\n riding ").text == "a Dog riding"
    assert typed_concept("🐶 on a 🚲").text == "🐶 on a 🚲"
