"""Inputs: what hypothesis makes of the samples of a reader."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from benchmarks.hardening.readers.reader import Reader

#: What readers look for.
MARKS = (
    *"()[]{}<>|:;,.\"'\\/_-*#%&$@!~= \n\t\0",
    *(
        "::",
        "$$",
        "__",
        "${",
        "\\(",
        "\r\n",
        "}}",
        "{{",
        "BREAK",
        "<lora:a:1>",
        "embedding:",
        ":1.3)",
        "Steps: 7, ",
        "\n",
    ),
    *("Negative prompt: ", "null", "true", "NaN", "Infinity", "-0", "1e999", "9" * 30, "9" * 5000, "0.1", "-1", "[]"),
    *("{}", '""', "<think>", "</think>", "```", "- ", "? ", "!!python/object:a ", "&a ", "*a", "%YAML 1.1\n", "---\n"),
    *(
        "\u0301",
        "\u200d",
        "\ufe0f",
        "\u202e",
        "\ufeff",
        "\U0001f469",
        "狗",
        "一隻",
        "，",
        "「",
        "“",
        "\u2028",
        "é",
        "ß",
        "İ",
    ),
    *(
        '"class_type": ',
        '"inputs": ',
        '["3", 0]',
        "Lora hashes: ",
        '"text": ',
        "2::",
        "{1-2$$",
        "data_offsets",
        "\\ud800",
    ),
)
ODD_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([2**63, 10**400, ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def changed(draw: st.DrawFn, samples: tuple[Any, ...]) -> Any:
    """A sample, changed here and there: cut, doubled, repeated, put together with another, with marks in it."""
    made = draw(st.sampled_from(samples))
    marks = MARKS if isinstance(made, str) else tuple(mark.encode() for mark in MARKS)
    for _ in range(draw(st.integers(0, 6))):
        begin = draw(st.integers(0, len(made)))
        end = min(len(made), begin + draw(st.integers(0, 40)))
        kind = draw(st.integers(0, 6))
        if kind == 0:
            made = made[:begin] + made[end:]
        elif kind == 1:
            made = made[:end] + made[begin:]
        elif kind == 2:
            made = made[:begin] + made[begin:end] * draw(st.integers(2, 60)) + made[end:]
        elif kind == 3:
            other = draw(st.sampled_from(samples))
            made = made[:begin] + other[draw(st.integers(0, len(other))) :]
        elif kind == 4:
            made = made[:begin] + draw(st.sampled_from(marks)) * draw(st.integers(1, 30)) + made[begin:]
        elif kind == 5:
            made = made[:begin] + draw(st.sampled_from(marks)) + made[end:]
        else:
            any_ = st.text(max_size=6) if isinstance(made, str) else st.binary(max_size=6)
            made = made[:begin] + draw(any_) + made[end:]
    return made


@st.composite
def changed_json(draw: st.DrawFn, samples: tuple[Any, ...]) -> str:
    """The JSON of a sample with other values in some places."""
    root = [json.loads(json.dumps(draw(st.sampled_from(samples))))]
    for _ in range(draw(st.integers(1, 4))):
        at: Any = root
        key: Any = 0
        while isinstance(at[key], dict | list) and at[key] and draw(st.integers(0, 3)):
            at = at[key]
            key = draw(st.sampled_from(sorted(at))) if isinstance(at, dict) else draw(st.integers(0, len(at) - 1))
        at[key] = draw(ODD_VALUES)
    return json.dumps(root[0])


def inputs(reader: Reader) -> st.SearchStrategy[Any]:
    if reader.is_of_bytes:
        return changed(reader.samples) | st.binary(max_size=200)
    put_together = st.lists(st.sampled_from(MARKS) | st.text(max_size=5), max_size=30).map("".join)
    objects = tuple(found for sample in reader.samples if (found := _json(sample)) is not None)
    strategies = [changed(reader.samples), changed(reader.samples), put_together, st.text(max_size=200)]
    return st.one_of(*strategies, *([changed_json(objects)] * 2 if objects else []))


def _json(text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict | list) else None
