"""Devices: what is chosen, and what is said about it."""

from __future__ import annotations

import pytest
import torch

from generate.models.devices import (
    DTYPES,
    bf16_in_hardware,
    explain_choice,
    nothing_but_a_cpu,
    require_compiler,
    torch_dtype,
)
from generate.settings import SettingsError


@pytest.mark.parametrize(
    ("there", "asked", "told"),
    [
        ("cpu", ("auto", "auto"), "cpu: neither CUDA nor MPS is here. float32: the exact one"),
        ("cpu", ("cpu", "auto"), "cpu, as asked for. float32: the exact one"),
        ("cpu", ("cpu", "float32"), "cpu, as asked for. float32: as asked for."),
        ("cpu", ("cpu", "float16"), "float16: as asked for, though slow"),
        ("cpu with bf16", ("cpu", "bfloat16"), "bfloat16: as asked for, and this processor has it in hardware."),
        ("cpu with bf16", ("auto", "auto"), "float32: the exact one; bfloat16 would be faster"),
        ("cpu", ("cpu", "bfloat16"), "bfloat16: as asked for, though slow: not in hardware here."),
        (
            "mps",
            ("auto", "auto"),
            "mps: Apple's GPU is here. float32: some models draw black pictures in half precision",
        ),
        ("mps", ("mps", "float16"), "mps, as asked for. float16: as asked for, though some models draw black pictures"),
        ("cuda", ("auto", "auto"), "cuda: Graphics 9000 is here. float16: half the memory and twice the speed"),
        ("cuda", ("cuda:1", "auto"), "cuda:1, as asked for. float16: half the memory"),
        ("cuda", ("auto", "bfloat16"), "cuda: Graphics 9000 is here. bfloat16: as asked for."),
    ],
)
def test_what_was_chosen_and_why(
    there: str, asked: tuple[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there == "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _number: "Graphics 9000")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: there == "mps")
    monkeypatch.setattr("generate.models.devices.bf16_in_hardware", lambda: there == "cpu with bf16")
    assert told in explain_choice(*asked)


def test_what_is_known_without_torch_is_what_torch_finds() -> None:
    assert {name: torch_dtype(name).itemsize for name in DTYPES} == DTYPES
    if nothing_but_a_cpu():
        assert not torch.cuda.is_available()
        assert not torch.backends.mps.is_available()


def test_what_cannot_be_chosen_is_not_explained() -> None:
    with pytest.raises(SettingsError, match="there is no device 'tpu'"):
        explain_choice("tpu", "auto")
    with pytest.raises(SettingsError, match="unknown dtype 'float8'"):
        explain_choice("cpu", "float8")


def test_what_the_processor_has_is_what_torch_finds() -> None:
    told = torch.cpu.get_capabilities()
    if "avx512_bf16" not in told:
        pytest.skip("torch tells nothing about bfloat16 on this processor")
    assert bf16_in_hardware() == bool(told["avx512_bf16"] or told.get("amx_bf16"))


@pytest.mark.parametrize(
    ("there", "device", "message"),
    [
        ("g++", "cpu", None),
        ("nothing", "cpu", "compiling needs a C++ compiler"),
        ("triton", "cuda", None),
        ("nothing", "cuda", "compiling for CUDA needs Triton"),
    ],
)
def test_what_compiling_needs(there: str, device: str, message: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: device == "cuda")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}" if name == there else None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name == there else None)
    if message is None:
        require_compiler(device)
    else:
        with pytest.raises(SettingsError, match=message.replace("+", r"\+")):
            require_compiler(device)
