"""Companions: the folder of a model that lends a lone transformer what its file has not: text encoders, VAE, words."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from generate.models.architecture import configuration_of_part, family_of_folder
from generate.models.weights.weight_file import ModelError, WeightFile

#: The denoisers, by their classes in diffusers, of the families that a file is told to be of; the two that are called
#: FLUX.2 have one.
_DENOISERS = {
    "chroma": "ChromaTransformer2DModel",
    "flux": "FluxTransformer2DModel",
    "flux2": "Flux2Transformer2DModel",
    "lumina2": "Lumina2Transformer2DModel",
    "qwen-image": "QwenImageTransformer2DModel",
    "sd3": "SD3Transformer2DModel",
    "z-image": "ZImageTransformer2DModel",
}

#: What the layers that are told the guidance are called, which some models of a make have and others have not.
_GUIDANCE = ("guidance_in.", "guidance_embedder.")


def companions(weights: WeightFile, folders: Iterable[Path]) -> list[Path]:
    """The folders that can lend the rest to a lone transformer: `NAME/` beside `NAME.safetensors` alone, where it is a
    model's, else those of its make among `folders`."""
    own = weights.path.with_suffix("")
    if (own / "model_index.json").is_file():
        return [own] if _fits(weights, own) else []
    return [folder for folder in folders if _fits(weights, folder)]


def _fits(weights: WeightFile, folder: Path) -> bool:
    try:
        config = configuration_of_part(folder / family_of_folder(folder).denoiser)
    except ModelError:
        return False
    guided = any(part in name for name in weights.shapes for part in _GUIDANCE)
    return config["_class_name"] == _DENOISERS[weights.family] and bool(config.get("guidance_embeds", guided)) == guided
