"""Adapters and embeddings: what they add, that they fit, and that nothing of them stays behind."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoHaConfig, LoKrConfig, LoraConfig, get_peft_model
from safetensors.torch import save_file
from test_single_file import tiny_sd2, tiny_xl

import generate.models.adapters.changes
from generate.models import (
    ModelError,
    OpenModel,
    embedded_loras,
    embeddings_in,
    find_part,
    known_models,
    open_model,
    token_budget,
)
from generate.models.adapters import original_unet_name
from generate.render.pair import render_pair
from generate.settings import RenderSettings
from ideation import PromptPair, TokenCount

Tensors = dict[str, torch.Tensor]
RANK, ALPHA = 4, 2.0
PROMPTS = PromptPair("a dog", "en", "a dog", "a red dog", "blurry", "given", None, (), (), TokenCount(77, 4, 5))


@pytest.fixture
def loras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of LoRAs, and its folder configured as the models folder."""
    folder = tmp_path / "models" / "loras"
    folder.mkdir(parents=True)
    monkeypatch.setenv("TWINSEED_MODELS", str(folder.parent))
    return folder


@pytest.fixture(scope="module")
def opened(tiny_folder: Path) -> OpenModel:
    return open_model(str(tiny_folder), device="cpu")


@pytest.fixture
def tiny(opened: OpenModel) -> Iterator[OpenModel]:
    yield opened
    opened.unload()


@pytest.fixture(params=["tiny", "2.x", "xl"])
def any_model(request: pytest.FixtureRequest, tiny_folder: Path, tmp_path: Path) -> OpenModel:
    if request.param == "tiny":
        return open_model(str(tiny_folder), device="cpu")
    pipeline = tiny_sd2() if request.param == "2.x" else tiny_xl()
    pipeline.save_pretrained(tmp_path / "model")
    return open_model(str(tmp_path / "model"), device="cpu")


def weights(model: OpenModel) -> Tensors:
    parts = ("unet", "text_encoder", "text_encoder_2")
    return {
        f"{part}.{name}": tensor.clone()
        for part in parts
        if (module := getattr(model.pipeline, part, None)) is not None
        for name, tensor in module.state_dict().items()
    }


def same(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(tensor.equal(other[name]) for name, tensor in one.items())


def pictures(model: OpenModel) -> list[bytes]:
    settings = RenderSettings(seed=5, num_inference_steps=2, width=64, height=64)
    return [render.image.tobytes() for render in render_pair(PROMPTS, settings, model).pictures]


def made_up(model: OpenModel) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """A LoRA for attention, feed-forward, convolutions and text encoders, by diffusers' names: (down, up) of each."""
    random, factors = torch.Generator().manual_seed(1), {}
    wanted = re.compile(r"to_[qkv]$|to_out\.0$|ff\.net\.0\.proj$|resnets\.0\.conv1$|proj_in$|[qv]_proj$|fc1$")
    for part in ("unet", "text_encoder", "text_encoder_2"):
        encoder = getattr(model.pipeline, part, None)
        for name, module in encoder.named_modules() if encoder is not None else ():
            if wanted.search(name):
                weight = module.weight
                down = torch.randn(RANK, *weight.shape[1:], generator=random) / 4
                up = torch.randn(weight.shape[0], RANK, *(1,) * (weight.ndim - 2), generator=random) / 4
                factors[f"{part}.{name.removeprefix('text_model.')}"] = down, up
    return factors


def kohya(model: OpenModel, *, original: bool = False) -> Tensors:
    """As sd-scripts writes it; for XL with the names of the original U-Net."""
    tensors: Tensors = {}
    config = model.pipeline.unet.config
    attended = frozenset(number for number, kind in enumerate(config.up_block_types) if "Attn" in kind)
    second = getattr(model.pipeline, "text_encoder_2", None) is not None
    for name, (down, up) in made_up(model).items():
        part, _, module = name.partition(".")
        if part == "unet":
            module = original_unet_name(module, config.layers_per_block, attended) if original else module
        prefix = {
            "unet": "lora_unet_",
            "text_encoder": "lora_te1_" if second else "lora_te_",
            "text_encoder_2": "lora_te2_",
        }
        module = module if part == "unet" else f"text_model.{module}"
        key = f"{prefix[part]}{module.replace('.', '_')}"
        tensors |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up, f"{key}.alpha": torch.tensor(ALPHA)}
    return tensors


