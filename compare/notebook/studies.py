"""Studies in one call, for notebooks and scripts, with arguments that are looked at first."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare.notebook.arguments import checked
from compare.request import PairOptions
from compare.study import (
    SCORES,
    Analysis,
    Outcome,
    Plan,
    RunStore,
    StudyError,
    StudyProgress,
    carry_out_study,
    conclude,
    outcomes_so_far,
    plan_study,
    read_plan,
    report_file,
    runs_of,
    study_sentences,
)
from compare.study.crew.cluster import crew_for
from ideation import nearest
from templates import Language

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["StudyResult", "open_study", "study"]

#: What is said by other arguments, for each concept and arm.
_SAID_OTHERWISE = ("concept", "drawn", "images", "model", "like", "simple", "expanded", "expander", "llm_model", "seed")
_SETTINGS = tuple(one.name for one in dataclasses.fields(PairOptions) if one.name not in _SAID_OTHERWISE)


@dataclass(frozen=True)
class StudyResult:
    """What came of a study: its `plan`, the outcome of each unit, the `analysis`, and the `folder` with all of it. A
    notebook shows its report."""

    plan: Plan
    analysis: Analysis
    outcomes: Mapping[str, Outcome]
    folder: Path

    @property
    def sentence(self) -> str:
        """What was found of the first arm, as it can be quoted."""
        return self.sentences()[0]

    def sentences(self, language: Language = "en") -> tuple[str, ...]:
        """What was found of each arm and model."""
        return study_sentences(self.plan, self.analysis, language)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """A row for each value, as in `scores.parquet`: concept, arm, seed, metric, judge, simple, expanded ..."""
        from pyarrow import parquet

        return parquet.read_table(self.folder / SCORES).to_pandas()

    def report(self, language: Language = "en") -> Path:
        """The report, one file that opens offline."""
        return self.folder / report_file(language)

    def __repr__(self) -> str:
        return "\n".join((*self.sentences(), f"report: {self.report()}"))

    def _repr_html_(self) -> str:
        """The report in a frame of its own, so that neither its style nor the notebook's touches the other's."""
        content = html.escape(self.report().read_text(encoding="utf-8"), quote=True)
        style = "width:100%;height:42rem;border:1px solid #8884;border-radius:6px"
        return f'<iframe sandbox="" srcdoc="{content}" style="{style}"></iframe>'


@checked
def study(
    concepts: int | str | Path | Sequence[str] = 30,
    *,
    seeds: int = 2,
    arms: str | Sequence[str] = ("offline",),
    models: str | Sequence[str] = ("seedling",),
    judges: str | Sequence[str] = (),
    seed: int | None = None,
    limit: int | None = None,
    out: str | Path = "study",
    store: str | None = None,
    ray: str | None = None,
    workers: int | None = None,
    threads: int | None = None,
    retry: bool = False,
    on_progress: Callable[[StudyProgress], None] = lambda _: None,
    **settings: Any,
) -> StudyResult:
    """Renders concepts with the simple and with expanded prompts from the same seeds, and says what holds; as
    `twinseed study` does: in this process, or with `ray` ("local", "auto", an address) through several workers.

    `concepts` are that many drawn ones, a list of texts, or a file, of which `limit` takes some. All of it goes to the
    folder `out`; the same call goes on where it was stopped, and renders nothing twice. `settings` are those of
    `twinseed pair` that all pairs share: `steps=10`, `guidance=5.0`, `size="128x128"`, `clip="none"` ...

    Raises `TwinseedError`.
    """
    if unknown := [name for name in settings if name not in _SETTINGS]:
        raise StudyError(
            "a study has no setting {name!r}",
            hint="{nearest}",
            name=unknown[0],
            nearest=nearest(unknown[0], ["concepts", "seeds", "seed", "arms", "models", "judges", "out", *_SETTINGS]),
        )
    listed = None if isinstance(concepts, int | str | Path) else list(concepts)
    if limit is not None and not isinstance(concepts, str | Path):
        raise StudyError(
            "limit was given without a file", hint="say how many concepts with concepts, or shorten the list"
        )
    folder = Path(out).expanduser()
    plan = plan_study(
        folder,
        PairOptions(**settings, seed=None if seed is None else str(seed)),
        file=Path(concepts).expanduser() if isinstance(concepts, str | Path) else None,
        texts=listed,
        concepts=concepts if isinstance(concepts, int) else limit,
        seeds=seeds,
        arms=_joined(arms),
        models=_joined(models),
        judges=_joined(judges),
    )
    address = store or runs_of(folder)
    kept = RunStore(address)
    with ExitStack() as stack:
        crew = None
        if ray is not None:
            crew = stack.enter_context(crew_for(plan, folder, address, ray, workers, threads or 1))
        outcomes = carry_out_study(
            plan, folder, crew=crew, store=kept, threads=threads, retry=retry, on_progress=on_progress
        )
    return StudyResult(plan, conclude(plan, folder, outcomes, kept), outcomes, folder)


@checked
def open_study(folder: str | Path, *, store: str | None = None) -> StudyResult:
    """A study that is there, analysed again; nothing is rendered. Raises `TwinseedError`."""
    folder = Path(folder).expanduser()
    plan, kept = read_plan(folder), RunStore(store or runs_of(folder))
    outcomes = outcomes_so_far(plan, folder, kept)
    return StudyResult(plan, conclude(plan, folder, outcomes, kept), outcomes, folder)


def _joined(names: str | Sequence[str]) -> str:
    return names if isinstance(names, str) else ",".join(names)
