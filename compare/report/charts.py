"""Charts of findings as SVG, drawn by Vega-Lite. They can be read in black and white and on a phone.

Every label is a text element above or beside its mark, so nothing has to be told apart by colour, and nothing depends
on the width of a font. Foreign texts (phrases, names of schedulers) are data of the chart and escaped by its writer.
"""

from __future__ import annotations

import json
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from compare.report.blocks import Chart

WIDTH = 340  # pixels: what a phone shows without making the text smaller
INK, SOFT, LINE, ACCENT, PAPER = "#23221f", "#6a675f", "#cfcabd", "#0f6b5c", "#fbfaf6"
MOST_LETTERS = 46  # of a label in a line of its own
_MOST_BARS = 24
FONT = "system-ui, Segoe UI, Helvetica, Arial, Noto Sans, Noto Sans CJK TC, PingFang TC, Microsoft JhengHei, sans-serif"

#: What texts are measured with: it comes along with vl-convert, so a chart is the same on every machine, and no other
#: font is looked for. A reader's own faces draw them.
_MEASURED = "Liberation Sans"

#: A specification of Vega-Lite, or a part of one.
Spec = dict[str, Any]

_FULL: Spec = {"stroke": ACCENT, "fill": ACCENT}
_DOT: Spec = {"shape": "circle", "size": 80, "opacity": 1}
_BESIDE: Spec = {"align": "left", "baseline": "middle", "color": INK, "fontSize": 12}
_AXIS: Spec = {
    "title": None,
    "tickCount": 5,
    "grid": False,
    "domainColor": LINE,
    "tickColor": LINE,
    "labelColor": SOFT,
}
_LINES: Spec = {"field": "place", "type": "ordinal", "axis": None, "sort": None}
_LABEL: Spec = {"field": "label", "type": "nominal"}
_NUMBER: Spec = {"field": "number", "type": "nominal"}
_LABELS: Spec = {
    "mark": {"type": "text", **_BESIDE, "dy": -8, "limit": WIDTH, "stroke": PAPER, "strokeWidth": 4},
    "encoding": {"x": {"value": 0}, "text": _LABEL},
}
_SVG = "http://www.w3.org/2000/svg"
_VARIABLES = {INK: "--ink", SOFT: "--soft", LINE: "--line", ACCENT: "--accent", PAPER: "--paper"}
_DASHES = ([1, 0], [6, 3], [2, 3], [9, 3, 2, 3], [12, 4], [1, 2])
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


@dataclass(frozen=True)
class Bar:
    """A length with its name and the text of its number; `strong` sets it apart."""

    label: str
    value: float
    number: str
    strong: bool = True


