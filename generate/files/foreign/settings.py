"""Foreign settings: what another program wrote into a picture, whatever it calls things, checked value by value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError
from pydantic_core import from_json

from generate.files.infotext import PictureError
from ideation import Clause

_MOST_SHOWN = 60
#: What stands where a value is missing, in languages that have a word for it.
_NOTHING = {"", "undefined", "null", "none", "nan"}
_SWITCHED_OFF = _NOTHING | {"false", "disabled", "off", "0", "0.0"}


def _number(value: object) -> object:
    """Digits in a string, and whole numbers with a point, as numbers."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,20}(\.0{1,20})?", value):
        return int(value.partition(".")[0])
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _within_64_bits(value: int) -> int:
    if value >= 2**64:
        raise ValueError("it should be less than 2**64")
    return value


def _decimal(value: object) -> object:
    number = r"-?[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?"
    return float(value) if isinstance(value, str) and re.fullmatch(number, value, re.IGNORECASE) else value


def _size(value: object) -> object:
    """Width and height, as 512x768, 512 × 768, (512, 768), [512, 768]."""
    if isinstance(value, list):
        return tuple(value)
    found = (
        re.fullmatch(r"\(?([0-9]{1,6})\s*[x×*,]\s*([0-9]{1,6})\)?", value.strip(), re.IGNORECASE)
        if (isinstance(value, str))
        else None
    )
    return (int(found[1]), int(found[2])) if found else value


Whole = Annotated[int, BeforeValidator(_number), Field(strict=True, ge=0), AfterValidator(_within_64_bits)]
Decimal = Annotated[float, BeforeValidator(_decimal), Field(strict=True, allow_inf_nan=False)]
Size = Annotated[tuple[int, int], BeforeValidator(_size)]


#: What a float can hold, and no setting comes near.
_LARGEST = 2**1000


class ForeignModel(BaseModel):
    """What another program wrote, as far as it is understood; the rest is kept to be named."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, protected_namespaces=())

    @property
    def unread(self) -> dict[str, object]:
        """What is not understood, without what is switched off or empty."""
        return {key: value for key, value in (self.model_extra or {}).items() if value not in (None, "", False, [], {})}


Foreign = TypeVar("Foreign", bound=ForeignModel)


def checked(
    model: type[Foreign], values: Mapping[str, object], tool: str, keys: Mapping[str, str] | None = None
) -> Foreign:
    """The values as `model` has them. Raises `PictureError` naming the value that is not what it should be, by the key
    that it has in the picture where `keys` has it."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str((keys or {}).get(str(part), part)) for part in problem["loc"])
        raise PictureError(
            "the {tool} settings in the picture say {where} = {problem}: {removeprefix}",
            hint="they were changed or damaged; set the values by hand",
            tool=tool,
            where=where,
            problem=shown(problem["input"]),
            removeprefix=problem["msg"].removeprefix("Value error, "),
        ) from error


def json_object(text: str, tool: str) -> dict[str, JsonValue]:
    """The object whose JSON is `text`. Raises `PictureError`, also for what is nested without end."""
    try:
        found = from_json(text.encode())
    except ValueError as error:
        raise PictureError(
            "the {tool} settings in the picture are not JSON: {error}",
            hint="they were changed or damaged; set the values by hand",
            tool=tool,
            error=error,
        ) from error
    if not isinstance(found, dict):
        raise PictureError(
            "the {tool} settings in the picture are not a JSON object, but {found}",
            hint="they were changed or damaged; set the values by hand",
            tool=tool,
            found=shown(found),
        )
    return found


def shown(value: object) -> str:
    """A value from outside as an error can show it: short, on one line, without control characters."""
    text = ascii(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}..."


def plain(value: object) -> str:
    """The same for a name within a sentence: without the quotation marks of a text."""
    text = shown(value)
    return text[1:-1] if isinstance(value, str) and not text.endswith("...") else text


def folded(key: str) -> str:
    """A key as it is compared: "CFG Scale", "cfg_scale" and "cfgScale" are one."""
    return re.sub(r"[\W_]+", "", key.casefold())


