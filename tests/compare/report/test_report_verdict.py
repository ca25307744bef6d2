"""The verdict of a report: what is claimed of pictures and words, and what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_run import PROMPTS, sample_certificate, sample_findings, sample_record
from test_report import Outline

from compare.instruments.results import Findings
from compare.instruments.scores import VerdictRecord
from compare.instruments.scores.card_section import card_texts
from compare.report import sentences
from compare.report.blocks import Marked
from compare.view import render_report, report_of, verdict_of
from ideation import TokenCount
from templates import LANGUAGES, Language

VERDICTS = [
    ("same prompts", None, None, ["nothing was added, so there is nothing to compare", "沒有東西可以比較"]),
    ("no difference", None, None, ["the simple and the expanded picture are the same", "完全相同"]),
    ("one pair", None, None, ["cannot show what they do as a rule", "不能說明這些詞通常"]),
    ("no clip", None, None, ["cannot be said", "無法判斷"]),
    ("helped", -0.001, 0.031, ["helped, and the idea is kept. Over 4 seeds", "有幫助", "3.1"]),
    ("traded", -0.021, 0.031, ["gave and took", "有得有失", "3.1"]),
    ("intent lost", -0.021, 0.001, ["led away", "偏離"]),
    ("cannot tell", -0.001, 0.001, ["cannot be told from these 4 seeds", "還看不出來"]),
]


@pytest.mark.parametrize(("kind", "intent", "gain", "said"), VERDICTS)
def test_the_verdict_in_both_languages(kind: str, intent: float | None, gain: float | None, said: list[str]) -> None:
    def change(mean: float | None) -> dict[str, float] | None:
        return None if mean is None else {"mean": mean, "low": mean - 0.01, "high": mean + 0.01}

    verdict = {"kind": kind, "seeds": 4, "intent": change(intent), "gain": change(gain)}
    record, files = sample_record(findings=Findings.model_validate({"verdict": verdict}))
    texts = [verdict_of(record, language) for language in LANGUAGES]
    for sentence in said:
        assert sentence in " ".join(texts)
    assert "{" not in "".join(texts)
    for language, text in zip(LANGUAGES, texts, strict=True):
        assert text in Outline(render_report(record, files, language)).text
    foul, _ = sample_record(
        findings=record.findings,
        certificate=sample_certificate({7: {"simple": "3f" * 32, "expanded": "3f" * 32}}, differs=("guidance_scale",)),
    )
    assert "cannot be put down to the words alone" in verdict_of(foul)


def test_of_two_prompts_that_are_the_same_no_difference_is_claimed() -> None:
    alike = replace(
        PROMPTS, expanded=PROMPTS.simple, tokens=TokenCount(8, 11, 11, ("watercolor", "style"), ("watercolor", "style"))
    )
    # The verdict of a record of old.
    record, files = sample_record(
        prompts=alike,
        certificate=sample_certificate(differs=()),
        findings=Findings.model_validate({"verdict": {"kind": "no difference", "seeds": 1}}),
    )
    found = Outline(render_report(record, files))
    assert "nothing was added, so there is nothing to compare" in found.text
    assert "the model read the same of both prompts" in found.text
    assert "everything but the prompt held equal" not in found.text
    assert "the simple prompt needs 11" in found.text
    marked = report_of(record, files).sections[0].blocks[1:3]
    assert all(isinstance(one, Marked) and one.stretches[-1].unseen for one in marked)


def test_the_lead_over_rivals_is_said_where_every_seed_has_it() -> None:
    cards = list(sample_findings((7, 8))[0].cards.values())
    t = sentences("en")["report"]
    assert "Exchange the subject" not in " ".join(card_texts(cards, t))
    rivals = {"simple_on_rivals": 0.25, "expanded_on_rivals": 0.27}
    led = [card.model_copy(update=rivals) for card in cards]
    said = " ".join(card_texts(led, t))
    assert (
        "fit the prompt itself better, by 3.2 points, the expanded ones the prompt itself better, by 0.8 points" in said
    )
    assert "idea is clear" not in said
    clear = [card.model_copy(update={**rivals, "expanded_on_rivals": 0.255}) for card in cards]
    assert "better, by 2.3 points. So the idea is clear, as far as" in " ".join(card_texts(clear, t))
    assert "Exchange the subject" not in " ".join(card_texts([led[0], cards[1]], t))
    # How clear an idea is goes by the number: next to nothing is not clear, though nothing of it was lost.
    for simple, expanded, words in (
        (0.28, 0.276, "even on the simple pictures CLIP cannot tell"),
        (0.25, 0.277, "can hardly tell any more that it is this subject or this action"),
        (0.38, 0.37, "The simple pictures fit the exchanged prompts better, by 9.8 points"),
    ):
        leads = {"simple_on_rivals": simple, "expanded_on_rivals": expanded}
        assert words in " ".join(card_texts([card.model_copy(update=leads) for card in cards], t))


UNLEARNT = {"to": "model", "words": ("giraffe", "library"), "core": True}


CLAIMS = {
    "en": (
        "idea is clear",
        "less clear",
        "fits the simple prompt",
        "helped",
        "gave and took",
        "led away",
    ),
    "zh-TW": ("構想很清楚", "較不清楚", "符合簡單提示詞", "有幫助", "有得有失", "偏離"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("seeds", [(7,), (7, 8, 9, 10)], ids=["one seed", "four seeds"])
@pytest.mark.parametrize("kind", ["helped", "traded", "intent lost", "cannot tell"])
def test_of_an_idea_that_was_never_learnt_nobody_says_what_became_of_it(
    language: Language, seeds: tuple[int, ...], kind: str
) -> None:
    findings = sample_findings(seeds)[0]
    rivals = {"simple_on_rivals": 0.1, "expanded_on_rivals": 0.1}
    cards = {seed: card.model_copy(update=rivals) for seed, card in findings.cards.items()}
    change = {"mean": 0.03, "low": 0.02, "high": 0.04}
    verdict = {"kind": kind, "seeds": len(seeds), "intent": change, "gain": change, "worst": 0.01, "bound": 0.1}
    if len(seeds) == 1:
        verdict = {"kind": "one pair", "seeds": 1}
    found = Findings.model_validate(
        {
            "verdict": verdict | {"unknown": UNLEARNT},
            "cards": cards,
            "clip": findings.clip,
            "distances": findings.distances,
        }
    )
    record, files = sample_record(findings=found, images=len(seeds))
    text = Outline(render_report(record, files, language)).text
    assert {"en": "it cannot be judged", "zh-TW": "構想：無法評斷"}[language] in text
    assert not [claim for claim in CLAIMS[language] if claim in text]
    assert {"en": "never learnt by the model", "zh-TW": "模型沒學過的詞"}[language] in text


def test_what_nobody_sees_is_no_better_fit_and_what_seeds_do_not_agree_on_is_chance() -> None:
    card = next(iter(sample_findings()[0].cards.values()))
    alike = card.model_copy(update={"simple_on_simple": 0.403, "expanded_on_simple": 0.405})
    t = sentences("en")["report"]
    assert "about equally well (40.5 against 40.3)" in card_texts([alike], t)[0]
    assert "幾乎一樣" in card_texts([alike], sentences("zh-TW")["report"])[0]
    apart = card.model_copy(update={"simple_on_simple": 0.40, "expanded_on_simple": 0.42})
    assert "fits the simple prompt better (42.0 against 40.0)" in card_texts([apart], t)[0]
    wide = {"mean": 0.02, "low": -0.01, "high": 0.05}
    verdict = VerdictRecord.model_validate({"kind": "cannot tell", "seeds": 4, "intent": wide, "gain": wide})
    assert "no difference that is more than chance" in card_texts([apart] * 4, t, verdict)[0]


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ((0, -0.01, 0), "in all 3 seeds the expanded picture fits the simple prompt at least as well"),
        ((0.01, 0, 0.02), "in 2 of 3 seeds the expanded picture fits the simple prompt slightly less well"),
        ((0.2, 0, 0.1), "in 2 of 3 seeds the expanded picture fits the simple prompt less well"),
        ((0.01, 0.02, 0.03), "in all 3 seeds the expanded picture fits the simple prompt slightly less well"),
        ((0.1, 0.2, 0.3), "in all 3 seeds the expanded picture fits the simple prompt less well"),
    ],
)
def test_how_many_seeds_lost_some_of_the_idea(losses: tuple[float, ...], said: str) -> None:
    card = next(iter(sample_findings()[0].cards.values()))
    cards = [card.model_copy(update={"expanded_on_simple": card.simple_on_simple - loss}) for loss in losses]
    assert said in card_texts(cards, sentences("en")["report"])[-2]


@pytest.mark.parametrize(
    ("intent", "said"),
    [
        (
            (-0.032, -0.062, -0.002),
            [
                "at a small price",
                "(+18.2 points)",
                "(−3.2). The idea is kept: its fit changed by −6.2 to −0.2",
                "小小的代價",
            ],
        ),
        ((-0.09, -0.12, -0.06), ["at a price", "(−9.0)", "但有代價"]),
        ((-0.032, -0.062, 0.002), ["helped, and the idea is kept", "a loss of 13.5 or more", "構想也保住了"]),
    ],
)
def test_help_that_cost_something_names_its_price(intent: tuple[float, ...], said: list[str]) -> None:
    changes = {
        "intent": dict(zip(("mean", "low", "high"), intent, strict=True)),
        "gain": {"mean": 0.182, "low": 0.161, "high": 0.203},
    }
    findings = Findings.model_validate({"verdict": {"kind": "helped", "seeds": 4, "bound": 0.135} | changes})
    record, files = sample_record(findings=findings)
    texts = " ".join(verdict_of(record, language) for language in LANGUAGES)
    for sentence in said:
        assert sentence in texts
    assert "not that they are better pictures" in render_report(record, files)


@pytest.mark.parametrize("seeds", [2, 3])
def test_few_seeds_are_no_ground_to_stand_on(seeds: int) -> None:
    change = {"mean": 0.1, "low": 0.05, "high": 0.15}
    verdict = {"kind": "cannot tell", "seeds": seeds, "intent": change, "gain": change}
    record, _ = sample_record(findings=Findings.model_validate({"verdict": verdict}))
    assert f"from {seeds} seeds what the words do as a rule" in verdict_of(record)
    assert f"從 {seeds} 個種子看不出" in verdict_of(record, "zh-TW")


def test_help_that_was_said_too_easily_is_judged_again() -> None:
    cards = sample_findings((7, 8))[0].cards
    change = {"mean": 0.1, "low": 0.05, "high": 0.15}
    early = {"kind": "helped", "seeds": 2, "intent": change, "gain": change}
    record, _ = sample_record(findings=Findings.model_validate({"cards": cards, "distances": {}, "verdict": early}))
    assert "helped" not in verdict_of(record)
