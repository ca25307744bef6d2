"""The settings in a report: all that changes the pixels, and what was chosen or given up on the way."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from sample_run import sample_certificate, sample_record

from compare.report import sentences
from compare.report.blocks import Facts
from compare.view import report_of
from ideation import AdapterMention
from templates import LANGUAGES, Language

#: Every setting as it is when somebody turned it, and what the report says of it in English. A new field that is not
#: here fails the test below.
TURNED: dict[str, tuple[Any, str]] = {
    "model": ("other", "other"),
    "scheduler": ("Euler a", "Euler a"),
    "num_inference_steps": (31, "31"),
    "guidance_scale": (6.123456789, "6.123456789"),
    "width": (48, "48 × 32 pixels"),
    "height": (48, "32 × 48 pixels"),
    "seed": (9, "9"),
    "images": (2, "2"),
    "device": ("cuda:1", "cuda:1"),
    "dtype": ("bfloat16", "bfloat16"),
    "long_prompts": ("chunk", "read to the end, in chunks"),
    "clip_skip": (2, "2: so many last layers of the text encoder are left out"),
    "vae": ("another-vae", "another-vae"),
    "adapters": (
        (AdapterMention("ink", 0.7, 0.7), AdapterMention("wash", 0.5, 1.25)),
        "ink (weight 0.7), wash (weight 1.25; 0.5 in the text encoder)",
    ),
    "fast": (True, "yes"),
    "compiled": (True, "yes"),
    "max_sequence_length": (128, "128"),
    "memory": ("8GB", "8GB"),
    "pairs_per_batch": (4, "4"),
    "attention_backend": ("_native_flash", "_native_flash"),
}


def settings_of(language: Language, **changes: Any) -> dict[str, str]:
    """The rows of the report's settings."""
    record, files = sample_record(**changes)
    (section,) = (section for section in report_of(record, files, language).sections if section.name == "settings")
    (facts,) = section.blocks
    assert isinstance(facts, Facts)
    return {term: "".join(value.text for value in values) for term, values in facts.rows}


def test_every_setting_that_changes_the_pixels_is_shown() -> None:
    usual = sample_record()[0].settings
    assert set(TURNED) == {field.name for field in fields(usual)}
    for name, (value, said) in TURNED.items():
        here = {"seed": value} if name == "seed" else {"images": value} if name == "images" else {}
        changes = here or {"settings": replace(usual, **{name: value})}
        for language in LANGUAGES:
            names = sentences(language)["report"]["settings"]["names"]
            shown = settings_of(language, **changes)
            label = names["width" if name == "height" else name]
            assert label in shown, (name, language)
            assert language != "en" or shown[label] == said, name
            assert shown != settings_of(language), (name, language)


def test_what_was_chosen_and_what_was_given_up_is_shown_too() -> None:
    usual = sample_record()[0]
    certificate = sample_certificate(
        adapters={"ink": "aa" * 32, "mybike": "bb" * 32}, given_up={7: ("VAE in tiles", "something new")}
    )
    changes: dict[str, Any] = {
        "settings": replace(usual.settings, adapters=(AdapterMention("ink", 1.0, 1.0),)),
        "certificate": certificate,
        "request": replace(usual.request, preset="anime", styles=("ink", "wash")),
    }
    shown = settings_of("en", **changes)
    assert shown["LoRAs"] == "ink (weight 1)"
    assert shown["Textual inversions"] == "mybike"
    assert shown["Given up, where memory or numbers ran short"] == "seed 7: VAE in tiles, something new"
    assert (shown["Preset"], shown["Styles"]) == ("anime", "ink, wash")
    assert "種子 7：VAE 分塊解碼、something new" in settings_of("zh-TW", **changes).values()
