"""The report's sections of facts: certificate, how the prompts came about, settings, the command to repeat it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from compare.instruments.scores import UnknownRecord
from compare.report.blocks import Code, Facts, Seal, Section, Value
from compare.runs.record import Record
from generate.picture import ARMS, Arm, Certificate
from generate.settings import RenderSettings
from ideation import AdapterMention, PromptPair, told
from templates import Language


def certificate_section(certificate: Certificate, settings: RenderSettings, t: dict[str, Any]) -> Section:
    """Was everything but the prompt held equal, and the proof of it."""
    said = t["certificate"]
    if certificate.holds:
        alike = "" if certificate.differs else "_alike"
        seal = Seal(True, (said[f"holds{alike}"],), said[f"holds{alike}_about"])
    else:
        verdicts = () if certificate.same_seed else (said["other_seed"],)
        if certificate.offences:
            verdicts += (said["differs"].format(names=offences_text(certificate, t)),)
        seal = Seal(False, verdicts, said["fails_about"])
    rows: list[tuple[str, tuple[Value, ...]]] = []
    for seed, latents in certificate.latents_sha256.items():
        if latents["simple"] == latents["expanded"]:
            values: tuple[Value, ...] = (Value(latents["simple"], "code"), Value(said["noise_same"], "remark"))
        else:
            values = tuple(
                value for arm in ARMS for value in (Value(t["short_arm"][arm], "remark"), Value(latents[arm], "code"))
            )
        rows.append((said["noise"].format(seed=seed), values))
    way = said["in_turn"] if certificate.inputs else said
    rows += [
        (said["scheduler"], (Value(certificate.scheduler.class_name),)),
        (way["evaluations"], (Value(str(certificate.evaluations)),)),
        (way["batch"], (Value(" × ".join(map(str, certificate.batch_shape))),)),
    ]
    for seed, seeds in certificate.batches.items():
        others = t["joint"].join(str(one) for one in seeds if one != seed)
        rows.append((said["together"].format(seed=seed), (Value(others or said["alone"]),)))
    if certificate.context:
        context = t["joint"].join(
            f"{said['arm'].get(name, name)} {count}" for name, count in certificate.context.items()
        )
        rows.append((way["context"], (Value(context),)))
    if certificate.arguments:
        given = ", ".join(f"{name}={value}" for name, value in certificate.arguments.items())
        rows.append((said["in_turn"]["arguments"], (Value(given, "code"),)))
    for seed, inputs in certificate.inputs.items():
        rows.append((said["in_turn"]["inputs"].format(seed=seed), tuple(_inputs(inputs, said["in_turn"]))))
    for name, digest in certificate.adapters.items():
        make = certificate.makes.get(name)  # records of old do not tell
        told = said["adapter"] if make is None else said["adapter_of_make"]
        rows.append((told.format(name=name, make=make), (Value(digest, "code"),)))
    for seed, given_up in certificate.given_up.items():
        rows.append((said["given_up"].format(seed=seed), (Value(_means(given_up, t)),)))
    for seed, floor in certificate.noise_floor.items():
        is_ = said["noise_floor_is"].format(
            mean=f"{100 * floor.mean_absolute_difference:.4f}", largest=floor.largest_difference
        )
        rows.append((said["noise_floor"].format(seed=seed), (Value(is_),)))
    rows += [
        (said["machine"], (Value(f"{certificate.device}, {certificate.dtype}"),)),
        (said["model"], (Value(certificate.model_digest, "code"),)),
        (said["digest"], (Value(settings.digest, "code"),)),
    ]
    config = json.dumps(certificate.scheduler.config, indent=2, ensure_ascii=False, sort_keys=True)
    return Section("certificate", said["title"], (), (seal, Facts(tuple(rows)), Code(config, said["config"])))


def _inputs(inputs: Mapping[str, Mapping[Arm, str]], said: dict[str, Any]) -> Iterator[Value]:
    """What the denoiser was given at its first step, by what was equal for both arms and what was not."""
    equal = [name for name, arms in inputs.items() if arms.get("simple") == arms.get("expanded")]
    for key, names in (("equal", equal), ("unequal", [name for name in inputs if name not in equal])):
        if names:
            yield Value(said[key], "remark")
            yield Value(", ".join(names), "code")


def offences_text(certificate: Certificate, t: dict[str, Any]) -> str:
    """What differs between the arms although only the prompt may, in the reader's language where that has words."""
    named, settings = t["certificate"]["offences"], t["settings"]["names"]
    return str(t["joint"].join(named.get(one, settings.get(one, one)) for one in certificate.offences))


