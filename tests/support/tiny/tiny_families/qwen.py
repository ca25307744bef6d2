"""Tiny models whose words a Qwen reads."""

from __future__ import annotations

from typing import Any

import diffusers
import transformers

from generate.models.opening.word_processor import WordProcessor
from tiny_families.parts import clip_encoder, flux2_transformer, flux2_vae, kl_vae, loud
from tiny_families.words import CHAT, tokenizer


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
        vae=kl_vae(16),
        text_encoder=_qwen3(transformers.Qwen3Model, 16, words),
        tokenizer=words,
        transformer=loud(transformer, 2),
    )


def flux2_klein(distilled: bool) -> Any:
    words = tokenizer("qwen")
    return diffusers.Flux2KleinPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=flux2_vae(),
        text_encoder=_qwen3(transformers.Qwen3ForCausalLM, 16, words, layers=28),
        tokenizer=words,
        transformer=flux2_transformer(False),
        is_distilled=distilled,
    )


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


def qwen_image_2_1() -> Any:
    words = tokenizer("qwen")
    words.chat_template = CHAT.replace("message['content']", "message['content'][0]['text']")
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


def krea2(distilled: bool) -> Any:
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
        vae=kl_vae(4),
        text_encoder=_qwen2_5_vl(words),
        tokenizer=words,
        text_encoder_2=clip_encoder(clip_words, transformers.CLIPTextModel),
        tokenizer_2=clip_words,
        transformer=loud(transformer, 2),
    )


def hunyuan_image(distilled: bool) -> Any:
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
