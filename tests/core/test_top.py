"""``buoy top``: as a user sees it, with a real Redis."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from click.testing import CliRunner
from rich.text import Text
from textual.containers import VerticalScroll
from textual.pilot import Pilot

from buoy import App, Job
from buoy.cli import main
from buoy.cli.top.dialogs import Page, Question
from buoy.cli.top.reading import read
from buoy.cli.top.screen import Top
from buoy.cli.top.table import TopTable
from buoy.connection.client import RawArg
from buoy.embedded.server import Server
from buoy.model.reservation import Reservation
from buoy.testing import Clock, FakeWorker, drain
from buoy.worker.registration import WorkerRegistration
from tests.support.processes import WITHIN
from tests.support.pty_process import in_terminal

SIZES = [(80, 24), (200, 60)]


class Charge(Job):
    queue = "payments"

    def perform(self, number: int, note: str = "") -> None:
        if note:
            raise ValueError(note)


class Screen:
    """What a test reads on the screen, and does there."""

    def __init__(self, top: Top, pilot: Pilot[None]) -> None:
        self.top, self.pilot = top, pilot

    def rows(self, table: str) -> list[str]:
        found = self.table(table)
        return [
            "  ".join(str(cell) for cell in found.get_row_at(n)) for n in range(found.row_count)
        ]

    def columns(self, table: str) -> list[str]:
        return [str(column.label) for column in self.table(table).ordered_columns]

    def table(self, name: str) -> TopTable:
        return self.top.tables[name]

    def title(self, table: str) -> str:
        return str(self.table(table).border_title)

    @property
    def status(self) -> str:
        return self.top.said

    @property
    def window(self) -> str:
        """The text of the window in front."""
        assert isinstance(self.top.screen, Page | Question)
        return self.top.screen.text

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the screen shows something."""
        last = time.monotonic() + WITHIN
        while not condition():
            assert time.monotonic() < last, f"not shown in time; status: {self.status!r}"
            await self.pilot.pause(0.01)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def answer(self, key: str, answer: str) -> str:
        """Press a key that asks something, and answer; returns the question."""
        await self.press(key)
        await self.until(lambda: isinstance(self.top.screen, Question))
        question = self.window
        await self.press(answer)
        await self.until(lambda: not isinstance(self.top.screen, Question))
        return question


Story = Callable[[Screen], Awaitable[None]]


def watch(app: App, story: Story, size: tuple[int, int] = (120, 40)) -> None:
    """Run ``buoy top`` on a screen of this size while a story is told."""

    async def tell() -> None:
        top = Top(app, 0.2)
        async with top.run_test(size=size) as pilot:
            screen = Screen(top, pilot)
            await screen.until(lambda: screen.title("workers") != "workers")
            await story(screen)

    asyncio.run(tell())


@pytest.fixture
def worker(buoy_app: App) -> FakeWorker:
    """A worker that is listed, and takes jobs when the test says so."""
    registration = WorkerRegistration(
        buoy_app.broker, "worker-1", queues="payments", executor="fork", slots=2
    )
    registration.publish()
    return FakeWorker(buoy_app, "payments", "worker-1")


@pytest.fixture
def running(worker: FakeWorker) -> Reservation:
    """A job that this worker runs."""
    Charge.enqueue(42)
    return worker.take()


def fail(*notes: str) -> None:
    for number, note in enumerate(notes):
        Charge.enqueue(number, note)
    drain(Job.app)


# What is shown


@pytest.mark.parametrize("size", SIZES)
def test_it_shows_queues_workers_and_failures(
    buoy_app: App, running: Reservation, size: tuple[int, int]
) -> None:
    Charge.using(queue="mail", delay=60).enqueue(1)
    Charge.using(queue="broken").enqueue(2, "no money")
    drain(buoy_app, "broken")

    async def story(screen: Screen) -> None:
        columns = screen.columns("queues")
        queues = [dict(zip(columns, row.split("  "), strict=True)) for row in screen.rows("queues")]
        assert [queue["queue"] for queue in queues] == ["broken", "mail", "payments"]
        assert queues[0]["failed"] == queues[1]["delayed"] == queues[2]["running"] == "1"
        [worker] = screen.rows("workers")
        assert worker.startswith("worker-1  running  1/2  ")
        cells = dict(zip(screen.columns("workers"), worker.split("  "), strict=True))
        assert cells["args"] == "[42]"
        assert re.fullmatch(r"\d+ ms|[\d.]+ s", cells["for"])
        [failure] = screen.rows("failures")
        assert "broken  ValueError  no money" in failure
        assert screen.title("failures") == "failures (1)"

    watch(buoy_app, story, size)


