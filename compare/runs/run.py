"""The run: a folder with the pictures of a pair, what was found out about them, and the record of it all."""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from compare.runs.record import RECORD_FILE, PictureFile, Record, RecordError, read_record
from generate.files import PictureError, mark_in, pair_of, pixels_sha256
from generate.picture import Arm
from ideation import Clause

REPORT_FILE = "report.html"

#: What Pillow raises for bytes that are no picture, or one that is too large to be taken for good faith.
_NO_PICTURE = (OSError, ValueError, SyntaxError, struct.error, Image.DecompressionBombError)


#: What a fault is about: a file that is not there; one that is not the record's, or no picture; the mark inside one, as
#: far as it tells that of another side, seed or model; or the certificate.
FaultKind = Literal["missing", "picture", "mark", "swapped", "seed", "settings", "certificate"]


@dataclass(frozen=True)
class Fault:
    """What does not hold of a run, in words; `file` is the one that it is about."""

    kind: FaultKind
    words: Clause
    file: str | None = None

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Run:
    """A run on the disk. Its files are read when they are asked for.

    >>> run = Run.open(Path("runs/20261123-101500-a-dog-3"))  # doctest: +SKIP
    >>> run.image("simple").size                              # doctest: +SKIP
    (256, 256)
    """

    folder: Path
    record: Record

    @classmethod
    def open(cls, folder: Path) -> Run:
        """The run in `folder`. Raises `RecordError`."""
        return cls(folder, read_record(folder / RECORD_FILE))

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def report(self) -> Path:
        """Where its report is, or will be."""
        return self.folder / REPORT_FILE

    def files(self) -> dict[str, bytes]:
        """The bytes of all its picture files, by name, just as the record says that they are.

        Raises `RecordError` for a picture that is missing, or that is another one than the record's or than it says
        itself: nothing is told of a run, and nothing made of it, before that has been seen.
        """
        self.require_whole()
        return {name: (self.folder / name).read_bytes() for name in self.record.files}

    def require_whole(self) -> None:
        """Raises `RecordError` as `files` does."""
        for fault in self.damage():
            raise RecordError(
                "{folder}: {fault}",
                hint="copy the run again from where it was made, or make it again",
                folder=self.folder,
                fault=fault.words,
            )

    def image(self, arm: Arm, seed: int | None = None) -> Image.Image:
        """One picture of the pair, RGB; of the first seed, unless another is named. Raises `RecordError`."""
        simple, expanded = self.record.pair(self.record.seeds[0] if seed is None else seed)
        try:
            content = self._content((simple if arm == "simple" else expanded).file)
            return Image.open(io.BytesIO(content)).convert("RGB")
        except (*_NO_PICTURE, RecordError) as error:
            raise RecordError(
                "a picture of {folder} cannot be read: {error}",
                hint="copy the run again from where it was made",
                folder=self.folder,
                error=error,
            ) from error

    def faults(self) -> Iterator[Fault]:
        """What does not hold of this run: its `damage`, and what its certificate says against it."""
        yield from self.damage()
        certificate = self.record.certificate
        if not certificate.same_seed:
            yield Fault("certificate", Clause("the two pictures of a seed did not begin with the same noise"))
        if certificate.offences:
            offences = ", ".join(certificate.offences)
            yield Fault(
                "certificate",
                Clause("more than the prompt differs between the pictures: {offences}", offences=offences),
            )

    def damage(self) -> Iterator[Fault]:
        """What has become of this run since it was made: its files against the hashes in its record, and its record
        against what the pictures say of themselves. Nothing is rendered again."""
        record = self.record
        for picture in record.renders:
            yield from self._file_faults(picture.file, picture.sha256, picture)
        if record.findings is not None:
            for name, sha256 in record.findings.sha256.items():
                yield from self._file_faults(name, sha256, None)
        for picture in record.renders:
            yield from self._mark_faults(picture)

    def _file_faults(self, name: str, sha256: str, picture: PictureFile | None) -> Iterator[Fault]:
        try:
            content = self._content(name)
        except RecordError as error:
            yield Fault("missing", error.message, name)
            return
        if hashlib.sha256(content).hexdigest() != sha256:
            others = Clause("the picture {path} is not the one that the record names: its bytes are others", path=name)
            yield Fault("picture", picture_fault(self.folder / name, name) or others, name)
        elif picture is not None:
            try:
                with Image.open(io.BytesIO(content)) as image:
                    size, pixels = image.size, pixels_sha256(image)
            except _NO_PICTURE:
                cut = Clause("the picture {path} cannot be read: it is cut off, or no picture", path=name)
                yield Fault("picture", cut, name)
                return
            if pixels != picture.pixels_sha256:
                said = Clause("the record's hash of the pixels of {name} is not that of the file", name=name)
                yield Fault("picture", said, name)
            elif size != (picture.width, picture.height):
                yield Fault("picture", Clause("the record's size of {name} is not that of the file", name=name), name)

    def _mark_faults(self, picture: PictureFile) -> Iterator[Fault]:
        record, file = self.record, picture.file
        try:
            mark = mark_in(self._content(file), file)
        except RecordError:
            return  # that it is missing has been said
        except PictureError as error:
            yield Fault("mark", error.message, file)
            return
        if mark is None:
            words = Clause("{name} does not say whose twin it is: its mark is missing", name=file)
            yield Fault("mark", words, file)
            return
        partner = next(one for one in record.pair(picture.seed) if one.arm != picture.arm)
        pair = pair_of(
            record.prompts, record.settings, picture.seed, record.certificate.model_digest, version=mark.version
        )
        sides: tuple[tuple[FaultKind, str, object, object], ...] = (
            ("mark", "pair", mark.pair, pair if mark.version > 1 else mark.pair),  # the first was made of other words
            ("swapped", "side", mark.arm, picture.arm),
            ("seed", "seed", mark.seed, picture.seed),
            ("mark", "partner", mark.partner_pixels_sha256, partner.pixels_sha256),
            ("settings", "model", mark.model_digest, record.certificate.model_digest),
        )
        for kind, what, said, recorded in sides:
            if said != recorded:
                words = Clause("{name} is of another {what} than the record says", name=file, what=what)
                yield Fault(kind, words, file)

    def _content(self, name: str) -> bytes:
        path = self.folder / name
        again = "copy the run again from where it was made"
        if path.is_symlink() or not os.path.isfile(path):
            raise RecordError("the picture {path} is missing", hint="{again}", path=name, again=again)
        try:
            return path.read_bytes()
        except OSError as error:
            raise RecordError(
                "the picture {path} cannot be read: {reason}",
                hint="{again}",
                path=name,
                reason=error.strerror,
                again=again,
            ) from error


