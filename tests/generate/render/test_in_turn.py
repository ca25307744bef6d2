"""Families of transformers, on tiny models of diffusers' own classes: arms in turn are two plain calls, bit for bit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from conftest import Twinseed
from diffusers.models.attention import AttentionModuleMixin
from diffusers.models.attention_processor import Attention
from diffusers.quantizers.bitsandbytes import BnB4BitDiffusersQuantizer, BnB8BitDiffusersQuantizer
from makers_layout import makers_layout
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_families import BUILDERS, rewriting_model, save_tiny

from compare.request import PairRequest
from compare.session.preparation import Preparation
from generate import RenderSettings
from generate.families import FAMILIES
from generate.models import ModelError, OpenModel, family_of, known_models, open_model, usual_settings
from generate.models.opening import memory_mode
from generate.models.opening.memory_mode import MODE_WORDS, PartSizes, choose_mode, sizes_of
from generate.models.suitability import check_family
from generate.models.weights.tensors import left_in_folder, require_whole
from generate.models.weights.weight_file import digest_of_file
from generate.render import (
    Frame,
    RenderCancelled,
    RenderError,
    RenderInterrupted,
    Step,
    attention_recorder,
    render_pair,
    render_series,
)
from generate.render.input_check import named_inputs
from generate.render.memory import MemoryPlan
from generate.render.numerics import NoiseInFloat32
from generate.schedulers.table import build_scheduler
from generate.settings import SettingsError
from ideation import Clause, PromptPair, TwinseedError, given_pair, typed_concept

Folders = Callable[[str], Path]
Opened = Callable[[str], OpenModel]

SHORT = "a red cat"
LONG = " ".join(["near the ancient lighthouse in front of a misty valley ,"] * 8)
NEGATIVE = "blurry low quality"


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The folder of the tiny model of a family, made when it is first asked for."""
    models = tmp_path_factory.mktemp("families")

    def folder(family: str) -> Path:
        made = models / family
        return made if made.is_dir() else save_tiny(family, made)

    return folder


@pytest.fixture(scope="session")
def opened(folders: Folders) -> Opened:
    known: dict[str, OpenModel] = {}

    def model(family: str) -> OpenModel:
        if family not in known:
            known[family] = open_model(str(folders(family)), device="cpu")
            made_quick(known[family].pipeline)
        return known[family]

    return model


def made_quick(pipeline: Any) -> None:
    """What a pipeline has settled is made smaller where it takes much time."""
    if hasattr(pipeline, "resolutions"):  # Kandinsky's own sizes: a picture takes a minute
        pipeline.resolutions = [(64, 64)]
    if hasattr(pipeline, "tokenizer_2_max_length"):  # HunyuanImage's, which fills every prompt up to 1000 tokens
        pipeline.tokenizer_max_length = 128


def few_tokens(model: OpenModel) -> dict[str, int]:
    """Prompts filled up to 128 tokens, enough for the longest here, where else it would be hundreds."""
    assert model.family.in_turn is not None
    return {"max_sequence_length": 128} if "max_sequence_length" in model.family.in_turn.arguments else {}


def settings_of(model: OpenModel, **changes: Any) -> RenderSettings:
    usual = usual_settings(model.family, 5)
    wanted = {"model": model.name, "num_inference_steps": 2, "width": 64, "height": 64, **changes}
    return replace(usual, **wanted)


def prompts_of(model: OpenModel, expanded: str = f"{SHORT} {LONG}", negative: str = NEGATIVE) -> PromptPair:
    return replace(given_pair(SHORT, SHORT, expanded, "", model.budget()), negative=negative)


def pixels(image: Any) -> Any:
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("name", BUILDERS)
def test_a_pair_is_two_plain_calls(name: str, folders: Folders, opened: Opened) -> None:
    model = opened(name)
    assert model.family is FAMILIES[name]
    assert not model.notes
    settings, prompts, seen = settings_of(model), prompts_of(model), list[tuple[int, int, int]]()

    def look(step: Step) -> None:  # a preview decodes a picture for each arm
        seen.append((step.number, step.steps, len(step.preview()) if step.number in (1, 4) else 0))

    pair = render_pair(prompts, settings, model, on_step=look)
    assert seen == [(1, 4, 1), (2, 4, 0), (3, 4, 0), (4, 4, 2)]
    # Processors want torchvision for pictures that are not here.
    processors = {part: getattr(model.pipeline, part) for part in model.family.processors}
    given = processors if model.family.processor_first else dict.fromkeys(processors)
    pipeline = getattr(diffusers, model.family.pipeline).from_pretrained(folders(name), **given)
    pipeline.register_modules(**processors)
    made_quick(pipeline)
    pipeline.set_progress_bar_config(disable=True)
    in_turn = model.family.in_turn
    assert in_turn is not None
    guided = in_turn.guided(settings.guidance_scale)
    for picture, prompt in zip(pair.pictures, (prompts.simple, prompts.expanded), strict=True):
        plain = pipeline(
            prompt=prompt,
            **(in_turn.negative(pipeline, prompts.negative, in_turn.arguments) if guided else {}),
            **({} if in_turn.guiders else {model.family.guidance: settings.guidance_scale}),
            **in_turn.arguments,
            **in_turn.of_steps(pipeline, 2),
            num_inference_steps=2,
            width=64,
            height=64,
            generator=torch.Generator().manual_seed(5),
        )[0][0]
        if plain.mode == "RGBA":
            plain = Image.alpha_composite(Image.new("RGBA", plain.size, "white"), plain).convert("RGB")
        assert plain.tobytes() == picture.image.tobytes(), f"{picture.arm}: its partner changes nothing"
    simple, expanded = (pixels(one.image) for one in pair.pictures)
    assert np.abs(simple - expanded).mean() > 2, "words matter"
    certificate = pair.certificate
    assert (certificate.differs, certificate.holds) == (("prompt",), True)
    assert certificate.evaluations == 2 * 2 * (len(in_turn.guided_calls) if guided and in_turn.guided_calls else 1)
    assert len(set(certificate.latents_sha256[5].values())) == 1
    assert (
        certificate.arguments.items() >= {**in_turn.arguments, model.family.guidance: settings.guidance_scale}.items()
    )
    words = {name for name, arms in certificate.inputs[5].items() if arms["simple"] != arms["expanded"]}
    assert {model.family.inputs[name.partition(" (")[0]] for name in words} == {"prompt"}
    assert certificate.context["simple"] == prompts.tokens.simple
    lengths = {"max_sequence_length"} & in_turn.arguments.keys()
    ways = {_in_all_other_ways: {"rewritten prompt", "scheduler", "initial noise", "noise on the way"} | lengths}
    if guided:
        ways[_other_negative] = {"negative prompt"}
    for spoil, named in ways.items():
        with sabotaged(model.pipeline, spoil):
            spoiled = render_pair(prompts, replace(settings, num_inference_steps=1), model).certificate
        assert not spoiled.holds
        assert set(spoiled.offences) >= named


