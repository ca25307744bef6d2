"""The prompt syntax: weights, breaks and adapters come out as the web UI's documentation says."""

from __future__ import annotations

from random import Random

import pytest

from ideation import AdapterMention, PromptSyntaxError, parse_prompt, spoken

WEIGHTS = [
    ("a dog riding a bicycle", [("a dog riding a bicycle", 1)]),
    ("", []),
    ("a (red) dog", [("a ", 1), ("red", 1.1), (" dog", 1)]),
    ("a ((red)) dog", [("a ", 1), ("red", 1.21), (" dog", 1)]),
    ("a (red:1.3) dog", [("a ", 1), ("red", 1.3), (" dog", 1)]),
    ("a (red: .5 ) dog", [("a ", 1), ("red", 0.5), (" dog", 1)]),
    ("a [red] dog", [("a ", 1), ("red", 1 / 1.1), (" dog", 1)]),
    ("((red) dog:1.5)", [("red", 1.65), (" dog", 1.5)]),
    ("[(red)] dog", [("red dog", 1)]),
    (r"a dog \(happy\)", [("a dog (happy)", 1)]),
    (r"(a dog \(happy\):1.2)", [("a dog (happy)", 1.2)]),
    (r"C:\dogs", [(r"C:\dogs", 1)]),
    ("(unclosed dog", [("unclosed dog", 1.1)]),
    ("never opened) dog", [("never opened) dog", 1)]),
    ("at 10:30 o'clock", [("at 10:30 o'clock", 1)]),
    ("ratio 1:2) dog", [("ratio 1:2) dog", 1)]),
    ("(一隻狗:1.2)，水彩", [("一隻狗", 1.2), ("，水彩", 1)]),
]


@pytest.mark.parametrize(("prompt", "stretches"), WEIGHTS)
def test_weights(prompt: str, stretches: list[tuple[str, float]]) -> None:
    (section,) = parse_prompt(prompt).sections
    assert [stretch.text for stretch in section] == [text for text, _ in stretches]
    assert [stretch.weight for stretch in section] == pytest.approx([weight for _, weight in stretches])


def test_break_begins_a_new_section() -> None:
    parsed = parse_prompt("a dog BREAK (a beach:1.2) BREAK\nsunset, BREAKFAST")
    assert [[(s.text, s.weight) for s in section] for section in parsed.sections] == [
        [("a dog", 1.0)],
        [("a beach", 1.2)],
        [("sunset, BREAKFAST", 1.0)],
    ]
    assert parsed.text == "a dog a beach sunset, BREAKFAST"


@pytest.mark.parametrize(
    ("prompt", "text", "adapters"),
    [
        ("a dog <lora:mosaic:0.7>", "a dog", [AdapterMention("mosaic", 0.7, 0.7)]),
        ("a dog, <lora:mosaic>, sunset", "a dog, , sunset", [AdapterMention("mosaic")]),
        ("<lora:b.v2:.5:.8>a dog<lora:c:-1>", "a dog", [AdapterMention("b.v2", 0.5, 0.8), AdapterMention("c", -1, -1)]),
        ("(a dog <lora:m:0.7>:1.2)", "a dog", [AdapterMention("m", 0.7, 0.7)]),
        ("a <b> c", "a <b> c", []),
        ("a dog <LORA:ink :.5> <lyco:b:1>", "a dog", [AdapterMention("ink", 0.5, 0.5), AdapterMention("b")]),
        ("a dog <lora:ink:te=0.5:unet=0.8>", "a dog", [AdapterMention("ink", 0.5, 0.8)]),
    ],
)
def test_adapters_are_taken_out_of_the_prompt(prompt: str, text: str, adapters: list[AdapterMention]) -> None:
    parsed = parse_prompt(prompt)
    assert list(parsed.adapters) == adapters
    assert parsed.text == text


def test_embeddings_are_named_and_other_tags_left_out() -> None:
    for prompt, text, embeddings, left_out in (
        ("embedding:ink, a dog", "ink, a dog", ("ink",), ()),
        ("(embedding:sub/ink.pt:1.2) dog", "sub/ink dog", ("sub/ink",), ()),
        ("<embed:ink> dog <EMBEDDING: night >", "ink dog night", ("ink", "night"), ()),
        ("an embedding: a pebble in ice", "an embedding: a pebble in ice", (), ()),
        ("a dog <hypernet:ink:1>, night", "a dog , night", (), ("<hypernet:ink:1>",)),
        ("<wildcard:animal> a dog", " a dog".strip(), (), ("<wildcard:animal>",)),
        ("a page <http://example.org>", "a page <http://example.org>", (), ()),
    ):
        parsed = parse_prompt(prompt)
        assert (parsed.text, parsed.embeddings, parsed.left_out) == (text, embeddings, left_out), prompt


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("a <lora:> dog", "adapter '<lora:>' cannot be read"),
        ("a <lora:x:much> dog", "adapter '<lora:x:much>' cannot be read"),
        ("a <lora:x:1:2:3> dog", "cannot be read"),
        ("a <lora:x:1e400> dog", "cannot be read"),
        ("a <lora:x:nan> dog", "cannot be read"),
        ("a (dog:1000)", "weight 1000 in ':1000)' is out of range"),
        ("a [dog:cat:0.5]", "'[dog:cat:0.5]' would change the prompt between steps"),
        ("a [dog:5]", "would change the prompt between steps"),
        ("a [dog|cat]", "would change the prompt between steps"),
        (r"[hatsune miku \(vocaloid\):a dog:0.5]", "would change the prompt between steps"),
        ("[[a cat]:a dog:0.5]", "'[[a cat]:a dog:0.5]' would change"),
        ("[a (big:1.2) cat::5]", "would change the prompt between steps"),
        ("[dog:cat:1e-1]", "would change the prompt between steps"),
        ("[a [cat|dog] at night]", "'[cat|dog]' would change"),
        ("[(a|b) dog]", "would change the prompt between steps"),
        ("(" * 40 + "dog", "more than 30 brackets"),
    ],
)
def test_what_cannot_be_read_is_said(prompt: str, message: str) -> None:
    with pytest.raises(PromptSyntaxError) as caught:
        parse_prompt(prompt)
    assert message in caught.value.message
    assert caught.value.hint


def test_escaped_brackets_are_no_prompt_editing() -> None:
    assert spoken(r"a \[dog|cat\]") == "a [dog|cat]"


def test_text_without_syntax_comes_back_to_the_letter() -> None:
    random = Random(4)
    for _ in range(500):
        text = "".join(random.choice("ab ,.:;1-_'\"<>/|狗é\n\t") for _ in range(random.randrange(60)))
        assert spoken(text) == text


@pytest.mark.timeout(20)  # a pattern that backtracks would take minutes
@pytest.mark.parametrize(
    "text",
    [
        "(a:1.1) " * 2_500,
        "a " * 10_000,
        "[a] (" * 20 + "x" * 19_000,
        "<lora:" * 3_000,
        "[" * 25 + "|" * 19_000,
        ":1 " * 6_000,
        "a" + " " * 19_000,
        ":" + "1" * 19_000,
        "[a:" + "1" * 19_000 + "x]",
    ],
)
def test_the_longest_prompts_come_to_an_end(text: str) -> None:
    assert parse_prompt(text).text
