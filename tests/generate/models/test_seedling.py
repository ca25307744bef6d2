"""The embedded model as it is shipped: of Stable Diffusion's make, small, and obedient where that can be measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import CLIPModel, CLIPProcessor, CLIPTokenizer

from generate.models import open_model
from generate.seedling import SEEDLING_CLIP_FOLDER, SEEDLING_FOLDER, SEEDLING_TOKENIZER
from ideation import seedling_vocabulary

STEPS = 6


@pytest.fixture(scope="module")
def pipeline() -> Any:
    opened = StableDiffusionPipeline.from_pretrained(SEEDLING_FOLDER, local_files_only=True)
    opened.set_progress_bar_config(disable=True)
    return opened


def _pictures(pipeline: Any, *prompts: str) -> np.ndarray:
    """(n, 256, 256, 3) float in 0..1, all from the same seed."""
    generators = [torch.Generator().manual_seed(3) for _ in prompts]
    images = pipeline(list(prompts), num_inference_steps=STEPS, guidance_scale=5.0, generator=generators).images
    return np.stack([np.asarray(image, dtype=np.float32) / 255 for image in images])


def test_it_is_small_and_holds_no_pickle() -> None:
    files = [file for folder in (SEEDLING_FOLDER, SEEDLING_CLIP_FOLDER) for file in folder.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) <= 60_000_000
    assert {file.suffix for file in files} <= {".json", ".txt", ".safetensors"}


def test_its_tokenizer_is_clips_in_every_form() -> None:
    slow = CLIPTokenizer(
        vocab=str(Path(SEEDLING_FOLDER, "tokenizer", "vocab.json")),
        merges=str(Path(SEEDLING_FOLDER, "tokenizer", "merges.txt")),
    )
    fast, rust = (
        CLIPTokenizer.from_pretrained(SEEDLING_FOLDER / "tokenizer"),
        Tokenizer.from_file(str(SEEDLING_TOKENIZER)),
    )
    texts = ["a dog riding a bicycle, watercolor style", "Zebra! 狗在騎腳踏車 🚲 é", "it's 3 o'clock", ""]
    for text in texts:
        ids = fast(text).input_ids
        assert ids == rust.encode(text).ids
        assert ids[1:-1] == slow(text).input_ids[1:-1]
    assert fast.model_max_length == 77
    assert len({tuple(fast(text).input_ids) for text in texts}) == len(texts)


def test_every_word_that_it_knows_is_few_tokens() -> None:
    rust = Tokenizer.from_file(str(SEEDLING_TOKENIZER))
    terms = [term for terms in seedling_vocabulary().terms.values() for term in terms]
    for term in terms:
        assert (
            len(rust.encode(term.name, add_special_tokens=False).ids)
            <= 2 * len(term.name.replace("-", " ").split()) + 1
        )


def test_it_opens_as_stable_diffusion_does(pipeline: Any) -> None:
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    assert pipeline.text_encoder.config.max_position_embeddings == 77
    assert _pictures(pipeline, "a dog").shape == (1, 256, 256, 3)


@pytest.mark.parametrize("dtype", [None, torch.float32, torch.bfloat16, torch.float16])
def test_its_weights_of_8_bits_become_what_is_asked_for(dtype: torch.dtype | None) -> None:
    stored = load_file(SEEDLING_FOLDER / "unet" / "diffusion_pytorch_model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.float8_e4m3fn, torch.float16}
    asked = {} if dtype is None else {"dtype": dtype}
    opened = UNet2DConditionModel.from_pretrained(SEEDLING_FOLDER / "unet", local_files_only=True, **asked)
    assert {weight.dtype for weight in opened.parameters()} == {dtype or torch.float32}


def test_it_is_opened_in_the_format_that_is_usual_on_cuda() -> None:
    with open_model("seedling", device="cpu", dtype="float16") as model:
        parts = (model.denoiser, model.pipeline.text_encoder, model.pipeline.vae)
        assert {weight.dtype for part in parts for weight in part.parameters()} == {torch.float16}


def test_colours_are_obeyed(pipeline: Any) -> None:
    red, green, blue = (
        picture[64:224, 48:208].mean((0, 1))
        for picture in _pictures(
            pipeline, "a red frog kicking a ball", "a green frog kicking a ball", "a blue frog kicking a ball"
        )
    )
    assert red[0] - red[2] > green[0] - green[2] > blue[0] - blue[2]
    assert green[1] - green[0] > red[1] - red[0]


def test_light_is_obeyed(pipeline: Any) -> None:
    noon, sunset, night = _pictures(
        pipeline, *(f"a cat reading a book in a meadow {time}" for time in ("at noon", "at sunset", "at night"))
    )
    sky = np.s_[:80]
    assert night[sky].mean() < 0.7 * noon[sky].mean()
    assert sunset[sky][..., 1].mean() < noon[sky][..., 1].mean() - 0.2, "purple, where noon is pale gold"
    assert sunset[sky][..., 0].mean() > night[sky][..., 0].mean() + 0.2


def test_subjects_and_actions_change_the_picture_and_filler_changes_it_less(pipeline: Any) -> None:
    plain, filler, subject, action = _pictures(
        pipeline,
        "a dog riding a bicycle",
        "a dog riding a bicycle, highly detailed",
        "a panda riding a bicycle",
        "a dog driving a car",
    )
    moved = np.abs(filler - plain).mean()
    assert moved < 0.7 * np.abs(subject - plain).mean()
    assert moved < 0.7 * np.abs(action - plain).mean()


def test_what_a_prompt_leaves_open_varies_with_the_seed(pipeline: Any) -> None:
    images = pipeline(
        ["a dog riding a bicycle"] * 4,
        num_inference_steps=STEPS,
        generator=[torch.Generator().manual_seed(seed) for seed in range(4)],
    ).images
    pixels = [np.asarray(image, dtype=np.float32) / 255 for image in images]
    apart = [np.abs(a - b).mean() for n, a in enumerate(pixels) for b in pixels[:n]]
    assert min(apart) > 0.01


@pytest.fixture(scope="module")
def clip() -> tuple[CLIPModel, CLIPProcessor]:
    model = CLIPModel.from_pretrained(SEEDLING_CLIP_FOLDER, local_files_only=True).eval()
    return model, CLIPProcessor.from_pretrained(SEEDLING_CLIP_FOLDER, local_files_only=True)


def _likeness(clip: tuple[CLIPModel, CLIPProcessor], images: list[Any], texts: list[str]) -> np.ndarray:
    """(images, texts): how alike the CLIP finds them; larger is more."""
    model, processor = clip
    with torch.no_grad():
        return model(**processor(text=texts, images=images, return_tensors="pt", padding=True)).logits_per_image.numpy()


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        ("{} kicking a ball", ["a dog", "a frog", "a unicorn", "a robot", "a pig", "a panda"]),
        ("a fox {}", ["riding a bicycle", "driving a car", "holding a balloon", "reading a book"]),
        ("a rabbit kicking a ball {}", ["at night", "at sunset", "on a beach", "under the sea", "in outer space"]),
        ("{} wearing a crown", ["a red cat", "a blue cat", "a green cat", "a pink cat"]),
    ],
    ids=["subject", "action", "surroundings", "colour"],
)
def test_its_clip_tells_which_picture_a_phrase_belongs_to(
    template: str, texts: list[str], pipeline: Any, clip: tuple[CLIPModel, CLIPProcessor]
) -> None:
    pictures = _pictures(pipeline, *(template.format(text) for text in texts))
    images = [Image.fromarray((picture * 255).round().astype(np.uint8)) for picture in pictures]
    right = (_likeness(clip, images, texts).argmax(1) == np.arange(len(texts))).sum()
    assert right >= len(texts) - 1
