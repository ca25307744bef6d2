"""The report as Markdown: a ZIP with report.md, its pictures and its charts, for GitHub and for notes."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping

from compare.report.blocks import Block, Code, Facts, Grid, Report, Section, Shot, Table, Value, balanced
from compare.report.sentences import sentences

REPORT_FILE = "report.md"
PICTURES, CHARTS = "pictures", "charts"

#: What Markdown, GitHub's additions to it (tables, @mentions, #numbers, math, bare links) or HTML could take for more
#: than text: anywhere, and at the beginning of a line.
_SPECIAL = re.compile(r"[\\`*_\[\]<>#|~@$&]|:(?=/|[\w+-]+:)|(?<=www)\.", re.IGNORECASE)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_AT_START = re.compile(r"\A(\s*)([-+](?=\s|\Z)|[-=](?=[-=\s]*\Z)|\d+(?=[.)](?:\s|\Z)))")


def markdown_zip(report: Report, pictures: Mapping[str, bytes]) -> bytes:
    """The report as a ZIP; `pictures` has the bytes of those that it did not draw itself.

    It holds `report.md` in GitHub's Markdown, `pictures/` and `charts/` (SVG).
    """
    charts = {f"{CHARTS}/{block.name}.svg": block.svg for block in report.blocks if block.block == "chart"}
    files = {**pictures, **report.drawn}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name: str, content: bytes, compression: int) -> None:
            entry = zipfile.ZipInfo(name, report.title.made.timetuple()[:6])  # the same report gives the same bytes
            entry.compress_type = compression
            archive.writestr(entry, content)

        add(REPORT_FILE, markdown_text(report).encode(), zipfile.ZIP_DEFLATED)
        for name, svg in charts.items():
            add(name, svg.encode(), zipfile.ZIP_DEFLATED)
        for name in report.files:
            add(f"{PICTURES}/{name}", files[name], zipfile.ZIP_STORED)
    return buffer.getvalue()


def markdown_text(report: Report) -> str:
    """The text of report.md."""
    t = sentences(report.language)["report"]
    made = t["made"].format(date=f"{report.title.made:%Y-%m-%d %H:%M} UTC")
    lines = [f"# {_line(report.title.words)}", _line(f"{t['brand']} · {t['motto']} · {made}")]
    for section in report.sections:
        lines += _section(section, t["colon"])
    lines += [f"## {_line(t['provenance']['title'])}", _text(t["provenance"]["about"].format(model=report.model))]
    return "\n\n".join(lines) + "\n"


def _section(section: Section, colon: str) -> list[str]:
    lines = [f"## {_line(section.title)}", *map(_text, section.about)]
    for block in section.blocks:
        lines += [part for part in _block(block, colon) if part]
    return lines


def _block(block: Block, colon: str) -> list[str]:
    match block.block:
        case "text":
            text = _text(block.text)
            style = {"lead": f"**{text}**", "heading": f"### {text}", "warning": f"> {text}", "plain": text}
            return [style[block.tone]] if text else []
        case "words":
            return [f"### {_line(block.by)}" if block.by else "", _quote(block.words)]
        case "pair":
            return [_strip((block.simple, block.expanded))]
        case "strip":
            return [_strip(block.shots)]
        case "grid":
            return [_grid(block)]
        case "moving":
            return [_image(f"{PICTURES}/{block.file}", block.alt)]
        case "chart":
            return [_image(f"{CHARTS}/{block.name}.svg", block.alt), _text(block.caption)]
        case "table":
            return [_table(block)]
        case "facts":
            return [_facts(block)]
        case "audited":
            signs = {key.mark: key.sign for key in block.legend}
            strip = "".join(
                _line(one.text, keep=True) if one.mark == "none" else _marked(one.text, one.mark, signs[one.mark])
                for one in block.stretches
            )
            legend = "\n".join(f"- {key.sign} **{_line(key.name)}**{colon}{_line(key.about)}" for key in block.legend)
            return [strip.strip(), legend]
        case "marked":
            text = "".join(_marked(one.text, "unseen" if one.unseen else one.mark, "") for one in block.stretches)
            return [f"### {_line(block.label)}", text.strip()]
        case "seal":
            sign = "✓" if block.holds else "✕"
            return [*(f"**{sign} {_line(verdict)}**" for verdict in block.verdicts), _text(block.about)]
        case "code":
            return [f"{_line(block.summary)}{colon.rstrip()}" if block.summary else "", _code(block)]


def _marked(text: str, mark: str, sign: str) -> str:
    """A stretch of a prompt in the tags that GitHub lets through; the sign says the same without them."""
    tag = {"added": "ins", "removed": "del", "drawn": "ins", "unseen": "s", "never_seen": "s"}.get(mark)
    core = text.strip()
    if not core:
        return _line(text, keep=True)
    before, after = text[: text.index(core)], text[text.index(core) + len(core) :]
    inside = _line(core, keep=True)
    if tag:
        inside = f"<{tag}>{inside}</{tag}>"
    return f"{_line(before, keep=True)}{inside}{sign and f' {sign}'}{_line(after, keep=True)}"


def _strip(shots: tuple[Shot, ...], columns: int = 4) -> str:
    if not shots:
        return ""
    columns = min(columns, len(shots))
    rows = []
    for start in range(0, len(shots), columns):
        row = [*shots[start : start + columns]]
        filler = [""] * (columns - len(row))
        rows.append([*(_image(f"{PICTURES}/{shot.file}", shot.alt) for shot in row), *filler])
        captions = [_line(shot.caption) + (f"<br>{_line(shot.detail)}" if shot.detail else "") for shot in row]
        rows.append([*captions, *filler])
    return _rows([""] * columns, rows)


def _grid(grid: Grid) -> str:
    head = [_line(grid.corner), *map(_line, grid.columns)]
    rows = [
        [_line(label), *("".join(_image(f"{PICTURES}/{shot.file}", shot.alt) for shot in cell) for cell in cells)]
        for label, cells in grid.rows
    ]
    return _rows(head, rows)


def _table(table: Table) -> str:
    return _rows([*map(_line, table.head)], [[*map(_line, row)] for row in table.rows])


def _facts(facts: Facts) -> str:
    rows = []
    for term, values in facts.rows:
        words = any(value.style in ("kept", "lost") for value in values)
        rows.append([_line(term), (" · " if words else " ").join(map(_value, values))])
    return _rows(["", ""], rows)


def _value(value: Value) -> str:
    return f"~~{_line(value.text)}~~" if value.style == "lost" else _line(value.text)


def _rows(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(block: Code) -> str:
    """A fenced block; the fence is longer than any row of backticks inside, so that nothing can close it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", block.text)), default=0))
    return f"{fence}\n{_clean(block.text)}\n{fence}"


def _image(path: str, alt: str) -> str:
    return f"![{_line(alt)}]({path})"


def _quote(text: str) -> str:
    return "\n".join(f"> {_line(line)}".rstrip() for line in _clean(text).split("\n"))


def _text(text: str) -> str:
    return _line(text)


def _line(text: str, *, keep: bool = False) -> str:
    """`text` as one line of Markdown that shows exactly its letters. `keep` leaves white space at its ends."""
    flat = " ".join(_clean(text).split("\n"))
    flat = flat if keep else flat.strip()
    escaped = _SPECIAL.sub(lambda found: _ENTITIES.get(found[0], f"\\{found[0]}"), flat)
    return _AT_START.sub(lambda found: f"{found[1]}&#{ord(found[2][0])};{found[2][1:]}", escaped)


def _clean(text: str) -> str:
    """Without control characters; a text that turns the direction of writing ends with as many ends of that."""
    kept = "".join(c for c in text.replace("\r\n", "\n") if c in "\n\t" or unicodedata.category(c) != "Cc")
    return balanced(kept)
