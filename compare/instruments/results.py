"""Findings: what the instruments found out about a run, as `record.json` keeps it under `findings`.

Every instrument of the table has one key here and may be missing. Seeds are strings in files, files are plain names
inside the run's folder, cosines and distances are numbers without unit. Text for people is made from these numbers in
the report, in the reader's language; none is kept here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Field, create_model

from compare.instruments.context import Instrument, ResultT
from compare.instruments.distance import BY_SEED, DistanceRecord
from compare.instruments.scores.phrase_audit import PhraseRecord
from compare.instruments.scores.score_card import CardRecord, ClipRecord
from compare.instruments.scores.verdict import VerdictRecord
from compare.instruments.table import INSTRUMENTS
from ideation.files import FileName, Seed, Sha256, StrictModel


class _Scores(StrictModel):
    """What every pair has, whatever instruments were asked for."""

    clip: ClipRecord | None = None
    distances: Annotated[dict[Seed, DistanceRecord], Field(default_factory=dict, json_schema_extra=BY_SEED)]
    cards: Annotated[dict[Seed, CardRecord], Field(default_factory=dict, json_schema_extra=BY_SEED)]
    phrases: tuple[PhraseRecord, ...] = ()
    verdict: VerdictRecord | None = None
    notes: tuple[str, ...] = ()
    sha256: Annotated[dict[FileName, Sha256], Field(default_factory=dict)]


_FIELDS: dict[str, Any] = {one.name: (one.result | None, None) for one in INSTRUMENTS.values()}
_Results: Any = create_model("_Results", __base__=_Scores, **_FIELDS)


class Findings(_Results, _Scores):
    """All that the instruments found; what was not asked for is None or empty."""

    def result(self, instrument: Instrument[Any, ResultT]) -> ResultT | None:
        """What the instrument found, or None where it was not asked, or had nothing to measure."""
        found: ResultT | None = getattr(self, instrument.name)
        return found

    @property
    def results(self) -> dict[str, StrictModel]:
        """What was found, by the instruments' names, in the table's order."""
        return {name: found for name, one in INSTRUMENTS.items() if (found := self.result(one)) is not None}

    @property
    def files(self) -> tuple[str, ...]:
        """The names of all pictures that the findings brought, each once, in the order of the instruments."""
        return tuple(dict.fromkeys(file for found in self.results.values() for file in _files(found, type(found))))


def _files(value: Any, kind: Any) -> Iterator[str]:
    """Every `FileName` inside a value of this annotation, in order."""
    if kind == FileName:
        yield value
    elif isinstance(value, BaseModel):
        for name, annotation in _annotations(type(value)).items():
            yield from _files(getattr(value, name), annotation)
    elif get_origin(kind) is Annotated:
        yield from _files(value, get_args(kind)[0])
    elif isinstance(value, str):
        yield from (value for part in get_args(kind) if part == FileName)  # it may be missing: FileName | None
    elif isinstance(value, Mapping):
        for entry in value.values():
            yield from _files(entry, get_args(kind)[1])
    elif isinstance(value, tuple):
        for entry in value:
            yield from _files(entry, get_args(kind)[0])


@lru_cache
def _annotations(model: type[BaseModel]) -> dict[str, Any]:
    """The fields of a model with their annotations as they are written."""
    hints = get_type_hints(model, include_extras=True)
    return {name: hints[name] for name in model.model_fields}
