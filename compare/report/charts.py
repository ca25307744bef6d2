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

_FULL: dict[str, Any] = {"stroke": ACCENT, "fill": ACCENT}
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
    import altair as alt

    data = _rows(rows)
    most = max([row.value for row in rows], default=0) or 1
    x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.22]))
    base = alt.Chart(data).encode(y=_lines())
    bar = base.mark_bar(height=9, yOffset=7).encode(
        x=x,
        fill=alt.condition("datum.strong", alt.value(ACCENT), alt.value(PAPER)),
        stroke=alt.condition("datum.strong", alt.value(ACCENT), alt.value(SOFT)),
    )
    number = base.mark_text(align="left", baseline="middle", dx=7, dy=7, color=INK, fontSize=12).encode(
        x=x, text="number:N"
    )
    return _svg(alt.layer(bar, number, _labels(base)), len(rows))


def dumbbells(
    rows: Sequence[Dumbbell], simple: str, expanded: str, domain: tuple[float, float], chance: float | None = None
) -> str:
    """For each row a ring and a dot on one scale, with a key above; `chance` is a broken line across all rows."""
    import altair as alt

    base = alt.Chart(_rows(rows)).encode(y=_lines())
    scale = alt.Scale(domain=list(domain), nice=False)
    axis = alt.Axis(title=None, tickCount=5, grid=False, domainColor=LINE, tickColor=LINE, labelColor=SOFT)
    layers = [] if chance is None else [_standing(base, chance, alt.X("at:Q", scale=scale, axis=axis))]
    layers += [
        base.mark_rule(color=INK, strokeWidth=1.5, yOffset=8).encode(
            x=alt.X("simple:Q", scale=scale, axis=axis), x2="expanded:Q"
        ),
        base.mark_point(shape="circle", size=80, stroke=INK, fill=PAPER, strokeWidth=1.6, opacity=1, yOffset=8).encode(
            x=alt.X("simple:Q", scale=scale, axis=axis)
        ),
        base.mark_point(shape="circle", size=80, opacity=1, yOffset=8, **_FULL).encode(
            x=alt.X("expanded:Q", scale=scale, axis=axis)
        ),
        _labels(base),
    ]
    keys = []
    at = 6
    for name, look in ((simple, {"stroke": INK, "fill": PAPER, "strokeWidth": 1.6}), (expanded, _FULL)):
        one = alt.Chart(alt.InlineData(values=[{"label": name}]))
        keys += [
            one.mark_point(shape="circle", size=80, opacity=1, **look).encode(x=alt.value(at), y=alt.value(8)),
            one.mark_text(align="left", baseline="middle", color=INK, fontSize=12).encode(
                x=alt.value(at + 10), y=alt.value(8), text="label:N"
            ),
        ]
        at += 34 + 7 * width_of(name)
    return _keyed(alt.layer(*keys), alt.layer(*layers), len(rows))


def intervals(rows: Sequence[Interval], worse: str, better: str) -> str:
    """Means with their intervals against a zero line; `worse` and `better` name its two sides."""
    import altair as alt

    reach = max((abs(end) for row in rows for end in (row.low, row.high, row.mean)), default=0) * 1.12 or 1
    base = alt.Chart(_rows(rows)).encode(y=_lines())
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    axis = alt.Axis(title=None, tickCount=5, grid=False, domainColor=LINE, tickColor=LINE, labelColor=SOFT)
    zero = _standing(base, 0, alt.X("at:Q", scale=scale, axis=axis))
    line = base.mark_rule(color=INK, strokeWidth=2, yOffset=8).encode(
        x=alt.X("low:Q", scale=scale, axis=axis), x2="high:Q"
    )
    dot = base.mark_point(shape="circle", size=90, stroke=ACCENT, fill=ACCENT, opacity=1, yOffset=8).encode(
        x=alt.X("mean:Q", scale=scale, axis=axis)
    )
    middle, gap = WIDTH / 2, 9  # the scale reaches as far to both sides, so zero is there
    look: dict[str, Any] = {"baseline": "middle", "color": INK, "fontSize": 12, "limit": middle - gap}
    left = alt.Chart(alt.InlineData(values=[{"label": f"← {worse}"}]))
    right = alt.Chart(alt.InlineData(values=[{"label": f"{better} →"}]))
    key = alt.layer(
        left.mark_text(align="right", **look).encode(x=alt.value(middle - gap), y=alt.value(8), text="label:N"),
        right.mark_text(align="left", **look).encode(x=alt.value(middle + gap), y=alt.value(8), text="label:N"),
    )
    return _keyed(key, alt.layer(zero, line, dot, _labels(base)), len(rows))


