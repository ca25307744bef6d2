"""The catalog: what lies in the models folder, told by looking inside, without loading or running any of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from generate.families import FAMILIES, Reader
from generate.models.architecture import family_of_folder, own_configuration
from generate.models.companion import companions
from generate.models.weights.weight_file import ENDINGS, ModelError, read_weight_file, vectors_in
from ideation import CLIP_LIMIT, Clause, TokenBudget, marks_in, name_of_embedding, require_plain_file

#: Where each kind of file may lie in the models folder, besides its top.
LORAS, EMBEDDINGS, VAES = "loras", "embeddings", "vae"

#: What can be rendered with. Of a pickle nobody knows before it is read.
RENDERS = ("embedded", "folder", "checkpoint", "hub", "pickle")

_ORDER = ("embedded", "folder", "checkpoint", "transformer", "lora", "embedding", "vae", "pickle", "unknown", "broken")


@dataclass(frozen=True)
class ModelName:
    """A model, or a file that belongs to one.

    `kind` is "embedded", "folder", "checkpoint" or "hub" for what can be rendered with, "transformer" for one without
    the rest of its model, which is in the folder `rest` where that is known, "lora", "embedding" or "vae"
    for what goes with a model, "pickle" for a file that is not looked into, "unknown" or "broken". `path` is the
    folder or file, or None for a model on the hub. `size` is the bytes of all weights, 0 where they are not here.
    `family` is a name of `generate.families.FAMILIES` or "unknown"; `problem`, why it is broken; `revision` is of the
    hub.
    """

    name: str
    kind: str
    path: Path | None
    size: int = 0
    family: str = "unknown"
    problem: str = ""
    revision: str | None = None
    rest: Path | None = None

    @property
    def renders(self) -> bool:
        """Whether it is, or may be, a model; LoRAs, embeddings and VAEs are not."""
        return self.kind in RENDERS or self.rest is not None

    @property
    def folder(self) -> Path | None:
        """The folder in diffusers' layout, but for what a single file has; None where there is none here."""
        return self.rest or (self.path if self.path is not None and self.path.is_dir() else None)


def models_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where people keep their models: `TWINSEED_MODELS`, or the usual place for the data of programs."""
    given = environ.get("TWINSEED_MODELS")
    return Path(given).expanduser() if given else platformdirs.user_data_path("twinseed") / "models"


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
        for entry in _listed(folder)
        if (entry / "model_index.json").is_file() and entry.name not in embedded and not _is_configuration(entry)
    ]
    folders = [model.path for model in found if model.kind == "folder" and model.path is not None]
    found += [with_rest(_file_entry(file, folder, folder), folders) for file in _weight_files(folder)]
    for place in (folder / LORAS, folder / EMBEDDINGS, folder / VAES):
        found += [_file_entry(file, place, folder) for file in _weight_files(place, deep=True)]
    return [*embedded.values(), *sorted(found, key=lambda model: _ORDER.index(model.kind))]


def with_rest(model: ModelName, folders: Iterable[Path]) -> ModelName:
    """The model, and of a lone transformer the folder that lends it the rest, where it is one of `folders` alone."""
    if model.kind != "transformer" or model.path is None:
        return model
    rest = companions(read_weight_file(model.path), folders)
    if len(rest) != 1:
        return model
    return replace(model, rest=rest[0], family=family_of_folder(rest[0]).name)


def embedded_loras() -> list[ModelName]:
    """LoRAs that come along with embedded models. One of the same name in the models folder goes before.

    >>> [one.name for one in embedded_loras()]
    ['thermal']
    """
    places = [family.embedded.parent / LORAS for family in FAMILIES.values() if family.embedded is not None]
    return [_file_entry(file, place, place) for place in places for file in _weight_files(place)]


def embedding_vectors() -> dict[str, int]:
    """The number of vectors of each embedding in the models folder, by its name: for `ideation.TokenBudget`.

    The headers of `.safetensors` files tell it. Pickles are not opened for it, and are missing.
    """
    vectors: dict[str, int] = {}
    for model in known_models():
        if model.kind == "embedding" and model.path is not None and model.name not in vectors:
            shape = next(iter(vectors_in(read_weight_file(model.path).shapes).values()))
            vectors[model.name] = shape[0] if len(shape) == 2 else 1
    return vectors


def token_budget(tokenizer_file: Path, limit: int = CLIP_LIMIT, *, chunked: bool = False) -> TokenBudget:
    """The budget of a model with that tokenizer, which counts the textual inversions of the models folder as it does.

    Raises `TokenizerError`.
    """
    vectors = embedding_vectors()
    own_names = {name.rpartition("/")[2]: count for name, count in vectors.items()}  # enough for one in a subfolder
    return TokenBudget(tokenizer_file, limit, vectors=own_names | vectors, chunked=chunked)


def reader_budget(reader: Reader, tokenizer_file: Path) -> TokenBudget:
    """The budget of a text encoder that reads prompts in a template of its makers, and no textual inversions.

    Raises `TokenizerError`.
    """
    before, behind = reader.template_tokens
    if reader.before is not None:
        before += TokenBudget(tokenizer_file, reader.limit, vectors={}).count_words(reader.before())
    around = before, behind
    return TokenBudget(tokenizer_file, reader.limit, vectors={}, around=around)


def embeddings_in(*prompts: str) -> tuple[str, ...]:
    """The names of the known embeddings that stand in any of the prompts, as whole words, in upper or lower case; one
    in a subfolder goes by its path and by its own name. What a prompt calls an embedding is named, known or not."""
    paths = [model.name for model in known_models() if model.kind == "embedding" or _is_pickled_embedding(model)]
    names = dict.fromkeys([*paths, *(path.rpartition("/")[2] for path in paths)])
    found = {folded: None for prompt in prompts for folded in map(str.casefold, _found_in(prompt, names))}
    marks = (mark for prompt in prompts for mark in marks_in(prompt).all if mark.kind == "embedding")
    called = dict.fromkeys(map(name_of_embedding, marks))
    return (
        *(name for name in names if name.casefold() in found),
        *(name for name in called if name.casefold() not in found),
    )


def _found_in(prompt: str, names: Iterable[str]) -> list[str]:
    """The longest names win over those inside them: of "sub/ink", "ink" is a part."""
    return embedding_pattern(names).findall(prompt) if names else []


def embedding_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Finds any of the names in a prompt, the longest first. `names` must not be empty.

    >>> embedding_pattern(["ink", "inky night"]).findall("an INK drawing of an inky night, no inkling")
    ['INK', 'inky night']
    """
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def _folder_entry(entry: Path, folder: Path) -> ModelName:
    out = next((one for one in (entry, *entry.rglob("*")) if one.is_symlink() and _leads_out(one, folder)), None)
    if out is not None:
        return ModelName(entry.name, "broken", entry, problem=_link_out(out, folder))
    try:
        return ModelName(entry.name, "folder", entry, _weights_in(entry), family_of_folder(entry).name)
    except ModelError as problem:
        return ModelName(entry.name, "broken", entry, _weights_in(entry), problem=problem.message)


