"""The style picker: all styles as small pictures, to be searched and pressed; and such a picture of a preset."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image

from generate.choices.styles import all_styles
from ideation import seedling_vocabulary
from templates import Language

_STATIC = Path(__file__).parents[2] / "static" / "styles"

_mount = st.components.v2.component(
    "twinseed_styles",
    html="""<input class="find" type="search"><div class="grid" role="group"></div>
    <p class="none" role="status" hidden></p>""",
    css=(_STATIC / "picker.css").read_text(encoding="utf-8"),
    js=(_STATIC / "picker.js").read_text(encoding="utf-8"),
)


def style_picker(t: dict[str, Any], language: Language, chosen: list[str], on_press: Callable[[str], None]) -> None:
    """Shows the styles, those that are `chosen` marked; `on_press` is called with the name of the one that was pressed.
    `t` has the sentences. Styles that Seedling has never learnt are paler: their pictures say little of them."""
    key, sheet = "style-picker", _sheet()
    learnt = seedling_vocabulary().names("style")
    _mount(
        key=key,
        data={
            "styles": [
                {
                    "name": name,
                    "label": style.zh if language == "zh-TW" and style.zh else name,
                    "words": f"{style.zh} {style.positive}",
                    "place": sheet["places"].get(f"style/{name}"),
                    "faint": name not in learnt,
                }
                for name, style in all_styles().items()
            ],
            "chosen": chosen,
            "sheet": sheet["address"],
            "columns": sheet["columns"],
            "rows": sheet["rows"],
            "search": t["search"],
            "label": t["label"],
            "none": t["none"],
            "faint": t["faint"],
        },
        on_pressed_change=lambda: on_press(st.session_state[key]["pressed"]),
    )


def sample_of_preset(name: str) -> str | None:
    """The address of a preset's picture with its bytes in it, None where there is none."""
    sheet = _sheet()
    place = sheet["places"].get(f"preset/{name}")
    if place is None:
        return None
    side = sheet["side"]
    left, top = place % sheet["columns"] * side, place // sheet["columns"] * side
    with Image.open(_STATIC / "samples.webp") as image:
        cut = image.crop((left, top, left + side, top + side))
    file = BytesIO()
    cut.save(file, "WEBP", quality=90)
    return _address(file.getvalue())


@lru_cache(maxsize=1)
def _sheet() -> dict[str, Any]:
    """What `benchmarks/pictures/styles.py` has made: the sheet of pictures, and the place of each on it."""
    told = json.loads((_STATIC / "samples.json").read_text(encoding="utf-8"))
    names = told["names"]
    return {
        "side": told["side"],
        "columns": told["columns"],
        "rows": -(-len(names) // told["columns"]),
        "places": {name: place for place, name in enumerate(names)},
        "address": _address((_STATIC / "samples.webp").read_bytes()),
    }


def _address(webp: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"