def is_number(value: object) -> bool:
    """Whether it is a number, which True, NaN, and what is too large for arithmetic are not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def says_nothing(value: object) -> bool:
    """Whether the value stands for none at all: null, NaN, "undefined"."""
    if isinstance(value, str):
        return value.strip().casefold() in _NOTHING | {"undefinedxundefined", "nullxnull", "nanxnan", "nonexnone"}
    return value is None or (isinstance(value, float) and value != value)


# ---- what had a part in a picture and has no counterpart here


@dataclass(frozen=True)
class _Beyond:
    """A kind of making a picture that is not done here: `keys` says by which keys it is known, `details` what else
    belongs to it, both as patterns for folded keys."""

    kind: str
    keys: str
    details: str = ""


_STRENGTH = "denois.*|strength|initimagecreativity"
_KINDS = (
    _Beyond("hires", "hires.*|highres.*|hrf.*|latentupscale.*|refinerupscale", _STRENGTH),
    _Beyond("inpainting", "(init)?mask.*|inpaint.*|outpaint.*", _STRENGTH),
    _Beyond("img2img", f"{_STRENGTH}|initim(age|g).*|sourceimage.*|img2img.*|sdupscale.*"),
    _Beyond("guide", "controlnets?[0-9]*|controlnet.*|(ip|t2i)adapters?.*|loadedcontrolnet.*|controlmodel.*"),
    _Beyond("refiner", "refiner|refiner(model|checkpoint).*", "refiner.*"),
    _Beyond("detail", "adetailer.*|.*facedetailer.*|facerestor.*|restorefaces|facetool.*|usefacecorrection|gfpgan.*"),
    _Beyond("variation", "(variation|sub)seedstrength|variationamount|(with)?variations", "variation.*|subseed.*"),
)


def beyond_of(unread: Mapping[str, object]) -> tuple[tuple[Clause, ...], tuple[str, ...]]:
    """Sentences about what had a part in the picture and is not done here, one for each kind, and the keys that are
    left, which mean nothing here."""
    left = {key: value for key, value in unread.items() if not says_nothing(value)}
    sentences = []
    for kind in _KINDS:
        known = {key: value for key, value in left.items() if re.fullmatch(kind.keys, folded(key))}
        more = {key: value for key, value in left.items() if re.fullmatch(kind.details or "-", folded(key))}
        named = known | more
        is_off = all(_is_off(value, key) for key, value in known.items()) or any(
            _is_off(value, key) for key, value in known.items() if folded(key).endswith("enabled")
        )
        if known and is_off:
            left = {key: value for key, value in left.items() if key not in known}
        elif known:
            left = {key: value for key, value in left.items() if key not in named}
            sentences.append(
                beyond_sentence(kind.kind, ", ".join(f"{plain(key)}: {plain(named[key])}" for key in named))
            )
    return tuple(sentences), tuple(left)


def _is_off(value: object, key: str) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        full = value == 1 and re.fullmatch(_STRENGTH, folded(key)) is not None  # all of it is made of noise
        return value != value or value == 0 or full
    if isinstance(value, str):
        number = (
            re.fullmatch(r"1(\.0+)?", value.strip()) is not None and re.fullmatch(_STRENGTH, folded(key)) is not None
        )
        return number or value.strip().casefold() in _SWITCHED_OFF
    return not value


def beyond_sentence(kind: str, named: str) -> Clause:
    """What is said of a kind of making a picture that is not done here."""
    match kind:
        case "hires":
            return Clause(
                "It was enlarged and drawn over once more (hires fix; {named}), which is not done here: expect "
                "another, smaller picture.",
                named=named,
            )
        case "inpainting":
            return Clause(
                "Only parts of another picture were drawn anew in it (inpainting; {named}), which is not done here: "
                "all of it is drawn from noise.",
                named=named,
            )
        case "img2img":
            return Clause(
                "It was made from another picture (img2img; {named}), which is not done here: it is drawn from noise "
                "alone.",
                named=named,
            )
        case "guide":
            return Clause("Another picture or a drawing guided it ({named}), which is not done here.", named=named)
        case "refiner":
            return Clause("A second model finished it ({named}), which is not done here.", named=named)
        case "detail":
            return Clause(
                "Faces or other parts were drawn over once more ({named}), which is not done here.", named=named
            )
        case _:
            return Clause(
                "Its noise was mixed with that of another seed ({named}), which is not done here.", named=named
            )


def from_another_picture(named: str, *, in_part: bool = False) -> Clause:
    """The sentence for a picture that began with another one, of which `in_part` only parts were drawn anew."""
    return beyond_sentence("inpainting" if in_part else "img2img", named)
