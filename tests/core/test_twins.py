"""Methods for programs that await: each does what its twin for programs that block does."""

import asyncio
import inspect
import pydoc
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from typing import Any, TypeVar

import pytest

import buoy
from buoy import App, BrokerError, Call, Job
from buoy.connection.client import RedisSteps
from buoy.connection.twins import (
    Page,
    PageSteps,
    all_of,
    awaiting,
    awaiting_pages,
    blocking,
    blocking_pages,
    first_of,
    map_pages,
    merge_pages,
    pages_of,
    steps_of,
)
from buoy.operations.control import Control
from buoy.operations.failures import Failures
from buoy.operations.monitor import Monitor
from buoy.operations.views import JobView, QueueView
from buoy.testing import drain
from tests.support.cluster import Cluster

T = TypeVar("T")
OF_OPERATORS = {"take", "settle", "take_failed", "keep_failed"}
"""Half of a move, which commands alone make; they block."""


class Ship(Job):
    queue = "harbor"

    def perform(self, crate: int, fragile: bool = False) -> None:
        if crate < 0:
            raise ValueError("no such crate")


@pytest.fixture(params=["server", "cluster"])
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    """An app on one server, and again on a cluster."""
    if request.param == "server":
        app: App = request.getfixturevalue("buoy_app")
        yield app
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    app = App(cluster.url)
    for server in cluster.servers:
        App(server.url).command("FLUSHALL")
    monkeypatch.setattr(Job, "app", app)
    yield app


def run(program: Coroutine[Any, Any, T]) -> T:
    async def whole() -> T:
        try:
            return await program
        finally:
            await Job.app.aclose()

    return asyncio.run(whole())


async def collected(found: AsyncIterator[T]) -> list[T]:
    return [each async for each in found]


class TestNames:
    @pytest.mark.parametrize("owner", [App, Monitor, Control, Failures, Job, Call, buoy])
    def test_what_waits_for_redis_has_a_twin_with_equal_parameters(self, owner: Any) -> None:
        names = {name for name in dir(owner) if not name.startswith("_")}
        twins = {n for n in names if n[0] == "a" and n[1:] in names and callable(getattr(owner, n))}
        wrapped = {n for n in names if hasattr(getattr(owner, n, None), "__wrapped__")}
        waits = wrapped - twins

        internal = {"inline", "ask", "ids_of_class", "payloads", "views_in"} | OF_OPERATORS
        assert {name for name in waits - internal if f"a{name}" not in twins} == set()
        for twin in twins:
            parameters = [
                list(inspect.signature(getattr(owner, name)).parameters)
                for name in (twin, twin[1:])
            ]
            assert parameters[0] == parameters[1], twin

    def test_a_twin_tells_its_name_and_what_it_does(self) -> None:
        assert (App.afind.__name__, App.afind.__qualname__) == ("afind", "JobAccess.afind")
        assert inspect.iscoroutinefunction(App.afind)
        doc = inspect.getdoc(App.afind) or ""
        assert doc.startswith("Returns the job and where it is;")
        assert doc.endswith("This is ``find`` for programs that await.")

    @pytest.mark.parametrize("owner", [App, Monitor, Control, Failures])
    def test_tools_show_what_is_returned_and_no_steps(self, owner: Any) -> None:
        methods = [getattr(owner, name) for name in dir(owner)]
        wrapped = [method for method in methods if hasattr(method, "__wrapped__")]
        assert [each for each in wrapped if "Steps" in str(inspect.signature(each))] == []
        assert [each for each in wrapped if "Steps" in str(each.__annotations__)] == []

    def test_help_shows_the_type_of_what_is_found(self) -> None:
        def returned(method: Any) -> Any:
            return inspect.signature(method).return_annotation

        assert returned(App.find) == returned(App.afind) == "JobView | None"
        assert returned(Monitor.queues) == returned(Monitor.aqueues) == list[QueueView]
        assert returned(Failures.find) == Iterator[JobView]
        assert returned(Failures.afind) == AsyncIterator[JobView]
        assert "-> 'JobView | None'" in pydoc.plain(pydoc.render_doc(App.find))


