"""What several test files share: the command line in this process, the embedded model, a tiny one made on the spot."""

from __future__ import annotations

import gc
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from filelock import FileLock

from generate.seedling import SEEDLING_FOLDER
from twinseed import main

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from generate.clip import Clip
    from generate.models import OpenModel

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when torch is: small models are quicker on one thread than on all
os.environ["HF_HUB_OFFLINE"] = "1"  # read when the hub's library is imported: no test may reach for the network

# What tests take fixtures from and import as well: what is asserted there is told as in a test.
pytest.register_assert_rewrite("forger", "tiny_in_turn")

# The same examples on every machine, and no limit to how long a busy one takes for each.
hypothesis.settings.register_profile("twinseed", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("twinseed")

SETTINGS_FROM_OUTSIDE = (
    "GEMINI_API_KEY",
    "GOOGLE_API_KEY",
    "GEMINI_API_ENDPOINT",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "TWINSEED_CLIP",
    "TWINSEED_LLM_DEADLINE",
    "TWINSEED_RUNS",
)


@dataclass(frozen=True)
class Done:
    """How a command ended: its exit status, and what it said on standard output and standard error."""

    code: int
    out: str
    err: str


Twinseed = Callable[..., Done]
MadeOnce = Callable[[str, Callable[[Path], object]], Path]


def pytest_configure(config: pytest.Config) -> None:
    # diffusers' KDPM2 schedulers hand torch tensors to numpy.cumsum: not ours to mend.
    config.addinivalue_line("filterwarnings", "ignore:__array_wrap__ must accept context:DeprecationWarning")


def pytest_collection() -> None:
    gc.disable()  # nothing that is imported now will ever be garbage


def pytest_collection_finish() -> None:
    gc.freeze()  # torch and all else: looking through it again and again takes a twentieth of the tests' time
    gc.enable()


@pytest.fixture(scope="session")
def expansions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new folder's name each time. To have pytest count its own takes longer the more of them there are."""
    folder = tmp_path_factory.mktemp("expansions")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(scope="session")
def nothing_of_a_person(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("nothing-of-a-person"))


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, expansions: Iterator[Path], nothing_of_a_person: str) -> None:
    """No key, server or model of whoever runs the tests."""
    for name in SETTINGS_FROM_OUTSIDE:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TWINSEED_MODELS", f"{nothing_of_a_person}/no-models")
    for name in ("STYLES", "PRESETS", "PERFORMANCE", "ASPECT_RATIOS"):
        monkeypatch.setenv(f"TWINSEED_{name}", nothing_of_a_person)
    monkeypatch.setenv("TWINSEED_CACHE", str(next(expansions)))


