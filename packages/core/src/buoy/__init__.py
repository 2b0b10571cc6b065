"""buoy: background jobs for Python on Redis; at least once, nothing lost, nothing stuck."""

from . import early  # noqa: F401 - before all that takes its time
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
from .handle import Handle
from .job import Call, Job, enqueue
from .outcome import Held, Later, Rejected
from .plugin import Plugin, Without, hookimpl
from .transition import Transition

# isort: split
from .function import job  # the last: .job is a module, too, until then

__all__ = [
    "App",
    "BrokerError",
    "BuoyError",
    "Call",
    "ClaimHeld",
    "ConfigurationError",
    "CorruptPayload",
    "DirtyExit",
    "EnqueueError",
    "Handle",
    "Held",
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
