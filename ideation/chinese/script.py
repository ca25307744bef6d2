"""Scripts: 繁體 and 简体 folded into one, so that a word is found however it is written."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from string import ascii_uppercase

from templates import own_yaml

_FILE = Path(__file__).parent / "words" / "script.yaml"


def fold(text: str) -> str:
    """The text in the one script that words are looked up in, Latin letters small; as many characters as before.

    >>> fold("騎單車") == fold("骑单车"), fold("臺灣") == fold("台湾"), fold("KTV")
    (True, True, 'ktv')
    """
    return text.translate(_folding())


@lru_cache(maxsize=1)
def _folding() -> dict[int, str]:
    pairs = own_yaml(_FILE)["pairs"].split()
    return {ord(pair[0]): pair[1] for pair in pairs} | {ord(letter): letter.lower() for letter in ascii_uppercase}


def is_han(character: str) -> bool:
    """Whether it is a Chinese character.

    >>> is_han("貓"), is_han("a"), is_han("，")
    (True, False, False)
    """
    return (
        "\u3400" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\U00020000" <= character <= "\U0003ffff"
    )
