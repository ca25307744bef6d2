"""The blind ballot: one page with all pairs of a class, on which nobody sees which picture is which, and its answers.

The page does not know it either: it names pictures by the hash of their pixels. Which of them stands left is drawn from
the voter and the pair, by the same rule here and in the page (`templates/reports/class/ballot.js`), so that answers
whose sides are others than their seed's are found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ValidationError

from compare.homework.classroom.content import Answer, Choice, ClassError, PairId, PictureId, Vote, VoterId
from ideation import Clause, read_plain_file
from ideation.files import StrictModel, complaint_of

MAX_ANSWERS = 1_000_000  # bytes in a file of answers or codes

#: A code as the page shows it: voter, answers and a checksum. A pasted one may be broken into lines.
_CODE = re.compile(r"TWB1\.([0-9a-f]{16})\.((?:[0-9a-f]{8}[lrt])+)\.([0-9a-f]{8})\.")
_CHOICES: dict[str, Choice] = {"l": "left", "r": "right", "t": "tie"}


class BallotFile(StrictModel):
    """The file that the page hands to whoever has voted."""

    kind: Literal["twinseed ballot"]
    version: Literal[1]
    voter: VoterId
    saved: AwareDatetime
    answers: tuple[Answer, ...]


def left_of(voter: VoterId, pair: PairId, pictures: tuple[PictureId, PictureId]) -> PictureId:
    """Which of a pair's two pictures stands on the left for that voter.

    >>> pictures = ("0" * 16, "1" * 16)
    >>> sides = [left_of(f"{voter:016x}", "12345678", pictures) for voter in range(200)]
    >>> 80 < sides.count(pictures[0]) < 120
    True
    """
    return sorted(pictures)[drawn(f"{voter}{pair}side") & 1]


def drawn(text: str) -> int:
    """A number of 32 bits that hangs on every letter of an ASCII text: FNV-1a, stirred as murmur3 does at its end.

    >>> drawn("twinseed")
    65876032
    """
    value = 0x811C9DC5
    for letter in text.encode("ascii"):
        value = (value ^ letter) * 0x01000193 & 0xFFFFFFFF
    value = (value ^ value >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return value ^ value >> 16


def read_votes(file: Path, pictures: dict[PairId, tuple[PictureId, PictureId]]) -> Iterator[Vote | ClassError]:
    """The votes in a file of answers, or in a text with codes in it; in the place of one that cannot be counted why.

    `pictures` are the two of each pair on the ballot. Raises `ClassError` for a file with none.
    """
    try:
        content = read_plain_file(file, MAX_ANSWERS).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _no_ballot(file, Clause("it is not text")) from error
    except OSError as error:
        raise ClassError(
            "cannot read {file}: {reason}",
            hint="check the name and who may read it",
            file=file.name,
            reason=error.strerror,
        ) from error
    if content.lstrip().startswith("{"):
        try:
            found = BallotFile.model_validate_json(content)
        except ValidationError as error:
            raise _no_ballot(file, complaint_of(error)) from error
        votes: Iterable[Vote | ClassError] = [Vote(voter=found.voter, answers=found.answers)]
    else:
        votes = list(_from_codes(content, file, pictures))
    for vote in votes:
        yield vote if isinstance(vote, ClassError) else _counted(vote, file, pictures)


def _from_codes(
    text: str, file: Path, pictures: dict[PairId, tuple[PictureId, PictureId]]
) -> Iterator[Vote | ClassError]:
    """The codes in a text; white space, and the marks of quoted mail, may stand anywhere in them."""
    text = re.sub(r"[\s>]+", "", text)
    begun = text.count("TWB1.")
    if not begun:
        raise _no_ballot(file, Clause("there is no code in it"))
    whole = list(_CODE.finditer(text))
    if len(whole) < begun:
        yield ClassError(
            "{file}: codes that are cut off or changed: {count}",
            hint="a code goes from TWB1. to its last full stop; paste it whole",
            file=file.name,
            count=begun - len(whole),
        )
    for code in whole:
        voter, choices, check = code.groups()
        if f"{drawn(f'TWB1.{voter}.{choices}'):08x}" != check:
            yield ClassError(
                "{file}: the code of the voter {voter} is changed",
                hint="a code goes from TWB1. to its last full stop; paste it whole",
                file=file.name,
                voter=voter,
            )
            continue
        answers = []
        for pair, letter in re.findall(r"([0-9a-f]{8})([lrt])", choices):
            # A code leaves out what its seed says. Of a pair that is not there, nothing is said by either side.
            left = left_of(voter, pair, pictures[pair]) if pair in pictures else "0" * 16
            answers.append(Answer(pair=pair, left=left, choice=_CHOICES[letter]))
        yield Vote(voter=voter, answers=tuple(answers))


def _counted(vote: Vote, file: Path, pictures: dict[PairId, tuple[PictureId, PictureId]]) -> Vote | ClassError:
    """The vote with those answers that are about pairs of this ballot; why not, where there are none or where it
    contradicts itself."""
    answers = [answer for answer in vote.answers if answer.pair in pictures]
    if not answers:
        return ClassError(
            "{file}: none of its answers is about a pair of this class",
            hint="it is of another ballot, or its hand-ins are no longer there; count it with the class that it is of",
            file=file.name,
        )
    if len({answer.pair for answer in answers}) < len(answers):
        return ClassError(
            "{file}: one pair is answered twice",
            hint="it was changed by hand; ask its voter for the file again",
            file=file.name,
        )
    for answer in answers:
        if answer.left != left_of(vote.voter, answer.pair, pictures[answer.pair]):
            return ClassError(
                "{file}: its sides are not those that its seed draws",
                hint="it was changed by hand; ask its voter for the file again",
                file=file.name,
            )
    return Vote(voter=vote.voter, answers=tuple(answers))


def one_each(votes: Iterable[Vote]) -> tuple[list[Vote], list[VoterId]]:
    """One vote of each voter, the one with the most answers, and who has handed in more than one that differ.

    >>> answer = Answer(pair="12345678", left="0" * 16, choice="tie")
    >>> one, more = Vote(voter="1" * 16, answers=()), Vote(voter="1" * 16, answers=(answer,))
    >>> one_each([one, more, more]) == ([more], ["1" * 16])
    True
    """
    kept: dict[VoterId, Vote] = {}
    twice = []
    for vote in votes:
        before = kept.setdefault(vote.voter, vote)
        if set(before.answers) != set(vote.answers) and vote.voter not in twice:
            twice.append(vote.voter)
        if len(vote.answers) > len(before.answers):
            kept[vote.voter] = vote
    return list(kept.values()), twice


def ballot_json(pairs: Iterable[tuple[PairId, str, dict[PictureId, str]]]) -> str:
    """The data of the page: each pair with its concept and the addresses of its two pictures by their names, in an
    order that says nothing. What could end a script element is written out."""
    entries = [
        {"id": pair, "concept": concept, "pictures": dict(sorted(both.items()))} for pair, concept, both in pairs
    ]
    text = json.dumps(sorted(entries, key=lambda one: str(one["id"])), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _no_ballot(file: Path, complaint: str) -> ClassError:
    return ClassError(
        "{file} holds no answers to a ballot: {complaint}",
        hint="give the file that the ballot page saves, or a text with the codes that it shows",
        file=file.name,
        complaint=complaint,
    )
