"""What others can go on with: the table of scores, a dataset of the pictures as Hugging Face reads it, and how to cite
it all."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from compare.runs import write_whole
from compare.study.analysis import Analysis, Answer
from compare.study.design import PRIMARY, Addition, Plan
from compare.study.scores import METRICS, judge_of, measure_of, without_folder
from compare.study.store import Outcome, RunStore

SCORES, ANALYSIS, CITATION, DATASET = "scores.parquet", "analysis.json", "citation.bib", "dataset"


def score_rows(plan: Plan, outcomes: Mapping[str, Outcome]) -> Iterator[dict[str, Any]]:
    """A row for each value: of a seed, or of a concept as a whole (no seed). Both pictures' values and their
    difference, with all that they are to be grouped by."""
    for outcome in outcomes.values():
        scores = outcome.scores
        if scores is None:
            continue
        concept = plan.concepts[outcome.concept]
        group = {
            "concept": outcome.concept,
            "text": concept.concept.text,
            "category": concept.category,
            "model": outcome.model,
            "arm": outcome.arm,
            "expander": scores.expander,
            "llm_model": scores.llm_model,
            "unit": outcome.unit,
            "fair": scores.fair,
            "added": plan.was_added(concept=outcome.concept, arm=outcome.arm, model=outcome.model),
        }
        for seed, values in ((None, scores.values), *((one.seed, one.values) for one in scores.seeds)):
            for metric, (simple, expanded) in values.items():
                judge, measure = without_folder(judge_of(metric)), measure_of(metric)
                yield group | {
                    "seed": None if seed is None else str(seed),
                    "metric": measure,
                    "judge": judge
                    or (scores.clip if METRICS[measure].of == "seed" and measure != "distance" else None),
                    "simple": simple,
                    "expanded": expanded,
                    "difference": expanded - simple,
                }


def write_scores(file: Path, plan: Plan, outcomes: Mapping[str, Outcome]) -> None:
    """Writes the rows as Parquet, with the plan's digest in the file's own metadata. Raises `OSError`."""
    import pyarrow as pa
    from pyarrow import parquet

    text, number = pa.string(), pa.float64()
    schema = pa.schema(
        [
            ("concept", pa.int32()),
            ("text", text),
            ("category", text),
            ("model", text),
            ("arm", text),
            ("expander", text),
            ("llm_model", text),
            ("unit", text),
            ("fair", pa.bool_()),
            ("added", pa.bool_()),
            ("seed", text),
            ("metric", text),
            ("judge", text),
            ("simple", number),
            ("expanded", number),
            ("difference", number),
        ],
        metadata={"plan": plan.digest, "twinseed": plan.twinseed},
    )
    buffer = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist(list(score_rows(plan, outcomes)), schema=schema), buffer)
    write_whole(file, buffer.getvalue().to_pybytes())


def write_dataset(folder: Path, plan: Plan, outcomes: Mapping[str, Outcome], store: RunStore, card: str) -> None:
    """Writes an ImageFolder: `README.md`, and in `data/` every picture with a line in `metadata.jsonl`. Pictures that
    are there already stay; where the disk can, they are the very files of the runs. Raises `OSError`."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    lines, wanted = [], set()
    for outcome in outcomes.values():
        if outcome.scores is None:
            continue
        for seed in outcome.scores.seeds:
            for arm, file in (("simple", seed.simple), ("expanded", seed.expanded)):
                name = f"{outcome.unit}-{file}"
                wanted.add(name)
                _place(data / name, outcome.unit, file, store)
                at = 0 if arm == "simple" else 1
                values = {_named(metric).replace(":", "_"): both[at] for metric, both in seed.values.items()}
                values.pop("distance", None)  # one of both pictures together
                lines.append(
                    {
                        "file_name": name,
                        "prompt": getattr(outcome.scores, arm),
                        "arm": arm if arm == "simple" else outcome.arm,
                        "pair": f"{outcome.unit}-{seed.seed}",
                        "concept": plan.concepts[outcome.concept].concept.text,
                        "category": plan.concepts[outcome.concept].category,
                        "seed": str(seed.seed),
                        "model": outcome.model,
                        "expander": outcome.scores.expander,
                        "llm_model": outcome.scores.llm_model,
                        **values,
                    }
                )
    for stray in {path.name for path in data.glob("*.png")} - wanted:
        (data / stray).unlink()
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_whole(data / "metadata.jsonl", text.encode())
    write_whole(folder / "README.md", card.encode())


def _named(metric: str) -> str:
    """A metric with its judge, for others."""
    return f"{without_folder(judge_of(metric))}:{measure_of(metric)}".lstrip(":")


def _place(target: Path, unit: str, file: str, store: RunStore) -> None:
    if target.exists():
        return
    source = store.local(unit, file)
    if source is not None:
        try:
            os.link(source, target)
        except OSError:  # another disk, or one that has no links
            shutil.copyfile(source, target)
        return
    write_whole(target, store.picture(unit, file))


