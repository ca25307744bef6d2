"""Hostile files: refused with a clear error, and nothing of them is run."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generate.models import ModelError, OpenModel, find_model, find_part, known_models, open_model
from generate.models.weights.weight_file import read_weight_file
from generate.seedling import SEEDLING_FOLDER

MARK = "TWINSEED_TEST_MARK"


class Payload:
    """Unpickled by a careless program, it leaves a mark in the environment."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.putenv, (MARK, "1")


class Exec:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"import os; os.environ[{MARK!r}] = '1'",)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "models"
    for name in ("loras", "embeddings", "vae"):
        (folder / name).mkdir(parents=True)
    monkeypatch.setenv("TWINSEED_MODELS", str(folder))
    return folder


@pytest.fixture(scope="module")
def tiny(tiny_folder: Path) -> OpenModel:
    return open_model(str(tiny_folder), device="cpu")


def torch_pickle(content: Any) -> Callable[[Path], None]:
    return lambda file: torch.save(content, file)


def bare_pickle(content: Any) -> Callable[[Path], None]:
    return lambda file: file.write_bytes(pickle.dumps(content)) and None


def code_in(content: Any) -> bool:
    """That the files of this test would run code where they are read carelessly."""
    os.environ.pop(MARK, None)
    pickle.loads(pickle.dumps(content))  # noqa: S301
    return os.environ.pop(MARK, None) is not None


@pytest.mark.parametrize("ending", [".ckpt", ".pt"])
@pytest.mark.parametrize(
    "write",
    [
        torch_pickle({"state_dict": {"a": torch.zeros(1), "b": Exec()}}),
        torch_pickle(Exec()),
        bare_pickle({"state_dict": {"b": Exec()}}),
        bare_pickle(Payload()),
    ],
)
def test_pickles_with_code_in_them(write: Callable[[Path], None], ending: str, tiny: OpenModel, models: Path) -> None:
    assert code_in({"state_dict": {"b": Exec()}})
    file = models / f"evil{ending}"
    write(file)
    with pytest.raises(ModelError, match="is a pickle, and reading a pickle can run code") as caught:
        open_model("evil", device="cpu")
    assert "allow pickles" in caught.value.hint
    calls: list[Callable[[], Any]] = [
        lambda: open_model("evil", device="cpu", allow_pickle=True),
        lambda: open_model(str(file), device="cpu", allow_pickle=True),
        lambda: open_model("seedling", device="cpu", vae=str(file), allow_pickle=True),
        lambda: tiny.load(embeddings=["evil"], allow_pickle=True),
    ]
    shutil.copy(file, models / "embeddings" / f"evil{ending}")
    assert {one.kind for one in known_models()[1:]} == {"pickle"}, "listing looks into none"
    for call in calls:
        with pytest.raises(ModelError, match=r"evil.* (holds more than tensors, and was not read|cannot be read)"):
            call()
    assert MARK not in os.environ
    environment = subprocess.run(["/usr/bin/env"], capture_output=True, text=True, check=True).stdout
    assert f"{MARK}=" not in environment, "nor behind Python's back"


def test_a_squeezed_pickle(models: Path) -> None:
    """torch stores without compression: a kilobyte that unpacks to gigabytes is none of its files."""
    torch.save({"a": torch.zeros(1_000_000)}, models / "plain.ckpt")
    with zipfile.ZipFile(models / "plain.ckpt") as plain, zipfile.ZipFile(models / "bomb.ckpt", "w") as bomb:
        for entry in plain.infolist():
            bomb.writestr(entry.filename, plain.read(entry), zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelError, match="is a compressed zip file, not a torch pickle"):
        open_model("bomb", device="cpu", allow_pickle=True)


