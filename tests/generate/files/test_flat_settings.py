"""Settings by name, whatever a program calls them and wherever it writes them: each is applied, or named in a note."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import numpy as np
import pytest
from picture_bytes import png, with_exif, with_texts
from PIL import Image

from generate.files import LoraUse, PictureError, encode_png, likeness_of, parse_picture
from generate.files.infotext import parse_infotext
from generate.files.sampler_names import scheduler_named
from generate.settings import RenderSettings

LINE = "Steps: 12, Sampler: Euler a, CFG scale: 5, Seed: 7, Size: 128x256, Model: x"
A1111 = f"a dog\nNegative prompt: blurry\n{LINE}"
SAID = {
    "prompt": "a dog",
    "negative_prompt": "blurry",
    "seed": 7,
    "num_inference_steps": 12,
    "guidance_scale": 5.0,
    "scheduler": "Euler a",
    "width": 128,
    "height": 256,
    "model": "x",
}
SWARMUI = {
    "prompt": "a dog",
    "negativeprompt": "blurry",
    "model": "x",
    "seed": 7,
    "steps": 12,
    "cfgscale": 5.0,
    "width": 128,
    "height": 256,
    "sampler": "euler_ancestral",
    "scheduler": "normal",
    "swarm_version": "0.9.6",
}
RUINED = {
    "Prompt": "a dog",
    "Negative": "blurry",
    "steps": 12,
    "cfg": 5,
    "width": 128,
    "height": 256,
    "seed": 7,
    "sampler_name": "euler_ancestral",
    "scheduler": "normal",
    "base_model_name": "x",
    "software": "RuinedFooocus",
}
FOOOCUS_LOG = {
    "Prompt": "a dog",
    "Negative Prompt": "blurry",
    "Steps": 12,
    "Resolution": "(128, 256)",
    "Guidance Scale": 5,
    "Base Model": "x",
    "Refiner Model": "None",
    "Sampler": "euler_ancestral",
    "Scheduler": "normal",
    "Seed": "7",
    "Fooocus V2 Expansion": "",
}
DRAW_THINGS = {
    "c": "a dog",
    "uc": "blurry",
    "model": "x",
    "seed": 7,
    "steps": 12,
    "scale": 5,
    "sampler": "Euler A",
    "size": "128x256",
    "strength": 1,
    "lora": [{"model": "ink", "weight": 0.6}],
}
EASY_DIFFUSION = {
    "prompt": "a dog",
    "negative_prompt": "blurry",
    "seed": "7",
    "use_stable_diffusion_model": "x",
    "sampler_name": "euler_a",
    "num_inference_steps": "12",
    "guidance_scale": "5",
    "width": "128",
    "height": "256",
    "clip_skip": "False",
}
STABILITY_MATRIX = {
    "PositivePrompt": "a dog",
    "NegativePrompt": "blurry",
    "Steps": 12,
    "Sampler": "Euler Ancestral",
    "CfgScale": 5,
    "Seed": 7,
    "Width": 128,
    "Height": 256,
    "ModelName": "x",
}
NOVELAI = {
    "uc": "blurry",
    "seed": 7,
    "steps": 12,
    "scale": 5.0,
    "sampler": "k_euler_ancestral",
    "width": 128,
    "height": 256,
    "noise_schedule": "native",
}
NOVELAI_TEXTS = {"Software": "NovelAI", "Source": "x", "Description": "a dog", "Comment": json.dumps(NOVELAI)}
INVOKEAI_2 = {
    "app_version": "v2.3.0",
    "model_weights": "x",
    "image": {
        "prompt": [{"prompt": "a dog [blurry]", "weight": 1.0}],
        "steps": 12,
        "cfg_scale": 5.0,
        "seed": 7,
        "width": 128,
        "height": 256,
        "sampler": "k_euler_a",
        "type": "txt2img",
        "hires_fix": False,
    },
}
INVOKEAI_1 = '"a dog [blurry]" -s 12 -S 7 -W128 -H 256 -C 5.0 -A k_euler_a'
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 7,
            "steps": 12,
            "cfg": 5.0,
            "sampler_name": "euler_ancestral",
            "scheduler": "normal",
            "model": ["4", 0],
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 128, "height": 256}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a dog"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry"}},
}
XMP = "<x:xmpmeta><exif:UserComment><rdf:Alt><rdf:li>{}</rdf:li></rdf:Alt></exif:UserComment></x:xmpmeta>"


def exif_tag(tag: int, text: str) -> bytes:
    exif, file = Image.Exif(), io.BytesIO()
    exif[tag] = text
    Image.new("RGB", (1, 1)).save(file, format="WEBP", exif=exif)
    return file.getvalue()


def hidden(text: bytes, *, packed: bool) -> bytes:
    """A picture without any text, but in its alpha channel."""
    data = gzip.compress(text) if packed else text
    said = (b"stealth_pngcomp" if packed else b"stealth_pnginfo") + (8 * len(data)).to_bytes(4) + data
    bits = np.unpackbits(np.frombuffer(said, np.uint8))
    columns = np.full(64 * 128, 254, np.uint8)
    columns[: len(bits)] |= bits
    picture = Image.new("RGBA", (64, 128))
    picture.putalpha(Image.fromarray(np.ascontiguousarray(columns.reshape(64, 128).T)))
    return encode_png(picture, {})


PROGRAMS: dict[str, tuple[bytes, str]] = {
    "SwarmUI": (with_texts(parameters=json.dumps({"sui_image_params": SWARMUI}, indent=2)), "SwarmUI"),
    "SwarmUI in JPEG": (
        with_exif("JPEG", b"UNICODE\0" + json.dumps({"sui_image_params": SWARMUI}).encode("utf-16-le")),
        "SwarmUI",
    ),
    "RuinedFooocus": (with_texts(parameters=json.dumps(RUINED)), "RuinedFooocus"),
    "Fooocus' log": (with_texts(parameters=json.dumps(FOOOCUS_LOG)), "Fooocus"),
    "Draw Things": (with_exif("JPEG", json.dumps(DRAW_THINGS)), "Draw Things"),
    "Draw Things in PNG": (
        with_texts(**{"XML:com.adobe.xmp": XMP.format(json.dumps(DRAW_THINGS).replace('"', "&quot;"))}),
        "Draw Things",
    ),
    "Easy Diffusion": (with_texts(**EASY_DIFFUSION), "Easy Diffusion"),
    "Easy Diffusion in JPEG": (with_exif("JPEG", json.dumps(EASY_DIFFUSION)), "Easy Diffusion"),
    "Stability Matrix": (with_texts(**{"parameters-json": json.dumps(STABILITY_MATRIX)}), "Stability Matrix"),
    "NovelAI, older": (with_texts(**NOVELAI_TEXTS), "NovelAI"),
    "NovelAI in WebP": (with_exif("WEBP", b"UNICODE\0" + json.dumps(NOVELAI_TEXTS).encode("utf-16-be")), "NovelAI"),
    "NovelAI, hidden": (hidden(json.dumps(NOVELAI_TEXTS).encode(), packed=True), "NovelAI"),
    "AUTOMATIC1111, hidden": (hidden(A1111.encode(), packed=False), "AUTOMATIC1111"),
    "InvokeAI 2": (with_texts(**{"sd-metadata": json.dumps(INVOKEAI_2)}), "InvokeAI"),
    "ComfyUI's WebP": (exif_tag(0x0110, f"prompt:{json.dumps(GRAPH)}"), "ComfyUI"),
    "ComfyUI, an extension": (exif_tag(0x010F, f"Prompt: {json.dumps(GRAPH)}"), "ComfyUI"),
    "ComfyUI, graph and workflow in one": (
        with_exif("JPEG", json.dumps({"prompt": GRAPH, "workflow": {}})),
        "ComfyUI",
    ),
    "ComfyUI beside a text that says nothing": (with_texts(parameters="hello", prompt=json.dumps(GRAPH)), "ComfyUI"),
    "Civitai": (
        with_exif("JPEG", b"UNICODE\0" + json.dumps({**GRAPH, "extra": {}, "extraMetadata": "{}"}).encode("utf-16-le")),
        "ComfyUI",
    ),
    "one line": (with_texts(parameters=A1111.replace("\n", " ")), "AUTOMATIC1111"),
    "other capitals": (
        with_texts(parameters=A1111.replace("CFG scale", "CFG Scale").replace("Negative p", "Negative P")),
        "AUTOMATIC1111",
    ),
    "lines of an extension behind": (
        with_texts(parameters=f"{A1111}\nTemplate: a {{dog|cat}}, x: 1, y: 2, z: 3\nNegative Template: blurry"),
        "AUTOMATIC1111",
    ),
    "UTF-8 for UTF-16": (with_exif("WEBP", b"UNICODE\0" + A1111.encode()), "AUTOMATIC1111"),
}


@pytest.mark.parametrize("which", PROGRAMS)
def test_programs_are_known_by_what_they_write(which: str) -> None:
    content, tool = PROGRAMS[which]
    found = parse_picture(content)
    assert {name: getattr(found, name) for name in SAID} == SAID
    assert (found.tool, found.beyond) == (tool, ())


def test_the_first_invokeai() -> None:
    found = parse_picture(with_texts(Dream=INVOKEAI_1))
    assert {name: getattr(found, name) for name in SAID} == SAID | {"model": None}


def test_utf8_in_plain_texts() -> None:
    for text, encoding in (("一隻狗", "utf-8"), ("café", "latin-1"), ("café", "utf-8")):
        content = png((b"tEXt", b"parameters\0" + f"{text}\n{LINE}".encode(encoding)))
        assert parse_picture(content).prompt == text
    ours = encode_png(Image.new("RGB", (1, 1)), {"parameters": f"cafÃ©\n{LINE}"})
    assert parse_picture(ours).prompt == "cafÃ©", "what is Latin-1 and could be UTF-8 is written so that it is clear"


def test_a_text_that_cannot_be_read_is_named() -> None:
    (note,) = parse_picture(PROGRAMS["ComfyUI beside a text that says nothing"][0]).notes
    assert note.startswith("Its text parameters cannot be read (the text in the picture names no settings)")
    with pytest.raises(PictureError, match="names no settings"):
        parse_picture(with_texts(parameters="hello", prompt="{}"))
    with pytest.raises(PictureError, match=r"no settings that are known here: 'a, b'"):
        parse_picture(with_texts(parameters='{"a": 1, "b": 2}'))
    with pytest.raises(PictureError, match="workflow of ComfyUI's editor, but not the graph"):
        parse_picture(with_texts(workflow='{"nodes": []}'))
    with pytest.raises(PictureError, match="does not say how it was made"):
        parse_picture(with_texts(Comment="Created with a painting program"))


def test_a_file_that_ends_within_its_pixels() -> None:
    whole = with_texts(parameters=A1111)
    for cut in (whole[:-12], whole[:-30]):
        found = parse_picture(cut)
        assert found.prompt == "a dog"
        assert found.notes == ("The file is cut off within its pixels; what it says of itself is whole.",)
    with pytest.raises(PictureError, match="is cut off"):
        parse_picture(with_texts()[:-30])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Clip skip: 2", {"clip_skip": 1}),
        ("Model: old.ckpt [abcdef12]", {"model": "old.ckpt"}),
        ("VAE: Automatic", {"vae": None, "unread": ()}),
        ("Eta: 0.5, ENSD: 31337", {"unread": ("Eta", "ENSD")}),
        ('Lora hashes: "ink: 12ab"', {"loras": (LoraUse("ink", None, "12ab"),)}),
        ('Hashes: {"model": "ab", "lora:ink": "12ab"}', {"loras": (LoraUse("ink", None, "12ab"),), "unread": ()}),
        (
            (
                "AddNet Enabled: True, AddNet Module 1: LoRA, AddNet Model 1: ink(12ab), AddNet Weight A 1: 0.8, "
                "AddNet Weight B 1: 0.6"
            ),
            {"loras": (LoraUse("ink", 0.8, "12ab", 0.6),), "unread": ()},
        ),
        (
            (
                'Civitai resources: [{"type":"checkpoint"},{"type":"lora","weight":0.7,"modelName":"a, b"}], '
                "Clip skip: 2"
            ),
            {"loras": (LoraUse("a, b", 0.7),), "clip_skip": 1, "unread": ()},
        ),
        ("Size: undefined", {"width": None, "notes": ("It says Size: undefined, which says nothing.",)}),
        ("CFG scale: NaN", {"guidance_scale": None, "notes": ("It says CFG scale: NaN, which says nothing.",)}),
    ],
)
def test_what_a_line_says_beside_the_usual(line: str, found: dict[str, Any]) -> None:
    usual = [part for part in LINE.split(", ") if part.partition(":")[0] != line.partition(":")[0]]
    picture = parse_picture(with_texts(parameters=f"a dog\n{', '.join([*usual, line])}"))
    assert {name: getattr(picture, name) for name in found} == found


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("Denoising strength: 0.3", "It was made from another picture (img2img; Denoising strength: 0.3)"),
        ("Denoising strength: 0.3, Mask blur: 4", "Only parts of another picture were drawn anew in it (inpainting; "),
        ("Denoising strength: 0.3, Hires upscale: 2", "It was enlarged and drawn over once more (hires fix; "),
        (
            "Refiner: y [ab], Refiner switch at: 0.8",
            "A second model finished it (Refiner: y [ab], Refiner switch at: 0.8)",
        ),
        ("ControlNet 0: Module canny", "Another picture or a drawing guided it (ControlNet 0: Module canny)"),
        ("ADetailer model: face.pt", "Faces or other parts were drawn over once more (ADetailer model: face.pt)"),
        ("Variation seed: 5, Variation seed strength: 0.2", "Its noise was mixed with that of another seed ("),
        ("Variation seed: 5, Variation seed strength: 0", ""),
        ("Denoising strength: 1", ""),
    ],
)
def test_what_is_not_done_here_has_one_note(line: str, sentence: str) -> None:
    found = parse_picture(with_texts(parameters=f"{A1111}, {line}"))
    assert [note.startswith(sentence) for note in found.beyond] == ([True] if sentence else [])
    assert not {"Denoising strength", "Mask blur", "Hires upscale"} & {*found.unread}


@pytest.mark.parametrize(
    ("loras", "uses"),
    [
        ({"loras": [["ink", 0.5, "12ab"]]}, (LoraUse("ink", 0.5, "12ab"),)),
        ({"lora_combined_1": "ink : 0.5"}, (LoraUse("ink", 0.5),)),
        ({"LoRA 1": "ink.safetensors : 0.5"}, (LoraUse("ink.safetensors", 0.5),)),
        ({"loras": [["12ab", "0.5 - sd\\ink.safetensors"]]}, (LoraUse("sd\\ink.safetensors", 0.5, "12ab"),)),
        ({"loras": "Loras:<ink:0.5>,<line:1>"}, (LoraUse("ink", 0.5), LoraUse("line", 1.0))),
        ({"loras": ["ink", "line"], "loraweights": ["0.5", "1"]}, (LoraUse("ink", 0.5), LoraUse("line", 1.0))),
        ({"loras": ["ink"], "loraweights": [0.5], "loratencweights": [0.2]}, (LoraUse("ink", 0.5, None, 0.2),)),
        ({"lora": [{"file": "ink", "weight": 0.5}]}, (LoraUse("ink", 0.5),)),
        ({"loras": ["None"]}, ()),
    ],
)
def test_loras_as_programs_name_them(loras: dict[str, Any], uses: tuple[LoraUse, ...]) -> None:
    found = parse_picture(with_texts(parameters=json.dumps(RUINED | loras)))
    assert (found.loras, found.unread) == (uses, ())


@pytest.mark.parametrize(
    ("sampler", "scheduler"),
    [
        ("k_euler_a", "Euler a"),
        ("Euler Ancestral", "Euler a"),
        ("K_DPMPP_2M", "DPM++ 2M"),
        ("DPM++ 2Sa Karras", "DPM++ 2S a Karras"),
        ("dpmpp_2m_karras", "DPM++ 2M Karras"),
        ("dpmpp_3m_sde_gpu", "DPM++ 3M SDE"),
        ("k_dpm_2_a", "DPM2 a"),
        ("plms", "PNDM"),
        ("euler_cfg_pp", None),
        ("uni_pc_bh2", None),
    ],
)
def test_spellings_of_samplers(sampler: str, scheduler: str | None) -> None:
    assert scheduler_named(sampler) == scheduler


def test_a_similar_picture_is_promised_only_where_model_and_loras_are_the_same() -> None:
    """The embedded model stands for one that is here."""
    here = json.loads(json.dumps(GRAPH))
    here["4"]["inputs"]["ckpt_name"] = "seedling"
    promise = "ComfyUI begins with the same noise, but weighs prompts and spaces its steps in its own way"
    lora = {"9": {"class_type": "LoraLoader", "inputs": {"lora_name": "nowhere", "model": ["4", 0]}}}
    with_lora = here | lora | {"3": {**here["3"], "inputs": {**here["3"]["inputs"], "model": ["9", 0]}}}
    for graph, is_promised in ((here, True), (GRAPH, False), (with_lora, False)):
        notes = likeness_of(parse_picture(with_texts(prompt=json.dumps(graph))), RenderSettings()).notes
        assert any(note.startswith(promise) for note in notes) == is_promised, notes


def test_a_tag_of_a_lora_that_is_not_here_leaves_the_prompt() -> None:
    graph = json.dumps(GRAPH).replace("a dog", "a dog <lora:nowhere:0.5>").replace('"x"', '"seedling"')
    found = likeness_of(parse_picture(with_texts(prompt=graph)), RenderSettings())
    assert found.simple == "a dog "
    assert "The LoRA nowhere is not taken over: unknown lora 'nowhere'." in found.notes


def test_an_empty_prompt_is_said_to_be_one() -> None:
    found = likeness_of(parse_picture(with_texts(parameters=f"Negative prompt: blurry\n{LINE}")), RenderSettings())
    assert (found.simple, found.negative, found.without_prompt) == ("", "blurry", "its prompt is empty")
    assert found.notes[1] == "It gives no prompt, as its prompt is empty: say yourself what to draw."


def test_lines_behind_the_settings_are_values() -> None:
    found = parse_infotext(f"{A1111}\nTemplate: a {{dog|cat}}\non two lines\nNegative Template: blurry")
    assert found.values["Template"] == "a {dog|cat}\non two lines"
    assert (found.prompt, found.values["Negative Template"]) == ("a dog", "blurry")


def test_weights_in_other_syntax_are_named() -> None:
    for content in (
        with_texts(**NOVELAI_TEXTS | {"Description": "{a dog}"}),
        with_texts(**{"sd-metadata": json.dumps(INVOKEAI_2).replace("a dog", "a (dog)1.3")}),
    ):
        (note,) = parse_picture(content).notes
        assert "weighs words by marks of its own" in note
