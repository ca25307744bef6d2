"""Hostile weight files: pickles in every disguise, and .safetensors with impossible headers."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.hardening.hostile.case import Hostile, Knock, Touch
from generate.models import open_model


def pickles() -> Iterator[Hostile]:
    def in_torch(folder: Path) -> dict[str, bytes]:
        buffer = io.BytesIO()
        torch.save({"state_dict": {"a": torch.zeros(1), "b": Touch(folder / "RAN")}}, buffer)
        old = io.BytesIO()
        torch.save({"b": Touch(folder / "RAN")}, old, _use_new_zipfile_serialization=False)
        bare = pickle.dumps({"b": Touch(folder / "RAN")})
        return {"zip": buffer.getvalue(), "legacy": old.getvalue(), "bare": bare}

    for disguise in ("zip", "legacy", "bare"):
        for ending in (".ckpt", ".pt", ".bin", ".safetensors"):

            def model(folder: Path, disguise: str = disguise, ending: str = ending) -> Knock:
                (folder / f"evil{ending}").write_bytes(in_torch(folder)[disguise])
                return lambda: open_model(str(folder / f"evil{ending}"), device="cpu", allow_pickle=True)

            yield Hostile("pickles", f"a {disguise} pickle called {ending}", model, f"evil{ending}")

    def lora(folder: Path) -> Knock:
        (folder / "loras").mkdir()
        (folder / "loras" / "evil.safetensors").write_bytes(in_torch(folder)["zip"])
        return lambda: open_model("seedling", device="cpu").load([("evil", 1, 1)])

    def embedding(folder: Path) -> Knock:
        (folder / "embeddings").mkdir()
        (folder / "embeddings" / "evil.pt").write_bytes(in_torch(folder)["zip"])
        return lambda: open_model("seedling", device="cpu").load(embeddings=["evil"], allow_pickle=True)

    def bomb(folder: Path) -> Knock:
        with zipfile.ZipFile(folder / "evil.ckpt", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("archive/data.pkl", pickle.dumps({"a": 1}))
            archive.writestr("archive/data/0", bytes(700_000_000))
        return lambda: open_model(str(folder / "evil.ckpt"), device="cpu", allow_pickle=True)

    yield Hostile("pickles", "a pickle as a LoRA", lora, "evil")
    yield Hostile("pickles", "a pickle as an embedding", embedding, "evil")
    yield Hostile("pickles", "a zip that unpacks to 700 MB", bomb, "evil.ckpt")


def safetensors() -> Iterator[Hostile]:
    def one(shape: Any, offsets: Any, dtype: str = "F32", name: str = "a") -> str:
        return json.dumps({name: {"dtype": dtype, "shape": shape, "data_offsets": offsets}})

    def header(text: str | bytes, length: int | None = None, rest: bytes = b"") -> bytes:
        content = text.encode() if isinstance(text, str) else text
        return struct.pack("<Q", len(content) if length is None else length) + content + rest

    overlapping = json.dumps(
        {name: {"dtype": "F32", "shape": [2], "data_offsets": at} for name, at in (("a", [0, 8]), ("b", [4, 12]))}
    )
    gap = json.dumps(
        {name: {"dtype": "F32", "shape": [1], "data_offsets": at} for name, at in (("a", [0, 4]), ("b", [8, 12]))}
    )
    many = json.dumps({f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(200_000)})
    contents = {
        "a header of 2^63 bytes": header("{}", 2**63),
        "a header of 99 MB of spaces": header(b"{" + b" " * 99_000_000 + b"}"),
        "a header of 2^64 - 1 bytes": header("{}", 2**64 - 1),
        "no header": b"",
        "offsets that overlap": header(overlapping, rest=bytes(12)),
        "offsets with a gap": header(gap, rest=bytes(12)),
        "negative offsets": header(one([2], [-8, 0]), rest=bytes(8)),
        "offsets behind the end": header(one([2], [2**40, 2**40 + 8]), rest=bytes(8)),
        "a shape of 2^80 numbers": header(one([2**40, 2**40], [0, 8]), rest=bytes(8)),
        "a shape of a million dimensions": header(one([1] * 1_000_000, [0, 4]), rest=bytes(4)),
        "duplicate names": header('{"a":%s,"a":%s}' % ((one([1], [0, 4])[6:-1],) * 2), rest=bytes(4)),
        "JSON 100,000 deep": header("[" * 100_000 + "]" * 100_000),
        "JSON 100,000 objects deep": header('{"a":' * 100_000 + "1" + "}" * 100_000),
        "200,000 tensors": header(many),
        "a header of 30 MB of lists": header('{"a":[' + "[]," * 10_000_000 + "[]]}"),
        "a header of 15 MB of lists": header('{"a":[' + "[]," * 5_000_000 + "[]]}"),
        "metadata that are no texts": header('{"__metadata__":[1],' + one([1], [0, 4])[1:], rest=bytes(4)),
        "an ONNX model": b"\x08\x07\x12\x07pytorch\x1a\x032.0:" + bytes(200),
        "a GGUF file": b"GGUF\x03\0\0\0" + bytes(100),
        "a web page": b"<!DOCTYPE html><html><body>Sign in</body></html>",
        "an HDF5 file": b"\x89HDF\r\n\x1a\n" + bytes(100),
        "a TensorFlow Lite model": b"\x1c\0\0\0TFL3" + bytes(100),
        "a script": b"#!/bin/sh\nmkdir RAN\n",
        "a program": b"\x7fELF\x02\x01\x01" + bytes(100),
        "a gzip file": b"\x1f\x8b\x08" + bytes(100),
        "a pointer of git-lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "an unknown kind of number": header(one([2], [0, 8], "X9"), rest=bytes(8)),
        "a number of 10,000 digits": header(one([2], [0, 8]).replace("8", "8" * 10_000), rest=bytes(8)),
        "names out of the terminal's control codes": header(one([1], [0, 4], name="\x1b]0;owned\x07"), rest=bytes(4)),
    }
    for name, content in contents.items():

        def build(folder: Path, content: bytes = content) -> Knock:
            (folder / "evil.safetensors").write_bytes(content)
            return lambda: open_model(str(folder / "evil.safetensors"), device="cpu")

        yield Hostile("safetensors", name, build, "evil.safetensors")
