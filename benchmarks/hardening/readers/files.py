"""Files: word lists, wildcards, styles, presets, weights, tokenizers and configurations of models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.hardening.readers.reader import Reader, in_file
from generate.choices import performance, presets, sizes, styles
from generate.models.architecture import family_of_folder
from generate.models.clip_tokenizer import find_clip_tokenizer
from generate.models.weights.weight_file import read_weight_file
from generate.seedling import SEEDLING_FOLDER, SEEDLING_TOKENIZER
from ideation import PatternPlan, TokenBudget, read_wildcards, read_words

PATTERN = "{2::a red|a blue} ${who=!{dog|cat}}${who} {1-2$$ and $$x|y|z} on \\{a\\} __topics__"


_HEADER = json.dumps(
    {
        "__metadata__": {"format": "pt", "ss_base_model_version": "sd_v1"},
        "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight": {
            "dtype": "F16",
            "shape": [1, 4],
            "data_offsets": [0, 8],
        },
        "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight": {
            "dtype": "F16",
            "shape": [4, 1],
            "data_offsets": [8, 16],
        },
    }
)


_LEVEL = "name: quick\nnum_inference_steps: 8\n"


_PRESET = "name: soft\nsettings: {guidance_scale: 5}\nstyles: [fog]\n"


_SIZES = 'name: mine\nnative: 512\nsizes: [{ratio: "5:4", width: 640, height: 512}]\n'


_STYLE = 'name: fog\nzh: 霧\npositive: "{prompt}, fog"\nnegative: "sun"\n'


_STYLES_CSV = 'name,prompt,negative_prompt\nfog,"{prompt}, fog",sun\n'


_STYLES_JSON = json.dumps([{"name": "fog", "prompt": "{prompt}, fog", "negative_prompt": "sun"}])


def _choices(kind: Any) -> Callable[[Path], Any]:
    def door(file: Path) -> None:
        _, problems = kind.from_file(file)
        if problems:
            raise problems[0].error

    return door


def _header(file: Path) -> None:
    """The text as the header of a file of weights, whose tensors have sixteen bytes."""
    text = file.read_bytes()
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(16))
    read_weight_file(file)


def _of_seedling(file: str) -> str:
    return (SEEDLING_FOLDER / file).read_text(encoding="utf-8")


def _model_folder(file: str) -> Callable[[Path], Callable[[str], Any]]:
    """Seedling's folder, but for one of its configurations."""

    def build(folder: Path) -> Callable[[str], Any]:
        for name in ("model_index.json", "unet/config.json"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(_of_seedling(name), encoding="utf-8")
        return in_file("", file, lambda _: family_of_folder(folder)).build(folder)

    return build


def _tokenizer(file: Path) -> None:
    TokenBudget(file, vectors={}).count("a dog riding a bicycle")


def _vocabulary(file: Path) -> None:
    (file.parent / "merges.txt").touch()
    find_clip_tokenizer(file.parents[2] / "x.safetensors", 3)


def _weights_named(file: Path) -> None:
    """A file of weights whose tensors are called by the words of a text."""
    text = file.read_text(encoding="utf-8", errors="replace")
    names = {word: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for word in text.split(" ")}
    header = json.dumps(names | {"__metadata__": {"a": text}}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    read_weight_file(file)


def _wildcards(file: Path) -> None:
    found = read_wildcards(file.parent)
    for name in found.names[:20]:
        found.entries(name)
        list(PatternPlan(f"__{name}__", found).draw(7, 0, 2))


FILES: tuple[Reader, ...] = (
    in_file("a word list, TXT", "topics.txt", lambda file: read_words(file.parent), "dog\n2::cat\n# no\n"),
    in_file("a word list, YAML", "topics.yaml", lambda file: read_words(file.parent), "- dog\n- {cat: 2}\n- {en: a}\n"),
    in_file(
        "a word list, JSON", "topics.json", lambda file: read_words(file.parent), '["dog", {"en": "cat", "zh": "貓"}]'
    ),
    in_file("wildcards, TXT", "a.txt", _wildcards, f"dog\n2::cat\n{PATTERN}\n".replace("__topics__", "x")),
    in_file("wildcards, YAML", "a.yaml", _wildcards, "a: [dog, 2::cat]\nb: {c: ['{x|y}', {z: 2}]}\n"),
    in_file("wildcards, JSON", "a.json", _wildcards, '{"a": ["dog", {"text": "cat", "weight": 2}]}'),
    in_file("styles, YAML", "a.yaml", _choices(styles._KIND), _STYLE),
    in_file("styles, JSON", "a.json", _choices(styles._KIND), _STYLES_JSON),
    in_file("styles, CSV", "a.csv", _choices(styles._KIND), _STYLES_CSV),
    in_file("presets", "a.yaml", _choices(presets._KIND), _PRESET),
    in_file("sizes", "a.yaml", _choices(sizes._KIND), _SIZES),
    in_file("performance levels", "a.yaml", _choices(performance._KIND), _LEVEL),
    in_file("a header of weights", "a.safetensors", _header, _HEADER),
    in_file("names in weights", "a.safetensors", _weights_named, "lora_unet_a.lora_down.weight lora_te_b.alpha"),
    Reader("model_index.json", _model_folder("model_index.json"), (_of_seedling("model_index.json"),)),
    Reader("the configuration of a U-Net", _model_folder("unet/config.json"), (_of_seedling("unet/config.json"),)),
    in_file("tokenizer.json", "tokenizer.json", _tokenizer, SEEDLING_TOKENIZER.read_text()),
    in_file("vocab.json", "x/tokenizer/vocab.json", _vocabulary, '{"a": 0, "b": 1, "c": 2}'),
)

WEIGHTS = (
    in_file(
        "files of weights",
        "a.safetensors",
        read_weight_file,
        len(_HEADER).to_bytes(8, "little") + _HEADER.encode() + bytes(16),
    ),
)
