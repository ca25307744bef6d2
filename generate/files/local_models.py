"""What is here of the models, VAEs, LoRAs and textual inversions that a picture names: nothing is fetched for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from generate.models import ModelError, ModelName, find_part, hub_file, hub_id, require_plain_name
from ideation import Clause

Answer = TypeVar("Answer")


def nearest_found(
    name: str | None, find: Callable[[str | None], tuple[Answer | None, str]]
) -> tuple[str | None, tuple[Answer | None, str]]:
    """The name under which something is found here, and what is found: in the folders that the name says, as other
    systems write them, or without them."""
    answer = find(name)
    if name is None or not answer[1]:
        return name, answer
    plain = name.replace("\\", "/").removesuffix(".safetensors")
    for other in dict.fromkeys((plain, plain.rpartition("/")[2])):
        if other != name and other and not (again := find(other))[1]:
            return other, again
    return name, answer


def model_here(find: Callable[..., ModelName], name: str | None, what: str) -> tuple[ModelName | None, str]:
    """What the picture means, with its folder or file on this machine; or why there is none."""
    if name is None:
        return None, ""
    try:
        require_plain_name(what, name)
        found = find(name, allow_pickle=True)  # whether one may be opened is decided when it is
        return replace(found, path=found.path or _fetched(found)), ""
    except ModelError as problem:
        return None, problem.message


def part_here(what: str, name: str | None) -> tuple[Path | None, str]:
    """The file of a LoRA or a textual inversion on this machine; or why there is none."""
    try:
        found = find_part(what, name or "", allow_pickle=True)
        if found.path is not None:
            return found.path, ""
        files = sorted(_fetched(found).glob(hub_file(name or "")[1] or "*.safetensors"))
        return (
            (files[0], "")
            if len(files) == 1
            else (None, Clause("its file is not on this machine, and a picture has nothing fetched"))
        )
    except ModelError as problem:
        return None, problem.message


def _fetched(found: ModelName) -> Path:
    """What was fetched from the hub before. Raises `ModelError` where nothing was."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id(found), revision=found.revision, local_files_only=True))
    except Exception as error:  # the library raises a dozen kinds
        raise ModelError(
            "{name} is not on this machine, and a picture has nothing fetched", hint="name it yourself", name=found.name
        ) from error
