"""ComfyUI's graphs: what a text or a value is, where nodes pass it on, join it, choose it; and what cannot be known."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from picture_bytes import with_texts

from generate.files import LoraUse, PictureParameters, parse_picture

Graph = dict[str, Any]


def node(class_type: str, **inputs: Any) -> Graph:
    return {"class_type": class_type, "inputs": inputs}


def text(words: Any) -> Graph:
    return node("CLIPTextEncode", text=words, clip=["4", 1])


def sampler(**inputs: Any) -> Graph:
    usual = {"seed": 7, "steps": 12, "cfg": 5.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0}
    links = {"model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}
    return node("KSampler", **usual | links | inputs)


USUAL = {
    "3": sampler(),
    "4": node("CheckpointLoaderSimple", ckpt_name="x.safetensors"),
    "5": node("EmptyLatentImage", width=128, height=256, batch_size=1),
    "6": text("a dog"),
    "7": text("blurry"),
    "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
}
LINKED = {"6": text(["9", 0])}  # the prompt comes out of node 9
LLM = node("OllamaGenerate", prompt="Write me a prompt about a dog", model="m")


def read(**changes: Graph) -> PictureParameters:
    return parse_picture(with_texts(prompt=json.dumps(USUAL | changes)))


def test_numbers_that_no_setting_has() -> None:
    loader = node("LoraLoader", lora_name="x", strength_model=10**400, model=["4", 0], clip=["4", 1])
    (lora,) = read(**{"3": sampler(model=["10", 0]), "10": loader}).loras
    assert (lora.name, lora.weight) == ("x", None)


def read_prompt(nine: Graph, **more: Graph) -> PictureParameters:
    return read(**LINKED | {"9": nine} | more)


@pytest.mark.parametrize(
    ("nine", "ten"),
    [
        (node("PrimitiveStringMultiline", value="a dog"), {}),
        (node("String Literal", string="a dog"), {}),
        (node("Text Multiline", text="a dog"), {}),
        (node("easy positive", positive="a dog"), {}),
        (node("ShowText|pysssss", text=["10", 0], text_0="a dog"), LLM),
        (node("ShowText|pysssss", text=["10", 0]), node("PrimitiveString", value="a dog")),
        (
            node("StringConcatenate", string_a="a", string_b=["10", 0], delimiter=" "),
            node("PrimitiveString", value="dog"),
        ),
        (node("Text Concatenate", delimiter=" ", text_a="a", text_b="", text_c="dog", clean_whitespace="true"), {}),
        (node("CR Text Input Switch", Input=2, text1="a cat", text2=["10", 0]), node("Text Multiline", text="a dog")),
        (
            node("Switch any [Crystools]", boolean=["10", 0], on_true="a cat", on_false="a dog"),
            node("Bool", value=False),
        ),
        (node("ImpactWildcardProcessor", wildcard_text="a __pet__", populated_text="a dog", mode="populate"), {}),
        (node("DPRandomGenerator", text="a dog", seed=3), {}),
        (node("Reroute", anything=["10", 0]), node("PrimitiveString", value="a dog")),
    ],
)
def test_where_a_prompt_comes_from(nine: Graph, ten: Graph) -> None:
    found = read_prompt(nine, **({"10": ten} if ten else {}))
    assert (found.prompt, found.without_prompt) == ("a dog", None)


@pytest.mark.parametrize(
    ("nine", "made_by"),
    [
        (LLM, "OllamaGenerate"),
        (node("ShowText|pysssss", text=["10", 0]), "OllamaGenerate"),
        (node("StringConcatenate", string_a="a dog", string_b=["10", 0], delimiter=", "), "OllamaGenerate"),
        (node("AnyPromptMaker", prompt="Write a prompt", temperature=0.7), "AnyPromptMaker"),
        (node("DPRandomGenerator", text="a {dog|cat}", seed=3), "DPRandomGenerator"),
        (node("Text Random Line", text="a dog\na cat", seed=3), "Text Random Line"),
        (node("Text Find and Replace", text="a cat", find="cat", replace="dog"), "Text Find and Replace"),
        (node("Text Switch", which="?", text1="a cat", text2="a dog"), "Text Switch"),
        (node("SomeText", value=False), "SomeText"),
        (node("Foo", a="a dog", b="a cat"), "Foo"),
    ],
)
def test_a_prompt_that_only_running_the_graph_would_tell(nine: Graph, made_by: str) -> None:
    found = read_prompt(nine, **{"10": LLM})
    assert found.prompt == ""
    assert str(found.without_prompt).startswith("no prompt was found in this graph: it comes about while it runs (")
    assert made_by in str(found.without_prompt)


@pytest.mark.parametrize("words", [False, 5, float("nan"), None])
def test_what_is_no_text_is_no_prompt(words: object) -> None:
    found = read(**{"6": text(words)})
    assert found.prompt == ""
    assert "no prompt was found in this graph" in str(found.without_prompt)
    assert read(**{"6": text("")}).without_prompt == "its prompt is empty"


@pytest.mark.parametrize(
    "joint",
    [
        node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["10", 0]),
        node("ConditioningConcat", conditioning_to=["6", 0], conditioning_from=["10", 0]),
        node(
            "ConditioningAverage", conditioning_to=["6", 0], conditioning_from=["10", 0], conditioning_to_strength=0.5
        ),
    ],
)
def test_prompts_that_are_put_together_are_joined_and_named(joint: Graph) -> None:
    found = read(**{"3": sampler(positive=["9", 0]), "9": joint, "10": text("on a beach")})
    assert found.prompt == "a dog, on a beach"
    assert [note[:41] for note in found.beyond] == ["The prompt was put together from 2 that t"]
    assert found.unread == ()


@pytest.mark.parametrize(
    ("encoder", "prompt", "notes"),
    [
        (node("CLIPTextEncodeSDXL", text_g="a dog", text_l="a dog", clip=["4", 1]), "a dog", 0),
        (node("CLIPTextEncodeSDXL", text_g="a dog", text_l="a puppy", clip=["4", 1]), "a dog", 1),
        (node("CLIPTextEncodeFlux", clip_l="dog", t5xxl="a dog in the rain", clip=["4", 1]), "a dog in the rain", 1),
        (node("ImpactWildcardEncode", wildcard_text="__a__", populated_text="a dog", clip=["4", 1]), "a dog", 0),
        (node("SDXLPromptStyler", text_positive="a dog", text_negative="bad", style="anime"), "a dog", 1),
        (node("smZ CLIPTextEncode", text="a [dog], [a|b]", clip=["4", 1]), "a \\[dog\\], \\[a|b\\]", 0),
    ],
)
def test_encoders_with_more_than_one_text(encoder: Graph, prompt: str, notes: int) -> None:
    found = read(**{"6": encoder})
    assert (found.prompt, len(found.beyond)) == (prompt, notes)


@pytest.mark.parametrize(
    ("class_type", "inputs", "steps"),
    [
        ("PrimitiveInt", {"value": 6, "control_after_generate": "fixed"}, 6),
        ("Steps", {"steps": 6}, 6),
        ("Reroute", {"": ["10", 0]}, 6),
        ("MathExpression", {"expression": "a*2", "a": ["10", 0]}, None),
        ("SimpleMath+", {"value": "a*2", "a": ["10", 0]}, None),
        ("Int binary operation", {"op": "*", "a": 6, "b": 2}, None),
        ("Random Number", {"minimum": 1, "maximum": 50, "seed": 6}, None),
        ("Foo", {"value": ["10", 0], "factor": 2}, None),
    ],
)
def test_no_arithmetic_is_guessed(class_type: str, inputs: Graph, steps: int | None) -> None:
    found = read(**{"3": sampler(steps=["9", 0]), "9": node(class_type, **inputs), "10": node("PrimitiveInt", value=6)})
    assert found.num_inference_steps == steps
    note = f"The graph works out steps only while it runs ({class_type}), so not taken over: steps."
    assert found.notes == (() if steps else (note,))


LOADERS: dict[str, tuple[dict[str, Graph], tuple[LoraUse, ...]]] = {
    "a row": (
        {
            "9": node(
                "LoraLoader", lora_name="a", strength_model=0.8, strength_clip=0.8, model=["4", 0], clip=["4", 1]
            ),
            "10": node("LoraLoaderModelOnly", lora_name="b", strength_model=0.5, model=["9", 0]),
        },
        (LoraUse("a", 0.8), LoraUse("b", 0.5, None, 0.0)),
    ),
    "a switchboard": (
        {
            "10": node(
                "Power Lora Loader (rgthree)",
                lora_1={"on": True, "lora": "a", "strength": 0.8},
                lora_2={"on": False, "lora": "b", "strength": 1},
                model=["4", 0],
            )
        },
        (LoraUse("a", 0.8),),
    ),
    "a stack": (
        {
            "10": node("CR Apply LoRA Stack", model=["4", 0], lora_stack=["9", 0]),
            "9": node(
                "CR LoRA Stack",
                switch_1="On",
                lora_name_1="a",
                model_weight_1=0.8,
                clip_weight_1=0.5,
                switch_2="Off",
                lora_name_2="b",
                model_weight_2=1,
                clip_weight_2=1,
            ),
        },
        (LoraUse("a", 0.8, None, 0.5),),
    ),
    "none": ({"10": node("LoraLoader", lora_name="None", strength_model=1, model=["4", 0])}, ()),
}


@pytest.mark.parametrize("which", LOADERS)
def test_loras(which: str) -> None:
    nodes, loras = LOADERS[which]
    found = read(**{"3": sampler(model=["10", 0])}, **nodes)
    assert (found.model, found.loras, found.unread) == ("x.safetensors", loras, ())


def test_all_in_one_loader() -> None:
    loader = node(
        "Efficient Loader",
        ckpt_name="x",
        vae_name="soft.pt",
        clip_skip=-2,
        positive="a dog",
        negative="bad",
        lora_name="a",
        lora_model_strength=0.7,
        lora_clip_strength=0.7,
        empty_latent_width=512,
        empty_latent_height=768,
    )
    links = {"model": ["2", 0], "positive": ["2", 1], "negative": ["2", 2], "latent_image": ["2", 3]}
    steps = {"seed": 7, "steps": 12, "cfg": 5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1}
    found = parse_picture(
        with_texts(prompt=json.dumps({"1": node("KSampler (Efficient)", **steps, **links), "2": loader}))
    )
    assert (found.prompt, found.negative_prompt, found.model, found.clip_skip) == ("a dog", "bad", "x", 1)
    assert (found.width, found.height, found.scheduler) == (512, 768, "DPM++ 2M Karras")
    assert found.loras == (LoraUse("a", 0.7),)


@pytest.mark.parametrize(
    ("changes", "size", "sentence"),
    [
        (
            {"3": sampler(latent_image=["9", 0], denoise=0.35), "9": node("VAEEncode", pixels=["10", 0])},
            (None, None),
            "It was made from another picture (img2img; VAEEncode, denoise 0.35)",
        ),
        (
            {"3": sampler(latent_image=["9", 0]), "9": node("VAEEncodeForInpaint", pixels=["10", 0], mask=["10", 1])},
            (None, None),
            "Only parts of another picture were drawn anew in it (inpainting; VAEEncodeForInpaint)",
        ),
        ({"3": sampler(denoise=float("nan"))}, (128, 256), ""),
        (
            {
                "20": sampler(latent_image=["21", 0], denoise=0.4, steps=8),
                "21": node("VAEEncode", pixels=["22", 0]),
                "22": node("ImageScale", image=["8", 0], width=256, height=512),
            },
            (128, 256),
            "The graph has 2 samplers",
        ),
        (
            {"3": sampler(positive=["9", 0]), "9": node("ControlNetApply", conditioning=["6", 0], image=["10", 0])},
            (128, 256),
            "Another picture or a drawing guided it (ControlNetApply)",
        ),
        (
            {"3": sampler(model=["9", 0]), "9": node("ModelMergeSimple", model1=["4", 0], model2=["11", 0], ratio=0.5)},
            (128, 256),
            "Its model was mixed from several: x.safetensors, y",
        ),
    ],
)
def test_what_has_no_counterpart_here(changes: dict[str, Graph], size: tuple[int | None, ...], sentence: str) -> None:
    others = {"10": node("LoadImage", image="me.png"), "11": node("CheckpointLoaderSimple", ckpt_name="y")}
    found = read(**others, **changes)
    assert (found.width, found.height) == size
    assert [note.startswith(sentence) for note in found.beyond] == ([True] if sentence else [])
    assert found.num_inference_steps == 12


@pytest.mark.parametrize(
    ("latent", "size"),
    [
        (
            node("SDXLEmptyLatentSizePicker+", resolution="1024x768 (1.3)", width_override=0, height_override=0),
            (1024, 768),
        ),
        (node("EmptyLatentImage", width=["9", 0], height=["9", 1]), (896, 1152)),
    ],
)
def test_sizes_that_are_chosen_from_some(latent: Graph, size: tuple[int, int]) -> None:
    nine = node(
        "CR SDXL Aspect Ratio", width=1024, height=1024, aspect_ratio="3:4 portrait 896x1152", swap_dimensions="Off"
    )
    found = read(**{"5": latent, "9": nine})
    assert (found.width, found.height) == size


def test_vae_and_clip_skip() -> None:
    found = read(
        **{
            "6": node("CLIPTextEncode", text="a dog", clip=["9", 0]),
            "8": node("VAEDecode", samples=["3", 0], vae=["10", 0]),
            "9": node("CLIPSetLastLayer", stop_at_clip_layer=-2, clip=["4", 1]),
            "10": node("VAELoader", vae_name="soft.pt"),
        }
    )
    assert (found.vae, found.clip_skip, found.unread) == ("soft.pt", 1, ())


def test_graphs_that_were_made_to_do_harm() -> None:
    doubling = {
        str(n): node("StringConcatenate", string_a=[str(n + 1), 0], string_b=[str(n + 1), 0]) for n in range(100, 160)
    }
    doubling["160"] = node("PrimitiveString", value="ab")
    wide = node("Text Concatenate", delimiter=",", **{f"text_{n}": [str(200 + n % 300), 0] for n in range(1000)})
    circle = {str(200 + n): node("Reroute", x=[str(200 + (n + 1) % 300), 0]) for n in range(300)}
    knot = {
        str(n): node("ConditioningCombine", **{f"conditioning_{k}": [str((n * 7 + k) % 1000), 0] for k in range(10)})
        for n in range(1000)
    }
    began = time.process_time()
    assert read_prompt(node("Reroute", x=["100", 0]), **doubling).prompt == ""
    assert read_prompt(wide, **circle).prompt == ""
    knotted = knot | {"s": sampler(positive=["0", 0], steps=["1", 0], model=["2", 0])}
    assert parse_picture(with_texts(prompt=json.dumps(knotted))).prompt == ""
    assert time.process_time() - began < 2
