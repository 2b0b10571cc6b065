"""RQ: functions, in a forked child each. A script of one's own starts the worker, as RQ advises:
so the job's module is loaded before the fork, not in each child."""

import sys
from collections.abc import Callable, Iterable

from redis import Redis
from rq import Queue, SimpleWorker, Worker

from benchmarks import jobs

queue = Queue(jobs.QUEUE, connection=Redis.from_url(jobs.URL))
JOBS = {"mark": jobs.mark, "nap": jobs.nap}


def enqueue(kind: str) -> Callable[[int], object]:
    return lambda number: queue.enqueue(JOBS[kind], number, result_ttl=0)


def enqueue_many(kind: str, numbers: Iterable[int]) -> None:
    rows = [Queue.prepare_data(JOBS[kind], (number,), result_ttl=0) for number in numbers]
    queue.enqueue_many(rows)


if __name__ == "__main__":
    worker = SimpleWorker if sys.argv[1:] == ["simple"] else Worker
    worker([queue], connection=queue.connection).work(logging_level="WARNING")