def _chat(thinks: bool) -> Callable[[Any, str], str]:
    def asked(pipeline: Any, words: str) -> str:
        told = [{"role": "user", "content": words}]
        text: str = pipeline.tokenizer.apply_chat_template(
            told, tokenize=False, add_generation_prompt=True, enable_thinking=thinks
        )
        return text

    return asked


def _in_parts(pipeline: Any, words: str) -> str:
    roles = {"system": pipeline.system_message, "user": words}
    told = [{"role": role, "content": [{"type": "text", "text": text}]} for role, text in roles.items()]
    text: str = pipeline.tokenizer.apply_chat_template(told, tokenize=False)[0]
    return text.removeprefix("<s>")


def _described(pipeline: Any, words: str) -> str:
    begin: str = pipeline.prompt_template_encode_prefix
    return begin + words


#: What the text encoder that counts is given, where that is more than the words; how many tokens of it are left out
#: again, and how many are set behind whatever was cut off.
READ: dict[str, tuple[Callable[[Any, str], str], int, int]] = {
    "z-image": (_chat(True), 0, 0),
    "flux2-klein": (_chat(False), 0, 0),
    "flux2-klein-base": (_chat(False), 0, 0),
    "qwen-image": (lambda pipeline, words: pipeline.prompt_template_encode.format(words), 34, 0),
    "qwen-image-2.1": (lambda pipeline, words: pipeline.prompt_template_t2i.format(words), 12, 0),
    "kandinsky5": (lambda pipeline, words: pipeline.prompt_template.format(words), 40, 0),
    "hunyuan-image": (lambda pipeline, words: pipeline.prompt_template_encode.format(words), 34, 0),
    "hunyuan-image-distilled": (lambda pipeline, words: pipeline.prompt_template_encode.format(words), 34, 0),
    "krea2": (_described, 34, 5),
    "krea2-turbo": (_described, 34, 5),
    "flux2": (_in_parts, 0, 0),
    "lumina2": (lambda pipeline, words: f"{pipeline.system_prompt} <Prompt Start> {words}", 0, 0),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_tokens_are_counted_as_the_pipeline_reads_them(name: str, opened: Opened) -> None:
    model = opened(name)
    assert model.family.in_turn is not None
    reader = model.family.in_turn.readers[0]
    tokenizer = getattr(model.pipeline, reader.tokenizer)
    tokenizer = getattr(tokenizer, "tokenizer", tokenizer)
    read, left_out, behind = READ.get(name, (lambda _, words: words, 0, 0))
    assert model.budget().count(SHORT) == len(tokenizer(read(model.pipeline, SHORT)).input_ids) - left_out + behind
    if reader.limit > 10_000:
        assert not model.budget().dropped("cat " * 2000), "nothing is cut off"
        return
    many, most = "cat " * reader.limit, left_out + reader.limit - behind
    kept = tokenizer(read(model.pipeline, many), truncation=True, max_length=most).input_ids
    assert len(model.budget().dropped(many)) == reader.limit - kept.count(tokenizer.convert_tokens_to_ids("cat"))


def _other_negative(call: dict[str, Any], _: Any) -> None:
    if "negative_prompt" in call:
        call["negative_prompt"] = "watermark"
    else:
        call["negative_prompt_embeds"] = 2 * call["negative_prompt_embeds"]


def _other_length(call: dict[str, Any], _: Any) -> None:
    call["max_sequence_length"] = 128


def _other_scheduler(_: dict[str, Any], pipeline: Any) -> None:
    pipeline.scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=2.0)


def _rewriting(call: dict[str, Any], _: Any) -> None:
    call["prompt"] += " with soft light"


def _used_generator(call: dict[str, Any], _: Any) -> None:
    torch.randn(1, generator=call["generator"])


def _other_guidance(call: dict[str, Any], _: Any) -> None:
    call["guidance_scale"] += 1


def _more_steps(call: dict[str, Any], _: Any) -> None:
    call["num_inference_steps"] += 1


def _in_all_other_ways(call: dict[str, Any], pipeline: Any) -> None:
    """What each family's arms are spoiled by at once: none of it shows as another."""
    scheduler = pipeline.scheduler
    pipeline.scheduler = type(scheduler).from_config(scheduler.config, num_train_timesteps=900)
    _rewriting(call, pipeline)
    _used_generator(call, pipeline)
    if "max_sequence_length" in call:
        _other_length(call, pipeline)


@contextmanager
def sabotaged(pipeline: Any, spoil: Callable[[dict[str, Any], Any], None]) -> Iterator[None]:
    """Every second call of the pipeline is another one than was asked for."""
    kind, calls = type(pipeline), list[int]()

    class Sabotaged(kind):  # type: ignore[misc,valid-type]
        def __call__(self, **call: Any) -> Any:
            calls.append(1)
            if len(calls) % 2 == 0:
                spoil(call, self)
            return super().__call__(**call)

    pipeline.__class__ = Sabotaged
    try:
        yield
    finally:
        pipeline.__class__ = kind


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_other_negative, {"negative prompt", "rewritten prompt"}),
        (_other_length, {"max_sequence_length"}),
        (_other_scheduler, {"scheduler"}),
        (_rewriting, {"rewritten prompt"}),
        (_used_generator, {"initial noise", "noise on the way"}),
        (_other_guidance, {"guidance"}),
        (_more_steps, {"evaluations", "scheduler"}),
    ],
)
def test_a_sabotaged_arm_is_named(spoil: Any, named: set[str], opened: Opened) -> None:
    model = opened("z-image")
    with sabotaged(model.pipeline, spoil):
        certificate = render_pair(prompts_of(model), settings_of(model), model).certificate
    assert set(certificate.offences) >= named
    assert set(certificate.offences) <= named | {"t"}, "timesteps are told as well"
    assert not certificate.holds
    assert certificate.same_seed == named.isdisjoint({"initial noise", "noise on the way"})


def _own_rewriting(call: dict[str, Any], _: Any) -> None:
    call["use_pe"] = True


def _own_instruction(call: dict[str, Any], _: Any) -> None:
    call["complex_human_instruction"] = ["Describe it at length :"]


