"""The reader: which program wrote the texts of a picture, told by their keywords and by what is in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from generate.files.foreign.automatic1111 import parameters_of_infotext
from generate.files.foreign.comfyui import read_comfyui, read_comfyui_graph
from generate.files.foreign.flat_settings import program_of, read_flat_settings
from generate.files.foreign.invokeai import read_dream, read_invokeai, read_old_invokeai
from generate.files.foreign.novelai import read_novelai
from generate.files.foreign.settings import json_object
from generate.files.infotext import PictureError, parse_infotext
from generate.files.parameters import PictureParameters
from ideation import Clause

Texts = Mapping[str, "str | PictureError"]

#: Easy Diffusion gives each setting a text of its own.
_EASY_DIFFUSION = (
    *(
        "prompt",
        "negative_prompt",
        "seed",
        "use_stable_diffusion_model",
        "use_vae_model",
        "use_lora_model",
        "lora_alpha",
    ),
    *("sampler_name", "scheduler_name", "num_inference_steps", "guidance_scale", "width", "height", "clip_skip"),
    *("prompt_strength", "use_face_correction", "use_upscale", "tiling", "use_hypernetwork_model"),
)


def read_text(text: str) -> PictureParameters:
    """The parameters in a text that may be of any program: JSON, known by its keys, or AUTOMATIC1111's lines.

    Raises `PictureError`.
    """
    text = text.strip("\0\ufeff \t\r\n")
    if not text.startswith("{"):
        return parameters_of_infotext(parse_infotext(text))
    try:
        values = json_object(text, "program's")
    except PictureError as problem:
        try:  # a prompt may begin with a brace as well
            return parameters_of_infotext(parse_infotext(text))
        except PictureError:
            raise problem from None
    return _read_json(values, text)


def _read_json(values: Mapping[str, object], text: str) -> PictureParameters:
    match values:
        case {"sui_image_params": dict(inner)}:
            return read_flat_settings(inner, "SwarmUI")
        case {"prompt": dict(graph)}:
            return read_comfyui_graph(graph)
        case {"prompt": str(graph), "workflow": _} if graph.lstrip().startswith("{"):
            return read_comfyui(graph)
        case {"Comment": str(comment)}:
            source, description = values.get("Source"), values.get("Description")
            return read_novelai(
                comment,
                source if isinstance(source, str) else None,
                description if isinstance(description, str) else None,
            )
        case {"app_version": _, "image": dict()}:
            return read_old_invokeai(text)
        case {"positive_prompt": _, "generation_mode": _} | {"positive_prompt": _, "app_version": _}:
            return read_invokeai(text)
        case {"uc": _, "sampler": _, "noise_schedule": _} | {"v4_prompt": _} | {"uc": _, "prompt": _, "scale": _}:
            return read_novelai(text, None)
        case {"parameters": str(inner)} if program_of(values) is None:
            return read_text(inner)
    if any(isinstance(node, dict) and "class_type" in node for node in values.values()):
        return read_comfyui_graph(values)  # type: ignore[arg-type]
    return read_flat_settings(values)


def read_foreign(texts: Texts) -> PictureParameters | None:
    """What the first text says that can be read; a note names those before it that could not.

    None where there is no text of a known kind. Raises the first `PictureError` where there are some, and none can be
    read.
    """
    failed: list[tuple[str, PictureError]] = []
    for keyword, read in _READERS.items():
        if keyword not in texts:
            continue
        try:
            found = read(texts)
        except PictureError as problem:
            if keyword not in _RARELY_SETTINGS or str(texts[keyword]).lstrip().startswith("{"):
                failed.append((keyword, problem))
            continue
        if found is None:
            continue
        notes = [
            Clause(
                "Its text {keyword} cannot be read ({problem}): its text {other} is taken.",
                keyword=name,
                problem=problem,
                other=keyword,
            )
            for name, problem in failed
        ]
        return replace(found, notes=(*found.notes, *notes))
    if failed:
        raise failed[0][1]
    return None


def _said(texts: Texts, keyword: str) -> str:
    """The text. Raises the `PictureError` that came of reading it."""
    text = texts[keyword]
    if isinstance(text, PictureError):
        raise text
    return text


def _any(keyword: str) -> Callable[[Texts], PictureParameters | None]:
    return lambda texts: read_text(_said(texts, keyword))


def _graph(texts: Texts) -> PictureParameters | None:
    text = _said(texts, "prompt")
    if "use_stable_diffusion_model" in texts or "num_inference_steps" in texts:
        return read_flat_settings({key: _said(texts, key) for key in _EASY_DIFFUSION if key in texts}, "Easy Diffusion")
    return read_comfyui(text)


def _comment(texts: Texts) -> PictureParameters | None:
    text = _said(texts, "Comment")
    if texts.get("Software") != "NovelAI" and not str(texts.get("Source")).startswith(("Stable Diffusion", "NovelAI")):
        return read_text(text)
    source, description = texts.get("Source"), texts.get("Description")
    return read_novelai(
        text, source if isinstance(source, str) else None, description if isinstance(description, str) else None
    )


#: In the order in which they are believed.
_READERS: dict[str, Callable[[Texts], PictureParameters | None]] = {
    "parameters": _any("parameters"),
    "UserComment": _any("UserComment"),
    "invokeai_metadata": lambda texts: read_invokeai(_said(texts, "invokeai_metadata")),
    "sd-metadata": lambda texts: read_old_invokeai(_said(texts, "sd-metadata")),
    "Dream": lambda texts: read_dream(_said(texts, "Dream")),
    "prompt": _graph,
    "parameters-json": _any("parameters-json"),
    "generation_data": _any("generation_data"),
    "Comment": _comment,
    "Description": _any("Description"),
    "ImageDescription": _any("ImageDescription"),
    "comment": _any("comment"),
    "XPComment": _any("XPComment"),
    "exif:UserComment": _any("exif:UserComment"),
    "hidden text": _any("hidden text"),
}
#: Which hold other things than settings more often than not, so that nothing is wrong where they do.
_RARELY_SETTINGS = {"Comment", "Description", "ImageDescription", "comment", "XPComment", "exif:UserComment"}
#: The keywords of texts that are looked for.
KEYWORDS = (*_READERS, *_EASY_DIFFUSION, "Software", "Source", "workflow")
