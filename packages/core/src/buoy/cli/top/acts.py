"""What the keys of ``buoy top`` do. Each act returns a line that says what it did."""

from typing import TYPE_CHECKING

from ...operations.failed_set import retry as retry_failures
from ...operations.views import JobView, QueueView, WorkerView
from ...operations.worker_commands import WorkerCommand, send_command
from ..retry_answers import KEPT_BACK

if TYPE_CHECKING:
    from ...app import App


def toggle_queue(app: "App", view: QueueView) -> str:
    """Pause a queue, or resume it."""
    app.control.pause(view.name, resume=view.paused)
    return f"queue {view.name} is {'resumed' if view.paused else 'paused'}"


def toggle_everything(app: "App", *, resume: bool) -> str:
    """Pause everything, or end that pause."""
    if resume:
        return "everything is resumed" if app.control.resume_all() else "nothing was paused"
    return "everything is paused" if app.control.pause_all() else "everything was paused already"


def toggle_worker(app: "App", view: WorkerView) -> str:
    """Tell a worker to take no jobs, or to take jobs again."""
    return tell_worker(app, view, "resume" if view.state == "paused" else "quiet")


def tell_worker(app: "App", view: WorkerView, command: WorkerCommand) -> str:
    """Send a command to a worker."""
    was_there = send_command(app.broker, command, [view.id])[view.id]
    return f"worker {view.id}: {command}" if was_there else f"worker {view.id} is gone"


def cancel_job(app: "App", view: JobView) -> str:
    """End a job, wherever it is."""
    was = app.cancel(view.id, view.queue)
    if was is None:
        return f"job {view.id} has ended already"
    return f"job {view.id} is cancelled" + ("; its run ends soon" if was == "running" else "")


def retry_failure(app: "App", view: JobView) -> str:
    """Move a failed job back to its queue."""
    answer = retry_failures(app.control, [view])[view.id]
    if answer.retried:
        kept_back = KEPT_BACK.get(answer.kind, "")
        return f"job {view.id} is {answer.kind}{kept_back or ' again'}"
    if answer.kind == "exists":
        return f"job {view.id} stays failed: job {answer.holder} holds its claim"
    return f"job {view.id} was not retried: it is not failed any more, or cannot be read"
