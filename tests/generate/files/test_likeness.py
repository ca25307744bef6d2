"""Likeness: a pair like an own picture is rendered with all that made it; each thing that cannot be had is named."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from picture_bytes import DIGEST, own_picture, with_texts
from safetensors.torch import save_file
from sample_run import EXPANDED, PROMPTS, SIMPLE

from generate.files import Likeness, LoraUse, PictureParameters, encode_png, likeness_of, parse_picture, texts_of_pair
from generate.files.foreign import infotext_of
from generate.models import digest_of_file, digest_of_weights
from generate.schedulers.table import SCHEDULERS
from generate.seedling import EARLIER_SEEDLINGS, SEEDLING_FOLDER, SEEDLING_SIZES
from generate.settings import RenderSettings, SettingsError
from ideation import AdapterMention

INK, LINE = AdapterMention("ink", 0.5, 0.7), AdapterMention("deep/line", 1.0, 1.0)
SETTINGS = RenderSettings(width=64, height=48, seed=7, device="cpu", dtype="float32")
BASE = RenderSettings(scheduler="UniPC", num_inference_steps=9, clip_skip=3, dtype="bfloat16")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with one of each kind: what tells them apart is in their headers."""
    folder = tmp_path_factory.mktemp("models")
    for name, tensors in {
        "mine.safetensors": {"model.diffusion_model.input_blocks.0.0.weight": (1, 4)},
        "vae/soft.safetensors": {"decoder.conv_in.weight": (1, 4), "encoder.conv_in.weight": (1, 4)},
        "loras/ink.safetensors": {"lora_unet_x.lora_down.weight": (1, 4)},
        "loras/deep/line.safetensors": {"lora_unet_x.lora_up.weight": (4, 1)},
        "embeddings/glow.safetensors": {"emb_params": (2, 768)},
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_file({key: torch.zeros(shape) for key, shape in tensors.items()}, folder / name)
    return folder


@pytest.fixture(scope="module", autouse=True)
def hashed_once() -> Iterator[None]:
    """A file that is as it was is not hashed again for each of hundreds of pictures: Seedling has forty megabytes."""
    known: dict[tuple[Path, int, int], str] = {}

    def once(file: Path) -> str:
        about = file.stat()
        as_it_is = file, about.st_size, about.st_mtime_ns
        if as_it_is not in known:
            known[as_it_is] = digest_of_file(file)
        return known[as_it_is]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("generate.models.weights.weight_file.digest_of_file", once)
        yield


@pytest.fixture(autouse=True)
def these_models(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(models))
    monkeypatch.setenv("CXX", sys.executable)  # stands for a compiler, which is only looked for


def true_certificate(models: Path, settings: RenderSettings) -> dict[str, Any]:
    """The hashes of what is in the folder and in the picture; a textual inversion is in every one."""
    model = SEEDLING_FOLDER if settings.model == "seedling" else models / "mine.safetensors"
    vae = models / "vae" / settings.vae if settings.vae is not None else None
    files = {one.name: models / "loras" / f"{one.name}.safetensors" for one in settings.adapters}
    files["glow"] = models / "embeddings" / "glow.safetensors"
    return {
        "model_digest": digest_of_weights(model, vae if vae is None or vae.exists() else None),
        "adapters": {name: digest_of_file(file) for name, file in files.items() if file.exists()},
    }


def likeness(content: bytes, base: RenderSettings = BASE) -> Likeness:
    return likeness_of(parse_picture(content), base)


# ---- all of it

#: One for every field: without it, a setting would be left out of the test, and maybe of the picture.
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "model": st.sampled_from(["seedling", "mine.safetensors", "mine"]),
    "scheduler": st.sampled_from(list(SCHEDULERS)),
    "num_inference_steps": st.integers(1, 1000),
    "guidance_scale": st.floats(0, 100) | st.integers(0, 100),
    "width": st.none() | st.integers(1, 512).map(lambda side: 8 * side),
    "height": st.none() | st.integers(1, 512).map(lambda side: 8 * side),
    "seed": st.integers(0, 2**63 - 10),
    "images": st.integers(1, 3),
    "device": st.sampled_from(["auto", "cpu"]),
    "dtype": st.sampled_from(["auto", "float32", "float16", "bfloat16"]),
    "long_prompts": st.sampled_from(["truncate", "chunk"]),
    "clip_skip": st.integers(0, 8),
    "vae": st.sampled_from([None, "soft.safetensors"]),
    "adapters": st.lists(
        st.builds(AdapterMention, st.sampled_from(["ink", "deep/line"]), st.floats(-10, 10), st.floats(-10, 10)),
        max_size=2,
        unique_by=lambda one: one.name,
    ).map(tuple),
    "fast": st.booleans(),
    "compiled": st.booleans(),
    "max_sequence_length": st.none() | st.integers(16, 4096),
    "memory": st.sampled_from([None, "8GB", "float8"]),
    "pairs_per_batch": st.none() | st.integers(2, 16),
    "attention_backend": st.sampled_from([None, "sage", "_native_math"]),
}
PROMPT = st.lists(st.sampled_from([*'ab, :"\\\n狗🐶(', "<lora:ink:0.5:0.7>", "Negative prompt: ", "Steps: 3, "])).map(
    "".join
)


