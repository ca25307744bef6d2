"""The tokenizer: byte-level BPE of CLIP's make, learnt from captions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from random import Random

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from generate.training.scenes.captions import caption
from generate.training.scenes.scene import draw_scene
from ideation import built_in_words, seedling_vocabulary

LIMIT = 77
START, END = "<|startoftext|>", "<|endoftext|>"
_VOCABULARY_SIZE = 4096
_WORDS = Regex(r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+""")


def _captions(count: int) -> Iterable[str]:
    random, vocabulary, words = Random(5), seedling_vocabulary(), built_in_words()
    for word in (*words.topics, *words.actions, *words.styles):  # so that a word never learnt is a token or two
        yield from [word.en] * 40
    for _ in range(count):
        yield caption(draw_scene(random, vocabulary, richness=1), random, vocabulary)


def train_tokenizer(folder: Path) -> None:
    """Learns the merges from 30,000 captions and writes `tokenizer.json`, `vocab.json`, `merges.txt` and the two
    configuration files that `CLIPTokenizer.from_pretrained` reads."""
    tokenizer = Tokenizer(
        models.BPE(continuing_subword_prefix="", end_of_word_suffix="</w>", fuse_unk=False, unk_token=END)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_WORDS, behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    # CLIP's alphabet holds every byte twice, inside a word and at its end, so that any text in any script has tokens.
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY_SIZE,
        initial_alphabet=sorted(alphabet),
        end_of_word_suffix="</w>",
        show_progress=False,
        special_tokens=[],
    )
    tokenizer.train_from_iterator(_captions(30_000), trainer)
    learnt = json.loads(tokenizer.to_str())["model"]
    merges = [pair if isinstance(pair, list) else pair.split(" ") for pair in learnt["merges"]]
    words = [*sorted(alphabet), *(f"{letter}</w>" for letter in sorted(alphabet))]
    words += [token for token in ("".join(pair) for pair in merges) if token not in set(words)]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys([*words, START, END]))}
    whole = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=[(a, b) for a, b in merges],
            unk_token=END,
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
            fuse_unk=False,
        )
    )
    whole.normalizer, whole.pre_tokenizer, whole.decoder = (
        tokenizer.normalizer,
        tokenizer.pre_tokenizer,
        tokenizer.decoder,
    )
    whole.add_special_tokens([AddedToken(START, normalized=False), AddedToken(END, normalized=False)])
    whole.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, vocabulary[START]), (END, vocabulary[END])]
    )
    folder.mkdir(parents=True, exist_ok=True)
    whole.save(str(folder / "tokenizer.json"))
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    configuration = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": LIMIT,
        "bos_token": START,
        "eos_token": END,
        "unk_token": END,
        "pad_token": END,
        "add_prefix_space": False,
        "do_lower_case": True,
        "errors": "replace",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(configuration, indent=2), encoding="utf-8")
    special = {key: configuration[key] for key in ("bos_token", "eos_token", "unk_token", "pad_token")}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2), encoding="utf-8")
