"""The request: one value for all that can be asked about a pair, and every way there and back."""

from __future__ import annotations

import atexit
import json
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import commands.pairs.pair
from compare.instruments.examination import Examination
from compare.request import PairOptions, PairRequest, request_from_json
from generate.choices.presets import PRESETS
from generate.choices.styles import all_styles
from generate.files import encode_png, plain_picture_texts
from generate.models import known_words
from generate.schedulers.table import SCHEDULERS
from generate.seedling import SEEDLING_FOLDER
from generate.settings import RenderSettings
from ideation import AdapterMention, TwinseedError, draw, told, typed_concept
from templates import LANGUAGES
from twinseed import main

DOG = PairRequest(typed_concept("a dog riding a bicycle"), RenderSettings(seed=7))


def options_of(words: list[str]) -> PairOptions:
    """The options that the program itself reads from a command line of `twinseed pair`."""
    read: list[PairOptions] = []

    def instead_of_rendering(options: PairOptions, *_: Any) -> None:
        read.append(options)

    instead = _replaced(commands.pairs.pair, "carry_out", instead_of_rendering)
    with instead, _replaced(sys, "argv", words), pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0, f"not understood: {shlex.join(words)}"
    return read[0]


@contextmanager
def _replaced(module: Any, name: str, value: Any) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def through_the_command_line(request: PairRequest) -> PairRequest:
    found, _ = PairRequest.from_options(options_of(request.to_command()))
    return found


def settled(**changes: Any) -> PairRequest:
    """A request with other settings."""
    return replace(DOG, settings=replace(DOG.settings, **changes))


def _of_a_transformer() -> str:
    """The folder of as much of a model as a request looks at."""
    folder = Path(tempfile.mkdtemp(prefix="twinseed-tests-"))
    atexit.register(shutil.rmtree, folder)
    (folder / "transformer").mkdir()
    (folder / "model_index.json").write_text('{"_class_name": "ZImagePipeline"}', encoding="utf-8")
    (folder / "transformer" / "config.json").write_text("{}", encoding="utf-8")
    return str(folder)


# A request for every field, with a value that is not the usual one. Whoever adds a field adds a line.
REQUESTS: dict[str, PairRequest] = {
    "concept": replace(DOG, concept=draw(known_words("seedling"), seed=2**60, index=12)),
    "simple": replace(DOG, simple="a (red:1.3) dog, 50% --off 'now'"),
    "expanded": replace(DOG, expanded="-- a dog\nin the rain"),
    "negative": replace(DOG, negative=""),
    "expander": replace(DOG, expander="offline"),
    "llm_model": replace(DOG, llm_model="gemini-3.5-flash"),
    "template": replace(DOG, template="concise"),
    "tokens": replace(DOG, tokens="truncate"),
    "cache": replace(DOG, cache=False),
    "preset": replace(settled(num_inference_steps=20, guidance_scale=5.0), preset="laptop"),
    "styles": replace(DOG, styles=("oil painting", "watercolor")),
    "enhance": replace(DOG, enhance=True),
    "aspect": replace(DOG, aspect="16:9"),
    "noise_floor": replace(DOG, noise_floor=True),
    "allow_pickle": replace(DOG, allow_pickle=True),
    "language": replace(DOG, language="zh-TW"),
    "examination.clip": replace(DOG, examination=Examination(clip="none")),
    "examination.instruments": replace(DOG, examination=Examination(instruments=("sweep", "ladder"))),
    "examination.options": replace(
        DOG,
        examination=Examination(
            instruments=("sweep",), options={"sweep": {"steps": [5, 10], "schedulers": ["Euler a", "DDIM"]}}
        ),
    ),
    "settings.model": settled(model=str(SEEDLING_FOLDER)),
    "settings.scheduler": settled(scheduler="Euler a"),
    "settings.num_inference_steps": settled(num_inference_steps=12),
    "settings.guidance_scale": settled(guidance_scale=6.123456789),
    "settings.width": settled(width=192, height=128),
    "settings.height": settled(width=128, height=192),
    "settings.seed": settled(seed=2**63 - 9),
    "settings.images": settled(images=4),
    "settings.device": settled(device="cpu"),
    "settings.dtype": settled(dtype="bfloat16"),
    "settings.long_prompts": replace(settled(long_prompts="chunk"), tokens="chunk"),
    "settings.clip_skip": settled(clip_skip=2),
    "settings.vae": settled(vae="paler"),
    "settings.adapters": settled(adapters=(AdapterMention("wobble", 0.3, -0.7), AdapterMention("other", 1.0, 1.0))),
    "settings.fast": settled(fast=True),
    "settings.compiled": settled(compiled=True),
    "settings.max_sequence_length": settled(model=_of_a_transformer(), scheduler="Euler", max_sequence_length=128),
    "settings.memory": settled(model=_of_a_transformer(), scheduler="Euler", memory="8GB"),
    "settings.pairs_per_batch": settled(pairs_per_batch=4),
    "settings.attention_backend": settled(
        model=_of_a_transformer(), scheduler="Euler", attention_backend="_native_math"
    ),
}
#: Said in a command of its own.
ELSEWHERE = {"draft": replace(settled(num_inference_steps=40), draft="20261123-101500-a-dog-7")}


