"""Rewriting: a report is written anew from its record, and the one that is there must be the same.

What it says must be equal to the letter. Its pictures may be packed otherwise: smaller copies and maps are compressed
by libraries whose bytes differ from version to version.
"""

from __future__ import annotations

import base64
import binascii
import html
import io
import re
from collections.abc import Iterable

import numpy as np
from PIL import Image

from compare.homework.verification.redrawing import worst_square
from ideation import Clause

_PICTURE = re.compile(r"data:image/[a-z+]{1,16};base64,([A-Za-z0-9+/=]*)")
_LANGUAGE = re.compile(r'<html lang="([A-Za-z-]{2,8})"')
_VERSION = re.compile(r'<meta name="generator" content="Twinseed ?([\w.+-]{0,40})">')
_OBSERVATIONS = re.compile(
    r'<section class="finding(?:" id="| )observations">.*?<blockquote dir="auto">(.*?)</blockquote>', re.DOTALL
)
_CHAPTER = '<article class="chapter"'
_UNSEEN = re.compile(r"<(style|script)\b[^>]*>.*?</\1>|<[^>]*>", re.DOTALL)
#: How far a copy that was packed anew may be from the other: on average, and in its worst square, both of 1.
_REPACKED, _REPACKED_SQUARE = 0.02, 0.1
#: Words of either report around the place where they part.
_AROUND = 8


def language_of(report: str) -> str:
    """The language that a report says it is in; "" where it says none."""
    found = _LANGUAGE.search(report[:1000])
    return found[1] if found else ""


def version_of(report: str) -> str:
    """The version of Twinseed that says it wrote a report; "" where none does."""
    found = _VERSION.search(report[:4000])
    return found[1] if found else ""


def observations_in(report: str) -> str | None:
    """What the report of a run, or a chapter of one of many, has as somebody's observations."""
    found = _OBSERVATIONS.search(report)
    return html.unescape(found[1]) if found else None


def observations_by_chapter(report: str) -> list[str | None]:
    """The observations of each chapter of a report of many runs."""
    return [observations_in(chapter) for chapter in report.split(_CHAPTER)[1:]]


def words_of_report(report: str) -> list[str]:
    """All that a reader sees in words."""
    return html.unescape(_UNSEEN.sub(" ", report)).split()


def says(report: str, facts: Iterable[str]) -> str | None:
    """The first of the facts that the report does not say in so many words; None where it says all."""
    told = "".join(words_of_report(report))
    return next((fact for fact in facts if "".join(fact.split()) not in told), None)


def difference(given: str, written: str, originals: Iterable[bytes]) -> Clause | None:
    """How the report that is there differs from the one that was written anew; None where it says and shows the
    same. `originals` are the files of pictures, which stand in a report as they are or in a smaller copy."""
    if given == written:
        return None
    apart = _PICTURE.sub("picture", given), _PICTURE.sub("picture", written)
    if apart[0] == apart[1]:
        whole = {base64.b64encode(content).decode() for content in originals}
        shown = zip(_PICTURE.findall(given), _PICTURE.findall(written), strict=True)
        if all(one == other or (other not in whole and _alike(one, other)) for one, other in shown):
            return None
        return Clause("it shows another picture")
    words, anew = words_of_report(apart[0]), words_of_report(apart[1])
    if words == anew:
        return Clause("what nobody sees of it was changed: its markup, its style or its script")
    at = next((at for at, (one, two) in enumerate(zip(words, anew, strict=False)) if one != two), None)
    start = max(0, (min(len(words), len(anew)) if at is None else at) - _AROUND // 2)
    return Clause(
        "it says {given!r} where the record gives {written!r}",
        given=_cut(words[start:]),
        written=_cut(anew[start:]),
    )


def _cut(words: list[str]) -> str:
    return " ".join(words[:_AROUND])[:120]


def _alike(one: str, other: str) -> bool:
    """Whether two pictures in base64 show the same."""
    try:
        with _opened(one) as first, _opened(other) as second:
            if first.size != second.size or getattr(first, "n_frames", 1) != getattr(second, "n_frames", 1):
                return False
            values = [np.asarray(image.convert("RGB"), dtype=np.int16) for image in (first, second)]
    except (OSError, ValueError, SyntaxError, binascii.Error, Image.DecompressionBombError):
        return False
    apart = np.abs(values[0] - values[1])
    return bool(apart.mean() / 255 <= _REPACKED) and worst_square(apart) <= _REPACKED_SQUARE


def _opened(content: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(content, validate=True)))
