"""Likeness: all that a new pair takes over from a picture, and in notes whatever it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from generate.files.foreign import loras_of_prompt, shown
from generate.files.local_models import model_here, nearest_found, part_here
from generate.files.parameters import PictureParameters
from generate.models import (
    digest_of_file,
    digest_of_weights,
    embeddings_in,
    find_model,
    find_vae,
    vae_path,
)
from generate.schedulers.table import SCHEDULERS
from generate.settings import RenderSettings, SettingsError
from ideation import Clause, marks_in

_DTYPES = ("auto", "float32", "float16", "bfloat16")
_DIGITS = re.compile("[0-9a-f]{10,64}")
_MOST_NAMED, _MOST_SHOWN = 60, 60
_MOST_LORAS = 100
_WHOLE_DIGEST = 64


@dataclass(frozen=True)
class Likeness:
    """What a pair like a picture is rendered with. `expanded` is None where the picture tells of one prompt alone,
    which is `simple`, but in a picture that is known to be the expanded one of its pair. `without_prompt` says why
    there is neither, where there is neither.

    Every note is a sentence for the user about something that was not taken over, or will not be as it was.
    """

    settings: RenderSettings
    simple: str
    expanded: str | None
    negative: str
    notes: tuple[Clause, ...] = ()
    without_prompt: Clause | None = None


def likeness_of(parameters: PictureParameters, base: RenderSettings) -> Likeness:
    """`base` with all that the picture says, as far as it is on this machine; an own picture says all but `images`.

    Nothing is fetched for it: a model on the hub is taken over where its files are here. Raises `SettingsError` for
    what cannot be rendered here, as a seed past 2**63 or a side that is no multiple of 8.
    """
    _require_few_loras(parameters)
    taken = _Taken(parameters, base, _said(parameters, base), [*parameters.beyond, *parameters.notes])
    taken.check_scheduler()
    taken.check_files()
    taken.check_means()
    taken.check_origin()
    mark = parameters.mark
    prompts = None if mark is None else mark.prompts
    simple, expanded = parameters.prompt, None if prompts is None else prompts.expanded
    if prompts is not None:
        simple = prompts.simple
    elif mark is not None and mark.arm == "expanded":
        simple, expanded = "", parameters.prompt
    simple, negative = map(taken.without_left_out, (simple, parameters.negative_prompt))
    expanded = None if expanded is None else taken.without_left_out(expanded)
    taken.check_noise()
    return Likeness(taken.settings, simple, expanded, negative, tuple(taken.notes), parameters.without_prompt)


def _require_few_loras(parameters: PictureParameters) -> None:
    """Each is looked for on this machine, which takes its time."""
    mentioned = loras_of_prompt(f"{parameters.prompt} {parameters.negative_prompt}")
    names = {lora.name for lora in (*parameters.loras, *mentioned)}
    if len(names) > _MOST_LORAS:
        raise SettingsError(
            "the picture names {count:,} LoRAs; {most} are looked for",
            hint="give its prompt and its settings by hand",
            count=len(names),
            most=_MOST_LORAS,
        )


def _said(parameters: PictureParameters, base: RenderSettings) -> RenderSettings:
    """What the picture says over what it does not, whether it can be had here or not; its LoRAs come when they are
    found."""
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
    }
    return replace(base, **{name: value for name, value in said.items() if value is not None})


@dataclass
class _Taken:
    """The settings while they are checked one after the other; `left_out` are the LoRAs that are not taken over,
    `is_alike` whether a similar picture can be expected so far."""

    parameters: PictureParameters
    base: RenderSettings
    settings: RenderSettings
    notes: list[Clause]
    left_out: set[str] = field(default_factory=set)
    is_alike: bool = True

    def miss(self, note: Clause) -> None:
        """Notes something without which the picture will be another one."""
        self.notes.append(note)
        self.is_alike = False

    def check_scheduler(self) -> None:
        foreign = self.parameters.foreign_scheduler
        if self.parameters.scheduler is None and foreign is not None and self.parameters.settings is None:
            self.miss(
                Clause(
                    "Twinseed has no scheduler that is the same as {foreign!r}: {instead} takes its place.",
                    foreign=foreign[:_MOST_SHOWN],
                    instead=self.base.scheduler,
                )
            )
        if self.settings.scheduler not in SCHEDULERS:
            name = _plain(self.settings.scheduler)
            self.miss(
                Clause(
                    "There is no scheduler {name} here: {instead} takes its place.",
                    name=name,
                    instead=self.base.scheduler,
                )
            )
            self.settings = replace(self.settings, scheduler=self.base.scheduler)

    def check_files(self) -> None:
        """The model, and what belongs to it, which fits no other."""
        said = self.parameters
        name, (model, problem) = nearest_found(said.model, lambda name: model_here(find_model, name, "a model"))
        if said.model is None:
            self.is_alike = False
            if not said.is_ours:
                self.notes.append(Clause("It does not name its model: {instead} is taken.", instead=self.base.model))
        if problem:
            self.miss(
                Clause(
                    "The model {name} is not taken over: {problem}. {instead} takes its place.",
                    name=_plain(said.model),
                    problem=problem,
                    instead=self.base.model,
                )
            )
            belongings = [Clause("VAE {name}", name=_plain(said.vae))] if said.vae is not None else []
            mentioned = () if said.is_ours else loras_of_prompt(f"{said.prompt} {said.negative_prompt}")
            self.left_out = {lora.name for lora in (*said.loras, *mentioned)}
            loras = dict.fromkeys(lora.name for lora in (*said.loras, *mentioned))
            belongings += [Clause("LoRA {name}", name=_plain(name)) for name in loras]
            self.notes += [
                Clause("The {what} is not taken over: it goes with that model.", what=what) for what in belongings
            ]
            self.settings = replace(
                self.settings, model=self.base.model, vae=self.base.vae, adapters=self.base.adapters
            )
            return
        if name is not None:
            self.settings = replace(self.settings, model=name)
        vae_name, (vae, problem) = nearest_found(said.vae, lambda name: model_here(find_vae, name, "a VAE"))
        if problem:
            self.miss(
                Clause(
                    "The VAE {name} is not taken over: {problem}. {instead} takes its place.",
                    name=_plain(said.vae),
                    problem=problem,
                    instead=self.base.vae or Clause("The model's own"),
                )
            )
            self.settings = replace(self.settings, vae=self.base.vae)
        else:
            self.settings = replace(self.settings, vae=self.settings.vae if vae_name is None else vae_name)
            if model is not None and model.path is not None:
                self._check_weights(model.path, model.rest, vae_path(vae) if vae is not None else None)
        self._check_loras()
        self._check_embeddings()

    def _check_loras(self) -> None:
        said = self.parameters
        taken = []
        for lora in said.loras:
            name, (path, problem) = nearest_found(lora.name, lambda name: part_here("lora", name))
            if problem or lora.weight is None:
                why = problem or Clause("nothing says how much it weighs")
                self.miss(Clause("The LoRA {name} is not taken over: {problem}.", name=_plain(lora.name), problem=why))
                self.left_out.add(lora.name)
                continue
            taken.append(lora.mention(name or lora.name))
            if path is not None and _is_another_file(path, lora.hash, said):
                self.miss(
                    Clause(
                        "The LoRA {name} is another file here than the picture was made with.", name=_plain(lora.name)
                    )
                )
        kept = tuple(one for one in self.settings.adapters if one.name not in self.left_out)
        self.settings = replace(
            self.settings, adapters=kept if said.settings is not None or not said.loras else tuple(taken)
        )

    def check_means(self) -> None:
        """What the picture was computed with, where it says so."""
        if self.parameters.settings is None:
            return
        settings = self.settings
        if settings.dtype not in _DTYPES:
            self.notes.append(
                Clause("The number format {name} is not taken over: it is not known here.", name=_plain(settings.dtype))
            )
            self.settings = replace(self.settings, dtype=self.base.dtype)
        if settings.device not in ("auto", "cpu"):
            from generate.models.devices import choose_device  # only torch knows what else is there

            if problem := _refusal(choose_device, settings.device):
                self.notes.append(
                    Clause(
                        "The device {name} and its number format {dtype} are not taken over: {problem}. Expect pixels "
                        "that differ a little.",
                        name=_plain(settings.device),
                        dtype=settings.dtype,
                        problem=problem,
                    )
                )
                self.settings = replace(self.settings, device=self.base.device, dtype=self.base.dtype)
        if settings.compiled:
            from generate.models.devices import require_compiler

            if problem := _refusal(require_compiler, self.settings.device):
                self.notes.append(
                    Clause(
                        "The U-Net is not compiled as it was: {problem}. Expect pixels that differ a little.",
                        problem=problem,
                    )
                )
                self.settings = replace(self.settings, compiled=self.base.compiled)

    def check_origin(self) -> None:
        """What no setting can bring back."""
        mark = self.parameters.mark
        if self.parameters.is_ours and self.parameters.settings is None:
            self.notes.append(
                Clause(
                    "An older Twinseed made the picture, which did not write everything down: clip skip, VAE, long "
                    "prompts, number format and device may have been others."
                )
            )
        if mark is not None and mark.prompts is None and mark.arm == "expanded":
            self.notes.append(
                Clause("It is the expanded picture of its pair, and does not tell what the simple prompt was.")
            )
        if mark is not None and mark.given_up:
            self.notes.append(
                Clause(
                    "When it was made, memory or number formats ran short: {what}. Where they do not, expect pixels "
                    "that differ a little.",
                    what=", ".join(map(_plain, mark.given_up)),
                )
            )
        libraries = mark.libraries if mark is not None else {}
        others = [f"{name} {_plain(then)}" for name, then in libraries.items() if _is_another(name, then)]
        if others:
            self.notes.append(
                Clause(
                    "It was made with {others}, and other versions are here: expect pixels that differ a little.",
                    others=", ".join(others),
                )
            )
        if unread := self.parameters.unread:
            named = ", ".join(map(_plain, unread[:_MOST_NAMED]))
            more = Clause(" and {count} more", count=len(unread) - _MOST_NAMED) if len(unread) > _MOST_NAMED else ""
            self.notes.append(Clause("It says more that means nothing here: {named}{more}.", named=named, more=more))

    def check_noise(self) -> None:
        """What to expect of the same seed, which comes first of all that is said."""
        if (why := self.parameters.without_prompt) is not None:
            self.notes.insert(0, Clause("It gives no prompt, as {why}: say yourself what to draw.", why=why))
        tool, rng = self.parameters.tool, self.parameters.rng
        if self.parameters.is_ours:
            return
        if rng is None and tool in ("AUTOMATIC1111", "Forge"):
            note = Clause(
                "{tool} draws its noise on the graphics card unless RNG: CPU is written, which it is not: the same "
                "seed will not give the same picture here.",
                tool=tool,
            )
        elif rng is None:
            note = Clause(
                "{tool} does not say where it drew its noise: the same seed will not give the same picture here.",
                tool=tool,
            )
        elif rng.upper() != "CPU":
            note = Clause(
                "{tool} drew its noise with RNG: {rng}, Twinseed draws it on the CPU: the same seed will not give the "
                "same picture here.",
                tool=tool,
                rng=_plain(rng),
            )
        elif self.is_alike and not self.parameters.beyond and self.parameters.without_prompt is None:
            note = Clause(
                "{tool} begins with the same noise, but weighs prompts and spaces its steps in its own way: expect a "
                "similar picture, not the same.",
                tool=tool,
            )
        else:
            note = Clause(
                "{tool} begins with the same noise, but not all that made the picture is taken over: expect another "
                "one.",
                tool=tool,
            )
        self.notes.insert(0, note)

    def without_left_out(self, prompt: str) -> str:
        """The prompt without the mentions of LoRAs that are not here, with which nothing could be rendered."""
        if not self.parameters.is_ours:
            known = {lora.name for lora in self.parameters.loras}
            for lora in {lora.name: lora for lora in loras_of_prompt(prompt)}.values():
                problem = "" if lora.name in known | self.left_out else part_here("lora", lora.name)[1]
                if problem:
                    self.miss(
                        Clause("The LoRA {name} is not taken over: {problem}.", name=_plain(lora.name), problem=problem)
                    )
                    self.left_out.add(lora.name)
        kept, position = "", 0
        for mark in marks_in(prompt).all if self.left_out else ():
            if mark.kind == "adapter" and mark.value.partition(":")[0].strip() in self.left_out:
                kept, position = kept + prompt[position : mark.start], mark.end
        return kept + prompt[position:]

    def _check_embeddings(self) -> None:
        said = self.parameters
        for name, digest in said.embeddings.items():
            path, problem = part_here("embedding", name)
            if problem:
                self.miss(
                    Clause(
                        "The textual inversion {name} is read as plain words: {problem}.",
                        name=_plain(name),
                        problem=problem,
                    )
                )
            elif path is not None and said.is_ours and digest != digest_of_file(path):
                self.notes.append(
                    Clause(
                        "The textual inversion {name} is another file here than the picture was made with.",
                        name=_plain(name),
                    )
                )
        if said.mark is not None and said.mark.prompts is not None:
            for name in embeddings_in(*asdict(said.mark.prompts).values()):
                if name not in said.embeddings:
                    self.notes.append(
                        Clause(
                            "{name} is a textual inversion here, and was read as plain words then.", name=_plain(name)
                        )
                    )

    def _check_weights(self, model: Path, rest: Path | None, vae: Path | None) -> None:
        """Whether they are those that the picture was made with, where it says which."""
        said = self.parameters
        wanted = said.model_hash or "" if said.mark is None else said.mark.model_digest
        if not _DIGITS.fullmatch(wanted) or not (said.is_ours or model.is_file()):
            return  # other programs' hashes of folders, and older ones, are of another kind
        here = digest_of_weights(model, vae if said.is_ours else None, rest=rest)
        if not here.startswith(wanted):
            named: str = _plain(said.model)
            if said.is_ours and said.vae is not None:
                named = Clause("{model} with the VAE {vae}", model=named, vae=_plain(said.vae))
            self.miss(
                Clause(
                    "The model {named} has other weights here ({here}) than the picture was made with ({then}): expect "
                    "another picture.",
                    named=named,
                    here=here[:10],
                    then=wanted[:10],
                )
            )


def _plain(name: str | None) -> str:
    """A name out of a picture, which anybody may have written, fit to be shown."""
    text = shown(name or "")
    return text if text.endswith("...") else text[1:-1]


def _is_another_file(path: Path, digest: str | None, said: PictureParameters) -> bool:
    """Whether the file of a LoRA is not the picture's. Other programs' hashes are of several kinds: SHA-256, whole or
    its beginning, says that it is the same, and only a whole one that it is not."""
    if digest is None or not (said.is_ours or len(digest) == _WHOLE_DIGEST):
        return False
    return digest.casefold() != digest_of_file(path)


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
