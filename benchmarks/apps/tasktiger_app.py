"""TaskTiger, its worker started by a script of one's own, so that it logs warnings only."""

import logging
import sys
from collections.abc import Callable

import redis
import structlog
from tasktiger import TaskTiger
from tasktiger.executor import ForkExecutor, SyncExecutor

from benchmarks import jobs

logging.basicConfig(level=logging.WARNING)
structlog.configure(
    processors=[structlog.stdlib.filter_by_level, structlog.processors.JSONRenderer()],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
tiger = TaskTiger(connection=redis.Redis.from_url(jobs.URL, decode_responses=True))
JOBS = {"mark": jobs.mark, "nap": jobs.nap}


def enqueue(kind: str) -> Callable[[int], object]:
    return lambda number: tiger.delay(JOBS[kind], args=[number], queue=jobs.QUEUE)


if __name__ == "__main__":
    executor = SyncExecutor if sys.argv[1:] == ["sync"] else ForkExecutor
    tiger.run_worker(queues=jobs.QUEUE, executor_class=executor)
