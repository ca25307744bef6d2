"""HunyuanImage 2.1 (Tencent, 2025), and distilled: a Qwen2.5-VL reads the words, a ByT5 the letters to be drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from generate.families.latents import decoded_by_scale
from generate.families.protocol import EULERS_AND_UNIPC, Family, InTurn, Reader


def _lettering(words: str) -> str:
    """What its pipeline gives ByT5 of a prompt: the words in quotation marks. It guides those pictures in another
    way."""
    from diffusers.pipelines.hunyuan_image.pipeline_hunyuanimage import extract_glyph_text

    return extract_glyph_text(words) or ""


def _behind_the_letters(pipeline: Any, words: str, _tokens: int, _limit: int) -> int:
    """Where Qwen's words begin: ByT5's stand before them, which has been given the words in quotation marks."""
    letters = _lettering(words)
    if not letters:
        return 0
    return len(pipeline.tokenizer_2(letters, truncation=True, max_length=pipeline.tokenizer_2_max_length).input_ids)


#: What its template says before the words is read and then left out; one token behind them stays.
_ALIKE = InTurn(
    readers=(Reader("Qwen2.5-VL", "tokenizer", 1000, (0, 1)),),
    guided_above=None,
    decoded=decoded_by_scale,
    carries=True,
    takes_backends=True,
    attends="picture first",
    places_a_side=2,
    schedulers=EULERS_AND_UNIPC,
    lettering=_lettering,
    letters=127,  # and a token that ends them
    context=(("tokenizer", 0),),
    words_from=_behind_the_letters,
)

#: Guidance is not told to the pipeline: parts of it have it, one for pictures and one for pictures with lettering.
HUNYUAN_IMAGE = Family(
    name="hunyuan-image",
    title="HunyuanImage 2.1",
    pipeline="HunyuanImagePipeline",
    text_encoders=(("text_encoder", "tokenizer"), ("text_encoder_2", "tokenizer_2")),
    inputs={
        "hidden_states": "initial noise",
        "encoder_hidden_states": "prompt",
        "encoder_attention_mask": "prompt",
        "encoder_hidden_states_2": "prompt",
        "encoder_attention_mask_2": "prompt",
    },
    told_by={"guidance_embeds": False},
    patch=2,
    native_side=2048,
    flow=True,
    half="bfloat16",
    billions=(17.0, 8.3),
    usual={"scheduler": "Euler", "num_inference_steps": 50, "guidance_scale": 3.5},
    in_turn=replace(
        _ALIKE,
        guided_above=1.0,
        guided_calls=("prompt", "negative prompt"),
        guiders=("guider", "ocr_guider"),
        set_apart=lambda words: bool(_lettering(words)),
    ),
)

#: It is told its guidance, and has no parts for it.
HUNYUAN_IMAGE_DISTILLED = replace(
    HUNYUAN_IMAGE,
    name="hunyuan-image-distilled",
    title="HunyuanImage 2.1 distilled",
    guidance="distilled_guidance_scale",
    guided_rows=("prompt",),
    told_by={"guidance_embeds": True},
    usual={"scheduler": "Euler", "num_inference_steps": 8, "guidance_scale": 3.25},
    in_turn=_ALIKE,
)
