"""Makes the moving picture at the top of the README: pairs by Seedling, and a slider going over each.

    python benchmarks/pictures/readme.py      # writes docs/pictures/pair.webp

The pairs are made just before, by the offline expander and the embedded model; the words are marked as in every report.
"""

from __future__ import annotations

import base64
import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path

# isort: split

sys.path.insert(0, str(Path(__file__).parents[2]))

from jinja2 import Environment
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from compare import Gallery, PairOptions, PairRequest, Run, Session
from ideation.english import diff

CHROMIUM = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), None)
PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "pair.webp"
TEMPLATE = Path(__file__).with_suffix(".html.j2")
MOST_BYTES = 400_000

#: Concepts and seeds.
PAIRS = (
    ("a penguin playing the drums, ukiyo-e style", 3),
    ("一隻貓頭鷹戴著皇冠，水墨畫風格", 3),
    ("a unicorn riding a rocket, flat illustration style", 3),
)
SIZE, SCALE = (820, 384), 1.25
FIRST_MS, STEP_MS, LAST_MS, STEPS = 1300, 50, 2200, 14


def pairs(gallery: Gallery) -> list[Run]:
    session, runs = Session(gallery), []
    for concept, seed in PAIRS:
        request, _ = PairRequest.from_options(PairOptions(concept=concept, seed=str(seed), expander="offline"))
        runs.append(session.run(request))
    session.close()
    return runs


def page_of(run: Run) -> str:
    """The picture as a page, whose variable `--t` says how far the slider is: 0 simple, 1 expanded."""
    record = run.record
    certificate = record.certificate
    if not certificate.holds:
        raise SystemExit(f"the pair is not of one seed: {certificate.differs}")
    prompts = record.prompts
    template = Environment(autoescape=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        width=SIZE[0],
        height=SIZE[1],
        concept=record.concept.text,
        simple=prompts.simple,
        pieces=diff(prompts.simple, prompts.expanded),
        seed=record.settings.seed,
        simple_picture=_address(run.image("simple")),
        expanded_picture=_address(run.image("expanded")),
    )


def _address(image: Image.Image) -> str:
    data = BytesIO()
    image.resize((504, 504), Image.Resampling.LANCZOS).save(data, "PNG")
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def frames(page: Page, run: Run) -> list[tuple[Image.Image, int]]:
    """The pictures of the slider's way, and how many milliseconds each stays."""
    page.set_content(page_of(run))
    taken = []
    for step in range(STEPS + 1):
        way = step / STEPS
        t = way * way * (3 - 2 * way)  # slowly away, and slowly there
        page.evaluate(
            """t => { document.body.style.setProperty("--t", t);
            s.className = t < .5 ? "now" : ""; e.className = t < .5 ? "" : "now"; }""",
            t,
        )
        shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
        taken.append((shot, FIRST_MS if step == 0 else LAST_MS if step == STEPS else STEP_MS))
    return taken


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="twinseed-") as place, sync_playwright() as playwright:
        runs = pairs(Gallery(Path(place)))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=dict(zip(("width", "height"), SIZE, strict=True)), device_scale_factor=SCALE)
        taken = [one for run in runs for one in frames(page, run)]
        browser.close()
    PICTURE.parent.mkdir(exist_ok=True)
    for quality in (76, 66, 56, 46):
        (first, *rest), times = [shot for shot, _ in taken], [ms for _, ms in taken]
        first.save(PICTURE, save_all=True, append_images=rest, duration=times, loop=0, quality=quality, method=4)
        if PICTURE.stat().st_size < MOST_BYTES:
            print(f"{PICTURE}: {len(taken)} frames, quality {quality}, {PICTURE.stat().st_size:,} bytes")
            return
    raise SystemExit(f"{PICTURE} is larger than {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main()
