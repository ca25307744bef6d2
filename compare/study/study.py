"""A study from its plan to what comes of it, in one folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from compare.request import PairOptions, PairRequest
from compare.runs import write_whole
from compare.study.analysis import Analysis, analyse
from compare.study.batch import usual_batch
from compare.study.concepts import ConceptSource, drawn_concepts, given_concepts, read_concepts
from compare.study.crew import Alone, Crew, OnProgress, SessionWorker, carry_out, done_before
from compare.study.design import PLAN_FILE, Plan, StudyError, arms_of, extended, planned, read_plan, write_plan
from compare.study.export import (
    ANALYSIS,
    CITATION,
    DATASET,
    SCORES,
    citation,
    dataset_card,
    write_dataset,
    write_scores,
)
from compare.study.judges import open_votes
from compare.study.report import study_html, study_sentences
from compare.study.scores import with_judged
from compare.study.store import JOURNAL_FILE, RUNS, WORK, Journal, Outcome, RunStore, alone_in
from generate.models import check_batch, known_words, require_model
from ideation import seed_of
from templates import LANGUAGES, Language

MAX_SEEDS = 1000
USUAL_CONCEPTS = 30
MAX_CONCEPTS = 1_000_000


def plan_study(
    folder: Path,
    options: PairOptions,
    *,
    file: Path | None = None,
    texts: Sequence[str] | None = None,
    concepts: int | None = None,
    seeds: int = 2,
    arms: str = "simple,offline",
    models: str = "seedling",
    judges: str = "",
) -> Plan:
    """The plan of the study in `folder`, written there before anything else happens: a new one, the one that is there,
    or that one with what was added to it. Concepts are those of a `file`, or these `texts`, or drawn.

    `options` say how pairs are rendered; their concept, expander and model have no say. Without a seed it is that of
    the plan which is there, else one is drawn; without a batch likewise, else it is tried out what is quickest here.
    Raises `TwinseedError`.
    """
    before = read_plan(folder) if (folder / PLAN_FILE).is_file() else None
    if not 1 <= seeds <= MAX_SEEDS:
        raise StudyError("seeds is {seeds}", hint="give a whole number from 1 to {most}", seeds=seeds, most=MAX_SEEDS)
    if concepts is not None and not 1 <= concepts <= MAX_CONCEPTS:
        raise StudyError(
            "concepts is {concepts}",
            hint="give a whole number from 1 to {most:,}",
            concepts=concepts,
            most=MAX_CONCEPTS,
        )
    seed = before.seed if before is not None and options.seed is None else seed_of(options.seed)
    named = _names(models)
    if not named:
        raise StudyError("no model was named", hint="name one or more, as in --models seedling")
    source = given_concepts(texts) if texts is not None else _source(file, concepts, seed, named[0])
    options = replace(options, concept=source.concepts[0].concept.text, seed=str(seed), images=seeds, model=named[0])
    request, _ = PairRequest.from_options(options)
    if options.batch is None:
        batch = usual_batch(request, named) if before is None else before.request.settings.pairs_per_batch
        request = replace(request, settings=replace(request.settings, pairs_per_batch=batch))
    for model in named:
        if (family := require_model(model, allow_pickle=options.allow_pickle)) is not None:
            check_batch(request.settings, family)
    wanted = planned(
        source,
        request,
        arms=arms_of(arms),
        models=named,
        seeds=seeds,
        judges=_names(judges),
        twinseed=_version(),
        now=datetime.now(UTC).replace(microsecond=0),
    )
    plan = wanted if before is None else extended(before, wanted)
    if plan != before:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_plan(folder, plan)
        except OSError as error:
            raise _cannot_write(folder, error) from error
    return plan


def carry_out_study(
    plan: Plan,
    folder: Path,
    *,
    crew: Crew | None = None,
    store: RunStore | None = None,
    threads: int | None = None,
    retry: bool = False,
    on_progress: OnProgress = lambda _: None,
) -> dict[str, Outcome]:
    """Does what is left of the study, in this process (with so many CPU `threads`, if it is said) unless a `crew` is
    given, and returns the outcome of each unit.
    Raises `StudyError` where another program is at work on it or nothing can be written."""
    work = folder / WORK
    worker = None
    if crew is None:
        worker = SessionWorker(store or RunStore(str(folder / RUNS)), work, judges=plan.judges, threads=threads)
        crew = Alone(worker)
    try:
        with alone_in(folder):
            found = carry_out(plan, folder, crew, retry=retry, on_progress=on_progress)
            if worker is not None:
                worker.close()
            shutil.rmtree(work, ignore_errors=True)
            return found
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _source(file: Path | None, concepts: int | None, seed: int, model: str) -> ConceptSource:
    if file is not None:
        return read_concepts(file, concepts, seed)
    return drawn_concepts(known_words(model), concepts or USUAL_CONCEPTS, seed)


def _names(given: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))


def _version() -> str:
    try:
        return version("twinseed")
    except PackageNotFoundError:  # from a copy of the sources
        return "unknown"


def _cannot_write(folder: Path, error: OSError) -> StudyError:
    return StudyError(
        "cannot write to the study's folder {folder}: {reason}",
        hint="make room, or choose a folder you may write to with --out",
        folder=folder,
        reason=error.strerror or str(error),
    )


def outcomes_so_far(plan: Plan, folder: Path, store: RunStore) -> dict[str, Outcome]:
    """What became of each unit until now: from the journal, and from the runs for what that does not know. Nothing is
    rendered. Raises `StudyError`."""
    known = Journal(folder / JOURNAL_FILE).read()
    found: dict[str, Outcome] = {}
    for unit in plan.units():
        outcome = known.get(unit.name)
        if outcome is None and (scores := store.scores(unit.name)) is not None:
            outcome = done_before(unit, scores, plan.created)
        if outcome is not None:
            found[unit.name] = outcome
    return found


def conclude(plan: Plan, folder: Path, outcomes: Mapping[str, Outcome], store: RunStore) -> Analysis:
    """Analyses the study and writes all that comes of it beside its plan: the table of scores, the analysis, the
    report in every language, the dataset with its card, and how to cite it. What people have voted until now is
    counted first. Raises `TwinseedError`."""
    outcomes = with_votes(plan, folder, outcomes, store)
    analysis = analyse(plan, outcomes.values())
    content = analysis.to_json() | {"sentences": study_sentences(plan, analysis)}
    try:
        write_scores(folder / SCORES, plan, outcomes)
        write_whole(folder / ANALYSIS, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
        write_whole(folder / CITATION, citation(plan).encode())
        for language in LANGUAGES:
            html = study_html(plan, analysis, store.picture, language)
            write_whole(folder / report_file(language), html.encode())
        card = dataset_card(plan, analysis, "\n\n".join(study_sentences(plan, analysis)))
        write_dataset(folder / DATASET, plan, outcomes, store, card)
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return analysis


def with_votes(plan: Plan, folder: Path, outcomes: Mapping[str, Outcome], store: RunStore) -> dict[str, Outcome]:
    """The outcomes with what people have voted until now, where the plan has judges that count votes. Raises
    `TwinseedError`."""
    found = dict(outcomes)
    for votes in open_votes(plan.judges):
        measured = {name: one.scores for name, one in found.items() if one.scores is not None}
        for name in measured:
            with store.run(name, folder / WORK) as run:
                votes.see(name, run)
        for name, judged in votes.count().items():
            if judged:
                scores = with_judged(measured[name], votes.name, judged)
                found[name] = found[name].model_copy(update={"scores": scores})
    return found


def report_file(language: Language) -> str:
    """The name of the report in that language.

    >>> report_file("en"), report_file("zh-TW")
    ('report.html', 'report.zh-TW.html')
    """
    return "report.html" if language == "en" else f"report.{language}.html"


def runs_of(folder: Path) -> str:
    """Where the runs of the study in that folder are kept, unless an address is given."""
    return str((folder / RUNS).absolute())
