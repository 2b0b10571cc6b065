"""The purchase of buoy_shop as a coroutine."""

import asyncio
import os

from benchmarks import jobs
from buoy import Job

from .buoy_app import Ways

CALLS = 3
GATEWAY = int(os.environ.get("BENCH_GATEWAY", "0"))
REQUEST = b"GET /charge HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n\r\n"


class Purchase(Job):
    queue = jobs.QUEUE

    async def perform(self, number: int) -> None:
        for _ in range(CALLS):
            reader, writer = await asyncio.open_connection("127.0.0.1", GATEWAY)
            writer.write(REQUEST)
            assert (await reader.read()).endswith(b"ok")
            writer.close()
        jobs.mark(number)


ways = Ways(purchase=Purchase)
enqueue, enqueue_many = ways.enqueue, ways.enqueue_many
