"""The text encoder: a small CLIP text tower, taught first to tell the attributes of a caption."""

from __future__ import annotations

import logging
from pathlib import Path
from random import Random

import torch
from torch import nn
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generate.seedling.training.captions import attribute_labels, caption
from generate.seedling.training.scene import draw_scene
from generate.seedling.training.tokenizer import LIMIT
from ideation.vocabulary import KINDS, seedling_vocabulary

log = logging.getLogger(__name__)

WIDTH = 192


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    model = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=4 * WIDTH, projection_dim=WIDTH,
            num_hidden_layers=3, num_attention_heads=WIDTH // 32, max_position_embeddings=LIMIT,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )  # fmt: skip
    model.set_attn_implementation("eager")  # on CPUs faster than flash attention's backward pass
    return model


def token_ids(tokenizer: CLIPTokenizer, prompts: list[str]) -> torch.Tensor:
    """(n, 77) int64, cut or padded with the end token as the pipeline does it."""
    return tokenizer(prompts, padding="max_length", max_length=LIMIT, truncation=True, return_tensors="pt").input_ids


def teach_attributes(
    model: CLIPTextModel,
    tokenizer: CLIPTokenizer,
    checkpoint: Path,
    *,
    steps: int = 250,
    batch: int = 64,
    device: str = "cpu",
) -> float:
    """Trains the encoder to name each attribute of a caption from its pooled output; returns the last accuracy.

    A minute of this spares the U-Net most of the work of learning to read.
    """
    if checkpoint.is_file():
        stored = torch.load(checkpoint, map_location=device, weights_only=True)
        model.load_state_dict(stored["model"])
        return float(stored["accuracy"])
    vocabulary, random = seedling_vocabulary(), Random(11)
    heads = nn.ModuleList(nn.Linear(WIDTH, len(vocabulary.terms[kind]) + 1) for kind in KINDS).to(device)
    model.to(device).train()
    optimizer = torch.optim.AdamW([*model.parameters(), *heads.parameters()], lr=1e-3, betas=(0.9, 0.98))
    accuracy = 0.0
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 1e-3 * min(1.0, step / 40, 2 * (1 - step / steps) + 0.02)
        scenes = [draw_scene(random, vocabulary, richness=0.9, include_held_out=True) for _ in range(batch)]
        texts = [caption(scene, random, vocabulary, keep=1.0) for scene in scenes]
        labels = torch.tensor([attribute_labels(scene, vocabulary) for scene in scenes], device=device)
        # The pooled output sits at the end token and attention is causal: padding behind it changes nothing.
        ids = tokenizer(texts, padding="longest", max_length=LIMIT, truncation=True, return_tensors="pt").input_ids
        with torch.autocast(device, torch.bfloat16):
            pooled = model(ids.to(device)).pooler_output
        answers = [head(pooled.float()) for head in heads]
        loss = sum(
            (functional.cross_entropy(answer, labels[:, k]) for k, answer in enumerate(answers)),
            torch.zeros((), device=device),
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        right = torch.stack([answer.argmax(1) == labels[:, k] for k, answer in enumerate(answers)])
        accuracy = 0.9 * accuracy + 0.1 * right.float().mean().item()
        if step % 25 == 24:
            log.info("text encoder: step %d, loss %.3f, attributes right %.3f", step + 1, loss.item(), accuracy)
    torch.save({"model": model.state_dict(), "accuracy": accuracy}, checkpoint)
    return accuracy
