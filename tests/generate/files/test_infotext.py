"""Infotext: what is written is read back equal, whatever the prompt says, and in a time that grows with its length."""

from __future__ import annotations

import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generate.files.infotext import MAX_TEXT, Infotext, PictureError, parse_infotext

VALUES = {"Steps": "20", "Sampler": "DPM++ 2M", "Schedule type": "Karras", "Seed": "42", "Size": "512x512"}
LAST_LINE = "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, Seed: 42, Size: 512x512"

PROMPTS = [
    "a dog riding a bicycle",
    "a dog, a cat: (friends:1.3), [rain]",
    'a sign that says "open, 24: hours"',
    '"quoted from end to end"',
    'back\\slash \\, \\u002c and \\"',
    "one line\nanother line\n\na third",
    "  spaces around  \n\ttabs and spaces \n",
    "\n\n",
    "carriage\r\nreturns\rtoo",
    "一隻狗騎著腳踏車，水彩風格：夕陽",
    "café, Miró, ©",
    "🐶🚲 👩‍👩‍👧‍👦",
    "Negative prompt: not one",
    "a dog\nNegative prompt: still the prompt\nNegative prompt: and this",
    "a dog. Negative prompt: in the middle of a line",
    "a dog\nSteps: 5, Sampler: Euler, Seed: 1, Size: 1x1",
    "Steps: 5",
    "Prompt: something, Seed: 7, Model: x",
    "<lora:add_detail:0.7> a dog",
    "line\u2028separators\x85and\x0bothers\x1c",
    "",
]


def test_what_is_written_is_read_back() -> None:
    for prompt, negative in product(PROMPTS, repeat=2):
        infotext = Infotext(prompt, negative, VALUES)
        assert parse_infotext(infotext.to_text()) == infotext, infotext


PIECES = [
    ",",
    ":",
    '"',
    "\\",
    "\n",
    " ",
    "\t",
    "\r",
    "Negative prompt:",
    "Negative prompt: ",
    "Steps: 5",
    "{",
    "Prompt: ",
    "a",
    "dog",
    "Lora hashes: ",
    "狗",
    "🐶",
    "é",
    "\u2028",
    "x" * 70,
    ", Seed: 3",
    "<lora:a:1>",
    "'",
    "\\u002c",
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
KEYS = st.sampled_from(["Model", "VAE", "Clip skip", "Version", "a-b/c"])


@settings(max_examples=1000)
@given(TEXTS, TEXTS, st.dictionaries(KEYS, TEXTS, max_size=2))
def test_any_text_comes_back(prompt: str, negative: str, values: dict[str, str]) -> None:
    infotext = Infotext(prompt, negative, VALUES | values)
    assert parse_infotext(infotext.to_text()) == infotext


@pytest.mark.parametrize(
    ("infotext", "text"),
    [
        (Infotext("a dog", "blurry", VALUES), f"a dog\nNegative prompt: blurry\n{LAST_LINE}"),
        (Infotext("a dog", "", VALUES), f"a dog\n{LAST_LINE}"),
        (Infotext("", "", VALUES), LAST_LINE),
        (Infotext("a\nb", "", VALUES), f"a\nb\n{LAST_LINE}"),
        (
            Infotext("a", "", VALUES | {"Lora hashes": "x: 12, y: 34", "Model": 'say "so"'}),
            f'a\n{LAST_LINE}, Lora hashes: "x: 12, y: 34", Model: "say \\"so\\""',
        ),
        (Infotext(" a: b,", "", VALUES), f'a: b,\n{LAST_LINE}, Prompt: " a\\u003a b\\u002c"'),
    ],
)
def test_the_form_is_the_usual_one(infotext: Infotext, text: str) -> None:
    assert infotext.to_text() == text


@pytest.mark.parametrize(
    ("text", "infotext"),
    [
        ("a dog", Infotext("a dog", "", {})),
        ("a dog\nNegative prompt: x\ny: 1, z: 2", Infotext("a dog", "x\ny: 1, z: 2", {})),
        (f"  a dog \n\n  more\nNegative prompt:x\n {LAST_LINE} \n", Infotext("a dog\n\nmore", "x", VALUES)),
        (f"a\n{LAST_LINE},", Infotext("a", "", VALUES)),
        (f"a\n{LAST_LINE}, Postprocess, upscale: ", Infotext("a", "", VALUES | {"upscale": ""})),
        (f'a\n{LAST_LINE}, Model: "cut, off', Infotext("a", "", VALUES | {"Model": '"cut'})),
        (f'a\n{LAST_LINE}, Model: "a"b, Hires: 2', Infotext("a", "", VALUES | {"Model": '"a"b', "Hires": "2"})),
        (f'a\n{LAST_LINE}, Model: "\\ud800"', Infotext("a", "", VALUES | {"Model": '"\\ud800"'})),
        ("", Infotext("", "", {})),
    ],
)
def test_foreign_texts(text: str, infotext: Infotext) -> None:
    assert parse_infotext(text) == infotext


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "a,", ",", ":", 'a: "', 'a: "\\', '"', "\\", " ", "a: b,", 'ab: "c",', 'ab: "\\",'),
        *("Negative prompt:\n", "Steps: 1, "),
    ],
)
def test_the_time_grows_with_the_length(unit: str) -> None:
    text = (unit * MAX_TEXT)[: MAX_TEXT // 4]
    began = time.process_time()
    parse_infotext(text)
    assert time.process_time() - began < 5 / 4, "a megabyte takes about a second; square time would take hours"


def test_lines_behind_the_settings() -> None:
    text = f"a dog\n{LAST_LINE}\nTemplate: a\nb\n" + "c\n" * 100_000
    assert parse_infotext(text).values["Template"] == "a\nb\n" + "\n".join("c" * 100_000)


def test_a_text_may_be_as_long_as_that() -> None:
    assert parse_infotext("x" * MAX_TEXT).prompt == "x" * MAX_TEXT


@pytest.mark.parametrize("text", ["x" * 5_000_000, "狗" * 400_000])
def test_a_text_too_long_is_refused(text: str) -> None:
    with pytest.raises(PictureError, match="1,048,576 are read"):
        parse_infotext(text)
    with pytest.raises(PictureError, match="1,048,576 are read"):
        Infotext(text, "", VALUES).to_text()
