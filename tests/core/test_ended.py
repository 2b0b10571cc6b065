"""A run is over when its work is: what comes back is awaited, or the job has failed."""

import asyncio
import contextlib
import functools
import itertools
import json
import re
import types
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from buoy import App, Job, Plugin, UnfinishedWork, hookimpl
from buoy.executor.async_run import arun
from buoy.jobs.run import load_run, run
from buoy.model.payload import Payload
from buoy.model.reservation import Reservation, Settlement

WORK: list[str] = []
RESULTS: list[Any] = []


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    WORK.clear()
    RESULTS.clear()


def work(*_: Any) -> str:
    WORK.append("done")
    return "result"


async def awork() -> str:
    await asyncio.sleep(0)
    return work()


@types.coroutine
def old_work() -> Generator[Any, Any, str]:
    return (yield from awork().__await__())


class Works:
    def __await__(self) -> Generator[Any, Any, str]:
        return awork().__await__()


async def another() -> Any:
    return awork()


def generates() -> Iterator[int]:
    work()
    yield 1


async def agenerates() -> Any:
    work()
    yield 1


async def generates_at_last() -> Any:
    return generates()


AWAITED: dict[str, Callable[[], Any]] = {
    "coroutine": awork,
    "of a generator": old_work,
    "with __await__": Works,
    "of another": another,
    "partial": functools.partial(awork),
    "thread": lambda: ThreadPoolExecutor(1).submit(work),
}
UNFINISHED: dict[str, tuple[Callable[[], Any], str]] = {
    "generator": (generates, "generator"),
    "async generator": (agenerates, "async_generator"),
    "in a coroutine": (generates_at_last, "generator"),
    "expression": (lambda: (work() for _ in "ab"), "generator"),
    "map": (lambda: map(work, "ab"), "map"),
    "filter": (lambda: filter(work, "ab"), "filter"),
    "zip": (lambda: zip(map(work, "ab"), "ab", strict=True), "zip"),
    "starmap": (lambda: itertools.starmap(work, ["ab"]), "starmap"),
    "context": (contextlib.contextmanager(generates), "_GeneratorContextManager"),
    "async context": (
        contextlib.asynccontextmanager(agenerates),
        "_AsyncGeneratorContextManager",
    ),
}
VALUES: dict[str, Any] = {
    "iterator": iter([1]),
    "object": object(),
    "class": Works,
    "function": work,
    "generator function": generates,
    "lock": contextlib.nullcontext(),
}


class Returns(Job):
    name = "ended.returns"

    def perform(self, kind: str) -> Any:
        if kind in VALUES:
            return VALUES[kind]
        return AWAITED[kind]() if kind in AWAITED else UNFINISHED[kind][0]()


class Awaits(Returns):
    name = "ended.awaits"

    async def perform(self, kind: str) -> Any:
        return super().perform(kind)


@dataclass(frozen=True)
class Hears(Plugin):
    @hookimpl(wrapper=True)
    def around_perform(self) -> Generator[None, Any, Any]:
        RESULTS.append((yield))
        return RESULTS[-1]


def with_plugin(job: type[Job]) -> Any:
    return type(job.__name__, (job,), {"name": f"{job.name}.heard", "plugins": [Hears()]})


def held(job: type[Job], kind: str) -> Reservation:
    text = Payload(job.name, [kind], {}, "a1").encoded()
    return Reservation("a1", "7:w:1", "mail", text, worker="w")


def awaited(held: Reservation) -> Settlement:
    return asyncio.run(arun(held, load_run(held)))


WAYS: dict[str, tuple[Callable[[Reservation], Settlement], type[Job]]] = {
    "run": (run, Returns),
    "run a coroutine": (run, Awaits),
    "on a loop": (awaited, Awaits),
}


@pytest.mark.parametrize("way", WAYS)
class TestRun:
    @pytest.mark.parametrize("kind", AWAITED)
    def test_an_awaitable_that_perform_returns_is_awaited(self, way: str, kind: str) -> None:
        runs, job = WAYS[way]

        assert runs(held(job, kind)).outcome == "done"
        assert WORK == ["done"]
        assert runs(held(with_plugin(job), kind)).outcome == "done"
        assert RESULTS == ["result"]

    @pytest.mark.parametrize("kind", UNFINISHED)
    def test_perform_that_returns_work_not_begun_fails(self, way: str, kind: str) -> None:
        runs, job = WAYS[way]
        for each in (job, with_plugin(job)):
            settlement = runs(held(each, kind))

            assert settlement.outcome == "failed"
            record = json.loads(settlement.payload)["failure"]
            assert (record["error"], record["message"]) == (
                "buoy.errors.UnfinishedWork",
                f"perform returned {UNFINISHED[kind][1]!r}, of which nothing has run: expected a "
                "value, or something to await; do the work in perform, for example with list(...)",
            )
        assert (WORK, RESULTS) == ([], [])

    @pytest.mark.parametrize("kind", VALUES)
    def test_any_other_return_value_is_done(self, way: str, kind: str) -> None:
        runs, job = WAYS[way]

        assert runs(held(job, kind)).outcome == "done"


async def await_work() -> None:
    WORK.append("done")


class ReturnsMany(Job):
    def perform(self, kind: str) -> Any:
        made = [await_work(), await_work()]
        LEFT.extend(made)
        return made if kind == "list" else tuple(made)


LEFT: list[Any] = []


@pytest.mark.parametrize("kind", ["list", "tuple"])
def test_coroutines_in_a_row_have_not_begun_either(buoy_app: App, kind: str) -> None:
    told = f"^perform returned a {kind} of coroutines, of which nothing has run: await each"
    with pytest.raises(UnfinishedWork, match=told):
        buoy_app.perform(buoy_app.build(ReturnsMany, kind))
    for each in LEFT:
        each.close()
    assert WORK == []


def test_unfinished_work_is_an_error_inline_and_by_hand(buoy_app: App) -> None:
    told = re.escape("perform returned 'map', of which nothing has run")
    with buoy_app.inline():
        Returns.enqueue("with __await__")
        with pytest.raises(UnfinishedWork, match=told):
            Returns.enqueue("map")
    assert buoy_app.perform(buoy_app.build(Returns, "coroutine")) == "result"
    with pytest.raises(UnfinishedWork, match=told):
        buoy_app.perform(buoy_app.build(Returns, "map"))
    assert WORK == ["done", "done"]


async def enqueued_on_a_loop(app: App) -> None:
    with app.inline():
        await Returns.aenqueue("with __await__")


def test_unfinished_work_is_an_error_inline_on_an_event_loop(buoy_app: App) -> None:
    asyncio.run(enqueued_on_a_loop(buoy_app))

    assert WORK == ["done"]
