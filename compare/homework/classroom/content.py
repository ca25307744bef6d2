"""The class as one value: every hand-in, what was refused and how people voted. `class.json` is this."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints, ValidationError

from compare.instruments.scores import Kind
from ideation import Clause, TwinseedError, read_plain_file, told
from ideation.files import FileName, Positive, Seed, Sha256, StrictModel, complaint_of
from templates import LANGUAGES, Language

CLASS_FILE = "class.json"
MAX_CLASS = 64_000_000  # bytes: thirty students with five pairs have a third of a million

#: The beginning of the hash of a picture's pixels, which is its name in a class: equal pictures, equal names.
PictureId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
#: The beginning of the hash of the names of a pair's two pictures.
PairId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{8}$")]
VoterId = Annotated[str, StringConstraints(pattern="^[0-9a-f]{16}$")]
Choice = Literal["left", "right", "tie"]


def in_all_languages(words: Any) -> Any:
    """What a clause says, in every language: as text alone it could be told in English only. Text is looked for among
    the clauses that are known."""
    if not isinstance(words, str):
        return words
    said = words.told if isinstance(words, Clause) else lambda language: told(words, language)
    return {language: str(words) if language == "en" else said(language) for language in LANGUAGES}


#: What was found out about a hand-in, in every language that a class can be in.
Told = Annotated[dict[Language, str], BeforeValidator(in_all_languages)]


class ClassError(TwinseedError):
    """A class that cannot be put together, or a folder or ballot that is none of it."""


class SeedPair(StrictModel):
    """Both pictures of one seed. `clip` is how much better the expanded one fits the simple prompt, a difference of
    cosines; None where no CLIP has scored them."""

    seed: Seed
    simple: PictureId
    expanded: PictureId
    width: Positive
    height: Positive
    clip: float | None = None

    @property
    def id(self) -> PairId:
        """The pair's name, which says nothing of which picture is which.

        >>> a, b = "0" * 16, "1" * 16
        >>> one, other = (SeedPair(seed=7, simple=x, expanded=y, width=8, height=8) for x, y in ((a, b), (b, a)))
        >>> one.id == other.id
        True
        """
        return hashlib.sha256("".join(sorted((self.simple, self.expanded))).encode()).hexdigest()[:8]


class HandedPair(StrictModel):
    """One run that was handed in. `verdict` is its kind, `said` the verdict in words,
    `unlearnt` that it cannot tell as subject or action are words never learnt; `fair` is what its certificate says.
    `dropped` are the words of the expanded prompt that the model never read, `simple_dropped` those of the simple one;
    `faults` what does not hold of it, what was done before what comes of it."""

    run: FileName
    concept: str
    concept_language: str
    simple: str
    expanded: str
    dropped: tuple[str, ...]
    simple_dropped: tuple[str, ...] = ()
    styles: tuple[str, ...]
    model: str
    expander: str
    verdict: Kind | None
    unlearnt: bool = False
    said: dict[Language, str]
    fair: bool
    observations: str
    created: AwareDatetime
    seeds: Annotated[tuple[SeedPair, ...], Field(min_length=1)]
    faults: tuple[Told, ...] = ()
    notes: tuple[Told, ...] = ()

    @property
    def id(self) -> PairId:
        """Of its first seed, which stands for it in the ballot."""
        return self.seeds[0].id


class LostRun(StrictModel):
    """A run of a bundle, or a concept of a homework that was never drawn, and why there is nothing to show of it."""

    name: str
    why: Told


class HandIn(StrictModel):
    """One bundle. `file` is its name, or what stands for it where names are not shown; `faults` is what does not hold
    of the bundle as a whole."""

    file: str
    sha256: Sha256
    name: str | None
    number: str | None
    created: AwareDatetime
    pairs: tuple[HandedPair, ...]
    lost: tuple[LostRun, ...] = ()
    failed: tuple[LostRun, ...] = ()
    faults: tuple[Told, ...] = ()
    notes: tuple[Told, ...] = ()

    @property
    def student(self) -> str:
        """Who handed it in: the number or else the name, in the form that is the same for all hand-ins of one student;
        the file, where a bundle names nobody."""
        return "".join((self.number or self.name or self.file).split()).casefold()

    @property
    def label(self) -> str:
        """Whose it is, for people."""
        return " ".join(filter(None, (self.number, self.name))) or self.file

    @property
    def verified(self) -> bool:
        return not (self.faults or self.lost or any(pair.faults for pair in self.pairs))

    def all_faults(self) -> Iterator[tuple[str, Told]]:
        """All that does not hold: of which concept or run, "" for the hand-in as a whole, and what. The first fault of
        each pair comes before the second of any, and what is said of the whole, which follows from them, last."""
        yield from ((one.name, one.why) for one in self.lost)
        for turn in zip_longest(*([(pair.concept, fault) for fault in pair.faults] for pair in self.pairs)):
            yield from (one for one in turn if one is not None)
        yield from (("", fault) for fault in self.faults)


class Refused(StrictModel):
    """A file that is no bundle that can be opened without harm."""

    file: str
    why: Told
    hint: Told


class Answer(StrictModel):
    """What somebody chose of two pictures, and which of them stood on the left."""

    pair: PairId
    left: PictureId
    choice: Choice


class Vote(StrictModel):
    """One ballot that was handed in. `voter` is drawn by the page and the seed of which picture stands left."""

    voter: VoterId
    answers: tuple[Answer, ...]


class Class(StrictModel):
    """All of a class. `rendered`: all was rendered again to verify it. `written` has the hashes of the tables as they
    were written, so that one that somebody has worked in is not overwritten."""

    version: Literal[1] = 1
    title: str
    language: Language
    created: AwareDatetime
    twinseed: str
    anonymous: bool
    rendered: bool
    hand_ins: tuple[HandIn, ...]
    refused: tuple[Refused, ...] = ()
    votes: tuple[Vote, ...] = ()
    written: dict[FileName, Sha256] = Field(default_factory=dict)

    def pairs(self) -> Iterator[tuple[HandIn, HandedPair]]:
        for hand_in in self.hand_ins:
            yield from ((hand_in, pair) for pair in hand_in.pairs)

    def on_ballot(self) -> dict[PairId, tuple[HandIn, HandedPair]]:
        """The pairs that people vote on, by their names: those of which all holds, each once, whoever handed it in
        first, and none whose pictures are the same."""
        found: dict[PairId, tuple[HandIn, HandedPair]] = {}
        for hand_in, pair in self.pairs():
            if pair.fair and not pair.faults and pair.seeds[0].simple != pair.seeds[0].expanded:
                found.setdefault(pair.id, (hand_in, pair))
        return found

    def to_json(self) -> str:
        """The text of `class.json`."""
        return self.model_dump_json(indent=1) + "\n"


def read_class(folder: Path) -> Class:
    """The class in that folder. Raises `ClassError`."""
    path = folder / CLASS_FILE
    try:
        return Class.model_validate_json(read_plain_file(path, MAX_CLASS))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ClassError(
            "there is no class in {folder}",
            hint="name the folder that twinseed class has written with --out, or give the bundles as well",
            folder=folder,
        ) from error
    except OSError as error:
        raise ClassError(
            "cannot read {path}: {reason}", hint="check the name and who may read it", path=path, reason=error.strerror
        ) from error
    except ValidationError as error:
        raise ClassError(
            "{path} is not the file of a class: {complaint}",
            hint="it was changed by hand or by another program; write the class anew into another folder",
            path=path,
            complaint=complaint_of(error),
        ) from error
