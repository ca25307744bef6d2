"""What a study says, and what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet
from sample_study import NOW, draw_pictures, sample_outcomes, sample_plan

from compare.report import sentences
from compare.report.blocks import Chart, Table, Text
from compare.study import Outcome, RunStore, analyse, conclude, outcomes_so_far, study_html, study_sentences
from compare.study.analysis import QUANTILES
from compare.study.design import extended
from compare.study.export import dataset_card, score_rows
from compare.study.report import p_text, study_sections
from compare.study.report.wording import unchanged_text
from compare.study.scores import with_judged
from compare.study.store import Complaint, Journal

BROKEN = Complaint(kind="UnclearChinese", message="it can be read in two ways", stage="expand")


def failed(outcome: Outcome) -> Outcome:
    return outcome.model_copy(update={"status": "failed", "scores": None, "complaint": BROKEN})


def test_seeds_are_averaged_per_concept_and_categories_apart() -> None:
    plan = sample_plan(16, categories=2)
    analysis = analyse(plan, sample_outcomes(plan).values())
    whole = analysis.answer("offline", "seedling")
    assert whole is not None
    assert whole.result.clusters == 16
    assert whole.result.outcome == "less"
    assert whole.result.mean == pytest.approx(-0.03, abs=0.01)
    of_categories = [one for one in analysis.answers if one.metric == "intent" and one.category is not None]
    assert [one.result.clusters for one in of_categories] == [8, 8]
    assert np.mean([one.result.mean for one in of_categories]) == pytest.approx(whole.result.mean)
    untested = analysis.answer("offline", "seedling", "distance")
    assert untested is not None
    assert untested.result.signed_rank is None
    assert analyse(plan, sample_outcomes(plan).values()) == analysis


def test_the_funnel_counts_everything_that_is_not_there() -> None:
    plan = sample_plan(10)
    outcomes = list(sample_outcomes(plan).values())
    outcomes[0] = failed(outcomes[0])
    scores = outcomes[1].scores
    assert scores is not None
    outcomes[1] = outcomes[1].model_copy(update={"scores": scores.model_copy(update={"fair": False})})
    outcomes[2] = outcomes[2].model_copy(update={"status": "waiting", "scores": None})
    funnel = {step.name: step for step in analyse(plan, outcomes[:-1]).funnel}
    assert {name: step.units for name, step in funnel.items()} == {
        "planned": 10,
        "written": 7,
        "rendered": 7,
        "measured": 7,
        "fair": 6,
        "analysed": 6,
    }
    assert funnel["written"].lost == {"UnclearChinese": 1, "waiting": 1, "not yet": 1}
    assert funnel["fair"].lost == {"certificate": 1}


def test_concepts_to_which_nothing_was_added_stay_and_are_told() -> None:
    plan = sample_plan(14)
    outcomes = sample_outcomes(plan)
    for name, outcome in outcomes.items():
        scores = outcome.scores
        assert scores is not None
        if outcome.concept < 6:
            same = tuple(one.model_copy(update={"values": {"intent": (0.3, 0.3)}}) for one in scores.seeds)
            kept = scores.model_copy(update={"expanded": scores.simple, "seeds": same})
            outcomes[name] = outcome.model_copy(update={"scores": kept})
    analysis = analyse(plan, outcomes.values())
    whole, (told,) = analysis.answer("offline", "seedling"), analysis.unchanged
    assert whole is not None
    assert (told.concepts, told.measured, whole.result.clusters, whole.result.tally.tie.count) == (6, 14, 14, 6)
    assert told.without is not None
    assert told.without.clusters == 8
    assert told.without.mean * 8 == pytest.approx(whole.result.mean * 14)
    assert study_sentences(plan, analysis)[0].endswith("Nothing was added to 6 of them.")
    chinese = unchanged_text(told, plan, sentences("zh-TW")["study"])
    assert "14 個構想中的 6 個沒有加入任何字句" in chinese
    assert "不計這些構想時" in chinese
    assert analysis.to_json()["unchanged"][0]["concepts"] == 6


def test_several_arms_are_corrected_and_share_ranks_where_nothing_tells_them_apart() -> None:
    plan = sample_plan(12, arms="simple,offline,gemini,openai")
    outcomes = sample_outcomes(plan)
    for name, outcome in outcomes.items():
        if outcome.arm == "openai" and outcome.scores is not None:
            seeds = tuple(
                seed.model_copy(update={"values": seed.values | {"intent": (0.3, 0.4 + 0.001 * outcome.concept)}})
                for seed in outcome.scores.seeds
            )
            outcomes[name] = outcome.model_copy(update={"scores": outcome.scores.model_copy(update={"seeds": seeds})})
    analysis = analyse(plan, outcomes.values())
    ranks = {place.arm: (place.best_rank, place.worst_rank) for place in analysis.places}
    assert ranks == {"openai": (1, 1), "offline": (2, 3), "gemini": (2, 3)}
    for one in analysis.answers:
        if one.result.corrected is not None and one.result.signed_rank is not None:
            assert one.result.corrected >= one.result.signed_rank


@pytest.mark.parametrize(
    ("concepts", "effect", "words"),
    [
        (12, 0.05, ("better than pictures", "更符合")),
        (12, -0.05, ("worse than pictures", "更不符合")),
        (12, 0.0, ("cannot be told", "無法判斷")),
        (4, 0.05, ("too few", "不足以")),
    ],
)
def test_one_sentence_can_be_quoted(concepts: int, effect: float, words: tuple[str, str]) -> None:
    plan = sample_plan(concepts)
    analysis = analyse(plan, sample_outcomes(plan, effect).values())
    assert words[0] in study_sentences(plan, analysis)[0]
    assert words[1] in study_sentences(plan, analysis, "zh-TW")[0]
    assert ("Wilcoxon p" in study_sentences(plan, analysis)[0]) == (concepts >= 6)


def test_without_a_judge_nothing_is_claimed() -> None:
    plan = sample_plan(8)
    outcomes = sample_outcomes(plan)
    for name, outcome in outcomes.items():
        assert outcome.scores is not None
        seeds = tuple(one.model_copy(update={"values": {"distance": (0.0, 0.1)}}) for one in outcome.scores.seeds)
        outcomes[name] = outcome.model_copy(update={"scores": outcome.scores.model_copy(update={"seeds": seeds})})
    analysis = analyse(plan, outcomes.values())
    assert "nothing of what is better" in study_sentences(plan, analysis)[0]
    assert analysis.funnel[-1].lost == {"no clip": 8}


def test_all_that_is_written(tmp_path: Path) -> None:
    plan = sample_plan(8)
    plan = extended(plan, sample_plan(9).model_copy(update={"created": NOW}))
    outcomes, store = sample_outcomes(plan), RunStore(str(tmp_path / "runs"))
    list(draw_pictures(tmp_path / "runs", plan))
    first = next(iter(outcomes))
    outcomes[first] = failed(outcomes[first])
    for outcome in outcomes.values():
        Journal(tmp_path / "journal.jsonl").add(outcome)
    assert outcomes_so_far(plan, tmp_path, store) == outcomes
    analysis = conclude(plan, tmp_path, outcomes, store)

    table = parquet.read_table(tmp_path / "scores.parquet")
    assert table.schema.metadata[b"plan"].decode() == plan.digest
    rows = [row for row in table.to_pylist() if row["metric"] == "intent"]
    assert len(rows) == 8 * 2
    assert {row["added"] for row in rows} == {False, True}
    answer = analysis.answer("offline", "seedling")
    assert answer is not None
    assert np.mean([row["difference"] for row in rows]) == pytest.approx(answer.result.mean)

    data = tmp_path / "dataset" / "data"
    lines = [json.loads(line) for line in (data / "metadata.jsonl").read_text().splitlines()]
    assert {line["file_name"] for line in lines} == {path.name for path in data.glob("*.png")}
    assert len(lines) == 8 * 2 * 2
    card = (tmp_path / "dataset" / "README.md").read_text()
    assert card.startswith("---\n")
    assert study_sentences(plan, analysis)[0] in card
    assert "- Added on 2026-11-25, when there may have been results: concepts beyond 8\n\n## What was found" in card
    later = dataset_card(extended(plan, sample_plan(9, arms="simple,offline,gemini")), analysis, "")
    assert "when there may have been results: `gemini`\n" in later
    assert plan.digest[:8] in (tmp_path / "citation.bib").read_text()
    assert json.loads((tmp_path / "analysis.json").read_text())["funnel"][0]["units"] == 9

    for name, words in (("report.html", "What was found"), ("report.zh-TW.html", "研究結果")):
        html = (tmp_path / name).read_text(encoding="utf-8")
        assert words in html
        assert "it can be read in two ways" in html
        assert html.count("<img") == 2 * len(analysis.examples) == 10
        assert "://" not in html.replace("http://www.w3.org", "")


def test_every_judge_has_a_chart_of_its_own_and_a_name_for_readers(tmp_path: Path) -> None:
    folder = tmp_path / "siglip"
    folder.mkdir()
    plan = sample_plan(7, judges=(str(folder), "detector:google/owlv2-base-patch16-ensemble", "votes"))
    outcomes = sample_outcomes(plan)
    for name, outcome in outcomes.items():
        assert outcome.scores is not None
        found = {seed: {"intent": (0.1, 0.1 + seed / 1000)} for seed in (one.seed for one in outcome.scores.seeds)}
        outcomes[name] = outcome.model_copy(update={"scores": with_judged(outcome.scores, plan.judges[0], found)})
    list(draw_pictures(tmp_path, plan))
    html = study_html(plan, analyse(plan, outcomes.values()), RunStore(str(tmp_path)).picture)
    assert "By siglip" in html
    assert "the idea of the simple prompt, by siglip" in html
    assert str(folder) not in html
    judges = {row["judge"] for row in score_rows(plan, outcomes) if row["metric"] == "intent"}
    assert judges == {"seedling", "siglip"}
    assert [one.metric for one in plan.questions if one.metric.startswith("votes")] == ["votes:preferred"]


def test_several_arms_stand_below_each_other_and_those_of_later_say_so(tmp_path: Path) -> None:
    first = sample_plan(14, arms="simple,offline", categories=2)
    plan = extended(first, sample_plan(14, arms="simple,offline,openai:qwen2.5-72b-instruct", categories=2))
    list(draw_pictures(tmp_path, plan))
    analysis = analyse(plan, sample_outcomes(plan).values())
    assert [(one.arm, one.quantile) for one in analysis.examples] == [
        (arm.name, quantile) for arm in plan.arms for quantile in QUANTILES
    ]
    sections = {one.name: one for one in study_sections(plan, analysis, "en")}
    headings = {
        name: [block.text for block in one.blocks if isinstance(block, Text) and block.tone == "heading"]
        for name, one in sections.items()
    }
    arms = ["offline", "openai:qwen2.5-72b-instruct (added after the plan)"]
    assert headings["answer"] == ["The idea of the simple prompt", "The details of the expanded prompt", *arms]
    assert headings["categories"] == headings["prompts"] == arms
    for name, charts in (("answer", 2), ("wins", 3)):  # nobody draws an interval of how far apart seeds are
        drawn = [block for block in sections[name].blocks if isinstance(block, Chart)]
        assert len(drawn) == charts
        assert all("openai:qwen2.5-72b-instruct (added later)" in chart.svg for chart in drawn)
    shares, effects = [block for block in sections["wins"].blocks if isinstance(block, Table)][:2]
    tally = analysis.values["seedling", "offline", "intent"]
    lost = sum(one.difference < 0 for one in tally)
    assert [len(row) for row in (shares.rows[0], effects.rows[0])] == [4, 3]
    assert shares.rows[0][3].startswith(f"{100 * lost / 14:.0f} (")
    assert study_sentences(plan, analysis)[1].endswith("This was added after the plan.")


def test_somebody_elses_words_stay_words(tmp_path: Path) -> None:
    plan = sample_plan(6, categories=2)
    evil = tuple(
        one.model_copy(update={"category": f"<script>alert({number % 2})</script>"})
        for number, one in enumerate(plan.concepts)
    )
    plan = plan.model_copy(update={"concepts": evil, "source": "<img src=x> of ```"})
    list(draw_pictures(tmp_path / "runs", plan))
    analysis = analyse(plan, sample_outcomes(plan).values())
    html = study_html(plan, analysis, RunStore(str(tmp_path / "runs")).picture)
    assert "<script" not in html
    assert "<img src=x" not in html


def test_p_values_as_printed() -> None:
    assert [p_text(p) for p in (None, 0.2, 0.0499, 0.0001)] == ["–", "0.20", "0.050", "< 0.001"]