def diffusers_of_2023(model: OpenModel) -> Tensors:
    """With attention processors in the names; only what was trained then: attention."""
    tensors: Tensors = {}
    for name, (down, up) in made_up(model).items():
        if name.startswith("unet.") and (found := re.fullmatch(r"(.*attn\d)\.(to_[qkv]|to_out)(\.0)?", name)):
            key = f"{found[1]}.processor.{found[2]}_lora"
        elif name.startswith("text_encoder.") and "self_attn" in name:
            key = name.replace("text_encoder.", "text_encoder.text_model.") + ".lora_linear_layer"
        else:
            continue
        tensors |= {f"{key}.down.weight": down, f"{key}.up.weight": up}
    return tensors


def peft(model: OpenModel) -> Tensors:
    return {
        f"{name}.lora_{side}.weight": factor
        for name, factors in made_up(model).items()
        for side, factor in zip("AB", factors, strict=True)
    }


def expected(model: OpenModel, base: Tensors, scale: float, *, only: Callable[[str], bool] = lambda _: True) -> Tensors:
    """W + scale * alpha / rank * (up @ down), worked out by itself."""
    changed = dict(base)
    for name, (down, up) in made_up(model).items():
        key = next(key for key in (f"{name}.weight", name.replace(".", ".text_model.", 1) + ".weight") if key in base)
        if only(name):
            change = torch.einsum("or,ri->oi", up.flatten(1), down.flatten(1)).reshape(base[key].shape)
            changed[key] = base[key] + scale * change
    return changed


def test_formats_and_arithmetic(any_model: OpenModel, loras: Path) -> None:
    base = weights(any_model)
    diffusers_metadata = {
        "unet.r": RANK,
        "unet.lora_alpha": ALPHA,
        "text_encoder.lora_alpha": ALPHA,
        "text_encoder_2.lora_alpha": ALPHA,
    }
    save_file(kohya(any_model), loras / "kohya.safetensors")
    save_file(kohya(any_model, original=True), loras / "original.safetensors")
    save_file(peft(any_model), loras / "peft.safetensors")
    save_file(peft(any_model), loras / "told.safetensors", {"lora_adapter_metadata": json.dumps(diffusers_metadata)})
    rooted = diffusers_metadata | {"unet.use_rslora": True}
    save_file(peft(any_model), loras / "rooted.safetensors", {"lora_adapter_metadata": json.dumps(rooted)})
    save_file(diffusers_of_2023(any_model), loras / "old.safetensors")
    assert {one.kind for one in known_models()[1:]} == {"lora"}

    def close(name: str, scale: float, **only: Any) -> None:
        any_model.load([(name, 0.5, 0.5)])
        got, wanted = weights(any_model), expected(any_model, base, 0.5 * scale, **only)
        for key, tensor in wanted.items():
            assert torch.allclose(got[key], tensor, atol=1e-5), (name, key)
        assert not same(got, base)

    for name in ("kohya", "original", "told"):
        close(name, ALPHA / RANK)
    close("peft", 1.0)
    attention = re.compile(r"unet\..*attn\d\.to_|text_encoder\..*self_attn")
    close("old", 1.0, only=lambda name: attention.match(name) is not None)
    any_model.load([("rooted", 0.0, 1.0)])
    got, wanted = weights(any_model), expected(any_model, base, ALPHA / RANK**0.5, only=lambda n: n.startswith("unet"))
    assert all(torch.allclose(got[key], tensor, atol=1e-5) for key, tensor in wanted.items())
    any_model.unload()
    assert same(weights(any_model), base)


