"""The job classes of tasks: one for each task, with the path of the task as its name."""

from inspect import iscoroutinefunction
from typing import Any, ClassVar, Literal

from buoy import Job
from buoy.plugins import check_json, find_classes_by, job_classes

from .interface import TaskContext, normalize_json, task_of_module
from .options import TaskOptions
from .plugin import TaskResults
from .results import result_of_run


class TaskJob(Job):
    """The base of the job classes of tasks."""

    task: ClassVar[Any]
    returned: Any = None
    """What the task has returned, as JSON has it."""


def perform(job: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Call the function of a task. Returns what it returns, as JSON has it."""
    return as_json(job.task.func(*context(job), *args, **kwargs))


async def aperform(job: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Await the coroutine function of a task. Returns what it returns, as JSON has it."""
    return as_json(await job.task.func(*context(job), *args, **kwargs))


def context(job: Any) -> list[Any]:
    """Returns the first argument of a task that takes its context; nothing for others."""
    return [TaskContext(task_result=result_of_run(job))] if job.task.takes_context else []


def as_json(value: Any) -> Any:
    """Returns what a task has returned; raises TypeError or NotJson if JSON cannot hold it."""
    value = normalize_json(value)
    check_json(value, "return value")
    return value


def job_class(task: Any, options: TaskOptions) -> type[Job]:
    """Returns the job class of a task, made when it is first asked for."""
    found = job_classes.get(task.module_path)
    if found is not None and getattr(getattr(found, "task", None), "func", None) is task.func:
        return found
    fields = {
        "__module__": task.func.__module__,
        "__qualname__": task.func.__qualname__,
        "__doc__": task.func.__doc__,
        "name": task.module_path,
        "queue": task.queue_name,
        "priority": level_of(task.priority),
        "plugins": [TaskResults(options.result_ttl), *options.plugins],
        "timeout": options.timeout,
        "task": task,
        "perform": aperform if iscoroutinefunction(task.func) else perform,
    }
    return type(task.func.__name__, (TaskJob,), fields)


def level_of(priority: int) -> Literal["high", "normal", "low"]:
    """Returns the priority of a job for that of a task, -100 to 100."""
    if priority == 0:
        return "normal"
    return "high" if priority > 0 else "low"


def job_class_named(path: str) -> type[Job] | None:
    """Returns the job class of the task at this path, also if its module is not imported yet; None
    if there is no such task, or its backend is not that of buoy."""
    found = job_classes.get(path)
    if found is None:
        import_task(path)
        found = job_classes.get(path)
    return found if found is not None and issubclass(found, TaskJob) else None


def import_task(path: str) -> None:
    """Make the job class of the task at this path, if there is one."""
    task = task_of_module(path)
    if task is not None and path not in job_classes:
        job_class(task, TaskOptions())


find_classes_by(import_task)
