"""``current_job``: the job that runs here. Its tasks and its threads belong to it, too."""

from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..errors import NoCurrentJob

if TYPE_CHECKING:
    from .facts import Facts
    from .job import Job

T = TypeVar("T")
MISSING: Any = object()


class Run:
    """One call of ``perform``, on the object ``performer``, until ``end``. It forgets the object at
    the end: a thread that the job has left behind must neither keep it nor take it for running."""

    __slots__ = ("performer", "token")

    def __init__(self, performer: Any) -> None:
        carry_into_threads()
        self.performer = performer
        self.token = running.set(self)

    def end(self) -> None:
        self.performer = None
        running.reset(self.token)


running: "ContextVar[Run | None]" = ContextVar("buoy_run", default=None)
"""The run to which a task or the code of a thread belongs, where a process runs several jobs."""

OUTSIDE: Any = object()
"""In place of a run: what runs here belongs to none, though its thread does."""

NOTE = "_buoy_run"
"""The attribute of a thread with the run that has started it."""


class Process:
    """What this process knows of its runs. ``job`` are the facts of the one job for which it was
    forked: every thread in it belongs to this job. The child then need not note its run anywhere
    else, for it pays for each page that it writes to."""

    def __init__(self) -> None:
        self.job: Facts | None = None
        self.carries = False


process = Process()


def belong_to(job: "Facts | None") -> None:
    """Say that this process, and the one that it forks next, run this job and no other."""
    process.job = job


@overload
def current_job() -> "Job": ...
@overload
def current_job(default: T, /) -> "Job | T": ...
def current_job(default: Any = MISSING, /) -> Any:
    """Returns the job that runs here: with ``id``, ``attempt`` and the other attributes of a run.

    It works in ``perform`` and in what that calls, in tasks, and in threads that the job starts by
    ``threading`` or gives to a ``ThreadPoolExecutor``. Outside of a job it returns the default;
    raises NoCurrentJob if there is none.
    """
    run = run_here() or process.job
    if run is not None and run.performer is not None:
        return run.performer
    if default is not MISSING:
        return default
    where = "outside of jobs" if run is None else "in what a job has left behind at its end"
    raise NoCurrentJob(
        f"current_job: expected a call within a job, got one {where}; current_job(None) returns "
        "None there"
    )


# Threads


def carry_into_threads() -> None:
    """Let threads belong to the job that starts them, and what a pool runs to the job that has
    given it to the pool. Python itself does so for tasks only.

    A thread gets a note, and its ``run`` stays as it is: others replace that, too, and expect a
    method there (Sentry does).
    """
    if process.carries:
        return
    process.carries = True
    from concurrent.futures import ThreadPoolExecutor
    from threading import Thread

    start: Any = Thread.start
    submit: Any = ThreadPoolExecutor.submit

    @wraps(start)
    def start_within(thread: Thread) -> None:
        if (run := run_here()) is not None:
            thread.__dict__[NOTE] = run
        start(thread)

    @wraps(submit)
    def submit_within(pool: Any, call: Any, /, *args: Any, **kwargs: Any) -> Any:
        return submit(pool, call_within, run_here(), call, *args, **kwargs)

    Thread.start = start_within  # type: ignore[assignment, method-assign]
    ThreadPoolExecutor.submit = submit_within  # type: ignore[method-assign]


def run_here() -> Run | None:
    """Returns the run to which this task or thread belongs, or None."""
    run = running.get()
    if run is None and process.carries:
        from threading import current_thread

        run = current_thread().__dict__.get(NOTE)
    return None if run is OUTSIDE else run


def call_within(run: Run | None, call: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call a function that belongs to this run; to none if it is None."""
    token = running.set(run or OUTSIDE)
    try:
        return call(*args, **kwargs)
    finally:
        running.reset(token)