@pytest.mark.parametrize(("form", "text_weight"), [(kohya, 0.0), (peft, 0.4)])
def test_pictures_are_those_of_diffusers(
    form: Callable[[OpenModel], Tensors], text_weight: float, tiny_folder: Path, loras: Path
) -> None:
    """diffusers' own loader, which leaves the weights alone and adds to the layers' outputs, draws the same.

    Not so for Kohya's text encoders: with transformers 5 it drops their attention, and says so in the log only.
    """
    ours, theirs = (open_model(str(tiny_folder), device="cpu") for _ in range(2))
    save_file(form(ours), loras / "new.safetensors")
    ours.load([("new", text_weight, 0.7)])
    theirs.pipeline.load_lora_weights(str(loras), weight_name="new.safetensors", adapter_name="new")
    theirs.pipeline.set_adapters(["new"], [{"unet": 0.7, "text_encoder": text_weight}])
    one, other = (
        torch.frombuffer(bytearray(b"".join(pictures(model))), dtype=torch.uint8).int() for model in (ours, theirs)
    )
    assert (one - other).abs().max() <= 1


def test_weights_pictures_and_unloading(tiny: OpenModel, loras: Path) -> None:
    base, drawn = weights(tiny), pictures(tiny)
    for name, factor in (("one", 1.0), ("two", -0.5)):
        save_file(
            {key: tensor * factor if "lora_up" in key else tensor for key, tensor in kohya(tiny).items()},
            loras / f"{name}.safetensors",
        )
    tiny.load([("one", 0.25, 0.75)])
    (adapter,) = tiny.adapters
    assert adapter.digest == hashlib.sha256((loras / "one.safetensors").read_bytes()).hexdigest()
    assert (adapter.name, adapter.text_encoder_weight, adapter.unet_weight) == ("one", 0.25, 0.75)
    assert tiny.adapters == (adapter,)
    with_one = pictures(tiny)
    assert with_one[0] != drawn[0], "both arms change"
    assert with_one[1] != drawn[1]

    tiny.load([("one", 0, 0)])
    assert same(weights(tiny), base)
    assert pictures(tiny) == drawn
    tiny.load([("one", 1, 0)])
    assert same({k: v for k, v in weights(tiny).items() if "unet" in k}, {k: v for k, v in base.items() if "unet" in k})
    tiny.load([("one", 0.5, 0.5), ("two", 1, 1)])  # the second takes away what the first adds
    assert all(torch.allclose(tensor, base[key], atol=1e-5) for key, tensor in weights(tiny).items())
    tiny.load([("one", 0.25, 0.75)])
    assert pictures(tiny) == with_one
    again = weights(tiny)
    tiny.load([("one", 0.25, 0.75)])
    assert same(weights(tiny), again), "the same once more changes nothing"
    tiny.load()
    assert same(weights(tiny), base)
    assert pictures(tiny) == drawn
    assert tiny.adapters == ()