@dataclass(frozen=True)
class Dumbbell:
    """One measure of both arms: simple is drawn as an open ring, expanded as a full dot."""

    label: str
    simple: float
    expanded: float


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its interval."""

    label: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """A line through `points`, named at its end."""

    label: str
    points: tuple[tuple[float, float], ...]


def bar_chart(name: str, rows: Sequence[Bar], caption: str = "") -> Chart:
    """The block of a chart of bars, the first ones where there are too many."""
    shown = rows[:_MOST_BARS]
    return Chart(name, bars(shown), "; ".join(f"{row.label}: {row.number}" for row in shown), caption)


def bars(rows: Sequence[Bar]) -> str:
    """Horizontal bars from zero, their labels above and their numbers behind them."""
    most = max([row.value for row in rows], default=0) or 1
    x = {"field": "value", "type": "quantitative", "axis": None, "scale": {"domain": [0, most * 1.22]}}
    bar = mark("bar", height=9, yOffset=7) | encoding(
        x=x,
        fill={"condition": {"test": "datum.strong", "value": ACCENT}, "value": PAPER},
        stroke={"condition": {"test": "datum.strong", "value": ACCENT}, "value": SOFT},
    )
    number = mark("text", **_BESIDE, dx=7, dy=7) | encoding(x=x, text=_NUMBER)
    return finished(_of_rows(rows, bar, number, _LABELS))


def dumbbells(
    rows: Sequence[Dumbbell], simple: str, expanded: str, domain: tuple[float, float], chance: float | None = None
) -> str:
    """For each row a ring and a dot on one scale, with a key above; `chance` is a broken line across all rows."""
    scaled = {"type": "quantitative", "scale": {"domain": list(domain), "nice": False}, "axis": _AXIS}
    ring = {"stroke": INK, "fill": PAPER, "strokeWidth": 1.6}
    layers = [] if chance is None else [_standing(chance, scaled)]
    layers += [
        mark("rule", color=INK, strokeWidth=1.5, yOffset=8)
        | encoding(x={"field": "simple"} | scaled, x2={"field": "expanded"}),
        mark("point", **_DOT, **ring, yOffset=8) | encoding(x={"field": "simple"} | scaled),
        mark("point", **_DOT, **_FULL, yOffset=8) | encoding(x={"field": "expanded"} | scaled),
        _LABELS,
    ]
    keys = []
    at = 6
    for name, look in ((simple, ring), (expanded, _FULL)):
        keys += [
            mark("point", **_DOT, **look) | in_key(at) | data_of([{"label": name}]),
            mark("text", **_BESIDE) | in_key(at + 10, text=_LABEL) | data_of([{"label": name}]),
        ]
        at += 34 + 7 * width_of(name)
    return finished(keyed(keys, _of_rows(rows, *layers)))


def intervals(rows: Sequence[Interval], worse: str, better: str) -> str:
    """Means with their intervals against a zero line; `worse` and `better` name its two sides."""
    reach = max((abs(end) for row in rows for end in (row.low, row.high, row.mean)), default=0) * 1.12 or 1
    scaled = {"type": "quantitative", "scale": {"domain": [-reach, reach], "nice": False}, "axis": _AXIS}
    line = mark("rule", color=INK, strokeWidth=2, yOffset=8) | encoding(
        x={"field": "low"} | scaled, x2={"field": "high"}
    )
    dot = mark("point", **_DOT | {"size": 90}, stroke=ACCENT, fill=ACCENT, yOffset=8) | encoding(
        x={"field": "mean"} | scaled
    )
    middle, gap = WIDTH / 2, 9  # the scale reaches as far to both sides, so zero is there
    keys = [
        mark("text", **_BESIDE | {"align": side}, limit=middle - gap)
        | in_key(place, text=_LABEL)
        | data_of([{"label": label}])
        for side, place, label in (("right", middle - gap, f"← {worse}"), ("left", middle + gap, f"{better} →"))
    ]
    return finished(keyed(keys, _of_rows(rows, _standing(0, scaled), line, dot, _LABELS)))


def curves(rows: Sequence[Curve], x_title: str, y_title: str) -> str:
    """Lines from zero up, told apart by their dash and by the shape of their points; a key above them has both."""
    places = list(range(len(rows)))
    by_place = {"field": "place", "type": "ordinal", "legend": None}
    dash = by_place | {"scale": {"domain": places, "range": [_DASHES[at % len(_DASHES)] for at in places]}}
    shape = by_place | {"scale": {"domain": places, "range": [_SHAPES[at % len(_SHAPES)] for at in places]}}
    dots = mark("point", size=55, stroke=INK, fill=PAPER, strokeWidth=1.5, opacity=1)
    line = {"color": INK, "strokeWidth": 1.6}
    across = {"type": "quantitative", "axis": None, "scale": {"domain": [0, WIDTH - 60], "nice": False}}
    names = [{"place": place, "label": label_of(row.label, 40), "from": 0, "to": 36} for place, row in enumerate(rows)]
    keys = data_of(names) | {
        "layer": [
            mark("rule", **line)
            | encoding(x={"field": "from"} | across, x2={"field": "to"}, strokeDash=dash, y=_LINES),
            dots | encoding(x={"value": 18}, shape=shape, y=_LINES),
            mark("text", **_BESIDE, limit=WIDTH - 108) | encoding(x={"value": 46}, text=_LABEL, y=_LINES),
        ],
        "width": WIDTH - 60,
        "height": 20 * len(rows),
    }
    values = [{"x": x, "y": y, "place": place} for place, row in enumerate(rows) for x, y in row.points]
    look = {"grid": False, "domainColor": LINE, "tickColor": LINE, "labelColor": SOFT, "titleColor": SOFT}
    ticks = {"values": sorted({value["x"] for value in values}), "format": "d", "labelOverlap": True} | look
    on_axes = {
        "x": {"field": "x", "type": "quantitative", "title": x_title, "axis": ticks},
        "y": {
            "field": "y",
            "type": "quantitative",
            "title": y_title,
            "scale": {"zero": True},
            "axis": {"tickCount": 5} | look,
        },
    }
    lines = data_of(values) | {
        "layer": [
            mark("line", **line) | encoding(**on_axes, strokeDash=dash),
            dots | encoding(**on_axes, shape=shape),
        ],
        "width": WIDTH - 60,
        "height": 190,
    }
    return finished({"vconcat": [keys, lines], "spacing": 14})


def inline(svg: str, alt: str) -> str:
    """`svg` for the inside of an HTML page: its colours are the page's variables, and it is one picture for readers."""
    root = ET.fromstring(svg)  # noqa: S314 - written by `_svg` a moment ago
    root.attrib = {"class": "plot", "viewBox": root.attrib["viewBox"], "role": "img", "aria-label": alt}
    for element in root.iter():
        for name in ("font-family", "paint-order"):  # the page's style has both
            element.attrib.pop(name, None)
        for name in ("fill", "stroke"):
            if (colour := element.get(name)) in _VARIABLES:
                element.set(name, f"var({_VARIABLES[colour]})")
    backdrop = root.find(f"{{{_SVG}}}rect")
    if backdrop is not None:
        root.remove(backdrop)
    ET.register_namespace("", _SVG)
    # HTML's parser wants no self-closing tags outside of SVG, and takes any inside: long forms are safe in both.
    return ET.tostring(root, encoding="unicode", short_empty_elements=False)


