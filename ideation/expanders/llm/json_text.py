"""JSON as LLMs write it: the objects in a text, with typographic quotes, commas too many and Python's words as well."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

#: Each failed attempt may read to the end: bounds keep a text of nothing but braces from taking minutes.
MAX_ATTEMPTS: Final = 200
MAX_TOLERANT_ATTEMPTS: Final = 20
MAX_DEPTH: Final = 20

_DOUBLE = '"“”„‟＂«»「」『』〝〞'
_SINGLE = "'‘’‚‛＇`"
_COLON = ":：﹕="
_COMMA = ",，、;；"
_END = "}｝]］"
#: What may follow a string inside an object: its end, or a comma and the next key. A quotation mark before anything
#: else belongs to the string: `"a sign that says "OPEN", at night"`.
_AFTER_VALUE = re.compile(
    rf"\s*(?:$|[{re.escape(_END)}]|[{_COMMA}\s]*(?:[{_DOUBLE}{_SINGLE}][^{_DOUBLE}{_SINGLE}\n]{{1,40}}[{_DOUBLE}{_SINGLE}]"
    rf"|[A-Za-z_]\w{{0,30}})\s*[{_COLON}]|[{_COMMA}]\s*(?:$|[{re.escape(_END)}]|//|/\*|\#))"
)
_AFTER_KEY = re.compile(rf"\s*[{_COLON}]")
_AFTER_ITEM = re.compile(
    rf"\s*(?:$|[{re.escape(_END)}]|[{_COMMA}]\s*(?:$|[{_DOUBLE}{_SINGLE}{re.escape(_END)}])|\n\s*[{_DOUBLE}{_SINGLE}])"
)
_BARE_KEY = re.compile(r"[A-Za-z_][\w -]{0,40}")
_BARE_VALUE_ENDS = re.compile(
    rf"\n|[{re.escape(_END)}]|[{_COMMA}]\s*[{_DOUBLE}{_SINGLE}]?[A-Za-z_]\w*[{_DOUBLE}{_SINGLE}]?\s*[{_COLON}]"
)
_BETWEEN = re.compile(rf"(?:\s|[{_COMMA}]|//[^\n]*|/\*.*?\*/|\#[^\n]*)*", re.DOTALL)
_BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORDS: Final[dict[str, Any]] = {"true": True, "false": False, "null": None, "none": None}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\n", "b": "", "f": ""}


def objects_in(text: str, wanted: Callable[[dict[str, Any]], bool]) -> tuple[list[dict[str, Any]], bool]:
    """The objects in the text, and whether one began and never ended. One that is not `wanted` is looked into as well.

    An object that is JSON is read as JSON; any other is read with whatever quotation marks, colons and commas it has,
    bare keys, comments and Python's `None` too. Nothing is evaluated.

    >>> objects_in("Sure! {“simple”： “a dog”， 'expanded': 'a dog, at \\"Joe's\\"',}", lambda found: "simple" in found)
    ([{'simple': 'a dog', 'expanded': 'a dog, at "Joe\\'s"'}], False)
    """
    decoder = json.JSONDecoder(strict=False)
    found: list[dict[str, Any]] = []
    broken_off = False
    done = failed = 0
    for begin in [match.start() for match in re.finditer("[{｛]", text)][:MAX_ATTEMPTS]:
        if begin < done:
            continue
        try:
            value, end = decoder.raw_decode(text, begin)
        except RecursionError:
            break
        except ValueError:  # a number with too many digits for Python among them
            reader = _Reader(text, begin)
            try:
                value = reader.object(0)
                end = reader.position
            except (_EndsTooEarly, _NotAnObject) as reason:
                broken_off = broken_off or isinstance(reason, _EndsTooEarly)
                failed += 1
                if failed == MAX_TOLERANT_ATTEMPTS:
                    break
                continue
        found.append(value)
        done = end if wanted(value) else done
    return found, broken_off


def ends_whole(text: str) -> bool:
    """Whether a text that was said to be cut has a whole object in it and none that was cut.

    >>> ends_whole('{"simple": "a dog"}'), ends_whole('{"simple": "a d')
    (True, False)
    """
    found, broken_off = objects_in(text, bool)
    return bool(found) and not broken_off


class _NotAnObject(Exception):
    """What begins here cannot be read as an object."""


class _EndsTooEarly(Exception):
    """The text is over before the object is."""


class _Reader:
    """Reads one object from `position` on."""

    def __init__(self, text: str, position: int) -> None:
        self._text = text
        self.position = position

    def object(self, depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise _NotAnObject
        self.position += 1
        read: dict[str, Any] = {}
        while True:
            self._skip(_BETWEEN)
            if self._next(bool(read)) in "}｝":
                self.position += 1
                return read
            key = self._key(bool(read))
            self._skip(_BLANK)
            if self._next(bool(read)) not in _COLON:
                raise _NotAnObject
            self.position += 1
            self._skip(_BLANK)
            read[key] = self._value(depth, _AFTER_VALUE)

    def _key(self, begun: bool) -> str:
        if self._next(begun) in _DOUBLE + _SINGLE:
            return self._string(_AFTER_KEY)
        bare = _BARE_KEY.match(self._text, self.position)
        if not bare:
            raise _NotAnObject
        self.position = bare.end()
        return bare[0].strip()

    def _value(self, depth: int, after: re.Pattern[str]) -> Any:
        first = self._next(begun=True)
        if first in "{｛":
            return self.object(depth + 1)
        if first in "[［":
            return self._list(depth + 1)
        if first in _DOUBLE + _SINGLE:
            return self._string(after)
        end = _BARE_VALUE_ENDS.search(self._text, self.position)
        if end is None:
            raise _EndsTooEarly
        bare = self._text[self.position : end.start()].strip()
        self.position = end.start()
        try:
            return _WORDS[bare.casefold()] if bare.casefold() in _WORDS else json.loads(bare)
        except ValueError:
            return bare

    def _list(self, depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise _NotAnObject
        self.position += 1
        items: list[Any] = []
        while True:
            self._skip(_BETWEEN)
            if self._next(begun=True) in "]］":
                self.position += 1
                return items
            if self._next(begun=True) in "}｝":  # a list that nobody closed
                return items
            before = self.position
            items.append(self._value(depth, _AFTER_ITEM))
            if self.position == before:
                raise _NotAnObject

    def _string(self, after: re.Pattern[str]) -> str:
        marks = _DOUBLE if self._text[self.position] in _DOUBLE else _SINGLE
        self.position += 1
        read: list[str] = []
        while self.position < len(self._text):
            character = self._text[self.position]
            self.position += 1
            if character == "\\" and self.position < len(self._text):
                read.append(self._escaped())
            elif character in marks and after.match(self._text, self.position):
                return "".join(read)
            else:
                read.append(character)
        raise _EndsTooEarly

    def _escaped(self) -> str:
        character = self._text[self.position]
        self.position += 1
        if character == "u" and (code := re.compile("[0-9a-fA-F]{4}").match(self._text, self.position)):
            self.position = code.end()
            return chr(int(code[0], 16))
        return _ESCAPES.get(character, character)

    def _skip(self, what: re.Pattern[str]) -> None:
        blank = what.match(self._text, self.position)
        self.position = blank.end() if blank else self.position

    def _next(self, begun: bool) -> str:
        """The next character. At the end of the text an object that has begun was cut; "{a dog" was none."""
        if self.position >= len(self._text):
            raise _EndsTooEarly if begun else _NotAnObject
        return self._text[self.position]
