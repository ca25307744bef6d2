"""The open model: a loaded pipeline of any family, with what is kept beside it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch

from generate.families import Family, Reader
from generate.models.adapters import Adapter, Embedding, Loras, TextualInversions
from generate.models.catalog import reader_budget, token_budget
from generate.models.clip_tokenizer import tokenizer_file
from generate.models.weights.weight_file import ModelError, digest_of_weights
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
        """The model's `tokenizer.json`, for `ideation.prompt`."""
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
        side = max(4, 64 * self.family.patch // self.size_unit)  # 64 pixels, where a latent is not very many
        probes = torch.zeros(channels + 1, channels, side, side)
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


def latent_channels(vae: Any) -> int:
    """How many numbers a latent has; VAEs for films call them z."""
    return int(vae.config.get("latent_channels") or vae.config["z_dim"])
