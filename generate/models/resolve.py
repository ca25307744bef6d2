"""Model names: what a name stands for, on this machine or on the hub, without loading anything. Torch is not needed."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath, PureWindowsPath

from generate.families import FAMILIES, OF_OTHER_SIZES, Family
from generate.models.architecture import configuration, family_of_folder, pipeline_class, vocabulary_entries
from generate.models.catalog import (
    EMBEDDINGS,
    LORAS,
    VAES,
    ModelName,
    embedded_loras,
    known_models,
    models_folder,
    with_rest,
)
from generate.models.clip_tokenizer import find_clip_tokenizer, tokenizer_file
from generate.models.companion import companions
from generate.models.weights.weight_file import PICKLES, ModelError, first_line, read_weight_file, require_pickle
from ideation import Vocabulary, WordLists, built_in_words, nearest, seedling_words

_HUB_ID = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?:@([A-Za-z0-9][\w.-]*(?:/[\w-][\w.-]*)*))?")
_PLACES = {"lora": LORAS, "embedding": EMBEDDINGS, "vae": VAES}


def find_model(name: str, *, revision: str | None = None, allow_pickle: bool = False) -> ModelName:
    """What `name` stands for: a known model, the path of a model folder or weight file, or a hub id.

    A file in the models folder may be named without its ending, a hub id with a revision: `owner/name@revision`.
    Raises `ModelError`, for an unknown name with the nearest.
    """
    known = known_models()
    found = _named(name, [model for model in known if model.renders or model.kind == "broken"]) or _at(name)
    if found is None and (on_hub := _HUB_ID.fullmatch(f"{name}@{revision}" if revision else name)):
        return ModelName(name, "hub", None, revision=on_hub[2])
    if found is not None and revision is not None:
        raise ModelError("{name} is here and has no revisions", hint="a revision is of a hub id, owner/name", name=name)
    if found is None and (part := _named(name, known)) is not None:
        found = part
    folders = [model.path for model in known if model.kind == "folder" and model.path is not None]
    if found is None:
        raise ModelError(
            "unknown model {name!r}",
            hint="{nearest}; or give a folder, a .safetensors file, or a hub id such as owner/name",
            name=name,
            nearest=nearest(name, [model.name for model in known if model.renders]),
        )
    if found.rest is None:
        found = with_rest(found, folders)
    if found.kind == "transformer" and found.rest is None and found.path is not None:
        several = companions(read_weight_file(found.path), folders)
        raise ModelError(
            "{path} is a transformer of {title} without text encoders and VAE, and which folder has them cannot be told"
            if several
            else "{path} is a transformer of {title} without text encoders and VAE",
            hint="move the folder that is meant beside it, as {beside}: {folders}"
            if several
            else "put the folder of a whole model of that make beside it, as {beside}, or into the models folder",
            path=found.path,
            title=FAMILIES[found.family].title,
            beside=found.path.with_suffix(""),
            folders=", ".join(folder.name for folder in several),
        )
    return _usable(found, ("embedded", "folder", "checkpoint", "transformer", "pickle"), "model", allow_pickle)


def require_model(name: str, *, revision: str | None = None, allow_pickle: bool = False) -> Family | None:
    """The family of the model with that name, as `family_of` tells it, for one on the hub by its small files.

    Fails in a moment where opening the model would load torch first. Raises `ModelError`.
    """
    found = find_model(name, revision=revision, allow_pickle=allow_pickle)
    if found.path is not None and found.folder is None:
        tokenizer_of(found)
        return FAMILIES.get(found.family)
    return _family_in(
        found.folder or hub_folder(found, "model_index.json", "unet/config.json", "transformer/config.json")
    )


def _family_in(folder: Path) -> Family | None:
    return FAMILIES.get(family_of_folder(folder).name)


def family_of(name: str) -> Family | None:
    """The family of the model with that name; None where nobody can tell without loading or fetching it: there is no
    such model, it is on the hub, a pickle, or of other sizes than the published ones.

    >>> family_of("seedling").context_width
    192
    >>> family_of("owner/name") is None
    True
    """
    family = FAMILIES.get(name)
    if family is not None and family.embedded is not None:  # that name is nobody else's
        return family
    try:
        found = find_model(name)
        if found.folder is not None:
            return _family_in(found.folder)
    except ModelError:
        return None
    return FAMILIES.get(found.family)


def vocabulary_of(name: str) -> Vocabulary | None:
    """All words that the model with that name knows; None where it knows any word, or where nobody can tell.

    >>> vocabulary_of("seedling").unknown_words("a dog on a trampoline")
    ['trampoline']
    >>> vocabulary_of("owner/name") is None
    True
    """
    family = family_of(name)
    return family.vocabulary() if family is not None and family.vocabulary is not None else None


def known_words(name: str) -> WordLists:
    """What a concept for the model with that name is drawn from: the words that it has learnt, where that is known,
    else all."""
    return words_for(vocabulary_of(name))


def words_for(vocabulary: Vocabulary | None) -> WordLists:
    """The same for a model of that vocabulary; None stands for one that knows any word."""
    return built_in_words() if vocabulary is None else seedling_words(vocabulary)


def find_vae(name: str, *, allow_pickle: bool = False) -> ModelName:
    """The VAE with that name: a file in the models folder or its `vae/`, a path, or a hub id. A folder holds a VAE or a
    model with one. Raises `ModelError`."""
    known = [model for model in known_models() if model.kind in ("vae", "folder", "pickle", "broken")]
    found = _named(name, known) or _at(name, folder_of="config.json")
    if found is not None:
        return _usable(found, ("vae", "folder", "pickle"), "VAE", allow_pickle)
    if on_hub := _HUB_ID.fullmatch(name):
        return ModelName(name, "hub", None, revision=on_hub[2])
    raise ModelError(
        "unknown VAE {name!r}",
        hint="put its file into {folder}, or give a path or a hub id; {nearest}",
        name=name,
        folder=models_folder() / VAES,
        nearest=nearest(name, [model.name for model in known if model.kind == "vae"]),
    )


def vae_path(found: ModelName) -> Path:
    """The file or folder of a VAE that was found, fetched from the hub if need be; of a model's folder its VAE's."""
    path = found.path or hub_folder(found, "config.json", "diffusion_pytorch_model.safetensors", "vae/*")
    return path / "vae" if (path / "vae" / "config.json").is_file() else path


def find_part(what: str, name: str, *, allow_pickle: bool = False) -> ModelName:
    """The "lora" or "embedding" with that name, as it stands in a prompt: the name of a file without its ending.

    It lies in the models folder or in its `loras/` or `embeddings/`; in a subfolder of these it has the path from
    there, or its own name where that is the only one. A LoRA may also be a hub id, with the file that is meant behind
    it where there is more than one: owner/name/file.safetensors (see `hub_file`). Raises `ModelError` for names that
    could lead out of these folders, links that do, and files that are broken or something else.
    """
    require_plain_name("a lora" if what == "lora" else "an embedding", name)
    place = models_folder() / _PLACES[what]
    known = [
        model
        for model in known_models()
        if model.kind == what or (model.path is not None and model.path.is_relative_to(place))
    ]
    wanted = name.removesuffix(".safetensors")
    ours = embedded_loras() if what == "lora" else []
    found = (
        [model for model in known if model.name == wanted]
        or [model for model in known if model.name.rpartition("/")[2] == wanted]
        or [model for model in ours if model.name == wanted]
    )
    if len({model.name for model in found}) > 1:
        raise ModelError(
            "there is more than one {what} {name!r}",
            hint="name one of {found}",
            what=what,
            name=name,
            found=", ".join(model.name for model in found),
        )
    if found:
        found.sort(key=lambda model: model.kind != what)  # before a pickle of the same name
        return _usable(found[0], (what, "pickle") if what == "embedding" else (what,), what, allow_pickle)
    if what == "lora" and (on_hub := _HUB_ID.fullmatch(hub_file(name)[0])):
        return ModelName(on_hub[0], "hub", None, revision=on_hub[2])
    names = [model.name for model in (*known, *ours)]
    raise ModelError(
        "unknown {what} {name!r}",
        hint="{nearest}; or put its .safetensors file into {place}"
        if names
        else "put its .safetensors file into {place}",
        nearest=nearest(name, names),
        what=what,
        name=name,
        place=place,
    )


def find_tokenizer(name: str, *, revision: str | None = None, allow_pickle: bool = False) -> Path:
    """The `tokenizer.json` of the model with that name, on the hub if need be. Raises `ModelError`."""
    return tokenizer_file(tokenizer_of(find_model(name, revision=revision, allow_pickle=allow_pickle)))


def tokenizer_of(model: ModelName) -> Path:
    """The folder of the tokenizer by which the model's prompts are counted. Raises `ModelError`."""
    if model.path is None:
        counted = _counted_tokenizer(hub_folder(model, "model_index.json"))
        return hub_folder(model, f"{counted}/*") / counted
    if model.folder is not None:
        return model.folder / _counted_tokenizer(model.folder)
    entries = None
    if model.path.suffix.lower() == ".safetensors":  # a pickle tells nothing before it is loaded
        weights = read_weight_file(model.path)
        configuration(model.path, weights.shapes, weights.metadata)
        entries = vocabulary_entries(model.path, weights.shapes)
    return find_clip_tokenizer(model.path, entries)


