"""render_pair(): both pictures as if rendered alone, and a certificate that notices when they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPImageProcessor, CLIPVisionConfig

import generate.render.batch
import generate.render.pair
from generate.models import OpenModel, open_model
from generate.picture import PicturePair
from generate.render.batch import RenderCancelled, RenderError, Step
from generate.render.conditioning import Conditioning, encode_pair
from generate.render.pair import RenderInterrupted, render_pair, resolve_settings
from generate.schedulers.table import build_scheduler
from generate.settings import RenderSettings, SettingsError
from ideation import PromptPair, TokenCount

STEPS, SEED = 4, 11
SETTINGS = RenderSettings(seed=SEED, num_inference_steps=STEPS, width=64, height=64)


def prompts(simple: str, expanded: str, negative: str = "blurry") -> PromptPair:
    return PromptPair(simple, "en", simple, expanded, negative, "given", None, (), (), TokenCount(77, 9, 9))


PROMPTS = prompts("a dog", "a red dog riding a bicycle on a beach at sunset, watercolor style")


def pixels(image: Image.Image) -> np.ndarray[Any, np.dtype[np.int16]]:
    return np.asarray(image.convert("RGB"), dtype=np.int16)


def same_pixels(one: PicturePair, other: PicturePair) -> bool:
    return [render.image.tobytes() for render in one.pictures] == [render.image.tobytes() for render in other.pictures]


@pytest.mark.parametrize("name", ["DPM++ 2M Karras", "Euler a", "DPM++ SDE Karras"])
def test_the_same_prompt_twice_gives_the_same_picture_twice(name: str, seedling: OpenModel) -> None:
    pair = render_pair(prompts("a dog", "a dog"), replace(SETTINGS, scheduler=name), seedling)
    simple, expanded = pair.pictures
    assert simple.image.tobytes() == expanded.image.tobytes()
    assert pair.certificate.differs == ()
    assert pair.certificate.same_seed


@pytest.mark.parametrize("guidance", [0.0, 1.0, 7.5])
def test_with_and_without_guidance(guidance: float, seedling: OpenModel) -> None:
    certificate = render_pair(PROMPTS, replace(SETTINGS, guidance_scale=guidance), seedling).certificate
    assert (certificate.same_seed, certificate.differs) == (True, ("prompt",))


def test_seeds_count_up_and_each_is_what_it_is_alone(seedling: OpenModel) -> None:
    three = render_pair(PROMPTS, replace(SETTINGS, images=3), seedling)
    assert [render.seed for render in three.pictures] == [11, 11, 12, 12, 13, 13]
    assert list(three.certificate.latents_sha256) == [11, 12, 13]
    assert len({hashes["simple"] for hashes in three.certificate.latents_sha256.values()}) == 3
    last = render_pair(PROMPTS, replace(SETTINGS, seed=13), seedling)
    assert [render.image.tobytes() for render in three.pictures[4:]] == [r.image.tobytes() for r in last.pictures]


def other_noise(monkeypatch: pytest.MonkeyPatch, seedling: OpenModel) -> None:
    honest = generate.render.batch._noise

    def sabotaged(model: OpenModel, settings: RenderSettings, seeds: tuple[int, int]) -> Any:
        (simple, _), latents = honest(model, settings, seeds)
        (_, expanded), other = honest(model, settings, (seeds[0], seeds[1] + 1))
        return [simple, expanded], torch.stack([latents[0], other[1]])

    monkeypatch.setattr(generate.render.batch, "_noise", sabotaged)


def a_used_generator(monkeypatch: pytest.MonkeyPatch, seedling: OpenModel) -> None:
    honest = generate.render.batch._noise

    def sabotaged(model: OpenModel, settings: RenderSettings, seeds: tuple[int, int]) -> Any:
        generators, latents = honest(model, settings, seeds)
        torch.randn(1, generator=generators[1])
        return generators, latents

    monkeypatch.setattr(generate.render.batch, "_noise", sabotaged)


def other_sampler_seeds(monkeypatch: pytest.MonkeyPatch, seedling: OpenModel) -> None:
    monkeypatch.setattr(
        generate.render.batch,
        "build_scheduler",
        lambda name, config, seeds: build_scheduler("DPM++ SDE Karras", config, [seeds[0], seeds[1] + 1]),
    )


def test_pairs_that_share_a_batch_are_told_and_drawn_again_in_company(seedling: OpenModel) -> None:
    settings = replace(SETTINGS, scheduler="Euler a", images=3, pairs_per_batch=2)
    seen: list[tuple[int, int, int]] = []
    shared = render_pair(
        PROMPTS,
        settings,
        seedling,
        noise_floor=True,
        on_step=lambda step: seen.append((step.pair, step.number, len(step.preview()))),
    )
    alone = render_pair(PROMPTS, replace(settings, pairs_per_batch=None), seedling)
    certificate = shared.certificate
    assert (certificate.holds, certificate.differs, certificate.batch_shape[0]) == (True, ("prompt",), 4)
    assert certificate.batches == {11: (11, 12), 12: (11, 12), 13: (13,)}
    assert certificate.latents_sha256 == alone.certificate.latents_sha256
    assert certificate.evaluations == alone.certificate.evaluations
    assert alone.certificate.batches == {}
    assert set(certificate.noise_floor) == {11, 12, 13}
    assert seen == [(pair, number + 1, 2) for pair in (1, 3) for number in range(STEPS)]
    for one, other in zip(shared.pictures, alone.pictures, strict=True):
        assert (one.arm, one.seed) == (other.arm, other.seed)
        assert np.abs(pixels(one.image) - pixels(other.image)).max() <= 1, "the shape of a batch moves last digits"
    second = render_pair(PROMPTS, replace(settings, seed=12, images=1), seedling, together=certificate.batch_of(12))
    assert [one.seed for one in second.pictures] == [12, 12]
    assert [one.image.tobytes() for one in second.pictures] == [one.image.tobytes() for one in shared.pictures[2:4]]
    assert second.certificate.batches == {12: (11, 12)}
    assert second.certificate.joined(certificate).batches == certificate.batches


def test_the_certificate_notices_in_whichever_pair_of_a_batch(
    monkeypatch: pytest.MonkeyPatch, seedling: OpenModel
) -> None:
    really = generate.render.batch._noise

    def sabotaged(*given: Any) -> tuple[list[torch.Generator], torch.Tensor]:
        generators, latents = really(*given)
        return generators, torch.cat([latents[:3], latents[:1]])

    monkeypatch.setattr(generate.render.batch, "_noise", sabotaged)
    settings = replace(SETTINGS, num_inference_steps=2, images=2, pairs_per_batch=2)
    certificate = render_pair(PROMPTS, settings, seedling).certificate
    assert (certificate.same_seed, certificate.differs) == (False, ("initial noise", "prompt"))


def other_negative_prompts(monkeypatch: pytest.MonkeyPatch, seedling: OpenModel) -> None:
    def sabotaged(model: OpenModel, prompts: PromptPair, settings: RenderSettings) -> Conditioning:
        conditioning = encode_pair(model, prompts, settings)
        (simple, _), (_, other) = (conditioning.arguments[name] for name in ("negative_prompt_embeds", "prompt_embeds"))
        return replace(
            conditioning, arguments=conditioning.arguments | {"negative_prompt_embeds": torch.stack([simple, other])}
        )

    monkeypatch.setattr(generate.render.pair, "encode_pair", sabotaged)


@pytest.mark.filterwarnings("ignore::UserWarning:torchsde")
@pytest.mark.parametrize(
    ("sabotage", "same_seed", "differs"),
    [
        (other_noise, False, ("initial noise", "noise on the way", "prompt")),
        (a_used_generator, False, ("noise on the way", "prompt")),
        (other_sampler_seeds, False, ("noise on the way", "prompt")),
        (other_negative_prompts, True, ("negative prompt", "prompt")),
    ],
)
def test_the_certificate_notices(
    sabotage: Any, same_seed: bool, differs: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, seedling: OpenModel
) -> None:
    settings = replace(SETTINGS, num_inference_steps=2, scheduler="Euler a")
    sabotage(monkeypatch, seedling)
    certificate = render_pair(PROMPTS, settings, seedling).certificate
    assert (certificate.same_seed, certificate.differs) == (same_seed, differs)


@pytest.mark.parametrize(
    "reason",
    [KeyboardInterrupt(), RenderCancelled("stopped", hint="-"), ValueError("a fault of the program")],
    ids=lambda reason: type(reason).__name__,
)
def test_what_was_finished_is_handed_over(reason: BaseException, seedling: OpenModel) -> None:
    def stop(step: Step) -> None:
        if (step.pair, step.number) == (3, 1):
            raise reason

    settings = replace(SETTINGS, num_inference_steps=2, images=50)
    with pytest.raises(RenderInterrupted, match="stopped after 2 pairs") as caught:
        render_pair(PROMPTS, settings, seedling, on_step=stop)
    finished = caught.value.finished
    assert caught.value.reason is reason
    assert finished.settings.images == 2
    assert [render.seed for render in finished.pictures] == [11, 11, 12, 12]
    assert list(finished.certificate.latents_sha256) == [11, 12]


def test_each_pair_is_handed_over_as_soon_as_it_is_finished(seedling: OpenModel) -> None:
    heard: list[Step | PicturePair] = []
    settings = replace(SETTINGS, num_inference_steps=1, images=3)
    whole = render_pair(PROMPTS, settings, seedling, on_step=heard.append, on_pair=heard.append)
    steps, pairs = heard[::2], heard[1::2]
    assert all(isinstance(step, Step) for step in steps)
    assert [pair.settings.images for pair in pairs if isinstance(pair, PicturePair)] == [1, 2, 3]
    assert pairs[-1] == whole

    def full(_: PicturePair) -> None:
        raise OSError("no space left on device")

    with pytest.raises(RenderInterrupted, match="stopped after 1 pair: no space") as caught:
        render_pair(PROMPTS, settings, seedling, on_pair=full)
    assert same_pixels(caught.value.finished, render_pair(PROMPTS, replace(settings, images=1), seedling))


def test_stopping_the_first_pair_leaves_nothing_to_hand_over(seedling: OpenModel) -> None:
    def stop(step: Step) -> None:
        raise RenderCancelled("stopped", hint="-")

    with pytest.raises(RenderCancelled):
        render_pair(PROMPTS, SETTINGS, seedling, on_step=stop)


def test_progress_counts_every_step(seedling: OpenModel) -> None:
    steps: list[Step] = []
    render_pair(PROMPTS, replace(SETTINGS, images=2, num_inference_steps=3), seedling, on_step=steps.append)
    assert [(step.pair, step.number) for step in steps] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    assert {(step.pairs, step.steps) for step in steps} == {(2, 3)}


def test_sizes_follow_the_model(tiny: OpenModel) -> None:
    settings = resolve_settings(RenderSettings(), tiny)
    assert (settings.width, settings.height) == tiny.native_size == (32, 32)
    assert (settings.device, settings.dtype) == ("cpu", "float32")
    wide = render_pair(PROMPTS, RenderSettings(width=48, height=16, num_inference_steps=1), tiny)
    assert wide.pictures[0].image.size == (48, 16)


@pytest.mark.parametrize(("size", "side", "nearest"), [((40, 32), "width", 32), ((32, 8), "height", 16)])
def test_sizes_between_the_model_s_squares(size: tuple[int, int], side: str, nearest: int, tiny: OpenModel) -> None:
    with pytest.raises(SettingsError, match=f"{side} is .* draws in squares of 16") as caught:
        render_pair(PROMPTS, RenderSettings(width=size[0], height=size[1]), tiny)
    assert caught.value.hint == f"the nearest that works is {nearest}"


def test_numbers_that_run_over_are_no_black_picture(tiny_folder: Path) -> None:
    model = open_model(str(tiny_folder), device="cpu")
    last = model.pipeline.unet.conv_out.weight
    for number, message in (
        (3e38, "ran over at step 1 in float32"),
        (float("nan"), "numbers that are none, in conv_out"),
    ):
        with torch.no_grad():
            last.fill_(number)
        with pytest.raises(RenderError, match=message) as caught:
            render_pair(PROMPTS, RenderSettings(num_inference_steps=2), model)
        assert "float32" not in caught.value.hint, "it is that already"


def test_too_little_memory(tiny_folder: Path) -> None:
    model = open_model(str(tiny_folder), device="cpu")
    model.pipeline.unet.register_forward_pre_hook(lambda *_: torch.empty(2**58))
    with pytest.raises(RenderError, match="32x32 pixels do not fit into the memory of cpu") as caught:
        render_pair(PROMPTS, RenderSettings(), model)
    assert "--size" in caught.value.hint


def test_a_picture_that_a_safety_checker_blackened_is_an_error(tiny_folder: Path) -> None:
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig

    model = open_model(str(tiny_folder), device="cpu")
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=37, num_hidden_layers=1, num_attention_heads=4, image_size=32, patch_size=8
    )
    config = CLIPConfig(vision_config=vision.to_dict(), text_config={"hidden_size": 32}, projection_dim=32)
    checker = StableDiffusionSafetyChecker(config).eval()
    checker.concept_embeds_weights.fill_(-9.0)  # nothing is decent enough
    model.pipeline.register_modules(
        safety_checker=checker,
        feature_extractor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    )
    with pytest.raises(RenderError, match="the model's own safety checker"):
        render_pair(PROMPTS, RenderSettings(num_inference_steps=1), model)


@pytest.mark.parametrize("negative", ["blurry", ""])
def test_xl_models_render_pairs_too(negative: str, tiny_xl: OpenModel) -> None:
    settings = RenderSettings(seed=SEED, num_inference_steps=2, width=32, height=32, scheduler="Euler a")
    pair = render_pair(replace(PROMPTS, negative=negative), settings, tiny_xl)
    assert (pair.certificate.same_seed, pair.certificate.differs) == (True, ("prompt",))
    for render, prompt in zip(pair.pictures, (PROMPTS.simple, PROMPTS.expanded), strict=True):
        tiny_xl.pipeline.scheduler = diffusers.EulerAncestralDiscreteScheduler.from_config(tiny_xl.scheduler_config)
        alone = tiny_xl.pipeline(
            prompt,
            negative_prompt=negative,
            width=32,
            height=32,
            num_inference_steps=2,
            guidance_scale=5.0,
            generator=torch.Generator("cpu").manual_seed(SEED),
        ).images[0]
        assert np.abs(pixels(render.image) - pixels(alone)).max() <= 1


def test_the_certificate_notices_other_sizes(tiny_xl: OpenModel) -> None:
    def misstate_the_size(_module: Any, arguments: Any, keywords: dict[str, Any]) -> Any:
        added = dict(keywords["added_cond_kwargs"])
        added["time_ids"] = added["time_ids"].clone()
        added["time_ids"][1, 0] += 8
        return arguments, {**keywords, "added_cond_kwargs": added}

    hook = tiny_xl.pipeline.unet.register_forward_pre_hook(misstate_the_size, with_kwargs=True)
    try:
        settings = RenderSettings(num_inference_steps=1, width=32, height=32)
        certificate = render_pair(PROMPTS, settings, tiny_xl).certificate
    finally:
        hook.remove()
    assert certificate.differs == ("prompt", "size conditioning")