def dataset_card(plan: Plan, analysis: Analysis, sentences: str) -> str:
    """The README.md of the dataset, with the head that Hugging Face reads."""
    pictures = sum(step.units for step in analysis.funnel if step.name == "measured") * plan.seeds * 2
    size = next((name for most, name in _SIZES if pictures < most), "n>1M")
    arms = ", ".join(f"`{_plain(arm.name)}`" for arm in plan.arms)
    models = ", ".join(f"`{_plain(model)}`" for model in plan.models)
    funnel = "\n".join(
        f"| {step.name} | {step.units} | {', '.join(f'{_plain(name)}: {count}' for name, count in step.lost.items())} |"
        for step in analysis.funnel
    )
    tested = (one for one in analysis.answers if one.category is None and METRICS[measure_of(one.metric)].tested)
    answers = "\n".join(map(_answer_row, tested))
    additions = "".join(
        f"- Added on {one.at:%Y-%m-%d}, when there may have been results: {_added(one)}\n" for one in plan.additions
    )
    return f"""---
pretty_name: "Twinseed study of {len(plan.concepts)} concepts"
language:
- en
license: other
license_name: see-the-model
size_categories:
- {size}
task_categories:
- text-to-image
tags:
- image
- prompt-expansion
- paired
- twinseed
configs:
- config_name: default
  data_files:
  - split: train
    path: data/**
---

# Does prompt expansion help? {len(plan.concepts)} concepts, {plan.seeds} seeds each

{sentences}

Every row is a picture. Two rows with the same `pair` were rendered from the same seed, with the same settings and the
same model: one from the simple prompt (`arm` is `simple`), one from a prompt that an expander wrote for the same
concept. So whatever differs between the two comes from the words.

- Concepts: {_plain(plan.source)}
- Arms: `simple` against {arms}
- Models: {models}
- Seeds: {plan.seeds} for each concept, from {plan.seed} on
- Plan: `{plan.digest}`, written {plan.created:%Y-%m-%d} before the first picture was rendered
{additions}
## What was found

The unit is the concept: seeds are averaged first. Intervals are of 95 %, by a bootstrap of concepts (BCa) that is never
narrower than Student's t. The primary metric is `{PRIMARY}`.

| metric | arm | model | mean difference | 95 % interval | outcome |
|---|---|---|---|---|---|
{answers}

## What was left out

| step | units | why the others are not there |
|---|---|---|
{funnel}

## Columns

`file_name`, `prompt`, `arm`, `pair`, `concept`, `category`, `seed` (a text: it may have 19 digits), `model`,
`expander`, `llm_model`; and of each picture `intent` (cosine of CLIP with the simple prompt), `gain` (with the
expanded prompt) and `lead` (how much better the simple prompt fits than others like it).

The pictures are generated. Their licence is that of the model that drew them; prompts by an LLM may fall under the
terms of its provider.

## How to cite

```bibtex
{citation(plan).strip()}
```
"""


def _answer_row(one: Answer) -> str:
    interval = one.result.interval
    told = "| |" if interval is None else f"{interval.low:+.4f} to {interval.high:+.4f} | {one.result.outcome} |"
    metric = _plain(_named(one.metric)) + (" (added afterwards)" if one.added else "")
    return f"| {metric} | `{_plain(one.arm)}` | `{_plain(one.model)}` | {one.result.mean:+.4f} | {told}"


def _added(addition: Addition) -> str:
    names = [f"`{_plain(without_folder(name))}`" for name in (*addition.arms, *addition.models, *addition.judges)]
    return ", ".join([*([] if addition.concepts is None else [f"concepts beyond {addition.concepts}"]), *names])


_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def citation(plan: Plan) -> str:
    """The study as BibTeX."""
    arms = ", ".join(_tex(arm.name) for arm in plan.arms)
    return f"""@misc{{twinseed-study-{plan.digest[:8]},
  title        = {{Paired pictures from one seed: simple prompts against {arms} on {len(plan.concepts)} concepts}},
  year         = {{{plan.created:%Y}}},
  month        = {{{plan.created.month}}},
  howpublished = {{Twinseed {_tex(plan.twinseed)}, study {plan.digest[:16]}}},
  note         = {{{len(plan.concepts)} concepts x {plan.seeds} seeds; models: {", ".join(map(_tex, plan.models))}}}
}}
"""


def _plain(text: str) -> str:
    """Somebody else's words for the inside of a line of Markdown."""
    return re.sub(r"([\\`*_\[\]<>#|~@$&])", r"\\\1", " ".join(text.split()))


def _tex(text: str) -> str:
    return re.sub(r"([#$%&_{}~^\\])", r"\\\1", text)
