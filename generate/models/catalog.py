"""The list of models: what lies in the models folder, told by looking inside, without loading or running any of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from generate.families import FAMILIES
from generate.models.architecture import family_of_folder, own_configuration
from generate.models.model_folders import EMBEDDINGS, LORAS, VAES, leads_out, listed, models_folder, weight_files
from generate.models.weight_file import ModelError, read_weight_file

#: What can be rendered with. Of a pickle nobody knows before it is read.
RENDERS = ("embedded", "folder", "checkpoint", "hub", "pickle")

_ORDER = ("embedded", "folder", "checkpoint", "lora", "embedding", "vae", "pickle", "unknown", "broken")


@dataclass(frozen=True)
class ModelName:
    """A model, or a file that belongs to one.

    `kind` is "embedded", "folder", "checkpoint" or "hub" for what can be rendered with, "lora", "embedding" or "vae"
    for what goes with a model, "pickle" for a file that is not looked into, "unknown" or "broken". `path` is the
    folder or file, or None for a model on the hub. `size` is the bytes of all weights, 0 where they are not here.
    `family` is "sd1", "sd2", "sdxl", "seedling" or "unknown"; `problem`, why it is broken; `revision` is of the hub.
    """

    name: str
    kind: str
    path: Path | None
    size: int = 0
    family: str = "unknown"
    problem: str = ""
    revision: str | None = None

    @property
    def renders(self) -> bool:
        """Whether it is, or may be, a model; LoRAs, embeddings and VAEs are not."""
        return self.kind in RENDERS


def known_models(folder: Path | None = None) -> list[ModelName]:
    """The embedded model, then all that lies in `folder` (the configured one by default): models first, by name.

    Weight files are told apart by their headers; what is broken is listed as broken. LoRAs and embeddings are named as
    in prompts, without their ending; checkpoints and VAEs with it. A folder that is called like the embedded model can
    be named by its path only.
    """
    folder = models_folder() if folder is None else folder
    embedded = {
        family.name: ModelName(family.name, "embedded", family.embedded, _weights_in(family.embedded), family.name)
        for family in FAMILIES.values()
        if family.embedded is not None
    }
    found = [
        _folder_entry(entry, folder)
        for entry in listed(folder)
        if (entry / "model_index.json").is_file() and entry.name not in embedded and not _is_configuration(entry)
    ]
    found += [_file_entry(file, folder, folder) for file in weight_files(folder)]
    for place in (folder / LORAS, folder / EMBEDDINGS, folder / VAES):
        found += [_file_entry(file, place, folder) for file in weight_files(place, deep=True)]
    return [*embedded.values(), *sorted(found, key=lambda model: _ORDER.index(model.kind))]


def _folder_entry(entry: Path, folder: Path) -> ModelName:
    if leads_out(entry, folder):
        return ModelName(entry.name, "broken", entry, problem=f"{entry} is a link that leads out of {folder}")
    try:
        return ModelName(entry.name, "folder", entry, _weights_in(entry), family_of_folder(entry).name)
    except ModelError as problem:
        return ModelName(entry.name, "broken", entry, _weights_in(entry), problem=problem.message)


def _file_entry(file: Path, place: Path, folder: Path) -> ModelName:
    name = file.relative_to(place).as_posix()
    stem = name[: -len(file.suffix)]
    if place.name in (LORAS, EMBEDDINGS) and place != folder:
        name = stem
    if leads_out(file, folder):
        return ModelName(name, "broken", file, problem=f"{file} is a link that leads out of {folder}")
    try:
        if file.suffix.lower() != ".safetensors":
            return ModelName(name, "pickle", file, file.stat().st_size)
        weights = read_weight_file(file)
    except ModelError as problem:
        return ModelName(name, "broken", file, file.stat().st_size if file.is_file() else 0, problem=problem.message)
    except OSError as error:
        return ModelName(name, "broken", file, problem=f"{file} cannot be read: {error.strerror}")
    family = weights.family
    if weights.kind == "checkpoint" and (own := own_configuration(file)) is not None:
        family = _folder_entry(own, folder).family
    return ModelName(stem if weights.kind in ("lora", "embedding") else name, weights.kind, file, weights.size, family)


def _is_configuration(entry: Path) -> bool:
    """Whether the folder is only the configuration of a single file beside it."""
    files = (entry.with_name(f"{entry.name}{end}") for end in (".safetensors", ".ckpt"))
    return any(file.is_file() and own_configuration(file) == entry for file in files)


def _weights_in(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*.safetensors") if file.is_file())
