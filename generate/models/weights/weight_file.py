"""Weight files: what is inside one, told from its header alone. No tensor is loaded and no pickle opened."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from generate.families import FAMILIES, Family, family_of_sizes
from ideation import Clause, TwinseedError, require_plain_file

#: The endings of files that torch pickles: reading one can run code.
PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin"})

#: The endings of all files that weights are looked for in.
ENDINGS = frozenset({".safetensors", *PICKLES})

#: Bytes. The headers of the largest published models have less than a megabyte; with what trainers write into them, a
#: few. The format itself allows a hundred, out of which JSON can make gigabytes.
_LONGEST_HEADER = 16_000_000

#: Three to a tensor, and published models of pictures have some thousands of these: more are made to keep the reader of
#: JSON busy.
_MOST_BRACKETS = 200_000

_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "F64": 8,
    "I64": 8,
    "U64": 8,
}

#: Formats of less than a byte, of scales alone, and of complex numbers.
_OTHER_FORMATS = frozenset({"F4", "F6_E2M3", "F6_E3M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "C64"})

# How other kinds of file begin, which are often found under a wrong name.
_BEGINNINGS = (
    (b"PK\x03\x04", "a zip file, as torch pickles are"),
    (b"\x80", "a pickle"),
    (b"GGUF", "a GGUF file"),
    (b"version https://git-lfs", "the pointer of git-lfs to a file that was not fetched"),
    (b"<", "a web page"),
    (b"\x89PNG", "a picture"),
    (b"\x1f\x8b", "a gzip file"),
    (b"{", "a text in JSON"),
)


# By what the tensors of adapters are told: by the factors of LoRA and its like, and by names that say less.
_ADAPTER = re.compile(
    r"lora_(down|up|mid|A|B|E)\b|\.lora\.|_lora\.(down|up)\b|lora_linear_layer|\bhada_[wt]\d|\blokr_[wt]\d|^bundle_emb\.|^lllite_"
    r"|\b(oft|boft)_|\bglora_|\bvera_lambda|\bdora_scale|lora_magnitude_vector|\b[ab][12]\.weight$"
)
_CHANGE = re.compile(r"\.(diff|diff_b|[wb]_norm|on_input|set_weight)$")

# What the vectors of an embedding are called where nothing else is: by AUTOMATIC1111, and for the encoders of XL.
_EMBEDDED = frozenset({"emb_params", "string_to_param.*", "*", "clip_l", "clip_g"})

# By what the tensors of a transformer are told, in its makers' names or diffusers': each family's must all be there.
_TRANSFORMERS = {
    "flux2": ("double_stream_modulation_img.",),
    "chroma": ("distilled_guidance_layer.",),
    "flux": ("double_blocks.", "single_blocks."),
    "z-image": ("noise_refiner.", "x_pad_token"),
    "lumina2": ("noise_refiner.", "context_refiner."),
    "sd3": ("joint_blocks.",),
    "qwen-image": ("transformer_blocks.0.img_mod.",),
}

_UNKNOWN = ("unknown", "unknown")
_MOST_SIDES = 8


class ModelError(TwinseedError):
    """A model, or a file that belongs to one, that is not there, cannot be reached, or is broken."""


@dataclass(frozen=True)
class WeightFile:
    """What the header of a `.safetensors` file says: `shapes` by the names of the tensors, and `metadata`.

    `kind` is "checkpoint", "transformer", "lora", "vae", "embedding" or "unknown"; `family` is a name of
    `generate.families.FAMILIES` or "unknown".
    """

    path: Path
    size: int
    shapes: Mapping[str, tuple[int, ...]]
    metadata: Mapping[str, str]
    kind: str
    family: str


def read_weight_file(path: Path) -> WeightFile:
    """Reads the header of a `.safetensors` file and checks it against the file's length.

    Raises `ModelError` for a file that is cut off, or not what its ending says.
    """
    try:
        require_plain_file(path)
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            room = size - 8
            header = stream.read(length) if 2 <= length <= min(room, _LONGEST_HEADER) else b""
    except OSError as error:
        raise ModelError(
            "{path} cannot be read: {reason}", hint="check who may read it", path=path, reason=error.strerror
        ) from error
    if _LONGEST_HEADER < length <= room:
        raise _not_safetensors(
            path, Clause("its header has {length:,} bytes; {most:,} are read", length=length, most=_LONGEST_HEADER)
        )
    if header.count(b"[") + header.count(b"{") > _MOST_BRACKETS:
        raise _not_safetensors(path, Clause("its header has more than {most:,} brackets", most=_MOST_BRACKETS))
    if not header:
        raise _not_safetensors(
            path, Clause("its header would have {length:,} bytes, the file has {size:,}", length=length, size=size)
        )
    try:
        entries = json.loads(header.decode("utf-8"))
        metadata = entries.pop("__metadata__", {})
        shapes, ends = {}, [0]
        for name, entry in entries.items():
            shape = tuple(entry["shape"])
            begin, end = entry["data_offsets"]
            if len(shape) > _MOST_SIDES or not all(map(_is_whole, (*shape, begin, end))):
                raise ValueError(f"{name[:80]!r} has a shape or a place that no tensor has")
            if entry["dtype"] in _OTHER_FORMATS:
                raise ModelError(
                    "{path} holds numbers in the format {format}, which is not read",
                    hint="take the file that was not quantized (float16 or bfloat16)",
                    path=path,
                    format=entry["dtype"],
                )
            if end - begin != math.prod(shape) * _BYTES[entry["dtype"]] or begin < 0 or min(shape, default=0) < 0:
                raise ValueError(f"{name[:80]!r} has {end - begin} bytes and the shape {list(shape)}")
            shapes[name] = shape
            ends.append(end)
        metadata = {str(key): str(value) for key, value in metadata.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = Clause("its header cannot be read, {name}: {said}", name=type(error).__name__, said=str(error)[:99])
        raise _not_safetensors(path, said) from error
    if max(ends) != room - length:
        raise ModelError(
            "{path} is cut off: {ends:,} bytes of tensors should follow its header, {room:,} do",
            hint="download or copy it again",
            path=path,
            ends=max(ends),
            room=room - length,
        )
    kind, family = _classify(shapes)
    return WeightFile(path, size, shapes, metadata, kind, family)


def _is_whole(number: object) -> bool:
    return type(number) is int and abs(number) < 2**63


def require_pickle(path: Path, *, allowed: bool) -> None:
    """Raises `ModelError` where pickles are not allowed, and where the file is none."""
    if not allowed:
        raise ModelError(
            "{name} is a pickle, and reading a pickle can run code",
            hint="take the model's .safetensors file; if there is none and you trust it, allow pickles",
            name=path.name,
        )
    try:
        require_plain_file(path)
        with path.open("rb") as stream:
            beginning = stream.read(64)
    except OSError as error:
        raise ModelError(
            "{path} cannot be read: {reason}", hint="check who may read it", path=path, reason=error.strerror
        ) from error
    if not beginning.startswith((b"PK\x03\x04", b"\x80")):
        found = beginning_of(beginning) or ("a .safetensors file" if _looks_safe(beginning) else "something else")
        raise ModelError(
            "{path} is not what its ending says: it is {found}",
            hint="give it its right ending, or download it again",
            path=path,
            found=found,
        )


def beginning_of(content: bytes) -> str | None:
    """What a file is that begins so, of the kinds that are met under wrong names.

    None for what may be the length of a header: eight bytes with zeros at their end.
    """
    if content[4:8] == bytes(4) and not re.match(rb"\x80[\x04\x05]\x95", content):
        return None
    return next((what for begins, what in _BEGINNINGS if content.startswith(begins)), None)


def digest_of_file(file: Path) -> str:
    """SHA-256 of the file. The hub's cache names each large file by it; where a link tells it, nothing is read."""
    target = file.resolve().name
    if file.is_symlink() and re.fullmatch("[0-9a-f]{64}", target):
        return target
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of_weights(path: Path, vae: Path | None = None, *, rest: Path | None = None) -> str:
    """SHA-256 over a model's weights: of a single file its own, of a folder over the names and contents of all of its
    weight files; another VAE makes another digest, and so does the folder with the rest of a lone transformer."""
    if rest is not None:
        both = f"transformer:{digest_of_file(path)}\nrest:{_digest_of_folder(rest, without='transformer')}\n"
        return hashlib.sha256(both.encode()).hexdigest()
    if vae is not None:
        both = f"model:{digest_of_weights(path)}\nvae:{digest_of_weights(vae)}\n"
        return hashlib.sha256(both.encode()).hexdigest()
    if path.is_file():
        return digest_of_file(path)
    return _digest_of_folder(path)


