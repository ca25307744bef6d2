"""Foreign settings: what another program wrote into a picture, checked value by value, and what to expect of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import from_json

from generate.files.infotext import PictureError
from generate.files.parameters import PictureParameters


def _digits(value: object) -> object:
    return int(value) if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}", value) else value


def _within_64_bits(value: int) -> int:
    if value >= 2**64:
        raise ValueError("it should be less than 2**64")
    return value


def _decimal(value: object) -> object:
    number = r"[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?"
    return float(value) if isinstance(value, str) and re.fullmatch(number, value, re.IGNORECASE) else value


Whole = Annotated[int, BeforeValidator(_digits), Field(strict=True, ge=0), AfterValidator(_within_64_bits)]
Decimal = Annotated[float, BeforeValidator(_decimal), Field(strict=True, allow_inf_nan=False)]


class ForeignModel(BaseModel):
    """What another program wrote, as far as it is understood; the rest is kept to be named in `unread`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, protected_namespaces=())

    @property
    def unread(self) -> tuple[str, ...]:
        return tuple(self.model_extra or ())


Foreign = TypeVar("Foreign", bound=ForeignModel)


def checked(model: type[Foreign], values: Mapping[str, object], tool: str) -> Foreign:
    """The values as `model` has them. Raises `PictureError` naming the value that is not what it should be."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"]))
        raise PictureError(
            "the {tool} settings in the picture say {where} = {problem}: {removeprefix}",
            hint="they were changed or damaged; set the values by hand",
            tool=tool,
            where=where,
            problem=shown(problem["input"]),
            removeprefix=problem["msg"].removeprefix("Value error, "),
        ) from error


def json_object(text: str, tool: str) -> dict[str, JsonValue]:
    """The object whose JSON is `text`. Raises `PictureError`, also for what is nested without end."""
    try:
        found = from_json(text)
    except ValueError as error:
        raise PictureError(
            "the {tool} settings in the picture are not JSON: {error}",
            hint="they were changed or damaged; set the values by hand",
            tool=tool,
            error=error,
        ) from error
    if not isinstance(found, dict):
        raise PictureError(
            "the {tool} settings in the picture are not a JSON object, but {found}",
            hint="they were changed or damaged; set the values by hand",
            tool=tool,
            found=shown(found),
        )
    return found


def shown(value: object) -> str:
    """A value from outside as an error can show it: short, on one line, without control characters."""
    text = ascii(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def with_notes(parameters: PictureParameters, *notes: str) -> PictureParameters:
    """The parameters with the sentences that belong to a picture of another program, and `notes` after them."""
    tool, rng, sentences = parameters.tool, parameters.rng, []
    if rng is None:
        sentences.append(
            f"{tool} draws its noise on the graphics card unless RNG: CPU is written, which it is not: "
            "the same seed will not give the same picture here."
        )
    elif rng.upper() != "CPU":
        sentences.append(
            f"{tool} drew its noise with RNG: {rng}, Twinseed draws it on the CPU: "
            "the same seed will not give the same picture here."
        )
    else:
        sentences.append(
            f"{tool} begins with the same noise, but weighs prompts and spaces its steps in its own way: "
            "expect a similar picture, not the same."
        )
    if parameters.scheduler is None and parameters.foreign_scheduler is not None:
        sentences.append(f"Twinseed has no scheduler that is the same as {parameters.foreign_scheduler!r}.")
    return replace(parameters, notes=(*sentences, *notes))
