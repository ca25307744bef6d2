"""The CLIP tokenizer of a model: the one that it brings, or the one that is found for a single file, which brings none.

The vocabulary of CLIP is under its own licence and is not shipped; nearly every machine with a model has a copy of it.
"""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from generate.models.catalog import models_folder
from generate.models.weights.weight_file import ModelError, first_line
from generate.seedling import SEEDLING_TOKENIZER
from ideation import read_plain_file

#: How many entries CLIP's own vocabulary has, which all published models use.
CLIP_ENTRIES = 49_408

#: CLIP's own has two million, those of language models ten times as many.
_MAX_BYTES = 50_000_000

# Models on the hub that bring it, in the order in which they are likely to be here; the folder in each.
_ON_THE_HUB = (
    ("stable-diffusion-v1-5/stable-diffusion-v1-5", "tokenizer/"),
    ("openai/clip-vit-large-patch14", ""),
    ("stabilityai/stable-diffusion-xl-base-1.0", "tokenizer/"),
    ("stabilityai/stable-diffusion-2-1", "tokenizer/"),
    ("stabilityai/stable-diffusion-2-1-base", "tokenizer/"),
    ("CompVis/stable-diffusion-v1-4", "tokenizer/"),
    ("runwayml/stable-diffusion-v1-5", "tokenizer/"),
)


def cuts_into_bytes(folder: Path) -> bool:
    """Whether the tokenizer in the folder is ByT5's, which takes every byte for a token and has no vocabulary."""
    try:
        told = json.loads(read_plain_file(folder / "tokenizer_config.json", _MAX_BYTES).decode("utf-8"))
        return bool(told["tokenizer_class"] == "ByT5Tokenizer")
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


@lru_cache
def tokenizer_file(folder: Path) -> Path:
    """The `tokenizer.json` in a tokenizer's folder.

    Most published models bring only a vocabulary and merges; from these one is made, which lasts as long as the
    program runs. Raises `ModelError` when neither is there.
    """
    file = folder / "tokenizer.json"
    if file.is_file():
        if file.stat().st_size > _MAX_BYTES:
            raise ModelError(
                "{file} has more than {most:,} bytes",
                hint="it is no tokenizer: save or download the model again",
                file=file,
                most=_MAX_BYTES,
            )
        return file
    # Without them transformers makes up a tokenizer of two tokens, to which all prompts are alike.
    missing = [part for part in ("vocab.json", "merges.txt") if not (folder / part).is_file()]
    if missing:
        raise ModelError(
            "the model in {parent} has no tokenizer: neither tokenizer.json nor {missing}",
            hint="save or download the model again, with its tokenizer folder",
            parent=folder.parent,
            missing=" and ".join(missing),
        )
    from transformers import AutoTokenizer, CLIPTokenizer

    try:
        # Qwen's has files of the same names. Which of the two it is, its configuration says; the oldest have none.
        kind = AutoTokenizer if (folder / "tokenizer_config.json").is_file() else CLIPTokenizer
        tokenizer = kind.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:
        raise ModelError(
            "the tokenizer in {folder} cannot be read: {error}",
            hint="save or download the model again",
            folder=folder,
            error=first_line(error),
        ) from error
    made = Path(tempfile.mkdtemp(prefix="twinseed-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    tokenizer.backend_tokenizer.save(str(made / file.name))
    return made / file.name


def find_clip_tokenizer(file: Path, entries: int | None = None) -> Path:
    """The folder of a tokenizer with so many `entries` for the single-file model `file`; where that is not known, the
    one that lies beside it, or CLIP's own.

    Looked for in this order: `NAME/tokenizer/` beside `NAME.safetensors`, `tokenizer/` beside it, `tokenizer/` in the
    models folder, the model folders there, the hub's cache on this machine. Raises `ModelError` when none is there.
    """
    own = file.with_suffix("") / "tokenizer"
    if own.is_dir():
        found = _entries(own)
        if found != entries and not (found and entries is None):
            raise ModelError(
                "the tokenizer in {own} has {found} entries, the text encoder in {name} has {entries}",
                hint="it belongs to another model: put the right one there",
                own=own,
                found=found or "no",
                name=file.name,
                entries=entries,
            )
        return own
    entries = CLIP_ENTRIES if entries is None else entries
    for folder in _candidates(file):
        if _entries(folder) == entries:
            return folder
    raise ModelError(
        "{name} brings no tokenizer, as no single file does, and none with {entries} entries is on this machine",
        hint="put vocab.json and merges.txt of {usual} into {folder}"
        if entries == CLIP_ENTRIES
        else "put the model's own vocab.json and merges.txt into {own}",
        name=file.name,
        entries=entries,
        usual=_ON_THE_HUB[1][0],
        folder=models_folder() / "tokenizer",
        own=own,
    )


def _candidates(file: Path) -> Iterator[Path]:
    models = models_folder()
    yield SEEDLING_TOKENIZER.parent
    yield file.parent / "tokenizer"
    yield models / "tokenizer"
    yield from sorted(models.glob("*/tokenizer"))
    from huggingface_hub import try_to_load_from_cache

    for repository, inside in _ON_THE_HUB:
        for name in ("vocab.json", "tokenizer.json"):
            cached = try_to_load_from_cache(repository, f"{inside}{name}")
            if isinstance(cached, str):
                yield Path(cached).parent


def _entries(folder: Path) -> int:
    """How many entries the tokenizer in `folder` has; 0 where there is none that can be read."""
    try:
        if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            return len(json.loads(read_plain_file(folder / "vocab.json", _MAX_BYTES).decode("utf-8")))
        whole = json.loads(read_plain_file(folder / "tokenizer.json", _MAX_BYTES).decode("utf-8"))
        numbers = [*whole["model"]["vocab"].values(), *(added["id"] for added in whole.get("added_tokens", ()))]
        return 1 + int(max(numbers))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return 0
