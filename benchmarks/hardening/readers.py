"""The readers: every door that takes in text of strangers, by what comes in through it.

`linear.py` measures how long each takes for long texts, `fuzz.py` tries texts that hardly anybody would think of.
Homework, bundles and zips are not among them: they do not exist yet.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests" / "support"), str(REPOSITORY / "tests" / "files")]

from sample_run import OLD_RUNS, PROMPTS, sample_record
from test_foreign_pictures import A1111, COMFYUI, FOOOCUS, INVOKEAI, NOVELAI, node

from commands.console import visible
from compare.instruments.scores.phrase_audit import audit, audit_section, new_words
from compare.page.text import plain
from compare.report import sentences
from compare.request import PairOptions, PairRequest, request_from_json
from compare.runs.gallery import Gallery
from compare.runs.record import parse_record
from compare.view import markdown_report, render_report
from generate.choices import find_style, match_aspect_ratio, performance, presets, sizes, styles
from generate.files import likeness_of
from generate.files.exif import comment_in_xmp
from generate.files.foreign import parameters_of_infotext, read_foreign
from generate.files.infotext import parse_infotext
from generate.models.architecture import family_of_folder
from generate.models.clip_tokenizer import find_clip_tokenizer
from generate.models.weight_file import read_weight_file
from generate.schedulers import find_scheduler
from generate.seedling import SEEDLING_FOLDER, SEEDLING_TOKENIZER
from generate.settings import RenderSettings
from ideation import (
    Concept,
    DraftRequest,
    OfflineExpander,
    PatternPlan,
    TokenBudget,
    Word,
    built_in_wildcards,
    built_in_words,
    guess_language,
    marks_in,
    parse_prompt,
    pinned,
    read_wildcards,
    read_words,
    require_prompt,
    seedling_vocabulary,
    typed_concept,
)
from ideation.chinese import to_english
from ideation.english import (
    as_written,
    content_stems,
    diff,
    encoder_pieces,
    phrases_of,
    plain_words,
    segments,
    style_phrase,
    with_article,
    words_of,
)
from ideation.expanders.errors import shortened
from ideation.expanders.instruction import instruction_for
from ideation.expanders.llm.response import read_response
from ideation.expanders.llm.server import server_of, without_key
from ideation.faithfulness import check

ANSWER = {
    "language": "en",
    "simple": "a dog, ink",
    "expanded": "a (red:1.2) dog on a beach at night, ink wash",
    "negative": "blurry",
    "reasons": ["red, for the ink"],
}
PATTERN = "{2::a red|a blue} ${who=!{dog|cat}}${who} {1-2$$ and $$x|y|z} on \\{a\\} __topics__"


@dataclass(frozen=True)
class Reader:
    """`build` makes the door, which may keep files in the folder that it is given. `samples` are what usually comes."""

    name: str
    build: Callable[[Path], Callable[[str], Any]]
    samples: tuple[str, ...]


def _plain(name: str, door: Callable[[str], Any], *samples: str) -> Reader:
    return Reader(name, lambda _: door, samples)


def _file(name: str, file: str, door: Callable[[Path], Any], *samples: str) -> Reader:
    """A door that is given the path of a file."""

    def build(folder: Path) -> Callable[[str], Any]:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)

        def read(text: str) -> Any:
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
            return door(path)

        return read

    return Reader(name, build, samples)


def _english(text: str) -> None:
    words = words_of(text)
    as_written(words)
    segments(text)
    plain_words(text)
    encoder_pieces(text)
    content_stems(text)
    with_article(text)
    style_phrase(text)


def _kept(text: str) -> None:
    for language in ("en", "zh-TW"):
        check(Concept(text, language), text, text[::-1])
    word = Word(text, text)
    check(Concept(text, "en", word, word, word), text, "a dog")


def _offline(text: str) -> None:
    concept = typed_concept(text)
    for vocabulary in (None, seedling_vocabulary()):
        OfflineExpander().draft(DraftRequest(concept, 7, 77, vocabulary))


def _pattern(text: str) -> None:
    list(PatternPlan(text, built_in_wildcards(built_in_words())).draw(7, 0, 2))


def _wildcards(file: Path) -> None:
    found = read_wildcards(file.parent)
    for name in found.names[:20]:
        found.entries(name)
        list(PatternPlan(f"__{name}__", found).draw(7, 0, 2))


def _answer(text: str) -> None:
    read_response(json.dumps(ANSWER | {"simple": text, "expanded": text, "reasons": [text]}))


def _budget() -> TokenBudget:
    return TokenBudget(SEEDLING_TOKENIZER, vectors={"glow": 3, "glow-2": 2})


def _tokens(_: Path) -> Callable[[str], Any]:
    budget = _budget()
    return lambda text: budget.measure(text, text)


def _infotext(text: str) -> None:
    likeness_of(parameters_of_infotext(parse_infotext(text)), RenderSettings())


def _texts(**texts: str) -> None:
    found = read_foreign(texts)
    if found is not None:
        likeness_of(found, RenderSettings())


def _within(sample: Mapping[str, Any], *keys: str) -> Callable[[str], str]:
    """The sample as JSON, with a text in the place of these keys' values."""
    return lambda text: json.dumps({**sample} | dict.fromkeys(keys, text))


