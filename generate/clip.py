"""CLIP: vectors of pictures and of words, to be held against each other. Radford et al. 2021, arXiv 2103.00020.

The scorer that the instruments in `compare` look through. Stock `CLIPModel`, in float32 on every device.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generate.families import FAMILIES
from generate.models.architecture import require_no_code
from generate.models.clip_tokenizer import tokenizer_file
from generate.models.devices import choose_device, ran_out_of_memory
from generate.models.resolve import family_of
from generate.models.weights.weight_file import ModelError, digest_of_file, first_line
from ideation import Clause, TokenBudget, spoken

if TYPE_CHECKING:  # they take seconds to load, and which CLIP would score is asked for without opening one
    import torch
    from transformers import CLIPModel

#: The variable with the CLIP for all models but Seedling: a folder or a hub id.
CLIP_VARIABLE = "TWINSEED_CLIP"

#: Taken when one of them is on this machine already. The first two have learnt from other pictures than OpenAI's, whose
#: text encoder draws in Stable Diffusion 1.x and XL: a judge had better not be the painter.
USUAL_CLIPS = (
    "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
    "openai/clip-vit-base-patch16",
    "openai/clip-vit-large-patch14",
)

_HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([A-Za-z0-9][\w.-]*(?:/[\w-][\w.-]*)*))?")
_FILES = ("*.json", "merges.txt", "model*.safetensors")
_NONE_NEEDED = "without a CLIP everything but the scores still works; TWINSEED_CLIP names a folder or a hub id"
_BATCH = 32


class Clip:
    """An open CLIP, which satisfies `compare.instruments.context.Scorer`.

    Every picture and every text is looked at once: vectors are kept for as long as the object lives. Pictures are
    prepared with the model's own settings by Pillow, which does it alike on every machine.
    """

    def __init__(self, name: str, folder: Path, model: CLIPModel, device: str) -> None:
        from transformers import CLIPTokenizer
        from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

        self.name, self.folder, self.device = name, folder, device
        self._model = model
        file = tokenizer_file(folder)  # raises where there is none; the next but one line would make one up
        self._processor = CLIPImageProcessorPil.from_pretrained(str(folder), local_files_only=True)
        self._tokenizer = CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)
        self._budget = TokenBudget(file, self.limit, vectors={})  # CLIP itself knows no textual inversions
        self._images: dict[bytes, NDArray[np.float32]] = {}
        self._texts: dict[str, NDArray[np.float32]] = {}

    @property
    def limit(self) -> int:
        """How many tokens of a text are read, start and end tokens included."""
        return int(self._model.config.text_config.max_position_embeddings)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and contents of the weight files."""
        whole = hashlib.sha256()
        for file in sorted(self.folder.glob("model*.safetensors")):
            whole.update(f"{file.name}:{digest_of_file(file)}\n".encode())
        return whole.hexdigest()

    def image_vectors(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """(n, width) float32, rows of unit length. What the model's settings crop off a wide picture is not seen."""
        sized = [image.convert("RGB") for image in images]
        keys = [hashlib.sha256(f"{image.size}".encode() + image.tobytes()).digest() for image in sized]
        new = {key: image for key, image in zip(keys, sized, strict=True) if key not in self._images}
        # One at a time: a vector's last digits depend on the batch, and must not depend on what else was asked.
        for key, image in new.items():
            pixels = self._processor(images=[image], return_tensors="pt")["pixel_values"]
            self._images[key] = self._encoded(self._image_tower, pixels)[0]
        return self._stacked([self._images[key] for key in keys])

    def text_vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, width) float32, rows of unit length. A prompt's syntax is left out; beyond the limit nothing is read."""
        new = sorted({text for text in texts if text not in self._texts}, key=lambda text: (len(text), text))
        for k in range(0, len(new), _BATCH):
            batch = new[k : k + _BATCH]
            tokens = self._tokenizer(
                [spoken(text) for text in batch],
                padding="longest",
                max_length=self.limit,
                truncation=True,
                return_tensors="pt",
            )
            vectors = self._encoded(self._text_tower, tokens["input_ids"], tokens["attention_mask"])
            self._texts |= dict(zip(batch, vectors, strict=True))
        return self._stacked([self._texts[text] for text in texts])

    def cut(self, text: str) -> tuple[str, ...]:
        """The words of `text` beyond the token limit, which no score here has seen."""
        return self._budget.dropped(text)

    def _image_tower(self, pixels: torch.Tensor) -> torch.Tensor:
        return self._model.visual_projection(self._model.vision_model(pixels).pooler_output)  # type: ignore[no-any-return]

    def _text_tower(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        pooled = self._model.text_model(input_ids=ids, attention_mask=mask).pooler_output
        return self._model.text_projection(pooled)  # type: ignore[no-any-return]

    def _encoded(self, tower: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> NDArray[np.float32]:
        import torch

        try:
            with torch.inference_mode():
                found = tower(*(one.to(self.device) for one in inputs)).float().cpu()
        except (RuntimeError, MemoryError) as error:
            if not ran_out_of_memory(error):
                raise
            raise _too_large(self.name, self.device) from error
        lengths = found.norm(dim=1, keepdim=True)
        if not bool(torch.isfinite(lengths).all()) or bool((lengths == 0).any()):
            raise ModelError(
                "the CLIP {name} answers with numbers that are none",
                hint="its weights may be broken: download or save it again, or take --device cpu",
                name=self.name,
            )
        vectors: NDArray[np.float32] = (found / lengths).numpy()
        return vectors

    def _stacked(self, rows: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(rows) if rows else np.zeros((0, int(self._model.config.projection_dim)), np.float32)


@dataclass(frozen=True)
class ClipChoice:
    """Which CLIP is to score; `name` is None where there is none, and `reason` says why, as a sentence."""

    name: str | None
    reason: str


def default_clip(model: str, environ: Mapping[str, str] = os.environ) -> ClipChoice:
    """The CLIP for the pictures of `model`: its family's own, if it has one; else the one that `TWINSEED_CLIP` names;
    else a well-known one, if the hub's cache on this machine has it. Nothing is ever downloaded unless it was named."""
    family = family_of(model)
    if family is not None and family.clip is not None:
        return ClipChoice(
            family.name,
            Clause("{name}'s pictures are scored by the CLIP that was grown with it", name=family.name.capitalize()),
        )
    if named := environ.get(CLIP_VARIABLE, "").strip():
        return ClipChoice(named, Clause("{variable} names it", variable=CLIP_VARIABLE))
    from huggingface_hub import try_to_load_from_cache

    for usual in USUAL_CLIPS:
        if all(isinstance(try_to_load_from_cache(usual, file), str) for file in ("config.json", "model.safetensors")):
            return ClipChoice(usual, Clause("it is on this machine already"))
    return ClipChoice(
        None,
        Clause(
            "there is no CLIP on this machine to score these pictures with: set {variable} to the folder of one, or to "
            "a hub id such as {usual}",
            variable=CLIP_VARIABLE,
            usual=USUAL_CLIPS[0],
        ),
    )


def is_here(name: str, *, folders: bool) -> bool:
    """Whether `open_clip` can open it without fetching anything. Without `folders`, no path is followed."""
    if name in FAMILIES:
        return FAMILIES[name].clip is not None
    if folders and _path(name) is not None:
        return True
    if (on_hub := _HUB_ID.fullmatch(name)) is None:
        return False
    from huggingface_hub import try_to_load_from_cache

    def cached(file: str) -> bool:
        return isinstance(try_to_load_from_cache(on_hub[1], file, revision=on_hub[2]), str)

    return cached("config.json") and (cached("model.safetensors") or cached("model.safetensors.index.json"))


def require_clip(name: str) -> None:
    """Raises `ModelError` where `open_clip` cannot open it, as far as that is to be seen without loading or fetching
    anything: one on the hub may be there or not.

    >>> require_clip("seedling"), require_clip("owner/name")
    (None, None)
    """
    folder = FAMILIES[name].clip if name in FAMILIES else None
    if (folder := folder or _path(name)) is not None:
        _require_clip(name, folder)
    else:
        _hub_id(name)


def open_clip(name: str, device: str = "auto") -> Clip:
    """Opens a CLIP: the name of a family that brings one ("seedling"), a folder as `CLIPModel.save_pretrained` leaves
    it with its processor, or a hub id, also with a revision (`owner/name@revision`). What is on this machine is taken
    before the network is asked.

    Raises `ModelError` when it is not there, is something else, or is broken, and `SettingsError` for the device.
    """
    import torch
    from transformers import CLIPModel
    from transformers.utils import logging as transformers_logging

    from generate.models.weights.tensors import require_whole

    device = choose_device(device)
    transformers_logging.disable_progress_bar()
    own = FAMILIES[name].clip if name in FAMILIES else None
    folder = own or _folder(name)
    _require_clip(name, folder)
    try:
        model = CLIPModel.from_pretrained(str(folder), dtype=torch.float32, use_safetensors=True, local_files_only=True)
    except Exception as error:  # the libraries raise OSError, ValueError, RuntimeError, SafetensorError, KeyError ...
        if ran_out_of_memory(error):
            raise
        raise ModelError(
            "the CLIP {name} cannot be loaded from {folder}: {error}",
            hint="files may be missing or cut off: save or download it again (weights must be .safetensors)",
            name=name,
            folder=folder,
            error=first_line(error),
        ) from error
    require_whole(model, f"CLIP in {folder}", folder)
    try:
        model = model.eval().to(device)
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        raise _too_large(name, device) from error
    try:
        return Clip(name, folder, model, device)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            "the CLIP {name} has no settings that can be read in {folder}: {error}",
            hint="preprocessor_config.json and the tokenizer's files belong to it: save or download it again",
            name=name,
            folder=folder,
            error=first_line(error),
        ) from error


def _path(name: str) -> Path | None:
    """The file or folder of that name; None where there is none."""
    try:
        path = Path(name).expanduser()
        return path if name and path.exists() else None
    except (OSError, RuntimeError):  # a name that no path can have
        return None


def _folder(name: str) -> Path:
    if (path := _path(name)) is not None:
        return path
    on_hub = _hub_id(name)
    from huggingface_hub import snapshot_download

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    for offline in (True, False):
        try:
            folder = Path(
                snapshot_download(on_hub[1], revision=on_hub[2], allow_patterns=list(_FILES), local_files_only=offline)
            )
        except Exception as error:
            if not offline:
                reason = error.__cause__ or error
                raise ModelError(
                    "the CLIP {name} is not on this machine and could not be fetched from the hub: {reason}",
                    hint="check the id and the network; {none_needed}",
                    name=name,
                    reason=first_line(reason),
                    none_needed=_NONE_NEEDED,
                ) from error
        else:
            # The cache of a model of which only the tokenizer was ever needed is no CLIP yet.
            if not offline or any(folder.glob("model*.safetensors")):
                return folder
    raise AssertionError("unreachable")


def _hub_id(name: str) -> re.Match[str]:
    on_hub = _HUB_ID.fullmatch(name)
    if on_hub is None:
        raise ModelError(
            "there is no CLIP {name!r}: it is neither a folder on this machine nor a hub id",
            hint="give the folder of a CLIP, or a hub id such as {usual_clips}, or seedling",
            name=name[:200],
            usual_clips=USUAL_CLIPS[0],
        )
    return on_hub


def _require_clip(name: str, folder: Path) -> None:
    if not folder.is_dir() or not (folder / "config.json").is_file():
        raise ModelError(
            "{name} is not the folder of a CLIP: there is no config.json in it",
            hint="name the folder that a CLIPModel was saved in, with its processor",
            name=name,
        )
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(
            "{folder} cannot be read: {error}",
            hint="save or download the CLIP again",
            folder=folder / "config.json",
            error=first_line(error),
        ) from error
    require_no_code(folder)
    if kind != "clip":
        raise ModelError(
            "{name} is no CLIP but a model of the type {kind!r}",
            hint="only CLIPs with both towers, model_type clip, can score pictures here",
            name=name,
            kind=kind,
        )
    if not any(folder.glob("model*.safetensors")):
        raise ModelError(
            "the CLIP {name} has no weights as .safetensors in {folder}",
            hint="take one that has, such as {usual_clips}",
            name=name,
            folder=folder,
            usual_clips=USUAL_CLIPS[0],
        )
    if not (folder / "preprocessor_config.json").is_file():
        raise ModelError(
            "the CLIP {name} has no preprocessor_config.json, which says how it wants to see pictures",
            hint="save its CLIPProcessor into the same folder, or download it again",
            name=name,
        )


def _too_large(name: str, device: str) -> ModelError:
    return ModelError(
        "the CLIP {name} does not fit into the memory of {device}",
        hint="close what else uses it, take a smaller CLIP, or --device cpu",
        name=name,
        device=device,
    )
