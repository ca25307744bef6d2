"""The bundle: one zip file that is handed in, with pictures, records and reports, and nothing that runs.

`bundle.json` says what is in it, and ties it to the records by their hashes. `bundle.schema.json` beside this file is
written from the models below by `make docs`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator
from pydantic_core import from_json

from compare.homework.archive import Archive, BundleError, name_fault, open_archive, refused, write_archive
from compare.runs import RECORD_FILE, REPORT_FILE, Record, RecordError, Run, text_without_folders, without_folders
from compare.runs.record import MAX_RECORD
from compare.view import Failure, Homework, homework_html, homework_pdf, render_report
from generate.files.picture_file import MAX_FILE as MAX_PICTURE
from ideation import Clause
from ideation.files import Count, FileName, Sha256, StrictModel, complaint_of
from templates import Language

BUNDLE_FILE = "bundle.json"
PDF_FILE = "report.pdf"
RUNS = "runs"
SCHEMA_FILE = Path(__file__).with_name("bundle.schema.json")
MAX_CONTENT = 1_000_000
#: Letters of a student's name, or of their number.
LONGEST_NAME = 80

_PICTURES = (".png", ".webp")
#: Characters that nobody sees: controls, formats, halves, ends of lines. Two that join letters belong to some scripts.
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
_JOINERS = "\u200c\u200d"
#: Bytes that a file of a bundle can have.
_MOST = {".json": MAX_RECORD, ".html": 128_000_000, ".pdf": 128_000_000, ".png": MAX_PICTURE, ".webp": MAX_PICTURE}


def words_fault(words: str) -> Clause | None:
    """Why these words, whoever wrote them, are no name that a page can show as it is; None where they are: one line,
    and nothing in it that turns round what stands beside it."""
    if words != words.strip().strip(_JOINERS) or not 1 <= len(words) <= LONGEST_NAME:
        return Clause("it must have 1 to {most} characters, none of them blank at its ends", most=LONGEST_NAME)
    if any(unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS for letter in words):
        return Clause("it has characters that nobody can see")
    return None


def _shown(words: str) -> str:
    if fault := words_fault(words):
        raise ValueError(fault)
    return words


ShownWords = Annotated[str, AfterValidator(_shown)]


class Student(StrictModel):
    """Who hands it in, as far as they say: at least a name or a number."""

    name: ShownWords | None = None
    number: ShownWords | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Student:
        if self.name is None and self.number is None:
            raise ValueError("a student has a name, or a number, or both")
        return self

    @property
    def line(self) -> str:
        """All that they say of themselves, on one line."""
        return " ".join(filter(None, (self.name, self.number)))


class BundledRun(StrictModel):
    """A run in the bundle, by its folder in `runs/` and the hash of its `record.json`, byte by byte."""

    run: FileName
    record_sha256: Sha256


class FailedConcept(StrictModel):
    """A concept of which nothing came, why, and the command that tries it again. `line` is that of the table."""

    concept: str
    reason: str
    command: str
    line: Count | None = None


class Bundle(StrictModel):
    """The whole of `bundle.json`. `report_sha256` is of the bytes of `report.html`, whose language is `language`.

    `shortened` are names in the records that were paths where the runs were made: their folders were left out."""

    version: Literal[1] = 1
    student: Student | None = None
    created: AwareDatetime
    twinseed: str
    language: Language
    runs: Annotated[tuple[BundledRun, ...], Field(min_length=1)]
    failed: tuple[FailedConcept, ...] = ()
    shortened: tuple[str, ...] = ()
    report_sha256: Sha256

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Bundle:
        if len({one.run for one in self.runs}) < len(self.runs):
            raise ValueError("a run is named twice")
        return self

    def to_json(self) -> str:
        """The text of `bundle.json`: UTF-8 as it is, two spaces of indentation, a newline at the end."""
        return self.model_dump_json(indent=2) + "\n"


@dataclass(frozen=True)
class OpenBundle:
    """A bundle that was unpacked into `folder`, for as long as `open_bundle` keeps it there."""

    path: Path
    content: Bundle
    folder: Path

    def runs(self) -> Iterator[tuple[BundledRun, Run | RecordError]]:
        """Its runs in their order; for one that cannot be read, why."""
        for one in self.content.runs:
            try:
                yield one, Run.open(self.folder / RUNS / one.run)
            except RecordError as error:
                yield one, error

    @property
    def report(self) -> str:
        """The text of its `report.html`: to be compared, never to be shown."""
        return (self.folder / REPORT_FILE).read_text(encoding="utf-8", errors="surrogateescape")

    def report_anew(self, observations: Mapping[str, str | None] | None = None) -> str:
        """What `report.html` says when it is written now; with other `observations` than the records', by run. Raises
        `RecordError` for a run that cannot be read, and what reading and drawing its pictures does."""
        records = dict[str, Record]()
        for one, run in self.runs():
            if isinstance(run, RecordError):
                raise run
            records[one.run] = run.record
        for name, words in (observations or {}).items():
            records[name] = records[name].model_copy(update={"observations": words})
        content = self.content
        homework = _homework(content.student, content.created, content.failed, records)
        pictures = _Pictures({name: self.folder / RUNS / name for name in records})
        return homework_html(homework, pictures, content.language)


def student_of(name: str | None, number: str | None) -> Student | None:
    """The student of that name and number; None where neither is given. Raises `BundleError`.

    >>> student_of("Lin Mei ", None)
    Student(name='Lin Mei', number=None)
    """
    given = [None if one is None else unicodedata.normalize("NFC", one).strip() or None for one in (name, number)]
    for place, words in enumerate(given):
        if words is not None and (fault := words_fault(words)):
            raise BundleError(
                "the number of the student cannot be used: {fault}"
                if place
                else "the name of the student cannot be used: {fault}",
                hint="give it as it stands in a list of the class",
                fault=fault,
            )
    return Student(name=given[0], number=given[1]) if any(given) else None


def require_place(path: Path) -> Path:
    """The file that a bundle is to be written to, as far as it can be told now: nothing else than a bundle is ever
    written over. Raises `BundleError`."""
    if path.exists() and not path.is_file():
        raise BundleError("{path} is not a plain file", hint="name one, such as homework.zip", path=path)
    if not path.absolute().parent.is_dir():
        raise BundleError("there is no folder {folder}", hint="make it first, or name another", folder=path.parent)
    if path.exists():
        try:
            with zipfile.ZipFile(path) as there:
                is_bundle = BUNDLE_FILE in there.namelist()
        except (OSError, ValueError, zipfile.BadZipFile):
            is_bundle = False
        if not is_bundle:
            raise BundleError(
                "{path} is there already, and is no bundle", hint="name another file, such as homework.zip", path=path
            )
    return path


def write_bundle(
    path: Path,
    runs: Sequence[Run],
    *,
    student: Student | None,
    language: Language,
    created: datetime,
    failed: Sequence[FailedConcept] = (),
    pdf: bool = False,
) -> Bundle:
    """Writes the bundle of these runs to `path`, whole or not at all. The same runs give the same bytes, but for times.

    Nothing of this machine goes in: where a record names a model by its path, the bundle's has the name alone, and
    `Bundle.shortened` says which. Raises `BundleError`, `RecordError` for a run whose pictures are not those of its
    record, and what setting a PDF raises.
    """
    if not runs:
        raise BundleError(
            "there is no pair to hand in", hint="see why none was made, mend that, and start the homework again"
        )
    names = [unicodedata.normalize("NFC", run.name) for run in runs]
    for run, name in zip(runs, names, strict=True):
        if names.count(name) > 1 or not _is_plain_name(name):
            raise BundleError(
                "the run {run} cannot be in a bundle under this name",
                hint="no two runs have one name, and no name begins with a dot; rename its folder",
                run=run.folder,
            )
    passed_on = {name: without_folders(run.record) for name, run in zip(names, runs, strict=True)}
    records = {name: record for name, (record, _) in passed_on.items()}
    cleaned = tuple(
        one.model_copy(
            update={"reason": text_without_folders(one.reason), "command": text_without_folders(one.command)}
        )
        for one in failed
    )
    homework = _homework(student, created, cleaned, records)
    for run in runs:
        run.require_whole()
    pictures = _Pictures({name: run.folder for name, run in zip(names, runs, strict=True)})
    report = homework_html(homework, pictures, language).encode()
    texts = {name: record.to_json().encode() for name, record in records.items()}
    bundle = Bundle(
        student=student,
        created=created,
        twinseed=importlib.metadata.version("twinseed"),
        language=language,
        runs=tuple(
            BundledRun(run=name, record_sha256=hashlib.sha256(text).hexdigest()) for name, text in texts.items()
        ),
        failed=cleaned,
        shortened=tuple(dict.fromkeys(name for _, shortened in passed_on.values() for name in shortened)),
        report_sha256=hashlib.sha256(report).hexdigest(),
    )
    front = {BUNDLE_FILE: bundle.to_json().encode(), REPORT_FILE: report}
    if pdf:
        front[PDF_FILE] = homework_pdf(homework, pictures, language)

    def content() -> Iterator[tuple[str, bytes]]:
        yield from sorted(front.items())
        for name in sorted(names):
            of_run = {file: pictures[f"{name}/{file}"] for file in records[name].files}
            own = render_report(records[name], of_run, records[name].request.language)
            of_run |= {RECORD_FILE: texts[name], REPORT_FILE: own.encode()}
            yield from ((f"{RUNS}/{name}/{file}", of_run[file]) for file in sorted(of_run))

    with write_archive(path, content(), stored=_PICTURES) as archive:
        _require_bundle(archive, path.name)  # what nobody could read is not handed in
    return bundle


def report_of_runs(
    runs: Sequence[Run], *, student: Student | None = None, language: Language, created: datetime
) -> str:
    """The report that a bundle of these runs would have, by itself. Raises `RecordError` for a run whose pictures are
    not those of its record."""
    for run in runs:
        run.require_whole()
    records = {run.name: run.record for run in runs}
    return homework_html(
        _homework(student, created, (), records), _Pictures({run.name: run.folder for run in runs}), language
    )


def _homework(
    student: Student | None, created: datetime, failed: Sequence[FailedConcept], records: Mapping[str, Record]
) -> Homework:
    by = () if student is None else tuple(one for one in (student.name, student.number) if one is not None)
    return Homework(records, created, by, tuple(Failure(one.concept, one.reason, one.command) for one in failed))


class _Pictures(Mapping[str, bytes]):
    """The pictures of runs, by "<run>/<file>": read when they are asked for, as all of them may be much."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self._folders = folders

    def __getitem__(self, name: str) -> bytes:
        run, _, file = name.partition("/")
        return (self._folders[run] / file).read_bytes()

    def __iter__(self) -> Iterator[str]:
        return (f"{run}/{path.name}" for run, folder in self._folders.items() for path in folder.iterdir())

    def __len__(self) -> int:
        return sum(1 for _ in self)


