"""Families of transformers, on tiny models of diffusers' own classes: arms in turn are two plain calls, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from conftest import Twinseed
from PIL import Image
from tiny_families import BUILDERS, rewriting_model
from tiny_in_turn import LONG, SHORT, Folders, Opened, made_quick, pixels, prompts_of, settings_of

from compare.request import PairRequest
from compare.session.preparation import Preparation
from generate.families import FAMILIES
from generate.models import family_of, open_model
from generate.render import Frame, RenderCancelled, RenderError, RenderInterrupted, Step, render_pair, render_series
from generate.render.numerics import NoiseInFloat32
from generate.settings import SettingsError
from ideation import typed_concept

pytest_plugins = ["tiny_in_turn"]


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


def test_a_pipeline_that_stops_is_told_of(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    model = opened("z-image")
    monkeypatch.setattr(model.pipeline.tokenizer, "chat_template", "{{ of another model (")
    with pytest.raises(RenderError, match=r"the pipeline of .* stopped with TemplateSyntaxError"):
        render_pair(prompts_of(model), settings_of(model), model)


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


def test_prompts_are_written_for_it(folders: Folders, twinseed: Twinseed) -> None:
    folder = str(folders("z-image"))
    assert family_of(folder) is FAMILIES["z-image"]
    target = json.loads(twinseed("expand", SHORT, "--model", folder, "--json").out)["target"]
    assert (target["family"], target["manner"], target["tokens_estimated"]) == ("z-image", "sentences", False)
    listed = {row["name"]: row for row in json.loads(twinseed("list", "families", "--json").out)}
    assert listed.keys() == FAMILIES.keys()
    assert (listed["z-image"]["arms"], listed["sdxl"]["arms"]) == ("in turn", "in one batch")
