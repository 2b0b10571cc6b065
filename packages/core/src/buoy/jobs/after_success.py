"""Together or not at all: the jobs that a run enqueues if it ends well, and only then.

They are kept with the run. Its settlement carries them, so that they are stored by the script that
ends it, or by none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ..errors import InvalidArguments, NoCurrentJob
from ..model.outcome import Deferred
from .facts import Facts, facts

if TYPE_CHECKING:
    from .job import Job

MOST_CHILDREN = 1000
"""How many jobs one run may enqueue so: they all go into one script."""

collecting: "ContextVar[Facts | None]" = ContextVar("buoy_after_success", default=None)
"""The run with whose good end all is enqueued that is enqueued now; None outside of such blocks."""


@contextmanager
def enqueueing_after(run: Facts) -> Iterator[None]:
    """Within the block, jobs are enqueued if and only if this run ends well."""
    check_open(run)
    token = collecting.set(run)
    try:
        yield
    finally:
        collecting.reset(token)


def is_after_success() -> bool:
    """Whether what is enqueued here waits for the good end of a run."""
    return collecting.get() is not None


def check_open(run: Facts) -> None:
    """Raise NoCurrentJob for a job that does not run."""
    if run.children is None and not run.token:
        raise NoCurrentJob(f"{run}: expected a job that runs, got one that does not run yet")
    if isinstance(run.children, tuple):
        raise NoCurrentJob(f"{run}: expected a job that runs, got one whose run has ended")


def add_child(run: Facts, job: "Job") -> Deferred:
    """Keep a job with the run, and return what its enqueueing is answered with.

    Raises InvalidArguments for a job of another app, and for too many.
    """
    check_open(run)
    known = facts(job)
    if known.app is not run.app:
        raise InvalidArguments(
            f"{known.payload.name}: expected a job of the same app as {run.payload.name}, got one "
            "of another; what two servers keep cannot change together"
        )
    if run.children is None:
        run.children = []
    assert isinstance(run.children, list)
    if len(run.children) >= MOST_CHILDREN:
        raise InvalidArguments(
            f"{run}: expected at most {MOST_CHILDREN} jobs to be enqueued after its success, got "
            "more; enqueue one that enqueues the others"
        )
    run.children.append(job)
    return Deferred(f"until job {run.id} has ended well")


def take_children(run: Facts, *, well: bool) -> Sequence["Job"]:
    """End the list of these jobs, and return it; it is empty unless the run has ended well."""
    found, run.children = run.children or (), ()
    return found if well else ()