@contextmanager
def open_bundle(path: Path) -> Iterator[OpenBundle]:
    """The bundle in the file `path`, unpacked into a folder that is gone afterwards.

    Read strictly: whatever is not as `write_bundle` writes it is refused by name. A picture that is missing or changed
    is not: `Run.damage` tells. Raises `BundleError`.
    """
    with tempfile.TemporaryDirectory(prefix="twinseed-bundle-") as folder, open_archive(path) as file:
        try:
            bundle = _unpacked(path, Archive(file, path.name), Path(folder))
        except OSError as error:
            raise BundleError(
                "{path} cannot be unpacked: {reason}",
                hint="check whether there is room for it, and try again",
                path=path,
                reason=error.strerror or str(error),
            ) from error
        yield bundle


def _unpacked(path: Path, archive: Archive, folder: Path) -> OpenBundle:
    """The bundle, with its files in `folder`. Raises `BundleError` and `OSError`."""
    content = _require_bundle(archive, path.name)
    for entry in archive.entries.values():
        archive.unpack(entry, Path(folder, *entry.name.split("/")))
    bundle = OpenBundle(path, content, folder)
    for one, run in bundle.runs():
        if isinstance(run, Run):
            known = {RECORD_FILE, REPORT_FILE, *run.record.files}
            for name in sorted(file.name for file in run.folder.iterdir() if file.name not in known):
                stray = f"{RUNS}/{one.run}/{name}"
                raise refused(path.name, Clause("no record names {entry}, and still it is there", entry=stray))
    return bundle


