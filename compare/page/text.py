"""Text on the page: what comes from somebody is shown as it is."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

#: What Markdown would take for a mark, wherever it stands.
_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:@&=])")
#: Where Streamlit makes links, icons, arrows and dashes of what stands together, escaped or not: it looks for them when
#: the marks are gone.
_TOGETHER = re.compile(r"(?<=:)(?=[A-Za-z/_])|(?<=@)(?=\w)|(?<=www)(?=\.)|(?<=[-<>=~])(?=[-<>=~])", re.IGNORECASE)
_APART = "\N{WORD JOINER}"  # takes no room, and no line is broken at it
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)


def model_title(name: str) -> str:
    """What a model is called in a sentence: the embedded one has a name, others that of their file.

    >>> model_title("seedling"), model_title("owner/name")
    ('Seedling', 'owner/name')
    """
    return "Seedling" if name == "seedling" else name


def moment(created: str, timezone: str | None) -> str:
    """A time of a record, ISO 8601 in UTC, as clocks in `timezone` have it; where that is not known, in UTC.

    >>> moment("2026-11-26T09:10:31+00:00", "Asia/Taipei"), moment("2026-11-26T09:10:31+00:00", None)
    ('2026-11-26 17:10', '2026-11-26 09:10 UTC')
    """
    try:
        there = datetime.fromisoformat(created).astimezone(ZoneInfo(timezone or ""))
    except (KeyError, ValueError, OSError):  # no such place, or a computer without their table
        return f"{created[:10]} {created[11:16]} UTC"
    return f"{there:%Y-%m-%d %H:%M}"


def plain(text: str) -> str:
    """Text that Streamlit takes for Markdown, so that it is shown as it is, line by line: a record may come from
    anybody.

    >>> plain("a *dog*")
    'a \\\\*dog\\\\*'
    """
    escaped = _MARKS.sub(r"\\\1", _TOGETHER.sub(_APART, "\n".join(text.splitlines())))
    indented = _INDENT.sub(lambda found: "\N{NO-BREAK SPACE}" * len(found[0]), escaped)
    return re.sub(r"\n(?=\n|\Z)", "\n\N{NO-BREAK SPACE}", indented).replace("\n", "\\\n")
