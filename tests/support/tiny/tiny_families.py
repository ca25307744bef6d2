"""Tiny models of the families of transformers: diffusers' own classes with random weights, loud enough for words to
matter, saved as the makers save theirs."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors

from generate.models.opening.word_processor import WordProcessor

_WORDS = """a red cat blue dog near the ancient lighthouse harbour forest misty valley market golden cathedral bridge
garden river meadow castle library desert island village orchard tower in front of it over tall waves at dusk soft light
blurry low quality watermark user assistant painting with warm colours and many small birds , . : ; ( ) - '""".split()

# The same as Mistral writes them, of whose words pictures could be part.
_CHAT_OF_PARTS = (
    "<s>{% for message in messages %}{% set words = message['content'][0]['text'] %}"
    "{% if message['role'] == 'system' %}[SYSTEM_PROMPT]{{ words }}[/SYSTEM_PROMPT]"
    "{% else %}[INST]{{ words }}[/INST]{% endif %}{% endfor %}"
)

# The turns of a chat as Qwen writes them.
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking is defined and not enable_thinking %}"
    "<think>\n\n</think>\n\n{% endif %}{% endif %}"
)


def tokenizer(kind: str) -> Any:
    """A tokenizer of whole words with the special tokens of "qwen", "t5", "clip", "glm", "gemma" or "mistral"."""
    special = {
        "qwen": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "\n", "\n\n", "<think>", "</think>"],
        "t5": ["<pad>", "</s>"],
        "clip": ["<|startoftext|>", "<|endoftext|>"],
        "glm": ["<|endoftext|>", "[gMASK]", "<sop>"],
        "gemma": ["<pad>", "<bos>", "<eos>"],
        "mistral": ["<pad>", "<s>", "</s>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]"],
    }[kind]
    entries = ["<unk>", *(special if kind != "clip" else []), *dict.fromkeys([*_WORDS, *"abcdefghijklmnopqrstuvwxyz"])]
    vocabulary = {word: number for number, word in enumerate(entries + (special if kind == "clip" else []))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    backend.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    around = {
        "t5": "$A </s>",
        "clip": "<|startoftext|> $A <|endoftext|>",
        "glm": "[gMASK] <sop> $A",
        "gemma": "<bos> $A",
        "mistral": "<s> $A",
    }.get(kind)
    if around is not None:
        ends = [(token, vocabulary[token]) for token in special if token in around.split()]
        backend.post_processor = processors.TemplateProcessing(single=around, special_tokens=ends)
    names = {
        "qwen": {"pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"},
        "t5": {"pad_token": "<pad>", "eos_token": "</s>"},
        "clip": {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "bos_token": "<|startoftext|>"},
        "glm": {"pad_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "padding_side": "left"},
        "gemma": {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>"},
        "mistral": {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "padding_side": "left"},
    }[kind]
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="<unk>",
        model_max_length={"t5": 512, "clip": 77}.get(kind, 131_072),
        **names,
    )
    if kind in ("qwen", "mistral"):
        made.chat_template = _CHAT if kind == "qwen" else _CHAT_OF_PARTS
    return made


@torch.no_grad()
def loud(model: Any, seed: int) -> Any:
    """The model with random weights of unit gain; what training opens, gates and modulations, is open."""
    generator = torch.Generator().manual_seed(seed)
    for name, weight in model.named_parameters():
        drawn = torch.randn(weight.shape, generator=generator)
        if weight.ndim >= 2:
            embeds = any(part in name for part in ("embed_tokens", "shared", "token_embedding", "position_embedding"))
            weight.copy_(drawn * (0.7 if embeds else 1 / math.sqrt(weight[0].numel())))
        elif name.endswith("weight") and ("norm" in name or "_ln." in name):
            weight.fill_(1.0)
        else:
            weight.copy_(drawn * 0.05)
    return model.eval()


def _qwen3(kind: Any, width: int, words: Any, layers: int = 3) -> Any:
    return loud(
        kind(
            transformers.Qwen3Config(
                hidden_size=width,
                intermediate_size=width,
                num_hidden_layers=layers,
                num_attention_heads=1,
                num_key_value_heads=1,
                head_dim=8,
                vocab_size=len(words),
                max_position_embeddings=2048,
                bos_token_id=None,
                eos_token_id=words.eos_token_id,
                pad_token_id=words.pad_token_id,
            )
        ),
        4,
    )


def _vae(channels: int) -> Any:
    return loud(
        diffusers.AutoencoderKL(
            block_out_channels=(8, 8, 8, 8),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=1,
            latent_channels=channels,
            norm_num_groups=4,
            scaling_factor=0.3611,
            shift_factor=0.1159,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        3,
    )


def z_image() -> Any:
    words = tokenizer("qwen")
    transformer = diffusers.ZImageTransformer2DModel(
        in_channels=16,
        dim=32,
        n_layers=2,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[8, 4, 4],
        axes_lens=[512, 32, 32],
    )
    return diffusers.ZImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(16),
        text_encoder=_qwen3(transformers.Qwen3Model, 16, words),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def _t5(words: Any, width: int = 32) -> Any:
    kind = transformers.T5Config(
        vocab_size=len(words), d_model=width, d_kv=8, d_ff=37, num_layers=2, num_heads=4, feed_forward_proj="gated-gelu"
    )
    return loud(transformers.T5EncoderModel(kind), 5)


def _clip(words: Any, kind: Any) -> Any:
    config = transformers.CLIPTextConfig(
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=3,
        projection_dim=32,
        vocab_size=len(words),
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return loud(kind(config), 6)


def _flux(guidance_embeds: bool) -> Any:
    transformer = diffusers.FluxTransformer2DModel(
        in_channels=16,
        num_layers=2,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        axes_dims_rope=[4, 4, 8],
        guidance_embeds=guidance_embeds,
    )
    clip_words, t5_words = tokenizer("clip"), tokenizer("t5")
    return diffusers.FluxPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=guidance_embeds),
        vae=_vae(4),
        text_encoder=_clip(clip_words, transformers.CLIPTextModel),
        tokenizer=clip_words,
        text_encoder_2=_t5(t5_words),
        tokenizer_2=t5_words,
        transformer=loud(transformer, 2),
    )


def _flux2_transformer(guidance_embeds: bool) -> Any:
    transformer = diffusers.Flux2Transformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=2,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=48,
        timestep_guidance_channels=32,
        axes_dims_rope=[4, 4, 4, 4],
        guidance_embeds=guidance_embeds,
    )
    return loud(transformer, 2)


def _flux2_vae() -> Any:
    vae = diffusers.AutoencoderKLFlux2(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
    )
    return loud(vae, 3)


def _klein(distilled: bool) -> Any:
    words = tokenizer("qwen")
    return diffusers.Flux2KleinPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=_flux2_vae(),
        text_encoder=_qwen3(transformers.Qwen3ForCausalLM, 16, words, layers=28),
        tokenizer=words,
        transformer=_flux2_transformer(False),
        is_distilled=distilled,
    )