def _digest_of_folder(path: Path, *, without: str | None = None) -> str:
    whole = hashlib.sha256()
    for file in sorted(path.rglob("*.safetensors")):
        name = file.relative_to(path).as_posix()
        if without is None or not name.startswith(f"{without}/"):
            whole.update(f"{name}:{digest_of_file(file)}\n".encode())
    return whole.hexdigest()


def first_line(error: BaseException) -> str:
    """What a library said, without the advice that follows it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return type(error).__name__
    return " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]


def _not_safetensors(path: Path, problem: Clause) -> ModelError:
    with path.open("rb") as stream:
        found = beginning_of(stream.read(64))
    if found is not None:
        return ModelError(
            "{path} is not what its ending says: it is {found}",
            hint="download it again, as a .safetensors file",
            path=path,
            found=found,
        )
    return ModelError(
        "{path} is no whole .safetensors file: {problem}", hint="download or copy it again", path=path, problem=problem
    )


def _looks_safe(beginning: bytes) -> bool:
    return beginning[8:9] == b"{"


def _classify(shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, str]:
    """Kind and family, by the names that the programs which write such files give to their tensors."""
    if any(_ADAPTER.search(name) for name in shapes):
        return "lora", _family_of_lora(shapes)
    inside = [name.removeprefix("model.diffusion_model.") for name in shapes]
    for transformer, marks in _TRANSFORMERS.items():
        if all(any(name.startswith(mark) for name in inside) for mark in marks):
            return "transformer", transformer
    if any(name.startswith("model.diffusion_model.") for name in shapes):
        return "checkpoint", _name(family_of_checkpoint(shapes))
    if any(_CHANGE.search(name) for name in shapes):
        return "lora", _family_of_lora(shapes)
    stripped = {name.removeprefix("first_stage_model."): shape for name, shape in shapes.items()}
    if "decoder.conv_in.weight" in stripped and "encoder.conv_in.weight" in stripped:
        # One make of VAE serves SD 1.x, 2.x and XL: where its latents fit several families, nobody can tell.
        channels = stripped["decoder.conv_in.weight"][1:2]
        fit = [one.name for one in FAMILIES.values() if channels == (one.latent_channels,)]
        return "vae", fit[0] if len(fit) == 1 else "unknown"
    if {"clip_l", "clip_g"} <= set(shapes):
        return "embedding", "sdxl"
    vectors = vectors_in(shapes)
    if len(vectors) == 1 and (vectors.keys() <= _EMBEDDED or len(shapes) == 1):
        ((name, shape),) = vectors.items()
        family = family_of_sizes(shape[-1])
        if family is not None or name in _EMBEDDED:
            return "embedding", _name(family)
    return ("embedding", "unknown") if vectors and all(re.fullmatch("<.*>", name) for name in shapes) else _UNKNOWN


def vectors_in(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The tensors with the vectors of an embedding and their shapes, by the names that are given to them; others count
    where nothing has one of these names."""
    flat = {name: shape for name, shape in shapes.items() if len(shape) in (1, 2) and math.prod(shape) > 1}
    return {name: shape for name, shape in flat.items() if name in _EMBEDDED} or flat


