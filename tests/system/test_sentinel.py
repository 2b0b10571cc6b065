"""A primary that dies under its workers and producers: they follow the one that takes over."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from statistics import median
from types import SimpleNamespace
from uuid import uuid4

import pytest
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


def insisting(call: Call[[str], None], word: str) -> float:
    """Enqueue as a program does that cares: again, when it was told that nothing was enqueued;
    returns when it was done."""

    def done() -> bool:
        try:
            call.enqueue(word)
        except EnqueueError:
            return False
        return True

    wait_until(done)
    at = time.monotonic()
    Note.app.broker.client.close()  # of this thread
    return at


def test_a_service_that_no_sentinel_knows_ends_the_start(make_site: Callable[..., Site]) -> None:
    with Watched() as watched:
        site = make_site(SimpleNamespace(url=watched.url + "s"))
        worker = site.worker("--executor", "inline")
        assert worker.wait() == 1, worker.log
    assert "Traceback" not in worker.log
    name = watched.url.rpartition("/")[2]
    assert f"they know no service '{name}s': expected one of {name}" in worker.log


def test_a_primary_that_hangs_is_left_for_the_one_that_takes_over(
    make_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("server", "async_client", "loop_connections"):  # who waits for a reply is late
        monkeypatch.setattr(f"buoy.connection.{module}.SOCKET_TIMEOUT", 120.0)
    with Watched() as watched, socket.create_server(("127.0.0.1", 0)) as hung:
        first = f"redis+sentinel://127.0.0.1:{hung.getsockname()[1]},"
        url = watched.url.replace("redis+sentinel://", first)
        site = make_site(SimpleNamespace(url=url), lease=3.0)
        worker = site.worker("--executor", "inline", queues="mail")
        Note.using(queue="mail").enqueue("before")
        site.note("ran", "before")
        replicated(watched)
        os.kill(watched.servers[0].pid or 0, signal.SIGSTOP)
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            blocking = pool.submit(insisting, Note.using(queue="mail"), "blocking")
            awaiting = pool.submit(asyncio.run, awaited("awaiting"))
            promoted = when_promoted(watched)
            assert blocking.result(120) - promoted < 60
            assert awaiting.result(120) - promoted < 60
        for word in ("blocking", "awaiting"):
            site.note("ran", word)
        assert promoted - began > 0.5
        # The bell hangs no longer on the server that was left: jobs are taken at once.
        wait_until(lambda: median([delay(site) for _ in range(5)]) < 0.5)
        worker.stop()


def delay(site: Site) -> float:
    """How long a job waits; who would poll needs a second on average."""
    word, enqueued = uuid4().hex, time.monotonic()
    Note.using(queue="mail").enqueue(word)
    return site.note("ran", word).at - enqueued


def when_promoted(watched: Watched) -> float:
    """The moment from which on the sentinels name the other server."""
    other = watched.servers[1].port
    wait_until(lambda: int(watched.ask(watched.ports[1])["port"]) == other)
    return time.monotonic()


async def awaited(word: str) -> float:
    """Enqueue by awaiting, until it is done; returns when. Gives up after two minutes."""
    last = time.monotonic() + 120.0
    while time.monotonic() < last:  # each try takes half a second or more
        with suppress(EnqueueError):
            await Note.using(queue="mail", id=word).aenqueue(word)
            await Note.app.aclose()
            return time.monotonic()
    raise AssertionError(f"{word} was not enqueued")
