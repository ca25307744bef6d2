"""Models: what a name stands for, what opens, and what is said about what does not."""

from __future__ import annotations

import json
import re
import shutil
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from generate.models import ModelError, OpenModel, find_model, find_tokenizer, known_models, open_model, require_model
from generate.picture import PicturePair
from generate.render.batch import RenderError
from generate.render.memory import MemoryPlan, applied
from generate.render.pair import render_pair
from generate.seedling import SEEDLING_FOLDER, SEEDLING_TOKENIZER
from generate.settings import RenderSettings, SettingsError
from ideation import PromptPair, TokenBudget, TokenCount


def test_the_embedded_model_opens(seedling: OpenModel) -> None:
    assert seedling.token_limit == 77
    assert seedling.tokenizer_file == SEEDLING_TOKENIZER
    assert seedling.native_size[0] % seedling.size_unit == 0
    assert re.fullmatch("[0-9a-f]{64}", seedling.digest)
    dog, owl = (seedling.pipeline.tokenizer(text).input_ids for text in ("a dog", "an owl"))
    assert dog != owl


def test_a_folder_opens_by_path_and_by_name(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_path = open_model(str(tiny_folder), device="cpu", dtype="bfloat16")
    assert (by_path.token_limit, by_path.size_unit, by_path.native_size) == (77, 16, (32, 32))
    assert str(by_path.pipeline.unet.dtype) == "torch.bfloat16"
    monkeypatch.setenv("TWINSEED_MODELS", str(tiny_folder.parent))
    assert open_model("tiny", device="cpu").digest == by_path.digest, "the digest is that of the files"


def test_a_compiled_model_draws_the_same_and_is_watched_all_the_same(
    tiny: OpenModel, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What torch makes of the traced U-Net takes a minute, and is timed by the benchmark: here it runs as traced."""
    traced: list[torch.fx.GraphModule] = []

    def as_traced(graph: torch.fx.GraphModule, _inputs: list[torch.Tensor]) -> Callable[..., Any]:
        traced.append(graph)
        return graph.forward

    monkeypatch.setattr("torch.compile", partial(torch.compile, backend=as_traced))

    class Watcher:
        """Counts what goes through a layer in the middle of the U-Net."""

        seen = 0

        def watch(self, *_: Any) -> None:
            self.seen += 1

        def __enter__(self) -> None:
            self.hook = compiled.pipeline.unet.mid_block.register_forward_hook(self.watch)

        def __exit__(self, *_: object) -> None:
            self.hook.remove()

    prompts = PromptPair("a dog", "en", "a dog", "a red dog", "", "given", None, (), (), TokenCount(77, 4, 5))
    settings = RenderSettings(seed=3, num_inference_steps=2, width=32, height=32)
    compiled = open_model(str(tiny_folder), device="cpu", compiled=True)
    plain = render_pair(prompts, settings, tiny)
    watcher = Watcher()
    watched = render_pair(prompts, settings, compiled, watchers=[watcher])
    assert watcher.seen == 2
    assert same(plain, watched) == 0, "the first pair is watched, and so not compiled"
    assert not traced
    for seed in (3, 4):
        pair = render_pair(prompts, replace(settings, seed=seed), compiled)
        assert same(pair, render_pair(prompts, replace(settings, seed=seed), tiny)) <= 1
        assert (pair.certificate.evaluations, pair.certificate.differs) == (2, ("prompt",))
        assert pair.certificate.libraries["torch.compile"] == "inductor"
    assert "torch.compile" not in plain.certificate.libraries
    assert len(traced) == 1, "nothing compiles it anew for another picture"
    forward = compiled.pipeline.unet.forward
    with applied(MemoryPlan(denoiser_batch=2), compiled):
        assert compiled.pipeline.unet.forward is not forward
    assert compiled.pipeline.unet.forward is forward, "still the compiled one"


def same(one: PicturePair, other: PicturePair) -> int:
    """How far the pictures are apart, of 255."""
    pairs = zip(one.pictures, other.pictures, strict=True)
    return max(int(np.abs(np.asarray(a.image, dtype=int) - np.asarray(b.image, dtype=int)).max()) for a, b in pairs)


def test_a_closed_model_lets_go_of_its_weights(tiny_folder: Path) -> None:
    with open_model(str(tiny_folder), device="cpu") as model:
        unet = weakref.ref(model.denoiser)
        prompts = PromptPair("a dog", "en", "a dog", "a red dog", "", "given", None, (), (), TokenCount(77, 4, 5))
        render_pair(prompts, RenderSettings(num_inference_steps=1, width=32, height=32), model)
        assert len(model.encodings) == 3
    assert unet() is None
    assert len(model.encodings) == 0
    model.close()  # once more does no harm


def test_known_models(tiny_folder: Path, tmp_path: Path) -> None:
    for name in ("b", "a", "seedling"):
        shutil.copytree(tiny_folder, tmp_path / name)
    (tmp_path / "no model").mkdir()
    (tmp_path / "a file").touch()
    known = known_models(tmp_path)
    assert [(model.name, model.kind) for model in known] == [
        ("seedling", "embedded"),
        ("a", "folder"),
        ("b", "folder"),
    ]
    assert known[0].path == SEEDLING_FOLDER, "nothing takes the embedded model's name away"
    assert [model.name for model in known_models(tmp_path / "nowhere")] == ["seedling"]


def test_everything_in_the_folder_is_told_apart(tiny_folder: Path, tmp_path: Path) -> None:
    """By what is inside, whatever the names say; with sizes and families; broken things are listed, not raised."""
    shutil.copytree(tiny_folder, tmp_path / "whole")
    shutil.copytree(tiny_folder, tmp_path / "half")
    (tmp_path / "half" / "unet" / "config.json").unlink()
    shutil.copytree(SEEDLING_FOLDER, tmp_path / "grown")
    for folder in ("loras/deep", "embeddings", "vae"):
        (tmp_path / folder).mkdir(parents=True)
    to_k = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight"
    vae = {"decoder.conv_in.weight": torch.zeros(1, 4, 1, 1), "encoder.conv_in.weight": torch.zeros(1, 3, 1, 1)}
    files: dict[str, dict[str, torch.Tensor]] = {
        "checkpoint.safetensors": {to_k: torch.zeros(4, 768)},
        "loras/deep/ink.safetensors": {to_k: torch.zeros(4, 1024)},
        "loras/large.safetensors": {"text_encoder_2.x.q_proj.lora_A.weight": torch.zeros(4, 1280)},
        "loras/unknown.safetensors": {to_k: torch.zeros(4, 77)},
        "embeddings/Style.safetensors": {"emb_params": torch.zeros(3, 768)},
        "embeddings/both.safetensors": {"clip_l": torch.zeros(3, 768), "clip_g": torch.zeros(3, 1280)},
        "vae/sharp.safetensors": {f"first_stage_model.{name}": tensor for name, tensor in vae.items()},
        "sharper.safetensors": vae,
        "mystery.safetensors": {"a": torch.zeros(3, 3), "b": torch.zeros(3)},
        "unet.safetensors": {
            "model.diffusion_model.input_blocks.0.0.weight": torch.zeros(320, 9, 1, 1),
            "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": torch.zeros(320, 768),
        },
    }
    for name, tensors in files.items():
        save_file(tensors, tmp_path / name)
    (tmp_path / "old.ckpt").write_bytes(b"12345")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "sharper.safetensors").read_bytes()[:-1])
    (tmp_path / "readme.txt").touch()
    known = known_models(tmp_path)
    assert [(one.name, one.kind, one.family) for one in known] == [
        ("seedling", "embedded", "seedling"),
        ("grown", "folder", "seedling"),
        ("whole", "folder", "unknown"),
        ("unet.safetensors", "checkpoint", "unknown"),
        ("checkpoint", "lora", "sd1"),
        ("deep/ink", "lora", "sd2"),
        ("large", "lora", "sdxl"),
        ("unknown", "lora", "unknown"),
        ("Style", "embedding", "sd1"),
        ("both", "embedding", "sdxl"),
        ("sharper.safetensors", "vae", "unknown"),
        ("sharp.safetensors", "vae", "unknown"),
        ("old.ckpt", "pickle", "unknown"),
        ("mystery.safetensors", "unknown", "unknown"),
        ("half", "broken", "unknown"),
        ("cut.safetensors", "broken", "unknown"),
    ]
    for one in known:
        assert one.path is not None
        assert one.size == sum(
            file.stat().st_size for file in ([one.path] if one.path.is_file() else one.path.rglob("*.safetensors"))
        )
        assert bool(one.problem) == (one.kind == "broken")
    assert [one.name for one in known if one.renders] == ["seedling", "grown", "whole", "unet.safetensors", "old.ckpt"]


@pytest.mark.parametrize("feature_extractor", ["CLIPFeatureExtractor", "CLIPImageProcessor"])
def test_the_safety_checker_of_a_model_is_kept(feature_extractor: str, tiny_folder: Path, tmp_path: Path) -> None:
    """Also of models of 2022, which name a class for its pictures that is gone."""
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPVisionConfig

    folder = tmp_path / "decent"
    shutil.copytree(tiny_folder, folder)
    vision = CLIPVisionConfig(
        hidden_size=32, intermediate_size=37, num_hidden_layers=1, num_attention_heads=4, image_size=32, patch_size=8
    )
    config = CLIPConfig(vision_config=vision.to_dict(), text_config={"hidden_size": 32}, projection_dim=32)
    checker = StableDiffusionSafetyChecker(config)
    checker.concept_embeds_weights.fill_(-9.0)  # nothing is decent enough
    checker.save_pretrained(folder / "safety_checker")
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(
        folder / "feature_extractor"
    )
    parts = {
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": ["transformers", feature_extractor],
        "requires_safety_checker": True,
    }
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | parts))
    model = open_model(str(folder), device="cpu")
    prompts = PromptPair("a dog", "en", "a dog", "a red dog", "", "given", None, (), (), TokenCount(77, 4, 5))
    with pytest.raises(RenderError, match="the model's own safety checker"):
        render_pair(prompts, RenderSettings(num_inference_steps=1), model)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("seedlng", "unknown model 'seedlng'", "did you mean 'seedling'?"),
        ("", "unknown model ''", "or give a folder, a .safetensors file, or a hub id"),
        ("~nobody-of-this-name", "unknown model", "known names: seedling"),
        ("x" * 5000, "unknown model 'xxx", "known names: seedling"),
        ("a\0b", "unknown model", "known names"),
        ("one/two/three", "unknown model", "owner/name"),
        (str(Path(__file__).parent), "is not a model folder: there is no model_index.json", "diffusers pipeline"),
        (__file__, "is a file of another kind", "name a .safetensors file, or a folder"),
    ],
)
def test_names_that_stand_for_nothing(name: str, message: str, hint: str) -> None:
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        find_model(name)
    assert hint in caught.value.hint


def test_a_hub_id_without_network() -> None:
    assert find_model("owner/name").kind == "hub"
    for ask in (require_model, find_tokenizer, open_model):
        with pytest.raises(ModelError, match="owner/name is not on this machine and could not be fetched") as caught:
            ask("owner/name")
        assert "--model seedling works offline" in caught.value.hint
        assert "\n" not in caught.value.message


def test_a_tokenizer_is_found_or_made(tiny_folder: Path, tmp_path: Path) -> None:
    assert find_tokenizer("seedling") == SEEDLING_TOKENIZER
    made = find_tokenizer(str(tiny_folder))
    assert made == find_tokenizer(str(tiny_folder)), "once is enough"
    shutil.copytree(SEEDLING_FOLDER / "tokenizer", tmp_path / "whole" / "tokenizer")
    shutil.copy(SEEDLING_FOLDER / "model_index.json", tmp_path / "whole")
    there = find_tokenizer(str(tmp_path / "whole"))
    assert there == tmp_path / "whole" / "tokenizer" / "tokenizer.json"
    for prompt in ("a dog riding a bicycle", "An OWL, 3 of them!", "逛夜市"):
        assert TokenBudget(made, vectors={}).count(prompt) == TokenBudget(there, vectors={}).count(prompt), prompt


def rubbish(*parts: str) -> Callable[[Path], None]:
    return lambda folder: _only_file(folder, *parts).write_bytes(bytes(range(256)) * 50)


def cut_off(*parts: str) -> Callable[[Path], None]:
    def cut(folder: Path) -> None:
        file = _only_file(folder, *parts)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    return cut


def missing(*parts: str) -> Callable[[Path], None]:
    return lambda folder: _only_file(folder, *parts).unlink()


def one_tensor_less(part: str) -> Callable[[Path], None]:
    def drop(folder: Path) -> None:
        file = _only_file(folder, part, "*.safetensors")
        tensors = load_file(file)
        del tensors[sorted(tensors)[-1]]
        save_file(tensors, file, metadata={"format": "pt"})

    return drop


def changed(*parts: str, **values: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = _only_file(folder, *parts)
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change


def written(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "model_index.json").write_text(text) and None


def _only_file(folder: Path, *parts: str) -> Path:
    (file,) = folder.glob("/".join(parts))
    return file


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (missing("model_index.json"), "there is no model_index.json in it"),
        (written("{"), "model_index.json in .* cannot be read: JSONDecodeError"),
        (written(""), "model_index.json in .* cannot be read: JSONDecodeError"),
        (written("[1, 2]"), "model_index.json in .* cannot be read: TypeError"),
        (written("{}"), "model_index.json in .* cannot be read: KeyError"),
        (written("[" * 100_000), "model_index.json in .* cannot be read: RecursionError"),
        (rubbish("model_index.json"), "model_index.json in .* cannot be read: UnicodeDecodeError"),
        (changed("model_index.json", _class_name="GlmImagePipeline"), "is a GlmImagePipeline"),
        (changed("model_index.json", _class_name=["a", "list"]), r"is a \['a', 'list'\]"),
        (changed("model_index.json", unet=["nowhere", "Nothing"]), "wants its unet from 'nowhere'"),
        (changed("unet", "config.json", cross_attention_dim=64), "cannot be loaded"),
        (changed("vae", "config.json", layers_per_block=2), "the vae of the model .* is not whole"),
        (changed("unet", "config.json", layers_per_block=2), "cannot be loaded .*UNet2DConditionModel: [a-zA-Z]"),
        (missing("unet", "config.json"), "unet/config.json in .* cannot be read: FileNotFoundError"),
        (missing("scheduler", "scheduler_config.json"), "cannot be loaded .*scheduler_config.json"),
        (missing("tokenizer", "vocab.json"), "has no tokenizer: neither tokenizer.json nor vocab.json"),
        (rubbish("tokenizer", "vocab.json"), "the tokenizer in .* cannot be read"),
        *(
            (damage(part, "*.safetensors"), "cannot be loaded from .*")
            for part in ("unet", "vae", "text_encoder")
            for damage in (missing, cut_off, rubbish)
        ),
        *(
            (one_tensor_less(part), f"the {part} of the model .* is not whole: [0-9]+ tensors of")
            for part in ("unet", "vae", "text_encoder")
        ),
    ],
)
def test_broken_folders(damage: Callable[[Path], None], message: str, tiny_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(tiny_folder, folder)
    damage(folder)
    with pytest.raises(ModelError, match=message) as caught:
        open_model(str(folder), device="cpu")
    assert len(caught.value.hint) > 10
    assert "\n" not in caught.value.message


def test_old_names_of_tensors_still_open(tiny_folder: Path, tmp_path: Path) -> None:
    """Models of 2022: the text encoder keeps its positions, and its tensors have one prefix more."""
    folder = tmp_path / "old"
    shutil.copytree(tiny_folder, folder)
    file = _only_file(folder, "text_encoder", "*.safetensors")
    tensors = {f"text_model.{name.removeprefix('text_model.')}": tensor for name, tensor in load_file(file).items()}
    save_file(tensors, file, metadata={"format": "pt"})
    new, old = (open_model(str(place), device="cpu").pipeline for place in (tiny_folder, folder))
    asked = new.tokenizer("a dog", return_tensors="pt").input_ids
    assert new.text_encoder(asked)[0].equal(old.text_encoder(asked)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu"}, "there is no device 'tpu' on this machine"),
        ({"device": "cuda:99"}, "there is no device 'cuda:99'"),
        ({"dtype": "float64"}, "unknown dtype 'float64'"),
    ],
)
def test_devices_and_dtypes(options: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        open_model("seedling", **options)
    assert caught.value.hint
