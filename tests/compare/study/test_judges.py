"""Judges besides the CLIP of every run: each looks at both pictures of a seed, and says nothing of what it cannot
know."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import transformers
from loopback import KEY, WIRES, GeminiWire, LoopbackServer, Wire
from safetensors.torch import save_file
from sample_run import write_sample
from tiny_judges import write_blip, write_clip, write_owlvit, write_siglip, write_yolos
from tiny_rewards import write_hps, write_image_reward

from compare.homework.classroom.ballot import BallotFile, left_of
from compare.homework.classroom.content import Answer, ClassError, SeedPair
from compare.runs import Gallery, Marks, Run, Vote
from compare.runs.marks import write_marks
from compare.study.concepts import AskedObject
from compare.study.judges import JudgeError, Shown, measures_of, open_judge, open_votes, require_judges
from compare.study.judges.detector import Found, asked_in, shares
from generate.models import ModelError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two seeds of "a dog riding a bicycle, watercolor style"."""
    return write_sample(Gallery(tmp_path_factory.mktemp("judged")), images=2)


@pytest.mark.parametrize("write", [write_siglip, write_blip, write_clip], ids=lambda write: write.__name__)
def test_a_model_holds_both_pictures_against_both_prompts(
    write: Callable[[Path], Path], run: Run, tmp_path: Path
) -> None:
    judge = open_judge(str(write(tmp_path / "model")))
    found = judge.judge(Shown(run))
    assert list(found) == run.record.seeds
    for both in found.values():
        assert tuple(both) == measures_of(judge.name) == ("intent", "gain")
        assert all(-1 <= value <= 1 for pair in both.values() for value in pair)
        assert both["intent"][0] != both["intent"][1]
        assert both["intent"] != both["gain"]
    assert judge.judge(Shown(run)) == found


@pytest.mark.parametrize("write", [write_hps, write_image_reward], ids=lambda write: write.__name__)
def test_a_checkpoint_in_its_makers_form_says_what_they_say(
    write: Callable[[Path], tuple[Path, Any]], run: Run, tmp_path: Path
) -> None:
    file, model = write(tmp_path)
    with pytest.raises(ModelError, match="pickle"):
        open_judge(str(file))
    judge = open_judge(str(file), allow_pickle=True)
    assert measures_of(judge.name) == ("intent", "gain")
    found = judge.judge(Shown(run))
    kind = "BertTokenizer" if write is write_image_reward else "CLIPTokenizer"
    tokenizer = getattr(transformers, kind).from_pretrained(tmp_path)
    for seed, both in found.items():
        for measure, text in (("intent", run.record.prompts.simple), ("gain", run.record.prompts.expanded)):
            ids = tokenizer(text, truncation=True, max_length=16 if write is write_hps else 35).input_ids
            said = [model.fit(run.image(arm, seed), ids) for arm in ("simple", "expanded")]
            assert both[measure] == pytest.approx(said, abs=2e-5)
            assert abs(said[0] - said[1]) > 1e-3, "pictures matter"


def test_a_checkpoint_that_is_something_else(tmp_path: Path) -> None:
    file, model = write_hps(tmp_path)
    weights = {name: one.contiguous() for name, one in model.state_dict().items()}
    for changed, complaint in (
        ({"token_embedding.weight": weights["token_embedding.weight"]}, "none that says how well"),
        ({name: one for name, one in weights.items() if "ln_post" not in name}, "are not those of such a model"),
    ):
        save_file(changed, tmp_path / "other.safetensors")
        with pytest.raises(JudgeError, match=complaint):
            open_judge(str(tmp_path / "other.safetensors"))
    save_file(weights, tmp_path / "whole.safetensors")
    assert open_judge(str(tmp_path / "whole.safetensors")).name
    require_judges([str(file), "xswu/HPSv2/HPS_v2.1_compressed.pt", "THUDM/ImageReward/ImageReward.pt"])


