"""The command line: parses, calls, prints. Every heavy import is inside its command."""

from __future__ import annotations

import json
import os
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ideation.concept import Concept, typed_concept
from ideation.errors import TwinseedError

if TYPE_CHECKING:
    from compare.job import Progress
    from ideation.words import WordLists

app = typer.Typer(
    help="Two pictures from one seed: what did the extra words of an expanded prompt do?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print data alone on standard output.")]
Seed = Annotated[str | None, typer.Option("--seed", metavar="S", help="A whole number; left out, one is drawn.")]
ExpanderName = Annotated[
    str, typer.Option("--expander", metavar="E", help="auto, offline, gemini, openai or local.", show_default=True)
]
LLMModel = Annotated[str | None, typer.Option("--llm-model", metavar="NAME", help="The expander's language model.")]
ModelName = Annotated[
    str, typer.Option("--model", metavar="M", help="seedling, a model folder, or a hub id.", show_default=True)
]
Runs = Annotated[Path | None, typer.Option("--runs", metavar="FOLDER", help="Where runs are kept. [default: runs]")]


class UsageError(TwinseedError):
    """Options that do not go together, or a value that is no number."""


class Language(StrEnum):
    """Languages that concepts and reports come in."""

    english = "en"
    traditional_chinese = "zh-TW"


class Kind(StrEnum):
    """What `twinseed list` lists."""

    styles = "styles"
    schedulers = "schedulers"
    presets = "presets"
    models = "models"
    expanders = "expanders"
    words = "words"


@app.command()
def ideas(
    count: Annotated[int, typer.Option("-n", "--count", metavar="N", help="How many.")] = 10,
    seed: Seed = None,
    start: Annotated[int, typer.Option(metavar="K", help="Go on where concept K-1 ended.")] = 0,
    topic: Annotated[str | None, typer.Option(metavar="T", help="Always this topic.")] = None,
    action: Annotated[str | None, typer.Option(metavar="A", help="Always this action.")] = None,
    style: Annotated[str | None, typer.Option(metavar="S", help="Always this style.")] = None,
    words: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Your own topics, actions and styles.")] = None,
    language: Language = Language.english,
    as_json: AsJson = False,
) -> None:
    """Draw concepts: topic x action x style, with no repeats."""
    from ideation.randomiser import draw_many, pinned

    chosen = _seed(seed)
    lists = pinned(_words(words), topic=topic, action=action, style=style)
    if seed is None and not as_json:
        _say(f"seed {chosen}")
    for concept in draw_many(lists, chosen, start, count, language.value):
        if as_json:
            parts = {
                part: (word.zh if concept.language == "zh-TW" else word.en)
                for part, word in (("topic", concept.topic), ("action", concept.action), ("style", concept.style))
                if word is not None
            }
            print(json.dumps({"index": concept.index, **parts, "text": concept.text}, ensure_ascii=False))
        else:
            print(concept.text)


@app.command()
def expand(
    concept: Annotated[str, typer.Argument(help="The concept, in any language.")],
    expander: ExpanderName = "auto",
    llm_model: LLMModel = None,
    seed: Seed = None,
    model: ModelName = "seedling",
    as_json: AsJson = False,
) -> None:
    """Turn a concept into a simple and an expanded English prompt."""
    from generate.seedling import SEEDLING_TOKENIZER
    from ideation.expanders import choose_expander
    from ideation.expansion import expand as expand_concept
    from ideation.token_budget import TokenBudget
    from ideation.vocabulary import seedling_vocabulary

    typed = typed_concept(concept)
    chosen = choose_expander(expander, llm_model=llm_model, environ=os.environ)
    vocabulary = seedling_vocabulary() if model == "seedling" else None
    if model == "seedling":
        tokenizer = SEEDLING_TOKENIZER
    else:
        from generate.model_names import find_tokenizer

        tokenizer = find_tokenizer(model)
    _say(f"expander: {chosen.name}" + (f" ({chosen.llm_model})" if chosen.llm_model else ""))
    pair = expand_concept(typed, chosen, TokenBudget(tokenizer), seed=_seed(seed or "0"), vocabulary=vocabulary)
    if as_json:
        print(json.dumps(asdict(pair), ensure_ascii=False))
        return
    print(f"simple:   {pair.simple}\nexpanded: {pair.expanded}\nnegative: {pair.negative}")
    print(f"tokens:   {pair.tokens.simple} and {pair.tokens.expanded} of {pair.tokens.limit}")
    for warning in pair.warnings:
        _say(f"note: {warning}")


