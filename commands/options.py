"""The options that several commands share, and the values that are read from them."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ideation.errors import TwinseedError

if TYPE_CHECKING:
    from compare.runs.gallery import Gallery


class OptionError(TwinseedError):
    """Options that do not go together, or a value that cannot be read."""


class Language(StrEnum):
    """Languages that concepts and reports come in."""

    english = "en"
    traditional_chinese = "zh-TW"


class Tokens(StrEnum):
    """What becomes of a prompt that is too long for the encoder."""

    fit = "fit"
    chunk = "chunk"
    truncate = "truncate"


AsJson = Annotated[bool, typer.Option("--json", help="Print data alone on standard output.")]
Seed = Annotated[str | None, typer.Option("--seed", metavar="S", help="A whole number; left out, one is drawn.")]
Runs = Annotated[Path | None, typer.Option("--runs", metavar="FOLDER", help="Where runs are kept. [default: runs]")]
OpenReport = Annotated[bool, typer.Option("--open", help="Open the report in the browser.")]
ReportLanguage = Annotated[Language | None, typer.Option(help="The report's language. [default: the concept's]")]

# What is drawn, and who writes the prompts.
OptionalConcept = Annotated[
    str | None, typer.Argument(metavar="[CONCEPT]", help="The concept, in any language; left out, one is drawn.")
]
ExpanderName = Annotated[
    str, typer.Option("--expander", metavar="E", help="See: twinseed list expanders.", show_default=True)
]
LLMModel = Annotated[str | None, typer.Option("--llm-model", metavar="NAME", help="The expander's language model.")]
Template = Annotated[
    str | None,
    typer.Option(
        "--template", metavar="NAME|FILE", help="What an LLM is told: concise, cinematic, teaching or a file."
    ),
]
TokensMode = Annotated[Tokens, typer.Option("--tokens", help="A prompt too long: made to fit, read in chunks, or cut.")]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Ask an LLM even what it has answered before.")]
Simple = Annotated[str | None, typer.Option(metavar="TEXT", help="The simple prompt, as it is.")]
Expanded = Annotated[str | None, typer.Option(metavar="TEXT", help="The expanded prompt, as it is.")]
Negative = Annotated[str | None, typer.Option(metavar="TEXT", help="Instead of the expander's negative prompt.")]

# How pictures are rendered.
ModelName = Annotated[
    str | None, typer.Option("--model", metavar="M", help="A model folder, or a hub id. [default: seedling]")
]
Images = Annotated[int, typer.Option(metavar="N", help="How many seeds: S, S+1, S+2, ...")]
SchedulerName = Annotated[str | None, typer.Option(metavar="NAME", help="See: twinseed list schedulers.")]
Steps = Annotated[int | None, typer.Option(metavar="N", help="Denoising steps.")]
Guidance = Annotated[float | None, typer.Option(metavar="G", help="Classifier-free guidance scale.")]
Size = Annotated[str | None, typer.Option(metavar="WxH", help="Pixels; left out, the model's own size.")]
Aspect = Annotated[str | None, typer.Option(metavar="RATIO", help="16:9, portrait ...: a size to suit it.")]
PresetName = Annotated[str | None, typer.Option(metavar="P", help="See: twinseed list presets.")]
PerformanceName = Annotated[str | None, typer.Option(metavar="LEVEL", help="quality, speed or extreme speed.")]
Like = Annotated[
    Path | None, typer.Option(metavar="PICTURE", help="Start from the settings in a picture, whoever made it.")
]
StyleNames = Annotated[
    list[str] | None, typer.Option("--style", metavar="NAME", help="On both prompts; can be given more than once.")
]
ClipSkip = Annotated[
    int | None, typer.Option(metavar="N", help="Leave out the text encoder's last N layers. [default: 0]")
]
Loras = Annotated[
    list[str] | None, typer.Option("--lora", metavar="NAME:W", help="A LoRA for both; can be given more than once.")
]
Vae = Annotated[str | None, typer.Option(metavar="V", help="Another VAE to decode with.")]
Fast = Annotated[bool, typer.Option("--fast", help="Half precision where the processor has it: other digits.")]
Compile = Annotated[
    bool, typer.Option("--compile", help="Compile the U-Net first: a minute or more, that only many seeds are worth.")
]
AllowPickle = Annotated[bool, typer.Option("--allow-pickle", help="Open .ckpt and .pt files, tensors only.")]
NoiseFloor = Annotated[
    bool, typer.Option("--noise-floor", help="Render each simple prompt once more, alone, to measure noise.")
]
Device = Annotated[str, typer.Option(metavar="D", help="auto, cpu, cuda or mps.", show_default=True)]
Dtype = Annotated[str, typer.Option(metavar="T", help="auto, float32, float16, bfloat16.", show_default=True)]

# What is found out about the pictures.
Instruments = Annotated[
    list[str] | None,
    typer.Option(
        "--with", metavar="NAME", help="Look closer with this, see: twinseed list instruments; several with commas."
    ),
]
Clip = Annotated[
    str, typer.Option(metavar="C", help="Who scores: auto, none, seedling, a folder or a hub id.", show_default=True)
]
Observations = Annotated[
    Path | None, typer.Option(metavar="FILE", help="What you see in the pictures, in your own words: a text file.")
]

RunName = Annotated[str, typer.Argument(metavar="RUN", help="The name of a run, or its folder.")]

MAX_OBSERVATIONS = 100_000  # bytes


def instruments_of(given: Sequence[str] | None) -> tuple[str, ...]:
    """The instruments that were named, each once; commas may stand between them. Raises OptionError."""
    from compare.instruments.table import INSTRUMENTS

    names = [name.strip() for one in given or () for name in one.split(",")]
    for name in names:
        if name not in INSTRUMENTS:
            raise OptionError(f"there is no instrument {name!r}", hint=f"choose from {', '.join(INSTRUMENTS)}")
    return tuple(dict.fromkeys(names))


def text_in(file: Path | None) -> str | None:
    """The text in the file, without space around it; None where no file was named. Raises OptionError."""
    if file is None:
        return None
    hint = f"give a text file in UTF-8 of {MAX_OBSERVATIONS:,} bytes at most"
    try:
        content = file.read_bytes() if file.stat().st_size <= MAX_OBSERVATIONS else None
    except OSError as error:
        raise OptionError(f"{file} cannot be read: {error.strerror}", hint=hint) from error
    if content is None:
        raise OptionError(f"{file} is too large", hint=hint)
    try:
        return content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise OptionError(f"{file} is not text in UTF-8", hint=hint) from error


def seed_of(given: str | None) -> int:
    """The seed that was given; where none was, one that is drawn. Raises OptionError for what is no whole number."""
    if given is None:
        return secrets.randbelow(2**32)
    if not re.fullmatch(r"[0-9]{1,19}", given.strip()):
        raise OptionError(f"seed is {given[:40]!r}", hint=f"give a whole number from 0 to {2**63 - 1}, as in --seed 7")
    return int(given)


def size_of(given: str) -> tuple[int, int]:
    """Width and height in pixels. Raises OptionError."""
    match = re.fullmatch(r"([0-9]{1,5})\s*[xX×]\s*([0-9]{1,5})", given.strip())
    if match is None:
        raise OptionError(f"size is {given[:40]!r}", hint="give width and height in pixels, as in --size 512x512")
    return int(match[1]), int(match[2])


def spoken_language(given: Language | None, of_concept: str) -> Language:
    """The language to speak to somebody: the one that was given, else the concept's, where we have it."""
    return given or (Language.traditional_chinese if of_concept == Language.traditional_chinese else Language.english)


def run_of(run: str, runs: Path | None) -> tuple[Gallery, str]:
    """The gallery that a run is in, and its name there: `run` is that name, or the run's folder."""
    from compare.runs.gallery import Gallery

    folder = Path(run)
    root, name = (folder.parent, folder.name) if folder.is_dir() else (runs_folder(runs), run)
    return Gallery(root), name


def runs_folder(given: Path | None) -> Path:
    """Where runs are kept: the folder that was given, else TWINSEED_RUNS, else `runs`."""
    return given or Path(os.environ.get("TWINSEED_RUNS") or "runs")
