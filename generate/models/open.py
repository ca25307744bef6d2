"""Open models: a model of any family, loaded from a folder, a single file or the hub, with what is kept beside it."""

from __future__ import annotations

import gc
import json
import logging
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import diffusers
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from transformers import CLIPImageProcessor
from transformers.utils import logging as transformers_logging

from generate.families import Family, Reader
from generate.models.adapters import Adapter, Embedding, Loras, TextualInversions
from generate.models.architecture import family_of_folder, require_known_training, require_proportions
from generate.models.catalog import ModelName, reader_budget, token_budget
from generate.models.clip_tokenizer import cuts_into_bytes, tokenizer_file
from generate.models.devices import (
    bf16_in_hardware,
    choose_device,
    choose_dtype,
    ran_out_of_memory,
    require_compiler,
    torch_dtype,
)
from generate.models.memory_mode import choose_mode, loading, settle, sizes_of
from generate.models.resolve import find_model, find_vae, hub_id, unreachable, vae_path
from generate.models.single_file import named_scheduler, open_single_file, open_vae
from generate.models.suitability import check_family
from generate.models.tensors import left_in_folder, require_whole
from generate.models.transformer_file import open_transformer, transformer_file
from generate.models.weight_file import ModelError, digest_of_weights, first_line
from generate.models.word_processor import word_processor
from generate.settings import RenderSettings
from ideation import Clause, TokenBudget

#: The context of a prompt, and the pooled vector that XL models have.
Encoding = tuple[torch.Tensor, torch.Tensor | None]