def flux2() -> Any:
    words = tokenizer("mistral")
    text = {
        "model_type": "mistral",
        "vocab_size": len(words),
        "hidden_size": 16,
        "intermediate_size": 16,
        "max_position_embeddings": 2048,
        "num_attention_heads": 2,
        "num_hidden_layers": 31,
        "num_key_value_heads": 2,
        "sliding_window": None,
    }
    vision = {"model_type": "pixtral", "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Mistral3Config(
        text_config=text,
        vision_config=vision | {"intermediate_size": 16, "image_size": 30, "patch_size": 6},
        image_token_index=1,
        vision_feature_layer=-1,
    )
    return diffusers.Flux2Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=_flux2_vae(),
        text_encoder=loud(transformers.Mistral3ForConditionalGeneration(config), 4),
        tokenizer=words,
        transformer=_flux2_transformer(True),
    )


def ernie_image() -> Any:
    words = tokenizer("mistral")
    transformer = diffusers.ErnieImageTransformer2DModel(
        hidden_size=32,
        num_attention_heads=2,
        num_layers=2,
        ffn_hidden_size=32,
        in_channels=16,
        out_channels=16,
        text_in_dim=16,
        rope_axes_dim=(4, 6, 6),
    )
    config = transformers.Ministral3Config(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=None,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    encoder = loud(transformers.Ministral3Model(config), 4)
    return diffusers.ErnieImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_flux2_vae(),
        text_encoder=encoder,
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def rewriting_model() -> dict[str, Any]:
    """The parts of ERNIE's pipeline that would rewrite prompts, here into four words."""
    words = tokenizer("mistral")
    words.model_max_length = 4
    config = transformers.Ministral3Config(
        vocab_size=len(words),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        sliding_window=None,
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return {"pe": loud(transformers.Ministral3ForCausalLM(config), 4), "pe_tokenizer": words}


def pixart() -> Any:
    words = tokenizer("t5")
    transformer = diffusers.PixArtTransformer2DModel(
        sample_size=8,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=3,
        cross_attention_dim=24,
        caption_channels=32,
        in_channels=4,
        out_channels=8,
        use_additional_conditions=False,
    )
    return diffusers.PixArtSigmaPipeline(
        tokenizer=words,
        text_encoder=_t5(words),
        vae=_vae(4),
        transformer=loud(transformer, 2),
        scheduler=diffusers.DPMSolverMultistepScheduler(),
    )


def _film_vae() -> Any:
    return loud(
        diffusers.AutoencoderKLQwenImage(
            base_dim=8,
            z_dim=4,
            dim_mult=[1, 2, 2, 2],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
            latents_mean=[0.1, 0.0, -0.1, 0.0],
            latents_std=[1.0, 2.0, 1.0, 0.5],
        ),
        3,
    )


def _qwen2_5_vl(words: Any) -> Any:
    text = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": len(words),
        "rope_parameters": {"mrope_section": [1, 1, 2], "rope_type": "default", "rope_theta": 1e6},
        "bos_token_id": None,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    }
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    ids = dict.fromkeys(("vision_end_token_id", "vision_start_token_id", "vision_token_id"), 1)
    config = transformers.Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, image_token_id=len(words) - 1, video_token_id=len(words) - 2, **ids
    )
    return loud(transformers.Qwen2_5_VLForConditionalGeneration(config), 4)


