"""A prompt with its words marked: added, removed, never seen by the text encoder, never learnt by the model; and what
the added ones mean, in the reader's language."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from compare.report import marks_in
from compare.report.blocks import Stretch
from compare.report.sentences import glosses
from templates import Language

_TAGS = {"added": "ins", "removed": "u", "unseen": "s"}


def marked_html(
    stretches: Sequence[Stretch],
    report: dict[str, Any],
    unknown: Sequence[str] = (),
    unknown_label: str = "",
    *,
    language: Language = "en",
) -> str:
    """The prompt as HTML, with a line below that says what its marks mean, but for unknown
    words without a label, and one that says in `language` what was added, as far as there are words for it. `report` is
    the report's table of sentences.

    >>> marked_html([Stretch("a gnu", "same")], {}, ["gnu"], "not learnt")
    '<p class="tw-prompt" dir="auto" lang="en">a <em class="tw-unknown">gnu</em></p><p class="tw-legend"><em \
class="tw-unknown">not learnt</em></p>'
    """
    told = [f"<{_TAGS[mark]}>{html.escape(report['legend'][mark])}</{_TAGS[mark]}>" for mark in marks_in(stretches)]
    if unknown and unknown_label:
        told.append(f'<em class="tw-unknown">{html.escape(unknown_label)}</em>')
    legend = f'<p class="tw-legend">{" · ".join(told)}</p>' if told else ""
    meanings = " · ".join(f"{phrase} {meaning}" for phrase, meaning in meanings_of_added(stretches, language).items())
    return (
        f'<p class="tw-prompt" dir="auto" lang="en">{"".join(_marked(one, unknown) for one in stretches)}</p>{legend}'
        + (f'<p class="tw-legend">{html.escape(meanings)}</p>' if meanings else "")
    )


def meanings_of_added(stretches: Sequence[Stretch], language: Language) -> dict[str, str]:
    """The phrases of a prompt that have something added in them and that there are words for in `language`, with these.

    >>> meanings_of_added([Stretch("a dog ", "same"), Stretch("in a city at noon, odd", "added")], "zh-TW")
    {'in a city': '在城市裡', 'at noon': '中午'}
    """
    known, text, added = glosses(language), "", list[tuple[int, int]]()
    for one in stretches:
        if one.mark == "added":
            added.append((len(text), len(text) + len(one.text)))
        text += one.text
    phrases = "|".join(re.escape(phrase) for phrase in sorted(known, key=len, reverse=True))
    found = re.finditer(rf"(?<!\w)(?:{phrases})(?!\w)", text, re.IGNORECASE) if known else ()
    return {
        one.group(): known[one.group().casefold()]
        for one in found
        if any(begins < one.end() and one.start() < ends for begins, ends in added)
    }


def _marked(part: Stretch, unknown: Sequence[str]) -> str:
    text = html.escape(part.text)
    if unknown:
        words = "|".join(re.escape(html.escape(word)) for word in sorted(unknown, key=len, reverse=True))
        text = re.sub(rf"(?<![\w&])({words})(?!\w)", r'<em class="tw-unknown">\1</em>', text, flags=re.IGNORECASE)
    tag = "s" if part.unseen else {"same": "", "added": "ins", "removed": "u"}[part.mark]
    return f"<{tag}>{text}</{tag}>" if tag else text
