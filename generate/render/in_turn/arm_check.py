"""What one arm was drawn from, as it was seen on the way: by comparing it, arms that go in turn are found fair."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch

from generate.families import Family
from generate.render.input_check import digest_of, named_inputs


class ArmCheck:
    """Looks on while one picture of a `family` is drawn by a call of its pipeline.

    `inputs` has the SHA-256 of every tensor that the denoiser was given at its first step, guidance included, by the
    names of its arguments, with what it is of where that has rows for more; `evaluations` counts how often it ran,
    `shape` is that of the initial noise. `texts` are what the text encoders were given, and `told` what they were told
    besides. `end` is what was left afterwards: the random generators and the scheduler. `guider` is the part of the
    pipeline by which it was guided, where there are such, and the numbers that it did so with.
    """

    def __init__(self, family: Family, *, guided: bool) -> None:
        self.inputs: dict[str, str] = {}
        self.evaluations = 0
        self.shape: tuple[int, ...] = ()
        self.texts: list[str] = []
        self.told: list[dict[str, str]] = []
        self.end: dict[str, str] = {}
        self.guider: dict[str, Any] = {}
        self._family, self._means = family, dict[str, str]()
        in_turn = family.in_turn
        calls = in_turn.guided_calls if in_turn is not None else ()
        self._calls = calls if guided and calls else ("prompt",)
        self._rows = family.guided_rows if guided and not calls else ("prompt",)

    @contextmanager
    def watching(self, pipeline: Any) -> Iterator[None]:
        """Inside the block, the pipeline is looked at."""
        hook = getattr(pipeline, self._family.denoiser).register_forward_pre_hook(self._watch, with_kwargs=True)
        pipeline.encode_prompt = self._listened(pipeline.encode_prompt)
        try:
            yield
        finally:
            hook.remove()
            del pipeline.__dict__["encode_prompt"]

    def ended(self, pipeline: Any, generator: torch.Generator) -> None:
        """Notes what was left when the picture was finished."""
        self.guider = self._guider(pipeline)
        scheduler = pipeline.scheduler
        shared = [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [])]
        times = (getattr(scheduler, name, torch.empty(0)) for name in ("timesteps", "sigmas"))
        self.end = {
            "noise on the way": " ".join(map(digest_of, [generator.get_state(), *shared])),
            "scheduler": f"{type(scheduler).__name__} {sorted(map(repr, scheduler.config.items()))} "
            + " ".join(map(digest_of, times)),
            "guidance": f"{getattr(pipeline, 'guidance_scale', None)} {self.guider}",
            "evaluations": str(self.evaluations),
        }

    def _guider(self, pipeline: Any) -> dict[str, Any]:
        in_turn = self._family.in_turn
        for name in in_turn.guiders if in_turn is not None else ():
            part = getattr(pipeline, name)
            if part is not None and part.get_state()["step"] is not None:
                return {"guider": name, **{key: getattr(part, key) for key in part.config if key in vars(part)}}
        return {}

    def initial_noise(self) -> str:
        """The SHA-256 of the noise that the picture began with."""
        return next(digest for key, digest in self.inputs.items() if self._means[key] == "initial noise")

    def _watch(self, module: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        """A forward pre-hook with keywords."""
        self.evaluations += 1
        if self.evaluations > len(self._calls):
            return
        call = self._calls[self.evaluations - 1]
        given = named_inputs(module, arguments, keywords)
        for name, value in _tensors(given | self._read(given)):
            what = self._family.inputs.get(name, name)
            rows: Sequence[Any] = [value]
            if isinstance(value, list) or (len(self._rows) > 1 and value.ndim and len(value) == len(self._rows)):
                rows = value
            for row, tensor in enumerate(rows):
                of = self._rows[row] if len(self._rows) == len(rows) and len(rows) > 1 else call
                means = of if what == "prompt" else what
                key = name if len(rows) == 1 and len(self._calls) == 1 else f"{name} ({of})"
                self._means[key], self.inputs[key] = means, digest_of(tensor)
                if what == "initial noise" and not self.shape:
                    self.shape = tuple(tensor.shape)

    def _read(self, given: dict[str, Any]) -> dict[str, Any]:
        """Of inputs that are padded, the rows as far as the denoiser reads them."""
        lengths = self._family.in_turn.lengths if self._family.in_turn is not None else {}
        return {
            name: [row[: int(length)] for row, length in zip(given[name], given[told], strict=True)]
            for name, told in lengths.items()
        }

    def _listened(self, encode_prompt: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(encode_prompt)

        @wraps(encode_prompt)
        def listened(*arguments: Any, **keywords: Any) -> Any:
            given = signature.bind(*arguments, **keywords).arguments
            told = {}
            for name, value in given.items():
                if name.startswith(("prompt", "negative_prompt")):
                    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
                    self.texts += [text for text in texts if isinstance(text, str)]
                else:
                    told[name] = repr(value)
            self.told.append(told)
            return encode_prompt(*arguments, **keywords)

        return listened

    def differs_from(self, other: ArmCheck) -> set[str]:
        """What was not equal between two arms, as the family names its inputs: of a fair pair "prompt" alone."""
        found = {
            (self._means | other._means)[key]
            for key in self.inputs.keys() | other.inputs.keys()
            if self.inputs.get(key) != other.inputs.get(key)
        }
        found |= {name for name in self.end if self.end[name] != other.end.get(name)}
        if len(self.told) != len(other.told):
            found.add("text encoding")
        for mine, theirs in zip(self.told, other.told, strict=False):
            found |= {name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name)}
        return found

    def rewritten(self, *asked: str) -> bool:
        """Whether the text encoders were given any other words than those that were `asked` for."""
        return not {*self.texts} <= {*asked}


def _tensors(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tensors among the values, those in dictionaries with both names and a dot between them; lists of tensors
    together."""
    for name, value in values.items():
        if torch.is_tensor(value) or (isinstance(value, list) and value and all(map(torch.is_tensor, value))):
            yield name, value
        elif isinstance(value, dict):
            yield from _tensors({f"{name}.{key}": entry for key, entry in value.items()})