class TestAnswers:
    def test_an_awaited_method_answers_as_the_one_that_blocks(self, app: App) -> None:
        queued = Ship.enqueue(1)
        delayed = Ship.using(delay=60).enqueue(2, fragile=True)
        failed = Ship.using(queue="bad").enqueue(-1)
        drain(app, "bad")
        monitor, failures = app.monitor, app.failures
        pairs: list[tuple[Callable[..., Any], Callable[..., Any], tuple[Any, ...]]] = [
            *[(app.find, app.afind, (id,)) for id in (queued.id, delayed.id, failed.id, "none")],
            (monitor.find, monitor.afind, (queued.id, "harbor")),
            (monitor.queue_names, monitor.aqueue_names, ()),
            (monitor.counts, monitor.acounts, ()),
            (monitor.series, monitor.aseries, ()),
            (monitor.peek, monitor.apeek, ("harbor",)),
            (monitor.delayed, monitor.adelayed, ("harbor",)),
            (monitor.knows, monitor.aknows, ("harbor",)),
            (monitor.holder, monitor.aholder, ("harbor", "nobody")),
            (monitor.workers, monitor.aworkers, ()),
            (monitor.running_jobs, monitor.arunning_jobs, ()),
            (monitor.paused_since, monitor.apaused_since, ()),
            (failures.newest, failures.anewest, (5,)),
            (failures.count, failures.acount, (Ship,)),
            (failures.summary, failures.asummary, ()),
        ]

        async def program() -> list[Any]:
            answers = [await awaited(*words) for _, awaited, words in pairs]
            iterated = [monitor.afailed(), failures.afind(Ship), monitor.aclaims("harbor")]
            return [*answers, *[await collected(each) for each in iterated]]

        expected = [blocks(*words) for blocks, _, words in pairs]
        expected += [list(monitor.failed()), list(failures.find(Ship)), []]
        assert run(program()) == expected
        views = run(monitor.aqueues())
        assert [(each.name, each.queued, each.failed) for each in views] == [
            ("bad", 0, 1),
            ("harbor", 1, 0),
        ]

    def test_a_web_handler_can_do_all_it_needs_without_blocking(self, app: App) -> None:
        async def program() -> None:
            first, second = await Ship.aenqueue_many([(1,), {"crate": 2, "fragile": True}])
            later = await buoy.aenqueue(Ship, 3)
            timed = await Ship.using(delay=60).aenqueue(4)
            pushed = await app.apush(Ship.name, [5], queue="harbor")
            assert (await app.adequeue(first.id), await app.adequeue(Ship, 2, True)) == (
                [first.id],
                [second.id],
            )
            assert await app.acancel(later.id) == "queued"
            assert await app.areschedule(timed.id) == [timed.id]
            assert await app.aedit(pushed.id, args=[-5]) == "edited"
            assert (await app.arun_now(timed.id)).kind == "queued"
            assert await app.arelease("harbor", "nobody") is None
            assert await app.acancel("none") is None
            moved = await app.amove("harbor", "dock")
            assert (moved.count, moved.skipped) == (2, {})
            assert (await app.amove("dock", "pier")).count == 2
            assert await app.arepair("harbor") == []
            [built] = await app.asubmit_many([app.build(Ship, 6)])
            assert (await app.asubmit(app.build(Ship, 7))).state == built.state == "queued"

        run(program())
        assert drain(app, "pier", "harbor") == {"done": 3, "failed": 1}

    def test_failed_jobs_are_retried_removed_and_restored(self, app: App) -> None:
        ids = [handle.id for handle in Ship.enqueue_many([(-1,), (-2,), (-3,)])]
        drain(app, "harbor")

        async def program() -> None:
            assert (await app.aretry(ids[0])).kind == "queued"
            assert (await app.failures.aretry([ids[1]], to="slow"))[ids[1]].kind == "queued"
            assert await app.failures.aremove([ids[2]]) == [ids[2]]
            assert await app.failures.akeep(0) == []

        run(program())
        found = [app.find(id) for id in ids[:2]]
        assert [view and (view.queue, view.state) for view in found] == [
            ("harbor", "queued"),
            ("slow", "queued"),
        ]

    def test_queues_are_paused_and_resumed(self, app: App) -> None:
        async def program() -> None:
            control = app.control
            assert await control.apause("harbor") is True
            assert await control.apause("harbor", resume=True) is True
            assert (await control.apause_all(), await control.apause_all()) == (True, False)
            assert await app.monitor.apaused_since() is not None
            assert (await control.aresume_all(), await control.aresume_all()) == (True, False)

        run(program())

    def test_an_error_of_redis_is_raised_as_by_the_one_that_blocks(self, buoy_app: App) -> None:
        Ship.enqueue(1)
        buoy_app.command("SET", buoy_app.key("harbor", "jobs"), "x")

        with pytest.raises(BrokerError) as blocks:
            buoy_app.cancel("a1")
        with pytest.raises(BrokerError) as awaits:
            run(buoy_app.acancel("a1"))

        assert str(awaits.value) == str(blocks.value)


