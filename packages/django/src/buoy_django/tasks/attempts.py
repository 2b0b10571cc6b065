"""What a job carries of its task from attempt to attempt: who ran it since when, and errors."""

import time
from typing import Any

from buoy import Job
from buoy.plugins import format_traceback

DATA = "django"
"""The name under which a job keeps the data of its task."""
MOST_ERRORS = 20
"""How many errors are kept: those of the last attempts."""


def data_of(job: Job) -> dict[str, Any]:
    """Returns the data of a task; it can be changed."""
    empty: dict[str, Any] = {"errors": [], "workers": [], "started_at": None, "attempted_at": None}
    data = job.plugin_data.setdefault(DATA, {})
    for name, value in empty.items():
        data.setdefault(name, value)
    return data


def note_attempt(job: Job) -> None:
    """Note once for each run who runs the task and since when."""
    data = data_of(job)
    if data.get("token") == job.token and not job.is_inline:
        return
    started = now()
    data["token"] = job.token
    data["workers"] = [*data["workers"], job.worker]
    data["attempted_at"] = started
    data["started_at"] = data["started_at"] or started


def forget_attempt(job: Job) -> None:
    """Forget who runs the task: this run is no attempt."""
    data = data_of(job)
    data["workers"] = data["workers"][:-1]


def note_error(job: Any, error: BaseException) -> None:
    """Note how a run has failed. The traceback begins in the function of the task."""
    kind, data = type(error), data_of(job)
    story = format_traceback(error, job.task.func.__code__)
    path = f"{kind.__module__}.{kind.__qualname__}"
    fields = {"exception_class_path": path, "traceback": story}
    data["errors"] = [*data["errors"], fields][-MOST_ERRORS:]


def now() -> float:
    """Returns epoch seconds, with milliseconds."""
    return round(time.time(), 3)