NAMES = [
    "../evil",
    "..",
    "a/../../evil",
    "..\\evil",
    "styles\\..\\..\\evil",
    "/etc/passwd",
    "//server/share",
    "\\\\server\\x",
    "C:evil",
    "C:\\evil",
    "~/evil",
    "~root",
    "",
    " ",
    "a\0b",
    "a\nb",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("what", ["lora", "embedding"])
def test_names_that_lead_out(what: str, name: str, tiny: OpenModel, models: Path) -> None:
    save_file({"lora_unet_x.lora_up.weight": torch.zeros(1, 1)}, models.parent / "evil.safetensors")
    with pytest.raises(ModelError, match=r"is no name for an? (lora|embedding)") as caught:
        tiny.load([(name, 1, 1)]) if what == "lora" else tiny.load(embeddings=[name])
    assert "twinseed list models" in caught.value.hint


@pytest.mark.parametrize("form", ["file", "folder", "model"])
def test_links_that_lead_out(form: str, tiny: OpenModel, models: Path) -> None:
    outside = models.parent / "outside"
    outside.mkdir()
    save_file({"unet.x.lora_A.weight": torch.zeros(1, 1)}, outside / "evil.safetensors")
    if form == "file":
        (models / "loras" / "evil.safetensors").symlink_to(outside / "evil.safetensors")
        with pytest.raises(ModelError, match="is a link that leads out of") as caught:
            tiny.load([("evil", 1, 1)])
        assert "put the file itself there" in caught.value.hint
        assert [(one.name, one.kind) for one in known_models()[1:]] == [("evil", "broken")]
    elif form == "folder":
        (models / "loras" / "deep").symlink_to(outside)
        for name in ("evil", "deep/evil"):
            with pytest.raises(ModelError, match=r"unknown lora|leads out of|is not on this machine"):
                tiny.load([(name, 1, 1)])
    else:
        (models / "linked").symlink_to(SEEDLING_FOLDER)
        with pytest.raises(ModelError, match="is a link that leads out of"):
            open_model("linked", device="cpu")
    assert all(one.kind != "lora" for one in known_models())


def test_links_that_stay_inside_are_followed(models: Path) -> None:
    (models / "store").mkdir()
    save_file({"unet.x.lora_A.weight": torch.zeros(1, 1)}, models / "store" / "0123.safetensors")
    (models / "loras" / "ink.safetensors").symlink_to(models / "store" / "0123.safetensors")
    assert find_part("lora", "ink").path == models / "loras" / "ink.safetensors"
    shutil.copytree(SEEDLING_FOLDER, models / "whole")
    weights = next((models / "whole" / "unet").glob("*.safetensors")).rename(models / "store" / "unet.safetensors")
    (models / "whole" / "unet" / "diffusion_pytorch_model.safetensors").symlink_to(weights)
    assert find_model("whole").kind == "folder"
    (models / "whole" / "unet" / "config.json").unlink()
    (models / "whole" / "unet" / "config.json").symlink_to(SEEDLING_FOLDER / "unet" / "config.json")
    with pytest.raises(ModelError, match=r"unet/config\.json is a link that leads out of"):
        find_model("whole")


def header(text: str | bytes, length: int | None = None, rest: bytes = b"") -> bytes:
    content = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(content) if length is None else length) + content + rest


