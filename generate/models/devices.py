"""Devices: where to render, in which number format, and why.

Torch is imported when only it can tell, which takes more than a second.
"""

from __future__ import annotations

import ctypes
import errno
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from functools import cache, lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from generate.settings import SettingsError
from ideation import nearest

if TYPE_CHECKING:
    import torch

#: The number formats, and how many bytes a number takes in each.
DTYPES = {"float32": 4, "float16": 2, "bfloat16": 2}

#: The last is what oneDNN says of a convolution for which it finds none.
_NO_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "bad_alloc",
    "could not create a primitive",
)


def choose_device(name: str) -> str:
    """ "auto" becomes the best device that is there: CUDA, then MPS, then the CPU. Raises `SettingsError`."""
    available = _available()
    if name == "auto":
        return next(device for device in ("cuda", "mps", "cpu") if device in available)
    if name not in available:
        raise SettingsError(
            "there is no device {name!r} on this machine",
            hint="these are there: {available}; leave --device out to take the best of them",
            name=name,
            available=", ".join(available),
        )
    return name


def torch_dtype(name: str) -> torch.dtype:
    """The number format as torch has it."""
    import torch

    dtype: torch.dtype = getattr(torch, name)
    return dtype


def _available() -> list[str]:
    if "torch" not in sys.modules and nothing_but_a_cpu():
        return ["cpu"]
    import torch

    found = ["cpu"]
    if torch.cuda.is_available():
        found += ["cuda", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        found.append("mps")
    return found


@cache
def nothing_but_a_cpu() -> bool:
    """Whether torch, which has not been loaded, could find nothing else: it is a build for CPUs, or the library of
    NVIDIA's driver that it would load is not here. Macs, and builds for AMD's cards, must be asked."""
    if platform.system() not in ("Linux", "Windows") or "rocm" in version("torch"):
        return False
    if version("torch").endswith("+cpu"):
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if platform.system() == "Windows" else "libcuda.so.1")
    except OSError:
        return True
    return False


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether that is what went wrong. CUDA has a class for it, Python another and the system a number; the allocators
    of the CPU and MPS have only words.

    >>> ran_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."))
    True
    >>> ran_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    False
    """
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _NO_MEMORY)
    )


def choose_dtype(name: str, device: str, *, half: str = "float16") -> str:
    """ "auto" becomes `half`, the format that a model was published in, on CUDA, and float32 elsewhere: MPS draws black
    pictures in half precision with some models, and bfloat16 on a CPU is another picture, so it is for who asks for it.
    Raises `SettingsError`."""
    if name == "auto":
        return half if device.startswith("cuda") else "float32"
    if name not in DTYPES:
        raise SettingsError("unknown dtype {name!r}", hint="{nearest}", name=name, nearest=nearest(name, list(DTYPES)))
    return name


def memory_of(device: str) -> int | None:
    """The bytes of memory that the device has in all: of CUDA its own, else the machine's. None where nobody tells."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no such call
        return None


@lru_cache(maxsize=1)
def bf16_in_hardware() -> bool:
    """Whether the processor multiplies in bfloat16 by itself: AVX-512 BF16 or AMX on x86, BF16 on Arm.

    Where it does not, torch goes by way of float32, and bfloat16 is slower than that. False also where nobody can tell,
    as on Windows.
    """
    if platform.system() == "Darwin":
        asked = subprocess.run(
            ["/usr/sbin/sysctl", "-n", "hw.optional.arm.FEAT_BF16"], capture_output=True, text=True, check=False
        )
        return asked.stdout.strip() == "1"
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as told_by_linux:
            lines = (line for line in told_by_linux if line.lower().startswith(("flags", "features")))
            return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(next(lines, "").split())
    except OSError:
        return False


def require_compiler(device: str) -> None:
    """Raises `SettingsError` where torch would look in vain for what it compiles models with: on a CPU for a C++
    compiler, on CUDA for Triton, which comes with torch where there is one."""
    if choose_device(device).startswith("cuda"):
        if importlib.util.find_spec("triton") is None:
            raise SettingsError("compiling for CUDA needs Triton, which is not here", hint="leave the compiling out")
    elif not any(shutil.which(name) for name in (os.environ.get("CXX") or "c++", "g++", "clang++", "cl")):
        raise SettingsError(
            "compiling needs a C++ compiler, and there is none here",
            hint="install one (g++, clang++), name it in CXX, or leave the compiling out",
        )


def explain_choice(device: str, dtype: str) -> str:
    """What `device` and `dtype`, as somebody asked for them, come to on this machine, and why, in a sentence or two.

    Raises `SettingsError`.
    """
    chosen = choose_device(device)
    number_format = choose_dtype(dtype, chosen)
    if device != "auto":
        where = f"{chosen}, as asked for"
    elif chosen == "cuda":
        import torch

        where = f"cuda: {torch.cuda.get_device_name(0)} is here"
    elif chosen == "mps":
        where = "mps: Apple's GPU is here"
    else:
        where = "cpu: neither CUDA nor MPS is here"
    fast = bf16_in_hardware()
    if dtype != "auto":
        why = "as asked for"
        if number_format == "float16" and chosen == "cpu":
            why += ", though slow: CPUs work it out by way of float32"
        elif number_format == "bfloat16" and chosen == "cpu":
            why += ", and this processor has it in hardware" if fast else ", though slow: not in hardware here"
        elif number_format == "float16" and chosen == "mps":
            why += ", though some models draw black pictures in it"
    elif chosen.startswith("cuda"):
        why = "half the memory and twice the speed, and the models were published in it"
    elif chosen == "mps":
        why = "some models draw black pictures in half precision there"
    else:
        why = "the exact one" + ("; bfloat16 would be faster, this processor has it in hardware" if fast else "")
    return f"{where}. {number_format}: {why}."