def _counted_tokenizer(folder: Path) -> str:
    """All families of one pipeline count by the same."""
    return OF_OTHER_SIZES[pipeline_class(folder)].counted_tokenizer


def require_plain_name(what: str, name: str) -> None:
    """Raises `ModelError` for a name with which a path could leave its folder, on any system: `..`, absolute, drives.

    Names of adapters and embeddings come out of prompts, and prompts come from anywhere.
    """
    windows, posix = PureWindowsPath(name), PurePosixPath(name)
    if (
        not name.strip()
        or not name.isprintable()
        or windows.drive
        or windows.root
        or posix.is_absolute()
        or name.startswith("~")
        or ".." in windows.parts
    ):
        raise ModelError(
            "{name!r} is no name for {what}",
            hint=(
                "give the name of a file in the models folder, without its ending; `twinseed list models` shows them"
            ),
            name=name[:80],
            what=what,
        )


def hub_folder(model: ModelName, *patterns: str) -> Path:
    """The local copy of the files of a model on the hub that match the `patterns`. Raises `ModelError`."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id(model), revision=model.revision, allow_patterns=list(patterns)))
    except Exception as error:
        raise unreachable(model.name, error) from error


def hub_file(name: str) -> tuple[str, str | None]:
    """`owner/name` and the file of owner/name/file.safetensors; None where no file is named."""
    repository, _, file = name.rpartition("/")
    return (repository, file) if name.count("/") == 2 and file.endswith(".safetensors") else (name, None)


def hub_id(model: ModelName) -> str:
    """`owner/name`, without the revision."""
    return model.name.partition("@")[0]


def unreachable(name: str, error: Exception) -> ModelError:
    """The error for what did not come from the hub, for whatever reason the hub's library gave."""
    reason = error.__cause__ or error  # the cause says what happened, the error around it how to use the library
    if any(type(one).__name__ == "GatedRepoError" for one in (error, reason)):
        return ModelError(
            "the model {name} is gated: its makers want their licence accepted before it is fetched",
            hint="accept it on the model's page, and put the token of that account into HF_TOKEN",
            name=name,
        )
    return ModelError(
        "the model {name} is not on this machine and could not be fetched from the hub: {reason}",
        hint="check the id and the network; without either, --model seedling works offline",
        name=name,
        reason=first_line(reason),
    )


