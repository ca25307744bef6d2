"""Likeness: all that a new pair takes over from a picture, and in notes whatever it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from generate.files.foreign import shown
from generate.files.parameters import PictureParameters
from generate.models import (
    ModelError,
    ModelName,
    digest_of_file,
    digest_of_weights,
    embeddings_in,
    find_model,
    find_part,
    find_vae,
    hub_file,
    hub_id,
    require_plain_name,
    vae_path,
)
from generate.schedulers.table import SCHEDULERS
from generate.settings import RenderSettings, SettingsError

_DTYPES = ("auto", "float32", "float16", "bfloat16")
_DIGITS = re.compile("[0-9a-f]{10,64}")
_MOST_NAMED = 8


@dataclass(frozen=True)
class Likeness:
    """What a pair like a picture is rendered with. `expanded` is None where the picture tells of one prompt alone.

    Every note is a sentence for the user about something that was not taken over, or will not be as it was.
    """

    settings: RenderSettings
    simple: str
    expanded: str | None
    negative: str
    notes: tuple[str, ...] = ()


def likeness_of(parameters: PictureParameters, base: RenderSettings) -> Likeness:
    """`base` with all that the picture says, as far as it is on this machine; an own picture says all but `images`.

    Nothing is fetched for it: a model on the hub is taken over where its files are here. Raises `SettingsError` for
    what cannot be rendered here, as a seed past 2**63 or a side that is no multiple of 8.
    """
    taken = _Taken(parameters, base, _said(parameters, base), list(parameters.notes))
    taken.check_scheduler()
    taken.check_files()
    taken.check_means()
    taken.check_origin()
    prompts = None if parameters.mark is None else parameters.mark.prompts
    return Likeness(
        taken.settings,
        taken.without_left_out(parameters.prompt if prompts is None else prompts.simple),
        None if prompts is None else taken.without_left_out(prompts.expanded),
        taken.without_left_out(parameters.negative_prompt),
        tuple(taken.notes),
    )


def _said(parameters: PictureParameters, base: RenderSettings) -> RenderSettings:
    """What the picture says over what it does not, whether it can be had here or not."""
    if parameters.settings is not None:
        return replace(parameters.settings, images=base.images)
    said: dict[str, Any] = {
        "seed": parameters.seed,
        "num_inference_steps": parameters.num_inference_steps,
        "guidance_scale": parameters.guidance_scale,
        "scheduler": parameters.scheduler,
        "width": parameters.width,
        "height": parameters.height,
        "model": parameters.model,
        "vae": parameters.vae,
        "clip_skip": parameters.clip_skip,
        "adapters": tuple(lora.mention for lora in parameters.loras) or None,
    }
    return replace(base, **{name: value for name, value in said.items() if value is not None})


@dataclass
class _Taken:
    """The settings while they are checked one after the other; `left_out` are the LoRAs that are not taken over."""

    parameters: PictureParameters
    base: RenderSettings
    settings: RenderSettings
    notes: list[str]
    left_out: set[str] = field(default_factory=set)

    def check_scheduler(self) -> None:
        if self.settings.scheduler not in SCHEDULERS:
            name = _plain(self.settings.scheduler)
            self.notes.append(f"There is no scheduler {name} here: {self.base.scheduler} takes its place.")
            self.settings = replace(self.settings, scheduler=self.base.scheduler)

    def check_files(self) -> None:
        """The model, and what belongs to it, which fits no other."""
        said = self.parameters
        model, problem = _found(find_model, said.model, "a model")
        if problem:
            self.notes.append(
                f"The model {_plain(said.model)} is not taken over: {problem}. {self.base.model} takes its place."
            )
            belongings = [f"VAE {_plain(said.vae)}"] if said.vae is not None else []
            belongings += [f"LoRA {_plain(lora.name)}" for lora in said.loras]
            self.notes += [f"The {what} is not taken over: it goes with that model." for what in belongings]
            self.left_out = {lora.name for lora in said.loras}
            self.settings = replace(
                self.settings, model=self.base.model, vae=self.base.vae, adapters=self.base.adapters
            )
            return
        vae, problem = _found(find_vae, said.vae, "a VAE")
        if problem:
            instead = self.base.vae or "The model's own"
            self.notes.append(f"The VAE {_plain(said.vae)} is not taken over: {problem}. {instead} takes its place.")
            self.settings = replace(self.settings, vae=self.base.vae)
        elif model is not None and model.path is not None:
            self._check_weights(model.path, vae_path(vae) if vae is not None else None)
        for lora in said.loras:
            path, problem = _part("lora", lora.name)
            if problem:
                self.notes.append(f"The LoRA {_plain(lora.name)} is not taken over: {problem}.")
                self.left_out.add(lora.name)
            elif path is not None and said.is_ours and lora.hash not in (None, digest_of_file(path)):
                self.notes.append(f"The LoRA {_plain(lora.name)} is another file here than the picture was made with.")
        kept = tuple(one for one in self.settings.adapters if one.name not in self.left_out)
        self.settings = replace(self.settings, adapters=kept)
        self._check_embeddings()

    def check_means(self) -> None:
        """What the picture was computed with, where it says so."""
        if self.parameters.settings is None:
            return
        settings = self.settings
        if settings.dtype not in _DTYPES:
            self.notes.append(f"The number format {_plain(settings.dtype)} is not taken over: it is not known here.")
            self.settings = replace(self.settings, dtype=self.base.dtype)
        if settings.device not in ("auto", "cpu"):
            from generate.models.devices import choose_device  # only torch knows what else is there

            if problem := _refusal(choose_device, settings.device):
                self.notes.append(
                    f"The device {_plain(settings.device)} and its number format {settings.dtype} are not taken over: "
                    f"{problem}. Expect pixels that differ a little."
                )
                self.settings = replace(self.settings, device=self.base.device, dtype=self.base.dtype)
        if settings.compiled:
            from generate.models.devices import require_compiler

            if problem := _refusal(require_compiler, self.settings.device):
                self.notes.append(
                    f"The U-Net is not compiled as it was: {problem}. Expect pixels that differ a little."
                )
                self.settings = replace(self.settings, compiled=self.base.compiled)

    def check_origin(self) -> None:
        """What no setting can bring back."""
        mark = self.parameters.mark
        if self.parameters.is_ours and self.parameters.settings is None:
            self.notes.append(
                "An older Twinseed made the picture, which did not write everything down: clip skip, VAE, long "
                "prompts, number format and device may have been others."
            )
        if mark is not None and mark.given_up:
            self.notes.append(
                f"When it was made, memory or number formats ran short: {', '.join(map(_plain, mark.given_up))}. "
                "Where they do not, expect pixels that differ a little."
            )
        libraries = mark.libraries if mark is not None else {}
        others = [f"{name} {_plain(then)}" for name, then in libraries.items() if _is_another(name, then)]
        if others:
            self.notes.append(
                f"It was made with {' and '.join(others)}, and other versions are here: "
                "expect pixels that differ a little."
            )
        if unread := self.parameters.unread:
            more = f" and {len(unread) - _MOST_NAMED} more" if len(unread) > _MOST_NAMED else ""
            named = ", ".join(map(_plain, unread[:_MOST_NAMED]))
            self.notes.append(f"It says more that means nothing here: {named}{more}.")

    def without_left_out(self, prompt: str) -> str:
        """The prompt without the mentions of LoRAs that are not here, with which nothing could be rendered."""
        for name in self.left_out:
            prompt = re.sub(rf"<\s*(?i:lora|lyco)\s*:\s*{re.escape(name)}\s*(:[^<>]*)?>", "", prompt)
        return prompt

    def _check_embeddings(self) -> None:
        said = self.parameters
        for name, digest in said.embeddings.items():
            path, problem = _part("embedding", name)
            what = f"The textual inversion {_plain(name)}"
            if problem:
                self.notes.append(f"{what} is read as plain words: {problem}.")
            elif path is not None and said.is_ours and digest != digest_of_file(path):
                self.notes.append(f"{what} is another file here than the picture was made with.")
        if said.mark is not None and said.mark.prompts is not None:
            for name in embeddings_in(*asdict(said.mark.prompts).values()):
                if name not in said.embeddings:
                    self.notes.append(f"{_plain(name)} is a textual inversion here, and was read as plain words then.")

    def _check_weights(self, model: Path, vae: Path | None) -> None:
        """Whether they are those that the picture was made with, where it says which."""
        said = self.parameters
        wanted = said.model_hash or "" if said.mark is None else said.mark.model_digest
        if not _DIGITS.fullmatch(wanted) or not (said.is_ours or model.is_file()):
            return  # other programs' hashes of folders, and older ones, are of another kind
        here = digest_of_weights(model, vae if said.is_ours else None)
        if not here.startswith(wanted):
            named = _plain(said.model)
            if said.is_ours and said.vae is not None:
                named += f" with the VAE {_plain(said.vae)}"
            self.notes.append(
                f"The model {named} has other weights here ({here[:10]}) than the picture was made with "
                f"({wanted[:10]}): expect another picture."
            )


def _plain(name: str | None) -> str:
    """A name out of a picture, which anybody may have written, fit to be shown."""
    text = shown(name or "")
    return text if text.endswith("...") else text[1:-1]


def _found(find: Callable[..., ModelName], name: str | None, what: str) -> tuple[ModelName | None, str]:
    """What the picture means, with its folder or file on this machine; or why there is none."""
    if name is None:
        return None, ""
    try:
        require_plain_name(what, name)
        found = find(name, allow_pickle=True)  # whether one may be opened is decided when it is
        return replace(found, path=found.path or _fetched(found)), ""
    except ModelError as problem:
        return None, problem.message


def _part(what: str, name: str) -> tuple[Path | None, str]:
    """The file of a LoRA or a textual inversion on this machine; or why there is none."""
    try:
        found = find_part(what, name, allow_pickle=True)
        if found.path is not None:
            return found.path, ""
        files = sorted(_fetched(found).glob(hub_file(name)[1] or "*.safetensors"))
        return (
            (files[0], "")
            if len(files) == 1
            else (None, "its file is not on this machine, and a picture has nothing fetched")
        )
    except ModelError as problem:
        return None, problem.message


def _fetched(found: ModelName) -> Path:
    """What was fetched from the hub before. Raises `ModelError` where nothing was."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(hub_id(found), revision=found.revision, local_files_only=True))
    except Exception as error:  # the library raises a dozen kinds
        raise ModelError(
            "{name} is not on this machine, and a picture has nothing fetched", hint="name it yourself", name=found.name
        ) from error


def _refusal(require: Callable[[str], object], device: str) -> str:
    try:
        require(device)
    except SettingsError as problem:
        return problem.message
    return ""


def _is_another(library: str, then: str) -> bool:
    """Whether a library that computes pixels is here in another version."""
    if library not in ("torch", "diffusers", "transformers"):
        return False
    try:
        return version(library) != then
    except PackageNotFoundError:
        return True
