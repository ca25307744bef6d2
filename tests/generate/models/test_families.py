"""The table of families: what it says of models is true of them, and names of models lead to it without torch."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path

import diffusers
import pytest

from generate import RenderSettings
from generate.families import FAMILIES, OF_OTHER_SIZES, own_clips
from generate.models import OpenModel, family_of, vocabulary_of
from generate.schedulers.table import FLOW_SCHEDULERS, SCHEDULERS
from generate.seedling import SEEDLING_FOLDER
from ideation import target_of_family


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_the_configurations_are_of_the_families_that_they_are_listed_for(family) -> None:  # type: ignore[no-untyped-def]
    assert family.pipeline in OF_OTHER_SIZES
    for folder in filter(None, (family.configuration, family.epsilon_configuration, family.embedded)):
        index = json.loads((folder / "model_index.json").read_text())
        denoiser = json.loads((folder / family.denoiser / "config.json").read_text())
        assert index["_class_name"] == family.pipeline
        assert {family.denoiser, *(part for both in family.text_encoders for part in both)} <= set(index)
        assert denoiser["cross_attention_dim"] == family.context_width
        assert denoiser["in_channels"] == family.latent_channels
        assert denoiser["block_out_channels"][0] == family.model_channels
    assert RenderSettings(**family.usual)
    assert (family.clip is not None) == (family.name in own_clips())
    assert target_of_family(family.name) is not None, "prompts can be written for it"


@pytest.mark.parametrize("family", OF_OTHER_SIZES.values(), ids=lambda family: family.pipeline)
def test_the_arguments_are_those_of_the_libraries(family) -> None:  # type: ignore[no-untyped-def]
    pipeline = getattr(diffusers, family.pipeline)
    holds_guidance = pipeline.__call__
    if family.in_turn is not None and family.in_turn.guiders:
        assert set(family.in_turn.guiders) <= inspect.signature(pipeline.__init__).parameters.keys()
        holds_guidance = diffusers.AdaptiveProjectedMixGuidance.__init__
    assert family.guidance in inspect.signature(holds_guidance).parameters
    kind = inspect.signature(pipeline.__init__).parameters[family.denoiser].annotation
    denoiser = inspect.signature((getattr(diffusers, kind) if isinstance(kind, str) else kind).forward).parameters
    assert {name.partition(".")[0] for name in family.inputs} <= set(denoiser)
    if family.in_turn is not None:
        assert family.in_turn.arguments.keys() <= inspect.signature(pipeline.__call__).parameters.keys()
        assert set(family.in_turn.schedulers) <= set(FLOW_SCHEDULERS if family.flow else SCHEDULERS)


def test_names_lead_to_families(
    seedling: OpenModel, tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWINSEED_MODELS", str(tmp_path))
    shutil.copytree(SEEDLING_FOLDER, tmp_path / "grown")
    shutil.copytree(tiny_folder, tmp_path / "tiny")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model_index.json").write_text("{")
    for name in ("seedling", "grown", str(tmp_path / "grown")):
        assert family_of(name) is FAMILIES["seedling"], name
        vocabulary = vocabulary_of(name)
        assert vocabulary is not None
        assert vocabulary.unknown_words("a dog on a sofa") == ["sofa"]
    for name in ("tiny", str(tiny_folder), "owner/name", "nowhere", "broken", "", "x" * 5000):
        assert family_of(name) is None, name
        assert vocabulary_of(name) is None, name


def test_the_docs_say_how_large_the_families_are() -> None:
    table = (Path(__file__).parents[3] / "docs" / "rendering" / "models.md").read_text(encoding="utf-8")
    sizes = {tuple(row.split(" | ")[3:5]) for row in table.splitlines() if " + " in row}
    for family in FAMILIES.values():
        if family.in_turn is not None:
            assert family.billions is not None, family.name
            denoiser, encoders = family.billions
            assert (f"{denoiser} + {encoders}", f"{2 * (denoiser + encoders):.0f} GB") in sizes, family.name
