"""Checkpoints: judges that were published as one file in their makers' own form, told by the tensors in it.

HPSv2 (Wu et al. 2023, arXiv 2306.09341) is a CLIP with the names of open_clip. ImageReward (Xu et al. 2023, arXiv
2304.05977) is BLIP with the names of its makers, and a head that makes a number of what its text encoder says. Their
weights are put into transformers' models of the same architecture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from compare.study.judges.files import cannot_open, words_folder
from compare.study.judges.protocol import JudgeError
from compare.study.judges.towers import Towers
from ideation import TwinseedError, spoken

if TYPE_CHECKING:
    from torch import Tensor

Tensors = dict[str, "Tensor"]

#: The width of a head where it is not 64, by that of a picture's encoder in open_clip: of ViT-H, ViT-g and ViT-bigG.
_WIDE_HEADS = {1280: 80, 1408: 88, 1664: 104}

_OPEN_CLIP = (
    ("visual.class_embedding", "vision_model.embeddings.class_embedding"),
    ("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
    ("visual.conv1.", "vision_model.embeddings.patch_embedding."),
    ("visual.ln_pre.", "vision_model.pre_layrnorm."),
    ("visual.ln_post.", "vision_model.post_layernorm."),
    ("visual.proj", "visual_projection.weight"),
    ("visual.transformer.resblocks.", "vision_model.encoder.layers."),
    ("transformer.resblocks.", "text_model.encoder.layers."),
    ("token_embedding.", "text_model.embeddings.token_embedding."),
    ("positional_embedding", "text_model.embeddings.position_embedding.weight"),
    ("ln_final.", "text_model.final_layer_norm."),
    ("text_projection", "text_projection.weight"),
    ("logit_scale", "logit_scale"),
)
_OPEN_CLIP_BLOCK = (
    (".ln_1.", ".layer_norm1."),
    (".ln_2.", ".layer_norm2."),
    (".attn.out_proj.", ".self_attn.out_proj."),
    (".mlp.c_fc.", ".mlp.fc1."),
    (".mlp.c_proj.", ".mlp.fc2."),
)
_VISION = (
    ("cls_token", "embeddings.class_embedding"),
    ("pos_embed", "embeddings.position_embedding"),
    ("patch_embed.proj.", "embeddings.patch_embedding."),
    ("norm.", "post_layernorm."),
    ("blocks.", "encoder.layers."),
)
_VISION_BLOCK = (
    (".norm1.", ".layer_norm1."),
    (".norm2.", ".layer_norm2."),
    (".attn.qkv.", ".self_attn.qkv."),
    (".attn.proj.", ".self_attn.projection."),
)


def open_checkpoint(name: str, file: Path, *, allow_pickle: bool) -> Towers | ImageReward:
    """Opens it. Raises `JudgeError`, and `ModelError` for a file that is broken, or a pickle that is not allowed."""
    from generate.models.weights.tensors import read_tensors

    tensors = {
        key.removeprefix("module."): value.float()
        for key, value in read_tensors(file, allow_pickle=allow_pickle)[0].items()
    }
    try:
        if {"mlp.layers.0.weight", "blip.visual_encoder.cls_token"} <= tensors.keys():
            return ImageReward(tensors, file)
        if {"visual.conv1.weight", "ln_final.weight", "token_embedding.weight"} <= tensors.keys():
            return Towers(_open_clip(tensors, file), file.parent)
    except TwinseedError:
        raise
    except Exception as error:  # the libraries raise OSError, ValueError, RuntimeError, KeyError ...
        raise cannot_open(name, error) from error
    raise JudgeError(
        "the checkpoint {name} is none that says how well a picture fits a text",
        hint="HPSv2, others that open_clip has saved, and ImageReward are read; else take a folder of transformers'",
        name=name,
    )


def _open_clip(tensors: Tensors, file: Path) -> Any:
    """The CLIP in float32. Its sizes are those of its tensors."""
    from transformers import CLIPConfig, CLIPModel

    width, patch = tensors["visual.conv1.weight"].shape[0], tensors["visual.conv1.weight"].shape[-1]
    vocabulary, words = tensors["token_embedding.weight"].shape
    usual = {"hidden_act": "gelu"}
    side = round((len(tensors["visual.positional_embedding"]) - 1) ** 0.5)
    config = CLIPConfig(
        vision_config=usual
        | {
            "hidden_size": width,
            "intermediate_size": len(tensors["visual.transformer.resblocks.0.mlp.c_fc.bias"]),
            "num_hidden_layers": _count(tensors, r"visual\.transformer\.resblocks\.(\d+)\."),
            "num_attention_heads": width // _WIDE_HEADS.get(width, 64),
            "patch_size": patch,
            "image_size": side * patch,
        },
        text_config=usual
        | {
            "hidden_size": words,
            "intermediate_size": len(tensors["transformer.resblocks.0.mlp.c_fc.bias"]),
            "num_hidden_layers": _count(tensors, r"transformer\.resblocks\.(\d+)\."),
            "num_attention_heads": words // 64,
            "vocab_size": vocabulary,
            "max_position_embeddings": len(tensors["positional_embedding"]),
        },
        projection_dim=tensors["text_projection"].shape[1],
    )
    found: Tensors = {}
    for name, tensor in tensors.items():
        told = _renamed(name, _OPEN_CLIP, _OPEN_CLIP_BLOCK)
        if ".attn.in_proj_" in told:
            for part, own in zip("qkv", tensor.chunk(3), strict=True):
                found[told.replace(".attn.in_proj_", f".self_attn.{part}_proj.")] = own
        else:
            found[told] = tensor.T if name in ("visual.proj", "text_projection") else tensor
    return _filled(CLIPModel(config), found, file)


class ImageReward:
    """How much people would like the picture for that text: a number with a mean of 0 and a spread of 1 over those that
    it was taught with. `med_config.json` beside the file says how many heads its text encoder has; else it is BERT's
    twelve."""

    #: Of the rewards that its makers saw.
    MEAN, SPREAD = 0.16717362830052426, 1.0333394966054072
    #: So many tokens of a text are read.
    LIMIT = 35
    USUAL_WORDS = "google-bert/bert-base-uncased"

    def __init__(self, tensors: Tensors, file: Path) -> None:
        from torch import nn
        from transformers import BertTokenizer, BlipTextConfig, BlipVisionConfig
        from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
        from transformers.models.blip.modeling_blip import BlipVisionModel
        from transformers.models.blip.modeling_blip_text import BlipTextModel

        own = _inside(tensors, "blip.visual_encoder.")
        width, patch = own["patch_embed.proj.weight"].shape[0], own["patch_embed.proj.weight"].shape[-1]
        size = round((own["pos_embed"].shape[1] - 1) ** 0.5) * patch
        vision = BlipVisionConfig(
            hidden_size=width,
            intermediate_size=len(own["blocks.0.mlp.fc1.bias"]),
            num_hidden_layers=_count(own, r"blocks\.(\d+)\."),
            num_attention_heads=width // 64,
            image_size=size,
            patch_size=patch,
            layer_norm_eps=1e-6,
        )
        seen = {_renamed(name, _VISION, _VISION_BLOCK): one for name, one in own.items()}
        self._eye = _filled(BlipVisionModel(vision), seen, file)
        said = _inside(tensors, "blip.text_encoder.")
        said.pop("embeddings.position_ids", None)
        vocabulary, words = said["embeddings.word_embeddings.weight"].shape
        text = BlipTextConfig(
            vocab_size=vocabulary,
            hidden_size=words,
            encoder_hidden_size=width,
            intermediate_size=len(said["encoder.layer.0.intermediate.dense.bias"]),
            num_hidden_layers=_count(said, r"encoder\.layer\.(\d+)\."),
            num_attention_heads=_heads(file.parent / "med_config.json"),
            max_position_embeddings=len(said["embeddings.position_embeddings.weight"]),
        )
        self._reader = _filled(BlipTextModel(text, add_pooling_layer=False), said, file)
        head = _inside(tensors, "mlp.layers.")
        places = sorted({int(name.partition(".")[0]) for name in head})
        shapes = [head[f"{place}.weight"].shape for place in places]
        layers = [nn.Linear(inside, outside) for outside, inside in shapes]
        renamed = {f"{places.index(int(at))}.{rest}": one for (at, _, rest), one in _cut(head)}
        self._head = _filled(nn.Sequential(*layers), renamed, file)
        folder = words_folder(file.parent, usual=self.USUAL_WORDS)
        self._tokenizer = BertTokenizer.from_pretrained(str(folder), local_files_only=True)
        self._processor = BlipImageProcessorPil(size={"height": size, "width": size})
        self._side = size

    def fit(self, images: Sequence[Image.Image], texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        given = self._tokenizer(
            [spoken(text) for text in texts],
            padding="max_length",
            truncation=True,
            max_length=self.LIMIT,
            return_tensors="pt",
        )
        rows = []
        for image in images:
            pixels = self._processor(images=[_middle(image.convert("RGB"), self._side)], return_tensors="pt")
            with torch.inference_mode():
                seen = self._eye(pixels["pixel_values"]).last_hidden_state.expand(len(texts), -1, -1)
                read = self._reader(
                    input_ids=given["input_ids"],
                    attention_mask=given["attention_mask"],
                    encoder_hidden_states=seen,
                    encoder_attention_mask=torch.ones(seen.shape[:2], dtype=torch.long),
                ).last_hidden_state
                rewards = self._head(read[:, 0])[:, 0]
            rows.append(((rewards - self.MEAN) / self.SPREAD).numpy())
        found: NDArray[np.float32] = np.stack(rows)
        return found


def _middle(image: Image.Image, side: int) -> Image.Image:
    """The middle of a picture whose shorter side is brought to that length."""
    scale = side / min(image.size)
    width, height = (max(side, round(length * scale)) for length in image.size)
    left, top = (width - side) // 2, (height - side) // 2
    sized = image.resize((width, height), Image.Resampling.BICUBIC)
    return sized.crop((left, top, left + side, top + side))


def _heads(file: Path) -> int:
    if not file.is_file():
        return 12
    return int(json.loads(file.read_text(encoding="utf-8"))["num_attention_heads"])


def _inside(tensors: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}


def _cut(tensors: Tensors) -> Iterable[tuple[tuple[str, str, str], Tensor]]:
    return ((name.partition("."), one) for name, one in tensors.items())


def _count(tensors: Mapping[str, object], pattern: str) -> int:
    """How many blocks there are."""
    return 1 + max(int(found[1]) for name in tensors if (found := re.match(pattern, name)))


def _renamed(name: str, beginnings: Iterable[tuple[str, str]], inside: Iterable[tuple[str, str]]) -> str:
    for theirs, ours in beginnings:
        if name.startswith(theirs) if theirs.endswith(".") else name == theirs:
            name = ours + name[len(theirs) :]
            break
    for theirs, ours in inside:
        name = name.replace(theirs, ours)
    return name


def _filled(model: Any, tensors: Tensors, file: Path) -> Any:
    """The model with every one of its weights. Raises `JudgeError` for one that is missing, or that it has not."""
    wanted = {name for name in model.state_dict() if not name.endswith("position_ids")}
    if odd := sorted(wanted ^ tensors.keys()):
        raise JudgeError(
            "the weights in {file} are not those of such a model: {names}",
            hint="it is another kind, or cut off: download it again or take another",
            file=file,
            names=", ".join(odd[:3]),
        )
    model.load_state_dict(tensors, strict=False)
    return model.eval()
