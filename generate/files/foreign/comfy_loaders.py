"""What a ComfyUI graph loads for its sampler: the model, a VAE of its own, LoRAs, and how much of the text encoder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from pydantic import JsonValue

from generate.files.foreign.comfy_graph import Graph, Node, is_text
from generate.files.foreign.settings import folded, is_number, plain, says_nothing
from generate.files.infotext import PictureError
from generate.files.parameters import LoraUse
from ideation import Clause

#: Along which inputs a walk goes, by what it looks for.
_OF_LATENT = ("latent", "latentimage", "samples", "pipe", "basicpipe")
_OF_MODEL = (
    "model",
    "model1",
    "model2",
    "unet",
    "guider",
    "pipe",
    "basicpipe",
    "basectx",
    "ctx01",
    "anything",
    "lorastack",
)
_OF_STACK = (*_OF_MODEL, "optionallorastack", "optlorastack", "clip", "positive", "conditioning")
_MODEL = ("ckptname", "unetname", "baseckptname", "modelname", "ckpt", "checkpoint")
#: So many of one node; no picture is taken over that names as many.
_MOST_LORAS = 200
_WEIGHT = re.compile(r"strength|weight|wt|str(?![a-z])")


def model_in(graph: Graph, first: str, beyond: list[Clause]) -> str | None:
    """The one model, or None where several were mixed, or none is named."""
    names = dict[str, None]()
    for name in graph.walk(first, _OF_MODEL):
        entry = next((entry for key, entry in graph.nodes[name].inputs.items() if folded(key) in _MODEL), None)
        value = graph.value(entry, _MODEL, is_text)
        if isinstance(value, str) and not says_nothing(value):
            names[value] = None
            graph.used.add(name)
        elif value is not None:
            raise PictureError(
                "the {tool} settings in the picture say {where} = {problem}: {removeprefix}",
                hint="they were changed or damaged; set the values by hand",
                tool="ComfyUI",
                where="model",
                problem=plain(value),
                removeprefix="it should be text",
            )
    if len(names) > 1:
        beyond.append(Clause("Its model was mixed from several: {names}.", names=plain(", ".join(names))))
        return None
    return next(iter(names), None)


def vae_in(graph: Graph, first: str) -> JsonValue:
    """A VAE of its own, in the decoder that the sampler leads to."""
    for name, node in graph.nodes.items():
        links = dict(graph.links(name))
        if "vaedecode" not in node.kind or "vae" not in links or "samples" not in links:
            continue
        if first not in graph.walk(links["samples"], _OF_LATENT):
            continue
        said = graph.value(graph.entry(links["vae"], ("vaename",), ("vae", "pipe", "anything")), ("vaename",), is_text)
        if isinstance(said, str) and "baked" not in said.casefold() and not says_nothing(said):
            return said
    return None


def clip_skip_in(graph: Graph, first: str) -> int | None:
    """How many layers of the text encoder are left out; ComfyUI counts from the end, -1 being all."""
    names = ("stopatcliplayer", "clipskip")
    value = graph.value(graph.entry(first, names), names, is_number)
    return max(0, abs(int(value)) - 1) if isinstance(value, int | float) and is_number(value) else None


def loras_in(graph: Graph, first: str) -> Iterator[LoraUse]:
    """The LoRAs on the way from the model to the sampler, the model's nearest first."""
    found: list[LoraUse] = []
    for name in graph.walk(first, _OF_STACK):
        here = list(islice(_loras_of(graph, graph.nodes[name]), _MOST_LORAS))
        if here or "lora" in graph.nodes[name].kind:
            graph.used.add(name)
        found += reversed(here)
    yield from dict.fromkeys(reversed(found))


def _loras_of(graph: Graph, node: Node) -> Iterator[LoraUse]:
    """Those of one node, be it one, or a stack with numbered names and weights."""
    numbered: dict[str, dict[str, JsonValue]] = {}
    for key, entry in node.inputs.items():
        if not isinstance(entry, dict):
            numbered.setdefault("".join(re.findall("[0-9]+", key)), {})[folded(key)] = entry
    for key, entry in node.inputs.items():
        if isinstance(entry, dict):
            yield from _of_switchboard(entry)
            continue
        name = folded(key)
        if not re.fullmatch(r"lora(name)?[0-9]*|lora[0-9]+name|loraname.*", name):
            continue
        value = graph.value(entry, ("loraname",), is_text)
        if not isinstance(value, str) or says_nothing(value):
            continue
        same = numbered["".join(re.findall("[0-9]+", key))]
        if any(
            key.startswith(("switch", "enabled", "on")) and str(on).casefold() in ("off", "false")
            for key, on in same.items()
        ):
            continue
        weights = {one: graph.value(weight, (one,), is_number) for one, weight in same.items() if _WEIGHT.search(one)}
        numbers = {one: float(weight) for one, weight in weights.items() if is_number(weight)}  # type: ignore[arg-type]
        of_clip = next((weight for one, weight in numbers.items() if "clip" in one), None)
        of_model = next((weight for one, weight in numbers.items() if "model" in one), None)
        both = next((weight for one, weight in numbers.items() if "clip" not in one and "model" not in one), None)
        unet = both if of_model is None else of_model
        if "modelonly" in node.kind:
            of_clip = 0.0
        if not weights and node.kind.startswith("loraloader"):
            unet = 1.0
        yield LoraUse(value, unet, None, None if of_clip in (None, unet) else of_clip)


def _of_switchboard(entry: Mapping[str, JsonValue]) -> Iterator[LoraUse]:
    """A LoRA as rgthree's loader has it, `{"on": true, "lora": ..., "strength": ...}`, or a list of such."""
    listed = entry.get("__value__")
    for one in listed if isinstance(listed, list) else [entry]:
        if not isinstance(one, dict):
            continue
        name = one.get("lora") or one.get("name")
        weight, of_clip = one.get("strength"), one.get("strengthTwo", one.get("clipStrength"))
        if isinstance(name, str) and not says_nothing(name) and one.get("on", one.get("active", True)):
            unet = float(weight) if is_number(weight) or _is_digits(weight) else None  # type: ignore[arg-type]
            text = float(of_clip) if is_number(of_clip) or _is_digits(of_clip) else None  # type: ignore[arg-type]
            yield LoraUse(name, unet, None, None if text == unet else text)


def _is_digits(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,6}(\.[0-9]{1,9})?", value) is not None
