"""`twinseed examine`: a closer look at a run that is there already."""

from __future__ import annotations

from commands.pairs.running import tell, watched
from commands.terminal.options import (
    AllowPickle,
    ExpanderName,
    LLMModel,
    LookOptions,
    Observations,
    OptionError,
    OutputOptions,
    RunName,
    bundled,
    run_of,
    spoken_language,
    text_in,
)


@bundled
def examine(
    run: RunName,
    look: LookOptions,
    output: OutputOptions,
    observations: Observations = None,
    expander: ExpanderName = "auto",
    llm_model: LLMModel = None,
    allow_pickle: AllowPickle = False,
) -> None:
    """Look closer at a run that is there already, or add what you see in it; writes its report again."""
    from compare.request import examination_of

    wanted, seen = (
        examination_of(look.clip, look.instruments or (), look.set_options or (), expander, llm_model),
        text_in(observations),
    )
    gallery, name = run_of(run, output.runs)
    language = spoken_language(output.language, gallery.open(name).record.concept.language)
    if not wanted.instruments and seen is None:
        raise OptionError(
            "nothing was asked for", hint="add --with ladder, or another instrument, or --observations FILE"
        )

    from compare.session import Session

    session = Session(gallery)
    tell(
        watched(
            lambda **how: session.examine(
                name,
                wanted if wanted.instruments else None,
                observations=seen,
                allow_pickle=allow_pickle,
                language=language,
                **how,
            )
        ),
        output,
    )
