"""The offline expander: keeps the concept, adds what fits, in the words that the model knows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import jinja2
import pytest

import templates
from generate.seedling import SEEDLING_FOLDER
from ideation import (
    Concept,
    DraftedPrompts,
    DraftRequest,
    OfflineExpander,
    PromptTarget,
    TokenBudget,
    TranslationError,
    Vocabulary,
    Word,
    WordLists,
    built_in_words,
    draw,
    draw_many,
    find_target,
    pinned,
    seedling_vocabulary,
    seedling_words,
    typed_concept,
)
from ideation import expand as expand_concept
from ideation.expanders.offline import analyze, built_in_details
from ideation.expanders.offline.prompt_builder import MAX_WORDS
from ideation.faithfulness import check
from ideation.prompt import estimated_tokens
from templates import Language

WORDS = built_in_words()
SEEDLING = seedling_vocabulary()
DETAILS = built_in_details()


def expand(
    concept: Concept | str, seed: int = 0, limit: int = 77, vocabulary: Vocabulary | None = None
) -> DraftedPrompts:
    if isinstance(concept, str):
        concept = typed_concept(concept)
    return OfflineExpander().draft(DraftRequest(concept, seed, limit, vocabulary))


def drawn(topic: str, action: str, style: str) -> Concept:
    return draw(pinned(WORDS, topic=topic, action=action, style=style), seed=0, index=0)


@pytest.mark.parametrize("vocabulary", [None, SEEDLING], ids=["any model", "seedling"])
def test_300_concepts_are_kept_fit_and_differ_by_seed(vocabulary: Vocabulary | None) -> None:
    for seed, concept in enumerate(draw_many(WORDS, 2026, 0, 300)):
        one, other = expand(concept, seed, vocabulary=vocabulary), expand(concept, seed + 1, vocabulary=vocabulary)
        assert concept.topic
        assert concept.action
        assert concept.style
        for prompt in (one.simple, one.expanded):
            for part in (concept.topic.en, concept.action.en, f"{concept.style.en} style"):
                assert part in prompt
        assert not check(concept, one.simple, one.expanded).lost
        assert one.simple == concept.text
        assert one.expanded != one.simple
        assert one.expanded != other.expanded
        assert one.simple == other.simple
        assert estimated_tokens(one.expanded) <= 77
        assert len(one.expanded.split()) <= MAX_WORDS
        assert one == expand(concept, seed, vocabulary=vocabulary)
        assert not re.search(r"\s{2}|\s,|,,|\n|\{|\}|None", one.expanded)


def test_200_seeds_give_200_expansions() -> None:
    concept = drawn("dog", "riding a bicycle", "Joan Miro")
    assert len({expand(concept, seed).expanded for seed in range(200)}) == 200


def test_no_detail_says_a_word_twice() -> None:
    for seed, concept in enumerate(draw_many(WORDS, 5, 0, 100)):
        added = expand(concept, seed).expanded.removeprefix(concept.text.split(",")[0])
        words = [word.rstrip("s") for word in re.findall(r"[a-z]{5,}", added.split(" style, ", 1)[1].lower())]
        assert not {word for word in words if words.count(word) > 1}, added


@pytest.mark.parametrize(
    ("topic", "action", "style", "places"),
    [
        ("octopus", "playing chess", "ink wash", ["underwater"]),
        ("surfer", "eating ice cream", "watercolor", ["seaside"]),
        ("baker", "baking sourdough bread", "oil painting", ["kitchen"]),
        ("baker", "riding a bicycle", "oil painting", ["street", "meadow", "seaside"]),
        ("owl", "reading a book", "gouache", ["library"]),
        ("camel", "playing the violin", "pop art", ["desert"]),
        ("penguin", "doing yoga", "crochet", ["snow", "seaside"]),
        ("octopus", "baking sourdough bread", "manga", ["kitchen"]),
        ("alien", "taking a selfie", "collage", ["space", "desert"]),
    ],
)
def test_the_setting_fits_the_concept(topic: str, action: str, style: str, places: list[str]) -> None:
    concept = drawn(topic, action, style)
    known = [place for scene in places for place in DETAILS.scenes[scene].places]
    for seed in range(30):
        expanded = expand(concept, seed).expanded
        assert any(f"{action} {place}, " in expanded for place in known), expanded


@pytest.mark.parametrize(
    "concept",
    [
        drawn("owl", "flying a kite", "oil painting"),
        drawn("dog", "gazing at the stars", "watercolor"),
        typed_concept("a cat at midnight on a street"),
    ],
    ids=lambda concept: concept.text,
)
def test_night_concepts_get_no_daylight(concept: Concept) -> None:
    day = [phrase for light in DETAILS.lights.values() if light.time == "day" for phrase in (*light.light, *light.sign)]
    for seed in range(40):
        expanded = expand(concept, seed).expanded
        assert not [phrase for phrase in day if phrase in expanded]


def test_below_water_and_in_space_there_is_neither_sun_nor_weather() -> None:
    for concept in (drawn("octopus", "reading a book", "watercolor"), drawn("dog", "walking on the moon", "manga")):
        for seed in range(40):
            assert not re.search(r"\b(?:sunset|rain|snow|fog|midday|clouds)\b", expand(concept, seed).expanded)


@pytest.mark.parametrize("style", ["ink wash", "film noir", "pencil sketch", "Bauhaus poster", "Greek vase"])
def test_a_style_with_colours_of_its_own_gets_no_palette(style: str) -> None:
    palettes = [phrase for light in DETAILS.lights.values() for phrase in light.palette]
    for seed in range(40):
        expanded = expand(drawn("dog", "playing chess", style), seed).expanded
        assert not any(phrase in expanded for phrase in palettes)


def test_every_built_in_style_and_action_brings_its_details() -> None:
    for style in WORDS.styles:
        expanded = expand(drawn("dog", "playing chess", style.en)).expanded
        assert any(phrase in expanded for phrase in DETAILS.media[style.en].medium), style
    for action in WORDS.actions:
        prompts = [expand(drawn("dog", action.en, "oil painting"), seed).expanded for seed in range(6)]
        assert any(detail in p for p in prompts for detail in DETAILS.actions[action.en].details), action


@pytest.mark.parametrize("limit", [8, 20, 30, 40, 60, 77, 154, 500])
def test_the_budget_holds_and_the_concept_is_never_cut(limit: int) -> None:
    concept = drawn("dog", "riding a bicycle", "Joan Miro")
    draft = expand(concept, 1, limit)
    assert draft.expanded.startswith("a dog riding a bicycle")
    assert "Joan Miro style" in draft.expanded
    if draft.expanded != draft.simple:
        assert estimated_tokens(draft.expanded) <= limit
        assert draft.warnings == ()
    else:
        assert limit < 20
        assert "nothing was added" in draft.warnings[0]


def test_reasons_are_one_sentence_for_each_detail() -> None:
    draft = expand(drawn("octopus", "playing chess", "ink wash"), 3)
    place = draft.expanded.split("chess ")[1].split(",")[0]
    assert draft.reasons[0] == f"an octopus is at home under water: {place}"
    details = draft.expanded.split(" style, ")[1].split(", ")
    assert len(draft.reasons) == 1 + len(details)
    for detail, reason in zip(details, draft.reasons[1:], strict=True):
        assert detail in reason
        assert "\n" not in reason


@pytest.mark.parametrize(
    ("concept", "unwanted"),
    [
        ("an octopus dancing", "extra limbs"),
        ("a sign that says hello", "text"),
        ("a dog reading a newspaper, pencil sketch", "text"),
        ("a misty lake at dawn", "blurry"),
        ("a crowded market", "cluttered background"),
        ("a photo of a dog", "photograph"),
        ("a red balloon, pencil sketch style", "color"),
        ("a painting of a dog, photo", "painting"),
    ],
)
def test_the_negative_prompt_does_not_contradict_the_concept(concept: str, unwanted: str) -> None:
    for seed in range(20):
        negative = expand(concept, seed).negative.split(", ")
        assert unwanted not in negative
        assert "low quality" in negative


def test_the_negative_prompt_fits_the_medium() -> None:
    assert "photograph" in expand(drawn("dog", "doing yoga", "oil painting")).negative
    assert "color" in expand(drawn("dog", "doing yoga", "pencil sketch")).negative.split(", ")
    assert "cartoon" in expand(drawn("dog", "doing yoga", "film noir")).negative


@pytest.mark.parametrize(
    ("typed", "beginning", "rest"),
    [
        ("a dog riding a bicycle, Joan Miro style", "a dog riding a bicycle ", ", Joan Miro style, "),
        ("a knight in the style of Rembrandt", "a knight ", " in the style of Rembrandt, "),
        ("an old lighthouse, oil painting", "an old lighthouse ", ", oil painting, "),
        ("three red apples on a wooden table.", "three red apples on a wooden table, ", ""),
        ("cats playing poker", "cats playing poker ", ""),
        ('a sign that says "Hello, World"', 'a sign that says "Hello, World", ', ""),
    ],
)
def test_typed_text_is_kept_as_it_is(typed: str, beginning: str, rest: str) -> None:
    draft = expand(typed, 5)
    assert draft.simple == typed
    assert draft.expanded.startswith(beginning)
    assert rest in draft.expanded
    assert not check(typed_concept(typed), draft.simple, draft.expanded).lost


def test_what_typed_text_says_is_not_said_against() -> None:
    places = [place for scene in DETAILS.scenes.values() for place in scene.places]
    for seed in range(30):
        on_a_couch, lit = expand("a dog on a couch", seed).expanded, expand("a dog, dramatic lighting", seed).expanded
        assert not [place for place in places if place in on_a_couch]
        assert "sun" not in expand("a dog in a storm at night", seed).expanded.replace("sunken", "")
        lights = [phrase for light in DETAILS.lights.values() for phrase in light.light]
        assert not [phrase for phrase in lights if phrase in lit]


#: What nobody may add to a concept, for a large model and for Seedling alike.
CONTRADICTIONS = {
    "a bookshelf": r"meadow|in the rain|snow|beach|forest|sky",
    "a bookshelf without any books on it": "book|pages|volume",
    "a woman crying in the rain": "studio|sun|indoor|window|dust|snow",
    "a train in monsoon rain in Kerala": "clearing|sun|beach|city|snow|mossy|forest",
    "a fish without any water": "beach|sea|reef|wave|pond|river|water|rain|kelp|bubbles|lake",
    "a beach without any people": "crowd|passers|figure|audience",
    "a concert without any fans": "audience|crowd|spectators|silhouettes",
    "a street without vehicles": r"\bcars?\b|bicycle|traffic|taxi|\bbus\b",
    "a house with no windows": "window|panes",
    "a night market at night": r"\bday|noon|sun|night market.*night market|at night.*at night",
    "a cat on a couch": "street|beach|forest|meadow|city|mountains|desert",
    "a child in bed": "beach|forest|meadow|mountains|desert|street",
    "a swimmer in an indoor pool": "river|lake|sea|sky|meadow|rain|snow|pond",
    "a man skiing": "meadow|beach|desert|summer|flowers|city",
    "a summer meadow": "snow|winter|icicles|autumn|fallen leaves",
    "the Eiffel Tower in winter": "flowers|blossom|spring|summer|butterflies|poppies",
    "a beach at sunrise": "sunset|evening|moon|midday|half-set|at night|noon",
    "a city at noon": "moon|night|stars|sunset|lamp|dusk|twilight",
    "a lighthouse on a sunny day": "rain|night|moon|fog|mist|snow|storm|overcast",
    "a black and white photo of a horse": r"colou?r|golden|\bred\b|blue|amber",
    "a top down view of a horse": "horizon|low-angle|from below|sky",
    "a sleeping fox": "alert|eyes|gaze|mid-movement",
    "a yellow wall with a framed oil painting of a car": r"impasto|canvas|\broad|highway",
    "a cat reading a comic book": "halftone|action lines|inked",
    "a tree and a building": "clearing|forest|city|street",
    "an angry man": "calm|joy|unhurried|tender|charm|gentle mood|playful",
    "a logo of a fox": "forest|sun|moon|grove|meadow|grass",
    "a subway train in an empty station": "crowd|meadow|sun|hills|sky",
}


@pytest.mark.parametrize(
    ("vocabulary", "target"),
    [(None, None), (SEEDLING, None), (None, find_target("flux"))],
    ids=["any model", "seedling", "in sentences"],
)
def test_no_detail_contradicts_what_a_concept_says(vocabulary: Vocabulary | None, target: PromptTarget | None) -> None:
    for typed, against in CONTRADICTIONS.items():
        for seed in range(3 if target else 12):
            limit = target.limit if target else 77
            request = DraftRequest(typed_concept(typed), seed, limit, vocabulary, target=target)
            expanded = OfflineExpander().draft(request).expanded
            assert expanded.startswith(typed)
            added = expanded.removeprefix(typed)
            assert added
            assert not re.search(against, added), expanded


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ("a pair of sneakers", ["studio"]),
        ("a bowl of ramen", ["table", "night market"]),
        ("two red foxes", ["forest", "meadow"]),
        ("a photo of a steam locomotive", ["railway", "street"]),
        ("an old lighthouse", ["seaside"]),
        ("a hot air balloon", ["sky"]),
        ("kids building a snowman", ["snow"]),
        ("a man welding", ["workshop"]),
    ],
)
def test_a_typed_subject_is_met_where_it_is_at_home(typed: str, places: list[str]) -> None:
    known = [place for scene in places for place in DETAILS.scenes[scene].places]
    for seed in range(12):
        expanded = expand(typed, seed).expanded
        assert any(expanded.startswith(f"{typed} {place}, ") for place in known), expanded


def test_a_text_that_describes_its_picture_gets_no_scenery() -> None:
    typed = (
        "A smiling sloth wearing a leather jacket and a bowtie. The sloth stands on grass in front of a shiny van. "
        "The city is in the background. ink sketch."
    )
    scenery = [phrase for scene in DETAILS.scenes.values() for phrase in (*scene.places, *scene.details)]
    for seed in range(12):
        expanded = expand(typed, seed).expanded
        assert expanded.startswith(typed.rstrip("."))
        assert any(phrase in expanded for phrase in DETAILS.media["pen and ink"].medium)
        assert not [phrase for phrase in scenery if phrase in expanded]


def test_a_concept_that_fills_the_encoder_is_left_alone() -> None:
    typed = "a very long story about a dog " * 20
    draft = expand(typed)
    assert draft.expanded == draft.simple == typed.strip()
    assert "nothing was added" in draft.warnings[0]


def test_what_is_nowhere_or_somewhere_else_gets_no_time() -> None:
    for typed in ("a logo of a fox", "a dog in outer space", "a bear under the sea", "The Starry Night"):
        draft = expand(typed, vocabulary=SEEDLING)
        assert set(SEEDLING.find(draft.expanded)) == set(SEEDLING.find(typed))
        note = SEEDLING.note_on_added(draft.simple, draft.expanded)
        assert str(note).startswith("Seedling draws none of the added words (")
    assert {expand("a dog in a tunnel", seed, vocabulary=SEEDLING).expanded.split(",")[0] for seed in range(6)} == {
        "a dog in a tunnel at night"
    }


@pytest.mark.parametrize("language", ["en", "zh-TW"])
@pytest.mark.parametrize("words", [WORDS, seedling_words(SEEDLING)], ids=["all words", "seedling's words"])
def test_a_drawn_concept_typed_as_it_is_printed_gives_the_same_draft(words: WordLists, language: Language) -> None:
    for seed in (0, 1, 7, 2026, 2**63 - 1):
        for concept in draw_many(words, seed, 50 * seed % 1_000, 30, language):
            typed = typed_concept(concept.text)
            for vocabulary in (None, SEEDLING):
                drawn, again = (expand(one, seed, vocabulary=vocabulary) for one in (concept, typed))
                assert again == drawn, f"{concept.text}, seed {seed}, {'seedling' if vocabulary else 'any model'}"


def test_a_drawn_concept_typed_as_it_is_printed_gives_the_same_prompt_pair() -> None:
    budget, expander = TokenBudget(SEEDLING_FOLDER / "tokenizer" / "tokenizer.json", vectors={}), OfflineExpander()
    for seed, concept in enumerate(draw_many(WORDS, 9, 0, 40)):
        for vocabulary in (None, SEEDLING):
            drawn, again = (
                expand_concept(one, expander, budget, seed=seed, vocabulary=vocabulary)
                for one in (concept, typed_concept(concept.text))
            )
            assert replace(again, kept=drawn.kept) == drawn, concept.text


def test_the_subject_gets_no_colour_that_nobody_asked_for() -> None:
    """A green unicorn is another idea than a unicorn, drawn or typed."""
    colours = re.compile(rf"\b(?:{'|'.join(SEEDLING.names('colour'))})\b")
    for typed in ("a robot riding a bicycle, watercolor style", "a unicorn on a rocket in outer space", "a cat"):
        for seed in range(12):
            assert not colours.search(expand(typed, seed, vocabulary=SEEDLING).expanded), typed
    assert all("red" in expand("a red robot", seed, vocabulary=SEEDLING).expanded for seed in range(12))


def test_an_own_word_in_another_script_needs_a_translation() -> None:
    with pytest.raises(TranslationError, match="parts that are not English"):
        expand(drawn("我的貓", "riding a bicycle", "watercolor"))
    assert expand(drawn("Frédéric's café", "riding a bicycle", "watercolor")).simple.startswith(
        "Frédéric's café riding"
    )


def test_reading_tells_what_pointed_to_the_place() -> None:
    assert analyze(drawn("octopus", "playing chess", "ink wash")).pointed == "topic"
    assert analyze(drawn("octopus", "baking sourdough bread", "ink wash")).pointed == "action"
    assert analyze(drawn("dog", "riding a bicycle", "ink wash")).pointed == "both"
    assert analyze(typed_concept("a dog in a castle")).scenes == ("castle",)
    assert analyze(Concept("x", "en", Word("my cat", "my cat"), WORDS.actions[0], WORDS.styles[0])).topic == "cat"


def test_templates_refuse_a_missing_variable() -> None:
    with pytest.raises(jinja2.UndefinedError):
        templates.render("prompts/offline/phrases.j2", head="a dog")
    with pytest.raises(jinja2.TemplateNotFound):
        templates.render("prompts/nowhere.j2")


def test_the_gallery_in_the_docs_is_what_comes_out() -> None:
    page = (Path(__file__).parents[4] / "docs" / "prompts" / "expander_gallery.md").read_text(encoding="utf-8")
    entries = re.findall(
        r"^## \d+\. (.+) \(seed (\d+)\)\n\n- simple: (.+)\n- expanded: (.+)\n(?:- negative: (.+)\n)?",
        page,
        re.MULTILINE,
    )
    assert len(entries) == 10
    for concept, seed, simple, expanded, negative in entries:
        draft = expand(concept, int(seed), vocabulary=None if negative else SEEDLING)
        assert (draft.simple, draft.expanded, draft.negative) == (simple, expanded, negative)
