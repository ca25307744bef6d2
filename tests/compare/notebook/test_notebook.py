"""`import twinseed`: quick to import, and a pair from it shows itself."""

from __future__ import annotations

import doctest
import html
import inspect
import os
import pydoc
import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import html5lib
import numpy as np
import pytest
from sample_run import CONCEPT, PROMPTS, sample_certificate, sample_findings, sample_record, write_sample

import twinseed
from compare import Gallery, PairOptions, PairRequest, Progress, RequestError, SessionStopped
from compare.homework import Student, open_bundle
from compare.notebook.arguments import WHAT
from compare.notebook.progress import _line, shown_progress
from compare.report import sentences
from compare.runs import Run
from compare.session.kept_open import KeptOpen
from compare.view import card_html
from generate import Step
from ideation import DrawError, TwinseedError, choose_expander
from templates import LANGUAGES, Language

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_importing_it_loads_nothing_of_ours_and_nothing_that_is_installed() -> None:
    code = "import sys; before = set(sys.modules); import twinseed; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded - set(sys.stdlib_module_names) == {"twinseed"}
    assert not loaded & {"asyncio", "dataclasses", "inspect", "json", "logging", "pathlib", "subprocess"}


def test_the_example_is_true(opened_once: None) -> None:
    result = doctest.testmod(twinseed)
    assert result.attempted > 4
    assert result.failed == 0


def test_a_run_is_asked_for_more(opened_once: None) -> None:
    run = twinseed.pair("a dog", steps=2, size="64x64", seed=np.int64(3), style="watercolor", language="zh-TW")
    assert run.seeds == [3]
    assert run.record.request.styles == ("watercolor",)
    seen = run.examine("sweep", sweep={"steps": [1, 2], "schedulers": ["Euler"]}, observations="It moved.")
    assert seen.record.findings is not None
    assert list(seen.record.findings.results) == ["sweep"]
    assert seen.record.observations == "It moved."
    more = seen.refine()
    assert more.record.settings.num_inference_steps == 4
    assert more.session is run.session
    page = more.report(language="en")
    assert str(page) == str(more.folder / "report.html")
    assert " srcdoc=" in str(page._repr_html_())
    assert seen.report("here.zip")._repr_html_() is None
    with pytest.raises(RequestError, match=r"here\.doc"):
        run.report("here.doc")
    assert twinseed.open_run("last").name == more.name
    Path("last").mkdir()
    assert (newest := twinseed.open_run("last")).name == more.name
    assert any(note.endswith("這裡名叫 last 的要寫成 ./last") for note in newest.notes)
    Path("last").rmdir()
    for wrong, said in {
        "run.image(99)": "arm is 99",
        "run.image('simpel')": "arm is 'simpel'",
        "run.image('expanded', 12345)": "no pictures of seed 12345",
        "run.refine('make it night')": "steps is 'make it night'",
        "run.examine('ladder', seeds=4)": "it is an option of ruler",
        "run.examine(sweep=3)": "sweep is 3",
        "run.examine('ladder', clp='none')": "examine() has no argument 'clp'",
        "run.report(langauge='en')": "report() has no argument 'langauge'",
        "twinseed.open_run(run.name[:8])": "there is no run",
    }.items():
        with pytest.raises(TwinseedError) as error:
            eval(wrong, {"run": run, "twinseed": twinseed})  # noqa: S307 - ours, from the table above
        assert said in str(error.value)
    assert run.name in error.value.hint
    handed_in = twinseed.homework(
        ["a dog", "a cat"], student="Lin Mei", observations=["It moved.", None], seed=3, steps=2, size="64x64"
    )
    with open_bundle(handed_in.path) as bundle:
        assert [one.run for one in bundle.content.runs] == list(handed_in.runs)
        assert (bundle.content.student, bundle.content.language) == (Student(name="Lin Mei"), "en")
        seen = [one.record.observations for _, one in bundle.runs() if isinstance(one, Run)]
    assert seen == ["It moved.", None]
    assert "2 of 2 concepts" in repr(handed_in)
    zipped = twinseed.bundle([run, more], "mei.zip", student="林小美")
    with open_bundle(zipped) as opened:
        assert [entry.run for entry, _ in opened.runs()] == [run.name, more.name]
        assert opened.content.student == Student(name="林小美")
        assert opened.content.language == "zh-TW"
    with pytest.raises(RequestError, match=r"mei\.pdf"):
        twinseed.bundle([run], "mei.pdf")
    with pytest.raises(RequestError, match=r"^runs is \['last'\]"):
        twinseed.bundle(["last"], "other.zip")
    Path("thesis.zip").write_bytes(b"PK all of it")
    with pytest.raises(TwinseedError, match=r"^thesis\.zip is there already, and is no bundle$"):
        twinseed.bundle([run], "thesis.zip")
    assert Path("thesis.zip").read_bytes() == b"PK all of it"


