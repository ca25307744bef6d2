"""Hostile model folders, and names that lead out of the folders that they are for."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from benchmarks.hardening.hostile.case import Hostile, Knock
from compare.runs.gallery import Gallery
from generate.choices.presets import find_preset
from generate.choices.styles import find_style
from generate.models import find_part, known_models, open_model
from generate.seedling import SEEDLING_FOLDER

NAMES = (
    *("../evil", "..", "a/../../evil", "..\\evil", "styles\\..\\..\\evil", "/etc/passwd", "//server/share"),
    *("\\\\server\\x", "C:evil", "C:\\evil", "~/evil", "~root", "", " ", "a\0b", "a\nb"),
)

_INDEX, _SCHEDULER = "model_index.json", "scheduler/scheduler_config.json"
_CODE = {"auto_map": {"AutoModel": "evil.Evil"}}
_VALUES: dict[str, tuple[str, dict[str, Any]]] = {
    "a part from another library": (_INDEX, {"scheduler": ["antigravity", "DDIMScheduler"]}),
    "a part from a file beside it": (_INDEX, {"scheduler": ["evil", "Evil"]}),
    "a part from the standard library": (_INDEX, {"scheduler": ["subprocess", "Popen"]}),
    "a part that is no class of a scheduler": (_INDEX, {"scheduler": ["diffusers", "logging"]}),
    "a part that is a number": (_INDEX, {"scheduler": 7}),
    "a pipeline of its own": (_INDEX, {"_class_name": ["evil", "Evil"]}),
    "an unknown pipeline": (_INDEX, {"_class_name": "EvilPipeline"}),
    "auto_map in the index": (_INDEX, _CODE),
    "auto_map in the U-Net": ("unet/config.json", _CODE),
    "auto_map in the VAE": ("vae/config.json", _CODE),
    "auto_map in the text encoder": ("text_encoder/config.json", _CODE),
    "auto_map in the tokenizer": ("tokenizer/tokenizer_config.json", _CODE),
    "auto_map in the scheduler": (_SCHEDULER, _CODE),
    "a U-Net of nobody's class": ("unet/config.json", {"_class_name": "Evil"}),
    "a VAE of a class in a list": ("vae/config.json", {"_class_name": ["evil", "Evil"]}),
    "a scheduler of nobody's class": (_SCHEDULER, {"_class_name": "Evil"}),
    "a scheduler of 10^9 steps": (_SCHEDULER, {"num_train_timesteps": 10**9}),
    "a U-Net of 10^12 channels": ("unet/config.json", {"block_out_channels": [10**12] * 3}),
    "a U-Net of 9,999 channels": ("unet/config.json", {"block_out_channels": [9_999] * 3}),
    "a U-Net of 10^6 layers": ("unet/config.json", {"layers_per_block": 10**6}),
    "a VAE of 10^6 layers": ("vae/config.json", {"layers_per_block": 10**6}),
    "a text encoder of 10^6 layers": ("text_encoder/config.json", {"num_hidden_layers": 10**6}),
    "a text encoder of 10^9 words": ("text_encoder/config.json", {"vocab_size": 10**9}),
    "a text encoder of 10^9 places": ("text_encoder/config.json", {"max_position_embeddings": 10**9}),
}


def model_folders() -> Iterator[Hostile]:
    def copied(folder: Path) -> Path:
        shutil.copytree(SEEDLING_FOLDER, folder / "evil")
        (folder / "evil" / "evil.py").write_text(f"import os; os.mkdir({str(folder / 'RAN')!r})\n")
        return folder / "evil"

    def opened(model: Path) -> Knock:
        return lambda: open_model(str(model), device="cpu")

    for name, (file, values) in _VALUES.items():

        def changed(folder: Path, file: str = file, values: dict[str, Any] = values) -> Knock:
            model = copied(folder)
            (model / file).write_text(json.dumps(json.loads((model / file).read_text()) | values))
            return opened(model)

        yield Hostile("model folders", name, changed, "evil")

    texts: dict[str, tuple[str, str]] = {
        "an index 100,000 deep": (_INDEX, '{"a":' * 100_000),
        "an index of 100 MB": (_INDEX, " " * 100_000_000 + "{}"),
        "a configuration of 100 MB": ("unet/config.json", "[" + "[]," * 33_000_000 + "1]"),
        "a tokenizer of 60 MB": ("tokenizer/tokenizer.json", "[" + "[]," * 20_000_000 + "1]"),
        "a tokenizer 100,000 deep": ("tokenizer/tokenizer.json", '{"model":' * 100_000),
    }
    for name, (file, text) in texts.items():

        def written(folder: Path, file: str = file, text: str = text) -> Knock:
            model = copied(folder)
            (model / file).write_text(text)
            return opened(model)

        yield Hostile("model folders", name, written, "evil")

    def shards(folder: Path) -> Knock:
        model = copied(folder)
        next((model / "unet").glob("*.safetensors")).rename(folder / "outside.safetensors")
        shard = "../../outside.safetensors"
        content = {"metadata": {"total_size": 1}, "weight_map": {"conv_in.weight": shard}}
        (model / "unet" / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(content))
        return opened(model)

    yield Hostile("model folders", "a list of shards that leads out", shards, "evil")

    def lora(folder: Path) -> Knock:
        (folder / "loras").mkdir()
        save_file({"unet.x.lora_A.weight": torch.zeros(1, 1)}, folder.parent / "outside.safetensors")
        (folder / "loras" / "evil.safetensors").symlink_to(folder.parent / "outside.safetensors")
        return lambda: open_model("seedling", device="cpu").load([("evil", 1, 1)])

    def circle(folder: Path) -> Knock:
        (folder / "evil").symlink_to(folder / "evil2")
        (folder / "evil2").symlink_to(folder / "evil")
        return lambda: open_model("evil", device="cpu")

    def model(folder: Path) -> Knock:
        (folder / "evil").symlink_to(SEEDLING_FOLDER)
        return lambda: open_model("evil", device="cpu")

    def inside(folder: Path) -> Knock:
        config = copied(folder) / "unet" / "config.json"
        config.unlink()
        config.symlink_to("/etc/passwd")
        return lambda: open_model("evil", device="cpu")

    def zero(folder: Path) -> Knock:
        (folder / "evil.safetensors").symlink_to("/dev/zero")
        return lambda: open_model("evil", device="cpu")

    def nowhere(folder: Path) -> Knock:
        (folder / "evil.safetensors").symlink_to(folder / "nothing")
        return lambda: open_model("evil", device="cpu")

    for name, build in {
        "a LoRA that is a link out": lora,
        "a model that is a link out": model,
        "a link out inside a model": inside,
        "links in a circle": circle,
        "a link to /dev/zero": zero,
        "a link to nothing": nowhere,
    }.items():
        yield Hostile("links that lead out", name, build, "evil")


def names(run: Path) -> Iterator[Hostile]:
    """Names that come out of prompts, presets and addresses, with a file where they would lead."""
    doors: dict[str, Callable[[Path, str], Any]] = {
        "LoRA": lambda folder, name: find_part("lora", name),
        "embedding": lambda folder, name: find_part("embedding", name),
        "style": lambda folder, name: find_style(name),
        "preset": lambda folder, name: find_preset(name),
        "run": lambda folder, name: Gallery(folder / "runs").open(name),
    }
    for door, knock in doors.items():
        for name in NAMES:

            def build(folder: Path, name: str = name, knock: Callable[[Path, str], Any] = knock) -> Knock:
                for place in ("loras", "embeddings", "styles", "presets", "runs"):
                    (folder / place).mkdir()
                save_file({"unet.x.lora_A.weight": torch.zeros(1, 1)}, folder / "evil.safetensors")
                shutil.copytree(run, folder / "evil")
                os.chdir(folder / "loras")
                return lambda: knock(folder, name)

            yield Hostile("names that lead out", f"{name!r}, of a {door}", build, repr(name))

    def listed(folder: Path) -> Knock:
        for place in ("a\x1b]0;owned\x07", "b\nc", "\u202edraob"):
            (folder / f"{place}.safetensors").write_bytes(b"x")
        return lambda: len(known_models()) == 4

    yield Hostile("names with orders to the terminal", "three files in the models folder", listed, "")
