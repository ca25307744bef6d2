from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from transformers import CLIPModel, CLIPTokenizer

from compare.instruments.context import Scorer
from generate.clip import USUAL_CLIPS, Clip, default_clip, open_clip
from generate.models import ModelError
from generate.seedling import SEEDLING_CLIP_FOLDER
from generate.settings import SettingsError


@pytest.fixture(scope="module")
def clip() -> Clip:
    return open_clip("seedling", "cpu")


def picture(colour: str, size: tuple[int, int] = (128, 128)) -> Image.Image:
    made = Image.new("RGB", size, colour)
    ImageDraw.Draw(made).ellipse((30, 40, 90, 120), fill="white")
    return made


def test_vectors_are_unit_rows_in_the_order_asked(clip: Clip) -> None:
    scorer: Scorer = clip  # what the instruments ask for
    images = [picture("navy"), picture("orange"), picture("navy")]
    vectors = scorer.image_vectors(images)
    assert (vectors.dtype, vectors.shape) == (np.float32, (3, 192))
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert (vectors[0] == vectors[2]).all()
    assert (vectors[0] != vectors[1]).any()
    texts = scorer.text_vectors(["a dog", "a cat in the snow, at night, neon", "a dog", ""])
    assert texts.shape == (4, 192)
    assert np.linalg.norm(texts, axis=1) == pytest.approx(1, abs=1e-5)
    assert (texts[0] == texts[2]).all()
    assert float(texts[0] @ texts[1]) < 0.9  # a tokenizer of two tokens would call them alike
    assert scorer.image_vectors([]).shape == scorer.text_vectors([]).shape == (0, 192)


def test_the_numbers_are_those_of_the_stock_model(clip: Clip) -> None:
    stock = CLIPModel.from_pretrained(SEEDLING_CLIP_FOLDER).eval()
    tokens = CLIPTokenizer.from_pretrained(SEEDLING_CLIP_FOLDER)(["a dog at night"], return_tensors="pt")
    image = picture("teal", (stock.config.vision_config.image_size,) * 2)  # any other is made that large by Pillow
    pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        found = stock(pixel_values=pixels, **tokens)
    expected = float(found.image_embeds[0] @ found.text_embeds[0])
    assert float(clip.image_vectors([image])[0] @ clip.text_vectors(["a dog at night"])[0]) == pytest.approx(
        expected, abs=1e-5
    )


