"""The command line: parses, calls, prints. Every heavy import is inside its command."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import secrets
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from console import cell, print_table, progress, say
from ideation.concept import Concept, typed_concept
from ideation.errors import TwinseedError

if TYPE_CHECKING:
    from compare.job import Job
    from compare.record import Record
    from ideation.draft import Expander
    from ideation.expander_comparison import ExpanderRow
    from ideation.words import WordLists

app = typer.Typer(
    help="Two pictures from one seed: what did the extra words of an expanded prompt do?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: The most concepts of a comparison: each is a request to every expander, and some cost money.
MAX_COMPARED = 1000

AsJson = Annotated[bool, typer.Option("--json", help="Print data alone on standard output.")]
Seed = Annotated[str | None, typer.Option("--seed", metavar="S", help="A whole number; left out, one is drawn.")]
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
NoCache = Annotated[bool, typer.Option("--no-cache", help="Ask an LLM even what it has answered before.")]
ModelName = Annotated[
    str | None, typer.Option("--model", metavar="M", help="A model folder, or a hub id. [default: seedling]")
]
Runs = Annotated[Path | None, typer.Option("--runs", metavar="FOLDER", help="Where runs are kept. [default: runs]")]


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


TokensMode = Annotated[Tokens, typer.Option("--tokens", help="A prompt too long: made to fit, read in chunks, or cut.")]


class Kind(StrEnum):
    """What `twinseed list` lists."""

    styles = "styles"
    schedulers = "schedulers"
    presets = "presets"
    performance = "performance"
    sizes = "sizes"
    models = "models"
    expanders = "expanders"
    words = "words"


@app.command()
def ideas(
    count: Annotated[int | None, typer.Option("-n", "--count", metavar="N", help="How many. [default: 10]")] = None,
    seed: Seed = None,
    start: Annotated[int, typer.Option(metavar="K", help="Go on where concept K-1 ended.")] = 0,
    topic: Annotated[str | None, typer.Option(metavar="T", help="Always this topic.")] = None,
    action: Annotated[str | None, typer.Option(metavar="A", help="Always this action.")] = None,
    style: Annotated[str | None, typer.Option(metavar="S", help="Always this style.")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="WORD", help="Never this topic, action or style; can be repeated.")
    ] = None,
    words: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Your own topics, actions and styles; or a pattern's wildcards."),
    ] = None,
    pattern: Annotated[
        str | None, typer.Option(metavar="TEXT", help='Draw from this instead: "{a red|2::a blue} cat in __place__".')
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="The pattern's combinations in order, each once.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only look for faults in the pattern, and count.")] = False,
    language: Language = Language.english,
    as_json: AsJson = False,
) -> None:
    """Draw concepts: topic x action x style, with no repeats; or texts from a pattern."""
    from ideation.randomiser import draw_many, pinned

    if pattern is not None:
        if topic is not None or action is not None or style is not None or exclude:
            raise OptionError(
                "--pattern was given with --topic, --action, --style or --exclude", hint="put them into the pattern"
            )
        _ideas_of_pattern(pattern, words, language, count, seed, start, every, check, as_json)
        return
    if every or check:
        raise OptionError("--all and --check belong to a pattern", hint='add one, as in --pattern "{a|b} cat"')
    chosen = _seed(seed)
    lists = pinned(_words(words), topic=topic, action=action, style=style, exclude=exclude or ())
    if seed is None and not as_json:
        say(f"seed {chosen}")
    concepts = draw_many(lists, chosen, start, 10 if count is None else count, language.value)
    if as_json:
        name = attrgetter("zh" if language is Language.traditional_chinese else "en")
        _print_ideas((one.index, name(one.topic), name(one.action), name(one.style), one.text) for one in concepts)
    else:
        sys.stdout.writelines(f"{concept.text}\n" for concept in concepts)


@app.command()
def expand(
    context: typer.Context,
    concept: Annotated[
        str | None, typer.Argument(metavar="CONCEPT", help="The concept, in any language.", show_default=False)
    ] = None,
    expander: ExpanderName = "auto",
    llm_model: LLMModel = None,
    template: Template = None,
    tokens: TokensMode = Tokens.fit,
    seed: Seed = None,
    model: ModelName = None,
    no_cache: NoCache = False,
    clear_cache: Annotated[bool, typer.Option("--clear-cache", help="Forget all cached answers.")] = False,
    compare: Annotated[
        str | None, typer.Option(metavar="E,E", help="Run several expanders, as in offline,gemini,openai:MODEL.")
    ] = None,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="Compare on these concepts, one a line.")] = None,
    count: Annotated[
        int | None, typer.Option("-n", "--count", metavar="N", help="Compare on so many drawn concepts.")
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the comparison there, too.")] = None,
    as_json: AsJson = False,
) -> None:
    """Turn a concept into a simple and an expanded English prompt; or compare expanders."""
    from ideation.expansion_cache import ExpansionCache, cache_folder

    cache = ExpansionCache(cache_folder())
    if clear_cache:
        if concept is not None or compare is not None:
            raise OptionError("--clear-cache does nothing else", hint="clear first, then expand or compare")
        deleted = cache.clear()
        told = f"{deleted} cached {'answer' if deleted == 1 else 'answers'} deleted from {cache.folder}"
        print(json.dumps({"deleted": deleted, "folder": str(cache.folder)}) if as_json else told)
        return
    if compare is None and (file is not None or count is not None or csv is not None):
        raise OptionError("--file, -n and --csv belong to a comparison", hint="add --compare offline,gemini")
    if concept is None and file is None and count is None:
        context.fail("Missing argument 'CONCEPT'.")

    from generate.model_names import find_tokenizer
    from ideation.expanders import choose_expander
    from ideation.expanders.instruction import checked_template
    from ideation.expansion import expand as expand_concept
    from ideation.expansion_cache import CachedExpander
    from ideation.token_budget import TokenBudget
    from ideation.vocabulary import seedling_vocabulary

    def choose(name: str, llm_model: str | None) -> Expander:
        return choose_expander(name, llm_model=llm_model, environ=os.environ, cache=None if no_cache else cache)

    told_to = checked_template(template) if template is not None else None
    renderer = model or "seedling"
    vocabulary = seedling_vocabulary() if renderer == "seedling" else None
    chosen_seed = 0 if seed is None else _seed(seed)
    if compare is not None:
        from ideation.expander_comparison import compare_expander, named_expanders

        if llm_model is not None:
            raise OptionError("--llm-model names one model", hint="name it in the list: --compare openai:MODEL,offline")
        named = named_expanders(compare)
        concepts = _compared_concepts(concept, file, count, renderer, chosen_seed)
        budget = TokenBudget(find_tokenizer(renderer), chunked=tokens is Tokens.chunk)
        rows = []
        for name, its_model in named:
            say(f"{name}{f' ({its_model})' if its_model else ''}: {len(concepts)} to expand ...")
            rows.append(
                compare_expander(
                    name, its_model, choose, concepts, budget,
                    seed=chosen_seed, vocabulary=vocabulary, template=told_to, tokens=tokens.value,
                )
            )  # fmt: skip
        _print_comparison(rows, csv, as_json)
        return
    typed = typed_concept(concept or "")
    chosen = choose(expander, llm_model)
    budget = TokenBudget(find_tokenizer(renderer), chunked=tokens is Tokens.chunk)
    say(f"expander: {chosen.name}" + (f" ({chosen.llm_model})" if chosen.llm_model else ""))
    pair = expand_concept(
        typed, chosen, budget, seed=chosen_seed, vocabulary=vocabulary, template=told_to, tokens=tokens.value
    )
    if isinstance(chosen, CachedExpander) and not chosen.asked:
        say("answered before: nothing was asked; --no-cache asks again")
    if as_json:
        print(json.dumps(asdict(pair), ensure_ascii=False))
        return
    print(f"simple:   {pair.simple}\nexpanded: {pair.expanded}\nnegative: {pair.negative}")
    print(f"tokens:   {pair.tokens.simple} and {pair.tokens.expanded} of {pair.tokens.limit}")
    for warning in pair.warnings:
        say(f"note: {warning}")


@app.command()
def pair(
    concept: Annotated[
        str | None, typer.Argument(metavar="[CONCEPT]", help="The concept, in any language; left out, one is drawn.")
    ] = None,
    seed: Seed = None,
    images: Annotated[int, typer.Option(metavar="N", help="How many seeds: S, S+1, S+2, ...")] = 1,
    model: ModelName = None,
    scheduler: Annotated[str | None, typer.Option(metavar="NAME", help="See: twinseed list schedulers.")] = None,
    steps: Annotated[int | None, typer.Option(metavar="N", help="Denoising steps.")] = None,
    guidance: Annotated[float | None, typer.Option(metavar="G", help="Classifier-free guidance scale.")] = None,
    size: Annotated[str | None, typer.Option(metavar="WxH", help="Pixels; left out, the model's own size.")] = None,
    aspect: Annotated[str | None, typer.Option(metavar="RATIO", help="16:9, portrait ...: a size to suit it.")] = None,
    preset: Annotated[str | None, typer.Option(metavar="P", help="See: twinseed list presets.")] = None,
    performance: Annotated[str | None, typer.Option(metavar="LEVEL", help="quality, speed or extreme speed.")] = None,
    like: Annotated[
        Path | None, typer.Option(metavar="PICTURE", help="Start from the settings in a picture, whoever made it.")
    ] = None,
    style: Annotated[
        list[str] | None, typer.Option("--style", metavar="NAME", help="On both prompts; can be given more than once.")
    ] = None,
    negative: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Instead of the expander's negative prompt.")
    ] = None,
    expander: ExpanderName = "auto",
    llm_model: LLMModel = None,
    template: Template = None,
    tokens: TokensMode = Tokens.fit,
    no_cache: NoCache = False,
    simple: Annotated[str | None, typer.Option(metavar="TEXT", help="The simple prompt, as it is.")] = None,
    expanded: Annotated[str | None, typer.Option(metavar="TEXT", help="The expanded prompt, as it is.")] = None,
    runs: Runs = None,
    clip_skip: Annotated[
        int | None, typer.Option(metavar="N", help="Leave out the text encoder's last N layers. [default: 0]")
    ] = None,
    lora: Annotated[
        list[str] | None, typer.Option("--lora", metavar="NAME:W", help="A LoRA for both; can be given more than once.")
    ] = None,
    vae: Annotated[str | None, typer.Option(metavar="V", help="Another VAE to decode with.")] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Half precision where the processor has it: other digits.")
    ] = False,
    allow_pickle: Annotated[
        bool, typer.Option("--allow-pickle", help="Open .ckpt and .pt files, tensors only.")
    ] = False,
    noise_floor: Annotated[
        bool, typer.Option("--noise-floor", help="Render each simple prompt once more, alone, to measure noise.")
    ] = False,
    device: Annotated[str, typer.Option(metavar="D", help="auto, cpu, cuda or mps.", show_default=True)] = "auto",
    dtype: Annotated[
        str, typer.Option(metavar="T", help="auto, float32, float16, bfloat16.", show_default=True)
    ] = "auto",
    language: Annotated[Language | None, typer.Option(help="The report's language. [default: the concept's]")] = None,
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """The main job: expand a concept, render both prompts from one seed, compare, write the run."""
    from generate.aspect_ratios import match_aspect_ratio
    from generate.model_names import require_model
    from generate.performance import combined_settings
    from generate.picture_file import read_picture
    from generate.picture_parameters import render_settings_of
    from generate.presets import chosen_styles, find_preset, negative_parts
    from generate.schedulers import find_scheduler
    from generate.settings import RenderSettings
    from ideation.prompt_syntax import parse_prompt

    named: dict[str, Any] = {
        name: value
        for name, value in (
            ("model", model),
            ("scheduler", find_scheduler(scheduler).name if scheduler is not None else None),
            ("num_inference_steps", steps),
            ("guidance_scale", guidance),
            ("long_prompts", "chunk" if tokens is Tokens.chunk else None),
            ("clip_skip", clip_skip),
            ("vae", vae),
            ("fast", fast or None),
            ("adapters", tuple(parse_prompt(f"<lora:{one}>").adapters[0] for one in lora) if lora else None),
        )
        if value is not None
    }
    if size is not None:
        named["width"], named["height"] = _size(size)
    if aspect is not None:
        if size is not None:
            raise OptionError("--size and --aspect were both given", hint="a ratio is for finding a size: give one")
        match_aspect_ratio(aspect, 512)  # a slip is told before the model is opened, whose size decides
    chosen = find_preset(preset) if preset is not None else None
    styles = chosen_styles(chosen, style or ())
    usual = RenderSettings(seed=_seed(seed))
    if like is not None:
        parameters = read_picture(like)
        usual = render_settings_of(parameters, usual)
        if seed is not None:
            named["seed"] = _seed(seed)
        if concept is None and simple is None:
            simple = parameters.prompt
        negative = parameters.negative_prompt if negative is None else negative
        for note in parameters.notes:
            say(f"note: {note}")
    settings = replace(
        usual, images=images, device=device, dtype=dtype, **combined_settings(chosen, performance, named)
    )
    require_model(settings.model, allow_pickle=allow_pickle)
    if chosen is not None or styles:
        for part in negative_parts(negative or "", chosen, styles):
            if part.origin != "prompt":
                say(f"negative prompt, from {part.origin}: {part.text}")
    if concept is None and simple is None and expanded is not None:
        raise OptionError("--expanded was given without what it expands", hint="add the concept, or --simple TEXT")
    asked = _concept(concept, simple, settings.model, settings.seed)
    say(f"concept: {asked.text}\nseed: {settings.seed}")

    # torch is loaded from here on: what can go wrong without it has gone wrong by now.
    from compare.job import Job

    spoken = language or (Language.traditional_chinese if asked.language == "zh-TW" else Language.english)
    job = Job(
        concept=asked,
        settings=settings,
        expander=expander,
        llm_model=llm_model,
        simple=simple,
        expanded=expanded,
        negative=negative,
        preset=chosen.name if chosen is not None else None,
        styles=tuple(one.name for one in styles),
        language=spoken.value,
        template=template,
        tokens=tokens.value,
        cache=not no_cache,
        noise_floor=noise_floor,
        aspect=aspect,
        allow_pickle=allow_pickle,
    )
    _run(job, _runs(runs), as_json, open_report)


@app.command()
def refine(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The name of a run, or its folder.")],
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="More than the draft's. [default: twice as many]")
    ] = None,
    runs: Runs = None,
    open_report: Annotated[bool, typer.Option("--open", help="Open the report in the browser.")] = False,
    as_json: AsJson = False,
) -> None:
    """Render a run again with more steps, from the same seed, and say how far its pictures moved."""
    from compare.draft import refined_settings
    from compare.gallery import Gallery
    from compare.job import Job

    folder = Path(run)
    root, name = (folder.parent, folder.name) if folder.is_dir() else (_runs(runs), run)
    record = Gallery(root).open_record(name)
    settings = refined_settings(record, steps)
    prompts, concept = record.prompts, record.concept
    job = Job(
        concept=typed_concept(concept.text),
        settings=settings,
        simple=prompts.simple,
        expanded=prompts.expanded,
        negative=prompts.negative,
        language="zh-TW" if concept.language == "zh-TW" else "en",
        draft=name,
    )
    written = _run(job, root, as_json, open_report)
    if written.draft is not None:
        for seed, drift in written.draft.drift.items():
            say(
                f"seed {seed}: the simple picture moved by {drift.simple:.1%}, the expanded one by {drift.expanded:.1%}"
            )
        if not written.draft.settles:
            say(
                f"note: {settings.scheduler} wanders: more steps made other pictures, not better ones of the draft. "
                "UniPC or DPM++ 2M Karras settle."
            )


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
    """List what can be named: styles, schedulers, presets, models, expanders, words ..."""
    rows = _rows(kind)
    for problem in _problems(kind):
        say(f"note: {problem.message}; {problem.hint}")
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    print_table(rows)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is here and what would run by default. Keys are never shown."""
    import torch

    from generate.certificate import library_versions
    from generate.devices import choose_device, choose_dtype, explain_choice
    from generate.model_names import known_models, models_folder
    from ideation.expanders import choose_expander

    device = choose_device("auto")
    problems = []
    expander = llm_model = None
    try:
        chosen = choose_expander("auto", llm_model=None, environ=os.environ)
        expander, llm_model = chosen.name, chosen.llm_model
    except TwinseedError as problem:
        problems.append(f"{problem.message}: {problem.hint}")
    models = []
    try:
        models = [model.name for model in known_models() if model.renders]
    except TwinseedError as problem:
        problems.append(f"{problem.message}: {problem.hint}")
    keys = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_ENDPOINT")
    found: dict[str, Any] = {
        "device": device,
        "dtype": choose_dtype("auto", device),
        "why": explain_choice("auto", "auto"),
        "threads": torch.get_num_threads(),
        "expander": expander,
        "llm_model": llm_model,
        "model": "seedling",
        "models": models,
        "models_folder": str(models_folder()),
        "runs_folder": str(_runs(None)),
        "keys": {name: "set" if os.environ.get(name) else "not set" for name in keys},
        "libraries": library_versions(),
        "problems": problems,
    }
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        print(f"{name.replace('_', ' ') + ':':<15} {cell(value) or 'none'}")


