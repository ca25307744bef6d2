"""Picture files: written whole or not at all, and read back equal, whatever the prompts say."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from io import BytesIO
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from picture_bytes import DIGEST, IMAGE, own_picture, pair_of_pictures, with_texts
from PIL import Image
from sample_run import EXPANDED, PROMPTS, SIMPLE, write_sample
from sd_parsers import ParserManager

from compare.runs.folder import write_whole
from compare.runs.gallery import Gallery
from generate.choices import StyledPrompts
from generate.files import (
    LoraUse,
    PictureError,
    PictureParameters,
    TwinseedMark,
    encode_png,
    mark_in,
    pair_of,
    parse_picture,
    plain_picture_texts,
    read_mark,
    read_picture,
    texts_of_pair,
)
from generate.files.foreign import infotext_of
from generate.files.sampler_names import sampler_and_schedule, scheduler_named
from generate.schedulers.table import SCHEDULERS
from generate.settings import RenderSettings
from ideation import AdapterMention

SETTINGS = RenderSettings(guidance_scale=5.5, width=64, height=48, seed=2**60 + 1, device="cpu", dtype="float32")
PARAMETERS = PictureParameters(
    prompt="a dog riding a bicycle, watercolor style",
    negative_prompt="blurry, text",
    seed=2**60 + 1,
    num_inference_steps=20,
    guidance_scale=5.5,
    scheduler="DPM++ 2M Karras",
    width=64,
    height=48,
    model="seedling",
    model_hash="abababab12",
)
#: As the first version of Twinseed wrote it.
FIRST_MARK = {
    "version": 1,
    "pair": "1" * 64,
    "arm": "simple",
    "seed": str(2**60 + 1),
    "partner_pixels_sha256": "2" * 64,
    "settings_digest": "3" * 64,
    "model_digest": "4" * 64,
}
HARD_PROMPTS = [
    'commas, colons: and "quotes"',
    "two\nlines",
    "  spaces  \n",
    "🐶 一隻狗，水彩",
    "café",
    "Negative prompt: inside",
    "a\nNegative prompt: inside",
    "Steps: 5, Sampler: Euler, Seed: 1, Size: 1x1",
    "a\nSteps: 5",
    "<lora:add_detail:0.7> a dog",
    "",
]
PIECES = [*'ab, :"\\\n\t<>{}()[]|éñ狗🐶', "Negative prompt: ", "Steps: 3, ", "Prompt: ", "lora"]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
NAMES = st.text(st.characters(exclude_categories=("C", "Z")) | st.sampled_from(' ,:"<>'), min_size=1, max_size=20)
WEIGHTS = st.floats(-10, 10)


def test_what_is_written_is_read_back() -> None:
    for prompt, negative in product(HARD_PROMPTS, repeat=2):
        prompts = replace(PROMPTS, simple=prompt, expanded=f"{prompt}!", negative=negative)
        for arm, written in (("simple", prompt), ("expanded", f"{prompt}!")):
            found = parse_picture(own_picture(SETTINGS, prompts, arm=arm))
            assert (found.prompt, found.negative_prompt, found.notes) == (written, negative, ()), (prompt, negative)
            assert found.mark is not None
            assert found.mark.prompts == StyledPrompts(prompt, f"{prompt}!", negative)
            assert found.mark.arm == arm


@given(
    st.builds(
        PictureParameters,
        prompt=TEXTS,
        negative_prompt=TEXTS,
        seed=st.integers(0, 2**63 - 1),
        num_inference_steps=st.integers(1, 1000),
        guidance_scale=st.floats(0, 100),
        scheduler=st.sampled_from(list(SCHEDULERS)),
        width=st.integers(1, 512).map(lambda side: 8 * side),
        height=st.integers(1, 512).map(lambda side: 8 * side),
        model=TEXTS,
        model_hash=st.from_regex("[0-9a-f]{10}", fullmatch=True),
        vae=st.none() | TEXTS,
        clip_skip=st.none() | st.integers(1, 8),
        loras=st.lists(
            st.builds(
                LoraUse,
                NAMES.map(str.strip).filter(bool),
                WEIGHTS,
                st.none() | st.just("ab12"),
                st.none(),
            ),
            max_size=3,
            unique_by=lambda lora: lora.name,
        ).map(tuple),
        embeddings=st.dictionaries(NAMES.map(str.strip).filter(bool), st.just("cd34"), max_size=2),
    )
)
def test_the_words_of_other_programs_hold_all_that_they_can(parameters: PictureParameters) -> None:
    assert parse_picture(with_texts(parameters=infotext_of(parameters).to_text())) == parameters


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_every_scheduler_comes_back(scheduler: str) -> None:
    assert scheduler_named(*sampler_and_schedule(scheduler)) == scheduler


@pytest.mark.parametrize("prompt", [prompt for prompt in HARD_PROMPTS if prompt and "Negative prompt:" not in prompt])
def test_another_program_reads_the_same(tmp_path: Path, prompt: str) -> None:
    settings = replace(SETTINGS, clip_skip=1, adapters=(AdapterMention("a, b", 0.5, 0.7),))
    file = tmp_path / "a.png"
    file.write_bytes(own_picture(settings, replace(PROMPTS, simple=prompt), adapters={"a, b": "cd" * 32}))
    found = ParserManager().parse(file)
    assert found is not None
    (sampler,) = found.samplers
    assert [each.value for each in sampler.prompts] == [prompt.strip()]
    assert [each.value for each in sampler.negative_prompts] == ["blurry"]
    assert sampler.name == "DPM++ 2M"
    assert sampler.model is not None
    assert (sampler.model.name, sampler.model.hash) == ("seedling", DIGEST[:10])
    assert sampler.parameters == {
        "scheduler": "Karras",
        "seed": str(2**60 + 1),
        "steps": "20",
        "cfg_scale": "5.5",
    }
    assert {key: found.metadata[key] for key in ("Size", "RNG", "Clip skip")} == {
        "Size": "64x48",
        "RNG": "CPU",
        "Clip skip": "2",
    }


def test_the_texts_of_a_picture() -> None:
    settings = replace(
        SETTINGS,
        clip_skip=1,
        vae="/home/me/soft.safetensors",
        adapters=(AdapterMention("ink", 0.5, 0.7), AdapterMention("detail", 1, 1)),
        fast=True,
        compiled=True,
        max_sequence_length=128,
        memory="8GB",
        pairs_per_batch=4,
        attention_backend="sage",
        long_prompts="chunk",
    )
    proof = {
        "adapters": {"ink": "1" * 64, "detail": "2" * 64, "easynegative": "3" * 64},
        "given_up": {settings.seed: ("VAE in tiles",)},
        "libraries": {"torch": "2.13.0"},
    }
    with Image.open(BytesIO(own_picture(settings, **proof))) as stored:
        texts = stored.text  # type: ignore[attr-defined]
    assert list(texts) == ["parameters", "twinseed", "XML:com.adobe.xmp"]
    assert texts["parameters"].splitlines()[-1].rpartition(", Version: Twinseed")[0] == (
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Seed: 1152921504606846977, "
        "Size: 64x48, Model: seedling, VAE: soft.safetensors, Clip skip: 2, "
        f'Lora hashes: "ink: {"1" * 64}, detail: {"2" * 64}", Lora weights: "ink: 0.5:0.7, detail: 1", '
        f'TI hashes: "easynegative: {"3" * 64}", RNG: CPU'
    )
    mark = json.loads(texts["twinseed"])
    assert mark["settings"] == {
        "model": "seedling",
        "scheduler": "DPM++ 2M Karras",
        "num_inference_steps": 20,
        "guidance_scale": 5.5,
        "width": 64,
        "height": 48,
        "seed": "1152921504606846977",
        "images": 1,
        "device": "cpu",
        "dtype": "float32",
        "long_prompts": "chunk",
        "clip_skip": 1,
        "vae": "soft.safetensors",
        "adapters": [
            {"name": "ink", "text_encoder": 0.5, "unet": 0.7},
            {"name": "detail", "text_encoder": 1.0, "unet": 1.0},
        ],
        "fast": True,
        "compiled": True,
        "max_sequence_length": 128,
        "memory": "8GB",
        "pairs_per_batch": 4,
        "attention_backend": "sage",
    }
    assert mark["prompts"] == {"simple": SIMPLE, "expanded": EXPANDED, "negative": "blurry"}
    assert {name: mark[name] for name in ("version", "arm", "seed", "given_up", "libraries", "adapters")} == {
        "version": 2,
        "arm": "simple",
        "seed": "1152921504606846977",
        "given_up": ["VAE in tiles"],
        "libraries": {"torch": "2.13.0"},
        "adapters": proof["adapters"],
    }
    assert (
        'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"'
        in texts["XML:com.adobe.xmp"]
    )


def test_the_kinds_of_chunk() -> None:
    content = own_picture(SETTINGS)
    assert b"tEXtparameters" in content
    assert b"iTXtXML:com.adobe.xmp\0\0\0" in content
    assert b"iTXtparameters" in own_picture(SETTINGS, replace(PROMPTS, simple="狗"))


def test_equal_input_gives_equal_bytes() -> None:
    assert own_picture(SETTINGS) == own_picture(SETTINGS)


def test_twins_name_each_other() -> None:
    pair = pair_of_pictures(replace(SETTINGS, seed=7, images=2))
    texts = texts_of_pair(PROMPTS, pair)
    images = {(picture.arm, picture.seed): picture.image for picture in pair.pictures}
    assert set(texts) == set(images)
    pairs = set()
    for arm, seed in images:
        found = parse_picture(with_texts(**texts[arm, seed]))
        mark = TwinseedMark.model_validate_json(texts[arm, seed]["twinseed"])
        assert found.mark == mark
        assert found.prompt == (SIMPLE if arm == "simple" else EXPANDED)
        assert (found.seed, found.model, found.model_hash) == (seed, "seedling", DIGEST[:10])
        alone = replace(pair.settings, seed=seed, images=1)
        assert (mark.arm, mark.seed, mark.settings, mark.settings_digest) == (arm, seed, alone, alone.digest)
        other = images["expanded" if arm == "simple" else "simple", seed]
        assert mark.partner_pixels_sha256 == hashlib.sha256(other.tobytes()).hexdigest()
        pairs.add((seed, mark.pair))
    assert len(pairs) == 2, "both pictures of a seed name the same pair, other seeds another"
    assert texts_of_pair(PROMPTS, pair_of_pictures(replace(pair.settings, seed=8, images=1))) == {
        key: texts[key] for key in texts if key[1] == 8
    }, "what stands in a picture does not hang on the seeds beside it"
    assert pair_of(replace(PROMPTS, simple="a cat"), pair.settings, 7, DIGEST) not in {pair for _, pair in pairs}


@pytest.mark.parametrize(
    ("model", "shown"),
    [("seedling", "seedling"), ("owner/name", "owner/name"), ("/home/me/models/mine", "mine"), ("./mine", "mine")],
)
def test_no_folder_of_the_maker_is_passed_on(model: str, shown: str) -> None:
    content = own_picture(replace(SETTINGS, model=model, vae=model))
    found = parse_picture(content)
    assert (found.model, found.vae) == (shown, shown)
    assert b"/home" not in content


def test_a_picture_that_is_nobodys_twin() -> None:
    settings = replace(SETTINGS, images=3, clip_skip=2, adapters=(AdapterMention("ink", 0.5, 0.7),))
    texts = plain_picture_texts(SIMPLE, "blurry", settings, settings.seed + 1, (64, 48), DIGEST, {"ink": "1" * 64})
    found = parse_picture(encode_png(IMAGE, texts))
    assert found.settings == replace(settings, seed=settings.seed + 1, images=1)
    assert (found.prompt, found.negative_prompt, found.notes) == (SIMPLE, "blurry", ())
    mark = mark_in(encode_png(IMAGE, texts))
    assert mark is not None
    assert (mark.pair, mark.arm, mark.partner_pixels_sha256, mark.prompts) == (None,) * 4
    del texts["parameters"]
    with pytest.raises(PictureError, match="does not say how it was made"):
        parse_picture(encode_png(IMAGE, texts))


def test_the_gallery_keeps_the_texts(tmp_path: Path) -> None:
    run = write_sample(Gallery(tmp_path))
    mark = read_mark(run.folder / "simple-7.png")
    assert mark is not None
    _, expanded = run.record.pair(7)
    assert mark.partner_pixels_sha256 == expanded.pixels_sha256, "the record counts pixels in the same way"


def test_the_marks_of_the_first_version_are_read(tmp_path: Path) -> None:
    file, infotext = tmp_path / "a.png", infotext_of(PARAMETERS).to_text()
    file.write_bytes(with_texts(parameters=infotext, twinseed=json.dumps(FIRST_MARK)))
    mark = read_mark(file)
    assert mark is not None
    assert (mark.version, mark.seed, mark.pair, mark.settings) == (1, 2**60 + 1, "1" * 64, None)
    assert read_picture(file) == replace(PARAMETERS, mark=mark)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 3}, "version: Input should be 1 or 2"),
        ({"version": 1}, "mark: version 1 names the twin, and not how the two were made"),
        ({"seed": "-5"}, "seed: a seed is written as a string"),
        ({"seed": "8"}, "mark: the settings are those of another seed"),
        ({"arm": "left"}, "arm: Input should be 'simple' or 'expanded'"),
        ({"more": 1}, "more: Extra inputs are not permitted"),
        ({"partner_pixels_sha256": "../../etc"}, "partner_pixels_sha256: String should match"),
        ({"pair": None}, "mark: it names a twin and not all of it"),
        ({"settings": None}, "mark: it does not say how the picture was made"),
        ({"settings_digest": "3" * 64}, "mark: the settings are not those of the digest"),
    ],
)
def test_a_mark_that_was_changed(changes: dict[str, object], message: str) -> None:
    texts = texts_of_pair(PROMPTS, pair_of_pictures(SETTINGS))["simple", SETTINGS.seed]
    changed = with_texts(**texts | {"twinseed": json.dumps(json.loads(texts["twinseed"]) | changes)})
    for read in (mark_in, parse_picture):
        with pytest.raises(PictureError, match=message) as caught:
            read(changed)
        assert "upgrade" in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"guidance_scale": 1000.0}, "settings: guidance is 1000.0"),
        ({"more": 1}, "settings.more: Unexpected keyword argument"),
        (
            {"adapters": [{"name": "a", "unet": "1"}]},
            "settings.adapters.0.unet: Input should",
        ),
    ],
)
def test_settings_that_were_changed(changes: dict[str, object], message: str) -> None:
    mark = json.loads(texts_of_pair(PROMPTS, pair_of_pictures(SETTINGS))["simple", SETTINGS.seed]["twinseed"])
    with pytest.raises(PictureError, match=message):
        mark_in(with_texts(twinseed=json.dumps(mark | {"settings": mark["settings"] | changes})))


def test_texts_that_do_not_agree() -> None:
    texts = texts_of_pair(PROMPTS, pair_of_pictures(SETTINGS))["simple", SETTINGS.seed]
    found = parse_picture(with_texts(**texts | {"parameters": texts["parameters"].replace("Steps: 20", "Steps: 21")}))
    assert found.num_inference_steps == 20
    (note,) = found.notes
    assert note.startswith("The picture's texts do not agree on num inference steps: one of them was changed")


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("half \ud800", "a prompt contains half a character"),
        ("a\0b", r"contains the character U\+0000"),
        ("x" * 2_000_000, "1,048,576 are read"),
        ("x" * 600_000, "1,048,576 are read"),
    ],
)
def test_what_cannot_be_written_is_not(prompt: str, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        own_picture(SETTINGS, replace(PROMPTS, simple=prompt, expanded=prompt))


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.png", b"before")
    with pytest.raises(TypeError):
        write_whole(tmp_path / "a.png", "no bytes")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "no folder" / "a.png", b"after")
    assert (tmp_path / "a.png").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.skipif(os.name == "nt", reason="needs the rights of files")
def test_a_picture_can_be_read_by_whom_the_umask_lets(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        write_whole(tmp_path / "a.png", b"")
    finally:
        os.umask(mask)
    assert (tmp_path / "a.png").stat().st_mode & 0o777 == 0o644
