from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from compare.instruments.context import Context
from compare.instruments.distance import DistanceRecord
from compare.instruments.scores.score_card import CardRecord, cards_of
from compare.instruments.scores.unknown_words import UnknownRecord, undrawn_in, unknown_in
from compare.instruments.scores.verdict import change, verdict_of, verdict_text
from compare.report.sentences import sentences
from generate.clip import Clip
from generate.models import OpenModel
from generate.render.pair import render_pair
from generate.seedling import SEEDLING_TOKENIZER
from generate.settings import RenderSettings
from ideation import PromptPair, TokenBudget, given_pair, seedling_vocabulary

APART = DistanceRecord(mean_absolute_difference=0.2, ssim=0.5, clip=0.3)
EQUAL = DistanceRecord(mean_absolute_difference=0, ssim=1, clip=0)
DOG = "a dog riding a bicycle"


def prompts(simple: str = DOG, expanded: str = f"{DOG} at night") -> PromptPair:
    return given_pair(simple, simple, expanded, "", TokenBudget(SEEDLING_TOKENIZER, vectors={}))


def card(intent: float, gain: float, kept: float | None = None, lead: float = 0.1) -> CardRecord:
    """The simple picture fits its prompt by 0.3 and its rivals by `lead` less; the expanded one has `kept` of it."""
    return CardRecord(
        simple_on_simple=0.3,
        expanded_on_simple=0.3 + intent,
        simple_on_expanded=0.2,
        expanded_on_expanded=0.2 + gain,
        simple_on_rivals=None if kept is None else 0.3 - lead,
        expanded_on_rivals=None if kept is None else 0.3 + intent - lead * kept,
    )


UP, DOWN, NONE = (0.05, 0.06, 0.055, 0.058), (-0.05, -0.06, -0.055, -0.052), (0.01, -0.012, 0.002, 0)
#: From -22 to +16 points: one seed has lost 20.
WIDE = (-0.2, 0.06, 0.03, -0.01)
SKIING = UnknownRecord(to="model", words=("skiing",), core=True)


@pytest.mark.parametrize(
    ("cards", "kind"),
    [
        ([card(0, 0.1)], "one pair"),
        ([], "no clip"),
        # Two or three seeds have an interval, and yet nothing is said of them.
        ([card(0, 0.1), card(0, 0.1001)], "cannot tell"),
        ([card(0.01, 0.1), card(0.01, 0.1001), card(0.01, 0.1)], "cannot tell"),
        ([card(0.0, gain) for gain in NONE], "cannot tell"),
        # Without rivals every real loss counts, and what may be a loss is not called kept.
        ([card(i, g) for i, g in zip(UP, UP, strict=True)], "helped"),
        ([card(i, g) for i, g in zip(NONE, UP, strict=True)], "cannot tell"),
        ([card(i, g) for i, g in zip(DOWN, UP, strict=True)], "traded"),
        ([card(i, g) for i, g in zip(DOWN, NONE, strict=True)], "intent lost"),
        # With rivals a lower cosine alone is no loss: the lead says whether the intent is still there.
        ([card(i, g, 0.9) for i, g in zip(NONE, UP, strict=True)], "helped"),
        ([card(i / 2, g, 0.9) for i, g in zip(DOWN, UP, strict=True)], "helped"),
        ([card(i, g, k) for i, g, k in zip(DOWN, UP, (0.4, 0.5, 0.45, 0.42), strict=True)], "traded"),
        ([card(i, g, k) for i, g, k in zip(DOWN, UP, (0.1, 0.0, 0.05, 0.02), strict=True)], "intent lost"),
        ([card(i, g, k) for i, g, k in zip(DOWN, NONE, (0.4, 0.5, 0.45, 0.42), strict=True)], "intent lost"),
        # A loss that nobody has proven is not yet an intent that is kept: neither of the fit, nor of the lead.
        ([card(i, g, 0.9) for i, g in zip(WIDE, UP, strict=True)], "cannot tell"),
        ([card(i, g, k) for i, g, k in zip(NONE, UP, (1.2, 0.9, 0.2, 1), strict=True)], "cannot tell"),
        ([card(i, g, k) for i, g, k in zip(DOWN, UP, (1.4, -0.9, 0.2, 1.1), strict=True)], "cannot tell"),
        # What the judge does not see in the simple pictures either is neither kept nor lost.
        ([card(i, g, 0, seen) for i, g, seen in zip(NONE, UP, (0.2, -0.2, 0.1, -0.1), strict=True)], "idea unknown"),
    ],
)
def test_the_kind_follows_from_the_cards(cards: list[CardRecord], kind: str) -> None:
    distances = dict.fromkeys(range(max(1, len(cards))), APART)
    verdict = verdict_of(prompts(), distances, dict(enumerate(cards)))
    assert (verdict.kind, verdict.seeds) == (kind, len(distances))
    assert (verdict.gain is None) == (kind in ("one pair", "no clip"))


