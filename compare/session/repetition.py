"""The repetition: rendering the pictures of a record again, whether it can be done here, and what to expect of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce

from compare.instruments import Examination, ExaminationStopped, Findings
from compare.instruments.scores import ClipRecord
from compare.runs.record import Record
from compare.runs.run import Run
from compare.session.examining import look
from compare.session.kept_open import KeptOpen
from compare.session.preparation import load_extras
from compare.session.progress import OnProgress, Progress
from generate.choices import earlier_clip, earlier_family
from generate.files import without_folder
from generate.models import (
    OpenModel,
    choose_device,
    find_model,
    find_part,
    find_vae,
    hub_file,
    hub_id,
    require_plain_name,
)
from generate.models.catalog import ModelName
from generate.models.opening.memory_mode import MODE_WORDS
from generate.picture import PicturePair
from generate.render.libraries import library_versions
from generate.render.numerics import numerics_of
from generate.render.pair import render_pair
from generate.settings import RenderSettings, SettingsError
from ideation import Clause, TwinseedError

#: Of the libraries, those that compute something.
_COMPUTE = ("torch", "diffusers", "transformers", "numpy")


class NotHere(TwinseedError):
    """What made the pictures of a record is not on this machine: nothing can be rendered again."""


@dataclass(frozen=True)
class Expectation:
    """What rendering again can give here. `exact`: the same device, number format and libraries made the pictures, so
    that they are equal but for the rounding of another processor; `close`: equal but for rounding. Neither: alike.

    `words` say it, with the reasons. `area` is that of a picture, in pictures of the size that the model was made for.
    """

    exact: bool
    close: bool
    words: Clause
    area: float


def require_here(settings: RenderSettings, *, foreign: bool, allow_pickle: bool) -> None:
    """Raises `NotHere` where the model, the VAE or a LoRA is not on this machine; nothing is fetched.

    `foreign` settings are somebody else's: they name things by plain names, and never lead to a place of this machine.
    """
    try:
        for what, name in (("a model", settings.model), *(("a VAE", name) for name in (settings.vae,) if name)):
            if foreign:
                require_plain_name(what, name)
        _require_fetched(find_model(settings.model, allow_pickle=allow_pickle), "model_index.json")
        if settings.vae is not None:
            _require_fetched(find_vae(settings.vae, allow_pickle=allow_pickle), "config.json")
        for lora in settings.adapters:
            _require_fetched(find_part("lora", lora.name), hub_file(lora.name)[1])
    except NotHere:
        raise
    except TwinseedError as error:
        raise NotHere("{error}", hint=error.advice, error=error) from error


def _require_fetched(found: ModelName, file: str | None) -> None:
    if found.kind != "hub":
        return
    from huggingface_hub import try_to_load_from_cache

    if file is None or not isinstance(try_to_load_from_cache(hub_id(found), file, revision=found.revision), str):
        raise NotHere(
            "the model {name} of the hub is not on this machine",
            hint="make a pair with it first, which fetches it",
            name=found.name,
        )


def clip_here(name: str, model: str, environ: Mapping[str, str], *, foreign: bool) -> str:
    """What the CLIP that a record of a `model` calls `name` is opened by here. Raises `NotHere`; nothing is fetched.

    A `foreign` record leads to no folder, but to the one that this machine scores that model's pictures with.
    """
    from generate.clip import default_clip, is_here

    usual = default_clip(model, environ).name
    if usual is not None and name == without_folder(usual):
        name, foreign = usual, False
    if not is_here(name, folders=not foreign):
        raise NotHere(
            "the CLIP {name} is not on this machine",
            hint="TWINSEED_CLIP names the folder of one, and `twinseed pair` fetches one of the hub",
            name=name[:200],
        )
    return name


def settings_here(settings: RenderSettings) -> RenderSettings:
    """The settings for this machine: the same device where there is one, else the best; nothing is compiled, which
    takes minutes. Numbers of a GPU in half precision are worked out whole on a CPU."""
    try:
        device = choose_device(settings.device)
    except SettingsError:
        device = choose_device("auto")
    exactly = device == "cpu" and _kind(settings.device) != "cpu"
    here = replace(settings, device=device, dtype="float32" if exactly else settings.dtype, compiled=False)
    return replace(here, memory=None) if exactly else here  # a GPU's memory is not that of this machine


def expectation(record: Record, model: OpenModel) -> Expectation:
    """What to expect of the open `model`. Raises `NotHere` where its weights are not those that made the pictures."""
    there = record.certificate
    if model.digest != there.model_digest:
        if (family := earlier_family(there.model_digest)) is not None:
            raise NotHere(
                "an older {title} drew these pictures, and its weights are not part of this version of Twinseed",
                hint="the version that made them can render them again; made anew here, they will be other pictures",
                title=family.title,
            )
        raise NotHere(
            "the model {model} has other weights here than those that made the pictures",
            hint="put the file that made them in its place",
            model=record.settings.model,
        )
    reasons = list[Clause]()
    other = (_kind(there.device), there.dtype) != (_kind(model.device), model.dtype)
    if other:
        reasons.append(
            Clause(
                "{device} in {dtype} there, {device_2} in {dtype_2} here",
                device=there.device,
                dtype=there.dtype,
                device_2=model.device,
                dtype_2=model.dtype,
            )
        )
    here = library_versions()
    of_card = numerics_of(model.device, fast=record.settings.fast)
    alike = {name: value for name, value in of_card.items() if name in there.libraries}  # records of before lack them
    for name, now in ({name: here[name] for name in _COMPUTE} | alike).items():
        if there.libraries.get(name) != now:
            was = there.libraries.get(name, "?")
            reasons.append(Clause("{name} {was} there, {here} here", name=name, was=was, here=now))
    if "torch.compile" in there.libraries:
        reasons.append(Clause("compiled there, not here"))
    given_up = {words for words_of_seed in there.given_up.values() for words in words_of_seed}
    if given_up - {MODE_WORDS.get(model.memory_mode)}:  # what was asked for is done here as well
        reasons.append(Clause("memory was short there"))
    width, height = model.native_size
    area = (record.settings.width or width) * (record.settings.height or height) / (width * height)
    if not reasons:
        same = Clause(
            "the same device, number format and libraries made the pictures: expect equal ones, bit for bit on the "
            "same processor, and but for rounding on another"
        )
        return Expectation(True, True, same, area)
    why = reduce(lambda first, rest: Clause("{first}; {rest}", first=first, rest=rest), reasons)
    if other:
        return Expectation(False, False, Clause("expect pictures that look alike, no equal ones: {why}", why=why), area)
    return Expectation(False, True, Clause("expect equal pictures but for rounding: {why}", why=why), area)


def render_again(
    record: Record, seed: int, kept: KeptOpen, *, noise_floor: bool, allow_pickle: bool, on_progress: OnProgress
) -> PicturePair:
    """The pair of one seed as the record says that it was made. Raises as `Session.verify` does."""
    settings = settings_here(replace(record.settings, seed=seed, images=1))
    model = kept.model(settings, allow_pickle, on_progress)
    load_extras(model, settings, record.prompts, allow_pickle=allow_pickle)
    return render_pair(
        record.prompts,
        settings,
        model,
        noise_floor=noise_floor,
        on_step=lambda step: on_progress(Progress("render", step=step)),
        together=record.certificate.batch_of(seed),
    )


def measure_again(
    run: Run, scorer: ClipRecord, kept: KeptOpen, *, foreign: bool, allow_pickle: bool, on_progress: OnProgress
) -> Findings:
    """What the CLIP named `scorer` finds in the pictures of the run. Raises as `Session.measure` does."""
    record = run.record
    settings = settings_here(record.settings)
    model = kept.model(settings, allow_pickle, on_progress)
    load_extras(model, settings, record.prompts, allow_pickle=allow_pickle)
    name = clip_here(scorer.name, settings.model, kept.environ, foreign=foreign)
    context, _ = kept.context(run, Examination(name), model)
    if context.clip is None or context.clip.digest != scorer.digest:
        if (family := earlier_clip(scorer.digest)) is not None:
            raise NotHere(
                "an older CLIP of {title}'s scored these pictures, and it is not part of this version of Twinseed",
                hint="the version that scored them can do it again",
                title=family.title,
            )
        raise NotHere(
            "the CLIP {name} has other weights here than those that scored",
            hint="put the files that scored in its place",
            name=scorer.name,
        )
    try:
        return look(context, Examination(name), on_progress)
    except ExaminationStopped as stopped:
        raise stopped.reason from stopped


def _kind(device: str) -> str:
    """ "cuda" of "cuda:1"."""
    return device.partition(":")[0]