def qwen_image() -> Any:
    words = tokenizer("qwen")
    transformer = diffusers.QwenImageTransformer2DModel(
        in_channels=16,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=3,
        joint_attention_dim=16,
        axes_dims_rope=(8, 4, 4),
    )
    return diffusers.QwenImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=_film_vae(),
        text_encoder=_qwen2_5_vl(words),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def _qwen3_vl(kind: Any, words: Any) -> Any:
    text = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "vocab_size": len(words),
    }
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    config = transformers.Qwen3VLConfig(text_config=text, vision_config=vision)
    return loud(kind(config), 4)


def qwen_image_2_1() -> Any:
    words = tokenizer("qwen")
    words.chat_template = _CHAT.replace("message['content']", "message['content'][0]['text']")
    transformer = diffusers.QwenImage21Transformer2DModel(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        context_in_dim=16,
        axes_dims_rope=(4, 6, 6),
    )
    vae = diffusers.AutoencoderKLQwenImage21(
        base_dim=8,
        decoder_base_dim=8,
        z_dim=4,
        dim_mult=[1, 2, 2, 2, 2],
        num_res_blocks=1,
        latents_mean=[0.1, 0.0, -0.1, 0.0],
        latents_std=[1.0, 2.0, 1.0, 0.5],
    )
    pipeline = diffusers.QwenImage21Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=loud(vae, 3),
        text_encoder=_qwen3_vl(transformers.Qwen3VLForConditionalGeneration, words),
        processor=WordProcessor(words),
        transformer=loud(transformer, 2),
        sample_sigmas=[1.0, 0.7, 0.3],
    )
    pipeline.register_modules(processor=words)  # which can be saved
    return pipeline


def sd3() -> Any:
    transformer = diffusers.SD3Transformer2DModel(
        sample_size=32,
        patch_size=2,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        caption_projection_dim=32,
        joint_attention_dim=64,
        pooled_projection_dim=64,
    )
    words, t5_words = tokenizer("clip"), tokenizer("t5")
    return diffusers.StableDiffusion3Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(4),
        text_encoder=_clip(words, transformers.CLIPTextModelWithProjection),
        tokenizer=words,
        text_encoder_2=_clip(words, transformers.CLIPTextModelWithProjection),
        tokenizer_2=words,
        text_encoder_3=_t5(t5_words, 64),
        tokenizer_3=t5_words,
        transformer=loud(transformer, 2),
    )


