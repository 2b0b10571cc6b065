"""taskiq: on a list it pops a job before it runs it, on a stream it acknowledges afterwards."""

from ..subject import Promise, Subject

WORKER = "taskiq worker {app}:broker --workers 1 --log-level WARNING --max-async-tasks {slots}"


def taskiq(broker: str, promise: Promise) -> Subject:
    return Subject(
        name=f"taskiq {broker}",
        system="taskiq",
        app="benchmarks.apps.taskiq_app",
        worker=WORKER,
        slots=100,
        promise=promise,
        rate=3_000,
        environ={"BENCH_BROKER": broker},
    )


SUBJECTS = [taskiq("list", "at most once"), taskiq("stream", "at least once")]