def mark(kind: str, **look: Any) -> Spec:
    return {"mark": {"type": kind} | look}


def encoding(**channels: Spec) -> Spec:
    return {"encoding": channels}


def in_key(x: float, **channels: Spec) -> Spec:
    """In the middle of a key's line, so many pixels from its left end."""
    return encoding(x={"value": x}, y={"value": 8}, **channels)


def data_of(values: Sequence[Spec]) -> Spec:
    return {"data": {"values": values}}


def _standing(value: float, scaled: Spec) -> Spec:
    """A line that stands at `value` behind the marks of every row, and not behind their labels."""
    tick = mark("tick", color=SOFT, thickness=1, size=15, yOffset=8) | encoding(x={"field": "at"} | scaled)
    return tick | {"transform": [{"calculate": str(value), "as": "at"}]}


def _of_rows(rows: Sequence[Bar | Dumbbell | Interval], *layers: Spec) -> Spec:
    """The layers, each with a line for every row. The place keeps two rows with the same label apart."""
    values = [asdict(row) | {"label": label_of(row.label), "place": place} for place, row in enumerate(rows)]
    placed = [layer | encoding(**layer["encoding"], y=_LINES) for layer in layers]
    return data_of(values) | {"layer": placed, "width": WIDTH, "height": 40 * len(rows)}


def keyed(keys: list[Spec], chart: Spec) -> Spec:
    """The chart with a line above that says how to read it."""
    return {"vconcat": [{"layer": keys, "width": WIDTH, "height": 16}, chart], "spacing": 10}


def label_of(text: str, most: int = MOST_LETTERS) -> str:
    """`text` on one line, without what XML cannot hold, and cut to `most` letters (wide ones count twice)."""
    return shortened(
        " ".join("".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Cn") else c for c in text).split()), most
    )


def shortened(plain: str, most: int) -> str:
    """`plain`, cut to `most` letters (wide ones count twice)."""
    length = 0
    for at, letter in enumerate(plain):
        length += width_of(letter)
        if length > most:
            return plain[: max(at - 1, 0)].rstrip() + "…"
    return plain


def width_of(text: str) -> int:
    """How many narrow letters `text` is about as wide as."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def finished(chart: Spec) -> str:
    """The chart as SVG, in our colours and faces."""
    config = {
        "font": _MEASURED,
        "background": PAPER,
        "padding": 4,
        "view": {"stroke": None},
        "axis": {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal"},
    }
    return _drawn(json.dumps(chart | {"config": config}))


@lru_cache(maxsize=64)
def _drawn(spec: str) -> str:
    """The SVG of a chart. Kept, because one takes a moment and a report is often written again with the same charts."""
    import vl_convert

    root = ET.fromstring(vl_convert.vegalite_to_svg(spec))  # noqa: S314 - from our own data
    for element in root.iter():
        # Vega describes every mark to screen readers in English; the report has one text for the whole chart.
        for name in [name for name in element.attrib if name == "role" or name.startswith("aria-")]:
            del element.attrib[name]
        if element.get("font-family") == _MEASURED:
            element.set("font-family", FONT)
        if element.tag == f"{{{_SVG}}}text" and element.get("stroke"):  # a halo, so that a line can pass behind
            element.set("paint-order", "stroke")
    ET.register_namespace("", _SVG)
    return ET.tostring(root, encoding="unicode")
