"""The options of Status, and the errors of wrong use."""

import asyncio
import re
import time
from typing import Any

import pytest

from buoy import App, ConfigurationError, InvalidArguments
from buoy.errors import BrokerError
from buoy.testing import FakeWorker, drain, plugin_contract
from buoy_status import Status, await_for, cancel, status, wait_for
from tests.support.processes import wait_until

from .shop import Brief, Checkout, Discreet, Plain, Small, fail, state_of


class TestOptions:
    def test_with_result_off_no_result_is_kept(self, buoy_app: App) -> None:
        Discreet.enqueue(42)
        drain(buoy_app)

        found = state_of(Discreet, 42)
        assert (found.state, found.result, found.missing) == ("done", None, None)

    def test_a_result_larger_than_max_result_is_missing(
        self, buoy_app: App, inside: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        handle = Small.enqueue(42)
        inside(lambda job: "x" * 99)
        assert drain(buoy_app) == {"done": 1}

        found = state_of(Small, 42)
        assert (found.state, found.result) == ("done", None)
        assert found.missing == (
            "result: expected at most 20 bytes of JSON, got 101; "
            "store it elsewhere and return its key, or raise max_result"
        )
        assert caplog.messages == [f"<{Small.name} {handle.id} attempt 1>: {found.missing}"]

    def test_an_end_is_kept_for_ttl_seconds(self, buoy_app: App) -> None:
        handle = Brief.enqueue(42)
        drain(buoy_app)

        wait_until(lambda: status(Brief, 42) is None)
        wait_until(lambda: status(handle) is None)
        wait_until(lambda: buoy_app.command("KEYS", "*status:*") == [])

    @pytest.mark.parametrize(("hours_ago", "hours_left"), [(0, 30), (5, 30), (7, 24), (-1, 24)])
    def test_a_job_that_took_longer_than_ttl_is_found_by_its_arguments(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch, hours_ago: int, hours_left: int
    ) -> None:
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() - hours_ago * 3600)
        Checkout.enqueue(42)
        monkeypatch.setattr(time, "time", real)
        drain(buoy_app)

        [last] = buoy_app.command("KEYS", "*status:last*")
        left = buoy_app.command("PTTL", last)
        assert left == pytest.approx(hours_left * 3_600_000, abs=60_000)

    def test_a_live_job_is_known_after_ttl_seconds(
        self, buoy_app: App, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its end is kept for as long again. So that is a day, which has passed at once."""
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() - 40 * 3600)
        handle = Checkout.enqueue(42)
        monkeypatch.setattr(time, "time", real)
        for key in buoy_app.command("KEYS", "*status:*"):
            assert 0 < buoy_app.command("PTTL", key) < 40 * 3_600_000
            buoy_app.command("PEXPIRE", key, 0)
        assert buoy_app.command("KEYS", "*status:*") == []

        assert state_of(Checkout, 42).state == state_of(handle).state == "queued"
        held = worker.take()
        assert state_of(Checkout, 42).state == state_of(handle).state == "running"
        worker.run(held)
        assert state_of(Checkout, 42).state == state_of(handle).state == "done"

    def test_every_key_expires(self, buoy_app: App, inside: Any) -> None:
        Checkout.enqueue(1)
        drain(buoy_app)
        Checkout.enqueue(2)
        inside(fail)
        drain(buoy_app)
        cancel(Checkout.enqueue(3))
        Checkout.using(delay=1000).enqueue(4)

        for key in buoy_app.command("KEYS", "*status:*"):
            assert 0 < buoy_app.command("PTTL", key) <= 1.25 * 86_400_000 + 1_000_000, key

    def test_a_cancelled_job_is_kept_for_ttl_seconds(self, buoy_app: App) -> None:
        handle = Brief.enqueue(42)
        cancel(handle)

        wait_until(lambda: status(handle) is None)

    def test_a_delayed_job_is_kept_until_ttl_seconds_after_it_is_due(self, buoy_app: App) -> None:
        for call in (
            Checkout.using(delay=1000),
            Checkout.using(at=time.time() + 1000),
        ):
            handle = call.enqueue(42)
            key = buoy_app.key("purchasing", "status", "record", handle.id)
            assert buoy_app.command("PTTL", key) == pytest.approx(87_400_000, abs=60_000)


class TestMistakes:
    def test_a_class_without_the_plugin_is_refused(self, buoy_app: App) -> None:
        with pytest.raises(ConfigurationError) as raised:
            status(Plain)
        assert str(raised.value) == (f"{Plain.name}: expected Status() among its plugins, got none")

    def test_an_object_that_is_no_job_is_refused(self) -> None:
        with pytest.raises(ConfigurationError) as raised:
            status(42)  # type: ignore[call-overload]
        assert str(raised.value) == (
            "status: expected a job class, a handle, a state or an id, got 42"
        )

    @pytest.mark.parametrize("ask", [wait_for, cancel, lambda job: asyncio.run(await_for(job))])
    def test_wait_and_cancel_refuse_a_class(self, buoy_app: App, ask: Any) -> None:
        with pytest.raises(ConfigurationError) as raised:
            ask(Checkout)
        assert str(raised.value) == (
            f"expected the handle, the state or the id of a job, got {Checkout!r}; "
            "by its class and arguments, status(Checkout, 42) finds the state"
        )

    def test_status_checks_arguments_as_enqueue_does(self, buoy_app: App) -> None:
        with pytest.raises(InvalidArguments, match="expected arguments for perform"):
            status(Checkout)  # type: ignore[call-overload]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"ttl": 0}, "Status.ttl: expected more than 0 seconds, less than 10 ** 9, got 0"),
            (
                {"ttl": float("inf")},
                "Status.ttl: expected more than 0 seconds, less than 10 ** 9, got inf",
            ),
            (
                {"ttl": "1h"},
                "Status.ttl: expected more than 0 seconds, less than 10 ** 9, got '1h'",
            ),
            ({"result": "no"}, "Status.result: expected True or False, got 'no'"),
            ({"max_result": 1.5}, "Status.max_result: expected 1 to 8388608 bytes, got 1.5"),
            ({"max_result": "9"}, "Status.max_result: expected 1 to 8388608 bytes, got '9'"),
            ({"max_result": 0}, "Status.max_result: expected 1 to 8388608 bytes, got 0"),
            (
                {"max_result": 10**9},
                "Status.max_result: expected 1 to 8388608 bytes, got 1000000000",
            ),
        ],
    )
    def test_options_are_checked(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigurationError, match=f"^{re.escape(message)}$"):
            Status(**options)

    def test_keys_of_a_wrong_type_do_not_make_the_job_fail(
        self, buoy_app: App, caplog: pytest.LogCaptureFixture
    ) -> None:
        handle = Checkout.enqueue(42)
        for part in ("record", "wakeup", "progress"):
            key = buoy_app.key("purchasing", "status", part, handle.id)
            buoy_app.command("DEL", key)
            buoy_app.command("HSET", key, "not", "ours")

        with pytest.raises(BrokerError, match="WRONGTYPE"):
            status(handle)
        assert drain(buoy_app) == {"done": 1}
        assert "WRONGTYPE" in caplog.text  # that of the wakeup stream, in the log of the worker
        assert buoy_app.command("GET", buoy_app.key("purchasing", "status", "record", handle.id))


@pytest.mark.parametrize("plugin", [Status(), Status(ttl=1, result=False)])
def test_status_keeps_the_plugin_contract(buoy_app: App, plugin: Status) -> None:
    plugin_contract(plugin)
