"""Sentences for people, in their language, and numbers as sentences have them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import templates
from templates import Language, own_yaml

LOCALE_FOLDER = Path(templates.__file__).parent / "locale"


@lru_cache
def sentences(language: Language) -> dict[str, Any]:
    """The table of sentences in `language`, by room.

    >>> sentences("en")["report"]["motto"]
    'One seed, two prompts'
    """
    content: dict[str, Any] = own_yaml(LOCALE_FOLDER / f"{language}.yaml")
    return content


@lru_cache
def glosses(language: Language) -> dict[str, str]:
    """English phrases that stand in prompts, in `language`; nothing in English.

    >>> glosses("zh-TW")["at noon"], glosses("en")
    ('中午', {})
    """
    file = LOCALE_FOLDER / f"glosses.{language}.yaml"
    content: dict[str, str] = own_yaml(file) if file.is_file() else {}
    return content


def points(cosine: float) -> str:
    """A cosine (or a difference of two) in hundredths, as the report prints it.

    >>> points(0.2749), points(-0.042), points(-0.0001)
    ('27.5', '\u22124.2', '0.0')
    """
    text = f"{100 * cosine:.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def signed_points(change: float) -> str:
    """A change of a cosine in hundredths, with its sign.

    >>> signed_points(0.2749), signed_points(-0.0313), signed_points(-0.0001)
    ('+27.5', '\u22123.1', '0.0')
    """
    text = points(change)
    return f"+{text}" if text[0].isdigit() and text != "0.0" else text


def times(ratio: float) -> str:
    """How many times as much, with as many digits as it bears.

    >>> times(2.125), times(31.4)
    ('2.1', '31')
    """
    return f"{ratio:.1f}" if ratio < 10 else f"{ratio:.0f}"