def test_a_pipeline_that_rewrites_prompts_is_named(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    model, rewriter = opened("ernie-image"), rewriting_model()
    for part, made in rewriter.items():
        monkeypatch.setattr(model.pipeline, part, made)
    for name, spoil, named in (
        ("ernie-image", _own_rewriting, "rewritten prompt"),
        ("sana", _own_instruction, "complex_human_instruction"),
    ):
        model = opened(name)
        settings = settings_of(model, num_inference_steps=1)
        with sabotaged(model.pipeline, spoil):
            certificate = render_pair(prompts_of(model), settings, model).certificate
        assert not certificate.holds
        assert named in certificate.offences


@pytest.mark.parametrize(
    ("changes", "prompt", "message"),
    [
        ({"scheduler": "DPM++ 2M Karras"}, SHORT, "trained by flow matching"),
        ({"max_sequence_length": 513}, SHORT, "reads 512 tokens at most, not 513"),
        ({"pairs_per_batch": 2}, SHORT, "draws one picture after the other"),
        ({"compiled": True, "memory": "8GB"}, SHORT, "lies in memory as a whole"),
        ({"attention_backend": "sage"}, SHORT, "is in the package sageattention, which is not installed"),
        ({"clip_skip": 1}, SHORT, "no layers are left out"),
        ({"long_prompts": "chunk"}, SHORT, "in one piece of 512 tokens"),
        ({"vae": "other"}, SHORT, "with its own VAE alone"),
        ({"width": 72}, SHORT, "draws in squares of 16"),
        ({}, "a (red:1.3) cat", "weighs 'red'"),
        ({}, "a red cat BREAK a dog", "BREAK"),
        ({}, "a red cat embedding:glow", "asks for the embedding glow"),
    ],
)
def test_what_it_cannot_do_is_refused(changes: dict[str, Any], prompt: str, message: str, opened: Opened) -> None:
    model = opened("z-image")
    with pytest.raises(SettingsError, match=message) as caught:
        render_pair(prompts_of(model, prompt), settings_of(model, **changes), model)
    assert caught.value.hint


def test_the_length_of_prompts_is_said_and_kept_to(opened: Opened) -> None:
    model = opened("sd3")
    settings = settings_of(model, num_inference_steps=1)
    shorter = render_pair(prompts_of(model), replace(settings, max_sequence_length=32), model)
    longer = render_pair(prompts_of(model), replace(settings, max_sequence_length=300), model)
    for pair, length in ((shorter, 32), (longer, 300)):
        assert pair.certificate.holds
        assert pair.certificate.arguments["max_sequence_length"] == length
        assert pair.certificate.context["expanded"] == min(length, 92)
    assert shorter.pictures[0].image.tobytes() != longer.pictures[0].image.tobytes(), "padding is seen"
    assert model.budget(limit=32).dropped(f"{SHORT} {LONG}")
    assert not model.budget(limit=300).dropped(f"{SHORT} {LONG}")


def test_lettering_is_guided_alike_or_refused(opened: Opened) -> None:
    model = opened("hunyuan-image")
    settings = settings_of(model, num_inference_steps=1, guidance_scale=2.0)
    lettered = replace(prompts_of(model), simple="a red 'cat'", expanded="a red 'cat' near the lighthouse")
    pair = render_pair(lettered, settings, model)
    assert pair.certificate.holds
    told = pair.certificate.arguments
    assert (told["guider"], told["guidance_scale"]) == ("ocr_guider", 2.0)
    assert told["adaptive_projected_guidance_start_step"] == 38, "the part for lettering has numbers of its own"
    letters = pair.certificate.inputs[5]["encoder_hidden_states_2 (prompt)"]
    assert letters["simple"] == letters["expanded"], "the same words in quotation marks"
    unguided = render_pair(lettered, replace(settings, guidance_scale=1.0), model).certificate
    assert (unguided.holds, unguided.evaluations) == (True, 2)
    assert model.pipeline.guider.guidance_scale == 3.5, "what the model has is left as it was"
    long = f"a red '{'cat ' * 40}'"
    request = PairRequest(typed_concept("a red cat"), simple=lettered.simple, expanded=long, settings=settings)
    told, _ = Preparation.of(request).carry_out(model, None, lambda _: None)
    cut = "Of the words in quotation marks, the text encoder for lettering reads 127 of 169 bytes."
    assert cut in map(str, told.warnings)
    one_sided = replace(lettered, simple="a red cat")
    with pytest.raises(SettingsError, match="not all prompts have words in quotation marks"):
        render_pair(one_sided, settings, model)
    with pytest.raises(SettingsError, match="not all prompts have words in quotation marks"):
        list(render_series([Frame("a red cat", 5)], lettered, settings, model))


def test_sizes_that_a_pipeline_would_change_are_refused(opened: Opened) -> None:
    model = opened("kandinsky5")
    with pytest.raises(SettingsError, match="Kandinsky 5 does not draw 128x64 pixels") as caught:
        render_pair(prompts_of(model), settings_of(model, width=128), model)
    assert "64x64" in str(caught.value.hint)


def test_flow_schedulers_are_for_flow_alone(seedling: OpenModel) -> None:
    for changes in ({"memory": "8GB"}, {"max_sequence_length": 77}):
        with pytest.raises(SettingsError):
            check_family(RenderSettings(**changes), seedling.family)
    with pytest.raises(SettingsError, match="Euler Karras is for models that were trained by flow matching"):
        build_scheduler("euler_karras", seedling.scheduler_config, [1])


def test_schedulers_of_flow_take_over_how_far_it_is_shifted() -> None:
    of_dpm = {"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": True, "flow_shift": 3.0}
    assert build_scheduler("Euler", of_dpm, [1]).config.shift == 3.0
    of_euler = {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 6.0}
    assert build_scheduler("DPM++ 2M", of_euler, [1]).config.flow_shift == 6.0


def test_a_pipeline_that_stops_is_told_of(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened("z-image")
    monkeypatch.setattr(model.pipeline.tokenizer, "chat_template", "{{ of another model (")
    with pytest.raises(RenderError, match=r"the pipeline of .* stopped with TemplateSyntaxError"):
        render_pair(prompts_of(model), settings_of(model), model)


def test_all_its_schedulers_draw_the_same_pair_differently(opened: Opened) -> None:
    model = opened("sana")
    assert model.family.in_turn is not None
    drawn = set()
    for scheduler in model.family.in_turn.schedulers:
        pair = render_pair(prompts_of(model), settings_of(model, scheduler=scheduler, num_inference_steps=4), model)
        assert pair.certificate.holds, scheduler
        drawn.add(pair.pictures[0].image.tobytes())
    assert len(drawn) == len(model.family.in_turn.schedulers)


@pytest.mark.parametrize("name", ["flux", "qwen-image", "sd3", "chroma", "lumina2", "kandinsky5"])
def test_other_solvers_go_where_euler_goes(name: str, opened: Opened) -> None:
    model = opened(name)
    assert model.family.in_turn is not None
    guidance = model.family.usual["guidance_scale"] if model.family.in_turn.guided_above is None else 1.0

    def drawn(scheduler: str, seed: int = 5) -> Any:
        settings = settings_of(model, scheduler=scheduler, num_inference_steps=3, guidance_scale=guidance)
        (frame,) = render_series([Frame(SHORT, seed)], prompts_of(model), settings, model)
        return pixels(frame.image)

    euler = drawn("Euler")
    apart = np.abs(drawn("Euler", 6) - euler).mean()
    for solver in {"UniPC", "DPM++ 2M", "DEIS"} & {*model.family.in_turn.schedulers}:
        assert 0 < np.abs(drawn(solver) - euler).mean() < apart, f"{solver}: nearer than another seed is"


def test_a_series_has_the_pictures_of_the_pair(opened: Opened) -> None:
    model = opened("z-image")
    prompts, settings = prompts_of(model), settings_of(model)
    pair = render_pair(prompts, settings, model)
    frames = [Frame(prompts.expanded, 5), Frame(prompts.simple, 6), Frame(prompts.simple, 5)]
    made = [one.image.tobytes() for one in render_series(frames, prompts, settings, model)]
    assert made[0] == pair.pictures[1].image.tobytes()
    assert made[2] == pair.pictures[0].image.tobytes()
    with pytest.raises(SettingsError, match="no way from one prompt to another"):
        list(render_series([Frame(SHORT, 5, prompts.expanded, 0.5)], prompts, settings, model))


def test_it_stops_when_it_is_told_to(opened: Opened) -> None:
    model = opened("z-image")

    def stop(step: Step) -> None:
        if (step.pair, step.number) == (2, 3):
            raise RenderCancelled("enough")

    with pytest.raises(RenderInterrupted) as caught:
        render_pair(prompts_of(model), settings_of(model, images=3), model, on_step=stop)
    assert caught.value.finished.settings.images == 1
    assert not {"encode_prompt"} & {*model.pipeline.__dict__}, "nobody looks on any more"
    assert not model.denoiser._forward_pre_hooks


def test_a_fast_pair_carries_attention_on_by_the_number_of_the_step(opened: Opened) -> None:
    model = opened("flux")
    prompts, settings = prompts_of(model), settings_of(model, num_inference_steps=10)
    usual = render_pair(prompts, settings, model)
    fast = render_pair(prompts, replace(settings, fast=True), model)
    assert fast.certificate.holds
    rule = {"cache_interval": 3, "disable_cache_before_step": 3, "disable_cache_after_step": 8, "max_order": 1}
    assert fast.certificate.arguments == usual.certificate.arguments | rule
    alone = replace(prompts, simple=prompts.expanded, expanded=prompts.simple)
    turned = [one.image.tobytes() for one in render_pair(alone, replace(settings, fast=True), model).pictures]
    assert [one.image.tobytes() for one in fast.pictures] == turned[::-1], "nothing is carried on from the other arm"
    assert fast.pictures[0].image.tobytes() != usual.pictures[0].image.tobytes()
    few = replace(settings, num_inference_steps=4)
    plain, quick = (render_pair(prompts, one, model) for one in (few, replace(few, fast=True)))
    assert quick.pictures[0].image.tobytes() == plain.pictures[0].image.tobytes(), "of few steps all are computed"


@pytest.mark.parametrize("name", BUILDERS)
def test_attention_is_computed_by_what_was_asked_for(name: str, opened: Opened) -> None:
    model = opened(name)
    settings, prompts = settings_of(model, num_inference_steps=1, **few_tokens(model)), prompts_of(model)
    takes = {hasattr(layer.processor, "_attention_backend") for layer in attention_layers(model.denoiser)}
    assert model.family.in_turn is not None
    assert model.family.in_turn.takes_backends == (True in takes)
    if True not in takes:
        with pytest.raises(SettingsError, match="take no other attention than torch's"):
            render_pair(prompts, replace(settings, attention_backend="_native_math"), model)
        return
    usual = render_pair(prompts, settings, model)
    other = render_pair(prompts, replace(settings, attention_backend="_native_math"), model)
    assert other.certificate.holds
    assert other.certificate.arguments["attention_backend"] == "_native_math"
    assert "attention_backend" not in usual.certificate.arguments
    for one, same in zip(usual.pictures, other.pictures, strict=True):
        assert np.abs(pixels(one.image) - pixels(same.image)).max() <= 1
    with pytest.raises(RenderError, match="No viable backend") as caught:  # on a CPU
        render_pair(prompts, replace(settings, attention_backend="_native_cudnn"), model)
    assert "--attention-backend" in caught.value.hint
    again = render_pair(prompts, settings, model)
    assert [one.image.tobytes() for one in again.pictures] == [one.image.tobytes() for one in usual.pictures]


def attention_layers(denoiser: Any) -> list[Any]:
    return [part for part in denoiser.modules() if isinstance(part, (Attention, AttentionModuleMixin))]


def test_backends_that_are_none(opened: Opened) -> None:
    with pytest.raises(SettingsError, match="no attention backend 'flash_hub'") as caught:
        RenderSettings(attention_backend="flash_hub")
    assert "sage" in caught.value.hint
    model = opened("flux")
    told = settings_of(model, attention_backend="sage")
    with pytest.raises(SettingsError, match="nobody can look on"):
        attention_recorder(model, (SHORT, SHORT), told)


def test_memory_that_runs_short(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened("z-image")
    decode = type(model.pipeline.vae).decode

    def limited(self: Any, *given: Any, **keywords: Any) -> Any:
        if not self.use_tiling:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return decode(self, *given, **keywords)

    monkeypatch.setattr(type(model.pipeline.vae), "decode", limited)
    certificate = render_pair(prompts_of(model), settings_of(model), model).certificate
    assert certificate.given_up == {5: ("VAE in tiles",)}
    assert certificate.holds
    ways = []
    plan: MemoryPlan | None = MemoryPlan.first(model)
    while plan is not None:
        ways.append(plan.given_up)
        plan = plan.smaller("cuda", in_turn=True)
    assert ways == [
        (),
        ("VAE in tiles",),
        ("VAE in tiles", "parts of the model moved to the CPU in turn"),
        ("VAE in tiles", "layers of the model moved to the CPU in turn"),
    ]


def test_memory_modes_draw_the_same_or_say_so(folders: Folders, opened: Opened) -> None:
    folder, whole = str(folders("z-image")), opened("z-image")
    prompts, settings = prompts_of(whole), settings_of(whole, num_inference_steps=1)
    plain = render_pair(prompts, settings, whole)
    for mode, words in MODE_WORDS.items():
        if mode in ("8-bit", "4-bit"):
            with pytest.raises(SettingsError, match=f"--memory {mode} goes with CUDA alone, and this is cpu"):
                open_model(folder, device="cpu", memory=mode)
            continue
        with open_model(folder, device="cpu", memory=mode) as model:
            pair = render_pair(prompts, replace(settings, memory=mode), model)
            assert pair.certificate.holds
            assert pair.certificate.given_up == {5: (words,)}
            for drawn, usual in zip(pair.pictures, plain.pictures, strict=True):
                assert (drawn.image.tobytes() == usual.image.tobytes()) == (mode != "float8"), mode
            with pytest.raises(ModelError, match="weights of so few bits" if mode == "float8" else "unknown lora"):
                model.load([("ink", 1.0, 1.0)])


def test_memory_is_chosen_by_what_a_model_takes(folders: Folders) -> None:
    sizes = PartSizes({"transformer": 12 * 10**9, "text_encoder": 5 * 10**9}, "transformer", ("text_encoder",))
    asked = {"40GB": "whole", "27GB": "model-offload", "8GB": "group-offload"}
    for size, mode in asked.items():
        assert choose_mode(size, sizes, device="cuda", dtype="bfloat16", waiting=64 * 10**9) == mode, size
    assert choose_mode("24GB", sizes, device="cuda", dtype="bfloat16", waiting=10**9) == "float8", "nowhere to wait"
    assert choose_mode("24GB", sizes, device="cpu", dtype="bfloat16") == "float8", "on a CPU nothing waits elsewhere"
    with pytest.raises(SettingsError, match=r"does not fit into 8GB on cuda; the least that it takes here is 23.5GB"):
        choose_mode("8GB", sizes, device="cuda", dtype="bfloat16", waiting=10**9)
    if find_spec("bitsandbytes") is None:
        with pytest.raises(SettingsError, match="--memory 8-bit takes bitsandbytes, which is not installed") as caught:
            choose_mode("8-bit", sizes, device="cuda", dtype="bfloat16")
        assert "twinseed[quant]" in str(caught.value.hint)
    for mode in ("8-bit", "4-bit"):
        (told,) = memory_mode.loading(mode, FAMILIES["sd3"], torch.bfloat16).values()
        assert told.quant_backend == f"bitsandbytes_{mode[0]}bit"
        assert set(told.components_to_quantize) == {"transformer", *(one for one, _ in FAMILIES["sd3"].text_encoders)}
    tiny = sizes_of(folders("z-image"), FAMILIES["z-image"])
    assert tiny.weights.keys() == {"transformer", "text_encoder", "vae"}
    assert choose_mode("2GB", tiny, device="cpu", dtype="float32") == "whole"


def test_bits_that_bitsandbytes_keeps_beside_weights_are_no_part_of_the_files(tmp_path: Path) -> None:
    class Quantized(torch.nn.Linear):  # as it saves its layers of four and of eight bits
        def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
            super()._save_to_state_dict(destination, prefix, keep_vars)
            for name in ("weight.absmax", "weight.nested_absmax", "weight.quant_map", "SCB", "weight_format"):
                destination[prefix + name] = torch.ones(1)
            destination[f"{prefix}weight.quant_state.bitsandbytes__nf4"] = torch.ones(1)

    layers, what = torch.nn.Sequential(Quantized(2, 2), Quantized(2, 2)), Clause("the part")
    names = ["0.weight", "0.bias", "1.weight", "1.bias"]
    save_file({name: torch.ones(2) for name in names}, tmp_path / "model.safetensors")
    require_whole(layers, what, tmp_path)
    assert left_in_folder(layers, what, tmp_path) == ()
    save_file({name: torch.ones(2) for name in [*names, "2.bias"]}, tmp_path / "model.safetensors")
    assert "left unread: 2 (1)" in str(left_in_folder(layers, what, tmp_path)[0])
    save_file({name: torch.ones(2) for name in names[1:]}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="3 tensors of 4 are there"):
        require_whole(layers, what, tmp_path)


@pytest.mark.parametrize("mode", ["4-bit", "8-bit"])
def test_fewer_bits_are_the_same_for_both_arms(
    mode: str, folders: Folders, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("bitsandbytes")  # which computes on a CPU, too; diffusers asks for a graphics card first
    for kind in (BnB4BitDiffusersQuantizer, BnB8BitDiffusersQuantizer):
        monkeypatch.setattr(kind, "validate_environment", lambda *_, **__: None)
        monkeypatch.setattr(kind, "update_device_map", lambda *_: {"": "cpu"})
    # Its kernel for AVX-512 takes no layers as small as these.
    monkeypatch.setattr("bitsandbytes.nn.modules.has_avx512bf16", lambda: False)
    monkeypatch.setattr(memory_mode, "_require", lambda *_: None)
    whole = opened("z-image")
    prompts, settings = prompts_of(whole), settings_of(whole, num_inference_steps=1, memory=mode)
    with open_model(str(folders("z-image")), device="cpu", memory=mode) as model:
        assert any("bit" in type(layer).__name__ for layer in model.denoiser.modules())
        pair = render_pair(prompts, settings, model)
        turned = replace(prompts, simple=prompts.expanded, expanded=prompts.simple)
        again = render_pair(turned, settings, model)
        with pytest.raises(ModelError, match="weights of so few bits"):
            model.load([("ink", 1.0, 1.0)])
    assert pair.certificate.holds
    assert pair.certificate.given_up == {5: (MODE_WORDS[mode],)}
    assert [one.image.tobytes() for one in pair.pictures] == [one.image.tobytes() for one in again.pictures][::-1]
    plain = render_pair(prompts, replace(settings, memory=None), whole)
    assert pair.pictures[0].image.tobytes() != plain.pictures[0].image.tobytes()


@pytest.mark.parametrize(
    "names",
    ["transformer.{}.lora_A.weight", "diffusion_model.{}.lora_down.weight", "lora_unet_{}.lora_down.weight"],
)
def test_loras_go_in_and_out(names: str, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    (tmp_path / "loras").mkdir()
    generator = torch.Generator().manual_seed(1)
    down, up = torch.randn(2, 32, generator=generator), torch.randn(32, 2, generator=generator)
    layer = "layers.0.attention.to_q"
    down_name = names.format(layer.replace(".", "_") if "unet" in names else layer)
    up_name = down_name.replace("lora_A", "lora_B").replace("down", "up")
    save_file({down_name: down, up_name: up}, tmp_path / "loras" / "ink.safetensors")
    save_file(
        {"transformer.nowhere.lora_A.weight": down, "transformer.nowhere.lora_B.weight": up},
        tmp_path / "loras" / "foreign.safetensors",
    )
    model = opened("z-image")
    weight = model.denoiser.layers[0].attention.to_q.weight
    before, plain = weight.clone(), render_pair(prompts_of(model), settings_of(model), model)
    try:
        model.load([("ink", 1.0, 0.5)])
        assert torch.allclose(weight, before + 0.5 * up @ down, atol=1e-5)
        pair = render_pair(prompts_of(model), settings_of(model), model)
        assert pair.certificate.holds
        assert list(pair.certificate.adapters) == ["ink"]
        assert pair.pictures[0].image.tobytes() != plain.pictures[0].image.tobytes()
        with pytest.raises(ModelError, match=r"does not fit the model .*nowhere, which this model does not have"):
            model.load([("foreign", 1.0, 1.0)])
    finally:
        model.unload()
    assert torch.equal(weight, before)


@pytest.mark.parametrize(
    "name", [one for one in BUILDERS if hasattr(getattr(diffusers, FAMILIES[one].pipeline), "load_lora_weights")]
)
def test_a_lora_is_added_as_diffusers_adds_it(
    name: str, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    (tmp_path / "loras").mkdir()
    model = opened(name)
    pipeline, generator = model.pipeline, torch.Generator().manual_seed(1)
    layers = {
        f"{part}.{layer}": module
        for part in pipeline._lora_loadable_modules
        for layer, module in getattr(pipeline, part).named_modules()
        if layer.endswith((".to_q", ".to_query", ".q_proj"))
    }
    tensors = {}
    for layer, module in layers.items():
        tensors[f"{layer}.lora_A.weight"] = torch.randn(2, module.in_features, generator=generator)
        tensors[f"{layer}.lora_B.weight"] = torch.randn(module.out_features, 2, generator=generator)
    save_file(tensors, tmp_path / "loras" / "ink.safetensors")
    before = {layer: module.weight.detach().clone() for layer, module in layers.items()}
    model.load([("ink", 0.5, 0.5)])
    ours = {layer: module.weight.detach().clone() for layer, module in layers.items()}
    model.unload()
    try:
        pipeline.load_lora_weights(dict(tensors))
        pipeline.fuse_lora(components=pipeline._lora_loadable_modules, lora_scale=0.5)
        pipeline.unload_lora_weights()
        for layer in layers:
            part, _, inside = layer.partition(".")
            theirs = getattr(pipeline, part).get_submodule(inside)
            assert torch.allclose(theirs.weight, ours[layer], atol=1e-5), layer
            assert not torch.equal(ours[layer], before[layer])
    finally:
        with torch.no_grad():
            for layer, weight in before.items():
                part, _, inside = layer.partition(".")
                getattr(pipeline, part).get_submodule(inside).weight.copy_(weight)


def test_a_lora_in_the_names_of_other_programs(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    (tmp_path / "loras").mkdir()
    generator = torch.Generator().manual_seed(1)
    layer, down, up = (
        "lora_unet_double_blocks_0_img_attn_proj",
        torch.randn(2, 32, generator=generator),
        torch.randn(32, 2, generator=generator),
    )
    tensors = {f"{layer}.lora_down.weight": down, f"{layer}.lora_up.weight": up, f"{layer}.alpha": torch.tensor(1.0)}
    save_file(tensors, tmp_path / "loras" / "kohya.safetensors")
    save_file(tensors | {f"{layer}.dora_scale": torch.ones(32, 1)}, tmp_path / "loras" / "dora.safetensors")
    model = opened("flux")
    weight = model.denoiser.transformer_blocks[0].attn.to_out[0].weight
    before = weight.clone()
    try:
        model.load([("kohya", 1.0, 1.0)])
        assert torch.allclose(weight, before + 0.5 * up @ down, atol=1e-5), "alpha / rank is a half"
        with pytest.raises(ModelError, match="the LoRA dora does not fit"):
            model.load([("dora", 1.0, 1.0)])
    finally:
        model.unload()
    assert torch.equal(weight, before)


@pytest.mark.parametrize("name", ["z-image", "flux", "qwen-image", "sd3"])
def test_the_whole_of_a_run(name: str, folders: Folders, twinseed: Twinseed, tmp_path: Path) -> None:
    usual = ("--model", str(folders(name)), "--size", "64x64", "--clip", "none", "--runs", str(tmp_path))
    expanded = f"{SHORT} {LONG.replace(' ,', '')}, tall waves"  # two phrases, to keep the ladder short
    asked = ("--expanded", expanded, "--steps", "1", "--seed", "5", "--max-sequence-length", "96")
    in_turn = FAMILIES[name].in_turn
    instruments = ["ruler", "placebo", "ladder", "sweep", "attention"]
    few = ["ruler.seeds=2", "sweep.steps=[1]", 'sweep.schedulers=["Euler beta"]']
    if in_turn is not None and in_turn.mixed is not None:
        instruments.append("morph")
        few.append("morph.frames=3")
    measured = [part for one in instruments for part in ("--with", one)]
    measured += [part for option in few for part in ("--set", option)]
    done = twinseed("pair", SHORT, *asked, *usual, *measured, "--json")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    assert record["settings"]["scheduler"] == "Euler"
    assert record["certificate"]["differs"] == ["prompt"]
    assert record["certificate"]["arguments"]["max_sequence_length"] == 96
    clip = "Of the expanded prompt, CLIP reads 77 of 88 tokens; T5 reads on, up to 96."
    assert (clip in record["prompts"]["warnings"]) == (name in ("flux", "sd3"))
    assert all(record["findings"][one] is not None for one in instruments)
    run = next(entry for entry in tmp_path.iterdir() if entry.is_dir())
    report = (run / "report.html").read_text(encoding="utf-8")
    assert "max_sequence_length=96" in report
    again = twinseed("pair", "--like", str(run / "simple-5.png"), *usual, "--json")
    assert again.code == 0, again.err
    told = json.loads(again.out)
    assert [one["pixels_sha256"] for one in told["renders"]] == [one["pixels_sha256"] for one in record["renders"]]
    for command in (("verify", run.name), ("refine", run.name, "--steps", "2")):
        verified = twinseed(*command, "--runs", str(tmp_path))
        assert verified.code == 0, verified.err


def test_what_is_not_for_it_is_told_before_it_is_opened(folders: Folders, twinseed: Twinseed, tmp_path: Path) -> None:
    usual = ("--model", str(folders("z-image")), "--size", "64x64", "--clip", "none", "--runs", str(tmp_path))
    offline = ("--expander", "offline", "--steps", "1", "--guidance", "0", "--seed", "5", "--json")
    prompts = json.loads(twinseed("pair", SHORT, *usual, *offline).out)["prompts"]
    assert "At a guidance of 0, Z-Image reads no negative prompt." in prompts["warnings"]
    assert prompts["expanded"].count(".") > 2, "sentences, for a model that reads them"
    refused = {
        ("--preset", "default"): "trained by flow matching",
        ("--with", "morph"): "Z-Image has no way from one prompt to another",
        ("--memory", "0.5GB"): "does not fit into 0.5GB on cpu; the least that it takes here is 1.5GB",
        ("--memory", "much"): "--memory is 'much'",
        ("--max-sequence-length", "600"): "Z-Image reads 512 tokens at most, not 600",
    }
    for options, message in refused.items():
        told = twinseed("pair", SHORT, *usual, *options)
        assert told.code == 1
        assert message in told.err


@pytest.mark.parametrize(
    ("tensors", "title"),
    [
        (
            (
                "model.diffusion_model.double_blocks.0.img_attn.qkv.weight",
                "model.diffusion_model.single_blocks.0.linear1.weight",
            ),
            "FLUX.1",
        ),
        (("noise_refiner.0.attention.qkv.weight", "x_pad_token"), "Z-Image"),
        (("transformer_blocks.0.img_mod.1.weight",), "Qwen-Image"),
        (("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight",), "Stable Diffusion 3"),
    ],
)
def test_a_lone_transformer_wants_the_rest_of_its_model(
    tensors: tuple[str, ...], title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    save_file({name: torch.zeros(2, 2) for name in tensors}, tmp_path / "made.safetensors")
    (listed,) = (model for model in known_models() if model.name == "made.safetensors")
    assert (listed.kind, FAMILIES[listed.family].title) == ("transformer", title)
    with pytest.raises(ModelError, match=f"is a transformer of {title} without text encoders and VAE$") as caught:
        open_model("made")
    assert str(tmp_path / "made") in str(caught.value.hint)


def taken_out(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of the transformer in the folder, as its makers call them; the file is taken away."""
    (own,) = (folder / "transformer").glob("*.safetensors")
    tensors = makers_layout(folder.name, load_file(own))
    own.unlink()
    return tensors


def test_a_transformer_in_its_makers_layout_is_read_from_its_file(
    folders: Folders, opened: Opened, tmp_path: Path
) -> None:
    folder = tmp_path / "z-image"
    shutil.copytree(folders("z-image"), folder)
    tensors = taken_out(folder)
    file = folder / "transformer" / "made_bf16.safetensors"
    save_file(tensors, file)
    plain, settings = opened("z-image"), settings_of(opened("z-image"), num_inference_steps=1)
    with open_model(str(folder), device="cpu") as model:
        assert any(digest_of_file(file) in str(note) for note in model.notes), "the file is named with its hash"
        pair = render_pair(prompts_of(model), settings, model)
    same = render_pair(prompts_of(plain), settings, plain)
    assert [one.image.tobytes() for one in pair.pictures] == [one.image.tobytes() for one in same.pictures]
    more = {f"{part}.x.weight": torch.ones(3) for part in ("text_encoders.qwen3_4b.transformer", "vae.decoder")}
    save_file(tensors | more, file)
    with open_model(str(folder), device="cpu") as model:
        told = set(map(str, model.notes))
        whole = render_pair(prompts_of(model), settings, model)
    assert [one.image.tobytes() for one in whole.pictures] == [one.image.tobytes() for one in same.pictures]
    assert told >= {
        "the file's own text encoders are not read: those of the model's folder are used",
        "the file's own VAE is not read: that of the model's folder is used",
        "of made_bf16.safetensors, 6 numbers were left unread",
    }
    other = folder / "transformer" / "other.safetensors"
    save_file({"x": torch.zeros(1)}, other)
    with pytest.raises(ModelError, match="which of them is the transformer cannot be told"):
        open_model(str(folder), device="cpu")
    other.unlink()
    scale = "layers.0.attention.out.scale_weight"
    save_file(tensors | {scale: torch.ones(1)}, file)
    with pytest.raises(ModelError, match=f"quantized, and {scale} would be passed over"):
        open_model(str(folder), device="cpu")
    del tensors["layers.0.attention.out.weight"]
    save_file(tensors, file)
    with pytest.raises(ModelError, match="is not whole: tensors are missing that ZImageTransformer2DModel has"):
        open_model(str(folder), device="cpu")


def test_a_lone_transformer_is_lent_the_rest(
    folders: Folders, opened: Opened, tmp_path: Path, twinseed: Twinseed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    whole, file = tmp_path / "z-image", tmp_path / "lone.safetensors"
    shutil.copytree(folders("z-image"), whole)
    save_file(taken_out(whole), file)
    (listed,) = (one for one in known_models() if one.name == file.name)
    assert (listed.kind, listed.family, listed.rest, listed.renders) == ("transformer", "z-image", whole, True)
    plain = opened("z-image")
    settings = settings_of(plain, num_inference_steps=1)
    with open_model("lone", device="cpu", memory="2GB") as model:
        assert "text encoders and VAE are those of z-image" in map(str, model.notes)
        assert model.digest != plain.digest
        pair = render_pair(prompts_of(model), settings, model)
    same = render_pair(prompts_of(plain), settings, plain)
    assert [one.image.tobytes() for one in pair.pictures] == [one.image.tobytes() for one in same.pictures]
    runs = ("--runs", str(tmp_path / "runs"))
    usual = ("--model", str(file), "--size", "64x64", "--steps", "1", "--clip", "none", *runs)
    done = twinseed("pair", SHORT, *usual, "--expander", "offline", "--json")
    assert done.code == 0, done.err
    assert twinseed("verify", "last", *runs).code == 0
    another = tmp_path / "another"
    shutil.copytree(whole, another)
    with pytest.raises(ModelError, match="which folder has them cannot be told") as caught:
        open_model("lone")
    assert str(caught.value.hint).endswith("another, z-image")
    another.rename(tmp_path / "lone")
    assert family_of("lone") is FAMILIES["z-image"], "what lies beside it goes first"


@pytest.mark.parametrize("name", ["sd3", "flux2-klein"])
def test_a_lone_transformer_of_other_makers(name: str, folders: Folders, opened: Opened, tmp_path: Path) -> None:
    whole, file = tmp_path / name, tmp_path / f"{name}.safetensors"
    shutil.copytree(folders(name), whole)
    save_file(taken_out(whole), file)
    plain = opened(name)
    frames, prompts = [Frame(SHORT, 5)], prompts_of(plain)
    with open_model(str(file), device="cpu") as model:
        assert model.family is FAMILIES[name]
        (lone,) = render_series(frames, prompts, settings_of(model, num_inference_steps=1), model)
    (same,) = render_series(frames, prompts, settings_of(plain, num_inference_steps=1), plain)
    assert np.abs(pixels(lone.image) - pixels(same.image)).max() <= 1, "weights that lie otherwise in memory round so"


@pytest.mark.parametrize(
    ("name", "missing", "message"),
    [
        ("flux", "text_encoder_2", "is not whole: its text_encoder_2 is missing"),
        ("sd3", "vae", "is not whole: its vae is missing"),
        ("z-image", "transformer", "transformer/config.json in .* cannot be read"),
        ("qwen-image", "text_encoder/model.safetensors", "cannot be loaded from .*no file named model.safetensors"),
        ("z-image", "tokenizer", "tokenizer"),
        ("z-image", "scheduler", "scheduler"),
    ],
)
def test_a_part_that_is_missing_is_named(
    name: str, missing: str, message: str, folders: Folders, tmp_path: Path
) -> None:
    lame = shutil.copytree(folders(name), tmp_path / name)
    gone = lame / missing
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    with pytest.raises(TwinseedError, match=message) as caught:
        open_model(str(lame), device="cpu")
    assert caught.value.hint


def test_noise_of_two_bytes_is_that_of_four_rounded(folders: Folders, opened: Opened) -> None:
    whole, drawn = opened("flux"), list[Any]()

    def look(_: Any, __: Any, given: dict[str, Any]) -> None:
        drawn.append(given["hidden_states"])

    with open_model(str(folders("flux")), device="cpu", dtype="bfloat16") as half:
        for model in (whole, half):
            hook = model.denoiser.register_forward_pre_hook(look, with_kwargs=True)
            render_pair(prompts_of(whole), settings_of(model, num_inference_steps=1), model)
            hook.remove()
    assert torch.equal(drawn[0].bfloat16(), drawn[2])
    with NoiseInFloat32():
        noise = torch.randn(64, generator=torch.Generator().manual_seed(5), dtype=torch.bfloat16)
    assert torch.equal(noise, torch.randn(64, generator=torch.Generator().manual_seed(5)).bfloat16())


#: How many places a picture of 64 by 128 pixels has, where they are not squares of 16.
PLACES = {"sana": (16, 32), "sana-sprint": (16, 32), "hunyuan-image": (8, 16), "hunyuan-image-distilled": (8, 16)}
#: What denoisers call the words that they are given.
WORDS_OF = ("cap_feats", "text_bth", "encoder_hidden_states")


@pytest.mark.parametrize(("name", "words"), [*((name, SHORT) for name in BUILDERS), ("hunyuan-image", "a red 'cat'")])
def test_each_word_is_where_the_picture_looks_for_it(
    name: str, words: str, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = opened(name)
    prompts = replace(prompts_of(model), simple=words, expanded=f"{words} {LONG}")
    settings = settings_of(model, num_inference_steps=1, width=128, **few_tokens(model))
    if name == "kandinsky5":  # which draws its own sizes alone
        monkeypatch.setattr(model.pipeline, "resolutions", [(64, 128), (128, 64)])
    plain = render_pair(prompts, settings, model)

    def seen() -> tuple[list[bytes], Any, Any]:
        recorder = attention_recorder(model, (prompts.simple, prompts.expanded), settings)
        pair = render_pair(prompts, settings, model, watchers=(recorder,))
        return [one.image.tobytes() for one in pair.pictures], *recorder.maps

    pictures, simple, expanded = seen()
    assert pictures == [one.image.tobytes() for one in plain.pictures], "looking on changes nothing"
    assert simple.tokens.words == ("a", "red", "cat")
    assert {"lighthouse", "valley"} <= {*expanded.tokens.words}
    assert simple.shares.shape[1:] == PLACES.get(name, (4, 8))
    assert (simple.shares >= 0).all()
    assert simple.shares.sum(0).max() <= 1.0001, "shares of all that a place looks at"
    place = simple.tokens.of("cat")[-1]

    def louder(_: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        told = named_inputs(model.denoiser, arguments, keywords)
        for row in next(told[name] for name in WORDS_OF if name in told):  # the prompt's among them
            row[place] *= -4
        return None

    def louder_behind(_: Any, _arguments: Any, read: Any) -> Any:
        read[:, place - simple.tokens.content[0]] *= -4  # letters to be drawn stand before them
        return None

    if name.startswith("hunyuan"):  # which has its words mix in the text refiner: behind that they are apart
        hook = model.denoiser.context_embedder.register_forward_hook(louder_behind)
    else:
        hook = model.denoiser.register_forward_pre_hook(louder, with_kwargs=True)
    try:
        _, changed, _ = seen()
    finally:
        hook.remove()
    moved = np.abs(changed.shares - simple.shares).sum((1, 2))
    assert moved.argmax() == place, "the word whose vector was changed"


def test_prompts_are_written_for_it(folders: Folders, twinseed: Twinseed) -> None:
    folder = str(folders("z-image"))
    assert family_of(folder) is FAMILIES["z-image"]
    target = json.loads(twinseed("expand", SHORT, "--model", folder, "--json").out)["target"]
    assert (target["family"], target["manner"], target["tokens_estimated"]) == ("z-image", "sentences", False)
    listed = {row["name"]: row for row in json.loads(twinseed("list", "families", "--json").out)}
    assert listed.keys() == FAMILIES.keys()
    assert (listed["z-image"]["arms"], listed["sdxl"]["arms"]) == ("in turn", "in one batch")
