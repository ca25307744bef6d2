"""The plan of a study: written first, kept as it was, and added to only with a mark."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sample_study import NOW, sample_plan

from compare.request import request_from_json
from compare.study import Plan, StudyError, arms_of, read_plan
from compare.study.design import PLAN_FILE, extended, write_plan


def later(plan: Plan) -> Plan:
    return plan.model_copy(update={"created": NOW + timedelta(hours=1)})


def test_a_plan_is_read_back_equal(tmp_path: Path) -> None:
    plan = sample_plan(categories=2)
    write_plan(tmp_path, plan)
    assert read_plan(tmp_path) == plan
    assert json.loads((tmp_path / PLAN_FILE).read_text())["digest"] == plan.digest
    assert [one.metric for one in plan.questions if one.primary] == ["intent"]


def test_a_plan_from_before_a_setting_was_there_is_still_whole(tmp_path: Path) -> None:
    plan = sample_plan()
    write_plan(tmp_path, plan)
    content = json.loads((tmp_path / PLAN_FILE).read_text())
    del content["request"]["settings"]["memory"]
    (tmp_path / PLAN_FILE).write_text(json.dumps(content))
    before = read_plan(tmp_path)
    assert before == plan
    assert [unit.name for unit in before.units()] == [unit.name for unit in plan.units()]
    one = next(plan.units()).request
    assert replace(one, settings=replace(one.settings, memory="8GB")).digest != one.digest


def test_a_plan_that_was_changed_is_refused(tmp_path: Path) -> None:
    write_plan(tmp_path, sample_plan())
    content = (tmp_path / PLAN_FILE).read_text()
    (tmp_path / PLAN_FILE).write_text(content.replace("hill number 3", "hill number 33"))
    with pytest.raises(StudyError, match="digest does not fit"):
        read_plan(tmp_path)
    (tmp_path / PLAN_FILE).write_text(content[:-20])
    with pytest.raises(StudyError, match="not the plan of a study"):
        read_plan(tmp_path)
    with pytest.raises(StudyError, match="there is no study"):
        read_plan(tmp_path / "elsewhere")


def test_units_share_their_seeds_across_arms_and_never_across_concepts() -> None:
    plan = sample_plan(5, arms="simple,offline,gemini:gemini-3.8-flash", seeds=3)
    units = list(plan.units())
    assert len(units) == 10
    assert len({unit.name for unit in units}) == 10
    seeds = {(unit.concept, seed) for unit in units for seed in unit.request.settings.seeds}
    assert len(seeds) == len({seed for _, seed in seeds}) == 15
    assert {unit.request.simple for unit in units if unit.concept == 2} == {"a dog on hill number 2"}
    assert {(unit.request.expander, unit.request.llm_model) for unit in units} == {
        ("offline", None),
        ("gemini", "gemini-3.8-flash"),
    }


def test_a_unit_travels_as_json_and_stays_itself() -> None:
    unit = next(sample_plan().units())
    content = json.loads(json.dumps(unit.to_json()))
    assert request_from_json(content["request"]) == unit.request
    assert replace(unit, request=request_from_json(content["request"])).name == unit.name
    assert pickle.loads(pickle.dumps(unit)) == unit  # noqa: S301 - made in the line itself


def test_what_is_added_afterwards_is_marked() -> None:
    before = sample_plan(6)
    assert extended(before, later(before)) == before
    more = extended(before, later(sample_plan(8, arms="simple,offline,gemini")))
    assert [arm.name for arm in more.arms] == ["offline", "gemini"]
    assert more.additions[0].of == before.digest
    assert (more.was_added(concept=5), more.was_added(concept=6)) == (False, True)
    assert (more.was_added(arm="offline"), more.was_added(arm="gemini")) == (False, True)
    units = {unit.name for unit in more.units()}
    assert {unit.name for unit in before.units()} <= units
    fewer = extended(more, later(sample_plan(6)))
    assert fewer == more


@pytest.mark.parametrize("other", [sample_plan(12, seeds=3), sample_plan(12, categories=3)])
def test_another_study_in_the_same_folder_is_refused(other: Plan) -> None:
    with pytest.raises(StudyError, match="planned in another way"):
        extended(sample_plan(12), later(other))


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("simple", "none was named"),
        ("simple,ofline", "no arm 'ofline'"),
        ("simple,auto", "no arm 'auto'"),
        ("offline,offline", "named twice"),
    ],
)
def test_arms_that_cannot_be(given: str, complaint: str) -> None:
    with pytest.raises(StudyError, match=complaint):
        arms_of(given)
