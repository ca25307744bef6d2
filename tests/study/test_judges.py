"""Judges besides the CLIP of every run: each holds both pictures of a seed against both prompts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sample_run import write_sample
from tokenizers import Tokenizer, models, pre_tokenizers

from compare.runs import Gallery
from compare.study.judges import JudgeError, open_judge


def write_siglip(folder: Path) -> Path:
    """A SigLIP of a few random weights, as its classes leave it."""
    from transformers import PreTrainedTokenizerFast, SiglipConfig, SiglipModel
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    words = {word: place for place, word in enumerate(("<pad>", "</s>", "<unk>", "a", "dog", "bicycle", "beach"))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    names = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=16, **names).save_pretrained(folder)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**small, "vocab_size": len(words), "max_position_embeddings": 16}
    config = SiglipConfig(text_config=text, vision_config={**small, "image_size": 32, "patch_size": 8})
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def test_a_siglip_judges_both_pictures_on_both_prompts(tmp_path: Path) -> None:
    run = write_sample(Gallery(tmp_path / "runs"), images=2)
    judge = open_judge(str(write_siglip(tmp_path / "siglip")))
    found = judge.judge(run)
    assert list(found) == run.record.seeds
    for both in found.values():
        assert set(both) == {"intent", "gain"}
        assert all(-1 <= value <= 1 for pair in both.values() for value in pair)
        assert both["intent"][0] != both["intent"][1]
    assert judge.judge(run) == found


def test_a_judge_that_cannot_be_opened(tmp_path: Path) -> None:
    folder = tmp_path / "judge"
    folder.mkdir()
    (folder / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(JudgeError, match="cannot be read"):
        open_judge(str(folder))
    (folder / "config.json").write_text(json.dumps({"model_type": "siglip"}), encoding="utf-8")
    with pytest.raises(JudgeError, match="cannot be opened"):
        open_judge(str(folder))
