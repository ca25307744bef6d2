"""The blind description: a language model with eyes tells what it sees in both pictures, not knowing which is which."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Protocol, runtime_checkable

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

import templates
from compare.instruments.context import Context, Instrument
from compare.report.blocks import Block, Facts, Section, Text, Value, Words
from generate.files import encode_png
from generate.picture import Arm
from generate.settings import RenderSettings
from ideation import ExpanderError, PromptPair, TwinseedError, choose_expander
from ideation.expanders import Refusal, UnusableResponse, shortened
from ideation.files import Seed, StrictModel, complaint_of

#: Pictures are shown at a size that models are good at. Pixels of small ones are doubled and redoubled, never smoothed.
_SMALLEST, _LARGEST = 512, 1024

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "a": {"type": "string"},
        "b": {"type": "string"},
        "differences": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["a", "b", "differences"],
}
_MOST_CHARACTERS = 50_000
_Said = Annotated[str, StringConstraints(min_length=1, max_length=3000)]


class BlindOptions(StrictModel):
    """Who is shown the pictures: an expander by its name, and one of its models."""

    expander: str = "auto"
    llm_model: str | None = None


class BlindRecord(StrictModel):
    """What a language model with eyes said of the two pictures of a seed, not knowing which is which: it saw them as A
    and B. `first` is the arm that was A."""

    expander: str
    llm_model: str | None
    seed: Seed
    first: Arm
    simple: str
    expanded: str
    differences: tuple[str, ...]


class BlindError(TwinseedError):
    """No blind description could be had."""


@runtime_checkable
class Sighted(Protocol):
    """An expander whose model can be shown pictures."""

    @property
    def name(self) -> str: ...
    @property
    def llm_model(self) -> str | None: ...
    def ask(self, parts: Sequence[str | bytes], *, schema: dict[str, Any], spent_s: float) -> str: ...


class _Answer(BaseModel):
    """What a model is asked for. Extra keys are let pass: models like to add some."""

    model_config = ConfigDict(extra="ignore")

    a: _Said
    b: _Said
    differences: Annotated[tuple[_Said, ...], Field(max_length=30)]

    @field_validator("a", "b", mode="before")
    @classmethod
    def _one_line(cls, value: Any) -> Any:
        """Some answer with an object, a key for each thing that was asked about."""
        if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
            value = " ".join(value.values())
        return " ".join(value.split()) if isinstance(value, str) else value

    @field_validator("differences", mode="before")
    @classmethod
    def _lines(cls, value: Any) -> Any:
        listed = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return tuple(filter(None, (" ".join(item.split()) for item in value))) if listed else value


def describe_blind(context: Context, options: BlindOptions) -> BlindRecord:
    """Shows both pictures of the first seed, as A and B in an order drawn from the seed, without their metadata, to
    the model behind the expander, and asks what it sees.

    The pictures are sent to that model's server. An answer in the wrong form is asked for once more. Raises
    `BlindError`, for an expander without eyes as well.
    """
    seed = context.seeds[0]
    first: Arm = "simple" if random.Random(f"blind {seed}").random() < 0.5 else "expanded"
    second: Arm = "expanded" if first == "simple" else "simple"
    try:
        asked = _sighted(options, context.environ)
        answer = _ask(asked, wordless(context.pictures[first, seed]), wordless(context.pictures[second, seed]))
    except ExpanderError as error:
        hint: str = error.advice
        if isinstance(error, Refusal):
            hint = "another model may describe them: --llm-model NAME"
        # Without the cause, as the expanders do it: it may repeat the key.
        raise BlindError(
            "no blind description: {error}", hint="{advice}; or leave it out", error=error, advice=hint
        ) from None
    said = {first: answer.a, second: answer.b}
    return BlindRecord(
        expander=asked.name,
        llm_model=asked.llm_model,
        seed=seed,
        first=first,
        simple=said["simple"],
        expanded=said["expanded"],
        differences=answer.differences,
    )


def _sighted(options: BlindOptions, environ: Mapping[str, str]) -> Sighted:
    """Who is shown the pictures. Raises `BlindError` for an expander without eyes, `ExpanderError` for one without a
    key."""
    asked = choose_expander(options.expander, llm_model=options.llm_model, environ=environ)
    if not isinstance(asked, Sighted):
        raise BlindError(
            "the expander {name!r} cannot look at pictures",
            hint=(
                "set GEMINI_API_KEY, OPENAI_API_KEY or OPENAI_BASE_URL and name gemini or "
                "openai, with a model that can see"
            ),
            name=asked.name,
        )
    return asked


def _ask(expander: Sighted, a: bytes, b: bytes) -> _Answer:
    """The answer, mended once if need be. Raises `ExpanderError`."""
    began, problem = time.monotonic(), None
    for last in (False, True):
        told = templates.render("prompts/blind.txt.j2", problem=problem)
        text = expander.ask(
            [told, "Picture A:", a, "Picture B:", b], schema=_SCHEMA, spent_s=time.monotonic() - began if last else 0.0
        )
        try:
            return _read(text)
        except UnusableResponse as error:
            if last:
                raise
            problem = json.dumps(error.message)
    raise AssertionError("unreachable")


def _read(text: str) -> _Answer:
    """The last object in an answer that has the form. Raises `UnusableResponse`."""
    hint = "try again, or name a model that can see and follows instructions with --llm-model NAME"
    spoken = re.split(r"</(?:think|thinking|reasoning|thought)>", text[:_MOST_CHARACTERS])[-1]
    problem = ""
    for found in reversed(list(_objects(spoken))):
        try:
            return _Answer.model_validate(found)
        except ValidationError as error:
            problem = problem or f" ({complaint_of(error).lower()})"
    raise UnusableResponse(
        "the LLM's answer holds no description of A and B{problem}: {shortened}",
        hint="{advice}",
        problem=problem,
        shortened=shortened(spoken),
        advice=hint,
    )


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects in a text; one that has no "a" is looked into, as some models wrap their answer in another. So
    many braces are tried: a text of nothing else must not take minutes."""
    decoder = json.JSONDecoder(strict=False)
    position = text.find("{")
    for _ in range(200):
        if position < 0:
            return
        try:
            value, end = decoder.raw_decode(text, position)
        except (json.JSONDecodeError, RecursionError):
            end = position + 1
        else:
            yield value
            end = end if "a" in value else position + 1
        position = text.find("{", end)


