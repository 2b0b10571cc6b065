"""Limits of jobs that an executor in the worker's own process cannot keep."""

from collections.abc import Callable

from ..errors import ConfigurationError
from ..jobs.job import Job
from ..jobs.registry import registry


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


def keeps_none(job: type[Job]) -> bool:
    """False: a job that does not await cannot be cancelled."""
    return False
