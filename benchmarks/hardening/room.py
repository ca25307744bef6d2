"""Room: disks that fill up in the middle of each file, folders that cannot be written, no HOME, outputs nobody reads.

    python benchmarks/hardening/room.py [--steps 12] [--only WORD] [--write docs/security.md]

Each trial must end in a clear error (`error: ...` and `hint: ...`, never a traceback) or go through; what was finished
must be whole, and once there is room the same command must come to the end. Small file systems need root, and are
passed over and named where nobody may mount one.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.hardening.death import PAIR, faults, finish, folders, leftovers, load_libraries, pictures
from benchmarks.hardening.table import REPOSITORY, Table, arguments

TWO = (*PAIR[:-4], "--steps", "2", "--clip", "none", "--images", "2")
SMALL = ("--size", "64x64", "--steps", "2", "--clip", "none")
CHINESE = "一隻貓在下棋，水墨畫風格"


@dataclass(frozen=True)
class Done:
    code: int
    err: str

    @property
    def lost(self) -> str:
        """What is wrong with how it ended, or ""."""
        if "Traceback" in self.err:
            return f"a traceback: {self.err.strip().splitlines()[-1]}"
        if self.code not in (0, 1):
            return f"it ended with {self.code}: {self.err[-300:]}"
        if self.code == 1 and ("error: " not in self.err or "hint: " not in self.err):
            return f"it ended with 1 and no clear error: {self.err[-300:]!r}"
        return ""


@dataclass(frozen=True)
class Start:
    """How a program is started: with which environment, limits and outputs."""

    environ: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    prepare: Callable[[], None] | None = None
    out: str | None = None
    wrapped: tuple[str, ...] = ()

    def run(self, *words: str) -> Done:
        environ = {name: value for name, value in os.environ.items() if name not in self.without}
        environ |= {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"} | self.environ
        with open(self.out, "wb") if self.out else contextlib.nullcontext(subprocess.PIPE) as out:
            done = subprocess.run(
                [*self.wrapped, sys.executable, "twinseed.py", *words],
                cwd=REPOSITORY,
                env=environ,
                stdout=out,
                stderr=subprocess.PIPE,
                preexec_fn=self.prepare,
                check=False,
                timeout=300,
            )
        return Done(done.returncode, done.stderr.decode(errors="replace"))


def largest_file(bytes_: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))


def after_a_failure(done: Done, runs: Path, again: Callable[[], tuple[int, str]]) -> str:
    """What was lost when it ran out of room, or when it was asked again with enough of it."""
    if lost := done.lost:
        return lost
    if wrong := list(faults(runs)):
        return f"afterwards: {wrong}"
    kept = pictures(runs)
    code, said = again()
    if code:
        return f"with enough room it ended with {code}: {said[-300:]}"
    if wrong := list(faults(runs)):
        return f"after the next call: {wrong}"
    if not kept.items() <= pictures(runs).items():
        return "the next call made finished pictures again"
    if left := leftovers(runs):
        return f"after the next call there are {left}"
    return "" if len(folders(runs)) == 1 else f"there are {len(folders(runs))} runs"


def disks(table: Table, there: Path, steps: int) -> None:
    """A file system that ends earlier and later, and files that may grow to so much."""
    load_libraries()
    whole = there / "whole"
    code, said = finish(TWO, whole)
    assert code == 0, said
    sizes = sorted(path.stat().st_size for path in whole.rglob("*") if path.is_file())
    total = sum(-(-size // 4096) * 4096 for size in sizes)
    for number in range(steps):
        small = there / f"disk-{number}"
        small.mkdir()
        runs = small / "runs"
        room = int(total * (number + 0.5) / steps)
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={room}", "twinseed", str(small)], capture_output=True, check=False
        )
        if mounted.returncode:
            print("no file system of its own: mounting one needs root", file=sys.stderr)
            break
        try:
            done = Done(*finish(TWO, runs))
            subprocess.run(["mount", "-o", f"remount,size={4 * total}", str(small)], check=True)
            table.add("a disk that fills up", after_a_failure(done, runs, lambda runs=runs: finish(TWO, runs)))
        finally:
            subprocess.run(["umount", "-l", str(small)], check=False)
    for number in range(steps):
        limit = int(sizes[-1] * (number + 0.5) / steps)
        runs = there / f"limit-{number}"
        done = Done(*finish(TWO, runs, largest_file(limit)))
        table.add(
            "files that may not grow (RLIMIT_FSIZE)",
            after_a_failure(done, runs, lambda runs=runs: finish(TWO, runs)),
        )
    (run,) = folders(whole)
    for option, name in (("--pdf", "x.pdf"), ("--markdown", "x.zip")):
        for limit in (1_000, 5_000, 50_000):  # what it says goes to a file as well
            file = there / name
            done = Done(*finish(("report", run.name, option, str(file)), whole, largest_file(limit)))
            lost = done.lost or ("half a file" if done.code and file.exists() else "")
            table.add("a report as PDF or Markdown that may not grow", lost or "; ".join(map(str, faults(whole))))
            file.unlink(missing_ok=True)


def folders_of_others(table: Table, there: Path) -> None:
    """Folders that an ordinary user may not write; root is held to it by dropping its right to pass over modes."""
    kind = "a folder that may not be written"
    wrapped: tuple[str, ...] = ()
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            print("root may write everywhere, and setpriv is missing", file=sys.stderr)
            return
        wrapped = (
            "setpriv",
            "--bounding-set=-dac_override,-dac_read_search",
            "--inh-caps=-dac_override,-dac_read_search",
        )
    closed = there / "closed"
    done = Start().run(*TWO, "--runs", str(closed))
    assert done.code == 0, done.err
    (run,) = folders(closed)
    before = pictures(closed)
    for path in (closed, run):
        path.chmod(0o555)
    start = Start(wrapped=wrapped)
    for words in (
        (*TWO[:-1], "3", "--runs", str(closed)),
        ("report", run.name, "--runs", str(closed)),
        ("examine", run.name, "--with", "ruler", "--clip", "none", "--runs", str(closed)),
        ("report", run.name, "--runs", str(closed), "--pdf", str(closed / "x.pdf")),
        ("runs", "delete", run.name, "--runs", str(closed)),
    ):
        done = start.run(*words)
        lost = done.lost or ("" if done.code == 1 else "it said that it had written")
        table.add(kind, lost or ("" if pictures(closed) == before else "pictures changed"))
    for words in (
        ("verify", run.name, "--no-render", "--runs", str(closed)),
        ("runs", "--json", "--runs", str(closed)),
    ):
        done = start.run(*words)
        table.add("reading where nothing may be written", done.lost or ("" if done.code == 0 else done.err))
    for path in (closed, run):
        path.chmod(0o755)


def homes(table: Table, there: Path) -> None:
    nowhere = str(there / "nowhere")
    for name, start in {
        "no HOME": Start(without=("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")),
        "a HOME that is not there": Start({"HOME": nowhere}),
        "no folder for temporary files": Start({"TMPDIR": nowhere, "TEMP": nowhere, "TMP": nowhere}),
        "LANG=C": Start({"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    }.items():
        runs = there / name.replace(" ", "-")
        for words in (
            ("ideas", "-n", "3", "--language", "zh-TW"),
            ("expand", CHINESE, "--expander", "offline"),
            ("list", "styles"),
            (
                "pair",
                CHINESE,
                "--expander",
                "offline",
                "--size",
                "64x64",
                "--steps",
                "2",
                "--clip",
                "none",
                "--runs",
                str(runs),
            ),
        ):
            done = start.run(*words)
            lost = done.lost or ("" if done.code == 0 else done.err[-300:])
            table.add(name, lost or ("" if not runs.exists() else "; ".join(faults(runs))))


def outputs(table: Table, there: Path) -> None:
    """Outputs that are closed, full or cut off."""
    runs = there / "full"
    full = Start(out="/dev/full").run(*TWO, "--json", "--runs", str(runs))
    lost = full.lost or ("" if full.code == 1 else "it said that all went well")
    table.add(
        "output to a full disk", lost or "; ".join(faults(runs)) or ("" if folders(runs) else "no run came of it")
    )
    commands: tuple[tuple[str, ...], ...] = (
        ("ideas", "-n", "2000"),
        ("list", "styles"),
        ("expand", "a dog riding a bicycle", "--json"),
        ("doctor",),
    )
    for words in commands:
        kind = "output that nobody reads (`| head -1`)"
        line = subprocess.run(
            ["bash", "-c", '"$0" twinseed.py "$@" | head -1; exit ${PIPESTATUS[0]}', sys.executable, *words],
            cwd=REPOSITORY,
            capture_output=True,
            check=False,
            timeout=120,
        )
        table.add(kind, Done(line.returncode, line.stderr.decode() + "error: hint: ").lost)
        full = Start(out="/dev/full").run(*words)
        table.add("output to a full disk", full.lost or ("" if full.code == 1 else "it said that all went well"))
        for closed, kind in (("1", "output that is closed"), ("2", "messages that are closed")):
            done = subprocess.run(
                ["bash", "-c", f'"$0" twinseed.py "$@" {closed}>&-', sys.executable, *words],
                cwd=REPOSITORY,
                capture_output=True,
                check=False,
                timeout=120,
            )
            said = done.stderr.decode()
            wrong = f"a traceback: {said.splitlines()[-1]}" if "Traceback" in said else ""
            table.add(kind, wrong or ("" if done.returncode in (0, 1) else f"it ended with {done.returncode}: {said}"))


def parts(table: Table, there: Path, steps: int) -> Iterator[tuple[str, Callable[[], None]]]:
    yield "disks", lambda: disks(table, there, steps)
    yield "folders", lambda: folders_of_others(table, there)
    yield "homes", lambda: homes(table, there)
    yield "outputs", lambda: outputs(table, there)


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--steps", type=int, default=12, help="how many sizes of disk and of file [default: 12]")
    parser.add_argument("--only", choices=["disks", "folders", "homes", "outputs"], help="this part alone")
    options = parser.parse_args()
    table = Table("room")
    with tempfile.TemporaryDirectory() as there:
        for name, part in parts(table, Path(there), options.steps):
            if options.only in (None, name):
                part()
    return table.finish("python benchmarks/hardening/room.py --write docs/security.md", options.write)


if __name__ == "__main__":
    sys.exit(main())
