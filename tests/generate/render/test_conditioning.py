"""Conditioning: plain prompts as diffusers reads them, weights that weigh, any length, and neither arm touched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from generate.models import OpenModel, open_model
from generate.render.conditioning import encode_pair
from generate.render.pair import render_pair
from generate.settings import RenderSettings, SettingsError
from ideation import PromptPair, TokenCount

SETTINGS = RenderSettings(seed=5, num_inference_steps=3, width=64, height=64)
CHUNKS = replace(SETTINGS, long_prompts="chunk")
PLAIN = "a dog riding a bicycle, watercolor style"
LONG = ", ".join(["a red dog riding a bicycle on a beach at sunset"] * 12)


def prompts(simple: str, expanded: str, negative: str = "") -> PromptPair:
    return PromptPair(simple, "en", simple, expanded, negative, "given", None, (), (), TokenCount(77, 9, 9))


def encode(model: OpenModel, prompt: str, settings: RenderSettings = SETTINGS) -> torch.Tensor:
    """(tokens, width): the context of one prompt."""
    return encode_pair(model, prompts(prompt, prompt), settings).arguments["prompt_embeds"][0]


@pytest.mark.parametrize("prompt", [PLAIN, "", "一隻狗 🚲", LONG])
@pytest.mark.parametrize("clip_skip", [0, 1])
def test_a_prompt_without_syntax_is_what_diffusers_makes_of_it(
    prompt: str, clip_skip: int, seedling: OpenModel
) -> None:
    pipeline = seedling.pipeline
    if clip_skip:  # diffusers' own clip_skip does not work with this version of transformers: leave the layer out
        layers = pipeline.text_encoder.encoder.layers
        pipeline.text_encoder.encoder.layers = layers[:-clip_skip]
    with torch.no_grad():
        wanted, _ = pipeline.encode_prompt(prompt, "cpu", 1, False)
    if clip_skip:
        pipeline.text_encoder.encoder.layers = layers
    assert torch.equal(encode(seedling, prompt, replace(SETTINGS, clip_skip=clip_skip)), wanted[0])


def test_xl_models_too(tiny_xl: OpenModel) -> None:
    with torch.no_grad():
        wanted = tiny_xl.pipeline.encode_prompt(PLAIN, device="cpu", negative_prompt="blurry")
    made = encode_pair(tiny_xl, prompts(PLAIN, PLAIN, "blurry"), SETTINGS).arguments
    names = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
    for name, one in zip(names, wanted, strict=True):
        assert torch.equal(made[name][0], one[0]), name
        assert torch.equal(made[name][1], one[0]), name


def test_a_weight_acts_on_its_word_alone(seedling: OpenModel) -> None:
    plain, loud = encode(seedling, "a red dog"), encode(seedling, "a (red:1.5) dog")
    ratio = (loud / plain).median(dim=1).values
    red = float(ratio[2] / ratio[1])
    assert red == pytest.approx(1.5, rel=1e-4)
    assert torch.allclose(ratio[3:], ratio[1].expand(74), rtol=1e-4), "every other token, and all padding, alike"
    assert float(loud.square().mean()) == pytest.approx(float(plain.square().mean()), rel=1e-4), "as loud as before"


def test_a_weight_changes_the_picture_a_little_and_a_larger_one_more(seedling: OpenModel) -> None:
    settings = replace(SETTINGS, num_inference_steps=8, width=128, height=128)
    pictures = {}
    for weight in ("1.0", "1.2", "1.8"):
        pair = render_pair(prompts("a red dog", f"a (red:{weight}) dog"), settings, seedling)
        simple, expanded = (np.asarray(render.image, dtype=float) for render in pair.pictures)
        pictures[weight] = np.abs(simple - expanded).mean()
        assert pair.certificate.same_seed
    assert pictures["1.0"] == 0
    assert 0 < pictures["1.2"] < pictures["1.8"]


def test_a_long_prompt_is_cut_or_read_in_chunks(seedling: OpenModel) -> None:
    assert len(encode(seedling, LONG)) == 77
    chunks = encode(seedling, LONG, CHUNKS)
    assert len(chunks) == 2 * 77
    first, second = chunks[:77], chunks[77:]
    # A chunk ends behind a comma, and each is what its text is by itself.
    words = LONG.split(", ")
    ends = [", ".join(words[:k]) + "," for k in range(1, 12)]
    assert any(torch.equal(first, encode(seedling, end)) for end in ends)
    rest = next(end for end in ends if torch.equal(first, encode(seedling, end)))
    assert torch.equal(second, encode(seedling, LONG[len(rest) :].strip()))


def test_break_gives_each_part_a_chunk(seedling: OpenModel) -> None:
    both = encode(seedling, "a red dog BREAK on a beach", CHUNKS)
    assert torch.equal(both, torch.cat([encode(seedling, "a red dog"), encode(seedling, "on a beach")]))
    with pytest.raises(SettingsError, match="the simple prompt has a BREAK") as caught:
        encode(seedling, "a red dog BREAK on a beach")
    assert "--tokens chunk" in caught.value.hint


def test_a_long_partner_does_not_touch_the_short_prompt(seedling: OpenModel) -> None:
    """Padded to its partner's length it would be another picture; repeated it is the same."""
    settings = replace(CHUNKS, num_inference_steps=6, width=128, height=128)
    alone = render_pair(prompts(PLAIN, PLAIN), settings, seedling).pictures[0].image
    pair = render_pair(prompts(PLAIN, LONG, "blurry, mess"), settings, seedling)
    beside = render_pair(prompts(PLAIN, PLAIN, "blurry, mess"), settings, seedling).pictures[0].image
    assert pair.certificate.differs == ("prompt",)
    assert _furthest(pair.pictures[0].image, beside) <= 1
    assert _furthest(pair.pictures[0].image, alone) > 1, "the negative prompt does something, so the test can fail"
    conditioning = encode_pair(seedling, prompts(PLAIN, LONG, "blurry"), settings)
    assert conditioning.lengths == {"simple": 77, "expanded": 154, "negative": 77}
    assert {tuple(one.shape[:2]) for one in conditioning.arguments.values()} == {(2, 154)}