def prompts_section(
    prompts: PromptPair, unknown: UnknownRecord | None, t: dict[str, Any], language: Language
) -> Section:
    """Who expanded the prompts, what became of the concept, and what of it is `unknown` to the model or the judge."""
    said = t["prompts"]
    by = [Value(said["expanders"].get(prompts.expander, prompts.expander))]
    if prompts.llm_model:
        by.append(Value(prompts.llm_model, "code"))
    counts = said["token_counts"].format(
        simple=prompts.tokens.simple, expanded=prompts.tokens.expanded, limit=prompts.tokens.limit
    )
    nothing = (Value(said["nothing"]),)
    # Whatever was typed as it is was never turned into anything.
    foreign = prompts.language not in ("en", "und") and prompts.expander != "given"
    about = said["translated"].format(name=" ".join(value.text for value in by)) if foreign else ""
    rows = [
        (said["by"], tuple(by)),
        (said["language"], (Value(prompts.language),)),
        (said["tokens"], (Value(counts),)),
        (said["negative"], (Value(prompts.negative or said["no_negative"]),)),
        (said["kept"], tuple(Value(_part(word, said), "kept") for word in prompts.kept) or nothing),
        (said["lost"], tuple(Value(_part(word, said), "lost") for word in prompts.lost) or nothing),
    ]
    if unknown is not None:
        rows.append((said["unlearnt"][unknown.to], tuple(Value(word, "lost") for word in unknown.words)))
    if prompts.tokens.unread:
        rows.append((said["unread"], tuple(Value(_part(word, said), "lost") for word in prompts.tokens.unread)))
    if prompts.warnings:
        rows.append((said["warnings"], tuple(Value(told(warning, language), "line") for warning in prompts.warnings)))
    return Section("prompts", said["title"], (about,) if about else (), (Facts(tuple(rows)),))


def _part(word: str, said: dict[str, Any]) -> str:
    """ "subject: dog" with the kind of part in the reader's language; other words as they are."""
    kind, separator, words = word.partition(": ")
    if not separator or kind not in said["parts"]:
        return word
    return str(said["part"]).format(part=said["parts"][kind], words=words)


def settings_section(record: Record, t: dict[str, Any]) -> Section:
    """The settings that both pictures share, everything that changes their pixels among them, and what was chosen.

    Every field of `RenderSettings` has its row; what nobody turned on is left out.
    """
    said, settings, certificate = t["settings"], record.settings, record.certificate
    told = {field.name: _told(field.name, settings, t) for field in fields(settings)}
    loras = {one.name for one in settings.adapters}
    smaller = {seed: _means(given_up, t) for seed, given_up in certificate.given_up.items()}
    told |= {
        "inversions": t["joint"].join(name for name in certificate.adapters if name not in loras),
        "given_up": "; ".join(said["of_seed"].format(seed=seed, what=what) for seed, what in smaller.items()),
        "preset": record.request.preset or "",
        "styles": t["joint"].join(record.request.styles),
    }
    facts = tuple((said["names"][name], (Value(text),)) for name, text in told.items() if text)
    return Section("settings", said["title"], (), (Facts(facts),))


def _told(name: str, settings: RenderSettings, t: dict[str, Any]) -> str:
    """A field of the settings as text, "" for what nobody turned on."""
    said, value = t["settings"], getattr(settings, name)
    match name:
        case "width":
            return str(said["size_of"]).format(width=settings.width, height=settings.height)
        case "height":  # stands with the width
            return ""
        case "guidance_scale":
            return f"{value:.12g}"
        case "adapters":
            return str(t["joint"].join(_adapter(one, said) for one in settings.adapters))
        case "long_prompts":
            return str(said["chunked"]) if value == "chunk" else ""
        case "clip_skip":
            return str(said["layers"]).format(number=value) if value else ""
    if isinstance(value, bool):
        return str(said["on"]) if value else ""
    return "" if value is None else str(value)


def _adapter(adapter: AdapterMention, said: dict[str, Any]) -> str:
    """A LoRA with its weight, or both where they differ."""
    key = "weight" if adapter.unet == adapter.text_encoder else "weights"
    return str(said[key]).format(
        name=adapter.name, unet=f"{adapter.unet:.12g}", text_encoder=f"{adapter.text_encoder:.12g}"
    )


def _means(given_up: Sequence[str], t: dict[str, Any]) -> str:
    """What had to be given up, in the reader's language where that has words for it."""
    return str(t["joint"].join(t["means"].get(one, one) for one in given_up))


def repeat_section(record: Record, t: dict[str, Any]) -> Section:
    """The command line that makes the run again."""
    words = tuple(shlex.quote(word) for word in record.repeat_command())
    about = (t["repeat"]["about"], *((t["repeat"]["observations"],) if record.observations else ()))
    return Section("repeat", t["repeat"]["title"], about, (Code(" ".join(words), words=words),))
