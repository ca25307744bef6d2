"""Charts of many cases at once, as SVG: what became of each, and how many went which way. They can be read in black and
white and on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from compare.report.charts import ACCENT, INK, LINE, PAPER, SOFT, WIDTH, finished, label_of, width_of

#: More lines than that are one grey field.
MOST_LINES = 160
_HEIGHT = 260


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
    import altair as alt

    ordered = sorted(rows, key=lambda row: row.after - row.before)
    shown = ordered[:: -(-len(ordered) // MOST_LINES)] if ordered else []
    values = [asdict(row) | {"x": 0.18, "x2": 0.82, "falls": row.after < row.before} for row in shown]
    ends = [end for row in shown for end in (row.before, row.after)] or [0.0, 1.0]
    room = (max(ends) - min(ends)) * 0.06 or 0.1
    x = alt.X("x:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    axis = alt.Axis(title=None, tickCount=5, grid=True, gridColor=LINE, domain=False, ticks=False, labelColor=SOFT)
    y = alt.Y("before:Q", axis=axis, scale=alt.Scale(domain=[min(ends) - room, max(ends) + room], nice=False))
    base = alt.Chart(alt.InlineData(values=values))
    dash = alt.StrokeDash("falls:N", legend=None, scale=alt.Scale(domain=[False, True], range=[[1, 0], [3, 3]]))
    lines = base.mark_rule(color=SOFT, strokeWidth=1, opacity=0.55).encode(
        x=x, x2="x2:Q", y=y, y2="after:Q", strokeDash=dash
    )
    look: dict[str, Any] = {"shape": "circle", "size": 22, "opacity": 0.8, "strokeWidth": 1}
    first = base.mark_point(**look, stroke=INK, fill=PAPER).encode(x=x, y=y)
    second = base.mark_point(**look, stroke=ACCENT, fill=ACCENT).encode(x=alt.X("x2:Q", axis=None), y=alt.Y("after:Q"))
    count = max(1, len(rows))
    mean = [
        {
            "before": sum(r.before for r in rows) / count,
            "after": sum(r.after for r in rows) / count,
            "x": 0.18,
            "x2": 0.82,
        }
    ]
    whole = alt.Chart(alt.InlineData(values=mean if rows else []))
    middle = whole.mark_rule(color=INK, strokeWidth=3).encode(x=x, x2="x2:Q", y=y, y2="after:Q")
    names = alt.Chart(alt.InlineData(values=[{"at": 0.18, "label": before}, {"at": 0.82, "label": after}]))
    key = names.mark_text(color=INK, fontSize=12, baseline="middle").encode(
        x=alt.X("at:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False)), y=alt.value(8), text="label:N"
    )
    width = WIDTH - 40
    return finished(
        alt.vconcat(
            key.properties(width=width, height=16),
            alt.layer(lines, first, second, middle).properties(width=width, height=_HEIGHT),
            spacing=6,
        ).to_dict(validate=False)
    )


def splits(rows: Sequence[Split], win: str, tie: str, loss: str) -> str:
    """A bar for each row, in three parts with their numbers: won is full, neither is empty, lost is hatched by its
    darker rim."""
    import altair as alt

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
    base = alt.Chart(alt.InlineData(values=values)).encode(y=alt.Y("place:O", axis=None, sort=None))
    across = alt.X("from:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    kinds = ["win", "tie", "loss"]
    bar = base.mark_bar(height=16, yOffset=9, stroke=INK, strokeWidth=1).encode(
        x=across,
        x2="to:Q",
        fill=alt.Fill("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=[ACCENT, PAPER, SOFT])),
    )
    number = base.mark_text(fontSize=11, baseline="middle", dy=9, stroke=PAPER, strokeWidth=0).encode(
        x=alt.X("middle:Q", axis=None),
        text="number:N",
        color=alt.Color("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=[PAPER, INK, PAPER])),
    )
    labels = (
        base.transform_filter("datum.kind === 'win'")
        .mark_text(align="left", baseline="middle", dy=-9, color=INK, fontSize=12, limit=WIDTH)
        .encode(x=alt.value(0), text="label:N")
    )
    keys, at = [], 7
    for name, fill in ((win, ACCENT), (tie, PAPER), (loss, SOFT)):
        one = alt.Chart(alt.InlineData(values=[{"label": name}]))
        keys += [
            one.mark_square(size=110, fill=fill, stroke=INK, strokeWidth=1, opacity=1).encode(
                x=alt.value(at), y=alt.value(8)
            ),
            one.mark_text(align="left", baseline="middle", color=INK, fontSize=12).encode(
                x=alt.value(at + 10), y=alt.value(8), text="label:N"
            ),
        ]
        at += 30 + 7 * width_of(name)
    return finished(
        alt.vconcat(
            alt.layer(*keys).properties(width=WIDTH, height=16),
            alt.layer(bar, number, labels).properties(width=WIDTH, height=46 * max(1, len(rows))),
            spacing=10,
        ).to_dict(validate=False)
    )
