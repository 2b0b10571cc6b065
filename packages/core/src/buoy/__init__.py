"""buoy: background jobs for Python on Redis; at least once, nothing lost, nothing stuck."""

from .process import early as _early  # noqa: F401 - first: the rest takes its time to load

# isort: split
from .app import App
from .errors import (
    BrokerError,
    BuoyError,
    ClaimHeld,
    ConfigurationError,
    CorruptPayload,
    DirtyExit,
    EnqueueError,
    InvalidArguments,
    JobTimeout,
    MemoryExceeded,
    NoCurrentJob,
    PayloadTooLarge,
    PluginError,
    QueueFull,
    RedisFull,
    SealError,
    Terminated,
    Unavailable,
    UnfinishedWork,
    UnknownJob,
    WorkerLost,
)
from .jobs.call import Call, aenqueue, enqueue
from .jobs.codecs.codec import Codec
from .jobs.current import current_job
from .jobs.decorator import job
from .jobs.hookspecs import hookimpl
from .jobs.job import Job
from .jobs.plugin import Plugin, Without
from .jobs.sealing import Sealer
from .model.handle import Handle
from .model.link import RESULT
from .model.outcome import Deferred, Done, Failed, Later, Rejected, Released
from .model.run_info import RunInfo
from .model.transition import Transition

__version__ = "0.1.0"
__all__ = [
    "RESULT",
    "App",
    "BrokerError",
    "BuoyError",
    "Call",
    "ClaimHeld",
    "Codec",
    "ConfigurationError",
    "CorruptPayload",
    "Deferred",
    "DirtyExit",
    "Done",
    "EnqueueError",
    "Failed",
    "Handle",
    "InvalidArguments",
    "Job",
    "JobTimeout",
    "Later",
    "MemoryExceeded",
    "NoCurrentJob",
    "PayloadTooLarge",
    "Plugin",
    "PluginError",
    "QueueFull",
    "RedisFull",
    "Rejected",
    "Released",
    "RunInfo",
    "SealError",
    "Sealer",
    "Terminated",
    "Transition",
    "Unavailable",
    "UnfinishedWork",
    "UnknownJob",
    "Without",
    "WorkerLost",
    "aenqueue",
    "current_job",
    "enqueue",
    "hookimpl",
    "job",
]


def __dir__() -> list[str]:
    return __all__
