"""A purchase: three calls of a slow HTTP API, one after the other."""

import os
from http.client import HTTPConnection

from benchmarks import jobs
from buoy import Job

from .buoy_app import Ways

CALLS = 3
GATEWAY = int(os.environ.get("BENCH_GATEWAY", "0"))
"""The port of the API."""


class Purchase(Job):
    queue = jobs.QUEUE

    def perform(self, number: int) -> None:
        for _ in range(CALLS):
            connection = HTTPConnection("127.0.0.1", GATEWAY, timeout=60)
            connection.request("GET", "/charge")
            assert connection.getresponse().read() == b"ok"
            connection.close()
        jobs.mark(number)


ways = Ways(purchase=Purchase)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
