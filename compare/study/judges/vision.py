"""A language model that sees: told nothing but the idea, how well does each picture show it?

Asked through the clients that write prompts too. Each picture is shown by itself, without its metadata, so there is no
first and second place to favour. The pictures are sent to that model's server.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

import templates
from compare.instruments.blind import Sighted, wordless
from compare.study.judges.protocol import Judged, JudgeError, Shown
from ideation import cache_folder, choose_expander
from ideation.expanders import UnusableResponse, shortened
from ideation.expanders.llm.json_text import objects_in

#: Points that a picture may get.
MOST_POINTS = 10
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"seen": {"type": "string"}, "points": {"type": "integer"}},
    "required": ["seen", "points"],
}
_MOST_CHARACTERS = 50_000


class VisionJudge:
    """A judge behind a server. Its answers are kept on this machine by what was asked, as expansions are, so that
    nothing is asked twice."""

    def __init__(
        self, name: str, expander: str, llm_model: str | None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self.name = name
        asked = choose_expander(expander, llm_model=llm_model, environ=environ)
        if not isinstance(asked, Sighted):
            raise JudgeError(
                "the expander {name!r} cannot look at pictures",
                hint="take gemini or openai, with a model that can see",
                name=asked.name,
            )
        self._asked = asked
        self._place = f"{name} {environ.get('OPENAI_BASE_URL', '') if expander == 'openai' else ''}"
        self._kept = cache_folder(environ) / "judged"

    def judge(self, shown: Shown) -> Judged:
        """The points of each picture as a share of all. Raises `ExpanderError`, with what was answered before kept."""
        run = shown.run
        idea = run.record.prompts.simple
        return {
            seed: {
                "intent": (
                    self._points(run.image("simple", seed), idea),
                    self._points(run.image("expanded", seed), idea),
                )
            }
            for seed in run.record.seeds
        }

    def _points(self, image: Image.Image, idea: str) -> float:
        picture = wordless(image)
        key = hashlib.sha256(b"\n".join((self._place.encode(), idea.encode(), picture))).hexdigest()
        file = self._kept / f"{key}.json"
        try:
            points = _checked(json.loads(file.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError):
            points = None
        if points is None:
            points = self._ask(picture, idea)
            self._keep(file, points)
        return points / MOST_POINTS

    def _ask(self, picture: bytes, idea: str) -> int:
        """The points, asked for twice if need be."""
        for last in (False, True):
            told = templates.render("prompts/judge.txt.j2", idea=json.dumps(idea, ensure_ascii=False), most=MOST_POINTS)
            text = self._asked.ask([told, picture], schema=_SCHEMA, spent_s=0.0)
            found, _ = objects_in(text[-_MOST_CHARACTERS:], lambda one: "points" in one)
            for one in reversed(found):
                if (points := _checked(one)) is not None:
                    return points
            if last:
                raise UnusableResponse(
                    "the LLM gave the picture no points: {shortened}",
                    hint="try again, or name a model that can see and follows instructions",
                    shortened=shortened(text),
                )
        raise AssertionError("unreachable")

    def _keep(self, file: Path, points: int) -> None:
        """Writes an answer whole or not at all; where that cannot be, it is asked for again another time."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".part", delete=False) as opened:
                json.dump({"points": points}, opened)
            os.replace(opened.name, file)
        except OSError:
            return


def _checked(answer: Any) -> int | None:
    """The points in an answer; None where there are none, or more than there can be."""
    points = answer.get("points") if isinstance(answer, dict) else None
    if isinstance(points, str) and points.strip().isascii() and points.strip().isdigit():
        points = int(points)
    if isinstance(points, float) and points.is_integer():
        points = int(points)
    whole = isinstance(points, int) and not isinstance(points, bool) and 0 <= points <= MOST_POINTS
    return points if whole else None
