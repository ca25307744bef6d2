"""The kinds of judges, and how each is named.

A folder or hub id is a model that says how well a picture fits a text: a CLIP, and what has its architecture, as
PickScore; a SigLIP; a BLIP that matches pictures with texts. A file, or owner/name/file of the hub, is one in its
makers' own form, as HPSv2 or ImageReward. The others have a word in front: `detector:FOLDER_OR_ID`, `vision:gemini`,
`vision:openai:MODEL`, `votes`, `votes:FILE_OR_FOLDER`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from compare.study.judges.protocol import Judge, JudgeError

if TYPE_CHECKING:
    from compare.study.judges.votes import Votes

#: What the kinds with a word in front look at. All others hold a picture against both prompts.
_MEASURES = {
    "detector": ("objects", "count", "colour"),
    "vision": ("intent",),
    "votes": ("preferred",),
}
_FIT = ("intent", "gain")


def measures_of(name: str) -> tuple[str, ...]:
    """What the judge of that name looks at, whether it is there or not."""
    return _MEASURES.get(_kind(name), _FIT)


def looks_at_runs(name: str) -> bool:
    """Whether the judge looks at a run once, when it was rendered. People vote whenever they like: their votes are
    counted anew whenever a study is analysed."""
    return _kind(name) != "votes"


def require_judges(names: Sequence[str]) -> None:
    """Raises `JudgeError` where a name can be none: what is behind it is looked for when it is opened."""
    for name in names:
        kind, rest = _kind(name), name.partition(":")[2]
        if kind == "vision" and rest.partition(":")[0] not in ("gemini", "openai"):
            raise JudgeError(
                "the judge {name} is no language model that sees",
                hint="name it vision:gemini, vision:openai, or one of their models behind another colon",
                name=name,
            )
        if kind == "detector" and not rest:
            raise JudgeError(
                "no detector was named",
                hint="name a folder or hub id behind the colon, as in detector:google/owlv2-base-patch16-ensemble",
            )
        if kind == "detector" or not kind:
            from compare.study.judges.files import require_named
            from generate.families import FAMILIES

            if kind or name not in FAMILIES:
                require_named(rest if kind else name)


def open_judge(name: str, environ: Mapping[str, str] = os.environ, *, allow_pickle: bool = False) -> Judge:
    """Opens a judge that looks at runs; keys of servers come from `environ`. Raises `JudgeError`, and `ModelError` for
    a CLIP that is none, and for a pickle that is not allowed."""
    kind, rest = _kind(name), name.partition(":")[2]
    if kind == "detector":
        from compare.study.judges.detector import open_detector

        return open_detector(name, rest)
    if kind == "vision":
        from compare.study.judges.vision import VisionJudge

        expander, _, llm_model = rest.partition(":")
        return VisionJudge(name, expander, llm_model or None, environ)
    from compare.study.judges.fit import open_fit

    return open_fit(name, allow_pickle=allow_pickle)


def open_votes(names: Sequence[str]) -> tuple[Votes, ...]:
    """Those who count people's votes, of all judges that were named. Raises `JudgeError` for ballots that are none."""
    from compare.study.judges.votes import Votes

    return tuple(Votes(name, name.partition(":")[2]) for name in names if not looks_at_runs(name))


def _kind(name: str) -> str:
    """The word in front of a colon; "" for a model's folder or hub id."""
    word = name.partition(":")[0]
    return word if word in _MEASURES else ""
