"""Work divided among processes: the results come in the order of the jobs, whoever is done first.

Processes are started here and nowhere else, with Python's isolated mode: neither the working directory nor the environment says what they import.
They stay for the next call, since starting one takes longer than many a job, and end with this process.
"""

from __future__ import annotations

import atexit
import json
import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from standoff.errors import WorldsError
from standoff.workers.paths import importable
from standoff.workers.process import receive, send

T = TypeVar("T")

_BEGIN = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from standoff.workers.process import serve; serve()"

_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""Each process computes on its own; threads of libraries would only be in one another's way."""


def parallel(function: Callable[..., T], jobs: Iterable[tuple[Any, ...]], workers: int) -> Iterator[T]:
    """Yield `function(*job)` for every job, in order, computed by so many processes, or fewer where there are fewer jobs.

    `function` is one that a module has by its name. What it raises is raised here, with the trace of the worker as a note. When the
    iteration stops early, processes that are still at work are ended. Raises WorldsError when a process ends without an answer.

    >>> list(parallel(divmod, [(7, 2), (9, 3)], workers=1))
    [(3, 1), (3, 0)]
    """
    listed = list(jobs)
    count = min(workers, len(listed))
    if count < 2:
        for job in listed:
            yield function(*job)
        return
    results: list[Future[T]] = [Future() for _ in listed]
    waiting = deque(zip(listed, results, strict=True))
    busy: list[_Worker] = []
    for _ in range(count):
        threading.Thread(target=_attend, args=(function, waiting, busy), daemon=True).start()
    try:
        for result in results:
            yield result.result()
    finally:
        waiting.clear()
        if not all(result.done() for result in results):
            for worker in busy:
                worker.stop()


def _attend(function: Callable[..., T], waiting: deque[tuple[tuple[Any, ...], Future[T]]], busy: list[_Worker]) -> None:
    """Give one worker one job after the other, as long as there are any."""
    worker: _Worker | None = None
    while waiting:
        try:
            job, result = waiting.popleft()
        except IndexError:  # another thread was quicker
            break
        try:
            if worker is None or worker.stopped:
                worker = _taken()
                busy.append(worker)
            answer = worker.ask(function, job)
        except BaseException as error:
            result.set_exception(error)
            continue
        if not waiting:
            # Before the last result is out, so that the next call finds it.
            busy.remove(worker)
            _idle.append(worker)
            worker = None
        result.set_result(answer)
    if worker is not None and not worker.stopped:
        _idle.append(worker)


class _Worker:
    """A process that answers one request at a time."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-c", _BEGIN, json.dumps(importable())]
        # A group of its own, so that Ctrl-C in a terminal reaches the process that started it only.
        apart: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | _ONE_THREAD, **apart)  # noqa: S603
        except OSError as error:
            raise WorldsError(f"a worker process cannot be started: {error.strerror}; take fewer with --workers") from error
        self.stopped = False

    def ask(self, function: Callable[..., T], job: tuple[Any, ...]) -> T:
        """Return what the function returns for these arguments in the other process."""
        request = pickle.dumps((function, job))
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            send(self._process.stdin, request)  # type: ignore[arg-type]
            returned, answer = pickle.loads(receive(self._process.stdout))  # type: ignore[arg-type]  # noqa: S301 - from our own worker
        except (OSError, EOFError, ValueError) as error:
            self.stop()
            raise WorldsError(
                f"a worker process ended before its work was done (exit code {self._process.returncode}); where memory is short, "
                "fewer of them help: --workers 1"
            ) from error
        if not returned:
            raise answer
        return answer  # type: ignore[no-any-return]

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return not self.stopped and self._process.poll() is None

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self.stopped = True
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            try:
                stream.close()
            except OSError:  # what could not be sent any more
                continue


_idle: list[_Worker] = []
"""Workers that wait for the next call."""

_inherited: list[_Worker] = []
"""After a fork, the workers of the other process: to speak with them would mix up the answers."""


def _taken() -> _Worker:
    """Return a worker that waits, or a new one."""
    while _idle:
        worker = _idle.pop()
        if worker.alive:
            return worker
        worker.stop()
    return _Worker()


@atexit.register
def _end() -> None:
    while _idle:
        _idle.pop().stop()


def _leave_to_the_other() -> None:
    _inherited.extend(_idle)
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_other)
