"""How a study grows: what the driver costs, what two workers bring, and what is left when workers, nodes and drivers
die.

- `driver`: made-up pairs that take no time, on two Ray workers and in this process: the driver's own processor time for
  each (at most 5 ms).
- `workers`: the same study of Seedling by one and by two workers of one thread each: pairs a minute, counted from the
  first pair of the last worker to get ready (at least 1.8 times), the memory of a worker, and how much of its
  processor's time a pair takes.
- `deaths`: a study in this process, and the same one while a worker, the driver and a whole node are killed in the
  middle: the same pictures and scores, nothing lost and nothing twice; and one whose worker always dies on one concept.
- `batches` (where it is named): seconds a pair with 1, 2, 4 ... seeds in a batch on this device (on a processor, one
  thread's own time), and which `--batch auto` would take on a GPU.

    python benchmarks/scale/study.py [driver|workers|deaths|batches ...] [--pairs 10000] [--concepts 8] [--steps 10]
        [--model seedling] [--dtype auto] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from compare import PairOptions
from compare.study import Alone, Outcome, Plan, RunStore, SessionWorker, Unit, plan_study
from compare.study.batch import quickest_batch
from compare.study.crew.cluster import RayCrew, SessionHire
from compare.study.crew.runner import carry_out
from compare.study.scores import SeedScores, UnitScores
from compare.study.store import JOURNAL_FILE
from generate.files import pixels_sha256
from generate.settings import MAX_PAIRS_PER_BATCH, RenderSettings
from ideation import given_pair, typed_concept

#: For the driver that is killed: this file calls itself.
AS_DRIVER = "as-driver"


@dataclass(frozen=True)
class IdleHire:
    """Hires workers that do nothing; on the concept `deadly` their process dies."""

    deadly: int | None = None

    def __call__(self, _number: int, _writer: Any) -> IdleWorker:
        return IdleWorker(self.deadly)


class IdleWorker:
    def __init__(self, deadly: int | None = None) -> None:
        self._deadly = deadly

    def work(self, unit: Unit) -> Outcome:
        if unit.concept == self._deadly:
            os._exit(1)
        seeds = tuple(
            SeedScores(
                seed=seed, simple=f"simple-{seed}.png", expanded=f"expanded-{seed}.png", values={"intent": (0.3, 0.29)}
            )
            for seed in unit.request.settings.seeds
        )
        scores = UnitScores(
            simple="a dog",
            expanded="a dog at dawn",
            negative="",
            expander=unit.arm,
            llm_model=None,
            clip="made up",
            fair=True,
            lost=(),
            tokens=9,
            seconds=0.0,
            seeds=seeds,
            values={"tokens": (7.0, 9.0)},
        )
        return Outcome(
            unit=unit.name,
            concept=unit.concept,
            arm=unit.arm,
            model=unit.model,
            status="done",
            at=datetime.now(UTC),
            worker=str(os.getpid()),
            scores=scores,
        )

    def close(self) -> None:
        """Nothing is open."""


def made_up(folder: Path, concepts: int) -> Plan:
    """A plan of so many concepts, one seed each."""
    plan = plan_study(folder, PairOptions(seed="7", steps=2), concepts=2, seeds=1)
    first = plan.concepts[0]
    many = tuple(
        first.model_copy(update={"concept": typed_concept(f"a dog on hill {number}")}) for number in range(concepts)
    )
    return plan.model_copy(update={"concepts": many})


def driver(pairs: int) -> dict[str, float]:
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        plan = made_up(Path(folder), pairs)
        for name in ("alone", "ray"):
            (Path(folder) / JOURNAL_FILE).unlink(missing_ok=True)
            if name == "alone":
                found[name] = _cost(plan, Path(folder), Alone(IdleWorker()))
            else:
                with RayCrew(IdleHire(), "local", workers=2) as crew:
                    carry_out(made_up(Path(folder) / "warm", 10), Path(folder) / "warm", crew)
                    found[name] = _cost(plan, Path(folder), crew)
            if _lines(Path(folder)) != pairs:
                raise SystemExit(f"{name}: {_lines(Path(folder))} of {pairs} pairs are in the journal")
    return found


def _cost(plan: Plan, folder: Path, crew: Any) -> float:
    """The driver's processor time for each pair, in milliseconds."""
    begun = time.process_time()
    carry_out(plan, folder, crew)
    return round(1000 * (time.process_time() - begun) / plan.pairs, 3)


