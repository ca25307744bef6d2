"""ComfyUI's settings: a graph of nodes as JSON under `prompt`, read from its sampler upwards."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from pydantic import JsonValue

from generate.files.foreign.comfy_graph import Graph, Node, is_text
from generate.files.foreign.comfy_loaders import clip_skip_in, loras_in, model_in, vae_in
from generate.files.foreign.flat_settings import read_flat_settings
from generate.files.foreign.settings import (
    Decimal,
    ForeignModel,
    Whole,
    beyond_sentence,
    checked,
    folded,
    from_another_picture,
    is_number,
    json_object,
    plain,
    says_nothing,
)
from generate.files.infotext import PictureError
from generate.files.parameters import PictureParameters
from generate.files.sampler_names import scheduler_named, words_for
from ideation import Clause

MAX_NODES = 2000
_SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
#: What else samples, known by what goes in, and what does not although it looks like it.
_OF_A_SAMPLER = {"steps", "cfg", "samplername"}
_LEADS_TO_SAMPLING = {"latentimage", "latent", "samples", "positive", "guider", "pipe", "basicpipe"}
_BEYOND_NODES = {
    "guide": re.compile(
        r"controlnetapply|applycontrolnet|controlnet.*advanced\Z|ipadapter(?!.*(load|model))|unclipcond|t2iadapter|stylemodelapply"
        r"|instantid(?!.*load)|pulid(?!.*load)|referencelatent"
    ),
    "detail": re.compile(r"facedetailer|detailerforeach|detailerpipe|ultimatesdupscale|sdupscale"),
}
_GOES_OVER = re.compile(r"detail|upscale")
_WITHOUT_SETTINGS = {
    *("VAEDecode", "VAEDecodeTiled", "SaveImage", "PreviewImage", "Reroute", "Note", "MarkdownNote", "PreviewAny"),
}
#: Along which inputs a walk goes, by what it looks for.
_OF_SAMPLER = ("guider", "noise", "sampler", "sigmas", "pipe", "basicpipe")
_OF_LATENT = ("latent", "latentimage", "samples", "pipe", "basicpipe")
_OF_PIXELS = (*_OF_LATENT, "pixels", "image", "images", "upscaledimage")
#: What a graph may hold beside its nodes.
_NO_NODE = re.compile(r"\D")


class _Settings(ForeignModel):
    seed: Whole | None
    steps: Whole | None
    cfg: Decimal | None
    sampler_name: str | None
    scheduler: str | None
    width: Whole | None
    height: Whole | None
    vae: str | None


def read_comfyui(text: str) -> PictureParameters:
    """The parameters in ComfyUI's graph: those of the sampler that begins with noise. Raises `PictureError`."""
    return read_comfyui_graph(json_object(text, "ComfyUI"))


def read_comfyui_graph(content: Mapping[str, JsonValue]) -> PictureParameters:
    """The same for a graph that is read already. Civitai writes settings beside the nodes, which fill what is open."""
    beside = {key: value for key, value in content.items() if _NO_NODE.search(key) and not _is_node(value)}
    nodes = {key: value for key, value in content.items() if key not in beside}
    if len(nodes) > MAX_NODES:
        raise PictureError(
            "the ComfyUI graph in the picture has {count:,} nodes; {max_nodes:,} are read",
            hint="set the values by hand",
            count=len(nodes),
            max_nodes=MAX_NODES,
        )
    graph = Graph({name: checked(Node, _object(node), "ComfyUI") for name, node in nodes.items()})
    samplers = [name for name, node in graph.nodes.items() if _samples(node)]
    if not samplers:
        raise PictureError(
            "the ComfyUI graph in the picture has no sampler that is known here",
            hint="its settings can be read from {samplers}; set the values by hand",
            samplers=", ".join(_SAMPLERS),
        )
    first = next((name for name in samplers if not _refines(graph, name, samplers)), samplers[0])
    graph.used.add(first)
    found = _parameters(graph, first, len(samplers))
    return _with_beside(found, beside)


