"""Numerals and measure words: 兩隻, 三杯, 一群, 100個."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from ideation.chinese.chart import Edge
from ideation.chinese.phrases import Quantity

_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split() + [""] * 7 + ["twenty"]
_COST = 0.4

_MANY = {
    "some": "一些 些",
    "several": "幾 數 好幾 幾十 數十",
    "all": "所有 所有的 全部 全部的",
    "many": "許多 很多 好多 眾多 大量 無數 成千上萬 滿滿 滿 各種 各式各樣 一大堆 數百 上百",
}
#: Numbers that are not made of digits, folded.
NUMBERS = [(text, Quantity(number, many=True)) for number, words in _MANY.items() for text in words.split()]
NUMBERS += [("半", Quantity("half a")), ("另一", Quantity("another")), ("另外一", Quantity("another"))]
NUMBERS += [("一打", Quantity("a dozen", many=True)), ("半打", Quantity("half a dozen", many=True))]

#: Measure words that say nothing in English.
_PLAIN = (
    "個 隻 頭 條 位 名 把 張 顆 粒 朵 棵 株 根 支 枝 座 棟 幢 間 家 所 艘 架 台 輛 部 匹 尾 面 盞 尊 口 件 頂 扇 本 幅 "
    "首 場 次 種 樣 款 道 門 則 篇 封 盆 具 員 副 團 股 輪 節 列 班 任 項 枚 大隻 小隻 大個 小個 大顆"
)
#: Those that part what cannot be counted.
_PORTIONS = {"piece": "塊", "slice": "片", "drop": "滴", "pair": "雙 副", "bit": "點", "skewer": "串"}
#: Those of whatever is in them.
_CONTAINERS = {
    "cup": "杯 大杯",
    "bowl": "碗 大碗",
    "plate": "盤 碟",
    "bottle": "瓶",
    "pot": "鍋 壺",
    "basket": "籃 籠",
    "box": "盒 箱",
    "bag": "袋 包",
    "bucket": "桶",
    "can": "罐",
    "group": "群 大群 夥 幫 伙 大票 票",
    "pile": "堆 大堆 疊",
    "bunch": "束",
    "row": "排",
    "line": "隊 行",
    "pair": "對",
}
_NUMERAL = re.compile(r"[0-9０-９]+|[零〇一二两三四五六七八九十百千万]+")


def measures() -> Iterator[tuple[str, Quantity]]:
    """Measure words with what they say, those later that mean more than others of the same text."""
    yield from ((text, Quantity("")) for text in _PLAIN.split())
    yield from ((text, Quantity("", unit)) for unit, words in _PORTIONS.items() for text in words.split())
    yield from (
        (text, Quantity("", unit, container=True)) for unit, words in _CONTAINERS.items() for text in words.split()
    )


#: A time of the day: 三點, 七點半, 十二點十分.
_CLOCK = re.compile(
    r"(?P<hour>[0-9]{1,2}|[一二两三四五六七八九十]{1,3})(?:点(?P<minutes>半|一刻|[0-9]{1,2}分|[一二三四五六七八九十]{1,3}分)?(?:钟|整)?"
    r"|:(?P<digits>[0-5][0-9]))"
)
_CLOCK_COST = 0.8


def clock_edges(folded: str) -> list[Edge]:
    """The times of day in a folded text.

    >>> [edge.meaning for edge in clock_edges("三点，七点半，12点10分")]
    ["at three o'clock", 'at 7:30', 'at 12:10']
    """
    found = []
    for match in _CLOCK.finditer(folded):
        hour, told = _value(match["hour"]), match["minutes"] or match["digits"]
        minutes = {None: 0, "半": 30, "一刻": 15}.get(told)
        if minutes is None and told:
            minutes = _value(told.removesuffix("分"))
        if hour is None or minutes is None or hour > 24 or minutes > 59:
            continue
        word = _WORDS[hour] if hour <= 12 else str(hour)
        time = f"at {hour}:{minutes:02}" if minutes else f"at {word} o'clock"
        found.append(Edge(*match.span(), "moment", time, _CLOCK_COST))
    return found


def number_edges(folded: str) -> list[Edge]:
    """The numbers in a folded text.

    >>> [edge.meaning.number for edge in number_edges("两只猫，三十个，100个，第三只")]
    ['two', '30', '100', 'the third', 'three']
    """
    found = []
    for match in _NUMERAL.finditer(folded):
        value = _value(match.group())
        if value is not None and 0 < value <= len(_ORDINALS) and folded[: match.start()].endswith("第"):
            found.append(Edge(match.start() - 1, match.end(), "num", Quantity(f"the {_ORDINALS[value - 1]}"), _COST))
        if value is not None:
            word = _WORDS[value] if value < len(_WORDS) and _WORDS[value] else str(value)
            number = Quantity("a") if value == 1 else Quantity(word, many=True)
            found.append(Edge(*match.span(), "num", number, _COST))
    return found


def _value(text: str) -> int | None:
    """The number, None where the characters make none (一二三)."""
    if text[0] not in _DIGITS and text[0] not in _UNITS:
        return int(unicodedata.normalize("NFKC", text))
    total = part = digit = 0
    for character in text:
        if character in _UNITS:
            unit = _UNITS[character]
            if unit == 10_000:
                total, part = (part + digit) * unit, 0
            else:
                part += (digit or 1) * unit
            digit = 0
        elif digit:
            return None
        else:
            digit = _DIGITS[character]
    return total + part + digit