def curves(rows: Sequence[Curve], x_title: str, y_title: str) -> str:
    """Lines from zero up, told apart by their dash and by the shape of their points; a key above them has both."""
    import altair as alt

    names = [label_of(row.label, 40) for row in rows]
    values = [{"x": x, "y": y, "place": place} for place, row in enumerate(rows) for x, y in row.points]
    places = list(range(len(rows)))
    dash = alt.StrokeDash(
        "place:O", legend=None, scale=alt.Scale(domain=places, range=[_DASHES[at % len(_DASHES)] for at in places])
    )
    shape = alt.Shape(
        "place:O", legend=None, scale=alt.Scale(domain=places, range=[_SHAPES[at % len(_SHAPES)] for at in places])
    )
    dots: dict[str, Any] = {"size": 55, "stroke": INK, "fill": PAPER, "strokeWidth": 1.5, "opacity": 1}
    key = alt.Chart(
        alt.InlineData(
            values=[{"place": place, "label": name, "from": 0, "to": 36} for place, name in enumerate(names)]
        )
    ).encode(y=_lines())
    across = alt.X("from:Q", axis=None, scale=alt.Scale(domain=[0, WIDTH - 60], nice=False))
    keys = alt.layer(
        key.mark_rule(color=INK, strokeWidth=1.6).encode(x=across, x2="to:Q", strokeDash=dash),
        key.mark_point(**dots).encode(x=alt.value(18), shape=shape),
        key.mark_text(align="left", baseline="middle", color=INK, fontSize=12, limit=WIDTH - 108).encode(
            x=alt.value(46), text="label:N"
        ),
    ).properties(width=WIDTH - 60, height=20 * len(rows))
    look: dict[str, Any] = {
        "grid": False,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelColor": SOFT,
        "titleColor": SOFT,
    }
    ticks = sorted({value["x"] for value in values})
    chart = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X("x:Q", title=x_title, axis=alt.Axis(values=ticks, format="d", labelOverlap=True, **look)),
        y=alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5, **look)),
    )
    lines = alt.layer(
        chart.mark_line(color=INK, strokeWidth=1.6).encode(strokeDash=dash),
        chart.mark_point(**dots).encode(shape=shape),
    ).properties(width=WIDTH - 60, height=190)
    return finished(alt.vconcat(keys, lines, spacing=14))


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


def _lines() -> Any:
    import altair as alt

    return alt.Y("place:O", axis=None, sort=None)


def _standing(base: Any, value: float, x: Any) -> Any:
    """A line that stands at `value` behind the marks of every row, and not behind their labels."""
    return base.transform_calculate(at=str(value)).mark_tick(color=SOFT, thickness=1, size=15, yOffset=8).encode(x=x)


def _labels(base: Any) -> Any:
    import altair as alt

    return base.mark_text(
        align="left", baseline="middle", dy=-8, color=INK, fontSize=12, limit=WIDTH, stroke=PAPER, strokeWidth=4
    ).encode(x=alt.value(0), text="label:N")


def _rows(rows: Sequence[Bar | Dumbbell | Interval]) -> Any:
    import altair as alt

    # The place keeps two rows with the same label apart.
    return alt.InlineData(
        values=[asdict(row) | {"label": label_of(row.label), "place": place} for place, row in enumerate(rows)]
    )


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


def _svg(chart: Any, rows: int) -> str:
    return finished(chart.properties(width=WIDTH, height=40 * rows))


def _keyed(key: Any, chart: Any, rows: int) -> str:
    """The chart with a line above that says how to read it."""
    import altair as alt

    sized = (key.properties(width=WIDTH, height=16), chart.properties(width=WIDTH, height=40 * rows))
    return finished(alt.vconcat(*sized, spacing=10))


def finished(chart: Any) -> str:
    spec = (
        chart.configure(font=FONT, background=PAPER, padding=4)
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=11, titleFontSize=11, titleFontWeight="normal")
    )
    return _drawn(json.dumps(spec.to_dict(validate=False)))


@lru_cache(maxsize=64)
def _drawn(spec: str) -> str:
    """The SVG of a chart. Kept, because one takes a moment and a report is often written again with the same charts."""
    import vl_convert

    root = ET.fromstring(vl_convert.vegalite_to_svg(spec))  # noqa: S314 - from our own data
    for element in root.iter():
        # Vega describes every mark to screen readers in English; the report has one text for the whole chart.
        for name in [name for name in element.attrib if name == "role" or name.startswith("aria-")]:
            del element.attrib[name]
        if element.tag == f"{{{_SVG}}}text" and element.get("stroke"):  # a halo, so that a line can pass behind
            element.set("paint-order", "stroke")
    ET.register_namespace("", _SVG)
    return ET.tostring(root, encoding="unicode")
