"""Judges as their makers publish them, of a few random weights: written out plainly after their papers, with the names
of tensors that the published files have, and saved as one checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from PIL import Image
from tiny_judges import write_bert_words, write_clip_words
from torch import Tensor, nn

_WIDTH, _SIDE, _PATCH, _LAYERS = 64, 32, 8, 2
_PLACES = (_SIDE // _PATCH) ** 2 + 1
_MEAN, _SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def prepared(image: Image.Image) -> Tensor:
    """A square picture as all of them see it: (1, 3, side, side)."""
    sized = image.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    raw = torch.frombuffer(bytearray(sized.tobytes()), dtype=torch.uint8).view(_SIDE, _SIDE, 3).permute(2, 0, 1)
    mean, spread = (torch.tensor(one).view(3, 1, 1) for one in (_MEAN, _SPREAD))
    return ((raw / 255 - mean) / spread)[None]


class _Block(nn.Module):
    """Of open_clip: torch's own attention."""

    def __init__(self) -> None:
        super().__init__()
        self.ln_1, self.ln_2 = nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)
        self.attn = nn.MultiheadAttention(_WIDTH, 1, batch_first=True)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(_WIDTH, 96))
        self.mlp.add_module("gelu", nn.GELU())
        self.mlp.add_module("c_proj", nn.Linear(96, _WIDTH))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return cast("Tensor", x + self.mlp(self.ln_2(x)))


class _Blocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(_Block() for _ in range(_LAYERS))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        for block in self.resblocks:
            x = block(x, mask)
        return x


class _Eye(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(torch.randn(_WIDTH))
        self.positional_embedding = nn.Parameter(torch.randn(_PLACES, _WIDTH))
        self.conv1 = nn.Conv2d(3, _WIDTH, _PATCH, _PATCH, bias=False)
        self.ln_pre, self.ln_post = nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)
        self.transformer = _Blocks()
        self.proj = nn.Parameter(torch.randn(_WIDTH, 8))

    def forward(self, pixels: Tensor) -> Tensor:
        places = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(1, 1, -1), places], 1) + self.positional_embedding
        x = self.transformer(self.ln_pre(x))
        return cast("Tensor", self.ln_post(x[:, 0]) @ self.proj)


class OpenClip(nn.Module):
    """A CLIP as open_clip has it, of which HPSv2 is one."""

    def __init__(self, words: int, limit: int = 16) -> None:
        super().__init__()
        self.visual, self.transformer = _Eye(), _Blocks()
        self.token_embedding = nn.Embedding(words, _WIDTH)
        self.positional_embedding = nn.Parameter(torch.randn(limit, _WIDTH))
        self.ln_final = nn.LayerNorm(_WIDTH)
        self.text_projection = nn.Parameter(torch.randn(_WIDTH, 8))
        self.logit_scale = nn.Parameter(torch.tensor(4.6))

    @torch.no_grad()
    def fit(self, image: Image.Image, ids: list[int]) -> float:
        """The cosine of a picture and a text, of which the last token is its end."""
        x = self.token_embedding(torch.tensor([ids])) + self.positional_embedding[: len(ids)]
        later = torch.full((len(ids), len(ids)), float("-inf")).triu(1)
        said = self.ln_final(self.transformer(x, later))[:, -1] @ self.text_projection
        return float(torch.cosine_similarity(self.visual(prepared(image)), said))