def _link_out(path: Path, folder: Path) -> Clause:
    return Clause("{path} is a link that leads out of {folder}", path=path, folder=folder)


def _file_entry(file: Path, place: Path, folder: Path) -> ModelName:
    name = file.relative_to(place).as_posix()
    stem = name[: -len(file.suffix)].strip() or name  # in a prompt, a blank before the colon is no part of a name
    if place.name in (LORAS, EMBEDDINGS) and place != folder:
        name = stem
    if _leads_out(file, folder):
        return ModelName(name, "broken", file, problem=_link_out(file, folder))
    try:
        require_plain_file(file)
        if file.suffix.lower() != ".safetensors":
            return ModelName(name, "pickle", file, file.stat().st_size)
        weights = read_weight_file(file)
    except ModelError as problem:
        return ModelName(name, "broken", file, file.stat().st_size if file.is_file() else 0, problem=problem.message)
    except OSError as error:
        return ModelName(
            name, "broken", file, problem=Clause("{path} cannot be read: {reason}", path=file, reason=error.strerror)
        )
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


def _is_pickled_embedding(model: ModelName) -> bool:
    folder = models_folder() / EMBEDDINGS
    return model.kind == "pickle" and model.path is not None and model.path.is_relative_to(folder)


def _leads_out(path: Path, folder: Path) -> bool:
    """Whether `path`, with all links followed, lies outside `folder`."""
    return not path.resolve().is_relative_to(folder.resolve())


def _listed(folder: Path, *, deep: bool = False) -> list[Path]:
    """What lies in `folder`, by name; `deep`, in its subfolders as well. Nothing where there is no such folder.

    Raises `ModelError` for a folder that may not be read.
    """
    try:
        return sorted(folder.rglob("*") if deep else folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ModelError(
            "cannot read the models folder {folder}: {reason}",
            hint="check who may read it, or name another with TWINSEED_MODELS",
            folder=folder,
            reason=error.strerror,
        ) from error


def _weight_files(folder: Path, *, deep: bool = False) -> Iterator[Path]:
    """The weight files among what is `_listed`."""
    yield from (entry for entry in _listed(folder, deep=deep) if entry.suffix.lower() in ENDINGS and not entry.is_dir())