def _graph(text: str) -> str:
    """A graph in which the text is the prompt, by way of nodes that put texts together and show them."""
    joined = node("Text Concatenate", text_a=["21", 0], text_b=text)
    nodes = {"6": node("CLIPTextEncode", text=["20", 0]), "20": joined, "21": node("ShowText|pysssss", text=text)}
    return json.dumps(COMFYUI | nodes)


def _nodes(text: str) -> str:
    """A graph whose nodes stand one behind the other, or each feeds all before it; the text says how many."""
    count = len(text) // 60
    nodes = {"6": node("CLIPTextEncode", text=["100", 0])}
    for number in range(100, 100 + count):
        links = {f"text_{part}": [str(number + part + 1), 0] for part in range(3)}
        nodes[str(number)] = node("Text Concatenate", **links)
    return json.dumps(COMFYUI | nodes | {str(100 + count + part): node("Text", text=text) for part in range(4)})


def _record(**changes: Any) -> str:
    return sample_record(**changes)[0].to_json()


def _said_in_record(_: Path) -> Callable[[str], Any]:
    record = json.loads(_record())

    def read(text: str) -> None:
        prompts = record["prompts"] | {"simple": text, "expanded": text, "negative": text}
        parse_record(json.dumps(record | {"observations": text, "prompts": prompts}).encode())

    return read


def _request(text: str) -> None:
    content = PairRequest(Concept(text, "en"), simple=text, expanded=text, styles=(text,)).to_json()
    request_from_json(content).to_command()


def _option(name: str) -> Callable[[str], Any]:
    """A field of the options, with the text in it; several for those that take several."""
    several = name in ("lora", "style", "instruments", "set_options")

    def read(text: str) -> None:
        PairRequest.from_options(PairOptions(concept="a dog", **{name: (text,) if several else text}))

    return read


def _report(_: Path) -> Callable[[str], Any]:
    record, files = sample_record()

    def read(text: str) -> None:
        prompts = replace(PROMPTS, simple=text, expanded=text[::-1], negative=text)
        changed = record.model_copy(update={"prompts": prompts, "observations": text})
        render_report(changed, files)
        markdown_report(changed, files)

    return read


def _audit(_: Path) -> Callable[[str], Any]:
    budget, t = _budget(), sentences("en")["report"]

    def read(text: str) -> None:
        context: Any = SimpleNamespace(prompts=replace(PROMPTS, expanded=text), budget=budget, clip=None)
        phrases = audit(context)
        audit_section(phrases, text, t)
        new_words(text, "a dog")
        said_before: Any = SimpleNamespace(prompts=replace(PROMPTS, expanded=text, simple=text), budget=budget, clip=None)
        audit(said_before)

    return read


def _gallery(folder: Path) -> Callable[[str], Any]:
    gallery = Gallery(folder / "runs")
    record, files = sample_record()
    gallery.write(record, files, render_report(record, files))
    return lambda text: gallery.runs(query=text)


def _run_folder(folder: Path) -> Callable[[str], Any]:
    return Gallery(folder / "runs").open


def _choices(kind: Any) -> Callable[[Path], Any]:
    def door(file: Path) -> None:
        _, problems = kind.from_file(file)
        if problems:
            raise problems[0].error

    return door


def _tokenizer(file: Path) -> None:
    TokenBudget(file, vectors={}).count("a dog riding a bicycle")


def _header(file: Path) -> None:
    """The text as the header of a file of weights, whose tensors have sixteen bytes."""
    text = file.read_bytes()
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(16))
    read_weight_file(file)


