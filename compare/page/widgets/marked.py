"""A prompt with its words marked: added, removed, never seen by the text encoder, never learnt by the model."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from compare.report import marks_in
from compare.report.blocks import Stretch

_TAGS = {"added": "ins", "removed": "u", "unseen": "s"}


def marked_html(
    stretches: Sequence[Stretch], report: dict[str, Any], unknown: Sequence[str] = (), unknown_label: str = ""
) -> str:
    """The prompt as HTML, with a line below that says what its marks mean, but for unknown
    words without a label. `report` is the report's table of sentences.

    >>> marked_html([Stretch("a gnu", "same")], {}, ["gnu"], "not learnt")
    '<p class="tw-prompt" dir="auto" lang="en">a <em class="tw-unknown">gnu</em></p><p class="tw-legend"><em \
class="tw-unknown">not learnt</em></p>'
    """
    told = [f"<{_TAGS[mark]}>{html.escape(report['legend'][mark])}</{_TAGS[mark]}>" for mark in marks_in(stretches)]
    if unknown and unknown_label:
        told.append(f'<em class="tw-unknown">{html.escape(unknown_label)}</em>')
    legend = f'<p class="tw-legend">{" · ".join(told)}</p>' if told else ""
    return (
        f'<p class="tw-prompt" dir="auto" lang="en">{"".join(_marked(one, unknown) for one in stretches)}</p>{legend}'
    )


def _marked(part: Stretch, unknown: Sequence[str]) -> str:
    text = html.escape(part.text)
    if unknown:
        words = "|".join(re.escape(html.escape(word)) for word in sorted(unknown, key=len, reverse=True))
        text = re.sub(rf"(?<![\w&])({words})(?!\w)", r'<em class="tw-unknown">\1</em>', text, flags=re.IGNORECASE)
    tag = "s" if part.unseen else {"same": "", "added": "ins", "removed": "u"}[part.mark]
    return f"<{tag}>{text}</{tag}>" if tag else text
