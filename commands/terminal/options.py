"""The options that several commands share, in bundles that are said once, and the values that are read from them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer

from commands.terminal import completion
from commands.terminal.console import say
from ideation import TokenMode, TwinseedError
from ideation.files import read_plain_text
from templates import Language, language_for

if TYPE_CHECKING:  # what a command line is made of loads no rooms further down
    from compare.request import PairOptions
    from compare.runs.gallery import Gallery


class OptionError(TwinseedError):
    """Options that do not go together, or a value that cannot be read."""


def path_of(given: str) -> Path:
    """The file or folder that an option names; `~` is resolved, in quotes too. Raises OptionError."""
    if not given.strip():  # as a path, it would be the current folder
        raise OptionError("an option names a file or folder, and the name is empty", hint="give one, or leave it out")
    return Path(given).expanduser()


AsJson = Annotated[bool, typer.Option("--json", help="Print data alone on standard output.")]
Seed = Annotated[str | None, typer.Option("--seed", metavar="S", help="A whole number; left out, one is drawn.")]
Runs = Annotated[
    Path | None, typer.Option("--runs", parser=path_of, metavar="FOLDER", help="Where runs are kept. [default: runs]")
]
OpenReport = Annotated[bool, typer.Option("--open", help="Open the report in the browser.")]
ReportLanguage = Annotated[Language | None, typer.Option(help="The report's language. [default: the concept's]")]
SpokenLanguage = Annotated[Language | None, typer.Option(help="Of report, notes and verdict. [default: the concept's]")]
OptionalConcept = Annotated[
    str | None, typer.Argument(metavar="CONCEPT", help="The concept, in any language; left out, one is drawn.")
]
RunName = Annotated[
    str,
    typer.Argument(
        metavar="RUN", help="The name of a run, its folder, or last for the newest.", autocompletion=completion.runs
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="M",
        help="A model folder, or a hub id. [default: seedling]",
        autocompletion=completion.models,
    ),
]
ExpanderName = Annotated[
    str,
    typer.Option(
        "--expander",
        metavar="E",
        help="See: twinseed list expanders.",
        show_default=True,
        autocompletion=completion.expanders,
    ),
]
LLMModel = Annotated[str | None, typer.Option("--llm-model", metavar="NAME", help="The expander's language model.")]
Template = Annotated[
    str | None,
    typer.Option(
        "--template",
        metavar="NAME|FILE",
        help="What an LLM is told: concise, cinematic, teaching, natural, flux, qwen, z-image or a file.",
    ),
]
TokensMode = Annotated[
    TokenMode, typer.Option("--tokens", help="A prompt too long: made to fit, read in chunks, or cut.")
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Ask an LLM even what it has answered before.")]
AllowPickle = Annotated[bool, typer.Option("--allow-pickle", help="Open .ckpt and .pt files, tensors only.")]
Instruments = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="NAME",
        help="Look closer with this, see: twinseed list instruments; several with commas.",
        autocompletion=completion.instruments,
    ),
]
InstrumentOptions = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="I.O=VALUE", help="An option of an instrument, as in sweep.steps=5,10,20."),
]
Clip = Annotated[
    str, typer.Option(metavar="C", help="Who scores: auto, none, seedling, a folder or a hub id.", show_default=True)
]
Observations = Annotated[
    Path | None,
    typer.Option(parser=path_of, metavar="FILE", help="What you see in the pictures, in your own words: a text file."),
]


# The fields of the bundles bear the names of `compare.request.PairOptions`.


@dataclass(frozen=True)
class PromptOptions:
    """Who writes the prompts, and what is given."""

    expander: ExpanderName = "auto"
    llm_model: LLMModel = None
    template: Template = None
    tokens: TokensMode = "fit"
    no_cache: NoCache = False
    simple: Annotated[str | None, typer.Option(metavar="TEXT", help="The simple prompt, as it is.")] = None
    expanded: Annotated[str | None, typer.Option(metavar="TEXT", help="The expanded prompt, as it is.")] = None
    negative: Annotated[str | None, typer.Option(metavar="TEXT", help="Instead of the expander's negative prompt.")] = (
        None
    )


@dataclass(frozen=True)
class RenderOptions:
    """How pictures are rendered, both arms alike."""

    seed: Seed = None
    images: Annotated[int, typer.Option(metavar="N", help="How many seeds: S, S+1, S+2, ...")] = 1
    model: ModelName = None
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="See: twinseed list schedulers.", autocompletion=completion.schedulers),
    ] = None
    steps: Annotated[int | None, typer.Option(metavar="N", help="Denoising steps.")] = None
    guidance: Annotated[float | None, typer.Option(metavar="G", help="Classifier-free guidance scale.")] = None
    size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Pixels, or native; a side left out is the model's own.")
    ] = None
    aspect: Annotated[str | None, typer.Option(metavar="RATIO", help="16:9, portrait ...: a size to suit it.")] = None
    preset: Annotated[
        str | None, typer.Option(metavar="P", help="See: twinseed list presets.", autocompletion=completion.presets)
    ] = None
    performance: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL", help="quality, speed or extreme speed.", autocompletion=completion.performance_levels
        ),
    ] = None
    like: Annotated[
        Path | None,
        typer.Option(parser=path_of, metavar="PICTURE", help="Start from the settings in a picture, whoever made it."),
    ] = None
    style: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="On both prompts; can be repeated; none leaves out a preset's.",
            autocompletion=completion.styles,
        ),
    ] = None
    enhance: Annotated[
        bool, typer.Option("--enhance", help="Words of praise, such as best quality, behind the expanded prompt alone.")
    ] = False
    clip_skip: Annotated[
        int | None, typer.Option(metavar="N", help="Leave out the text encoder's last N layers. [default: 0]")
    ] = None
    lora: Annotated[
        list[str] | None, typer.Option(metavar="NAME:W", help="A LoRA for both; can be given more than once.")
    ] = None
    vae: Annotated[str | None, typer.Option(metavar="V", help="Another VAE to decode with.")] = None
    fast: Annotated[bool, typer.Option("--fast", help="Half precision where the processor has it: other digits.")] = (
        False
    )
    compiled: Annotated[
        bool,
        typer.Option("--compile", help="Compile the U-Net first: a minute or more, that only many seeds are worth."),
    ] = False
    max_sequence_length: Annotated[
        int | None, typer.Option(metavar="N", help="Tokens of each prompt that a transformer's encoder reads.")
    ] = None
    memory: Annotated[
        str | None, typer.Option(metavar="8GB", help="What a transformer may take; or a mode, as group-offload.")
    ] = None
    batch: Annotated[
        int | None, typer.Option(metavar="N", help="Seeds that share a batch: a large GPU is quicker so. [default: 1]")
    ] = None
    attention_backend: Annotated[
        str | None, typer.Option(metavar="NAME", help="What computes a transformer's attention, by diffusers' names.")
    ] = None
    allow_pickle: AllowPickle = False
    noise_floor: Annotated[
        bool, typer.Option("--noise-floor", help="Render each simple prompt once more, alone, to measure noise.")
    ] = False
    device: Annotated[str, typer.Option(metavar="D", help="auto, cpu, cuda or mps.", show_default=True)] = "auto"
    dtype: Annotated[str, typer.Option(metavar="T", help="auto, float32, float16, bfloat16.", show_default=True)] = (
        "auto"
    )
    drawn: Annotated[
        str | None, typer.Option(metavar="I@S", help="The concept is number I of draw S, as a report says of it.")
    ] = None


@dataclass(frozen=True)
class LookOptions:
    """What is found out about the pictures."""

    instruments: Instruments = None
    set_options: InstrumentOptions = None
    clip: Clip = "auto"


@dataclass(frozen=True)
class OutputOptions:
    """Where a run is kept, and what is told of it."""

    runs: Runs = None
    language: SpokenLanguage = None
    open_report: OpenReport = False
    as_json: AsJson = False


@dataclass(frozen=True)
class Without:
    """In the annotation of a bundle: these of its options are not the command's."""

    names: tuple[str, ...]


