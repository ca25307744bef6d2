"""Errors cross processes, as workers of a study raise them, and say the same there in every language."""

from __future__ import annotations

import pickle
import threading

from ideation import Clause, TwinseedError
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
