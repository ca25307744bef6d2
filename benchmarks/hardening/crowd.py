"""Crowd: many programs in one runs folder, many browsers at one page, hours of work in one process, too little memory.

    python benchmarks/hardening/crowd.py [--generations 200] [--only WORD] [--write docs/security.md]

Everything must be whole afterwards: each run opens and holds what its record says, the index names every run, no
temporary file is left. A program either does what it was asked for or says in a clear error why not. The browsers are
Chromium, driven through Playwright, and passed over and named where it is missing. Bundles and classes of many students
are not there yet, and not tried.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.hardening.child import in_child
from benchmarks.hardening.death import (
    LONGEST_S,
    PAIR,
    WORDS,
    Process,
    faults,
    finish,
    folders,
    leftovers,
    load_libraries,
    pixels,
)
from benchmarks.hardening.fixtures.page.window import settle, unfold
from benchmarks.hardening.table import REPOSITORY, Table, arguments
from compare import Gallery, PairOptions, PairRequest, Run
from compare.page.worker import Worker
from ideation import TwinseedError

ONE = (*PAIR, "--images", "2")
FLAT_MB = 40.0
CHROMIUM = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), None)
WAIT_MS = 300_000


def wrong_with(runs: Path) -> str:
    """What is wrong with a folder of runs in which all have come to their end, or ""."""
    with closing(sqlite3.connect(runs / "twinseed.db")) as index:  # before the gallery mends it
        indexed = {name for (name,) in index.execute("SELECT name FROM runs")}
    problems = [*faults(runs), *leftovers(runs)]
    if indexed != {folder.name for folder in folders(runs)}:
        problems.append(f"the index names {sorted(indexed)}")
    return "; ".join(problems)


def clear(code: int, said: str) -> str:
    """What is wrong with how a program ended, or ""."""
    if "Traceback" in said or code not in (0, 1):
        return f"it ended with {code}: {said[-500:]}"
    return "" if code == 0 or ("error: " in said and "hint: " in said) else f"no clear error: {said[-300:]}"


def one_folder(table: Table, there: Path) -> None:
    """Eight programs that write runs of their own, two of them for the same request."""
    kind = "eight programs in one runs folder"
    runs = there / "folder"
    seeds = (11, 12, 13, 14, 15, 16, 7, 7)
    programs = [Process(_with_seed(ONE, seed), runs) for seed in seeds]
    for program in programs:
        code, said = program.end()
        table.add(kind, f"it ended with {code}: {said[-300:]}" if code else "")
    made = [Run.open(folder) for folder in folders(runs)]
    wrong = wrong_with(runs)
    if sorted(run.record.seeds[0] for run in made) != sorted(seeds):
        wrong += f"; the runs are those of the seeds {sorted(run.record.seeds[0] for run in made)}"
    if len(pixels(runs)) != len(set(seeds)):
        wrong += "; the two runs of one request are not the same"
    if not all(run.record.complete and run.report.is_file() for run in made):
        wrong += "; some are not complete"
    table.add(f"{kind}: all of it whole", wrong)


def _with_seed(words: tuple[str, ...], seed: int) -> tuple[str, ...]:
    return tuple(str(seed) if before == "--seed" else word for before, word in zip(("", *words), words, strict=False))


def one_run(table: Table, there: Path) -> None:
    """Eight programs that write into the same run, and one of them puts it away."""
    kind = "eight programs at one run"
    base = there / "base"
    code, said = finish(ONE, base)
    assert code == 0, said
    for number in range(3):
        runs = there / f"one-run-{number}"
        shutil.copytree(base, runs)
        (folder,) = folders(runs)
        looks = {"ladder", "morph", "placebo"}
        programs = [
            *(Process(("report", folder.name), runs) for _ in range(4)),
            *(Process(("examine", folder.name, "--with", look, "--clip", "none"), runs) for look in sorted(looks)),
            Process(("runs", "delete", folder.name), runs),
        ]
        ended = [program.end() for program in programs]
        for code, said in ended:
            table.add(kind, clear(code, said))
        if ended[-1][0] == 0:  # it was there first, or last
            runs = runs / ".trash"
        run = Run.open(runs / folder.name)
        wrong = "; ".join(map(str, run.faults()))
        found = set() if run.record.findings is None else set(run.record.findings.results)
        finished = {look for look, (code, _) in zip(sorted(looks), ended[4:7], strict=True) if code == 0}
        if not finished <= found:
            wrong += f"; the findings of {finished - found} are lost"
        if not run.report.read_text(encoding="utf-8").rstrip().endswith("</html>"):
            wrong += "; half a report"
        table.add(f"{kind}: all of it whole", wrong or "; ".join(leftovers(runs)))


def browsers(table: Table, there: Path) -> None:
    """Four browsers that generate at once at one page; one is closed on the way."""
    kind = "browsers that generate at once, one of them killed"
    if CHROMIUM is None:
        print("no Chromium here: no browsers", file=sys.stderr)
        return
    from playwright.sync_api import expect, sync_playwright

    runs = there / "page"
    with _page(runs, there / "server.log") as (server, address), sync_playwright() as playwright:
        opened = [
            playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            for _ in range(4)
        ]
        pages = [browser.new_page(locale="en-US") for browser in opened]
        for number, page in enumerate(pages):
            page.set_default_timeout(WAIT_MS)
            page.goto(address)
            page.get_by_label("Concept").fill(f"a dog riding a bicycle, number {number}")
            page.get_by_text("Settings", exact=True).click()
            page.get_by_text("Steps and size").click()
            page.get_by_label("Steps", exact=True).fill("8")
            page.get_by_label("Steps", exact=True).press("Enter")
        for page in pages:
            page.get_by_role("button", name="Generate").click()
            expect(page.get_by_role("button", name="Stop")).to_be_visible(timeout=WAIT_MS)
        _kill_browser(opened[1])
        for number, page in enumerate(pages):
            if number == 1:
                continue
            wrong = ""
            try:
                expect(page.get_by_role("slider").first).to_be_visible(timeout=WAIT_MS)
                name = page.url.partition("?run=")[2]
                if f"number {number}" not in Run.open(runs / name).record.concept.text:
                    wrong = f"browser {number} was shown the run {name} of another"
            except Exception as error:
                wrong = f"browser {number}: {str(error)[:300]}"
            table.add(kind, wrong)
        figure = rss(server.pid)
        for number in (0, 2, 3):
            opened[number].close()
    wrong = wrong_with(runs)
    if server.returncode != 130:
        wrong += f"; the server ended with {server.returncode}"
    if "Traceback" in (said := (there / "server.log").read_text()):
        wrong += f"; it said {said[-300:]}"
    if not 3 <= len(folders(runs)) <= 4:
        wrong += f"; there are {len(folders(runs))} runs"
    table.add(f"{kind}: all of it whole", wrong, **{"MB at the end": figure})


def _kill_browser(browser: Any) -> None:
    """Its processes, not through its own door: as when a machine is switched off."""
    session = browser.new_browser_cdp_session()
    for process in session.send("SystemInfo.getProcessInfo")["processInfo"]:
        if process["type"] == "browser":
            os.kill(int(process["id"]), signal.SIGKILL)


@contextlib.contextmanager
def _page(runs: Path, log: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "twinseed.py", "page", "--port", str(port), "--runs", str(runs)]
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=REPOSITORY, stdout=output, stderr=subprocess.STDOUT)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health"):
                break
            assert server.poll() is None, log.read_text()
            time.sleep(0.2)
        yield server, f"http://127.0.0.1:{port}/"
        server.send_signal(signal.SIGINT)
        server.wait(60)
    finally:
        server.kill()
        server.wait()


def work(seed: int, size: str = "64x64", steps: int = 2, images: int = 1) -> Callable[..., Run]:
    """A job as the page gives it to its worker."""
    options = PairOptions(
        simple="a dog",
        expanded="a dog, at night, in the snow",
        size=size,
        steps=steps,
        seed=str(seed),
        images=images,
    )
    request, _ = PairRequest.from_options(options)
    return lambda session, **how: session.run(request, **how)


def rss(pid: int | str = "self") -> float:
    """The memory that the process has now, in MB."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def generations(table: Table, there: Path, count: int) -> None:
    """So many pairs, one after the other, by one worker as the page has it, each with CLIP's scores and a report."""
    worker, gallery = Worker(), Gallery(there / "many")
    grown: dict[int, float] = {}
    for number in range(1, count + 1):
        ticket = worker.add(work(number), gallery)
        problem = ticket.future.exception()
        whole = problem is None and ticket.future.result().report.is_file()
        table.add("generations in one process", "" if whole else str(problem or "no report"))
        if number in (5, 50, 100, count):
            gc.collect()
            grown[number] = rss()
            print(f"after {number} generations: {grown[number]:.0f} MB", file=sys.stderr, flush=True)
    worker.close()
    said = ", ".join(f"{figure:.0f} MB after {number}" for number, figure in grown.items())
    middle = next(number for number in grown if number >= min(50, count))
    growth = grown[count] - grown[middle]
    table.add(
        f"memory: {said}",
        f"it grew by {growth:.0f} MB after generation {middle}" if growth > FLAT_MB else wrong_with(gallery.root),
        **{"MB at the end": grown[count]},
    )


