"""The kinds of values that are written to files and read back, checked strictly: a file may come from anybody.

Values are frozen dataclasses. `STRICT` as their `__pydantic_config__` has pydantic refuse what they do not name,
wherever a record holds them as they are; `StrictModel` is the same for what exists in files alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticSerializationError

MAX_SEED = 2**63 - 1

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@contextmanager
def interruptible() -> Iterator[None]:
    """Within it Ctrl-C stays what it is. It may arrive while pydantic writes a seed's digits, and pydantic makes an
    error of its own of whatever is raised there, as if the program had a fault.

    >>> from pydantic import TypeAdapter
    >>> with interruptible():
    ...     TypeAdapter(Seed).dump_json(7)
    b'"7"'
    """
    try:
        yield
    except PydanticSerializationError as error:
        if "KeyboardInterrupt:" in str(error):
            raise KeyboardInterrupt from error
        raise


class StrictModel(BaseModel):
    """Frozen, and nothing in it that is not named."""

    model_config = ConfigDict(frozen=True, **STRICT)

    def model_dump_json(self, **how: Any) -> str:
        """As JSON, as pydantic's own does it."""
        with interruptible():
            return super().model_dump_json(**how)


def _whole_number(seed: Any, info: ValidationInfo) -> Any:
    """A seed's digits as the number that they are. In a file nothing else is a seed: a number may have lost its last
    digits on the way. What else Python hands over is left for the type to refuse."""
    if isinstance(seed, str) and len(seed) <= 19 and seed.isascii() and seed.isdigit():
        return int(seed)
    if info.mode == "json":
        raise ValueError("a seed is written as a string of up to 19 digits")
    return seed


def _plain_file_name(name: str) -> str:
    """A record may come from somebody else's bundle: its files must not lead out of the run's folder."""
    if any(mark in name for mark in "/\\:\0") or name.startswith(".") or not name:
        raise ValueError(f"{name!r} is not the plain name of a file in the run's folder")
    return name


#: A whole number here and a string in files: browsers lose digits past 2**53.
Seed = Annotated[
    int,
    Field(ge=0, le=MAX_SEED),
    BeforeValidator(_whole_number),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,19}$"}),
]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[
    str, AfterValidator(_plain_file_name), WithJsonSchema({"type": "string", "pattern": r"^[^./\\:\0][^/\\:\0]*$"})
]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
