"""Results of tasks as Django has them, made of what is known of a task."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone

from buoy.plugins.redis import JobView

from .attempts import DATA, data_of
from .interface import TaskError, TaskResult, TaskResultStatus
from .store import Record

STATUSES = {
    "queued": TaskResultStatus.READY,
    "delayed": TaskResultStatus.READY,
    "blocked": TaskResultStatus.READY,
    "running": TaskResultStatus.RUNNING,
    "failed": TaskResultStatus.FAILED,
}


def fields_of_job(view: JobView) -> Record:
    """Returns what is known of a task whose job lives, in the form of a record."""
    data: Mapping[str, Any] = view.plugin_data.get(DATA, {})
    known = {**data, "name": view.name, "args": view.args, "kwargs": view.kwargs}
    known |= {"enqueued_at": view.enqueued_at, "status": str(STATUSES[view.state])}
    if view.state == "running":
        known["workers"] = [*data.get("workers", []), view.worker]
        known |= {"attempted_at": view.since, "started_at": data.get("started_at") or view.since}
    if view.state == "failed":
        known["finished_at"] = view.at
        if not data.get("errors"):  # no process could note it
            error, story = (str(view.failure.get(name, "")) for name in ("error", "traceback"))
            known["errors"] = [{"exception_class_path": error, "traceback": story}]
    return known


def result_of(task: Any, id: str, queue: str, known: Mapping[str, Any]) -> Any:
    """Returns the result of a task, of what is known of it."""
    if task.queue_name != queue and is_valid_queue(task, queue):
        task = replace(task, queue_name=queue)
    priority = known.get("priority", task.priority)
    if priority != task.priority and type(priority) is int and -100 <= priority <= 100:
        task = replace(task, priority=priority)
    result = TaskResult(
        task=task,
        id=id,
        status=TaskResultStatus(known.get("status", "READY")),
        enqueued_at=as_datetime(known.get("enqueued_at")),
        started_at=as_datetime(known.get("started_at")),
        finished_at=as_datetime(known.get("finished_at")),
        last_attempted_at=as_datetime(known.get("attempted_at")),
        args=known.get("args", []),
        kwargs=known.get("kwargs", {}),
        backend=task.backend,
        errors=[task_error(each) for each in known.get("errors", [])],
        worker_ids=list(known.get("workers", [])),
    )
    object.__setattr__(result, "_return_value", known.get("return_value"))
    return result


def task_error(fields: Mapping[str, str]) -> Any:
    path, story = fields["exception_class_path"], fields["traceback"]
    return TaskError(exception_class_path=path, traceback=story)


def result_of_run(job: Any) -> Any:
    """Returns the result of a task that runs."""
    known = data_of(job) | {"status": str(TaskResultStatus.RUNNING)}
    known |= {"args": job.payload.args, "kwargs": job.payload.kwargs}
    known |= {"enqueued_at": job.payload.enqueued_at}
    return result_of(job.task, job.id, job.queue, known)


def is_valid_queue(task: Any, queue: str) -> bool:
    """Whether the backend of the task has this queue: an operator may have moved the job."""
    queues = task.get_backend().queues
    return not queues or queue in queues


def as_datetime(seconds: Any) -> datetime | None:
    """Returns epoch seconds as Django's settings want a time; None for None."""
    if not isinstance(seconds, int | float):
        return None
    aware = datetime.fromtimestamp(seconds, UTC)
    return aware if settings.USE_TZ else timezone.make_naive(aware)