def chroma() -> Any:
    transformer = diffusers.ChromaTransformer2DModel(
        in_channels=16,
        num_layers=2,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        axes_dims_rope=[4, 4, 8],
        approximator_hidden_dim=32,
        approximator_layers=1,
        approximator_num_channels=16,
    )
    words = tokenizer("t5")
    return diffusers.ChromaPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=_vae(4),
        text_encoder=_t5(words),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def _krea2(distilled: bool) -> Any:
    words = tokenizer("qwen")
    transformer = diffusers.Krea2Transformer2DModel(
        in_channels=16,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=32,
        timestep_embed_dim=8,
        text_hidden_dim=16,
        num_text_layers=3,
        text_num_attention_heads=2,
        text_num_key_value_heads=1,
        text_intermediate_size=16,
        num_layerwise_text_blocks=1,
        num_refiner_text_blocks=1,
        axes_dims_rope=(4, 2, 2),
    )
    return diffusers.Krea2Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=_film_vae(),
        text_encoder=_qwen3_vl(transformers.Qwen3VLModel, words),
        tokenizer=words,
        transformer=loud(transformer, 2),
        text_encoder_select_layers=(0, 1, 2),
        is_distilled=distilled,
    )


def cogview4() -> Any:
    words = tokenizer("glm")
    transformer = diffusers.CogView4Transformer2DModel(
        in_channels=4,
        out_channels=4,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        text_embed_dim=32,
        time_embed_dim=8,
        condition_dim=4,
    )
    config = transformers.GlmConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=16,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        bos_token_id=None,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(
        base_shift=0.25, max_shift=0.75, use_dynamic_shifting=True, time_shift_type="linear"
    )
    return diffusers.CogView4Pipeline(
        scheduler=scheduler,
        vae=_vae(4),
        text_encoder=loud(transformers.GlmModel(config), 4),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def _gemma(words: Any) -> Any:
    config = transformers.Gemma2Config(
        head_dim=8,
        hidden_size=8,
        intermediate_size=16,
        num_attention_heads=2,
        num_hidden_layers=2,
        num_key_value_heads=2,
        vocab_size=len(words),
        bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
    )
    return loud(transformers.Gemma2Model(config), 4)


def lumina2() -> Any:
    words = tokenizer("gemma")
    transformer = diffusers.Lumina2Transformer2DModel(
        in_channels=4,
        hidden_size=24,
        num_layers=2,
        num_refiner_layers=1,
        num_attention_heads=3,
        num_kv_heads=1,
        multiple_of=16,
        axes_dim_rope=(4, 2, 2),
        cap_feat_dim=8,
    )
    return diffusers.Lumina2Pipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=6.0),
        vae=_vae(4),
        text_encoder=_gemma(words),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def _sana(sprint: bool) -> Any:
    words = tokenizer("gemma")
    transformer = diffusers.SanaTransformer2DModel(
        guidance_embeds=sprint,
        guidance_embeds_scale=0.1,
        patch_size=1,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        num_attention_heads=2,
        attention_head_dim=4,
        num_cross_attention_heads=2,
        cross_attention_head_dim=4,
        cross_attention_dim=8,
        caption_channels=8,
        sample_size=32,
    )
    blocks = ("ResBlock", "ResBlock", "EfficientViTBlock")
    vae = diffusers.AutoencoderDC(
        latent_channels=4,
        attention_head_dim=2,
        encoder_block_types=blocks,
        decoder_block_types=blocks,
        encoder_block_out_channels=(8, 8, 8),
        decoder_block_out_channels=(8, 8, 8),
        encoder_qkv_multiscales=((), (), (5,)),
        decoder_qkv_multiscales=((), (), (5,)),
        encoder_layers_per_block=(1, 1, 1),
        decoder_layers_per_block=(1, 1, 1),
        downsample_block_type="conv",
        upsample_block_type="interpolate",
        decoder_norm_types="rms_norm",
        decoder_act_fns="silu",
        scaling_factor=0.41407,
    )
    parts = {
        "vae": loud(vae, 3),
        "text_encoder": _gemma(words),
        "tokenizer": words,
        "transformer": loud(transformer, 2),
    }
    if sprint:
        scheduler = diffusers.SCMScheduler(prediction_type="trigflow", sigma_data=0.5)
        return diffusers.SanaSprintPipeline(scheduler=scheduler, **parts)
    of_flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}
    return diffusers.SanaPipeline(scheduler=diffusers.DPMSolverMultistepScheduler(**of_flow), **parts)


