"""Errors cross processes, as workers of a study raise them, and say the same there in every language."""

from __future__ import annotations

import pickle
import threading

from ideation import Clause, TwinseedError
from ideation.errors import told
from ideation.expanders.errors import QuotaExceeded

WITH_QUOTA = QuotaExceeded(
    "{who} has answered {count:,} times today", hint="", retry_after_s=12.5, who="gemini", count=1200
)


def test_errors_and_clauses_cross_processes() -> None:
    inner = TwinseedError("steps is {steps}", hint="give more", steps=0)
    outer = TwinseedError(
        Clause("the preset {name!r}: {error}", name="soft", error=inner), hint=Clause("try {what}", what="another")
    )
    for error in (inner, outer, WITH_QUOTA):
        again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in the line itself
        assert type(again) is type(error)
        assert (str(again), again.message, again.hint, again.message.key) == (
            str(error),
            error.message,
            error.hint,
            error.message.key,
        )
        assert again.told("zh-TW") == error.told("zh-TW")
    assert pickle.loads(pickle.dumps(WITH_QUOTA)).retry_after_s == 12.5  # noqa: S301 - made in the line itself


def test_what_cannot_travel_stays_behind() -> None:
    error = TwinseedError("{who} holds on", hint="let go", who=threading.Lock())
    error.lock = threading.Lock()  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made in the line itself
    assert again.message == error.message
    assert not hasattr(again, "lock")


def test_words_of_a_record_that_no_clause_says_stay_as_they_are() -> None:
    """Whoever made a record up may have put anything there, as long and as deep as a file can be."""
    known = "Not said in both prompts any more: count: two dogs"
    for words, chinese in (
        ("&lt;b&gt; &#60;i&#62; `x`", "&lt;b&gt; &#60;i&#62; `x`"),
        (f"{known}; a; b.", "兩個提示詞不再都有：數量：two dogs; a; b。"),
        ("a; " * 5000, "a; " * 5000),
        ("subject: " * 2000, "subject: " * 2000),
    ):
        assert told(words, "zh-TW") == chinese
    assert told("subject: " * 300, "zh-TW").startswith("主題：")
