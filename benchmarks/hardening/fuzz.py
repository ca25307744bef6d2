"""Fuzz: every reader of foreign text and bytes, given what hypothesis and atheris think of.

    python benchmarks/hardening/fuzz.py [--minutes 10] [--jobs 1] [--only WORD]... [--write docs/security.md]
    python benchmarks/hardening/fuzz.py --kinds [--minutes 10] [--jobs 1] [--write docs/security.md]

Each reader is tried for so many minutes: with structured changes of valid samples, with texts put together of the marks
that readers look for, and with any text or bytes. Where atheris is installed it has half of the time, and looks for
inputs that reach new lines of our code; without it hypothesis has all of it. Lost is every error that is not ours, once
for each place where it comes from, and every input that takes longer than the limit of processor time.

`--kinds` takes one reader of each kind of foreign bytes, so that each can be given long, and fills a table of its own.
"""

from __future__ import annotations

import functools
import importlib.util
import mmap
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.hardening.table import Row, Table, arguments

if TYPE_CHECKING:
    from benchmarks.hardening.fixtures.readers import Reader

HAS_ATHERIS = importlib.util.find_spec("atheris") is not None
ENGINES = ("hypothesis", "atheris") if HAS_ATHERIS else ("hypothesis",)
OURS = ("ideation", "generate", "compare", "commands", "templates")
LIMIT_S = 5.0
#: One reader of each kind of foreign bytes, the one that reads most of it.
KINDS = (
    "PNG pictures",
    "infotext",
    "the prompt of ComfyUI",
    "a header of weights",
    "wildcards, YAML",
    "a pattern",
    "a prompt",
    "an LLM's answer",
    "a record",
    "bundles, as zip files",
)
#: The longest input that is kept to be looked at, in bytes.
LONGEST = 2**20
#: So many inputs hypothesis makes in one go; it remembers all of them for as long.
BATCH = 200
#: To begin and to end, a process may take so much longer than was asked for.
_GRACE_S = 60.0


@dataclass
class Found:
    """What came of the trials of one reader: the shortest input for each place at which something else than our errors
    came out."""

    tried: int = 0
    longest_s: float = 0.0
    lost: dict[str, bytes] = field(default_factory=dict)

    def lose(self, why: str, raw: bytes) -> None:
        if why not in self.lost or len(raw) < len(self.lost[why]):
            self.lost[why] = raw

    def add(self, other: Found) -> None:
        self.tried += other.tried
        self.longest_s = max(self.longest_s, other.longest_s)
        for why, raw in other.lost.items():
            self.lose(why, raw)


class Trials:
    """The trials of one reader in its own process. Each input is noted before it is read, for whoever finds the process
    dead."""

    def __init__(self, reader: Reader, folder: Path, note: mmap.mmap | None = None) -> None:
        from ideation import TwinseedError

        self._ours = TwinseedError
        self._read = reader.build(folder)
        self._note = note
        self.found = Found()

    def __call__(self, content: str | bytes) -> None:
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        if self._note is not None:
            self._note[:8] = len(raw).to_bytes(8, "little")
            self._note[8 : 8 + len(raw[:LONGEST])] = raw[:LONGEST]
            signal.setitimer(signal.ITIMER_PROF, LIMIT_S)  # ends the process
        self.found.tried += 1
        started = time.process_time()
        try:
            self._read(content)
        except self._ours as error:
            error.told("zh-TW")
        except Exception as error:
            self.found.lose(_place_of(error), raw)
        finally:
            if self._note is not None:
                signal.setitimer(signal.ITIMER_PROF, 0)
        self.found.longest_s = max(self.found.longest_s, time.process_time() - started)


