"""TaskTiger: a job of a worker that died is found after a minute, and kept as failed."""

from ..subject import Subject


def tasktiger(name: str, executor: str, rate: float, *, forks: bool) -> Subject:
    return Subject(
        name=name,
        system="tasktiger",
        app="benchmarks.apps.tasktiger_app",
        worker=f"python -m benchmarks.apps.tasktiger_app {executor}",
        one_at_a_time=True,
        forks=forks,
        promise="at most once, recorded",
        rate=rate,
    )


SUBJECTS = [
    tasktiger("tasktiger", "fork", 300, forks=True),
    tasktiger("tasktiger sync", "sync", 2_500, forks=False),
]
