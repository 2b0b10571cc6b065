"""The backend: ``TASKS = {"default": {"BACKEND": "buoy_django.tasks.BuoyBackend"}}``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from buoy import BuoyError, Handle, Job
from buoy.plugins import checked_queue

from .attempts import DATA
from .interface import (
    BaseTaskBackend,
    TaskException,
    TaskResultDoesNotExist,
    normalize_json,
    task_enqueued,
)
from .options import TaskOptions
from .results import fields_of_job, result_of
from .store import Found, find_task, inline_record
from .task_job import job_class, job_class_named, level_of


class BuoyBackend(BaseTaskBackend):  # type: ignore[misc]  # Django is not typed
    """Runs tasks as jobs of buoy."""

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        if not any(name.startswith("buoy_django") for name in settings.INSTALLED_APPS):
            raise ImproperlyConfigured(
                f'TASKS[{alias!r}]: expected "buoy_django" in INSTALLED_APPS, which reads '
                "settings.BUOY"
            )
        self.task_options = TaskOptions.parse(alias, self.options)

    def validate_task(self, task: Any) -> None:
        """Raise InvalidTask for a task that cannot be run. Django calls this for each task that is
        declared: here its job class is made."""
        super().validate_task(task)
        job_class(task, self.task_options)

    # Enqueueing

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Enqueue a task; returns its result, which is READY.

        Raises InvalidTask; TypeError or InvalidArguments for arguments that JSON cannot hold;
        TaskException if a plugin refuses it; BrokerError.
        """
        self.validate_task(task)
        job = self.build(task, normalize_json(args), normalize_json(kwargs))
        if job.app.is_inline:
            return self.run_inline(task, job)
        handle = job.app.submit(job)
        if handle.state in ("rejected", "exists") and handle.holder is None:
            raise TaskException(f"{task.module_path}: not enqueued: {handle.reason}")
        result = self.ready_result(task, job, handle)
        task_enqueued.send(type(self), task_result=result)
        return result

    def build(self, task: Any, args: list[Any], kwargs: dict[str, Any]) -> Job:
        """Returns the job of a task that is not enqueued yet."""
        at = None if task.run_after is None else aware(task.run_after)
        kind: Any = job_class(task, self.task_options)
        given = kind.using(queue=task.queue_name, at=at, priority=level_of(task.priority))
        job: Job = given.build(*args, **kwargs)
        job.plugin_data[DATA] = {"backend": self.alias}
        if task.priority != kind.task.priority:
            job.plugin_data[DATA]["priority"] = task.priority
        return job

    def ready_result(self, task: Any, job: Job, handle: Handle[Any] | None = None) -> Any:
        id = job.id if handle is None else handle.holder or handle.id
        fields = {"args": job.payload.args, "kwargs": job.payload.kwargs}
        return result_of(task, id, job.queue, fields | {"enqueued_at": job.payload.enqueued_at})

    def run_inline(self, task: Any, job: Job) -> Any:
        """Run a task at once. Returns its result, also if the task has failed."""
        ready = self.ready_result(task, job)
        task_enqueued.send(type(self), task_result=ready)
        try:
            job.app.submit(job)
        except (Exception, SystemExit):
            if inline_record(job.id) is None:
                raise
        ended = inline_record(job.id)
        return ready if ended is None else result_of(task, job.id, job.queue, ended)

    # Results

    def get_result(self, result_id: str) -> Any:
        """Returns the result of this id; raises TaskResultDoesNotExist and BrokerError."""
        id = str(result_id)
        if (record := inline_record(id)) is not None:
            return self.read(id, ("", None, record))
        return self.read(id, Job.app.run_steps(find_task(Job.app, id, self.places())))

    async def aget_result(self, result_id: str) -> Any:
        """Returns the result of this id, awaiting Redis; see ``get_result``."""
        id = str(result_id)
        if (record := inline_record(id)) is not None:
            return self.read(id, ("", None, record))
        return self.read(id, await Job.app.arun_steps(find_task(Job.app, id, self.places())))

    def places(self) -> list[str]:
        return sorted(self.queues)

    def read(self, id: str, found: Found | None) -> Any:
        """Returns the result of what was found of a task."""
        queue, view, record = found or ("", None, None)
        known = (record or {}) if view is None else fields_of_job(view)
        kind: Any = job_class_named(known.get("name") or "")
        if kind is None:
            raise TaskResultDoesNotExist(id)
        task = replace(kind.task, backend=known.get("backend", self.alias))
        return result_of(task, id, queue or task.queue_name, known)

    # Checks

    def check(self, **kwargs: Any) -> Iterable[checks.CheckMessage]:
        """Yields an error for each queue whose name buoy does not take."""
        for queue in self.places():
            try:
                checked_queue(queue)
            except BuoyError as error:
                yield checks.Error(f"TASKS[{self.alias!r}]: QUEUES: {error}", id="buoy.E010")


def aware(time: datetime) -> datetime:
    return time if timezone.is_aware(time) else timezone.make_aware(time)
