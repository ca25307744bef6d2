"""What instruments found, in the words and marks of a report."""

from __future__ import annotations

import re

import pytest
from sample_run import EXPANDED, PHRASES, full_record, sample_findings, sample_record
from test_report import Outline

from compare.instruments.ladder import LADDER, effects_of, ladder_text
from compare.instruments.length_control import PLACEBO, placebo_text
from compare.instruments.scores.phrase_audit import audited_prompt
from compare.instruments.seed_baseline import RULER, ruler_text
from compare.report import sentences
from compare.report.sentences import glosses
from compare.view import render_report
from ideation import seedling_vocabulary


@pytest.mark.parametrize(
    ("filler", "words", "said"),
    [
        (0.0, 0.294, "changed almost nothing (0.0 points); the real words changed 29.4 points."),
        (0.09, 0.34, "3.8 times as far as filler words padded to as many tokens (19)"),
        (0.2, 0.001, "at least as far (20.0 points) as the real ones (0.1 points)"),
        (0.001, 0.002, "Neither the filler words (0.1 points) nor the real ones (0.2 points)"),
    ],
)
def test_the_placebo_in_words(filler: float, words: float, said: str) -> None:
    found = sample_findings()[0].result(PLACEBO)
    assert found is not None
    moved = {
        "moved": found.moved.model_copy(update={"clip": filler}),
        "words_moved": found.words_moved.model_copy(update={"clip": words}),
    }
    table = sentences("en")
    assert said in placebo_text(found.model_copy(update=moved), table["instruments"]["placebo"], table["report"])


def test_the_ladder_has_one_winner_with_one_number_everywhere() -> None:
    findings, files = sample_findings()
    ladder, told = findings.result(LADDER), sentences("en")
    assert ladder is not None
    said, t = told["instruments"]["ladder"], told["report"]
    # "at sunset" moved 28 when it came in and 10 when it was left out; "soft light" 2 and 15.
    assert [(one.phrase, round(one.hundredths, 1)) for one in effects_of(ladder)][1:] == [
        ("at sunset", 19.0),
        ("soft light", 8.5),
    ]
    lead = "Seed 7 only. “at sunset” moved the picture most (19.0 points)."
    assert ladder_text(ladder, said, t) == lead
    shell = LADDER.lines(ladder)
    assert shell[0] == lead
    assert "8.5 points  soft light" in shell[3]
    record, pictures = sample_record(findings=findings, files=files)
    page = Outline(render_report(record, pictures)).text
    assert lead in page
    assert page.count("moved the picture most") == 1
    none = ladder.model_copy(update={"rungs": ladder.rungs[:1], "without": ()})
    assert (ladder_text(none, said, t), LADDER.lines(none)) == ("", [])


def test_what_the_audit_cannot_see_and_the_ladder_sees_moving_is_no_contradiction() -> None:
    findings, files = sample_findings()
    unseen = [one.model_copy(update={"mark": "ignored"}) for one in findings.phrases if one.text == "at sunset"]
    for phrases, differs in ((findings.phrases[:1], False), (tuple(unseen), True)):
        found = findings.model_copy(update={"phrases": phrases})
        record, pictures = sample_record(findings=found, files=files)
        page = Outline(render_report(record, pictures)).text
        assert ("cannot make out “at sunset” (19.0 points) in the pictures" in page) == differs
        assert ("看不出「at sunset」（19.0 分）" in Outline(render_report(record, pictures, "zh-TW")).text) == differs


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (2.125, "2.1 times as much as another seed"),
        (0.42, "less than another seed would: 0.4"),
        (1.04, "about as much"),
    ],
)
def test_the_ruler_in_words(times: float, said: str) -> None:
    ruler = sample_findings()[0].result(RULER)
    assert ruler is not None
    assert said in ruler_text(ruler.model_copy(update={"times": times}), sentences("en")["instruments"]["ruler"])


def test_the_audit_marks_without_colour() -> None:
    record, files = full_record()
    page = render_report(record, files)
    strip = re.search(r'<p class="audited"[^>]*>(.*?)</p>', page, re.DOTALL)
    assert strip is not None
    marks = re.findall(
        r'<span class="mark (\w+)">(.*?)</span><span class="sign" aria-hidden="true">(.)</span>'
        r'<span class="spoken" lang="en"> \((.*?)\)</span>',
        strip[1],
    )
    assert [(text, name) for _, text, _, name in marks] == [
        (text, "not visible" if mark == "ignored" else mark) for text, mark, _, _ in PHRASES
    ]
    assert len({sign for _, _, sign, _ in marks}) == len({name for _, _, _, name in marks}) == 4
    assert "drawn 2, there already 1, not visible 1" in page
    charted = render_report(*full_record(images=2))
    assert "on a beach (drawn): simple 22 %" in charted, "the chart's rings and dots are pictures, so marks have names"


def test_what_was_added_for_seedling_has_its_chinese_beside_it() -> None:
    known = seedling_vocabulary()
    added = {term.name: term.word.zh for kind in ("setting", "time", "weather") for term in known.terms[kind]}
    glossed = glosses("zh-TW")
    assert {name: glossed[name] for name in added} == added
    assert not [word for word in known.filler if word not in glossed]
    page = render_report(*full_record(), "zh-TW")
    assert "at sunset 日落時" in page
    assert "日落時" not in render_report(*full_record())


def test_an_audit_that_does_not_fit_its_prompt() -> None:
    phrases = sample_findings()[0].phrases
    assert "".join(one.text for one in audited_prompt(EXPANDED, phrases)) == EXPANDED
    assert "".join(one.text for one in audited_prompt("a dog", phrases)) == "a dog"
    assert [one.mark for one in audited_prompt(EXPANDED, (*phrases, phrases[0]))].count("there_already") == 1