def workers(concepts: int, steps: int) -> dict[str, Any]:
    """Pairs a minute by one and by two workers, the memory of one in megabytes, and how much of its processor's time a
    pair takes, which other work on the machine changes less."""
    found: dict[str, Any] = {}
    for number in (1, 2):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            plan = plan_study(folder, PairOptions(seed="7", steps=steps), concepts=concepts * number + 2, seeds=2)
            ended: list[tuple[float, str]] = []
            memory: dict[str, float] = {}
            used: dict[str, list[float]] = {}

            def watch(now: Any, ended: Any = ended, memory: Any = memory, used: Any = used) -> None:
                if now.last is not None:
                    process = int(now.last.worker.rpartition("-")[2])
                    ended.append((time.monotonic(), now.last.worker))
                    memory[now.last.worker] = _megabytes(process)
                    used.setdefault(now.last.worker, []).append(_processor_seconds(process))

            with RayCrew(SessionHire(str(folder / "runs"), (), str(folder / "work")), "local", workers=number) as crew:
                carry_out(plan, folder, crew, on_progress=watch)
            first = {worker: min(at for at, one in ended if one == worker) for _, worker in ended}
            warm = max(first.values())  # from here on, all are at work
            # The last units run alone for a while, so counting ends with the first worker that has nothing left.
            last = min(max(at for at, one in ended if one == worker) for worker in first)
            counted = [at for at, _ in ended if warm < at <= last]
            found[f"{number} pairs a minute"] = round(plan.seeds * 60 * len(counted) / (last - warm), 2)
            found[f"{number} megabytes a worker"] = round(max(memory.values()))
            units = sum(len(times) - 1 for times in used.values())  # the first of each is the one that warms it up
            taken = sum(times[-1] - times[0] for times in used.values())
            found[f"{number} processor seconds a pair"] = round(taken / units / plan.seeds, 2)
    found["times"] = round(found["2 pairs a minute"] / found["1 pairs a minute"], 2)
    return found