def test_it_shows_how_long_jobs_have_waited(buoy_app: App, buoy_clock: Clock) -> None:
    Charge.enqueue(1)
    buoy_clock.advance(9030)

    async def story(screen: Screen) -> None:
        cells = dict(
            zip(screen.columns("queues"), screen.rows("queues")[0].split("  "), strict=True)
        )
        assert cells["latency"].startswith("2 h 30 m")
        await screen.press("enter")
        await screen.until(lambda: isinstance(screen.top.screen, Page))
        assert "latency      2 h 30 m" in screen.window

    watch(buoy_app, story)


def test_a_page_of_a_worker_has_units(buoy_app: App, worker: FakeWorker) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("tab", "enter")
        await screen.until(lambda: isinstance(screen.top.screen, Page))
        assert re.search(r"^memory       (0 B|[\d.]+ [KM]iB)$", screen.window, re.MULTILINE)

    watch(buoy_app, story)


def test_a_reading_takes_few_round_trips(buoy_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        Charge.using(queue=f"queue-{number}").enqueue(number, "no money")
    drain(buoy_app)
    client, trips = buoy_app.broker.client, 0
    send = client.calls

    def counted(commands: Sequence[Sequence[RawArg]]) -> list[Any]:
        nonlocal trips
        trips += 1
        return send(commands)

    monkeypatch.setattr(client, "calls", counted)

    shown = read(buoy_app)

    assert len(shown.failures) == 50
    assert trips < 12


def test_it_follows_what_changes(buoy_app: App) -> None:
    async def story(screen: Screen) -> None:
        assert screen.rows("queues") == []
        Charge.enqueue_many([(number,) for number in range(500)])
        await screen.until(lambda: screen.rows("queues"))
        drain(buoy_app)
        await screen.until(lambda: screen.rows("queues")[0].startswith("payments  0  "))
        place = screen.columns("queues").index("out/s")
        await screen.until(lambda: screen.rows("queues")[0].split("  ")[place] not in ("0", "<0.1"))

    watch(buoy_app, story)


def test_the_newest_failures_of_many_are_shown(buoy_app: App) -> None:
    fail(*(f"failure {number}" for number in range(130)))

    async def story(screen: Screen) -> None:
        assert screen.title("failures") == "failures (100 of 130)"
        assert "failure 129" in screen.rows("failures")[0]
        assert "failure 30" in screen.rows("failures")[-1]

    watch(buoy_app, story)


def test_the_cursor_stays_on_its_row(buoy_app: App) -> None:
    for queue in ("b", "c"):
        Charge.using(queue=queue).enqueue(1)

    async def story(screen: Screen) -> None:
        await screen.press("down")
        Charge.using(queue="a").enqueue(1)
        await screen.until(lambda: len(screen.rows("queues")) == 3)
        current = screen.table("queues").current
        assert current is not None
        assert current.key == "c"

    watch(buoy_app, story)


def test_hostile_text_is_shown_as_it_is(buoy_app: App) -> None:
    fail("[red]not markup[/red] [/oops] \x1b[31m \u202e")

    async def story(screen: Screen) -> None:
        assert "[red]not markup[/red]" in screen.rows("failures")[0]
        await screen.press("tab", "tab", "enter")
        await screen.until(lambda: isinstance(screen.top.screen, Page))
        assert r"[red]not markup[/red] [/oops] \x1b[31m \u202e" in screen.window
        assert "Traceback" in screen.window
        assert re.search(r"\nrun_time     (0 s|\d+ ms|[\d.]+ s)\n", screen.window)

    watch(buoy_app, story)


def test_a_job_may_have_an_id_with_brackets(buoy_app: App) -> None:
    Charge.using(id="job a[/x]").enqueue(1, "no money")
    drain(buoy_app)

    async def story(screen: Screen) -> None:
        await screen.press("tab", "tab", "enter")
        await screen.until(lambda: isinstance(screen.top.screen, Page))
        title = screen.top.screen.query_one(VerticalScroll).border_title
        assert Text.from_markup(str(title)).plain == "job job a[/x]"

    watch(buoy_app, story)


def test_failures_that_no_worker_has_written_are_shown(buoy_app: App) -> None:
    fail("no money")
    [view] = buoy_app.monitor.failed()
    odd = {"error": ["no", "text"], "message": {"a": 1}, "seconds": 10**400, "peak_memory": "x"}
    payload = json.dumps(json.loads(view.raw) | {"failure": odd | {"traceback": 5, "class": "y"}})
    buoy_app.command("HSET", buoy_app.key("payments", "jobs"), view.id, payload)

    async def story(screen: Screen) -> None:
        assert '["no", "text"]' in screen.rows("failures")[0]
        await screen.press("tab", "tab", "enter")
        await screen.until(lambda: isinstance(screen.top.screen, Page))
        assert 'message      {"a": 1}' in screen.window

    watch(buoy_app, story)


def test_it_says_that_redis_is_away_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server:
        app = App(server.url)
        monkeypatch.setattr(Charge, "app", app)
        Charge.enqueue(1)

        async def story(screen: Screen) -> None:
            server.stop()
            await screen.until(lambda: "Redis cannot be reached" in screen.status)
            assert screen.rows("queues")  # the last reading
            await screen.press("p")
            await screen.press("tab", "question_mark")
            await screen.until(lambda: isinstance(screen.top.screen, Page))

        watch(app, story)


# Keys


def test_p_pauses_and_resumes_a_queue(buoy_app: App) -> None:
    Charge.enqueue(1)

    async def story(screen: Screen) -> None:
        await screen.press("p")
        await screen.until(lambda: screen.status == "queue payments is paused")
        await screen.until(lambda: screen.rows("queues")[0].endswith("paused"))
        assert buoy_app.monitor.queues()[0].paused
        await screen.press("p")
        await screen.until(lambda: screen.status == "queue payments is resumed")
        assert not buoy_app.monitor.queues()[0].paused

    watch(buoy_app, story)


def test_capital_p_pauses_everything_after_a_question(buoy_app: App) -> None:
    Charge.enqueue(1)

    async def story(screen: Screen) -> None:
        await screen.answer("P", "y")
        await screen.until(lambda: screen.status == "everything is paused")
        assert buoy_app.monitor.paused_since() is not None
        await screen.until(lambda: screen.top.is_paused)
        assert await screen.answer("P", "y") == "Resume everything?"
        await screen.until(lambda: screen.status == "everything is resumed")
        assert buoy_app.monitor.paused_since() is None

    watch(buoy_app, story)


def test_c_cancels_the_job_of_a_worker_after_a_question(
    buoy_app: App, running: Reservation
) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("tab")
        assert f"Cancel job {running.id} ({Charge.name})?" in await screen.answer("c", "n")
        assert buoy_app.find(running.id) is not None
        await screen.answer("c", "y")
        await screen.until(lambda: screen.status.startswith(f"job {running.id} is cancelled"))
        assert buoy_app.find(running.id) is None
        await screen.until(lambda: "0/2" in screen.rows("workers")[0])
        await screen.press("c")
        await screen.until(lambda: screen.status == "this worker runs no job")

    watch(buoy_app, story)


@pytest.mark.parametrize(("key", "command"), [("p", "quiet"), ("s", "stop")])
def test_workers_are_told_to_pause_and_to_stop(
    buoy_app: App, worker: FakeWorker, key: str, command: str
) -> None:
    async def story(screen: Screen) -> None:
        await screen.press("tab")
        await (screen.answer(key, "y") if command == "stop" else screen.press(key))
        await screen.until(lambda: screen.status == f"worker worker-1: {command}")
        assert buoy_app.monitor.workers()[0].command == command

    watch(buoy_app, story)


def test_r_retries_a_failure(buoy_app: App) -> None:
    fail("no money", "no card")

    async def story(screen: Screen) -> None:
        await screen.press("tab", "tab", "down", "r")
        await screen.until(lambda: screen.status.endswith("is queued again"))
        await screen.until(lambda: len(screen.rows("failures")) == 1)
        assert "no card" in screen.rows("failures")[0]

    watch(buoy_app, story)


def test_keys_do_nothing_in_tables_that_do_not_know_them(buoy_app: App) -> None:
    Charge.enqueue(1)

    async def story(screen: Screen) -> None:
        await screen.press("r", "c", "s", "tab", "p")
        await screen.pilot.pause()
        assert screen.status == ""

    watch(buoy_app, story)


# The command


def test_it_runs_in_a_terminal_and_ends_with_q(buoy_app: App, buoy_server: Server) -> None:
    Charge.enqueue(1)
    for key in ("q", "\x03"):
        with in_terminal("top", url=buoy_server.url) as screen:
            screen.wait_for("payments")
            screen.press(key)
            assert screen.end() == 0


def test_it_wants_a_terminal() -> None:
    result = CliRunner().invoke(main, ["top"])

    assert result.exit_code == 2
    assert "expected a terminal; in a pipe, use buoy queues, workers, failed" in result.output


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual", None)

    result = CliRunner().invoke(main, ["top"])

    assert result.exit_code == 1
    assert 'pip install "buoy[tui]"' in result.output


def test_it_ends_at_once_though_redis_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    with Server() as server:
        monkeypatch.setattr(Charge, "app", App(server.url))
        Charge.enqueue(1)
        with in_terminal("top", "--interval", "0.2", url=server.url) as screen:
            screen.wait_for("payments")
            os.kill(server.pid or 0, signal.SIGSTOP)
            try:
                screen.press("q")
                assert screen.end(20.0) == 0  # sooner than it gives Redis up
            finally:
                os.kill(server.pid or 0, signal.SIGCONT)
