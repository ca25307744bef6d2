"""Takes the charts of a study for docs/comparison/study.md from what is in its folder.

    twinseed study --concepts 100 --seeds 2 --seed 2026
    python benchmarks/pictures/study.py study      # writes docs/pictures/study-answer.svg, -pairs.svg, -wins.svg

They are those of its report, on paper of their own, so that they can be read on a page of any colour.
"""

from __future__ import annotations

import sys
from pathlib import Path

# isort: split

sys.path.insert(0, str(Path(__file__).parents[2]))

from compare.report.blocks import Chart
from compare.study import RunStore, analyse, outcomes_so_far, read_plan, runs_of
from compare.study.report import study_sections

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SHOWN = ("answer", "pairs", "wins")


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "study")
    plan = read_plan(folder)
    outcomes = outcomes_so_far(plan, folder, RunStore(runs_of(folder)))
    for section in study_sections(plan, analyse(plan, outcomes.values()), "en"):
        charts = [block for block in section.blocks if isinstance(block, Chart)]
        if section.name in SHOWN and charts:
            file = PICTURES / f"study-{section.name}.svg"
            file.write_text(charts[0].svg + "\n", encoding="utf-8")
            print(f"{file}: {charts[0].alt}")


if __name__ == "__main__":
    main()
