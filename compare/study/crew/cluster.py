"""A crew of many workers through Ray: on the processors of this machine, or on a cluster that is running.

A warm actor per GPU, or per group of CPU threads, does one unit at a time; the next one is handed over when it is done,
so nothing piles up. Whoever is lost on the way, with its machine or alone, is replaced, and its unit is done again; a
unit that has taken three workers with it is set aside. Units travel as JSON. Keys do not travel: workers read them from
the environment of their own machine.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compare.study.crew.runner import LONGEST_WAIT_S, MOST_PUT_OFF, Waiting
from compare.study.crew.worker import SessionWorker, Worker, complaint_of
from compare.study.design import StudyError, Unit
from compare.study.store import Outcome, RunStore
from ideation import DraftedPrompts, DraftRequest, Expander, ExpansionCache, cache_folder, choose_expander
from ideation.expanders.errors import QuotaExceeded
from ideation.expanders.protocol import OnWait, wait_in_silence

if TYPE_CHECKING:
    from compare.study.design import Plan

#: So many workers a unit may take with it.
MOST_CRASHES = 3
#: So many workers may fail to get ready, one after another, before nobody tries any longer.
MOST_FALSE_STARTS = 5
#: So long the first worker, or a new one after all others are lost, may take to get ready.
PATIENCE_S = 600.0

_COLOURS = re.compile("\x1b\\[[0-9;]*m")
_ERROR = re.compile(r"[\w.]*(?:Error|Exception)\b.*:")

logger = logging.getLogger(__name__)

#: Makes a worker in its own process; it is told which one it is, and may be given the actor that asks LLMs.
Hire = Callable[[int, Any], Worker]


class WorkerLost(StudyError):
    """A unit whose workers died, one after the other."""


@dataclass(frozen=True)
class SessionHire:
    """Hires workers that render: their runs go to `store`; what is unfinished lies below `work`, or in a temporary
    folder of their machine."""

    store: str
    judges: tuple[str, ...]
    work: str | None = None

    def __call__(self, number: int, writer: Any) -> Worker:
        folder = Path(self.work or tempfile.mkdtemp(prefix="twinseed-study-")) / f"worker-{number}"
        choose = None if writer is None else RemoteChoice(writer)
        return SessionWorker(RunStore(self.store), folder, judges=self.judges, choose=choose)


class _Actor:
    """What runs in a process of Ray's."""

    def __init__(self, hire: Hire, number: int, writer: Any) -> None:
        self._worker = hire(number, writer)

    def ready(self) -> bool:
        return True

    def work(self, unit: str) -> str:
        return self._worker.work(Unit.from_json(json.loads(unit))).model_dump_json()


class _Writer:
    """The one who asks LLMs for all workers, one question at a time, and nothing twice. While a quota lasts, it says so
    at once instead of asking, so that workers go on with other units."""

    def __init__(self) -> None:
        self._expanders: dict[tuple[str, str | None, bool], Expander] = {}
        self._until: dict[tuple[str, str | None], float] = {}

    def draft(self, name: str, llm_model: str | None, cached: bool, request: DraftRequest) -> DraftedPrompts:
        left = self._until.get((name, llm_model), 0.0) - time.monotonic()
        if left > 0:
            raise QuotaExceeded(
                "{name} has no quota left for another {seconds:.0f} seconds",
                hint="wait, or take another model",
                retry_after_s=left,
                name=name,
                seconds=left,
            )
        try:
            return self._expander(name, llm_model, cached).draft(request)
        except QuotaExceeded as error:
            self._until[name, llm_model] = time.monotonic() + (error.retry_after_s or 0.0)
            raise

    def model(self, name: str, llm_model: str | None, cached: bool) -> tuple[str, str | None]:
        """Its name, and the model behind it. Raises as `choose_expander` does."""
        expander = self._expander(name, llm_model, cached)
        return expander.name, expander.llm_model

    def _expander(self, name: str, llm_model: str | None, cached: bool) -> Expander:
        key = name, llm_model, cached
        if key not in self._expanders:
            cache = ExpansionCache(cache_folder()) if cached else None
            self._expanders[key] = choose_expander(name, llm_model=llm_model, environ=os.environ, cache=cache)
        return self._expanders[key]


