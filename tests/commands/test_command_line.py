"""The contract of the commands: what each prints, and that it is the same every time."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from conftest import Done, Twinseed
from jsonschema import Draft202012Validator
from sample_run import PROMPTS, write_sample

from commands.pairs.running import tell
from commands.terminal.console import file_size, say_note
from commands.terminal.options import OutputOptions
from compare.runs.gallery import Gallery
from compare.runs.record import SCHEMA_FILE
from generate.choices import find_style
from generate.settings import RenderSettings
from ideation import Clause, notes_on_unlearnt, seedling_vocabulary

pytestmark = pytest.mark.usefixtures("opened_once")

REPOSITORY = Path(__file__).parents[2]
CONCEPT = "a dog riding a bicycle, watercolor style"
QUICK = ("--steps", "2", "--size", "64x64", "--expander", "offline")
SCHEMA = Draft202012Validator(
    json.loads(SCHEMA_FILE.read_text(encoding="utf-8")), format_checker=Draft202012Validator.FORMAT_CHECKER
)


def record_of(done: Done) -> dict[str, Any]:
    assert done.code == 0, done.err
    record: dict[str, Any] = json.loads(done.out)
    SCHEMA.validate(record)
    assert all(hashes["simple"] == hashes["expanded"] for hashes in record["certificate"]["latents_sha256"].values())
    assert record["certificate"]["same_seed"]
    assert set(record["certificate"]["differs"]) <= {"prompt"}
    return record


def test_a_thousand_ideas_and_the_same_again(twinseed: Twinseed) -> None:
    first = twinseed("ideas", "-n", "1000", "--seed", "1", "--json")
    ideas = [json.loads(line) for line in first.out.splitlines()]
    assert (first.code, first.err) == (0, "")
    assert len({idea["text"] for idea in ideas}) == 1000
    assert [idea["index"] for idea in ideas] == list(range(1000))
    assert all(set(idea) == {"index", "topic", "action", "style", "text"} for idea in ideas)
    assert twinseed("ideas", "-n", "1000", "--seed", "1", "--json").out == first.out
    assert twinseed("ideas", "-n", "1000", "--seed", "2", "--json").out != first.out
    rest = twinseed("ideas", "-n", "400", "--seed", "1", "--start", "600", "--json")
    assert rest.out.splitlines() == first.out.splitlines()[600:]


def test_ideas_for_a_model_are_of_words_that_it_draws(twinseed: Twinseed) -> None:
    done = twinseed("ideas", "-n", "40", "--seed", "1", "--for", "seedling", "--json")
    for idea in map(json.loads, done.out.splitlines()):
        assert seedling_vocabulary().unknown_words(idea["text"]) == []
    assert twinseed("ideas", "-n", "40", "--seed", "1", "--for", "SEEDLING", "--json").out == done.out
    usual = twinseed("ideas", "-n", "5", "--seed", "1").out
    any_word = twinseed("ideas", "-n", "5", "--seed", "1", "--for", "sdxl")
    assert any_word.out == usual
    assert "note: it is not known of any word that sdxl cannot draw it" in any_word.err
    for more in (("--pattern", "a {b|c}"), ("--words", "lists")):
        refused = twinseed("ideas", "--for", "seedling", *more)
        assert (refused.code, more[0] in refused.err) == (1, True)
    assert "neither a family of models" in twinseed("ideas", "--for", "nomodel").err


def test_ideas_for_people(twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("ideas", "-n", "3", "--topic", "cat", "--style", "my own")
    assert done.out.count("a cat ") == done.out.count(", my own style") == 3
    seed = re.fullmatch(r"seed ([0-9]+)\n", done.err)
    assert seed, "a drawn seed is told, so that the draw can be had again"
    assert twinseed("ideas", "-n", "3", "--topic", "cat", "--style", "my own", "--seed", seed[1]).out == done.out
    chinese = twinseed("ideas", "-n", "3", "--seed", "1", "--language", "zh-TW").out
    assert all(re.search(r"[\u4e00-\u9fff]", line) for line in chinese.splitlines())
    (tmp_path / "topics.txt").write_text("zeppelin\n", encoding="utf-8")
    assert "zeppelin" in twinseed("ideas", "-n", "1", "--words", str(tmp_path)).out


def test_an_expansion(twinseed: Twinseed) -> None:
    done = twinseed("expand", CONCEPT, "--expander", "offline", "--json")
    pair = json.loads(done.out)
    assert list(pair) == [
        "source",
        "language",
        "simple",
        "expanded",
        "negative",
        "expander",
        "llm_model",
        "kept",
        "lost",
        "tokens",
        "warnings",
    ]
    assert set(pair["tokens"]) == {"limit", "simple", "expanded", "dropped", "simple_dropped", "unread"}
    assert (pair["source"], pair["expander"], pair["llm_model"]) == (CONCEPT, "offline", None)
    assert done.err == "expander: offline\n"
    assert twinseed("expand", CONCEPT, "--expander", "offline", "--json").out == done.out
    shown = twinseed("expand", CONCEPT).out
    assert f"simple:   {pair['simple']}\nexpanded: {pair['expanded']}\n" in shown


def test_an_expansion_for_another_model(twinseed: Twinseed, tiny_folder: Path) -> None:
    done = twinseed("expand", CONCEPT, "--expander", "offline", "--model", str(tiny_folder), "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["tokens"]["limit"] == 77


def test_a_pair(twinseed: Twinseed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSEED_RUNS", str(tmp_path))
    first, again = (record_of(twinseed("pair", CONCEPT, *QUICK, "--seed", "7", "--json")) for _ in range(2))
    pixels = {render["arm"]: render["pixels_sha256"] for render in first["renders"]}
    assert pixels == {render["arm"]: render["pixels_sha256"] for render in again["renders"]}, "the same, bit for bit"
    assert len(set(pixels.values())) == 2
    assert first["settings"]["seed"] == "7"
    assert first["concept"]["text"] == CONCEPT
    assert (first["settings"]["width"], first["settings"]["height"]) == (64, 64)
    folders = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(folders) == 2, "a run never takes the place of another"
    for folder in folders:
        assert {path.name for path in folder.iterdir()} == {
            "record.json",
            "report.html",
            "simple-7.png",
            "expanded-7.png",
        }


def test_several_images_of_a_drawn_concept(twinseed: Twinseed, tmp_path: Path) -> None:
    options = ("--images", "3", "--seed", "41", "--runs", str(tmp_path))
    done = twinseed("pair", *QUICK, *options)
    report = Path(done.out.removesuffix("\n"))
    assert (done.code, report.name) == (0, "report.html"), done.err
    record = json.loads((report.parent / "record.json").read_text(encoding="utf-8"))
    SCHEMA.validate(record)
    assert [render["file"] for render in record["renders"]] == [
        f"{arm}-{seed}.png" for seed in (41, 42, 43) for arm in ("simple", "expanded")
    ]
    concept = record["concept"]
    assert f"concept: {concept['text']}\nseed: 41\n" in done.err
    assert concept["topic"]["en"] in concept["text"]
    assert (concept["index"], concept["seed"]) == (0, "41")
    again = record_of(twinseed("pair", *QUICK, "--seed", "41", "--runs", str(tmp_path), "--json"))
    assert again["concept"] == concept, "the seed draws the concept as well"
    assert again["renders"][0]["pixels_sha256"] == record["renders"][0]["pixels_sha256"]


def test_without_a_seed_one_is_drawn_and_told(twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("pair", CONCEPT, *QUICK, "--runs", str(tmp_path), "--json")
    assert f"\nseed: {record_of(done)['settings']['seed']}\n" in done.err


def test_prompts_taken_as_they_are(twinseed: Twinseed, tmp_path: Path) -> None:
    simple, expanded = "  a  dog,\tPLAIN ", "(a dog:1.2) — 夜市, <b>neon</b>"
    given = ("--simple", simple, "--expanded", expanded, "--negative", "", "--runs", str(tmp_path), "--json")
    prompts = record_of(twinseed("pair", *QUICK, *given))["prompts"]
    assert (prompts["simple"], prompts["expanded"], prompts["negative"]) == (simple, expanded, "")
    assert (prompts["expander"], prompts["llm_model"]) == ("given", None)


def test_styles_and_a_negative_prompt_go_on_both(twinseed: Twinseed, tmp_path: Path) -> None:
    given = ("--simple", "a dog", "--expanded", "a red dog", "--negative", "blurry", "--runs", str(tmp_path), "--json")
    styled = ("--style", "WATERCOLOR", "--style", "photograph")
    record = record_of(twinseed("pair", *QUICK, *given, *styled))
    watercolor, photograph = find_style("watercolor"), find_style("photograph")
    for arm, prompt in (("simple", "a dog"), ("expanded", "a red dog")):
        assert record["prompts"][arm] == photograph.wrap(watercolor.wrap(prompt))
    assert record["prompts"]["negative"] == f"blurry, {watercolor.negative}, {photograph.negative}"
    assert record["request"]["styles"] == ["watercolor", "photograph"]


def test_a_preset_gives_way_to_what_is_named(twinseed: Twinseed, tmp_path: Path, tiny_folder: Path) -> None:
    options = ("--steps", "2", "--expander", "offline", "--seed", "1", "--runs", str(tmp_path), "--json")
    named = ("--preset", "laptop", "--model", str(tiny_folder), "--scheduler", "euler A")
    record = record_of(twinseed("pair", CONCEPT, *options, *named))
    settings = record["settings"]
    assert (settings["model"], settings["scheduler"], settings["num_inference_steps"]) == (
        str(tiny_folder),
        "Euler a",
        2,
    )
    assert (record["request"]["preset"], settings["guidance_scale"]) == ("laptop", 5.0)
    assert (settings["width"], settings["height"], settings["dtype"]) == (32, 32, "float32")


def test_a_concept_and_report_in_chinese(twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("pair", "一隻狗騎腳踏車，水彩風格", *QUICK, "--runs", str(tmp_path), "--json")
    record = record_of(done)
    assert record["prompts"]["language"] == "zh-TW"
    assert "dog" in record["prompts"]["simple"]
    (report,) = tmp_path.glob("*/report.html")
    assert '<html lang="zh-' in report.read_text(encoding="utf-8")
    assert "hint: 加上 --images 4 就會生成四個種子" in done.err
    assert "note: Seedling 沒有學過「capybara」" in twinseed("expand", "一隻水豚在看書").err


def test_notes_and_verdict_are_told_in_the_language_that_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = replace(PROMPTS, warnings=("Words of praise were put behind the expanded prompt alone: 8k.", "a fault"))
    run = write_sample(Gallery(tmp_path), prompts=prompts)
    for language, told in (
        (None, "note: Words of praise were put"),
        ("zh-TW", "note: 只在擴充提示詞後面加上了讚美的詞：8k"),
    ):
        tell(run, OutputOptions(language=language))
        said = capsys.readouterr().err
        assert told in said
        assert "note: a fault" in said, "what there are no words for stays as it is"
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said) == (language == "zh-TW")


def test_a_note_says_in_chinese_of_which_concept_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    [note] = notes_on_unlearnt("a wolf", "a wolf at night", seedling_vocabulary())
    place = Clause("concept {number}", number=1)
    for said, where in (
        (Clause("{place}: {what}", place=place, what=note), None),  # of a plan
        (note, place),
        (str(note), place),  # of a record, which keeps the English alone
    ):
        say_note(said, "zh-TW", where)
        assert capsys.readouterr().err == (
            "note: 第 1 個構想：Seedling 沒有學過「wolf」，會改畫它學過的詞裡最接近的「dog」。\n"
        )
        say_note(said, "en", where)
        assert capsys.readouterr().err == f"note: concept 1: {note}\n"
    lost = Clause("Not said in both prompts any more: {lost}.", lost='text: "HI"; subject: dog')
    for where, before in ((place, "第 1 個構想："), (None, "")):
        say_note(lost, "zh-TW", where)
        assert capsys.readouterr().err == f"note: {before}兩個提示詞不再都有：文字：「HI」；主題：dog。\n"


@pytest.mark.parametrize(
    ("kind", "keys", "one"),
    [
        ("styles", ["name", "zh", "positive", "negative", "source"], "watercolor"),
        ("schedulers", "name class_name evaluations settles steps flow_matching note".split(), "DPM++ 2M Karras"),
        (
            "families",
            "name title pipeline arms reads negative scheduler steps guidance single_files".split(),
            "z-image",
        ),
        (
            "presets",
            "name description settings zh styles negative performance loras fixed_steps source".split(),
            "laptop",
        ),
        ("performance", ["name", "zh", "description", "steps", "scheduler", "source"], "quality"),
        ("sizes", ["family", "ratio", "width", "height"], "sd1"),
        ("models", ["name", "kind", "path", "family", "size"], "seedling"),
        ("expanders", ["name", "description"], "offline"),
        ("words", ["part", "en", "zh", "seedling"], "topic"),
    ],
)
def test_lists(kind: str, keys: list[str], one: str, twinseed: Twinseed) -> None:
    done = twinseed("list", kind, "--json")
    rows = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert all(list(row) == keys for row in rows)
    assert one in {row[keys[0]] for row in rows}
    shown = twinseed("list", kind).out.splitlines()
    assert len(shown) == 1 + len(rows), "a line each where nobody's terminal is too narrow"
    assert shown[0].split()[0] == keys[0]


def test_tables_are_for_people(twinseed: Twinseed) -> None:
    shown = {kind: twinseed("list", kind).out for kind in ("presets", "models", "styles")}
    assert not re.search(r"\(\)|\('|\[|\{'|None", shown["presets"])
    assert re.search(r"embedded .* 3\d(\.\d)? MB *$", shown["models"], re.MULTILINE)
    sizes = {0: "0 bytes", 999: "999 bytes", 1000: "1 kB", 33_348_198: "33.3 MB", 4_265_146_304: "4.27 GB"}
    assert {count: file_size(count) for count in sizes} == sizes


@pytest.mark.parametrize(
    "words", [["report", "x", "--runs", ""], ["ideas", "--words", " "], ["report", "x", "--pdf", ""]]
)
def test_an_empty_name_is_not_the_current_folder(words: list[str], twinseed: Twinseed) -> None:
    done = twinseed(*words)
    assert (done.code, done.out) == (1, "")
    assert "error: an option names a file or folder, and the name is empty" in done.err


def test_home_is_found_where_no_shell_has_looked(
    twinseed: Twinseed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert f"there is no run 'x' in {tmp_path / 'r'}" in twinseed("report", "x", "--runs", "~/r").err
    monkeypatch.setenv("TWINSEED_RUNS", "~/more")
    assert f"there is no run 'x' in {tmp_path / 'more'}" in twinseed("report", "x").err
    assert [*tmp_path.iterdir()] == []


def test_what_is_sure_to_fail_fails_before_anything_is_rendered(twinseed: Twinseed, tmp_path: Path) -> None:
    done = twinseed("pair", CONCEPT, *QUICK, "--with", "blind", "--runs", str(tmp_path))
    assert done.code == 1
    assert "error: the expander 'offline' cannot look at pictures" in done.err
    assert "opening the model" not in done.err
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_the_list_of_models_names_the_embedded_one_first(twinseed: Twinseed) -> None:
    first, *_ = json.loads(twinseed("list", "models", "--json").out)
    assert (first["name"], first["kind"]) == ("seedling", "embedded")
    assert (Path(first["path"]) / "model_index.json").is_file()
    assert RenderSettings().model == "seedling"


KEYS = {
    "GEMINI_API_KEY": "AQ.secret-gemini-0123456789",
    "GOOGLE_API_KEY": "AQ.secret-google-0123456789",
    "OPENAI_API_KEY": "sk-secret-openai-0123456789",
    "OPENAI_BASE_URL": "http://secret-user:secret-password@127.0.0.1:9/v1",
    "GEMINI_API_ENDPOINT": "http://secret-endpoint.invalid",
}


@pytest.mark.parametrize("options", [(), ("--json",)])
@pytest.mark.parametrize("keys", [KEYS, {**KEYS, "GEMINI_API_KEY": "secret\nkey", "TWINSEED_LLM_DEADLINE": "soon"}, {}])
def test_the_doctor_says_which_keys_are_there_and_never_what_they_are(
    keys: dict[str, str], options: tuple[str, ...], twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    done = twinseed("doctor", *options)
    assert done.code == 0, done.err
    assert "secret" not in done.out + done.err
    for name in KEYS:
        stands = "set" if name in keys else "not set"
        assert f'"{name}": "{stands}"' in done.out or f"{name} {stands}" in done.out
    if options:
        found = json.loads(done.out)
        assert found["expander"] == (None if "TWINSEED_LLM_DEADLINE" in keys else "gemini" if keys else "offline")
        assert bool(found["problems"]) == ("TWINSEED_LLM_DEADLINE" in keys)
        assert (found["model"], found["models"]) == ("seedling", ["seedling"])


def test_the_program_in_a_process_of_its_own(tmp_path: Path) -> None:
    """What only a real process shows: an old code page on standard output, and progress kept off it."""
    done = subprocess.run(
        [sys.executable, REPOSITORY / "twinseed.py", "ideas", "-n", "2", "--seed", "1", "--language", "zh-TW"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(done.stdout.decode().splitlines()) == 2


@pytest.mark.parametrize(
    "command",
    "ideas expand pair sweep ladder examine refine report verify page list doctor".split(),
)
def test_help(command: str, twinseed: Twinseed) -> None:
    for option in ("--help", "-h"):
        done = twinseed(command, option)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"Usage: twinseed {command} ")
    assert ("--json" in done.out) == (command not in ("page", "report"))


def test_the_version_says_what_matters_for_a_bug_report(twinseed: Twinseed) -> None:
    done = twinseed("--version")
    assert done.code == 0
    told = dict(line.split(maxsplit=1) for line in done.out.splitlines())
    assert list(told)[:4] == ["twinseed", "python", "system", "graphics"]
    assert told["python"] == f"CPython {platform.python_version()}"
    assert told["diffusers"] == version("diffusers")
    assert told["torch"].startswith(version("torch"))
