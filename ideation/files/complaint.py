"""Complaints: what pydantic has found wrong with a value that came from a file, in a line for people."""

from __future__ import annotations

from pydantic import ValidationError


def complaint_of(error: ValidationError, *, whole: str = "", most: int = 1) -> str:
    """The first `most` things that are wrong, each with its place, and how many more there are. `whole` is what the
    value itself is called.

    >>> from pydantic import TypeAdapter
    >>> try:
    ...     TypeAdapter(dict[str, tuple[int, int]]).validate_python({"size": (128, "wide")})
    ... except ValidationError as error:
    ...     complaint_of(error)
    'size.1: Input should be a valid integer, unable to parse string as an integer'
    """
    found = error.errors(include_url=False, include_input=False, include_context=False)
    places = [".".join(map(str, one["loc"])) or whole for one in found[:most]]
    said = [one["msg"].removeprefix("Value error, ") for one in found[:most]]
    told = "; ".join(f"{place}: {what}" if place else what for place, what in zip(places, said, strict=True))
    return told + (f"; and {len(found) - most} more" if len(found) > most > 1 else "")
