"""Celery, without results."""

from collections.abc import Callable

from celery import Celery

from benchmarks import jobs

app = Celery("bench", broker=jobs.URL)
app.conf.update(
    task_ignore_result=True,
    task_default_queue=jobs.QUEUE,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task
def mark(number: int) -> None:
    jobs.mark(number)


@app.task
def nap(number: int) -> None:
    jobs.nap(number)


JOBS = {"mark": mark, "nap": nap}


def enqueue(kind: str) -> Callable[[int], object]:
    return JOBS[kind].delay