def entry(shape: list[Any], offsets: list[Any], dtype: str = "F32") -> str:
    return json.dumps({"a": {"dtype": dtype, "shape": shape, "data_offsets": offsets}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no whole .safetensors file"),
        (b"1234", "no whole .safetensors file"),
        (header(b"{" + b" " * 16_000_000 + b"}"), "its header has 16,000,002 bytes; 16,000,000 are read"),
        (header("{}", 2**63), "its header would have 9,223,372,036,854,775,808 bytes, the file has 10"),
        (header(entry([2], [0, 8]), 200_000_000, bytes(50)), "its header would have 200,000,000 bytes"),
        (header("{ "), "its header cannot be read, JSONDecodeError"),
        (header("[1]"), "its header cannot be read"),
        (header("[" * 100_000), "its header cannot be read, RecursionError"),
        (header(b"\xff\xfe"), "its header cannot be read, UnicodeDecodeError"),
        (header(entry([2], [0, 8]), rest=bytes(7)), "is cut off: 8 bytes of tensors should follow its header, 7 do"),
        (header(entry([2], [0, 8]), rest=bytes(9)), "is cut off: 8 bytes of tensors should follow its header, 9 do"),
        (header(entry([3], [0, 8]), rest=bytes(8)), "'a' has 8 bytes and the shape"),
        (header(entry([-1, -2], [0, 8]), rest=bytes(8)), "'a' has 8 bytes and the shape"),
        (header(entry([2**40, 2**40], [0, 8]), rest=bytes(8)), "'a' has 8 bytes and the shape"),
        (header(entry([2], [-8, 0]), rest=bytes(8)), "'a' has 8 bytes"),
        (header(entry([2], [0, 8], "X9"), rest=bytes(8)), "its header cannot be read, KeyError"),
        (header(entry([2], [0, 8], "F4"), rest=bytes(8)), "holds numbers in the format F4, which is not read"),
        (header(entry(["2"], [0, 8]), rest=bytes(8)), "its header cannot be read"),
        (header(entry([1] * 9, [0, 4]), rest=bytes(4)), "'a' has a shape or a place that no tensor has"),
        (header(entry([10**4000] * 9, [0, 4]), rest=bytes(4)), "'a' has a shape or a place that no tensor has"),
        (header(entry([1.5], [0, 6]), rest=bytes(6)), "'a' has a shape or a place that no tensor has"),
        (header(entry([True], [0, 4]), rest=bytes(4)), "'a' has a shape or a place that no tensor has"),
        (header('{"a": 3}'), "its header cannot be read, TypeError"),
        (
            b"PK\x03\x04\x00\x00\x08\x08" + bytes(100),
            "is not what its ending says: it is a zip file, as torch pickles are",
        ),
        (pickle.dumps({"a": 1}) + bytes(100), "is not what its ending says: it is a pickle"),
        (b"GGUF\x03" + bytes(100), "it is a GGUF file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "it is the pointer of git-lfs"),
        (b"<!DOCTYPE html><html></html>", "it is a web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "it is a picture"),
        (b'{"error": "access denied"}', "it is a text in JSON"),
    ],
)
def test_files_that_are_not_what_they_say(content: bytes, message: str, tiny: OpenModel, models: Path) -> None:
    """As a model, by name and by path; as a LoRA, an embedding, a VAE; and in the list."""
    for place in (models, models / "loras", models / "embeddings", models / "vae"):
        (place / "odd.safetensors").write_bytes(content)
    listed = known_models()[1:]
    assert [(one.kind, one.size) for one in listed] == [("broken", len(content))] * 4
    assert all(message in one.problem for one in listed)
    calls: list[Callable[[], Any]] = [
        lambda: read_weight_file(models / "odd.safetensors"),
        lambda: open_model("odd", device="cpu"),
        lambda: open_model(str(models / "odd.safetensors"), device="cpu"),
        lambda: open_model("seedling", device="cpu", vae="odd"),
        lambda: tiny.load([("odd", 1, 1)]),
        lambda: tiny.load(embeddings=["odd"]),
    ]
    for call in calls:
        with pytest.raises(ModelError) as caught:
            call()
        assert message in caught.value.message
        assert len(caught.value.hint) > 10


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header(entry([2], [0, 8]), rest=bytes(8)), "is not what its ending says: it is a .safetensors file"),
        (b"<html>", "it is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is the pointer of git-lfs"),
        (b"", "it is something else"),
        (b"PK\x03\x04\x00\x00\x08\x08" + bytes(100), "cannot be read"),
        (b"\x80\x02}" + bytes(100), "holds more than tensors|cannot be read"),
    ],
)
def test_pickles_that_are_none(content: bytes, message: str, models: Path) -> None:
    (models / "odd.ckpt").write_bytes(content)
    with pytest.raises(ModelError, match=message) as caught:
        open_model("odd", device="cpu", allow_pickle=True)
    assert len(caught.value.hint) > 10


