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
    PayloadTooLarge,
    PluginError,
    QueueFull,
    RedisFull,
    Terminated,
    Unavailable,
    UnfinishedWork,
    UnknownJob,
    WorkerLost,
)
from .jobs.decorator import job
from .jobs.job import Call, Job, enqueue
from .jobs.plugin import Plugin, Without, hookimpl
from .model.handle import Handle
from .model.outcome import Deferred, Later, Rejected
from .model.transition import Transition

__all__ = [
    "App",
    "BrokerError",
    "BuoyError",
    "Call",
    "ClaimHeld",
    "ConfigurationError",
    "CorruptPayload",
    "Deferred",
    "DirtyExit",
    "EnqueueError",
    "Handle",
    "InvalidArguments",
    "Job",
    "JobTimeout",
    "Later",
    "MemoryExceeded",
    "PayloadTooLarge",
    "Plugin",
    "PluginError",
    "QueueFull",
    "RedisFull",
    "Rejected",
    "Terminated",
    "Transition",
    "Unavailable",
    "UnfinishedWork",
    "UnknownJob",
    "Without",
    "WorkerLost",
    "enqueue",
    "hookimpl",
    "job",
]


def __dir__() -> list[str]:
    return __all__
