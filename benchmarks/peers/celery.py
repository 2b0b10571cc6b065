"""Celery: acknowledges a job before it runs, unless it is configured to do so afterwards."""

from ..subject import Promise, Subject

WORKER = (
    "celery -A {app} worker -l WARNING -Q bench "
    "--without-gossip --without-mingle --without-heartbeat -c {slots} -P "
)
EARLY: Promise = "at most once"


def celery(name: str, pool: str, slots: int, rate: float, app: str, promise: Promise) -> Subject:
    return Subject(
        name=name,
        system="celery",
        app=f"benchmarks.apps.{app}",
        worker=WORKER + pool,
        slots=slots,
        promise=promise,
        rate=rate,
    )


SUBJECTS = [
    celery("celery prefork", "prefork", 1, 1_000, "celery_app", EARLY),
    celery("celery prefork, late", "prefork", 1, 1_000, "celery_late_app", "at least once"),
    celery("celery threads", "threads", 10, 1_500, "celery_app", EARLY),
]