def _named(name: str, known: list[ModelName]) -> ModelName | None:
    """The one with that name; else the file with that name and an ending, if it is the only one."""
    found = [model for model in known if model.name == name]
    if not found and name:
        found = [model for model in known if model.path and not model.path.is_dir() and _stem(model) == name]
    found.sort(key=lambda model: model.kind in ("pickle", "broken"))
    return found[0] if found else None


def _stem(model: ModelName) -> str:
    ending = model.path.suffix if model.path else ""
    return model.name.removesuffix(ending)


def _at(name: str, *, folder_of: str = "model_index.json") -> ModelName | None:
    """The file or folder with that path, if there is one; a folder must have the file `folder_of` in it."""
    try:
        path = Path(name).expanduser()
        if not name or not path.exists():
            return None
    except (OSError, RuntimeError, ValueError):  # a name that no path can have: too long, with U+0000, or ~ of nobody
        return None
    if path.is_dir():
        if (path / "model_index.json").is_file() or (path / folder_of).is_file():
            return ModelName(name, "folder", path)
        raise ModelError(
            "{name} is not a model folder: there is no {folder_of} in it",
            hint="name the folder that a diffusers pipeline was saved in, with model_index.json at its top",
            name=name,
            folder_of=folder_of,
        )
    if path.suffix.lower() in PICKLES:
        return ModelName(name, "pickle", path, path.stat().st_size)
    if path.suffix.lower() == ".safetensors":
        weights = read_weight_file(path)
        return ModelName(name, weights.kind, path, weights.size, weights.family)
    raise ModelError(
        "the model {name} is a file of another kind",
        hint="name a .safetensors file, or a folder in diffusers' layout, with model_index.json at its top",
        name=name,
    )


def _usable(found: ModelName, kinds: tuple[str, ...], what: str, allow_pickle: bool) -> ModelName:
    if found.kind == "broken":
        out = "leads out" in found.problem
        raise ModelError(
            found.problem,
            hint="put the file itself there, or name the folder that it is in with TWINSEED_MODELS"
            if out
            else "save or download it again",
        )
    if found.kind not in kinds:
        raise ModelError(
            "{path} is no {what}: going by its tensors it is a {other}"
            if found.kind in ("checkpoint", "lora", "vae")
            else "{path} is no {what}: going by its tensors it is of kind {other}",
            hint="`twinseed list models` shows what is there, and its kinds",
            path=found.path,
            what=what,
            other=found.kind,
        )
    if found.kind == "pickle" and found.path is not None:
        require_pickle(found.path, allowed=allow_pickle)
    return found
