"""`twinseed --version`: what matters for a bug report, without loading any of it."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version

import typer

#: The libraries that most faults have to do with.
LIBRARIES = ("torch", "diffusers", "transformers", "peft", "accelerate", "safetensors", "streamlit")


def show_version(wanted: bool) -> None:
    """For an option: prints the versions and ends the program."""
    if not wanted:
        return
    print("\n".join(f"{name:<13} {value}" for name, value in versions().items()))
    raise typer.Exit


def versions() -> dict[str, str]:
    """What is here, by name.

    >>> list(versions())[:2]
    ['twinseed', 'python']
    """
    return {
        "twinseed": version("twinseed"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": platform.platform(terse=True) + f", {platform.machine()}, {os.cpu_count()} processors",
        "graphics": _graphics(),
        **{name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        found = version(name)
    except PackageNotFoundError:
        return "not here"
    return found + _made_for() if name == "torch" and "+" not in found else found


def _made_for() -> str:
    """For which graphics PyTorch was built, where its version does not say so."""
    for maker, package in (("CUDA", "nvidia-cuda-runtime"), ("CUDA 12", "nvidia-cuda-runtime-cu12")):
        try:
            return f", with {maker} {version(package)}"
        except PackageNotFoundError:
            continue
    return ""


def _graphics() -> str:
    """What could be rendered on; whether PyTorch can use it, `twinseed doctor` finds out."""
    if os.path.exists("/proc/driver/nvidia/version") or shutil.which("nvidia-smi"):
        return "an NVIDIA driver is here"
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "Apple silicon"
    return "none known of"
