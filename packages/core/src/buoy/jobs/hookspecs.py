"""The hooks: three moments in a job's life, and four in a worker's."""

from typing import TYPE_CHECKING, Any

import pluggy

from ..model.outcome import Deferred, Later, Rejected

if TYPE_CHECKING:
    from .job import Job

hookspec = pluggy.HookspecMarker("buoy")
hookimpl = pluggy.HookimplMarker("buoy")


class JobHooks:
    """The hooks of plugins on job classes. The first plugin that returns a value other than None
    decides."""

    @hookspec(firstresult=True)
    def before_enqueue(self, job: "Job") -> Rejected | Deferred | None:
        """Called once for each job, in the process that enqueues it. Rejected: the job is not
        enqueued. Deferred: the plugin calls ``app.submit(job)`` later. None: it is enqueued."""

    @hookspec(firstresult=True)
    def around_perform(self, job: "Job") -> Any:
        """Wraps each run. Mark it ``@hookimpl(wrapper=True)``, yield once, and return the value of
        the yield."""

    @hookspec(firstresult=True)
    def on_failure(self, job: "Job", error: BaseException) -> Later | None:
        """Called when a run has raised an error. Later: the job runs again. None: the next plugin
        decides; if none does, the job goes to the failed set."""


class WorkerHooks:
    """The hooks of workers: functions in the module that ``-a`` names."""

    @hookspec
    def worker_started(self) -> None:
        """Called when the app is loaded, before the first job. With the executor fork: in the
        nursery, so all children inherit the modules that this loads."""

    @hookspec
    def before_fork(self) -> None:
        """Called with the executor fork, in the nursery, before each child is forked. Close
        resources here that processes must not share."""

    @hookspec
    def after_fork(self) -> None:
        """Called with the executor fork, in each child, before its job. Open resources here that
        each job needs for itself."""

    @hookspec
    def worker_stopping(self) -> None:
        """Called when the last job has ended. With the executor fork: in the nursery."""
