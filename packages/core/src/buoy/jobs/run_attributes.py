"""What a run of a job has: the attributes and methods of ``self`` in ``perform``."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, overload

from ..model.due import Due
from ..model.handle import Handle
from ..model.payload import Payload
from ..model.transition import Transition
from .after_success import enqueueing_after
from .call import Async, Call, P, Performs, R, call_of
from .facts import Bearer, fact, facts
from .progress import progress_steps

if TYPE_CHECKING:
    from ..app import App


class RunAttributes(Bearer):
    """The part of Job that objects of job classes use; each object is one run of a job."""

    app: ClassVar["App"]

    @fact
    def id(self) -> str:
        """The id of the job. It does not change between attempts."""
        return facts(self).id

    @fact
    def identifier(self) -> str:
        """The result of ``identify`` for the arguments of the job."""
        return facts(self).identifier

    @fact
    def attempt(self) -> int:
        """The number of this attempt, from 1."""
        return facts(self).attempt

    @fact
    def token(self) -> str:
        """The name of this run. It is "" while the job is being enqueued."""
        return facts(self).token

    @fact
    def worker(self) -> str:
        """The id of the worker that runs the job; "inline" if the process that enqueues it does,
        "" while it is being enqueued."""
        return facts(self).worker

    @fact
    def is_inline(self) -> bool:
        """Whether the job runs in the process that enqueues it, without a worker."""
        return facts(self).is_inline

    def progress(self, done: float, of: float | None = None, note: str | None = None) -> None:
        """Report how far this run is: ``done`` of ``of``. A plugin keeps it, such as Status of
        buoy-status; raises AttributeError if the job has none."""
        type(self).app.run_steps(progress_steps(self, done, of, note))

    async def aprogress(
        self, done: float, of: float | None = None, note: str | None = None
    ) -> None:
        """Report how far this run is, as ``progress`` does; awaits Redis."""
        await type(self).app.arun_steps(progress_steps(self, done, of, note))

    def cancelled(self) -> bool:
        """Whether this run has lost its job: it was cancelled, or another worker has it. Then it
        must stop. Only runs in threads need to ask; processes are killed, and coroutines are
        cancelled. Redis is asked at most five times a second; what it last said counts while it is
        away."""
        return type(self).app._has_lost(self)

    async def acancelled(self) -> bool:
        """Whether this run has lost its job, as ``cancelled`` tells; awaits Redis."""
        return await type(self).app._ahas_lost(self)

    @fact
    def plugin_data(self) -> dict[str, dict[str, Any]]:
        """The data (JSON) that plugins keep with the job between attempts: by name of plugin."""
        return facts(self).plugin_data

    @fact
    def payload(self) -> Payload:
        """The fields of the job that are stored in Redis."""
        return facts(self).payload

    @fact
    def transition(self) -> Transition:
        """The attachments to the next change of the job's state."""
        return facts(self).transition

    @overload
    def enqueue_after_success(
        self, job: type[Performs[P, Async[R]]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @overload
    def enqueue_after_success(
        self, job: type[Performs[P, R]] | Call[P, R], /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    def enqueue_after_success(self, job: Any, /, *args: Any, **kwargs: Any) -> Handle[Any]:
        """Enqueue another job if and only if this run ends well. ``job``: a class, or what its
        ``using`` returns.

        Both are one change in Redis: no crash leaves one without the other. The state of the handle
        is "deferred". Raises what ``enqueue`` raises; NoCurrentJob outside of a run.
        """
        call = call_of(job, "enqueue_after_success")
        with self.after_success():
            return call.enqueue(*args, **kwargs)

    def after_success(self) -> AbstractContextManager[None]:
        """Within ``with self.after_success():`` all that is enqueued is enqueued if and only if
        this run ends well, as by ``enqueue_after_success``."""
        return enqueueing_after(facts(self))

    @fact
    def due(self) -> Due:
        """When the job is due, while it is being enqueued."""
        return facts(self).due

    def __repr__(self) -> str:
        try:
            return str(facts(self))
        except AttributeError:  # made by hand
            return object.__repr__(self)
