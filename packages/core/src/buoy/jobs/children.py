"""The jobs that a run has enqueued, as its settlement carries them."""

from typing import TYPE_CHECKING

from ..errors import InvalidArguments
from ..model.due import Due
from ..model.handover import Child, Handover
from ..model.identity import new_id
from .after_success import take_children
from .enqueueing import restart_times, run_before_enqueue
from .facts import Facts, facts

if TYPE_CHECKING:
    from .job import Job


def words_of(run: Facts) -> list[Child]:
    """Returns what the settlement of a run that has ended well carries of these jobs."""
    return [child_of(run, each) for each in take_children(run, well=True)]


def following_job(job: "Job", parent: str) -> str:
    """Returns a job that was built as a group hands it over when its members have ended.

    Its hooks are asked now. It counts as due from then on, and does not expire. Raises
    InvalidArguments if a hook keeps it out.
    """
    known = facts(job)
    verdict = run_before_enqueue(job, known.hooks())
    if verdict is not None:
        raise InvalidArguments(
            f"{known.payload.name}: expected a job that is enqueued when the members of "
            f"{parent} have ended, got one that a plugin keeps out: {verdict.reason}"
        )
    known.payload.expires_at = None
    entry = job.app._entry(job)
    if entry.due.is_now:
        entry = entry._replace(due=Due(in_ms=0))
    return Handover(new_id(), parent, known.queue, entry, known.max_length).encoded()


def child_of(run: Facts, job: "Job") -> Child:
    """Returns a job as lua/settle.lua takes it. Its times count from now.

    It goes into the run's own queue at once only if nothing can keep it out there: its id is a
    new one, nothing is attached to it, and its queue takes any number of jobs. All others are
    handed over: lua/enqueue.lua is the one place that decides whether a queue takes them.
    """
    restart_times(job)
    known, entry = facts(job), job.app._entry(job)
    plain = entry.plain and known.max_length is None and known.options.id is None
    if plain and known.queue == run.queue:
        return (entry.id, entry.payload.decode(), entry.name)
    return (Handover(new_id(), run.id, known.queue, entry, known.max_length).encoded(),)
