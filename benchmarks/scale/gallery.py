"""How long the gallery takes with many runs in it: to list and search, and to open on the page.

    python benchmarks/scale/gallery.py [--runs 10000]

The runs are one made-up run, copied with other concepts, seeds and times; their pictures are links to one file.
Chromium, driven through Playwright, opens the page as anybody does; the clock runs from the request to the
first pictures on the screen.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "support"))

from playwright.sync_api import sync_playwright
from sample_run import write_sample

from benchmarks.hardening.fixtures.page.server import PageServer
from compare import Gallery
from compare.runs import Wanted
from ideation import built_in_words, draw_many

CHROMIUM = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), None)
TIMES = 5


def fill(gallery: Gallery, count: int) -> None:
    """So many runs, each with another concept."""
    first = write_sample(gallery, size=(256, 256))
    record = json.loads((first.folder / "record.json").read_text(encoding="utf-8"))
    created, chance = datetime.fromisoformat(record["created"]), random.Random(1)
    for number, concept in enumerate(draw_many(built_in_words(), 1, 0, count - 1), start=1):
        folder = gallery.root / f"{first.name}-{number:05}"
        folder.mkdir()
        for picture in first.folder.glob("*.png"):
            os.link(picture, folder / picture.name)
        record["concept"] |= {"text": concept.text}
        record["prompts"] |= {"expander": chance.choice(["offline", "gemini", "openai"])}
        record["created"] = (created + timedelta(minutes=number)).isoformat()
        (folder / "record.json").write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")


def seconds(work: Callable[[], object]) -> float:
    """The median of some tries."""
    spent = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begun)
    return median(spent)


def on_the_page(home: Path) -> dict[str, float]:
    """Opening the gallery in a browser that has been here before, and searching in it."""
    with PageServer(home) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        window = browser.new_page()

        def open_first_screen() -> None:
            window.goto(f"{server.address}/pair")
            window.get_by_label("Concept").wait_for()

        def open_gallery() -> None:
            window.goto(f"{server.address}/gallery")
            window.locator("article img").first.wait_for()

        def search() -> None:
            window.get_by_placeholder("Search").fill("")
            window.get_by_placeholder("Search").press("Enter")
            window.locator("article").nth(23).wait_for()
            window.get_by_placeholder("Search").fill("no such words")
            window.get_by_text("No run has these words in it").wait_for()

        open_gallery()  # once, so that the server has loaded its libraries
        return {
            "the page's first screen, for comparison": seconds(open_first_screen),
            "the page's gallery, opened in Chromium": seconds(open_gallery),
            "a search on the page, and back": seconds(search),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="twinseed-") as home:
        gallery = Gallery(Path(home, "runs"))
        fill(gallery, given.runs)
        begun = time.perf_counter()
        gallery.rebuild()
        rows = {"the index, made anew": time.perf_counter() - begun}
        rows["the first 24 of all"] = seconds(lambda: gallery.listing(24))
        rows["two words searched"] = seconds(lambda: gallery.listing(24, "penguin style"))
        rows["one expander, page 100"] = seconds(
            lambda: gallery.listing(24, wanted=Wanted(expander="gemini"), offset=2400)
        )
        if CHROMIUM is not None:
            rows |= on_the_page(gallery.root.parent)
    print(f"with {given.runs:,} runs, at a load of {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores:\n")
    print("| what | seconds |\n|---|---|")
    for what, spent in rows.items():
        print(f"| {what} | {spent:.2f} |")


if __name__ == "__main__":
    main()
