"""A tokenizer laid out like CLIP's, trained on a handful of words in a moment."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers


def clip_like(file: Path, *, truncating: bool = False) -> Path:
    """Byte pairs of lower-case words that end in </w>, between a start and an end token, as CLIP has them."""
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"), "removed", invert=True)
    trainer = trainers.BpeTrainer(
        special_tokens=["<|startoftext|>", "<|endoftext|>"],
        end_of_word_suffix="</w>",
        show_progress=False,
        initial_alphabet=[chr(c) for c in range(33, 127)],
    )
    tokenizer.train_from_iterator(["a dog riding a bicycle , in the forest at night"] * 5, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", 1), ("<|startoftext|>", 0))
    if truncating:
        tokenizer.enable_truncation(8)
        tokenizer.enable_padding(length=8, pad_id=1, pad_token="<|endoftext|>")
    tokenizer.save(str(file))
    return file