class Shelf:
    """Takes steps without Redis: each command is answered by its own words."""

    asked: int = 0

    def run_steps(self, steps: Generator[Any, Any, T]) -> T:
        try:
            commands = next(steps)
            while True:
                self.asked += 1
                commands = steps.send([list(command) for command in commands])
        except StopIteration as end:
            result: T = end.value
            return result

    async def arun_steps(self, steps: RedisSteps[T]) -> T:
        return self.run_steps(steps)

    @blocking
    def word(self, word: str) -> RedisSteps[str]:
        """Return a word."""
        [[answer]] = yield [[word]]
        return str(answer)

    aword = awaiting(word)

    @blocking_pages
    def numbers(self, *pages: list[int]) -> PageSteps[int]:
        """Return numbers."""
        for page in pages:
            yield [["READ"]]
            yield Page(page)

    anumbers = awaiting_pages(numbers)

    @blocking
    def both(self) -> RedisSteps[str]:
        """Return two words."""
        return (yield from steps_of(self.word, "a")) + (yield from steps_of(self.word, "b"))


class TestPages:
    def test_steps_contain_those_of_other_methods(self) -> None:
        assert (Shelf().both(), run_alone(Shelf().aword("x"))) == ("ab", "x")

    def test_no_page_is_read_before_it_is_needed(self) -> None:
        shelf = Shelf()
        numbers = shelf.numbers([1, 2], [], [3])

        assert [next(numbers), next(numbers), shelf.asked] == [1, 2, 1]
        assert (list(numbers), shelf.asked) == ([3], 3)

        assert run_alone(collected(shelf.anumbers([1, 2], [3]))) == [1, 2, 3]

    def test_the_first_things_are_read_and_no_page_after_them(self) -> None:
        shelf = Shelf()
        pages = pages_of(shelf.numbers, [1, 2], [3, 4], [5])

        assert shelf.run_steps(first_of(pages, 3)) == [1, 2, 3]
        assert shelf.asked == 2

    def test_pages_are_changed_one_by_one(self) -> None:
        shelf = Shelf()
        doubled = map_pages(lambda page: [2 * n for n in page], pages_of(shelf.numbers, [1], [2]))

        assert shelf.run_steps(all_of(doubled)) == [2, 4]

    @pytest.mark.parametrize(
        "sources",
        [
            [],
            [[]],
            [[[1, 4], [6]], [[2], [], [3, 7]], [[5]]],
            [[[1], [1]], [[1, 1]], [[0, 2]]],
            [[[], []], [[3]]],
        ],
    )
    def test_sources_in_order_are_merged_in_order(self, sources: list[list[list[int]]]) -> None:
        shelf = Shelf()
        pages = [pages_of(shelf.numbers, *source) for source in sources]

        merged = shelf.run_steps(all_of(merge_pages(pages, key=float)))

        assert merged == sorted(n for source in sources for page in source for n in page)


def run_alone(program: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(program)