def _weights_named(file: Path) -> None:
    """A file of weights whose tensors are called by the words of a text."""
    text = file.read_text(encoding="utf-8", errors="replace")
    names = {word: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for word in text.split(" ")}
    header = json.dumps(names | {"__metadata__": {"a": text}}).encode()
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    read_weight_file(file)


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
_STYLE = 'name: fog\nzh: 霧\npositive: "{prompt}, fog"\nnegative: "sun"\n'
_STYLES_JSON = json.dumps([{"name": "fog", "prompt": "{prompt}, fog", "negative_prompt": "sun"}])
_STYLES_CSV = 'name,prompt,negative_prompt\nfog,"{prompt}, fog",sun\n'
_PRESET = "name: soft\nsettings: {guidance_scale: 5}\nstyles: [fog]\n"
_SIZES = 'name: mine\nnative: 512\nsizes: [{ratio: "5:4", width: 640, height: 512}]\n'
_LEVEL = "name: quick\nsteps: 8\n"

TALK: tuple[Reader, ...] = (
    _plain("a prompt", lambda text: (marks_in(text), parse_prompt(text)), "a (red:1.3) [dog] BREAK <lora:ink:0.7> \\("),
    _plain("a typed prompt", lambda text: require_prompt("simple", text), "a red dog"),
    _plain("English words", _english, "the dogs' well-known café, 2.5 scoops"),
    _plain("phrases", phrases_of, ANSWER["expanded"]),  # type: ignore[arg-type]
    _plain("two prompts compared", lambda text: diff(text, text[::-1]), "a dog at night"),
    _plain("two prompts compared, nearly alike", lambda text: diff(text, f"a {text} b"), "a dog at night"),
    _plain("what is kept of a concept", _kept, "three red dogs without hats in the style of Joan Miro, no cats"),
    Reader("tokens", _tokens, ("a glow dog",)),
    _plain("a concept", lambda text: (typed_concept(text), guess_language(text)), "a dog", "一隻狗", "un chien"),
    _plain("a part of a concept", lambda text: pinned(built_in_words(), topic=text), "dog"),
    _plain("the offline expander", _offline, "a red dog riding a bicycle at night, Joan Miro style"),
    _plain("Chinese", to_english, "一隻紅色的狗在海灘上騎腳踏車，水彩風格"),
    _plain("a pattern", _pattern, PATTERN),
    _plain("an LLM's answer", read_response, json.dumps(ANSWER), "Simple: a dog\nExpanded: a red dog", str(ANSWER)),
    _plain("the prompts in an LLM's answer", _answer, "a (red:1.3) dog"),
    _plain("an LLM's error", lambda text: shortened(without_key(text, "sk-1")), "the key sk-1234567 is wrong"),
    _plain("the address of an LLM", lambda text: server_of(text, "OPENAI_BASE_URL"), "http://127.0.0.1:11434/v1"),
    _plain("what an LLM is told", lambda text: instruction_for(DraftRequest(Concept(text, "en"), 7, 77)), "a dog"),
)
FILES: tuple[Reader, ...] = (
    _file("a word list, TXT", "topics.txt", lambda file: read_words(file.parent), "dog\n2::cat\n# no\n"),
    _file("a word list, YAML", "topics.yaml", lambda file: read_words(file.parent), "- dog\n- {cat: 2}\n- {en: a}\n"),
    _file("a word list, JSON", "topics.json", lambda file: read_words(file.parent), '["dog", {"en": "cat", "zh": "貓"}]'),
    _file("wildcards, TXT", "a.txt", _wildcards, f"dog\n2::cat\n{PATTERN}\n"),
    _file("wildcards, YAML", "a.yaml", _wildcards, "a: [dog, 2::cat]\nb: {c: ['{x|y}', {z: 2}]}\n"),
    _file("wildcards, JSON", "a.json", _wildcards, '{"a": ["dog", {"text": "cat", "weight": 2}]}'),
    _file("styles, YAML", "a.yaml", _choices(styles._KIND), _STYLE),
    _file("styles, JSON", "a.json", _choices(styles._KIND), _STYLES_JSON),
    _file("styles, CSV", "a.csv", _choices(styles._KIND), _STYLES_CSV),
    _file("presets", "a.yaml", _choices(presets._KIND), _PRESET),
    _file("sizes", "a.yaml", _choices(sizes._KIND), _SIZES),
    _file("performance levels", "a.yaml", _choices(performance._KIND), _LEVEL),
    _file("a header of weights", "a.safetensors", _header, _HEADER),
    _file("names in weights", "a.safetensors", _weights_named, "lora_unet_a.lora_down.weight lora_te_b.alpha"),
    _file("model_index.json", "model_index.json", lambda file: family_of_folder(file.parent), (SEEDLING_FOLDER / "model_index.json").read_text()),
    _file("tokenizer.json", "tokenizer.json", _tokenizer, SEEDLING_TOKENIZER.read_text()),
    _file("vocab.json", "x/tokenizer/vocab.json", lambda file: ((file.parent / "merges.txt").touch(), find_clip_tokenizer(file.parents[2] / "x.safetensors", 3)), '{"a": 0, "b": 1, "c": 2}'),
)
PICTURES: tuple[Reader, ...] = (
    _plain("infotext", _infotext, A1111),
    _plain("a prompt in infotext", lambda text: _infotext(text + A1111.partition("a dog")[2]), "a dog"),
    _plain("a line of infotext", lambda text: _infotext(A1111 + text), ", Hires upscale: 2", "\nTemplate: a"),
    *(
        _plain(f"the text {name}", lambda text, name=name: _texts(**{name: text}), *samples)
        for name, samples in {
            "parameters": (json.dumps(FOOOCUS), A1111),
            "UserComment": (json.dumps(INVOKEAI),),
            "invokeai_metadata": (json.dumps(INVOKEAI),),
            "sd-metadata": (json.dumps({"app_version": "2", "model": "x", "image": {"prompt": "a dog", "seed": 7}}),),
            "Dream": ('"a dog [blurry]" -s 50 -S 7 -W 512 -H 512 -C 7.5 -A k_lms',),
            "prompt": (json.dumps(COMFYUI),),
            "Comment": (json.dumps(NOVELAI),),
        }.items()
    ),
    _plain("the prompt of Fooocus", lambda text: _texts(parameters=_within(FOOOCUS, "prompt", "styles")(text)), "a dog"),
    _plain("the prompt of InvokeAI", lambda text: _texts(invokeai_metadata=_within(INVOKEAI, "positive_prompt", "scheduler")(text)), "a dog"),
    _plain("the prompt of NovelAI", lambda text: _texts(Software="NovelAI", Comment=_within(NOVELAI, "prompt", "uc", "sampler")(text)), "a dog"),
    _plain("the prompt of Easy Diffusion", lambda text: _texts(prompt=text, num_inference_steps="20", use_lora_model=text, lora_alpha=text), "a dog"),
    _plain("the prompt of ComfyUI", lambda text: _texts(prompt=_graph(text)), "a dog"),
    _plain("as many nodes of ComfyUI", lambda text: _texts(prompt=_nodes(text)), "a dog" * 300),
    _plain("XMP", lambda text: comment_in_xmp(f"<exif:UserComment>{text}</exif:UserComment>"), "<a>&quot;b"),
)
RUNS: tuple[Reader, ...] = (
    _plain("a record", lambda text: parse_record(text.encode("utf-8", "surrogatepass")), _record(), *((run / "record.json").read_text() for run in OLD_RUNS)),
    Reader("the words of a record", _said_in_record, ("a dog",)),
    _plain("a request", _request, "a dog"),
    Reader("a report", _report, ("a dog, at night",)),
    Reader("the audit of phrases", _audit, ("a dog, on a beach, at night",)),
    Reader("a search for runs", _gallery, ("dog night",)),
    Reader("the name of a run", _run_folder, ("20261123-101500-a-dog-3",)),
)
WORDS: tuple[Reader, ...] = (
    *(
        _plain(f"the option {name}", _option(name), *samples)
        for name, samples in {
            "concept": ("a dog",),
            "simple": ("a dog",),
            "negative": ("blurry",),
            "seed": ("7",),
            "size": ("64x64",),
            "aspect": ("16:9",),
            "lora": ("ink:0.7",),
            "scheduler": ("DPM++ 2M Karras",),
            "preset": ("soft",),
            "style": ("watercolor",),
            "performance": ("quick",),
            "vae": ("fine",),
            "template": ("concise",),
            "expander": ("offline",),
            "set_options": ("sweep.steps=5,10",),
            "instruments": ("ladder,sweep",),
            "drawn": ("12@7",),
            "model": ("seedling",),
        }.items()
    ),
    _plain("the name of a style", find_style, "watercolor"),
    _plain("the name of a scheduler", find_scheduler, "DPM++ 2M"),
    _plain("an aspect ratio", lambda text: match_aspect_ratio(text, 512), "16:9"),
    _plain("what the terminal prints", visible, "a dog"),
    _plain("what the page shows", plain, "a dog"),
)
READERS = (*TALK, *FILES, *PICTURES, *RUNS, *WORDS)


def prepare(folder: Path) -> None:
    """No key, server, model or file of whoever runs this."""
    for name in ("MODELS", "STYLES", "PRESETS", "PERFORMANCE", "ASPECT_RATIOS", "CACHE", "RUNS"):
        (folder / name.lower()).mkdir(exist_ok=True)
        os.environ[f"TWINSEED_{name}"] = str(folder / name.lower())
    os.environ |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
    for name in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        os.environ.pop(name, None)
