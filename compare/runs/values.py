"""The kinds of values that a record is made of: checked strictly, because a record may come from anybody."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema


def _plain_file_name(name: str) -> str:
    """A record may come from somebody else's bundle: its files must not lead out of the run's folder."""
    if any(mark in name for mark in "/\\:\0") or name.startswith(".") or not name:
        raise ValueError(f"{name!r} is not the plain name of a file in the run's folder")
    return name


Seed = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,19}$")]  # a string: browsers lose digits past 2**53
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[
    str, AfterValidator(_plain_file_name), WithJsonSchema({"type": "string", "pattern": r"^[^./\\:\0][^/\\:\0]*$"})
]
Count = Annotated[int, Field(ge=0)]
Pixels = Annotated[int, Field(ge=1)]


class StrictModel(BaseModel):
    """Frozen, and nothing in it that is not named."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
