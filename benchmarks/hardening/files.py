"""Hostile files: each is built, handed to the door that reads its kind, and must be refused by name.

None may run code, take over 512 MB or 10 s, or end in an error that is not ours; some are harmless where they are read
as plain text, and then must come back as such. `fixtures/hostile/` builds them.

    python benchmarks/hardening/files.py [--write docs/security.md]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded
os.environ["HF_HUB_OFFLINE"] = "1"  # nothing here may ask for more than what is on this machine
sys.path.insert(0, str(Path(__file__).parents[2]))

import shutil
import tempfile
from functools import partial

from benchmarks.hardening.child import Outcome, in_child, prepared_in_child
from benchmarks.hardening.fixtures.hostile import Hostile, everything
from benchmarks.hardening.table import Table, arguments
from compare.runs.gallery import Gallery

LIMIT_S, LIMIT_MB = 10.0, 512.0


def real_run(folder: Path) -> Path:
    """A small run of the embedded model."""
    from compare import PairOptions, PairRequest, Session

    options = PairOptions(simple="a dog", expanded="a dog, at night", size="64x64", seed="7", steps=2, clip="none")
    request, _ = PairRequest.from_options(options)
    return Session(Gallery(folder), environ={}).run(request).folder


def verdict(hostile: Hostile, outcome: Outcome, folder: Path) -> str:
    """What was lost, or ""."""
    if any(folder.rglob("RAN")):
        return "it ran code"
    if outcome.crashed:
        return outcome.crashed.strip().splitlines()[-1]
    if outcome.seconds > LIMIT_S or outcome.megabytes > LIMIT_MB:
        return f"it took {outcome.seconds:.1f} s and {outcome.megabytes:.0f} MB"
    if not hostile.named:
        return "" if outcome.value is True else f"refused or changed: {outcome.refused or outcome.value!r}"
    if not outcome.refused:
        return "it was taken for good"
    if not outcome.hint:
        return f"refused without a hint: {outcome.refused[:200]}"
    if len(outcome.refused + outcome.hint) > 2_000:
        return f"refused with {len(outcome.refused + outcome.hint):,} characters"
    said = f"{outcome.refused} {outcome.hint}"
    return "" if hostile.named in said else f"refused without its name: {said[:300]}"


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--only", metavar="WORD", help="the ones whose kind or name has it")
    options = parser.parse_args()
    table = Table("files", ("seconds", "MB"))
    with tempfile.TemporaryDirectory() as there:
        # In a child: a torch that has computed cannot be forked.
        made = in_child(lambda: real_run(Path(there, "real")), limit_s=120)
        assert isinstance(made.value, Path), made
        for number, hostile in enumerate(everything(made.value)):
            if options.only and options.only not in f"{hostile.kind}: {hostile.name}":
                continue
            folder = Path(there, f"{number}", "models")
            folder.mkdir(parents=True)

            for variable, place in (
                ("MODELS", "."),
                *((name.upper(), name) for name in ("styles", "presets", "performance")),
            ):
                os.environ[f"TWINSEED_{variable}"] = str(folder / place)
            outcome = prepared_in_child(partial(hostile.build, folder), limit_s=3 * LIMIT_S)
            lost = verdict(hostile, outcome, folder)
            table.add(
                hostile.kind, f"{hostile.name}: {lost}" if lost else "", seconds=outcome.seconds, MB=outcome.megabytes
            )
            shutil.rmtree(folder.parent, ignore_errors=True)
    return table.finish("python benchmarks/hardening/files.py --write docs/security.md", options.write)


if __name__ == "__main__":
    sys.exit(main())
