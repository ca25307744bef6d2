"""Architectures: what a model is made of, by its small files, by a folder beside it, or by its shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from generate.families import FAMILIES, OF_OTHER_SIZES, Family, family_of_configuration
from generate.models.weights.quantization import require_known_quantization
from generate.models.weights.weight_file import ModelError, family_of_checkpoint, first_line, read_weight_file
from generate.schedulers.table import is_flow
from ideation import Clause, read_plain_file, require_plain_file
from ideation.files import ShallowLoader

#: The libraries whose classes a model_index.json may name: naming a library is enough to have it imported.
_LIBRARIES = (None, "diffusers", "transformers", "stable_diffusion")

# What a model may predict, as headers have it.
_PREDICTIONS = {"v": "v_prediction", "v_prediction": "v_prediction", "epsilon": "epsilon", "eps": "epsilon"}

_UNREADABLE = (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)

#: Bytes.
_MAX_CONFIGURATION = 5_000_000
_MAX_YAML = 100_000  # its reader is slow

#: What a configuration says of the sizes of its tensors.
_SIZES = ("block_out_channels", "hidden_size", "intermediate_size", "vocab_size", "dim")
#: What it says of how many layers there are, one behind the other, and those among them of two kinds.
_LAYERS = ("num_hidden_layers", "transformer_layers_per_block", "num_layers", "num_single_layers", "n_layers")
#: The same of text encoders with a vector for each position, which those with rotary positions have not.
_POSITIONS = ("max_position_embeddings",)
_ROTARY = ("qwen3", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_text", "glm", "gemma2", "mistral3", "ministral3")
#: At least: norms, weights and biases of a residual block or of an attention block.
_TENSORS_OF_A_LAYER = 8

Shapes = Mapping[str, tuple[int, ...]]


def pipeline_class(folder: Path) -> str:
    """The class of pipeline, by its name, that the model in `folder` is made for.

    Raises `ModelError`, for a model that wants code of its own or of other libraries too: nothing would run it, but
    what is drawn without it would be another model.
    """
    try:
        index = _read_json(folder / "model_index.json")
        kind = index["_class_name"]
        listed = {part: value for part, value in index.items() if isinstance(value, list) and part[:1] != "_"}
        # Some pipelines keep numbers beside their parts, as which layers of a text encoder they read.
        parts = {part: value for part, value in listed.items() if not all(type(one) in (int, float) for one in value)}
        libraries = {part: value[0] for part, value in parts.items()}
        classes = {part: value[1] for part, value in parts.items() if value[0] == "diffusers" and part != "scheduler"}
    except _UNREADABLE as error:
        raise ModelError(
            "model_index.json in {folder} cannot be read: {name}: {error}",
            hint="save or download the model again",
            folder=folder,
            name=type(error).__name__,
            error=first_line(error),
        ) from error
    if not (isinstance(kind, str) and kind in OF_OTHER_SIZES):
        raise ModelError(
            "the model in {folder} is a {kind}",
            hint="Twinseed renders with {of_other_sizes}",
            folder=folder,
            kind=kind,
            of_other_sizes=", ".join(dict.fromkeys(family.pipeline for family in FAMILIES.values())),
        )
    for part, library in libraries.items():
        if library not in _LIBRARIES:
            raise ModelError(
                "the model in {folder} wants its {part} from {library!r}, which is no part of such a model",
                hint="nothing is loaded from there, since it could be any program: take another model",
                folder=folder,
                part=part,
                library=library,
            )
    for inside in (folder, *(entry for entry in folder.iterdir() if entry.name in parts and entry.is_dir())):
        require_no_code(inside, classes.get(inside.name))
    return kind


def _read_json(file: Path) -> Any:
    return json.loads(read_plain_file(file, _MAX_CONFIGURATION).decode("utf-8"))


def configuration_of_part(part: Path) -> dict[str, Any]:
    """The configuration of the part of a model in that folder, its `_class_name` in it. Raises what reading it does."""
    config = _read_json(part / "config.json")
    return {**config, "_class_name": str(config["_class_name"])}


def require_no_code(folder: Path, kind: str | None = None) -> None:
    """Raises `ModelError` where a configuration in `folder` names code that comes with the model, or another class than
    `kind`; and where something in there may never end."""
    for file in sorted(entry for entry in folder.iterdir() if not entry.is_dir()):
        try:
            require_plain_file(file)
            content = _read_json(file) if file.name.endswith(("config.json", "model_index.json")) else None
        except FileNotFoundError:  # a link to nowhere
            continue
        except OSError as error:
            raise ModelError(
                "{file} cannot be read: {reason}",
                hint="save or download the model again",
                file=file,
                reason=error.strerror,
            ) from error
        except _UNREADABLE:  # told by whoever has to read it
            continue
        if not isinstance(content, dict):
            continue
        if content.get("auto_map"):
            raise ModelError(
                "{file} wants code that comes with the model (auto_map)",
                hint="nothing is loaded from there, since it could be any program: take another model",
                file=file,
            )
        named = content.get("_class_name", kind)
        if kind is not None and str(named).removeprefix("Flax") != kind:
            raise ModelError(
                "{file} is of the class {named!r}, the model of {kind}",
                hint="nothing is loaded from there, since it could be any program: take another model",
                file=file,
                named=str(named)[:80],
                kind=kind,
            )


def require_proportions(part: Path, weights: Path | None = None) -> None:
    """Raises `ModelError` where the configuration of the part of a model in that folder speaks of more, or of larger
    layers than its weights are, those beside it or those in the file `weights`: built by it, the part would fill the
    memory before it is filled. So it does where the weights are quantized by a library that loads them its own way."""
    try:
        config = _read_json(part / "config.json")
        files = [weights] if weights is not None else part.glob("*.safetensors")
        shapes = [shape for file in files for shape in read_weight_file(file).shapes.values()]
        blocks = max(1, len(config.get("block_out_channels", ())))
        layers = max(
            blocks * max([*_numbers(config.get("layers_per_block")), 0]),
            *(sum(_numbers(config.get(key))) for key in _LAYERS),
        )
        positions = () if config.get("model_type") in _ROTARY else _POSITIONS
        sizes = {number for key in (*_SIZES, *positions) for number in _numbers(config.get(key))}
        heads = [config.get(key) for key in ("num_attention_heads", "attention_head_dim")]
        if "Transformer" in str(config.get("_class_name")) and all(type(one) is int for one in heads):
            sizes.add(heads[0] * heads[1])
    except (ModelError, *_UNREADABLE):  # told by whoever loads it
        return
    if isinstance(config.get("quantization_config"), dict):
        raise ModelError(
            "{file} says that its weights are quantized by {method}, which is not read",
            hint="take the model that was not quantized (float16 or bfloat16)",
            file=part / "config.json",
            method=str(config["quantization_config"].get("quant_method"))[:40],
        )
    if not shapes:
        return
    unknown = sizes - {size for shape in shapes for size in shape}
    if unknown or layers * _TENSORS_OF_A_LAYER > len(shapes):
        raise ModelError(
            "{file} is not of the weights beside it: {fault}",
            hint="save or download the model again",
            file=part / "config.json",
            fault=Clause("none of them has the size {size}", size=str(max(unknown))[:40])
            if unknown
            else Clause("it has {layers} layers, they are {count} tensors", layers=str(layers)[:40], count=len(shapes)),
        )


def _numbers(value: Any) -> list[int]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, int)]


def family_of_folder(folder: Path) -> Family:
    """The family of the model in `folder`, by its pipeline and by the configuration of its denoiser; its name is
    "unknown" where the sizes are of none that is known. Raises `ModelError`."""
    family = OF_OTHER_SIZES[pipeline_class(folder)]
    try:
        index = _read_json(folder / "model_index.json")
        return family_of_configuration(index, _read_json(folder / family.denoiser / "config.json"))
    except _UNREADABLE as error:
        raise ModelError(
            "{denoiser}/config.json in {folder} cannot be read: {name}: {error}",
            hint="save or download the model again",
            denoiser=family.denoiser,
            folder=folder,
            name=type(error).__name__,
            error=first_line(error),
        ) from error


def own_configuration(file: Path) -> Path | None:
    """The folder `NAME/` beside `NAME.safetensors`, if it holds a configuration: a model_index.json, and no weights
    of a denoiser."""
    folder = file.with_suffix("")
    whole = any(file for part in ("unet", "transformer") for file in folder.glob(f"{part}/*.safetensors"))
    return folder if (folder / "model_index.json").is_file() and not whole else None


def configuration(file: Path, shapes: Shapes, metadata: Mapping[str, str]) -> Path:
    """The folder whose configuration the checkpoint `file` is loaded with. Raises `ModelError` where there is none."""
    require_known_quantization(file, shapes, metadata)
    edm = next((name for name in shapes if name.startswith("edm_")), None)
    if edm is not None:
        raise ModelError(
            "{name} was trained in the EDM formulation, as its tensor {tensor} says, and would be drawn as noise",
            hint="take another model: Playground 2.5, CosXL and their like are not read",
            name=file.name,
            tensor=edm,
        )
    own = own_configuration(file)
    if own is not None:
        return own
    family = family_of_checkpoint(shapes)
    first = shapes.get("model.diffusion_model.input_blocks.0.0.weight", ())
    if family is None or family.configuration is None or first[:1] != (family.model_channels,):
        raise ModelError(
            "{name} is not shaped like Stable Diffusion 1.x, 2.x or XL (text to picture)",
            hint="if it is of that make in other sizes, put its configuration into the folder {with_suffix}",
            name=file.name,
            with_suffix=file.with_suffix(""),
        )
    if family.epsilon_configuration is not None and prediction_type(file, shapes, metadata) == "epsilon":
        return family.epsilon_configuration
    return family.configuration


def prediction_type(file: Path, shapes: Shapes, metadata: Mapping[str, str]) -> str | None:
    """ "epsilon" or "v_prediction", where the file or what lies beside it says so; its tensors alone cannot tell.

    Told by the header's `modelspec.prediction_type` or `modelspec.predict_key`, by a tensor `v_pred`, or by the
    original `NAME.yaml`.
    """
    if "v_pred" in shapes:
        return "v_prediction"
    for key in ("modelspec.prediction_type", "modelspec.predict_key"):
        if (name := metadata.get(key, "").strip().lower()) in _PREDICTIONS:
            return _PREDICTIONS[name]
        if name:
            raise ModelError(
                "{name} predicts {what}, going by {key} in its header, and would be drawn as noise",
                hint="models that predict noise (epsilon) or v are read",
                name=file.name,
                what=name[:40],
                key=key,
            )
    original = file.with_suffix(".yaml")
    if not original.is_file():
        return None
    try:
        told = read_plain_file(original, _MAX_YAML).decode("utf-8")
        parameters = yaml.load(told, ShallowLoader)["model"]["params"]  # noqa: S506 - it makes plain values only
        return "v_prediction" if parameters.get("parameterization", "eps") == "v" else "epsilon"
    except (*_UNREADABLE, yaml.YAMLError) as error:
        raise ModelError(
            "{original} cannot be read: {name}",
            hint="it is read as the model's original configuration",
            original=original,
            name=type(error).__name__,
        ) from error


def require_known_training(config: Mapping[str, Any], folder: Path, *, flow: bool = False) -> None:
    """Raises `ModelError` where the model's own scheduler says that it was trained in a way which none here follows.

    `flow` says that its family was trained by flow matching.
    """
    kind, predicts = str(config.get("_class_name")), config.get("prediction_type", "epsilon")
    if flow:
        if not is_flow(config):
            raise ModelError(
                "the model in {folder} names the scheduler {kind}, and its make was trained by flow matching",
                hint="save or download it again: with that one it would be drawn as noise",
                folder=folder,
                kind=kind,
            )
        return
    if kind.startswith("EDM") or is_flow(config):
        raise ModelError(
            "the model in {folder} was trained for {kind}, and would be drawn as noise by any scheduler here",
            hint="take another model: those of the EDM formulation and of flow matching are not read",
            folder=folder,
            kind=kind,
        )
    if predicts not in ("epsilon", "v_prediction", "sample"):
        raise ModelError(
            "the model in {folder} predicts {what}, and would be drawn as noise",
            hint="models that predict noise (epsilon) or v are read",
            folder=folder,
            what=str(predicts)[:40],
        )


def vocabulary_entries(file: Path, shapes: Shapes) -> int:
    """How many words the text encoder in a checkpoint knows. Raises `ModelError` where there is no such part."""
    for name, shape in shapes.items():
        if name.endswith("token_embedding.weight"):
            return shape[0]
    raise ModelError(
        "{name} has no text encoder in it", hint="take the whole checkpoint, not its U-Net alone", name=file.name
    )