def test_an_interval_that_holds_a_real_loss_is_named_with_its_worst_seed() -> None:
    cards = {seed: card(i, g, 0.9) for seed, (i, g) in enumerate(zip(WIDE, UP, strict=True))}
    verdict = verdict_of(prompts(), dict.fromkeys(cards, APART), cards)
    assert (verdict.worst, verdict.bound) == (-0.2, 0.05)
    said = verdict_text(verdict, dict.fromkeys(cards, APART), sentences("en")["report"], fair=True)
    assert "cannot be told from these 4 seeds whether the idea was kept" in said
    assert "from −21.6 to +15.6 points (in the worst seed by −20.0), and a loss of 5.0 or more" in said


@pytest.mark.parametrize("intents", [UP, NONE, WIDE, DOWN])
def test_what_the_model_never_learnt_is_said_first_and_never_called_kept(intents: tuple[float, ...]) -> None:
    cards = {seed: card(i, g, 0.9) for seed, (i, g) in enumerate(zip(intents, UP, strict=True))}
    for some in ({0: cards[0]}, cards):
        verdict = verdict_of(prompts(), dict.fromkeys(some, APART), some, SKIING)
        assert verdict.kind in ("idea unknown", "one pair")
        for language, begins in (("en", "The whole idea cannot be judged here: this model"), ("zh-TW", "這裡無法評斷")):
            said = verdict_text(verdict, dict.fromkeys(some, APART), sentences(language)["report"], fair=True)
            assert said.startswith(begins)
            assert "helped" not in said


def test_what_cannot_be_told_of_words_that_nobody_draws_is_not_for_want_of_seeds() -> None:
    cards = {seed: card(0, gain) for seed, gain in enumerate(NONE)}
    for some in ({0: cards[0]}, {0: cards[0], 1: cards[1]}, cards):
        verdict = verdict_of(prompts(), dict.fromkeys(some, APART), some)
        for language, begins in (("en", "This model draws none"), ("zh-TW", "加上的詞（「apron」）")):
            t = sentences(language)["report"]
            said = verdict_text(verdict, dict.fromkeys(some, APART), t, fair=True, undrawn=("apron",))
            assert said.startswith(begins)
            assert "20.0" in said
    gained = {seed: card(0, gain) for seed, gain in enumerate(UP)}
    t = sentences("en")["report"]
    told = verdict_text(verdict_of(prompts(), dict.fromkeys(gained, APART), gained), {}, t, fair=True, undrawn=("x",))
    assert "This model draws none" not in told, "what was gained is no chance, whatever was drawn"
    for expanded, words in ((f"{DOG}, in an apron", ("apron",)), (f"{DOG} at night", ()), (DOG, ())):
        assert undrawn_in(prompts(expanded=expanded), "seedling") == words
    assert undrawn_in(prompts(expanded=f"{DOG}, in an apron"), "some/model") == ()


