"""Model folders: where models and what belongs to them are kept, and names that cannot lead out of there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath

import platformdirs

from generate.models.weight_file import ENDINGS, ModelError

#: Where each kind of file may lie in the models folder, besides its top.
LORAS, EMBEDDINGS, VAES = "loras", "embeddings", "vae"


def models_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where people keep their models: `TWINSEED_MODELS`, or the usual place for the data of programs."""
    return Path(environ.get("TWINSEED_MODELS") or platformdirs.user_data_path("twinseed") / "models")


def leads_out(path: Path, folder: Path) -> bool:
    """Whether `path`, with all links followed, lies outside `folder`."""
    return not path.resolve().is_relative_to(folder.resolve())


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
            f"{name[:80]!r} is no name for {what}",
            hint="give the name of a file in the models folder, without its ending; `twinseed list models` shows them",
        )


def listed(folder: Path, *, deep: bool = False) -> list[Path]:
    """What lies in `folder`, by name; `deep`, in its subfolders as well. Nothing where there is no such folder.

    Raises `ModelError` for a folder that may not be read.
    """
    try:
        return sorted(folder.rglob("*") if deep else folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ModelError(
            f"cannot read the models folder {folder}: {error.strerror}",
            hint="check who may read it, or name another with TWINSEED_MODELS",
        ) from error


def weight_files(folder: Path, *, deep: bool = False) -> Iterator[Path]:
    """The weight files among what is `listed`."""
    yield from (entry for entry in listed(folder, deep=deep) if entry.suffix.lower() in ENDINGS and not entry.is_dir())