def _processor_seconds(process: int) -> float:
    """What all threads of the process have used until now."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _megabytes(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1000
    return 0.0


def batches(name: str, dtype: str, steps: int) -> dict[str, Any]:
    """Seconds a pair by the number of them in a batch, the quicker of two renders each, and what would be taken."""
    import torch

    from generate.models import open_model
    from generate.render import render_pair

    model = open_model(name, dtype=dtype)
    words = "a dog riding a bicycle", "a dog riding a bicycle on a beach at sunset, watercolor style"
    prompts = given_pair(words[0], *words, "", model.budget())
    settings = RenderSettings(model=name, dtype=dtype, seed=7, images=MAX_PAIRS_PER_BATCH, num_inference_steps=steps)
    found: dict[str, Any] = {"device": model.device, "dtype": model.dtype}
    clock = time.perf_counter
    if model.device == "cpu":
        clock = time.process_time
        torch.set_num_threads(1)
    for size in (1, 2, 4, 8, MAX_PAIRS_PER_BATCH):
        some = replace(settings, images=size, pairs_per_batch=size if size > 1 else None)
        taken, given_up = [], set[str]()
        for _ in range(3):  # the first warms up
            begun = clock()
            certificate = render_pair(prompts, some, model).certificate
            taken.append(clock() - begun)
            given_up |= {words for one in certificate.given_up.values() for words in one}
        told = "".join(f", {words}" for words in sorted(given_up))
        found[f"{size} in a batch"] = f"{min(taken[1:]) / size:.3f} s a pair{told}"
    found["auto would take"] = quickest_batch(prompts, settings, model, clock=clock)
    return found


def deaths(concepts: int, steps: int) -> dict[str, str]:
    """What became of a study under each death: "the same", or what was not."""
    options = PairOptions(seed="7", steps=steps)
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        plan = plan_study(root / "alone", options, concepts=concepts, seeds=1)
        # As many threads as the others have: with more, sums are added up in another order.
        worker = SessionWorker(RunStore(str(root / "alone" / "runs")), root / "alone" / "work", threads=1)
        carry_out(plan, root / "alone", Alone(worker))
        wanted = _pixels_and_scores(plan, root / "alone")
        for death in ("none", "worker", "node", "driver"):
            folder = root / death
            folder.mkdir()
            shutil.copy(root / "alone" / "study.json", folder)
            killed = {"none": _nobody, "worker": _worker_dies, "node": _node_dies, "driver": _driver_dies}[death](
                plan, folder
            )
            journal = [json.loads(line)["unit"] for line in (folder / JOURNAL_FILE).read_text().splitlines()]
            twice = [unit for unit, count in Counter(journal).items() if count > 1]
            stray = [path.name for path in (folder / "runs").iterdir() if path.name.startswith(".")]
            same = _pixels_and_scores(plan, folder) == wanted
            found[f"{death} ({killed} killed)"] = (
                "the same" if same and not twice and not stray else f"same={same} twice={twice} stray={stray}"
            )
        with RayCrew(IdleHire(deadly=1), "local", workers=2) as crew:
            (root / "deadly").mkdir()
            outcomes = carry_out(plan, root / "deadly", crew)
        states = Counter(one.status for one in outcomes.values())
        found["a concept that kills"] = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return found


def _pixels_and_scores(plan: Plan, folder: Path) -> dict[str, Any]:
    """What must not depend on who did it: pixels and scores of every unit."""
    from PIL import Image

    store, found = RunStore(str(folder / "runs")), {}
    for unit in plan.units():
        scores = store.scores(unit.name)
        if scores is not None:
            files = [file for seed in scores.seeds for file in (seed.simple, seed.expanded)]
            pixels = {}
            for file in files:
                with Image.open(folder / "runs" / unit.name / file) as image:
                    pixels[file] = pixels_sha256(image.convert("RGB"))
            found[unit.name] = pixels, scores.model_dump(exclude={"seconds"})
    return found


def _hire(folder: Path) -> SessionHire:
    return SessionHire(str(folder / "runs"), (), str(folder / "work"))


def _nobody(plan: Plan, folder: Path) -> int:
    with RayCrew(_hire(folder), "local", workers=2) as crew:
        carry_out(plan, folder, crew)
    return 0


def _worker_dies(plan: Plan, folder: Path) -> int:
    killed: list[int] = []

    def kill_once(now: Any) -> None:
        if now.last is not None and not killed:
            killed.append(int(now.last.worker.rpartition("-")[2]))
            threading.Timer(1.0, os.kill, (killed[0], signal.SIGKILL)).start()  # in the middle of its next unit

    with RayCrew(_hire(folder), "local", workers=2) as crew:
        carry_out(plan, folder, crew, on_progress=kill_once)
    return len(killed)


def _node_dies(plan: Plan, folder: Path) -> int:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    killed: list[str] = []

    def kill_once(now: Any) -> None:
        if now.done == 2 and not killed:
            killed.append("node")
            threading.Timer(1.0, cluster.remove_node, (node,), {"allow_graceful": False}).start()

    try:
        with RayCrew(_hire(folder), cluster.address, workers=2) as crew:
            carry_out(plan, folder, crew, on_progress=kill_once)
    finally:
        cluster.shutdown()
    return len(killed)


def _driver_dies(plan: Plan, folder: Path) -> int:
    """The driver is another process, killed twice, and then left to finish."""
    killed = 0
    for done in (1, 3, len(plan.concepts)):
        process = subprocess.Popen([sys.executable, __file__, AS_DRIVER, str(folder)])  # noqa: S603 - this file
        while process.poll() is None:
            lines = _lines(folder)
            if lines >= done < len(plan.concepts):
                process.send_signal(signal.SIGKILL)
                killed += 1
                process.wait()
                time.sleep(5)  # its cluster notices, and goes
                break
            time.sleep(0.2)
    return killed


def _lines(folder: Path) -> int:
    file = folder / JOURNAL_FILE
    return file.read_bytes().count(b"\n") if file.exists() else 0


def as_driver(folder: Path) -> None:
    from compare.study import read_plan

    with RayCrew(_hire(folder), "local", workers=2) as crew:
        carry_out(read_plan(folder), folder, crew)


def main() -> int:
    if sys.argv[1:2] == [AS_DRIVER]:
        as_driver(Path(sys.argv[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["driver", "workers", "deaths"])
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--concepts", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--model", default="seedling")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    work: dict[str, Callable[[], Any]] = {
        "driver": lambda: driver(given.pairs),
        "workers": lambda: workers(given.concepts, given.steps),
        "deaths": lambda: deaths(given.concepts, 2),
        "batches": lambda: batches(given.model, given.dtype, given.steps),
    }
    found = {name: work[name]() for name in given.what}
    if given.json:
        print(json.dumps(found))
    else:
        for name, line in _told(found):
            print(f"{name}: {line}")
    good = all(cost <= 5 for cost in found.get("driver", {}).values())
    good &= found.get("workers", {"times": 1.8})["times"] >= 1.8
    good &= all(
        state == "the same" for name, state in found.get("deaths", {}).items() if name != "a concept that kills"
    )
    return 0 if good else 1


def _told(found: dict[str, dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, results in found.items():
        for what, result in results.items():
            unit = " ms of the driver a pair" if name == "driver" else ""
            yield f"{name}, {what}", f"{result}{unit}"


if __name__ == "__main__":
    sys.exit(main())
