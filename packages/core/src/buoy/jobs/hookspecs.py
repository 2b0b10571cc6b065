"""The hooks: moments in the life of a job, and in that of a worker."""

from typing import TYPE_CHECKING, Any

import pluggy

from ..model.handle import Handle
from ..model.outcome import Deferred, Later, Rejected
from ..model.run_info import RunInfo
from .codecs.codec import Codec
from .sealing import Sealer

if TYPE_CHECKING:
    from ..connection.client import RedisSteps
    from .job import Job

hookspec = pluggy.HookspecMarker("buoy")
hookimpl = pluggy.HookimplMarker("buoy")


class JobHooks:
    """The hooks of plugins, on job classes or app-wide.

    ``before_enqueue``, ``codec_for``, ``sealer``, ``around_perform``, ``keep_progress`` and
    ``on_failure`` decide: the first plugin that returns a value other than None. The others only
    observe: all plugins are called, what they return is ignored, and an error that one of them
    raises is logged.
    """

    @hookspec(firstresult=True)
    def before_enqueue(self, job: "Job") -> Rejected | Deferred | None:
        """Called once for each job, in the process that enqueues it. Rejected: the job is not
        enqueued. Deferred: the plugin calls ``app.submit(job)`` later. None: it is enqueued."""

    @hookspec(firstresult=True)
    def codec_for(self, annotation: Any) -> Codec | None:
        """Called once for each annotation in the parameters of ``perform``, unless JSON has the
        type. Codec: values of this type are stored as it says. None: the next plugin decides, then
        buoy itself. A process that enqueues a job and one that runs it must agree."""

    @hookspec(firstresult=True)
    def sealer(self) -> Sealer | None:
        """Called when a job is made or begins, and for its result. Sealer: arguments and result are
        stored as it says, and shown as ``[sealed]``. None: the next plugin decides; if none does,
        they are stored as they are."""

    @hookspec
    def after_enqueue(self, job: "Job", handle: Handle[Any]) -> None:
        """Called when Redis has answered, in the process that enqueues the job. ``handle`` tells
        whether the job is queued or delayed, or why it was kept out."""

    @hookspec
    def after_reserve(self, run: RunInfo) -> None:
        """Called when a process that runs jobs has received the job. With the executor fork: in the
        nursery."""

    @hookspec
    def before_run(self, job: "Job", run: RunInfo) -> None:
        """Called right before ``around_perform``, in the process that runs the job."""

    @hookspec(firstresult=True)
    def around_perform(self, job: "Job") -> Any:
        """Wraps each run. Mark it ``@hookimpl(wrapper=True)``, yield once, and return the value of
        the yield."""

    @hookspec(firstresult=True)
    def keep_progress(
        self, job: "Job", done: float, of: float | None, note: str | None
    ) -> "RedisSteps[None] | None":
        """Called when a run reports by ``job.progress`` that ``done`` of ``of`` is done. Steps:
        they are taken, blocking or awaiting as the run does. None: the next plugin decides; if none
        does, ``job.progress`` raises AttributeError."""

    @hookspec(firstresult=True)
    def on_failure(self, job: "Job", error: BaseException) -> Later | None:
        """Called when a run has raised an error. Later: the job runs again. None: the next plugin
        decides; if none does, the job goes to the failed set."""

    @hookspec
    def after_run(self, job: "Job | None", run: RunInfo) -> None:
        """Called when the outcome of a run is decided, before it is settled: ``job.transition``
        still takes attachments. ``job`` is None when its class could not be loaded. A process that
        died cannot be told; then the process that settles its job is."""


class WorkerHooks:
    """The hooks of workers: of app-wide plugins, and functions in the modules that ``-a`` names."""

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
    def before_exit(self) -> None:
        """Called with the executor fork, at the end of each child, when the outcome of its job is
        on its way. With the others: when the worker ends though a job in it runs on after the grace
        time. It has about 2 seconds, then the process is killed. Send here what is buffered."""

    @hookspec
    def worker_stopping(self) -> None:
        """Called when the last job has ended. With the executor fork: in the nursery."""