def main() -> NoReturn:
    """The program `twinseed`: exit 0 done, 1 a problem the user can mend, 2 wrong usage, 130 after Ctrl-C."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # 繁體中文 must come out on every system, whatever its code page
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        code = app(standalone_mode=False, prog_name="twinseed")
        sys.stdout.flush()
    except TwinseedError as problem:
        say(f"error: {problem.message}\nhint: {problem.hint}")
        code = 1
    except KeyboardInterrupt:
        code = 130
    except OSError as problem:
        # Whoever read the output may have enough of it, as `head` does; a disk may have no room for it.
        if problem.errno not in (errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        if problem.errno != errno.EPIPE:
            say(f"error: no room left: {problem.strerror}\nhint: make room on the disk, or send the output elsewhere")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tries once more at its end, and complains
        code = 1
    except Exception as problem:
        show = getattr(problem, "show", None)  # typer's usage errors: their base class has no public name
        if show is None:
            raise
        show()
        code = 2
    if code == 130:  # which typer makes of Ctrl-C as well
        say("stopped")
    sys.exit(code or 0)


def _seed(given: str | None) -> int:
    if given is None:
        return secrets.randbelow(2**32)
    if not re.fullmatch(r"[0-9]{1,19}", given.strip()):
        raise OptionError(f"seed is {given[:40]!r}", hint=f"give a whole number from 0 to {2**63 - 1}, as in --seed 7")
    return int(given)


def _size(given: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,5})\s*[xX×]\s*([0-9]{1,5})", given.strip())
    if match is None:
        raise OptionError(f"size is {given[:40]!r}", hint="give width and height in pixels, as in --size 512x512")
    return int(match[1]), int(match[2])


def _runs(given: Path | None) -> Path:
    return given or Path(os.environ.get("TWINSEED_RUNS") or "runs")


def _run(job: Job, runs: Path, as_json: bool, open_report: bool) -> Record:
    """Does the job with a progress bar and prints what came of it: the report's path, or the record."""
    from compare.gallery import Gallery
    from compare.job import JobStopped, run_job
    from compare.record import RECORD_FILE, read_record

    with progress() as on_progress:
        try:
            folder = run_job(job, Gallery(runs), on_progress=on_progress)
        except JobStopped as stopped:
            say(f"what was finished is in {stopped.folder}")
            raise stopped.reason from stopped
    record = read_record(folder / RECORD_FILE)
    prompts = record.prompts
    writer = prompts.expander + (f" ({prompts.llm_model})" if prompts.llm_model else "")
    say(f"simple: {prompts.simple}\nexpanded: {prompts.expanded}\nwritten by: {writer}")
    for warning in prompts.warnings:
        say(f"note: {warning}")
    if as_json:
        print(json.dumps(json.loads((folder / RECORD_FILE).read_text(encoding="utf-8")), ensure_ascii=False))
    else:
        print(folder / "report.html")
    if open_report:
        typer.launch(str(folder / "report.html"))
    return record