def family_of_checkpoint(shapes: Mapping[str, tuple[int, ...]]) -> Family | None:
    """The family of a checkpoint in the original layout; None for inpainting models and the XL refiner."""
    channels = shapes.get("model.diffusion_model.input_blocks.0.0.weight", ())[1:2]
    contexts = (shape for name, shape in shapes.items() if name.endswith("attn2.to_k.weight"))
    return _family_of(contexts, channels[0]) if channels else None


def _family_of_lora(shapes: Mapping[str, tuple[int, ...]]) -> str:
    downs = {
        name: shape
        for name, shape in shapes.items()
        if re.search(r"lora_down|lora\.down|layer\.down|lora_A|hada_w1_b", name)
    }
    if any(re.match(r"lora_te2_|text_encoder_2\.", name) for name in downs):
        return "sdxl"
    unet = [shape for name, shape in downs.items() if re.search(r"attn2.*to_[kv]", name)]
    text = [shape for name, shape in downs.items() if re.search(r"self_attn.*([qkv]_proj|to_[qkv])", name)]
    return _name(_family_of(unet or text))


def _family_of(shapes: Iterable[tuple[int, ...]], latent_channels: int | None = None) -> Family | None:
    widths = {shape[1] for shape in shapes if len(shape) > 1}
    return family_of_sizes(widths.pop(), latent_channels) if len(widths) == 1 else None


def _name(family: Family | None) -> str:
    return "unknown" if family is None else family.name
