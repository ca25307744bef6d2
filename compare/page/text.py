"""Text on the page: what comes from somebody is shown as it is."""

from __future__ import annotations

import re


def plain(text: str) -> str:
    """Text that Streamlit takes for Markdown, so that it is shown as it is: a record may come from anybody."""
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|~$:@&])", r"\\\1", text)
