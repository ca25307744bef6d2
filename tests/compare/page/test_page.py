"""The page without a browser: Streamlit's own test harness runs the real script, the real worker and the real model."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent import futures
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sample_run import CONCEPT, EXPANDED, PROMPTS, sample_certificate, write_sample
from streamlit.testing.v1 import AppTest

from compare.homework import Student, open_bundle
from compare.page.context import SHELVES
from compare.page.screens.pair.form import first_values
from compare.page.text import plain
from compare.page.typed_key import automatic_expander
from compare.page.visitor import Visitors
from compare.page.worker import Ticket, Work, Worker, the_worker
from compare.report import sentences
from compare.request import PairRequest
from compare.runs.gallery import Gallery
from compare.runs.run import Run
from compare.session import Progress
from generate.choices.store import BUILT_IN
from generate.choices.styles import all_styles
from generate.files import encode_png
from generate.render.batch import Step
from generate.seedling import EARLIER_SEEDLINGS, SEEDLING_FOLDER, SEEDLING_SIZES
from generate.settings import RenderSettings
from ideation import TokenCount, draw, seedling_vocabulary, seedling_words

SCRIPT = Path(__file__).parents[3] / "compare" / "page" / "app.py"
KEYS = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL")

pytestmark = pytest.mark.usefixtures("components_found_once", "opened_once")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runs"
    monkeypatch.setenv("TWINSEED_RUNS", str(folder))
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path / "models"))
    for file in ("model_index.json", "unet/config.json"):
        copy = tmp_path / "models" / "another" / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = json.loads((SEEDLING_FOLDER / file).read_text(encoding="utf-8"))
        sizes = {"in_channels": 4, "cross_attention_dim": 768} if file.startswith("unet") else {}
        copy.write_text(json.dumps(content | sizes), encoding="utf-8")  # of a family that knows any word
    for key in KEYS:
        monkeypatch.delenv(key, raising=False)
    automatic_expander.cache_clear()
    return folder


@pytest.fixture
def page(runs: Path) -> AppTest:
    return _clean(AppTest.from_file(SCRIPT, default_timeout=60).run())


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


def work_of(request: PairRequest) -> Work:
    return lambda session, **how: session.run(request, **how)


def _clean(page: AppTest) -> AppTest:
    assert not page.exception
    return page


def _busy(page: AppTest) -> bool:
    """Whether a job of this browser, which takes no cookies, is under way."""
    return page.session_state["visitor"].job is not None


def _at(screen: str, **query: str) -> AppTest:
    """The page, opened at the address of a screen."""
    page = AppTest.from_file(SCRIPT, default_timeout=60)
    page.query_params.update(query)
    _clean(page.run())
    page._page_hash = next(
        found for found, told in page._registered_pages.items() if told["url_pathname"] == screen
    )  # the harness can only name screens that are files
    return _clean(page.run())


def _labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def _pair_pictures(page: AppTest) -> list[str]:
    """The alternative texts of the pairs' pictures: they have their prompt in them."""
    pieces = [json.loads(piece.proto.json) for piece in page.get("bidi_component")]
    return [alt for piece in pieces for alt in piece.get("alts", ()) if "bicycle" in alt]


def _cards(page: AppTest) -> list[dict[str, Any]]:
    """The runs that the gallery shows."""
    pieces = [json.loads(piece.proto.json) for piece in page.get("bidi_component")]
    return [card for piece in pieces for card in piece.get("cards", ())]


def _texts(page: AppTest) -> str:
    """Everything that the page says, one piece a line."""
    blocks = (page.header, page.subheader, page.caption, page.error, page.warning, page.info, page.get("html"))
    return "\n".join(getattr(block, "value", None) or block.proto.body for blocks_ in blocks for block in blocks_)