def test_what_cannot_be_loaded_leaves_the_model_as_it_was_opened(
    tiny: OpenModel, loras: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = weights(tiny)
    save_file(kohya(tiny), loras / "one.safetensors")
    tiny.load([("one", 1, 1)])
    with pytest.raises(ModelError, match="unknown embedding"):
        tiny.load([("one", 1, 1)], ["nowhere"])
    assert (tiny.adapters, tiny.embeddings) == ((), ())
    assert same(weights(tiny), base)

    def interrupted(change: Any, parameter: torch.Tensor) -> torch.Tensor:
        if not parameter.is_meta and next(writes) == 3:  # it is tried without numbers first
            raise KeyboardInterrupt
        return honest(change, parameter)

    writes, honest = iter(range(9)), generate.models.adapters.changes.Change.on
    monkeypatch.setattr(generate.models.adapters.changes.Change, "on", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tiny.load([("one", 1, 1)])
    assert same(weights(tiny), base), "half a LoRA is no model"


def test_half_precision_comes_back_exactly(tiny_folder: Path, loras: Path) -> None:
    model = open_model(str(tiny_folder), device="cpu", dtype="bfloat16")
    save_file(kohya(model), loras / "one.safetensors")
    base = weights(model)
    model.load([("one", 1, 1)])
    assert not same(weights(model), base)
    model.unload()
    assert same(weights(model), base)


PEFT = {"target_modules": ["to_q", "to_v", "conv1"]}


@pytest.mark.parametrize(
    ("config", "make"),
    [
        (LoraConfig(r=RANK, lora_alpha=8, init_lora_weights=False, alpha_pattern={"to_v": 3}, **PEFT), "LoRA"),
        (LoraConfig(r=RANK, lora_alpha=8, init_lora_weights=False, use_dora=True, **PEFT), "DoRA"),
        (LoHaConfig(r=RANK, alpha=8, init_weights=False, use_effective_conv2d=True, **PEFT), "LoHa"),
        (LoKrConfig(r=RANK, alpha=8, init_weights=False, decompose_both=True, **PEFT), "LoKr"),
        (LoKrConfig(r=64, alpha=8, init_weights=False, **PEFT), "LoKr"),
    ],
)
def test_a_folder_that_peft_saved(config: Any, make: str, tiny: OpenModel, loras: Path) -> None:
    """`adapter_model.safetensors` with `adapter_config.json` beside it, as peft itself saves it."""
    torch.manual_seed(0)
    wrapped = get_peft_model(copy.deepcopy(tiny.pipeline.unet), config)
    wrapped.save_pretrained(loras / "mine")
    base = weights(tiny)
    tiny.load([("mine/adapter_model", 1, 1)])
    assert tiny.adapters[0].make == make
    merged = wrapped.merge_and_unload().state_dict()
    for name, tensor in tiny.pipeline.unet.state_dict().items():
        assert torch.allclose(tensor, merged[name], atol=1e-6)
    assert not same(weights(tiny), base)


def changed(change: Callable[[Tensors], Any]) -> Callable[[Tensors], Tensors]:
    def make(tensors: Tensors) -> Tensors:
        change(tensors)
        return tensors

    return make


def first(tensors: Tensors, end: str) -> str:
    return next(name for name in tensors if name.endswith(end))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (changed(lambda t: t.pop(first(t, "lora_up.weight"))), "is not whole: .* has one factor of two"),
        (changed(lambda t: t.update({first(t, "lora_up.weight"): torch.zeros(4, 9)})), "the factors of .* do not"),
        (changed(lambda t: t[first(t, "lora_up.weight")].fill_(float("nan"))), "holds numbers that are none"),
        (changed(lambda t: t.update({"lora_unet_nowhere.diff": torch.zeros(4, 4)})), "changes lora_unet_nowhere"),
        (changed(lambda t: t.update({"lora_unet_x.hada_w1_a": torch.zeros(4, 4)})), "has one factor of two"),
        (changed(lambda t: t.update({"lora_unet_x.dora_scale": torch.zeros(4)})), "has one factor of two"),
        (changed(lambda t: t.update({"something": torch.zeros(4)})), "'something', which is none of a LoRA"),
    ],
)
def test_loras_that_do_not_fit(make: Callable[[Tensors], Tensors], message: str, tiny: OpenModel, loras: Path) -> None:
    save_file(make(kohya(tiny)), loras / "odd.safetensors")
    save_file(kohya(tiny), loras / "good.safetensors")
    base = weights(tiny)
    with pytest.raises(ModelError, match=message) as caught:
        tiny.load([("good", 1, 1), ("odd", 1, 1)])
    assert len(caught.value.hint) > 10
    assert same(weights(tiny), base), "all or nothing"


def test_a_lora_for_another_model(tiny: OpenModel, seedling: OpenModel, loras: Path) -> None:
    save_file(kohya(seedling), loras / "grown.safetensors")
    with pytest.raises(ModelError, match=r"the LoRA grown does not fit the model .*: .*") as caught:
        tiny.load([("grown", 1, 1)])
    assert "this one is for seedling" in caught.value.hint
    assert known_models()[1].family == "seedling"


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), 1e9])
def test_weights_that_are_none(weight: float, tiny: OpenModel, loras: Path) -> None:
    save_file(kohya(tiny), loras / "one.safetensors")
    with pytest.raises(ModelError, match="the weight of the LoRA one is"):
        tiny.load([("one", 1, weight)])


def test_where_loras_lie(tiny: OpenModel, loras: Path) -> None:
    (loras / "styles").mkdir()
    (loras / "subjects").mkdir()
    save_file(kohya(tiny), loras.parent / "top.safetensors")
    for name in ("styles/ink", "styles/twice", "subjects/twice"):
        save_file(kohya(tiny), loras / f"{name}.safetensors")
    for name in ("top", "ink", "styles/ink", "ink.safetensors", "subjects/twice"):
        tiny.load([(name, 1, 1)])
    with pytest.raises(ModelError, match="more than one lora 'twice'") as caught:
        tiny.load([("twice", 1, 1)])
    assert "styles/twice, subjects/twice" in caught.value.hint
    with pytest.raises(ModelError, match="unknown lora 'inkk'") as caught:
        tiny.load([("inkk", 1, 1)])
    assert "ink" in caught.value.hint
    with pytest.raises(ModelError, match="owner/name is not on this machine"):
        tiny.load([("owner/name", 1, 1)])


