"""Makes the pictures of the page that the docs show: every screen, on a desk in English and on a phone in 繁體中文.

    python benchmarks/pictures/page.py      # writes docs/pictures/page/{desk,phone}/*.webp and docs/pictures/page.png

The runs in them are real ones, made by Seedling just before.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

# isort: split

sys.path.insert(0, str(Path(__file__).parents[2]))

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from benchmarks.hardening.fixtures.page.server import PageServer
from benchmarks.hardening.fixtures.page.window import settle
from compare import Gallery, PairOptions, PairRequest, Session

CHROMIUM = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), None)
PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
CONCEPTS = (
    "a fox driving a car, watercolor style",
    "一隻貓在看書，水彩風格",
    "an owl wearing a crown, ink wash style",
    "a penguin eating ice cream, flat illustration style",
    "一隻熊在放風箏，水墨畫風格",
    "a robot playing the guitar, pixel art style",
)
_WAIT_MS = 120_000


def make_runs(gallery: Gallery) -> str:
    """A run of each concept; returns the name of the last."""
    session, name = Session(gallery), ""
    for seed, concept in enumerate(CONCEPTS, start=11):
        request, _ = PairRequest.from_options(PairOptions(concept=concept, seed=str(seed), expander="offline"))
        name = session.run(request).name
    session.close()
    return name


def write_prompts(page: Page) -> None:
    page.locator(".st-key-draw button:visible").click()
    page.locator(".st-key-reels").wait_for()
    settle(page)
    page.locator(".st-key-write button:visible").click()
    page.locator(".tw-ruler").first.wait_for()


def begin_blind_test(page: Page) -> None:
    page.locator(".st-key-begin button:visible").click()
    page.locator(".ballot img").first.wait_for()


def type_homework(page: Page) -> None:
    page.locator(".st-key-homework-table textarea").fill("\n".join(CONCEPTS[:3]))
    page.locator(".st-key-homework-table textarea").press("Control+Enter")
    page.locator(".tw-settings").wait_for()


def try_experiment(page: Page) -> None:
    page.locator(".st-key-try button:visible").click()
    page.locator(".st-key-strip-learn-0 img").first.wait_for()


def shots(run: str) -> dict[str, tuple[str, Callable[[Page], object]]]:
    """Each picture's name, the address that it shows, and what is done there first."""
    return {
        "prompts": ("/pair", write_prompts),
        "pair": (f"/pair?run={run}", lambda page: page.locator(".viewer").first.wait_for()),
        "gallery": ("/gallery", lambda page: page.locator("article img").nth(5).wait_for()),
        "blind": ("/blind", begin_blind_test),
        "lab": (f"/lab?run={run}", lambda page: page.locator(".st-key-questions").wait_for()),
        "homework": ("/homework", type_homework),
        "learn": ("/learn", try_experiment),
    }


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="twinseed-") as place:
        home = Path(place, "home")
        run = make_runs(Gallery(home / "runs"))
        with PageServer(home) as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            for kind, language, width, height in (("desk", "en", 1280, 860), ("phone", "zh-TW", 390, 844)):
                (PICTURES / "page" / kind).mkdir(parents=True, exist_ok=True)
                for name, (address, act) in shots(run).items():
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, locale=language, device_scale_factor=1.5
                    )
                    page = context.new_page()
                    page.set_default_timeout(_WAIT_MS)
                    page.goto(f"{server.address}{address}")
                    page.locator(".st-key-languages").wait_for()
                    settle(page)
                    act(page)
                    settle(page)
                    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
                    picture.save(PICTURES / "page" / kind / f"{name}.webp", quality=80, method=6)
                    if (kind, name) == ("desk", "pair"):
                        picture.save(PICTURES / "page.png", optimize=True)
                    context.close()
            browser.close()


if __name__ == "__main__":
    main()
