"""Every error that buoy raises; the docstring says when you meet it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .model.handle import Handle


class BuoyError(Exception):
    """The root of all errors of buoy and its plugins."""


class ConfigurationError(BuoyError):
    """A setting, a job class or a command line says something that cannot be meant."""


class InvalidArguments(BuoyError, TypeError):
    """A job was enqueued with arguments that its ``perform`` or JSON cannot take."""


class PayloadTooLarge(InvalidArguments):
    """The payload of a job is longer than ``BUOY_MAX_PAYLOAD`` allows."""


class QueueFull(BuoyError):
    """A queue already holds as many jobs as the ``max_length`` of the job class allows."""

    def __init__(self, queue: str, length: int, limit: int, entered: int, wanted: int) -> None:
        super().__init__(
            f"queue {queue!r} is full: expected fewer than {limit} waiting and delayed jobs, "
            f"got {length}; {entered} of {wanted} jobs were enqueued; "
            "start a worker for it, or raise max_length"
        )
        self.queue, self.length, self.limit = queue, length, limit


class ClaimHeld(BuoyError):
    """Another job holds what a plugin of this one claims, and the plugin calls that an error.

    ``handle``: what ``enqueue`` would have answered; the id of the other job is its ``holder``.
    """

    def __init__(self, name: str, handle: "Handle[Any]") -> None:
        super().__init__(
            f"{name}: expected nobody in its place in queue {handle.queue!r}, "
            f"but job {handle.holder} holds it"
        )
        self.handle = handle


class UnknownJob(BuoyError):
    """No job class of the loaded app has the name that was asked for."""


class CorruptPayload(BuoyError):
    """What lies in Redis is not a payload of buoy."""


class UnfinishedWork(BuoyError):
    """What ``perform`` returned would do its work only if somebody iterated over it: the job would
    seem to be done, and is not."""


class PluginError(BuoyError):
    """A plugin does not keep to the contract of its hook."""


class BrokerError(BuoyError):
    """Redis refused a command, and asking again would not help.

    ``sent`` tells whether the command may have been executed all the same.
    """

    sent = False


class WrongType(BrokerError):
    """A key holds another type than buoy has given it: somebody else has written there."""


class Unavailable(BrokerError):
    """Redis cannot be reached, or cannot answer for now; the same call may go through later."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class RedisFull(BrokerError):
    """Redis has no memory for what would be added. What is there can still be worked off."""


class EnqueueError(BuoyError):
    """An enqueue did not go through.

    ``enqueued`` is False when the job is certainly not in Redis, and None when nobody can tell;
    enqueueing again with the same id never doubles it.
    """

    def __init__(self, reason: str, *, ids: list[str], enqueued: bool | None) -> None:
        super().__init__(reason)
        self.ids, self.enqueued = ids, enqueued


class DirtyExit(BuoyError):
    """The process that ran a job ended without a result: a signal, or an exit of its own.

    Says by what, after how many seconds, and how much memory (bytes) it had held at its peak.
    """

    cause = ""
    seconds = 0.0
    peak_memory = 0


class JobTimeout(DirtyExit):
    """A job ran longer than the ``timeout`` of its class."""

    cause = "timeout"


class MemoryExceeded(DirtyExit):
    """The process of a job held more memory than the ``max_memory`` of its class."""

    cause = "memory"


class Terminated(DirtyExit):
    """Raised in a job whose worker stops, and ends it by the TERM signal: the job is put back, and
    that counts as no failure. Catch it to tidy up, and raise it again."""

    cause = "worker stops"
    by_worker = False


class WorkerLost(DirtyExit):
    """The worker of a job vanished again and again while it held the job."""

    cause = "leases lost"
