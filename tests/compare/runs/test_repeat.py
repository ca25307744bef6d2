"""The same pixels again: by the command that a record gives, and from one of its pictures."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Twinseed
from test_session import pixels

import compare.session.kept_open
from compare.runs.record import Record, parse_record
from compare.runs.run import Run
from generate.models import OpenModel

SMALL = ("--size", "64x64", "--steps", "2", "--seed", "7", "--clip", "none")
WORDS = ("--simple", "a dog", "--expanded", "a red dog on a beach")

#: What is asked for, and the option that must be in the command that repeats it.
ASKED: dict[str, tuple[tuple[str, ...], str]] = {
    "words by an expander": (("a dog riding a bicycle", "--expander", "offline"), "--expanded"),
    "a concept in Chinese": (("一隻狗騎腳踏車，水彩風格", "--expander", "offline"), "--simple a dog riding"),
    "a drawn concept": (("--expander", "offline"), "--drawn 0@7"),
    "several seeds": ((*WORDS, "--images", "2", "--noise-floor"), "--images 2"),
    "a style and a preset": ((*WORDS, "--style", "watercolor", "--preset", "laptop"), "--scheduler UniPC"),
    "a negative prompt": ((*WORDS, "--negative", "blurry, 'dark'"), "--negative blurry"),
    "an aspect ratio": ((*WORDS, "--aspect", "3:2"), "--size"),
    "a scheduler that adds noise": ((*WORDS, "--scheduler", "Euler a", "--guidance", "6.123456789"), "6.123456789"),
    "half precision": ((*WORDS, "--dtype", "bfloat16"), "--dtype bfloat16"),
    "a compiled model": ((*WORDS, "--compile"), "--compile"),
    "fast numbers": ((*WORDS, "--fast"), "--fast"),
    "a LoRA by option": ((*WORDS, "--lora", "loud:0.5:0.8"), "--lora loud:0.5:0.8"),
    "a LoRA in a prompt": (("--simple", "a dog <lora:loud:0.7>", "--expanded", "a red dog"), "--lora loud:0.7:0.7"),
    "a textual inversion": (("--simple", "a dog", "--expanded", "a dog, glow"), "--expanded a dog, glow"),
    "a clip skip": ((*WORDS, "--clip-skip", "1"), "--clip-skip 1"),
    "another VAE": ((*WORDS, "--vae", "paler"), "--vae paler"),
    "a prompt in chunks": (
        ("--simple", "a dog", "--expanded", "a red dog BREAK a beach", "--tokens", "chunk"),
        "chunk",
    ),
}


@pytest.fixture(autouse=True)
def models(extras: Path, opened_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The LoRA, the textual inversion and the VAE; a compiler is looked for, and torch told to compile nothing with
    it, which takes minutes: `test_models.py` has a model traced. A test opens each model once: what it repeats is a
    run."""
    import torch

    opened: dict[str, OpenModel] = {}
    open_model = compare.session.kept_open.open_model

    def once(**how: Any) -> OpenModel:
        way = repr(sorted(how.items()))
        if way not in opened:
            opened[way] = open_model(**how)
        return opened[way]

    monkeypatch.setattr("compare.session.kept_open.open_model", once)
    monkeypatch.setenv("TWINSEED_MODELS", str(extras))
    monkeypatch.setenv("CXX", sys.executable)
    monkeypatch.setattr("torch.compile", partial(torch.compile, disable=True))


def notes_of_request(err: str) -> list[str]:
    """What could not be taken over as it was asked for; it is told before the concept."""
    return [line for line in err.partition("concept: ")[0].splitlines() if line.startswith("note: ")]


@pytest.mark.parametrize("what", ASKED)
def test_the_same_pixels_again(what: str, twinseed: Twinseed, tmp_path: Path) -> None:
    def pair(*options: str) -> tuple[Record, str]:
        done = twinseed("pair", "--runs", str(tmp_path), "--json", *options)
        assert done.code == 0, done.err
        return parse_record(done.out.encode()), done.err

    options, told = ASKED[what]
    size = SMALL if "--aspect" not in options else SMALL[2:]
    record, _ = pair(*size, *options)
    program, command, *words = record.repeat_command()
    assert (program, command) == ("twinseed", "pair")
    assert told in " ".join(words)

    again, err = pair(*words)
    assert pixels(again) == pixels(record)
    assert again.certificate == record.certificate
    assert (again.settings, again.concept) == (record.settings, record.concept)
    assert (again.prompts.simple, again.prompts.expanded, again.prompts.negative) == (
        record.prompts.simple,
        record.prompts.expanded,
        record.prompts.negative,
    )
    assert notes_of_request(err) == []
    assert again.repeat_command() == record.repeat_command(), "and so on for ever"

    run = next(run for run in map(Run.open, tmp_path.glob("2*")) if run.record.created == record.created)
    for picture in run.record.renders[:2]:
        like, err = pair("--like", str(run.folder / picture.file), "--clip", "none")
        assert pixels(like) == pixels(record)[: len(pixels(like))], err
        assert like.settings == replace(record.settings, images=1)
        assert notes_of_request(err) == []


def test_what_is_not_here_any_more_is_named(
    twinseed: Twinseed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--lora", "loud:0.5", "--vae", "paler", "--simple", "a dog", "--expanded", "a dog, glow")
    done = twinseed("pair", *SMALL, *options, "--runs", str(tmp_path))
    assert done.code == 0, done.err
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path / "nothing"))
    picture = Path(done.out.strip()).parent / "simple-7.png"
    done = twinseed("pair", "--like", str(picture), "--runs", str(tmp_path), "--json")
    assert done.code == 0, done.err
    notes = notes_of_request(done.err)
    for name in ("The LoRA loud", "The VAE paler", "The textual inversion glow"):
        assert any(name in note for note in notes), notes
    assert json.loads(done.out)["settings"]["vae"] is None
