"""Models that say how well a picture fits a text: CLIP and what has its architecture (PickScore), SigLIP, BLIP, and
checkpoints in their makers' own form (HPSv2, ImageReward)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.study.judges.files import (
    cannot_open,
    configuration_of,
    is_checkpoint,
    judge_file,
    judge_folder,
    whole_model,
)
from compare.study.judges.protocol import Judged, JudgeError, Shown
from ideation import spoken


class _Eye(Protocol):
    """Says how well each picture fits each text: (pictures, texts)."""

    def fit(self, images: Sequence[Image.Image], texts: Sequence[str]) -> NDArray[np.float32]: ...


class FitJudge:
    """A judge that holds both pictures against both prompts."""

    def __init__(self, name: str, eye: _Eye) -> None:
        self.name, self._eye = name, eye

    def judge(self, shown: Shown) -> Judged:
        """Intent is the fit with the simple prompt, gain the one with the expanded prompt."""
        run, prompts = shown.run, shown.run.record.prompts
        found: Judged = {}
        for seed in run.record.seeds:
            images = [run.image("simple", seed), run.image("expanded", seed)]
            simple, expanded = self._eye.fit(images, [prompts.simple, prompts.expanded]).tolist()
            found[seed] = {"intent": (simple[0], expanded[0]), "gain": (simple[1], expanded[1])}
        return found


def open_fit(name: str, *, allow_pickle: bool = False) -> FitJudge:
    """Opens a model by its folder, its checkpoint, its hub id, or "seedling". Raises `JudgeError`, and `ModelError` for
    a CLIP that is none, and for a pickle that is not allowed."""
    from generate.families import FAMILIES

    if name in FAMILIES:
        return FitJudge(name, _Clip(name))
    if is_checkpoint(name):
        from compare.study.judges.checkpoint import open_checkpoint

        return FitJudge(name, open_checkpoint(name, judge_file(name), allow_pickle=allow_pickle))
    folder = judge_folder(name)
    kind = str(configuration_of(name, folder).get("model_type", ""))
    if kind == "clip" and (folder / "preprocessor_config.json").is_file():
        return FitJudge(name, _Clip(name))
    if kind not in _EYES:
        raise JudgeError(
            "the judge {name} is a model of the type {kind!r}, which does not say how well a picture fits a text",
            hint="take a CLIP (PickScore and HPS are some), a SigLIP or a BLIP that matches pictures with texts, saved "
            "as transformers saves them",
            name=name,
            kind=kind,
        )
    try:
        return FitJudge(name, _EYES[kind](folder))
    except JudgeError:
        raise
    except Exception as error:  # the libraries raise OSError, ValueError, KeyError ...
        raise cannot_open(name, error) from error


class _Clip:
    """Any CLIP; cosines."""

    def __init__(self, name: str) -> None:
        from generate.clip import open_clip

        self._clip = open_clip(name)

    def fit(self, images: Sequence[Image.Image], texts: Sequence[str]) -> NDArray[np.float32]:
        return self._clip.image_vectors(images) @ self._clip.text_vectors(texts).T


class _SigLip:
    """A SigLIP (Zhai et al. 2023, arXiv 2303.15343), of the first or second kind, in float32; cosines."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel

        self._processor = _processor(folder)
        self._model = whole_model(AutoModel, folder)

    def fit(self, images: Sequence[Image.Image], texts: Sequence[str]) -> NDArray[np.float32]:
        # It has learnt texts that are filled up to its whole length.
        plain = [spoken(text) for text in texts]
        given = self._processor(text=plain, padding="max_length", truncation=True, return_tensors="pt")
        seen = self._processor(images=list(images), return_tensors="pt")
        return self._unit(self._model.get_image_features, seen) @ self._unit(self._model.get_text_features, given).T

    def _unit(self, features: Any, given: Any) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            found = features(**given)
        found = getattr(found, "pooler_output", found)  # transformers 5 gives the whole output
        vectors: NDArray[np.float32] = (found / found.norm(dim=-1, keepdim=True)).numpy()
        return vectors


class _Blip:
    """A BLIP that matches pictures with texts (Li et al. 2022, arXiv 2201.12086), in float32; how probable it finds it
    that they belong together."""

    def __init__(self, folder: Path) -> None:
        from transformers import BlipForImageTextRetrieval

        self._processor = _processor(folder)
        self._model = whole_model(BlipForImageTextRetrieval, folder)

    def fit(self, images: Sequence[Image.Image], texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        limit = int(self._model.config.text_config.max_position_embeddings)
        rows = []
        for image in images:
            given = self._processor(
                images=[image] * len(texts),
                text=[spoken(text) for text in texts],
                padding=True,
                truncation=True,
                max_length=limit,
                return_tensors="pt",
            )
            inputs = {name: given[name] for name in ("pixel_values", "input_ids", "attention_mask")}
            with torch.inference_mode():
                scores = self._model(**inputs, use_itm_head=True).itm_score
            rows.append(scores.softmax(-1)[:, 1].numpy())
        return np.stack(rows)


def _bare_clip(folder: Path) -> _Eye:
    """A CLIP that was published as weights alone, as PickScore was: words and pictures are prepared as for all."""
    from transformers import CLIPModel

    from compare.study.judges.towers import Towers

    return Towers(whole_model(CLIPModel, folder), folder)


#: By the type that a model's configuration names.
_EYES: dict[str, Callable[[Path], _Eye]] = {"siglip": _SigLip, "siglip2": _SigLip, "blip": _Blip, "clip": _bare_clip}


def _processor(folder: Path) -> Any:
    from transformers import AutoProcessor
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    return AutoProcessor.from_pretrained(str(folder), local_files_only=True)
