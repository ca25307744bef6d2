"""Fonts for the PDF report: which of those on this computer have the characters that a text needs."""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ideation import TwinseedError

#: The typesetter brings these along: a text face, and one that has the report's signs (● ◐ ○ ✕ ✓ →).
TEXT, SIGNS, MONO = "Libertinus Serif", "DejaVu Sans Mono", "DejaVu Sans Mono"
_BROUGHT = ((0x20, 0x17F), (0x391, 0x3C9), (0x401, 0x451), (0x2010, 0x2026), (0x2190, 0x2193), (0x25A0, 0x25FF))
_BROUGHT_TOO = set("−≤≥×·‹›€™✓✕")

#: Chinese faces, the most fitting first: with serifs as the text face, for Taiwan, then whatever has Chinese.
CHINESE = (
    "Noto Serif CJK TC",
    "Noto Serif TC",
    "Source Han Serif TC",
    "Source Han Serif",
    "Songti TC",
    "PMingLiU",
    "MingLiU",
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
    "Noto Sans CJK TC",
    "Noto Sans TC",
    "Source Han Sans TC",
    "PingFang TC",
    "Heiti TC",
    "Microsoft JhengHei",
    "AR PL UMing TW",
    "AR PL UKai TW",
    "WenQuanYi Zen Hei",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans",
    "Songti SC",
    "PingFang SC",
    "SimSun",
    "Microsoft YaHei",
)
EMOJI = ("Noto Color Emoji", "Apple Color Emoji", "Segoe UI Emoji", "Twemoji Mozilla", "Noto Emoji")


class FontError(TwinseedError):
    """No font on this computer has the characters of the report."""


@dataclass(frozen=True)
class Faces:
    """The families to set a text in, in the order in which they are asked for a letter, and what none of them has."""

    families: tuple[str, ...]
    missing: tuple[str, ...]


def faces_for(characters: Iterable[str]) -> Faces:
    """The families that have the `characters` (single letters). Raises `FontError` when there is no Chinese font."""
    needed = {letter for letter in characters if _shown(letter) and not _brought(letter)}
    families = [TEXT]
    for names in (CHINESE, EMOJI):
        # Of the preferred faces the first that has most; the ones after it only add what it lacks.
        wanted = {letter for letter in needed if _is_emoji(letter) == (names is EMOJI)}
        for name, path, index in _files(names):
            if wanted and (found := _having(path, index, wanted)):
                families.append(name)
                wanted, needed = wanted - found, needed - found
    chinese = {letter for letter in needed if _is_han(letter)}
    if chinese and not set(families) & set(CHINESE):
        raise FontError(
            "a PDF with Chinese characters needs a Chinese font, and this computer has none",
            hint="install one, such as the package fonts-noto-cjk, or take the HTML report",
        )
    for name, path, index in _files(None):
        if not needed:
            break
        if found := _having(path, index, needed):
            families.append(name)
            needed -= found
    return Faces(tuple(dict.fromkeys((*families, SIGNS))), tuple(sorted(needed)))


def is_chinese(text: str) -> bool:
    """Whether there is a Chinese character in the text."""
    return any(map(_is_han, text))


def _shown(letter: str) -> bool:
    """Does the letter need a shape at all? Spaces, joiners, marks of direction and variation need none."""
    return unicodedata.category(letter) not in ("Cf", "Zs", "Zl", "Zp", "Cc") and not "\ufe00" <= letter <= "\ufe0f"


def _brought(letter: str) -> bool:
    return letter in _BROUGHT_TOO or any(first <= ord(letter) <= last for first, last in _BROUGHT)


def _is_emoji(letter: str) -> bool:
    return ord(letter) >= 0x1F000 and not _is_han(letter)


def _is_han(letter: str) -> bool:
    code = ord(letter)
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF


def _files(names: tuple[str, ...] | None) -> Iterator[tuple[str, str, int]]:
    """Family, path and place of the fonts with these family names, in this order; of all fonts for None."""
    found = _system()
    for name in sorted(found) if names is None else names:
        if name in found:
            yield (name, *found[name])


@lru_cache(maxsize=1)
def _system() -> dict[str, tuple[str, int]]:
    """The families of the system's fonts, each with one upright file of it."""
    import typst

    fonts = [font for font in typst.Fonts(include_embedded_fonts=False).fonts() if font.path and font.style == "normal"]
    fonts.sort(key=lambda font: abs(font.weight - 400), reverse=True)
    return {font.family: (str(font.path), font.index) for font in fonts}


def _having(path: str, index: int, letters: set[str]) -> set[str]:
    """Those of the `letters` that the font has."""
    ranges = _ranges(path, index)
    return {letter for letter in letters if any(first <= ord(letter) <= last for first, last in ranges)}


@lru_cache(maxsize=64)
def _ranges(path: str, index: int) -> tuple[tuple[int, int], ...]:
    """The ranges of code points that the font's table `cmap` maps to a shape (OpenType 1.9, formats 4 and 12).

    A font that cannot be read has none.
    """
    try:
        data = Path(path).read_bytes()
        start = struct.unpack_from(">I", data, 12 + 4 * index)[0] if data[:4] == b"ttcf" else 0
        count = struct.unpack_from(">H", data, start + 4)[0]
        records = [struct.unpack_from(">4sIII", data, start + 12 + 16 * at) for at in range(count)]
        cmap = next(offset for tag, _, offset, _ in records if tag == b"cmap")
        tables = [
            cmap + struct.unpack_from(">HHI", data, cmap + 4 + 8 * at)[2]
            for at in range(struct.unpack_from(">H", data, cmap + 2)[0])
        ]
        by_format = {struct.unpack_from(">H", data, table)[0]: table for table in tables}
        if 12 in by_format:
            table = by_format[12]
            groups = struct.unpack_from(">I", data, table + 12)[0]
            return tuple(struct.unpack_from(">II", data, table + 16 + 12 * at) for at in range(groups))
        return _ranges_of_format_4(data, by_format[4])
    except (OSError, struct.error, StopIteration, KeyError, IndexError):
        return ()


def _ranges_of_format_4(data: bytes, table: int) -> tuple[tuple[int, int], ...]:
    count = struct.unpack_from(">H", data, table + 6)[0] // 2
    ends, starts, deltas, offsets = (
        struct.unpack_from(f">{count}H", data, table + 14 + row * 2 * count + (2 if row else 0)) for row in range(4)
    )
    ranges = []
    for at, (first, last, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        if first == 0xFFFF:
            continue
        if not offset:
            ranges.append((first, last))
            continue
        place = table + 16 + 6 * count + 2 * at + offset
        shapes = struct.unpack_from(f">{last - first + 1}H", data, place)
        ranges += [(first + i, first + i) for i, shape in enumerate(shapes) if shape and (shape + delta) % 65536]
    return tuple(ranges)
