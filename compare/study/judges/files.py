"""The files of a judge: its folder or checkpoint on this machine, or fetched from the hub by its id."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compare.study.judges.protocol import JudgeError
from generate.models.weights.weight_file import ENDINGS

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(?:@[\w./-]+)?", re.ASCII)
_HUB_FILE = re.compile(r"([A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)/([\w-][\w.-]*)", re.ASCII)
#: Configuration, tokenizer and safe weights; nothing that runs.
_WORDS = ("*.json", "*.txt", "*.model")
_FILES = (*_WORDS, "model*.safetensors")


def require_named(name: str) -> None:
    """Raises `JudgeError` where the name is neither a folder on this machine nor like a hub id."""
    on_hub = _HUB_ID.fullmatch(name) or (is_checkpoint(name) and _HUB_FILE.fullmatch(name))
    if not (Path(name).expanduser().exists() or on_hub):
        raise JudgeError(
            "there is no judge {name!r}: it is neither a folder on this machine nor a hub id",
            hint="give the folder of a model, or a hub id such as google/siglip2-base-patch16-224",
            name=name[:200],
        )


def judge_folder(name: str) -> Path:
    """The folder of that name; or what the hub has by that id, from this machine before the network is asked. Raises
    `JudgeError`."""
    path = Path(name).expanduser()
    if path.exists():
        return path
    require_named(name)
    # The cache of a model of which only the tokenizer was ever needed is no judge yet.
    return _from_hub(name, _snapshot(name, _FILES), lambda found: any(found.glob("model*.safetensors")))


def is_checkpoint(name: str) -> bool:
    """Whether the name is that of one file, which holds a model in its makers' own form.

    >>> is_checkpoint("THUDM/ImageReward/ImageReward.pt"), is_checkpoint("google/siglip2-base-patch16-224")
    (True, False)
    """
    return Path(name).suffix.lower() in ENDINGS


def judge_file(name: str) -> Path:
    """The checkpoint of that name, or what the hub has by `owner/name/file`. Raises `JudgeError`."""
    path = Path(name).expanduser()
    if path.exists():
        return path
    require_named(name)
    from huggingface_hub import hf_hub_download

    on_hub = _HUB_FILE.fullmatch(name)
    assert on_hub is not None  # noqa: S101 - require_named saw to it
    repository, file = on_hub.groups()
    return _from_hub(
        name, lambda offline: hf_hub_download(repository, file, local_files_only=offline), lambda found: found.is_file()
    )


def words_folder(folder: Path, *, usual: str) -> Path:
    """The folder with the tokenizer: that of the model itself, or the one that such models were taught with, by its hub
    id. Raises `JudgeError`."""
    known = ("tokenizer.json", "vocab.txt", "vocab.json")
    if any((folder / file).is_file() for file in known):
        return folder
    return _from_hub(usual, _snapshot(usual, _WORDS), lambda found: any((found / file).is_file() for file in known))


def _snapshot(name: str, patterns: tuple[str, ...]) -> Callable[[bool], str]:
    from huggingface_hub import snapshot_download

    identity, _, revision = name.partition("@")
    return lambda offline: snapshot_download(
        identity, revision=revision or None, allow_patterns=list(patterns), local_files_only=offline
    )


def _from_hub(name: str, fetch: Callable[[bool], str], whole: Callable[[Path], bool]) -> Path:
    """What `fetch` finds on this machine, if it is whole, or else fetches. Raises `JudgeError`."""
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    for offline in (True, False):
        try:
            found = Path(fetch(offline))
        except Exception as error:  # the library raises OSError, ValueError, and errors of its HTTP client
            if not offline:
                raise JudgeError(
                    "the judge {name} is not on this machine and could not be fetched from the hub: {reason}",
                    hint="check the id and the network, or give the folder of a model",
                    name=name,
                    reason=first_line(error.__cause__ or error),
                ) from error
        else:
            if not offline or whole(found):
                return found
    raise AssertionError("unreachable")


def configuration_of(name: str, folder: Path) -> dict[str, Any]:
    """What `config.json` says. Raises `JudgeError`, and `ModelError` where it wants code that comes with the model."""
    from generate.models.architecture import require_no_code

    try:
        content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("config.json is no object")
    except (OSError, ValueError, RecursionError) as error:
        raise JudgeError(
            "the judge {name} cannot be read: {error}",
            hint="save or download it again",
            name=name,
            error=first_line(error),
        ) from error
    require_no_code(folder)
    return content


def whole_model(kind: Any, folder: Path) -> Any:
    """The model in float32, if its files hold all of its weights: what is missing would be filled in at random. Raises
    `JudgeError`, and whatever the library does."""
    import torch

    model, told = kind.from_pretrained(
        str(folder), local_files_only=True, use_safetensors=True, dtype=torch.float32, output_loading_info=True
    )
    if missing := sorted(told["missing_keys"]):
        raise JudgeError(
            "weights are missing in {folder}: {names}",
            hint="this is another kind of model, or its files are cut off: download it again or take another",
            folder=folder,
            names=", ".join(missing[:3]),
        )
    return model.eval()


def cannot_open(name: str, error: BaseException) -> JudgeError:
    """The error for whatever a library made of a model's files."""
    return JudgeError(
        "the judge {name} cannot be opened: {error}",
        hint="its files may be missing or cut off: save or download it again, as .safetensors",
        name=name,
        error=first_line(error),
    )


def first_line(error: BaseException) -> str:
    """What an error says first, or what it is."""
    said = str(error).strip()
    return said.splitlines()[0][:300] if said else type(error).__name__
