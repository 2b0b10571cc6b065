"""All metrics: what each tells, with its labels and its unit."""

from collections.abc import Iterator

from buoy.plugins.redis import ClassCounts, Histogram, WorkerView

from .reading import Reading
from .series import Labels, Series, counter, gauge, histogram

STATES = ("queued", "blocked", "delayed", "running", "failed")
OF_CLASS = ("queue", "job_class")

Number = tuple[Labels, float]

# Queues


@gauge("buoy_queue_jobs", "Jobs of a queue, by state.", "queue", "state")
def queue_jobs(reading: Reading) -> Iterator[Number]:
    for queue in reading.queues:
        for state in STATES:
            yield (queue.name, state), getattr(queue, state)


@gauge(
    "buoy_queue_latency_seconds",
    "The age of the oldest job that is due and that no worker has taken; 0 without one.",
    "queue",
)
def queue_latency(reading: Reading) -> Iterator[Number]:
    for queue in reading.queues:
        yield (queue.name,), queue.latency


@gauge("buoy_queue_paused", "1 if the queue is paused, or everything; else 0.", "queue")
def queue_paused(reading: Reading) -> Iterator[Number]:
    for queue in reading.queues:
        yield (queue.name,), queue.paused or reading.paused


@gauge("buoy_queue_workers", "Workers that take jobs from the queue.", "queue")
def queue_workers(reading: Reading) -> Iterator[Number]:
    alike: dict[str, list[WorkerView]] = {}  # most workers of a fleet serve the same list
    for worker in reading.workers:
        if worker.state == "running":
            alike.setdefault(worker.queues, []).append(worker)
    for queue in reading.queues:
        serving = [group for group in alike.values() if group[0].serves(queue.name)]
        yield (queue.name,), sum(map(len, serving))


# Jobs and runs, by class


@counter("buoy_jobs_enqueued_total", "Jobs that were enqueued.", *OF_CLASS)
def enqueued(reading: Reading) -> Iterator[Number]:
    return ((of_class(each), each.enqueued) for each in reading.counts)


@counter("buoy_jobs_done_total", "Jobs that are done.", *OF_CLASS)
def done(reading: Reading) -> Iterator[Number]:
    return ((of_class(each), each.done) for each in reading.counts)


@counter("buoy_jobs_failed_total", "Jobs that have gone to the failed set.", *OF_CLASS)
def failed(reading: Reading) -> Iterator[Number]:
    return ((of_class(each), each.failed) for each in reading.counts)


@counter("buoy_jobs_rejected_total", "Jobs that ended without a run, as expired ones.", *OF_CLASS)
def rejected(reading: Reading) -> Iterator[Number]:
    return ((of_class(each), each.rejected) for each in reading.counts)


@counter("buoy_runs_retried_total", "Runs after which the job runs again later.", *OF_CLASS)
def retried(reading: Reading) -> Iterator[Number]:
    return ((of_class(each), each.retried) for each in reading.counts)


@counter("buoy_runs_released_total", "Jobs that a worker gave back unsettled.", *OF_CLASS)
def released(reading: Reading) -> Iterator[Number]:
    return ((of_class(each), each.released) for each in reading.counts)


@counter("buoy_runs_lost_total", "Runs that were lost with their worker or its nursery.", *OF_CLASS)
def lost(reading: Reading) -> Iterator[Number]:
    return ((of_class(each), each.lost) for each in reading.counts)


@histogram(
    "buoy_job_waiting_seconds",
    "Seconds from when a job was due to when a worker took it, of each run.",
    *OF_CLASS,
)
def waiting(reading: Reading) -> Iterator[tuple[Labels, Histogram]]:
    return ((of_class(each), each.waiting) for each in reading.counts)


@histogram("buoy_job_run_seconds", "Seconds that each run took.", *OF_CLASS)
def running(reading: Reading) -> Iterator[tuple[Labels, Histogram]]:
    return ((of_class(each), each.running) for each in reading.counts)


def of_class(counts: ClassCounts) -> Labels:
    """Returns the labels of the counts of a class."""
    return counts.queue, counts.name


# Workers


@gauge("buoy_workers", "Workers, by state.", "state")
def workers(reading: Reading) -> Iterator[Number]:
    for worker in reading.workers:
        yield (worker.state,), 1


@gauge("buoy_worker_slots", "Jobs that the worker can run at once.", "worker")
def worker_slots(reading: Reading) -> Iterator[Number]:
    for worker in reading.workers:
        yield (worker.id,), worker.slots


@gauge("buoy_worker_busy_slots", "Jobs that the worker runs.", "worker")
def worker_busy_slots(reading: Reading) -> Iterator[Number]:
    for worker in reading.workers:
        yield (worker.id,), worker.busy


@gauge(
    "buoy_worker_memory_bytes",
    "Memory of the worker with the processes that run its jobs.",
    "worker",
)
def worker_memory(reading: Reading) -> Iterator[Number]:
    for worker in reading.workers:
        yield (worker.id,), worker.memory


# The scrape itself


@gauge("buoy_redis_up", "1 if Redis told all that was asked, else 0.")
def redis_up(reading: Reading) -> Iterator[Number]:
    yield (), reading.is_complete


@gauge("buoy_scrape_duration_seconds", "Seconds that it took to read these numbers of Redis.")
def scrape_duration(reading: Reading) -> Iterator[Number]:
    yield (), reading.seconds


@counter("buoy_scrape_errors_total", "Errors of reading Redis since this process began.")
def scrape_errors(reading: Reading) -> Iterator[Number]:
    yield (), reading.all_errors


SERIES: tuple[Series, ...] = (
    queue_jobs,
    queue_latency,
    queue_paused,
    queue_workers,
    enqueued,
    done,
    failed,
    rejected,
    retried,
    released,
    lost,
    waiting,
    running,
    workers,
    worker_slots,
    worker_busy_slots,
    worker_memory,
    redis_up,
    scrape_duration,
    scrape_errors,
)
"""All metrics, in the order of the page."""