def test_no_setting_is_forgotten() -> None:
    assert [field.name for field in fields(RenderSettings)] == list(FIELDS)


@given(
    settings=st.builds(RenderSettings, **FIELDS),
    prompts=st.builds(replace, st.just(PROMPTS), simple=PROMPT, expanded=PROMPT, negative=PROMPT),
    arm=st.sampled_from(["simple", "expanded"]),
    data=st.data(),
)
def test_all_of_an_own_picture_is_taken_over(
    models: Path, settings: RenderSettings, prompts: Any, arm: Any, data: st.DataObject
) -> None:
    seed = data.draw(st.sampled_from(settings.seeds))
    alone = replace(settings, seed=seed, images=1)
    found = likeness(own_picture(alone, prompts, arm=arm, **true_certificate(models, settings)))
    assert found == Likeness(alone, prompts.simple, prompts.expanded, prompts.negative)


def test_the_same_pixels(seedling: Any) -> None:
    from generate.render.pair import render_pair

    settings = RenderSettings(
        num_inference_steps=2, seed=5, images=2, clip_skip=1, long_prompts="chunk", scheduler="Euler a", height=64
    )
    first = render_pair(PROMPTS, settings, seedling)
    again = likeness(encode_png(first.pictures[3].image, texts_of_pair(PROMPTS, first)["expanded", 6]))
    assert again.notes == ()
    prompts = replace(PROMPTS, simple=again.simple, expanded=again.expanded or "", negative=again.negative)
    second = render_pair(prompts, again.settings, seedling)
    assert [one.image.tobytes() for one in second.pictures] == [one.image.tobytes() for one in first.pictures[2:]]


def test_how_many_are_rendered_is_asked_for_anew() -> None:
    assert likeness(own_picture(SETTINGS), RenderSettings(images=4)).settings.images == 4


# ---- one note for each thing that is not as it was

