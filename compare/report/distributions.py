"""Charts of many cases at once, as SVG: what became of each, and how many went which way. They can be read in black and
white and on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from compare.report.charts import (
    ACCENT,
    INK,
    LINE,
    PAPER,
    SOFT,
    WIDTH,
    Spec,
    data_of,
    encoding,
    finished,
    in_key,
    keyed,
    label_of,
    mark,
    width_of,
)

#: More lines than that are one grey field.
MOST_LINES = 160
_HEIGHT = 260
#: Where the two ends of a slope are, from left to right.
_LEFT, _RIGHT = 0.18, 0.82

_ACROSS: Spec = {"type": "quantitative", "axis": None, "scale": {"domain": [0, 1], "nice": False}}
_TEXT: Spec = {"baseline": "middle", "color": INK, "fontSize": 12}
_LABEL: Spec = {"field": "label", "type": "nominal"}


@dataclass(frozen=True)
class Slope:
    """A case before and after."""

    before: float
    after: float


@dataclass(frozen=True)
class Split:
    """How many of a row's cases were won, neither, and lost."""

    label: str
    win: int
    tie: int
    loss: int


def slopes(rows: Sequence[Slope], before: str, after: str) -> str:
    """A line from each case's value before to its value after, those that fall broken; the dots of their means are
    joined by a thick line. Of too many, every second, third ... in the order of their change."""
    ordered = sorted(rows, key=lambda row: row.after - row.before)
    shown = ordered[:: -(-len(ordered) // MOST_LINES)] if ordered else []
    cases = data_of([asdict(row) | {"x": _LEFT, "x2": _RIGHT, "falls": row.after < row.before} for row in shown])
    ends = [end for row in shown for end in (row.before, row.after)] or [0.0, 1.0]
    room = (max(ends) - min(ends)) * 0.06 or 0.1
    axis = {"title": None, "tickCount": 5, "grid": True, "gridColor": LINE, "domain": False, "ticks": False}
    scale = {"domain": [min(ends) - room, max(ends) + room], "nice": False}
    left: Spec = {
        "x": {"field": "x"} | _ACROSS,
        "y": {"field": "before", "type": "quantitative", "axis": axis | {"labelColor": SOFT}, "scale": scale},
    }
    right: Spec = {
        "x": {"field": "x2", "type": "quantitative", "axis": None},
        "y": {"field": "after", "type": "quantitative"},
    }
    between: Spec = left | {"x2": {"field": "x2"}, "y2": {"field": "after"}}
    falls = {"domain": [False, True], "range": [[1, 0], [3, 3]]}
    dash = {"field": "falls", "type": "nominal", "legend": None, "scale": falls}
    dot: Spec = {"shape": "circle", "size": 22, "opacity": 0.8, "strokeWidth": 1}
    count = max(1, len(rows))
    mean = Slope(sum(row.before for row in rows) / count, sum(row.after for row in rows) / count)
    layers = [
        cases | mark("rule", color=SOFT, strokeWidth=1, opacity=0.55) | encoding(**between, strokeDash=dash),
        cases | mark("point", **dot, stroke=INK, fill=PAPER) | encoding(**left),
        cases | mark("point", **dot, stroke=ACCENT, fill=ACCENT) | encoding(**right),
        data_of([asdict(mean) | {"x": _LEFT, "x2": _RIGHT}] if rows else [])
        | mark("rule", color=INK, strokeWidth=3)
        | encoding(**between),
    ]
    names = data_of([{"at": _LEFT, "label": before}, {"at": _RIGHT, "label": after}])
    key = names | mark("text", **_TEXT) | encoding(x={"field": "at"} | _ACROSS, y={"value": 8}, text=_LABEL)
    size = {"width": WIDTH - 40}
    return finished(
        {"vconcat": [key | size | {"height": 16}, {"layer": layers, "height": _HEIGHT} | size], "spacing": 6}
    )


def splits(rows: Sequence[Split], win: str, tie: str, loss: str) -> str:
    """A bar for each row, in three parts with their numbers: won is full, neither is empty, lost is hatched by its
    darker rim."""
    values = []
    for place, row in enumerate(rows):
        total, at = max(1, row.win + row.tie + row.loss), 0.0
        for kind, number in (("win", row.win), ("tie", row.tie), ("loss", row.loss)):
            part = number / total
            values.append(
                {
                    "place": place,
                    "label": label_of(row.label),
                    "kind": kind,
                    "from": at,
                    "to": at + part,
                    "middle": at + part / 2,
                    "number": str(number) if part > 0.04 else "",
                }
            )
            at += part
    line = {"field": "place", "type": "ordinal", "axis": None, "sort": None}
    bar = mark("bar", height=16, yOffset=9, stroke=INK, strokeWidth=1) | encoding(
        x={"field": "from"} | _ACROSS, x2={"field": "to"}, y=line, fill=_of_kinds(ACCENT, PAPER, SOFT)
    )
    numbers = mark("text", fontSize=11, baseline="middle", dy=9, stroke=PAPER, strokeWidth=0) | encoding(
        x={"field": "middle", "type": "quantitative", "axis": None},
        y=line,
        text={"field": "number", "type": "nominal"},
        color=_of_kinds(PAPER, INK, PAPER),
    )
    labels = {"transform": [{"filter": "datum.kind === 'win'"}]} | mark(
        "text", **_TEXT, align="left", dy=-9, limit=WIDTH
    )
    labels |= encoding(x={"value": 0}, y=line, text=_LABEL)
    keys: list[Spec] = []
    place = 7
    for name, fill in ((win, ACCENT), (tie, PAPER), (loss, SOFT)):
        one = data_of([{"label": name}])
        keys += [
            one | mark("square", size=110, fill=fill, stroke=INK, strokeWidth=1, opacity=1) | in_key(place),
            one | mark("text", **_TEXT, align="left") | in_key(place + 10, text=_LABEL),
        ]
        place += 30 + 7 * width_of(name)
    chart = data_of(values) | {"layer": [bar, numbers, labels], "width": WIDTH, "height": 46 * max(1, len(rows))}
    return finished(keyed(keys, chart))


def _of_kinds(*colours: str) -> Spec:
    """The colours of what was won, neither, and lost."""
    scale = {"domain": ["win", "tie", "loss"], "range": list(colours)}
    return {"field": "kind", "type": "nominal", "legend": None, "scale": scale}
