"""Makes the moving picture at the top of the README: pairs by Seedling, a slider going over each, and the words that came.

    python benchmarks/readme_picture.py      # writes docs/pictures/pair.webp

The pairs are made just before, by the offline expander and the embedded model; the words are marked as in every report.
"""

from __future__ import annotations

import base64
import shutil
import sys
import tempfile
from html import escape
from io import BytesIO
from pathlib import Path

# isort: split

sys.path.insert(0, str(Path(__file__).parents[1]))

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from compare import Gallery, PairOptions, PairRequest, Run, Session
from ideation.english import diff

CHROMIUM = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), None)
PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "pair.webp"
MOST_BYTES = 400_000

#: Concepts and seeds.
PAIRS = (
    ("a penguin playing the drums, ukiyo-e style", 3),
    ("一隻貓頭鷹戴著皇冠，水墨畫風格", 3),
    ("a unicorn riding a rocket, flat illustration style", 3),
)
SIZE, SCALE = (820, 384), 1.25
FIRST_MS, STEP_MS, LAST_MS, STEPS = 1300, 50, 2200, 14

PAGE = """<!doctype html><meta charset="utf-8"><style>
* { box-sizing: border-box; margin: 0; }
body { width: %dpx; height: %dpx; padding: 24px; display: flex; gap: 30px; background: #fbfaf6; color: #23221f;
  font: 17px/1.5 system-ui, "Noto Sans", "DejaVu Sans", "Noto Sans CJK TC", sans-serif; }
.frame { position: relative; flex: none; width: 336px; height: 336px; border-radius: 14px; overflow: hidden;
  box-shadow: 0 12px 32px -16px rgb(0 0 0 / .45); }
.frame img { position: absolute; inset: 0; width: 100%%; height: 100%%; }
.expanded { clip-path: inset(0 0 0 calc(100%% - var(--t) * 100%%)); }
.line { position: absolute; inset: 0 auto 0 calc(100%% - var(--t) * 100%%); width: 3px; margin-left: -1.5px; background: #fff;
  box-shadow: 0 0 6px rgb(0 0 0 / .4); }
.line::after { content: "⇔"; position: absolute; top: 50%%; left: 50%%; width: 30px; height: 30px; margin: -15px; background: #fff;
  border-radius: 50%%; font: 15px/29px "DejaVu Sans"; text-align: center; color: #6a675f; box-shadow: 0 1px 5px rgb(0 0 0 / .35); }
.words { flex: 1; display: flex; flex-direction: column; }
h1 { font: 500 28px/1.28 "Noto Serif", "Liberation Serif", "DejaVu Serif", "Noto Serif CJK TC", serif; text-wrap: balance; }
h2 { margin-top: 20px; font-size: 13.5px; font-weight: 600; color: #6a675f; }
h2.now { color: #0f6b5c; }
mark { color: inherit; background: rgb(15 107 92 / calc(var(--t) * .15)); border-radius: 4px; padding: 1px 3px;
  opacity: calc(.12 + var(--t) * .88); }
.same { margin-top: auto; font-size: 14.5px; color: #6a675f; }
.same b { color: #0f6b5c; font-weight: 600; }
</style><body style="--t: 0"><div class="frame"><img src="%s"><img class="expanded" src="%s"><i class="line"></i></div>
<div class="words"><h1>%s</h1><h2 id="s">Simple prompt</h2><p>%s</p><h2 id="e">Expanded prompt</h2><p>%s</p>
<p class="same"><b>✓ same seed %s</b> · same noise, model and settings</p></div>"""


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
    words = "".join(
        f"<mark>{escape(piece.text.rstrip())}</mark> " if piece.kind == "added" else escape(piece.text)
        for piece in diff(record.prompts.simple, record.prompts.expanded)
        if piece.kind != "removed"
    )
    simple, expanded = (_address(run.image(arm)) for arm in ("simple", "expanded"))
    told = (escape(record.concept.text), escape(record.prompts.simple), words, record.settings.seed)
    return PAGE % (*SIZE, simple, expanded, *told)


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
