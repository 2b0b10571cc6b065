"""Every error that buoy raises; its docstring says when."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model.handle import Handle


class BuoyError(Exception):
    """The base class of all errors of buoy and its plugins."""


class ConfigurationError(BuoyError):
    """A setting, a job class or a command line has a value that is not valid."""


class InvalidArguments(BuoyError, TypeError):
    """A job was enqueued with arguments that its ``perform`` does not take, or JSON cannot hold."""


class PayloadTooLarge(InvalidArguments):
    """The payload of a job is longer than ``BUOY_MAX_PAYLOAD`` allows."""


class QueueFull(BuoyError):
    """A queue holds as many jobs as the ``max_length`` of the job class allows.

    ``length``: queued and delayed jobs; ``limit``: the ``max_length``.
    """

    def __init__(self, queue: str, length: int, limit: int, entered: int, wanted: int) -> None:
        super().__init__(
            f"queue {queue!r} is full: expected fewer than {limit} queued and delayed jobs, "
            f"got {length}; {entered} of {wanted} jobs were enqueued; "
            "start a worker for it, or raise max_length"
        )
        self.queue, self.length, self.limit = queue, length, limit


class ClaimHeld(BuoyError):
    """Another job holds a claim of this job, and its plugin wants an error then.

    ``handle``: what ``enqueue`` would have returned; the id of the other job is its ``holder``.
    """

    def __init__(self, name: str, handle: "Handle[Any]") -> None:
        super().__init__(
            f"{name}: expected no other job to hold its claim in queue {handle.queue!r}, "
            f"but job {handle.holder} holds it"
        )
        self.handle = handle


class NoCurrentJob(BuoyError, LookupError):
    """``current_job`` was called where no job runs, or a job enqueues others after the success of a
    run that has not begun or has ended."""


class UnknownJob(BuoyError):
    """No job class of the app that is loaded has this name."""


class CorruptPayload(BuoyError):
    """A value in Redis is not a payload of buoy."""


class SealError(BuoyError):
    """Sealed arguments, or a sealed result, cannot be opened here, or none can be sealed."""


class UnfinishedWork(BuoyError):
    """``perform`` returned a generator or the like, whose work is not done yet.

    Nobody would iterate over it, so the job fails instead of being done.
    """


class PluginError(BuoyError):
    """A plugin returned or attached something that its hook does not allow."""


class BrokerError(BuoyError):
    """Redis refused a command, and a further try would not help.

    ``sent``: whether Redis may have executed the command.
    """

    sent = False


class WrongType(BrokerError):
    """A key holds another type than buoy has given it: another program has written there."""


class Unavailable(BrokerError):
    """Redis cannot be reached, or cannot answer now; a later call may succeed."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class RedisFull(BrokerError):
    """Redis has no memory for more data. Jobs that it holds can still run."""


class EnqueueError(BuoyError):
    """An enqueue failed.

    ``enqueued``: False when the jobs are certainly not in Redis, None when that is unknown. It is
    safe to enqueue again with the same id: a job is never stored twice.
    """

    def __init__(self, reason: str, *, ids: list[str], enqueued: bool | None) -> None:
        super().__init__(reason)
        self.ids, self.enqueued = ids, enqueued


class DirtyExit(BuoyError):
    """The process that ran a job ended without a result: by a signal, or by an exit of its own.

    ``cause``: how it ended; ``seconds``: after what time; ``peak_memory``: bytes.
    """

    cause = ""
    seconds = 0.0
    peak_memory = 0


class JobTimeout(DirtyExit):
    """A job ran longer than its ``timeout``, which its class or its call has set."""

    cause = "timeout"


class MemoryExceeded(DirtyExit):
    """The process of a job used more memory than its ``max_memory``."""

    cause = "memory"


class Terminated(DirtyExit):
    """Raised inside a job when its worker stops and ends the job.

    The job goes back to its queue, and that counts as no failure. Catch this error to clean up,
    and raise it again.
    """

    cause = "worker stops"


class WorkerLost(DirtyExit):
    """A job lost its lease again and again: its workers ended while they ran it.

    ``times``: how often, in a row.
    """

    cause = "leases lost"
    times = 0