def test_a_preference_model_of_weights_alone_is_prepared_for_as_all_clips(run: Run, tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole")
    said = open_judge(str(whole)).judge(Shown(run))
    (whole / "preprocessor_config.json").unlink()
    assert open_judge(str(whole)).judge(Shown(run)) == {
        seed: {measure: pytest.approx(both, abs=1e-5) for measure, both in values.items()}
        for seed, values in said.items()
    }


def test_a_model_of_the_hub_is_taken_from_this_machine(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--owner--blip"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    write_blip(repository / "snapshots" / ("0" * 40))
    assert set(open_judge("owner/blip").judge(Shown(run))) == set(run.record.seeds)
    reward, _ = write_image_reward(repository / "snapshots" / ("0" * 40))
    found = open_judge(f"owner/blip/{reward.name}", allow_pickle=True).judge(Shown(run))
    assert set(found) == set(run.record.seeds)
    for name in ("detector:owner/other", "owner/other/HPS_v2.1_compressed.pt"):
        with pytest.raises(JudgeError, match="could not be fetched from the hub"):
            open_judge(name, allow_pickle=True)


def test_a_detector_of_fixed_kinds_looks_for_those_alone(run: Run, tmp_path: Path) -> None:
    judge = open_judge(f"detector:{write_yolos(tmp_path / 'yolos')}")
    three = AskedObject(name="dogs", colour="red", count=3)
    found = judge.judge(Shown(run, (three, AskedObject(name="bicycle"), AskedObject(name="unicorn"))))
    for values in found.values():
        assert set(values) == {"objects", "count"}  # it knows no colours
        assert values["objects"] == (0.5, 0.5)  # all is a dog to it, and what a unicorn is it does not know
    assert judge.judge(Shown(run, (AskedObject(name="unicorn"),))) == {}
    assert set(judge.judge(Shown(run))[run.record.seeds[0]]) == {"objects"}  # a dog, read from the concept


def test_a_detector_of_open_vocabulary_tells_colours(run: Run, tmp_path: Path) -> None:
    judge = open_judge(f"detector:{write_owlvit(tmp_path / 'owlvit')}")
    found = judge.judge(Shown(run, (AskedObject(name="dog", colour="red"), AskedObject(name="bicycle", count=1))))
    for values in found.values():
        assert set(values) == {"objects", "count", "colour"}
        assert values["objects"] == (1.0, 1.0)  # it sees everything everywhere
        assert set(values["colour"]) <= {0.0, 1.0}


@pytest.mark.parametrize(
    ("asked", "found", "told"),
    [
        (("dog", None, None), ["dog", "dog", "dog"], {"objects": 1.0}),
        (("dog", None, 2), ["dog", "dog", "dog"], {"objects": 1.0, "count": 0.0}),
        (("dog", None, 2), ["cat"], {"objects": 0.0, "count": 0.0}),
        (("dog", "red", None), ["dog blue", "dog red"], {"objects": 1.0, "colour": 1.0}),
        (("dog", "red", 2), ["dog blue", "dog red"], {"objects": 1.0, "count": 1.0, "colour": 0.0}),
    ],
)
def test_what_is_right_of_what_was_asked_for(
    asked: tuple[str, str | None, int | None], found: list[str], told: dict[str, float]
) -> None:
    name, colour, count = asked
    things = [Found(one, colour or None) for one, _, colour in (thing.partition(" ") for thing in found)]
    assert shares([AskedObject(name=name, colour=colour, count=count)], things, True) == told


def test_what_a_detector_looks_for_is_read_from_the_concept() -> None:
    found = {one.name: (one.colour, one.count) for one in asked_in("three green boxes beside two foxes, without a hat")}
    assert found == {"box": ("green", 3), "fox": (None, 2)}
    assert asked_in("a crimson dragon") == (AskedObject(name="dragon"),)  # none of the ten colours


@pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
def test_a_language_model_that_sees_is_told_the_idea_and_nothing_of_arms(
    wire: Wire, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [json.dumps({"seen": "a dog", "points": points}) for points in (3, 7)]
    replies = [wire.says("what a nice picture"), *(wire.says(one) for one in said), wire.says(said[1])]
    with LoopbackServer(replies) as server:
        address = server.url if isinstance(wire, GeminiWire) else f"{server.url}/v1"
        keys = {"gemini": ("GEMINI_API_KEY", "GEMINI_API_ENDPOINT"), "openai": ("OPENAI_API_KEY", "OPENAI_BASE_URL")}
        key, place = keys[wire.name]
        environ = {key: KEY, place: address, "TWINSEED_CACHE": str(tmp_path)}
        judge = open_judge(f"vision:{wire.name}:eyes-1", environ)
        first, second = judge.judge(Shown(run)).values()
        assert first == {"intent": (0.3, 0.7)}
        assert second == {"intent": (0.7, 0.7)}
        sent = [json.dumps(one.body) for one in server.requests]
        assert len(sent) == 5  # the first was asked twice
        assert open_judge(judge.name, environ).judge(Shown(run)) == judge.judge(Shown(run))
        assert len(server.requests) == 5  # and none again
    assert all("a dog riding a bicycle" in one and "expanded" not in one and "seed" not in one for one in sent)
    assert KEY not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))


def pair_of(run: Run, seed: int) -> SeedPair:
    simple, expanded = (one.pixels_sha256[:16] for one in run.record.pair(seed))
    return SeedPair(seed=seed, simple=simple, expanded=expanded, width=32, height=32)


def ballot(voter: str, pair: SeedPair, liked: str, file: Path) -> None:
    left = left_of(voter, pair.id, (pair.simple, pair.expanded))
    choice = "tie" if liked == "tie" else "left" if getattr(pair, liked) == left else "right"
    answers = (Answer(pair=pair.id, left=left, choice=choice),)
    now = datetime(2026, 11, 26, tzinfo=UTC)
    content = BallotFile(kind="twinseed ballot", version=1, voter=voter, saved=now, answers=answers)
    file.write_text(content.model_dump_json())


def test_people_vote_on_ballots_and_in_the_blind_test(run: Run, tmp_path: Path) -> None:
    seed, other = run.record.seeds
    for number, liked in enumerate(("simple", "expanded", "expanded", "tie")):
        ballot(f"{number:016x}", pair_of(run, seed), liked, tmp_path / f"{number}.json")
    cast = datetime(2026, 11, 26, tzinfo=UTC)
    write_marks(run.folder, Marks(votes=(Vote(seed=other, left="simple", choice="expanded", cast=cast),)))
    by_ballot, blind = open_votes((f"votes:{tmp_path}", "votes", "seedling"))
    for votes in (by_ballot, blind):
        votes.see("unit", run)
    assert by_ballot.count() == {"unit": {seed: {"preferred": (0.375, 0.625)}}}
    assert blind.count() == {"unit": {other: {"preferred": (0.0, 1.0)}}}


def test_a_ballot_that_was_changed_is_not_counted(run: Run, tmp_path: Path) -> None:
    pair = pair_of(run, run.record.seeds[0])
    sides = {f"{voter:016x}": left_of(f"{voter:016x}", pair.id, (pair.simple, pair.expanded)) for voter in range(20)}
    one, other = (next(voter for voter, left in sides.items() if left == arm) for arm in (pair.simple, pair.expanded))
    file = tmp_path / "one.json"
    ballot(one, pair, "simple", file)
    file.write_text(file.read_text().replace(one, other))
    (votes,) = open_votes((f"votes:{file}",))
    votes.see("unit", run)
    with pytest.raises(ClassError, match="sides"):
        votes.count()
    (gone,) = open_votes(("votes:/nowhere/at-all",))
    with pytest.raises(JudgeError, match="there are no ballots"):
        gone.count()


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("no-such-judge", "neither a folder on this machine nor a hub id"),
        ("detector:", "no detector was named"),
        ("detector:nobody", "neither a folder"),
        ("vision:offline", "no language model that sees"),
    ],
)
def test_names_that_no_judge_can_have(name: str, complaint: str) -> None:
    with pytest.raises(JudgeError, match=complaint):
        require_judges([name])


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("{", "cannot be read"),
        ('{"model_type": "siglip"}', "cannot be opened"),
        ('{"model_type": "bert"}', "does not say how well"),
        (None, "cannot be read"),
    ],
)
def test_a_judge_that_cannot_be_opened(config: str | None, complaint: str, tmp_path: Path) -> None:
    if config is not None:
        (tmp_path / "config.json").write_text(config, encoding="utf-8")
    with pytest.raises(JudgeError, match=complaint):
        open_judge(str(tmp_path))


def test_weights_that_are_missing_are_not_made_up(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    file = write_siglip(tmp_path) / "model.safetensors"
    weights = load_file(file)
    save_file({name: one for name, one in weights.items() if "head" not in name}, file, metadata={"format": "pt"})
    with pytest.raises(JudgeError, match="weights are missing"):
        open_judge(str(tmp_path))
