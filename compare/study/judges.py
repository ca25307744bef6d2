"""Judges: whoever else says how well a picture fits a prompt, behind one small protocol.

The CLIP that looks at every run has its scores in the record. A judge is named by a folder or hub id of another CLIP,
or by the folder of a SigLIP. Each looks at both pictures of a seed against both prompts, and is told apart by its name
in every result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.runs import Run
from compare.study.scores import Both
from ideation import TwinseedError, spoken


class JudgeError(TwinseedError):
    """A judge that is not there, or cannot look."""


class Judge(Protocol):
    """Says of each seed of a run how well its two pictures fit: {"intent": (simple, expanded), "gain": ...}."""

    @property
    def name(self) -> str: ...

    def judge(self, run: Run) -> dict[int, dict[str, Both]]: ...


class _Eye(Protocol):
    """Vectors of unit length for pictures and for texts, in one space."""

    def image_vectors(self, images: Sequence[Image.Image]) -> NDArray[np.float32]: ...
    def text_vectors(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class VectorJudge:
    """A judge that holds vectors of pictures against vectors of prompts, by their cosine."""

    def __init__(self, name: str, eye: _Eye) -> None:
        self.name, self._eye = name, eye

    def judge(self, run: Run) -> dict[int, dict[str, Both]]:
        prompts = run.record.prompts
        on_simple, on_expanded = self._eye.text_vectors([prompts.simple, prompts.expanded])
        found: dict[int, dict[str, Both]] = {}
        for seed in run.record.seeds:
            simple, expanded = self._eye.image_vectors([run.image("simple", seed), run.image("expanded", seed)])
            found[seed] = {
                "intent": (float(simple @ on_simple), float(expanded @ on_simple)),
                "gain": (float(simple @ on_expanded), float(expanded @ on_expanded)),
            }
        return found


class _SigLip:
    """A SigLIP (Zhai et al. 2023, arXiv 2303.15343), of the first or second kind, in float32."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel, AutoProcessor
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        self._processor = AutoProcessor.from_pretrained(str(folder), local_files_only=True)
        self._model = AutoModel.from_pretrained(str(folder), local_files_only=True, use_safetensors=True).eval()

    def image_vectors(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        return self._unit(self._model.get_image_features, self._processor(images=list(images), return_tensors="pt"))

    def text_vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        # It has learnt texts that are filled up to its whole length.
        plain = [spoken(text) for text in texts]
        given = self._processor(text=plain, padding="max_length", truncation=True, return_tensors="pt")
        return self._unit(self._model.get_text_features, given)

    def _unit(self, features: Any, given: Any) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            found = features(**given)
        found = getattr(found, "pooler_output", found)  # transformers 5 gives the whole output
        vectors: NDArray[np.float32] = (found / found.norm(dim=-1, keepdim=True)).numpy()
        return vectors


def open_judge(name: str) -> Judge:
    """Opens the judge of that name: a folder or hub id of a CLIP, the folder of a SigLIP, or "seedling". Raises
    `JudgeError`, and `ModelError` for a CLIP that is none."""
    from generate.clip import open_clip
    from generate.models.architecture import require_no_code

    folder = Path(name).expanduser()
    config = folder / "config.json"
    if config.is_file():
        try:
            kind = json.loads(config.read_text(encoding="utf-8")).get("model_type", "")
        except (OSError, ValueError, AttributeError, RecursionError) as error:
            raise JudgeError(
                "the judge {name} cannot be read: {error}", hint="save or download it again", name=name, error=error
            ) from error
        if str(kind).startswith("siglip"):
            require_no_code(folder)
            try:
                return VectorJudge(name, _SigLip(folder))
            except Exception as error:  # the libraries raise OSError, ValueError, KeyError ...
                raise JudgeError(
                    "the judge {name} cannot be opened: {error}",
                    hint="its files may be missing or cut off: save or download it again, as .safetensors",
                    name=name,
                    error=str(error).splitlines()[0] if str(error) else type(error).__name__,
                ) from error
    return VectorJudge(name, open_clip(name))