def bundled(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the fields of its bundles as options of its own, as typer reads them from the signature.

    A parameter whose annotation is one of the dataclasses above is a bundle: the command gets it put together.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    bundles: dict[str, tuple[Any, list[str]]] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        hint = hints[name]
        kind = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if not dataclasses.is_dataclass(kind):
            parameters.append(parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        left_out = {
            one for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Without) for one in mark.names
        }
        types = get_type_hints(kind, include_extras=True)
        taken = [field for field in dataclasses.fields(kind) if field.name not in left_out]
        bundles[name] = kind, [field.name for field in taken]
        parameters += [
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=types[field.name]
            )
            for field in taken
        ]

    @wraps(command)
    def unbundled(**given: Any) -> None:
        for name, (kind, names) in bundles.items():
            given[name] = kind(**{one: given.pop(one) for one in names})
        command(**given)

    unbundled.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    unbundled.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return unbundled


def pair_options(
    concept: str | None, prompts: PromptOptions, render: RenderOptions, look: LookOptions, language: Language | None
) -> PairOptions:
    """The bundles as the options of a request."""
    from compare.request import PairOptions

    given: dict[str, Any] = {
        field.name: getattr(bundle, field.name)
        for bundle in (prompts, render, look)
        for field in dataclasses.fields(bundle)
    }
    lists: dict[str, Any] = {name: tuple(given[name] or ()) for name in ("style", "lora", "instruments", "set_options")}
    return PairOptions(**given | lists | {"concept": concept, "language": language})


MAX_OBSERVATIONS = 100_000  # bytes


def text_in(file: Path | None) -> str | None:
    """The text in the file, without space around it; None where no file was named. Raises OptionError."""
    if file is None:
        return None
    hint = f"give a text file in UTF-8 of {MAX_OBSERVATIONS:,} bytes at most"
    try:
        return read_plain_text(file, MAX_OBSERVATIONS).strip()
    except OSError as error:
        raise OptionError(
            "{file} cannot be read: {reason}", hint="{advice}", file=file, reason=error.strerror, advice=hint
        ) from error


def spoken_language(given: Language | None, of_concept: str) -> Language:
    """The language to speak to somebody: the one that was given, else the concept's, where we have it."""
    return language_for(of_concept) if given is None else given


def run_of(run: str, runs: Path | None) -> tuple[Gallery, str]:
    """The gallery that a run is in, and its name there: `run` is that name, the run's folder, or `last`. Raises
    `GalleryError` where there is no run at all that could be the newest."""
    from compare.runs import Gallery, run_named

    gallery, name, notes = run_named(run, Gallery(runs_folder(runs)))
    for note in notes:
        say(f"note: {note}")
    return gallery, name


def runs_folder(given: Path | None) -> Path:
    """Where runs are kept: the folder that was given, else TWINSEED_RUNS, else `runs`."""
    if given is not None:
        return given
    from compare.runs.gallery import usual_folder

    return usual_folder()