def kandinsky5() -> Any:
    words, clip_words = tokenizer("qwen"), tokenizer("clip")
    transformer = diffusers.Kandinsky5Transformer3DModel(
        in_visual_dim=4,
        out_visual_dim=4,
        in_text_dim=16,
        in_text_dim2=32,
        time_dim=16,
        model_dim=16,
        ff_dim=32,
        num_text_blocks=1,
        num_visual_blocks=2,
        axes_dims=(1, 1, 2),
    )
    return diffusers.Kandinsky5T2IPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_vae(4),
        text_encoder=_qwen2_5_vl(words),
        tokenizer=words,
        text_encoder_2=_clip(clip_words, transformers.CLIPTextModel),
        tokenizer_2=clip_words,
        transformer=loud(transformer, 2),
    )


def _hunyuan_image(distilled: bool) -> Any:
    words = tokenizer("qwen")
    transformer = diffusers.HunyuanImageTransformer2DModel(
        in_channels=4,
        out_channels=4,
        num_attention_heads=2,
        attention_head_dim=16,
        num_layers=2,
        num_single_layers=1,
        num_refiner_layers=1,
        patch_size=(1, 1),
        guidance_embeds=distilled,
        use_meanflow=distilled,
        text_embed_dim=16,
        text_embed_2_dim=32,
        rope_axes_dim=(8, 8),
    )
    letters = transformers.T5Config(
        d_model=32, d_kv=4, d_ff=16, num_layers=2, num_heads=2, vocab_size=384, feed_forward_proj="gated-gelu"
    )
    vae = diffusers.AutoencoderKLHunyuanImage(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=1,
        spatial_compression_ratio=8,
        sample_size=128,
        scaling_factor=0.476986,
    )
    guidance = diffusers.AdaptiveProjectedMixGuidance
    return diffusers.HunyuanImagePipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=5.0),
        vae=loud(vae, 3),
        text_encoder=_qwen2_5_vl(words),
        tokenizer=words,
        text_encoder_2=loud(transformers.T5EncoderModel(letters), 8),
        tokenizer_2=transformers.ByT5Tokenizer(),
        transformer=loud(transformer, 2),
        guider=None if distilled else guidance(),
        ocr_guider=None if distilled else guidance(adaptive_projected_guidance_start_step=38),
    )


BUILDERS: dict[str, Callable[[], Any]] = {
    "z-image": z_image,
    "flux2-klein": lambda: _klein(True),
    "flux2-klein-base": lambda: _klein(False),
    "flux": lambda: _flux(True),
    "flux-schnell": lambda: _flux(False),
    "qwen-image": qwen_image,
    "qwen-image-2.1": qwen_image_2_1,
    "sd3": sd3,
    "chroma": chroma,
    "krea2": lambda: _krea2(False),
    "krea2-turbo": lambda: _krea2(True),
    "sana": lambda: _sana(False),
    "sana-sprint": lambda: _sana(True),
    "flux2": flux2,
    "ernie-image": ernie_image,
    "pixart": pixart,
    "kandinsky5": kandinsky5,
    "hunyuan-image": lambda: _hunyuan_image(False),
    "hunyuan-image-distilled": lambda: _hunyuan_image(True),
    "lumina2": lumina2,
    "cogview4": cogview4,
}


#: What the makers' model_index.json says of parts in whose place a tokenizer was saved.
_NAMED: dict[str, dict[str, list[str]]] = {
    "flux2": {"tokenizer": ["transformers", "PixtralProcessor"]},
    "kandinsky5": {"tokenizer": ["transformers", "Qwen2_5_VLProcessor"]},
    "qwen-image-2.1": {"processor": ["transformers", "Qwen3VLProcessor"]},
}


def save_tiny(family: str, folder: Path) -> Path:
    """The tiny model of the family in that folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        BUILDERS[family]().save_pretrained(folder)
    for part, named in _NAMED.get(family, {}).items():
        index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        (folder / "model_index.json").write_text(json.dumps(index | {part: named}), encoding="utf-8")
    return folder