def test_what_was_finished_is_told_of_what_stopped(opened_once: None, capsys: pytest.CaptureFixture[str]) -> None:
    session = twinseed.Session(device="cpu", runs="mine")
    real = session.made.run

    def stopped(*args: object, **how: object) -> object:
        raise SessionStopped(real(*args, **how), KeyboardInterrupt())  # type: ignore[arg-type]

    session.made.run = stopped  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt) as interrupted:
        session.pair("a dog", steps=1, size="64x64", seed=1)
    assert str(interrupted.value).startswith(f"interrupted; what was finished is in {Path('mine')}")
    session.close()
    assert session.pair("a dog", steps=1, size="64x64", seed=1).folder.parent.name == "mine"


def test_a_key_that_is_set_between_two_pairs_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    request, _ = PairRequest.from_options(PairOptions("a dog"))
    kept = KeptOpen(os.environ, choose_expander)
    first = kept.expander(request)
    assert first is kept.expander(request)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    second = kept.expander(request)
    assert first is not None
    assert second is not None
    assert [first.name, second.name] == ["offline", "openai"]


def test_the_arguments_are_the_options_and_wrong_ones_are_named() -> None:
    assert list(inspect.signature(twinseed.pair).parameters) == [field.name for field in fields(PairOptions)]
    for wrong, said in {
        "step": "did you mean 'steps'",
        "steps": "steps is few",
        "images": "images is 1.5",
        "seed": "seed is -1",
    }.items():
        given = {"step": 8, "steps": "few", "images": 1.5, "seed": -1}[wrong]
        with pytest.raises(TwinseedError) as error:
            twinseed.pair("a dog", **{wrong: given})  # type: ignore[arg-type]
        assert said in f"{error.value} {error.value.hint}".replace("'few'", "few").replace("'-1'", "-1")


