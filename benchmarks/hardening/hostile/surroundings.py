"""What else surrounds a program: pipes and devices in the place of files, folders that are files, plugins."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.hardening.hostile.case import Hostile, Knock
from commands.concepts import concepts_of
from commands.options import text_in
from compare.runs.gallery import Gallery
from compare.runs.run import Run
from generate.choices.performance import find_performance
from generate.choices.presets import find_preset
from generate.choices.styles import find_style
from generate.clip import open_clip
from generate.files import read_picture
from generate.models import known_models, open_model
from generate.seedling import SEEDLING_FOLDER
from ideation import (
    DraftRequest,
    ExpansionCache,
    OfflineExpander,
    PatternPlan,
    cache_folder,
    checked_template,
    choose_expander,
    known_expanders,
    read_wildcards,
    read_words,
    typed_concept,
)

_MADE: dict[str, Callable[[Path], Any]] = {
    "a pipe without a writer": lambda file: os.mkfifo(file),
    "/dev/zero": lambda file: file.symlink_to("/dev/zero"),
    "a folder": lambda file: file.mkdir(),
}
#: In folders of their names lie other files, and a model needs but one form of its tokenizer.
_MAY_BE_FOLDERS = ("a LoRA", "an embedding", "a model's weights", "a model's tokenizer", "a wildcard")


def devices(run: Path) -> Iterator[Hostile]:
    doors: dict[str, tuple[str, Callable[[Path], Any]]] = {
        "a model": ("evil.safetensors", lambda file: open_model(str(file), device="cpu")),
        "a pickle": ("evil.ckpt", lambda file: open_model(str(file), device="cpu", allow_pickle=True)),
        "a VAE": ("evil.safetensors", lambda file: open_model("seedling", device="cpu", vae=str(file))),
        "a LoRA": ("loras/evil.safetensors", lambda file: open_model("seedling", device="cpu").load([("evil", 1, 1)])),
        "an embedding": (
            "embeddings/evil.pt",
            lambda file: open_model("seedling", device="cpu").load(embeddings=["evil"], allow_pickle=True),
        ),
        "a model's configuration": ("model/unet/config.json", lambda file: open_model(str(file.parents[1]))),
        "a model's weights": (
            "model/unet/diffusion_pytorch_model.safetensors",
            lambda file: open_model(str(file.parents[1])),
        ),
        "a model's tokenizer": ("model/tokenizer/tokenizer.json", lambda file: open_model(str(file.parents[1]))),
        "a picture": ("evil.png", read_picture),
        "a word list": ("words/topics.txt", lambda file: read_words(file.parent)),
        "a wildcard": ("words/evil.txt", lambda file: PatternPlan("__evil__", read_wildcards(file.parent))),
        "a record": ("run/record.json", lambda file: Run.open(file.parent)),
        "a template": ("evil.j2", lambda file: checked_template(str(file))),
        "observations": ("evil.md", text_in),
        "a list of concepts": ("evil.txt", lambda file: concepts_of(None, file, None, "seedling", 0)),
    }
    for door, (place, knock) in doors.items():
        for name, make in _MADE.items():

            def build(folder: Path, place: str = place, make: Any = make, knock: Any = knock) -> Knock:
                file = folder / place
                if place.startswith("model/"):
                    shutil.copytree(SEEDLING_FOLDER, folder / "model")
                elif place.startswith("run/"):
                    shutil.copytree(run, folder / "run")
                file.parent.mkdir(exist_ok=True)
                file.unlink(missing_ok=True)
                make(file)
                return lambda: knock(file)

            if name == "a folder" and door in _MAY_BE_FOLDERS:
                continue
            named = "model" if place.startswith("model/") else Path(place).name
            yield Hostile("pipes, devices and folders", f"{name}, as {door}", build, named)


def folders_that_are_files() -> Iterator[Hostile]:
    doors: dict[str, Callable[[Path], Any]] = {
        "MODELS": lambda file: open_model("seedling", device="cpu"),
        "STYLES": lambda file: find_style("evil"),
        "PRESETS": lambda file: find_preset("evil"),
        "PERFORMANCE": lambda file: find_performance("evil"),
        "RUNS": lambda file: Gallery(file).listing(),
        "CLIP": lambda file: open_clip(str(file)),
    }
    for name, knock in doors.items():

        def build(folder: Path, name: str = name, knock: Callable[[Path], Any] = knock) -> Knock:
            file = folder / "a-file"
            file.write_text("x")
            os.environ[f"TWINSEED_{name}"] = str(file)
            return lambda: knock(file)

        yield Hostile("folders that are files", f"TWINSEED_{name}", build, "a-file")

    def cache(folder: Path) -> Knock:
        (folder / "a-file").write_text("x")
        os.environ["TWINSEED_CACHE"] = str(folder / "a-file")
        return lambda: ExpansionCache(cache_folder()).find("0" * 64) is None

    yield Hostile("folders that are files", "TWINSEED_CACHE: works without", cache, "")


def plugins() -> Iterator[Hostile]:
    """Another distribution's expander, which makes a folder where it is imported."""

    def installed(folder: Path, code: str) -> None:
        distribution = folder / "evil-1.0.dist-info"
        distribution.mkdir()
        (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
        (distribution / "entry_points.txt").write_text(
            "[twinseed.expanders]\nevil = evil_plugin:make\noffline = evil_plugin:make\nauto = evil_plugin:make\n"
        )
        (folder / "evil_plugin.py").write_text(code)
        sys.path.insert(0, str(folder))

    def listed(folder: Path) -> Knock:
        installed(folder, f"import os; os.mkdir({str(folder / 'RAN')!r})")
        return lambda: "evil" in known_expanders() and known_models()[0].name == "seedling"

    def unasked(folder: Path, name: str) -> Knock:
        installed(folder, f"import os; os.mkdir({str(folder / 'RAN')!r})")
        return lambda: isinstance(choose_expander(name, llm_model=None, environ={}), OfflineExpander)

    yield Hostile("plugins are imported where they are asked for", "listed", listed, "")
    for name in ("auto", "offline"):
        yield Hostile(
            "plugins are imported where they are asked for",
            f"one that calls itself {name}",
            lambda folder, name=name: unasked(folder, name),
            "",
        )
    for name, code in {
        "one that cannot be imported": "1 / 0",
        "one that ends the program": "raise SystemExit(3)",
        "one that is none": "make = 7",
        "one that answers nothing": "class make:\n def __init__(self, *a): pass\n def draft(self, r): return 7",
    }.items():

        def asked(folder: Path, code: str = code) -> Knock:
            installed(folder, code)
            request = DraftRequest(typed_concept("a dog"), seed=0, token_limit=77)
            return lambda: choose_expander("evil", llm_model=None, environ={}).draft(request)

        yield Hostile("plugins that are broken", name, asked, "evil")