def _furthest(one: Any, other: Any) -> int:
    return int(np.abs(np.asarray(one, dtype=int) - np.asarray(other, dtype=int)).max())


def test_lengths_that_cannot_be_evened_out(seedling: OpenModel) -> None:
    seven, nine, eleven = (" BREAK ".join(["a dog"] * count) for count in (7, 9, 11))
    with pytest.raises(SettingsError, match="they would take 53361"):
        encode_pair(seedling, prompts(seven, nine, eleven), CHUNKS)


@contextmanager
def counted(model: OpenModel) -> Iterator[list[int]]:
    """Grows by one for each time that the text encoder runs."""
    runs: list[int] = []
    hook = model.pipeline.text_encoder.register_forward_pre_hook(lambda *_: runs.append(1))
    try:
        yield runs
    finally:
        hook.remove()


def test_a_prompt_is_encoded_once(seedling: OpenModel) -> None:
    seedling.encodings.forget()
    with counted(seedling) as runs:
        first = encode_pair(seedling, prompts("a dog", "a red dog", "blurry"), SETTINGS)
        assert len(runs) == 3
        again = encode_pair(seedling, prompts("a dog", "a red dog", "blurry"), replace(SETTINGS, seed=6))
        assert len(runs) == 3
        other = encode_pair(seedling, prompts("a red dog", "a cat", "blurry"), SETTINGS)
        assert len(runs) == 4, "only the cat is new"
        encode_pair(seedling, prompts("a dog", "a red dog", "blurry"), replace(SETTINGS, clip_skip=1))
        assert len(runs) == 7
        encode_pair(seedling, prompts("a dog", "a red dog", "blurry"), CHUNKS)
        assert len(runs) == 10
        seedling.encodings.forget()
        encode_pair(seedling, prompts("a dog", "a dog", "a dog"), SETTINGS)
        assert len(runs) == 11
    for name, made in first.arguments.items():
        assert torch.equal(made, again.arguments[name])
    assert torch.equal(first.arguments["prompt_embeds"][1], other.arguments["prompt_embeds"][0])
    first.arguments["prompt_embeds"].zero_()
    first.arguments["negative_prompt_embeds"].zero_()
    kept = encode_pair(seedling, prompts("a dog", "a red dog", "blurry"), SETTINGS)
    assert torch.equal(kept.arguments["prompt_embeds"], again.arguments["prompt_embeds"]), (
        "nobody can change what is kept"
    )


def test_a_changed_encoder_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_model("seedling", device="cpu", dtype="float32")
    encoder = model.pipeline.text_encoder
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    (tmp_path / "loras").mkdir()
    (tmp_path / "embeddings").mkdir()
    size = encoder.config.hidden_size
    fc1 = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    up, down = torch.ones(encoder.config.intermediate_size, 2), torch.ones(2, size) / 100
    save_file({f"{fc1}.lora_up.weight": up, f"{fc1}.lora_down.weight": down}, tmp_path / "loras" / "ink.safetensors")
    for number, name in enumerate(("coldbird", "warmbird")):
        save_file({"emb_params": torch.full((2, size), number + 1.0)}, tmp_path / "embeddings" / f"{name}.safetensors")

    plain = encode(model, "a warmbird, a coldbird")
    seen = [plain]
    model.load([("ink", 1.0, 1.0)])
    seen.append(encode(model, "a warmbird, a coldbird"))
    model.unload()
    assert torch.equal(encode(model, "a warmbird, a coldbird"), plain)
    for names in (["coldbird"], ["warmbird"], ["coldbird", "warmbird"]):
        model.load(embeddings=names)
        seen.append(encode(model, "a warmbird, a coldbird"))
    model.load()
    assert torch.equal(encode(model, "a warmbird, a coldbird"), plain)
    with torch.no_grad():
        encoder.final_layer_norm.weight.mul_(2)
    seen.append(encode(model, "a warmbird, a coldbird"))
    assert len({one.numpy().tobytes() for one in seen}) == len(seen)
    encoder.to(torch.bfloat16)
    assert encode(model, "a warmbird, a coldbird").dtype == torch.bfloat16


def test_what_is_kept_does_not_grow_without_end(tiny: OpenModel) -> None:
    for number in range(70):
        encode(tiny, f"{number} dogs")
    assert len(tiny.encodings) == 64
    with counted(tiny) as runs:
        encode(tiny, "69 dogs")
        assert not runs
        encode(tiny, "0 dogs")
    assert runs