def _ideas_of_pattern(
    pattern: str,
    folder: Path | None,
    language: Language,
    count: int | None,
    seed: str | None,
    start: int,
    every: bool,
    check: bool,
    as_json: bool,
) -> None:
    from ideation.pattern_plan import PatternPlan, digits
    from ideation.wildcards import built_in_wildcards, read_wildcards
    from ideation.words import built_in_words

    chinese = language is Language.traditional_chinese
    plan = PatternPlan(
        pattern, built_in_wildcards(built_in_words(), chinese=chinese) if folder is None else read_wildcards(folder)
    )
    if check:
        print(
            f'{{"combinations": "{digits(plan.count)}"}}' if as_json else f"ok, {digits(plan.count, ',')} combinations"
        )
        return
    if every:
        texts = plan.enumerate(start, count)
    else:
        chosen = _seed(seed)
        texts = plan.draw(chosen, start, 10 if count is None else count)
        if seed is None and not as_json:
            say(f"seed {chosen}")
    if as_json:
        _print_ideas((index, None, None, None, text) for index, text in enumerate(texts, start))
    else:
        sys.stdout.writelines(f"{text}\n" for text in texts)


def _print_ideas(rows: Iterable[tuple[Any, ...]]) -> None:
    # One encoder for all: `json.dumps` would make a new one for each line, which takes as long as drawing it.
    encode = json.JSONEncoder(ensure_ascii=False).encode
    names = ("index", "topic", "action", "style", "text")
    sys.stdout.writelines(f"{encode(dict(zip(names, row, strict=True)))}\n" for row in rows)


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