def _require_bundle(archive: Archive, name: str) -> Bundle:
    """What the archive says of itself. Raises `BundleError` where it holds other files than a bundle does."""
    entries = archive.entries
    for file in (BUNDLE_FILE, REPORT_FILE):
        if file not in entries:
            raise refused(name, Clause("there is no {entry} in it", entry=file))
    content = _parsed(archive.read(entries[BUNDLE_FILE], MAX_CONTENT), name)
    named = {one.run for one in content.runs}
    for file, entry in entries.items():
        if not _belongs(file, named):
            raise refused(name, Clause("{name!r} is nothing that a bundle has", name=file))
        if entry.size > (most := _MOST[Path(file).suffix]):
            raise refused(name, Clause("{entry} has more than {most:,} bytes", entry=file, most=most))
    return content


def _is_plain_name(name: str) -> bool:
    """Whether a reader takes it for the name of a folder in a bundle."""
    return "/" not in name and name_fault(f"{RUNS}/{name}/{RECORD_FILE}") is None


def _belongs(name: str, runs: set[str]) -> bool:
    match name.split("/"):
        case [file]:
            return file in (BUNDLE_FILE, REPORT_FILE, PDF_FILE)
        case [top, run, file]:
            return top == RUNS and run in runs and (file in (RECORD_FILE, REPORT_FILE) or file.endswith(_PICTURES))
    return False


def _parsed(content: bytes, name: str) -> Bundle:
    try:
        found = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise refused(name, Clause("its {file} is not JSON: {error}", file=BUNDLE_FILE, error=error)) from error
    if not isinstance(found, dict) or found.get("version") != 1:
        raise refused(name, Clause("its {file} is not of version 1", file=BUNDLE_FILE))
    try:
        return Bundle.model_validate_json(content)
    except ValidationError as error:
        raise refused(
            name, Clause("its {file} is not valid: {complaint}", file=BUNDLE_FILE, complaint=complaint_of(error))
        ) from error


def write_schema() -> None:
    """Writes `bundle.schema.json` anew."""
    SCHEMA_FILE.write_text(schema_json(), encoding="utf-8")


def schema_json() -> str:
    """The JSON Schema (draft 2020-12) of `bundle.json`, as text."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(schema | Bundle.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