def test_no_field_is_forgotten() -> None:
    asked = {one.name for one in fields(PairRequest)} - {"settings", "examination"}
    asked |= {f"settings.{one.name}" for one in fields(RenderSettings)}
    asked |= {f"examination.{one.name}" for one in fields(Examination)}
    assert set(REQUESTS) | set(ELSEWHERE) == asked


@pytest.mark.parametrize("field", REQUESTS)
def test_a_request_is_its_command_line(field: str) -> None:
    request = REQUESTS[field]
    assert request != DOG
    assert through_the_command_line(request) == request, shlex.join(request.to_command())


@pytest.mark.parametrize("field", [*REQUESTS, *ELSEWHERE])
def test_a_request_is_its_json(field: str) -> None:
    request = (REQUESTS | ELSEWHERE)[field]
    content = json.loads(json.dumps(request.to_json()))
    assert request_from_json(content) == request
    assert isinstance(content["settings"]["seed"], str), "seeds are strings: browsers lose digits past 2**53"


def test_equal_requests_have_equal_digests_and_others_have_others() -> None:
    digests = {request.digest for field, request in (REQUESTS | ELSEWHERE).items() if field != "language"}
    assert len(digests) == len(REQUESTS) + len(ELSEWHERE) - 1
    assert DOG.digest not in digests
    assert REQUESTS["language"].digest == DOG.digest, "the same pictures, whoever reads of them"


def test_a_refinement_is_told_as_one() -> None:
    assert ELSEWHERE["draft"].to_command() == ["twinseed", "refine", "20261123-101500-a-dog-7", "--steps", "40"]


