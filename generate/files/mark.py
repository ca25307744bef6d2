"""The mark: the picture's own text, as JSON: whose twin it is, and all that made the two of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic_core import PydanticSerializationError

from generate.choices.styles import StyledPrompts
from generate.files.infotext import PictureError, require_readable
from generate.files.png import pixels_sha256
from generate.picture import Arm, PicturePair
from generate.settings import RenderSettings, SettingsError
from ideation import Clause, PromptPair
from ideation.files import Seed, Sha256, StrictModel, complaint_of, interruptible

_SETTINGS = TypeAdapter(RenderSettings)


class TwinseedMark(StrictModel):
    """What the text `twinseed` of a picture holds.

    `pair` is the same for both pictures of a pair and for no other (see `pair_of`). `partner_pixels_sha256` is that of
    the other picture's RGB bytes, row by row, as in the record. A picture that an instrument made beside a pair is
    nobody's twin: it has none of `pair`, `arm`, `partner_pixels_sha256` and `prompts`.

    `settings` are those of this seed alone, as the picture was rendered with them: one image, nothing open, no folder
    of its maker's. `prompts` are those of both arms, styles and all. `adapters` are the LoRAs and textual inversions
    that were in the model, with the SHA-256 of their files; `given_up` is what memory or number formats did not allow
    for this seed. Version 1 had neither these nor `libraries`, and its `settings_digest` was of all seeds together.
    """

    version: Literal[1, 2] = 2
    pair: Sha256 | None = None
    arm: Arm | None = None
    seed: Seed
    partner_pixels_sha256: Sha256 | None = None
    settings_digest: Sha256
    model_digest: str
    settings: RenderSettings | None = None
    prompts: StyledPrompts | None = None
    adapters: dict[str, Sha256] = Field(default_factory=dict)
    given_up: tuple[str, ...] = ()
    libraries: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> TwinseedMark:
        twin = [part is None for part in (self.pair, self.arm, self.partner_pixels_sha256)]
        if self.version == 1:
            if any(twin) or self.settings or self.prompts:
                raise ValueError("version 1 names the twin, and not how the two were made")
            return self
        if len({*twin, self.prompts is None}) > 1:
            raise ValueError("it names a twin and not all of it")
        if self.settings is None:
            raise ValueError("it does not say how the picture was made")
        if (self.settings.seed, self.settings.images) != (self.seed, 1):
            raise ValueError("the settings are those of another seed")
        if self.settings.digest != self.settings_digest:
            raise ValueError("the settings are not those of the digest")
        return self

    def to_text(self) -> str:
        """The text, which `mark_of_text` reads back equal. Raises `PictureError` for one that nobody would read."""
        try:
            text = self.model_dump_json(exclude={name for name, value in self if value is None})
        except PydanticSerializationError as error:
            raise PictureError("a prompt contains half a character", hint="take it out of the prompt") from error
        require_readable(text)
        return text


def mark_of_text(text: str, name: str) -> TwinseedMark:
    """The mark in a picture's text; errors call the picture `name`. Raises `PictureError`."""
    try:
        return TwinseedMark.model_validate_json(text)
    except (ValidationError, SettingsError) as error:
        if isinstance(error, SettingsError):
            what: str = Clause("settings: {error}", error=error)
        else:
            what = complaint_of(error, whole="mark")
        raise PictureError(
            "the mark of the pair in {name} cannot be read: {what}",
            hint="a newer Twinseed may have written it: upgrade; or it was changed by hand",
            name=name,
            what=what,
        ) from error


def marks_of_pair(prompts: PromptPair, pair: PicturePair) -> dict[tuple[Arm, int], TwinseedMark]:
    """The marks of the pictures, by arm and seed; both arms of every seed must be there."""
    pixels = {(picture.arm, picture.seed): pixels_sha256(picture.image) for picture in pair.pictures}
    proof = pair.certificate
    marks = {}
    for arm, seed in pixels:
        other: Arm = "expanded" if arm == "simple" else "simple"
        alone = mark_of_settings(pair.settings, seed, proof.model_digest, proof.adapters)
        marks[arm, seed] = alone.model_copy(
            update={
                "pair": pair_of(prompts, pair.settings, seed, proof.model_digest),
                "arm": arm,
                "partner_pixels_sha256": pixels[other, seed],
                "prompts": StyledPrompts(prompts.simple, prompts.expanded, prompts.negative),
                "given_up": proof.given_up.get(seed, ()),
                "libraries": dict(proof.libraries),
            }
        )
    return marks


def mark_of_settings(
    settings: RenderSettings, seed: int, model_digest: str, adapters: Mapping[str, str]
) -> TwinseedMark:
    """The mark of a picture that is nobody's twin."""
    alone = settings_of_seed(settings, seed)
    return TwinseedMark(
        seed=seed,
        settings_digest=alone.digest,
        model_digest=model_digest,
        settings=alone,
        adapters={without_folder(name): digest for name, digest in adapters.items()},
    )


def pair_of(
    prompts: PromptPair, settings: RenderSettings, seed: int, model_digest: str, *, version: Literal[1, 2] = 2
) -> str:
    """SHA-256 of all that makes a pair: rendered again, alone or among other seeds, it has the same name.

    Marks of `version` 1 named a pair otherwise where the model was given by its path: on each machine in its own way.
    """
    alone = (settings_of_seed(settings, seed) if version == 2 else replace(settings, seed=seed, images=1)).digest
    made_of = [prompts.simple, prompts.expanded, prompts.negative, alone, model_digest]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def settings_of_seed(settings: RenderSettings, seed: int) -> RenderSettings:
    """The settings of one seed of several, as its pictures tell them: without the folders that its maker keeps models
    in, and with every number as JSON gives it back, so that they have one digest wherever they are read.

    >>> settings_of_seed(RenderSettings(model="/home/me/models/mine", seed=7, images=3, guidance_scale=5), 8)
    RenderSettings(model='mine', ... guidance_scale=5.0, ... seed=8, images=1, ...)
    """
    alone = replace(settings_without_folders(settings), seed=seed, images=1)
    with interruptible():
        return _SETTINGS.validate_json(_SETTINGS.dump_json(alone))


def settings_without_folders(settings: RenderSettings) -> RenderSettings:
    """The settings with the model, VAE and LoRAs by their names alone, where they were given by their paths."""
    return replace(
        settings,
        model=without_folder(settings.model),
        vae=None if settings.vae is None else without_folder(settings.vae),
        adapters=tuple(replace(one, name=without_folder(one.name)) for one in settings.adapters),
    )


def without_folder(name: str) -> str:
    """What is passed on of a name that may be a path: where its maker keeps their models is nobody's business. Names
    in the models folder and on the hub stay whole.

    >>> [without_folder(name) for name in ("/home/me/mine", r"C:\\me\\mine.ckpt", "owner/name@main")]
    ['mine', 'mine.ckpt', 'owner/name@main']
    """
    path = Path(name)
    if path.is_absolute() or name.startswith(("~", ".")):
        return path.name or name
    there = PureWindowsPath(name)
    return there.name or name if there.is_absolute() else name
