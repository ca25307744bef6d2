"""Models of a few random weights in the architectures of those that judge pictures, as their classes leave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tiny_tokenizer import clip_like
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = ("a", "dog", "riding", "bicycle", "beach", "photo", "of", "red")
_LAYERS = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def write_siglip(folder: Path) -> Path:
    from transformers import SiglipConfig, SiglipModel
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    torch.manual_seed(0)
    size = _write_words(folder, "<pad>", "</s>", "<unk>")
    text = {**_LAYERS, "vocab_size": size, "max_position_embeddings": 16}
    config = SiglipConfig(text_config=text, vision_config={**_LAYERS, "image_size": 32, "patch_size": 8})
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_blip(folder: Path) -> Path:
    from transformers import BlipConfig, BlipForImageTextRetrieval
    from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

    torch.manual_seed(0)
    size = _write_words(folder, "[PAD]", "[SEP]", "[UNK]", "[CLS]")
    text = {**_LAYERS, "vocab_size": size, "max_position_embeddings": 16, "encoder_hidden_size": 16}
    vision = {**_LAYERS, "image_size": 32, "patch_size": 8}
    wide = {"initializer_range": 0.5}  # so that pictures matter
    sizes = {"projection_dim": 8, "image_text_hidden_size": 8}
    config = BlipConfig(text_config=text | wide, vision_config=vision | wide, **sizes, **wide)
    BlipForImageTextRetrieval(config).save_pretrained(folder)
    BlipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_clip(folder: Path) -> Path:
    """A CLIP, which PickScore and others that were taught what people prefer are too."""
    from transformers import CLIPConfig, CLIPModel
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    torch.manual_seed(0)
    size = write_clip_words(folder)
    text = {**_LAYERS, "vocab_size": size, "max_position_embeddings": 16, "eos_token_id": 1, "bos_token_id": 0}
    config = CLIPConfig(
        text_config=text, vision_config={**_LAYERS, "image_size": 32, "patch_size": 8}, projection_dim=8
    )
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_yolos(folder: Path) -> Path:
    """A detector of three kinds, which takes everything for a dog."""
    from transformers import YolosConfig, YolosForObjectDetection
    from transformers.models.yolos.image_processing_pil_yolos import YolosImageProcessorPil

    torch.manual_seed(0)
    vision: dict[str, Any] = {**_LAYERS, "image_size": [32, 32], "patch_size": 8, "num_detection_tokens": 6}
    kinds = {0: "dog", 1: "bicycle", 2: "traffic light"}
    config = YolosConfig(**vision, id2label=kinds, label2id={kind: at for at, kind in kinds.items()})
    model = YolosForObjectDetection(config)
    with torch.no_grad():
        model.class_labels_classifier.layers[-1].bias[0] = 10
    model.save_pretrained(folder)
    YolosImageProcessorPil(size={"shortest_edge": 32, "longest_edge": 32}).save_pretrained(folder)
    return folder


def write_owlvit(folder: Path) -> Path:
    """A detector of open vocabulary, which sees whatever it is asked for everywhere."""
    from transformers import OwlViTConfig, OwlViTForObjectDetection
    from transformers.models.owlvit.image_processing_pil_owlvit import OwlViTImageProcessorPil

    torch.manual_seed(0)
    size = _write_words(folder, "<pad>", "</s>", "<unk>", "<s>")  # it takes a text that begins with 0 for none
    text = {**_LAYERS, "vocab_size": size, "max_position_embeddings": 16, "eos_token_id": 1, "bos_token_id": 0}
    config = OwlViTConfig(
        text_config=text, vision_config={**_LAYERS, "image_size": 32, "patch_size": 8}, projection_dim=16
    )
    model = OwlViTForObjectDetection(config)
    with torch.no_grad():
        model.class_head.logit_shift.bias.fill_(5)
    model.save_pretrained(folder)
    OwlViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def _write_words(folder: Path, pad: str, end: str, unknown: str, begin: str | None = None) -> int:
    """A tokenizer of whole words; how many there are."""
    from transformers import PreTrainedTokenizerFast

    special = [one for one in (pad, end, unknown, begin) if one]
    words = {word: place for place, word in enumerate((*special, *WORDS))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=unknown))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {"pad_token": pad, "eos_token": end, "unk_token": unknown}
    if begin:
        tokenizer.post_processor = processors.BertProcessing((end, words[end]), (begin, words[begin]))
        names |= {"cls_token": begin, "sep_token": end}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=16, **names).save_pretrained(folder)
    return len(words)


def write_bert_words(folder: Path) -> int:
    """A tokenizer as BERT's `vocab.txt` has it; how many words there are."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, ",", "watercolor", "style")
    (folder / "vocab.txt").write_text("\n".join(words))
    return len(words)


def write_clip_words(folder: Path) -> int:
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    file = clip_like(folder / "tokenizer.json")
    tokenizer = Tokenizer.from_file(str(file))
    names = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=16, **names).save_pretrained(folder)
    return int(tokenizer.get_vocab_size())
