"""The limit of enqueueing: a push of the payload that buoy would make."""

import json
from collections.abc import Callable, Iterable

import redis

from benchmarks import jobs

CLIENT = redis.Redis.from_url(jobs.URL)
ID = "0123456789abcdef01234567"
ENCODED = '{"class":"Mark","args":[%d],"id":"' + ID + '","enqueued_at":1700000000.123}'


def enqueue(kind: str) -> Callable[[int], object]:
    return lambda number: CLIENT.rpush(jobs.QUEUE, ENCODED % number)


def enqueue_many(kind: str, numbers: Iterable[int]) -> None:
    pipeline = CLIENT.pipeline(transaction=False)
    for number in numbers:
        payload = {"class": "Mark", "args": [number], "id": ID, "enqueued_at": 1700000000.123}
        pipeline.rpush(jobs.QUEUE, json.dumps(payload))
    pipeline.execute()
