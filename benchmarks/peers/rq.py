"""RQ: a job it was running when its worker died is found after a while, and kept as failed."""

from ..subject import Promise, Subject

RECORDED: Promise = "at most once, recorded"


def rq(name: str, words: str, rate: float, *, forks: bool) -> Subject:
    return Subject(
        name=name,
        system="rq",
        app="benchmarks.apps.rq_app",
        worker=f"python -m benchmarks.apps.rq_app {words}",
        one_at_a_time=True,
        forks=forks,
        promise=RECORDED,
        rate=rate,
        bulk=True,
    )


SUBJECTS = [rq("rq", "fork", 100, forks=True), rq("rq simple", "simple", 600, forks=False)]
