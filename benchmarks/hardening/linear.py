"""How long every reader takes for long texts: ten times the text may take ten times as long, or be refused.

    python benchmarks/hardening/linear.py [--only WORD] [--write docs/security.md]

Each reader is given texts of every shape below, of 1,000 and 5,000 characters (as many as a concept may have), and of
the shapes that took longest, or longer than their length explains, also of 10,000, 20,000 (a prompt) and 100,000. A
trial is one reader with one shape. It is lost when a text takes longer than the limit (of processor time, after which
the reader is killed), when a longer text takes much longer than its length explains, or when something else than an
error of ours comes out. The table has the slowest shape of each reader.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.hardening.fixtures.readers import TEXTS, Reader, prepare
from benchmarks.hardening.table import Table, arguments
from ideation import TwinseedError

SIZES = (1_000, 5_000, 10_000, 20_000, 100_000)
#: So many of them are tried with every shape; the others with this many shapes, the slowest.
FIRST, SLOWEST = 2, 8
LIMIT_S = 5.0
#: So much longer for each character may the longest text take than the one before, where it can be measured.
MOST_GROWTH, MEASURABLE_S = 2.5, 0.5

#: The column with the least length of which all texts are refused.
REFUSED = "refused from"

#: What is repeated until the text is long enough.
REPEATED = {
    "words": "dog ",
    "a phrase": "a red dog on a beach at night, ",
    "a negation": "without a hat, no dog not ",
    "a style": "in the style of ",
    "a medium": "a photo of ",
    "names": "by A van B ",
    "numbers of things": "three apples and ",
    "capitals": "A",
    "letters": "a",
    "commas": ",",
    "letters and commas": "a,",
    "commas and spaces": ", ",
    "colons": ":",
    "double colons": "2::",
    "keys and values": "ab: c, ",
    "keys without values": "a:",
    "settings": "Steps: 1, ",
    "lines of settings": "Steps: 20, Sampler: Euler\n",
    "negative prompts": "Negative prompt: a\n",
    "digits": "1",
    "numbers": "1.1",
    "thousands": "1,000,",
    "weights": "(a:1.1), ",
    "weights without brackets": ":1.1)",
    "spaces": " ",
    "tabs and line breaks": "\t \n",
    "line breaks": "\n",
    "lines": "a\n",
    "items": "- a\n",
    "mappings": "a: b\n",
    "numbered items": "1. a 2. b\n",
    "backslashes": "\\",
    "escaped brackets": "\\(",
    "escaped quotes": '\\"',
    "underscores": "_",
    "words with underscores": "a_b_",
    "wildcards": "__a__ ",
    "stars": "*",
    "stars and letters": "*a_ ",
    "hyphens": "-",
    "words with hyphens": "a-",
    "hyphens and spaces": " - ",
    "switches": " --ar 1",
    "dots": ".",
    "words with dots": "a.",
    "ends of sentences": "A. ",
    "apostrophes": "'",
    "words with apostrophes": "a's ",
    "quotes": '"',
    "quoted words": '"a" ',
    "curly quotes": "“",
    "corner brackets": "「",
    "signs of less": "<",
    "signs of more": ">",
    "adapters": "<lora:a:1> ",
    "adapters that do not end": "<lora:a",
    "breaks": "BREAK ",
    "breaks and spaces": "  BREAK",
    "thoughts": "<think>",
    "ends of thoughts": "</think>",
    "choices": "{a|b}",
    "choices of ranges": "{1-2$$a|b}",
    "variables": "${a=b}",
    "dollars": "$",
    "bars": "|",
    "slashes": "/",
    "addresses": "http://a@b:1/",
    "entities": "&quot;",
    "anchors": "&a [*a, ",
    "keys": "sk-1111111 ",
    "numbered places": "Simple: a\nExpanded: b\n",
    "Chinese": "狗",
    "sentences in Chinese": "一隻紅色的狗在海灘上騎腳踏車，水彩風格",
    "measure words": "三隻",
    "combining marks": "\u0301",
    "letters with combining marks": "e\u0301",
    "joined pictograms": "\U0001f469\u200d",
    "variants of signs": "\u2600\ufe0f",
    "controls": "\x1b[2J",
    "zeros": "\0",
    "halves of characters": "\ud800",
    "letters that fold to more": "\ufb03\u0130",
}
#: What stands inside itself, again and again: what opens, what is inside, what closes.
NESTED = {
    "round brackets": ("(", "", ")"),
    "round brackets around words": ("(a", "", "b)"),
    "square brackets": ("[", "", "]"),
    "square brackets that change": ("[a:", "b", ":0.5]"),
    "curly brackets": ("{", "", "}"),
    "choices in choices": ("{a|", "b", "}"),
    "variables in variables": ("${a=", "b", "}"),
    "ranges in ranges": ("{2$$a|", "b", "}"),
    "pointed brackets": ("<", "", ">"),
    "objects in objects": ('{"a":', "1", "}"),
    "dictionaries in dictionaries": ("{'a':", "1", "}"),
    "prompts in prompts": ('{"simple": "a", "expanded": ', "1", "}"),
    "brackets of all kinds": ("([{", "a", "}])"),
    "quotes in brackets": ('("', "a", '")'),
}
#: What one character, again and again, may stand behind, with a sign at the end that fits nothing.
PREFIXES = ("", "a", ":", "[a:", "{2$$", "<lora:a:", '"', "“", "2::", " --a", "Steps:", "without")
RUNS = (" ", "1")


def _repeated(unit: str, length: int) -> str:
    return "".join(islice(cycle(unit), length))


def _nested(parts: tuple[str, str, str], length: int) -> str:
    opens, inside, closes = parts
    times = length // (len(opens) + len(closes))
    return opens * times + inside + closes * times


def _different(length: int) -> str:
    """Words of which none is there twice."""
    words, size = [], 0
    for number in count():
        words.append(f"w{number:x}")
        size += len(words[-1]) + 1
        if size >= length:
            return " ".join(words)[:length]
    raise AssertionError


def _different_phrases(length: int) -> str:
    return _different(length).replace(" ", ", ")


SHAPES: dict[str, Callable[[int], str]] = {
    **{name: lambda length, unit=unit: _repeated(unit, length) for name, unit in REPEATED.items()},
    **{name: lambda length, parts=parts: _nested(parts, length) for name, parts in NESTED.items()},
    **{
        f"{name}, not closed": lambda length, parts=parts: _repeated(parts[0], length) for name, parts in NESTED.items()
    },
    **{
        f"{prefix!r} and {run!r} again and again": lambda length, prefix=prefix, run=run: f"{prefix}{run * length}~"
        for prefix in PREFIXES
        for run in RUNS
    },
    "different words": _different,
    "different phrases": _different_phrases,
}


@dataclass(frozen=True)
class Time:
    """How long a reader took for one text, in seconds of processor time; `refused` and `crashed` as in a trial."""

    shape: str
    size: int
    seconds: float
    refused: str = ""
    crashed: str = ""


def timed(read: Callable[[str], Any], shape: str, size: int) -> Time:
    """One text, in this process."""
    text = SHAPES[shape](size)
    refused = crashed = ""
    started = time.process_time()
    try:
        read(text)
    except TwinseedError as error:
        refused = str(error.message)
    except Exception as error:
        crashed = "".join(traceback.format_exception_only(error)).strip()[-200:]
        crashed += f" at {traceback.extract_tb(error.__traceback__)[-1].name}"
    return Time(shape, size, time.process_time() - started, refused, crashed)


def times_of(reader: Reader, folder: Path, shapes: list[str], sizes: tuple[int, ...] = SIZES) -> Iterator[Time]:
    """The times of all texts, in a process that is killed when one takes longer than the limit; what is longer is
    left out then."""
    left = [(shape, size) for shape in shapes for size in sizes]
    context = multiprocessing.get_context("fork")
    while left:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_read_all, args=(reader, folder, left, there), daemon=True)
        process.start()
        there.close()
        try:
            while left:
                yield here.recv()
                left.pop(0)
        except EOFError:
            process.join(5)
            shape, size = left[0]
            end = "still running" if process.exitcode == -signal.SIGPROF else f"the process ended: {process.exitcode}"
            yield Time(shape, size, LIMIT_S, crashed=end)
            left = [(other, longer) for other, longer in left if other != shape]
        finally:
            process.kill()
            process.join()
            here.close()


def _read_all(reader: Reader, folder: Path, texts: list[tuple[str, int]], there: Any) -> None:
    read = reader.build(folder)
    timed(read, "words", 100)  # whatever is loaded when it is first needed
    for shape, size in texts:
        # Counts the processor's time, and ends the process whatever it is in the middle of.
        signal.setitimer(signal.ITIMER_PROF, LIMIT_S)
        there.send(timed(read, shape, size))


def growth(times: list[Time]) -> float:
    """How many times longer the last text took for each of its characters than the one before."""
    *_, before, last = [Time("", 1, 0.0), *times]
    return last.seconds / max(before.seconds, 0.001) * before.size / last.size


def verdict(times: list[Time]) -> str:
    """What was lost with one shape, or ""."""
    for one in times:
        if one.crashed:
            return f"{one.shape}, {one.size:,} characters: {one.crashed}"
    if times[-1].seconds > MEASURABLE_S and growth(times) > MOST_GROWTH:
        took = ", ".join(f"{one.seconds:.3f} s for {one.size:,} characters" for one in times[-2:])
        return f"{times[-1].shape}: {took}"
    return ""


def of_reader(reader: Reader, folder: Path) -> dict[str, list[Time]]:
    """The times by shape."""
    found: dict[str, list[Time]] = {shape: [] for shape in SHAPES}
    for one in times_of(reader, folder, list(SHAPES), SIZES[:FIRST]):
        found[one.shape].append(one)
    left = [shape for shape, times in found.items() if not times[-1].crashed]
    slowest = sorted(left, key=lambda shape: found[shape][-1].seconds, reverse=True)[:SLOWEST]
    grown = [shape for shape in left if found[shape][-1].seconds > 0.01 and growth(found[shape]) > 1.5]
    for one in times_of(reader, folder, list(dict.fromkeys([*slowest, *grown])), SIZES[FIRST:]):
        found[one.shape].append(one)
    return found


def refused_from(times: list[Time]) -> dict[str, float]:
    """The least length of which all texts were refused, if there is one."""
    taken = [one.size for one in times if not one.refused]
    refused = [size for size in SIZES if size > max(taken, default=0)]
    return {REFUSED: refused[0]} if refused else {}


def columns(sizes: tuple[int, ...]) -> tuple[str, ...]:
    return tuple(f"ms for {size:,}" for size in sizes)


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", metavar="WORD", help="the readers that have it in their name")
    options = parser.parse_args()
    table = Table("linear", (*columns(SIZES), REFUSED))
    with tempfile.TemporaryDirectory() as there:
        prepare(Path(there))
        for number, reader in enumerate(TEXTS):
            if options.only and options.only not in reader.name:
                continue
            folder = Path(there, f"reader-{number}")
            folder.mkdir()
            by_shape = of_reader(reader, folder)
            limit = refused_from([one for times in by_shape.values() for one in times])
            for times in by_shape.values():
                figures = {name: 1000 * one.seconds for name, one in zip(columns(SIZES), times, strict=False)}
                table.add(reader.name, verdict(times), **figures, **limit)
            figures = {name: round(figure, 1) for name, figure in table.rows[reader.name].figures.items()}
            print(reader.name, figures, file=sys.stderr, flush=True)
    return table.finish("python benchmarks/hardening/linear.py --write docs/security.md", options.write)


if __name__ == "__main__":
    sys.exit(main())