OTHERS: dict[str, tuple[RenderSettings, dict[str, Any], RenderSettings, str]] = {
    "a model that is not here": (
        replace(SETTINGS, model="nowhere"),
        {},
        replace(SETTINGS, model="seedling"),
        "The model nowhere is not taken over: unknown model 'nowhere'. seedling takes its place.",
    ),
    "a model on the hub that was never fetched": (
        replace(SETTINGS, model="owner/name"),
        {},
        replace(SETTINGS, model="seedling"),
        "The model owner/name is not taken over: owner/name is not on this machine, and a picture has nothing fetched.",
    ),
    "a name that leads out of the folder": (
        replace(SETTINGS, model="a/../../b"),
        {},
        replace(SETTINGS, model="seedling"),
        "The model a/../../b is not taken over: 'a/../../b' is no name for a model",
    ),
    "other weights": (
        SETTINGS,
        {"model_digest": DIGEST},
        SETTINGS,
        "The model seedling has other weights here (%seedling%) than the picture was made with (ababababab)",
    ),
    "other weights, with a VAE": (
        replace(SETTINGS, vae="soft.safetensors"),
        {"model_digest": DIGEST},
        replace(SETTINGS, vae="soft.safetensors"),
        "The model seedling with the VAE soft.safetensors has other weights here",
    ),
    "a VAE that is not here": (
        replace(SETTINGS, vae="hard.safetensors"),
        {},
        SETTINGS,
        "The VAE hard.safetensors is not taken over: unknown VAE 'hard.safetensors'. The model's own takes its place.",
    ),
    "a LoRA that is not here": (
        replace(SETTINGS, adapters=(INK, AdapterMention("gone"))),
        {},
        replace(SETTINGS, adapters=(INK,)),
        "The LoRA gone is not taken over: unknown lora 'gone'.",
    ),
    "a LoRA from the hub": (
        replace(SETTINGS, adapters=(AdapterMention("owner/name/file.safetensors"),)),
        {},
        SETTINGS,
        "The LoRA owner/name/file.safetensors is not taken over: owner/name is not on this machine",
    ),
    "another file of that name": (
        replace(SETTINGS, adapters=(INK,)),
        {"adapters": {"ink": "1" * 64}},
        replace(SETTINGS, adapters=(INK,)),
        "The LoRA ink is another file here than the picture was made with.",
    ),
    "a textual inversion that is not here": (
        SETTINGS,
        {"adapters": {"gleam": "1" * 64}},
        SETTINGS,
        "The textual inversion gleam is read as plain words: unknown embedding 'gleam'.",
    ),
    "another textual inversion of that name": (
        SETTINGS,
        {"adapters": {"glow": "1" * 64}},
        SETTINGS,
        "The textual inversion glow is another file here than the picture was made with.",
    ),
    "a device that is not here": (
        replace(SETTINGS, device="cuda:99", dtype="float16"),
        {},
        replace(SETTINGS, device=BASE.device, dtype=BASE.dtype),
        "The device cuda:99 and its number format float16 are not taken over: there is no device 'cuda:99'",
    ),
    "a number format that nobody knows": (
        replace(SETTINGS, dtype="int4"),
        {},
        replace(SETTINGS, dtype=BASE.dtype),
        "The number format int4 is not taken over: it is not known here.",
    ),
    "a scheduler that nobody knows": (
        replace(SETTINGS, scheduler="Heun 9"),
        {},
        replace(SETTINGS, scheduler="UniPC"),
        "There is no scheduler Heun 9 here: UniPC takes its place.",
    ),
    "smaller means": (
        SETTINGS,
        {"given_up": {7: ("VAE in tiles", "U-Net in batches of 1"), 8: ("VAE in float32",)}},
        SETTINGS,
        "When it was made, memory or number formats ran short: VAE in tiles, U-Net in batches of 1.",
    ),
    "other libraries": (
        SETTINGS,
        {"libraries": {"torch": "0.1", "numpy": "0.1", "python": "2.7"}},
        SETTINGS,
        "It was made with torch 0.1, and other versions are here: expect pixels that differ a little.",
    ),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_not_as_it_was_is_named(models: Path, what: str) -> None:
    settings, of_certificate, taken, note = OTHERS[what]
    found = likeness(own_picture(settings, **true_certificate(models, settings) | of_certificate))
    assert found.settings == taken
    assert len(found.notes) == 1, found.notes
    assert found.notes[0].startswith(
        note.replace("%seedling%", true_certificate(models, SETTINGS)["model_digest"][:10])
    )
    assert found.notes[0].endswith(".")
    assert (found.simple, found.expanded, found.negative) == (SIMPLE, EXPANDED, "blurry")


def test_a_word_that_has_become_a_textual_inversion(models: Path) -> None:
    for words, said in (("a dog, Glow.", True), ("a glowing dog", False), ("", False)):
        certificate = true_certificate(models, SETTINGS) | {"adapters": {}}
        found = likeness(own_picture(SETTINGS, replace(PROMPTS, expanded=words), **certificate))
        note = "glow is a textual inversion here, and was read as plain words then."
        assert found.notes == ((note,) if said else ()), words


def test_without_a_compiler(monkeypatch: pytest.MonkeyPatch, models: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = likeness(own_picture(replace(SETTINGS, compiled=True), **true_certificate(models, SETTINGS)))
    assert found.settings == SETTINGS
    (note,) = found.notes
    assert note.startswith(
        "The U-Net is not compiled as it was: compiling needs a C++ compiler, and there is none here."
    )


def test_what_belongs_to_a_model_that_is_not_here(models: Path) -> None:
    settings = replace(SETTINGS, model="nowhere", vae="soft.safetensors", adapters=(INK, LINE))
    prompts = replace(PROMPTS, simple="a dog <lora:ink:0.5:0.7>", expanded="a dog, <lora: ink :0.5:0.7> <lora:inky:1>")
    found = likeness(own_picture(settings, prompts))
    assert found.settings == SETTINGS
    assert [note.partition(":")[0] for note in found.notes] == [
        "The model nowhere is not taken over",
        "The VAE soft.safetensors is not taken over",
        "The LoRA ink is not taken over",
        "The LoRA deep/line is not taken over",
    ]
    assert (found.simple, found.expanded) == ("a dog ", "a dog,  <lora:inky:1>"), "its tag would fail"


def test_a_picture_that_names_hundreds_of_loras() -> None:
    tags = " ".join(f"<lora:ink{number}:1>" for number in range(101))
    said = with_texts(parameters=f"a dog {tags}\nSteps: 20, Sampler: Euler, Seed: 1, Size: 64x64")
    with pytest.raises(SettingsError, match="the picture names 101 LoRAs; 100 are looked for"):
        likeness(said)


# ---- what does not say all


def test_a_picture_of_the_first_version() -> None:
    said = PictureParameters(prompt="a dog", seed=5, model="seedling", loras=(LoraUse("ink", 0.7),))
    found = likeness(with_texts(parameters=infotext_of(said).to_text()))
    assert found.settings == replace(BASE, seed=5, adapters=(AdapterMention("ink", 0.7, 0.7),))
    assert (found.simple, found.expanded) == ("a dog", None)
    (note,) = found.notes
    assert note.startswith("An older Twinseed made the picture, which did not write everything down")


@pytest.mark.parametrize(
    ("line", "changes", "notes"),
    [
        ("VAE: soft.safetensors, Clip skip: 1", {"vae": "soft.safetensors", "clip_skip": 0}, []),
        ("Clip skip: 2", {"clip_skip": 1}, []),
        ("VAE: hard.pt", {}, ["The VAE hard.pt is not taken over"]),
        ('TI hashes: "gleam: 12"', {}, ["The textual inversion gleam is read as plain words"]),
        ('Lora weights: "ink: 0.5:0.7"', {"adapters": (INK,)}, []),
        ("VAE: soft.safetensors, Model hash: %mine%", {"vae": "soft.safetensors"}, []),
        ('VAE: "\\u001b[2J"', {}, [r"The VAE \x1b[2J is not taken over"]),
        ("ENSD: 31337", {}, ["It says more that means nothing here: ENSD."]),
    ],
)
def test_a_picture_of_another_program(models: Path, line: str, changes: dict[str, Any], notes: list[str]) -> None:
    line = line.replace("%mine%", digest_of_file(models / "mine.safetensors")[:10])
    text = f"a dog\nSteps: 20, Sampler: Euler, Seed: 1, Model: mine, RNG: CPU, {line}"
    found = likeness(with_texts(parameters=text))
    assert found.settings == replace(BASE, num_inference_steps=20, scheduler="Euler", seed=1, model="mine", **changes)
    assert [note.partition(":")[0] for note in found.notes[1:]] == [note.partition(":")[0] for note in notes]


@pytest.mark.parametrize(("size", "learnt"), [((512, 512), True), ((64, 64), True), ((800, 96), False)])
def test_a_picture_by_an_older_seedling_is_asked_for_in_a_size_of_today(
    models: Path, size: tuple[int, int], learnt: bool
) -> None:
    settings = replace(SETTINGS, width=size[0], height=size[1])
    earlier = {"model_digest": next(iter(EARLIER_SEEDLINGS))}
    found = likeness(own_picture(settings, **true_certificate(models, settings) | earlier))
    width, height = SEEDLING_SIZES[0] if learnt else size
    assert found.settings == replace(settings, width=width, height=height)
    notes = " ".join(found.notes)
    assert notes.startswith("An older Seedling drew the picture, and its weights are not part of this version")
    assert (f": {width}x{height} takes the place of {size[0]}x{size[1]}." in notes) == learnt


@pytest.mark.parametrize("share", [8, 10, 64])
def test_the_hashes_of_other_programs(models: Path, share: int) -> None:
    here = digest_of_file(models / "mine.safetensors")
    text = "a dog\nSteps: 20, Sampler: Euler, Seed: 1, Model: mine, RNG: CPU, Model hash: "
    assert len(likeness(with_texts(parameters=text + here[:share])).notes) == 1
    others = likeness(with_texts(parameters=text + DIGEST[:share])).notes[1:]
    assert len(others) == (share > 8), "of older hashes nobody can tell"


def test_a_real_picture_of_the_first_version() -> None:
    (file,) = (Path(__file__).parents[2] / "support").glob("runs_of_version_1/*/expanded-7.png")
    found = likeness(file.read_bytes(), RenderSettings())
    assert found.settings == RenderSettings(seed=7, width=256, height=256)
    assert found.simple == "", "it says that it is the expanded one"
    assert (found.expanded or "").startswith("a dog riding a bicycle in a city in the rain")
    assert [note[:27] for note in found.notes] == [
        "An older Seedling drew the ",
        "The Seedling of that time d",
        "An older Twinseed made the ",
        "It is the expanded picture ",
    ]
