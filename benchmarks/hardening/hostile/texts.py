"""Hostile texts: YAML, styles and presets, templates, word lists, and all of them in other encodings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.hardening.hostile.case import Hostile, Knock
from commands.options import text_in
from compare.runs.record import read_record
from generate.choices.performance import find_performance
from generate.choices.presets import find_preset, preset_adapters
from generate.choices.styles import find_style
from generate.models import open_model, require_model
from ideation import (
    InstructionTemplate,
    PatternPlan,
    Wildcards,
    checked_template,
    read_wildcards,
    read_words,
    typed_concept,
)

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)


def yaml_files() -> Iterator[Hostile]:
    texts = {
        "an alias bomb": BOMB,
        "a tag that runs a program": '- !!python/object/apply:os.mkdir ["RAN"]\n',
        "a tag of a module": "- !!python/module:os\n",
        "a tag of one's own": "- !evil {name: evil}\n",
        "bytes": "- !!binary ZXZpbA==\n",
        "100,000 brackets": "[" * 100_000,
        "a key of a megabyte": f"? {'k' * 1_000_000}\n: x\n",
        "an anchor that holds itself": "&a [*a]\n",
        "a number of 5,000 digits": f"- name: {'9' * 5_000}\n",
        "another document behind it": "- x\n---\n- y\n",
        "a colon of nothing": "- evil:\n",
    }
    doors: dict[str, Callable[[Path], Any]] = {
        "styles": lambda folder: find_style("evil"),
        "presets": lambda folder: find_preset("evil"),
        "performance levels": lambda folder: find_performance("evil"),
        "wildcards": lambda folder: _all_of(read_wildcards(folder / "words")),
        "word lists": lambda folder: read_words(folder / "lists"),
    }
    for door, knock in doors.items():
        for name, text in texts.items():

            def build(folder: Path, text: str = text, knock: Callable[[Path], Any] = knock) -> Knock:
                for place in ("styles", "presets", "performance", "words", "lists"):
                    (folder / place).mkdir()
                    (folder / place / ("topics.yaml" if place == "lists" else "bomb.yaml")).write_text(text)
                os.chdir(folder)
                return lambda: knock(folder)

            yield Hostile(f"YAML of {door}", name, build, "topics.yaml" if door == "word lists" else "bomb.yaml")


def _all_of(wildcards: Wildcards) -> PatternPlan:
    return PatternPlan(" ".join(f"__{name}__" for name in (*wildcards.names, *wildcards.problems)), wildcards)


def choices() -> Iterator[Hostile]:
    styles = {
        "a field of 1.9 MB": ("bomb.csv", "name,prompt\nevil," + "x" * 1_900_000),
        "a file of 100 MB": ("bomb.csv", "name,prompt\nevil," + "x" * 100_000_000),
        "a quotation mark without end": ("bomb.csv", 'name,prompt\nevil,"' + "x\n" * 100_000),
        "400,000 rows": ("bomb.csv", "name,prompt\n" + "b,c\n" * 400_000),
        "900,000 columns": ("bomb.csv", "name,prompt" + ",x" * 900_000),
        "a column of a megabyte": ("bomb.csv", "name,prompt," + "x" * 100_000),
        "a formula": ("bomb.csv", "name,prompt,negative_prompt,cmd\nevil,=cmd|' /C calc'!A0,,\n"),
        "zeros": ("bomb.csv", "name,prompt\nevil,a\0b\n"),
        "JSON 100,000 deep": ("bomb.json", "[" * 100_000),
        "a number of 5,000 digits": ("bomb.json", '[{"name":"evil","prompt":' + "9" * 5_000 + "}]"),
        "control codes": ("bomb.json", '[{"name":"evil","prompt":"a\\u001b]0;owned\\u0007"}]'),
        "lone surrogates": ("bomb.json", '[{"name":"evil","prompt":"\\ud800"}]'),
    }
    for name, (file, text) in styles.items():

        def style(folder: Path, file: str = file, text: str = text) -> Knock:
            (folder / "styles").mkdir()
            (folder / "styles" / file).write_text(text)
            return lambda: find_style("evil")

        yield Hostile("styles of other programs", name, style, file)

    def used() -> Any:
        preset = find_preset("evil")
        if "model" in preset.settings:
            return require_model(preset.settings["model"])
        loras = [(one.name, one.text_encoder, one.unet) for one in preset_adapters(preset)]
        return open_model("seedling", device="cpu").load(loras)

    presets = {
        "a LoRA out of the folder": ("loras: [{name: ../evil}]", "bomb.yaml"),
        "a LoRA's file out of the folder": ("loras: [{name: own/er, file: ../evil.safetensors}]", "bomb.yaml"),
        "a pickle on the hub": ("loras: [{name: own/er, file: evil.ckpt}]", "bomb.yaml"),
        "a file on a hub out of reach": ("loras: [{name: own/er, file: evil.safetensors}]", "own/er"),
        "a model on a hub out of reach": ("settings: {model: own/er}", "own/er"),
        "a model out of the folder": ("settings: {model: ../../evil}", "../../evil"),
        "a model at an address": ("settings: {model: 'https://evil.example/x'}", "https://evil.example/x"),
        "a key more": ("settings: {model: seedling, code: evil.py}", "bomb.yaml"),
        "10^18 steps": ("settings: {num_inference_steps: 1000000000000000000}", "bomb.yaml"),
        "a guidance that is no number": ("settings: {guidance_scale: .nan}", "bomb.yaml"),
        "a LoRA's weight without end": ("loras: [{name: own/er, weight: .inf}]", "bomb.yaml"),
    }
    for name, (text, named) in presets.items():

        def preset(folder: Path, text: str = text) -> Knock:
            (folder / "presets").mkdir()
            (folder / "presets" / "bomb.yaml").write_text(f"- name: evil\n  {text}\n")
            return used

        yield Hostile("presets", name, preset, named)


def templates() -> Iterator[Hostile]:
    texts = {
        "reaching for classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "reaching through cycler": "{{ cycler.__init__.__globals__.os.mkdir('RAN') }}",
        "reaching through a format": "{{ '{0.__class__.__init__.__globals__}'.format(cycler) }}",
        "reaching through an attribute": "{{ cycler | attr('__init__') | attr('__globals__') }}",
        "a file from outside": "{% include '../../etc/passwd' %}",
        "a file by its whole path": "{% include '/etc/passwd' %}",
        "a range of 10^9": "{% for n in range(1000000000) %}x{% endfor %}",
        "loops in loops": "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
        "itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "a text times 10^10": "{{ 'x' * 10000000000 }}",
        "a list times 10^10": "{% set x = [0] * 10000000000 %}",
        "a text doubled 60 times": "{% set n = namespace(x='x') %}{% for i in range(60) %}"
        "{% set n.x = n.x + n.x %}{% endfor %}",
        "a number to the power": "{{ 9 ** 999999999 }}",
        "silent loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "a width of 10^10": "{{ '%10000000000d' % 1 }}",
        "another width of 10^10": "{{ '{:>10000000000}'.format(1) }}",
        "padding of 10^10": "{{ 'x'.ljust(10000000000) }}",
        "the filter center": "{{ 'x' | center(10000000000) }}",
        "the filter indent": "{{ 'x' | indent(10000000000, first=true) }}",
        "filler of a million paragraphs": "{{ lipsum(n=1000000) }}",
        "an error of 10 MB": "{{ {}['x' * 10000000] }}",
        "20,000 brackets": "{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}",
        "4,000 ifs in each other": "{% if 1 %}" * 4_000 + "{% endif %}" * 4_000,
    }
    for name, text in texts.items():

        def build(_: Path, text: str = text) -> Knock:
            return lambda: InstructionTemplate("evil.j2", text).render(concept="a dog", marker="m")

        yield Hostile("Jinja templates", name, build, "evil.j2")
    for text in ("{{ 7 * 7 }}", "{% include '/etc/passwd' %}", "${7*7}", "<script>alert(1)</script>"):

        def concept(_: Path, text: str = text) -> Knock:
            return lambda: text in typed_concept(f"a dog {text}").text

        yield Hostile("Jinja in a concept is text", text, concept, "")


def words() -> Iterator[Hostile]:
    contents: dict[str, bytes] = {
        "UTF-8 cut in a character": "老奶".encode()[:-1],
        "a line of 10 MB": b"a" * 10_000_000,
        "100 MB": b"a\n" * 50_000_000,
        "a million lines": b"a\n" * 1_000_000 + b"b\n",
        "control codes": b"dog\x1b]0;owned\x07\n",
        "zeros": bytes(10_000),
        "nothing": b"",
        "a weight of 10^4000": b"1" + b"0" * 4_000 + b"::dog\n",
    }
    doors: dict[str, Callable[[Path], Any]] = {
        "word lists": lambda folder: read_words(folder / "words"),
        "wildcards": lambda folder: PatternPlan("__topics__", read_wildcards(folder / "words")),
    }
    for door, knock in doors.items():
        for name, content in contents.items():

            def build(folder: Path, content: bytes = content, knock: Callable[[Path], Any] = knock) -> Knock:
                (folder / "words").mkdir()
                for file in ("topics.txt", "actions.txt", "styles.txt"):
                    (folder / "words" / file).write_bytes(content)
                return lambda: knock(folder)

            if (door, name) != ("wildcards", "a million lines"):  # one of a weight of a million: allowed
                yield Hostile(door, name, build, "topics.txt")

    def loop(folder: Path) -> Knock:
        (folder / "words").mkdir()
        (folder / "words" / "a.txt").write_text("__b__\n__b__\n")
        (folder / "words" / "b.txt").write_text("__a__\n__a__\n")
        return lambda: PatternPlan("__a__", read_wildcards(folder / "words"))

    def doubling(folder: Path) -> Knock:
        (folder / "words").mkdir()
        for number in range(60):
            (folder / "words" / f"a{number}.txt").write_text(f"__a{number + 1}__ __a{number + 1}__\n")
        (folder / "words" / "a60.txt").write_text("x\n")
        return lambda: PatternPlan("__a0__", read_wildcards(folder / "words"))

    yield Hostile("wildcards", "lists in a circle", loop, ".txt")
    yield Hostile("wildcards", "2^60 words", doubling, "a")


def encodings() -> Iterator[Hostile]:
    """Files in encodings that are not read: refused, and never read as other words."""
    text = "狗é\n"
    ways = {
        "UTF-16 without a mark": text.encode("utf-16-le"),
        "UTF-32": text.encode("utf-32"),
        "Latin-1": "caf\xe9\n".encode("latin-1"),
        "Big5": "狗在下棋\n".encode("big5"),
        "GBK": "狗在下棋\n".encode("gbk"),
    }
    doors: dict[str, tuple[str, Callable[[Path], Any]]] = {
        "a word list": ("words/topics.txt", lambda folder: read_words(folder / "words")),
        "wildcards": ("words/a.txt", lambda folder: PatternPlan("__a__", read_wildcards(folder / "words"))),
        "styles.csv": ("styles/bomb.csv", lambda folder: find_style("evil")),
        "styles in YAML": ("styles/bomb.yaml", lambda folder: find_style("evil")),
        "a preset": ("presets/bomb.yaml", lambda folder: find_preset("evil")),
        "a template": ("bomb.j2", lambda folder: checked_template(str(folder / "bomb.j2"))),
        "observations": ("bomb.md", lambda folder: text_in(folder / "bomb.md")),
        "a record": ("record.json", lambda folder: read_record(folder / "record.json")),
    }
    for door, (file, knock) in doors.items():
        for name, content in ways.items():

            def build(folder: Path, file: str = file, content: bytes = content, knock: Any = knock) -> Knock:
                (folder / file).parent.mkdir(exist_ok=True)
                (folder / file).write_bytes(content)
                return lambda: knock(folder)

            yield Hostile("other encodings", f"{name}, {door}", build, Path(file).name)