@pytest.mark.parametrize(
    ("simple", "words", "core"),
    [
        ("a cat skiing, flat illustration style", ("skiing",), True),
        ("a giraffe playing the guitar", ("giraffe",), True),
        ("a dog reading a newspaper", ("reading a newspaper",), True),
        ("a polar bear riding a bicycle", ("polar bear",), True),
        ("two hamsters riding a bicycle", ("hamsters",), True),
        ("two cats riding a bicycle on the left", (), False),
        ("five cats riding a bicycle", ("five",), False),
        ("a cat doing yoga on a sofa", ("doing yoga", "sofa"), True),
        ("a cat on skis", ("skis",), True),
        ("(a cat:1.2) skiing", ("skiing",), True),
        ("a small dog riding a bicycle in Paris", ("small", "Paris"), False),
        ("an owl blowing a trumpet, cubism style", ("cubism",), False),
        ("a puppy cycling at dusk, aquarelle", (), False),
    ],
)
def test_which_words_of_the_idea_seedling_never_learnt(simple: str, words: tuple[str, ...], core: bool) -> None:
    found = unknown_in(simple, seedling_vocabulary(), seedling_vocabulary())
    assert found == (UnknownRecord(to="model", words=words, core=core) if words else None)
    by_the_judge = unknown_in(simple, None, seedling_vocabulary())
    assert by_the_judge == (UnknownRecord(to="judge", words=words, core=core) if words else None)
    assert unknown_in(simple, None, None) is None


@pytest.mark.parametrize(
    ("expanded", "moved", "kind"),
    [
        (DOG, EQUAL, "same prompts"),
        (f"{DOG}, ", EQUAL, "no difference"),
        (DOG, EQUAL.model_copy(update={"mean_absolute_difference": 0.001}), "same prompts"),
        (f"{DOG}, neon", EQUAL.model_copy(update={"mean_absolute_difference": 0.001}), "one pair"),
        (DOG, APART, "one pair"),
    ],
)
def test_equal_pictures_are_no_difference_and_the_same_prompt_may_be_noisy(
    expanded: str, moved: DistanceRecord, kind: str
) -> None:
    assert verdict_of(prompts(expanded=expanded), {1: moved}, {1: card(0, 0)}).kind == kind


def test_the_interval_is_students() -> None:
    # Mean 2, standard deviation 1, n = 3: 2 +- 4.302653 / sqrt(3), from any table of t.
    found = change([1.0, 2.0, 3.0])
    assert (found.mean, found.low, found.high) == (2.0, pytest.approx(-0.484138), pytest.approx(4.484138))
    assert change([0.1, 0.1, 0.1]).low == 0.1


@pytest.mark.parametrize("seeds", [4, 6, 12])
@pytest.mark.parametrize("rivals", [True, False])
def test_where_nothing_is_true_hardly_anything_is_said(seeds: int, rivals: bool) -> None:
    numbers, pair, kinds = np.random.default_rng(seeds), prompts(), Counter[str]()
    for _ in range(200):
        cards = {
            seed: card(*numbers.normal(0, 0.03, 2), kept=float(numbers.normal(1, 0.3)) if rivals else None)
            for seed in range(seeds)
        }
        kinds[verdict_of(pair, dict.fromkeys(cards, APART), cards).kind] += 1
    # One in twenty of 200 is 10; 20 is three standard deviations more.
    assert kinds["helped"] + kinds["intent lost"] + kinds["traded"] <= 20
    assert kinds["cannot tell"] >= 180


@pytest.mark.parametrize(
    ("expanded", "kind"),
    [(f"{DOG} on a beach at sunset", "helped"), ("an octopus riding a bicycle on a beach at sunset", "intent lost")],
)
def test_on_seedling_added_details_help_and_another_subject_loses_the_intent(
    seedling: OpenModel, seedling_clip: Clip, expanded: str, kind: str
) -> None:
    pair = prompts(expanded=expanded)
    made = render_pair(pair, RenderSettings(seed=3, images=4, num_inference_steps=8), seedling)
    pictures = {(render.arm, render.seed): render.image for render in made.pictures}
    context = Context(pair, made.settings, seedling, pictures, seedling_clip)
    verdict = verdict_of(pair, context.distances(), cards_of(context))
    assert verdict.kind == kind
    assert verdict.gain is not None
    assert verdict.gain.low > 0.1