def _parameters(graph: Graph, first: str, samplers: int) -> PictureParameters:
    beyond, notes = list[Clause](), list[Clause]()
    prompt, without = _prompt(graph, first, "positive", beyond, notes)
    negative, _ = _prompt(graph, first, "negative", beyond, notes)
    graph.unknown.clear()
    open_values: list[str] = []

    def of_sampler(what: str, *names: str) -> JsonValue:
        entry = graph.entry(first, names, _OF_SAMPLER)
        value = graph.value(entry, names, is_text if what in ("sampler", "scheduler") else is_number)
        if entry is not None and value is None:
            open_values.append(what)
        return value

    def of_latent(side: str) -> JsonValue:
        start = graph.link(graph.entry(first, ("latentimage", "latent", "samples"), _OF_SAMPLER)) or first
        entry = graph.entry(start, (f"{side}override", side, f"emptylatent{side}"), _OF_LATENT)
        if entry == 0:  # an override that is not set
            entry = graph.entry(start, (side, f"emptylatent{side}"), _OF_LATENT)
        value = _of_ratio(graph, graph.link(entry), side) or graph.value(entry, (side,), is_number)
        if value == "":
            value = None
        if entry is not None and value is None:
            open_values.append(side)
        return value

    values = {
        "seed": of_sampler("seed", "seed", "noiseseed"),
        "steps": of_sampler("steps", "steps"),
        "cfg": of_sampler("guidance", "cfg"),
        "sampler_name": of_sampler("sampler", "samplername") or _named_by_its_class(graph, first, "sampler", "Sampler"),
        "scheduler": of_sampler("scheduler", "scheduler")
        or _named_by_its_class(graph, first, "sigmas", "", "Scheduler"),
        "width": of_latent("width"),
        "height": of_latent("height"),
        "vae": vae_in(graph, first),
    }
    if values["width"] is None and values["height"] is None:
        values["width"], values["height"] = _size_in_words(graph, first)
    found = checked(_Settings, values, "ComfyUI")
    denoise = graph.value(graph.entry(first, ("denoise",), _OF_SAMPLER), ("denoise",), is_number)
    beyond += _began_with_a_picture(graph, first, float(denoise) if isinstance(denoise, int | float) else 1.0)
    for kind, called in _BEYOND_NODES.items():
        over = {name: node.class_type for name, node in graph.nodes.items() if called.search(node.kind)}
        graph.used.update(over)
        if over:
            beyond.append(beyond_sentence(kind, plain(", ".join(dict.fromkeys(over.values())))))
    if graph.shown:
        notes.append(
            Clause(
                "The prompt is what {nodes} showed, which may be that of the run before.",
                nodes=plain(", ".join(graph.shown)),
            )
        )
    if graph.styles:
        beyond.append(
            Clause("A style added words that are not in the graph: {styles}.", styles=plain(", ".join(graph.styles)))
        )
    if samplers > 1:
        beyond.append(
            Clause(
                "The graph has {count} samplers; these are the settings of the one that begins with noise.",
                count=samplers,
            )
        )
    model = model_in(graph, first, beyond)
    if open_values:
        notes.append(
            Clause(
                "The graph works out {values} only while it runs ({nodes}), so not taken over: {values}.",
                values=", ".join(open_values),
                nodes=plain(", ".join(graph.unknown)) or "?",
            )
        )
    loras, clip_skip = tuple(loras_in(graph, first)), clip_skip_in(graph, first)
    scheduler = found.sampler_name and scheduler_named(found.sampler_name, found.scheduler)
    others = {node.class_type for name, node in graph.nodes.items() if name not in graph.used} - {*graph.unknown}
    return PictureParameters(
        prompt=_plain_brackets(prompt),
        negative_prompt=_plain_brackets(negative),
        seed=found.seed,
        num_inference_steps=found.steps,
        guidance_scale=found.cfg,
        scheduler=scheduler or None,
        foreign_scheduler=None if scheduler else words_for(found.sampler_name, found.scheduler),
        width=found.width,
        height=found.height,
        model=model,
        vae=found.vae,
        clip_skip=clip_skip,
        loras=loras,
        tool="ComfyUI",
        rng="CPU",
        without_prompt=without,
        beyond=tuple(beyond),
        notes=tuple(notes),
        unread=tuple(sorted(others - _WITHOUT_SETTINGS)),
    )