def page_generations(table: Table, there: Path, count: int) -> None:
    """So many pairs from one browser that never closes its window, as the server of the page does them."""
    kind = "generations on one page"
    if CHROMIUM is None:
        print("no Chromium here: no generations on a page", file=sys.stderr)
        return
    from playwright.sync_api import sync_playwright

    runs, log = there / "long", there / "long.log"
    grown: dict[int, float] = {}
    with _page(runs, log) as (server, address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(locale="en-US")
        page.set_default_timeout(WAIT_MS)
        page.goto(address)
        page.get_by_label("Concept").fill("a dog riding a bicycle")
        page.get_by_text("Settings", exact=True).click()
        page.get_by_text("Steps and size").click()
        page.get_by_label("Steps", exact=True).fill("2")
        page.get_by_label("Steps", exact=True).press("Enter")
        for number in range(1, count + 1):
            settle(page)
            unfold(page, "settings")  # they are folded when pictures are asked for
            seed = page.get_by_label("Seed", exact=True)
            while seed.input_value() != str(number):  # a page that is drawn meanwhile takes the letters back
                seed.fill(str(number))
                seed.press("Enter")
                settle(page)
            page.get_by_role("button", name="Generate").click()
            page.wait_for_url(re.compile(rf"[?&]run=[^&]*-{number}(&|$)"))
            page.get_by_role("slider", name="Line between").wait_for()
            table.add(kind)
            if number in (5, 50, 100, count):
                grown[number] = rss(server.pid)
                print(f"after {number} generations on a page: {grown[number]:.0f} MB", file=sys.stderr, flush=True)
        browser.close()
    said = ", ".join(f"{figure:.0f} MB after {number}" for number, figure in grown.items())
    growth = grown[count] - grown[next(number for number in grown if number >= min(50, count))]
    wrong = f"it grew by {growth:.0f} MB after generation 50" if growth > FLAT_MB else wrong_with(runs)
    wrong += f"; it said {log.read_text()[-300:]}" if "Traceback" in log.read_text() else ""
    table.add(f"memory of the page's server: {said}", wrong, **{"MB at the end": grown[count]})


def limited(megabytes: float) -> None:
    """From now on, this process may have so much more memory than it has. Not the address space is limited
    (RLIMIT_AS), of which the charts' JavaScript engine reserves 32 GB and gives it back."""
    found = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    most = int(found[1]) * 1024 + int(megabytes * 2**20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def short_of_memory(table: Table, there: Path) -> None:
    """A job of the page's worker that takes more than there is; the next one must go through in the same process."""
    for size, megabytes in (("512x512", 20), ("768x768", 60), ("1024x1024", 150), ("2048x2048", 400)):

        def trial(size: str = size, megabytes: float = megabytes) -> str:
            worker, gallery = Worker(), Gallery(there / f"memory-{size}-{megabytes}")
            first = worker.add(work(1), gallery)
            first.future.result()
            limited(megabytes)
            large = worker.add(work(2, size=size), gallery)
            after = worker.add(work(3), gallery)
            large.future.exception()
            run, problem = large.result()
            if run is not None and problem is None:
                return "the memory was enough: nothing was tried"
            if not isinstance(problem, TwinseedError):
                return f"it ended with {type(problem).__name__}: {problem}"
            print(f"{size} in {megabytes} MB: {problem.message}; {problem.hint}", file=sys.stderr)
            if (error := after.future.exception()) is not None:
                return f"the job after it ended with {type(error).__name__}: {error}"
            return wrong_with(gallery.root)

        outcome = in_child(trial, LONGEST_S)
        table.add("a job that runs out of memory", outcome.crashed or outcome.refused or str(outcome.value or ""))
    runs = there / "short"
    for megabytes in (2, 10, 30, 60, 100, 200):
        words = ("pair", *WORDS, "--seed", "8", "--steps", "1", "--clip", "none")
        code, said = finish(_with_size(words, "256x256"), runs, lambda megabytes=megabytes: limited(megabytes))
        wrong = clear(code, said) or "; ".join(faults(runs))
        table.add("a command that runs out of memory", wrong)
        print(f"pair with {megabytes} MB more ended with {code}: {said.splitlines()[-2:]}", file=sys.stderr)


def _with_size(words: tuple[str, ...], size: str) -> tuple[str, ...]:
    return tuple(size if word == "64x64" else word for word in words)


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--generations", type=int, default=200, help="on one page server [default: 200]")
    parser.add_argument(
        "--only", choices=["folder", "run", "browsers", "memory", "generations", "page"], help="this alone"
    )
    options = parser.parse_args()
    load_libraries()
    table = Table("crowd", ("MB at the end",))
    with tempfile.TemporaryDirectory() as name:
        there = Path(name)
        for part, attack in {
            "folder": lambda: one_folder(table, there),
            "run": lambda: one_run(table, there),
            "memory": lambda: short_of_memory(table, there),
            "browsers": lambda: browsers(table, there),
            "page": lambda: page_generations(table, there, options.generations),
            # Last: a process that has had threads is no good one to fork from.
            "generations": lambda: generations(table, there, options.generations),
        }.items():
            if options.only in (None, part):
                attack()
    command = "python benchmarks/hardening/crowd.py"
    if options.generations != 200:
        command += f" --generations {options.generations}"
    return table.finish(f"{command} --write docs/security.md", options.write)


if __name__ == "__main__":
    sys.exit(main())
