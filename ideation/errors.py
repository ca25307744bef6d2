"""The one base class of problems that a user can mend."""


class TwinseedError(Exception):
    """What was wrong, with the values, and a hint that says what to do about it.

    Only the command line and the page turn it into text; everything else raises it or lets it pass.
    """

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def nearest(name: str, known: list[str]) -> str:
    """The end of a hint for a name that is not known: the closest known name, if any is close.

    >>> nearest("gemni", ["gemini", "openai"]), nearest("x", ["gemini", "openai"])
    ("did you mean 'gemini'?", 'known names: gemini, openai')
    """
    import difflib

    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return f"did you mean {folded[close[0]]!r}?" if close else f"known names: {', '.join(known)}"
