"""The concepts of a study: drawn, or from a file, with the category that the file gives them.

Files are text of one concept a line, CSV, TSV (PartiPrompts'), JSON Lines (GenEval's) or Parquet (DiffusionDB's). A
line that is no concept is left out and counted; nothing is dropped without a word.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SerializerFunctionWrapHandler, ValidationError, model_serializer

from ideation import Clause, Concept, ConceptError, TwinseedError, WordLists, draw_many, read_plain_file, typed_concept
from ideation.files import Positive, StrictModel

#: Bytes: DiffusionDB's table of prompts has 200 MB.
MAX_FILE = 1_000_000_000

#: So many lines that are left out are listed; of more there is their number.
MOST_LISTED = 1000

#: DiffusionDB's columns, and from where on a row is left out: a prompt that is more likely indecent than not, a picture
#: that Stable Diffusion itself has blurred (2.0).
_INDECENT = {"prompt_nsfw": 0.5, "image_nsfw": 2.0}

_PROMPT_COLUMNS = ("concept", "prompt", "text", "caption", "構想", "提示詞")
_CATEGORY_COLUMNS = ("category", "tag", "type", "分類", "類別")
_TABLES = {".csv": ",", ".tsv": "\t"}


class ConceptFileError(TwinseedError):
    """A file of concepts that cannot be read, or holds none."""


class AskedObject(StrictModel):
    """A thing that is to be seen in a picture: in what colour, and exactly how often where `count` is set."""

    name: str
    colour: str | None = None
    count: Positive | None = None


class StudyConcept(StrictModel):
    """A concept of a study, the category that its file gives it, and the things in it that its file names (GenEval's
    does), for those who look for them."""

    concept: Concept
    category: str | None = None
    include: tuple[AskedObject, ...] = ()

    @model_serializer(mode="wrap")
    def _short(self, whole: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `include` where there is none: plans from before have none either, and their digests hold."""
        content: dict[str, Any] = whole(self)
        if not self.include:
            del content["include"]
        return content


@dataclass(frozen=True)
class ConceptSource:
    """Concepts, where they come from (`name`, and the SHA-256 of a file), and the lines of it that were left out, those
    beyond the first `MOST_LISTED` by their number."""

    concepts: tuple[StudyConcept, ...]
    name: str
    sha256: str | None = None
    left_out: tuple[tuple[int, str], ...] = ()
    left_out_more: int = 0


def drawn_concepts(words: WordLists, count: int, seed: int) -> ConceptSource:
    """The first `count` concepts of a draw from those word lists."""
    concepts = draw_many(words, seed=seed, start=0, count=count)
    return ConceptSource(
        tuple(StudyConcept(concept=one) for one in concepts), Clause("drawn with seed {seed}", seed=seed)
    )


def read_concepts(file: Path, limit: int | None, seed: int) -> ConceptSource:
    """The concepts of a file; `limit` of them, drawn at random with `seed`, where there are more: a file is often
    sorted by category. Raises `ConceptFileError`."""
    try:
        content = read_plain_file(file, MAX_FILE)
    except OSError as error:
        raise ConceptFileError(
            "{file} cannot be read: {reason}",
            hint="name a file of concepts: one a line, CSV, TSV, JSON Lines or Parquet",
            file=file,
            reason=error.strerror,
        ) from error
    found: dict[str, tuple[Concept, _Row]] = {}
    left_out: list[tuple[int, str]] = []
    more = 0
    for row in _rows(file, content):
        if not row.text.strip():
            continue
        concept, why = _judged(row, found)
        if concept is not None:
            found[concept.text] = concept, row
        elif len(left_out) < MOST_LISTED:
            left_out.append((row.number, why))
        else:
            more += 1
    concepts = list(found.values())
    if not concepts:
        raise ConceptFileError(
            "there is no concept in {file}", hint="write one a line, or name another file", file=file
        )
    name = file.name
    if limit is not None and limit < len(concepts):
        places = sorted(random.Random(seed).sample(range(len(concepts)), limit))
        name = Clause(
            "{limit} of the {count} concepts of {file}, drawn with seed {seed}",
            limit=limit,
            count=len(concepts),
            file=file.name,
            seed=seed,
        )
        concepts = [concepts[place] for place in places]
    chosen = tuple(
        StudyConcept(concept=concept, category=(row.category or "").strip() or None, include=row.include)
        for concept, row in concepts
    )
    return ConceptSource(chosen, name, hashlib.sha256(content).hexdigest(), tuple(left_out), more)


def _judged(row: _Row, found: Container[str]) -> tuple[Concept | None, str]:
    """The concept of a row, or why it is left out."""
    if row.indecent is not None:
        return None, Clause("{column} says that it is indecent", column=row.indecent)
    try:
        concept = typed_concept(row.text)
    except ConceptError as error:
        return None, str(error.message)
    return (None, "it stands there twice") if concept.text in found else (concept, "")


def given_concepts(texts: Sequence[str]) -> ConceptSource:
    """The concepts that somebody wrote in a list, all of them. Raises `ConceptError` for a text that is none, and
    `ConceptFileError` for one that stands there twice, or none at all."""
    concepts = [typed_concept(text) for text in texts]
    if not concepts:
        raise ConceptFileError("there is no concept in {file}", hint="write one or more", file=Clause("the list"))
    for place, one in enumerate(concepts):
        if one.text in {before.text for before in concepts[:place]}:
            raise ConceptFileError(
                "{concept!r} stands there twice",
                hint="name each concept once; seeds say how many pictures there are of it",
                concept=one.text[:60],
            )
    return ConceptSource(tuple(StudyConcept(concept=one) for one in concepts), "a list")


