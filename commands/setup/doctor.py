"""`twinseed doctor`: what is here, and what would run by default."""

from __future__ import annotations

import json
import os
from typing import Any

from commands.terminal.console import cell, folded
from commands.terminal.options import AsJson, runs_folder
from ideation import TwinseedError

#: Bytes that a picture takes beside the model, about.
_FOR_A_PICTURE = 2e9


def doctor(as_json: AsJson = False) -> None:
    """Say what is here and what would run by default. Keys are never shown."""
    from generate.clip import default_clip
    from generate.models import known_models, models_folder
    from generate.models.devices import choose_device, choose_dtype, explain_choice
    from generate.render.libraries import library_versions
    from generate.settings import DEFAULT_MODEL
    from ideation import choose_expander

    device = choose_device("auto")
    problems = []
    expander = llm_model = None
    try:
        chosen = choose_expander("auto", llm_model=None, environ=os.environ)
        expander, llm_model = chosen.name, chosen.llm_model
    except TwinseedError as problem:
        problems.append(f"{problem.message}: {problem.hint}")
    models = []
    try:
        models = [model.name for model in known_models() if model.renders]
    except TwinseedError as problem:
        problems.append(f"{problem.message}: {problem.hint}")
    keys = ("GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "GEMINI_API_ENDPOINT")
    found: dict[str, Any] = {
        "device": device,
        "dtype": choose_dtype("auto", device),
        "why": explain_choice("auto", "auto"),
        "processors": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "expander": expander,
        "llm_model": llm_model,
        "model": DEFAULT_MODEL,
        "models": models,
        "families": _fitting(device),
        "clip": default_clip(DEFAULT_MODEL).name,
        "clip_of_other_models": default_clip("other").name,
        "models_folder": str(models_folder()),
        "runs_folder": str(runs_folder(None)),
        "keys": {name: "set" if os.environ.get(name) else "not set" for name in keys},
        "libraries": library_versions(),
        "problems": problems,
    }
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    for name, value in found.items():
        print(folded(f"{name.replace('_', ' ') + ':':<22} ", cell(value) or "none"))


def _fitting(device: str) -> dict[str, str]:
    """How the models of each family fit into the memory of the device, reckoned from how many parameters they have."""
    from generate.families import FAMILIES
    from generate.models.devices import DTYPES, choose_dtype, memory_of

    memory = memory_of(device)
    told = {}
    for family in FAMILIES.values():
        if family.billions is None or memory is None:
            continue
        each = DTYPES[choose_dtype("auto", device, half=family.half)] * 1e9
        needed, room = (sum(family.billions) * each, max(family.billions) * each), memory - _FOR_A_PICTURE
        if needed[0] <= room:
            told[family.name] = "fits"
        elif not device.startswith("cuda"):
            told[family.name] = "too large"
        else:
            told[family.name] = "in parts" if needed[1] <= room else "in layers, slowly"
    return told
