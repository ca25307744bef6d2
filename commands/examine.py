"""`twinseed examine`: a closer look at a run that is there already."""

from __future__ import annotations

from typing import Any

from commands.options import (
    AllowPickle,
    AsJson,
    Clip,
    ExpanderName,
    Instruments,
    LLMModel,
    Observations,
    OpenReport,
    OptionError,
    ReportLanguage,
    RunName,
    Runs,
    instruments_of,
    run_of,
    spoken_language,
    text_in,
)
from commands.running import tell, watched


def examine(
    run: RunName,
    instruments: Instruments = None,
    clip: Clip = "auto",
    observations: Observations = None,
    expander: ExpanderName = "auto",
    llm_model: LLMModel = None,
    allow_pickle: AllowPickle = False,
    runs: Runs = None,
    language: ReportLanguage = None,
    open_report: OpenReport = False,
    as_json: AsJson = False,
) -> None:
    """Look closer at a run that is there already, or add what you see in it; its report is written again."""
    gallery, name = run_of(run, runs)
    wanted, seen = instruments_of(instruments), text_in(observations)
    spoken = spoken_language(language, gallery.open_record(name).concept.language)
    if not wanted and seen is None:
        raise OptionError(
            "nothing was asked for", hint="add --with ladder, or another instrument, or --observations FILE"
        )

    from compare.instruments.examination import Examination
    from compare.second_look import SecondLook, look_again

    examination = Examination(clip=clip, instruments=wanted, describer=expander, llm_model=llm_model)
    look = SecondLook(name, examination if wanted else None, seen, spoken.value, allow_pickle)

    def work(**how: Any) -> Any:
        return look_again(look, gallery, **how)

    tell(watched(work), as_json, open_report)
