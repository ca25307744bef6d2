"""The files of a judge: its folder on this machine, or fetched from the hub by its id."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

from compare.study.judges.protocol import JudgeError

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(?:@[\w./-]+)?", re.ASCII)
#: Configuration, tokenizer and safe weights; nothing that runs.
_FILES = ("*.json", "*.txt", "*.model", "model*.safetensors")


def require_named(name: str) -> None:
    """Raises `JudgeError` where the name is neither a folder on this machine nor like a hub id."""
    if not (Path(name).expanduser().exists() or _HUB_ID.fullmatch(name)):
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
    from huggingface_hub import snapshot_download

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    identity, _, revision = name.partition("@")
    for offline in (True, False):
        try:
            found = Path(
                snapshot_download(
                    identity, revision=revision or None, allow_patterns=list(_FILES), local_files_only=offline
                )
            )
        except Exception as error:  # the library raises OSError, ValueError, and errors of its HTTP client
            if not offline:
                raise JudgeError(
                    "the judge {name} is not on this machine and could not be fetched from the hub: {reason}",
                    hint="check the id and the network, or give the folder of a model",
                    name=name,
                    reason=first_line(error.__cause__ or error),
                ) from error
        else:
            # The cache of a model of which only the tokenizer was ever needed is no judge yet.
            if not offline or any(found.glob("model*.safetensors")):
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