plain_text = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40)
prompts = plain_text.filter(lambda text: any(character.isalnum() for character in text))
concepts = st.one_of(
    prompts.map(lambda text: {"concept": " ".join(text.split())}),
    st.tuples(st.integers(0, 200), st.integers(0, 2**63 - 1)).map(
        lambda place: {
            "concept": draw(known_words("seedling"), seed=place[1], index=place[0]).text,
            "drawn": f"{place[0]}@{place[1]}",
        }
    ),
)
#: Whether a model on the hub is there is asked before anything else.
OF_NO_HUB = [name for name, preset in PRESETS.items() if preset.settings.get("model") in (None, "seedling")]
OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "seed": st.integers(0, 2**63 - 10).map(str),
    "images": st.integers(1, 9),
    "model": st.sampled_from([None, "seedling", str(SEEDLING_FOLDER)]),
    "scheduler": st.sampled_from([None, *SCHEDULERS]),
    "steps": st.none() | st.integers(1, 1000),
    "guidance": st.none() | st.floats(0, 100),
    "size": st.sampled_from([None, "native", "64x96", "128 × 128"]),
    "preset": st.sampled_from([None, *OF_NO_HUB]),
    "style": st.lists(st.sampled_from(sorted(all_styles())), max_size=2, unique=True).map(tuple) | st.just(("none",)),
    "enhance": st.booleans(),
    "simple": st.none() | prompts,
    "expanded": st.none() | prompts,
    "negative": st.none() | st.just("") | plain_text,
    "expander": st.sampled_from(["auto", "offline", "gemini"]),
    "llm_model": st.none() | st.just("some-model"),
    "template": st.none() | st.just("concise"),
    "tokens": st.sampled_from(["fit", "chunk", "truncate"]),
    "no_cache": st.booleans(),
    "clip_skip": st.none() | st.integers(0, 8),
    "lora": st.lists(st.sampled_from(["a:0.7", "b:0.5:-2", "c"]), unique=True).map(tuple),
    "vae": st.none() | st.just("a vae"),
    "fast": st.booleans(),
    "compiled": st.booleans(),
    "max_sequence_length": st.none(),  # as the next, for models that are not here
    "memory": st.none(),
    "batch": st.none() | st.integers(2, 16),
    "attention_backend": st.none(),
    "allow_pickle": st.booleans(),
    "noise_floor": st.booleans(),
    "device": st.sampled_from(["auto", "cpu", "cuda:1"]),
    "dtype": st.sampled_from(["auto", "float32", "bfloat16"]),
    "instruments": st.lists(st.sampled_from(["ladder", "sweep", "blind"]), unique=True).map(tuple),
    "set_options": st.sampled_from([(), ("sweep.steps=5,10",), ('sweep.schedulers=["Euler a"]', "ruler.seeds=3")]),
    "clip": st.sampled_from(["auto", "none", "seedling"]),
    "language": st.sampled_from([None, "en", "zh-TW"]),
}
#: `concept` and `drawn` belong together; a size and an aspect, a picture, and a level are tried below, one by one.
BY_THEMSELVES = {"concept", "drawn", "aspect", "performance", "like"}


def test_no_option_is_forgotten() -> None:
    assert {one.name for one in fields(PairOptions)} == set(OPTIONS) | BY_THEMSELVES


@settings(max_examples=120, deadline=None)
@given(concepts, st.fixed_dictionaries(OPTIONS))
def test_whatever_was_asked_for_is_asked_for_again(concept: dict[str, str], given_options: dict[str, Any]) -> None:
    request, _ = PairRequest.from_options(PairOptions(**concept, **given_options))
    assert through_the_command_line(request) == request, shlex.join(request.to_command())
    assert request_from_json(request.to_json()) == request