def test_a_lora_from_the_hub(tiny: OpenModel, loras: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--owner--name"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    save_file(peft(tiny), snapshot / "pytorch_lora_weights.safetensors")
    tiny.load([("owner/name", 1, 1)])
    (adapter,) = tiny.adapters
    assert adapter.file == snapshot / "pytorch_lora_weights.safetensors"
    tiny.unload()
    save_file(peft(tiny), snapshot / "another.safetensors")
    with pytest.raises(ModelError, match="owner/name on the hub holds 2 LoRAs"):
        tiny.load([("owner/name", 1, 1)])
    tiny.load([("owner/name/another.safetensors", 1, 1)])
    (adapter,) = tiny.adapters
    assert adapter.file == snapshot / "another.safetensors"
    with pytest.raises(ModelError, match="holds no LoRAs"):
        tiny.load([("owner/name/third.safetensors", 1, 1)])


# Embeddings


@pytest.fixture
def embeddings(loras: Path) -> Path:
    folder = loras.parent / "embeddings"
    folder.mkdir()
    return folder


def word(model: OpenModel, text: str) -> torch.Tensor:
    """The vectors of a text's tokens."""
    ids = model.pipeline.tokenizer(text, add_special_tokens=False).input_ids
    return model.pipeline.text_encoder.get_input_embeddings().weight[ids].detach().clone()


def encoded(model: OpenModel, prompt: str) -> torch.Tensor:
    with torch.no_grad():
        return model.pipeline.encode_prompt(prompt, "cpu", 1, False)[0]


@pytest.fixture(scope="module")
def another() -> OpenModel:
    """Seedling once more, to be compared with the one that nothing is loaded into."""
    return open_model("seedling", device="cpu", dtype="float32")


@pytest.mark.parametrize("form", ["emb_params", "<cat-toy>", "automatic1111.pt", "diffusers.bin", "diffusers.pt"])
def test_a_name_is_its_tokens(form: str, seedling: OpenModel, another: OpenModel, embeddings: Path) -> None:
    """An embedding that says what known words say is encoded as these words are, wherever it stands."""
    vectors = word(seedling, "blue penguin")
    assert len(vectors) > 1
    if form == "automatic1111.pt":
        torch.save(
            {"string_to_token": {"*": 265}, "string_to_param": {"*": vectors}, "name": "x"}, embeddings / "Coldbird.pt"
        )
    elif form.startswith("diffusers"):
        torch.save({"<x>": vectors}, embeddings / f"Coldbird{Path(form).suffix}")
    else:
        save_file({form: vectors}, embeddings / "Coldbird.safetensors")
        (_, listed) = known_models()
        assert (listed.name, listed.kind, listed.family) == ("Coldbird", "embedding", "seedling")
    model = another
    text = encoded(model, "a coldbird, on a beach")
    assert embeddings_in("a coldbird!", "coldbirds") == ("Coldbird",)
    assert embeddings_in("coldbirds", "a cold bird", "") == ()
    model.load(embeddings=["Coldbird"], allow_pickle=True)
    (loaded,) = model.embeddings
    assert (loaded.vectors, loaded.name) == (len(vectors), "Coldbird")
    for prompt in ("a {}, on a beach", "{}", "a {} ({})", "a {}-like dog"):
        wanted = encoded(model, prompt.format(*["blue penguin"] * 2))
        for name in ("Coldbird", "COLDBIRD", "coldbird"):
            assert encoded(model, prompt.format(name, name)).equal(wanted), prompt
    assert encoded(model, "coldbirds").equal(encoded(seedling, "coldbirds")), "other words are as they were"
    model.unload()
    assert encoded(model, "a coldbird, on a beach").equal(text)
    assert model.embeddings == ()
    assert len(model.pipeline.tokenizer) == len(seedling.pipeline.tokenizer)


def test_an_embedding_goes_by_its_path_and_by_its_own_name(seedling: OpenModel, embeddings: Path) -> None:
    for name in ("sub/night ink", "pale "):  # a blank in front of an ending is no part of a name
        file = embeddings / f"{name}.safetensors"
        file.parent.mkdir(exist_ok=True)
        save_file({"emb_params": word(seedling, "blue penguin")}, file)
    assert embeddings_in("a night ink dog", "sub/night ink, PALE") == ("pale", "sub/night ink", "night ink")
    assert embeddings_in("embedding:Pale, embedding:gone.pt") == ("pale", "gone")
    budget = token_budget(seedling.tokenizer_file)
    assert budget.count("night ink") == budget.count("embedding:pale") == 2 + len(word(seedling, "blue penguin"))
    model = open_model("seedling", device="cpu", dtype="float32")
    model.load(embeddings=["night ink"])
    assert encoded(model, "a night ink dog").equal(encoded(seedling, "a blue penguin dog"))
    with pytest.raises(ModelError, match="unknown embedding 'gone'"):
        model.load(embeddings=embeddings_in("embedding:gone"))
    model.unload()


def test_embeddings_of_two_encoders(embeddings: Path, tmp_path: Path) -> None:
    """XL: one set of vectors for each encoder; the pooled vector stays that of the end token."""
    pipeline = tiny_xl()
    pipeline.text_encoder_2.config.eos_token_id = 2  # as published
    pipeline.save_pretrained(tmp_path / "xl")
    model = open_model(str(tmp_path / "xl"), device="cpu")
    ids = model.pipeline.tokenizer("blue penguin", add_special_tokens=False).input_ids
    first, second = (
        getattr(model.pipeline, part).get_input_embeddings().weight[ids].detach().clone()
        for part in ("text_encoder", "text_encoder_2")
    )
    save_file({"clip_l": first, "clip_g": second}, embeddings / "coldbird.safetensors")
    with torch.no_grad():
        wanted = model.pipeline.encode_prompt("a blue penguin", device="cpu", do_classifier_free_guidance=False)
        model.load(embeddings=["coldbird"])
        got = model.pipeline.encode_prompt("a coldbird", device="cpu", do_classifier_free_guidance=False)
        assert got[0].equal(wanted[0])
        assert got[2].equal(wanted[2])
        model.unload()
        again = model.pipeline.encode_prompt("a blue penguin", device="cpu", do_classifier_free_guidance=False)
    assert again[2].equal(wanted[2])


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"emb_params": torch.zeros(2, 33)}, r"its vectors are \[2, 33\], .* 32 wide"),
        ({"emb_params": torch.zeros(2, 768)}, r"does not fit the model .*: its vectors are \[2, 768\], .* 32 wide"),
        ({"clip_l": torch.zeros(2, 768), "clip_g": torch.zeros(2, 1280)}, "does not fit the model"),
        ({"emb_params": torch.full((1, 192), float("nan"))}, "does not fit|holds numbers that are none"),
    ],
)
def test_embeddings_that_do_not_fit(tensors: Tensors, message: str, tiny: OpenModel, embeddings: Path) -> None:
    save_file(tensors, embeddings / "odd.safetensors")
    with pytest.raises(ModelError, match=message) as caught:
        tiny.load(embeddings=["odd"])
    assert len(caught.value.hint) > 10
    assert tiny.embeddings == ()


def test_a_pickled_embedding_is_not_opened_unasked(tiny: OpenModel, embeddings: Path) -> None:
    torch.save({"<x>": torch.zeros(1, 32)}, embeddings / "old.pt")
    with pytest.raises(ModelError, match=r"old\.pt is a pickle"):
        tiny.load(embeddings=["old"])


def test_the_lora_that_comes_along_is_found_by_name_unless_there_is_another(loras: Path, seedling: OpenModel) -> None:
    (own,) = embedded_loras()
    assert (own.name, own.kind, own.family) == ("thermal", "lora", "seedling")
    assert find_part("lora", "thermal").path == own.path
    before = weights(seedling)
    seedling.load([("thermal", 1.0, 1.0)])
    assert not same(weights(seedling), before)
    seedling.unload()
    assert same(weights(seedling), before)
    shutil.copy(own.path or "", loras / "thermal.safetensors")
    assert find_part("lora", "thermal").path == loras / "thermal.safetensors"
