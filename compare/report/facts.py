"""The report's sections of facts: certificate, how the prompts came about, settings, the command to repeat it."""

from __future__ import annotations

import json
import shlex
from typing import Any

from compare.report.blocks import Code, Facts, Seal, Section, Value
from compare.runs.record import Record


def certificate_section(record: Record, t: dict[str, Any]) -> Section:
    """Was everything but the prompt held equal, and the proof of it."""
    certificate, said = record.certificate, t["certificate"]
    if certificate.holds:
        seal = Seal(True, (said["holds"],), said["holds_about"])
    else:
        verdicts = () if certificate.same_seed else (said["other_seed"],)
        if certificate.offences:
            verdicts += (said["differs"].format(names=", ".join(certificate.offences)),)
        seal = Seal(False, verdicts, said["fails_about"])
    rows: list[tuple[str, tuple[Value, ...]]] = []
    for seed, latents in certificate.latents_sha256.items():
        if latents["simple"] == latents["expanded"]:
            values: tuple[Value, ...] = (Value(latents["simple"], "code"), Value(said["noise_same"], "remark"))
        else:
            values = tuple(
                value
                for arm in ("simple", "expanded")
                for value in (Value(t["short_arm"][arm], "remark"), Value(getattr(latents, arm), "code"))
            )
        rows.append((said["noise"].format(seed=seed), values))
    rows += [
        (said["scheduler"], (Value(certificate.scheduler.class_name),)),
        (said["evaluations"], (Value(str(certificate.evaluations)),)),
        (said["batch"], (Value(" × ".join(map(str, certificate.batch_shape))),)),
    ]
    if certificate.context:
        context = t["joint"].join(
            f"{said['arm'].get(name, name)} {count}" for name, count in certificate.context.items()
        )
        rows.append((said["context"], (Value(context),)))
    for name, digest in certificate.adapters.items():
        rows.append((said["adapter"].format(name=name), (Value(digest, "code"),)))
    for seed, given_up in certificate.given_up.items():
        rows.append((said["given_up"].format(seed=seed), (Value("; ".join(given_up)),)))
    for seed, floor in certificate.noise_floor.items():
        is_ = said["noise_floor_is"].format(
            mean=f"{100 * floor.mean_absolute_difference:.4f}", largest=floor.largest_difference
        )
        rows.append((said["noise_floor"].format(seed=seed), (Value(is_),)))
    rows += [
        (said["machine"], (Value(f"{certificate.device}, {certificate.dtype}"),)),
        (said["model"], (Value(certificate.model_digest, "code"),)),
        (said["digest"], (Value(record.settings.digest, "code"),)),
    ]
    config = json.dumps(certificate.scheduler.config, indent=2, ensure_ascii=False, sort_keys=True)
    return Section("certificate", said["title"], (), (seal, Facts(tuple(rows)), Code(config, said["config"])))


def prompts_section(record: Record, t: dict[str, Any]) -> Section:
    """Who expanded the prompts, and what became of the concept."""
    prompts, said = record.prompts, t["prompts"]
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
    if prompts.warnings:
        rows.append((said["warnings"], tuple(Value(warning, "line") for warning in prompts.warnings)))
    return Section("prompts", said["title"], (about,) if about else (), (Facts(tuple(rows)),))


def _part(word: str, said: dict[str, Any]) -> str:
    """ "subject: dog" with the kind of part in the reader's language; other words as they are."""
    kind, separator, words = word.partition(": ")
    if not separator or kind not in said["parts"]:
        return word
    return str(said["part"]).format(part=said["parts"][kind], words=words)


def settings_section(record: Record, t: dict[str, Any]) -> Section:
    """The settings that both pictures share."""
    settings, said = record.settings, t["settings"]
    rows = [
        ("model", settings.model),
        ("scheduler", settings.scheduler),
        ("steps", str(settings.num_inference_steps)),
        ("guidance", f"{settings.guidance_scale:g}"),
        ("size", said["size_of"].format(width=settings.width, height=settings.height)),
        ("seed", str(settings.seed)),
        ("images", str(len(record.seeds))),
        ("device", settings.device),
        ("dtype", settings.dtype),
        ("preset", record.request.preset or ""),
        ("styles", ", ".join(record.request.styles)),
    ]
    facts = tuple((said[name], (Value(text),)) for name, text in rows if text)
    return Section("settings", said["title"], (), (Facts(facts),))


def repeat_section(record: Record, t: dict[str, Any]) -> Section:
    """The command line that makes the run again."""
    command = [shlex.quote(word) for word in repeat_words(record)]
    code = Code(" ".join(command), words=tuple(command))
    about = (t["repeat"]["about"], *((t["repeat"]["observations"],) if record.observations else ()))
    return Section("repeat", t["repeat"]["title"], about, (code,))


def repeat_words(record: Record) -> list[str]:
    """The words of the command line that makes the same run again; `shlex.join` makes one line of them.

    It gives the prompts as they are, so that no expander has to be asked again, and names the instruments whose
    findings are there. Observations are not in it.
    """
    prompts, settings = record.prompts, record.settings
    options = {
        "--simple": prompts.simple,
        "--expanded": prompts.expanded,
        **({"--negative": prompts.negative} if prompts.negative else {}),
        "--model": settings.model,
        "--scheduler": settings.scheduler,
        "--steps": str(settings.num_inference_steps),
        "--guidance": f"{settings.guidance_scale:g}",
        "--size": f"{settings.width}x{settings.height}",
        "--seed": str(settings.seed),
        "--images": str(len(record.seeds)),
        **({"--tokens": "chunk"} if settings.long_prompts == "chunk" else {}),
        **({"--vae": settings.vae} if settings.vae is not None else {}),
        **({"--clip-skip": str(settings.clip_skip)} if settings.clip_skip else {}),
    }
    words = [word for option in options.items() for word in option]
    for adapter in settings.adapters:
        words += ["--lora", f"{adapter.name}:{adapter.text_encoder:g}:{adapter.unet:g}"]
    if settings.fast:
        words.append("--fast")
    instruments = list(record.findings.results) if record.findings is not None else []
    if instruments:
        words += ["--with", ",".join(instruments)]
    return ["twinseed", "pair", *words, "--", record.concept.text]
