"""The table of instruments: what each of them has to have, and what is found out about each by walking it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from tiny_context import SETTINGS, SIMPLE, fresh, tiny_context

from compare.instruments.attention import MOST_WORDS, attention
from compare.instruments.context import Context, NoOptions
from compare.instruments.examination import Examination, ExaminationStopped, examine
from compare.instruments.ladder import LADDER
from compare.instruments.results import Findings
from compare.instruments.table import INSTRUMENTS
from compare.report import sentences
from generate.models import OpenModel
from generate.render.batch import RenderCancelled, RenderError
from generate.settings import RenderSettings, SettingsError
from templates import LANGUAGES


@pytest.fixture(scope="module")
def context(seedling: OpenModel) -> Context:
    return tiny_context(seedling)


def test_every_instrument_has_what_the_rest_of_the_program_takes_from_it() -> None:
    for name, one in INSTRUMENTS.items():
        assert one.name == name
        assert one.question
        assert one.options.model_validate({}) == Examination(instruments=(name,)).options_of(name), "all have defaults"
        assert Findings.model_fields[name].default is None
        for language in LANGUAGES:
            assert {"chip", "title", "about"} <= set(sentences(language)["instruments"][name]), (name, language)
    for language in LANGUAGES:
        assert set(sentences(language)["instruments"]) == set(INSTRUMENTS)


def test_what_is_asked_for_stored_and_read_brings_no_torch_along() -> None:
    code = (
        "import sys, compare.instruments, compare.report, compare.request, compare.runs.record, compare.view; "
        "print(*sorted({'torch', 'diffusers', 'transformers', 'altair', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_files_are_found_in_every_result_and_nothing_else_is_taken_for_one() -> None:
    moved = {"mean_absolute_difference": 0, "ssim": 1}
    rung = {"prompt": "no-file.png", "phrase": "", "file": "ladder-0.png", "moved": moved, "from_simple": moved}
    findings = Findings.model_validate(
        {
            "ladder": {"seed": 1, "rungs": (rung, rung | {"file": "ladder-1.png"}), "without": ()},
            "ruler": {
                "files": {"5": "ruler-5.png"},
                "words": moved,
                "other_seed": moved,
                "times": 1,
                "measure": "mean_absolute_difference",
            },
            "sha256": {"elsewhere.png": "0" * 64},
        }
    )
    assert findings.files == ("ruler-5.png", "ladder-0.png", "ladder-1.png")
    assert list(findings.results) == ["ruler", "ladder"]
    ladder = findings.result(LADDER)
    assert ladder is not None
    assert ladder.rungs[1].file == "ladder-1.png"
    assert findings.result(INSTRUMENTS["blind"]) is None


@pytest.mark.parametrize(
    ("examination", "message"),
    [
        ({"instruments": ("ladder", "crystal ball")}, "there is no instrument 'crystal ball'"),
        ({"options": {"crystal ball": {}}}, "there is no instrument 'crystal ball'"),
        ({"options": {"ladder": {"rungs": 3}}}, "ladder.rungs: Extra inputs are not permitted"),
        ({"options": {"blind": {"expander": 3}}}, "blind.expander: Input should be a valid string"),
    ],
)
def test_what_no_instrument_knows_is_refused(examination: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        Examination(**examination)  # type: ignore[arg-type]
    assert caught.value.hint


def test_the_steps_are_those_that_are_heard(seedling: OpenModel) -> None:
    context = tiny_context(seedling, settings=replace(SETTINGS, num_inference_steps=2, width=64, height=64))
    prompts, settings = context.prompts, context.settings
    options: dict[str, dict[str, object]] = {
        "ruler": {"seeds": 4},
        "morph": {"frames": 5},
        "sweep": {"schedulers": ["Euler"], "steps": [1, 2]},
    }
    for name in INSTRUMENTS:
        heard = []
        own = fresh(context)
        own.on_step = heard.append
        if name != "blind":
            wanted = Examination(clip="none", instruments=(name,), options=options)  # type: ignore[arg-type]
            INSTRUMENTS[name].measure(own, wanted.options_of(name))
            assert wanted.steps(prompts, settings) == len(heard), name
    assert Examination(instruments=("blind",)).steps(prompts, RenderSettings()) == 0


def test_findings_are_handed_over_one_after_the_other_and_kept_when_it_is_stopped(context: Context) -> None:
    own, heard, found = fresh(context), [], []

    def on_instrument(name: str) -> None:
        heard.append(name)
        if name == "morph":
            raise RenderCancelled("stopped", hint="")

    wanted = Examination(instruments=("morph", "ladder"))
    with pytest.raises(ExaminationStopped) as caught:
        examine(own, wanted, notes=("a note",), on_instrument=on_instrument, on_found=found.append)
    assert heard == ["scores", "ladder", "morph"], "in the table's order"
    assert [list(one.results) for one in found] == [[], ["ladder"]]
    assert caught.value.findings == found[-1]
    assert found[0].verdict is not None
    assert found[0].notes == ("a note",)
    assert set(found[-1].files) == set(own.files)
    again = examine(own, Examination(), before=found[-1], notes=("a note",))
    assert (again.results, again.notes) == (found[-1].results, ("a note",))


def test_attention_keeps_the_weightiest_words_and_how_the_shared_ones_moved(context: Context) -> None:
    own = fresh(context)
    record = attention(own, NoOptions())
    assert record.seed == 5
    words = {(word.arm, word.word): word for word in record.words}
    assert {word for arm, word in words if arm == "simple"} == {"dog", "riding", "bicycle"}
    assert not words["simple", "dog"].new
    assert words["expanded", "forest"].new
    assert 0 < words["expanded", "dog"].weight < words["simple", "dog"].weight < 1
    assert {one.word for one in record.shared} == {"dog", "riding", "bicycle"}
    assert all(0 < one.overlap <= 1 for one in record.shared)
    assert set(own.files) == {*(word.file for word in record.words), *(one.file for one in record.shared)}
    few = attention(fresh(context), NoOptions(), most=1)
    assert len(few.words) == 2
    assert len(record.words) <= 2 * MOST_WORDS


def test_attention_of_other_pictures_is_refused(context: Context, seedling: OpenModel) -> None:
    own = fresh(context)
    own.pictures = {key: picture.rotate(90) for key, picture in context.pictures.items()}
    with pytest.raises(RenderError, match="the simple picture of seed 5 came out differently"):
        attention(own, NoOptions())
    assert own.files == {}


def test_equal_prompts_have_equal_maps(seedling: OpenModel) -> None:
    record = attention(tiny_context(seedling, SIMPLE, SIMPLE), NoOptions())
    assert all(one.overlap == pytest.approx(1, abs=1e-3) for one in record.shared)
    assert not any(word.new for word in record.words)
