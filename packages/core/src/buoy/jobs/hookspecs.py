"""The hooks: three moments in a job's life, and four in a worker's."""

from typing import TYPE_CHECKING, Any

import pluggy

from ..model.outcome import Deferred, Later, Rejected

if TYPE_CHECKING:
    from .job import Job

hookspec = pluggy.HookspecMarker("buoy")
hookimpl = pluggy.HookimplMarker("buoy")


class JobHooks:
    """Implemented by plugins that a job class declares. The first that decides, decides."""

    @hookspec(firstresult=True)
    def before_enqueue(self, job: "Job") -> Rejected | Deferred | None:
        """Called once, in the process that enqueues. Rejected keeps the job off its queue; Deferred
        says that the plugin will call ``app.submit(job)`` later; None lets it pass."""

    @hookspec(firstresult=True)
    def around_perform(self, job: "Job") -> Any:
        """Wraps each run: ``@hookimpl(wrapper=True)``, yield once, return what the yield gave."""

    @hookspec(firstresult=True)
    def on_failure(self, job: "Job", error: BaseException) -> Later | None:
        """Called when a run failed. Later runs the job again; None leaves it to the next plugin,
        and at last to the core, which puts it among the failed."""


class WorkerHooks:
    """Implemented as functions of the module that ``-a`` names."""

    @hookspec
    def worker_started(self) -> None:
        """The app is loaded, nothing has run yet. Under fork: in the nursery, so what is warmed
        here is there in every child."""

    @hookspec
    def before_fork(self) -> None:
        """Under fork: in the nursery, before each child. Close what must not be shared."""

    @hookspec
    def after_fork(self) -> None:
        """Under fork: in the child, before its job. Open what each job needs for itself."""

    @hookspec
    def worker_stopping(self) -> None:
        """The last job has ended. Under fork: in the nursery."""
