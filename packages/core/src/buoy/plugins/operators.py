"""What a tool for operators may use, such as a dashboard, beside ``app.monitor`` and its like."""

from collections.abc import Sequence

from ..app import App
from ..connection.client import send_commands, together
from ..operations import worker_commands
from ..operations.claim_reader import ClaimPage, read_claim_page
from ..operations.count_reader import Period
from ..operations.counts import ClassCounts, CountsAt, sum_counts
from ..operations.doctor import examine, read_findings
from ..operations.failed_set import Filter as FailedFilter
from ..operations.failures import FailureSummary, failure_key, summarize
from ..operations.finding import Finding
from ..operations.job_filter import JobFilter
from ..operations.job_walk import Position, Walked, read_walk
from ..operations.known_job import KnownJob, facts_of, known_job
from ..operations.page_monitor import PageMonitor
from ..operations.places import Place
from ..operations.queue_counts import (
    Counted,
    QueueSizes,
    read_sizes,
    read_state_sizes,
    with_latencies,
)
from ..operations.removed_job import RemovedJob
from ..operations.timed_jobs import Heads, TimedPage, read_heads, read_timed_page
from ..operations.worker_reader import (
    Serving,
    read_serving,
    read_whole_workers,
    read_workers,
)

__all__ = [
    "ClaimPage",
    "ClassCounts",
    "Counted",
    "CountsAt",
    "FailedFilter",
    "FailureSummary",
    "Finding",
    "Heads",
    "JobFilter",
    "KnownJob",
    "PageMonitor",
    "Period",
    "Place",
    "Position",
    "QueueSizes",
    "RemovedJob",
    "Serving",
    "TimedPage",
    "Walked",
    "examine",
    "facts_of",
    "failure_key",
    "known_job",
    "page_monitor",
    "read_claim_page",
    "read_findings",
    "read_heads",
    "read_serving",
    "read_sizes",
    "read_state_sizes",
    "read_timed_page",
    "read_walk",
    "read_whole_workers",
    "read_workers",
    "send_command",
    "send_commands",
    "sum_counts",
    "summarize",
    "together",
    "with_latencies",
]


def send_command(
    app: App, command: worker_commands.WorkerCommand, workers: Sequence[str]
) -> dict[str, bool]:
    """Leave a command (stop, quiet or resume) for these workers, which read it at their next
    heartbeat; returns for each id whether the worker was there. Raises BrokerError."""
    return worker_commands.send_command(app.broker, command, workers)


def page_monitor(app: App) -> PageMonitor:
    """Returns a monitor for pages that show the same jobs again and again; keep it with the app."""
    return PageMonitor(app.broker)