@pytest.mark.parametrize(
    ("call", "message", "hint"),
    [
        ("pair('a dog', seed=7.5)", "seed is 7.5", "give a whole number from 0 up, such as 7"),
        ("pair('a dog', language='fr')", "language is 'fr'", "give 'en' or 'zh-TW'"),
        ("pair(['a dog'])", "concept is ['a dog']", "give a text in any language"),
        ("pair('a dog', 7)", "pair() was given 7 without the name of an argument", "as in seed=7"),
        ("pair('a dog', style='nope')", "unknown style 'nope'", "All of them: %twinseed list styles"),
        ("expand('a cat', sede=1)", "expand() has no argument 'sede'", "did you mean 'seed'?"),
        ("expand('a cat', expander='gemini')", "there is no key for Gemini", 'os.environ["GEMINI_API_KEY"] = ...'),
        ("ideas(langauge='en')", "ideas() has no argument 'langauge'", "did you mean 'language'?"),
        ("ideas(language='fr')", "language is 'fr'", "give 'en' or 'zh-TW'"),
        ("open_run()", "open_run() was given no run", "'last' for the newest"),
        ("open_run('last')", "there is no run in", "make one with twinseed.pair"),
        ("Session(modle='x')", "Session() has no argument 'modle'", "did you mean 'model'?"),
        ("Session(model='nope')", "unknown model 'nope'", "known names: seedling"),
        ("Session(device='gpu')", "device is 'gpu'", "give 'auto', 'cpu', 'cuda' or 'mps'"),
        ("study(sede=3)", "a study has no setting 'sede'", "did you mean 'seed'?"),
        ("homework(3)", "concepts is 3", "a list of texts"),
        ("homework(['a'], stduent='x')", "homework() has no argument 'stduent'", "did you mean 'student'?"),
        ("homework(['a'], observations=['x', 'y'])", "there are 2 observations for 1 concepts", "None"),
    ],
)
def test_a_wrong_call_is_told_in_two_lines(call: str, message: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    with pytest.raises(TwinseedError) as error:
        eval(f"twinseed.{call}", {"twinseed": twinseed})  # noqa: S307 - ours, from the table above
    first, second = error.value._render_traceback_()
    assert first.startswith(f"error: {message}")
    assert hint in second


def test_help_is_short_and_says_what_can_be_given() -> None:
    names = list(inspect.signature(twinseed.pair).parameters)
    told = inspect.getdoc(twinseed.pair) or ""
    assert [line.strip().partition(":")[0] for line in told.splitlines()[-len(names) :]] == names
    assert set(names) <= set(WHAT)
    assert len(pydoc.render_doc(twinseed, renderer=pydoc.plaintext).splitlines()) < 250
    assert {"study", "open_study", "homework"} <= set(dir(twinseed))
    assert "main" not in dir(twinseed)
    assert "seedling" in repr(twinseed.Session(model="seedling"))


def test_ideas_are_texts_that_can_be_drawn_again() -> None:
    drawn = twinseed.ideas(2, seed=7, language="zh-TW")
    assert drawn[1].drawn == "1@7"
    assert drawn[1].concept.topic is not None
    assert twinseed.ideas(1, seed=7, topic="cat")[0].drawn is None
    assert twinseed.ideas(1, seed=7, for_="seedling") == ["a penguin holding a balloon, neon style"]
    with pytest.raises(RequestError, match="a pattern was given with"):
        twinseed.ideas(pattern="a {red|blue} cat", style="ink")
    with pytest.raises(DrawError):
        twinseed.ideas(seed="x")


def test_prompts_are_written_for_a_family() -> None:
    assert twinseed.expand("一隻貓在開車").simple == "a cat driving a car"
    assert twinseed.expand("a cat", written_for="flux", seed="4").tokens.limit == 512


class Sanitised(HTMLParser):
    """What is left of a cell in a notebook that is not trusted: no style, no script, no control."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self._dropped = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._dropped = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._dropped = False

    def handle_data(self, data: str) -> None:
        self.words += "" if self._dropped else data


def test_a_run_shows_itself_in_a_cell(tmp_path: Path) -> None:
    """Self-contained, in one element; and without its style both pictures and all words are still there."""
    seeds = (7, 8)
    findings, files = sample_findings(seeds)
    written = write_sample(Gallery(tmp_path), images=2, findings=findings, files=files)
    run = twinseed.open_run(written.folder)
    shown = run._repr_html_()
    html5lib.HTMLParser(strict=True).parseFragment(shown)
    assert shown.count("<img") == 2 * 4
    assert shown.count('type="range"') == 2
    for outside in ("<script", "http:", "https:", "@import", "url("):
        assert outside not in shown
    assert run.verdict in html.unescape(shown)
    assert "<ins>on a beach at sunset, soft light</ins>" in shown
    assert "✓ Same seed, everything but the prompt held equal" in shown
    left = Sanitised()
    left.feed(shown)
    assert left.tags.count("img") == 2 * 4
    assert "twinseed-card" not in left.words
    assert str(run) == repr(run) == f"<twinseed run {written.folder}: {run.verdict}>"
    with pytest.raises(TwinseedError):
        twinseed.open_run("not-there")


def test_words_of_others_are_no_markup_in_a_card(tmp_path: Path) -> None:
    record, files = sample_record(prompts=replace(PROMPTS, warnings=("<b>bold</b>",)))
    record = record.model_copy(update={"concept": replace(CONCEPT, text="<img src=x>")})
    shown = card_html(record, files, "zh-TW", ["<i>"])
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "&lt;img src=x&gt;" in shown
    assert "種子相同" in shown


def test_a_certificate_that_does_not_hold_is_a_red_light() -> None:
    record, files = sample_record(certificate=sample_certificate(same_seed=False))
    shown = card_html(record, files)
    assert 'class="light bad">✗' in shown
    assert 'class="light good"' not in shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_progress_says_what_is_done(language: Language, capsys: pytest.CaptureFixture[str]) -> None:
    said = sentences(language)["notebook"]["progress"]
    for stage in ("open", "expand", "wait", "look", "write"):
        assert "x" in _line(Progress(stage, "x", until=datetime.now(UTC)), said) or stage == "write"
    assert "\x1b" not in _line(Progress("wait", "\x1b[2J", until=datetime.now(UTC)), said)
    step = Step(2, 3, 1, 8, list)
    assert "2" in _line(Progress("render", step=step), said)
    assert "x" in (line := _line(Progress("look", "x", step=step), said))
    assert line != _line(Progress("look", "x"), said)
    with shown_progress(language) as on_progress:  # nobody sees it: standard error is no terminal
        on_progress(Progress("render", step=step))
    assert capsys.readouterr() == ("", "")


def test_an_error_in_a_cell_is_two_lines() -> None:
    problem = DrawError(
        "seed is {seed!r}", hint="give a whole number from 0 to {most}, as in --seed 7", seed="x", most=9
    )
    assert problem._render_traceback_() == ["error: seed is 'x'", "hint: give a whole number from 0 to 9, such as 7"]


@pytest.mark.parametrize("hidden", ["templates/__init__.py", "compare.py"])
def test_a_package_that_hides_one_of_ours_is_told_of(tmp_path: Path, hidden: str) -> None:
    (tmp_path / hidden).parent.mkdir(exist_ok=True)
    (tmp_path / hidden).write_text("", encoding="utf-8")
    name = hidden.partition("/")[0].removesuffix(".py")
    for words in (["-m", "twinseed", "ideas"], ["-c", "import twinseed; twinseed.ideas(1)"]):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert f"the package {name} of Twinseed is hidden by another one: {str(tmp_path / hidden)!r}" in done.stderr
        assert "environment of its own" in done.stderr
    assert "Traceback" in done.stderr  # a script is told as Python tells such things