class _VitBlock(nn.Module):
    """Of BLIP's vision transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(_WIDTH, eps=1e-6), nn.LayerNorm(_WIDTH, eps=1e-6)
        self.attn = nn.Module()
        self.attn.add_module("qkv", nn.Linear(_WIDTH, 3 * _WIDTH))
        self.attn.add_module("proj", nn.Linear(_WIDTH, _WIDTH))
        self.mlp = nn.Module()
        self.mlp.add_module("fc1", nn.Linear(_WIDTH, 96))
        self.mlp.add_module("fc2", nn.Linear(96, _WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        attention, mlp = cast("Any", self.attn), cast("Any", self.mlp)
        query, key, value = attention.qkv(self.norm1(x)).chunk(3, -1)  # one head of the whole width
        x = x + attention.proj((query @ key.transpose(1, 2) / _WIDTH**0.5).softmax(-1) @ value)
        return cast("Tensor", x + mlp.fc2(nn.functional.gelu(mlp.fc1(self.norm2(x)))))


class _Vit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, _WIDTH))
        self.pos_embed = nn.Parameter(torch.randn(1, _PLACES, _WIDTH))
        self.patch_embed = nn.Module()
        self.patch_embed.add_module("proj", nn.Conv2d(3, _WIDTH, _PATCH, _PATCH))
        self.blocks = nn.ModuleList(_VitBlock() for _ in range(_LAYERS))
        self.norm = nn.LayerNorm(_WIDTH, eps=1e-6)

    def forward(self, pixels: Tensor) -> Tensor:
        places = cast("Any", self.patch_embed).proj(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token, places], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return cast("Tensor", self.norm(x))


class Reward(nn.Module):
    """ImageReward: its text encoder is a BERT that looks at the picture, as BLIP's makers took it from transformers."""

    def __init__(self, words: int) -> None:
        from transformers import BertConfig, BertModel

        super().__init__()
        self.blip, self.mlp = nn.Module(), nn.Module()
        config = BertConfig(
            vocab_size=words,
            hidden_size=_WIDTH,
            intermediate_size=96,
            num_hidden_layers=_LAYERS,
            num_attention_heads=2,
            max_position_embeddings=40,
            is_decoder=True,
            add_cross_attention=True,
            initializer_range=0.3,  # so that pictures matter
        )
        reader = BertModel(config, add_pooling_layer=False)
        reader.config.is_decoder = False  # it reads in both directions
        nn.init.zeros_(reader.embeddings.token_type_embeddings.weight)  # and has no second kind of text
        self.blip.add_module("visual_encoder", _Vit())
        self.blip.add_module("text_encoder", reader)
        self.blip.add_module("vision_proj", nn.Linear(_WIDTH, 4))  # which nothing here uses
        layers = nn.Sequential(nn.Linear(_WIDTH, 16), nn.Dropout(0.2), nn.Linear(16, 8), nn.Linear(8, 1))
        self.mlp.add_module("layers", layers)

    @torch.no_grad()
    def fit(self, image: Image.Image, ids: list[int]) -> float:
        blip = cast("Any", self.blip)
        seen = blip.visual_encoder(prepared(image))
        given = torch.tensor([ids + [0] * (35 - len(ids))])
        said = blip.text_encoder(
            input_ids=given,
            attention_mask=(given != 0).long(),
            encoder_hidden_states=seen,
            encoder_attention_mask=torch.ones(1, seen.shape[1]),
        ).last_hidden_state
        reward = cast("Any", self.mlp).layers(said[:, 0])
        return (float(reward) - 0.16717362830052426) / 1.0333394966054072


def write_hps(folder: Path) -> tuple[Path, OpenClip]:
    """As `HPS_v2.1_compressed.pt`, with a tokenizer beside it."""
    torch.manual_seed(0)
    model = OpenClip(write_clip_words(folder)).eval()
    torch.save({"epoch": 1, "state_dict": model.state_dict()}, folder / "HPS_v2.1_compressed.pt")
    return folder / "HPS_v2.1_compressed.pt", model


def write_image_reward(folder: Path) -> tuple[Path, Reward]:
    """As `ImageReward.pt` and `med_config.json`, with a tokenizer beside them."""
    torch.manual_seed(0)
    model = Reward(write_bert_words(folder)).eval()
    content = {name: one for name, one in model.state_dict().items() if "token_type" not in name}
    content |= {"blip.text_encoder.embeddings.position_ids": torch.arange(40)[None]}
    torch.save(content, folder / "ImageReward.pt")
    (folder / "med_config.json").write_text('{"num_attention_heads": 2}')
    return folder / "ImageReward.pt", model
