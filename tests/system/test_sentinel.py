"""A primary that dies under its workers and producers: they follow the one that takes over."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from redis import Redis

from buoy import Call, EnqueueError
from tests.support.processes import Site, wait_until
from tests.support.sentinel import Watched

from .apps.jobs import Note, Wait

EXECUTORS = ("fork", "inline", "thread", "async")


def test_all_go_on_with_the_new_primary_and_nothing_replicated_is_lost(
    make_site: Callable[..., Site],
) -> None:
    with Watched() as watched:
        site = make_site(watched, lease=3.0)
        workers = [site.worker("--executor", each, queues=each) for each in EXECUTORS]
        for queue in EXECUTORS:
            Wait.using(queue=queue).enqueue(queue, "gate")
            Note.using(queue=queue).enqueue_many([(f"{queue}-before-{n}",) for n in range(10)])
        wait_until(lambda: sorted(site.words("began")) == sorted(EXECUTORS), what=site.logs)
        replicated(watched)

        asyncio.run(losing(watched))

        for queue in EXECUTORS:
            insisting(Note.using(queue=queue), f"{queue}-after")
        site.open("gate")
        for queue in EXECUTORS:
            site.settled(queue)
        for worker in workers:
            worker.stop()
        words = site.words()
        expected = [f"{queue}-before-{n}" for queue in EXECUTORS for n in range(10)]
        expected += [f"{queue}-after" for queue in EXECUTORS] + list(EXECUTORS)
        expected += ["awaited-before", "awaited-after"]
        assert set(words) == set(expected)
        # An outage takes no job from a live worker.
        assert sorted(site.words("began")) == sorted(EXECUTORS)


async def losing(watched: Watched) -> None:
    """Kill the primary in the midst of a program that awaits: it follows, too."""
    call = Note.using(queue=EXECUTORS[0])
    await call.aenqueue("awaited-before")
    await asyncio.to_thread(replicated, watched)
    await asyncio.to_thread(watched.kill_primary)
    while True:
        with suppress(EnqueueError):
            await call.aenqueue("awaited-after")
            break
    await Note.app.aclose()


def replicated(watched: Watched) -> None:
    """Wait until the replica has all that was written."""
    with Redis(port=watched.servers[0].port or 0) as primary:
        wait_until(lambda: primary.wait(1, 1000) == 1)


def insisting(call: Call[[str], None], word: str) -> None:
    """Enqueue as a program does that cares: again, when it was told that nothing was enqueued."""

    def done() -> bool:
        try:
            call.enqueue(word)
        except EnqueueError:
            return False
        return True

    wait_until(done, within=30.0)