def wordless(image: Image.Image) -> bytes:
    """The picture as a PNG without a word: its metadata would tell the prompt."""
    image = image.convert("RGB")
    longest = max(image.size)
    scale = -(-_SMALLEST // longest)
    if scale > 1:
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    elif longest > _LARGEST:
        image.thumbnail((_LARGEST, _LARGEST), Image.Resampling.LANCZOS)
    return encode_png(image, {})


def _section(blind: BlindRecord, said: dict[str, Any], t: dict[str, Any]) -> Section:
    """What somebody said of both pictures who did not know which is which."""
    name = t["prompts"]["expanders"].get(blind.expander, blind.expander)
    by = name if blind.llm_model is None else f"{name} {blind.llm_model}"
    blocks: list[Block] = [Words(blind.simple, said["simple"]), Words(blind.expanded, said["expanded"])]
    if blind.differences:
        blocks.append(Facts(((said["differences"], tuple(Value(one, "line") for one in blind.differences)),)))
    order = said["order"].format(arm=t["short_arm"][blind.first])
    blocks.append(Text(t["pause"].join((said["by"].format(name=by), order))))
    return Section("blind", said["title"], (said["about"].format(seed=blind.seed),), tuple(blocks))


def _steps(_: BlindOptions, __: PromptPair, ___: RenderSettings) -> int:
    return 0  # it looks at the pictures that are there


BLIND = Instrument(
    name="blind",
    question="a language model with eyes describes both pictures, not knowing which is which",
    options=BlindOptions,
    result=BlindRecord,
    measure=describe_blind,
    section=_section,
    steps=_steps,
    require=_sighted,
)
