import json
import signal
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from buoy import App, Job
from buoy.cli import main
from buoy.embedded.server import Server
from buoy.errors import BrokerError
from buoy.model.reservation import RoundTripRequest
from buoy.operations.worker_commands import forget, send_command, signal_of
from buoy.worker.registration import ID, worker_id


class Charge(Job):
    def perform(self) -> None: ...


def run(*words: str, code: int = 0) -> str:
    result: Result = CliRunner().invoke(main, ["workers", *words])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def seen(buoy_app: App) -> Callable[..., None]:
    """Writes the card of a worker as its heartbeat does."""

    def seen(id: str, state: str = "running") -> None:
        buoy_app.command("HSET", f"buoy:worker:{id}", "state", state)
        buoy_app.command("PEXPIRE", f"buoy:worker:{id}", 30_000)
        buoy_app.command("ZADD", "buoy:workers", 1000, id)

    return seen


Seen = Callable[..., None]


def commands(app: App) -> dict[str, Any]:
    return {view.id: view.command for view in app.monitor.workers()}


class TestTelling:
    @pytest.mark.parametrize("word", ["stop", "quiet", "resume"])
    def test_a_command_is_for_all_workers_unless_some_are_named(
        self, buoy_app: App, seen: Seen, word: str
    ) -> None:
        seen("w-1")
        seen("w-2")

        assert run(word, "w-2") == f"w-2: {word}\n"
        assert commands(buoy_app) == {"w-1": None, "w-2": word}

        assert run(word) == f"w-1: {word}\nw-2: {word}\n"
        assert commands(buoy_app) == {"w-1": word, "w-2": word}

    def test_without_workers_there_is_nobody_to_tell(self, buoy_app: App) -> None:
        assert run("stop") == "no workers\n"

    def test_a_worker_that_is_unknown_or_gone_cannot_be_told(
        self, buoy_app: App, seen: Seen
    ) -> None:
        seen("w-1")
        buoy_app.command("ZADD", "buoy:workers", 1000, "w-2")

        for id in ("w-2", "w-3"):
            assert run("stop", "w-1", id, code=1) == (
                f"Error: expected the id of a worker, got '{id}'; see buoy workers\n"
            )
        assert commands(buoy_app) == {"w-1": None, "w-2": None}

    def test_a_command_brings_no_worker_back(self, buoy_app: App) -> None:
        buoy_app.command("ZADD", "buoy:workers", 1000, "w-1")

        assert send_command(buoy_app.broker, "stop", ["w-1"]) == {"w-1": False}

        [view] = buoy_app.monitor.workers()
        assert view.gone
        assert buoy_app.command("EXISTS", "buoy:worker:w-1") == 0

    def test_a_worker_that_goes_meanwhile_is_named(
        self, buoy_app: App, seen: Seen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen("w-1")
        seen("w-2")
        there = buoy_app.monitor.workers()
        monkeypatch.setattr(buoy_app.monitor, "workers", lambda: there)
        buoy_app.command("DEL", "buoy:worker:w-1")

        assert run("stop", code=1) == "w-1: is gone\nw-2: stop\n"

    def test_a_worker_command_without_the_right_to_write_is_an_error(
        self, buoy_server: Server, buoy_app: App, seen: Seen
    ) -> None:
        seen("w-1")
        buoy_app.command("ACL", "SETUSER", "lax", "on", ">x", "~*", "+@all", "-hset")
        url = buoy_server.url.replace("unix://", "unix://lax:x@")

        with pytest.raises(BrokerError, match=r"ermission|can't run this command"):
            send_command(App(url).broker, "stop", ["w-1"])

        assert commands(buoy_app) == {"w-1": None}

    def test_a_known_command_is_handled_as_a_signal(self) -> None:
        assert signal_of(b"stop 17") == signal.SIGTERM
        assert signal_of(b"quiet 17") == signal.SIGUSR2
        assert signal_of(b"resume 17") == signal.SIGCONT
        assert signal_of(b"dance 17") is None

    def test_a_pending_worker_command_is_listed(self, buoy_app: App, seen: Seen) -> None:
        seen("w-1")
        run("quiet")

        [row] = json.loads(run("--json"))
        assert (row["id"], row["state"], row["command"]) == ("w-1", "running", "quiet")


class TestForgetting:
    def test_a_forgotten_worker_is_no_longer_listed(self, buoy_app: App) -> None:
        buoy_app.command("ZADD", "buoy:workers", 1000, "w-1", 1000, "w-2")

        assert run("forget", "w-1") == "w-1: forgotten\n"
        assert [view.id for view in buoy_app.monitor.workers()] == ["w-2"]

    def test_a_worker_that_works_or_is_unknown_cannot_be_forgotten(
        self, buoy_app: App, seen: Seen
    ) -> None:
        seen("w-1")

        for id in ("w-1", "w-2"):
            assert run("forget", id, code=1) == (
                f"Error: expected the id of a worker that is gone, got '{id}'; see buoy workers\n"
            )
        assert run("forget", code=2)

    def test_a_worker_that_comes_back_meanwhile_is_not_forgotten(
        self, buoy_app: App, seen: Seen
    ) -> None:
        seen("w-1")

        assert not forget(buoy_app.broker, "w-1")
        assert len(buoy_app.monitor.workers()) == 1


class TestWaiting:
    def take_one(self, app: App, worker: str) -> None:
        Charge.enqueue()
        app.broker.advance_queue(worker, RoundTripRequest("default", 1, 1))

    def test_workers_without_jobs_are_at_rest(self, buoy_app: App, seen: Seen) -> None:
        assert run("wait") == ""
        seen("w-1")
        seen("w-2", "paused")
        assert run("wait") == ""

    def test_jobs_in_flight_are_waited_for(self, buoy_app: App, seen: Seen) -> None:
        seen("w-1")
        seen("w-2")
        self.take_one(buoy_app, "w-1")

        said = run("wait", "--timeout", "0.1", code=1)

        assert said == "Error: not at rest after 0.1 s:\n  w-1: jobs in flight: 1\n"
        assert run("wait", "w-2") == ""
        ended = "host-17-0a1b2c"
        assert run("wait", ended) == f"{ended}: this worker is not there, or has ended\n"

    @pytest.mark.parametrize("id", ["w-3", "host-17-0A1B2C", "host-17-0a1b2c ", "*"])
    def test_what_no_worker_can_be_called_is_not_waited_for(self, buoy_app: App, id: str) -> None:
        said = run("wait", id, code=1)

        assert said == f"Error: expected the id of a worker, got {id!r}; see buoy workers\n"

    def test_workers_have_such_ids(self) -> None:
        assert ID.fullmatch(worker_id())

    def test_wait_waits_until_commands_are_obeyed(self, buoy_app: App, seen: Seen) -> None:
        seen("w-1")
        seen("w-2")
        seen("w-3", "stopping")
        run("quiet", "w-1")
        run("stop", "w-2")

        assert run("wait", "--timeout", "0", code=1) == (
            "Error: not at rest after 0 s:\n"
            "  w-1: has not received the command yet\n"
            "  w-2: stopping, jobs in flight: 0\n"
            "  w-3: stopping, jobs in flight: 0\n"
        )
        seen("w-1", "paused")
        assert run("wait", "w-1") == ""

    def test_wait_does_not_wait_for_a_worker_that_is_gone(self, buoy_app: App) -> None:
        buoy_app.command("ZADD", "buoy:workers", 1000, "w-1")
        self.take_one(buoy_app, "w-1")

        assert run("wait") == ""
