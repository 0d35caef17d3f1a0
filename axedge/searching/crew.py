"""Who runs the trials: processes here, or Ray's workers on many machines. Both give back whichever ends first."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

from axedge.artifacts.errors import CheckFailed, ToolMissing, UsageError
from axedge.artifacts.records.base import axedge_version
from axedge.searching.evaluate import Answer, Job, evaluate

TRIAL_LIMIT_S = 3 * 3600.0
"""No trial takes longer: what does not end within it never will."""
_PARENT_CHECK_S = 1.0
_START_ONE = "Start one: ray start --head. If that said that token authentication is on, set RAY_AUTH_MODE=token here."


class Crew(Protocol):
    """Runs trials side by side."""

    size: int

    def submit(self, job: Job) -> None:
        """Begin a trial."""

    def next(self) -> tuple[Job, Answer]:
        """Wait for the trial that ends first.

        Raises:
            AxedgeError: the trial raised it.
            CheckFailed: a worker died, or none answered in time.
        """

    def close(self) -> None:
        """End what still runs."""


class LocalCrew:
    """Processes of this machine; they end with this one, however it ends."""

    def __init__(self, size: int) -> None:
        self.size = size
        context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
        self._pool = ProcessPoolExecutor(size, mp_context=context, initializer=_begin_worker, initargs=(os.getpid(),))
        self._running: dict[Future[Answer], Job] = {}

    def submit(self, job: Job) -> None:
        """Begin a trial."""
        self._running[self._pool.submit(evaluate, job)] = job

    def next(self) -> tuple[Job, Answer]:
        """Wait for the trial that ends first."""
        done, _ = wait(self._running, TRIAL_LIMIT_S, FIRST_COMPLETED)
        if not done:
            raise CheckFailed("no trial ended within three hours.", "Try fewer --jobs.")
        future = done.pop()
        job = self._running.pop(future)
        try:
            return job, future.result()
        except BrokenProcessPool:
            raise CheckFailed(
                "a trial's process died, perhaps for want of memory.", "Try fewer --jobs; finished trials are kept."
            ) from None

    def close(self) -> None:
        """End what still runs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._running:
            for child in multiprocessing.active_children():
                child.terminate()


class RayCrew:
    """Workers of a Ray cluster: axedge and the board's tools must be installed on its machines.

    Args:
        address: "auto", HOST:PORT, or "local" for a cluster of its own on this machine.
        size: trials at a time; None: one for every processor of the cluster.
    """

    def __init__(self, address: str, size: int | None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report home
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ImportError:
            raise ToolMissing("Ray is not installed.", "pip install 'axedge[ray]'") from None
        self._ray: Any = ray
        more = {"num_cpus": size or os.cpu_count(), "include_dashboard": False} if address == "local" else {}
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **more)
        except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            reason = str(error).split(". ")[0].strip()
            raise UsageError(f"no Ray cluster answers at {address!r}: {reason}.", _START_ONE) from None
        self.size = size or max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._evaluate = ray.remote(num_cpus=1, max_retries=2)(evaluate)
        self._running: dict[Any, Job] = {}

    def submit(self, job: Job) -> None:
        """Begin a trial."""
        self._running[self._evaluate.remote(job)] = job

    def next(self) -> tuple[Job, Answer]:
        """Wait for the trial that ends first."""
        done, _ = self._ray.wait(list(self._running), num_returns=1, timeout=TRIAL_LIMIT_S)
        if not done:
            raise CheckFailed("no trial ended within three hours.", "See `ray status`.")
        job = self._running.pop(done[0])
        try:
            answer: Answer = self._ray.get(done[0])
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self._ray.exceptions.RayError as error:
            raise CheckFailed(f"a Ray worker was lost: {str(error).splitlines()[0]}", "See `ray status`.") from None
        if answer.version != axedge_version():
            raise UsageError(
                f"{answer.outcome.worker} runs axedge {answer.version}, this is {axedge_version()}.",
                "Install the same there.",
            )
        return job, answer

    def close(self) -> None:
        """End what still runs, and leave the cluster."""
        for reference in self._running:
            with contextlib.suppress(Exception):  # it may be gone; there is nothing left to lose
                self._ray.cancel(reference, force=True)
        self._ray.shutdown()


def crew_of(jobs: int | None, ray: str | None) -> Crew:
    """Return Ray's workers if an address is given, else processes here: two unless said otherwise."""
    return RayCrew(ray, jobs) if ray is not None else LocalCrew(jobs or 2)


def _begin_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, end in order when it says so, and when it is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  TensorFlow's chatter; errors come back as exceptions
        os.dup2(nowhere.fileno(), 2)
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _leave(number: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(128 + number)  # so that emulators and temporary folders go first


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10 * _PARENT_CHECK_S)
    os._exit(1)