def _prompt(
    graph: Graph, first: str, side: str, beyond: list[Clause], notes: list[Clause]
) -> tuple[str, Clause | None]:
    """The prompt of a side, and why there is none where there is none. Says what is not as it was."""
    graph.unknown.clear()
    names = ("positive", "conditioning") if side == "positive" else ("negative",)
    start = graph.link(graph.entry(first, names, (*_OF_SAMPLER, "guider")))
    if start is None and any(folded(key) in ("pipe", "basicpipe") for key in graph.nodes[first].inputs):
        start = first
    prompts, complete = graph.conditionings(start, side)
    if not complete or (not prompts and side == "positive"):
        nodes = plain(", ".join(graph.unknown))
        if side == "negative":
            notes.append(
                Clause(
                    "No negative prompt was found in this graph: it comes about while it runs ({nodes}).", nodes=nodes
                )
            )
            return "", None
        if not graph.unknown:
            return "", Clause("no prompt was found in this graph")
        return "", Clause("no prompt was found in this graph: it comes about while it runs ({nodes})", nodes=nodes)
    beyond += [
        Clause(
            "The text encoders had prompts of their own: {texts}. The first is taken for all.",
            texts="; ".join(repr(text[:80]) for text in texts),
        )
        for texts in prompts
        if len(texts) > 1
    ]
    said = list(dict.fromkeys(texts[0] for texts in prompts if texts[0].strip()))
    if len(said) > 1:
        what = Clause("prompt") if side == "positive" else Clause("negative prompt")
        beyond.append(
            Clause(
                "The {what} was put together from {count} that the graph weighs each for itself: they are joined by "
                "commas here.",
                what=what,
                count=len(said),
            )
        )
    text = ", ".join(said)
    return text, Clause("its prompt is empty") if side == "positive" and not text.strip() else None


def _plain_brackets(prompt: str) -> str:
    """ComfyUI weighs words in round brackets only; square ones are letters to it."""
    return re.sub(r"(?<!\\)[\[\]]", lambda found: f"\\{found[0]}", prompt)


def _samples(node: Node) -> bool:
    names = {folded(key) for key in node.inputs}
    if node.class_type in _SAMPLERS:
        return True
    if _GOES_OVER.search(node.kind) or not names & _LEADS_TO_SAMPLING:
        return False
    return "ksampler" in node.kind or names >= _OF_A_SAMPLER


def _refines(graph: Graph, sampler: str, samplers: Collection[str]) -> bool:
    """Whether the sampler goes on from what another one made."""
    return any(name in samplers for name in graph.walk(sampler, _OF_PIXELS) if name != sampler)


def _named_by_its_class(graph: Graph, first: str, key: str, before: str, after: str = "") -> str | None:
    """What a node is called that is a sampler or a schedule of its own: SamplerEulerAncestral, KarrasScheduler."""
    link = graph.link(graph.entry(first, (key,), _OF_SAMPLER))
    found = re.fullmatch(f"{before}(.+?){after}", graph.nodes[link].class_type) if link is not None else None
    if found is None or found[1].casefold() in ("custom", "basic", "k") or (not before and not after):
        return None
    graph.used.add(str(link))
    return found[1]


def _of_ratio(graph: Graph, name: str | None, side: str) -> int | str | None:
    """A side that a node gives to those who choose among ratios, as "3:4 portrait 896x1152"; None where it is not such
    a node, and nothing where the size is not in its words."""
    said = None if name is None else graph.nodes[name].literal(("aspectratio", "resolution", "dimensions", "ratio"))
    if name is None or not isinstance(said, str) or "custom" in said.casefold():
        return None
    node = graph.nodes[name]
    found = re.search(r"([0-9]{2,5})\s*[x×]\s*([0-9]{2,5})", said)
    swapped = node.literal(("swapdimensions", "swap", "portrait"))
    if found is None or (says_nothing(swapped) and swapped is not None):
        graph.unknown[node.class_type] = None
        return ""
    graph.used.add(name)
    sides = [int(found[1]), int(found[2])]
    if str(swapped).casefold() in ("on", "true", "yes"):
        sides.reverse()
    return sides[0] if side == "width" else sides[1]


