"""The columns: what stands at the head of one, in English or 中文, and what a cell under it can say."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from compare.homework.table.grid import TableError
from ideation import TokenMode
from templates import LANGUAGES

#: The column that is no option of a pair: what a student sees in the pictures.
OBSERVATIONS = "observations"

_YES = {"yes", "y", "true", "on", "1", "x", "v", "✓", "✔", "是", "有", "真", "要"}
_NO = {"no", "n", "false", "off", "0", "-", "否", "無", "沒有", "假", "不要"}


@dataclass(frozen=True)
class Column:
    """`field` is that of `PairOptions`, or `OBSERVATIONS`; `names` are what may stand at its head, that of the option
    first; `read` makes a value of a cell that is not empty, and raises `TableError`."""

    field: str
    names: tuple[str, ...]
    read: Callable[[str], Any]


def _text(cell: str) -> str:
    return cell


def _word(cell: str) -> str:
    """A text without letters of full width, which a Chinese keyboard types."""
    return unicodedata.normalize("NFKC", cell).strip()


def _number_text(cell: str) -> str:
    """The digits of a whole number, however a spreadsheet writes it."""
    word = _word(cell)
    if re.fullmatch(r"[0-9.,]+[eE]\+?[0-9]+", word):
        raise TableError(
            "{cell} is a number that Excel has shortened", hint="make the cell one of text and type it again", cell=word
        )
    match = re.fullmatch(r"([0-9]+)[.,]0+", word)
    return match[1] if match else word


def _whole(cell: str) -> int:
    word = _number_text(cell)
    if not re.fullmatch(r"-?[0-9]{1,9}", word):
        raise TableError("{cell!r} is not a whole number", hint="write one as in 20", cell=cell[:40])
    return int(word)


def _number(cell: str) -> float:
    word = _word(cell)
    if not re.fullmatch(r"-?[0-9]{1,9}([.,][0-9]{1,9})?", word):
        raise TableError("{cell!r} is not a number", hint="write one as in 7.5", cell=cell[:40])
    return float(word.replace(",", "."))


def _yes_or_no(cell: str) -> bool:
    word = _word(cell).casefold()
    if word not in _YES | _NO:
        raise TableError("{cell!r} is neither yes nor no", hint="write yes or no, or leave it empty", cell=cell[:40])
    return word in _YES


def _listed(cell: str) -> tuple[str, ...]:
    """Several values in one cell, with semicolons between them or on lines of their own."""
    return tuple(filter(None, (_word(one) for one in re.split(r"[;；\n]", cell))))


def _one_of(*known: str) -> Callable[[str], str]:
    def read(cell: str) -> str:
        folded = {name.casefold(): name for name in known}
        found = folded.get(_word(cell).casefold())
        if found is None:
            raise TableError(
                "{cell!r} is none of {known}", hint="write one of them", cell=cell[:40], known=", ".join(known)
            )
        return found

    return read


def _path(cell: str) -> Path:
    return Path(cell).expanduser()


#: All columns, in the order in which they are told. A test holds them against the options of `twinseed pair`.
COLUMNS: tuple[Column, ...] = (
    Column("concept", ("concept", "concepts", "構想", "概念", "題目"), _text),
    Column(OBSERVATIONS, ("observations", "observation", "觀察", "心得", "觀察心得"), _text),
    Column("seed", ("seed", "種子", "隨機種子"), _number_text),
    Column("images", ("images", "種子數", "張數", "圖片數"), _whole),
    Column("simple", ("simple", "simple prompt", "簡單", "簡單提示詞"), _text),
    Column("expanded", ("expanded", "expanded prompt", "擴充", "擴充提示詞"), _text),
    Column("negative", ("negative", "negative prompt", "反向", "反向提示詞"), _text),
    Column("style", ("style", "styles", "風格"), _listed),
    Column("enhance", ("enhance", "加強", "加強詞"), _yes_or_no),
    Column("model", ("model", "模型"), _word),
    Column("scheduler", ("scheduler", "排程器"), _word),
    Column("steps", ("steps", "步數"), _whole),
    Column("guidance", ("guidance", "引導強度"), _number),
    Column("size", ("size", "尺寸", "大小"), _word),
    Column("aspect", ("aspect", "長寬比", "比例"), _word),
    Column("preset", ("preset", "預設組合"), _word),
    Column("performance", ("performance", "效能等級", "效能"), _word),
    Column("like", ("like", "參考圖片"), _path),
    Column("expander", ("expander", "擴充方式", "擴充器"), _word),
    Column("llm_model", ("llm-model", "語言模型"), _word),
    Column("template", ("template", "範本"), _word),
    Column("tokens", ("tokens", "長提示詞"), _one_of(*get_args(TokenMode))),
    Column("no_cache", ("no-cache", "不用快取"), _yes_or_no),
    Column("clip_skip", ("clip-skip",), _whole),
    Column("lora", ("lora", "loras"), _listed),
    Column("vae", ("vae",), _word),
    Column("fast", ("fast", "快速運算"), _yes_or_no),
    Column("compiled", ("compile", "compiled", "編譯"), _yes_or_no),
    Column("max_sequence_length", ("max-sequence-length",), _whole),
    Column("memory", ("memory", "記憶體"), _word),
    Column("batch", ("batch", "批次"), _whole),
    Column("attention_backend", ("attention-backend",), _word),
    Column("allow_pickle", ("allow-pickle",), _yes_or_no),
    Column("noise_floor", ("noise-floor", "數值雜訊底線"), _yes_or_no),
    Column("device", ("device", "裝置"), _word),
    Column("dtype", ("dtype", "數值型別"), _word),
    Column("instruments", ("with", "instruments", "工具"), _listed),
    Column("set_options", ("set", "set-options", "工具設定"), _listed),
    Column("clip", ("clip",), _word),
    Column("language", ("language", "語言"), _one_of(*LANGUAGES)),
    Column("drawn", ("drawn", "抽選"), _word),
)


def _folded(name: str) -> str:
    """A name as it is looked up: `--LLM_model`, `llm model` and `llm-model` are one."""
    return re.sub(r"[\s_\-]+", "-", _word(name).casefold()).strip("-:*")


_BY_NAME: Mapping[str, Column] = MappingProxyType({_folded(name): one for one in COLUMNS for name in one.names})


def column_named(name: str) -> Column | None:
    """The column with that at its head.

    >>> [column_named(name).field for name in ("Concept", "種子", "--llm-model", "LLM_Model")]
    ['concept', 'seed', 'llm_model', 'llm_model']
    """
    return _BY_NAME.get(_folded(name))


def name_of(cell: str) -> str | None:
    """What the column is called in options, if the cell is the head of one."""
    column = column_named(cell)
    return None if column is None else column.names[0]


def known_names() -> list[str]:
    """All that may stand at the head of a column."""
    return [name for column in COLUMNS for name in column.names]


def concept_names() -> tuple[str, ...]:
    """All that may stand at the head of the column of the concepts."""
    return COLUMNS[0].names
