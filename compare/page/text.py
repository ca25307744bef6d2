"""Text on the page: what comes from somebody is shown as it is."""

from __future__ import annotations

import re

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


def plain(text: str) -> str:
    """Text that Streamlit takes for Markdown, so that it is shown as it is, line by line: a record may come from
    anybody.

    >>> plain("a *dog*")
    'a \\\\*dog\\\\*'
    """
    escaped = _MARKS.sub(r"\\\1", _TOGETHER.sub(_APART, "\n".join(text.splitlines())))
    indented = _INDENT.sub(lambda found: "\N{NO-BREAK SPACE}" * len(found[0]), escaped)
    return re.sub(r"\n(?=\n|\Z)", "\n\N{NO-BREAK SPACE}", indented).replace("\n", "\\\n")