def test_a_model_that_names_other_libraries(tiny_folder: Path, models: Path) -> None:
    """Naming a library is enough for diffusers to import it: any program that is installed."""
    shutil.copytree(tiny_folder, models / "odd")
    index = json.loads((models / "odd" / "model_index.json").read_text())
    (models / "odd" / "model_index.json").write_text(
        json.dumps(index | {"scheduler": ["antigravity", "DDIMScheduler"]})
    )
    with pytest.raises(ModelError, match="wants its scheduler from 'antigravity'"):
        open_model("odd", device="cpu")
    (listed,) = known_models()[1:]
    assert (listed.kind, "antigravity" in listed.problem) == ("broken", True)


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("model_index.json", {"auto_map": {"AutoModel": "evil.Evil"}}, "code that comes with the model"),
        ("text_encoder/config.json", {"auto_map": {"AutoModel": "evil.Evil"}}, "code that comes with the model"),
        ("tokenizer/tokenizer_config.json", {"auto_map": {"AutoTokenizer": "evil.Evil"}}, "code that comes with the"),
        ("unet/config.json", {"_class_name": "Evil"}, "is of the class 'Evil', the model of UNet2DConditionModel"),
        ("vae/config.json", {"_class_name": ["evil", "Evil"]}, "the model of AutoencoderKL"),
        ("scheduler/scheduler_config.json", {"_class_name": "Evil"}, "names the scheduler 'Evil', which diffusers has"),
        ("scheduler/scheduler_config.json", {"num_train_timesteps": 10**9}, "names 1000000000 training steps"),
        (
            "unet/config.json",
            {"block_out_channels": [9999] * 3},
            "is not of the weights.*none of them has the size 9999",
        ),
        ("vae/config.json", {"layers_per_block": 10**6}, "is not of the weights beside it: it has .*000000 layers"),
        ("text_encoder/config.json", {"max_position_embeddings": 10**9}, "none of them has the size 1000000000"),
    ],
)
def test_a_model_that_names_code_of_its_own_or_larger_layers_than_it_has(
    file: str, change: dict[str, Any], message: str, tiny_folder: Path, models: Path
) -> None:
    """diffusers would pass the first over and load another model than was meant, and fill the memory for the others."""
    shutil.copytree(tiny_folder, models / "odd")
    config = models / "odd" / file
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    with pytest.raises(ModelError, match=message) as caught:
        open_model("odd", device="cpu")
    assert str(models / "odd") in caught.value.message
    if file.startswith("vae"):
        with pytest.raises(ModelError, match=message):
            open_model("seedling", device="cpu", vae=str(config.parent))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_and_devices_are_not_opened(tiny: OpenModel, tiny_folder: Path, models: Path) -> None:
    """A pipe to which nobody writes would hold the program for ever, a device may never end."""
    shutil.copytree(tiny_folder, models / "folder")
    weights = next((models / "folder" / "unet").glob("*.safetensors"))
    weights.unlink()
    for file in ("odd.safetensors", "odd.ckpt", "loras/ink.safetensors", "embeddings/ink.pt", "vae/odd.safetensors"):
        os.mkfifo(models / file)
    os.mkfifo(weights)
    assert {one.kind for one in known_models()[1:]} == {"broken"}
    calls: list[Callable[[], Any]] = [
        lambda: open_model("folder", device="cpu"),
        lambda: open_model("odd.ckpt", device="cpu", allow_pickle=True),
        lambda: open_model(str(models / "odd.ckpt"), device="cpu", allow_pickle=True),
        lambda: open_model(str(models / "odd.safetensors"), device="cpu"),
        lambda: open_model("seedling", device="cpu", vae=str(models / "vae" / "odd.safetensors")),
        lambda: tiny.load([("ink", 1, 1)]),
        lambda: tiny.load(embeddings=["ink"], allow_pickle=True),
    ]
    for call in calls:
        with pytest.raises(ModelError, match="cannot be read: it is not a regular file"):
            call()


def test_a_models_folder_that_is_a_file(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", __file__)
    with pytest.raises(ModelError, match=r"cannot read the models folder .*: Not a directory"):
        open_model("seedling", device="cpu")


def test_one_thing_in_the_place_of_another(tiny: OpenModel, models: Path) -> None:
    lora = {"unet.x.lora_A.weight": torch.zeros(1, 1), "unet.x.lora_B.weight": torch.zeros(1, 1)}
    vae = {"encoder.conv_in.weight": torch.zeros(1, 3, 1, 1), "decoder.conv_in.weight": torch.zeros(1, 4, 1, 1)}
    for name, tensors in (("ink", lora), ("sharp", vae), ("nothing", {"x": torch.zeros(1)})):
        save_file(tensors, models / f"{name}.safetensors")
        save_file(tensors, models / "embeddings" / f"{name}.safetensors")
    for name, kind in (("ink", "a lora"), ("sharp", "a vae"), ("nothing", "of kind unknown")):
        with pytest.raises(ModelError, match=f"is no model: going by its tensors it is {kind}"):
            find_model(name)
    with pytest.raises(ModelError, match="is no embedding: going by its tensors it is a vae"):
        tiny.load(embeddings=["sharp"])
