"""Going on from what is there: a draft rendered again with more steps, and a picture's settings taken up again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import MadeOnce, Twinseed
from sd_parsers import ParserManager

pytestmark = pytest.mark.usefixtures("opened_once")

WORDS = ("--simple", "a dog", "--expanded", "a red dog on a beach", "--negative", "blurry")
SMALL = ("--seed", "7", "--size", "64x64", "--steps", "4", "--guidance", "4")


@pytest.fixture
def draft(twinseed: Twinseed, made_once: MadeOnce, tmp_path: Path) -> Path:
    """A copy of one draft."""

    def make(folder: Path) -> None:
        done = twinseed("pair", *WORDS, *SMALL, "--scheduler", "UniPC", "--runs", str(folder))
        assert done.code == 0, done.err

    shutil.copytree(made_once("draft", make), tmp_path, dirs_exist_ok=True)
    return next(tmp_path.glob("2*"))


def refined(twinseed: Twinseed, run: Path, *options: str) -> tuple[dict[str, Any], str]:
    done = twinseed("refine", str(run), "--json", *options)
    assert done.code == 0, done.err
    return json.loads(done.out), done.err


def test_a_draft_is_refined_from_its_seed(draft: Path, twinseed: Twinseed) -> None:
    record, told = refined(twinseed, draft)
    before = json.loads((draft / "record.json").read_text(encoding="utf-8"))
    assert record["settings"]["num_inference_steps"] == 8
    for name in ("seed", "scheduler", "guidance_scale", "width", "height", "model"):
        assert record["settings"][name] == before["settings"][name]
    assert record["certificate"]["latents_sha256"] == before["certificate"]["latents_sha256"]
    assert record["prompts"]["expanded"] == "a red dog on a beach"
    assert (record["draft"]["run"], record["draft"]["num_inference_steps"]) == (draft.name, 4)
    drift = record["draft"]["drift"]["7"]
    assert 0 < drift["simple"] < 1
    assert 0 < drift["expanded"] < 1
    assert f"the simple picture moved by {drift['simple']:.1%}" in told
    assert "wander" not in told


def test_a_scheduler_that_is_expected_to_wander_is_said_to(twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("pair", *WORDS, *SMALL, "--scheduler", "Euler a", "--runs", str(tmp_path))
    run = Path(done.out.strip()).parent
    record, told = refined(twinseed, run, "--steps", "9")
    assert record["settings"]["num_inference_steps"] == 9
    assert not record["draft"]["settles"]
    assert "Euler a is expected to wander: more steps may make another picture" in told
    (report,) = (other / "report.html" for other in tmp_path.glob("2*") if other != run)
    assert "with more steps it may draw another picture" in report.read_text(encoding="utf-8")


def test_where_a_run_comes_from_is_kept(twinseed: Twinseed, tmp_path: Path) -> None:
    """Topic, action, style, place in the draw, preset, styles and who wrote the prompts: all is as in the draft."""
    made = ("--preset", "laptop", "--style", "watercolor", "--expander", "offline", "--with", "ruler")
    quick = ("--set", "ruler.seeds=2", "--images", "2", "--steps", "1", "--size", "64x64", "--noise-floor")
    done = twinseed("pair", "--seed", "41", *made, *quick, "--runs", str(tmp_path), "--json")
    assert done.code == 0, done.err
    before = json.loads(done.out)
    (draft,) = tmp_path.glob("2*")
    record, _ = refined(twinseed, draft)
    assert (record["concept"], record["prompts"]) == (before["concept"], before["prompts"])
    assert record["concept"]["topic"]["en"] in record["concept"]["text"]
    assert (record["concept"]["index"], record["concept"]["seed"]) == (0, "41")
    assert record["settings"] == before["settings"] | {"num_inference_steps": 2}
    kept = ("concept", "simple", "expanded", "negative", "expander", "llm_model", "template", "preset", "styles")
    assert {name: record["request"][name] for name in kept} == {name: before["request"][name] for name in kept}
    assert (record["request"]["preset"], record["request"]["styles"]) == ("laptop", ["watercolor"])
    assert record["request"]["expander"] == record["prompts"]["expander"] == "offline"
    assert record["request"]["draft"] == record["draft"]["run"] == draft.name
    assert list(record["draft"]["drift"]) == ["41", "42"]
    assert record["certificate"]["noise_floor"] == {}, "what was looked into is looked into anew, if at all"
    assert record["findings"]["ruler"] is None
    again, _ = refined(twinseed, next(path for path in tmp_path.glob("2*") if path != draft))
    assert again["request"]["styles"] == ["watercolor"]
    assert (again["concept"], again["prompts"]) == (before["concept"], before["prompts"])


@pytest.mark.parametrize(
    ("run", "options", "message"),
    [("DRAFT", ("--steps", "4"), "the draft has 4 steps, and 4 are not more"), ("nowhere", (), "nowhere")],
)
def test_what_cannot_be_refined(
    run: str, options: tuple[str, ...], message: str, draft: Path, twinseed: Twinseed
) -> None:
    done = twinseed("refine", str(draft) if run == "DRAFT" else run, "--runs", str(draft.parent), *options)
    assert done.code == 1
    assert message in done.err
    assert "hint: " in done.err


def test_a_picture_of_a_pair_can_be_read_by_others_and_started_from(draft: Path, twinseed: Twinseed) -> None:
    for arm, prompt in (("simple", "a dog"), ("expanded", "a red dog on a beach")):
        image = ParserManager().parse(draft / f"{arm}-7.png")
        assert image is not None
        assert [one.value for one in image.prompts] == [prompt]
        assert [one.value for one in image.negative_prompts] == ["blurry"]
        (sampler,) = image.samplers
        assert (sampler.name, sampler.parameters["seed"], sampler.parameters["steps"]) == ("UniPC", "7", "4")
        assert image.metadata["Size"] == "64x64"
    done = twinseed(
        "pair", "--like", str(draft / "simple-7.png"), "--expanded", "a cat", "--runs", str(draft.parent), "--json"
    )
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert (record["prompts"]["simple"], record["prompts"]["negative"]) == ("a dog", "blurry")
    settings = record["settings"]
    assert (settings["seed"], settings["scheduler"], settings["num_inference_steps"]) == ("7", "UniPC", 4)
    assert (settings["width"], settings["guidance_scale"]) == (64, 4.0)
    before = json.loads((draft / "record.json").read_text(encoding="utf-8"))
    assert record["renders"][0]["pixels_sha256"] == before["renders"][0]["pixels_sha256"]


def test_a_file_that_is_no_picture_is_not_started_from(twinseed: Twinseed, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_text("text", encoding="utf-8")
    done = twinseed("pair", "--like", str(file), "--runs", str(tmp_path))
    assert done.code == 1
    assert "a.png" in done.err


@pytest.mark.parametrize(("aspect", "ratio"), [("3:2", 3 / 2), ("portrait", 2 / 3), ("5:4", 5 / 4)])
def test_a_ratio_becomes_a_size(aspect: str, ratio: float, twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("pair", *WORDS, "--aspect", aspect, "--steps", "1", "--runs", str(tmp_path), "--json")
    learnt = "note: The model seedling has learnt pictures of 256x256, 352x256, 256x352, 384x256, 256x384, "
    assert (learnt in done.err) == (aspect == "5:4"), done.err
    settings = json.loads(done.out)["settings"]
    assert settings["width"] / settings["height"] == pytest.approx(ratio, rel=0.05)
    assert settings["width"] % 32 == settings["height"] % 32 == 0


def test_what_a_preset_adds_to_the_negative_prompt_is_shown_and_recorded(twinseed: Twinseed, tmp_path: Path) -> None:
    preset = tmp_path / "presets"
    preset.mkdir()
    (preset / "mine.yaml").write_text(
        "name: mine\ndescription: of my own\nnegative: ugly frame\nstyles: [oil painting]\n"
        "settings: {num_inference_steps: 1}\n",
        encoding="utf-8",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINSEED_PRESETS", str(preset))
        done = twinseed("pair", *WORDS, "--preset", "mine", "--runs", str(tmp_path / "runs"), "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert "negative prompt, from preset mine: ugly frame" in done.err
    assert record["prompts"]["negative"].startswith("blurry, ugly frame")
    assert (record["request"]["preset"], record["request"]["styles"]) == ("mine", ["oil painting"])
    assert "oil painting" in record["prompts"]["simple"]
    assert "oil painting" in record["prompts"]["expanded"]