@dataclass(frozen=True)
class _Row:
    """A line or row of a file, counted from 1; `indecent` names the column that says so."""

    number: int
    text: str
    category: str | None = None
    include: tuple[AskedObject, ...] = ()
    indecent: str | None = None


def _rows(file: Path, content: bytes) -> Iterator[_Row]:
    kind = file.suffix.casefold()
    if kind == ".parquet":
        yield from _of_parquet(file, content)
        return
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConceptFileError(
            "{file} is not text in UTF-8", hint="save it as UTF-8, or name a .parquet file", file=file
        ) from error
    if kind in _TABLES:
        yield from _of_table(file, text, _TABLES[kind])
    elif kind in (".jsonl", ".ndjson", ".json"):
        yield from _of_json(file, text)
    else:
        for number, line in enumerate(text.splitlines(), 1):
            yield _Row(number, line)


def _of_table(file: Path, text: str, delimiter: str) -> Iterator[_Row]:
    # In a tab-separated file a quotation mark is one, as in PartiPrompts, unless a whole cell stands in a pair of them.
    lines = io.StringIO(text, newline="")
    tabs = delimiter == "\t"
    reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL)
    try:
        head = next(reader, [])
        prompt, category = _columns(file, head)
        for row in reader:
            cells = dict(zip(head, map(_unquoted, row) if tabs else row, strict=False))
            yield _Row(reader.line_num, cells.get(prompt, ""), cells.get(category) if category else None)
    except csv.Error as error:
        raise ConceptFileError(
            "{file} is no table: {error}", hint="save it again as CSV in UTF-8", file=file, error=error
        ) from error


def _unquoted(cell: str) -> str:
    inner = cell[1:-1].replace('""', "")
    return cell[1:-1].replace('""', '"') if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner else cell


def _of_json(file: Path, text: str) -> Iterator[_Row]:
    """Objects or texts, one a line, or one list of them."""
    try:
        if text.lstrip().startswith("["):
            entries = list(enumerate(json.loads(text), 1))
        else:
            entries = [(at, json.loads(line)) for at, line in enumerate(text.splitlines(), 1) if line.strip()]
    except (ValueError, RecursionError) as error:
        raise ConceptFileError(
            "{file} is not JSON: {error}", hint="write one object or text a line", file=file, error=error
        ) from error
    for number, entry in entries:
        if isinstance(entry, str):
            yield _Row(number, entry)
            continue
        if not isinstance(entry, Mapping):
            raise ConceptFileError(
                "line {number} of {file} is neither an object nor a text",
                hint="write one object or text a line",
                number=number,
                file=file,
            )
        prompt, category = _columns(file, list(entry))
        category_text = _text(entry[category]) if category else None
        yield _Row(number, _text(entry[prompt]), category_text, _include(file, number, entry))


def _include(file: Path, number: int, entry: Mapping[str, Any]) -> tuple[AskedObject, ...]:
    """The things that GenEval's `include` names. How often is exact where `exclude` names one more of the same; else
    one is enough, as in GenEval. Where they stand to each other is looked at by nobody here."""
    included, excluded = entry.get("include"), entry.get("exclude") or []
    if included is None:
        return ()
    try:
        exact = {one["class"]: one["count"] - 1 for one in excluded}
        return tuple(
            AskedObject(name=one["class"], colour=one.get("color"), count=exact.get(one["class"])) for one in included
        )
    except (TypeError, KeyError, AttributeError, ValidationError) as error:
        raise ConceptFileError(
            "line {number} of {file} names what is to be seen in another way than GenEval",
            hint="write include as a list of objects with class, and count or color; or leave it out",
            number=number,
            file=file,
        ) from error


def _of_parquet(file: Path, content: bytes) -> Iterator[_Row]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        opened = parquet.ParquetFile(pa.BufferReader(content))
        names = opened.schema_arrow.names
        prompt, category = _columns(file, names)
        flags = [name for name in _INDECENT if name in names]
        number = 0
        for batch in opened.iter_batches(columns=[*(name for name in (prompt, category) if name), *flags]):
            for row in batch.to_pylist():
                number += 1
                indecent = next((name for name in flags if (row[name] or 0) >= _INDECENT[name]), None)
                category_text = _text(row[category]) if category else None
                yield _Row(number, _text(row[prompt]), category_text, indecent=indecent)
    except (pa.ArrowException, OSError) as error:
        raise ConceptFileError(
            "{file} is no Parquet file: {error}", hint="download or save it again", file=file, error=error
        ) from error


def _columns(file: Path, names: list[str]) -> tuple[str, str | None]:
    """The column with the concepts, and the one with their categories if there is any."""
    folded = {name.strip().casefold(): name for name in reversed(names)}
    prompt = next((folded[name] for name in _PROMPT_COLUMNS if name in folded), None)
    if prompt is None:
        raise ConceptFileError(
            "{file} has no column of concepts; its columns are: {names}",
            hint="name the column one of: {known}",
            file=file,
            names=", ".join(names)[:200],
            known=", ".join(_PROMPT_COLUMNS),
        )
    return prompt, next((folded[name] for name in _CATEGORY_COLUMNS if name in folded), None)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