@app.command()
def pair(
    concept: Annotated[str | None, typer.Argument(help="The concept, in any language; left out, one is drawn.")] = None,
    seed: Seed = None,
    images: Annotated[int, typer.Option(metavar="N", help="How many seeds: S, S+1, S+2, ...")] = 1,
    model: ModelName = "seedling",
    scheduler: Annotated[str | None, typer.Option(metavar="NAME", help="See: twinseed list schedulers.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Denoising steps.")] = None,
    guidance: Annotated[float | None, typer.Option(metavar="G", help="Classifier-free guidance scale.")] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Pixels; left out, the model's own size.")] = None,
    preset: Annotated[str | None, typer.Option(metavar="P", help="See: twinseed list presets.")] = None,
    style: Annotated[
        list[str] | None, typer.Option("--style", metavar="NAME", help="On both prompts; can be given more than once.")
    ] = None,
    negative: Annotated[str | None, typer.Option(metavar="TEXT", help="Instead of the expander's negative prompt.")] = None,
    expander: ExpanderName = "auto",
    llm_model: LLMModel = None,
    simple: Annotated[str | None, typer.Option(metavar="TEXT", help="The simple prompt, as it is.")] = None,
    expanded: Annotated[str | None, typer.Option(metavar="TEXT", help="The expanded prompt, as it is.")] = None,
    runs: Runs = None,
    device: Annotated[str, typer.Option(metavar="D", help="auto, cpu, cuda or mps.", show_default=True)] = "auto",
    dtype: Annotated[str, typer.Option(metavar="T", help="auto, float32, float16, bfloat16.", show_default=True)] = "auto",
    language: Annotated[Language | None, typer.Option(help="The report's language. [default: the concept's]")] = None,
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """The main job: expand a concept, render both prompts from one seed, compare, write the run."""
    from generate.presets import find_preset
    from generate.schedulers import find_scheduler
    from generate.settings import RenderSettings

    overrides: dict[str, Any] = dict(find_preset(preset).settings) if preset else {}
    if scheduler is not None:
        overrides["scheduler"] = find_scheduler(scheduler).name
    if steps is not None:
        overrides["num_inference_steps"] = steps
    if guidance is not None:
        overrides["guidance_scale"] = guidance
    if size is not None:
        overrides["width"], overrides["height"] = _size(size)
    settings = RenderSettings(seed=_seed(seed), images=images, device=device, dtype=dtype, **{"model": model, **overrides})
    if model != "seedling":  # named by hand, so it wins over the preset's
        settings = replace(settings, model=model)
    from generate.model_names import find_model

    find_model(settings.model)
    asked = _concept(concept, simple, settings.model, settings.seed)
    _say(f"concept: {asked.text}\nseed: {settings.seed}")

    from compare.gallery import Gallery
    from compare.job import Job, JobStopped, run_job

    spoken = language or (Language.traditional_chinese if asked.language == "zh-TW" else Language.english)
    job = Job(
        asked, settings, expander, llm_model, simple, expanded, negative, preset, tuple(style or ()), spoken.value
    )
    with _progress() as on_progress:
        try:
            folder = run_job(job, Gallery(_runs(runs)), on_progress=on_progress)
        except JobStopped as stopped:
            _say(f"what was finished is in {stopped.folder}")
            raise stopped.reason from stopped
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    for warning in record["prompts"]["warnings"]:
        _say(f"note: {warning}")
    if as_json:
        print(json.dumps(record, ensure_ascii=False))
    else:
        print(folder / "report.html")
    if open_report:
        typer.launch(str(folder / "report.html"))


@app.command()
def page(
    host: Annotated[str, typer.Option(metavar="H", help="The address to listen at.", show_default=True)] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="P", min=0, max=65535, show_default=True)] = 8501,
    runs: Runs = None,
) -> None:
    """Open the Streamlit page."""
    from compare.page.server import serve

    serve(host=host, port=port, runs=_runs(runs))