def picture_fault(path: Path, called: str | None = None) -> Clause | None:
    """Why the picture in that file cannot be shown, if it cannot; the words call it by its path, unless said. What is
    in it is not held against any record."""
    name = called or path
    if path.is_symlink() or not os.path.isfile(path):
        return Clause("the picture {path} is missing", path=name)
    try:
        with Image.open(path) as image:
            image.load()
    except _NO_PICTURE:
        return Clause("the picture {path} cannot be read: it is cut off, or no picture", path=name)
    return None


def picture_file(arm: Arm, seed: int) -> str:
    """The name of a picture's file inside its run.

    >>> picture_file("simple", 7)
    'simple-7.png'
    """
    return f"{arm}-{seed}.png"


def picture_entry(arm: Arm, seed: int, seconds: float, content: bytes) -> PictureFile:
    """The record's entry for a picture whose file has the bytes `content`."""
    with Image.open(io.BytesIO(content)) as stored:  # what the file says, not what was meant to go into it
        pixels = stored.convert("RGB")
    return PictureFile(
        arm=arm,
        seed=seed,
        file=picture_file(arm, seed),
        sha256=hashlib.sha256(content).hexdigest(),
        pixels_sha256=pixels_sha256(pixels),
        width=pixels.width,
        height=pixels.height,
        seconds=round(float(seconds), 3),
    )


def hashes_of(files: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each file's bytes, by name."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
