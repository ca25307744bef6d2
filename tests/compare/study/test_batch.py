"""How many pairs of a study share a batch: what a device is quickest with, and what somebody says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Twinseed

import generate.models
import generate.render
from compare.request import PairRequest
from compare.study import read_plan
from compare.study.batch import quickest_batch, usual_batch
from generate.models import OpenModel
from generate.picture import PicturePair
from generate.settings import RenderSettings
from ideation import given_pair, typed_concept

SETTINGS = RenderSettings(seed=3, images=6, num_inference_steps=1, width=32, height=32)


def seconds(*taken: float) -> Callable[[], float]:
    """A clock by which renders take so long, one after the other."""
    times = iter([at for one in taken for at in (0.0, one)])
    return lambda: next(times)


@pytest.mark.parametrize(
    ("taken", "best"),
    [
        ((9, 1.0, 9, 2.0), 1),  # two at once take as long as one after the other
        ((9, 1.0, 9, 1.2, 9, 2.4), 2),
        ((9, 1.0, 9, 1.2, 9, 1.4, 9, 1.5), 6),  # all that there are
        ((9, 1.0, 9, 1.2, 9, 1.4, 9, 2.1), 4),
    ],
)
def test_a_batch_grows_while_each_pair_takes_less(taken: tuple[float, ...], best: int, seedling: OpenModel) -> None:
    prompts = given_pair("a dog", "a dog", "a dog", "", seedling.budget())
    assert quickest_batch(prompts, SETTINGS, seedling, clock=seconds(*taken)) == best


def test_what_memory_is_too_short_for_is_not_taken(seedling: OpenModel, monkeypatch: pytest.MonkeyPatch) -> None:
    really = generate.render.render_pair

    def short(prompts: Any, settings: RenderSettings, model: OpenModel) -> PicturePair:
        made = really(prompts, settings, model)
        given_up = {3: ("VAE in tiles",)} if settings.pairs_per_batch == 4 else {}
        return replace(made, certificate=replace(made.certificate, given_up=given_up))

    monkeypatch.setattr(generate.render, "render_pair", short)
    prompts = given_pair("a dog", "a dog", "a dog", "", seedling.budget())
    assert quickest_batch(prompts, SETTINGS, seedling, clock=seconds(9, 1, 9, 1, 9, 1, 9, 1)) == 2


def test_the_model_that_was_tried_out_takes_no_memory_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[OpenModel] = []
    really = generate.models.open_model

    def seen(*given: Any, **named: Any) -> OpenModel:
        opened.append(really(*given, **named))
        return opened[0]

    monkeypatch.setattr(generate.models, "choose_device", lambda _: "cuda")  # it is tried out on no other
    monkeypatch.setattr(generate.models, "open_model", seen)
    request = PairRequest(typed_concept("a dog"), replace(SETTINGS, images=2, device="cpu"))
    assert usual_batch(request, ("seedling",)) in (None, 2), "whichever was quicker here"
    (model,) = opened
    assert "pipeline" not in vars(model)


@pytest.mark.usefixtures("opened_once")
def test_pairs_of_a_concept_share_a_batch_where_somebody_says_so(twinseed: Twinseed, tmp_path: Path) -> None:
    assert usual_batch(PairRequest(typed_concept("a dog"), SETTINGS), ("seedling",)) is None, "on a processor"
    out = tmp_path / "study"
    words = ("study", "--concepts", "1", "--seeds", "3", "--steps", "1", "--size", "32x32", "--out", str(out))
    done = twinseed(*words, "--seed", "7", "--batch", "2")
    assert (done.code, "2 seeds share a batch" in done.err) == (0, True), done.err
    request = read_plan(out).request
    assert request.settings.pairs_per_batch == 2
    assert "--batch" in request.to_command()
    assert twinseed(*words).code == 0, "what is there says how many"
    other = twinseed(*words, "--batch", "1")
    assert (other.code, "planned in another way" in other.err) == (1, True)
    for given, complaint in (("17", "17 pairs are to share"), ("0", "0 pairs are to share"), ("two", "is 'two'")):
        refused = twinseed("study", "--batch", given, "--out", str(tmp_path / "none"))
        assert (refused.code, complaint in refused.err) == (1, True), refused.err
    assert not (tmp_path / "none").exists()
