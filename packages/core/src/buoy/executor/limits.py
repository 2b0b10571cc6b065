"""Limits of jobs that an executor in the worker's own process cannot keep."""

from collections.abc import Callable

from ..errors import ConfigurationError, CorruptPayload
from ..jobs.job import Job
from ..jobs.registry import registry
from ..jobs.relay import Relay
from ..jobs.run import run, settle_unloaded
from ..model.payload import Payload
from ..model.reservation import Reservation, Settlement


def refuse_limits(executor: str, *, keeps_timeout: Callable[[type[Job]], bool]) -> None:
    """Raise ConfigurationError if a job class has a limit that this executor cannot keep."""
    broken = {
        "timeout": [j for j in registry.values() if j.timeout is not None and not keeps_timeout(j)],
        "max_memory": [j for j in registry.values() if j.max_memory is not None],
    }
    for limit, jobs in broken.items():
        if jobs:
            names = ", ".join(job.name for job in jobs)
            raise ConfigurationError(
                f"--executor {executor}: expected jobs without {limit}, got {names}; a job in the "
                "worker's own process cannot be stopped by force: use --executor fork"
            )


def run_in_process(reservation: Reservation, app_hooks: Relay | None = None) -> Settlement:
    """Run a job as ``jobs.run.run`` does; it fails if it has limits of its own, by ``using``, that
    cannot be kept here."""
    limits = own_limits(reservation.payload)
    if not limits:
        return run(reservation, app_hooks)
    error = ConfigurationError(
        f"expected a job without {' and '.join(limits)}, got one with using({limits[0]}=...): a "
        "job in the worker's own process cannot be stopped by force; let a worker with "
        "--executor fork serve its queue, and retry it"
    )
    return settle_unloaded(reservation, error, app_hooks)


def own_limits(payload: str) -> list[str]:
    """Returns the names of the limits that a job has of its own. Most payloads are not decoded for
    that."""
    if '"limits"' not in payload:
        return []
    try:
        return sorted(Payload.decoded(payload).limits or ())
    except (CorruptPayload, RecursionError):
        return []


def keeps_none(job: type[Job]) -> bool:
    """False: a job that does not await cannot be cancelled."""
    return False