def test_nothing_is_computed_twice(clip: Clip, monkeypatch: pytest.MonkeyPatch) -> None:
    first = clip.image_vectors([picture("brown")]), clip.text_vectors(["a brown bear"])

    def refuse(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(clip, "_encoded", refuse)
    again = clip.image_vectors([picture("brown").convert("RGBA")]), clip.text_vectors(["a brown bear"])
    assert all((one == other).all() for one, other in zip(first, again, strict=True))
    with pytest.raises(AssertionError, match="computed again"):
        clip.image_vectors([picture("brown", (129, 128))])


def test_a_vector_does_not_depend_on_what_else_is_asked(clip: Clip) -> None:
    alone = open_clip("seedling", "cpu")
    image = picture("olive")
    together = clip.image_vectors([picture("gold"), image, picture("pink", (300, 90))])[1]
    assert (together == alone.image_vectors([image])[0]).all()


@pytest.mark.parametrize(
    ("one", "other"),
    [("a (red:1.3) dog", "a red dog"), ("a dog <lora:ink:0.7>", "a dog"), ("[a dog] BREAK at night", "a dog at night")],
)
def test_the_syntax_of_a_prompt_is_not_read(clip: Clip, one: str, other: str) -> None:
    first, second = clip.text_vectors([one, other])
    assert float(first @ second) == pytest.approx(1, abs=1e-5)


def test_words_beyond_the_limit_are_named_and_change_nothing(clip: Clip) -> None:
    long = ", ".join(["a dog"] * 25)  # 3 tokens each, of which 75 fit
    assert clip.limit == 77
    assert clip.cut("a dog at night") == ()
    assert clip.cut(f"{long}, a panda in the snow") == ("a", "panda", "in", "the", "snow")
    first, second = clip.text_vectors([f"{long}, a panda", f"{long}, in the snow"])
    assert float(first @ second) == pytest.approx(1, abs=1e-5)


def test_the_digest_is_that_of_the_weights(clip: Clip, tmp_path: Path) -> None:
    folder = shutil.copytree(SEEDLING_CLIP_FOLDER, tmp_path / "copy")
    assert open_clip(str(folder), "cpu").digest == clip.digest
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert open_clip(str(folder), "cpu").digest != clip.digest


def _config(folder: Path, **changes: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def _remove(*names: str) -> Callable[[Path], None]:
    return lambda folder: [(folder / name).unlink() for name in names] and None


def _cut_off(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_remove("config.json"), "there is no config.json in it"),
        (_remove("model.safetensors"), "has no weights as .safetensors"),
        (_remove("preprocessor_config.json"), "has no preprocessor_config.json"),
        (_remove("tokenizer.json", "vocab.json"), "has no tokenizer: neither tokenizer.json nor vocab.json"),
        (lambda folder: _config(folder, model_type="siglip"), "is no CLIP but a model of the type 'siglip'"),
        (lambda folder: _config(folder, projection_dim=7), "cannot be loaded from"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "config.json").write_text("[]"), "cannot be read"),
        (lambda folder: (folder / "preprocessor_config.json").write_text("{"), "no settings that can be read"),
        (_cut_off, "cannot be loaded from"),
    ],
)
def test_a_broken_folder_is_named_with_a_hint(tmp_path: Path, harm: Callable[[Path], object], message: str) -> None:
    folder = shutil.copytree(SEEDLING_CLIP_FOLDER, tmp_path / "clip")
    harm(folder)
    with pytest.raises(ModelError) as error:
        open_clip(str(folder), "cpu")
    assert message in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "there is no CLIP 'nowhere'"),
        ("", "there is no CLIP ''"),
        ("x" * 5000, "there is no CLIP"),
        ("nobody/nothing", "is not on this machine and could not be fetched from the hub"),
        ("nobody/nothing@main", "is not on this machine and could not be fetched from the hub"),
    ],
)
def test_a_name_that_leads_nowhere_is_an_error_with_a_hint(name: str, message: str) -> None:
    with pytest.raises(ModelError) as error:
        open_clip(name, "cpu")
    assert message in error.value.message
    assert error.value.hint


def test_a_device_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SettingsError, match="there is no device 'abacus'"):
        open_clip("seedling", "abacus")


def test_which_clip_scores_what(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert default_clip("seedling", {"TWINSEED_CLIP": "else/where"}).name == "seedling"
    assert default_clip("owner/name", {"TWINSEED_CLIP": " else/where "}).name == "else/where"
    nothing = default_clip("owner/name", {"TWINSEED_CLIP": ""})
    assert nothing.name is None
    assert "set TWINSEED_CLIP" in nothing.reason


def test_one_in_the_hubs_cache_is_found_and_opened_without_the_network(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    usual = USUAL_CLIPS[1]
    cached = tmp_path / f"models--{usual.replace('/', '--')}"
    revision = "0" * 40
    (cached / "refs").mkdir(parents=True)
    (cached / "refs" / "main").write_text(revision)
    shutil.copytree(SEEDLING_CLIP_FOLDER, cached / "snapshots" / revision)
    assert default_clip("owner/name", {}).name == usual
    found = open_clip(usual, "cpu")
    assert (found.name, found.digest) == (usual, open_clip("seedling", "cpu").digest)
    # Where only the tokenizer was ever fetched, there is no CLIP.
    (cached / "snapshots" / revision / "model.safetensors").unlink()
    assert default_clip("owner/name", {}).name is None