@pytest.fixture
def twinseed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Twinseed:
    """Runs `twinseed` with the given arguments in this process."""

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["twinseed", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return Done(end.value.code, out, err)

    return run


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Folders that take long to make: whichever worker is the first to want one makes it, and all read it."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    base = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent

    def once(name: str, make: Callable[[Path], object]) -> Path:
        folder = base / "made-once" / name
        folder.parent.mkdir(exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not folder.exists():
                partial = folder.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                make(partial)
                partial.rename(folder)
        return folder

    return once


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a file: each is somebody else in it. No longer, as its event loop is in the way of
    tests with one of their own."""
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("no Chromium here: install the package `chromium` to run this test")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def seedling() -> OpenModel:
    """The embedded model, on the CPU in float32."""
    from generate.models import open_model

    return open_model("seedling", device="cpu", dtype="float32")


@pytest.fixture(scope="session")
def seedling_clip() -> Clip:
    """The embedded CLIP, on the CPU. What it has seen it knows for as long as it lives, and it looks at each picture
    and each text alone: nobody can tell who asked before."""
    from generate.clip import open_clip

    return open_clip("seedling", "cpu")


@pytest.fixture
def opened_once(seedling: OpenModel, seedling_clip: Clip, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sessions get the embedded model as it usually is, and its CLIP, from the fixtures above, instead of opening them
    again."""
    import compare.session.kept_open
    import generate.clip

    really_open = compare.session.kept_open.open_model
    usual = {"vae": None, "fast": False, "compiled": False}

    def open_model(name: str, **how: Any) -> OpenModel:
        plain = {one: how[one] for one in usual} == usual and how["dtype"] in ("auto", "float32")
        plain &= how["device"] in ("auto", "cpu")
        return seedling if name == "seedling" and plain else really_open(name, **how)

    really_open_clip = generate.clip.open_clip

    def open_clip(name: str, device: str = "auto") -> Clip:
        return seedling_clip if (name, device) == ("seedling", "cpu") else really_open_clip(name, device)

    monkeypatch.setattr("compare.session.kept_open.open_model", open_model)
    monkeypatch.setattr("generate.clip.open_clip", open_clip)
    yield
    seedling.load()


@pytest.fixture(scope="session")
def components_found_once() -> Iterator[None]:
    """Streamlit's test harness looks through every package that is installed for components whenever it opens a page:
    here only the first time, as they stay the same."""
    from streamlit.components.v2 import manifest_scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session")
def extras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with a LoRA `loud`, a textual inversion `glow` and a VAE `paler`, all of them for Seedling."""
    import torch
    from diffusers import AutoencoderKL
    from original_layout import original_vae
    from safetensors.torch import save_file

    torch.manual_seed(0)
    tensors = {}
    for part, layer, out in (
        ("lora_unet", "down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_v", 160),
        ("lora_te", "text_model_encoder_layers_0_mlp_fc1", 768),
    ):
        tensors[f"{part}_{layer}.lora_up.weight"] = torch.randn(out, 2)
        tensors[f"{part}_{layer}.lora_down.weight"] = torch.randn(2, 192)
        tensors[f"{part}_{layer}.alpha"] = torch.tensor(1.0)
    vae = AutoencoderKL.from_pretrained(SEEDLING_FOLDER / "vae", low_cpu_mem_usage=False)
    with torch.no_grad():
        vae.decoder.conv_out.bias += 0.5
    folder = tmp_path_factory.mktemp("extras")
    for name, content in (
        ("loras/loud", tensors),
        ("embeddings/glow", {"emb_params": torch.randn(2, 192)}),
        ("vae/paler", {name: tensor.contiguous() for name, tensor in original_vae(vae).items()}),
    ):
        (folder / name).parent.mkdir()
        save_file(content, folder / f"{name}.safetensors")
    return folder


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Stable Diffusion of random weights, without tokenizer.json as most published ones; 16 pixels to a latent."""
    import torch
    from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(SEEDLING_FOLDER / "tokenizer")
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            projection_dim=32,
        )
    )
    unet = UNet2DConditionModel(
        sample_size=2,
        block_out_channels=(32, 64),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=32,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8, 8),
        norm_num_groups=4,
        layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 5,
        up_block_types=("UpDecoderBlock2D",) * 5,
    )
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False
    )
    folder = tmp_path_factory.mktemp("models") / "tiny"
    StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(SEEDLING_FOLDER / "tokenizer" / name, folder / "tokenizer")
    (folder / "tokenizer" / "tokenizer.json").unlink()
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> OpenModel:
    from generate.models import open_model

    return open_model(str(tiny_folder), device="cpu")


@pytest.fixture(scope="session")
def tiny_xl(tiny: OpenModel, tmp_path_factory: pytest.TempPathFactory) -> OpenModel:
    """The tiny model with the second text encoder and the other additions of Stable Diffusion XL."""
    import diffusers
    import torch
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    from generate.models import open_model

    torch.manual_seed(1)
    plain = tiny.pipeline
    words = plain.text_encoder.config
    second = CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=words.vocab_size,
            hidden_size=32,
            intermediate_size=37,
            num_hidden_layers=2,
            num_attention_heads=4,
            bos_token_id=words.bos_token_id,
            eos_token_id=words.eos_token_id,
            projection_dim=32,
        )
    )
    unet = diffusers.UNet2DConditionModel(
        sample_size=2,
        block_out_channels=(32, 64),
        layers_per_block=1,
        norm_num_groups=8,
        cross_attention_dim=64,
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 32,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    folder = tmp_path_factory.mktemp("xl")
    diffusers.StableDiffusionXLPipeline(
        vae=plain.vae,
        text_encoder=plain.text_encoder,
        tokenizer=plain.tokenizer,
        text_encoder_2=second,
        tokenizer_2=plain.tokenizer,
        unet=unet,
        scheduler=plain.scheduler,
        add_watermarker=False,
    ).save_pretrained(folder)
    return open_model(str(folder), device="cpu")


@pytest.fixture(scope="session")
def hand_ins(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The bundles of a small class: four with two pairs each. To be read only."""
    from sample_class import sample_class

    return sample_class(tmp_path_factory.mktemp("hand-ins"))


@pytest.fixture(scope="session")
def one_class(hand_ins: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class of these hand-ins in its folder. To be copied before it is changed."""
    from sample_class import merged

    return merged(hand_ins, tmp_path_factory.mktemp("class") / "class")