def _size_in_words(graph: Graph, first: str) -> tuple[JsonValue, JsonValue]:
    """The size in a node that lets people choose among some, as "1024x1024 (1.0)"."""
    for name in graph.walk(first, _OF_LATENT):
        said = graph.nodes[name].literal(("resolution", "dimensions", "size"))
        found = re.match(r"\s*([0-9]{2,5})\s*[x×]\s*([0-9]{2,5})", said) if isinstance(said, str) else None
        if found is not None:
            graph.used.add(name)
            return int(found[1]), int(found[2])
    return None, None


def _began_with_a_picture(graph: Graph, first: str, denoise: float) -> Iterator[Clause]:
    kinds = {name: graph.nodes[name] for name in graph.walk(first, _OF_LATENT) if name != first}
    encoded = {
        name: node for name, node in kinds.items() if re.search("vaeencode|inpaint|noisemask|loadlatent", node.kind)
    }
    graph.used.update(encoded)
    for name in encoded:
        graph.used.update(graph.walk(name, ("pixels", "image", "images", "mask")))
    named = [node.class_type for node in encoded.values()]
    if denoise < 1:
        named.append(f"denoise {denoise:g}")
    if named:
        in_part = any(re.search("inpaint|noisemask", node.kind) for node in encoded.values())
        yield from_another_picture(plain(", ".join(named)), in_part=in_part)


def _with_beside(found: PictureParameters, beside: Mapping[str, JsonValue]) -> PictureParameters:
    """What stands beside the nodes fills what they leave open; Civitai's settings are JSON in a text."""
    told = beside.get("extraMetadata")
    try:
        values = json_object(told, "Civitai") if isinstance(told, str) else told if isinstance(told, dict) else {}
        said = read_flat_settings(values, "Civitai") if values else None
    except PictureError:
        said = None
    unread = tuple(
        key for key, value in beside.items() if key not in ("extraMetadata", "extra") or (said is None and value)
    )
    found = replace(found, unread=(*found.unread, *unread))
    if said is None:
        return found
    fields = ("seed", "num_inference_steps", "guidance_scale", "width", "height", "clip_skip")
    filled = {name: getattr(said, name) for name in fields if getattr(found, name) is None}
    if found.scheduler is None and found.foreign_scheduler is None:
        filled |= {"scheduler": said.scheduler, "foreign_scheduler": said.foreign_scheduler}
    if found.without_prompt is not None:
        filled |= {"prompt": said.prompt, "without_prompt": said.without_prompt}
    if not found.negative_prompt:
        filled["negative_prompt"] = said.negative_prompt
    apart = [
        name for name in ("seed", "num_inference_steps", "guidance_scale", "scheduler") if _apart(found, said, name)
    ]
    notes = found.notes
    if apart:
        notes += (
            Clause(
                "The picture's texts do not agree on {names}: what the graph says is taken.",
                names=", ".join(apart).replace("_", " "),
            ),
        )
    return replace(found, **filled, notes=notes)


def _apart(found: PictureParameters, said: PictureParameters, name: str) -> bool:
    here, there = getattr(found, name), getattr(said, name)
    return None not in (here, there) and here != there


def _is_node(value: JsonValue) -> bool:
    return isinstance(value, dict) and "class_type" in value


def _object(node: JsonValue) -> dict[str, JsonValue]:
    if not isinstance(node, dict):
        raise PictureError(
            "the ComfyUI graph in the picture has a node that is not a JSON object",
            hint="it was changed or damaged; set the values by hand",
        )
    return node