def test_performance_and_aspect(tmp_path: Path) -> None:
    for options in ({"performance": "speed"}, {"preset": "wander", "performance": "quality", "aspect": "3:2"}):
        request, _ = PairRequest.from_options(PairOptions(concept="a dog", seed="7", **options))  # type: ignore[arg-type]
        assert through_the_command_line(request) == request


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        ({"seed": "minus one"}, "seed is 'minus one'", "whole number"),
        ({"size": "big"}, "size is 'big'", "512x512"),
        ({"size": "64x64", "aspect": "1:1"}, "--size and --aspect", "give one"),
        ({"concept": None, "expanded": "a dog"}, "--expanded was given without", "--simple"),
        ({"instruments": ("magic",)}, "no instrument 'magic'", "ladder"),
        ({"set_options": ("sweep",)}, "--set is 'sweep'", "sweep.steps"),
        ({"set_options": ("sweep.stairs=5",)}, "sweep.stairs", "options of sweep: schedulers, steps"),
        ({"set_options": ("ruler.seeds=many",)}, "ruler.seeds", "options of ruler"),
        ({"lora": ("a<b",)}, "--lora is 'a<b'", "NAME:WEIGHT"),
        ({"drawn": "twelve"}, "drawn is 'twelve'", "INDEX@SEED"),
    ],
)
def test_what_cannot_be_asked_for(options: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(TwinseedError) as caught:
        PairRequest.from_options(PairOptions(**{"concept": "a dog", **options}))
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_picture_without_a_prompt_wants_a_concept(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    line = "Steps: 12, Sampler: Euler a, CFG scale: 5, Seed: 7, Size: 128x128"
    picture.write_bytes(encode_png(Image.new("RGB", (8, 8)), {"parameters": f"Negative prompt: blurry\n{line}"}))
    with pytest.raises(TwinseedError, match=r"a\.png gives no prompt: its prompt is empty"):
        PairRequest.from_options(PairOptions(like=picture))
    request, notes = PairRequest.from_options(PairOptions(concept="a dog", like=picture))
    assert (request.concept.text, request.negative, request.settings.seed) == ("a dog", "blurry", 7)
    assert "It gives no prompt, as its prompt is empty: say yourself what to draw." in notes


def test_the_expanded_picture_of_a_pair_that_does_not_tell_the_simple_prompt() -> None:
    (picture,) = (Path(__file__).parents[2] / "support").glob("runs_of_version_1/*/expanded-7.png")
    request, notes = PairRequest.from_options(PairOptions(like=picture))
    assert (request.simple or "").startswith("a dog riding a bicycle in a city in the rain")
    assert request.expanded is None
    assert notes[-1] == "Its prompt is taken as the simple one: add the concept to make its pair."


def test_a_concept_that_is_not_the_drawn_one_is_taken_as_typed() -> None:
    request, notes = PairRequest.from_options(PairOptions(concept="a dog", drawn="3@7"))
    assert request.concept == typed_concept("a dog")
    assert notes == ("number 3 of draw 7 is another concept here: this one is taken as typed",)
    assert told(notes[0], "zh-TW") == "抽選 7 的第 3 項在這裡是另一個構想：照填寫的構想進行"


def test_where_a_negative_prompt_comes_from_is_told_in_chinese_too() -> None:
    _, notes = PairRequest.from_options(PairOptions(concept="a dog", style=("none",), preset="default", seed="7"))
    styled = PairRequest.from_options(PairOptions(concept="a dog", style=("watercolor",), seed="7"))[1]
    for note in (*notes, *styled):
        assert told(note, "zh-TW").startswith(
            ("反向提示詞，來自預設組合 default：", "反向提示詞，來自風格 watercolor：")
        )


def test_a_batch_of_its_own_wins_over_that_of_a_picture(tmp_path: Path) -> None:
    pair = PairRequest.from_options(PairOptions(concept="a dog", seed="7", images=2, batch=2))[0]
    picture = tmp_path / "a.png"
    texts = plain_picture_texts("a dog", "", pair.settings, 7, (64, 64), "0" * 64)
    picture.write_bytes(encode_png(Image.new("RGB", (64, 64)), texts))
    for batch, taken in ((None, 2), (1, None), (3, 3)):
        request, _ = PairRequest.from_options(PairOptions(concept="a dog", like=picture, batch=batch))
        assert request.settings.pairs_per_batch == taken


def test_what_a_drawn_run_prints_asks_for_the_same() -> None:
    for seed in ("7", "2271560481"):
        for language in LANGUAGES:
            concept = draw(known_words("seedling"), seed=int(seed), index=0, language=language)
            typed, notes = PairRequest.from_options(PairOptions(concept=concept.text, seed=seed))
            assert (typed.concept, notes) == (concept, ())
    drawn, _ = PairRequest.from_options(PairOptions(seed="7"))
    typed, _ = PairRequest.from_options(PairOptions(concept=drawn.concept.text, seed="7"))
    assert typed.digest == drawn.digest
    other, _ = PairRequest.from_options(PairOptions(concept=drawn.concept.text, seed="8"))
    assert other.concept.index is None


def test_without_a_concept_one_is_drawn_that_the_seed_draws_again() -> None:
    request, _ = PairRequest.from_options(PairOptions(seed="7"))
    again, _ = PairRequest.from_options(PairOptions(seed="7"))
    assert request == again
    assert request.concept.topic is not None
    seeds = {PairRequest.from_options(PairOptions())[0].settings.seed for _ in range(5)}
    assert len(seeds) == 5, "and without a seed, one is drawn"
