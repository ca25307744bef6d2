"""The one base class of problems that a user can mend."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar

from templates import Language, wording


class TwinseedError(Exception):
    """What was wrong, with the values, and a hint that says what to do about it.

    Both are given in English, with the names of `values` in braces, as `str.format` fills them in; without values they
    are taken as they stand. The English is the key to other languages (`templates/locale/errors.*.yaml`): `message` and
    `hint` are for the command line, `told` is for the page and for reports. Only these turn an error into text;
    everything else raises it or lets it pass.

    >>> problem = TwinseedError("seed is {seed!r}", hint="give a whole number, as in --seed 7", seed="x")
    >>> problem.message, problem.hint
    ("seed is 'x'", 'give a whole number, as in --seed 7')
    >>> problem.key, problem.values
    ('seed is {seed!r}', {'seed': 'x'})
    """

    #: What every error of a class hints at besides.
    also: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str, **values: Any) -> None:
        self.key, self.hint_key, self.values = message, hint, values
        self.message = _filled(message, values)
        self.hint = "; ".join(filter(None, (_filled(hint, values), self.also)))
        super().__init__(self.message)

    def told(self, language: Language) -> tuple[str, str]:
        """Message and hint in that language, as far as there are words for it, and without advice for a shell."""
        values = {
            name: value.told(language)[0]
            if isinstance(value, TwinseedError)
            else wording(value, language)
            if isinstance(value, str)
            else value
            for name, value in self.values.items()
        }
        hints = [_filled(wording(one, language), values) for one in (self.hint_key, self.also) if one]
        return _filled(wording(self.key, language), values), "; ".join(filter(None, hints))


def _filled(text: str, values: dict[str, Any]) -> str:
    return text.format(**values) if values else text


def nearest(name: str, known: list[str]) -> str:
    """The end of a hint for a name that is not known: the closest known name, if any is close.

    >>> nearest("gemni", ["gemini", "openai"]), nearest("x", ["gemini", "openai"])
    ("did you mean 'gemini'?", 'known names: gemini, openai')
    """
    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return f"did you mean {folded[close[0]]!r}?" if close else f"known names: {', '.join(known)}"
