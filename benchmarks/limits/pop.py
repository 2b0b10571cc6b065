"""The bare blocking pop: at most once, with the lowest latency."""

import json
from typing import Any

import redis

from benchmarks import jobs


def main() -> None:
    client: Any = redis.Redis.from_url(jobs.URL)
    while True:
        popped = client.blpop([jobs.QUEUE], 0)
        jobs.mark(*json.loads(popped[1])["args"])


if __name__ == "__main__":
    main()
