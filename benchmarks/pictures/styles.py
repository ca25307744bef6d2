"""Makes the small pictures of styles and presets that the page shows, with Seedling.

    python benchmarks/pictures/styles.py      # writes samples.webp and samples.json in compare/page/static/styles

The same subject from the same seed for each. Seedling has learnt thirteen styles; of the others it draws what it knows
of their words, and so the page says. Presets that need another model have no picture.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

# isort: split

sys.path.insert(0, str(Path(__file__).parents[2]))

from PIL import Image

from generate.choices import PRESETS, all_styles, combined_settings
from generate.choices.store import BUILT_IN
from generate.models import OpenModel, open_model
from generate.render.series import Frame, render_series
from generate.settings import RenderSettings
from ideation import TokenBudget, given_pair

SUBJECT = "a cat riding a bicycle on a beach"
SEED, STEPS = 12, 12
SIDE, COLUMNS, QUALITY = 72, 12, 68
STATIC = Path(__file__).parents[2] / "compare" / "page" / "static" / "styles"


def pictures(model: OpenModel) -> dict[str, Image.Image]:
    """By "style/NAME" and "preset/NAME"."""
    pair = given_pair(SUBJECT, SUBJECT, SUBJECT, "", TokenBudget(model.tokenizer_file, vectors={}))
    styles = {name: style for name, style in all_styles().items() if style.source == BUILT_IN}
    settings = RenderSettings(num_inference_steps=STEPS)
    frames = [Frame(style.wrap(SUBJECT), SEED) for style in styles.values()]
    made = {}
    for name, found in zip(styles, render_series(frames, pair, settings, model), strict=True):
        made[f"style/{name}"] = found.image
        print(f"\r{len(made)} of {len(frames)}", end="", file=sys.stderr)
    for name, preset in PRESETS.items():
        chosen = combined_settings(preset)
        if preset.source == BUILT_IN and chosen.get("model", model.name) == model.name:
            (found,) = render_series([Frame(SUBJECT, SEED)], pair, replace(settings, **chosen), model)
            made[f"preset/{name}"] = found.image
    return made


def main() -> None:
    made = pictures(open_model("seedling", device="cpu"))
    rows = -(-len(made) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * SIDE, rows * SIDE), "white")
    for number, image in enumerate(made.values()):
        small = image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        sheet.paste(small, (number % COLUMNS * SIDE, number // COLUMNS * SIDE))
    sheet.save(STATIC / "samples.webp", quality=QUALITY, method=6)
    told = {"subject": SUBJECT, "seed": SEED, "side": SIDE, "columns": COLUMNS, "names": list(made)}
    (STATIC / "samples.json").write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