class OpenModel:
    """A loaded pipeline of a `family`, and all that is kept for as long as it is open.

    `scheduler_config` is the model's own. `folder` holds its configuration, and its weights too, unless they came from
    the single `file`, which may hold the transformer `alone`. `vae_path` is the file or folder of the VAE that took the
    place of its own. `compiled`: its denoiser is, or will be at its first evaluation. `too_large`: it does not fit into
    the device's memory as a whole, and waits in the processor's. `memory_mode` is how it was laid into memory.
    `encodings` are those of the prompts that it has read.

    In a `with` block it is closed at the end; elsewhere `close` gives a GPU's memory back.
    """

    def __init__(
        self,
        name: str,
        family: Family,
        pipeline: Any,
        *,
        device: str,
        dtype: str,
        folder: Path,
        tokenizer_folder: Path,
        file: Path | None = None,
        alone: bool = False,
        vae_path: Path | None = None,
        compiled: bool = False,
        too_large: bool = False,
        memory_mode: str = "whole",
        notes: tuple[Clause, ...] = (),
    ) -> None:
        self._notes, self.too_large, self.memory_mode = notes, too_large, memory_mode
        self.name, self.family, self.pipeline = name, family, pipeline
        self.device, self.dtype, self.compiled = device, dtype, compiled
        self.folder, self.tokenizer_folder, self.file, self.vae_path = folder, tokenizer_folder, file, vae_path
        self._alone = alone
        self.scheduler_config: dict[str, Any] = {
            **pipeline.scheduler.config,
            "_class_name": type(pipeline.scheduler).__name__,
        }
        self.encodings = Encodings(self)
        self._budgets: dict[Reader, TokenBudget] = {}
        self._loras = Loras(name, family, pipeline)
        self._textual_inversions = TextualInversions(name, family, pipeline)

    def load(
        self,
        adapters: Iterable[tuple[str, float, float]] = (),
        embeddings: Iterable[str] = (),
        *,
        allow_pickle: bool = False,
    ) -> None:
        """Leaves exactly these LoRAs, each as (name, text encoder weight, denoiser weight), and these textual
        inversions in the model; what else was in it is taken out, bit for bit.

        Raises `ModelError` for what cannot be found or does not fit, with the model as it was opened.
        """
        adapters = list(adapters)
        if adapters and self.memory_mode in ("float8", "8-bit", "4-bit"):
            raise ModelError(
                "a LoRA cannot be added to weights of so few bits: {mode}",
                hint="take --memory group-offload, whose weights are whole",
                mode=self.memory_mode,
            )
        try:
            self._textual_inversions.load(embeddings, allow_pickle=allow_pickle)
            self._loras.load(adapters)
        except BaseException:  # also where somebody interrupts: half a LoRA is no model
            self.unload()
            raise

    def unload(self) -> None:
        """Makes the model again what it was when it was opened, bit for bit."""
        self._loras.unload()
        self._textual_inversions.unload()

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """The LoRAs that are in the model now."""
        return self._loras.adapters

    @property
    def embeddings(self) -> tuple[Embedding, ...]:
        """The textual inversions that are in the model now."""
        return self._textual_inversions.embeddings

    @property
    def notes(self) -> tuple[Clause, ...]:
        """What was left of the files of the model and of what is in it now."""
        return (*self._notes, *self._textual_inversions.notes, *self._loras.notes)

    @property
    def denoiser(self) -> Any:
        """The U-Net or transformer that is run at each step."""
        return getattr(self.pipeline, self.family.denoiser)

    @property
    def text_encoders(self) -> list[tuple[Any, Any]]:
        """Each text encoder that the model has, behind its tokenizer: the refiner of XL has the second one only."""
        parts = [
            (getattr(self.pipeline, read), getattr(self.pipeline, part)) for part, read in self.family.text_encoders
        ]
        return [(tokenizer, encoder) for tokenizer, encoder in parts if encoder is not None]

    @property
    def token_limit(self) -> int:
        """How many tokens the text encoder that counts reads, start and end tokens or a template's included."""
        if self.family.in_turn is not None:
            return self.family.in_turn.readers[0].limit
        return int(self.text_encoders[0][1].config.max_position_embeddings)

    @property
    def tokenizer_file(self) -> Path:
        """The model's `tokenizer.json`, for `ideation.token_budget`."""
        return tokenizer_file(self.tokenizer_folder)

    def budget(self, *, chunked: bool = False, reader: Reader | None = None, limit: int | None = None) -> TokenBudget:
        """Counts tokens as the model reads them: textual inversions included, where it can be given any, and what its
        template takes; by the text encoder that counts, with another `limit` than it has, or by another `reader`.
        Raises `TokenizerError`."""
        if self.family.in_turn is None:
            return token_budget(self.tokenizer_file, self.token_limit, chunked=chunked)
        reader = reader or self.family.in_turn.reader_of(limit)
        if reader not in self._budgets:  # a language model's tokenizer takes a while to read
            self._budgets[reader] = reader_budget(reader, tokenizer_file(self.folder / reader.tokenizer))
        return self._budgets[reader]

    @property
    def size_unit(self) -> int:
        """Pixels to one latent, or to the square of them that the denoiser takes at once: width and height must be
        multiples of it."""
        pipeline = self.pipeline  # those for films have another factor for time
        scale = getattr(pipeline, "vae_scale_factor_spatial", None) or pipeline.vae_scale_factor
        return int(scale) * self.family.patch

    @property
    def native_size(self) -> tuple[int, int]:
        """(width, height) in pixels that the model was trained for."""
        if self.family.native_side is not None:
            return self.family.native_side, self.family.native_side
        sample = self.denoiser.config.sample_size
        height, width = (sample, sample) if isinstance(sample, int) else sample
        return width * self.size_unit, height * self.size_unit

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the weights, those of another VAE among them."""
        return digest_of_weights(self.file or self.folder, self.vae_path, rest=self.folder if self._alone else None)

    @cached_property
    def latent_colours(self) -> tuple[torch.Tensor, torch.Tensor]:
        """(3,) the colour of zero latents and (channels, 3) what one unit of each channel adds, as the VAE decodes
        them: what a quick preview is drawn with."""
        vae = self.pipeline.vae
        channels = latent_channels(vae)
        probes = torch.zeros(channels + 1, channels, 8, 8)
        probes[torch.arange(channels) + 1, torch.arange(channels)] = 1.0
        with torch.no_grad():
            pixels = (self.decoded(one[None].to(vae.device)) for one in probes)
            colours = torch.cat([one.float().mean((2, 3)).cpu() for one in pixels])
        return colours[0], colours[1:] - colours[0]

    def decoded(self, latents: torch.Tensor) -> torch.Tensor:
        """The pixels of latents, (pictures, channels, height, width) both, as the VAE draws them."""
        pixels: torch.Tensor
        if self.family.in_turn is not None:
            pixels = self.family.in_turn.decoded(self.pipeline, latents)
        else:
            vae = self.pipeline.vae
            pixels = vae.decode((latents / vae.config.scaling_factor).to(vae.dtype)).sample
        return pixels

    def close(self) -> None:
        """Lets go of the weights; nothing can be rendered with the model any more."""
        self.encodings.forget()
        for part in ("pipeline", "_loras", "_textual_inversions"):
            self.__dict__.pop(part, None)
        gc.collect()
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()


class Encodings:
    """What the text encoders of a model made of prompts, for as long as their weights and tokenizers stay what they
    are, whoever changes them."""

    #: So many prompts are kept. A context of Stable Diffusion 1.x in float32 takes a quarter of a megabyte.
    MOST = 64

    def __init__(self, model: OpenModel) -> None:
        self._model = model
        self._made_with: tuple[list[Any], list[Any]] = ([], [])
        self._kept: dict[Hashable, Encoding] = {}

    def get(self, key: Hashable, encode: Callable[[], Encoding]) -> Encoding:
        """The encoding with that `key`, which says of what and how; made by `encode` where there is none. The oldest
        makes room."""
        parts, versions = self._state()
        # By identity: what they are made with is held, so that nothing else can have come to its place.
        if versions != self._made_with[1] or [*map(id, parts)] != [*map(id, self._made_with[0])]:
            self._made_with = parts, versions
            self._kept.clear()
        if key not in self._kept:
            made = encode()
            if len(self._kept) >= self.MOST:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = made
        return self._kept[key]

    def forget(self) -> None:
        """Gives the memory back; for measurements too, that shall not profit by what an earlier one has encoded."""
        self._made_with = ([], [])
        self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _state(self) -> tuple[list[Any], list[Any]]:
        """Tokenizers and weights, and how often each of the weights was written to."""
        tokenizers = [tokenizer for tokenizer, _ in self._model.text_encoders]
        weights = [weight for _, encoder in self._model.text_encoders for weight in encoder.parameters()]
        return [*tokenizers, *weights], [(weight._version, weight.dtype, weight.device) for weight in weights]


def open_model(
    name: str,
    *,
    device: str = "auto",
    dtype: str = "auto",
    vae: str | None = None,
    revision: str | None = None,
    allow_pickle: bool = False,
    fast: bool = False,
    compiled: bool = False,
    memory: str | None = None,
) -> OpenModel:
    """Opens a model: a known name, a folder in diffusers' layout, a single file in the original layout, or a hub id.

    `vae` names another VAE to decode with; `revision` is of the hub id, also written `owner/name@revision`;
    `allow_pickle` admits `.ckpt` and `.pt` files, of which nothing but tensors is ever built. `fast` takes bfloat16 on
    a processor that has it in hardware, unless a dtype is named, and lays pictures out as its kernels want them.
    `compiled` has torch compile the denoiser, at its first evaluation in each size: minutes, which only many pictures
    are worth. `memory` is how much the model may take, or one of `MEMORY_MODES`.

    Raises `ModelError` when it is not there, cannot be reached, or is broken, and `SettingsError` for the device and
    dtype, and where there is no compiler.

    >>> with open_model("seedling", device="cpu") as model:
    ...     model.native_size, model.token_limit, model.family.name
    ((128, 128), 77, 'seedling')
    """
    if compiled:
        require_compiler(device)
    found = find_model(name, revision=revision, allow_pickle=allow_pickle)
    found_vae = find_vae(vae, allow_pickle=allow_pickle) if vae is not None else None
    device = choose_device(device)
    file = found.path if found.path is not None and found.path.is_file() else None
    alone = found.rest is not None
    downloaded = None if file is not None and not alone else found.folder or _download(found)
    family = family_of_folder(downloaded) if downloaded is not None else None
    if family is not None and (vae is not None or memory is not None):
        check_family(RenderSettings(vae=vae, memory=memory, compiled=compiled, **family.usual), family)
    if family is None and memory is not None:
        raise ModelError(
            "--memory goes with models that have a transformer, from a folder or the hub",
            hint="leave it out: where memory runs short, a smaller way is found by itself",
        )
    if fast and dtype == "auto" and device == "cpu" and bf16_in_hardware():
        dtype = "bfloat16"
    dtype = choose_dtype(dtype, device, half=family.half if family is not None else "float16")
    diffusers_logging.disable_progress_bar()  # our own bar is enough
    transformers_logging.disable_progress_bar()
    mode = "whole"
    other_vae = vae_path(found_vae) if found_vae is not None else None
    open_other: Callable[[Path], Any] | None = None
    if other_vae is not None:
        open_other = partial(open_vae, other_vae, dtype=torch_dtype(dtype), allow_pickle=allow_pickle)
    if file is not None and not alone:
        pipeline, folder, tokenizer, notes = open_single_file(
            file, torch_dtype(dtype), vae=open_other, allow_pickle=allow_pickle
        )
        family = family_of_folder(folder)
    else:
        assert downloaded is not None  # noqa: S101 - for the type checker
        assert family is not None  # noqa: S101
        folder, tokenizer = downloaded, downloaded / family.counted_tokenizer
        apart = file if alone else transformer_file(folder, family)
        if memory in ("8-bit", "4-bit") and apart is not None:
            raise ModelError(
                "a transformer in its makers' layout is not quantized while it is loaded: {mode}",
                hint="take --memory float8, or the transformer as diffusers saves it",
                mode=memory,
            )
        if memory is not None:
            mode = choose_mode(memory, sizes_of(folder, family, apart), device=device, dtype=dtype)
        pipeline, notes = _open_folder(name, folder, apart, family, torch_dtype(dtype), open_other, mode)
        if alone:
            notes = (*notes, Clause("text encoders and VAE are those of {folder}", folder=folder.name))
    denoiser = getattr(pipeline, family.denoiser)
    channels = denoiser.config.get("in_channels") or denoiser.config["in_visual_dim"]
    latents = (channels // family.packed, latent_channels(pipeline.vae))
    if latents[0] != latents[1]:
        raise ModelError(
            "the VAE {vae} decodes latents of {latents} channels, the model draws {latents_2}",
            hint="take a VAE that was made for this model, or none",
            vae=vae or Clause("of {name}", name=name),
            latents=latents[1],
            latents_2=latents[0],
        )
    pipeline.set_progress_bar_config(disable=True)
    too_large = False
    try:
        pipeline = settle(pipeline, mode, family, device=device, dtype=torch_dtype(dtype))
    except (RuntimeError, MemoryError) as error:
        if not ran_out_of_memory(error):
            raise
        too_large = family.in_turn is not None and device.startswith("cuda")
        if too_large:
            pipeline = pipeline.to("cpu")
            torch.cuda.empty_cache()
        else:
            raise ModelError(
                "the model {name} does not fit into the memory of {device} in {dtype}",
                hint="close what else uses it, or take --device cpu",
                name=name,
                device=device,
                dtype=dtype,
            ) from error
    if fast and family.in_turn is None:
        denoiser.to(memory_format=torch.channels_last)
        pipeline.vae.to(memory_format=torch.channels_last)
    if compiled:
        # Not the module: its hooks look on for us, and would be compiled into it with the first picture's.
        if family.in_turn is None:
            denoiser.forward = torch.compile(denoiser.forward)
        else:
            denoiser.compile_repeated_blocks()
    return OpenModel(
        name,
        family,
        pipeline,
        device=device,
        dtype=dtype,
        folder=folder,
        tokenizer_folder=tokenizer,
        file=file,
        alone=alone,
        vae_path=other_vae,
        compiled=compiled,
        too_large=too_large,
        memory_mode=mode,
        notes=notes,
    )


def latent_channels(vae: Any) -> int:
    """How many numbers a latent has; VAEs for films call them z."""
    return int(vae.config.get("latent_channels") or vae.config["z_dim"])


def _open_folder(
    name: str,
    folder: Path,
    apart: Path | None,
    family: Family,
    dtype: torch.dtype,
    other_vae: Callable[[Path], Any] | None,
    mode: str,
) -> tuple[Any, tuple[Clause, ...]]:
    """The pipeline in the folder, with the transformer in the file `apart` if there is one, and notes on what of it was
    left."""
    pipeline_type = getattr(diffusers, family.pipeline)
    for _, tokenizer in family.text_encoders:
        there = (folder / tokenizer).is_dir() and not cuts_into_bytes(folder / tokenizer)
        if there or tokenizer == family.counted_tokenizer:
            tokenizer_file(folder / tokenizer)  # raises where there is none; loading would go on without
    given: dict[str, Any] = dict.fromkeys((*family.left_out, *family.processors))
    notes = list[Clause]()
    if other_vae is not None:
        given["vae"] = other_vae(folder / "vae")
    try:
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")  # deprecations inside the libraries are not the user's
            words = {part: word_processor(folder / part) for part in family.processors}
            if family.processor_first:
                given |= words
            named_scheduler(folder)
            for part in (family.denoiser, "vae", *(encoder for encoder, _ in family.text_encoders)):
                if (folder / part).is_dir():
                    require_proportions(folder / part, apart if part == family.denoiser else None)
            if apart is not None:
                given[family.denoiser], of_file = open_transformer(apart, folder, family, dtype)
                notes += of_file
            pipeline = pipeline_type.from_pretrained(
                str(folder),
                dtype=dtype,
                use_safetensors=True,
                local_files_only=True,
                # Weights of many gigabytes are not to be there twice while they are read.
                low_cpu_mem_usage=family.in_turn is not None,
                **given,
                **loading(mode, family, dtype),
                **_feature_extractor(folder),
            )
            pipeline.register_modules(**words)
    except ModelError:
        raise
    except Exception as error:  # the libraries raise OSError, ValueError, RuntimeError, SafetensorError, KeyError ...
        if ran_out_of_memory(error):
            raise
        raise ModelError(
            "the model {name} cannot be loaded from {folder}: {error}",
            hint="files may be missing or cut off: save or download it again (weights must be .safetensors)",
            name=name,
            folder=folder,
            error=first_line(error),
        ) from error
    trained = {**pipeline.scheduler.config, "_class_name": type(pipeline.scheduler).__name__}
    require_known_training(trained, folder, flow=family.flow)
    for part, module in pipeline.components.items():
        if isinstance(module, torch.nn.Module) and part not in given:
            what = Clause("{part} of the model in {folder}", part=part, folder=folder)
            require_whole(module, what, folder / part)
            notes += left_in_folder(module, what, folder / part)
    return pipeline, tuple(notes)


@contextmanager
def _quiet() -> Iterator[None]:
    """Inside the block, diffusers does not tell that a processor is ours, and guiders are new to it."""
    before = diffusers_logging.get_verbosity()
    diffusers_logging.set_verbosity_error()
    try:
        yield
    finally:
        diffusers_logging.set_verbosity(before)


def _feature_extractor(folder: Path) -> dict[str, Any]:
    """The safety checker's eyes, for models of 2022: they name a class that transformers no longer has."""
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    if index.get("feature_extractor", [None, None])[1] != "CLIPFeatureExtractor":
        return {}
    return {
        "feature_extractor": CLIPImageProcessor.from_pretrained(
            str(folder / "feature_extractor"), local_files_only=True
        )
    }


def _download(found: ModelName) -> Path:
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        return Path(DiffusionPipeline.download(hub_id(found), revision=found.revision, use_safetensors=True))
    except Exception as error:
        raise unreachable(found.name, error) from error