@app.command("list")
def list_names(kind: Kind, as_json: AsJson = False) -> None:
    """List what can be named: styles, schedulers, presets, models, expanders or words."""
    rows = _rows(kind)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row.values()))
    Console(highlight=False).print(table)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is here and what would run by default. Keys are never shown."""
    import torch

    from generate.certificate import library_versions
    from generate.devices import choose_device, choose_dtype
    from generate.model_names import known_models, models_folder
    from ideation.expanders import choose_expander

    device = choose_device("auto")
    chosen = choose_expander("auto", llm_model=None, environ=os.environ)
    keys = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_ENDPOINT")
    found: dict[str, Any] = {
        "device": device,
        "dtype": choose_dtype("auto", device),
        "threads": torch.get_num_threads(),
        "expander": chosen.name,
        "llm_model": chosen.llm_model,
        "model": "seedling",
        "models": [model.name for model in known_models()],
        "models_folder": str(models_folder()),
        "runs_folder": str(_runs(None)),
        "keys": {name: "set" if os.environ.get(name) else "not set" for name in keys},
        "libraries": library_versions(),
    }
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        shown = value
        if isinstance(value, dict):
            shown = ", ".join(f"{key} {entry}" for key, entry in value.items())
        elif isinstance(value, list):
            shown = ", ".join(value)
        print(f"{name.replace('_', ' ') + ':':<15} {shown}")


def main() -> NoReturn:
    """The program `twinseed`: exit 0 done, 1 a problem the user can mend, 2 wrong usage, 130 after Ctrl-C."""
    try:
        app(standalone_mode=False)
    except TwinseedError as problem:
        _say(f"error: {problem.message}\nhint: {problem.hint}")
        sys.exit(1)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _say("stopped")
        sys.exit(130)
    except Exception as problem:
        usage = getattr(problem, "show", None)  # click's own errors know how to show themselves
        if usage is None:
            raise
        usage()
        sys.exit(getattr(problem, "exit_code", 2))
    sys.exit(0)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _seed(given: str | None) -> int:
    if given is None:
        return secrets.randbelow(2**32)
    if not re.fullmatch(r"[0-9]{1,19}", given.strip()):
        raise UsageError(f"seed is {given!r}", hint="give a whole number that is not negative, as in --seed 7")
    return int(given)


def _size(given: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,5})\s*[xX×]\s*([0-9]{1,5})", given.strip())
    if match is None:
        raise UsageError(f"size is {given!r}", hint="give width and height in pixels, as in --size 512x512")
    return int(match[1]), int(match[2])


def _runs(given: Path | None) -> Path:
    return given or Path(os.environ.get("TWINSEED_RUNS") or "runs")


def _words(folder: Path | None) -> WordLists:
    from ideation.words import built_in_words, read_words

    return built_in_words() if folder is None else read_words(folder)


def _concept(text: str | None, simple: str | None, model: str, seed: int) -> Concept:
    """The concept as typed; else the simple prompt; else one drawn from what the model knows."""
    from ideation.randomiser import draw
    from ideation.vocabulary import seedling_vocabulary
    from ideation.words import built_in_words, seedling_words

    if text is not None or simple is not None:
        return typed_concept(text if text is not None else simple or "")
    words = seedling_words(seedling_vocabulary()) if model == "seedling" else built_in_words()
    return draw(words, seed=seed, index=0)


@contextmanager
def _progress() -> Iterator[Any]:
    """A progress bar on standard error; where that is no terminal, one line a stage."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("starting", total=None)
        stage = ""

        def on_progress(progress: Progress) -> None:
            nonlocal stage
            names = {"open": "opening the model", "expand": "writing the prompts with", "render": "rendering", "write": "writing the run"}
            line = f"{names[progress.stage]} {progress.detail}".strip()
            if progress.step is None:
                bars.update(task, description=line, total=None)
            else:
                step = progress.step
                bars.update(
                    task, description="rendering both pictures", total=step.pairs * step.steps,
                    completed=(step.pair - 1) * step.steps + step.number,
                )  # fmt: skip
            if progress.stage != stage and not console.is_terminal:
                _say(f"{line} ...")
            stage = progress.stage

        yield on_progress


def _rows(kind: Kind) -> list[dict[str, Any]]:
    if kind is Kind.styles:
        from generate.styles import all_styles

        return [asdict(style) for style in all_styles().values()]
    if kind is Kind.schedulers:
        from generate.schedulers import SCHEDULERS

        return [
            {"name": one.name, "class_name": one.class_name, "evaluations": one.evaluations, "settles": one.settles}
            for one in SCHEDULERS.values()
        ]
    if kind is Kind.presets:
        from generate.presets import PRESETS

        return [{"name": one.name, "description": one.description, "settings": dict(one.settings)} for one in PRESETS.values()]
    if kind is Kind.models:
        from generate.model_names import known_models

        return [{"name": one.name, "kind": one.kind, "path": str(one.path)} for one in known_models()]
    if kind is Kind.expanders:
        from ideation.expanders import EXPANDERS

        return [{"name": name, "description": description} for name, description in EXPANDERS.items()]
    from ideation.words import built_in_words

    words = built_in_words()
    parts = (("topic", words.topics), ("action", words.actions), ("style", words.styles))
    return [{"part": part, "en": word.en, "zh": word.zh} for part, entries in parts for word in entries]


if __name__ == "__main__":
    main()
