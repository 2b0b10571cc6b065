"""The producer: a separate process in the environment of the system that it enqueues with.

python -m benchmarks.produce APP WAY KIND FIRST COUNT SECONDS

Prints as JSON how long the enqueueing took. APP is a module with ``enqueue(kind)``, which returns a
function that enqueues one job by its number. It may have ``enqueue_many(kind, numbers)``, and
``enqueue_at(kind)``, which returns a function of a job's number and due time (epoch seconds). Each
may be a coroutine function.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module
from inspect import isawaitable, iscoroutinefunction
from typing import Any

CHUNK = 1000

Enqueue = Callable[..., Awaitable[object] | object]


async def await_if_needed(answer: object) -> object:
    """Return the answer, awaited if it is awaitable."""
    return await answer if isawaitable(answer) else answer


async def each(app: Any, kind: str, numbers: range, seconds: float) -> None:
    """Enqueue one job a call."""
    enqueue: Enqueue = app.enqueue(kind)
    if iscoroutinefunction(enqueue):
        for number in numbers:
            await enqueue(number)
    else:
        for number in numbers:
            enqueue(number)


async def many(app: Any, kind: str, numbers: range, seconds: float) -> None:
    """Enqueue a thousand jobs a call; one a call if the app cannot."""
    if not hasattr(app, "enqueue_many"):
        return await each(app, kind, numbers, seconds)
    for first in range(0, len(numbers), CHUNK):
        await await_if_needed(app.enqueue_many(kind, numbers[first : first + CHUNK]))
    return None


async def paced(app: Any, kind: str, numbers: range, seconds: float) -> None:
    """Enqueue one job after the other with pauses; record the times on the board."""
    enqueue: Enqueue = app.enqueue(kind)
    for number in numbers:
        await asyncio.sleep(seconds)
        board().sent[number] = time.monotonic()
        await await_if_needed(enqueue(number))


async def due(app: Any, kind: str, numbers: range, seconds: float) -> None:
    """Enqueue jobs that are due later, spread over ``seconds``; record the times on the board."""
    enqueue_at: Enqueue = app.enqueue_at(kind)
    start = time.time() + 1.0 + len(numbers) / 3000
    for place, number in enumerate(numbers):
        when = start + seconds * place / len(numbers)
        board().sent[number] = when - time.time() + time.monotonic()
        await await_if_needed(enqueue_at(number, when))


def board() -> Any:
    """Returns the board of the jobs."""
    return import_module("benchmarks.jobs").BOARD


WAYS: dict[str, Callable[[Any, str, range, float], Awaitable[None]]]
WAYS = {"each": each, "many": many, "paced": paced, "due": due}


async def main(words: Iterable[str]) -> None:
    name, way, kind, first, count, seconds = words
    app = import_module(name)
    numbers = range(int(first), int(first) + int(count))
    # The first calls connect and load scripts: that is not the cost of enqueueing.
    warm = min(10, len(numbers) // 10) if way in ("each", "many") else 0
    await WAYS[way](app, kind, numbers[:warm], 0.0)
    started, cpu = time.perf_counter(), time.process_time()
    await WAYS[way](app, kind, numbers[warm:], float(seconds))
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - cpu}
    print(json.dumps(took | {"jobs": len(numbers) - warm}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
