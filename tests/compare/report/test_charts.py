"""Charts: the right lengths at the right places, nothing but text from texts, and readable without colour."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable

import html5lib
import pytest

from compare.report.charts import Bar, Curve, Dumbbell, Interval, bars, curves, dumbbells, inline, intervals

SVG = "{http://www.w3.org/2000/svg}"
CHARTS: dict[str, Callable[[str], str]] = {
    "bars": lambda label: bars([Bar(label, 2.0, "2.0 %"), Bar("other", 1.0, "1.0 %", strong=False)]),
    "dumbbells": lambda label: dumbbells([Dumbbell(label, 20, 80)], "simple", "expanded", (0, 100), chance=50),
    "intervals": lambda label: intervals([Interval(label, 1.0, -1.0, 3.0)], "worse", "better"),
    "curves": lambda label: curves([Curve(label, ((10, 4.0), (20, 1.0))), Curve("b", ((10, 3.0),))], "Steps", "Moved"),
}
NASTY = [
    "<script>alert(1)</script>",
    '"><img src=x>',
    "]]>",
    "&amp;",
    "a\x00\x0b\ud7ffb",
    "\u202eleft",
    "🐕‍🦺 狗",
    "x" * 5000,
]


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_is_one_safe_picture(name: str) -> None:
    page = inline(CHARTS[name]("on a beach"), 'all "it" <shows>')
    fragment = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parseFragment(page)
    (root,) = list(fragment)
    assert (root.get("role"), root.get("aria-label")) == ("img", 'all "it" <shows>')
    tags = {str(element.tag).rpartition("}")[2] for element in root.iter()}
    assert tags <= {"svg", "g", "path", "line", "text", "rect"}
    names = {attribute for element in root.iter() for attribute in element.attrib}
    assert not names & {"style", "href", "font-family"}
    assert not [attribute for attribute in names if attribute.startswith(("on", "aria-role"))]
    assert not re.search(r"#[0-9a-f]{6}", page), "every colour is the page's"
    width = float(root.get("viewBox").split()[2])
    assert width <= 372, "on a phone its letters stay as large as the page's"


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("label", NASTY)
def test_labels_are_text(name: str, label: str) -> None:
    plain, nasty = CHARTS[name]("a plain dog"), CHARTS[name](label)
    assert [e.tag for e in parsed(nasty).iter()] == [e.tag for e in parsed(plain).iter()]
    shown = max(texts(nasty), key=len) if len(label) > 1000 else "".join(texts(nasty))
    if len(label) > 1000:
        assert shown.endswith("…")
        assert len(shown) < 60
    elif "\x00" not in label:
        assert label in shown


def test_bars_are_as_long_as_their_numbers() -> None:
    svg = bars([Bar("a", 30.0, "30"), Bar("b", 15.0, "15", strong=False), Bar("b", 0.0, "0")])
    lengths = [float(found) for found in re.findall(r'd="M0,[\d.]+h([\d.]+)v9', svg)]
    assert lengths[0] == pytest.approx(2 * lengths[1])
    assert lengths[2:] == [0]
    assert texts(svg).count("b") == 2, "rows with one name stay two rows"
    assert [found for found in texts(svg) if found.isdigit()] == ["30", "15", "0"]


def test_arms_and_curves_differ_in_shape() -> None:
    pair = parsed(CHARTS["dumbbells"]("a"))
    dots = [path.get("fill") for path in pair.iter(f"{SVG}path") if (path.get("d") or "").startswith("M4")]
    assert sorted(dots) == sorted([dots[0], dots[1]] * 2), "one is hollow, one is full, in the key as on the lines"
    assert len(set(dots)) == 2
    lines = CHARTS["curves"]("a")
    assert len(set(re.findall(r'stroke-dasharray="([^"]+)"', lines))) == 2


def test_equal_and_empty_numbers_draw() -> None:
    for svg in (
        bars([Bar("a", 0.0, "0")]),
        bars([]),
        intervals([Interval("a", 0, 0, 0)], "w", "b"),
        dumbbells([Dumbbell("a", 5, 5)], "s", "e", (3, 7)),
        curves([Curve("a", ((10, 0.0),))], "x", "y"),
    ):
        assert "NaN" not in svg
        assert parsed(svg).tag == f"{SVG}svg"