def _place_of(error: Exception) -> str:
    """What it is, and the last line of ours that it went through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_ours(frame.filename)]
    place = f"{Path(frames[-1].filename).name}, {frames[-1].name}" if frames else "no line of ours"
    return f"{type(error).__name__} in {place}"


def _is_ours(file: str) -> bool:
    return "site-packages" not in file and any(f"/{room}/" in file for room in OURS)


def with_hypothesis(trials: Trials, reader: Reader, seconds: float, report: Callable[[Found], None]) -> None:
    import hypothesis

    from benchmarks.hardening.fixtures.readers.inputs import inputs

    end, number = time.monotonic() + seconds, 0

    class OutOfTime(BaseException):
        pass

    while True:
        number += 1

        @hypothesis.seed(number)
        @hypothesis.settings(
            max_examples=BATCH,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(inputs(reader))
        def batch(content: Any) -> None:
            if time.monotonic() > end:
                raise OutOfTime
            trials(content)

        try:
            batch()
        except OutOfTime:
            return
        finally:
            report(trials.found)


def with_atheris(trials: Trials, reader: Reader, folder: Path, seconds: float, report: Callable[[Found], None]) -> None:
    """Ends the process."""
    import atheris

    corpus = folder / "corpus"
    corpus.mkdir()
    for number, sample in enumerate(reader.samples):
        (corpus / str(number)).write_bytes(sample if isinstance(sample, bytes) else sample.encode())
    last = time.monotonic()

    def one(raw: bytes) -> None:
        nonlocal last
        trials(raw if reader.is_of_bytes else raw.decode(errors="replace"))
        if time.monotonic() > last + 1:
            last = time.monotonic()
            report(trials.found)

    limits = [f"-max_total_time={max(1, int(seconds))}", "-max_len=8192", "-rss_limit_mb=4096"]
    atheris.Setup(["fuzz", *limits, f"-artifact_prefix={folder}/", str(corpus)], one)
    atheris.Fuzz()


def _in_child(reader: Reader, folder: Path, engine: str, seconds: float, note: mmap.mmap, there: Any) -> None:
    warnings.simplefilter("ignore")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    trials = Trials(reader, folder, note)
    for sample in reader.samples:
        trials(sample)
    if engine == "atheris":
        with_atheris(trials, reader, folder, seconds, there.send)
    else:
        with_hypothesis(trials, reader, seconds, there.send)


def fuzz(reader: Reader, folder: Path, engine: str, seconds: float) -> Found:
    """All trials of one reader by one engine; a new process goes on where one was ended by an input."""
    whole, end = Found(), time.monotonic() + seconds
    while (left := end - time.monotonic()) > 1:
        note = mmap.mmap(-1, LONGEST + 8)
        context = multiprocessing.get_context("fork")
        here, there = context.Pipe(duplex=False)
        place = Path(tempfile.mkdtemp(dir=folder))
        process = context.Process(target=_in_child, args=(reader, place, engine, left, note, there), daemon=True)
        process.start()
        there.close()
        found = Found()
        try:
            while here.poll(max(0.0, end - time.monotonic()) + _GRACE_S):
                found = here.recv()
        except EOFError:
            pass
        process.join(_GRACE_S)
        if process.exitcode != 0:
            process.kill()
            process.join()
            length = min(int.from_bytes(note[:8], "little"), LONGEST)
            too_slow = process.exitcode == -signal.SIGPROF
            why = f"still reading after {LIMIT_S:g} s" if too_slow else f"the process ended with {process.exitcode}"
            found.lose(why, note[8 : 8 + length])
        here.close()
        whole.add(found)
    return whole


def of_all(names: list[str], folder: Path, minutes: float, jobs: int) -> Iterator[tuple[str, Found]]:
    """What came of each reader, in their order; so many are tried at a time."""
    tried = functools.partial(_tried, folder=folder, seconds=60 * minutes)
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("fork")) as at_once:
        yield from zip(names, at_once.map(tried, names), strict=True)


def _tried(name: str, folder: Path, seconds: float) -> Found:
    from benchmarks.hardening.fixtures.readers import READERS

    (reader,) = (reader for reader in READERS if reader.name == name)
    whole = Found()
    for engine in ENGINES:
        whole.add(fuzz(reader, folder, engine, seconds / len(ENGINES)))
    return whole


def _chosen(name: str, words: list[str]) -> bool:
    return not words or any(word in name for word in words)


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="for each reader [default: 10]")
    parser.add_argument("--jobs", type=int, default=1, help="so many readers at a time [default: 1]")
    parser.add_argument(
        "--only", metavar="WORD", action="append", default=[], help="the readers that have it in their name"
    )
    parser.add_argument("--kinds", action="store_true", help="one reader of each kind, to a table of its own")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the inputs that are lost are put")
    options = parser.parse_args()
    with ExitStack() as watched:
        if HAS_ATHERIS:
            import atheris

            watched.enter_context(atheris.instrument_imports(include=list(OURS), enable_loader_override=False))
        from benchmarks.hardening.fixtures.readers import READERS, prepare
    table = Table("fuzz-kinds" if options.kinds else "fuzz", ("longest ms",))
    with tempfile.TemporaryDirectory() as there:
        prepare(Path(there))
        known = [reader.name for reader in READERS]
        assert set(KINDS) <= set(known), "a reader was renamed"
        names = list(KINDS) if options.kinds else [name for name in known if _chosen(name, options.only)]
        for name, found in of_all(names, Path(there), options.minutes, options.jobs):
            losses = [f"{why}: {raw[:200]!r}" for why, raw in found.lost.items()]
            table.rows[name] = Row(found.tried, losses, {"longest ms": 1000 * found.longest_s})
            print(name, found.tried, *(f"\n  LOST {loss}" for loss in losses), file=sys.stderr, flush=True)
            for number, raw in enumerate(found.lost.values()):
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{name.replace('/', ' ')} {number}").write_bytes(raw)
    kinds = " --kinds" if options.kinds else ""
    command = f"python benchmarks/hardening/fuzz.py{kinds} --minutes {options.minutes:g} --jobs {options.jobs}"
    return table.finish(f"{command} --write docs/security.md", options.write)


if __name__ == "__main__":
    sys.exit(main())