class RemoteExpander:
    """An expander whose questions the writer asks."""

    def __init__(self, writer: Any, name: str, llm_model: str | None, cached: bool) -> None:
        self._writer, self._asked = writer, (name, llm_model, cached)
        self.name, self.llm_model = _answered(writer.model.remote(*self._asked))

    def draft(self, request: DraftRequest) -> DraftedPrompts:
        drafted: DraftedPrompts = _answered(self._writer.draft.remote(*self._asked, request))
        return drafted


@dataclass(frozen=True)
class RemoteChoice:
    """Chooses expanders as `choose_expander` does; those that ask somebody do so through the writer."""

    writer: Any

    def __call__(
        self,
        name: str,
        *,
        llm_model: str | None,
        environ: Mapping[str, str],
        cache: ExpansionCache | None = None,
        on_wait: OnWait = wait_in_silence,  # it is the writer who waits, and it has nobody to tell
    ) -> Expander:
        if name == "offline":
            return choose_expander(name, llm_model=llm_model, environ=environ, cache=cache, on_wait=on_wait)
        return RemoteExpander(self.writer, name, llm_model, cache is not None)


def _answered(reference: Any) -> Any:
    """What a task of Ray's gave; its error as it was raised there."""
    import ray

    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from error


class RayCrew:
    """A crew on Ray. `address` is "local" for this machine, "auto" for the cluster that runs on it, or the address of
    one; `workers` is their number, None for one per GPU or per `threads` CPUs. Use it as a context."""

    def __init__(self, hire: Hire, address: str, *, workers: int | None = None, threads: int = 1) -> None:
        self._hire, self._address, self._wanted, self._threads = hire, address, workers, max(1, threads)

    def __enter__(self) -> RayCrew:
        ray = _ray()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody is told of anything
        quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "include_dashboard": False}
        try:
            if self._address == "local":
                cpus = None if self._wanted is None else max(self._wanted * self._threads, 1)
                ray.init(address="local", num_cpus=cpus, **quiet)
            else:
                _require_answer(self._address)
                ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            raise StudyError(
                "there is no Ray cluster at {address}: {error}",
                hint="start one with `ray start --head`, or give --ray local for the processors of this machine; where "
                "one is there, RAY_AUTH_MODE must be as it has it",
                address=self._address,
                error=" ".join(str(error).split())[:200] or type(error).__name__,
            ) from error
        resources = ray.cluster_resources()
        self.gpus = int(resources.get("GPU", 0))
        usual = self.gpus or max(1, int(resources.get("CPU", 1)) // self._threads)
        self.workers = self._wanted or usual
        return self

    def __exit__(self, *_: object) -> None:
        _ray().shutdown()

    def outcomes(self, units: Iterator[Unit]) -> Iterator[Outcome]:
        """An outcome for each unit, as they come. Raises `StudyError` where no worker is to be had."""
        yield from _Shift(self, _ray()).outcomes(units)

    def new_actor(self, ray: Any, number: int, writer: Any) -> Any:
        """A worker, which is there when it says so; that may be never, where its resources are gone."""
        usual = {"OMP_NUM_THREADS": str(self._threads), "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
        resources = {"num_gpus": 1, "num_cpus": 1} if self.gpus else {"num_cpus": self._threads}
        return (
            ray.remote(_Actor)
            .options(**resources, runtime_env={"env_vars": usual}, max_restarts=0, max_task_retries=0)
            .remote(self._hire, number, writer)
        )


class _Shift:
    """One going through the units: who is at work on which, and what has to be done again."""

    def __init__(self, crew: RayCrew, ray: Any) -> None:
        self._crew, self._ray = crew, ray
        self._writer = ray.remote(_Writer).options(num_cpus=0).remote()
        self._actors: dict[int, Any] = {}
        self._flying: dict[Any, tuple[int, Unit | None]] = {}  # None: it is getting ready
        self._idle: deque[int] = deque()
        self._again: deque[Unit] = deque()
        self._crashes: Counter[str] = Counter()
        self._false_starts = 0
        self._waiting = Waiting()

    def outcomes(self, units: Iterator[Unit]) -> Iterator[Outcome]:
        for number in range(self._crew.workers):
            self._start(number)
        last_sign = time.monotonic()
        while True:
            self._hand_out(units)
            if not any(unit is not None for _, unit in self._flying.values()) and self._idle:
                if not self._waiting.units:
                    return
                pause = self._waiting.pause_s()
                if pause > LONGEST_WAIT_S or self._waiting.rounds >= MOST_PUT_OFF:
                    yield from self._waiting.given_up()
                    return
                time.sleep(pause)
                self._again.extend(self._waiting.next_round())
                continue
            done, _ = self._ray.wait(list(self._flying), num_returns=1, timeout=1.0)
            if done:
                last_sign = time.monotonic()
            elif time.monotonic() - last_sign > PATIENCE_S and not any(u for _, u in self._flying.values()):
                raise StudyError(
                    "no worker has got ready in {minutes:.0f} minutes",
                    hint="see whether the cluster has the processors or GPUs that were asked for: `ray status`",
                    minutes=PATIENCE_S / 60,
                )
            for reference in done:
                yield from self._finished(reference)

    def _start(self, number: int) -> None:
        self._actors[number] = self._crew.new_actor(self._ray, number, self._writer)
        self._flying[self._actors[number].ready.remote()] = number, None

    def _hand_out(self, units: Iterator[Unit]) -> None:
        """Gives every idle worker a unit, as long as there are any."""
        while self._idle:
            unit = self._again.popleft() if self._again else next(units, None)
            if unit is None:
                return
            if self._waiting.puts_off(unit):
                continue
            number = self._idle.popleft()
            reference = self._actors[number].work.remote(json.dumps(unit.to_json()))
            self._flying[reference] = number, unit

    def _finished(self, reference: Any) -> Iterator[Outcome]:
        """What came of a reference: a unit is done, or to be done again because its worker was lost."""
        number, unit = self._flying.pop(reference)
        try:
            answer = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            logger.warning("worker %d was lost: %s", number, _reason(error))
            self._ray.kill(self._actors[number])  # it may be alive behind a broken line, and would hold its place
            if unit is None:
                self._false_starts += 1
                if self._false_starts >= MOST_FALSE_STARTS:
                    raise StudyError(
                        "workers cannot start: {reason}",
                        hint="Twinseed and its libraries have to be installed alike on every machine of the cluster",
                        reason=_reason(error),
                    ) from error
            self._start(number)
            if unit is None:
                return
            self._crashes[unit.name] += 1
            if self._crashes[unit.name] < MOST_CRASHES:
                self._again.append(unit)
            else:
                yield _set_aside(unit, error)
            return
        self._idle.append(number)
        self._false_starts = 0
        if unit is not None:
            outcome = Outcome.model_validate_json(answer)
            if not self._waiting.takes(unit, outcome):
                yield outcome


def _reason(error: BaseException) -> str:
    """The last line of what Ray says, which is the error itself; Ray's own begin with the reason."""
    lines = [line.strip() for line in _COLOURS.sub("", str(error)).splitlines() if line.strip()]
    caused = [line for line in lines if _ERROR.match(line)]
    return (caused or lines or [type(error).__name__])[-1 if caused else 0][:300]


def _set_aside(unit: Unit, error: BaseException) -> Outcome:
    lost = WorkerLost(
        "{count} workers were lost at work on it, so it is set aside: {reason}",
        hint="see the logs of Ray; --retry tries it again",
        count=MOST_CRASHES,
        reason=_reason(error),
    )
    return Outcome(
        unit=unit.name,
        concept=unit.concept,
        arm=unit.arm,
        model=unit.model,
        status="failed",
        at=datetime.now(UTC),
        tries=MOST_CRASHES,
        complaint=complaint_of(lost, "render"),
    )


def crew_for(plan: Plan, folder: Path, store: str, address: str, workers: int | None, threads: int) -> RayCrew:
    """The crew for a study: on this machine its unfinished work lies in the study's folder."""
    work = str((folder / "work").resolve()) if address == "local" else None
    return RayCrew(SessionHire(store, plan.judges, work), address, workers=workers, threads=threads)


def _require_answer(address: str) -> None:
    """Raises `OSError` where nobody answers at an address, for which Ray itself would wait minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise StudyError(
            "Ray is not installed", hint="pip install 'twinseed[ray]', or leave --ray out: one process does it too"
        ) from error
    return ray