def test_opens_without_torch(tmp_path: Path) -> None:
    script = (
        "import sys; from streamlit.testing.v1 import AppTest\n"
        f"page = AppTest.from_file({str(SCRIPT)!r}, default_timeout=60).run()\n"
        "page.button(key='draw').click().run()\n"
        "assert not page.exception and page.text_input(key='concept').value\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'openai', 'google.generativeai'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=SCRIPT.parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_draws_other_concepts_that_seedling_knows(page: AppTest) -> None:
    drawn = []
    for _ in range(4):
        _clean(page.button(key="draw").click().run())
        drawn.append(page.text_input(key="concept").value)
    assert len(set(drawn)) == 4
    assert all(set(seedling_vocabulary().find(text)) >= {"subject", "action", "style"} for text in drawn)
    assert "never learnt" not in _texts(page)


def test_says_which_words_seedling_has_never_learnt(page: AppTest) -> None:
    page.text_input(key="concept").set_value("a kangaroo riding a bicycle, watercolor style").run()
    assert r'has never learnt "kangaroo"\: in its place it draws a box with a question mark' in _texts(page)
    page.selectbox(key="model").set_value("another").run()
    assert "never learnt" not in _texts(page)


def test_a_concept_in_chinese_is_shown_in_english_and_corrected_before_it_is_drawn(page: AppTest, runs: Path) -> None:
    page.text_input(key="concept").set_value("狗在看書").run()
    assert r"In English: a dog reading a book" in _texts(page)
    assert not [area for area in page.text_area if area.key == "translated"]
    _clean(page.text_input(key="concept").set_value("兩隻(企鵝:1.3)在看書").run())
    assert "In English: two penguins reading a book" in _texts(page), "its weights are no words"
    assert not page.error
    page.text_input(key="concept").set_value("狗戴著呼吸器看書")
    _clean(page.button(key="generate").click().run())
    assert not _busy(page), "nothing is drawn unseen"
    assert "looked up in a dictionary: 呼吸器" in _texts(page)
    assert page.text_area(key="translated").value == "a dog wearing a ventilator and reading a book"
    page.selectbox(key="expander-en").set_value("gemini").run()
    assert "looked up" not in _texts(page), "an LLM translates for itself"
    page.selectbox(key="expander-en").set_value("offline").run()
    corrected = "a dog wearing a swim ring and reading a book"
    page.text_area(key="translated").set_value(corrected).run()
    page.number_input(key="steps").set_value(1).run()
    _clean(page.button(key="generate").click().run())
    _wait(page, lambda: not _busy(page))
    (row,) = Gallery(runs).runs()
    record = Gallery(runs).open(row.name).record
    assert (record.concept.text, record.prompts.simple) == ("狗戴著呼吸器看書", corrected)


def test_words_that_seedling_knows_are_put_together_by_clicks(page: AppTest) -> None:
    def click(kind: str, name: str | None, language: str = "en") -> str:
        next(one for one in page.get("button_group") if one.key == f"known-{kind}-{language}").set_value(name)
        _clean(page.run())
        return str(page.text_input(key="concept").value)

    page.session_state["known-words"] = True
    _clean(page.run())
    assert click("subject", "owl") == "an owl"
    assert click("style", "ink wash") == "an owl, ink wash style"
    assert click("action", "playing the drums") == "an owl playing the drums, ink wash style"
    assert click("subject", None) == "playing the drums, ink wash style"
    page.text_input(key="concept").set_value("a gnu").run()
    assert click("action", "reading a book") == "a gnu, reading a book", "what was typed stays"
    page.text_input(key="concept").set_value("").run()
    page.session_state["lang"] = "zh-TW"
    _clean(page.run())
    page.session_state["known-words"] = True
    _clean(page.run())
    click("subject", "owl", "zh-TW")
    assert click("time", "at night", "zh-TW") == "一隻貓頭鷹，夜晚"
    page.selectbox(key="model").set_value("another").run()
    assert not [one for one in page.get("button_group") if (one.key or "").startswith("known-")]


def test_the_last_pair_is_still_there_when_somebody_comes_back(runs: Path) -> None:
    run = write_sample(Gallery(runs), images=4)
    page = _at("pair", run=run.name)
    bodies = "".join(block.proto.body for block in page.get("html"))
    seeds = [int(seed) for seed in re.findall(r'class="tw-seed">[^<]*?(\d+)<', bodies)]
    assert seeds == [int(seed) for seed in run.record.seeds[1:]], "in this order on a phone, where columns are stacked"
    del page.query_params["run"]
    assert len(_pair_pictures(_clean(page.run()))) == 8
    assert "run" not in page.query_params, "what the script writes there is one more step back: the browser does it"
    shutil.rmtree(run.folder)
    assert sentences("en")["page"]["welcome"]["title"] in _texts(_clean(page.run())), "it is gone meanwhile"


def test_other_models_get_concepts_from_the_built_in_lists(page: AppTest) -> None:
    page.selectbox(key="model").set_value("another").run()
    page.session_state["draw_seed"] = 1
    known = 0
    for _ in range(10):
        _clean(page.button(key="draw").click().run())
        known += not seedling_vocabulary().unknown_words(page.text_input(key="concept").value)
    assert known < 10


def test_a_model_of_another_make_brings_its_usual_settings(runs: Path, tmp_path: Path) -> None:
    for file, content in {
        "model_index.json": {"_class_name": "ZImagePipeline"},
        "transformer/config.json": {"_class_name": "ZImageTransformer2DModel"},
    }.items():
        small = tmp_path / "models" / "of-today" / file
        small.parent.mkdir(parents=True, exist_ok=True)
        small.write_text(json.dumps(content), encoding="utf-8")
    page = _clean(AppTest.from_file(SCRIPT, default_timeout=60).run())
    _clean(page.selectbox(key="model").set_value("of-today").run())
    state = page.session_state
    assert (state["scheduler"], state["steps"], state["guidance"]) == ("Euler", 50, 5.0)
    assert len(page.selectbox(key="scheduler-en").options) == 4, "those of flow matching alone"
    assert page.text_input(key="max_sequence_length").placeholder == "512, the model's own"
    assert len(page.selectbox(key="memory-en").options) == 7
    state["scheduler"], state["max_sequence_length"], state["memory"] = "Euler beta", "513", "4-bit"
    assert "reads 512 tokens at most, not 513" in _clean(page.run()).error[0].value
    _clean(page.selectbox(key="model").set_value("another").run())
    assert (state["scheduler"], state["steps"]) == ("DPM++ 2M Karras", 20)
    assert (state["max_sequence_length"], state["memory"]) == ("", ""), "others have neither"
    assert not [one for one in page.text_input if one.key == "max_sequence_length"]


def test_switches_the_language_and_keeps_what_was_typed(page: AppTest) -> None:
    page.text_input(key="concept").set_value("a dog").run()
    page.text_input(key="seed").set_value("9007199254740993").run()  # 2**53 + 1: a number in a browser would lose it
    page.number_input(key="steps").set_value(7).run()
    page.segmented_control(key="lang").set_value("zh-TW").run()
    _clean(page)
    assert {"抽一個", "生成圖片"} <= set(_labels(page))
    assert page.text_input(key="concept").value == "a dog"
    assert page.text_input(key="seed").value == "9007199254740993"
    assert page.number_input(key="steps").value == 7
    page.button(key="draw").click().run()
    assert any("\u4e00" <= character <= "\u9fff" for character in page.text_input(key="concept").value)
    page.segmented_control(key="lang").set_value("en").run()
    assert {"Draw one", "Generate"} <= set(_labels(page))


@pytest.mark.parametrize(("address", "label"), [("zh-TW", "生成圖片"), ("en", "Generate"), ("tlh", "Generate")])
def test_takes_the_language_from_the_address(runs: Path, address: str, label: str) -> None:
    page = AppTest.from_file(SCRIPT, default_timeout=60)
    page.query_params["lang"] = address
    assert label in _labels(_clean(page.run()))


def test_both_languages_have_the_same_sentences() -> None:
    def keys(table: dict[str, Any]) -> dict[str, Any]:
        return {key: keys(value) if isinstance(value, dict) else None for key, value in table.items()}

    assert keys(sentences("en")["page"]) == keys(sentences("zh-TW")["page"])


def test_prompts_are_written_for_the_concept_and_kept_once_they_are_changed(page: AppTest) -> None:
    page.text_input(key="concept").set_value("a dog riding a bicycle").run()
    _clean(page.button(key="write").click().run())
    page.text_input(key="concept").set_value("a cat reading a book").run()
    assert not [area for area in page.text_area if area.key == "simple"], "nobody touched them: they are written anew"
    _clean(page.button(key="write").click().run())
    page.text_area(key="expanded").set_value("a cat reading a book by candlelight").run()
    page.text_input(key="concept").set_value("an owl").run()
    assert page.text_area(key="expanded").value == "a cat reading a book by candlelight"
    assert "were written for “a cat reading a book”" in page.info[0].value
    page.text_area(key="simple").set_value("一隻貓在看書").run()
    assert "text encoder reads English" in page.warning[0].value
    _clean(page.button(key="translate-simple").click().run())
    assert page.text_area(key="simple").value == "a cat reading a book"
    assert "Translated from: 一隻貓在看書" in _texts(page)
    page.text_area(key="simple").set_value("一隻貓戴著呼吸器看書").run()
    _clean(page.button(key="generate").click().run())
    assert not _busy(page), "words were looked up: somebody reads them first"
    assert page.text_area(key="simple").value == "a cat wearing a ventilator and reading a book"
    _clean(page.button(key="write").click().run())
    assert page.text_area(key="simple").value == "an owl"


def test_prompts_of_another_concept_are_never_drawn_in_silence(page: AppTest, runs: Path) -> None:
    def generate(button: str = "generate") -> bool:
        """Whether it was begun; all but the first is stopped at once."""
        _clean(page.button(key=button).click().run())
        begun = _busy(page)
        if begun and Gallery(runs).runs():
            page.session_state["visitor"].ticket.cancel()
        _wait(page, lambda: not _busy(page))
        return begun

    page.number_input(key="steps").set_value(1).run()
    page.text_input(key="concept").set_value("a dog riding a bicycle").run()
    _clean(page.button(key="write").click().run())
    page.text_input(key="concept").set_value("a cat reading a book")
    assert generate(), "in one go with the change, as somebody does who goes from the field straight to the button"
    record = Gallery(runs).open(page.query_params["run"]).record
    assert (record.concept.text, record.prompts.simple) == ("a cat reading a book", "a cat reading a book")
    assert record.prompts.expander == "offline"

    _clean(page.button(key="write").click().run())
    page.text_area(key="simple").set_value("a cat with a book").run()
    page.text_input(key="concept").set_value("an owl playing the drums")
    assert not generate(), "they were changed by hand: somebody is asked"
    assert "written for “a cat reading a book”" in page.warning[0].value
    assert generate("whose-keep")
    assert page.text_area(key="simple").value == "a cat with a book"
    assert generate(), "and not asked again"
    page.text_input(key="concept").set_value("a fox wearing a crown")
    assert not generate()
    assert generate("whose-anew")
    assert not page.session_state["writing"], "they are written anew, and not these"

    page.text_input(key="concept").set_value("一隻戴著呼吸器的狗").run()
    _clean(page.button(key="write").click().run())
    page.text_area(key="translated").set_value("a dog wearing a swim ring").run()
    assert not page.session_state["writing"], "its English is another one"

    _clean(page.button(key="own").click().run())
    page.text_area(key="simple").set_value("a dog by the sea").run()
    page.text_input(key="concept").set_value("a lion")
    assert not generate()
    assert page.button(key="whose-anew"), "typed prompts belong to the concept of then, too"


def test_a_reel_is_held_or_drawn_alone(page: AppTest) -> None:
    def parts() -> list[str]:
        drawn = page.session_state["drawn"]
        return [drawn.topic.en, drawn.action.en, drawn.style.en]

    _clean(page.button(key="draw").click().run())
    before = parts()
    _clean(page.button(key="spin-action").click().run())
    assert [now == then for now, then in zip(parts(), before, strict=True)] == [True, False, True]
    page.toggle(key="hold_style").set_value(True).run()
    _clean(page.button(key="draw").click().run())
    assert parts()[2] == before[2]
    drawn = page.session_state["drawn"]
    assert draw(seedling_words(seedling_vocabulary()), seed=drawn.seed, index=drawn.index) == drawn, (
        "a place in the draw"
    )


def test_a_form_is_found_again_and_nobody_elses() -> None:
    visitors = Visitors()
    first, second = visitors.of("a" * 32), visitors.of("b" * 32)
    first.forms["pair"] = {"concept": "a dog"}
    assert visitors.of("a" * 32) is first
    assert second.forms == {}
    assert first.shelf != second.shelf
    assert first.shelf not in ("a" * 32, "")


#: What no field takes, with a part of what is said about it in both languages.
_WRONG: dict[str, tuple[Any, str, str]] = {
    "concept": ("犬が本を読む", "reads English and Chinese", "離線"),
    "expanded": ("a dog" * 5000, "25,000 characters", "25,000"),
    "negative": ("blur\x07", "control characters", "控制字元"),
    "preset": ("no-such-preset", "no-such-preset", "no-such-preset"),
    "performance": ("no-such-level", "no-such-level", "no-such-level"),
    "model": ("no-such-model", "unknown model 'no-such-model'", "no-such-model"),
    "styles": (["no-such-style"], "no-such-style", "no-such-style"),
    "seed": ("seven", "seed is 'seven'", "「seven」"),
    "width": ("100", "width is 100 pixels", "100 像素"),
    "steps": (None, "there is no number", "沒有數字"),
    "loras": (["no-such-lora"], "no-such-lora", "no-such-lora"),
    "vae": ("no-such-vae", "no-such-vae", "no-such-vae"),
    "memory": ("much", "memory is 'much'", "「much」"),
}


def test_says_which_expander_automatic_takes(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "automatic takes: offline" in _texts(AppTest.from_file(SCRIPT, default_timeout=60).run())
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    automatic_expander.cache_clear()
    assert "automatic takes: OpenAI-compatible server" in _texts(AppTest.from_file(SCRIPT, default_timeout=60).run())
    automatic_expander.cache_clear()


def test_styles_are_chosen_by_their_pictures(page: AppTest) -> None:
    sheet = json.loads((SCRIPT.parent / "static" / "styles" / "samples.json").read_text(encoding="utf-8"))
    built_in = {f"style/{name}" for name, style in all_styles().items() if style.source == BUILT_IN}
    assert built_in <= set(sheet["names"]), "python benchmarks/pictures/styles.py draws those that are missing"
    with Image.open(SCRIPT.parent / "static" / "styles" / "samples.webp") as image:
        rows = -(-len(sheet["names"]) // sheet["columns"])
        assert image.size == (sheet["columns"] * sheet["side"], rows * sheet["side"])
    page.session_state["pick-styles"] = True
    page.session_state["styles"] = ["watercolor"]
    (shown,) = [
        told for piece in _clean(page.run()).get("bidi_component") if "styles" in (told := json.loads(piece.proto.json))
    ]
    assert shown["chosen"] == ["watercolor"]
    paler = {style["name"] for style in shown["styles"] if style["faint"]}
    assert len(shown["styles"]) - len(paler) == len(seedling_vocabulary().names("style"))
    page.selectbox(key="preset-en").set_value("laptop").run()
    assert "data:image/webp" in _texts(page)


def test_a_preset_moves_the_widgets(page: AppTest) -> None:
    page.selectbox(key="preset-en").set_value("laptop").run()
    assert page.selectbox(key="scheduler-en").value == "UniPC"
    assert page.number_input(key="steps").value == 10
    page.button(key="new_seed").click().run()
    assert page.number_input(key="steps").value == 10


@pytest.mark.parametrize(
    ("values", "problem", "hint"),
    [
        ({}, "the concept is empty", "type one in any language"),
        ({"concept": "a dog", "seed": "-1"}, "seed is '-1'", "give a whole number"),
        ({"concept": "a dog", "seed": "9999999999999999999"}, "seed is 9999999999999999999", "from 0 to"),
        ({"concept": "a dog", "width": "64", "height": "100"}, "height is 100 pixels", "multiple of 8"),
        ({"concept": "a dog", "width": "wide"}, "'wide' is no whole number", "give one such as 512"),
    ],
)
def test_bad_input_is_an_error_with_a_hint(page: AppTest, values: dict[str, Any], problem: str, hint: str) -> None:
    for key, value in values.items():
        page.session_state[key] = value
    _clean(page.button(key="generate").click().run())
    (error,) = page.error
    shown = error.value.replace("\\", "")
    assert problem in shown
    assert hint in shown
    assert not page.button(key="generate").disabled
    named = [piece.proto.body for piece in page.get("html") if "To be mended first" in piece.proto.body]
    assert named, "the fields are named where the button is"
    for key, value in {"concept": "a cat", "seed": "7", "width": "", "height": "\uff15\uff11\uff12"}.items():
        page.session_state[key] = value
    _clean(page.run())
    assert not page.error
    assert "To be mended" not in _texts(page)


def test_every_field_tells_its_own_fault_for_as_long_as_there_is_one(runs: Path) -> None:
    page, right = AppTest.from_file(SCRIPT, default_timeout=60), {**first_values(), "concept": "a dog"}
    page.session_state["writing"] = True
    for name, (value, _, _) in _WRONG.items():
        page.session_state[name] = value
    for language, words in (("en", 1), ("zh-TW", 2)):
        page.session_state["lang"] = language
        told = [error.value.replace("\\", "") for error in _clean(page.run()).error]
        assert len(told) == len(_WRONG)
        for name, wrong in _WRONG.items():
            assert any(wrong[words] in one for one in told), (name, told)
        assert not [one for one in told if re.search(r"(?<!\w)--?[a-z]|`", one)], "advice for a shell"
    page.session_state["lang"] = "en"
    _clean(page.button(key="generate").click().run())
    assert not _busy(page)
    assert all(page.session_state[box] for box in ("settings", "sampling", "extras")), "nothing wrong is folded away"
    for name in _WRONG:
        page.session_state[name] = right[name]
    assert not _clean(page.run()).error


def test_a_model_that_is_gone_is_an_error(page: AppTest, tmp_path: Path) -> None:
    page.text_input(key="concept").set_value("a dog").run()
    page.selectbox(key="model").set_value("another").run()
    (tmp_path / "models" / "another" / "model_index.json").unlink()
    _clean(page.button(key="generate").click().run())
    assert "unknown model 'another'" in page.error[0].value
    assert "known names\\: seedling" in page.error[0].value


def _wait(page: AppTest, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 200
    while not until():
        assert time.monotonic() < deadline, "the job did not end"
        futures.wait([page.session_state["visitor"].ticket.future], timeout=0.5)
        _clean(page.run())


def test_generates_a_pair_and_shows_it(page: AppTest, runs: Path) -> None:
    page.text_input(key="concept").set_value("a dog riding a bicycle, watercolor style").run()
    page.text_input(key="seed").set_value("9007199254740993").run()
    page.number_input(key="steps").set_value(2).run()
    _clean(page.button(key="write").click().run())
    shown = [page.text_area(key=arm).value for arm in ("simple", "expanded", "negative")]
    assert "of 77 tokens" in _texts(page)
    _clean(page.button(key="generate").click().run())
    assert page.button(key="generate").disabled
    _wait(page, lambda: not _busy(page))
    assert not page.error
    (row,) = Gallery(runs).runs()
    assert page.query_params["run"] == row.name
    assert row.seed == "9007199254740993"
    record = Gallery(runs).open(row.name).record
    assert record.settings.num_inference_steps == 2
    assert record.certificate.holds
    prompts = record.prompts
    assert [prompts.simple, prompts.expanded, prompts.negative] == shown, "what was read is what was drawn"
    assert prompts.expander == "offline", "nobody touched them: the record says who wrote them"
    assert len(_pair_pictures(page)) == 2
    assert sentences("en")["report"]["certificate"]["holds"] in _texts(page)

    # Models are on a disk that is there: a folder that is a file can only be noticed by the job itself.
    for file in runs.rglob("*"):
        file.unlink() if file.is_file() else None
    for folder in sorted(runs.rglob("*"), reverse=True):
        folder.rmdir()
    runs.rmdir()
    runs.write_text("in the way")
    _clean(page.button(key="generate").click().run())
    _wait(page, lambda: not _busy(page))
    assert any("is a file" in error.value.replace("\\", "") for error in page.error)


def test_stop_ends_a_job_within_a_step(page: AppTest, runs: Path) -> None:
    page.text_input(key="concept").set_value("a cat reading a book, flat illustration style").run()
    page.number_input(key="steps").set_value(1000).run()
    _clean(page.button(key="generate").click().run())
    ticket: Ticket = page.session_state["visitor"].ticket
    _wait(page, lambda: ticket.progress is not None and ticket.progress.step is not None)
    page.button(key="stop").click().run()
    began = time.monotonic()
    _wait(page, lambda: not _busy(page))
    assert time.monotonic() - began < 60, "it would have taken minutes"
    assert [notice.value for notice in page.info] == [sentences("en")["page"]["stopped"]]
    assert not page.error
    assert not Gallery(runs).runs()
    assert the_worker().ahead_of(ticket) == 0


def test_the_worker_does_one_job_at_a_time_and_keeps_what_was_finished(worker: Worker, tmp_path: Path) -> None:
    gallery = Gallery(tmp_path / "runs")
    request = PairRequest(CONCEPT, RenderSettings(seed=3, images=2, num_inference_steps=8), expander="offline")
    quick = replace(request, settings=replace(request.settings, images=1, num_inference_steps=1))
    first, second, third = (worker.add(work_of(one), gallery) for one in (request, request, quick))
    assert [worker.ahead_of(ticket) for ticket in (second, third)] == [1, 2]
    second.cancel()
    assert second.done
    assert worker.ahead_of(third) == 1
    while not first.done and not (first.progress and first.progress.step and first.progress.step.pair == 2):
        time.sleep(0.005)
    first.cancel()
    assert third.future.result(timeout=120).record.seeds == [3]
    run, reason = first.result()
    assert run is not None
    assert "stopped" in str(reason)
    assert gallery.open(run.name).record.seeds == [3]
    assert second.result()[0] is None


def test_a_job_that_failed_holds_nothing_on(worker: Worker, tmp_path: Path) -> None:
    class Large:
        """Stands for tensors."""

    held: list[weakref.ref[Large]] = []

    def fail(*_: Any, **__: Any) -> Run:
        large = Large()
        held.append(weakref.ref(large))
        raise MemoryError

    ticket = worker.add(fail, Gallery(tmp_path))
    assert isinstance(ticket.future.exception(timeout=120), MemoryError), "which is kept for whoever looks at the page"
    assert held[0]() is None


def test_a_fault_of_the_program_is_not_hidden(worker: Worker, tmp_path: Path) -> None:
    ticket = worker.add(lambda *_, **__: 1 / 0, Gallery(tmp_path))  # type: ignore[arg-type, return-value]
    with pytest.raises(ZeroDivisionError):
        ticket.future.result(timeout=120)
    assert isinstance(ticket.result()[1], ZeroDivisionError)


def test_a_pair_by_an_older_seedling_is_asked_for_in_a_size_of_today(runs: Path) -> None:
    certificate = sample_certificate(model_digest=next(iter(EARLIER_SEEDLINGS)))
    name = write_sample(Gallery(runs), size=(512, 512), certificate=certificate).name
    page = _at("pair", run=name)
    assert "An older Seedling drew these pictures" in _texts(page)
    assert page.button(key="refine").disabled
    page = _clean(page.button(key="reuse").click().run())
    size = SEEDLING_SIZES[0]
    assert (page.session_state["width"], page.session_state["height"]) == tuple(map(str, size))
    assert f"{size[0]}x{size[1]} takes the place of 512x512" in _texts(page)


def test_shows_an_earlier_run(runs: Path) -> None:
    tokens = TokenCount(limit=16, simple=11, expanded=19, dropped=("light", "watercolor", "style"))
    prompts = replace(PROMPTS, tokens=tokens, warnings=("a word was *lost*",))
    name = write_sample(Gallery(runs), images=3, prompts=prompts).name
    page = _at("gallery")
    page.text_input(key="query").set_value("no such words").run()
    assert sentences("en")["page"]["gallery"]["none"] in _texts(page)
    _clean(page.text_input(key="query").set_value("dog bicycle").run())
    assert [card["name"] for card in _cards(page)] == [name]
    page = _at("pair", run=name)
    texts = _texts(page)
    assert len(_pair_pictures(page)) == 6
    assert "<ins>on a beach at sunset, soft</ins>" in texts
    assert "<s>light</s>" in texts
    assert "a word was \\*lost\\*" in page.warning[0].value
    assert [f"Seed {seed}" in texts for seed in (7, 8, 9)] == [True] * 3
    downloads = {button.proto.label for button in page.get("download_button")}
    assert downloads == {"simple", "expanded", "Report", "record.json"}
    assert len(page.get("download_button")) == 8
    page.selectbox(key=f"other-model-{name}").set_value("flux").run()
    codes = [code.value for code in _clean(page).code]
    assert codes[0] == PROMPTS.simple
    assert codes[1].startswith(PROMPTS.simple.split(",")[0])
    assert codes[1].endswith(".")
    assert "FLUX.1 reads no negative prompt." in _texts(page)
    page.segmented_control(key="lang").set_value("zh-TW").run()
    assert sentences("zh-TW")["report"]["certificate"]["holds"] in _texts(_clean(page))
    assert len(_pair_pictures(page)) == 6


def test_one_bad_run_hides_no_other(runs: Path) -> None:
    gallery = Gallery(runs)
    good = write_sample(gallery).folder
    names = ("my run: cats", "a\\b", "c" * 220, "emptied", "cut", "lost")
    for name in names:
        shutil.copytree(good, runs / name)
    (runs / "emptied" / "simple-7.png").write_bytes(b"")
    (runs / "cut" / "simple-7.png").write_bytes((good / "simple-7.png").read_bytes()[:150])
    (runs / "lost" / "simple-7.png").unlink()
    for name, record in {"zero": "", "newer": '{"version": 99}'}.items():
        (runs / name).mkdir()
        (runs / name / "record.json").write_text(record)
    page = _at("gallery")
    cards = {card["name"]: card for card in _cards(page)}
    assert cards.keys() == {good.name, *names}
    assert sum(bool(one["address"]) for card in cards.values() for one in card["pictures"]) == 2 * len(cards) - 3
    for name, reason in {"emptied": "it is cut off", "cut": "it is cut off", "lost": "is missing"}.items():
        fault = cards[name]["pictures"][0]["fault"]
        assert f"/{name}/" in fault
        assert reason in fault
    told = page.warning[0].value.replace("\\", "")
    assert "newer: " in told
    assert "its version is 99" in told
    assert "zero: " in told
    page = _at("pair", run="cut")
    assert "cut off" in page.error[0].value


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<b> [x](y) $z$ &lt;", r"\<b\> \[x\]\(y\) \$z\$ \&lt;"),
        ("a\n===\n\n    b\n", "a\\\n\\=\u2060\\=\u2060\\=\\\n\u00a0\\\n\u00a0\u00a0\u00a0\u00a0b"),
        # Streamlit finds these behind any escape: icons, links, arrows.
        (":red[x] :material/home:", "\\:\u2060red\\[x\\] \\:\u2060material/home\\:"),
        ("https://a.b www.a me@a.b", "https\\:\u2060//a\\.b www\u2060\\.a me\\@\u2060a\\.b"),
        ("a -> b -- c", "a \\-\u2060\\> b \\-\u2060\\- c"),
        ("12:30, 一隻狗", "12\\:30, 一隻狗"),
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_text_of_a_run_is_never_markup(runs: Path) -> None:
    nasty = "<img src=x onerror=alert(1)> ![x](http://example.org/x.png) **bold** :red[red] $x$"
    prompts = replace(PROMPTS, expanded=f"{EXPANDED} {nasty}", warnings=(nasty,))
    name = write_sample(Gallery(runs), concept=replace(CONCEPT, text=nasty), prompts=prompts).name
    page = AppTest.from_file(SCRIPT, default_timeout=60)
    page.query_params["run"] = name
    _clean(page.run())
    for block in page.get("html"):
        assert "<img" not in block.proto.body
    for block in (*page.header, *page.warning):
        assert plain(nasty) in block.value


@pytest.mark.parametrize("name", ["nothing-here", "../..", ""])
def test_a_run_that_is_not_there_is_an_error(runs: Path, name: str) -> None:
    write_sample(Gallery(runs))
    page = AppTest.from_file(SCRIPT, default_timeout=60)
    page.query_params["run"] = name
    _clean(page.run())
    assert "there is no run" in page.error[0].value


def test_a_picture_that_is_dropped_in_sets_the_widgets(page: AppTest, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    text = (
        "a cat in a hat\nNegative prompt: blurry\n"
        "Steps: 12, Sampler: Euler a, Schedule type: Automatic, CFG scale: 6, Seed: 99, Size: 128x64, Version: v1.10.1"
    )
    file.write_bytes(encode_png(Image.new("RGB", (128, 64)), {"parameters": text}))
    uploader = next(one for one in page.get("file_uploader"))
    _clean(uploader.upload("a.png", file.read_bytes(), "image/png").run())
    state = page.session_state
    assert (state.scheduler, state.steps, state.guidance, state.seed) == ("Euler a", 12, 6.0, "99")
    assert (state.width, state.height) == ("128", "64")
    assert (state.simple, state.negative) == ("a cat in a hat", "blurry")
    assert any("noise" in caption.value for caption in page.caption), "the picture will not be the same, and why"

    (ours,) = (Path(__file__).parents[2] / "support").glob("runs_of_version_1/*/expanded-7.png")
    uploader = next(one for one in page.get("file_uploader"))
    _clean(uploader.upload("expanded-7.png", ours.read_bytes(), "image/png").run())
    assert state.simple == "", "it is the expanded one, and does not tell the simple prompt"
    assert state.expanded.startswith("a dog riding a bicycle in a city in the rain")

    uploader = next(one for one in page.get("file_uploader"))
    page = _clean(uploader.upload("b.png", b"no picture", "image/png").run())
    assert "is not a PNG, JPEG or WebP picture" in page.error[0].value


def test_the_time_that_is_left_is_told_once_it_can_be() -> None:
    ticket = Ticket()
    ticket.hear(Progress("open", "seedling"))
    assert (ticket.part, ticket.seconds_left) == (0.0, None)
    step = Step(1, 1, 250, 1000, preview=list)
    ticket.hear(Progress("look", "sweep", step))
    assert ticket.seconds_left is None, "it has only begun"
    ticket.since -= 20
    assert ticket.seconds_left == pytest.approx(60, abs=1)
    ticket.hear(Progress("look", "sweep", replace(step, number=500)))
    assert ticket.seconds_left == pytest.approx(20, abs=1)
    ticket.hear(Progress("look", "morph", step))
    assert ticket.seconds_left is None, "each stage for itself"


def test_previews_come_while_a_job_is_under_way(worker: Worker, tmp_path: Path) -> None:
    settings = RenderSettings(seed=1, num_inference_steps=3)  # the first step is shown at once
    request = PairRequest(CONCEPT, settings, simple="a dog", expanded="a red dog on a beach")
    ticket = worker.add(work_of(request), Gallery(tmp_path / "runs"))
    ticket.future.result(timeout=120)
    simple, expanded = (Image.open(BytesIO(png)) for png in ticket.previews)
    assert simple.size == expanded.size == SEEDLING_SIZES[0]
    assert simple.tobytes() != expanded.tobytes()


def test_a_homework_is_made_of_a_pasted_table_handed_in_and_checked(runs: Path, tmp_path: Path) -> None:
    page = _at("homework")
    _clean(page.button(key="make-homework").click().run())
    assert "there is no concept" in page.error[0].value
    page.text_area(key="homework-table").set_value("a dog").run()
    assert not page.error, "it is told for as long as it is so"
    page.text_input(key="student-name").set_value("Lin Mei").run()
    page.text_input(key="student-number").set_value("B-7").run()
    page.text_area(key="homework-table").set_value("concept\tsteps\tcolour\na dog\t1\tred\n").run()
    assert "colour" in page.error[0].value
    _clean(page.button(key="make-homework").click().run())
    assert len(page.error) == 1, "nothing is rendered of a table with a slip in it, which is told once"
    assert page.session_state["visitor"].homework is None
    page.text_area(key="homework-table").set_value("concept\tseed\na dog\tseven\n犬が本を読む\t7\n").run()
    assert "line 2" in page.error[0].value
    assert "reads English and Chinese" in page.error[0].value, "all that is wrong is told before anything is begun"
    # The field is left by the very click on the button: the server hears of both at once.
    page.text_area(key="homework-table").set_value("concept\tsteps\tseed\na dog riding a bicycle\t1\t7\n")
    _clean(page.button(key="make-homework").click().run())
    assert not page.error
    job = page.session_state["visitor"].homework
    _wait(page, lambda: not _busy(page))
    (ended,) = job.ended
    told = _texts(page)
    for what in ("<ins>", sentences("en")["report"]["verdict"]["title"]):
        assert what in told, "it is written about with the prompts and the verdict before one's eyes"
    assert not page.get("download_button"), "nothing is handed in before what is typed is in it"
    page.text_area(key=f"words-{ended.run}").set_value("It is rou").run()
    assert job.drafts == {ended.run: "It is rou"}, "a reload finds what was typed"
    page.text_area(key=f"words-{ended.run}").set_value("It is round.")
    _clean(page.button(key="homework-save").click().run())
    _wait(page, lambda: not _busy(page))
    assert "Pairs: 1; with your observations: 1" in page.success[0].value
    assert not [area for area in page.text_area if area.key != "homework-table"], "what can be typed could be left out"
    assert [button.label for button in page.get("download_button")] == ["The file to hand in"]
    bundle = tmp_path / "homework.zip"
    bundle.write_bytes(job.bundle(Gallery(runs)))
    with open_bundle(bundle) as opened:
        assert opened.content.student == Student(name="Lin Mei", number="B-7")
        ((_, run),) = opened.runs()
        assert isinstance(run, Run)
        assert run.record.observations == "It is round."

    page.segmented_control(key="homework-part-en").set_value("check").run()
    page.get("file_uploader")[0].upload("homework.zip", bundle.read_bytes(), "application/zip").run()
    _clean(page.button(key="check").click().run())
    assert "can be handed in" in page.success[0].value
    assert "Pairs in the file: 1; with observations: 1 · Signed: Lin Mei B-7" in _texts(page).replace("\\", "")
    assert not re.search(f"note:|{ended.run}", _texts(page)), "pairs are called by their concepts"

    page.segmented_control(key="homework-part-en").set_value("make").run()
    page.text_input(key="student-name").set_value("Wen").run()
    page.text_input(key="student-number").set_value("B-8").run()
    page.text_area(key="homework-table").set_value("concept\tsteps\tseed\na dog riding a bicycle\t1\t7\n").run()
    _clean(page.button(key="make-homework").click().run())
    other = page.session_state["visitor"].homework
    _wait(page, lambda: not _busy(page))
    assert [one.run for one in other.ended] == [ended.run], "the pictures are the same"
    assert page.text_area(key=f"words-{ended.run}").value == ""
    assert "Somebody else has written about these pictures" in _texts(page)
    _clean(page.button(key="homework-save").click().run())
    _wait(page, lambda: not _busy(page))
    assert "Without observations: 1" in page.warning[0].value
    for who, words in ((other, None), (job, "It is round.")):
        bundle.write_bytes(who.bundle(Gallery(runs)))
        with open_bundle(bundle) as opened:
            ((_, run),) = opened.runs()
            assert isinstance(run, Run)
            assert run.record.observations == words

    gallery = Gallery(runs)
    alike, before = write_sample(gallery).name, write_sample(gallery).name
    titles = page.run().multiselect(key="homework-taken").options
    assert len({*titles}) == 3, f"{alike} and {before} are told from each other"
    page.multiselect(key="homework-taken").set_value([before]).run()
    assert not page.get("download_button"), "another pair: its words can be typed first"
    page.text_area(key=f"words-{before}").set_value("An old one.")
    _clean(page.button(key="homework-save").click().run())
    _wait(page, lambda: not _busy(page))
    bundle.write_bytes(other.bundle(Gallery(runs)))
    with open_bundle(bundle) as opened:
        assert [one.run for one in opened.content.runs] == [ended.run, before]


def test_what_a_form_holds_goes_along_with_every_run_of_the_script(page: AppTest) -> None:
    """A browser that has not drawn a field by the second run would answer with its first value, which was none: whoever
    clicked while the page was loading lost the language, and the page was broken."""
    page.text_input(key="concept").set_value("a dog").run()
    page.button(key="write").click().run()
    _clean(page.run())
    for fields in (page.text_input, page.text_area, page.number_input, page.toggle):
        for field in fields:
            if not field.key.startswith("own_key"):
                assert field.proto.default == (field.value or type(field.proto.default)()), field.key
    chosen = {one.key: [*one.proto.default] for one in page.get("button_group") if one.key in ("lang", "images")}
    assert chosen == {"lang": [0], "images": [0]}


def test_runs_of_another_shelf_are_nowhere_to_be_chosen(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHELVES, "1")
    write_sample(Gallery(runs))
    assert sentences("en")["page"]["lab"]["no_runs"] in _texts(_at("lab"))
    assert not _at("homework").multiselect


def test_an_experiment_is_moved_and_shows_what_it_did(runs: Path) -> None:
    page = _at("learn")
    page.segmented_control(key="learn-page-en").set_value("vae").run()
    page.slider(key="learn-vae-noise").set_value(1.0).run()
    page.text_input(key="learn-vae-prompt").set_value("犬が本を読む").run()
    _clean(page.button(key="try").click().run())
    assert not _busy(page)
    assert "reads English and Chinese" in page.error[0].value
    page.text_input(key="learn-vae-prompt").set_value("一隻水豚在下雪").run()
    assert not page.error
    assert "a capybara in the snow" in _texts(page), "Seedling reads English alone"
    assert 'has never learnt "capybara"' in _texts(page)
    _clean(page.button(key="try").click().run())
    _wait(page, lambda: not _busy(page))
    assert not page.error
    assert len(page.get("image")) == 3
    assert "back again, with 100 % noise" in _texts(page).replace("\\", "")
    assert not Gallery(runs).runs(), "an experiment is no run"
    page.segmented_control(key="lang").set_value("zh-TW").run()
    assert page.text_input(key="learn-vae-prompt").value == "一隻水豚在下雪"
    page.segmented_control(key="learn-page-zh-TW").set_value("clip").run()
    assert page.text_input(key="learn-clip-words").value == "一隻戴皇冠的貓", "what nobody has touched can be read"
