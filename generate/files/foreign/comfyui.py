"""ComfyUI's settings: a graph of nodes as JSON under `prompt`, read from its sampler upwards.

A node is `{"class_type": ..., "inputs": {...}}`; an input is a value or a link `[node, output]`. Graphs come from
strangers: a walk sees each node once, so that circles end and branches do not multiply.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from pydantic import Field, JsonValue

from generate.files.foreign.settings import Decimal, ForeignModel, Whole, checked, json_object, with_notes
from generate.files.infotext import PictureError
from generate.files.parameters import LoraUse, PictureParameters
from generate.files.sampler_names import K_DIFFUSION, scheduler_named, words_for

MAX_NODES = 2000
_SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
_NO_PROMPT = "ConditioningZeroOut"
_WITHOUT_SETTINGS = ("VAEDecode", "SaveImage", "PreviewImage")
# Along which inputs a walk goes, by what it looks for.
_OF_SAMPLER = ("guider", "noise", "sampler", "sigmas")
_OF_LATENT = ("latent", "latent_image", "samples")
_OF_PROMPT = ("conditioning", "conditioning_1", "conditioning_to")
_PROMPT = ("text", "text_g", "prompt")
# What the nodes call a value that others link to.
_VALUE = ("value", "int", "float", "number", "string", "text")


class _Node(ForeignModel):
    class_type: str
    inputs: dict[str, JsonValue] = Field(default_factory=dict)


class _Settings(ForeignModel):
    prompt: str | None
    negative_prompt: str | None
    seed: Whole | None
    steps: Whole | None
    cfg: Decimal | None
    sampler_name: str | None
    scheduler: str | None
    width: Whole | None
    height: Whole | None
    model: str | None


class _Lora(ForeignModel):
    lora_name: str
    strength_model: Decimal = 1.0


@dataclass(frozen=True)
class _Graph:
    """`used` gathers the nodes that told something."""

    nodes: Mapping[str, _Node]
    used: set[str] = field(default_factory=set)

    def walk(self, start: str | None, along: Collection[str] | None = None) -> Iterator[str]:
        """The nodes from `start` upwards, nearest first, along inputs of those names, or along all."""
        waiting = deque([] if start is None else [start])
        seen = set(waiting)
        while waiting:
            name = waiting.popleft()
            yield name
            for key, entry in self.nodes[name].inputs.items():
                link = self.link(entry)
                if link is not None and link not in seen and (along is None or key in along):
                    seen.add(link)
                    waiting.append(link)

    def link(self, entry: JsonValue) -> str | None:
        """The node that the entry of an input leads to; None for a value, and for a link out of the graph."""
        match entry:
            case [str() | int() as name, int()] if str(name) in self.nodes:
                return str(name)
        return None

    def entry(self, start: str | None, keys: Collection[str], along: Collection[str] | None = None) -> JsonValue:
        """The nearest entry under one of `keys`, be it a value or a link."""
        for name in self.walk(start, along):
            for key in keys:
                entry = self.nodes[name].inputs.get(key)
                if entry is not None:
                    self.used.add(name)
                    return entry
        return None

    def value(self, start: str | None, keys: tuple[str, ...], along: Collection[str] | None = None) -> JsonValue:
        """The nearest value under one of `keys`; where a link stands there, the nearest that the link leads to."""
        entry = self.entry(start, keys, along)
        link = self.link(entry)
        if link is None:
            return entry
        for name in self.walk(link):
            for key in (*keys, *_VALUE):
                found = self.nodes[name].inputs.get(key)
                if found is not None and self.link(found) is None:
                    self.used.add(name)
                    return found
        return None

    def prompt(self, start: str | None, side: str) -> JsonValue:
        """The nearest text; where a node has both sides, as ControlNet's have, that of `side`."""
        for name in self.walk(start, (*_OF_PROMPT, side)):
            if self.nodes[name].class_type == _NO_PROMPT:
                self.used.add(name)
                return ""
            if any(key in self.nodes[name].inputs for key in _PROMPT):
                return self.value(name, _PROMPT, along=())
        return None


