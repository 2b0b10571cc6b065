"""All about a row of ``buoy top``, as a page."""

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from ...operations.views import JobView, QueueView, WorkerView
from ...text.printable import indented, one_line
from ..cells import Duration, Size, Time, format_json, format_time, whole_cell
from .rows import TopRow


def details(row: TopRow) -> tuple[str, str]:
    """Returns the title and the text of the page for a row."""
    job = row.job or (row.subject if isinstance(row.subject, JobView) else None)
    if job is not None:
        return f"job {one_line(job.id)}", job_page(job)
    view = row.subject
    measures: dict[str, Any] = {}
    if isinstance(view, WorkerView):
        measures["memory"] = Size(view.memory)
        measures["started_at"] = format_time(view.started_at)
        measures["beat_at"] = format_time(view.beat_at)
        return f"worker {one_line(view.id)}", facts(asdict(view) | measures)
    if isinstance(view, QueueView):
        measures["latency"] = Duration(view.latency)
    return f"queue {one_line(row.key)}", facts(asdict(view) | measures)


def job_page(job: JobView) -> str:
    """Returns what is known about a job, and the traceback of its failure."""
    failure = dict(job.failure)
    trace = failure.pop("traceback", None)
    failure["failed_at"] = format_time(job.at) if job.state == "failed" else None
    failure["run_time"] = failure.pop("seconds", None)
    for name, unit in (("run_time", Duration), ("peak_memory", Size)):
        with suppress(TypeError, ValueError, OverflowError):  # then it is shown as it is
            failure[name] = None if failure.get(name) is None else unit(failure[name])
    shown = {
        "class": job.name,
        "queue": job.queue,
        "state": job.state,
        "args": job.shown_args,
        "kwargs": job.shown_kwargs or None,
        "attempt": job.attempt,
        "enqueued_at": format_time(job.enqueued_at),
        **failure,
    }
    page = facts({name: value for name, value in shown.items() if value is not None})
    if trace is None:
        return page
    text = trace if isinstance(trace, str) else format_json(trace)
    return f"{page}\n\n{indented(text, first=True)}"


def facts(values: dict[str, Any]) -> str:
    """Returns a line for each value."""
    return "\n".join(f"{one_line(name):12} {whole_text(value)}" for name, value in values.items())


def whole_text(value: Any) -> str:
    """Returns a value on one line, however long it is."""
    if isinstance(value, Time):
        return value.with_clock()
    return one_line(value) if type(value) is str else whole_cell(value)
