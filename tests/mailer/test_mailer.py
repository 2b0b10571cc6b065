"""Calling mailers: with a job and without one."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from buoy import (
    App,
    ConfigurationError,
    EnqueueError,
    InvalidArguments,
    Job,
    Plugin,
    hookimpl,
)
from buoy.cli import main
from buoy.testing import Clock, assert_enqueued, drain
from buoy_mailer import Mail, mail, outbox

from .shop_mailers import ShopMailer, UserMailer, made, subjects


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    made.clear()


class TestJob:
    def test_the_method_runs_in_the_worker(self, buoy_app: App) -> None:
        handle = UserMailer.welcome(42, note="Hello").deliver()

        assert (handle.state, handle.queue, made, outbox) == ("queued", "mail", [], [])
        [view] = buoy_app.monitor.peek("mail")
        assert (view.name, view.args, view.kwargs) == (
            "shop.UserMailer",
            ["welcome", 42, "Hello"],
            {},
        )
        assert drain(buoy_app) == {"done": 1}
        assert made == ["welcome 42 Hello False"]
        [sent] = outbox
        assert (sent.sender, sent.recipients) == ("shop@example.com", ["user42@example.com"])
        assert sent.message["Message-ID"] == f"<{handle.id}@example.com>"

    def test_deliver_in_and_deliver_at_delay_the_job(
        self, buoy_app: App, buoy_clock: Clock
    ) -> None:
        assert UserMailer.welcome(1).deliver_in(3600).state == "delayed"
        assert UserMailer.welcome(2).deliver_in(timedelta(hours=2)).state == "delayed"
        when = datetime.now(UTC) + timedelta(hours=3)
        assert UserMailer.welcome(3).deliver_at(when).state == "delayed"

        for hour in range(4):
            assert drain(buoy_app).total() == (hour > 0)
            buoy_clock.advance(3601)
        assert subjects() == ["Welcome 1", "Welcome 2", "Welcome 3"]

    def test_coroutines_deliver_and_dequeue(self, buoy_app: App) -> None:
        async def program() -> list[str]:
            when = datetime.now(UTC) + timedelta(hours=3)
            handles = [
                await UserMailer.welcome(42).adeliver(),
                await UserMailer.welcome(43).adeliver_in(3600),
                await UserMailer.welcome(44).adeliver_at(when),
            ]
            assert await UserMailer.welcome(44).adequeue() == [handles[2].id]
            await buoy_app.aclose()
            return [handle.state for handle in handles]

        assert asyncio.run(program()) == ["queued", "delayed", "delayed"]
        assert drain(buoy_app) == {"done": 1}
        [later] = buoy_app.monitor.delayed("mail")
        assert later.args == ["welcome", 43]

    def test_a_mail_method_may_be_async(self, buoy_app: App) -> None:
        UserMailer.soon(42).deliver()

        assert drain(buoy_app) == {"done": 1}
        assert outbox[0].message.get_content().strip() == "awaited"

    def test_a_mail_method_may_call_another_and_may_return_none(self, buoy_app: App) -> None:
        UserMailer.reminder(42).deliver()
        UserMailer.reminder(100).deliver()

        assert drain(buoy_app) == {"done": 2}
        assert subjects() == ["Welcome 42"]

    def test_equal_mails_have_equal_identifiers(self, buoy_app: App) -> None:
        one, same = UserMailer.welcome(42).deliver(), UserMailer.welcome(user_id=42).deliver()
        other, third = UserMailer.welcome(43).deliver(), UserMailer.reminder(42).deliver()

        assert one.identifier == same.identifier
        assert len({one.identifier, other.identifier, third.identifier}) == 3
        assert_enqueued(UserMailer, "welcome", 42)
        assert sorted(UserMailer.welcome(42).dequeue()) == [one.id, same.id]
        assert UserMailer.welcome(42).dequeue() == []

    def test_the_next_attempt_gets_the_original_arguments(self, buoy_app: App) -> None:
        UserMailer.bulk([1]).deliver()
        [view] = buoy_app.monitor.peek("mail")
        drain(buoy_app)
        assert (view.args, subjects()) == (["bulk", [1]], ["[1, 0]"])

    def test_plugins_and_queue_are_inherited(self, buoy_app: App) -> None:
        heard: list[str] = []

        @dataclass(frozen=True)
        class Loud(Plugin):
            @hookimpl(wrapper=True)
            def around_perform(self, job: Job) -> Iterator[None]:
                heard.append(f"{job.queue} {job.payload.args}")
                return (yield)

        class Base(ShopMailer):
            queue = "letters"
            plugins = [Loud()]

        class Child(Base):
            @mail
            def hello(self) -> Mail:
                return Mail(to="ann@example.com", subject=f"attempt {self.attempt}", text="")

        class Grandchild(Child):
            @mail
            def hello(self) -> Mail:
                made.append("overridden")
                return super().hello()

        Child.hello().deliver()
        Grandchild.hello().deliver()
        drain(buoy_app)

        assert heard == ["letters ['hello']", "letters ['hello']"]
        assert made == ["overridden"]

    def test_a_mail_can_be_enqueued_by_name_and_by_command(self, buoy_app: App) -> None:
        UserMailer.using(queue="bulk", id="mine").enqueue("welcome", 1)
        buoy_app.push("shop.UserMailer", ["welcome", 2], queue="mail")
        result = CliRunner().invoke(
            main, ["enqueue", "-a", __name__, "shop.UserMailer", '["welcome", 3]']
        )

        assert result.exit_code == 0, result.output
        drain(buoy_app)
        assert sorted(subjects()) == ["Welcome 1", "Welcome 2", "Welcome 3"]


class TestHere:
    def test_deliver_now_needs_no_redis(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Job, "app", App("redis://127.0.0.1:1"))

        UserMailer.welcome(42).deliver_now()
        UserMailer.soon(43).deliver_now()
        UserMailer.reminder(100).deliver_now()

        assert subjects() == ["Welcome 42", "Welcome 43"]
        with pytest.raises(EnqueueError):
            UserMailer.welcome(42).deliver()

    def test_deliver_now_works_on_an_event_loop(self) -> None:
        async def program() -> None:
            UserMailer.soon(42).deliver_now()

        asyncio.run(program())
        assert subjects() == ["Welcome 42"]

    def test_message_returns_the_mail_and_sends_nothing(self) -> None:
        for delivery in (UserMailer.welcome(42), UserMailer.soon(42)):
            assert delivery.message()["To"] == "user42@example.com"
        assert outbox == []

    def test_inline_mode_sends_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Job, "app", App("redis://127.0.0.1:1", inline=True))

        assert UserMailer.welcome(42).deliver().state == "queued"
        assert subjects() == ["Welcome 42"]


class TestSwitches:
    def test_in_excluded_environments_deliver_sends_at_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Job, "app", App("redis://127.0.0.1:1"))
        monkeypatch.setenv("BUOY_ENV", "test")

        handle = UserMailer.welcome(42).deliver_in(3600)

        assert (handle.state, handle.queue) == ("queued", "mail")
        assert outbox[0].message["Message-ID"] == f"<{handle.id}@example.com>"
        assert asyncio.run(UserMailer.welcome(43).adeliver()).state == "queued"
        assert subjects() == ["Welcome 42", "Welcome 43"]

    def test_a_class_may_set_its_excluded_environments(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Quiet(UserMailer):
            excluded_environments = ("ci",)

        monkeypatch.setenv("BUOY_ENV", "test")
        Quiet.welcome(1).deliver()
        assert outbox == []
        monkeypatch.setenv("BUOY_ENV", "ci")
        Quiet.welcome(2).deliver()
        assert subjects() == ["Welcome 2"]

    @pytest.mark.parametrize("by", ["class", "environment"])
    def test_with_perform_deliveries_off_nothing_is_sent(
        self, buoy_app: App, monkeypatch: pytest.MonkeyPatch, by: str
    ) -> None:
        class Switched(UserMailer):
            pass

        before = Switched.welcome(1).deliver()
        if by == "class":
            Switched.perform_deliveries = False
        else:
            monkeypatch.setenv("BUOY_MAIL_DELIVERIES", "0")

        handle = Switched.welcome(2).deliver()
        Switched.welcome(3).deliver_now()

        assert (handle.state, handle.reason) == ("rejected", "perform_deliveries is off")
        assert drain(buoy_app) == {"done": 1}  # what had been enqueued before
        assert buoy_app.find(before.id) is None
        assert outbox == []
        with pytest.raises(InvalidArguments):
            Switched.welcome("1", 2, 3).deliver()  # type: ignore[call-arg, arg-type]
        Switched.perform_deliveries = True
        Switched.welcome(4).deliver_now()
        assert subjects() == ["Welcome 4"]


def test_an_invalid_deliveries_switch_raises_and_sends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BUOY_MAIL_DELIVERIES", "disabled")

    with pytest.raises(ConfigurationError) as raised:
        UserMailer.welcome(42).deliver_now()

    assert str(raised.value) == "BUOY_MAIL_DELIVERIES: expected 0 or 1, got 'disabled'"
    assert outbox == []


def test_a_mail_method_keeps_its_name_and_docstring() -> None:
    assert vars(UserMailer)["welcome"].__doc__ == "Greets a new user."


def test_an_undelivered_call_warns() -> None:
    message = (
        "shop.UserMailer.welcome was called, but not delivered; expected .deliver() after the call"
    )
    with pytest.warns(RuntimeWarning, match=f"^{re.escape(message)}$"):
        UserMailer.welcome(42)


def test_a_delivery_with_an_invalid_time_does_not_warn(
    recwarn: pytest.WarningsRecorder,
) -> None:
    delivery = UserMailer.welcome(42)
    with pytest.raises(ConfigurationError, match=r"^using\(delay\): expected 0 or more seconds"):
        delivery.deliver_in(-1)

    delivery.__del__()

    # What other tests have left behind may be collected now, with warnings of its own.
    assert not [each for each in recwarn if "UserMailer" in str(each.message)]