def _compared_concepts(text: str | None, file: Path | None, count: int | None, model: str, seed: int) -> list[Concept]:
    """The one that was typed, those in a file, one a line, or so many that are drawn from what the model knows."""
    from ideation.randomiser import draw_many
    from ideation.vocabulary import seedling_vocabulary
    from ideation.words import built_in_words, seedling_words

    if sum(given is not None for given in (text, file, count)) != 1:
        raise OptionError("the concepts were given in more than one way", hint="give a concept, or --file, or -n")
    if text is not None:
        return [typed_concept(text)]
    if count is not None:
        words = seedling_words(seedling_vocabulary()) if model == "seedling" else built_in_words()
        return list(draw_many(words, seed, 0, count))
    assert file is not None  # noqa: S101 - for the type checker
    hint = f"give a text file in UTF-8 with a concept on each line, {MAX_COMPARED} at most"
    try:
        if file.stat().st_size > 1_000_000:
            raise OptionError(f"{file} is too large", hint=hint)
        lines = [line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise OptionError(f"{file} is not text in UTF-8", hint=hint) from error
    except OSError as error:
        raise OptionError(f"{file} cannot be read: {error.strerror}", hint=hint) from error
    concepts = []
    for number, line in enumerate(lines, start=1):
        if line:
            try:
                concepts.append(typed_concept(line))
            except TwinseedError as problem:
                raise OptionError(f"{file}, line {number}: {problem.message}", hint=problem.hint) from problem
    if not 1 <= len(concepts) <= MAX_COMPARED:
        raise OptionError(f"{file} holds {len(concepts)} concepts", hint=hint)
    return concepts


def _print_comparison(rows: list[ExpanderRow], csv: Path | None, as_json: bool) -> None:
    values = [asdict(row) for row in rows]
    if as_json:
        print(json.dumps(values, ensure_ascii=False))
    else:
        shares = ("kept", "english")
        print_table(
            [
                {
                    name: f"{value:.0%}" if name in shares and value is not None
                    else f"{value:.1f}" if isinstance(value, float) else value
                    for name, value in row.items()
                }
                for row in values
            ]
        )  # fmt: skip
    if csv is not None:
        from csv import DictWriter

        try:
            with csv.open("w", encoding="utf-8-sig", newline="") as opened:  # the mark is for spreadsheets
                writer = DictWriter(opened, list(values[0]))
                writer.writeheader()
                writer.writerows(values)
        except OSError as error:
            raise OptionError(
                f"{csv} cannot be written: {error.strerror}", hint="name a file in a folder that you may write to"
            ) from error


def _rows(kind: Kind) -> list[dict[str, Any]]:
    if kind is Kind.styles:
        from generate.styles import all_styles

        return [asdict(style) for style in all_styles().values()]
    if kind is Kind.schedulers:
        from generate.schedulers import SCHEDULERS

        return [
            {"name": one.name, "class_name": one.class_name, "evaluations": one.evaluations, "settles": one.settles,
             "steps": "{}-{}".format(*one.recommended_steps) if one.recommended_steps else None, "note": one.note}
            for one in SCHEDULERS.values()
        ]  # fmt: skip
    if kind is Kind.presets:
        from generate.presets import PRESETS

        return [asdict(preset) for preset in PRESETS.values()]
    if kind is Kind.performance:
        from generate.performance import all_performance

        return [
            {"name": one.name, "zh": one.zh, "description": one.description,
             "steps": one.num_inference_steps or f"x {one.steps_factor:g}", "scheduler": one.scheduler,
             "source": one.source}
            for one in all_performance().values()
        ]  # fmt: skip
    if kind is Kind.sizes:
        from generate.aspect_ratios import all_families

        return [
            {"family": family.name, "ratio": size.ratio, "width": size.width, "height": size.height}
            for family in all_families().values()
            for size in family.sizes
        ]
    if kind is Kind.models:
        from generate.model_names import known_models

        return [
            {"name": one.name, "kind": one.kind, "path": str(one.path), "family": one.family, "size": one.size}
            for one in known_models()
        ]
    if kind is Kind.expanders:
        from ideation.expanders import known_expanders

        return [{"name": name, "description": description} for name, description in known_expanders().items()]
    from ideation.words import built_in_words

    words = built_in_words()
    parts = (("topic", words.topics), ("action", words.actions), ("style", words.styles))
    return [{"part": part, "en": word.en, "zh": word.zh} for part, entries in parts for word in entries]


def _problems(kind: Kind) -> Sequence[TwinseedError]:
    """What is wrong with a person's own files of that kind: they are left out, and that is said."""
    if kind is Kind.styles:
        from generate.styles import style_problems

        return style_problems()
    if kind is Kind.presets:
        from generate.presets import preset_problems

        return preset_problems()
    if kind is Kind.performance:
        from generate.performance import performance_problems

        return performance_problems()
    if kind is Kind.sizes:
        from generate.aspect_ratios import aspect_ratio_problems

        return aspect_ratio_problems()
    return ()


if __name__ == "__main__":
    main()