def read_comfyui(text: str) -> PictureParameters:
    """The parameters in ComfyUI's graph: those of the sampler that begins with noise. Raises `PictureError`."""
    nodes = json_object(text, "ComfyUI")
    if len(nodes) > MAX_NODES:
        raise PictureError(
            "the ComfyUI graph in the picture has {count:,} nodes; {max_nodes:,} are read",
            hint="set the values by hand",
            count=len(nodes),
            max_nodes=MAX_NODES,
        )
    graph = _Graph({name: checked(_Node, _object(node), "ComfyUI") for name, node in nodes.items()})
    samplers = {name: node for name, node in graph.nodes.items() if node.class_type in _SAMPLERS}
    if not samplers:
        raise PictureError(
            "the ComfyUI graph in the picture has no sampler that is known here",
            hint="its settings can be read from {samplers}; set the values by hand",
            samplers=", ".join(_SAMPLERS),
        )
    first = next((name for name in samplers if not _refines(graph, name, samplers)), next(iter(samplers)))
    graph.used.add(first)

    def leading_to(*keys: str) -> str | None:
        return graph.link(graph.entry(first, keys, _OF_SAMPLER))

    latent, model = leading_to("latent_image"), leading_to("model")
    found = checked(
        _Settings,
        {
            "prompt": graph.prompt(leading_to("positive", "conditioning"), "positive"),
            "negative_prompt": graph.prompt(leading_to("negative"), "negative"),
            "seed": graph.value(first, ("seed", "noise_seed"), _OF_SAMPLER),
            "steps": graph.value(first, ("steps",), _OF_SAMPLER),
            "cfg": graph.value(first, ("cfg",), _OF_SAMPLER),
            "sampler_name": graph.value(first, ("sampler_name",), _OF_SAMPLER),
            "scheduler": graph.value(first, ("scheduler",), _OF_SAMPLER),
            "width": graph.value(latent, ("width",), _OF_LATENT),
            "height": graph.value(latent, ("height",), _OF_LATENT),
            "model": graph.value(model, ("ckpt_name", "unet_name"), ("model",)),
        },
        "ComfyUI",
    )
    names = [name for name in graph.walk(model, ("model",)) if "lora_name" in graph.nodes[name].inputs]
    loras = [checked(_Lora, graph.nodes[name].inputs, "ComfyUI") for name in reversed(names)]
    graph.used.update(names)
    sampler = found.sampler_name and K_DIFFUSION.get(found.sampler_name)
    scheduler = scheduler_named(sampler, found.scheduler) if sampler else None
    others = {node.class_type for name, node in graph.nodes.items() if name not in graph.used}
    several = f"The graph has {len(samplers)} samplers; these are the settings of the one that begins with noise."
    return with_notes(
        PictureParameters(
            prompt=found.prompt or "",
            negative_prompt=found.negative_prompt or "",
            seed=found.seed,
            num_inference_steps=found.steps,
            guidance_scale=found.cfg,
            scheduler=scheduler,
            foreign_scheduler=None if scheduler else words_for(found.sampler_name, found.scheduler),
            width=found.width,
            height=found.height,
            model=found.model,
            loras=tuple(LoraUse(lora.lora_name, lora.strength_model) for lora in loras),
            tool="ComfyUI",
            rng="CPU",
            unread=tuple(sorted(others - {*_WITHOUT_SETTINGS})),
        ),
        *([several] if len(samplers) > 1 else []),
    )


def _refines(graph: _Graph, sampler: str, samplers: Collection[str]) -> bool:
    """Whether the sampler goes on from what another one made."""
    latent = graph.link(graph.nodes[sampler].inputs.get("latent_image"))
    return any(name in samplers for name in graph.walk(latent, _OF_LATENT))


def _object(node: JsonValue) -> dict[str, JsonValue]:
    if not isinstance(node, dict):
        raise PictureError(
            "the ComfyUI graph in the picture has a node that is not a JSON object",
            hint="it was changed or damaged; set the values by hand",
        )
    return node
